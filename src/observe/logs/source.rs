//! Which sources the registry knows for the services that were asked for.

use std::cell::OnceCell;

use crate::host::system::System;
use crate::observe::probe::UnitPaths;
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
    /// Which stream of a pm2 application it is.
    pub output: Option<Output>,
    /// Whether it has the lines of another source once more.
    copy: bool,
}

/// How a source is read.
#[derive(Debug, Clone)]
pub enum Kind {
    /// From the journal.
    Journal {
        /// The unit under all its names.
        units: Vec<String>,
        /// Whether it has a journal of its own beside the one of all.
        namespaced: bool,
    },
    /// From the container of the service.
    Container,
    /// From a file.
    File {
        /// Absolute path.
        path: String,
        /// Whether what is written there is an error unless it says otherwise: a program's standard error.
        complaints: bool,
    },
}

/// A stream of a pm2 application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}

impl Output {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Output::Out => "out_file",
            Output::Error => "error_file",
        }
    }
}

impl Source {
    /// A file that the registry does not name; `complaints` where it holds standard error alone.
    pub(super) fn file_of(service: Option<&'static Service>, path: &str, complaints: bool) -> Self {
        let file = path.rsplit('/').next().unwrap_or(path);
        Source {
            service,
            name: format!("file:{path}"),
            short: file.trim_end_matches(".log").to_owned(),
            label: String::new(),
            kind: Kind::File { path: path.to_owned(), complaints },
            output: None,
            copy: false,
        }
    }

    /// Something that no service of the registry is.
    pub(super) fn without_service(name: String, kind: Kind) -> Self {
        let short = name.split_once(':').map_or("", |(_, name)| name).to_owned();
        Source { service: None, name, short, label: String::new(), kind, output: None, copy: false }
    }

    /// The same at another path, the `index`-th of them.
    pub(super) fn at(&self, path: &str, index: usize) -> Self {
        let mut other = self.clone();
        if let Kind::File { path: own, .. } = &mut other.kind {
            path.clone_into(own);
        }
        if index > 0 {
            other.name = format!("{}-{}", self.name, index + 1);
            other.short = format!("{}-{}", self.short, index + 1);
        }
        other
    }

    /// Whether it is the file at this path.
    pub(super) fn is_file(&self, wanted: &str) -> bool {
        matches!(&self.kind, Kind::File { path, .. } if path == wanted)
    }
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
        output: None,
        copy: false,
    };
    let file = |path: &str, complaints| Kind::File { path: path.to_owned(), complaints };
    match log {
        Log::Journal(unit) => {
            let kind = Kind::Journal { units: names(service, unit), namespaced: false };
            vec![one(kind, unit.trim_end_matches(".service"))]
        }
        Log::Container => vec![one(Kind::Container, "container")],
        Log::Pm2 { out, error } => vec![
            Source { output: Some(Output::Out), ..one(file(out, false), "out") },
            Source { output: Some(Output::Error), ..one(file(error, true), "error") },
        ],
        Log::File { path, .. } => {
            let name = path.rsplit('/').next().unwrap_or(path);
            vec![one(file(path, false), name.trim_end_matches(".log"))]
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

/// Adds the instances that a unit only starts: its service's health is judged by them.
pub(super) fn add_instances(system: &System, sources: &mut [Source]) {
    let paths = OnceCell::new();
    for source in sources {
        let Kind::Journal { units, .. } = &mut source.kind else { continue };
        for manager in source.service.into_iter().flat_map(|service| service.managers) {
            if let Manager::Systemd(unit) = manager
                && units.first().is_some_and(|name| name == unit.name)
            {
                let paths = paths.get_or_init(|| UnitPaths::read(system));
                units.extend(paths.started_instances(system, unit));
            }
        }
    }
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
    let is_wanted = |source: &Source| match wanted {
        [] => !source.copy,
        _ => wanted.iter().any(|part| source.name.contains(part) || source.short == *part),
    };
    let mut kept: Vec<Source> = sources.into_iter().filter(is_wanted).collect();
    label(&mut kept);
    kept
}

/// Gives each the label that tells it from the others.
pub(super) fn label(kept: &mut [Source]) {
    let owner = |source: &Source| source.service.map(|service| service.name);
    let owners: Vec<_> = kept.iter().map(owner).collect();
    for source in kept {
        source.label = match source.service {
            None => source.short.clone(),
            Some(service) => match owners.iter().filter(|other| **other == Some(service.name)).count() {
                1 => service.name.to_owned(),
                _ => format!("{}/{}", service.name, source.short),
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Level, Unit};

    static DOWN: Level = Level::new("d").criterion("c").response("r").action("a");
    static DATABASE: Service =
        Service::new("database", &DOWN).managers(&[Manager::Systemd(Unit::new("postgresql.service"))]);

    /// As on Debian, where the lines of the server are those of `postgresql@17-main.service`.
    #[test]
    fn lines_of_instances_that_nobody_stated_are_read_where_health_is_judged_by_them() {
        let root = std::env::temp_dir().join(format!("opsctl-instances-{}", std::process::id()));
        let system = System { root: root.clone(), ..System::real() };
        let units = root.join("usr/lib/systemd/system");
        std::fs::create_dir_all(&units).unwrap();
        let write = |name: &str, text: &str| std::fs::write(units.join(name), text).unwrap();
        let read = || {
            let mut sources = of_services(&[&DATABASE]);
            add_instances(&system, &mut sources);
            match &sources[..] {
                [Source { kind: Kind::Journal { units, .. }, .. }] => units.clone(),
                other => panic!("{other:?}"),
            }
        };
        write("postgresql.service", "[Service]\nType=oneshot\n");
        let without_template = read();
        write("postgresql@.service", "[Service]\nType=forking\n");
        let of_a_job = read();
        write("postgresql.service", "[Service]\nType=notify\n");
        let of_a_server = read();
        std::fs::remove_dir_all(root).unwrap();
        assert_eq!(without_template, ["postgresql.service"]);
        assert_eq!(of_a_job, ["postgresql.service", "postgresql@*.service"]);
        assert_eq!(of_a_server, ["postgresql.service"]);
    }
}
