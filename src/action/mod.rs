//! Changing a server: a plan is made, shown and consented to; then, under a lock and in the audit trail, it is run and its
//! outcome looked at. Nothing here is taken for done because a command said so.

pub mod audit;
pub mod consent;
pub mod lock;
pub mod maintenance;
pub mod mend;
pub mod plan;
pub mod reboot;
pub mod release;
pub mod run;
pub mod verify;

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::Serialize;

pub use crate::registry::Risk;
use crate::system::System;

/// Makes sure of a directory of our own: made with access for nobody else, and refused where somebody could have put
/// something else in its place.
pub(crate) fn own_directory(system: &System, absolute: &str) -> io::Result<PathBuf> {
    let directory = system.path(absolute);
    match DirBuilder::new().mode(0o700).create(&directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let meta = fs::symlink_metadata(&directory)?;
    let own = rustix::process::geteuid().as_raw();
    if !meta.is_dir() || meta.uid() != own || meta.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!("{absolute} is not a directory that only this user can write to")));
    }
    Ok(directory)
}

/// Adds a line of JSON to a file of our own, in one piece, and makes it durable.
pub(crate) fn append_line(system: &System, directory: &str, absolute: &str, value: &impl Serialize) -> io::Result<()> {
    own_directory(system, directory)?;
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600).custom_flags(no_links());
    let mut file = options.open(system.path(absolute))?;
    let mut line = Vec::new();
    let size = file.metadata()?.len();
    let mut last = [b'\n'];
    if size > 0 {
        file.read_exact_at(&mut last, size - 1)?;
    }
    // A line that was torn off must not take this one with it.
    if last != *b"\n" {
        line.push(b'\n');
    }
    serde_json::to_writer(&mut line, value)?;
    line.push(b'\n');
    // In one piece, so that lines of two writers never mix.
    file.write_all(&line)?;
    file.sync_data()
}

/// Writes a file beside its place and makes it durable. One that an earlier attempt left there is worth nothing.
pub(crate) fn write_aside(aside: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    removed(aside)?;
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).custom_flags(no_links()).open(aside)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Removes a file, where there is one.
pub(crate) fn removed(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Moves a file within its directory: whoever looks, also after a power cut, sees it before or after.
pub(crate) fn move_durably(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// Flags that keep the operating system from following a link that somebody put where a file of ours should be.
pub(crate) fn no_links() -> i32 {
    i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default()
}
