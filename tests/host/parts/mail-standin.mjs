// Stands in for the Stalwart mail server, which no registry has: the real ports, greetings and TLS, but no mail.
// 465 and 993 speak TLS from the first byte, as a real server's do.
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import tls from "node:tls";

const data = process.env.STALWART_PATH ?? "/opt/stalwart";
const host = process.env.MAIL_HOSTNAME ?? "mail.prim.sh";
const log = (level, message) => console.log(`${new Date().toISOString()} ${level} ${message}`);

const greetings = {
  smtp: `220 ${host} Stalwart ESMTP at your service\r\n`,
  imap: `* OK [CAPABILITY IMAP4rev2 IMAP4rev1 LITERAL+ AUTH=PLAIN] ${host} IMAP server ready\r\n`,
};

function smtp(line) {
  if (/^(EHLO|HELO)\b/i.test(line)) return `250-${host}\r\n250-SIZE 26214400\r\n250 8BITMIME\r\n`;
  if (/^QUIT\b/i.test(line)) return "221 2.0.0 Bye\r\n";
  if (/^NOOP\b/i.test(line)) return "250 2.0.0 OK\r\n";
  return "502 5.5.1 Not implemented by the stand-in\r\n";
}
function imap(line) {
  const [tag, command = ""] = line.split(" ");
  if (/^LOGOUT$/i.test(command)) return `* BYE\r\n${tag} OK Logout completed\r\n`;
  if (/^NOOP$/i.test(command)) return `${tag} OK NOOP completed\r\n`;
  return `${tag} NO Not implemented by the stand-in\r\n`;
}

function converse(protocol) {
  const answer = protocol === "smtp" ? smtp : imap;
  return (socket) => {
    socket.on("error", () => {});
    socket.write(greetings[protocol]);
    let rest = "";
    socket.on("data", (chunk) => {
      const lines = (rest + chunk).split("\r\n");
      rest = lines.pop().slice(0, 4096);
      for (const line of lines) {
        const reply = answer(line);
        socket.write(reply);
        if (/^(221|\* BYE)/.test(reply)) socket.end();
      }
    });
  };
}

// A real server keeps its store here and cannot start without it.
fs.accessSync(`${data}/data`, fs.constants.W_OK);
const certificate = {
  cert: fs.readFileSync(`${data}/etc/certs/${host}.crt`),
  key: fs.readFileSync(`${data}/etc/certs/${host}.key`),
};

const web = http.createServer((request, response) => {
  if (request.url.startsWith("/healthz/")) return response.writeHead(200, { "content-type": "application/json" }).end('{"status":200}');
  if (request.url === "/") return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Stalwart</title>\n");
  response.writeHead(404, { "content-type": "application/problem+json" }).end('{"type":"about:blank","status":404}');
});

const listeners = [
  [25, net.createServer(converse("smtp"))],
  [587, net.createServer(converse("smtp"))],
  [465, tls.createServer(certificate, converse("smtp"))],
  [993, tls.createServer(certificate, converse("imap"))],
  [8080, web],
];
for (const [port, server] of listeners) {
  server.on("tlsClientError", () => {});
  server.listen(port, () => log("INFO", `Listener started (network.listen-start) listenerId = "${port}"`));
}
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    log("INFO", "Shutting down (server.shutdown)");
    process.exit(0);
  });
}
log("INFO", "Starting Stalwart stand-in (server.startup)");
