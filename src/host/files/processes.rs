//! What processes hold, by the kernel's own links below `/proc`. Of many all are asked one after the other in one thread: a thread
//! for each answer would cost more than the answers.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};

use super::deadline::{self, within};
use super::walk::{LOOK, Last, walk};
use super::{READ, READ_LIMIT, names, open_directory, text};
use crate::host::system::System;

/// A file that has no name any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// Its file system.
    pub device: u64,
    /// Which file.
    pub inode: u64,
    /// Bytes that it takes.
    pub bytes: u64,
}

/// What the descriptors of a process lead to.
fn held(root: &Path, directory: &Path) -> io::Result<Vec<Stat>> {
    let directory = open_directory(root, directory)?;
    let stat = |name: OsString| statat(&directory, name, AtFlags::empty()).ok();
    Ok(names(&directory)?.into_iter().filter_map(stat).collect())
}

fn descriptors(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/fd"))
}

impl System {
    /// Where a link leads, as it is written.
    ///
    /// # Errors
    /// As the operating system says; when it is no link.
    pub fn link_target(&self, path: impl AsRef<Path>) -> io::Result<PathBuf> {
        let (root, wanted) = (self.root.clone(), path.as_ref().to_owned());
        within(self.file_wait(), path.as_ref(), move || {
            let place = walk(&root, &wanted, Last::Itself)?;
            let target = readlinkat(&place.parent.fd, &place.name, Vec::new())?;
            Ok(PathBuf::from(text(target.as_bytes())))
        })
    }

    /// The table of what is mounted on this host. A unit with a sandbox has another one, in which little can be written to; the
    /// host's is then that of its first process, for whoever may read it.
    pub fn mount_table(&self) -> &'static str {
        let namespace = |process: &str| self.link_target(format!("/proc/{process}/ns/mnt")).ok();
        match (namespace("1"), namespace("self")) {
            (Some(first), Some(own)) if first != own => "/proc/1/mountinfo",
            _ => "/proc/self/mountinfo",
        }
    }

    /// Device and inode of what a process has open.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn open_files(&self, pid: u32) -> io::Result<Vec<(u64, u64)>> {
        let (root, wanted) = (self.root.clone(), descriptors(pid));
        within(self.file_wait(), &wanted.clone(), move || {
            Ok(held(&root, &wanted)?.into_iter().map(|stat| (stat.st_dev, stat.st_ino)).collect())
        })
    }

    /// Regular files that these processes have open and that have no name any more. Of a process that is gone, or may not be looked
    /// at, none.
    pub fn deleted_files(&self, pids: &[u32]) -> Vec<(u32, Vec<Deleted>)> {
        let look = |pid: &u32| -> (PathBuf, deadline::Question<Vec<Deleted>>) {
            let (root, wanted) = (self.root.clone(), descriptors(*pid));
            let of = |root: &Path, wanted: &Path| {
                let gone =
                    |stat: &Stat| stat.st_nlink == 0 && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
                let taken = |stat: &Stat| u64::try_from(stat.st_blocks).unwrap_or_default().saturating_mul(512);
                let gone = held(root, wanted)?.into_iter().filter(gone);
                Ok(gone.map(|s| Deleted { device: s.st_dev, inode: s.st_ino, bytes: taken(&s) }).collect())
            };
            (wanted.clone(), Box::new(move || of(&root, &wanted)))
        };
        let found = deadline::all(self.file_wait(), pids.iter().map(look).collect());
        pids.iter().copied().zip(found).filter_map(|(pid, found)| Some((pid, found.ok()?))).collect()
    }

    /// The text of the file of that name below `/proc` of each of these processes; those left out that are gone or do not answer.
    pub fn read_of(&self, pids: &[u32], name: &str) -> Vec<(u32, String)> {
        let texts = self.of_each(pids, name, |file| {
            let mut bytes = Vec::new();
            match FileType::from_raw_mode(fstat(&file)?.st_mode) {
                FileType::RegularFile => File::from(file).take(READ_LIMIT).read_to_end(&mut bytes)?,
                _ => return Err(io::ErrorKind::InvalidInput.into()),
            };
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        });
        pids.iter().copied().zip(texts).filter_map(|(pid, text)| Some((pid, text.ok()?))).collect()
    }

    /// Where the descriptors of each of these processes lead, as the kernel writes it.
    pub fn descriptors_of(&self, pids: &[u32]) -> Vec<io::Result<Vec<PathBuf>>> {
        self.of_each(pids, "fd", |directory| {
            let target = |name: OsString| readlinkat(&directory, name, Vec::new()).ok();
            let targets = names(&directory)?.into_iter().filter_map(target);
            Ok(targets.map(|target| PathBuf::from(text(target.as_bytes()))).collect())
        })
    }

    /// What `of` makes of the file or directory of that name of each of these processes. `/proc` is opened once for all: what is
    /// below it is the kernel's, and no link is followed.
    fn of_each<T: Send + 'static>(
        &self,
        pids: &[u32],
        name: &str,
        of: impl Fn(OwnedFd) -> io::Result<T> + Copy + Send + 'static,
    ) -> Vec<io::Result<T>> {
        let (root, proc) = (self.root.clone(), Path::new("/proc"));
        let proc = match within(self.file_wait(), proc, move || open_directory(&root, proc)) {
            Ok(proc) => Arc::new(proc),
            Err(error) => return pids.iter().map(|_| Err(error.kind().into())).collect(),
        };
        let look = |pid: &u32| -> (PathBuf, deadline::Question<T>) {
            let (proc, pid, name) = (Arc::clone(&proc), pid.to_string(), name.to_owned());
            let path = Path::new("/proc").join(&pid).join(&name);
            let ask = move || {
                let process = openat(&proc, &pid, LOOK | OFlags::DIRECTORY, Mode::empty())?;
                of(openat(&process, &name, READ, Mode::empty())?)
            };
            (path, Box::new(ask))
        };
        deadline::all(self.file_wait(), pids.iter().map(look).collect())
    }

    /// The short names of all processes.
    pub fn process_names(&self) -> BTreeMap<u32, String> {
        self.read_of(&self.processes(), "comm").into_iter().collect()
    }

    /// The command lines of all processes, word by word.
    pub fn command_lines(&self) -> Vec<(u32, Vec<String>)> {
        let words = |line: String| line.split_terminator('\0').map(str::to_owned).collect();
        self.read_of(&self.processes(), "cmdline").into_iter().map(|(pid, line)| (pid, words(line))).collect()
    }
}
