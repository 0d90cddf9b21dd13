//! Looking at what lies on the remote: what there is of each set, and whether a copy can still be restored.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::catalogue::{Listed, Shelf, Stock};
use super::key::Key;
use super::manifest::{LARGEST, Manifest, Read, Rows, total};
use super::name::{self, Id};
use super::record::{DIRECTORY, Records};
use super::source;
use super::staging::{self, Staging};
use super::store::Store;
use super::trouble::Unproven;
use crate::context::Context;
use crate::host::files::private;
use crate::host::threads::each;
use crate::registry::{BackupSet, Deployment};

/// Reads the manifests of these sets: two calls, whatever their number. `key`: what this host signs them with.
///
/// # Errors
/// Why it is not known what lies there.
pub fn stock(
    store: &Store<'_>,
    deployment: &Deployment,
    sets: &[&'static BackupSet],
    listed: &[Listed],
    records: &Records,
    key: Option<&Key>,
    staging: &Staging,
) -> Result<Vec<Stock>, String> {
    let shelves: Vec<(&'static BackupSet, Shelf)> = sets.iter().map(|set| (*set, Shelf::of(set, listed))).collect();
    let wanted: Vec<(&'static BackupSet, Id)> =
        shelves.iter().flat_map(|(set, shelf)| shelf.described().map(|id| (*set, id))).collect();
    let there = fetch_manifests(store, &wanted, staging)?;
    let stock = |(set, shelf): (&'static BackupSet, Shelf)| {
        let trouble = |id| records.trouble(set.name, id);
        Stock::of(set, shelf, trouble, |id| read(&there, deployment, set, id, key))
    };
    Ok(shelves.into_iter().map(stock).collect())
}

/// Fetches manifests in one call; where they lie then.
fn fetch_manifests(
    store: &Store<'_>,
    wanted: &[(&'static BackupSet, Id)],
    staging: &Staging,
) -> Result<PathBuf, String> {
    let paths: Vec<String> = wanted.iter().map(|(set, id)| name::manifest(set.name, *id)).collect();
    let there = staging.inner("manifests").map_err(|error| error.to_string())?;
    if !paths.is_empty() {
        store.fetch(&paths, &there, 0).map_err(|trouble| format!("manifests cannot be read: {trouble}"))?;
    }
    Ok(there)
}

/// Reads a manifest that was fetched; no more of it than one of ours can have.
pub fn read(there: &Path, deployment: &Deployment, set: &BackupSet, id: Id, key: Option<&Key>) -> Read {
    match private::read(&there.join(name::manifest(set.name, id)), LARGEST.saturating_add(1)) {
        Err(error) => Read::failed(format!("its manifest could not be read back: {error}")),
        Ok(text) if u64::try_from(text.len()).is_ok_and(|size| size > LARGEST) => {
            Read::failed(format!("its manifest has more than {LARGEST} bytes"))
        }
        Ok(text) => Manifest::read(&text, key, deployment.name, set, id),
    }
}

/// Numbers greater than `above` of runs of any set whose manifest this host has signed: what the next run must follow, should its
/// record be an older one. What merely has a name like ours does not count, whatever number it claims.
///
/// # Errors
/// Why that is not known.
pub fn signed_above(
    store: &Store<'_>,
    deployment: &'static Deployment,
    listed: &[Listed],
    key: &Key,
    above: u64,
    staging: impl FnOnce() -> Result<Staging, String>,
) -> Result<Vec<u64>, String> {
    let of = |set: &'static BackupSet| {
        let shelf = Shelf::of(set, listed);
        shelf.described().filter(|id| id.sequence > above).map(|id| (set, id)).collect::<Vec<_>>()
    };
    let wanted: Vec<(&'static BackupSet, Id)> = deployment.backups.iter().flat_map(of).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let staging = staging()?;
    let there = fetch_manifests(store, &wanted, &staging)?;
    let is_signed =
        |(set, id): &(&'static BackupSet, Id)| read(&there, deployment, set, *id, Some(key)).unsigned.is_none();
    Ok(wanted.into_iter().filter(is_signed).map(|(_, id)| id.sequence).collect())
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
    /// What is in it; `Err` says what is wrong, or why that is not known.
    pub found: Result<Rows, Unproven>,
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
    let sum = |sizes: &mut dyn Iterator<Item = u64>| sizes.fold(0, u64::saturating_add);
    let total = sum(&mut wanted.iter().map(|(_, manifest)| manifest.bytes));
    // What a manifest says of the data counts, and what the copy itself takes.
    let room = |(set, manifest): &(&BackupSet, Manifest)| {
        source::room(&set.source, manifest.source_bytes).max(source::room(&set.source, manifest.bytes))
    };
    staging::room(context.system, Path::new(DIRECTORY), sum(&mut wanted.iter().map(room)))?;
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
fn as_described(context: &Context<'_>, set: &BackupSet, manifest: &Manifest, copy: &Path) -> Result<Rows, Unproven> {
    source::compare(copy, manifest.bytes, &manifest.sha256)?;
    let rows = source::prove(context, set, manifest.id, copy)?;
    match rows == manifest.rows {
        true => Ok(rows),
        false => Err(format!("it has {} rows, its manifest has {}", total(&rows), manifest.total_rows()).into()),
    }
}
