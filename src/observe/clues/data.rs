//! The state inside data servers, read without a write: PostgreSQL and MySQL by one statement with the roles at hand, Redis by
//! `INFO`, SQLite by the first bytes of its file and the kernel's list of locks.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use crate::host::exec::{Output, ProcessEnd};
use crate::host::protocol::redis_info::{self, Info};
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::tools::docker::ContainerState;
use crate::host::tools::postgres_state::{self, Refusal, State};
use crate::host::tools::sqlite_file::{self, Header, WriteLock};
use crate::host::tools::{Argv, images, mariadb, mountinfo, procfs};
use crate::host::trouble::{Trouble, failure};
use crate::observe::logs::line::Said;
use crate::observe::probe::{self, Answer, Door, ManagerEvidence, is_container_of, text};
use crate::registry::{DataKind, Manager, Probe, Service};

/// Where Debian, Ubuntu and Fedora have PostgreSQL's sockets.
const POSTGRES_SOCKETS: [&str; 2] = ["/run/postgresql", "/var/run/postgresql"];
/// How long a write lock of another process has to last until it is one that stays. A write takes milliseconds.
const LASTING: Duration = Duration::from_millis(600);
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

/// An SQLite file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteFound {
    /// Where it is.
    pub path: &'static str,
    /// What its first bytes say; `None` where they could not be read.
    pub header: Option<Header>,
    /// It is something that SQLite cannot have written.
    pub damaged: bool,
    /// Why the user of the service cannot write it.
    pub closed: Option<String>,
    /// The process, other than the service's own, that has kept its write lock: id and name.
    pub locked: Option<(u32, String)>,
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
    if let Some(program) = mysql_program(door.system, service).filter(|_| pid.is_some()) {
        found.mysql = Some(mysql(door, program));
    }
    found.sqlite = sqlite(door.system, managers, service, pid);
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

fn redis(door: Door<'_>, service: &'static Service) -> Answer<Option<Info>> {
    let commands: &[&[&str]] = &[&redis_info::SECTIONS];
    let (command, result) = probe::say_to_redis(door, service, commands);
    // What is refused by rights (NOPERM), or by a client's list of commands, says nothing of its state.
    Answer { command, result: Ok(result.ok().and_then(|text| redis_info::parse(&text))) }
}

/// The registered SQLite files of a service that exist.
fn sqlite(
    system: &System,
    managers: &ManagerEvidence,
    service: &'static Service,
    pid: Option<u32>,
) -> Vec<SqliteFound> {
    let paths = service.data.iter().filter(|data| data.kind == DataKind::Sqlite).map(|data| data.path);
    let present: Vec<&'static str> =
        paths.filter(|path| system.metadata(path).is_ok_and(|meta| meta.is_file())).collect();
    if present.is_empty() {
        return Vec::new();
    }
    let who = user(system, managers, service, pid);
    let locks = foreign_locks(system, pid, &present);
    present
        .into_iter()
        .map(|path| {
            let bytes = first_bytes(system, path);
            SqliteFound {
                path,
                header: bytes.as_deref().map(sqlite_file::header),
                damaged: bytes.as_deref().is_some_and(sqlite_file::is_damaged),
                closed: who.as_ref().and_then(|who| closed_to(system, who, path, bytes.as_deref())),
                locked: locks.iter().find(|(other, ..)| *other == path).map(|(_, pid, name)| (*pid, name.clone())),
            }
        })
        .collect()
}

fn first_bytes(system: &System, path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    system.open(path).ok()?.take(sqlite_file::HEADER).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Who a service's process is for the file system.
struct User {
    name: String,
    uid: u32,
    groups: Vec<u32>,
    mounts: Vec<mountinfo::Mount>,
}

/// The user that the process runs as, else that its unit names.
fn user(system: &System, managers: &ManagerEvidence, service: &Service, pid: Option<u32>) -> Option<User> {
    let status = pid.and_then(|pid| system.read(format!("/proc/{pid}/status")).ok());
    let table = pid.map_or_else(|| "/proc/self/mountinfo".to_owned(), |pid| format!("/proc/{pid}/mountinfo"));
    let mounts = mountinfo::parse(&system.read(table).ok()?).ok()?;
    let (uid, mut groups) = if let Some(status) = &status {
        let numbers = |name: &str| -> Option<Vec<u32>> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().map(|word| word.parse().ok()).collect()
        };
        // Real, effective, saved and that of the file system.
        let uid = *numbers("Uid:")?.get(3)?;
        let mut groups = numbers("Groups:")?;
        groups.push(*numbers("Gid:")?.get(3)?);
        (uid, groups)
    } else {
        let unit = super::unit(service, managers).filter(|unit| !unit.user.is_empty())?;
        let account = system.account(|account| account.name == unit.user)?;
        let table = system.read("/etc/group").ok()?;
        let mut groups: Vec<u32> = procfs::groups_of(&table, &account.name).collect();
        groups.push(account.gid);
        (account.uid, groups)
    };
    groups.sort_unstable();
    let account = system.account(|account| account.uid == uid);
    Some(User { name: account.map_or_else(|| uid.to_string(), |account| account.name), uid, groups, mounts })
}

/// Why a user cannot write a database: its file, its directory, where the log and the journal are made, or their mount.
fn closed_to(system: &System, who: &User, path: &'static str, bytes: Option<&[u8]>) -> Option<String> {
    let mount = who
        .mounts
        .iter()
        .filter(|mount| std::path::Path::new(path).starts_with(&mount.point))
        .max_by_key(|mount| mount.point.len());
    if let Some(mount) = mount.filter(|mount| !mount.is_writable()) {
        return Some(format!("{} is mounted read-only for it", mount.point));
    }
    if who.uid == 0 {
        return None;
    }
    let meta = system.metadata(path).ok()?;
    let (directory, _) = path.rsplit_once('/')?;
    let around = system.metadata(directory).ok()?;
    let may = |meta: &std::fs::Metadata, bits: u32| {
        let shift = match () {
            () if meta.uid() == who.uid => 6,
            () if who.groups.contains(&meta.gid()) => 3,
            () => 0,
        };
        (meta.mode() >> shift) & bits == bits
    };
    let owner = |uid: u32| system.account(|account| account.uid == uid).map_or_else(|| uid.to_string(), |a| a.name);
    let owned = |meta: &std::fs::Metadata| format!("{}, mode {:o}", owner(meta.uid()), meta.mode() & 0o7777);
    // Access lists are not read here, and may let it in. They show in the group's bits, which are their mask.
    let whose = |what: &str, meta: &std::fs::Metadata| {
        Some(format!("{what} belongs to {}; it runs as {}", owned(meta), who.name))
    };
    match bytes.map(sqlite_file::header) {
        _ if !may(&meta, 0o6) && !has_list(&meta) => whose(path, &meta),
        _ if !may(&around, 0o3) && !has_list(&around) => whose(directory, &around),
        _ => None,
    }
}

/// Whether an access list may give more than the bits do: then the group's bits are its mask and more than none.
fn has_list(meta: &std::fs::Metadata) -> bool {
    meta.mode() & 0o020 != 0
}

/// Which of these databases another process keeps locked: the same one in two looks.
fn foreign_locks(system: &System, pid: Option<u32>, paths: &[&'static str]) -> Vec<(&'static str, u32, String)> {
    let first = held(system, pid, paths);
    if first.is_empty() {
        return Vec::new();
    }
    std::thread::sleep(LASTING);
    let again = held(system, pid, paths);
    first.into_iter().filter(|lock| again.contains(lock)).collect()
}

fn held(system: &System, own: Option<u32>, paths: &[&'static str]) -> Vec<(&'static str, u32, String)> {
    let locks = system.read("/proc/locks").map(|text| sqlite_file::write_locks(&text)).unwrap_or_default();
    if locks.is_empty() {
        return Vec::new();
    }
    let group = |pid: u32| system.read(format!("/proc/{pid}/cgroup")).ok();
    let mine = own.and_then(group);
    let mut found = Vec::new();
    for path in paths {
        let file = |path: String| system.metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
        let (database, index) = (file((*path).to_owned()), file(format!("{path}-shm")));
        for lock in &locks {
            let wanted = if lock.log { index } else { database };
            let Some(pid) = holder(lock, wanted) else { continue };
            let is_own = own == Some(pid) || (mine.is_some() && group(pid) == mine);
            let has_it = system.open_files(pid).is_ok_and(|open| wanted.is_some_and(|file| open.contains(&file)));
            if !is_own && has_it {
                found.push((*path, pid, system.process_name(pid).unwrap_or_default()));
            }
        }
    }
    found
}

fn holder(lock: &WriteLock, file: Option<(u64, u64)>) -> Option<u32> {
    let (_, inode) = file?;
    u32::try_from(lock.pid).ok().filter(|pid| *pid != 0 && lock.inode == inode)
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
