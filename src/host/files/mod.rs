//! The one door to files. A path is walked component by component with every directory held open; a link is followed only where
//! nobody but root could have put it; only regular files are opened, without blocking, and what they are is looked at on the
//! descriptor. Where root reads below a directory of another user, it opens the file as that user. Every call has a deadline.

mod accounts;
mod deadline;
pub mod edit;
pub mod own;
pub mod private;
mod processes;
mod program;
pub mod publish;
pub mod reach;
pub mod secret;
mod space;
mod walk;

pub use deadline::ready;

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};

use crate::host::system::System;
use crate::host::tools::Account;
pub use accounts::Guise;
use deadline::{apart, within};
use walk::{Last, PathStep, Writer, walk};

/// Files larger than this are cut: nothing that is read whole here is ever near it.
const READ_LIMIT: u64 = 4 << 20;
/// The most entries of a directory that are looked at.
const ENTRIES: usize = 200_000;
/// How a file is opened to be read: never waited for, and a link in its place is refused.
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What a directory holds under one name; a link is itself.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name.
    pub name: OsString,
    /// What it is.
    pub stat: Stat,
}

impl Entry {
    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::RegularFile
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::Directory
    }

    /// When its content was last changed, microseconds since 1970.
    pub fn modified(&self) -> i64 {
        modified(&self.stat)
    }

    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        u64::try_from(self.stat.st_size).unwrap_or_default()
    }
}

/// A name in an open directory.
#[derive(Debug)]
pub struct Located {
    /// The directory.
    pub directory: OwnedFd,
    /// Where it is on this machine, without links above it.
    pub path: PathBuf,
    /// The name.
    pub name: OsString,
}

/// A path that begins at an open directory, so that nobody can lead it elsewhere. It holds as long as the directory is open.
pub fn anchored(directory: &OwnedFd, name: impl AsRef<Path>) -> PathBuf {
    path_of(directory).join(name)
}

/// A path of what is open, which nobody can put something else under.
pub fn path_of(open: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()))
}

/// When a file's content was last changed, microseconds since 1970.
fn modified(stat: &Stat) -> i64 {
    let micros = i64::try_from(stat.st_mtime_nsec).unwrap_or_default() / 1000;
    stat.st_mtime.saturating_mul(1_000_000).saturating_add(micros)
}

impl System {
    /// Opens a regular file to be read.
    ///
    /// # Errors
    /// As the operating system says; what is no regular file, is reached through a link that somebody else could have put
    /// there, or does not open in time is refused.
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        self.read_with(path.as_ref(), Ok)
    }

    /// A file's text, at most 4 MiB of it; bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// As [`System::open`].
    pub fn read(&self, path: impl AsRef<Path>) -> io::Result<String> {
        let bytes = self.read_bytes(path, READ_LIMIT)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// A file's first `limit` bytes.
    ///
    /// # Errors
    /// As [`System::open`].
    pub fn read_bytes(&self, path: impl AsRef<Path>, limit: u64) -> io::Result<Vec<u8>> {
        self.read_with(path.as_ref(), move |file| {
            let mut bytes = Vec::new();
            file.take(limit).read_to_end(&mut bytes)?;
            Ok(bytes)
        })
    }

    /// A file's last `limit` bytes, and how long all of it is.
    ///
    /// # Errors
    /// As [`System::open`].
    pub fn tail(&self, path: impl AsRef<Path>, limit: u64) -> io::Result<(Vec<u8>, u64)> {
        self.read_with(path.as_ref(), move |mut file| {
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
            let mut bytes = Vec::new();
            file.take(limit).read_to_end(&mut bytes)?;
            Ok((bytes, length))
        })
    }

    /// Opens a file and does something with it, all within the deadline.
    fn read_with<T: Send + 'static>(
        &self,
        path: &Path,
        then: impl FnOnce(File) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (root, wanted) = (self.root.clone(), path.to_owned());
        let found = within(self.file_wait(), path, move || {
            let (parent, name, _, stat) = walk(&root, &wanted, Last::Followed)?.found()?;
            is_readable(&parent, &stat)?;
            match parent.writer {
                // Its owner could have given any file that is readable to root a name there.
                Writer::Owner { uid, gid } if rustix::process::geteuid().is_root() => {
                    Ok(Found::Of(Box::new(Theirs { uid, gid, parent, name, stat }), then))
                }
                Writer::Owner { .. } | Writer::Nobody | Writer::Several => {
                    open_same(&parent, &name, &stat).and_then(then).map(Found::Done)
                }
            }
        })?;
        match found {
            Found::Done(done) => Ok(done),
            Found::Of(theirs, then) => {
                let root = self.root.clone();
                let Theirs { uid, gid, parent, name, stat } = *theirs;
                apart(self.file_wait(), path, move || {
                    let _guise = accounts::become_user(&root, uid, gid)?;
                    // Root could open it, but would not know whose file it gives away.
                    let theirs = |error: io::Error| match error.kind() {
                        io::ErrorKind::PermissionDenied => {
                            io::Error::other(format!("user {uid}, who owns its directory, cannot read it"))
                        }
                        _ => error,
                    };
                    then(open_same(&parent, &name, &stat).map_err(theirs)?)
                })
            }
        }
    }

    /// Metadata of a path, links followed under the rule of [`System::open`].
    ///
    /// # Errors
    /// As the operating system says.
    pub fn metadata(&self, path: impl AsRef<Path>) -> io::Result<Metadata> {
        self.look(path.as_ref(), Last::Followed)
    }

    /// Metadata of a path whose last component is not followed.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn symlink_metadata(&self, path: impl AsRef<Path>) -> io::Result<Metadata> {
        self.look(path.as_ref(), Last::Itself)
    }

    fn look(&self, path: &Path, last: Last) -> io::Result<Metadata> {
        let (root, wanted) = (self.root.clone(), path.to_owned());
        within(self.file_wait(), path, move || {
            let (_, _, fd, _) = walk(&root, &wanted, last)?.found()?;
            File::from(fd).metadata()
        })
    }

    /// Makes this thread, until what is returned is dropped, to files the user who owns the directory of a path (its own where
    /// several can change the directory): for a library that opens by path. `None` where nobody but root could lead that
    /// elsewhere. The thread must be one that nobody else uses.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn guise(&self, path: impl AsRef<Path>) -> io::Result<Option<Guise>> {
        if !self.is_root() {
            return Ok(None);
        }
        let (root, wanted) = (self.root.clone(), path.as_ref().to_owned());
        let whose = within(self.file_wait(), path.as_ref(), move || {
            let (parent, _, _, stat) = walk(&root, &wanted, Last::Itself)?.found()?;
            Ok(match parent.writer {
                Writer::Owner { uid, gid } => Some((uid, gid)),
                Writer::Several if stat.st_uid != 0 => Some((stat.st_uid, stat.st_gid)),
                Writer::Several | Writer::Nobody => None,
            })
        })?;
        whose.map(|(uid, gid)| accounts::become_user(&self.root, uid, gid)).transpose()
    }

    /// The user, other than root and the caller, who decides what a file holds: a tool that reads it, and whatever it includes,
    /// runs as that user. `None` where there is none, or the caller could not run it so.
    ///
    /// # Errors
    /// As the operating system says; when several users could change it, or the user has no account.
    pub fn author(&self, path: impl AsRef<Path>) -> io::Result<Option<Account>> {
        // Nobody else can run a tool as another user.
        if !self.is_root() {
            return Ok(None);
        }
        let (root, wanted) = (self.root.clone(), path.as_ref().to_owned());
        let uid = within(self.file_wait(), path.as_ref(), move || {
            let (parent, _, _, stat) = walk(&root, &wanted, Last::Followed)?.found()?;
            let own = rustix::process::geteuid().as_raw();
            match parent.writer {
                Writer::Owner { uid, .. } => Ok(Some(uid)),
                _ if stat.st_uid != 0 && stat.st_uid != own => Ok(Some(stat.st_uid)),
                _ if stat.st_mode & 0o002 != 0 => Err(io::Error::other("everybody can change it")),
                Writer::Nobody => Ok(None),
                Writer::Several => Err(io::Error::other("users other than root can change its directory")),
            }
        })?;
        let Some(uid) = uid else { return Ok(None) };
        let account = self.account(|account| account.uid == uid);
        account
            .map(Some)
            .ok_or_else(|| io::Error::other(format!("it belongs to user {uid}, who does not exist on this host")))
    }

    /// Whether something is there; `false` also where that cannot be seen.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.metadata(path).is_ok()
    }

    /// Of each of these paths, whether something is there: all looked at at once, each for itself.
    pub fn which_exist<'p>(&self, paths: impl IntoIterator<Item = &'p str>) -> Vec<io::Result<bool>> {
        let look = |path: &'p str| -> (PathBuf, deadline::Question<bool>) {
            let (root, wanted) = (self.root.clone(), PathBuf::from(path));
            (wanted.clone(), Box::new(move || walk(&root, &wanted, Last::Followed).map(|it| it.found.is_some())))
        };
        let found = deadline::all(self.file_wait(), paths.into_iter().map(look).collect());
        let absent = |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
        found
            .into_iter()
            .map(|found| found.or_else(|error| if absent(&error) { Ok(false) } else { Err(error) }))
            .collect()
    }

    /// What a directory holds, in no order.
    ///
    /// # Errors
    /// As the operating system says; entries that vanish meanwhile are left out.
    pub fn list(&self, path: impl AsRef<Path>) -> io::Result<Vec<Entry>> {
        let (root, wanted) = (self.root.clone(), path.as_ref().to_owned());
        within(self.file_wait(), path.as_ref(), move || {
            let directory = open_directory(&root, &wanted)?;
            let stat = |name: OsString| {
                let stat = statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
                Some(Entry { name, stat })
            };
            Ok(names(&directory)?.into_iter().filter_map(stat).collect())
        })
    }

    /// Room that is left where a path lies, bytes.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn available_space(&self, path: impl AsRef<Path>) -> io::Result<u64> {
        let (root, wanted) = (self.root.clone(), path.as_ref().to_owned());
        within(self.file_wait(), path.as_ref(), move || {
            let (_, _, fd, _) = walk(&root, &wanted, Last::Followed)?.found()?;
            let found = rustix::fs::fstatvfs(&fd)?;
            Ok(found.f_bavail.saturating_mul(found.f_frsize))
        })
    }

    /// Opens a directory, for what is done below it by descriptor.
    ///
    /// # Errors
    /// As [`System::open`].
    pub fn directory(&self, path: impl AsRef<Path>) -> io::Result<OwnedFd> {
        let (root, wanted) = (self.root.clone(), path.as_ref().to_owned());
        within(self.file_wait(), path.as_ref(), move || open_directory(&root, &wanted))
    }

    /// The directory of a path, opened, for what is done there by descriptor; links of the directory are followed under the
    /// rule of [`System::open`], one in the last place is not.
    ///
    /// # Errors
    /// As the operating system says; that nothing has the last name is none.
    pub fn locate(&self, path: impl AsRef<Path>) -> io::Result<Located> {
        let (root, wanted) = (self.root.clone(), path.as_ref().to_owned());
        within(self.file_wait(), path.as_ref(), move || {
            let place = walk(&root, &wanted, Last::Itself)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let directory = openat(&place.parent.fd, ".", flags, Mode::empty())?;
            let path = root.join(&place.directory).join(&place.name);
            Ok(Located { directory, path, name: place.name })
        })
    }

    /// Whether it is certain that nothing has this path.
    pub fn is_missing(&self, path: impl AsRef<Path>) -> bool {
        self.metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    /// A socket that has a path, opened to be connected to by [`path_of`] it; a link
    /// in the last place is no socket.
    ///
    /// # Errors
    /// As the operating system says; when it is no socket.
    pub fn socket(&self, path: impl AsRef<Path>) -> io::Result<OwnedFd> {
        let (root, wanted) = (self.root.clone(), path.as_ref().to_owned());
        within(self.file_limit, path.as_ref(), move || {
            let (_, _, fd, stat) = walk(&root, &wanted, Last::Itself)?.found()?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Socket => Ok(fd),
                _ => Err(io::Error::other(format!("{} is not a socket", wanted.display()))),
            }
        })
    }

    /// The names in a directory, in no order.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn names(&self, path: impl AsRef<Path>) -> io::Result<Vec<OsString>> {
        let (root, wanted) = (self.root.clone(), path.as_ref().to_owned());
        within(self.file_wait(), path.as_ref(), move || names(&open_directory(&root, &wanted)?))
    }
}

/// The names in an open directory.
fn names(directory: &OwnedFd) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)?.take(ENTRIES) {
        let name = text(entry?.file_name().to_bytes()).to_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    Ok(names)
}

fn text(bytes: &[u8]) -> &OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}

/// A file that was found.
enum Found<T, F> {
    /// It was read.
    Done(T),
    /// It lies in a directory of another user.
    Of(Box<Theirs>, F),
}

/// A file in a directory of another user.
struct Theirs {
    uid: u32,
    gid: u32,
    parent: PathStep,
    name: OsString,
    stat: Stat,
}

/// Whether what was found may be opened at all: a regular file that nobody gave another name on the sly.
fn is_readable(parent: &PathStep, stat: &Stat) -> io::Result<()> {
    let what = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {
            return match parent.writer {
                Writer::Several if stat.st_nlink > 1 => Err(io::Error::other(
                    "has a second name, in a directory that users other than root can change; it is not read",
                )),
                Writer::Several | Writer::Nobody | Writer::Owner { .. } => Ok(()),
            };
        }
        FileType::Directory => return Err(io::ErrorKind::IsADirectory.into()),
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Symlink => "a symbolic link",
        FileType::Unknown => "a file of unknown type",
    };
    Err(io::Error::other(format!("is {what}, not a regular file")))
}

/// Opens what was found, and makes sure that it is that.
fn open_same(parent: &PathStep, name: &OsStr, wanted: &Stat) -> io::Result<File> {
    let fd = openat(&parent.fd, name, READ, Mode::empty())?;
    let stat = fstat(&fd)?;
    match (stat.st_dev, stat.st_ino) == (wanted.st_dev, wanted.st_ino) {
        true => is_readable(parent, &stat).map(|()| File::from(fd)),
        false => Err(io::Error::other("was replaced while it was opened")),
    }
}

fn open_directory(root: &Path, path: &Path) -> io::Result<OwnedFd> {
    let (parent, name, _, stat) = walk(root, path, Last::Followed)?.found()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let fd = openat(&parent.fd, &name, READ | OFlags::DIRECTORY, Mode::empty())?;
    let opened = fstat(&fd)?;
    match (opened.st_dev, opened.st_ino) == (stat.st_dev, stat.st_ino) {
        true => Ok(fd),
        false => Err(io::Error::other("was replaced while it was opened")),
    }
}

#[cfg(test)]
mod tests;
