// The voice server: says it is healthy whatever Redis does, and closes every WebSocket for want of a login.
const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");

const port = Number(process.env.PORT ?? 4001);
let connections = 0;

const server = http.createServer((request, response) => {
  if (request.url === "/metrics") {
    // JSON, as the real one's; a file says otherwise, so that a test can make calls slow.
    const file = "/etc/test-host/voice-metrics.json";
    const text = fs.existsSync(file) ? fs.readFileSync(file) : '{"activeSessions":0,"totalSessions":7,"avgLatency":120,"errorRate":0}';
    return response.writeHead(200, { "content-type": "application/json" }).end(text);
  }
  if (request.url !== "/health") return response.writeHead(404).end();
  const body = { status: "healthy", timestamp: new Date().toISOString(), connections, uptime: process.uptime() };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
});

server.on("upgrade", (request, socket) => {
  const accept = crypto
    .createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  connections += 1;
  socket.on("close", () => (connections -= 1)).on("error", () => {});
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  // A close frame with code 4001: authentication required.
  const reason = Buffer.from("Authentication required");
  socket.end(Buffer.concat([Buffer.from([0x88, reason.length + 2, 4001 >> 8, 4001 & 0xff]), reason]));
});

server.listen(port, () => console.log(`Voice server listening on ${port}`));
process.on("SIGINT", () => server.close(() => process.exit(0)));
