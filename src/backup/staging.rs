//! Where copies are while they are made or looked at: a directory of our own that nobody else can read, with room for them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::record::DIRECTORY;
use crate::host::files::{own, private};
use crate::host::system::System;
use crate::registry::Deployment;

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
        own::directory(system, DIRECTORY)?;
        own::directory(system, &format!("{DIRECTORY}/backup"))?;
        let home = own::directory(system, &home(deployment))?;
        remove_named(&home, WORK)?;
        let path = home.join(format!("{WORK}{name}"));
        private::create_dir(&path)?;
        Ok(Staging { path, home })
    }

    /// A directory in it.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn inner(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        match private::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(path),
        }
    }

    /// Keeps a directory of it, in place of those that were kept before.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn keep(&self, inner: &Path, name: &str) -> io::Result<PathBuf> {
        let kept = self.home.join(format!("{KEPT}{name}"));
        private::rename(inner, &kept)?;
        for entry in private::read_dir(&self.home)?.flatten() {
            let is_older = entry.file_name().to_string_lossy().starts_with(KEPT) && entry.path() != kept;
            if is_older {
                private::remove_dir_all(&entry.path())?;
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
        let _ = private::remove_dir_all(&self.path);
    }
}

/// Where copies of a deployment are made.
pub fn home(deployment: &Deployment) -> String {
    format!("{DIRECTORY}/backup/{}", deployment.name)
}

fn remove_named(home: &Path, begin: &str) -> io::Result<()> {
    for entry in private::read_dir(home)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(begin) {
            private::remove_dir_all(&entry.path())?;
        }
    }
    Ok(())
}

/// Why there is no room for so many bytes there; the nearest directory above it that exists is asked.
///
/// # Errors
/// What is free, or why that is not known.
pub fn room(system: &System, path: &Path, bytes: u64) -> Result<(), String> {
    let there = path.ancestors().find(|path| system.exists(path)).unwrap_or(path);
    let free = system.available_space(there).map_err(|error| format!("{}: {error}", there.display()))?;
    let needed = bytes.saturating_add(RESERVE);
    let shown = crate::units::bytes;
    match free < needed {
        true => {
            Err(format!("not enough space: {} free below {}, {} needed", shown(free), there.display(), shown(needed)))
        }
        false => Ok(()),
    }
}

/// How many bytes lie in this directory and those in it; what vanishes meanwhile does not count.
pub fn size(directory: &Path) -> u64 {
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    private::read_dir(directory).map_or(0, |entries| entries.flatten().map(of).fold(0, u64::saturating_add))
}

/// Size and SHA-256 of a file.
///
/// # Errors
/// As the operating system says.
pub fn hash(path: &Path) -> io::Result<(u64, String)> {
    copy_hashed(&mut private::open(path)?, &mut io::sink())
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
