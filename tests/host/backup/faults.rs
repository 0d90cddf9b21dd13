//! The faults under which the script of the runbook loses data and says that all is well: side by side, a shell loop of
//! `sqlite3 .backup`, `rclone copyto` and deletion by date, and opsctl with its `backup` and `backup prune`.

use std::fmt::Write;
use std::path::Path;

use super::killed;
use super::page::part;
use crate::machine::Machine;

/// A fault by its name in `faults/case`, and in words.
const FAULTS: [(&str, &str); 15] = [
    ("missing", "database missing"),
    ("empty", "database of zero bytes"),
    ("corrupt", "database corrupt: a bit of an index flipped"),
    ("locked", "database locked exclusively"),
    ("full", "disk full where copies are staged"),
    ("refused", "remote refuses connections"),
    ("hole", "remote is a black hole: packets are dropped"),
    ("truncated", "remote keeps half of what it took"),
    ("altered", "remote keeps a byte of it altered"),
    ("credentials", "wrong credentials"),
    ("bucket", "bucket missing"),
    ("environment", "`RCLONE_DRY_RUN=true` in the environment"),
    ("killed", "killed with its rclone while it sends"),
    ("prune", "deletion fails half-way"),
    ("clock", "clock 60 days ahead"),
];

/// What a fault left of the copies of a database, and how the runs ended.
struct Left {
    codes: Vec<i32>,
    good: u32,
    of: u32,
    bad: u32,
    new: u32,
    seconds: u32,
}

impl Left {
    fn of(machine: &Machine, fault: &str, who: &str) -> Left {
        let said = machine.run(&["bash", "/root/faults/case", fault, who]);
        let line = said.stdout.lines().last().unwrap_or_default();
        let words: Vec<&str> = line.split(' ').collect();
        let [codes, good, of, bad, new, seconds] = words[..] else { panic!("{fault} {who}: {said:#?}") };
        let number = |word: &str| word.parse().unwrap_or_else(|_| panic!("{fault} {who}: {said:#?}"));
        let left = Left {
            codes: codes.split(',').map(|code| code.parse().unwrap()).collect(),
            good: number(good),
            of: number(of),
            bad: number(bad),
            new: number(new),
            seconds: number(seconds),
        };
        eprintln!("{fault} {who}: {line}\n{}", machine.run(&["tail", "-n", "5", "/run/said"]).stdout);
        left
    }

    /// Ended by the test, because it did not end by itself.
    fn hangs(&self) -> bool {
        self.codes.contains(&124) || self.codes.contains(&137) && self.seconds >= 60
    }

    /// No good copy is gone, nothing is called good that is not, and success is said only of what went well.
    fn is_handled(&self, fault: &str) -> bool {
        let is_told = match fault {
            // Of the deletion it must be told, of a clock that is wrong where it would be deleted by it.
            "prune" | "clock" => self.codes.iter().any(|code| *code != 0),
            _ => self.codes[0] != 0 || self.new == 1,
        };
        self.good == self.of && self.bad == 0 && is_told && !self.hangs()
    }

    fn told(&self) -> String {
        let codes: Vec<String> = self.codes.iter().map(ToString::to_string).collect();
        let codes = if self.hangs() { "does not end in 60 s".to_owned() } else { codes.join(", ") };
        format!("{codes} | {} of {} | {} | {}", self.good, self.of, self.new, self.bad)
    }
}

#[test]
fn fifteen_beside_a_shell_loop() {
    let machine = Machine::boot_as("prim", "it-prim-backup-faults");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/backup");
    machine.put(&scripts.join("faults"), "/root/faults");
    machine.put(&scripts.join("shell-loop"), "/root/faults/shell-loop");
    machine.sh("bash /root/faults/prepare");
    let mut text = "| Fault | Shell loop: exit | Good copies left | New | Bad | Handled | opsctl: exit of `backup`, `prune` | Good \
                    copies left | New | Bad | Handled |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let (mut shell_handled, mut handled, mut wrong) = (0, 0, Vec::new());
    for (fault, words) in FAULTS {
        // What it is compared with takes most of the time and is not what is tested.
        let shell = killed::is_whole().then(|| Left::of(&machine, fault, "shell"));
        let own = Left::of(&machine, fault, "opsctl");
        let yes = |left: &Left| if left.is_handled(fault) { "yes" } else { "**no**" };
        if let Some(shell) = &shell {
            writeln!(text, "| {words} | {} | {} | {} | {} |", shell.told(), yes(shell), own.told(), yes(&own)).unwrap();
            shell_handled += u32::from(shell.is_handled(fault));
        }
        match own.is_handled(fault) {
            true => handled += 1,
            false => wrong.push(fault),
        }
    }
    assert!(wrong.is_empty(), "not handled: {wrong:?}");
    if killed::is_whole() {
        writeln!(text, "\nHandled: shell loop {shell_handled} of 15, opsctl {handled} of 15.").unwrap();
        part("faults", &text);
    }
}
