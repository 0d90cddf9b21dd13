//! PURE. Names and sentences of a host, whose authors are not trusted: which of them a tool takes, and what each service is called here.

use std::collections::BTreeSet;

use super::{FoundManager, FoundService};
use crate::registry::{LOCALHOST, Manager, Service};

/// How long a summary may be, characters.
const LONGEST: usize = 80;

/// What `registry::check` takes for a word that is handed to a tool.
pub(super) fn is_word(name: &str) -> bool {
    fits(name, "-_.@")
}

/// The same of a unit's name, in which systemd has escapes.
pub(super) fn is_unit_name(name: &str) -> bool {
    fits(name, "-_.@:+\\") && [".service", ".socket"].iter().any(|kind| name.ends_with(kind))
}

fn fits(name: &str, besides: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || besides.contains(c);
    name.len() <= 255 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(fits)
}

/// Whether a path is absolute, plain and leads down only.
pub(super) fn is_plain_path(path: &str) -> bool {
    path.starts_with('/') && one_line(path, "", usize::MAX) == path && path.split('/').all(|part| part != "..")
}

/// A summary out of a text of the host: one line, without what a terminal would obey.
pub(super) fn summary(text: &str, otherwise: &str) -> String {
    one_line(text, otherwise, LONGEST)
}

fn one_line(text: &str, otherwise: &str, longest: usize) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let words: String = text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.is_empty() {
        true => otherwise.to_owned(),
        false => words.chars().take(longest).collect(),
    }
}

/// A name for the command line out of any text: lower-case letters, digits and dashes, a letter first.
pub fn plain_name(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let text = text.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let text = match text.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => text,
        false => format!("service-{text}"),
    };
    text.chars().take(64).collect::<String>().trim_end_matches('-').to_owned()
}

/// Gives each a name of its own on the command line. Nobody takes the name of a service that `localhost` states and that is
/// installed here, but its own unit: an application that calls itself `ssh` would be what `restart ssh` restarts.
pub(super) fn name<'a>(all: impl Iterator<Item = &'a mut FoundService>, installed: &BTreeSet<&'static str>) {
    // A word means a failure or a service, never both.
    let words = LOCALHOST.all_failures().flat_map(|failure| failure.aliases.iter().chain([&failure.slug]));
    let mut taken: BTreeSet<String> = words.chain(installed).map(|word| word.to_ascii_lowercase()).collect();
    // Commands mean everything by it.
    taken.insert("all".to_owned());
    let mut given: BTreeSet<&str> = BTreeSet::new();
    for one in all {
        let stated = stated_of(one).map(|service| service.name);
        if let Some(stated) = stated.filter(|name| given.insert(name)) {
            taken.insert(stated.to_owned());
            stated.clone_into(&mut one.name);
            continue;
        }
        let own = plain_name(&one.name);
        let project = match &one.manager {
            FoundManager::Compose { project, .. } => Some(format!("{}-{own}", plain_name(project))),
            _ => None,
        };
        let kind = format!("{own}-{}", one.manager.kind());
        let numbered = (2..).map(|number| format!("{kind}-{number}"));
        let mut names = std::iter::once(own).chain(project).chain([kind.clone()]).chain(numbered);
        one.name = names.find(|name| taken.insert(name.clone())).unwrap_or(kind);
    }
}

/// The service that `localhost` states of this one.
pub(super) fn stated_of(one: &FoundService) -> Option<&'static Service> {
    match &one.manager {
        FoundManager::Unit(unit) => stated(unit),
        FoundManager::Compose { .. }
        | FoundManager::Container(_)
        | FoundManager::Podman(_)
        | FoundManager::App { .. } => None,
    }
}

/// The service that `localhost` states for this unit.
pub(super) fn stated(unit: &str) -> Option<&'static Service> {
    let is_its = |manager: &Manager| matches!(manager, Manager::Systemd(stated) if stated.is_called(unit));
    LOCALHOST.services.iter().copied().find(|service| service.managers.iter().any(is_its))
}
