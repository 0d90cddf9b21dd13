//! Clues about the host.

use super::DISK;
use super::case::{Case, asked, told};
use super::outcome::{Conclusion, Fact, Why};
use super::{reasons, unmanaged_containers};
use crate::host::tools::command::Command;
use crate::host::tools::systemctl::UnitState;
use crate::host::trouble::Trouble;
use crate::judge::health::{self, About, Disk, HostHealth};
use crate::observe::probe::{Answer, TlsEdge};
use crate::registry::{Flaw, Lapse, Manager, Usage, Verdict};
use crate::units::{age, bytes};

fn host<'a>(case: &Case<'a>) -> Result<&'a HostHealth, Conclusion> {
    case.health.host.as_ref().ok_or_else(|| Conclusion::unknown("the host was not checked"))
}

/// Why a part of the host is not known.
fn doubt(host: &HostHealth, source: &str) -> Conclusion {
    let check = host.checks.iter().find(|check| check.source == source);
    Conclusion::unknown(check.map_or_else(|| format!("{source}: unknown").into(), Why::of))
}

fn command(host: &HostHealth, source: &str) -> Command {
    host.checks
        .iter()
        .find(|check| check.source.starts_with(source))
        .map(|check| check.command.clone())
        .unwrap_or_default()
}

fn reaches(percent: u8, bounds: &Usage, bound: Verdict) -> bool {
    match bound {
        Verdict::Fail => percent >= bounds.fail_percent,
        Verdict::Warn | Verdict::Unknown | Verdict::Pass => {
            (bounds.warn_percent..bounds.fail_percent).contains(&percent)
        }
    }
}

pub(super) fn disk(case: &Case<'_>, bound: Verdict) -> Conclusion {
    on_disks(case, |disk| {
        let mount = &disk.mounted_on;
        let says = format!(
            "{mount}: {}% of {} used, {} available",
            disk.used_percent,
            bytes(disk.size_bytes),
            bytes(disk.available_bytes)
        );
        let holds = reaches(disk.used_percent, &case.deployment.checks.disk, bound);
        Some((holds, Fact::new(Command::new(["df", "-h", mount]), says)))
    })
}

pub(super) fn inodes(case: &Case<'_>, bound: Verdict) -> Conclusion {
    on_disks(case, |disk| {
        let (mount, percent) = (&disk.mounted_on, disk.inodes_used_percent?);
        let holds = reaches(percent, &case.deployment.checks.disk, bound);
        Some((holds, Fact::new(Command::new(["df", "-i", mount]), format!("{mount}: {percent}% of inodes used"))))
    })
}

/// What holds of any file system. One that did not answer leaves it open.
fn on_disks(case: &Case<'_>, one: impl Fn(&Disk) -> Option<(bool, Fact)>) -> Conclusion {
    let host = match host(case) {
        Ok(host) => host,
        Err(unknown) => return unknown,
    };
    let Some(disks) = &host.disks else { return doubt(host, "disk") };
    if !disks.is_empty() && disks.iter().all(|disk| one(disk).is_none()) {
        return Conclusion::RuledOut(vec![Fact::new(command(host, "disk"), "no file system here counts inodes")]);
    }
    let seen = Conclusion::any_of(
        "file systems",
        disks.iter().filter_map(|disk| {
            let (holds, fact) = one(disk)?;
            Some((holds, fact.ran(&command(host, "disk")).about(format!("{DISK}{}", disk.mounted_on))))
        }),
    );
    let silent = host.checks.iter().filter(|check| check.about == About::Disk && check.verdict == Verdict::Unknown);
    Conclusion::any(std::iter::once(seen).chain(silent.map(|check| Conclusion::unknown(Why::of(check)))))
}

pub(super) fn memory(case: &Case<'_>, bound: Verdict) -> Conclusion {
    let host = match host(case) {
        Ok(host) => host,
        Err(unknown) => return unknown,
    };
    let Some(memory) = &host.memory else { return doubt(host, "memory") };
    let (used, total) = (memory.used_percent, bytes(memory.total_bytes));
    let says = format!("{used}% of {total} used, {} available", bytes(memory.available_bytes));
    let holds = reaches(used, &case.deployment.checks.memory, bound);
    Conclusion::when(holds, vec![Fact::new(command(host, "memory"), says)])
}

pub(super) fn swap(case: &Case<'_>, least: u8) -> Conclusion {
    let host = match host(case) {
        Ok(host) => host,
        Err(unknown) => return unknown,
    };
    let Some(memory) = &host.memory else { return doubt(host, "memory") };
    let percent = memory.swap_used_bytes.saturating_mul(100) / memory.swap_total_bytes.max(1);
    let says = format!("{percent}% of {} swap used", bytes(memory.swap_total_bytes));
    let holds = memory.swap_total_bytes > 0 && percent >= u64::from(least);
    Conclusion::when(holds, vec![Fact::new(command(host, "memory"), says)])
}

pub(super) fn load(case: &Case<'_>) -> Conclusion {
    let host = match host(case) {
        Ok(host) => host,
        Err(unknown) => return unknown,
    };
    match host.checks.iter().find(|check| check.source == "load") {
        Some(check) if check.verdict != Verdict::Unknown => {
            Conclusion::when(check.verdict != Verdict::Pass, vec![Fact::new(&check.command, check.summary.clone())])
        }
        Some(_) | None => doubt(host, "load"),
    }
}

pub(super) fn clock(case: &Case<'_>) -> Conclusion {
    let host = match host(case) {
        Ok(host) => host,
        Err(unknown) => return unknown,
    };
    match (&host.clock, host.checks.iter().any(|check| check.source == "clock")) {
        (Some(clock), _) => {
            let says = if clock.synchronized { "NTPSynchronized=yes" } else { "NTPSynchronized=no" };
            Conclusion::when(!clock.synchronized, vec![Fact::new(command(host, "clock"), says)])
        }
        (None, true) => doubt(host, "clock"),
        // In a container, whose clock is another machine's.
        (None, false) => Conclusion::RuledOut(Vec::new()),
    }
}

pub(super) fn oom_kills(case: &Case<'_>) -> Conclusion {
    let Some(evidence) = &case.evidence.host else { return Conclusion::unknown("the host was not checked") };
    match asked(Some(&evidence.oom_kills)) {
        Err(unknown) => unknown,
        Ok((command, record)) => {
            let facts: Vec<Fact> = record
                .kills
                .iter()
                .map(|kill| {
                    let says = format!("{} ago: {}", age(kill.time, case.evidence.time), kill.process);
                    Fact::new(command, says).about(kill.process.clone()).at(Some(kill.time))
                })
                .collect();
            // How far back that is known stands in the check.
            let check = case.health.host.iter().flat_map(|host| &host.checks).find(|c| c.source == "memory kills");
            let says = check.map_or("no process was OOM-killed", |check| &check.summary);
            match (facts.is_empty(), check.map(|check| check.verdict)) {
                (false, _) => Conclusion::Proven(facts),
                (true, Some(Verdict::Pass)) => {
                    let says = format!("no process was OOM-killed: {says}");
                    Conclusion::RuledOut(vec![Fact::new(command, says)])
                }
                (true, Some(Verdict::Warn)) => Conclusion::Proven(vec![Fact::new(command, says)]),
                (true, Some(Verdict::Unknown | Verdict::Fail) | None) => {
                    Conclusion::unknown(format!("memory kills: {says}"))
                }
            }
        }
    }
}

/// Units, or why they are not known; none where systemd does not run.
fn without_systemd<T>(trouble: Option<&Result<T, Trouble>>) -> bool {
    matches!(trouble, Some(Err(Trouble::Unavailable(_))))
}

pub(super) fn failed_units(case: &Case<'_>) -> Conclusion {
    let host = match host(case) {
        Ok(host) => host,
        Err(unknown) => return unknown,
    };
    let units = case.evidence.managers.units.as_ref();
    match &host.failed_units {
        None if without_systemd(units.map(|answer| &answer.result)) => Conclusion::RuledOut(Vec::new()),
        None => doubt(host, "failed units"),
        Some(failed) if failed.is_empty() => {
            Conclusion::RuledOut(vec![Fact::new(Command::new(["systemctl", "--failed"]), "no unit has failed")])
        }
        Some(failed) => {
            let known = |name: &str| units?.result.as_ref().ok()?.iter().find(|unit| unit.is(name));
            let fact = |name: &String| {
                let ending = known(name).map(health::ending).unwrap_or_default();
                let changed = known(name).and_then(|unit| unit.changed);
                let fact = Fact::new(Command::new(["systemctl", "status", name]), format!("{name}: {ending}"));
                let ran = units.map(|answer| answer.command.clone());
                Fact { ran, ..fact }.about(name.clone()).at(changed)
            };
            Conclusion::Proven(failed.iter().flat_map(|name| reasons::with_lines(case, name, fact(name))).collect())
        }
    }
}

pub(super) fn looping_units(case: &Case<'_>) -> Conclusion {
    let answer = case.evidence.managers.units.as_ref();
    if without_systemd(answer.map(|answer| &answer.result)) {
        return Conclusion::RuledOut(Vec::new());
    }
    let (command, units) = match asked(answer) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let now = case.evidence.time;
    let boot = case.evidence.host.as_ref().and_then(|host| host.booted(now));
    // Those that ended a moment ago, and those that run again.
    let restless = case.evidence.managers.restless.as_ref();
    let again = restless.and_then(|answer| answer.result.as_ref().ok()).into_iter().flatten();
    // What was judged as a service's is told with it.
    let own = |unit: &UnitState| case.health.units.contains(&unit.id);
    let mut found: Vec<(&str, Fact)> = Vec::new();
    let waiting = units.iter().filter(|unit| unit.waits_to_restart());
    // What is in its first start has not ended once: a job that takes its time, or a step that hangs.
    let is_first = |unit: &UnitState| unit.restarts == 0 && unit.is_being_started();
    for unit in again.chain(waiting).filter(|unit| !own(unit) && !is_first(unit)) {
        let says = match health::restarting(unit, boot, now) {
            Some(says) => format!("{}: {says}", unit.id),
            None if unit.brief && unit.active == "activating" => format!("{}: {}", unit.id, unit.sub),
            None if unit.active == "activating" => {
                format!("{}: {} restarts, last: {}", unit.id, unit.restarts, health::ending(unit))
            }
            None => continue,
        };
        if found.iter().all(|(id, _)| *id != unit.id) {
            let fact = Fact::new(Command::new(["systemctl", "status", &unit.id]), says).ran(command);
            found.push((&unit.id, fact.about(unit.id.clone())));
        }
    }
    let facts: Vec<Fact> = found.into_iter().flat_map(|(id, fact)| reasons::with_lines(case, id, fact)).collect();
    if let (true, Some(Answer { command, result: Err(trouble) })) = (facts.is_empty(), restless) {
        return Conclusion::unknown(told(command, trouble));
    }
    match facts.is_empty() {
        true => Conclusion::RuledOut(vec![
            Fact::new(Command::new(["systemctl", "list-units", "--state=auto-restart"]), "none").ran(command),
        ]),
        false => Conclusion::Proven(facts),
    }
}

pub(super) fn certificate(case: &Case<'_>, flaw: Flaw) -> Conclusion {
    let host = match host(case) {
        Ok(host) => host,
        Err(unknown) => return unknown,
    };
    // One that was shown is judged below, whoever vouches for it.
    let is_judged =
        |source: &str| host.certificates.iter().any(|judged| source == format!("certificate {}", judged.host));
    let is_open =
        |c: &&health::Check| c.about == About::Certificate && c.verdict == Verdict::Unknown && !is_judged(&c.source);
    let now = case.evidence.time;
    let served = |name: &str| {
        let all = case.evidence.host.iter().flat_map(|host| &host.certificates);
        all.into_iter()
            .find(|(host, _)| host == name)
            .and_then(|(_, answer)| Some((answer, answer.result.as_ref().ok()?)))
    };
    let seen = Conclusion::any_of(
        "certificates",
        host.certificates.iter().filter_map(|judged| {
            let (answer, served) = served(&judged.host)?;
            let holds = match (flaw, served) {
                (Flaw::Any, _) => judged.verdict == Verdict::Fail,
                (Flaw::None, Err(_)) => true,
                (_, Err(_)) | (Flaw::None, Ok(_)) => false,
                (Flaw::Expired, Ok(served)) => served.not_after < now,
                (Flaw::Early, Ok(served)) => served.not_before > now,
                (Flaw::OtherName, Ok(served)) => !served.names.iter().any(|name| health::covers(name, &judged.host)),
                (Flaw::Ending, Ok(served)) => {
                    let named = served.names.iter().any(|name| health::covers(name, &judged.host));
                    let valid = served.not_before <= now && served.not_after >= now;
                    let bounds = case.deployment.checks.certificates.as_ref();
                    named && valid && bounds.is_some_and(|bounds| health::ends_soon(served, bounds, now))
                }
            };
            let says = format!("{}: {}", judged.host, judged.summary);
            Some((holds, Fact::new(&answer.command, says).about(format!("certificate {}", judged.host))))
        }),
    );
    // What one shows is shown, whatever else could not be seen.
    if seen.is_proven() {
        return seen;
    }
    if let Some(check) = host.checks.iter().find(is_open) {
        return Conclusion::unknown(Why::of(check));
    }
    let Some(evidence) = case.evidence.host.as_ref().filter(|_| host.certificates.is_empty()) else { return seen };
    match &evidence.edge {
        // Every name that was asked for is that of a service that is not here.
        _ if !evidence.certificates.is_empty() => {
            let command = Command::own(["status"]);
            Conclusion::RuledOut(vec![Fact::new(command, "no service with a public name is on this host")])
        }
        TlsEdge::Nobody(port) => {
            let command = Command::new(["ss", "-Hltnp", &format!("sport = :{port}")]);
            Conclusion::RuledOut(vec![Fact::new(command, format!("nothing listens on port {port}"))])
        }
        TlsEdge::Unknown(why) => Conclusion::unknown(format!("certificates: {why}")),
        TlsEdge::Asked(_) | TlsEdge::Unasked => Conclusion::unknown("certificates: none was checked"),
    }
}

pub(super) fn unmanaged_containers(case: &Case<'_>) -> Conclusion {
    let managers = &case.evidence.managers;
    match &managers.listed {
        // Where there is no engine there are no containers.
        Some(Answer { command, result: Err(trouble @ Trouble::Unavailable(_)) }) => {
            Conclusion::RuledOut(vec![Fact::new(command, trouble.to_string())])
        }
        listed => match asked(listed.as_ref()) {
            Err(unknown) => unknown,
            Ok((command, _)) => {
                let facts: Vec<Fact> = managers
                    .unmanaged_containers
                    .iter()
                    .filter_map(|other| {
                        let says = health::ailment(other, case.evidence.time)?;
                        Some(unmanaged_containers::facts(case, other, &says, command))
                    })
                    .flatten()
                    .collect();
                match (facts.is_empty(), &managers.unmanaged_trouble) {
                    (true, Some(trouble)) => Conclusion::unknown(told(command, trouble)),
                    (true, None) => Conclusion::RuledOut(vec![
                        Fact::new(Command::new(["docker", "ps", "--all"]), "none keeps failing").ran(command),
                    ]),
                    (false, _) => Conclusion::Proven(facts),
                }
            }
        },
    }
}

pub(super) fn engine_down(case: &Case<'_>) -> Conclusion {
    let contained = |manager: &Manager| matches!(manager, Manager::Compose(_) | Manager::Docker(_));
    let present = |name: &str| case.health.services.iter().any(|judged| judged.name == name);
    let own: Vec<_> =
        case.services.iter().filter(|s| present(s.name) && s.managers.first().is_some_and(contained)).collect();
    if own.is_empty() {
        return Conclusion::RuledOut(Vec::new());
    }
    let managers = &case.evidence.managers;
    let answer = managers.listed.as_ref().map(|answer| (&answer.command, answer.result.as_ref().map(drop)));
    let answer =
        answer.or(managers.containers.as_ref().map(|answer| (&answer.command, answer.result.as_ref().map(drop))));
    match answer {
        None => Conclusion::unknown("docker was not checked"),
        Some((command, Ok(()))) => Conclusion::RuledOut(vec![Fact::new(command, "the docker engine answers")]),
        // The engine itself is not there to be asked; any other trouble says nothing of it.
        Some((command, Err(trouble @ Trouble::Unavailable(_)))) => {
            Conclusion::Proven(vec![Fact::new(command, trouble.to_string())])
        }
        Some((_, Err(trouble))) => {
            Conclusion::unknown(Why { says: format!("docker: {trouble}"), needs_root: trouble.needs_root() })
        }
    }
}

pub(super) fn pm_down(case: &Case<'_>) -> Conclusion {
    let present = |name: &str| case.health.services.iter().any(|judged| judged.name == name);
    let services = case.services.iter().filter(|service| present(service.name));
    let apps = services.flat_map(|service| service.managers).filter_map(|manager| match manager {
        Manager::Pm2(app) => Some(app),
        Manager::Systemd(_) | Manager::Compose(_) | Manager::Docker(_) => None,
    });
    let mut homes: Vec<_> = apps.map(|app| (app.home, app.user)).collect();
    homes.dedup();
    if homes.is_empty() {
        return Conclusion::RuledOut(vec![Fact::new(
            Command::own(["status"]),
            "no service here is an application of pm2",
        )]);
    }
    Conclusion::any(homes.into_iter().map(|(home, user)| match asked(case.evidence.managers.apps.get(home)) {
        Err(unknown) => unknown,
        Ok((command, daemon)) => {
            let says = if daemon.is_some() { "runs" } else { "does not run" };
            Conclusion::when(daemon.is_none(), vec![Fact::new(command, format!("the pm2 daemon of {user} {says}"))])
        }
    }))
}

pub(super) fn backup(case: &Case<'_>, lapse: Lapse) -> Conclusion {
    let (command, sets) = match asked(case.backups) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let wrong = match lapse {
        Lapse::Overdue => Verdict::Fail,
        Lapse::Failed => Verdict::Warn,
    };
    if sets.is_empty() {
        return Conclusion::RuledOut(vec![Fact::new(command, "this host has no copy of any set")]);
    }
    Conclusion::any(sets.iter().map(|fresh| {
        let says = format!("{}: {}", fresh.set, fresh.summary);
        if fresh.verdict == Verdict::Unknown {
            return Conclusion::unknown(says);
        }
        let fact = Fact::new(Command::own(["backup", "list", &fresh.set]), says).ran(command);
        Conclusion::when(fresh.verdict == wrong, vec![fact.about(format!("backup {}", fresh.set))])
    }))
}
