//! PURE. What is known of one subject: how many checks in a row it was healthy or not, whether it is flapping, and what a person was
//! notified of.

use serde::{Deserialize, Serialize};

use super::observation::{Facts, Grade, Observation};
use super::{Class, Event, EventKind, Moment};
use crate::registry::{Thresholds, Verdict};

/// How many checks in a row something must be unknown until that is notified.
pub const UNKNOWN_AFTER: u16 = 5;
/// How many of the last checks are remembered as changes between healthy and not.
const WINDOW: u32 = 20;
/// So many changes among them are flapping.
const FLAPPING_FROM: u32 = 6;
/// So many checks without a change end it.
const STABLE_AFTER: u16 = 10;
/// How old a service must be, seconds, for its absence to be worth a notification.
pub(super) const SETTLED: u64 = 3600;
/// How long an incident of what is gone remains open, seconds.
pub(super) const GONE: u64 = 24 * 3600;
/// What a person was notified of last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reported {
    Unknown,
    Flapping,
    Warning,
    Failure,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Notified {
    what: Reported,
    at: Moment,
    /// Since when the incident lasts.
    since: Moment,
    /// Whether any channel was in use then.
    #[serde(default)]
    is_sent: bool,
}

/// How many checks in a row it was so, up to the last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Runs {
    failed: u16,
    not_healthy: u16,
    not_failed: u16,
    healthy: u16,
    unknown: u16,
    /// Without a change between healthy and not.
    steady: u16,
}

/// What is known of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What kind of thing it is.
    pub class: Class,
    /// How bad it is, after as many checks as that takes.
    pub grade: Grade,
    /// Since when.
    pub since: Moment,
    /// Since when it is flapping.
    pub flapping: Option<Moment>,
    /// Why its notifications are held back.
    pub held: Option<String>,
    first: Moment,
    runs: Runs,
    /// When the current run of checks that found it healthy, or not, began.
    turned: Moment,
    /// Whether the last check found it healthy.
    healthy: Option<bool>,
    /// A bit a check, the newest the lowest: whether it changed.
    changes: u32,
    unknown_since: Option<Moment>,
    notified: Option<Notified>,
    pub(super) facts: Facts,
}

impl Subject {
    pub(super) fn new(class: Class, now: &Moment) -> Self {
        Subject {
            class,
            grade: Grade::Healthy,
            since: now.clone(),
            flapping: None,
            held: None,
            first: now.clone(),
            runs: Runs::default(),
            turned: now.clone(),
            healthy: None,
            changes: 0,
            unknown_since: None,
            notified: None,
            facts: Facts::default(),
        }
    }

    /// Whether an incident is open: a failure or a warning was reported, and no recovery.
    pub fn is_open(&self) -> bool {
        self.notified.is_some()
    }

    /// Since when the incident that is open lasts.
    pub(super) fn open_since(&self) -> Option<&Moment> {
        self.notified.as_ref().map(|notified| &notified.since)
    }

    /// When a notification was handed to the channels in use last.
    pub fn notified_at(&self) -> Option<&Moment> {
        self.notified.as_ref().filter(|notified| notified.is_sent).map(|notified| &notified.at)
    }

    /// Whether the last checks could not find out how it is.
    pub fn is_unknown(&self) -> bool {
        self.runs.unknown > 0
    }

    /// What is seen of it where it is not there any more.
    pub(super) fn missing(&self, name: &str) -> Observation {
        let grade = match self.class {
            // What reports problems alone has none now.
            Class::Finding | Class::Drift | Class::Channel => Some(Grade::Healthy),
            Class::Service | Class::Disk | Class::Certificate | Class::Backup | Class::Host => None,
        };
        Observation {
            subject: name.to_owned(),
            class: self.class,
            grade,
            explained: false,
            excused: None,
            thresholds: Thresholds::fail_after(1).recover_after(1),
            gone: true,
            facts: Facts { summary: "it is not found on this host any more".to_owned(), ..self.facts.clone() },
        }
    }

    /// Whether nothing is to be kept of what is not there any more.
    pub(super) fn is_forgotten(&self, now: &Moment) -> bool {
        let reports_gone = self.class == Class::Service && now.seconds_since(&self.first) >= SETTLED;
        match (&self.notified, &self.unknown_since) {
            (None, None) => self.runs.healthy >= STABLE_AFTER,
            (None, Some(_)) => !reports_gone && self.runs.unknown >= UNKNOWN_AFTER,
            (Some(_), Some(since)) => now.seconds_since(since) >= GONE,
            (Some(_), None) => false,
        }
    }

    /// Takes in what one check has found. What of it has to be notified now.
    pub(super) fn take(
        &mut self,
        deployment: &str,
        seen: &Observation,
        (now, held, is_sent): (&Moment, Option<&str>, bool),
    ) -> Option<Event> {
        let is_healthy = seen.grade == Some(Grade::Healthy);
        let is_excused = !is_healthy && (seen.explained || seen.excused.is_some());
        match seen.grade {
            _ if is_excused => {
                // A failure that begins when the excuse ends has to last as long as any.
                self.runs = Runs { failed: 0, not_healthy: 0, unknown: 0, ..self.runs };
                self.unknown_since = None;
            }
            None => {
                self.runs.unknown = self.runs.unknown.saturating_add(1);
                self.unknown_since.get_or_insert_with(|| now.clone());
            }
            Some(grade) => {
                self.count(grade, now);
                self.settle(seen.thresholds);
            }
        }
        // Of a recovery, and of what cannot be checked any more, what was wrong is worth knowing.
        let is_news = !is_excused && !is_healthy && (seen.grade.is_some() || self.grade == Grade::Healthy);
        let Facts { summary, next, .. } = if is_news { &seen.facts } else { &self.facts };
        self.facts = Facts { summary: summary.clone(), next: next.clone(), ..seen.facts.clone() };
        if is_excused {
            self.held.clone_from(&seen.excused);
            return None;
        }
        let due = self.due(seen, now, is_sent);
        self.held = held.filter(|_| due.is_some()).map(str::to_owned);
        let (kind, reported) = due.filter(|_| self.held.is_none())?;
        let begun = match kind {
            EventKind::Unknown => self.unknown_since.clone(),
            EventKind::Flapping => self.flapping.clone(),
            _ => Some(self.since.clone()),
        };
        let since = self.notified.as_ref().map(|notified| notified.since.clone()).or(begun).unwrap_or(now.clone());
        let is_over = reported.is_none() && self.turned.seconds_since(&since) > 0;
        let until = if is_over { &self.turned } else { now };
        let event = self.event(deployment, &seen.subject, kind, &since, until);
        let was_sent = self.notified.as_ref().is_none_or(|notified| notified.is_sent);
        self.notified = reported.map(|what| Notified { what, at: now.clone(), since, is_sent });
        if kind == EventKind::Stable {
            (self.flapping, self.changes) = (None, 0);
        }
        // Whoever was not notified of a failure has no use for its end.
        let is_end = event.kind == EventKind::Recovered || (event.kind == EventKind::Stable && reported.is_none());
        (is_sent && (was_sent || !is_end)).then_some(event)
    }

    fn count(&mut self, grade: Grade, now: &Moment) {
        let is_healthy = grade == Grade::Healthy;
        let changed = self.healthy.is_some_and(|before| before != is_healthy);
        if changed || self.healthy.is_none() {
            self.turned = now.clone();
        }
        self.healthy = Some(is_healthy);
        let next = |holds: bool, run: u16| if holds { run.saturating_add(1) } else { 0 };
        self.runs = Runs {
            failed: next(grade == Grade::Failure, self.runs.failed),
            not_healthy: next(!is_healthy, self.runs.not_healthy),
            not_failed: next(grade != Grade::Failure, self.runs.not_failed),
            healthy: next(is_healthy, self.runs.healthy),
            unknown: 0,
            steady: next(!changed, self.runs.steady),
        };
        self.unknown_since = None;
        self.changes = (self.changes << 1 | u32::from(changed)) & ((1 << WINDOW) - 1);
        let is_reported = self.notified.as_ref().is_some_and(|notified| notified.what == Reported::Flapping);
        if self.flapping.is_none() && self.changes.count_ones() >= FLAPPING_FROM {
            self.flapping = Some(now.clone());
        } else if self.flapping.is_some() && !is_reported && self.runs.steady >= STABLE_AFTER {
            // Nobody was notified while it was held back.
            (self.flapping, self.changes) = (None, 0);
        }
    }

    /// What counts as its grade now.
    fn settle(&mut self, thresholds: Thresholds) {
        let (fail, recover) = (thresholds.fail.max(1), thresholds.recover.max(1));
        let grade = match self.grade {
            Grade::Healthy | Grade::Warning if self.runs.failed >= fail => Grade::Failure,
            Grade::Healthy if self.runs.not_healthy >= fail => Grade::Warning,
            Grade::Failure | Grade::Warning if self.runs.healthy >= recover => Grade::Healthy,
            Grade::Failure if self.runs.not_failed >= recover => Grade::Warning,
            grade => grade,
        };
        if grade != self.grade {
            // A failure is as old as what was not healthy before it; a warning that is left of it as well.
            let is_turn = grade == Grade::Healthy || self.grade == Grade::Healthy;
            if is_turn {
                self.since = self.turned.clone();
            }
            self.grade = grade;
        }
    }

    /// What a person has not been notified of yet, and what counts as reported then.
    fn due(&self, seen: &Observation, now: &Moment, is_sent: bool) -> Option<(EventKind, Option<Reported>)> {
        let reported = self.notified.as_ref().map(|notified| notified.what);
        let is = match self.grade {
            Grade::Healthy => None,
            Grade::Warning => Some(Reported::Warning),
            Grade::Failure => Some(Reported::Failure),
        };
        if self.flapping.is_some() {
            let is_stable = self.runs.steady >= STABLE_AFTER && seen.grade.is_some();
            return match reported {
                Some(Reported::Flapping) if is_stable => Some((EventKind::Stable, is)),
                Some(Reported::Flapping) => None,
                _ => Some((EventKind::Flapping, Some(Reported::Flapping))),
            };
        }
        let is_failing = seen.grade != Some(Grade::Healthy);
        match (reported, is) {
            (None, None) => {
                let is_due =
                    seen.grade.is_none() && self.runs.unknown >= UNKNOWN_AFTER && self.reports_unknown(seen, now);
                is_due.then_some((EventKind::Unknown, Some(Reported::Unknown)))
            }
            // A check that found nothing out reports no recovery.
            (Some(_), None) => {
                let is_known = seen.grade.is_some() && self.runs.healthy >= seen.thresholds.recover.max(1);
                is_known.then_some((EventKind::Recovered, None))
            }
            (None | Some(Reported::Unknown | Reported::Flapping), Some(is)) => Some((EventKind::Failed, Some(is))),
            (Some(Reported::Warning), Some(Reported::Failure)) => Some((EventKind::Worse, is)),
            // Now there is a channel.
            (Some(_), Some(is)) if is_sent && is_failing && self.notified.as_ref().is_some_and(|it| !it.is_sent) => {
                Some((EventKind::Failed, Some(is)))
            }
            (Some(before), Some(_)) => {
                let is_due = |at: &Moment| now.seconds_since(at) >= seen.facts.remind_seconds;
                let is_due = self.notified.as_ref().is_some_and(|notified| is_due(&notified.at)) && is_failing;
                is_due.then_some((EventKind::Reminder, Some(before)))
            }
        }
    }

    /// Whether it is worth a notification that this cannot be checked: of what is gone only where it was there for long.
    fn reports_unknown(&self, seen: &Observation, now: &Moment) -> bool {
        !seen.gone || (self.class == Class::Service && now.seconds_since(&self.first) >= SETTLED)
    }

    /// As an event of an incident that lasted from `since` to `until`.
    pub(super) fn event(
        &self,
        deployment: &str,
        subject: &str,
        kind: EventKind,
        since: &Moment,
        until: &Moment,
    ) -> Event {
        let verdict = match (kind, self.notified.as_ref().map(|notified| notified.what)) {
            (EventKind::Unknown, _) => Verdict::Unknown,
            (EventKind::Flapping, _) => Verdict::Fail,
            (EventKind::Recovered | EventKind::Stable, _) => self.grade.into(),
            (_, Some(Reported::Unknown)) if self.grade == Grade::Healthy => Verdict::Unknown,
            (_, Some(Reported::Flapping)) => Verdict::Fail,
            (_, _) => self.grade.into(),
        };
        let facts = self.facts.clone();
        Event {
            incident: format!("{deployment}/{subject}/{}", since.time.as_second()),
            kind,
            subject: subject.to_owned(),
            class: self.class,
            verdict,
            summary: facts.summary,
            severity: facts.severity,
            respond: facts.respond,
            rank: facts.rank,
            since: since.time,
            lasted_seconds: until.seconds_since(since),
            affects: facts.affects,
            next: facts.next,
        }
    }
}
