//! What goes wrong on v-edfinance: the six failures of its runbooks with all their scenarios ("A" to "F" as there), and the
//! account lock, which no runbook has. "D…" are defects of those runbooks.

use super::super::*;
use super::services::*;
use super::{P0, P1, P2};
use Clue::{All, Any, Not, Of};

pub(super) static FAILURES: &[&Failure] = &[
    &MEMORY_LEAK,
    &LOGIN_FAILURE,
    &PAYMENT_FAILURE,
    &DATABASE_FAILURE,
    &SERVICE_DOWN,
    &SLOW_QUERIES,
    &usual::BACKUP_FAILURE,
];

/// Everything but the database, which has a failure of its own.
static OTHERS: &[&Service] = &[
    &DOCKER,
    &REDIS,
    &API,
    &WEB,
    &NGINX,
    &DOKPLOY_POSTGRES,
    &DOKPLOY_REDIS,
    &DOKPLOY,
    &PROMETHEUS,
    &GRAFANA,
    &UPTIME_KUMA,
    &NETDATA,
    &GLANCES,
    &BESZEL,
    &BESZEL_AGENT,
];

/// What any service may have, but for its env file: what Dokploy runs has none on this host.
static USUAL: &[&Cause] = &[
    &ENV_FILE_MISSING,
    &usual::ENV_KEY_MISSING,
    &usual::PROGRAM_MISSING,
    &usual::PORT_TAKEN,
    &usual::OUT_OF_MEMORY,
    &usual::NO_SPACE,
    &usual::MASKED,
    &usual::NOT_FOUND,
    &usual::PAUSED,
    &usual::STOPPED,
    &usual::RELOAD_NEEDED,
    &usual::MEMORY_HIGH,
    &usual::START_LIMIT,
    &usual::CRASH_LOOP,
    &usual::START_TIMEOUT,
    &usual::FAILED,
    &usual::UNHEALTHY,
    &usual::NO_ANSWER,
    &usual::BAD_ANSWER,
];

// F3
static MEMORY_LEAK: Failure = Failure::new(
    "memory-leak",
    &[
        &[
            &HEAP_EXHAUSTED,
            &usual::OUT_OF_MEMORY,
            &LISTENERS_LEAK,
            &UPLOADS_IN_MEMORY,
            &SESSIONS_LEFT_OPEN,
            &usual::MEMORY_HIGH,
        ],
        usual::MEMORY,
    ],
)
.summary("the API, or the host, runs out of memory")
.section("p0-memory-leak.md")
.severity(&P0)
.aliases(&["memory", "oom", "heap", "leak"])
.services(&[&API, &WEB])
.symptoms(&["api uses more than 1.8 GB", "\"JavaScript heap out of memory\"", "api restarts again and again"])
.note(
    "docker exec api node -e process.memoryUsage() measures a new process, not the server; opsctl reads the \
     container's memory counter. An unbounded cache (runbook pattern C) leaves no trace on the host: if memory is \
     high and no other pattern is proven, compare two readings a minute apart and check what the API keeps in \
     memory. The runbook's 4g is all the memory of this host",
);

// F4
static LOGIN_FAILURE: Failure = Failure::new(
    "login-failure",
    &[&[
        &JWT_SECRET_MISSING,
        &JWT_SECRET_SHORT,
        &USERS_OFF_PATH,
        &USERS_MISSING,
        &USERS_EMPTY,
        &HASH_CHANGED,
        &REDIS_UNREACHABLE,
        &ORIGINS,
        &ACCOUNTS_LOCKED,
        &LOGINS_REFUSED,
        &usual::CLOCK_ADRIFT,
    ]],
)
.summary("users cannot log in")
.section("p1-login-failure.md")
.severity(&P1)
.aliases(&["login", "auth", "401", "jwt", "cors", "locked", "account-lock", "account-locked"])
.services(&[&API])
.symptoms(&["users cannot log in", "more than 100 answers of 401 a minute", "\"JWT secret\" in the log"])
.note(
    "logins are in the database, not in Redis: do not flush Redis for them. A variable set with docker exec is lost \
     at the restart: set it where the container is created, and redeploy. opsctl does not log in: try a login by \
     hand, with the body from a file",
);

// F5
static PAYMENT_FAILURE: Failure = Failure::new(
    "payment-failure",
    &[&[
        &STRIPE_KEY_FORM,
        &STRIPE_KEY_REFUSED,
        &STRIPE_TEST_KEY,
        &WEBHOOK_RAW_BODY,
        &WEBHOOK_SECRET_FORM,
        &WEBHOOK_SIGNATURE,
        &PAYMENT_NOT_STORED,
        &STRIPE_RATE_LIMIT,
        &STRIPE_UNREACHABLE,
        &PAYMENTS_PENDING,
    ]],
)
.summary("payments fail, or are not recorded")
.section("p1-payment-failure.md")
.severity(&P1)
.aliases(&["payment", "payments", "stripe", "webhook", "checkout"])
.services(&[&API])
.symptoms(&["charged, but the order failed", "payments remain PENDING", "Stripe's webhooks end in 400"])
.note(
    "card_declined and authentication_required are no incidents. opsctl checks Stripe's answers in the log, the \
     format of the keys and the rows of the database; Stripe's own state is in its dashboard and on \
     https://status.stripe.com. Compare payment intents with payment intents (pi_), not with charges (ch_), and read \
     all result pages; never pass the key to curl as an argument",
);

// F2
static DATABASE_FAILURE: Failure = Failure::new(
    "database-failure",
    &[
        &[
            &CORRUPTION,
            &STALE_LOCK,
            &OTHER_VERSION,
            &DATA_NOT_OWNED,
            &TOO_MANY_CLIENTS,
            &DATABASE_MISSING,
            &DATABASE_LOGIN,
        ],
        USUAL,
    ],
)
.summary("PostgreSQL is down, damaged, full or not the server of the API")
.section("p0-database-failure.md")
.aliases(&["database", "db", "pg", "postgresql", "db-down", "corruption", "too-many-clients"])
.services(&[&POSTGRES])
.symptoms(&["every request ends in 500", "ECONNREFUSED on 5432", "FATAL in the log of the database"])
.note(
    "dokploy-postgres belongs to the control plane: do not confuse the two. Never VACUUM FULL on a full disk: it \
     needs space for a copy. The runbook's scripts vps-backup.sh and vps-restore.sh no longer exist",
);

// F1
static SERVICE_DOWN: Failure = Failure::new(
    "service-down",
    &[
        &[&usual::ENGINE_DOWN, &ADDRESS_IN_USE, &DATABASE_UNREACHABLE, &RELEASE_BROKEN, &PAGES_FROM_API],
        USUAL,
        usual::DISK,
        &[&CONTAINERS_UNWELL, &FAILED_UNITS, &LOOPING_UNITS],
    ],
)
.summary("api, web or a service near them is not working")
.section("p0-service-down.md")
.aliases(&["down", "crash-loop", "502", "503", "disk", "disk-full", "enospc", "port-conflict", "eaddrinuse"])
.services(OTHERS)
.symptoms(&["api or web does not answer", "a container has exited or restarts again and again"])
.note(
    "restart a Swarm task with docker service update --force, not docker restart. The runbook rolls back with \
     Dokploy, which had no api, web or nginx on 2026-01-08; opsctl rollback needs no Dokploy. Never kill -9 the \
     process on a port and never empty the logs of all containers: both are evidence",
);

// F6
static SLOW_QUERIES: Failure = Failure::new(
    "slow-queries",
    &[&[
        &BLOCKED,
        &POOL_EXHAUSTED,
        &CONNECTIONS_SHORT,
        &INDEX_INVALID,
        &INDEX_MISSING,
        &CALLED_TOO_OFTEN,
        &STATISTICS_STALE,
        &IDLE_IN_TRANSACTION,
        &STATEMENT_SLOW,
        &RUNS_LONG,
        &usual::LOAD_HIGH,
    ]],
)
.summary("the database answers slowly")
.section("p1-slow-queries.md")
.severity(&P1)
.aliases(&["slow", "latency", "locks", "n-plus-one", "pool", "load"])
.services(&[&POSTGRES, &API])
.symptoms(&["answers take more than 3 s", "statements time out", "the database is busy"])
.note(
    "EXPLAIN ANALYZE runs the statement: wrap writes in a transaction and roll it back. pg_stat_statements must be \
     preloaded and created; without it opsctl reports no mean times and no call counts. It counts from its last \
     reset: save its numbers before a reset",
);

/// How the server is, whichever database is the application's.
static SERVER: Query = Query::new(
    &POSTGRES,
    Database::Postgres,
    r"SELECT 'connections: ' || count(*) FROM pg_stat_activity WHERE backend_type = 'client backend';
SELECT 'connections allowed: ' || current_setting('max_connections');
SELECT 'idle for 5 min: ' || count(*) FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND state = 'idle' AND state_change < now() - interval '5 min';
SELECT 'idle in transaction: pid ' || pid || ' for ' || extract(epoch FROM now() - state_change)::int || ' s'
  FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND state_change < now() - interval '1 min'
  ORDER BY state_change LIMIT 1;
SELECT 'runs long: pid ' || pid || ' for ' || extract(epoch FROM now() - query_start)::int || ' s'
  FROM pg_stat_activity WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
  AND query_start < now() - interval '5 s' AND wait_event_type IS DISTINCT FROM 'Lock' ORDER BY query_start LIMIT 1;
SELECT 'blocked: pid ' || pid || ' waits ' || extract(epoch FROM now() - query_start)::int || ' s for pid '
  || array_to_string(pg_blocking_pids(pid), ', ')
  FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query_start < now() - interval '5 s'
  AND cardinality(pg_blocking_pids(pid)) > 0 ORDER BY query_start LIMIT 1;
",
)
.name("server.sql");

/// How the application's database is: numbers and names of tables only, never a row.
static DATABASE: Query = Query::new(
    &POSTGRES,
    Database::InUrl(&API, "DATABASE_URL"),
    r#"SELECT EXISTS (SELECT FROM pg_database WHERE datname = :'database') AS there \gset
\if :there
\connect :"database"
SELECT to_regclass('"User"') IS NOT NULL AS users,
  (SELECT count(*) = 2 FROM pg_attribute WHERE attrelid = to_regclass('"User"')
    AND attname IN ('passwordHash', 'lockedUntil') AND NOT attisdropped) AS logins,
  (SELECT count(*) = 2 FROM pg_attribute WHERE attrelid = to_regclass('"Transaction"')
    AND attname IN ('status', 'createdAt') AND NOT attisdropped) AS payments,
  to_regclass('pg_stat_statements') IS NOT NULL
    AND current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%' AS statements \gset
SELECT 'User beyond search_path: ' || n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname = 'User' AND c.relkind IN ('r', 'p') AND NOT pg_table_is_visible(c.oid);
\if :users
SELECT 'users: ' || count(*) FROM "User";
\else
SELECT 'no table User' WHERE NOT EXISTS (SELECT FROM pg_class WHERE relname = 'User' AND relkind IN ('r', 'p'));
\endif
\if :logins
SELECT 'locked users: ' || count(*) FROM "User" WHERE "lockedUntil" > now();
SELECT 'other hashes: ' || count(*) || ' of ' || (SELECT count(*) FROM "User") FROM "User"
  WHERE "passwordHash" !~ '^\$2[aby]\$' OR length("passwordHash") <> 60;
\endif
\if :payments
SELECT 'pending payments of the last hour: ' || count(*) FROM "Transaction"
  WHERE status::text = 'PENDING' AND "createdAt" > now() - interval '1 hour';
\endif
\if :statements
SELECT 'slow statement: ' || queryid || ' takes ' || mean_exec_time::int || ' ms, ' || calls || ' calls'
  FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND mean_exec_time > 1000 AND calls >= 5 ORDER BY total_exec_time DESC LIMIT 1;
SELECT 'called often: ' || queryid || ' ' || (calls / minutes)::int || ' times a minute'
  FROM pg_stat_statements, (SELECT greatest(extract(epoch FROM now() - stats_reset) / 60, 1) AS minutes
    FROM pg_stat_statements_info) AS since
  WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND query ILIKE 'select%' AND calls / minutes > 1000 ORDER BY calls DESC LIMIT 1;
\endif
SELECT 'invalid index: ' || indexrelid::regclass FROM pg_index
  WHERE NOT indisvalid AND indexrelid NOT IN (SELECT index_relid FROM pg_stat_progress_create_index) LIMIT 1;
SELECT 'read as a whole: ' || relname || ', ' || seq_scan || ' times, ' || seq_tup_read / seq_scan || ' rows each'
  FROM pg_stat_user_tables WHERE seq_scan > 100 AND seq_scan > coalesce(idx_scan, 0)
  AND seq_tup_read / seq_scan > 10000 ORDER BY seq_tup_read DESC LIMIT 1;
SELECT 'statistics: ' || relname || ', ' || n_mod_since_analyze || ' rows changed since '
  || coalesce(greatest(last_analyze, last_autoanalyze)::date::text, 'it was made')
  FROM pg_stat_user_tables WHERE n_mod_since_analyze > greatest(1000, n_live_tup / 5)
  AND coalesce(greatest(last_analyze, last_autoanalyze), '-infinity') < now() - interval '7 days'
  ORDER BY n_mod_since_analyze DESC LIMIT 1;
\else
\echo no database of that name: :database
\endif
"#,
)
.name("database.sql");

/// The database can be asked.
const ASKABLE: Clue = Not(&Of(&POSTGRES, &Clue::Unhealthy));

const HOUR: Window = Window::Seconds(3600);

static RESTART: Fix = Fix::new("restart {service}", Risk::Disruptive, Remedy::Restart);
static RESTART_API: Fix = Fix::new("restart api", Risk::Disruptive, Remedy::RestartOf(&API));
static READ_LOG: Fix =
    Fix::new("read its log", Risk::ReadOnly, Remedy::Command(&["opsctl", "logs", "{service}", "-n", "100"]));
static SET_AND_REDEPLOY: Fix = Fix::new(
    "set it where the container is created, then recreate the container",
    Risk::Disruptive,
    Remedy::Manual(
        "correct it in {env} and docker compose up -d api in /root/v-edfinance, or in Dokploy and redeploy there; a \
         restart alone keeps the old value",
    ),
);

static ENV_FILE_MISSING: Cause =
    Cause::new("ENV-FILE-MISSING", All(&[Clue::Unhealthy, Clue::Env(EnvClue::FileMissing)]))
        .summary("the env file of {service} is missing")
        .explanation(
            "compose creates no container without it; a container of Dokploy needs none, so this counts only while the \
         service is down",
        )
        .about(About::These(&[&API, &POSTGRES]))
        .fixes(&[&Fix::new(
            "recreate the env file",
            Risk::Safe,
            Remedy::Manual(
                "copy {env} from your secret store, mode 600, then docker compose up -d in /root/v-edfinance. opsctl \
             never invents an env file",
            ),
        )]);

// --- memory-leak

static HEAP_EXHAUSTED: Cause = Cause::new(
    "HEAP-EXHAUSTED",
    Clue::Said(r"JavaScript heap out of memory|Reached heap limit|Ineffective mark-compacts", HOUR),
)
.summary("{service} ended because its JavaScript heap was full")
.explanation(
    "Node aborts at its heap limit, often below the container's limit; it leaks memory or handles too large an object",
)
.explains(&[&usual::OUT_OF_MEMORY, &usual::MEMORY_HIGH])
.fixes(&[&RESTART, &READ_LOG]);

static LISTENERS_LEAK: Cause =
    Cause::new("LISTENERS-LEAK", Clue::Said(r"MaxListenersExceededWarning|Possible EventEmitter memory leak", HOUR))
        .summary("{service} adds event listeners and does not remove them")
        .explanation(
            "runbook pattern B: each WebSocket or event stream leaves listeners behind; Node warns at \
         eleven of one type",
        )
        .verdict(Verdict::Warn)
        .explains(&[&usual::MEMORY_HIGH])
        .fixes(&[
            &READ_LOG,
            &Fix::new(
                "remove the listeners when a connection closes",
                Risk::Disruptive,
                Remedy::Manual("fix the code that the warning names, then opsctl redeploy api"),
            ),
        ]);

static UPLOADS_IN_MEMORY: Cause = Cause::new(
    "UPLOADS-IN-MEMORY",
    All(&[
        Any(&[Clue::MemoryHigh, Clue::Ended(Ending::OutOfMemory), Clue::Restarts(1)]),
        Clue::Said(r"LIMIT_FILE_SIZE|MulterError|PayloadTooLargeError|request entity too large", HOUR),
    ]),
)
.summary("uploads are held in the memory of {service}")
.explanation(
    "runbook pattern D: memory is low, and uploads above the limit were refused in the last hour; each upload is \
     held as a whole",
)
.verdict(Verdict::Warn)
.about(About::These(&[&API]))
.explains(&[&usual::MEMORY_HIGH])
.fixes(&[&Fix::new(
    "write uploads to disk, with a limit",
    Risk::Disruptive,
    Remedy::Manual("multer with diskStorage and limits.fileSize, then opsctl redeploy api"),
)]);

static SESSIONS_LEFT_OPEN: Cause = Cause::new(
    "SESSIONS-LEFT-OPEN",
    All(&[ASKABLE, Clue::Query(&SERVER, Shows::Line(r"^idle for 5 min: (2[1-9]|[3-9]\d|\d{3,})$"))]),
)
.summary("database sessions are left open")
.explanation(
    "runbook pattern A: more than 20 sessions were idle for five minutes, although one Prisma client keeps at most \
     ten: the code creates clients and never closes them",
)
.verdict(Verdict::Warn)
.about(About::These(&[&API]))
.explains(&[&usual::MEMORY_HIGH])
.fixes(&[
    &RESTART,
    &Fix::new(
        "use one Prisma client, closed at shutdown",
        Risk::Disruptive,
        Remedy::Manual("correct the code (onModuleDestroy: $disconnect), then opsctl redeploy api"),
    ),
]);

// --- login-failure

static JWT_SECRET_MISSING: Cause = Cause::new(
    "JWT-SECRET-MISSING",
    Any(&[
        Clue::Env(EnvClue::KeysMissing(&["JWT_SECRET"])),
        All(&[
            Clue::Unhealthy,
            Clue::Said(
                concat!(
                    r"(?i)JWT.?secret.*(not|missing|undefined|required)|secretOrPrivateKey",
                    r"|JwtStrategy requires a secret"
                ),
                Window::Run,
            ),
        ]),
    ]),
)
.summary("JWT_SECRET is not set")
.explanation("runbook scenario A: the API does not start without it; a running process cannot start again")
// Without it the API does not start: that is more than a login that fails.
.severity(&P0)
.explains(&[&usual::ENV_KEY_MISSING])
.fixes(&[&Fix::new(
    "set it again, to the same value if you know it",
    Risk::Disruptive,
    Remedy::Manual("set JWT_SECRET in {env} or in Dokploy and recreate the container; a new value logs all users out"),
)]);

static JWT_SECRET_SHORT: Cause = Cause::new("JWT-SECRET-SHORT", Clue::Env(EnvClue::key("JWT_SECRET").unlike(".{33,}")))
    .summary("JWT_SECRET is not longer than 32 characters")
    .explanation("runbook scenario A: the runbook requires more than 32; a short one can be guessed from any token")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "create a longer one; it logs all users out",
        Risk::Disruptive,
        Remedy::Manual("openssl rand -base64 48, into {env} or Dokploy; then recreate the container"),
    )]);

static USERS_OFF_PATH: Cause =
    Cause::new("USERS-OFF-PATH", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^User beyond search_path: "))]))
        .summary("the table User is in a schema that the search path does not name")
        .explanation("search_path was set for the database, a role or the server; the data exists, so restore nothing")
        .severity(&P0)
        .fixes(&[
            &Fix::new(
                "see where search_path is set",
                Risk::ReadOnly,
                Remedy::Command(&["docker", "exec", "vedfinance-postgres", "psql", "-U", "postgres", "-c", "\\drds"]),
            ),
            &Fix::new(
                "reset search_path, then make the API reconnect",
                Risk::Disruptive,
                Remedy::Manual("ALTER DATABASE or ALTER ROLE … RESET search_path; then opsctl restart api"),
            ),
        ]);

static USERS_MISSING: Cause = Cause::new(
    "USERS-MISSING",
    All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^no table User$"))]),
)
.summary("the API's database has no table User")
.explanation("runbook scenario B: it was never migrated, or DATABASE_URL or a restore has another database")
.severity(&P0)
.fixes(&[
    &Fix::new(
        "see whether DATABASE_URL names the right database",
        Risk::ReadOnly,
        Remedy::Command(&["docker", "exec", "vedfinance-postgres", "psql", "-U", "postgres", "-l"]),
    ),
    &Fix::new(
        "see whether the table is in another schema",
        Risk::ReadOnly,
        Remedy::Manual(
            "docker exec vedfinance-postgres psql -U postgres -l, then \\dt *.\"User\" in each database; if the \
                     table exists, correct only DATABASE_URL or search_path",
        ),
    ),
    &Fix::new(
        "migrate it if it is a new database",
        Risk::Destructive,
        Remedy::Manual("docker exec vedfinance-api npx prisma migrate deploy; never load test data into production"),
    ),
]);

static USERS_EMPTY: Cause = Cause::new(
    "USERS-EMPTY",
    All(&[
        ASKABLE,
        Clue::Query(&DATABASE, Shows::Line("^users: 0$")),
        Clue::Query(&DATABASE, Shows::NoLine("^User beyond search_path: ")),
    ]),
)
.summary("the table User is empty")
.explanation("runbook scenario B: nobody can log in; the wrong backup was restored, or an empty database migrated")
.severity(&P0)
.fixes(&[&Fix::new(
    "find the newest good backup before anybody registers again",
    Risk::Destructive,
    Remedy::Manual(
        "opsctl backup list; load the copy into a separate database and compare the rows before you replace \
         anything. Prisma's test data is only for staging",
    ),
)]);

static HASH_CHANGED: Cause =
    Cause::new("HASH-CHANGED", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line(r"^other hashes: [1-9]"))]))
        .summary("some stored passwords are not bcrypt hashes")
        .explanation(
            "runbook scenario D: a bcrypt hash has 60 characters and begins with $2; users with other hashes cannot \
             log in",
        )
        .fixes(&[&Fix::new(
            "roll back to the previous version, and ask the users concerned to set a new password",
            Risk::Disruptive,
            Remedy::Manual("opsctl rollback api; pin the version of bcrypt before the next release"),
        )]);

static REDIS_UNREACHABLE: Cause = Cause::new(
    "REDIS-UNREACHABLE",
    All(&[
        Not(&Of(&REDIS, &Clue::Unhealthy)),
        Clue::Said(
            concat!(
                r"(?i)redis.*(ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|NOAUTH|WRONGPASS)",
                r"|(ECONNREFUSED|ETIMEDOUT).*:6379\b"
            ),
            Window::Seconds(600),
        ),
    ]),
)
.summary("{service} does not reach Redis, although Redis answers")
.explanation(
    "runbook scenario C: REDIS_HOST or REDIS_PORT is wrong (6379 inside the network, 6380 on the host), or the two \
     containers share no network",
)
.fixes(&[&SET_AND_REDEPLOY]);

static ORIGINS: Cause = Cause::new(
    "ORIGINS",
    Any(&[
        Clue::Env(EnvClue::KeysMissing(&["ALLOWED_ORIGINS"])),
        Clue::Env(EnvClue::key("ALLOWED_ORIGINS").unlike(r"https?://[^/,\s*]+(,https?://[^/,\s*]+)*")),
    ]),
)
.summary("ALLOWED_ORIGINS is missing or not a list of origins")
.explanation(
    "runbook scenario E: browsers refuse what curl accepts; an origin is scheme, host and port without a final \
     slash, and commas without spaces separate several",
)
.verdict(Verdict::Warn)
.fixes(&[&SET_AND_REDEPLOY]);

static ACCOUNTS_LOCKED: Cause =
    Cause::new("ACCOUNTS-LOCKED", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line(r"^locked users: [1-9]"))]))
        .summary("accounts are locked")
        .explanation(
            "no runbook has this: five wrong passwords lock an account for 30 minutes; the answer is still 401",
        )
        .verdict(Verdict::Warn)
        .severity(&P2)
        .fixes(&[&Fix::new(
            "wait 30 minutes, or unlock one account",
            Risk::Safe,
            Remedy::Manual(
                "one account, after you verified its user: UPDATE \"User\" SET \"failedLoginAttempts\" = 0, \
                 \"lockedUntil\" = NULL WHERE id = …",
            ),
        )]);

static LOGINS_REFUSED: Cause = Cause::new(
    "LOGINS-REFUSED",
    Clue::SaidTimes(
        100,
        r"(?i)login failed|invalid (credentials|password)|UnauthorizedException|\b401\b",
        Window::Seconds(60),
    ),
)
.summary("more than 100 logins were refused in the last minute")
.explanation("somebody guesses passwords, or a release refuses correct ones")
.depth(Depth::Effect)
.verdict(Verdict::Warn)
.fixes(&[&READ_LOG]);

// --- payment-failure

static STRIPE_KEY_FORM: Cause = Cause::new(
    "STRIPE-KEY-FORM",
    Any(&[
        Clue::Env(EnvClue::KeysMissing(&["STRIPE_SECRET_KEY"])),
        Clue::Env(EnvClue::key("STRIPE_SECRET_KEY").unlike("(sk|rk)_(live|test)_[0-9A-Za-z_]{8,}")),
    ]),
)
.summary("STRIPE_SECRET_KEY is missing or not a secret key of Stripe")
.explanation(
    "runbook scenario A: such keys begin with sk_live_, sk_test_ or rk_; pk_ is the public one, which can charge \
     nobody",
)
.explains(&[&STRIPE_KEY_REFUSED])
.fixes(&[&SET_AND_REDEPLOY]);

static STRIPE_KEY_REFUSED: Cause = Cause::new(
    "STRIPE-KEY-REFUSED",
    Clue::Said(r"(?i)(invalid|expired) api key|StripeAuthenticationError|api_key_expired", HOUR),
)
.summary("Stripe refuses the key of {service}")
.explanation("runbook scenario A: it was rotated, revoked or truncated when pasted; every payment fails")
.fixes(&[&Fix::new(
    "copy a new key from Stripe's dashboard",
    Risk::Disruptive,
    Remedy::Manual("put it into {env} or Dokploy, for api and web, recreate the containers, and try a small payment"),
)]);

static STRIPE_TEST_KEY: Cause = Cause::new(
    "STRIPE-TEST-KEY",
    Any(&[
        All(&[
            Clue::Env(EnvClue::key("STRIPE_SECRET_KEY").like("sk_test_.*")),
            Clue::Env(EnvClue::key("NODE_ENV").like("production")),
        ]),
        Clue::Said(r"a similar object exists in (live|test) mode, but a (test|live) mode key", HOUR),
    ]),
)
.summary("production uses Stripe's test key")
.explanation("runbook scenario E: no card is charged, and real cards are refused")
.fixes(&[&Fix::new(
    "set the live key, and contact the users who paid meanwhile",
    Risk::Disruptive,
    Remedy::Manual("put sk_live_… into {env} or Dokploy and recreate the container"),
)]);

static WEBHOOK_RAW_BODY: Cause = Cause::new(
    "WEBHOOK-RAW-BODY",
    Clue::Said(r"(?i)payload must be provided as a string or a Buffer|payload was provided as a parsed", HOUR),
)
.summary("{service} verifies Stripe's signatures against a parsed body")
.explanation(
    "runbook scenario B: the application is created without rawBody, so every webhook gets 400 with any secret; \
     rotating the secret changes nothing",
)
.explains(&[&WEBHOOK_SIGNATURE, &PAYMENTS_PENDING])
.fixes(&[&Fix::new(
    "create the application with rawBody: true",
    Risk::Disruptive,
    Remedy::Manual(
        "NestFactory.create(AppModule, { rawBody: true }) and request.rawBody in the handler, then opsctl redeploy api",
    ),
)]);

static WEBHOOK_SECRET_FORM: Cause = Cause::new(
    "WEBHOOK-SECRET-FORM",
    Any(&[
        Clue::Env(EnvClue::KeysMissing(&["STRIPE_WEBHOOK_SECRET"])),
        Clue::Env(EnvClue::key("STRIPE_WEBHOOK_SECRET").unlike("whsec_[0-9A-Za-z+/=]{8,}")),
    ]),
)
.summary("STRIPE_WEBHOOK_SECRET is missing or not a webhook secret")
.explanation("runbook scenario B: it begins with whsec_; without it no payment is ever marked as paid")
.explains(&[&WEBHOOK_SIGNATURE, &PAYMENTS_PENDING])
.fixes(&[&SET_AND_REDEPLOY]);

static WEBHOOK_SIGNATURE: Cause = Cause::new(
    "WEBHOOK-SIGNATURE",
    Clue::SaidTimes(
        3,
        concat!(
            r"(?i)webhook signature verification failed|No signatures found matching",
            r"|StripeSignatureVerificationError"
        ),
        HOUR,
    ),
)
.summary("{service} refused webhooks of Stripe for their signature, three times or more in the last hour")
.explanation(
    "runbook scenario B: the secret belongs to another endpoint, or another sender signs them; if correctly signed \
     webhooks also fail, the raw body is the cause, not the secret",
)
.explains(&[&PAYMENTS_PENDING])
.fixes(&[
    &Fix::new(
        "test the handler: a wrong signature must get 400, not 500 or no answer",
        Risk::ReadOnly,
        Remedy::Manual(
            "curl -s -o /dev/null -w '%{http_code}' -X POST -H 'stripe-signature: t=1,v1=0' -d '{}' \
             http://localhost:3001/payment/webhook",
        ),
    ),
    &SET_AND_REDEPLOY,
]);

static PAYMENT_NOT_STORED: Cause = Cause::new(
    "PAYMENT-NOT-STORED",
    Clue::Said(
        concat!(
            r"(?i)(payment|transaction|stripe|checkout).*(P20(02|03|25|28|34)\b|constraint|deadlock|roll(ed)? ?back)",
            r"|(P20(02|03|28|34)\b|constraint).*\b(payment|transaction|stripe)"
        ),
        HOUR,
    ),
)
.summary("{service} could not store a payment in the last hour")
.explanation(
    "runbook scenario C: Stripe charged the card, and the database refused the row: a constraint, a timeout, or a \
     deleted user",
)
.fixes(&[&Fix::new(
    "reconcile by hand: Stripe's intents against the rows",
    Risk::ReadOnly,
    Remedy::Manual(
        "opsctl run reconcile-payments lists the transactions of 24 h; export Stripe's payment intents of the same time, and match \
         on stripePaymentIntentId; apply only rows that two people reviewed",
    ),
)]);

static STRIPE_RATE_LIMIT: Cause = Cause::new(
    "STRIPE-RATE-LIMIT",
    Clue::Said(
        concat!(
            r"(?i)StripeRateLimitError|rate_limit(_error)?\b.*stripe|stripe.*(rate.?limit|too many requests)",
            r"|rate_limit_error"
        ),
        HOUR,
    ),
)
.summary("Stripe rejected requests of {service}: too many per second")
.explanation("runbook scenario D: Stripe allows about 100 per second; a loop or a bulk job sends too many")
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "queue the requests",
    Risk::Disruptive,
    Remedy::Manual("find the sender in the log, and add a delay between its requests"),
)]);

static STRIPE_UNREACHABLE: Cause = Cause::new(
    "STRIPE-UNREACHABLE",
    Clue::Said(
        concat!(
            r"(?i)StripeConnectionError|StripeAPIError",
            r"|api\.stripe\.com.*(ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ECONNRESET)",
            r"|(ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ECONNRESET).*api\.stripe\.com"
        ),
        HOUR,
    ),
)
.summary("{service} did not reach Stripe in the last hour")
.explanation("Stripe is down (see https://status.stripe.com), or this host has no outgoing connection")
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "call Stripe from this host",
    Risk::ReadOnly,
    Remedy::Command(&["curl", "-sS", "-m", "5", "https://status.stripe.com/api/v2/status.json"]),
)]);

static PAYMENTS_PENDING: Cause = Cause::new(
    "PAYMENTS-PENDING",
    All(&[
        ASKABLE,
        Clue::Query(&DATABASE, Shows::Line(r"^pending payments of the last hour: (1[1-9]|[2-9]\d|\d{3,})$")),
    ]),
)
.summary("more than ten payments of the last hour are still pending")
.explanation("one or two affect single customers, more than ten affect everybody; opsctl found no known cause")
.depth(Depth::Effect)
.fixes(&[&Fix::new(
    "compare with Stripe's dashboard: paid there, or never finished?",
    Risk::ReadOnly,
    Remedy::Command(&["opsctl", "logs", "api", "-g", "(?i)payment|stripe|webhook", "--since", "1h"]),
)]);

// --- database-failure

static CORRUPTION: Cause = Cause::new(
    "CORRUPTION",
    Clue::Said(
        concat!(
            r"(?i)could not read blocks?|invalid page in block|PANIC:|contains corrupted page",
            r"|corrupted (page|item|line)|unexpected zero page|could not locate a valid checkpoint",
            r"|missing chunk number|index .* (is corrupted|contains)"
        ),
        HOUR,
    ),
)
.summary("PostgreSQL reports damaged files")
.explanation(
    "runbook scenario C: it cannot read a block, an index or its WAL; every further write may increase the \
 damage",
)
.about(About::These(&[&POSTGRES]))
.severity(&P0)
.fixes(&[
    &Fix::new(
        "stop what writes, and copy the volume before anything else",
        Risk::Destructive,
        Remedy::Manual(
            "opsctl stop api; opsctl stop postgres; copy the volume postgres_data to another directory; then start \
             postgres alone",
        ),
    ),
    &Fix::new(
        "an index: rebuild it by name; otherwise restore",
        Risk::Destructive,
        Remedy::Manual(
            "REINDEX INDEX CONCURRENTLY \"NAME\" (the runbook's loop uses headings as names); restore a damaged \
             table from a backup, and keep the old volume",
        ),
    ),
]);

static STALE_LOCK: Cause = Cause::new(
    "STALE-LOCK",
    All(&[
        Clue::Unhealthy,
        Clue::Said(
            r#"lock file "postmaster\.pid" (already exists|is empty)|pre-existing shared memory block"#,
            Window::Run,
        ),
    ]),
)
.summary("PostgreSQL does not start: its data directory has a lock file")
.explanation(
    "runbook scenario B: another server uses the same volume, or one was killed; removing the file while another \
     server runs destroys the database",
)
.about(About::These(&[&POSTGRES]))
.fixes(&[&Fix::new(
    "prove that no other server uses the volume, then remove the file",
    Risk::Destructive,
    Remedy::Manual(
        "docker ps -a --filter volume=v-edfinance_postgres_data must list only this container; opsctl stop postgres; \
         remove postmaster.pid from the volume's directory on the host; opsctl start postgres",
    ),
)]);

static OTHER_VERSION: Cause = Cause::new(
    "OTHER-VERSION",
    All(&[
        Clue::Unhealthy,
        Clue::Said(r"database files are incompatible with server|was initialized by PostgreSQL version", Window::Run),
    ]),
)
.summary("PostgreSQL does not start: its files are of another version")
.explanation("the compose files name 15, 16, 17 and pgvector; a newer image cannot read the data of an older one")
.about(About::These(&[&POSTGRES]))
.fixes(&[&Fix::new(
    "use the image whose version the volume has",
    Risk::Disruptive,
    Remedy::Manual(
        "set the tag in docker-compose.yml to the version that the message names, docker compose up -d postgres; \
         never recreate the volume",
    ),
)]);

static DATA_NOT_OWNED: Cause = Cause::new(
    "DATA-NOT-OWNED",
    All(&[
        Clue::Unhealthy,
        Clue::Said(
            concat!(
                r"data directory .* has (wrong ownership|invalid permissions)",
                r"|could not (open|access) (file|directory) .*: Permission denied"
            ),
            Window::Run,
        ),
    ]),
)
.summary("PostgreSQL does not start: another user owns its files")
.explanation("a restore or a copy left them with another owner or mode")
.about(About::These(&[&POSTGRES]))
.fixes(&[&Fix::new(
    "make the image's postgres user their owner",
    Risk::Disruptive,
    Remedy::Manual(
        "opsctl stop postgres; chown -R the volume's directory to the owner that the image's postgres has (70 in \
         alpine, 999 in Debian), mode 700; opsctl start postgres",
    ),
)]);

static TOO_MANY_CLIENTS: Cause = Cause::new(
    "TOO-MANY-CLIENTS",
    Any(&[
        Clue::Reply(Heard::Text(r"^53300 |too many clients already|remaining connection slots")),
        All(&[
            Clue::State(&[State::Running]),
            Clue::Said(r"too many clients already|remaining connection slots are reserved", Window::Seconds(120)),
        ]),
    ]),
)
.summary("PostgreSQL accepts no more connections")
.explanation(
    "runbook scenario E: all of max_connections are in use: sessions that are never closed, or pools that \
 are too large",
)
.about(About::These(&[&POSTGRES]))
.fixes(&[
    &RESTART_API,
    &Fix::new(
        "end sessions that have been idle for more than five minutes",
        Risk::Disruptive,
        Remedy::Manual(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle' AND state_change < now() - \
             interval '5 min' AND datname = the API's",
        ),
    ),
]);

/// What visitors are shown: the edge's own /health is a fixed text.
static ROOT_PAGE: Http = Http::get(80, "/", &[]);

static PAGES_FROM_API: Cause = Cause::new(
    "PAGES-FROM-API",
    All(&[
        Of(&WEB, &Not(&Clue::Unhealthy)),
        Not(&Clue::Unhealthy),
        Clue::Get(&ROOT_PAGE, Heard::Text(r#""message":\s*"Cannot GET /""#)),
    ]),
)
.summary("visitors of / reach api instead of web: nginx uses the wrong upstream")
.explanation("web answers on its own port; through nginx on port 80 the API answers instead, with 404")
.about(About::These(&[&NGINX]))
.fixes(&[&Fix::new(
    "compare what nginx runs with its file, then correct proxy_pass of location /",
    Risk::Disruptive,
    Remedy::Manual(
        "docker exec {unit} nginx -T shows what it runs; in apps/nginx/nginx.conf of the repository location / has \
         proxy_pass to web:3000. Then docker exec {unit} nginx -s reload",
    ),
)]);

static DATABASE_MISSING: Cause = Cause::new(
    "DATABASE-MISSING",
    All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^no database of that name"))]),
)
.summary("the database that DATABASE_URL of api names does not exist")
.explains(&[&usual::OBJECT_MISSING])
.explanation("the documents have five names; a new volume has only one of them, and it is empty")
.about(About::These(&[&POSTGRES]))
.fixes(&[
    &Fix::new(
        "see which databases there are",
        Risk::ReadOnly,
        Remedy::Command(&["docker", "exec", "{unit}", "psql", "-U", "postgres", "-l"]),
    ),
    &Fix::new(
        "correct DATABASE_URL of api",
        Risk::Disruptive,
        Remedy::Manual(
            "if another name has the data, put that name into {env}; never create an empty database before you know \
                     where the data is",
        ),
    ),
]);

static DATABASE_LOGIN: Cause = Cause::new(
    "DATABASE-LOGIN",
    Of(
        &API,
        &All(&[Clue::Unhealthy, Clue::Said(r"password authentication failed|P1000\b|28P01", Window::Seconds(120))]),
    ),
)
.summary("PostgreSQL refuses the password of api")
.explanation("it was changed on one side only; POSTGRES_PASSWORD counts only when the volume is created")
.about(About::These(&[&POSTGRES]))
.fixes(&[&Fix::new(
    "make role and DATABASE_URL match",
    Risk::Disruptive,
    Remedy::Manual(
        "\\password in psql inside the container, and DATABASE_URL in /root/v-edfinance/apps/api/.env or Dokploy; \
         then recreate the API's container",
    ),
)]);

static DATABASE_UNREACHABLE: Cause = Cause::new(
    "DATABASE-UNREACHABLE",
    All(&[
        Clue::Unhealthy,
        ASKABLE,
        Clue::Said(
            concat!(
                r"(?i)ECONNREFUSED.*:543\d|P1001\b|can't reach database server",
                r"|connection to server .* failed: (connection refused|no route|timeout)",
                r"|could not translate host name|getaddrinfo (ENOTFOUND|EAI_AGAIN) .*(postgres|db)"
            ),
            Window::Seconds(120),
        ),
    ]),
)
.summary("{service} does not reach the database, although the database answers")
.explanation("runbook scenario A: DATABASE_URL names another host or port, or the two containers share no network")
.about(About::These(&[&API]))
.fixes(&[&SET_AND_REDEPLOY, &RESTART]);

// --- service-down

static ADDRESS_IN_USE: Cause = Cause::new(
    "ADDRESS-IN-USE",
    All(&[Clue::Unhealthy, Clue::Said(r"EADDRINUSE|(?i)address already in use", Window::Run)]),
)
.summary("{service} cannot listen: its address is in use")
.explanation(
    "runbook scenario B: Grafana's file publishes 3001, the port of the API; Uptime Kuma 3002, the port of web; the \
     API's own file 3000, the port of Dokploy",
)
.explains(&[&usual::STOPPED, &usual::FAILED])
.fixes(&[&Fix::new(
    "give each its own port",
    Risk::Disruptive,
    Remedy::Manual(
        "ss -Hltnp 'sport = :{port}' and docker ps show which process holds it; correct the port in the file of the \
         wrong one, then opsctl restart that one",
    ),
)]);

static RELEASE_BROKEN: Cause = Cause::new(
    "RELEASE-BROKEN",
    All(&[
        Clue::Unhealthy,
        Clue::Said(
            concat!(
                r"Cannot find module|ERR_MODULE_NOT_FOUND|Nest can't resolve dependencies|SyntaxError:",
                r"|ReferenceError:|PrismaClientInitializationError.*(engine|binary)",
                r"|could not locate the Query Engine"
            ),
            Window::Run,
        ),
    ]),
)
.summary("{service} ends right after its start: its release is incomplete")
.explanation("runbook scenario D: a required module or provider is not in the image")
.about(About::These(&[&API, &WEB]))
.fixes(&[&Fix::new(
    "roll back to the previous version",
    Risk::Disruptive,
    Remedy::Manual("opsctl rollback {service}; if Dokploy deploys it, roll back there, or Dokploy deploys it again"),
)]);

static CONTAINERS_UNWELL: Cause = Cause::new("CONTAINERS-UNWELL", Clue::UnmanagedContainers)
    .summary("containers outside of the registry keep failing")
    .explanation(
        "they restart repeatedly, or their health check fails; a container under another name is not a service of \
         the registry",
    )
    .about(About::These(&[&DOCKER]))
    .verdict(Verdict::Warn)
    .severity(&P2)
    .fixes(&[&Fix::new("see which, and read their logs", Risk::ReadOnly, Remedy::Command(&["docker", "ps", "--all"]))]);

static FAILED_UNITS: Cause = usual::unit_failed().verdict(Verdict::Warn).severity(&P2);
static LOOPING_UNITS: Cause = usual::unit_looping().severity(&P2);

// --- slow-queries

static BLOCKED: Cause = Cause::new("BLOCKED", All(&[ASKABLE, Clue::Query(&SERVER, Shows::Line("^blocked: "))]))
    .summary("a session has waited more than five seconds for a lock of another")
    .explanation(
        "runbook scenario D: the session that holds it is slow, or idle in a transaction; all others that need the \
         row wait",
    )
    .about(About::These(&[&POSTGRES]))
    .explains(&[&IDLE_IN_TRANSACTION, &RUNS_LONG, &POOL_EXHAUSTED, &usual::PG_LOCK_WAIT])
    .fixes(&[&Fix::new(
        "cancel the blocking query; end its session only if that does not help",
        Risk::Disruptive,
        Remedy::Manual(
            "SELECT pg_cancel_backend(PID) cancels its query; opsctl run terminate-query PID shows it, and ends the session",
        ),
    )]);

static POOL_EXHAUSTED: Cause = Cause::new(
    "POOL-EXHAUSTED",
    Clue::Said(r"P2024\b|Timed out fetching a new connection from the connection pool", Window::Seconds(600)),
)
.summary("{service} timed out waiting for a connection of its pool")
.explanation("runbook scenario E: slow or forgotten work holds all ten connections (connection_limit)")
.about(About::These(&[&API]))
.fixes(&[
    &Fix::new(
        "see which queries hold them",
        Risk::ReadOnly,
        Remedy::Command(&["opsctl", "diagnose", "slow-queries", "postgres"]),
    ),
    &Fix::new(
        "give it more connections",
        Risk::Disruptive,
        Remedy::Manual("connection_limit=20 in DATABASE_URL, then recreate the container"),
    ),
]);

const CONNECTIONS: Share = Share::above(80).part("connections: ").whole("connections allowed: ");

static CONNECTIONS_SHORT: Cause =
    Cause::new("CONNECTIONS-SHORT", All(&[ASKABLE, Clue::Query(&SERVER, Shows::Part(CONNECTIONS))]))
        .summary("more than four fifths of PostgreSQL's connections are in use")
        .explanation(
            "runbook scenario E: at the limit PostgreSQL rejects all clients; the alert HighDatabaseConnections \
             means the same",
        )
        .about(About::These(&[&POSTGRES]))
        .verdict(Verdict::Warn)
        .fixes(&[&RESTART_API]);

static INDEX_INVALID: Cause =
    Cause::new("INDEX-INVALID", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^invalid index: "))]))
        .summary("an index is invalid")
        .explanation("an interrupted CREATE INDEX CONCURRENTLY left it: each write updates it, and no query uses it")
        .about(About::These(&[&POSTGRES]))
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "drop it and build it again",
            Risk::Disruptive,
            Remedy::Manual("DROP INDEX CONCURRENTLY \"NAME\"; then CREATE INDEX CONCURRENTLY, outside a transaction"),
        )]);

static INDEX_MISSING: Cause =
    Cause::new("INDEX-MISSING", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^read as a whole: "))]))
        .summary("a large table is scanned as a whole repeatedly")
        .explanation(
            "runbook scenario A: scans outnumber the uses of any of its indexes, with more than 10,000 rows each; \
             candidates are BehaviorLog (userId, timestamp), OptimizationLog (createdAt), Transaction (userId, \
             status)",
        )
        .about(About::These(&[&POSTGRES]))
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "find the query, then add the index",
            Risk::Disruptive,
            Remedy::Manual("EXPLAIN the query; CREATE INDEX CONCURRENTLY, outside a transaction"),
        )]);

static CALLED_TOO_OFTEN: Cause =
    Cause::new("CALLED-TOO-OFTEN", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^called often: "))]))
        .summary("one SELECT runs more than 1,000 times per minute")
        .explanation("runbook scenario B: a loop reads one row at a time (N+1)")
        .about(About::These(&[&POSTGRES]))
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "fetch them together",
            Risk::Disruptive,
            Remedy::Manual("find it in pg_stat_statements by its queryid; include or join in the code, then redeploy"),
        )]);

static STATISTICS_STALE: Cause =
    Cause::new("STATISTICS-STALE", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^statistics: "))]))
        .summary("a table changed a lot and was not analyzed for a week")
        .explanation("runbook scenario C: the planner uses old statistics of the table")
        .about(About::These(&[&POSTGRES]))
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "analyze that table",
            Risk::Safe,
            Remedy::Manual("ANALYZE \"TABLE\" in psql; find why autovacuum does not do it"),
        )]);

static IDLE_IN_TRANSACTION: Cause =
    Cause::new("IDLE-IN-TRANSACTION", All(&[ASKABLE, Clue::Query(&SERVER, Shows::Line("^idle in transaction: "))]))
        .summary("a session has been idle in a transaction for more than a minute")
        .explanation("it keeps its locks, and vacuum cannot remove old rows")
        .about(About::These(&[&POSTGRES]))
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "see which client it is, then end it",
            Risk::Disruptive,
            Remedy::Manual(
                "SELECT pid, application_name, client_addr FROM pg_stat_activity WHERE state LIKE 'idle in%'; \
                 pg_terminate_backend(PID)",
            ),
        )]);

static STATEMENT_SLOW: Cause =
    Cause::new("STATEMENT-SLOW", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^slow statement: "))]))
        .summary("a statement takes more than a second on average")
        .explanation(
            "no index, old statistics or too many rows; the average is that since pg_stat_statements was last reset",
        )
        .about(About::These(&[&POSTGRES]))
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "find it by its queryid, and EXPLAIN it",
            Risk::ReadOnly,
            Remedy::Manual("SELECT query FROM pg_stat_statements WHERE queryid = …"),
        )]);

static RUNS_LONG: Cause = Cause::new("RUNS-LONG", All(&[ASKABLE, Clue::Query(&SERVER, Shows::Line("^runs long: "))]))
    .summary("a query has run for more than five seconds")
    .explanation("a report, a missing index, or a client that reads everything")
    .about(About::These(&[&POSTGRES]))
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "read the query, and cancel it if nobody needs it",
        Risk::Disruptive,
        Remedy::Manual("SELECT left(query, 200) FROM pg_stat_activity WHERE pid = PID; pg_cancel_backend(PID)"),
    )]);
