//! What a plugin prints, of checks that are made up.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::alert::Class;
use crate::alert::forecast::Forecast;
use crate::error::Code;
use crate::exit::Exit;
use crate::judge::freshness::Freshness;
use crate::judge::health::{Certificate, Disk, Load, MemoryUse, ServiceHealth};
use crate::registry::{DEPLOYMENTS, Origin, State};
use crate::report::Head;
use crate::report::check::{Notifications, SubjectFacts};

/// A service in this state.
pub fn service(name: &str, verdict: Verdict) -> ServiceHealth {
    ServiceHealth {
        name: name.to_owned(),
        origin: Origin::Stated,
        manager: Some("systemd".to_owned()),
        unit: None,
        verdict,
        state: State::Running,
        health: Some(verdict),
        since: None,
        restarts: Some(3),
        pid: None,
        memory_bytes: Some(52_428_800),
        port: None,
        endpoint: None,
        severity: "P1".to_owned(),
        respond: "immediately".to_owned(),
        summary: String::new(),
        note: None,
        cause: None,
        dependants: Vec::new(),
        port_owner: None,
        on_purpose: None,
        checks: Vec::new(),
    }
}

/// A problem of this subject.
fn a_problem(subject: &str, verdict: Verdict, summary: &str) -> Problem {
    Problem {
        subject: subject.to_owned(),
        verdict,
        summary: summary.to_owned(),
        severity: "P1".to_owned(),
        respond: "immediately".to_owned(),
        reason: String::new(),
        affects: vec!["store".to_owned()],
        look: String::new(),
        next: format!("opsctl diagnose {subject}"),
        log: Vec::new(),
        kind: crate::report::problem::ProblemKind::Host,
    }
}

/// A check of prim with these problems, the worst first.
pub fn check(problems: Vec<Problem>) -> Check {
    let verdict = problems.first().map_or(Verdict::Pass, |problem| problem.verdict);
    let time = "2026-11-22T05:30:00Z".parse().unwrap();
    let host = HostHealth {
        verdict: Verdict::Pass,
        uptime_seconds: Some(86_400),
        disks: Some(vec![Disk {
            mounted_on: "/".to_owned(),
            size_bytes: 53_687_091_200,
            available_bytes: 21_474_836_480,
            used_percent: 58,
            inodes_used_percent: Some(4),
        }]),
        memory: Some(MemoryUse {
            total_bytes: 2_147_483_648,
            available_bytes: 1_073_741_824,
            used_percent: 50,
            swap_total_bytes: 0,
            swap_used_bytes: 0,
        }),
        load: Some(Load { one: 0.25, five: 0.5, fifteen: 0.125, processors: Some(2) }),
        clock: None,
        failed_units: None,
        oom_kills: None,
        certificates: vec![Certificate {
            host: "wallet.prim.sh".to_owned(),
            not_after: Some(time + SignedDuration::from_hours(24 * 43)),
            days_left: Some(43),
            issuer: None,
            verdict: Verdict::Pass,
            summary: String::new(),
        }],
        checks: Vec::new(),
    };
    Check {
        head: Head {
            schema: "opsctl/check/v1",
            opsctl: "0.1.0",
            deployment: Some("prim".to_owned()),
            host: "vps1".to_owned(),
            time,
            verdict,
            exit_code: Exit::of(verdict, false),
            error: None,
        },
        seconds: 0.4,
        problems,
        services: vec![service("wallet", verdict), service("store", Verdict::Pass)],
        host_resources: Some(host),
        backups: vec![Freshness {
            set: "wallet".to_owned(),
            verdict: Verdict::Pass,
            age_seconds: Some(9000),
            rpo_seconds: 86_400,
            summary: String::new(),
        }],
        forecasts: vec![Forecast {
            mounted_on: "/".to_owned(),
            full_in_seconds: 21_600,
            bytes_per_hour: 3_579_139_413,
            measured_seconds: 7200,
        }],
        subjects: vec![SubjectFacts {
            subject: "wallet".to_owned(),
            class: Class::Service,
            verdict,
            since: time,
            flapping: false,
            incident_open: verdict == Verdict::Fail,
            notified_at: None,
            held: None,
        }],
        notifications: Notifications::default(),
        verbose: false,
    }
}

fn printed(problems: Vec<Problem>) -> String {
    text(&check(problems), DEPLOYMENTS[0])
}

/// The text before performance data, its items, and the lines behind.
fn parts(text: &str) -> (String, Vec<String>, Vec<String>) {
    let (first, long) = text.split_once('\n').unwrap();
    let (first, data) = first.split_once(" |").unwrap();
    let mut items = Vec::new();
    let mut is_quoted = false;
    for c in data.chars() {
        is_quoted ^= c == '\'';
        match (c, is_quoted) {
            (' ', false) => items.push(String::new()),
            _ => items.last_mut().unwrap().push(c),
        }
    }
    (first.to_owned(), items, long.lines().map(str::to_owned).collect())
}

#[test]
fn a_healthy_host_is_one_line_with_its_numbers() {
    let (first, data, long) = parts(&printed(Vec::new()));
    assert_eq!(first, "OPSCTL OK - prim on vps1: 2 services, 1 disk, 1 backup healthy");
    assert_eq!(
        data,
        [
            "time=0.400s;;;0",
            "'services healthy'=2;;;0;2",
            "'services failed'=0;;0;0;2",
            "'services unknown'=0;;;0;2",
            "'disk /'=58%;84;89;0;100",
            "'disk used /'=32212254720B;;;0;53687091200",
            "memory=50%;89;96;0;100",
            "'memory used'=1073741824B;;;0;2147483648",
            "swap=0B;;;0;0",
            "load1=0.25;;;0",
            "load5=0.50;4.00;;0",
            "load15=0.12;;;0",
            "'certificate wallet.prim.sh'=43;21:;7:",
            "'backup wallet'=9000s;;93600;0",
            "'full in /'=21600s;;;0",
            "'notifications pending'=0;;;0",
        ]
    );
    assert!(long.is_empty());
}

#[test]
fn the_worst_problem_is_the_first_line_and_all_are_behind_it() {
    let text = printed(vec![
        a_problem("wallet", Verdict::Fail, "no answer at :3001"),
        a_problem("disk /", Verdict::Warn, "full in about 6 h"),
    ]);
    let (first, data, long) = parts(&text);
    assert_eq!(first, "OPSCTL CRITICAL - prim on vps1: wallet: no answer at :3001 (P1, immediately); 1 more");
    assert!(data.contains(&"'services failed'=1;;0;0;2".to_owned()));
    assert_eq!(
        long,
        [
            "CRITICAL wallet: no answer at :3001 (P1, immediately); affects store; next: opsctl diagnose wallet",
            "WARNING disk /: full in about 6 h (P1, immediately); affects store; next: opsctl diagnose disk /",
        ]
    );
}

#[test]
fn a_failure_outranks_what_is_unknown_and_that_a_warning() {
    let ends = |problems: Vec<Problem>| Exit::Plugin(state(&check(problems))).code();
    let one = |verdict| a_problem("wallet", verdict, "s");
    assert_eq!(ends(Vec::new()), 0);
    assert_eq!(ends(vec![one(Verdict::Warn)]), 1);
    assert_eq!(ends(vec![one(Verdict::Unknown), one(Verdict::Warn)]), 3);
    assert_eq!(ends(vec![one(Verdict::Fail), one(Verdict::Unknown)]), 2);
}

#[test]
fn what_is_held_back_and_who_was_not_notified_is_behind_it() {
    let mut held = check(vec![a_problem("wallet", Verdict::Fail, "down")]);
    held.notifications.held = 2;
    held.notifications.held_because = vec!["maintenance is on".to_owned()];
    held.notifications.failing = vec!["slack: HTTP 500".to_owned()];
    let (_, _, long) = parts(&text(&held, DEPLOYMENTS[0]));
    assert_eq!(long[1..], ["2 held back: maintenance is on", "not notified: slack: HTTP 500"]);
}

#[test]
fn a_certificate_that_is_judged_otherwise_has_no_bounds() {
    let mut short = check(Vec::new());
    let host = short.host_resources.as_mut().unwrap();
    host.certificates[0].days_left = Some(5);
    let (_, data, _) = parts(&text(&short, DEPLOYMENTS[0]));
    assert!(data.contains(&"'certificate wallet.prim.sh'=5".to_owned()), "{data:?}");
}

#[test]
fn an_error_is_unknown_and_has_its_hint() {
    let error = Error::unknown(Code::Failed, "several | deployments\nare here").hint("opsctl -d prim check");
    assert_eq!(failed(&error), "OPSCTL UNKNOWN - several / deployments are here\nhint: opsctl -d prim check\n");
}

proptest! {
    #[test]
    fn it_is_what_plugins_print_whatever_others_wrote(
        summaries in proptest::collection::vec("\\PC{0,400}|[|='\n\u{1b}a-z ]{0,60}", 0..60),
        mounts in proptest::collection::vec("/[|='\n\u{1b}a-z é]{0,120}", 0..60),
        seconds in proptest::num::f64::ANY,
    ) {
        let problems = summaries.iter().map(|summary| a_problem(summary, Verdict::Fail, summary)).collect();
        let mut check = check(problems);
        check.seconds = seconds;
        let disks = mounts.iter().map(|mount| Disk {
            mounted_on: mount.clone(),
            size_bytes: u64::MAX,
            available_bytes: 0,
            used_percent: 255,
            inodes_used_percent: None,
        });
        check.host_resources.as_mut().unwrap().disks = Some(disks.collect());
        check.host_resources.as_mut().unwrap().load.as_mut().unwrap().one = seconds;
        let text = text(&check, DEPLOYMENTS[0]);
        prop_assert!(text.len() <= ALL, "{} bytes", text.len());
        prop_assert!(text.ends_with('\n'));
        prop_assert!(!text.chars().any(|c| c != '\n' && escape::is_hostile(c)));
        prop_assert_eq!(text.matches('|').count(), 1);
        let (first, data, long) = parts(&text);
        prop_assert!(first.chars().count() <= FIRST);
        prop_assert!(long.len() <= summaries.len() + 1);
        let item = regex::Regex::new(
            r"^('[^'=|]+'|[a-z0-9]+)=-?[0-9]+(\.[0-9]+)?(s|B|%)?(;[0-9.:]*){0,3}(;[0-9]+)?$",
        ).unwrap();
        for one in data {
            prop_assert!(item.is_match(&one), "{one}");
        }
    }
}
