//! Files that others read, such as a collector of metrics: replaced as a whole, or added to by a line. A reader sees the text before or
//! the one after, also after a power cut; nothing is followed out of a directory that another user can change.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, fchmod, flock,
    fstat, fsync, mkdirat, openat, renameat, statat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::accounts::{self, Guise};
use super::deadline::apart;
use super::walk::{Last, PathStep, Writer, walk};
use crate::host::system::System;

/// What a file is called until it is whole. Collectors read names with their own ending only.
const NEW: &str = ".opsctl-new";
/// How a file is opened: a link or a FIFO in its place is never followed or waited for.
const OPEN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
/// How often, and after what time, a file that another run writes at this moment is tried again.
const TRIES: (u32, Duration) = (20, Duration::from_millis(5));

/// The directory in which a file may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directory {
    /// One that only root (or the caller) can change.
    Ours,
    /// One of another user as well: it is written as that user.
    OfAnyUser,
}

impl System {
    /// Gives a file this text: a new file that takes its name. Whether the text is another one; where it is not, the file is only as if
    /// written now.
    ///
    /// # Errors
    /// As the operating system says: `NotFound` where the directory is missing, `IsADirectory`. Where others can change the
    /// directory `PermissionDenied` that is none of the operating system's. `WouldBlock` when another run writes it all the time.
    pub fn publish(&self, absolute: &str, bytes: &[u8], mode: u32, allowed: Directory) -> io::Result<bool> {
        let (root, wanted, bytes) = (self.root.clone(), PathBuf::from(absolute), bytes.to_owned());
        apart(self.file_wait(), Path::new(absolute), move || {
            let place = walk(&root, &wanted, Last::Itself)?;
            let _guise = guise(&root, &place.parent, allowed)?;
            let directory = place.parent.fd.as_fd();
            if let Some((_, stat)) = &place.found {
                is_regular(&wanted, stat)?;
                if holds(directory, &place.name, stat, &bytes) && touch(directory, &place.name).is_ok() {
                    return Ok(false);
                }
            }
            replace(directory, &place.name, &bytes, mode).map(|()| true)
        })
    }

    /// Adds a line to a file, which is made with mode 0644 where it is not there.
    ///
    /// # Errors
    /// As the operating system says; what is no regular file, has other names, or belongs to somebody else is refused.
    pub fn publish_line(&self, absolute: &str, line: &str) -> io::Result<()> {
        let (root, wanted, line) = (self.root.clone(), PathBuf::from(absolute), format!("{line}\n"));
        apart(self.file_wait(), Path::new(absolute), move || {
            let place = walk(&root, &wanted, Last::Itself)?;
            // Where a group can change the directory, as in Ubuntu's `/var/log`, its members can only exchange this file for another
            // that is root's, has one name and is already there.
            let _guise = match place.parent.writer {
                Writer::Owner { .. } => guise(&root, &place.parent, Directory::OfAnyUser)?,
                Writer::Nobody | Writer::Several => None,
            };
            let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OPEN;
            let fd = openat(&place.parent.fd, &place.name, flags, Mode::from_raw_mode(0o644))?;
            let stat = fstat(&fd)?;
            is_regular(&wanted, &stat)?;
            if stat.st_nlink > 1 || stat.st_uid != own(&place.parent).0 {
                return Err(io::Error::other(format!("{} has other names, or another owner", wanted.display())));
            }
            File::from(fd).write_all(line.as_bytes())
        })
    }

    /// Makes a directory with mode 0755, where there is none, as whoever owns the one above.
    ///
    /// # Errors
    /// As the operating system says; where several users can change the one above.
    pub fn publish_directory(&self, absolute: &str) -> io::Result<()> {
        let (root, wanted) = (self.root.clone(), PathBuf::from(absolute));
        apart(self.file_wait(), Path::new(absolute), move || {
            let place = walk(&root, &wanted, Last::Itself)?;
            if place.found.is_some() {
                return Ok(());
            }
            let _guise = guise(&root, &place.parent, Directory::OfAnyUser)?;
            match mkdirat(&place.parent.fd, &place.name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => Ok(()),
                Err(errno) => Err(errno.into()),
            }
        })
    }
}

/// Who writes in a directory: its owner where that is another user, else this process.
fn own(parent: &PathStep) -> (u32, Option<u32>) {
    match parent.writer {
        Writer::Owner { uid, gid } if rustix::process::geteuid().is_root() => (uid, Some(gid)),
        Writer::Owner { .. } | Writer::Nobody | Writer::Several => (rustix::process::geteuid().as_raw(), None),
    }
}

/// Makes this thread the user who owns the directory, where that is another one and allowed.
fn guise(root: &Path, parent: &PathStep, allowed: Directory) -> io::Result<Option<Guise>> {
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    match (parent.writer, allowed) {
        (Writer::Nobody, _) => Ok(None),
        (Writer::Owner { .. }, Directory::OfAnyUser) => match own(parent) {
            (uid, Some(gid)) => accounts::become_user(root, uid, gid).map(Some),
            (_, None) => Ok(None),
        },
        (Writer::Owner { uid, .. }, Directory::Ours) => refused(&format!("user {uid} owns its directory")),
        (Writer::Several, _) => refused("several users can change its directory"),
    }
}

fn is_regular(path: &Path, stat: &Stat) -> io::Result<()> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(io::ErrorKind::IsADirectory.into()),
        FileType::Symlink => Err(io::Error::other(format!("{} is a symbolic link", path.display()))),
        _ => Err(io::Error::other(format!("{} is not a regular file", path.display()))),
    }
}

/// Whether a file holds this text already, as far as it can be read.
fn holds(directory: BorrowedFd<'_>, name: &OsStr, stat: &Stat, bytes: &[u8]) -> bool {
    if u64::try_from(stat.st_size).ok() != u64::try_from(bytes.len()).ok() {
        return false;
    }
    let mut found = Vec::new();
    let opened = openat(directory, name, OFlags::RDONLY | OPEN, Mode::empty());
    opened.is_ok_and(|fd| File::from(fd).take(stat.st_size.unsigned_abs()).read_to_end(&mut found).is_ok())
        && found == bytes
}

fn touch(directory: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<()> {
    let at = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    let times = Timestamps { last_access: at(UTIME_OMIT), last_modification: at(UTIME_NOW) };
    utimensat(directory, name, &times, AtFlags::SYMLINK_NOFOLLOW)
}

fn replace(directory: BorrowedFd<'_>, name: &OsStr, bytes: &[u8], mode: u32) -> io::Result<()> {
    let new: OsString = [name, OsStr::new(NEW)].into_iter().collect();
    let fd = locked(directory, &new)?;
    let mut file = File::from(fd);
    let written = (|| {
        // What a run that was killed left there.
        file.set_len(0)?;
        fchmod(&file, Mode::from_raw_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        renameat(directory, &new, directory, name)?;
        io::Result::Ok(())
    })();
    if let Err(error) = written {
        let _ = unlinkat(directory, &new, AtFlags::empty());
        return Err(error);
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(fsync(openat(directory, ".", flags, Mode::empty())?)?)
}

/// The new file, opened and locked, so that two runs at once never write the same one.
fn locked(directory: BorrowedFd<'_>, new: &OsStr) -> io::Result<OwnedFd> {
    let (tries, pause) = TRIES;
    for _ in 0..tries {
        let mode = Mode::RUSR | Mode::WUSR;
        let fd = openat(directory, new, OFlags::WRONLY | OFlags::CREATE | OPEN, mode)?;
        match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            // The one that is locked may have got its name, or be gone, in the meantime.
            Ok(()) if is_named(directory, new, &fstat(&fd)?) => return Ok(fd),
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => std::thread::sleep(pause),
            Err(errno) => return Err(errno.into()),
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "another run is writing it"))
}

fn is_named(directory: BorrowedFd<'_>, name: &OsStr, stat: &Stat) -> bool {
    let named = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    let is_ours = |named: &Stat| (named.st_dev, named.st_ino) == (stat.st_dev, stat.st_ino);
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_nlink == 1
        && named.as_ref().is_ok_and(is_ours)
}
