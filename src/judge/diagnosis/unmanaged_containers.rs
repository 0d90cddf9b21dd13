//! Containers that no service of the registry is, one by one: what the engine states of each, and its last lines.

use super::case::Case;
use super::outcome::Fact;
use super::reasons::{describe, of_other, run_of_other};
use crate::host::tools::command::Command;
use crate::host::tools::docker::ContainerState;
use crate::host::tools::excerpt;
use crate::host::tools::surroundings::{Surroundings, unable};
use crate::observe::probe::UnmanagedContainer;
use crate::reasons::{Reason, last_lines};
use crate::registry::Family;
use crate::units::bytes;

/// How many last lines are quoted where no reason is known.
const QUOTED: usize = 3;
/// The exit code of what was killed: 128 and 9.
const KILLED: i64 = 137;

/// What proves why a container is unhealthy. The first fact names the container, and one of them says in a sentence why (`thing`).
pub(super) fn facts(case: &Case<'_>, other: &UnmanagedContainer, ailment: &str, ran: &Command) -> Vec<Fact> {
    let name = &other.listed.identity.name;
    let first = Fact::new(Command::new(["docker", "ps", "--all"]), format!("{name} ({ailment})"));
    let mut facts = vec![first.ran(ran).about(name.clone())];
    let by_engine = other.detail.as_ref().and_then(|detail| stated(detail, ailment));
    match by_engine {
        Some((words, says)) => {
            let inspect = Command::new(["docker", "inspect", name]);
            facts.push(Fact::new(inspect, format!("{name}: {says}")).blaming(words));
        }
        None => facts.extend(by_lines(case, other)),
    }
    if facts.iter().all(|fact| fact.thing.is_none()) {
        facts[0].thing = Some(format!("keeps failing: {}", ailment.split(": ").last().unwrap_or(ailment)));
    }
    facts
}

fn around(other: &UnmanagedContainer) -> Option<&Surroundings> {
    other.detail.as_ref()?.surroundings.as_ref()
}

/// What the engine states of it: that it was killed for want of memory, or what its health check came to.
fn stated(detail: &ContainerState, ailment: &str) -> Option<(String, String)> {
    let around = detail.surroundings.as_ref();
    let limit = around.map_or(0, |around| around.memory_limit);
    let kills = detail.bounds.map_or(0, |bounds| bounds.kills);
    if detail.oom_killed || (kills > 0 && limit > 0) {
        let words = match limit {
            0 => "is killed: the host is out of memory".to_owned(),
            limit => format!("is killed at its memory limit of {}", bytes(limit)),
        };
        let how = if kills > 0 {
            format!("{kills} processes killed in this run")
        } else {
            format!("OOMKilled, exit {}", detail.exit_code)
        };
        let limit = if limit > 0 { format!("memory limit {}", bytes(limit)) } else { "no memory limit".to_owned() };
        return Some((words, format!("{how}, {limit}")));
    }
    if detail.health.as_deref() == Some("unhealthy") {
        let (program, exit, output) = around?.check.as_ref()?;
        let said = excerpt(output.lines().find(|line| !line.trim().is_empty()).unwrap_or_default());
        let program = excerpt(program);
        let words = match unable(*exit, output) {
            Some(why) if why.contains("time") => format!("is unhealthy: its health check \"{program}\" {why}"),
            Some(_) => format!("is unhealthy: it cannot run its health check \"{program}\": {said}"),
            None => format!("is unhealthy: its health check \"{program}\" fails, exit {exit}"),
        };
        return Some((words, format!("health check \"{program}\": exit {exit}, {said}")));
    }
    // Of one that was killed, and not for want of memory, the lines say nothing.
    (detail.exit_code == KILLED && !ailment.contains("never started"))
        .then(|| ("is killed by signal 9 (KILL)".to_owned(), format!("exit {KILLED}, OOMKilled=false")))
}

/// Why it failed in the engine's or its own words, else its last lines.
fn by_lines(case: &Case<'_>, other: &UnmanagedContainer) -> Vec<Fact> {
    let name = &other.listed.identity.name;
    let logs = || Command::new(["docker", "logs", "--tail", "40", name]);
    let Some((reason, line)) = of_other(case, name) else {
        let (command, lines) =
            run_of_other(case, name).map_or((logs(), Vec::new()), |(command, lines)| (command.clone(), lines));
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        return last_lines(&texts, QUOTED)
            .into_iter()
            .map(|at| Fact::new(&command, format!("{name}: {}", texts[at])))
            .collect();
    };
    let is_error = other.detail.as_ref().is_some_and(|detail| !detail.error.trim().is_empty());
    let command = if is_error { Command::new(["docker", "inspect", name]) } else { logs() };
    let mut facts = Vec::new();
    let (words, more) = match directory(case, other, &reason) {
        Some((words, fact)) => (words, Some(fact)),
        None => match publisher(case, other, &reason) {
            Some(holder) => (format!("{} by container {holder}", reason.words()), Some(published(&holder, &reason))),
            None => (reason.words(), None),
        },
    };
    facts.push(Fact::new(command, format!("{name}: {line}")).blaming(words));
    facts.extend(more);
    facts
}

/// Sources of mounts on the host that may be the thing: where it names a path those at that path, else those that look like files.
pub(super) fn sources<'a>(other: &'a UnmanagedContainer, reason: &Reason) -> Vec<&'a str> {
    if reason.family != Family::WrongKind {
        return Vec::new();
    }
    let binds = around(other).into_iter().flat_map(|around| &around.mounts).filter(|mount| mount.kind == "bind");
    let is_meant = |target: &str, source: &str| match reason.path() {
        Some(path) => target == path || source == path,
        None => target.rsplit('/').next().is_some_and(|last| last.trim_start_matches('.').contains('.')),
    };
    binds.filter(|mount| is_meant(&mount.target, &mount.source)).map(|mount| mount.source.as_str()).collect()
}

/// A directory where a file is wanted: what the engine makes where the source of a mount is missing.
fn directory(case: &Case<'_>, other: &UnmanagedContainer, reason: &Reason) -> Option<(String, Fact)> {
    let found = |source: &str| {
        let file = case.clues.named.get(source)?.result.as_ref().ok()?.as_ref().filter(|file| file.is_dir)?;
        let words = format!("cannot use {source}: it is a directory, and a file is needed");
        let says = format!("{}: docker creates one if the source of a mount is missing", describe(source, file));
        Some((words, Fact::new(Command::new(["ls", "-ld", source]), says)))
    };
    sources(other, reason).into_iter().find_map(found)
}

/// The other container that publishes the port.
fn publisher(case: &Case<'_>, other: &UnmanagedContainer, reason: &Reason) -> Option<String> {
    let port = reason.port().filter(|_| reason.family == Family::AddressInUse)?;
    let all = case.evidence.managers.listed.as_ref()?.result.as_ref().ok()?;
    let is_it = |listed: &&crate::host::tools::docker::Listed| {
        listed.identity.name != other.listed.identity.name
            && listed.ports.iter().any(|published| published.port == port)
    };
    all.iter().find(is_it).map(|listed| listed.identity.name.clone())
}

fn published(holder: &str, reason: &Reason) -> Fact {
    let port = reason.port().unwrap_or_default();
    Fact::new(
        Command::new(["docker", "port", holder]),
        format!("port {port} of this host is published by container {holder}"),
    )
}
