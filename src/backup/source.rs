//! What is copied, by its kind: whether it is there, how a copy is made, and how one is proven.

use std::path::Path;

use super::archive::Lay;
use super::manifest::{Manifest, Owner, Rows};
use super::name::Id;
use super::trouble::{CopyTrouble, Unproven};
use super::{archive, mongo, postgres, redis, seal, sqlite, staging};
use crate::context::Context;
use crate::host::files::private;
use crate::host::system::System;
use crate::registry::{BackupSet, Deployment, Secrecy, Source};

/// What was found of a set before it is copied.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// How large a copy will be about, bytes.
    pub bytes: u64,
    /// Owner, group and mode, where it is one file.
    pub owner: Option<Owner>,
}

/// What a copy was made of.
#[derive(Debug, Default)]
pub struct Made {
    /// The version of the server or library whose data it is; `None` where it is of none, or does not say.
    pub version: Option<String>,
    /// What is not in it as it should be, by name and reason.
    pub left_out: Vec<String>,
}

impl From<Option<String>> for Made {
    fn from(version: Option<String>) -> Self {
        Made { version, left_out: Vec::new() }
    }
}

/// Looks at what is to be copied.
///
/// # Errors
/// Why it cannot be.
pub fn look(context: &Context<'_>, set: &BackupSet) -> Result<Found, CopyTrouble> {
    match &set.source {
        Source::Sqlite { path } => {
            let meta = context.system.symlink_metadata(path);
            if meta.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
                return Err(CopyTrouble::Missing);
            }
            let live = context.system.locate(path).map_err(|error| CopyTrouble::Wrong(error.to_string()))?;
            let (bytes, owner) = sqlite::look(&live.path).map_err(CopyTrouble::Wrong)?;
            Ok(Found { bytes, owner: Some(owner) })
        }
        Source::Postgres { service, database } => {
            let server = postgres::Server::find(context, service, database)?;
            let bytes = server.bytes().map_err(CopyTrouble::Wrong)?.ok_or(CopyTrouble::Missing)?;
            Ok(Found { bytes, owner: None })
        }
        Source::Redis { service, path, .. } => {
            let bytes = redis::Server::new(context, service).bytes()?;
            // Before its first snapshot there is no file whose owner could be told.
            Ok(Found { bytes, owner: redis::owner(context.system, path).ok() })
        }
        Source::Files { paths, without, secrecy, .. } => {
            let bytes = archive::size(context.system, paths, without)?;
            match secrecy {
                Secrecy::Plain => {}
                Secrecy::Credentials => seal::ready(context).map_err(CopyTrouble::Wrong)?,
            }
            Ok(Found { bytes, owner: None })
        }
        Source::Mongo { uri, database, .. } => {
            mongo::Server::find(context, uri, database).map_err(CopyTrouble::Wrong)?;
            // How large it is, is only known when it is done.
            Ok(Found { bytes: 0, owner: None })
        }
    }
}

/// How much room a run needs for a set of this size: for the copy, for the same as it comes back, opened, and for a trial.
pub const fn room(source: &Source, bytes: u64) -> u64 {
    match source {
        Source::Sqlite { .. } | Source::Postgres { .. } | Source::Redis { .. } | Source::Mongo { .. } => {
            bytes.saturating_mul(2)
        }
        Source::Files { .. } => bytes.saturating_mul(4),
    }
}

/// Copies it to a new file. `scratch` is a directory of ours, for what must not be sent.
///
/// # Errors
/// Why there is no copy.
pub fn copy(context: &Context<'_>, set: &BackupSet, to: &Path, scratch: &Path) -> Result<Made, String> {
    match &set.source {
        Source::Sqlite { path } => {
            let live = context.system.locate(path).map_err(|error| format!("{path}: {error}"))?;
            sqlite::copy(&live.path, to, context.time_left())?;
            Ok(Some(sqlite::version()).into())
        }
        Source::Postgres { service, database } => {
            let server = postgres::Server::find(context, service, database).map_err(|trouble| trouble.to_string())?;
            server.dump(to)?;
            Ok(server.version().into())
        }
        Source::Redis { service, path, .. } => {
            let server = redis::Server::new(context, service);
            server.copy(Path::new(path), to)?;
            Ok(server.version().into())
        }
        Source::Files { paths, without, secrecy, .. } => {
            let left_out = match secrecy {
                Secrecy::Plain => archive::pack(context.system, paths, without, to)?,
                Secrecy::Credentials => {
                    let plain = scratch.join(format!("{}.plain", set.name));
                    let left_out = archive::pack(context.system, paths, without, &plain)?;
                    seal::seal(context, &plain, to)?;
                    left_out
                }
            };
            Ok(Made { version: None, left_out })
        }
        Source::Mongo { uri, database, .. } => {
            mongo::Server::find(context, uri, database)?.dump(to, scratch)?;
            Ok(Made::default())
        }
    }
}

/// Does something with the archive that a copy is, opened where it is sealed.
///
/// # Errors
/// When it cannot be opened, and those of `work`.
pub fn with_archive<T>(
    context: &Context<'_>,
    secrecy: Secrecy,
    copy: &Path,
    work: impl FnOnce(&Path) -> Result<T, String>,
) -> Result<T, String> {
    match secrecy {
        Secrecy::Plain => work(copy),
        Secrecy::Credentials => seal::opened(context, copy, &copy.with_extension("plain"), work),
    }
}

/// What a restore of a copy exchanges: paths, or the database.
pub fn parts(system: &System, set: &BackupSet, manifest: &Manifest) -> Vec<String> {
    match &set.source {
        Source::Sqlite { path } => vec![(*path).to_owned()],
        Source::Redis { path, config, .. } => {
            let log = Path::new(path).with_file_name(redis::LOG).display().to_string();
            let log = redis::reads_log(system, path, config).then_some(log);
            std::iter::once((*path).to_owned()).chain(log).collect()
        }
        Source::Postgres { .. } | Source::Mongo { .. } => vec![set.source.place()],
        // Of several possible paths those that were there.
        Source::Files { .. } => manifest.rows.keys().cloned().collect(),
    }
}

/// Makes sure that a copy came back as it was sent.
///
/// # Errors
/// How it differs.
pub fn compare(copy: &Path, bytes: u64, sha256: &str) -> Result<(), String> {
    let (size, hash) = staging::hash(copy).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "it was not read back from the remote".to_owned(),
        _ => format!("it cannot be read back: {error}"),
    })?;
    if size != bytes {
        return Err(format!("it has {size} bytes when read back, not {bytes}"));
    }
    if hash != sha256 {
        return Err("its content differs when read back".to_owned());
    }
    Ok(())
}

/// Restores a copy in scratch: what is in it.
///
/// # Errors
/// What is wrong with it, or why that is not known.
pub fn prove(context: &Context<'_>, set: &BackupSet, id: Id, copy: &Path) -> Result<Rows, Unproven> {
    let rows = match &set.source {
        Source::Sqlite { .. } => sqlite::prove(copy, context.time_left()),
        Source::Postgres { service, database } => {
            let server = postgres::Server::find(context, service, database);
            return server.map_err(|trouble| Unproven::Untried(trouble.to_string()))?.try_out(copy, id);
        }
        Source::Redis { .. } => redis::prove(context, copy),
        Source::Files { paths, secrecy, .. } => with_archive(context, *secrecy, copy, |archive| {
            let there = copy.with_extension("tried");
            private::create_dir(&there).map_err(|error| format!("{}: {error}", there.display()))?;
            let found = archive::unpack(archive, paths, Lay::Scratch(&there));
            // What stays goes with the directory that it is in.
            let _ = private::remove_dir_all(&there);
            found
        }),
        Source::Mongo { uri, database, .. } => mongo::Server::find(context, uri, database)?.try_out(copy, id),
    };
    Ok(rows?)
}

/// The commit of the program whose data it is, where a working copy says it.
pub fn revision(system: &System, deployment: &Deployment) -> Option<String> {
    let source =
        deployment.release?.source.iter().find(|path| system.metadata(path).is_ok_and(|meta| meta.is_dir()))?;
    let head = system.read(format!("{source}/.git/HEAD")).ok()?;
    let revision = match head.trim().strip_prefix("ref: ") {
        Some(name) if !name.contains("..") => system.read(format!("{source}/.git/{name}")).ok()?,
        Some(_) => return None,
        None => head,
    };
    let revision = revision.trim();
    (revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit())).then(|| revision.to_owned())
}
