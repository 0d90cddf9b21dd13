use super::unit_file::{Access, access};
use super::*;

fn check(when: When) -> Timed {
    Timed {
        name: "opsctl-check-prim".to_owned(),
        what: "opsctl check of prim".to_owned(),
        by: "check -d prim --install".to_owned(),
        program: "/usr/local/bin/opsctl".to_owned(),
        words: ["check", "-d", "prim"].map(str::to_owned).to_vec(),
        when,
        sandbox: Sandbox::Reads(vec!["/home/app/.pm2".to_owned()]),
    }
}

fn backup(when: When) -> Timed {
    Timed { name: "opsctl-backup-prim".to_owned(), sandbox: Sandbox::Copies, ..check(when) }
}

fn minutes(count: u64) -> When {
    When::Every(Duration::from_secs(count * MINUTE))
}

fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|other| other == *line), "{line} in:\n{text}");
    }
}

#[test]
fn a_check_may_write_its_own_records_and_no_more() {
    let timed = check(minutes(5));
    let service = timed.service_text();
    has(
        &service,
        &[
            "ExecStart=/usr/local/bin/opsctl check -d prim",
            "SuccessExitStatus=3 4",
            "ProtectSystem=strict",
            "ReadWritePaths=-/run -/var/log -/var/mail -/var/spool -/home/app/.pm2",
            "RuntimeDirectoryPreserve=yes",
            "StateDirectoryMode=0700",
        ],
    );
    let settings = unit_file::settings("", &service);
    for path in ["/var/lib/opsctl/x", "/var/log/opsctl/audit.jsonl", "/run/opsctl/prim.lock", "/home/app/.pm2/touch"] {
        assert_eq!(access(&settings, path), Access::Whole, "{path}");
    }
    for path in ["/etc/passwd", "/var/lib/prim/x", "/root/x", "/home/app/x", "/tmp/x"] {
        assert!(matches!(access(&settings, path), Access::ReadOnly(_)), "{path}");
    }
    assert_eq!(unit_file::cut_off(&settings), None);
    has(&timed.timer_text(), &["OnUnitActiveSec=300s", "AccuracySec=1s", "WantedBy=timers.target"]);
}

#[test]
fn a_backup_opens_databases_where_they_are() {
    let timed = backup(When::Daily(vec![(3, 0), (15, 30)]));
    let settings = unit_file::settings("", &timed.service_text());
    assert_eq!(access(&settings, "/var/lib/prim/wallet.db-shm"), Access::Whole);
    assert!(matches!(access(&settings, "/etc/x"), Access::ReadOnly(_)));
    assert_eq!(unit_file::last(&settings, "SuccessExitStatus"), None);
    let timer = timed.timer_text();
    has(&timer, &["OnCalendar=*-*-* 03:00:00 UTC", "OnCalendar=*-*-* 15:30:00 UTC", "Persistent=yes"]);
    has(&backup(When::Monthly(2, (9, 0))).timer_text(), &["OnCalendar=*-*-02 09:00:00 UTC"]);
}

#[test]
fn a_table_of_cron_is_one_that_cron_reads() {
    let table = |timed: &Timed, ahead| {
        let text = timed.table_text(ahead).unwrap();
        let tab = crontab::parse(&text, Kind::System);
        assert_eq!((tab.flaw, tab.is_unended), (None, false), "{text}");
        let lines: Vec<String> =
            tab.entries.iter().map(|entry| format!("{} {}", entry.schedule, entry.command)).collect();
        lines.join("\n")
    };
    let command = "/usr/local/bin/opsctl check -d prim";
    assert_eq!(table(&check(minutes(1)), 60), format!("* * * * * {command} >/dev/null"));
    assert_eq!(table(&check(minutes(5)), 0), format!("*/5 * * * * {command} >/dev/null"));
    assert_eq!(table(&check(minutes(60)), 0), format!("0 * * * * {command} >/dev/null"));
    assert_eq!(table(&check(minutes(360)), 0), format!("0 */6 * * * {command} >/dev/null"));
    assert_eq!(table(&check(minutes(1440)), 0), format!("0 0 * * * {command} >/dev/null"));
    let nightly = backup(When::Daily(vec![(3, 0)]));
    assert_eq!(table(&nightly, 0), format!("0 3 * * * {command}"));
    assert_eq!(table(&nightly, 345), format!("45 8 * * * {command}"));
    assert_eq!(table(&nightly, -240), format!("0 23 * * * {command}"));
    let monthly = backup(When::Monthly(2, (23, 0)));
    assert_eq!(table(&monthly, 120), format!("0 1 3 * * {command}"));
    assert_eq!(table(&backup(When::Monthly(2, (1, 0))), -120), format!("0 23 1 * * {command}"));
    for seconds in [30, 90, 7 * 60, 5 * 3600, 2 * DAY] {
        assert!(check(When::Every(Duration::from_secs(seconds))).table_text(0).is_err(), "{seconds}");
    }
}

#[test]
fn what_was_installed_is_read_again_from_its_files() {
    for when in [minutes(1), minutes(5), minutes(60), minutes(360)] {
        let timed = check(when.clone());
        let made = Made { program: Some(timed.program.clone()), words: timed.words.clone(), every: None };
        let When::Every(span) = when else { continue };
        let made = Made { every: Some(span), ..made };
        assert_eq!(Made::of_units(&timed.service_text(), &timed.timer_text()), made);
        assert_eq!(Made::of_table(&timed.table_text(0).unwrap()), made);
    }
    let nightly = backup(When::Daily(vec![(3, 0)]));
    assert_eq!(Made::of_units(&nightly.service_text(), &nightly.timer_text()).every, None);
    assert_eq!(Made::of_table(&nightly.table_text(0).unwrap()).every, None);
    let text = nightly.service_text();
    for end in 0..text.len() {
        let _ = (Made::of_units(&text[..end], &text[..end]), Made::of_table(&text[..end]));
    }
    assert!(is_ours(&text) && !is_ours("[Unit]\n") && !is_ours(""));
}

#[test]
fn spans_and_words_are_those_of_people_and_of_units() {
    let label = |when: When| when.label();
    assert_eq!(label(minutes(90)), "every 90m");
    assert_eq!(label(minutes(1440)), "every 1d");
    assert_eq!(label(When::Every(Duration::from_secs(45))), "every 45s");
    assert_eq!(label(When::Daily(vec![(3, 0)])), "daily at 03:00 UTC");
    assert_eq!(label(When::Monthly(2, (9, 5))), "monthly on day 2 at 09:05 UTC");
    assert!(is_plain("/usr/local/bin/opsctl") && is_plain("--lock-wait=1h"));
    for word in ["", "a b", "50%", "$HOME", "a\\b", "\"a\"", "a;b"] {
        assert!(!is_plain(word), "{word}");
    }
}
