//! Found services as records of the registry, which every verb takes. They live as long as the process, which finds them once.

use super::answers::HEALTH;
use super::names::stated_of;
use super::{Found, FoundManager, FoundService, Protocol, Role};
use crate::registry::{
    App, Compose, Container, Deployment, EnvFile, Http, Instances, LOCALHOST, Level, Manager, Origin, Presence, Probe,
    Rule, Service, Unit, localhost,
};

/// Above this much memory pm2 restarts an application, where nobody set a bound: never.
const UNBOUNDED: u64 = u64::MAX;

fn text(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn list<T>(items: Vec<T>) -> &'static [T] {
    Box::leak(items.into_boxed_slice())
}

/// `localhost` with the services that were found on this host: after those that it states, which are judged by what is stated.
pub fn deployment(found: &Found) -> &'static Deployment {
    let found: Vec<&FoundService> =
        found.services.iter().filter(|one| stated_of(one).is_none() && one.manager.is_known()).collect();
    if found.is_empty() {
        return &LOCALHOST;
    }
    // A name means what runs here before what might.
    let stated = LOCALHOST.services.iter().copied().filter(|stated| !found.iter().any(|one| one.name == stated.name));
    let mut services: Vec<&'static Service> = stated.collect();
    for one in found {
        let needs = one.needs.iter().filter_map(|(name, _)| services.iter().copied().find(|other| other.name == name));
        let needs: Vec<&'static Service> = needs.collect();
        if let Some(made) = service(one, list(needs)) {
            services.push(Box::leak(Box::new(made)));
        }
    }
    Box::leak(Box::new(localhost(list(services))))
}

fn level(role: Role) -> &'static Level {
    let wanted = match role {
        Role::Edge | Role::Database | Role::Service => "high",
        Role::Job => "low",
    };
    let levels = LOCALHOST.severities;
    levels.iter().copied().find(|level| level.id == wanted).unwrap_or(levels[0])
}

fn service(one: &FoundService, needs: &'static [&'static Service]) -> Option<Service> {
    let manager = match &one.manager {
        FoundManager::Unit(name) => {
            let aliases = one.unit.aliases.iter().map(|name| text(name)).collect();
            let unit = Unit::new(text(name)).aliases(list(aliases));
            Manager::Systemd(if one.unit.enabled { unit } else { unit.disabled() })
        }
        FoundManager::Compose { project, service, file, .. } => {
            let files: Vec<&'static str> = file.iter().map(|file| text(file)).collect();
            Manager::Compose(Compose::new(text(service)).project(text(project)).files(list(files)))
        }
        FoundManager::Container(name) => Manager::Docker(Container::new(list(vec![text(name)]))),
        FoundManager::Podman(_) => return None,
        FoundManager::App { name, user, home, cluster, memory_restart_bytes } => {
            let instances = cluster.map_or(Instances::Fork, Instances::Cluster);
            let app = App::new(text(name), instances).user(text(user)).home(text(home));
            Manager::Pm2(app.memory_restart_bytes(memory_restart_bytes.unwrap_or(UNBOUNDED)))
        }
    };
    let ports = one.ports();
    let mut made = Service::new(text(&one.name), level(one.role))
        .summary(text(&one.summary))
        .severity_reason(one.role.reason())
        .managers(list(vec![manager]))
        .probes(list(ports.first().and_then(|port| probe(one, *port)).into_iter().collect()))
        .ports(list(ports))
        .presence(Presence::IfFound("found on this host before"))
        .needs(needs)
        .origin(Origin::Found);
    if let Some(path) = one.env.first() {
        made = made.env(EnvFile::new(list(vec![text(path)])));
    }
    Some(made)
}

/// What it is asked at its main port; nothing where a connection alone is held against who makes it.
pub(super) fn probe(one: &FoundService, port: u16) -> Option<Probe> {
    Some(match one.protocol {
        Some(Protocol::Postgres) => Probe::postgres(port),
        Some(Protocol::Redis) => Probe::redis(port),
        Some(Protocol::Mongo) => Probe::mongo(port),
        Some(Protocol::Smtp) => Probe::banner(port, "220"),
        Some(Protocol::Mysql | Protocol::Ssh | Protocol::Other) => return None,
        Some(Protocol::Http { health: true }) => Probe::Http(Http::get(port, HEALTH, const { &[Rule::ok(200)] })),
        Some(Protocol::Http { health: false }) | None => Probe::any(port),
    })
}
