//! The live file and what lies beside it, reached through its directory, so that nobody can slip a link in between. At every
//! moment the live path has the old data or the new, whole, and no log of the one lies beside the other.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, fchmod, fchown, fsync, linkat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use serde::{Deserialize, Serialize};

use crate::backup::manifest::Owner;
use crate::backup::name::Id;
use crate::backup::{sqlite, staging};
use crate::system::System;

/// What SQLite keeps beside a database.
const SIDES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// By what a file is recognised whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Device.
    pub device: u64,
    /// Number of the file on it.
    pub inode: u64,
}

/// The place of a live file.
pub struct Place {
    directory: OwnedFd,
    path: PathBuf,
    name: String,
    id: Id,
}

/// What is at the live path.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    /// Which file it is.
    pub mark: Mark,
    /// Size, bytes.
    pub bytes: u64,
    /// Whose it is.
    pub owner: Owner,
    /// How many names it has.
    pub names: u64,
}

impl Place {
    /// The place of a file, for the restore of this copy.
    ///
    /// # Errors
    /// When its directory cannot be used.
    pub fn open(system: &System, absolute: &str, id: Id) -> io::Result<Self> {
        let path = resolved(&system.path(absolute))?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::open(directory, flags, Mode::empty())?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| io::Error::other("it has no name"))?;
        Ok(Place { directory, path, name, id })
    }

    /// Where it is on this host, links of its directory resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the old data is kept.
    pub fn old_path(&self) -> PathBuf {
        self.path.with_file_name(self.old())
    }

    fn laid(&self) -> String {
        format!(".{}.opsctl-{}-new", self.name, self.id)
    }

    fn old(&self) -> String {
        format!(".{}.opsctl-{}-old", self.name, self.id)
    }

    /// What is at the live path; `None` where nothing is.
    ///
    /// # Errors
    /// When it is no plain file, or cannot be looked at.
    pub fn live(&self) -> io::Result<Option<Live>> {
        let Some(found) = self.look(&self.name)? else { return Ok(None) };
        Ok(Some(found))
    }

    fn look(&self, name: &str) -> io::Result<Option<Live>> {
        let stat = match statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            found => found?,
        };
        if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
            return Err(io::Error::other(format!("{name} is no plain file")));
        }
        Ok(Some(Live {
            mark: Mark { device: stat.st_dev, inode: stat.st_ino },
            bytes: u64::try_from(stat.st_size).unwrap_or(0),
            owner: Owner { uid: stat.st_uid, gid: stat.st_gid, mode: stat.st_mode & 0o7777 },
            names: stat.st_nlink,
        }))
    }

    /// Lays a copy beside the live file, with this owner and mode, durably; its hash is looked at once more on the way.
    ///
    /// # Errors
    /// When it cannot be, or the copy is not what it was.
    pub fn lay(&self, copy: &Path, owner: Owner, sha256: &str) -> io::Result<Mark> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let new = openat(&self.directory, self.laid(), flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(new);
        let (_, hash) = staging::copy_hashed(&mut File::open(copy)?, &mut file)?;
        if hash != sha256 {
            return Err(io::Error::other("the copy has changed since it was proven"));
        }
        fchown(&file, Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))?;
        fchmod(&file, Mode::from_raw_mode(owner.mode))?;
        file.sync_all()?;
        fsync(&self.directory)?;
        let found = self.look(&self.laid())?.ok_or_else(|| io::Error::other("the new file is gone"))?;
        Ok(found.mark)
    }

    /// Makes the live file whole by itself: what stands in its log goes into it. Where that fails, because it is damaged, its
    /// logs are moved aside under the name that the file itself will be kept under. What went wrong, if so.
    ///
    /// # Errors
    /// When a log can neither be put in nor be moved aside: then nothing may take its place.
    pub fn settle(&self) -> io::Result<Option<String>> {
        let trouble = match self.live()? {
            Some(_) => sqlite::settle(&self.path).err(),
            None => None,
        };
        for side in SIDES {
            self.rename(&format!("{}{side}", self.name), &format!("{}{side}", self.old()))?;
        }
        fsync(&self.directory)?;
        Ok(trouble)
    }

    /// Puts the new file in the live one's place: in one step, and the old one has another name before.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn swap(&self) -> io::Result<()> {
        if self.live()?.is_some() {
            linkat(&self.directory, &self.name, &self.directory, self.old(), AtFlags::empty())?;
            fsync(&self.directory)?;
        }
        renameat(&self.directory, self.laid(), &self.directory, &self.name)?;
        fsync(&self.directory)?;
        Ok(())
    }

    /// Puts the old file back into its place, with the logs that could not be put into it.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn swap_back(&self) -> io::Result<()> {
        if self.look(&self.old())?.is_none() {
            return Err(io::Error::other("there was nothing before"));
        }
        // What the new file has written to its own logs must not lie beside the old one.
        let _ = sqlite::settle(&self.path);
        for side in SIDES {
            self.remove(&format!("{}{side}", self.name))?;
        }
        fsync(&self.directory)?;
        renameat(&self.directory, self.old(), &self.directory, &self.name)?;
        self.sides_back()?;
        fsync(&self.directory)?;
        Ok(())
    }

    /// Takes back what was done before the swap: the live file is the old one, and stays.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn undo(&self) -> io::Result<()> {
        self.remove(&self.laid())?;
        let (live, old) = (self.live()?, self.look(&self.old())?);
        // Another name of the same file, given just before the swap.
        if let (Some(live), Some(old)) = (live, old)
            && live.mark == old.mark
        {
            self.remove(&self.old())?;
        }
        self.sides_back()?;
        fsync(&self.directory)?;
        Ok(())
    }

    fn sides_back(&self) -> io::Result<()> {
        for side in SIDES {
            let live = format!("{}{side}", self.name);
            if self.look(&live)?.is_none() {
                self.rename(&format!("{}{side}", self.old()), &live)?;
            }
        }
        Ok(())
    }

    /// Removes the old file and its logs, if it is the one that was kept.
    ///
    /// # Errors
    /// When it is another, or cannot be removed.
    pub fn forget(&self, mark: Option<Mark>) -> io::Result<()> {
        match (self.look(&self.old())?, mark) {
            (Some(found), Some(mark)) if found.mark == mark => self.remove(&self.old())?,
            (Some(_), _) => return Err(io::Error::other(format!("{} is another file", self.old_path().display()))),
            (None, _) => {}
        }
        for side in SIDES {
            self.remove(&format!("{}{side}", self.old()))?;
        }
        fsync(&self.directory)?;
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        match renameat(&self.directory, from, &self.directory, to) {
            Err(Errno::NOENT) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.directory, name, AtFlags::empty()) {
            Err(Errno::NOENT) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Who has the live file or its logs open, by process.
    pub fn users(&self, system: &System) -> Vec<(u32, String)> {
        use std::os::unix::fs::MetadataExt;
        let names = std::iter::once(self.name.clone()).chain(SIDES.iter().map(|side| format!("{}{side}", self.name)));
        let marks: Vec<Mark> = names.filter_map(|name| Some(self.look(&name).ok()??.mark)).collect();
        let own = std::process::id();
        let uses = |pid: &u32| {
            let open = std::fs::read_dir(system.path(&format!("/proc/{pid}/fd"))).into_iter().flatten().flatten();
            open.filter_map(|entry| std::fs::metadata(entry.path()).ok())
                .any(|meta| marks.contains(&Mark { device: meta.dev(), inode: meta.ino() }))
        };
        let users = system.processes().into_iter().filter(|pid| *pid != own && uses(pid));
        users.map(|pid| (pid, system.process_name(pid).unwrap_or_else(|| "?".to_owned()))).collect()
    }
}

/// A path whose directory is resolved once, and whose last part never is.
///
/// # Errors
/// When its directory does not exist.
pub fn resolved(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it has no name"))?;
    Ok(std::fs::canonicalize(path.parent().unwrap_or(Path::new("/")))?.join(name))
}
