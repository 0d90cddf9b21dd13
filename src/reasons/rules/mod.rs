//! How programs word their reasons: a table of patterns, the particular before the general. Patterns are matched anywhere in
//! a line, in bytes and whatever the case. What is at fault is the group `t`; where there are groups `h`, `p` and `l`, it is a host, a
//! port, and the line of a file.

#![allow(clippy::enum_glob_use, reason = "tables of families")]

mod databases;
mod engines;
mod general;
mod runtimes;
mod servers;
mod system;

use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use crate::registry::Family;

/// How much a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// That it ends for a reason that another line states.
    Vague,
    /// Something that may pass, and is tried again.
    Passing,
    /// Why it ends.
    Fatal,
}

/// A wording.
#[derive(Debug)]
pub(super) struct Rule {
    /// What it means; `None`: nothing, whatever else matches the line.
    pub(super) family: Option<Family>,
    pub(super) weight: Weight,
    pub(super) pattern: &'static str,
    /// The thing, where it is always the same.
    pub(super) thing: Option<&'static str>,
}

const fn rule(family: Family, weight: Weight, pattern: &'static str) -> Rule {
    Rule { family: Some(family), weight, pattern, thing: None }
}

const fn fatal(family: Family, pattern: &'static str) -> Rule {
    rule(family, Weight::Fatal, pattern)
}

const fn passing(family: Family, pattern: &'static str) -> Rule {
    rule(family, Weight::Passing, pattern)
}

const fn vague(family: Family, pattern: &'static str) -> Rule {
    rule(family, Weight::Vague, pattern)
}

const fn nothing(pattern: &'static str) -> Rule {
    Rule { family: None, weight: Weight::Vague, pattern, thing: None }
}

impl Rule {
    const fn of(mut self, thing: &'static str) -> Self {
        self.thing = Some(thing);
        self
    }
}

/// In order: of those that match a line the first counts.
const TABLES: &[&[Rule]] = &[
    general::NOTHING,
    system::RULES,
    runtimes::RULES,
    databases::RULES,
    servers::RULES,
    engines::RULES,
    general::RULES,
];

/// What in a line names the place or the setting that a later line complains of.
const HINTS: &[&str] = &[
    r#"^\s*File "(?P<t>[^"]+)", line (?P<l>\d+)"#,
    r"(?:^|# )>>> '(?P<t>[^']+)'",
    r"^(?P<t>/[^\s:]+\.(?:js|mjs|cjs|ts|tsx|py|rb|php|json|ya?ml|toml)):(?P<l>\d+)",
    r"^\s*at .{0,80}?\(?(?P<t>/[^\s:()]+):(?P<l>\d+):\d+\)?$",
];

/// What stands on a line that ends a program, whatever it says beside.
const GRAVE: &str = r"\b(?:fatal|panic|emerg|uncaught|unhandled|crit|critical|emergency|traceback|exiting|aborting|terminating)\b|error:|exception:|exception in thread|caused by:|cannot start|failed to start|could not start|startup failed|result::unwrap|unable to start|\[error\] \[MY";

/// All of it, made once, and only where something is to be explained.
struct Compiled {
    rules: Vec<(&'static Rule, OnceLock<Option<Regex>>)>,
    set: RegexSet,
    hints: Vec<Regex>,
    grave: Option<Regex>,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let rules: Vec<_> = TABLES.iter().copied().flatten().map(|rule| (rule, OnceLock::new())).collect();
    let set = RegexSetBuilder::new(rules.iter().map(|(rule, _)| rule.pattern))
        .unicode(false)
        .case_insensitive(true)
        .size_limit(64 << 20)
        .dfa_size_limit(16 << 20)
        .build()
        .unwrap_or_else(|_| RegexSet::empty());
    Compiled { rules, set, hints: HINTS.iter().filter_map(|pattern| compile(pattern)).collect(), grave: compile(GRAVE) }
});

fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).case_insensitive(true).build().ok()
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) family: Family,
    pub(super) thing: Option<String>,
    pub(super) weight: Weight,
}

/// What this line says by itself.
pub(super) fn say(line: &str) -> Option<Said> {
    let all = &*COMPILED;
    let hits: Vec<usize> = all.set.matches(line.as_bytes()).into_iter().collect();
    let (first, _) = all.rules.get(*hits.first()?)?;
    let family = first.family?;
    let alike = hits.iter().filter_map(|index| all.rules.get(*index)).filter(|(rule, _)| rule.family == Some(family));
    // A later one may name the thing that the first leaves out.
    let thing = alike.into_iter().find_map(|(rule, regex)| {
        let regex = regex.get_or_init(|| compile(rule.pattern)).as_ref()?;
        rule.thing.map(str::to_owned).or_else(|| named(regex, line))
    });
    let is_grave =
        first.weight == Weight::Passing && all.grave.as_ref().is_some_and(|grave| grave.is_match(line.as_bytes()));
    Some(Said { family, thing, weight: if is_grave { Weight::Fatal } else { first.weight } })
}

/// The place or setting that this line names for others.
pub(super) fn hint(line: &str) -> Option<String> {
    COMPILED.hints.iter().find_map(|regex| named(regex, line))
}

/// The thing that a line names by the groups of a pattern.
fn named(regex: &Regex, line: &str) -> Option<String> {
    let found = regex.captures(line.as_bytes())?;
    let group = |name: &str| {
        let text = String::from_utf8_lossy(found.name(name)?.as_bytes()).into_owned();
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let (thing, line) = (group("t"), group("l"));
    match (thing, line, group("h"), group("p")) {
        (Some(thing), Some(line), ..) => Some(format!("{thing}:{line}")),
        (Some(thing), ..) => Some(thing),
        (None, _, host, Some(port)) => Some(format!("{}:{port}", host.unwrap_or_default())),
        (None, _, host, None) => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        for (rule, _) in &COMPILED.rules {
            assert!(compile(rule.pattern).is_some(), "{}", rule.pattern);
        }
        assert_eq!((COMPILED.set.len(), COMPILED.hints.len()), (COMPILED.rules.len(), HINTS.len()));
        assert!(COMPILED.grave.is_some());
    }
}
