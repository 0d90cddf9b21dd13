//! What is done to the data of ai-fsm: a snapshot in an incident, the way back from corrupt data, and migrations.
//!
//! What reads or writes a file of the host beside a program in the container is run by systemd-run, which opens the file: no shell is
//! needed for a redirection. It replaces `$$` by `$`; role and database are then those of the container's own environment.

use super::P1;
use super::services::*;
use crate::registry::*;
use Assertion::{All, Any, Command, Exists, Healthy, Not};

/// Role and database are those of the container's own environment.
const PSQL: &[&str] = &[
    "env",
    "-S",
    "psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=${POSTGRES_USER} --dbname=${POSTGRES_DB}",
];

/// A table that the database is asked for.
pub(super) const fn asks(sql: &'static str) -> Invocation {
    Invocation::new(PSQL).inside(&POSTGRES).input(sql)
}

const STAMP: Parameter =
    Parameter::new("stamp", ParameterKind::Word).help("time of the incident, part of a file's name: 20260219_1405");
const DIRECTORY: Parameter =
    Parameter::new("directory", ParameterKind::Path).help("where the dumps are").default("/home/pi/backups");

const KEPT: Assertion = Exists("{directory}/incident_{stamp}.dump");
/// Reads the dump to its end: the list of contents alone would be there in one that was cut off.
const WHOLE: Assertion = All(&[
    Exists("{directory}/incident_{stamp}.dump.new"),
    Command(
        Invocation::new(&[
            "systemd-run",
            "--quiet",
            "--wait",
            "--collect",
            "--property=StandardInput=file:{directory}/incident_{stamp}.dump.new",
            "--property=StandardOutput=null",
            "docker",
            "exec",
            "--interactive",
            "ai-fsm-postgres",
            "pg_restore",
            "--file=/dev/null",
        ])
        .seconds(1800)
        .no(1)
        .means("pg_restore reads the dump to its end", "pg_restore cannot read the dump"),
    ),
]);

const PLACE: Step = Step::check(
    "place",
    "check that {directory} is there, and has no dump of that name",
    All(&[Exists("{directory}"), Not(&KEPT)]),
    "choose another name with --stamp, or the directory of the dumps with --directory /home/nick/backups",
);
/// A run that is resumed finds its own.
const SINCE: Step = Step::check(
    "place",
    "check that {directory} is there, and has no dump of that name from before today",
    All(&[
        Exists("{directory}"),
        Not(&Command(
            Invocation::new(&[
                "find",
                "{directory}",
                "-maxdepth",
                "1",
                "-name",
                "incident_{stamp}.dump",
                "-mmin",
                "+1440",
            ])
            .expects("(?m)^/")
            .means("a dump of that name is older than a day", "no dump of that name is older than a day"),
        )),
    ]),
    "choose another name with --stamp, or the directory of the dumps with --directory /home/nick/backups",
);
const DATABASE: Step = Step::check(
    "database",
    "check that the database answers",
    Healthy(&POSTGRES),
    "it cannot be dumped: opsctl diagnose; its volume infra_pgdata_pi can be copied while it is stopped",
);
const DUMP: Step = Step::command(
    "dump",
    "dump the database into {directory}, under another name until it is proven",
    Invocation::new(&[
        "systemd-run",
        "--quiet",
        "--wait",
        "--collect",
        "--unit=opsctl-incident-dump",
        "--property=UMask=0077",
        "--property=RuntimeMaxSec=1700",
        "--property=StandardOutput=truncate:{directory}/incident_{stamp}.dump.new",
        "--property=StandardError=journal",
        "docker",
        "exec",
        "ai-fsm-postgres",
        "env",
        "-S",
        "pg_dump --format=custom --compress=9 --username=$${POSTGRES_USER} --dbname=$${POSTGRES_DB}",
    ])
    .seconds(1800),
    Risk::Safe,
)
.proof(Any(&[KEPT, WHOLE]))
.undo(Undo::Never("the dump is kept; one that is not whole has .new behind its name"));
const KEEP: Step = Step::command(
    "keep",
    "give it its name, incident_{stamp}.dump",
    Invocation::new(&[
        "mv",
        "--no-clobber",
        "{directory}/incident_{stamp}.dump.new",
        "{directory}/incident_{stamp}.dump",
    ]),
    Risk::Safe,
)
.proof(KEPT)
.undo(Undo::Never("the snapshot is kept"));

const REMOVE: Undo = Undo::Command(Invocation::new(&["rm", "--force", "{directory}/incident_{stamp}.dump.new"]));

pub(super) static EMERGENCY_SNAPSHOT: Procedure = Procedure::new(
    "emergency-snapshot",
    &[
        PLACE,
        DATABASE,
        Step::command(
            "file",
            "make the file that it is written to",
            Invocation::new(&["install", "--mode=600", "/dev/null", "{directory}/incident_{stamp}.dump.new"]),
            Risk::Safe,
        )
        .proof(Any(&[KEPT, Exists("{directory}/incident_{stamp}.dump.new")]))
        .undo(REMOVE),
        DUMP.undo(REMOVE),
        KEEP.undo(Undo::Command(Invocation::new(&[
            "mv",
            "--no-clobber",
            "{directory}/incident_{stamp}.dump",
            "{directory}/incident_{stamp}.dump.new",
        ]))),
        Step::show(
            "size",
            "show the dumps, the newest last",
            Invocation::new(&["ls", "-ltr", "--time-style=long-iso", "{directory}"]),
        ),
    ],
)
.aliases(&["snapshot"])
.summary("dump the database as it is now, beside the dumps")
.section("Data Corruption, step 2")
.severity(&P1)
.when("the data may be wrong, and nothing is to be lost by what is tried next")
.not_when("it is an ordinary backup: opsctl backup")
.parameters(&[STAMP, DIRECTORY])
.done(&[KEPT])
.note(
    "the runbook's backup_db.sh deletes every *.dump older than seven days, this one too: copy it to another host. It is \
     readable for root only. Of a dump that fails the reason is in: journalctl -u opsctl-incident-dump",
);

const COUNTS: Step = Step::show(
    "counts",
    "count the rows of the tables that the drill compares",
    asks(
        "SELECT 'users' AS table, count(*) FROM users UNION ALL SELECT 'jobs', count(*) FROM jobs UNION ALL SELECT 'visits', \
         count(*) FROM visits UNION ALL SELECT 'estimates', count(*) FROM estimates UNION ALL SELECT 'invoices', count(*) FROM \
         invoices UNION ALL SELECT 'payments', count(*) FROM payments UNION ALL SELECT 'audit_log', count(*) FROM audit_log;",
    ),
);

pub(super) static DATA_CORRUPTION: Procedure = Procedure::new(
    "recover-data",
    &[
        SINCE,
        DATABASE,
        Step::stop("stop", &[&WEB, &WORKER]),
        DUMP,
        KEEP.keeps_a_copy(),
        Step::show(
            "audit",
            "list the newest rows of audit_log",
            asks(
                "SELECT id, date_trunc('second', created_at) AS at, entity_type, entity_id, action, actor_id, trace_id FROM \
                 (SELECT * FROM audit_log ORDER BY created_at DESC, id DESC LIMIT 35) AS newest ORDER BY created_at, id;",
            ),
        ),
        Step { name: "counts-before", ..COUNTS },
        Step::ask(
            "decide",
            "make sure that copy {copy} is from before the damage; all that was written since is lost, but for the snapshot",
            "the rows above, and opsctl backup list database; with another copy: --undo, then once more with --copy ID",
            "restore",
        ),
        Step::restore_at("restore", "database", "copy").title("restore the database from copy {copy}"),
        Step::start("start", &[&WEB, &WORKER]),
        COUNTS,
        Step::ask("login", "log in as the owner, and open a job and an invoice", "the application", "works"),
        Step::ask(
            "record",
            "write the record: id, date in UTC, trigger, target, severity, what was tried, result, restore required, follow-up",
            "docs/DECISION_LOG.md of the repository",
            "written",
        ),
        Step::ask("inform", "inform those concerned which data was lost", "by mail", "informed"),
    ],
)
.aliases(&["data-recovery"])
.summary("stop what writes, keep the data as it is, and restore what was good")
.section("Data Corruption")
.severity(&P1)
.when("rows vanished that nobody deleted, counts are far too low, or reads end with constraint errors")
.not_when("the database does not answer: opsctl diagnose; no restart before its files were copied")
.parameters(&[
    STAMP,
    Parameter::new("copy", ParameterKind::Word).help("id of the copy to restore").default("newest"),
    DIRECTORY,
])
.done(&[Healthy(&POSTGRES), Healthy(&WEB), Healthy(&WORKER), KEPT])
.note(
    "the runbook drops the database before the copy is proven, and without a dump of what is there. Of audit_log no values \
     are shown, because they are data of customers. A dump of the same --stamp from the last day counts as its own. The old database is kept under another name until it is forgotten",
);

/// A table, column, function, index, trigger or policy of that name.
const MADE: Assertion = Command(
    asks(
        "SELECT 'made' FROM (SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public' \
         UNION SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' UNION \
         SELECT p.proname::text FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace UNION SELECT indexname::text FROM \
         pg_indexes WHERE schemaname = 'public' UNION SELECT tgname::text FROM pg_trigger UNION SELECT polname::text FROM \
         pg_policy) AS names WHERE name = '{makes}' LIMIT 1;\n",
    )
    .expects(r"(?m)^\s*made\s*$")
    .means("the database has {makes}", "the database does not have {makes}"),
);

pub(super) static MIGRATE: Procedure = Procedure::new(
    "migrate",
    &[
        Step::check(
            "file",
            "check that {file} is a migration, and none with known passwords",
            Command(
                Invocation::new(&["find", "{file}", "-maxdepth", "0", "-type", "f", "-name", "*.sql", "!", "-name", "*seed*"])
                    .expects("(?m)^/")
                    .no(1)
                    .means("{file} is a migration", "{file} is no file *.sql, or one of known passwords"),
            ),
            "seeds have known passwords, and are never for production",
        ),
        DATABASE,
        Step::check(
            "new",
            "check that the database does not have {makes} yet",
            Not(&MADE),
            "the migration was applied already, and must not be applied twice",
        ),
        Step::show("sql", "show what it does", Invocation::new(&["cat", "{file}"])),
        Step::backup("back-up", &["database"]),
        Step::command(
            "apply",
            "apply {file}, in one transaction",
            Invocation::new(&[
                "systemd-run",
                "--quiet",
                "--wait",
                "--collect",
                "--unit=opsctl-migration",
                "--property=RuntimeMaxSec=1700",
                "--property=StandardInput=file:{file}",
                "--property=StandardOutput=journal",
                "--property=StandardError=journal",
                "docker",
                "exec",
                "--interactive",
                "ai-fsm-postgres",
                "env",
                "-S",
                "psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --single-transaction --username=$${POSTGRES_USER} \
                 --dbname=$${POSTGRES_DB} --file=-",
            ])
            .seconds(1800),
            Risk::Disruptive,
        )
        .proof(MADE)
        .undo(Undo::Never("opsctl restore database undoes it, and loses all data since")),
        Step::check(
            "healthy",
            "check that web and worker bear it",
            All(&[Healthy(&POSTGRES), Healthy(&WEB), Healthy(&WORKER)]),
            "opsctl diagnose names the cause",
        ),
        Step::ask(
            "record",
            "record that {file} is applied on this host, because the database has no list of them",
            "docs/DECISION_LOG.md of the repository",
            "recorded",
        ),
    ],
)
.aliases(&["migration"])
.summary("apply one migration to the database, after a backup")
.section("docs/DEPLOYMENT_RUNBOOK.md: migrations")
.when("a migration is to be applied by itself")
.not_when("its commit is delivered by opsctl redeploy, which applies new migrations itself, and would apply this one again")
.parameters(&[
    Parameter::new("file", ParameterKind::Path).help("the migration, as /home/pi/ai-fsm/db/migrations/007_x.sql"),
    Parameter::new("makes", ParameterKind::Word)
        .help("what it makes, by which it is known: a table, table.column, function, index, trigger or policy"),
])
.done(&[MADE, Healthy(&WEB), Healthy(&WORKER)])
.note(
    "the Pi has no table of applied migrations, and most cannot be applied twice: triggers and policies exist already. A \
     migration that fails leaves nothing; why it failed is in: journalctl -u opsctl-migration. The repository's db-migrate.sh \
     applies every file",
);
