//! Services that need not be there, and ports in other hands.

use super::*;
use crate::observe::probe::ListenAddress;

static OPTIONAL: Service = Service::new("optional", &LATER)
    .summary("here or not")
    .severity_reason("nobody waits")
    .managers(&[Manager::Systemd(Unit::new("optional.service"))])
    .ports(&[9000])
    .probes(&[Probe::Http(Http::get(9000, "/", &[Rule::ok(200)]))])
    .presence(Presence::IfFound("not set up everywhere"));
static UNMANAGED: Service = Service { name: "unmanaged", managers: &[], ..OPTIONAL_PARTS };
const OPTIONAL_PARTS: Service = Service::new("unmanaged", &LATER)
    .summary("here or not")
    .severity_reason("nobody waits")
    .ports(&[9000])
    .probes(&[Probe::Http(Http::get(9000, "/", &[Rule::ok(200)]))])
    .presence(Presence::IfFound("not set up everywhere"));
static FAR: Service = Service::new("far", &LATER)
    .summary("not here")
    .severity_reason("nobody waits")
    .presence(Presence::Elsewhere("runs at the vendor's"));

/// What is made of a service that need not be there, by its unit and whether its port answers.
fn optional(answers: bool, change: impl FnOnce(&mut UnitState)) -> String {
    let mut evidence = all_well(&[&OPTIONAL]);
    change(evidence.unit("optional.service"));
    if !answers {
        evidence.replies[0] = vec![refused()];
    }
    judged(&[&OPTIONAL], &evidence)
}

#[test]
fn what_need_not_be_there_is_judged_where_it_is() {
    let absent = "optional: absent: not set up everywhere\n";
    let missing = |unit: &mut UnitState| {
        unit.load = "not-found".to_owned();
        unit.active = "inactive".to_owned();
    };
    let stopped = |file_state: &'static str| {
        move |unit: &mut UnitState| {
            unit.active = "inactive".to_owned();
            unit.file_state = file_state.to_owned();
        }
    };
    let masked = |unit: &mut UnitState| {
        unit.active = "inactive".to_owned();
        unit.load = "masked".to_owned();
    };
    let failed = |unit: &mut UnitState| unit.active = "failed".to_owned();
    assert_eq!(optional(true, |_| {}), "optional: pass, running: all well\n");
    assert_eq!(optional(false, |_| {}), "optional: fail, running: connection refused\n");
    assert_eq!(optional(false, missing), absent);
    // Another program on its port does not make it exist.
    assert_eq!(optional(true, missing), absent);
    let unused = "optional: absent: installed, and not in use\n";
    assert_eq!(optional(false, stopped("disabled")), unused);
    assert_eq!(optional(true, stopped("disabled")), "optional: fail, stopped: stopped\n");
    assert_eq!(optional(false, stopped("enabled")), "optional: fail, stopped: stopped; connection refused\n");
    assert_eq!(optional(false, stopped("static")), "optional: fail, stopped: stopped; connection refused\n");
    assert_eq!(optional(false, masked), unused);
    let skipped = |unit: &mut UnitState| {
        stopped("enabled")(unit);
        unit.condition_failed = true;
    };
    assert_eq!(optional(false, skipped), "optional: absent: a condition of its unit is not met\n");
    assert_eq!(optional(false, failed), "optional: fail, failed: failed: unknown; connection refused\n");
}

#[test]
fn without_systemd_what_listens_is_taken_for_the_service() {
    let without = |services: &[&'static Service], answers: bool| {
        let mut evidence = all_well(services);
        evidence.managers.units =
            Some(silent("systemctl show", &Trouble::Unavailable("not booted with systemd".into())));
        if !answers {
            evidence.replies[0].fill(refused());
        }
        judged(services, &evidence)
    };
    assert_eq!(without(&[&OPTIONAL], true), "optional: pass, unknown: all well\n");
    assert_eq!(without(&[&OPTIONAL], false), "optional: absent: not set up everywhere\n");
    // What must be there stays unknown.
    assert_eq!(without(&[&SITE], true), "site: unknown, unknown: not booted with systemd\n");
}

#[test]
fn m6_where_presence_cannot_be_told_a_closed_port_is_no_failure() {
    for trouble in troubles().into_iter().filter(|trouble| !matches!(trouble, Trouble::Unavailable(_))) {
        let mut evidence = all_well(&[&OPTIONAL]);
        evidence.managers.units = Some(silent("systemctl show", &trouble));
        assert_eq!(judged(&[&OPTIONAL], &evidence), format!("optional: unknown, unknown: {trouble}\n"));
        evidence.replies[0] = vec![refused()];
        let expected = match trouble {
            // Without the tool there is nothing that it would manage.
            Trouble::Missing(_) => "optional: absent: not set up everywhere\n".to_owned(),
            // It may be here or not: that it does not answer proves nothing.
            _ => format!("optional: unknown, unknown: {trouble}\n"),
        };
        assert_eq!(judged(&[&OPTIONAL], &evidence), expected);
    }
}

/// That it is there was seen; only what its state means is not known.
#[test]
fn what_its_manager_knows_is_there_whatever_its_state() {
    let odd = |unit: &mut UnitState| unit.active = "hibernating".to_owned();
    assert_eq!(
        optional(false, odd),
        "optional: fail, unknown: in a state unknown to opsctl: hibernating (running); connection refused\n"
    );
}

#[test]
fn what_nothing_manages_is_there_when_it_answers() {
    let mut evidence = all_well(&[&UNMANAGED]);
    assert_eq!(judged(&[&UNMANAGED], &evidence), "unmanaged: pass, -: all well\n");
    evidence.replies[0] = vec![refused()];
    assert_eq!(judged(&[&UNMANAGED], &evidence), "unmanaged: absent: not set up everywhere\n");
}

#[test]
fn what_runs_elsewhere_is_never_judged() {
    assert_eq!(judged(&[&FAR], &all_well(&[&FAR])), "far: absent: runs at the vendor's\n");
}

static SILENT: Service = Service::new("silent", &LATER)
    .summary("has a port and no probe")
    .severity_reason("nobody waits")
    .managers(&[Manager::Systemd(Unit::new("silent.service"))])
    .ports(&[3306]);

#[test]
fn b16_a_port_in_other_hands() {
    let other = Holder::Other { pid: 666, name: "nc".to_owned() };
    let mut evidence = all_well(&[&SITE]);
    evidence.holders = vec![other.clone()];
    let health = judge(&SHOP, &[&SITE], &evidence).services.remove(0);
    assert_eq!(health.port_owner, Some(PortOwner { pid: 666, name: "nc".to_owned() }));
    assert_eq!(health.summary, "port 3000 is held by nc (pid 666)");
    assert_eq!(
        health.checks.last().map(line).as_deref(),
        Some("port :3000: fail: port 3000 is held by nc (pid 666) [ss -Hltnp 'sport = :3000']")
    );
    // A unit that only starts others has no port of its own, nor has what nothing manages.
    evidence.unit("site.service").sub = "exited".to_owned();
    assert_eq!(judged(&[&SITE], &evidence), "site: pass, completed: all well\n");
    let mut evidence = all_well(&[&UNMANAGED]);
    evidence.holders = vec![other];
    assert_eq!(judged(&[&UNMANAGED], &evidence), "unmanaged: pass, -: all well\n");
}

#[test]
fn b16_a_port_that_nobody_holds() {
    let held_by = |service: &'static Service, holder: Holder| {
        let mut evidence = all_well(&[service]);
        evidence.holders = vec![holder];
        judged(&[service], &evidence)
    };
    assert_eq!(held_by(&SILENT, Holder::Nobody), "silent: fail, running: nothing listens on port 3306\n");
    assert_eq!(held_by(&SILENT, Holder::Own), "silent: pass, running: all well\n");
    assert_eq!(held_by(&SILENT, Holder::Unseen), "silent: pass, running: all well\n");
    // Its probe says more than a table of sockets could.
    assert_eq!(held_by(&SITE, Holder::Nobody), "site: pass, running: all well\n");
    // What does not run need not listen.
    let mut evidence = all_well(&[&SILENT]);
    evidence.holders = vec![Holder::Nobody];
    evidence.unit("silent.service").active = "inactive".to_owned();
    assert_eq!(judged(&[&SILENT], &evidence), "silent: fail, stopped: stopped\n");
}

#[test]
fn of_a_service_that_cannot_be_asked_for_nobody_knows_which_process_is_its_own() {
    let mut evidence = all_well(&[&SITE]);
    evidence.managers.units = Some(silent("systemctl show", &Trouble::TimedOut(Duration::from_millis(2400))));
    evidence.holders = vec![Holder::Other { pid: 90, name: "bun".to_owned() }];
    assert_eq!(judged(&[&SITE], &evidence), "site: unknown, unknown: no answer in 2.4 s\n");
}

/// What is held against a registry that only states a default, or one that states where others look for it.
fn elsewhere(at: &[&str], answers: bool) -> Holder {
    let parse = |text: &&str| text.parse().map_or_else(|_| ListenAddress::Unix((*text).to_owned()), ListenAddress::Tcp);
    let at: Vec<ListenAddress> = at.iter().map(parse).collect();
    Holder::Elsewhere { answers: answers.then(|| at[0].clone()), at, instead: None }
}

#[test]
fn b23_what_listens_elsewhere_is_told_with_both_addresses() {
    let told = |service: &'static Service, holder: Holder, reply: Answer<Reply>| {
        let mut evidence = all_well(&[service]);
        evidence.holders = vec![holder];
        if let Some(first) = evidence.replies[0].first_mut() {
            *first = reply;
        }
        judged(&[service], &evidence)
    };
    let ok = || said("ask it", Reply::Http { status: 200, body: "ok".to_owned() });
    // A default is only where to look first.
    let moved = elsewhere(&["0.0.0.0:8080", "[::]:8080"], true);
    assert_eq!(told(&OPTIONAL, moved, ok()), "optional: pass, running: all well\n");
    // It runs, and its health was not seen.
    let mute = elsewhere(&["/run/optional.sock"], false);
    assert_eq!(
        told(&OPTIONAL, mute, refused()),
        "optional: unknown, running: listens on /run/optional.sock and not on :9000, and its answer there is not understood\n"
    );
    assert_eq!(
        told(&OPTIONAL, Holder::Hidden, refused()),
        "optional: unknown, running: nothing listens on :9000; finding its other ports needs root\n"
    );
    // Nobody listens, and root saw that: it is not a matter of the port.
    assert_eq!(told(&OPTIONAL, Holder::Nobody, refused()), "optional: fail, running: connection refused\n");
    // A runbook states where others look for it.
    let moved = elsewhere(&["127.0.0.1:3999", "[::1]:3999"], true);
    assert_eq!(told(&SITE, moved, ok()), "site: fail, running: listens on :3999, [::1]:3999 and not on :3000\n");
    let v6 = elsewhere(&["[::1]:3000"], false);
    assert_eq!(
        told(&SITE, v6, refused()),
        "site: fail, running: connection refused; listens on [::1]:3000 and not on :3000\n"
    );
    assert_eq!(
        told(&SILENT, elsewhere(&["/run/mysqld.sock"], false), refused()),
        "silent: fail, running: listens on /run/mysqld.sock and not on :3306\n"
    );
}

#[test]
fn b23_a_program_on_the_port_of_what_is_not_in_use_does_not_put_it_to_use() {
    let with = |name: &str| {
        let mut evidence = all_well(&[&OPTIONAL]);
        let unit = evidence.unit("optional.service");
        (unit.active, unit.file_state) = ("inactive".to_owned(), "disabled".to_owned());
        evidence.holders = vec![Holder::Other { pid: 7, name: name.to_owned() }];
        judged(&[&OPTIONAL], &evidence)
    };
    assert_eq!(with("caddy"), "optional: absent: installed, and not in use\n");
    // Its own program, started by hand.
    assert_eq!(with("optional"), "optional: fail, stopped: stopped; port 9000 is held by optional (pid 7)\n");
}

#[test]
fn m6_what_answers_is_told_also_where_its_manager_does_not_and_nobody_sees_whose_port_it_is() {
    let mut evidence = all_well(&[&OPTIONAL]);
    evidence.managers.units = Some(silent("systemctl show", &Trouble::TimedOut(Duration::from_millis(2400))));
    evidence.holders = vec![Holder::Unseen];
    let health = judge(&SHOP, &[&OPTIONAL], &evidence);
    assert_eq!(health.services[0].health, Some(Verdict::Pass));
}

#[test]
fn what_was_just_stopped_is_here_also_where_it_need_not_be() {
    let mut evidence = all_well(&[&OPTIONAL]);
    let unit = evidence.unit("optional.service");
    (unit.active, unit.file_state) = ("inactive".to_owned(), "disabled".to_owned());
    evidence.replies[0] = vec![refused()];
    let health = judge_changed(&SHOP, &[&OPTIONAL], &evidence);
    assert_eq!(health.services[0].state, State::Stopped);
}
