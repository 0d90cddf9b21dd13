//! Public routes as visitors find them: each host name asked once, at the edge of this host. Certificates are not judged here.

use std::thread;
use std::time::Duration;

use super::raw;
use crate::host::threads::{join, task};
use crate::host::tools::caddy::sites::{self as caddy_sites, Target};
use crate::host::tools::command::Command;
use crate::host::tools::nginx::page::Endpoint;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, Door, Edge, edge, survey};
use crate::registry::{Deployment, Maintenance, Probe, Proxy, Route, Service, Url};

/// What an edge answers that does not reach who should answer.
pub const FAILS: [u16; 3] = [502, 503, 504];
/// How long the edge may take. One that is slower is no finding.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Public routes of a deployment, as visitors find them.
#[derive(Debug)]
pub struct Passages {
    /// What the edge answers, by host name; `None` where there is no edge.
    pub answers: Vec<(&'static str, Answer<Option<Passed>>)>,
    /// Where it sends whom: as Caddy runs, by its admin interface, or as nginx's files say. `None` where that interface is closed.
    pub targets: Answer<Option<Vec<Target>>>,
}

/// What a visitor of a route gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// What was asked for: `mem.prim.sh/`.
    pub endpoint: String,
    /// The service whose route was asked for.
    pub service: &'static str,
    /// Status code.
    pub status: u16,
    /// Body, cut.
    pub body: String,
    /// What the service itself answers to the same; asked where the edge fails, and `None` where nobody listens there.
    pub own: Option<u16>,
    /// Where the edge sends the name as it runs, and as its files say; where the edge fails and that is known.
    pub sends: [Option<String>; 2],
}

/// The route that is asked for of each host name: that of the whole host before one of a part.
pub fn by_host(services: impl Iterator<Item = &'static Service>) -> Vec<(&'static Service, &'static Route)> {
    let mut found: Vec<(&'static Service, &'static Route)> = Vec::new();
    for service in services {
        for route in service.routes.iter().filter(|route| !route.host.contains('*')) {
            match found.iter_mut().find(|(_, other)| other.host == route.host) {
                None => found.push((service, route)),
                Some(other) if other.1.path != "/" && route.path == "/" => *other = (service, route),
                Some(_) => {}
            }
        }
    }
    found
}

/// Where a service is asked through its route: where its own probe asks, if that says who it is.
fn path_of(service: &Service, route: &Route) -> &'static str {
    let probed = service.probes.iter().find_map(|probe| match probe {
        Probe::Http(http) => match http.url {
            Url::Local { port, path } if port == route.port => Some(path),
            Url::Local { .. } | Url::FromEnv(_) => None,
        },
        _ => None,
    });
    probed.filter(|_| route.path == "/").unwrap_or(route.path)
}

/// Asks for every public route of a deployment, all at once.
pub fn ask_all(door: Door<'_>, deployment: &'static Deployment, proxy: &Proxy) -> Passages {
    thread::scope(|scope| {
        let routes: Vec<_> = by_host(deployment.services.iter().copied())
            .into_iter()
            .map(|(service, route)| (route.host, task(scope, move || ask(door, deployment, service, route))))
            .collect();
        let targets = targets(door, proxy);
        Passages { answers: routes.into_iter().map(|(host, thread)| (host, join(thread))).collect(), targets }
    })
}

fn targets(door: Door<'_>, proxy: &Proxy) -> Answer<Option<Vec<Target>>> {
    match proxy {
        Proxy::Caddy { .. } => {
            let url = format!("http://localhost:{}/config/", caddy_sites::ADMIN);
            let runs = super::daemons::caddy_runs(door);
            let read = |config: Option<String>| Ok(config.map(|config| caddy_sites::targets(&config)).transpose()?);
            Answer { command: Command::new(["curl", "-s", &url]), result: runs.and_then(read) }
        }
        Proxy::Nginx => {
            let command = (&crate::host::tools::nginx::dump()).into();
            Answer { command, result: super::daemons::nginx_targets(door.system).map(Some) }
        }
    }
}

/// Asks the edge for a route, and where it fails the service itself.
fn ask(
    door: Door<'_>,
    deployment: &Deployment,
    service: &'static Service,
    route: &'static Route,
) -> Answer<Option<Passed>> {
    let path = path_of(service, route);
    let command = visitor(route.host, path);
    let look = || -> Result<Option<Passed>, Trouble> {
        // While the site is closed on purpose, nobody is meant to reach it.
        if let Maintenance::Page(page) = &deployment.maintenance
            && door.system.exists(page.file)
        {
            return Ok(None);
        }
        let Some(Edge { status, body, .. }) = visit(door, route.host, path)? else { return Ok(None) };
        let endpoint = if path == "/" { route.host.to_owned() } else { format!("{}{path}", route.host) };
        let mut passed = Passed { endpoint, service: service.name, status, body, own: None, sends: [None, None] };
        if FAILS.contains(&status) {
            passed.own = raw::get(door, route.port, route.host, path)?.map(|(status, _)| status);
            if passed.own.is_some_and(|own| own != status) {
                passed.sends = sends(door, deployment, route);
            }
        }
        Ok(Some(passed))
    };
    Answer { command, result: look() }
}

fn visitor(host: &str, path: &str) -> Command {
    let resolve = format!("{host}:443:127.0.0.1");
    Command::new(["curl", "-sSik", "-m", "3", "--resolve", &resolve, &format!("https://{host}{path}")])
}

/// What a visitor of a name of this host gets: over TLS, and without where nobody speaks that; `None` where nobody listens.
pub fn visit(door: Door<'_>, host: &str, path: &str) -> Result<Option<Edge>, Trouble> {
    let ask = |tls: bool| visit_by(door, host, path, tls);
    // The page of a site that is closed on purpose says so itself.
    match ask(true) {
        Ok(edge) => Ok(Some(edge).filter(|edge| !edge.is_page)),
        Err(Trouble::Shortage(shortage)) => Err(Trouble::Shortage(shortage)),
        // What is wrong with TLS is told of certificates.
        Err(_) => match ask(false) {
            Ok(edge) => Ok(Some(edge).filter(|edge| !edge.is_page)),
            Err(Trouble::Shortage(shortage)) => Err(Trouble::Shortage(shortage)),
            Err(_) => Ok(None),
        },
    }
}

/// The same over TLS alone, or without.
pub fn visit_by(door: Door<'_>, host: &str, path: &str, tls: bool) -> Result<Edge, Trouble> {
    let port = if tls { 443 } else { 80 };
    let endpoint = Endpoint { host: host.to_owned(), port, tls, address: None, health: false };
    edge(&endpoint, door.system.loopback, path, door.limit().min(PATIENCE)).result
}

/// Where the edge sends a name: as it runs, and as its files say. What cannot be seen is left out.
fn sends(door: Door<'_>, deployment: &Deployment, route: &Route) -> [Option<String>; 2] {
    let of = |targets: Vec<Target>| {
        let path = route.path.trim_end_matches('/');
        let own = |target: &&Target| target.host == route.host;
        let nearest = targets.iter().filter(own).find(|target| target.path.trim_end_matches('/') == path);
        nearest.or_else(|| targets.iter().find(own)).map(|target| target.addresses.join(", "))
    };
    match &deployment.proxy {
        Some(Proxy::Caddy { config }) => {
            let runs = super::daemons::caddy_runs(door).ok().flatten();
            let runs = runs.and_then(|config| caddy_sites::targets(&config).ok()).and_then(of);
            let argv = crate::host::tools::caddy::adapt(config);
            let adapted = survey::ask_author(door, config, argv, caddy_sites::targets);
            [runs, adapted.result.ok().and_then(of)]
        }
        Some(Proxy::Nginx) => [None, super::daemons::nginx_targets(door.system).ok().and_then(of)],
        None => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Http, Level, Rule};

    static LEVEL: Level = Level::new("L").criterion("c").response("r").action("a");
    static API: Service = Service::new("api", &LEVEL)
        .routes(&[Route::new("a.test", 1).path("/api/"), Route::new("*.a.test", 1)])
        .probes(&[Probe::Http(Http::get(1, "/health", &[Rule::ok(200)]))]);
    static WEB: Service = Service::new("web", &LEVEL)
        .routes(&[Route::new("a.test", 2), Route::new("www.a.test", 2)])
        .probes(&[Probe::Http(Http::get(2, "/ready", &[Rule::ok(200)]))]);

    #[test]
    fn each_host_name_is_asked_once_and_where_its_service_is_probed() {
        let found = by_host([&API, &WEB].into_iter());
        let told: Vec<_> =
            found.iter().map(|(service, route)| (service.name, route.host, path_of(service, route))).collect();
        assert_eq!(told, [("web", "a.test", "/ready"), ("web", "www.a.test", "/ready")]);
        let (_, route) = by_host([&API].into_iter())[0];
        assert_eq!(path_of(&API, route), "/api/");
    }
}
