//! What diagnosis looks up by itself: files, env files, processes, listeners and the firewall.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

use jiff::Timestamp;

use super::{EnvFound, FileFound, Listening, Process};
use crate::host::files::Entry;
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::tools::login_file::{self, Login};
use crate::host::tools::systemctl::UnitState;
use crate::host::tools::ufw;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, Door, ManagerEvidence, settings, tcp_listeners, text, units_of};
use crate::registry::{EnvFile, EnvReader, Manager, Service};

/// How much of the end of a file is looked through.
const TAIL: u64 = 64 << 10;

/// What a look at a path came to: nothing there is an answer.
pub(super) fn looked<T>(result: std::io::Result<T>) -> Result<Option<T>, Trouble> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn ls(path: &str) -> Command {
    Command::new(["ls", "-ld", path])
}

pub(super) fn file(system: &System, path: &str) -> Answer<Option<FileFound>> {
    let found = looked(system.metadata(path)).map(|meta| {
        meta.map(|meta| {
            let owner = system.account(|account| account.uid == meta.uid()).map(|account| account.name);
            FileFound {
                mode: meta.mode() & 0o7777,
                owner: owner.unwrap_or_else(|| meta.uid().to_string()),
                uid: meta.uid(),
                gid: meta.gid(),
                size: meta.len(),
                changed: meta.modified().ok().and_then(|time| Timestamp::try_from(time).ok()),
                is_dir: meta.is_dir(),
            }
        })
    });
    Answer { command: ls(path), result: found }
}

pub(super) fn tail(system: &System, path: &str) -> Answer<Option<String>> {
    let end = system.tail(path, TAIL).map(|(bytes, _)| text(&bytes));
    Answer { command: Command::new(["tail", "-c", "65536", path]), result: looked(end) }
}

/// The login in a file; `None` for what is no file, or is empty.
pub(super) fn login(
    system: &System,
    (path, until, renewal): (&'static str, &'static str, &'static str),
) -> Answer<Option<Login>> {
    let look = || -> Result<Option<Login>, Trouble> {
        let meta = looked(system.metadata(path))?;
        if !meta.is_some_and(|meta| meta.is_file() && meta.len() > 0) {
            return Ok(None);
        }
        Ok(login_file::parse(&system.read_bytes(path, TAIL)?, until, renewal))
    };
    Answer { command: ls(path), result: look() }
}

pub(super) fn list(system: &System, dir: &str) -> Answer<Vec<(String, Timestamp)>> {
    let one = |entry: Entry| {
        let changed = Timestamp::from_microsecond(entry.modified()).ok()?;
        Some((entry.name.into_string().ok()?, changed))
    };
    let entries = looked(system.list(dir)).map(Option::unwrap_or_default);
    let result = entries.map(|entries| entries.into_iter().filter_map(one).collect());
    Answer { command: Command::new(["ls", "-la", dir]), result }
}

pub(super) fn env(system: &System, service: &'static Service, managers: &ManagerEvidence) -> Answer<EnvFound> {
    let registered: &[&str] = service.env.as_ref().map_or(&[], |env: &EnvFile| env.paths);
    let named: Vec<&str> = unit(service, managers)
        .filter(|unit| unit.result == "resources")
        .map(|unit| unit.environment_files.iter().map(String::as_str).collect())
        .unwrap_or_default();
    // Where systemd starts the process, its files are those that the unit names, in that order.
    let read_by_systemd: Vec<&str> = unit(service, managers)
        .filter(|_| service.env.is_some() && service.env_reader() == EnvReader::Systemd)
        .map(|unit| unit.environment_files.iter().map(String::as_str).filter(|path| path.starts_with('/')).collect())
        .unwrap_or_default();
    let command = Command::new(["ls", "-l"].into_iter().chain(registered.iter().chain(&named).copied()));
    let look = || -> Result<EnvFound, Trouble> {
        let mut found = EnvFound::default();
        for path in named.iter().filter(|path| path.starts_with('/')) {
            if looked(system.metadata(path))?.is_none() {
                found.missing.push((*path).to_owned());
            }
        }
        for path in read_by_systemd {
            let Some(reading) = looked(settings::of_service(system, service, path))? else { continue };
            // What a later file sets counts.
            let registers = registered.contains(&path);
            found.path = found.path.take().filter(|_| !registers).or_else(|| Some(path.to_owned()));
            found.places.push((path.to_owned(), reading.keys().into_iter().map(str::to_owned).collect()));
            found.settings = std::mem::take(&mut found.settings).with(reading);
        }
        if found.path.is_some() {
            return Ok(found);
        }
        for path in registered {
            let Some(reading) = looked(settings::of_service(system, service, path))? else { continue };
            found.path = Some((*path).to_owned());
            found.settings = reading;
            break;
        }
        Ok(found)
    };
    Answer { command, result: look() }
}

/// What systemd says of a service's unit, where it has one and said all of it.
pub fn unit<'e>(service: &Service, managers: &'e ManagerEvidence) -> Option<&'e UnitState> {
    let units = managers.units.as_ref()?.result.as_ref().ok()?;
    service.managers.iter().find_map(|manager| match manager {
        Manager::Systemd(wanted) => units_of(wanted, units).first().copied().filter(|unit| !unit.brief),
        Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
    })
}

/// Memory of a process alone, where its control group does not count.
pub(super) fn resident(system: &System, pid: u32) -> Option<u64> {
    let status = system.read(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
}

pub(super) fn listeners(system: &System) -> Answer<Vec<Listening>> {
    let look = || -> Result<Vec<Listening>, Trouble> {
        let found = tcp_listeners(system)?;
        let mut owners: BTreeMap<u64, (u32, String)> = BTreeMap::new();
        for pid in system.processes() {
            for inode in system.sockets_of(pid).unwrap_or_default() {
                if found.iter().any(|listener| listener.inode == inode) {
                    owners.entry(inode).or_insert_with(|| (pid, system.process_name(pid).unwrap_or_default()));
                }
            }
        }
        Ok(found.into_iter().map(|listener| (listener.port(), owners.get(&listener.inode).cloned())).collect())
    };
    Answer { command: Command::new(["ss", "-Hltnp"]), result: look() }
}

pub(super) fn processes(system: &System) -> Answer<Vec<Process>> {
    let found: Vec<Process> = system.command_lines();
    // Mounted with `hidepid`, /proc shows a user only what is his own.
    let is_hidden = !system.is_root() && found.iter().all(|(pid, _)| *pid != 1);
    let result = match found.is_empty() {
        _ if is_hidden => Err(Trouble::NeedsRoot("to see the processes of others")),
        true => Err(Trouble::Failed("/proc shows no processes".to_owned())),
        false => Ok(found),
    };
    Answer { command: Command::new(["ps", "-eo", "pid,args"]), result }
}

pub(super) fn firewall(door: Door<'_>) -> Answer<Option<Vec<u16>>> {
    let read = |path: &str| looked(door.system.read(path));
    let look = || -> Result<Option<Vec<u16>>, Trouble> {
        let closed = |defaults: String| ufw::is_closed(&defaults);
        match read("/etc/ufw/ufw.conf")?.is_some_and(|conf| ufw::is_enabled(&conf))
            && read("/etc/default/ufw")?.is_none_or(closed)
        {
            false => Ok(None),
            true => Ok(Some(ufw::allowed(&read("/etc/ufw/user.rules")?.unwrap_or_default()))),
        }
    };
    Answer { command: Command::new(["ufw", "status"]), result: look() }
}
