//! When services were started again by their managers, asked only where there were restarts lately: one sample of something
//! that ends again and again shows a process that runs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use jiff::{SignedDuration, Timestamp};

use super::unit_paths::{RUNNING, running_unit};
use super::{Answer, Door, PmDaemon, engine, text};
use crate::host::exec::ProcessEnd;
use crate::host::tools::Argv;
use crate::host::tools::docker::ContainerState;
use crate::host::tools::docker_engine;
use crate::host::tools::history::History;
use crate::host::tools::journalctl;
use crate::host::tools::pm2;
use crate::host::tools::systemctl::{self, UnitState};
use crate::host::trouble::{Trouble, failure, of_file};

/// What a restart further back says nothing of.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// What starts within that after the boot may have started with it.
const BOOT: SignedDuration = SignedDuration::from_mins(2);
/// The same on a host that has just booted, where more would hide what ends every few seconds.
const YOUNG_BOOT: SignedDuration = SignedDuration::from_secs(30);
/// How long it is after one start or stop that the next could belong to the same loop.
const LATELY: SignedDuration = SignedDuration::from_mins(10);
/// How much of the end of pm2's log is read.
const LOG_TAIL: u64 = 64 << 10;

/// So long before; the beginning of time where that is beyond it.
pub(super) fn earlier(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// Adds to each unit that was restarted by itself lately when that was.
pub(super) fn of_units(door: Door<'_>, units: &mut [UnitState]) {
    let since = earlier(door.system.now(), DAY);
    let lately = |unit: &&mut UnitState| {
        let runs =
            matches!(unit.active.as_str(), "active" | "reloading" | "refreshing" | "activating" | "deactivating");
        let long = unit.active == "active" && unit.active_since.is_some_and(|time| time < since);
        runs && !long && unit.restarts > 0
    };
    let wanted: Vec<&mut UnitState> = units.iter_mut().filter(lately).collect();
    if wanted.is_empty() {
        return;
    }
    let names: BTreeSet<String> = wanted.iter().map(|unit| unit.id.clone()).collect();
    let (door, _) = door.now();
    let mut histories = match ask_journal(door, &journalctl::histories_of(names.iter().map(String::as_str))) {
        Ok(histories) => histories,
        Err(trouble) => {
            for unit in wanted {
                unit.history = Some(Err(trouble.to_string()));
            }
            return;
        }
    };
    let mut reaches = None;
    for unit in wanted {
        let mut history = histories.remove(&unit.id).unwrap_or_default();
        // What is not recorded happened before the last day, or is lost: the journal knows how far back it reaches. That none
        // is recorded proves nothing, because the present run began with one: `LogLevelMax=` leaves them out.
        let any = !history.restarts.is_empty();
        history.is_whole = history.restarts.len() >= unit.restarts as usize
            || any && *reaches.get_or_insert_with(|| journal_reaches_a_day(door) == Ok(true));
        unit.history = Some(Ok(history));
    }
}

fn ask_journal(door: Door<'_>, argv: &Argv) -> Result<BTreeMap<String, History>, Trouble> {
    let answer = door.ask_with(argv, |output| match output.exit {
        _ if journalctl::denied(&text(&output.stderr)) => Err(Trouble::NeedsRoot("to read the journal")),
        ProcessEnd::Code(0 | 1) if output.stderr.is_empty() => Ok(journalctl::histories(&output.stdout)?),
        _ => Err(failure(output)),
    });
    answer.result
}

/// Whether the journal holds what was written a day ago.
pub(super) fn journal_reaches_a_day(door: Door<'_>) -> Result<bool, Trouble> {
    let answer = door.ask_with(&journalctl::day_old(), |output| match output.exit {
        ProcessEnd::Code(0 | 1) if output.stderr.is_empty() => Ok(!output.stdout.is_empty()),
        _ => Err(failure(output)),
    });
    answer.result
}

/// Units that are no service's and were restarted by themselves, or are about to be.
#[derive(Default)]
pub(super) struct Restless {
    /// Those that were started lately, which systemd was asked about.
    started: BTreeSet<String>,
    /// `None` where nothing was started lately.
    answer: Option<Answer<Vec<UnitState>>>,
}

pub(super) fn restless(door: Door<'_>, is_known: impl Fn(&str) -> bool) -> Restless {
    let Some(links) = Links::read(door) else { return Restless::default() };
    let mut started = links.late;
    if !links.is_calm {
        // One that has ended and waits to be started again has no link. Where the journal may not be read, systemd is asked.
        match ask_journal(door, &journalctl::restarted_lately()) {
            Ok(restarted) => started.extend(restarted.into_keys()),
            Err(_) => drop(started.insert(systemctl::ALWAYS_THERE.to_owned())),
        }
    }
    started.retain(|name| !is_known(name));
    let answer = (!started.is_empty()).then(|| ask(door, &started, is_known));
    Restless { started, answer }
}

impl Restless {
    /// All of them, once systemd has answered about every other unit: one that waited when the links were read may have run when
    /// systemd was asked. The links are read once more, and systemd is asked only about what is new.
    pub(super) fn complete(self, door: Door<'_>, is_known: impl Fn(&str) -> bool) -> Option<Answer<Vec<UnitState>>> {
        let Self { started, mut answer } = self;
        let late = Links::read(door).map(|links| links.late).unwrap_or_default();
        let missed =
            late.into_iter().filter(|name| !started.contains(name) && !is_known(name)).collect::<BTreeSet<_>>();
        if !missed.is_empty() {
            let more = ask(door, &missed, is_known);
            match answer.as_mut().map(|answer| &mut answer.result) {
                None => answer = Some(more),
                Some(Ok(units)) => units.extend(more.result.unwrap_or_default()),
                Some(Err(_)) => {}
            }
        }
        answer
    }
}

fn ask(door: Door<'_>, started: &BTreeSet<String>, is_known: impl Fn(&str) -> bool) -> Answer<Vec<UnitState>> {
    let argv = systemctl::looping_or(started.iter().map(String::as_str));
    let mut answer = door.ask(&argv, systemctl::parse_show);
    if let Ok(units) = &mut answer.result {
        units.retain(|unit| {
            let known = is_known(&unit.id) || unit.names.iter().any(|name| is_known(name));
            !known && (unit.restarts > 0 || unit.active == "activating")
        });
        of_units(door, units);
    }
    answer
}

/// What systemd keeps a link of in [`RUNNING`].
struct Links {
    /// Services that run and were started within the last day, but not with the boot.
    late: BTreeSet<String>,
    /// Whether no unit was started or has ended for a while: between two runs it has no link, but then the directory has changed.
    is_calm: bool,
}

impl Links {
    /// `None` where systemd does not run.
    fn read(door: Door<'_>) -> Option<Self> {
        if !door.system.booted_with_systemd() {
            return None;
        }
        let now = door.system.now();
        let entries = match door.system.list(RUNNING) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(_) => return Some(Self { late: BTreeSet::new(), is_calm: true }),
        };
        let at = |micros: i64| Timestamp::from_microsecond(micros).unwrap_or(now);
        let boot = entries.iter().map(|entry| at(entry.modified())).min().unwrap_or(now);
        let is_young = now.duration_since(boot) < LATELY;
        let with_boot = if is_young { YOUNG_BOOT } else { BOOT };
        let is_late = |time: Timestamp| time >= earlier(now, DAY) && time.duration_since(boot) >= with_boot;
        let named = |entry: &crate::host::files::Entry| {
            let name = running_unit(&entry.name)?;
            name.ends_with(".service").then(|| name.to_owned())
        };
        let late = entries.iter().filter(|entry| is_late(at(entry.modified()))).filter_map(named).collect();
        let changed = door.system.metadata(RUNNING).and_then(|meta| meta.modified());
        let changed = changed.ok().and_then(|time| Timestamp::try_from(time).ok());
        Some(Self { late, is_calm: changed.is_some_and(|time| now.duration_since(time) >= LATELY) })
    }
}

/// Adds to each container that was restarted by itself lately when that was.
pub(super) fn of_containers(door: Door<'_>, containers: &mut [ContainerState]) {
    let now = door.system.now();
    let since = earlier(now, DAY);
    let lately = |container: &&mut ContainerState| {
        let long = container.status == "running" && container.started.is_some_and(|time| time < since);
        matches!(container.status.as_str(), "running" | "restarting") && !long && container.restarts > 0
    };
    let wanted: Vec<&mut ContainerState> = containers.iter_mut().filter(lately).collect();
    if wanted.is_empty() {
        return;
    }
    let (door, _) = door.now();
    let ends = match engine::socket(door) {
        Some(socket) => engine::events(door, &socket, now),
        None => door.ask(&docker_engine::events(now), docker_engine::parse_events).result,
    };
    let mut ends = match ends {
        Ok(ends) => ends,
        Err(trouble) => {
            for container in wanted {
                container.history = Some(Err(trouble.to_string()));
            }
            return;
        }
    };
    for container in wanted {
        let all = ends.remove(&container.id).unwrap_or_default();
        // Those before were before it was last started on purpose.
        let count = container.restarts as usize;
        let restarts = all[all.len().saturating_sub(count)..].to_vec();
        // Of a container that is younger than a day the engine's own count is all there was.
        let is_whole = restarts.len() >= count;
        container.history = Some(Ok(History { restarts, is_whole }));
    }
}

/// Adds to each application of a daemon that was restarted lately when that was.
pub(super) fn of_apps(door: Door<'_>, home: &str, daemon: &mut PmDaemon) {
    let since = earlier(door.system.now(), DAY);
    let lately = |process: &pm2::Process| {
        process.restarts > 0 && !process.started.is_some_and(|time| process.status == "online" && time < since)
    };
    let apps: BTreeSet<String> =
        daemon.processes.iter().filter(|process| lately(process)).map(|process| process.name.clone()).collect();
    if apps.is_empty() {
        return;
    }
    let path = format!("{home}/{}", pm2::LOG_FILE);
    let log = door.system.tail(&path, LOG_TAIL).map(|(bytes, _)| text(&bytes));
    let zone = door.system.zone();
    let histories: BTreeMap<String, Result<History, String>> = apps
        .into_iter()
        .map(|app| {
            let history = match &log {
                Ok(log) => Ok(History { restarts: pm2::restarts(log, &app, &zone), is_whole: true }),
                Err(error) => Err(of_file(&path, error).to_string()),
            };
            (app, history)
        })
        .collect();
    for process in &mut daemon.processes {
        process.history = histories.get(&process.name).cloned();
    }
}
