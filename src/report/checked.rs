//! How often `check` runs, and what it could not send: part of `status` and `get checks`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::alert::Moment;
use crate::alert::store::Record;
use crate::units::duration;

/// How often checks come, and what they could not send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckedFacts {
    /// When the last one was.
    pub last: Timestamp,
    /// How long ago that is, seconds.
    pub age_seconds: u64,
    /// How many seconds are between two; `null` where they are not regular.
    pub interval_seconds: Option<u64>,
    /// Whether they came regularly and have stopped.
    pub stopped: bool,
    /// Open incidents: a person was notified, and of no recovery.
    pub incidents: usize,
    /// Notifications that wait for a channel that did not accept them.
    pub pending: usize,
    /// Channels that did not accept the last message, and why.
    pub failing: Vec<String>,
}

impl CheckedFacts {
    /// Of a record; `None` where no check was recorded.
    pub fn of(record: &Record, now: &Moment) -> Option<Self> {
        let last = record.last.as_ref()?;
        Some(CheckedFacts {
            last: last.time,
            age_seconds: now.seconds_since(last),
            interval_seconds: record.interval_seconds(),
            stopped: record.stopped_seconds(now).is_some(),
            incidents: record.state.subjects.values().filter(|subject| subject.is_open()).count(),
            pending: record.queues.values().map(|queue| queue.pending.len()).sum(),
            failing: failing(record),
        })
    }

    /// In a line: `1 min ago, every 1 min, 2 incidents open`.
    pub fn words(&self) -> String {
        let span = |seconds: u64| duration(jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)));
        let mut words = vec![format!("{} ago", span(self.age_seconds))];
        words.extend(self.interval_seconds.map(|every| format!("every {}", span(every))));
        words.extend(match self.incidents {
            0 => None,
            1 => Some("1 incident open".to_owned()),
            count => Some(format!("{count} incidents open")),
        });
        words.extend((self.pending > 0).then(|| format!("{} pending", self.pending)));
        words.join(", ")
    }
}

/// Channels that did not accept the last message, and why.
pub fn failing(record: &Record) -> Vec<String> {
    let queues = record.queues.iter();
    let failing = queues.filter(|(_, queue)| queue.attempts > 0);
    failing.map(|(name, queue)| format!("{name}: {}", queue.error.as_deref().unwrap_or("no answer"))).collect()
}
