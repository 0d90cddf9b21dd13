//! What holds credentials leaves the host sealed with a key that is kept on it, and somewhere else. The key is nowhere but in
//! its file; what is not sealed goes again in the call that made it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use crate::context::Context;
use crate::host::exec::{ProcessEnd, Runner, StartError};
use crate::host::files::private;
use crate::host::tools::{Argv, age};
use crate::host::trouble::{Trouble, failure};
use crate::redact::Redactor;

/// The key: an identity of age, root's alone.
pub const KEY: &str = "/etc/opsctl/backup.key";
/// How long a call may take beside the time that its bytes take.
const CALL: Duration = Duration::from_mins(1);
/// The slowest that is waited for, bytes a second.
const SLOWEST: u64 = 2 << 20;

/// Seals a file into a new one beside or elsewhere. The file is removed, also where that fails.
///
/// # Errors
/// Why it is not sealed; then there is no sealed file either.
pub fn seal(context: &Context<'_>, plain: &Path, to: &Path) -> Result<(), String> {
    let _plain = Gone(plain);
    let key = Key::find(context)?;
    new(to)?;
    let sealed = key.run(context, &age::encrypt(&key.path, &text(plain)?, &text(to)?), plain);
    sealed.map_err(|trouble| {
        // Half of it is nothing.
        let _ = private::remove_file(to);
        format!("it cannot be encrypted: {trouble}")
    })
}

/// Opens a sealed file into a new one and does something with that. The opened file is removed, whatever became of it.
///
/// # Errors
/// Why it is not opened, or what was wrong with what was in it.
pub fn opened<T>(
    context: &Context<'_>,
    sealed: &Path,
    plain: &Path,
    work: impl FnOnce(&Path) -> Result<T, String>,
) -> Result<T, String> {
    let key = Key::find(context)?;
    new(plain)?;
    let _plain = Gone(plain);
    let argv = age::decrypt(&key.path, &text(sealed)?, &text(plain)?);
    key.run(context, &argv, sealed).map_err(|trouble| match age::is_other_key(&trouble) {
        true => format!("it was encrypted with another key than {KEY}"),
        false => format!("it cannot be decrypted: {trouble}"),
    })?;
    work(plain)
}

/// Whether there is a key and somebody to use it.
///
/// # Errors
/// Why not, and what to do.
pub fn ready(context: &Context<'_>) -> Result<(), String> {
    let key = Key::find(context)?;
    key.run(context, &Argv::new("age", ["--version"]), Path::new("/"))
}

/// A file that goes when this does.
struct Gone<'a>(&'a Path);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        // It may have gone before; what cannot be removed goes with the directory that it is in.
        let _ = private::remove_file(self.0);
    }
}

/// Makes a file that only its owner can read, for age to write into.
fn new(path: &Path) -> Result<(), String> {
    private::create_new(path).map(drop).map_err(|error| format!("{}: {error}", path.display()))
}

fn text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{}: it is not text", path.display()))
}

struct Key {
    path: String,
    redactor: Redactor,
}

impl Key {
    fn find(context: &Context<'_>) -> Result<Self, String> {
        let path = context.system.path(KEY);
        let meta = match context.system.symlink_metadata(KEY) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(format!(
                    "no key to encrypt with: install -d -m 700 /etc/opsctl && age-keygen -o {KEY}, then store a copy \
                     of it elsewhere"
                ));
            }
            meta => meta.map_err(|error| format!("{KEY}: {error}"))?,
        };
        let own = rustix::process::geteuid().as_raw();
        if !meta.is_file() || !(meta.uid() == 0 || meta.uid() == own) {
            return Err(format!("root does not own {KEY}, or it is not a regular file"));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(format!("others can read the key {KEY}: chmod 600; if they did read it, create a new one"));
        }
        let content = context.system.read(KEY).map_err(|error| format!("{KEY}: {error}"))?;
        if !age::is_identity(&content) {
            return Err(format!("{KEY} is not a key of age-keygen"));
        }
        let secrets = content.lines().filter(|line| !line.starts_with('#'));
        Ok(Key { path: text(&path)?, redactor: Redactor::new(secrets) })
    }

    /// Runs age on a file.
    fn run(&self, context: &Context<'_>, argv: &Argv, from: &Path) -> Result<(), String> {
        let bytes = private::metadata(from).map_or(0, |meta| meta.len());
        let limit = CALL.saturating_add(Duration::from_secs(bytes / SLOWEST));
        let limit = limit.min(context.time_left().unwrap_or(limit));
        let trouble = match context.processes().run(argv, limit) {
            Ok(output) if output.exit == ProcessEnd::Code(0) => return Ok(()),
            Ok(output) => failure(&output),
            Err(StartError::Missing(tool)) => return Err(format!("{tool} is not installed: apt-get install age")),
            Err(error) => Trouble::from(error),
        };
        Err(self.redactor.clean(&trouble.to_string()).into_owned())
    }
}

#[cfg(test)]
mod tests;
