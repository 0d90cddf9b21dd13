//! What runs on a host that no registry describes: the services that its own files, sockets and engines show. `find` starts no
//! program, connects to no port and changes nothing; what it could not see it says.
//!
//! `units` (systemd), `containers`, `podman` and `apps` (pm2) each find candidates, `listeners` and `paths` who waits at which port
//! and path, and `assemble` (PURE) makes services of them: each with one name, its ports, and why it is thought to be one. `needs`
//! (PURE) orders them, `routes` adds public names, `registry` makes records that every verb takes, `rust` source text.

mod answers;
mod apps;
mod assemble;
mod containers;
mod diff;
mod listeners;
mod names;
mod needs;
mod paths;
mod podman;
mod programs;
mod registry;
mod routes;
mod rust;
mod seen;
#[cfg(test)]
mod tests;
mod traefik;
mod units;
#[cfg(any(test, feature = "fuzzing"))]
pub mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use crate::host::exec::Runner;
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::host::trouble::Trouble;
use crate::observe::probe::Door;

pub use answers::add_answers;
pub use diff::{keep_unstated, missing, service_of};
pub use names::plain_name;
pub use registry::deployment;
pub use routes::add_routes;
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

/// How long a verb that does something else looks for services beside it.
pub const WITHIN: Duration = Duration::from_millis(600);

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
    /// Paths of the sockets at which it waits for connections.
    pub paths: Vec<String>,
    /// Ports that it has over IPv6 alone: over IPv4 another service answers there.
    pub foreign: BTreeSet<u16>,
    /// What speaks at its main port: by its program, the usual number, or after [`add_answers`].
    pub protocol: Option<Protocol>,
    /// Its env files.
    pub env: Vec<String>,
    /// SQLite files that it has open.
    pub data: Vec<String>,
    /// Names of services that it cannot work without, and why that is thought so.
    pub needs: Vec<(String, String)>,
    /// Public names, paths and the port to which the proxy sends them, 0 where that is not known; of Caddy and nginx only after
    /// [`add_routes`].
    pub routes: Vec<(String, String, u16)>,
    /// Why it is thought to be a service.
    pub why: Vec<String>,
    /// What its unit states of it.
    pub unit: UnitFacts,
}

impl FoundService {
    /// One of this name, of which nothing else is known.
    pub fn new(name: &str, manager: FoundManager) -> Self {
        FoundService {
            name: name.to_owned(),
            summary: String::new(),
            manager,
            role: Role::Service,
            listens: Vec::new(),
            paths: Vec::new(),
            foreign: BTreeSet::new(),
            protocol: None,
            env: Vec::new(),
            data: Vec::new(),
            needs: Vec::new(),
            routes: Vec::new(),
            why: Vec::new(),
            unit: UnitFacts::default(),
        }
    }

    /// Ports by which a client of this host that knows nothing else finds it, those first that are meant for others.
    pub fn ports(&self) -> Vec<u16> {
        let is_reached =
            |ip: IpAddr, port: &u16| (ip.is_unspecified() && !self.foreign.contains(port)) || ip == Ipv4Addr::LOCALHOST;
        let mut by_port: BTreeMap<u16, bool> = BTreeMap::new();
        for (ip, port) in self.listens.iter().map(|address| (address.ip().to_canonical(), address.port())) {
            if port != 0 && is_reached(ip, &port) {
                let is_inner = by_port.entry(port).or_insert(true);
                *is_inner &= ip.is_loopback();
            }
        }
        let mut found: Vec<u16> = by_port.keys().copied().collect();
        found.sort_by_key(|port| by_port[port]);
        found
    }
}

/// What a unit file states and `verify` compares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitFacts {
    /// Path of its file, where an administrator wrote that.
    pub own_file: Option<String>,
    /// `User=`.
    pub user: Option<String>,
    /// `WorkingDirectory=`.
    pub working_directory: Option<String>,
    /// `Restart=`.
    pub restart: Option<String>,
    /// Whether it starts at boot.
    pub enabled: bool,
    /// Its other names.
    pub aliases: Vec<String>,
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
        /// Its container.
        container: String,
    },
    /// A container, by its name.
    Container(String),
    /// A container of podman, by its name. No verb acts on it.
    Podman(String),
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
            FoundManager::Podman(_) => "podman",
            FoundManager::App { .. } => "pm2",
        }
    }

    /// Whether the registry has a manager that acts on it.
    pub const fn is_known(&self) -> bool {
        !matches!(self, FoundManager::Podman(_))
    }

    /// The tool's own name for it.
    pub fn unit(&self) -> &str {
        match self {
            FoundManager::Unit(name)
            | FoundManager::Container(name)
            | FoundManager::Podman(name)
            | FoundManager::App { name, .. } => name,
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
    /// SMTP, whose server speaks first.
    Smtp,
    /// One in which a request of HTTP is an error that is logged or counted: mail boxes, directories, names.
    Other,
    /// HTTP; only after [`add_answers`].
    Http {
        /// `/health` answers 200 with a report of health.
        health: bool,
    },
}

impl Protocol {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Protocol::Postgres => "postgres",
            Protocol::Redis => "redis",
            Protocol::Mongo => "mongodb",
            Protocol::Mysql => "mysql",
            Protocol::Ssh => "ssh",
            Protocol::Smtp => "smtp",
            Protocol::Other => "other",
            Protocol::Http { .. } => "http",
        }
    }

    /// Whether a server is asked in its own words.
    const fn is_asked_as_itself(self) -> bool {
        matches!(self, Protocol::Postgres | Protocol::Redis | Protocol::Mongo)
    }

    /// What usually listens at a port.
    const fn at(port: u16) -> Option<Self> {
        Some(match port {
            22 => Protocol::Ssh,
            25 | 587 => Protocol::Smtp,
            3306 => Protocol::Mysql,
            5432 => Protocol::Postgres,
            6379 => Protocol::Redis,
            27017 => Protocol::Mongo,
            21 | 53 | 110 | 111 | 139 | 143 | 389 | 445 | 465 | 636 | 993 | 995 | 2049 | 5222 | 5900 => Protocol::Other,
            _ => return None,
        })
    }
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
    let paths = &paths::listening(door.system);
    let names = &door.system.process_names();
    let (listeners, units, containers, apps) = thread::scope(|scope| {
        let until = Instant::now() + door.limit;
        let listeners = task(scope, move || listeners::read(door.system, names, paths));
        let containers = task(scope, || containers::list(door));
        let apps = task(scope, move || apps::list(door.system, names, paths, until));
        let units = units::read(door.system, paths);
        (join(listeners), units, join(containers), join(apps))
    });
    assemble::assemble(listeners, &units, containers, apps)
}

/// Names of those that `localhost` states, and judges by what it states.
pub fn stated(found: &Found) -> Vec<String> {
    let stated = found.services.iter().filter(|one| names::stated_of(one).is_some());
    stated.map(|one| one.name.clone()).collect()
}
