//! systemd units.

use jiff::Timestamp;

use super::{About, Check, LOOP_RESTARTS, LOOP_WINDOW, ManagerView, State};
use crate::host::tools::command::Command;
use crate::host::tools::systemctl::UnitState;
use crate::observe::probe::Answer;
use crate::program;
use crate::registry::{Unit, Verdict};

const SOURCE: &str = "systemd";
/// Said of a unit of which only the state is known.
pub(crate) const NO_DETAILS: &str = "systemd said no more of it in time";

/// An `optional` unit without a file was not asked about, and so is not there.
pub(super) fn judge(wanted: &Unit, optional: bool, answer: &Answer<Vec<UnitState>>, now: Timestamp) -> ManagerView {
    let units = match &answer.result {
        Ok(units) => units,
        Err(trouble) => return ManagerView::unasked(SOURCE, About::Other, answer, trouble),
    };
    let names = || std::iter::once(&wanted.name).chain(wanted.aliases);
    let known = |name: &str| units.iter().find(|unit| unit.is(name));
    let found = names().filter_map(|name| known(name)).find(|unit| unit.exists());
    let command = |name: &str| Answer { command: Command::new(["systemctl", "status", name]), result: Ok(()) };
    let Some(unit) = found else {
        return if optional || names().any(|name| known(name).is_some()) {
            let summary = format!("{} not found", wanted.name);
            ManagerView::new(State::NotFound, Check::new(SOURCE, &command(wanted.name), Verdict::Fail, summary))
        } else {
            // systemd answers for every name it is asked for, so its answer was cut.
            let summary = format!("said nothing of {}", wanted.name);
            ManagerView::new(State::Unknown, Check::new(SOURCE, answer, Verdict::Unknown, summary))
        };
    };
    let trigger = units.iter().find(|other| unit.triggered_by.split_whitespace().any(|name| other.is(name)));
    let armed = trigger.filter(|trigger| trigger.active == "active").map(|trigger| trigger.id.as_str());
    let (state, verdict, summary) = reading(unit, armed, now);
    let enabled = matches!(unit.file_state.as_str(), "enabled" | "enabled-runtime" | "static" | "generated" | "alias");
    ManagerView {
        unit: Some(unit.id.clone()),
        since: match state {
            State::Running | State::Completed => unit.active_since,
            _ => unit.changed,
        },
        restarts: (!unit.brief).then_some(unit.restarts),
        pid: unit.main_pid,
        memory_bytes: unit.memory_bytes,
        unused: matches!(state, State::Masked | State::Skipped) || (state == State::Stopped && !enabled),
        ..ManagerView::new(state, Check::new(SOURCE, &command(&unit.id), verdict, summary))
    }
}

/// `armed` is the socket, timer or path that will start the unit when it is wanted.
fn reading(unit: &UnitState, armed: Option<&str>, now: Timestamp) -> (State, Verdict, String) {
    match unit.load.as_str() {
        "loaded" => {}
        "" if unit.brief => return (State::Unknown, Verdict::Unknown, NO_DETAILS.to_owned()),
        "masked" => return (State::Masked, Verdict::Fail, "masked: it cannot be started".to_owned()),
        other => return (State::Failed, Verdict::Fail, format!("its unit file cannot be loaded ({other})")),
    }
    if unit.brief {
        return brief(unit);
    }
    let young = unit.active_since.is_some_and(|since| now.duration_since(since) < LOOP_WINDOW);
    let looping = || format!("crash loop: {} restarts, last: {}", unit.restarts, ending(unit));
    match (unit.active.as_str(), unit.sub.as_str()) {
        ("active" | "reloading" | "refreshing", _) if young && unit.restarts >= LOOP_RESTARTS => {
            (State::CrashLoop, Verdict::Fail, looping())
        }
        ("active" | "reloading" | "refreshing", sub) => {
            let state = if sub == "exited" { State::Completed } else { State::Running };
            if unit.reload_needed {
                (state, Verdict::Warn, "its unit file changed on disk: systemctl daemon-reload".to_owned())
            } else if young && unit.restarts > 0 {
                (state, Verdict::Warn, format!("restarted by itself, before that: {}", ending(unit)))
            } else {
                (state, Verdict::Pass, format!("{} ({sub})", unit.active))
            }
        }
        // The counter is raised only when the next start begins.
        ("activating", "auto-restart" | "auto-restart-queued") if unit.restarts.saturating_add(1) >= LOOP_RESTARTS => {
            (State::CrashLoop, Verdict::Fail, looping())
        }
        ("activating", "auto-restart" | "auto-restart-queued") => {
            (State::Restarting, Verdict::Fail, format!("ended, will be started again: {}", ending(unit)))
        }
        ("activating", _) if unit.restarts >= LOOP_RESTARTS => (State::CrashLoop, Verdict::Fail, looping()),
        ("activating", sub) => (State::Starting, Verdict::Warn, format!("starting ({sub})")),
        ("deactivating", sub) => (State::Stopping, Verdict::Warn, format!("stopping ({sub})")),
        ("failed", _) => (State::Failed, Verdict::Fail, format!("failed: {}", failure(unit))),
        ("inactive", _) if unit.condition_failed => (
            State::Skipped,
            Verdict::Fail,
            "not started: a condition or assertion of its unit does not hold".to_owned(),
        ),
        ("inactive", _) => match armed {
            Some(trigger) => (State::Waiting, Verdict::Pass, format!("started on demand by {trigger}")),
            None => (State::Stopped, Verdict::Fail, "stopped".to_owned()),
        },
        (active, sub) => {
            (State::Unknown, Verdict::Unknown, format!("in a state unknown to {}: {active} ({sub})", program::name()))
        }
    }
}

/// What is known of a unit of which only the state is: that it has failed, or, not how often it was restarted, nothing good.
fn brief(unit: &UnitState) -> (State, Verdict, String) {
    let told = format!("{} ({}); {NO_DETAILS}", unit.active, unit.sub);
    match (unit.active.as_str(), unit.sub.as_str()) {
        ("failed", _) => (State::Failed, Verdict::Fail, told),
        ("activating", "auto-restart" | "auto-restart-queued") => (State::Restarting, Verdict::Fail, told),
        ("active" | "reloading" | "refreshing", "exited") => (State::Completed, Verdict::Unknown, told),
        ("active" | "reloading" | "refreshing", _) => (State::Running, Verdict::Unknown, told),
        ("activating", _) => (State::Starting, Verdict::Unknown, told),
        ("deactivating", _) => (State::Stopping, Verdict::Unknown, told),
        // Stopped, or waiting for what starts it.
        _ => (State::Unknown, Verdict::Unknown, told),
    }
}

/// How it ended the last time: by systemd's `Result` where that says more than the exit code.
pub(crate) fn ending(unit: &UnitState) -> String {
    if unit.brief {
        return format!("not known ({NO_DETAILS})");
    }
    match unit.result.as_str() {
        "resources" => {
            return match unit.missing_files.as_slice() {
                [] => "a file it needs to start is missing (EnvironmentFile?)".to_owned(),
                files => format!("its EnvironmentFile {} does not exist", files.join(", ")),
            };
        }
        "timeout" => return "did not start or stop in time".to_owned(),
        "oom-kill" => return "killed for want of memory".to_owned(),
        "watchdog" => return "killed by its watchdog, to which it did not report".to_owned(),
        "protocol" => return "ended before it announced that it is ready".to_owned(),
        _ => {}
    }
    match unit.exit_kind {
        0 => "not known".to_owned(),
        2 => format!("killed by signal {}", unit.exit_status),
        3 => format!("core dump, signal {}", unit.exit_status),
        _ => match unit.exit_status {
            // Codes of systemd itself, set before the program runs (systemd.exec(5)).
            200 => "exit 200: its working directory is missing".to_owned(),
            203 => "exit 203: its program cannot be executed".to_owned(),
            217 => "exit 217: its user does not exist".to_owned(),
            code => format!("exit {code}"),
        },
    }
}

/// Why it failed.
fn failure(unit: &UnitState) -> String {
    match unit.result.as_str() {
        "start-limit-hit" => format!("started too often (start limit), last: {}", ending(unit)),
        _ if unit.restarts > 0 => format!("{} after {} restarts", ending(unit), unit.restarts),
        _ => ending(unit),
    }
}
