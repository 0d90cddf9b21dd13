//! What one check has found of one subject.

use serde::{Deserialize, Serialize};

use super::Class;
use crate::registry::{Thresholds, Verdict};

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Nothing to report.
    Healthy,
    /// It will fail.
    Warning,
    /// It fails.
    Failure,
}

impl From<Grade> for Verdict {
    fn from(grade: Grade) -> Verdict {
        match grade {
            Grade::Healthy => Verdict::Pass,
            Grade::Warning => Verdict::Warn,
            Grade::Failure => Verdict::Fail,
        }
    }
}

/// What is known of a subject beside its grade.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// What is wrong, in one line.
    pub summary: String,
    /// The deployment's severity level.
    pub severity: String,
    /// How soon that level requires a response.
    pub respond: String,
    /// How urgent that level is: 0 for the worst of the deployment.
    pub rank: u8,
    /// After how many seconds an open incident is reported again.
    pub remind_seconds: u64,
    /// Services that it affects.
    pub affects: Vec<String>,
    /// The first command to run.
    pub next: String,
}

/// What one check has found of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The subject.
    pub subject: String,
    /// What kind of thing it is.
    pub class: Class,
    /// How bad it is; `None` where that could not be found out.
    pub grade: Option<Grade>,
    /// Whether another failure explains that it is not healthy.
    pub explained: bool,
    /// Why it is nothing to notify although it is not healthy: it is down on purpose, ignored, or silenced.
    pub excused: Option<String>,
    /// How many checks in a row make a change.
    pub thresholds: Thresholds,
    /// It was there in earlier checks, and is not any more.
    pub gone: bool,
    /// What else is known.
    pub facts: Facts,
}
