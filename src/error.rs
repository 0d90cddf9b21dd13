//! What can go wrong with a command line or a run, worded in one place and printed once, by `lib.rs`.

use std::fmt;

use crate::exit::Exit;

/// An error with all that a caller needs: a stable code, a sentence, the next step, and the exit code.
#[derive(Debug)]
pub struct Error {
    /// Exit code.
    pub exit: Exit,
    /// Stable word for scripts.
    pub code: &'static str,
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
    /// The command line makes no sense.
    pub fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Error { exit: Exit::Usage, code, message: message.into(), hint: None }
    }

    /// With the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// `name` is none of `known`; suggests the nearest.
    pub fn no_such<'a>(code: &'static str, what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.collect();
        let nearest = known
            .iter()
            .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
            .filter(|(similarity, _)| *similarity > 0.75)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = match nearest {
            Some((_, candidate)) => format!("did you mean {candidate}?"),
            None => format!("known: {}", known.join(", ")),
        };
        Error::usage(code, format!("no {what} is called {name}")).hint(hint)
    }

    /// Two or more deployments are on this host.
    pub fn ambiguous(found: &[&str]) -> Self {
        Error::usage("several_deployments", format!("several deployments are on this host: {}", found.join(", ")))
            .hint(format!("choose one: -d {} (or set OPSCTL_DEPLOYMENT)", found[0]))
    }
}
