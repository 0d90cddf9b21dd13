//! Containers of docker, compose and Swarm.

use jiff::Timestamp;

use super::pace::{self, Pace, Runs};
use super::{About, Check, ManagerView, State};
use crate::host::tools::command::Command;
use crate::host::tools::docker::ContainerState;
use crate::host::tools::excerpt;
use crate::host::tools::history::RunEnd;
use crate::observe::probe::{Answer, UnmanagedContainer, is_container_of};
use crate::program;
use crate::registry::{Manager, Service, Verdict};

const SOURCE: &str = "docker";

pub(super) fn judge(
    service: &Service,
    manager: &Manager,
    answer: &Answer<Vec<ContainerState>>,
    now: Timestamp,
) -> ManagerView {
    let all = match &answer.result {
        Ok(all) => all,
        Err(trouble) => return ManagerView::unasked(SOURCE, About::Container, answer, trouble),
    };
    let mut found: Vec<&ContainerState> =
        all.iter().filter(|container| is_container_of(manager, &container.identity)).collect();
    // A Swarm service leaves its former tasks behind; only the one that runs counts.
    if found.len() > 1 && found.iter().any(|container| container.status == "running") {
        found.retain(|container| container.status == "running");
    }
    let (container, more) = match found.as_slice() {
        [] => {
            let summary = format!("container {} not found", manager.unit());
            let look = Answer { command: Command::new(["docker", "ps", "--all"]), result: Ok(()) };
            return ManagerView::new(
                State::NotFound,
                Check::new(SOURCE, &look, Verdict::Fail, summary).about(About::NoContainer),
            );
        }
        [one] => (*one, 0),
        [first, rest @ ..] => (*first, rest.len()),
    };
    let name = &container.identity.name;
    let own = Answer { command: Command::new(["docker", "inspect", name]), result: Ok(()) };
    if more > 0 {
        let names: Vec<&str> = found.iter().map(|container| container.identity.name.as_str()).collect();
        let summary = format!("several containers could be {}: {}", service.name, names.join(", "));
        return ManagerView::new(
            State::Unknown,
            Check::new(SOURCE, answer, Verdict::Unknown, summary).about(About::Container),
        );
    }
    let (state, verdict, summary) = reading(container, now);
    let was_restarted = !matches!(pace::judge(&runs(container), now), Pace::Steady);
    let healthy = !matches!(container.health.as_deref(), Some("unhealthy"));
    let about = match was_restarted && healthy && state == State::Running && verdict != Verdict::Pass {
        true => About::Restarts,
        false => About::Container,
    };
    ManagerView {
        unit: Some(name.clone()),
        since: match state {
            State::Stopped | State::Failed => container.finished,
            _ => container.started,
        }
        // Docker writes the year 1 for "never".
        .filter(|time| time.as_second() > 0),
        restarts: Some(container.restarts),
        pid: Some(container.pid).filter(|pid| *pid != 0),
        memory_bytes: container.memory_bytes,
        ..ManagerView::new(state, Check::new(SOURCE, &own, verdict, summary).about(about))
    }
}

/// What is wrong with a container that no service accounts for: it ends again and again, does not come up, or its health check
/// fails. One that has ended may be a job that is done.
pub(crate) fn ailment(unmanaged: &UnmanagedContainer, now: Timestamp) -> Option<String> {
    let listed = unmanaged.listed.ailment().map(str::to_owned);
    let Some(detail) = &unmanaged.detail else { return listed };
    let error = detail.error.trim();
    let why = if error.is_empty() { String::new() } else { format!(": {}", excerpt(error)) };
    match detail.status.as_str() {
        "running" | "restarting" => match pace::judge(&runs(detail), now) {
            Pace::Loop(count) => Some(format!("crash loop: {count}, last: {}", last_ending(detail))),
            Pace::Slow(count) if !pace::is_clean(detail.history.as_ref()) => {
                Some(format!("keeps restarting: {count}, last: {}", last_ending(detail)))
            }
            Pace::Open(count) => Some(count),
            Pace::Steady | Pace::Lately | Pace::Slow(_) => listed,
        },
        "created" if detail.is_restarted() => Some(format!("created but never started{why}")),
        // Somebody may have stopped it; the engine did not where it could not start it, or gave up.
        "exited" if detail.is_restarted() && !error.is_empty() => Some(format!("did not start{why}")),
        "exited" if detail.policy == "on-failure" && detail.exit_code != 0 && detail.restarts > 0 => {
            Some(format!("not restarted any more after {} restarts, exit {}", detail.restarts, detail.exit_code))
        }
        _ => listed,
    }
}

fn runs(container: &ContainerState) -> Runs<'_> {
    Runs {
        count: container.restarts,
        began: container.started.filter(|_| container.status == "running"),
        first: container.created,
        history: container.history.as_ref(),
        has_ended: false,
    }
}

/// How the run before the present one ended. The engine keeps an exit code of the present run only, which is 0 while it lasts.
fn last_ending(container: &ContainerState) -> String {
    match pace::last(container.history.as_ref()) {
        Some(RunEnd::Exit(code)) => format!("exit {code}"),
        Some(RunEnd::Signal(signal) | RunEnd::Dump(signal)) => format!("killed by signal {signal}"),
        Some(RunEnd::Result(result)) => result.clone(),
        None if container.status == "running" => "unknown".to_owned(),
        None => format!("exit {}", container.exit_code),
    }
}

fn reading(container: &ContainerState, now: Timestamp) -> (State, Verdict, String) {
    let ending = match (container.oom_killed, container.exit_code) {
        (true, _) => "OOM-killed".to_owned(),
        (false, code) => format!("exit {code}"),
    };
    let last = || match container.oom_killed {
        true => ending.clone(),
        false => last_ending(container),
    };
    let looping = |count: String| (State::CrashLoop, Verdict::Fail, format!("crash loop: {count}, last: {}", last()));
    match (container.status.as_str(), pace::judge(&runs(container), now)) {
        ("running" | "restarting", Pace::Loop(count)) => return looping(count),
        ("running", _) if container.health.as_deref() == Some("unhealthy") => {}
        ("running", Pace::Slow(count)) if !pace::is_clean(container.history.as_ref()) => {
            let summary = format!("keeps restarting: {count}, last: {}", last());
            return (State::Running, Verdict::Warn, summary);
        }
        ("running", Pace::Open(count)) => return (State::Running, Verdict::Unknown, count),
        (_, _) => {}
    }
    match container.status.as_str() {
        "restarting" => (State::Restarting, Verdict::Fail, format!("ended, will be restarted: {ending}")),
        "running" => match container.health.as_deref() {
            Some("unhealthy") => (State::Running, Verdict::Fail, "its container's health check fails".to_owned()),
            Some("starting") => (State::Starting, Verdict::Warn, "health check has not passed yet".to_owned()),
            Some("healthy") => (State::Running, Verdict::Pass, "running, healthy".to_owned()),
            None | Some("none" | "") => (State::Running, Verdict::Pass, "running".to_owned()),
            Some(other) => {
                (State::Running, Verdict::Unknown, format!("health unknown to {}: {other}", program::name()))
            }
        },
        "paused" => (State::Paused, Verdict::Fail, "paused".to_owned()),
        "created" => {
            let error = container.error.trim();
            let why = if error.is_empty() { String::new() } else { format!(": {}", excerpt(error)) };
            (State::Stopped, Verdict::Fail, format!("created but never started{why}"))
        }
        "exited" if container.exit_code == 0 && !container.oom_killed => {
            (State::Stopped, Verdict::Fail, "stopped (exit 0)".to_owned())
        }
        "exited" | "dead" => (State::Failed, Verdict::Fail, format!("failed: {ending}")),
        "removing" => (State::Stopping, Verdict::Warn, "being removed".to_owned()),
        other => (State::Unknown, Verdict::Unknown, format!("in a state unknown to {}: {other}", program::name())),
    }
}
