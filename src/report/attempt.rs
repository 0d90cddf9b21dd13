//! What `diagnose --fix` did about a finding, and what came of it.

use schemars::JsonSchema;
use serde::Serialize;

use super::failure::FixFacts;
use crate::registry::Risk;

/// A fix that was tried, or why it was not.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Attempt {
    /// Code of the finding.
    pub code: String,
    /// Its subject.
    pub subject: String,
    /// The fix.
    pub title: String,
    /// Its command; empty for what only a person can do.
    pub argv: Vec<String>,
    /// What only a person can do.
    pub manual: Option<String>,
    /// What may come of it; `null` where there is nothing to do.
    pub risk: Option<Risk>,
    /// What came of it.
    pub outcome: FixOutcome,
    /// Why it failed; `null` where it did not.
    pub summary: Option<String>,
    /// How long it took, seconds, with the checks before and after.
    pub seconds: f64,
}

/// What came of a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FixOutcome {
    /// The finding is gone, and there is no new one.
    Fixed,
    /// The finding is still there.
    Unchanged,
    /// There is a new finding.
    Worse,
    /// The finding is gone, but more is undetermined than before.
    Unclear,
    /// The command failed.
    Failed,
    /// Nobody consented, or this user may not run it.
    Refused,
    /// The finding was gone before anything was done.
    Gone,
    /// Only a person can do it.
    Manual,
    /// It is destructive, so a person must run it.
    TooGrave,
    /// It would run.
    Planned,
    /// No command fixes it.
    NoFix,
}

impl FixOutcome {
    /// As text.
    const fn label(self) -> &'static str {
        match self {
            FixOutcome::Fixed => "fixed",
            FixOutcome::Unchanged => "unchanged",
            FixOutcome::Worse => "worse",
            FixOutcome::Unclear => "unclear",
            FixOutcome::Failed => "failed",
            FixOutcome::Refused => "refused",
            FixOutcome::Gone => "gone before the fix",
            FixOutcome::Manual => "not applied, manual step",
            FixOutcome::TooGrave => "not applied, destructive",
            FixOutcome::Planned => "planned, not applied",
            FixOutcome::NoFix => "nothing to apply",
        }
    }
}

impl Attempt {
    /// Nothing yet, of the finding of this code and subject with this fix.
    pub fn new(code: &str, subject: &str, fix: Option<&FixFacts>) -> Self {
        Attempt {
            code: code.to_owned(),
            subject: subject.to_owned(),
            title: fix.map(|fix| fix.title.clone()).unwrap_or_default(),
            argv: fix.map(|fix| fix.argv.clone()).unwrap_or_default(),
            manual: fix.and_then(|fix| fix.manual.clone()),
            risk: fix.map(|fix| fix.risk),
            outcome: FixOutcome::NoFix,
            summary: None,
            seconds: 0.0,
        }
    }

    /// It was refused, and why.
    pub fn refuse(&mut self, why: &str) {
        self.outcome = FixOutcome::Refused;
        self.summary = Some(why.to_owned());
    }

    /// All of it in a line.
    pub fn words(&self) -> String {
        let how = match (&self.manual, self.argv.as_slice()) {
            (Some(manual), _) => format!(": {manual}"),
            (None, []) => String::new(),
            (None, argv) => {
                format!(": {}", argv.iter().map(|w| crate::host::tools::quote(w)).collect::<Vec<_>>().join(" "))
            }
        };
        let took = if self.seconds > 0.0 { format!(" ({:.1} s)", self.seconds) } else { String::new() };
        let why = self.summary.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
        let title = if self.title.is_empty() { String::new() } else { format!(", {}{how}", self.title) };
        format!("{}{took}: {} on {}{title}{why}", self.outcome.label(), self.code, self.subject)
    }
}
