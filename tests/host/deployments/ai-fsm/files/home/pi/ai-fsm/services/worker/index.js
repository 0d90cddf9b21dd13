// The worker: looks for due automations, handles each and says so in audit_log. No message leaves the host.
const connect = require("./database.js");

const log = (level, msg, fields = {}) => console.log(JSON.stringify({ level, ts: new Date().toISOString(), service: "worker", msg, ...fields }));
const query = connect(process.env.DATABASE_URL);
const messages = {
  visit_reminder: "visit-reminder: failed to emit for visit",
  invoice_followup: "invoice-followup: failed to process automation",
};

async function handle(id, type) {
  try {
    await query(`INSERT INTO audit_log (account_id, entity_type, entity_id, action, new_value)
        SELECT account_id, type, id, 'insert', config FROM automations WHERE id = ${id};
      UPDATE automations SET last_run_at = now(), next_run_at = now() + interval '1 hour' WHERE id = ${id};`);
  } catch (error) {
    log("error", messages[type] ?? "automation failed", { automationId: Number(id), err: { name: error.name, message: error.message } });
  }
}

async function poll() {
  try {
    const due = await query("SELECT id, type FROM automations WHERE enabled AND next_run_at <= now() ORDER BY next_run_at");
    log("info", "automation poll", { due: due.length });
    for (const [id, type] of due) await handle(id, type);
  } catch (error) {
    log("error", "worker poll failed", { err: { name: error.name, message: error.message, stack: error.stack } });
  }
}

console.log("\n> @ai-fsm/worker@0.1.0 start /app\n> node dist/index.js\n");
poll();
setInterval(poll, Number(process.env.WORKER_POLL_MS ?? 30000));
process.on("SIGTERM", () => process.exit(0));
