import { json, service } from "../../x402-middleware/src/index.ts";

export default service({
  name: "track",
  paid: { "POST /v1/track": () => json({ status: "stand-in" }) },
});
