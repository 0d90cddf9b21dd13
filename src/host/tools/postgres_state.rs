//! The state of a PostgreSQL server as a whole: one `SELECT` of its own `psql`, in a transaction that can change nothing.

use super::{Account, Argv, Input, Malformed};

/// A row a line; what names things of the server's own comes last, because it may hold the bar.
const SELECT: &str = concat!(
    "SELECT 'recovery|' || pg_is_in_recovery() || '|' || EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') ",
    "UNION ALL SELECT 'read_only|' || current_setting('default_transaction_read_only') ",
    "UNION ALL SELECT 'connections|' || (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' ",
    "AND pid <> pg_backend_pid()) || '|' || current_setting('max_connections') || '|' || ",
    "(current_setting('superuser_reserved_connections')::int ",
    "+ coalesce(current_setting('reserved_connections', true)::int, 0)) ",
    "UNION ALL SELECT 'database|' || datallowconn || '|' || datconnlimit || '|' || age(datfrozenxid) || '|' || ",
    "(SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.pid <> pg_backend_pid()) || '|' || datname ",
    "FROM pg_database d WHERE NOT datistemplate ",
    "UNION ALL SELECT 'role|' || rolconnlimit || '|' || (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid) ",
    "|| '|' || (rolvaliduntil IS NOT NULL AND rolvaliduntil < now()) || '|' || rolname ",
    "FROM pg_roles r WHERE rolcanlogin AND (rolconnlimit >= 0 OR rolvaliduntil < now()) ",
    "UNION ALL SELECT 'setting|' || coalesce(d.datname, '') || '|' || coalesce(r.rolname, '') || '|' ",
    "|| EXISTS (SELECT FROM pg_database o WHERE o.datdba = s.setrole) || '|' || c ",
    "FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c LEFT JOIN pg_database d ON d.oid = s.setdatabase ",
    "LEFT JOIN pg_roles r ON r.oid = s.setrole ",
    "UNION ALL SELECT 'setting|||true|' || name || '=' || setting FROM pg_file_settings WHERE applied AND name IN ",
    "('statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout', ",
    "'lock_timeout', 'search_path') ",
    "UNION ALL SELECT 'rule|' || line_number || '|' || error FROM pg_hba_file_rules WHERE error IS NOT NULL ",
    "UNION ALL SELECT 'waits|' || w.pid || '|' || extract(epoch FROM now() - w.state_change)::int || '|' || b.pid || '|' || ",
    "coalesce(b.state, '') || '|' || coalesce(extract(epoch FROM now() - b.state_change)::int, 0) || '|' || ",
    "coalesce(w.datname, '') || '|' || coalesce(b.usename, '') || '|' || coalesce(b.application_name, '') ",
    "FROM pg_stat_activity w CROSS JOIN unnest(pg_blocking_pids(w.pid)) p JOIN pg_stat_activity b ON b.pid = p ",
    "WHERE w.wait_event_type = 'Lock' AND w.state_change < now() - interval '60 s' ",
    "UNION ALL (SELECT 'sessions|' || count(*) || '|' || coalesce(state, '') || '|' || coalesce(usename, '') || '|' || ",
    "coalesce(application_name, '') FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ",
    "GROUP BY state, usename, application_name ORDER BY count(*) DESC LIMIT 3)",
);

/// No statement and no wait of ours lasts longer, whatever the server's own bounds are.
const SESSION: &str = "-c statement_timeout=1500 -c lock_timeout=500 -c timezone=UTC";

const OPTIONS: [&str; 6] =
    ["--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"];

/// What psql reads: one statement, in a transaction that can change nothing and ends with the connection.
fn input() -> Input {
    Input::bytes("state.sql", format!("BEGIN READ ONLY;\n{SELECT};\n"))
}

/// Asks the server whose socket of that port lies in this directory, as the account that it runs as. A server that is not asked
/// by a password but by who asks is needed for that, as Debian sets it up.
pub fn of_host(account: &Account, directory: &str, port: u16) -> Argv {
    let mut argv = Argv::new("psql", OPTIONS).with([
        format!("--host={directory}"),
        format!("--port={port}"),
        "--dbname=postgres".to_owned(),
    ]);
    argv.input = Some(input());
    argv.env.push(("PGOPTIONS", SESSION.to_owned()));
    argv.env.push(("PGCONNECT_TIMEOUT", "2".to_owned()));
    argv.by(Some(account))
}

/// The same in the server's own container, as this role.
pub fn of_container(container: &str, role: &str, database: &str) -> Argv {
    let session = format!("--env=PGOPTIONS={SESSION}");
    let argv = Argv::new("docker", ["exec", "--interactive", &session, container, "psql"])
        .with(OPTIONS)
        .with([format!("--username={role}"), format!("--dbname={database}")]);
    Argv { input: Some(input()), ..argv }
}

/// Schemas of a database that hold a relation of this name and are not on the search path of its sessions.
pub fn schemas_of(relation: &str) -> String {
    format!(
        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = {} AND c.relkind \
         IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
        super::postgres::text(relation)
    )
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// It replays a log.
    pub recovering: bool,
    /// A primary sends it that log.
    pub streaming: bool,
    /// Transactions are read-only unless they say otherwise.
    pub read_only: bool,
    /// Connections of clients, ours left out.
    pub used: u32,
    /// `max_connections`.
    pub most: u32,
    /// How many of those ordinary roles may not have.
    pub reserved: u32,
    /// Databases that are no templates.
    pub databases: Vec<Database>,
    /// Roles that may log in and have a bound.
    pub roles: Vec<Role>,
    /// Settings in files, and those of databases and roles, that decide what clients can do.
    pub settings: Vec<Setting>,
    /// Lines of `pg_hba.conf` that cannot be used: number and reason.
    pub bad_rules: Vec<(u32, String)>,
    /// Sessions that have waited for a lock for more than a minute.
    pub waits: Vec<Wait>,
    /// Who has most connections, most first: three groups of sessions that are alike.
    pub sessions: Vec<Sessions>,
}

/// Sessions of one role and one program in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sessions {
    pub count: u32,
    /// `active`, `idle`, `idle in transaction`.
    pub state: String,
    pub role: String,
    /// What the program calls itself (`application_name`); often nothing.
    pub client: String,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub name: String,
    /// Whether anybody can connect to it.
    pub open: bool,
    /// Most connections; -1 for no bound, -2 where its removal was interrupted.
    pub limit: i64,
    /// Connections now.
    pub used: i64,
    /// Transactions since its oldest row was frozen; writes stop near two thousand million.
    pub age: u64,
}

/// A role that may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    /// Most connections; -1 for no bound.
    pub limit: i64,
    /// Connections now.
    pub used: i64,
    /// Its password is no longer valid.
    pub expired: bool,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// In this database only, where not empty.
    pub database: String,
    /// For this role only, where not empty.
    pub role: String,
    /// That role owns a database.
    pub owner: bool,
    pub name: String,
    pub value: String,
}

impl Setting {
    /// Whom it is about.
    pub fn place(&self) -> String {
        match (self.database.as_str(), self.role.as_str()) {
            ("", "") => "the server".to_owned(),
            (database, "") => format!("database {database}"),
            ("", role) => format!("role {role}"),
            (database, role) => format!("role {role} in database {database}"),
        }
    }

    /// Its value as a time, milliseconds.
    pub fn milliseconds(&self) -> Option<u64> {
        let digits = self.value.trim().find(|c: char| !c.is_ascii_digit()).unwrap_or(self.value.trim().len());
        let (number, unit) = self.value.trim().split_at(digits);
        let number: u64 = number.parse().ok()?;
        let factor = match unit.trim() {
            "" | "ms" => 1,
            "s" => 1000,
            "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "us" => return Some(number / 1000),
            _ => return None,
        };
        number.checked_mul(factor)
    }
}

/// A session that waits for another's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Process of the session that waits.
    pub pid: u32,
    /// For how long, seconds.
    pub seconds: u64,
    /// Process of the session that holds the lock.
    pub by: u32,
    /// State of that session: `idle in transaction`.
    pub state: String,
    /// For how long it has been in that state, seconds.
    pub by_seconds: u64,
    /// Database in which it waits.
    pub database: String,
    /// Role of the session that holds the lock.
    pub role: String,
    /// What that session's program calls itself (`application_name`); often nothing.
    pub client: String,
}

/// Parses what [`of_host`] and [`of_container`] print.
///
/// # Errors
/// When a line is none of its rows, or the first two are missing.
pub fn parse(text: &str) -> Result<State, Malformed> {
    let malformed = || Malformed::new("the state of a PostgreSQL server from `psql`", text);
    let (mut state, mut seen) = (State::default(), 0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        seen += row(&mut state, line).ok_or_else(malformed)?;
    }
    if seen == 3 { Ok(state) } else { Err(malformed()) }
}

/// One for each of the rows that there is once.
fn row(state: &mut State, line: &str) -> Option<u32> {
    let (kind, rest) = line.split_once('|')?;
    let parts = |count| rest.splitn(count, '|').collect::<Vec<&str>>();
    match (kind, parts(6).as_slice()) {
        ("recovery", [recovering, streaming]) => {
            (state.recovering, state.streaming) = (truth(recovering)?, truth(streaming)?);
            return Some(1);
        }
        ("read_only", [value]) => {
            state.read_only = *value == "on";
            return Some(1);
        }
        ("connections", [used, most, reserved]) => {
            state.used = used.parse().ok()?;
            (state.most, state.reserved) = (most.parse().ok()?, reserved.parse().ok()?);
            return Some(1);
        }
        _ => {}
    }
    match (kind, parts(if matches!(kind, "database") { 5 } else { 4 }).as_slice()) {
        ("database", [open, limit, age, used, name]) => state.databases.push(Database {
            name: (*name).to_owned(),
            open: truth(open)?,
            limit: limit.parse().ok()?,
            used: used.parse().ok()?,
            age: age.parse().ok()?,
        }),
        ("role", [limit, used, expired, name]) => state.roles.push(Role {
            name: (*name).to_owned(),
            limit: limit.parse().ok()?,
            used: used.parse().ok()?,
            expired: truth(expired)?,
        }),
        ("setting", [database, role, owner, assignment]) => {
            let (name, value) = assignment.split_once('=')?;
            state.settings.push(Setting {
                database: (*database).to_owned(),
                role: (*role).to_owned(),
                owner: truth(owner)?,
                name: name.to_owned(),
                value: value.to_owned(),
            });
        }
        ("rule", _) => {
            let (number, error) = rest.split_once('|')?;
            state.bad_rules.push((number.parse().ok()?, error.to_owned()));
        }
        ("waits", _) => {
            let [pid, seconds, by, is, since, database, role, client] = parts(8).try_into().ok()?;
            state.waits.push(Wait {
                pid: pid.parse().ok()?,
                seconds: seconds.parse().ok()?,
                by: by.parse().ok()?,
                state: is.to_owned(),
                by_seconds: since.parse().ok()?,
                database: database.to_owned(),
                role: role.to_owned(),
                client: client.to_owned(),
            });
        }
        ("sessions", [count, is, role, client]) => state.sessions.push(Sessions {
            count: count.parse().ok()?,
            state: (*is).to_owned(),
            role: (*role).to_owned(),
            client: (*client).to_owned(),
        }),
        _ => return None,
    }
    Some(0)
}

fn truth(word: &str) -> Option<bool> {
    match word {
        "t" | "true" | "on" => Some(true),
        "f" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// What a server or its client says when it lets nobody in for a reason that is the server's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No connection is left.
    Full,
    /// It starts, stops or recovers.
    NotAccepting,
    /// A time limit of the server ended the question.
    TimedOut,
}

/// Understands a refusal by its code (SQLSTATE) or its words in English, which is what servers say before they know a client.
pub fn refusal(code: &str, text: &str) -> Option<Refusal> {
    let said = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match code {
        "53300" => return Some(Refusal::Full),
        "57P03" | "57P01" | "57P02" => return Some(Refusal::NotAccepting),
        _ => {}
    }
    let full = ["too many clients already", "remaining connection slots are reserved", "too many connections for"];
    let closed = [
        "the database system is starting up",
        "the database system is shutting down",
        "the database system is in recovery mode",
        "the database system is not yet accepting connections",
        "the database system is not accepting connections",
    ];
    match () {
        () if said(&full) => Some(Refusal::Full),
        () if said(&closed) => Some(Refusal::NotAccepting),
        () if said(&["canceling statement due to statement timeout"]) => Some(Refusal::TimedOut),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTHY: &str = "recovery|false|false\nread_only|off\nconnections|3|100|3\ndatabase|true|-1|700|2|shop\n";

    #[test]
    fn a_healthy_server() {
        let state = parse(HEALTHY).unwrap();
        assert_eq!(
            (state.recovering, state.read_only, state.used, state.most, state.reserved),
            (false, false, 3, 100, 3)
        );
        let shop = Database { name: "shop".into(), open: true, limit: -1, used: 2, age: 700 };
        assert_eq!(state.databases, [shop]);
    }

    #[test]
    fn every_row() {
        let text = format!(
            "{HEALTHY}database|f|-2|1|0|a|b\nrole|5|5|t|app\nsetting|shop||f|search_path=\"x\", public\n\
             setting|||true|statement_timeout=50ms\nrule|12|invalid authentication method \"x|y\"\n\
             waits|11|70|12|idle in transaction|90|shop|app|a|b\nsessions|5|idle|app|pool|1\n"
        );
        let state = parse(&text).unwrap();
        assert_eq!(state.databases[1].name, "a|b");
        assert!(state.roles[0].expired && state.roles[0].used == 5);
        assert_eq!(state.settings[0].place(), "database shop");
        assert_eq!(state.settings[0].value, "\"x\", public");
        assert_eq!(state.settings[1].milliseconds(), Some(50));
        assert_eq!(state.bad_rules, [(12, "invalid authentication method \"x|y\"".to_owned())]);
        let wait = &state.waits[0];
        assert_eq!((wait.by, wait.state.as_str(), wait.client.as_str()), (12, "idle in transaction", "a|b"));
        assert_eq!((state.sessions[0].count, state.sessions[0].client.as_str()), (5, "pool|1"));
    }

    #[test]
    fn what_is_cut_or_foreign_is_no_state() {
        for cut in 0..HEALTHY.len() - 30 {
            assert!(parse(&HEALTHY[..cut]).is_err(), "{cut}");
        }
        for foreign in ["", "recovery|maybe|f\n", "read_only|off\n", "hello\n", "connections|x|y|z\n"] {
            assert!(parse(foreign).is_err(), "{foreign}");
        }
    }

    #[test]
    fn times_in_all_units() {
        let time = |value: &str| {
            let (database, role, name) = (String::new(), String::new(), String::new());
            Setting { database, role, owner: false, name, value: value.into() }.milliseconds()
        };
        assert_eq!(
            [time("0"), time("250"), time("5s"), time("2 min"), time("1h")].map(Option::unwrap),
            [0, 250, 5000, 120_000, 3_600_000]
        );
        assert_eq!((time("x"), time("5 weeks"), time("18446744073709551615h")), (None, None, None));
    }

    #[test]
    fn refusals() {
        for (text, what) in [
            ("psql: error: FATAL:  sorry, too many clients already", Refusal::Full),
            ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", Refusal::Full),
            ("FATAL:  too many connections for role \"app\"", Refusal::Full),
            ("FATAL:  the database system is starting up", Refusal::NotAccepting),
            ("FATAL:  the database system is not yet accepting connections", Refusal::NotAccepting),
            ("ERROR:  canceling statement due to statement timeout", Refusal::TimedOut),
        ] {
            assert_eq!(refusal("", text), Some(what), "{text}");
        }
        assert_eq!(refusal("53300", ""), Some(Refusal::Full));
        for other in
            ["FATAL:  role \"root\" does not exist", "FATAL:  Peer authentication failed for user \"postgres\"", ""]
        {
            assert_eq!(refusal("28000", other), None, "{other}");
        }
    }

    #[test]
    fn a_name_from_a_log_is_quoted() {
        assert!(schemas_of("it's").contains("c.relname = 'it''s'"));
    }
}
