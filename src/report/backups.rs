//! `get backups`: what is kept of a deployment, where, how often and for how long.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use crate::registry::{BackupSet, Retention, Schedule, Secrecy, Source};
use crate::ui::Report;
use crate::ui::{Cell, Column, Text};

/// The backup sets of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BackupSets {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// In the registry's order.
    pub sets: Vec<SetFacts>,
}

/// A backup set.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SetFacts {
    /// Name.
    pub name: &'static str,
    /// What is in it.
    pub what: &'static str,
    /// `sqlite postgres redis mongodb files`.
    pub kind: &'static str,
    /// Where that is on the host.
    pub source: String,
    /// Why it may be missing on a host; `null` where it must be there.
    pub optional: Option<&'static str>,
    /// Services that are stopped while it is restored.
    pub owners: Vec<&'static str>,
    /// Whether it is encrypted before it leaves the host.
    pub encrypted: bool,
    /// When a copy is made.
    pub schedule: String,
    /// How long copies are kept.
    pub retention: String,
    /// Where copies are kept, as rclone takes it.
    pub remote: String,
    /// How much work may be lost, seconds.
    pub rpo_seconds: u32,
    /// What else there is to know.
    pub note: Option<&'static str>,
}

impl SetFacts {
    /// As the registry has it.
    pub fn new(set: &'static BackupSet) -> Self {
        SetFacts {
            name: set.name,
            what: set.what,
            kind: set.source.kind(),
            source: set.source.place(),
            optional: set.optional,
            owners: set.owners.iter().map(|owner| owner.name).collect(),
            encrypted: matches!(set.source, Source::Files { secrecy: Secrecy::Credentials, .. }),
            schedule: schedule(set),
            retention: retention(set.retention),
            remote: format!("{}/{}", set.remote.place(), set.name),
            rpo_seconds: set.rpo_seconds,
            note: set.note,
        }
    }

    /// As one line.
    pub fn line(&self) -> String {
        let hours = self.rpo_seconds / 3600;
        let optional = if self.optional.is_some() { " where it exists" } else { "" };
        format!(
            "{}: {} {}{optional}, {}, at most {hours} h lost, kept {}",
            self.name, self.kind, self.source, self.schedule, self.retention
        )
    }
}

fn schedule(set: &BackupSet) -> String {
    let rests = if set.source.rests() { "; its services are stopped meanwhile" } else { "" };
    match set.schedule {
        Schedule::Daily { hour, minute } => format!("daily {hour:02}:{minute:02} UTC{rests}"),
        Schedule::ByHand(why) => format!("by hand: {why}"),
    }
}

fn retention(retention: Retention) -> String {
    match retention {
        Retention::Days(days) => format!("{days} days"),
        Retention::Tiers { daily, weekly, monthly } => format!("{daily} days, {weekly} weeks, {monthly} months"),
    }
}

impl Report for BackupSets {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        let mut columns = vec![
            Column::key("SET"),
            Column::key("KIND"),
            Column::key("SCHEDULE"),
            Column::key("RETENTION").rank(3),
            Column::key("RPO").rank(2),
        ];
        if page.wide {
            columns.extend([Column::prose("OWNERS"), Column::prose("REMOTE")]);
        }
        columns.extend([Column::prose("SOURCE").rank(1), Column::prose("SUMMARY")]);
        let rows = self.sets.iter().map(|set| {
            let mut row = vec![
                Cell::plain(set.name),
                Cell::plain(set.kind),
                // Why one is made by hand is told by explain.
                Cell::plain(
                    set.schedule
                        .split_once([':', ';'])
                        .filter(|(head, _)| *head == "by hand")
                        .map_or(set.schedule.as_str(), |(head, _)| head),
                ),
                Cell::plain(set.retention.clone()),
                Cell::plain(format!("{} h", set.rpo_seconds / 3600)),
            ];
            if page.wide {
                row.push(Cell::or_dash((!set.owners.is_empty()).then(|| set.owners.join(","))));
                row.push(Cell::plain(set.remote.clone()));
            }
            row.extend([Cell::plain(set.source.clone()), Cell::plain(set.what)]);
            row
        });
        let rows = rows.collect();
        page.table(&columns, rows);
    }

    fn names(&self) -> Vec<String> {
        self.sets.iter().map(|set| set.name.to_owned()).collect()
    }
}
