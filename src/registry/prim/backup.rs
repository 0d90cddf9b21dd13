//! What prim keeps (sheet §5): the seed's four databases, those that the repository added later, and the mail.

use super::super::backup::*;
use super::services::*;
use crate::registry::{Secret, Service};

/// Cloudflare R2. The old script keeps its own copies under `db/`, which are left alone.
static R2: Remote = Remote {
    name: "r2backup",
    config: "/root/.config/rclone/rclone.conf",
    bucket: "prim-backups",
    prefix: "opsctl",
    credentials: &[
        Credential {
            variable: "RCLONE_CONFIG_R2BACKUP_ACCESS_KEY_ID",
            secret: Secret { file: "/etc/prim/store.env", key: "R2_ACCESS_KEY_ID" },
        },
        Credential {
            variable: "RCLONE_CONFIG_R2BACKUP_SECRET_ACCESS_KEY",
            secret: Secret { file: "/etc/prim/store.env", key: "R2_SECRET_ACCESS_KEY" },
        },
    ],
};

/// 03:00 UTC daily, thirty days, a day may be lost.
const fn database(
    name: &'static str,
    what: &'static str,
    path: &'static str,
    owners: &'static [&'static Service],
) -> BackupSet {
    let nightly = Schedule::Daily { hour: 3, minute: 0 };
    BackupSet::daily(name, what, Source::Sqlite { path }, owners, nightly, &R2)
}

const LATER: Option<&str> = Some("the runbook of 2026-02-26 has four databases; the repository added it on 2026-02-27");

pub static BACKUPS: &[BackupSet] = &[
    database("wallet", "wallets and spending policy", "/opt/prim/wallet.db", &[&WALLET]),
    database("store", "buckets", "/opt/prim/store.db", &[&STORE]),
    database("spawn", "servers and SSH keys; its loss orphans paid droplets", "/opt/prim/spawn.db", &[&SPAWN]),
    database("faucet", "rate limits", "/opt/prim/faucet.db", &[&FAUCET]),
    BackupSet {
        optional: Some("made by wallet when it first starts"),
        note: Some("in no backup of the runbook; without it every paid service answers 403"),
        ..database("allowlist", "who may use the product", "/var/lib/prim/allowlist.db", &[&WALLET])
    },
    BackupSet { optional: LATER, ..database("email", "mailboxes, domains, webhooks", "/opt/prim/email.db", &[&EMAIL]) },
    BackupSet { optional: LATER, ..database("mem", "collections and cache", "/opt/prim/mem.db", &[&MEM]) },
    BackupSet { optional: LATER, ..database("token", "deployments and pools", "/opt/prim/token.db", &[&TOKEN]) },
    BackupSet {
        optional: LATER,
        ..database("domain", "zones, registrations, recovery tokens", "/opt/prim/domain.db", &[&DOMAIN])
    },
    BackupSet {
        optional: Some("only where mail is served"),
        rpo_seconds: 7 * DAY_SECONDS,
        note: Some("Qdrant, /etc/prim and Caddy's certificates are in no backup of the runbook"),
        ..BackupSet::daily(
            "stalwart",
            "all mail",
            Source::Files {
                paths: &["/opt/prim/deploy/email/stalwart-data"],
                without: &[],
                secrecy: Secrecy::Credentials,
                owners: Owners::Stopped,
            },
            &[&STALWART],
            Schedule::ByHand("mail is refused meanwhile"),
            &R2,
        )
    },
];
