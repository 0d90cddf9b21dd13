//! What was removed although its files are there.

use super::case::{Case, Subject, asked};
use super::outcome::{Conclusion, Fact};
use crate::host::tools::command::Command;
use crate::host::tools::docker::Identity;
use crate::observe::probe::PmDaemon;
use crate::registry::{Manager, Service, State};

/// Whether its manager answered and does not know it.
pub(super) fn is_gone(subject: Subject<'_>) -> bool {
    subject.health.state == State::NotFound
}

/// Where its compose file may lie.
pub(super) fn compose_files(service: &'static Service) -> Vec<&'static str> {
    match service.managers.first() {
        Some(Manager::Compose(compose)) => compose.files.to_vec(),
        Some(Manager::Systemd(_) | Manager::Docker(_) | Manager::Pm2(_)) | None => Vec::new(),
    }
}

/// Whether docker compose made a container for this service.
fn is_of_project(service: &Service, identity: &Identity) -> bool {
    matches!(service.managers.first(), Some(Manager::Compose(compose))
        if identity.project == compose.project && identity.service == compose.service)
}

pub(super) fn container(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let paths = compose_files(subject.service);
    if !is_gone(subject) || paths.is_empty() {
        return Conclusion::RuledOut(Vec::new());
    }
    let unit = subject.service.managers.first().map_or("", Manager::unit);
    // One that was only renamed is still of its project.
    let renamed = match asked(case.clues.containers.as_ref()) {
        Err(unknown) => return unknown,
        Ok((_, all)) => {
            all.iter().map(|listed| &listed.identity).find(|identity| is_of_project(subject.service, identity))
        }
    };
    if let Some(identity) = renamed {
        let says = format!("the container {} is of its compose service", identity.name);
        return Conclusion::RuledOut(vec![Fact::new(Command::new(["docker", "ps", "--all"]), says)]);
    }
    Conclusion::any(paths.into_iter().map(|path| match asked(case.clues.files.get(path)) {
        Err(unknown) => unknown,
        Ok((command, found)) => {
            let says = match found {
                Some(_) => format!("{path} is there, and docker has no container {unit}"),
                None => format!("{path} does not exist"),
            };
            let fact = Fact::new(Command::new(["docker", "ps", "--all"]), says).ran(command).blaming(path);
            Conclusion::when(found.is_some(), vec![fact])
        }
    }))
}

pub(super) fn pm_empty(case: &Case<'_>) -> Conclusion {
    let here = |service: &&Service| case.health.services.iter().any(|judged| judged.name == service.name);
    let managers = case.services.iter().copied().filter(here).flat_map(|service| service.managers);
    let mut homes: Vec<&str> = managers
        .filter_map(|manager| match manager {
            Manager::Pm2(app) => Some(app.home),
            Manager::Systemd(_) | Manager::Compose(_) | Manager::Docker(_) => None,
        })
        .collect();
    homes.sort_unstable();
    homes.dedup();
    if homes.is_empty() {
        let says = "no service here is an application of pm2";
        return Conclusion::RuledOut(vec![Fact::new(Command::own(["status"]), says)]);
    }
    Conclusion::any(homes.into_iter().map(|home| match asked(case.evidence.managers.apps.get(home)) {
        Err(unknown) => unknown,
        Ok((command, daemon)) => {
            let count = daemon.as_ref().map(|PmDaemon { processes, .. }| processes.len());
            let says = match count {
                Some(count) => format!("the daemon of {home} runs {count} applications"),
                None => format!("the daemon of {home} does not run"),
            };
            Conclusion::when(count == Some(0), vec![Fact::new(command, says)])
        }
    }))
}
