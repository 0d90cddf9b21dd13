//! What is kept of a deployment's data, where, how often and for how long: the vocabulary of `backup` and `restore`.

use super::failure::Database;
use super::service::{Secret, Service};

/// One thing that is backed up and restored by itself.
#[derive(Debug)]
pub struct BackupSet {
    /// Name on the command line, unique in its deployment; also the directory of its copies on the remote.
    pub name: &'static str,
    /// What is in it.
    pub what: &'static str,
    /// What is copied, and how.
    pub source: Source,
    /// Why it may be missing on a host; `None` where that is a failure.
    pub optional: Option<&'static str>,
    /// Services that must not run while it is replaced.
    pub owners: &'static [&'static Service],
    /// When a copy is made.
    pub schedule: Schedule,
    /// How long copies are kept.
    pub retention: Retention,
    /// Where copies are kept.
    pub remote: &'static Remote,
    /// How much work may be lost, seconds: a newer verified copy than this must exist.
    pub rpo_seconds: u32,
    /// What an operator must know.
    pub note: Option<&'static str>,
}

impl BackupSet {
    /// A copy a day that must be there, of the last day, kept for thirty days.
    pub const fn daily(
        name: &'static str,
        what: &'static str,
        source: Source,
        owners: &'static [&'static Service],
        schedule: Schedule,
        remote: &'static Remote,
    ) -> Self {
        BackupSet {
            name,
            what,
            source,
            optional: None,
            owners,
            schedule,
            retention: Retention::Days(30),
            remote,
            rpo_seconds: DAY_SECONDS,
            note: None,
        }
    }
}

/// Seconds of a day.
pub const DAY_SECONDS: u32 = 86_400;

/// What is copied, and how.
#[derive(Debug)]
pub enum Source {
    /// An SQLite database: all pages in one read transaction, while it is in use.
    Sqlite {
        /// Absolute path.
        path: &'static str,
    },
    /// A PostgreSQL database, by `pg_dump` in the server's own container with the role of that container.
    Postgres {
        /// The service whose container it is.
        service: &'static Service,
        /// Which of its databases.
        database: Database,
    },
    /// A Redis server: a snapshot that it makes itself.
    Redis {
        /// The service.
        service: &'static Service,
        /// Absolute path of the snapshot. A directory `appendonlydir` beside it is the server's log.
        path: &'static str,
        /// The server's configuration, absolute: whether it reads its log or the snapshot when it starts.
        config: &'static str,
    },
    /// A MongoDB database, by `mongodump`.
    Mongo {
        /// The service.
        service: &'static Service,
        /// Where the URI of a user is who may read it, and make a database for a trial.
        uri: Secret,
        /// Name of the database.
        database: &'static str,
    },
    /// Files and directories in one archive, with owners and modes.
    Files {
        /// Absolute paths.
        paths: &'static [&'static str],
        /// Names of directories that are left out wherever they are.
        without: &'static [&'static str],
        /// Whether their contents may be read by whoever can read the remote.
        secrecy: Secrecy,
        /// Whether the owners rest while it is made.
        owners: Owners,
    },
}

impl Source {
    /// The word for it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Source::Sqlite { .. } => "sqlite",
            Source::Postgres { .. } => "postgres",
            Source::Redis { .. } => "redis",
            Source::Mongo { .. } => "mongodb",
            Source::Files { .. } => "files",
        }
    }

    /// The end of the names of its copies.
    pub const fn extension(&self) -> &'static str {
        match self {
            Source::Sqlite { .. } => "db",
            Source::Postgres { .. } => "dump",
            Source::Redis { .. } => "rdb",
            Source::Mongo { .. } => "archive",
            Source::Files { secrecy: Secrecy::Plain, .. } => "tar.zst",
            Source::Files { secrecy: Secrecy::Credentials, .. } => "tar.zst.age",
        }
    }

    /// Whether its owners rest while it is copied.
    pub const fn rests(&self) -> bool {
        matches!(self, Source::Files { owners: Owners::Stopped, .. })
    }

    /// Where it is, in a word or a path.
    pub fn place(&self) -> String {
        match self {
            Source::Sqlite { path } | Source::Redis { path, .. } => (*path).to_owned(),
            Source::Postgres { service, .. } => format!("database of {}", service.name),
            Source::Mongo { service, .. } => service.name.to_owned(),
            Source::Files { paths, .. } => paths.join(" "),
        }
    }
}

/// Whether contents may be read by whoever can read the remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// They may.
    Plain,
    /// Logins, keys and passwords: encrypted before they leave the host, or not sent at all.
    Credentials,
}

/// Whether owners rest while a copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// They go on.
    Running,
    /// They are stopped, and started again.
    Stopped,
}

/// When a copy is made, UTC. The schedule itself is cron's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Every day at this time.
    Daily {
        /// Hour.
        hour: u8,
        /// Minute.
        minute: u8,
    },
    /// Only when it is named; the text says why.
    ByHand(&'static str),
}

/// How long copies are kept. The three newest verified ones always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// All of so many days.
    Days(u16),
    /// The newest of each of so many days, weeks and months.
    Tiers {
        /// Days.
        daily: u16,
        /// Weeks, which begin on Monday.
        weekly: u16,
        /// Months.
        monthly: u16,
    },
}

/// A place that rclone reaches.
#[derive(Debug)]
pub struct Remote {
    /// Name in rclone's configuration.
    pub name: &'static str,
    /// rclone's configuration, absolute; nobody but root may read it.
    pub config: &'static str,
    /// Bucket, or first directory.
    pub bucket: &'static str,
    /// Path in it below which opsctl keeps its copies and touches nothing that it did not name itself.
    pub prefix: &'static str,
    /// Options of the remote whose values are elsewhere. They are handed to rclone in its environment.
    pub credentials: &'static [Credential],
}

/// An option of a remote, and where its value is.
#[derive(Debug)]
pub struct Credential {
    /// The variable that rclone reads it from, such as `RCLONE_CONFIG_R2BACKUP_ACCESS_KEY_ID`.
    pub variable: &'static str,
    /// Where the value is.
    pub secret: Secret,
}

impl Remote {
    /// `name:bucket/prefix`, as rclone takes it.
    pub fn place(&self) -> String {
        format!("{}:{}/{}", self.name, self.bucket, self.prefix)
    }
}
