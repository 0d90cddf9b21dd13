//! Which sources the registry knows for the services that were asked for.

use crate::registry::{Deployment, Log, Manager, Service};

/// One place that lines come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Whose lines these are; `None` for what belongs to the host.
    pub service: Option<&'static Service>,
    /// In the words of the tool that reads it, as `get services -o wide` prints it: `journal:shop.service`.
    pub name: String,
    /// What tells it from the other sources of its service, in a word.
    short: String,
    /// What stands before its lines.
    pub label: String,
    /// How it is read.
    pub kind: Kind,
    /// Whether it has the lines of another source once more.
    copy: bool,
}

/// How a source is read.
#[derive(Debug, Clone)]
pub enum Kind {
    /// From the journal, by the unit under all its names.
    Journal(Vec<String>),
    /// From the container of the service.
    Container,
    /// From a file.
    File {
        /// Absolute path.
        path: &'static str,
        /// Whether what is written there is an error unless it says otherwise: a program's standard error.
        complaints: bool,
    },
}

/// The sources of these services. Copies are left out.
pub fn of_services(services: &[&'static Service]) -> Vec<Source> {
    let of = |service: &&'static Service| -> Vec<Source> {
        service.log_sources().iter().flat_map(|log| sources(Some(service), log)).collect()
    };
    services.iter().flat_map(of).collect()
}

/// The sources of a deployment that belong to no service.
pub fn of_host(deployment: &Deployment) -> Vec<Source> {
    deployment.logs.iter().flat_map(|log| sources(None, log)).collect()
}

fn sources(service: Option<&'static Service>, log: &Log) -> Vec<Source> {
    let one = |kind, short: &str| Source {
        service,
        name: match log {
            Log::Pm2 { .. } => format!("{}/{short}", name(service, log)),
            _ => name(service, log),
        },
        short: short.to_owned(),
        label: String::new(),
        kind,
        copy: false,
    };
    match log {
        Log::Journal(unit) => vec![one(Kind::Journal(names(service, unit)), unit.trim_end_matches(".service"))],
        Log::Container => vec![one(Kind::Container, "container")],
        Log::Pm2 { out, error } => vec![
            one(Kind::File { path: out, complaints: false }, "out"),
            one(Kind::File { path: error, complaints: true }, "error"),
        ],
        Log::File { path, .. } => {
            let file = path.rsplit('/').next().unwrap_or(path);
            vec![one(Kind::File { path, complaints: false }, file.trim_end_matches(".log"))]
        }
        Log::Copy(original) => {
            sources(service, original).into_iter().map(|source| Source { copy: true, ..source }).collect()
        }
    }
}

/// The unit's name, those that it has elsewhere, and the pattern of its instances.
fn names(service: Option<&'static Service>, unit: &str) -> Vec<String> {
    let managers = service.into_iter().flat_map(|service| service.managers);
    let others = managers.filter_map(|manager| match manager {
        Manager::Systemd(known) if known.name == unit => Some(known.aliases.iter().chain(&known.instances)),
        _ => None,
    });
    std::iter::once(unit).chain(others.flatten().copied()).map(str::to_owned).collect()
}

/// A source in the words of the tool that reads it.
pub fn name(service: Option<&Service>, log: &Log) -> String {
    let by = |kinds: [&str; 2]| {
        let manager = service.into_iter().flat_map(|service| service.managers).find(|m| kinds.contains(&m.kind()));
        manager.map_or_else(|| service.map_or("?", |service| service.name), Manager::unit)
    };
    match log {
        Log::Journal(unit) => format!("journal:{unit}"),
        Log::Container => format!("container:{}", by(["compose", "docker"])),
        Log::Pm2 { .. } => format!("pm2:{}", by(["pm2", "pm2"])),
        Log::File { path, .. } => format!("file:{path}"),
        Log::Copy(original) => name(service, original),
    }
}

/// Those that one of `wanted` is a part of the name of; all but the copies when nothing is wanted. Each gets its label.
pub fn narrow(sources: Vec<Source>, wanted: &[String]) -> Vec<Source> {
    let mut kept: Vec<Source> = sources
        .into_iter()
        .filter(|source| match wanted {
            [] => !source.copy,
            _ => wanted.iter().any(|part| source.name.contains(part) || source.short == *part),
        })
        .collect();
    let owner = |source: &Source| source.service.map(|service| service.name);
    let owners: Vec<_> = kept.iter().map(owner).collect();
    for source in &mut kept {
        source.label = match source.service {
            None => source.short.clone(),
            Some(service) => match owners.iter().filter(|other| **other == Some(service.name)).count() {
                1 => service.name.to_owned(),
                _ => format!("{}/{}", service.name, source.short),
            },
        };
    }
    kept
}
