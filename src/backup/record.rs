//! What this host knows of its backups: a line each, added and never changed. A run is recorded as begun before it starts, and
//! counts as failed until it is recorded how it ended.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::Id;
use super::retention::LastRun;
use crate::error::{Code, Error};
use crate::host::files::own;
use crate::host::system::System;
use crate::registry::Deployment;

/// Where state is kept that must outlive a boot.
pub const DIRECTORY: &str = "/var/lib/opsctl";

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BackupLine {
    /// A run of these sets begins.
    Begun {
        /// The run.
        id: Id,
        /// When.
        time: Timestamp,
        /// Sets.
        sets: Vec<String>,
    },
    /// A set of a run has ended.
    Ended(Ended),
    /// A copy was looked at again.
    Looked(Looked),
    /// Copies of a set are about to be deleted: what is left of them has outlived its use.
    Pruned {
        /// When.
        time: Timestamp,
        /// The set.
        set: String,
        /// The runs.
        ids: Vec<Id>,
    },
}

/// How a set of a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The run.
    pub id: Id,
    /// When.
    pub time: Timestamp,
    /// The set.
    pub set: String,
    /// How.
    pub came: Came,
    /// Size, bytes.
    pub bytes: u64,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// Mark of the key that its manifest is signed with; `None` where there is no copy, or none that was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
}

/// How a set of a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// The copy was proven.
    Proven,
    /// It was proven, but something is odd about it, so that nothing is to be pruned.
    Doubted(String),
    /// There is none.
    Failed(String),
    /// It need not be on this host, and was not.
    Absent,
}

/// What came of looking at a copy again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The run.
    pub id: Id,
    /// When.
    pub time: Timestamp,
    /// The set.
    pub set: String,
    /// What for.
    pub how: How,
    /// What is wrong with it; `None` when it was restored in scratch and is as its manifest says.
    pub trouble: Option<String>,
    /// How long it took, milliseconds.
    pub took_ms: u64,
}

/// What a copy was looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// `backup verify`.
    Verify,
    /// `backup drill`.
    Drill,
    /// `restore`, before anything is replaced.
    Restore,
}

impl How {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            How::Verify => "verify",
            How::Drill => "drill",
            How::Restore => "restore",
        }
    }
}

/// All that is recorded of one set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    lines: Vec<BackupLine>,
    /// Lines that could not be understood.
    pub damaged: usize,
}

impl Records {
    /// Of the file's text.
    pub fn parse(text: &str) -> Self {
        let mut records = Records::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(line) => records.lines.push(line),
                Err(_) => records.damaged = records.damaged.saturating_add(1),
            }
        }
        records
    }

    /// These lines.
    #[cfg(test)]
    pub(super) fn of(lines: Vec<BackupLine>) -> Self {
        Records { lines, damaged: 0 }
    }

    /// How the last run of a set ended.
    pub fn last_run(&self, set: &str) -> LastRun {
        let begun = self.lines.iter().rev().find_map(|line| match line {
            BackupLine::Begun { id, sets, .. } if sets.iter().any(|name| name == set) => Some(*id),
            _ => None,
        });
        let Some(begun) = begun else { return LastRun::None };
        match self.ended(set).find(|ended| ended.id == begun) {
            None => LastRun::Failed(format!("run {begun} did not finish")),
            Some(ended) => match &ended.came {
                Came::Proven => LastRun::Well(begun),
                Came::Doubted(what) | Came::Failed(what) => LastRun::Failed(what.clone()),
                Came::Absent => LastRun::None,
            },
        }
    }

    /// Leaves out what the last run has not come to yet: it is under way, and has not failed.
    pub fn leave_out_pending(&mut self) {
        let has_ended = |id: Id, set: &str| self.ended(set).any(|ended| ended.id == id);
        let last = self.lines.iter().enumerate().rev().find_map(|(at, line)| match line {
            BackupLine::Begun { id, sets, .. } => {
                Some((at, sets.iter().filter(|set| has_ended(*id, set)).cloned().collect()))
            }
            BackupLine::Ended(_) | BackupLine::Looked(_) | BackupLine::Pruned { .. } => None,
        });
        if let Some((at, ended)) = last
            && let Some(BackupLine::Begun { sets, .. }) = self.lines.get_mut(at)
        {
            *sets = ended;
        }
    }

    /// The newest proven copy of a set that this host made.
    pub fn last_proven(&self, set: &str) -> Option<&Ended> {
        self.ended(set).find(|ended| matches!(ended.came, Came::Proven | Came::Doubted(_)))
    }

    /// The newest proven copy of a set whose manifest is signed with the key of this mark.
    pub fn last_signed(&self, set: &str, mark: &str) -> Option<&Ended> {
        let is_signed = |ended: &&Ended| ended.signed_by.as_deref() == Some(mark);
        self.ended(set).filter(|ended| matches!(ended.came, Came::Proven | Came::Doubted(_))).find(is_signed)
    }

    /// The proven copies of a set that this host made, newest first.
    pub fn proven(&self, set: &str) -> impl Iterator<Item = Id> {
        self.ended(set).filter(|ended| matches!(ended.came, Came::Proven | Came::Doubted(_))).map(|ended| ended.id)
    }

    /// Whether this host began this run, of this set among others.
    fn is_begun(&self, set: &str, id: Id) -> bool {
        self.lines.iter().any(|line| match line {
            BackupLine::Begun { id: other, sets, .. } => *other == id && sets.iter().any(|name| name == set),
            BackupLine::Ended(_) | BackupLine::Looked(_) | BackupLine::Pruned { .. } => false,
        })
    }

    /// Whether this host was about to delete the copy of this run, which was proven to be its own.
    fn is_pruned(&self, set: &str, id: Id) -> bool {
        self.lines.iter().any(|line| match line {
            BackupLine::Pruned { set: other, ids, .. } => other == set && ids.contains(&id),
            BackupLine::Begun { .. } | BackupLine::Ended(_) | BackupLine::Looked(_) => false,
        })
    }

    /// Whether this host knows of this run of a set.
    pub fn is_known(&self, set: &str, id: Id) -> bool {
        self.is_begun(set, id) || self.is_pruned(set, id)
    }

    /// Whether what lies on the remote of a run without a manifest is left of one that this host began and that did not come to a
    /// proven copy, or of one that it has pruned. A copy that was proven, and whose manifest is gone, is neither.
    pub fn is_leftover(&self, set: &str, id: Id) -> bool {
        let proven = |ended: &Ended| ended.id == id && matches!(ended.came, Came::Proven | Came::Doubted(_));
        self.is_pruned(set, id) || (self.is_begun(set, id) && !self.ended(set).any(proven))
    }

    /// Newest first.
    fn ended<'a, 's>(&'a self, set: &'s str) -> impl Iterator<Item = &'a Ended> + use<'a, 's> {
        self.lines.iter().rev().filter_map(move |line| match line {
            BackupLine::Ended(ended) if ended.set == set => Some(ended),
            _ => None,
        })
    }

    /// What the last look at a copy found wrong with it.
    pub fn trouble(&self, set: &str, id: Id) -> Option<&str> {
        self.looked(set).find(|looked| looked.id == id)?.trouble.as_deref()
    }

    /// When a copy was last restored, in scratch or for good, after the run that made it.
    pub fn last_restore(&self, set: &str, id: Id) -> Option<&Looked> {
        self.looked(set).find(|looked| looked.id == id && looked.trouble.is_none())
    }

    /// Newest first.
    fn looked<'a, 's>(&'a self, set: &'s str) -> impl Iterator<Item = &'a Looked> + use<'a, 's> {
        self.lines.iter().rev().filter_map(move |line| match line {
            BackupLine::Looked(looked) if looked.set == set => Some(looked),
            _ => None,
        })
    }

    /// Whether something was recorded, and nothing of it can be understood any more.
    pub fn are_lost(&self) -> bool {
        self.lines.is_empty() && self.damaged > 0
    }

    /// Numbers of the runs that this host began.
    pub fn sequences(&self) -> Vec<u64> {
        let number = |line: &BackupLine| match line {
            BackupLine::Begun { id, .. } => Some(id.sequence),
            BackupLine::Ended(_) | BackupLine::Looked(_) | BackupLine::Pruned { .. } => None,
        };
        self.lines.iter().filter_map(number).collect()
    }
}

/// The most that is read, bytes: some hundred thousand runs.
const LONGEST: u64 = 64 << 20;

/// Where that is kept.
pub fn path(deployment: &Deployment) -> String {
    format!("{DIRECTORY}/{}.backups.jsonl", deployment.name)
}

/// What is recorded of a deployment; nothing where nothing was ever recorded.
///
/// # Errors
/// As the operating system says.
pub fn read(system: &System, deployment: &Deployment) -> io::Result<Records> {
    // All of it, however long it has become: what was recorded last counts most.
    match system.tail(path(deployment), LONGEST) {
        Ok((bytes, _)) => Ok(Records::parse(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Records::default()),
        Err(error) => Err(error),
    }
}

/// Adds a line and makes it durable.
///
/// # Errors
/// As the operating system says.
pub fn keep(system: &System, deployment: &Deployment, line: &BackupLine) -> io::Result<()> {
    own::append_line(system, DIRECTORY, &path(deployment), line)
}

/// That what is done cannot be recorded.
pub fn unwritable(error: &io::Error) -> Error {
    Error::failed(
        Code::RecordUnwritable,
        format!("the run cannot be recorded in {DIRECTORY}: {error}; it counts as failed"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(sequence: u64) -> Id {
        Id::new(Timestamp::UNIX_EPOCH, sequence, 1)
    }

    fn begun(sequence: u64, sets: &[&str]) -> BackupLine {
        let sets = sets.iter().map(|set| (*set).to_owned()).collect();
        BackupLine::Begun { id: id(sequence), time: Timestamp::UNIX_EPOCH, sets }
    }

    fn ended(sequence: u64, set: &str, trouble: Option<&str>) -> BackupLine {
        BackupLine::Ended(Ended {
            id: id(sequence),
            time: Timestamp::UNIX_EPOCH,
            set: set.to_owned(),
            came: trouble.map_or(Came::Proven, |trouble| Came::Failed(trouble.to_owned())),
            bytes: 1,
            rows: BTreeMap::new(),
            signed_by: trouble.is_none().then(|| "mark".to_owned()),
        })
    }

    fn records(lines: &[BackupLine]) -> Records {
        let text: String = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
        let read = Records::parse(&text);
        assert_eq!(read.lines, lines);
        for cut in 1..serde_json::to_string(lines.last().unwrap()).unwrap().len() {
            let torn = Records::parse(&text[..text.len() - 1 - cut]);
            assert_eq!((torn.lines.len(), torn.damaged), (lines.len() - 1, 1), "{cut}");
        }
        read
    }

    #[test]
    fn h1_a_run_has_failed_until_it_is_known_to_have_ended_well() {
        let all = [begun(1, &["a", "b"]), ended(1, "a", None), ended(1, "b", Some("missing")), begun(2, &["a"])];
        let one = records(&all[..3]);
        assert_eq!(one.last_run("a"), LastRun::Well(id(1)));
        assert_eq!(one.last_run("b"), LastRun::Failed("missing".to_owned()));
        assert_eq!(one.last_run("c"), LastRun::None);
        let two = records(&all);
        assert!(matches!(two.last_run("a"), LastRun::Failed(told) if told.ends_with("did not finish")));
        assert_eq!(two.last_proven("a").unwrap().id, id(1));
        assert_eq!(two.sequences(), [1, 2]);
        assert_eq!(two.last_signed("a", "mark").map(|ended| ended.id), Some(id(1)));
        assert_eq!((two.last_signed("a", "other"), two.last_signed("b", "mark")), (None, None));
        assert!(!two.are_lost() && !Records::parse("").are_lost() && Records::parse("\0\0\nnonsense").are_lost());
        let mut under_way = two.clone();
        under_way.leave_out_pending();
        assert_eq!((under_way.last_run("a"), under_way.last_run("b")), (one.last_run("a"), one.last_run("b")));
        let mut half = records(&[begun(1, &["a", "b"]), ended(1, "a", None)]);
        half.leave_out_pending();
        assert_eq!((half.last_run("a"), half.last_run("b")), (LastRun::Well(id(1)), LastRun::None));
        let last = |came| {
            let ended = Ended { came, ..records(&all[..2]).last_proven("a").unwrap().clone() };
            records(&[begun(1, &["a"]), BackupLine::Ended(ended)]).last_run("a")
        };
        assert_eq!(last(Came::Doubted("it shrank".to_owned())), LastRun::Failed("it shrank".to_owned()));
        assert_eq!(last(Came::Absent), LastRun::None);
    }

    #[test]
    fn h5_what_a_later_look_found_counts() {
        let look = |how, trouble: Option<&str>| {
            let trouble = trouble.map(str::to_owned);
            BackupLine::Looked(Looked {
                id: id(1),
                time: Timestamp::UNIX_EPOCH,
                set: "a".to_owned(),
                how,
                trouble,
                took_ms: 5,
            })
        };
        let bad = records(&[look(How::Drill, None), look(How::Verify, Some("another hash"))]);
        assert_eq!(bad.trouble("a", id(1)), Some("another hash"));
        assert_eq!(bad.last_restore("a", id(1)).map(|looked| looked.how), Some(How::Drill));
        assert_eq!((bad.trouble("a", id(2)), bad.trouble("b", id(1))), (None, None));
        let mended = records(&[look(How::Verify, Some("unreadable")), look(How::Drill, None)]);
        assert_eq!(mended.trouble("a", id(1)), None);
    }

    #[test]
    fn g7_only_what_this_host_began_and_never_proved_or_has_pruned_is_left_over() {
        let pruned = BackupLine::Pruned { time: Timestamp::UNIX_EPOCH, set: "a".to_owned(), ids: vec![id(1), id(9)] };
        let before = records(&[begun(1, &["a"]), ended(1, "a", None), begun(2, &["a", "b"]), ended(2, "b", Some("x"))]);
        let left = |records: &Records| {
            let all = [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 2), ("a", 9)];
            all.into_iter().filter(|(set, n)| records.is_leftover(set, id(*n))).collect::<Vec<_>>()
        };
        assert_eq!(left(&before), [("a", 2), ("b", 2)]);
        let after = records(&[before.lines.clone(), vec![pruned]].concat());
        assert_eq!(left(&after), [("a", 1), ("a", 2), ("b", 2), ("a", 9)]);
        assert!(!after.is_leftover("a", Id { chance: 2, ..id(2) }), "another's of the same number");
    }

    #[test]
    fn numbers_that_no_run_can_have_are_not_taken_from_a_line() {
        let line = serde_json::to_string(&begun(7, &["a"])).unwrap();
        let hostile = line.replace("-7-", "-18446744073709551615-");
        let read = Records::parse(&format!("{line}\n{hostile}\n"));
        assert_eq!((read.sequences(), read.damaged), (vec![7], 1));
        let older = serde_json::to_string(&ended(7, "a", None)).unwrap().replace(",\"signed_by\":\"mark\"", "");
        let read = Records::parse(&older);
        assert_eq!((read.damaged, read.last_signed("a", "mark")), (0, None));
        assert!(read.last_proven("a").is_some());
    }
}
