//! Containers of docker, compose and Swarm.

use super::*;
use crate::registry::Compose;

static LONE: Service = Service::new("lone", &URGENT)
    .summary("alone")
    .severity_reason("it is all there is")
    .managers(&[Manager::Docker(Container::new(&["lone", "lone-staging"]))]);
static COMPOSED: Service = Service::new("web", &URGENT)
    .summary("found by its labels")
    .severity_reason("it is all there is")
    .managers(&[Manager::Compose(Compose::new("web").project("infra").files(&["/srv/infra/compose.yml"]))]);

fn health(service: &'static Service, containers: Vec<ContainerState>) -> ServiceHealth {
    let mut evidence = all_well(&[service]);
    *evidence.containers() = containers;
    judge(&SHOP, &[service], &evidence).services.remove(0)
}

fn one_line(health: &ServiceHealth) -> String {
    let [check] = health.checks.as_slice() else { panic!("one manager is one check: {:?}", health.checks) };
    format!("{}, {}: {}", word(check.verdict), health.state.label(), check.summary)
}

/// `verdict, state: what docker's check says`.
fn reads(change: impl FnOnce(&mut ContainerState)) -> String {
    let mut container = running_container("lone");
    change(&mut container);
    one_line(&health(&LONE, vec![container]))
}

fn ended(status: &str, exit_code: i64) -> impl Fn(&mut ContainerState) {
    move |container| {
        container.status = status.to_owned();
        container.exit_code = exit_code;
        container.pid = 0;
        container.finished = Some(ago(90));
    }
}

#[test]
fn a_running_container_is_told_in_full() {
    let mut container = running_container("lone");
    container.memory_bytes = Some(1 << 20);
    container.restarts = 1;
    let command = "docker inspect lone".to_owned();
    let running = Check {
        source: "docker".into(),
        verdict: Verdict::Pass,
        summary: "running".into(),
        command: command.into(),
        about: About::Container,
        needs_root: false,
    };
    assert_eq!(
        health(&LONE, vec![running_container("another"), container]),
        ServiceHealth {
            origin: crate::registry::Origin::Stated,
            name: "lone".into(),
            manager: Some("docker".into()),
            unit: Some("lone".into()),
            verdict: Verdict::Pass,
            state: State::Running,
            health: None,
            since: Some(ago(3600)),
            restarts: Some(1),
            pid: Some(200),
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
fn c4_states_are_kept_apart() {
    let with_health = |word: &'static str| reads(move |container| container.health = Some(word.to_owned()));
    assert_eq!(reads(|_| {}), "pass, running: running");
    assert_eq!(with_health("none"), "pass, running: running");
    assert_eq!(with_health("healthy"), "pass, running: running, healthy");
    assert_eq!(with_health("starting"), "warn, starting: health check has not passed yet");
    assert_eq!(with_health("unhealthy"), "fail, running: its container's health check fails");
    assert_eq!(with_health("ecstatic"), "unknown, running: health unknown to opsctl: ecstatic");
    assert_eq!(reads(ended("exited", 0)), "fail, stopped: stopped (exit 0)");
    assert_eq!(reads(ended("exited", 1)), "fail, failed: failed: exit 1");
    assert_eq!(reads(ended("dead", 1)), "fail, failed: failed: exit 1");
    assert_eq!(reads(|container| container.status = "paused".to_owned()), "fail, paused: paused");
    assert_eq!(reads(ended("created", 0)), "fail, stopped: created but never started");
    assert_eq!(reads(ended("removing", 0)), "warn, stopping: being removed");
    assert_eq!(reads(ended("frozen", 0)), "unknown, unknown: in a state unknown to opsctl: frozen");
}

#[test]
fn c4_killed_for_want_of_memory() {
    let killed = |status: &'static str, code: i64| {
        reads(move |container| {
            ended(status, code)(container);
            container.oom_killed = true;
        })
    };
    assert_eq!(killed("exited", 137), "fail, failed: failed: OOM-killed");
    assert_eq!(killed("exited", 0), "fail, failed: failed: OOM-killed");
    // The same code without the kernel's doing.
    assert_eq!(reads(ended("exited", 137)), "fail, failed: failed: exit 137");
}

#[test]
fn c4_crash_loops() {
    let between_two_starts = reads(|container| {
        ended("restarting", 3)(container);
        container.restarts = 12;
    });
    assert_eq!(between_two_starts, "fail, crash loop: crash loop: 12 restarts, last: exit 3");
    let started = |restarts: u32, seconds: i64| {
        let mut container = running_container("lone");
        container.restarts = restarts;
        container.started = Some(ago(seconds));
        let health = health(&LONE, vec![container]);
        (health.state, health.verdict)
    };
    assert_eq!(started(3, 5), (State::CrashLoop, Verdict::Fail));
    // Two months ago, or all in the hour before: nobody said, and nobody could be asked.
    assert_eq!(started(3, 60), (State::Running, Verdict::Unknown));
    assert_eq!(started(3, 86_400), (State::Running, Verdict::Pass));
    assert_eq!(started(2, 5), (State::Running, Verdict::Pass));
}

#[test]
fn not_found_and_found_twice() {
    let none = health(&LONE, Vec::new());
    assert_eq!(one_line(&none), "fail, not found: container lone not found");
    assert_eq!((none.unit.as_deref(), none.since, none.pid), (Some("lone"), None, None));
    // Whole names only: a part of a name is another container.
    let near = health(&LONE, vec![running_container("lone-2"), running_container("my-lone")]);
    assert_eq!(one_line(&near), "fail, not found: container lone not found");
    let both = health(&LONE, vec![running_container("lone"), running_container("lone-staging")]);
    assert_eq!(one_line(&both), "unknown, unknown: several containers could be lone: lone, lone-staging");
}

#[test]
fn former_tasks_of_a_swarm_service_do_not_count() {
    let task = |name: &str, running: bool| {
        let mut container = running_container(name);
        container.identity.swarm = "lone".to_owned();
        if !running {
            ended("exited", 1)(&mut container);
        }
        container
    };
    let service = health(&LONE, vec![task("lone.1.a", false), task("lone.1.b", true), task("lone.1.c", false)]);
    assert_eq!((one_line(&service).as_str(), service.unit.as_deref()), ("pass, running: running", Some("lone.1.b")));
    let two = health(&LONE, vec![task("lone.1.b", true), task("lone.2.d", true)]);
    assert_eq!(one_line(&two), "unknown, unknown: several containers could be lone: lone.1.b, lone.2.d");
}

#[test]
fn without_a_container_name_its_labels_tell() {
    let labelled = |name: &str, project: &str, service: &str| {
        let mut container = running_container(name);
        container.identity.project = project.to_owned();
        container.identity.service = service.to_owned();
        container
    };
    let web = health(
        &COMPOSED,
        vec![labelled("a", "infra", "api"), labelled("b", "other", "web"), labelled("infra-web-1", "infra", "web")],
    );
    assert_eq!((one_line(&web).as_str(), web.unit.as_deref()), ("pass, running: running", Some("infra-web-1")));
    let none = health(&COMPOSED, vec![labelled("web", "", "")]);
    assert_eq!(one_line(&none), "fail, not found: container web not found");
}

#[test]
fn since_when_is_the_start_of_what_runs_and_the_end_of_what_does_not() {
    let since = |change: &dyn Fn(&mut ContainerState)| {
        let mut container = running_container("lone");
        change(&mut container);
        health(&LONE, vec![container]).since
    };
    assert_eq!(since(&|_| {}), Some(ago(3600)));
    assert_eq!(since(&ended("exited", 0)), Some(ago(90)));
    assert_eq!(since(&ended("exited", 1)), Some(ago(90)));
}

/// Docker's word for "never" is the first day of the year one, which is no time that anything happened.
#[test]
fn a_container_that_never_ran_is_since_no_time() {
    let mut container = running_container("lone");
    container.status = "created".to_owned();
    container.pid = 0;
    container.started = container.finished;
    assert_eq!(health(&LONE, vec![container]).since, None);
}
