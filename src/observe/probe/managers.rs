//! What systemd, docker and pm2 say of the services they manage: each asked once for all of them.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::os::unix::fs::FileTypeExt;
use std::thread;

use super::{Answer, Door, Reply, UnitPaths, containers, restarts, unit_paths, units};
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::host::tools::command::Command;
use crate::host::tools::docker::{self, ContainerState, Listed};
use crate::host::tools::pm2::{self, Process};
use crate::host::tools::systemctl::UnitState;
use crate::host::trouble::Trouble;
use crate::registry::{App, Manager, Presence, Probe, Service};

/// What the managers said. A manager that no service has is not asked.
#[derive(Debug, Default)]
pub struct ManagerEvidence {
    /// systemd's units: those asked for, under any of their names, and with the host every one that has failed or is being started.
    pub units: Option<Answer<Vec<UnitState>>>,
    /// All containers of the engine, where some are found by label or the engine itself is a service.
    pub listed: Option<Answer<Vec<Listed>>>,
    /// Containers that no service accounts for.
    pub unmanaged_containers: Vec<UnmanagedContainer>,
    /// Why the details of some of those are not known.
    pub unmanaged_trouble: Option<Trouble>,
    /// Units that no service names and that were restarted by themselves or wait to be; with the host only, and `None` where
    /// nothing was started lately.
    pub restless: Option<Answer<Vec<UnitState>>>,
    /// Details of the services' containers.
    pub containers: Option<Answer<Vec<ContainerState>>>,
    /// Applications by the `PM2_HOME` of their daemon; `None` when no daemon runs.
    pub apps: BTreeMap<&'static str, Answer<Option<PmDaemon>>>,
    /// When the lines that log probes look for were written last, by service.
    pub log_lines: BTreeMap<&'static str, Answer<Reply>>,
}

/// A container that no service accounts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmanagedContainer {
    /// Its row in the engine's list.
    pub listed: Listed,
    /// Its details, where that row does not tell whether it is well.
    pub detail: Option<ContainerState>,
}

/// A pm2 daemon and its applications.
#[derive(Debug, Clone)]
pub struct PmDaemon {
    /// Process id of the daemon, which holds the ports of applications in cluster mode.
    pub pid: u32,
    /// The applications' processes.
    pub processes: Vec<Process>,
}

impl ManagerEvidence {
    /// All units of which systemd said anything, services or not; some of them twice.
    pub fn all_units(&self) -> impl Iterator<Item = &UnitState> {
        let answers = [self.units.as_ref(), self.restless.as_ref()];
        answers.into_iter().flatten().filter_map(|answer| answer.result.as_ref().ok()).flatten()
    }

    /// The answer to a probe that a manager's tool answers.
    pub(super) fn reply(&self, probe: &Probe, service: &Service) -> Answer<Reply> {
        let unasked = || Answer {
            command: (&docker::ps()).into(),
            result: Err(Trouble::Unavailable("its container was not found".to_owned())),
        };
        match probe {
            Probe::DockerEngine => self.listed.as_ref().map_or_else(unasked, |answer| Answer {
                command: answer.command.clone(),
                result: match &answer.result {
                    Ok(_) => match &self.unmanaged_trouble {
                        Some(trouble) => Err(trouble.clone()),
                        None => Ok(Reply::Engine(self.unmanaged_containers.clone())),
                    },
                    Err(Trouble::Unavailable(reason)) => Ok(Reply::Silent(reason.clone())),
                    Err(trouble) => Err(trouble.clone()),
                },
            }),
            _ => self.log_lines.get(service.name).cloned().unwrap_or_else(unasked),
        }
    }
}

pub(super) fn ask(door: Door<'_>, services: &[&'static Service], with_host: bool) -> ManagerEvidence {
    let mut units: Vec<&str> = Vec::new();
    let mut starters: Vec<String> = Vec::new();
    let mut patterns: Vec<String> = Vec::new();
    let mut systemd = with_host;
    let mut homes: BTreeMap<&'static str, &'static App> = BTreeMap::new();
    let paths = OnceCell::new();
    let paths = || paths.get_or_init(|| UnitPaths::read(door.system));
    for (service, manager) in services.iter().flat_map(|service| service.managers.iter().map(move |m| (service, m))) {
        match manager {
            Manager::Systemd(unit) => {
                systemd = true;
                let names = std::iter::once(&unit.name).chain(unit.aliases);
                // systemd takes as long to say that a unit is missing as to tell all of one that is there.
                let wanted = |name: &&&'static str| service.presence == Presence::Required || paths().has(name);
                let names = names.filter(wanted);
                // What starts a unit that waits is asked about in the same call.
                let triggers =
                    names.clone().filter(|name| unit_paths::is_stopped(door.system, name)).flat_map(|name| {
                        let stem = name.trim_end_matches(".service");
                        ["socket", "timer", "path"].map(|kind| format!("{stem}.{kind}"))
                    });
                starters.extend(triggers.filter(|name| paths().has(name)));
                units.extend(names);
                // An instance has the file of its template.
                let has_template = |pattern: &String| paths().has(&pattern.replace('*', ""));
                patterns.extend(unit.instances.map(str::to_owned).filter(has_template));
                patterns.extend(paths().started_instances(door.system, unit));
            }
            Manager::Pm2(app) => drop(homes.insert(app.home, app)),
            Manager::Compose(_) | Manager::Docker(_) => {}
        }
    }
    let asked: Vec<&str> = units.iter().copied().chain(starters.iter().map(String::as_str)).collect();
    let mut evidence = ManagerEvidence::default();
    let is_known = |name: &str| units.contains(&name);
    thread::scope(|scope| {
        let restless = with_host.then(|| task(scope, || restarts::restless(door, is_known)));
        let told = systemd.then(|| {
            task(scope, || {
                let mut answer = thread::scope(|scope| {
                    let instances =
                        (!patterns.is_empty()).then(|| task(scope, || units::ask_instances(door, &patterns)));
                    let mut answer = ask_systemd(door, &asked, with_host);
                    if let Some(instances) = instances.map(join) {
                        units::add(&mut answer, instances);
                    }
                    answer
                });
                if let Ok(units) = &mut answer.result {
                    restarts::of_units(door, units);
                }
                answer
            })
        });
        let apps: Vec<_> =
            homes.into_iter().map(|(home, app)| (home, task(scope, move || ask_pm2(door, app)))).collect();
        containers::ask(door, services, &mut evidence);
        evidence.units = told.map(join);
        evidence.restless = restless.map(join).and_then(|restless| restless.complete(door, is_known));
        evidence.apps = apps.into_iter().map(|(home, thread)| (home, join(thread))).collect();
    });
    evidence
}

fn ask_systemd(door: Door<'_>, names: &[&str], and_failed: bool) -> Answer<Vec<UnitState>> {
    let mut answer = units::ask(door, names, and_failed);
    let wanting = answer.result.iter_mut().flatten().filter(|unit| unit.result == "resources");
    for unit in wanting {
        // Patterns are left to systemd.
        let missing = |path: &&String| !path.contains(['*', '?', '[']) && door.system.is_missing(path);
        unit.missing_files = unit.needed_files.iter().filter(missing).cloned().collect();
    }
    for unit in answer.result.iter_mut().flatten().filter(|unit| unit.active == "inactive" && unit.load == "loaded") {
        unit.runtime_mask = is_masked_at_runtime(door.system, &unit.id);
    }
    let known = answer.result.iter().flatten();
    let idle = known.clone().filter(|unit| unit.active == "inactive");
    let triggers = idle.flat_map(|unit| unit.triggered_by.split_whitespace());
    let triggers = triggers.filter(|name| !known.clone().any(|unit| unit.is(name)));
    let triggers: Vec<String> = triggers.map(str::to_owned).collect();
    if !triggers.is_empty() {
        // A unit that waits to be triggered is only well when what triggers it is: worth a second call where that has another name.
        let triggers: Vec<&str> = triggers.iter().map(String::as_str).collect();
        match (&mut answer.result, units::ask(door, &triggers, false).result) {
            (Ok(units), Ok(more)) => units.extend(more),
            (result, Err(trouble)) => *result = Err(trouble),
            (Err(_), _) => {}
        }
    }
    answer
}

/// Whether somebody ran `systemctl mask --runtime`: a link to `/dev/null`, and no unit file.
fn is_masked_at_runtime(system: &System, id: &str) -> bool {
    let path = format!("/run/systemd/system/{id}");
    let is_link = system.symlink_metadata(&path).is_ok_and(|meta| meta.is_symlink());
    is_link && system.metadata(&path).is_ok_and(|meta| meta.file_type().is_char_device())
}

/// What the daemons of these services' applications say.
pub(super) fn applications(
    door: Door<'_>,
    services: &[&'static Service],
) -> BTreeMap<&'static str, Answer<Option<PmDaemon>>> {
    let mut homes: BTreeMap<&'static str, &'static App> = BTreeMap::new();
    for manager in services.iter().flat_map(|service| service.managers) {
        if let Manager::Pm2(app) = manager {
            homes.insert(app.home, app);
        }
    }
    homes.into_iter().map(|(home, app)| (home, ask_pm2(door, app))).collect()
}

fn ask_pm2(door: Door<'_>, app: &App) -> Answer<Option<PmDaemon>> {
    let not_asked = |result| Answer { command: Command::new(["sudo", "-u", app.user, "pm2", "jlist"]), result };
    let Some(account) = door.system.account(|account| account.name == app.user) else {
        return not_asked(Err(Trouble::Unavailable(format!("there is no user {} on this host", app.user))));
    };
    if !door.system.is_root() && rustix::process::geteuid().as_raw() != account.uid {
        return not_asked(Err(Trouble::NeedsRoot("to ask the pm2 daemon of another user")));
    }
    // pm2 starts a daemon whenever it finds none: look first.
    let pid_file = format!("{}/{}", app.home, pm2::PID_FILE);
    let alive =
        match door.system.read(&pid_file) {
            // The file outlives a daemon that was killed, and its number may belong to another by now.
            Ok(pid) => pid.trim().parse().ok().filter(|pid: &u32| {
                door.system.process_name(*pid).is_some_and(|name| name.starts_with(pm2::DAEMON_NAME))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return not_asked(Err(crate::host::trouble::of_file(&pid_file, &error))),
        };
    match alive {
        None => Answer { command: Command::new(["cat", &pid_file]), result: Ok(None) },
        Some(pid) => {
            let answer = door.ask(&pm2::jlist(account, app.home), pm2::parse_jlist);
            let daemon = |processes: Vec<Process>| {
                // An empty list from a daemon that has applications, which are its children, means that another one answered; with no
                // other daemon, they are what it has forgotten.
                let is_parent = |child: u32| door.system.parent_of(child) == Some(pid);
                let is_other = |other: u32| {
                    let name = door.system.process_name(other).unwrap_or_default();
                    other != pid && name.starts_with(pm2::DAEMON_NAME)
                };
                let all = || door.system.processes().into_iter();
                if processes.is_empty() && all().any(is_parent) && all().any(is_other) {
                    return Err(Trouble::Failed("it lists no applications".to_owned()));
                }
                let mut daemon = PmDaemon { pid, processes };
                restarts::of_apps(door, app.home, &mut daemon);
                Ok(Some(daemon))
            };
            Answer { command: answer.command, result: answer.result.and_then(daemon) }
        }
    }
}
