//! prim: eleven Bun services, a Caddy edge and a Stalwart mail container on one VPS.
//!
//! From the runbook of 2026-02-26 (`seeds/000…`) and the repository as of 2026-02-28.

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
        address: Some("157.230.187.207"),
        ssh: Some("ssh root@157.230.187.207"),
        system: "DigitalOcean, Ubuntu 24.04, 1 vCPU, 1 or 2 GB (documents disagree)",
    },
    detect: &["/opt/prim/packages", "/opt/prim/deploy/prim", "/etc/prim"],
    failures: failures::FAILURES,
    release: Some(&release::RELEASE),
    backups: backup::BACKUPS,
    proxy: Some(Proxy::Caddy { config: "/etc/caddy/Caddyfile" }),
    logs: &[
        Log::File { path: "/var/log/prim-health.log", what: "health check cron, every 5 minutes" },
        Log::File { path: "/var/log/prim-backup.log", what: "backup cron, 03:00 UTC" },
        Log::Journal("fail2ban.service"),
        Log::File { path: "/var/log/ufw.log", what: "firewall" },
    ],
    maintenance: Maintenance::None(
        "no flow consults the wallet's circuit breaker at this commit, so that pausing it stops nothing; stop what must \
         rest: opsctl stop SERVICE",
    ),
    escalation: &[
        Escalation { after_minutes: Some(0), who: "the operator", via: "ssh root@157.230.187.207" },
        Escalation { after_minutes: Some(0), who: "DigitalOcean console", via: "when SSH is dead" },
    ],
    contacts: &[Contact { who: "operator", at: "anyone with SSH access; no pager, no status page" }],
    notes: &[
        "wallet first: every paid service asks it for the allowlist and fails closed (403) without it",
        "one node, no failover; take a backup before a deploy that touches a db.ts",
        "deploy.sh restarts six of the ten services: token, mem, domain and track must be restarted as well",
    ],
    ..Deployment::new(
        "prim",
        "eleven Bun services, a Caddy edge and Stalwart mail on one VPS",
        SEVERITIES,
        SERVICES,
        HostChecks {
            disk: Usage { warn_percent: 85, fail_percent: 90 },
            disk_paths: &["/", "/opt/prim", "/var/lib/prim", "/var/log", "/var/lib/docker"],
            certificates: Some(Certificates { port: 443, warn_days: 21, fail_days: 7, severity: &P2 }),
            disk_severity: &P1,
            source: "runbook: a disk is well again with more than 10 % free; certificates: Caddy renews at 30 days left",
            ..HostChecks::new(&P3)
        },
    )
};

const _: () = check::deployment(&DEPLOYMENT);

static P0: Level = Level {
    id: "P0",
    criterion: "host unreachable or Caddy down",
    response: "immediately",
    response_seconds: Some(0),
    action: "SSH in, look at Caddy, provider console, reboot last",
    mttr: None,
};
static P1: Level = Level {
    id: "P1",
    criterion: "wallet unresponsive: payments are blocked for every service",
    response: "immediately",
    response_seconds: Some(0),
    action: "restart at once, then find the cause",
    mttr: None,
};
static P2: Level = Level {
    id: "P2",
    criterion: "one other service down",
    response: "within 15 min",
    response_seconds: Some(900),
    action: "restart, then find the cause",
    mttr: None,
};
static P3: Level = Level {
    id: "P3",
    criterion: "slow answers, intermittent errors",
    response: "next business day",
    response_seconds: None,
    action: "read the logs, look at disk and memory, schedule a fix",
    mttr: None,
};
static SEVERITIES: &[&Level] = &[&P0, &P1, &P2, &P3];

static SERVICES: &[&Service] = &[
    &WALLET, &STORE, &FAUCET, &SPAWN, &SEARCH, &STALWART, &EMAIL, &TOKEN, &QDRANT, &MEM, &DOMAIN, &TRACK, &SITE,
    &INFER, &CADDY,
];
