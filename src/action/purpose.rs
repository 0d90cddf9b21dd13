//! What is recorded of services that do not run: the audit trail, the lock and the note of maintenance, as `judge` takes them.

use std::io;

use jiff::Timestamp;

use super::audit::{self, Entry, Phase};
use super::lock::{self, Holder};
use super::maintenance::{MaintenanceState, Standing};
use crate::host::system::System;
use crate::judge::health::purpose::{Intent, OnPurpose, Recorded};
use crate::registry::{Deployment, Maintenance};

/// How much of the trail's end is read where something is down, and where nothing is, bytes: an entry has about 400.
const TRAIL: u64 = 1 << 20;
const BRIEF: u64 = 32 << 10;

/// When a maintenance page answered visitors, as the trail has it: from and to. Nothing where the deployment has no such page, or
/// the trail cannot be read.
pub fn in_maintenance(system: &System, deployment: &Deployment) -> Vec<(Timestamp, Option<Timestamp>)> {
    if !matches!(deployment.maintenance, Maintenance::Page(_)) {
        return Vec::new();
    }
    let (entries, _) = audit::read_newest(system, BRIEF).unwrap_or_default();
    spans(&entries, deployment)
}

fn spans(entries: &[Entry], deployment: &Deployment) -> Vec<(Timestamp, Option<Timestamp>)> {
    let mut spans: Vec<(Timestamp, Option<Timestamp>)> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.deployment == deployment.name) {
        let open = spans.last_mut().filter(|(_, to)| to.is_none());
        match (entry.operation.as_str(), entry.phase, open) {
            ("maintenance on", Phase::Begin, None) => spans.push((entry.time, None)),
            // What did not work was put back.
            ("maintenance on", Phase::End, Some(span)) if entry.exit_code != Some(0) => span.1 = Some(entry.time),
            ("maintenance off", Phase::End, Some(span)) if entry.exit_code == Some(0) => span.1 = Some(entry.time),
            _ => {}
        }
    }
    spans
}

/// Operations that decide whether a service runs, and whether they leave it down.
fn leaves_down(operation: &str) -> Option<bool> {
    match operation {
        "stop" | "maintenance on" => Some(true),
        "start" | "restart" | "redeploy" | "rollback" | "maintenance off" => Some(false),
        _ => None,
    }
}

/// The last recorded change of each of these services that keeps it down, or may; and whether the trail could be read: where it
/// could not, nothing is known of `opsctl stop`. `standing`: how it stands with maintenance, where that was looked at.
pub fn recorded(
    system: &System,
    deployment: &'static Deployment,
    down: &[&'static str],
    standing: Option<&Standing>,
) -> (Vec<Recorded>, io::Result<()>) {
    let mut found = Vec::new();
    if down.is_empty() {
        return (found, Ok(()));
    }
    if let (Some(standing), Maintenance::Stop(stop)) = (standing, &deployment.maintenance)
        && matches!(standing.state, MaintenanceState::On | MaintenanceState::Unfinished)
        && let Some(note) = &standing.note
    {
        let purpose = || OnPurpose {
            intent: Intent::Maintenance,
            since: note.since,
            by: note.who.clone(),
            operation: "maintenance on".to_owned(),
        };
        let named = stop.services.iter().filter(|service| down.contains(&service.name));
        found.extend(named.map(|service| Recorded { service: service.name, purpose: purpose(), ended: None }));
    }
    let (entries, known) = match audit::read_newest(system, TRAIL) {
        Ok((entries, _)) => (entries, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let holder = match lock::holder(system, deployment) {
        Holder::Held(note) if note.pid != std::process::id() => Some(note.pid),
        Holder::None | Holder::Held(_) | Holder::Unfinished(_) | Holder::Unknown(_) => None,
    };
    for name in down {
        if found.iter().all(|record| record.service != *name) {
            found.extend(last(&entries, deployment, name, holder));
        }
    }
    (found, known)
}

/// The last entry about a service, if it leaves the service down or is still under way by the process that holds the lock.
fn last(entries: &[Entry], deployment: &Deployment, service: &'static str, holder: Option<u32>) -> Option<Recorded> {
    let about = |entry: &&Entry| {
        entry.deployment == deployment.name
            && leaves_down(&entry.operation).is_some()
            && entry.targets.iter().any(|target| target == service)
    };
    let entry = entries.iter().rfind(about)?;
    let by_holder = holder.is_some_and(|pid| entry.id.rsplit_once('-').is_some_and(|(_, id)| id == pid.to_string()));
    let begun = entries.iter().find(|other| other.id == entry.id).map_or(entry.time, |begin| begin.time);
    let operation = match entry.operation.as_str() {
        "maintenance on" => entry.operation.clone(),
        _ => format!("{} {}", entry.operation, entry.targets.join(" ")),
    };
    let purpose = |intent, since| OnPurpose { intent, since, by: entry.user.clone(), operation };
    match (entry.phase, leaves_down(&entry.operation)) {
        (Phase::Begin, _) if by_holder => {
            Some(Recorded { service, purpose: purpose(Intent::Change, begun), ended: None })
        }
        (Phase::End, Some(true)) if entry.operation == "stop" => {
            Some(Recorded { service, purpose: purpose(Intent::Stopped, entry.time), ended: Some(entry.time) })
        }
        (Phase::Begin | Phase::End, _) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entry(id: &str, second: i64, phase: &str, operation: &str, targets: &[&str]) -> Entry {
        let value = serde_json::json!({
            "time": jiff::Timestamp::from_second(1_795_000_000 + second).unwrap(),
            "id": id, "phase": phase, "deployment": "prim", "host": "vps1", "user": "ada", "from": null,
            "operation": operation, "targets": targets, "commands": [], "outcome": null, "exit_code": null, "seconds": null
        });
        serde_json::from_value(value).unwrap()
    }

    fn told(entries: &[Entry], holder: Option<u32>) -> Option<(Intent, String)> {
        let prim = crate::registry::DEPLOYMENTS[0];
        last(entries, prim, "wallet", holder).map(|record| (record.purpose.intent, record.purpose.operation))
    }

    #[test]
    fn the_newest_ended_change_of_a_service_decides() {
        let stop =
            |id: &str, at| [entry(id, at, "begin", "stop", &["wallet"]), entry(id, at + 1, "end", "stop", &["wallet"])];
        let start = |id: &str, at| {
            [entry(id, at, "begin", "start", &["wallet"]), entry(id, at + 1, "end", "start", &["wallet"])]
        };
        let stopped = Some((Intent::Stopped, "stop wallet".to_owned()));
        assert_eq!(told(&[], None), None);
        assert_eq!(told(&stop("1-10", 0), None), stopped);
        assert_eq!(told(&[stop("1-10", 0), start("2-11", 5)].concat(), None), None);
        assert_eq!(told(&[start("2-11", 0), stop("1-10", 5)].concat(), None), stopped);
        // Others' changes, and what changes no service, are passed over.
        let others = [entry("3-12", 9, "end", "start", &["relay"]), entry("4-13", 9, "end", "backup", &["wallet"])];
        assert_eq!(told(&[stop("1-10", 0).to_vec(), others.to_vec()].concat(), None), stopped);
        let elsewhere = Entry { deployment: "plugspace".into(), ..entry("5-14", 9, "end", "start", &["wallet"]) };
        assert_eq!(told(&[stop("1-10", 0).to_vec(), vec![elsewhere]].concat(), None), stopped);
    }

    #[test]
    fn visitors_were_answered_by_the_page_from_its_beginning_to_its_end() {
        let prim = crate::registry::DEPLOYMENTS[0];
        let at = |second: i64| jiff::Timestamp::from_second(1_795_000_000 + second).unwrap();
        let well = |id, second, phase, operation| Entry {
            exit_code: (phase == "end").then_some(0),
            ..entry(id, second, phase, operation, &["nginx"])
        };
        let on = [well("1-1", 0, "begin", "maintenance on"), well("1-1", 3, "end", "maintenance on")];
        let off = [well("2-1", 50, "begin", "maintenance off"), well("2-1", 53, "end", "maintenance off")];
        assert_eq!(spans(&on, prim), [(at(0), None)]);
        assert_eq!(spans(&[on.clone(), off].concat(), prim), [(at(0), Some(at(53)))]);
        let failed = [on[0].clone(), Entry { exit_code: Some(1), ..on[1].clone() }];
        assert_eq!(spans(&failed, prim), [(at(0), Some(at(3)))]);
        assert_eq!(spans(&[], prim), []);
    }

    #[test]
    fn a_change_that_did_not_end_counts_while_its_process_holds_the_lock() {
        let begun = [entry("7-20", 0, "begin", "restart", &["wallet"])];
        assert_eq!(told(&begun, Some(20)), Some((Intent::Change, "restart wallet".to_owned())));
        assert_eq!(told(&begun, Some(21)), None);
        assert_eq!(told(&begun, None), None);
    }
}
