//! From checks to services and from services to a deployment.

use super::*;

const ALL: [&Service; 4] = [&DATABASE, &API, &WORKER, &SITE];

const WELL: &str = "\
database: pass, running: all well
api: pass, running: all well
worker: pass, running: all well
site: pass, running: all well
";

/// The unit has failed and its port is closed.
fn down(evidence: &mut Evidence, services: &[&'static Service], name: &str) {
    let index = services.iter().position(|service| service.name == name).unwrap();
    let unit = evidence.unit(&format!("{name}.service"));
    unit.active = "failed".to_owned();
    unit.sub = "failed".to_owned();
    (unit.exit_kind, unit.exit_status, unit.main_pid) = (1, 1, None);
    evidence.replies[index].fill(refused());
}

#[test]
fn all_is_well() {
    assert_eq!(judged(&ALL, &all_well(&ALL)), WELL);
}

#[test]
fn a_service_says_who_it_is_and_who_needs_it() {
    let health = judge(&SHOP, &[&DATABASE], &all_well(&[&DATABASE])).services.remove(0);
    assert_eq!(
        health,
        ServiceHealth {
            origin: crate::registry::Origin::Stated,
            name: "database".into(),
            manager: Some("systemd".into()),
            unit: Some("database.service".into()),
            verdict: Verdict::Pass,
            state: State::Running,
            health: Some(Verdict::Pass),
            since: Some(ago(3600)),
            restarts: Some(0),
            pid: Some(100),
            memory_bytes: None,
            port: Some(5432),
            endpoint: None,
            severity: "urgent".into(),
            respond: "now".into(),
            summary: String::new(),
            note: None,
            cause: None,
            dependants: vec!["api".into(), "worker".into()],
            port_owner: None,
            on_purpose: None,
            checks: vec![
                passed("systemd", "active (running)", "systemctl status database.service"),
                passed("postgres :5432", "accepting connections", "ask it"),
            ],
        }
    );
}

#[test]
fn what_runs_but_does_not_answer_fails() {
    let mut evidence = all_well(&ALL);
    evidence.replies[3] = vec![refused()];
    let health = judge(&SHOP, &ALL, &evidence);
    let site = &health.services[0];
    assert_eq!(
        (site.name.as_str(), site.state, site.health, site.verdict),
        ("site", State::Running, Some(Verdict::Fail), Verdict::Fail)
    );
    // And what answers but is on its way down is worth a warning.
    let mut evidence = all_well(&ALL);
    evidence.unit("site.service").active = "deactivating".to_owned();
    assert_eq!(
        judged(&ALL, &evidence),
        "\
site: warn, stopping: stopping (running)
database: pass, running: all well
api: pass, running: all well
worker: pass, running: all well
"
    );
}

#[test]
fn m6_trouble_makes_unknown_what_it_fed_and_nothing_else() {
    for trouble in troubles() {
        let mut evidence = all_well(&ALL);
        evidence.managers.units = Some(silent("systemctl show", &trouble));
        assert_eq!(
            judged(&ALL, &evidence),
            format!(
                "\
database: unknown, unknown: {trouble}
site: unknown, unknown: {trouble}
api: pass, running: all well
worker: pass, running: all well
"
            )
        );
        let mut evidence = all_well(&ALL);
        evidence.managers.containers = Some(silent("docker inspect", &trouble));
        assert_eq!(
            judged(&ALL, &evidence),
            format!(
                "\
api: unknown, unknown: {trouble}
database: pass, running: all well
worker: pass, running: all well
site: pass, running: all well
"
            )
        );
        let mut evidence = all_well(&ALL);
        evidence.managers.apps.insert("/home/app/.pm2", silent("pm2 jlist", &trouble));
        assert_eq!(
            judged(&ALL, &evidence),
            format!(
                "\
worker: unknown, unknown: {trouble}
database: pass, running: all well
api: pass, running: all well
site: pass, running: all well
"
            )
        );
        let mut evidence = all_well(&ALL);
        evidence.replies[3] = vec![silent("curl", &trouble)];
        assert_eq!(
            judged(&ALL, &evidence),
            format!(
                "\
site: unknown, running: {trouble}
database: pass, running: all well
api: pass, running: all well
worker: pass, running: all well
"
            )
        );
    }
}

#[test]
fn promise_10_what_was_not_asked_is_not_good() {
    let mut evidence = all_well(&ALL);
    evidence.managers = ManagerEvidence::default();
    assert_eq!(
        judged(&ALL, &evidence),
        "database: unknown, unknown: was not checked
api: unknown, unknown: was not checked
site: unknown, unknown: was not checked
worker: unknown, unknown: was not checked
"
    );
}

#[test]
fn a_failure_outranks_what_is_unknown_and_both_are_told() {
    let mut evidence = all_well(&ALL);
    evidence.managers.units = Some(silent("systemctl show", &Trouble::TimedOut(Duration::from_millis(2400))));
    evidence.replies[3] = vec![refused()];
    assert_eq!(
        judged(&ALL, &evidence),
        "\
site: fail, unknown: no answer in 2.4 s; connection refused
database: unknown, unknown: no answer in 2.4 s
api: pass, running: all well
worker: pass, running: all well
"
    );
}

#[test]
fn the_same_thing_is_not_said_twice() {
    static TWICE: Service = Service::new("twice", &URGENT)
        .summary("asked twice")
        .severity_reason("so it is")
        .probes(&[
            Probe::Http(Http::get(1, "/health", &[Rule::ok(200)])),
            Probe::Http(Http::get(1, "/ready", &[Rule::ok(200)])),
        ])
        .ports(&[1]);
    let mut evidence = all_well(&[&TWICE]);
    evidence.replies[0].fill(refused());
    assert_eq!(judged(&[&TWICE], &evidence), "twice: fail, -: connection refused\n");
}

#[test]
fn the_deepest_failure_is_the_cause_of_those_above_it() {
    let mut evidence = all_well(&ALL);
    down(&mut evidence, &ALL, "database");
    evidence.replies[1] = vec![said("curl", Reply::Http { status: 503, body: String::new() })];
    evidence.replies[3] = vec![said("curl", Reply::Http { status: 500, body: String::new() })];
    assert_eq!(
        judged(&ALL, &evidence),
        "\
database: fail, failed: failed: exit 1; connection refused
api: fail, running: HTTP 503 (because of database)
site: fail, running: HTTP 500 (because of database)
worker: pass, running: all well
"
    );
}

#[test]
fn a_cause_is_looked_for_only_through_what_fails() {
    // The api is well, so whatever ails the site is not the database's doing.
    let mut evidence = all_well(&ALL);
    down(&mut evidence, &ALL, "database");
    evidence.replies[3] = vec![refused()];
    assert_eq!(
        judged(&ALL, &evidence),
        "\
database: fail, failed: failed: exit 1; connection refused
site: fail, running: connection refused
api: pass, running: all well
worker: pass, running: all well
"
    );
    // What is only unknown explains nothing.
    let mut evidence = all_well(&ALL);
    evidence.managers.containers = Some(silent("docker inspect", &Trouble::Missing("docker")));
    evidence.replies[3] = vec![refused()];
    assert_eq!(
        judged(&ALL, &evidence),
        "\
site: fail, running: connection refused
api: unknown, unknown: docker is not installed
database: pass, running: all well
worker: pass, running: all well
"
    );
}

#[test]
fn what_was_stopped_or_is_not_there_is_a_cause_of_its_own() {
    let with_site = |change: &dyn Fn(&mut UnitState)| {
        let services: [&'static Service; 2] = [&API, &SITE];
        let mut evidence = all_well(&services);
        evidence.replies[0] = vec![refused()];
        evidence.replies[1] = vec![refused()];
        change(evidence.unit("site.service"));
        let health = judge(&SHOP, &services, &evidence);
        let site = health.services.iter().find(|service| service.name == "site").unwrap();
        (site.state, site.cause.clone())
    };
    let inactive = |unit: &mut UnitState| unit.active = "inactive".to_owned();
    let because = Some("api".to_owned());
    assert_eq!(with_site(&|_| {}), (State::Running, because.clone()));
    assert_eq!(with_site(&|unit| unit.active = "failed".to_owned()), (State::Failed, because));
    assert_eq!(with_site(&inactive), (State::Stopped, None));
    assert_eq!(with_site(&|unit| unit.load = "masked".to_owned()), (State::Masked, None));
    assert_eq!(with_site(&|unit| unit.load = "not-found".to_owned()), (State::NotFound, None));
    let skipped = |unit: &mut UnitState| {
        inactive(unit);
        unit.condition_failed = true;
    };
    assert_eq!(with_site(&skipped), (State::Skipped, None));
}

/// Whoever starts the database does not thereby start the api: the site's cause is the api, which nobody's failure
/// explains.
#[test]
fn the_way_down_ends_at_what_was_stopped() {
    let mut evidence = all_well(&ALL);
    down(&mut evidence, &ALL, "database");
    let api = &mut evidence.containers()[0];
    (api.status, api.pid) = ("exited".to_owned(), 0);
    evidence.replies[1] = vec![refused()];
    evidence.replies[3] = vec![refused()];
    assert_eq!(
        judged(&ALL, &evidence),
        "\
database: fail, failed: failed: exit 1; connection refused
api: fail, stopped: stopped (exit 0); connection refused
site: fail, running: connection refused (because of api)
worker: pass, running: all well
"
    );
}

#[test]
fn m1_two_independent_causes_stay_two() {
    let mut evidence = all_well(&ALL);
    down(&mut evidence, &ALL, "database");
    for process in evidence.processes() {
        process.status = "errored".to_owned();
    }
    down(&mut evidence, &ALL, "site");
    assert_eq!(
        judged(&ALL, &evidence),
        "\
database: fail, failed: failed: exit 1; connection refused
worker: fail, failed: errored after 0 restarts: pm2 has given up on it (because of database)
site: fail, failed: failed: exit 1; connection refused
api: pass, running: all well
"
    );
}

#[test]
fn worst_first_then_as_the_operator_thinks_of_them() {
    // The worker counts less than the site; its failure still comes before what is unknown or only a warning.
    let mut evidence = all_well(&ALL);
    evidence.unit("site.service").reload_needed = true;
    evidence.managers.containers = Some(silent("docker inspect", &Trouble::Missing("docker")));
    for process in evidence.processes() {
        process.status = "stopped".to_owned();
    }
    assert_eq!(
        judged(&ALL, &evidence),
        "\
worker: fail, stopped: stopped
api: unknown, unknown: docker is not installed
site: warn, running: its unit file changed on disk: systemctl daemon-reload
database: pass, running: all well
"
    );
    let mut evidence = all_well(&ALL);
    evidence.replies[3] = vec![refused()];
    for process in evidence.processes() {
        process.status = "stopped".to_owned();
    }
    assert_eq!(
        judged(&ALL, &evidence),
        "\
site: fail, running: connection refused
worker: fail, stopped: stopped
database: pass, running: all well
api: pass, running: all well
"
    );
}

#[test]
fn memory_above_its_alarm() {
    static GREEDY: Service = Service::new("greedy", &LATER)
        .summary("leaks")
        .severity_reason("nobody waits")
        .managers(&[Manager::Systemd(Unit::new("greedy.service"))])
        .memory(crate::registry::Memory::stated_in("the runbook").alarm_bytes(1 << 30));
    let with = |used: Option<u64>| {
        let mut evidence = all_well(&[&GREEDY]);
        evidence.unit("greedy.service").memory_bytes = used;
        judged(&[&GREEDY], &evidence)
    };
    assert_eq!(with(None), "greedy: pass, running: all well\n");
    assert_eq!(with(Some(1 << 30)), "greedy: pass, running: all well\n");
    assert_eq!(with(Some(3 << 29)), "greedy: warn, running: uses 1.5 GiB of memory, alarm is at 1.0 GiB\n");
}

#[test]
fn the_memory_of_a_container_beneath_a_unit_counts() {
    static WRAPPED: Service = Service::new("wrapped", &LATER)
        .summary("leaks")
        .severity_reason("nobody waits")
        .managers(&[
            Manager::Systemd(Unit::new("wrapped.service")),
            Manager::Docker(crate::registry::Container::new(&["wrapped"])),
        ])
        .memory(crate::registry::Memory::stated_in("the runbook").alarm_bytes(1 << 30));
    let mut evidence = all_well(&[&WRAPPED]);
    evidence.unit("wrapped.service").memory_bytes = Some(20 << 20);
    evidence.containers()[0].memory_bytes = Some(3 << 29);
    assert_eq!(judged(&[&WRAPPED], &evidence), "wrapped: warn, running: uses 1.5 GiB of memory, alarm is at 1.0 GiB\n");
}

#[test]
fn only_what_was_asked_for_is_told() {
    let services: [&'static Service; 2] = [&SITE, &DATABASE];
    assert_eq!(
        judged(&services, &all_well(&services)),
        "\
site: pass, running: all well
database: pass, running: all well
"
    );
}
