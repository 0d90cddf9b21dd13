//! The judgement on evidence made by hand: a small deployment of its own, what its sources could have said, and whole
//! verdicts to compare.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_imports)]

mod answer;
mod app;
mod certificate;
mod container;
mod host;
mod pace;
mod presence;
mod rollup;
mod unit;

use std::fmt::Write;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::host::protocol::postgres::Greeting;
use crate::host::tools::Malformed;
use crate::host::tools::docker::{ContainerState, Identity};
use crate::host::tools::pm2::Process;
use crate::host::tools::systemctl::UnitState;
use crate::observe::probe::{ManagerEvidence, PmDaemon, Reply};
use crate::registry::{App, Container, HostChecks, Http, Instances, Level, Probe, Rule, Unit};

static URGENT: Level =
    Level::new("urgent").criterion("users notice").response("now").response_seconds(0).action("repair it");
static LATER: Level =
    Level::new("later").criterion("nobody notices").response("tomorrow").response_seconds(86_400).action("note it");

static DATABASE: Service = Service::new("database", &URGENT)
    .summary("all data")
    .severity_reason("nothing works without it")
    .managers(&[Manager::Systemd(Unit::new("database.service"))])
    .ports(&[5432])
    .probes(&[Probe::postgres(5432)]);
static API: Service = Service::new("api", &URGENT)
    .summary("what the site asks")
    .severity_reason("the site is empty without it")
    .managers(&[Manager::Docker(Container::new(&["api"]))])
    .ports(&[8000])
    .probes(&[Probe::Http(Http::get(8000, "/health", &[Rule::ok(200)]))])
    .needs(&[&DATABASE]);
static WORKER: Service = Service::new("worker", &LATER)
    .summary("jobs")
    .severity_reason("jobs wait")
    .managers(&[Manager::Pm2(
        App::new("worker", Instances::Cluster(2)).user("app").home("/home/app/.pm2").memory_restart_bytes(1 << 30),
    )])
    .needs(&[&DATABASE]);
static SITE: Service = Service::new("site", &URGENT)
    .summary("the front end")
    .severity_reason("it is what users see")
    .managers(&[Manager::Systemd(Unit::new("site.service"))])
    .ports(&[3000])
    .probes(&[Probe::Http(Http::get(3000, "/", &[Rule::ok(200)]))])
    .needs(&[&API]);
static SHOP: Deployment =
    Deployment::new("shop", &[&URGENT, &LATER], &[&DATABASE, &API, &WORKER, &SITE], HostChecks::new(&LATER))
        .summary("a small shop");
const _: () = crate::registry::check::deployment(&SHOP);

/// When the evidence was gathered.
fn now() -> Timestamp {
    "2026-02-26T02:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

/// What a source said.
fn said<T>(command: &str, value: T) -> Answer<T> {
    Answer { command: command.into(), result: Ok(value) }
}

/// What a source that is in trouble did not say.
fn silent<T>(command: &str, trouble: &Trouble) -> Answer<T> {
    Answer { command: command.into(), result: Err(trouble.clone()) }
}

/// One of each kind. A new kind does not compile until it is here.
fn troubles() -> Vec<Trouble> {
    let all = vec![
        Trouble::Missing("tool"),
        Trouble::Untrusted("/opt/tool".into()),
        Trouble::TimedOut(Duration::from_millis(2400)),
        Trouble::NeedsRoot("to read it"),
        Trouble::Unavailable("it does not run here".to_owned()),
        Trouble::Failed("exit 1: boom".to_owned()),
        Trouble::Malformed(Malformed::new("a table", "garbage")),
        Trouble::Shortage(crate::host::shortage::Shortage::Descriptors),
    ];
    for trouble in &all {
        match trouble {
            Trouble::Missing(_)
            | Trouble::Untrusted(_)
            | Trouble::TimedOut(_)
            | Trouble::NeedsRoot(_)
            | Trouble::Unavailable(_)
            | Trouble::Failed(_)
            | Trouble::Malformed(_)
            | Trouble::Shortage(_) => {}
        }
    }
    all
}

/// A unit that runs since an hour.
fn running_unit(name: &str) -> UnitState {
    UnitState {
        id: name.to_owned(),
        names: vec![name.to_owned()],
        load: "loaded".to_owned(),
        active: "active".to_owned(),
        sub: "running".to_owned(),
        result: "success".to_owned(),
        file_state: "enabled".to_owned(),
        main_pid: Some(100),
        active_since: Some(ago(3600)),
        changed: Some(ago(3600)),
        ..UnitState::default()
    }
}

/// A container that runs since an hour, without a health check.
fn running_container(name: &str) -> ContainerState {
    ContainerState {
        id: "0a1b".to_owned(),
        identity: Identity {
            name: name.to_owned(),
            project: String::new(),
            service: String::new(),
            swarm: String::new(),
        },
        image: format!("{name}:1"),
        image_id: "sha256:00".to_owned(),
        restarts: 0,
        status: "running".to_owned(),
        exit_code: 0,
        oom_killed: false,
        error: String::new(),
        pid: 200,
        started: Some(ago(3600)),
        finished: "0001-01-01T00:00:00Z".parse().ok(),
        health: None,
        created: None,
        policy: String::new(),
        memory_bytes: None,
        surroundings: None,
        bounds: None,
        history: None,
    }
}

/// A process of a pm2 application that runs since an hour.
fn online(name: &str) -> Process {
    Process {
        name: name.to_owned(),
        pid: Some(300),
        status: "online".to_owned(),
        restarts: 0,
        unstable: 0,
        started: Some(ago(3600)),
        memory_bytes: Some(50 << 20),
        exit_code: None,
        cluster: true,
        script: None,
        port: None,
        history: None,
        out_log: None,
        error_log: None,
        both_log: None,
    }
}

/// The reply that each probe of these services hopes for.
fn well(probe: &Probe) -> Answer<Reply> {
    said(
        "ask it",
        match probe {
            Probe::Http(_) => Reply::Http { status: 200, body: "ok".to_owned() },
            Probe::Postgres { .. } => Reply::Postgres(Greeting::Authenticating),
            Probe::DockerEngine => Reply::Engine(Vec::new()),
            other => unreachable!("no service here is asked by {other:?}"),
        },
    )
}

/// What is seen of these services when all of them are well.
fn all_well(services: &[&'static Service]) -> Evidence {
    let managers = || services.iter().flat_map(|service| service.managers);
    let units = managers().filter(|manager| manager.kind() == "systemd").map(|manager| running_unit(manager.unit()));
    let containers =
        managers().filter(|manager| manager.kind() == "docker").map(|manager| running_container(manager.unit()));
    let apps = managers().filter_map(|manager| match manager {
        Manager::Pm2(app) => {
            let daemon = PmDaemon { pid: 99, processes: vec![online(app.name), online(app.name)] };
            Some((app.home, said("pm2 jlist", Some(daemon))))
        }
        Manager::Systemd(_) | Manager::Compose(_) | Manager::Docker(_) => None,
    });
    Evidence {
        time: now(),
        managers: ManagerEvidence {
            units: Some(said("systemctl show", units.collect())),
            containers: Some(said("docker inspect", containers.collect())),
            apps: apps.collect(),
            ..ManagerEvidence::default()
        },
        replies: services.iter().map(|service| service.probes.iter().map(well).collect()).collect(),
        holders: services.iter().map(|_| Holder::Unasked).collect(),
        host: None,
    }
}

impl Evidence {
    fn units(&mut self) -> &mut Vec<UnitState> {
        self.managers.units.as_mut().unwrap().result.as_mut().unwrap()
    }

    fn unit(&mut self, name: &str) -> &mut UnitState {
        self.units().iter_mut().find(|unit| unit.id == name).unwrap()
    }

    fn containers(&mut self) -> &mut Vec<ContainerState> {
        self.managers.containers.as_mut().unwrap().result.as_mut().unwrap()
    }

    fn processes(&mut self) -> &mut Vec<Process> {
        let daemon = self.managers.apps.get_mut("/home/app/.pm2").unwrap();
        &mut daemon.result.as_mut().unwrap().as_mut().unwrap().processes
    }
}

/// What a probe of a closed port brings.
fn refused() -> Answer<Reply> {
    said("ask it", Reply::Silent("connection refused".to_owned()))
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Unknown => "unknown",
        Verdict::Fail => "fail",
    }
}

/// Everything that was judged, a line a service: `name: verdict, state: summary (because of cause)`.
fn told(health: &Health) -> String {
    let mut lines = String::new();
    for service in &health.services {
        let cause = service.cause.as_ref().map_or_else(String::new, |cause| format!(" (because of {cause})"));
        let summary = if service.summary.is_empty() { "all well" } else { &service.summary };
        writeln!(lines, "{}: {}, {}: {summary}{cause}", service.name, word(service.verdict), service.state.label())
            .unwrap();
    }
    for (service, why) in &health.absent {
        writeln!(lines, "{}: absent: {why}", service.name).unwrap();
    }
    lines
}

/// A check on one line: `source: verdict: summary [command]`.
fn line(check: &Check) -> String {
    format!("{}: {}: {} [{}]", check.source, word(check.verdict), check.summary, check.command)
}

fn judged(services: &[&'static Service], evidence: &Evidence) -> String {
    told(&judge(&SHOP, services, evidence))
}

/// A check that passed.
fn passed(source: &str, summary: &str, command: &str) -> Check {
    let about = match source.split(' ').next() {
        Some("disk") => About::Disk,
        Some("certificate") => About::Certificate,
        _ => About::Other,
    };
    Check {
        source: source.into(),
        verdict: Verdict::Pass,
        summary: summary.into(),
        command: command.into(),
        about,
        needs_root: false,
    }
}
