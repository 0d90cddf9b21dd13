import { json, service } from "../../x402-middleware/src/index.ts";

export default service({
  name: "email",
  maxBodyMb: 25,
  metrics: true,
  schema: `CREATE TABLE IF NOT EXISTS mailboxes (id TEXT PRIMARY KEY, address TEXT NOT NULL UNIQUE, owner_wallet TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS domains (id TEXT PRIMARY KEY, domain TEXT NOT NULL UNIQUE, owner_wallet TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS webhooks (id TEXT PRIMARY KEY, mailbox_id TEXT NOT NULL, url TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL);`,
  rows: `INSERT INTO mailboxes VALUES ('mbx_11111111', 'agent@email.prim.sh', '0x1111111111111111111111111111111111111111', 'active', 1771977600);
    INSERT INTO webhooks VALUES ('wh_11111111', 'mbx_11111111', 'https://hooks.example.org/mail', 'active', 1771977600);`,
  paid: { "POST /v1/mailboxes": () => json({ id: "mbx_22222222" }, 201) },
});
