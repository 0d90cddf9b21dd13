//! What surrounds a service's container: networks, ports, mounts, bounds.

use super::case::{Case, Subject, told};
use super::outcome::{Conclusion, Fact};
use crate::host::tools::command::Command;
use crate::host::tools::docker::ContainerState;
use crate::host::tools::surroundings::{Surroundings as Around, missing_part, unable};
use crate::host::trouble::Trouble;
use crate::observe::clues::Wants;
use crate::observe::probe::{Answer, Reply, is_container_of};
use crate::registry::{Manager, Surroundings, Verdict};
use crate::units::bytes;

/// Per cent of its limit at which a container's memory is tight.
const TIGHT: u64 = 95;
/// Of how many periods the throttled share says something: a period is a tenth of a second.
const PERIODS: u64 = 100;

/// What has to be looked at: the compose file where a policy is missing or a container is, the mounts of what runs.
pub(super) fn want(case: &Case<'_>, subject: Subject<'_>, wants: &mut Wants) {
    let known = case.evidence.managers.containers.as_ref().is_some_and(|answer| answer.result.is_ok());
    if has_container(subject) && known {
        let own = container(case, subject).map(|container| container.id.clone());
        wants.surroundings.insert(subject.service.name, (subject.service, own));
    }
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
    let needs_look = matches!(clue, Surroundings::PolicyLost | Surroundings::MountGone);
    if needs_look && looked.is_none() && has_container(subject) {
        return Conclusion::unknown("it was not asked");
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
            inspect(format!("its restart policy is {has}, {file} says {policy}")).blaming(policy.clone())
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
            let hurts = running && around.cpu_limited && subject.health.verdict != Verdict::Pass;
            let says = format!("held back in {} of {} periods", bounds.throttled, bounds.periods);
            any((held && hurts).then(|| inspect(says)))
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
        (true, []) => Some(format!("it was made for network {mode} and is on no network")),
        (true, names) => Some(format!("it was made for network {mode} and is on {} only", names.join(", "))),
        // Somebody may have moved it from the common network to one of its own.
        (false, []) if matches!(mode, "default" | "bridge") => Some("it is on no network".to_owned()),
        (false, _) => None,
    }
}

/// Where it publishes, where its main port of the registry is not among that and does not answer.
fn elsewhere(case: &Case<'_>, subject: Subject<'_>, around: &Around) -> Option<(String, String)> {
    let open = |address: &str| matches!(address, "" | "0.0.0.0" | "::" | "127.0.0.1" | "::1");
    // What nobody answers at, of what is asked.
    let silent = subject.service.probes.iter().zip(&case.evidence.replies[subject.index]);
    let mut silent = silent.filter(|(_, answer)| matches!(answer.result, Ok(Reply::Silent(_))));
    let published = |wanted: u16| around.ports.iter().any(|port| port.port == wanted && open(&port.address));
    let wanted = silent.find_map(|(probe, _)| probe.port().filter(|port| !published(*port)))?;
    if subject.health.health != Some(Verdict::Fail) || around.network_mode == "host" {
        return None;
    }
    let mut others: Vec<String> =
        around
            .ports
            .iter()
            .map(|port| {
                if open(&port.address) { format!(":{}", port.port) } else { format!("{}:{}", port.address, port.port) }
            })
            .collect();
    others.sort();
    others.dedup();
    match others.as_slice() {
        [] if around.networks.is_empty() => None,
        [] => Some((format!("it publishes no port, the registry has :{wanted}"), "no port".to_owned())),
        others => {
            Some((format!("it is published at {}, the registry has :{wanted}", others.join(", ")), others.join(", ")))
        }
    }
}

/// Hosts that its environment names, which are containers that run and share no network with it.
fn unresolved(case: &Case<'_>, container: &ContainerState, around: &Around) -> Vec<(String, String)> {
    let managers = &case.evidence.managers;
    let known = managers.containers.iter().filter_map(|answer| answer.result.as_ref().ok()).flatten();
    let strangers = managers.strangers.iter().filter_map(|stranger| stranger.detail.as_ref());
    let others: Vec<&ContainerState> =
        known.chain(strangers).filter(|other| other.status == "running" && other.id != container.id).collect();
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
