// The queue workers: they look at the waiting list and have no port. (In the real repository this file is never built.)
const path = require("node:path");
const { redis } = require("../../../../../packages/clients");

process.loadEnvFile(path.join(__dirname, "../../../../../.env"));

async function poll() {
  try {
    const waiting = (await redis(process.env.REDIS_URL, ["LLEN", "bull:generation:wait"])).slice(1);
    console.log(`workers polling, ${waiting} waiting`);
  } catch (error) {
    console.error(`queue unreachable: ${error.message}`);
  }
}
poll();
setInterval(poll, 30000);
process.on("SIGINT", () => process.exit(0));
