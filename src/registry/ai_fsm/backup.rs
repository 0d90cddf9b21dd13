//! What ai-fsm keeps (sheet §5): the database, and the env file that the runbook's own backup leaves out.

use super::super::backup::*;
use super::super::failure::Database;
use super::services::*;

static OFFSITE: Remote = Remote {
    name: "remote",
    config: "/root/.config/rclone/rclone.conf",
    bucket: "ai-fsm-backups",
    prefix: "opsctl",
    credentials: &[],
};

const NIGHTLY: Schedule = Schedule::Daily { hour: 2, minute: 0 };

pub static BACKUPS: &[BackupSet] = &[
    BackupSet {
        note: Some(
            "the runbook keeps dumps in the home directory, and copies them to rclone's `remote` only where that is set up",
        ),
        ..BackupSet::daily(
            "database",
            "all data of the product",
            Source::Postgres { service: &POSTGRES, database: Database::Own },
            &[&WEB, &WORKER],
            NIGHTLY,
            &OFFSITE,
        )
    },
    BackupSet {
        optional: Some("the repository lies in one of four places"),
        note: Some("in no backup of the runbook"),
        ..BackupSet::daily(
            "env",
            "passwords and keys of the deployment",
            Source::Files {
                paths: &["/home/pi/ai-fsm/.env", "/home/nick/ai-fsm/.env", "/opt/ai-fsm/.env", "/srv/ai-fsm/.env"],
                without: &[],
                secrecy: Secrecy::Credentials,
                owners: Owners::Running,
            },
            &[],
            NIGHTLY,
            &OFFSITE,
        )
    },
];
