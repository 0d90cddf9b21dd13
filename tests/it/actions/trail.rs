//! The trail of changes, and `history`, which reads it.

use super::*;

#[test]
#[ignore = "needs root"]
fn k10_the_history_says_what_was_changed_and_how_it_ended() {
    let machine = host();
    let none = machine.run(["history"]);
    let other = entries("0-1", ("2026-11-20T01:00:00Z", "web"), Some(("done", 0))).replace("prim", "ai-fsm");
    let trail = [
        other,
        entries("1-1", ("2026-11-21T01:00:00Z", "wallet"), Some(("done", 0))),
        entries("2-2", ("2026-11-21T02:00:00Z", "store"), Some(("store: ended: exit 3", 1))),
        "{\"time\":\"2026-11-21T02:30\n\0\u{fffd}[]\nnull\n".to_owned(),
        entries("3-3", ("2026-11-21T03:00:00Z", "store"), None),
        entries("4-4242", ("2026-11-22T05:29:00Z", "store"), None),
        // What a full disk or a power cut leaves of a line.
        "{\"time\":\"2026-11-22T05:2".to_owned(),
    ];
    machine.file("/var/log/opsctl/audit.jsonl", &trail.concat());
    note(&machine, false);
    alive(&machine);
    let runs = [
        none,
        machine.run(["history"]),
        machine.run(["history", "-o", "wide", "-n", "2"]),
        machine.run(["history", "-o", "json", "--tail", "3"]),
        machine.run(["history", "-o", "name", "-q"]),
        machine.run(["-d", "ai-fsm", "history", "-q"]),
    ];
    compare("history", &runs);
    machine.remove("/var/log/opsctl/audit.jsonl");
    machine.dir("/var/log/opsctl/audit.jsonl");
    let run = machine.run(["history"]);
    assert_eq!((run.code, run.stdout.as_str()), (4, ""), "{}", run.stderr);
}

#[test]
#[ignore = "needs root"]
fn k10_the_trail_of_a_real_host_is_read() {
    let machine = host();
    // Written by tests/host/actions/trail.rs: failures, changes that were killed, a line that a full disk tore off.
    machine.file("/var/log/opsctl/audit.jsonl", &sample("audit.jsonl"));
    let runs = [
        machine.run(["history"]),
        machine.run(["history", "-o", "wide", "-n", "4"]),
        machine.run(["history", "-o", "json", "-n", "2"]),
    ];
    compare("history_real", &runs);
}

#[test]
#[ignore = "needs root"]
fn k10_what_only_the_journal_took_is_part_of_the_history() {
    let machine = host();
    let first = entries("1-1", ("2026-11-21T01:00:00Z", "wallet"), Some(("done", 0)));
    let second = entries("2-2", ("2026-11-21T02:00:00Z", "store"), Some(("store: ended: exit 3", 1)));
    let third = entries("3-3", ("2026-11-21T03:00:00Z", "track"), Some(("done", 0)));
    let journal = "journalctl---identifier=opsctl-audit";
    machine.answer(journal, &format!("{second}not of opsctl\n{third}"));
    let only = machine.run(["history"]);
    // The disk was full from the end of the first on.
    let (begun, ended) = first.split_at(first.find('\n').unwrap() + 1);
    machine.file("/var/log/opsctl/audit.jsonl", &format!("{begun}{third}"));
    machine.answer(journal, &format!("{ended}{second}{third}"));
    let both = machine.run(["history", "-o", "json"]);
    machine.answer_with(journal, "", "No journal files were found.\n", 1);
    let runs = [only, both, machine.run(["history"]), machine.run(["history", "-o", "json", "-n", "1"])];
    machine.remove("/var/log/opsctl/audit.jsonl");
    let neither = machine.run(["history"]);
    assert_eq!((neither.code, neither.stdout.as_str()), (4, ""));
    compare("history_journal", &runs.into_iter().chain([neither]).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs root"]
fn an_act_that_cannot_be_recorded_is_not_done() {
    let machine = host();
    machine.remove("/var/log");
    let run = machine.run(["restart", "wallet", "-y"]);
    assert_eq!((run.code, changes(&run)), (5, Vec::new()), "{}", run.stderr);
    compare("action_unrecorded", &[told(run), machine.run(["lock", "status"])]);
}
