//! `redeploy` and `rollback`: the plan, the outcome, and the recorded versions.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::action::{self, Loss, STEPS, StepFacts, Target, target};
use super::status::label;
use crate::action::Risk;
use crate::action::lock::Note;
use crate::action::plan::Plan;
use crate::action::release::Version;
use crate::action::release::job::{Ending, Ran, Released, Told};
use crate::action::release::plan::Preparation;
use crate::action::release::record::{self, How, Record};
use crate::program;
use crate::registry::{Release as Facts, Verdict};
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};
use crate::units::stamp;

/// A new version, or an earlier one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Release {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// The verb.
    pub operation: &'static str,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// The highest risk of the plan.
    pub risk: Risk,
    /// What ran before.
    pub from: Version,
    /// What was to run; what it runs since, once it does.
    pub to: Version,
    /// Preflight checks.
    pub checks: Vec<CheckFacts>,
    /// What it loses.
    pub loses: Vec<Loss>,
    /// Other services that need one of those that are switched.
    pub affects: Vec<String>,
    /// Commands, in order: those of the plan, or those that were run.
    pub steps: Vec<ReleaseStep>,
    /// Outcome of each service; empty for a dry run and where none was switched.
    pub targets: Vec<Target>,
    /// Outcome of each service in the rollback, where the version failed.
    pub restored: Vec<Target>,
    /// How it ended; `null` for a dry run.
    pub outcome: Option<ReleaseOutcome>,
    /// Why it failed; `null` where it did not.
    pub reason: Option<String>,
    /// The same as `not_rolled_back`.
    #[schemars(extend("deprecated" = true))]
    pub stays: &'static str,
    /// What a rollback does not undo.
    pub not_rolled_back: &'static str,
    /// Note of the runbook.
    pub note: Option<&'static str>,
    /// How long it took, seconds; `null` for a dry run.
    pub seconds: Option<f64>,
    /// The change that an earlier run did not finish; `null` when there is none.
    pub unfinished: Option<Note>,
}

/// A preflight check.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckFacts {
    /// What: `source`, `disk`, `backup`, …
    pub what: &'static str,
    /// Verdict.
    pub verdict: Verdict,
    /// Its evidence.
    pub summary: String,
    /// How to fix it.
    pub hint: Option<String>,
}

/// A command and its outcome.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReleaseStep {
    /// The command.
    #[serde(flatten)]
    pub step: StepFacts,
    /// How long it took, seconds; `null` when it was not run.
    pub seconds: Option<f64>,
    /// Why it failed; `null` when it did not.
    pub failed: Option<String>,
    /// The same as `log`.
    #[schemars(extend("deprecated" = true))]
    pub says: Vec<String>,
    /// Its last lines of output, where it failed.
    pub log: Vec<String>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseOutcome {
    /// The version is live and stayed healthy for the settle time.
    Done,
    /// A precondition failed on the way; no running service was changed.
    Refused,
    /// It failed before any running service was changed.
    Unswitched,
    /// It is unhealthy, and was not rolled back.
    Bad,
    /// It was unhealthy, and the previous version was restored.
    RolledBack,
    /// Neither it nor the previous version is healthy.
    Stuck,
}

/// What the whole of it is about.
const WHOLE: &str = "release";

impl Release {
    /// A plan.
    pub fn planned(
        head: Head,
        operation: &'static str,
        facts: &Facts,
        preparation: &Preparation,
        switch: &Plan,
    ) -> Self {
        let before = preparation.stages.iter().map(|stage| StepFacts::new(WHOLE, stage.step()));
        let services =
            switch.parts.iter().flat_map(|part| part.steps.iter().map(|step| StepFacts::new(part.service.name, step)));
        let steps = before.chain(services);
        let steps =
            steps.map(|step| ReleaseStep { step, seconds: None, failed: None, says: Vec::new(), log: Vec::new() });
        let stages = preparation.stages.iter().map(|stage| stage.step().risk);
        let checks = preparation.checks.iter().map(|check| CheckFacts {
            what: check.what,
            verdict: check.verdict,
            summary: check.summary.clone(),
            hint: check.hint.clone(),
        });
        let loses = switch.loses.iter().map(|(service, what)| Loss { service: service.clone(), what: what.clone() });
        Release {
            head,
            operation,
            dry_run: true,
            risk: stages.chain([switch.risk()]).max().unwrap_or(Risk::ReadOnly),
            from: preparation.from.clone(),
            to: preparation.to.clone(),
            checks: checks.collect(),
            loses: loses.collect(),
            affects: switch.affects.iter().map(|name| (*name).to_owned()).collect(),
            steps: steps.collect(),
            targets: Vec::new(),
            restored: Vec::new(),
            outcome: None,
            reason: None,
            stays: facts.stays,
            not_rolled_back: facts.stays,
            note: facts.note,
            seconds: None,
            unfinished: None,
        }
    }

    /// The same, after it was run.
    #[must_use]
    pub fn ended(self, released: Released, unfinished: Option<Note>) -> Self {
        let targets = |done: Vec<Told>| done.into_iter().map(|(done, words)| target(&done, words)).collect();
        let reason = released.ending.summary();
        let (outcome, restored) = match released.ending {
            Ending::Live => (ReleaseOutcome::Done, Vec::new()),
            Ending::Refused(_) => (ReleaseOutcome::Refused, Vec::new()),
            Ending::Unswitched { .. } => (ReleaseOutcome::Unswitched, Vec::new()),
            Ending::Bad(_) => (ReleaseOutcome::Bad, Vec::new()),
            Ending::RolledBack(_, done) => (ReleaseOutcome::RolledBack, done),
            Ending::Stuck { done, .. } => (ReleaseOutcome::Stuck, done),
        };
        Release {
            dry_run: false,
            to: released.now,
            steps: released.ran.iter().map(ran).collect(),
            targets: targets(released.done),
            restored: targets(restored),
            outcome: Some(outcome),
            reason: (outcome != ReleaseOutcome::Done).then_some(reason),
            seconds: Some(rounded(released.took.as_secs_f64())),
            unfinished,
            ..self
        }
    }
}

fn ran(ran: &Ran) -> ReleaseStep {
    ReleaseStep {
        step: StepFacts::new(WHOLE, &ran.step),
        seconds: Some(rounded(ran.took.as_secs_f64())),
        failed: ran.failed.clone(),
        says: ran.says.clone(),
        log: ran.says.clone(),
    }
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// `0123456789ab (Fix the thing)`.
fn title(version: &Version) -> String {
    let subject = version.subject.as_ref().map(|subject| format!(" ({subject})")).unwrap_or_default();
    version.id() + &subject
}

impl Report for Release {
    fn text(&self, page: &mut Text) {
        match self.outcome {
            None => self.plan(page),
            Some(outcome) => self.came(outcome, page),
        }
    }

    fn names(&self) -> Vec<String> {
        match self.dry_run {
            true => Vec::new(),
            false => self.targets.iter().map(|target| target.service.clone()).collect(),
        }
    }
}

impl Release {
    fn plan(&self, page: &mut Text) {
        let count = self.steps.len();
        let steps = if count == 1 { "step" } else { "steps" };
        let head = format!("{}: {count} {steps}, {}; nothing was changed", self.operation, self.risk.label());
        page.line(&[Cell(Tone::Strong, head)]);
        page.line(&[Cell::plain(format!("  from   {}", title(&self.from)))]);
        if !self.to.is_unknown() {
            page.line(&[Cell::plain(format!("  to     {}", title(&self.to)))]);
        }
        for loss in &self.loses {
            page.line(&[Cell::plain(format!("  loses  {}: {}", loss.service, loss.what))]);
        }
        if !self.affects.is_empty() {
            page.line(&[Cell::plain(format!("  needed by {}", self.affects.join(", ")))]);
        }
        page.line(&[Cell::plain(format!("  not rolled back: {}", self.not_rolled_back))]);
        if let Some(note) = self.note {
            page.line(&[Cell::plain(format!("  note   {note}"))]);
        }
        page.gap();
        let rows = self.checks.iter().map(|check| {
            vec![
                Cell(Tone::Of(check.verdict), label(check.verdict).to_owned()),
                Cell::plain(check.what),
                Cell::plain(check.summary.clone()),
            ]
        });
        page.table(&[Column::key("VERDICT"), Column::key("CHECK"), Column::prose("EVIDENCE")], rows.collect());
        page.gap();
        page.table(&STEPS, self.steps.iter().map(|step| step.step.row()).collect());
    }

    fn came(&self, outcome: ReleaseOutcome, page: &mut Text) {
        let (word, verdict) = match outcome {
            ReleaseOutcome::Done => ("done", Verdict::Pass),
            ReleaseOutcome::Refused => ("REFUSED", Verdict::Fail),
            ReleaseOutcome::Unswitched | ReleaseOutcome::Bad => ("FAILED", Verdict::Fail),
            ReleaseOutcome::RolledBack => ("REVERTED", Verdict::Fail),
            ReleaseOutcome::Stuck => ("STUCK", Verdict::Fail),
        };
        let what = match (&self.reason, self.to.is_unknown()) {
            (Some(reason), _) => reason.clone(),
            (None, true) => "the version is live".to_owned(),
            (None, false) => format!("{} is live", title(&self.to)),
        };
        let seconds = self.seconds.unwrap_or_default();
        page.outcome(verdict, word, &[Cell::plain(format!("{}: {what} ({seconds:.1} s)", self.operation))]);
        for step in &self.steps {
            let (word, seconds) = (if step.failed.is_some() { "FAILED" } else { "" }, step.seconds.unwrap_or_default());
            let tone = if step.failed.is_some() { Tone::Of(Verdict::Fail) } else { Tone::Dim };
            let what = format!("{} ({seconds:.1} s)", step.step.title);
            page.headed(Cell(tone, format!("{word:<9}")), &[Cell::plain(what)]);
            for line in &step.log {
                page.labeled("log", &[Cell::plain(line.clone())]);
            }
        }
        let (left, tried): (Vec<&Target>, Vec<&Target>) =
            self.targets.iter().partition(|target| target.outcome == action::ChangeOutcome::NotTried);
        for target in tried {
            target.text(self.operation, page);
        }
        if !left.is_empty() {
            let names: Vec<&str> = left.iter().map(|target| target.service.as_str()).collect();
            let what = format!("{}: not switched, an earlier service failed", names.join(", "));
            page.outcome(Verdict::Unknown, "skipped", &[Cell::plain(what)]);
        }
        for target in &self.restored {
            target.text("roll back", page);
        }
        match outcome {
            ReleaseOutcome::RolledBack | ReleaseOutcome::Stuck => {
                page.labeled("remains", &[Cell::plain(self.not_rolled_back)]);
            }
            ReleaseOutcome::Done if self.operation == "rollback" => {
                page.labeled("remains", &[Cell::plain(self.not_rolled_back)]);
            }
            ReleaseOutcome::Done | ReleaseOutcome::Refused | ReleaseOutcome::Unswitched | ReleaseOutcome::Bad => {}
        }
    }
}

/// Versions that were verified.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Releases {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// Newest first.
    #[expect(clippy::struct_field_names, reason = "it is the name in the document")]
    pub releases: Vec<ReleaseFacts>,
    /// Lines of the record that could not be understood.
    pub damaged: usize,
}

/// A version that was verified.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReleaseFacts {
    /// By what `--to` finds it.
    pub id: String,
    /// When it was verified.
    pub time: Timestamp,
    /// How it was deployed.
    pub how: How,
    /// Who deployed it.
    pub by: String,
    /// What it is.
    #[serde(flatten)]
    pub version: Version,
    /// Whether it runs now.
    pub current: bool,
    /// Whether its commit and images are still there; `null` when undetermined.
    pub available: Option<bool>,
}

impl Releases {
    /// From the record; `available` states whether a version is still there.
    pub fn new(
        head: Head,
        records: &[Record],
        damaged: usize,
        current: &Version,
        available: impl Fn(&Version) -> Option<bool>,
    ) -> Self {
        let releases = records.iter().zip(record::ids(records)).rev().map(|(record, id)| ReleaseFacts {
            id,
            time: record.time,
            how: record.how,
            by: record.by.clone(),
            version: record.version.clone(),
            current: record.version.is(current),
            available: available(&record.version),
        });
        Releases { head, releases: releases.collect(), damaged }
    }
}

impl Report for Releases {
    fn text(&self, page: &mut Text) {
        if self.releases.is_empty() {
            page.line(&[Cell::plain(format!(
                "no version is recorded yet; {} records each version that it verified",
                program::command("redeploy")
            ))]);
        }
        let rows = self.releases.iter().map(|release| {
            let state = match (release.current, release.available) {
                (true, _) => "current",
                (false, Some(true)) => "",
                (false, Some(false)) => "missing",
                (false, None) => "unknown",
            };
            let how = match release.how {
                How::Found => "found",
                How::Redeployed => "redeployed",
                How::RolledBack => "rolled back",
            };
            let text = |field: &Option<String>| Cell::plain(field.clone().unwrap_or_else(|| "-".to_owned()));
            vec![
                Cell::plain(release.id.clone()),
                Cell::plain(stamp(release.time)),
                Cell::plain(how),
                Cell::plain(release.by.clone()),
                Cell::plain(state),
                text(&release.version.author),
                text(&release.version.subject),
            ]
        });
        let rows: Vec<Vec<Cell>> = rows.collect();
        if !rows.is_empty() {
            let columns = [
                Column::key("VERSION"),
                Column::key("VERIFIED"),
                Column::key("ORIGIN"),
                Column::prose("BY").rank(2),
                Column::key("STATE"),
                Column::prose("AUTHOR").rank(1),
                Column::prose("SUBJECT"),
            ];
            page.table(&columns, rows);
        }
        if self.damaged > 0 {
            page.line(&[Cell::plain(format!("{} lines of the record are damaged", self.damaged))]);
        }
    }

    fn names(&self) -> Vec<String> {
        self.releases.iter().map(|release| release.id.clone()).collect()
    }
}
