//! Conditions on the state inside a data server, read without a write and with the roles at hand.

/// A state in which a data server answers and yet cannot be used as its clients need it. Of a server that is none of the kind,
/// or whose state nobody here may ask, nothing is claimed.
///
/// ```
/// # use opsctl::registry::*;
/// let full = Clue::Data(DataClue::ConnectionsUsed);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataClue {
    /// PostgreSQL replays a log: a standby, or one that was made so by a leftover `standby.signal`. A standby that receives from
    /// its primary counts only where a service of the deployment needs it.
    Recovering,
    /// Transactions are read-only by default, in a PostgreSQL server as a whole, in a database, or for a role that owns one.
    ReadOnlyDefault,
    /// PostgreSQL refuses ordinary clients: every connection that it, a database or a role may have is in use.
    ConnectionsUsed,
    /// A PostgreSQL database that takes no connections, or of which a `DROP DATABASE` was interrupted.
    DatabaseClosed,
    /// PostgreSQL is about to stop writes, because transaction numbers are used up.
    Wraparound,
    /// Sessions of PostgreSQL have waited for a lock for more than a minute.
    LockWait,
    /// A time limit of PostgreSQL below one second ends what clients do.
    TimeoutTiny,
    /// A line of `pg_hba.conf` that PostgreSQL cannot use.
    RulesInvalid,
    /// The password of a PostgreSQL role that may log in has expired.
    RoleExpired,
    /// PostgreSQL refuses everybody until it is up, or because it goes down.
    NotAccepting,
    /// A relation that a client does not find is in a schema beyond its search path: `search_path` was set.
    SearchPath,
    /// MySQL or MariaDB takes no writes: `read_only`, `super_read_only`.
    MysqlReadOnly,
    /// MySQL or MariaDB has as many connections as it may have.
    MysqlConnectionsUsed,
    /// Redis has reached `maxmemory` and its policy drops nothing.
    RedisFull,
    /// Redis has used nearly all of its memory bound, and may evict nothing.
    RedisNearlyFull,
    /// Redis is a replica, which takes no writes, or has lost its master.
    RedisReplica,
    /// Redis reads its data and answers nothing else.
    RedisLoading,
    /// Redis could not write its last snapshot or append-only file, and refuses writes for it.
    RedisUnsaved,
    /// Redis refuses the password at the place where the registry has it.
    RedisPassword,
    /// Redis has a password, and the registry names no place where it is.
    RedisLocked,
    /// MongoDB is no writable primary.
    MongoNoPrimary,
    /// A registered SQLite file has no valid header, or no content while its log has some.
    SqliteMalformed,
    /// The user of the service cannot write a registered SQLite file or its directory: owner, mode or mount.
    SqliteReadOnly,
    /// Another process has kept the write lock of a registered SQLite file.
    SqliteLocked,
    /// A registered file is a directory, or has no content.
    FileUnusable,
}
