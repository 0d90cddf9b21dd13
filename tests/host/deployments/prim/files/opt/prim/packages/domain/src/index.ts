import { json, service } from "../../x402-middleware/src/index.ts";

export default service({
  name: "domain",
  networkPerRequest: true,
  schema: `CREATE TABLE IF NOT EXISTS zones (id TEXT PRIMARY KEY, domain TEXT NOT NULL UNIQUE, owner_wallet TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS records (id TEXT PRIMARY KEY, zone_id TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, created_at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS quotes (id TEXT PRIMARY KEY, domain TEXT NOT NULL, total_cost_usd TEXT NOT NULL, expires_at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS registrations (id TEXT PRIMARY KEY, domain TEXT NOT NULL, recovery_token TEXT, status TEXT NOT NULL, created_at INTEGER NOT NULL);`,
  rows: `INSERT INTO zones VALUES ('z_11111111', 'example.org', '0x1111111111111111111111111111111111111111', 'active', 1771977600);
    INSERT INTO records VALUES ('r_11111111', 'z_11111111', 'A', 'example.org', '192.0.2.10', 1771977600);`,
  paid: { "POST /v1/zones": () => json({ id: "z_22222222" }, 201) },
});
