#!/usr/bin/env node
// Stands in for mongosh, which the host's root does not have: runs a script of standard input with `connect`, `print` and the methods of a
// database that a procedure uses, against the stand-in of the server. As with the real one, an error that nobody catches is exit code 1.
import fs from "node:fs";
import mongo from "/usr/local/lib/test-host/mongo.js";

const print = (text) => console.log(String(text));

function database(connection, name) {
  return {
    getSiblingDB: (other) => database(connection, other),
    runCommand: (document) => connection.command(name, document),
    adminCommand: (document) => connection.command("admin", document),
    changeUserPassword: (user, pwd) => connection.command(name, { updateUser: user, pwd }),
  };
}

async function connect(url) {
  const connection = await mongo.connect(url);
  return database(connection, connection.database);
}

const allowed = ["--quiet", "--nodb", "--norc", "--file", "/dev/stdin"];
if (process.argv.slice(2).join(" ") !== allowed.join(" ")) {
  console.error(`not known to the stand-in: ${process.argv.slice(2).join(" ")}`);
  process.exit(64);
}
// The real one waits for what these return by itself.
const calls = /\b(connect|(?:db(?:\.getSiblingDB\('[a-z_]+'\))?)\.(?:runCommand|adminCommand|changeUserPassword))\(/g;
const script = fs.readFileSync(0, "utf8").replace(calls, "await $1(");
const AsyncFunction = (async () => {}).constructor;
try {
  await new AsyncFunction("connect", "print", `let db;\n${script}`)(connect, print);
  process.exit(0);
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exit(1);
}
