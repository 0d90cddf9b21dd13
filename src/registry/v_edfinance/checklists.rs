//! What people do about incidents and runbooks; the host shows what it has of it.
//!
//! A run holds the lock of the deployment, so what changes the host is done before a run, or between a question that is left
//! unanswered and `--resume`.

use super::P0;
use super::services::*;
use crate::registry::*;
use Assertion::{All, Exists, Healthy};

const INCIDENTS: &str = "/root/v-edfinance/docs/INCIDENTS.md";
const RUNBOOKS: &str = "/root/v-edfinance/docs/runbooks";

/// What the tracker has.
const TRACKED: Step = Step::show(
    "tracked",
    "list incidents and their status",
    Invocation::new(&["grep", "-nE", "^#+ INC-|Status|Severity", INCIDENTS]).no(1),
)
.only_if(Exists(INCIDENTS));

const WRITTEN: Step = Step::show(
    "runbooks",
    "list the runbooks, and when each was changed last",
    Invocation::new(&["find", RUNBOOKS, "-name", "*.md", "-printf", "%TY-%Tm-%Td %P\\n"]),
)
.only_if(Exists(RUNBOOKS));

const CONTAINERS: Step = Step::show(
    "containers",
    "list the containers, and how long each runs",
    Invocation::new(&["docker", "ps", "--all", "--format={{.Names}}  {{.Image}}  {{.Status}}"]),
)
.only_if(Healthy(&DOCKER));

pub(super) static INCIDENT_FLOW: Procedure = Procedure::new(
    "incident-flow",
    &[
        CONTAINERS,
        Step::ask(
            "assess",
            "assess it: P0 is an outage or loss of data, P1 a major feature, P2 a minor one with a workaround",
            "this host, in another terminal: opsctl status",
            "assessed",
        ),
        Step::ask(
            "runbook",
            "open the runbook of the failure",
            "this host, in another terminal: opsctl diagnose names failure, cause and fix",
            "open",
        ),
        Step::ask(
            "record",
            "record the incident as Investigating, with id, title, severity and date in UTC",
            "docs/INCIDENTS.md, Slack #ops-incidents",
            "recorded",
        ),
        Step::ask(
            "act",
            "do the immediate actions within 2 to 5 minutes, then what the runbook has; leave this unanswered, and resume",
            "this host, outside of this run: opsctl run quick-recovery, opsctl restart SERVICE, opsctl rollback",
            "done",
        ),
        Step::check(
            "healthy",
            "check that all that users need is healthy",
            All(&[Healthy(&POSTGRES), Healthy(&REDIS), Healthy(&API), Healthy(&WEB), Healthy(&NGINX)]),
            "the incident is not over: opsctl diagnose",
        ),
        Step::ask(
            "close",
            "close it: set that entry to Resolved, with the time to recovery",
            "docs/INCIDENTS.md, Slack #ops-incidents",
            "closed",
        ),
        Step::ask(
            "follow-ups",
            "write down what must follow, each with a name and a day",
            "docs/INCIDENTS.md, follow-ups of the entry",
            "written",
        ),
        Step::ask(
            "rca",
            "for P0 and P1: plan the root cause analysis within 24 hours",
            "the calendar of the team; opsctl run rca has its fields",
            "planned",
        ),
    ],
)
.aliases(&["incident"])
.summary("go through an incident from its assessment to the analysis of its cause")
.section("Incident Response Workflow")
.severity(&P0)
.when("an incident begins")
.not_when("the site is down and you are alone: opsctl run quick-recovery first")
.note(
    "no other change runs while it waits for an answer: leave the question unanswered, act, then opsctl run incident-flow \
     --resume, which asks again. Target of recovery: P0 10 min, P1 30 min, P2 2 h",
);

pub(super) static INCIDENT_RECORD: Procedure = Procedure::new(
    "incident-record",
    &[
        TRACKED,
        Step::ask(
            "entry",
            "write the entry: id INC-YYYY-MM-DD-NNN, title, date in UTC, severity, affected users, detection",
            "docs/INCIDENTS.md; NNN counts the entries of that day",
            "written",
        ),
        Step::ask(
            "status",
            "set the status of that entry alone: Investigating, then Mitigated, then Resolved",
            "docs/INCIDENTS.md",
            "set",
        ),
        Step::ask(
            "fields",
            "complete it: time to recovery, impact, root cause, resolution, timeline, follow-ups, link of the analysis",
            "docs/INCIDENTS.md",
            "complete",
        ),
        Step::ask("statistics", "count the month again: incidents by severity, mean time to recovery", "docs/INCIDENTS.md", "counted"),
    ],
)
.aliases(&["incident-log", "incident-update", "incident-list", "incident-stats", "incident-fields"])
.summary("record an incident, or bring its entry up to date")
.section("docs/INCIDENTS.md")
.when("an incident begins, changes or ends")
.note(
    "the tracker script of the repository takes its own flags as values, numbers wrongly, and sets every open entry to Resolved \
     at once: edit the document by hand",
);

pub(super) static RCA: Procedure = Procedure::new(
    "rca",
    &[
        TRACKED,
        Step::ask("summary", "write summary, timeline and duration", "docs/incidents/DATE-NNN-rca.md", "written"),
        Step::ask("impact", "write the impact on users and on the business", "the same document", "written"),
        Step::ask("whys", "ask why five times, and write each answer", "the same document, with the team", "written"),
        Step::ask("factors", "write what contributed to it", "the same document", "written"),
        Step::ask("fixes", "write the immediate and the lasting fix", "the same document", "written"),
        Step::ask(
            "actions",
            "write the action items, each with id, owner, due day and status",
            "the same document, and the tracker of the team",
            "written",
        ),
        Step::ask(
            "lessons",
            "write what worked, what did not, and what to do differently",
            "the same document",
            "written",
        ),
        Step::ask("prevention", "write what prevents it: technical, process, training", "the same document", "written"),
        Step::ask(
            "approval",
            "have it approved, and link it in the entry of the incident",
            "docs/INCIDENTS.md",
            "approved",
        ),
    ],
)
.aliases(&["root-cause-analysis", "incident-rca", "rca-fields"])
.summary("write the analysis of an incident's root cause")
.section("RCA template")
.when("within 24 hours after each P0 and P1")
.note("the tracker script writes over a document that is there: choose a new name");

pub(super) static RUNBOOK_TEMPLATE: Procedure = Procedure::new(
    "runbook-template",
    &[
        WRITTEN,
        Step::ask("detection", "write how the failure is detected", "a new document in docs/runbooks", "written"),
        Step::ask("actions", "write the immediate actions, 2 to 5 minutes", "the same document", "written"),
        Step::ask(
            "diagnosis",
            "write diagnosis and resolution, a scenario for each cause",
            "the same document",
            "written",
        ),
        Step::ask("recovery", "write how to recover, and how recovery is verified", "the same document", "written"),
        Step::ask("afterwards", "write what follows: record, analysis, monitoring", "the same document", "written"),
        Step::ask("escalation", "write who is asked after how many minutes", "the same document", "written"),
    ],
)
.aliases(&["new-runbook"])
.summary("write a runbook with all its sections")
.section("Runbook Template")
.when("an incident had no runbook")
.note("the failure is then added to the registry of opsctl as well, so that diagnose knows it");

pub(super) static RUNBOOK_REVIEW: Procedure = Procedure::new(
    "runbook-review",
    &[
        WRITTEN,
        CONTAINERS,
        Step::ask(
            "accuracy",
            "monthly: compare names, ports and commands of each runbook with this host",
            "docs/runbooks; opsctl verify compares the registry",
            "compared",
        ),
        Step::ask(
            "incidents",
            "bring up to date the runbook of each P0 and P1 since the last review",
            "docs/runbooks and docs/INCIDENTS.md",
            "updated",
        ),
        Step::ask(
            "drill",
            "quarterly: rehearse each P0 in staging, and measure the time to recovery",
            "the staging environment, never this host",
            "rehearsed",
        ),
    ],
)
.aliases(&["maintenance-of-runbooks", "runbook-maintenance"])
.summary("keep the runbooks true: review, update, rehearse")
.section("Runbook Maintenance")
.when("once a month, and after each P0 or P1");

pub(super) static RETROSPECTIVE: Procedure = Procedure::new(
    "retrospective",
    &[
        TRACKED,
        CONTAINERS,
        Step::ask("counts", "count the incidents of the month by severity", "docs/INCIDENTS.md", "counted"),
        Step::ask(
            "recovery",
            "compare the mean time to recovery with the target: P0 10 min, P1 30 min, P2 2 h",
            "the same document",
            "compared",
        ),
        Step::ask("uptime", "compare the uptime with 99.9 %", "Uptime Kuma of this host", "compared"),
        Step::ask(
            "top",
            "name the three worst incidents, and their categories",
            "the notes of the retrospective",
            "named",
        ),
        Step::ask(
            "actions",
            "agree on actions, each with an owner and a day",
            "the notes of the retrospective",
            "agreed",
        ),
    ],
)
.aliases(&["monthly-retrospective"])
.summary("go through the incidents of the month")
.section("incident-retrospective-template.md")
.when("once a month");

pub(super) static EFFECTIVENESS: Procedure = Procedure::new(
    "effectiveness",
    &[
        TRACKED,
        WRITTEN,
        Step::ask("uses", "count how often each runbook was used", "docs/INCIDENTS.md", "counted"),
        Step::ask("recovery", "work out the mean time to recovery of each", "the same document", "computed"),
        Step::ask(
            "success",
            "work out how many incidents each has resolved: the target is 95 %",
            "the table of the README of docs/runbooks",
            "computed",
        ),
    ],
)
.aliases(&["effectiveness-metrics"])
.summary("measure whether the runbooks help")
.section("Runbook Effectiveness Metrics")
.when("once a month, before the retrospective");
