//! What explains what, and what is told first.

use super::{Case, DISK, Finding, mentions, reasons};
use crate::observe::clues::drift::daemons::{Daemon, daemon};
use crate::registry::{About, Checker, Clue, Depth, EnvClue, Family, Footing, Service, Verdict, usual};

/// Leaves out what a better finding of the same subject says, folds what follows from something else under it, and puts what
/// explains most first, then by verdict and severity.
pub(super) fn arrange(case: &Case<'_>, proven: Vec<Finding>) -> Vec<Finding> {
    let mut kept = without_weaker(reasons::without_repeats(proven));
    let mut roots: Vec<Finding> = Vec::new();
    // Each finding goes under the one that explains it, which may itself be under another.
    let parents: Vec<Option<usize>> = (0..kept.len()).map(|index| parent(case, &kept, index)).collect();
    let mut slots: Vec<Option<Finding>> = kept.drain(..).map(Some).collect();
    for index in 0..slots.len() {
        let Some(top) = top(&parents, index).filter(|top| *top != index) else { continue };
        if let (Some(folded), Some(parent)) = (slots[index].take(), slots.get_mut(top).and_then(Option::as_mut)) {
            parent.folded.push(folded);
        }
    }
    roots.extend(slots.into_iter().flatten());
    let rank = |finding: &Finding| {
        let known = case.deployment.severities.iter();
        known.into_iter().position(|level| level.id == finding.severity.id)
    };
    // Stable: what is alike stays in the registry's order.
    roots.sort_by_key(|finding| {
        let wide = finding.is_wide() && (!finding.cause.explains.is_empty() || !finding.folded.is_empty());
        (std::cmp::Reverse(finding.cause.verdict), !wide, rank(finding), finding.folded.is_empty())
    });
    roots
}

/// Of each subject all roots; where none of them fails, its first effect.
fn without_weaker(proven: Vec<Finding>) -> Vec<Finding> {
    let name = |finding: &Finding| finding.service.map(|service| service.name);
    let explained: Vec<_> = proven
        .iter()
        .filter(|f| f.cause.depth == Depth::Root && f.cause.verdict == Verdict::Fail && f.service.is_some())
        .map(name)
        .collect();
    let mut kept: Vec<Finding> = Vec::new();
    for finding in proven {
        let effect = finding.cause.depth == Depth::Effect;
        let said = |other: &Finding| other.cause.depth == Depth::Effect && name(other) == name(&finding);
        let weaker =
            effect && finding.service.is_some() && (explained.contains(&name(&finding)) || kept.iter().any(said));
        if !weaker {
            kept.push(finding);
        }
    }
    kept
}

/// The finding that explains this one, if any does.
fn parent(case: &Case<'_>, all: &[Finding], index: usize) -> Option<usize> {
    let own = &all[index];
    let name = |finding: &Finding| finding.service.map(|service| service.name);
    // What any service may have explains what the same one has, one that needs it, or one that it names: not what another has
    // by chance.
    let reaches = |other: &Finding| match (other.service, own.service) {
        (Some(theirs), Some(service)) if matches!(other.cause.about, About::Each) => {
            theirs.name == service.name
                || service.needs.iter().any(|need| need.name == theirs.name)
                || other.thing().and_then(|thing| thing.split([' ', ',']).next()) == Some(service.name)
        }
        // What a program rejects is its own configuration.
        (None, Some(service)) => match other.cause.proof {
            Clue::Footing(Footing::Rejected(checker)) => daemon(service) == reader(checker),
            _ => true,
        },
        // Deleted files explain the file systems that they lie on.
        (None, None) if mentions(&other.cause.proof, &|clue| matches!(clue, Clue::Footing(Footing::DeletedFiles))) => {
            let held = other.facts.iter().filter(|fact| fact.thing.is_some()).flat_map(|fact| &fact.names);
            let held: Vec<&str> = held.filter_map(|name| name.strip_prefix(DISK)).collect();
            own.mounts().iter().all(|mount| held.contains(mount))
        }
        (_, _) => true,
    };
    let by_cause = |other: &Finding| {
        let explains = other.cause.explains.iter().any(|cause| std::ptr::eq(*cause, own.cause));
        // It listens where its configuration says, and finds that taken.
        let is_taken = reasons::family_of(&own.cause.proof) == Some(Family::AddressInUse);
        let by_port = is_taken && is_of_port(other) && name(other) == name(own);
        reaches(other) && (explains || by_port || (is_of_port(own) && says_whose_port(other)))
    };
    let candidates = || all.iter().enumerate().filter(|(other, _)| *other != index);
    let nearest = candidates().filter(|(_, other)| by_cause(other)).max_by_key(|(_, other)| name(other) == name(own));
    if let Some((parent, _)) = nearest {
        return Some(parent);
    }
    if let Some(peer) = reasons::peer(all, index) {
        return Some(peer);
    }
    // Only what says nothing of its own reason is put down to what it needs.
    let service = own.service.filter(|_| own.cause.depth == Depth::Effect)?;
    let Some(cause) = case.subject(service)?.health.cause.as_deref() else {
        // What it needs may answer and yet be of no use to it: its state says so.
        let of_need = |other: &Finding| {
            let needed = |need: &Service| other.service.is_some_and(|service: &Service| service.name == need.name);
            is_state(other) && other.cause.verdict == Verdict::Fail && service.needs.iter().any(|need| needed(need))
        };
        return candidates().find(|(_, other)| of_need(other)).map(|(parent, _)| parent);
    };
    let about = |other: &Finding, wanted: &str| {
        other.cause.verdict == Verdict::Fail && other.service.is_some_and(|service: &Service| service.name == wanted)
    };
    candidates().find(|(_, other)| about(other, cause)).map(|(parent, _)| parent)
}

/// Whether a finding says no more than that an env file has another port.
fn is_of_port(finding: &Finding) -> bool {
    matches!(finding.cause.proof, Clue::Env(EnvClue::NotItsPort(_)))
}

/// Whether a finding says who has the port, or where another one is set: the same, and more.
fn says_whose_port(finding: &Finding) -> bool {
    [&usual::PORT_OF_ANOTHER, &usual::PORT_SET_ELSEWHERE].into_iter().any(|cause| std::ptr::eq(cause, finding.cause))
}

/// The daemon that reads what this program checks.
fn reader(checker: Checker) -> Option<Daemon> {
    match checker {
        Checker::Sshd => Some(Daemon::Sshd),
        Checker::Nginx => Some(Daemon::Nginx),
        Checker::Caddy => Some(Daemon::Caddy),
        Checker::Sudo => None,
    }
}

/// The last of the chain of explanations. A circle explains nothing.
/// Whether a finding is about a state that a service's own health does not show.
fn is_state(finding: &Finding) -> bool {
    matches!(finding.cause.proof, Clue::Data(_) | Clue::Surroundings(_))
}

fn top(parents: &[Option<usize>], index: usize) -> Option<usize> {
    let mut at = index;
    for _ in 0..parents.len() {
        match parents[at] {
            None => return Some(at),
            Some(parent) => at = parent,
        }
    }
    None
}
