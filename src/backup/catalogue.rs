//! PURE. What lies on the remote: of a listing of it, the copies of each set, what is left of runs that did not finish, and
//! what is another's.

use std::collections::BTreeMap;

use super::manifest::Manifest;
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
    /// Whether there is a manifest.
    pub manifest: bool,
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
            match name::parse(&row.path, set.name, set.source.extension()) {
                Some((id, Kind::Copy)) => shelf.pieces.entry(id).or_default().copy = Some(row.bytes),
                Some((id, Kind::Manifest)) => shelf.pieces.entry(id).or_default().manifest = true,
                None => shelf.foreign.push(row.path.clone()),
            }
        }
        shelf
    }

    /// Runs with a manifest, newest first.
    pub fn described(&self) -> impl Iterator<Item = Id> + '_ {
        self.pieces.iter().rev().filter(|(_, pieces)| pieces.manifest).map(|(id, _)| *id)
    }
}

/// The greatest number of a run that anything on the remote has.
pub fn last_sequence(listed: &[Listed], sets: &[BackupSet]) -> u64 {
    let of = |row: &Listed| {
        sets.iter().find_map(|set| name::parse(&row.path, set.name, set.source.extension())).map(|(id, _)| id.sequence)
    };
    listed.iter().filter_map(of).max().unwrap_or(0)
}

/// A copy that has a manifest, and what speaks against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The run.
    pub id: Id,
    /// Its manifest; `Err` where it cannot be used.
    pub manifest: Result<Manifest, String>,
    /// Why it is no good; `None` where nothing is known against it.
    pub trouble: Option<String>,
}

impl Backup {
    /// Of the pieces of a run and what its manifest says. `bad` is what a later look at it found.
    pub fn new(id: Id, pieces: &Pieces, manifest: Result<Manifest, String>, bad: Option<&str>) -> Self {
        let trouble = match (&manifest, pieces.copy) {
            (Err(trouble), _) => Some(trouble.clone()),
            (Ok(_), None) => Some("the copy that its manifest is of is missing".to_owned()),
            (Ok(manifest), Some(bytes)) if bytes != manifest.bytes => {
                Some(format!("it has {bytes} bytes, its manifest says {}", manifest.bytes))
            }
            (Ok(_), Some(_)) => bad.map(str::to_owned),
        };
        Backup { id, manifest, trouble }
    }

    /// Whether it was proven, and nothing is known against it since.
    pub fn is_verified(&self) -> bool {
        self.trouble.is_none()
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
            shelf.pieces.iter().map(|(id, p)| format!("{id} {:?} {}", p.copy, p.manifest)).collect();
        assert_eq!(told, ["20261122T043000Z-1-00000002 Some(9) false", "20261122T053000Z-2-00000001 Some(10) true"]);
        assert_eq!(shelf.foreign, ["wallet/2026-02-26.db", "wallet/20261122T053000Z-2-00000001.tar.zst"]);
        assert_eq!(shelf.described().map(|id| id.sequence).collect::<Vec<_>>(), [2]);
        assert_eq!(last_sequence(&rows, prim.backups), 3);
        assert_eq!(last_sequence(&[], prim.backups), 0);
    }
}
