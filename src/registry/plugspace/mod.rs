//! plugspace: six Node applications under pm2 on one VPS, with MongoDB, Redis and nginx as systemd units.
//!
//! From the runbook of 2025-12-10 and the repository at `2222c45`.

mod backup;
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
    "plugspace",
    SEVERITIES,
    SERVICES,
    HostChecks::new(&HIGH)
        .disk(Usage::warn_at(85).fail_at(95))
        .disk_paths(&[
            "/",
            "/home/plugspace/backups",
            "/var/lib/docker",
            "/var/lib/mongodb",
            "/var/lib/redis",
            "/var/log",
        ])
        .memory(Usage::warn_at(85).fail_at(95))
        .certificates(Certificates::new(443, &HIGH).warn_days(30).fail_days(7))
        .disk_severity(&CRITICAL)
        .source(
            "alerts.yml: disk below 15 and 5 % free, memory above 85 and 95 %, certificates below 30 and 7 days; \
             load: opsctl's default",
        ),
)
.summary("three Next.js sites, an API, a voice server and workers under pm2, with MongoDB, Redis and nginx, on one VPS")
.host(
    Host::running("Hostinger VPS, Ubuntu 24.04, at least 4 cores, 8 GB RAM, 100 GB SSD; Node 20, npm 10.2.5")
        .address("plugspace.io")
        .ssh("ssh -p 2222 plugspace@plugspace.io"),
)
.detect(&["/home/plugspace/plugspace", "/home/plugspace/app", "/var/www/plugspace"])
.failures(failures::FAILURES)
.procedures(procedures::PROCEDURES)
.verbs(verbs::VERBS)
.release(&release::RELEASE)
.backups(backup::BACKUPS)
.proxy(Proxy::Nginx)
.maintenance(Maintenance::Page(MAINTENANCE))
.jobs(&[&BACKUP_JOB, &RENEWAL_JOB])
.notify(&[Channel::alertmanager("alertmanager", Address::Local(9093))])
.logs(&[
    Log::file("/var/log/plugspace/backup.log").what("backup"),
    Log::file("/var/log/plugspace/restore.log").what("restore"),
    Log::file("/var/log/plugspace/deploy.log").what("deploy"),
    Log::file("/var/log/auth.log").what("logins"),
    Log::Journal("fail2ban.service"),
])
.escalation(&[
    Escalation::to("on-call").after_minutes(0).via("PagerDuty; low severity waits for the next business day"),
    Escalation::to("team lead").via("critical and high only; no address documented"),
    Escalation::to("CTO").via("critical only, after the team lead"),
])
.contacts(&[
    Contact::new("infrastructure lead").at("infrastructure@plugspace.io"),
    Contact::new("security team").at("security@plugspace.io"),
    Contact::new("alerts").at("Slack #alerts; critical ones #alerts-critical"),
    Contact::new("security alerts").at("Slack #security-alerts"),
    Contact::new("database alerts").at("Slack #database-alerts"),
    Contact::new("alerts of the agents").at("Slack #ai-alerts"),
])
.notes(&[
    "SSH accepts only keys, only user plugspace, no root, three tries, no forwarding",
    "plugspace may sudo a restart or reload of nginx, and pm2; MongoDB and Redis need the provider's console",
    "plugspace is in group docker, which is equivalent to root",
    "pm2 belongs to user plugspace: run as root it starts a second daemon and all applications twice",
    "pm2 gives up after 10 restarts 5 s apart: an errored application waits for a manual start",
    "frontend, studio, api and voice never send the ready signal that pm2 waits for: each reload lasts the whole \
     timeout",
    "pm2's memory limits add up to 26.5 GB on a host of 8 GB: they do not protect the host",
    "pm2 writes to /var/log/pm2; logrotate and pm2-logrotate (50M, 14 kept) rotate it without a reopen",
    "three paths and three ways to deploy: pm2 and the runbook use /home/plugspace/plugspace, the GitHub workflow \
     /home/plugspace/app, scripts/deploy.sh /var/www/plugspace",
    "infrastructure/docker is a second complete stack on the same ports; it exposes MongoDB and Redis past UFW",
    "UFW allows 2222, 80, 443; insert a deny before those or it has no effect",
    "fail2ban: sshd 3 tries, 24 h; else 5 tries in 10 min, 1 h (nginx-http-auth; limit-req 10, botsearch 2)",
    "kernel and limits as set up: nofile 65536, vm.overcommit_memory 1, swappiness 10",
    "SECURITY.md has other response times: 1, 4, 24 and 72 h",
    "pm2's deploy section also has staging.plugspace.io",
]);

const _: () = check::deployment(&DEPLOYMENT);

/// The runbook only says `return 503` in the site's configuration, and never how it is taken out again. A file of our own
/// needs no change of theirs; nginx-setup.sh includes conf.d before sites-enabled, as Debian does, so that it is read
/// first. The nginx.conf of infrastructure/ includes neither: with that one it is refused.
const MAINTENANCE: Page = Page::new("/etc/nginx/conf.d/00-opsctl-maintenance.conf", &NGINX, 443)
    .health("/health")
    .message("We are working on Plugspace. Please try again in a while.")
    .retry_after_seconds(600)
    .effect(
        "every visitor gets 503 and the message; the applications keep running behind it, and open calls on /voice \
         last until they end",
    );

static CRITICAL: Level = Level::new("critical")
    .criterion("API, voice, MongoDB, Redis or nginx is down, or less than 5 % of the disk is free")
    .response("within 15 min")
    .response_seconds(900)
    .action("restart what is down; on-call, team lead, CTO");
static HIGH: Level = Level::new("high")
    .criterion("a site or the workers are down, memory or processors run out, a certificate has under 7 days left")
    .response("within 1 h")
    .response_seconds(3600)
    .action("restart the application concerned; on-call, team lead");
static MEDIUM: Level = Level::new("medium")
    .criterion("admin or monitoring is down, answers are slow, a certificate has under 30 days left")
    .response("within 4 h")
    .response_seconds(14_400)
    .action("find the cause, then repair; on-call");
static LOW: Level = Level::new("low")
    .criterion("an exporter is down")
    .response("within 24 h, on a business day")
    .response_seconds(86_400)
    .action("note it");
static SEVERITIES: &[&Level] = &[&CRITICAL, &HIGH, &MEDIUM, &LOW];

static SERVICES: &[&Service] = &[
    &MONGODB,
    &REDIS,
    &API,
    &VOICE,
    &WORKER,
    &FRONTEND,
    &STUDIO,
    &ADMIN,
    &NGINX,
    &PROMETHEUS,
    &ALERTMANAGER,
    &GRAFANA,
    &NODE_EXPORTER,
    &NGINX_EXPORTER,
    &REDIS_EXPORTER,
    &MONGODB_EXPORTER,
    &BLACKBOX_EXPORTER,
    &PM2_EXPORTER,
];

/// No script installs it.
static BACKUP_JOB: Job = Job::cron("backup", &["backup.sh", "opsctl backup"])
    .otherwise("databases, uploads and configuration are not copied at 02:00");
static RENEWAL_JOB: Job = Job::timer("certificate renewal", "certbot.timer")
    .otherwise("certificates expire: certbot runs twice a day and renews those with less than 30 days left")
    .expected();
