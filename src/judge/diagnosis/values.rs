//! What services run with, and what their next start takes, against the rules that the registry has for values.

use super::Finding;
use super::case::{Case, Subject, asked};
use super::form::flaw;
use super::outcome::{Conclusion, Fact};
use crate::envfile::{Reading, Value};
use crate::host::tools::command::Command;
use crate::observe::clues::EnvFound;
use crate::observe::clues::starts::Obstacle;
use crate::observe::clues::values::{Barred, Running, ValuesFound};
use crate::redact::is_secret_name;
use crate::registry::{Clue, Depth, Drift, EnvFile, EnvReader, Service, State, Values, Verdict};
use crate::units;

/// How long after a start a file that was written before it may seem to be newer: times have whole seconds.
const SLACK: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// Whether this can be asked of a service at all.
pub(super) fn concerns(service: &Service, clue: Values) -> bool {
    let env = service.env.as_ref();
    match clue {
        Values::InUse | Values::AtNextStart => {
            env.is_some_and(|env| !env.settings.is_empty() || !env.required.is_empty())
        }
        Values::Unstartable => true,
        Values::Unreadable => env.is_some() && service.env_reader() == EnvReader::Dotenv,
    }
}

pub(super) fn judge(case: &Case<'_>, subject: Subject<'_>, clue: Values) -> Conclusion {
    let service = subject.service;
    if clue == Values::Unstartable {
        return unstartable(case, subject);
    }
    let Some(env) = service.env.as_ref().filter(|_| concerns(service, clue)) else {
        return Conclusion::RuledOut(Vec::new());
    };
    let (_, seen) = match asked(case.clues.values.get(service.name)) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    if clue == Values::Unreadable {
        return Conclusion::when(seen.barred.is_some(), seen.barred.iter().map(barred).collect());
    }
    // What may not be read is told once, by the cause that says so.
    if seen.barred.is_some() {
        return Conclusion::RuledOut(Vec::new());
    }
    let (_, file) = match asked(case.clues.env.get(service.name)) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let is_down = matches!(
        subject.health.state,
        State::Failed | State::CrashLoop | State::Restarting | State::Stopped | State::NotFound
    );
    let look = Look { env, file, seen, reader: service.env_reader(), is_down };
    let facts: Vec<Fact> = look.keys().into_iter().filter_map(|key| look.fact(key, clue)).collect();
    Conclusion::when(!facts.is_empty(), facts)
}

/// Whether a service runs as a unit that says all of itself.
pub(super) fn runs_as_unit(case: &Case<'_>, subject: Subject<'_>) -> bool {
    let unit = crate::observe::clues::unit(subject.service, &case.evidence.managers);
    // What fails already is told by what it fails with.
    unit.is_some_and(|unit| unit.active == "active" && unit.main_pid.is_some() && !unit.brief)
}

fn unstartable(case: &Case<'_>, subject: Subject<'_>) -> Conclusion {
    if !runs_as_unit(case, subject) {
        return Conclusion::RuledOut(Vec::new());
    }
    let (_, found) = match asked(case.clues.starts.get(subject.service.name)) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let fact = |obstacle: &Obstacle| {
        let says = format!("{} {}", obstacle.path, obstacle.what);
        Fact::new(obstacle.command.clone(), says.clone()).blaming(says)
    };
    Conclusion::when(!found.is_empty(), found.iter().map(fact).collect())
}

/// Whether its application may not read its env file.
pub(super) fn is_barred(case: &Case<'_>, subject: Subject<'_>) -> bool {
    let seen = case.clues.values.get(subject.service.name);
    seen.and_then(|answer| answer.result.as_ref().ok()).is_some_and(|seen| seen.barred.is_some())
}

fn barred(barred: &Barred) -> Fact {
    let Barred { path, user, bar, found } = barred;
    let whose = match found {
        Some(found) if found.is_dir => format!("directory {bar} of {}, mode {:04o}", found.owner, found.mode),
        Some(found) => format!("{bar} belongs to {}, mode {:04o}", found.owner, found.mode),
        None => format!("{bar} denies access"),
    };
    Fact::new(Command::new(["ls", "-ld", bar]), format!("{whose}: {user} has no permission (EACCES)"))
        .blaming(path.clone())
}

/// One service's values.
struct Look<'a> {
    env: &'static EnvFile,
    file: &'a EnvFound,
    seen: &'a ValuesFound,
    reader: EnvReader,
    is_down: bool,
}

impl<'a> Look<'a> {
    fn keys(&self) -> Vec<&'static str> {
        let rules = self.env.settings.iter().map(|rule| rule.key);
        let required = self.env.required.iter().copied().filter(|key| rules.clone().all(|other| other != *key));
        rules.clone().chain(required).collect()
    }

    /// What is wrong with a key, in this respect.
    fn fact(&self, key: &'static str, clue: Values) -> Option<Fact> {
        let (in_use, next) = (self.in_use(key), self.next(key));
        match (clue, in_use) {
            (Values::InUse, Source::Running(running, values)) => {
                let flaw = self.flaw(key, values)?;
                let says = format!("{key} {flaw}, in {}{}", running.of, self.otherwise(key));
                Some(Fact::new(running.command.clone(), says).blaming(format!("{key} {flaw}")))
            }
            (Values::InUse, Source::File) => {
                let flaw = self.flaw(key, &self.file.settings)?;
                Some(self.in_file(key, &flaw).blaming(format!("{key} {flaw}")))
            }
            (Values::AtNextStart, Source::Running(_, values)) if next && self.flaw(key, values).is_none() => {
                let flaw = self.flaw(key, &self.file.settings)?;
                let path = self.file.path.as_deref()?;
                Some(self.in_file(key, &flaw).at(self.seen.written).blaming(format!("{key} {flaw} ({path})")))
            }
            (Values::AtNextStart, Source::Unseen) if next => {
                let flaw = self.flaw(key, &self.file.settings)?;
                let path = self.file.path.as_deref()?;
                Some(self.in_file(key, &flaw).at(self.seen.written).blaming(format!("{key} {flaw} ({path})")))
            }
            (_, _) => None,
        }
    }

    /// Where the value that counts now can be read.
    fn in_use(&self, key: &str) -> Source<'a> {
        let Some(path) = &self.file.path else { return Source::Unseen };
        match &self.seen.running {
            // What its process has not is read from the file, at its start.
            Some(running) if self.reader == EnvReader::Dotenv && running.environment.get(key).is_none() => {
                if self.is_newer(running) { Source::Unseen } else { Source::File }
            }
            Some(running) => Source::Running(running, &running.environment),
            None if self.is_down && !path.is_empty() => Source::File,
            None => Source::Unseen,
        }
    }

    /// Whether the next start takes what the file has, and something else than what runs.
    fn next(&self, key: &str) -> bool {
        let Some(running) = &self.seen.running else { return false };
        let decides = match self.reader {
            EnvReader::Dotenv => running.environment.get(key).is_none(),
            // Of a unit the file counts more than its own settings, of a container less.
            EnvReader::Systemd => self.file.settings.get(key).is_some() || !running.elsewhere.contains(key),
            EnvReader::Compose | EnvReader::Docker => !running.elsewhere.contains(key),
        };
        decides && self.is_newer(running)
    }

    fn is_newer(&self, running: &Running) -> bool {
        let times = self.seen.written.zip(running.since);
        let bound = |since| if running.is_exact { since } else { units::later(since, SLACK) };
        times.is_some_and(|(written, since)| written > bound(since))
    }

    /// What is wrong with a value.
    fn flaw(&self, key: &str, values: &Reading) -> Option<String> {
        // What only its reader knows, or all of a file that is refused, is another matter.
        if values.refusal().is_some() || matches!(values.get(key), Some(Value::Unknown(_))) {
            return None;
        }
        let Some(value) = values.filled(key).and_then(Value::known) else {
            let in_file = values.filled(&format!("{key}_FILE")).is_some();
            let missing = if values.get(key).is_some() { "is empty" } else { "is not set" };
            return (self.env.required.contains(&key) && !in_file).then(|| format!("{missing}, and is required"));
        };
        let rule = self.env.settings.iter().find(|rule| rule.key == key)?;
        flaw(&rule.form, value, |other| values.filled(other).and_then(Value::known))
    }

    fn in_file(&self, key: &str, flaw: &str) -> Fact {
        let path = self.file.path.as_deref().unwrap_or_default();
        let mut lines = self.file.settings.settings.iter().filter(|setting| setting.key == key).map(|one| one.line);
        let several = match (lines.next(), lines.next_back()) {
            (Some(first), Some(last)) if last > first => format!(" (lines {first} and {last} set it; the last counts)"),
            _ => String::new(),
        };
        let why = match self.file.settings.why_lacking(&[key]) {
            why if why.is_empty() || self.file.settings.get(key).is_some() => String::new(),
            why => format!(" ({why})"),
        };
        let says = format!("{key} {flaw}, in {path}{several}{why}{}", self.otherwise(key));
        // Of what may be a secret, whether it is set.
        let command = match is_secret_name(key) {
            true => Command::new(["grep", "-cE", &format!("^(export +)?{key}=."), path]),
            false => Command::new(["grep", "-nE", &format!("^(export +)?{key}="), path]),
        };
        Fact::new(command, says)
    }

    fn otherwise(&self, key: &str) -> String {
        let rule = self.env.settings.iter().find(|rule| rule.key == key);
        rule.map(|rule| format!(": {}", rule.otherwise)).unwrap_or_default()
    }
}

/// Where a value that counts stands.
enum Source<'a> {
    /// In the environment of a process.
    Running(&'a Running, &'a Reading),
    /// In the env file.
    File,
    /// It cannot be seen.
    Unseen,
}

/// Adds what the general rules show to the findings of the same service that are about the same key, and leaves out what is left of
/// none: a runbook's own cause says what to do.
pub(super) fn absorbed(mut proven: Vec<Finding>) -> Vec<Finding> {
    let is_rule = |finding: &Finding| matches!(finding.cause.proof, Clue::Values(Values::InUse | Values::AtNextStart));
    for at in 0..proven.len() {
        if !is_rule(&proven[at]) {
            continue;
        }
        let facts = std::mem::take(&mut proven[at].facts);
        let mut own = Vec::new();
        for fact in facts {
            let key = fact.thing.as_deref().and_then(|thing| thing.split(' ').next()).unwrap_or_default().to_owned();
            let name = proven[at].service.map(|service| service.name);
            let is_own = |other: &Finding| {
                let is_root = other.cause.depth == Depth::Root && other.cause.verdict == Verdict::Fail;
                let mentions = super::mentions(&other.cause.proof, &|clue| matches!(clue, Clue::Env(_)));
                is_root && mentions && other.service.map(|service| service.name) == name && names(other, &key)
            };
            match (0..proven.len()).find(|other| *other != at && is_own(&proven[*other])) {
                Some(other) => proven[other].facts.push(Fact { thing: None, ..fact }),
                None => own.push(fact),
            }
        }
        proven[at].facts = own;
    }
    proven.retain(|finding| !is_rule(finding) || !finding.facts.is_empty());
    together(follow(proven))
}

/// Several services that could not be started again for the same path are one matter: they go under what is found of that path, else
/// under the first of them.
fn together(proven: Vec<Finding>) -> Vec<Finding> {
    let is_start = |finding: &Finding| matches!(finding.cause.proof, Clue::Values(Values::Unstartable));
    let (starts, mut rest): (Vec<_>, Vec<_>) = proven.into_iter().partition(is_start);
    for start in starts {
        let thing = start.thing().unwrap_or_default().to_owned();
        let path = thing.split(' ').next().unwrap_or_default().to_owned();
        let is_same = |other: &&mut Finding| {
            let is_wide = other.service.is_none() && other.cause.verdict == Verdict::Fail;
            (is_start(other) && other.thing() == Some(&thing))
                || (is_wide && other.facts.iter().any(|fact| fact.says.split([' ', ':']).any(|word| word == path)))
        };
        match rest.iter_mut().find(is_same) {
            Some(other) => other.folded.push(start),
            None => rest.push(start),
        }
    }
    rest
}

/// Puts what only says that a value changed under the finding that says what is wrong with that value.
fn follow(proven: Vec<Finding>) -> Vec<Finding> {
    let is_change = |finding: &Finding| {
        matches!(finding.cause.proof, Clue::Drift(Drift::Environment | Drift::Container)) && finding.folded.is_empty()
    };
    let (changes, mut rest): (Vec<_>, Vec<_>) = proven.into_iter().partition(is_change);
    for change in changes {
        let thing = change.thing().unwrap_or_default();
        let keys: Vec<&str> = thing.split(" (").next().unwrap_or_default().split(", ").collect();
        let name = change.service.map(|service| service.name);
        let says = |finding: &&mut Finding| {
            let about_values = super::mentions(&finding.cause.proof, &|clue| matches!(clue, Clue::Env(_)));
            about_values
                && finding.cause.depth == Depth::Root
                && finding.service.map(|service| service.name) == name
                && keys.iter().all(|key| names(finding, key))
        };
        match rest.iter_mut().find(says) {
            Some(finding) => finding.folded.push(change),
            None => rest.push(change),
        }
    }
    rest
}

/// Whether what proves a finding names this key.
fn names(finding: &Finding, key: &str) -> bool {
    finding.facts.iter().any(|fact| {
        let mut words = fact.says.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.any(|word| word == key)
    })
}
