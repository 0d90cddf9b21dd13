//! What the runbook of prim has an operator do, and verbs of opsctl do.

use crate::registry::*;

pub(super) static VERBS: &[VerbProcedure] = &[
    VerbProcedure::new("backup-now", &["backup", "create"], Risk::Safe)
        .summary("back up all databases")
        .section("6. Backup & Recovery")
        .when("before anything that may hurt a database, and when last night's backup is missing")
        .note(
            "each copy is read back and tried before it counts; backup.sh reports success when a dump or an upload fails. \
             The mail has a procedure of its own, because it stops the mail server: opsctl run backup-mail",
        ),
    VerbProcedure::new("restore-db", &["restore", "SET"], Risk::Destructive)
        .summary("restore one database from its newest verified copy")
        .section("6. Backup & Recovery: restore")
        .when("a database is damaged or lost, or must return to an earlier day")
        .note(
            "sets: wallet, store, spawn, faucet, allowlist, email, mem, token, domain; --at chooses another copy. The live file \
             and its side files are kept until the restored ones are verified, and for as long as nobody deletes them: opsctl \
             restore --forget-old",
        ),
    VerbProcedure::new("redeploy", &["redeploy"], Risk::Disruptive)
        .aliases(&["deploy"])
        .summary("deploy the new version, wallet first")
        .section("3. Restart Procedures: redeploy")
        .when("new code or dependencies are to run")
        .note(
            "deploy.sh restarts six services and checks none; opsctl restarts all eleven, and probes each. Back up before a \
             version that changes tables: nothing undoes that",
        ),
];
