// The web application: health that truly asks PostgreSQL, the login with its limiter in memory, and one page.
const crypto = require("node:crypto");
const http = require("node:http");
const connect = require("./database.js");

const log = (level, msg, fields = {}) => console.log(JSON.stringify({ level, ts: new Date().toISOString(), service: "web", msg, ...fields }));

// pnpm's own lines are no JSON, and whoever reads this log must bear them.
console.log("\n> @ai-fsm/web@0.1.0 start /app\n> next start\n");

const { DATABASE_URL, REDIS_URL, AUTH_SECRET = "" } = process.env;
for (const [name, value] of Object.entries({ DATABASE_URL, REDIS_URL })) {
  if (!value) {
    console.error(`[startup] ${name} is required`);
    process.exit(1);
  }
}
if (AUTH_SECRET.length < 32) {
  console.error("[startup] AUTH_SECRET must be at least 32 characters");
  process.exit(1);
}
const query = connect(DATABASE_URL);

// --- limiter: lives as long as this process; without a proxy every client has the key "unknown"
const attempts = new Map();
const WINDOW = 15 * 60 * 1000;
function secondsToWait(request) {
  const key = request.headers["x-forwarded-for"]?.split(",")[0].trim() ?? request.headers["x-real-ip"] ?? "unknown";
  const recent = (attempts.get(key) ?? []).filter((time) => time > Date.now() - WINDOW);
  recent.push(Date.now()); // denied attempts count too
  attempts.set(key, recent);
  return recent.length > 5 ? Math.ceil((recent.at(-5) + WINDOW - Date.now()) / 1000) : 0;
}

async function login(request) {
  const wait = secondsToWait(request);
  if (wait) return [429, { error: { code: "RATE_LIMITED", message: "Too many attempts" } }, { "retry-after": String(wait) }];
  let text = "";
  for await (const chunk of request) text += chunk;
  const { email = "", password = "" } = JSON.parse(text || "{}");
  const quoted = String(email).replaceAll("'", "''");
  const hash = crypto.createHash("sha256").update(String(password)).digest("hex");
  const [user] = await query(`SELECT id, role FROM users WHERE email = '${quoted}' AND password_hash = '${hash}'`);
  if (!user) return [401, { error: { code: "UNAUTHORIZED", message: "Invalid credentials" } }];
  return [200, { data: { id: user[0], email, role: user[1] } }];
}

async function health() {
  const db = await query("SELECT 1").then(() => "ok", () => "fail");
  const status = db === "ok" ? "ok" : "degraded";
  return [db === "ok" ? 200 : 503, { status, service: "web", checks: { db }, ts: new Date().toISOString() }];
}

const server = http.createServer(async (request, response) => {
  const route = `${request.method} ${request.url.split("?")[0]}`;
  let answer;
  try {
    if (route === "GET /api/health") answer = await health();
    else if (route === "POST /api/v1/auth/login") answer = await login(request);
    else if (route === "GET /") return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>AI-FSM</title>\n");
    else answer = [404, { error: { code: "NOT_FOUND", message: "Not found" } }];
  } catch (error) {
    const traceId = crypto.randomUUID();
    log("error", `${route} failed`, { traceId, err: { name: error.name, message: error.message, stack: error.stack } });
    answer = [500, { error: { code: "INTERNAL_ERROR", message: "Internal error", traceId } }];
  }
  const [status, body, headers = {}] = answer;
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
});
server.listen(3000, () => log("info", "web ready", { port: 3000 }));
process.on("SIGTERM", () => process.exit(0));
