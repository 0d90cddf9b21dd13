//! `docs/security.md`: what was tried on booted hosts, by whom, with which verbs, and what came of it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use snapbox::data::DataFormat;
use snapbox::{Data, IntoData, assert_data_eq};

use super::{APP, CONTAINER, HELD, KEY, LEFT_OUT, LOGIN, Row, SERVER, SHORTAGE, WRITER};

const HEAD: &str = "\
# What was tried against root's opsctl

Each line is an attempt that `tests/host/attacks` makes on a booted host: planted as the user named, then met by root's calls of
the verbs named. A test fails when a word of root's files is printed or packed, a file of root's changes, a program of somebody
else runs as root or reaches root's terminal, a call does not end in time, needs more memory than what is planted may cost, or
leaves a lock or a process; and when the answer is not there all the same. [SECURITY.md](../SECURITY.md) says what is promised
and why. The suite compares this page with what it saw, and writes it with
`SNAPSHOTS=overwrite OPSCTL_ATTACKS=all cargo test --test host nobody_gets_more`. Lines of attempts that a plain run leaves out
stay as the last whole run wrote them.

";

/// Compares the page with these lines.
pub fn compare(rows: &[Row]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let order = [APP, CONTAINER, KEY, SERVER, WRITER, LOGIN, SHORTAGE];
    let mut lines = String::from("| Attacker | Verbs | What was tried | Outcome |\n|---|---|---|---|\n");
    let mut counts: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    let mut breaches = 0;
    for attacker in order {
        for row in rows.iter().filter(|row| row.attacker == attacker) {
            let cell = |text: &str| text.replace('|', "\\|");
            let begin = format!("| {attacker} | {} | {} | ", cell(&row.verb), cell(&row.tried));
            let kept = before.lines().find_map(|line| line.strip_prefix(&begin)?.strip_suffix(" |"));
            let outcome = match kept {
                Some(kept) if row.outcome == LEFT_OUT => kept.to_owned(),
                _ => cell(&row.outcome),
            };
            breaches += u32::from(!outcome.starts_with(HELD));
            let _ = writeln!(lines, "{begin}{outcome} |");
            for verb in row.verb.split(", ").filter_map(|verb| verb.split(' ').next()) {
                *counts.entry(verb).or_default().entry(attacker).or_default() += 1;
            }
        }
    }
    let breaches = match breaches {
        1 => "1 breach".to_owned(),
        other => format!("{other} breaches"),
    };
    let mut text = format!("{HEAD}{} attempts, {breaches}. How many of each with which verb:\n\n", rows.len());
    let _ = writeln!(text, "| | {} |\n|---|{}", order.join(" | "), "---|".repeat(order.len()));
    for (verb, by) in &counts {
        let cells: Vec<String> = order.iter().map(|who| by.get(who).map_or(String::new(), u32::to_string)).collect();
        let _ = writeln!(text, "| {verb} | {} |", cells.join(" | "));
    }
    let _ = write!(text, "\n{lines}");
    assert_data_eq!(text.raw(), Data::read_from(&path, Some(DataFormat::Text)).raw());
}
