//! What programs say of why they failed, held against what is known of the things that they name.

use super::Finding;
use super::case::{Case, Subject};
use super::holder::described;
use super::outcome::{Conclusion, Fact};
use super::words::{Lines, lines_of};
use crate::host::tools::command::Command;
use crate::host::tools::docker::ContainerState;
use crate::judge::health;
use crate::observe::clues::FileFound;
use crate::observe::logs::line::Said;
use crate::observe::probe::is_container_of;
use crate::reasons::{self, Reason};
use crate::registry::{Cause, Clue, Depth, Family, Manager, Service, State, Verdict, Window, usual};
use crate::units;

/// How many last lines are quoted where no reason is known.
const QUOTED: usize = 5;
/// How many of one unit that no service is.
const QUOTED_OF_OTHER: usize = 3;
/// How long before its last line the lines of a unit that no service is still belong to its last run.
const OF_OTHER: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);
/// How long ago something that runs on may have said why it does not work.
const LATELY: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

/// The reason that decides, and what shows it.
pub(super) struct Found {
    pub(super) reason: Reason,
    /// The line that says so, and the one before it that names the thing.
    facts: Vec<Fact>,
}

/// Whether a service in this state has a last run whose lines say why it is as it is, and whether that run has ended. Of what was
/// stopped on purpose, or never began, they say nothing.
fn last_run(state: State) -> Option<bool> {
    match state {
        State::Failed | State::CrashLoop | State::Restarting | State::Starting => Some(true),
        State::Running | State::Completed | State::Partial | State::Unmanaged => Some(false),
        State::Waiting
        | State::Stopping
        | State::Paused
        | State::Stopped
        | State::Skipped
        | State::Masked
        | State::NotFound
        | State::Unknown => None,
    }
}

/// Its container, where it has one.
pub(super) fn container<'a>(case: &Case<'a>, service: &Service) -> Option<&'a ContainerState> {
    let all = case.evidence.managers.containers.as_ref()?.result.as_ref().ok()?;
    let is_own =
        |state: &&ContainerState| service.managers.iter().any(|manager| is_container_of(manager, &state.identity));
    all.iter().find(is_own)
}

fn is_contained(service: &Service) -> bool {
    service.managers.iter().any(|manager| matches!(manager, Manager::Compose(_) | Manager::Docker(_)))
}

/// Why the engine could not start its container.
fn refused(case: &Case<'_>, service: &Service) -> Option<Found> {
    let state = container(case, service).filter(|state| state.status != "running" && !state.error.trim().is_empty())?;
    let error = state.error.trim();
    let reason = reasons::read([error])?;
    let command = Command::new(["docker", "inspect", &state.identity.name]);
    Some(Found { facts: vec![Fact::new(command, crate::host::tools::excerpt(error))], reason })
}

/// The reason that its last run, or its manager, gives; none where that gives none.
pub(super) fn find(case: &Case<'_>, subject: Subject<'_>) -> Result<Option<Found>, Conclusion> {
    if let Some(found) = refused(case, subject.service) {
        return Ok(Some(found));
    }
    if subject.health.state == State::Unknown {
        return Err(Conclusion::unknown(super::service::doubt(subject)));
    }
    let Some(has_ended) = last_run(subject.health.state) else { return Ok(None) };
    let lines = lines_of(case, subject, Window::Run)?;
    let reason = reasons::read(lines.all.iter().map(|line| line.text.as_str()));
    // What runs on has survived what it said long ago, and the ends of its children.
    let still_holds = |reason: &Reason| {
        let time = lines.all.get(reason.line).and_then(|line| line.time);
        let is_late = time.is_none_or(|time| time >= units::earlier(case.evidence.time, LATELY));
        has_ended || (is_late && !reason.family.is_an_end())
    };
    match reason.filter(still_holds) {
        Some(reason) => {
            let quoted = reason.names.into_iter().chain([reason.line]);
            let facts = quoted.filter_map(|index| lines.all.get(index)).map(|line| lines.fact(line)).collect();
            Ok(Some(Found { reason, facts }))
        }
        None => lines.doubt(case, subject).map_or(Ok(None), Err),
    }
}

pub(super) fn reports(case: &Case<'_>, subject: Subject<'_>, family: Family) -> Conclusion {
    match find(case, subject) {
        Err(unknown) => unknown,
        Ok(None) => {
            let command = Command::own(["logs", subject.service.name]);
            Conclusion::RuledOut(vec![Fact::new(command, "its last run has no such reason")])
        }
        Ok(Some(Found { reason, facts })) if reason.family != family => Conclusion::RuledOut(facts),
        Ok(Some(Found { reason, mut facts })) => {
            let thing = in_compose_file(case, subject.service, &reason, &facts);
            for fact in &mut facts {
                fact.thing = Some(thing.clone().unwrap_or_else(|| reason.about().to_owned()));
            }
            let known = looked_up(case, Some(subject.service), &reason);
            // What the line does not name, what was found may.
            if let Some(thing) = known.iter().find_map(|fact| fact.thing.clone()).filter(|_| reason.thing.is_none()) {
                for fact in &mut facts {
                    fact.thing = Some(thing.clone());
                }
            }
            facts.extend(known);
            Conclusion::Proven(facts)
        }
    }
}

/// Compose names the line of what it cannot parse, and not the file.
fn in_compose_file(case: &Case<'_>, service: &Service, reason: &Reason, facts: &[Fact]) -> Option<String> {
    let number = reason.thing.as_deref()?.strip_prefix("line ")?;
    let is_compose = reason.family == Family::SyntaxError && facts.iter().any(|fact| fact.says.contains("yaml: "));
    let files = service.managers.iter().find_map(|manager| match manager {
        Manager::Compose(compose) => Some(compose.files),
        Manager::Systemd(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
    });
    let is_there = |path: &&&str| {
        let found = case.clues.files.get(**path).and_then(|answer| answer.result.as_ref().ok());
        found.is_some_and(Option::is_some)
    };
    let file = files.filter(|_| is_compose)?;
    let file = file.iter().find(is_there).or_else(|| file.first().filter(|_| file.len() == 1))?;
    Some(format!("{file}, line {number}"))
}

/// What is known of the thing that a reason names.
fn looked_up(case: &Case<'_>, service: Option<&Service>, reason: &Reason) -> Vec<Fact> {
    let mut facts = Vec::new();
    // In a container a path is another one.
    let is_here = service.is_none_or(|service| !is_contained(service));
    if let Some(path) = reason.path().filter(|_| is_here) {
        let known = paths(path).filter_map(|path| Some((path, case.clues.named.get(path)?.result.as_ref().ok()?)));
        let found: Vec<(&str, &Option<FileFound>)> = known.collect();
        let fact = |path: &str, says: String| Fact::new(Command::new(["ls", "-ld", path]), says);
        match found.as_slice() {
            [(path, Some(file)), ..] => facts.push(fact(path, describe(path, file))),
            [(path, None), rest @ ..] => {
                facts.push(fact(path, format!("{path} does not exist")));
                let nearest = rest.iter().find_map(|(path, file)| Some((path, file.as_ref()?)));
                facts.extend(nearest.map(|(path, file)| fact(path, describe(path, file))));
            }
            [] => {}
        }
    }
    let beside = service.and_then(|service| case.clues.pairs.get(service.name)).into_iter().flatten();
    let foreign =
        beside.filter(|pair| reason.family == Family::CertificateUnusable && pair.facts.belongs == Some(false));
    facts.extend(foreign.map(|pair| {
        let says = format!("{} is not the key of {}", pair.key, pair.certificate);
        Fact::new(Command::new(["openssl", "pkey", "-pubout", "-in", &pair.key]), says).blaming(pair.key.clone())
    }));
    let Some(port) = reason.port() else { return facts };
    match reason.family {
        Family::AddressInUse => {
            let listeners = case.clues.listeners.iter().filter_map(|answer| answer.result.as_ref().ok()).flatten();
            let holder = listeners.filter(|(other, _)| *other == port).find_map(|(_, holder)| holder.as_ref());
            facts.extend(holder.map(|(pid, name)| {
                let command = Command::new(["ss", "-Hltnp", &format!("sport = :{port}")]);
                let who = described(case.clues.homes.get(pid), *pid, name);
                Fact::new(command, format!("port {port} is held by {who}"))
            }));
        }
        family if family.is_of_a_peer() => {
            let own = |other: &&&'static Service| {
                other.ports.contains(&port) && service.is_none_or(|service| service.name != other.name)
            };
            let peer = case.services.iter().filter(own).find_map(|other| case.subject(other));
            facts.extend(peer.map(|peer| {
                let health = peer.health;
                let state = if health.summary.is_empty() { "healthy" } else { &health.summary };
                let says = format!("port {port} belongs to {}: {state}", health.name);
                Fact::new(Command::own(["status", &health.name]), says)
            }));
        }
        _ => {}
    }
    facts
}

pub(super) fn describe(path: &str, file: &FileFound) -> String {
    let what = if file.is_dir { "directory" } else { "file" };
    format!("{path}: {what} of {}, mode {:04o}", file.owner, file.mode)
}

/// A path, and those of the directories that it lies in.
pub(super) fn paths(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(parent, _)| parent)).filter(|p| !p.is_empty())
}

/// The lines of the last run of something that no service is.
pub(super) fn run_of_other<'a>(case: &Case<'a>, name: &str) -> Option<(&'a Command, Vec<&'a Said>)> {
    let answer = case.clues.others.get(name)?;
    let lines = answer.result.as_ref().ok()?;
    let last = lines.iter().filter_map(|line| line.time).max();
    let bound = last.map(|last| units::earlier(last, OF_OTHER));
    let run = lines.iter().filter(|line| line.time.is_none() || line.time >= bound);
    Some((&answer.command, run.collect()))
}

pub(super) fn of_other(case: &Case<'_>, name: &str) -> Option<(Reason, String)> {
    let unmanaged = case.evidence.managers.unmanaged_containers.iter().find(|other| other.listed.identity.name == name);
    let error = unmanaged.and_then(|other| other.detail.as_ref()).map(|detail| detail.error.trim());
    if let Some(error) = error.filter(|error| !error.is_empty())
        && let Some(reason) = reasons::read([error])
    {
        return Some((reason, crate::host::tools::excerpt(error)));
    }
    let (_, lines) = run_of_other(case, name)?;
    let mut reason = reasons::read(lines.iter().map(|line| line.text.as_str()))?;
    let line = lines.get(reason.line)?.text.clone();
    if let Some(setting) = setting_of(case, name, reason.family) {
        reason.thing = Some(setting);
    }
    Some((reason, line))
}

/// What systemd's complaint is about and does not name: the user or the working directory that the unit has.
fn setting_of(case: &Case<'_>, name: &str, family: Family) -> Option<String> {
    let ended = |code: u32| {
        case.evidence
            .managers
            .all_units()
            .find(|unit| unit.id == name && unit.exit_kind == 1 && unit.exit_status == code)
    };
    match family {
        Family::FileMissing => ended(200).map(|unit| unit.working_directory.clone()),
        Family::AccountMissing => ended(217).map(|unit| unit.user.clone()),
        _ => None,
    }
    .filter(|setting| !setting.is_empty())
}

/// A fact about something that no service is, and why it failed in its own words, else its last lines.
pub(super) fn with_lines(case: &Case<'_>, name: &str, fact: Fact) -> Vec<Fact> {
    let mut facts = vec![fact];
    let Some(answer) = case.clues.others.get(name) else { return facts };
    let quoted = |says: String| Fact::new(&answer.command, says);
    let found = of_other(case, name);
    // That it was killed is what systemd did, and why, systemd knows.
    let is_vague = found.as_ref().is_none_or(|(reason, _)| reason.family.is_an_end());
    let unit = case.evidence.managers.all_units().find(|unit| unit.id == name).filter(|_| is_vague);
    if let Some(words) = unit.and_then(health::ended_by_manager) {
        facts[0].thing = Some(words);
        facts.extend(found.map(|(_, line)| quoted(format!("{name}: {line}"))));
        return facts;
    }
    if let Some((reason, line)) = found {
        facts.push(quoted(format!("{name}: {line}")).blaming(reason.words()));
        facts.extend(looked_up(case, None, &reason));
    } else {
        let (_, lines) = run_of_other(case, name).unwrap_or((&answer.command, Vec::new()));
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let last = reasons::last_lines(&texts, QUOTED_OF_OTHER);
        facts.extend(last.into_iter().map(|index| quoted(format!("{name}: {}", texts[index]))));
    }
    facts
}

/// What is wrong with several units or containers, one by one where the reason of one is known: what proves it, and in a sentence.
/// The rest stays together.
pub(super) fn apart(clue: &Clue, facts: Vec<Fact>) -> Vec<(Vec<Fact>, Option<String>)> {
    if !matches!(clue, Clue::FailedUnits | Clue::LoopingUnits | Clue::UnmanagedContainers | Clue::Unmanaged(_)) {
        return vec![(facts, None)];
    }
    let mut groups: Vec<Vec<Fact>> = Vec::new();
    for fact in facts {
        match groups.last_mut().filter(|_| fact.names.is_empty()) {
            Some(group) => group.push(fact),
            None => groups.push(vec![fact]),
        }
    }
    // The cause says in its own words what is wrong with each.
    if matches!(clue, Clue::Unmanaged(_)) {
        return groups.into_iter().map(|group| (group, None)).collect();
    }
    let sentence = |group: &Vec<Fact>| {
        let words = group.iter().find_map(|fact| fact.thing.as_deref())?;
        Some(format!("{} {words}", group.first()?.names.first()?))
    };
    let (known, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| sentence(group).is_some());
    let mut parts: Vec<(Vec<Fact>, Option<String>)> = known
        .into_iter()
        .map(|mut group| {
            let words = sentence(&group);
            // Of a container its own name stands in commands.
            if matches!(clue, Clue::UnmanagedContainers) {
                let name = group.first().and_then(|fact| fact.names.first().cloned());
                for (at, fact) in group.iter_mut().enumerate() {
                    fact.thing = name.clone().filter(|_| at == 0);
                }
            }
            (group, words)
        })
        .collect();
    parts.extend((!rest.is_empty()).then(|| (rest.into_iter().flatten().collect(), None)));
    parts
}

/// Adds the last lines of the run to what only says that a service failed.
pub(super) fn quote(case: &Case<'_>, finding: &mut Finding) {
    let quotes = [&usual::CRASH_LOOP, &usual::START_LIMIT, &usual::START_TIMEOUT, &usual::FAILED, &usual::UNHEALTHY]
        .into_iter()
        .chain([&usual::NO_ANSWER, &usual::BAD_ANSWER]);
    let is_one = |cause: &&Cause| std::ptr::eq(*cause, finding.cause) || cause.code == finding.cause.code;
    if finding.cause.depth != Depth::Effect || !{ quotes }.any(|cause| is_one(&cause)) {
        return;
    }
    let Some(subject) = finding.service.and_then(|service| case.subject(service)) else { return };
    let Ok(lines) = lines_of(case, subject, Window::Run) else { return };
    finding.facts.extend(last_facts(&lines));
}

fn last_facts(lines: &Lines<'_>) -> Vec<Fact> {
    let texts: Vec<&str> = lines.all.iter().map(|line| line.text.as_str()).collect();
    let last = reasons::last_lines(&texts, QUOTED);
    last.into_iter().filter_map(|index| lines.all.get(index)).map(|line| lines.fact(line)).collect()
}

/// The family of a finding that is what a service's own words say.
fn family(finding: &Finding) -> Option<Family> {
    family_of(&finding.cause.proof)
}

pub(super) fn family_of(clue: &Clue) -> Option<Family> {
    match clue {
        Clue::Reports(family) => Some(*family),
        Clue::All(parts) => parts.iter().find_map(family_of),
        _ => None,
    }
}

/// What the manager of a service knows better than its log, with the families that are the same.
static SAME: &[(&Cause, &[Family])] = &[
    (&usual::PROGRAM_MISSING, &[Family::NotExecutable, Family::FileMissing]),
    (&usual::USER_MISSING, &[Family::AccountMissing]),
    (&usual::DIRECTORY_MISSING, &[Family::FileMissing]),
    (&usual::PORT_TAKEN, &[Family::AddressInUse]),
    (&usual::NO_SPACE, &[Family::NoSpace]),
    (&usual::ENV_KEY_MISSING, &[Family::SettingMissing]),
    (&usual::OUT_OF_MEMORY, &[Family::OutOfMemory, Family::Killed]),
    (&usual::DISK_FULL, &[Family::NoSpace]),
];

/// Leaves out what a service's own words say in general where another cause of the same subject says it better: one that quotes
/// the same line, or one of the same family, or that names the same thing.
pub(super) fn without_repeats(proven: Vec<Finding>) -> Vec<Finding> {
    let is_better = |own: &Finding, own_family: Family, other: &Finding| {
        let is_root = other.cause.depth == Depth::Root && other.cause.verdict == Verdict::Fail;
        let is_same = |(cause, families): &(&Cause, &[Family])| {
            std::ptr::eq(*cause, other.cause) && families.contains(&own_family)
        };
        let thing = own.thing().unwrap_or_default();
        let quoted: Vec<&str> =
            own.facts.iter().filter(|fact| fact.thing.is_some()).map(|fact| fact.says.as_str()).collect();
        let names = |fact: &Fact| {
            (thing.len() > 4 && fact.says.contains(thing) && thing.contains(['/', ':']))
                || quoted.contains(&fact.says.as_str())
                || reasons::read([fact.says.as_str()]).is_some_and(|reason| reason.family == own_family)
        };
        let about_env_file = std::ptr::eq(&raw const usual::ENV_FILE_MISSING, std::ptr::from_ref(other.cause));
        let is_env_file = about_env_file && own_family == Family::FileMissing && !thing.starts_with('/');
        family(other).is_none()
            && is_root
            && own.service.map(|service| service.name) == other.service.map(|service| service.name)
            && (SAME.iter().any(is_same) || is_env_file || other.facts.iter().any(names))
    };
    let better: Vec<Option<usize>> = proven
        .iter()
        .map(|own| family(own).and_then(|family| proven.iter().position(|other| is_better(own, family, other))))
        .collect();
    let mut kept: Vec<Option<Finding>> = Vec::new();
    let mut lent: Vec<(usize, Vec<Fact>)> = Vec::new();
    for (finding, better) in proven.into_iter().zip(better) {
        match better {
            None => kept.push(Some(finding)),
            Some(other) => {
                // What it quotes is evidence of the better one as well.
                lent.push((other, finding.facts));
                kept.push(None);
            }
        }
    }
    for (other, facts) in lent {
        let Some(finding) = kept.get_mut(other).and_then(Option::as_mut) else { continue };
        let is_new = |fact: &Fact| finding.facts.iter().all(|known| !known.says.contains(&fact.says));
        let new: Vec<Fact> = facts.into_iter().filter(is_new).map(Fact::only_evidence).collect();
        finding.facts.extend(new);
    }
    kept.into_iter().flatten().collect()
}

/// The finding about the server that a service cannot reach, or is refused by: the deeper of the two.
pub(super) fn peer(all: &[Finding], index: usize) -> Option<usize> {
    let own = &all[index];
    let own_family = family(own)?;
    let service = own.service?;
    let port = own.thing().and_then(reasons::port_of);
    let is_needed = |other: &Service| service.needs.iter().any(|needed| needed.name == other.name);
    let is_it = |other: &Finding| {
        let Some(peer) = other.service.filter(|peer| peer.name != service.name) else { return false };
        let listens = port.is_some_and(|port| peer.ports.contains(&port));
        let by_need = is_needed(peer)
            && match own_family {
                family if family.is_of_a_peer() => port.is_none() || listens,
                Family::ConnectionsExhausted | Family::ReadOnly | Family::AuthRefused => true,
                // What a client does not find there.
                Family::ObjectMissing | Family::SchemaMismatch => other.cause.depth == Depth::Root,
                _ => false,
            };
        other.cause.verdict == Verdict::Fail && (by_need || (own_family.is_of_a_peer() && listens))
    };
    (0..all.len()).find(|at| *at != index && is_it(&all[*at]))
}
