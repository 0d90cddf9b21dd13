//! Log files are opened and measured by descriptor.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::World;
use crate::host::trouble::Trouble;

/// Opens a regular file; none when it does not exist.
pub(super) fn open(world: &World, path: &Path) -> io::Result<Option<File>> {
    match world.system.open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Why a log file was not read.
pub(super) fn trouble(error: &io::Error) -> Trouble {
    match error.kind() {
        ErrorKind::PermissionDenied => Trouble::denied("to read it"),
        _ => Trouble::Failed(error.to_string()),
    }
}

/// Its length, bytes.
pub(super) fn size(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}
