//! The state inside data servers and data files: what answers and cannot be used. Every fix only reads, or is a person's: a
//! server that can be read is never restarted or restored for its state.

use super::super::*;
use super::{CRASHED, DATA_CORRUPT, FILE_MISSING, HELD_BY_OTHER, PATH_READ_ONLY, PERMISSION_DENIED};

/// A data server answers and does not take what its clients give it.
pub static DATABASE_STATE: Failure = Failure::new("database-state", &[POSTGRES, MYSQL, REDIS, MONGODB, SQLITE])
    .summary("a data server or file answers, and cannot be used")
    .section("every deployment: reports of PostgreSQL, MySQL, Redis, MongoDB and SQLite")
    .aliases(&["read-only", "database-read-only", "connections-used", "locked-database", "noauth"])
    .symptoms(&[
        "cannot execute INSERT in a read-only transaction",
        "sorry, too many clients already",
        "NOAUTH Authentication required; OOM command not allowed",
        "attempt to write a readonly database; database is locked",
    ])
    .note(
        "opsctl runs one statement in a read-only transaction, with roles that need no password: psql in the \
         server's container, or as postgres over its socket. If that is refused, it reports no such findings",
    );

/// PostgreSQL.
pub static POSTGRES: &[&Cause] = &[
    &PG_RECOVERING,
    &PG_READ_ONLY,
    &PG_CONNECTIONS_USED,
    &PG_DATABASE_CLOSED,
    &PG_WRAPAROUND,
    &PG_TIMEOUT_TINY,
    &PG_SEARCH_PATH,
    &PG_NOT_ACCEPTING,
    &PG_LOCK_WAIT,
    &PG_RULES_INVALID,
    &PG_ROLE_EXPIRED,
];
/// MySQL and MariaDB.
pub static MYSQL: &[&Cause] = &[&MYSQL_READ_ONLY, &MYSQL_CONNECTIONS_USED];
/// Redis.
pub static REDIS: &[&Cause] = &[
    &REDIS_PASSWORD,
    &REDIS_LOCKED,
    &REDIS_FULL,
    &REDIS_NEARLY_FULL,
    &REDIS_REPLICA,
    &REDIS_UNSAVED,
    &REDIS_STILL_LOADING,
];
/// MongoDB.
pub static MONGODB: &[&Cause] = &[&MONGO_NO_PRIMARY];
/// SQLite and other files.
pub static SQLITE: &[&Cause] = &[&FILE_UNUSABLE, &SQLITE_MALFORMED, &SQLITE_READ_ONLY, &SQLITE_LOCKED];

const fn cause(code: &'static str, clue: DataClue) -> Cause {
    Cause::new(code, Clue::Data(clue))
}

const fn look(title: &'static str, words: &'static str) -> Fix {
    Fix::new(title, Risk::ReadOnly, Remedy::Manual(words))
}

const fn person(title: &'static str, words: &'static str) -> Fix {
    Fix::new(title, Risk::Disruptive, Remedy::Manual(words))
}

/// It replays a log.
pub static PG_RECOVERING: Cause = cause("PG-RECOVERING", DataClue::Recovering)
    .summary("{service} accepts no writes: PostgreSQL is in recovery")
    .explanation("it runs as a standby; every INSERT, UPDATE and DELETE fails, reads succeed")
    .fixes(&[
        &look("see why", "SELECT * FROM pg_stat_wal_receiver; ls standby.signal recovery.signal in its data directory"),
        &person(
            "promote it, once you are certain that no other server is the primary",
            "SELECT pg_promote(); two primaries of one application lose writes",
        ),
    ]);

/// Transactions are read-only by default.
pub static PG_READ_ONLY: Cause = cause("PG-READ-ONLY", DataClue::ReadOnlyDefault)
    .summary("{service} accepts no writes: default_transaction_read_only is on for {thing}")
    .explanation(
        "every INSERT, UPDATE and DELETE fails with \"cannot execute … in a read-only transaction\"; no data is lost",
    )
    .fixes(&[
        &look(
            "see where it is set",
            "SELECT name, setting, sourcefile FROM pg_settings WHERE name = 'default_transaction_read_only'; \\drds",
        ),
        &person(
            "reset it, if it was not set on purpose",
            "ALTER SYSTEM RESET default_transaction_read_only; SELECT pg_reload_conf(); of a database or role: ALTER \
             DATABASE or ALTER ROLE … RESET default_transaction_read_only. New sessions use it",
        ),
    ]);

/// No connection is left.
pub static PG_CONNECTIONS_USED: Cause = cause("PG-CONNECTIONS-USED", DataClue::ConnectionsUsed)
    .summary("{service} refuses new clients: {thing} has reached its connection limit")
    .explanation("connected clients continue; new ones are refused until a connection is closed")
    .fixes(&[
        &look("see which clients have them", "SELECT usename, application_name, client_addr, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC"),
        &person("close some connections", "reduce the pool of the client with the most connections, then restart that client"),
    ]);

/// A database lets nobody in.
pub static PG_DATABASE_CLOSED: Cause = cause("PG-DATABASE-CLOSED", DataClue::DatabaseClosed)
    .summary("{service} refuses all connections to database {thing}")
    .explanation("clients get \"database is not currently accepting connections\"; its data exists")
    .fixes(&[
        &look("see its settings", "SELECT datname, datallowconn, datconnlimit FROM pg_database"),
        &person(
            "allow connections, if they were not refused on purpose",
            "ALTER DATABASE … ALLOW_CONNECTIONS true; ALTER DATABASE … CONNECTION LIMIT -1",
        ),
    ]);

/// Transaction numbers are used up.
pub static PG_WRAPAROUND: Cause = cause("PG-WRAPAROUND", DataClue::Wraparound)
    .summary("{service} will soon refuse writes: transaction numbers of {thing} are nearly used up")
    .explanation("at two billion PostgreSQL refuses new transactions until old rows are frozen")
    .fixes(&[
        &look(
            "see what blocks the vacuum",
            "old sessions in pg_stat_activity (backend_xmin), pg_prepared_xacts, pg_replication_slots",
        ),
        &person("freeze", "VACUUM (FREEZE, VERBOSE) in that database, the oldest tables first"),
    ]);

/// A time limit that ends everything.
pub static PG_TIMEOUT_TINY: Cause = cause("PG-TIMEOUT-TINY", DataClue::TimeoutTiny)
    .summary("{service} cancels statements of clients after less than a second: {thing}")
    .explanation("statements or sessions are cancelled before they can finish")
    .fixes(&[
        &look(
            "see where it is set",
            "SELECT name, setting, unit, sourcefile FROM pg_settings WHERE name LIKE '%timeout'; \\drds",
        ),
        &person("reset it", "ALTER SYSTEM, ALTER DATABASE or ALTER ROLE … RESET it; SELECT pg_reload_conf()"),
    ]);

/// A relation that is not on the path.
pub static PG_SEARCH_PATH: Cause = cause("PG-SEARCH-PATH", DataClue::SearchPath)
    .summary("a client of {service} does not find relation {thing}, which exists in another schema")
    .explanation("its search_path does not name that schema; the data exists, and a restore or migration does not help")
    .fixes(&[
        &look(
            "see where search_path is set",
            "\\drds; SHOW search_path; SELECT * FROM pg_file_settings WHERE name = 'search_path'",
        ),
        &person("reset search_path, then make clients reconnect", "ALTER DATABASE or ALTER ROLE … RESET search_path"),
    ]);

/// It starts, stops or recovers.
pub static PG_NOT_ACCEPTING: Cause = cause("PG-NOT-ACCEPTING", DataClue::NotAccepting)
    .summary("{service} runs and refuses all clients: it starts, stops or replays its WAL")
    .explanation("after a crash it replays its WAL; a restart starts the replay again")
    .fixes(&[&Fix::new(
        "wait, and read its progress in its log",
        Risk::ReadOnly,
        Remedy::Command(&["opsctl", "logs", "{service}", "-n", "50"]),
    )]);

/// Sessions wait for a lock.
pub static PG_LOCK_WAIT: Cause = cause("PG-LOCK-WAIT", DataClue::LockWait)
    .summary("sessions of {service} have waited for more than a minute for a lock that {thing} holds")
    .explanation("their requests wait too, and soon all sessions that use the same rows or table")
    .verdict(Verdict::Warn)
    .fixes(&[&look(
        "see what that session does",
        "SELECT pid, usename, state, xact_start, query FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids(PID)); \
         its owner can end a session that is idle in transaction: SELECT pg_terminate_backend(PID)",
    )]);

/// A line of pg_hba.conf is none.
pub static PG_RULES_INVALID: Cause = cause("PG-HBA-INVALID", DataClue::RulesInvalid)
    .summary("{service} cannot apply pg_hba.conf: {thing} is not valid")
    .explanation("it uses its loaded rules until the next restart; then it does not start")
    .verdict(Verdict::Warn)
    .fixes(&[&look(
        "see the invalid lines",
        "SELECT file_name, line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL",
    )]);

/// A role's password is past its time.
pub static PG_ROLE_EXPIRED: Cause = cause("PG-ROLE-EXPIRED", DataClue::RoleExpired)
    .summary("{service} refuses the password of role {thing}: it has expired")
    .explanation("its VALID UNTIL has passed; open sessions continue, new ones are refused")
    .verdict(Verdict::Warn)
    .fixes(&[&person("extend it, if the role is still needed", "ALTER ROLE … VALID UNTIL 'infinity'")]);

/// Takes no writes.
pub static MYSQL_READ_ONLY: Cause = cause("MYSQL-READ-ONLY", DataClue::MysqlReadOnly)
    .summary("{service} accepts no writes: read_only is on")
    .explanation("it became a replica, or somebody switched writes off; reads succeed")
    .fixes(&[
        &look("check whether it is a replica", "SHOW REPLICA STATUS; SELECT @@global.read_only"),
        &person(
            "switch writes on, if it is not a replica",
            "SET GLOBAL read_only = OFF, and the same in its configuration",
        ),
    ]);

/// No connection is left.
pub static MYSQL_CONNECTIONS_USED: Cause = cause("MYSQL-CONNECTIONS-USED", DataClue::MysqlConnectionsUsed)
    .summary("{service} refuses new clients: all of max_connections are in use")
    .explanation("connected clients continue; new ones get error 1040")
    .fixes(&[
        &look(
            "see which clients have them",
            "SELECT user, host, command, count(*) FROM information_schema.processlist GROUP BY 1, 2, 3",
        ),
        &person(
            "close some connections",
            "reduce the pool of the client with the most connections, then restart that client",
        ),
    ]);

/// The password at hand is refused.
pub static REDIS_PASSWORD: Cause = cause("REDIS-PASSWORD-DIFFERS", DataClue::RedisPassword)
    .summary("{service} rejects the password in {thing}")
    .explanation("requirepass or the user's password differs from that file; clients that read the file are refused")
    .fixes(&[&look(
        "see which of the two is right",
        "compare requirepass of redis.conf (CONFIG GET is often removed) with the file; correct the wrong one",
    )]);

/// A password that nobody names.
pub static REDIS_LOCKED: Cause = cause("REDIS-PASSWORD-SET", DataClue::RedisLocked)
    .summary("{service} requires a password, and its clients have none")
    .explanation("the registry names no password for it: clients without one are refused (NOAUTH)")
    .fixes(&[&look(
        "check whether that is intended",
        "requirepass in redis.conf, --requirepass in its command; if it is intended, name its password file in the \
         registry",
    )]);

/// It is full and drops nothing.
pub static REDIS_FULL: Cause = cause("REDIS-FULL", DataClue::RedisFull)
    .summary("{service} accepts no writes: maxmemory is reached, and its policy is noeviction")
    .explanation("every command that needs memory is refused (OOM); reads and deletes succeed")
    .fixes(&[
        &look("see which keys use it", "redis-cli --bigkeys and INFO memory, with REDISCLI_AUTH"),
        &person(
            "raise maxmemory, or delete keys",
            "raise maxmemory in redis.conf, or delete unneeded keys; for a queue keep noeviction",
        ),
    ]);

/// It is nearly full and drops nothing.
pub static REDIS_NEARLY_FULL: Cause = cause("REDIS-NEARLY-FULL", DataClue::RedisNearlyFull)
    .summary("{service} will soon refuse writes: nearly all of maxmemory is used, and its policy is noeviction")
    .explanation("at maxmemory every command that needs memory is refused (OOM); reads and deletes succeed")
    .verdict(Verdict::Warn)
    .fixes(&[
        &look("see which keys use it", "redis-cli --bigkeys and INFO memory, with REDISCLI_AUTH"),
        &person("raise maxmemory, or delete keys", "raise maxmemory in redis.conf, or delete unneeded keys"),
    ]);

/// It is a replica.
pub static REDIS_REPLICA: Cause = cause("REDIS-REPLICA", DataClue::RedisReplica)
    .summary("{service} accepts no writes: it is a replica")
    .explanation("clients get READONLY; its data is a copy of another server, which overwrites it")
    .fixes(&[
        &look("see its primary", "redis-cli INFO replication; replicaof in redis.conf"),
        &person(
            "make it a primary again, if it is not meant to be a replica",
            "REPLICAOF NO ONE, after a copy of dump.rdb; then remove replicaof from redis.conf",
        ),
    ]);

/// It cannot save.
pub static REDIS_UNSAVED: Cause = cause("REDIS-UNSAVED", DataClue::RedisUnsaved)
    .summary("{service} could not save: its last snapshot or append failed")
    .explains(&[&PERMISSION_DENIED, &PATH_READ_ONLY, &FILE_MISSING])
    .explanation(
        "with stop-writes-on-bgsave-error it refuses writes (MISCONF); a restart loses data that is only in memory",
    )
    .fixes(&[&look(
        "see why, before any restart",
        "df and ls -ld of its dir; its log names the error; then BGSAVE, and INFO persistence",
    )]);

/// It reads its data.
pub static REDIS_STILL_LOADING: Cause = cause("REDIS-READS-DATA", DataClue::RedisLoading)
    .summary("{service} loads its data and answers no other command yet")
    .explanation("clients get LOADING; a restart starts the load again")
    .fixes(&[&look("wait, and read its progress", "redis-cli INFO persistence: loading_eta_seconds")]);

/// It takes no writes.
pub static MONGO_NO_PRIMARY: Cause = cause("MONGO-NOT-WRITABLE", DataClue::MongoNoPrimary)
    .summary("{service} accepts no writes: it is not the primary")
    .explanation("it stepped down, recovers, or its set has no majority; reads from a primary also fail")
    .depth(Depth::Effect)
    .fixes(&[&look("see why", "mongosh with a login: rs.status(), rs.conf()")]);

/// A file is none, or has nothing in it.
pub static FILE_UNUSABLE: Cause = cause("FILE-UNUSABLE", DataClue::FileUnusable)
    .summary("{service} cannot read {thing}: it is a directory or has no content")
    .explanation("docker creates a directory if the file of a mount is missing; a failed copy leaves an empty file")
    .fixes(&[&look(
        "see what it is, and recreate the file",
        "ls -ld of it; copy it from the source of the other files, with owner and mode",
    )]);

/// No database.
pub static SQLITE_MALFORMED: Cause = cause("SQLITE-MALFORMED", DataClue::SqliteMalformed)
    .summary("{service} has no database in {thing}: the file is empty or not a database")
    .explains(&[&DATA_CORRUPT, &CRASHED])
    .explanation("it was overwritten or truncated; a process that has it open may still have its pages and log")
    .fixes(&[&look(
        "copy all its files before any restart of {service}",
        "cp -a the file, its -wal and its -shm to another directory; then opsctl backup list for copies",
    )]);

/// No right to write.
pub static SQLITE_READ_ONLY: Cause = cause("SQLITE-READ-ONLY", DataClue::SqliteReadOnly)
    .summary("{service} cannot open {thing} to write: owner, mode or mount deny it")
    .explains(&[&PERMISSION_DENIED, &PATH_READ_ONLY, &FILE_MISSING, &CRASHED])
    .explanation("SQLite must write the file and create files in its directory; reads may still succeed")
    .fixes(&[
        &Fix::new("see its owner and mode", Risk::ReadOnly, Remedy::Command(&["ls", "-la", "{thing}"])),
        &person(
            "make the service's user its owner",
            "chown and chmod like the other files of its directory; if its mount is read-only, see why (dmesg, \
             ReadOnlyPaths=)",
        ),
    ]);

/// Another process keeps it locked.
pub static SQLITE_LOCKED: Cause = cause("SQLITE-WRITE-LOCKED", DataClue::SqliteLocked)
    .summary("{service} cannot write its database: {thing}")
    .explains(&[&HELD_BY_OTHER, &CRASHED])
    .explanation("another process has a transaction open on it; the service's writes fail with \"database is locked\"")
    .fixes(&[&look(
        "see which process it is, and end its transaction there",
        "ps -o pid,user,lstart,args of it; an sqlite3 shell: COMMIT or ROLLBACK there",
    )]);
