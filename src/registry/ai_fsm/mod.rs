//! ai-fsm: a field-service application on a Raspberry Pi, four services of one compose project, one operator.
//!
//! From the runbook of 2026-02-19 (`seeds/002…`) and the repository as of 2026-02-23, its last state for the Pi.

mod backup;
mod failures;
mod release;
mod services;

use super::check;
use crate::registry::*;
use services::*;

/// The deployment.
pub static DEPLOYMENT: Deployment = Deployment {
    host: Host {
        address: None,
        ssh: None,
        system: "Raspberry Pi 4, at least 4 GB; 64-bit Raspberry Pi OS or Ubuntu 24.04 (documents disagree)",
    },
    detect: &["/home/pi/ai-fsm", "/home/nick/ai-fsm", "/opt/ai-fsm", "/srv/ai-fsm"],
    failures: failures::FAILURES,
    release: Some(&release::RELEASE),
    backups: backup::BACKUPS,
    logs: &[
        Log::File { path: "/home/pi/logs/backup.log", what: "backup cron, 02:00" },
        Log::File { path: "/home/pi/logs/healthcheck.log", what: "health check cron, every 5 minutes where set up" },
    ],
    maintenance: Maintenance::Stop(Stop {
        services: &[&WEB, &WORKER],
        effect: "users get no answer, for there is no maintenance page; automations wait; the database stays up",
    }),
    escalation: &[
        Escalation { after_minutes: Some(0), who: "the operator", via: "on the host; there is one operator" },
        Escalation {
            after_minutes: Some(30),
            who: "the human owner, for a P1 or P2 that lasts",
            via: "ntfy, mail or SMS: what failed, what was tried, how it stands",
        },
    ],
    notes: &[
        "repair in this order: postgres, web, worker",
        "no document says where the repository lies: usual places are tried; its user is pi, in the drill nick (D26)",
        "compose needs --env-file to fill in POSTGRES_*: the env_file entry does not do that (D22)",
        "a changed .env needs `up -d`; `restart` keeps the old values (D7)",
        "DATABASE_URL must name the host postgres; the example file has localhost",
        "images are built here and can be pulled from nowhere since 2026-02-23 (D16): never prune them",
        "web and worker log JSON (level, ts, service, msg, traceId, err) between plain start lines of pnpm (D5)",
        "1 GB of swap or more is expected; dphys-swapfile exists on Raspberry Pi OS only (D8)",
        "the recommended health cron cannot report what it is for: its text is empty when web is degraded or down (D6)",
        "the seed gave way to docs/INCIDENT_RESPONSE.md on the day it was written (D27)",
        "the x86 host garonhome.local is primary since 2026-03-02; the repository dropped compose.pi.yml on 2026-05-07",
    ],
    ..Deployment::new(
        "ai-fsm",
        "web, worker, PostgreSQL and Redis in one compose project on a Raspberry Pi",
        SEVERITIES,
        SERVICES,
        HostChecks {
            disk: Usage { warn_percent: 85, fail_percent: 90 },
            disk_paths: &["/", "/var", "/var/lib/docker", "/home", "/home/pi/backups", "/home/nick/backups"],
            disk_severity: &P1,
            source: "disk failure: it counts as well again with more than 10 % free; all others: opsctl's own defaults",
            ..HostChecks::new(&P2)
        },
    )
};

const _: () = check::deployment(&DEPLOYMENT);

static P1: Level = Level {
    id: "P1",
    criterion: "the application or its database is down, or data may be corrupt",
    response: "immediately",
    response_seconds: Some(0),
    action: "where data may be lost, stop web and worker first; else repair",
    mttr: None,
};
static P2: Level = Level {
    id: "P2",
    criterion: "a main feature (jobs, invoices) fails, or health is degraded",
    response: "within 1 h",
    response_seconds: Some(3600),
    action: "find the cause and repair",
    mttr: None,
};
static P3: Level = Level {
    id: "P3",
    criterion: "a lesser feature or the automations fail",
    response: "within 4 h",
    response_seconds: Some(14_400),
    action: "read the log, then restart the service",
    mttr: None,
};
static P4: Level = Level {
    id: "P4",
    criterion: "slow, ugly, or one automation fails",
    response: "next business day",
    response_seconds: None,
    action: "note it",
    mttr: None,
};
static SEVERITIES: &[&Level] = &[&P1, &P2, &P3, &P4];

static SERVICES: &[&Service] = &[&POSTGRES, &REDIS, &WEB, &WORKER];
