//! Containers that no service is, on evidence made by hand: what is said of each.

use super::*;
use crate::host::tools::docker::{ContainerState, Identity, Listed};
use crate::host::tools::surroundings::{Mounted, Published, Surroundings};
use crate::observe::clues::FileFound;
use crate::observe::probe::UnmanagedContainer;

const NAME: &str = "kiosk";

fn identity(name: &str) -> Identity {
    Identity { name: name.to_owned(), project: String::new(), service: String::new(), swarm: String::new() }
}

fn listed(name: &str, published: Vec<u16>) -> Listed {
    let at = |port| Published { inside: "80/tcp".to_owned(), address: "0.0.0.0".to_owned(), port };
    Listed {
        id: name.to_owned(),
        identity: identity(name),
        state: "restarting".into(),
        status: String::new(),
        ports: published.into_iter().map(at).collect(),
    }
}

fn kiosk() -> ContainerState {
    ContainerState {
        id: NAME.to_owned(),
        identity: identity(NAME),
        image: "a:1".to_owned(),
        image_id: "sha256:00".to_owned(),
        restarts: 0,
        status: "restarting".to_owned(),
        exit_code: 1,
        oom_killed: false,
        error: String::new(),
        pid: 0,
        started: None,
        finished: None,
        health: None,
        created: None,
        policy: "always".to_owned(),
        memory_bytes: None,
        surroundings: Some(Surroundings::default()),
        bounds: None,
        history: None,
    }
}

/// The summary and what stands for `{thing}` in commands.
fn told(detail: ContainerState, lines: &[&str], directory: Option<&str>) -> (String, String) {
    let services = PLACE.services.to_vec();
    let unmanaged = UnmanagedContainer { listed: listed(NAME, Vec::new()), detail: Some(detail) };
    let all = vec![unmanaged.listed.clone(), listed("front-a", vec![8103])];
    let managers = ManagerEvidence {
        units: Some(ok("systemctl show", Vec::new())),
        listed: Some(ok("docker ps", all)),
        unmanaged_containers: vec![unmanaged],
        ..ManagerEvidence::default()
    };
    let evidence = Evidence {
        time: now(),
        managers,
        replies: vec![Vec::new(), Vec::new()],
        holders: vec![Holder::Own, Holder::Own],
        host: None,
    };
    let health = health::judge(&PLACE, &services, &evidence);
    let mut clues = Clues::default();
    clues.others.insert(NAME.to_owned(), ok("docker logs", lines.iter().map(|text| line(text)).collect()));
    let found = FileFound { mode: 0o755, owner: "root".into(), uid: 0, gid: 0, size: 0, changed: None, is_dir: true };
    clues.named.extend(directory.map(|path| (path.to_owned(), ok("ls", Some(found)))));
    let case = Case {
        deployment: &PLACE,
        services: &services,
        evidence: &evidence,
        health: &health,
        clues: &clues,
        backups: None,
    };
    let Proven(facts) = case.outcome(&Clue::UnmanagedContainers, None) else { return Default::default() };
    let mut parts = crate::judge::diagnosis::reasons::apart(&Clue::UnmanagedContainers, facts);
    assert_eq!(parts.len(), 1);
    let (facts, summary) = parts.remove(0);
    (summary.unwrap_or_default(), facts.iter().find_map(|fact| fact.thing.clone()).unwrap_or_default())
}

fn summary(detail: ContainerState, lines: &[&str]) -> String {
    let (summary, thing) = told(detail, lines, None);
    assert_eq!(thing, NAME);
    summary
}

#[test]
fn each_says_why_in_a_sentence_of_its_own() {
    let around = |change: fn(&mut Surroundings)| {
        let mut around = Surroundings::default();
        change(&mut around);
        Some(around)
    };
    let limited = around(|around| around.memory_limit = 12 << 20);
    assert_eq!(
        summary(ContainerState { oom_killed: true, surroundings: limited, ..kiosk() }, &[]),
        "kiosk is killed at its memory limit of 12.0 MiB"
    );
    let checked = |check: (String, i64, String)| ContainerState {
        status: "running".to_owned(),
        health: Some("unhealthy".to_owned()),
        surroundings: Some(Surroundings { check: Some(check), ..Surroundings::default() }),
        ..kiosk()
    };
    assert_eq!(
        summary(checked(("curl -f http://x/".into(), 127, "/bin/sh: curl: not found".into())), &[]),
        "kiosk is unhealthy: it cannot run its health check \"curl -f http://x/\": /bin/sh: curl: not found"
    );
    assert_eq!(
        summary(checked(("pg_isready".into(), 2, "no response".into())), &["Error: cannot find module 'x'"]),
        "kiosk is unhealthy: its health check \"pg_isready\" fails, exit 2"
    );
    let error = "driver failed programming external connectivity on endpoint kiosk (0a): Bind for 0.0.0.0:8103 failed: \
                 port is already allocated";
    assert_eq!(
        summary(ContainerState { error: error.to_owned(), status: "created".to_owned(), ..kiosk() }, &[]),
        "kiosk cannot listen on 0.0.0.0:8103: the address is in use by container front-a"
    );
    assert_eq!(
        summary(kiosk(), &["Error: Cannot find module 'express'"]),
        "kiosk cannot load express: the module or library is missing"
    );
    assert_eq!(summary(ContainerState { exit_code: 137, ..kiosk() }, &[]), "kiosk is killed by signal 9 (KILL)");
    // Without a reason it keeps failing, and no more is said.
    assert_eq!(summary(kiosk(), &["bye"]), "kiosk keeps failing: restarting");
}

#[test]
fn a_directory_in_place_of_a_mounted_file_is_named_by_its_place_on_the_host() {
    let bind =
        |source: &str, target: &str| Mounted { kind: "bind".into(), source: source.into(), target: target.into() };
    let mounts = vec![bind("/etc/relay/relay.conf", "/relay.conf"), bind("/srv/data", "/data")];
    let detail = || ContainerState {
        surroundings: Some(Surroundings { mounts: mounts.clone(), ..Surroundings::default() }),
        ..kiosk()
    };
    let lines = ["cat: read error: Is a directory"];
    let wrong = "kiosk cannot use /etc/relay/relay.conf: it is a directory, and a file is needed";
    assert_eq!(told(detail(), &lines, Some("/etc/relay/relay.conf")).0, wrong);
    // A directory that is meant to be one is not to blame.
    assert_ne!(told(detail(), &lines, Some("/srv/data")).0, wrong);
    assert_ne!(told(detail(), &["bye"], Some("/etc/relay/relay.conf")).0, wrong);
}
