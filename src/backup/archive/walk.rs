//! A tree as it is, each part of it reached through its directory, so that no link that is put in the way meanwhile is followed.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

use super::{DEPTH, inside};
use crate::backup::trouble::CopyTrouble;
use crate::host::files::Located;
use crate::host::system::System;

/// How a directory is opened.
pub(super) const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Something that was met.
pub(super) struct Met<'a> {
    /// The directory that it is in.
    pub parent: BorrowedFd<'a>,
    /// Its name there.
    pub name: &'a OsStr,
    /// Its absolute path, without links.
    pub path: &'a Path,
    /// What the operating system says of it, and not of what it points to.
    pub stat: Stat,
}

impl Met<'_> {
    /// What it is.
    pub fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }
}

/// What is done with each part of a tree.
pub(super) trait Visitor {
    /// It is there. A directory comes before what is in it.
    fn met(&mut self, met: &Met<'_>) -> io::Result<()>;
    /// It cannot be looked at.
    fn passed(&mut self, path: &Path, why: &str);
}

/// A word for what is no file.
pub(super) const fn special(kind: FileType) -> &'static str {
    match kind {
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Symlink => "a symbolic link",
        FileType::Directory => "a directory",
        FileType::RegularFile => "a file",
        FileType::Unknown => "a file of unknown type",
    }
}

/// What is told of something that could be looked at a moment ago.
pub(super) fn unread(errno: Errno) -> String {
    match errno {
        Errno::NOENT => "it was removed meanwhile".to_owned(),
        // What is said of a link and of what is no directory any more.
        Errno::LOOP | Errno::NOTDIR => "it changed while it was read".to_owned(),
        other => format!("it cannot be read: {}", io::Error::from(other)),
    }
}

/// One of the set's paths.
#[derive(Debug)]
pub(super) struct Root {
    parent: OwnedFd,
    path: PathBuf,
    stat: Stat,
}

/// The paths of a set that are there.
pub(super) fn roots(system: &System, paths: &[&str]) -> Result<Vec<Root>, CopyTrouble> {
    for (at, path) in paths.iter().enumerate() {
        let others = paths.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
        // Each name is in an archive once.
        if let Some(other) = others.into_iter().find(|other| Path::new(path).starts_with(other)) {
            return Err(CopyTrouble::Wrong(format!("{path} is already a part of {other}")));
        }
    }
    let mut found = Vec::new();
    for path in paths {
        found.extend(root(system, path)?);
    }
    if found.is_empty() { Err(CopyTrouble::Missing) } else { Ok(found) }
}

fn root(system: &System, absolute: &str) -> Result<Option<Root>, CopyTrouble> {
    let wrong = |error: io::Error| CopyTrouble::Wrong(format!("{absolute}: it cannot be read: {error}"));
    let Located { directory: parent, name, .. } = match system.locate(absolute) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(wrong)?,
    };
    let stat = match statat(&parent, &name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        found => found.map_err(|errno| wrong(errno.into()))?,
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile | FileType::Directory => {}
        // The archive would have a link in it, and nothing of what it points to.
        FileType::Symlink => {
            return Err(CopyTrouble::Wrong(format!(
                "{absolute} is a symbolic link: the copy would not contain its target"
            )));
        }
        kind @ (FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown) => return Err(CopyTrouble::Wrong(format!("{absolute} is {}", special(kind)))),
    }
    Ok(Some(Root { parent, path: Path::new("/").join(inside(absolute)), stat }))
}

/// Visits one of the set's paths and all that is below it.
pub(super) fn walk(root: &Root, without: &[&str], visitor: &mut impl Visitor) -> io::Result<()> {
    let name = root.path.file_name().unwrap_or_default();
    let met = Met { parent: root.parent.as_fd(), name, path: &root.path, stat: root.stat };
    visit(&met, without, DEPTH, visitor)
}

fn visit(met: &Met<'_>, without: &[&str], depth: usize, visitor: &mut impl Visitor) -> io::Result<()> {
    visitor.met(met)?;
    if met.kind() != FileType::Directory {
        return Ok(());
    }
    if depth == 0 {
        visitor.passed(met.path, &format!("its content is more than {DEPTH} directories deep"));
        return Ok(());
    }
    let opened = openat(met.parent, met.name, DIRECTORY, Mode::empty());
    let (directory, entries) = match opened.and_then(|fd| Dir::read_from(&fd).map(|entries| (fd, entries))) {
        Ok(opened) => opened,
        Err(errno) => {
            visitor.passed(met.path, &unread(errno));
            return Ok(());
        }
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(errno) => {
                visitor.passed(met.path, &unread(errno));
                break;
            }
        };
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        let path = met.path.join(name);
        match statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                let met = Met { parent: directory.as_fd(), name, path: &path, stat };
                if met.kind() != FileType::Directory || !is_left_out(name, without) {
                    visit(&met, without, depth.saturating_sub(1), visitor)?;
                }
            }
            Err(errno) => visitor.passed(&path, &unread(errno)),
        }
    }
    Ok(())
}

/// Whether directories of this name are left out.
pub(super) fn is_left_out(name: &OsStr, without: &[&str]) -> bool {
    without.iter().any(|other| name == *other)
}

/// The names in a directory.
pub(super) fn names(directory: BorrowedFd<'_>) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = std::ffi::OsString::from_vec(entry?.file_name().to_bytes().to_vec());
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    Ok(names)
}
