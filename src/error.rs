//! What can go wrong with a command line or a run, worded in one place and printed once, by `lib.rs`.

use std::fmt;

use serde::Serialize;

use crate::exit::Exit;
use crate::program;

/// What kind of trouble it is: one word for each, stable, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::enum_variant_names, reason = "one of them is about a code")]
pub enum Code {
    /// Several deployments have something of this name.
    AmbiguousName,
    /// The audit trail cannot be read.
    AuditUnreadable,
    /// A change cannot be recorded in the audit trail.
    AuditUnwritable,
    /// An argument is not valid text.
    BadArgument,
    /// A copy of a backup did not pass its verification.
    BadCopy,
    /// A word is not the name of a copy.
    BadId,
    /// A regular expression is malformed.
    BadRegex,
    /// A span of time is malformed.
    BadTime,
    /// A bundle cannot be written.
    Bundle,
    /// What a change takes is no longer what consent was given to.
    Changed,
    /// Consent was declined.
    Declined,
    /// A fault of this program.
    Defect,
    /// A file that would be written exists.
    Exists,
    /// Something that was tried failed.
    Failed,
    /// Nothing is pruned after a failed backup.
    FailedRun,
    /// Copies are numbered with a gap, so that the newest is not known.
    Gap,
    /// Some sources of log lines could not be read.
    Incomplete,
    /// The holder of the lock cannot be determined.
    LockUnreadable,
    /// The lock cannot be opened.
    LockUnusable,
    /// The note of the lock's holder cannot be written.
    LockUnwritable,
    /// Another run holds the lock.
    Locked,
    /// Only root can do this.
    NeedsRoot,
    /// The deployment has no backup sets.
    NoBackups,
    /// The journal has no such boot.
    NoBoot,
    /// Consent is needed and nobody can be asked.
    NoConsent,
    /// The audit trail has no entries of root's.
    NoHistory,
    /// The key that signs copies cannot be read.
    NoKey,
    /// The service writes no log on this host.
    NoLogs,
    /// The deployment has no maintenance mode.
    NoMaintenance,
    /// The next number of a copy cannot be determined.
    NoNumber,
    /// What a restore would replace cannot be used.
    NoPlace,
    /// Nothing was recorded before the reboot.
    NoRecord,
    /// The deployment has no releases.
    NoRelease,
    /// The remote cannot be listed.
    NoRemote,
    /// Too little space on a file system.
    NoRoom,
    /// No service was named.
    NoService,
    /// No log source has this name.
    NoSource,
    /// The clock is wrong.
    NoTime,
    /// There is nothing to do it to.
    Nothing,
    /// A limit of this process is too low.
    OutOfResources,
    /// A record of opsctl's cannot be read.
    RecordUnreadable,
    /// A record of opsctl's cannot be written.
    RecordUnwritable,
    /// A precondition of a change does not hold.
    Refused,
    /// The file with the addresses of channels cannot be used.
    SettingsUnusable,
    /// Several deployments are on this host.
    SeveralDeployments,
    /// Binary output would go to a terminal.
    Terminal,
    /// Time ran out.
    TimedOut,
    /// A restore that was interrupted can neither be finished nor undone.
    Unfinished,
    /// Whether a precondition of a change holds cannot be determined.
    Unknown,
    /// No verified copy fits.
    UnknownBackup,
    /// No cause has this code.
    UnknownCode,
    /// No deployment has this name.
    UnknownDeployment,
    /// No failure has this name.
    UnknownFailure,
    /// Nothing has this name.
    UnknownName,
    /// No document has this name.
    UnknownSchema,
    /// No service has this name.
    UnknownService,
    /// No procedure has this name.
    UnknownProcedure,
    /// No backup set has this name.
    UnknownSet,
    /// No verb has this name.
    UnknownVerb,
    /// A copy is not signed by this host.
    Unsigned,
    /// The command line is malformed.
    Usage,
}

impl Code {
    /// The command that lists the names of a kind that can have more than a hint holds.
    fn listing(self) -> Option<&'static str> {
        match self {
            Code::UnknownCode => Some("get failures -o json"),
            Code::UnknownFailure => Some("get failures"),
            Code::UnknownProcedure => Some("get procedures"),
            Code::UnknownName | Code::UnknownService => Some("get services"),
            _ => None,
        }
    }
}

/// An error with all that a caller needs: a stable code, a sentence, the next step, and the exit code.
#[derive(Debug)]
pub struct Error {
    /// Exit code.
    pub exit: Exit,
    /// What kind of trouble it is.
    pub code: Code,
    /// What is wrong; a lower-case fragment.
    pub message: String,
    /// What to try next.
    pub hint: Option<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl Error {
    fn new(exit: Exit, code: Code, message: impl Into<String>) -> Self {
        Error { exit, code, message: message.into(), hint: None }
    }

    /// The command line makes no sense.
    pub fn usage(code: Code, message: impl Into<String>) -> Self {
        Error::new(Exit::Usage, code, message)
    }

    /// It was tried, and failed; the message says what changed.
    pub fn failed(code: Code, message: impl Into<String>) -> Self {
        Error::new(Exit::Failure, code, message)
    }

    /// It could not be determined.
    pub fn unknown(code: Code, message: impl Into<String>) -> Self {
        Error::new(Exit::Unknown, code, message)
    }

    /// It is refused, and nothing was changed.
    pub fn refused(code: Code, message: impl Into<String>) -> Self {
        Error::new(Exit::Refused, code, message)
    }

    /// Another run holds the lock, and nothing was changed.
    pub fn locked(message: impl Into<String>) -> Self {
        Error::new(Exit::Locked, Code::Locked, message)
    }

    /// Time ran out; the message says what is pending.
    pub fn timed_out(message: impl Into<String>) -> Self {
        Error::new(Exit::TimedOut, Code::TimedOut, message)
    }

    /// A change is not made for these reasons: refused, or unknown where all of them are only not known.
    pub fn blocked(verb: &str, reasons: &[String], hints: &[&str], is_unknown: bool) -> Self {
        let message = format!("{verb} refused, nothing was changed: {}", reasons.join("; "));
        let error = match is_unknown {
            true => Error::unknown(Code::Unknown, message),
            false => Error::refused(Code::Refused, message),
        };
        error.hint(if hints.is_empty() { program::command("verify") } else { hints.join("; ") })
    }

    /// With the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the next step, where there is one.
    #[must_use]
    pub fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// `name` is none of `known`; suggests the nearest.
    pub fn no_such<'a>(code: Code, what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.collect();
        let related: Vec<&str> = related(name, &known);
        if !related.is_empty() {
            let commands: Vec<String> = related.iter().map(|meant| program::instead(name, meant)).collect();
            return Error::usage(code, format!("no {what} is called {name}"))
                .hint(format!("did you mean: {}", commands.join(" or ")));
        }
        let hint = match nearest(name, &known, LIKELY) {
            Some(candidate) => format!("did you mean: {}", program::instead(name, candidate)),
            None => match code.listing().filter(|_| known.len() > FEW) {
                Some(verb) => program::command(verb),
                None => format!("known: {}", known.join(", ")),
            },
        };
        Error::usage(code, format!("no {what} is called {name}")).hint(hint)
    }

    /// Two or more deployments are on this host.
    pub fn ambiguous(found: &[&str]) -> Self {
        let message = format!("several deployments are on this host: {}", found.join(", "));
        Error::usage(Code::SeveralDeployments, message)
            .hint(format!("choose one: -d {} (or set OPSCTL_DEPLOYMENT)", found[0]))
    }
}

/// How many names a hint lists. Where there are more, it says which command lists them.
const FEW: usize = 40;

/// How alike a word is to the name that is suggested, of 1: below that another thing is meant (`postgres` is not `store`).
pub const LIKELY: f64 = 0.84;
/// The name that this word is with a slip of the finger, two in a long one.
fn slip<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    const LONG: usize = 8;
    let most = if word.len() < LONG { 1 } else { 2 };
    let distance = |name: &'a str| (strsim::osa_distance(word, &name.to_ascii_lowercase()), name);
    let near = known.iter().map(|name| distance(name)).filter(|(distance, _)| *distance <= most);
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// The name that is most like this word, in any case of letters.
pub fn nearest<'a>(word: &str, known: &[&'a str], least: f64) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let alike = |name: &'a str| (strsim::jaro_winkler(&word, &name.to_ascii_lowercase()), name);
    let alike = known.iter().map(|name| alike(name)).filter(|(similarity, _)| *similarity > least);
    alike.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// The names of which a part begins with this word, or that are a part of it, where they are few; those that end with it before
/// others.
fn related<'a>(word: &str, known: &[&'a str]) -> Vec<&'a str> {
    const SHORTEST: usize = 3;
    const MOST: usize = 3;
    // So many letters of a part are no accident.
    const STEM: usize = 4;
    let word = word.to_ascii_lowercase();
    if word.len() < SHORTEST {
        return Vec::new();
    }
    let found = |is: &dyn Fn(&str) -> bool| -> Vec<&'a str> {
        let found: Vec<&str> = known.iter().copied().filter(|name| is(&name.to_ascii_lowercase())).collect();
        if found.len() <= MOST { found } else { Vec::new() }
    };
    let is_part = |whole: &str, part: &str| part.len() >= SHORTEST && whole.split(['-', '.', '_']).any(|p| p == part);
    let slip = slip(&word, known);
    let rules: [&dyn Fn(&str) -> bool; 5] = [
        &|name| name == word,
        &|name| name.ends_with(&format!("-{word}")),
        &|name| word.len() >= STEM && name.split(['-', '.', '_']).any(|part| part.starts_with(&word)),
        &|name| slip.is_some_and(|slip| slip.eq_ignore_ascii_case(name)),
        &|name| is_part(&word, name),
    ];
    rules.iter().map(|rule| found(*rule)).find(|names| !names.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_go_by_meaning_before_likeness() {
        let known = ["plugspace-api", "plugspace-web", "redis", "worker"];
        let hint = |word: &str| {
            Error::no_such(Code::UnknownService, "service", word, known.into_iter()).hint.unwrap_or_default()
        };
        assert_eq!(hint("api"), "did you mean: plugspace-api");
        assert_eq!(hint("plugspace"), "did you mean: plugspace-api or plugspace-web");
        assert_eq!(hint("redis-server"), "did you mean: redis");
        assert_eq!(hint("wroker"), "did you mean: worker");
        assert_eq!(hint("REDIS"), "did you mean: redis");
        assert!(hint("zz").starts_with("known: "));
        let known = ["store", "wallet", "prim", "host-footing", "PRIM-NETWORK-UNKNOWN", "PRIM-NETWORK-DIFFERS"];
        let hint =
            |word: &str| Error::no_such(Code::UnknownName, "name", word, known.into_iter()).hint.unwrap_or_default();
        assert_eq!(hint("PRIM-NETWRK-UNKNOWN"), "did you mean: PRIM-NETWORK-UNKNOWN");
        assert_eq!(hint("prim-store"), "did you mean: store or prim");
        for other in ["postgres", "foo", "restore-all"] {
            assert!(hint(other).starts_with("known: "), "{other}: {}", hint(other));
        }
    }
}
