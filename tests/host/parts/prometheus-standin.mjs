// prometheus-standin.mjs PORT: the paths of Prometheus's API that the runbook reads, with nothing firing.
// PROMETHEUS_ALERTS names a file with a JSON list of alerts, read anew at each request, so that a test can make one fire.
import fs from "node:fs";
import http from "node:http";

const file = process.env.PROMETHEUS_ALERTS ?? "/etc/test-host/alerts.json";
const alerts = () => (fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : []);
const target = (job, port) => ({
  labels: { job, instance: `localhost:${port}` },
  scrapeUrl: `http://localhost:${port}/metrics`,
  health: "up",
  lastError: "",
});
const data = {
  "/api/v1/targets": () => ({ activeTargets: [target("node", 9100), target("nginx", 9113), target("redis", 9121)], droppedTargets: [] }),
  "/api/v1/alerts": () => ({ alerts: alerts() }),
  "/api/v1/rules": () => ({ groups: [] }),
};
/** A line a series, as /federate prints them: the alerts, or whether targets are up. */
function federated(match) {
  const [, metric, name] = match?.match(/^(\w+)(?:\{alertname="([^"]*)"\})?$/) ?? [];
  const of = ({ labels, state }) => ({ alertname: labels.alertname, alertstate: state, ...labels });
  const firing = alerts().map(of).filter((labels) => !name || labels.alertname === name);
  const targets = data["/api/v1/targets"]().activeTargets.map(({ labels }) => labels);
  const series = { ALERTS: firing, up: targets }[metric] ?? [];
  const line = (labels) => `${metric}{${Object.entries(labels).map(([key, value]) => `${key}="${value}"`)}} 1 ${Date.now()}\n`;
  return series.length ? `# TYPE ${metric} untyped\n${series.map(line).join("")}` : "";
}

http
  .createServer((request, response) => {
    const path = request.url.split("?")[0];
    if (path === "/-/healthy") return response.writeHead(200).end("Prometheus Server is Healthy.\n");
    if (path === "/federate") return response.writeHead(200).end(federated(new URL(request.url, "http://host").searchParams.get("match[]")));
    if (!data[path]) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ status: "success", data: data[path]() }));
  })
  .listen(Number(process.argv[2]), process.env.BIND ?? "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
