//! Whether the backups are any good.

use Assertion::{All, Command};

use crate::registry::*;

/// A copy of that set which is not older than an hour.
macro_rules! fresh {
    ($set:literal) => {
        Command(
            Invocation::new(&[
                "rclone",
                "lsf",
                "-R",
                "--files-only",
                "--max-age=1h",
                "--config=/root/.config/rclone/rclone.conf",
                concat!("remote:plugspace-backups/backups/opsctl/", $set),
            ])
            .seconds(60)
            .no(3)
            .expects(".")
            .means(
                concat!("the remote has a copy of ", $set, " of the last hour"),
                concat!("the remote has no copy of ", $set, " of the last hour"),
            ),
        )
    };
}

const FRESH: Assertion = All(&[fresh!("mongodb"), fresh!("redis"), fresh!("app"), fresh!("config"), fresh!("ssl")]);

const SCRIPT_COPIES: Step = Step::show(
    "script",
    "list copies of the repository's own backup script",
    Invocation::new(&[
        "find",
        "/home/plugspace/backups",
        "-mindepth",
        "1",
        "-maxdepth",
        "2",
        "-printf",
        "%TY-%Tm-%Td %TH:%TM %10s %P\\n",
    ])
    .no(1),
);

const BACK_UP: Step = Step::backup("back-up", &["mongodb", "redis", "app", "config", "ssl"]);

pub static BACKUP_VERIFY: Procedure = Procedure::new(
    "backup-verify",
    &[
        SCRIPT_COPIES,
        BACK_UP,
        Step::check(
            "remote",
            "check that the remote itself lists a new copy of each set",
            FRESH,
            "opsctl backup list shows what there is",
        ),
        Step::ask(
            "drill",
            "restore the newest copy of each set beside the live data, and compare",
            "this host: opsctl backup drill",
            "drilled",
        ),
    ],
)
.aliases(&["verify-backup"])
.summary("make backups and prove that they can be restored")
.section("Backup Verification")
.when("before risky work, and whenever nobody knows whether the backups are any good")
.done(&[FRESH])
.note(
    "a copy is read back and its checksum compared before it counts. The runbook's restore.sh --dry-run only tests that \
     files exist, and its checksums cover two of five files and are never compared. Keep nothing but copies of opsctl \
     for a restore: backup.sh stops before any dump, because it sources a file with an unquoted &",
);

pub static BACKUP_CHECKLIST: Procedure = Procedure::new(
    "backup-checklist",
    &[
        SCRIPT_COPIES,
        Step::show(
            "sizes",
            "list sizes of the copies of the last month",
            Invocation::new(&[
                "rclone",
                "lsf",
                "-R",
                "--files-only",
                "--max-age=31d",
                "--format=tsp",
                "--config=/root/.config/rclone/rclone.conf",
                "remote:plugspace-backups/backups/opsctl",
            ])
            .seconds(120)
            .no(3),
        ),
        BACK_UP,
        Step::ask(
            "drill",
            "restore the newest copy of each set beside the live data, and compare",
            "this host: opsctl backup drill",
            "drilled",
        ),
        Step::ask(
            "staging",
            "restore the newest copies on the staging server",
            "staging.plugspace.io: opsctl restore SET",
            "restored",
        ),
        Step::ask(
            "collections",
            "compare the collections and their counts with production",
            "mongosh on both servers, logged in: db.stats() of plugspace",
            "compared",
        ),
        Step::ask(
            "application",
            "log in, open a project and make a call on the restored copy",
            "https://staging.plugspace.io",
            "works",
        ),
        Step::ask(
            "notes",
            "write down date, sizes, duration and what was wrong",
            "docs/BACKUP.md or the team's log",
            "written",
        ),
    ],
)
.aliases(&["monthly-backup", "monthly"])
.summary("the monthly check of the backups")
.section("BACKUP.md: Monthly Verification Checklist")
.when("once a month")
.done(&[FRESH])
.note("the true recovery point is 24 h: the incremental and six-hourly backups of BACKUP.md do not exist");
