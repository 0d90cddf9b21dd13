//! What `verify` asks beyond health: files, their owners and keys, the proxy's routes, what compose files define, and what
//! systemd ignores in unit files.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::Duration;

use super::{Answer, Door, settings, text};
use crate::envfile::Reading;
use crate::host::exec::{ProcessEnd, Runner};
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::host::tools::command::Command;
use crate::host::tools::compose::{self, Project};
use crate::host::tools::systemd_analyze::{self, Complaint};
use crate::host::tools::{Argv, Malformed, Upstream, caddy, nginx, procfs};
use crate::host::trouble::{Trouble, failure};
use crate::registry::{Data, DataKind, Deployment, EnvFile, Manager, Proxy, Service};

/// What was found.
#[derive(Debug)]
pub struct Survey {
    /// Complaints about unit files; `None` where no unit is asked about.
    pub complaints: Option<Answer<Vec<Complaint>>>,
    /// Routes of the proxy; `None` where the deployment has none.
    pub routes: Option<Answer<Vec<Upstream>>>,
    /// Compose projects, by the candidate paths that the registry names.
    pub projects: BTreeMap<&'static [&'static str], Answer<Project>>,
    /// Env files, by service.
    pub env_files: BTreeMap<&'static str, Answer<EnvFacts>>,
    /// Data at rest, by path.
    pub data: BTreeMap<&'static str, Answer<bool>>,
}

/// An env file as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFacts {
    /// Where it lies.
    pub path: &'static str,
    /// `user:group`.
    pub owner: String,
    /// Permission bits.
    pub mode: u32,
    /// What it sets; `None` when it may not be read.
    pub reading: Option<Reading>,
}

/// Surveys these services.
pub fn survey(
    system: &System,
    runner: &dyn Runner,
    deployment: &Deployment,
    services: &[&'static Service],
    limit: Duration,
) -> Survey {
    let door = Door::new(system, runner, limit);
    let managers = || services.iter().flat_map(|service| service.managers);
    let units: Vec<&str> = managers()
        .filter_map(|manager| match manager {
            Manager::Systemd(unit) => Some(unit.name),
            Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
        })
        .collect();
    let files: std::collections::BTreeSet<&'static [&'static str]> = managers()
        .filter_map(|manager| match manager {
            Manager::Compose(compose) => Some(compose.files),
            Manager::Systemd(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
        })
        .collect();
    thread::scope(|scope| {
        let complaints = (!units.is_empty()).then(|| task(scope, || ask_systemd(door, &units)));
        let routes = deployment.proxy.as_ref().map(|proxy| task(scope, || ask_proxy(door, proxy)));
        let projects: Vec<_> =
            files.into_iter().map(|paths| (paths, task(scope, move || ask_compose(door, paths)))).collect();
        let env_files = services.iter().filter_map(|service| {
            let env = service.env.as_ref()?;
            Some((service.name, env_file(system, service, env)))
        });
        let data = services.iter().flat_map(|service| service.data).filter(|data| data.kind != DataKind::Volume);
        Survey {
            env_files: env_files.collect(),
            data: data.map(|data| (data.path, look_at(system, data))).collect(),
            complaints: complaints.map(join),
            routes: routes.map(join),
            projects: projects.into_iter().map(|(paths, thread)| (paths, join(thread))).collect(),
        }
    })
}

fn ask_systemd(door: Door<'_>, units: &[&str]) -> Answer<Vec<Complaint>> {
    let argv = systemd_analyze::verify(units.iter().copied());
    if !door.system.booted_with_systemd() {
        let reason = "this machine was not booted with systemd".to_owned();
        return Answer { command: argv.into(), result: Err(Trouble::Unavailable(reason)) };
    }
    // It fails when a unit is missing or wrong, which is what it is asked for.
    door.ask_with(&argv, |output| match output.exit {
        ProcessEnd::Code(_) => Ok(systemd_analyze::parse(&text(&output.stderr))),
        _ => Err(failure(output)),
    })
}

pub fn ask_proxy(door: Door<'_>, proxy: &Proxy) -> Answer<Vec<Upstream>> {
    match proxy {
        Proxy::Caddy { config } => ask_author(door, config, caddy::adapt(config), caddy::parse),
        Proxy::Nginx if !door.system.is_root() => Answer {
            command: (&nginx::dump()).into(),
            result: Err(Trouble::NeedsRoot("to read nginx's configuration")),
        },
        Proxy::Nginx => door.ask(&nginx::dump(), nginx::parse),
    }
}

/// Has a tool read a configuration as the user who wrote it: what that includes, root must not read for somebody else.
pub fn ask_author<T>(
    door: Door<'_>,
    file: &str,
    argv: Argv,
    parse: impl FnOnce(&str) -> Result<T, Malformed>,
) -> Answer<T> {
    match door.system.author(file) {
        Ok(author) => door.ask(&argv.by(author.as_ref()), parse),
        // The tool itself says best that there is no such file.
        Err(error) if error.kind() == ErrorKind::NotFound => door.ask(&argv, parse),
        Err(error) => Answer { command: argv.into(), result: Err(crate::host::trouble::of_file(file, &error)) },
    }
}

fn ask_compose(door: Door<'_>, paths: &'static [&'static str]) -> Answer<Project> {
    match door.system.first_existing(paths) {
        Ok(Some(file)) => ask_author(door, file, compose::config(file), compose::parse),
        Ok(None) => {
            let missing = format!("none of these exists: {}", paths.join(", "));
            Answer { command: listing(paths), result: Err(Trouble::Unavailable(missing)) }
        }
        Err(error) => Answer { command: listing(paths), result: Err(error.into()) },
    }
}

fn listing(paths: &[&str]) -> Command {
    Command::new(["ls", "-l"].into_iter().chain(paths.iter().copied()))
}

/// An env file as it is.
pub fn env_file(system: &System, service: &Service, env: &'static EnvFile) -> Answer<EnvFacts> {
    let command = listing(env.paths);
    let look = || -> Result<EnvFacts, Trouble> {
        let found = system.first_existing(env.paths).map_err(Trouble::from)?;
        let path = found.ok_or_else(|| Trouble::Unavailable("it does not exist".to_owned()))?;
        let meta = system.metadata(path).map_err(Trouble::from)?;
        let user = system.account(|account| account.uid == meta.uid()).map(|account| account.name);
        let user = user.unwrap_or_else(|| meta.uid().to_string());
        let groups = system.read("/etc/group").unwrap_or_default();
        let group = procfs::group_name(&groups, meta.gid()).map_or_else(|| meta.gid().to_string(), str::to_owned);
        let reading = match settings::of_service(system, service, path) {
            Ok(reading) => Some(reading),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
            Err(error) => return Err(error.into()),
        };
        Ok(EnvFacts { path, owner: format!("{user}:{group}"), mode: meta.mode() & 0o7777, reading })
    };
    Answer { command, result: look() }
}

/// Whether data of that kind is there.
fn look_at(system: &System, data: &Data) -> Answer<bool> {
    let look = || -> std::io::Result<bool> {
        let meta = system.metadata(data.path)?;
        Ok(match data.kind {
            DataKind::Directory => meta.is_dir(),
            DataKind::File => meta.is_file(),
            DataKind::Sqlite => {
                const MAGIC: &[u8] = b"SQLite format 3\0";
                // Opening never creates it, unlike sqlite3 itself; an empty file is not a database.
                system.read_bytes(data.path, MAGIC.len() as u64)? == MAGIC
            }
            DataKind::Volume => true,
        })
    };
    let result = match look() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        other => other.map_err(Trouble::from),
    };
    Answer { command: listing(&[data.path]), result }
}
