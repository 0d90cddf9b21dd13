//! Procedures of v-edfinance, besides those that every host has.

mod rotations;

use super::checklists::*;
use super::services::*;
use super::{P0, P1};
use crate::registry::*;
use Assertion::{All, Command, Healthy, Installed, Not};

pub(super) static PROCEDURES: &[&Procedure] = &[
    &TERMINATE_QUERY,
    &QUICK_RECOVERY,
    &FIREWALL_RECOVERY,
    &RECONCILE_PAYMENTS,
    &rotations::ROTATE_DB,
    &rotations::ROTATE_JWT,
    &rotations::ROTATE_STRIPE,
    &BEFORE_USE,
    &INCIDENT_FLOW,
    &INCIDENT_RECORD,
    &RCA,
    &RUNBOOK_TEMPLATE,
    &RUNBOOK_REVIEW,
    &RETROSPECTIVE,
    &EFFECTIVENESS,
];

const PSQL: &[&str] =
    &["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--username=postgres", "--dbname=postgres"];
/// The same, as bare values.
const PSQL_BARE: &[&str] = &[
    "psql",
    "--no-psqlrc",
    "--quiet",
    "--tuples-only",
    "--no-align",
    "--set=ON_ERROR_STOP=1",
    "--username=postgres",
    "--dbname=postgres",
];

const fn asks(sql: &'static str) -> Invocation {
    Invocation::new(PSQL).inside(&POSTGRES).input(sql)
}

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
static TERMINATE_QUERY: Procedure = Procedure::new(
    "terminate-query",
    &[
        Step::show(
            "sessions",
            "list the sessions at work, and which session each waits for",
            asks(
                "SELECT pid, datname AS database, usename AS role, state, date_trunc('second', now() - \
                 coalesce(xact_start, query_start)) AS since, nullif(pg_blocking_pids(pid), '{}') AS waits_for, \
                 left(regexp_replace(regexp_replace(query, '''[^'']*(''|$)', '''…''', 'g'), '\\s+', ' ', 'g'), 120) AS \
                 query FROM pg_stat_activity WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> \
                 pg_backend_pid() ORDER BY coalesce(xact_start, query_start);",
            ),
        ),
        Step::check(
            "session",
            "check that process {pid} is a session of a client",
            SESSION,
            "it may have ended: opsctl diagnose slow-queries names who blocks whom now",
        ),
        Step::show(
            "query",
            "show what it does, and since when",
            asks(
                "SELECT pid, datname AS database, usename AS role, application_name AS program, client_addr AS \
                 client, state, date_trunc('second', now() - coalesce(xact_start, query_start)) AS since, \
                 left(regexp_replace(regexp_replace(query, '''[^'']*(''|$)', '''…''', 'g'), '\\s+', ' ', 'g'), 500) \
                 AS query FROM pg_stat_activity WHERE pid = {pid} \\gx",
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
.aliases(&["kill-query"])
.summary("end one session of the database")
.section("p1-slow-queries, scenario D")
.when("one session blocks others, or runs without end")
.not_when("it builds an index or restores a backup: both begin again; a query alone is ended by pg_cancel_backend")
.severity(&P1)
.parameters(&[Parameter::new("pid", ParameterKind::Number { least: 2, most: 4_194_304 })
    .help("process id of the session, as diagnose slow-queries has it")])
.done(&[Not(&SESSION), Healthy(&POSTGRES)])
.note(
    "it is asked in the application's container, never in Dokploy's, which a search for postgres may find first; \
     texts in quotes are left out of the query, because they may be passwords or personal data",
);

/// Restarts what does not work, in the order in which each needs the other.
static QUICK_RECOVERY: Procedure = Procedure::new(
    "quick-recovery",
    &[
        Step::check("docker", "check that docker works", Healthy(&DOCKER), "restart it first: opsctl restart docker"),
        Step::show(
            "containers",
            "list the containers, and how they ended",
            Invocation::new(&["docker", "ps", "--all", "--format={{.Names}}  {{.Image}}  {{.Status}}"]),
        ),
        Step::show(
            "disk",
            "show how full the disks are",
            Invocation::new(&["df", "--human-readable", "/", "/var/lib/docker"]),
        ),
        Step::show("memory", "show the memory", Invocation::new(&["free", "--human"])),
        Step::restart("postgres", &[&POSTGRES]).only_if(Not(&Healthy(&POSTGRES))),
        Step::restart("redis", &[&REDIS]).only_if(Not(&Healthy(&REDIS))),
        Step::restart("api", &[&API]).only_if(Not(&Healthy(&API))),
        Step::restart("web", &[&WEB]).only_if(Not(&Healthy(&WEB))),
        Step::restart("nginx", &[&NGINX]).only_if(Not(&Healthy(&NGINX))),
    ],
)
.aliases(&["recover"])
.summary("restart what does not work, the database first")
.section("Quick Recovery")
.when("the site is down, and the cause can wait until it is up")
.not_when("the database may be corrupt: opsctl diagnose database-failure; a new version broke it: opsctl rollback")
.severity(&P0)
.done(&[Healthy(&POSTGRES), Healthy(&REDIS), Healthy(&API), Healthy(&WEB), Healthy(&NGINX)])
.note(
    "what is healthy is not restarted; a container keeps its log when it is restarted, so the cause can be sought \
     afterwards: opsctl diagnose service-down; the runbook waits 15 s for the database, here it is asked",
);

const UFW: Assertion = All(&[
    Installed("ufw"),
    Command(
        Invocation::new(&["ufw", "status"]).expects("(?m)^Status: active").means("ufw is active", "ufw is not active"),
    ),
]);
/// Only other permissions, and blocks of single addresses, stand before it.
const SSH_FIRST: Assertion = Command(
    Invocation::new(&["ufw", "show", "added"])
        .expects(
            r"\A[^\n]*\n(?:ufw allow [^\n]*\n|ufw (?:deny|reject) from [0-9a-f.:/]+ *\n)*ufw allow (?:22|22/tcp|OpenSSH)(?:\s|\z)",
        )
        .means("ufw lets SSH in before it refuses anything", "ufw does not let SSH in before it refuses something"),
);
/// The same in the kernel's own rules.
const SSH_IN_KERNEL: Assertion = Command(
    Invocation::new(&["iptables", "--wait", "5", "-S", "ufw-user-input"])
        .expects(
            r"\A(?:-N[^\n]*\n|-A[^\n]* -j ACCEPT\n|-A ufw-user-input -s [^\n]* -j (?:DROP|REJECT)[^\n]*\n)*-A ufw-user-input -p tcp -m tcp --dport 22 [^\n]*-j ACCEPT",
        )
        .no(1)
        .means("the kernel lets SSH in before it drops anything", "the kernel does not let SSH in before it drops something"),
);

/// A rule for a port, which is kept where it is there already.
macro_rules! let_in {
    ($name:literal, $port:literal, $what:literal) => {
        Step::command(
            $name,
            concat!("let in ", $what, ", port ", $port),
            Invocation::new(&["ufw", "allow", concat!($port, "/tcp")]),
            Risk::Safe,
        )
        .proof(Command(
            Invocation::new(&["ufw", "show", "added"])
                .expects(concat!("(?m)^ufw allow ", $port, "(?:/tcp)?$"))
                .means(concat!("ufw has a rule for port ", $port), concat!("ufw has no rule for port ", $port)),
        ))
        .undo(Undo::Command(Invocation::new(&["ufw", "delete", "allow", concat!($port, "/tcp")])))
    };
}

/// Opens the firewall again for those who must come in, SSH first.
static FIREWALL_RECOVERY: Procedure = Procedure::new(
    "firewall-recovery",
    &[
        Step::check("ufw", "check that ufw is installed", Installed("ufw"), "install it: apt-get install ufw"),
        Step::check(
            "sshd",
            "check that the SSH server listens on port 22",
            Command(
                Invocation::new(&["ss", "-Htln", "sport = :22"])
                    .expects(":22 ")
                    .means("something listens on port 22", "nothing listens on port 22"),
            ),
            "start it: systemctl start ssh; if it has another port, allow that: ufw allow PORT/tcp",
        ),
        Step::show("before", "show the rules as they are", Invocation::new(&["ufw", "show", "added"])),
        Step::command(
            "ssh",
            "let in SSH, before all other rules",
            Invocation::new(&["ufw", "prepend", "allow", "OpenSSH"]),
            Risk::Safe,
        )
        .proof(SSH_FIRST)
        .undo(Undo::Command(Invocation::new(&["ufw", "delete", "allow", "OpenSSH"]))),
        let_in!("http", "80", "the site"),
        let_in!("https", "443", "the site over TLS"),
        let_in!("dokploy", "3000", "Dokploy"),
        let_in!("web", "3002", "the front end"),
        let_in!("grafana", "3003", "Grafana"),
        let_in!("prometheus", "9090", "Prometheus"),
        let_in!("netdata", "19999", "Netdata"),
        let_in!("glances", "61208", "Glances"),
        let_in!("beszel", "8090", "Beszel"),
        Step::command("enable", "switch ufw on", Invocation::new(&["ufw", "--force", "enable"]), Risk::Disruptive)
            .proof(All(&[UFW, SSH_IN_KERNEL]))
            .undo(Undo::Command(Invocation::new(&["ufw", "disable"]))),
        Step::ask(
            "try",
            "log in over SSH in another terminal, and keep this one open",
            "your own machine: ssh root@103.54.153.248",
            "works",
        ),
    ],
)
.aliases(&["unlock-ssh"])
.summary("open the firewall again, SSH first")
.section("UFW lockout of vps-deployment")
.when(
    "nobody gets in over SSH, because ufw was switched on without a rule for it; run it in the provider's web console",
)
.not_when("one address alone is refused: fail2ban-client unban ADDRESS, or opsctl run unblock-ip")
.severity(&P0)
.done(&[UFW, SSH_IN_KERNEL])
.note(
    "the runbook switches ufw off meanwhile, which is not needed: a rule before all others has effect at once; \
     published ports of containers go past ufw, so the dashboards are reachable whatever its rules are; where \
     the rule for SSH has to be set, it stands before blocks of single addresses: repeat those with opsctl run block-ip",
);

const TRANSACTIONS: &[&str] =
    &["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--username=postgres", "--dbname={database}"];
const fn report(sql: &'static str) -> Invocation {
    Invocation::new(TRANSACTIONS).inside(&POSTGRES).input(sql)
}

/// What the database has of payments that may differ from Stripe's.
static RECONCILE_PAYMENTS: Procedure = Procedure::new(
    "reconcile-payments",
    &[
        Step::show(
            "databases",
            "list the databases and their open sessions: the API's has some while it works",
            asks(
                "SELECT d.datname AS database, pg_size_pretty(pg_database_size(d.oid)) AS size, count(a.pid) AS \
                 sessions FROM pg_database d LEFT JOIN pg_stat_activity a ON a.datid = d.oid AND a.pid <> \
                 pg_backend_pid() WHERE NOT d.datistemplate GROUP BY d.oid, d.datname ORDER BY 1;",
            ),
        ),
        Step::check(
            "database",
            "check that {database} has transactions",
            Command(
                report("SELECT 'table: ' || coalesce(to_regclass('\"Transaction\"')::text, 'none');")
                    .expects("table: \"Transaction\"")
                    .no(2)
                    .means("{database} has the table Transaction", "{database} does not have the table Transaction"),
            ),
            "give the name that DATABASE_URL of the API has: --database NAME",
        ),
        Step::show(
            "by-status",
            "count the transactions of the last {hours} hours by status",
            report(
                "SELECT status, count(*), count(\"stripePaymentIntentId\") AS with_intent, min(\"createdAt\") AS \
                 first, max(\"createdAt\") AS last FROM \"Transaction\" WHERE \"createdAt\" > now() - interval '{hours} \
                 hours' GROUP BY 1 ORDER BY 1;",
            ),
        ),
        Step::show(
            "pending",
            "list those that are pending for more than 30 minutes: Stripe may have the money",
            report(
                "SELECT id, \"stripePaymentIntentId\", status, \"createdAt\" FROM \"Transaction\" WHERE status IN \
                 ('PENDING', 'PROCESSING') AND \"createdAt\" < now() - interval '30 min' AND \"createdAt\" > now() - \
                 interval '{hours} hours' ORDER BY \"createdAt\";",
            ),
        ),
        Step::show(
            "failed",
            "list those that failed although they have a payment intent: Stripe may have charged them",
            report(
                "SELECT id, \"stripePaymentIntentId\", status, \"createdAt\" FROM \"Transaction\" WHERE status IN \
                 ('FAILED', 'CANCELLED') AND \"stripePaymentIntentId\" IS NOT NULL AND \"createdAt\" > now() - interval \
                 '{hours} hours' ORDER BY \"createdAt\";",
            ),
        ),
        Step::show(
            "without-intent",
            "list those that are completed without a payment intent",
            report(
                "SELECT id, status, \"createdAt\" FROM \"Transaction\" WHERE status = 'COMPLETED' AND \
                 \"stripePaymentIntentId\" IS NULL AND \"createdAt\" > now() - interval '{hours} hours' ORDER BY \
                 \"createdAt\";",
            ),
        ),
        Step::show(
            "twice",
            "list payment intents that more than one transaction has",
            report(
                "SELECT \"stripePaymentIntentId\", count(*), string_agg(id, ' ') AS transactions FROM \"Transaction\" \
                 WHERE \"stripePaymentIntentId\" IS NOT NULL GROUP BY 1 HAVING count(*) > 1 ORDER BY 1;",
            ),
        ),
    ],
)
.aliases(&["reconcile"])
.summary("list the transactions that may differ from Stripe's, and change nothing")
.section("p1-payment-failure, reconciliation")
.when("users report that they were charged, or payments remain pending")
.not_when("cards are declined: that is no incident")
.severity(&P1)
.parameters(&[
    Parameter::new("hours", ParameterKind::Number { least: 1, most: 8760 }).help("how far back, in hours").default("24"),
    Parameter::new("database", ParameterKind::Word)
        .help("database of the API, as its DATABASE_URL has it")
        .default("vedfinance_staging"),
])
.note(
    "compare with Stripe by hand: export the payment intents (pi_, not charges ch_, as the runbook does) of the same \
     hours from its dashboard, all pages; seek intents that succeeded without a row, and rows pending with an intent \
     that succeeded; change only rows that a second person has reviewed; above 10000 USD, or for a breach, inform legal",
);

/// What must be settled before a runbook is followed.
static BEFORE_USE: Procedure = Procedure::new(
    "before-use",
    &[
        Step::ask(
            "severity",
            "agree on the severity: P0 outage or data loss, P1 main feature, P2 workaround",
            "the README of the runbooks",
            "agreed",
        ),
        Step::ask("access", "log in to the VPS, or to the provider's web console", "ssh root@103.54.153.248", "in"),
        Step::ask(
            "credentials",
            "have the logins of Dokploy, Stripe and the provider at hand",
            "the password manager of the team",
            "there",
        ),
        Step::ask(
            "record",
            "record the incident: title, severity, date in UTC, affected users",
            "docs/INCIDENTS.md",
            "recorded",
        ),
        Step::ask("others", "inform the others that you are on it", "Slack #ops-incidents", "informed"),
    ],
)
.aliases(&["checklist"])
.summary("settle what must be settled before a runbook is followed")
.section("Before Using a Runbook")
.when("an incident begins")
.not_when("the site is down and you are alone: opsctl run quick-recovery first")
.note(
    "the tracker script of the runbook takes its own flags as values, numbers incidents wrongly, and closes all at \
     once: edit the document by hand",
);
