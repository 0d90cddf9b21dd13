//! Who waits at which port: sockets by the process that holds them, processes by the unit, container or session that they belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use super::podman::{self, Named};
use crate::host::system::System;
use crate::host::tools::cgroup::{self, Home};
use crate::host::tools::sockets::{self, Listener, Peer};
use crate::host::tools::sqlite_file;
use crate::host::trouble::Trouble;
use crate::observe::probe::tcp_listeners;

/// A program of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// What it belongs to.
    pub home: Home,
    /// It belongs to a user's own systemd or session, whose names that user chooses.
    pub of_user: bool,
    /// Its parent.
    pub parent: u32,
    /// Its short name.
    pub name: String,
}

/// What was seen of them.
#[derive(Debug)]
pub struct Listeners {
    /// Every process.
    pub processes: BTreeMap<u32, Process>,
    /// Sockets that wait for connections, each with a process that holds it, where that is visible.
    pub sockets: Vec<(Listener, Option<u32>)>,
    /// Paths at which somebody listens, each with a process that holds the socket.
    pub paths: Vec<(String, u32)>,
    /// Connections to this host's own ports: the process that opened it, and the port.
    pub connections: BTreeSet<(u32, u16)>,
    /// SQLite files that processes have open.
    pub databases: BTreeSet<(u32, String)>,
    /// Containers of root's podman that run, by their ids.
    pub podman: BTreeMap<String, Option<Named>>,
    /// Why there may be more.
    pub trouble: Option<Trouble>,
    /// Time ran out before all processes were read.
    pub is_cut: bool,
}

/// Reads the tables of sockets and, as long as there is time, what every process holds.
pub(super) fn read(system: &System, names: &BTreeMap<u32, String>, paths: &BTreeMap<u64, String>) -> Listeners {
    let pids: Vec<u32> = names.keys().copied().collect();
    let groups: BTreeMap<u32, String> = system.read_of(&pids, "cgroup").into_iter().collect();
    let stats = system.read_of(&pids, "stat");
    let process = |(pid, stat): (u32, String)| {
        let group = groups.get(&pid).map_or("", String::as_str);
        let process = Process {
            home: cgroup::home(group),
            of_user: cgroup::is_of_user(group),
            parent: crate::host::tools::procfs::parent(&stat)?,
            name: names.get(&pid).map(|name| name.trim_end().to_owned()).unwrap_or_default(),
        };
        Some((pid, process))
    };
    let processes: BTreeMap<u32, Process> = stats.into_iter().filter_map(process).collect();
    let of_podman = |(pid, process): (&u32, &Process)| match &process.home {
        Home::Container(id) if !process.of_user => {
            groups.get(pid).filter(|group| cgroup::is_of_podman(group, id)).map(|_| id.clone())
        }
        _ => None,
    };
    let podman = podman::named(system, processes.iter().filter_map(of_podman).collect());
    let (tcp, mut trouble) = match tcp_listeners(system) {
        Ok(tcp) => (tcp, None),
        Err(trouble) => (Vec::new(), Some(trouble)),
    };
    let peers = ["/proc/net/tcp", "/proc/net/tcp6"].map(|file| system.read_once(file).unwrap_or_else(|_| "".into()));
    let peers: Vec<Peer> = peers.iter().flat_map(|text| sockets::peers(text)).collect();
    let mut holders: BTreeMap<u64, u32> = BTreeMap::new();
    let mut connected: BTreeMap<u64, u16> = BTreeMap::new();
    let ports: BTreeSet<u16> = tcp.iter().map(Listener::port).collect();
    // The side that was not the one to listen has opened the connection.
    for peer in peers.iter().filter(|peer| ports.contains(&peer.remote.port()) && !ports.contains(&peer.local.port())) {
        if peer.remote.ip().to_canonical() == peer.local.ip().to_canonical()
            || peer.remote.ip().to_canonical().is_loopback()
        {
            connected.insert(peer.inode, peer.remote.port());
        }
    }
    let mut connections = BTreeSet::new();
    let mut databases = BTreeSet::new();
    let (mut hidden, mut is_cut) = (false, false);
    let pids: Vec<u32> = processes.keys().copied().collect();
    for ((pid, process), open) in processes.iter().zip(system.open_of_each(&pids)) {
        let open = match open {
            Ok(open) => open,
            Err(error) => {
                is_cut |= error.kind() == ErrorKind::TimedOut;
                hidden = true;
                continue;
            }
        };
        // A path in a container is of another tree.
        if !matches!(process.home, Home::Container(_)) {
            let own = open.files.iter().filter(|path| is_database(system, path));
            databases.extend(own.map(|path| (*pid, path.clone())));
        }
        for inode in open.sockets {
            // Of several that hold one the first, which is the oldest: a parent and those that it started. What systemd holds
            // as well is another's.
            let holder = holders.entry(inode).or_insert(*pid);
            if *holder == 1 && paths.contains_key(&inode) {
                *holder = *pid;
            }
            connections.extend(connected.get(&inode).map(|port| (*pid, *port)));
        }
    }
    if hidden && !system.is_root() {
        trouble = trouble.or(Some(Trouble::NeedsRoot("to see who listens at a port")));
    }
    // systemd holds the sockets that it listens at for others.
    let sockets = tcp.into_iter().map(|listener| (listener, holders.get(&listener.inode).copied())).collect();
    let paths = paths.iter().filter_map(|(inode, path)| Some((path.clone(), *holders.get(inode)?))).collect();
    Listeners { processes, sockets, paths, connections, databases, podman, trouble, is_cut }
}

/// Whether this is a database by its name and by how it begins. Only what is called one is opened.
fn is_database(system: &System, path: &str) -> bool {
    const ENDINGS: [&str; 4] = [".db", ".sqlite", ".sqlite3", ".db3"];
    let is_plain = !path.contains(|c: char| c.is_control()) && ENDINGS.iter().any(|ending| path.ends_with(ending));
    is_plain && system.read_bytes(path, sqlite_file::MAGIC.len() as u64).is_ok_and(|begin| begin == sqlite_file::MAGIC)
}
