//! Log lines of services for the conditions that need them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::OnceLock;
use std::thread;

use jiff::{SignedDuration, Timestamp};

use super::{Clues, Wants};
use crate::host::threads::{join, task};
use crate::host::tools::command::Command;
use crate::observe::logs::destinations::Destinations;
use crate::observe::logs::line::Said;
use crate::observe::logs::{self, Wanted};
use crate::observe::probe::{Answer, Door, ManagerEvidence};
use crate::program;
use crate::registry::{Deployment, Service};

/// How many of the newest lines of a service that is not well are read.
const NEWEST: u64 = 60;

/// What was read of one service: its lines, and why these are not all.
pub(super) struct Lines {
    service: &'static str,
    answer: Answer<Vec<Said>>,
    partial: Option<(Option<Timestamp>, String)>,
}

/// Adds lines of a service to those of another window.
pub(super) fn add(clues: &mut Clues, heard: Lines) {
    let Lines { service, answer, partial } = heard;
    if let Some(partial) = partial {
        let known = clues.partial.entry(service).or_insert_with(|| partial.clone());
        // None is the worst, then the later.
        if known.0.is_some() && (partial.0.is_none() || partial.0 > known.0) {
            *known = partial;
        }
    }
    match clues.said.entry(service) {
        Entry::Vacant(entry) => drop(entry.insert(answer)),
        Entry::Occupied(mut entry) => match (&mut entry.get_mut().result, answer.result) {
            (Ok(lines), Ok(more)) => {
                let new: Vec<Said> = more.into_iter().filter(|line| !lines.contains(line)).collect();
                lines.extend(new);
                lines.sort_by_key(|line| line.time);
            }
            (result @ Ok(_), Err(trouble)) => *result = Err(trouble),
            (Err(_), _) => {}
        },
    }
}

/// Reads lines of the services that are wanted: of their last runs, and of windows.
#[derive(Clone, Copy)]
pub(super) struct LogReader<'a> {
    pub(super) door: Door<'a>,
    pub(super) deployment: &'static Deployment,
    pub(super) managers: &'a ManagerEvidence,
    pub(super) wants: &'a Wants,
    /// Where the services write, asked once.
    pub(super) found: &'a OnceLock<Destinations>,
}

impl LogReader<'_> {
    pub(super) fn run_lines(self) -> Vec<Lines> {
        let wanted = Wanted { tail: Some(NEWEST), brief: true, ..Wanted::default() };
        let command = |service: &Service| Command::own(["logs", service.name, "-n", &NEWEST.to_string()]);
        self.hear(&self.wants.run, wanted, command)
    }

    /// A reading for each window, because a long one of one service must not become that of all.
    pub(super) fn late_lines(self) -> Vec<Lines> {
        let mut windows: BTreeMap<u32, Vec<&'static Service>> = BTreeMap::new();
        for (service, seconds) in self.wants.lately.values() {
            windows.entry(*seconds).or_default().push(service);
        }
        let one = |seconds: u32, services: &[&'static Service]| {
            let since = self.door.system.now() - SignedDuration::from_secs(i64::from(seconds));
            let since = Some(since.as_microsecond());
            let wanted = Wanted { since, brief: true, ..Wanted::default() };
            let command = |service: &Service| Command::own(["logs", service.name, "--since", &format!("{seconds}s")]);
            self.hear(services, wanted, command)
        };
        thread::scope(|scope| {
            let threads: Vec<_> =
                windows.iter().map(|(seconds, services)| task(scope, move || one(*seconds, services))).collect();
            threads.into_iter().flat_map(join).collect()
        })
    }

    fn hear(self, services: &[&'static Service], wanted: Wanted, command: impl Fn(&Service) -> Command) -> Vec<Lines> {
        let LogReader { door, deployment, managers, wants, found } = self;
        let found = found.get_or_init(|| {
            let lately = wants.lately.values().map(|(service, _)| *service);
            let mut all: Vec<&'static Service> = wants.run.iter().copied().chain(lately).collect();
            all.sort_unstable_by_key(|service| service.name);
            all.dedup_by_key(|service| service.name);
            logs::destinations(door.system, door.trace, &all, Some(managers), door.limit)
        });
        let mut heard = logs::hear(door.system, door.trace, deployment, services, wanted, door.limit, found);
        let of = |service: &&'static Service| {
            let service = *service;
            let trouble = heard.troubles.iter().find(|(name, _)| *name == service.name).map(|(_, trouble)| trouble);
            let (own, others): (Vec<_>, Vec<_>) =
                std::mem::take(&mut heard.lines).into_iter().partition(|(name, _)| *name == service.name);
            heard.lines = others;
            let reach = heard.reach.iter().find(|(name, ..)| *name == service.name);
            let reach = reach.map(|(_, since, words)| (Some(*since), words.clone()));
            let partial = trouble.filter(|_| !own.is_empty()).map(|trouble| (None, trouble.to_string())).or(reach);
            let result = match trouble {
                Some(trouble) if own.is_empty() => Err(trouble.clone()),
                Some(_) | None => {
                    let lines = own.into_iter().map(|(_, said)| said);
                    Ok(lines.filter(|line| !program::is_own_request(&line.text)).collect())
                }
            };
            Lines { service: service.name, answer: Answer { command: command(service), result }, partial }
        };
        services.iter().map(of).collect()
    }
}
