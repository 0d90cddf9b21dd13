//! Whoever holds the key of the bucket, as the application does, can delete copies there, but make none that counts.

use super::*;

const GREATEST: &str = "20261122T053000Z-18446744073709551615-ffffffff";
const GREAT: &str = "20271122T053000Z-999999999-ffffffff";

fn lay(machine: &Machine, name: &str, content: impl AsRef<[u8]>) {
    let there = remote(machine).join("wallet");
    fs::create_dir_all(&there).unwrap();
    fs::write(there.join(name), content).unwrap();
}

fn read(machine: &Machine, name: &str) -> Vec<u8> {
    fs::read(remote(machine).join("wallet").join(name)).unwrap()
}

/// The newest object of the wallet with that end, by what opsctl itself lists as verified.
fn newest(machine: &Machine) -> String {
    let rows = machine.run(["backup", "list", "wallet", "-o", "json"]).json()["backups"].clone();
    let verified = rows.as_array().unwrap().iter().find(|row| row["verified"] == true).unwrap();
    verified["id"].as_str().unwrap().to_owned()
}

fn count(machine: &Machine, path: &str) -> i64 {
    let database = Connection::open(machine.path(path)).unwrap();
    database.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

/// Copies that another could make, each with the greatest number and a whole database of one row.
fn forge(machine: &Machine) -> Vec<String> {
    database(machine, "evil", 1);
    let evil = fs::read(machine.path("/opt/prim/evil.db")).unwrap();
    machine.remove("/opt/prim/evil.db");
    let own = newest(machine);
    let manifest = String::from_utf8(read(machine, &format!("{own}.json"))).unwrap();
    let mut forged = Vec::new();
    let mut plant = |chance: u32, text: &dyn Fn(&str) -> String| {
        let id = format!("20261122T060000Z-900000{chance:03}-{chance:08x}");
        lay(machine, &format!("{id}.db"), &evil);
        lay(machine, &format!("{id}.json"), text(&id));
        forged.push(id);
    };
    // As it is, under another name; with its name changed; without its signature; with one that is made up; cut; empty.
    plant(1, &|_| manifest.clone());
    plant(2, &|id| manifest.replace(&own, id));
    let unsigned = |id: &str| {
        let mut fields: serde_json::Value = serde_json::from_str(&manifest.replace(&own, id)).unwrap();
        fields.as_object_mut().unwrap().remove("mac");
        fields["bytes"] = evil.len().into();
        fields["rows"] = serde_json::json!({ "t": 1 });
        fields["sha256"] = serde_json::json!(sha256(machine, id));
        serde_json::to_string_pretty(&fields).unwrap()
    };
    plant(3, &unsigned);
    plant(4, &|id| unsigned(id).replace("\n}", &format!(",\n  \"mac\": \"{}\"\n}}", "0".repeat(64))));
    plant(5, &|_| manifest[..manifest.len() / 2].to_owned());
    plant(6, &|_| String::new());
    forged
}

fn sha256(machine: &Machine, id: &str) -> String {
    use std::fmt::Write as _;
    let digest = <sha2::Sha256 as sha2::Digest>::digest(read(machine, &format!("{id}.db")));
    digest.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

#[test]
#[ignore = "needs root"]
fn h3_an_object_with_the_greatest_number_steers_nothing() {
    let machine = host();
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    let first = newest(&machine);
    for name in [GREATEST, GREAT] {
        for end in ["db", "json"] {
            lay(&machine, &format!("{name}.{end}"), "x");
        }
    }
    database(&machine, "wallet", 150);
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    let second = newest(&machine);
    let number = |id: &str| id.split('-').nth(1).unwrap().parse::<u64>().unwrap();
    assert_eq!((number(&first), number(&second)), (1, 2), "{first} {second}");
    assert_eq!(machine.run(["restore", "wallet", "--to", "/root/one.db"]).code, 0);
    assert_eq!(count(&machine, "/root/one.db"), 150);
    let verified = machine.run(["backup", "verify", "wallet"]);
    assert!(verified.code == 0 && verified.stdout.contains(&second), "{}", verified.everything());
    let names = machine.run(["backup", "list", "wallet", "-o", "name"]);
    assert_eq!(names.stdout, format!("wallet/{second}\nwallet/{first}\n"));
    compare("backup_foreign", &[told(machine.run(["backup", "list", "wallet"]))]);
}

#[test]
#[ignore = "needs root"]
fn what_another_made_counts_for_nothing_and_is_never_deleted() {
    let machine = host();
    for day in 10..22 {
        assert_eq!(machine.command_at(&format!("2026-10-{day}T03:00:00Z"), ["backup", "wallet"]), 0);
    }
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    let own = newest(&machine);
    let forged = forge(&machine);
    assert_eq!(newest(&machine), own);
    for id in &forged {
        assert_eq!(machine.run(["restore", "wallet", "--at", id, "-y"]).code, 5, "{id}");
        assert_ne!(machine.run(["backup", "verify", &format!("wallet/{id}")]).code, 2, "{id}");
    }
    assert_eq!(machine.run(["restore", "wallet", "--to", "/root/one.db"]).code, 0);
    assert_eq!(count(&machine, "/root/one.db"), 100);
    assert_eq!(machine.run(["backup", "verify", "wallet", "--all"]).code, 0);
    // The quarter that may go at once is one of ours.
    let refused = machine.run(["backup", "prune", "wallet", "--yes"]);
    assert!(refused.stdout.contains("10 of 13 copies would be deleted at once"), "{}", refused.everything());
    assert_eq!(machine.run(["backup", "prune", "wallet", "--yes", "--count", "10"]).code, 0);
    for id in &forged {
        for end in ["db", "json"] {
            assert!(remote(&machine).join(format!("wallet/{id}.{end}")).exists(), "{id}.{end}");
        }
    }
    assert_eq!(newest(&machine), own);
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    assert!(newest(&machine).contains("-14-"), "{}", newest(&machine));
}

/// A manifest that somebody takes away does not make a copy one that prune may delete.
#[test]
#[ignore = "needs root"]
fn g7_a_copy_whose_manifest_is_gone_is_not_what_a_run_has_left() {
    let machine = host();
    assert_eq!(machine.command_at("2026-11-20T03:00:00Z", ["backup", "wallet"]), 0);
    let id = objects(&machine, "wallet", ".db").remove(0);
    fs::remove_file(remote(&machine).join("wallet").join(id.replace(".db", ".json"))).unwrap();
    assert_eq!(machine.command_at("2026-11-21T05:00:00Z", ["backup", "wallet"]), 0);
    // What a run of this host really left goes, and what only looks like it does not.
    fault(&machine, "altered", "");
    assert_eq!(machine.command_at("2026-11-21T05:00:00Z", ["backup", "wallet"]), 1);
    mend(&machine);
    lay(&machine, "20261119T030000Z-1-00000000.db", "x");
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    assert_eq!(machine.run(["backup", "prune", "wallet", "--yes"]).code, 0);
    let left = objects(&machine, "wallet", ".db");
    assert!(left.contains(&id) && left.len() == 4, "{left:?}");
}

#[test]
#[ignore = "needs root"]
fn a_copy_without_a_signature_is_restored_only_by_name_and_on_purpose() {
    let machine = host();
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    let id = newest(&machine);
    // A new machine: the record is lost, and so is the key.
    for lost in ["/var/lib/opsctl/manifest.key", "/var/lib/opsctl/prim.backups.jsonl"] {
        fs::remove_file(machine.path(lost)).unwrap();
    }
    let to = |more: &[&str]| machine.run(["restore", "wallet", "--to", "/root/one.db"].iter().chain(more));
    let runs = [
        machine.run(["backup", "list", "wallet"]),
        to(&[]),
        to(&["--at", &id]),
        to(&["--at", "2026-11-22", "--accept-unsigned"]),
        to(&["--accept-unsigned"]),
        machine.run(["restore", "wallet", "--at", &id, "--accept-unsigned"]),
        machine.run(["backup", "verify", &format!("wallet/{id}")]),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [3, 2, 5, 2, 2, 5, 0]);
    assert!(!machine.path("/root/one.db").exists());
    assert_eq!(to(&["--at", &id, "--accept-unsigned"]).code, 0);
    assert_eq!(count(&machine, "/root/one.db"), 100);
    compare("restore_unsigned", &runs.map(told));
    // The next run is signed with a new key, and what was before still stays.
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    assert_ne!(newest(&machine), id);
    assert_eq!(machine.run(["backup", "prune", "wallet", "--yes"]).code, 0);
    assert_eq!(objects(&machine, "wallet", ".json").len(), 2);
}

/// The copy comes back, whatever its name, when its key does.
#[test]
#[ignore = "needs root"]
fn a_key_that_is_put_back_brings_its_copies_back() {
    let machine = host();
    assert_eq!(machine.run(["backup"]).code, 0);
    let (id, key) = (newest(&machine), machine.path("/var/lib/opsctl/manifest.key"));
    let kept = fs::read(&key).unwrap();
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o7777, 0o600);
    let problems = || {
        let document = machine.run(["status", "-o", "json"]).json();
        let problems = document["problems"].as_array().unwrap().clone();
        problems.iter().filter(|problem| problem["subject"] == "backup wallet").count()
    };
    assert_eq!((problems(), machine.run(["diagnose", "backup-overdue"]).code), (0, 0));
    fs::remove_file(&key).unwrap();
    assert_eq!((problems(), machine.run(["diagnose", "backup-overdue"]).code), (1, 3));
    fs::write(&key, &kept).unwrap();
    // As an editor or a copy leaves it, it is no key.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let open = machine.run(["backup", "list"]);
    assert!(open.code == 4 && open.stderr.contains("others can use it"), "{}", open.everything());
    let run = machine.run(["backup", "wallet"]);
    assert!(run.code == 1 && run.stdout.contains("others can use it"), "{}", run.everything());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!((newest(&machine), machine.run(["backup", "wallet"]).code), (id, 0));
}

#[test]
#[ignore = "needs root"]
fn numbers_that_do_not_follow_each_other_are_told_and_closed_by_the_next_run() {
    let machine = host();
    for _ in 0..2 {
        assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    }
    // What an object with a great number made of the record of an earlier opsctl.
    let record = machine.path("/var/lib/opsctl/prim.backups.jsonl");
    let text = fs::read_to_string(&record).unwrap();
    let poison = |number: &str| {
        let line = text.lines().find(|line| line.contains("\"begun\"")).unwrap();
        let last = regex::Regex::new("Z-1-").unwrap().replace(line, format!("Z-{number}-")).into_owned();
        format!("{last}\n{text}")
    };
    fs::write(&record, poison("5000000")).unwrap();
    let runs = [
        machine.run(["backup", "prune", "wallet", "--yes"]),
        machine.run(["restore", "wallet", "--dry-run"]),
        machine.run(["backup", "list", "wallet"]),
        machine.run(["backup", "wallet"]),
        machine.run(["backup", "prune", "wallet"]),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [5, 5, 0, 0, 0]);
    assert!(newest(&machine).contains("-5000001-"), "{}", newest(&machine));
    compare("backup_gap", &runs.map(told));
    // One that no run can have is no number.
    fs::write(&record, poison("18446744073709551615")).unwrap();
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    assert!(newest(&machine).contains("-5000002-"), "the signed copies are known: {}", newest(&machine));
}

/// A manifest or a copy as large as a disk is not read to see that it is none of ours.
#[test]
#[ignore = "needs root"]
fn g3_what_is_far_too_large_is_not_fetched() {
    let machine = host();
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    let huge = |name: &str| {
        let path = remote(&machine).join("wallet").join(name);
        let file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.set_len(1 << 42).unwrap();
    };
    let id = newest(&machine);
    huge("20261122T060000Z-77-00000000.json");
    huge("20261122T060000Z-77-00000000.db");
    assert_eq!(newest(&machine), id);
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    let id = newest(&machine);
    assert!(id.contains("-2-"), "{id}");
    huge(&format!("{id}.db"));
    let verified = machine.run(["backup", "verify", "wallet"]);
    assert!(verified.code == 3 && verified.stdout.contains("bytes, its manifest has"), "{}", verified.everything());
    assert!(!verified.ran.iter().any(|ran| ran.argv.iter().any(|arg| arg.ends_with("/back"))), "it was fetched");
    assert_eq!(machine.run(["restore", "wallet", "--to", "/root/one.db"]).code, 0);
}

#[test]
#[ignore = "needs root"]
fn e9_what_is_no_file_holds_no_backup_up() {
    for (side, word) in [("", "FIFO"), ("-journal", "FIFO"), ("-wal", "FIFO"), ("-shm", "FIFO"), ("-wal", "link")] {
        let machine = host();
        let path = machine.path(&format!("/opt/prim/wallet.db{side}"));
        let _ = fs::remove_file(&path);
        match word {
            "FIFO" => rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap(),
            _ => std::os::unix::fs::symlink("/etc/shadow", &path).unwrap(),
        }
        let begun = std::time::Instant::now();
        let run = machine.run(["backup"]);
        assert!(begun.elapsed().as_secs() < 20, "{side} {word}");
        assert_eq!(run.code, 8, "{side} {word}: {}", run.everything());
        let subject = if side.is_empty() { "it".to_owned() } else { format!("its {side}") };
        let wanted = format!("FAILED   wallet: {subject} is not a regular file, but a ");
        assert!(run.stdout.contains(&wanted), "{side} {word}: {}", run.stdout);
        assert_eq!(machine.run(["backup", "store"]).code, 0, "the lock is free");
    }
}
