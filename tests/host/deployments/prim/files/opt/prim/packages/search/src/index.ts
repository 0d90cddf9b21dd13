import { json, service } from "../../x402-middleware/src/index.ts";

export default service({
  name: "search",
  metrics: true,
  paid: { "POST /v1/search": () => json({ results: [] }) },
});
