//! What this host's deployment has, for hints and for the examples of help. Only unit files are looked for.

use crate::host::system::System;
use crate::judge::diagnosis::is_edge;
use crate::observe::probe::UnitPaths;
use crate::registry::{Deployment, Failure, Manager, Origin, Presence, Service};

/// Words for `SERVICE` and `SET` where there is no name.
const NO_SERVICE: &str = "SERVICE";
const NO_SET: &str = "SET";

/// The services of a deployment that this host has, as far as unit files show it.
pub fn services(deployment: &'static Deployment, system: &System) -> Vec<&'static Service> {
    let paths = UnitPaths::read(system);
    let is_here = |service: &&Service| {
        let has_unit = |manager: &Manager| matches!(manager, Manager::Systemd(unit) if paths.has(unit.name));
        let is_managed = !service.managers.is_empty();
        let is_known = service.presence == Presence::Required || service.origin == Origin::Found;
        is_managed && (is_known || service.managers.iter().any(has_unit))
    };
    deployment.services.iter().copied().filter(is_here).collect()
}

/// Names that stand in examples in place of those of prim.
pub struct Names {
    deployment: &'static Deployment,
    services: Vec<&'static Service>,
}

impl Names {
    /// Those of a deployment on this host.
    pub fn of(deployment: &'static Deployment, system: &System) -> Self {
        Names { deployment, services: services(deployment, system) }
    }

    /// An example with names that this host has. The made-up host of `demo` keeps its own.
    pub fn put(&self, example: &str) -> String {
        if example.starts_with("demo") {
            return example.to_owned();
        }
        let of_sets = example.starts_with("backup") || example.starts_with("restore");
        let word = |word: &str| -> String {
            match word {
                "wallet" if of_sets => self.set(0).to_owned(),
                "store" if of_sets => self.set(1).to_owned(),
                "wallet" => self.service(0).to_owned(),
                "store" => self.service(1).to_owned(),
                "caddy" => self.edge().to_owned(),
                "prim-wallet.service" => self.services.first().map_or(NO_SERVICE, |service| unit(service)).to_owned(),
                "'prim-*'" => format!("'{}*'", self.service(0)),
                "'w*'" => format!("'{}*'", self.set(0)),
                "PRIM-DISK-FULL" => self.code(),
                other => other.to_owned(),
            }
        };
        let parts = example.split_inclusive([' ', ',']);
        let end = |part: &str| part.len() - usize::from(part.ends_with([' ', ',']));
        parts.map(|part| word(&part[..end(part)]) + &part[end(part)..]).collect()
    }

    fn service(&self, index: usize) -> &'static str {
        self.services.get(index).map_or(NO_SERVICE, |service| service.name)
    }

    fn set(&self, index: usize) -> &'static str {
        self.deployment.backups.get(index).map_or(NO_SET, |set| set.name)
    }

    /// The proxy, which can be reloaded.
    fn edge(&self) -> &'static str {
        let mut services = self.services.iter();
        services.find(|service| is_edge(service)).map_or_else(|| self.service(0), |service| service.name)
    }

    fn code(&self) -> String {
        let first = || self.deployment.all_failures().flat_map(Failure::causes).next();
        let cause = self.deployment.cause("DISK-FULL").map(|(_, cause)| cause).or_else(first);
        cause.map_or_else(|| "CODE".to_owned(), |cause| self.deployment.code(cause))
    }
}

/// What its manager calls a service.
fn unit(service: &'static Service) -> &'static str {
    match service.managers.first() {
        Some(Manager::Systemd(unit)) => unit.name,
        _ => service.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{DEPLOYMENTS, LOCALHOST};

    #[test]
    fn examples_name_what_the_deployment_has() {
        let system = System { root: std::path::PathBuf::from("/nonexistent"), ..System::real() };
        let put = |deployment: &'static Deployment, example: &str| Names::of(deployment, &system).put(example);
        let known = |name: &str| *DEPLOYMENTS.iter().find(|known| known.name == name).unwrap();
        for example in ["logs wallet store --errors", "restore wallet --to /root/wallet.db", "restart 'prim-*'"] {
            assert!(!put(known("plugspace"), example).contains(" wallet"), "{example}");
        }
        assert_eq!(put(known("prim"), "logs wallet store"), "logs wallet store");
        assert_eq!(put(known("prim"), "describe prim-wallet.service"), "describe prim-wallet.service");
        assert_eq!(put(known("plugspace"), "demo logs wallet"), "demo logs wallet");
        assert_eq!(put(known("plugspace"), "reload caddy"), "reload nginx");
        // Nothing is installed there.
        assert_eq!(put(&LOCALHOST, "start wallet,store"), "start SERVICE,SERVICE");
        assert_eq!(put(&LOCALHOST, "explain PRIM-DISK-FULL"), "explain LOCALHOST-DISK-FULL");
        assert_eq!(put(&LOCALHOST, "backup create wallet"), "backup create SET");
    }
}
