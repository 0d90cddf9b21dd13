//! What the runbook of ai-fsm has an operator do, and verbs of opsctl do.

use crate::registry::*;

pub(super) static VERBS: &[VerbProcedure] = &[
    VerbProcedure::new("status", &["status"], Risk::ReadOnly)
        .summary("show what is wrong, then every service and the host")
        .section("Quick Reference")
        .when("anything may be wrong"),
    VerbProcedure::new("health", &["status", "web"], Risk::ReadOnly)
        .summary("ask the application for its health")
        .section("Health checks")
        .when("users report that the application is slow or down")
        .note("status code and body of /api/health count both: it answers 503 with a body where the database is out"),
    VerbProcedure::new("quick", &["status", "-o", "wide"], Risk::ReadOnly)
        .summary("show every service with all columns, and what the host has left")
        .section("Quick Reference")
        .when("the load or the memory of the Pi is in doubt"),
    VerbProcedure::new("logs", &["logs", "--all"], Risk::ReadOnly)
        .summary("show the log lines of all services as one stream")
        .section("Quick Reference: logs")
        .when("the cause of a failure is sought")
        .note("one service: opsctl logs web; secrets are masked"),
    VerbProcedure::new("backup-now", &["backup", "create"], Risk::Safe)
        .summary("back up the database and the env file")
        .section("Backup")
        .when("before a migration or a restore, and when last night's dump is missing")
        .note(
            "each dump is read back and restored in scratch before it counts; the runbook lists its contents only, and does not \
             back up .env",
        ),
    VerbProcedure::new("restore", &["restore", "database"], Risk::Destructive)
        .summary("restore the database from its newest verified copy")
        .section("Restore")
        .when("data is corrupt or lost")
        .note(
            "--at chooses another copy. The runbook drops the live database first; here it is kept until the restored one is \
             verified. Row counts are compared with those of the copy; the login is tried by hand",
        ),
    VerbProcedure::new("drill", &["backup", "drill", "database"], Risk::Safe)
        .summary("rehearse a restore, and record how long it took")
        .section("Restore validation drill")
        .when("once a month, and after every restore")
        .note(
            "it restores in scratch and compares row counts; the login, and the entry DRILL-DATE in docs/DECISION_LOG.md, are \
             made by hand",
        ),
    VerbProcedure::new("rollback", &["rollback"], Risk::Disruptive)
        .summary("return web and worker to the images before")
        .section("Rollback")
        .when("a new version fails")
        .note(
            "opsctl redeploy keeps the images of before under the tag previous. Migrations remain: opsctl restore database undoes \
             them with all data since. The note of the rollback (date, tags, reason, restore required, resolution) is written by \
             hand",
        ),
];
