//! The way to a file, component by component. Every directory on it is held open, so that nobody can put another in its place
//! meanwhile, and a symbolic link is followed only where nobody but root (or the caller) could have made or moved it.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, openat, readlinkat};

use super::accounts;
use crate::host::shortage::{Shortage, patiently};

/// How a component is opened: only to be looked at, and a link as itself.
pub(super) const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// How many links are followed on one way, as the kernel does.
const LINKS: u32 = 40;

/// Who besides root and the caller can change what a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// Nobody.
    Nobody,
    /// The user who owns it.
    Owner {
        /// User id.
        uid: u32,
        /// Group of the directory.
        gid: u32,
    },
    /// Members of a group, or everybody; the directory itself is root's or the caller's.
    Several,
}

/// A directory on the way.
pub(super) struct PathStep {
    pub(super) fd: OwnedFd,
    pub(super) writer: Writer,
    /// Its name in the one before; none of the root.
    name: OsString,
    /// Whether it is the kernel's: what is in `/proc` and `/sys` nobody put there, whoever owns it.
    is_kernels: bool,
}

/// Where a path leads: a name in a directory, and what has this name, if anything.
pub(super) struct Located {
    /// The directory.
    pub(super) parent: PathStep,
    /// The last component; `.` for the root itself.
    pub(super) name: OsString,
    /// What is there, opened to be looked at.
    pub(super) found: Option<(OwnedFd, Stat)>,
    /// The directory's path below the root, without links.
    pub(super) directory: PathBuf,
    /// The first directory on the way that users other than root and the caller can change, below the root.
    pub(super) exposed: Option<PathBuf>,
}

impl Located {
    /// What is there.
    ///
    /// # Errors
    /// `NotFound` when nothing is.
    pub(super) fn found(self) -> io::Result<(PathStep, OsString, OwnedFd, Stat)> {
        let (fd, stat) = self.found.ok_or(rustix::io::Errno::NOENT)?;
        Ok((self.parent, self.name, fd, stat))
    }
}

/// Whether a link in the last place is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// It is, under the same rule as the others.
    Followed,
    /// It is what is asked for.
    Itself,
}

/// Goes from `root` down to `path`, which is taken from there also where it is absolute.
///
/// # Errors
/// As the operating system says of a directory on the way; a link that somebody else could have put there is refused. That
/// nothing has the last name is no error.
pub(super) fn walk(root: &Path, path: &Path, last: Last) -> io::Result<Located> {
    patiently(Shortage::of, || go(root, path, last))
}

#[expect(clippy::disallowed_methods, reason = "where every way begins")]
fn go(root: &Path, path: &Path, last: Last) -> io::Result<Located> {
    let start = rustix::fs::open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let first = PathStep { writer: writer(root, &fstat(&start)?), fd: start, name: OsString::new(), is_kernels: false };
    let mut way = vec![first];
    let mut pending = components(path);
    let mut links = 0;
    while let Some(name) = pending.pop_front() {
        if name == ".." {
            // Above the root is the root.
            way.truncate(way.len().saturating_sub(1).max(1));
            continue;
        }
        let Some(here) = way.last() else { break };
        let fd = match openat(&here.fd, &name, LOOK, Mode::empty()) {
            Ok(fd) => fd,
            Err(rustix::io::Errno::NOENT) if pending.is_empty() => return Ok(end(way, name, None)),
            Err(errno) => return Err(errno.into()),
        };
        let stat = fstat(&fd)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink if !pending.is_empty() || last == Last::Followed => {
                if way.iter().any(|step| step.writer != Writer::Nobody) {
                    return Err(io::Error::other(format!(
                        "{} is a symbolic link in a directory that users other than root can change; it is not followed",
                        shown(path, &name, &pending)
                    )));
                }
                links += 1;
                if links > LINKS {
                    return Err(rustix::io::Errno::LOOP.into());
                }
                let target = readlinkat(&fd, "", Vec::new())?;
                let target = Path::new(super::text(target.as_bytes()));
                if target.is_absolute() {
                    way.truncate(1);
                }
                let mut rest = components(target);
                rest.append(&mut pending);
                pending = rest;
            }
            _ if pending.is_empty() => return Ok(end(way, name, Some((fd, stat)))),
            FileType::Directory => {
                let is_kernels = here.is_kernels || (way.len() == 1 && (name == "proc" || name == "sys"));
                let writer = if is_kernels { Writer::Nobody } else { writer(root, &stat) };
                way.push(PathStep { fd, writer, name, is_kernels });
            }
            _ => return Err(io::ErrorKind::NotADirectory.into()),
        }
    }
    // The path was that of a directory on the way: the root, or one that `..` came back to.
    let Some(step) = way.pop() else { return Err(rustix::io::Errno::NOENT.into()) };
    let fd = openat(&step.fd, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let stat = fstat(&fd)?;
    way.push(step);
    Ok(end(way, OsString::from("."), Some((fd, stat))))
}

fn end(mut way: Vec<PathStep>, name: OsString, found: Option<(OwnedFd, Stat)>) -> Located {
    let directory = way.iter().map(|step| &step.name).collect();
    let exposed = way.iter().position(|step| step.writer != Writer::Nobody);
    let exposed = exposed.map(|at| way.iter().take(at + 1).map(|step| &step.name).collect());
    let parent = way.swap_remove(way.len() - 1);
    Located { parent, name, found, directory, exposed }
}

fn components(path: &Path) -> VecDeque<OsString> {
    let words = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    words.collect()
}

/// The part of a path that ends with `name`, for a person.
fn shown(path: &Path, name: &OsStr, pending: &VecDeque<OsString>) -> String {
    let above = path.ancestors().nth(pending.len()).filter(|part| part.file_name() == Some(name));
    above.map_or_else(|| name.to_string_lossy().into_owned(), |part| part.display().to_string())
}

/// Who can change what is in a directory.
pub(super) fn writer(root: &Path, stat: &Stat) -> Writer {
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid != 0 && stat.st_uid != own {
        return Writer::Owner { uid: stat.st_uid, gid: stat.st_gid };
    }
    let by_group = stat.st_mode & 0o020 != 0 && stat.st_gid != 0 && accounts::group_has_members(root, stat.st_gid);
    match by_group || stat.st_mode & 0o002 != 0 {
        true => Writer::Several,
        false => Writer::Nobody,
    }
}
