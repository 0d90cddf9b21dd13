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
    host.apps.all.push(App { pids: vec![20], ..app("a-redis") });
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
    holds(found);
}

#[test]
fn a_proxy_needs_who_listens_at_the_path_that_it_names() {
    let mut host = host();
    host.unit("nginx.service", "").process(30, named("nginx", "nginx.service"), &["0.0.0.0:80"]);
    let mut found = host.found();
    let upstream = |address: &str| Upstream { host: String::new(), path: "/".to_owned(), address: address.to_owned() };
    let all = ["unix:/run/php/php8.4-fpm.sock", "unix:/var/run/cache.sock:/v1", "unix:/run/none.sock", "unix:/run/$x"];
    routes::add(&mut found, "nginx.service", FoundProxy::Nginx, all.map(upstream).to_vec());
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
