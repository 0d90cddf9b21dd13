//! PURE. From one check to the next: which change of state a person has not been notified of yet.
//!
//! What could not be checked counts neither as healthy nor as failed: it ends no run of checks and begins none. What is held back keeps
//! its state, so that it is notified as soon as nothing holds it back any more, if it still is so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::observation::{Grade, Observation};
use super::subject::Subject;
use super::{Class, Event, EventKind, Moment};

/// How many changes are kept for the history.
const CHANGES: usize = 200;

/// One check.
#[derive(Debug)]
pub struct Checked<'a> {
    /// The deployment.
    pub deployment: &'a str,
    /// When.
    pub now: &'a Moment,
    /// What was found.
    pub observations: Vec<Observation>,
    /// Classes of which all subjects were checked: one of them that was not found is healthy, or gone.
    pub complete: &'a [Class],
    /// Why notifications are held back.
    pub held: Option<&'a str>,
    /// Whether any channel is in use: without one an incident is open, and nobody was notified of it.
    pub is_sent: bool,
}

/// A change of state, for the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When it began.
    pub at: Moment,
    /// The subject.
    pub subject: String,
    /// Its state before.
    pub from: Grade,
    /// Its state then.
    pub to: Grade,
    /// What was wrong.
    pub summary: String,
}

/// What is known of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// By subject.
    pub subjects: BTreeMap<String, Subject>,
    /// Changes of state, oldest first.
    pub changes: Vec<Change>,
}

impl State {
    /// Takes in one check. What a person has to know about now, worst first.
    pub fn take(&mut self, checked: Checked<'_>) -> Vec<Event> {
        let Checked { deployment, now, observations, complete, held, is_sent } = checked;
        let is_seen = |name: &String| observations.iter().any(|seen| seen.subject == *name);
        let known = self.subjects.iter();
        let missing = known.filter(|(name, known)| complete.contains(&known.class) && !is_seen(name));
        let missing: Vec<Observation> = missing.map(|(name, known)| known.missing(name)).collect();
        let mut events = Vec::new();
        for seen in observations.into_iter().chain(missing) {
            let known = self.subjects.entry(seen.subject.clone());
            let known = known.or_insert_with(|| Subject::new(seen.class, now));
            let from = known.grade;
            let event = known.take(deployment, &seen, (now, held, is_sent));
            if known.grade != from {
                let (at, to, summary) = (known.since.clone(), known.grade, known.facts.summary.clone());
                self.changes.push(Change { at, subject: seen.subject.clone(), from, to, summary });
            }
            events.extend(event);
            if seen.gone && known.is_forgotten(now) {
                self.subjects.remove(&seen.subject);
            }
        }
        let surplus = self.changes.len().saturating_sub(CHANGES);
        self.changes.drain(..surplus);
        events.sort_by_key(|event| (std::cmp::Reverse(event.verdict), event.rank));
        events
    }

    /// The incidents that are open: a person was notified of a failure or a warning, and of no recovery.
    pub fn open(&self, deployment: &str, now: &Moment) -> Vec<Event> {
        let open = self.subjects.iter();
        let event = |(name, known): (&String, &Subject)| {
            Some(known.event(deployment, name, EventKind::Failed, known.open_since()?, now))
        };
        open.filter_map(event).collect()
    }
}

#[cfg(test)]
#[path = "state/tests.rs"]
mod tests;
