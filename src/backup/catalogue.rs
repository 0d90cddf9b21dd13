//! PURE. What lies on the remote: of a listing of it, the copies of each set, what is left of runs that did not finish, and
//! what is another's. Whoever can write there can name objects as ours are named: what is ours is told by its manifest alone.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{LARGEST, Manifest, Read};
use super::name::{self, Id, Kind};
use crate::registry::BackupSet;

/// A row of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Path below the remote's prefix.
    pub path: String,
    /// Size, bytes.
    pub bytes: u64,
}

/// What there is of one run of a set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pieces {
    /// Size of the copy; `None` where there is none.
    pub copy: Option<u64>,
    /// Size of the manifest; `None` where there is none.
    pub manifest: Option<u64>,
    /// Whether one of both is there twice, as some remotes allow.
    pub twice: bool,
}

/// What there is of a set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shelf {
    /// By run, oldest first.
    pub pieces: BTreeMap<Id, Pieces>,
    /// Paths below the set's name that are not ours.
    pub foreign: Vec<String>,
}

impl Shelf {
    /// Of one set, from a listing of all.
    pub fn of(set: &BackupSet, listed: &[Listed]) -> Self {
        let mut shelf = Shelf::default();
        let below = format!("{}/", set.name);
        for row in listed.iter().filter(|row| row.path.starts_with(&below)) {
            let Some((id, kind)) = name::parse(&row.path, set.name, set.source.extension()) else {
                shelf.foreign.push(row.path.clone());
                continue;
            };
            let pieces = shelf.pieces.entry(id).or_default();
            let before = match kind {
                Kind::Copy => pieces.copy.replace(row.bytes),
                Kind::Manifest => pieces.manifest.replace(row.bytes),
            };
            pieces.twice |= before.is_some();
        }
        shelf
    }

    /// Runs with a manifest that is not larger than one of ours can be, newest first.
    pub fn described(&self) -> impl Iterator<Item = Id> + '_ {
        let is_small = |pieces: &Pieces| pieces.manifest.is_some_and(|size| size <= LARGEST);
        self.pieces.iter().rev().filter(move |(_, pieces)| is_small(pieces)).map(|(id, _)| *id)
    }
}

/// A copy that has a manifest, and what speaks against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The run.
    pub id: Id,
    /// Its manifest; `Err` where it cannot be used.
    pub manifest: Result<Manifest, String>,
    /// Why it is not known that this host made it; `None` where it is. What is unsigned counts for nothing and is never deleted.
    pub unsigned: Option<String>,
    /// Why it is no good; `None` where nothing is known against it.
    pub trouble: Option<String>,
}

impl Backup {
    /// Of the pieces of a run and what its manifest says. `bad` is what a later look at it found.
    pub fn new(id: Id, pieces: &Pieces, read: Read, bad: Option<&str>) -> Self {
        let Read { manifest, unsigned } = read;
        let trouble = match (&manifest, pieces.copy) {
            (Err(trouble), _) => Some(trouble.clone()),
            (Ok(_), None) => Some("the copy of its manifest is missing".to_owned()),
            (Ok(_), Some(_)) if pieces.twice => Some("two objects have its name".to_owned()),
            (Ok(manifest), Some(bytes)) if bytes != manifest.bytes => {
                Some(format!("it has {bytes} bytes, its manifest has {}", manifest.bytes))
            }
            (Ok(_), Some(_)) => bad.map(str::to_owned),
        };
        Backup { id, manifest, unsigned, trouble }
    }

    /// Whether this host made it.
    pub fn is_ours(&self) -> bool {
        self.unsigned.is_none()
    }

    /// Whether this host proved it, and nothing is known against it since.
    pub fn is_verified(&self) -> bool {
        self.is_ours() && self.trouble.is_none()
    }

    /// Why it cannot be as its manifest says, as far as a listing tells: then it need not be fetched.
    pub fn is_out_of_shape(&self, pieces: Option<&Pieces>) -> Option<&str> {
        let copy = pieces.filter(|pieces| !pieces.twice).and_then(|pieces| pieces.copy);
        let is_as_said = self.manifest.as_ref().is_ok_and(|manifest| copy == Some(manifest.bytes));
        self.trouble.as_deref().filter(|_| !is_as_said)
    }
}

/// What lies on the remote of one set.
pub struct Stock {
    /// The set.
    pub set: &'static BackupSet,
    /// What there is, as it is named.
    pub shelf: Shelf,
    /// Copies that are described: those that this host made, newest first, then all others.
    pub backups: Vec<Backup>,
}

impl Stock {
    /// Of what is named. `bad`: what a later look at a copy found; `read`: the manifest of a run.
    pub fn of<'r>(
        set: &'static BackupSet,
        shelf: Shelf,
        bad: impl Fn(Id) -> Option<&'r str>,
        read: impl Fn(Id) -> Read,
    ) -> Self {
        let backup = |(id, pieces): (&Id, &Pieces)| {
            let read = match pieces.manifest? {
                size if size > LARGEST => Read::failed(format!("its manifest has {size} bytes, more than {LARGEST}")),
                _ => read(*id),
            };
            Some(Backup::new(*id, pieces, read, bad(*id)))
        };
        let mut backups: Vec<Backup> = shelf.pieces.iter().filter_map(backup).collect();
        backups.sort_by_key(|backup| (!backup.is_ours(), std::cmp::Reverse(backup.id)));
        Stock { set, shelf, backups }
    }

    /// Copies that this host made, newest first.
    pub fn ours(&self) -> impl Iterator<Item = &Backup> {
        self.backups.iter().filter(|backup| backup.is_ours())
    }

    /// The newest copy that nothing is known against.
    pub fn newest(&self) -> Option<&Backup> {
        self.backups.iter().find(|backup| backup.is_verified())
    }

    /// The copy of this run.
    pub fn find(&self, id: Id) -> Option<&Backup> {
        self.backups.iter().find(|backup| backup.id == id)
    }

    /// Numbers of the runs that this host made copies in.
    pub fn signed(&self) -> impl Iterator<Item = u64> + '_ {
        self.ours().map(|backup| backup.id.sequence)
    }

    /// Objects that nobody can say this host made, by path: copies without its signature, what has no manifest and is not
    /// recorded, and whatever else lies there. `is_ours` tells of a run without a manifest whether it is recorded.
    pub fn foreign(&self, is_ours: impl Fn(Id) -> bool) -> Vec<String> {
        let extension = self.set.source.extension();
        let described: BTreeSet<Id> = self.backups.iter().map(|backup| backup.id).collect();
        let unsigned = self.backups.iter().filter(|backup| !backup.is_ours()).map(|backup| backup.id);
        let unknown = self.shelf.pieces.keys().copied().filter(|id| !described.contains(id) && !is_ours(*id));
        let both = |id: Id| {
            let pieces = self.shelf.pieces.get(&id);
            let copy = pieces.is_some_and(|pieces| pieces.copy.is_some());
            let manifest = pieces.is_some_and(|pieces| pieces.manifest.is_some());
            let copy = copy.then(|| name::copy(self.set.name, extension, id));
            copy.into_iter().chain(manifest.then(|| name::manifest(self.set.name, id)))
        };
        let mut all: Vec<String> = unsigned.chain(unknown).flat_map(both).collect();
        all.extend(self.shelf.foreign.iter().cloned());
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::DEPLOYMENTS;

    fn listed(rows: &[(&str, u64)]) -> Vec<Listed> {
        rows.iter().map(|(path, bytes)| Listed { path: (*path).to_owned(), bytes: *bytes }).collect()
    }

    #[test]
    fn h6_what_lies_there_is_sorted_by_whose_it_is() {
        let prim = DEPLOYMENTS[0];
        let rows = listed(&[
            ("wallet/20261122T053000Z-2-00000001.db", 10),
            ("wallet/20261122T053000Z-2-00000001.json", 1),
            ("wallet/20261122T043000Z-1-00000002.db", 9),
            ("wallet/2026-02-26.db", 9),
            ("wallet/20261122T053000Z-2-00000001.tar.zst", 9),
            ("wallets/20261122T053000Z-9-00000001.db", 9),
            ("store/20261122T053000Z-3-00000001.db", 9),
            ("x.db", 9),
        ]);
        let shelf = Shelf::of(prim.backup("wallet").unwrap(), &rows);
        let told: Vec<String> =
            shelf.pieces.iter().map(|(id, p)| format!("{id} {:?} {:?}", p.copy, p.manifest)).collect();
        assert_eq!(told, ["20261122T043000Z-1-00000002 Some(9) None", "20261122T053000Z-2-00000001 Some(10) Some(1)"]);
        assert_eq!(shelf.foreign, ["wallet/2026-02-26.db", "wallet/20261122T053000Z-2-00000001.tar.zst"]);
        assert_eq!(shelf.described().map(|id| id.sequence).collect::<Vec<_>>(), [2]);
        let unsigned = |_| Read::failed("it is another's".to_owned());
        let stock = Stock::of(prim.backup("wallet").unwrap(), shelf, |_| None, unsigned);
        let foreign = stock.foreign(|id| id.sequence == 1);
        assert_eq!(
            foreign,
            [
                "wallet/2026-02-26.db",
                "wallet/20261122T053000Z-2-00000001.db",
                "wallet/20261122T053000Z-2-00000001.json",
                "wallet/20261122T053000Z-2-00000001.tar.zst",
            ]
        );
    }

    #[test]
    fn what_is_there_twice_is_no_copy() {
        let wallet = DEPLOYMENTS[0].backup("wallet").unwrap();
        let path = "wallet/20261122T053000Z-2-00000001.db";
        let shelf = Shelf::of(wallet, &listed(&[(path, 10), (path, 10)]));
        assert!(shelf.pieces.values().all(|pieces| pieces.twice));
        let once = Shelf::of(wallet, &listed(&[(path, 10), ("wallet/20261122T053000Z-2-00000001.json", 10)]));
        assert!(once.pieces.values().all(|pieces| !pieces.twice));
    }
}
