//! Times on a terminal are those of whoever sits there, wherever their text is made; elsewhere they are UTC.

use regex::Regex;

use super::*;
use crate::terminal::on_columns;

/// Five and a half hours east, in a form that needs no files.
const EAST: &str = "EAST-05:30";

/// What a terminal there shows.
pub fn shown(machine: &Machine, args: &[&str]) -> String {
    let mut command = machine.command(args);
    command.env("TZ", EAST).args(["--color", "never"]);
    on_columns(200, &command, "")
}

/// A time in UTC, as documents have it. The id of a backup has another form.
pub fn in_utc() -> Regex {
    Regex::new(r"\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)").unwrap()
}

/// A prim host with a change that did not finish, a service that was stopped on purpose, and a past.
fn eventful() -> Machine {
    let machine = host();
    prim::files(&machine);
    note(&machine, false);
    let down = [("ActiveState", "inactive"), ("SubState", "dead"), ("MainPID", "0"), ("Result", "success")];
    machine.change_unit("prim-wallet.service", &down);
    let stopped = |entry: String| entry.replace(r#""operation":"restart""#, r#""operation":"stop""#);
    let trail = stopped(entries("1-1", ("2026-11-22T05:00:00Z", "wallet"), Some(("done", 0))));
    machine.file("/var/log/opsctl/audit.jsonl", &trail);
    machine.journal("2026-11-22T05:20:00Z", "prim-wallet.service", &[("MESSAGE", b"listening"), ("PRIORITY", b"6")]);
    machine
}

#[test]
#[ignore = "needs root"]
fn no_text_on_a_terminal_has_a_time_in_utc() {
    let machine = eventful();
    let held = File::open(machine.path("/run/opsctl/prim.lock")).unwrap();
    // What must be shown in local time, where the view has one of its own.
    let views: &[(&[&str], &str)] = &[
        (&["status"], "11:00:00 +05:30"),
        (&["status", "-o", "wide"], "11:00:00 +05:30"),
        (&["status", "wallet"], "10:30:00 +05:30"),
        (&["describe", "wallet"], "10:30:00 +05:30"),
        (&["diagnose"], "10:30:00 +05:30"),
        (&["diagnose", "wallet"], "10:30:00 +05:30"),
        (&["history"], "10:30:00 +05:30"),
        (&["history", "-o", "wide"], "10:30:00 +05:30"),
        (&["lock", "status"], "10:59:00 +05:30"),
        (&["logs", "wallet", "-n", "2", "--timestamps"], "+05:30 "),
        (&["verify"], ""),
        (&["maintenance", "status"], ""),
        (&["restart", "store", "--dry-run"], ""),
        (&["rollback", "--list"], ""),
        (&["get", "services", "-o", "wide"], ""),
        (&["get", "failures"], ""),
        (&["explain", "wallet"], ""),
        (&["demo"], "+05:30"),
        (&["demo", "diagnose"], ""),
        (&["demo", "logs", "wallet"], ""),
    ];
    for (args, wanted) in views {
        let text = shown(&machine, args);
        assert!(text.contains(wanted), "{args:?} has no {wanted}: {text}");
        assert!(!in_utc().is_match(&text), "{args:?}: {:?}: {text}", in_utc().find(&text));
    }
    let unfinished = shown(&machine, &["restart", "store", "-y", "--settle", "100ms"]);
    assert!(unfinished.contains("restart store of 2026-11-22 10:59:00 +05:30 (alice) did not finish"), "{unfinished}");
    note(&machine, false);
    alive(&machine);
    held.lock().unwrap();
    let locked = shown(&machine, &["restart", "store", "-y"]);
    assert!(locked.contains("since 2026-11-22 10:59:00 +05:30, process 4242; nothing was changed"), "{locked}");
}

#[test]
#[ignore = "needs root"]
fn times_are_utc_where_that_is_asked_for_in_documents_and_in_pipes() {
    let machine = eventful();
    for args in [&["status"][..], &["diagnose"], &["history"], &["lock", "status"], &["logs", "wallet", "--timestamps"]]
    {
        for flags in [&["--utc"][..], &["-o", "json"]] {
            let text = shown(&machine, &[args, flags].concat());
            assert!(in_utc().is_match(&text) && !text.contains("+05:30"), "{args:?} {flags:?}: {text}");
        }
        let piped = machine.run_with(args, &[("TZ", EAST)]);
        assert!(in_utc().is_match(&piped.stdout) && !piped.stdout.contains("+05:30"), "{args:?}: {}", piped.stdout);
    }
    // What is sent to others has their time, also where it is written from a terminal.
    let file = machine.home().join("bundle.tar");
    shown(&machine, &["diagnose", "--bundle", file.to_str().unwrap()]);
    let bundle = fs::read(file).unwrap();
    let text = String::from_utf8_lossy(&bundle);
    assert!(text.contains("2026-11-22 05:00:00 UTC") && !text.contains("+05:30"));
}
