//! What the Docker engine says of containers: over its own socket, else through its client.

use std::collections::BTreeMap;
use std::io::Read;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::unit_paths::is_stopped;
use super::{
    Answer, Door, ManagerEvidence, Reply, UnitPaths, UnmanagedContainer, engine, is_container_of, restarts, text,
};
use crate::host::exec::{ProcessEnd, Processes, Streams};
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::host::tools::command::Command;
use crate::host::tools::docker::{self, ContainerState, Listed, Unreachable};
use crate::host::tools::docker_engine;
use crate::host::tools::docker_logs::{self, Query, Rows};
use crate::host::tools::systemctl;
use crate::host::trouble::{Trouble, failure};
use crate::registry::{Manager, Probe, Service};

/// Of how many containers that no service accounts for details are asked. All of them are listed with their state.
const MOST_DETAILS: usize = 64;

/// What the engine says of the containers of these services, of itself, and of what is not well.
pub(super) fn ask(door: Door<'_>, services: &[&'static Service], evidence: &mut ManagerEvidence) {
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
    if let Some(Answer { result: Ok(listed), .. }) = &evidence.listed {
        let unmanaged_containers: Vec<&Listed> = listed.iter().filter(|row| !is_known(row)).collect();
        // After those that have a name here, those that run first, and no more than can be asked in time.
        let mut worth: Vec<&&Listed> = unmanaged_containers.iter().filter(|row| row.is_worth_details()).collect();
        worth.sort_by_key(|row| matches!(row.state.as_str(), "exited" | "created"));
        let worth: Vec<&str> = worth.into_iter().take(MOST_DETAILS).map(|row| row.id.as_str()).collect();
        let details = match worth.is_empty() {
            true => Ok(Vec::new()),
            false => inspect(door, worth).result,
        };
        let (details, trouble) = match details {
            Ok(details) => (details, None),
            Err(trouble) => (Vec::new(), Some(trouble)),
        };
        let detail = |row: &Listed| details.iter().find(|detail| detail.id == row.id).cloned();
        evidence.unmanaged_containers = unmanaged_containers
            .into_iter()
            .map(|row| UnmanagedContainer { listed: row.clone(), detail: detail(row) })
            .collect();
        evidence.unmanaged_trouble = trouble;
    }
    ask_logs(door, services, evidence);
}

/// Whether the engine's socket is a link to that of podman, as the package podman-docker makes it.
pub fn engine_is_podman(system: &System) -> bool {
    system.link_target(docker_engine::SOCKET).is_ok_and(|target| target.ends_with("podman.sock"))
}

/// Whether the engine may be asked. Where its socket waits and no engine runs, asking would start one, and looking must
/// change nothing. That a process is not seen proves nothing: it may be hidden from this user, or of another name.
fn engine_may_be_asked(door: Door<'_>) -> Result<(), Trouble> {
    let system = door.system;
    if engine_is_podman(system) {
        let runs = system.symlink_metadata("/run/systemd/units/invocation:podman.service").is_ok();
        return match runs {
            true => Ok(()),
            false => Err(Trouble::Unavailable("the engine is podman's, and is not running".to_owned())),
        };
    }
    let is_engine =
        |pid: u32| system.process_name(pid).is_some_and(|name| docker_engine::ENGINES.contains(&name.as_str()));
    let recorded = system.read("/run/docker.pid").ok().and_then(|pid| pid.trim().parse().ok());
    let runs = || recorded.is_some_and(is_engine) || system.processes().into_iter().any(is_engine);
    // Of an engine that is installed and stopped its client says no more than this, and takes long.
    if system.is_root() && system.is_missing(docker_engine::SOCKET) && has_stopped_unit(system) && !runs() {
        return Err(Trouble::Unavailable("the docker engine is not running".to_owned()));
    }
    // Where there is no such socket, the client itself says best what is missing.
    if system.is_missing(docker_engine::SOCKET)
        || runs()
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

/// Whether the engine's unit is installed, and systemd does not run it.
fn has_stopped_unit(system: &System) -> bool {
    const UNIT: &str = "docker.service";
    system.booted_with_systemd() && is_stopped(system, UNIT) && UnitPaths::read(system).has(UNIT)
}

/// All containers, or why they are not known.
pub(super) fn all(door: Door<'_>) -> Result<Vec<Listed>, Trouble> {
    engine_may_be_asked(door)?;
    list(door).result
}

/// The engine's own list of all containers, as it sends it; `None` where it has no socket at the usual place.
pub fn listed(door: Door<'_>) -> Result<Option<String>, Trouble> {
    engine_may_be_asked(door)?;
    engine::engine_get(door, docker_engine::API_LIST)
}

/// Restart policies of these containers, by their ids.
pub fn policies(door: Door<'_>, ids: &[&str]) -> Result<BTreeMap<String, String>, Trouble> {
    let found = inspect(door, ids.iter().copied()).result?;
    Ok(found.into_iter().map(|container| (container.id, container.policy)).collect())
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
        let bounded =
            container.surroundings.as_ref().is_some_and(|around| around.memory_limit > 0 || around.cpu_limited);
        container.bounds = bounded.then(|| door.system.bounds_of(container.pid)).flatten();
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
            true => Err(Trouble::Failed(format!("reported only {} of {asked} containers", found.len()))),
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_engine_of_podman_is_not_started_by_a_question() {
        let root = std::env::temp_dir().join(format!("opsctl-podman-docker-{}", std::process::id()));
        for directory in ["run/systemd/system", "run/systemd/units"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        symlink("/run/podman/podman.sock", root.join("run/docker.sock")).unwrap();
        let system = System { root: root.clone(), ..System::real() };
        let runner = Processes::new(&system, None);
        let door = Door::new(&system, &runner, Duration::from_secs(20));
        let asleep = engine_may_be_asked(door);
        symlink("0", root.join("run/systemd/units/invocation:podman.service")).unwrap();
        let awake = engine_may_be_asked(door);
        fs::remove_dir_all(root).unwrap();
        assert!(matches!(asleep, Err(Trouble::Unavailable(_))), "{asleep:?}");
        assert_eq!(awake, Ok(()));
    }
}
