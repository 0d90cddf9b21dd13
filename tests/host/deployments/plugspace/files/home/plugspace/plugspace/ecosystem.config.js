// Six applications. Two instances where the real file says four or "max", to keep the test host light.
const root = "/home/plugspace/plugspace";

const common = {
  autorestart: true,
  max_restarts: 10,
  restart_delay: 5000,
  merge_logs: true,
  time: true,
};

function app(name, log, cwd, script, options) {
  return {
    ...common,
    name,
    cwd: `${root}/${cwd}`,
    script,
    error_file: `/var/log/pm2/${log}-error.log`,
    out_file: `/var/log/pm2/${log}-out.log`,
    ...options,
    env: { NODE_ENV: "production", ...options.env },
  };
}

// As in the real file, four applications wait for a ready signal that none of them sends, so each start and reload lasts until
// the time-out. That is pm2's default of 3 s there and short here.
const waits = { wait_ready: true, listen_timeout: 500 };
const cluster = (instances, memory) => ({ exec_mode: "cluster", instances, max_memory_restart: memory });

module.exports = {
  apps: [
    app("plugspace-frontend", "frontend", "apps/landing", "server.js", { ...cluster(2, "1G"), ...waits, env: { PORT: 3000 } }),
    app("plugspace-studio", "studio", "apps/studio", "server.js", { ...cluster(2, "1G"), ...waits, env: { PORT: 3001 } }),
    app("plugspace-admin", "admin", "apps/admin", "server.js", {
      exec_mode: "fork",
      instances: 1,
      max_memory_restart: "512M",
      env: { PORT: 3002 },
    }),
    app("plugspace-api", "api", "apps/api", "dist/index.js", {
      ...cluster(2, "2G"),
      ...waits,
      kill_timeout: 10000,
      exp_backoff_restart_delay: 100,
      env: { API_PORT: 4000 },
    }),
    app("plugspace-voice", "voice", "apps/server", "dist/index.js", {
      ...cluster(2, "1G"),
      ...waits,
      kill_timeout: 30000,
      env: { PORT: 4001 },
    }),
    app("plugspace-worker", "worker", "apps/api", "dist/queue/workers/index.js", { ...cluster(2, "2G"), kill_timeout: 60000 }),
  ],
};
