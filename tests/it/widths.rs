//! Every text view on terminals of several widths, as goldens.

use std::fmt::Write;
use std::path::Path;

use crate::machine::{Machine, is_root, sample};
use crate::prim;
use crate::terminal::on_columns;
use crate::transcript::same_as_file;

const VIEWS: [&[&str]; 18] = [
    &["status"],
    &["status", "-o", "wide"],
    &["diagnose"],
    &["diagnose", "--list"],
    &["get", "services"],
    &["get", "failures"],
    &["get", "deployments"],
    &["get", "backups"],
    &["get", "backups", "-o", "wide"],
    &["explain", "wallet"],
    &["explain", "wallet-down"],
    &["explain", "prim"],
    &["history"],
    &["verify"],
    &["restart", "wallet", "--dry-run"],
    &["logs", "wallet", "-n", "2"],
    &["--help"],
    &["logs", "--help"],
];

/// A host with an incident and a past.
fn machine() -> Machine {
    let machine = prim::two();
    prim::files(&machine);
    machine.dir("/var/log");
    machine.file("/var/log/opsctl/audit.jsonl", &sample("audit.jsonl"));
    machine
}

/// Terminals say where lines end; a line that is longer than the terminal holds a word or command that must stay whole.
fn golden(columns: u16) {
    if !is_root() {
        // What may be read differs, and with it what is printed.
        return;
    }
    let machine = machine();
    let mut text = String::new();
    for view in VIEWS {
        let mut command = machine.command(view);
        command.env("TZ", "UTC").args(["--color", "never"]);
        let shown = on_columns(columns, &command, "").replace("\r\n", "\n");
        let width = if columns == 0 { 80 } else { usize::from(columns) };
        for line in shown.lines().filter(|_| !view.contains(&"--help")) {
            let longest = line.split(' ').map(|word| word.chars().count()).max().unwrap_or_default();
            let is_command = line.trim_start().starts_with(|c: char| c.is_ascii_lowercase() || c == '(' || c == '\'');
            let fits = line.chars().count() <= width;
            assert!(fits || longest * 2 > width || is_command, "{view:?} on {columns}: {line}");
        }
        // As long as the machine's own.
        let shown = shown.replace(&machine.address().to_string(), "127.200.200.200");
        writeln!(text, "$ opsctl {}\n{shown}", view.join(" ")).unwrap();
    }
    let file = format!("tests/it/transcripts/widths/{columns}.txt");
    same_as_file(&text, Path::new(&file));
}

#[test]
fn every_text_view_on_60_columns() {
    golden(60);
}

#[test]
fn every_text_view_on_80_columns() {
    golden(80);
}

#[test]
fn every_text_view_on_120_columns() {
    golden(120);
}

#[test]
fn every_text_view_on_200_columns() {
    golden(200);
}

/// A terminal that does not know its width is taken for one of 80.
#[test]
fn every_text_view_on_a_terminal_of_0_columns() {
    golden(0);
}
