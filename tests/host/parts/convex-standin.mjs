// convex-standin.mjs PORT FILE: the few answers of a Convex deployment that the worker needs. FILE holds the jobs table as a JSON
// list, written back at each change, so that a test can put a job in and see what became of it.
import fs from "node:fs";
import http from "node:http";

const [port, file] = process.argv.slice(2);
const load = () => (fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : []);
const save = (jobs) => fs.writeFileSync(file, `${JSON.stringify(jobs, null, 2)}\n`);

const functions = {
  "queue:claimOne": ({ workerId, leaseMs = 300000 }) => {
    const jobs = load();
    const job = jobs.find((one) => one.status === "pending" && (one.runAt ?? 0) <= Date.now());
    if (!job) return null;
    Object.assign(job, { status: "claimed", lockedBy: workerId, leaseUntil: Date.now() + leaseMs });
    save(jobs);
    return job;
  },
  "queue:heartbeat": ({ jobId, leaseMs = 300000 }) => change(jobId, { leaseUntil: Date.now() + leaseMs }),
  "queue:complete": ({ jobId }) => change(jobId, { status: "completed", lockedBy: null, leaseUntil: null }),
  "queue:getMetrics": () => ({ pending: load().filter((job) => job.status === "pending").length }),
};

function change(id, fields) {
  const jobs = load();
  const job = jobs.find((one) => one._id === id);
  if (job) save(jobs.map((one) => (one === job ? { ...job, ...fields } : one)));
  return Boolean(job);
}

http
  .createServer(async (request, response) => {
    const send = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.url === "/version") return response.writeHead(200).end("stand-in");
    if (request.url === "/") return response.writeHead(200).end("This Convex deployment is running.\n");
    if (request.method !== "POST" || !/^\/api\/(query|mutation)$/.test(request.url)) return send(404, { code: "NotFound" });
    let text = "";
    for await (const chunk of request) text += chunk;
    const { path, args = {} } = JSON.parse(text);
    if (!Object.hasOwn(functions, path)) return send(200, { status: "error", errorMessage: `Could not find public function for '${path}'` });
    send(200, { status: "success", value: functions[path](args) });
  })
  .listen(Number(port), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
