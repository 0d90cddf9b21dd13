//! `restart`, `reload`, `start`, `stop`, `history` and `lock`, transcribed: what is shown before, what is run, what is said of it
//! and what stays behind. Ring 3 shows the same on real managers.

mod countdown;
mod maintenance;
mod mended;
mod schedule;
pub mod times;
mod trail;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::machine::{Machine, Run, needs_root, sample};
use crate::streams::closed_pipe;
use crate::transcript::{compare, same_as_file};
use crate::{plugspace, prim, servers};

/// A prim host whose units may be restarted, with wallet and store answering. Every change needs root.
fn host() -> Machine {
    needs_root();
    let machine = prim::two();
    machine.able(&["caddy.service"]);
    machine.dir("/var/log");
    for verb in ["reset-failed", "daemon-reload", "restart", "start", "stop", "reload"] {
        machine.answer(&act(verb), "");
    }
    machine.answer("caddy-validate", "");
    machine
}

/// The answer to `systemctl VERB`.
pub fn act(verb: &str) -> String {
    format!("systemctl---no-ask-password-{verb}")
}

/// A run with what differs each time replaced, and with each command once, however often it was looked.
pub fn told(mut run: Run) -> Run {
    run.stdout = masked(&run.stdout);
    run.stderr = masked(&run.stderr);
    run.ran.dedup_by(|one, other| one.argv == other.argv);
    run
}

fn masked(text: &str) -> String {
    let patterns = [
        (r"\(\d+\.\d s\)", "([N] s)"),
        (r#""seconds": ?[\d.]+"#, r#""seconds": "[N]""#),
        (r#""id": ?"\d+-\d+""#, r#""id": "[ID]""#),
        (r"not done in \d+\.\d s", "not done in [N] s"),
        (r"process \d+", "process [PID]"),
        (r#""pid": ?\d+"#, r#""pid": "[PID]""#),
        (r"  \d+\.\d  ", "  [N]  "),
    ];
    patterns.iter().fold(text.to_owned(), |text, (pattern, word)| {
        regex::Regex::new(pattern).unwrap().replace_all(&text, *word).into_owned()
    })
}

/// The commands of a run that change something.
pub fn changes(run: &Run) -> Vec<String> {
    let commands = run.ran.iter().map(|ran| ran.argv.join(" "));
    let changes = |words: &String| {
        ["--no-ask-password", "docker restart", "docker start", "docker stop"].iter().any(|sign| words.contains(sign))
            || ["restart", "start", "stop", "reload"].iter().any(|verb| words.contains(&format!("pm2 {verb}")))
    };
    commands.filter(changes).collect()
}

/// Everything that may be written: whether there is a lock directory and a trail.
fn traces(machine: &Machine) -> (bool, bool) {
    (machine.path("/run/opsctl").exists(), machine.path("/var/log/opsctl").exists())
}

/// A change of the trail, as it is written: its two lines.
fn entries(id: &str, what: (&str, &str), outcome: Option<(&str, u8)>) -> String {
    let (time, target) = what;
    let line = |phase: &str, outcome: &str| {
        format!(
            r#"{{"time":"{time}","id":"{id}","phase":"{phase}","deployment":"prim","host":"vps1","user":"alice","from":"203.0.113.7","operation":"restart","targets":["{target}"],"commands":["systemctl --no-ask-password restart -- prim-{target}.service"],{outcome}}}"#
        ) + "\n"
    };
    let mut text = line("begin", r#""outcome":null,"exit_code":null,"seconds":null"#);
    if let Some((words, code)) = outcome {
        text += &line("end", &format!(r#""outcome":"{words}","exit_code":{code},"seconds":11.25"#));
    }
    text
}

/// A note in the lock file of prim.
fn note(machine: &Machine, by_hand: bool) {
    let text = format!(
        r#"{{"what":"restart store","who":"alice","since":"2026-11-22T05:29:00Z","pid":4242,"pid_started":77,"step":"store: watch it","by_hand":{by_hand}}}"#
    );
    machine.file("/run/opsctl/prim.lock", &text);
}

/// The process of that note lives.
fn alive(machine: &Machine) {
    machine.file("/proc/4242/stat", "4242 (opsctl) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 77 1 1 1\n");
}

#[test]
#[ignore = "needs root"]
fn the_plan_that_would_be_run_is_shown_and_leaves_no_trace() {
    let machine = host();
    machine.change_unit("prim-store.service", &[("NeedDaemonReload", "yes")]);
    let runs = [
        machine.run(["restart", "store", "wallet", "--dry-run"]),
        machine.run(["stop", "wallet", "store", "--dry-run"]),
        machine.run(["start", "--all", "--dry-run"]),
        machine.run(["reload", "caddy", "--dry-run", "-o", "wide"]),
        machine.run(["restart", "stalwart", "wallet", "--dry-run", "-o", "json"]),
    ];
    assert!(runs.iter().all(|run| changes(run).is_empty()));
    assert_eq!(traces(&machine), (false, false));
    compare("action_dry_run", &runs);
}

/// The end of the incident that README.md tells.
#[test]
#[ignore = "needs root"]
fn the_incident_of_the_readme_ends() {
    let machine = host();
    let lines: [&[&str]; 4] = [
        &["restart", "wallet", "--dry-run"],
        &["restart", "wallet", "--yes", "--settle", "1s"],
        &["status", "wallet"],
        &["history"],
    ];
    compare("incident", &lines.map(|line| told(machine.run(line))));
}

#[test]
#[ignore = "needs root"]
fn a_change_is_recorded_made_in_order_and_seen() {
    let machine = host();
    let from =
        [("SUDO_UID", "0"), ("SSH_CONNECTION", "203.0.113.7 50000 10.0.0.1 22"), ("SECRET", "canary-environment")];
    machine.serve(80, servers::always(308, ""));
    let runs = [
        machine.run_with(["restart", "store", "wallet", "-y", "--settle", "200ms"], &from),
        machine.run(["restart", "wallet", "-y", "--settle", "200ms", "-o", "json"]),
        machine.run(["restart", "wallet", "-y", "--settle", "200ms", "-o", "name", "-q"]),
        machine.run(["start", "wallet", "--settle", "200ms"]),
        machine.run(["reload", "caddy", "--settle", "200ms"]),
    ];
    compare("action_done", &runs.map(told));
    let trail = machine.path("/var/log/opsctl/audit.jsonl");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&trail), mode(trail.parent().unwrap())), (0o600, 0o700));
    let lock = machine.path("/run/opsctl/prim.lock");
    assert_eq!((mode(&lock), mode(lock.parent().unwrap()), fs::read(&lock).unwrap()), (0o600, 0o700, Vec::new()));
    let text = masked(&fs::read_to_string(trail).unwrap());
    assert!(!text.contains("canary"));
    same_as_file(&text, Path::new("tests/it/transcripts/action_audit.txt"));
}

#[test]
#[ignore = "needs root"]
fn b3_a_step_that_fails_or_does_not_help_is_no_success() {
    let machine = host();
    machine.answer_with(&act("restart"), "", "Job for prim-wallet.service failed.\n", 1);
    let refused = machine.run(["restart", "wallet", "-y", "--settle", "200ms"]);
    machine.answer(&act("restart"), "");
    machine.changes_unit(&act("restart"), "prim-wallet.service", &prim::CRASH_LOOP);
    machine.stop(3001);
    machine.journal(
        "2026-11-22T05:30:00Z",
        "prim-wallet.service",
        &[("MESSAGE", b"cannot open wallet.db"), ("PRIORITY", b"3"), ("_PID", b"90")],
    );
    let args = ["restart", "wallet", "store", "-y", "--settle", "200ms"];
    let text = machine.run(args);
    let json = machine.run(args.into_iter().chain(["-o", "json"]));
    assert_eq!([refused.code, text.code, json.code], [1, 1, 1]);
    compare("action_failed", &[told(refused), told(text), told(json)]);
}

#[test]
#[ignore = "needs root"]
fn a_first_that_is_well_and_a_second_that_is_not_is_partial() {
    let machine = host();
    machine.changes_unit(&act("restart"), "prim-store.service", &prim::CRASH_LOOP);
    let run = machine.run(["restart", "wallet", "store", "track", "-y", "--settle", "200ms"]);
    assert_eq!(run.code, 8);
    compare("action_partial", &[told(run)]);
}

#[test]
#[ignore = "needs root"]
fn without_a_terminal_consent_is_given_beforehand_or_nothing_is_done() {
    let machine = host();
    let runs = [
        machine.run(["restart", "wallet"]),
        machine.run(["stop", "store", "wallet"]),
        machine.run(["restart", "--all", "-o", "json"]),
    ];
    assert!(runs.iter().all(|run| changes(run).is_empty()));
    assert_eq!(traces(&machine), (false, false));
    compare("action_without_consent", &runs.map(told));
}

#[test]
#[ignore = "needs root"]
fn b1_b2_l1_what_cannot_be_changed_is_refused_before_anything_is() {
    let machine = host();
    machine.change_unit("prim-track.service", &[("LoadState", "masked"), ("UnitFileState", "masked")]);
    machine.change_unit("prim-domain.service", &[("CanStart", "no"), ("RefuseManualStop", "yes")]);
    machine.change_unit(
        "prim-faucet.service",
        &[("LoadState", "not-found"), ("ActiveState", "inactive"), ("SubState", "dead")],
    );
    let mut runs = Vec::new();
    for verb in ["restart", "reload", "start"] {
        for service in ["track", "domain", "faucet", "stalwart", "qdrant", "infer"] {
            if (verb, service) != ("restart", "stalwart") && (verb, service) != ("start", "stalwart") {
                runs.push(machine.run([verb, service, "-y"]));
            }
        }
    }
    runs.push(machine.run(["restart", "wallet", "track", "-y", "-o", "json"]));
    for words in [
        &["nothing*"][..],
        &["../wallet"],
        &["wallet;id"],
        &["nosuch"],
        &[],
        &["--all", "wallet"],
        &["wallet", "--settle", "soon"],
    ] {
        runs.push(machine.run(["restart", "-y"].iter().chain(words)));
    }
    runs.push(machine.run(["-d", "plugspace", "restart", "wallet", "-y", "-o", "json"]));
    assert!(runs.iter().all(|run| changes(run).is_empty() && [2, 5].contains(&run.code)));
    assert_eq!(traces(&machine), (false, false));
    compare("action_refused", &runs.into_iter().map(told).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs root"]
fn a1_a3_a7_what_cannot_be_seen_is_not_changed() {
    let machine = host();
    let mut runs = Vec::new();
    for (out, code) in [("", 0), ("\u{1b}[31mSegmentation fault\n", 139), ("Failed to connect to bus\n", 1)] {
        machine.answer_with("systemctl-show", out, "", code);
        runs.push(machine.run(["restart", "wallet", "-y"]));
    }
    machine.hang("systemctl-show");
    runs.push(machine.run(["restart", "wallet", "-y", "-o", "json"]));
    runs.push(machine.run(["restart", "wallet", "-y", "--timeout", "1s"]));
    machine.uninstall("systemctl");
    runs.push(machine.run(["restart", "wallet", "-y"]));
    machine.uninstall("docker");
    runs.push(machine.run(["restart", "stalwart", "-y"]));
    assert!(runs.iter().all(|run| changes(run).is_empty() && run.code == 4), "{runs:#?}");
    assert_eq!(traces(&machine), (false, false));
    compare("action_unseen", &runs.into_iter().map(told).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs root"]
fn b10_a_step_without_an_end_is_said_to_be_under_way_still() {
    let machine = host();
    machine.hang(&act("restart"));
    let run = machine.run(["restart", "wallet", "-y", "--settle", "200ms", "--timeout", "2s"]);
    assert_eq!(run.code, 7);
    compare("action_pending", &[told(run)]);
}

#[test]
#[ignore = "needs root"]
fn k1_a_lock_that_is_held_ends_the_run_and_names_its_holder() {
    let machine = host();
    note(&machine, false);
    alive(&machine);
    let held = File::open(machine.path("/run/opsctl/prim.lock")).unwrap();
    held.lock().unwrap();
    let begun = Instant::now();
    let mut runs = vec![
        machine.run(["restart", "wallet", "-y"]),
        machine.run(["stop", "wallet", "-y", "-o", "json"]),
        machine.run(["lock", "acquire", "-m", "mine"]),
        machine.run(["lock", "release"]),
    ];
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let begun = Instant::now();
    runs.push(machine.run(["restart", "wallet", "-y", "--lock-wait=1s"]));
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(runs.iter().all(|run| changes(run).is_empty() && run.code == 6));
    // Looking, and asking what would be done, need no lock.
    runs.push(machine.run(["restart", "wallet", "--dry-run", "-o", "name"]));
    runs.push(machine.run(["lock", "status"]));
    runs.push(machine.run(["status", "wallet", "-o", "name"]));
    compare("action_locked", &runs.into_iter().map(told).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs root"]
fn k2_a_lock_of_the_dead_is_no_lock_and_what_they_left_is_named_once() {
    let machine = host();
    note(&machine, false);
    // Another process of that number, started later.
    machine.file("/proc/4242/stat", "4242 (sleep) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 99999 1 1 1\n");
    let runs = [
        machine.run(["lock", "status"]),
        machine.run(["status", "wallet"]),
        machine.run(["status", "wallet", "-o", "json"]),
        machine.run(["restart", "store", "-y", "--settle", "200ms"]),
        machine.run(["lock", "status"]),
        machine.run(["status", "wallet", "-o", "name"]),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [0; 6]);
    compare("action_unfinished", &runs.map(told));
}

#[test]
#[ignore = "needs root"]
fn a_person_holds_the_lock_until_it_is_released() {
    let machine = host();
    let runs = [
        machine.run(["lock", "status"]),
        machine.run(["lock", "acquire"]),
        machine.run(["lock", "acquire", "-m", "moving the disk"]),
        machine.run(["lock", "status", "-o", "json"]),
        machine.run(["lock", "acquire", "-m", "me too"]),
        machine.run(["status", "wallet"]),
        machine.run(["status", "wallet", "-o", "json"]),
        machine.run(["restart", "wallet", "-y"]),
        machine.run(["lock", "release"]),
        machine.run(["lock", "release", "-o", "name"]),
        machine.run(["restart", "wallet", "-y", "--settle", "200ms"]),
        machine.run(["history", "-o", "wide"]),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [0, 2, 0, 0, 6, 0, 0, 6, 0, 0, 0, 0]);
    compare("lock", &runs.map(told));
}

#[test]
#[ignore = "needs root"]
fn what_was_left_unfinished_stays_so_until_something_is_done() {
    let machine = host();
    note(&machine, false);
    machine.remove("/var/log");
    // Nothing can be recorded, so nothing is done.
    let runs = [
        machine.run(["restart", "wallet", "-y"]),
        machine.run(["lock", "acquire", "-m", "mine"]),
        machine.run(["lock", "release"]),
        machine.run(["lock", "status"]),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [5, 5, 5, 0]);
    machine.dir("/var/log");
    let forgotten =
        [machine.run(["lock", "release"]), machine.run(["lock", "status"]), machine.run(["history", "-o", "wide"])];
    compare("lock_unfinished", &runs.into_iter().chain(forgotten).map(told).collect::<Vec<_>>());
}

#[test]
#[ignore = "needs root"]
fn k3_l7_a_planted_link_is_not_followed() {
    let machine = host();
    machine.file("/elsewhere/file", "theirs");
    machine.dir("/run/opsctl");
    let mut runs = Vec::new();
    symlink(machine.path("/elsewhere/file"), machine.path("/run/opsctl/prim.lock")).unwrap();
    runs.push(machine.run(["restart", "wallet", "-y"]));
    runs.push(machine.run(["lock", "acquire", "-m", "x"]));
    machine.remove("/run/opsctl");
    symlink(machine.path("/elsewhere"), machine.path("/run/opsctl")).unwrap();
    runs.push(machine.run(["restart", "wallet", "-y"]));
    fs::remove_file(machine.path("/run/opsctl")).unwrap();
    machine.dir("/run/opsctl");
    fs::set_permissions(machine.path("/run/opsctl"), fs::Permissions::from_mode(0o777)).unwrap();
    runs.push(machine.run(["restart", "wallet", "-y"]));
    fs::set_permissions(machine.path("/run/opsctl"), fs::Permissions::from_mode(0o700)).unwrap();
    // There is no journal here that could take the line instead.
    symlink(machine.path("/elsewhere"), machine.path("/var/log/opsctl")).unwrap();
    runs.push(machine.run(["restart", "wallet", "-y"]));
    fs::remove_file(machine.path("/var/log/opsctl")).unwrap();
    machine.dir("/var/log/opsctl");
    symlink(machine.path("/elsewhere/file"), machine.path("/var/log/opsctl/audit.jsonl")).unwrap();
    runs.push(machine.run(["restart", "wallet", "-y"]));
    assert!(runs.iter().all(|run| changes(run).is_empty() && run.code == 5), "{runs:#?}");
    assert_eq!(fs::read_dir(machine.path("/elsewhere")).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(machine.path("/elsewhere/file")).unwrap(), "theirs");
    compare("action_planted", &runs.into_iter().map(told).collect::<Vec<_>>());
}
