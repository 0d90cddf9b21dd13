//! What is mostly done by people: the health cron, and what an emergency merge has left.

use super::P1;
use super::services::*;
use crate::registry::*;
use Assertion::{Command, Healthy, Not};

const LINE: &[&str] =
    &["grep", "-rsE", "^[^#]*(healthcheck\\.sh|opsctl check)", "/etc/crontab", "/etc/cron.d", "/var/spool/cron"];
const SCHEDULED: Assertion =
    Command(Invocation::new(LINE).expects(r"(?m)\*/5 ").no(1).means(
        "a crontab has the health check, every five minutes",
        "no crontab has the health check every five minutes",
    ));

pub(super) static HEALTH_CRON: Procedure = Procedure::new(
    "health-cron",
    &[
        Step::check(
            "cron",
            "check that cron runs",
            Command(
                Invocation::new(&["systemctl", "is-active", "cron.service"])
                    .no(3)
                    .means("cron runs", "cron does not run"),
            ),
            "systemctl start cron",
        ),
        Step::show("lines", "list lines of crontabs with a health check", Invocation::new(LINE).no(1)),
        Step::ask(
            "topic",
            "choose a topic that nobody guesses, and subscribe to it",
            "ntfy.sh, and its application on the telephone of the operator",
            "subscribed",
        )
        .only_if(Not(&SCHEDULED)),
        Step::ask(
            "script",
            "write a script that runs opsctl -d ai-fsm status -q, and posts to the topic when that ends with another code than 0",
            "this host: /home/pi/scripts/healthcheck.sh, mode 755",
            "written",
        )
        .only_if(Not(&SCHEDULED)),
        Step::ask(
            "enter",
            "add the line */5 * * * * /home/pi/scripts/healthcheck.sh",
            "this host: crontab -e as root",
            "entered",
        )
        .only_if(Not(&SCHEDULED)),
        Step::check(
            "entered",
            "check that a crontab has it",
            SCHEDULED,
            "the line must begin with */5 and name healthcheck.sh",
        ),
        Step::ask(
            "test",
            "stop the worker of automations for six minutes, and see the message arrive",
            "this host: docker stop ai-fsm-worker, later docker start ai-fsm-worker; the telephone",
            "arrived",
        ),
        Step::check(
            "restored",
            "check that the worker runs again",
            Healthy(&WORKER),
            "docker start ai-fsm-worker",
        ),
    ],
)
.aliases(&["healthcheck"])
.summary("have a cron job report when the application is unhealthy")
.section("Monitoring")
.severity(&P1)
.when("nobody is notified when the application fails")
.done(&[SCHEDULED, Healthy(&WORKER)])
.note(
    "the runbook's own script reports neither degraded nor unreachable: curl -f hides the body of a 503, and jq accepts empty \
     input. A check on the Pi is silent when the Pi is down",
);

pub(super) static CI_BYPASS: Procedure = Procedure::new(
    "ci-bypass",
    &[
        Step::ask(
            "protection",
            "switch the protection of branch main on again, with its required checks, also for administrators",
            "GitHub: Settings, Branches, of the repository",
            "protected",
        ),
        Step::ask("checks", "run the checks that the merge has skipped, on main", "GitHub: Actions", "passed"),
        Step::ask(
            "review",
            "have the merged change reviewed after the fact",
            "GitHub: the pull request of the emergency merge",
            "reviewed",
        ),
        Step::ask(
            "record",
            "record who switched it off, from when to when, why, and which commits came in",
            "docs/DECISION_LOG.md of the repository",
            "recorded",
        ),
    ],
)
.aliases(&["ci-bypass-restore"])
.summary("undo the bypass of an emergency merge")
.section("docs/CI_GOVERNANCE.md: emergency bypass")
.when("branch protection was switched off for an emergency merge");
