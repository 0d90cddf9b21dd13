//! PURE. Services out of what was seen: which of it is one, its name, its ports, and what it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::apps::{App, Apps};
use super::containers::Container;
use super::listeners::{Listeners, Process};
use super::names::{is_plain_path, is_unit_name, is_word, name, stated, summary};
use super::needs::{Candidate, ordered};
use super::podman::Named;
use super::programs::{protocol_of, protocol_of_unit, role_of};
use super::seen::{Seen, mark_foreign_ports};
use super::units::{self, Own, Unit, Units};
use super::{Found, FoundManager, FoundService, Protocol, Role, UnitFacts, Unmanaged};
use crate::host::tools::cgroup::Home;
use crate::host::trouble::Trouble;

/// The program by which the engine forwards the port of a container.
const FORWARDER: &str = "docker-proxy";

pub(super) fn assemble(
    listeners: Listeners,
    units: &Units,
    containers: Result<Vec<Container>, Trouble>,
    apps: Apps,
) -> Found {
    let mut found = Found { left_out: units.left_out, ..Found::default() };
    let mut all: Vec<Candidate> = Vec::new();
    let seen = Seen::new(&listeners);
    let (of_units, left_out) = of_units(&seen, units, &apps);
    all.extend(of_units);
    found.left_out += left_out;
    // Any other odd name is none that systemd takes.
    let odd = units.services.keys().filter(|name| !is_unit_name(name) && is_unit_name(&format!("x{name}")));
    found.unknown.extend(odd_names("units", odd.count()));
    match containers {
        Ok(containers) => {
            let (usable, odd): (Vec<_>, Vec<_>) = containers.iter().partition(|one| is_word(&one.name));
            let has_traefik = units.services.contains_key("traefik.service")
                || containers.iter().any(|one| image(one).starts_with("traefik"));
            for one in usable {
                let copies = containers.iter().filter(|other| one.compose.is_some() && other.compose == one.compose);
                let mut candidate = of_container(&seen, one, copies.count() > 1);
                let routes = one.routes.iter().filter(|_| has_traefik);
                let routes = routes.map(|(host, path, port)| (host.clone(), path.clone(), port.unwrap_or_default()));
                candidate.service.routes = routes.collect();
                all.push(candidate);
            }
            found.unknown.extend(odd_names("containers", odd.len()));
        }
        Err(trouble) => found.unknown.push(("containers", trouble)),
    }
    all.extend(listeners.podman.iter().filter_map(|(id, named)| of_podman(&seen, units, id, named.as_ref())));
    let (usable, odd): (Vec<_>, Vec<_>) = apps.all.iter().partition(|app| app.is_plain());
    all.extend(usable.into_iter().map(|app| of_app(&seen, app)));
    found.unknown.extend(odd_names("applications of pm2", odd.len()));
    found.unknown.extend(apps.trouble.map(|trouble| ("applications of pm2", trouble)));
    found.unknown.extend(units.trouble.clone().map(|trouble| ("units", trouble)));
    name(all.iter_mut().map(|one| &mut one.service), &units.installed);
    mark_foreign_ports(all.iter_mut().map(|one| &mut one.service));
    for one in &mut all {
        let service = &mut one.service;
        let by_number = || Protocol::at(*service.ports().first()?);
        let usual = match service.manager {
            FoundManager::Unit(_) => None,
            // An application runs in an interpreter, which is none of these servers.
            FoundManager::App { .. } => by_number().filter(|protocol| !protocol.is_asked_as_itself()),
            _ => by_number(),
        };
        service.protocol = service.protocol.or(usual);
    }
    let mut databases: BTreeMap<u32, BTreeSet<&String>> = BTreeMap::new();
    for (pid, path) in &listeners.databases {
        databases.entry(*pid).or_default().insert(path);
    }
    for one in &mut all {
        let own: BTreeSet<&&String> = one.pids.iter().filter_map(|pid| databases.get(pid)).flatten().collect();
        one.service.data = own.into_iter().map(|path| (*path).clone()).collect();
    }
    found.unmanaged = unmanaged(&listeners, &all, units, &apps.daemons);
    found.services = ordered(&listeners, all);
    if listeners.is_cut {
        found.unknown.push(("processes", Trouble::Failed("there are too many to read all in time".to_owned())));
    }
    found.unknown.extend(listeners.trouble.map(|trouble| (super::PORTS, trouble)));
    found
}

/// That so many have a name that would be no word of a command.
fn odd_names(what: &'static str, count: usize) -> Option<(&'static str, Trouble)> {
    (count > 0).then(|| (what, Trouble::Failed(format!("{count} have a name that no command takes"))))
}

fn of_units(seen: &Seen<'_>, units: &Units, apps: &Apps) -> (Vec<Candidate>, usize) {
    let mut left_out = 0;
    let mut found = Vec::new();
    for (name, unit) in units.services.iter().filter(|(name, _)| is_unit_name(name)) {
        // What an umbrella only starts is one service with it.
        let umbrella = name.split_once('@').map(|(stem, _)| format!("{stem}.service"));
        let is_umbrella = |unit: &Unit| unit.setting("Type") == Some("oneshot");
        if umbrella.as_ref().and_then(|name| units.services.get(name)).is_some_and(is_umbrella) {
            continue;
        }
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let pids = seen.of_unit(name, is_umbrella(unit) || unit.accepts());
        // A unit that only keeps pm2 running stands for its applications.
        if apps.all.iter().any(|app| pids.contains(&app.daemon)) {
            continue;
        }
        // What the engine's forwarders hold are ports of containers.
        let listens = seen.addresses(&pids, |name| name != FORWARDER);
        let mut ports: BTreeSet<u16> = listens.iter().map(SocketAddr::port).collect();
        ports.extend(unit.sockets.iter().map(SocketAddr::port));
        let mut paths = seen.paths(&pids);
        paths.extend(unit.paths.iter().cloned());
        let serves = !ports.is_empty() || !paths.is_empty() || units::is_known_server(name);
        if unit.own.is_none() && stated(name).is_none() && !serves {
            left_out += usize::from(unit.running);
            continue;
        }
        let program = program_of(seen, &pids, &ports);
        let role = match unit.is_timed_job() {
            true => Role::Job,
            false => role_of(program.as_deref().unwrap_or(stem)),
        };
        let mut why = vec![match &unit.own {
            Some(Own::File) => format!("unit file {} of the administrator", unit.file),
            Some(Own::DropIn(path)) => format!("drop-in {path} of the administrator"),
            None if unit.file.starts_with("/run/systemd/transient/") => {
                "transient unit, gone after the next boot".to_owned()
            }
            None => format!("packaged unit {}", unit.file),
        }];
        why.extend(unit.enabled.then(|| "enabled".to_owned()));
        why.extend(unit.trigger.as_ref().map(|trigger| format!("started by {trigger}")));
        why.extend(program.as_ref().map(|program| format!("{program} listens")));
        why.extend(unit.accepts().then(|| "each connection starts an instance".to_owned()));
        let settings = ["Requires", "BindsTo", "Requisite", "After"];
        let wanted = settings.into_iter().flat_map(|key| unit.names(key).into_iter().map(move |name| (name, key)));
        let plain_setting = |key: &str| unit.setting(key).filter(|value| !value.contains('%')).map(str::to_owned);
        let facts = UnitFacts {
            own_file: (unit.own == Some(Own::File)).then(|| unit.file.clone()),
            user: plain_setting("User"),
            working_directory: plain_setting("WorkingDirectory").filter(|path| path.starts_with('/')),
            restart: plain_setting("Restart"),
            enabled: unit.enabled,
            aliases: unit.aliases.clone(),
        };
        let own_name = stated(name).map_or(stem, |service| service.name);
        let service = FoundService {
            summary: summary(&described(name, unit), "a service of systemd"),
            role,
            protocol: protocol_of_unit(unit, program.as_deref(), ports.iter().next().copied()),
            listens: with_sockets(listens, &unit.sockets),
            paths: paths.into_iter().collect(),
            env: unit.env.clone(),
            why,
            unit: facts,
            ..FoundService::new(own_name, FoundManager::Unit(name.clone()))
        };
        found.push(Candidate {
            service,
            pids,
            ports,
            units: wanted.collect(),
            depends_on: Vec::new(),
            named_ports: unit.named_ports.clone(),
            named_paths: unit.named_paths.clone(),
        });
    }
    (found, left_out)
}

/// What a unit says that it is, with the name of an instance in its place.
fn described(name: &str, unit: &Unit) -> String {
    let instance = name.split_once('@').and_then(|(_, rest)| rest.strip_suffix(".service")).unwrap_or_default();
    let text = unit.setting("Description").unwrap_or_default();
    text.replace("%i", instance).replace("%I", instance)
}

/// The addresses, and those at which systemd listens for the service.
fn with_sockets(mut listens: Vec<SocketAddr>, sockets: &[SocketAddr]) -> Vec<SocketAddr> {
    for socket in sockets {
        if !listens.iter().any(|address| address.port() == socket.port()) {
            listens.push(*socket);
        }
    }
    listens
}

/// What a container is by its image: `postgres` of `registry.example/team/postgres:17`.
fn image(container: &Container) -> &str {
    let image = container.image.rsplit('/').next().unwrap_or_default();
    image.split([':', '@']).next().unwrap_or_default()
}

/// `is_copy`: its compose service has several containers, each of which is a service by its own name.
fn of_container(seen: &Seen<'_>, container: &Container, is_copy: bool) -> Candidate {
    let pids = seen.of_container(&container.id);
    let mut listens = seen.addresses(&pids, |_| true);
    let address = |(address, port): &(String, u16)| {
        Some(SocketAddr::new(address.parse().or_else(|_| "0.0.0.0".parse()).ok()?, *port))
    };
    for one in container.ports.iter().filter_map(address) {
        if !listens.contains(&one) {
            listens.push(one);
        }
    }
    let manager = match &container.compose {
        Some((project, service)) if !is_copy && is_word(project) && is_word(service) => FoundManager::Compose {
            project: project.clone(),
            service: service.clone(),
            file: container.file.clone().filter(|path| is_plain_path(path)),
            container: container.name.clone(),
        },
        _ => FoundManager::Container(container.name.clone()),
    };
    let name = match &manager {
        FoundManager::Compose { service, .. } => service.clone(),
        _ => container.name.clone(),
    };
    let mut why = vec![match &manager {
        FoundManager::Compose { project, .. } => format!("container of the compose project {project}"),
        _ => format!("container {}", container.name),
    }];
    why.extend((!container.running).then(|| "does not run".to_owned()));
    let ports = listens.iter().map(SocketAddr::port).collect();
    let service = FoundService {
        summary: summary(&format!("container of {}", container.image), "a container"),
        role: role_of(image(container)),
        protocol: protocol_of(image(container)),
        listens,
        env: container.env.iter().filter(|path| is_plain_path(path)).cloned().collect(),
        why,
        ..FoundService::new(&name, manager)
    };
    let units = vec![("docker.service".to_owned(), "Requires")];
    Candidate {
        service,
        pids,
        ports,
        units,
        depends_on: container.depends_on.clone(),
        named_ports: BTreeSet::new(),
        named_paths: BTreeSet::new(),
    }
}

/// A container of podman; none where a unit runs it, which is the service then.
fn of_podman(seen: &Seen<'_>, units: &Units, id: &str, named: Option<&Named>) -> Option<Candidate> {
    let process = |pid: &u32| seen.listeners.processes.get(pid);
    let pids = seen.of_container(id);
    let is_of_unit = |process: &Process| match &process.home {
        Home::Unit(name) => !process.of_user && units.services.contains_key(name),
        _ => false,
    };
    // The one that watches it.
    let mut parents = pids.iter().filter_map(process).filter_map(|it| process(&it.parent));
    if pids.is_empty() || parents.any(is_of_unit) {
        return None;
    }
    let short = || format!("podman-{}", id.get(..12).unwrap_or(id));
    let name = named.map(|named| named.name.clone()).filter(|name| is_word(name)).unwrap_or_else(short);
    let one = Container {
        id: id.to_owned(),
        image: named.map(|it| it.image.clone()).unwrap_or_default(),
        name: name.clone(),
        running: true,
        ..Container::default()
    };
    let mut candidate = of_container(seen, &one, false);
    candidate.units.clear();
    candidate.service.why = vec![format!("container {name} of podman, which no verb acts on: podman ps")];
    candidate.service.manager = FoundManager::Podman(name);
    Some(candidate)
}

fn of_app(seen: &Seen<'_>, app: &App) -> Candidate {
    let pids = seen.below(&app.pids);
    let mut listens = seen.addresses(&pids, |_| true);
    // In cluster mode the daemon holds the sockets of all applications.
    if listens.is_empty() && app.cluster.is_some() {
        listens = seen.addresses(&BTreeSet::from([app.daemon]), |_| true);
        listens.retain(|address| app.ports.contains(&address.port()));
    }
    let ports = listens.iter().map(SocketAddr::port).collect();
    let manager = FoundManager::App {
        name: app.name.clone(),
        user: app.user.clone(),
        home: app.home.clone(),
        cluster: app.cluster,
        memory_restart_bytes: app.memory_restart_bytes.filter(|bytes| *bytes > 0),
    };
    let service = FoundService {
        summary: summary(&format!("application of {}", app.user), "an application of pm2"),
        role: role_of(&app.name),
        paths: seen.paths(&pids).into_iter().collect(),
        listens,
        env: app.env.iter().filter(|path| is_plain_path(path)).cloned().collect(),
        why: vec![format!("application of the pm2 daemon of {}", app.user)],
        unit: UnitFacts {
            working_directory: app.directory.clone().filter(|path| is_plain_path(path)),
            ..UnitFacts::default()
        },
        ..FoundService::new(&app.name, manager)
    };
    Candidate {
        service,
        pids,
        ports,
        units: Vec::new(),
        depends_on: Vec::new(),
        named_ports: app.named_ports.clone(),
        named_paths: app.named_paths.clone(),
    }
}

/// The program of a service that listens at one of its ports, or, where it has none, at a path.
fn program_of(seen: &Seen<'_>, pids: &BTreeSet<u32>, ports: &BTreeSet<u16>) -> Option<String> {
    let at_port = |pid: &&u32| seen.listens(**pid).iter().any(|address| ports.contains(&address.port()));
    let listens = |pid: &&u32| at_port(pid) || (ports.is_empty() && seen.has_path(**pid));
    let process = seen.listeners.processes.get(pids.iter().find(listens)?)?;
    Some(summary(&process.name, "a program")).filter(|name| name != FORWARDER)
}

/// Those who listen and are no service's; what the distribution's own units and the engine's forwarders hold is left out.
fn unmanaged(listeners: &Listeners, all: &[Candidate], units: &Units, daemons: &[u32]) -> Vec<Unmanaged> {
    let owned: BTreeSet<u32> = all.iter().flat_map(|one| one.pids.iter().copied()).collect();
    let ports: BTreeSet<u16> = all.iter().flat_map(|one| one.ports.iter().copied()).collect();
    let mut found: BTreeMap<u16, Unmanaged> = BTreeMap::new();
    for (listener, pid) in listeners.sockets.iter().filter(|(listener, _)| !ports.contains(&listener.port())) {
        let process = pid.and_then(|pid| listeners.processes.get(&pid));
        let is_of_system = process.is_some_and(|process| {
            !process.of_user && matches!(&process.home, Home::Unit(name) if !units.services.contains_key(name))
        });
        if is_of_system || pid.is_some_and(|pid| owned.contains(&pid) || pid == 1 || daemons.contains(&pid)) {
            continue;
        }
        let program = process.map(|process| summary(&process.name, "")).unwrap_or_default();
        found.entry(listener.port()).or_insert(Unmanaged { address: listener.address, program, pid: *pid });
    }
    found.into_values().collect()
}
