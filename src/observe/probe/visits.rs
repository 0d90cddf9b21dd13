//! Public names as visitors find them: each asked once, at the edge of this host. The connection shows its certificate, too.

use std::thread;
use std::time::Duration;

use super::edge::{self, Edge};
use super::tls::Chain;
use super::{Answer, Door};
use crate::host::threads::{join, task};
use crate::host::tools::command::Command;
use crate::host::tools::nginx::page::Endpoint;
use crate::host::trouble::Trouble;
use crate::registry::{Deployment, Maintenance, Probe, Route, Service, Url};

/// How long the edge may take. One that is slower is no finding.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What a visitor of a public name gets.
#[derive(Debug)]
pub struct Visit {
    /// The service whose route it is.
    pub service: &'static Service,
    /// The route.
    pub route: &'static Route,
    /// The path that was asked for.
    pub path: &'static str,
    /// What the edge answers; `None` where there is none, or where the site is closed on purpose.
    pub answer: Answer<Option<Edge>>,
}

/// Visits every public name of these services, all at once. With each come the certificates that it showed over TLS.
pub(super) fn ask_all(
    door: Door<'_>,
    deployment: &Deployment,
    services: &[&'static Service],
) -> Vec<(Visit, Option<Chain>)> {
    if deployment.proxy.is_none() {
        return Vec::new();
    }
    // While the site is closed on purpose, nobody is meant to reach it.
    let is_closed = matches!(&deployment.maintenance, Maintenance::Page(page) if door.system.exists(page.file));
    thread::scope(|scope| {
        let one = |(service, route): (&'static Service, &'static Route)| {
            let path = path_of(service, route);
            let asked = (!is_closed).then(|| task(scope, move || visit(door, route.host, path)));
            (service, route, path, asked)
        };
        let asked: Vec<_> = by_host(services.iter().copied()).into_iter().map(one).collect();
        let answered = asked.into_iter().map(|(service, route, path, asked)| {
            let (result, chain) = asked.map_or((Ok(None), None), join);
            let answer = Answer { command: visitor(route.host, path), result };
            (Visit { service, route, path, answer }, chain)
        });
        answered.collect()
    })
}

/// The same without the certificates.
pub fn ask(door: Door<'_>, deployment: &Deployment, services: &[&'static Service]) -> Vec<Visit> {
    ask_all(door, deployment, services).into_iter().map(|(visit, _)| visit).collect()
}

/// The route that is asked for of each host name: that of the whole host before one of a part.
fn by_host(services: impl Iterator<Item = &'static Service>) -> Vec<(&'static Service, &'static Route)> {
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

fn visitor(host: &str, path: &str) -> Command {
    let resolve = format!("{host}:443:127.0.0.1");
    Command::new(["curl", "-sSik", "-m", "3", "--resolve", &resolve, &format!("https://{host}{path}")])
}

/// Over TLS, and without where nobody speaks that.
fn visit(door: Door<'_>, host: &str, path: &str) -> (Result<Option<Edge>, Trouble>, Option<Chain>) {
    // The page of a site that is closed on purpose says so itself.
    let open = |edge: Edge| Ok(Some(edge).filter(|edge| !edge.is_page));
    let (secured, chain) = visit_by(door, host, path, true);
    let result = match secured {
        Ok(edge) => open(edge),
        Err(Trouble::Shortage(shortage)) => Err(Trouble::Shortage(shortage)),
        // What is wrong with TLS is a matter of certificates.
        Err(_) => match visit_by(door, host, path, false).0 {
            Ok(edge) => open(edge),
            Err(Trouble::Shortage(shortage)) => Err(Trouble::Shortage(shortage)),
            Err(_) => Ok(None),
        },
    };
    (result, chain)
}

/// What the edge answers for a path of a name over TLS, or without.
///
/// # Errors
/// Why there is no answer.
pub fn visit_once(door: Door<'_>, host: &str, path: &str, tls: bool) -> Result<Edge, Trouble> {
    visit_by(door, host, path, tls).0
}

fn visit_by(door: Door<'_>, host: &str, path: &str, tls: bool) -> (Result<Edge, Trouble>, Option<Chain>) {
    let port = if tls { 443 } else { 80 };
    let endpoint = Endpoint { host: host.to_owned(), port, tls, address: None, health: false };
    let (answer, chain) = edge::visit(&endpoint, door.system.loopback, path, door.limit().min(PATIENCE));
    (answer.result, chain)
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
