//! `logs`, transcribed: what services wrote, wherever they wrote it.

mod hostile;
mod secrets;
mod sources;
mod troubles;

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::{Machine, Run, is_root, sample};
use crate::streams::{closed_pipe, full, into};
use crate::transcript::compare;
use crate::{plugspace, prim};

/// An entry of the journal of 22 November. `by` is `TIME UNIT RUN PID PRIORITY`; PID 1 is systemd, which speaks of the unit.
fn said(machine: &Machine, by: &str, message: &(impl AsRef<[u8]> + ?Sized)) {
    let [time, unit, run, pid, priority] = by.split(' ').collect::<Vec<_>>()[..] else { panic!("{by}") };
    let invocation = if pid == "1" { "INVOCATION_ID" } else { "_SYSTEMD_INVOCATION_ID" };
    let fields = [("PRIORITY", priority), (invocation, run), ("_PID", pid)].map(|(name, text)| (name, text.as_bytes()));
    let fields = [&fields[..], &[("MESSAGE", message.as_ref())]].concat();
    machine.journal(&format!("2026-11-22T{time}Z"), &format!("{unit}.service"), &fields);
}

/// A prim host without a log.
fn silent() -> Machine {
    let machine = Machine::new();
    machine.dir("/opt/prim/packages");
    machine
}

/// A prim host on which the wallet was started, failed and was started again, the store beside it.
fn busy() -> Machine {
    let machine = silent();
    for line in BUSY.trim().lines() {
        let (at, _) = line.match_indices(' ').nth(4).unwrap();
        said(&machine, &line[..at], &line[at + 1..]);
    }
    machine
}

const BUSY: &str = r#"
02:59:00 prim-store 0f 83 6 closing
03:10:00 prim-store c3 1 6 Started prim-store.service - prim store.
03:10:01 prim-store c3 84 6 {"level":"info","msg":"listening","port":3002}
05:10:00 prim-wallet a1 1 6 Started prim-wallet.service - prim wallet.
05:10:00.500 prim-wallet a1 90 6 {"level":"info","msg":"listening","port":3001}
05:12:07.123456 prim-wallet a1 90 6 {"level":"info","msg":"payment settled","traceId":"t-41","ms":18}
05:12:07.123457 prim-store c3 84 6 {"level":"info","msg":"PUT /v1/buckets","traceId":"t-41","status":200}
05:19:59.900 prim-store c3 84 6 {"level":"error","msg":"database is locked","traceId":"t-77"}
05:20:00 prim-wallet a1 90 6 {"level":"error","msg":"payment failed","traceId":"t-77","err":{"stack":"Error: store answered 500\n    at pay (pay.ts:41)"}}
05:20:00.100 prim-wallet a1 90 6 panic: unreachable state
05:20:00.200 prim-wallet a1 1 5 prim-wallet.service: Main process exited, code=exited, status=1/FAILURE
05:20:00.300 prim-wallet a1 1 4 prim-wallet.service: Failed with result 'exit-code'.
05:20:05 prim-wallet b2 1 6 Started prim-wallet.service - prim wallet.
05:20:05.400 prim-wallet b2 91 6 {"level":"info","msg":"listening","port":3001}
05:25:00 prim-wallet b2 91 6 {"level":"warn","msg":"slow query","ms":1204}
05:29:00 prim-store c3 84 6 a line that is not JSON
"#;

fn runs<const N: usize>(machine: &Machine, lines: [&[&str]; N]) -> Vec<Run> {
    lines.iter().map(|line| machine.run(std::iter::once(&"logs").chain(*line))).collect()
}

/// A row of `docker ps`.
fn listed(id: &str, name: &str, state: &str) -> String {
    format!(
        "{}\n",
        serde_json::json!({ "id": id, "name": name, "project": "email", "service": "stalwart", "swarm": "", "state": state, "status": "" })
    )
}

fn mail() -> Machine {
    let machine = silent();
    machine.answer("docker-ps", &listed("666b", "stalwart", "running"));
    machine.container("666b", &sample("prim/docker-inspect-stalwart.json"));
    machine.rows(
        "666b",
        "2026-11-22T03:08:00.000000001Z 2026-11-22T03:08:00Z INFO Shutting down\n\
         2026-11-22T03:09:12.123456789Z 2026-11-22T03:09:12Z INFO Listening on 25\n\
         2026-11-22T05:29:30.000000000Z 2026-11-22T05:29:30Z ERROR \u{1b}[31mstore\u{1b}[0m: disk I/O\r\n\
         2026-11-22T05:29:31.000000000Z \n",
    );
    machine
}

/// Follows, lets `write` write what `next` hands over, and interrupts.
fn followed(machine: &Machine, args: &[&str], write: impl FnOnce(&mut dyn FnMut() -> String)) {
    let args = ["logs", "-f", "--timeout", "90s"].iter().chain(args);
    let mut child = machine.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    write(&mut || lines.next().unwrap().unwrap());
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(130), String::new()));
}

#[test]
fn a_followed_file_is_read_on_when_it_is_renamed_and_made_anew() {
    let machine = silent();
    let log = "/var/log/prim-backup.log";
    machine.file(log, "[2026-11-22T05:00:00Z] one\n");
    let append = |text: &[u8]| {
        fs::OpenOptions::new().append(true).open(machine.path(log)).unwrap().write_all(text).unwrap();
    };
    followed(&machine, &["--source", "prim-backup.log"], |next| {
        assert_eq!(next(), "[2026-11-22T05:00:00Z] one");
        append(b"[2026-11-22T05:01:00Z] tw");
        append(b"o\n");
        assert_eq!(next(), "[2026-11-22T05:01:00Z] two");
        append(b"without an end");
        fs::rename(machine.path(log), machine.path("/var/log/prim-backup.log.1")).unwrap();
        machine.file(log, "[2026-11-22T05:02:00Z] three\n");
        assert_eq!(next(), "without an end");
        assert_eq!(next(), "[2026-11-22T05:02:00Z] three");
    });
}

#[test]
fn followed_units_are_one_stream_from_the_last_lines_on() {
    let machine = busy();
    followed(&machine, &["wallet", "store", "-n", "1", "-g", "line|slow|again"], |next| {
        assert_eq!(next(), "wallet | warn slow query ms=1204");
        assert_eq!(next(), "store  | a line that is not JSON");
        said(&machine, "05:30:00.100 prim-wallet d4 92 6", "again");
        assert_eq!(next(), "wallet | again");
        said(&machine, "05:30:00.200 prim-store d4 92 6", "unwanted");
        said(&machine, "05:30:00.300 prim-store d4 92 6", "again");
        assert_eq!(next(), "store  | again");
    });
}

/// What a container writes while its log is first read is not read again when it is followed.
#[test]
fn a_followed_container_repeats_nothing() {
    let machine = mail();
    let rows = |count: usize| {
        let row = |n| format!("2026-11-22T05:30:00.{n}00000000Z row {n}\n");
        machine.rows("666b", &(1..=count).map(row).collect::<String>());
    };
    rows(3);
    followed(&machine, &["stalwart", "-n", "5"], |next| {
        for n in 1..=3 {
            assert_eq!(next(), format!("row {n}"));
        }
        rows(5);
        for n in 4..=5 {
            assert_eq!(next(), format!("row {n}"));
        }
    });
}

/// What journald writes for one unit while journalctl already looks at the next can be passed over by that answer, though its
/// cursor is behind a later entry: here an entry comes to light only after a later one was shown.
#[test]
fn a_followed_entry_that_an_answer_passed_over_is_shown_by_the_next() {
    let machine = busy();
    // Where everything is written in time; entries are numbered by how many there are.
    let whole = busy();
    let newest = || {
        let names = fs::read_dir(whole.journal_dir()).unwrap().map(|entry| entry.unwrap().file_name());
        names.max_by_key(|name| name.to_str().unwrap().split('~').nth(1).unwrap().to_owned()).unwrap()
    };
    followed(&machine, &["wallet", "store", "-n", "1", "-g", "again|slow|JSON"], |next| {
        assert_eq!(next(), "wallet | warn slow query ms=1204");
        assert_eq!(next(), "store  | a line that is not JSON");
        let placeholder = machine.journal_dir().join("0~0~-~-~-~none");
        let late_file = machine.journal_dir().with_file_name("late");
        for round in 0..5 {
            let early = |machine| {
                said(machine, &format!("05:30:0{round}.200 prim-store d4 92 6"), &format!("again early {round}"));
            };
            let late = |machine| {
                said(machine, &format!("05:30:0{round}.300 prim-wallet d4 92 6"), &format!("again late {round}"));
            };
            early(&whole);
            let name = newest();
            fs::write(&placeholder, "").unwrap();
            late(&whole);
            late(&machine);
            assert_eq!(next(), format!("wallet | again late {round}"));
            fs::copy(whole.journal_dir().join(&name), &late_file).unwrap();
            fs::rename(&late_file, machine.journal_dir().join(&name)).unwrap();
            fs::remove_file(&placeholder).unwrap();
            assert_eq!(next(), format!("store  | again early {round}"));
        }
    });
}

#[test]
fn what_a_failed_service_said_last_stands_beside_its_failure() {
    let machine = prim::two();
    machine.change_unit("prim-wallet.service", &prim::CRASH_LOOP);
    machine.stop(3001);
    let refused =
        r#"{"level":"error","msg":"key refused","token":"canary","err":{"stack":"Error: key refused\n    at x"}}"#;
    for (by, message) in [
        ("05:28:58 prim-wallet a1 90 6", r#"{"level":"info","msg":"listening"}"#),
        ("05:28:59 prim-wallet a1 90 6", refused),
        ("05:29:00 prim-wallet a1 90 3", "\u{1b}[2J\u{202e}PASS\nprim on vps1: all well"),
        (
            "05:29:01 prim-wallet a1 1 5",
            "prim-wallet.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED",
        ),
        ("05:29:02 prim-wallet a1 1 4", "prim-wallet.service: Failed with result 'exit-code'."),
    ] {
        said(&machine, by, message);
    }
    let mut read: Vec<Run> =
        ["text", "json"].iter().map(|form| machine.run(["status", "wallet", "store", "-o", form])).collect();
    assert!(read.iter().all(|run| run.hostile().is_none() && !run.everything().contains("canary")));
    // Nor does the roll-up wait for a journal that says nothing.
    machine.hang("journalctl");
    let begun = Instant::now();
    read.push(machine.run(["status", "wallet", "store"]));
    assert!(begun.elapsed() < Duration::from_secs(6), "took {:?}", begun.elapsed());
    let left = machine.left_behind();
    compare("status_prim_last_words", &read);
    assert_eq!(left, Vec::<String>::new());
}
