//! Where copies are while they are made or looked at: a directory of our own that nobody else can read, with room for them.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use super::record::DIRECTORY;
use crate::action::own_directory;
use crate::registry::Deployment;
use crate::system::System;

/// What must be free beside the copies themselves, bytes.
const RESERVE: u64 = 64 << 20;
/// Names of directories of a run or a look that is under way; what is found of them later is left over.
const WORK: &str = "work-";
/// Names of directories of copies that could not be sent.
const KEPT: &str = "kept-";

/// A directory that goes when this does.
#[derive(Debug)]
pub struct Staging {
    path: PathBuf,
    home: PathBuf,
}

impl Staging {
    /// Makes one, after clearing away what runs that were killed have left.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn make(system: &System, deployment: &Deployment, name: &str) -> io::Result<Self> {
        own_directory(system, DIRECTORY)?;
        own_directory(system, &format!("{DIRECTORY}/backup"))?;
        let home = own_directory(system, &home(deployment))?;
        remove_named(&home, WORK)?;
        let path = home.join(format!("{WORK}{name}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Staging { path, home })
    }

    /// A directory in it.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn inner(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        DirBuilder::new().mode(0o700).recursive(true).create(&path)?;
        Ok(path)
    }

    /// Keeps a directory of it, in place of those that were kept before.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn keep(&self, inner: &Path, name: &str) -> io::Result<PathBuf> {
        let kept = self.home.join(format!("{KEPT}{name}"));
        fs::rename(inner, &kept)?;
        for entry in fs::read_dir(&self.home)?.flatten() {
            let is_older = entry.file_name().to_string_lossy().starts_with(KEPT) && entry.path() != kept;
            if is_older {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(kept)
    }

    /// Removes what was kept: newer copies are proven.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn forget_kept(&self) -> io::Result<()> {
        remove_named(&self.home, KEPT)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn home(deployment: &Deployment) -> String {
    format!("{DIRECTORY}/backup/{}", deployment.name)
}

fn remove_named(home: &Path, begin: &str) -> io::Result<()> {
    for entry in fs::read_dir(home)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(begin) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Why there is no room for so many bytes there; the nearest directory above it that exists is asked.
///
/// # Errors
/// What is free, or why that is not known.
pub fn room(path: &Path, bytes: u64) -> Result<(), String> {
    let there = path.ancestors().find(|path| path.exists()).unwrap_or(path);
    let stat = rustix::fs::statvfs(there).map_err(|error| format!("{}: {error}", there.display()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let needed = bytes.saturating_add(RESERVE);
    let shown = crate::health::bytes;
    match free < needed {
        true => {
            Err(format!("no room: {} are free below {}, {} are needed", shown(free), there.display(), shown(needed)))
        }
        false => Ok(()),
    }
}

/// Flags to open a file with that another user can have put there: no link is followed, and nothing is waited for, as opening a
/// FIFO would.
pub fn never_waiting() -> i32 {
    i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default()
}

/// Where copies of a deployment are made.
pub fn place(system: &System, deployment: &Deployment) -> PathBuf {
    system.path(&home(deployment))
}

/// How many bytes lie in this directory and those in it; what vanishes meanwhile does not count.
pub fn size(directory: &Path) -> u64 {
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    fs::read_dir(directory).map_or(0, |entries| entries.flatten().map(of).fold(0, u64::saturating_add))
}

/// Size and SHA-256 of a file.
///
/// # Errors
/// As the operating system says.
pub fn hash(path: &Path) -> io::Result<(u64, String)> {
    copy_hashed(&mut File::open(path)?, &mut io::sink())
}

/// Copies all of it; how much that was, and its SHA-256.
///
/// # Errors
/// As the operating system says.
pub fn copy_hashed(from: &mut impl Read, to: &mut impl io::Write) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
        bytes = u64::saturating_add(bytes, count as u64);
    }
    let digest = hasher.finalize();
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Ok((bytes, digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()))
}
