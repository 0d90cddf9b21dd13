//! Sites of this host's edge behind which nobody listens. Sites and listeners are compared on paper; only one that seems dead is
//! asked for, as a visitor would.

use super::daemons::{self, Daemon, caddy_files, caddy_runs, caddyfile, nginx_targets};
use super::routes::FAILS;
use crate::host::system::System;
use crate::host::tools::caddy::sites::{self as caddy_sites, Target};
use crate::host::tools::command::Command;
use crate::host::tools::sockets::Listener;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, Door, ManagerEvidence, tcp_listeners, visit_once};
use crate::registry::{Deployment, Service};

/// How many names are asked for.
const MOST: usize = 8;

/// A site that visitors get an error of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadSite {
    /// Host name, and path where it is not all of it.
    pub endpoint: String,
    /// Where it sends visitors.
    pub address: String,
    /// What they get.
    pub status: u16,
}

/// The dead sites of an edge that runs.
pub fn look(
    door: Door<'_>,
    deployment: &Deployment,
    service: &Service,
    managers: &ManagerEvidence,
) -> Answer<Vec<DeadSite>> {
    let command = Command::new(["ss", "-Hltnp"]);
    let unit = super::super::unit(service, managers).filter(|unit| unit.active == "active");
    let Some((unit, kind)) = unit.zip(daemons::daemon(service)) else {
        return Answer { command, result: Ok(Vec::new()) };
    };
    let find = || -> Result<Vec<DeadSite>, Trouble> {
        let open = listening(door.system)?;
        // Ports of services are those services' own matter.
        let is_dead = |address: &String| {
            let port = local_port(address);
            port.is_some_and(|port| {
                !open.contains(&port) && !deployment.services.iter().any(|service| service.ports.contains(&port))
            })
        };
        let targets = match kind {
            Daemon::Nginx => nginx_targets(door.system)?,
            Daemon::Caddy => {
                let main = caddyfile(door.system, deployment, unit.main_pid);
                let files = caddy_files(door.system, &main)?;
                // Where its files are those that it read, and every port that they name is listened on, it need not be asked.
                let began = unit.active_since;
                let is_newer = files.iter().any(|file| file.written > began);
                let mut named = files.iter().flat_map(|file| file.text.split_whitespace());
                match is_newer || named.any(|word| is_dead(&word.to_owned())) {
                    true => caddy_runs(door)?.map_or_else(|| Ok(Vec::new()), |config| caddy_sites::targets(&config))?,
                    false => Vec::new(),
                }
            }
            Daemon::Apache | Daemon::Php | Daemon::Sshd | Daemon::Postgres | Daemon::MariaDb | Daemon::Mongo => {
                Vec::new()
            }
        };
        let mut dead: Vec<DeadSite> = Vec::new();
        let mut asked: Vec<&str> = Vec::new();
        // What is a service's own route is asked for as that.
        let is_route = |target: &Target| {
            let routes = deployment.services.iter().flat_map(|service| service.routes);
            routes.into_iter().any(|route| route.host == target.host)
        };
        let is_wanted = |target: &&Target| target.addresses.iter().all(is_dead) && !is_route(target);
        for target in targets.iter().filter(is_wanted) {
            if asked.len() >= MOST || asked.contains(&target.host.as_str()) || target.host.contains('*') {
                continue;
            }
            asked.push(&target.host);
            // A name may be served over TLS, without, or both: what fails for its visitors shows either way.
            let answers = [true, false].map(|tls| visit_once(door, &target.host, &target.path, tls));
            let fails = answers.into_iter().flatten().find(|edge| FAILS.contains(&edge.status) && !edge.is_page);
            let endpoint =
                if target.path == "/" { target.host.clone() } else { format!("{}{}", target.host, target.path) };
            if let Some(passed) = fails {
                let address = target.addresses.first().cloned().unwrap_or_default();
                dead.push(DeadSite { endpoint, address, status: passed.status });
            }
        }
        Ok(dead)
    };
    Answer { command, result: find() }
}

/// The port of an address of this host; `None` for any other.
pub fn local_port(address: &str) -> Option<u16> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host.rsplit_once("://").map_or(host, |(_, host)| host);
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "0.0.0.0");
    port.parse().ok().filter(|_| is_local)
}

fn listening(system: &System) -> Result<Vec<u16>, Trouble> {
    Ok(tcp_listeners(system)?.iter().map(Listener::port).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ports_of_this_host_count() {
        for (address, port) in [
            ("localhost:3000", Some(3000)),
            ("127.0.0.1:80", Some(80)),
            ("[::1]:8080", Some(8080)),
            ("http://localhost:9000", Some(9000)),
            ("10.0.0.5:3000", None),
            ("unix:/run/x.sock", None),
            ("backend", None),
            ("localhost:{args.0}", None),
        ] {
            assert_eq!(local_port(address), port, "{address}");
        }
    }
}
