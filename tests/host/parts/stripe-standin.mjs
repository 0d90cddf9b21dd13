// Stands in for api.stripe.com: a file lists the keys that it accepts, one a line.
import fs from "node:fs";
import https from "node:https";

const [directory, keys] = process.argv.slice(2);
const read = (name) => fs.readFileSync(`${directory}/${name}`);
https
  .createServer({ key: read("stripe.key"), cert: read("stripe.crt") }, (request, response) => {
    const key = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    const isKnown = key !== "" && fs.readFileSync(keys, "utf8").split("\n").includes(key);
    response.writeHead(isKnown ? 200 : 401).end(isKnown ? '{"object":"balance"}' : `{"error":{"message":"Invalid API Key provided: ${key}"}}`);
  })
  .listen(443, "127.0.0.1");
