//! What a restore has come to, written before each step, so that one that was killed is finished or undone by the next call.

use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::backup::name::Id;
use crate::backup::record::DIRECTORY;
use crate::host::files::own;
use crate::host::system::System;
use crate::registry::Deployment;

/// A restore whose old data is still there, or that did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    /// The restore: its files beside the live one are called after it.
    pub id: Id,
    /// The copy.
    pub copy: Id,
    /// The set.
    pub set: String,
    /// When it began.
    pub begun: Timestamp,
    /// Who did it.
    pub who: String,
    /// What is exchanged.
    pub parts: Vec<Part>,
    /// How far it is.
    pub phase: Phase,
}

/// A file, directory or database that is exchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its path or name.
    pub what: String,
    /// What was put in place; `None` before it lies beside it.
    pub new: Option<Mark>,
    /// What was there before; `None` where there was nothing.
    pub old: Option<Mark>,
}

/// By what something is recognised whatever it is called: a file or directory by its device and number, a database by number 0
/// and its object id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// Device.
    pub device: u64,
    /// Number of the file on it.
    pub inode: u64,
}

/// How far a restore is. Each is written before what it is called after is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The new file is being laid beside the live one.
    Laying,
    /// Owners are being stopped.
    Stopping,
    /// The new file takes the place of the old one.
    Swapping,
    /// Owners are being started with it.
    Starting,
    /// It did not work: the old file is being put back.
    Undoing,
    /// All is well, and the old file is kept.
    Done,
}

/// All restores of a deployment that are not forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Oldest first.
    pub restores: Vec<Restore>,
}

fn path(deployment: &Deployment) -> String {
    format!("{DIRECTORY}/{}.restores.json", deployment.name)
}

impl Journal {
    /// What is written of a deployment.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was written: whole or not at all.
    pub fn read(system: &System, deployment: &Deployment) -> io::Result<Self> {
        match system.read(path(deployment)) {
            Ok(text) => serde_json::from_str(&text).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Journal::default()),
            Err(error) => Err(error),
        }
    }

    /// Writes it: whoever reads, also after a power cut, sees the one before or this one.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn write(&self, system: &System, deployment: &Deployment) -> io::Result<()> {
        own::directory(system, DIRECTORY)?;
        let path = path(deployment);
        let new = format!("{path}.new");
        own::write_new(system, &new, &serde_json::to_vec_pretty(self)?, 0o600)?;
        own::rename(system, &new, &path)
    }

    /// The restore that did not come to its end, if any.
    pub fn unfinished(&self) -> Option<&Restore> {
        self.restores.iter().find(|restore| restore.phase != Phase::Done)
    }
}
