import { json, service } from "../../x402-middleware/src/index.ts";

export default service({
  name: "mem",
  // The only one that answers plain text.
  health: () => new Response("mem.sh"),
  schema: `CREATE TABLE IF NOT EXISTS collections (id TEXT PRIMARY KEY, name TEXT NOT NULL, owner_wallet TEXT NOT NULL, qdrant_collection TEXT NOT NULL UNIQUE, dimension INTEGER NOT NULL, created_at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS cache_entries (id TEXT PRIMARY KEY, namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at INTEGER);`,
  rows: "INSERT INTO collections VALUES ('c_11111111', 'notes', '0x1111111111111111111111111111111111111111', 'prim_c_11111111', 768, 1771977600);",
  paid: { "POST /v1/collections": () => json({ id: "c_22222222" }, 201) },
});
