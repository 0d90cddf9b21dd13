//! `backup` and `restore` with real SQLite databases and a stand-in for rclone that can do everything wrong. Ring 3 shows the
//! same with a real one.

mod faults;
mod forged;
mod restore;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rusqlite::Connection;

use crate::machine::{Machine, Run, needs_root};
use crate::prim;
use crate::transcript::compare;

const CONFIG: &str = "/root/.config/rclone/rclone.conf";

/// A prim host with its four databases and an empty remote. Needs root.
pub fn host() -> Machine {
    needs_root();
    let machine = prim::two();
    machine.able(&[]);
    machine.dir("/var/log");
    machine.dir("/var/lib");
    for name in ["wallet", "store", "spawn", "faucet"] {
        database(&machine, name, 100);
    }
    machine.file("/etc/prim/store.env", "R2_ACCESS_KEY_ID=canary-access\nR2_SECRET_ACCESS_KEY=\"canary-secret-key\"\n");
    machine.file(CONFIG, "[r2backup]\ntype = s3\nsecret_access_key = canary-of-the-config\n");
    fs::set_permissions(machine.path(CONFIG), fs::Permissions::from_mode(0o600)).unwrap();
    let rclone = machine.tools().join("rclone");
    fs::write(&rclone, include_str!("../tools/rclone")).unwrap();
    fs::set_permissions(&rclone, fs::Permissions::from_mode(0o755)).unwrap();
    machine
}

/// A database with so many rows, whose newest stand in its log.
fn database(machine: &Machine, name: &str, rows: u32) {
    let path = machine.path(&format!("/opt/prim/{name}.db"));
    let _ = fs::remove_file(&path);
    let database = Connection::open(&path).unwrap();
    database
        .execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (a INTEGER, b TEXT); CREATE INDEX i ON t (b);")
        .unwrap();
    for row in 0..rows {
        database.execute("INSERT INTO t VALUES (?1, ?2)", (row, format!("{row} {}", "x".repeat(200)))).unwrap();
    }
}

fn rows(machine: &Machine, name: &str) -> i64 {
    let database = Connection::open(machine.path(&format!("/opt/prim/{name}.db"))).unwrap();
    database.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

/// Makes rclone do something wrong.
fn fault(machine: &Machine, name: &str, text: &str) {
    let faults = machine.tools().join("../faults");
    fs::create_dir_all(&faults).unwrap();
    fs::write(faults.join(name), text).unwrap();
}

/// Everything works again.
fn mend(machine: &Machine) {
    let _ = fs::remove_dir_all(machine.tools().join("../faults"));
}

/// Where the copies lie.
fn remote(machine: &Machine) -> PathBuf {
    machine.tools().join("../remote/prim-backups/opsctl")
}

/// Names of the objects of a set with that end, oldest first.
fn objects(machine: &Machine, set: &str, end: &str) -> Vec<String> {
    let entries = fs::read_dir(remote(machine).join(set)).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(end));
    // By the number of the run: the clock of a test stands still.
    names.sort_by_key(|name| name.split('-').nth(1).unwrap().parse::<u64>().unwrap());
    names
}

/// A run with what differs each time replaced.
fn told(mut run: Run) -> Run {
    let patterns = [
        (r"\d{8}T\d{6}Z-(\d+)-[0-9a-f]{8}", "[TIME]-$1-[CHANCE]"),
        (r"\(\d+\.\d s\)", "([N] s)"),
        (r#""seconds": ?[\d.]+"#, r#""seconds": "[N]""#),
        (r#""sha256": ?"[0-9a-f]{64}""#, r#""sha256": "[HASH]""#),
        (r"work-[0-9a-f]{8}\b", "work-[CHANCE]"),
        (r"process \d+", "process [PID]"),
        (r"  \d+\.\d  ", "  [N]  "),
    ];
    let masked = |text: &str| {
        patterns.iter().fold(text.to_owned(), |text, (pattern, word)| {
            regex::Regex::new(pattern).unwrap().replace_all(&text, *word).into_owned()
        })
    };
    run.args = run.args.iter().map(|arg| masked(arg.to_str().unwrap()).into()).collect();
    run.stdout = masked(&run.stdout);
    run.stderr = masked(&run.stderr);
    for ran in &mut run.ran {
        ran.argv = ran.argv.iter().map(|arg| masked(arg)).collect();
    }
    // How often services are looked at depends on the machine.
    run.ran.retain(|ran| ran.tool() == "rclone" || ran.argv.iter().any(|arg| arg == "--no-ask-password"));
    run.ran.sort();
    run
}

#[test]
#[ignore = "needs root"]
fn a_run_is_planned_made_listed_and_looked_at_again() {
    let machine = host();
    let plan = machine.run(["backup", "--dry-run"]);
    assert!(!machine.path("/var/lib/opsctl").exists() && !machine.path("/run/opsctl").exists());
    let runs = [
        plan,
        machine.run(["backup"]),
        machine.run(["backup", "list"]),
        machine.run(["backup", "verify", "wallet"]),
        machine.run(["backup", "drill"]),
        machine.run(["backup", "prune"]),
        machine.run(["history", "--no-headers"]),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [0; 7]);
    for run in &runs {
        assert!(!run.everything().contains("canary"), "{}", run.everything());
    }
    compare("backup", &runs.map(told));
    let json = [
        machine.run(["backup", "wallet", "-o", "json"]),
        machine.run(["backup", "list", "wallet", "-o", "json"]),
        machine.run(["backup", "drill", "wallet", "-o", "json"]),
        machine.run(["backup", "prune", "wallet", "-o", "json"]),
    ];
    compare("backup_json", &json.map(told));
}

/// Commas and patterns, for every verb that takes sets.
#[test]
#[ignore = "needs root"]
fn sets_are_named_as_people_type_them() {
    let machine = host();
    let sets = |words: &[&str], list: &str| {
        let run = machine.run(words.iter().chain(&["-o", "json"]));
        assert_eq!(run.code, 0, "{words:?}: {}", run.everything());
        let document = run.json();
        let all = document[list].as_array().unwrap().iter();
        all.map(|one| one["set"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(sets(&["backup", "wallet,store"], "sets"), ["wallet", "store"]);
    assert_eq!(sets(&["backup", "create", "w*", "wallet,store,faucet"], "sets"), ["wallet", "store", "faucet"]);
    assert_eq!(sets(&["backup", "list", "faucet,w*"], "backups"), ["faucet", "wallet", "wallet"]);
    assert_eq!(sets(&["backup", "verify", "w*,store"], "proofs"), ["wallet", "store"]);
    assert_eq!(sets(&["backup", "drill", "s?ore,wallet"], "proofs"), ["store", "wallet"]);
    assert_eq!(sets(&["backup", "prune", "w*,store"], "sets"), ["wallet", "store"]);
    let first = machine.run(["backup", "list", "wallet", "-o", "name"]).stdout.lines().last().unwrap().to_owned();
    let (_, id) = first.split_once('/').unwrap();
    assert_eq!(sets(&["backup", "verify", &format!("wallet/{id},sto*/{id}")], "proofs"), ["wallet", "store"]);
}

#[test]
#[ignore = "needs root"]
fn k6_from_cron_nothing_is_said_of_what_went_well() {
    let machine = host();
    for line in [&["backup", "-q"] as &[&str], &["backup", "prune", "-q", "--yes"], &["backup", "drill", "-q"]] {
        let run = machine.run(line);
        assert_eq!((run.code, run.everything().as_str()), (0, ""), "{line:?}");
    }
    let left: Vec<_> = fs::read_dir(machine.path("/var/lib/opsctl/backup/prim")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
#[ignore = "needs root"]
fn l5_secrets_reach_rclone_by_its_environment_alone_and_nothing_of_the_callers_does() {
    let machine = host();
    let run = machine
        .run_with(["backup", "-v"], &[("RCLONE_DRY_RUN", "true"), ("RCLONE_EXCLUDE", "*"), ("AWS_CA_BUNDLE", "/x")]);
    assert_eq!(run.code, 0, "{}", run.everything());
    assert!(!run.everything().contains("canary"), "{}", run.everything());
    let calls: Vec<_> = run.ran.iter().filter(|ran| ran.tool() == "rclone" && ran.argv[1] != "version").collect();
    // One call to list, one to send all copies, one to read them back, and the same for their manifests.
    assert_eq!(calls.len(), 5);
    for call in calls {
        let mut names: Vec<&str> = call.environment.iter().map(|line| line.split_once('=').unwrap().0).collect();
        names.sort_unstable();
        let wanted = [
            "HOME",
            "LC_ALL",
            "PATH",
            "RCLONE_CONFIG_R2BACKUP_ACCESS_KEY_ID",
            "RCLONE_CONFIG_R2BACKUP_SECRET_ACCESS_KEY",
            "RCLONE_S3_NO_CHECK_BUCKET",
        ];
        assert_eq!(names, wanted);
        assert!(call.environment.contains(&"RCLONE_CONFIG_R2BACKUP_SECRET_ACCESS_KEY=canary-secret-key".to_owned()));
        assert!(!call.argv.iter().any(|arg| arg.contains("canary")), "{:?}", call.argv);
    }
    let trail = fs::read_to_string(machine.path("/var/log/opsctl/audit.jsonl")).unwrap();
    let record = fs::read_to_string(machine.path("/var/lib/opsctl/prim.backups.jsonl")).unwrap();
    assert!(!trail.contains("canary") && !record.contains("canary"));
}

#[test]
#[ignore = "needs root"]
fn old_copies_go_and_what_is_not_ours_stays() {
    let machine = host();
    let wallet = remote(&machine).join("wallet");
    let at = |time: &str| machine.command_at(time, ["backup", "wallet"]);
    for day in 10..22 {
        assert_eq!(at(&format!("2026-10-{day}T03:00:00Z")), 0, "{day}");
    }
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    // H6: whatever else lies there, the old script's copies and one that only looks like ours.
    for foreign in ["2026-02-26.db", "20261010T030000Z-1-zzzzzzzz.db", "notes.json"] {
        fs::write(wallet.join(foreign), "another's").unwrap();
    }
    let count = || (objects_of(&wallet, ".db"), objects_of(&wallet, ".json"));
    assert_eq!(count(), (15, 14));
    let runs = [
        machine.run(["backup", "prune", "wallet"]),
        machine.run(["backup", "prune", "wallet", "--yes"]),
        machine.run(["backup", "prune", "wallet", "--yes", "--count", "9"]),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [5, 5, 5], "H4: the wrong number");
    assert_eq!(count(), (15, 14));
    let last = machine.run(["backup", "prune", "wallet", "--yes", "--count", "10"]);
    assert_eq!(last.code, 0, "{}", last.everything());
    // Three of ours stay, and all that is not ours.
    assert_eq!(count(), (5, 4));
    assert_eq!(fs::read_to_string(wallet.join("2026-02-26.db")).unwrap(), "another's");
    let [first, ..] = runs;
    compare("backup_prune", &[told(first), told(last), told(machine.run(["backup", "prune", "wallet"]))]);
}

fn objects_of(directory: &std::path::Path, end: &str) -> usize {
    let entries = fs::read_dir(directory).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(end)).count()
}

#[test]
#[ignore = "needs root"]
fn status_says_how_recent_backups_are() {
    let machine = host();
    let told_of = |machine: &Machine, time: &str| -> (Vec<(String, String)>, usize) {
        let mut command = machine.command(["status", "-o", "json"]);
        let output = command.env("OPSCTL_TEST_TIME", time).output().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let problems = document["problems"].as_array().unwrap().iter();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let ours = problems.filter(|problem| problem["subject"].as_str().unwrap().starts_with("backup "));
        let ours = ours.map(|problem| (text(&problem["subject"]), text(&problem["summary"]))).collect();
        (ours, document["backups"].as_array().unwrap().len())
    };
    // A host that backs up in another way is not judged by ours.
    assert_eq!(told_of(&machine, crate::machine::NOW), (Vec::new(), 0));
    assert_eq!(machine.run(["backup"]).code, 0);
    assert_eq!(told_of(&machine, "2026-11-23T05:00:00Z"), (Vec::new(), 4));
    let (old, _) = told_of(&machine, "2026-11-24T05:30:00Z");
    let wanted = "the newest verified copy is 2d0h old, the limit is 1d0h".to_owned();
    assert_eq!(old.iter().map(|(_, what)| what).collect::<Vec<_>>(), vec![&wanted; 4]);
    machine.remove("/opt/prim/wallet.db");
    assert_eq!(machine.run(["backup"]).code, 8);
    let failed = (
        "backup wallet".to_owned(),
        "the last run failed: it is missing; the newest verified copy is 0s old".to_owned(),
    );
    assert_eq!(told_of(&machine, crate::machine::NOW), (vec![failed], 4));
}
