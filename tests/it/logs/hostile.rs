//! Hostile text, streams that end, and secrets.

use super::*;

/// What services write to bend what is read: escapes, a clipboard, colours, bidi, line breaks with the prefix of another.
const HOSTILE: &[u8] = b"\x1b]52;c;aGk=\x07\x1b[2J\x1b[31mred\x1b[0m\xc2\x9b31m\xe2\x80\xaeevil\xe2\x80\x8b\xef\xbb\xbf\0\xff\xc0\rover\r\n\
    2026-11-22T05:00:00.000Z store  | forged\xe2\x80\xa8store | forged too\n\tend";

#[test]
fn a10_l2_l3_what_services_write_drives_no_terminal_and_forges_no_prefix() {
    let machine = mail();
    said(&machine, "05:00:00 prim-wallet 0f 90 6", HOSTILE);
    let text = String::from_utf8_lossy(HOSTILE);
    let json = serde_json::json!({ "msg": text, "\u{1b}[2J\nstore  | key": "\u{202e}\u{7}" });
    said(&machine, "05:00:01 prim-wallet 0f 90 6", &json.to_string());
    let row = HOSTILE.split(|byte| *byte == b'\n').collect::<Vec<_>>().concat();
    machine.rows("666b", &[b"2026-11-22T05:00:02.000000000Z ", &row[..], b"\n"].concat());
    machine.file("/var/log/caddy/wallet-access.log", &[b"2026-11-22T05:00:03Z ", HOSTILE, b"\n"].concat());
    let read = runs(
        &machine,
        [
            &["wallet", "stalwart", "caddy"],
            &["wallet", "stalwart", "caddy", "-o", "wide"],
            &["wallet", "stalwart", "caddy", "-o", "json"],
            &["wallet"],
        ],
    );
    for run in &read {
        // A tab is the one that log lines keep.
        let run = Run { stdout: run.stdout.replace('\t', " "), ..run.clone() };
        assert_eq!(run.hostile(), None, "{}", run.stdout);
    }
    // Every line has a head of its own, so that none can take another's.
    let heads = ["wallet", "stalwart", "caddy/"];
    for line in read[0].stdout.lines() {
        assert!(heads.iter().any(|head| line.starts_with(head)), "{line}");
    }
    assert_eq!(read[2].json_lines().len(), read[2].stdout.lines().count());
    compare("logs_hostile_text", &read);
}

#[test]
fn a9_a_line_of_a_mebibyte_is_cut_and_says_so() {
    let machine = mail();
    let long = "x".repeat(1 << 20);
    said(&machine, "05:00:00 prim-wallet 0f 90 6", &long);
    machine.rows("666b", &format!("2026-11-22T05:00:01.000000000Z {long}\n2026-11-22T05:00:02.000000000Z after\n"));
    machine.file("/var/log/prim-backup.log", &format!("{long}\nafter\n"));
    let limit = 64 << 10;
    for (args, lines) in [(&["wallet"] as &[&str], 1), (&["stalwart"], 2), (&["--source", "prim-backup.log"], 2)] {
        let run = machine.run(["logs"].iter().chain(args));
        assert_eq!((run.code, run.stderr.as_str(), run.stdout.lines().count()), (0, "", lines), "{args:?}");
        let first = run.stdout.lines().next().unwrap();
        assert!(first.ends_with("x… (cut)") && (limit - 100..limit + 100).contains(&first.len()), "{}", first.len());
        let documents = machine.run(["logs", "-o", "json"].iter().chain(args)).json_lines();
        let cut: Vec<bool> = documents.iter().map(|line| line["truncated"].as_bool().unwrap()).collect();
        assert_eq!(cut, [&[true] as &[bool], &[true, false]][lines - 1]);
        assert!(documents[0]["message"].as_str().unwrap().len() <= limit);
    }
}

#[test]
fn k4_lines_that_nobody_reads_or_that_find_no_room() {
    let machine = busy();
    for args in [
        &["logs", "wallet"] as &[&str],
        &["logs", "wallet", "store", "--since", "3h"],
        &["logs", "wallet", "-o", "json"],
    ] {
        assert_eq!(into(&machine, args, closed_pipe()), (Some(0), String::new()), "{args:?}");
        let words = "opsctl: No space left on device (os error 28)\n".to_owned();
        assert_eq!(into(&machine, args, full()), (Some(1), words), "{args:?}");
    }
    // Nor is anything left behind that was still to be read.
    machine.answer_and("journalctl", "", "hang");
    let begun = Instant::now();
    assert_eq!(into(&machine, &["logs", "wallet"], closed_pipe()), (Some(0), String::new()));
    assert!(begun.elapsed() < Duration::from_secs(5), "took {:?}", begun.elapsed());
}

#[test]
fn l4_secrets_are_in_no_line() {
    let machine = prim::two();
    prim::files(&machine);
    machine.change_unit("prim-wallet.service", &prim::CRASH_LOOP);
    machine.stop(3001);
    let secrets = [
        "key is canary-env-wallet here",
        "connect postgres://app:canary-url@127.0.0.1/db failed",
        "login password=canary-plain for app",
        "Authorization: Bearer canary-bearer",
        r#"{"level":"error","msg":"refused","password":"canary-json","headers":{"authorization":"Basic canary-basic","cookie":"sid=canary-cookie"}}"#,
        r#"{"level":"error","msg":"url https://x/?token=canary-query","PRIM_INTERNAL_KEY":"canary-env-wallet"}"#,
        // The value from the env file in base64.
        "Y2FuYXJ5LWVudi13YWxsZXQ=",
    ];
    for (second, secret) in secrets.iter().enumerate() {
        said(&machine, &format!("05:00:0{second} prim-wallet 0f 90 3"), secret);
    }
    machine.file("/var/log/prim-backup.log", &secrets.join("\n"));
    let mut everything = String::new();
    for form in ["text", "wide", "json"] {
        for args in [
            &["logs", "wallet", "-v"] as &[&str],
            &["logs", "wallet", "store", "--since", "1h"],
            &["logs", "wallet", "-e"],
            &["logs", "--source", "prim-backup"],
            &["status", "wallet"],
            &["status", "wallet", "store"],
        ] {
            let args: Vec<OsString> = args.iter().chain(&["-o", form]).map(OsString::from).collect();
            everything.push_str(&machine.run(args).everything());
        }
    }
    assert!(everything.contains("refused") && everything.contains(" log "), "{everything}");
    let found: Vec<&str> = everything.lines().filter(|l| l.contains("canary") || l.contains("Y2FuYXJ5")).collect();
    assert_eq!(found, Vec::<&str>::new());
    compare("logs_secrets", &runs(&machine, [&["wallet"]]));
}
