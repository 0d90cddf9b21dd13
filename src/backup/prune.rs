//! What may go of each set, and its going: manifests first, so that what is half deleted is nothing at once.

use std::io;

use jiff::Timestamp;

use super::catalogue::{Listed, Stock};
use super::name::{self, Id};
use super::record::{self, BackupLine, Records};
use super::retention::{self, Decision, Known, LastRun, Refusal, Worth};
use super::sequence::Gap;
use super::store::Store;
use crate::host::system::System;
use crate::registry::{BackupSet, Deployment};

/// What goes of a set, or why nothing does.
pub struct Plan {
    /// The set.
    pub set: &'static BackupSet,
    /// What goes.
    pub decision: Result<Decision, Refusal>,
    /// Objects below the set's name that this host did not make as far as anybody can say, and that are left alone.
    pub foreign: usize,
}

impl Plan {
    /// Paths of what goes: what describes copies, then what is not described.
    pub fn paths(&self) -> (Vec<String>, Vec<String>) {
        let Ok(decision) = &self.decision else { return (Vec::new(), Vec::new()) };
        let extension = self.set.source.extension();
        let copy = |id: &Id| name::copy(self.set.name, extension, *id);
        let manifests = decision.outlived.iter().map(|id| name::manifest(self.set.name, *id)).collect();
        (manifests, decision.outlived.iter().chain(&decision.leftovers).map(copy).collect())
    }
}

/// Plans what goes of these sets. `count`: the number of copies of each that somebody has agreed to. Only copies with the
/// signature of this host are looked at, and of what has no manifest only what its record knows.
pub fn plan(stock: &[Stock], records: &Records, gap: Option<Gap>, now: Timestamp, count: Option<usize>) -> Vec<Plan> {
    let one = |stock: &Stock| {
        let last = records.last_run(stock.set.name);
        let decided = || retention::decide(stock.set.retention, &known(stock, records), &last, now, count);
        let decision = gap.map_or_else(decided, |gap| Err(Refusal::Gap(gap)));
        let is_ours = |id| records.is_known(stock.set.name, id);
        Plan { set: stock.set, decision, foreign: stock.foreign(is_ours).len() }
    };
    stock.iter().map(one).collect()
}

fn known(stock: &Stock, records: &Records) -> Vec<Known> {
    let worth = |id: Id| match stock.find(id) {
        None => records.is_leftover(stock.set.name, id).then_some(Worth::Unfinished),
        Some(backup) if backup.is_verified() => Some(Worth::Verified),
        Some(backup) => backup.is_ours().then_some(Worth::Bad),
    };
    stock.shelf.pieces.keys().filter_map(|id| Some(Known { id: *id, worth: worth(*id)? })).collect()
}

/// Records what is about to go, so that what is left of it can be told from a copy whose manifest somebody took away.
///
/// # Errors
/// As the operating system says: then nothing may go.
pub fn record(system: &System, deployment: &Deployment, plans: &[Plan]) -> io::Result<()> {
    for plan in plans {
        let ids = plan.decision.as_ref().map(|decision| decision.outlived.clone()).unwrap_or_default();
        if !ids.is_empty() {
            let line = BackupLine::Pruned { time: system.now(), set: plan.set.name.to_owned(), ids };
            record::keep(system, deployment, &line)?;
        }
    }
    Ok(())
}

/// The set whose last run failed, and how: then nothing of any set goes.
pub fn failed(sets: &[&'static BackupSet], records: &Records) -> Option<(&'static BackupSet, String)> {
    sets.iter().find_map(|set| match records.last_run(set.name) {
        LastRun::Failed(what) => Some((*set, what)),
        LastRun::Well(_) | LastRun::None => None,
    })
}

/// What came of deleting.
pub struct Done {
    /// Objects that are gone.
    pub gone: usize,
    /// Objects that should be gone and are still there.
    pub left: usize,
    /// What went wrong.
    pub trouble: Option<String>,
}

/// Deletes, and looks what is there afterwards: what is left goes with the next call.
pub fn run(store: &Store<'_>, plans: &[Plan], before: &[Listed]) -> Done {
    let (mut manifests, mut copies) = (Vec::new(), Vec::new());
    for plan in plans {
        let (one, other) = plan.paths();
        manifests.extend(one);
        copies.extend(other);
    }
    // What is not there any more need not go.
    let is_there = |path: &String| before.iter().any(|row| row.path == *path);
    manifests.retain(is_there);
    copies.retain(is_there);
    let mut trouble = None;
    for paths in [&manifests, &copies] {
        if !paths.is_empty() && trouble.is_none() {
            trouble = store.delete(paths).err();
        }
    }
    let all: Vec<&String> = manifests.iter().chain(&copies).collect();
    if all.is_empty() {
        return Done { gone: 0, left: 0, trouble: None };
    }
    match store.list() {
        Ok(after) => {
            let left = all.iter().filter(|path| after.iter().any(|row| row.path == ***path)).count();
            let trouble = trouble.or_else(|| (left > 0).then(|| format!("{left} objects are still there")));
            Done { gone: all.len().saturating_sub(left), left, trouble }
        }
        Err(error) => {
            let error = format!("the remaining copies could not be listed: {error}");
            Done {
                gone: 0,
                left: all.len(),
                trouble: Some(trouble.map_or(error.clone(), |first| format!("{first}; {error}"))),
            }
        }
    }
}

#[cfg(test)]
#[path = "prune/tests.rs"]
mod tests;
