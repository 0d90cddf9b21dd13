//! v-edfinance: NestJS API, Next.js front end, PostgreSQL and Redis in containers on one VPS, with Dokploy above them.
//!
//! From the runbook of 2026-01-04 and the repository from that day to 2026-02-01.

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
    "v-edfinance",
    SEVERITIES,
    SERVICES,
    HostChecks::new(&P1)
        .disk(Usage::warn_at(80).fail_at(90))
        .disk_paths(&["/", "/root/backups", "/backups/postgres", "/var/lib/docker", "/var/log"])
        .memory(Usage::warn_at(85).fail_at(95))
        .disk_severity(&P0)
        .source("disk: health cron; memory warning: alerts.yml; memory failure and load: opsctl's own defaults"),
)
.summary("learning and finance: NestJS API, Next.js front end, PostgreSQL and Redis in containers on one VPS")
.host(
    Host::running("TrumVPS, Ubuntu 22.04.1, 4 GB RAM, 30 GB disk, Docker 29.1.3, in Swarm mode on 2026-01-08")
        .address("103.54.153.248")
        .ssh("ssh root@103.54.153.248"),
)
.detect(&["/root/v-edfinance", "/var/www/v-edfinance", "/opt/v-edfinance"])
.failures(failures::FAILURES)
.procedures(procedures::PROCEDURES)
.verbs(verbs::VERBS)
.release(&release::RELEASE)
.backups(backup::BACKUPS)
.jobs(&[&HEALTH_JOB, &BACKUP_JOB, &RESTORE_JOB])
.logs(&[
    Log::file("/var/log/health.log")
        .what("health cron, every 4 h, emptied weekly; a report ends at its first failing check"),
    Log::file("/var/log/backup.log").what("backup"),
    Log::file("/var/log/r2-backup.log").what("upload of the backup to R2"),
    Log::file("/backups/postgres/last_backup.log").what("the last dump"),
    Log::file("/var/log/backup-test.log").what("restore test, Sundays 04:00"),
    Log::file("/var/log/backup-test-summary.log").what("restore test, outcome"),
])
.escalation(&[
    Escalation::to("L1: whoever sees it").after_minutes(0).via("the runbook of the failure"),
    Escalation::to("L2: on-call engineer").after_minutes(10).via("Slack #ops-oncall; answers within 15 min"),
    Escalation::to("L3: specialist").after_minutes(30).via("Slack #database-experts, #security-team or #finance-team"),
    Escalation::to("L4: vendor").after_minutes(60).via("VPS provider, Dokploy, Stripe or PostgreSQL"),
])
.contacts(&[
    Contact::new("on-call, by mail").at("ops-oncall@vedfinance.com"),
    Contact::new("everybody, before a runbook is used").at("Slack #ops-incidents"),
    Contact::new("alerts").at("Slack #ops-alerts"),
    Contact::new("authors of the runbooks").at("Slack #ops-runbooks"),
    Contact::new("all hands, for an outage").at("Slack #critical-incidents"),
    Contact::new("back end on-call").at("Slack #backend-oncall"),
    Contact::new("payments on-call").at("Slack #payments-oncall"),
    Contact::new("security").at("security@v-edfinance.com"),
    Contact::new("VPS provider").at("TrumVPS support portal and web console"),
    Contact::new("Dokploy").at("support@dokploy.com"),
    Contact::new("Stripe").at("support in its dashboard; https://status.stripe.com"),
    Contact::new("PostgreSQL").at("community forums"),
])
.notes(&[
    "SSH logs in as root with a key; a user deployer (sudo, docker) is only planned",
    "UFW once locked everybody out: the provider's web console still works then",
    "UFW lets in 22 80 443 3000 19999 3002 61208 8090 9090 3003",
    "restart a Swarm task with `docker service update --force`, other containers with `docker restart`",
    "a variable set inside a container is lost at its restart: set it where the container is created, and redeploy",
    "containers of Dokploy have their secrets in Dokploy's UI, not in the env files",
    "the repository contains passwords and keys, and /debug requires no login: rotate them",
    "names begin with vedfinance or v-edfinance: a search for one misses the other",
    "repair targets are from the README; some runbooks and INCIDENTS.md have others",
]);

const _: () = check::deployment(&DEPLOYMENT);

static P0: Level = Level::new("P0")
    .criterion("everything is down, or data is being lost")
    .response("within 5 min")
    .response_seconds(300)
    .action("restart what stopped, then roll back or restore")
    .mttr(Mttr::total_seconds(600).detect_seconds(120).mitigate_seconds(180).recover_seconds(300));
static P1: Level = Level::new("P1")
    .criterion("a main feature is broken, or everything is very slow")
    .response("within 15 min")
    .response_seconds(900)
    .action("open its runbook: login, payment or slow queries")
    .mttr(Mttr::total_seconds(1800).detect_seconds(300).mitigate_seconds(600).recover_seconds(900));
static P2: Level = Level::new("P2")
    .criterion("a small defect with a workaround")
    .response("within 1 h")
    .response_seconds(3600)
    .action("publish the workaround, then repair")
    .mttr(Mttr::total_seconds(7200).detect_seconds(900).mitigate_seconds(1800).recover_seconds(3600));
static P3: Level = Level::new("P3")
    .criterion("cosmetic; only INCIDENTS.md has this severity")
    .response("within 4 h, repaired within 8 h")
    .response_seconds(14_400)
    .action("note it and repair it the same day");
static SEVERITIES: &[&Level] = &[&P0, &P1, &P2, &P3];

static SERVICES: &[&Service] = &[
    &DOCKER,
    &POSTGRES,
    &REDIS,
    &API,
    &WEB,
    &NGINX,
    &DOKPLOY_POSTGRES,
    &DOKPLOY_REDIS,
    &DOKPLOY,
    &PROMETHEUS,
    &GRAFANA,
    &UPTIME_KUMA,
    &NETDATA,
    &GLANCES,
    &BESZEL,
    &BESZEL_AGENT,
];

// No script installs these.
static HEALTH_JOB: Job = Job::cron("health report", &["health-check-report.sh", "opsctl check"])
    .otherwise("a full disk or a failed service raises no alert; the cron job reports every four hours");
static BACKUP_JOB: Job = Job::cron("backup", &["backup-to-r2.sh", "vps-backup.sh", "opsctl backup"])
    .otherwise("the database is not copied to R2 at 03:00");
static RESTORE_JOB: Job = Job::cron("restore test", &["backup-restore-test.sh", "opsctl backup drill"])
    .otherwise("a copy that cannot be restored is not detected on Sundays at 04:00");
