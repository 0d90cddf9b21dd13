// What the ten services have in common: the network they are paid on, x402 on their paid routes, the allowlist that only
// wallet keeps, health, metrics, JSON log lines and SQLite. A small program of the test host in the shape of the real one.
import { Database } from "bun:sqlite";

const NETWORKS: Record<string, { caip2: string; name: string; testnet: boolean }> = {
  "eip155:8453": { caip2: "eip155:8453", name: "Base", testnet: false },
  "eip155:84532": { caip2: "eip155:84532", name: "Base Sepolia", testnet: true },
};

export function network() {
  const wanted = process.env.PRIM_NETWORK ?? "eip155:8453";
  const found = NETWORKS[wanted];
  if (!found) throw new Error(`Unknown network: ${wanted}. Supported: ${Object.keys(NETWORKS).join(", ")}`);
  return found;
}

type Handler = (request: Request, service: Running) => Response | Promise<Response>;

export interface Service {
  name: string;
  maxBodyMb?: number;
  /** Tables, made at the start, and rows for a new database; the file is NAME.db in the working directory. */
  schema?: string;
  rows?: string;
  /** Routes that cost nothing, by "METHOD /path". */
  free?: Record<string, Handler>;
  /** Routes that answer 402 until they are paid. */
  paid?: Record<string, Handler>;
  metrics?: boolean;
  /** The whole answer of `GET /`, where that is not the usual JSON. */
  health?: () => Response;
  /** Faucet and domain find a wrong PRIM_NETWORK only when they are asked for something. */
  networkPerRequest?: boolean;
}

export interface Running {
  name: string;
  database?: Database;
  log: (level: string, msg: string, fields?: object) => void;
}

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}) => Response.json(body, { status, headers });

export function service(options: Service) {
  const name = `${options.name}.sh`;
  const log: Running["log"] = (level, msg, fields = {}) =>
    console.log(JSON.stringify({ level, service: name, msg, request_id: null, ...fields, ts: new Date().toISOString() }));
  if (!options.networkPerRequest) network();

  const running: Running = { name, log };
  if (options.schema) {
    const path = process.env[`${options.name.toUpperCase()}_DB_PATH`] ?? `./${options.name}.db`;
    const isNew = !Bun.file(path).size;
    // Rollback journal and no busy timeout, as the real services have: a reader blocks a commit at once.
    running.database = new Database(path, { create: true });
    running.database.exec(options.schema);
    if (isNew && options.rows) running.database.exec(options.rows);
  }

  const started = Date.now();
  const counts = { total: 0, by_status: {} as Record<string, number>, millis: [] as number[] };

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const route = `${request.method} ${url.pathname}`;
    if (route === "GET /") return options.health ? options.health() : json({ service: name, status: "ok" });
    if (route === "GET /v1/metrics" && options.metrics) return json(metrics());
    const free = options.free?.[route] ?? options.free?.[route.replace(/\/[^/]*$/, "/:address")];
    if (free) return free(request, running);
    const paid = options.paid?.[route];
    if (paid) return (await unpaid(request, running)) ?? paid(request, running);
    return json({ error: { code: "not_found", message: `No route ${route}` } }, 404);
  }

  function metrics() {
    const sorted = [...counts.millis].sort((a, b) => a - b);
    const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
    return {
      service: name,
      uptime_s: Math.floor((Date.now() - started) / 1000),
      requests: { total: counts.total, errors_by_status: counts.by_status },
      latency_ms: { p50: at(0.5), p99: at(0.99) },
    };
  }

  log("info", `${name} started`, { port: process.env.PORT ?? "3000" });
  return {
    maxRequestBodySize: (options.maxBodyMb ?? 1) * 1024 * 1024,
    async fetch(request: Request): Promise<Response> {
      const begin = performance.now();
      const request_id = request.headers.get("x-request-id") ?? crypto.randomUUID();
      let response: Response;
      try {
        response = await answer(request);
      } catch (error) {
        log("error", String((error as Error).message), { request_id });
        response = json({ error: { code: "internal_error", message: "Internal error" } }, 500);
      }
      counts.total += 1;
      if (response.status >= 400) counts.by_status[response.status] = (counts.by_status[response.status] ?? 0) + 1;
      counts.millis = [...counts.millis.slice(-999), performance.now() - begin];
      response.headers.set("x-request-id", request_id);
      return response;
    },
  };
}

/** Null when a request may pass; otherwise why it may not. */
async function unpaid(request: Request, running: Running): Promise<Response | null> {
  const payment = request.headers.get("payment-signature");
  if (!payment) {
    const required = {
      x402Version: 2,
      error: "Payment required",
      resource: { url: request.url },
      accepts: [
        {
          scheme: "exact",
          network: network().caip2,
          amount: "1000",
          payTo: process.env.PRIM_PAY_TO ?? "0x0000000000000000000000000000000000000000",
          maxTimeoutSeconds: 60,
        },
      ],
    };
    return json({ error: { code: "payment_required", message: "Payment required" } }, 402, { "payment-required": btoa(JSON.stringify(required)) });
  }
  let from: string;
  try {
    from = JSON.parse(atob(payment)).payload.authorization.from;
  } catch {
    return json({ error: { code: "invalid_payment", message: "Unreadable payment-signature" } }, 400);
  }
  if (await allowed(from, running)) return null;
  return json({ error: { code: "wallet_not_allowed", message: `Wallet ${from} is not on the allowlist` } }, 403);
}

/** Fails closed: a wallet service that cannot be asked means no. */
async function allowed(address: string, running: Running): Promise<boolean> {
  const fixed = (process.env.PRIM_ALLOWLIST ?? "").toLowerCase().split(",");
  if (fixed.includes(address.toLowerCase())) return true;
  const base = process.env.WALLET_INTERNAL_URL ?? "http://127.0.0.1:3001";
  const key = process.env.PRIM_INTERNAL_KEY;
  try {
    const response = await fetch(`${base}/internal/allowlist/check?address=${encodeURIComponent(address)}`, {
      headers: key ? { "x-internal-key": key } : {},
      signal: AbortSignal.timeout(2000),
    });
    if (response.status !== 200) {
      running.log("warn", `wallet.sh allowlist check answered ${response.status}`);
      return false;
    }
    return ((await response.json()) as { allowed: boolean }).allowed;
  } catch (error) {
    running.log("warn", `wallet.sh allowlist check failed: ${(error as Error).message}`);
    return false;
  }
}
