//! The checklist after an incident, where a runbook has none of its own.

use super::super::procedure::{Invocation, Procedure, Step};

/// What is confirmed once an incident is over.
pub static POST_INCIDENT: Procedure = Procedure::new(
    "post-incident",
    &[
        Step::show(
            "failed",
            "list units that have failed",
            Invocation::new(&["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager"]),
        ),
        Step::ask(
            "over",
            "confirm that nothing fails any longer",
            "this host, in another terminal: opsctl status",
            "over",
        ),
        Step::ask(
            "record",
            "record the incident: start and end in UTC, severity, who noticed it, impact, what was tried, resolution",
            "where the team keeps its records; opsctl history has what opsctl changed",
            "recorded",
        ),
        Step::ask("cause", "find the root cause, not only what ended it", "the log lines of that time", "found"),
        Step::ask(
            "backup",
            "prove that a backup of after the recovery can be restored",
            "this host, before or after this run: opsctl backup, then opsctl backup drill",
            "proven",
        ),
        Step::ask(
            "bypass",
            "undo every temporary change: open ports, silenced alerts, disabled checks, maintenance",
            "this host, and what stands before it",
            "undone",
        ),
        Step::ask(
            "monitoring",
            "close the gap, if it was noticed late or by users",
            "what watches this host",
            "closed",
        ),
        Step::ask(
            "runbook",
            "add the failure to the runbook, if it is new",
            "the runbook, and the registry of opsctl",
            "updated",
        ),
        Step::ask("inform", "inform those concerned", "by mail, or the channel of the team", "informed"),
        Step::ask(
            "follow-ups",
            "note what must follow, each with a name and a day",
            "the record of the incident",
            "noted",
        ),
    ],
)
.summary("go through the checklist after an incident")
.section("checklist of any Linux host")
.when("an incident is over")
.note("a run holds the lock of the deployment, so a backup waits for its end");
