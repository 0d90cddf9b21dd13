//! What the runbook of plugspace has an operator do, and verbs of opsctl do.

use crate::registry::*;

pub(super) static VERBS: &[VerbProcedure] = &[
    VerbProcedure::new("deploy", &["redeploy"], Risk::Disruptive)
        .summary("deploy the new version")
        .section("Standard Deployment")
        .when("a new version is on branch main")
        .note(
            "branch, clean tree, space and backup are checked first; the applications are reloaded and probed, and a version that \
             fails is rolled back. Where the schema changes: opsctl explain migrate",
        ),
    VerbProcedure::new("rollback", &["rollback"], Risk::Disruptive)
        .summary("return to the version before")
        .section("Rollback Procedure")
        .when("a new version fails")
        .note("opsctl rollback --list shows versions that worked. The database and its schema remain as they are"),
    VerbProcedure::new("migrate", &["redeploy"], Risk::Disruptive)
        .summary("push the schema of a new version to MongoDB")
        .section("Database Migration")
        .when("the new version changes the Prisma schema")
        .note(
            "the schema is pushed (npm run db:push) after the build and before the reload, and not without a backup of 24 hours; \
             MongoDB has no migrations, so the runbook's migrate deploy does not exist for it, and nothing undoes a push",
        ),
    VerbProcedure::new("maintenance", &["maintenance", "on"], Risk::Disruptive)
        .summary("show visitors a page while the work lasts")
        .section("Maintenance Mode")
        .when("the site must be closed on purpose")
        .note(
            "opsctl maintenance off ends it. The applications keep running behind the page; the runbook stops them: opsctl stop \
             SERVICE. The status page is changed by hand",
        ),
    VerbProcedure::new("backup-now", &["backup", "create"], Risk::Safe)
        .summary("back up databases, files, configuration and certificates")
        .section("Manual Backup")
        .when("before risky work, and when last night's backup is missing")
        .note("each copy is read back and tried before it counts; backup.sh stops before any dump"),
    VerbProcedure::new("restore", &["restore", "SET"], Risk::Destructive)
        .summary("restore one set from its newest verified copy")
        .section("Restore from Backup")
        .when("data, files or configuration are lost or corrupt")
        .note(
            "sets: mongodb, redis, app, config, ssl, each for itself; --at chooses another copy. The live data is kept until the \
             restored data is verified; restore.sh drops it first, and starts pm2 as root. Visitors get a page meanwhile where \
             opsctl maintenance on was run before",
        ),
];
