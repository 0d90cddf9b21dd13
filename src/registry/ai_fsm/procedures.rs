//! Procedures of ai-fsm, besides those that every host has.
//!
//! Role and database are those of the container's own environment: `env -S` puts them in, and nothing of it is a shell.

use super::checklists::{CI_BYPASS, HEALTH_CRON};
use super::data::{DATA_CORRUPTION, EMERGENCY_SNAPSHOT, MIGRATE, asks};
use super::services::*;
use super::{P1, P2};
use crate::registry::*;
use Assertion::{All, Any, Command, Exists, Free, Healthy, Not};

pub(super) static PROCEDURES: &[&Procedure] = &[
    &KILL_QUERY,
    &DB_ACTIVITY,
    &DB_LOCKS,
    &EMERGENCY_SNAPSHOT,
    &DATA_CORRUPTION,
    &MIGRATE,
    &LOG_ROTATION_CHECK,
    &SWAP_GROW,
    &HEALTH_CRON,
    &CI_BYPASS,
    &POST_INCIDENT,
];

/// What asks the database, as bare values.
const PSQL_BARE: &[&str] = &[
    "env",
    "-S",
    "psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --username=${POSTGRES_USER} \
     --dbname=${POSTGRES_DB}",
];

const SESSION: Assertion = Command(
    Invocation::new(PSQL_BARE)
        .inside(&POSTGRES)
        .input(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND backend_type = 'client backend' AND pid <> \
             pg_backend_pid();",
        )
        .expects("(?m)^1$")
        .means("process {pid} is a session of a client", "process {pid} is no session of a client"),
);

/// Ends one session of the database.
static KILL_QUERY: Procedure = Procedure::new(
    "kill-query",
    &[
        Step::check(
            "session",
            "check that process {pid} is a session of a client",
            SESSION,
            "list the sessions again: opsctl run db-activity",
        ),
        Step::show(
            "query",
            "show what it does, and since when",
            asks(
                "SELECT pid, usename AS role, application_name AS program, client_addr AS client, state, \
                 date_trunc('second', now() - coalesce(xact_start, query_start)) AS since, \
                 left(regexp_replace(regexp_replace(query, '''[^'']*(''|$)', '''…''', 'g'), '\\s+', ' ', 'g'), 500) \
                 AS query FROM pg_stat_activity WHERE pid = {pid} \\gx",
            ),
        ),
        Step::show(
            "blocked",
            "list the sessions that wait for it",
            asks(
                "SELECT pid, usename AS role, date_trunc('second', now() - query_start) AS waits FROM pg_stat_activity \
             WHERE {pid} = ANY(pg_blocking_pids(pid)) ORDER BY query_start;",
            ),
        ),
        Step::command(
            "terminate",
            "end session {pid}",
            Invocation::new(PSQL_BARE)
                .inside(&POSTGRES)
                .input(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = {pid} AND backend_type = \
                     'client backend' AND pid <> pg_backend_pid();",
                )
                .expects("(?m)^t$"),
            Risk::Disruptive,
        )
        .proof(Not(&SESSION))
        .loses("what its transaction has not committed")
        .undo(Undo::Never("PostgreSQL rolled its transaction back; its program opens a new session by itself")),
    ],
)
.aliases(&["terminate-query"])
.summary("end one session of the database")
.section("Database Inaccessible, and pg_terminate_backend in the quick reference")
.when("one session blocks others, or runs without end; db-locks and db-activity have its process id")
.not_when("the data may be corrupt: opsctl backup first")
.severity(&P1)
.parameters(&[Parameter::new("pid", ParameterKind::Number { least: 2, most: 4_194_304 })
    .help("process id of the session, as db-locks lists it")])
.done(&[Not(&SESSION), Healthy(&POSTGRES)])
.note(
    "the runbook's container ai-fsm-db and its role postgres do not exist; texts in quotes are left out of the query, \
     because they may be passwords or personal data; web and worker do not handle a lost connection: check both \
     afterwards",
);

/// What the sessions of the database do.
static DB_ACTIVITY: Procedure = Procedure::new(
    "db-activity",
    &[
        Step::show(
            "sessions",
            "list the sessions at work, the longest first",
            asks(
                "SELECT pid, usename AS role, application_name AS program, client_addr AS client, state, \
                 wait_event_type AS waits_for, wait_event, date_trunc('second', now() - coalesce(xact_start, \
                 query_start)) AS since, left(regexp_replace(regexp_replace(query, '''[^'']*(''|$)', '''…''', 'g'), \
                 '\\s+', ' ', 'g'), 120) AS query FROM pg_stat_activity WHERE backend_type = 'client backend' AND \
                 state <> 'idle' AND pid <> pg_backend_pid() ORDER BY coalesce(xact_start, query_start);",
            ),
        ),
        Step::show(
            "counts",
            "count the sessions by role and state",
            asks(
                "SELECT usename AS role, state, count(*), current_setting('max_connections') AS of FROM \
                 pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1, 2 \
                 ORDER BY 3 DESC;",
            ),
        ),
    ],
)
.summary("list what the sessions of the database do")
.section("Database Inaccessible, triage")
.when("the database is slow, or web gets no connection")
.severity(&P1)
.note("texts in quotes are left out of the queries, because they may be passwords or personal data");

/// Who waits for whom.
static DB_LOCKS: Procedure = Procedure::new(
    "db-locks",
    &[Step::show(
        "locks",
        "list the sessions that wait for a lock, and which session each waits for",
        asks(
            "SELECT w.pid AS waits, w.usename AS role, date_trunc('second', now() - w.query_start) AS since, b.pid AS \
             \"for\", b.usename AS its_role, b.state AS its_state, date_trunc('second', now() - b.xact_start) AS \
             its_since, (SELECT string_agg(DISTINCT l.relation::regclass::text, ' ') FROM pg_locks l WHERE l.pid = \
             w.pid AND NOT l.granted AND l.relation IS NOT NULL) AS on_table FROM pg_stat_activity w CROSS JOIN \
             LATERAL unnest(pg_blocking_pids(w.pid)) AS p (pid) JOIN pg_stat_activity b ON b.pid = p.pid ORDER BY \
             w.query_start;",
        ),
    )],
)
.summary("list which session of the database waits for which")
.section("Database Inaccessible, triage")
.when("queries hang although the database answers")
.severity(&P1)
.note("the session that others wait for, and that waits for none itself, is the one to end: opsctl run kill-query PID");

/// Whether docker rotates the logs of the containers.
static LOG_ROTATION_CHECK: Procedure = Procedure::new(
    "log-rotation-check",
    &[
        Step::show(
            "limits",
            "list how docker rotates the log of each container",
            Invocation::new(ROTATION),
        ),
        Step::check(
            "rotation",
            "check that all four are rotated as in the compose file",
            Command(
                Invocation::new(ROTATION)
                    .expects(
                        r"\A/ai-fsm-web json-file 50m 3\n/ai-fsm-worker json-file 50m 3\n/ai-fsm-postgres json-file 50m 3\n/ai-fsm-redis json-file 20m 2\n*\z",
                    )
                    .means(
                        "the logs of all four containers are rotated as in the compose file",
                        "the log of a container is not rotated as in the compose file",
                    ),
            ),
            "recreate it, because a restart keeps the old options: docker compose -f infra/compose.pi.yml up -d",
        ),
    ],
)
.summary("check that container logs cannot fill the disk")
.section("Disk Full, log rotation")
.when("after each deployment, and when container logs take much of a disk")
.severity(&P1)
.note("the names are those that the compose file sets, 50m x 3 for all but redis with 20m x 2");

const ROTATION: &[&str] = &[
    "docker",
    "inspect",
    "--type=container",
    "--format={{.Name}} {{.HostConfig.LogConfig.Type}} {{index .HostConfig.LogConfig.Config \"max-size\"}} {{index \
     .HostConfig.LogConfig.Config \"max-file\"}}",
    "ai-fsm-web",
    "ai-fsm-worker",
    "ai-fsm-postgres",
    "ai-fsm-redis",
];

const SWAP: &str = "/swap/added";
const SWAP_ALLOCATED: Assertion = Command(
    Invocation::new(&["find", "/swap", "-name", "added", "-type", "f", "-size", "{swap}c"])
        .expects("(?m)^/swap/added$")
        .no(1)
        .means("/swap/added has {swap}", "/swap/added does not have {swap}"),
);
const IS_SWAP: Assertion = Command(
    Invocation::new(&["blkid", "--probe", "--match-tag", "TYPE", "--output", "value", SWAP])
        .expects("(?m)^swap$")
        .no(2)
        .means("/swap/added is formatted as swap", "/swap/added is not formatted as swap"),
);
const SWAP_IN_USE: Assertion = Command(
    Invocation::new(&["swapon", "--show=NAME", "--noheadings", "--raw"])
        .expects("(?m)^/swap/added$")
        .means("the kernel uses /swap/added", "the kernel does not use /swap/added"),
);
const SWAP_AT_BOOT: Assertion = Command(
    Invocation::new(&[
        "grep",
        "--extended-regexp",
        "^/swap/added[[:space:]]+none[[:space:]]+swap[[:space:]]",
        "/etc/fstab",
    ])
    .no(1)
    .means("fstab has /swap/added", "fstab does not have /swap/added"),
);

/// Adds swap beside what there is; nothing is switched off.
static SWAP_GROW: Procedure = Procedure::new(
    "swap-grow",
    &[
        Step::show("memory", "show memory and swap", Invocation::new(&["free", "--human"])),
        Step::check(
            "space",
            "check that the disk has space for it",
            Any(&[SWAP_ALLOCATED, All(&[Free("/", "swap"), Not(&SWAP_IN_USE)])]),
            "free space first (opsctl run make-room), or take less; what was added before is removed by hand",
        ),
        Step::command(
            "directory",
            "make a directory that only root reads",
            Invocation::new(&["install", "--directory", "--mode=700", "/swap"]),
            Risk::Safe,
        )
        .proof(Exists("/swap"))
        .undo(Undo::Command(Invocation::new(&["rmdir", "/swap"]))),
        Step::command(
            "file",
            "make a file that only root reads",
            Invocation::new(&["install", "--mode=600", "/dev/null", SWAP]),
            Risk::Safe,
        )
        .proof(Command(
            Invocation::new(&["find", "/swap", "-name", "added", "-type", "f", "-user", "root", "-perm", "600"])
                .expects("(?m)^/swap/added$")
                .means("only root reads /swap/added", "there is no /swap/added that only root reads"),
        ))
        .undo(Undo::Command(Invocation::new(&["rm", "--force", SWAP]))),
        Step::command(
            "allocate",
            "allocate {swap} for it",
            Invocation::new(&["fallocate", "--length={swap}", SWAP]).seconds(600),
            Risk::Safe,
        )
        .proof(SWAP_ALLOCATED)
        .undo(Undo::Command(Invocation::new(&["truncate", "--size=0", SWAP]))),
        Step::command("format", "format it as swap", Invocation::new(&["mkswap", SWAP]), Risk::Safe)
            .proof(IS_SWAP)
            .undo(Undo::Command(Invocation::new(&["truncate", "--size=0", SWAP]))),
        Step::command("use", "have the kernel use it", Invocation::new(&["swapon", SWAP]), Risk::Safe)
            .proof(SWAP_IN_USE)
            .undo(Undo::Command(Invocation::new(&["swapoff", SWAP]).seconds(600))),
        Step::command(
            "boot",
            "have it used after each boot",
            Invocation::new(&["sed", "--in-place", "$a /swap/added none swap sw,nofail 0 0", "/etc/fstab"]),
            Risk::Safe,
        )
        .proof(SWAP_AT_BOOT)
        .undo(Undo::Command(Invocation::new(&["sed", "--in-place", r"\|^/swap/added |d", "/etc/fstab"]))),
    ],
)
.summary("add a swap file, beside what there is")
.section("High Memory / OOM on Pi4")
.when("the kernel ends processes because memory is short, or there is less than 1 GB of swap")
.not_when("one container grows without end: restart that")
.severity(&P2)
.parameters(&[Parameter::new("swap", ParameterKind::Size).help("size of the swap file").default("1G")])
.done(&[SWAP_IN_USE, SWAP_AT_BOOT])
.note(
    "the runbook switches the old swap off first, which takes memory when there is none, and forgets dphys-swapfile \
     setup; dphys-swapfile is on Raspberry Pi OS only, and what it made remains; a swap file wears an SD card",
);

/// What the operator confirms after an incident.
static POST_INCIDENT: Procedure = Procedure::new(
    "post-incident",
    &[
        Step::check(
            "healthy",
            "check that all services are healthy",
            All(&[Healthy(&POSTGRES), Healthy(&WEB), Healthy(&WORKER)]),
            "the incident is not over: opsctl diagnose",
        ),
        Step::ask("cause", "find the root cause", "the log lines and the audit_log of that time", "found"),
        Step::ask(
            "record",
            "write the record: id, date in UTC, trigger, target, severity, what was tried, result, restore required, \
             follow-up",
            "docs/DECISION_LOG.md of the repository",
            "written",
        ),
        Step::ask(
            "monitoring",
            "add an alert, if the incident was noticed late",
            "the health cron of the host",
            "closed",
        ),
        Step::ask(
            "backup",
            "prove that the backup after the recovery can be restored",
            "this host: opsctl backup, then opsctl backup drill",
            "proven",
        ),
        Step::ask(
            "bypass",
            "undo every temporary bypass, such as a branch protection that was off",
            "the settings of the repository, as in docs/CI_GOVERNANCE.md",
            "undone",
        ),
        Step::ask(
            "stakeholders",
            "inform those concerned, if data was lost or the outage lasted more than an hour",
            "by mail",
            "informed",
        ),
        Step::ask(
            "crons",
            "confirm that log rotation and the health cron work",
            "this host: opsctl run log-rotation-check, and the crontab",
            "confirmed",
        ),
    ],
)
.summary("go through the checklist after an incident")
.section("Post-Incident Checklist")
.when("an incident of P1 or P2 is over");
