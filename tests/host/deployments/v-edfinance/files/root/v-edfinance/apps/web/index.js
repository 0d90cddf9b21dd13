// The web application: one page.
const http = require("node:http");

http
  .createServer((request, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>V-EdFinance</title>\n"))
  .listen(3000, () => console.log(" ✓ Ready on http://localhost:3000"));
process.on("SIGTERM", () => process.exit(0));
