import { Database } from "bun:sqlite";
import { json, service } from "../../x402-middleware/src/index.ts";

// The access list of the whole product lives outside the working directory, in a file of its own.
const allowlist = new Database(`${process.env.PRIM_DATA_DIR ?? "/var/lib/prim"}/allowlist.db`, { create: true });
allowlist.exec("CREATE TABLE IF NOT EXISTS allowlist (address TEXT PRIMARY KEY, added_by TEXT NOT NULL, note TEXT, created_at INTEGER NOT NULL)");

/** Null when the caller holds the internal key. */
function stranger(request: Request): Response | null {
  const key = process.env.PRIM_INTERNAL_KEY;
  if (!key) return json({ error: { code: "not_configured", message: "PRIM_INTERNAL_KEY is not set" } }, 501);
  if (request.headers.get("x-internal-key") !== key) return json({ error: { code: "unauthorized", message: "Bad internal key" } }, 401);
  return null;
}

const breaker: Record<string, boolean> = { all: false, send: false, swap: false };
async function setBreaker(request: Request, paused: boolean) {
  const { scope = "all" } = (await request.json().catch(() => ({}))) as { scope?: string };
  if (!(scope in breaker)) return json({ error: { code: "invalid_request", message: "scope is all, send or swap" } }, 400);
  breaker[scope] = paused;
  return json(breaker);
}

export default service({
  name: "wallet",
  metrics: true,
  schema: `CREATE TABLE IF NOT EXISTS wallets (address TEXT PRIMARY KEY, chain TEXT NOT NULL, created_by TEXT NOT NULL, label TEXT, created_at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS policies (wallet_address TEXT PRIMARY KEY, max_per_day TEXT, daily_spent TEXT NOT NULL DEFAULT '0');`,
  rows: `INSERT INTO wallets VALUES
      ('0x1111111111111111111111111111111111111111', 'eip155:84532', '0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'first', 1771977600),
      ('0x2222222222222222222222222222222222222222', 'eip155:84532', '0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'second', 1771977660),
      ('0x3333333333333333333333333333333333333333', 'eip155:84532', '0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', NULL, 1771977720);
    INSERT INTO policies VALUES ('0x1111111111111111111111111111111111111111', '100.00', '12.50');`,
  free: {
    "POST /v1/wallets": (_request, { database }) => {
      const address = `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(20))).toString("hex")}`;
      database!.run("INSERT INTO wallets VALUES (?, ?, ?, NULL, unixepoch())", [address, "eip155:84532", address]);
      return json({ address }, 201);
    },
    "GET /v1/admin/circuit-breaker": () => json(breaker),
    "POST /v1/admin/circuit-breaker/pause": (request) => setBreaker(request, true),
    "POST /v1/admin/circuit-breaker/resume": (request) => setBreaker(request, false),
    "GET /internal/allowlist/check": (request) => {
      const address = new URL(request.url).searchParams.get("address")?.toLowerCase() ?? "";
      return stranger(request) ?? json({ allowed: allowlist.query("SELECT 1 FROM allowlist WHERE address = ?").get(address) !== null });
    },
    "POST /internal/allowlist/add": async (request) => {
      const refused = stranger(request);
      if (refused) return refused;
      const { address } = (await request.json()) as { address: string };
      allowlist.run("INSERT OR IGNORE INTO allowlist VALUES (?, 'internal', NULL, unixepoch())", [address.toLowerCase()]);
      return json({ ok: true });
    },
    "DELETE /internal/allowlist/:address": (request) => {
      const address = new URL(request.url).pathname.split("/").pop()!.toLowerCase();
      const refused = stranger(request);
      if (refused) return refused;
      allowlist.run("DELETE FROM allowlist WHERE address = ?", [address]);
      return json({ ok: true });
    },
  },
  paid: { "POST /v1/wallets/send": () => json({ tx_hash: null, status: "stand-in" }) },
});
