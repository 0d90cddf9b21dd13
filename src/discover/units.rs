//! Units of systemd that somebody meant to run here: those of the administrator, and packaged ones that serve. All is read from unit
//! files, the links by which units are enabled, and the links that systemd keeps of those that run.

mod noise;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

pub(super) use self::noise::is_known_server;
use self::noise::is_noise;
use super::names::{is_plain_path, is_unit_name, stated};
use super::paths;
use crate::host::system::System;
use crate::host::tools::LOOPBACK;
use crate::host::tools::timer_file;
use crate::host::tools::unit_file::{self, Setting};
use crate::host::trouble::Trouble;
use crate::observe::probe::unit_paths::{RUNNING, SEARCH_PATH, running_unit, template};
use crate::registry::LOCALHOST;

/// Directories of the administrator's own units.
const OWN: [&str; 3] = ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system"];
/// Directories in which links enable units.
const ENABLING: [&str; 2] = ["/etc/systemd/system", "/run/systemd/system"];
/// Where units are that a generator makes of other files.
const GENERATED: &str = "/run/systemd/generator";

/// What unit files state.
#[derive(Debug, Default)]
pub struct Units {
    /// Services that may be meant, by name.
    pub services: BTreeMap<String, Unit>,
    /// How many other services run, which are the distribution's own.
    pub left_out: usize,
    /// Names of services that `localhost` states and whose units are on this host, whether they run or not.
    pub installed: BTreeSet<&'static str>,
    /// Why there may be more.
    pub trouble: Option<Trouble>,
}

/// What an administrator wrote of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Own {
    /// Its file.
    File,
    /// A drop-in of a packaged one, at this path.
    DropIn(String),
}

/// A service of systemd.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Path of its file.
    pub file: String,
    /// What an administrator wrote of it.
    pub own: Option<Own>,
    /// It is started at boot.
    pub enabled: bool,
    /// It runs, or has run and stays active.
    pub running: bool,
    /// The timer, socket or path unit that starts it.
    pub trigger: Option<String>,
    /// Where that socket listens.
    pub sockets: Vec<SocketAddr>,
    /// `[Unit]` and `[Service]`, drop-ins last.
    pub settings: Vec<Setting>,
    /// Whether it has an `[Install]` section that says anything.
    pub installable: bool,
    /// Its env files, but for those that need not be there and are not.
    pub env: Vec<String>,
    /// Other names that links in the search path give it.
    pub aliases: Vec<String>,
    /// Ports of this host that its environment names.
    pub named_ports: BTreeSet<u16>,
    /// Paths at which that socket listens.
    pub paths: Vec<String>,
    /// Paths at which somebody listens, and which its environment names.
    pub named_paths: BTreeSet<String>,
}

impl Unit {
    /// It is a socket that starts an instance of its service for each connection, and stands for all of them.
    pub fn accepts(&self) -> bool {
        is_kind(&self.file, "socket")
    }

    /// A connection starts it.
    pub fn is_on_demand(&self) -> bool {
        self.accepts() || self.trigger.as_ref().is_some_and(|trigger| is_kind(trigger, "socket"))
    }

    /// It runs, is started at boot, or waits for what starts it.
    fn lives(&self) -> bool {
        self.enabled || self.running || self.trigger.is_some()
    }

    /// It ends by itself, and a timer starts it again and again.
    pub fn is_timed_job(&self) -> bool {
        self.is_job() && self.trigger.as_ref().is_some_and(|trigger| is_kind(trigger, "timer"))
    }

    /// The setting of a key that counts.
    pub fn setting(&self, key: &str) -> Option<&str> {
        unit_file::last(&self.settings, key).map(|setting| setting.value.as_str())
    }

    /// Names in all settings of a key that is a list of names.
    pub fn names(&self, key: &str) -> Vec<String> {
        unit_file::list(&self.settings, key).iter().flat_map(|setting| unit_file::words(&setting.value)).collect()
    }

    /// It runs once and ends, and nothing says that it stays active after that.
    pub fn is_job(&self) -> bool {
        self.setting("Type") == Some("oneshot") && !self.setting("RemainAfterExit").is_some_and(unit_file::is_yes)
    }
}

/// What is in the directories of systemd.
struct Files {
    /// The first file of each unit in the search path.
    first: BTreeMap<String, String>,
    /// Drop-ins of each unit, in their order.
    drop_ins: BTreeMap<String, Vec<String>>,
    /// Names that only mean another unit, and which.
    aliases: BTreeMap<String, String>,
    masked: BTreeSet<String>,
    enabled: BTreeSet<String>,
    /// Units that a generator has enabled.
    generated: BTreeSet<String>,
    running: BTreeSet<String>,
    trouble: Option<Trouble>,
}

fn list(system: &System) -> Files {
    let mut files = Files {
        first: BTreeMap::new(),
        drop_ins: BTreeMap::new(),
        aliases: BTreeMap::new(),
        masked: BTreeSet::new(),
        enabled: BTreeSet::new(),
        generated: BTreeSet::new(),
        running: BTreeSet::new(),
        trouble: None,
    };
    for dir in SEARCH_PATH {
        let entries = system.list(dir).unwrap_or_else(|error| {
            if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
                files.trouble = Some(Trouble::from_io(&error));
            }
            Vec::new()
        });
        for entry in entries {
            let Some(name) = entry.name.to_str() else { continue };
            let path = format!("{dir}/{name}");
            if entry.is_dir() {
                if let Some(unit) = name.strip_suffix(".d") {
                    let parts = system.names(&path).unwrap_or_default();
                    let parts = parts.into_iter().filter_map(|part| part.into_string().ok());
                    let mut parts: Vec<String> = parts.filter(|part| is_kind(part, "conf")).collect();
                    parts.sort();
                    let parts = parts.into_iter().map(|part| format!("{path}/{part}"));
                    files.drop_ins.entry(unit.to_owned()).or_default().extend(parts);
                } else if (ENABLING.contains(&dir) || dir == GENERATED)
                    && [".wants", ".requires", ".upholds"].iter().any(|it| name.ends_with(it))
                {
                    let names = system.names(&path).unwrap_or_default();
                    let enabled = if dir == GENERATED { &mut files.generated } else { &mut files.enabled };
                    enabled.extend(names.into_iter().filter_map(|name| name.into_string().ok()));
                }
                continue;
            }
            if !is_unit(name) || files.first.contains_key(name) || files.masked.contains(name) {
                continue;
            }
            if !entry.is_file() {
                let Ok(target) = system.link_target(&path) else { continue };
                if target.as_os_str() == "/dev/null" {
                    files.masked.insert(name.to_owned());
                    continue;
                }
                // A link to a unit of the search path is an alias, if it has another name; one to elsewhere brings the unit in.
                let is_known = target.parent().is_none_or(|parent| {
                    parent.as_os_str().is_empty() || SEARCH_PATH.iter().any(|known| parent == Path::new(known))
                });
                let file = target.file_name().filter(|file| is_known && *file != name);
                if let Some(file) = file {
                    files.aliases.insert(name.to_owned(), file.to_string_lossy().into_owned());
                    continue;
                }
            }
            files.first.insert(name.to_owned(), path);
        }
    }
    let links = system.names(RUNNING).unwrap_or_default();
    let name = |link: std::ffi::OsString| running_unit(&link).map(str::to_owned);
    files.running.extend(links.into_iter().filter_map(name));
    files
}

fn is_unit(name: &str) -> bool {
    ["service", "timer", "socket", "path"].iter().any(|kind| is_kind(name, kind))
}

/// Whether a name ends with this type.
fn is_kind(name: &str, kind: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, its)| its == kind)
}

/// The part of a name before its type.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Reads them.
pub(super) fn read(system: &System, listening: &BTreeMap<u64, String>) -> Units {
    if !system.booted_with_systemd() {
        return Units::default();
    }
    let files = list(system);
    let triggers = triggers(system, &files);
    let mut listening: BTreeSet<&str> = listening.values().map(String::as_str).collect();
    listening.extend(triggers.values().flat_map(|trigger| &trigger.paths).map(String::as_str));
    let mut names: BTreeSet<&str> = files.first.keys().map(String::as_str).collect();
    names.extend(files.enabled.iter().chain(&files.running).map(String::as_str));
    let mut found = Units { installed: installed(&files), trouble: files.trouble.clone(), ..Units::default() };
    for name in names {
        // A template is not a unit, an alias another name of one, and an instance that a socket has started one connection.
        // Whoever asks runs in it.
        let is_ours = |path: &String| system.read_once(path).is_ok_and(|text| timer_file::is_ours(&text));
        let runs_this_program = || name.starts_with("opsctl-") && files.first.get(name).is_some_and(is_ours);
        let is_connection = || template(name).and_then(|it| triggers.get(&it)).is_some_and(|trigger| trigger.accepts);
        if !name.ends_with(".service")
            || name.contains("@.")
            || files.aliases.contains_key(name)
            || files.masked.contains(name)
            || is_connection()
            || runs_this_program()
        {
            continue;
        }
        let Some(unit) = unit(system, &files, &triggers, &listening, name) else { continue };
        if is_meant(name, &unit) {
            found.services.insert(name.to_owned(), unit);
        } else {
            found.left_out += usize::from(unit.running);
        }
    }
    for trigger in triggers.values().filter(|trigger| trigger.accepts) {
        let own = unit(system, &files, &triggers, &listening, &trigger.name).filter(|unit| unit.own.is_some());
        let Some(own) = own else { continue };
        let (sockets, paths) = (trigger.sockets.clone(), trigger.paths.clone());
        found.services.insert(trigger.name.clone(), Unit { sockets, paths, ..own });
    }
    found
}

/// Which of the services that `localhost` states have a unit here; all of them where that is not known.
fn installed(files: &Files) -> BTreeSet<&'static str> {
    if files.trouble.is_some() {
        return LOCALHOST.services.iter().map(|service| service.name).collect();
    }
    let units =
        files.first.keys().chain(files.aliases.keys()).chain(&files.masked).chain(&files.enabled).chain(&files.running);
    units.filter_map(|unit| stated(unit)).map(|service| service.name).collect()
}

/// Whether this is a file in a directory of the administrator.
fn is_own(path: &str) -> bool {
    OWN.iter().any(|dir| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')))
}

fn unit(system: &System, files: &Files, triggers: &Triggers, listening: &BTreeSet<&str>, name: &str) -> Option<Unit> {
    let template = template(name);
    let file = files.first.get(name).or_else(|| files.first.get(template.as_deref()?))?.clone();
    let of_template = template.iter().filter_map(|template| files.drop_ins.get(template));
    let drop_ins: Vec<&String> = of_template.chain(files.drop_ins.get(name)).flatten().collect();
    let drop_in = || drop_ins.iter().find(|path| is_own(path)).map(|path| Own::DropIn((*path).clone()));
    let quadlet = quadlet(system, &file);
    let own = if is_own(&file) || quadlet.is_some() { Some(Own::File) } else { drop_in() };
    let enabled = files.enabled.contains(name) || (quadlet.is_some() && files.generated.contains(name));
    let running = files.running.contains(name);
    // Of those that serve nobody here nothing is read.
    if own.is_none() && !enabled && !running {
        return None;
    }
    let mut unit = Unit { file: quadlet.unwrap_or_else(|| file.clone()), own, enabled, running, ..Unit::default() };
    if unit.own != Some(Own::File) && is_noise(name) {
        return Some(unit);
    }
    if let Some(trigger) = triggers.get(name) {
        unit.trigger = Some(trigger.name.clone());
        unit.sockets.clone_from(&trigger.sockets);
        unit.paths.clone_from(&trigger.paths);
    }
    for path in std::iter::once(&file).chain(drop_ins) {
        let Ok(text) = system.read_once(path) else { continue };
        unit.settings.extend(unit_file::section(path, &text, "[Unit]"));
        unit.settings.extend(unit_file::settings(path, &text));
        unit.installable |= !unit_file::section(path, &text, "[Install]").is_empty();
    }
    unit.aliases = aliases(files, name);
    unit.env = env_files(system, &unit.settings);
    let own = unit_file::list(&unit.settings, "Environment").into_iter().map(|it| it.value.clone());
    // What a file holds is not kept, only the ports and sockets that it names.
    for text in own.chain(unit.env.iter().filter_map(|path| system.read(path).ok())) {
        unit.named_ports.extend(local_ports(&text));
        unit.named_paths.extend(paths::named(&text, listening));
    }
    Some(unit)
}

/// The administrator's file of which podman's generator has made this unit (podman-systemd.unit(5)), where that runs containers.
fn quadlet(system: &System, file: &str) -> Option<String> {
    let below = file.strip_prefix(GENERATED)?;
    let text = system.read_once(file).ok().filter(|_| below.starts_with('/'))?;
    let settings = unit_file::section(file, &text, "[Unit]");
    let source = &unit_file::last(&settings, "SourcePath")?.value;
    let runs = [".container", ".kube", ".pod"].iter().any(|kind| source.ends_with(kind));
    (runs && source.starts_with("/etc/containers/systemd/") && is_plain_path(source)).then(|| source.clone())
}

/// The names that lead to this one, over others or not.
fn aliases(files: &Files, name: &str) -> Vec<String> {
    const MOST: usize = 16;
    let leads =
        |alias: &str| std::iter::successors(files.aliases.get(alias), |next| files.aliases.get(*next)).take(MOST);
    let all = files.aliases.keys().filter(|alias| is_unit_name(alias) && leads(alias).any(|target| target == name));
    all.take(MOST).cloned().collect()
}

/// The env files that a unit names plainly.
fn env_files(system: &System, settings: &[Setting]) -> Vec<String> {
    let named = unit_file::list(settings, "EnvironmentFile");
    // Those of packages hold flags, and no secrets.
    let plain = |path: &str| {
        path.starts_with('/')
            && !path.starts_with("/etc/default/")
            && !path.contains(['%', '*', '?', '[', '"', '\'', '\\'])
    };
    let is_there = |value: &str| value.strip_prefix('-').is_none_or(|path| !system.is_missing(path));
    let paths = named.iter().filter(|it| is_there(&it.value)).map(|it| it.value.trim_start_matches('-'));
    paths.filter(|path| plain(path)).map(str::to_owned).collect()
}

/// Ports of this host in the addresses that an environment names: `DATABASE_URL=postgres://shop@localhost:5432/shop`.
pub(super) fn local_ports(text: &str) -> BTreeSet<u16> {
    let mut found = BTreeSet::new();
    for word in text.split(|c: char| c.is_whitespace() || "\"',".contains(c)) {
        // Where others find this service is no need of it.
        let key = word.split_once('=').map_or("", |(key, _)| key);
        if is_own_address(key) {
            continue;
        }
        for name in LOOPBACK {
            for (at, _) in word.match_indices(name) {
                // A part of a longer name is another host.
                let is_whole =
                    word[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && !"-._".contains(c));
                let rest = &word[at + name.len()..];
                let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                if is_whole && let Ok(port) = rest[..digits].parse() {
                    found.insert(port);
                }
            }
        }
    }
    found
}

/// Whether a variable holds the address at which others reach the service itself.
fn is_own_address(key: &str) -> bool {
    const WORDS: [&str; 10] =
        ["CORS", "ORIGIN", "ORIGINS", "PUBLIC", "ALLOWED", "CALLBACK", "REDIRECT", "FRONTEND", "SITE", "NEXTAUTH"];
    matches!(key, "BASE_URL" | "APP_URL") || key.split('_').any(|word| WORDS.contains(&word))
}

/// A unit that starts another, and where it listens, if it is a socket.
struct Trigger {
    name: String,
    sockets: Vec<SocketAddr>,
    paths: Vec<String>,
    /// It starts an instance for each connection.
    accepts: bool,
}

/// Units that start others, by the started one.
type Triggers = BTreeMap<String, Trigger>;

/// Where a `ListenStream=` listens over TCP: `7031` is at all addresses.
fn stream(value: &str) -> Option<SocketAddr> {
    let everywhere = || Some(SocketAddr::from(([0, 0, 0, 0], value.parse().ok()?)));
    value.parse().ok().or_else(everywhere).filter(|address| address.port() != 0)
}

/// Timers, sockets and paths that wait, or are meant to.
fn triggers(system: &System, files: &Files) -> Triggers {
    let mut found = Triggers::new();
    let waits = files.enabled.iter().chain(&files.running).map(String::as_str).collect::<BTreeSet<_>>();
    for name in waits {
        let Some((stem, kind)) = name.rsplit_once('.') else { continue };
        let (section, key) = match kind {
            "timer" => ("[Timer]", "Unit"),
            "socket" => ("[Socket]", "Service"),
            "path" => ("[Path]", "Unit"),
            _ => continue,
        };
        let template = template(name);
        let Some(path) = files.first.get(name).or_else(|| files.first.get(template.as_deref()?)) else { continue };
        if is_noise(name) && !is_own(path) {
            continue;
        }
        let mut settings = Vec::new();
        let drop_ins =
            template.iter().filter_map(|template| files.drop_ins.get(template)).chain(files.drop_ins.get(name));
        for path in std::iter::once(path).chain(drop_ins.flatten()) {
            settings.extend(
                system.read_once(path).map(|text| unit_file::section(path, &text, section)).unwrap_or_default(),
            );
        }
        let accepts =
            kind == "socket" && unit_file::last(&settings, "Accept").is_some_and(|it| unit_file::is_yes(&it.value));
        let usual = || if accepts { format!("{stem}@.service") } else { format!("{stem}.service") };
        let started = unit_file::last(&settings, key).map_or_else(usual, |it| it.value.clone());
        let streams = unit_file::list(&settings, "ListenStream");
        let sockets = streams.iter().filter_map(|it| stream(&it.value)).collect();
        let paths = streams.iter().filter_map(|it| paths::plain(&it.value)).collect();
        found.insert(started, Trigger { name: name.to_owned(), sockets, paths, accepts });
    }
    found
}

/// Whether somebody meant this unit to run here.
fn is_meant(name: &str, unit: &Unit) -> bool {
    // What ends by itself is a service only where something starts it again and again.
    if unit.is_job() && !unit.is_timed_job() {
        return false;
    }
    if unit.own == Some(Own::File) {
        // Without `[Install]` it is started by another, or by hand.
        return unit.lives() || unit.installable;
    }
    // Whether a packaged one serves is known by where it listens.
    !is_noise(name) && !unit.is_job() && unit.lives()
}

#[cfg(test)]
mod tests;
