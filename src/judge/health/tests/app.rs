//! Applications of pm2.

use super::*;

/// What the check says when the daemon lists these processes.
fn reads(processes: Vec<Process>) -> String {
    let mut evidence = all_well(&[&WORKER]);
    *evidence.processes() = processes;
    one_line(&judge(&SHOP, &[&WORKER], &evidence).services.remove(0))
}

fn one_line(health: &ServiceHealth) -> String {
    let [check] = health.checks.as_slice() else { panic!("one manager is one check: {:?}", health.checks) };
    format!("{}, {}: {}", word(check.verdict), health.state.label(), check.summary)
}

fn process(status: &str) -> Process {
    Process { status: status.to_owned(), pid: None, memory_bytes: None, ..online("worker") }
}

#[test]
fn all_processes_are_told_as_one_service() {
    let mut evidence = all_well(&[&WORKER]);
    let first = Process { restarts: 2, started: Some(ago(7200)), ..online("worker") };
    *evidence.processes() = vec![first, online("another"), Process { restarts: 1, ..online("worker") }];
    let both = Check {
        source: "pm2".into(),
        about: About::Other,
        verdict: Verdict::Pass,
        summary: "2 of 2 online".into(),
        command: "pm2 jlist".into(),
        needs_root: false,
    };
    assert_eq!(
        judge(&SHOP, &[&WORKER], &evidence).services,
        [ServiceHealth {
            origin: crate::registry::Origin::Stated,
            name: "worker".into(),
            manager: Some("pm2".into()),
            unit: Some("worker".into()),
            verdict: Verdict::Pass,
            state: State::Running,
            health: None,
            since: Some(ago(7200)),
            restarts: Some(3),
            pid: None,
            memory_bytes: Some(100 << 20),
            port: None,
            endpoint: None,
            severity: "later".into(),
            respond: "tomorrow".into(),
            summary: String::new(),
            note: None,
            cause: None,
            dependants: Vec::new(),
            port_owner: None,
            on_purpose: None,
            checks: vec![both],
        }]
    );
}

#[test]
fn a_single_process_has_a_process_id() {
    let mut evidence = all_well(&[&WORKER]);
    *evidence.processes() = vec![online("worker")];
    let health = judge(&SHOP, &[&WORKER], &evidence).services.remove(0);
    assert_eq!((one_line(&health).as_str(), health.pid), ("pass, running: online", Some(300)));
}

/// What an application's own daemon says of it is whatever its user likes.
#[test]
fn numbers_that_cannot_be_neither_wrap_nor_panic() {
    let hostile = |started| Process {
        restarts: u32::MAX,
        unstable: u32::MAX,
        memory_bytes: Some(u64::MAX),
        started: Some(started),
        ..online("worker")
    };
    for started in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        let mut evidence = all_well(&[&WORKER]);
        *evidence.processes() = vec![hostile(started), hostile(started)];
        let health = judge(&SHOP, &[&WORKER], &evidence).services.remove(0);
        assert_eq!((health.restarts, health.memory_bytes), (Some(u32::MAX), Some(u64::MAX)));
        let span = SignedDuration::from_hours(1);
        let (later, earlier) = (crate::units::later(started, span), crate::units::earlier(started, span));
        assert!(earlier <= started && started <= later && earlier < later);
    }
}

#[test]
fn d4_some_online_some_not() {
    assert_eq!(reads(vec![online("worker"), process("stopped")]), "warn, partial: only 1 of 2 online");
    assert_eq!(reads(vec![online("worker"), process("errored")]), "warn, partial: only 1 of 2 online");
    assert_eq!(reads(vec![online("worker"), process("launching")]), "warn, partial: only 1 of 2 online");
}

#[test]
fn d4_pm2_gave_up() {
    let errored = Process { restarts: 10, exit_code: Some(3), ..process("errored") };
    assert_eq!(reads(vec![errored.clone()]), "fail, failed: errored after 10 restarts, exit 3: pm2 has given up on it");
    assert_eq!(
        reads(vec![Process { exit_code: None, ..errored }, process("stopped")]),
        "fail, failed: errored after 10 restarts: pm2 has given up on it"
    );
}

#[test]
fn crash_loops() {
    let unstable = Process { restarts: 6, unstable: 4, started: Some(ago(5)), ..online("worker") };
    assert_eq!(reads(vec![unstable.clone()]), "fail, crash loop: crash loop: 6 restarts");
    let with_code = Process { exit_code: Some(1), ..unstable.clone() };
    assert_eq!(reads(vec![online("worker"), with_code]), "fail, crash loop: crash loop: 6 restarts, last: exit 1");
    // It has settled.
    let since = |seconds| reads(vec![Process { started: Some(ago(seconds)), ..unstable.clone() }]);
    assert_eq!(
        (since(14), since(15)),
        ("fail, crash loop: crash loop: 6 restarts".into(), "pass, running: online".into())
    );
    // Restarts of a deploy count as restarts, but not as unstable ones.
    assert_eq!(reads(vec![Process { unstable: 0, ..unstable }]), "pass, running: online");
    // Between two runs as well.
    let unstable = Process { restarts: 3, unstable: 1, started: Some(ago(5)), ..process("waiting restart") };
    assert_eq!(reads(vec![unstable]), "fail, crash loop: crash loop: 3 restarts");
}

#[test]
fn one_that_ended_is_no_loop_yet() {
    let ended =
        Process { restarts: 1, unstable: 1, exit_code: Some(1), started: Some(ago(5)), ..process("waiting restart") };
    assert_eq!(
        reads(vec![online("worker"), ended]),
        "fail, restarting: ended, pm2 waits to start it again: exit 1, 1 restarts so far"
    );
}

#[test]
fn down_and_on_the_way() {
    assert_eq!(reads(vec![process("stopped"), process("stopped")]), "fail, stopped: stopped");
    assert_eq!(reads(vec![process("stopping")]), "fail, stopped: stopping");
    assert_eq!(reads(vec![process("launching"), process("stopped")]), "warn, starting: launching");
    assert_eq!(
        reads(vec![process("one-launch-status")]),
        "unknown, unknown: in a state unknown to opsctl: one-launch-status"
    );
}

#[test]
fn d1_d2_no_daemon_no_application_no_answer() {
    assert_eq!(reads(vec![online("another")]), "fail, not found: pm2 has no application worker");
    let with = |answer: Answer<Option<PmDaemon>>| {
        let mut evidence = all_well(&[&WORKER]);
        evidence.managers.apps.insert("/home/app/.pm2", answer);
        one_line(&judge(&SHOP, &[&WORKER], &evidence).services.remove(0))
    };
    assert_eq!(with(said("cat pm2.pid", None)), "fail, stopped: the pm2 daemon of app is not running");
    // What the probe makes of an empty list: the wrong daemon answered, so nothing is known of the application.
    let empty = Trouble::Failed("it lists no applications".to_owned());
    assert_eq!(with(silent("pm2 jlist", &empty)), "unknown, unknown: it lists no applications");
}
