// What `next start` is to the three web applications: a page.
const http = require("node:http");

module.exports = function serve(title) {
  const port = Number(process.env.PORT);
  const server = http.createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(`<!DOCTYPE html><title>${title}</title><div id="__next"></div>\n`);
  });
  server.listen(port, () => console.log(`ready - started server on 0.0.0.0:${port}`));
  process.on("SIGINT", () => server.close(() => process.exit(0)));
};
