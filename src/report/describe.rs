//! `describe`, and `status` of one service: its state, what is known of it, and what it wrote last.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::explain::ServiceFacts;
use super::status::{Status, label};
use crate::observe::logs::line::Said;
use crate::ui::{Cell, Report, Text, Tone};
use crate::units::time_of_day;

/// One service, in full.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Description {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// As `status -o json` prints it.
    pub status: Status,
    /// As `explain -o json` prints it; `null` where `status` was asked.
    pub facts: Option<ServiceFacts>,
    /// Its last log lines, oldest first.
    pub log: Vec<Said>,
}

impl Report for Description {
    fn text(&self, page: &mut Text) {
        self.status.text_above(page, &self.log);
        for check in self.status.services.iter().flat_map(|service| &service.checks) {
            let verdict = format!("{:<7} ", label(check.verdict));
            let told = format!("{}: {}", check.source, check.summary);
            page.line(&[Cell::plain("  "), Cell(Tone::Of(check.verdict), verdict), Cell::plain(told)]);
        }
        if let Some(facts) = &self.facts {
            page.gap();
            facts.text(page);
        }
        if self.log.is_empty() {
            return;
        }
        page.gap();
        for line in &self.log {
            let time = line.time.map(|time| time_of_day(time) + " ").unwrap_or_default();
            page.line(&[Cell(Tone::Dim, time), Cell::plain(line.text.clone())]);
        }
    }

    fn names(&self) -> Vec<String> {
        self.status.names()
    }
}
