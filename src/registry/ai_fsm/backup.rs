//! What ai-fsm keeps: the database, and the env file that the runbook's own backup leaves out.

use super::super::backup::*;
use super::super::failure::Database;
use super::services::*;

static OFFSITE: Remote =
    Remote::new("remote").config("/root/.config/rclone/rclone.conf").bucket("ai-fsm-backups").prefix("opsctl");

const NIGHTLY: Schedule = Schedule::daily(2, 0);

pub static BACKUPS: &[BackupSet] = &[
    BackupSet::new("database", Source::postgres(&POSTGRES, Database::Own), NIGHTLY, &OFFSITE)
        .what("all data of the product")
        .owners(&[&WEB, &WORKER])
        .note(
            "the runbook keeps dumps in the home directory, and copies them to rclone's `remote` only if it is \
             configured",
        ),
    BackupSet::new(
        "env",
        Source::files(
            &["/home/pi/ai-fsm/.env", "/home/nick/ai-fsm/.env", "/opt/ai-fsm/.env", "/srv/ai-fsm/.env"],
            Secrecy::Credentials,
        ),
        NIGHTLY,
        &OFFSITE,
    )
    .what("passwords and keys of the deployment")
    .optional("the repository is in one of four directories")
    .note("the runbook does not back it up"),
];
