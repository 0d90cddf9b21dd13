//! `history`: the changes of a deployment, newest first.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::status::label;
use crate::action::audit::{Entry, Phase};
use crate::alert::state::Change;
use crate::program;
use crate::registry::Verdict;
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};
use crate::units::stamp;

/// What was changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct History {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// Newest first.
    pub changes: Vec<ChangeFacts>,
    /// Changes of state that checks found, newest first.
    pub states: Vec<StateFacts>,
    /// What could not be read, and why; `null` when all of the trail was.
    pub incomplete: Option<String>,
}

/// A change of state that checks found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StateFacts {
    /// When it began.
    pub time: Timestamp,
    /// The subject.
    pub subject: String,
    /// Its state before.
    pub from: Verdict,
    /// Its state since then.
    pub to: Verdict,
    /// What was wrong.
    pub summary: String,
}

impl From<&Change> for StateFacts {
    fn from(change: &Change) -> Self {
        let Change { at, subject, from, to, summary } = change;
        StateFacts {
            time: at.time,
            subject: subject.clone(),
            from: (*from).into(),
            to: (*to).into(),
            summary: summary.clone(),
        }
    }
}

/// A change.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChangeFacts {
    /// When it began.
    pub time: Timestamp,
    /// Who did it.
    pub user: String,
    /// From where; `null` when not over SSH.
    pub from: Option<String>,
    /// The verb.
    pub operation: String,
    /// Services.
    pub targets: Vec<String>,
    /// Its commands, as they can be pasted.
    pub commands: Vec<String>,
    /// `done`, what went wrong, `running`, or `unfinished`.
    pub outcome: String,
    /// Exit code; `null` when it did not end.
    pub exit_code: Option<u8>,
    /// How long it took; `null` when it did not end.
    pub seconds: Option<f64>,
}

impl History {
    /// Puts the two lines of each change together. One without an end is running if its process is `running`.
    pub fn new(head: Head, entries: Vec<Entry>, incomplete: Option<String>, running: Option<u32>, most: usize) -> Self {
        let name = head.deployment.clone().unwrap_or_default();
        let mut changes: Vec<(String, ChangeFacts)> = Vec::new();
        for entry in entries.into_iter().filter(|entry| entry.deployment == name) {
            let known = changes.iter_mut().rev().find(|(id, _)| *id == entry.id);
            match (entry.phase, known) {
                (Phase::End, Some((_, change))) => {
                    change.outcome = entry.outcome.unwrap_or_default();
                    change.exit_code = entry.exit_code;
                    change.seconds = entry.seconds;
                }
                (Phase::Begin, None) => {
                    let runs = running.is_some_and(|pid| entry.id.ends_with(&format!("-{pid}")));
                    let change = ChangeFacts {
                        time: entry.time,
                        user: entry.user,
                        from: entry.from,
                        operation: entry.operation,
                        targets: entry.targets,
                        commands: entry.commands,
                        outcome: if runs { "running" } else { "unfinished" }.to_owned(),
                        exit_code: None,
                        seconds: None,
                    };
                    changes.push((entry.id, change));
                }
                // An end whose beginning is too old to be read, or a line twice.
                (Phase::End, None) | (Phase::Begin, Some(_)) => {}
            }
        }
        let changes = changes.into_iter().rev().take(most).map(|(_, change)| change).collect();
        History { head, changes, states: Vec::new(), incomplete }
    }

    /// With changes of state as well: of both the newest, so many together.
    pub fn with_states(mut self, mut states: Vec<StateFacts>, most: usize) -> Self {
        states.sort_by_key(|state| std::cmp::Reverse(state.time));
        states.truncate(most);
        let mut times: Vec<Timestamp> = self.changes.iter().map(|change| change.time).collect();
        times.extend(states.iter().map(|state| state.time));
        times.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
        if let Some(oldest) = most.checked_sub(1).and_then(|last| times.get(last)) {
            self.changes.retain(|change| change.time >= *oldest);
            states.retain(|state| state.time >= *oldest);
        }
        self.states = states;
        self
    }
}

impl Report for History {
    fn text(&self, page: &mut Text) {
        if self.changes.is_empty() && self.states.is_empty() {
            page.line(&[Cell::plain(format!("{} changed nothing yet", program::name()))]);
            return;
        }
        let mut columns = vec![
            Column::key("TIME"),
            Column::key("WHO"),
            Column::key("FROM").rank(2),
            Column::prose("CHANGE"),
            Column::key("SECONDS").rank(1),
        ];
        if page.wide {
            columns.push(Column::prose("COMMANDS"));
        }
        columns.push(Column::prose("OUTCOME"));
        let rows = self.changes.iter().map(|change| {
            let verdict = match change.exit_code {
                Some(0) => Verdict::Pass,
                Some(_) => Verdict::Fail,
                None => Verdict::Unknown,
            };
            let mut row = vec![
                Cell::plain(stamp(change.time)),
                Cell::plain(change.user.clone()),
                Cell::or_dash(change.from.clone()),
                Cell::plain(format!("{} {}", change.operation, change.targets.join(" "))),
                Cell::or_dash(change.seconds.map(|seconds| format!("{seconds:.1}"))),
            ];
            if page.wide {
                row.push(Cell::plain(change.commands.join("; ")));
            }
            row.push(Cell(Tone::Of(verdict), change.outcome.clone()));
            (change.time, row)
        });
        let states = self.states.iter().map(|state| {
            let mut row = vec![
                Cell::plain(stamp(state.time)),
                Cell::plain("check"),
                Cell::or_dash(None::<String>),
                Cell::plain(format!("{}: {}, was {}", state.subject, label(state.to), label(state.from))),
                Cell::or_dash(None::<String>),
            ];
            if page.wide {
                row.push(Cell::plain(""));
            }
            row.push(Cell(Tone::Of(state.to), state.summary.clone()));
            (state.time, row)
        });
        let mut rows: Vec<_> = rows.chain(states).collect();
        rows.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        page.table(&columns, rows);
    }

    fn names(&self) -> Vec<String> {
        self.changes.iter().map(|change| change.operation.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn entry(id: &str, phase: Phase, outcome: Option<&str>) -> Entry {
        Entry {
            time: Timestamp::UNIX_EPOCH,
            id: id.to_owned(),
            phase,
            deployment: "prim".to_owned(),
            host: "vps1".to_owned(),
            user: "root".to_owned(),
            from: None,
            operation: "restart".to_owned(),
            targets: vec!["wallet".to_owned()],
            commands: Vec::new(),
            outcome: outcome.map(str::to_owned),
            exit_code: outcome.map(|_| 0),
            seconds: outcome.map(|_| 1.5),
        }
    }

    fn history(entries: Vec<Entry>) -> Vec<(String, Option<u8>)> {
        let head = Head {
            schema: "opsctl/history/v1",
            opsctl: "0",
            deployment: Some("prim".to_owned()),
            host: "vps1".to_owned(),
            time: Timestamp::UNIX_EPOCH,
            verdict: Verdict::Pass,
            exit_code: Exit::Success,
            error: None,
        };
        let history = History::new(head, entries, None, Some(7), 10);
        history.changes.into_iter().map(|change| (change.outcome, change.exit_code)).collect()
    }

    #[test]
    fn the_two_lines_of_a_change_are_put_together_and_one_without_an_end_is_said_to_have_none() {
        let other = Entry { deployment: "plugspace".to_owned(), ..entry("4-9", Phase::Begin, None) };
        let entries = vec![
            entry("0-5", Phase::End, Some("done")),
            entry("1-5", Phase::Begin, None),
            entry("2-6", Phase::Begin, None),
            entry("1-5", Phase::End, Some("done")),
            other,
            entry("3-7", Phase::Begin, None),
        ];
        let wanted = [("running".to_owned(), None), ("unfinished".to_owned(), None), ("done".to_owned(), Some(0))];
        assert_eq!(history(entries), wanted);
    }
}
