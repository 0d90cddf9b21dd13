//! Backup, prune and restore that are killed, hung up on, interrupted or terminated at each of their boundaries: strace sends the
//! signal when opsctl enters its first, second, third … system call of a kind. Whatever the point, the live data is whole, it is
//! the old or the new and never the one with a log of the other beside it, the remote has no manifest without the whole of its
//! copy, and the next call brings all to an end by itself. The same where a system call fails, because the disk is full or broken.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::thread;

use super::page::part;
use crate::machine::Machine;

/// What is done, and what is called next: every other point has the second of these.
struct Deed {
    name: &'static str,
    line: &'static str,
    next: [&'static str; 2],
    /// What the live data may be at the point, and what it must be after the next call with each of the two.
    live: &'static [&'static str],
    after: [&'static [&'static str]; 2],
    /// The live data and the number of copies when it is done.
    done: (&'static str, Option<u32>),
    /// How many copies there may be at the point, and after the next call.
    copies: (std::ops::RangeInclusive<u32>, std::ops::RangeInclusive<u32>),
}

const OLD: &str = "ok/old/1500/1500/";
const NEW: &str = "ok/new/1200/1200/";

const DEEDS: [Deed; 3] = [
    Deed {
        name: "backup",
        line: "backup wallet",
        next: ["backup wallet", "backup wallet"],
        live: &[OLD],
        after: [&[OLD], &[OLD]],
        done: (OLD, Some(16)),
        copies: (15..=16, 16..=17),
    },
    Deed {
        name: "prune",
        line: "backup prune wallet --yes",
        next: ["backup prune wallet --yes", "backup prune wallet --yes"],
        live: &[OLD],
        after: [&[OLD], &[OLD]],
        done: (OLD, Some(12)),
        copies: (12..=15, 12..=12),
    },
    Deed {
        name: "restore",
        line: "restore wallet -y --settle 100ms",
        // The second only ends what was begun, whichever way.
        next: ["restore wallet -y --settle 100ms", "recover"],
        live: &[OLD, NEW],
        after: [&[NEW], &[OLD, NEW]],
        done: (NEW, None),
        copies: (15..=15, 15..=15),
    },
];

/// No more points of one kind than this; of many, those are taken that are spread over all of them.
const MOST: usize = 24;
/// The same of points at which a command is begun or awaited, of which there are four and three kinds.
const MOST_OF_CALLS: usize = 12;
/// On how many hosts of its own the points of the longest deed are spread, so that it ends with the others.
const HOSTS: [usize; 3] = [1, 1, 2];
/// How many points of a deed a plain run takes, spread over all.
const SOME: usize = 20;

/// What is done to a deed at its points.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It gets a signal.
    Signals,
    /// The system call fails: E7 where something would be written, E8 where it would be made durable or moved.
    Errors,
}

/// A point: what happens, at which system call, which of them, and in whom.
struct Point {
    what: String,
    call: String,
    when: String,
    whose: String,
}

/// The points of a deed, as a run of it that nothing disturbs shows them.
fn points(machine: &Machine, deed: &Deed, kind: Kind) -> Vec<Point> {
    let listed = machine.sh(&format!("bash /root/killed/points {}", deed.line));
    let mut kinds: BTreeMap<(String, String, String), Vec<String>> = BTreeMap::new();
    for line in listed.lines() {
        let [signal, call, when, whose] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let what = match (kind, call) {
            (Kind::Signals, _) => format!("signal={signal}"),
            (Kind::Errors, _) if signal != "KILL" => continue,
            (Kind::Errors, "fsync" | "fdatasync" | "rename" | "renameat" | "unlink" | "unlinkat") => {
                "error=EIO".to_owned()
            }
            (Kind::Errors, "clone3" | "flock" | "fchmod" | "fchown") => continue,
            (Kind::Errors, _) => "error=ENOSPC".to_owned(),
        };
        kinds.entry((what, call.into(), whose.into())).or_default().push(when.into());
    }
    let mut points = Vec::new();
    for ((what, call, whose), all) in kinds {
        let most = if ["clone3", "ppoll"].contains(&call.as_str()) { MOST_OF_CALLS } else { MOST };
        let most = if kind == Kind::Errors { MOST_OF_CALLS } else { most };
        let some = all.len().min(most);
        points.extend((0..some).map(|turn| Point {
            what: what.clone(),
            call: call.clone(),
            when: all[turn * all.len() / some].clone(),
            whose: whose.clone(),
        }));
    }
    points
}

/// What is wrong with what a point left.
fn judge(deed: &Deed, kind: Kind, turn: usize, left: &str) -> Option<String> {
    let words: Vec<&str> = left.split_whitespace().collect();
    let [code, first, count, wrong, "|", again, second, count_after, wrong_after, leftovers, well] = words[..] else {
        return Some(format!("not understood: {left}"));
    };
    let number = |word: &str| word.parse::<u32>().unwrap_or(u32::MAX);
    // What says that it is done has done it.
    let is_done = first == deed.done.0 && (deed.done.1).is_none_or(|wanted| number(count) == wanted);
    let checks = [
        (code != "0" || is_done, "what it said"),
        (kind == Kind::Signals || code == "0" || !is_done || deed.name != "restore", "that it failed"),
        (deed.live.contains(&first), "the live data"),
        (wrong == "0", "a manifest without its copy"),
        (deed.copies.0.contains(&number(count)), "the copies"),
        (again == "0", "the next call"),
        (deed.after[turn % 2].contains(&second), "the live data after the next call"),
        (wrong_after == "0", "a manifest without its copy after the next call"),
        (deed.copies.1.contains(&number(count_after)), "the copies after the next call"),
        (leftovers == "0", "what is left over"),
        (well == "active", "the service"),
    ];
    let wrong: Vec<&str> = checks.iter().filter(|(is_right, _)| !is_right).map(|(_, what)| *what).collect();
    (!wrong.is_empty()).then(|| format!("{}: {left}", wrong.join(", ")))
}

/// What came of the points of a deed: how many of each signal were taken, whom they hit, and what went wrong.
#[derive(Default)]
struct Sweep {
    by_what: BTreeMap<String, usize>,
    /// Points at which it had not come to the call this time, so that it ended by itself.
    missed: usize,
    old: usize,
    new: usize,
    wrong: Vec<String>,
}

impl Sweep {
    fn and(mut self, other: Sweep) -> Sweep {
        for (signal, count) in other.by_what {
            *self.by_what.entry(signal).or_default() += count;
        }
        self.missed += other.missed;
        self.old += other.old;
        self.new += other.new;
        self.wrong.extend(other.wrong);
        self
    }
}

/// Drives a deed through its points, or through every so many-th of them.
fn sweep(deed: &Deed, kind: Kind, is_whole: bool, part: usize, parts: usize) -> Sweep {
    let machine = Machine::boot_as("prim", &format!("it-prim-{}-{}-{part}", kind.name(), deed.name));
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/backup/killed");
    machine.put(&scripts, "/root/killed");
    machine.sh("bash /root/killed/prepare");
    let mut points = points(&machine, deed, kind);
    if !is_whole {
        let (all, mut index) = (points.len(), 0);
        points.retain(|_| {
            index += 1;
            index * SOME / all != (index - 1) * SOME / all
        });
    }
    let mut sweep = Sweep::default();
    for (turn, point) in points.iter().enumerate().filter(|(turn, _)| turn / 2 % parts == part) {
        let Point { what, call, when, whose } = point;
        let mut line = vec!["bash", "/root/killed/point", what, call, when, whose, deed.next[turn % 2]];
        line.extend(deed.line.split_whitespace());
        let ran = machine.run(&line);
        let left = ran.stdout.trim_end();
        *sweep.by_what.entry(what.clone()).or_default() += 1;
        sweep.missed += usize::from(left.starts_with("0 "));
        sweep.old += usize::from(left.split(' ').nth(1) == Some(OLD));
        sweep.new += usize::from(left.split(' ').nth(1) == Some(NEW));
        if let Some(wrong) = judge(deed, kind, turn, left) {
            let said = machine.run(&["sh", "-c", "tail -n 5 /run/said /run/again /run/forgot"]).stdout;
            let wrong = format!("{}: {what} at {call} {when} ({whose}): {wrong} {}\n{said}", deed.name, ran.stderr);
            eprintln!("{wrong}");
            sweep.wrong.push(wrong);
        }
    }
    sweep
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Signals => "killed",
            Kind::Errors => "errors",
        }
    }

    /// What happens, as columns of the page.
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Kind::Signals => &["signal=KILL", "signal=INT", "signal=TERM", "signal=HUP"],
            Kind::Errors => &["error=ENOSPC", "error=EIO"],
        }
    }
}

/// Drives all deeds through their points; the part of the page, and the number of points.
fn drive(kind: Kind, is_whole: bool) -> (String, usize) {
    // Each on a host of its own: most of the time they wait.
    let sweeps: Vec<Sweep> = thread::scope(|scope| {
        let begun = DEEDS.iter().zip(HOSTS).map(|(deed, parts)| -> Vec<_> {
            (0..parts).map(|part| scope.spawn(move || sweep(deed, kind, is_whole, part, parts))).collect()
        });
        let begun: Vec<Vec<_>> = begun.collect();
        let ended = |parts: Vec<thread::ScopedJoinHandle<'_, Sweep>>| {
            parts.into_iter().fold(Sweep::default(), |all, part| all.and(part.join().unwrap()))
        };
        begun.into_iter().map(ended).collect()
    });
    let named: Vec<String> =
        kind.columns().iter().map(|what| what.replace("signal=", "SIG").replace("error=", "")).collect();
    let mut text = format!(
        "| Operation | {} | All | Ended before it, or in spite of it | Live data old | Live data new | Wrong |\n|{}\n",
        named.join(" | "),
        "---|".repeat(named.len() + 6)
    );
    let mut all = 0;
    for (deed, sweep) in DEEDS.iter().zip(&sweeps) {
        let points: usize = sweep.by_what.values().sum();
        all += points;
        let columns =
            kind.columns().iter().map(|what| sweep.by_what.get(*what).copied().unwrap_or_default().to_string());
        let columns: Vec<String> = columns.collect();
        writeln!(
            text,
            "| `{}` | {} | {points} | {} | {} | {} | {} |",
            deed.line,
            columns.join(" | "),
            sweep.missed,
            sweep.old,
            sweep.new,
            sweep.wrong.len()
        )
        .unwrap();
    }
    writeln!(text, "\n{all} points.").unwrap();
    eprintln!("{text}");
    let wrong: Vec<&String> = sweeps.iter().flat_map(|sweep| &sweep.wrong).collect();
    assert!(wrong.is_empty(), "{} of {all} points are wrong: {wrong:#?}", wrong.len());
    (text, all)
}

/// `OPSCTL_POINTS=all` takes all points; a plain run takes 20 of each deed.
pub fn is_whole() -> bool {
    std::env::var("OPSCTL_POINTS").is_ok_and(|value| value == "all")
}

#[test]
fn signals_at_each_boundary() {
    let (text, all) = drive(Kind::Signals, is_whole());
    if is_whole() {
        part("kill sweep", &text);
        assert!(all >= 300, "{all} points");
    }
}

#[test]
fn e7_e8_errors_at_each_boundary() {
    let (text, _) = drive(Kind::Errors, is_whole());
    part("errors", &text);
}
