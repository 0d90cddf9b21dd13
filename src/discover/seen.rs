//! PURE. Processes and sockets by whom they belong to, in the time that as many of them take: a host may have thousands of both.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::FoundService;
use super::listeners::Listeners;
use crate::host::tools::cgroup::Home;

pub(super) struct Seen<'a> {
    pub(super) listeners: &'a Listeners,
    units: BTreeMap<&'a str, BTreeSet<u32>>,
    containers: BTreeMap<&'a str, BTreeSet<u32>>,
    children: BTreeMap<u32, Vec<u32>>,
    sockets: BTreeMap<u32, Vec<SocketAddr>>,
    paths: BTreeMap<u32, Vec<&'a str>>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(listeners: &'a Listeners) -> Self {
        let (mut units, mut containers) =
            (BTreeMap::<&str, BTreeSet<u32>>::new(), BTreeMap::<&str, BTreeSet<u32>>::new());
        let (mut children, mut sockets) = (BTreeMap::<u32, Vec<u32>>::new(), BTreeMap::<u32, Vec<SocketAddr>>::new());
        for (pid, process) in &listeners.processes {
            children.entry(process.parent).or_default().push(*pid);
            // A user names own units and scopes like those of the system.
            let homes = match &process.home {
                Home::Unit(name) if !process.of_user => units.entry(name),
                Home::Container(id) if !process.of_user => containers.entry(id),
                _ => continue,
            };
            homes.or_default().insert(*pid);
        }
        for (listener, pid) in &listeners.sockets {
            if let Some(pid) = pid {
                sockets.entry(*pid).or_default().push(listener.address);
            }
        }
        let mut paths = BTreeMap::<u32, Vec<&str>>::new();
        for (path, pid) in &listeners.paths {
            paths.entry(*pid).or_default().push(path);
        }
        Seen { listeners, units, containers, children, sockets, paths }
    }

    /// Processes of a unit; of an umbrella or socket, also those of the instances that it starts.
    pub(super) fn of_unit(&self, name: &str, is_umbrella: bool) -> BTreeSet<u32> {
        let mut found = self.units.get(name).cloned().unwrap_or_default();
        if is_umbrella {
            let instances = format!("{}@", name.rsplit_once('.').map_or(name, |(stem, _)| stem));
            let from = self.units.range(instances.as_str()..);
            found.extend(from.take_while(|(name, _)| name.starts_with(&instances)).flat_map(|(_, pids)| pids));
        }
        found
    }

    /// Processes of a container of the system's engine.
    pub(super) fn of_container(&self, id: &str) -> BTreeSet<u32> {
        self.containers.get(id).cloned().unwrap_or_default()
    }

    /// These and all that they started. A table that was read while processes ended may have a circle.
    pub(super) fn below(&self, pids: &[u32]) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let mut open = pids.to_vec();
        while let Some(pid) = open.pop() {
            if self.listeners.processes.contains_key(&pid) && found.insert(pid) {
                open.extend(self.children.get(&pid).into_iter().flatten());
            }
        }
        found
    }

    /// Where a process listens.
    pub(super) fn listens(&self, pid: u32) -> &[SocketAddr] {
        self.sockets.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// Where processes of a fitting program's name listen, each address once.
    pub(super) fn addresses(&self, pids: &BTreeSet<u32>, fits: impl Fn(&str) -> bool) -> Vec<SocketAddr> {
        let is_fit = |pid: &&u32| self.listeners.processes.get(pid).is_some_and(|process| fits(&process.name));
        let found: BTreeSet<&SocketAddr> = pids.iter().filter(is_fit).flat_map(|pid| self.listens(*pid)).collect();
        found.into_iter().copied().collect()
    }

    /// Paths at which these processes listen.
    pub(super) fn paths(&self, pids: &BTreeSet<u32>) -> BTreeSet<String> {
        pids.iter().filter_map(|pid| self.paths.get(pid)).flatten().map(|path| (*path).to_owned()).collect()
    }

    /// Whether a process listens at any.
    pub(super) fn has_path(&self, pid: u32) -> bool {
        self.paths.contains_key(&pid)
    }
}

/// Marks the ports of services at which another answers over IPv4, by which this host's clients ask.
pub(super) fn mark_foreign_ports<'s>(all: impl Iterator<Item = &'s mut FoundService>) {
    let mut all: Vec<&mut FoundService> = all.collect();
    let over_four = |one: &FoundService| -> BTreeSet<u16> {
        let is_reached = |address: &&SocketAddr| {
            let ip = address.ip().to_canonical();
            ip.is_ipv4() && (ip.is_unspecified() || ip.is_loopback())
        };
        one.listens.iter().filter(is_reached).map(SocketAddr::port).collect()
    };
    let own: Vec<BTreeSet<u16>> = all.iter().map(|one| over_four(one)).collect();
    let answered: BTreeSet<u16> = own.iter().flatten().copied().collect();
    for (one, own) in all.iter_mut().zip(own) {
        let ports = one.listens.iter().map(SocketAddr::port);
        one.foreign = ports.filter(|port| answered.contains(port) && !own.contains(port)).collect();
    }
}
