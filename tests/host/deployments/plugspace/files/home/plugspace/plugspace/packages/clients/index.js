// One question each to Redis and to MongoDB, over their own protocols: is it there, and does it let us in?
const net = require("node:net");
const mongo = require("./mongo.js");

function ask(port, request, complete) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1");
    let answer = Buffer.alloc(0);
    socket.setTimeout(2000, () => socket.destroy(new Error("timed out")));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("connection closed")));
    socket.on("data", (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      const result = complete(answer);
      if (result === undefined) return;
      resolve(result);
      socket.destroy();
    });
    socket.write(request);
  });
}

const command = (...words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;

/** The last line that Redis answers to these commands, after it has accepted the password of the URL. */
async function redis(url, ...commands) {
  const { port, password } = new URL(url);
  const request = [["AUTH", decodeURIComponent(password)], ...commands];
  const lines = await ask(Number(port || 6379), request.map((words) => command(...words)).join(""), (answer) => {
    const got = answer.toString().split("\r\n").slice(0, -1);
    return got.length >= request.length || got.some((line) => line.startsWith("-")) ? got : undefined;
  });
  const refused = lines.find((line) => line.startsWith("-"));
  if (refused) throw new Error(refused.slice(1));
  return lines.at(-1);
}

const pingRedis = (url) => redis(url, ["PING"]);

/** Resolves when MongoDB has accepted the password of the URL and answers a ping. */
async function pingMongo(url) {
  const connection = await mongo.connect(url);
  await connection.command("admin", { ping: 1 });
  connection.end();
}

module.exports = { redis, pingRedis, pingMongo };
