//! The versions of a deployment that were seen to work, and the migrations that were applied: a line each, added and never
//! changed.

use std::io;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Version;
use crate::action::append_line;
use crate::registry::Deployment;
use crate::system::System;

/// Where state is kept that must outlive a boot.
const DIRECTORY: &str = "/var/lib/opsctl";

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Release(Record),
    Migration(Migration),
}

/// A version that was seen to work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it was seen.
    pub time: Timestamp,
    /// Who was at it.
    pub by: String,
    /// How it came.
    pub how: How,
    /// What it is.
    #[serde(flatten)]
    pub version: Version,
}

/// How a version came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It ran already when opsctl first looked.
    Found,
    /// By `redeploy`.
    Redeployed,
    /// By `rollback`, or because a newer one did not work.
    RolledBack,
}

/// A migration that was applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// When.
    pub time: Timestamp,
    /// Name of the file.
    pub name: String,
    /// Hash of its content.
    pub blob: String,
}

/// All that is recorded, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records {
    /// Versions.
    pub releases: Vec<Record>,
    /// Migrations.
    pub migrations: Vec<Migration>,
    /// Lines that could not be understood.
    pub damaged: usize,
}

impl Records {
    /// The newest version that is not this one.
    pub fn before(&self, current: &Version) -> Option<&Record> {
        self.releases.iter().rev().find(|record| !record.version.is(current))
    }

    fn parse(text: &str) -> Self {
        let mut records = Records::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(Line::Release(record)) => records.releases.push(record),
                Ok(Line::Migration(migration)) => records.migrations.push(migration),
                Err(_) => records.damaged += 1,
            }
        }
        records
    }
}

fn path(deployment: &Deployment) -> String {
    format!("{DIRECTORY}/{}.releases.jsonl", deployment.name)
}

/// What is recorded of a deployment; nothing where nothing was ever recorded.
///
/// # Errors
/// As the operating system says.
pub fn read(system: &System, deployment: &Deployment) -> io::Result<Records> {
    match system.read(&path(deployment)) {
        Ok(text) => Ok(Records::parse(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Records::default()),
        Err(error) => Err(error),
    }
}

/// Adds a version that was seen to work.
///
/// # Errors
/// As the operating system says.
pub fn keep(system: &System, deployment: &Deployment, record: Record) -> io::Result<()> {
    append_line(system, DIRECTORY, &path(deployment), &Line::Release(record))
}

/// Adds a migration that was applied.
///
/// # Errors
/// As the operating system says.
pub fn applied(system: &System, deployment: &Deployment, migration: Migration) -> io::Result<()> {
    append_line(system, DIRECTORY, &path(deployment), &Line::Migration(migration))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(revision: &str) -> Record {
        let version = Version { revision: Some(revision.to_owned()), ..Version::default() };
        Record { time: Timestamp::UNIX_EPOCH, by: "root".to_owned(), how: How::Redeployed, version }
    }

    #[test]
    fn k10_a_torn_line_is_counted_and_costs_no_other() {
        let lines = [
            Line::Release(record("aa")),
            Line::Migration(Migration { time: Timestamp::UNIX_EPOCH, name: "7".to_owned(), blob: "bb".to_owned() }),
            Line::Release(record("cc")),
        ]
        .map(|line| serde_json::to_string(&line).unwrap() + "\n");
        let whole = Records::parse(&lines.concat());
        assert_eq!((whole.releases.len(), whole.migrations.len(), whole.damaged), (2, 1, 0));
        for cut in 1..lines[2].len() - 1 {
            let torn = Records::parse(&(lines[0].clone() + &lines[1] + &lines[2][..cut]));
            assert_eq!((torn.releases.len(), torn.migrations.len(), torn.damaged), (1, 1, 1), "{cut}");
        }
    }

    #[test]
    fn the_one_before_is_the_newest_that_is_another() {
        let records = Records { releases: ["a", "b", "a", "c", "c"].map(record).to_vec(), ..Records::default() };
        let before =
            |current: &str| records.before(&record(current).version).unwrap().version.revision.clone().unwrap();
        assert_eq!((before("c"), before("a"), before("x")), ("a".to_owned(), "c".to_owned(), "c".to_owned()));
        assert_eq!(Records::default().before(&Version::default()), None);
    }
}
