//! PURE. What a registry states against what was found: the drift from the side of the host.

use super::names::stated_of;
use super::{Found, FoundManager, FoundService};
use crate::registry::{Deployment, Manager, Presence, Service};

/// Whether a service of the registry is this one: by the name that its manager has for it; where the registry knows no manager, by
/// its main port.
fn is_same(service: &Service, one: &FoundService) -> bool {
    let is_at_its_port = || service.ports.first().is_some_and(|port| one.ports().contains(port));
    service.managers.is_empty() && is_at_its_port()
        || service.managers.iter().any(|manager| match (manager, &one.manager) {
            (Manager::Systemd(unit), FoundManager::Unit(name)) => {
                unit.is_called(name) || one.unit.aliases.iter().any(|alias| unit.is_called(alias))
            }
            (Manager::Compose(compose), FoundManager::Compose { project, service, container, .. }) => {
                (compose.project == project && compose.service == service) || compose.container == Some(container)
            }
            (Manager::Compose(compose), FoundManager::Container(name)) => compose.container == Some(name.as_str()),
            (Manager::Docker(docker), FoundManager::Container(name)) => docker.names.contains(&name.as_str()),
            (Manager::Docker(docker), FoundManager::Compose { service, container, .. }) => {
                [service, container].iter().any(|name| docker.names.contains(&name.as_str()))
            }
            (Manager::Pm2(app), FoundManager::App { name, home, .. }) => app.name == name && app.home == home,
            _ => false,
        })
}

/// The service of a registry that this is.
pub fn service_of(deployment: &Deployment, one: &FoundService) -> Option<&'static Service> {
    deployment.services.iter().copied().find(|service| is_same(service, one))
}

/// Keeps of the services those that no registry states: neither the deployment's, nor `localhost`'s of what every host may have.
pub fn keep_unstated(deployment: &Deployment, found: &mut Found) {
    // The unit that keeps pm2 running stands for the applications.
    let managers = || deployment.services.iter().flat_map(|service| service.managers);
    let is_of_pm2 = |one: &FoundService| {
        let unit = one.manager.unit();
        managers().any(
            |it| matches!(it, Manager::Pm2(app) if unit.strip_prefix("pm2-") == Some(&format!("{}.service", app.user))),
        )
    };
    let is_stated =
        |one: &FoundService| stated_of(one).is_some() || service_of(deployment, one).is_some() || is_of_pm2(one);
    found.services.retain(|one| !is_stated(one));
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
    use crate::registry::{App, Compose, Container, HostChecks, Instances, Level, Unit};

    static DOWN: Level = Level::new("d").criterion("c").response("r").action("a");
    static SHOP: Service = Service::new("shop", &DOWN).managers(&[Manager::Systemd(Unit::new("shop.service"))]);
    static MAIL: Service = Service::new("mail", &DOWN)
        .managers(&[Manager::Compose(Compose::new("server").project("mail").container("mail"))]);
    static GONE: Service = Service::new("gone", &DOWN).managers(&[Manager::Systemd(Unit::new("gone.service"))]);
    static BARE: Service = Service::new("bare", &DOWN).ports(&[6333]);
    static WEB: Service = Service::new("web", &DOWN)
        .managers(&[Manager::Pm2(App::new("web", Instances::Fork).user("web").home("/home/web/.pm2"))])
        .presence(Presence::IfFound("one host has it"));
    static FEED: Service = Service::new("feed", &DOWN).managers(&[Manager::Docker(Container::new(&["feed-1"]))]);
    static MINE: Deployment =
        Deployment::new("mine", &[&DOWN], &[&SHOP, &MAIL, &GONE, &BARE, &WEB, &FEED], HostChecks::new(&DOWN));

    #[test]
    fn services_are_the_same_by_the_names_of_their_managers() {
        let compose = |service: &str| FoundManager::Compose {
            project: "mail".to_owned(),
            service: service.to_owned(),
            file: None,
            container: format!("{service}-1"),
        };
        let cases = [
            (FoundManager::Unit("shop.service".to_owned()), Some("shop")),
            (FoundManager::Unit("other.service".to_owned()), None),
            (compose("server"), Some("mail")),
            (compose("other"), None),
            // A registry that states only what a container is called.
            (compose("feed"), Some("feed")),
            (FoundManager::Container("mail".to_owned()), Some("mail")),
        ];
        for (manager, wanted) in cases {
            let found = FoundService::new("x", manager);
            assert_eq!(service_of(&MINE, &found).map(|service| service.name), wanted, "{found:?}");
        }
        let at_port = |port: u16| FoundService {
            listens: vec![([127, 0, 0, 1], port).into()],
            ..FoundService::new("x", FoundManager::Container("x".to_owned()))
        };
        assert_eq!(service_of(&MINE, &at_port(6333)).map(|service| service.name), Some("bare"));
        assert_eq!(service_of(&MINE, &at_port(6334)).map(|service| service.name), None);
        let found = Found {
            services: vec![FoundService::new("x", FoundManager::Unit("shop.service".to_owned()))],
            ..Found::default()
        };
        // What every host may have, and the unit of a pm2 of the deployment, are stated.
        let units = ["shop.service", "ssh.service", "pm2-web.service", "pm2-other.service", "new.service"];
        let services = units.map(|unit| FoundService::new(unit, FoundManager::Unit(unit.to_owned())));
        let mut all = Found { services: services.to_vec(), ..Found::default() };
        keep_unstated(&MINE, &mut all);
        let names: Vec<&str> = all.services.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["pm2-other.service", "new.service"]);
        let missing: Vec<&str> = missing(&MINE, &found).iter().map(|service| service.name).collect();
        assert_eq!(missing, ["mail", "gone", "feed"]);
    }
}
