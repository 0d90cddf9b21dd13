//! What goes wrong on ai-fsm: the runbook's seven failures. "Fn" is the number in the runbook's own order.

use super::super::*;
use super::services::*;
use super::{P1, P2, P3};
use Clue::{All, Any, Not, Of};

pub(super) static FAILURES: &[&Failure] = &[
    &DATA_CORRUPTION,
    &DB_INACCESSIBLE,
    &DISK_FULL_FAILURE,
    &APP_DOWN,
    &OOM,
    &AUTOMATION_FAILURES,
    &LOGIN_RATE_LIMITED,
    &usual::BACKUP_FAILURE,
];

/// Those that ask the database.
static ASKERS: &[&Service] = &[&WEB, &WORKER];

// F7
static DATA_CORRUPTION: Failure = Failure::new(
    "data-corruption",
    &[&[&DATABASE_DAMAGED, &TABLES_OFF_PATH, &TABLE_MISSING, &NOBODY_LEFT, &MANY_DELETED]],
)
.summary("the database is damaged, or has lost data")
.section("Suspected Data Corruption")
.severity(&P1)
.aliases(&["corruption", "data-loss", "damaged"])
.services(&[&POSTGRES])
.symptoms(&["rows disappear that nobody deleted", "errors when rows are read"])
.note(
    "stop web and worker first, dump the present data as incident_STAMP.dump, restart nothing; the last drill in \
             docs/DECISION_LOG.md has the expected counts",
);

// F2
static DB_INACCESSIBLE: Failure = Failure::new(
    "db-inaccessible",
    &[&[
        &DATABASE_URL_HOST,
        &DATABASE_REFUSES,
        &CONNECTIONS_FULL,
        &DATABASE_STARTING,
        &POOL_EXHAUSTED,
        &LOCK_CHAIN,
        &DATABASE_WITHOUT_SPACE,
    ]],
)
.summary("the database is down, full, blocked, or rejects its users")
.section("Database Inaccessible")
.severity(&P1)
.aliases(&["db", "database", "db-down", "500", "locks", "connections"])
.services(&[&POSTGRES, &WEB])
.symptoms(&["/api/health reports degraded, checks.db fail", "API routes answer 500 INTERNAL_ERROR"])
.note(
    "the runbook's names db, ai-fsm-db and role postgres do not exist; after a restart wait for healthy, not ten \
     seconds, then check web and worker: both may have ended",
);

// F5
static DISK_FULL_FAILURE: Failure = Failure::new(
    "disk-full",
    &[&[&DISK_FULL, &INODES_FULL, &LOGS_UNBOUNDED, &usual::DISK_FILLING, &usual::INODES_FILLING]],
)
.summary("a file system is full or nearly full")
.section("Disk Full")
.severity(&P1)
.aliases(&["disk", "no-space", "enospc", "inodes"])
.symptoms(&["the database cannot write", "containers end", "df shows / or /var at 100 %"])
.note(
    "never run the runbook's docker system prune --volumes: a crashed postgres and its data count as unused; the \
     images are built here and cannot be pulled. Start stopped containers before you prune anything. Reading logs \
     into /dev/null frees no space",
);

// F1
static APP_DOWN: Failure = Failure::new(
    "app-down",
    &[
        &[&SECRET_SHORT, &IMAGE_GONE, &START_REFUSED],
        usual::SERVICE,
        &[&usual::ENGINE_DOWN, &FAILED_UNITS, &LOOPING_UNITS, &usual::CLOCK_ADRIFT, &usual::LOAD_HIGH],
    ],
)
.summary("a service is down or does not answer")
.section("Application Completely Down")
.aliases(&["down", "web-down", "crash-loop", "service-down", "503"])
.symptoms(&["/api/health does not answer, or with 503", "containers are stopped or end"])
.note("503: web runs and its database does not; refused: web is down. Nothing restarts a web that hangs");

// F4
static OOM: Failure =
    Failure::new("oom", &[&[&HEAP_UNBOUNDED, &HEAP_EXHAUSTED, &usual::OUT_OF_MEMORY, &NO_SWAP], usual::MEMORY])
        .summary("services or the host run out of memory")
        .section("High Memory / OOM on Pi4")
        .severity(&P2)
        .aliases(&["memory", "out-of-memory", "swap"])
        .symptoms(&["services restart at random", "the kernel's log has lines of the OOM killer"])
        .note(
            "`restart` does not apply a changed .env, `up -d` does; swapoff under memory pressure can itself trigger \
             OOM kills; dphys-swapfile exists only on Raspberry Pi OS, and needs its setup step",
        );

// F3
static AUTOMATION_FAILURES: Failure = Failure::new(
    "automation-failures",
    &[&[
        &REMINDER_FAILS,
        &FOLLOW_UP_FAILS,
        &POLL_HIDDEN,
        &POLL_SLOW,
        &POLL_FAILS,
        &AUTOMATIONS_OVERDUE,
        &AUTOMATIONS_OFF,
    ]],
)
.summary("automations fail or do not run")
.section("Worker Automation Failures")
.severity(&P3)
.aliases(&["automations", "reminders", "follow-ups", "worker-down"])
.services(&[&WORKER])
.symptoms(&["visit reminders or invoice follow-ups do not arrive"])
.note(
    "next_run_at far in the past: the automation fails at every poll, and changing the time does not help; in the \
     future: it waits; \"sent\" means a row in audit_log",
);

// F6
static LOGIN_RATE_LIMITED: Failure = Failure::new("login-rate-limited", &[&[&RATE_LIMITED]])
    .summary("logins are rejected after too many attempts")
    .section("Rate Limit Exhausted / Login Loop")
    .severity(&P3)
    .aliases(&["login", "429", "rate-limit", "locked-out"])
    .services(&[&WEB])
    .symptoms(&["users cannot log in: 429 RATE_LIMITED with Retry-After"])
    .note(
        "web keeps the limits in memory and does not log rejections, so no finding proves nothing. opsctl tries no \
         login, because a try counts as one of the five; ask a user for the status and Retry-After of the answer. \
         Without a proxy all clients share one limit",
    );

static READ_WEB: Fix =
    Fix::new("read its log", Risk::ReadOnly, Remedy::Command(&["opsctl", "logs", "{service}", "-n", "100"]));
static CORRECT_ENV: Fix = Fix::new(
    "correct the env file and recreate the container",
    Risk::Disruptive,
    Remedy::Manual(
        "edit {env}, then in the repository: docker compose --env-file .env -f infra/compose.pi.yml up -d {service} \
         (restart keeps the old values)",
    ),
);
static RESTART: Fix = Fix::new("restart {service}", Risk::Disruptive, Remedy::Restart);
static STOP_WRITERS: Fix = Fix::new(
    "stop all writers, and dump the present data",
    Risk::Disruptive,
    Remedy::Manual(
        "opsctl stop web worker; docker exec ai-fsm-postgres sh -c 'pg_dump -U \"$POSTGRES_USER\" -Fc \
         \"$POSTGRES_DB\"' >/home/pi/backups/incident_$(date +%Y%m%d_%H%M%S).dump; then check that it ended with 0 \
         and that pg_restore --list reads it",
    ),
);
static RESTORE: Fix = Fix::new(
    "restore the last good dump, only if the data is in no schema and no other database",
    Risk::Destructive,
    Remedy::Manual(
        "\\l and \\dt *.* in psql first; pg_restore --list the dump before anything is dropped; \
         docs/BACKUP_RUNBOOK.md; note it in docs/DECISION_LOG.md",
    ),
);

static WHERE_TABLES_ARE: Fix = Fix::new(
    "see in which schemas the tables are",
    Risk::ReadOnly,
    Remedy::Manual(
        "docker exec ai-fsm-postgres sh -c 'psql -U \"$POSTGRES_USER\" \"$POSTGRES_DB\" -c \"SELECT schemaname, tablename \
         FROM pg_tables\" -c \"SHOW search_path\"'",
    ),
);
static OTHER_SCHEMA: Fix = Fix::new(
    "if they are in another schema, correct search_path",
    Risk::Disruptive,
    Remedy::Manual(
        "ALTER ROLE or ALTER DATABASE … SET search_path, or the URL in {env}: the rows exist. If no schema has them, \
         opsctl backup list, and load the newest copy into a separate database",
    ),
);
static LIST_DATABASES: Fix = Fix::new(
    "check whether the users are in another database",
    Risk::ReadOnly,
    Remedy::Manual("docker exec ai-fsm-postgres sh -c 'psql -U \"$POSTGRES_USER\" -l'; the volume may be new"),
);
static COMPARE_COPY: Fix = Fix::new(
    "compare with the newest copy",
    Risk::Disruptive,
    Remedy::Manual(
        "opsctl backup list; load the copy into a separate database (createdb, then load the dump) and compare the \
         rows before you drop anything",
    ),
);

static DATABASE_DAMAGED: Cause = Cause::new(
    "DATABASE-DAMAGED",
    Clue::Said(
        concat!(
            r"(?i)invalid page in block|could not read block|page verification failed",
            r"|could not locate a valid checkpoint|missing chunk number|unexpected chunk",
            r"|compressed (pglz|lz4) data is corrupt|invalid memory alloc request|could not open file .base/",
            r"|index .* contains (corrupted|unexpected)|could not access status of transaction|catalog is missing"
        ),
        Window::Seconds(3600),
    ),
)
.summary("PostgreSQL reported damaged data in the last hour")
.explanation("it cannot read pages, indexes or its WAL; a restart does not repair them and may increase the damage")
.about(About::These(&[&POSTGRES]))
.fixes(&[&STOP_WRITERS, &RESTORE]);

/// A table that the search path does not reach is not gone: a restore would replace what is there.
const TABLES: &str = "SELECT kind || ': ' || string_agg(name, ', ') FROM (SELECT name, CASE WHEN EXISTS (SELECT FROM \
                      pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = name AND c.relkind IN \
                      ('r', 'p') AND n.nspname !~ '^pg_') THEN 'off path' ELSE 'missing' END AS kind FROM \
                      unnest(ARRAY['users', 'jobs', 'visits', 'estimates', 'invoices', 'payments', 'automations', \
                      'audit_log']) AS name WHERE to_regclass(name) IS NULL) AS lacking GROUP BY kind";
/// One `SELECT`, for the application's own database.
const fn asks(sql: &'static str) -> Query {
    Query::new(&POSTGRES, Database::Own, sql)
}

static TABLES_MISSING: Query = asks(TABLES);

static TABLE_MISSING: Cause =
    Cause::new("TABLE-MISSING", All(&[Not(&Clue::Unhealthy), Clue::Query(&TABLES_MISSING, Shows::Line("^missing: "))]))
        .summary("tables of the application are not in its database")
        .explanation("they were dropped, a restore stopped half-way, or this is the wrong database")
        .about(About::These(&[&POSTGRES]))
        .explains(&[&POLL_FAILS])
        .fixes(&[&WHERE_TABLES_ARE, &OTHER_SCHEMA]);

static TABLES_OFF_PATH: Cause = Cause::new(
    "TABLES-OFF-PATH",
    All(&[Not(&Clue::Unhealthy), Clue::Query(&TABLES_MISSING, Shows::Line("^off path: "))]),
)
.summary("tables of the application are in a schema that its search_path does not name")
.explanation("search_path was set for the database, a role or the server; the data exists, so restore nothing")
.about(About::These(&[&POSTGRES]))
.explains(&[&POLL_FAILS])
.fixes(&[
    &Fix::new(
        "see where search_path is set",
        Risk::ReadOnly,
        Remedy::Manual("psql in {unit}: \\drds; SELECT * FROM pg_file_settings WHERE name = 'search_path'"),
    ),
    &Fix::new(
        "reset search_path, then make clients reconnect",
        Risk::Disruptive,
        Remedy::Manual("ALTER DATABASE or ALTER ROLE … RESET search_path; then opsctl restart web worker"),
    ),
]);

static USERS: Query = asks("SELECT 'the table users is empty' WHERE NOT EXISTS (SELECT FROM users)");

static NOBODY_LEFT: Cause = Cause::new(
    "NOBODY-LEFT",
    All(&[
        Not(&Clue::Unhealthy),
        Clue::Query(&TABLES_MISSING, Shows::NoLine("^(missing|off path): ")),
        Clue::Query(&USERS, Shows::Line("empty")),
    ]),
)
.summary("the database has no users: nobody can log in")
.explanation("its rows were deleted, or this is a new database without its data")
.about(About::These(&[&POSTGRES]))
.fixes(&[&LIST_DATABASES, &COMPARE_COPY]);

static DELETED: Query = asks(
    "SELECT count(*) || ' rows deleted in the last hour' FROM audit_log WHERE action = 'delete' AND created_at > now() \
     - interval '1 hour' HAVING count(*) > 50",
);

static MANY_DELETED: Cause = Cause::new(
    "MANY-DELETED",
    All(&[
        Not(&Clue::Unhealthy),
        Clue::Query(&TABLES_MISSING, Shows::NoLine("^(missing|off path): ")),
        Clue::Query(&DELETED, Shows::Line("rows deleted")),
    ]),
)
.summary("many rows were deleted in the last hour")
.explanation("audit_log has more than 50 deletions, each with its actor; no document states a usual number")
.about(About::These(&[&POSTGRES]))
.verdict(Verdict::Warn)
.fixes(&[
    &Fix::new(
        "first see which rows were deleted and by whom",
        Risk::ReadOnly,
        Remedy::Manual(
            "docker exec -i ai-fsm-postgres psql --username=ROLE --dbname=ai_fsm, ROLE being POSTGRES_USER of {env}: \
             SELECT entity_type, actor_id, count(*) FROM audit_log WHERE action = 'delete' AND created_at > now() - \
             interval '1 hour' GROUP BY 1, 2",
        ),
    ),
    &STOP_WRITERS,
]);

static DATABASE_URL_HOST: Cause = Cause::new(
    "DATABASE-URL-HOST",
    Clue::Env(EnvClue::key("DATABASE_URL").unlike("postgres(ql)?://.*@postgres(:5432)?/.+")),
)
.summary("DATABASE_URL does not name the host postgres")
.explanation(
    "in a container localhost is the container itself; the example file has localhost. Running containers still have \
     the old value",
)
.about(About::These(&[&WEB]))
.explains(&[&POLL_FAILS])
.fixes(&[&CORRECT_ENV]);

static DATABASE_REFUSES: Cause = Cause::new(
    "DATABASE-REFUSES",
    All(&[
        Not(&Clue::Unhealthy),
        Any(&[Of(&WEB, &Clue::Unhealthy), Of(&WORKER, &Clue::Unhealthy)]),
        Clue::Said(
            concat!(
                r"FATAL: +(password authentication failed|(role|database) .* does not exist|no pg_hba\.conf entry",
                r"|role .* is not permitted)"
            ),
            Window::Seconds(120),
        ),
    ]),
)
.summary("PostgreSQL rejects web or worker")
.explanation(
    "the volume was created with another role, password or database than DATABASE_URL has; POSTGRES_PASSWORD in the \
     env file counts only when the volume is created",
)
.about(About::These(&[&POSTGRES]))
.explains(&[&usual::BAD_ANSWER, &POLL_FAILS])
.fixes(&[&Fix::new(
    "make role, password and database match",
    Risk::Disruptive,
    Remedy::Manual(
        "set DATABASE_URL in {env} as it was, or give the role the new password (ALTER ROLE … PASSWORD); then docker \
         compose --env-file .env -f infra/compose.pi.yml up -d web worker",
    ),
)]);

static CONNECTIONS_FULL: Cause = Cause::new("CONNECTIONS-FULL", Clue::Reply(Heard::Text("^53300")))
    .summary("PostgreSQL has no connection left")
    .explanation("a client opens connections and keeps them; web and worker have at most ten each")
    .about(About::These(&[&POSTGRES]))
    .explains(&[&usual::BAD_ANSWER, &POLL_FAILS])
    .fixes(&[
        &Fix::new(
            "see which clients have them",
            Risk::ReadOnly,
            Remedy::Command(&["ss", "-Htnp", "state", "established", "sport = :5432"]),
        ),
        &RESTART,
    ]);

static DATABASE_STARTING: Cause = Cause::new("DATABASE-STARTING", Clue::Reply(Heard::Text("^57P0[123]")))
    .summary("PostgreSQL starts, stops or recovers, and accepts no connections yet")
    .explanation("after a crash it first replays its WAL; a restart now starts the replay again")
    .about(About::These(&[&POSTGRES]))
    .explains(&[&usual::BAD_ANSWER, &POLL_FAILS])
    .fixes(&[&Fix::new(
        "wait, and read its progress",
        Risk::ReadOnly,
        Remedy::Command(&["opsctl", "logs", "postgres", "-n", "20"]),
    )]);

static BUSY: Query = asks(
    "SELECT count(*) || ' sessions at work for more than 10 s' FROM pg_stat_activity WHERE backend_type = 'client \
     backend' AND state <> 'idle' AND pid <> pg_backend_pid() AND coalesce(xact_start, query_start) < now() - interval \
     '10 seconds' HAVING count(*) > 9",
);

static POOL_EXHAUSTED: Cause = Cause::new(
    "POOL-EXHAUSTED",
    All(&[
        Clue::Unhealthy,
        Not(&Of(&POSTGRES, &Clue::Unhealthy)),
        Any(&[
            Clue::Said(r"(?i)timeout exceeded when trying to connect|remaining connection slots", Window::Seconds(300)),
            Of(&POSTGRES, &Clue::Query(&BUSY, Shows::Line("sessions at work"))),
        ]),
    ]),
)
.summary("all ten database connections of {service} are taken")
.explanation("its pool has ten; requests that wait too long for one fail, and the health check waits too")
.about(About::These(&[&WEB]))
.fixes(&[&RESTART]);

static BLOCKERS: Query = asks(
    "SELECT 'pid ' || b.pid || ' (role ' || coalesce(b.usename, '?') || coalesce(', ' || nullif(b.application_name, ''), \
     '') || ', ' || coalesce(b.state, '?') || ', for ' || extract(epoch FROM now() - coalesce(b.xact_start, \
     b.query_start, now()))::int || ' s) blocks ' || count(DISTINCT w.pid) || ' sessions' || coalesce(' by its lock on ' \
     || string_agg(DISTINCT c.relname, ', '), '') FROM pg_stat_activity w CROSS JOIN LATERAL \
     unnest(pg_blocking_pids(w.pid)) AS p (pid) JOIN pg_stat_activity b ON b.pid = p.pid LEFT JOIN LATERAL (SELECT \
     k.relname FROM pg_locks l JOIN pg_locks h ON h.relation = l.relation AND h.pid = b.pid AND h.granted JOIN pg_class k \
     ON k.oid = l.relation AND k.relkind IN ('r', 'p') WHERE l.pid = w.pid AND l.database = (SELECT oid FROM pg_database \
     WHERE datname = current_database()) AND h.mode <> 'AccessShareLock') c ON true WHERE w.query_start < now() - \
     interval '10 seconds' AND cardinality(pg_blocking_pids(b.pid)) = 0 GROUP BY b.pid, b.usename, b.application_name, \
     b.state, b.xact_start, b.query_start",
);

static LOCK_CHAIN: Cause = Cause::new(
    "LOCK-CHAIN",
    All(&[Not(&Clue::Unhealthy), Clue::Query(&BLOCKERS, Shows::Line(" blocks "))]),
)
.summary("other sessions have waited more than ten seconds for a lock of one session")
.explanation("its transaction does not end; each session that waits uses a connection of the pool")
.about(About::These(&[&POSTGRES]))
.explains(&[&POOL_EXHAUSTED, &AUTOMATIONS_OVERDUE, &usual::PG_LOCK_WAIT])
.fixes(&[&Fix::new(
    "see what it does, then end only that session",
    Risk::Disruptive,
    Remedy::Manual(
        "opsctl run db-locks lists which session waits for which; opsctl run kill-query PID shows the query, and \
                 ends that session",
    ),
)]);

static DATABASE_WITHOUT_SPACE: Cause = Cause::new(
    "DATABASE-WITHOUT-SPACE",
    All(&[Not(&Clue::Unhealthy), Clue::Said(r"(?i)no space left on device", Window::Seconds(600))]),
)
.summary("PostgreSQL ran out of disk space in the last ten minutes")
.explanation("it still answers, but writes fail; without space for its WAL it ends")
.about(About::These(&[&POSTGRES]))
.fixes(&[&SEE_SPACE]);

static SEE_SPACE: Fix = Fix::new(
    "find what uses the space",
    Risk::ReadOnly,
    Remedy::Command(&["du", "-xahd1", "/var/lib/docker", "/var/log", "/home"]),
);

static DISK_FULL: Cause = usual::disk_full(
    &[&usual::NO_SPACE, &DATABASE_WITHOUT_SPACE],
    &[
        &Fix::new(
            "remove docker's build cache, which the next build recreates",
            Risk::Safe,
            Remedy::Command(&["docker", "builder", "prune", "--force"]),
        )
        .frees(&["/var/lib/docker"]),
        &usual::WHERE_SPACE_WENT,
        &usual::FREE_SPACE,
        &Fix::new(
            "remove dangling images, once all services run",
            Risk::Destructive,
            Remedy::Command(&["docker", "image", "prune", "--force"]),
        )
        .frees(&["/var/lib/docker"]),
        &Fix::new(
            "remove dumps older than seven days by name, never the newest two, never incident_* or emergency_*",
            Risk::Destructive,
            Remedy::Manual(
                "ls -lt /home/pi/backups, then rm each ai_fsm_*.dump older than seven days (do not use the runbook's \
                 three days)",
            ),
        )
        .frees(&["/home/pi/backups"]),
    ],
);

static INODES_FULL: Cause = usual::inodes_full(&[&usual::NO_SPACE, &DATABASE_WITHOUT_SPACE]);

static LOG_LIMITS: Question = Question::new("docker").args(&[
    "inspect",
    "--type=container",
    "--format={{.Name}} {{json .HostConfig.LogConfig}}",
    "ai-fsm-web",
    "ai-fsm-worker",
    "ai-fsm-postgres",
    "ai-fsm-redis",
]);

static LOGS_UNBOUNDED: Cause = Cause::new(
    "LOGS-UNBOUNDED",
    All(&[Clue::Disk(Verdict::Warn), Clue::Output(&LOG_LIMITS, Shows::Line(r#""Type":"json-file","Config":\{\}"#))]),
)
.summary("a container writes an unlimited log, and the disk is nearly full")
.explanation(
    "the compose file sets 50m x 3; a container created before that, or by hand, has no limit until it is recreated",
)
.about(About::Host)
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "recreate the container, which drops its old log",
    Risk::Destructive,
    Remedy::Manual(
        "in the repository: docker compose --env-file .env -f infra/compose.pi.yml up -d --force-recreate SERVICE; \
         then opsctl run log-rotation-check",
    ),
)]);

static SECRET_SHORT: Cause = Cause::new("SECRET-SHORT", Clue::Env(EnvClue::key("AUTH_SECRET").unlike(".{32,}")))
    .summary("AUTH_SECRET has fewer than 32 characters")
    .explanation(
        "web refuses to start with it; the running container still has the old value and ends at the next \
     `up -d`",
    )
    .about(About::These(&[&WEB]))
    .explains(&[&START_REFUSED])
    .fixes(&[&CORRECT_ENV]);

static START_REFUSED: Cause =
    Cause::new("START-REFUSED", All(&[Clue::Unhealthy, Clue::Said(r"\[startup\]", Window::Run)]))
        .summary("{service} refuses to start with its environment")
        .explanation(
            "its log line names the missing variable; the container has the values of its last `up -d`, not those of \
             the file",
        )
        .about(About::These(&[&WEB]))
        .depth(Depth::Effect)
        .fixes(&[&CORRECT_ENV]);

static OWN_IMAGES: Question =
    Question::new("docker").args(&["image", "ls", "--format={{.Repository}}:{{.Tag}}", "--filter=reference=ai-fsm-*"]);

static IMAGE_GONE: Cause = Cause::new(
    "IMAGE-GONE",
    All(&[
        Clue::State(&[State::NotFound]),
        Any(&[
            Clue::Output(&OWN_IMAGES, Shows::NoLine("^ai-fsm-web:local$")),
            Clue::Output(&OWN_IMAGES, Shows::NoLine("^ai-fsm-worker:local$")),
        ]),
    ]),
)
.summary("the container of {service} and its image are gone")
.explanation("images are built here and cannot be pulled; a prune removed them while the container was stopped")
.about(About::These(ASKERS))
.explains(&[&usual::NOT_FOUND, &usual::CONTAINER_REMOVED])
.fixes(&[&Fix::new(
    "build it again and start it",
    Risk::Disruptive,
    Remedy::Manual(
        "in the repository: docker compose --env-file .env -f infra/compose.pi.yml build {service}, then … up -d \
         {service}",
    ),
)]);

static FAILED_UNITS: Cause = usual::unit_failed().verdict(Verdict::Warn);
static LOOPING_UNITS: Cause = usual::unit_looping().verdict(Verdict::Warn);

static HEAP_UNBOUNDED: Cause = Cause::new(
    "HEAP-UNBOUNDED",
    All(&[
        Clue::Unhealthy,
        Clue::Ended(Ending::OutOfMemory),
        Any(&[
            Clue::Env(EnvClue::KeysMissing(&["NODE_OPTIONS"])),
            Clue::Env(EnvClue::key("NODE_OPTIONS").unlike(".*--max-old-space-size=[0-9]+.*")),
        ]),
    ]),
)
.summary("{service} was OOM-killed, and nothing limits its heap")
.explanation("NODE_OPTIONS in the env file has no --max-old-space-size, so Node grows up to the container's limit")
.about(About::These(&[&WEB]))
.explains(&[&usual::OUT_OF_MEMORY])
.fixes(&[&Fix::new(
    "limit its heap and recreate the container",
    Risk::Disruptive,
    Remedy::Manual(
        "NODE_OPTIONS=--max-old-space-size=256 in {env}, then in the repository: docker compose --env-file .env -f \
         infra/compose.pi.yml up -d web (restart keeps the old values)",
    ),
)]);

static HEAP_EXHAUSTED: Cause = Cause::new(
    "HEAP-EXHAUSTED",
    All(&[Clue::Unhealthy, Clue::Said(r"JavaScript heap out of memory|Reached heap limit", Window::Run)]),
)
.summary("the heap of {service} was full, and Node ended it")
.explanation("it needs more than --max-old-space-size allows, or it leaks")
.about(About::These(ASKERS))
.fixes(&[&RESTART, &READ_WEB]);

static NO_SWAP: Cause = Cause::new(
    "NO-SWAP",
    All(&[
        Any(&[Clue::OomKills, Clue::Memory(Verdict::Warn)]),
        Clue::File("/proc/meminfo", FileClue::Contains("^SwapTotal: +[0-9]{1,6} kB")),
    ]),
)
.summary("memory is low, and the host has less than 1 GB of swap")
.explanation("the documents require 1 GB: without it the kernel kills processes at the first peak")
.about(About::Host)
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "add swap, and keep the present swap",
    Risk::Safe,
    Remedy::Manual("opsctl run swap-grow adds 1 GB beside what there is, and switches nothing off"),
)]);

static REMINDER_FAILS: Cause =
    Cause::new("REMINDER-FAILS", Clue::Said("visit-reminder: failed to emit", Window::Seconds(120)))
        .summary("visit reminders failed in the last two minutes")
        .explanation("the worker retries at every poll; the same log line has the error")
        .about(About::These(&[&WORKER]))
        .explains(&[&AUTOMATIONS_OVERDUE])
        .fixes(&[&READ_WEB]);

static FOLLOW_UP_FAILS: Cause =
    Cause::new("FOLLOW-UP-FAILS", Clue::Said("invoice-followup: failed to process", Window::Seconds(120)))
        .summary("invoice follow-ups failed in the last two minutes")
        .explanation("the worker retries at every poll; the same log line has the error")
        .about(About::These(&[&WORKER]))
        .explains(&[&AUTOMATIONS_OVERDUE])
        .fixes(&[&READ_WEB]);

static POLL_HIDDEN: Cause = Cause::new(
    "POLL-HIDDEN",
    All(&[Clue::Unhealthy, Clue::Env(EnvClue::key("LOG_LEVEL").unlike("(?i)trace|debug|info"))]),
)
.summary("LOG_LEVEL hides the log line of the polls of {service}")
.explanation("it may work: it logs \"automation poll\" at level info")
.about(About::These(&[&WORKER]))
.fixes(&[&CORRECT_ENV]);

static POLL_SLOW: Cause = Cause::new(
    "POLL-SLOW",
    All(&[Clue::Unhealthy, Clue::Env(EnvClue::key("WORKER_POLL_MS").unlike("[0-9]{1,5}|1[01][0-9]{4}|120000"))]),
)
.summary("WORKER_POLL_MS makes {service} poll less often than every two minutes")
.explanation("the deployment uses 30000; automations are late by the same time")
.about(About::These(&[&WORKER]))
.fixes(&[&CORRECT_ENV]);

static POLL_FAILS: Cause = Cause::new("POLL-FAILS", Clue::Said("worker poll failed", Window::Seconds(45)))
    .summary("{service} could not read due automations in the last 45 seconds")
    .explanation("its database query fails; the same log line has the error")
    .about(About::These(&[&WORKER]))
    .depth(Depth::Effect)
    .explains(&[&AUTOMATIONS_OVERDUE])
    .fixes(&[&READ_WEB]);

static DUE: Query = asks(
    "SELECT string_agg(type || ' ' || id || ' due for ' || extract(epoch FROM now() - next_run_at)::bigint / 60 || ' \
     min', ', ' ORDER BY next_run_at) FROM automations WHERE enabled AND next_run_at < now() - interval '5 minutes'",
);

static AUTOMATIONS_OVERDUE: Cause = Cause::new(
    "AUTOMATIONS-OVERDUE",
    All(&[
        Not(&Of(&POSTGRES, &Clue::Unhealthy)),
        Not(&Of(&POSTGRES, &Clue::Query(&TABLES_MISSING, Shows::Line("^(missing|off path): ")))),
        Clue::Query(&DUE, Shows::Line(" due for ")),
    ]),
)
.summary("automations are overdue by more than five minutes, and {service} has not run them")
.explanation("it polls every 30 s: each poll fails, or it hangs")
.about(About::These(&[&WORKER]))
.depth(Depth::Effect)
.fixes(&[&READ_WEB, &RESTART]);

static SWITCHED_OFF: Query = asks(
    "SELECT 'all ' || count(*) || ' are switched off' FROM automations HAVING count(*) > 0 AND NOT bool_or(enabled)",
);

static AUTOMATIONS_OFF: Cause = Cause::new(
    "AUTOMATIONS-OFF",
    All(&[
        Not(&Of(&POSTGRES, &Clue::Unhealthy)),
        Not(&Of(&POSTGRES, &Clue::Query(&TABLES_MISSING, Shows::Line("^(missing|off path): ")))),
        Clue::Query(&SWITCHED_OFF, Shows::Line("switched off")),
    ]),
)
.summary("every automation is switched off")
.explanation("enabled is false in all of them, perhaps on purpose")
.about(About::These(&[&WORKER]))
.verdict(Verdict::Warn)
.fixes(&[&Fix::new(
    "switch on the needed ones, in the application",
    Risk::Safe,
    Remedy::Manual("as the owner, in the application's settings"),
)]);

static RATE_LIMITED: Cause =
    Cause::new("RATE-LIMITED", Clue::Said(r"RATE_LIMITED|/auth/login\S* 429", Window::Seconds(900)))
        .summary("{service} rejected a login after too many attempts in the last 15 minutes")
        .explanation(
            "it allows five logins in 15 min per address in X-Forwarded-For; without a proxy all clients count as \
             one, and every retry extends the time",
        )
        .about(About::These(&[&WEB]))
        .verdict(Verdict::Warn)
        .fixes(&[
            &Fix::new(
                "wait 15 minutes without any attempt",
                Risk::ReadOnly,
                Remedy::Manual("ask the users not to retry meanwhile"),
            ),
            &RESTART,
            &Fix::new(
                "permanently: put a proxy in front that sets X-Forwarded-For",
                Risk::Disruptive,
                Remedy::Manual("then every client has its own limit"),
            ),
        ]);
