//! systemd units.

use jiff::Timestamp;

use super::pace::{self, Pace, Runs};
use super::{About, Check, ManagerView, State};
use crate::host::tools::command::Command;
use crate::host::tools::history::RunEnd;
use crate::host::tools::systemctl::UnitState;
use crate::observe::probe::{Answer, units_of};
use crate::program;
use crate::registry::{Presence, Probe, Service, Unit, Verdict};
use crate::units::stamp;

const SOURCE: &str = "systemd";
/// Said of a unit of which only the state is known.
pub(crate) const NO_DETAILS: &str = "systemd reported no details before the timeout";

/// A unit without a file was not asked about where its service need not be here, and so is not there. `boot`: when the host
/// started, where that is known.
pub(super) fn judge(
    wanted: &Unit,
    service: &Service,
    answer: &Answer<Vec<UnitState>>,
    boot: Option<Timestamp>,
    now: Timestamp,
) -> ManagerView {
    let units = match &answer.result {
        Ok(units) => units,
        Err(trouble) => return ManagerView::unasked(SOURCE, About::Other, answer, trouble),
    };
    let names = || std::iter::once(&wanted.name).chain(wanted.aliases);
    let known = |name: &str| units.iter().find(|unit| unit.is(name));
    let counted = units_of(wanted, units);
    let command = |name: &str| Answer { command: Command::new(["systemctl", "status", name]), result: Ok(()) };
    let Some(unit) = counted.first().copied() else {
        let optional = service.presence != Presence::Required;
        return if optional || names().any(|name| known(name).is_some()) {
            let summary = format!("{} not found", wanted.name);
            ManagerView::new(State::NotFound, Check::new(SOURCE, &command(wanted.name), Verdict::Fail, summary))
        } else {
            // systemd answers for every name it is asked for, so its answer was cut.
            let summary = format!("did not report {}", wanted.name);
            ManagerView::new(State::Unknown, Check::new(SOURCE, answer, Verdict::Unknown, summary))
        };
    };
    let triggers = || units.iter().filter(|other| unit.triggered_by.split_whitespace().any(|name| other.is(name)));
    let in_state = |state: &str| triggers().find(|trigger| trigger.active == state);
    // An engine never ends by itself, and with it end the containers that it starts at boot.
    let is_stopped_engine =
        unit.file_state == "enabled" && service.probes.iter().any(|probe| matches!(probe, Probe::DockerEngine));
    // What runs already needs none: a trigger that has failed is another failure then.
    let trigger = (unit.active == "inactive" && !is_stopped_engine)
        .then(|| in_state("active").or_else(|| in_state("failed")))
        .flatten();
    let (state, verdict, summary) = reading(unit, trigger, boot, now);
    let runs_on = state == State::Running && verdict != Verdict::Pass && !unit.reload_needed;
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
        units: counted.iter().copied().chain(trigger).map(|unit| unit.id.clone()).collect(),
        unused: matches!(state, State::Masked | State::Skipped) || (state == State::Stopped && !enabled),
        ..ManagerView::new(
            state,
            Check::new(SOURCE, &command(&unit.id), verdict, summary).about(if runs_on {
                About::Restarts
            } else {
                About::Other
            }),
        )
    }
}

/// What is wrong with a unit that no service names, if it ends again and again.
pub(crate) fn restarting(unit: &UnitState, boot: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let (state, verdict, summary) = reading(unit, None, boot, now);
    match state {
        State::CrashLoop | State::Restarting => Some(summary),
        State::Running if verdict != Verdict::Pass && slow(unit, boot, now) => Some(summary),
        _ => None,
    }
}

fn slow(unit: &UnitState, boot: Option<Timestamp>, now: Timestamp) -> bool {
    matches!(pace::judge(&runs(unit, boot), now), Pace::Slow(_) | Pace::Open(_))
}

fn runs(unit: &UnitState, boot: Option<Timestamp>) -> Runs<'_> {
    // The counter is raised only when the next start begins.
    let has_ended = unit.sub.starts_with("auto-restart");
    let runs = matches!(unit.active.as_str(), "active" | "reloading" | "refreshing" | "deactivating");
    Runs {
        count: unit.restarts,
        began: unit.active_since.filter(|_| runs),
        first: boot,
        history: unit.history.as_ref(),
        has_ended,
    }
}

/// `trigger` is the socket, timer or path that starts the unit when it is wanted.
fn reading(
    unit: &UnitState,
    trigger: Option<&UnitState>,
    boot: Option<Timestamp>,
    now: Timestamp,
) -> (State, Verdict, String) {
    match unit.load.as_str() {
        "loaded" => {}
        "" if unit.brief => return (State::Unknown, Verdict::Unknown, NO_DETAILS.to_owned()),
        "masked" => return (State::Masked, Verdict::Fail, "masked: it cannot be started".to_owned()),
        other => return (State::Failed, Verdict::Fail, format!("its unit file cannot be loaded ({other})")),
    }
    if unit.brief {
        return brief(unit);
    }
    let pace = || pace::judge(&runs(unit, boot), now);
    let looping =
        |count: String| (State::CrashLoop, Verdict::Fail, format!("crash loop: {count}, last: {}", last_ending(unit)));
    match (unit.active.as_str(), unit.sub.as_str()) {
        ("active" | "reloading" | "refreshing", sub) => {
            let state = if sub == "exited" { State::Completed } else { State::Running };
            match pace() {
                Pace::Loop(count) => looping(count),
                _ if unit.reload_needed => {
                    (state, Verdict::Warn, "its unit file changed on disk: systemctl daemon-reload".to_owned())
                }
                // Some end on purpose after a while, and count on being started again.
                Pace::Slow(count) if pace::is_clean(unit.history.as_ref()) => {
                    (state, Verdict::Pass, format!("{} ({sub}), {count}, each after exit 0", unit.active))
                }
                Pace::Slow(count) => {
                    (state, Verdict::Warn, format!("keeps restarting: {count}, last: {}", last_ending(unit)))
                }
                Pace::Open(count) => (state, Verdict::Unknown, count),
                Pace::Lately => {
                    (state, Verdict::Warn, format!("restarted by itself, before that: {}", last_ending(unit)))
                }
                Pace::Steady => (state, Verdict::Pass, format!("{} ({sub})", unit.active)),
            }
        }
        ("activating", "auto-restart" | "auto-restart-queued") => match pace() {
            Pace::Loop(count) => looping(count),
            Pace::Steady | Pace::Lately | Pace::Slow(_) | Pace::Open(_) => {
                (State::Restarting, Verdict::Fail, format!("ended, will be restarted: {}", ending(unit)))
            }
        },
        ("activating", sub) => match pace() {
            Pace::Loop(count) => looping(count),
            Pace::Steady | Pace::Lately | Pace::Slow(_) | Pace::Open(_) => {
                (State::Starting, Verdict::Warn, format!("starting ({sub})"))
            }
        },
        ("deactivating", sub) => (State::Stopping, Verdict::Warn, format!("stopping ({sub})")),
        ("failed", _) => (State::Failed, Verdict::Fail, format!("failed: {}", failure(unit))),
        ("inactive", _) if unit.runtime_mask => (
            State::Masked,
            Verdict::Fail,
            "stopped, and masked until the next boot (systemctl mask --runtime)".to_owned(),
        ),
        ("inactive", _) if unit.condition_failed => {
            (State::Skipped, Verdict::Fail, "not started: a condition or assertion of its unit is not met".to_owned())
        }
        ("inactive", _) => match trigger.map(|trigger| (trigger, trigger.active.as_str())) {
            Some((trigger, "active")) => (State::Waiting, Verdict::Pass, waiting(unit, trigger)),
            Some((trigger, "failed")) => {
                let why = failure(trigger);
                (State::Failed, Verdict::Fail, format!("not started on demand, because {} failed: {why}", trigger.id))
            }
            _ => (State::Stopped, Verdict::Fail, "stopped".to_owned()),
        },
        (active, sub) => {
            (State::Unknown, Verdict::Unknown, format!("in a state unknown to {}: {active} ({sub})", program::name()))
        }
    }
}

/// A unit that waits for its trigger: of a job that a timer starts, its last run and the next.
fn waiting(unit: &UnitState, trigger: &UnitState) -> String {
    // `Sat 2026-11-28 00:00:00 UTC`: the day of the week adds nothing.
    let Some((_, next)) = trigger.next_elapse.split_once(' ') else {
        return format!("started on demand by {}", trigger.id);
    };
    let last =
        unit.changed.map_or_else(|| "not run since the boot".to_owned(), |end| format!("succeeded {}", stamp(end)));
    format!("{last}; next run by {}: {next}", trigger.id)
}

/// How the run before the present one ended: by the journal, which keeps it, else by what systemd still knows.
fn last_ending(unit: &UnitState) -> String {
    match pace::last(unit.history.as_ref()) {
        Some(RunEnd::Result(result)) => result_words(result, unit).unwrap_or_else(|| result.clone()),
        Some(RunEnd::Exit(code)) => exit_words(*code),
        Some(RunEnd::Signal(signal)) => format!("killed by signal {signal}"),
        Some(RunEnd::Dump(signal)) => format!("core dump, signal {signal}"),
        None => ending(unit),
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
        return format!("unknown ({NO_DETAILS})");
    }
    if let Some(words) = result_words(&unit.result, unit) {
        return words;
    }
    match unit.exit_kind {
        // The main process was never started.
        0 if unit.result == "exit-code" => {
            "a step before its main process ended with an error (ExecStartPre=)".to_owned()
        }
        0 => "unknown".to_owned(),
        2 => format!("killed by signal {}", unit.exit_status),
        3 => format!("core dump, signal {}", unit.exit_status),
        _ => exit_words(unit.exit_status.into()),
    }
}

/// What its manager did to it, in a sentence without its subject, where that says more than the lines of its log: it was ended for
/// not reporting in time, or for want of memory.
pub(crate) fn ended_by_manager(unit: &UnitState) -> Option<String> {
    let recorded = match pace::last(unit.history.as_ref()) {
        Some(RunEnd::Result(result)) => Some(result.as_str()),
        Some(RunEnd::Exit(_) | RunEnd::Signal(_) | RunEnd::Dump(_)) | None => None,
    };
    let result = recorded.filter(|_| unit.result == "success").unwrap_or(&unit.result);
    let words = match result {
        "watchdog" => "missed its watchdog (WatchdogSec=): systemd killed it",
        "timeout" if unit.kind.starts_with("notify") && unit.active != "active" => {
            "does not report READY=1 before its start timeout"
        }
        "timeout" => "does not start or stop before its timeout: systemd killed it",
        "oom-kill" => "was OOM-killed (oom-kill)",
        "protocol" => "ended before it reported that it is ready",
        _ => return None,
    };
    Some(words.to_owned())
}

/// What systemd's word for a result means, where it says more than the exit code.
fn result_words(result: &str, unit: &UnitState) -> Option<String> {
    Some(match result {
        "resources" => match unit.missing_files.as_slice() {
            [] if unit.needed_files.is_empty() => "systemd lacked a resource for its start".to_owned(),
            [] => "a required file is missing (perhaps its EnvironmentFile)".to_owned(),
            files => format!("its EnvironmentFile {} does not exist", files.join(", ")),
        },
        "timeout" => "did not start or stop before its timeout".to_owned(),
        "oom-kill" => "OOM-killed".to_owned(),
        "watchdog" => "killed: it missed its watchdog".to_owned(),
        "protocol" => "ended before it reported that it is ready".to_owned(),
        _ => return None,
    })
}

/// An exit code; those of systemd itself are set before the program runs (systemd.exec(5)).
fn exit_words(code: i64) -> String {
    match code {
        200 => "exit 200: its working directory is missing".to_owned(),
        203 => "exit 203: its program cannot be executed".to_owned(),
        217 => "exit 217: its user does not exist".to_owned(),
        code => format!("exit {code}"),
    }
}

/// Why it failed.
fn failure(unit: &UnitState) -> String {
    match unit.result.as_str() {
        "start-limit-hit" => format!("too many starts (start limit), last: {}", ending(unit)),
        _ if unit.restarts > 0 => format!("{} after {} restarts", ending(unit), unit.restarts),
        _ => ending(unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_did_is_told_where_it_did_something() {
        let of = |result: &str, kind: &str| {
            let unit = UnitState { result: result.to_owned(), kind: kind.to_owned(), ..UnitState::default() };
            ended_by_manager(&unit).unwrap_or_default()
        };
        for (result, kind, begins) in [
            ("watchdog", "notify", "missed its watchdog"),
            ("timeout", "notify", "does not report READY=1"),
            ("timeout", "simple", "does not start or stop before"),
            ("oom-kill", "simple", "was OOM-killed"),
            ("protocol", "notify", "ended before it reported"),
            ("exit-code", "simple", ""),
            ("success", "simple", ""),
            ("core-dump", "simple", ""),
        ] {
            let said = of(result, kind);
            assert!(said.starts_with(begins) && said.is_empty() == begins.is_empty(), "{result} {kind}: {said}");
        }
    }
}
