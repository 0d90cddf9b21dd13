//! What systemd, docker and pm2 say of the services they manage: each asked once for all of them.

use std::collections::BTreeMap;
use std::io::Read;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::{Answer, Door, Reply, engine, is_container_of, restarts, text, units};
use crate::host::exec::{ProcessEnd, Processes, Streams};
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::host::tools::command::Command;
use crate::host::tools::docker::{self, ContainerState, Listed, Unreachable};
use crate::host::tools::docker_logs::{self, Query, Rows};
use crate::host::tools::pm2::{self, Process};
use crate::host::tools::systemctl::{self, UnitState};
use crate::host::trouble::{Trouble, failure};
use crate::registry::{App, Manager, Presence, Probe, Service};

/// What the managers said. A manager that no service has is not asked.
#[derive(Debug, Default)]
pub struct ManagerEvidence {
    /// systemd's units: those asked for, under any of their names, and with the host every one that has failed.
    pub units: Option<Answer<Vec<UnitState>>>,
    /// All containers of the engine, where some are found by label or the engine itself is a service.
    pub listed: Option<Answer<Vec<Listed>>>,
    /// Containers that no service accounts for.
    pub strangers: Vec<Stranger>,
    /// Why the details of some of those are not known.
    pub strangers_trouble: Option<Trouble>,
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
pub struct Stranger {
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
                    Ok(_) => match &self.strangers_trouble {
                        Some(trouble) => Err(trouble.clone()),
                        None => Ok(Reply::Engine(self.strangers.clone())),
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
    let mut patterns: Vec<&str> = Vec::new();
    let mut systemd = with_host;
    let mut homes: BTreeMap<&'static str, &'static App> = BTreeMap::new();
    for (service, manager) in services.iter().flat_map(|service| service.managers.iter().map(move |m| (service, m))) {
        match manager {
            Manager::Systemd(unit) => {
                systemd = true;
                let names = std::iter::once(&unit.name).chain(unit.aliases);
                // systemd takes as long to say that a unit is missing as to tell all of one that is there.
                let wanted =
                    |name: &&&'static str| service.presence == Presence::Required || has_file(door.system, name);
                units.extend(names.filter(wanted));
                // An instance has the file of its template.
                let has_template = |pattern: &&str| has_file(door.system, &pattern.replace('*', ""));
                patterns.extend(unit.instances.filter(has_template));
            }
            Manager::Pm2(app) => drop(homes.insert(app.home, app)),
            Manager::Compose(_) | Manager::Docker(_) => {}
        }
    }
    let mut evidence = ManagerEvidence::default();
    let is_known = |name: &str| units.contains(&name);
    thread::scope(|scope| {
        let restless = with_host.then(|| task(scope, || restarts::restless(door, is_known)));
        let told = systemd.then(|| {
            task(scope, || {
                let mut answer = thread::scope(|scope| {
                    let instances =
                        (!patterns.is_empty()).then(|| task(scope, || units::ask_instances(door, &patterns)));
                    let mut answer = ask_systemd(door, &units, with_host);
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
        ask_docker(door, services, &mut evidence);
        evidence.units = told.map(join);
        evidence.restless = restless.and_then(join);
        evidence.apps = apps.into_iter().map(|(home, thread)| (home, join(thread))).collect();
    });
    evidence
}

/// Whether it is certain that there is no such file.
fn is_missing(system: &System, path: &str) -> bool {
    system.metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// Whether a unit file of that name is in systemd's search path (systemd.unit(5)); of an instance, its template's.
fn has_file(system: &System, name: &str) -> bool {
    let template =
        name.split_once('@').zip(name.rsplit_once('.')).map(|((stem, _), (_, kind))| format!("{stem}@.{kind}"));
    UNIT_PATH.iter().any(|dir| {
        let exists = |name: &str| system.symlink_metadata(format!("{dir}/{name}")).is_ok();
        exists(name) || template.as_deref().is_some_and(exists)
    })
}

const UNIT_PATH: [&str; 9] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/run/systemd/generator",
    "/run/systemd/generator.early",
    "/run/systemd/generator.late",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

fn ask_systemd(door: Door<'_>, names: &[&str], and_failed: bool) -> Answer<Vec<UnitState>> {
    let mut answer = units::ask(door, names, and_failed);
    let wanting = answer.result.iter_mut().flatten().filter(|unit| unit.result == "resources");
    for unit in wanting {
        // Patterns are left to systemd.
        let missing = |path: &&String| !path.contains(['*', '?', '[']) && is_missing(door.system, path);
        unit.missing_files = unit.needed_files.iter().filter(missing).cloned().collect();
    }
    let idle = answer.result.iter().flatten().filter(|unit| unit.active == "inactive");
    let triggers: Vec<String> = idle.flat_map(|unit| unit.triggered_by.split_whitespace()).map(str::to_owned).collect();
    if !triggers.is_empty() {
        // A unit that waits to be triggered is only well when what triggers it is: worth a second call, which is rare.
        let triggers: Vec<&str> = triggers.iter().map(String::as_str).collect();
        match (&mut answer.result, units::ask(door, &triggers, false).result) {
            (Ok(units), Ok(more)) => units.extend(more),
            (result, Err(trouble)) => *result = Err(trouble),
            (Err(_), _) => {}
        }
    }
    answer
}

fn ask_docker(door: Door<'_>, services: &[&'static Service], evidence: &mut ManagerEvidence) {
    let mut names = Vec::new();
    let mut by_label = false;
    let managers: Vec<&Manager> = services.iter().flat_map(|service| service.managers).collect();
    for manager in &managers {
        match manager {
            Manager::Compose(compose) => match compose.container {
                Some(name) => names.push(name),
                None => by_label = true,
            },
            // May be the name of a Swarm service, whose containers are called otherwise.
            Manager::Docker(_) => by_label = true,
            Manager::Systemd(_) | Manager::Pm2(_) => {}
        }
    }
    let engine = services.iter().flat_map(|service| service.probes).any(|probe| matches!(probe, Probe::DockerEngine));
    if by_label || engine || !names.is_empty() {
        match engine_may_be_asked(door) {
            Err(trouble) => {
                let command = match trouble {
                    Trouble::Unavailable(_) => Command::new(["pidof", "dockerd"]),
                    _ => Command::new(["systemctl", "status", "docker.service", "docker.socket"]),
                };
                evidence.listed = Some(Answer { command, result: Err(trouble) });
            }
            Ok(()) if by_label || engine => evidence.listed = Some(list(door)),
            Ok(()) => {}
        }
    }
    let is_known = |row: &Listed| managers.iter().any(|manager| is_container_of(manager, &row.identity));
    if let Some(Answer { result: Ok(listed), .. }) = &evidence.listed {
        let strangers: Vec<&Listed> = listed.iter().filter(|row| !is_known(row)).collect();
        let worth: Vec<&str> =
            strangers.iter().filter(|row| row.is_worth_details()).map(|row| row.id.as_str()).collect();
        let details = match worth.is_empty() {
            true => Ok(Vec::new()),
            false => inspect(door, worth).result,
        };
        let (details, trouble) = match details {
            Ok(details) => (details, None),
            Err(trouble) => (Vec::new(), Some(trouble)),
        };
        let detail = |row: &Listed| details.iter().find(|detail| detail.id == row.id).cloned();
        evidence.strangers =
            strangers.into_iter().map(|row| Stranger { listed: row.clone(), detail: detail(row) }).collect();
        evidence.strangers_trouble = trouble;
    }
    evidence.containers = match &evidence.listed {
        Some(Answer { result: Ok(listed), command }) if by_label => {
            let ids: Vec<&str> = listed.iter().filter(|row| is_known(row)).map(|row| row.id.as_str()).collect();
            match ids.is_empty() {
                true => Some(Answer { command: command.clone(), result: Ok(Vec::new()) }),
                false => Some(inspect(door, ids)),
            }
        }
        Some(Answer { result: Err(trouble), command }) => {
            Some(Answer { command: command.clone(), result: Err(trouble.clone()) })
        }
        _ if names.is_empty() => None,
        _ => Some(inspect(door, names)),
    };
    ask_logs(door, services, evidence);
}

/// Whether the engine may be asked. Where its socket waits and no engine runs, asking would start one, and looking must
/// change nothing. That a process is not seen proves nothing: it may be hidden from this user, or of another name.
fn engine_may_be_asked(door: Door<'_>) -> Result<(), Trouble> {
    let system = door.system;
    let is_engine = |pid: u32| system.process_name(pid).is_some_and(|name| docker::ENGINES.contains(&name.as_str()));
    let recorded = system.read("/run/docker.pid").ok().and_then(|pid| pid.trim().parse().ok());
    // Where there is no such socket, the client itself says best what is missing.
    if recorded.is_some_and(is_engine)
        || is_missing(system, docker::SOCKET)
        || system.processes().into_iter().any(is_engine)
        // Only systemd starts an engine for whoever asks.
        || !system.booted_with_systemd()
    {
        return Ok(());
    }
    let units = door.ask(&systemctl::show(["docker.socket", "docker.service"], false), systemctl::parse_show).result?;
    let active = |name: &str| units.iter().any(|unit| unit.is(name) && unit.active == "active");
    match active("docker.socket") && !active("docker.service") {
        true => Err(Trouble::Unavailable("the docker engine is not running".to_owned())),
        false => Ok(()),
    }
}

/// All containers, or why they are not known.
pub(super) fn containers(door: Door<'_>) -> Result<Vec<Listed>, Trouble> {
    engine_may_be_asked(door)?;
    list(door).result
}

/// When a container ended and was started last, if it has run before.
pub(super) fn runs(door: Door<'_>, id: &str) -> Result<Option<(Timestamp, Timestamp)>, Trouble> {
    let found = inspect(door, [id]).result?;
    Ok(found.into_iter().next().and_then(|container| {
        // The engine's word for never is the year 1.
        let ended = container.finished.filter(|time| *time > Timestamp::UNIX_EPOCH)?;
        Some((ended, container.started?)).filter(|(ended, started)| ended < started)
    }))
}

/// A container's log, read as it comes: of the engine itself, else of its client.
pub(super) fn log(
    door: Door<'_>,
    processes: &Processes<'_>,
    id: &str,
    query: Query,
    silence: Duration,
) -> Result<Rows<Box<dyn Read + Send>>, Trouble> {
    if let Some(socket) = engine::socket(door) {
        let path = docker_logs::api_logs(id, query);
        let answer = engine::open(door, &socket, &path, (!query.follow).then_some(silence))?;
        return Ok(Rows::framed(Box::new(answer)));
    }
    let silence = if query.follow { Duration::MAX } else { silence };
    let stream = processes.stream(&docker_logs::logs(id, query), Streams::Together, silence)?;
    Ok(Rows::plain(Box::new(stream)))
}

fn list(door: Door<'_>) -> Answer<Vec<Listed>> {
    let (door, _) = door.now();
    if let Some(socket) = engine::socket(door) {
        return engine::list(door, &socket);
    }
    door.ask_with(&docker::ps(), |output| match output.exit {
        ProcessEnd::Code(0) => Ok(docker::parse_ps(&text(&output.stdout))?),
        _ => Err(engine_trouble(output)),
    })
}

fn inspect<'a>(door: Door<'_>, containers: impl IntoIterator<Item = &'a str>) -> Answer<Vec<ContainerState>> {
    let (door, _) = door.now();
    let mut answer = match engine::socket(door) {
        Some(socket) => engine::inspect(door, &socket, containers.into_iter()),
        None => inspect_by_client(door, containers),
    };
    for container in answer.result.iter_mut().flatten().filter(|container| container.pid != 0) {
        container.memory_bytes = door.system.memory_of(container.pid);
    }
    if let Ok(containers) = &mut answer.result {
        restarts::of_containers(door, containers);
    }
    answer
}

fn inspect_by_client<'a>(door: Door<'_>, containers: impl IntoIterator<Item = &'a str>) -> Answer<Vec<ContainerState>> {
    let containers: Vec<&str> = containers.into_iter().collect();
    let asked = containers.len();
    let command = Command::new(["docker", "inspect"].into_iter().chain(containers.iter().copied()));
    let answer = door.ask_with(&docker::inspect(containers), |output| {
        let complaints = text(&output.stderr);
        let missing = match output.exit {
            ProcessEnd::Code(0) => 0,
            ProcessEnd::Code(1) if docker::only_missing(&complaints) => {
                complaints.lines().filter(|line| !line.trim().is_empty()).count()
            }
            _ => return Err(engine_trouble(output)),
        };
        let found = docker::parse_inspect(&text(&output.stdout))?;
        // Silence about a container is no word of its absence.
        match found.len() + missing < asked {
            true => Err(Trouble::Failed(format!("told of {} of {asked} containers only", found.len()))),
            false => Ok(found),
        }
    });
    // The template is ours, not the operator's: what is worth pasting is the plain call.
    Answer { command, ..answer }
}

fn engine_trouble(output: &crate::host::exec::Output) -> Trouble {
    match docker::unreachable(&text(&output.stderr)) {
        Some(Unreachable::Down) => Trouble::Unavailable("the docker engine is not running".to_owned()),
        Some(Unreachable::Denied) => Trouble::NeedsRoot("or membership of the group docker, to ask the docker engine"),
        None => failure(output),
    }
}

/// Log probes: one call a service, for there is no call for several.
fn ask_logs(door: Door<'_>, services: &[&'static Service], evidence: &mut ManagerEvidence) {
    let Some(containers) = &evidence.containers else { return };
    let probes = services.iter().flat_map(|service| service.probes.iter().map(move |probe| (service, probe)));
    evidence.log_lines = thread::scope(|scope| {
        let mut asked = Vec::new();
        for (service, probe) in probes {
            let Probe::LogLine { contains, within_seconds } = probe else { continue };
            let of_service = |c: &&ContainerState| service.managers.iter().any(|m| is_container_of(m, &c.identity));
            let container = match &containers.result {
                Ok(found) => found.iter().find(of_service).map(|container| container.identity.name.clone()).ok_or(None),
                Err(trouble) => Err(Some(trouble.clone())),
            };
            match container {
                Ok(name) => asked.push((
                    service.name,
                    task(scope, move || {
                        door.ask_with(&docker::logs_since(&name, *within_seconds), |output| match output.exit {
                            ProcessEnd::Code(0) => {
                                let both = text(&output.stdout) + &text(&output.stderr);
                                Ok(Reply::LogLine(docker::newest_line(&both, contains)))
                            }
                            _ => Err(engine_trouble(output)),
                        })
                    }),
                )),
                // The manager's own check says that the container is missing, or why it cannot be asked.
                Err(None) => {}
                Err(Some(trouble)) => {
                    let answer = Answer { command: containers.command.clone(), result: Err(trouble) };
                    asked.push((service.name, task(scope, move || answer)));
                }
            }
        }
        asked.into_iter().map(|(name, thread)| (name, join(thread))).collect()
    });
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
                // An empty list from a daemon that has applications means that the wrong daemon answered.
                if processes.is_empty() {
                    return Err(Trouble::Failed("it lists no applications at all".to_owned()));
                }
                let mut daemon = PmDaemon { pid, processes };
                restarts::of_apps(door, app.home, &mut daemon);
                Ok(Some(daemon))
            };
            Answer { command: answer.command, result: answer.result.and_then(daemon) }
        }
    }
}
