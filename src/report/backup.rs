//! `backup`, `backup list`, `verify`, `drill`, `prune`: the plan, the inventory and the outcome.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use crate::backup::create::{CopyEnd, Run};
use crate::backup::manifest::total;
use crate::backup::name::Id;
use crate::backup::prune;
use crate::judge::freshness::Freshness;
use crate::program;
use crate::registry::Verdict;
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};
use crate::units::{age, bytes};

/// A run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Backup {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// The run; `null` for a dry run.
    pub id: Option<Id>,
    /// Where copies go.
    pub remote: String,
    /// By set.
    pub sets: Vec<SetOutcome>,
    /// Commands that are run for all of it, as they can be pasted; only for a dry run.
    pub commands: Vec<String>,
    /// Directory on this host of copies that could not be uploaded or verified; `null` where there are none.
    pub kept: Option<String>,
    /// How long it took, seconds; `null` for a dry run.
    pub seconds: Option<f64>,
}

/// Outcome of a set.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SetOutcome {
    /// Its name.
    pub set: String,
    /// Its outcome.
    pub outcome: BackupOutcome,
    /// What the copy holds, or why it failed.
    pub summary: String,
    /// Size of the copy, or of what would be copied, bytes; `null` where there is none.
    pub bytes: Option<u64>,
    /// SHA-256 of the copy; `null` where there is none.
    pub sha256: Option<String>,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// What is unusual about a verified copy; nothing is pruned then.
    pub warning: Option<String>,
}

/// Its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackupOutcome {
    /// It would be copied.
    Planned,
    /// Copied, read back, and restored in scratch.
    Proven,
    /// There is no copy of it.
    Failed,
    /// It need not be on this host, and is not.
    Absent,
}

impl Backup {
    /// Of a run that has ended.
    pub fn ended(head: Head, remote: String, run: &Run) -> Self {
        let sets = run.outcomes.iter().map(|outcome| {
            let plain = |word, summary: String| SetOutcome {
                set: outcome.set.name.to_owned(),
                outcome: word,
                summary,
                bytes: None,
                sha256: None,
                rows: BTreeMap::new(),
                warning: None,
            };
            match &outcome.end {
                CopyEnd::Failed(trouble) => plain(BackupOutcome::Failed, trouble.clone()),
                CopyEnd::Absent(why) => plain(BackupOutcome::Absent, format!("not on this host: {why}")),
                CopyEnd::Proven(manifest, doubt) => SetOutcome {
                    bytes: Some(manifest.bytes),
                    sha256: Some(manifest.sha256.clone()),
                    rows: manifest.rows.clone(),
                    warning: doubt.clone(),
                    ..plain(BackupOutcome::Proven, format!("{}, {}", bytes(manifest.bytes), rows(&manifest.rows)))
                },
            }
        });
        Backup {
            head,
            dry_run: false,
            id: Some(run.id),
            remote,
            sets: sets.collect(),
            commands: Vec::new(),
            kept: run.kept.as_ref().map(|path| path.display().to_string()),
            seconds: Some((run.took.as_secs_f64() * 1000.0).round() / 1000.0),
        }
    }
}

/// `12 rows in 2 tables`, `2 keys`, `40 files`.
fn rows(rows: &BTreeMap<String, u64>) -> String {
    let count = |count: u64, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let all = total(rows);
    match () {
        () if rows.keys().all(|key| key.starts_with('/')) => count(all, "file"),
        () if rows.keys().eq(["keys"]) => count(all, "key"),
        () => format!("{} in {}", count(all, "row"), count(rows.len() as u64, "table")),
    }
}

impl Report for Backup {
    fn text(&self, page: &mut Text) {
        if self.dry_run {
            let title = format!("backup to {}: nothing was changed", self.remote);
            page.line(&[Cell(Tone::Strong, title)]);
            page.gap();
            let cells = |set: &SetOutcome| {
                vec![
                    Cell::plain(set.set.clone()),
                    Cell::or_dash(set.bytes.map(bytes)),
                    Cell::plain(set.summary.clone()),
                ]
            };
            let columns = [Column::key("SET"), Column::key("SIZE"), Column::prose("SOURCE")];
            page.table(&columns, self.sets.iter().map(cells).collect());
            page.gap();
            self.commands.iter().for_each(|command| page.line(&[Cell::command(command.clone())]));
            return;
        }
        for set in &self.sets {
            let (word, verdict) = match set.outcome {
                BackupOutcome::Proven if set.warning.is_some() => ("WARN", Verdict::Warn),
                BackupOutcome::Planned | BackupOutcome::Proven => ("proven", Verdict::Pass),
                BackupOutcome::Failed => ("FAILED", Verdict::Fail),
                BackupOutcome::Absent => ("absent", Verdict::Pass),
            };
            let warning = set.warning.as_ref().map(|what| format!("; {what}")).unwrap_or_default();
            page.outcome(verdict, word, &[Cell::plain(format!("{}: {}{warning}", set.set, set.summary))]);
        }
        if let (Some(id), Some(seconds)) = (self.id, self.seconds) {
            page.labeled("run", &[Cell::plain(format!("{id} on {} ({seconds:.1} s)", self.remote))]);
        }
        if let Some(kept) = &self.kept {
            page.labeled("kept", &[Cell::plain(format!("unproven copies in {kept}"))]);
        }
    }

    fn names(&self) -> Vec<String> {
        self.sets.iter().filter(|set| set.outcome != BackupOutcome::Absent).map(|set| set.set.clone()).collect()
    }
}

/// How many foreign objects are listed by name.
const SHOWN: usize = 5;

/// Inventory of the remote.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Backups {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// Where.
    pub remote: String,
    /// Newest first, set by set.
    #[expect(clippy::struct_field_names, reason = "it is the name that scripts know")]
    pub backups: Vec<BackupRow>,
    /// How recent each set's newest verified copy is.
    pub sets: Vec<Freshness>,
    /// Number of objects that opsctl did not make, or that are left by runs that did not finish.
    pub others: usize,
    /// Paths of objects that this host did not verifiably make: they do not count as backups, and are never deleted.
    pub foreign: Vec<String>,
}

/// A copy.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BackupRow {
    /// The run.
    pub id: Id,
    /// The set.
    pub set: String,
    /// When the run began.
    pub time: Timestamp,
    /// How long ago that is, seconds; below zero where it is in the future.
    pub age_seconds: i64,
    /// Size, bytes; `null` where its manifest cannot be read.
    pub bytes: Option<u64>,
    /// Whether it was verified, and nothing contradicts that since.
    pub verified: bool,
    /// Whether this host signed its manifest; without a signature it does not count as a backup.
    pub signed: bool,
    /// Why it is not verified.
    pub trouble: Option<String>,
    /// When it was last restored, in scratch or for good; `null` where its manifest cannot be read.
    pub last_proven_restore: Option<Timestamp>,
    /// Rows of all tables; `null` where its manifest cannot be read.
    pub rows: Option<u64>,
}

impl Report for Backups {
    fn text(&self, page: &mut Text) {
        let rows = self.backups.iter().map(|backup| {
            let mut row = vec![
                Cell::plain(backup.set.clone()),
                Cell::plain(backup.id.to_string()),
                Cell::plain(age(backup.time, self.head.time)),
                Cell::or_dash(backup.bytes.map(bytes)),
                Cell::or_dash(backup.rows),
                match (backup.verified, backup.signed) {
                    (true, _) => Cell(Tone::Of(Verdict::Pass), "yes".to_owned()),
                    (false, true) => Cell(Tone::Of(Verdict::Fail), "NO".to_owned()),
                    (false, false) => Cell(Tone::Of(Verdict::Warn), "unsigned".to_owned()),
                },
                Cell::or_dash(backup.last_proven_restore.map(|time| format!("{} ago", age(time, self.head.time)))),
            ];
            row.push(Cell::plain(backup.trouble.clone().unwrap_or_default()));
            row
        });
        let columns = [
            Column::key("SET"),
            Column::key("ID"),
            Column::key("AGE"),
            Column::key("SIZE").rank(1),
            Column::key("ROWS").rank(3),
            Column::key("VERIFIED"),
            Column::key("RESTORED").rank(2),
            Column::prose("PROBLEM"),
        ];
        page.table(&columns, rows.collect());
        let wrong: Vec<&Freshness> = self.sets.iter().filter(|set| set.verdict != Verdict::Pass).collect();
        if !wrong.is_empty() {
            page.gap();
        }
        for set in wrong {
            let word = super::status::label(set.verdict).to_uppercase();
            page.outcome(set.verdict, &word, &[Cell::plain(format!("{}: {}", set.set, set.summary))]);
        }
        if self.others > 0 {
            page.line(&[Cell(
                Tone::Dim,
                format!(
                    "other objects on the remote: {} (not made by this host, or left by runs that did not finish)",
                    self.others
                ),
            )]);
        }
        for path in self.foreign.iter().take(SHOWN) {
            page.line(&[Cell(Tone::Dim, format!("foreign: {path}"))]);
        }
        if let Some(more @ 1..) = self.foreign.len().checked_sub(SHOWN) {
            page.line(&[Cell(Tone::Dim, format!("foreign: {more} more; {}", program::command("backup list -o json")))]);
        }
    }

    fn names(&self) -> Vec<String> {
        // What this host did not make is no answer to what can be restored.
        let ours = self.backups.iter().filter(|backup| backup.signed);
        ours.map(|backup| format!("{}/{}", backup.set, backup.id)).collect()
    }
}

/// Copies that were verified again.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Proofs {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// `verify` or `drill`.
    pub operation: &'static str,
    /// By set.
    #[expect(clippy::struct_field_names, reason = "it is the name that scripts know")]
    pub proofs: Vec<ProofFacts>,
}

/// Outcome of a copy.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProofFacts {
    /// The run; `null` where there is no copy.
    pub id: Option<Id>,
    /// The set.
    pub set: String,
    /// Verdict.
    pub verdict: Verdict,
    /// What the copy holds, or what is wrong with it.
    pub summary: String,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// How long a restore took until it could be read; `null` where there was none.
    pub seconds: Option<f64>,
}

impl Report for Proofs {
    fn text(&self, page: &mut Text) {
        for proof in &self.proofs {
            let word = match proof.verdict {
                Verdict::Pass => "proven".to_owned(),
                other => super::status::label(other).to_uppercase(),
            };
            let id = proof.id.map(|id| format!(" {id}")).unwrap_or_default();
            let took = proof.seconds.map(|seconds| format!(" ({seconds:.1} s)")).unwrap_or_default();
            let what = format!("{}{id}: {}{took}", proof.set, proof.summary);
            page.outcome(proof.verdict, &word, &[Cell::plain(what)]);
        }
    }

    fn names(&self) -> Vec<String> {
        self.proofs.iter().map(|proof| proof.set.clone()).collect()
    }
}

/// `12 rows in 2 tables`, of a copy that was proven.
pub fn proven(found: &BTreeMap<String, u64>, size: u64) -> String {
    format!("restored in scratch: {}, {}", bytes(size), rows(found))
}

/// Copies to delete, or that were deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Prune {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// By set.
    pub sets: Vec<PruneSet>,
    /// Objects that are gone; `null` for a dry run.
    pub gone: Option<usize>,
    /// Objects that should be gone and are not.
    pub left: usize,
    /// Why it failed; `null` when it did not.
    pub trouble: Option<String>,
}

/// Copies of a set to delete and to keep.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PruneSet {
    /// The set.
    pub set: String,
    /// Copies older than the retention policy keeps.
    pub outlived: Vec<Id>,
    /// Leftovers of runs that did not finish.
    pub leftovers: Vec<Id>,
    /// Copies that are kept, and why.
    pub kept: Vec<Kept>,
    /// Objects that this host did not verifiably make; they are never deleted.
    pub foreign: usize,
    /// Why nothing is deleted; `null` where there is no blocker.
    pub refused: Option<String>,
}

/// A copy that is kept.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Kept {
    /// The run.
    pub id: Id,
    /// Why.
    pub why: &'static str,
}

impl PruneSet {
    /// Of a plan.
    pub fn new(plan: &prune::Plan) -> Self {
        let (outlived, leftovers, kept, refused) = match &plan.decision {
            Ok(decision) => (decision.outlived.clone(), decision.leftovers.clone(), decision.kept.clone(), None),
            Err(refusal) => (Vec::new(), Vec::new(), Vec::new(), Some(refusal.words())),
        };
        let kept = kept.into_iter().map(|(id, why)| Kept { id, why }).collect();
        PruneSet { set: plan.set.name.to_owned(), outlived, leftovers, kept, foreign: plan.foreign, refused }
    }
}

impl Report for Prune {
    fn text(&self, page: &mut Text) {
        for set in &self.sets {
            let (word, verdict, told) = if let Some(refused) = &set.refused {
                ("REFUSED", Verdict::Fail, refused.clone())
            } else {
                let going = set.outlived.len() + set.leftovers.len();
                // What was done before a failure is told below.
                let word = match (self.dry_run, &self.trouble) {
                    (true, _) => "plan",
                    (false, None) => "done",
                    (false, Some(_)) => "tried",
                };
                (word, Verdict::Pass, format!("delete {going}, keep {}", set.kept.len()))
            };
            let foreign = if set.foreign > 0 {
                format!("; {} not made by this host, not touched", set.foreign)
            } else {
                String::new()
            };
            page.outcome(verdict, word, &[Cell::plain(format!("{}: {told}{foreign}", set.set))]);
            let mut delete = |id: &Id, why: &str| page.labeled("delete", &[Cell::plain(format!("{id}: {why}"))]);
            set.outlived.iter().for_each(|id| delete(id, "older than the retention policy keeps"));
            set.leftovers.iter().for_each(|id| delete(id, "left by a run that did not finish"));
        }
        if let Some(trouble) = &self.trouble {
            page.outcome(Verdict::Fail, "FAILED", &[Cell::plain(format!("{trouble}; the next prune continues"))]);
        }
    }

    fn names(&self) -> Vec<String> {
        let going = |set: &PruneSet| {
            let ids: Vec<String> =
                set.outlived.iter().chain(&set.leftovers).map(|id| format!("{}/{id}", set.set)).collect();
            ids
        };
        self.sets.iter().flat_map(going).collect()
    }
}
