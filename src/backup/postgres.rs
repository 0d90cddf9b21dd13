//! PostgreSQL: a dump by the server's own tools, in its container or on this host, and databases that a dump is brought into: for a
//! trial, or to take the live one's place.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::manifest::Rows;
use super::name::Id;
use super::staging::copy_hashed;
use super::trouble::{CopyTrouble, Unproven};
use crate::context::Context;
use crate::host::exec::{ProcessEnd, Runner, Streams};
use crate::host::files::private;
use crate::host::tools::postgres::{self, Access};
use crate::host::tools::{Argv, Input, images};
use crate::host::trouble::failure;
use crate::observe::probe::{self};
use crate::registry::{Database, Manager, Service};

/// How long a question may take: a name is changed only when nobody uses the database any more, for which PostgreSQL waits 5 s.
const QUESTION: Duration = Duration::from_secs(20);
/// How long a dump may be silent: a large table that is compressed well prints little.
const SILENCE: Duration = Duration::from_mins(2);
/// How long a dump may take to be brought in beside the time that its bytes take.
const RESTORE: Duration = Duration::from_mins(5);
/// The slowest that is waited for, bytes of a dump a second.
const SLOWEST: u64 = 100 << 10;
/// The port of a server whose service states none.
const PORT: u16 = 5432;
/// The database that every server has; also the role that every server begins with, and on a host its owner.
const ALWAYS: &str = "postgres";
/// What databases begin with that a trial has made; what is found of them later is left over.
const TRIAL: &str = "opsctl_trial_";

/// Tables and their rows. A count of each is only known by counting.
const COUNT: &str = "SELECT n.nspname || '.' || c.relname, (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c \
                     FROM ONLY %I.%I', n.nspname, c.relname), false, true, '')))[1]::text FROM pg_class c JOIN pg_namespace n \
                     ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') AND n.nspname <> 'information_schema' AND \
                     n.nspname !~ '^pg_' ORDER BY 1;";

/// A server that runs, and the database of it that is meant.
pub struct Server<'a> {
    context: &'a Context<'a>,
    access: Access,
    user: String,
    /// The database.
    pub database: String,
}

fn named_in(context: &Context<'_>, service: &Service, key: &str) -> Result<String, CopyTrouble> {
    let named = probe::named_in(context.system, service, key);
    named.map_err(|trouble| CopyTrouble::Wrong(format!("its database: {trouble}")))
}

impl<'a> Server<'a> {
    /// Finds the server, its role, and the name of the database.
    ///
    /// # Errors
    /// Why it is not known which that is.
    pub fn find(context: &'a Context<'a>, service: &Service, database: &Database) -> Result<Self, CopyTrouble> {
        match service.managers.first() {
            Some(Manager::Systemd(_)) => Self::on_host(context, service, database),
            Some(Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_)) | None => {
                Self::in_container(context, service, database)
            }
        }
    }

    /// The server of this host, as its owner, who is `postgres` in all distributions.
    fn on_host(context: &'a Context<'a>, service: &Service, database: &Database) -> Result<Self, CopyTrouble> {
        let wrong = |told: String| CopyTrouble::Wrong(told);
        let owner = context.system.account(|account| account.name == ALWAYS);
        let owner =
            owner.ok_or_else(|| wrong(format!("this host has no user {ALWAYS}, whom its server would trust")))?;
        let database = match database {
            Database::Named(name) => (*name).to_owned(),
            Database::Own | Database::Postgres => ALWAYS.to_owned(),
            Database::InUrl(service, key) => named_in(context, service, key)?,
        };
        let port = service.ports.first().copied().unwrap_or(PORT);
        Ok(Server { context, access: Access::Socket { owner, port }, user: ALWAYS.to_owned(), database })
    }

    fn in_container(context: &'a Context<'a>, service: &Service, database: &Database) -> Result<Self, CopyTrouble> {
        let wrong = |told: String| CopyTrouble::Wrong(told);
        let limit = context.patience_to_change().map_err(|error| wrong(error.message))?;
        let all = probe::containers(context.system, &context.processes(), limit);
        let all = all.map_err(|trouble| wrong(format!("the containers cannot be listed: {trouble}")))?;
        let is_own = |identity: &_| service.managers.iter().any(|manager| probe::is_container_of(manager, identity));
        let container = all.into_iter().find(|container| container.state == "running" && is_own(&container.identity));
        let container = container.ok_or_else(|| wrong(format!("{} does not run", service.name)))?.identity.name;
        let named = |variable: &str| -> Result<Option<String>, CopyTrouble> {
            let argv = images::variables(&container, &[variable]);
            match context.processes().run(&argv, limit) {
                Ok(output) if output.exit == ProcessEnd::Code(0) => {
                    Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()))
                }
                // As printenv tells that there is no such variable.
                Ok(output) if output.exit == ProcessEnd::Code(1) && output.stderr.is_empty() => Ok(None),
                Ok(output) => Err(wrong(format!("{variable} of {container}: {}", failure(&output)))),
                Err(error) => Err(wrong(error.to_string())),
            }
        };
        // The image's own defaults (https://hub.docker.com/_/postgres).
        let user = named("POSTGRES_USER")?.unwrap_or_else(|| ALWAYS.to_owned());
        let database = match database {
            Database::Own => named("POSTGRES_DB")?.unwrap_or_else(|| user.clone()),
            Database::Postgres => ALWAYS.to_owned(),
            Database::Named(name) => (*name).to_owned(),
            Database::InUrl(service, key) => named_in(context, service, key)?,
        };
        Ok(Server { context, access: Access::Container(container), user, database })
    }

    /// Has statements run in the database that every server has; what they print.
    ///
    /// # Errors
    /// What the server says.
    pub fn ask(&self, statements: &str) -> Result<String, String> {
        self.ask_in(ALWAYS, statements, QUESTION)
    }

    fn ask_in(&self, database: &str, statements: &str, limit: Duration) -> Result<String, String> {
        let argv = postgres::sql(&self.access, &self.user, database, Input::bytes("statements", statements));
        self.run(&argv, limit)
    }

    fn run(&self, argv: &Argv, limit: Duration) -> Result<String, String> {
        let limit = self.context.time_left().map_or(limit, |left| left.min(limit));
        match self.context.processes().run(argv, limit) {
            Ok(output) if output.exit == ProcessEnd::Code(0) => {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(output) => Err(failure(&output).to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// How large the database is, bytes; `None` where there is none of that name.
    ///
    /// # Errors
    /// What the server says.
    pub fn bytes(&self) -> Result<Option<u64>, String> {
        let name = postgres::text(&self.database);
        let told = self.ask(&format!("SELECT pg_database_size(oid) FROM pg_database WHERE datname = {name};"))?;
        Ok(told.trim().parse().ok())
    }

    /// Where a new database of it lies on this host: its own data directory, or the disk of the engine's volumes.
    ///
    /// # Errors
    /// What the server says.
    pub fn data_directory(&self) -> Result<PathBuf, String> {
        match &self.access {
            Access::Socket { .. } => Ok(PathBuf::from(self.ask("SHOW data_directory;")?.trim())),
            // Which of the engine's volumes it is, only the engine knows.
            Access::Container(_) => Ok(PathBuf::from("/var/lib/docker")),
        }
    }

    /// The server's version.
    pub fn version(&self) -> Option<String> {
        self.ask("SHOW server_version;").ok().map(|version| version.trim().to_owned())
    }

    /// The command that dumps the database.
    pub fn dump_argv(&self) -> Argv {
        postgres::dump(&self.access, &self.user, &self.database)
    }

    /// Dumps the database to a new file.
    ///
    /// # Errors
    /// Why there is no dump.
    pub fn dump(&self, to: &Path) -> Result<(), String> {
        let told = |error: io::Error| format!("{}: {error}", to.display());
        let mut file = private::create_new(to).map_err(told)?;
        let silence = self.context.time_left().map_or(SILENCE, |left| left.min(SILENCE));
        let stream = self.context.processes().stream(&self.dump_argv(), Streams::Apart, silence);
        let mut stream = stream.map_err(|error| error.to_string())?;
        let copied = copy_hashed(&mut stream, &mut file);
        // However much was printed: whether that was all of it is told by how the dump ended.
        let (exit, said) = stream.finish();
        match (copied, exit) {
            (Ok((bytes, _)), ProcessEnd::Code(0)) if bytes > 0 => Ok(()),
            (Ok(_), ProcessEnd::Code(0)) => Err("pg_dump printed nothing".to_owned()),
            (_, exit) if exit != ProcessEnd::Code(0) => {
                let output = crate::host::exec::Output { exit, stdout: Vec::new(), stderr: said.into_bytes() };
                Err(format!("pg_dump: {}", failure(&output)))
            }
            (Err(error), _) => Err(told(error)),
            (Ok(_), _) => Err("pg_dump failed".to_owned()),
        }
    }

    /// Brings a dump into a new database of this name and counts what is in it.
    ///
    /// # Errors
    /// Why it is not whole; the database is gone again.
    pub fn fill(&self, name: &str, dump: &Path) -> Result<Rows, String> {
        self.create(name, dump)?;
        let bytes = private::metadata(dump).map_or(0, |meta| meta.len());
        let argv = postgres::restore(&self.access, &self.user, name, Input::file(dump));
        let restored = self.run(&argv, RESTORE.saturating_add(Duration::from_secs(bytes / SLOWEST)));
        let restored = restored.map_err(|trouble| format!("it cannot be restored: {trouble}"));
        let counted = restored.and_then(|_| self.count(name));
        counted.inspect_err(|_| {
            // One that stays is dropped by the next trial.
            let _ = self.drop(name);
        })
    }

    /// An empty database like the live one; where there is none, of the owner that the dumped one had.
    fn create(&self, name: &str, dump: &Path) -> Result<(), String> {
        let live = postgres::text(&self.database);
        let like = self.ask(&format!(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype, pg_get_userbyid(datdba) FROM pg_database WHERE \
             datname = {live};"
        ))?;
        let new = postgres::name(name);
        let mut options = String::new();
        if let [encoding, collate, ctype, owner] = like.trim_end().split('|').collect::<Vec<_>>()[..] {
            let (encoding, collate) = (postgres::text(encoding), postgres::text(collate));
            let (ctype, owner) = (postgres::text(ctype), postgres::name(owner));
            options = format!(" OWNER {owner} ENCODING {encoding} LC_COLLATE {collate} LC_CTYPE {ctype}");
        } else {
            let argv = postgres::contents(&self.access, &self.user, ALWAYS, Input::file(dump));
            let contents = self.run(&argv, QUESTION).map_err(|trouble| format!("its owner is unknown: {trouble}"))?;
            if let Some(owner) = postgres::owner(&contents, &self.database) {
                options = format!(" OWNER {}", postgres::name(owner));
            }
        }
        self.ask_in(ALWAYS, &format!("CREATE DATABASE {new} TEMPLATE template0{options};"), QUESTION.saturating_mul(3))
            .map(drop)
    }

    /// Rows of each table.
    fn count(&self, name: &str) -> Result<Rows, String> {
        let told = self.ask_in(name, COUNT, RESTORE)?;
        let row = |line: &str| {
            let (table, rows) = line.rsplit_once('|')?;
            Some((table.to_owned(), rows.parse().ok()?))
        };
        let rows: Option<BTreeMap<String, u64>> = told.lines().map(row).collect();
        match rows {
            None => Err("its tables cannot be counted".to_owned()),
            Some(rows) if rows.is_empty() => Err("it has no table".to_owned()),
            Some(rows) => Ok(rows),
        }
    }

    /// Brings a dump into a database of its own, counts, and drops it; those that killed trials have left go first.
    ///
    /// # Errors
    /// Why it is not whole; where the server does not answer any more, that is not known.
    pub fn try_out(&self, dump: &Path, id: Id) -> Result<Rows, Unproven> {
        self.tried(dump, id).map_err(|trouble| match self.ask("SELECT 1;") {
            Ok(_) => Unproven::Bad(trouble),
            Err(_) => Unproven::Untried(trouble),
        })
    }

    fn tried(&self, dump: &Path, id: Id) -> Result<Rows, String> {
        let left = self.ask(&format!("SELECT datname FROM pg_database WHERE starts_with(datname, '{TRIAL}');"))?;
        for name in left.lines() {
            self.drop(name)?;
        }
        let name = format!("{TRIAL}{:08x}", id.chance);
        let rows = self.fill(&name, dump)?;
        self.drop(&name).map_err(|trouble| format!("the test database {name} was not removed: {trouble}"))?;
        Ok(rows)
    }

    /// Drops a database of ours. One that is not there is no trouble.
    ///
    /// # Errors
    /// What the server says.
    pub fn drop(&self, name: &str) -> Result<(), String> {
        if !name.starts_with("opsctl_") {
            return Err(format!("{name} is not a database of opsctl"));
        }
        let name = postgres::name(name);
        self.ask_in(ALWAYS, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE);"), QUESTION.saturating_mul(3))
            .map(drop)
    }
}
