//! How a new version is made on the host, goes live, and is taken back: the vocabulary of `redeploy` and `rollback`.

use super::service::Service;

/// How a new version is made on the host, goes live, and is taken back.
#[derive(Debug)]
pub struct Release {
    /// Absolute paths at which the working copy may lie that the version is made of; the first that exists is taken. Empty
    /// where the version comes as an image alone.
    pub source: &'static [&'static str],
    /// Branch of the working copy that is live.
    pub branch: &'static str,
    /// Local image tags that the services run; what they name is kept under another tag before it changes.
    pub images: &'static [Image],
    /// What makes the new version out of the source before anything that serves is touched. Run as the owner of the source.
    pub build: &'static [Task],
    /// What changes the database's schema before the switch.
    pub schema: Option<Schema>,
    /// Services that run the version, in the order in which they are switched to it.
    pub services: &'static [&'static Service],
    /// How they are switched.
    pub switch: Switch,
    /// Space that must be free where the version is made, bytes.
    pub free_bytes: u64,
    /// Directories of backups, whose newest file must not be older than a day before the schema changes.
    pub backups: &'static [&'static str],
    /// What going back to an earlier version does not take back.
    pub stays: &'static str,
    /// What an operator must know.
    pub note: Option<&'static str>,
}

impl Release {
    /// Services that are restarted out of a working copy on one branch, and nothing else yet.
    pub const fn new(
        source: &'static [&'static str],
        branch: &'static str,
        services: &'static [&'static Service],
        stays: &'static str,
    ) -> Self {
        Release {
            source,
            branch,
            images: &[],
            build: &[],
            schema: None,
            services,
            switch: Switch::Restart,
            free_bytes: 1 << 30,
            backups: &[],
            stays,
            note: None,
        }
    }
}

/// A local image tag, and the tag that the image before is kept under.
#[derive(Debug)]
pub struct Image {
    /// The service whose container runs it.
    pub service: &'static Service,
    /// The tag that its container runs, such as `shop:latest`.
    pub tag: &'static str,
    /// The tag of the one before, such as `shop:previous`.
    pub previous: &'static str,
}

/// A command of a runbook.
#[derive(Debug)]
pub struct Task {
    /// What it does, in a few words.
    pub title: &'static str,
    /// Name of the program.
    pub program: &'static str,
    /// Its arguments; `{source}` stands for the working copy.
    pub args: &'static [&'static str],
    /// How long it may take, seconds.
    pub deadline_seconds: u32,
}

/// How a database's schema follows the version.
#[derive(Debug)]
pub enum Schema {
    /// SQL files that the new revision adds are applied once each, in the order of their names, each in one transaction.
    Migrations {
        /// Directory of the files, below the source.
        directory: &'static str,
        /// Files with this in their name are never applied.
        except: &'static str,
        /// Container whose `psql` applies them, as the role and to the database that its own `POSTGRES_USER` and `POSTGRES_DB`
        /// name.
        container: &'static str,
    },
    /// A command of the project compares and changes it.
    Push(Task),
}

/// How services go over to a new version.
#[derive(Debug)]
pub enum Switch {
    /// Each is restarted by its manager.
    Restart,
    /// Each is reloaded by its manager, instance by instance.
    Reload,
    /// Compose makes those containers anew whose image or configuration has changed.
    Compose {
        /// File of `KEY=value` lines for compose itself, below the source; `None` where its own is enough.
        env_file: Option<&'static str>,
        /// Compose file, below the source.
        file: &'static str,
        /// Project name.
        project: &'static str,
        /// Their names in the file, in the order of [`Release::services`].
        services: &'static [&'static str],
    },
}
