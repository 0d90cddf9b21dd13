//! Who holds a service's port: its own process, another, or nobody; and where the service listens instead.

use std::cell::OnceCell;
use std::fmt;
use std::net::SocketAddr;

use super::{ManagerEvidence, is_container_of, units_of};
use crate::host::system::System;
use crate::host::tools::sockets::{self, Listener};
use crate::host::tools::systemctl::UnitState;
use crate::host::trouble::{Trouble, of_file};
use crate::registry::{Manager, Service};

/// Who listens on a service's main port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Not looked at. Nothing follows from it.
    Unasked,
    /// Looked at, and not visible to this user.
    Unseen,
    /// Nobody, and the service's processes listen nowhere else.
    Nobody,
    /// Nobody; whether the service's processes listen elsewhere is not visible to this user.
    Hidden,
    /// A process of the service itself.
    Own,
    /// The service's processes listen, and not there.
    Elsewhere {
        /// Where they do.
        at: Vec<ListenAddress>,
        /// Which of these answers what the service is asked; `None` where none does, or nothing was asked.
        answers: Option<ListenAddress>,
        /// Who has its own port, where somebody else does.
        instead: Option<(u32, String)>,
    },
    /// Somebody else.
    Other {
        /// Process id.
        pid: u32,
        /// Short name.
        name: String,
    },
}

/// Where a process waits for connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP port, at one of the host's addresses or at all of them.
    Tcp(SocketAddr),
    /// A socket with this path.
    Unix(String),
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) if is_usual(address) => write!(f, ":{}", address.port()),
            ListenAddress::Tcp(address) => address.fmt(f),
            ListenAddress::Unix(path) => f.write_str(path),
        }
    }
}

/// Whether a client of this host that knows the port alone finds it.
fn is_usual(address: &SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    ip.is_unspecified() || (ip.is_ipv4() && ip.is_loopback())
}

/// Programs by which the engine forwards a container's port.
const FORWARDERS: [&str; 3] = ["docker-proxy", "rootlessport", "dockerd"];
/// How many addresses of a service are told and asked.
const MOST: usize = 8;

/// All sockets of this host that wait for connections, and what is found once for all services where one needs it.
struct Listeners {
    tcp: Vec<Listener>,
    unix: Vec<(u64, String)>,
    /// Each process with the sockets that it holds.
    holders: OnceCell<Vec<(u32, Vec<u64>)>>,
    /// Each process with its parent.
    parents: OnceCell<Vec<(u32, u32)>>,
}

impl Listeners {
    fn holders(&self, system: &System) -> &[(u32, Vec<u64>)] {
        self.holders.get_or_init(|| {
            let of = |pid: u32| Some((pid, system.sockets_of(pid)?));
            system.processes().into_iter().filter_map(of).collect()
        })
    }

    /// These processes and all that descend from them.
    fn with_descendants(&self, system: &System, pids: Vec<u32>) -> Vec<u32> {
        let of = |pid: u32| Some((pid, system.parent_of(pid)?));
        let parents = self.parents.get_or_init(|| system.processes().into_iter().filter_map(of).collect());
        let mut found = pids;
        let mut at = 0;
        while let Some(&pid) = found.get(at) {
            let children = parents.iter().filter(|(child, parent)| *parent == pid && !found.contains(child));
            let children: Vec<u32> = children.map(|(child, _)| *child).collect();
            found.extend(children);
            at += 1;
        }
        found
    }
}

/// All sockets that wait for connections over TCP.
///
/// # Errors
/// When a table cannot be read or understood.
pub fn tcp_listeners(system: &System) -> Result<Vec<Listener>, Trouble> {
    let table = |file: &str| -> Result<Vec<Listener>, Trouble> {
        let text = system.read_once(file).map_err(|error| of_file(file, &error))?;
        Ok(sockets::listeners(&text)?)
    };
    let mut found = table("/proc/net/tcp")?;
    // A kernel without IPv6 has no such table.
    if system.exists("/proc/net/tcp6") {
        found.extend(table("/proc/net/tcp6")?);
    }
    Ok(found)
}

/// Who holds the main port of each of these services; only those that are `wanted` are looked at.
pub fn holders(
    system: &System,
    services: &[&'static Service],
    managers: &ManagerEvidence,
    wanted: impl Fn(&Service) -> bool,
) -> Vec<Holder> {
    if !services.iter().any(|service| wanted(service)) {
        return services.iter().map(|_| Holder::Unasked).collect();
    }
    let listeners = tcp_listeners(system).ok().map(|tcp| {
        let unix = system.read("/proc/net/unix").map(|text| sockets::unix_listeners(&text)).unwrap_or_default();
        Listeners { tcp, unix, holders: OnceCell::new(), parents: OnceCell::new() }
    });
    let look = |service: &&'static Service| match (wanted(service), &listeners) {
        (false, _) => Holder::Unasked,
        (true, None) => Holder::Unseen,
        (true, Some(listeners)) => holder(system, service, managers, listeners),
    };
    services.iter().map(look).collect()
}

fn holder(system: &System, service: &Service, managers: &ManagerEvidence, all: &Listeners) -> Holder {
    let (Some(port), Some(manager)) = (service.ports.first(), service.managers.first()) else { return Holder::Unseen };
    let there: Vec<&Listener> = all.tcp.iter().filter(|l| l.port() == *port && l.takes(system.loopback)).collect();
    let holds = |open: &[u64]| there.iter().any(|listener| open.contains(&listener.inode));
    let own = own(system, service, managers);
    // Root would see them; that nobody listens is plain to everybody.
    let seen = sockets_of(system, &own.first);
    let unseen = match all.tcp.iter().any(|listener| listener.port() == *port) {
        true => Holder::Unseen,
        false => Holder::Hidden,
    };
    let (sockets, nobody) = match seen {
        Some(sockets) => (sockets, Holder::Nobody),
        None => (Vec::new(), unseen.clone()),
    };
    if holds(&sockets) || own.daemon.is_some_and(|pid| holds(&system.sockets_of(pid).unwrap_or_default())) {
        return Holder::Own;
    }
    // What a wrapper started listens in its place: npm below pm2, an init in a container that has the host's network.
    let sockets = match own.has_children {
        true => sockets_of(system, &all.with_descendants(system, own.first.clone())).unwrap_or(sockets),
        false => sockets,
    };
    if holds(&sockets) {
        return Holder::Own;
    }
    // Where its manager did not say which processes are its own, no process is foreign.
    if !is_known(manager, managers) {
        return unseen;
    }
    let foreign = (!there.is_empty())
        .then(|| {
            let (pid, _) = all.holders(system).iter().find(|(_, open)| holds(open))?;
            Some((*pid, system.process_name(*pid).unwrap_or_default()))
        })
        .flatten();
    if let Some((pid, name)) = &foreign {
        let forwarded = own.has_containers && FORWARDERS.contains(&name.as_str());
        // Socket activation: systemd itself listens until the service is wanted.
        let units = units(manager, managers);
        let activated = *pid == 1 && units.iter().any(|unit| unit.triggered_by.contains(".socket"));
        if forwarded || activated {
            return Holder::Own;
        }
    }
    let at = elsewhere(service, &sockets, all, system);
    match (at.is_empty(), foreign) {
        (false, instead) => Holder::Elsewhere { at, answers: None, instead },
        (true, Some((pid, name))) => Holder::Other { pid, name },
        (true, None) if there.is_empty() => nobody,
        (true, None) => Holder::Unseen,
    }
}

/// Where these sockets listen, but for the ports that the registry states; a port that every client of this host finds stands
/// for all its addresses.
fn elsewhere(service: &Service, own: &[u64], all: &Listeners, system: &System) -> Vec<ListenAddress> {
    let stated = |listener: &Listener| service.ports.contains(&listener.port()) && listener.takes(system.loopback);
    let mut tcp: Vec<SocketAddr> = all
        .tcp
        .iter()
        .filter(|listener| own.contains(&listener.inode) && !stated(listener))
        .map(|listener| listener.address)
        .collect();
    // Those first that others are meant to find.
    tcp.sort_by_key(|address| (!is_usual(address), address.ip().is_loopback(), address.port()));
    let usual: Vec<u16> = tcp.iter().filter(|address| is_usual(address)).map(SocketAddr::port).collect();
    let mut found: Vec<ListenAddress> = Vec::new();
    for address in tcp {
        let told = usual.contains(&address.port());
        let is_new = |other: &ListenAddress| match other {
            ListenAddress::Tcp(other) => other.port() != address.port() || !told,
            ListenAddress::Unix(_) => true,
        };
        if found.iter().all(is_new) {
            found.push(ListenAddress::Tcp(address));
        }
    }
    let unix = all.unix.iter().filter(|(inode, _)| own.contains(inode));
    found.extend(unix.map(|(_, path)| ListenAddress::Unix(path.clone())));
    found.truncate(MOST);
    found
}

/// Processes that belong to a service.
#[derive(Default)]
struct Own {
    /// Those that its managers name, most likely first.
    first: Vec<u32>,
    /// Whether what they started may listen in their place.
    has_children: bool,
    has_containers: bool,
    /// pm2's daemon, which holds the ports of applications in cluster mode and sockets of its own.
    daemon: Option<u32>,
}

/// Inodes of the sockets that these processes hold; `None` when there are such processes and none may be looked at.
fn sockets_of(system: &System, pids: &[u32]) -> Option<Vec<u64>> {
    let seen: Vec<Vec<u64>> = pids.iter().filter_map(|pid| system.sockets_of(*pid)).collect();
    (!seen.is_empty() || pids.is_empty()).then(|| seen.concat())
}

/// Whether the manager answered.
fn is_known(manager: &Manager, managers: &ManagerEvidence) -> bool {
    match manager {
        Manager::Systemd(_) => {
            // Of which processes one consists whose details are missing is not known.
            managers.units.as_ref().is_some_and(|answer| answer.result.is_ok())
                && units(manager, managers).iter().all(|unit| !unit.brief)
        }
        Manager::Compose(_) | Manager::Docker(_) => managers.containers.as_ref().is_some_and(|a| a.result.is_ok()),
        Manager::Pm2(app) => managers.apps.get(app.home).is_some_and(|answer| answer.result.is_ok()),
    }
}

fn units<'e>(manager: &Manager, managers: &'e ManagerEvidence) -> Vec<&'e UnitState> {
    let known = managers.units.as_ref().and_then(|answer| answer.result.as_ref().ok());
    match (manager, known) {
        (Manager::Systemd(wanted), Some(units)) => units_of(wanted, units),
        (_, _) => Vec::new(),
    }
}

fn own(system: &System, service: &Service, managers: &ManagerEvidence) -> Own {
    let mut own = Own::default();
    for manager in service.managers {
        match manager {
            Manager::Systemd(_) => {
                for unit in units(manager, managers) {
                    own.first.extend(unit.main_pid);
                    // systemd itself listens for a socket.
                    own.daemon = own.daemon.or(unit.id.ends_with(".socket").then_some(1));
                    own.first.extend(members(system, &unit.control_group));
                }
            }
            Manager::Compose(_) | Manager::Docker(_) => {
                (own.has_containers, own.has_children) = (true, true);
                let found = managers.containers.iter().filter_map(|answer| answer.result.as_ref().ok()).flatten();
                let found = found.filter(|container| is_container_of(manager, &container.identity));
                own.first.extend(found.map(|container| container.pid).filter(|pid| *pid != 0));
            }
            Manager::Pm2(app) => {
                own.has_children = true;
                let daemon = managers.apps.get(app.home).and_then(|answer| answer.result.as_ref().ok()?.as_ref());
                let Some(daemon) = daemon else { continue };
                let processes = daemon.processes.iter().filter(|process| process.name == app.name);
                own.first.extend(processes.filter_map(|process| process.pid));
                own.daemon = Some(daemon.pid);
            }
        }
    }
    own
}

/// The processes of a service that its managers name, each once.
pub fn own_processes(system: &System, service: &Service, managers: &ManagerEvidence) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::new();
    for pid in own(system, service, managers).first {
        if !found.contains(&pid) {
            found.push(pid);
        }
    }
    found
}

/// Processes of a control group, in the unified hierarchy or in systemd's own of the older layout.
pub fn members(system: &System, group: &str) -> Vec<u32> {
    if group.is_empty() {
        return Vec::new();
    }
    let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"];
    let read = |root: &&str| system.read(format!("{root}{group}/cgroup.procs")).ok();
    let text = roots.iter().find_map(read).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}
