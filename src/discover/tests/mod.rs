//! Hostile hosts: whatever names and numbers one shows, what is made of it is a valid registry and valid Rust.

mod asked;
mod chance;
mod reached;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use self::chance::Chance;
use super::apps::{App, Apps};
use super::assemble::assemble;
use super::containers::Container;
use super::listeners::{Listeners, Process};
use super::units::{Own, Unit, Units};
use super::*;
use crate::host::tools::Upstream;
use crate::host::tools::cgroup::Home;
use crate::host::tools::sockets::Listener;
use crate::host::tools::unit_file;
use crate::registry::{LOCALHOST, Manager, check};

fn id(number: usize) -> String {
    format!("{number:064x}")
}

fn unit(text: &str, own: bool) -> Unit {
    let settings = [unit_file::section("/x", text, "[Unit]"), unit_file::settings("/x", text)].concat();
    Unit {
        file: "/etc/systemd/system/x.service".to_owned(),
        own: own.then_some(Own::File),
        enabled: true,
        running: true,
        settings,
        installable: true,
        ..Unit::default()
    }
}

fn app(name: &str) -> App {
    let [name, user, home] = [name, "shop", "/home/shop/.pm2"].map(str::to_owned);
    App { name, user, home, daemon: 1, ..App::default() }
}

fn container(name: &str, number: usize) -> Container {
    Container {
        id: id(number),
        name: name.to_owned(),
        image: "shop".to_owned(),
        compose: None,
        file: None,
        depends_on: Vec::new(),
        ports: Vec::new(),
        env: Vec::new(),
        routes: Vec::new(),
        running: true,
    }
}

fn process(home: Home) -> Process {
    Process { home, of_user: false, parent: 1, name: "server".to_owned() }
}

/// What a host shows.
#[derive(Default)]
struct Host {
    processes: BTreeMap<u32, Process>,
    sockets: Vec<(Listener, Option<u32>)>,
    paths: Vec<(String, u32)>,
    podman: BTreeMap<String, Option<podman::Named>>,
    connections: BTreeSet<(u32, u16)>,
    units: Units,
    containers: Vec<Container>,
    apps: Apps,
}

impl Host {
    fn unit(&mut self, name: &str, text: &str) -> &mut Self {
        self.units.services.insert(name.to_owned(), unit(text, true));
        self
    }

    fn process(&mut self, pid: u32, process: Process, listens: &[&str]) -> &mut Self {
        self.processes.insert(pid, process);
        for (number, address) in listens.iter().enumerate() {
            let inode = u64::from(pid) * 100 + u64::try_from(number).unwrap();
            self.sockets.push((Listener { address: address.parse().unwrap(), uid: 0, inode }, Some(pid)));
        }
        self
    }

    fn found(self) -> Found {
        let Host { processes, sockets, paths, podman, connections, units, containers, apps } = self;
        assemble(
            Listeners {
                processes,
                sockets,
                paths,
                connections,
                databases: BTreeSet::new(),
                podman,
                trouble: None,
                is_cut: false,
            },
            &units,
            Ok(containers),
            apps,
        )
    }
}

fn by_chance(chance: &mut Chance) -> Host {
    let mut host = Host::default();
    let mut names: Vec<String> = Vec::new();
    for _ in 0..chance.below(12) {
        names.push(format!("{}{}", chance.name(), [".service", ".service", ".service", ""][chance.below(4)]));
    }
    for name in &names {
        let (needed, other) = (&names[chance.below(names.len())], &names[chance.below(names.len())]);
        let text = format!(
            "[Unit]\nDescription={}\nRequires={needed}\nAfter={other}\n[Service]\nUser={}\nWorkingDirectory={}\nType={}\n",
            chance.name(),
            chance.name(),
            chance.path(),
            ["simple", "oneshot"][chance.below(2)],
        );
        let mut one = unit(&text, chance.below(4) > 0);
        one.sockets = (0..chance.below(3)).map(|_| SocketAddr::from(([0, 0, 0, 0], chance.port()))).collect();
        one.named_ports = (0..chance.below(3)).map(|_| chance.port()).collect();
        one.env = (0..chance.below(2)).map(|_| format!("/srv/{}", chance.name())).collect();
        one.trigger = (chance.below(3) == 0).then(|| format!("{}.timer", chance.name()));
        one.enabled = chance.below(2) == 0;
        host.units.services.insert(name.clone(), one);
    }
    host.units.installed.extend((chance.below(2) == 0).then_some("ssh"));
    for number in 0..chance.below(8) {
        host.containers.push(Container {
            image: chance.name(),
            compose: (chance.below(2) == 0).then(|| (chance.name(), chance.name())),
            file: (chance.below(2) == 0).then(|| chance.path()),
            depends_on: vec![chance.name(), chance.name()],
            ports: vec![(chance.name(), chance.port()), ("0.0.0.0".to_owned(), chance.port())],
            env: (chance.below(2) == 0).then(|| chance.path()).into_iter().collect(),
            ..container(&chance.name(), number)
        });
    }
    for number in 0..chance.below(8) {
        host.apps.all.push(App {
            user: [chance.name(), "shop".to_owned()][chance.below(2)].clone(),
            home: [chance.path(), "/home/shop/.pm2".to_owned()][chance.below(2)].clone(),
            cluster: (chance.below(2) == 0).then(|| chance.port()),
            memory_restart_bytes: (chance.below(2) == 0).then(|| u64::from(chance.port())),
            directory: (chance.below(2) == 0).then(|| chance.path()),
            pids: vec![u32::try_from(number).unwrap(), 7],
            ports: BTreeSet::from([chance.port()]),
            named_ports: BTreeSet::from([chance.port(), chance.port()]),
            env: (chance.below(2) == 0).then(|| chance.path()),
            ..app(&chance.name())
        });
    }
    for pid in 1..30 {
        let home = match chance.below(5) {
            0 => Home::Unit(format!("{}.service", chance.name())),
            1 if !names.is_empty() => Home::Unit(names[chance.below(names.len())].clone()),
            2 => Home::Container(id(chance.below(8))),
            3 => Home::Session("3".to_owned()),
            _ => Home::None,
        };
        // Circles of parents included.
        let parent = u32::try_from(chance.below(30)).unwrap();
        let process = Process { home, of_user: chance.below(4) == 0, parent, name: chance.name() };
        host.processes.insert(pid, process);
        host.connections.insert((pid, chance.port()));
    }
    for inode in 0..20 {
        let pid = (chance.below(4) > 0).then(|| u32::try_from(chance.below(32)).unwrap());
        host.sockets.push((Listener { address: chance.address(), uid: 0, inode }, pid));
    }
    host
}

/// What must hold of whatever was found.
fn holds(mut found: Found) {
    let mut above = BTreeSet::new();
    for one in &found.services {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(one.name.starts_with(|c: char| c.is_ascii_lowercase()) && one.name.chars().all(fits), "{:?}", one.name);
        for (need, _) in &one.needs {
            assert!(above.contains(need), "{} needs {need}", one.name);
        }
        assert!(above.insert(one.name.clone()), "{} is there twice", one.name);
    }
    let deployment = deployment(&found);
    check::deployment(deployment);
    assert_eq!(check::problems(&[deployment]), Vec::<String>::new());
    for one in &mut found.services {
        one.routes.extend(one.listens.iter().map(|it| ("shop.example".to_owned(), "/\"\n".to_owned(), it.port())));
    }
    written::holds(&found, "ho\nst\r*/ \u{2028}");
}

#[test]
fn whatever_a_host_shows_the_registry_of_it_is_valid() {
    for seed in 1..200u64 {
        holds(by_chance(&mut Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))).found());
    }
}

#[test]
fn statics_have_names_of_their_own() {
    let mut host = Host::default();
    for name in ["down.service", "service-down.service", "service-down-2.service", "a-b.service", "a_b.service"] {
        host.unit(name, "[Service]\nExecStart=/bin/x\n");
    }
    for name in ["later.service", "here.service", "services.service", "self.service", "9lives.service"] {
        host.unit(name, "[Service]\nExecStart=/bin/x\n");
    }
    holds(host.found());
}

#[test]
fn units_with_escapes_are_services() {
    let mut host = Host::default();
    host.unit("srv-my\\x2dshop.service", "[Service]\nExecStart=/bin/x\n");
    let found = host.found();
    assert_eq!(found.services[0].name, "srv-my-x2dshop");
    holds(found);
}

#[test]
fn nobody_takes_the_name_of_a_service_that_is_installed() {
    let all = || Apps { all: vec![app("ssh"), app("redis")], ..Apps::default() };
    let names = |found: &Found| found.services.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    let mut host = Host { apps: all(), ..Host::default() };
    host.units.installed.insert("ssh");
    host.containers.push(container("ssh", 1));
    let found = host.found();
    assert_eq!(names(&found), ["redis", "ssh-docker", "ssh-pm2"]);
    let localhost = deployment(&found);
    let ssh = localhost.services.iter().find(|one| one.name == "ssh").unwrap();
    assert!(matches!(ssh.managers, [Manager::Systemd(_), ..]));
    // Where it is not, the name is free.
    assert_eq!(names(&Host { apps: all(), ..Host::default() }.found()), ["redis", "ssh"]);
    // Its own unit has it, also where another came first.
    let mut host = Host { apps: all(), ..Host::default() };
    let stated = LOCALHOST.services.iter().find(|one| one.name == "ssh").unwrap();
    let Manager::Systemd(own) = &stated.managers[0] else { panic!("ssh is a unit") };
    assert!(names::stated(own.name).is_some());
    host.unit(own.name, "[Service]\nExecStart=/bin/x\n").unit("a.service", "");
    let found = host.found();
    let its = found.services.iter().find(|one| one.name == "ssh").unwrap();
    assert_eq!(its.manager, FoundManager::Unit(own.name.to_owned()));
}

#[test]
fn a_user_s_processes_are_no_system_service_s() {
    let mut host = Host::default();
    host.unit("shop.service", "[Service]\nExecStart=/bin/x\n");
    host.containers.push(container("web", 1));
    let of_user = |home: Home| Process { of_user: true, ..process(home) };
    host.process(10, process(Home::Unit("shop.service".to_owned())), &["0.0.0.0:80"]);
    host.process(11, of_user(Home::Unit("shop.service".to_owned())), &["0.0.0.0:81"]);
    host.process(12, of_user(Home::Container(id(1))), &["0.0.0.0:82"]);
    let found = host.found();
    let listens = |name: &str| found.services.iter().find(|one| one.name == name).unwrap().listens.clone();
    assert_eq!(listens("shop"), ["0.0.0.0:80".parse().unwrap()]);
    assert_eq!(listens("web"), []);
    assert_eq!(found.unmanaged.iter().map(|one| one.address.port()).collect::<Vec<_>>(), [81, 82]);
}

#[test]
fn an_application_does_not_become_what_others_need() {
    let mut host = Host::default();
    host.unit("web.service", "").unit("zdb.service", "");
    host.process(10, process(Home::Unit("web.service".to_owned())), &["0.0.0.0:80"]);
    host.process(
        11,
        Process { name: "postgres".to_owned(), ..process(Home::Unit("zdb.service".to_owned())) },
        &["127.0.0.1:5432"],
    );
    host.process(12, Process { of_user: true, ..process(Home::None) }, &["127.0.0.2:5432"]);
    host.connections.insert((10, 5432));
    host.apps.all.push(App { pids: vec![12], ..app("postgres-a") });
    let found = host.found();
    let web = found.services.iter().find(|one| one.name == "web").unwrap();
    assert_eq!(web.needs, [("zdb".to_owned(), "is connected to port 5432".to_owned())]);
}

#[test]
fn a_name_that_no_command_takes_is_said() {
    let all = vec![app("my app"), app("-rf"), app("../x"), App { home: "/home/../etc".to_owned(), ..app("api") }];
    let found = Host { apps: Apps { all, ..Apps::default() }, ..Host::default() }.found();
    assert_eq!(found.services, []);
    let (what, why) = &found.unknown[0];
    assert_eq!((*what, why.to_string().as_str()), ("applications of pm2", "4 have a name that no command takes"));
    // The first is a unit to systemd, the other is none.
    let mut host = Host::default();
    host.unit("-rf.service", "").unit("x\ny.service", "");
    let unknown: Vec<String> = host.found().unknown.iter().map(|(what, why)| format!("{what}: {why}")).collect();
    assert_eq!(unknown, ["units: 1 have a name that no command takes"]);
}

#[test]
fn several_processes_and_families_at_one_port_are_one_service() {
    let mut host = Host::default();
    host.unit("web.service", "[Service]\nType=forking\nExecStart=/bin/x\n");
    let own = || process(Home::Unit("web.service".to_owned()));
    host.process(10, own(), &["0.0.0.0:80", "[::]:80"]).process(11, own(), &["0.0.0.0:80"]);
    host.process(12, Process { parent: 10, ..own() }, &["[::1]:81"]);
    // The other family's port is another's, and a probe asks at 127.0.0.1.
    host.unit("other.service", "").process(20, process(Home::Unit("other.service".to_owned())), &["127.0.0.1:81"]);
    let found = host.found();
    let ports = |name: &str| found.services.iter().find(|one| one.name == name).unwrap().ports();
    assert_eq!((ports("web"), ports("other")), (vec![80], vec![81]));
    holds(found);
}

#[test]
fn over_ipv4_a_port_is_whose_it_is_there() {
    let mut host = Host::default();
    for (pid, name, listens) in [(10, "four", "0.0.0.0:80"), (11, "six", "[::]:80"), (12, "both", "[::]:81")] {
        host.unit(&format!("{name}.service"), "");
        host.process(pid, process(Home::Unit(format!("{name}.service"))), &[listens]);
    }
    let found = host.found();
    let one = |name: &str| found.services.iter().find(|one| one.name == name).unwrap();
    assert_eq!((one("four").ports(), one("six").ports(), one("both").ports()), (vec![80], vec![], vec![81]));
    assert_eq!(one("six").listens, ["[::]:80".parse().unwrap()]);
    holds(found);
}

#[test]
fn a_large_host_is_put_together_in_time() {
    let mut host = Host::default();
    for number in 0..2000u32 {
        let text = format!("[Unit]\nRequires=unit{}.service\nAfter=unit{}.service\n", (number + 1) % 2000, number / 2);
        host.unit(&format!("unit{number}.service"), &text);
        let port = 1 + number;
        host.process(number + 10, process(Home::Unit(format!("unit{number}.service"))), &[&format!("0.0.0.0:{port}")]);
        host.connections.insert((number + 10, u16::try_from(1 + (number * 7) % 2000).unwrap()));
    }
    for number in 0..300usize {
        host.containers.push(container(&format!("c{number}"), number));
        host.process(5000 + u32::try_from(number).unwrap(), process(Home::Container(id(number))), &[]);
    }
    // Each is below the one before: as much as descent can cost.
    for pid in 10_000..13_000u32 {
        host.process(pid, Process { parent: pid - 1, ..process(Home::None) }, &[&format!("[::1]:{pid}")]);
    }
    for number in 0..200u32 {
        host.apps.all.push(App { pids: vec![10_000 + number * 10], ..app(&format!("app{number}")) });
    }
    let begun = Instant::now();
    let found = host.found();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(found.services.len(), 2500);
    assert_eq!(program(&found, "large", "large").matches("\nstatic ").count(), 2503);
}
