// http-standin.mjs PORT PATH=STATUS[:TYPE[:BODY]]…: answer these paths and 404 elsewhere. For what only has to be there:
// exporters, Prometheus, Alertmanager, Grafana.
import http from "node:http";

const [port, ...routes] = process.argv.slice(2);
const answers = new Map(
  routes.map((route) => {
    const [, path, status, type = "text/plain", body = "OK"] = route.match(/^([^=]+)=(\d+)(?::([^:]*))?(?::(.*))?$/s);
    return [path, { status: Number(status), type, body }];
  }),
);
const server = http.createServer((request, response) => {
  const answer = answers.get(request.url.split("?")[0]) ?? { status: 404, type: "text/plain", body: "not found" };
  response.writeHead(answer.status, { "content-type": answer.type }).end(`${answer.body}\n`);
});
server.listen(Number(port), process.env.BIND ?? "127.0.0.1");
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
