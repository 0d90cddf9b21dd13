import { json, service } from "../../x402-middleware/src/index.ts";

export default service({
  name: "token",
  schema: `CREATE TABLE IF NOT EXISTS deployments (id TEXT PRIMARY KEY, contract_address TEXT, owner_wallet TEXT NOT NULL, symbol TEXT NOT NULL, deploy_status TEXT NOT NULL, created_at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS pools (id TEXT PRIMARY KEY, token_id TEXT NOT NULL, pool_address TEXT NOT NULL, created_at INTEGER NOT NULL);`,
  rows: "INSERT INTO deployments VALUES ('tk_11111111', '0x4444444444444444444444444444444444444444', '0x1111111111111111111111111111111111111111', 'TEST', 'confirmed', 1771977600);",
  paid: { "POST /v1/tokens": () => json({ id: "tk_22222222" }, 201) },
});
