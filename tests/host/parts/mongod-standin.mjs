// Stands in for MongoDB 7, of which no registry has a server: it speaks the wire protocol (OP_MSG, and OP_QUERY for the first
// hello of old drivers) well enough for hello, isMaster, ping, buildInfo, serverStatus and replSetGetStatus, as the only member
// of the replica set that the real host has. It stores nothing, so a dump or a restore cannot be tried on it.
import fs from "node:fs";
import net from "node:net";

const [port = "27017", set = "plugspace-rs"] = process.argv.slice(2);
const started = Date.now();
const member = `localhost:${port}`;
let connections = 0;

const log = (severity, component, message, attr = {}) =>
  console.log(JSON.stringify({ t: { $date: new Date().toISOString() }, s: severity, c: component, id: 0, ctx: "main", msg: message, attr }));

// --- BSON: what the commands above need ------------------------------------------------------------------------------

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
  if (typeof value === "string") {
    const text = Buffer.from(`${value}\0`);
    const length = Buffer.alloc(4);
    length.writeInt32LE(text.length);
    return [0x02, Buffer.concat([length, text])];
  }
  if (value instanceof Date) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value.getTime()));
    return [0x09, bytes];
  }
  if (Array.isArray(value)) return [0x04, encode(Object.fromEntries(value.entries()))];
  return [0x03, encode(value)];
}

/** The first key of a document names the command; the rest does not matter here. */
function commandOf(bytes) {
  const end = bytes.indexOf(0, 5);
  return bytes.toString("utf8", 5, end);
}

// --- commands ----------------------------------------------------------------------------------------------------------

// A file makes it a member that is no primary, so that a test can see what becomes of that.
const noPrimary = () => fs.existsSync("/etc/test-host/no-primary");

function hello() {
  return {
    ismaster: !noPrimary(),
    isWritablePrimary: !noPrimary(),
    secondary: noPrimary(),
    setName: set,
    setVersion: 1,
    hosts: [member],
    primary: member,
    me: member,
    maxBsonObjectSize: 16777216,
    maxMessageSizeBytes: 48000000,
    maxWriteBatchSize: 100000,
    localTime: new Date(),
    minWireVersion: 0,
    maxWireVersion: 21,
    readOnly: false,
    ok: 1,
  };
}

const commands = {
  hello,
  ismaster: hello,
  ping: () => ({ ok: 1 }),
  buildinfo: () => ({ version: "7.0.0", ok: 1 }),
  endsessions: () => ({ ok: 1 }),
  serverstatus: () => ({
    host: member,
    version: "7.0.0",
    uptime: Math.floor((Date.now() - started) / 1000),
    connections: { current: connections, available: 1000 - connections },
    ok: 1,
  }),
  replsetgetstatus: () => ({
    set,
    date: new Date(),
    myState: 1,
    members: [{ _id: 0, name: member, health: 1, state: 1, stateStr: "PRIMARY", uptime: Math.floor((Date.now() - started) / 1000), self: true }],
    ok: 1,
  }),
};

function run(name) {
  const command = commands[name.toLowerCase()];
  if (command) return command();
  return { ok: 0, errmsg: `no such command: '${name}'`, code: 59, codeName: "CommandNotFound" };
}

// --- the wire ------------------------------------------------------------------------------------------------------------

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

function message(opcode, responseTo, body) {
  const header = Buffer.alloc(16);
  header.writeInt32LE(body.length + 16, 0);
  header.writeInt32LE(0, 4);
  header.writeInt32LE(responseTo, 8);
  header.writeInt32LE(opcode, 12);
  return Buffer.concat([header, body]);
}

function answer(request) {
  const id = request.readInt32LE(4);
  const opcode = request.readInt32LE(12);
  if (opcode === OP_MSG) {
    // flag bits (4), then a section of kind 0 with the command.
    const reply = encode(run(commandOf(request.subarray(21))));
    return message(OP_MSG, id, Buffer.concat([Buffer.alloc(5), reply]));
  }
  if (opcode === OP_QUERY) {
    // flags (4), collection name, skip and limit (8), the query.
    const query = request.indexOf(0, 20) + 9;
    const reply = encode(run(commandOf(request.subarray(query))));
    const fields = Buffer.alloc(20);
    fields.writeInt32LE(8, 0); // await capable
    fields.writeInt32LE(1, 16); // one document
    return message(OP_REPLY, id, Buffer.concat([fields, reply]));
  }
  return null;
}

const server = net.createServer((socket) => {
  connections += 1;
  let rest = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("close", () => (connections -= 1));
  socket.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 16) {
      const length = rest.readInt32LE(0);
      if (length < 21 || length > 48000000) return socket.destroy();
      if (rest.length < length) return;
      let reply;
      try {
        reply = answer(rest.subarray(0, length));
      } catch {
        reply = null;
      }
      if (!reply) return socket.destroy();
      socket.write(reply);
      rest = rest.subarray(length);
    }
  });
});

// A real server cannot start without its data directory.
if (process.env.DBPATH) fs.accessSync(process.env.DBPATH, fs.constants.W_OK);
server.on("error", (error) => {
  log("E", "NETWORK", "Failed to set up listener", { error: error.message });
  process.exit(48);
});
server.listen(Number(port), "127.0.0.1", () => log("I", "NETWORK", "Waiting for connections", { port: Number(port) }));
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    log("I", "CONTROL", "Shutting down");
    process.exit(0);
  });
}
