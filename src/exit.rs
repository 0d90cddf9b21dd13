//! Exit codes: what a caller is told without reading a word.

use serde::Serialize;

use crate::registry::Verdict;

/// How a command ended. The numbers are the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or healthy; warnings allowed.
    Success = 0,
    /// Tried and failed.
    Failure = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// Checked and unhealthy.
    Unhealthy = 3,
    /// Could not be determined.
    Unknown = 4,
    /// Refused; nothing was changed.
    Refused = 5,
    /// Another run holds the lock; nothing was changed.
    Locked = 6,
    /// Timed out.
    TimedOut = 7,
    /// Some of it was done, some not.
    Partial = 8,
    /// The change failed and the old state was put back.
    RolledBack = 9,
}

impl Exit {
    /// The exit code of a check with this outcome. `fail_on_warn` makes warnings count as unhealthy.
    pub const fn of(verdict: Verdict, fail_on_warn: bool) -> Self {
        match verdict {
            Verdict::Fail => Exit::Unhealthy,
            Verdict::Unknown => Exit::Unknown,
            Verdict::Warn if fail_on_warn => Exit::Unhealthy,
            Verdict::Warn | Verdict::Pass => Exit::Success,
        }
    }

    /// What the end of a change comes to.
    pub const fn verdict(self) -> Verdict {
        match self {
            Exit::Success => Verdict::Pass,
            Exit::Unknown | Exit::TimedOut => Verdict::Unknown,
            Exit::Failure
            | Exit::Usage
            | Exit::Unhealthy
            | Exit::Refused
            | Exit::Locked
            | Exit::Partial
            | Exit::RolledBack => Verdict::Fail,
        }
    }

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl Serialize for Exit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_never_folded_into_success_and_failure_outranks_it() {
        assert_eq!(Exit::of(Verdict::Pass, true), Exit::Success);
        assert_eq!(Exit::of(Verdict::Warn, false), Exit::Success);
        assert_eq!(Exit::of(Verdict::Warn, true), Exit::Unhealthy);
        assert_eq!(Exit::of(Verdict::Unknown, false), Exit::Unknown);
        assert_eq!(Exit::of(Verdict::Pass.max(Verdict::Unknown).max(Verdict::Fail), false), Exit::Unhealthy);
    }
}
