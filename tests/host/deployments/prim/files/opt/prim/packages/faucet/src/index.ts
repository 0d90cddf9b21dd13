import { json, network, service } from "../../x402-middleware/src/index.ts";

export default service({
  name: "faucet",
  metrics: true,
  networkPerRequest: true,
  health: () => {
    const { caip2, testnet } = network();
    return json({ service: "faucet.sh", status: "ok", network: caip2, testnet });
  },
  schema: "CREATE TABLE IF NOT EXISTS rate_limits (address TEXT NOT NULL, asset TEXT NOT NULL, last_drip_at INTEGER NOT NULL, PRIMARY KEY (address, asset))",
  rows: "INSERT INTO rate_limits VALUES ('0x1111111111111111111111111111111111111111', 'usdc', 1771977600), ('0x1111111111111111111111111111111111111111', 'eth', 1771977605);",
  free: {
    "POST /v1/faucet/usdc": async (request, { database }) => {
      if (!network().testnet) return json({ error: { code: "faucet_disabled", message: "The faucet works on the test network only" } }, 403);
      const { address } = (await request.json()) as { address: string };
      database!.run("INSERT OR REPLACE INTO rate_limits VALUES (?, 'usdc', unixepoch())", [address]);
      return json({ amount: "10.00", currency: "USDC", status: "stand-in" });
    },
  },
});
