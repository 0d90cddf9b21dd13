//! What surrounds containers, on evidence made by hand.

use super::*;
use crate::host::tools::docker::{ContainerState, Identity, Listed};
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

const ALL: [Surroundings; 11] = [
    Surroundings::OffNetwork,
    Surroundings::PublishedElsewhere,
    Surroundings::ListensElsewhere,
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
    assert_eq!(proven_of(slow, false, ContainerFound::default()), blamed(Surroundings::Throttled, "a CPU limit"));
    // With so little nothing is done in time, whatever it answered.
    for (limit, answers, throttled, told) in
        [(10, true, 15, true), (10, true, 9, false), (500, true, 15, false), (500, false, 15, true)]
    {
        let front = changed(|front, around| {
            (around.cpu_limited, around.cpu_limit) = (true, limit);
            front.bounds = Some(Bounds { periods: 20, throttled, ..Bounds::default() });
        });
        let thing = if limit == 10 { "0.01 CPUs" } else { "0.5 CPUs" };
        let wanted = if told { blamed(Surroundings::Throttled, thing) } else { Vec::new() };
        assert_eq!(proven_of(front, answers, ContainerFound::default()), wanted, "{limit} {answers} {throttled}");
    }
    let stuck = changed(|front, _| {
        front.status = "created".into();
        front.error = "network 8d2f not found".into();
    });
    assert_eq!(proven_of(stuck, false, ContainerFound::default()), blamed(Surroundings::NotStartable, "8d2f"));
}

#[test]
fn what_listens_in_a_container_is_compared_with_what_leads_into_it() {
    let listens = |addresses: &[&str]| ContainerFound {
        listens: Some(addresses.iter().map(|address| address.parse().unwrap()).collect()),
        ..ContainerFound::default()
    };
    let front = || container("front", 3000);
    let told = |addresses: &[&str]| proven_of(front(), false, listens(addresses));
    assert_eq!(told(&["0.0.0.0:3011"]), blamed(Surroundings::ListensElsewhere, ":3011"));
    assert_eq!(told(&["127.0.0.1:3000"]), blamed(Surroundings::ListensElsewhere, "127.0.0.1:3000"));
    // It hangs, it starts, or its network is the host's.
    assert_eq!((told(&["[::]:3000", "127.0.0.1:9229"]), told(&[])), (vec![], vec![]));
    assert_eq!(proven_of(changed(|_, around| around.network_mode = "host".into()), false, listens(&["0.0.0.0:1"])), []);
    assert_eq!(proven_of(front(), true, listens(&["0.0.0.0:3011"])), []);
}

#[test]
fn a_container_that_publishes_anothers_port_is_named() {
    let services = DOCK.services.to_vec();
    let swapped = changed(|_, around| around.ports[0].port = 5432);
    let mut store = container("store", 5432);
    store.surroundings.as_mut().unwrap().ports[0].port = 3000;
    let managers =
        ManagerEvidence { containers: Some(ok("docker inspect", vec![store, swapped])), ..ManagerEvidence::default() };
    let replies = vec![
        vec![ok("probe", Reply::Silent("no PostgreSQL".into()))],
        vec![ok("curl", Reply::Http { status: 404, body: String::new() })],
    ];
    let evidence = Evidence { time: now(), managers, replies, holders: vec![Holder::Own, Holder::Own], host: None };
    let health = health::judge(&DOCK, &services, &evidence);
    let clues = Clues::default();
    let case = Case {
        deployment: &DOCK,
        services: &services,
        evidence: &evidence,
        health: &health,
        clues: &clues,
        backups: None,
    };
    let Proven(facts) = case.outcome(&Clue::Surroundings(Surroundings::PublishedElsewhere), Some(&FRONT)) else {
        panic!("not proven");
    };
    assert_eq!(
        facts[0].says,
        "it is published at :5432, the registry has :3000, which the container of store publishes"
    );
}

static VECTORS: Service = Service::new("vectors", &LATER)
    .summary("finds")
    .severity_reason("r")
    .ports(&[6333])
    .probes(&[Probe::Http(Http::get(6333, "/", &[Rule::ok(200)]))]);
static LOOSE: Deployment =
    Deployment::new("loose", &[&URGENT, &LATER], &[&VECTORS], HostChecks::new(&LATER)).summary("s").failures(&[]);

/// The registry gives it no manager, and a container of its name is elsewhere.
#[test]
fn a_service_without_a_manager_is_looked_for_among_all_containers() {
    let outcome = |name: &str, port: u16, reply: Reply| {
        let services = LOOSE.services.to_vec();
        let managers =
            ManagerEvidence { containers: Some(ok("docker inspect", Vec::new())), ..ManagerEvidence::default() };
        let evidence = Evidence {
            time: now(),
            managers,
            replies: vec![vec![ok("curl", reply)]],
            holders: vec![Holder::Unasked],
            host: None,
        };
        let health = health::judge(&LOOSE, &services, &evidence);
        let listed = Listed {
            id: "1".into(),
            identity: container(name, 1).identity,
            state: "running".into(),
            status: "Up 3 days".into(),
            ports: vec![Published { inside: "6333/tcp".into(), address: "127.0.0.1".into(), port }],
        };
        let clues = Clues { containers: Some(ok("docker ps", vec![listed])), ..Clues::default() };
        let case = Case {
            deployment: &LOOSE,
            services: &services,
            evidence: &evidence,
            health: &health,
            clues: &clues,
            backups: None,
        };
        case.outcome(&Clue::Surroundings(Surroundings::PublishedElsewhere), Some(&VECTORS))
    };
    let silent = || Reply::Silent("connection refused".into());
    let Proven(facts) = outcome("vectors", 6433, silent()) else { panic!("not proven") };
    assert_eq!(facts[0].says, "container vectors is published at :6433, the registry has :6333");
    for (name, port, reply) in [
        ("vectors", 6333, silent()),
        ("other", 6433, silent()),
        ("vectors", 6433, Reply::Http { status: 200, body: String::new() }),
    ] {
        let found = outcome(name, port, reply);
        assert!(matches!(found, RuledOut(_)), "{name} {port}: {found:?}");
    }
}
