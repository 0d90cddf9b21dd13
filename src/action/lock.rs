//! One change of a deployment at a time. The lock is the kernel's and ends with its holder, however that ends; what the file
//! holds is only a note of who does what. A note without a holder is of somebody who did not finish.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error};
use crate::host::files::own;
use crate::host::system::System;
use crate::program;
use crate::registry::Deployment;
use crate::units::stamp;

/// Where locks are: gone with the next boot, writable by root alone.
const DIRECTORY: &str = "/run/opsctl";
/// How often a held lock is tried again.
const AGAIN: Duration = Duration::from_millis(50);
/// How long a holder may take from having the lock to having noted that; it takes microseconds.
const NOTED: Duration = Duration::from_secs(1);
/// How often it is looked for that note.
const SOON: Duration = Duration::from_millis(5);
/// How often a note that changes while it is read is read again.
const TRIES: usize = 5;

/// Who does what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// What is done, such as `restart wallet`.
    pub what: String,
    /// Who does it.
    pub who: String,
    /// Since when.
    pub since: Timestamp,
    /// The process.
    pub pid: u32,
    /// When that process was started, in clock ticks since the boot: another one of the same number is another process.
    pub pid_started: u64,
    /// The step that it had come to.
    pub step: Option<String>,
    /// Held for a person, who releases it by hand.
    pub by_hand: bool,
}

/// The lock, held.
#[derive(Debug)]
pub struct Lock {
    file: File,
    note: Note,
    /// What the holder before left unfinished.
    before: Option<Note>,
}

/// What the lock file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Nobody.
    None,
    /// Somebody who lives.
    Held(Note),
    /// Somebody who did not finish.
    Unfinished(Note),
    /// It is unknown.
    Unknown(String),
}

fn path(deployment: &Deployment) -> String {
    format!("{DIRECTORY}/{}.lock", deployment.name)
}

fn backups_path(deployment: &Deployment) -> String {
    format!("{DIRECTORY}/{}.backup.lock", deployment.name)
}

/// Who holds the lock of a deployment. Takes no lock.
pub fn holder(system: &System, deployment: &Deployment) -> Holder {
    holder_of(system, &path(deployment))
}

/// Whether copies are made, looked at or pruned right now. Takes no lock.
pub fn is_backing_up(system: &System, deployment: &Deployment) -> bool {
    matches!(holder_of(system, &backups_path(deployment)), Holder::Held(_))
}

/// The text of a note that its holder may be writing just now: half of it can be the note of one before.
fn settled_text(system: &System, path: &str) -> io::Result<String> {
    let mut text = system.read(path)?;
    for _ in 0..TRIES {
        let again = system.read(path)?;
        if again == text {
            break;
        }
        text = again;
    }
    Ok(text)
}

fn holder_of(system: &System, path: &str) -> Holder {
    let text = match settled_text(system, path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Holder::None,
        Err(error) => return Holder::Unknown(error.to_string()),
    };
    match note(&text) {
        None if !text.trim().is_empty() => Holder::Unknown("its note is damaged".to_owned()),
        None => Holder::None,
        Some(note) if note.by_hand || system.process_started(note.pid) == Some(note.pid_started) => Holder::Held(note),
        Some(note) => Holder::Unfinished(note),
    }
}

/// Takes the lock of a deployment, waiting for it as long as `wait`; also what the holder before left unfinished.
///
/// # Errors
/// When somebody else holds it, or it cannot be taken safely.
pub fn take(
    system: &System,
    deployment: &Deployment,
    what: &str,
    who: &str,
    wait: Duration,
) -> Result<(Lock, Option<Note>), Error> {
    take_file(system, deployment, &path(deployment), what, who, wait)
}

/// Takes the lock of a deployment's backups: copies are made, looked at and pruned while services are changed, but one at a
/// time.
///
/// # Errors
/// As [`take`].
pub fn take_backups(
    system: &System,
    deployment: &Deployment,
    what: &str,
    who: &str,
    wait: Duration,
) -> Result<(Lock, Option<Note>), Error> {
    take_file(system, deployment, &backups_path(deployment), what, who, wait)
}

fn take_file(
    system: &System,
    deployment: &Deployment,
    file: &str,
    what: &str,
    who: &str,
    wait: Duration,
) -> Result<(Lock, Option<Note>), Error> {
    let unsafe_ = |error: io::Error| {
        Error::refused(Code::LockUnusable, format!("the lock {file} cannot be taken: {error}; nothing was changed"))
            .hint(match system.is_root() {
                true => format!("check {DIRECTORY}: root must own it"),
                false => program::again_as_root("status"),
            })
    };
    let mut file = open(system, file).map_err(unsafe_)?;
    let until = Instant::now() + wait;
    let mut unnoted = None;
    let before = loop {
        match file.try_lock() {
            Ok(()) => match read(&mut file) {
                Some(note) if note.by_hand && Instant::now() < until => {
                    file.unlock().map_err(unsafe_)?;
                    thread::sleep(AGAIN);
                }
                Some(note) if note.by_hand => return Err(held(deployment, Some(&note))),
                before => break before,
            },
            Err(TryLockError::Error(error)) => return Err(unsafe_(error)),
            Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(AGAIN),
            Err(TryLockError::WouldBlock) => match settled(&mut file).filter(|note| is_holder(system, note)) {
                Some(note) => return Err(held(deployment, Some(&note))),
                // It was taken just now, or is just now given back.
                None if unnoted.get_or_insert_with(Instant::now).elapsed() < NOTED => thread::sleep(SOON),
                None => return Err(held(deployment, None)),
            },
        }
    };
    let pid = std::process::id();
    let note = Note {
        what: what.to_owned(),
        who: who.to_owned(),
        since: system.now(),
        pid,
        pid_started: system.process_started(pid).unwrap_or_default(),
        step: None,
        by_hand: false,
    };
    let lock = Lock { file, note, before: before.clone() };
    lock.write(&lock.note).map_err(unsafe_)?;
    Ok((lock, before))
}

/// Opens the lock file without following anything that somebody could have put there.
fn open(system: &System, file: &str) -> io::Result<File> {
    own::directory(system, DIRECTORY)?;
    own::open(system, file, own::Access::Update)
}

fn read(file: &mut File) -> Option<Note> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(1 << 16).read_to_string(&mut text).ok()?;
    note(&text)
}

/// The note of a file that its holder may be writing just now: read twice, because half of it can be the note of one before.
fn settled(file: &mut File) -> Option<Note> {
    let note = read(file)?;
    (read(file).as_ref() == Some(&note)).then_some(note)
}

/// The note that a lock file begins with; after it may be the rest of a longer one before.
pub fn note(text: &str) -> Option<Note> {
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}

/// Whether a note can be that of the holder: not of one before, who is gone.
fn is_holder(system: &System, note: &Note) -> bool {
    // Where it was not known when the process was started, nothing speaks against it.
    note.by_hand || note.pid_started == 0 || system.process_started(note.pid) == Some(note.pid_started)
}

fn held(deployment: &Deployment, note: Option<&Note>) -> Error {
    let by = note.map_or_else(
        || "another run".to_owned(),
        |note| format!("{} ({}) since {}, process {}", note.what, note.who, stamp(note.since), note.pid),
    );
    let by_hand = note.is_some_and(|note| note.by_hand);
    Error::locked(format!("{} is locked by {by}; nothing was changed", deployment.name)).hint(match by_hand {
        true => program::command("lock release"),
        false => "wait for it with --lock-wait=2m".to_owned(),
    })
}

impl Lock {
    /// Notes the step that is about to begin.
    pub fn step(&mut self, title: &str) {
        self.note.step = Some(title.to_owned());
        // The note helps whoever finds it; work does not depend on it.
        let _ = self.write(&self.note);
    }

    /// Leaves the lock to a person: it stays when this process ends.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn leave_by_hand(mut self) -> io::Result<Note> {
        self.note.by_hand = true;
        self.write(&self.note)?;
        Ok(self.note)
    }

    /// The work is done, well or not: nothing is left unfinished.
    pub fn finish(self) {
        // A note that stays would only say too much.
        let _ = self.file.set_len(0);
    }

    /// Nothing was begun: what was left unfinished before still is.
    pub fn abandon(self) {
        match &self.before {
            // As good as it can be: a note that is not written says too little.
            Some(note) => drop(self.write(note)),
            None => self.finish(),
        }
    }

    fn write(&self, note: &Note) -> io::Result<()> {
        let text = serde_json::to_vec(note)?;
        // Over the one before, in one piece, and cut afterwards: at no moment the file says that nothing is going on.
        self.file.write_all_at(&text, 0)?;
        self.file.set_len(text.len() as u64)
    }
}

/// Ends a lock that a person holds, and forgets what was left unfinished. `record` is called before, where there is either.
///
/// # Errors
/// When a living process holds it, it cannot be opened, or `record` fails.
pub fn release(
    system: &System,
    deployment: &Deployment,
    record: impl FnOnce(&Note) -> Result<(), Error>,
) -> Result<Option<Note>, Error> {
    let failed = |error: io::Error| {
        Error::refused(Code::LockUnusable, format!("the lock {} cannot be opened: {error}", path(deployment)))
            .hint(format!("ls -ld {DIRECTORY} {}", path(deployment)))
    };
    let mut file = open(system, &path(deployment)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            let note = read(&mut file);
            note.as_ref().map_or(Ok(()), record)?;
            file.set_len(0).map_err(failed)?;
            Ok(note)
        }
        Err(TryLockError::WouldBlock) => {
            let begun = Instant::now();
            loop {
                let note = read(&mut file).filter(|note| is_holder(system, note));
                if note.is_some() || begun.elapsed() >= NOTED {
                    return Err(held(deployment, note.as_ref()));
                }
                thread::sleep(SOON);
            }
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests;
