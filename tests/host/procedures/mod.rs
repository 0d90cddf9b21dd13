//! Procedures, driven on booted hosts from the state that calls for them to their end, and killed at each of their boundaries. What they
//! did is read from the host, never from opsctl.

mod access;
mod ai_fsm;
mod ai_fsm_data;
mod fondation;
mod fondation_login;
mod fondation_second;
mod killed;
mod plugspace;
mod prim;
pub mod table;
mod unseen;
mod usual;
mod v_edfinance;

use crate::machine::Machine;

/// A procedure must end with this code; what it printed, with columns folded.
fn run(machine: &Machine, words: &str, code: i32) -> String {
    let mut line = vec!["opsctl", "run"];
    line.extend(words.split_whitespace());
    let ran = machine.run(&line);
    assert_eq!(ran.code, code, "opsctl run {words}\n{ran:#?}");
    (ran.stdout + &ran.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same, and these texts must be in it.
fn says(machine: &Machine, words: &str, code: i32, wanted: &[&str]) {
    contains(&run(machine, words, code), wanted);
}

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
