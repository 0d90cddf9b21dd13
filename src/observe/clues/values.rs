//! What services run with: the environment of a process or container, of which only the keys that the registry names are kept, and
//! whether an application may read the env file that it reads itself. Values never leave as text.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use jiff::Timestamp;
use serde_json::Value;

use super::drift::written_at;
use super::host::{env, file, unit};
use super::{Clues, EnvFound, FileFound, Wants};
use crate::envfile::Reading;
use crate::host::files::reach::Use;
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, Door, ManagerEvidence, engine_get, is_container_of};
use crate::registry::{EnvFile, EnvReader, Manager, Service};

/// What was seen of one service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValuesFound {
    /// What it runs with; `None` where it does not run, or that cannot be seen.
    pub running: Option<Running>,
    /// When its env file was written last, and which.
    pub written: Option<Timestamp>,
    /// Its env file, which it may not read.
    pub barred: Option<Barred>,
}

/// What a process was started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Whose environment it is: `pid 12`, `container x`.
    pub of: String,
    /// The command that shows it.
    pub command: Command,
    /// Since when it has it.
    pub since: Option<Timestamp>,
    /// Whether that is exact: systemd and pm2 note whole seconds, or a time after the environment was made.
    pub is_exact: bool,
    /// The keys of it that the registry names.
    pub environment: Reading,
    /// Keys that its manager sets itself, so that its env file does not decide of them.
    pub elsewhere: BTreeSet<&'static str>,
}

/// A file that the user who needs it may not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barred {
    /// The file.
    pub path: String,
    /// The user.
    pub user: String,
    /// What keeps the user out: the file itself or a directory above it, and how that is.
    pub bar: String,
    /// What is known of it.
    pub found: Option<FileFound>,
}

/// The keys of a service that anything is said of.
fn keys(service: &Service) -> impl Iterator<Item = &'static str> {
    service.env.iter().flat_map(EnvFile::keys)
}

/// Looks at all services that are wanted.
pub fn look_at_all(door: Door<'_>, managers: &ManagerEvidence, wants: &Wants, clues: &mut Clues) {
    for (name, service) in &wants.values {
        clues.values.insert(name, look(door, managers, service));
    }
}

fn look(door: Door<'_>, managers: &ManagerEvidence, service: &'static Service) -> Answer<ValuesFound> {
    let paths: &[&str] = service.env.as_ref().map_or(&[], |env| env.paths);
    let command = Command::new(["ls", "-l"].into_iter().chain(paths.iter().copied()));
    let find = || -> Result<ValuesFound, Trouble> {
        let system = door.system;
        let barred = match app_user(managers, service) {
            Some(user) => barred(system, service, user)?,
            None => None,
        };
        let read = env(system, service, managers).result.ok();
        let named = read.as_ref().and_then(|found| found.path.clone());
        let mut newest = None;
        for path in files(service, managers, named.as_deref()) {
            newest = newest.max(written_at(system, &path)?);
        }
        let running = match service.env_reader() {
            EnvReader::Systemd => of_unit(system, service, managers)?,
            EnvReader::Dotenv => of_app(system, service, managers)?,
            EnvReader::Compose | EnvReader::Docker => of_container(door, service, managers, read.as_ref())?,
        };
        Ok(ValuesFound { running, written: newest, barred })
    };
    Answer { command, result: find() }
}

/// The files that it is started with.
fn files(service: &Service, managers: &ManagerEvidence, found: Option<&str>) -> Vec<String> {
    let of_unit = unit(service, managers).filter(|_| service.env_reader() == EnvReader::Systemd);
    let named = of_unit.into_iter().flat_map(|unit| &unit.environment_files).filter(|path| path.starts_with('/'));
    let mut all: Vec<String> = named.cloned().collect();
    all.extend(found.map(str::to_owned));
    all
}

/// The user of an application that reads its env file itself.
fn app_user(managers: &ManagerEvidence, service: &Service) -> Option<&'static str> {
    let is_own = service.env_reader() == EnvReader::Dotenv;
    let app = service.managers.iter().find_map(|manager| match manager {
        Manager::Pm2(app) => Some(app),
        Manager::Systemd(_) | Manager::Compose(_) | Manager::Docker(_) => None,
    });
    app.filter(|app| is_own && managers.apps.get(app.home).is_some_and(|answer| answer.result.is_ok()))
        .map(|app| app.user)
}

fn barred(system: &System, service: &Service, user: &'static str) -> Result<Option<Barred>, Trouble> {
    let Some(account) = system.account(|account| account.name == user) else { return Ok(None) };
    for path in service.env.iter().flat_map(|env| env.paths) {
        match system.barred(path, account.uid, account.gid, Use::Read) {
            Ok(None) => {}
            Ok(Some(bar)) => {
                let found = file(system, &bar).result.ok().flatten();
                return Ok(Some(Barred { path: (*path).to_owned(), user: user.to_owned(), bar, found }));
            }
            // Whoever may not ask learns nothing.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(Trouble::NeedsRoot("to see whether its user may read its env file"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// The environment of a process, of which these keys are kept.
fn environment(text: &str, service: &Service) -> Reading {
    let wanted: BTreeSet<&str> = keys(service).collect();
    // A secret that lies in a file of its own is set.
    let is_wanted = |key: &str| wanted.contains(key) || key.strip_suffix("_FILE").is_some_and(|k| wanted.contains(k));
    let pairs = text.split('\0').filter_map(|entry| entry.split_once('='));
    Reading::of(pairs.filter(|(key, _)| is_wanted(key)))
}

fn environ(system: &System, pid: u32, service: &Service) -> Result<Option<Reading>, Trouble> {
    match system.read(format!("/proc/{pid}/environ")) {
        // That of a process that ended meanwhile is empty.
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(environment(&text, service))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(Trouble::denied("to read the environment of its process"))
        }
        Err(error) => Err(error.into()),
    }
}

fn of_process(pid: u32, since: Option<Timestamp>, environment: Reading, elsewhere: BTreeSet<&'static str>) -> Running {
    let command = Command::new(["ps", "-o", "pid,lstart,args", "-p", &pid.to_string()]);
    Running { of: format!("process {pid}"), command, since, is_exact: false, environment, elsewhere }
}

fn of_unit(system: &System, service: &Service, managers: &ManagerEvidence) -> Result<Option<Running>, Trouble> {
    let Some(unit) = unit(service, managers).filter(|unit| unit.active == "active") else { return Ok(None) };
    let Some(pid) = unit.main_pid else { return Ok(None) };
    let Some(environment) = environ(system, pid, service)? else { return Ok(None) };
    let texts = unit.output.iter().flat_map(|output| &output.files).filter_map(|path| system.read_once(path).ok());
    let texts: Vec<String> = texts.map(|text| text.to_string()).collect();
    Ok(Some(of_process(pid, unit.active_since, environment, named(service, &texts))))
}

fn of_app(system: &System, service: &Service, managers: &ManagerEvidence) -> Result<Option<Running>, Trouble> {
    let own = service.managers.iter().find_map(|manager| match manager {
        Manager::Pm2(app) => {
            let daemon = managers.apps.get(app.home)?.result.as_ref().ok()?.as_ref()?;
            daemon.processes.iter().find(|process| process.name == app.name && process.status == "online")
        }
        Manager::Systemd(_) | Manager::Compose(_) | Manager::Docker(_) => None,
    });
    let Some((pid, since)) = own.and_then(|process| Some((process.pid?, process.started))) else { return Ok(None) };
    // What is there already is not taken from the file.
    Ok(environ(system, pid, service)?.map(|reading| of_process(pid, since, reading, BTreeSet::new())))
}

fn of_container(
    door: Door<'_>,
    service: &Service,
    managers: &ManagerEvidence,
    file: Option<&EnvFound>,
) -> Result<Option<Running>, Trouble> {
    let all = managers.containers.iter().filter_map(|answer| answer.result.as_ref().ok()).flatten();
    let is_own = |identity| service.managers.iter().any(|manager| is_container_of(manager, identity));
    let own = all.into_iter().find(|one| one.status == "running" && is_own(&one.identity));
    let Some(container) = own else { return Ok(None) };
    let Some(body) = engine_get(door, &format!("/containers/{}/json", container.id))? else { return Ok(None) };
    let Some(lines) = config_env(&body) else { return Ok(None) };
    let reading = environment(&lines.join("\0"), service);
    let made_from = container.surroundings.iter().filter_map(|around| around.compose.as_ref());
    let mut files: BTreeSet<String> = made_from.map(|(file, _)| file.clone()).collect();
    files.extend(compose_files(service).map(str::to_owned));
    let mut texts: Vec<String> = files.into_iter().filter_map(|path| door.system.read(path).ok()).collect();
    // What its image sets stays, whatever an env file lacks.
    let lacks = |key| reading.get(key).is_some() && file.is_some_and(|file| file.settings.get(key).is_none());
    if keys(service).any(lacks)
        && let Some(image) = engine_get(door, &format!("/images/{}/json", container.image_id)).ok().flatten()
    {
        texts.extend(config_env(&image).map(|lines| lines.join("\n")));
    }
    let name = &container.identity.name;
    Ok(Some(Running {
        of: format!("container {name}"),
        command: Command::new(["docker", "inspect", name]),
        since: container.created,
        is_exact: true,
        environment: reading,
        elsewhere: named(service, &texts),
    }))
}

fn config_env(body: &str) -> Option<Vec<String>> {
    let value: Value = serde_json::from_str(body).ok()?;
    let lines = value.pointer("/Config/Env")?.as_array()?;
    Some(lines.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect())
}

fn compose_files(service: &Service) -> impl Iterator<Item = &'static str> + use<> {
    service.managers.iter().flat_map(|manager| match manager {
        Manager::Compose(compose) => compose.files.iter().copied(),
        Manager::Systemd(_) | Manager::Docker(_) | Manager::Pm2(_) => [].iter().copied(),
    })
}

/// Which of its keys these texts name as a whole word.
fn named(service: &Service, texts: &[String]) -> BTreeSet<&'static str> {
    let is_part = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let names = |text: &str, key: &str| {
        text.match_indices(key).any(|(at, _)| {
            let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at)).copied();
            !is_part(before) && !is_part(text.as_bytes().get(at + key.len()).copied())
        })
    };
    keys(service).filter(|key| texts.iter().any(|text| names(text, key))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Form, Level, Setting};

    static LEVEL: Level = Level::new("P1").criterion("c").response("r").action("a");
    static SHOP: Service = Service::new("shop", &LEVEL)
        .env(EnvFile::new(&["/env"]).required(&["TOKEN"]).settings(&[Setting::new("POLL", Form::Count(1, 2))]));

    #[test]
    fn of_an_environment_only_the_keys_of_the_registry_are_kept() {
        let reading = environment("PATH=/bin\0TOKEN=x\0POLL=1=2\0OTHER=hunter2\0TOKEN_FILE=/x\0broken", &SHOP);
        assert_eq!(reading.keys(), ["TOKEN", "POLL", "TOKEN_FILE"]);
        assert_eq!(reading.get("POLL").and_then(|value| value.known()), Some("1=2"));
        assert!(environment("", &SHOP).keys().is_empty());
    }

    #[test]
    fn a_key_is_named_elsewhere_only_as_a_whole_word() {
        let of = |text: &str| named(&SHOP, &[text.to_owned()]).into_iter().collect::<Vec<_>>();
        for text in ["Environment=TOKEN=x", "environment:\n  TOKEN: x", "- TOKEN=${OTHER}", "x TOKEN"] {
            assert_eq!(of(text), ["TOKEN"], "{text}");
        }
        for text in ["Environment=MY_TOKEN=x", "TOKENS=1", "token: x", ""] {
            assert_eq!(of(text), Vec::<&str>::new(), "{text}");
        }
        assert_eq!(of("POLL=1 TOKEN=2"), ["POLL", "TOKEN"]);
    }

    #[test]
    fn what_the_engine_says_of_an_environment_is_read_or_left_alone() {
        assert_eq!(config_env(r#"{"Config":{"Env":["A=1","B"]}}"#), Some(vec!["A=1".to_owned(), "B".to_owned()]));
        for other in ["", "[]", r#"{"Config":{}}"#, r#"{"Config":{"Env":null}}"#] {
            assert_eq!(config_env(other), None, "{other}");
        }
    }
}
