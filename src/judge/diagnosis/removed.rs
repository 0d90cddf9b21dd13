//! What was removed although its files are there.

use std::collections::BTreeSet;

use super::case::{Case, Subject, asked};
use super::outcome::{Conclusion, Fact};
use crate::host::tools::command::Command;
use crate::host::tools::docker::Identity;
use crate::observe::probe::PmDaemon;
use crate::registry::{App, Manager, Service, State};

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
        let says = format!("the container {} belongs to its compose service", identity.name);
        return Conclusion::RuledOut(vec![Fact::new(Command::new(["docker", "ps", "--all"]), says)]);
    }
    Conclusion::any(paths.into_iter().map(|path| match asked(case.clues.files.get(path)) {
        Err(unknown) => unknown,
        Ok((command, found)) => {
            let says = match found {
                Some(_) => format!("{path} exists, and docker has no container {unit}"),
                None => format!("{path} does not exist"),
            };
            let fact = Fact::new(Command::new(["docker", "ps", "--all"]), says).ran(command).blaming(path);
            Conclusion::when(found.is_some(), vec![fact])
        }
    }))
}

/// Directories of the pm2 daemons whose applications are on this host, or should be.
pub(super) fn homes(case: &Case<'_>) -> Vec<&'static str> {
    let mut homes: Vec<&str> = apps(case).map(|app| app.home).collect();
    homes.sort_unstable();
    homes.dedup();
    homes
}

fn apps(case: &Case<'_>) -> impl Iterator<Item = &'static App> {
    let here = |service: &&Service| case.health.services.iter().any(|judged| judged.name == service.name);
    let managers = case.services.iter().copied().filter(here).flat_map(|service| service.managers);
    managers.filter_map(|manager| match manager {
        Manager::Pm2(app) => Some(app),
        Manager::Systemd(_) | Manager::Compose(_) | Manager::Docker(_) => None,
    })
}

fn no_app() -> Conclusion {
    Conclusion::RuledOut(vec![Fact::new(Command::own(["status"]), "no service here is an application of pm2")])
}

pub(super) fn pm_empty(case: &Case<'_>) -> Conclusion {
    let homes = homes(case);
    if homes.is_empty() {
        return no_app();
    }
    Conclusion::any(homes.into_iter().map(|home| match asked(case.evidence.managers.apps.get(home)) {
        Err(unknown) => unknown,
        Ok((command, daemon)) => {
            let count = daemon.as_ref().map(|PmDaemon { processes, .. }| processes.len());
            let says = match count {
                Some(0) => format!("pm2 list is empty: the daemon of {home} runs no application"),
                Some(count) => format!("the daemon of {home} runs {count} applications"),
                None => format!("the daemon of {home} does not run"),
            };
            Conclusion::when(count == Some(0), vec![Fact::new(command, says).about("pm2")])
        }
    }))
}

/// Whether applications run that the saved list lacks: all of one daemon's in one finding.
pub(super) fn pm_unsaved(case: &Case<'_>) -> Conclusion {
    let homes = homes(case);
    if homes.is_empty() {
        return no_app();
    }
    Conclusion::any(homes.into_iter().map(|home| {
        let daemon = match asked(case.evidence.managers.apps.get(home)) {
            Err(unknown) => return unknown,
            Ok((_, daemon)) => daemon,
        };
        let online = |app: &&App| {
            let mut processes = daemon.iter().flat_map(|daemon| &daemon.processes);
            app.home == home && processes.any(|process| process.name == app.name && process.status == "online")
        };
        let running: Vec<&str> = apps(case).filter(online).map(|app| app.name).collect();
        match asked(case.clues.drift.saved.get(home)) {
            _ if running.is_empty() => Conclusion::RuledOut(Vec::new()),
            Err(unknown) => unknown,
            // That nothing was ever saved is another matter.
            Ok((_, None)) => Conclusion::RuledOut(Vec::new()),
            Ok((command, Some(names))) => {
                let missing: Vec<&str> = running.iter().copied().filter(|name| !names.contains(*name)).collect();
                let path = format!("{home}/dump.pm2");
                let (online, saved, names) = (running.len(), online_of(&running, names), missing.join(", "));
                let says = format!("{path} holds {saved} of {online} applications that are online; missing: {names}");
                let fact = Fact::new(command, says).about("pm2").blaming(format!("{names} ({path})"));
                Conclusion::when(!missing.is_empty(), vec![fact])
            }
        }
    }))
}

fn online_of(running: &[&str], saved: &BTreeSet<String>) -> usize {
    running.iter().filter(|name| saved.contains(**name)).count()
}
