//! The state inside data servers, read without a write: PostgreSQL and MySQL by one statement with the roles at hand, Redis by
//! `INFO`, SQLite by its files.

use std::collections::BTreeSet;

use crate::host::exec::{Output, ProcessEnd};
use crate::host::protocol::redis_info::{self, Info};
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::tools::docker::ContainerState;
use crate::host::tools::postgres_state::{self, Refusal, State};
use crate::host::tools::{Argv, images, mariadb, redis_cli};
use crate::host::trouble::{Trouble, failure};
use crate::observe::logs::line::Said;
use crate::observe::probe::{self, Answer, Door, ManagerEvidence, is_container_of, text};
use crate::registry::{Manager, Probe, Service};

mod sqlite;

pub use sqlite::SqliteFound;

/// Where Debian, Ubuntu and Fedora have PostgreSQL's sockets.
const POSTGRES_SOCKETS: [&str; 2] = ["/run/postgresql", "/var/run/postgresql"];
/// Of how many relations it is asked where they are.
const MOST_RELATIONS: usize = 4;

/// What was seen of a service that keeps data.
#[derive(Debug, Clone, Default)]
pub struct DataFound {
    /// A PostgreSQL server.
    pub postgres: Option<Answer<Postgres>>,
    /// A MySQL or MariaDB server; `None` inside where nobody here may ask it.
    pub mysql: Option<Answer<Option<Mysql>>>,
    /// A Redis server; `None` inside where it does not answer `INFO` for this user.
    pub redis: Option<Answer<Option<Info>>>,
    /// SQLite files that exist.
    pub sqlite: Vec<SqliteFound>,
    /// Relations that a client did not find, and schemas of this server that hold one of that name.
    pub elsewhere: Vec<(String, String, Command)>,
}

/// What came of the question to a PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Postgres {
    /// Its state.
    State(Box<State>),
    /// It let nobody in, for a reason that is its state; the line that says so.
    Refusal(Refusal, String),
    /// Nobody here may ask it without a password.
    NotAtHand,
}

/// What came of the question to a MySQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mysql {
    /// Its state.
    State(mariadb::State),
    /// It refused even root: no connection is left.
    Full(String),
}

/// Whose state is asked: servers that answered, and services with files.
pub fn ask(
    door: Door<'_>,
    managers: &ManagerEvidence,
    service: &'static Service,
    pid: Option<u32>,
    server: bool,
) -> DataFound {
    let mut found = DataFound::default();
    for probe in service.probes.iter().filter(|_| server) {
        match probe {
            Probe::Postgres { port, user } => found.postgres = Some(postgres(door, managers, service, *port, user)),
            Probe::Redis { .. } => found.redis = Some(redis(door, service)),
            _ => {}
        }
    }
    if let Some(container) = unpublished_redis(managers, service) {
        found.redis = Some(redis_inside(door, &container.identity.name));
    }
    if let Some(program) = mysql_program(door.system, service).filter(|_| pid.is_some()) {
        found.mysql = Some(mysql(door, program));
    }
    found.sqlite = sqlite::files(door.system, managers, service, pid);
    found
}

/// The running container of a service.
pub fn container<'e>(managers: &'e ManagerEvidence, service: &Service) -> Option<&'e ContainerState> {
    let all = managers.containers.as_ref()?.result.as_ref().ok()?;
    let own = |container: &&ContainerState| service.managers.iter().any(|m| is_container_of(m, &container.identity));
    all.iter().filter(own).find(|container| container.status == "running")
}

fn is_in_container(service: &Service) -> bool {
    service.managers.iter().any(|manager| matches!(manager, Manager::Compose(_) | Manager::Docker(_)))
}

/// How the `psql` that is at hand is called.
fn psql(
    door: Door<'_>,
    managers: &ManagerEvidence,
    service: &Service,
    port: u16,
    user: &str,
    of: impl FnOnce(Whose<'_>) -> Argv,
) -> Option<Argv> {
    if is_in_container(service) {
        let container = container(managers, service)?;
        let role = container.surroundings.as_ref().and_then(|surroundings| surroundings.variable("POSTGRES_USER"));
        return Some(of(Whose::Container(&container.identity.name, role.unwrap_or(user))));
    }
    // As the account that the server itself runs as, and nobody else becomes that.
    let account = door.system.is_root().then(|| door.system.account(|account| account.name == "postgres"))??;
    let is_there = |directory: &&&str| door.system.exists(format!("{directory}/.s.PGSQL.{port}"));
    let directory = POSTGRES_SOCKETS.iter().find(is_there)?;
    Some(of(Whose::Host(&account, directory)))
}

enum Whose<'a> {
    Container(&'a str, &'a str),
    Host(&'a crate::host::tools::Account, &'a str),
}

fn postgres(
    door: Door<'_>,
    managers: &ManagerEvidence,
    service: &'static Service,
    port: u16,
    user: &str,
) -> Answer<Postgres> {
    // What is worth pasting is the plain call.
    let mut command = Command::default();
    let build = |whose: Whose<'_>| match whose {
        Whose::Container(name, role) => {
            command = Command::new(["docker", "exec", "-it", name, "psql", "-U", role, "-d", "postgres"]);
            postgres_state::of_container(name, role, "postgres")
        }
        Whose::Host(account, directory) => {
            command = Command::new(["sudo", "-u", &account.name, "psql", "-h", directory, "-p", &port.to_string()]);
            postgres_state::of_host(account, directory, port)
        }
    };
    let Some(argv) = psql(door, managers, service, port, user, build) else {
        return Answer { command: Command::own(["explain", service.name]), result: Ok(Postgres::NotAtHand) };
    };
    let answer =
        door.ask_with(&argv, |output| match output.exit {
            ProcessEnd::Code(0) => Ok(postgres_state::parse(&text(&output.stdout))
                .map_or(Postgres::NotAtHand, |s| Postgres::State(Box::new(s)))),
            _ => Ok(refused(output)),
        });
    match answer.result {
        Err(Trouble::Missing(_) | Trouble::Untrusted(_) | Trouble::NeedsRoot(_)) => {
            Answer { command, result: Ok(Postgres::NotAtHand) }
        }
        result => Answer { command, result },
    }
}

fn refused(output: &Output) -> Postgres {
    let complaint = text(&output.stderr);
    let line = complaint.lines().find(|line| postgres_state::refusal("", line).is_some());
    let found = line.and_then(|line| Some((postgres_state::refusal("", line)?, line)));
    found.map_or(Postgres::NotAtHand, |(refusal, line)| {
        Postgres::Refusal(refusal, crate::host::tools::excerpt(line.trim_start_matches("psql: error: ")))
    })
}

/// The schemas that hold a relation which a client said that it does not find.
fn elsewhere(
    door: Door<'_>,
    managers: &ManagerEvidence,
    service: &'static Service,
    databases: &[String],
    lines: &[&Said],
) -> Vec<(String, String, Command)> {
    let Some((port, user)) = service.probes.iter().find_map(|probe| match probe {
        Probe::Postgres { port, user } => Some((*port, *user)),
        _ => None,
    }) else {
        return Vec::new();
    };
    let wanted: BTreeSet<&str> = lines.iter().filter_map(|line| relation(&line.text)).take(MOST_RELATIONS).collect();
    let mut found = Vec::new();
    for (name, database) in wanted.into_iter().flat_map(|name| databases.iter().take(4).map(move |d| (name, d))) {
        let sql = postgres_state::schemas_of(name);
        let build = |whose: Whose<'_>| match whose {
            Whose::Container(container, role) => images::ask(container, role, database, &sql),
            Whose::Host(account, directory) => Argv::new("psql", ["--no-psqlrc", "--no-password", "--tuples-only"])
                .with(["--no-align".to_owned(), format!("--host={directory}"), format!("--port={port}")])
                .with([format!("--dbname={database}"), format!("--command={sql}")])
                .by(Some(account)),
        };
        let Some(argv) = psql(door, managers, service, port, user, build) else { continue };
        let answer = door.ask_with(&argv, |output| match output.exit {
            ProcessEnd::Code(0) => Ok(text(&output.stdout)),
            _ => Err(failure(output)),
        });
        let schemas = answer.result.unwrap_or_default();
        if let Some(schema) = schemas.lines().next().filter(|schema| !schema.is_empty()) {
            found.push((name.to_owned(), format!("{database}: {schema}.{name}"), answer.command));
        }
    }
    found
}

/// Looks for relations that clients did not find, where lines that were read say so.
pub(super) fn look_elsewhere(
    door: Door<'_>,
    managers: &ManagerEvidence,
    wants: &super::Wants,
    clues: &mut super::Clues,
) {
    let said = clues.said.values().filter_map(|answer| answer.result.as_ref().ok()).flatten();
    let lines: Vec<&Said> = said.filter(|line| relation(&line.text).is_some()).collect();
    if lines.is_empty() {
        return;
    }
    for (name, (service, ..)) in &wants.data {
        let Some(found) = clues.data.get_mut(name) else { continue };
        let Some(Answer { result: Ok(Postgres::State(state)), .. }) = &found.postgres else { continue };
        let databases = state.databases.iter().filter(|database| database.open);
        let databases: Vec<String> = databases.map(|database| database.name.clone()).collect();
        found.elsewhere = elsewhere(door, managers, service, &databases, &lines);
    }
}

/// The relation that a line says does not exist: `relation "x" does not exist`, `table "x" does not exist`.
pub fn relation(line: &str) -> Option<&str> {
    let rest = ["relation \"", "relation \\\""].iter().find_map(|word| Some(line.split_once(word)?.1))?;
    let end = rest.find(['"', '\\'])?;
    rest[end..]
        .trim_start_matches(['"', '\\'])
        .starts_with(" does not exist")
        .then_some(&rest[..end])
        // Of one with a schema, no path decides.
        .filter(|name| !name.is_empty() && !name.contains('.'))
}

fn mysql_program(system: &System, service: &Service) -> Option<&'static str> {
    let is = |name: &str| matches!(name, "mariadb.service" | "mysql.service" | "mysqld.service");
    let ours = service.managers.iter().any(|manager| match manager {
        Manager::Systemd(unit) => is(unit.name) || unit.aliases.iter().any(|name| is(name)),
        Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_) => false,
    });
    let installed = |program: &&&str| matches!(system.find_program(program), Ok(Some(_)));
    (ours && system.is_root()).then(|| ["mariadb", "mysql"].iter().find(installed).copied()).flatten()
}

fn mysql(door: Door<'_>, program: &'static str) -> Answer<Option<Mysql>> {
    door.ask_with(&mariadb::state(program), |output| {
        let complaint = text(&output.stderr);
        Ok(match output.exit {
            ProcessEnd::Code(0) => mariadb::parse(&text(&output.stdout)).ok().map(Mysql::State),
            _ if mariadb::is_full(&complaint) => Some(Mysql::Full(crate::host::tools::excerpt(complaint.trim()))),
            _ => None,
        })
    })
}

/// The running container of a Redis server that the registry cannot ask at a port of the host.
pub fn unpublished_redis<'e>(managers: &'e ManagerEvidence, service: &Service) -> Option<&'e ContainerState> {
    let is_asked = service.probes.iter().any(|probe| matches!(probe, Probe::Redis { .. }));
    container(managers, service).filter(|container| !is_asked && redis_cli::is_server(&container.image))
}

fn redis_inside(door: Door<'_>, container: &str) -> Answer<Option<Info>> {
    // One that wants a password, or has no such client, says nothing of its state.
    let answer = door.ask_with(&redis_cli::info(container), |output| match output.exit {
        ProcessEnd::Code(0) => Ok(redis_info::parse(&text(&output.stdout))),
        _ => Ok(None),
    });
    Answer { command: answer.command, result: Ok(answer.result.unwrap_or_default()) }
}

fn redis(door: Door<'_>, service: &'static Service) -> Answer<Option<Info>> {
    let commands: &[&[&str]] = &[&redis_info::SECTIONS];
    let (command, result) = probe::say_to_redis(door, service, commands);
    // What is refused by rights (NOPERM), or by a client's list of commands, says nothing of its state.
    Answer { command, result: Ok(result.ok().and_then(|text| redis_info::parse(&text))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_that_are_not_found() {
        for (line, name) in [
            (r#"ERROR:  relation "users" does not exist at character 15"#, Some("users")),
            (r#"error: relation "User" does not exist"#, Some("User")),
            (r#"{"msg":"relation \"jobs\" does not exist"}"#, Some("jobs")),
            (r#"relation "public.jobs" does not exist"#, None),
            (r#"relation "jobs" already exists"#, None),
            (r#"permission denied for relation "jobs""#, None),
            ("relation \"", None),
        ] {
            assert_eq!(relation(line), name, "{line}");
        }
    }
}
