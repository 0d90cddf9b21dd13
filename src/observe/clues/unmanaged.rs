//! Units of the administrator that no service of the registry is, and how many files processes have open. Times of files say which
//! units there is something to be asked of; only of those systemd is asked, all in one call.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;

use jiff::{SignedDuration, Timestamp};

use super::drift::environment::of_unit;
use super::drift::units::{UnitFiles, read as read_files};
use super::drift::{Older, is_later};
use crate::host::system::System;
use crate::host::tools::cgroup::{self, Home};
use crate::host::tools::command::Command;
use crate::host::tools::systemctl::{self, UnitState};
use crate::host::tools::{procfs, unit_file};
use crate::host::trouble::Trouble;
use crate::observe::probe::unit_paths::{RUNNING, running_unit, template};
use crate::observe::probe::{Answer, Door, ManagerEvidence, UnitPaths};
use crate::registry::{Deployment, Manager};

/// Where an administrator's units are.
const OWN: &str = "/etc/systemd/system";
/// Kinds of units that are looked at.
const KINDS: [&str; 5] = [".service", ".timer", ".socket", ".path", ".mount"];
/// How many units systemd is asked of at most.
const MOST: usize = 24;
/// A unit that does not run and whose file is older was seen by whoever wrote it.
const LATELY: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Programs put tighter bounds on children that shall open nothing.
const FEWEST: u64 = 32;

/// What was seen of them.
#[derive(Debug, Default)]
pub struct Unmanaged {
    /// Those that their files call for; `None`: none, or no systemd.
    pub units: Option<Answer<Vec<UnitState>>>,
    /// Of these the processes against the env files.
    pub environments: BTreeMap<String, Answer<Option<Older>>>,
    /// Files of units that are being started.
    pub starting: BTreeMap<String, Answer<UnitFiles>>,
    /// Processes that have nearly as many files open as they may.
    pub open_files: Option<Answer<Vec<OpenFiles>>>,
}

/// A process with many open files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFiles {
    /// Which process.
    pub pid: u32,
    /// Its short name.
    pub process: String,
    /// What it belongs to.
    pub home: Home,
    /// How many it has.
    pub open: u64,
    /// How many it may have.
    pub most: u64,
}

/// Looks at them.
pub(super) fn look(door: Door<'_>, deployment: &'static Deployment, managers: &ManagerEvidence) -> Unmanaged {
    let system = door.system;
    let mut found = Unmanaged { open_files: Some(open_files(system)), ..Unmanaged::default() };
    if !system.booted_with_systemd() {
        return found;
    }
    for unit in managers.all_units().filter(|unit| unit.is_being_started()) {
        found
            .starting
            .entry(unit.id.clone())
            .or_insert_with(|| read_files(system, unit, |path| super::environment(system, path)));
    }
    let known = known(deployment, managers);
    let names: Vec<String> = candidates(system).into_iter().filter(|name| !known.contains(name)).take(MOST).collect();
    if names.is_empty() {
        return found;
    }
    let argv = systemctl::show(names.iter().map(String::as_str), false);
    let answer = door.ask(&argv, systemctl::parse_show);
    for unit in answer.result.iter().flatten().filter(|unit| unit.active == "active" && unit.main_pid.is_some()) {
        let own = of_unit(system, unit, |path| super::environment(system, path), |_| true);
        found.environments.insert(unit.id.clone(), own);
    }
    found.units = Some(answer);
    found
}

/// Names of units that services are judged by, and of those that have failed, of which all is known.
fn known(deployment: &Deployment, managers: &ManagerEvidence) -> BTreeSet<String> {
    let units = managers.units.iter().filter_map(|answer| answer.result.as_ref().ok()).flatten();
    let mut all: BTreeSet<String> = units.flat_map(|unit| unit.names.iter().cloned()).collect();
    let of_services = deployment.services.iter().flat_map(|service| service.managers);
    for manager in of_services {
        if let Manager::Systemd(unit) = manager {
            all.extend(std::iter::once(&unit.name).chain(unit.aliases).map(|name| (*name).to_owned()));
        }
    }
    all
}

/// When a unit that runs was started, by its link.
fn runs(system: &System) -> BTreeMap<String, Timestamp> {
    let entries = system.list(RUNNING).unwrap_or_default();
    let one = |entry: &crate::host::files::Entry| {
        Some((running_unit(&entry.name)?.to_owned(), Timestamp::from_microsecond(entry.modified()).ok()?))
    };
    entries.iter().filter_map(one).collect()
}

/// A unit's own files, and when the last of them changed.
#[derive(Default)]
struct Own {
    files: Vec<String>,
    changed: Option<Timestamp>,
    /// It has a unit file here, and not only drop-ins.
    is_whole: bool,
}

fn own_units(system: &System) -> BTreeMap<String, Own> {
    let mut all: BTreeMap<String, Own> = BTreeMap::new();
    let is_unit = |name: &str| KINDS.iter().any(|kind| name.ends_with(kind));
    for entry in system.list(OWN).unwrap_or_default() {
        let Some(name) = entry.name.to_str() else { continue };
        let path = format!("{OWN}/{name}");
        if entry.is_file() && is_unit(name) {
            let own = all.entry(name.to_owned()).or_default();
            own.is_whole = true;
            own.changed = own.changed.max(changed(system, &path));
            own.files.insert(0, path);
        } else if let Some(unit) = name.strip_suffix(".d").filter(|unit| entry.is_dir() && is_unit(unit)) {
            let own = all.entry(unit.to_owned()).or_default();
            // A drop-in that was taken away changes the directory.
            own.changed = own.changed.max(changed(system, &path));
            let mut parts: Vec<String> =
                system.names(&path).unwrap_or_default().into_iter().filter_map(|n| n.into_string().ok()).collect();
            parts.retain(|part| part.strip_suffix(".conf").is_some());
            parts.sort();
            for part in parts.into_iter().map(|part| format!("{path}/{part}")) {
                own.changed = own.changed.max(changed(system, &part));
                own.files.push(part);
            }
        }
    }
    all
}

/// When a file changed last: its content, its owner or its place.
fn changed(system: &System, path: &str) -> Option<Timestamp> {
    let meta = system.symlink_metadata(path).ok()?;
    Timestamp::from_second(meta.mtime().max(meta.ctime())).ok()
}

/// Units of which files say that there may be something to be found.
fn candidates(system: &System) -> Vec<String> {
    let runs = runs(system);
    let own = own_units(system);
    let recent = system.now() - LATELY;
    let mut found: Vec<String> = Vec::new();
    for (name, unit) in &own {
        // systemd says of one that it cannot load nothing anywhere, not even among the failed ones.
        let is_new = unit.is_whole && !name.contains('@') && unit.changed.is_some_and(|changed| changed >= recent);
        let is_one = runs.get(name).map_or(is_new, |started| is_newer(system, unit, *started));
        found.extend(is_one.then(|| name.clone()));
    }
    // An instance has the file of its template.
    for (name, started) in runs.iter().filter(|(name, _)| !own.contains_key(*name)) {
        let template = template(name).and_then(|template| own.get(&template));
        found.extend(template.filter(|unit| is_newer(system, unit, *started)).map(|_| name.clone()));
    }
    // What runs on without its file.
    let paths = UnitPaths::read(system);
    let gone = |name: &&String| name.ends_with(".service") && !paths.has(name);
    found.extend(runs.keys().filter(|name| !own.contains_key(*name)).filter(gone).cloned());
    found
}

/// Whether a file of a unit, or an env file that it names, changed after its start.
fn is_newer(system: &System, unit: &Own, started: Timestamp) -> bool {
    let env_files = || env_files(system, &unit.files);
    let is_later = |path: &String| changed(system, path).is_some_and(|changed| is_later(changed, started));
    unit.changed.is_some_and(|changed| changed.as_second() >= started.as_second()) || env_files().iter().any(is_later)
}

/// Env files that unit files name plainly.
fn env_files(system: &System, files: &[String]) -> Vec<String> {
    let mut settings = Vec::new();
    for path in files {
        settings.extend(system.read_once(path).map(|text| unit_file::settings(path, &text)).unwrap_or_default());
    }
    let named = unit_file::list(&settings, "EnvironmentFile");
    let plain = |path: &&str| path.starts_with('/') && !path.contains(['%', '*', '?', '[']);
    named.iter().map(|setting| setting.value.trim_start_matches('-')).filter(plain).map(str::to_owned).collect()
}

fn open_files(system: &System) -> Answer<Vec<OpenFiles>> {
    let command = Command::new(["grep", "open files", "/proc/[0-9]*/limits"]);
    if !system.is_root() {
        return Answer { command, result: Err(Trouble::NeedsRoot("to see how many files processes have open")) };
    }
    // The table of descriptors is never shorter than what is open: where it is short, nothing has to be counted.
    let sizes: BTreeMap<u32, u64> = system
        .read_of(&system.processes(), "status")
        .into_iter()
        .filter_map(|(pid, text)| {
            Some((pid, text.lines().find_map(|line| line.strip_prefix("FDSize:"))?.trim().parse().ok()?))
        })
        .filter(|(_, size)| procfs::is_near(*size, FEWEST))
        .collect();
    let candidates: Vec<u32> = sizes.keys().copied().collect();
    let one = |(pid, limits): (u32, String)| {
        let most = procfs::open_files_limit(&limits).filter(|most| *most >= FEWEST)?;
        if !procfs::is_near(*sizes.get(&pid)?, most) {
            return None;
        }
        let open = system.names(format!("/proc/{pid}/fd")).ok()?.len() as u64;
        if !procfs::is_near(open, most) {
            return None;
        }
        let home = system.read(format!("/proc/{pid}/cgroup")).map_or(Home::None, |text| cgroup::home(&text));
        Some(OpenFiles { pid, process: system.process_name(pid).unwrap_or_default(), home, open, most })
    };
    Answer { command, result: Ok(system.read_of(&candidates, "limits").into_iter().filter_map(one).collect()) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// A host on which these units run since two hours, and `change` is made after that.
    fn candidates_of(running: &[&str], change: impl Fn(&Path)) -> Vec<String> {
        let root = std::env::temp_dir().join(format!("opsctl-unmanaged-{}-{:p}", std::process::id(), &change));
        let dirs = [root.join("etc/systemd/system"), root.join("run/systemd/units")];
        for dir in &dirs {
            fs::create_dir_all(dir).unwrap();
        }
        let unit = "[Service]\nEnvironmentFile=-/etc/lamp.env\nEnvironmentFile=/etc/%i.env\nExecStart=/bin/lamp\n";
        fs::write(dirs[0].join("lamp.service"), unit).unwrap();
        fs::write(dirs[0].join("lamp@.service"), unit).unwrap();
        for name in running {
            let link = fs::File::create(dirs[1].join(format!("invocation:{name}"))).unwrap();
            link.set_modified(std::time::SystemTime::now() + std::time::Duration::from_mins(1)).unwrap();
        }
        change(&root);
        let system = System { root: root.clone(), ..System::real() };
        let found = candidates(&system);
        fs::remove_dir_all(root).unwrap();
        found
    }

    /// Makes a file newer than all that runs.
    fn touch(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = fs::File::options().create(true).append(true).open(path).unwrap();
        file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_mins(2)).unwrap();
    }

    #[test]
    fn systemd_is_asked_only_of_units_whose_files_are_newer_than_their_start() {
        let lamp = &["lamp.service"][..];
        assert_eq!(candidates_of(lamp, |_| ()), Vec::<String>::new());
        for path in ["etc/systemd/system/lamp.service", "etc/systemd/system/lamp.service.d/a.conf", "etc/lamp.env"] {
            assert_eq!(candidates_of(lamp, |root| touch(root, path)), lamp, "{path}");
        }
        for path in ["etc/other.env", "etc/systemd/system/other.conf"] {
            assert_eq!(candidates_of(lamp, |root| touch(root, path)), Vec::<String>::new(), "{path}");
        }
        // One that does not run and is new may be one that systemd refuses.
        assert_eq!(candidates_of(&[], |_| ()), lamp);
        let instance = &["lamp@1.service", "lamp.service"][..];
        assert_eq!(candidates_of(instance, |root| touch(root, "etc/lamp.env")), ["lamp.service", "lamp@1.service"]);
        // What runs without a unit file.
        assert_eq!(candidates_of(&["lamp.service", "gone.service", "a.scope"], |_| ()), ["gone.service"]);
    }
}
