// alertmanager-standin.mjs PORT: silences, as API v2 has them. It keeps them in memory.
import crypto from "node:crypto";
import http from "node:http";

const silences = new Map();

async function answer(request) {
  const path = request.url.split("?")[0];
  if (path === "/-/healthy") return [200, "OK"];
  if (path === "/api/v2/alerts") return [200, []];
  if (path === "/api/v2/status") return [200, { cluster: { status: "disabled" } }];
  const one = path.match(/^\/api\/v2\/silence\/(.+)$/)?.[1];
  if (one && request.method === "DELETE") return silences.delete(one) ? [200, ""] : [404, ""];
  if (one) return silences.has(one) ? [200, silences.get(one)] : [404, ""];
  if (path !== "/api/v2/silences") return [404, ""];
  if (request.method === "GET") return [200, [...silences.values()]];
  // The real one takes nothing but JSON that says it is JSON.
  if (!request.headers["content-type"]?.startsWith("application/json")) return [415, { code: 415, message: "unsupported media type" }];
  let body = "";
  for await (const chunk of request) body += chunk;
  let silence;
  try {
    silence = JSON.parse(body);
  } catch {
    return [400, { code: 400, message: "cannot parse the body" }];
  }
  const missing = ["matchers", "startsAt", "endsAt", "createdBy", "comment"].filter((field) => !silence[field]?.length);
  if (missing.length) return [422, { code: 602, message: `${missing[0]} in body is required` }];
  const id = crypto.randomUUID();
  silences.set(id, { ...silence, id, status: { state: "active" }, updatedAt: new Date().toISOString() });
  return [200, { silenceID: id }];
}

http
  .createServer(async (request, response) => {
    const [status, body] = await answer(request);
    if (typeof body === "string") return response.writeHead(status).end(body);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  })
  .listen(Number(process.argv[2]), process.env.BIND ?? "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
