//! A clue held against the evidence: which function judges it. What was not asked is unknown.

use super::case::{Case, Subject};
use super::outcome::{Conclusion, Fact};
use super::{
    containers, data, drift, drift_route, footing, holder, host, place, reasons, removed, replies, second, service,
    unattended, unmanaged, values, words,
};
use crate::host::tools::command::Command;
use crate::observe::probe::Holder;
use crate::registry::{Clue, Service, Unattended};

impl<'a> Case<'a> {
    /// What comes of a clue with this subject.
    pub fn outcome(&self, clue: &Clue, subject: Option<&'static Service>) -> Conclusion {
        let of = |judge: &dyn Fn(Subject<'a>) -> Conclusion| match subject.and_then(|service| self.subject(service)) {
            Some(subject) => judge(subject),
            None => Conclusion::unknown("no service of this host is concerned"),
        };
        match clue {
            Clue::All(parts) => Conclusion::all(parts.iter().map(|part| self.outcome(part, subject))),
            Clue::Any(parts) => Conclusion::any(parts.iter().map(|part| self.outcome(part, subject))),
            Clue::Not(part) => self.outcome(part, subject).negated(),
            Clue::Of(other, part) => match self.subject(other) {
                Some(_) => self.outcome(part, Some(other)),
                None => Conclusion::RuledOut(vec![Fact::new(
                    Command::own(["status", other.name]),
                    format!("{} is not on this host", other.name),
                )]),
            },

            Clue::Unhealthy => of(&|subject| service::unwell(self, subject)),
            Clue::State(states) => of(&|subject| service::state(self, subject, states)),
            Clue::Reply(heard) => of(&|subject| replies::reply(self, subject, heard)),
            Clue::Ended(ending) => of(&|subject| service::ended(self, subject, ending)),
            Clue::Restarts(least) => of(&|subject| service::restarts(subject, *least)),
            Clue::ReloadNeeded => of(&|subject| service::reload_needed(self, subject)),
            Clue::HealthCheckFails => of(&|subject| service::unhealthy(self, subject)),
            Clue::Container(words) => of(&|subject| service::container(self, subject, words)),
            Clue::PortTaken => of(&|subject| holder::taken(self, subject)),
            Clue::PortClosed => {
                let closed = |holder: &Holder| match holder {
                    Holder::Nobody | Holder::Hidden | Holder::Elsewhere { instead: None, .. } => true,
                    Holder::Elsewhere { instead: Some(_), .. }
                    | Holder::Unasked
                    | Holder::Unseen
                    | Holder::Own
                    | Holder::Other { .. } => false,
                };
                of(&|subject| service::port(self, subject, closed))
            }
            Clue::ListensElsewhere => {
                of(&|subject| service::port(self, subject, |holder| matches!(holder, Holder::Elsewhere { .. })))
            }
            Clue::ContainerRemoved => of(&|subject| removed::container(self, subject)),
            Clue::Slow => of(&|subject| second::slow(self, subject)),
            Clue::Exhausted => of(&|subject| second::exhausted(self, subject)),
            Clue::MemoryHigh => of(&|subject| service::memory(self, subject)),
            Clue::RouteElsewhere => {
                of(&|subject| drift_route::with_answer(self, subject, service::route(self, subject)))
            }
            Clue::Env(clue) => of(&|subject| words::env(self, subject, clue)),
            Clue::Said(pattern, window) => of(&|subject| words::said(self, subject, 1, pattern, *window)),
            Clue::SaidTimes(least, pattern, window) => {
                of(&|subject| words::said(self, subject, *least, pattern, *window))
            }
            Clue::Reports(family) => of(&|subject| reasons::reports(self, subject, *family)),

            Clue::Disk(bound) => host::disk(self, *bound),
            Clue::Inodes(bound) => host::inodes(self, *bound),
            Clue::Memory(bound) => host::memory(self, *bound),
            Clue::Swap(least) => host::swap(self, *least),
            Clue::Load => host::load(self),
            Clue::ClockAdrift => host::clock(self),
            Clue::OomKills => host::oom_kills(self),
            Clue::FailedUnits => host::failed_units(self),
            Clue::LoopingUnits => host::looping_units(self),
            Clue::Certificate(flaw) => host::certificate(self, *flaw),
            Clue::UnmanagedContainers => host::unmanaged_containers(self),
            Clue::EngineDown => host::engine_down(self),
            Clue::PmDown => host::pm_down(self),
            Clue::PmEmpty => removed::pm_empty(self),
            Clue::Backup(lapse) => host::backup(self, *lapse),

            Clue::File(path, clue) => place::file(self, path, clue),
            Clue::Leftovers(left) => place::leftovers(self, left.dir, left.prefix, left.suffix, left.older_seconds),
            Clue::Port(number, listening) => place::port(self, *number, listening),
            Clue::Running(word) => place::running(self, word),
            Clue::FirewallCloses(port) => place::firewall(self, *port),
            Clue::ProxyRejects => place::proxy(self),
            Clue::Get(get, wanted) => {
                let answer = self.clues.gets.iter().find(|(other, _)| std::ptr::eq(*other, *get));
                let unasked = || Conclusion::unknown("it was not checked");
                answer.map_or_else(unasked, |(_, answer)| replies::heard(answer, wanted))
            }
            Clue::LongAgo(get, path, seconds) => place::long_ago(self, get, path, *seconds),
            Clue::Output(question, shows) => place::output(self, question, shows),
            Clue::Query(query, shows) => place::query(self, query, shows),
            Clue::Redis(question, shows) => place::redis(self, question, shows),
            Clue::Lines(lines) => place::lines(self, lines),
            Clue::Drift(kind) => of(&|subject| drift::outcome(self, *kind, subject)),
            Clue::Route(kind) => of(&|subject| drift_route::outcome(self, *kind, subject)),
            Clue::Unattended(Unattended::NotAtBoot) => of(&|subject| unattended::not_at_boot(self, subject)),
            Clue::Unattended(clue) => unattended::of_host(self, *clue),
            Clue::Footing(clue) => footing::of_host(self, *clue),
            Clue::Unmanaged(clue) => unmanaged::of_host(self, *clue),
            Clue::Data(clue) => of(&|subject| data::judge(self, subject, *clue)),
            Clue::Values(clue) => of(&|subject| values::judge(self, subject, *clue)),
            Clue::Surroundings(clue) => of(&|subject| containers::judge(self, subject, *clue)),
        }
    }
}
