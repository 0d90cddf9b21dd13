//! What plugspace keeps: two databases, the applications, their configuration and certificates.

use super::super::backup::*;
use super::services::*;
use crate::registry::Secret;

static REMOTE: Remote = Remote::new("remote")
    .config("/root/.config/rclone/rclone.conf")
    .bucket("plugspace-backups")
    .prefix("backups/opsctl");

/// 02:00 UTC daily.
const fn nightly(name: &'static str, source: Source) -> BackupSet {
    BackupSet::new(name, source, Schedule::daily(2, 0), &REMOTE)
}

pub static BACKUPS: &[BackupSet] = &[
    nightly(
        "mongodb",
        Source::mongo(
            "plugspace",
            &MONGODB,
            Secret::in_file("/root/.plugspace/mongodb-credentials.txt").key("MONGODB_ADMIN_URI"),
        ),
    )
    .what("database plugspace: all user data")
    .owners(&[&API, &WORKER])
    .note("the runbook claims 6 h from an oplog that nothing dumps; its script runs once a day"),
    nightly("redis", Source::redis("/var/lib/redis/dump.rdb", &REDIS).config("/etc/redis/redis.conf"))
        .what("sessions and queues")
        .owners(&[&API, &VOICE, &WORKER, &REDIS])
        .note("while appendonly is on, the server ignores a new dump.rdb at start: a restore turns it off first"),
    nightly(
        "app",
        Source::files(&["/home/plugspace/plugspace"], Secrecy::Credentials).without(&[
            "node_modules",
            ".next",
            "dist",
            ".git",
        ]),
    )
    .what("the applications' files")
    .owners(&[&API, &VOICE, &WORKER, &FRONTEND, &STUDIO, &ADMIN]),
    nightly(
        "config",
        Source::files(
            &[
                "/etc/nginx",
                "/etc/mongod.conf",
                "/etc/redis",
                "/home/plugspace/plugspace/ecosystem.config.js",
                "/home/plugspace/plugspace/.env",
            ],
            Secrecy::Credentials,
        ),
    )
    .what("nginx, databases, pm2 and environment")
    .retention(Retention::Days(90)),
    nightly("ssl", Source::files(&["/etc/letsencrypt"], Secrecy::Credentials))
        .what("certificates and ACME account")
        .owners(&[&NGINX])
        .retention(Retention::Days(90)),
];
