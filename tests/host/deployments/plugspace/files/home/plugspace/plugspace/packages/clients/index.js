// One question each to Redis and to MongoDB, over their own protocols: is it there, and does it let us in?
const net = require("node:net");

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

/** Resolves when MongoDB answers a ping. */
async function pingMongo(url) {
  const port = Number(url.match(/@[^/:]+:(\d+)/)?.[1] ?? 27017);
  // {ping: 1, $db: "admin"} in BSON, in an OP_MSG.
  const document = Buffer.concat([
    Buffer.from([0, 0, 0, 0, 0x10]),
    Buffer.from("ping\0\x01\0\0\0"),
    Buffer.from([0x02]),
    Buffer.from("$db\0\x06\0\0\0admin\0"),
    Buffer.from([0]),
  ]);
  document.writeInt32LE(document.length, 0);
  const header = Buffer.alloc(21);
  header.writeInt32LE(21 + document.length, 0);
  header.writeInt32LE(1, 4);
  header.writeInt32LE(2013, 12);
  const reply = await ask(port, Buffer.concat([header, document]), (answer) =>
    answer.length >= 4 && answer.length >= answer.readInt32LE(0) ? answer : undefined,
  );
  if (reply.readInt32LE(12) !== 2013) throw new Error("not a MongoDB answer");
}

module.exports = { redis, pingRedis, pingMongo };
