// The queue worker: polls Convex, says how it is on /health and counts on /metrics.
// How it is comes from a file, so that a test decides: /tmp/health.json in the container is laid over the answer, and its
// "status" gives the code (healthy 200, degraded 206, unhealthy 503); /tmp/metrics.json likewise over the counters. The real rules (heap ratio, load, idle for ten minutes)
// would make a test depend on the machine it runs on.
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");

const { CONVEX_URL, POLL_INTERVAL = "5000", LEASE_TIME = "300000", MAX_CONCURRENT_JOBS = "1", APP_VERSION = "1.0.0" } = process.env;
const { WORKER_ID: workerId = `worker-${Math.random().toString(36).slice(2, 10)}` } = process.env;
const log = (mark, text) => console.log(`${mark} ${text}`);

if (!CONVEX_URL) {
  console.error("❌ CONVEX_URL environment variable is required");
  process.exit(1);
}

const started = Date.now();
const counts = { total: 0, succeeded: 0, failed: 0, millis: 0 };
let lastJobTime = Date.now();
let activeJobs = 0;

async function call(path, args) {
  const response = await fetch(`${CONVEX_URL}/api/mutation`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ path, args, format: "json" }),
    signal: AbortSignal.timeout(4000),
  });
  const answer = await response.json();
  if (answer.status !== "success") throw new Error(answer.errorMessage);
  return answer.value;
}

async function poll() {
  log("🔍", "Polling for jobs...");
  try {
    const job = activeJobs < Number(MAX_CONCURRENT_JOBS) && (await call("queue:claimOne", { workerId, leaseMs: Number(LEASE_TIME) }));
    if (job) run(job);
  } catch (error) {
    console.error(`❌ Error claiming job: ${error.cause?.code ?? error.message}`);
  }
}

/** A job lasts as long as it says (`millis`), with a heartbeat at its start. */
async function run(job) {
  activeJobs += 1;
  counts.total += 1;
  lastJobTime = Date.now();
  const begun = Date.now();
  const directory = `/tmp/fondation/job-${job._id}`;
  try {
    fs.mkdirSync(directory, { recursive: true });
    log("💓", `Heartbeat for job ${job._id}`);
    await call("queue:heartbeat", { jobId: job._id, leaseMs: Number(LEASE_TIME) });
    await new Promise((resolve) => setTimeout(resolve, job.millis ?? 1000));
    await call("queue:complete", { jobId: job._id });
    counts.succeeded += 1;
    log("✅", `Job ${job._id} completed`);
  } catch (error) {
    counts.failed += 1;
    console.error(`❌ ERROR Job ${job._id} failed: ${error.message}`);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
    counts.millis += Date.now() - begun;
    activeJobs -= 1;
  }
}

/** What is usual, with the file of that name laid over it. */
function overlaid(usual, file) {
  try {
    return { ...usual, ...JSON.parse(fs.readFileSync(file, "utf8")) };
  } catch {
    return usual;
  }
}

function health() {
  const memory = process.memoryUsage();
  const usual = {
    status: "healthy",
    workerId,
    uptime: Math.floor((Date.now() - started) / 1000),
    lastJobTime,
    activeJobs,
    maxConcurrentJobs: Number(MAX_CONCURRENT_JOBS),
    memory: {
      rss: memory.rss,
      heapTotal: memory.heapTotal,
      heapUsed: memory.heapUsed,
      external: memory.external,
      percentUsed: Math.round((memory.heapUsed / memory.heapTotal) * 100),
    },
    cpu: { loadAverage: os.loadavg(), cores: os.cpus().length },
    system: { platform: process.platform, nodeVersion: process.version, version: APP_VERSION },
  };
  return overlaid(usual, "/tmp/health.json");
}

function metrics() {
  const memory = process.memoryUsage();
  return {
    jobs_total: counts.total,
    jobs_succeeded_total: counts.succeeded,
    jobs_failed_total: counts.failed,
    jobs_active: activeJobs,
    jobs_duration_average_ms: counts.total ? Math.round(counts.millis / counts.total) : 0,
    jobs_success_rate: counts.total ? counts.succeeded / counts.total : 0,
    jobs_failure_rate: counts.total ? counts.failed / counts.total : 0,
    process_uptime_seconds: Math.floor((Date.now() - started) / 1000),
    process_memory_rss_bytes: memory.rss,
    process_memory_heap_used_bytes: memory.heapUsed,
    process_memory_heap_total_bytes: memory.heapTotal,
    worker_id: workerId,
    worker_start_time: started,
    worker_max_concurrent_jobs: Number(MAX_CONCURRENT_JOBS),
    timestamp: Date.now(),
  };
}

http
  .createServer((request, response) => {
    const send = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body, null, 2));
    if (request.url === "/health") {
      const body = health();
      return send({ degraded: 206, unhealthy: 503 }[body.status] ?? 200, body);
    }
    if (request.url === "/metrics") return send(200, overlaid(metrics(), "/tmp/metrics.json"));
    send(404, { error: "Not found" });
  })
  .listen(8080, () => log("🚀", `Worker ${workerId} started, health on 8080`));
poll();
setInterval(poll, Number(POLL_INTERVAL));

// The real worker waits up to 30 s for active jobs; Docker's grace of 10 s cuts that short.
process.on("SIGTERM", () => {
  log("🛑", "Shutting down");
  const deadline = Date.now() + 30000;
  setInterval(() => (!activeJobs || Date.now() > deadline) && process.exit(0), 100);
});
