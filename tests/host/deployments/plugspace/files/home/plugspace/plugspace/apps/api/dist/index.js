// The API: health that truly asks MongoDB and Redis, and routes that only say what they are.
const http = require("node:http");
const path = require("node:path");
const { pingMongo, pingRedis } = require("../../../packages/clients");

process.loadEnvFile(path.join(__dirname, "../../../.env"));
const { API_PORT = "4000", DATABASE_URL, REDIS_URL, npm_package_version: version = "1.4.0" } = process.env;

const up = (question) => question.then(() => "up", () => "down");

async function services() {
  const [database, redis] = await Promise.all([up(pingMongo(DATABASE_URL)), up(pingRedis(REDIS_URL))]);
  return { database, redis };
}

const send = (response, status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

const server = http.createServer(async (request, response) => {
  const route = request.url.split("?")[0];
  if (route === "/health") {
    const state = await services();
    const healthy = Object.values(state).every((one) => one === "up");
    return send(response, healthy ? 200 : 503, {
      status: healthy ? "healthy" : "degraded",
      timestamp: new Date().toISOString(),
      services: state,
      version,
    });
  }
  if (route === "/ready") {
    const ready = Object.values(await services()).every((one) => one === "up");
    return send(response, ready ? 200 : 503, { ready });
  }
  if (route.startsWith("/trpc/")) return send(response, 200, { result: { data: null } });
  // The real API has no /api/health: what the edge forwards there is not found.
  send(response, 404, { error: "Not Found", path: route });
});

async function main() {
  const state = await services();
  const down = Object.keys(state).filter((name) => state[name] !== "up");
  if (down.length) throw new Error(`${down.join(", ")} unreachable`);
  server.listen(Number(API_PORT), () => console.log(`API server listening on ${API_PORT}`));
}
main().catch((error) => {
  console.error("Failed to start server:", error.message);
  process.exit(1);
});
process.on("SIGINT", () => server.close(() => process.exit(0)));
