//! What a found service is asked, and by which name commands take it.

use super::*;
use crate::registry::{Probe, Service};

/// What each service is asked.
fn probes(found: &Found) -> Vec<(&str, String)> {
    let asked = |one: &FoundService| {
        let probe = one.ports().first().and_then(|port| registry::probe(one, *port));
        match probe {
            None => "nothing".to_owned(),
            Some(Probe::Any { .. }) => "one request".to_owned(),
            Some(probe) => format!("{probe:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
        }
    };
    found.services.iter().map(|one| (one.name.as_str(), asked(one))).collect()
}

/// `perl` at the port of a database is none, and what a connection starts is not started by a question.
#[test]
fn what_a_program_speaks_its_name_says_before_its_port() {
    let mut host = Host::default();
    host.unit("bouncer.service", "").unit("db.service", "").unit("door.service", "").unit("script.service", "");
    let of = |unit: &str, name: &str| Process { name: name.to_owned(), ..process(Home::Unit(unit.to_owned())) };
    host.process(10, of("db.service", "postgres"), &["0.0.0.0:7001"]);
    host.process(11, of("script.service", "perl"), &["0.0.0.0:5432"]);
    host.process(12, of("bouncer.service", "pgbouncer"), &["0.0.0.0:6432"]);
    let door = host.units.services.get_mut("door.service").unwrap();
    door.trigger = Some("door.socket".to_owned());
    door.sockets = vec!["127.0.0.1:7777".parse().unwrap()];
    host.process(13, Process { of_user: true, ..process(Home::None) }, &["0.0.0.0:6379"]);
    host.apps.all.push(App { pids: vec![13], ..app("web") });
    host.containers.push(Container { ports: vec![("0.0.0.0".to_owned(), 27017)], ..container("store", 1) });
    let found = host.found();
    assert_eq!(
        probes(&found),
        [
            ("db", "Postgres".to_owned()),
            ("bouncer", "Postgres".to_owned()),
            ("door", "nothing".to_owned()),
            ("script", "one request".to_owned()),
            ("store", "Mongo".to_owned()),
            ("web", "one request".to_owned()),
        ]
    );
    holds(found);
}

#[test]
fn each_of_several_containers_of_a_compose_service_is_known_by_its_own_name() {
    let of = |service: &str| Some(("shop".to_owned(), service.to_owned()));
    let mut host = Host::default();
    for (number, (name, service)) in
        [("shop-web-1", "web"), ("shop-web-2", "web"), ("shop-db-1", "db")].iter().enumerate()
    {
        host.containers.push(Container { compose: of(service), ..container(name, number) });
    }
    let found = host.found();
    let names: Vec<&str> = found.services.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["db", "shop-web-1", "shop-web-2"]);
    assert!(found.services[1..].iter().all(|one| matches!(one.manager, FoundManager::Container(_))));
    holds(found);
}

/// What pm2 itself takes for all of its applications, or for the one of a number.
#[test]
fn an_application_whose_name_means_others_is_left_out() {
    let all = ["all", "0", "17", "api2"].map(app).to_vec();
    let found = Host { apps: Apps { all, ..Apps::default() }, ..Host::default() }.found();
    assert_eq!(found.services.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["api2"]);
    // A unit of that name has another, since commands mean everything by it.
    let mut host = Host::default();
    host.unit("all.service", "");
    assert_ne!(host.found().services[0].name, "all");
}

/// What a user calls an application does not make a unit's whole name mean two things.
#[test]
fn a_unit_s_whole_name_means_the_unit() {
    let mut host = Host { apps: Apps { all: vec![app("shop.service")], ..Apps::default() }, ..Host::default() };
    host.unit("shop.service", "");
    let localhost = deployment(&host.found());
    let meant = crate::select::meant(localhost, "shop.service").unwrap();
    assert!(matches!(meant[..], [Service { managers: [Manager::Systemd(_)], .. }]), "{}", meant.len());
}

/// Its port is a socket with a path, and `localhost` asks it too.
#[test]
fn the_written_program_asks_the_engine() {
    let mut host = Host::default();
    host.unit("docker.service", "").unit("web.service", "");
    let text = program(&host.found(), "shop", "shop");
    let of = |name: &str| text.split("\nstatic ").find(|part| part.starts_with(name)).unwrap();
    assert!(of("DOCKER:").contains(".probes(&[Probe::DockerEngine])"), "{text}");
    assert!(!of("WEB:").contains("probes"), "{text}");
}
