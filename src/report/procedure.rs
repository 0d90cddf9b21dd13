//! `run`, `get procedures` and `explain` of a procedure: what it would do, what came of it, and how far runs before came.

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
use crate::registry::{Deployment, ParameterKind, Procedure, Verdict};
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
    /// `check`, `show`, `command`, `service`, `ask`, `wait`, `backup`, `request`, `reclaim` or `reboot`.
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
    fn planned(step: PlannedStep) -> Self {
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
            lines: Vec::new(),
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
        page.outcome(verdict, word, &[Cell::plain(format!("{what}{}: {reached} of {}", self.procedure, self.count()))]);
        for (index, step) in self.steps.iter().enumerate() {
            ended(step, index, page);
        }
        for done in &self.done {
            let label = if done.holds { "holds" } else { "FAILS" };
            page.labeled(label, &[Cell::plain(done.summary.clone())]);
        }
        if let Some(why) = &self.stopped {
            page.labeled("why", &[Cell::plain(why.clone())]);
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
fn planned(step: &StepFacts, index: usize, page: &mut Text) {
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
    if let Some(undo) = &step.undo {
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

/// The procedures of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Procedures {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// In the runbook's order; those that every deployment has last.
    pub procedures: Vec<ProcedureRow>,
}

/// A procedure, in short.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProcedureRow {
    /// Name.
    pub name: &'static str,
    /// Other words that mean it.
    pub aliases: &'static [&'static str],
    /// What it does.
    pub summary: &'static str,
    /// The highest risk of its steps.
    pub risk: Risk,
    /// How many steps it has.
    pub steps: usize,
    /// How many of them a person does.
    pub by_hand: usize,
    /// Its parameters, as they are typed.
    pub parameters: Vec<String>,
    /// Heading of the runbook.
    pub section: &'static str,
}

impl ProcedureRow {
    /// The row of a procedure.
    pub fn new(procedure: &'static Procedure) -> Self {
        let typed = |parameter: &crate::registry::Parameter| match parameter.default {
            None => parameter.name.to_uppercase(),
            Some(default) => format!("--{} {default}", parameter.name),
        };
        ProcedureRow {
            name: procedure.slug,
            aliases: procedure.aliases,
            summary: procedure.summary,
            risk: procedure.risk(),
            steps: procedure.steps.len(),
            by_hand: plan(procedure, &Values::default()).iter().filter(|step| step.asked.is_some()).count(),
            parameters: procedure.parameters.iter().map(typed).collect(),
            section: procedure.section,
        }
    }
}

impl Report for Procedures {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        let rows = self.procedures.iter().map(|row| {
            vec![
                Cell::plain(row.name),
                Cell::plain(row.risk.label()),
                Cell::plain(row.steps.to_string()),
                Cell::plain(row.by_hand.to_string()),
                Cell::or_dash((!row.parameters.is_empty()).then(|| row.parameters.join(" "))),
                Cell::plain(row.summary),
            ]
        });
        let columns = [
            Column::key("NAME"),
            Column::key("RISK"),
            Column::key("STEPS").rank(3),
            Column::key("BY HAND").rank(2),
            Column::key("PARAMETERS").rank(1),
            Column::prose("SUMMARY"),
        ];
        page.table(&columns, rows.collect());
    }

    fn names(&self) -> Vec<String> {
        self.procedures.iter().map(|row| row.name.to_owned()).collect()
    }
}

/// A procedure, in full.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProcedureFacts {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// The procedure.
    pub procedure: ProcedureRow,
    /// The case that calls for it.
    pub when: &'static str,
    /// When it is the wrong thing to do.
    pub not_when: Option<&'static str>,
    /// Severity level of the case; `null` where it is not an incident.
    pub severity: Option<&'static str>,
    /// What it must be given.
    pub parameters: Vec<ParameterFacts>,
    /// Steps, in order.
    pub steps: Vec<StepFacts>,
    /// Further notes.
    pub note: Option<&'static str>,
}

/// A parameter.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ParameterFacts {
    /// Name of its flag, without dashes.
    pub name: &'static str,
    /// Its form.
    pub form: String,
    /// What it is.
    pub help: &'static str,
    /// The value where none is given; `null` where it must be given.
    pub default: Option<&'static str>,
}

impl ProcedureFacts {
    /// All about a procedure.
    pub fn new(head: Head, deployment: &Deployment, procedure: &'static Procedure) -> Self {
        let form = |kind: ParameterKind| match kind {
            ParameterKind::Address => "IPv4 or IPv6 address".to_owned(),
            ParameterKind::Duration => "span of time, such as 2h".to_owned(),
            ParameterKind::Size => "size, such as 5G".to_owned(),
            ParameterKind::Number { least, most } => format!("number from {least} to {most}"),
            ParameterKind::Word => "word of letters, digits and -_.:".to_owned(),
            ParameterKind::Path => "absolute path".to_owned(),
            ParameterKind::Wallet => "0x and 40 hexadecimal digits".to_owned(),
            ParameterKind::Service => format!("service of {}", deployment.name),
        };
        let parameters = procedure.parameters.iter().map(|parameter| ParameterFacts {
            name: parameter.name,
            form: form(parameter.kind),
            help: parameter.help,
            default: parameter.default,
        });
        ProcedureFacts {
            head,
            when: procedure.when,
            not_when: procedure.not_when,
            severity: procedure.severity.map(|level| level.id),
            parameters: parameters.collect(),
            steps: plan(procedure, &Values::default()).into_iter().map(StepFacts::planned).collect(),
            note: procedure.note,
            procedure: ProcedureRow::new(procedure),
        }
    }
}

impl Report for ProcedureFacts {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        let row = &self.procedure;
        page.line(&[Cell(Tone::Strong, row.name.to_owned()), Cell::plain(format!(": {}", row.summary))]);
        let mut fact = |label: &str, text: String| page.labeled(label, &[Cell::plain(text)]);
        fact("when", self.when.to_owned());
        if let Some(not_when) = self.not_when {
            fact("not when", not_when.to_owned());
        }
        if let Some(severity) = self.severity {
            fact("severity", severity.to_owned());
        }
        fact("risk", row.risk.label().to_owned());
        if !row.aliases.is_empty() {
            fact("also", row.aliases.join(", "));
        }
        for parameter in &self.parameters {
            let default = parameter.default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
            fact("value", format!("{}: {}, {}{default}", parameter.name, parameter.help, parameter.form));
        }
        fact("section", row.section.to_owned());
        if let Some(note) = self.note {
            fact("note", program::called(note).into_owned());
        }
        page.gap();
        for (index, step) in self.steps.iter().enumerate() {
            planned(step, index, page);
        }
        page.gap();
        let run = program::command(format_args!("run {} --dry-run", row.name));
        page.labeled("next", &[Cell::command(run)]);
    }

    fn names(&self) -> Vec<String> {
        vec![self.procedure.name.to_owned()]
    }
}
