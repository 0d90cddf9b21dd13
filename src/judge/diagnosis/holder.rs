//! Who holds the port of a service in its place: what it is says what may be done about it, and never that it is ended.

use super::case::{Case, Subject};
use super::outcome::{Conclusion, Fact};
use super::service::port;
use crate::host::tools::cgroup::Home;
use crate::observe::probe::{Holder, is_container_of, units_of};
use crate::registry::{Holding, Manager, Service};

/// Programs by which the engine publishes a container's port.
const PUBLISHERS: [&str; 2] = ["docker-proxy", "rootlessport"];

/// Whether another process than its own holds the service's port; which, and what it is.
pub(super) fn taken(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let found = port(case, subject, |holder| matches!(holder, Holder::Other { .. }));
    let Holder::Other { pid, name } = &case.evidence.holders[subject.index] else { return found };
    let Conclusion::Proven(facts) = found else { return found };
    let (holding, thing) = who(case, subject.service, *pid, name);
    let named = |fact: Fact| {
        let port = subject.service.ports.first().copied().unwrap_or_default();
        let says = format!("port {port} is held by {thing}");
        Fact { says, holding: Some(holding), ..fact }.blaming(thing.clone())
    };
    Conclusion::Proven(facts.into_iter().map(named).collect())
}

/// What the holder is, and in words.
fn who(case: &Case<'_>, own: &Service, pid: u32, name: &str) -> (Holding, String) {
    if PUBLISHERS.contains(&name) {
        return (Holding::Container, format!("a container's published port ({name}, pid {pid})"));
    }
    let home = case.clues.homes.get(&pid);
    let sibling = case.services.iter().find(|other| other.name != own.name && is_of(case, other, pid, home));
    let what = described(home, pid, name);
    match (sibling, home) {
        // Two for the same port are no mix-up: one of them is to serve.
        (Some(other), Some(Home::Unit(_))) if own.ports.first().is_some_and(|port| other.ports.contains(port)) => {
            (Holding::Unit, what)
        }
        (Some(other), _) => (Holding::Service, format!("{}, which is {what}", other.name)),
        (None, Some(Home::Unit(_))) => (Holding::Unit, what),
        (None, Some(Home::Container(_))) => (Holding::Container, what),
        (None, Some(Home::Session(_))) => (Holding::Session, what),
        (None, Some(Home::None) | None) => (Holding::Unknown, what),
    }
}

/// A process and what it belongs to, in words.
pub(super) fn described(home: Option<&Home>, pid: u32, name: &str) -> String {
    match home {
        Some(Home::Unit(unit)) => format!("{unit} ({name}, pid {pid})"),
        Some(Home::Container(id)) => format!("container {} ({name}, pid {pid})", id.get(..12).unwrap_or(id)),
        Some(Home::Session(session)) => format!("{name} (pid {pid}), started by hand in session {session}"),
        Some(Home::None) | None => format!("{name} (pid {pid})"),
    }
}

/// Whether a process is one of a service's.
fn is_of(case: &Case<'_>, service: &Service, pid: u32, home: Option<&Home>) -> bool {
    let managers = &case.evidence.managers;
    service.managers.iter().any(|manager| match (manager, home) {
        (Manager::Systemd(wanted), Some(Home::Unit(unit))) => {
            let units = managers.units.as_ref().and_then(|answer| answer.result.as_ref().ok());
            units.is_some_and(|units| units_of(wanted, units).iter().any(|known| known.is(unit)))
        }
        (Manager::Compose(_) | Manager::Docker(_), Some(Home::Container(id))) => {
            let all = managers.containers.as_ref().and_then(|answer| answer.result.as_ref().ok());
            let mut all = all.into_iter().flatten();
            all.any(|container| container.id == *id && is_container_of(manager, &container.identity))
        }
        (Manager::Pm2(app), _) => {
            let daemon = managers.apps.get(app.home).and_then(|answer| answer.result.as_ref().ok()?.as_ref());
            let processes = daemon.into_iter().flat_map(|daemon| &daemon.processes);
            processes.into_iter().any(|process| process.name == app.name && process.pid == Some(pid))
        }
        (Manager::Systemd(_) | Manager::Compose(_) | Manager::Docker(_), _) => false,
    })
}
