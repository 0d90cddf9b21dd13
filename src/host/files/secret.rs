//! A file that holds secrets: read only where nobody but its owner could have read or written it.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, fstat};

use super::deadline::within;
use super::open_same;
use super::walk::{Last, walk};
use crate::host::system::System;

/// Why a file that holds secrets was not read.
#[derive(Debug)]
pub enum Exposed {
    /// Others can read or write it: its permission bits.
    Mode(u32),
    /// It belongs to another user than root and the caller.
    Owner(u32),
    /// Users other than root and the caller can change this directory above it.
    Directory(PathBuf),
    /// It cannot be read, or is no regular file.
    Unread(io::Error),
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exposed::Mode(mode) => write!(f, "others can read or change it (mode {mode:04o})"),
            Exposed::Owner(uid) => write!(f, "it belongs to user {uid}"),
            Exposed::Directory(path) => write!(f, "users other than root can change {}", path.display()),
            Exposed::Unread(error) => error.fmt(f),
        }
    }
}

impl System {
    /// The beginning of a file that holds secrets; `None` where there is none.
    ///
    /// # Errors
    /// When it is no regular file of root's or the caller's, when others can read or write it or change a directory on the way to it;
    /// as the operating system says.
    pub fn read_secret(&self, path: impl AsRef<Path>, limit: u64) -> Result<Option<Vec<u8>>, Exposed> {
        let (root, wanted) = (self.root.clone(), path.as_ref().to_owned());
        let read = within(self.file_wait(), path.as_ref(), move || {
            let located = match walk(&root, &wanted, Last::Itself) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(None)),
                other => other?,
            };
            let exposed = located.exposed.clone();
            let Some((_, stat)) = &located.found else { return Ok(Ok(None)) };
            if let Some(directory) = exposed {
                return Ok(Err(Exposed::Directory(Path::new("/").join(directory))));
            }
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return Err(io::Error::other("is not a regular file"));
            }
            let file = open_same(&located.parent, &located.name, stat)?;
            // What was opened counts.
            let stat = fstat(&file)?;
            let (own, mode) = (rustix::process::geteuid().as_raw(), stat.st_mode & 0o7777);
            if stat.st_uid != 0 && stat.st_uid != own {
                return Ok(Err(Exposed::Owner(stat.st_uid)));
            }
            if mode & 0o077 != 0 {
                return Ok(Err(Exposed::Mode(mode)));
            }
            let mut bytes = Vec::new();
            file.take(limit).read_to_end(&mut bytes)?;
            Ok(Ok(Some(bytes)))
        });
        read.unwrap_or_else(|error| Err(Exposed::Unread(error)))
    }
}
