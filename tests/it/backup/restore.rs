//! `restore`: the copy comes back, and where it does not the old data does.

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use super::*;
use crate::actions::act;
use crate::actions::times::{in_utc, shown};

/// At how many moments a restore is killed.
const POINTS: u32 = 24;

/// A host with one proven copy of 100 rows, and 150 rows now; its wallet can be stopped and started.
fn later() -> Machine {
    let machine = host();
    assert_eq!(machine.run(["backup", "wallet"]).code, 0);
    database(&machine, "wallet", 150);
    for verb in ["reset-failed", "stop", "start"] {
        machine.answer(&act(verb), "");
    }
    let stopped = [("ActiveState", "inactive"), ("SubState", "dead"), ("MainPID", "0")];
    let running = [("ActiveState", "active"), ("SubState", "running"), ("MainPID", "90")];
    machine.changes_unit(&act("stop"), "prim-wallet.service", &stopped);
    machine.changes_unit(&act("start"), "prim-wallet.service", &running);
    machine
}

/// Names beside the live file that are ours.
fn beside(machine: &Machine) -> Vec<String> {
    let entries = fs::read_dir(machine.path("/opt/prim")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.contains("opsctl") || name.starts_with("wallet.db"));
    names.sort();
    names
}

const SETTLE: [&str; 2] = ["--settle", "100ms"];

fn restore(machine: &Machine, more: &[&str]) -> Run {
    machine.run(["restore", "wallet"].iter().chain(&SETTLE).chain(more))
}

#[test]
#[ignore = "needs root"]
fn i8_a_copy_takes_the_place_of_the_live_data_and_the_old_is_kept_until_it_is_forgotten() {
    let machine = later();
    let live = machine.path("/opt/prim/wallet.db");
    fs::set_permissions(&live, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::chown(&live, Some(1234), Some(4321)).unwrap();
    let plan = restore(&machine, &["--dry-run"]);
    let refused = restore(&machine, &[]);
    assert_eq!((rows(&machine, "wallet"), beside(&machine).len()), (150, 1));
    let done = restore(&machine, &["-y"]);
    assert_eq!(rows(&machine, "wallet"), 100);
    let meta = fs::metadata(&live).unwrap();
    assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (1234, 4321, 0o640));
    let kept = beside(&machine);
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept[0].ends_with("-old"), "{kept:?}");
    let old = Connection::open(machine.path("/opt/prim").join(&kept[0])).unwrap();
    assert_eq!(old.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 150);
    drop(old);
    let forget = machine.run(["restore", "--forget-old", "--dry-run"]);
    assert_eq!(beside(&machine).len(), 2);
    let forgotten = machine.run(["restore", "--forget-old", "-y"]);
    assert_eq!(beside(&machine), ["wallet.db"]);
    let runs = [plan, refused, done, forget, forgotten, machine.run(["history", "--no-headers"])];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [0, 5, 0, 0, 0, 0]);
    compare("restore", &runs.map(told));
}

#[test]
#[ignore = "needs root"]
fn i3_what_is_bad_is_found_before_anything_is_stopped() {
    let machine = later();
    let object = objects(&machine, "wallet", ".db").pop().unwrap();
    let path = remote(&machine).join("wallet").join(object);
    let good = fs::read(&path).unwrap();
    let mut random = 12345_u64;
    for turn in 0..40 {
        let mut bytes = good.clone();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let at = usize::try_from(random >> 33).unwrap() % bytes.len();
        if turn % 4 == 0 {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << (turn % 8);
        }
        fs::write(&path, &bytes).unwrap();
        let run = restore(&machine, &["-y"]);
        assert!(run.code == 1 || run.code == 5 || run.code == 2, "{turn}: {}", run.everything());
        assert!(!run.ran.iter().any(|ran| ran.argv.iter().any(|arg| arg == "stop")), "{turn}");
        assert_eq!((rows(&machine, "wallet"), beside(&machine).len()), (150, 1), "{turn}");
        // What was found bad stays bad until it is seen to be good.
        fs::write(&path, &good).unwrap();
        assert_eq!(machine.run(["backup", "verify", "wallet"]).code, 0, "{turn}");
    }
}

#[test]
#[ignore = "needs root"]
fn i6_where_the_service_does_not_come_up_the_old_data_is_put_back() {
    let machine = later();
    let fails = [("ActiveState", "failed"), ("SubState", "failed"), ("Result", "exit-code"), ("MainPID", "0")];
    machine.changes_unit(&act("start"), "prim-wallet.service", &fails);
    machine.stop(3001);
    let run = restore(&machine, &["-y"]);
    assert_eq!(run.code, 1, "its service does not come up with the old data either: {}", run.everything());
    assert_eq!((rows(&machine, "wallet"), beside(&machine)), (150, vec!["wallet.db".to_owned()]));
    compare("restore_put_back", &[told(run)]);
}

#[test]
#[ignore = "needs root"]
fn i7_where_the_service_cannot_be_stopped_nothing_is_exchanged() {
    let machine = later();
    machine.answer_with(&act("stop"), "", "Job for prim-wallet.service canceled.\n", 1);
    let run = restore(&machine, &["-y"]);
    assert_eq!(run.code, 9, "{}", run.everything());
    assert_eq!((rows(&machine, "wallet"), beside(&machine)), (150, vec!["wallet.db".to_owned()]));
    compare("restore_not_stopped", &[told(run)]);
}

#[test]
#[ignore = "needs root"]
fn i1_a_file_that_somebody_has_open_is_not_exchanged() {
    let machine = later();
    machine.file("/proc/4711/comm", "backup.sh\n");
    machine.dir("/proc/4711/fd");
    std::os::unix::fs::symlink(machine.path("/opt/prim/wallet.db"), machine.path("/proc/4711/fd/3")).unwrap();
    let run = restore(&machine, &["-y"]);
    assert_eq!(run.code, 9, "{}", run.everything());
    assert!(
        run.stdout.contains("it is still open in backup.sh (process 4711); the live data was not changed"),
        "{}",
        run.stdout
    );
    assert_eq!((rows(&machine, "wallet"), beside(&machine)), (150, vec!["wallet.db".to_owned()]));
}

#[test]
#[ignore = "needs root"]
fn i2_a_log_that_a_killed_service_left_never_lies_beside_the_new_file() {
    let machine = later();
    // 150 rows of which some stand in the log alone.
    let live = machine.path("/opt/prim/wallet.db");
    let open = Connection::open(&live).unwrap();
    open.execute_batch("PRAGMA wal_autocheckpoint=0; INSERT INTO t SELECT * FROM t LIMIT 50;").unwrap();
    for end in ["", "-wal"] {
        fs::copy(format!("{}{end}", live.display()), machine.path(&format!("/opt/prim/killed{end}"))).unwrap();
    }
    drop(open);
    for end in ["", "-wal"] {
        fs::rename(machine.path(&format!("/opt/prim/killed{end}")), format!("{}{end}", live.display())).unwrap();
    }
    let done = restore(&machine, &["-y"]);
    assert_eq!(done.code, 0, "{}", done.everything());
    let names = beside(&machine);
    assert_eq!((names.len(), rows(&machine, "wallet")), (2, 100), "{names:?}");
    let old = Connection::open(machine.path("/opt/prim").join(&names[0])).unwrap();
    assert_eq!(old.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 200);
}

#[test]
#[ignore = "needs root"]
fn a_database_that_is_lost_or_damaged_comes_back() {
    for damage in ["lost", "damaged", "damaged with a log"] {
        let machine = later();
        match damage {
            "lost" => machine.remove("/opt/prim/wallet.db"),
            _ => machine.file("/opt/prim/wallet.db", "this was a database once"),
        }
        if damage == "damaged with a log" {
            machine.file("/opt/prim/wallet.db-wal", "and this its log");
        }
        let run = restore(&machine, &["-y"]);
        assert_eq!(run.code, 0, "{damage}: {}", run.everything());
        assert_eq!(rows(&machine, "wallet"), 100, "{damage}");
        assert!(!beside(&machine).contains(&"wallet.db-wal".to_owned()), "{damage}");
        let forgotten = machine.run(["restore", "--forget-old", "-y"]);
        assert_eq!((forgotten.code, beside(&machine)), (0, vec!["wallet.db".to_owned()]), "{damage}");
    }
}

#[test]
#[ignore = "needs root"]
fn i10_which_copy_is_meant_is_said_or_nothing_is_done() {
    let machine = later();
    assert_eq!(machine.command_at("2026-11-22T06:30:00Z", ["backup", "wallet"]), 0);
    let first = objects(&machine, "wallet", ".db").remove(0);
    let first = first.trim_end_matches(".db");
    let to = |at: &str, path: &str| machine.run(["restore", "wallet", "--at", at, "--to", path]);
    let count = |path: &str| {
        let database = Connection::open(machine.path(path)).unwrap();
        database.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!((to(first, "/root/one.db").code, count("/root/one.db")), (0, 100));
    assert_eq!((to("2026-11-22T06:00:00Z", "/root/two.db").code, count("/root/two.db")), (0, 100));
    assert_eq!((to("2026-11-22T07:00:00Z", "/root/three.db").code, count("/root/three.db")), (0, 150));
    let runs = [
        to("2020-01-01", "/root/four.db"),
        to("20261122T053000Z-9-00000000", "/root/four.db"),
        to(first, "/root/one.db"),
        to(first, "relative.db"),
        machine.run(["restore"]),
        machine.run(["restore", "walet"]),
        machine.run(["restore", "--recover"]),
    ];
    assert_eq!(runs.iter().map(|run| run.code).collect::<Vec<_>>(), [2, 2, 5, 2, 2, 2, 0]);
    assert!(!machine.path("/root/four.db").exists());
    compare("restore_which", &runs.map(told));
}

/// Kills a restore at every moment at which the directory of the live file or the journal has changed: by time, as often as
/// that takes. Ring 3 does the same at every system call.
#[test]
#[ignore = "needs root"]
fn i5_a_restore_that_is_killed_leaves_the_old_or_the_new_and_is_brought_to_an_end_by_the_next() {
    let machine = later();
    let begun = Instant::now();
    assert_eq!(restore(&machine, &["-y"]).code, 0);
    let whole = begun.elapsed();
    assert_eq!(machine.run(["restore", "--forget-old", "-y"]).code, 0);
    let mut unfinished = 0;
    for point in 1..POINTS {
        database(&machine, "wallet", 150);
        let mut command = machine.command(["restore", "wallet", "-y", "-q", "--settle", "100ms"]);
        let mut child =
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * f64::from(point) / f64::from(POINTS)));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had started ends by itself.
        std::thread::sleep(Duration::from_millis(200));
        let found = rows(&machine, "wallet");
        assert!(found == 100 || found == 150, "{point}: {found}");
        let journal = fs::read_to_string(machine.path("/var/lib/opsctl/prim.restores.json")).unwrap_or_default();
        unfinished += u32::from(journal.contains("\"phase\"") && !journal.contains("\"done\""));
        let recovered = machine.run(["restore", "--recover", "-y", "--settle", "100ms"]);
        assert_eq!(recovered.code, 0, "{point}: {}", recovered.everything());
        let after = rows(&machine, "wallet");
        assert_eq!(after, found, "{point}: the next call keeps what is live");
        assert_eq!(machine.run(["restore", "--forget-old", "-y"]).code, 0, "{point}");
        assert_eq!(beside(&machine), ["wallet.db"], "{point}");
    }
    assert!(unfinished > 3, "only {unfinished} of the kills came in the middle");
}

#[test]
#[ignore = "needs root"]
fn the_time_of_a_copy_is_local_on_a_terminal() {
    let machine = later();
    let views: &[(&[&str], &str)] = &[
        (&["restore", "wallet", "--dry-run"], "at 2026-11-22 11:00:00 +05:30"),
        (&["restore", "wallet", "--to", "/root/copy.db", "--dry-run"], "as of 2026-11-22 11:00:00 +05:30"),
        (&["backup", "list"], ""),
        (&["backup", "list", "-o", "wide"], ""),
        (&["backup", "prune", "--dry-run"], ""),
        (&["get", "backups"], ""),
        (&["status", "wallet"], ""),
    ];
    for (args, wanted) in views {
        let text = shown(&machine, args);
        assert!(text.contains(wanted), "{args:?} has no {wanted}: {text}");
        assert!(!in_utc().is_match(&text), "{args:?}: {text}");
    }
}
