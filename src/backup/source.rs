//! What is copied, by its kind: whether it is there, how a copy is made, and how one is proven.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::manifest::Owner;
use super::restore::place::resolved;
use super::{sqlite, staging};
use crate::registry::{BackupSet, Deployment, Source};
use crate::system::System;

/// What was found of a set before it is copied.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// How large a copy will be about, bytes.
    pub bytes: u64,
    /// Owner, group and mode, where it is one file.
    pub owner: Option<Owner>,
}

/// Why there is nothing to copy.
#[derive(Debug)]
pub enum Trouble {
    /// It does not exist.
    Missing,
    /// It is not what it should be.
    Wrong(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Missing => f.write_str("it is missing"),
            Trouble::Wrong(what) => f.write_str(what),
        }
    }
}

/// Whether this opsctl can copy sets of this kind.
pub const fn is_known(source: &Source) -> bool {
    match source {
        Source::Sqlite { .. } => true,
        Source::Postgres { .. } | Source::Redis { .. } | Source::Mongo { .. } | Source::Files { .. } => false,
    }
}

/// Looks at what is to be copied.
///
/// # Errors
/// Why it cannot be.
pub fn look(system: &System, set: &BackupSet) -> Result<Found, Trouble> {
    match &set.source {
        Source::Sqlite { path } => {
            let live = resolved(&system.path(path)).map_err(|_| Trouble::Missing)?;
            if live.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
                return Err(Trouble::Missing);
            }
            let (bytes, owner) = sqlite::look(&live).map_err(Trouble::Wrong)?;
            let log = Path::new(&format!("{}-wal", live.display())).metadata().map_or(0, |meta| meta.len());
            Ok(Found { bytes: bytes + log, owner: Some(owner) })
        }
        other => Err(Trouble::Wrong(unknown(other))),
    }
}

/// Copies it to a new file.
///
/// # Errors
/// Why there is no copy.
pub fn copy(system: &System, set: &BackupSet, to: &Path) -> Result<(), String> {
    match &set.source {
        Source::Sqlite { path } => {
            let live = resolved(&system.path(path)).map_err(|error| format!("{path}: {error}"))?;
            sqlite::copy(&live, to)
        }
        other => Err(unknown(other)),
    }
}

/// Proves that a copy is what was sent, and that it can be restored: what is in it.
///
/// # Errors
/// What is wrong with it.
pub fn prove(set: &BackupSet, copy: &Path, bytes: u64, sha256: &str) -> Result<BTreeMap<String, u64>, String> {
    let (size, hash) = staging::hash(copy).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "it did not come back from the remote".to_owned(),
        _ => format!("it cannot be read back: {error}"),
    })?;
    if size != bytes {
        return Err(format!("it came back with {size} bytes, not {bytes}"));
    }
    if hash != sha256 {
        return Err("it came back with another content".to_owned());
    }
    match &set.source {
        Source::Sqlite { .. } => sqlite::prove(copy),
        other => Err(unknown(other)),
    }
}

fn unknown(source: &Source) -> String {
    format!("this opsctl cannot copy {} yet", source.kind())
}

/// The commit of the program whose data it is, where a working copy says it.
pub fn revision(system: &System, deployment: &Deployment) -> Option<String> {
    let source = deployment.release?.source.iter().find(|path| system.path(path).is_dir())?;
    let head = system.read(&format!("{source}/.git/HEAD")).ok()?;
    let revision = match head.trim().strip_prefix("ref: ") {
        Some(name) if !name.contains("..") => system.read(&format!("{source}/.git/{name}")).ok()?,
        Some(_) => return None,
        None => head,
    };
    let revision = revision.trim();
    (revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit())).then(|| revision.to_owned())
}
