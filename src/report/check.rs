//! `check`: one line for cron, and what monitoring systems read.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::problem::Problem;
use super::status::label;
use crate::alert::Class;
use crate::alert::forecast::Forecast;
use crate::alert::observation::Grade;
use crate::alert::state::State;
use crate::alert::subject::Subject;
use crate::judge::freshness::Freshness;
use crate::judge::health::{HostHealth, ServiceHealth};
use crate::program;
use crate::registry::Verdict;
use crate::ui::{Cell, Report, Text, Tone};

/// A check of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Check {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// How long the check took, seconds.
    pub seconds: f64,
    /// Every problem that no other explains, worst first: those of `status`, full file systems ahead, drift.
    pub problems: Vec<Problem>,
    /// Services on this host.
    pub services: Vec<ServiceHealth>,
    /// The host; `null` when only some services were asked for.
    pub host_resources: Option<HostHealth>,
    /// How recent the newest verified copy of each backup set is.
    pub backups: Vec<Freshness>,
    /// When file systems will be full; empty where they do not fill up.
    pub forecasts: Vec<Forecast>,
    /// What is known of each subject from this check and those before; empty when nothing is recorded.
    pub subjects: Vec<SubjectFacts>,
    /// What was sent.
    pub notifications: Notifications,
    /// Whether more than the line is shown.
    #[serde(skip)]
    pub verbose: bool,
}

/// What is known of a subject from this check and those before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SubjectFacts {
    /// `wallet`, `disk /`, `certificate example.org`, `backup wallet`, …
    pub subject: String,
    /// What kind of thing that is.
    pub class: Class,
    /// Its state, after as many checks in a row as it takes.
    pub verdict: Verdict,
    /// Since when.
    pub since: Timestamp,
    /// Whether it is flapping.
    pub flapping: bool,
    /// Whether an incident is open: a person was notified and no recovery was.
    pub incident_open: bool,
    /// When a notification of it was last due; `null` where none was.
    pub notified_at: Option<Timestamp>,
    /// Why notifications of it are held back; `null` where they are not.
    pub held: Option<String>,
}

/// What is known of each subject.
pub fn facts(state: &State) -> Vec<SubjectFacts> {
    let subject = |(name, known): (&String, &Subject)| SubjectFacts {
        subject: name.clone(),
        class: known.class,
        verdict: match known.grade {
            Grade::Healthy if known.is_unknown() => Verdict::Unknown,
            grade => grade.into(),
        },
        since: known.since.time,
        flapping: known.flapping.is_some(),
        incident_open: known.is_open(),
        notified_at: known.notified_at().map(|at| at.time),
        held: known.held.clone(),
    };
    state.subjects.iter().map(subject).collect()
}

/// What was sent, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Notifications {
    /// Why this check was not recorded; `null` where it was.
    pub not_recorded: Option<String>,
    /// How many channels are in use; with none nobody is notified.
    pub channels: usize,
    /// How many were accepted by a channel in this check.
    pub sent: usize,
    /// How many wait for a channel that did not accept them.
    pub pending: usize,
    /// How many subjects have a notification held back.
    pub held: usize,
    /// Why they are held back; empty where none is.
    pub held_because: Vec<String>,
    /// Channels that did not accept the last message, and why.
    pub failing: Vec<String>,
}

/// The longest line for cron and pagers, in characters.
const LONGEST: usize = 200;

impl Check {
    /// The check in one line of at most 200 characters: verdict, where, the worst problem, its severity, how many others.
    pub fn line(&self) -> (String, String) {
        let word = label(self.head.verdict).to_uppercase();
        let deployment = self.head.deployment.as_deref().unwrap_or("?");
        let place = format!("{deployment} on {}: ", self.head.host);
        let held = match self.notifications.held {
            0 => String::new(),
            held => format!("; {held} held back ({})", self.notifications.held_because.join(", ")),
        };
        let failing = match self.notifications.failing.len() {
            0 => String::new(),
            1 => "; 1 channel fails".to_owned(),
            count => format!("; {count} channels fail"),
        };
        let (what, end) = match self.problems.first() {
            None => (healthy(self.services.len(), self.host_resources.is_some()), String::new()),
            Some(worst) => {
                let others = match self.problems.len() - 1 {
                    0 => String::new(),
                    1 => ", 1 other".to_owned(),
                    others => format!(", {others} others"),
                };
                let respond = match worst.verdict {
                    Verdict::Warn => String::new(),
                    _ => format!(" ({}: {})", worst.severity, worst.respond),
                };
                (format!("{}: {}", worst.subject, worst.summary), respond + &others)
            }
        };
        let end = cut(&(end + &held + &failing), LONGEST / 2);
        let left = LONGEST.saturating_sub(word.len() + 1 + place.chars().count() + end.chars().count());
        (word, cut(&(place + &cut(&what, left) + &end), LONGEST - 6))
    }
}

fn healthy(services: usize, with_host: bool) -> String {
    let host = if with_host { ", host resources within bounds" } else { "" };
    match services {
        1 => format!("1 service healthy{host}"),
        _ => format!("{services} services healthy{host}"),
    }
}

/// As much of a text as fits, in one line.
fn cut(text: &str, most: usize) -> String {
    let text = text.replace(['\n', '\r'], " ");
    match text.char_indices().nth(most) {
        None => text,
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

impl Report for Check {
    fn text(&self, page: &mut Text) {
        let (word, line) = self.line();
        page.line(&[Cell(Tone::Of(self.head.verdict), word), Cell::plain(format!(" {line}"))]);
        if !self.verbose && !page.wide {
            return;
        }
        for problem in &self.problems {
            let text = format!("{}: {} ({})", problem.subject, problem.summary, problem.severity);
            page.labeled(label(problem.verdict), &[Cell::plain(text)]);
            if !problem.next.is_empty() {
                page.labeled("next", &[Cell::command(problem.next.clone())]);
            }
        }
        let notifications = &self.notifications;
        for subject in &self.subjects {
            if let Some(held) = &subject.held {
                page.labeled("held", &[Cell::plain(format!("{}: {held}", subject.subject))]);
            }
        }
        for failing in &notifications.failing {
            page.labeled("channel", &[Cell::plain(failing.clone())]);
        }
        let sent = match notifications.channels {
            0 => format!("nothing: no channel is in use ({})", program::command("check --test-notify")),
            _ => format!("{} sent, {} pending", notifications.sent, notifications.pending),
        };
        page.labeled("sent", &[Cell::plain(notifications.not_recorded.clone().unwrap_or(sent))]);
    }

    fn names(&self) -> Vec<String> {
        self.problems.iter().map(|problem| problem.subject.clone()).collect()
    }
}
