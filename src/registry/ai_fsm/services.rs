//! Services of ai-fsm: all in one compose project, which is named after the directory of its file.

use super::{P1, P3, P4};
use crate::registry::*;

/// Where the compose file may lie, in the places where the deployment is looked for.
const FILES: &[&str] = &[
    "/home/pi/ai-fsm/infra/compose.pi.yml",
    "/home/nick/ai-fsm/infra/compose.pi.yml",
    "/opt/ai-fsm/infra/compose.pi.yml",
    "/srv/ai-fsm/infra/compose.pi.yml",
];

/// A service of the project and the container name that the file sets.
const fn compose(service: &'static str, container: &'static str) -> Manager {
    Manager::Compose(Compose { project: "infra", service, container: Some(container), files: FILES })
}

/// The env file at the root of the repository, which all share; each needs other keys of it.
const fn env(required: &'static [&'static str]) -> EnvFile {
    EnvFile {
        paths: &["/home/pi/ai-fsm/.env", "/home/nick/ai-fsm/.env", "/opt/ai-fsm/.env", "/srv/ai-fsm/.env"],
        owner: None,
        mode: 0o640,
        required,
    }
}

/// A limit of the compose file, in which Docker reads `M` as MiB.
const fn limit(mib: u64, source: &'static str) -> Memory {
    Memory { alarm_bytes: None, limit_bytes: Some(mib << 20), source }
}

pub static POSTGRES: Service = Service {
    managers: &[compose("postgres", "ai-fsm-postgres")],
    ports: &[5432],
    probes: &[Probe::Postgres { port: 5432, user: "ai_fsm" }],
    env: Some(env(&["POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"])),
    data: &[Data {
        path: "infra_pgdata_pi",
        kind: DataKind::Volume,
        what: "all data of the product, database ai_fsm; pgdata_pi in the compose file",
    }],
    logs: &[Log::Container],
    memory: Some(limit(900, "compose file, 900M read as MiB; about 150 MiB when idle")),
    restart_loses: Some("every session; web and worker may exit on that, so look at all three afterwards"),
    note: Some(
        "the seed calls it db and ai-fsm-db, names that exist nowhere (D1); its role is POSTGRES_USER of the env file, \
         so the seed's role postgres does not exist (D2); never `down -v`, and no volume prune while it is down: that \
         takes the database (D3); its port is open on every interface (D21)",
    ),
    ..Service::new("postgres", "the database, PostgreSQL 16", &P1, "web and worker can do nothing without it")
};

pub static REDIS: Service = Service {
    managers: &[compose("redis", "ai-fsm-redis")],
    data: &[Data {
        path: "infra_redis_pi",
        kind: DataKind::Volume,
        what: "append-only file that no program of the product writes to; redis_pi in the compose file",
    }],
    logs: &[Log::Container],
    memory: Some(limit(128, "compose file, 128M read as MiB; about 30 MiB when idle")),
    note: Some(
        "publishes no port, so only its container is judged; web and worker wait for its start but never use it, so \
         neither needs it; the seed does not mention it",
    ),
    ..Service::new("redis", "Redis 7, unused", &P4, "the code has no Redis client: do not page for it (D20)")
};

pub static WEB: Service = Service {
    managers: &[compose("web", "ai-fsm-web")],
    ports: &[3000],
    probes: &[Probe::Http(Http {
        show: &["status", "checks.db"],
        ..Http::get(
            3000,
            "/api/health",
            &[
                Rule {
                    status: Some(200),
                    when: &[Condition::Is("status", "ok"), Condition::Is("checks.db", "ok")],
                    verdict: Verdict::Pass,
                    meaning: "database answers",
                },
                Rule { status: Some(503), when: &[], verdict: Verdict::Fail, meaning: "web is up, its database fails" },
            ],
        )
    })],
    needs: &[&POSTGRES],
    env: Some(env(&["DATABASE_URL", "REDIS_URL", "AUTH_SECRET"])),
    logs: &[Log::Container],
    memory: Some(limit(700, "compose file, 700M read as MiB; about 200 MiB when idle")),
    restart_loses: Some("the rate limits, which it keeps in memory: every lock-out ends"),
    note: Some(
        "AUTH_SECRET shorter than 32 characters or an empty REDIS_URL stops its start with a \"[startup]\" line; its \
         container has no health check, so a hung one stays (D17); with no proxy in front all clients share one rate \
         limit, and denials are not logged (D18); it runs with NODE_ENV=development (D21) and SECURE_COOKIES=false",
    ),
    ..Service::new("web", "the application (Next.js)", &P1, "it is all that users see")
};

pub static WORKER: Service = Service {
    managers: &[compose("worker", "ai-fsm-worker")],
    probes: &[Probe::LogLine { contains: "automation poll", within_seconds: 120 }],
    needs: &[&POSTGRES],
    env: Some(env(&["DATABASE_URL"])),
    logs: &[Log::Container],
    memory: Some(limit(256, "compose file, 256M read as MiB; about 64 MiB when idle")),
    note: Some(
        "polls every 30 s, and writes the line only after the database has answered; a LOG_LEVEL above info hides it, \
         a WORKER_POLL_MS above 120000 makes it late; \"sent\" means a row in audit_log: no message leaves the host",
    ),
    ..Service::new(
        "worker",
        "automations: visit reminders and invoice follow-ups",
        &P3,
        "automations wait, the application goes on",
    )
};
