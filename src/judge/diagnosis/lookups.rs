//! What is looked up once it is known what has failed: last lines of what no service is, and what lines name.

use super::case::{Case, Subject};
use super::outcome::Conclusion;
use super::reasons::{container, find, of_other, paths};
use super::{host, mentions, unmanaged_containers};
use crate::judge::health;
use crate::observe::clues::Lookups;
use crate::observe::logs::others::Other;
use crate::reasons::Reason;
use crate::registry::{Clue, Failure, Family, Unmanaged, Verdict};

/// Whether one of these failures asks for this.
fn asks(failures: &[&'static Failure], wanted: impl Fn(&Clue) -> bool) -> bool {
    failures.iter().flat_map(|failure| failure.causes()).any(|cause| mentions(&cause.proof, &wanted))
}

/// The units and containers that something is wrong with and no service of the registry is: their last lines are wanted.
pub fn others(case: &Case<'_>, failures: &[&'static Failure]) -> Lookups {
    let mut wanted = Lookups::default();
    let unit = |name: &String| Other::Unit(name.clone());
    if asks(failures, |clue| matches!(clue, Clue::FailedUnits)) {
        let failed = case.health.host.iter().filter_map(|host| host.failed_units.as_ref()).flatten();
        let mut failed: Vec<&String> = failed.collect();
        // The last to fail first: of very many not all are read.
        let units = case.evidence.managers.units.iter().filter_map(|answer| answer.result.as_ref().ok()).flatten();
        let changed: Vec<_> = units.filter_map(|unit| Some((unit.id.as_str(), unit.changed?))).collect();
        let since = |name: &str| changed.iter().find(|(id, _)| *id == name).map(|(_, time)| *time);
        failed.sort_by_key(|name| std::cmp::Reverse(since(name)));
        wanted.others.extend(failed.into_iter().map(unit));
    }
    if asks(failures, |clue| matches!(clue, Clue::LoopingUnits))
        && let Conclusion::Proven(facts) = host::looping_units(case)
    {
        wanted.others.extend(facts.iter().flat_map(|fact| &fact.names).map(unit));
    }
    if asks(failures, |clue| matches!(clue, Clue::Unmanaged(Unmanaged::FileRejected))) {
        let units = case.clues.unmanaged.iter().filter_map(|seen| seen.units.as_ref()?.result.as_ref().ok()).flatten();
        let rejected = units.filter(|unit| matches!(unit.load.as_str(), "bad-setting" | "error"));
        wanted.others.extend(rejected.map(|unit| Other::Unit(unit.id.clone())));
    }
    if asks(failures, |clue| matches!(clue, Clue::UnmanagedContainers)) {
        let ailing = case.evidence.managers.unmanaged_containers.iter();
        let ailing = ailing.filter(|other| health::ailment(other, case.evidence.time).is_some());
        wanted.others.extend(ailing.map(|other| Other::Container(other.listed.identity.name.clone())));
    }
    wanted
}

/// What the lines that were read name: paths and ports to be looked up.
pub fn named(case: &Case<'_>, failures: &[&'static Failure]) -> Lookups {
    let mut wanted = Lookups::default();
    if !asks(failures, |clue| {
        matches!(clue, Clue::Reports(_) | Clue::FailedUnits | Clue::LoopingUnits | Clue::UnmanagedContainers)
    }) {
        return wanted;
    }
    let want = |wanted: &mut Lookups, reason: &Reason| {
        wanted.paths.extend(reason.path().into_iter().flat_map(paths).map(str::to_owned));
        wanted.ports.extend(reason.port().filter(|_| reason.family == Family::AddressInUse));
    };
    for service in case.services {
        let Some(subject) = case.subject(service).filter(|subject| subject.health.verdict == Verdict::Fail) else {
            continue;
        };
        if let Ok(Some(found)) = find(case, subject) {
            want(&mut wanted, &found.reason);
            if found.reason.family == Family::CertificateUnusable && found.reason.path().is_none() {
                wanted.pairs.insert(service.name, directories(case, subject));
            }
        }
    }
    for name in case.clues.others.keys() {
        let Some((reason, _)) = of_other(case, name) else { continue };
        // In a container a path is another one: that of its mount.
        match case.evidence.managers.unmanaged_containers.iter().find(|other| other.listed.identity.name == *name) {
            Some(other) => {
                wanted.paths.extend(unmanaged_containers::sources(other, &reason).into_iter().map(str::to_owned));
            }
            None => want(&mut wanted, &reason),
        }
    }
    wanted
}

/// Directories that a service has: what is mounted into its container, and what the registry names.
fn directories(case: &Case<'_>, subject: Subject<'_>) -> Vec<String> {
    let mounted = container(case, subject.service).and_then(|container| container.surroundings.as_ref());
    let mounts = mounted.into_iter().flat_map(|around| &around.mounts).filter(|mount| mount.kind == "bind");
    // The system's own directories hold others' certificates.
    let own = |path: &&str| !["/", "/usr", "/etc", "/var", "/etc/ssl"].contains(path) && !path.starts_with("/usr/");
    let data = subject.service.own_data().map(|data| data.path).filter(|path| path.starts_with('/'));
    mounts.map(|mount| mount.source.as_str()).chain(data).filter(own).map(str::to_owned).collect()
}
