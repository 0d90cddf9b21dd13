//! What runs against what is configured, and who answers where a service should: files, `/proc` and one request a host name, each
//! looked at only where something calls for it.

pub mod containers;
pub mod daemons;
pub mod environment;
pub mod owners;
pub mod pairs;
mod raw;
pub mod routes;
pub mod saved;
pub mod sites;
pub mod units;
mod whose;

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use jiff::Timestamp;

use super::FileFound;
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::observe::probe::{Answer, Door, ManagerEvidence};
use crate::registry::{Compose, Deployment, Service};

/// Services, by name.
type Services = BTreeMap<&'static str, &'static Service>;

/// What is to be looked at.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Services whose unit files are read.
    pub units: Services,
    /// Services whose process is held against its env files.
    pub environments: Services,
    /// Daemons that are held against their configuration files.
    pub daemons: Services,
    /// Servers whose certificates and keys are read.
    pub pairs: Services,
    /// Edges whose sites are held against who listens.
    pub sites: Services,
    /// Services whose container is held against its compose files.
    pub containers: BTreeMap<&'static str, (&'static Service, &'static Compose)>,
    /// Which images the tags of the engine name.
    pub images: bool,
    /// pm2 daemons whose saved list is read, by their `PM2_HOME`.
    pub saved: BTreeSet<&'static str>,
    /// Files that pm2 starts applications from.
    pub scripts: BTreeSet<String>,
    /// Processes whose unit or container is wanted.
    pub owners: BTreeSet<u32>,
}

/// What was seen. What was not asked is missing.
#[derive(Debug, Default)]
pub struct Seen {
    /// Unit files.
    pub units: BTreeMap<&'static str, Answer<units::UnitFiles>>,
    /// Processes against env files; `None` where the files are not newer.
    pub environments: BTreeMap<&'static str, Answer<Option<Older>>>,
    /// Daemons against their files; `None` where these are not newer.
    pub daemons: BTreeMap<&'static str, Answer<Option<Older>>>,
    /// Certificates and keys.
    pub pairs: BTreeMap<&'static str, Answer<Vec<pairs::Pair>>>,
    /// Sites of an edge behind which nobody listens.
    pub sites: BTreeMap<&'static str, Answer<Vec<sites::DeadSite>>>,
    /// Containers against compose files; `None` where these are not newer, or come to the same.
    pub containers: BTreeMap<&'static str, Answer<Option<Older>>>,
    /// Ids of images by tag.
    pub images: Option<Answer<BTreeMap<String, String>>>,
    /// Names of applications that pm2 saved, by `PM2_HOME`; `None` where it never did.
    pub saved: BTreeMap<&'static str, Answer<Option<BTreeSet<String>>>>,
    /// Files that pm2 starts applications from; `None` for what does not exist.
    pub scripts: BTreeMap<String, Answer<Option<FileFound>>>,
    /// Whose processes are.
    pub owners: BTreeMap<u32, owners::Owner>,
}

/// Something that runs with an older configuration than its files have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// The file that was written last.
    pub file: String,
    /// When.
    pub written: Timestamp,
    /// Since when it runs with what it runs with.
    pub since: Timestamp,
    /// What differs, in words without values; empty where only the times are known.
    pub differs: String,
}

/// Looks at all that is wanted.
pub fn gather(door: Door<'_>, deployment: &'static Deployment, managers: &ManagerEvidence, wanted: &Wanted) -> Seen {
    thread::scope(|scope| {
        let daemons: Vec<_> = wanted
            .daemons
            .values()
            .map(|service| (service.name, task(scope, move || daemons::look(door, deployment, service, managers))))
            .collect();
        let sites: Vec<_> = wanted
            .sites
            .values()
            .map(|service| (service.name, task(scope, move || sites::look(door, deployment, service, managers))))
            .collect();
        let images = wanted.images.then(|| task(scope, move || containers::images(door)));
        let containers: Vec<_> = wanted
            .containers
            .iter()
            .map(|(name, (service, compose))| {
                (*name, task(scope, move || containers::look(door, deployment, service, compose, managers)))
            })
            .collect();
        let system = door.system;
        let on = |service: &&'static Service| super::unit(service, managers);
        let mut seen = Seen {
            saved: wanted.saved.iter().map(|home| (*home, saved::look(system, home))).collect(),
            scripts: wanted.scripts.iter().map(|path| (path.clone(), super::file(system, path))).collect(),
            owners: wanted.owners.iter().map(|pid| (*pid, owners::look(system, *pid))).collect(),
            ..Seen::default()
        };
        for service in wanted.units.values() {
            seen.units.extend(on(service).map(|unit| (service.name, units::look(system, service, unit))));
        }
        for service in wanted.environments.values() {
            seen.environments
                .extend(on(service).map(|unit| (service.name, environment::look(system, deployment, service, unit))));
        }
        for service in wanted.pairs.values() {
            seen.pairs.insert(service.name, pairs::look(system));
        }
        seen.daemons = daemons.into_iter().map(|(name, thread)| (name, join(thread))).collect();
        seen.sites = sites.into_iter().map(|(name, thread)| (name, join(thread))).collect();
        seen.images = images.map(join);
        seen.containers = containers.into_iter().map(|(name, thread)| (name, join(thread))).collect();
        seen
    })
}

/// Times of files and of systemd have whole seconds, and who writes a file and starts a program does so in one go.
const SLACK: i64 = 2;

/// Whether a file was written after something began, by more than times may be off.
pub(super) fn is_later(written: Timestamp, since: Timestamp) -> bool {
    written.as_second() > since.as_second().saturating_add(SLACK)
}

/// When the content of what a path leads to was changed last, in whole seconds; `None` where nothing is there.
fn written(system: &System, path: &str) -> std::io::Result<Option<Timestamp>> {
    Ok(written_at(system, path)?.and_then(|time| Timestamp::from_second(time.as_second()).ok()))
}

/// The same, as exactly as the file system has it. The engine notes when a container was made as exactly, after its files were read:
/// one that is later was written since.
pub(super) fn written_at(system: &System, path: &str) -> std::io::Result<Option<Timestamp>> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match system.metadata(path) {
        Ok(meta) => Ok(meta.modified().ok().and_then(|time| Timestamp::try_from(time).ok())),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The files that a pattern with `*` in its last part stands for, by name; the path itself where it has none.
fn expand(system: &System, pattern: &str) -> Vec<String> {
    if !pattern.contains(['*', '?', '[']) {
        return vec![pattern.to_owned()];
    }
    let Some((directory, last)) = pattern.rsplit_once('/') else { return Vec::new() };
    if directory.contains(['*', '?', '[']) || last.contains(['?', '[']) {
        return Vec::new();
    }
    let fits = |name: &String| {
        let mut parts = last.split('*');
        let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
        let parts: Vec<&str> = parts.collect();
        let Some((end, middle)) = parts.split_last() else { return rest.is_empty() };
        for part in middle {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(end) && !name.starts_with('.')
    };
    let names = system.names(directory).unwrap_or_default();
    let mut found: Vec<String> = names.into_iter().filter_map(|name| name.into_string().ok()).filter(fits).collect();
    found.sort();
    found.into_iter().map(|name| format!("{directory}/{name}")).collect()
}
