//! What is recorded of the runs before the present one, in one form for systemd's journal, the engine's events and pm2's log.

use jiff::Timestamp;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnd {
    /// With this exit code.
    Exit(i64),
    /// By this signal.
    Signal(i64),
    /// By this signal, with a core dump.
    Dump(i64),
    /// With this `Result=` of systemd, which says more than the exit code: `timeout`, `resources`.
    Result(String),
}

/// A run that ended by itself and was followed by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// When its manager started it again, or saw it end.
    pub time: Timestamp,
    /// How the run before ended, where that is recorded.
    pub end: Option<RunEnd>,
}

/// Automatic restarts, as far as they are recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Oldest first, since it was last started on purpose.
    pub restarts: Vec<Restart>,
    /// Whether these are all of the last day.
    pub is_whole: bool,
}

impl History {
    /// How the run before the present one ended.
    pub fn last(&self) -> Option<&RunEnd> {
        self.restarts.last().and_then(|restart| restart.end.as_ref())
    }

    /// Whether it is recorded of every run that it ended with exit code 0.
    pub fn is_clean(&self) -> bool {
        !self.restarts.is_empty() && self.restarts.iter().all(|restart| restart.end == Some(RunEnd::Exit(0)))
    }
}
