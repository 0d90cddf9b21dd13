//! `check`: one line for cron, and what monitoring systems read.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::problem::Problem;
use crate::alert::Class;
use crate::alert::forecast::Forecast;
use crate::judge::freshness::Freshness;
use crate::judge::health::{HostHealth, ServiceHealth};
use crate::registry::Verdict;

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

/// What was sent, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Notifications {
    /// Why this check was not recorded; `null` where it was.
    pub not_recorded: Option<String>,
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
