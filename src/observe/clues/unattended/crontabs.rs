//! Crontabs, scripts that run-parts is given, what they run, and the daemon that reads them.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

use crate::host::files::Entry;
use crate::host::system::System;
use crate::host::tools::boot;
use crate::host::tools::crontab::{self, Kind, Tab};
use crate::host::trouble::Trouble;
use crate::observe::clues::host::looked;
use crate::observe::probe::Door;

/// A file that cron or run-parts is given.
#[derive(Debug, Clone)]
pub struct Crontab {
    /// Where it lies.
    pub path: String,
    /// What is in it; nothing of a script.
    pub tab: Tab,
    /// Why cron passes over all of it.
    pub flaw: Option<String>,
}

/// What is found where a crontab names a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runnable {
    /// Something that can be run, or that could not be looked at.
    Found,
    /// Nothing.
    Missing,
    /// A file that nobody may execute.
    NotExecutable,
}

/// The daemon that runs crontabs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cron {
    /// It runs, or something of another kind reads crontabs here.
    Runs,
    /// It is installed and does not run; what systemd says of its unit.
    Stopped(String),
    /// There is no program of that kind.
    Missing,
}

const SYSTEM_TAB: &str = "/etc/crontab";
pub(super) const SYSTEM_TABS: &str = "/etc/cron.d";
pub(super) const USER_TABS: &[&str] = &["/var/spool/cron/crontabs", "/var/spool/cron"];
pub(super) const PERIODS: &[&str] = &["/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly"];

pub(super) fn tabs(system: &System) -> Result<Vec<Crontab>, Trouble> {
    let mut found = Vec::new();
    let is_debian = system.exists("/etc/debian_version");
    found.extend(tab(system, SYSTEM_TAB, Kind::System, is_debian)?);
    for entry in looked(system.list(SYSTEM_TABS))?.unwrap_or_default() {
        let Some(name) = entry.name.to_str().filter(|name| !name.starts_with('.') && !entry.is_dir()) else { continue };
        let Some(mut tab) = tab(system, &format!("{SYSTEM_TABS}/{name}"), Kind::System, is_debian)? else { continue };
        if is_debian && !crontab::is_name(name) {
            tab.flaw = Some("its name has other characters than letters, digits, - and _".to_owned());
        }
        found.push(tab);
    }
    for directory in USER_TABS {
        for entry in looked(system.list(directory))?.unwrap_or_default().iter().filter(|entry| entry.is_file()) {
            let Some(name) = entry.name.to_str().filter(|name| !name.starts_with("tmp.")) else { continue };
            let Some(mut tab) = tab(system, &format!("{directory}/{name}"), Kind::User, is_debian)? else { continue };
            let user = system.account(|account| account.name == name);
            let mode = entry.stat.st_mode & 0o7777;
            tab.flaw = match user {
                None => tab.flaw.or_else(|| nobody(system, name)),
                Some(user) if user.uid != entry.stat.st_uid => Some(format!("it does not belong to {name}")),
                Some(_) if is_debian && mode != 0o600 => Some(format!("its mode is {mode:o}, and must be 600")),
                Some(_) => tab.flaw,
            };
            found.push(tab);
        }
    }
    for directory in PERIODS {
        let scripts = looked(system.list(directory))?.unwrap_or_default();
        found.extend(scripts.iter().filter(|_| is_debian).filter_map(|entry| passed_over(directory, entry)));
    }
    Ok(found)
}

/// Users may be known elsewhere than in a file.
fn nobody(system: &System, name: &str) -> Option<String> {
    let switch = system.read("/etc/nsswitch.conf").unwrap_or_default();
    let line = switch.lines().find_map(|line| line.trim().strip_prefix("passwd:")).unwrap_or("files");
    let only_files = line.split_whitespace().all(|word| matches!(word, "files" | "systemd" | "compat"));
    (only_files && system.exists("/etc/passwd")).then(|| format!("there is no user {name}"))
}

fn tab(system: &System, path: &str, kind: Kind, is_debian: bool) -> Result<Option<Crontab>, Trouble> {
    let text = match system.read(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let tab = crontab::parse(&text, kind);
    let meta = looked(system.metadata(path))?;
    let runs = tab.entries.iter().any(|entry| !entry.is_comment);
    let no_such_user =
        tab.entries.iter().filter(|entry| !entry.is_comment).filter_map(|entry| entry.user.as_deref()).find_map(
            |user| {
                let user = user.split(':').next().unwrap_or(user);
                system.account(|account| account.name == user).is_none().then(|| nobody(system, user)).flatten()
            },
        );
    let flaw = match (kind, meta) {
        (Kind::System, Some(meta)) if meta.uid() != 0 => Some("it does not belong to root".to_owned()),
        (Kind::System, Some(meta)) if meta.mode() & 0o022 != 0 => {
            Some(format!("its mode is {:o}: others than root can write to it", meta.mode() & 0o7777))
        }
        _ if is_debian && tab.is_unended && (runs || tab.flaw.is_some()) => {
            Some("its last line has no newline".to_owned())
        }
        _ => tab.flaw.clone().or(no_such_user.filter(|_| kind == Kind::System)),
    };
    Ok(Some(Crontab { path: path.to_owned(), tab, flaw }))
}

/// A script that run-parts does not run for its name, although somebody made it executable.
fn passed_over(directory: &str, entry: &Entry) -> Option<Crontab> {
    let name = entry.name.to_str()?;
    let ends = [".sh", ".py", ".pl", ".rb", ".bash"].iter().any(|end| name.ends_with(end));
    let runs = entry.is_file() && entry.stat.st_mode & 0o111 != 0;
    (ends && runs && !crontab::is_name(name)).then(|| Crontab {
        path: format!("{directory}/{name}"),
        tab: Tab::default(),
        flaw: Some("run-parts runs no file with a dot in its name".to_owned()),
    })
}

pub(super) fn runnable(system: &System, path: &str, must_run: bool) -> Runnable {
    let absent = |error: &std::io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    match system.metadata(path) {
        Ok(meta) if must_run && meta.is_file() && meta.mode() & 0o111 == 0 => Runnable::NotExecutable,
        Err(error) if absent(&error) => Runnable::Missing,
        Ok(_) | Err(_) => Runnable::Found,
    }
}

/// Whether cron runs: its process, else what systemd says.
pub(super) fn cron(door: Door<'_>) -> Result<Cron, Trouble> {
    let system = door.system;
    // Those of systemd and of anacron read crontabs in their own ways.
    let others = ["/usr/lib/systemd/system/cron.target", "/lib/systemd/system/cron.target", "/usr/sbin/fcron"];
    if others.iter().any(|path| system.exists(path)) {
        return Ok(Cron::Runs);
    }
    let is_cron = |pid: u32| matches!(system.process_name(pid).as_deref(), Some("cron" | "crond"));
    let noted =
        ["/run/crond.pid", "/run/cron.pid"].iter().filter_map(|path| system.read(path).ok()?.trim().parse().ok());
    if noted.into_iter().any(is_cron) {
        return Ok(Cron::Runs);
    }
    let processes = system.processes();
    if processes.iter().any(|pid| is_cron(*pid) && system.parent_of(*pid) == Some(1)) {
        return Ok(Cron::Runs);
    }
    if !processes.contains(&1) {
        return Err(Trouble::NeedsRoot("to see whether cron runs"));
    }
    let programs = ["/usr/sbin/cron", "/usr/sbin/crond", "/usr/bin/crond", "/usr/bin/busybox", "/bin/busybox"];
    if !programs.iter().take(3).any(|path| system.exists(path)) {
        return Ok(Cron::Missing);
    }
    if !system.booted_with_systemd() {
        return Ok(Cron::Stopped("no process of it runs".to_owned()));
    }
    let units = door.ask(&boot::wanted(["cron.service", "crond.service", "cronie.service"]), boot::parse).result?;
    let Some(unit) = units.iter().find(|unit| unit.load != "not-found") else {
        return Ok(Cron::Stopped("no process of it runs".to_owned()));
    };
    match unit.active.as_str() {
        "active" | "activating" | "reloading" => Ok(Cron::Runs),
        state => Ok(Cron::Stopped(format!("{} is {state} and {}", unit.id, unit.file_state))),
    }
}
