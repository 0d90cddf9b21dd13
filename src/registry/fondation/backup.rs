//! What fondation keeps (sheet §5): a login and a configuration; its data is at Convex, who back it up themselves.

use super::super::backup::*;
use super::services::*;

static OFFSITE: Remote = Remote {
    name: "offsite",
    config: "/root/.config/rclone/rclone.conf",
    bucket: "fondation-backups",
    prefix: "opsctl",
    credentials: &[],
};

const NOTE: Option<&str> = Some(
    "the runbook keeps archives on the host alone, in /srv/backups, all of them pruned by age or count (D14, D16, D17); rclone's \
     remote `offsite` must be set up",
);

pub static BACKUPS: &[BackupSet] = &[
    BackupSet {
        note: NOTE,
        ..BackupSet::daily(
            "credentials",
            "the Claude login",
            Source::Files {
                paths: &["/srv/claude-creds"],
                without: &[],
                secrecy: Secrecy::Credentials,
                owners: Owners::Running,
            },
            &[&WORKER],
            Schedule::Daily { hour: 2, minute: 0 },
            &OFFSITE,
        )
    },
    BackupSet {
        retention: Retention::Days(7),
        note: NOTE,
        ..BackupSet::daily(
            "config",
            "env file and compose file",
            Source::Files {
                paths: &["/srv/fondation/.env", "/srv/fondation/docker-compose.prod.yml"],
                without: &[],
                secrecy: Secrecy::Credentials,
                owners: Owners::Running,
            },
            &[&WORKER],
            Schedule::Daily { hour: 2, minute: 0 },
            &OFFSITE,
        )
    },
];
