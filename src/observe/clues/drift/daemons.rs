//! Daemons that read their configuration at the start and when they are told to: whether its files were written since.
//!
//! Of nginx, Apache and PHP-FPM a reload makes new workers, so that the start of the newest says when. Of sshd and PostgreSQL
//! systemd says when it last reloaded them, and their log when somebody else did. Caddy is asked what it runs with, once its
//! file is newer than its process, and that is compared with what the file comes to.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::super::checkers::{booted, started};
use super::{Older, expand, is_later, raw, written};
use crate::host::exec::ProcessEnd;
use crate::host::system::System;
use crate::host::tools::caddy::sites::{self as caddy_sites, ADMIN, Target};
use crate::host::tools::command::Command;
use crate::host::tools::nginx::sites;
use crate::host::tools::systemctl::UnitState;
use crate::host::tools::{caddy, journalctl};
use crate::host::trouble::{Trouble, failure, of_file};
use crate::observe::logs::stamp::{self, Clock};
use crate::observe::probe::{Answer, Door, ManagerEvidence, members};
use crate::registry::{Deployment, Manager, Proxy, Service};

/// How many files of a configuration are read.
const FILES: usize = 400;
/// How far apart the start of a worker and the writing of a file in whole seconds are at least, if it has not read it.
const ONE_GO: SignedDuration = SignedDuration::from_secs(1);
/// How much of the end of a server log is looked through, bytes.
const TAIL: u64 = 256 << 10;

/// A daemon whose configuration is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Daemon {
    Nginx,
    Apache,
    Php,
    Caddy,
    Sshd,
    Postgres,
    /// MariaDB and MySQL read their files at the start alone.
    MariaDb,
    /// So does mongod.
    Mongo,
}

/// Which daemon a service is, by the name of its unit in the registry.
pub fn daemon(service: &Service) -> Option<Daemon> {
    service.managers.iter().find_map(|manager| match manager {
        Manager::Systemd(unit) => by_unit(unit.name),
        Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
    })
}

fn by_unit(name: &str) -> Option<Daemon> {
    match name {
        "nginx.service" => Some(Daemon::Nginx),
        "apache2.service" | "httpd.service" => Some(Daemon::Apache),
        "caddy.service" => Some(Daemon::Caddy),
        "ssh.service" | "sshd.service" => Some(Daemon::Sshd),
        "mariadb.service" | "mysql.service" => Some(Daemon::MariaDb),
        "mongod.service" | "mongodb.service" => Some(Daemon::Mongo),
        "postgresql.service" => Some(Daemon::Postgres),
        name if name.starts_with("postgresql@") => Some(Daemon::Postgres),
        name if name.starts_with("php") && name.contains("-fpm") => Some(Daemon::Php),
        _ => None,
    }
}

/// A file of a configuration.
pub struct ConfigFile {
    /// Where it is.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// When it was written last.
    pub written: Option<Timestamp>,
}

/// Whether the files of a daemon were written since it read them.
pub fn look(
    door: Door<'_>,
    deployment: &Deployment,
    service: &Service,
    managers: &ManagerEvidence,
) -> Answer<Option<Older>> {
    let unit = super::super::unit(service, managers).filter(|unit| unit.active == "active");
    let command = |files: &[&str]| Command::new(["ls", "-l"].into_iter().chain(files.iter().copied()));
    let (Some(kind), Some(unit)) = (daemon(service), unit) else {
        return Answer { command: command(&[]), result: Ok(None) };
    };
    let (Some(pid), Some(since)) = (unit.main_pid, unit.active_since) else {
        return Answer { command: command(&[]), result: Ok(None) };
    };
    let system = door.system;
    let result = match kind {
        Daemon::Nginx => nginx_files(system).map(|files| {
            let files = files.into_iter().filter_map(|file| Some((file.written?, file.path))).collect();
            by_workers(system, unit, pid, since, files)
        }),
        Daemon::Apache => Ok(by_workers(system, unit, pid, since, apache_files(system))),
        Daemon::Php => Ok(by_workers(system, unit, pid, since, php_files(system, &unit.id))),
        Daemon::Caddy => by_content(door, deployment, pid, since),
        Daemon::Sshd => {
            let files = dated(system, &["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*.conf"]);
            by_reload(unit, since, files, |written| told_by_journal(door, &unit.id, written))
        }
        Daemon::MariaDb => {
            let patterns = ["my.cnf", "mariadb.cnf", "conf.d/*.cnf", "mariadb.conf.d/*.cnf", "mysql.conf.d/*.cnf"];
            let patterns = patterns.map(|pattern| format!("/etc/mysql/{pattern}"));
            by_reload(unit, since, dated(system, &patterns.each_ref().map(String::as_str)), |_| Ok(false))
        }
        Daemon::Mongo => by_reload(unit, since, dated(system, &["/etc/mongod.conf"]), |_| Ok(false)),
        Daemon::Postgres => {
            let cluster = unit.id.strip_prefix("postgresql@").and_then(|id| id.strip_suffix(".service"));
            match cluster.and_then(|cluster| cluster.split_once('-')) {
                None => Ok(None),
                Some((version, name)) => {
                    let files = postgres_files(system, version, name);
                    let log = format!("/var/log/postgresql/postgresql-{version}-{name}.log");
                    by_reload(unit, since, files, |written| told_by_log(system, &log, written))
                }
            }
        }
    };
    let file = match &result {
        Ok(Some(older)) => older.file.clone(),
        Ok(None) | Err(_) => String::new(),
    };
    Answer { command: if file.is_empty() { command(&[]) } else { command(&[&file]) }, result }
}

/// Where nginx's files send the visitors of each site.
pub fn nginx_targets(system: &System) -> Result<Vec<Target>, Trouble> {
    let texts: Vec<String> = nginx_files(system)?.into_iter().map(|file| file.text).collect();
    let of_site = |site: sites::Site| {
        let sites::Site { mut hosts, upstreams, .. } = site;
        // A site for whatever name is asked for is this host's own as well.
        if hosts.is_empty() {
            hosts.push("localhost".to_owned());
        }
        let target = |host: &String, (path, addresses): &(String, Vec<String>)| Target {
            host: host.clone(),
            path: path.clone(),
            addresses: addresses.clone(),
        };
        hosts.iter().flat_map(|host| upstreams.iter().map(move |upstream| target(host, upstream))).collect::<Vec<_>>()
    };
    Ok(sites::sites(&texts).into_iter().flat_map(of_site).collect())
}

/// nginx's main file and all that it includes.
pub fn nginx_files(system: &System) -> Result<Vec<ConfigFile>, Trouble> {
    let denied = || Trouble::denied("to read nginx's configuration");
    with_included(system, "/etc/nginx/nginx.conf", "/etc/nginx", sites::includes, denied)
}

/// A main file and all that it names; what does not begin with `/` lies in `home`.
fn with_included<T: AsRef<str>>(
    system: &System,
    main: &str,
    home: &str,
    named: impl Fn(&str) -> Vec<T>,
    denied: impl Fn() -> Trouble,
) -> Result<Vec<ConfigFile>, Trouble> {
    let mut found: Vec<ConfigFile> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut open = vec![main.to_owned()];
    while let Some(path) = open.pop() {
        if found.len() >= FILES || !seen.insert(path.clone()) {
            continue;
        }
        let text = match system.read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Err(denied()),
            Err(error) => return Err(of_file(&path, &error)),
        };
        for pattern in named(&text) {
            let pattern = pattern.as_ref();
            let pattern = if pattern.starts_with('/') { pattern.to_owned() } else { format!("{home}/{pattern}") };
            open.extend(expand(system, &pattern));
        }
        let written = written(system, &path)?;
        found.push(ConfigFile { path, text, written });
    }
    Ok(found)
}

fn apache_files(system: &System) -> Vec<(Timestamp, String)> {
    let patterns = ["apache2.conf", "ports.conf", "sites-enabled/*.conf", "conf-enabled/*.conf", "mods-enabled/*"];
    let patterns: Vec<String> = patterns.iter().map(|pattern| format!("/etc/apache2/{pattern}")).collect();
    dated(system, &patterns.iter().map(String::as_str).collect::<Vec<_>>())
}

/// As Debian packages them: `php8.3-fpm.service` reads `/etc/php/8.3/fpm`.
fn php_files(system: &System, unit: &str) -> Vec<(Timestamp, String)> {
    let version = unit.trim_start_matches("php").split("-fpm").next().unwrap_or_default();
    let base = format!("/etc/php/{version}/fpm");
    let patterns =
        ["php.ini", "php-fpm.conf", "conf.d/*.ini", "pool.d/*.conf"].map(|pattern| format!("{base}/{pattern}"));
    dated(system, &patterns.each_ref().map(String::as_str))
}

fn postgres_files(system: &System, version: &str, name: &str) -> Vec<(Timestamp, String)> {
    let base = format!("/etc/postgresql/{version}/{name}");
    let patterns = ["postgresql.conf", "pg_hba.conf", "pg_ident.conf", "conf.d/*.conf"];
    let mut patterns: Vec<String> = patterns.iter().map(|pattern| format!("{base}/{pattern}")).collect();
    // Written by ALTER SYSTEM, which takes effect with the next reload.
    patterns.push(format!("/var/lib/postgresql/{version}/{name}/postgresql.auto.conf"));
    dated(system, &patterns.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The files that these patterns stand for, with when each was written. One that cannot be seen is left out: nothing is proven of it.
fn dated(system: &System, patterns: &[&str]) -> Vec<(Timestamp, String)> {
    let paths = patterns.iter().flat_map(|pattern| expand(system, pattern));
    paths.filter_map(|path| Some((written(system, &path).ok().flatten()?, path))).collect()
}

/// When its workers were started last is when it last read its files.
fn by_workers(
    system: &System,
    unit: &UnitState,
    pid: u32,
    began: Timestamp,
    files: Vec<(Timestamp, String)>,
) -> Option<Older> {
    let (written, file) = files.into_iter().max()?;
    if written < began {
        return None;
    }
    let boot = booted(system)?;
    let workers = members(system, &unit.control_group).into_iter().filter(|own| system.parent_of(*own) == Some(pid));
    let since = workers.filter_map(|worker| started(system, boot, worker)).max()?;
    // Who writes a file and reloads does so in one go.
    let is_later = written >= since.checked_add(ONE_GO).ok()?;
    let since = Timestamp::from_second(since.as_second()).ok()?;
    is_later.then(|| Older { file, written, since, differs: String::new() })
}

/// When systemd last changed its state is when it was last reloaded; `told` says whether somebody else did so since the file was
/// written.
fn by_reload(
    unit: &UnitState,
    began: Timestamp,
    files: Vec<(Timestamp, String)>,
    told: impl Fn(Timestamp) -> Result<bool, Trouble>,
) -> Result<Option<Older>, Trouble> {
    let since = unit.changed.map_or(began, |changed| changed.max(began));
    match files.into_iter().max().filter(|(written, _)| is_later(*written, since)) {
        Some((written, file)) if !told(written)? => Ok(Some(Older { file, written, since, differs: String::new() })),
        Some(_) | None => Ok(None),
    }
}

/// Whether sshd was told by a signal to read its files since then.
fn told_by_journal(door: Door<'_>, unit: &str, since: Timestamp) -> Result<bool, Trouble> {
    let answer = door.ask_with(&journalctl::hangups(unit, since), |output| match output.exit {
        // There are none: exit 1 of those versions that say so.
        ProcessEnd::Code(0 | 1) => Ok(output.stdout.windows(6).any(|bytes| bytes == b"SIGHUP")),
        _ => Err(failure(output)),
    });
    answer.result
}

/// The same of PostgreSQL, in the log of its cluster. A log that is not there, as where another is configured, tells nothing.
fn told_by_log(system: &System, log: &str, since: Timestamp) -> Result<bool, Trouble> {
    let (end, _) = system.tail(log, TAIL).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => Trouble::denied("to read the log of its cluster"),
        _ => of_file(log, &error),
    })?;
    let clock = Clock { zone: system.zone(), now: system.now() };
    let text = String::from_utf8_lossy(&end);
    let later = |line: &str| stamp::leading(line, &clock).is_some_and(|(time, _)| time >= since.as_microsecond());
    Ok(text.lines().any(|line| line.contains("SIGHUP") && later(line)))
}

/// The Caddyfile that Caddy was started with.
pub fn caddyfile(system: &System, deployment: &Deployment, pid: Option<u32>) -> String {
    let line = pid.and_then(|pid| system.read(format!("/proc/{pid}/cmdline")).ok()).unwrap_or_default();
    let words: Vec<&str> = line.split('\0').collect();
    let after =
        words.iter().position(|word| *word == "--config" || *word == "-config").and_then(|at| words.get(at + 1));
    let joined = words.iter().find_map(|word| word.strip_prefix("--config="));
    let registered = match &deployment.proxy {
        Some(Proxy::Caddy { config }) => *config,
        Some(Proxy::Nginx) | None => "/etc/caddy/Caddyfile",
    };
    after.copied().or(joined).filter(|path| path.starts_with('/')).unwrap_or(registered).to_owned()
}

/// A Caddyfile and what it imports.
pub fn caddy_files(system: &System, main: &str) -> Result<Vec<ConfigFile>, Trouble> {
    let home = Path::new(main).parent().and_then(Path::to_str).unwrap_or("/etc/caddy");
    with_included(system, main, home, caddy_sites::imports, || Trouble::denied("to read Caddy's configuration"))
}

/// What Caddy runs with, by its admin interface; `None` where that is closed.
pub fn caddy_runs(door: Door<'_>) -> Result<Option<String>, Trouble> {
    match raw::get(door, ADMIN, &format!("localhost:{ADMIN}"), "/config/")? {
        Some((200, body)) => Ok(Some(body)),
        Some(_) | None => Ok(None),
    }
}

fn by_content(door: Door<'_>, deployment: &Deployment, pid: u32, since: Timestamp) -> Result<Option<Older>, Trouble> {
    let main = caddyfile(door.system, deployment, Some(pid));
    // Another form than a Caddyfile is not compared.
    if Path::new(&main).extension().is_some_and(|extension| extension == "json") {
        return Ok(None);
    }
    let files = caddy_files(door.system, &main)?;
    let newest = files.iter().filter_map(|file| Some((file.written?, file.path.clone()))).max();
    let Some((written, file)) = newest.filter(|(written, _)| is_later(*written, since)) else { return Ok(None) };
    if files.iter().any(|file| caddy_sites::depends_on_environment(&file.text)) {
        return Err(Trouble::Unavailable(format!("{main} takes values from Caddy's own environment")));
    }
    let Some(runs) = caddy_runs(door)? else {
        return Err(Trouble::Unavailable(format!("Caddy's admin interface does not answer on :{ADMIN}")));
    };
    let older = |differs: &str| Some(Older { file, written, since, differs: differs.to_owned() });
    let argv = caddy::adapt(&main);
    let author = door.system.author(&main).map_err(|error| of_file(&main, &error))?;
    let answer = door.ask_with(&argv.by(author.as_ref()), |output| match output.exit {
        ProcessEnd::Code(0) => Ok(Some(crate::observe::probe::text(&output.stdout))),
        // What it does not take it cannot run with.
        ProcessEnd::Code(1) => Ok(None),
        _ => Err(failure(output)),
    });
    match answer.result? {
        None => Ok(older("Caddy rejects the file")),
        Some(adapted) => match caddy_sites::is_same(&runs, &adapted)? {
            true => Ok(None),
            false => Ok(older("the running configuration differs from the file")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daemons_are_known_by_their_units() {
        assert_eq!(by_unit("php8.3-fpm.service"), Some(Daemon::Php));
        assert_eq!(by_unit("postgresql@17-main.service"), Some(Daemon::Postgres));
        assert_eq!(by_unit("caddy-api.service"), None);
        assert_eq!(by_unit("prim-wallet.service"), None);
    }

    #[test]
    fn only_files_that_were_written_after_the_last_reload_count() {
        let at = |second: i64| Timestamp::from_second(second).unwrap_or_default();
        let unit = UnitState { changed: Some(at(1000)), ..UnitState::default() };
        let files = |second: i64| vec![(at(second), "/etc/x".to_owned()), (at(1), "/etc/y".to_owned())];
        let older = |second: i64, told: bool| by_reload(&unit, at(500), files(second), |_| Ok(told));
        assert_eq!(older(900, false), Ok(None));
        // Written right before the reload, whose time has whole seconds.
        assert_eq!(older(1002, false), Ok(None));
        assert_eq!(older(1003, true), Ok(None));
        assert_eq!(older(1003, false).map(|older| older.map(|older| older.file)), Ok(Some("/etc/x".to_owned())));
        let unknown = by_reload(&unit, at(500), files(1003), |_| Err(Trouble::Missing("journalctl")));
        assert!(unknown.is_err());
    }
}
