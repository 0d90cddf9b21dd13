//! Who answers where a service should: on its port, and to its visitors.

use serde_json::Value;

use super::case::{Case, Subject, asked};
use super::drift::own_unit;
use super::mentions;
use super::outcome::{Conclusion, Fact};
use super::service::route;
use crate::host::tools::caddy::sites::Target;
use crate::host::tools::command::Command;
use crate::host::tools::excerpt;
use crate::host::tools::pm2::Process;
use crate::observe::clues::Wants;
use crate::observe::clues::drift::daemons::{Daemon, daemon};
use crate::observe::clues::drift::routes::{FAILS, Passed};
use crate::observe::clues::drift::sites::local_port;
use crate::observe::probe::{Holder, ListenAddress, Reply};
use crate::registry::{Clue, Condition, Failure, Passage, Probe, Route, Service, Verdict};

fn no() -> Conclusion {
    Conclusion::RuledOut(Vec::new())
}

pub fn is_edge(service: &Service) -> bool {
    matches!(daemon(service), Some(Daemon::Nginx | Daemon::Caddy))
}

/// Adds what this needs.
pub(super) fn want(case: &Case<'_>, passage: Passage, subject: Subject<'_>, wants: &mut Wants) {
    let service = subject.service;
    match passage {
        Passage::Swapped => wants.drift.owners.extend(holder(case, subject).map(|(pid, _)| pid)),
        Passage::SwappedApps | Passage::Impostor => {}
        Passage::Broken | Passage::Elsewhere | Passage::Differs => {
            wants.passages |= !service.routes.is_empty() && case.deployment.proxy.is_some();
        }
        Passage::Dead => {
            let runs = |unit: &crate::host::tools::systemctl::UnitState| unit.active == "active";
            if is_edge(service) && own_unit(case, subject).is_ok_and(|unit| unit.is_some_and(runs)) {
                wants.drift.sites.insert(service.name, service);
            }
        }
    }
}

/// What comes of it.
pub(super) fn outcome(case: &Case<'_>, passage: Passage, subject: Subject<'_>) -> Conclusion {
    match passage {
        Passage::Swapped => swapped(case, subject),
        Passage::SwappedApps => {
            let found = swapped_by_pm2(case, subject);
            Conclusion::when(found.is_some(), found.into_iter().collect())
        }
        Passage::Impostor => impostor(case, subject),
        Passage::Broken => passed(case, subject, &|passed| broken(case, subject, passed)),
        Passage::Elsewhere => passed(case, subject, &|passed| elsewhere(case, subject, passed)),
        Passage::Differs => differs(case, subject),
        Passage::Dead => dead(case, subject),
    }
}

/// Where its routes lead, where that is another port of this host than the registry has.
fn differs(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let service = subject.service;
    if service.routes.is_empty() || case.deployment.proxy.is_none() || told_of_files(case, subject) {
        return no();
    }
    let Some(passages) = &case.clues.passages else { return Conclusion::unknown("it was not checked") };
    // Where no edge answers, its configuration leads nobody anywhere.
    if !passages.answers.iter().any(|(_, answer)| matches!(answer.result, Ok(Some(_)))) {
        return no();
    }
    let (command, targets) = match asked(Some(&passages.targets)) {
        Err(unknown) => return unknown,
        Ok(found) => found,
    };
    let Some(targets) = targets else {
        return Conclusion::RuledOut(vec![Fact::new(command, "it cannot be asked: what visitors get counts")]);
    };
    let one = |route: &Route| -> Option<Fact> {
        let path = route.path.trim_end_matches('/');
        let is_own = |target: &&Target| target.host == route.host && target.path.trim_end_matches('/') == path;
        let target = targets.iter().find(is_own)?;
        let ports: Vec<u16> = target.addresses.iter().map(|address| local_port(address)).collect::<Option<_>>()?;
        let first = *ports.first().filter(|_| !ports.contains(&route.port))?;
        let thing = format!("the upstream of {} is :{first}", route.endpoint());
        Some(Fact::new(command, format!("{thing}, the registry has :{}", route.port)).blaming(thing))
    };
    let facts: Vec<Fact> = service.routes.iter().filter_map(one).collect();
    Conclusion::when(!facts.is_empty(), facts)
}

/// The process that holds its main port instead of its own.
fn holder<'a>(case: &Case<'a>, subject: Subject<'a>) -> Option<(u32, &'a str)> {
    match &case.evidence.holders[subject.index] {
        Holder::Other { pid, name } | Holder::Elsewhere { instead: Some((pid, name)), .. } => Some((*pid, name)),
        Holder::Elsewhere { instead: None, .. }
        | Holder::Unasked
        | Holder::Unseen
        | Holder::Nobody
        | Holder::Hidden
        | Holder::Own => None,
    }
}

/// Whether a service's processes listen on that port, and not on its own.
fn listens_on(case: &Case<'_>, service: &'static Service, port: u16) -> bool {
    let at = case.subject(service).map(|subject| &case.evidence.holders[subject.index]);
    let is = |address: &ListenAddress| matches!(address, ListenAddress::Tcp(address) if address.port() == port);
    matches!(at, Some(Holder::Elsewhere { at, .. }) if at.iter().any(is))
}

/// An application of pm2 whose environment has the port of another one, which has its own: told of the first of the two.
fn swapped_by_pm2(case: &Case<'_>, subject: Subject<'_>) -> Option<Fact> {
    let port = *subject.service.ports.first()?;
    let own = processes(case, subject.service);
    let theirs = own.iter().find_map(|process| process.port.filter(|other| *other != port))?;
    let is_theirs = |other: &&&'static Service| other.ports.first() == Some(&theirs);
    let other = case.services.iter().find(is_theirs)?;
    let has_own = processes(case, other).iter().any(|process| process.port == Some(port));
    let position = |service: &Service| case.services.iter().position(|known| known.name == service.name);
    if !has_own || position(other) < position(subject.service) {
        return None;
    }
    let says = format!("pm2 runs {} with PORT={theirs} and {} with PORT={port}", subject.service.name, other.name);
    let thing = format!("{}, and itself has the port {theirs} of that service", other.name);
    Some(Fact::new(Command::new(["pm2", "env", "ID"]), says).blaming(thing))
}

fn swapped(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let Some(port) = subject.service.ports.first().copied() else { return no() };
    let holders = &case.evidence.holders[subject.index];
    if matches!(holders, Holder::Unasked | Holder::Unseen) {
        return Conclusion::unknown(format!("the process on port {port} cannot be determined"));
    }
    let Some((pid, name)) = holder(case, subject) else { return no() };
    let owner = case.clues.drift.owners.get(&pid);
    let is_own = |other: &&'static Service| {
        if other.name == subject.service.name {
            return false;
        }
        let Some(found) = case.subject(other) else { return false };
        let pids = found.health.pid.into_iter().chain(applications(case, other));
        let mut line = pids.filter(|own| *own == pid || owner.is_some_and(|owner| owner.line.contains(own)));
        let unit = found.health.unit.as_deref().filter(|_| found.health.manager.as_deref() == Some("systemd"));
        let grouped = owner.zip(unit).is_some_and(|(owner, unit)| owner.groups.iter().any(|group| group == unit));
        line.next().is_some() || grouped || listens_on(case, other, port)
    };
    let command = Command::new(["ss", "-Hltnp", &format!("sport = :{port}")]);
    let Some(other) = case.services.iter().copied().find(is_own) else {
        let says = format!("port {port} is held by {name} (pid {pid}), which is not a service of the deployment");
        return Conclusion::RuledOut(vec![Fact::new(command, says)]);
    };
    if other.ports.contains(&port) {
        let says = format!("port {port} is held by {name} (pid {pid}) of {}, which has the same port", other.name);
        return Conclusion::RuledOut(vec![Fact::new(command, says)]);
    }
    let theirs = other.ports.first().copied().filter(|theirs| listens_on(case, subject.service, *theirs));
    let Some(theirs) = theirs else {
        let says = format!("port {port} is held by {name} (pid {pid}) of {}", other.name);
        return Conclusion::Proven(vec![Fact::new(command, says).blaming(other.name)]);
    };
    // Two that have each other's are told once, of the first; the other's symptoms are folded under it.
    let position = |service: &Service| case.services.iter().position(|known| known.name == service.name);
    let told = case.subject(other).is_some_and(|other| other.health.verdict == Verdict::Fail);
    let says =
        format!("{} listens on :{port} and {} on :{theirs}: their ports are swapped", other.name, subject.service.name);
    let thing = format!("{}, and itself has the port {theirs} of that service", other.name);
    let is_second = told && position(other) < position(subject.service);
    Conclusion::when(!is_second, vec![Fact::new(command, says).blaming(thing)])
}

/// Processes of a service under pm2.
fn applications(case: &Case<'_>, service: &Service) -> Vec<u32> {
    processes(case, service).into_iter().filter_map(|process| process.pid).collect()
}

fn processes<'a>(case: &Case<'a>, service: &Service) -> Vec<&'a Process> {
    let apps = service.managers.iter().filter_map(|manager| match manager {
        crate::registry::Manager::Pm2(app) => Some(app),
        _ => None,
    });
    apps.flat_map(|app| {
        let daemon = case.evidence.managers.apps.get(app.home).and_then(|answer| answer.result.as_ref().ok()?.as_ref());
        let processes = daemon.into_iter().flat_map(|daemon| &daemon.processes);
        processes.filter(|process| process.name == app.name).collect::<Vec<_>>()
    })
    .collect()
}

/// By what a service names itself in its answers: the place in the body, and what stands there.
fn named(service: &Service) -> Option<(&'static str, &'static str)> {
    const NAMES: [&str; 4] = ["service", "name", "app", "application"];
    let rules = service.probes.iter().filter_map(|probe| match probe {
        Probe::Http(http) => Some(http.rules),
        _ => None,
    });
    let passing = rules.flatten().filter(|rule| rule.verdict == Verdict::Pass).flat_map(|rule| rule.when);
    passing.into_iter().find_map(|condition| match condition {
        Condition::Is(path, value) if NAMES.contains(path) => Some((*path, *value)),
        _ => None,
    })
}

/// The other service of the deployment that a body names itself as, and the name.
fn names_another(case: &Case<'_>, service: &Service, body: &str) -> Option<(&'static Service, String)> {
    let (path, own) = named(service)?;
    let json: Value = serde_json::from_str(body).ok()?;
    let value = json.get(path)?.as_str().filter(|value| *value != own)?;
    let other = case.services.iter().copied().find(|other| named(other).is_some_and(|(_, name)| name == value))?;
    Some((other, excerpt(value)))
}

fn impostor(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let service = subject.service;
    // Where it was asked elsewhere than on its port, the answer is its own.
    let is_moved = matches!(case.evidence.holders[subject.index], Holder::Elsewhere { .. });
    if named(service).is_none() || is_moved {
        return no();
    }
    let answers = case.evidence.replies[subject.index].iter();
    let mut heard = false;
    for answer in answers {
        match &answer.result {
            Ok(Reply::Http { body, .. }) => {
                heard = true;
                if let Some((other, name)) = names_another(case, service, body) {
                    let says = format!("answers as {name}, which is {}", other.name);
                    return Conclusion::Proven(vec![Fact::new(&answer.command, says).blaming(other.name)]);
                }
            }
            Ok(_) => heard = true,
            Err(_) => {}
        }
    }
    match heard {
        true => no(),
        false => Conclusion::unknown("its answer was not read"),
    }
}

/// What comes of the route of a service that was asked for.
fn passed(case: &Case<'_>, subject: Subject<'_>, judge: &dyn Fn(&Passed) -> Option<(String, String)>) -> Conclusion {
    let service = subject.service;
    if service.routes.is_empty() || case.deployment.proxy.is_none() {
        return no();
    }
    let mut facts = Vec::new();
    let mut is_asked = false;
    for (host, answer) in case.clues.passages.iter().flat_map(|passages| &passages.answers) {
        if !service.routes.iter().any(|route| route.host == *host) {
            continue;
        }
        is_asked = true;
        // What the files say of it is told of the files, where the deployment has a cause for that.
        if told_of_files(case, subject) {
            continue;
        }
        let (command, found) = match asked(Some(answer)) {
            Err(unknown) => return unknown,
            Ok(found) => found,
        };
        // Asked for once a host name, for one of those whose route it is.
        let own = found.as_ref().filter(|passed| passed.service == service.name);
        facts.extend(own.and_then(judge).map(|(says, thing)| Fact::new(command, says).blaming(thing)));
    }
    match is_asked {
        false => Conclusion::unknown("it was not checked"),
        true => Conclusion::when(!facts.is_empty(), facts),
    }
}

/// What visitors get of it, and that nobody listens where they are sent, beside where the files send them.
pub(super) fn with_answer(case: &Case<'_>, subject: Subject<'_>, sent: Conclusion) -> Conclusion {
    let Conclusion::Proven(mut facts) = sent else { return sent };
    let aim = facts.iter().find_map(|fact| fact.thing.clone()).unwrap_or_default();
    let answers = case.clues.passages.iter().flat_map(|passages| &passages.answers);
    let passed = answers.filter_map(|(_, answer)| Some((&answer.command, answer.result.as_ref().ok()?.as_ref()?)));
    let own = passed.filter(|(_, passed)| passed.service == subject.service.name);
    facts.extend(own.map(|(command, passed)| match elsewhere(case, subject, passed) {
        Some((says, _)) => Fact::new(command, says),
        None => Fact::new(command, format!("{} gets HTTP {}", passed.endpoint, passed.status)),
    }));
    let dead =
        case.clues.drift.sites.values().filter_map(|answer| Some((&answer.command, answer.result.as_ref().ok()?)));
    let dead = dead.flat_map(|(command, sites)| sites.iter().map(move |site| (command, site)));
    let mut dead = dead.filter(|(_, site)| site.address == aim);
    facts.extend(dead.next().map(|(command, site)| Fact::new(command, format!("nothing listens at {}", site.address))));
    Conclusion::Proven(facts)
}

/// Whether the proxy's files send a host of the service elsewhere, and a cause of the deployment says so.
fn told_of_files(case: &Case<'_>, subject: Subject<'_>) -> bool {
    let looks = |clue: &Clue| matches!(clue, Clue::RouteElsewhere);
    let mut causes = case.deployment.all_failures().flat_map(Failure::causes);
    causes.any(|cause| mentions(&cause.proof, &looks)) && route(case, subject).is_proven()
}

fn broken(case: &Case<'_>, subject: Subject<'_>, passed: &Passed) -> Option<(String, String)> {
    let Passed { endpoint, status, own, sends: [runs, file], .. } = passed;
    let own = (*own).filter(|own| own != status && FAILS.contains(status))?;
    let port = subject.service.ports.first().copied().unwrap_or_default();
    let aim = match (runs, file) {
        (Some(runs), Some(file)) if runs != file => {
            format!(", whose running upstream is {runs}, while its file has {file}")
        }
        (Some(at), _) => format!(", whose upstream is {at}"),
        (None, Some(file)) => {
            format!(", whose files have {file}: it has not read them yet, or cannot reach that upstream")
        }
        (None, None) => String::new(),
    };
    let edge = case.services.iter().find(|service| is_edge(service)).map_or("the edge", |service| service.name);
    let gets = format!("{endpoint} gets {status} from {edge}{aim}");
    Some((format!("{gets}; :{port} itself answers {own}"), gets))
}

fn elsewhere(case: &Case<'_>, subject: Subject<'_>, passed: &Passed) -> Option<(String, String)> {
    let (other, name) = names_another(case, subject.service, &passed.body)?;
    let says = format!("{} answers as {name}, which is {}", passed.endpoint, other.name);
    Some((says, format!("{} shows {}", passed.endpoint, other.name)))
}

fn dead(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    let service = subject.service;
    if !is_edge(service) {
        return no();
    }
    match own_unit(case, subject) {
        Err(unknown) => return unknown,
        Ok(Some(unit)) if unit.active == "active" => {}
        Ok(_) => return no(),
    }
    match asked(case.clues.drift.sites.get(service.name)) {
        Err(unknown) => unknown,
        Ok((command, sites)) => {
            let fact = |site: &crate::observe::clues::drift::sites::DeadSite| {
                let says = format!("{} gets {}: nothing listens at {}", site.endpoint, site.status, site.address);
                Fact::new(command, says.clone()).blaming(says)
            };
            Conclusion::when(!sites.is_empty(), sites.iter().map(fact).collect())
        }
    }
}
