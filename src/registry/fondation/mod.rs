//! fondation: one containerised worker on a VPS; its queue is at Convex and its front end at Vercel.
//!
//! From the runbook of 2025-08-26 (`seeds/001…`) and the repository as of 2025-08-28.

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
        system: "a VPS (in practice Scaleway), Ubuntu 22.04, at least 2 CPUs, 2 GB RAM, 20 GB disk",
    },
    detect: &["/srv/fondation"],
    failures: failures::FAILURES,
    release: Some(&release::RELEASE),
    backups: backup::BACKUPS,
    maintenance: Maintenance::Stop(Stop {
        services: &[&WORKER],
        effect: "the queue at Convex keeps filling, and no user is told",
    }),
    escalation: &[
        Escalation { after_minutes: Some(0), who: "on-call", via: "PagerDuty; a page is acknowledged within 5 min" },
        Escalation { after_minutes: None, who: "team lead", via: "when nobody acknowledges; no address documented" },
        Escalation { after_minutes: None, who: "engineering manager", via: "after the team lead" },
        Escalation { after_minutes: None, who: "CTO", via: "after the engineering manager" },
    ],
    contacts: &[
        Contact { who: "Convex support", at: "support@convex.dev" },
        Contact { who: "Anthropic support", at: "support@anthropic.com" },
    ],
    notes: &[
        "the host's address is in no document; root logs in to set it up, afterwards any sudo user in group docker",
        "several hosts may work on the queue at once, each with its own WORKER_ID: work is held by lease",
        "worker log: errors carry ERROR or a red cross, start-up lines a rocket; a job at work, \"Heartbeat for job\"",
        "documents disagree on how long a job may run: 10, 30 or 60 min (D25)",
        "OPERATIONS.md also wants CPU use below 80 % and fewer than 100 queued jobs; neither is measured here",
        "OPERATIONS.md wants ufw to allow 22 and deny 8080; the setup script never touches ufw",
        "jq is not installed, so monitor.sh reports even a healthy worker as not responding (D18)",
    ],
    ..Deployment::new(
        "fondation",
        "one queue worker in a container; queue at Convex, front end at Vercel",
        SEVERITIES,
        SERVICES,
        HostChecks {
            disk: Usage { warn_percent: 80, fail_percent: 95 },
            disk_paths: &["/", "/srv", "/var/log", "/var/lib/docker"],
            disk_severity: &P2,
            source: "disk warning: OPERATIONS.md wants more than 20 % free; load: /health turns unhealthy above 2 a \
                     processor; disk failure and memory: opsctl's own defaults",
            ..HostChecks::new(&P2)
        },
    )
};

const _: () = check::deployment(&DEPLOYMENT);

static P1: Level = Level {
    id: "P1",
    criterion: "the worker is down or the queue stands still",
    response: "within 15 min",
    response_seconds: Some(900),
    action: "page the on-call",
    mttr: None,
};
static P2: Level = Level {
    id: "P2",
    criterion: "many jobs fail, or memory leaks",
    response: "within 1 h",
    response_seconds: Some(3600),
    action: "alert the team",
    mttr: None,
};
static P3: Level = Level {
    id: "P3",
    criterion: "jobs are slow, or the Claude login fails",
    response: "within 4 h",
    response_seconds: Some(14_400),
    action: "open a ticket",
    mttr: None,
};
static P4: Level = Level {
    id: "P4",
    criterion: "small defects",
    response: "next business day",
    response_seconds: None,
    action: "write it down for review",
    mttr: None,
};
static SEVERITIES: &[&Level] = &[&P1, &P2, &P3, &P4];

static SERVICES: &[&Service] = &[&DOCKER, &CONVEX, &WORKER, &WEB];
