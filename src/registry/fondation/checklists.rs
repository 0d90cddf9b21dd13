//! What is shown or asked, and changes nothing here: the quick reference, and the documents after an incident.

use super::services::*;
use crate::registry::*;
use Assertion::{Exists, Healthy};

pub(super) static QUICK_REFERENCE: Procedure = Procedure::new(
    "quick-reference",
    &[
        Step::show(
            "stats",
            "show processors and memory of the containers",
            Invocation::new(&[
                "docker",
                "stats",
                "--no-stream",
                "--format={{.Name}}  {{.CPUPerc}}  {{.MemUsage}}  {{.PIDs}} processes",
            ]),
        )
        .only_if(Healthy(&DOCKER)),
        Step::show(
            "log",
            "show the last lines of the worker",
            Invocation::new(&[
                "journalctl",
                "--no-pager",
                "--output=short-iso",
                "--unit=fondation-worker.service",
                "--all",
                "--lines=10",
            ]),
        ),
        Step::show(
            "files",
            "list the files that matter, with mode, owner and last change",
            Invocation::new(&[
                "find",
                "/srv/fondation/.env",
                "/srv/fondation/docker-compose.prod.yml",
                "/srv/claude-creds",
                "-maxdepth",
                "1",
                "-printf",
                "%TY-%Tm-%Td %TH:%TM %m %u %p\\n",
            ])
            .no(1),
        ),
        Step::show(
            "backups",
            "list the archives of the runbook's own scripts",
            Invocation::new(&[
                "find",
                "/srv/backups",
                "-maxdepth",
                "1",
                "-type",
                "f",
                "-printf",
                "%TY-%Tm-%Td %10s %p\\n",
            ]),
        )
        .only_if(Exists("/srv/backups")),
        Step::show(
            "volume",
            "show the scratch volume",
            Invocation::new(&["docker", "volume", "ls", "--filter=name=fondation_worker-tmp"]),
        )
        .only_if(Healthy(&DOCKER)),
        Step::show(
            "health",
            "show the worker's own report",
            Invocation::new(&["curl", "--silent", "--max-time", "5", "http://127.0.0.1:8080/health"]).no(7),
        ),
    ],
)
.aliases(&["quick-card"])
.summary("show what the quick reference asks, and name the command of each line")
.section("Quick Reference")
.when("a command or a path of the worker is needed quickly")
.note(
    "restart: opsctl restart worker; emergency stop: opsctl run emergency-stop; follow logs: opsctl logs worker -f; \
     reclaim jobs: opsctl run reclaim-leases; clear temp: opsctl run clear-temp; log in to Claude: ./auth-claude.sh in \
     /srv/fondation, as its owner. The runbook's container fondation-worker and its rm on the host do nothing",
);

pub(super) static MONITORING_IMPROVEMENTS: Procedure = Procedure::new(
    "monitoring-improvements",
    &[
        Step::show(
            "timers",
            "list what checks this host by itself",
            Invocation::new(&["systemctl", "list-timers", "--all", "--no-pager", "--no-legend"]),
        ),
        Step::ask("check", "add a health check for what was noticed too late", "the monitoring of the team", "added"),
        Step::ask("alert", "add an alert for incidents of this kind", "PagerDuty", "added"),
        Step::ask("metric", "add a metric that would have shown it", "the dashboard of the team", "added"),
        Step::ask(
            "runbook",
            "bring the section of the failure up to date",
            "docs/RUNBOOK.md of the repository",
            "updated",
        ),
        Step::ask("share", "share what was learned", "the channel of the team", "shared"),
    ],
)
.summary("close the gaps of monitoring that an incident has shown")
.section("Monitoring Improvements")
.when("an incident was noticed late, or by users")
.note("/metrics is JSON on 127.0.0.1:8080, not a format of Prometheus, and has no depth of the queue");

pub(super) static INCIDENT_REPORT: Procedure = Procedure::new(
    "incident-report",
    &[
        Step::show(
            "starts",
            "list when the worker started and ended within a week",
            Invocation::new(&[
                "journalctl",
                "--no-pager",
                "--output=short-iso",
                "--unit=fondation-worker.service",
                "--since=-7d",
                "--lines=40",
                "--grep=^(Started|Stopped|Stopping|Failed|fondation-worker.service: (Main process exited|Failed))",
            ])
            .no(1),
        ),
        Step::show(
            "errors",
            "list errors within a day",
            Invocation::new(&[
                "journalctl",
                "--no-pager",
                "--output=short-iso",
                "--unit=fondation-worker.service",
                "--since=-1d",
                "--lines=40",
                "--grep=(?i)error|❌",
            ])
            .no(1),
        ),
        Step::ask(
            "summary",
            "write date, start and end, number of jobs affected, and severity",
            "the report, where the team keeps its reports",
            "written",
        ),
        Step::ask(
            "timeline",
            "write when it was detected, investigated, understood, fixed and restored",
            "the report; opsctl history has what opsctl changed",
            "written",
        ),
        Step::ask("cause", "write the root cause", "the report", "written"),
        Step::ask("resolution", "write what was done to resolve it", "the report", "written"),
        Step::ask("lessons", "write what worked, and what is to improve", "the report", "written"),
        Step::ask("actions", "write the action items, each with a name and a day", "the report", "written"),
        Step::check(
            "healthy",
            "check that the worker is healthy",
            Healthy(&WORKER),
            "the incident is not over: opsctl diagnose",
        ),
    ],
)
.summary("write the report of an incident, field by field")
.section("Incident Report Template")
.when("an incident is over, and what happened is still known")
.note("the whole checklist is opsctl run post-incident");
