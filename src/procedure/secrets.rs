//! Secrets of a run: made or read once, kept where only root can read them until the run has ended, and taken out of whatever a command
//! prints. They are never part of an argument, of the record of the run or of the audit trail.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

use serde::{Deserialize, Serialize};

use super::values::Values;
use crate::envfile::edit;
use crate::error::{Code, Error};
use crate::host::files::own;
use crate::host::random::random;
use crate::host::system::System;
use crate::program;
use crate::redact::Redactor;
use crate::registry::{Deployment, KeyFormat, Procedure, Secret, SecretSource};

/// Where they are kept: it outlives a reboot. A disk without space for them ends the run before its first step.
const DIRECTORY: &str = "/var/lib/opsctl";
/// Bytes of a secret that is made: 192 bits.
const LENGTH: usize = 24;
/// Longer files hold no secret, bytes.
const LONGEST: u64 = 64 << 10;

/// The secrets of a run.
#[derive(Default)]
pub struct Secrets {
    kept: RefCell<Kept>,
    redactor: Option<Redactor>,
    /// Whether the procedure has any, so that they must be kept.
    is_some: bool,
}

/// What is kept for whoever resumes the run.
#[derive(Default, Clone, Serialize, Deserialize)]
struct Kept {
    /// By name.
    values: BTreeMap<String, String>,
    /// By file and key, how the key was written before; `null` where it was not set.
    before: BTreeMap<String, Option<String>>,
}

impl Secrets {
    /// Makes and reads them, before anything is done.
    ///
    /// # Errors
    /// When one cannot be read. Nothing was changed.
    pub fn determine(system: &System, procedure: &Procedure, values: &Values) -> Result<Self, Error> {
        let mut found = BTreeMap::new();
        for secret in procedure.secrets {
            let value = match &secret.source {
                SecretSource::Generated => generated().map_err(|error| {
                    let message = format!("no random bytes can be had: {error}; nothing was changed");
                    Error::refused(Code::Failed, message).hint("ls -l /dev/urandom")
                })?,
                SecretSource::Stored(stored) => of_key(system, stored)?,
                SecretSource::Given(parameter) => of_file(system, values.get(parameter))?,
            };
            found.insert(secret.name.to_owned(), value);
        }
        Ok(Secrets::of(Kept { values: found, before: BTreeMap::new() }, procedure))
    }

    fn of(kept: Kept, procedure: &Procedure) -> Self {
        let known = kept.values.values().map(String::as_str).chain(kept.before.values().flatten().map(String::as_str));
        let is_some = !procedure.secrets.is_empty();
        let redactor = is_some.then(|| Redactor::new(known));
        Secrets { redactor, is_some, kept: RefCell::new(kept) }
    }

    /// Those of a run that is resumed or undone.
    ///
    /// # Errors
    /// When they cannot be read any more: the run can then be neither resumed nor undone.
    pub fn of_run(system: &System, deployment: &Deployment, procedure: &Procedure) -> Result<Self, Error> {
        let path = path(deployment, procedure.slug);
        let read = match system.read(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| format!("line {}", error.line())),
            // A run that sets keys has a file; one that has neither secrets nor keys has none.
            Err(error) if error.kind() == io::ErrorKind::NotFound && procedure.secrets.is_empty() => {
                Ok(Kept::default())
            }
            Err(error) => Err(error.to_string()),
        };
        read.map(|kept| Secrets::of(kept, procedure)).map_err(|why| {
            let message = format!("the secrets of the run of {} cannot be read: {path}: {why}", procedure.slug);
            Error::unknown(Code::RecordUnreadable, message).hint(format!("ls -l {path}"))
        })
    }

    /// Keeps them for whoever resumes the run.
    ///
    /// # Errors
    /// When they cannot be: nothing may be done then.
    pub fn keep(&self, system: &System, deployment: &Deployment, procedure: &str) -> Result<(), Error> {
        if !self.is_some && self.kept.borrow().before.is_empty() {
            return Ok(());
        }
        let path = path(deployment, procedure);
        let write = || {
            own::directory(system, DIRECTORY)?;
            let new = format!("{path}.new");
            own::write_new(system, &new, &serde_json::to_vec(&*self.kept.borrow())?, 0o600)?;
            own::rename(system, &new, &path)
        };
        write().map_err(|error: io::Error| {
            let message = format!("the secrets of the run cannot be kept: {path}: {error}; nothing was changed");
            Error::refused(Code::RecordUnwritable, message).hint(program::command("diagnose disk-full"))
        })
    }

    /// The text with each secret in braces replaced: for a command's standard input and for the value of a key.
    pub fn fill(&self, text: &str) -> String {
        let kept = self.kept.borrow();
        kept.values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// What a command printed, without them.
    pub fn clean(&self, bytes: Vec<u8>) -> Vec<u8> {
        match &self.redactor {
            Some(redactor) => redactor.clean(&String::from_utf8_lossy(&bytes)).into_owned().into_bytes(),
            None => bytes,
        }
    }

    /// How a key was written before the run, once that is known.
    #[expect(clippy::option_option, reason = "a key that was not set is known as well")]
    pub fn before(&self, file: &str, key: &str) -> Option<Option<String>> {
        self.kept.borrow().before.get(&entry(file, key)).cloned()
    }

    /// Notes how a key was written before the run; what is noted already stands.
    pub fn note_before(&self, file: &str, key: &str, raw: Option<String>) {
        self.kept.borrow_mut().before.entry(entry(file, key)).or_insert(raw);
    }
}

fn entry(file: &str, key: &str) -> String {
    format!("{file} {key}")
}

fn path(deployment: &Deployment, procedure: &str) -> String {
    format!("{DIRECTORY}/{}.{procedure}.secrets.json", deployment.name)
}

/// Forgets those of a run that has ended.
///
/// # Errors
/// As the operating system says.
pub fn forget(system: &System, deployment: &Deployment, procedure: &str) -> io::Result<()> {
    own::remove(system, &path(deployment, procedure))
}

fn generated() -> io::Result<String> {
    let mut bytes = [0; LENGTH];
    random(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn of_key(system: &System, secret: &Secret) -> Result<String, Error> {
    let Secret { file, key, reader } = *secret;
    let unknown = |why: String| {
        let message = format!("{key} in {file} cannot be read: {why}; nothing was changed");
        Error::unknown(Code::RecordUnreadable, message).hint(format!("ls -l {file}"))
    };
    let content = system.read_bytes(file, LONGEST).map_err(|error| unknown(error.to_string()))?;
    let value = edit::get(KeyFormat::Env(reader), &content, key).map_err(unknown)?;
    let value = value.ok_or_else(|| unknown("it is not set".to_owned()))?;
    let secret = edit::password(&value).unwrap_or(value);
    plain(secret).map_err(unknown)
}

/// The only line of a file that root alone can read.
fn of_file(system: &System, path: &str) -> Result<String, Error> {
    use std::os::unix::fs::MetadataExt;
    let refused = |why: String| {
        let hint = format!("as root: umask 077; cat > {path} (then the secret, Enter and Ctrl-D)");
        Error::refused(Code::RecordUnreadable, format!("{path}: {why}; nothing was changed")).hint(hint)
    };
    let metadata = system.symlink_metadata(path).map_err(|error| refused(error.to_string()))?;
    if metadata.uid() != 0 || metadata.mode() & 0o077 != 0 {
        return Err(refused("others than root can read or change it".to_owned()));
    }
    let text = system.read_bytes(path, LONGEST).map_err(|error| refused(error.to_string()))?;
    let text = String::from_utf8(text).map_err(|_| refused("it is not text".to_owned()))?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next()) {
        (Some(line), None) => plain(line.to_owned()).map_err(refused),
        _ => Err(refused("it is not one line".to_owned())),
    }
}

/// A secret that can be handed on in the quotes of SQL, of curl and of redis-cli.
fn plain(secret: String) -> Result<String, String> {
    match secret.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'\\`{}".contains(&byte)) && !secret.is_empty() {
        true => Ok(secret),
        false => Err("it is empty, or has blanks, quotes, braces or backslashes, which cannot be handed on".to_owned()),
    }
}
