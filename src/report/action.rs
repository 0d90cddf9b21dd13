//! `restart`, `reload`, `start`, `stop`: what would be done, and what came of it.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use crate::action::Risk;
use crate::action::lock::Note;
use crate::action::plan::{Plan, Step};
use crate::action::run::{ChangeEnd, Done};
use crate::judge::health::{ServiceHealth, State};
use crate::observe::logs::line::Said;
use crate::program;
use crate::registry::Verdict;
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};

/// Columns of a table of steps.
pub(super) const STEPS: [Column; 4] =
    [Column::key("SERVICE"), Column::prose("STEP"), Column::key("RISK"), Column::key("COMMAND")];

/// A change of services.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Action {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// The verb.
    pub operation: &'static str,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// The highest risk of the plan.
    pub risk: Risk,
    /// What it loses.
    pub loses: Vec<Loss>,
    /// Other services on this host that need one of those that are changed.
    pub affects: Vec<String>,
    /// Commands, in order.
    pub steps: Vec<StepFacts>,
    /// Outcome of each service; empty for a dry run.
    pub targets: Vec<Target>,
    /// The change that an earlier run did not finish; `null` when there is none.
    pub unfinished: Option<Note>,
}

/// What a service loses.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Loss {
    /// The service.
    pub service: String,
    /// What.
    pub what: String,
}

/// A command of the plan.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepFacts {
    /// The service it is for.
    pub service: String,
    /// What it does.
    pub title: String,
    /// The command and its arguments.
    pub argv: Vec<String>,
    /// User it runs as; `null` for the caller.
    pub user: Option<String>,
    /// Working directory; `null` where it makes no difference.
    pub cwd: Option<String>,
    /// Risk of the command.
    pub risk: Risk,
    /// How long it may take.
    pub deadline_seconds: u64,
}

impl StepFacts {
    /// Of a step for a service, or for what it is named instead.
    pub fn new(service: &str, step: &Step) -> Self {
        StepFacts {
            service: service.to_owned(),
            title: step.title.clone(),
            argv: std::iter::once(step.argv.program.to_owned()).chain(step.argv.args.iter().cloned()).collect(),
            user: step.argv.account.as_ref().map(|account| account.name.clone()),
            cwd: None,
            risk: step.risk,
            deadline_seconds: step.deadline.as_secs(),
        }
    }

    /// As a row of a table: whose, what, how risky, and the command.
    pub(super) fn row(&self) -> Vec<Cell> {
        let user = self.user.as_ref().map(|user| format!("sudo -u {user} ")).unwrap_or_default();
        let words: Vec<_> = self.argv.iter().map(|word| crate::host::tools::quote(word)).collect();
        vec![
            Cell::plain(self.service.clone()),
            Cell::plain(self.title.clone()),
            Cell::plain(self.risk.label()),
            Cell::command(user + &words.join(" ")),
        ]
    }
}

/// Outcome of a service.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Target {
    /// Its name.
    pub service: String,
    /// Its outcome.
    pub outcome: ChangeOutcome,
    /// The state that was reached, or why it was not.
    pub summary: String,
    /// State that its manager reports; `null` when undetermined.
    pub state: Option<State>,
    /// What its own probe reports.
    pub health: Option<Verdict>,
    /// How long it took, seconds.
    pub seconds: f64,
    /// Its last log lines, when it is unhealthy.
    pub log: Vec<Said>,
}

/// Its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOutcome {
    /// It reached the wanted state and kept it for the settle time.
    Done,
    /// It cannot reach the wanted state any more.
    Failed,
    /// It has not reached the wanted state yet.
    Pending,
    /// Its state could not be determined.
    Unknown,
    /// Not changed.
    NotTried,
}

impl Action {
    /// From a plan and, unless it is a dry run, the outcome of each service with the last log lines of unhealthy ones.
    pub fn new(head: Head, plan: &Plan, done: Option<Vec<(Done, Vec<Said>)>>, unfinished: Option<Note>) -> Self {
        let steps =
            plan.parts.iter().flat_map(|part| part.steps.iter().map(|step| StepFacts::new(part.service.name, step)));
        Action {
            head,
            operation: plan.operation.verb(),
            dry_run: done.is_none(),
            risk: plan.risk(),
            loses: plan
                .loses
                .iter()
                .map(|(service, what)| Loss { service: service.clone(), what: what.clone() })
                .collect(),
            affects: plan.affects.iter().map(|name| (*name).to_owned()).collect(),
            steps: steps.collect(),
            targets: done.into_iter().flatten().map(|(done, log)| target(&done, log)).collect(),
            unfinished,
        }
    }
}

pub(super) fn target(done: &Done, log: Vec<Said>) -> Target {
    let (outcome, health): (ChangeOutcome, Option<&ServiceHealth>) = match &done.end {
        ChangeEnd::Well(health) => (ChangeOutcome::Done, Some(health)),
        ChangeEnd::Failed(health) => (ChangeOutcome::Failed, Some(health)),
        ChangeEnd::StepFailed(_, health) => (ChangeOutcome::Failed, health.as_deref()),
        ChangeEnd::Pending(_) => (ChangeOutcome::Pending, None),
        ChangeEnd::Unknown(_) => (ChangeOutcome::Unknown, None),
        ChangeEnd::NotTried => (ChangeOutcome::NotTried, None),
    };
    Target {
        service: done.service.name.to_owned(),
        outcome,
        summary: done.end.summary(),
        state: health.map(|health| health.state),
        health: health.and_then(|health| health.health),
        seconds: (done.took.as_secs_f64() * 1000.0).round() / 1000.0,
        log,
    }
}

impl Report for Action {
    fn text(&self, page: &mut Text) {
        if self.dry_run {
            let count = match self.steps.len() {
                1 => "1 step".to_owned(),
                count => format!("{count} steps"),
            };
            let title = format!("{}: {count}, {}; nothing was changed", self.operation, self.risk.label());
            page.line(&[Cell(Tone::Strong, title)]);
            for loss in &self.loses {
                page.line(&[Cell::plain(format!("  {} loses: {}", loss.service, loss.what))]);
            }
            if !self.affects.is_empty() {
                page.line(&[Cell::plain(format!("  needed by: {}", self.affects.join(", ")))]);
            }
            page.gap();
            page.table(&STEPS, self.steps.iter().map(StepFacts::row).collect());
            return;
        }
        for target in &self.targets {
            target.text(self.operation, page);
        }
    }

    fn names(&self) -> Vec<String> {
        if !self.dry_run {
            return self.targets.iter().map(|target| target.service.clone()).collect();
        }
        let mut names: Vec<String> = self.steps.iter().map(|step| step.service.clone()).collect();
        names.dedup();
        names
    }
}

impl Target {
    /// Its outcome, and its last log lines where it is unhealthy.
    pub(super) fn text(&self, operation: &str, page: &mut Text) {
        let (word, verdict) = match self.outcome {
            ChangeOutcome::Done => ("done", Verdict::Pass),
            ChangeOutcome::Failed => ("FAILED", Verdict::Fail),
            ChangeOutcome::Pending => ("PENDING", Verdict::Unknown),
            ChangeOutcome::Unknown => ("UNKNOWN", Verdict::Unknown),
            ChangeOutcome::NotTried => ("skipped", Verdict::Unknown),
        };
        let what = format!("{operation} {}: {} ({:.1} s)", self.service, self.summary, self.seconds);
        page.outcome(verdict, word, &[Cell::plain(what)]);
        self.log.iter().for_each(|line| super::logs::said(page, line));
        if !matches!(self.outcome, ChangeOutcome::Done | ChangeOutcome::NotTried) {
            page.labeled("next", &[Cell::command(program::command(format_args!("logs {}", self.service)))]);
        }
    }
}
