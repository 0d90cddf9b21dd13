//! What is looked up once it is known what log lines name, and the lines of what is no service: only where something is wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::{Clues, file, home_of, listeners, pairs};
use crate::host::threads::{join, task};
use crate::host::tools::command::Command;
use crate::observe::logs::others::{self, Other};
use crate::observe::probe::{Answer, Door};
use crate::registry::Deployment;

/// How many units and containers are read at most.
const MOST: usize = 5;
/// How many of the newest lines of each.
const NEWEST: u64 = 40;

/// What is to be looked up.
#[derive(Debug, Default)]
pub struct Lookups {
    /// Units and containers that no service is, and something is wrong with.
    pub others: Vec<Other>,
    /// Paths.
    pub paths: BTreeSet<String>,
    /// Ports of which is wanted who listens there, and what that process belongs to.
    pub ports: BTreeSet<u16>,
    /// Services that cannot use their certificate, and directories in which it may lie.
    pub pairs: BTreeMap<&'static str, Vec<String>>,
}

/// Looks it up, and adds it to what is known.
pub fn look_up(door: Door<'_>, deployment: &'static Deployment, clues: &mut Clues, wanted: &Lookups) {
    let one = |other: &Other| {
        let lines = others::last_lines(door.system, door.trace, deployment, other, NEWEST, door.limit());
        let command = match other {
            Other::Unit(name) => Command::new(["journalctl", "-n", "40", "-u", name]),
            Other::Container(name) => Command::new(["docker", "logs", "-n", "40", name]),
        };
        (other.name().to_owned(), Answer { command, result: lines })
    };
    let read: Vec<_> = std::thread::scope(|scope| {
        let tasks: Vec<_> = wanted.others.iter().take(MOST).map(|other| task(scope, move || one(other))).collect();
        tasks.into_iter().map(join).collect()
    });
    clues.others.extend(read);
    let paths = wanted.paths.iter().filter(|path| !clues.named.contains_key(*path));
    let found: Vec<_> = paths.map(|path| (path.clone(), file(door.system, path))).collect();
    clues.named.extend(found);
    let below = |(name, directories): (&&'static str, &Vec<String>)| (*name, pairs::below(door.system, directories));
    clues.pairs.extend(wanted.pairs.iter().map(below));
    if wanted.ports.is_empty() {
        return;
    }
    let known = clues.listeners.get_or_insert_with(|| listeners(door.system));
    let holders = known.result.iter().flatten().filter(|(port, _)| wanted.ports.contains(port));
    let pids = holders.filter_map(|(_, holder)| holder.as_ref().map(|(pid, _)| *pid));
    clues.homes.extend(pids.filter_map(|pid| Some((pid, home_of(door.system, pid)?))));
}
