import { json, service } from "../../x402-middleware/src/index.ts";

export default service({
  name: "store",
  maxBodyMb: 128,
  metrics: true,
  schema: "CREATE TABLE IF NOT EXISTS buckets (id TEXT PRIMARY KEY, cf_name TEXT NOT NULL UNIQUE, name TEXT NOT NULL, owner_wallet TEXT NOT NULL, quota_bytes INTEGER, usage_bytes INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL)",
  rows: `INSERT INTO buckets VALUES
    ('b_11111111', 'prim-11111111', 'photos', '0x1111111111111111111111111111111111111111', 104857600, 2048, 1771977600),
    ('b_22222222', 'prim-22222222', 'notes', '0x2222222222222222222222222222222222222222', NULL, 512, 1771977660);`,
  paid: { "POST /v1/buckets": () => json({ id: "b_33333333" }, 201) },
});
