//! `opsctl run` of the deployments' procedures, each from the state that calls for it to its end; what it did is read from the host,
//! never from opsctl.

mod plugspace;
mod prim;

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
    let said = run(machine, words, code);
    for text in wanted {
        assert!(said.contains(text), "opsctl run {words}: no {text:?} in\n{said}");
    }
}
