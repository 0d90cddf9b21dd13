//! What surrounds containers, on evidence made by hand.

use super::*;
use crate::host::tools::docker::{ContainerState, Identity};
use crate::host::tools::procfs::Bounds;
use crate::host::tools::surroundings::{Network, Published, Surroundings as Around};
use crate::observe::clues::containers::ContainerFound;
use crate::registry::{Container, Surroundings};

static STORE: Service = Service::new("store", &LATER)
    .summary("keeps")
    .severity_reason("r")
    .managers(&[Manager::Docker(Container::new(&["store"]))])
    .ports(&[5432])
    .probes(&[Probe::postgres(5432)]);
static FRONT: Service = Service::new("front", &LATER)
    .summary("sells")
    .severity_reason("r")
    .managers(&[Manager::Docker(Container::new(&["front"]))])
    .ports(&[3000])
    .probes(&[Probe::Http(Http::get(3000, "/", &[Rule::ok(200)]))])
    .needs(&[&STORE]);
static DOCK: Deployment =
    Deployment::new("dock", &[&URGENT, &LATER], &[&STORE, &FRONT], HostChecks::new(&LATER)).summary("s").failures(&[]);

const ALL: [Surroundings; 10] = [
    Surroundings::OffNetwork,
    Surroundings::PublishedElsewhere,
    Surroundings::NameUnresolved,
    Surroundings::CheckBroken,
    Surroundings::PolicyLost,
    Surroundings::MountGone,
    Surroundings::NotStartable,
    Surroundings::MemoryTight,
    Surroundings::MemoryKills,
    Surroundings::Throttled,
];

fn container(name: &str, port: u16) -> ContainerState {
    let network = Network { name: "shop".into(), id: "n1".into(), names: vec![name.to_owned()] };
    let around = Around {
        network_mode: "shop".into(),
        networks: vec![network],
        ports: vec![Published { inside: format!("{port}/tcp"), address: "0.0.0.0".into(), port }],
        ..Around::default()
    };
    let identity =
        Identity { name: name.to_owned(), project: String::new(), service: String::new(), swarm: String::new() };
    ContainerState {
        id: name.to_owned(),
        identity,
        image: "i".into(),
        image_id: "sha256:0".into(),
        restarts: 0,
        status: "running".into(),
        exit_code: 0,
        oom_killed: false,
        error: String::new(),
        pid: 9,
        started: None,
        finished: None,
        health: None,
        created: None,
        policy: "always".into(),
        memory_bytes: None,
        surroundings: Some(around),
        bounds: None,
        history: None,
    }
}

/// What is proven of `front`, which answers or does not, beside a healthy `store`.
fn proven_of(front: ContainerState, answers: bool, looked: ContainerFound) -> Vec<(Surroundings, Option<String>)> {
    let services = DOCK.services.to_vec();
    let containers = Some(ok("docker inspect", vec![container("store", 5432), front]));
    let managers = ManagerEvidence { containers, ..ManagerEvidence::default() };
    let http = match answers {
        true => Reply::Http { status: 200, body: String::new() },
        false => Reply::Silent("connection refused".into()),
    };
    let greeting = Reply::Postgres(crate::host::protocol::postgres::Greeting::Authenticating);
    let replies = vec![vec![ok("probe", greeting)], vec![ok("curl", http)]];
    let evidence = Evidence { time: now(), managers, replies, holders: vec![Holder::Own, Holder::Own], host: None };
    let health = health::judge(&DOCK, &services, &evidence);
    let mut clues = Clues::default();
    clues.surroundings.insert("front", looked);
    let case = Case {
        deployment: &DOCK,
        services: &services,
        evidence: &evidence,
        health: &health,
        clues: &clues,
        backups: None,
    };
    let judged = ALL.iter().map(|clue| (*clue, case.outcome(&Clue::Surroundings(*clue), Some(&FRONT))));
    judged
        .filter_map(|(clue, outcome)| match outcome {
            Proven(facts) => Some((clue, facts.iter().find_map(|fact| fact.thing.clone()))),
            RuledOut(_) | Unknown(_) => None,
        })
        .collect()
}

fn changed(change: impl FnOnce(&mut ContainerState, &mut Around)) -> ContainerState {
    let mut front = container("front", 3000);
    let mut around = front.surroundings.take().unwrap();
    change(&mut front, &mut around);
    ContainerState { surroundings: Some(around), ..front }
}

fn blamed(clue: Surroundings, thing: &str) -> Vec<(Surroundings, Option<String>)> {
    vec![(clue, Some(thing.to_owned()))]
}

#[test]
fn a_container_in_order_proves_nothing_whether_it_answers_or_not() {
    for answers in [true, false] {
        let odd = changed(|_, around| {
            around.hosts = vec![("DATABASE_URL".into(), "store".into()), ("OTHER".into(), "elsewhere".into())];
            around.memory_limit = 100;
        });
        assert_eq!(proven_of(odd, answers, ContainerFound::default()), [], "{answers}");
    }
    // Somebody moved it from the common network to one of its own; another publishes nothing because nginx is in its network.
    let moved = changed(|_, around| around.network_mode = "bridge".into());
    assert_eq!(proven_of(moved, true, ContainerFound::default()), []);
    let inner = changed(|_, around| around.ports.clear());
    assert_eq!(proven_of(inner, true, ContainerFound::default()), []);
    // A bound that was reached by files, not by processes, and a CPU limit that holds back what answers.
    let busy = changed(|front, around| {
        (around.memory_limit, around.cpu_limited) = (100, true);
        front.bounds = Some(Bounds { own_memory: 94, kills: 0, periods: 1000, throttled: 900 });
    });
    assert_eq!(proven_of(busy, true, ContainerFound::default()), []);
}

#[test]
fn networks_ports_and_names() {
    let off = changed(|_, around| around.networks.clear());
    assert_eq!(proven_of(off, true, ContainerFound::default()), blamed(Surroundings::OffNetwork, "shop"));
    let other = Network { name: "other".into(), id: "n2".into(), names: vec!["front".into()] };
    let elsewhere = changed(|_, around| {
        around.networks = vec![other.clone()];
        around.network_mode = "other".into();
        around.hosts = vec![("DATABASE_URL".into(), "store".into())];
    });
    // Who answers has what it needs.
    assert_eq!(proven_of(elsewhere.clone(), true, ContainerFound::default()), []);
    let found = proven_of(elsewhere, false, ContainerFound::default());
    assert_eq!(found, blamed(Surroundings::NameUnresolved, "store"));
    let port = changed(|_, around| around.ports[0].port = 3300);
    assert_eq!(proven_of(port, false, ContainerFound::default()), blamed(Surroundings::PublishedElsewhere, ":3300"));
    let address = changed(|_, around| around.ports[0].address = "10.0.0.5".into());
    let found = proven_of(address, false, ContainerFound::default());
    assert_eq!(found, blamed(Surroundings::PublishedElsewhere, "10.0.0.5:3000"));
}

#[test]
fn checks_mounts_policies_and_bounds() {
    let check = changed(|front, around| {
        front.health = Some("unhealthy".into());
        around.check = Some(("curl -f http://x".into(), -1, "OCI runtime exec failed: no curl".into()));
    });
    let found = proven_of(check, true, ContainerFound::default());
    assert_eq!(found, blamed(Surroundings::CheckBroken, "curl -f http://x"));
    let failing = changed(|front, around| {
        front.health = Some("unhealthy".into());
        around.check = Some(("curl -f http://x".into(), 7, "refused".into()));
    });
    assert_eq!(proven_of(failing, true, ContainerFound::default()), []);
    let looked = ContainerFound { policy: Some(("/srv/c.yml".into(), "always".into())), ..ContainerFound::default() };
    assert_eq!(proven_of(container("front", 3000), true, looked), blamed(Surroundings::PolicyLost, "always"));
    let looked = ContainerFound { gone: vec![("/srv/d".into(), "is empty".into())], ..ContainerFound::default() };
    assert_eq!(proven_of(container("front", 3000), true, looked), blamed(Surroundings::MountGone, "/srv/d"));
    let bound = |bounds: Bounds| {
        changed(|front, around| {
            (around.memory_limit, around.cpu_limited) = (100, true);
            front.bounds = Some(bounds);
        })
    };
    let tight = bound(Bounds { own_memory: 96, ..Bounds::default() });
    assert_eq!(proven_of(tight, true, ContainerFound::default()), blamed(Surroundings::MemoryTight, "100 B"));
    let killed = bound(Bounds { kills: 2, ..Bounds::default() });
    assert_eq!(proven_of(killed, true, ContainerFound::default()), blamed(Surroundings::MemoryKills, "100 B"));
    let slow = bound(Bounds { periods: 1000, throttled: 700, ..Bounds::default() });
    assert_eq!(proven_of(slow, false, ContainerFound::default()), [(Surroundings::Throttled, None)]);
    let stuck = changed(|front, _| {
        front.status = "created".into();
        front.error = "network 8d2f not found".into();
    });
    assert_eq!(proven_of(stuck, false, ContainerFound::default()), blamed(Surroundings::NotStartable, "8d2f"));
}
