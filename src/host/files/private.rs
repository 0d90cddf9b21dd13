//! Plain calls on paths below a directory that [`super::own::directory`] made (staging, scratch), or that the operator named
//! for what is written there: nobody else can change such a path, so it needs no walk.
#![expect(clippy::disallowed_methods, reason = "only this user can change what is below these directories")]

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, ReadDir};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

fn flags() -> i32 {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    i32::try_from(flags.bits()).unwrap_or_default()
}

/// Opens a file to be read.
///
/// # Errors
/// As the operating system says; a link, or what is no regular file, is refused.
pub fn open(path: &Path) -> io::Result<File> {
    regular(OpenOptions::new().read(true).custom_flags(flags()).open(path)?)
}

/// Makes a file that was not there, to be read and written by this user alone.
///
/// # Errors
/// As the operating system says; `AlreadyExists` where something has the name.
pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(flags()).open(path)
}

fn regular(file: File) -> io::Result<File> {
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("is not a regular file")),
    }
}

/// A file's bytes, at most `limit` of them.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(open(path)?, limit), &mut bytes)?;
    Ok(bytes)
}

/// Writes a file that was not there.
///
/// # Errors
/// As [`create_new`].
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    io::Write::write_all(&mut create_new(path)?, bytes.as_ref())
}

/// Metadata; a link is itself.
///
/// # Errors
/// As the operating system says.
pub fn metadata(path: &Path) -> io::Result<Metadata> {
    fs::symlink_metadata(path)
}

/// What a directory holds.
///
/// # Errors
/// As the operating system says.
pub fn read_dir(path: &Path) -> io::Result<ReadDir> {
    fs::read_dir(path)
}

/// Opens a directory; the way to it may lead through [`super::anchored`], but the last part is not followed.
///
/// # Errors
/// As the operating system says.
pub fn directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Opens the directory of a path, which may be what [`super::anchored`] shows as a link.
///
/// # Errors
/// As the operating system says.
pub fn parent(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path.parent().unwrap_or(Path::new("/")), flags, Mode::empty())?)
}

/// Makes a directory for this user alone.
///
/// # Errors
/// As the operating system says.
pub fn create_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Removes a file.
///
/// # Errors
/// As the operating system says.
pub fn remove_file(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Removes a directory and all that is in it; links in it are removed, not followed.
///
/// # Errors
/// As the operating system says.
pub fn remove_dir_all(path: &Path) -> io::Result<()> {
    fs::remove_dir_all(path)
}

/// Gives a file or directory another name.
///
/// # Errors
/// As the operating system says.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}
