//! Clues about what should happen by itself.

use super::case::{Case, Subject, asked, told};
use super::outcome::{Conclusion, Fact, Why};
use crate::host::tools::boot::Wanted;
use crate::host::tools::command::Command;
use crate::host::tools::crontab;
use crate::host::trouble::Trouble;
use crate::observe::clues::unattended::{
    Cron, Crontab, ENGINE, Reliance, Runnable, Unattended as Seen, idle, is_left_behind,
};
use crate::observe::probe::units_of;
use crate::registry::{Job, Manager, Trigger, Unattended};

/// About the host.
pub(super) fn of_host(case: &Case<'_>, clue: Unattended) -> Conclusion {
    let Some(seen) = &case.clues.unattended else { return Conclusion::unknown("it was not checked") };
    match clue {
        Unattended::CronStopped => cron(case, seen),
        Unattended::CrontabIgnored => ignored(seen),
        Unattended::JobMissing => jobs(case, seen),
        Unattended::JobProgram => programs(seen),
        Unattended::TimerOff => timers(seen),
        Unattended::PmNotAtBoot => daemons(seen),
        Unattended::PmNotSaved => super::removed::pm_unsaved(case),
        Unattended::EngineNotAtBoot => engine(case, seen),
        Unattended::NotAtBoot => Conclusion::unknown("no service is concerned"),
    }
}

fn none(says: &str) -> Conclusion {
    Conclusion::RuledOut(vec![Fact::new(Command::new(["ls", "-la", "/etc/cron.d", "/var/spool/cron/crontabs"]), says)])
}

fn tabs(seen: &Seen) -> Result<&[Crontab], Conclusion> {
    match &seen.tabs.result {
        Ok(tabs) => Ok(tabs),
        Err(trouble) => {
            Err(Conclusion::unknown(Why { says: format!("crontabs: {trouble}"), needs_root: trouble.needs_root() }))
        }
    }
}

fn cat(path: &str) -> Command {
    Command::new(["cat", path])
}

/// How many lines a crontab runs.
fn lines(tab: &Crontab) -> usize {
    tab.tab.entries.iter().filter(|entry| !entry.is_comment).count()
}

fn cron(case: &Case<'_>, seen: &Seen) -> Conclusion {
    let tabs = match tabs(seen) {
        Ok(tabs) => tabs,
        Err(unknown) => return unknown,
    };
    let command = Command::new(["systemctl", "status", "cron.service"]);
    let says = match &seen.cron {
        Ok(Cron::Runs) => return Conclusion::RuledOut(vec![Fact::new(command, "cron runs, or there is no crontab")]),
        Err(trouble) => {
            return Conclusion::unknown(Why { says: format!("cron: {trouble}"), needs_root: trouble.needs_root() });
        }
        Ok(Cron::Stopped(state)) => state.clone(),
        Ok(Cron::Missing) => "no cron is installed".to_owned(),
    };
    let waiting: Vec<&Crontab> = tabs.iter().filter(|tab| lines(tab) > 0).collect();
    // What packages leave in /etc/cron.d without cron is done by their timers.
    let own = |tab: &&&Crontab| tab.path.starts_with("/var/spool/");
    if seen.cron == Ok(Cron::Missing) && !waiting.iter().any(|tab| own(&tab)) {
        return none("no cron is installed, and no user has a crontab");
    }
    let mut facts = vec![Fact::new(command, says).about("cron").blaming("cron")];
    facts.extend(waiting.iter().map(|tab| {
        let count = lines(tab);
        let line = if count == 1 { "line does" } else { "lines do" };
        Fact::new(cat(&tab.path), format!("{}: {count} {line} not run", tab.path))
    }));
    for job in case.deployment.jobs {
        let Trigger::Cron(words) = job.trigger else { continue };
        let Some(tab) = waiting.iter().find(|tab| holds(tab, words, false).is_some()) else { continue };
        facts.push(Fact::new(cat(&tab.path), format!("{}: {}", job.name, job.otherwise)));
    }
    Conclusion::Proven(facts)
}

/// When a crontab runs what holds one of these words, in a comment or not.
fn holds<'t>(tab: &'t Crontab, words: &[&str], is_comment: bool) -> Option<&'t str> {
    let found = |command: &str| words.iter().any(|word| crontab::is_named(command, word));
    let lines = tab.tab.entries.iter().filter(|entry| entry.is_comment == is_comment);
    lines.into_iter().find(|entry| found(&entry.command)).map(|entry| entry.schedule.as_str())
}

fn ignored(seen: &Seen) -> Conclusion {
    let tabs = match tabs(seen) {
        Ok(tabs) => tabs,
        Err(unknown) => return unknown,
    };
    let flawed = tabs.iter().filter_map(|tab| Some((tab, tab.flaw.as_ref()?)));
    // A file that is kept under another name is ignored by cron on purpose.
    let meant = |tab: &Crontab| {
        let name = tab.path.rsplit('/').next().unwrap_or_default();
        let suffixes = [".dpkg-", ".rpm", ".ucf", ".bak", ".old", ".orig", ".disabled", ".off", ".save", ".swp", "~"];
        suffixes.iter().any(|end| name.contains(end)) || name.contains(".placeholder")
    };
    let facts: Vec<Fact> = flawed
        .filter(|(tab, _)| !meant(tab))
        .map(|(tab, flaw)| {
            Fact::new(Command::new(["ls", "-l", &tab.path]), format!("{}: {flaw}", tab.path))
                .about(tab.path.clone())
                .blaming(tab.path.clone())
        })
        .collect();
    if facts.is_empty() { none("cron reads every crontab") } else { Conclusion::Proven(facts) }
}

fn jobs(case: &Case<'_>, seen: &Seen) -> Conclusion {
    let mut facts = Vec::new();
    let is_cron = |job: &&&'static Job| matches!(job.trigger, Trigger::Cron(_));
    if case.deployment.jobs.iter().any(|job| is_cron(&job)) {
        let tabs = match tabs(seen) {
            Ok(tabs) => tabs,
            Err(unknown) => return unknown,
        };
        // Where there is no cron at all, another host runs them, or this one is only being set up.
        let listed = if tabs.is_empty() { &[] } else { case.deployment.jobs };
        for job in listed {
            let Trigger::Cron(words) = job.trigger else { continue };
            if tabs.iter().any(|tab| holds(tab, words, false).is_some()) || seen.elsewhere.contains(job.name) {
                continue;
            }
            let comment = tabs.iter().find_map(|tab| Some((tab, holds(tab, words, true)?)));
            let fact = match comment {
                Some((tab, schedule)) => {
                    let says = format!("{}: the line of \"{schedule}\" is a comment; {}", tab.path, job.otherwise);
                    Fact::new(cat(&tab.path), says)
                }
                None if job.expected => {
                    let says = format!("no crontab, unit or script names {}; {}", words.join(" or "), job.otherwise);
                    Fact::new(
                        Command::new([
                            "grep",
                            "-rs",
                            words.first().unwrap_or(&""),
                            "/etc/crontab",
                            "/etc/cron.d",
                            "/var/spool/cron",
                        ]),
                        says,
                    )
                }
                None => continue,
            };
            facts.push(fact.about(job.name).blaming(job.name));
        }
    }
    let idle = idle_timers(seen);
    let (off, open) = match &idle {
        Ok(idle) => (idle.as_slice(), None),
        Err(unknown) => (&[][..], Some(unknown.clone())),
    };
    for (name, reliance, state) in off {
        if let Reliance::Job(job) = reliance {
            let says = format!("{name} {state}; {}", job.otherwise);
            facts.push(Fact::new(Command::new(["systemctl", "status", name]), says).about(job.name).blaming(job.name));
        }
    }
    match (facts.is_empty(), open) {
        (false, _) => Conclusion::Proven(facts),
        (true, Some(unknown)) if seen.timers.iter().any(|(_, why)| matches!(why, Reliance::Job(..))) => unknown,
        (true, _) => none("every job of the deployment exists"),
    }
}

fn programs(seen: &Seen) -> Conclusion {
    let tabs = match tabs(seen) {
        Ok(tabs) => tabs,
        Err(unknown) => return unknown,
    };
    let mut facts: Vec<Fact> = Vec::new();
    for (path, found) in &seen.programs {
        let what = match found {
            Runnable::Found => continue,
            Runnable::Missing => "does not exist",
            Runnable::NotExecutable => "is not executable",
        };
        let lines = tabs.iter().flat_map(|tab| tab.tab.entries.iter().map(move |entry| (tab, entry)));
        let user = lines.into_iter().find(|(_, entry)| !entry.is_comment && entry.command.contains(path.as_str()));
        let Some((tab, entry)) = user else { continue };
        let says = format!("{path} {what}: \"{}\" of {} fails each time", entry.schedule, tab.path);
        facts.push(Fact::new(Command::new(["ls", "-l", path]), says).about(path.clone()).blaming(path.clone()));
    }
    if facts.is_empty() { none("all programs that crontabs name exist") } else { Conclusion::Proven(facts) }
}

/// Timers that should run and do not, and how they stand.
fn idle_timers(seen: &Seen) -> Result<Vec<(String, Reliance, String)>, Conclusion> {
    let Some(loaded) = &seen.loaded else { return Ok(Vec::new()) };
    let (_, loaded) = asked(Some(loaded))?;
    let names: Vec<&str> = idle(&seen.timers, loaded).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let (_, units) = asked(seen.units.as_ref())?;
    let mut found = Vec::new();
    for name in names {
        let reliance = seen.timers.iter().find(|(other, _)| other == name).map(|(_, why)| *why);
        let (Some(unit), Some(reliance)) = (units.iter().find(|unit| unit.id == name), reliance) else { continue };
        let state = match (unit.load.as_str(), unit.active.as_str(), unit.file_state.as_str()) {
            (_, "active" | "activating", _) => continue,
            ("not-found", ..) => "does not exist".to_owned(),
            ("masked", ..) => "is masked".to_owned(),
            // Its conditions kept it from starting, as on a machine that has no such device.
            (_, "inactive", "enabled") if !unit.condition => continue,
            (_, active, file) => format!("is {active} and {file}"),
        };
        found.push((name.to_owned(), reliance, state));
    }
    Ok(found)
}

fn timers(seen: &Seen) -> Conclusion {
    let idle = match idle_timers(seen) {
        Ok(idle) => idle,
        Err(unknown) => return unknown,
    };
    let facts: Vec<Fact> = idle
        .into_iter()
        .filter_map(|(name, reliance, state)| {
            let says = match reliance {
                Reliance::Enabled if state.contains("masked") => format!("{name} {state}: nothing starts its service"),
                Reliance::Enabled => format!("{name} {state}: its service does not run until the next boot"),
                Reliance::Needed(otherwise) => format!("{name} {state}: {otherwise}"),
                Reliance::Job(..) => return None,
            };
            Some(Fact::new(Command::new(["systemctl", "status", &name]), says).about(name.clone()).blaming(name))
        })
        .collect();
    match facts.is_empty() {
        true => Conclusion::RuledOut(vec![Fact::new(
            Command::new(["systemctl", "list-timers"]),
            "every timer that is enabled runs",
        )]),
        false => Conclusion::Proven(facts),
    }
}

/// What of a unit proves that nothing starts it at boot.
fn is_alone(unit: &Wanted) -> bool {
    let is_triggered = !unit.triggered_by.is_empty() && unit.id != ENGINE;
    // What is enabled until the next boot is wanted until then.
    let passes = unit.file_state.ends_with("-runtime");
    let is_enabled = unit.file_state.is_empty() || unit.file_state == "enabled";
    unit.load == "loaded" && !is_enabled && (passes || unit.by.is_empty() && !is_triggered)
}

/// About a service.
pub(super) fn not_at_boot(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let units = match &case.evidence.managers.units {
        None => return ruled_out("no unit"),
        Some(answer) => match &answer.result {
            Ok(units) => units,
            Err(Trouble::Unavailable(_)) => return ruled_out("no unit"),
            Err(trouble) => return Conclusion::unknown(told(&answer.command, trouble)),
        },
    };
    let wanted = subject.service.managers.iter().filter_map(|manager| match manager {
        Manager::Systemd(wanted) => Some(wanted),
        Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
    });
    let own: Vec<_> = wanted.flat_map(|wanted| units_of(wanted, units)).filter(|unit| is_left_behind(unit)).collect();
    if own.is_empty() {
        return ruled_out("its unit starts at boot, or does not run");
    }
    let seen = match case.clues.unattended.as_ref() {
        // What a generator starts leaves nothing to be asked.
        Some(seen) if seen.units.is_none() && own.iter().all(|unit| unit.file_state.ends_with("-runtime")) => {
            return ruled_out("a generator starts it at each boot");
        }
        seen => seen.and_then(|seen| seen.units.as_ref()),
    };
    let known = match asked(seen) {
        Ok((_, known)) => known,
        Err(unknown) => return unknown,
    };
    let facts: Vec<Fact> = own
        .iter()
        .filter(|unit| known.iter().any(|other| other.id == unit.id && is_alone(other)))
        .map(|unit| {
            let says = format!("{} runs, is {}, and no unit wants it", unit.id, unit.file_state);
            Fact::new(Command::new(["systemctl", "is-enabled", &unit.id]), says)
        })
        .collect();
    if facts.is_empty() { ruled_out("another unit starts it") } else { Conclusion::Proven(facts) }
}

fn ruled_out(says: &str) -> Conclusion {
    Conclusion::RuledOut(vec![Fact::new(Command::new(["systemctl", "list-unit-files"]), says)])
}

fn daemons(seen: &Seen) -> Conclusion {
    let mut facts = Vec::new();
    let unit = || Command::new(["systemctl", "list-unit-files", "pm2-*"]);
    for daemon in &seen.daemons {
        let list = format!("{}/dump.pm2", daemon.home);
        if daemon.is_saved == Some(false) {
            let says =
                format!("{list} is missing or empty: none of its {} processes starts at boot", daemon.applications);
            facts.push(Fact::new(Command::new(["ls", "-l", &list]), says).about("pm2").blaming(daemon.home));
        }
        if !daemon.starts {
            let count = daemon.applications;
            let says = match &daemon.unit {
                Some(unit) => format!("{unit} is not enabled: nothing starts pm2 and its {count} processes at boot"),
                None => format!("no unit that is enabled and no crontab starts pm2 at boot for its {count} processes"),
            };
            facts.push(Fact::new(unit(), says).about("pm2").blaming(daemon.home));
        }
    }
    if facts.is_empty() {
        ruled_out("pm2 starts with its list at boot, or does not run")
    } else {
        Conclusion::Proven(facts)
    }
}

fn engine(case: &Case<'_>, seen: &Seen) -> Conclusion {
    let is_service = case.services.iter().flat_map(|service| service.managers).any(|manager| match manager {
        Manager::Systemd(unit) => unit.name == ENGINE,
        Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_) => false,
    });
    let Some(answer) = seen.units.as_ref().filter(|_| !is_service) else {
        return ruled_out("the engine starts at boot, or runs nothing of the deployment");
    };
    match asked(Some(answer)) {
        Err(unknown) => unknown,
        Ok((_, units)) => match units.iter().find(|unit| unit.id == ENGINE).filter(|unit| is_alone(unit)) {
            None => ruled_out("the engine starts at boot, or runs nothing of the deployment"),
            Some(unit) => {
                let says = format!("{ENGINE} runs, is {}, and no unit wants it", unit.file_state);
                Conclusion::Proven(vec![Fact::new(Command::new(["systemctl", "is-enabled", ENGINE]), says)])
            }
        },
    }
}
