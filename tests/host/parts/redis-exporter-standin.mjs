// Stands in for redis_exporter: `--redis.password=` or REDIS_PASSWORD, the first before the second, as there; redis_up is 1 where Redis
// takes it.
import http from "node:http";
import net from "node:net";

const flag = process.argv.slice(2).find((word) => word.startsWith("--redis.password="));
const password = flag?.slice("--redis.password=".length) ?? process.env.REDIS_PASSWORD ?? "";

const up = () =>
  new Promise((resolve) => {
    const socket = net.connect(6379, "127.0.0.1", () => socket.write(`*2\r\n$4\r\nAUTH\r\n$${password.length}\r\n${password}\r\n`));
    socket.setTimeout(2000, () => socket.destroy());
    socket.on("error", () => {}).on("close", () => resolve(0));
    socket.on("data", (answer) => {
      resolve(answer.toString().startsWith("+OK") ? 1 : 0);
      socket.destroy();
    });
  });

const server = http.createServer(async (request, response) => {
  if (request.url !== "/metrics") return response.writeHead(404).end();
  response.writeHead(200, { "content-type": "text/plain" }).end(`redis_up ${await up()}\n`);
});
server.listen(9121);
