//! What an archive leaves out comes from the live tree: the same files under a second name, so that the restored tree can run,
//! the old one stays whole, and no space is taken.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, Stat, Timespec, Timestamps};
use rustix::fs::{fchmod, fchown, fstat, fsync, futimens, linkat, mkdirat, openat, statat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use super::DEPTH;
use super::walk::{DIRECTORY, is_left_out, names};
use crate::host::files::private;

/// Gives a tree that was laid beside the live one the directories of these names that the live one has: directories are made
/// with their owners and modes, files and links get a second name. Where the new tree has no directory that they lie in, or
/// something of that name, they are passed over. What is changed in place later is changed in both trees.
///
/// # Errors
/// As the operating system says, also when the two are not on one file system: then the new tree has a part of them.
pub fn adopt(live: &Path, new: &Path, without: &[&str]) -> io::Result<()> {
    if without.is_empty() {
        return Ok(());
    }
    let errno = |error: &io::Error| Errno::from_io_error(error);
    let live = match private::directory(live) {
        // A file has nothing in it that was left out, and neither has what is not there.
        Err(error) if matches!(errno(&error), Some(Errno::NOTDIR | Errno::LOOP | Errno::NOENT)) => return Ok(()),
        live => live?,
    };
    let new = match private::directory(new) {
        Err(error) if errno(&error) == Some(Errno::NOTDIR) => return Ok(()),
        new => new?,
    };
    both(live.as_fd(), new.as_fd(), without, DEPTH)
}

/// Looks for what was left out in a directory that both trees have.
fn both(live: BorrowedFd<'_>, new: BorrowedFd<'_>, without: &[&str], depth: usize) -> io::Result<()> {
    if depth == 0 {
        return Err(io::Error::other(format!("it is more than {DEPTH} directories deep")));
    }
    let before = fstat(new)?;
    let mut adopted = false;
    for name in names(live)? {
        let Some(FileType::Directory) = kind(live, &name)? else { continue };
        if is_left_out(&name, without) {
            if kind(new, &name)?.is_none() {
                copy(live, new, &name, depth.saturating_sub(1))?;
                adopted = true;
            }
        } else if kind(new, &name)? == Some(FileType::Directory) {
            let live = openat(live, &name, DIRECTORY, Mode::empty())?;
            let new = openat(new, &name, DIRECTORY, Mode::empty())?;
            both(live.as_fd(), new.as_fd(), without, depth.saturating_sub(1))?;
        }
    }
    if adopted {
        futimens(new, &times(&before))?;
        fsync(new)?;
    }
    Ok(())
}

/// Makes a directory again, with second names for all that is in it.
fn copy(live: BorrowedFd<'_>, new: BorrowedFd<'_>, name: &OsStr, depth: usize) -> io::Result<()> {
    if depth == 0 {
        return Err(io::Error::other(format!("it is more than {DEPTH} directories deep")));
    }
    let from = openat(live, name, DIRECTORY, Mode::empty())?;
    mkdirat(new, name, Mode::RWXU)?;
    let to = openat(new, name, DIRECTORY, Mode::empty())?;
    for name in names(from.as_fd())? {
        match kind(from.as_fd(), &name)? {
            Some(FileType::Directory) => copy(from.as_fd(), to.as_fd(), &name, depth.saturating_sub(1))?,
            // Without following: of a link it is the link that gets a second name.
            Some(FileType::RegularFile | FileType::Symlink) => match linkat(&from, &name, &to, &name, AtFlags::empty())
            {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno.into()),
            },
            // What a program makes when it runs.
            Some(
                FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown,
            )
            | None => {}
        }
    }
    let stat = fstat(&from)?;
    fchown(&to, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))?;
    fchmod(&to, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
    futimens(&to, &times(&stat))?;
    Ok(fsync(&to)?)
}

/// What has this name; `None` where nothing has.
fn kind(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<Option<FileType>> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

#[expect(clippy::cast_possible_wrap, reason = "nanoseconds are below 10^9")]
fn times(stat: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: stat.st_atime, tv_nsec: stat.st_atime_nsec as _ },
        last_modification: Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec as _ },
    }
}
