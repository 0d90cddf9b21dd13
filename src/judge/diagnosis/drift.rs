//! What runs against what is configured. Nothing is proven here but by both sides: the file that says one thing, and the process,
//! server or manager that shows another.

use super::case::{Case, Subject, asked};
use super::drift_unit as unit_files;
use super::outcome::{Conclusion, Fact};
use super::service::doubt;
use crate::host::tools::command::Command;
use crate::host::tools::docker::ContainerState;
use crate::host::tools::systemctl::UnitState;
use crate::host::trouble::Trouble;
use crate::judge::health::NO_DETAILS;
use crate::observe::clues::drift::Older;
use crate::observe::clues::drift::daemons::{Daemon, daemon};
use crate::observe::clues::drift::pairs::Pair;
use crate::observe::clues::{Wants, unit};
use crate::observe::probe::{Answer, is_container_of, units_of};
use crate::registry::{App, Compose, Drift, Manager, State};
use crate::units::stamp;

/// It is not so, and nothing had to be looked at.
fn no() -> Conclusion {
    Conclusion::RuledOut(Vec::new())
}

/// The unit of a service; `None` where it has none.
pub(super) fn own_unit<'a>(case: &Case<'a>, subject: Subject<'a>) -> Result<Option<&'a UnitState>, Conclusion> {
    let wanted = subject.service.managers.iter().find_map(|manager| match manager {
        Manager::Systemd(wanted) => Some(wanted),
        Manager::Compose(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
    });
    let Some(wanted) = wanted else { return Ok(None) };
    let (_, units) = asked(case.evidence.managers.units.as_ref())?;
    match unit(subject.service, &case.evidence.managers) {
        Some(unit) => Ok(Some(unit)),
        None if !units_of(wanted, units).is_empty() => Err(Conclusion::unknown(NO_DETAILS)),
        None if subject.health.state == State::Unknown => Err(Conclusion::unknown(doubt(subject))),
        None => Ok(None),
    }
}

/// Its container, if it has one that compose or docker made.
fn own_container<'a>(case: &Case<'a>, subject: Subject<'a>) -> Result<Option<&'a ContainerState>, Conclusion> {
    let is_managed = |manager: &&Manager| matches!(manager, Manager::Compose(_) | Manager::Docker(_));
    let Some(manager) = subject.service.managers.iter().find(is_managed) else { return Ok(None) };
    match case.evidence.managers.containers.as_ref().map(|answer| &answer.result) {
        // Where no engine runs, nothing is said of its containers.
        None | Some(Err(Trouble::Unavailable(_) | Trouble::Missing(_))) => Ok(None),
        Some(_) => {
            let (_, containers) = asked(case.evidence.managers.containers.as_ref())?;
            Ok(containers.iter().find(|container| is_container_of(manager, &container.identity)))
        }
    }
}

fn compose(subject: Subject<'_>) -> Option<&'static Compose> {
    subject.service.managers.iter().find_map(|manager| match manager {
        Manager::Compose(compose) => Some(compose),
        Manager::Systemd(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
    })
}

fn app(subject: Subject<'_>) -> Option<&'static App> {
    subject.service.managers.iter().find_map(|manager| match manager {
        Manager::Pm2(app) => Some(app),
        Manager::Systemd(_) | Manager::Docker(_) | Manager::Compose(_) => None,
    })
}

/// Whether it is a process of its own that reads env files at its start.
fn reads_env_files(unit: &UnitState) -> bool {
    unit.active == "active" && unit.main_pid.is_some() && !unit.environment_files.is_empty()
}

fn is_daemon(subject: Subject<'_>, unit: &UnitState) -> bool {
    daemon(subject.service).is_some() && unit.active == "active" && unit.main_pid.is_some()
}

/// Adds what this needs. What the registry or the manager has decided already needs nothing.
pub(super) fn want(case: &Case<'_>, drift: Drift, subject: Subject<'_>, wants: &mut Wants) {
    let service = subject.service;
    let wants = &mut wants.drift;
    match drift {
        Drift::Container => {
            if let (Some(compose), Ok(Some(_))) = (compose(subject), own_container(case, subject)) {
                wants.containers.insert(service.name, (service, compose));
            }
        }
        Drift::Image => wants.images |= matches!(own_container(case, subject), Ok(Some(_))),
        Drift::Script => {
            let scripts = app(subject).and_then(|app| scripts(case, app).ok());
            wants.scripts.extend(scripts.into_iter().flatten().map(str::to_owned));
        }
        Drift::Port
        | Drift::PortMoved
        | Drift::Network
        | Drift::Paths
        | Drift::Identity
        | Drift::Bound
        | Drift::Hangs
        | Drift::Environment
        | Drift::Configuration
        | Drift::Certificate
        | Drift::Key => {
            if drift == Drift::PortMoved && !unit_files::is_elsewhere(case, subject) {
                return;
            }
            let Ok(Some(unit)) = own_unit(case, subject) else { return };
            match drift {
                Drift::Environment => {
                    if reads_env_files(unit) {
                        wants.environments.insert(service.name, service);
                    }
                }
                Drift::Configuration => {
                    if is_daemon(subject, unit) {
                        wants.daemons.insert(service.name, service);
                    }
                }
                Drift::Certificate | Drift::Key => {
                    if daemon(service) == Some(Daemon::Nginx) {
                        wants.pairs.insert(service.name, service);
                    }
                }
                _ => drop(wants.units.insert(service.name, service)),
            }
        }
    }
}

/// What comes of it.
pub(super) fn outcome(case: &Case<'_>, drift: Drift, subject: Subject<'_>) -> Conclusion {
    let seen = &case.clues.drift;
    let name = subject.service.name;
    match drift {
        Drift::Container => match own_container(case, subject) {
            Err(unknown) => unknown,
            Ok(Some(_)) if compose(subject).is_some() => older(seen.containers.get(name), true),
            Ok(_) => no(),
        },
        Drift::Image => image(case, subject),
        Drift::Script => script(case, subject),
        Drift::Environment => match own_unit(case, subject) {
            Err(unknown) => unknown,
            Ok(Some(unit)) if reads_env_files(unit) => older(seen.environments.get(name), true),
            Ok(_) => no(),
        },
        Drift::Configuration => match own_unit(case, subject) {
            _ if daemon(subject.service).is_none() => no(),
            Err(unknown) => unknown,
            Ok(Some(unit)) if is_daemon(subject, unit) => older(seen.daemons.get(name), false),
            Ok(_) => no(),
        },
        Drift::Certificate | Drift::Key if daemon(subject.service) != Some(Daemon::Nginx) => no(),
        Drift::PortMoved if !unit_files::is_elsewhere(case, subject) => no(),
        Drift::Certificate => certificate(case, subject),
        Drift::Key => key(case, subject),
        Drift::Port
        | Drift::PortMoved
        | Drift::Network
        | Drift::Paths
        | Drift::Identity
        | Drift::Bound
        | Drift::Hangs => match own_unit(case, subject) {
            Err(unknown) => unknown,
            Ok(None) => no(),
            Ok(Some(unit)) => match asked(seen.units.get(name)) {
                Err(unknown) => unknown,
                Ok((command, files)) => unit_files::outcome(case, drift, subject, unit, files, command),
            },
        },
    }
}

/// Something that runs with older configuration; with `keys`, whose names are what differs.
fn older(answer: Option<&Answer<Option<Older>>>, keys: bool) -> Conclusion {
    match asked(answer) {
        Err(unknown) => unknown,
        Ok((_, None)) => no(),
        Ok((command, Some(older))) => {
            let Older { file, written, since, differs } = older;
            let at = stamp(*written);
            let says = match differs.as_str() {
                "" => format!("{file} was written at {at}, and last read at {}", stamp(*since)),
                differs => format!("{file} was written at {at}: {differs}"),
            };
            let thing = if keys { format!("{differs} ({file})") } else { file.clone() };
            Conclusion::Proven(vec![Fact::new(command, says).at(Some(*written)).blaming(thing)])
        }
    }
}

fn image(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let container = match own_container(case, subject) {
        Err(unknown) => return unknown,
        Ok(None) => return no(),
        Ok(Some(container)) => container,
    };
    let tag = container.image.as_str();
    if tag.starts_with("sha256:") || tag.contains('@') || container.image_id.is_empty() {
        return no();
    }
    let is_tagged = tag.rsplit('/').next().is_some_and(|last| last.contains(':'));
    let tag = if is_tagged { tag.to_owned() } else { format!("{tag}:latest") };
    match asked(case.clues.drift.images.as_ref()) {
        Err(unknown) => unknown,
        Ok((command, tags)) => match tags.get(&tag) {
            Some(id) if *id != container.image_id => {
                let short = |id: &str| id.trim_start_matches("sha256:").chars().take(12).collect::<String>();
                let (now, runs) = (short(id), short(&container.image_id));
                let says = format!("{tag} is {now}, the container runs {runs}");
                Conclusion::Proven(vec![Fact::new(command, says).blaming(tag)])
            }
            Some(_) | None => no(),
        },
    }
}

/// The files that pm2 starts a service's processes from, by their absolute paths.
fn scripts<'a>(case: &Case<'a>, app: &App) -> Result<Vec<&'a str>, Conclusion> {
    let (_, daemon) = asked(case.evidence.managers.apps.get(app.home))?;
    let own = daemon.iter().flat_map(|daemon| &daemon.processes).filter(|process| process.name == app.name);
    Ok(own.filter_map(|process| process.script.as_deref()).filter(|path| path.starts_with('/')).collect())
}

fn script(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let Some(app) = app(subject) else { return no() };
    let scripts = match scripts(case, app) {
        Err(unknown) => return unknown,
        Ok(scripts) if scripts.is_empty() => return no(),
        Ok(scripts) => scripts,
    };
    Conclusion::any(scripts.into_iter().map(|path| match asked(case.clues.drift.scripts.get(path)) {
        Err(unknown) => unknown,
        Ok((_, Some(_))) => no(),
        Ok((command, None)) => {
            Conclusion::Proven(vec![Fact::new(command, format!("{path} does not exist")).blaming(path)])
        }
    }))
}

fn pairs<'a>(case: &Case<'a>, subject: Subject<'a>) -> Result<(&'a Command, &'a [Pair]), Conclusion> {
    match own_unit(case, subject)? {
        None => Err(no()),
        Some(_) => {
            asked(case.clues.drift.pairs.get(subject.service.name)).map(|(command, pairs)| (command, pairs.as_slice()))
        }
    }
}

fn key(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let (command, pairs) = match pairs(case, subject) {
        Err(conclusion) => return conclusion,
        Ok(found) => found,
    };
    let wrong: Vec<Fact> = pairs
        .iter()
        .filter(|pair| pair.facts.belongs == Some(false))
        .map(|pair| {
            let says = format!("the public key of {} is not that of {}", pair.key, pair.certificate);
            Fact::new(command, says).blaming(pair.key.clone())
        })
        .collect();
    Conclusion::when(!wrong.is_empty(), wrong)
}

fn certificate(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let (command, pairs) = match pairs(case, subject) {
        Err(conclusion) => return conclusion,
        Ok(found) => found,
    };
    let served = case.evidence.host.iter().flat_map(|host| &host.certificates);
    let mut facts = Vec::new();
    for (host, answer) in served {
        let Ok(Ok(served)) = &answer.result else { continue };
        let newer = |pair: &&Pair| {
            let (facts, is_own) = (&pair.facts, pair.hosts.iter().any(|own| own == host));
            is_own && facts.not_before > served.not_before && facts.not_after > served.not_after
        };
        facts.extend(pairs.iter().filter(newer).map(|pair| {
            let says = format!(
                "{host} serves a certificate until {}, {} has one until {}",
                stamp(served.not_after),
                pair.certificate,
                stamp(pair.facts.not_after)
            );
            Fact::new(command, says).blaming(format!("{} for {host}", pair.certificate))
        }));
    }
    Conclusion::when(!facts.is_empty(), facts)
}
