//! Clues in what a service is told and what it says: its env file and its log.

use jiff::SignedDuration;
use regex::Regex;

use super::case::{Case, Subject, asked};
use super::outcome::{Conclusion, Fact};
use super::service::{began, doubt};
use crate::host::tools::command::Command;
use crate::registry::{EnvClue, Presence, State, Window};
use crate::units;

/// How far before its last start the attempt before may have been.
const ATTEMPT: SignedDuration = SignedDuration::from_secs(12);
/// How far before the last line of a service, of which no start is known, its lines still belong to its end.
const LAST_RUN: SignedDuration = SignedDuration::from_secs(120);
/// How many lines are shown of those that match.
const SHOWN: usize = 2;

pub(super) fn env(case: &Case<'_>, subject: Subject<'_>, clue: &EnvClue) -> Conclusion {
    let (_, found) = match asked(case.clues.env.get(subject.service.name)) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let wanted = subject.service.env.as_ref();
    if let EnvClue::FileMissing = clue {
        // Of one that need not be here, and that nobody can tell of, a missing file says nothing.
        if subject.health.state == State::Unknown && subject.service.presence != Presence::Required {
            return Conclusion::unknown(doubt(subject));
        }
        let missing = match (&found.path, wanted) {
            (None, Some(env)) => Some(env.paths.join(" or ")),
            _ => found.missing.first().cloned(),
        };
        return match missing {
            Some(path) => {
                Conclusion::Proven(vec![Fact::new(Command::new(["ls", "-l", &path]), format!("{path} does not exist"))])
            }
            None => Conclusion::RuledOut(
                found.path.iter().map(|path| Fact::new(Command::new(["ls", "-l", path]), "exists")).collect(),
            ),
        };
    }
    // What is not there has no keys: that is another cause.
    let Some(path) = &found.path else { return Conclusion::RuledOut(Vec::new()) };
    // Names only: no value is ever shown.
    let fact = |says: String| Fact::new(Command::new(["cut", "-d=", "-f1", path]), says);
    let value = |key: &str| found.values.0.get(key);
    match clue {
        EnvClue::FileMissing => Conclusion::RuledOut(Vec::new()),
        EnvClue::KeysMissing(keys) => {
            let required: &[&str] = if keys.is_empty() { wanted.map_or(&[], |env| env.required) } else { keys };
            let missing: Vec<&str> = required.iter().filter(|key| value(key).is_none()).copied().collect();
            match missing.is_empty() {
                true => {
                    Conclusion::RuledOut(vec![fact(format!("{} of {} keys are set", required.len(), required.len()))])
                }
                false => Conclusion::Proven(vec![fact(format!("{path} lacks {}", missing.join(", ")))]),
            }
        }
        EnvClue::Differs(key, other) => match asked(case.clues.env.get(other.name)) {
            Err(unknown) => unknown,
            Ok((_, theirs)) => match (value(key), theirs.values.0.get(*key)) {
                (Some(own), Some(their)) => {
                    let than = theirs.path.as_deref().unwrap_or(other.name);
                    let says = if own == their { "is the same as" } else { "differs from that" };
                    Conclusion::when(own != their, vec![fact(format!("{key} in {path} {says} in {than}"))])
                }
                (_, _) => Conclusion::RuledOut(vec![fact(format!("{key} is not set in both files"))]),
            },
        },
        EnvClue::NotItsPort(key) => match (value(key), subject.service.ports.first()) {
            (Some(own), Some(port)) => {
                let same = *own == port.to_string();
                let says = if same { "is" } else { "is not" };
                Conclusion::when(!same, vec![fact(format!("{key} in {path} {says} {port}"))])
            }
            (_, _) => Conclusion::RuledOut(vec![fact(format!("{key} is not set"))]),
        },
        EnvClue::Like(key, form) | EnvClue::Unlike(key, form) => {
            match (value(key), Regex::new(&format!("^(?:{form})$"))) {
                (_, Err(error)) => Conclusion::unknown(error.to_string()),
                (None, Ok(_)) => Conclusion::RuledOut(vec![fact(format!("{key} is not set"))]),
                (Some(own), Ok(pattern)) => {
                    let fits = pattern.is_match(own);
                    let says = if fits { "has" } else { "has not" };
                    let holds = fits == matches!(clue, EnvClue::Like(..));
                    Conclusion::when(holds, vec![fact(format!("{key} in {path} {says} the form {form}"))])
                }
            }
        }
    }
}

/// Whether all lines of a service since `bound` were read.
fn reaches(case: &Case<'_>, subject: Subject<'_>, bound: Option<jiff::Timestamp>) -> bool {
    let partial = case.clues.partial.get(subject.service.name);
    partial.is_none_or(|(since, _)| since.zip(bound).is_some_and(|(since, bound)| since <= bound))
}

pub(super) fn said(case: &Case<'_>, subject: Subject<'_>, least: u32, pattern: &str, window: Window) -> Conclusion {
    if subject.service.log_sources().is_empty() {
        return Conclusion::RuledOut(Vec::new());
    }
    let (command, lines) = match asked(case.clues.said.get(subject.service.name)) {
        Ok(found) => found,
        Err(unknown) => return unknown,
    };
    let pattern = match Regex::new(pattern) {
        Ok(pattern) => pattern,
        Err(error) => return Conclusion::unknown(error.to_string()),
    };
    let last = lines.iter().filter_map(|line| line.time).max();
    let again = match subject.health.state {
        State::CrashLoop | State::Restarting | State::Starting => true,
        State::Failed
        | State::Running
        | State::Completed
        | State::Waiting
        | State::Partial
        | State::Stopping
        | State::Paused
        | State::Stopped
        | State::Skipped
        | State::Masked
        | State::NotFound
        | State::Unmanaged
        | State::Unknown => false,
    };
    // One that is started again and again may not have come to say it this time.
    let began = began(case, subject).map(|began| if again { units::earlier(began, ATTEMPT) } else { began });
    let bound = match window {
        Window::Run => began.or(last.map(|last| units::earlier(last, LAST_RUN))),
        Window::Seconds(seconds) => {
            Some(units::earlier(case.evidence.time, SignedDuration::from_secs(i64::from(seconds)))).max(began)
        }
    };
    let counts = |time: Option<jiff::Timestamp>| match (time, bound) {
        // Some logs state whole seconds: what is of the same second may be later.
        (Some(time), Some(bound)) if time.subsec_nanosecond() == 0 => {
            units::later(time, SignedDuration::from_secs(1)) > bound
        }
        (Some(time), Some(bound)) => time >= bound,
        (_, _) => true,
    };
    let hits: Vec<_> =
        lines.iter().filter(|line| counts(line.time)).filter(|line| pattern.is_match(&line.text)).collect();
    let mut shown: Vec<_> = hits.clone();
    shown.reverse();
    let mut told: Vec<&str> = Vec::new();
    shown.retain(|line| {
        let new = told.len() < SHOWN && !told.contains(&line.text.as_str());
        told.extend(new.then_some(line.text.as_str()));
        new
    });
    let facts = shown.iter().rev().map(|line| {
        let time = line.time.map(|time| time.strftime("%H:%M:%S ").to_string()).unwrap_or_default();
        Fact::new(command, format!("{time}{}", line.text))
    });
    let often = || Fact::new(command, format!("{} lines like these:", hits.len()));
    match (hits.len(), least as usize) {
        (found @ 1.., least) if found >= least => {
            Conclusion::Proven((least > 1).then(often).into_iter().chain(facts).collect())
        }
        // Lines that were not read may say so.
        (_, _) if !reaches(case, subject, bound) => {
            let partial = case.clues.partial.get(subject.service.name).map_or("", |(_, why)| why);
            Conclusion::unknown(format!("logs of {}: {partial}", subject.service.name))
        }
        (found, least) => {
            let all = lines.iter().filter(|line| counts(line.time)).count();
            let says = match (found, least) {
                (0, _) => format!("none of {all} lines says so"),
                (found, least) => format!("{found} of {all} lines say so, {least} would count"),
            };
            Conclusion::RuledOut(vec![Fact::new(command, says)])
        }
    }
}
