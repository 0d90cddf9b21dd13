//! systemd units. Values are those that systemd 257 showed for units made to fail in each way.

mod instances;

use super::*;

/// A unit with a port of its own and nothing to probe.
static LONE: Service = Service::new("lone", &URGENT)
    .summary("alone")
    .severity_reason("it is all there is")
    .managers(&[Manager::Systemd(Unit::new("lone.service").aliases(&["lone-other.service"]))]);

fn health(units: Vec<UnitState>) -> ServiceHealth {
    let mut evidence = all_well(&[&LONE]);
    *evidence.units() = units;
    judge(&SHOP, &[&LONE], &evidence).services.remove(0)
}

/// `verdict, state: what systemd's check says`.
fn reads(change: impl FnOnce(&mut UnitState)) -> String {
    let mut unit = running_unit("lone.service");
    change(&mut unit);
    let health = health(vec![unit]);
    let [check] = health.checks.as_slice() else { panic!("one manager is one check: {:?}", health.checks) };
    format!("{}, {}: {}", word(check.verdict), health.state.label(), check.summary)
}

fn inactive(unit: &mut UnitState) {
    unit.active = "inactive".to_owned();
    unit.sub = "dead".to_owned();
    unit.main_pid = None;
}

/// Ended with an exit code and stays down.
fn failed(code: u32) -> impl Fn(&mut UnitState) {
    move |unit| {
        unit.active = "failed".to_owned();
        unit.sub = "failed".to_owned();
        unit.result = "exit-code".to_owned();
        unit.main_pid = None;
        unit.exit_kind = 1;
        unit.exit_status = code;
    }
}

/// Ended with exit code 3, and systemd waits before it starts it for the n-th time.
fn waits_to_restart(restarts: u32) -> impl Fn(&mut UnitState) {
    move |unit| {
        failed(3)(unit);
        unit.active = "activating".to_owned();
        unit.sub = "auto-restart".to_owned();
        unit.restarts = restarts;
    }
}

#[test]
fn a_running_unit_is_told_in_full() {
    let mut unit = running_unit("lone.service");
    unit.memory_bytes = Some(1 << 20);
    unit.restarts = 1;
    let command = "systemctl status lone.service".to_owned();
    let running = Check {
        source: "systemd".into(),
        verdict: Verdict::Pass,
        summary: "active (running)".into(),
        command: command.into(),
        about: About::Other,
        needs_root: false,
    };
    assert_eq!(
        health(vec![unit]),
        ServiceHealth {
            origin: crate::registry::Origin::Stated,
            name: "lone".into(),
            manager: Some("systemd".into()),
            unit: Some("lone.service".into()),
            verdict: Verdict::Pass,
            state: State::Running,
            health: None,
            since: Some(ago(3600)),
            restarts: Some(1),
            pid: Some(100),
            memory_bytes: Some(1 << 20),
            port: None,
            endpoint: None,
            severity: "urgent".into(),
            respond: "now".into(),
            summary: String::new(),
            note: None,
            cause: None,
            dependants: Vec::new(),
            port_owner: None,
            on_purpose: None,
            checks: vec![running],
        }
    );
}

#[test]
fn well_in_every_way_it_can_be() {
    assert_eq!(reads(|_| {}), "pass, running: active (running)");
    assert_eq!(reads(|unit| unit.active = "reloading".to_owned()), "pass, running: reloading (running)");
    assert_eq!(reads(|unit| unit.active = "refreshing".to_owned()), "pass, running: refreshing (running)");
    assert_eq!(reads(|unit| unit.sub = "exited".to_owned()), "pass, completed: active (exited)");
    // Restarts of long ago are history.
    assert_eq!(
        reads(|unit| (unit.restarts, unit.active_since) = (12, Some(ago(86_400)))),
        "pass, running: active (running)"
    );
}

#[test]
fn b1_a_unit_that_does_not_exist_is_not_a_stopped_one() {
    let missing = |name: &str| UnitState {
        load: "not-found".to_owned(),
        active: "inactive".to_owned(),
        sub: "dead".to_owned(),
        file_state: String::new(),
        ..running_unit(name)
    };
    let none = health(vec![missing("lone.service"), missing("lone-other.service")]);
    assert_eq!(
        (none.state, none.verdict, none.summary.as_str()),
        (State::NotFound, Verdict::Fail, "lone.service not found")
    );
    assert_eq!((none.since, none.restarts, none.pid), (None, None, None));
    // The other name counts as well, and is the one that is told.
    let other = health(vec![missing("lone.service"), running_unit("lone-other.service")]);
    assert_eq!((other.verdict, other.unit.as_deref()), (Verdict::Pass, Some("lone-other.service")));
    // systemd answers for every name, so no word of it means that the answer was cut.
    let cut = health(vec![running_unit("something-else.service")]);
    assert_eq!(
        (cut.state, cut.verdict, cut.summary.as_str()),
        (State::Unknown, Verdict::Unknown, "did not report lone.service")
    );
}

#[test]
fn b2_masked_disabled_and_static_units() {
    let masked = reads(|unit| {
        inactive(unit);
        unit.load = "masked".to_owned();
        unit.file_state = "masked".to_owned();
    });
    assert_eq!(masked, "fail, masked: masked: it cannot be started");
    for state in ["enabled", "disabled", "static"] {
        let stopped = reads(|unit| {
            inactive(unit);
            unit.file_state = state.to_owned();
        });
        assert_eq!(stopped, "fail, stopped: stopped", "{state}");
        assert_eq!(reads(|unit| unit.file_state = state.to_owned()), "pass, running: active (running)", "{state}");
    }
}

#[test]
fn b3_crash_loops_fast_and_slow() {
    // Waiting for its next start; the counter is raised only when that begins.
    assert_eq!(reads(waits_to_restart(0)), "fail, restarting: ended, will be restarted: exit 3");
    assert_eq!(reads(waits_to_restart(1)), "fail, restarting: ended, will be restarted: exit 3");
    assert_eq!(reads(waits_to_restart(2)), "fail, crash loop: crash loop: 2 restarts, last: exit 3");
    assert_eq!(reads(waits_to_restart(40)), "fail, crash loop: crash loop: 40 restarts, last: exit 3");
    let queued = reads(|unit| {
        waits_to_restart(7)(unit);
        unit.sub = "auto-restart-queued".to_owned();
    });
    assert_eq!(queued, "fail, crash loop: crash loop: 7 restarts, last: exit 3");
    let starting_again = reads(|unit| {
        waits_to_restart(7)(unit);
        unit.sub = "start".to_owned();
    });
    assert_eq!(starting_again, "fail, crash loop: crash loop: 7 restarts, last: exit 3");
    let killed = reads(|unit| {
        waits_to_restart(3)(unit);
        (unit.exit_kind, unit.exit_status) = (2, 9);
    });
    assert_eq!(killed, "fail, crash loop: crash loop: 3 restarts, last: killed by signal 9");
    let dumped = reads(|unit| {
        waits_to_restart(3)(unit);
        (unit.exit_kind, unit.exit_status) = (3, 11);
    });
    assert_eq!(dumped, "fail, crash loop: crash loop: 3 restarts, last: core dump, signal 11");
    // systemd gave up: Result is exit-code, not start-limit-hit.
    let given_up = reads(|unit| {
        failed(3)(unit);
        unit.restarts = 5;
    });
    assert_eq!(given_up, "fail, failed: failed: exit 3 after 5 restarts");
}

#[test]
fn b3_a_unit_that_runs_between_two_crashes_is_in_a_loop() {
    let young = |restarts: u32, seconds: i64| {
        let mut unit = running_unit("lone.service");
        unit.active_since = Some(ago(seconds));
        unit.restarts = restarts;
        let health = health(vec![unit]);
        (health.state, health.verdict)
    };
    assert_eq!(young(4, 3), (State::CrashLoop, Verdict::Fail));
    assert_eq!(young(3, 59), (State::CrashLoop, Verdict::Fail));
    // Without their times nobody knows whether it goes on.
    assert_eq!(young(3, 60), (State::Running, Verdict::Unknown));
    assert_eq!(young(3, 86_400), (State::Running, Verdict::Pass));
    assert_eq!(young(2, 3), (State::Running, Verdict::Warn));
    assert_eq!(young(0, 3), (State::Running, Verdict::Pass));
}

/// systemd shows nothing of the last end while a new process runs (`ExecMainCode=0`, `ExecMainStatus=0`): to call that
/// "exit 0" is to say what was not seen.
#[test]
fn b3_while_it_runs_nothing_is_known_of_its_last_end() {
    let between = |restarts: u32| {
        reads(|unit| {
            unit.active_since = Some(ago(3));
            unit.restarts = restarts;
        })
    };
    for told in [between(4), between(1)] {
        assert!(!told.contains("exit 0"), "{told}");
    }
}

#[test]
fn b5_the_start_limit() {
    let hit = reads(|unit| {
        failed(0)(unit);
        unit.result = "start-limit-hit".to_owned();
        (unit.exit_kind, unit.exit_status) = (2, 15);
    });
    assert_eq!(hit, "fail, failed: failed: too many starts (start limit), last: killed by signal 15");
}

#[test]
fn b6_a_condition_that_does_not_hold() {
    let skipped = reads(|unit| {
        inactive(unit);
        unit.condition_failed = true;
    });
    assert_eq!(skipped, "fail, skipped: not started: a condition or assertion of its unit is not met");
}

#[test]
fn b7_a_missing_environment_file_is_named() {
    let told = reads(|unit| {
        failed(0)(unit);
        unit.result = "resources".to_owned();
        unit.missing_files = vec!["/etc/shop.env".to_owned()];
    });
    assert_eq!(told, "fail, failed: failed: its EnvironmentFile /etc/shop.env does not exist");
}

#[test]
fn b7_b8_b9_results_of_systemd_become_reasons() {
    let of = |result: &str| {
        reads(|unit| {
            failed(0)(unit);
            unit.result = result.to_owned();
            unit.exit_kind = 0;
        })
    };
    assert_eq!(of("resources"), "fail, failed: failed: systemd lacked a resource for its start");
    assert_eq!(of("timeout"), "fail, failed: failed: did not start or stop before its timeout");
    assert_eq!(of("oom-kill"), "fail, failed: failed: OOM-killed");
    assert_eq!(of("watchdog"), "fail, failed: failed: killed: it missed its watchdog");
    assert_eq!(of("protocol"), "fail, failed: failed: ended before it reported that it is ready");
    assert_eq!(reads(failed(200)), "fail, failed: failed: exit 200: its working directory is missing");
    assert_eq!(reads(failed(203)), "fail, failed: failed: exit 203: its program cannot be executed");
    assert_eq!(reads(failed(217)), "fail, failed: failed: exit 217: its user does not exist");
    assert_eq!(reads(failed(1)), "fail, failed: failed: exit 1");
    let killed = reads(|unit| {
        failed(0)(unit);
        unit.result = "signal".to_owned();
        (unit.exit_kind, unit.exit_status) = (2, 6);
    });
    assert_eq!(killed, "fail, failed: failed: killed by signal 6");
}

#[test]
fn b7_a_unit_file_that_cannot_be_loaded() {
    for load in ["bad-setting", "error", "stub"] {
        let told = reads(|unit| {
            inactive(unit);
            unit.load = load.to_owned();
        });
        assert_eq!(told, format!("fail, failed: its unit file cannot be loaded ({load})"));
    }
}

#[test]
fn b10_on_the_way_up_and_down() {
    let starting = reads(|unit| {
        unit.active = "activating".to_owned();
        unit.sub = "start".to_owned();
    });
    assert_eq!(starting, "warn, starting: starting (start)");
    let stopping = reads(|unit| {
        unit.active = "deactivating".to_owned();
        unit.sub = "stop-sigterm".to_owned();
    });
    assert_eq!(stopping, "warn, stopping: stopping (stop-sigterm)");
}

#[test]
fn b11_a_unit_file_that_changed_on_disk() {
    assert_eq!(
        reads(|unit| unit.reload_needed = true),
        "warn, running: its unit file changed on disk: systemctl daemon-reload"
    );
    let done = reads(|unit| {
        unit.sub = "exited".to_owned();
        unit.reload_needed = true;
    });
    assert_eq!(done, "warn, completed: its unit file changed on disk: systemctl daemon-reload");
}

#[test]
fn what_something_else_starts_on_demand_is_well_while_that_waits() {
    let with = |trigger: &str, state: &str, change: &dyn Fn(&mut UnitState)| {
        let mut unit = running_unit("lone.service");
        unit.triggered_by = format!("other.path {trigger}");
        change(&mut unit);
        let trigger = UnitState { active: state.to_owned(), ..running_unit(trigger) };
        let health = health(vec![unit, trigger]);
        format!("{}, {}: {}", word(health.verdict), health.state.label(), health.checks[0].summary)
    };
    for trigger in ["lone.socket", "lone.timer"] {
        assert_eq!(with(trigger, "active", &inactive), format!("pass, on demand: started on demand by {trigger}"));
        // Nobody starts it any more.
        assert_eq!(with(trigger, "inactive", &inactive), "fail, stopped: stopped");
        assert_eq!(
            with(trigger, "failed", &inactive),
            format!("fail, failed: not started on demand, because {trigger} failed: unknown")
        );
    }
    // Of a job, when it ran and when it runs next.
    let timed = |changed: Option<jiff::Timestamp>| {
        let mut unit = running_unit("lone.service");
        unit.triggered_by = "lone.timer".to_owned();
        inactive(&mut unit);
        unit.changed = changed;
        let next_elapse = "Sat 2026-11-28 00:00:00 UTC".to_owned();
        let health = health(vec![unit, UnitState { next_elapse, ..running_unit("lone.timer") }]);
        format!("{}: {}", word(health.verdict), health.checks[0].summary)
    };
    assert_eq!(timed(None), "pass: not run since the boot; next run by lone.timer: 2026-11-28 00:00:00 UTC");
    assert_eq!(
        timed(Some("2026-11-27T00:00:07Z".parse().unwrap())),
        "pass: succeeded 2026-11-27 00:00:07 UTC; next run by lone.timer: 2026-11-28 00:00:00 UTC"
    );
    // What systemd said nothing of does not wait, and a socket is no excuse for a crash.
    let alone = reads(|unit| {
        inactive(unit);
        unit.triggered_by = "lone.socket".to_owned();
    });
    assert_eq!(alone, "fail, stopped: stopped");
    assert_eq!(with("lone.socket", "active", &failed(1)), "fail, failed: failed: exit 1");
}

/// `systemctl stop docker` leaves its socket: a question would start it, and no container runs until then.
#[test]
fn an_engine_that_starts_at_boot_is_not_on_demand() {
    static ENGINE: Service = Service::new("docker", &URGENT)
        .managers(&[Manager::Systemd(Unit::new("docker.service"))])
        .probes(&[Probe::DockerEngine]);
    let with = |file_state: &str| {
        let mut unit = running_unit("docker.service");
        inactive(&mut unit);
        unit.triggered_by = "docker.socket".to_owned();
        file_state.clone_into(&mut unit.file_state);
        let answer = said("systemctl show", vec![unit, running_unit("docker.socket")]);
        crate::judge::health::unit::judge(&Unit::new("docker.service"), &ENGINE, &answer, None, now()).state
    };
    assert_eq!((with("enabled"), with("disabled")), (State::Stopped, State::Waiting));
}

#[test]
fn a_state_of_a_later_systemd_is_unknown_and_never_good() {
    let unheard_of = reads(|unit| {
        unit.active = "hibernating".to_owned();
        unit.sub = "deep".to_owned();
    });
    assert_eq!(unheard_of, "unknown, unknown: in a state unknown to opsctl: hibernating (deep)");
}

#[test]
fn since_when_is_the_start_of_what_runs_and_the_last_change_of_what_does_not() {
    let since = |change: &dyn Fn(&mut UnitState)| {
        let mut unit = running_unit("lone.service");
        unit.active_since = Some(ago(500));
        unit.changed = Some(ago(200));
        change(&mut unit);
        health(vec![unit]).since
    };
    assert_eq!(since(&|_| {}), Some(ago(500)));
    assert_eq!(since(&|unit| unit.sub = "exited".to_owned()), Some(ago(500)));
    assert_eq!(since(&failed(1)), Some(ago(200)));
    assert_eq!(since(&inactive), Some(ago(200)));
}

/// What systemd 257 printed of a unit that runs.
const RUNNING: &str = "Type=simple\nRestart=on-failure\nMainPID=165\nResult=success\nNRestarts=0\nExecMainCode=0\n\
    ExecMainStatus=0\nControlGroup=/system.slice/lone.service\nMemoryCurrent=[not set]\nWorkingDirectory=/tmp\nUser=nobody\n\
    Id=lone.service\nNames=lone.service\nTriggeredBy=\nLoadState=loaded\nActiveState=active\nSubState=running\n\
    FragmentPath=/etc/systemd/system/lone.service\nUnitFileState=enabled\nStateChangeTimestamp=@1772071080\n\
    ActiveEnterTimestamp=@1772071080\nNeedDaemonReload=no\nConditionResult=yes\n";

fn verdict_of(text: &str) -> Verdict {
    let mut evidence = all_well(&[&LONE]);
    let result = crate::host::tools::systemctl::parse_show(text).map_err(Trouble::from);
    evidence.managers.units = Some(Answer { command: "systemctl show".into(), result });
    judge(&SHOP, &[&LONE], &evidence).services.remove(0).verdict
}

/// Half an answer lacks what would have told of the crash loop, the missed reload, the hour.
#[test]
fn a7_an_answer_cut_at_any_byte_is_not_good() {
    assert_eq!(verdict_of(RUNNING), Verdict::Pass);
    let good: Vec<&str> = (0..RUNNING.len() - "=yes\n".len())
        .map(|end| &RUNNING[..end])
        .filter(|cut| verdict_of(cut) == Verdict::Pass)
        .map(|cut| cut.rsplit('\n').next().unwrap())
        .collect();
    assert_eq!(good, Vec::<&str>::new(), "ends of cut answers that pass");
}

/// Whatever its state is: without details a unit is never well, one that failed has failed, and its restarts are not told.
#[test]
fn b21_a_unit_without_details_never_passes() {
    let states = ["active", "reloading", "activating", "deactivating", "failed", "inactive", "maintenance"];
    let subs = ["running", "exited", "dead", "auto-restart", "auto-restart-queued", "failed", "start", "listening"];
    for (active, sub) in states.iter().flat_map(|active| subs.iter().map(move |sub| (*active, *sub))) {
        let (id, load) = ("lone.service".to_owned(), "loaded".to_owned());
        let (active, sub) = (active.to_owned(), sub.to_owned());
        let is_down = active == "failed" || (active == "activating" && sub.contains("auto"));
        let told = health(vec![UnitState { id, load, active, sub, brief: true, ..UnitState::default() }]);
        assert_eq!(told.verdict, if is_down { Verdict::Fail } else { Verdict::Unknown }, "{told:?}");
        assert_eq!(told.restarts, None);
        assert!(told.checks[0].summary.contains("no details before the timeout"), "{told:?}");
    }
    // Of one that was not even listed nothing is known.
    let told = health(vec![UnitState { id: "lone.service".to_owned(), brief: true, ..UnitState::default() }]);
    assert_eq!((told.verdict, told.state), (Verdict::Unknown, State::Unknown));
}
