//! PURE. What waits for a channel, between one check and the next. Everything is kept until the channel has accepted it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::channel::{Notice, sort};
use super::{Class, Event, EventKind, Moment};
use crate::registry::Verdict;

/// The most events that wait for a channel; the oldest are dropped, and counted.
const MOST: usize = 100;
/// After so many failed attempts in a row others are sent that the channel fails.
pub const FAILING: u32 = 3;
/// The longest pause between two attempts, and that after a refusal, minutes.
const LONGEST: u64 = 60;
/// A check that begins so much early is the one that is due, seconds: timers are not exact.
const SLACK: u64 = 5;

/// Queues by the name of their channel.
pub type Queues = BTreeMap<String, Queue>;

/// What waits for a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Queue {
    /// Not accepted yet.
    pub pending: Vec<Notice>,
    /// How many older ones were dropped.
    pub dropped: u64,
    /// Failed attempts since the last that was accepted.
    pub attempts: u32,
    /// The first of these.
    pub failing_since: Option<Timestamp>,
    /// What came of the last of these.
    pub error: Option<String>,
    /// When the last of these was.
    pub last_try: Option<Moment>,
    /// How long after it the next one is, seconds.
    pub wait_seconds: u64,
    /// An attempt was begun, and its outcome is not recorded.
    pub attempting: bool,
    /// An earlier attempt ended so: the receiver may have what is pending.
    pub interrupted: bool,
    /// When something was accepted last.
    pub accepted: Option<Timestamp>,
    /// Whether the other channels were sent that this one fails.
    pub reported: bool,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Places in [`Queue::pending`] of what was accepted.
    pub accepted: Vec<usize>,
    /// How it ended.
    pub end: End,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Everything that was sent was accepted; what came back.
    Accepted(String),
    /// It may succeed later, at the earliest after this time, where the receiver asked for one.
    TryAgain(String, Option<Duration>),
    /// It was refused, and will be until somebody changes something.
    Rejected(String),
}

impl End {
    /// Whether the channel works.
    pub fn is_accepted(&self) -> bool {
        matches!(self, End::Accepted(_))
    }

    /// What came back.
    pub fn words(&self) -> &str {
        match self {
            End::Accepted(words) | End::TryAgain(words, _) | End::Rejected(words) => words,
        }
    }
}

impl Queue {
    /// Adds an event. The newest of an incident replaces one that was never accepted; a failure that recovered before that becomes one
    /// event about both.
    pub fn enqueue(&mut self, event: &Event) {
        let mut notice = Notice { event: event.clone(), missed: false };
        let same = |old: &Notice| (old.event.class, &old.event.incident) == (event.class, &event.incident);
        let is_test = event.kind == EventKind::Test;
        if let Some(at) =
            self.pending.iter().position(|old| same(old) && old.event.subject == event.subject && !is_test)
        {
            let old = self.pending.remove(at);
            let is_over = event.kind == EventKind::Recovered
                || (event.kind == EventKind::Stable && event.verdict == Verdict::Pass);
            let began = matches!(old.event.kind, EventKind::Failed | EventKind::Unknown) || old.missed;
            match (is_over, began) {
                (true, began) => notice.missed = began,
                // The receiver knows nothing of it yet, whatever happened to it since.
                (false, true) if matches!(event.kind, EventKind::Worse | EventKind::Reminder) => {
                    notice.event.kind = EventKind::Failed;
                }
                (false, _) => {}
            }
        }
        self.pending.push(notice);
        sort(&mut self.pending);
        self.bound();
    }

    fn bound(&mut self) {
        while self.pending.len() > MOST {
            let oldest = self.pending.iter().enumerate().min_by_key(|(_, notice)| notice.event.since);
            let Some((at, _)) = oldest else { return };
            self.pending.remove(at);
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Whether there is something to send, and it is time to.
    pub fn due(&self, now: &Moment) -> bool {
        !self.pending.is_empty() && self.may_try(now)
    }

    /// Whether it is time for another attempt. After a reboot it is.
    pub fn may_try(&self, now: &Moment) -> bool {
        match &self.last_try {
            Some(last) if self.attempts > 0 && last.boot == now.boot => {
                now.seconds_since(last) + SLACK >= self.wait_seconds
            }
            _ => true,
        }
    }

    /// Marks an attempt, before the record is written and anything is sent.
    pub fn begin(&mut self) {
        self.interrupted |= self.attempting;
        self.attempting = true;
    }

    /// Notes what came of an attempt.
    pub fn settle(&mut self, outcome: &Outcome, now: &Moment) {
        self.attempting = false;
        let mut at = 0;
        self.pending.retain(|_| {
            at += 1;
            !outcome.accepted.contains(&(at - 1))
        });
        if !outcome.accepted.is_empty() || outcome.end.is_accepted() {
            self.accepted = Some(now.time);
            self.interrupted = false;
            self.dropped = 0;
        }
        let minutes = match &outcome.end {
            End::Accepted(_) => {
                (self.attempts, self.failing_since, self.error) = (0, None, None);
                (self.last_try, self.wait_seconds) = (None, 0);
                return;
            }
            End::TryAgain(..) => 1_u64.checked_shl(self.attempts).unwrap_or(LONGEST).clamp(1, LONGEST),
            End::Rejected(_) => LONGEST,
        };
        let asked = match &outcome.end {
            End::TryAgain(_, Some(asked)) => asked.as_secs().min(LONGEST * 60),
            _ => 0,
        };
        self.wait_seconds = asked.max(minutes * 60);
        self.attempts = self.attempts.saturating_add(1);
        self.failing_since.get_or_insert(now.time);
        self.error = Some(outcome.end.words().to_owned());
        self.last_try = Some(now.clone());
    }

    /// What the other channels are to be sent of this one, once for each change; `is_optional`: what never answered may not be there.
    pub fn change(&mut self, name: &str, is_optional: bool, about: &About, now: &Moment) -> Option<Event> {
        let is_failing = self.attempts >= FAILING && !(is_optional && self.accepted.is_none());
        if is_failing == self.reported || (self.reported && self.attempts > 0) {
            return None;
        }
        self.reported = is_failing;
        if is_failing {
            return Some(self.failure(name, about, now));
        }
        let since = about.since.get(name).copied();
        Some(about.event(name, EventKind::Recovered, "messages were not accepted".to_owned(), since, now))
    }

    /// That this channel fails.
    fn failure(&self, name: &str, about: &About, now: &Moment) -> Event {
        let error = self.error.as_deref().unwrap_or_default();
        about.event(name, EventKind::Failed, format!("messages are not accepted: {error}"), self.failing_since, now)
    }
}

/// What an event about a channel has of its deployment.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Its name.
    pub deployment: String,
    /// The severity of the host's own checks.
    pub severity: String,
    /// How soon it requires a response.
    pub respond: String,
    /// Its rank.
    pub rank: u8,
    /// What to run: `check --test-notify`.
    pub next: String,
    /// Since when each channel was failing before this attempt, by name.
    pub since: BTreeMap<String, Timestamp>,
}

impl About {
    fn event(&self, name: &str, kind: EventKind, summary: String, since: Option<Timestamp>, now: &Moment) -> Event {
        let since = since.unwrap_or(now.time);
        Event {
            incident: format!("{}/channel {name}/{}", self.deployment, since.as_second()),
            kind,
            subject: format!("channel {name}"),
            class: Class::Channel,
            verdict: if kind == EventKind::Recovered { Verdict::Pass } else { Verdict::Warn },
            summary,
            severity: self.severity.clone(),
            respond: self.respond.clone(),
            rank: self.rank,
            since,
            lasted_seconds: u64::try_from(now.time.duration_since(since).as_secs()).unwrap_or(0),
            affects: Vec::new(),
            next: self.next.clone(),
        }
    }
}

/// Drops the queues of channels that are no longer in use. Of each that was reported to fail, an event that this is over.
pub fn forget(queues: &mut Queues, in_use: &[&str], about: &About, now: &Moment) -> Vec<Event> {
    let mut events = Vec::new();
    queues.retain(|name, queue| {
        let is_used = in_use.contains(&name.as_str());
        if !is_used && queue.reported {
            let summary = "messages were not accepted; the channel is no longer in use".to_owned();
            events.push(about.event(name, EventKind::Recovered, summary, queue.failing_since, now));
        }
        is_used
    });
    events
}

/// Of each channel that was reported to fail, the event that is still open.
pub fn failing(queues: &Queues, about: &About, now: &Moment) -> Vec<Event> {
    let reported = queues.iter().filter(|(_, queue)| queue.reported);
    reported.map(|(name, queue)| queue.failure(name, about, now)).collect()
}

/// Notes what came of all attempts, and hands to every other channel in use what changed with one. `optional` are those that may not be
/// there at all: at a port of this host.
pub fn settle(
    queues: &mut Queues,
    outcomes: &[(&str, Outcome)],
    optional: &[&str],
    now: &Moment,
    about: &About,
) -> Vec<Event> {
    let since = queues.iter().filter_map(|(name, queue)| Some((name.clone(), queue.failing_since?))).collect();
    let about = About { since, ..about.clone() };
    let mut events = Vec::new();
    for (name, outcome) in outcomes {
        let queue = queues.entry((*name).to_owned()).or_default();
        queue.settle(outcome, now);
        if let Some(event) = queue.change(name, optional.contains(name), &about, now) {
            events.push((*name, event));
        }
    }
    for (name, event) in &events {
        for (_, other) in queues.iter_mut().filter(|(other, _)| other != name) {
            other.enqueue(event);
        }
    }
    events.into_iter().map(|(_, event)| event).collect()
}

#[cfg(test)]
mod tests;
