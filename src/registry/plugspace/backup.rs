//! What plugspace keeps (sheet §5): two databases, the applications, their configuration and certificates.

use super::super::backup::*;
use super::services::*;
use crate::registry::{Secret, Service};

static REMOTE: Remote = Remote {
    name: "remote",
    config: "/root/.config/rclone/rclone.conf",
    bucket: "plugspace-backups",
    prefix: "backups/opsctl",
    credentials: &[],
};

const NIGHTLY: Schedule = Schedule::Daily { hour: 2, minute: 0 };

const fn files(
    paths: &'static [&'static str],
    without: &'static [&'static str],
    secrecy: Secrecy,
    owners: &'static [&'static Service],
) -> BackupSet {
    let source = Source::Files { paths, without, secrecy, owners: Owners::Running };
    BackupSet::daily("files", "files", source, owners, NIGHTLY, &REMOTE)
}

pub static BACKUPS: &[BackupSet] = &[
    BackupSet {
        note: Some(
            "the runbook claims 6 h by an oplog that nothing dumps; what its script does is once a day (D3, D28)",
        ),
        ..BackupSet::daily(
            "mongodb",
            "database plugspace: all that users made",
            Source::Mongo {
                service: &MONGODB,
                uri: Secret { file: "/root/.plugspace/mongodb-credentials.txt", key: "MONGODB_ADMIN_URI" },
                database: "plugspace",
            },
            &[&API, &WORKER],
            NIGHTLY,
            &REMOTE,
        )
    },
    BackupSet {
        note: Some(
            "while append-only is on, the server ignores a snapshot that is put in place (D7): a restore turns it off first",
        ),
        ..BackupSet::daily(
            "redis",
            "sessions and queues",
            Source::Redis { service: &REDIS, path: "/var/lib/redis/dump.rdb", config: "/etc/redis/redis.conf" },
            &[&API, &VOICE, &WORKER, &REDIS],
            NIGHTLY,
            &REMOTE,
        )
    },
    BackupSet {
        name: "app",
        what: "the applications' files",
        ..files(
            &["/home/plugspace/plugspace"],
            &["node_modules", ".next", "dist", ".git"],
            Secrecy::Credentials,
            &[&API, &VOICE, &WORKER, &FRONTEND, &STUDIO, &ADMIN],
        )
    },
    BackupSet {
        name: "config",
        what: "nginx, databases, pm2 and environment",
        retention: Retention::Days(90),
        ..files(
            &[
                "/etc/nginx",
                "/etc/mongod.conf",
                "/etc/redis",
                "/home/plugspace/plugspace/ecosystem.config.js",
                "/home/plugspace/plugspace/.env",
            ],
            &[],
            Secrecy::Credentials,
            &[],
        )
    },
    BackupSet {
        name: "ssl",
        what: "certificates and ACME account",
        retention: Retention::Days(90),
        ..files(&["/etc/letsencrypt"], &[], Secrecy::Credentials, &[&NGINX])
    },
];
