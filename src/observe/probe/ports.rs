//! Who holds a service's port: its own process, another, or nobody.

use super::{ManagerEvidence, is_container_of};
use crate::host::system::System;
use crate::host::tools::procfs::{self, Listener};
use crate::host::tools::systemctl::UnitState;
use crate::registry::{Manager, Service};

/// Who listens on a service's main port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Not asked, or not visible to this user. Nothing follows from it.
    Unseen,
    /// Nobody.
    Nobody,
    /// A process of the service itself.
    Own,
    /// Somebody else.
    Other {
        /// Process id.
        pid: u32,
        /// Short name.
        name: String,
    },
}

/// Programs by which the engine forwards a container's port.
const FORWARDERS: [&str; 3] = ["docker-proxy", "rootlessport", "dockerd"];

/// Who holds the main port of each of these services; only those that are `wanted` are looked at.
pub fn holders(
    system: &System,
    services: &[&'static Service],
    managers: &ManagerEvidence,
    wanted: impl Fn(&Service) -> bool,
) -> Vec<Holder> {
    if !services.iter().any(|service| wanted(service)) {
        return services.iter().map(|_| Holder::Unseen).collect();
    }
    // A kernel without IPv6 has no second table; without the first nothing is known.
    let table = |file| procfs::listeners(&system.read(file).ok()?).ok();
    let Some(mut tables) = table("/proc/net/tcp") else {
        return services.iter().map(|_| Holder::Unseen).collect();
    };
    tables.extend(table("/proc/net/tcp6").unwrap_or_default());
    let look = |service: &&'static Service| match wanted(service) {
        true => holder(system, service, managers, &tables),
        false => Holder::Unseen,
    };
    services.iter().map(look).collect()
}

fn holder(system: &System, service: &Service, managers: &ManagerEvidence, listeners: &[Listener]) -> Holder {
    let (Some(port), Some(manager)) = (service.ports.first(), service.managers.first()) else { return Holder::Unseen };
    let sockets: Vec<u64> = listeners.iter().filter(|l| l.port == *port).map(|l| l.inode).collect();
    if sockets.is_empty() {
        return Holder::Nobody;
    }
    let holds = |pid: u32| system.sockets_of(pid).is_some_and(|open| open.iter().any(|inode| sockets.contains(inode)));
    if own(system, service, manager, managers).into_iter().any(holds) {
        return Holder::Own;
    }
    // Where its manager did not say which processes are its own, nobody is a stranger.
    if !is_known(manager, managers) {
        return Holder::Unseen;
    }
    let Some(pid) = system.processes().into_iter().find(|pid| holds(*pid)) else { return Holder::Unseen };
    let name = system.process_name(pid).unwrap_or_default();
    let forwarded = matches!(manager, Manager::Compose(_) | Manager::Docker(_)) || service.managers.len() > 1;
    // Socket activation: systemd itself listens until the service is wanted.
    let activated = pid == 1 && unit(manager, managers).is_some_and(|unit| unit.triggered_by.contains(".socket"));
    match activated || (forwarded && FORWARDERS.contains(&name.as_str())) {
        true => Holder::Own,
        false => Holder::Other { pid, name },
    }
}

/// Whether the manager answered.
fn is_known(manager: &Manager, managers: &ManagerEvidence) -> bool {
    match manager {
        Manager::Systemd(_) => {
            // Of which processes one consists whose details are missing is not known.
            managers.units.as_ref().is_some_and(|answer| answer.result.is_ok())
                && unit(manager, managers).is_none_or(|unit| !unit.brief)
        }
        Manager::Compose(_) | Manager::Docker(_) => managers.containers.as_ref().is_some_and(|a| a.result.is_ok()),
        Manager::Pm2(app) => managers.apps.get(app.home).is_some_and(|answer| answer.result.is_ok()),
    }
}

fn unit<'e>(manager: &Manager, managers: &'e ManagerEvidence) -> Option<&'e UnitState> {
    let Manager::Systemd(wanted) = manager else { return None };
    let units = managers.units.as_ref()?.result.as_ref().ok()?;
    let names = std::iter::once(&wanted.name).chain(wanted.aliases);
    names.into_iter().find_map(|name| units.iter().find(|unit| unit.is(name) && unit.exists()))
}

/// Processes that belong to the service, most likely first.
fn own(system: &System, service: &Service, manager: &Manager, managers: &ManagerEvidence) -> Vec<u32> {
    match manager {
        Manager::Systemd(_) => {
            let Some(unit) = unit(manager, managers) else { return Vec::new() };
            let mut pids: Vec<u32> = unit.main_pid.into_iter().collect();
            pids.extend(members(system, &unit.control_group));
            pids
        }
        Manager::Compose(_) | Manager::Docker(_) => {
            let found = managers.containers.iter().filter_map(|answer| answer.result.as_ref().ok()).flatten();
            let own = found.filter(|c| service.managers.iter().any(|m| is_container_of(m, &c.identity)));
            own.map(|container| container.pid).filter(|pid| *pid != 0).collect()
        }
        Manager::Pm2(app) => {
            let daemon = managers.apps.get(app.home).and_then(|answer| answer.result.as_ref().ok()?.as_ref());
            let Some(daemon) = daemon else { return Vec::new() };
            let processes = daemon.processes.iter().filter(|process| process.name == app.name);
            processes.filter_map(|process| process.pid).chain([daemon.pid]).collect()
        }
    }
}

/// Processes of a control group, in the unified hierarchy or in systemd's own of the older layout.
fn members(system: &System, group: &str) -> Vec<u32> {
    if group.is_empty() {
        return Vec::new();
    }
    let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"];
    let read = |root: &&str| system.read(format!("{root}{group}/cgroup.procs")).ok();
    let text = roots.iter().find_map(read).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}
