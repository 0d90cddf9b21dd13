//! What is copied, and how.

use crate::registry::failure::Database;
use crate::registry::service::{Secret, Service};

/// What is copied, and how.
///
/// ```
/// # use opsctl::registry::*;
/// let orders = Source::sqlite("/srv/shop/orders.db");
/// let uploads = Source::files(&["/srv/shop/uploads"], Secrecy::Plain).without(&["cache"]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Source {
    /// An SQLite database: all pages in one read transaction, while it is in use. Made by [`Source::sqlite`].
    #[non_exhaustive]
    Sqlite {
        /// Absolute path.
        path: &'static str,
    },
    /// A PostgreSQL database, by the server's own `pg_dump`. Made by [`Source::postgres`].
    #[non_exhaustive]
    Postgres {
        /// The service of the server.
        service: &'static Service,
        /// Which of its databases.
        database: Database,
    },
    /// A Redis server: a snapshot that it makes itself. Made by [`Source::redis`].
    #[non_exhaustive]
    Redis {
        /// The service.
        service: &'static Service,
        /// Absolute path of the snapshot. A directory `appendonlydir` beside it is the server's log.
        path: &'static str,
        /// The server's configuration, absolute: whether it reads its log or the snapshot when it starts.
        config: &'static str,
    },
    /// A MongoDB database, by `mongodump`. Made by [`Source::mongo`].
    #[non_exhaustive]
    Mongo {
        /// The service.
        service: &'static Service,
        /// Where the URI of a user is who may read it, and make a database for a trial.
        uri: Secret,
        /// Name of the database.
        database: &'static str,
    },
    /// Files and directories in one archive, with owners and modes. Made by [`Source::files`].
    #[non_exhaustive]
    Files {
        /// Absolute paths.
        paths: &'static [&'static str],
        /// Names of directories that are left out wherever they are.
        without: &'static [&'static str],
        /// Whether their contents may be read by whoever can read the remote.
        secrecy: Secrecy,
        /// Whether the owners are stopped while it is made.
        owners: Owners,
    },
}

impl Source {
    /// The SQLite database at this absolute path. It is copied in one read transaction, while it is in use.
    pub const fn sqlite(path: &'static str) -> Self {
        Source::Sqlite { path }
    }

    /// A database of this PostgreSQL server. Where its first manager is a container, the container's own `pg_dump` copies it,
    /// with the role of that container; where that is a unit, the `pg_dump` of the host, as the user `postgres`, by the socket of
    /// the service's first port (5432 where it states none).
    pub const fn postgres(service: &'static Service, database: Database) -> Self {
        Source::Postgres { service, database }
    }

    /// The snapshot of this Redis server at this absolute path, such as `/var/lib/redis/dump.rdb`. The service must have a
    /// [`Probe::redis`](crate::registry::Probe::redis), whose port and password are used. [`config`](Self::config) must follow.
    pub const fn redis(path: &'static str, service: &'static Service) -> Self {
        Source::Redis { service, path, config: "" }
    }

    /// The database of this name on this MongoDB server, by `mongodump`. `uri` is where the URI of a user stands who may read
    /// the database, and create another one for the trial restore.
    pub const fn mongo(database: &'static str, service: &'static Service, uri: Secret) -> Self {
        Source::Mongo { service, uri, database }
    }

    /// Files and directories at these absolute paths, in one archive, with owners and modes, while their owners run.
    pub const fn files(paths: &'static [&'static str], secrecy: Secrecy) -> Self {
        Source::Files { paths, without: &[], secrecy, owners: Owners::Running }
    }

    /// Absolute path of the Redis server's configuration file, which says whether the server reads its append-only log or the
    /// snapshot when it starts. Required.
    ///
    /// # Panics
    /// On anything but Redis; in a `static` that is a compile error.
    pub const fn config(mut self, file: &'static str) -> Self {
        match &mut self {
            Source::Redis { config, .. } => *config = file,
            _ => panic!("Source::config is for Redis only"),
        }
        self
    }

    /// Names of directories that are left out wherever they are: `node_modules`.
    ///
    /// # Panics
    /// On anything but files; in a `static` that is a compile error.
    pub const fn without(mut self, directories: &'static [&'static str]) -> Self {
        match &mut self {
            Source::Files { without, .. } => *without = directories,
            _ => panic!("Source::without is for files only"),
        }
        self
    }

    /// The set's owners are stopped while it is copied, and started again.
    ///
    /// # Panics
    /// On anything but files; in a `static` that is a compile error.
    pub const fn owners_stopped(mut self) -> Self {
        match &mut self {
            Source::Files { owners, .. } => *owners = Owners::Stopped,
            _ => panic!("Source::owners_stopped is for files only"),
        }
        self
    }

    /// The word for it.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Source::Sqlite { .. } => "sqlite",
            Source::Postgres { .. } => "postgres",
            Source::Redis { .. } => "redis",
            Source::Mongo { .. } => "mongodb",
            Source::Files { .. } => "files",
        }
    }

    /// The end of the names of its copies.
    pub(crate) const fn extension(&self) -> &'static str {
        match self {
            Source::Sqlite { .. } => "db",
            Source::Postgres { .. } => "dump",
            Source::Redis { .. } => "rdb",
            Source::Mongo { .. } => "archive",
            Source::Files { secrecy: Secrecy::Plain, .. } => "tar.zst",
            Source::Files { secrecy: Secrecy::Credentials, .. } => "tar.zst.age",
        }
    }

    /// Whether its owners are stopped while it is copied.
    pub(crate) const fn rests(&self) -> bool {
        matches!(self, Source::Files { owners: Owners::Stopped, .. })
    }

    /// Where it is, in a word or a path.
    pub(crate) fn place(&self) -> String {
        match self {
            Source::Sqlite { path } | Source::Redis { path, .. } => (*path).to_owned(),
            Source::Postgres { service, database: Database::Named(name) } => {
                format!("database {name} of {}", service.name)
            }
            Source::Postgres { service, .. } => format!("database of {}", service.name),
            Source::Mongo { service, .. } => service.name.to_owned(),
            Source::Files { paths, .. } => paths.join(" "),
        }
    }
}

/// Whether contents may be read by whoever can read the remote.
///
/// ```
/// # use opsctl::registry::*;
/// let keys = Source::files(&["/etc/shop"], Secrecy::Credentials);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Secrecy {
    /// They may.
    Plain,
    /// Logins, keys and passwords: encrypted before they leave the host, or not uploaded at all.
    Credentials,
}

/// Whether owners are stopped while a copy is made.
///
/// ```
/// # use opsctl::registry::*;
/// let consistent = Source::files(&["/srv/shop/data"], Secrecy::Plain).owners_stopped();
/// assert!(matches!(consistent, Source::Files { owners: Owners::Stopped, .. }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owners {
    /// They go on running.
    Running,
    /// They are stopped, and started again.
    Stopped,
}
