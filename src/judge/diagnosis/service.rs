//! Clues about one service.

use super::case::{Case, Subject, asked};
use super::outcome::{Conclusion, Fact, Why};
use crate::host::tools::command::Command;
use crate::host::tools::docker::ContainerState;
use crate::host::tools::pm2::Process;
use crate::host::tools::systemctl::UnitState;
use crate::host::trouble::Trouble;
use crate::judge::health::{self, Check};
use crate::observe::probe::{Holder, is_container_of, units_of};
use crate::registry::{Ending, Manager, State, Verdict};
use crate::units::bytes;

/// The checks of that verdict, as what shows it.
fn checks(case: &Case<'_>, subject: Subject<'_>, verdict: Verdict) -> Vec<Fact> {
    subject.health.checks.iter().filter(|check| check.verdict == verdict).map(|check| shows(case, check)).collect()
}

/// A check of `status`, and the command that was run for it.
fn shows(case: &Case<'_>, check: &Check) -> Fact {
    let managers = &case.evidence.managers;
    let ran = match check.source.as_str() {
        "systemd" => managers.units.as_ref().map(|answer| &answer.command),
        "docker" => managers.containers.as_ref().map(|answer| &answer.command),
        _ => None,
    };
    let fact = Fact::new(&check.command, format!("{}: {}", check.source, check.summary));
    Fact { ran: ran.cloned(), ..fact }
}

pub(super) fn unwell(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    // What is kept down on purpose is excused, and helps nobody who needs it.
    if let Some(purpose) = &subject.health.on_purpose {
        let says = format!("{} is {}", subject.service.name, purpose.words());
        return Conclusion::Proven(vec![Fact::new(Command::own(["status", subject.service.name]), says)]);
    }
    match (subject.health.verdict, subject.health.health) {
        (Verdict::Fail, _) => Conclusion::Proven(checks(case, subject, Verdict::Fail)),
        // What answers as it should is well, whoever could not be asked about it.
        (Verdict::Pass | Verdict::Warn, _) | (Verdict::Unknown, Some(Verdict::Pass)) => {
            Conclusion::RuledOut(checks(case, subject, Verdict::Pass))
        }
        (Verdict::Unknown, _) => Conclusion::unknown(doubt(subject)),
    }
}

/// Why nothing is known of it.
pub(super) fn doubt(subject: Subject<'_>) -> Why {
    let check = subject.health.checks.iter().find(|check| check.verdict == Verdict::Unknown);
    check.map_or_else(|| "nothing was reported of it".into(), Why::of)
}

pub(super) fn state(case: &Case<'_>, subject: Subject<'_>, states: &[State]) -> Conclusion {
    let state = subject.health.state;
    if state == State::Unknown {
        return Conclusion::unknown(doubt(subject));
    }
    let first = subject.health.checks.first().filter(|_| state != State::Unmanaged);
    let fact = match first {
        Some(check) => shows(case, check).at(since(subject)),
        None => Fact::new(Command::own(["explain", subject.service.name]), "nothing on this host manages it"),
    };
    Conclusion::when(states.contains(&state), vec![fact])
}

/// Since when it is down. Of one that runs, or ends again and again, its last start says nothing of that.
pub(super) fn since(subject: Subject<'_>) -> Option<jiff::Timestamp> {
    let down = match subject.health.state {
        State::Failed | State::Stopped | State::Skipped | State::Masked | State::Paused => true,
        State::Running
        | State::Completed
        | State::Waiting
        | State::Partial
        | State::Starting
        | State::Stopping
        | State::Restarting
        | State::CrashLoop
        | State::NotFound
        | State::Unmanaged
        | State::Unknown => false,
    };
    subject.health.since.filter(|_| down)
}

/// What its manager knows of it.
pub(super) enum Record<'e> {
    Unit(&'e UnitState),
    Container(&'e ContainerState),
    Processes(Vec<&'e Process>),
}

/// The record of a manager, and the command that brought it. `Ok(None)` where the manager does not know it.
pub(super) fn record<'e>(
    case: &Case<'e>,
    manager: &'static Manager,
) -> Result<Option<(Record<'e>, &'e Command)>, Conclusion> {
    let managers = &case.evidence.managers;
    match manager {
        Manager::Systemd(wanted) => {
            let (command, units) = asked(managers.units.as_ref())?;
            let found = units_of(wanted, units);
            Ok(found.first().map(|unit| (Record::Unit(unit), command)))
        }
        Manager::Compose(_) | Manager::Docker(_) => {
            let (command, containers) = asked(managers.containers.as_ref())?;
            let found = containers.iter().find(|container| is_container_of(manager, &container.identity));
            Ok(found.map(|container| (Record::Container(container), command)))
        }
        Manager::Pm2(app) => {
            let (command, daemon) = asked(managers.apps.get(app.home))?;
            let all = daemon.iter().flat_map(|daemon| &daemon.processes);
            let own: Vec<&Process> = all.filter(|process| process.name == app.name).collect();
            Ok((!own.is_empty()).then_some((Record::Processes(own), command)))
        }
    }
}

/// What comes of the record of one of its managers: a unit around a compose project ends as its container does. Where no
/// engine runs, a container beneath a unit says nothing.
fn of_managers(case: &Case<'_>, subject: Subject<'_>, look: impl Fn(Record<'_>, &Command) -> Conclusion) -> Conclusion {
    let first = subject.service.managers.first();
    if first.is_none() {
        return Conclusion::RuledOut(vec![Fact::new(
            Command::own(["explain", subject.service.name]),
            "nothing manages it",
        )]);
    }
    Conclusion::any(subject.service.managers.iter().map(|manager| {
        let beneath = !first.is_some_and(|first| std::ptr::eq(first, manager));
        let containers = case.evidence.managers.containers.as_ref();
        match (record(case, manager), containers.map(|answer| &answer.result)) {
            (Ok(Some((record, ran))), _) => look(record, ran),
            // Its manager said nothing of it, which is not that there is none.
            (Ok(None), _) if !beneath && subject.health.state == State::Unknown => Conclusion::unknown(doubt(subject)),
            (Ok(None), _) => Conclusion::RuledOut(Vec::new()),
            (Err(_), Some(Err(Trouble::Unavailable(_)))) if beneath => Conclusion::RuledOut(Vec::new()),
            (Err(unknown), _) => unknown,
        }
    }))
}

/// When it was started last, as its manager says.
pub(super) fn began(case: &Case<'_>, subject: Subject<'_>) -> Option<jiff::Timestamp> {
    match record(case, subject.service.managers.first()?).ok()?? {
        (Record::Unit(unit), _) => unit.active_since,
        (Record::Container(container), _) => container.started,
        (Record::Processes(own), _) => own.iter().filter_map(|process| process.started).max(),
    }
    // Docker's word for never is the year 1.
    .filter(|time| time.as_second() > 0)
}

pub(super) fn ended(case: &Case<'_>, subject: Subject<'_>, ending: &Ending) -> Conclusion {
    of_managers(case, subject, |record, ran| ended_as(record, ran, ending))
}

/// The setting that systemd's own exit codes are about, as the unit has it.
fn setting(state: &UnitState) -> String {
    match state.exit_status {
        200 if !state.working_directory.is_empty() => format!(" (WorkingDirectory={})", state.working_directory),
        217 if !state.user.is_empty() => format!(" (User={})", state.user),
        _ => String::new(),
    }
}

fn ended_as(record: Record<'_>, ran: &Command, ending: &Ending) -> Conclusion {
    let unit = |unit: &UnitState, holds: bool, says: String| {
        Conclusion::when(holds, vec![Fact::new(Command::new(["systemctl", "status", &unit.id]), says).ran(ran)])
    };
    let inspect = |container: &ContainerState, holds: bool, says: String| inspected(container, ran, holds, says);
    match (record, ending) {
        (Record::Unit(state), Ending::Exit(codes)) => {
            // CLD_EXITED: what it ended with is an exit code and no signal.
            let holds = state.exit_kind == 1 && codes.contains(&state.exit_status);
            unit(state, holds, format!("its last process ended with exit {}{}", state.exit_status, setting(state)))
        }
        (Record::Unit(state), Ending::Signal(signals)) => {
            let killed = matches!(state.exit_kind, 2 | 3);
            let says = match killed {
                true => format!("its last process was killed by signal {}", state.exit_status),
                false => format!("its last process ended with exit {}", state.exit_status),
            };
            unit(state, killed && signals.contains(&state.exit_status), says)
        }
        (Record::Unit(state), Ending::Result(result)) => {
            unit(state, state.result == *result, format!("Result={}", state.result))
        }
        (Record::Unit(state), Ending::OutOfMemory) => {
            unit(state, state.result == "oom-kill", format!("Result={}", state.result))
        }
        (Record::Container(state), Ending::Exit(codes)) => {
            let code = u32::try_from(state.exit_code).ok();
            let down = state.status != "running";
            inspect(state, down && code.is_some_and(|code| codes.contains(&code)), format!("exit {}", state.exit_code))
        }
        (Record::Container(state), Ending::Signal(signals)) => {
            // Docker tells a signal as 128 more, as a shell does.
            let signal = u32::try_from(state.exit_code.saturating_sub(128)).ok();
            let down = state.status != "running";
            inspect(state, down && signal.is_some_and(|s| signals.contains(&s)), format!("exit {}", state.exit_code))
        }
        (Record::Container(state), Ending::OutOfMemory) => {
            inspect(state, state.oom_killed, format!("OOMKilled={}", state.oom_killed))
        }
        (Record::Processes(own), Ending::Exit(codes)) => {
            let down = own.iter().find(|process| process.status != "online");
            let code = down.and_then(|process| u32::try_from(process.exit_code?).ok());
            let says = code.map_or_else(|| "online".to_owned(), |code| format!("exit {code}"));
            Conclusion::when(code.is_some_and(|code| codes.contains(&code)), vec![Fact::new(ran, says)])
        }
        // Only systemd has a word for it; pm2 tells no signals.
        (Record::Container(_), Ending::Result(_)) => Conclusion::RuledOut(Vec::new()),
        (Record::Processes(_), Ending::Signal(_) | Ending::Result(_) | Ending::OutOfMemory) => {
            Conclusion::RuledOut(Vec::new())
        }
    }
}

pub(super) fn restarts(subject: Subject<'_>, least: u32) -> Conclusion {
    let command = subject.health.checks.first().map(|check| check.command.clone()).unwrap_or_default();
    match subject.health.restarts {
        Some(count) => {
            Conclusion::when(count >= least, vec![Fact::new(command, format!("{count} automatic restarts"))])
        }
        None if subject.health.state == State::Unknown => Conclusion::unknown(doubt(subject)),
        None => Conclusion::RuledOut(Vec::new()),
    }
}

pub(super) fn reload_needed(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    of_managers(case, subject, |record, ran| match record {
        Record::Unit(unit) => {
            let says = format!("NeedDaemonReload={}", if unit.reload_needed { "yes" } else { "no" });
            Conclusion::when(
                unit.reload_needed,
                vec![Fact::new(Command::new(["systemctl", "status", &unit.id]), says).ran(ran)],
            )
        }
        Record::Container(_) | Record::Processes(_) => Conclusion::RuledOut(Vec::new()),
    })
}

pub(super) fn unhealthy(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    of_managers(case, subject, |record, ran| match record {
        Record::Container(container) => {
            let health = container.health.as_deref().unwrap_or("none");
            inspected(container, ran, health == "unhealthy", format!("health: {health}"))
        }
        Record::Unit(_) | Record::Processes(_) => Conclusion::RuledOut(Vec::new()),
    })
}

pub(super) fn container(case: &Case<'_>, subject: Subject<'_>, words: &[&str]) -> Conclusion {
    of_managers(case, subject, |record, ran| match record {
        Record::Container(container) => {
            let status = container.status.as_str();
            let says = match status {
                "exited" | "dead" | "restarting" => format!("{status}, exit {}", container.exit_code),
                _ => status.to_owned(),
            };
            inspected(container, ran, words.contains(&status), says)
        }
        Record::Unit(_) | Record::Processes(_) => Conclusion::RuledOut(Vec::new()),
    })
}

fn inspected(container: &ContainerState, ran: &Command, holds: bool, says: String) -> Conclusion {
    Conclusion::when(
        holds,
        vec![Fact::new(Command::new(["docker", "inspect", &container.identity.name]), says).ran(ran)],
    )
}

pub(super) fn port(case: &Case<'_>, subject: Subject<'_>, holds: impl Fn(&Holder) -> bool) -> Conclusion {
    let (Some(port), Some(_)) = (subject.service.ports.first(), subject.service.managers.first()) else {
        return Conclusion::RuledOut(Vec::new());
    };
    // A unit that only starts others owns no port itself.
    if matches!(subject.health.state, State::Completed) {
        return Conclusion::RuledOut(Vec::new());
    }
    let holder = &case.evidence.holders[subject.index];
    let says = match holder {
        Holder::Unasked | Holder::Unseen => {
            return Conclusion::unknown(Why {
                says: format!("the process on port {port} cannot be determined (needs root)"),
                needs_root: true,
            });
        }
        Holder::Nobody | Holder::Hidden => format!("nothing listens on port {port}"),
        Holder::Elsewhere { .. } => health::listens(holder, *port),
        Holder::Own => format!("port {port} is its own"),
        Holder::Other { pid, name } => format!("port {port} is held by {name} (pid {pid})"),
    };
    Conclusion::when(holds(holder), vec![Fact::new(Command::new(["ss", "-Hltnp", &format!("sport = :{port}")]), says)])
}

pub(super) fn memory(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let Some(alarm) = subject.service.memory.as_ref().and_then(|memory| memory.alarm_bytes) else {
        return Conclusion::RuledOut(Vec::new());
    };
    let alone = subject.health.pid.and_then(|pid| case.clues.memory.get(&pid).copied().flatten());
    let Some(used) = subject.health.memory_bytes.or(alone) else {
        // What does not run uses none.
        return match subject.health.pid {
            Some(_) => Conclusion::unknown("its memory use is not counted here"),
            None => Conclusion::RuledOut(Vec::new()),
        };
    };
    let command = subject.health.checks.first().map(|check| check.command.clone()).unwrap_or_default();
    let says = format!("uses {} of memory, the alarm is at {}", bytes(used), bytes(alarm));
    Conclusion::when(used > alarm, vec![Fact::new(command, says)])
}

pub(super) fn route(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    if subject.service.routes.is_empty() {
        return Conclusion::RuledOut(Vec::new());
    }
    let (command, found) = match asked(case.clues.routes.as_ref()) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let mut seen = subject
        .service
        .routes
        .iter()
        .filter_map(|route| {
            let path = route.path.trim_end_matches('/');
            let theirs = |path: &str| path.trim_start_matches('^').trim_end_matches('/').to_owned();
            let own = found.iter().find(|upstream| upstream.host == route.host && theirs(&upstream.path) == path)?;
            let says = format!("the upstream of {} is {}, its port is {}", route.endpoint(), own.address, route.port);
            Some((own.port() != Some(route.port), Fact::new(command, says).blaming(own.address.clone())))
        })
        .peekable();
    if seen.peek().is_none() {
        // The whole configuration was read: what it does not name is sent nowhere else.
        let says = format!("the proxy's configuration has no upstream for {}", subject.service.name);
        return Conclusion::RuledOut(vec![Fact::new(command, says)]);
    }
    Conclusion::any_of("its routes", seen)
}
