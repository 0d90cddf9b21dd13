//! What runs, by each manager and by Prometheus.

use Assertion::Command;

use crate::registry::*;

/// Without a daemon pm2 would start an empty one.
const PM2_RUNS: Assertion = Command(
    Invocation::new(&["pgrep", "-u", "plugspace", "-f", "^PM2 v.*God Daemon"])
        .no(1)
        .means("the pm2 daemon of plugspace runs", "the pm2 daemon of plugspace does not run"),
);

pub static STATUS: Procedure = Procedure::new(
    "status",
    &[
        Step::show(
            "pm2",
            "list the applications of pm2",
            Invocation::new(&["env", "PM2_HOME=/home/plugspace/.pm2", "pm2", "list", "--no-color"]).user("plugspace"),
        )
        .only_if(PM2_RUNS),
        Step::show(
            "units",
            "list the units of nginx, MongoDB and Redis",
            Invocation::new(&[
                "systemctl",
                "list-units",
                "--all",
                "--plain",
                "--no-legend",
                "--no-pager",
                "nginx.service",
                "mongod.service",
                "redis.service",
                "redis-server.service",
                "pm2-plugspace.service",
            ]),
        ),
        Step::show(
            "targets",
            "list what Prometheus watches: 1 is up, 0 is down",
            Invocation::new(&["curl", "-fsS", "-m", "10", "http://127.0.0.1:9090/federate?match%5B%5D=up"]).no(7),
        ),
    ],
)
.aliases(&["targets"])
.summary("list applications, units and targets of Prometheus")
.section("Quick Reference: status")
.when("it is not known what runs")
.note(
    "that a process runs is no health: opsctl status asks each service itself. pm2 of root is another daemon, with nothing in \
     it",
);
