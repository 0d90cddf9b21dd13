//! The versions of a deployment that were seen to work, and the migrations that were applied: a line each, added and never
//! changed.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Version, short};
use crate::host::files::own;
use crate::host::system::System;
use crate::registry::Deployment;

/// Where state is kept that must outlive a boot.
const DIRECTORY: &str = "/var/lib/opsctl";

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ReleaseLine {
    Release(Record),
    Baseline(Baseline),
    Begun(Migration),
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

/// The migrations that were there before opsctl first looked, all in one line, so that it is known of all or of none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// When it looked.
    pub time: Timestamp,
    /// Names of the files, and the hashes of their contents.
    pub files: BTreeMap<String, String>,
}

/// A migration that was begun, or applied.
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
    /// Migrations that are applied; `None` when opsctl never looked which are.
    pub migrations: Option<Vec<Migration>>,
    /// Those that were begun and whose end was not seen.
    pub begun: Vec<Migration>,
    /// Lines that could not be understood.
    pub damaged: usize,
}

impl Records {
    /// The newest version that is not this one.
    pub fn before(&self, current: &Version) -> Option<&Record> {
        self.releases.iter().rev().find(|record| !record.version.is(current))
    }

    /// Of the file's text.
    pub fn parse(text: &str) -> Self {
        let mut records = Records::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(ReleaseLine::Release(record)) => records.releases.push(record),
                Ok(ReleaseLine::Baseline(Baseline { time, files })) => {
                    let files = files.into_iter().map(|(name, blob)| Migration { time, name, blob });
                    records.migrations.get_or_insert_default().extend(files);
                }
                Ok(ReleaseLine::Begun(migration)) => records.begun.push(migration),
                Ok(ReleaseLine::Migration(migration)) => {
                    records.begun.retain(|begun| begun.name != migration.name);
                    records.migrations.get_or_insert_default().push(migration);
                }
                Err(_) => records.damaged += 1,
            }
        }
        records
    }
}

/// By what each of these versions is told from the others: its commit, else one of its images that only it has.
pub fn ids(records: &[Record]) -> Vec<String> {
    let names = |version: &Version| -> Vec<String> {
        version.revision.iter().chain(version.images.values()).map(|hash| short(hash).to_owned()).collect()
    };
    let is_its_own = |version: &Version, name: &String| {
        records.iter().all(|other| other.version.is(version) || !names(&other.version).contains(name))
    };
    let id = |record: &Record| {
        let names = names(&record.version);
        let own = names.iter().find(|name| is_its_own(&record.version, name));
        own.or(names.first()).cloned().unwrap_or_default()
    };
    records.iter().map(id).collect()
}

fn path(deployment: &Deployment) -> String {
    format!("{DIRECTORY}/{}.releases.jsonl", deployment.name)
}

/// What is recorded of a deployment; nothing where nothing was ever recorded.
///
/// # Errors
/// As the operating system says.
pub fn read(system: &System, deployment: &Deployment) -> io::Result<Records> {
    match system.read(path(deployment)) {
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
    own::append_line(system, DIRECTORY, &path(deployment), &ReleaseLine::Release(record))
}

/// Adds the migrations that were there before opsctl first looked.
///
/// # Errors
/// As the operating system says.
pub fn baseline(system: &System, deployment: &Deployment, baseline: Baseline) -> io::Result<()> {
    own::append_line(system, DIRECTORY, &path(deployment), &ReleaseLine::Baseline(baseline))
}

/// Adds a migration that is about to be applied.
///
/// # Errors
/// As the operating system says.
pub fn begun(system: &System, deployment: &Deployment, migration: Migration) -> io::Result<()> {
    own::append_line(system, DIRECTORY, &path(deployment), &ReleaseLine::Begun(migration))
}

/// Adds a migration that was applied.
///
/// # Errors
/// As the operating system says.
pub fn applied(system: &System, deployment: &Deployment, migration: Migration) -> io::Result<()> {
    own::append_line(system, DIRECTORY, &path(deployment), &ReleaseLine::Migration(migration))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(revision: &str) -> Record {
        let version = Version { revision: Some(revision.to_owned()), ..Version::default() };
        Record { time: Timestamp::UNIX_EPOCH, by: "root".to_owned(), how: How::Redeployed, version }
    }

    fn migration(name: &str) -> Migration {
        Migration { time: Timestamp::UNIX_EPOCH, name: name.to_owned(), blob: "bb".to_owned() }
    }

    fn lines(lines: &[ReleaseLine]) -> Vec<String> {
        lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect()
    }

    #[test]
    fn k10_a_torn_line_is_counted_and_costs_no_other() {
        let lines = lines(&[
            ReleaseLine::Release(record("aa")),
            ReleaseLine::Migration(migration("7")),
            ReleaseLine::Release(record("cc")),
        ]);
        let whole = Records::parse(&lines.concat());
        assert_eq!((whole.releases.len(), whole.migrations.unwrap().len(), whole.damaged), (2, 1, 0));
        for cut in 1..lines[2].len() - 1 {
            let torn = Records::parse(&(lines[0].clone() + &lines[1] + &lines[2][..cut]));
            assert_eq!((torn.releases.len(), torn.migrations.unwrap().len(), torn.damaged), (1, 1, 1), "{cut}");
        }
    }

    #[test]
    fn j8_what_was_there_before_is_known_as_a_whole_or_not_at_all() {
        let files = [("001.sql", "aa"), ("002.sql", "bb")].map(|(name, blob)| (name.to_owned(), blob.to_owned()));
        let line =
            lines(&[ReleaseLine::Baseline(Baseline { time: Timestamp::UNIX_EPOCH, files: files.into() })]).concat();
        let names = |text: &str| {
            let migrations = Records::parse(text).migrations?;
            Some(migrations.into_iter().map(|migration| migration.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&line), Some(vec!["001.sql".to_owned(), "002.sql".to_owned()]));
        for cut in 0..line.len() - 1 {
            assert_eq!(names(&line[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn j8_a_migration_that_was_begun_and_not_ended_is_told() {
        let text = lines(&[
            ReleaseLine::Begun(migration("7")),
            ReleaseLine::Migration(migration("7")),
            ReleaseLine::Begun(migration("8")),
            ReleaseLine::Begun(migration("8")),
        ]);
        let names = |text: &[String]| -> Vec<String> {
            Records::parse(&text.concat()).begun.into_iter().map(|migration| migration.name).collect()
        };
        assert_eq!((names(&text[..1]), names(&text[..2])), (vec!["7".to_owned()], Vec::new()));
        assert_eq!(names(&text[..3]), ["8"]);
    }

    #[test]
    fn a_version_is_called_by_what_only_it_has() {
        let made = |revision: &str, web: &str, worker: &str| {
            let images = [("web", web), ("worker", worker)].map(|(tag, id)| (tag.to_owned(), format!("sha256:{id}")));
            let version = Version { images: images.into(), ..record(revision).version };
            Record { version, ..record(revision) }
        };
        let records =
            [made("a", "web1", "all"), made("a", "web2", "all"), made("b", "web3", "new"), made("b", "web3", "new")];
        assert_eq!(ids(&records), ["web1", "web2", "b", "b"]);
        assert_eq!(ids(&["a", "b", "a"].map(record)), ["a", "b", "a"]);
        assert_eq!(ids(&[]), Vec::<String>::new());
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
