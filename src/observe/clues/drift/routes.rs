//! Public routes as visitors find them: each host name asked once, at the edge of this host. Certificates are not judged here.

use std::thread;

use super::raw;
use crate::host::threads::{join, task};
use crate::host::tools::caddy::sites::{self as caddy_sites, Target};
use crate::host::tools::command::Command;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, Door, Visit, survey};
use crate::registry::{Deployment, Proxy, Route};

/// What an edge answers that does not reach who should answer.
pub const FAILS: [u16; 3] = [502, 503, 504];

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

/// What came of visits to public names: where the edge failed, the service itself is asked, and where the edge sends the name.
pub fn follow_up(
    door: Door<'_>,
    deployment: &'static Deployment,
    visits: &[Visit],
    targets: Answer<Option<Vec<Target>>>,
) -> Passages {
    thread::scope(|scope| {
        let fails = |visit: &Visit| matches!(&visit.answer.result, Ok(Some(edge)) if FAILS.contains(&edge.status));
        let one = |visit| (visit, fails(visit).then(|| task(scope, move || passed(door, deployment, visit))));
        let asked: Vec<_> = visits.iter().map(one).collect();
        let answers = asked.into_iter().map(|(visit, thread)| {
            let result = thread.map_or_else(|| passed(door, deployment, visit), join);
            let answer = Answer { command: visit.answer.command.clone(), result };
            (visit.route.host, answer)
        });
        Passages { answers: answers.collect(), targets }
    })
}

/// Where the proxy sends whom.
pub fn targets(door: Door<'_>, proxy: &Proxy) -> Answer<Option<Vec<Target>>> {
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

fn passed(door: Door<'_>, deployment: &Deployment, visit: &Visit) -> Result<Option<Passed>, Trouble> {
    let Visit { service, route, path, answer } = visit;
    let Some(edge) = answer.result.as_ref().map_err(Trouble::clone)? else { return Ok(None) };
    let endpoint = if *path == "/" { route.host.to_owned() } else { format!("{}{path}", route.host) };
    let (status, body) = (edge.status, edge.body.clone());
    let mut passed = Passed { endpoint, service: service.name, status, body, own: None, sends: [None, None] };
    if FAILS.contains(&status) {
        passed.own = raw::get(door, route.port, route.host, path)?.map(|(status, _)| status);
        if passed.own.is_some_and(|own| own != status) {
            passed.sends = sends(door, deployment, route);
        }
    }
    Ok(Some(passed))
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
