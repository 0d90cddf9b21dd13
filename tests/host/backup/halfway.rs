//! Restores of databases and trees that are killed: as they begin their first, second, third … command, and at each change of a
//! name. What is live is then the old or the new, or a server is down, and the next call brings it to an end.

use super::*;

/// A set, and how its live data is told from what its copy holds.
pub struct Halfway {
    pub set: &'static str,
    /// Shell lines that make the live data another than the copy.
    pub spoil: &'static str,
    /// Shell lines that print a word for what is live; they fail where its server is down.
    pub look: &'static str,
}

/// System calls of the main thread: a command is begun, a name is changed.
const CALLS: [&str; 4] = ["clone3", "rename", "renameat", "renameat2"];
/// How many points a plain run takes of a set.
const SOME: usize = 3;
/// How many of one call `OPSCTL_POINTS=all` takes, spread over all of them.
const MOST: usize = 24;

/// Kills restores of a set; a row of the page.
pub fn killed(machine: &Machine, halfway: &Halfway) -> String {
    let Halfway { set, spoil, look } = halfway;
    let live = || machine.sh(&format!("{{ {look}; }} 2>/dev/null || echo down")).trim().to_owned();
    let ended = || {
        opsctl(machine, &format!("-q restore {set} -y --settle 100ms"), 0);
        opsctl(machine, "-q restore --forget-old -y", 0);
    };
    let new = live();
    machine.sh(spoil);
    let old = live();
    assert_ne!(old, new);
    let count = |calls: &str, name: &str| calls.lines().filter(|line| line.starts_with(&format!("{name}("))).count();
    let trace =
        format!("strace -qq -e trace={} -o /run/calls opsctl -q restore {set} -y --settle 100ms", CALLS.join(","));
    let calls = machine.sh(&format!("{trace} >/dev/null; cat /run/calls"));
    opsctl(machine, "-q restore --forget-old -y", 0);
    let spread = |all: usize, most: usize| (1..=all.min(most)).map(move |turn| turn * all / all.min(most));
    let of = |call: &&'static str| {
        let call = *call;
        spread(count(&calls, call), MOST).map(move |number| (call, number))
    };
    let mut points: Vec<_> = CALLS.iter().flat_map(of).collect();
    assert!(points.len() >= SOME, "{calls}");
    if !killed::is_whole() {
        points = spread(points.len(), SOME).map(|number| points[number - 1]).collect();
    }
    let mut seen = [0; 3];
    let mut wrong = Vec::new();
    for (call, number) in &points {
        machine.sh(spoil);
        machine.sh(&format!(
            "strace -qq -o /dev/null -e trace={call} -e inject={call}:signal=KILL:when={number} \
             opsctl -q restore {set} -y --settle 100ms >/run/said 2>&1 || true"
        ));
        let left = live();
        match [old.as_str(), new.as_str(), "down"].iter().position(|known| *known == left) {
            Some(which) => seen[which] += 1,
            None => wrong.push(format!("{set}, {call} {number}: {left}")),
        }
        ended();
        let after = live();
        if after != new {
            wrong.push(format!("{set}, {call} {number}: {after} after the next call"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let [old, new, down] = seen;
    let row = format!("| `restore {set}` | {} | {old} | {new} | {down} | 0 |\n", points.len());
    eprint!("{row}");
    row
}

/// Writes these rows on the page, where all points were taken.
pub fn tell(deployment: &str, rows: &str) {
    if killed::is_whole() {
        let head = "| Operation | SIGKILL | Live data old | Live data new | Its server down | Wrong |\n|---|---|---|---|---|---|\n";
        page::part(&format!("halfway {deployment}"), &format!("{head}{rows}"));
    }
}
