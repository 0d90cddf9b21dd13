// MongoDB's protocol in short, for those that log in to the stand-in of its server: BSON of the types that are needed, OP_MSG, and a
// login with SCRAM-SHA-256 (RFC 5802 and 7677).
const crypto = require("node:crypto");
const net = require("node:net");

function encode(document) {
  const parts = [];
  for (const [key, value] of Object.entries(document)) {
    const [type, bytes] = encodeValue(value);
    parts.push(Buffer.from([type]), Buffer.from(`${key}\0`), bytes);
  }
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeInt32LE(body.length + 5);
  return Buffer.concat([length, body, Buffer.from([0])]);
}

function sized(bytes, before = Buffer.alloc(0)) {
  const length = Buffer.alloc(4);
  length.writeInt32LE(bytes.length);
  return Buffer.concat([length, before, bytes]);
}

function encodeValue(value) {
  if (typeof value === "boolean") return [0x08, Buffer.from([value ? 1 : 0])];
  if (typeof value === "number" && Number.isInteger(value)) {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return [0x10, bytes];
  }
  if (typeof value === "number") {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return [0x01, bytes];
  }
  if (typeof value === "string") return [0x02, sized(Buffer.from(`${value}\0`))];
  if (Buffer.isBuffer(value)) return [0x05, sized(value, Buffer.from([0]))];
  if (value instanceof Date) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value.getTime()));
    return [0x09, bytes];
  }
  if (Array.isArray(value)) return [0x04, encode(Object.fromEntries(value.entries()))];
  return [0x03, encode(value)];
}

/** A document; what has another type than these is an error. */
function decode(bytes) {
  const document = {};
  const end = bytes.readInt32LE(0) - 1;
  for (let at = 4; at < end; ) {
    const type = bytes[at];
    const name = bytes.toString("utf8", at + 1, bytes.indexOf(0, at + 1));
    at += 2 + Buffer.byteLength(name);
    const length = type === 0x02 || type === 0x03 || type === 0x04 || type === 0x05 ? bytes.readInt32LE(at) : 0;
    if (type === 0x01) document[name] = bytes.readDoubleLE(at);
    else if (type === 0x02) document[name] = bytes.toString("utf8", at + 4, at + 3 + length);
    else if (type === 0x03) document[name] = decode(bytes.subarray(at));
    else if (type === 0x04) document[name] = Object.values(decode(bytes.subarray(at)));
    else if (type === 0x05) document[name] = Buffer.from(bytes.subarray(at + 5, at + 5 + length));
    else if (type === 0x08) document[name] = bytes[at] === 1;
    else if (type === 0x09) document[name] = new Date(Number(bytes.readBigInt64LE(at)));
    else if (type === 0x0a) document[name] = null;
    else if (type === 0x10) document[name] = bytes.readInt32LE(at);
    else if (type === 0x07) document[name] = bytes.toString("hex", at, at + 12);
    else if (type === 0x11 || type === 0x12) document[name] = Number(bytes.readBigInt64LE(at));
    else throw new Error(`type ${type} of ${name} is not known`);
    at += { 0x01: 8, 0x02: 4 + length, 0x03: length, 0x04: length, 0x05: 5 + length, 0x07: 12, 0x08: 1, 0x09: 8, 0x0a: 0, 0x10: 4, 0x11: 8, 0x12: 8 }[type];
  }
  return document;
}

function message(opcode, responseTo, body) {
  const header = Buffer.alloc(16);
  header.writeInt32LE(body.length + 16, 0);
  header.writeInt32LE(responseTo, 8);
  header.writeInt32LE(opcode, 12);
  return Buffer.concat([header, body]);
}

const hmac = (key, text) => crypto.createHmac("sha256", key).update(text).digest();
const hash = (bytes) => crypto.createHash("sha256").update(bytes).digest();
const xor = (one, other) => Buffer.from(one.map((byte, index) => byte ^ other[index]));
const salted = (password, salt, rounds) => crypto.pbkdf2Sync(password, salt, rounds, 32, "sha256");
const fields = (text) => Object.fromEntries(text.split(",").map((part) => [part[0], part.slice(2)]));

class Refusal extends Error {
  constructor(reply) {
    super(reply.errmsg);
    Object.assign(this, { name: "MongoServerError", code: reply.code, codeName: reply.codeName });
  }
}

/** A connection to the address of a URL, logged in where that has a user: `command(database, document)` and `end()`. */
async function connect(url) {
  // What a URL of MongoDB has of others' form, for one host.
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const socket = net.connect(Number(port || 27017), hostname === "localhost" ? "127.0.0.1" : hostname);
  let [rest, waiting] = [Buffer.alloc(0), null];
  const fail = (error) => waiting?.reject(error);
  socket.setTimeout(2000, () => socket.destroy(new Error("timed out")));
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("connection closed")));
  socket.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    if (rest.length < 4 || rest.length < rest.readInt32LE(0)) return;
    const reply = decode(rest.subarray(21));
    rest = Buffer.alloc(0);
    if (reply.ok === 1) waiting.resolve(reply);
    else fail(new Refusal(reply));
  });
  const command = (database, document) =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      socket.write(message(2013, 0, Buffer.concat([Buffer.alloc(5), encode({ ...document, $db: database })])));
    });
  const connection = { command, database: pathname.slice(1) || "test", end: () => socket.destroy() };
  if (!username) return connection;
  try {
    const source = searchParams.get("authSource") ?? connection.database;
    const first = `n=${decodeURIComponent(username)},r=${crypto.randomBytes(18).toString("base64")}`;
    const begun = await command(source, { saslStart: 1, mechanism: "SCRAM-SHA-256", payload: Buffer.from(`n,,${first}`) });
    const challenge = begun.payload.toString();
    const { r, s, i } = fields(challenge);
    const key = salted(decodeURIComponent(password), Buffer.from(s, "base64"), Number(i));
    const bare = `c=biws,r=${r}`;
    const signed = `${first},${challenge},${bare}`;
    const client = hmac(key, "Client Key");
    const proof = xor(client, hmac(hash(client), signed)).toString("base64");
    await command(source, { saslContinue: 1, conversationId: begun.conversationId, payload: Buffer.from(`${bare},p=${proof}`) });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return connection;
}

module.exports = { connect, decode, encode, fields, hash, hmac, message, salted, xor };
