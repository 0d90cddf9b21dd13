//! Files of our own, in directories that only root (or the caller) can change: made, added to, replaced and removed by
//! descriptor, durably, with access for nobody else.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fchmod, fstat, fsync, linkat, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;
use serde::Serialize;

use super::deadline::within;
use super::walk::{Last, Writer, walk, writer};
use crate::host::system::System;
use crate::redact;

/// How a file of ours is opened: a link or a FIFO in its place is never followed or waited for.
const OWN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
/// A file that others may read only where its mode says so.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Makes sure of a directory of our own: made with access for nobody else, and refused where somebody could have put
/// something else in its place. Its path on this machine.
///
/// # Errors
/// As the operating system says; when it belongs to somebody else, or others can write to it.
pub fn directory(system: &System, absolute: &str) -> io::Result<PathBuf> {
    let (root, path) = (system.root.clone(), PathBuf::from(absolute));
    within(system.file_wait(), Path::new(absolute), move || {
        let place = walk(&root, &path, Last::Itself)?;
        if place.found.is_none() {
            match mkdirat(&place.parent.fd, &place.name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let stat = fstat(&openat(&place.parent.fd, &place.name, flags, Mode::empty())?)?;
        is_ours(&root, &stat, &path)
    })?;
    Ok(system.path(absolute))
}

fn is_ours(root: &Path, stat: &rustix::fs::Stat, path: &Path) -> io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    // The bits themselves: a group without members today may have some tomorrow.
    let is_closed = stat.st_mode & 0o022 == 0 && writer(root, stat) == Writer::Nobody;
    match is_directory && stat.st_uid == own && is_closed {
        true => Ok(()),
        false => {
            Err(io::Error::other(format!("{} is not a directory that only this user can write to", path.display())))
        }
    }
}

/// A directory that only this user can change, and a name in it.
fn place(root: &Path, path: &Path) -> io::Result<(OwnedFd, OsString)> {
    let place = walk(root, path, Last::Itself)?;
    match place.parent.writer {
        Writer::Nobody => Ok((place.parent.fd, place.name)),
        Writer::Owner { .. } | Writer::Several => {
            Err(io::Error::other(format!("{}: users other than root can change its directory", path.display())))
        }
    }
}

/// What is done with a file of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is read and written over; made where it is not there.
    Update,
    /// It is added to; made where it is not there.
    Append,
}

/// Opens a file of our own, which is made where it is not there.
///
/// # Errors
/// As the operating system says; when what is there is no regular file of this user's alone.
pub fn open(system: &System, absolute: &str, access: Access) -> io::Result<File> {
    let (root, path) = (system.root.clone(), PathBuf::from(absolute));
    within(system.file_wait(), Path::new(absolute), move || {
        let (directory, name) = place(&root, &path)?;
        let flags = match access {
            Access::Update => OFlags::RDWR,
            Access::Append => OFlags::RDWR | OFlags::APPEND,
        };
        let fd = openat(&directory, &name, flags | OFlags::CREATE | OWN, PRIVATE)?;
        let stat = fstat(&fd)?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if !is_file || stat.st_nlink > 1 || stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other(format!("{} is not a regular file of this user", path.display())));
        }
        Ok(File::from(fd))
    })
}

/// Adds a line of JSON to a file of our own, in one piece, and makes it durable.
///
/// # Errors
/// As [`open`].
pub fn append_line(system: &System, own: &str, absolute: &str, value: &impl Serialize) -> io::Result<()> {
    directory(system, own)?;
    let mut file = open(system, absolute, Access::Append)?;
    // What others said may be quoted in it.
    let mut text = redact::house().clean_document(serde_json::to_string(value)?).into_bytes();
    text.push(b'\n');
    within(system.file_wait(), Path::new(absolute), move || {
        let size = file.metadata()?.len();
        let mut last = [b'\n'];
        if let Some(end) = size.checked_sub(1) {
            file.read_exact_at(&mut last, end)?;
        }
        // A line that was torn off must not take this one with it.
        if last != *b"\n" {
            text.insert(0, b'\n');
        }
        // In one piece, so that lines of two writers never mix.
        file.write_all(&text)?;
        file.sync_data()
    })
}

/// Writes a new file and makes it durable. One that an earlier attempt left there is worth nothing.
///
/// # Errors
/// As the operating system says; when others can change the directory.
pub fn write_new(system: &System, absolute: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
    let (root, path, bytes) = (system.root.clone(), PathBuf::from(absolute), bytes.to_owned());
    within(system.file_wait(), Path::new(absolute), move || {
        let (directory, name) = place(&root, &path)?;
        unlink(&directory, &name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OWN;
        let mut file = File::from(openat(&directory, &name, flags, PRIVATE)?);
        fchmod(&file, Mode::from_raw_mode(mode))?;
        file.write_all(&bytes)?;
        file.sync_all()
    })
}

/// Writes over the beginning of a file of our own, in the blocks that it has where they are enough, and makes that durable: what fits
/// can be written to a full disk as well. What is behind it remains.
///
/// # Errors
/// As [`open`].
pub fn write_over(system: &System, absolute: &str, bytes: Vec<u8>) -> io::Result<()> {
    let file = open(system, absolute, Access::Update)?;
    within(system.file_wait(), Path::new(absolute), move || {
        file.write_all_at(&bytes, 0)?;
        file.sync_all()
    })
}

/// Removes a file, where there is one.
///
/// # Errors
/// As [`write_new`].
pub fn remove(system: &System, absolute: &str) -> io::Result<()> {
    let (root, path) = (system.root.clone(), PathBuf::from(absolute));
    within(system.file_wait(), Path::new(absolute), move || {
        let (directory, name) = match place(&root, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        unlink(&directory, &name)
    })
}

fn unlink(directory: &OwnedFd, name: &OsString) -> io::Result<()> {
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Gives a file a second name in its directory, unless something has that name; whether it was given, durably.
///
/// # Errors
/// As [`write_new`].
pub fn link_new(system: &System, from: &str, to: &str) -> io::Result<bool> {
    let (root, from, to) = (system.root.clone(), PathBuf::from(from), PathBuf::from(to));
    within(system.file_wait(), &to.clone(), move || {
        let ((old, name), (new, new_name)) = (place(&root, &from)?, place(&root, &to)?);
        match linkat(&old, &name, &new, &new_name, AtFlags::empty()) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        }
        sync(&new)?;
        Ok(true)
    })
}

/// Moves a file within its directory: whoever looks, also after a power cut, sees it before or after.
///
/// # Errors
/// As [`write_new`].
pub fn rename(system: &System, from: &str, to: &str) -> io::Result<()> {
    let (root, from, to) = (system.root.clone(), PathBuf::from(from), PathBuf::from(to));
    within(system.file_wait(), &to.clone(), move || {
        let ((old, name), (new, new_name)) = (place(&root, &from)?, place(&root, &to)?);
        renameat(&old, &name, &new, &new_name)?;
        sync(&new)
    })
}

/// Makes the names in a directory durable.
fn sync(directory: &OwnedFd) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(fsync(openat(directory, ".", flags, Mode::empty())?)?)
}
