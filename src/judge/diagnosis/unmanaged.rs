//! Units that no service of the registry is: what runs against their files, what systemd refuses, and what hangs.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::case::{Case, asked, told};
use super::drift_unit::{LONG, step};
use super::outcome::{Conclusion, Fact};
use crate::host::tools::cgroup::Home;
use crate::host::tools::command::Command;
use crate::host::tools::systemctl::UnitState;
use crate::host::trouble::Trouble;
use crate::observe::clues::unmanaged::{OpenFiles, Unmanaged as Seen};
use crate::observe::probe::Answer;
use crate::registry::Unmanaged;
use crate::units;
use crate::units::stamp;

/// About the host.
pub(super) fn of_host(case: &Case<'_>, clue: Unmanaged) -> Conclusion {
    let Some(seen) = &case.clues.unmanaged else { return Conclusion::unknown("it was not checked") };
    match clue {
        Unmanaged::FileChanged => of_units(seen, |unit| {
            let is_stale = unit.load == "loaded" && unit.reload_needed && unit.active != "inactive";
            is_stale.then(|| changed(unit))
        }),
        Unmanaged::FileRejected => of_units(seen, |unit| rejected(case, unit)),
        Unmanaged::Environment => environment(seen),
        Unmanaged::StartHangs => hanging(case, seen),
        Unmanaged::OpenFiles => open_files(seen),
    }
}

fn none(says: &str) -> Conclusion {
    Conclusion::RuledOut(vec![Fact::new(Command::new(["systemctl", "list-units"]), says)])
}

/// What holds of units of which systemd was asked.
fn of_units(seen: &Seen, one: impl Fn(&UnitState) -> Option<Vec<Fact>>) -> Conclusion {
    let Some(answer) = &seen.units else { return none("no unit outside of the registry changed since it was started") };
    match asked(Some(answer)) {
        Err(unknown) => unknown,
        Ok((command, units)) => {
            let facts: Vec<Fact> = units.iter().filter_map(one).flatten().map(|fact| fact.ran(command)).collect();
            if facts.is_empty() {
                none("systemd has loaded every unit as in its files")
            } else {
                Conclusion::Proven(facts)
            }
        }
    }
}

fn changed(unit: &UnitState) -> Vec<Fact> {
    let status = Command::new(["systemctl", "show", "-p", "NeedDaemonReload", &unit.id]);
    let mut files: Vec<&str> = unit.output.iter().flat_map(|output| output.files.iter().map(String::as_str)).collect();
    if files.is_empty() {
        files.push(&unit.fragment);
    }
    let says = format!("NeedDaemonReload=yes: {} changed on disk", files.join(" or "));
    vec![Fact::new(status, says).about(unit.id.clone()).blaming(unit.id.clone())]
}

/// What systemd says of a file that it does not load, out of the journal.
fn rejected(case: &Case<'_>, unit: &UnitState) -> Option<Vec<Fact>> {
    if !matches!(unit.load.as_str(), "bad-setting" | "error") {
        return None;
    }
    let lines =
        case.clues.others.get(&unit.id).and_then(|answer| Some((&answer.command, answer.result.as_ref().ok()?)));
    let own = lines.iter().flat_map(|(command, lines)| lines.iter().map(move |line| (*command, line.text.as_str())));
    // Lines of the journal on which systemd complains of a line of the file, or refuses the whole.
    let is_complaint = |text: &str| {
        let place = text.strip_prefix('/').is_some_and(|rest| {
            rest.split_whitespace()
                .next()
                .is_some_and(|path| path.contains(':') && path.contains(unit.id.as_str()) || path.contains(".conf:"))
        });
        place || text.contains("Refusing") || text.contains("bad unit file setting") || text.contains("Failed to parse")
    };
    let mut said: Vec<(&Command, &str)> = own.filter(|(_, text)| is_complaint(text)).collect();
    let newest = said.len().saturating_sub(6);
    let mut told: Vec<(&Command, &str)> = Vec::new();
    for line in said.drain(newest..) {
        if told.iter().all(|(_, text)| *text != line.1) {
            told.push(line);
        }
    }
    let file = if unit.fragment.is_empty() { unit.id.as_str() } else { unit.fragment.as_str() };
    // What it ignores leads to what it refuses: `ExecStrat=` ignored leaves no `ExecStart=`.
    let culprit = told.iter().find(|(_, text)| text.starts_with('/')).or(told.last());
    let thing = culprit.map_or_else(|| file.to_owned(), |(_, text)| crate::host::tools::excerpt(text));
    let status = Command::new(["systemctl", "status", "--no-pager", &unit.id]);
    let runs = if unit.active == "active" { "; it still runs" } else { "" };
    let says = format!("{file}: LoadState={}, {}{runs}", unit.load, unit.active);
    let mut facts = vec![Fact::new(status, says).about(unit.id.clone()).blaming(thing)];
    facts.extend(told.into_iter().map(|(command, text)| Fact::new(command, text)));
    Some(facts)
}

fn environment(seen: &Seen) -> Conclusion {
    let mut facts = Vec::new();
    let mut open = None;
    for (unit, answer) in &seen.environments {
        match &answer.result {
            Ok(None) => {}
            Ok(Some(older)) => {
                let says = format!(
                    "{} was written at {}: the process has other values of {}",
                    older.file,
                    stamp(older.written),
                    older.differs
                );
                let fact = Fact::new(&answer.command, says).at(Some(older.written)).about(unit.clone());
                facts.push(fact.blaming(format!("{} ({})", older.differs, older.file)));
            }
            Err(trouble) => open = Some(told(&answer.command, trouble)),
        }
    }
    match (facts.is_empty(), open) {
        (false, _) => Conclusion::Proven(facts),
        (true, Some(why)) => Conclusion::unknown(why),
        (true, None) => none("no env file changed since its unit was started"),
    }
}

/// How long a unit of a package may take for a step of its start, seconds: some wait for the network.
const PACKAGED: i64 = 90;

/// Units that are being started for longer than starts take.
fn long_starts<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a UnitState> {
    let (own, now) = (&case.health.units, case.evidence.time);
    let mut known = BTreeSet::new();
    let all = case.evidence.managers.all_units().filter(|unit| !unit.brief && unit.is_being_started());
    all.filter(move |unit| known.insert(&unit.id)).filter(move |unit| {
        let most = if unit.fragment.starts_with("/etc/") { LONG } else { PACKAGED };
        let bound = units::earlier(now, SignedDuration::from_secs(most));
        !own.contains(&unit.id) && unit.restarts == 0 && unit.changed.is_some_and(|since| since <= bound)
    })
}

fn hanging(case: &Case<'_>, seen: &Seen) -> Conclusion {
    let mut facts = Vec::new();
    for unit in long_starts(case) {
        let Some(Ok(files)) = seen.starting.get(&unit.id).map(|answer| &answer.result) else { continue };
        let Some(step) = step(unit, files) else { continue };
        let key = step.split(['=', ' ']).next().unwrap_or_default();
        let status = Command::new(["systemctl", "status", "--no-pager", &unit.id]);
        let says = format!("activating ({}) for more than {LONG} s: {step}", unit.sub);
        facts.push(Fact::new(status, says).at(unit.changed).about(unit.id.clone()).blaming(step.clone()));
        let cat = Command::new(["systemctl", "cat", &unit.id]);
        let commands =
            crate::host::tools::unit_file::list(&files.settings, key).into_iter().filter(|_| key.starts_with("Exec"));
        facts.extend(commands.map(|set| {
            // Of a command line only the program is shown: the rest may hold a secret.
            let program = set.value.split_whitespace().next().unwrap_or_default();
            Fact::new(cat.clone(), format!("{key}={program} in {}", set.file))
        }));
    }
    if facts.is_empty() {
        none("no unit outside of the registry hangs in its start")
    } else {
        Conclusion::Proven(facts)
    }
}

fn open_files(seen: &Seen) -> Conclusion {
    let all = match &seen.open_files {
        None => return Conclusion::unknown("it was not checked"),
        Some(Answer { command, result: Err(trouble @ Trouble::NeedsRoot(_)) }) => {
            return Conclusion::unknown(told(command, trouble));
        }
        Some(Answer { command, result: Err(trouble) }) => return Conclusion::unknown(told(command, trouble)),
        Some(Answer { result: Ok(all), .. }) => all,
    };
    let facts: Vec<Fact> = all
        .iter()
        .map(|OpenFiles { pid, process, home, open, most }| {
            let name = match home {
                Home::Unit(unit) => unit.clone(),
                Home::Container(id) => id.get(..12).unwrap_or(id).to_owned(),
                Home::Session(_) | Home::None => process.clone(),
            };
            let command = Command::new(["grep", "open files", &format!("/proc/{pid}/limits")]);
            let thing = format!("{open} of {most} descriptors (open files) are in use by {process} (pid {pid})");
            Fact::new(command, thing.clone()).about(name).blaming(thing)
        })
        .collect();
    if facts.is_empty() { none("no process is near its limit of open files") } else { Conclusion::Proven(facts) }
}
