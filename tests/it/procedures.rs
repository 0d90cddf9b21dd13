//! `run`, transcribed: what is shown before, what is refused, what is done step by step, what is left of a run that was killed in the
//! middle, and how it is resumed and undone. Ring 3 drives every procedure on a real host.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::actions::told;
use crate::machine::{Machine, Run, needs_root};
use crate::prim;
use crate::transcript::compare;

/// A prim host without ufw, whose packet filter drops an address after the command for it.
fn host() -> Machine {
    needs_root();
    let machine = prim::two();
    machine.dir("/var/log");
    machine.dir("/var/lib");
    machine
        .answer("ip--j-address", r#"[{"addr_info":[{"local":"192.0.2.7","prefixlen":24},{"local":"2001:db8::7"}]}]"#);
    machine.answer_with("iptables--S-DOCKER-USER", "", "iptables: No chain/target/match by that name.\n", 1);
    machine.answer("iptables--I-INPUT", "");
    machine.answer("iptables--D-INPUT", "");
    for (change, is_there) in [("iptables--I-INPUT", 0), ("iptables--D-INPUT", 1)] {
        machine.answer_with("iptables--C-INPUT", "", "", is_there);
        machine.only_after(change, "iptables--C-INPUT");
    }
    machine.answer_with("iptables--C-INPUT", "", "iptables: Bad rule.\n", 1);
    machine
}

const BLOCK: [&str; 4] = ["run", "block-ip", "203.0.113.7", "--yes"];

/// A run that is killed while iptables works.
fn killed(machine: &Machine) -> Run {
    machine.hang("iptables--I-INPUT");
    let mut command = machine.command(BLOCK);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let log = machine.path("").join("../log");
    let until = Instant::now() + Duration::from_secs(20);
    let is_there = || {
        let files = std::fs::read_dir(&log).unwrap().flatten();
        files.map(|file| std::fs::read(file.path()).unwrap_or_default()).any(|words| words.starts_with(b"-I\0"))
    };
    while !is_there() {
        assert!(Instant::now() < until, "iptables was not called");
        thread::sleep(Duration::from_millis(10));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::KILL).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let args = BLOCK.map(Into::into).to_vec();
    Run { args, code: 137, stdout: text(output.stdout), stderr: text(output.stderr), ran: Vec::new() }
}

/// The same without the commands, which are those of the plan, and without times: short ones are not printed.
fn short(mut run: Run) -> Run {
    run.ran.clear();
    let mut run = told(run);
    run.stdout = run.stdout.replace(" ([N] s)", "");
    run
}

#[test]
#[ignore = "needs root"]
fn a_run_that_was_killed_is_resumed() {
    let machine = host();
    let mut runs = vec![killed(&machine)];
    machine.take_back("iptables--I-INPUT");
    machine.answer("iptables--I-INPUT", "");
    machine.answer_with("iptables--C-INPUT", "", "", 0);
    machine.only_after("iptables--I-INPUT", "iptables--C-INPUT");
    machine.answer_with("iptables--C-INPUT", "", "", 1);
    runs.push(machine.run(["run", "--status"]));
    runs.push(machine.run(BLOCK));
    runs.push(machine.run(["run", "block-ip", "--resume", "--yes"]));
    runs.push(machine.run(["history"]));
    compare("run_killed", &runs.into_iter().map(short).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs root"]
fn a_procedure_is_planned_refused_done_and_undone() {
    let machine = host();
    let plans = [
        machine.run(["get", "procedures", "-d", "localhost"]),
        machine.run(["explain", "make-room"]),
        machine.run(["run", "block-ip", "203.0.113.7", "--dry-run"]),
        machine.run(["run", "block-ip", "192.0.2.7"]),
        machine.run(["run", "block-ip", "10.0.0.7", "--dry-run"]),
        machine.run(["run", "block-ip", "203.0.113.7"]),
        machine.run(["run", "block-ip"]),
        machine.run(["run", "block-ip", "203.0.113"]),
        machine.run(["run", "block-ip", "203.0.113.7", "--free", "5G"]),
        machine.run(["run", "blockip", "203.0.113.7"]),
        machine.run(["run", "block-ip", "--resume"]),
        machine.run(["run", "block-ip", "203.0.113.7", "--answer", "revoke=done"]),
        machine.run(["run", "--status"]),
    ];
    assert!(plans.iter().all(|run| run.ran.iter().all(|ran| !ran.argv.iter().any(|word| word == "-I"))));
    compare("run_planned", &plans.map(short));
    let runs = [
        machine.run(BLOCK),
        machine.run(["run", "block-ip", "203.0.113.7", "--yes", "-q", "-o", "json"]),
        machine.run(["run", "unblock-ip", "203.0.113.7"]),
        machine.run(["run", "--status", "-o", "name"]),
    ];
    compare("run_done", &runs.map(short));
}

#[test]
#[ignore = "needs root"]
fn a_step_that_fails_ends_the_run_and_is_undone() {
    let machine = host();
    // It does its work, and fails.
    machine.answer_with("iptables--I-INPUT", "", "iptables: Resource temporarily unavailable.\n", 4);
    machine.answer_with("iptables--C-INPUT", "", "", 0);
    machine.only_after("iptables--I-INPUT", "iptables--C-INPUT");
    machine.answer_with("iptables--C-INPUT", "", "", 1);
    let runs = [
        machine.run(BLOCK),
        machine.run(["status", "-o", "name"]),
        machine.run(["run", "block-ip", "--undo", "--dry-run"]),
        machine.run(["run", "block-ip", "--undo", "--yes"]),
        machine.run(["run", "block-ip", "203.0.113.7", "--yes", "--undo-on-failure"]),
        machine.run(["run", "block-ip", "--discard", "--yes"]),
    ];
    compare("run_failed", &runs.map(short));
}

/// Every procedure that changes something was driven on a booted host: docs/procedures-driven.md has its row.
#[test]
fn every_procedure_that_changes_something_has_a_row() {
    let driven = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/procedures-driven.md")).unwrap();
    let has_row = |of: &str, slug: &str| driven.contains(&format!("| {of} | `{slug}` |"));
    // Whatever reboots the test host ends the test.
    let left_out = ["reboot"];
    let usual = ["block-ip", "unblock-ip", "make-room"];
    let (machine, mut missing) = (Machine::new(), Vec::new());
    let mut count = 0;
    for deployment in ["prim", "fondation", "ai-fsm", "v-edfinance", "plugspace"] {
        let run = machine.run(["-d", deployment, "get", "procedures", "-o", "json"]);
        let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        for procedure in document["procedures"].as_array().unwrap() {
            let slug = procedure["name"].as_str().unwrap();
            if procedure["risk"] == "read_only" || left_out.contains(&slug) || !procedure["command"].is_null() {
                continue;
            }
            count += 1;
            let of = if usual.contains(&slug) { "every host" } else { deployment };
            if !has_row(of, slug) {
                missing.push(format!("{of} {slug}"));
            }
        }
    }
    assert!(missing.is_empty() && count > 30, "{count}: {missing:?}");
}

/// What a verb does is listed and explained with its command, and never run as steps.
#[test]
fn what_a_verb_does_is_listed_and_explained_and_not_run() {
    let machine = prim::quiet();
    let runs = [
        machine.run(["get", "procedures", "backup-now,deploy,make-room"]),
        machine.run(["get", "procedures", "-o", "name", "re*"]),
        machine.run(["explain", "restore-db"]),
        machine.run(["explain", "deploy", "-o", "json"]),
        machine.run(["run", "restore-db", "wallet", "--yes"]),
        machine.run(["run", "deploy", "--dry-run", "-o", "json"]),
        machine.run(["run", "--status", "backup-now"]),
    ];
    assert!(runs.iter().all(|run| run.ran.is_empty()), "{runs:?}");
    assert_eq!(runs.each_ref().map(|run| run.code), [0, 0, 0, 0, 2, 2, 2]);
    compare("run_verb", &runs.map(short));
    let offered = |verb: &str| {
        let asked = [("OPSCTL_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", "4"), ("_CLAP_IFS", "\n")];
        let run = machine.run_with(["--", "opsctl", "-d", "prim", verb, "re"], &asked);
        (run.stdout.contains("reboot"), run.stdout.contains("redeploy"))
    };
    assert_eq!((offered("run"), offered("explain")), ((true, false), (true, true)));
}

/// Steps, answers and values are those of the procedure that the line names.
#[test]
fn what_a_procedure_takes_is_completed() {
    let machine = prim::quiet();
    let offered = |words: &[&str]| {
        let index = (words.len() + 1).to_string();
        let asked = [("OPSCTL_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", index.as_str()), ("_CLAP_IFS", "\n")];
        let line: Vec<&str> = ["--", "opsctl"].into_iter().chain(words.iter().copied()).chain([""]).collect();
        let run = machine.run_with(line, &asked);
        run.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let steps = offered(&["-d", "prim", "run", "block-ip", "--from"]);
    assert!(steps.contains(&"foreign".to_owned()) && steps.len() == 7, "{steps:?}");
    let answers = offered(&["-d", "fondation", "run", "on-call", "--answer"]);
    assert_eq!(answers, ["acknowledge=acknowledged"]);
    let values = offered(&["-d", "prim", "run", "make-room", "--settle", "1s"]);
    assert!(values.iter().any(|value| value == "2G"), "{values:?}");
}
