//! Clues in what a service is told and what it says: its env file and its log.

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use super::case::{Case, Subject, asked};
use super::outcome::{Conclusion, Fact};
use super::service::{began, doubt};
use super::values;
use crate::envfile::Value;
use crate::host::tools::command::Command;
use crate::observe::logs::line::Said;
use crate::registry::{EnvClue, Presence, Service, State, Window};
use crate::units;
use crate::units::time_of_day;

/// How far before its last start the attempt before may have been.
const ATTEMPT: SignedDuration = SignedDuration::from_secs(12);
/// How far before the last line of a service, of which no start is known, its lines still belong to its end.
const LAST_RUN: SignedDuration = SignedDuration::from_secs(120);
/// How many lines are shown of those that match.
const SHOWN: usize = 2;

pub(super) fn env(case: &Case<'_>, subject: Subject<'_>, clue: &EnvClue) -> Conclusion {
    let (_, found) = match asked(case.clues.env.get(subject.service.name)) {
        // That nobody may read it is a cause of its own, which leaves nothing else open.
        Err(_) if values::is_barred(case, subject) => return Conclusion::RuledOut(Vec::new()),
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
    let not_set = |key: &str| match found.settings.why_lacking(&[key]) {
        why if why.is_empty() => format!("{key} is not set"),
        why => format!("{key} is not set: {why}"),
    };
    // What stands for it: of what only its reader knows nothing can be concluded.
    let value = |key: &str| match found.settings.filled(key) {
        Some(Value::Known(value)) => Ok(Some(value.as_str())),
        Some(Value::Unknown(why)) => Err(Conclusion::unknown(format!("{key} in {path}: {why}"))),
        None => Ok(None),
    };
    match clue {
        EnvClue::FileMissing => Conclusion::RuledOut(Vec::new()),
        EnvClue::KeysMissing(keys) => {
            let required: &[&str] = if keys.is_empty() { wanted.map_or(&[], |env| env.required) } else { keys };
            let missing = found.settings.lacking(required);
            match (missing.is_empty(), found.settings.unknown_among(required)) {
                (true, Some((key, why))) => Conclusion::unknown(format!("{key} in {path}: {why}")),
                (true, None) => {
                    Conclusion::RuledOut(vec![fact(format!("{} of {} keys are set", required.len(), required.len()))])
                }
                (false, _) => {
                    let lacks = format!("{path} lacks {}", missing.join(", "));
                    Conclusion::Proven(vec![fact(match found.settings.why_lacking(&missing) {
                        why if why.is_empty() => lacks,
                        why => format!("{lacks}: {why}"),
                    })])
                }
            }
        }
        EnvClue::Differs(key, other) => match asked(case.clues.env.get(other.name)) {
            Err(unknown) => unknown,
            Ok((_, theirs)) => match (value(key), theirs.settings.filled(key)) {
                (Err(unknown), _) => unknown,
                (Ok(_), Some(Value::Unknown(why))) => Conclusion::unknown(format!("{key} of {}: {why}", other.name)),
                (Ok(Some(own)), Some(Value::Known(their))) => {
                    let than = theirs.path.as_deref().unwrap_or(other.name);
                    let says = if own == their { "is the same as" } else { "differs from that" };
                    // How many values they have, and none of them.
                    let files = Command::new([path, than]);
                    let count = Command::shell(format!("grep -hE '^{key}=' {files} | sort -u | wc -l"));
                    let fact = Fact::new(count, format!("{key} in {path} {says} in {than}"));
                    Conclusion::when(own != their, vec![fact])
                }
                (Ok(None), _) | (Ok(_), None) => {
                    Conclusion::RuledOut(vec![fact(format!("{key} is not set in both files"))])
                }
            },
        },
        EnvClue::NotItsPort(key) => match (value(key), subject.service.ports.first()) {
            (Err(unknown), _) => unknown,
            (Ok(Some(own)), Some(port)) => {
                let same = own == port.to_string();
                let file = found.place(key).unwrap_or(path);
                let fact = |says| Fact::new(Command::new(["grep", &format!("^{key}="), file]), says);
                // A port is no secret; what is none may be one.
                match own.parse::<u16>() {
                    _ if same => Conclusion::RuledOut(vec![fact(format!("{key} in {file} is {port}"))]),
                    Err(_) => Conclusion::Proven(vec![fact(format!("{key} in {file} is not {port}"))]),
                    Ok(own) => {
                        let is_its =
                            |other: &&&Service| other.name != subject.service.name && other.ports.contains(&own);
                        let whose =
                            case.services.iter().find(is_its).map(|other| format!(", the port of {}", other.name));
                        let says = format!("{key}={own} in {file}{}", whose.unwrap_or_default());
                        Conclusion::Proven(vec![fact(says.clone()).blaming(says)])
                    }
                }
            }
            (Ok(_), _) => Conclusion::RuledOut(vec![fact(not_set(key))]),
        },
        EnvClue::Like(key, form) | EnvClue::Unlike(key, form) => {
            match (value(key), Regex::new(&format!("^(?:{form})$"))) {
                (_, Err(error)) => Conclusion::unknown(error.to_string()),
                (Err(unknown), Ok(_)) => unknown,
                (Ok(None), Ok(_)) => Conclusion::RuledOut(vec![fact(not_set(key))]),
                (Ok(Some(own)), Ok(pattern)) => {
                    let fits = pattern.is_match(own);
                    let says = if fits { "has" } else { "does not have" };
                    let holds = fits == matches!(clue, EnvClue::Like(..));
                    // How many lines have it, and not what stands there.
                    let lines = format!("^(export +)?{key}=[\"']?(?:{form})[\"']?$");
                    let says = format!("{key} in {path} {says} the form {form}");
                    Conclusion::when(holds, vec![Fact::new(Command::new(["grep", "-cP", &lines, path]), says)])
                }
            }
        }
    }
}

/// Whether all lines of a service since `bound` were read.
fn reaches(case: &Case<'_>, subject: Subject<'_>, bound: Option<Timestamp>) -> bool {
    let partial = case.clues.partial.get(subject.service.name);
    partial.is_none_or(|(since, _)| since.zip(bound).is_some_and(|(since, bound)| since <= bound))
}

/// Lines of a service that count.
pub(super) struct Lines<'a> {
    /// What brought them.
    pub(super) command: &'a Command,
    /// Those of the window, oldest first.
    pub(super) all: Vec<&'a Said>,
    /// Since when they count.
    bound: Option<Timestamp>,
}

impl<'a> Lines<'a> {
    /// One of them as what shows something.
    pub(super) fn fact(&self, line: &Said) -> Fact {
        let time = line.time.map(|time| time_of_day(time) + " ").unwrap_or_default();
        Fact::new(self.command, format!("{time}{}", line.text))
    }

    /// Why lines that were not read may say more; `None` where all were.
    pub(super) fn doubt(&self, case: &Case<'a>, subject: Subject<'_>) -> Option<Conclusion> {
        let partial = case.clues.partial.get(subject.service.name);
        partial
            .filter(|_| !reaches(case, subject, self.bound))
            .map(|(_, why)| Conclusion::unknown(format!("logs of {}: {why}", subject.service.name)))
    }
}

/// Whether it is started again and again, or is about to be.
pub(super) fn is_started_again(state: State) -> bool {
    match state {
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
    }
}

/// The lines of a window, or why they are not known.
pub(super) fn lines_of<'a>(case: &Case<'a>, subject: Subject<'_>, window: Window) -> Result<Lines<'a>, Conclusion> {
    if subject.service.log_sources().is_empty() {
        return Err(Conclusion::unknown(format!("the log of {} is unknown", subject.service.name)));
    }
    let (command, lines) = asked(case.clues.said.get(subject.service.name))?;
    // Of a window all that was written is read; of its last run nothing is kept, or nothing was written where anybody looks.
    if lines.is_empty() && matches!(window, Window::Run) {
        return Err(Conclusion::unknown("its log has no line"));
    }
    let last = lines.iter().filter_map(|line| line.time).max();
    // One that is started again and again may not have come to say it this time.
    let again = is_started_again(subject.health.state);
    let began = began(case, subject).map(|began| if again { units::earlier(began, ATTEMPT) } else { began });
    let bound = match window {
        Window::Run => began.or(last.map(|last| units::earlier(last, LAST_RUN))),
        Window::Seconds(seconds) => {
            Some(units::earlier(case.evidence.time, SignedDuration::from_secs(i64::from(seconds)))).max(began)
        }
    };
    let counts = |time: Option<Timestamp>| match (time, bound) {
        // Some logs state whole seconds: what is of the same second may be later.
        (Some(time), Some(bound)) if time.subsec_nanosecond() == 0 => {
            units::later(time, SignedDuration::from_secs(1)) > bound
        }
        (Some(time), Some(bound)) => time >= bound,
        (_, _) => true,
    };
    Ok(Lines { command, all: lines.iter().filter(|line| counts(line.time)).collect(), bound })
}

pub(super) fn said(case: &Case<'_>, subject: Subject<'_>, least: u32, pattern: &str, window: Window) -> Conclusion {
    let lines = match lines_of(case, subject, window) {
        Ok(lines) => lines,
        Err(unknown) => return unknown,
    };
    let pattern = match Regex::new(pattern) {
        Ok(pattern) => pattern,
        Err(error) => return Conclusion::unknown(error.to_string()),
    };
    let hits: Vec<&Said> = lines.all.iter().copied().filter(|line| pattern.is_match(&line.text)).collect();
    let mut shown: Vec<_> = hits.clone();
    shown.reverse();
    let mut told: Vec<&str> = Vec::new();
    shown.retain(|line| {
        let new = told.len() < SHOWN && !told.contains(&line.text.as_str());
        told.extend(new.then_some(line.text.as_str()));
        new
    });
    let facts = shown.iter().rev().map(|line| lines.fact(line));
    let often = || Fact::new(lines.command, format!("{} similar lines:", hits.len()));
    match (hits.len(), least as usize) {
        (found @ 1.., least) if found >= least => {
            Conclusion::Proven((least > 1).then(often).into_iter().chain(facts).collect())
        }
        (found, least) => {
            // Lines that were not read may say so.
            if let Some(unknown) = lines.doubt(case, subject) {
                return unknown;
            }
            let all = lines.all.len();
            let says = match (found, least) {
                (0, _) => format!("none of {all} lines matches"),
                (found, least) => format!("{found} of {all} lines match, the threshold is {least}"),
            };
            Conclusion::RuledOut(vec![Fact::new(lines.command, says)])
        }
    }
}
