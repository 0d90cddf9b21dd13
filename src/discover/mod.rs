//! What runs on a host that no registry describes: the services that its own files, sockets and engines show. `find` starts no
//! program, connects to no port and changes nothing; what it could not see it says.
//!
//! `units` (systemd), `containers` and `apps` (pm2) each find candidates, `listeners` says who waits at which port, and
//! `assemble` (PURE) makes services of them: each with one name, its ports, and why it is thought to be one. `registry` turns
//! them into records that every verb takes, `rust` into source text.

mod apps;
mod assemble;
mod containers;
mod diff;
mod listeners;
mod names;
mod needs;
mod registry;
mod rust;
mod seen;
#[cfg(test)]
mod tests;
mod units;

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::host::exec::Runner;
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::host::trouble::Trouble;
use crate::observe::probe::{Door, survey};
use crate::registry::Proxy;

pub use diff::{missing, service_of};
pub use names::plain_name;
pub use registry::deployment;
pub use rust::{crate_files, program};

/// What was found on a host.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Services, each below those that it needs.
    pub services: Vec<FoundService>,
    /// The proxy whose routes these are; only after [`add_routes`].
    pub proxy: Option<FoundProxy>,
    /// Who waits for connections and belongs to no service: a program that somebody started by hand.
    pub unmanaged: Vec<Unmanaged>,
    /// How many running units are the distribution's own, and left out.
    pub left_out: usize,
    /// What could not be looked at, and why: there may be more.
    pub unknown: Vec<(&'static str, Trouble)>,
}

/// What is unknown where it is hidden who listens where.
pub const PORTS: &str = "ports";

/// A service that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundService {
    /// Its name on the command line: lower-case letters, digits and dashes.
    pub name: String,
    /// What it is, in its own words.
    pub summary: String,
    /// Who starts and stops it.
    pub manager: FoundManager,
    /// What it is among the others.
    pub role: Role,
    /// Where it waits for connections over TCP.
    pub listens: Vec<SocketAddr>,
    /// What speaks there, where the program's name says it.
    pub protocol: Option<Protocol>,
    /// Its env files.
    pub env: Vec<String>,
    /// Databases in its directory, or that it has open.
    pub data: Vec<String>,
    /// Names of services that it cannot work without, and why that is thought so.
    pub needs: Vec<(String, String)>,
    /// Public names, paths and the port to which the proxy sends them; only after [`add_routes`].
    pub routes: Vec<(String, String, u16)>,
    /// Why it is thought to be a service.
    pub why: Vec<String>,
    /// What its unit states of it.
    pub unit: UnitFacts,
}

/// What a unit file states and `verify` compares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitFacts {
    /// `User=`.
    pub user: Option<String>,
    /// `WorkingDirectory=`.
    pub working_directory: Option<String>,
    /// `Restart=`.
    pub restart: Option<String>,
    /// Whether it starts at boot.
    pub enabled: bool,
}

/// Who starts and stops a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundManager {
    /// The systemd unit of this name.
    Unit(String),
    /// A service of a compose project.
    Compose {
        /// Project.
        project: String,
        /// Service.
        service: String,
        /// The compose file, where its label is one absolute path.
        file: Option<String>,
    },
    /// A container, by its name.
    Container(String),
    /// An application of a pm2 daemon.
    App {
        /// Its name.
        name: String,
        /// Owner of the daemon.
        user: String,
        /// `PM2_HOME`.
        home: String,
        /// How many processes in cluster mode; `None` in fork mode.
        cluster: Option<u16>,
        /// `max_memory_restart`, bytes.
        memory_restart_bytes: Option<u64>,
    },
}

impl FoundManager {
    /// The tool's name.
    pub const fn kind(&self) -> &'static str {
        match self {
            FoundManager::Unit(_) => "systemd",
            FoundManager::Compose { .. } => "compose",
            FoundManager::Container(_) => "docker",
            FoundManager::App { .. } => "pm2",
        }
    }

    /// The tool's own name for it.
    pub fn unit(&self) -> &str {
        match self {
            FoundManager::Unit(name) | FoundManager::Container(name) | FoundManager::App { name, .. } => name,
            FoundManager::Compose { service, .. } => service,
        }
    }
}

/// A reverse proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundProxy {
    /// Caddy with this Caddyfile.
    Caddy(String),
    /// nginx.
    Nginx,
}

/// What a service is among the others, from which its severity follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Takes requests from outside and hands them on.
    Edge,
    /// Keeps what others need.
    Database,
    /// Everything else that runs on.
    Service,
    /// Runs by a timer and ends.
    Job,
}

impl Role {
    /// Why an outage matters, as far as anybody knows who does not know the service.
    pub const fn reason(self) -> &'static str {
        match self {
            Role::Edge => "it takes requests from outside",
            Role::Database => "programs on this machine depend on it",
            Role::Service => "somebody meant it to run here",
            Role::Job => "it runs again by itself",
        }
    }
}

/// What speaks at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// PostgreSQL.
    Postgres,
    /// Redis and what speaks like it.
    Redis,
    /// MongoDB.
    Mongo,
    /// MySQL and MariaDB, which count a connection without a login as an error.
    Mysql,
    /// OpenSSH, which counts a connection without a login against its source.
    Ssh,
}

/// Who waits for connections and belongs to no service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmanaged {
    /// Where.
    pub address: SocketAddr,
    /// Name of the program; empty where it is hidden from this user.
    pub program: String,
    /// Its process, where it is seen.
    pub pid: Option<u32>,
}

/// Looks for services of this machine, for as long as that.
pub fn find_within(system: &System, runner: &dyn Runner, limit: Duration) -> Found {
    let system = system.with_files_until(Instant::now() + limit);
    find(Door::new(&system, runner, limit))
}

/// Looks for services, all sources at once, each within the door's limit.
pub fn find(door: Door<'_>) -> Found {
    let (listeners, units, containers, apps) = thread::scope(|scope| {
        let until = Instant::now() + door.limit;
        let listeners = task(scope, move || listeners::read(door.system, until));
        let containers = task(scope, || containers::list(door));
        let apps = task(scope, move || apps::list(door.system, until));
        let units = units::read(door.system);
        (join(listeners), units, join(containers), join(apps))
    });
    assemble::assemble(listeners, &units, containers, apps)
}

/// Adds to each service the public names that the proxy sends to its ports. The proxy's own program reads its configuration.
pub fn add_routes(door: Door<'_>, found: &mut Found) {
    const CADDYFILE: &str = "/etc/caddy/Caddyfile";
    let is = |unit: &str| found.services.iter().any(|one| one.manager == FoundManager::Unit(unit.to_owned()));
    let (proxy, made) = match () {
        () if is("caddy.service") && door.system.exists(CADDYFILE) => {
            (Proxy::caddy(CADDYFILE), FoundProxy::Caddy(CADDYFILE.to_owned()))
        }
        () if is("nginx.service") => (Proxy::Nginx, FoundProxy::Nginx),
        () => return,
    };
    let upstreams = match survey::ask_proxy(door, &proxy).result {
        Ok(upstreams) => upstreams,
        Err(trouble) => return found.unknown.push(("routes", trouble)),
    };
    for upstream in upstreams {
        let Some(port) = upstream.port() else { continue };
        let is_local = ["localhost:", "127.0.0.1:", "[::1]:"].iter().any(|host| upstream.address.starts_with(host));
        let listens = |one: &&mut FoundService| one.listens.iter().any(|address| address.port() == port);
        if let Some(one) = found
            .services
            .iter_mut()
            .find(listens)
            .filter(|_| is_local && is_host_name(&upstream.host) && upstream.path.starts_with('/'))
        {
            let route = (upstream.host, upstream.path, port);
            if !one.routes.contains(&route) {
                one.routes.push(route);
            }
        }
    }
    found.proxy = Some(made);
    add_apis(found);
}

/// A page needs the API to which the proxy sends a path of the page's own public name: its scripts ask there.
fn add_apis(found: &mut Found) {
    const APIS: [&str; 4] = ["/api", "/trpc", "/graphql", "/rpc"];
    let routes = |one: &FoundService, wanted: &[&str]| -> Vec<String> {
        let is = |path: &str| wanted.contains(&path.trim_end_matches(['/', '*']));
        one.routes.iter().filter(|(_, path, _)| is(path)).map(|(host, _, _)| host.clone()).collect()
    };
    let services = std::mem::take(&mut found.services);
    let at = |name: &str| services.iter().position(|one| one.name == name);
    let mut needs: Vec<Vec<usize>> =
        services.iter().map(|one| one.needs.iter().filter_map(|(name, _)| at(name)).collect()).collect();
    let mut apis: Vec<(usize, usize, String)> = Vec::new();
    for (page, host) in
        services.iter().enumerate().flat_map(|(at, one)| routes(one, &[""]).into_iter().map(move |it| (at, it)))
    {
        for (api, _) in services.iter().enumerate().filter(|(_, one)| routes(one, &APIS).contains(&host)) {
            if api != page && !needs[page].contains(&api) {
                needs[page].push(api);
                apis.push((page, api, format!("the proxy sends the API of {host} there")));
            }
        }
    }
    let (order, broken) = needs::order(&mut needs);
    let names: Vec<String> = services.iter().map(|one| one.name.clone()).collect();
    let mut services: Vec<Option<FoundService>> = services.into_iter().map(Some).collect();
    for (page, api, why) in apis.into_iter().filter(|(page, api, _)| !broken.contains(&(*page, *api))) {
        if let Some(one) = &mut services[page] {
            one.needs.push((names[api].clone(), why));
        }
    }
    // A circle through an API is broken where it closes, which may be at a need that was known before.
    for (one, other) in broken {
        if let Some(one) = &mut services[one] {
            one.needs.retain(|(name, _)| *name != names[other]);
        }
    }
    found.services = order.into_iter().filter_map(|at| services[at].take()).collect();
}

/// Whether this is a whole name that visitors type.
fn is_host_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    name.contains('.') && !name.starts_with('.') && name.chars().all(fits)
}

/// Names of those that `localhost` states, and judges by what it states.
pub fn stated(found: &Found) -> Vec<String> {
    let stated = found
        .services
        .iter()
        .filter(|one| matches!(&one.manager, FoundManager::Unit(unit) if names::stated(unit).is_some()));
    stated.map(|one| one.name.clone()).collect()
}
