//! PURE. What a registry states against what was found: the drift from the side of the host.

use super::{Found, FoundManager, FoundService};
use crate::registry::{Deployment, Manager, Presence, Service};

/// Whether a service of the registry is this one: by the name that its manager has for it.
fn is_same(service: &Service, one: &FoundService) -> bool {
    service.managers.iter().any(|manager| match (manager, &one.manager) {
        (Manager::Systemd(unit), FoundManager::Unit(name)) => {
            unit.name == name || unit.aliases.contains(&name.as_str()) || unit.is_instance(name)
        }
        (Manager::Compose(compose), FoundManager::Compose { project, service, .. }) => {
            compose.project == project && compose.service == service
        }
        (Manager::Compose(compose), FoundManager::Container(name)) => compose.container == Some(name.as_str()),
        (Manager::Docker(container), FoundManager::Container(name) | FoundManager::Compose { service: name, .. }) => {
            container.names.contains(&name.as_str())
        }
        (Manager::Pm2(app), FoundManager::App { name, home, .. }) => app.name == name && app.home == home,
        _ => false,
    })
}

/// The service of a registry that this is.
pub fn service_of(deployment: &Deployment, one: &FoundService) -> Option<&'static Service> {
    deployment.services.iter().copied().find(|service| is_same(service, one))
}

/// Services that every host of the deployment must have, that something on this host manages, and that were not found.
pub fn missing(deployment: &Deployment, found: &Found) -> Vec<&'static Service> {
    let is_found = |service: &&Service| found.services.iter().any(|one| is_same(service, one));
    let wanted = deployment.services.iter().copied();
    wanted
        .filter(|service| service.presence == Presence::Required && !service.managers.is_empty())
        .filter(|service| !is_found(service))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Compose, HostChecks, Level, Unit};

    static DOWN: Level = Level::new("d").criterion("c").response("r").action("a");
    static SHOP: Service = Service::new("shop", &DOWN).managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static MAIL: Service = Service::new("mail", &DOWN)
        .managers(&[Manager::Compose(Compose::new("server").project("mail").container("mail"))]);
    static GONE: Service = Service::new("gone", &DOWN).managers(&[Manager::Systemd(Unit::new("gone.service"))]);
    static MINE: Deployment = Deployment::new("mine", &[&DOWN], &[&SHOP, &MAIL, &GONE], HostChecks::new(&DOWN));

    fn one(manager: FoundManager) -> FoundService {
        FoundService {
            name: "x".to_owned(),
            summary: String::new(),
            manager,
            role: super::super::Role::Service,
            listens: Vec::new(),
            protocol: None,
            env: Vec::new(),
            data: Vec::new(),
            needs: Vec::new(),
            routes: Vec::new(),
            why: Vec::new(),
            unit: super::super::UnitFacts::default(),
        }
    }

    #[test]
    fn services_are_the_same_by_the_names_of_their_managers() {
        let compose = |service: &str| FoundManager::Compose {
            project: "mail".to_owned(),
            service: service.to_owned(),
            file: None,
        };
        let cases = [
            (FoundManager::Unit("shop.service".to_owned()), Some("shop")),
            (FoundManager::Unit("other.service".to_owned()), None),
            (compose("server"), Some("mail")),
            (compose("other"), None),
            (FoundManager::Container("mail".to_owned()), Some("mail")),
        ];
        for (manager, wanted) in cases {
            let found = one(manager);
            assert_eq!(service_of(&MINE, &found).map(|service| service.name), wanted, "{found:?}");
        }
        let found = Found { services: vec![one(FoundManager::Unit("shop.service".to_owned()))], ..Found::default() };
        let missing: Vec<&str> = missing(&MINE, &found).iter().map(|service| service.name).collect();
        assert_eq!(missing, ["mail", "gone"]);
    }
}
