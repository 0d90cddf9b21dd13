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
static MEMORY_LEAK: Failure = Failure {
    severity: Some(&P0),
    aliases: &["memory", "oom", "heap", "leak"],
    services: &[&API, &WEB],
    symptoms: &["api uses more than 1.8 GB", "\"JavaScript heap out of memory\"", "api restarts again and again"],
    note: Some(
        "docker exec api node -e process.memoryUsage() measures a new process, not the server (D12): opsctl reads the \
         container's own count. A cache without bound (pattern C) leaves no trace on the host: where memory is high and no \
         other pattern is proven, compare two readings a minute apart and look at what the API keeps. 4g, as the runbook \
         has it, is all the memory of this host",
    ),
    ..Failure::new(
        "memory-leak",
        "the API, or the host, runs out of memory",
        "p0-memory-leak.md",
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
};

// F4
static LOGIN_FAILURE: Failure = Failure {
    severity: Some(&P1),
    aliases: &["login", "auth", "401", "jwt", "cors", "locked", "account-lock", "account-locked"],
    services: &[&API],
    symptoms: &["users cannot log in", "more than 100 answers of 401 a minute", "\"JWT secret\" in the log"],
    note: Some(
        "logins are in the database, not in Redis: do not flush it for them (D32). A variable set with docker exec is gone \
         after the restart (D13): set it where the container is made, and redeploy. opsctl logs in nowhere: what a login \
         answers is to be tried by hand, with the body from a file (D34)",
    ),
    ..Failure::new(
        "login-failure",
        "users cannot log in",
        "p1-login-failure.md",
        &[&[
            &JWT_SECRET_MISSING,
            &JWT_SECRET_SHORT,
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
};

// F5
static PAYMENT_FAILURE: Failure = Failure {
    severity: Some(&P1),
    aliases: &["payment", "payments", "stripe", "webhook", "checkout"],
    services: &[&API],
    symptoms: &["charged, but the order failed", "payments stay PENDING", "Stripe's webhooks end in 400"],
    note: Some(
        "card_declined and authentication_required are no incidents. Stripe's own state is in its dashboard and on \
         https://status.stripe.com, not on this host: here its answers in the log, the form of the keys and the rows of the \
         database are looked at. Compare payment intents with payment intents (pi_), not with charges (ch_), and page \
         (D33); never give the key to curl as an argument (D34)",
    ),
    ..Failure::new(
        "payment-failure",
        "payments fail, or are not noticed",
        "p1-payment-failure.md",
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
};

// F2
static DATABASE_FAILURE: Failure = Failure {
    aliases: &["database", "db", "pg", "postgresql", "db-down", "corruption", "too-many-clients"],
    services: &[&POSTGRES],
    symptoms: &["every request ends in 500", "ECONNREFUSED on 5432", "FATAL in the log of the database"],
    note: Some(
        "dokploy-postgres is the control plane's: never take it for this one (D4). Never VACUUM FULL on a full disk: it \
         needs room for a copy (D30). The scripts vps-backup.sh and vps-restore.sh that the runbook calls were deleted the \
         day it was written (D1)",
    ),
    ..Failure::new(
        "database-failure",
        "PostgreSQL is down, damaged, full or not the one that the API wants",
        "p0-database-failure.md",
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
};

// F1
static SERVICE_DOWN: Failure = Failure {
    aliases: &["down", "crash-loop", "502", "503", "disk", "disk-full", "enospc", "port-conflict", "eaddrinuse"],
    services: OTHERS,
    symptoms: &["api or web does not answer", "a container has exited or restarts again and again"],
    note: Some(
        "a task of Swarm is restarted with docker service update --force, not docker restart. Dokploy, the runbook's main way \
         back, had no api, web or nginx when it was looked at (D2): opsctl rollback needs no Dokploy. Never kill -9 whoever \
         holds a port, never empty the logs of all containers: both are evidence",
    ),
    ..Failure::new(
        "service-down",
        "api, web or something around them does not do its work",
        "p0-service-down.md",
        &[
            &[&usual::ENGINE_DOWN, &ADDRESS_IN_USE, &DATABASE_UNREACHABLE, &RELEASE_BROKEN],
            USUAL,
            usual::DISK,
            &[&CONTAINERS_UNWELL, &FAILED_UNITS, &LOOPING_UNITS],
        ],
    )
};

// F6
static SLOW_QUERIES: Failure = Failure {
    severity: Some(&P1),
    aliases: &["slow", "latency", "locks", "n-plus-one", "pool", "load"],
    services: &[&POSTGRES, &API],
    symptoms: &["answers take more than 3 s", "statements time out", "the database is busy"],
    note: Some(
        "EXPLAIN ANALYZE runs the statement: give writes a transaction that is rolled back. pg_stat_statements must be \
         preloaded and created; without it neither mean times nor numbers of calls are known, and nothing is said of them. \
         Its numbers count from its last reset: keep them before you reset",
    ),
    ..Failure::new(
        "slow-queries",
        "the database answers slowly",
        "p1-slow-queries.md",
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
};

/// How the server is, whichever database is the application's.
static SERVER: Query = Query {
    server: &POSTGRES,
    database: Database::Postgres,
    name: Some("server.sql"),
    sql: r"SELECT 'connections: ' || count(*) FROM pg_stat_activity WHERE backend_type = 'client backend';
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
};

/// How the application's database is: numbers and names of tables only, never a row.
static DATABASE: Query = Query {
    server: &POSTGRES,
    database: Database::InUrl(&API, "DATABASE_URL"),
    name: Some("database.sql"),
    sql: r#"SELECT EXISTS (SELECT FROM pg_database WHERE datname = :'database') AS there \gset
\if :there
\connect :"database"
SELECT to_regclass('"User"') IS NOT NULL AS users,
  (SELECT count(*) = 2 FROM pg_attribute WHERE attrelid = to_regclass('"User"')
    AND attname IN ('passwordHash', 'lockedUntil') AND NOT attisdropped) AS logins,
  (SELECT count(*) = 2 FROM pg_attribute WHERE attrelid = to_regclass('"Transaction"')
    AND attname IN ('status', 'createdAt') AND NOT attisdropped) AS payments,
  EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')
    AND current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%' AS statements \gset
\if :users
SELECT 'users: ' || count(*) FROM "User";
\else
\echo no table User
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
\echo no database of that name
\endif
"#,
};

/// The database can be asked.
const ASKABLE: Clue = Not(&Of(&POSTGRES, &Clue::Unwell));

const HOUR: Window = Window::Seconds(3600);

static RESTART: Fix = Fix { title: "restart {service}", risk: Risk::Disruptive, remedy: Remedy::Restart };
static RESTART_API: Fix = Fix { title: "restart api", risk: Risk::Disruptive, remedy: Remedy::RestartOf(&API) };
static READ_LOG: Fix = Fix {
    title: "read its log",
    risk: Risk::ReadOnly,
    remedy: Remedy::Command(&["opsctl", "logs", "{service}", "-n", "100"]),
};
static SET_AND_REDEPLOY: Fix = Fix {
    title: "set it where the container is made, then make the container anew",
    risk: Risk::Disruptive,
    remedy: Remedy::Manual(
        "correct it in {env} and docker compose up -d api in /root/v-edfinance, or in Dokploy and redeploy there; a restart \
         alone keeps the old value (D13)",
    ),
};

static ENV_FILE_MISSING: Cause = Cause {
    about: About::These(&[&API, &POSTGRES]),
    ..Cause::new(
        "ENV-FILE-MISSING",
        "the env file of {service} is missing",
        "compose makes no container without it; what Dokploy runs needs none, so it counts only while the service is down",
        All(&[Clue::Unwell, Clue::Env(EnvClue::FileMissing)]),
        &[&Fix {
            title: "put the env file back",
            risk: Risk::Safe,
            remedy: Remedy::Manual(
                "bring {env} back from where the secrets are kept, mode 600, then docker compose up -d in \
                 /root/v-edfinance. opsctl never makes one up",
            ),
        }],
    )
};

// --- memory-leak

static HEAP_EXHAUSTED: Cause = Cause {
    explains: &[&usual::OUT_OF_MEMORY, &usual::MEMORY_HIGH],
    ..Cause::new(
        "HEAP-EXHAUSTED",
        "{service} ended because its JavaScript heap was full",
        "Node gives up at the limit of its own heap, often below that of the container; it leaks, or handles something too big",
        Clue::Said(r"JavaScript heap out of memory|Reached heap limit|Ineffective mark-compacts", HOUR),
        &[&RESTART, &READ_LOG],
    )
};

static LISTENERS_LEAK: Cause = Cause {
    verdict: Verdict::Warn,
    explains: &[&usual::MEMORY_HIGH],
    ..Cause::new(
        "LISTENERS-LEAK",
        "{service} adds event listeners and does not remove them",
        "pattern B: each WebSocket or event stream leaves some behind; Node warns at eleven of one kind",
        Clue::Said(r"MaxListenersExceededWarning|Possible EventEmitter memory leak", HOUR),
        &[
            &READ_LOG,
            &Fix {
                title: "remove the listeners when a connection closes",
                risk: Risk::Disruptive,
                remedy: Remedy::Manual("correct the code that the warning names, then opsctl redeploy api"),
            },
        ],
    )
};

static UPLOADS_IN_MEMORY: Cause = Cause {
    verdict: Verdict::Warn,
    explains: &[&usual::MEMORY_HIGH],
    about: About::These(&[&API]),
    ..Cause::new(
        "UPLOADS-IN-MEMORY",
        "uploads are held in the memory of {service}",
        "pattern D: memory is short, and uploads beyond the limit were refused within the hour; each is held as a whole",
        All(&[
            Any(&[Clue::MemoryHigh, Clue::Ended(Ending::OutOfMemory), Clue::Restarts(1)]),
            Clue::Said(r"LIMIT_FILE_SIZE|MulterError|PayloadTooLargeError|request entity too large", HOUR),
        ]),
        &[&Fix {
            title: "let uploads go to the disk, with a limit",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual("multer with diskStorage and limits.fileSize, then opsctl redeploy api"),
        }],
    )
};

static SESSIONS_LEFT_OPEN: Cause = Cause {
    verdict: Verdict::Warn,
    explains: &[&usual::MEMORY_HIGH],
    about: About::These(&[&API]),
    ..Cause::new(
        "SESSIONS-LEFT-OPEN",
        "database sessions are left open",
        "pattern A: more than 20 sessions have done nothing for five minutes, although one Prisma client keeps ten at most: \
         clients are made anew and never closed",
        All(&[ASKABLE, Clue::Query(&SERVER, Shows::Line(r"^idle for 5 min: (2[1-9]|[3-9]\d|\d{3,})$"))]),
        &[
            &RESTART,
            &Fix {
                title: "use one Prisma client, closed at shutdown",
                risk: Risk::Disruptive,
                remedy: Remedy::Manual("correct the code (onModuleDestroy: $disconnect), then opsctl redeploy api"),
            },
        ],
    )
};

// --- login-failure

static JWT_SECRET_MISSING: Cause = Cause {
    // Without it the API does not start: that is more than a login that fails.
    severity: Some(&P0),
    explains: &[&usual::ENV_KEY_MISSING],
    ..Cause::new(
        "JWT-SECRET-MISSING",
        "JWT_SECRET is not set",
        "scenario A: the API does not start without it; what still runs will not come back after a restart",
        Any(&[
            Clue::Env(EnvClue::KeysMissing(&["JWT_SECRET"])),
            All(&[
                Clue::Unwell,
                Clue::Said(
                    r"(?i)JWT.?secret.*(not|missing|undefined|required)|secretOrPrivateKey|JwtStrategy requires a secret",
                    Window::Run,
                ),
            ]),
        ]),
        &[&Fix {
            title: "set it again, to the same value if that is known",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "set JWT_SECRET in {env} or in Dokploy and make the container anew; another value logs everybody out",
            ),
        }],
    )
};

static JWT_SECRET_SHORT: Cause = Cause {
    verdict: Verdict::Warn,
    ..Cause::new(
        "JWT-SECRET-SHORT",
        "JWT_SECRET is not longer than 32 characters",
        "scenario A: the runbook wants more than 32; a short one can be guessed from any token",
        Clue::Env(EnvClue::Unlike("JWT_SECRET", ".{33,}")),
        &[&Fix {
            title: "make a longer one; everybody is logged out",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual("openssl rand -base64 48, into {env} or Dokploy; then make the container anew"),
        }],
    )
};

static USERS_MISSING: Cause = Cause {
    severity: Some(&P0),
    ..Cause::new(
        "USERS-MISSING",
        "the API's database has no table User",
        "scenario B: it was never migrated, or another database was restored or named in DATABASE_URL",
        All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^no table User$"))]),
        &[
            &Fix {
                title: "see whether DATABASE_URL names the right database",
                risk: Risk::ReadOnly,
                remedy: Remedy::Command(&["docker", "exec", "vedfinance-postgres", "psql", "-U", "postgres", "-l"]),
            },
            &Fix {
                title: "restore the right backup, or migrate an empty database",
                risk: Risk::Destructive,
                remedy: Remedy::Manual("docker exec vedfinance-api npx prisma migrate deploy; never seed production"),
            },
        ],
    )
};

static USERS_EMPTY: Cause = Cause {
    severity: Some(&P0),
    ..Cause::new(
        "USERS-EMPTY",
        "the table User is empty",
        "scenario B: nobody can log in; a wrong backup was restored, or an empty database migrated",
        All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^users: 0$"))]),
        &[&Fix {
            title: "find the newest good backup before anybody registers anew",
            risk: Risk::Destructive,
            remedy: Remedy::Manual(
                "stop the API (opsctl stop api), restore into a new database, compare, then switch; seeds are for staging",
            ),
        }],
    )
};

static HASH_CHANGED: Cause = Cause::new(
    "HASH-CHANGED",
    "passwords are stored that are no bcrypt hashes",
    "scenario D: a hash of bcrypt has 60 characters and begins with $2; those that have not can never be logged in with",
    All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line(r"^other hashes: [1-9]"))]),
    &[&Fix {
        title: "go back to the version before, and let those concerned set a new password",
        risk: Risk::Disruptive,
        remedy: Remedy::Manual("opsctl rollback api; lock the version of bcrypt before the next release"),
    }],
);

static REDIS_UNREACHABLE: Cause = Cause::new(
    "REDIS-UNREACHABLE",
    "{service} does not reach Redis, although that answers",
    "scenario C: REDIS_HOST or REDIS_PORT is another's (6379 inside the network, 6380 on the host), or both are not in the \
     same network",
    All(&[
        Not(&Of(&REDIS, &Clue::Unwell)),
        Clue::Said(
            r"(?i)redis.*(ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|NOAUTH|WRONGPASS)|(ECONNREFUSED|ETIMEDOUT).*:6379\b",
            Window::Seconds(600),
        ),
    ]),
    &[&SET_AND_REDEPLOY],
);

static ORIGINS: Cause = Cause {
    verdict: Verdict::Warn,
    ..Cause::new(
        "ORIGINS",
        "ALLOWED_ORIGINS is missing or not a list of origins",
        "scenario E: browsers refuse what curl gets; an origin is scheme, host and port, without a slash at its end, and \
         several are parted by commas without spaces",
        Any(&[
            Clue::Env(EnvClue::KeysMissing(&["ALLOWED_ORIGINS"])),
            Clue::Env(EnvClue::Unlike("ALLOWED_ORIGINS", r"https?://[^/,\s*]+(,https?://[^/,\s*]+)*")),
        ]),
        &[&SET_AND_REDEPLOY],
    )
};

static ACCOUNTS_LOCKED: Cause = Cause {
    verdict: Verdict::Warn,
    severity: Some(&P2),
    ..Cause::new(
        "ACCOUNTS-LOCKED",
        "accounts are locked",
        "scenario F, in no runbook: five wrong passwords lock an account for 30 minutes; the answer is 401 all the same",
        All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line(r"^locked users: [1-9]"))]),
        &[&Fix {
            title: "wait 30 minutes, or unlock one account",
            risk: Risk::Safe,
            remedy: Remedy::Manual(
                "one account, after asking who it is: UPDATE \"User\" SET \"failedLoginAttempts\" = 0, \"lockedUntil\" = NULL \
                 WHERE id = …",
            ),
        }],
    )
};

static LOGINS_REFUSED: Cause = Cause {
    depth: Depth::Effect,
    verdict: Verdict::Warn,
    ..Cause::new(
        "LOGINS-REFUSED",
        "more than 100 logins were refused in the last minute",
        "somebody tries passwords, or a release refuses the right ones",
        Clue::SaidTimes(
            100,
            r"(?i)login failed|invalid (credentials|password)|UnauthorizedException|\b401\b",
            Window::Seconds(60),
        ),
        &[&READ_LOG],
    )
};

// --- payment-failure

static STRIPE_KEY_FORM: Cause = Cause {
    explains: &[&STRIPE_KEY_REFUSED],
    ..Cause::new(
        "STRIPE-KEY-FORM",
        "STRIPE_SECRET_KEY is missing or no secret key of Stripe",
        "scenario A: such keys begin with sk_live_, sk_test_ or rk_; pk_ is the public one, which can charge nobody",
        Any(&[
            Clue::Env(EnvClue::KeysMissing(&["STRIPE_SECRET_KEY"])),
            Clue::Env(EnvClue::Unlike("STRIPE_SECRET_KEY", "(sk|rk)_(live|test)_[0-9A-Za-z_]{8,}")),
        ]),
        &[&SET_AND_REDEPLOY],
    )
};

static STRIPE_KEY_REFUSED: Cause = Cause::new(
    "STRIPE-KEY-REFUSED",
    "Stripe refuses the key of {service}",
    "scenario A: it was rotated, revoked or cut when it was pasted; every payment fails",
    Clue::Said(r"(?i)(invalid|expired) api key|StripeAuthenticationError|api_key_expired", HOUR),
    &[&Fix {
        title: "take a new key from Stripe's dashboard",
        risk: Risk::Disruptive,
        remedy: Remedy::Manual(
            "put it into {env} or Dokploy, for api and web, make the containers anew, and try a small payment",
        ),
    }],
);

static STRIPE_TEST_KEY: Cause = Cause::new(
    "STRIPE-TEST-KEY",
    "production uses Stripe's test key",
    "scenario E: nobody is charged, and real cards are refused",
    Any(&[
        All(&[
            Clue::Env(EnvClue::Like("STRIPE_SECRET_KEY", "sk_test_.*")),
            Clue::Env(EnvClue::Like("NODE_ENV", "production")),
        ]),
        Clue::Said(r"a similar object exists in (live|test) mode, but a (test|live) mode key", HOUR),
    ]),
    &[&Fix {
        title: "set the live key, and tell those who paid meanwhile",
        risk: Risk::Disruptive,
        remedy: Remedy::Manual("put sk_live_… into {env} or Dokploy and make the container anew"),
    }],
);

static WEBHOOK_RAW_BODY: Cause = Cause {
    explains: &[&WEBHOOK_SIGNATURE, &PAYMENTS_PENDING],
    ..Cause::new(
        "WEBHOOK-RAW-BODY",
        "{service} checks Stripe's signatures against a parsed body",
        "scenario B, D39: the application is made without rawBody, so that every webhook ends in 400, whatever the secret; \
         rotating it changes nothing",
        Clue::Said(r"(?i)payload must be provided as a string or a Buffer|payload was provided as a parsed", HOUR),
        &[&Fix {
            title: "create the application with rawBody: true",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "NestFactory.create(AppModule, { rawBody: true }) and request.rawBody in the handler, then opsctl redeploy api",
            ),
        }],
    )
};

static WEBHOOK_SECRET_FORM: Cause = Cause {
    explains: &[&WEBHOOK_SIGNATURE, &PAYMENTS_PENDING],
    ..Cause::new(
        "WEBHOOK-SECRET-FORM",
        "STRIPE_WEBHOOK_SECRET is missing or no secret of a webhook",
        "scenario B: it begins with whsec_; without it no payment is ever marked as paid",
        Any(&[
            Clue::Env(EnvClue::KeysMissing(&["STRIPE_WEBHOOK_SECRET"])),
            Clue::Env(EnvClue::Unlike("STRIPE_WEBHOOK_SECRET", "whsec_[0-9A-Za-z+/=]{8,}")),
        ]),
        &[&SET_AND_REDEPLOY],
    )
};

static WEBHOOK_SIGNATURE: Cause = Cause {
    explains: &[&PAYMENTS_PENDING],
    ..Cause::new(
        "WEBHOOK-SIGNATURE",
        "{service} refused webhooks of Stripe for their signature, three times or more in the last hour",
        "scenario B: the secret is another endpoint's, or somebody else sends them; if correctly signed ones are refused \
         too, it is the raw body (D39) and not the secret",
        Clue::SaidTimes(
            3,
            r"(?i)webhook signature verification failed|No signatures found matching|StripeSignatureVerificationError",
            HOUR,
        ),
        &[
            &Fix {
                title: "ask the handler: a wrong signature must give 400, and not 500 or nothing",
                risk: Risk::ReadOnly,
                remedy: Remedy::Manual(
                    "curl -s -o /dev/null -w '%{http_code}' -X POST -H 'stripe-signature: t=1,v1=0' -d '{}' \
                     http://localhost:3001/payment/webhook",
                ),
            },
            &SET_AND_REDEPLOY,
        ],
    )
};

static PAYMENT_NOT_STORED: Cause = Cause::new(
    "PAYMENT-NOT-STORED",
    "{service} could not store a payment in the last hour",
    "scenario C: Stripe took the money, and the database refused the row: a constraint, a time-out, or a user that was deleted",
    Clue::Said(
        r"(?i)(payment|transaction|stripe|checkout).*(P20(02|03|25|28|34)\b|constraint|deadlock|roll(ed)? ?back)|(P20(02|03|28|34)\b|constraint).*\b(payment|transaction|stripe)",
        HOUR,
    ),
    &[&Fix {
        title: "reconcile by hand: intents of Stripe against rows",
        risk: Risk::ReadOnly,
        remedy: Remedy::Manual(
            "export Stripe's payment intents and the transactions of 24 h, match on stripePaymentIntentId; apply only rows \
             that two have looked at",
        ),
    }],
);

static STRIPE_RATE_LIMIT: Cause = Cause {
    verdict: Verdict::Warn,
    ..Cause::new(
        "STRIPE-RATE-LIMIT",
        "Stripe turned requests of {service} away: too many a second",
        "scenario D: about 100 a second are allowed; a loop or a bulk job asks too much",
        Clue::Said(
            r"(?i)StripeRateLimitError|rate_limit(_error)?\b.*stripe|stripe.*(rate.?limit|too many requests)|rate_limit_error",
            HOUR,
        ),
        &[&Fix {
            title: "queue the requests",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual("find who asks so much in the log, and let it wait between requests"),
        }],
    )
};

static STRIPE_UNREACHABLE: Cause = Cause {
    verdict: Verdict::Warn,
    ..Cause::new(
        "STRIPE-UNREACHABLE",
        "{service} did not reach Stripe in the last hour",
        "Stripe is down, or this host has no way out; https://status.stripe.com says which",
        Clue::Said(
            r"(?i)StripeConnectionError|StripeAPIError|api\.stripe\.com.*(ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ECONNRESET)|(ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ECONNRESET).*api\.stripe\.com",
            HOUR,
        ),
        &[&Fix {
            title: "ask Stripe from here",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["curl", "-sS", "-m", "5", "https://status.stripe.com/api/v2/status.json"]),
        }],
    )
};

static PAYMENTS_PENDING: Cause = Cause {
    depth: Depth::Effect,
    ..Cause::new(
        "PAYMENTS-PENDING",
        "more than ten payments of the last hour are still pending",
        "one or two are a matter of single customers, more than ten are everybody's; no cause that opsctl knows is proven",
        All(&[
            ASKABLE,
            Clue::Query(&DATABASE, Shows::Line(r"^pending payments of the last hour: (1[1-9]|[2-9]\d|\d{3,})$")),
        ]),
        &[&Fix {
            title: "compare with Stripe's dashboard: paid there, or never finished?",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["opsctl", "logs", "api", "-g", "(?i)payment|stripe|webhook", "--since", "1h"]),
        }],
    )
};

// --- database-failure

static CORRUPTION: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    severity: Some(&P0),
    ..Cause::new(
        "CORRUPTION",
        "PostgreSQL finds its files damaged",
        "scenario C: it cannot read a block or an index, or its journal; every further write may make it worse",
        Clue::Said(
            r"(?i)could not read blocks?|invalid page in block|PANIC:|contains corrupted page|corrupted (page|item|line)|unexpected zero page|could not locate a valid checkpoint|missing chunk number|index .* (is corrupted|contains)",
            HOUR,
        ),
        &[
            &Fix {
                title: "stop what writes, and copy the volume before anything else",
                risk: Risk::Destructive,
                remedy: Remedy::Manual(
                    "opsctl stop api; opsctl stop postgres; copy the volume postgres_data aside; then start postgres alone",
                ),
            },
            &Fix {
                title: "an index: build it anew by name; else restore",
                risk: Risk::Destructive,
                remedy: Remedy::Manual(
                    "REINDEX INDEX CONCURRENTLY \"NAME\" (the runbook's loop takes headings for names, D31); a damaged table \
                     is restored from a backup, with the old volume kept",
                ),
            },
        ],
    )
};

static STALE_LOCK: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    ..Cause::new(
        "STALE-LOCK",
        "PostgreSQL does not start: a lock file lies in its data directory",
        "scenario B: another server uses the same volume, or one was killed; removing the file while another runs destroys \
         the database (D29)",
        All(&[
            Clue::Unwell,
            Clue::Said(
                r#"lock file "postmaster\.pid" (already exists|is empty)|pre-existing shared memory block"#,
                Window::Run,
            ),
        ]),
        &[&Fix {
            title: "prove that no other server uses the volume, then remove the file",
            risk: Risk::Destructive,
            remedy: Remedy::Manual(
                "docker ps -a --filter volume=v-edfinance_postgres_data must list this container alone; opsctl stop postgres; \
                 remove postmaster.pid from the volume's directory on the host; opsctl start postgres",
            ),
        }],
    )
};

static OTHER_VERSION: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    ..Cause::new(
        "OTHER-VERSION",
        "PostgreSQL does not start: its files are of another version",
        "the files name 15, 16, 17 and pgvector (D3); a newer image does not read the files of an older one",
        All(&[
            Clue::Unwell,
            Clue::Said(
                r"database files are incompatible with server|was initialized by PostgreSQL version",
                Window::Run,
            ),
        ]),
        &[&Fix {
            title: "go back to the image whose version the volume has",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "set the tag in docker-compose.yml to the version that the message names, docker compose up -d postgres; never \
                 make the volume anew",
            ),
        }],
    )
};

static DATA_NOT_OWNED: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    ..Cause::new(
        "DATA-NOT-OWNED",
        "PostgreSQL does not start: its files belong to somebody else",
        "a restore or a copy left them with another owner or mode",
        All(&[
            Clue::Unwell,
            Clue::Said(
                r"data directory .* has (wrong ownership|invalid permissions)|could not (open|access) (file|directory) .*: Permission denied",
                Window::Run,
            ),
        ]),
        &[&Fix {
            title: "give them back to the image's postgres user",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "opsctl stop postgres; chown -R the volume's directory to the owner that the image's postgres has (70 in \
                 alpine, 999 in Debian), mode 700; opsctl start postgres",
            ),
        }],
    )
};

static TOO_MANY_CLIENTS: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    ..Cause::new(
        "TOO-MANY-CLIENTS",
        "PostgreSQL takes no more connections",
        "scenario E: all of max_connections are used; sessions that nobody closes, or too big pools",
        Any(&[
            Clue::Reply(Heard::Text(r"^53300 |too many clients already|remaining connection slots")),
            All(&[
                Clue::State(&[State::Running]),
                Clue::Said(r"too many clients already|remaining connection slots are reserved", Window::Seconds(120)),
            ]),
        ]),
        &[
            &RESTART_API,
            &Fix {
                title: "end sessions that have been idle for more than five minutes",
                risk: Risk::Disruptive,
                remedy: Remedy::Manual(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle' AND state_change < now() - \
                     interval '5 min' AND datname = the API's",
                ),
            },
        ],
    )
};

static DATABASE_MISSING: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    ..Cause::new(
        "DATABASE-MISSING",
        "the database that DATABASE_URL of api names does not exist",
        "five names are documented (D8); a volume made anew has only one of them, and it is empty",
        All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^no database of that name$"))]),
        &[
            &Fix {
                title: "see which databases there are",
                risk: Risk::ReadOnly,
                remedy: Remedy::Command(&["docker", "exec", "{unit}", "psql", "-U", "postgres", "-l"]),
            },
            &Fix {
                title: "correct DATABASE_URL of api, or restore the database",
                risk: Risk::Destructive,
                remedy: Remedy::Manual("never create an empty one before it is clear where the data is"),
            },
        ],
    )
};

static DATABASE_LOGIN: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    ..Cause::new(
        "DATABASE-LOGIN",
        "PostgreSQL refuses the password of api",
        "it was changed on one side only; POSTGRES_PASSWORD counts only when the volume is made, not later",
        Of(
            &API,
            &All(&[Clue::Unwell, Clue::Said(r"password authentication failed|P1000\b|28P01", Window::Seconds(120))]),
        ),
        &[&Fix {
            title: "make role and DATABASE_URL agree",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "\\password in psql inside the container, and DATABASE_URL in /root/v-edfinance/apps/api/.env or Dokploy; then \
                 make the API's container anew",
            ),
        }],
    )
};

static DATABASE_UNREACHABLE: Cause = Cause {
    about: About::These(&[&API]),
    ..Cause::new(
        "DATABASE-UNREACHABLE",
        "{service} does not reach the database, although that answers",
        "scenario A: DATABASE_URL names another host or port, or both are not in the same network",
        All(&[
            Clue::Unwell,
            ASKABLE,
            Clue::Said(
                r"(?i)ECONNREFUSED.*:543\d|P1001\b|can't reach database server|connection to server .* failed: (connection refused|no route|timeout)|could not translate host name|getaddrinfo (ENOTFOUND|EAI_AGAIN) .*(postgres|db)",
                Window::Seconds(120),
            ),
        ]),
        &[&SET_AND_REDEPLOY, &RESTART],
    )
};

// --- service-down

static ADDRESS_IN_USE: Cause = Cause {
    explains: &[&usual::STOPPED, &usual::FAILED],
    ..Cause::new(
        "ADDRESS-IN-USE",
        "{service} cannot listen: its address is in use",
        "scenario B: Grafana's file wants 3001, which is the API's, Uptime Kuma 3002, which is web's, and the API's own file \
         3000, which is Dokploy's (D7)",
        All(&[Clue::Unwell, Clue::Said(r"EADDRINUSE|(?i)address already in use", Window::Run)]),
        &[&Fix {
            title: "stop the other one by its name, then start {service}",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "ss -Hltnp 'sport = :{port}' and docker ps say whose it is; then opsctl restart {service}",
            ),
        }],
    )
};

static RELEASE_BROKEN: Cause = Cause {
    about: About::These(&[&API, &WEB]),
    ..Cause::new(
        "RELEASE-BROKEN",
        "{service} ends right after its start: the release does not fit together",
        "scenario D: a module or a provider that it wants is not in the image",
        All(&[
            Clue::Unwell,
            Clue::Said(
                r"Cannot find module|ERR_MODULE_NOT_FOUND|Nest can't resolve dependencies|SyntaxError:|ReferenceError:|PrismaClientInitializationError.*(engine|binary)|could not locate the Query Engine",
                Window::Run,
            ),
        ]),
        &[&Fix {
            title: "go back to the version before",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "opsctl rollback {service}; where Dokploy deploys it, roll back there, or it comes again",
            ),
        }],
    )
};

static CONTAINERS_UNWELL: Cause = Cause {
    about: About::These(&[&DOCKER]),
    verdict: Verdict::Warn,
    severity: Some(&P2),
    ..Cause::new(
        "CONTAINERS-UNWELL",
        "containers keep failing that are none of the registry's",
        "they are restarted again and again, or their health check fails; a container under another name is no service here",
        Clue::Strangers,
        &[&Fix {
            title: "see which, and read their logs",
            risk: Risk::ReadOnly,
            remedy: Remedy::Command(&["docker", "ps", "--all"]),
        }],
    )
};

static FAILED_UNITS: Cause = Cause { verdict: Verdict::Warn, severity: Some(&P2), ..usual::unit_failed() };
static LOOPING_UNITS: Cause = Cause { severity: Some(&P2), ..usual::unit_looping() };

// --- slow-queries

static BLOCKED: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    explains: &[&IDLE_IN_TRANSACTION, &RUNS_LONG, &POOL_EXHAUSTED],
    ..Cause::new(
        "BLOCKED",
        "a session has waited for another's lock for more than five seconds",
        "scenario D: the one that holds it is slow, or idle within a transaction; everybody who wants the row waits",
        All(&[ASKABLE, Clue::Query(&SERVER, Shows::Line("^blocked: "))]),
        &[&Fix {
            title: "cancel the blocker; end its session only if that does not help",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "look at its query first (pg_stat_activity); SELECT pg_cancel_backend(PID), then pg_terminate_backend(PID)",
            ),
        }],
    )
};

static POOL_EXHAUSTED: Cause = Cause {
    about: About::These(&[&API]),
    ..Cause::new(
        "POOL-EXHAUSTED",
        "{service} waited in vain for a connection of its pool",
        "scenario E: all ten connections (connection_limit) are held by slow or forgotten work",
        Clue::Said(r"P2024\b|Timed out fetching a new connection from the connection pool", Window::Seconds(600)),
        &[
            &Fix {
                title: "see what holds them",
                risk: Risk::ReadOnly,
                remedy: Remedy::Command(&["opsctl", "diagnose", "slow-queries", "postgres"]),
            },
            &Fix {
                title: "give it more",
                risk: Risk::Disruptive,
                remedy: Remedy::Manual("connection_limit=20 in DATABASE_URL, then make the container anew"),
            },
        ],
    )
};

const CONNECTIONS: Share = Share { part: "connections: ", whole: "connections allowed: ", percent: 80 };

static CONNECTIONS_SHORT: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "CONNECTIONS-SHORT",
        "more than four fifths of PostgreSQL's connections are in use",
        "scenario E: at the end of them everybody is turned away; the alert HighDatabaseConnections means the same",
        All(&[ASKABLE, Clue::Query(&SERVER, Shows::Part(CONNECTIONS))]),
        &[&RESTART_API],
    )
};

static INDEX_INVALID: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "INDEX-INVALID",
        "an index is invalid",
        "CREATE INDEX CONCURRENTLY was broken off and left it: it is kept up at each write and used by no query",
        All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^invalid index: "))]),
        &[&Fix {
            title: "drop it and build it again",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "DROP INDEX CONCURRENTLY \"NAME\"; then CREATE INDEX CONCURRENTLY, outside a transaction",
            ),
        }],
    )
};

static INDEX_MISSING: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "INDEX-MISSING",
        "a big table is read as a whole again and again",
        "scenario A: more often than any of its indexes was used, and more than 10,000 rows each time; candidates are \
         BehaviorLog (userId, timestamp), OptimizationLog (createdAt), Transaction (userId, status)",
        All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^read as a whole: "))]),
        &[&Fix {
            title: "find the query, then add the index",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual("EXPLAIN the query; CREATE INDEX CONCURRENTLY, outside a transaction"),
        }],
    )
};

static CALLED_TOO_OFTEN: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "CALLED-TOO-OFTEN",
        "one SELECT is called more than 1,000 times a minute",
        "scenario B: a loop asks for one row at a time (N+1)",
        All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^called often: "))]),
        &[&Fix {
            title: "fetch them together",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "find it in pg_stat_statements by its queryid; include or join in the code, then redeploy",
            ),
        }],
    )
};

static STATISTICS_STALE: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "STATISTICS-STALE",
        "a table changed a lot and was not analyzed for a week",
        "scenario C: the planner works with what the table was",
        All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^statistics: "))]),
        &[&Fix {
            title: "analyze that table",
            risk: Risk::Safe,
            remedy: Remedy::Manual("ANALYZE \"TABLE\" in psql; see why autovacuum does not do it"),
        }],
    )
};

static IDLE_IN_TRANSACTION: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "IDLE-IN-TRANSACTION",
        "a session has done nothing within a transaction for more than a minute",
        "it keeps its locks, and old rows cannot be cleaned up",
        All(&[ASKABLE, Clue::Query(&SERVER, Shows::Line("^idle in transaction: "))]),
        &[&Fix {
            title: "see whose it is, then end it",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "SELECT pid, application_name, client_addr FROM pg_stat_activity WHERE state LIKE 'idle in%'; pg_terminate_backend(PID)",
            ),
        }],
    )
};

static STATEMENT_SLOW: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "STATEMENT-SLOW",
        "a statement takes more than a second on average",
        "no index, old statistics or too many rows; the average is that since pg_stat_statements was last reset",
        All(&[ASKABLE, Clue::Query(&DATABASE, Shows::Line("^slow statement: "))]),
        &[&Fix {
            title: "find it by its queryid, and EXPLAIN it",
            risk: Risk::ReadOnly,
            remedy: Remedy::Manual("SELECT query FROM pg_stat_statements WHERE queryid = …"),
        }],
    )
};

static RUNS_LONG: Cause = Cause {
    about: About::These(&[&POSTGRES]),
    verdict: Verdict::Warn,
    ..Cause::new(
        "RUNS-LONG",
        "a query has run for more than five seconds",
        "a report, a missing index, or a client that asks for everything",
        All(&[ASKABLE, Clue::Query(&SERVER, Shows::Line("^runs long: "))]),
        &[&Fix {
            title: "look at it, and cancel it if nobody needs it",
            risk: Risk::Disruptive,
            remedy: Remedy::Manual(
                "SELECT left(query, 200) FROM pg_stat_activity WHERE pid = PID; pg_cancel_backend(PID)",
            ),
        }],
    )
};
