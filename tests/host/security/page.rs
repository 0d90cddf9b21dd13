//! `docs/security.md`: what was tried on booted hosts, by whom, with which verbs, and what came of it.

use std::path::Path;

use snapbox::prelude::*;
use snapbox::{Data, assert_data_eq};

use super::Row;

const HEAD: &str = "\
# What was tried against root's opsctl

Each line is an attempt that `tests/host/security` makes on a booted host: planted as the user named, then met by root's calls of
the verbs named. A test fails when a word of root's files is printed or packed, a file of root's changes, a program of somebody
else runs as root or reaches root's terminal, a call does not end, or a lock stays held. [SECURITY.md](../SECURITY.md) says what
is promised and why. The page is written by the suite (`SNAPSHOTS=overwrite cargo test --test host nobody_gets_more`) and
compared with each run.

";

/// Compares the page with these lines.
pub fn compare(rows: &[Row]) {
    let mut text = HEAD.to_owned();
    text.push_str("| Attacker | Verbs | What was tried | Outcome |\n|---|---|---|---|\n");
    for row in rows {
        let cell = |text: &str| text.replace('|', "\\|");
        let (verb, tried, outcome) = (cell(&row.verb), cell(&row.tried), cell(&row.outcome));
        text.push_str(&format!("| {} | {verb} | {tried} | {outcome} |\n", row.attacker));
    }
    text.push_str(&format!("\n{} attempts, 0 breaches.\n", rows.len()));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    assert_data_eq!(text.raw(), Data::read_from(&path, None).raw());
}
