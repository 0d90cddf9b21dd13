//! Why a run goes no further, and what is asked before something is destroyed.

use super::invocation::Scene;
use crate::action::Risk;
use crate::action::consent;
use crate::error::Error;
use crate::exit::Exit;

/// Why a run goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The exit code that it would have by itself.
    pub exit: Exit,
    /// Why.
    pub why: String,
    /// Whether nothing was changed by the step.
    pub is_untouched: bool,
}

impl Stop {
    /// It was tried, and failed.
    pub fn failed(why: impl Into<String>) -> Self {
        Stop { exit: Exit::Failure, why: why.into(), is_untouched: false }
    }

    /// It was not begun.
    pub fn before(exit: Exit, why: impl Into<String>) -> Self {
        Stop { exit, why: why.into(), is_untouched: true }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        let is_untouched = matches!(error.exit, Exit::Refused | Exit::Locked | Exit::Usage);
        let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        Stop { exit: error.exit, why: error.message + &hint, is_untouched }
    }
}

/// Asks once more before something is destroyed.
pub fn confirm(scene: &Scene<'_>, what: &str, risk: Risk, loses: &[String]) -> Result<(), Stop> {
    if risk < Risk::Destructive {
        return Ok(());
    }
    consent::obtain(scene.context.deadline(), what, risk, scene.yes, loses).map(drop).map_err(|error| {
        let stop = Stop::from(error);
        Stop { is_untouched: true, ..stop }
    })
}
