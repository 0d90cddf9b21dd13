//! What surrounds a service's container: networks, ports, mounts, bounds.

use super::case::{Case, Subject, asked, told};
use super::outcome::{Conclusion, Fact};
use crate::host::tools::command::Command;
use crate::host::tools::docker::{ContainerState, Listed};
use crate::host::tools::surroundings::{Published, Surroundings as Around, missing_part, unable};
use crate::host::trouble::Trouble;
use crate::observe::clues::Wants;
use crate::observe::probe::{Answer, Reply, is_container_of};
use crate::registry::{Manager, Service, Surroundings, Verdict};
use crate::units::bytes;

/// Per cent of its limit at which a container's memory is tight.
const TIGHT: u64 = 95;
/// Thousandths of a processor with which a service cannot do any work in time.
const TINY: u64 = 30;
/// Of how many periods the throttled share says something: a period is a tenth of a second.
const PERIODS: u64 = 20;

/// What has to be looked at: the compose file where a policy is missing or a container is, the mounts of what runs.
pub(super) fn want(case: &Case<'_>, subject: Subject<'_>, wants: &mut Wants) {
    let known = case.evidence.managers.containers.as_ref().is_some_and(|answer| answer.result.is_ok());
    if has_container(subject) && known {
        let own = container(case, subject).map(|container| container.id.clone());
        wants.surroundings.insert(subject.service.name, (subject.service, own));
    }
    wants.containers |= known && is_unmanaged(case, subject);
}

fn has_container(subject: Subject<'_>) -> bool {
    subject.service.managers.iter().any(|manager| matches!(manager, Manager::Compose(_) | Manager::Docker(_)))
}

pub(super) fn judge(case: &Case<'_>, subject: Subject<'_>, clue: Surroundings) -> Conclusion {
    let none = || Conclusion::RuledOut(Vec::new());
    let looked = case.clues.surroundings.get(subject.service.name);
    match case.evidence.managers.containers.as_ref() {
        Some(Answer { result: Err(Trouble::Unavailable(_)), .. }) | None => return none(),
        Some(Answer { command, result: Err(trouble) }) => return Conclusion::unknown(told(command, trouble)),
        Some(Answer { result: Ok(_), .. }) => {}
    }
    let needs_look =
        matches!(clue, Surroundings::PolicyLost | Surroundings::MountGone | Surroundings::ListensElsewhere);
    if needs_look && looked.is_none() && has_container(subject) {
        return Conclusion::unknown("it was not checked");
    }
    if clue == Surroundings::PublishedElsewhere && subject.service.managers.is_empty() {
        return unmanaged(case, subject);
    }
    let Some(container) = container(case, subject) else { return none() };
    let Some(around) = &container.surroundings else { return none() };
    let running = container.status == "running";
    let name = container.identity.name.as_str();
    let inspect = |says: String| Fact::new(Command::new(["docker", "inspect", name]), says);
    match clue {
        Surroundings::OffNetwork => match off_network(container, around) {
            Some(says) if running => Conclusion::Proven(vec![inspect(says).blaming(around.network_mode.clone())]),
            Some(_) | None => none(),
        },
        Surroundings::PublishedElsewhere => match elsewhere(case, subject, around) {
            Some((says, thing)) if running => {
                Conclusion::Proven(vec![Fact::new(Command::new(["docker", "port", name]), says).blaming(thing)])
            }
            Some(_) | None => none(),
        },
        Surroundings::ListensElsewhere => {
            let found = looked.and_then(|found| found.listens.as_ref()).filter(|_| running);
            any(found.and_then(|listens| unserved(subject, around, listens)).map(|(says, thing)| {
                Fact::new(Command::new(["nsenter", "-t", &container.pid.to_string(), "-n", "ss", "-Hltn"]), says)
                    .blaming(thing)
            }))
        }
        Surroundings::NameUnresolved => {
            if !running || subject.health.verdict != Verdict::Fail {
                return none();
            }
            any(unresolved(case, container, around).into_iter().map(|(says, thing)| inspect(says).blaming(thing)))
        }
        Surroundings::CheckBroken => {
            let broken = container.health.as_deref() == Some("unhealthy");
            let check = around.check.as_ref().filter(|_| running && broken);
            any(check.and_then(|(program, exit, output)| {
                let why = unable(*exit, output)?;
                let said = crate::host::tools::excerpt(output.lines().next().unwrap_or_default());
                Some(inspect(format!("its health check {why}: {said}")).blaming(crate::host::tools::excerpt(program)))
            }))
        }
        Surroundings::PolicyLost => any(looked.and_then(|found| found.policy.as_ref()).map(|(file, policy)| {
            let has = if container.policy.is_empty() { "no" } else { container.policy.as_str() };
            inspect(format!("its restart policy is {has}, {file} has {policy}")).blaming(policy.clone())
        })),
        Surroundings::MountGone => {
            let gone = looked.map(|found| found.gone.as_slice()).unwrap_or_default();
            any(gone.iter().map(|(source, what)| {
                Fact::new(Command::new(["ls", "-ld", source]), format!("{source} {what}")).blaming(source.clone())
            }))
        }
        Surroundings::NotStartable => any(missing_part(&container.error).filter(|_| !running).map(|(what, thing)| {
            let error = crate::host::tools::excerpt(container.error.trim());
            inspect(format!("{what}: {error}")).blaming(thing)
        })),
        Surroundings::MemoryTight => {
            let used = container.bounds.map(|bounds| bounds.own_memory).unwrap_or_default();
            let limit = around.memory_limit;
            let tight = running && limit > 0 && used.saturating_mul(100) >= limit.saturating_mul(TIGHT);
            let stats = Command::new(["docker", "stats", "--no-stream", name]);
            let says = format!("its processes have {} of {}", bytes(used), bytes(limit));
            any(tight.then(|| Fact::new(stats, says).blaming(bytes(limit))))
        }
        Surroundings::MemoryKills => {
            let kills =
                container.bounds.filter(|_| running && around.memory_limit > 0).map_or(0, |bounds| bounds.kills);
            let says = format!("{kills} processes killed at its limit of {} in this run", bytes(around.memory_limit));
            any((kills > 0).then(|| inspect(says).blaming(bytes(around.memory_limit))))
        }
        Surroundings::Throttled => {
            let bounds = container.bounds.unwrap_or_default();
            let held = bounds.periods >= PERIODS && bounds.throttled.saturating_mul(2) >= bounds.periods;
            // So little is too little, whatever it answered when it was asked.
            let hurts = subject.health.verdict != Verdict::Pass || (1..=TINY).contains(&around.cpu_limit);
            let hurts = running && around.cpu_limited && hurts;
            let limit = match around.cpu_limit {
                0 => "a CPU limit".to_owned(),
                limit => {
                    let number = format!("{}.{:03}", limit / 1000, limit % 1000);
                    format!("{} CPUs", number.trim_end_matches('0').trim_end_matches('.'))
                }
            };
            let says = format!("limited to {limit}: throttled in {} of {} periods", bounds.throttled, bounds.periods);
            any((held && hurts).then(|| inspect(says).blaming(limit)))
        }
    }
}

fn any(facts: impl IntoIterator<Item = Fact>) -> Conclusion {
    let facts: Vec<Fact> = facts.into_iter().collect();
    Conclusion::when(!facts.is_empty(), facts)
}

/// The container of a service; of several the one that runs.
fn container<'a>(case: &Case<'a>, subject: Subject<'_>) -> Option<&'a ContainerState> {
    let all = case.evidence.managers.containers.as_ref()?.result.as_ref().ok()?;
    let managers = subject.service.managers;
    let own = || all.iter().filter(|one| managers.iter().any(|manager| is_container_of(manager, &one.identity)));
    own().find(|one| one.status == "running").or_else(|| own().next())
}

/// Networks that are no network of their own.
fn is_named(mode: &str) -> bool {
    !matches!(mode, "" | "default" | "bridge" | "host" | "none" | "nat") && !mode.contains(':')
}

fn off_network(container: &ContainerState, around: &Around) -> Option<String> {
    let mode = around.network_mode.as_str();
    let on = |network: &&crate::host::tools::surroundings::Network| network.name == mode || network.id == mode;
    if !container.identity.swarm.is_empty() || around.networks.iter().any(|network| on(&network)) {
        return None;
    }
    let names: Vec<&str> = around.networks.iter().map(|network| network.name.as_str()).collect();
    match (is_named(mode), names.as_slice()) {
        (true, []) => Some(format!("it was created for network {mode} and is on no network")),
        (true, names) => Some(format!("it was created for network {mode} and is only on {}", names.join(", "))),
        // Somebody may have moved it from the common network to one of its own.
        (false, []) if matches!(mode, "default" | "bridge") => Some("it is on no network".to_owned()),
        (false, _) => None,
    }
}

/// Whether who connects to the port at this address of the host comes from here, too.
fn open(address: &str) -> bool {
    matches!(address, "" | "0.0.0.0" | "::" | "127.0.0.1" | "::1")
}

fn publishes(around: &Around, wanted: u16) -> bool {
    around.ports.iter().any(|port| port.port == wanted && open(&port.address))
}

/// Where it publishes, where a port of the registry is not among that, and does not answer or is another service's container's.
fn elsewhere(case: &Case<'_>, subject: Subject<'_>, around: &Around) -> Option<(String, String)> {
    if subject.health.health != Some(Verdict::Fail) || around.network_mode == "host" {
        return None;
    }
    let own = subject.service.probes.iter().zip(&case.evidence.replies[subject.index]);
    let mut own = own.filter_map(|(probe, answer)| Some((probe.port()?, answer)));
    let (wanted, instead) = own.find_map(|(port, answer)| {
        let taken = || published_by(case, subject.service, port);
        match &answer.result {
            _ if publishes(around, port) => None,
            Ok(Reply::Silent(_)) => Some((port, taken())),
            Ok(_) => Some((port, Some(taken()?))),
            Err(_) => None,
        }
    })?;
    let instead = instead.map(|other| format!(", which the container of {other} publishes")).unwrap_or_default();
    match places(around) {
        None if around.networks.is_empty() => None,
        None => Some((format!("it publishes no port, the registry has :{wanted}{instead}"), "no port".to_owned())),
        Some(places) => Some((format!("it is published at {places}, the registry has :{wanted}{instead}"), places)),
    }
}

/// All ports of the host that lead to it.
fn places(around: &Around) -> Option<String> {
    let place = |port: &Published| match open(&port.address) {
        true => format!(":{}", port.port),
        false => format!("{}:{}", port.address, port.port),
    };
    let mut all: Vec<String> = around.ports.iter().map(place).collect();
    all.sort();
    all.dedup();
    (!all.is_empty()).then(|| all.join(", "))
}

/// The other service whose running container publishes that port.
fn published_by(case: &Case<'_>, own: &Service, port: u16) -> Option<&'static str> {
    let others = case.services.iter().copied().filter(|other| other.name != own.name);
    let leads = |other: &&'static Service| {
        let found = case.subject(other).and_then(|subject| container(case, subject));
        let around = found.filter(|one| one.status == "running").and_then(|one| one.surroundings.as_ref());
        around.is_some_and(|around| publishes(around, port))
    };
    others.into_iter().find(leads).map(|other| other.name)
}

/// Whether it is a service that the registry gives no manager, and does not answer: a container may be it, published elsewhere.
fn is_unmanaged(case: &Case<'_>, subject: Subject<'_>) -> bool {
    let mut replies = case.evidence.replies[subject.index].iter();
    subject.service.managers.is_empty()
        && !subject.service.ports.is_empty()
        && replies.any(|answer| matches!(answer.result, Ok(Reply::Silent(_))))
}

/// Where a running container of its name publishes its port, of a service without a manager.
fn unmanaged(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let none = || Conclusion::RuledOut(Vec::new());
    let Some(wanted) = subject.service.ports.first().filter(|_| is_unmanaged(case, subject)) else { return none() };
    let all = match asked(case.clues.containers.as_ref()) {
        Ok((_, all)) => all,
        Err(unknown) => return unknown,
    };
    let name = subject.service.name;
    let inside = format!("{wanted}/tcp");
    let is_it = |one: &&Listed| one.state == "running" && (one.identity.name == name || one.identity.service == name);
    let leads = |port: &&Published| port.inside == inside;
    let found = all.iter().filter(is_it).find_map(|one| Some((one, one.ports.iter().find(leads)?)));
    match found {
        Some((one, port)) if port.port != *wanted && !one.ports.iter().any(|port| port.port == *wanted) => {
            let thing = format!(":{}", port.port);
            let says = format!("container {} is published at {thing}, the registry has :{wanted}", one.identity.name);
            Conclusion::Proven(vec![
                Fact::new(Command::new(["docker", "port", &one.identity.name]), says).blaming(thing),
            ])
        }
        Some(_) | None => none(),
    }
}

/// A port of the registry that leads into the container, where nothing listens on it, and something on another.
fn unserved(subject: Subject<'_>, around: &Around, listens: &[std::net::SocketAddr]) -> Option<(String, String)> {
    let is_host = around.network_mode == "host" || around.network_mode.contains(':');
    if subject.health.health != Some(Verdict::Fail) || is_host || listens.is_empty() {
        return None;
    }
    let registered = subject.service.probes.iter().filter_map(crate::registry::Probe::port);
    registered.into_iter().find_map(|port| {
        let published = around.ports.iter().find(|published| published.port == port)?;
        let inside: u16 = published.inside.strip_suffix("/tcp")?.parse().ok()?;
        let own: Vec<_> = listens.iter().filter(|address| address.port() == inside).collect();
        if own.iter().any(|address| !address.ip().to_canonical().is_loopback()) {
            return None;
        }
        let all = if own.is_empty() { listens.iter().collect() } else { own };
        let mut all: Vec<String> = all
            .into_iter()
            .map(|address| match address.ip().is_unspecified() {
                true => format!(":{}", address.port()),
                false => address.to_string(),
            })
            .collect();
        all.sort();
        all.dedup();
        let thing = all.join(", ");
        let says = format!(
            "port {port} is mapped to :{inside} of the container, where nothing listens; its processes listen on \
             {thing}"
        );
        Some((says, thing))
    })
}

/// Hosts that its environment names, which are containers that run and share no network with it.
fn unresolved(case: &Case<'_>, container: &ContainerState, around: &Around) -> Vec<(String, String)> {
    let managers = &case.evidence.managers;
    let known = managers.containers.iter().filter_map(|answer| answer.result.as_ref().ok()).flatten();
    let unmanaged_containers = managers.unmanaged_containers.iter().filter_map(|unmanaged| unmanaged.detail.as_ref());
    let others: Vec<&ContainerState> = known
        .chain(unmanaged_containers)
        .filter(|other| other.status == "running" && other.id != container.id)
        .collect();
    let networks = |one: &ContainerState| one.surroundings.as_ref().map(|a| a.networks.clone()).unwrap_or_default();
    let own = networks(container);
    let mut found = Vec::new();
    let is_alone = matches!(around.network_mode.as_str(), "host") || around.network_mode.contains(':');
    for (key, host) in around.hosts.iter().filter(|(_, host)| !is_alone && !around.extra_hosts.contains(host)) {
        let answers = |other: &ContainerState, name: &str| {
            let all = networks(other);
            other.identity.name == name
                || other.identity.service == name
                || all.iter().any(|network| network.names.iter().any(|alias| alias == name))
        };
        let meant: Vec<&&ContainerState> = others.iter().filter(|other| answers(other, host)).collect();
        let shares = |other: &ContainerState| {
            // Names are resolved on networks that somebody made, not on the common one.
            networks(other)
                .iter()
                .any(|theirs| theirs.name != "bridge" && own.iter().any(|network| network.id == theirs.id))
        };
        if let Some(first) = meant.first().filter(|_| !meant.iter().any(|other| shares(other))) {
            let names = |list: &[crate::host::tools::surroundings::Network]| match list {
                [] => "no network".to_owned(),
                list => list.iter().map(|network| network.name.as_str()).collect::<Vec<_>>().join(", "),
            };
            let theirs = names(&networks(first));
            let says = format!("{key} names {host}, which is on {theirs}; this container is on {}", names(&own));
            found.push((says, host.clone()));
        }
    }
    found
}
