//! The state of a deployment in one line.

use serde::Serialize;

use super::Head;
use super::status::{Status, label};
use crate::program;
use crate::registry::Verdict;
use crate::ui::{Cell, Report, Text, Tone};

/// The state of a deployment, worst thing first, and the next step.
#[derive(Debug, Serialize)]
pub struct Brief {
    #[serde(flatten)]
    head: Head,
    summary: String,
}

impl Brief {
    /// What the status comes to.
    pub fn new(status: Status) -> Self {
        let more = match status.problems.len() {
            0 | 1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        let summary = match &status.worst {
            Some(worst) => format!("{}: {}{more}", worst.subject, worst.summary),
            None => format!("{} services healthy", status.services.len()),
        };
        Brief { head: status.head, summary }
    }
}

impl Report for Brief {
    fn text(&self, page: &mut Text) {
        let verdict = self.head.verdict;
        let next = if verdict == Verdict::Pass { "status" } else { "diagnose" };
        let name = self.head.deployment.as_deref().unwrap_or_default();
        page.line(&[
            Cell(Tone::Of(verdict), label(verdict).to_uppercase()),
            Cell::plain(format!(" {name} on {}: {}", self.head.host, self.summary)),
        ]);
        page.line(&[Cell(Tone::Dim, format!("next: {}", program::command(next)))]);
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}
