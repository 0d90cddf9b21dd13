//! Services that are reached otherwise than at a port.

use super::*;
use crate::host::exec::Processes;

fn named(name: &str, unit: &str) -> Process {
    Process { name: name.to_owned(), ..process(Home::Unit(unit.to_owned())) }
}

fn one<'a>(found: &'a Found, name: &str) -> &'a FoundService {
    found.services.iter().find(|one| one.name == name).unwrap()
}

/// A host whose database, cache and interpreter listen at paths.
fn host() -> Host {
    let mut host = Host::default();
    host.process(10, named("postgres", "postgresql@17-main.service"), &[]);
    host.process(11, named("redis-server", "cache.service"), &[]);
    host.process(12, named("php-fpm8.4", "php8.4-fpm.service"), &[]);
    host.process(13, named("quiet", "quiet.service"), &[]);
    host.paths = [
        ("/run/postgresql/.s.PGSQL.5432", 10),
        ("/run/cache.sock", 11),
        ("/run/php/php8.4-fpm.sock", 12),
        // An application of a user in a tree of its own, and somebody's try.
        ("/run/cache.sock", 20),
        ("/run/tried.sock", 21),
    ]
    .map(|(path, pid)| (path.to_owned(), pid))
    .to_vec();
    host.process(20, Process { of_user: true, ..process(Home::None) }, &[]);
    host.process(21, Process { of_user: true, ..named("try", "cache.service") }, &[]);
    let named_paths = BTreeSet::from(["/run/php/php8.4-fpm.sock".to_owned()]);
    host.apps.all.push(App { pids: vec![20], named_paths, ..app("a-redis") });
    for name in ["postgresql@17-main.service", "php8.4-fpm.service", "quiet.service"] {
        host.units.services.insert(name.to_owned(), unit("", false));
    }
    host.unit("cache.service", "").unit("shop.service", "");
    let shop = host.units.services.get_mut("shop.service").unwrap();
    shop.named_paths = ["/run/postgresql/.s.PGSQL.5432", "/run/cache.sock", "/run/shop.sock"].map(str::to_owned).into();
    // systemd listens in its place.
    shop.paths = vec!["/run/shop.sock".to_owned()];
    host
}

#[test]
fn services_that_listen_at_a_path_are_known_by_it_and_needed_by_who_names_it() {
    let found = host().found();
    // A packaged unit that listens nowhere serves nobody.
    assert!(!found.services.iter().any(|one| one.name == "quiet"));
    let php = one(&found, "php8-4-fpm");
    assert_eq!(php.paths, ["/run/php/php8.4-fpm.sock"]);
    assert!(php.why.contains(&"php-fpm8.4 listens".to_owned()), "{:?}", php.why);
    assert_eq!(
        (one(&found, "cache").role, &one(&found, "cache").paths[..]),
        (Role::Database, &["/run/cache.sock".to_owned()][..])
    );
    assert_eq!(one(&found, "shop").paths, ["/run/shop.sock"]);
    let needs = |name: &str, path: &str| (name.to_owned(), format!("its environment names {path}"));
    assert_eq!(
        one(&found, "shop").needs,
        [needs("cache", "/run/cache.sock"), needs("postgresql", "/run/postgresql/.s.PGSQL.5432")]
    );
    assert_eq!(one(&found, "a-redis").needs, [needs("php8-4-fpm", "/run/php/php8.4-fpm.sock")]);
    holds(found);
}

#[test]
fn a_proxy_needs_who_listens_at_the_path_that_it_names() {
    let mut host = host();
    host.unit("nginx.service", "").process(30, named("nginx", "nginx.service"), &["0.0.0.0:80"]);
    let mut found = host.found();
    let upstream = |address: &str| Upstream { host: String::new(), path: "/".to_owned(), address: address.to_owned() };
    let all = ["unix:/run/php/php-fpm.sock", "unix:/var/run/cache.sock:/v1", "unix:/run/none.sock", "unix:/run/$x"];
    let followed = |path: &str| path.replace("/php-fpm.sock", "/php8.4-fpm.sock");
    routes::add(&mut found, "nginx.service", FoundProxy::Nginx, all.map(upstream).to_vec(), followed);
    let needs = |name: &str, path: &str| (name.to_owned(), format!("its configuration names {path}"));
    assert_eq!(
        one(&found, "nginx").needs,
        [needs("php8-4-fpm", "/run/php/php8.4-fpm.sock"), needs("cache", "/run/cache.sock")]
    );
    holds(found);
}

#[test]
fn public_names_of_containers_are_those_of_traefik_where_it_runs() {
    let route = |path: &str, port: Option<u16>| ("shop.example".to_owned(), path.to_owned(), port);
    let ports = vec![("127.0.0.1".to_owned(), 8080)];
    let all = |image: &str| {
        let mut host = Host::default();
        host.containers.push(Container { image: image.to_owned(), ..container("edge", 1) });
        host.containers.push(Container {
            routes: vec![route("/", Some(8080))],
            ports: ports.clone(),
            ..container("web", 2)
        });
        host.containers.push(Container { routes: vec![route("/api", None)], ..container("api", 3) });
        let mut found = host.found();
        let system = System { root: std::env::temp_dir().join("opsctl-discover-nothing"), ..System::real() };
        add_routes(Door::new(&system, &Processes::new(&system, None), Duration::from_secs(20)), &mut found);
        found
    };
    let found = all("docker.io/library/traefik:v3.1");
    assert_eq!((one(&found, "edge").role, &found.proxy), (Role::Edge, &None));
    assert_eq!(one(&found, "web").routes, [("shop.example".to_owned(), "/".to_owned(), 8080)]);
    assert_eq!(one(&found, "api").routes, [("shop.example".to_owned(), "/api".to_owned(), 0)]);
    let why = "the proxy sends the API of shop.example there";
    assert_eq!(one(&found, "web").needs, [("api".to_owned(), why.to_owned())]);
    // Only a route to a port of this host is one of the registry's.
    assert_eq!(program(&found, "x", "x").matches("Route::new(\"shop.example\", 8080)").count(), 1);
    assert_eq!(program(&found, "x", "x").matches("Route::new(").count(), 1);
    holds(found);
    assert!(all("nginx").services.iter().all(|one| one.routes.is_empty()));
}

#[test]
fn a_socket_that_starts_an_instance_for_each_connection_is_never_asked() {
    let mut host = Host::default();
    host.unit("echo.socket", "[Unit]\nDescription=echoes\n");
    let echo = host.units.services.get_mut("echo.socket").unwrap();
    echo.file = "/etc/systemd/system/echo.socket".to_owned();
    echo.sockets = vec!["127.0.0.1:6379".parse().unwrap()];
    host.process(10, named("systemd", "init.scope"), &[]);
    host.process(11, named("cat", "echo@0-x.service"), &["127.0.0.1:7779"]);
    let found = host.found();
    let echo = one(&found, "echo");
    assert_eq!(echo.manager, FoundManager::Unit("echo.socket".to_owned()));
    assert_eq!(echo.protocol, Some(Protocol::Other));
    assert!(registry::probe(echo, 6379).is_none());
    assert_eq!(found.unmanaged, []);
    let localhost = deployment(&found);
    assert_eq!(crate::select::meant(localhost, "echo.socket").unwrap().len(), 1);
    holds(found);
}

#[test]
fn a_unit_is_meant_by_its_other_names_too() {
    let mut host = Host::default();
    host.unit("real.service", "").unit("web.service", "[Unit]\nRequires=alias.service\n");
    host.units.services.get_mut("real.service").unwrap().aliases = vec!["alias.service".to_owned()];
    let found = host.found();
    assert_eq!(one(&found, "web").needs, [("real".to_owned(), "Requires=alias.service".to_owned())]);
    let localhost = deployment(&found);
    for word in ["real", "real.service", "alias", "alias.service"] {
        let names: Vec<&str> = crate::select::meant(localhost, word).unwrap().iter().map(|one| one.name).collect();
        assert_eq!(names, ["real"], "{word}");
    }
    assert!(program(&found, "x", "x").contains("Unit::new(\"real.service\").aliases(&[\"alias.service\"])"));
    holds(found);
}

#[test]
fn containers_of_podman_are_shown_and_no_verb_acts_on_them() {
    let mut host = Host::default();
    let named = |name: &str, image: &str| Some(podman::Named { name: name.to_owned(), image: image.to_owned() });
    host.podman = BTreeMap::from([
        (id(1), named("db", "docker.io/library/postgres:17")),
        (id(2), None),
        (id(3), named("-rf", "")),
        // A unit runs it, which podman generate systemd has written; another has ended meanwhile.
        (id(4), named("web", "")),
        (id(5), named("gone", "")),
    ]);
    for (number, pid) in [(1, 10), (2, 20), (3, 30)] {
        // The one that watches it holds the ports that it publishes.
        host.process(pid, process(Home::Container(id(number))), &[&format!("0.0.0.0:{}", 5400 + pid)]);
        host.process(pid + 1, Process { parent: pid, ..process(Home::Container(id(number))) }, &[]);
    }
    host.unit("web.service", "").process(40, process(Home::Unit("web.service".to_owned())), &["0.0.0.0:80"]);
    host.process(41, Process { parent: 40, ..process(Home::Container(id(4))) }, &[]);
    host.connections.insert((40, 5410));
    let found = host.found();
    let names: Vec<(&str, &str)> = found.services.iter().map(|one| (one.name.as_str(), one.manager.kind())).collect();
    let wanted = [
        ("db", "podman"),
        ("podman-000000000000", "podman"),
        ("podman-000000000000-podman", "podman"),
        ("web", "systemd"),
    ];
    assert_eq!(names, wanted);
    let db = one(&found, "db");
    assert_eq!((db.role, db.listens[0].port(), &db.needs[..]), (Role::Database, 5410, &[][..]));
    assert_eq!(db.why, ["container db of podman, which no verb acts on: podman ps"]);
    assert_eq!(one(&found, "web").needs, [("db".to_owned(), "is connected to port 5410".to_owned())]);
    assert_eq!(found.unmanaged, []);
    let localhost = deployment(&found);
    let web = localhost.services.iter().find(|one| one.name == "web").unwrap();
    assert!(web.needs.is_empty() && localhost.services.iter().all(|one| one.name != "db"));
    check::deployment(localhost);
    let text = program(&found, "x", "x");
    let left_out = "// Left out, because podman runs them: db, podman-000000000000, podman-000000000000-podman.\n";
    assert!(text.contains(left_out) && text.contains("SERVICES: &[&Service] = &[&WEB];"), "{text}");
    assert!(syn::parse_file(&text).is_ok());
}
