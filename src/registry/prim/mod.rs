//! prim: eleven Bun services, a Caddy edge and a Stalwart mail container on one VPS.
//!
//! From the runbook of 2026-02-26 and the repository as of 2026-02-28.

mod access;
mod backup;
mod checklists;
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
    "prim",
    SEVERITIES,
    SERVICES,
    HostChecks::new(&P3)
        .disk(Usage::warn_at(85).fail_at(90))
        .disk_paths(&["/", "/opt/prim", "/var/lib/prim", "/var/log", "/var/lib/docker"])
        .certificates(Certificates::new(443, &P2).warn_days(21).fail_days(7))
        .disk_severity(&P1)
        .source("runbook: a disk is healthy with more than 10 % free; certificates: Caddy renews at 30 days left"),
)
.summary("eleven Bun services, a Caddy edge and Stalwart mail on one VPS")
.host(
    Host::running("DigitalOcean, Ubuntu 24.04, 1 vCPU, 1 or 2 GB (documents disagree)")
        .address("157.230.187.207")
        .ssh("ssh root@157.230.187.207"),
)
.detect(&["/opt/prim/packages", "/opt/prim/deploy/prim", "/etc/prim"])
.failures(failures::FAILURES)
.procedures(procedures::PROCEDURES)
.verbs(verbs::VERBS)
.release(&release::RELEASE)
.backups(backup::BACKUPS)
.proxy(Proxy::caddy("/etc/caddy/Caddyfile"))
.jobs(&[&HEALTH_JOB, &BACKUP_JOB])
.status_files(StatusFiles::new("/var/lib/prim/health", "/var/log/prim-health.log"))
.notify(&[Channel::slack("chat", Address::Key("ALERT_WEBHOOK_URL"))])
.logs(&[
    Log::file("/var/log/prim-health.log").what("health check cron, every 5 minutes"),
    Log::file("/var/log/prim-backup.log").what("backup cron, 03:00 UTC"),
    Log::Journal("fail2ban.service"),
    Log::file("/var/log/ufw.log").what("firewall"),
])
.maintenance(Maintenance::None(
    "the code does not check the wallet's circuit breaker, so pausing it stops nothing; stop a service instead: \
     opsctl stop SERVICE",
))
.escalation(&[
    Escalation::to("the operator").after_minutes(0).via("ssh root@157.230.187.207"),
    Escalation::to("DigitalOcean console").after_minutes(0).via("when SSH is dead"),
])
.contacts(&[Contact::new("operator").at("anyone with SSH access; no pager, no status page")])
.notes(&[
    "wallet first: every paid service checks its allowlist and fails closed (403) without it",
    "one node, no failover; take a backup before a deploy that touches a db.ts",
    "deploy.sh restarts six of the ten services: also restart token, mem, domain and track",
]);

const _: () = check::deployment(&DEPLOYMENT);

static P0: Level = Level::new("P0")
    .criterion("host unreachable or Caddy down")
    .response("immediately")
    .response_seconds(0)
    .action("SSH in, check Caddy, provider console, reboot last");
static P1: Level = Level::new("P1")
    .criterion("wallet unresponsive: payments are blocked for every service")
    .response("immediately")
    .response_seconds(0)
    .action("restart at once, then find the cause");
static P2: Level = Level::new("P2")
    .criterion("one other service down")
    .response("within 15 min")
    .response_seconds(900)
    .action("restart, then find the cause");
static P3: Level = Level::new("P3")
    .criterion("slow answers, intermittent errors")
    .response("next business day")
    .action("read the logs, check disk and memory, schedule a fix");
static SEVERITIES: &[&Level] = &[&P0, &P1, &P2, &P3];

static SERVICES: &[&Service] = &[
    &WALLET, &STORE, &FAUCET, &SPAWN, &SEARCH, &STALWART, &EMAIL, &TOKEN, &QDRANT, &MEM, &DOMAIN, &TRACK, &SITE,
    &INFER, &CADDY,
];

static HEALTH_JOB: Job = Job::cron("health check", &["healthcheck.sh", "opsctl check"])
    .otherwise("a failed public host raises no alert; the cron job checks every five minutes")
    .expected();
static BACKUP_JOB: Job = Job::cron("backup", &["backup.sh", "opsctl backup"])
    .otherwise("no database is copied to R2 at 03:00 UTC; a loss includes all data since the last copy")
    .expected();
