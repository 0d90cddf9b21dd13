//! What journalctl prints, and what is made of it.

use std::io;

use super::*;

/// Two entries as journalctl 257 prints them; the second has a binary message with a line break and one more message.
const EXPORT: &[u8] = b"__CURSOR=s=a1;i=1f;b=b2;m=3;t=4;x=5\n__REALTIME_TIMESTAMP=1764000000000001\n\
    __MONOTONIC_TIMESTAMP=3\n_BOOT_ID=b2\nPRIORITY=3\nMESSAGE=first = one\n_SYSTEMD_UNIT=a.service\n\n\
    __CURSOR=s=a1;i=20;b=b2;m=3;t=4;x=5\n__REALTIME_TIMESTAMP=1764000000000002\nUNIT=a.service\n\
    MESSAGE\n\x05\x00\x00\x00\x00\x00\x00\x00a\nb\x1b\xff\nMESSAGE=more\n_SYSTEMD_UNIT=init.scope\n\n";

fn read(bytes: &[u8]) -> io::Result<Vec<Entry>> {
    let mut entries = Entries::new(bytes);
    let mut found = Vec::new();
    while let Some(entry) = entries.next()? {
        found.push(entry.clone());
    }
    Ok(found)
}

#[test]
fn a_crash_loop_begins_with_the_first_of_its_starts() {
    let entry = |second: i64, count: u32| {
        format!(
            "__CURSOR=c\n__REALTIME_TIMESTAMP={}\nMESSAGE=a.service: Scheduled restart job, restart counter is at {count}.\n\n",
            second * 1_000_000
        )
    };
    let since = |entries: &[String]| series(entries.concat().as_bytes(), 1_000_000_000, 600_000_000).unwrap();
    assert_eq!(since(&[entry(998, 3), entry(992, 2), entry(986, 1), entry(980, 7)]), Some(986_000_000));
    // One that ended once long before it began to loop.
    assert_eq!(since(&[entry(998, 3), entry(992, 2), entry(100, 1)]), Some(992_000_000));
    assert_eq!(since(&[entry(998, 300), entry(992, 299)]), None);
    assert_eq!(since(&[entry(10, 1)]), None);
    assert_eq!(since(&[]), None);
    assert!(series(b"-- No entries --\n", 0, 0).is_err());
}

#[test]
fn the_journal_says_what_it_takes() {
    let text = "Archived and active journals take up 1.5G in the file system.\n";
    assert_eq!(parse_disk_usage(text).ok(), Some(1_610_612_736));
    assert_eq!(parse_disk_usage("Archived and active journals take up 0B in the file system.").ok(), Some(0));
    assert!(parse_disk_usage("").is_err() && parse_disk_usage("take up much").is_err());
}

#[test]
fn b13_fields_come_as_they_are() {
    let entry = |time, cursor: &str, priority, units: &[&str], message: &[u8]| Entry {
        event: None,
        time,
        cursor: cursor.to_owned(),
        priority,
        units: units.iter().map(ToString::to_string).collect(),
        invocation: None,
        message: Some(message.to_vec()),
        length: message.len() as u64,
    };
    let wanted = [
        entry(1_764_000_000_000_001, "s=a1;i=1f;b=b2;m=3;t=4;x=5", Some(3), &["a.service"], b"first = one"),
        entry(
            1_764_000_000_000_002,
            "s=a1;i=20;b=b2;m=3;t=4;x=5",
            None,
            &["init.scope", "a.service"],
            b"a\nb\x1b\xff\nmore",
        ),
    ];
    assert_eq!(read(EXPORT).unwrap(), wanted);
    assert_eq!(read(b"__REALTIME_TIMESTAMP=7\n\n").unwrap(), [Entry { time: 7, ..Entry::default() }]);
}

#[test]
fn entries_cut_at_any_byte_are_never_half_an_entry() {
    let whole = read(EXPORT).unwrap();
    for end in 0..EXPORT.len() {
        if let Ok(found) = read(&EXPORT[..end]) {
            // Only where nothing is missing of the entries that are there.
            assert!(whole.starts_with(&found) && EXPORT[..end].ends_with(b"\n\n") || end == 0, "cut at {end}");
        }
    }
    assert!(read(b"no entry at all\n").is_err());
}

#[test]
fn queries_are_commands() {
    let query = Query {
        units: vec!["a.service".into(), "b.service".into()],
        since: Some(1_764_000_000_000_001),
        last: Some(5),
        ..Query::default()
    };
    assert_eq!(
        entries(&query).to_string(),
        "journalctl --output=export \
         --output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT,OBJECT_SYSTEMD_UNIT,COREDUMP_UNIT --no-pager --lines=5 \
         --since=@1764000000.000001 --unit=a.service --unit=b.service"
    );
    let run = Query { units: vec!["a.service".into()], invocation: Some("8f".into()), ..Query::default() };
    assert_eq!(
        entries(&run).to_string(),
        "journalctl --output=export --output-fields=MESSAGE,PRIORITY --no-pager _SYSTEMD_INVOCATION_ID=8f + \
         INVOCATION_ID=8f _PID=1"
    );
}

#[test]
fn runs_are_told_apart_newest_first() {
    let output = b"__CURSOR=x\nINVOCATION_ID=cc\n\n__CURSOR=w\nINVOCATION_ID=cc\n\n__CURSOR=v\n\n\
        __CURSOR=u\nINVOCATION_ID=bb\n\n";
    assert_eq!(runs(output), Ok(vec!["cc".to_owned(), "bb".to_owned()]));
    assert_eq!(runs(b""), Ok(vec![]));
    assert!(runs(b"nonsense\n").is_err());
}

#[test]
fn b15_suppressed_messages_are_counted() {
    assert_eq!(parse_suppressed("Suppressed 123 messages from shop.service"), Some((123, "shop.service")));
    assert_eq!(parse_suppressed("Suppressed 7 messages from /system.slice/shop.service"), Some((7, "shop.service")));
    assert_eq!(parse_suppressed("Suppressed many messages from x"), None);
}

#[test]
fn kernel_lines_name_the_process() {
    let text = r#"{"__REALTIME_TIMESTAMP":"1764000000000000","MESSAGE":"Out of memory: Killed process 12 (node) total-vm:1kB"}
{"__REALTIME_TIMESTAMP":"1764000001000000","MESSAGE":null}"#;
    assert_eq!(
        parse_oom_kills(text),
        Ok(vec![OomKill { time: Timestamp::from_second(1_764_000_000).unwrap(), process: "node".into() }])
    );
    assert_eq!(parse_oom_kills(""), Ok(vec![]));
    assert!(parse_oom_kills("-- No entries --").is_err());
}

/// As systemd 257 wrote of units whose process ended in one way or another, newest first.
#[test]
fn b22_restarts_are_told_with_the_end_before_each() {
    let entry = |time: i64, unit: &str, fields: &str| format!("__REALTIME_TIMESTAMP={time}\nUNIT={unit}\n{fields}\n\n");
    let restart = |time, unit, count: u32| entry(time, unit, &format!("MESSAGE_ID={RESTARTS}\nN_RESTARTS={count}"));
    let exit = |time, unit, code: &str, status: u32| {
        entry(time, unit, &format!("EXIT_STATUS={status}\nEXIT_CODE={code}\nMESSAGE_ID={PROCESS_ENDED}"))
    };
    let failure =
        |time, unit, result: &str| entry(time, unit, &format!("MESSAGE_ID={UNIT_FAILED}\nUNIT_RESULT={result}"));
    let clean = |time, unit| entry(time, unit, &format!("MESSAGE_ID={UNIT_ENDED}"));
    let mut all = [
        // Of before it was started on purpose.
        restart(1, "a.service", 7),
        exit(2, "a.service", "exited", 1),
        failure(3, "a.service", "exit-code"),
        restart(4, "a.service", 1),
        clean(5, "b.service"),
        restart(6, "b.service", 1),
        exit(7, "a.service", "killed", 9),
        failure(8, "a.service", "signal"),
        restart(9, "a.service", 2),
        failure(10, "a.service", "resources"),
        restart(11, "a.service", 3),
        restart(12, "a.service", 4),
        exit(13, "a.service", "dumped", 11),
    ];
    all.reverse();
    let output = all.concat();
    let found = histories(output.as_bytes()).unwrap();
    let ends = |unit: &str| -> Vec<(i64, Option<RunEnd>)> {
        found[unit].restarts.iter().map(|restart| (restart.time.as_microsecond(), restart.end.clone())).collect()
    };
    assert_eq!(
        ends("a.service"),
        [
            (4, Some(RunEnd::Exit(1))),
            (9, Some(RunEnd::Signal(9))),
            (11, Some(RunEnd::Result("resources".to_owned()))),
            (12, None)
        ]
    );
    assert_eq!(ends("b.service"), [(6, Some(RunEnd::Exit(0)))]);
    assert!(found["b.service"].is_clean() && !found["a.service"].is_clean());
    assert_eq!(histories(b""), Ok(BTreeMap::new()));
    assert!(histories(b"no such thing").is_err());
    // Whatever is cut, nothing is told that was not there.
    for end in 0..output.len() {
        if let Ok(part) = histories(&output.as_bytes()[..end]) {
            assert!(part.values().map(|history| history.restarts.len()).sum::<usize>() <= 6, "cut at {end}");
        }
    }
}
