//! `restore`: what would be put in place of what, and what came of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::action::{Target, target};
use crate::action::run::Done;
use crate::backup::name::Id;
use crate::observe::logs::line::Said;
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};

/// A restore.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Restore {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// Whether it was only planned.
    pub dry_run: bool,
    /// The set.
    pub set: String,
    /// The copy; `null` where a restore that did not come to its end was all there was to do.
    pub copy: Option<Id>,
    /// When that copy was begun: what came later is not in it.
    pub copied: Option<Timestamp>,
    /// What is replaced, or written.
    pub path: String,
    /// What is done, in order.
    pub steps: Vec<String>,
    /// What an operator must know before it.
    pub blast: Vec<String>,
    /// `planned`, `live`, `written`, `untouched`, `put_back`, `stuck`, `forgotten`.
    pub outcome: &'static str,
    /// In one line.
    pub summary: String,
    /// What came of the services.
    pub targets: Vec<Target>,
    /// Where the old data is kept; `null` where it is not.
    pub old: Option<String>,
    /// How long it took.
    pub seconds: Option<f64>,
}

impl Restore {
    /// With what came of the services.
    #[must_use]
    pub fn with(mut self, done: &[Done]) -> Self {
        self.targets = done.iter().map(|done| target(done, Vec::<Said>::new())).collect();
        self
    }
}

impl Report for Restore {
    fn text(&self, page: &mut Text) {
        let verdict = self.head.verdict;
        if self.dry_run {
            page.line(&[Cell(Tone::Strong, format!("restore {}: {}; nothing was changed", self.set, self.summary))]);
            self.blast.iter().for_each(|line| page.line(&[Cell::plain(format!("  {line}"))]));
            page.gap();
            let rows = self.steps.iter().enumerate();
            page.table(
                &[Column::key("STEP"), Column::prose("ACTION")],
                rows.map(|(n, step)| vec![Cell::plain((n + 1).to_string()), Cell::plain(step.clone())]).collect(),
            );
            return;
        }
        let word = if verdict == crate::registry::Verdict::Pass { "done" } else { "FAILED" };
        let took = self.seconds.map(|seconds| format!(" ({seconds:.1} s)")).unwrap_or_default();
        let copy = self.copy.map(|id| format!(" {id}")).unwrap_or_default();
        let what = format!("restore {}{copy}: {}{took}", self.set, self.summary);
        page.outcome(verdict, word, &[Cell::plain(what)]);
        for target in &self.targets {
            target.text("start", page);
        }
    }

    fn names(&self) -> Vec<String> {
        vec![self.set.clone()]
    }
}
