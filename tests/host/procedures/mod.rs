//! Procedures of the deployments on real hosts: each is run from the state that calls for it, and what it did is seen without opsctl.

mod ai_fsm;
mod fondation;
mod v_edfinance;

use crate::machine::Machine;

/// Runs opsctl, which must end with that code; what it printed.
fn opsctl(machine: &Machine, words: &str, code: i32) -> String {
    let mut line = vec!["opsctl"];
    line.extend(words.split_whitespace());
    let ran = machine.run(&line);
    assert_eq!(ran.code, code, "{words}: {ran:#?}");
    ran.stdout + &ran.stderr
}

/// A procedure with what it would be given, only planned: nothing changes of what the shell lines print.
fn planned(machine: &Machine, words: &str, seen_by: &str) {
    let before = machine.sh(seen_by);
    opsctl(machine, &format!("run {words} --dry-run"), 0);
    assert_eq!(machine.sh(seen_by), before, "{words}");
}

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}
