//! What goes wrong: with each fault nothing counts as a backup, the exit code says so, what was proven before stays, and nothing
//! is pruned.

use super::*;

/// A fault, what is said of it, and with which code the run ends.
struct Fault {
    name: &'static str,
    provoke: fn(&Machine),
    code: i32,
    says: &'static str,
}

const fn all(name: &'static str, provoke: fn(&Machine), says: &'static str) -> Fault {
    Fault { name, provoke, code: 1, says }
}

const fn one(name: &'static str, provoke: fn(&Machine), says: &'static str) -> Fault {
    Fault { name, provoke, code: 8, says }
}

const FAULTS: [Fault; 20] = [
    one("E4 database missing", |m| m.remove("/opt/prim/wallet.db"), "FAILED   wallet: it is missing"),
    one("E5 zero bytes", |m| m.file("/opt/prim/wallet.db", ""), "FAILED   wallet: it is empty, 0 bytes"),
    one("E5 no database", |m| m.file("/opt/prim/wallet.db", "hello"), "FAILED   wallet: it is not an SQLite database"),
    one("E5 newer form", |m| patch(m, 18, 4), "FAILED   wallet: it has format 4, which this opsctl does not read"),
    one("E6 corrupt index", corrupt, "FAILED   wallet: it is corrupt: "),
    one("E9 symbolic link", link, "FAILED   wallet: it is a symbolic link"),
    all(
        "G1 refused",
        |m| fault(m, "copy-refused", "dial tcp: connection refused\n"),
        "it could not be sent: exit 1: dial tcp: connection refused",
    ),
    all(
        "G1 no answer to a listing",
        |m| fault(m, "lsjson-refused", "no such host\n"),
        "the remote cannot be reached: exit 1: no such host",
    ),
    all(
        "G2 wrong credentials",
        |m| fault(m, "copy-refused", "AccessDenied: canary-secret-key: 403\n"),
        "it could not be sent: exit 1: AccessDenied: ",
    ),
    all("G3 truncated", |m| fault(m, "truncated", ""), "FAILED   wallet: it has "),
    all("G3 altered", |m| fault(m, "altered", ""), "FAILED   wallet: its content differs when read back"),
    all("G3 nothing stored", |m| fault(m, "nothing", ""), "FAILED   wallet: it was not read back from the remote"),
    all(
        "G7 under another name",
        |m| fault(m, "other-name", ""),
        "FAILED   wallet: it was not read back from the remote",
    ),
    all("A5 rclone killed", |m| fault(m, "copy-killed", ""), "it could not be sent: killed by signal 9"),
    all(
        "F1 manifests refused",
        |m| fault(m, "manifests-refused", "quota\n"),
        "its manifest could not be sent: exit 1: quota",
    ),
    all("G10 listing cut", |m| fault(m, "lsjson-cut", ""), "the remote cannot be reached: expected a list of objects"),
    all("A1 no rclone", |m| m.uninstall("rclone"), "rclone is not installed"),
    all("G12 configuration open to others", open_config, "others can read /root/.config/rclone/rclone.conf"),
    all("G12 no such remote", |m| rewrite_config(m, "[other]\n"), "rclone.conf has no remote r2backup"),
    all(
        "F3 no key",
        |m| m.file("/etc/prim/store.env", "PORT=1\n"),
        "no credentials for r2backup: R2_ACCESS_KEY_ID is not set in /etc/prim/store.env",
    ),
];

fn patch(machine: &Machine, at: usize, value: u8) {
    let path = machine.path("/opt/prim/wallet.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[at] = value;
    fs::write(path, bytes).unwrap();
}

/// Flips a bit in the pages of the index.
fn corrupt(machine: &Machine) {
    let path = machine.path("/opt/prim/wallet.db");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(3).rposition(|window| window == b"99 ").unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn link(machine: &Machine) {
    let path = machine.path("/opt/prim/wallet.db");
    fs::rename(&path, machine.path("/opt/prim/elsewhere.db")).unwrap();
    std::os::unix::fs::symlink("elsewhere.db", path).unwrap();
}

fn open_config(machine: &Machine) {
    fs::set_permissions(machine.path(CONFIG), fs::Permissions::from_mode(0o644)).unwrap();
}

fn rewrite_config(machine: &Machine, text: &str) {
    fs::write(machine.path(CONFIG), text).unwrap();
}

#[test]
#[ignore = "needs root"]
fn e_to_h_no_fault_passes_for_a_backup() {
    for Fault { name, provoke, code, says } in FAULTS {
        let machine = host();
        assert_eq!(machine.run(["backup"]).code, 0, "{name}");
        let before = (objects(&machine, "wallet", ".db"), objects(&machine, "wallet", ".json"));
        provoke(&machine);
        let run = machine.run(["backup"]);
        assert_eq!(run.code, code, "{name}: {}", run.everything());
        assert!(run.stdout.contains(says), "{name}: {}", run.everything());
        assert!(!run.everything().contains("canary"), "{name}: {}", run.everything());
        // No object without proof got a manifest, and what was proven is as it was.
        let after = (objects(&machine, "wallet", ".db"), objects(&machine, "wallet", ".json"));
        assert_eq!(after.1, before.1, "{name}");
        assert!(before.0.iter().all(|object| after.0.contains(object)), "{name}");
        // H1: and nothing goes.
        let prune = machine.run(["backup", "prune", "--yes"]);
        assert_eq!(prune.code, 5, "{name}: {}", prune.everything());
        assert!(
            prune.stderr.contains("pruning refused after a failed run, nothing was deleted: wallet: "),
            "{name}: {}",
            prune.stderr
        );
        assert!(before.0.iter().all(|object| objects(&machine, "wallet", ".db").contains(object)), "{name}");
    }
}

#[test]
#[ignore = "needs root"]
fn g1_g3_what_could_not_be_sent_is_kept_until_newer_copies_are_proven() {
    let machine = host();
    fault(&machine, "copy-refused", "connection refused\n");
    let kept = || {
        let entries = fs::read_dir(machine.path("/var/lib/opsctl/backup/prim")).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let first = machine.run(["backup"]);
    let one = kept();
    assert_eq!(one.len(), 1, "{one:?}");
    let copy = machine.path("/var/lib/opsctl/backup/prim").join(&one[0]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&copy), 0o700);
    for file in fs::read_dir(copy.join("wallet")).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    machine.run(["backup"]);
    assert!(kept().len() == 1 && kept() != one, "the newer ones stay, and no others");
    mend(&machine);
    assert_eq!(machine.run(["backup"]).code, 0);
    assert_eq!(kept(), Vec::<String>::new());
    compare("backup_refused", &[told(first)]);
}

#[test]
#[ignore = "needs root"]
fn k2_a_run_that_was_killed_counts_as_failed_and_leaves_nothing_to_the_next() {
    let machine = host();
    assert_eq!(machine.run(["backup"]).code, 0);
    fault(&machine, "copy-hangs", "");
    let log = machine.tools().join("../log");
    fs::remove_dir_all(&log).unwrap();
    fs::create_dir(&log).unwrap();
    let mut killed = machine.command(["backup"]).spawn().unwrap();
    // Once rclone hangs, copies are made.
    let begun = std::time::Instant::now();
    let hangs = || {
        let entries = fs::read_dir(&log).unwrap();
        entries.flatten().any(|entry| fs::read(entry.path()).is_ok_and(|argv| argv.starts_with(b"copy\0")))
    };
    while !hangs() {
        assert!(begun.elapsed().as_secs() < 30);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    mend(&machine);
    let prune = machine.run(["backup", "prune", "--yes"]);
    assert_eq!(prune.code, 5);
    assert!(prune.stderr.contains("did not finish"), "{}", prune.stderr);
    assert_eq!(machine.run(["backup"]).code, 0);
    let left: Vec<_> = fs::read_dir(machine.path("/var/lib/opsctl/backup/prim")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(machine.run(["backup", "prune", "--yes"]).code, 0);
}

/// A record of which nothing can be read any more is no good news.
#[test]
#[ignore = "needs root"]
fn what_is_recorded_and_cannot_be_understood_is_unknown() {
    let machine = host();
    assert_eq!(machine.run(["backup"]).code, 0);
    assert_eq!(machine.run(["diagnose", "backup-overdue"]).code, 0);
    machine.file("/var/lib/opsctl/prim.backups.jsonl", "\0\0\0\nnonsense\n");
    let run = machine.run(["diagnose", "backup-overdue"]);
    let why = "/var/lib/opsctl/prim.backups.jsonl: no line of it can be parsed";
    assert!(run.code == 4 && run.stdout.contains(why), "{run:?}");
    let status: serde_json::Value = serde_json::from_str(&machine.run(["status", "-o", "json"]).stdout).unwrap();
    let told = |problem: &serde_json::Value| problem["subject"] == "backup wallet" && problem["verdict"] == "unknown";
    assert!(status["problems"].as_array().unwrap().iter().any(told), "{status:#}");
}

#[test]
#[ignore = "needs root"]
fn g9_g10_what_cannot_be_listed_is_unknown_and_what_is_not_there_is_no_backup() {
    let machine = host();
    let empty = machine.run(["backup", "list"]);
    assert_eq!(machine.run(["backup"]).code, 0);
    fault(&machine, "lsjson-cut", "");
    let runs = [
        empty,
        machine.run(["backup", "list"]),
        machine.run(["backup", "verify"]),
        machine.run(["backup", "prune", "--yes"]),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [3, 4, 4, 4]);
    mend(&machine);
    fault(&machine, "lsjson-hangs", "");
    assert_eq!(machine.run(["backup", "list", "--timeout", "1s"]).code, 4);
    compare("backup_unknown", &runs.map(told));
}

#[test]
#[ignore = "needs root"]
fn h5_a_copy_that_went_bad_is_found_told_and_no_longer_counted() {
    let machine = host();
    for _ in 0..2 {
        assert_eq!(machine.run(["backup"]).code, 0);
    }
    let newest = objects(&machine, "wallet", ".db").pop().unwrap();
    let path = remote(&machine).join("wallet").join(newest);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let found = machine.run(["backup", "verify"]);
    bytes.truncate(middle);
    fs::write(&path, &bytes).unwrap();
    let runs = [
        found,
        machine.run(["backup", "list", "wallet"]),
        machine.run(["backup", "drill", "wallet"]),
        machine.run(["backup", "prune", "--yes"]),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [3, 0, 0, 5]);
    compare("backup_bad", &runs.map(told));
}

#[test]
#[ignore = "needs root"]
fn h2_by_a_wrong_clock_nothing_goes() {
    let machine = host();
    for day in 10..22 {
        assert_eq!(machine.command_at(&format!("2026-10-{day}T03:00:00Z"), ["backup", "wallet"]), 0);
    }
    for time in ["2026-12-21T03:00:00Z", "2026-08-21T03:00:00Z", "2036-10-21T03:00:00Z"] {
        assert_eq!(machine.command_at(time, ["backup", "prune", "wallet", "--yes"]), 5, "{time}");
    }
    assert_eq!(objects(&machine, "wallet", ".json").len(), 12);
}

#[test]
#[ignore = "needs root"]
fn h7_a_prune_that_fails_half_way_is_finished_by_the_next() {
    let machine = host();
    for day in 10..22 {
        assert_eq!(machine.command_at(&format!("2026-09-{day}T03:00:00Z"), ["backup", "wallet"]), 0);
    }
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    fault(&machine, "delete-half", "");
    let half = machine.run(["backup", "prune", "wallet", "--yes", "--count", "10"]);
    assert_eq!(half.code, 8, "{}", half.everything());
    // Its manifest is gone, so it is no copy any more.
    assert_eq!((objects(&machine, "wallet", ".json").len(), objects(&machine, "wallet", ".db").len()), (12, 13));
    mend(&machine);
    let rest = machine.run(["backup", "prune", "wallet", "--yes", "--count", "9"]);
    assert_eq!(rest.code, 0, "{}", rest.everything());
    assert_eq!((objects(&machine, "wallet", ".json").len(), objects(&machine, "wallet", ".db").len()), (3, 3));
    compare("backup_prune_half", &[told(half), told(rest)]);
}

#[test]
#[ignore = "needs root"]
fn f5_a_database_that_shrank_is_told_and_nothing_goes() {
    let machine = host();
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    database(&machine, "wallet", 10);
    let run = machine.run(["backup", "wallet"]);
    assert!(
        run.stdout.starts_with("WARN     wallet: ") && run.stdout.contains("10 rows, 100 in the previous copy"),
        "{}",
        run.stdout
    );
    assert_eq!(machine.run(["backup", "prune", "wallet", "--yes"]).code, 5);
}

#[test]
#[ignore = "needs root"]
fn k1_l8_one_at_a_time_and_by_root_alone() {
    let machine = host();
    machine.dir("/run/opsctl");
    fs::set_permissions(machine.path("/run/opsctl"), fs::Permissions::from_mode(0o700)).unwrap();
    let lock = fs::File::create(machine.path("/run/opsctl/prim.backup.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(machine.run(["backup"]).code, 6);
    assert_eq!(machine.run(["backup", "prune", "--yes"]).code, 6);
    drop(lock);
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    assert_eq!(machine.run(["backup", "nobody"]).code, 2);
    assert_eq!(machine.run(["backup", "stalwart"]).code, 5);
}
