//! fondation: one containerised worker on a VPS; its queue is at Convex and its front end at Vercel.
//!
//! From the runbook of 2025-08-26 and the repository as of 2025-08-28.

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
    "fondation",
    SEVERITIES,
    SERVICES,
    HostChecks::new(&P2)
        .disk(Usage::warn_at(80).fail_at(95))
        .disk_paths(&["/", "/srv", "/var/log", "/var/lib/docker"])
        .disk_severity(&P2)
        .source(
            "disk warning: OPERATIONS.md requires more than 20 % free; load: /health reports unhealthy above 2 per \
             processor; disk failure and memory: opsctl's defaults",
        ),
)
.summary("one queue worker in a container; queue at Convex, front end at Vercel")
.host(Host::running("a VPS (in practice Scaleway), Ubuntu 22.04, at least 2 CPUs, 2 GB RAM, 20 GB disk"))
.detect(&["/srv/fondation"])
.failures(failures::FAILURES)
.procedures(procedures::PROCEDURES)
.verbs(verbs::VERBS)
.release(&release::RELEASE)
.backups(backup::BACKUPS)
.maintenance(Maintenance::Stop(Stop::new(&[&WORKER]).effect(
    "the queue at Convex keeps filling, and users get no \
 message",
)))
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
    "no document has the host's address; root logs in for the setup, afterwards any sudo user in group docker",
    "several hosts may process the queue at once, each with its own WORKER_ID: leases assign the jobs",
    "worker log: error lines have ERROR or a red cross, start-up lines a rocket, running jobs \"Heartbeat for job\"",
    "documents disagree on how long a job may run: 10, 30 or 60 min",
    "OPERATIONS.md also requires CPU use below 80 % and fewer than 100 queued jobs; opsctl measures neither",
    "OPERATIONS.md requires ufw to allow 22 and deny 8080; the setup script does not configure ufw",
    "jq is not installed, so monitor.sh reports even a healthy worker as not responding",
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
    Level::new("P4").criterion("small defects").response("next business day").action("note it for review");
static SEVERITIES: &[&Level] = &[&P1, &P2, &P3, &P4];

static SERVICES: &[&Service] = &[&DOCKER, &CONVEX, &WORKER, &WEB];
