//! What must hold of each program that `rust` writes: it parses, and every text of the host is a string of its own service, as it was.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use syn::visit::{self, Visit};

use super::answers::HEALTH;
use super::names::{name, plain_name};
use super::{Found, FoundManager, FoundProxy, FoundService, Protocol, Role, program};

/// Services out of any bytes, in which a zero ends a text. Their texts are what a host's files and tools may give.
pub fn found(bytes: &[u8]) -> Found {
    let mut texts = bytes.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
    let mut services = Vec::new();
    while let Some(first) = texts.next() {
        let kind = first.len();
        let mut text = || texts.next().unwrap_or_default();
        let manager = match kind % 5 {
            0 => FoundManager::Unit(text()),
            1 => {
                let file = text();
                let file = (!file.is_empty()).then_some(file);
                FoundManager::Compose { project: text(), service: text(), file, container: String::new() }
            }
            2 => FoundManager::Container(text()),
            4 => FoundManager::Podman(text()),
            _ => FoundManager::App {
                name: text(),
                user: text(),
                home: text(),
                cluster: u16::try_from(kind).ok(),
                memory_restart_bytes: None,
            },
        };
        let mut one = FoundService::new(&first, manager);
        one.role = if kind % 5 == 0 { Role::Job } else { Role::Service };
        one.protocol = [None, Some(Protocol::Smtp), Some(Protocol::Http { health: true })][kind % 3];
        one.summary = text();
        one.why = vec![text(), text()];
        one.env.push(text());
        one.unit.user = Some(text());
        one.unit.aliases.push(text());
        one.unit.working_directory = Some(text());
        one.unit.restart = Some(text());
        one.listens.extend((kind % 2 == 0).then_some(SocketAddr::from(([0, 0, 0, 0], 80))));
        one.routes.push((text(), text(), 80));
        one.needs.push((String::new(), text()));
        services.push(one);
    }
    name(services.iter_mut(), &BTreeSet::new());
    // Each needs the one above it.
    let names: Vec<String> = services.iter().map(|one| one.name.clone()).collect();
    for (one, above) in services.iter_mut().zip(std::iter::once(None).chain(names.iter().map(Some))) {
        one.needs.retain_mut(|(need, _)| above.map(|above| above.clone_into(need)).is_some());
    }
    Found { services, proxy: Some(FoundProxy::Caddy(String::from_utf8_lossy(bytes).into_owned())), ..Found::default() }
}

/// The strings of a piece of source.
#[derive(Default)]
struct Strings(BTreeSet<String>);

impl<'ast> Visit<'ast> for Strings {
    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.0.insert(literal.value());
        visit::visit_lit_str(self, literal);
    }
}

/// The strings of a service's record.
fn strings(one: &FoundService) -> BTreeSet<String> {
    let mut strings: Vec<&str> = vec![&one.name, &one.summary, one.role.reason()];
    let facts = &one.unit;
    match &one.manager {
        FoundManager::Unit(name) => {
            strings.push(name);
            strings.extend(facts.aliases.iter().map(|it| &**it));
            strings
                .extend([&facts.user, &facts.working_directory, &facts.restart].into_iter().flatten().map(|it| &**it));
        }
        FoundManager::Compose { project, service, file, .. } => {
            strings.extend([project, service].into_iter().chain(file).map(|it| &**it));
        }
        FoundManager::Container(name) | FoundManager::Podman(name) => strings.push(name),
        FoundManager::App { name, user, home, .. } => strings.extend([&**name, user, home]),
    }
    let ports = one.ports();
    if !ports.is_empty() {
        match one.protocol {
            Some(Protocol::Smtp) => strings.push("220"),
            Some(Protocol::Http { health: true }) => strings.push(HEALTH),
            _ => {}
        }
    }
    for (host, path, _) in one.routes.iter().filter(|(.., port)| ports.contains(port)) {
        strings.push(host);
        strings.extend(Some(&**path).filter(|path| *path != "/"));
    }
    strings.extend(one.env.first().map(|it| &**it));
    strings.into_iter().map(str::to_owned).collect()
}

/// Writes the program of these services and reads it again.
///
/// # Panics
/// Where it is no Rust, or says anything else.
pub fn holds(found: &Found, host: &str) {
    let text = program(found, &plain_name(host), host);
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let statics = parsed.items.iter().filter_map(|item| match item {
        syn::Item::Static(item) => Some(item),
        _ => None,
    });
    let statics: Vec<&syn::ItemStatic> = statics.collect();
    // Nothing got out of its string: there is one static a service, and what every program has.
    let services: Vec<&FoundService> = found.services.iter().filter(|one| one.manager.is_known()).collect();
    let jobs = usize::from(services.iter().any(|one| one.role == Role::Job));
    assert_eq!(statics.len(), services.len() + 3 + jobs, "{text}");
    assert_eq!(parsed.items.len(), statics.len() + 5, "{text}");
    let names: BTreeSet<String> = statics.iter().map(|item| item.ident.to_string()).collect();
    assert_eq!(names.len(), statics.len(), "{names:?}");
    for (one, item) in services.into_iter().zip(&statics[1 + jobs..]) {
        let mut written = Strings::default();
        written.visit_expr(&item.expr);
        assert_eq!(written.0, strings(one), "{text}");
    }
    assert!(text.chars().all(|c| c == '\n' || (c.is_ascii() && !c.is_control())), "{text}");
}
