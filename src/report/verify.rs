//! `verify`: where registry and host disagree.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::discover::Unstated;
use super::status::label;
use crate::judge::drift::Comparison;
use crate::registry::Verdict;
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};

/// The comparison of the registry with this host.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Drift {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// Everything that was compared, disagreements first.
    pub comparisons: Vec<Comparison>,
    /// Services that are not on this host, and why that is no drift.
    pub absent: Vec<super::status::Absent>,
    /// What runs here and is in no registry, which is no drift; `null` on `localhost`, and when only some services were asked for.
    pub unstated: Option<Unstated>,
}

impl Report for Drift {
    fn text(&self, page: &mut Text) {
        let bad: Vec<&Comparison> = self.comparisons.iter().filter(|c| c.verdict != Verdict::Pass).collect();
        let verdict = self.head.verdict;
        let place = format!("{} on {}", self.head.deployment.as_deref().unwrap_or("?"), self.head.host);
        let count = self.comparisons.len();
        let unknown = bad.iter().filter(|comparison| comparison.verdict == Verdict::Unknown).count();
        let told = match (bad.len() - unknown, unknown) {
            (0, 0) if count == 0 => format!("{place}: nothing to compare on this host"),
            (0, 0) => format!("{place}: registry and host agree in all {count} comparisons"),
            (n, 0) => format!("{place}: registry and host disagree in {n} of {count} comparisons"),
            (n, m) => {
                format!("{place}: registry and host disagree in {n} of {count} comparisons, {m} could not be checked")
            }
        };
        page.outcome(verdict, &label(verdict).to_uppercase(), &[Cell(Tone::Strong, told)]);
        let shown = self.comparisons.iter().filter(|c| page.wide || c.verdict != Verdict::Pass);
        let rows: Vec<Vec<Cell>> = shown
            .map(|c| {
                let mut row = vec![
                    Cell::or_dash(c.service.clone()),
                    Cell(Tone::Of(c.verdict), label(c.verdict).to_owned()),
                    Cell::plain(c.what.clone()),
                    Cell::plain(c.expected.clone()),
                    Cell::or_dash(c.found.clone()),
                ];
                if page.wide {
                    row.push(Cell::command(c.command.to_string()));
                }
                row.push(Cell::or_dash(c.reason.clone()));
                row
            })
            .collect();
        let mut columns = vec![
            Column::key("SERVICE"),
            Column::key("STATE"),
            Column::prose("CHECK"),
            Column::prose("REGISTRY"),
            Column::prose("HOST"),
        ];
        if page.wide {
            columns.push(Column::key("COMMAND"));
        }
        columns.push(Column::prose("IMPACT").rank(1));
        if !rows.is_empty() {
            page.gap();
        }
        page.table(&columns, rows);
        if let Some(unstated) = &self.unstated {
            unstated.table(page);
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for service in self.comparisons.iter().filter(|c| c.verdict != Verdict::Pass).filter_map(|c| c.service.as_ref())
        {
            if !names.contains(service) {
                names.push(service.clone());
            }
        }
        names
    }
}
