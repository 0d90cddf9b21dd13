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
pub static DEPLOYMENT: Deployment = Deployment::new(
    "fondation",
    SEVERITIES,
    SERVICES,
    HostChecks::new(&P2)
        .disk(Usage::warn_at(80).fail_at(95))
        .disk_paths(&["/", "/srv", "/var/log", "/var/lib/docker"])
        .disk_severity(&P2)
        .source(
            "disk warning: OPERATIONS.md wants more than 20 % free; load: /health turns unhealthy above 2 a processor; \
             disk failure and memory: opsctl's own defaults",
        ),
)
.summary("one queue worker in a container; queue at Convex, front end at Vercel")
.host(Host::running("a VPS (in practice Scaleway), Ubuntu 22.04, at least 2 CPUs, 2 GB RAM, 20 GB disk"))
.detect(&["/srv/fondation"])
.failures(failures::FAILURES)
.release(&release::RELEASE)
.backups(backup::BACKUPS)
.maintenance(Maintenance::Stop(Stop::new(&[&WORKER]).effect("the queue at Convex keeps filling, and no user is told")))
.escalation(&[
    Escalation::to("on-call").after_minutes(0).via("PagerDuty; a page is acknowledged within 5 min"),
    Escalation::to("team lead").via("when nobody acknowledges; no address documented"),
    Escalation::to("engineering manager").via("after the team lead"),
    Escalation::to("CTO").via("after the engineering manager"),
])
.contacts(&[
    Contact::new("Convex support").at("support@convex.dev"),
    Contact::new("Anthropic support").at("support@anthropic.com"),
])
.notes(&[
    "the host's address is in no document; root logs in to set it up, afterwards any sudo user in group docker",
    "several hosts may work on the queue at once, each with its own WORKER_ID: work is held by lease",
    "worker log: errors carry ERROR or a red cross, start-up lines a rocket; a job at work, \"Heartbeat for job\"",
    "documents disagree on how long a job may run: 10, 30 or 60 min (D25)",
    "OPERATIONS.md also wants CPU use below 80 % and fewer than 100 queued jobs; neither is measured here",
    "OPERATIONS.md wants ufw to allow 22 and deny 8080; the setup script never touches ufw",
    "jq is not installed, so monitor.sh reports even a healthy worker as not responding (D18)",
]);

const _: () = check::deployment(&DEPLOYMENT);

static P1: Level = Level::new("P1")
    .criterion("the worker is down or the queue stands still")
    .response("within 15 min")
    .response_seconds(900)
    .action("page the on-call");
static P2: Level = Level::new("P2")
    .criterion("many jobs fail, or memory leaks")
    .response("within 1 h")
    .response_seconds(3600)
    .action("alert the team");
static P3: Level = Level::new("P3")
    .criterion("jobs are slow, or the Claude login fails")
    .response("within 4 h")
    .response_seconds(14_400)
    .action("open a ticket");
static P4: Level =
    Level::new("P4").criterion("small defects").response("next business day").action("write it down for review");
static SEVERITIES: &[&Level] = &[&P1, &P2, &P3, &P4];

static SERVICES: &[&Service] = &[&DOCKER, &CONVEX, &WORKER, &WEB];
