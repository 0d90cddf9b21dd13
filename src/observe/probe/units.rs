//! What systemd says of units. A few are asked about in one call; where there are very many, all states come from one list, which
//! costs milliseconds, and details in portions, several at once, for as long as there is time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{Answer, Door};
use crate::host::threads;
use crate::host::tools::Argv;
use crate::host::tools::systemctl::{self, Listing, UnitState};
use crate::host::trouble::Trouble;
use crate::registry::{Unit, is_one_of};

/// How many are asked about in one call. systemd takes two to four milliseconds for each.
const FEW: usize = 64;
/// How many details a portion has.
const PORTION: usize = 32;
/// Of how many units that nobody named details are read. All of them are counted and listed.
const UNNAMED: usize = 64;

/// The named units, and with `and_failed` every other that has failed, is being started or is about to be started again.
pub(super) fn ask(door: Door<'_>, named: &[&str], and_failed: bool) -> Answer<Vec<UnitState>> {
    // With one unit that is always there, an empty answer can never be taken for "nothing has failed".
    let always = named.is_empty().then_some(systemctl::ALWAYS_THERE);
    let argv = systemctl::show(named.iter().copied().chain(always), and_failed);
    at_most_few(door, named, &argv, |unit| and_failed && matches!(unit.active.as_str(), "failed" | "activating"))
}

/// One call for all of it, which is enough nearly everywhere. When that takes long, there is much to be told.
fn at_most_few(
    door: Door<'_>,
    named: &[&str],
    argv: &Argv,
    wanted: impl Fn(&UnitState) -> bool,
) -> Answer<Vec<UnitState>> {
    if !door.system.booted_with_systemd() {
        let reason = "this machine was not booted with systemd".to_owned();
        return Answer { command: argv.into(), result: Err(Trouble::Unavailable(reason)) };
    }
    let until = door.until();
    if named.len() <= FEW {
        let answer = door.within(door.limit() / 2).ask(argv, systemctl::parse_show);
        if !matches!(answer.result, Err(Trouble::TimedOut(_))) {
            return answer;
        }
    }
    let left = || until.saturating_duration_since(Instant::now());
    let listed = match door.within(left()).ask(&systemctl::list(), systemctl::parse_list).result {
        Ok(listed) => listed,
        Err(Trouble::TimedOut(_)) => {
            return Answer { command: argv.into(), result: Err(Trouble::TimedOut(door.limit)) };
        }
        Err(trouble) => return Answer { command: argv.into(), result: Err(trouble) },
    };
    Answer { command: argv.into(), result: Ok(in_portions(door, named, listed, until, wanted)) }
}

/// First those that the list does not know by that name, then those that do not run, then the rest, each as long as there is
/// time. What is not detailed in time is as the list has it.
fn in_portions(
    door: Door<'_>,
    named: &[&str],
    listed: Listing,
    until: Instant,
    wanted: impl Fn(&UnitState) -> bool,
) -> Vec<UnitState> {
    let names: BTreeSet<&str> = named.iter().copied().collect();
    let is_named = |unit: &UnitState| names.contains(unit.id.as_str());
    let (own, others): (Vec<UnitState>, Vec<UnitState>) =
        listed.into_iter().filter(|unit| is_named(unit) || wanted(unit)).partition(is_named);
    let states: BTreeMap<&str, &str> = own.iter().map(|unit| (unit.id.as_str(), unit.active.as_str())).collect();
    let runs = |name: &str| states.get(name) == Some(&"active");
    let mut asked: Vec<&str> = named.to_vec();
    asked.sort_by_key(|name| (states.contains_key(name), runs(name)));
    let at = asked.iter().take_while(|name| !runs(name)).count();
    let unnamed: Vec<&str> = others.iter().take(UNNAMED).map(|unit| unit.id.as_str()).collect();
    asked.splice(at..at, unnamed);
    let portions: Vec<&[&str]> = asked.chunks(PORTION).collect();
    let detailed = threads::each(portions, |portion| {
        const LEAST: Duration = Duration::from_millis(60);
        let left = until.saturating_duration_since(Instant::now());
        if left < LEAST {
            return Vec::new();
        }
        let argv = systemctl::show(portion.iter().copied(), false);
        // What a portion did not say is as the list has it, or missing.
        door.within(left).ask(&argv, systemctl::parse_show).result.unwrap_or_default()
    });
    let mut units: Vec<UnitState> = detailed.into_iter().flatten().collect();
    let detailed = all_names(&units);
    let missing: Vec<UnitState> = own.into_iter().chain(others).filter(|brief| !detailed.contains(&brief.id)).collect();
    units.extend(missing);
    let known = all_names(&units);
    let unknown: Vec<UnitState> = named
        .iter()
        .filter(|name| !known.contains(**name))
        .map(|name| UnitState { id: (*name).to_owned(), brief: true, ..UnitState::default() })
        .collect();
    units.extend(unknown);
    units
}

/// Under which names these units are known.
fn all_names(units: &[UnitState]) -> BTreeSet<String> {
    units.iter().flat_map(|unit| unit.names.iter().chain([&unit.id])).cloned().collect()
}

/// Those units of these patterns that systemd has loaded.
pub(super) fn ask_instances(door: Door<'_>, patterns: &[String]) -> Result<Vec<UnitState>, Trouble> {
    if !door.system.booted_with_systemd() {
        return Ok(Vec::new());
    }
    door.ask(&systemctl::instances(patterns.iter().map(String::as_str)), systemctl::parse_show).result
}

/// Adds units to those that were asked for by name. Where they are not known, nor is what they would have changed.
pub(super) fn add(units: &mut Answer<Vec<UnitState>>, more: Result<Vec<UnitState>, Trouble>) {
    match (&mut units.result, more) {
        (Ok(units), Ok(more)) => {
            let new: Vec<UnitState> = more.into_iter().filter(|unit| units.iter().all(|u| u.id != unit.id)).collect();
            units.extend(new);
        }
        (result @ Ok(_), Err(trouble)) => *result = Err(trouble),
        (Err(_), _) => {}
    }
}

/// The units that stand for a wanted one, of those that systemd told of: its instances where it has any that count, and itself
/// where it does more than to start them, what is worst first; else the first of its names under which there is one.
pub fn units_of<'e>(wanted: &Unit, units: &'e [UnitState]) -> Vec<&'e UnitState> {
    let mut names = std::iter::once(&wanted.name).chain(wanted.aliases);
    let named = names.find_map(|name| units.iter().find(|unit| unit.is(name) && unit.exists()));
    // One that does not run is missed where the unit that should have started it has done so. A unit that serves by itself starts
    // none: `postfix.service` of Debian 13 conflicts with `postfix@-.service`.
    let started = named.is_some_and(|unit| unit.active == "active");
    let starter = named.is_none_or(|unit| unit.kind == "oneshot");
    let missed = |unit: &UnitState| started && (starter || unit.file_state.starts_with("enabled"));
    // A job that has the name of a template starts what that stands for, as `postgresql.service` does on Debian.
    let template = wanted.own_template().filter(|_| named.is_some_and(|unit| unit.kind == "oneshot"));
    let is_own = |name: &str| template.as_deref().is_some_and(|pattern| is_one_of(pattern, name));
    let instances = units.iter().filter(|unit| (wanted.is_instance(&unit.id) || is_own(&unit.id)) && unit.exists());
    let mut counted: Vec<&UnitState> = instances.filter(|unit| unit.active != "inactive" || missed(unit)).collect();
    if counted.is_empty() {
        return named.into_iter().collect();
    }
    // `redis-server.service` serves beside its instances; `postgresql.service` only starts them.
    let serves =
        |unit: &&UnitState| unit.kind != "oneshot" && (unit.active != "inactive" || unit.file_state == "enabled");
    counted.extend(named.filter(serves));
    counted.sort_by_key(|unit| match unit.active.as_str() {
        "failed" => 0,
        "activating" => 1,
        "inactive" => 2,
        "deactivating" => 3,
        _ => 4,
    });
    counted
}

#[cfg(test)]
mod tests;
