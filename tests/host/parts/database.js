// database.js: ask PostgreSQL through psql, which the host's /usr brings along; no driver to install.
const { execFile } = require("node:child_process");

/** A function that runs one SQL text and resolves to its rows, each a list of strings. */
module.exports = function connect(url) {
  const { hostname, port, username, password, pathname } = new URL(url);
  // In the environment, not among the arguments, where everyone could read the password.
  const env = {
    PATH: process.env.PATH,
    PGHOST: hostname,
    PGPORT: port || "5432",
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: pathname.slice(1),
    PGCONNECT_TIMEOUT: "3",
    PGAPPNAME: process.env.PGAPPNAME ?? "app",
  };
  return (sql) =>
    new Promise((resolve, reject) => {
      const psql = execFile("psql", ["-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1"], { env, timeout: 5000 }, (error, stdout, stderr) => {
        if (error) return reject(new Error(stderr.trim().split("\n")[0] || error.message));
        const text = stdout.replace(/\n$/, "");
        resolve(text ? text.split("\n").map((line) => line.split("\t")) : []);
      });
      psql.stdin.on("error", () => {});
      psql.stdin.end(sql);
    });
};
