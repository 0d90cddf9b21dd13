//! Containers of docker, compose and Swarm.

use jiff::Timestamp;

use super::{About, Check, LOOP_RESTARTS, LOOP_WINDOW, ManagerView, State};
use crate::host::tools::command::Command;
use crate::host::tools::docker::ContainerState;
use crate::observe::probe::{Answer, is_container_of};
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
        ..ManagerView::new(state, Check::new(SOURCE, &own, verdict, summary).about(About::Container))
    }
}

fn reading(container: &ContainerState, now: Timestamp) -> (State, Verdict, String) {
    let young = container.started.is_some_and(|since| now.duration_since(since) < LOOP_WINDOW);
    let ending = match (container.oom_killed, container.exit_code) {
        (true, _) => "killed for want of memory".to_owned(),
        (false, code) => format!("exit {code}"),
    };
    let looping = || format!("crash loop: {} restarts, last: {ending}", container.restarts);
    match container.status.as_str() {
        "restarting" if container.restarts >= LOOP_RESTARTS => (State::CrashLoop, Verdict::Fail, looping()),
        "restarting" => (State::Restarting, Verdict::Fail, format!("ended, will be started again: {ending}")),
        "running" if young && container.restarts >= LOOP_RESTARTS => (State::CrashLoop, Verdict::Fail, looping()),
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
        "created" => (State::Stopped, Verdict::Fail, "created but never started".to_owned()),
        "exited" if container.exit_code == 0 && !container.oom_killed => {
            (State::Stopped, Verdict::Fail, "stopped (exit 0)".to_owned())
        }
        "exited" | "dead" => (State::Failed, Verdict::Fail, format!("failed: {ending}")),
        "removing" => (State::Stopping, Verdict::Warn, "being removed".to_owned()),
        other => (State::Unknown, Verdict::Unknown, format!("in a state unknown to {}: {other}", program::name())),
    }
}
