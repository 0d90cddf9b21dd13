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
    "docker exec api node -e process.memoryUsage() measures a new process, not the server (D12): opsctl reads the \
     container's own count. A cache without bound (pattern C) leaves no trace on the host: where memory is high and no \
     other pattern is proven, compare two readings a minute apart and look at what the API keeps. 4g, as the runbook \
     has it, is all the memory of this host",
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
    "logins are in the database, not in Redis: do not flush it for them (D32). A variable set with docker exec is gone \
     after the restart (D13): set it where the container is made, and redeploy. opsctl logs in nowhere: what a login \
     answers is to be tried by hand, with the body from a file (D34)",
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
.summary("payments fail, or are not noticed")
.section("p1-payment-failure.md")
.severity(&P1)
.aliases(&["payment", "payments", "stripe", "webhook", "checkout"])
.services(&[&API])
.symptoms(&["charged, but the order failed", "payments stay PENDING", "Stripe's webhooks end in 400"])
.note(
    "card_declined and authentication_required are no incidents. Stripe's own state is in its dashboard and on \
     https://status.stripe.com, not on this host: here its answers in the log, the form of the keys and the rows of \
     the database are looked at. Compare payment intents with payment intents (pi_), not with charges (ch_), and page \
     (D33); never give the key to curl as an argument (D34)",
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
.summary("PostgreSQL is down, damaged, full or not the one that the API wants")
.section("p0-database-failure.md")
.aliases(&["database", "db", "pg", "postgresql", "db-down", "corruption", "too-many-clients"])
.services(&[&POSTGRES])
.symptoms(&["every request ends in 500", "ECONNREFUSED on 5432", "FATAL in the log of the database"])
.note(
    "dokploy-postgres is the control plane's: never take it for this one (D4). Never VACUUM FULL on a full disk: it \
     needs room for a copy (D30). The scripts vps-backup.sh and vps-restore.sh that the runbook calls were deleted the \
     day it was written (D1)",
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
.summary("api, web or something around them does not do its work")
.section("p0-service-down.md")
.aliases(&["down", "crash-loop", "502", "503", "disk", "disk-full", "enospc", "port-conflict", "eaddrinuse"])
.services(OTHERS)
.symptoms(&["api or web does not answer", "a container has exited or restarts again and again"])
.note(
    "a task of Swarm is restarted with docker service update --force, not docker restart. Dokploy, the runbook's main \
     way back, had no api, web or nginx when it was looked at (D2): opsctl rollback needs no Dokploy. Never kill -9 \
     whoever holds a port, never empty the logs of all containers: both are evidence",
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
    "EXPLAIN ANALYZE runs the statement: give writes a transaction that is rolled back. pg_stat_statements must be \
     preloaded and created; without it neither mean times nor numbers of calls are known, and nothing is said of them. \
     Its numbers count from its last reset: keep them before you reset",
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
const ASKABLE: Clue = Not(&Of(&POSTGRES, &Clue::Unwell));

const HOUR: Window = Window::Seconds(3600);

static RESTART: Fix = Fix::new("restart {service}", Risk::Disruptive, Remedy::Restart);
static RESTART_API: Fix = Fix::new("restart api", Risk::Disruptive, Remedy::RestartOf(&API));
static READ_LOG: Fix =
    Fix::new("read its log", Risk::ReadOnly, Remedy::Command(&["opsctl", "logs", "{service}", "-n", "100"]));
static SET_AND_REDEPLOY: Fix = Fix::new(
    "set it where the container is made, then make the container anew",
    Risk::Disruptive,
    Remedy::Manual(
        "correct it in {env} and docker compose up -d api in /root/v-edfinance, or in Dokploy and redeploy there; a \
         restart alone keeps the old value (D13)",
    ),
);

static ENV_FILE_MISSING: Cause = Cause::new("ENV-FILE-MISSING", All(&[Clue::Unwell, Clue::Env(EnvClue::FileMissing)]))
    .summary("the env file of {service} is missing")
    .explanation(
        "compose makes no container without it; what Dokploy runs needs none, so it counts only while the service is \
         down",
    )
    .about(About::These(&[&API, &POSTGRES]))
    .fixes(&[&Fix::new(
        "put the env file back",
        Risk::Safe,
        Remedy::Manual(
            "bring {env} back from where the secrets are kept, mode 600, then docker compose up -d in \
             /root/v-edfinance. opsctl never makes one up",
        ),
    )]);

// --- memory-leak

static HEAP_EXHAUSTED: Cause = Cause::new(
    "HEAP-EXHAUSTED",
    Clue::Said(r"JavaScript heap out of memory|Reached heap limit|Ineffective mark-compacts", HOUR),
)
.summary("{service} ended because its JavaScript heap was full")
.explanation(
    "Node gives up at the limit of its own heap, often below that of the container; it leaks, or handles something too \
     big",
)
.explains(&[&usual::OUT_OF_MEMORY, &usual::MEMORY_HIGH])
.fixes(&[&RESTART, &READ_LOG]);

static LISTENERS_LEAK: Cause =
    Cause::new("LISTENERS-LEAK", Clue::Said(r"MaxListenersExceededWarning|Possible EventEmitter memory leak", HOUR))
        .summary("{service} adds event listeners and does not remove them")
        .explanation("pattern B: each WebSocket or event stream leaves some behind; Node warns at eleven of one kind")
        .verdict(Verdict::Warn)
        .explains(&[&usual::MEMORY_HIGH])
        .fixes(&[
            &READ_LOG,
            &Fix::new(
                "remove the listeners when a connection closes",
                Risk::Disruptive,
                Remedy::Manual("correct the code that the warning names, then opsctl redeploy api"),
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
    "pattern D: memory is short, and uploads beyond the limit were refused within the hour; each is held as a whole",
)
.verdict(Verdict::Warn)
.about(About::These(&[&API]))
.explains(&[&usual::MEMORY_HIGH])
.fixes(&[&Fix::new(
    "let uploads go to the disk, with a limit",
    Risk::Disruptive,
    Remedy::Manual("multer with diskStorage and limits.fileSize, then opsctl redeploy api"),
)]);

static SESSIONS_LEFT_OPEN: Cause = Cause::new(
    "SESSIONS-LEFT-OPEN",
    All(&[ASKABLE, Clue::Query(&SERVER, Shows::Line(r"^idle for 5 min: (2[1-9]|[3-9]\d|\d{3,})$"))]),
)
.summary("database sessions are left open")
.explanation(
    "pattern A: more than 20 sessions have done nothing for five minutes, although one Prisma client keeps ten at \
     most: clients are made anew and never closed",
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
            Clue::Unwell,
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
.explanation("scenario A: the API does not start without it; what still runs will not come back after a restart")
// Without it the API does not start: that is more than a login that fails.
.severity(&P0)
.explains(&[&usual::ENV_KEY_MISSING])
.fixes(&[&Fix::new(
    "set it again, to the same value if that is known",
    Risk::Disruptive,
    Remedy::Manual(
        "set JWT_SECRET in {env} or in Dokploy and make the container anew; another value logs everybody out",
    ),
)]);

static JWT_SECRET_SHORT: Cause = Cause::new("JWT-SECRET-SHORT", Clue::Env(EnvClue::key("JWT_SECRET").unlike(".{33,}")))
    .summary("JWT_SECRET is not longer than 32 characters")
    .explanation("scenario A: the runbook wants more than 32; a short one can be guessed from any token")
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "make a longer one; everybody is logged out",
        Risk::Disruptive,
        Remedy::Manual("openssl rand -base64 48, into {env} or Dokploy; then make the container anew"),
    )]);

static USERS_OFF_PATH: Cause =
    Cause::new("USERS-OFF-PATH", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^User beyond search_path: "))]))
        .summary("the table User is in a schema that the search path does not name")
        .explanation(
            "search_path was set for the database, a role or the server; the data is there, nothing is to be restored",
        )
        .severity(&P0)
        .fixes(&[
            &Fix::new(
                "see where the path is set",
                Risk::ReadOnly,
                Remedy::Command(&["docker", "exec", "vedfinance-postgres", "psql", "-U", "postgres", "-c", "\\drds"]),
            ),
            &Fix::new(
                "take the setting back, then let the API connect anew",
                Risk::Disruptive,
                Remedy::Manual("ALTER DATABASE or ALTER ROLE … RESET search_path; then opsctl restart api"),
            ),
        ]);

static USERS_MISSING: Cause = Cause::new(
    "USERS-MISSING",
    All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^no table User$"))]),
)
.summary("the API's database has no table User")
.explanation("scenario B: it was never migrated, or another database was restored or named in DATABASE_URL")
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
            "docker exec vedfinance-postgres psql -U postgres -l, then \\dt *.\"User\" in each database: what is \
                     there needs the right DATABASE_URL or search_path, and nothing else",
        ),
    ),
    &Fix::new(
        "migrate it, where it is a new database",
        Risk::Destructive,
        Remedy::Manual("docker exec vedfinance-api npx prisma migrate deploy; never seed production"),
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
.explanation("scenario B: nobody can log in; a wrong backup was restored, or an empty database migrated")
.severity(&P0)
.fixes(&[&Fix::new(
    "find the newest good backup before anybody registers anew",
    Risk::Destructive,
    Remedy::Manual(
        "opsctl backup list; lay the copy out in a database beside this one and compare the rows; nothing is replaced \
         before that. Seeds are for staging",
    ),
)]);

static HASH_CHANGED: Cause =
    Cause::new("HASH-CHANGED", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line(r"^other hashes: [1-9]"))]))
        .summary("passwords are stored that are no bcrypt hashes")
        .explanation(
            "scenario D: a hash of bcrypt has 60 characters and begins with $2; those that have not can never be \
             logged in with",
        )
        .fixes(&[&Fix::new(
            "go back to the version before, and let those concerned set a new password",
            Risk::Disruptive,
            Remedy::Manual("opsctl rollback api; lock the version of bcrypt before the next release"),
        )]);

static REDIS_UNREACHABLE: Cause = Cause::new(
    "REDIS-UNREACHABLE",
    All(&[
        Not(&Of(&REDIS, &Clue::Unwell)),
        Clue::Said(
            concat!(
                r"(?i)redis.*(ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|NOAUTH|WRONGPASS)",
                r"|(ECONNREFUSED|ETIMEDOUT).*:6379\b"
            ),
            Window::Seconds(600),
        ),
    ]),
)
.summary("{service} does not reach Redis, although that answers")
.explanation(
    "scenario C: REDIS_HOST or REDIS_PORT is another's (6379 inside the network, 6380 on the host), or both are not in \
     the same network",
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
    "scenario E: browsers refuse what curl gets; an origin is scheme, host and port, without a slash at its end, and \
     several are parted by commas without spaces",
)
.verdict(Verdict::Warn)
.fixes(&[&SET_AND_REDEPLOY]);

static ACCOUNTS_LOCKED: Cause =
    Cause::new("ACCOUNTS-LOCKED", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line(r"^locked users: [1-9]"))]))
        .summary("accounts are locked")
        .explanation(
            "scenario F, in no runbook: five wrong passwords lock an account for 30 minutes; the answer is 401 all the \
             same",
        )
        .verdict(Verdict::Warn)
        .severity(&P2)
        .fixes(&[&Fix::new(
            "wait 30 minutes, or unlock one account",
            Risk::Safe,
            Remedy::Manual(
                "one account, after asking who it is: UPDATE \"User\" SET \"failedLoginAttempts\" = 0, \"lockedUntil\" \
                 = NULL WHERE id = …",
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
.explanation("somebody tries passwords, or a release refuses the right ones")
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
.summary("STRIPE_SECRET_KEY is missing or no secret key of Stripe")
.explanation(
    "scenario A: such keys begin with sk_live_, sk_test_ or rk_; pk_ is the public one, which can charge nobody",
)
.explains(&[&STRIPE_KEY_REFUSED])
.fixes(&[&SET_AND_REDEPLOY]);

static STRIPE_KEY_REFUSED: Cause = Cause::new(
    "STRIPE-KEY-REFUSED",
    Clue::Said(r"(?i)(invalid|expired) api key|StripeAuthenticationError|api_key_expired", HOUR),
)
.summary("Stripe refuses the key of {service}")
.explanation("scenario A: it was rotated, revoked or cut when it was pasted; every payment fails")
.fixes(&[&Fix::new(
    "take a new key from Stripe's dashboard",
    Risk::Disruptive,
    Remedy::Manual("put it into {env} or Dokploy, for api and web, make the containers anew, and try a small payment"),
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
.explanation("scenario E: nobody is charged, and real cards are refused")
.fixes(&[&Fix::new(
    "set the live key, and tell those who paid meanwhile",
    Risk::Disruptive,
    Remedy::Manual("put sk_live_… into {env} or Dokploy and make the container anew"),
)]);

static WEBHOOK_RAW_BODY: Cause = Cause::new(
    "WEBHOOK-RAW-BODY",
    Clue::Said(r"(?i)payload must be provided as a string or a Buffer|payload was provided as a parsed", HOUR),
)
.summary("{service} checks Stripe's signatures against a parsed body")
.explanation(
    "scenario B, D39: the application is made without rawBody, so that every webhook ends in 400, whatever the secret; \
     rotating it changes nothing",
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
.summary("STRIPE_WEBHOOK_SECRET is missing or no secret of a webhook")
.explanation("scenario B: it begins with whsec_; without it no payment is ever marked as paid")
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
    "scenario B: the secret is another endpoint's, or somebody else sends them; if correctly signed ones are refused \
     too, it is the raw body (D39) and not the secret",
)
.explains(&[&PAYMENTS_PENDING])
.fixes(&[
    &Fix::new(
        "ask the handler: a wrong signature must give 400, and not 500 or nothing",
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
    "scenario C: Stripe took the money, and the database refused the row: a constraint, a time-out, or a user that was \
     deleted",
)
.fixes(&[&Fix::new(
    "reconcile by hand: intents of Stripe against rows",
    Risk::ReadOnly,
    Remedy::Manual(
        "export Stripe's payment intents and the transactions of 24 h, match on stripePaymentIntentId; apply only rows \
         that two have looked at",
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
.summary("Stripe turned requests of {service} away: too many a second")
.explanation("scenario D: about 100 a second are allowed; a loop or a bulk job asks too much")
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "queue the requests",
    Risk::Disruptive,
    Remedy::Manual("find who asks so much in the log, and let it wait between requests"),
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
.explanation("Stripe is down, or this host has no way out; https://status.stripe.com says which")
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "ask Stripe from here",
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
.explanation(
    "one or two are a matter of single customers, more than ten are everybody's; no cause that opsctl knows is proven",
)
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
.summary("PostgreSQL finds its files damaged")
.explanation("scenario C: it cannot read a block or an index, or its journal; every further write may make it worse")
.about(About::These(&[&POSTGRES]))
.severity(&P0)
.fixes(&[
    &Fix::new(
        "stop what writes, and copy the volume before anything else",
        Risk::Destructive,
        Remedy::Manual(
            "opsctl stop api; opsctl stop postgres; copy the volume postgres_data aside; then start postgres alone",
        ),
    ),
    &Fix::new(
        "an index: build it anew by name; else restore",
        Risk::Destructive,
        Remedy::Manual(
            "REINDEX INDEX CONCURRENTLY \"NAME\" (the runbook's loop takes headings for names, D31); a damaged table \
             is restored from a backup, with the old volume kept",
        ),
    ),
]);

static STALE_LOCK: Cause = Cause::new(
    "STALE-LOCK",
    All(&[
        Clue::Unwell,
        Clue::Said(
            r#"lock file "postmaster\.pid" (already exists|is empty)|pre-existing shared memory block"#,
            Window::Run,
        ),
    ]),
)
.summary("PostgreSQL does not start: a lock file lies in its data directory")
.explanation(
    "scenario B: another server uses the same volume, or one was killed; removing the file while another runs destroys \
     the database (D29)",
)
.about(About::These(&[&POSTGRES]))
.fixes(&[&Fix::new(
    "prove that no other server uses the volume, then remove the file",
    Risk::Destructive,
    Remedy::Manual(
        "docker ps -a --filter volume=v-edfinance_postgres_data must list this container alone; opsctl stop postgres; \
         remove postmaster.pid from the volume's directory on the host; opsctl start postgres",
    ),
)]);

static OTHER_VERSION: Cause = Cause::new(
    "OTHER-VERSION",
    All(&[
        Clue::Unwell,
        Clue::Said(r"database files are incompatible with server|was initialized by PostgreSQL version", Window::Run),
    ]),
)
.summary("PostgreSQL does not start: its files are of another version")
.explanation("the files name 15, 16, 17 and pgvector (D3); a newer image does not read the files of an older one")
.about(About::These(&[&POSTGRES]))
.fixes(&[&Fix::new(
    "go back to the image whose version the volume has",
    Risk::Disruptive,
    Remedy::Manual(
        "set the tag in docker-compose.yml to the version that the message names, docker compose up -d postgres; never \
         make the volume anew",
    ),
)]);

static DATA_NOT_OWNED: Cause = Cause::new(
    "DATA-NOT-OWNED",
    All(&[
        Clue::Unwell,
        Clue::Said(
            concat!(
                r"data directory .* has (wrong ownership|invalid permissions)",
                r"|could not (open|access) (file|directory) .*: Permission denied"
            ),
            Window::Run,
        ),
    ]),
)
.summary("PostgreSQL does not start: its files belong to somebody else")
.explanation("a restore or a copy left them with another owner or mode")
.about(About::These(&[&POSTGRES]))
.fixes(&[&Fix::new(
    "give them back to the image's postgres user",
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
.summary("PostgreSQL takes no more connections")
.explanation("scenario E: all of max_connections are used; sessions that nobody closes, or too big pools")
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
        Of(&WEB, &Not(&Clue::Unwell)),
        Not(&Clue::Unwell),
        Clue::Get(&ROOT_PAGE, Heard::Text(r#""message":\s*"Cannot GET /""#)),
    ]),
)
.summary("visitors of / reach api instead of web: nginx sends them to the wrong upstream")
.explanation("web answers on its own port; through nginx on port 80 the API answers in its place, with 404")
.about(About::These(&[&NGINX]))
.fixes(&[&Fix::new(
    "compare what nginx runs with its file, then correct proxy_pass of location /",
    Risk::Disruptive,
    Remedy::Manual(
        "docker exec {unit} nginx -T shows what it has; apps/nginx/nginx.conf in the repository is what it is meant to \
         have: location / goes to web:3000. Then docker exec {unit} nginx -s reload",
    ),
)]);

static DATABASE_MISSING: Cause = Cause::new(
    "DATABASE-MISSING",
    All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^no database of that name"))]),
)
.summary("the database that DATABASE_URL of api names does not exist")
.explains(&[&usual::OBJECT_MISSING])
.explanation("five names are documented (D8); a volume made anew has only one of them, and it is empty")
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
            "where another name has the data, put that into {env}; never create an empty one before it is clear \
                     where the data is",
        ),
    ),
]);

static DATABASE_LOGIN: Cause = Cause::new(
    "DATABASE-LOGIN",
    Of(&API, &All(&[Clue::Unwell, Clue::Said(r"password authentication failed|P1000\b|28P01", Window::Seconds(120))])),
)
.summary("PostgreSQL refuses the password of api")
.explanation("it was changed on one side only; POSTGRES_PASSWORD counts only when the volume is made, not later")
.about(About::These(&[&POSTGRES]))
.fixes(&[&Fix::new(
    "make role and DATABASE_URL agree",
    Risk::Disruptive,
    Remedy::Manual(
        "\\password in psql inside the container, and DATABASE_URL in /root/v-edfinance/apps/api/.env or Dokploy; then \
         make the API's container anew",
    ),
)]);

static DATABASE_UNREACHABLE: Cause = Cause::new(
    "DATABASE-UNREACHABLE",
    All(&[
        Clue::Unwell,
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
.summary("{service} does not reach the database, although that answers")
.explanation("scenario A: DATABASE_URL names another host or port, or both are not in the same network")
.about(About::These(&[&API]))
.fixes(&[&SET_AND_REDEPLOY, &RESTART]);

// --- service-down

static ADDRESS_IN_USE: Cause = Cause::new(
    "ADDRESS-IN-USE",
    All(&[Clue::Unwell, Clue::Said(r"EADDRINUSE|(?i)address already in use", Window::Run)]),
)
.summary("{service} cannot listen: its address is in use")
.explanation(
    "scenario B: Grafana's file wants 3001, which is the API's, Uptime Kuma 3002, which is web's, and the API's own \
     file 3000, which is Dokploy's (D7)",
)
.explains(&[&usual::STOPPED, &usual::FAILED])
.fixes(&[&Fix::new(
    "let both have ports of their own",
    Risk::Disruptive,
    Remedy::Manual(
        "ss -Hltnp 'sport = :{port}' and docker ps say whose it is; correct the port in the file of the one that is \
         wrong, then opsctl restart that one",
    ),
)]);

static RELEASE_BROKEN: Cause = Cause::new(
    "RELEASE-BROKEN",
    All(&[
        Clue::Unwell,
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
.summary("{service} ends right after its start: the release does not fit together")
.explanation("scenario D: a module or a provider that it wants is not in the image")
.about(About::These(&[&API, &WEB]))
.fixes(&[&Fix::new(
    "go back to the version before",
    Risk::Disruptive,
    Remedy::Manual("opsctl rollback {service}; where Dokploy deploys it, roll back there, or it comes again"),
)]);

static CONTAINERS_UNWELL: Cause = Cause::new("CONTAINERS-UNWELL", Clue::Strangers)
    .summary("containers keep failing that are none of the registry's")
    .explanation(
        "they are restarted again and again, or their health check fails; a container under another name is no service \
         here",
    )
    .about(About::These(&[&DOCKER]))
    .verdict(Verdict::Warn)
    .severity(&P2)
    .fixes(&[&Fix::new("see which, and read their logs", Risk::ReadOnly, Remedy::Command(&["docker", "ps", "--all"]))]);

static FAILED_UNITS: Cause = usual::unit_failed().verdict(Verdict::Warn).severity(&P2);
static LOOPING_UNITS: Cause = usual::unit_looping().severity(&P2);

// --- slow-queries

static BLOCKED: Cause = Cause::new("BLOCKED", All(&[ASKABLE, Clue::Query(&SERVER, Shows::Line("^blocked: "))]))
    .summary("a session has waited for another's lock for more than five seconds")
    .explanation(
        "scenario D: the one that holds it is slow, or idle within a transaction; everybody who wants the row waits",
    )
    .about(About::These(&[&POSTGRES]))
    .explains(&[&IDLE_IN_TRANSACTION, &RUNS_LONG, &POOL_EXHAUSTED, &usual::PG_LOCK_WAIT])
    .fixes(&[&Fix::new(
        "cancel the blocker; end its session only if that does not help",
        Risk::Disruptive,
        Remedy::Manual(
            "look at its query first (pg_stat_activity); SELECT pg_cancel_backend(PID), then pg_terminate_backend(PID)",
        ),
    )]);

static POOL_EXHAUSTED: Cause = Cause::new(
    "POOL-EXHAUSTED",
    Clue::Said(r"P2024\b|Timed out fetching a new connection from the connection pool", Window::Seconds(600)),
)
.summary("{service} waited in vain for a connection of its pool")
.explanation("scenario E: all ten connections (connection_limit) are held by slow or forgotten work")
.about(About::These(&[&API]))
.fixes(&[
    &Fix::new(
        "see what holds them",
        Risk::ReadOnly,
        Remedy::Command(&["opsctl", "diagnose", "slow-queries", "postgres"]),
    ),
    &Fix::new(
        "give it more",
        Risk::Disruptive,
        Remedy::Manual("connection_limit=20 in DATABASE_URL, then make the container anew"),
    ),
]);

const CONNECTIONS: Share = Share::above(80).part("connections: ").whole("connections allowed: ");

static CONNECTIONS_SHORT: Cause =
    Cause::new("CONNECTIONS-SHORT", All(&[ASKABLE, Clue::Query(&SERVER, Shows::Part(CONNECTIONS))]))
        .summary("more than four fifths of PostgreSQL's connections are in use")
        .explanation(
            "scenario E: at the end of them everybody is turned away; the alert HighDatabaseConnections means the same",
        )
        .about(About::These(&[&POSTGRES]))
        .verdict(Verdict::Warn)
        .fixes(&[&RESTART_API]);

static INDEX_INVALID: Cause =
    Cause::new("INDEX-INVALID", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^invalid index: "))]))
        .summary("an index is invalid")
        .explanation(
            "CREATE INDEX CONCURRENTLY was broken off and left it: it is kept up at each write and used by no query",
        )
        .about(About::These(&[&POSTGRES]))
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "drop it and build it again",
            Risk::Disruptive,
            Remedy::Manual("DROP INDEX CONCURRENTLY \"NAME\"; then CREATE INDEX CONCURRENTLY, outside a transaction"),
        )]);

static INDEX_MISSING: Cause =
    Cause::new("INDEX-MISSING", All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^read as a whole: "))]))
        .summary("a big table is read as a whole again and again")
        .explanation(
            "scenario A: more often than any of its indexes was used, and more than 10,000 rows each time; candidates \
             are BehaviorLog (userId, timestamp), OptimizationLog (createdAt), Transaction (userId, status)",
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
        .summary("one SELECT is called more than 1,000 times a minute")
        .explanation("scenario B: a loop asks for one row at a time (N+1)")
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
        .explanation("scenario C: the planner works with what the table was")
        .about(About::These(&[&POSTGRES]))
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "analyze that table",
            Risk::Safe,
            Remedy::Manual("ANALYZE \"TABLE\" in psql; see why autovacuum does not do it"),
        )]);

static IDLE_IN_TRANSACTION: Cause =
    Cause::new("IDLE-IN-TRANSACTION", All(&[ASKABLE, Clue::Query(&SERVER, Shows::Line("^idle in transaction: "))]))
        .summary("a session has done nothing within a transaction for more than a minute")
        .explanation("it keeps its locks, and old rows cannot be cleaned up")
        .about(About::These(&[&POSTGRES]))
        .verdict(Verdict::Warn)
        .fixes(&[&Fix::new(
            "see whose it is, then end it",
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
    .explanation("a report, a missing index, or a client that asks for everything")
    .about(About::These(&[&POSTGRES]))
    .verdict(Verdict::Warn)
    .fixes(&[&Fix::new(
        "look at it, and cancel it if nobody needs it",
        Risk::Disruptive,
        Remedy::Manual("SELECT left(query, 200) FROM pg_stat_activity WHERE pid = PID; pg_cancel_backend(PID)"),
    )]);
