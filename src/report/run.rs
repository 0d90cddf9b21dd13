//! `run`: what a procedure would do, what came of it, and how far runs before came.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use crate::action::Risk;
use crate::host::tools::quote;
use crate::procedure::journal::{Journal, StepState};
use crate::procedure::plan::{PlannedStep, plan};
use crate::procedure::run::{RunResult, StepResult};
use crate::procedure::values::Values;
use crate::program;
use crate::registry::{Procedure, Verdict};
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};
use crate::units::stamp;

/// A procedure that is planned, was run, or was undone.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the field is called so in every document")]
pub struct Run {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// `run` or `undo`.
    pub operation: &'static str,
    /// Procedure.
    pub procedure: &'static str,
    /// Values of its parameters: sizes in bytes, spans of time in seconds.
    pub values: BTreeMap<String, String>,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// The highest risk of its steps.
    pub risk: Risk,
    /// Steps, in order.
    pub steps: Vec<StepFacts>,
    /// What must hold when it is done; empty for a dry run, and where it did not come to its end.
    pub done: Vec<DoneFacts>,
    /// Why it went no further; `null` where it came to its end.
    pub stopped: Option<String>,
    /// Commands that lead on.
    pub next: Vec<String>,
}

/// A step.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepFacts {
    /// Its name, for `--from` and `--answer`.
    pub name: &'static str,
    /// What it does.
    pub title: String,
    /// `check`, `show`, `command`, `service`, `ask`, `wait`, `backup`, `restore`, `keys`, `request`, `reclaim` or `reboot`.
    pub kind: &'static str,
    /// The command and its arguments; empty where it has none of its own.
    pub argv: Vec<String>,
    /// User it runs as; `null` for the caller.
    pub user: Option<String>,
    /// Working directory; always `null`: no step depends on one.
    pub cwd: Option<String>,
    /// Risk.
    pub risk: Risk,
    /// Whether it is done only under a condition.
    pub conditional: bool,
    /// Whether that condition holds now; `null` where there is none, or it was not checked.
    pub needed: Option<bool>,
    /// Where a person does it; `null` where none does.
    pub location: Option<&'static str>,
    /// The word that confirms it.
    pub answer: Option<&'static str>,
    /// How it is undone; `null` where it leaves nothing to undo.
    pub undo: Option<String>,
    /// What is lost by it.
    pub loses: Option<&'static str>,
    /// How it ended; `null` where it was not reached.
    pub state: Option<StepState>,
    /// What was seen.
    pub summary: String,
    /// Lines that it shows.
    pub lines: Vec<String>,
    /// How long it took, seconds.
    pub seconds: f64,
}

/// What must hold when a procedure is done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DoneFacts {
    /// Whether it holds.
    pub holds: bool,
    /// What was seen.
    pub summary: String,
}

impl StepFacts {
    pub(super) fn planned(step: PlannedStep) -> Self {
        let argv = step.argv.as_ref();
        let words =
            argv.map(|argv| std::iter::once(argv.program.to_owned()).chain(argv.args.iter().cloned()).collect());
        StepFacts {
            name: step.name,
            title: step.title,
            kind: step.kind,
            argv: words.unwrap_or_default(),
            user: argv.and_then(|argv| argv.account.as_ref()).map(|account| account.name.clone()),
            cwd: None,
            risk: step.risk,
            conditional: step.is_conditional,
            needed: None,
            location: step.asked.map(|(place, _)| place),
            answer: step.asked.map(|(_, answer)| answer),
            undo: step.undo,
            loses: step.loses,
            state: None,
            summary: String::new(),
            lines: step.keys,
            seconds: 0.0,
        }
    }

    fn ended(step: StepResult) -> Self {
        StepFacts {
            state: step.state,
            summary: step.summary,
            lines: step.shown,
            seconds: step.seconds,
            ..StepFacts::planned(step.planned)
        }
    }

    /// What it runs, as it can be pasted; what a person does.
    fn way(&self) -> String {
        match (self.location, self.argv.is_empty()) {
            (Some(place), _) => format!("by hand: {place}"),
            (None, true) => String::new(),
            (None, false) => {
                let words: Vec<_> = self.argv.iter().map(|word| quote(word)).collect();
                let user = self.user.as_ref().map(|user| format!("sudo -u {user} ")).unwrap_or_default();
                user + &words.join(" ")
            }
        }
    }
}

impl Run {
    /// What would be done.
    pub fn planned(head: Head, procedure: &'static Procedure, values: &Values) -> Self {
        Run {
            head,
            operation: "run",
            procedure: procedure.slug,
            values: values.all().clone(),
            dry_run: true,
            risk: procedure.risk(),
            steps: plan(procedure, values).into_iter().map(StepFacts::planned).collect(),
            done: Vec::new(),
            stopped: None,
            next: Vec::new(),
        }
    }

    /// What would be undone.
    pub fn undoing(head: Head, procedure: &'static Procedure, values: &Values, steps: Vec<PlannedStep>) -> Self {
        let steps = steps.into_iter().map(StepFacts::planned).collect();
        Run { operation: "undo", steps, ..Run::planned(head, procedure, values) }
    }

    /// What came of it.
    pub fn ended(
        head: Head,
        operation: &'static str,
        procedure: &'static Procedure,
        values: &Values,
        result: RunResult,
        next: Vec<String>,
    ) -> Self {
        let done = result.done.into_iter().map(|(holds, summary)| DoneFacts { holds, summary });
        Run {
            operation,
            dry_run: false,
            steps: result.steps.into_iter().map(StepFacts::ended).collect(),
            done: done.collect(),
            stopped: result.stopped,
            next,
            ..Run::planned(head, procedure, values)
        }
    }

    fn count(&self) -> String {
        if self.steps.len() == 1 { "1 step".to_owned() } else { format!("{} steps", self.steps.len()) }
    }
}

impl Report for Run {
    fn text(&self, page: &mut Text) {
        let what = if self.operation == "undo" { "undo " } else { "" };
        if self.dry_run {
            let title =
                format!("{what}{}: {}, {}; nothing was changed", self.procedure, self.count(), self.risk.label());
            page.line(&[Cell(Tone::Strong, title)]);
            page.gap();
            for (index, step) in self.steps.iter().enumerate() {
                planned(step, index, page);
            }
            if let Some(why) = &self.stopped {
                page.gap();
                page.labeled("blocked", &[Cell::plain(why.clone())]);
            }
            return;
        }
        let (verdict, word) = match self.stopped {
            None => (Verdict::Pass, "done"),
            Some(_) => (Verdict::Fail, "STOPPED"),
        };
        let reached = self.steps.iter().filter(|step| !matches!(step.state, None | Some(StepState::Failed))).count();
        // A tired reader sees the first line.
        let why = self.stopped.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
        let text = format!("{what}{}: {reached} of {}{why}", self.procedure, self.count());
        page.outcome(verdict, word, &[Cell::plain(text)]);
        for (index, step) in self.steps.iter().enumerate() {
            ended(step, index, page);
        }
        for done in &self.done {
            let label = if done.holds { "holds" } else { "FAILS" };
            page.labeled(label, &[Cell::plain(done.summary.clone())]);
        }
        for next in &self.next {
            page.labeled("next", &[Cell::command(next.clone())]);
        }
    }

    fn names(&self) -> Vec<String> {
        self.steps.iter().map(|step| step.name.to_owned()).collect()
    }
}

/// A step of a plan: its number, name and risk, and below it what it runs, what is asked and how it is undone.
pub(super) fn planned(step: &StepFacts, index: usize, page: &mut Text) {
    let only = match (step.conditional, step.needed) {
        (false, _) => "",
        (true, None) => ", where needed",
        (true, Some(true)) => ", needed",
        (true, Some(false)) => ", not needed now",
    };
    let head = format!("{:>2}. ", index + 1);
    page.headed(
        Cell::plain(head),
        &[
            Cell(Tone::Strong, step.name.to_owned()),
            Cell::plain(format!(": {} ({}{only})", step.title, step.risk.label())),
        ],
    );
    let way = step.way();
    if !way.is_empty() {
        page.labeled("", &[Cell::command(way)]);
    }
    for line in &step.lines {
        page.labeled("", &[Cell::plain(line.clone())]);
    }
    if let Some(answer) = step.answer {
        page.labeled("answer", &[Cell::plain(answer)]);
    }
    if let Some(loses) = step.loses {
        page.labeled("loses", &[Cell::plain(loses)]);
    }
    // That a person's work is not undone by a program goes without saying.
    if let (Some(undo), None) = (&step.undo, step.answer) {
        page.labeled("undo", &[Cell::command(undo.clone())]);
    }
}

/// A step that was reached, or was not.
fn ended(step: &StepFacts, index: usize, page: &mut Text) {
    let (word, verdict) = match step.state {
        None => ("-", Verdict::Unknown),
        Some(StepState::Done) => ("done", Verdict::Pass),
        Some(StepState::AlreadyDone) => ("already", Verdict::Pass),
        Some(StepState::Answered) => ("answer", Verdict::Pass),
        Some(StepState::Skipped) => ("skipped", Verdict::Pass),
        Some(StepState::Undone) => ("undone", Verdict::Pass),
        Some(StepState::Begun) => ("begun", Verdict::Unknown),
        Some(StepState::Failed) => ("FAILED", Verdict::Fail),
    };
    let summary = if step.summary.is_empty() { String::new() } else { format!(": {}", step.summary) };
    let took = if step.seconds >= 0.1 { format!(" ({:.1} s)", step.seconds) } else { String::new() };
    let text = format!("{}. {}{summary}{took}", index + 1, step.title);
    page.outcome(verdict, word, &[Cell::plain(text)]);
    for line in &step.lines {
        page.labeled("", &[Cell(Tone::Dim, line.clone())]);
    }
}

/// How far runs came.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Runs {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// The last run of each procedure that was ever begun.
    pub runs: Vec<Journal>,
}

impl Report for Runs {
    fn text(&self, page: &mut Text) {
        if self.runs.is_empty() {
            page.line(&[Cell::plain("no procedure was run on this host")]);
            return;
        }
        let rows = self.runs.iter().map(|run| {
            let last = run.steps.last().map_or_else(String::new, |step| format!("{}: {}", step.step, step.summary));
            let state = match run.ended {
                Some(_) => "ended",
                None => "unfinished",
            };
            vec![
                Cell::plain(run.procedure.clone()),
                Cell::plain(state),
                Cell::plain(stamp(run.since)),
                Cell::plain(run.who.clone()),
                Cell::plain(last),
            ]
        });
        let columns = [
            Column::key("PROCEDURE"),
            Column::key("STATE"),
            Column::key("SINCE"),
            Column::key("WHO").rank(1),
            Column::prose("LAST STEP"),
        ];
        page.table(&columns, rows.collect());
        for run in self.runs.iter().filter(|run| run.ended.is_none()) {
            let resume = program::command(format_args!("run {} --resume", run.procedure));
            page.labeled("next", &[Cell::command(resume)]);
        }
    }

    fn names(&self) -> Vec<String> {
        self.runs.iter().map(|run| run.procedure.clone()).collect()
    }
}
