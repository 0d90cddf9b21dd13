//! The state inside data servers and data files: what answers and cannot be used. Every fix only looks, or is a person's: a
//! server that can be read is never restarted or restored for its state.

use super::super::*;
use super::{CRASHED, DATA_CORRUPT, FILE_MISSING, HELD_BY_OTHER, PATH_READ_ONLY, PERMISSION_DENIED};

/// A data server answers and does not take what its clients give it.
pub static DATABASE_STATE: Failure = Failure::new("database-state", &[POSTGRES, MYSQL, REDIS, MONGODB, SQLITE])
    .summary("a data server or file answers, and cannot be used")
    .section("every deployment: what PostgreSQL, MySQL, Redis, MongoDB and SQLite report of themselves")
    .aliases(&["read-only", "database-read-only", "connections-used", "locked-database", "noauth"])
    .symptoms(&[
        "cannot execute INSERT in a read-only transaction",
        "sorry, too many clients already",
        "NOAUTH Authentication required; OOM command not allowed",
        "attempt to write a readonly database; database is locked",
    ])
    .note(
        "asked by one statement in a read-only transaction, with roles that need no password: psql in the server's \
         container, or as postgres over its socket. Where that is refused, nothing is claimed",
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
    .summary("{service} takes no writes: PostgreSQL is in recovery")
    .explanation("it runs as a standby; every INSERT, UPDATE and DELETE fails, reads succeed")
    .fixes(&[
        &look("see why", "SELECT * FROM pg_stat_wal_receiver; ls standby.signal recovery.signal in its data directory"),
        &person(
            "promote it, once it is certain that no other server is the primary",
            "SELECT pg_promote(); two primaries of one application lose writes",
        ),
    ]);

/// Transactions are read-only by default.
pub static PG_READ_ONLY: Cause = cause("PG-READ-ONLY", DataClue::ReadOnlyDefault)
    .summary("{service} takes no writes: default_transaction_read_only is on for {thing}")
    .explanation(
        "every INSERT, UPDATE and DELETE fails with \"cannot execute … in a read-only transaction\"; no data is lost",
    )
    .fixes(&[
        &look(
            "see who set it",
            "SELECT name, setting, sourcefile FROM pg_settings WHERE name = 'default_transaction_read_only'; \\drds",
        ),
        &person(
            "take the setting back, if it was not on purpose",
            "ALTER SYSTEM RESET default_transaction_read_only; SELECT pg_reload_conf(); of a database or role: ALTER \
             DATABASE or ALTER ROLE … RESET default_transaction_read_only. New sessions have it",
        ),
    ]);

/// No connection is left.
pub static PG_CONNECTIONS_USED: Cause = cause("PG-CONNECTIONS-USED", DataClue::ConnectionsUsed)
    .summary("{service} refuses new clients: {thing} has as many connections as it may have")
    .explanation("clients that have one go on; every new one is refused until one is given back")
    .fixes(&[
        &look("see who has them", "SELECT usename, application_name, client_addr, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC"),
        &person("give some back", "make the pool of the client that has most of them smaller, then restart that client"),
    ]);

/// A database lets nobody in.
pub static PG_DATABASE_CLOSED: Cause = cause("PG-DATABASE-CLOSED", DataClue::DatabaseClosed)
    .summary("{service} lets nobody into database {thing}")
    .explanation("clients get \"database is not currently accepting connections\"; its data is there")
    .fixes(&[
        &look("see it", "SELECT datname, datallowconn, datconnlimit FROM pg_database"),
        &person(
            "open it, if it was not closed on purpose",
            "ALTER DATABASE … ALLOW_CONNECTIONS true; ALTER DATABASE … CONNECTION LIMIT -1",
        ),
    ]);

/// Transaction numbers are used up.
pub static PG_WRAPAROUND: Cause = cause("PG-WRAPAROUND", DataClue::Wraparound)
    .summary("{service} is about to stop writes: transaction numbers of {thing} are used up")
    .explanation("at two thousand million PostgreSQL refuses new transactions until old rows are frozen")
    .fixes(&[
        &look(
            "see what keeps it",
            "old sessions in pg_stat_activity (backend_xmin), pg_prepared_xacts, pg_replication_slots",
        ),
        &person("freeze", "VACUUM (FREEZE, VERBOSE) in that database, the oldest tables first"),
    ]);

/// A time limit that ends everything.
pub static PG_TIMEOUT_TINY: Cause = cause("PG-TIMEOUT-TINY", DataClue::TimeoutTiny)
    .summary("{service} ends what clients do after less than a second: {thing}")
    .explanation("statements or sessions are cancelled before they can finish")
    .fixes(&[
        &look(
            "see who set it",
            "SELECT name, setting, unit, sourcefile FROM pg_settings WHERE name LIKE '%timeout'; \\drds",
        ),
        &person(
            "take the setting back",
            "ALTER SYSTEM, ALTER DATABASE or ALTER ROLE … RESET it; SELECT pg_reload_conf()",
        ),
    ]);

/// A relation that is not on the path.
pub static PG_SEARCH_PATH: Cause = cause("PG-SEARCH-PATH", DataClue::SearchPath)
    .summary("a client of {service} does not find relation {thing}, which exists in another schema")
    .explanation(
        "its search_path does not name that schema; the data is there, and a restore or migration would not help",
    )
    .fixes(&[
        &look(
            "see where the path is set",
            "\\drds; SHOW search_path; SELECT * FROM pg_file_settings WHERE name = 'search_path'",
        ),
        &person(
            "take the setting back, then let clients connect anew",
            "ALTER DATABASE or ALTER ROLE … RESET search_path",
        ),
    ]);

/// It starts, stops or recovers.
pub static PG_NOT_ACCEPTING: Cause = cause("PG-NOT-ACCEPTING", DataClue::NotAccepting)
    .summary("{service} is up and refuses everybody: it starts, stops or replays its log")
    .explanation("after a crash that takes as long as it has to replay; ending it begins that anew")
    .fixes(&[&Fix::new(
        "wait, and see in its log how far it is",
        Risk::ReadOnly,
        Remedy::Command(&["opsctl", "logs", "{service}", "-n", "50"]),
    )]);

/// Sessions wait for a lock.
pub static PG_LOCK_WAIT: Cause = cause("PG-LOCK-WAIT", DataClue::LockWait)
    .summary("sessions of {service} have waited for more than a minute for a lock that {thing} holds")
    .explanation("what they were asked waits with them, and soon everything that uses the same rows or table")
    .verdict(Verdict::Warn)
    .fixes(&[&look(
        "see what that session does",
        "SELECT pid, usename, state, xact_start, query FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids(PID)); one \
         that is idle in transaction can be ended by whoever owns it: SELECT pg_terminate_backend(PID)",
    )]);

/// A line of pg_hba.conf is none.
pub static PG_RULES_INVALID: Cause = cause("PG-HBA-INVALID", DataClue::RulesInvalid)
    .summary("{service} cannot apply pg_hba.conf: {thing} is not valid")
    .explanation("until the next restart it goes by the rules that it has; then it does not start")
    .verdict(Verdict::Warn)
    .fixes(&[&look(
        "see the lines",
        "SELECT file_name, line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL",
    )]);

/// A role's password is past its time.
pub static PG_ROLE_EXPIRED: Cause = cause("PG-ROLE-EXPIRED", DataClue::RoleExpired)
    .summary("{service} refuses the password of role {thing}: it has expired")
    .explanation("its VALID UNTIL is over; sessions that are open go on, new ones are refused")
    .verdict(Verdict::Warn)
    .fixes(&[&person("make it valid again, if somebody needs it", "ALTER ROLE … VALID UNTIL 'infinity'")]);

/// Takes no writes.
pub static MYSQL_READ_ONLY: Cause = cause("MYSQL-READ-ONLY", DataClue::MysqlReadOnly)
    .summary("{service} takes no writes: read_only is on")
    .explanation("it was made a replica, or somebody switched writes off; reads succeed")
    .fixes(&[
        &look("see whether it is a replica", "SHOW REPLICA STATUS; SELECT @@global.read_only"),
        &person(
            "switch writes on, if it is no replica",
            "SET GLOBAL read_only = OFF, and the same in its configuration",
        ),
    ]);

/// No connection is left.
pub static MYSQL_CONNECTIONS_USED: Cause = cause("MYSQL-CONNECTIONS-USED", DataClue::MysqlConnectionsUsed)
    .summary("{service} refuses new clients: all of max_connections are in use")
    .explanation("clients that have one go on; every new one gets error 1040")
    .fixes(&[
        &look(
            "see who has them",
            "SELECT user, host, command, count(*) FROM information_schema.processlist GROUP BY 1, 2, 3",
        ),
        &person(
            "give some back",
            "make the pool of the client that has most of them smaller, then restart that client",
        ),
    ]);

/// The password at hand is refused.
pub static REDIS_PASSWORD: Cause = cause("REDIS-PASSWORD-DIFFERS", DataClue::RedisPassword)
    .summary("{service} does not take the password in {thing}")
    .explanation("requirepass or the user's password and that file differ; who reads the file is refused")
    .fixes(&[&look(
        "see which of the two is right",
        "compare requirepass of redis.conf (CONFIG GET is often removed) with the file; correct the wrong one",
    )]);

/// A password that nobody names.
pub static REDIS_LOCKED: Cause = cause("REDIS-PASSWORD-SET", DataClue::RedisLocked)
    .summary("{service} requires a password, and its clients are known to have none")
    .explanation("the registry names no password for it: who connects without one is refused (NOAUTH)")
    .fixes(&[&look(
        "see whether that was meant",
        "requirepass in redis.conf, --requirepass in its command; where it is right, state its place in the registry",
    )]);

/// It is full and drops nothing.
pub static REDIS_FULL: Cause = cause("REDIS-FULL", DataClue::RedisFull)
    .summary("{service} takes no writes: maxmemory is reached, and its policy is noeviction")
    .explanation("every command that needs memory is refused (OOM); reads and deletes succeed")
    .fixes(&[
        &look("see what takes it", "redis-cli --bigkeys and INFO memory, with REDISCLI_AUTH"),
        &person(
            "give it more, or fewer keys",
            "raise maxmemory in redis.conf, or delete what is not needed; for a queue keep noeviction",
        ),
    ]);

/// It is nearly full and drops nothing.
pub static REDIS_NEARLY_FULL: Cause = cause("REDIS-NEARLY-FULL", DataClue::RedisNearlyFull)
    .summary("{service} will soon refuse writes: nearly all of maxmemory is used, and its policy is noeviction")
    .explanation("at maxmemory every command that needs memory is refused (OOM); reads and deletes succeed")
    .verdict(Verdict::Warn)
    .fixes(&[
        &look("see what takes it", "redis-cli --bigkeys and INFO memory, with REDISCLI_AUTH"),
        &person("give it more, or fewer keys", "raise maxmemory in redis.conf, or delete what is not needed"),
    ]);

/// It is a replica.
pub static REDIS_REPLICA: Cause = cause("REDIS-REPLICA", DataClue::RedisReplica)
    .summary("{service} takes no writes: it is a replica")
    .explanation("clients get READONLY; what is in it is another server's, and is replaced by what that one has")
    .fixes(&[
        &look("see whose", "redis-cli INFO replication; replicaof in redis.conf"),
        &person(
            "make it a master again, if nobody meant it to follow",
            "REPLICAOF NO ONE, after a copy of dump.rdb; then take replicaof out of redis.conf",
        ),
    ]);

/// It cannot save.
pub static REDIS_UNSAVED: Cause = cause("REDIS-UNSAVED", DataClue::RedisUnsaved)
    .summary("{service} could not save: its last snapshot or append failed")
    .explains(&[&PERMISSION_DENIED, &PATH_READ_ONLY, &FILE_MISSING])
    .explanation(
        "with stop-writes-on-bgsave-error it refuses writes (MISCONF); what is in memory only is lost with a restart",
    )
    .fixes(&[&look(
        "see why, before anything restarts it",
        "df and ls -ld of its dir; its log names the error; then BGSAVE, and INFO persistence",
    )]);

/// It reads its data.
pub static REDIS_STILL_LOADING: Cause = cause("REDIS-READS-DATA", DataClue::RedisLoading)
    .summary("{service} reads its data and answers nothing else yet")
    .explanation("clients get LOADING; a restart begins that anew")
    .fixes(&[&look("wait, and see how far it is", "redis-cli INFO persistence: loading_eta_seconds")]);

/// It takes no writes.
pub static MONGO_NO_PRIMARY: Cause = cause("MONGO-NOT-WRITABLE", DataClue::MongoNoPrimary)
    .summary("{service} takes no writes: it is not the primary")
    .explanation("it stepped down, recovers, or its set has no majority; reads of a primary fail as well")
    .depth(Depth::Effect)
    .fixes(&[&look("see why", "mongosh with a login: rs.status(), rs.conf()")]);

/// A file is none, or has nothing in it.
pub static FILE_UNUSABLE: Cause = cause("FILE-UNUSABLE", DataClue::FileUnusable)
    .summary("{service} cannot read {thing}: it is a directory or has no content")
    .explanation(
        "docker makes a directory where a file to be mounted is missing; a copy that failed leaves an empty file",
    )
    .fixes(&[&look(
        "see what it is, and bring the file back",
        "ls -ld of it; take it from where the others came from, with owner and mode",
    )]);

/// No database.
pub static SQLITE_MALFORMED: Cause = cause("SQLITE-MALFORMED", DataClue::SqliteMalformed)
    .summary("{service} has no database in {thing}: the file is empty or not a database")
    .explains(&[&DATA_CORRUPT, &CRASHED])
    .explanation("it was overwritten or truncated; a process that has it open may still have pages and a log of it")
    .fixes(&[&look(
        "keep all that is there before anything restarts {service}",
        "cp -a the file, its -wal and its -shm to another place; then opsctl backup list for copies",
    )]);

/// No right to write.
pub static SQLITE_READ_ONLY: Cause = cause("SQLITE-READ-ONLY", DataClue::SqliteReadOnly)
    .summary("{service} cannot open {thing} to write: owner, mode or mount deny it")
    .explains(&[&PERMISSION_DENIED, &PATH_READ_ONLY, &FILE_MISSING, &CRASHED])
    .explanation("SQLite needs to write the file and to make files beside it; reads may succeed meanwhile")
    .fixes(&[
        &Fix::new("see who may", Risk::ReadOnly, Remedy::Command(&["ls", "-la", "{thing}"])),
        &person(
            "give it back to the service's user",
            "chown and chmod as its siblings have it; where its mount is read-only, see why (dmesg, ReadOnlyPaths=)",
        ),
    ]);

/// Another process keeps it locked.
pub static SQLITE_LOCKED: Cause = cause("SQLITE-WRITE-LOCKED", DataClue::SqliteLocked)
    .summary("{service} cannot write its database: {thing}")
    .explains(&[&HELD_BY_OTHER, &CRASHED])
    .explanation("another process has a transaction open on it; the service's writes fail with \"database is locked\"")
    .fixes(&[&look(
        "see whose process that is, and let it end its transaction",
        "ps -o pid,user,lstart,args of it; an sqlite3 shell: COMMIT or ROLLBACK there",
    )]);
