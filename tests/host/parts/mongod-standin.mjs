// Stands in for MongoDB 7, of which no registry has a server: it speaks the wire protocol (OP_MSG, and OP_QUERY for the first
// hello of old drivers) well enough for hello, isMaster, ping, buildInfo, serverStatus and replSetGetStatus, as the only member
// of the replica set that the real host has. It knows users and their passwords (SCRAM-SHA-256), which it keeps in users.json of its data
// directory, and lets an administrator change them; it stores nothing else, so a dump or a restore cannot be tried on it.
import crypto from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import mongo from "./mongo.js";

const [port = "27017", set = "plugspace-rs"] = process.argv.slice(2);
const started = Date.now();
const member = `localhost:${port}`;
let connections = 0;

const log = (severity, component, message, attr = {}) =>
  console.log(JSON.stringify({ t: { $date: new Date().toISOString() }, s: severity, c: component, id: 0, ctx: "main", msg: message, attr }));

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
    saslSupportedMechs: ["SCRAM-SHA-256"],
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
  saslstart,
  saslcontinue,
  updateuser,
  connectionstatus: (_, session) => ({ authInfo: { authenticatedUsers: session.users, authenticatedUserRoles: [] }, ok: 1 }),
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

// --- users: `database.name` and the password, so that a test can see that a change is kept ---------------------------------

const USERS = `${process.env.DBPATH ?? "/var/lib/mongodb"}/users.json`;
const users = () => (fs.existsSync(USERS) ? JSON.parse(fs.readFileSync(USERS, "utf8")) : {});
const refusal = (code, codeName, errmsg) => ({ ok: 0, code, codeName, errmsg });
const unauthenticated = () => refusal(18, "AuthenticationFailed", "Authentication failed.");

function saslstart({ mechanism, payload, $db }, session) {
  if (mechanism !== "SCRAM-SHA-256") return refusal(334, "MechanismUnavailable", `${mechanism} is not enabled`);
  const first = payload.toString().replace(/^n,[^,]*,/, "");
  const { n, r } = mongo.fields(first);
  const password = users()[`${$db}.${n}`];
  if (password === undefined) return unauthenticated();
  const [salt, nonce] = [crypto.randomBytes(28), r + crypto.randomBytes(18).toString("base64")];
  const challenge = `r=${nonce},s=${salt.toString("base64")},i=15000`;
  session.login = { user: n, db: $db, key: mongo.salted(password, salt, 15000), first, challenge, nonce };
  return { conversationId: 1, done: false, payload: Buffer.from(challenge), ok: 1 };
}

function saslcontinue({ payload }, session) {
  const { login } = session;
  if (!login) return refusal(17, "ProtocolError", "No SASL session state found");
  if (login.isDone) return { conversationId: 1, done: true, payload: Buffer.alloc(0), ok: 1 };
  const last = payload.toString();
  const [bare, { r, p = "" }] = [last.slice(0, last.lastIndexOf(",p=")), mongo.fields(last)];
  const signed = `${login.first},${login.challenge},${bare}`;
  const stored = mongo.hash(mongo.hmac(login.key, "Client Key"));
  const client = mongo.xor(Buffer.from(p, "base64"), mongo.hmac(stored, signed));
  if (r !== login.nonce || !mongo.hash(client).equals(stored)) {
    session.login = undefined;
    log("I", "ACCESS", "Authentication failed", { user: login.user, db: login.db });
    return unauthenticated();
  }
  login.isDone = true;
  session.users.push({ user: login.user, db: login.db });
  const verifier = mongo.hmac(mongo.hmac(login.key, "Server Key"), signed).toString("base64");
  return { conversationId: 1, done: true, payload: Buffer.from(`v=${verifier}`), ok: 1 };
}

function updateuser({ updateUser: name, pwd, $db }, session) {
  if (!session.users.some((own) => own.user === "admin" && own.db === "admin")) {
    return refusal(13, "Unauthorized", `not authorized on ${$db} to execute command updateUser`);
  }
  const all = users();
  if (!(`${$db}.${name}` in all)) return refusal(11, "UserNotFound", `Could not find user "${name}" for db "${$db}"`);
  all[`${$db}.${name}`] = pwd;
  fs.writeFileSync(`${USERS}.new`, JSON.stringify(all), { mode: 0o600 });
  fs.renameSync(`${USERS}.new`, USERS);
  return { ok: 1 };
}

function run(document, session) {
  const [name] = Object.keys(document);
  const command = commands[name.toLowerCase()];
  if (command) return command(document, session);
  return { ok: 0, errmsg: `no such command: '${name}'`, code: 59, codeName: "CommandNotFound" };
}

// --- the wire ------------------------------------------------------------------------------------------------------------

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

function answer(request, session) {
  const id = request.readInt32LE(4);
  const opcode = request.readInt32LE(12);
  if (opcode === OP_MSG) {
    // flag bits (4), then a section of kind 0 with the command.
    const reply = mongo.encode(run(mongo.decode(request.subarray(21)), session));
    return mongo.message(OP_MSG, id, Buffer.concat([Buffer.alloc(5), reply]));
  }
  if (opcode === OP_QUERY) {
    // flags (4), collection name, skip and limit (8), the query.
    const query = request.indexOf(0, 20) + 9;
    const reply = mongo.encode(run(mongo.decode(request.subarray(query)), session));
    const fields = Buffer.alloc(20);
    fields.writeInt32LE(8, 0); // await capable
    fields.writeInt32LE(1, 16); // one document
    return mongo.message(OP_REPLY, id, Buffer.concat([fields, reply]));
  }
  return null;
}

const server = net.createServer((socket) => {
  connections += 1;
  let rest = Buffer.alloc(0);
  const session = { users: [] };
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
        reply = answer(rest.subarray(0, length), session);
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
