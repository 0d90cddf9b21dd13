//! ai-fsm: a field-service application on a Raspberry Pi, four services of one compose project, one operator.
//!
//! From the runbook of 2026-02-19 and the repository as of 2026-02-23, its last state for the Pi.

mod backup;
mod checklists;
mod data;
mod failures;
mod procedures;
mod release;
mod services;
mod verbs;

use super::check;
use crate::registry::*;
use services::*;

/// The deployment.
pub static DEPLOYMENT: Deployment = Deployment::new(
    "ai-fsm",
    SEVERITIES,
    SERVICES,
    HostChecks::new(&P2)
        .disk(Usage::warn_at(85).fail_at(90))
        .disk_paths(&["/", "/var", "/var/lib/docker", "/home", "/home/pi/backups", "/home/nick/backups"])
        .disk_severity(&P1)
        .source(
            "disk failure: the runbook counts a disk as healthy with more than 10 % free; all others: opsctl's \
         defaults",
        ),
)
.summary("web, worker, PostgreSQL and Redis in one compose project on a Raspberry Pi")
.host(Host::running("Raspberry Pi 4, at least 4 GB; 64-bit Raspberry Pi OS or Ubuntu 24.04 (documents disagree)"))
.detect(&["/home/pi/ai-fsm", "/home/nick/ai-fsm", "/opt/ai-fsm", "/srv/ai-fsm"])
.failures(failures::FAILURES)
.procedures(procedures::PROCEDURES)
.verbs(verbs::VERBS)
.release(&release::RELEASE)
.backups(backup::BACKUPS)
.jobs(&[&BACKUP_JOB, &HEALTH_JOB])
.logs(&[
    Log::file("/home/pi/logs/backup.log").what("backup cron, 02:00"),
    Log::file("/home/pi/logs/healthcheck.log").what("health check cron, every 5 minutes where set up"),
])
.maintenance(Maintenance::Stop(Stop::new(&[&WEB, &WORKER]).effect(
    "users get no answer, because there is no maintenance page; automations wait; the database keeps \
         running",
)))
.escalation(&[
    Escalation::to("the operator").after_minutes(0).via("on the host; there is one operator"),
    Escalation::to("the owner, for a lasting P1 or P2")
        .after_minutes(30)
        .via("ntfy, mail or SMS: what failed, what was tried, the present state"),
])
.notes(&[
    "repair in this order: postgres, web, worker",
    "no document names the directory of the repository: opsctl tries the usual ones; its user is pi, in the drill \
     nick",
    "compose needs --env-file to fill in POSTGRES_*: the env_file entry does not fill them in",
    "a changed .env needs `up -d`; `restart` keeps the old values",
    "DATABASE_URL must name the host postgres; the example file has localhost",
    "images are built here since 2026-02-23 and cannot be pulled: never prune them",
    "web and worker log JSON (level, ts, service, msg, traceId, err) between plain start lines of pnpm",
    "1 GB of swap or more is expected; dphys-swapfile exists on Raspberry Pi OS only",
    "the recommended health cron does not work: its text is empty when web is degraded or down",
    "docs/INCIDENT_RESPONSE.md in its repository replaced the older runbook",
    "the x86 host garonhome.local is primary since 2026-03-02; the repository dropped compose.pi.yml on 2026-05-07",
]);

const _: () = check::deployment(&DEPLOYMENT);

static P1: Level = Level::new("P1")
    .criterion("the application or its database is down, or data may be corrupt")
    .response("immediately")
    .response_seconds(0)
    .action("if data may be lost, stop web and worker first; otherwise repair");
static P2: Level = Level::new("P2")
    .criterion("a main feature (jobs, invoices) fails, or health is degraded")
    .response("within 1 h")
    .response_seconds(3600)
    .action("find the cause and repair");
static P3: Level = Level::new("P3")
    .criterion("a minor feature or the automations fail")
    .response("within 4 h")
    .response_seconds(14_400)
    .action("read the log, then restart the service");
static P4: Level = Level::new("P4")
    .criterion("slow answers, cosmetic faults, or one automation fails")
    .response("next business day")
    .action("note it");
static SEVERITIES: &[&Level] = &[&P1, &P2, &P3, &P4];

static SERVICES: &[&Service] = &[&POSTGRES, &REDIS, &WEB, &WORKER];

static BACKUP_JOB: Job = Job::cron("backup", &["backup_db.sh", "opsctl backup"])
    .otherwise("the database is not dumped at 02:00; a loss includes all data since the last dump")
    .expected();
/// Recommended only.
static HEALTH_JOB: Job = Job::cron("health check", &["healthcheck.sh", "opsctl check"])
    .otherwise("a web that is down sends no notification; the cron job checks every five minutes");
