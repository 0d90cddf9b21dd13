//! E1, E2: a database that is written to all the time, a copy of it every twenty seconds, and each restored aside: all are
//! consistent, none is older than its beginning, and the writer never finds its database locked.

use std::path::Path;
use std::time::{Duration, Instant};

use super::page::part;
use super::{document, opsctl};
use crate::machine::Machine;

/// How often a copy is made.
const EVERY: Duration = Duration::from_secs(20);
/// How long a plain run takes.
const SHORT: Duration = Duration::from_secs(40);
/// How long a writer may be kept waiting, milliseconds: held in a long run, which has the machine for itself.
const STALL: u32 = 1000;

/// `OPSCTL_SOAK` is the number of seconds that it goes on.
#[test]
fn every_copy_of_a_busy_database_is_consistent() {
    let asked = std::env::var("OPSCTL_SOAK").ok().map(|seconds| Duration::from_secs(seconds.parse().unwrap()));
    let machine = Machine::boot_as("prim", "it-prim-backup-soak");
    machine.sh("rm -f /var/spool/cron/crontabs/root");
    machine.put(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/backup/soak-writer"), "/root/writer");
    let number = |query: &str| -> u32 {
        machine
            .sh(&format!("sqlite3 /opt/prim/store.db 'PRAGMA busy_timeout=9000; {query}' | tail -n 1"))
            .trim()
            .parse()
            .unwrap()
    };
    let writer = machine.start(&["python3", "/root/writer", "/opt/prim/store.db"]);
    machine.sh("for i in $(seq 100); do test -e /opt/prim/store.db-wal && break; sleep 0.05; done; sleep 1");
    let begun = Instant::now();
    let mut copies = 0;
    let mut slowest = 0.0_f64;
    while begun.elapsed() < asked.unwrap_or(SHORT) {
        let next = Instant::now() + EVERY;
        let before = number("SELECT count FROM total");
        let made = document(&machine, "backup store", 0);
        slowest = slowest.max(made["seconds"].as_f64().unwrap());
        opsctl(&machine, "restore store --to /root/scratch.db", 0);
        let look = "PRAGMA integrity_check; SELECT (SELECT count(*) FROM debit) = count AND (SELECT count(*) FROM credit) = count \
                    AND (SELECT sum(amount) FROM debit) = sum AND (SELECT sum(amount) FROM credit) = sum, count FROM total";
        let told = machine.sh(&format!("sqlite3 /root/scratch.db '{look}' | paste -sd' '; rm /root/scratch.db*"));
        let ["ok", row] = told.split_whitespace().collect::<Vec<_>>()[..] else { panic!("copy {copies}: {told}") };
        let (agrees, count) = row.split_once('|').unwrap();
        assert_eq!(agrees, "1", "copy {copies}: its tables do not agree: {told}");
        assert!(count.parse::<u32>().unwrap() >= before, "copy {copies}: {count} transactions, {before} when it began");
        copies += 1;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    machine.sh("touch /run/enough");
    let told = String::from_utf8(writer.wait_with_output().unwrap().stdout).unwrap();
    let [count, longest, most, alone, locked, seconds] = told.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{told}")
    };
    let text = format!(
        "{count} transactions in {seconds} s, {copies} copies restored aside: all consistent, none older than its beginning. The longest \
         transaction took {longest} ms, 99 of 100 at most {most} ms; the longest wait that a writer of a database beside it did not \
         share was {alone} ms; the slowest backup took {slowest:.1} s.\n"
    );
    eprintln!("{text}");
    assert_eq!(locked, "0", "the writer was kept out: {text}");
    if asked.is_some() {
        // What both writers waited for was the machine.
        assert!(alone.parse::<u32>().unwrap() < STALL, "the writer was kept waiting: {text}");
        part("soak", &text);
    }
}
