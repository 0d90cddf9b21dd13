//! What a runbook's own health check wrote: a file a public host with `up` or `down`, and a log with a line a change.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;

use crate::host::files::publish::Directory;
use crate::host::system::System;
use crate::judge::health::ServiceHealth;
use crate::registry::{Deployment, StatusFiles, Verdict};

/// A public host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicHost {
    /// Its name.
    pub name: &'static str,
    /// Whether it answers visitors; `None` where that is not known.
    pub up: Option<bool>,
}

impl PublicHost {
    /// The name of its file: `wallet-prim-sh.status`.
    pub fn file_name(&self) -> String {
        format!("{}.status", self.name.replace('.', "-"))
    }
}

/// PURE. The public hosts of the services that are here. A host is down where one of its services is, also on purpose, and where the
/// edge is, through which visitors come.
pub fn contents(services: &[ServiceHealth], deployment: &Deployment) -> Vec<PublicHost> {
    let state = |service: &ServiceHealth| match service.verdict {
        Verdict::Fail => Some(false),
        Verdict::Unknown => None,
        _ => Some(service.on_purpose.is_none()),
    };
    let of = |name: &str| services.iter().find(|service| service.name == name);
    let port = deployment.checks.certificates.as_ref().map_or(443, |certificates| certificates.port);
    let edge = deployment.services.iter().find(|service| service.ports.contains(&port));
    // One that is not asked about keeps nobody down.
    let edge = edge.and_then(|edge| of(edge.name)).map_or(Some(true), state);
    let mut hosts: BTreeMap<&'static str, Option<bool>> = BTreeMap::new();
    for service in deployment.services {
        let Some(here) = of(service.name) else { continue };
        for route in service.routes {
            let known = hosts.entry(route.host).or_insert(edge);
            *known = both(*known, state(here));
        }
    }
    hosts.into_iter().map(|(name, up)| PublicHost { name, up }).collect()
}

/// Down where one is, up only where both are.
const fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Writes the files of hosts that are up or down, and a line into the log for each that changed. The file of a host of which nothing is
/// known is left as it is. What could not be written, in words.
pub fn write(system: &System, files: &StatusFiles, hosts: &[PublicHost], now: Timestamp) -> Vec<String> {
    let mut problems = Vec::new();
    if let Err(error) = system.publish_directory(files.directory) {
        return vec![format!("{}: {}", files.directory, in_words(&error))];
    }
    for host in hosts {
        let Some(up) = host.up else { continue };
        let path = format!("{}/{}", files.directory, host.file_name());
        let (word, before) = (if up { "up" } else { "down" }, system.read(&path).ok());
        if before.as_deref() == Some(&format!("{word}\n")) {
            continue;
        }
        if let Err(error) = system.publish(&path, format!("{word}\n").as_bytes(), 0o644, Directory::OfAnyUser) {
            let why = in_words(&error);
            problems.push(if why.contains(&path) { why } else { format!("{path}: {why}") });
            // The others are in the same directory.
            break;
        }
        // That it is up at the first check is no change.
        let was = before.as_deref().map_or("up", str::trim);
        if was != word
            && let Err(error) = system.publish_line(files.log, &format!("{now:.0} {} {word}", host.name))
        {
            problems.push(format!("{}: {}", files.log, in_words(&error)));
        }
    }
    problems.dedup();
    problems
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "the directory above it does not exist".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
