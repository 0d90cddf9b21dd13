//! States of a service, in one vocabulary for all managers.

use schemars::JsonSchema;
use serde::Serialize;

/// What a service's manager makes of it.
///
/// ```
/// # use opsctl::registry::*;
/// let waits = Clue::State(&[State::Stopped, State::Failed]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Its process runs.
    Running,
    /// It finished its work with success.
    Completed,
    /// It is started when somebody asks for it.
    Waiting,
    /// Some of its processes run.
    Partial,
    /// It is on its way up.
    Starting,
    /// It is on its way down.
    Stopping,
    /// It ended and will be started again.
    Restarting,
    /// It ends again and again.
    CrashLoop,
    /// It is halted in memory.
    Paused,
    /// It ended with an error and is down.
    Failed,
    /// It does not run.
    Stopped,
    /// Its start was skipped because a condition of its unit does not hold.
    Skipped,
    /// It may not be started.
    Masked,
    /// Its manager does not know it.
    NotFound,
    /// Nothing on this host manages it.
    Unmanaged,
    /// Its manager could not be asked.
    Unknown,
}

impl State {
    /// As `status` prints it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Completed => "completed",
            State::Waiting => "on demand",
            State::Partial => "partial",
            State::Starting => "starting",
            State::Stopping => "stopping",
            State::Restarting => "restarting",
            State::CrashLoop => "crash loop",
            State::Paused => "paused",
            State::Failed => "failed",
            State::Stopped => "stopped",
            State::Skipped => "skipped",
            State::Masked => "masked",
            State::NotFound => "not found",
            State::Unmanaged => "-",
            State::Unknown => "unknown",
        }
    }

    /// Whether something that this service needs can be the reason for this state.
    pub(crate) const fn may_be_inherited(self) -> bool {
        !matches!(self, State::Stopped | State::Masked | State::NotFound | State::Skipped | State::Paused)
    }
}
