//! Exit codes: what a caller is told without reading a word.

use serde::Serialize;

use crate::registry::Verdict;

/// How a command ended. The numbers are the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or healthy; warnings allowed.
    Success,
    /// Tried and failed.
    Failure,
    /// The command line makes no sense.
    Usage,
    /// Checked and unhealthy.
    Unhealthy,
    /// Could not be determined.
    Unknown,
    /// Refused; nothing was changed.
    Refused,
    /// Another run holds the lock; nothing was changed.
    Locked,
    /// Timed out.
    TimedOut,
    /// Some of it was done, some not.
    Partial,
    /// The change failed and the old state was put back.
    RolledBack,
    /// As the Monitoring Plugins have it, whose numbers mean something else: `check -o nagios` alone ends so.
    Plugin(Plugin),
}

/// The state that a plugin of a monitoring system reports (<https://www.monitoring-plugins.org/doc/guidelines.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    /// Healthy.
    Ok,
    /// A warning.
    Warning,
    /// Unhealthy.
    Critical,
    /// Could not be determined.
    Unknown,
}

impl Plugin {
    /// The state of a check with this outcome.
    pub const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Plugin::Ok,
            Verdict::Warn => Plugin::Warning,
            Verdict::Fail => Plugin::Critical,
            Verdict::Unknown => Plugin::Unknown,
        }
    }

    /// As plugins write it.
    pub const fn label(self) -> &'static str {
        match self {
            Plugin::Ok => "OK",
            Plugin::Warning => "WARNING",
            Plugin::Critical => "CRITICAL",
            Plugin::Unknown => "UNKNOWN",
        }
    }
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
            Exit::Success | Exit::Plugin(Plugin::Ok) => Verdict::Pass,
            Exit::Plugin(Plugin::Warning) => Verdict::Warn,
            Exit::Unknown | Exit::TimedOut | Exit::Plugin(Plugin::Unknown) => Verdict::Unknown,
            Exit::Failure
            | Exit::Usage
            | Exit::Unhealthy
            | Exit::Refused
            | Exit::Locked
            | Exit::Partial
            | Exit::RolledBack
            | Exit::Plugin(Plugin::Critical) => Verdict::Fail,
        }
    }

    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Success | Exit::Plugin(Plugin::Ok) => 0,
            Exit::Failure | Exit::Plugin(Plugin::Warning) => 1,
            Exit::Usage | Exit::Plugin(Plugin::Critical) => 2,
            Exit::Unhealthy | Exit::Plugin(Plugin::Unknown) => 3,
            Exit::Unknown => 4,
            Exit::Refused => 5,
            Exit::Locked => 6,
            Exit::TimedOut => 7,
            Exit::Partial => 8,
            Exit::RolledBack => 9,
        }
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
    #[test]
    fn plugins_have_numbers_of_their_own() {
        let codes = [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Unknown].map(|verdict| {
            let state = Plugin::of(verdict);
            assert_eq!(Exit::Plugin(state).verdict(), verdict);
            (Exit::Plugin(state).code(), state.label())
        });
        assert_eq!(codes, [(0, "OK"), (1, "WARNING"), (2, "CRITICAL"), (3, "UNKNOWN")]);
        assert_eq!([Exit::Success, Exit::Unhealthy, Exit::RolledBack].map(Exit::code), [0, 3, 9]);
    }
}
