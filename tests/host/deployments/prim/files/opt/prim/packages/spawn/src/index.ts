import { json, service } from "../../x402-middleware/src/index.ts";

export default service({
  name: "spawn",
  metrics: true,
  schema: `CREATE TABLE IF NOT EXISTS servers (id TEXT PRIMARY KEY, provider_resource_id TEXT NOT NULL, owner_wallet TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS ssh_keys (id TEXT PRIMARY KEY, owner_wallet TEXT NOT NULL, name TEXT NOT NULL, fingerprint TEXT NOT NULL, created_at INTEGER NOT NULL);`,
  rows: `INSERT INTO servers VALUES ('srv_11111111', '400000001', '0x1111111111111111111111111111111111111111', 'build', 'running', 1771977600);
    INSERT INTO ssh_keys VALUES ('sk_11111111', '0x1111111111111111111111111111111111111111', 'laptop', 'SHA256:stand-in', 1771977600);`,
  paid: { "POST /v1/servers": () => json({ id: "srv_22222222" }, 201) },
});
