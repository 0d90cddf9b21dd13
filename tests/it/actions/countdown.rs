//! What is waited for counts down in one line on a terminal, which is gone at the end.

use regex::Regex;

use super::*;
use crate::terminal::on_columns;

/// The seconds that were shown as left, each once written over the one before.
fn counted(shown: &str) -> Vec<u32> {
    let line = Regex::new("\r  settling, ([0-9]+) s left: wallet\x1b\\[K").unwrap();
    let seconds: Vec<u32> = line.captures_iter(shown).map(|found| found[1].parse().unwrap()).collect();
    let (first, last) = (shown.find("\r  settling").unwrap(), shown.rfind("s left: wallet\x1b[K").unwrap());
    assert!(!shown[first..last].contains('\n'), "more than one line: {shown:?}");
    let rest = &shown[last + "s left: wallet\x1b[K".len()..];
    assert!(rest.starts_with("\r\x1b[K") && !rest.contains("settling"), "the line stays: {shown:?}");
    seconds
}

#[test]
#[ignore = "needs root"]
fn settling_counts_down_in_one_line_that_is_gone_at_the_end() {
    let machine = host();
    let mut command = machine.command(["restart", "wallet", "-y", "--settle", "2500ms", "--color", "never"]);
    command.env("TERM", "xterm");
    let shown = on_columns(80, &command, "");
    assert!(shown.contains("done     restart wallet"), "{shown}");
    assert_eq!(counted(&shown), [3, 2, 1], "{shown:?}");
    // Whoever cannot have a line written over is shown none.
    for (name, value) in [("TERM", "dumb"), ("TERM", "")] {
        command.env(name, value);
        let shown = on_columns(80, &command, "");
        assert!(shown.contains("done     restart wallet") && !shown.contains("settling"), "{shown:?}");
    }
    let quiet = machine.command(["restart", "wallet", "-y", "--settle", "1500ms", "-q"]);
    assert!(!on_columns(80, &quiet, "").contains("settling"));
    let piped = machine.run_with(["restart", "wallet", "-y", "--settle", "1500ms"], &[("TERM", "xterm")]);
    assert!(piped.code == 0 && !piped.stderr.contains("settling") && !piped.stderr.contains('\r'), "{piped:?}");
}

#[test]
#[ignore = "needs root"]
fn a_fix_counts_down_like_a_restart() {
    let broken = || {
        let machine = host();
        prim::files(&machine);
        let running = [("ActiveState", "active"), ("SubState", "running"), ("Result", "success"), ("MainPID", "90")];
        let stopped = [("ActiveState", "inactive"), ("SubState", "dead"), ("Result", "success"), ("MainPID", "0")];
        for verb in ["start", "restart"] {
            machine.changes_unit(&act(verb), "prim-wallet.service", &running);
        }
        machine.change_unit("prim-wallet.service", &stopped);
        machine
    };
    let machine = broken();
    let mut command = machine.command(["diagnose", "service-crash-loop", "wallet", "--fix", "-y", "--color", "never"]);
    command.env("TERM", "xterm");
    let shown = on_columns(200, &command, "");
    assert!(shown.contains("fixed"), "{shown}");
    let seconds = counted(&shown);
    assert!(seconds.is_sorted_by(|one, next| one > next) && seconds.last() == Some(&1), "{seconds:?}");
    let machine = broken();
    let piped = machine.run_with(["diagnose", "service-crash-loop", "wallet", "--fix", "-y"], &[("TERM", "xterm")]);
    assert!(piped.stdout.contains("fixed") && !piped.stderr.contains("settling"), "{piped:?}");
}
