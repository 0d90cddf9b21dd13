// alertmanager-standin.mjs PORT: silences, as API v2 of Alertmanager 0.25 of Debian has them, in its order of fields. It keeps them in
// memory.
import crypto from "node:crypto";
import http from "node:http";

const silences = new Map();
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function shown({ id, updatedAt, comment, createdBy, endsAt, matchers, startsAt }) {
  const now = new Date().toISOString();
  const state = endsAt <= now ? "expired" : startsAt > now ? "pending" : "active";
  return { id, status: { state }, updatedAt, comment, createdBy, endsAt, matchers, startsAt };
}

/** Only a filter of one equality is known: alertname="HighCPUUsage". */
function filtered(filter) {
  const [, name, value] = filter?.match(/^(\w+)="?([^"]*)"?$/) ?? [];
  const all = [...silences.values()].map(shown);
  return name ? all.filter((one) => one.matchers.some((m) => m.name === name && m.value === value)) : all;
}

async function answer(request) {
  const path = request.url.split("?")[0];
  if (path === "/-/healthy") return [200, "OK"];
  if (path === "/api/v2/alerts") return [200, []];
  if (path === "/api/v2/status") return [200, { cluster: { status: "disabled" } }];
  const one = path.match(/^\/api\/v2\/silence\/(.+)$/)?.[1];
  if (one && !uuid.test(one)) return [422, { code: 601, message: `silenceID in path must be of type uuid: ${JSON.stringify(one)}` }];
  if (one && !silences.has(one)) return [404, ""];
  if (one && request.method === "DELETE") {
    const now = new Date().toISOString();
    const silence = silences.get(one);
    if (silence.endsAt > now) silences.set(one, { ...silence, endsAt: now, updatedAt: now });
    return [200, ""];
  }
  if (one) return [200, shown(silences.get(one))];
  if (path !== "/api/v2/silences") return [404, ""];
  if (request.method === "GET") return [200, filtered(new URL(request.url, "http://host").searchParams.get("filter"))];
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
  const now = new Date().toISOString();
  const endsAt = new Date(silence.endsAt).toISOString();
  if (endsAt <= now) return [400, "end time can't be in the past"];
  const asked = new Date(silence.startsAt).toISOString();
  // A start in the past is moved to now.
  const startsAt = asked < now ? now : asked;
  const matchers = silence.matchers.map(({ isEqual = true, isRegex, name, value }) => ({ isEqual, isRegex, name, value }));
  const id = crypto.randomUUID();
  silences.set(id, { ...silence, id, startsAt, endsAt, matchers, updatedAt: now });
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
