//! What prim keeps: the runbook's four databases, those that the repository added later, and the mail.

use super::super::backup::*;
use super::services::*;
use crate::registry::Secret;

/// Cloudflare R2. The old script keeps its own copies under `db/`, which are left alone.
static R2: Remote = Remote::new("r2backup")
    .config("/root/.config/rclone/rclone.conf")
    .bucket("prim-backups")
    .prefix("opsctl")
    .credentials(&[
        Credential::new(
            "RCLONE_CONFIG_R2BACKUP_ACCESS_KEY_ID",
            Secret::in_file("/etc/prim/store.env").key("R2_ACCESS_KEY_ID"),
        ),
        Credential::new(
            "RCLONE_CONFIG_R2BACKUP_SECRET_ACCESS_KEY",
            Secret::in_file("/etc/prim/store.env").key("R2_SECRET_ACCESS_KEY"),
        ),
    ]);

/// 03:00 UTC daily, thirty days, a day may be lost.
const fn nightly(name: &'static str, source: Source) -> BackupSet {
    BackupSet::new(name, source, Schedule::daily(3, 0), &R2)
}

const LATER: &str = "the repository added it on 2026-02-27; the runbook of 2026-02-26 lists four databases";

pub static BACKUPS: &[BackupSet] = &[
    nightly("wallet", Source::sqlite("/opt/prim/wallet.db")).what("wallets and spending policy").owners(&[&WALLET]),
    nightly("store", Source::sqlite("/opt/prim/store.db")).what("buckets").owners(&[&STORE]),
    nightly("spawn", Source::sqlite("/opt/prim/spawn.db"))
        .what("servers and SSH keys; its loss orphans paid droplets")
        .owners(&[&SPAWN]),
    nightly("faucet", Source::sqlite("/opt/prim/faucet.db")).what("rate limits").owners(&[&FAUCET]),
    nightly("allowlist", Source::sqlite("/var/lib/prim/allowlist.db"))
        .what("who may use the product")
        .owners(&[&WALLET])
        .optional("wallet creates it at its first start")
        .note("the runbook does not back it up; without it every paid service answers 403"),
    nightly("email", Source::sqlite("/opt/prim/email.db"))
        .what("mailboxes, domains, webhooks")
        .owners(&[&EMAIL])
        .optional(LATER),
    nightly("mem", Source::sqlite("/opt/prim/mem.db")).what("collections and cache").owners(&[&MEM]).optional(LATER),
    nightly("token", Source::sqlite("/opt/prim/token.db"))
        .what("deployments and pools")
        .owners(&[&TOKEN])
        .optional(LATER),
    nightly("domain", Source::sqlite("/opt/prim/domain.db"))
        .what("zones, registrations, recovery tokens")
        .owners(&[&DOMAIN])
        .optional(LATER),
    BackupSet::new(
        "stalwart",
        Source::files(&["/opt/prim/deploy/email/stalwart-data"], Secrecy::Credentials).owners_stopped(),
        Schedule::ByHand("mail is refused meanwhile"),
        &R2,
    )
    .what("all mail")
    .owners(&[&STALWART])
    .optional("only on hosts that serve mail")
    .rpo_seconds(7 * DAY_SECONDS)
    .note("the runbook does not back up Qdrant, /etc/prim and Caddy's certificates"),
];
