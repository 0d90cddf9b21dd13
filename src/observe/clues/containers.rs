//! What of a container's surroundings lies on the host: its compose file, and the mounts that its process has.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::host::system::System;
use crate::host::tools::docker::ContainerState;
use crate::host::tools::mountinfo;
use crate::host::tools::sockets;
use crate::host::tools::surroundings::{self, Mounted};
use crate::observe::probe::ManagerEvidence;
use crate::registry::{DataKind, Service};

/// What was found around a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerFound {
    /// Its compose file, and the `restart:` that stands there.
    pub policy: Option<(String, String)>,
    /// Where its processes listen; `None` where that cannot be seen, or is the host's matter.
    pub listens: Option<Vec<SocketAddr>>,
    /// Sources of its mounts that are gone or were replaced, and what they are now.
    pub gone: Vec<(String, String)>,
}

/// What surrounds the containers that are wanted.
pub(super) fn of_all(
    system: &System,
    managers: &ManagerEvidence,
    wants: &super::Wants,
) -> BTreeMap<&'static str, ContainerFound> {
    let all = managers.containers.iter().filter_map(|answer| answer.result.as_ref().ok()).flatten();
    let all: Vec<&ContainerState> = all.collect();
    let one = |(name, (service, id)): (&&'static str, &(&'static Service, Option<String>))| {
        let own = all.iter().copied().find(|container| id.as_ref() == Some(&container.id));
        (*name, ask(system, service, own))
    };
    wants.surroundings.iter().map(one).collect()
}

fn ask(system: &System, service: &Service, container: Option<&ContainerState>) -> ContainerFound {
    let mut found = ContainerFound::default();
    let Some(container) = container else { return found };
    let Some(around) = &container.surroundings else { return found };
    if !container.is_restarted() && container.identity.swarm.is_empty() {
        let named = around.compose.as_ref();
        found.policy = named.and_then(|(file, own)| {
            let policy = surroundings::restart_policy(&system.read(file).ok()?, own)?;
            (policy != "no").then(|| (file.clone(), policy))
        });
    }
    if container.pid != 0 && !around.ports.is_empty() {
        found.listens = listens(system, container.pid);
    }
    let binds: Vec<&Mounted> = around.mounts.iter().filter(|mount| mount.kind == "bind").collect();
    if container.pid != 0 && !binds.is_empty() {
        let table = system.read(format!("/proc/{}/mountinfo", container.pid)).unwrap_or_default();
        let mounts = mountinfo::parse(&table).unwrap_or_default();
        for bind in binds {
            let was_removed = mounts.iter().any(|mount| mount.point == bind.target && mount.is_gone());
            let is_missing = system.is_missing(&bind.source);
            let is_data = service.data.iter().any(|d| d.kind == DataKind::Directory && d.path == bind.source);
            let is_empty = || is_data && system.names(&bind.source).is_ok_and(|names| names.is_empty());
            let what = match () {
                () if is_missing => "no longer exists",
                () if was_removed => "is not the one of the container: it was removed and recreated",
                () if is_empty() => "is empty",
                () => continue,
            };
            found.gone.push((bind.source.clone(), what.to_owned()));
        }
    }
    found
}

/// Where processes in the network of this one listen, the engine's resolver left out.
fn listens(system: &System, pid: u32) -> Option<Vec<SocketAddr>> {
    let resolver = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));
    let table = |name: &str| sockets::listeners(&system.read(format!("/proc/{pid}/net/{name}")).ok()?).ok();
    let mut all = table("tcp")?;
    // A kernel without IPv6 has no such file.
    all.extend(table("tcp6").unwrap_or_default());
    Some(all.into_iter().map(|listener| listener.address).filter(|address| address.ip() != resolver).collect())
}
