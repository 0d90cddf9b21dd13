//! What fondation keeps: a login and a configuration; its data is at Convex, who back it up themselves.

use super::super::backup::*;
use super::services::*;

static OFFSITE: Remote =
    Remote::new("offsite").config("/root/.config/rclone/rclone.conf").bucket("fondation-backups").prefix("opsctl");

const NOTE: &str = "the runbook keeps archives only on the host, in /srv/backups, and prunes them by age or count; \
     configure rclone's remote `offsite`";

pub static BACKUPS: &[BackupSet] = &[
    BackupSet::new(
        "credentials",
        Source::files(&["/srv/claude-creds"], Secrecy::Credentials),
        Schedule::daily(2, 0),
        &OFFSITE,
    )
    .what("the Claude login")
    .owners(&[&WORKER])
    .note(NOTE),
    BackupSet::new(
        "config",
        Source::files(&["/srv/fondation/.env", "/srv/fondation/docker-compose.prod.yml"], Secrecy::Credentials),
        Schedule::daily(2, 0),
        &OFFSITE,
    )
    .what("env file and compose file")
    .owners(&[&WORKER])
    .retention(Retention::Days(7))
    .note(NOTE),
];
