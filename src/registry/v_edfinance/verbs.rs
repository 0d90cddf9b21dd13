//! What the runbook of v-edfinance has an operator do, and verbs of opsctl do.

use crate::registry::*;

pub(super) static VERBS: &[VerbProcedure] = &[
    VerbProcedure::new("health-set", &["status"], Risk::ReadOnly)
        .aliases(&["health"])
        .summary("ask every service for its health")
        .section("Health checks")
        .when("an incident begins, and before it is closed"),
    VerbProcedure::new("log-set", &["logs", "--all"], Risk::ReadOnly)
        .aliases(&["logs"])
        .summary("show the log lines of all services as one stream")
        .section("Logs")
        .when("the cause of a failure is sought")
        .note("errors of the last hour: opsctl logs --all --errors --since 1h; secrets are masked"),
    VerbProcedure::new("backup-now", &["backup", "create"], Risk::Safe)
        .summary("back up the database")
        .section("Manual backup")
        .when("before a migration, a rollback or a restore, and when last night's dump is missing")
        .note(
            "the runbook's vps-backup.sh is not in the repository any longer; the dump is read back and restored in scratch before \
             it counts",
        ),
    VerbProcedure::new("restore", &["restore", "database"], Risk::Destructive)
        .summary("restore the database from its newest verified copy")
        .section("p0-database-failure, restore")
        .when("the database is corrupt or lost")
        .note(
            "--at chooses another copy. The API is stopped meanwhile, and the live database is kept until the restored one is \
             verified; vps-restore.sh reports success whatever happens. Migrations newer than the copy are run separately: docker \
             exec vedfinance-api npx prisma migrate deploy",
        ),
    VerbProcedure::new("restore-drill", &["backup", "drill", "database"], Risk::Safe)
        .aliases(&["drill"])
        .summary("rehearse a restore, and record how long it took")
        .section("Weekly restore test")
        .when("once a week, and once a quarter with everybody")
        .note(
            "it restores in scratch; backup-restore-test.sh of the repository restores a whole dump into the live databases: \
             never run it",
        ),
    VerbProcedure::new("rollback", &["rollback"], Risk::Disruptive)
        .summary("return API and web to the images before")
        .section("Rollback")
        .when("a new version fails")
        .note(
            "before: the cause is known, a backup is made, #ops-incidents is informed. Where Dokploy deploys, roll back in Dokploy, \
             or it deploys its own version again. Migrations remain: prisma migrate resolve edits only history",
        ),
];
