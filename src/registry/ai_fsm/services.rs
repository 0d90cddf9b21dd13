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
const fn compose(service: &'static str) -> Compose {
    Compose::new(service).project("infra").files(FILES)
}

/// The env file at the root of the repository, which all share; each needs other keys of it.
const fn env(required: &'static [&'static str]) -> EnvFile {
    EnvFile::new(&["/home/pi/ai-fsm/.env", "/home/nick/ai-fsm/.env", "/opt/ai-fsm/.env", "/srv/ai-fsm/.env"])
        .mode(0o640)
        .required(required)
}

/// In a container localhost is the container itself; the example file has localhost.
const DATABASE: Setting = Setting::new(
    "DATABASE_URL",
    Form::Url(UrlForm::with_scheme(&["postgresql", "postgres"]).at(&["postgres"]).port(5432)),
)
.otherwise("the database is not reached");
/// Its start fails below that.
const SECRET: Setting =
    Setting::new("AUTH_SECRET", Form::Length(32)).otherwise("web ends at its start with a \"[startup]\" line");
/// Its log line is looked for within two minutes; 30000 is what the deployment runs with.
const POLL: Setting = Setting::new("WORKER_POLL_MS", Form::Milliseconds(100, 120_000))
    .otherwise("reminders and follow-ups are late by this time; the runbook has 30000");

/// A limit of the compose file, in which Docker reads `M` as MiB.
const fn limit(mib: u64, source: &'static str) -> Memory {
    Memory::stated_in(source).limit_bytes(mib << 20)
}

pub static POSTGRES: Service = Service::new("postgres", &P1)
    .summary("the database, PostgreSQL 16")
    .severity_reason("web and worker do not work without it")
    .managers(&[Manager::Compose(compose("postgres").container("ai-fsm-postgres"))])
    .ports(&[5432])
    .probes(&[Probe::postgres(5432).user("ai_fsm")])
    .env(env(&["POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"]))
    .data(&[Data::new(DataKind::Volume, "infra_pgdata_pi")
        .what("all data of the product, database ai_fsm; pgdata_pi in the compose file")])
    .logs(&[Log::Container])
    .memory(limit(900, "compose file, 900M read as MiB; about 150 MiB when idle"))
    .restart_loses("every session; web and worker may exit, so check all three afterwards")
    .note(
        "the runbook's names db and ai-fsm-db do not exist; its role is POSTGRES_USER of the env file, and a role \
         postgres does not exist; never run `down -v`, and no volume prune while it is down: both delete the \
         database; its port is open on every interface",
    );

pub static REDIS: Service = Service::new("redis", &P4)
    .summary("Redis 7, unused")
    .severity_reason("the code has no Redis client: do not page for it")
    .managers(&[Manager::Compose(compose("redis").container("ai-fsm-redis"))])
    .data(&[Data::new(DataKind::Volume, "infra_redis_pi")
        .what("append-only file that no program of the product writes; redis_pi in the compose file")])
    .logs(&[Log::Container])
    .memory(limit(128, "compose file, 128M read as MiB; about 30 MiB when idle"))
    .note(
        "it publishes no port, so opsctl checks only its container; web and worker wait for its start but never use \
         it, so neither needs it; the runbook does not list it",
    );

pub static WEB: Service = Service::new("web", &P1)
    .summary("the application (Next.js)")
    .severity_reason("it is all that users see")
    .managers(&[Manager::Compose(compose("web").container("ai-fsm-web"))])
    .ports(&[3000])
    .probes(&[Probe::Http(
        Http::get(
            3000,
            "/api/health",
            &[
                Rule::ok(200)
                    .when(&[Condition::at("status").is("ok"), Condition::at("checks.db").is("ok")])
                    .meaning("database answers"),
                Rule::fail(503).meaning("web is up, its database fails"),
            ],
        )
        .show(&["status", "checks.db"]),
    )])
    .needs(&[&POSTGRES])
    .env(env(&["DATABASE_URL", "REDIS_URL", "AUTH_SECRET"]).settings(&[DATABASE, SECRET]))
    .logs(&[Log::Container])
    .memory(limit(700, "compose file, 700M read as MiB; about 200 MiB when idle"))
    .restart_loses("the rate limits, which it keeps in memory: every lockout ends")
    .note(
        "AUTH_SECRET shorter than 32 characters or an empty REDIS_URL stops its start with a \"[startup]\" line; its \
         container has no health check, so nothing restarts it when it hangs; without a proxy all clients share one \
         rate limit, and denials are not logged; it runs with NODE_ENV=development and SECURE_COOKIES=false",
    );

pub static WORKER: Service = Service::new("worker", &P3)
    .summary("automations: visit reminders and invoice follow-ups")
    .severity_reason("automations wait, the application keeps running")
    .managers(&[Manager::Compose(compose("worker").container("ai-fsm-worker"))])
    .probes(&[Probe::log_line("automation poll").within_seconds(120)])
    .needs(&[&POSTGRES])
    .env(env(&["DATABASE_URL"]).settings(&[DATABASE, POLL]))
    .logs(&[Log::Container])
    .memory(limit(256, "compose file, 256M read as MiB; about 64 MiB when idle"))
    .note(
        "it polls every 30 s, and writes the line only after the database has answered; a LOG_LEVEL above info hides \
         the line, a WORKER_POLL_MS above 120000 delays it; \"sent\" means a row in audit_log: no message leaves the \
         host",
    );
