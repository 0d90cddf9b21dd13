//! Changing a server: a plan is made, shown and consented to; then, under a lock and in the audit trail, it is run and its
//! outcome looked at. Nothing here is taken for done because a command said so.

pub mod audit;
pub mod consent;
pub mod lock;
pub mod plan;
pub mod reboot;
pub mod run;
pub mod verify;

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::PathBuf;

use rustix::fs::OFlags;

pub use crate::registry::Risk;
use crate::system::System;

/// Makes sure of a directory of our own: made with access for nobody else, and refused where somebody could have put
/// something else in its place.
fn own_directory(system: &System, absolute: &str) -> io::Result<PathBuf> {
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

/// Flags that keep the operating system from following a link that somebody put where a file of ours should be.
fn no_links() -> i32 {
    i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default()
}
