//! What still has to be asked before causes can be judged: of each clue only what `status` has not decided already.

use super::case::Case;
use super::{containers, data, drift, drift_route, removed, second, values};
use crate::observe::clues::Wants;
use crate::observe::clues::ahead::Wanted;
use crate::observe::probe::Holder;
use crate::registry::{Clue, EnvClue, FileClue, Footing, Passage, Service, Unattended, Values, Window};

/// What a reason is read from.
static LAST_RUN: Clue = Clue::Said("", Window::Run);

/// Adds what this clue needs first, where that is the same on every host.
pub(super) fn ahead(clue: &Clue, wanted: &mut Wanted) {
    match clue {
        Clue::Any(parts) => parts.iter().for_each(|part| ahead(part, wanted)),
        // The others may not be needed any more when the first is known; what visitors get is asked in any case.
        Clue::All(parts) => {
            let is_route = |part: &&Clue| matches!(part, Clue::Route(_));
            parts.iter().take(1).chain(parts.iter().skip(1).filter(is_route)).for_each(|part| ahead(part, wanted));
        }
        Clue::Not(part) => ahead(part, wanted),
        Clue::RouteElsewhere | Clue::ProxyRejects => wanted.routes = true,
        Clue::Route(Passage::Broken | Passage::Elsewhere | Passage::Differs) => wanted.targets = true,
        Clue::Unattended(_) => wanted.unattended = true,
        Clue::Footing(Footing::DeletedFiles) => (wanted.footing, wanted.deleted) = (true, true),
        Clue::Footing(_) => wanted.footing = true,
        _ => {}
    }
}

impl Case<'_> {
    /// Adds what this clue needs.
    pub(super) fn want(&self, clue: &Clue, subject: Option<&'static Service>, wants: &mut Wants) {
        let here = subject.filter(|service| self.subject(service).is_some());
        match clue {
            Clue::All(parts) => {
                if !parts.iter().any(|part| self.outcome(part, subject).is_ruled_out()) {
                    parts.iter().for_each(|part| self.want(part, subject, wants));
                }
            }
            Clue::Any(parts) => {
                if !parts.iter().any(|part| self.outcome(part, subject).is_proven()) {
                    parts.iter().for_each(|part| self.want(part, subject, wants));
                }
            }
            Clue::Not(part) => self.want(part, subject, wants),
            Clue::Of(other, part) => {
                if self.subject(other).is_some() {
                    self.want(part, Some(other), wants);
                }
            }
            Clue::Said(_, window) | Clue::SaidTimes(_, _, window) => {
                let Some(service) = here.filter(|service| !service.log_sources().is_empty()) else { return };
                match window {
                    Window::Run => {
                        if wants.run.iter().all(|other| other.name != service.name) {
                            wants.run.push(service);
                        }
                    }
                    Window::Seconds(seconds) => {
                        let (_, longest) = wants.lately.entry(service.name).or_insert((service, 0));
                        *longest = (*longest).max(*seconds);
                    }
                }
            }
            Clue::Reports(_) => self.want(&LAST_RUN, subject, wants),
            Clue::Env(clue) => {
                let Some(service) = here else { return };
                wants.env.insert(service.name, service);
                match clue {
                    EnvClue::Differs(_, other) => {
                        wants.env.insert(other.name, other);
                    }
                    EnvClue::FileMissing
                    | EnvClue::KeysMissing(_)
                    | EnvClue::NotItsPort(_)
                    | EnvClue::Like(..)
                    | EnvClue::Unlike(..) => {}
                }
            }
            Clue::MemoryHigh => {
                let health = here.and_then(|service| self.subject(service)).map(|subject| subject.health);
                let uncounted = health.filter(|health| health.memory_bytes.is_none());
                let bounded = here.is_some_and(|service| service.memory.is_some());
                wants.memory.extend(uncounted.filter(|_| bounded).and_then(|health| health.pid));
            }
            Clue::ContainerRemoved => {
                let gone = here.filter(|service| self.subject(service).is_some_and(removed::is_gone));
                wants.containers |= gone.is_some_and(|service| !removed::compose_files(service).is_empty());
                wants.files.extend(gone.into_iter().flat_map(removed::compose_files));
            }
            Clue::Slow | Clue::Exhausted => {
                let Some(service) = here else { return };
                let late = self.subject(service).map(|subject| second::late(self, subject)).unwrap_or_default();
                if !late.is_empty() {
                    wants.second.insert(service.name, (service, late));
                }
            }
            Clue::PortTaken => {
                let holder = here.and_then(|service| self.subject(service)).map(|s| &self.evidence.holders[s.index]);
                if let Some(Holder::Other { pid, .. }) = holder {
                    wants.homes.insert(*pid);
                }
            }
            Clue::RouteElsewhere => wants.routes |= here.is_some(),
            Clue::ProxyRejects => wants.routes = true,
            Clue::File(path, FileClue::Contains(_)) => drop(wants.tails.insert(path)),
            Clue::File(path, FileClue::Expired(until, renewal)) => drop(wants.logins.insert((path, until, renewal))),
            Clue::File(path, _) => drop(wants.files.insert(path)),
            Clue::Leftovers(left) => drop(wants.dirs.insert(left.dir)),
            Clue::Port(..) => wants.listeners = true,
            Clue::Running(_) => wants.processes = true,
            Clue::FirewallCloses(_) => wants.firewall = true,
            Clue::Backup(_) => wants.backups = true,
            Clue::Unattended(clue) => {
                wants.unattended = true;
                if *clue == Unattended::PmNotSaved {
                    wants.drift.saved.extend(removed::homes(self));
                }
            }
            Clue::Unmanaged(_) => wants.unmanaged = true,
            Clue::Footing(clue) => {
                wants.footing = true;
                wants.deleted |= *clue == Footing::DeletedFiles;
            }
            Clue::Get(get, _) | Clue::LongAgo(get, ..) => {
                if !wants.gets.iter().any(|other| std::ptr::eq(*other, *get)) {
                    wants.gets.push(get);
                }
            }
            Clue::Output(question, _) => {
                if !wants.outputs.iter().any(|other| std::ptr::eq(*other, *question)) {
                    wants.outputs.push(question);
                }
            }
            Clue::Query(query, _) => {
                if !wants.queries.iter().any(|other| std::ptr::eq(*other, *query)) {
                    wants.queries.push(query);
                }
            }
            Clue::Redis(question, _) => {
                if !wants.redis.iter().any(|other| std::ptr::eq(*other, *question)) {
                    wants.redis.push(question);
                }
            }
            Clue::Lines(lines) => drop(wants.tails.insert(lines.file)),
            Clue::Drift(kind) => {
                if let Some(subject) = here.and_then(|service| self.subject(service)) {
                    drift::want(self, *kind, subject, wants);
                }
            }
            Clue::Route(kind) => {
                if let Some(subject) = here.and_then(|service| self.subject(service)) {
                    drift_route::want(self, *kind, subject, wants);
                }
            }
            Clue::Data(clue) => {
                if let Some(subject) = here.and_then(|service| self.subject(service)) {
                    data::want(self, subject, *clue, wants);
                }
            }
            Clue::Values(Values::Unstartable) => {
                if let Some(subject) = here.and_then(|service| self.subject(service))
                    && values::runs_as_unit(self, subject)
                {
                    wants.starts.insert(subject.service.name, subject.service);
                }
            }
            Clue::Values(clue) => {
                if let Some(service) = here.filter(|service| values::concerns(service, *clue)) {
                    wants.env.insert(service.name, service);
                    wants.values.insert(service.name, service);
                }
            }
            Clue::Surroundings(_) => {
                if let Some(subject) = here.and_then(|service| self.subject(service)) {
                    containers::want(self, subject, wants);
                }
            }
            Clue::Unhealthy
            | Clue::State(_)
            | Clue::Reply(_)
            | Clue::Ended(_)
            | Clue::Restarts(_)
            | Clue::ReloadNeeded
            | Clue::HealthCheckFails
            | Clue::Container(_)
            | Clue::PortClosed
            | Clue::ListensElsewhere
            | Clue::Disk(_)
            | Clue::Inodes(_)
            | Clue::Memory(_)
            | Clue::Swap(_)
            | Clue::Load
            | Clue::ClockAdrift
            | Clue::OomKills
            | Clue::FailedUnits
            | Clue::LoopingUnits
            | Clue::Certificate(_)
            | Clue::EngineDown
            | Clue::PmDown
            | Clue::PmEmpty
            | Clue::UnmanagedContainers => {}
        }
    }
}
