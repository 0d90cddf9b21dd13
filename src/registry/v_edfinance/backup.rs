//! What v-edfinance keeps: the database. Seven documents describe seven backups of it; this is the one of
//! scripts/backup-to-r2.sh, with its container named and its copies proven.

use super::super::backup::*;
use super::super::failure::Database;
use super::services::*;

static R2: Remote =
    Remote::new("r2").config("/root/.config/rclone/rclone.conf").bucket("v-edfinance-backup").prefix("opsctl");

pub static BACKUPS: &[BackupSet] = &[BackupSet::new(
    "database",
    Source::postgres(&POSTGRES, Database::InUrl(&API, "DATABASE_URL")),
    Schedule::daily(3, 0),
    &R2,
)
.what("users, transactions, learning behaviour")
.owners(&[&API])
.note(
    "the documents have five names for the database, and DATABASE_URL has the live one; the old script dumps the \
     first container named postgres, which may be Dokploy's",
)];
