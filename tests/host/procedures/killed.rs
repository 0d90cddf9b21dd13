//! Procedures that are killed, hung up on, interrupted or terminated at each of their boundaries: strace sends the signal when opsctl
//! enters its first, second, third … system call of a kind. Whatever the point, the run is resumed to its end or undone to what was
//! there before, nothing is half written, and no lock stays.

mod prim;

use std::collections::BTreeMap;
use std::path::Path;

use crate::backup::killed::is_whole;
use crate::backup::remote;
use crate::machine::Machine;

/// A procedure with its values, and what the host is like before.
struct Case {
    name: &'static str,
    prepare: &'static str,
    line: &'static str,
    /// Whether undoing it brings back what was there; what was freed stays freed.
    is_undone: bool,
    /// How what may be there in between begins, besides what was before and what is to be; the record of the run shows that.
    between: &'static [&'static str],
}

const CASES: [Case; 7] = [
    Case { name: "block-ip", prepare: "true", line: "block-ip 203.0.113.7", is_undone: true, between: &[] },
    Case {
        name: "unblock-ip",
        prepare: "iptables -I INPUT 1 -s 203.0.113.7 -j DROP",
        line: "unblock-ip 203.0.113.7",
        is_undone: true,
        between: &[],
    },
    Case {
        name: "make-room",
        prepare: "true",
        line: "make-room --free 4M --on /var/cache/apt/archives",
        is_undone: false,
        between: &[],
    },
    Case { name: "rotate-key", prepare: SHOP, line: "rotate-key", is_undone: true, between: &["between"] },
    Case { name: "restore-orders", prepare: SHOP, line: "restore-orders", is_undone: false, between: &["between"] },
    Case { name: "take-over", prepare: SHOP, line: "take-over", is_undone: true, between: &["between"] },
    // The last one: it leaves a firewall that lets nothing in.
    Case {
        name: "block-ip with ufw",
        prepare: "{ ufw allow 22; ufw --force enable; } >/dev/null",
        line: "block-ip 203.0.113.7",
        is_undone: true,
        between: &[],
    },
];

/// The shop of `examples/own_procedures.rs`.
const SHOP: &str = "shop_prepare >/dev/null";

/// The files of the API and of compose, the server, and the container of the API: old, and new.
const ROTATION: Case = Case {
    name: "rotate-db",
    prepare: "cp -p /root/v-edfinance/apps/api/.env /root/start.api; cp -p /root/.env /root/start.postgres",
    line: "rotate-db",
    is_undone: true,
    between: &["onoo", "nooo", "nnoo", "nnno", "nnnx"],
};

/// How many points of a procedure a plain run takes, spread over all.
const SOME: usize = 12;
/// No more points of one kind than this.
const MOST: usize = 24;

/// What is wrong with what a point left.
fn judge(case: &Case, next: &str, old: &str, new: &str, left: &str) -> Option<String> {
    let words: Vec<&str> = left.split_whitespace().collect();
    let [code, first, named, "|", again, second, leftovers, lock] = words[..] else {
        return Some(format!("not understood: {left}"));
    };
    let is_called = named == "open" || (named == "none" && next == "resume");
    let wanted: &[&str] = match (next, named) {
        // It had come to its end.
        (_, "ended") => &[new],
        ("resume", _) => &[new],
        (_, "none") => &[old],
        _ if case.is_undone => &[old],
        _ => &[old, new],
    };
    let is_between = named == "open" && case.between.iter().any(|state| first.starts_with(state));
    let checks = [
        ([old, new].contains(&first) || is_between, "what it left"),
        (code != "0" || first == new, "what it reported"),
        // What was changed can be seen in the record of the run.
        (named != "none" || first == old, "a change that is in the record of no run"),
        // What came to its end and cannot be undone is named by the undo.
        (again == "0" || (again == "8" && !case.is_undone && next == "undo" && second == new), "the next call"),
        (wanted.contains(&second), "what the next call left"),
        // So does what it was writing.
        (leftovers == "0" || (leftovers == "1" && !is_called), "what is left over"),
        // A run that was killed leaves its note, until the next call.
        (lock == "free" || (lock == "unfinished" && !is_called), "the lock"),
    ];
    let wrong: Vec<&str> = checks.iter().filter(|(is_right, _)| !is_right).map(|(_, what)| *what).collect();
    (!wrong.is_empty()).then(|| format!("{}: {left}", wrong.join(", ")))
}

#[test]
fn procedures_are_resumed_or_undone_from_each_boundary() {
    let machine = Machine::boot_as("bare", "it-procedures-killed");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/procedures/killed");
    machine.put(&scripts, "/root/killed");
    machine.put_example("own_procedures", "/usr/local/bin/shopctl");
    remote(&machine, "r2", "shop-backups");
    machine.sh("opsctl -q run block-ip 203.0.113.7 -y; opsctl -q run unblock-ip 203.0.113.7");
    let (mut all, mut wrong) = (0, Vec::new());
    for case in &CASES {
        machine.sh(&format!(". /root/killed/common; iptables -F INPUT; ip6tables -F INPUT; {}; keep", case.prepare));
        all += sweep(&machine, case, &mut wrong);
        if case.name == "make-room" {
            machine.sh("umount /var/cache/apt/archives");
        }
    }
    assert!(wrong.is_empty(), "{} of {all} points are wrong: {wrong:#?}", wrong.len());
    assert!(!is_whole() || all >= 300, "{all} points");
}

/// Kills the procedure at its points, and has the next call resume or undo it; how many there were.
fn sweep(machine: &Machine, case: &Case, wrong: &mut Vec<String>) -> usize {
    let listed = machine.sh(&format!("bash /root/killed/points {}", case.line));
    let (states, listed) = listed.split_once('\n').unwrap();
    let (old, new) = states.split_once(' ').unwrap();
    assert_ne!(old, new, "{}: nothing was changed", case.name);
    let mut kinds: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    for line in listed.lines() {
        let [signal, call, when, whose] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        kinds.entry((signal, call, whose)).or_default().push(when);
    }
    let mut points = Vec::new();
    for ((signal, call, whose), numbers) in &kinds {
        let some = numbers.len().min(MOST);
        points.extend((0..some).map(|turn| (*signal, *call, numbers[turn * numbers.len() / some], *whose)));
    }
    if !is_whole() {
        let (count, mut index) = (points.len(), 0);
        points.retain(|_| {
            index += 1;
            index * SOME / count != (index - 1) * SOME / count
        });
    }
    for (turn, (signal, call, when, whose)) in points.iter().enumerate() {
        let next = ["resume", "undo"][turn % 2];
        let line = format!("bash /root/killed/point {signal} {call} {when} {whose} {next} {}", case.line);
        let ran = machine.run(&line.split(' ').collect::<Vec<_>>());
        if let Some(what) = judge(case, next, old, new, ran.stdout.trim_end()) {
            let said = machine.run(&["sh", "-c", "tail -n 5 /run/said /run/again"]).stdout;
            wrong.push(format!("{}: {signal} at {call} {when}, {next}: {what} {}\n{said}", case.name, ran.stderr));
            eprintln!("{}", wrong.last().unwrap());
        }
    }
    eprintln!("{}: {} points", case.name, points.len());
    points.len()
}

#[test]
fn a_rotation_is_resumed_or_undone_from_each_boundary() {
    let machine = Machine::boot_as("v-edfinance", "it-rotation-killed");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/procedures/killed");
    machine.put(&scripts, "/root/killed");
    machine.sh(ROTATION.prepare);
    let mut wrong = Vec::new();
    let count = sweep(&machine, &ROTATION, &mut wrong);
    assert!(wrong.is_empty(), "{} of {count} points are wrong: {wrong:#?}", wrong.len());
}
