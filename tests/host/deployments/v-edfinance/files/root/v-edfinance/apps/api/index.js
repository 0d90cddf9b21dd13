// The API: health that truly asks PostgreSQL, a login with the account lock, and a webhook that checks its signature.
const crypto = require("node:crypto");
const http = require("node:http");
const connect = require("./database.js");

const { DATABASE_URL, JWT_SECRET, STRIPE_WEBHOOK_SECRET = "", ALLOWED_ORIGINS = "", PORT = "3001" } = process.env;
const log = (level, context, message) => console.log(`[Nest] ${process.pid}  - ${new Date().toISOString()} ${level.padStart(7)} [${context}] ${message}`);

if (!JWT_SECRET) {
  log("ERROR", "ExceptionHandler", "JWT secret is not configured (JWT_SECRET)");
  process.exit(1);
}
const query = connect(DATABASE_URL);

async function health() {
  const started = Date.now();
  const database = await query("SELECT 1").then(
    () => ({ status: "up", responseTime: Date.now() - started }),
    (error) => {
      log("ERROR", "HealthService", `Database check failed: ${error.message}`);
      return { status: "down", error: "unreachable" };
    },
  );
  const healthy = database.status === "up";
  const body = { status: healthy ? "healthy" : "unhealthy", timestamp: new Date().toISOString(), uptime: process.uptime(), checks: { database } };
  return [healthy ? 200 : 503, body];
}

async function login({ email = "", password = "" }) {
  const quoted = String(email).replaceAll("'", "''");
  // Whether the password is right is asked of the database, with the hash that it keeps (bcrypt, as the real one).
  const [user] = await query(`SELECT id, "passwordHash" = crypt(${literal(password)}, "passwordHash"), "lockedUntil" > now() FROM "User" WHERE email = '${quoted}'`);
  if (user?.[2] === "t") return [401, { statusCode: 401, message: "Account is locked" }];
  if (user?.[1] !== "t") {
    if (user) {
      await query(`UPDATE "User" SET "failedLoginAttempts" = "failedLoginAttempts" + 1,
        "lockedUntil" = CASE WHEN "failedLoginAttempts" >= 4 THEN now() + interval '30 minutes' END WHERE id = '${user[0]}'`);
    }
    log("WARN", "AuthService", "login failed");
    return [401, { statusCode: 401, message: "Invalid credentials" }];
  }
  await query(`UPDATE "User" SET "failedLoginAttempts" = 0, "lockedUntil" = NULL WHERE id = '${user[0]}'`);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user[0], exp: Math.floor(Date.now() / 1000) + 3600 })}`;
  return [201, { access_token: `${unsigned}.${sign(unsigned)}` }];
}

const sign = (text) => crypto.createHmac("sha256", JWT_SECRET).update(text).digest("base64url");

/** Nobody has transactions here; whoever has no valid token does not even learn that. */
function transaction(authorization = "") {
  const token = authorization.replace(/^Bearer /, "");
  const end = token.lastIndexOf(".");
  if (end < 0 || token.slice(end + 1) !== sign(token.slice(0, end))) return [401, { statusCode: 401, message: "Unauthorized" }];
  return [404, { statusCode: 404, message: "Transaction not found" }];
}

const literal = (text) => `'${String(text).replaceAll("'", "''")}'`;

/** Stripe's scheme: an HMAC over time and body. (The real handler verifies a parsed body and so refuses every event.) */
function webhook(signature = "", body) {
  const { t, v1 } = Object.fromEntries(signature.split(",").map((pair) => pair.split("=")));
  const wanted = crypto.createHmac("sha256", STRIPE_WEBHOOK_SECRET).update(`${t}.${body}`).digest("hex");
  if (!STRIPE_WEBHOOK_SECRET || v1 !== wanted) return [400, { statusCode: 400, message: "Webhook signature verification failed" }];
  return [201, { received: true }];
}

const server = http.createServer(async (request, response) => {
  const route = `${request.method} ${request.url.split("?")[0]}`;
  const origin = request.headers.origin;
  const headers = { "content-type": "application/json" };
  if (origin && ALLOWED_ORIGINS.split(",").includes(origin)) {
    Object.assign(headers, { "access-control-allow-origin": origin, "access-control-allow-methods": "GET,POST,PUT,PATCH,DELETE" });
  }
  if (request.method === "OPTIONS") return response.writeHead(204, headers).end();
  let body = "";
  for await (const chunk of request) body += chunk;
  let answer;
  try {
    if (route === "GET /health") answer = await health();
    else if (route === "POST /auth/login") answer = await login(JSON.parse(body || "{}"));
    else if (route === "POST /payment/webhook") answer = webhook(request.headers["stripe-signature"], body);
    else if (route.startsWith("GET /payment/transaction/")) answer = transaction(request.headers.authorization);
    else if (route === "GET /debug/metrics") answer = [200, { uptime: process.uptime(), memory: process.memoryUsage() }];
    else answer = [404, { statusCode: 404, message: `Cannot ${route}`, error: "Not Found" }];
  } catch (error) {
    log("ERROR", "ExceptionsHandler", error.message);
    answer = [500, { statusCode: 500, message: "Internal server error" }];
  }
  response.writeHead(answer[0], headers).end(JSON.stringify(answer[1]));
});
server.listen(Number(PORT), () => log("LOG", "NestApplication", "Nest application successfully started"));
process.on("SIGTERM", () => process.exit(0));
