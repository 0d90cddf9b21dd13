//! Looking at what lies on the remote: what there is of each set, and whether a copy can still be restored.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::catalogue::{Backup, Listed, Shelf};
use super::create::each;
use super::manifest::{LONGEST, Manifest, Rows};
use super::name::{self, Id};
use super::record::{DIRECTORY, Records};
use super::source;
use super::staging::{self, Staging};
use super::store::Store;
use crate::context::Context;
use crate::files::private;
use crate::registry::{BackupSet, Deployment};

/// What lies on the remote of one set.
pub struct Stock {
    /// The set.
    pub set: &'static BackupSet,
    /// What there is, as it is named.
    pub shelf: Shelf,
    /// Copies that are described, newest first.
    pub backups: Vec<Backup>,
}

impl Stock {
    /// The newest copy that nothing is known against.
    pub fn newest(&self) -> Option<&Backup> {
        self.backups.iter().find(|backup| backup.is_verified())
    }
}

/// Reads the manifests of these sets: two calls, whatever their number.
///
/// # Errors
/// Why it is not known what lies there.
pub fn stock(
    store: &Store<'_>,
    deployment: &Deployment,
    sets: &[&'static BackupSet],
    listed: &[Listed],
    records: &Records,
    staging: &Staging,
) -> Result<Vec<Stock>, String> {
    let shelves: Vec<(&'static BackupSet, Shelf)> = sets.iter().map(|set| (*set, Shelf::of(set, listed))).collect();
    let paths: Vec<String> =
        shelves.iter().flat_map(|(set, shelf)| shelf.described().map(|id| name::manifest(set.name, id))).collect();
    let there = staging.inner("manifests").map_err(|error| error.to_string())?;
    if !paths.is_empty() {
        store.fetch(&paths, &there, 0).map_err(|trouble| format!("manifests cannot be read: {trouble}"))?;
    }
    let described = |set: &'static BackupSet, shelf: &Shelf| {
        let backup = |id: Id| {
            let text = private::read(&there.join(name::manifest(set.name, id)), LONGEST);
            let text = text.map_err(|error| format!("its manifest could not be read back: {error}"));
            let manifest = text.and_then(|text| Manifest::parse(&text, deployment.name, set.name, id));
            let pieces = shelf.pieces.get(&id).cloned().unwrap_or_default();
            Backup::new(id, &pieces, manifest, records.trouble(set.name, id))
        };
        shelf.described().map(backup).collect()
    };
    Ok(shelves.into_iter().map(|(set, shelf)| Stock { set, backups: described(set, &shelf), shelf }).collect())
}

/// A copy that was fetched and restored in scratch.
pub struct Proof {
    /// The set.
    pub set: &'static BackupSet,
    /// The run.
    pub id: Id,
    /// Its manifest.
    pub manifest: Manifest,
    /// Where the fetched copy is.
    pub copy: PathBuf,
    /// What is in it; `Err` says what is wrong.
    pub found: Result<Rows, String>,
    /// How long it took from the first byte to the last row.
    pub took: Duration,
}

/// Fetches these copies in one call, hashes them again and restores them in scratch.
///
/// # Errors
/// Why none could be fetched.
pub fn prove(
    context: &Context<'_>,
    store: &Store<'_>,
    wanted: Vec<(&'static BackupSet, Manifest)>,
    staging: &Staging,
) -> Result<Vec<Proof>, String> {
    let begun = Instant::now();
    let there = staging.inner("back").map_err(|error| error.to_string())?;
    let total: u64 = wanted.iter().map(|(_, manifest)| manifest.bytes).fold(0, u64::saturating_add);
    staging::room(
        context.system,
        Path::new(DIRECTORY),
        wanted
            .iter()
            .map(|(set, manifest)| source::room(&set.source, manifest.source_bytes))
            .fold(0, u64::saturating_add),
    )?;
    let path = |set: &BackupSet, id: Id| name::copy(set.name, set.source.extension(), id);
    let paths: Vec<String> = wanted.iter().map(|(set, manifest)| path(set, manifest.id)).collect();
    store.fetch(&paths, &there, total)?;
    Ok(each(wanted, |(set, manifest)| {
        let copy = there.join(path(set, manifest.id));
        let found = as_described(context, set, &manifest, &copy);
        Proof { set, id: manifest.id, manifest, copy, found, took: begun.elapsed() }
    }))
}

/// Whether a copy is what its manifest says, to the last byte and row.
fn as_described(context: &Context<'_>, set: &BackupSet, manifest: &Manifest, copy: &Path) -> Result<Rows, String> {
    source::compare(copy, manifest.bytes, &manifest.sha256)?;
    let rows = source::prove(context, set, manifest.id, copy)?;
    match rows == manifest.rows {
        true => Ok(rows),
        false => {
            Err(format!("it has {} rows, its manifest says {}", super::manifest::total(&rows), manifest.total_rows()))
        }
    }
}
