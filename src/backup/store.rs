//! The remote, through rclone: one call to send a whole run, one to read it back, one to list, one to delete.

use std::path::Path;
use std::time::Duration;

use super::catalogue::Listed;
use crate::context::Context;
use crate::host::exec::{Output, ProcessEnd};
use crate::host::tools::rclone::{self, Door};
use crate::host::tools::{Argv, Hidden};
use crate::host::trouble::{Trouble, failure};
use crate::observe::probe::{self};
use crate::redact::Redactor;
use crate::registry::Remote;

/// How long a call may take beside the time that its bytes take.
const CALL: Duration = Duration::from_mins(2);
/// How long it may take to list what is there, which every run does first: of a remote that never answers one wants to know
/// within a minute.
const LISTING: Duration = Duration::from_secs(50);
/// The slowest that is waited for, bytes a second.
const SLOWEST: u64 = 100 << 10;

/// A remote that can be talked to.
pub struct Store<'a> {
    context: &'a Context<'a>,
    door: Door,
    redactor: Redactor,
}

impl<'a> Store<'a> {
    /// The remote, when its configuration is there and only root can read it.
    ///
    /// # Errors
    /// Why it cannot be talked to.
    pub fn open(context: &'a Context<'a>, remote: &Remote) -> Result<Self, String> {
        use std::os::unix::fs::MetadataExt;
        let meta = context.system.metadata(remote.config).map_err(|error| format!("{}: {error}", remote.config))?;
        if meta.mode() & 0o077 != 0 {
            return Err(format!("others can read {}, which contains keys: chmod 600", remote.config));
        }
        let text = context.system.read(remote.config).map_err(|error| format!("{}: {error}", remote.config))?;
        if !text.lines().any(|line| line.trim() == format!("[{}]", remote.name)) {
            return Err(format!("{} has no remote {}", remote.config, remote.name));
        }
        let mut secrets = Vec::new();
        for credential in remote.credentials {
            match probe::secret(context.system, &credential.secret) {
                Ok(value) => secrets.push((credential.variable, Hidden::new(value))),
                Err(trouble) => return Err(format!("no credentials for {}: {trouble}", remote.name)),
            }
        }
        // What stands in its configuration is as secret as what it is handed.
        let own = rclone::settings(&text).filter(|(key, _)| crate::redact::is_secret_name(key) || key.contains("key"));
        let values = own.map(|(_, value)| value).chain(secrets.iter().map(|(_, value)| value.expose()));
        let redactor = Redactor::new(values);
        let config = context.system.path(remote.config).to_string_lossy().into_owned();
        let door = Door { config, place: remote.place(), secrets, tells: context.ui.has_gauge() };
        Ok(Store { context, door, redactor })
    }

    /// `name:bucket/prefix`.
    pub fn place(&self) -> &str {
        &self.door.place
    }

    /// All that lies there.
    ///
    /// # Errors
    /// Why that is not known; a part of it is nothing.
    pub fn list(&self) -> Result<Vec<Listed>, String> {
        let rows = match self.run_within(&rclone::list(&self.door), LISTING) {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                rclone::parse_list(&text)
                    .map_err(|malformed| self.redactor.clean(&malformed.to_string()).into_owned())?
            }
            // Where there is nothing yet there is no such directory, unless the remote is a bucket.
            Err(trouble) if trouble.contains("directory not found") => Vec::new(),
            Err(trouble) => return Err(trouble),
        };
        Ok(rows.into_iter().map(|row| Listed { path: row.path, bytes: u64::try_from(row.size).unwrap_or(0) }).collect())
    }

    /// Sends all files of a directory.
    ///
    /// # Errors
    /// What rclone says.
    pub fn upload(&self, directory: &Path, bytes: u64) -> Result<(), String> {
        self.run(&self.upload_argv(directory), bytes).map(drop)
    }

    /// The command that sends all files of a directory.
    pub fn upload_argv(&self, directory: &Path) -> Argv {
        rclone::upload(&self.door, &directory.to_string_lossy())
    }

    /// Reads these objects back into a directory.
    ///
    /// # Errors
    /// What rclone says.
    pub fn fetch(&self, paths: &[String], directory: &Path, bytes: u64) -> Result<(), String> {
        self.run(&self.fetch_argv(paths, directory), bytes).map(drop)
    }

    /// The command that reads these objects back.
    pub fn fetch_argv(&self, paths: &[String], directory: &Path) -> Argv {
        rclone::fetch(&self.door, paths, &directory.to_string_lossy())
    }

    /// Deletes these objects.
    ///
    /// # Errors
    /// What rclone says.
    pub fn delete(&self, paths: &[String]) -> Result<(), String> {
        self.run(&self.delete_argv(paths), 0).map(drop)
    }

    /// The command that deletes these objects.
    pub fn delete_argv(&self, paths: &[String]) -> Argv {
        rclone::delete(&self.door, paths)
    }

    /// rclone's version, for manifests; `None` where it does not say.
    pub fn version(&self) -> Option<String> {
        let output = self.run(&rclone::version(), 0).ok()?;
        rclone::parse_version(&String::from_utf8_lossy(&output.stdout))
    }

    fn run(&self, argv: &Argv, bytes: u64) -> Result<Output, String> {
        self.run_within(argv, CALL.saturating_add(Duration::from_secs(bytes / SLOWEST)))
    }

    fn run_within(&self, argv: &Argv, limit: Duration) -> Result<Output, String> {
        let limit = limit.min(self.context.time_left().unwrap_or(limit));
        let ui = self.context.ui;
        let mut tell = |line: &str| match rclone::parse_stats(line) {
            Some(getting) => {
                // Without a whole nothing is transferred yet.
                if getting.percent.is_some() {
                    ui.gauge(getting.percent, getting.words);
                }
                true
            }
            None => false,
        };
        let ran = self.context.processes().run_telling(argv, limit, &mut tell);
        ui.end_gauge();
        let trouble = match ran {
            Ok(output) if output.exit == ProcessEnd::Code(0) => return Ok(output),
            Ok(output) => failure(&output),
            Err(error) => Trouble::from(error),
        };
        Err(self.redactor.clean(&trouble.to_string()).into_owned())
    }
}
