//! What the runbook of plugspace has an operator do beyond what the verbs of opsctl do: alerts, backups, load, incidents.

mod alerts;
mod backups;
mod incidents;
mod overview;
mod rotations;

use super::HIGH;
use super::services::*;
use crate::registry::*;
use Assertion::{Command, Healthy};

pub(super) static PROCEDURES: &[&Procedure] = &[
    &overview::STATUS,
    &alerts::ALERT_STATUS,
    &alerts::SILENCE_ALERT,
    &alerts::UNSILENCE_ALERT,
    &SCALE,
    &rotations::ROTATE_DB_CREDENTIALS,
    &rotations::ROTATE_REDIS,
    &incidents::SECURITY_INCIDENT,
    &incidents::SERVER_REBUILD,
    &backups::BACKUP_VERIFY,
    &backups::BACKUP_CHECKLIST,
];

/// pm2 prints one process id a line; 0 is an instance that does not run.
const SCALED: Assertion = Command(
    Invocation::new(&["env", "PM2_HOME=/home/plugspace/.pm2", "pm2", "pid", "plugspace-api"])
        .user("plugspace")
        .expects(r"\A(?:[1-9][0-9]*\n){{instances}}\z")
        .means(
            "{instances} instances of plugspace-api run",
            "there are not {instances} running instances of plugspace-api",
        ),
);

static SCALE: Procedure = Procedure::new(
    "scale",
    &[
        Step::check(
            "daemon",
            "check that the pm2 daemon of plugspace runs",
            Command(
                Invocation::new(&["pgrep", "-u", "plugspace", "-f", "^PM2 v.*God Daemon"])
                    .no(1)
                    .means("the pm2 daemon of plugspace runs", "the pm2 daemon of plugspace does not run"),
            ),
            "pm2 would start an empty one; systemctl start pm2-plugspace starts it with its applications",
        ),
        Step::show("memory", "show free memory: an instance may take 2 GiB", Invocation::new(&["free", "-m"])),
        Step::show(
            "busy",
            "list processes, the busiest last",
            Invocation::new(&["ps", "-eo", "pcpu,rss,pid,user,comm", "--sort=pcpu"]),
        ),
        Step::command(
            "scale",
            "run {instances} instances of plugspace-api",
            Invocation::new(&[
                "env",
                "PM2_HOME=/home/plugspace/.pm2",
                "pm2",
                "scale",
                "plugspace-api",
                "{instances}",
            ])
            .user("plugspace")
            .seconds(180),
            Risk::Disruptive,
        )
        .proof(SCALED)
        .undo(Undo::Never("how many there were before is not recorded; scale again with that number")),
    ],
)
.aliases(&["scale-api"])
.summary("change how many instances of the API run")
.section("High CPU Usage, step 5")
.severity(&HIGH)
.when("the API is the bottleneck, and processors and memory are free")
.not_when("the processors are busy: more instances make it slower; memory is short: each instance may take 2 GiB")
.parameters(&[Parameter::new("instances", ParameterKind::Number { least: 1, most: 16 }).help("instances of the API")])
.done(&[SCALED, Healthy(&API)])
.note(
    "fewer instances: those that end have 10 s for their requests. The next start of the ecosystem file returns to 4; the \
     runbook's +2 already exceeds the four processors",
);
