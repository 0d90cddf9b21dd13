//! What should happen by itself, as files say it: crontabs and what they run, timers, and what starts units at boot. systemd is
//! asked only about what these leave open.

mod crontabs;

use std::collections::{BTreeMap, BTreeSet};

use super::host::looked;
use crate::host::files::Entry;
use crate::host::system::System;
use crate::host::tools::boot::{self, Wanted};
use crate::host::tools::command::Command;
use crate::host::tools::crontab;
use crate::host::tools::systemctl::{self, UnitState};
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, Door, ManagerEvidence, units_of};
use crate::registry::{Deployment, Job, Manager, Trigger};
pub use crontabs::{Cron, Crontab, Runnable};
use crontabs::{PERIODS, SYSTEM_TABS, USER_TABS, cron, runnable, tabs};

/// What was seen.
#[derive(Debug)]
pub struct Unattended {
    /// Every crontab, and every script that run-parts is given.
    pub tabs: Answer<Vec<Crontab>>,
    /// What crontabs run by an absolute path.
    pub programs: BTreeMap<String, Runnable>,
    /// Whether cron runs.
    pub cron: Result<Cron, Trouble>,
    /// Jobs that a unit or a script of the host starts.
    pub elsewhere: BTreeSet<&'static str>,
    /// Timers that should run, and why.
    pub timers: Vec<(String, Reliance)>,
    /// Those that are loaded; asked where any should run.
    pub loaded: Option<Answer<Vec<UnitState>>>,
    /// Units that run and that no link starts at boot, by what systemd knows of them.
    pub units: Option<Answer<Vec<Wanted>>>,
    /// Daemons of pm2 that run applications, and whether they come back.
    pub daemons: Vec<Daemon>,
}

/// Why a timer should run.
#[derive(Debug, Clone, Copy)]
pub enum Reliance {
    /// It is enabled.
    Enabled,
    /// It is not enabled, and this host relies on it; what goes wrong.
    Needed(&'static str),
    /// A job of the deployment.
    Job(&'static Job),
}

/// A daemon of pm2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// Its directory.
    pub home: &'static str,
    /// How many applications it runs.
    pub applications: usize,
    /// Whether a unit, a crontab or an init script names pm2.
    pub starts: bool,
    /// A unit that would, and that nothing starts at boot.
    pub unit: Option<String>,
    /// Whether there is a list of applications to bring back.
    pub is_saved: Option<bool>,
}

const UNITS: &str = "/etc/systemd/system";

/// What a list of no applications takes at most, bytes.
const EMPTY_LIST: u64 = 8;

/// What was seen so far, whatever runs.
#[derive(Debug)]
pub struct Standing {
    seen: Unattended,
    /// What a target or another unit starts.
    linked: BTreeSet<String>,
    /// Whether a unit, a crontab or an init script names pm2.
    starts_pm2: bool,
    /// The unit that would start pm2 and is not enabled.
    idle_pm2: Option<String>,
}

/// Asks all that does not depend on what runs.
pub(super) fn ask(door: Door<'_>, deployment: &'static Deployment) -> Standing {
    let system = door.system;
    let tabs = Answer { command: Command::new(["ls", "-la", SYSTEM_TABS, USER_TABS[0]]), result: tabs(system) };
    let known = tabs.result.as_deref().unwrap_or_default();
    let lines = known.iter().flat_map(|tab| &tab.tab.entries).filter(|entry| !entry.is_comment);
    let mut programs = BTreeMap::new();
    for entry in lines.clone() {
        let named = deployment.jobs.iter().filter_map(|job| match job.trigger {
            Trigger::Cron(words) => words.iter().find_map(|word| entry.path_of(word)),
            Trigger::Timer(_) => None,
        });
        for (path, must_run) in entry.program().into_iter().chain(named) {
            let found = runnable(system, path, must_run);
            let known = programs.entry(path.to_owned()).or_insert(found);
            *known = if *known == Runnable::Found { found } else { *known };
        }
    }
    let linked = linked(system);
    let texts = own_units(system);
    let timers = timers(system, deployment, known, &linked);
    let has_lines = lines.clone().next().is_some();
    let cron = if has_lines { cron(door) } else { Ok(Cron::Runs) };
    let loaded =
        (!timers.is_empty() && system.booted_with_systemd()).then(|| door.ask(&boot::timers(), systemctl::parse_list));
    let at_boot = |line: &crontab::Entry| line.schedule == "@reboot" && line.command.contains("pm2");
    let starts = |text: &str| text.lines().any(|line| line.starts_with("ExecStart") && line.contains("pm2"));
    let starts_pm2 = lines.clone().any(at_boot)
        || texts.iter().any(|(name, text)| linked.contains(name) && starts(text))
        || ["/etc/rc.local", "/etc/init.d/pm2-init.sh"]
            .iter()
            .any(|path| system.read(path).is_ok_and(|text| text.contains("pm2")));
    let idle_pm2 = texts.iter().find(|(name, text)| !linked.contains(name) && starts(text));
    let idle_pm2 = idle_pm2.map(|(name, _)| name.clone()).filter(|_| !starts_pm2);
    let elsewhere = elsewhere(system, deployment, &texts, &linked);
    let seen = Unattended { tabs, programs, cron, elsewhere, timers, loaded, units: None, daemons: Vec::new() };
    Standing { seen, linked, starts_pm2, idle_pm2 }
}

/// Adds what depends on what runs.
pub(super) fn add(
    door: Door<'_>,
    deployment: &'static Deployment,
    managers: &ManagerEvidence,
    standing: Standing,
) -> Unattended {
    let Standing { mut seen, linked, starts_pm2, idle_pm2 } = standing;
    let unlinked = unlinked(door.system, deployment, managers, &linked);
    let idle = seen.loaded.iter().flat_map(|answer| &answer.result).flat_map(|units| idle(&seen.timers, units));
    let asked: Vec<&str> = unlinked.iter().map(String::as_str).chain(idle).collect();
    seen.units = (!asked.is_empty()).then(|| door.ask(&boot::wanted(asked.iter().copied()), boot::parse));
    seen.daemons = daemons(door.system, managers, starts_pm2, idle_pm2.as_deref());
    seen
}

/// Timers that should run and do not.
pub fn idle<'t>(timers: &'t [(String, Reliance)], loaded: &[UnitState]) -> impl Iterator<Item = &'t str> {
    let runs = |name: &str| loaded.iter().any(|unit| unit.id == name && unit.active == "active");
    timers.iter().map(|(name, _)| name.as_str()).filter(move |name| !runs(name)).collect::<Vec<_>>().into_iter()
}

/// Names that a target or another unit starts: what is linked below `*.wants` and `*.requires` of the host's own units.
fn linked(system: &System) -> BTreeSet<String> {
    let directories = system.list(UNITS).unwrap_or_default();
    let wants = directories
        .iter()
        .filter_map(|entry| entry.name.to_str())
        .filter(|name| [".wants", ".requires", ".upholds"].iter().any(|end| name.ends_with(end)));
    let names = wants.flat_map(|name| system.list(format!("{UNITS}/{name}")).unwrap_or_default());
    names.filter_map(|entry| entry.name.into_string().ok()).collect()
}

/// Texts of the host's own units.
fn own_units(system: &System) -> Vec<(String, String)> {
    const MOST: usize = 200;
    let entries = system.list(UNITS).unwrap_or_default();
    let names = entries.iter().filter(|entry| entry.is_file()).filter_map(|entry| entry.name.to_str());
    let services = names.filter(|name| name.ends_with(".service")).take(MOST);
    services
        .filter_map(|name| Some((name.to_owned(), system.read_once(&format!("{UNITS}/{name}")).ok()?.to_string())))
        .collect()
}

/// Jobs that a script of run-parts names, or a unit; one that has a timer of its own only where that is enabled.
fn elsewhere(
    system: &System,
    deployment: &'static Deployment,
    units: &[(String, String)],
    linked: &BTreeSet<String>,
) -> BTreeSet<&'static str> {
    let crons = deployment.jobs.iter().filter_map(|job| match job.trigger {
        Trigger::Cron(words) => Some((job.name, words)),
        Trigger::Timer(_) => None,
    });
    let crons: Vec<_> = crons.collect();
    if crons.is_empty() {
        return BTreeSet::new();
    }
    let scripts = PERIODS.iter().flat_map(|directory| {
        let entries = system.list(directory).unwrap_or_default().into_iter().filter(Entry::is_file);
        entries
            .filter_map(|entry| system.read(format!("{directory}/{}", entry.name.to_str()?)).ok())
            .collect::<Vec<_>>()
    });
    let starts = |(name, _): &&(String, String)| {
        let timer = name.replace(".service", ".timer");
        linked.contains(name) || linked.contains(&timer) || !system.exists(format!("{UNITS}/{timer}"))
    };
    let texts: Vec<String> = scripts.chain(units.iter().filter(starts).map(|(_, text)| text.clone())).collect();
    let names = |words: &[&str]| texts.iter().any(|text| words.iter().any(|word| crontab::is_named(text, word)));
    crons.into_iter().filter(|(_, words)| names(words)).map(|(name, _)| name).collect()
}

fn is_timer(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, kind)| kind == "timer")
}

/// Timers that should run: those that are enabled, those of jobs, and those without which something here goes wrong.
fn timers(
    system: &System,
    deployment: &'static Deployment,
    tabs: &[Crontab],
    linked: &BTreeSet<String>,
) -> Vec<(String, Reliance)> {
    let mut found: Vec<(String, Reliance)> = Vec::new();
    for job in deployment.jobs {
        if let Trigger::Timer(unit) = job.trigger
            && (job.expected || linked.contains(unit))
        {
            found.push((unit.to_owned(), Reliance::Job(job)));
        }
    }
    let enabled = linked.iter().filter(|name| is_timer(name));
    for name in enabled {
        if found.iter().all(|(other, _)| other != name) {
            found.push((name.clone(), Reliance::Enabled));
        }
    }
    let has_unit = |name: &str| {
        ["/usr/lib/systemd/system", "/lib/systemd/system", UNITS]
            .iter()
            .any(|dir| system.symlink_metadata(format!("{dir}/{name}")).is_ok())
    };
    let any = |directory: &str, end: &str| {
        let names = system.list(directory).unwrap_or_default();
        names.iter().any(|entry| entry.name.to_str().is_some_and(|name| name.ends_with(end)))
    };
    let by_cron = |word: &str| {
        let lines = tabs.iter().flat_map(|tab| &tab.tab.entries);
        // What distributions put there stands back where systemd runs.
        lines
            .filter(|line| !line.is_comment && !line.command.contains("/run/systemd/system"))
            .any(|line| line.command.contains(word))
    };
    let renews = || any("/etc/letsencrypt/renewal", ".conf") && !by_cron("certbot");
    let upgrades = || {
        let settings = system.read("/etc/apt/apt.conf.d/20auto-upgrades").unwrap_or_default();
        let on =
            |line: &str| line.trim_start().starts_with("APT::Periodic::Unattended-Upgrade") && line.contains("\"1\"");
        settings.lines().any(on) && system.exists("/usr/bin/unattended-upgrade")
    };
    let rotates =
        || system.exists("/usr/sbin/logrotate") && system.exists("/etc/logrotate.conf") && !by_cron("logrotate");
    let needs: [(&str, &str, &dyn Fn() -> bool); 3] = [
        ("certbot.timer", "no certificate of Let's Encrypt is renewed: the first expires within 90 days", &renews),
        ("logrotate.timer", "logs are not rotated at midnight, and grow until the disk is full", &rotates),
        ("apt-daily-upgrade.timer", "security updates are not installed in the morning", &upgrades),
    ];
    let similar = |name: &str| linked.iter().any(|other| is_timer(other) && other.contains(name));
    for (name, otherwise, is_needed) in needs {
        let word = name.split(['.', '-']).next().unwrap_or(name);
        let covered = if word == "apt" { linked.contains(name) } else { similar(word) };
        if !covered && has_unit(name) && is_needed() && found.iter().all(|(other, _)| other != name) {
            found.push((name.to_owned(), Reliance::Needed(otherwise)));
        }
    }
    found
}

/// Units of services that run and that are not enabled, and the engine's where no service is its own.
fn unlinked(
    system: &System,
    deployment: &'static Deployment,
    managers: &ManagerEvidence,
    linked: &BTreeSet<String>,
) -> Vec<String> {
    let units = managers.units.iter().flat_map(|answer| &answer.result).map(Vec::as_slice).next().unwrap_or_default();
    let of = |service: &'static crate::registry::Service| {
        let wanted = service.managers.iter().filter_map(|manager| match manager {
            Manager::Systemd(wanted) => Some(wanted),
            Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
        });
        wanted
            .flat_map(|wanted| units_of(wanted, units))
            .filter(|unit| is_left_behind(unit) && !is_generated(system, &unit.id))
            .map(|unit| unit.id.clone())
            .collect::<Vec<_>>()
    };
    let mut found: Vec<String> = deployment.services.iter().flat_map(|service| of(service)).collect();
    let has_engine = ["/usr/lib/systemd/system", "/lib/systemd/system", UNITS]
        .iter()
        .any(|dir| system.exists(format!("{dir}/{ENGINE}")));
    let runs = managers.containers.iter().flat_map(|answer| &answer.result).any(|containers| !containers.is_empty());
    if runs && has_engine && !linked.contains(ENGINE) && system.booted_with_systemd() {
        found.push(ENGINE.to_owned());
    }
    found.sort();
    found.dedup();
    found
}

/// Whether a generator makes the link that starts a unit, as it does anew at each boot (systemd.generator(7)).
fn is_generated(system: &System, unit: &str) -> bool {
    ["/run/systemd/generator", "/run/systemd/generator.early", "/run/systemd/generator.late"].iter().any(|dir| {
        let names = system.names(dir).unwrap_or_default();
        let mut links = names.iter().filter_map(|name| name.to_str());
        links.any(|links| system.symlink_metadata(format!("{dir}/{links}/{unit}")).is_ok())
    })
}

/// The unit of the engine. A socket starts it as well, but not before somebody asks it, so that no container comes back.
pub const ENGINE: &str = "docker.service";

/// Whether a unit runs that is enabled nowhere, or only until the next boot.
pub fn is_left_behind(unit: &UnitState) -> bool {
    let states = ["disabled", "enabled-runtime", "linked", "linked-runtime"];
    !unit.brief
        && unit.active == "active"
        && (unit.triggered_by.is_empty() || unit.id == ENGINE)
        && states.contains(&unit.file_state.as_str())
}

fn daemons(system: &System, managers: &ManagerEvidence, starts: bool, unit: Option<&str>) -> Vec<Daemon> {
    let one = |(home, answer): (&&'static str, &Answer<Option<crate::observe::probe::PmDaemon>>)| {
        let daemon = answer.result.as_ref().ok()?.as_ref()?;
        let dump = looked(system.metadata(format!("{home}/dump.pm2")));
        let is_saved = dump.ok().map(|dump| dump.is_some_and(|meta| meta.len() > EMPTY_LIST));
        Some(Daemon { home, applications: daemon.processes.len(), starts, unit: unit.map(str::to_owned), is_saved })
    };
    managers.apps.iter().filter_map(one).filter(|daemon| daemon.applications > 0).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::registry::DEPLOYMENTS;

    #[test]
    fn a_timer_that_opsctl_wrote_is_the_job_only_while_it_is_enabled() {
        let root = std::env::temp_dir().join(format!("opsctl-jobs-{}", std::process::id()));
        let units = root.join("etc/systemd/system");
        fs::create_dir_all(units.join("timers.target.wants")).unwrap();
        let prim = DEPLOYMENTS.iter().find(|deployment| deployment.name == "prim").unwrap();
        let system = System { root: root.clone(), ..System::real() };
        let jobs = || elsewhere(&system, prim, &own_units(&system), &linked(&system)).into_iter().collect::<Vec<_>>();
        let write = |name: &str, text: &str| fs::write(units.join(name), text).unwrap();
        write("opsctl-drill-prim.service", "# Written by opsctl backup drill -d prim --install\n");
        assert_eq!(jobs(), [""; 0]);
        write("opsctl-check-prim.service", "# Written by opsctl check -d prim --install\n");
        write("opsctl-check-prim.timer", "");
        assert_eq!(jobs(), [""; 0]);
        write("timers.target.wants/opsctl-check-prim.timer", "");
        write("opsctl-backup-prim.service", "# Written by opsctl backup -d prim --install\n");
        assert_eq!(jobs(), ["backup", "health check"]);
        fs::remove_dir_all(&root).unwrap();
    }
}
