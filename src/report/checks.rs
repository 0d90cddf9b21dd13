//! `get checks`: what each subject was at the last checks, and who is notified.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::check::SubjectFacts;
use super::checked::CheckedFacts;
use super::status::label;
use crate::registry::Verdict;
use crate::ui::{Cell, Column, Report, Text, Tone};
use crate::units::stamp;

/// What is recorded of checks.
#[expect(clippy::struct_field_names, reason = "a list is called by what is in it")]
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checks {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// The checks themselves; `null` when none was recorded.
    pub checked: Option<CheckedFacts>,
    /// What each subject was, open incidents first.
    pub checks: Vec<SubjectFacts>,
}

impl Report for Checks {
    fn text(&self, page: &mut Text) {
        match &self.checked {
            None => page.line(&[Cell::plain("no check was recorded yet")]),
            Some(checked) => {
                page.labeled("checked", &[Cell::plain(checked.words())]);
                for failing in &checked.failing {
                    page.labeled("channel", &[Cell::plain(failing.clone())]);
                }
                page.gap();
            }
        }
        let columns = ["SUBJECT", "STATE", "SINCE", "NOTIFIED"].map(Column::key).into_iter();
        let columns: Vec<Column> = columns.chain([Column::prose("NOTE")]).collect();
        let rows = self.checks.iter().map(|subject| {
            let state = if subject.flapping { "flapping" } else { label(subject.verdict) };
            vec![
                Cell::plain(subject.subject.clone()),
                Cell(Tone::Of(if subject.flapping { Verdict::Fail } else { subject.verdict }), state.to_owned()),
                Cell::plain(stamp(subject.since)),
                Cell::or_dash(subject.notified_at.map(stamp)),
                Cell::plain(subject.held.clone().unwrap_or_default()),
            ]
        });
        let rows = rows.collect();
        page.table(&columns, rows);
    }

    fn names(&self) -> Vec<String> {
        self.checks.iter().map(|subject| subject.subject.clone()).collect()
    }
}
