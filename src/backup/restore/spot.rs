//! A live file or directory and what lies beside it, reached through its parent, so that nobody can slip a link in between. At
//! every moment the live path has the old data or the new, whole, and no log of the one lies beside the other.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, fchmod, fchown, fsync, linkat, openat, renameat, renameat_with, statat,
    unlinkat,
};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use super::journal::{Mark, Part};
use crate::backup::manifest::Owner;
use crate::backup::name::Id;
use crate::backup::{sqlite, staging};
use crate::host::files::{Located, anchored, private};
use crate::host::system::System;

/// What SQLite keeps beside a database.
const SIDES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The place of a live file or directory.
pub struct Spot {
    directory: OwnedFd,
    /// As the registry has it.
    pub absolute: String,
    path: PathBuf,
    name: String,
    id: Id,
    form: Form,
}

/// What there may be at the live path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A file with logs of SQLite beside it.
    Sqlite,
    /// A file, or a directory with all that is in it.
    Tree,
}

/// What is at the live path.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    /// Which file it is.
    pub mark: Mark,
    /// Whose it is.
    pub owner: Owner,
    /// How many names it has; 1 where it is a directory, which has but one.
    pub names: u64,
    is_directory: bool,
}

impl Spot {
    /// The place of what is at a path, for the restore of this name.
    ///
    /// # Errors
    /// When its parent cannot be used.
    pub fn open(system: &System, absolute: &str, id: Id, form: Form) -> io::Result<Self> {
        let Located { directory, path, name } = system.locate(absolute)?;
        let name = name.into_string().map_err(|_| io::Error::other("its path has no file name"))?;
        Ok(Spot { directory, absolute: absolute.to_owned(), path, name, id, form })
    }

    /// Where the old data is kept.
    pub fn old_path(&self) -> PathBuf {
        self.path.with_file_name(self.old())
    }

    /// The directory.
    pub fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    /// The live path, from the open directory on.
    pub fn live_path(&self) -> PathBuf {
        anchored(&self.directory, &self.name)
    }

    /// Where the new data is laid, from the open directory on.
    pub fn laid_path(&self) -> PathBuf {
        anchored(&self.directory, self.laid())
    }

    /// The name under which the new data is laid.
    pub fn laid(&self) -> String {
        format!(".{}.opsctl-{}-new", self.name, self.id)
    }

    fn old(&self) -> String {
        format!(".{}.opsctl-{}-old", self.name, self.id)
    }

    /// What is at the live path; `None` where nothing is.
    ///
    /// # Errors
    /// When it is something else than what may be there, or cannot be looked at.
    pub fn live(&self) -> io::Result<Option<Live>> {
        self.look(&self.name)
    }

    /// Which file was laid beside it.
    ///
    /// # Errors
    /// When there is none.
    pub fn laid_mark(&self) -> io::Result<Mark> {
        let found = self.look(&self.laid())?.ok_or_else(|| io::Error::other("its staged copy is gone"))?;
        Ok(found.mark)
    }

    fn look(&self, name: &str) -> io::Result<Option<Live>> {
        let stat = match statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            found => found?,
        };
        let is_directory = match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
            rustix::fs::FileType::RegularFile => false,
            rustix::fs::FileType::Directory if self.form == Form::Tree => true,
            _ => return Err(io::Error::other(format!("{name} is not a plain file"))),
        };
        Ok(Some(Live {
            mark: Mark { device: stat.st_dev, inode: stat.st_ino },
            owner: Owner { uid: stat.st_uid, gid: stat.st_gid, mode: stat.st_mode & 0o7777 },
            names: if is_directory { 1 } else { stat.st_nlink },
            is_directory,
        }))
    }

    /// Lays a copy beside the live file, with this owner and mode, durably; its hash is looked at once more on the way.
    ///
    /// # Errors
    /// When it cannot be, or the copy is not what it was.
    pub fn lay(&self, copy: &Path, owner: Owner, sha256: &str) -> io::Result<()> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let new = openat(&self.directory, self.laid(), flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(new);
        let (_, hash) = staging::copy_hashed(&mut private::open(copy)?, &mut file)?;
        if hash != sha256 {
            return Err(io::Error::other("the copy has changed since it was verified"));
        }
        fchown(&file, Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))?;
        fchmod(&file, Mode::from_raw_mode(owner.mode))?;
        file.sync_all()?;
        self.sync()
    }

    /// Makes the live file whole by itself: what stands in its log goes into it. Where that fails, because it is damaged, its
    /// logs are moved aside under the name that the file itself will be kept under. What went wrong, if so.
    ///
    /// # Errors
    /// When a log can neither be put in nor be moved aside: then nothing may take its place.
    pub fn settle(&self) -> io::Result<Option<String>> {
        if self.form != Form::Sqlite {
            return Ok(None);
        }
        let trouble = match self.live()? {
            Some(_) => sqlite::settle(&self.path).err(),
            None => None,
        };
        for side in SIDES {
            self.rename(&format!("{}{side}", self.name), &format!("{}{side}", self.old()))?;
        }
        self.sync()?;
        Ok(trouble)
    }

    /// Puts what was laid in the live one's place, in one step; the old one is kept under another name. Called again, it does
    /// what is missing.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn swap(&self, part: &Part) -> io::Result<()> {
        let (live, laid) = (self.live()?, self.look(&self.laid())?);
        match (live, laid) {
            (Some(live), laid) if Some(live.mark) == part.new => {
                // Exchanged already: the old one may still be called like the new.
                if laid.is_some_and(|laid| Some(laid.mark) == part.old) {
                    renameat(&self.directory, self.laid(), &self.directory, self.old())?;
                }
            }
            (_, None) => return Err(io::Error::other("its staged copy is gone")),
            (None, Some(_)) => renameat(&self.directory, self.laid(), &self.directory, &self.name)?,
            (Some(live), Some(laid)) if live.is_directory || laid.is_directory => {
                self.exchange()?;
                self.sync()?;
                renameat(&self.directory, self.laid(), &self.directory, self.old())?;
            }
            (Some(_), Some(_)) => {
                linkat(&self.directory, &self.name, &self.directory, self.old(), AtFlags::empty())?;
                self.sync()?;
                renameat(&self.directory, self.laid(), &self.directory, &self.name)?;
            }
        }
        self.sync()
    }

    /// A directory cannot take another's place: the two change names.
    fn exchange(&self) -> io::Result<()> {
        let flags = RenameFlags::EXCHANGE;
        renameat_with(&self.directory, self.laid(), &self.directory, &self.name, flags).map_err(|error| match error {
            // What a layer of an overlay says of a directory that lies below it.
            Errno::XDEV => {
                io::Error::other(format!("the file system of {} cannot swap it atomically", self.path.display()))
            }
            other => other.into(),
        })
    }

    /// Puts the old data back into its place, with the logs that could not be put into it.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn swap_back(&self, part: &Part) -> io::Result<()> {
        if self.live()?.is_some_and(|live| Some(live.mark) == part.new) {
            self.swap(part)?;
        }
        let Some(old) = self.look(&self.old())? else {
            return Err(io::Error::other("there was no earlier data"));
        };
        if self.form == Form::Sqlite {
            // What the new file has written to its own logs must not lie beside the old one.
            let _ = sqlite::settle(&self.path);
            for side in SIDES {
                self.remove(&format!("{}{side}", self.name))?;
            }
            self.sync()?;
        }
        if old.is_directory || self.live()?.is_some_and(|live| live.is_directory) {
            renameat(&self.directory, self.old(), &self.directory, self.laid())?;
            self.exchange()?;
            self.sync()?;
            self.remove(&self.laid())?;
        } else {
            renameat(&self.directory, self.old(), &self.directory, &self.name)?;
        }
        self.sides_back()?;
        self.sync()
    }

    /// Takes back what was done: the live data is the old, and stays.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn undo(&self, part: &Part) -> io::Result<()> {
        let live = self.live()?;
        if part.new.is_some() && live.map(|live| live.mark) == part.new {
            return match part.old {
                Some(_) => self.swap_back(part),
                // There was nothing.
                None => self.remove(&self.name).and_then(|()| self.sync()),
            };
        }
        self.remove(&self.laid())?;
        let old = self.look(&self.old())?;
        // Another name of the same file, given just before the swap.
        if let (Some(live), Some(old)) = (live, old)
            && live.mark == old.mark
        {
            self.remove(&self.old())?;
        }
        self.sides_back()?;
        self.sync()
    }

    fn sides_back(&self) -> io::Result<()> {
        if self.form != Form::Sqlite {
            return Ok(());
        }
        for side in SIDES {
            let live = format!("{}{side}", self.name);
            if self.look(&live)?.is_none() {
                self.rename(&format!("{}{side}", self.old()), &live)?;
            }
        }
        Ok(())
    }

    /// Removes the old data and its logs, if it is what was kept.
    ///
    /// # Errors
    /// When it is another, or cannot be removed.
    pub fn forget(&self, part: &Part) -> io::Result<()> {
        match (self.look(&self.old())?, part.old) {
            (Some(found), Some(mark)) if found.mark == mark => self.remove(&self.old())?,
            (Some(_), _) => return Err(io::Error::other(format!("{} is another file", self.old_path().display()))),
            (None, _) => {}
        }
        if self.form == Form::Sqlite {
            for side in SIDES {
                self.remove(&format!("{}{side}", self.old()))?;
            }
        }
        self.sync()
    }

    fn sync(&self) -> io::Result<()> {
        Ok(fsync(&self.directory)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        match renameat(&self.directory, from, &self.directory, to) {
            Err(Errno::NOENT) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file, or a directory with all that is in it.
    fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.directory, name, AtFlags::empty()) {
            Err(Errno::NOENT) | Ok(()) => Ok(()),
            Err(Errno::ISDIR) if self.form == Form::Tree => private::remove_dir_all(&anchored(&self.directory, name)),
            Err(error) => Err(error.into()),
        }
    }

    /// The files that a process may have open: it and its logs, or all that is in it.
    pub fn marks(&self, found: &mut HashSet<Mark>) {
        let sides: &[&str] = if self.form == Form::Sqlite { &SIDES } else { &[] };
        let names = std::iter::once(self.name.clone()).chain(sides.iter().map(|side| format!("{}{side}", self.name)));
        found.extend(names.filter_map(|name| Some(self.look(&name).ok()??.mark)));
        if self.form == Form::Tree {
            below(&self.live_path(), found);
        }
    }
}

/// All that is in a directory.
fn below(directory: &Path, found: &mut HashSet<Mark>) {
    for entry in private::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        found.insert(Mark { device: meta.dev(), inode: meta.ino() });
        if meta.is_dir() {
            below(&entry.path(), found);
        }
    }
}

/// Who has one of these files open, by process.
pub fn users(system: &System, marks: &HashSet<Mark>) -> Vec<(u32, String)> {
    let own = std::process::id();
    let uses = |pid: &u32| {
        let open = system.open_files(*pid).unwrap_or_default();
        open.into_iter().any(|(device, inode)| marks.contains(&Mark { device, inode }))
    };
    let users = system.processes().into_iter().filter(|pid| *pid != own && uses(pid));
    users.map(|pid| (pid, system.process_name(pid).unwrap_or_else(|| "?".to_owned()))).collect()
}
