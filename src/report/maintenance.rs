//! `maintenance`: whether a deployment is out of service on purpose, what it takes to change that, and what came of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::action::{Action, ChangeOutcome, Loss, STEPS, StepFacts, Target};
use crate::action::Risk;
use crate::action::lock;
use crate::action::maintenance::page::{Act, Plan};
use crate::action::maintenance::{Asked, MaintenanceState, Standing};
use crate::program;
use crate::registry::{Maintenance, Verdict};
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};
use crate::units::stamp;

/// The maintenance of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MaintenanceFacts {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// `status`, `on` or `off`.
    pub operation: &'static str,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// Maintenance state.
    #[serde(flatten)]
    pub standing: StandingFacts,
    /// The highest risk of the plan; `null` where nothing is planned.
    pub risk: Option<Risk>,
    /// What it loses; for `off` of a page, what is unhealthy behind it.
    pub loses: Vec<Loss>,
    /// Other services that need one of those that are changed.
    pub affects: Vec<String>,
    /// Steps, in order.
    pub steps: Vec<MaintenanceStep>,
    /// What the edge answers.
    pub answers: Vec<AnswerFacts>,
    /// Why it failed; `null` when it did not.
    pub trouble: Option<String>,
    /// Outcome of each service.
    pub targets: Vec<Target>,
    /// The change that an earlier run did not finish; `null` when there is none.
    pub unfinished: Option<lock::Note>,
}

/// Maintenance state.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StandingFacts {
    /// `page`: the proxy answers 503 with a message; `stop`: services are stopped; `none`.
    pub mode: &'static str,
    /// On or off.
    pub state: MaintenanceState,
    /// What shows it.
    pub summary: String,
    /// What it means for users; `null` where there is no maintenance mode.
    pub effect: Option<&'static str>,
    /// Since when it is on; `null` when not recorded.
    pub since: Option<Timestamp>,
    /// Who turned it on.
    pub by: Option<String>,
    /// The address at the other end of SSH.
    pub from: Option<String>,
    /// Its purpose, or the message that visitors see.
    pub message: Option<String>,
}

/// A step of the plan: a command, or something done to a file, which has the command that does the same, where there is one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MaintenanceStep {
    /// The command.
    #[serde(flatten)]
    pub command: StepFacts,
    /// The file that is written.
    pub file: Option<String>,
    /// What is written into it.
    pub content: Option<String>,
}

/// An answer of the edge.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AnswerFacts {
    /// Host that was asked for.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path.
    pub path: &'static str,
    /// Status code; `null` when there was no answer.
    pub status: Option<u16>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// Whether it is the page.
    pub page: bool,
    /// In one line.
    pub summary: String,
    /// The command that asks the same, to be pasted into a shell.
    pub command: String,
}

impl StandingFacts {
    /// From what was observed.
    pub fn new(mode: &Maintenance, standing: &Standing) -> Self {
        let (mode, effect) = match mode {
            Maintenance::None(_) => ("none", None),
            Maintenance::Page(page) => ("page", Some(page.effect)),
            Maintenance::Stop(stop) => ("stop", Some(stop.effect)),
        };
        let note = standing.note.as_ref();
        StandingFacts {
            mode,
            state: standing.state,
            summary: standing.summary.clone(),
            effect,
            since: note.map(|note| note.since),
            by: note.map(|note| note.who.clone()),
            from: note.and_then(|note| note.from.clone()),
            message: note.and_then(|note| note.message.clone()),
        }
    }

    /// `on since 2026-02-26 02:11:07 UTC (alice: moving the disk)`.
    pub fn told(&self) -> String {
        let state = self.state.label();
        let (Some(since), Some(by)) = (self.since, &self.by) else { return state.to_owned() };
        let word = if self.state == MaintenanceState::On { " since" } else { ", turned on" };
        let message = self.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        format!("{state}{word} {} ({by}{message})", stamp(since))
    }
}

impl MaintenanceFacts {
    /// Maintenance state.
    pub fn new(head: Head, operation: &'static str, standing: StandingFacts, answers: &[Asked]) -> Self {
        MaintenanceFacts {
            head,
            operation,
            dry_run: false,
            standing,
            risk: None,
            loses: Vec::new(),
            affects: Vec::new(),
            steps: Vec::new(),
            answers: answers.iter().map(AnswerFacts::new).collect(),
            trouble: None,
            targets: Vec::new(),
            unfinished: None,
        }
    }

    /// Adds the plan of a page.
    pub fn add_page(&mut self, plan: &Plan, unwell: &[(String, String)]) {
        let service = plan.page.proxy.name;
        self.risk = Some(plan.risk());
        let loss = |(service, what): &(String, String)| Loss { service: service.clone(), what: what.clone() };
        self.loses = unwell.iter().map(loss).collect();
        self.steps = plan
            .steps
            .iter()
            .map(|step| {
                let argv = match &step.act {
                    Act::Run(argv) => {
                        std::iter::once(argv.program.to_owned()).chain(argv.args.iter().cloned()).collect()
                    }
                    Act::Move(from, to, _) => ["mv", "--", from, to].map(str::to_owned).to_vec(),
                    Act::Remove(path) => ["rm", "-f", "--", path].map(str::to_owned).to_vec(),
                    Act::Write(..) | Act::Look => Vec::new(),
                };
                let (file, content) = match &step.act {
                    Act::Write(path, content) => (Some(path.clone()), Some(content.clone())),
                    Act::Run(_) | Act::Move(..) | Act::Remove(_) | Act::Look => (None, None),
                };
                let command = StepFacts {
                    service: service.to_owned(),
                    title: step.title.clone(),
                    argv,
                    user: None,
                    cwd: None,
                    risk: step.risk,
                    deadline_seconds: step.deadline.as_secs(),
                };
                MaintenanceStep { command, file, content }
            })
            .collect();
    }

    /// What the edge answered in the end.
    pub fn add_answers(&mut self, answers: &[Asked]) {
        self.answers = answers.iter().map(AnswerFacts::new).collect();
    }

    /// Adds the plan of stopping or starting services, and what came of it.
    pub fn add_services(&mut self, action: Action) {
        self.risk = Some(action.risk);
        self.loses = action.loses;
        self.affects = action.affects;
        self.targets = action.targets;
        let steps = action.steps.into_iter().map(|command| MaintenanceStep { command, file: None, content: None });
        self.steps = steps.collect();
    }
}

impl AnswerFacts {
    fn new(asked: &Asked) -> Self {
        let edge = asked.answer.result.as_ref().ok();
        AnswerFacts {
            host: asked.endpoint.host.clone(),
            port: asked.endpoint.port,
            path: asked.path,
            status: edge.map(|edge| edge.status),
            retry_after: edge.and_then(|edge| edge.retry_after.clone()),
            page: edge.is_some_and(|edge| edge.is_page),
            summary: asked.summary(),
            command: asked.answer.command.to_string(),
        }
    }
}

impl Report for MaintenanceFacts {
    fn text(&self, page: &mut Text) {
        match (self.operation, self.dry_run) {
            (_, true) => self.plan(page),
            ("status", false) => {
                let tone = match self.standing.state {
                    MaintenanceState::Unknown | MaintenanceState::Unfinished => Tone::Of(self.head.verdict),
                    MaintenanceState::None | MaintenanceState::Off | MaintenanceState::On => Tone::Strong,
                };
                let name = self.head.deployment.as_deref().unwrap_or_default();
                page.line(&[Cell(tone, format!("{name}: maintenance {}", self.standing.told()))]);
                page.line(&[Cell::plain(format!("  {}", self.standing.summary))]);
                if self.standing.state == MaintenanceState::Unfinished {
                    let command = |word: &str| Cell::command(format!("{} maintenance {word}", program::name()));
                    page.line(&[Cell::plain("  next: "), command("on"), Cell::plain(" or "), command("off")]);
                }
                self.answers(page);
            }
            (_, false) => self.outcome(page),
        }
    }

    fn names(&self) -> Vec<String> {
        vec![self.standing.state.label().to_owned()]
    }
}

impl MaintenanceFacts {
    fn plan(&self, page: &mut Text) {
        let risk = self.risk.unwrap_or(Risk::ReadOnly).label();
        let count = match self.steps.len() {
            0 => format!("nothing to do, it is {}", self.standing.told()),
            1 => format!("1 step, {risk}; nothing was changed"),
            count => format!("{count} steps, {risk}; nothing was changed"),
        };
        page.line(&[Cell(Tone::Strong, format!("maintenance {}: {count}", self.operation))]);
        if self.steps.is_empty() {
            return;
        }
        if let Some(effect) = self.standing.effect.filter(|_| self.operation == "on") {
            page.line(&[Cell::plain(format!("  {effect}"))]);
        }
        for loss in &self.loses {
            let line = match self.standing.mode {
                "page" => format!("  unhealthy behind the page: {}: {}", loss.service, loss.what),
                _ => format!("  {} loses: {}", loss.service, loss.what),
            };
            page.line(&[Cell::plain(line)]);
        }
        if !self.affects.is_empty() {
            page.line(&[Cell::plain(format!("  needed by: {}", self.affects.join(", ")))]);
        }
        let rows = self.steps.iter().map(|step| {
            let mut row = step.command.row();
            // A step without a command says what it does.
            if let (Some(command), true) = (row.last_mut(), step.command.argv.is_empty()) {
                let file = step.file.as_ref();
                *command = Cell::plain(file.map_or("(probes nginx)".to_owned(), |file| format!("(writes {file})")));
            }
            row
        });
        page.gap();
        page.table(&STEPS, rows.collect());
        // The page; the main file beside it is nginx's own but for one line.
        if let Some((file, content)) = self.steps.first().and_then(|step| step.file.as_ref().zip(step.content.as_ref()))
        {
            page.gap();
            page.line(&[Cell(Tone::Dim, format!("{file}:"))]);
            for line in content.lines() {
                page.line(&[Cell::plain("  "), Cell::command(line)]);
            }
        }
    }

    fn answers(&self, page: &mut Text) {
        let rows = self.answers.iter().map(|answer| {
            vec![
                Cell::plain(answer.host.clone()),
                Cell::plain(answer.port.to_string()),
                Cell::plain(answer.path),
                Cell::plain(answer.summary.clone()),
            ]
        });
        let rows: Vec<_> = rows.collect();
        if !rows.is_empty() {
            page.gap();
        }
        let columns = [Column::key("HOST"), Column::key("PORT"), Column::key("PATH"), Column::prose("ANSWER")];
        page.table(&columns, rows);
    }

    fn outcome(&self, page: &mut Text) {
        let (word, verdict) = match (self.head.verdict, self.steps.is_empty()) {
            (Verdict::Pass, true) => ("already", Verdict::Pass),
            (Verdict::Pass | Verdict::Warn, _) => ("done", Verdict::Pass),
            (Verdict::Unknown, _) => ("PENDING", Verdict::Unknown),
            (Verdict::Fail, _) => ("FAILED", Verdict::Fail),
        };
        let now = format!("maintenance {}: {}", self.standing.told(), self.standing.summary);
        let (told, now) = match (&self.trouble, verdict) {
            (None, Verdict::Pass) => (now, None),
            (None, _) => (format!("maintenance {}", self.operation), Some(now)),
            (Some(trouble), _) => (format!("maintenance {}: {trouble}", self.operation), Some(now)),
        };
        page.outcome(verdict, word, &[Cell::plain(told)]);
        for target in &self.targets {
            let tone = match target.outcome {
                ChangeOutcome::Done => Verdict::Pass,
                ChangeOutcome::Failed => Verdict::Fail,
                ChangeOutcome::Pending | ChangeOutcome::Unknown | ChangeOutcome::NotTried => Verdict::Unknown,
            };
            let what = format!("   {}: {} ({:.1} s)", target.service, target.summary, target.seconds);
            page.line(&[Cell(Tone::Of(tone), what)]);
            target.log.iter().for_each(|line| super::logs::said(page, line));
        }
        if let Some(now) = now {
            page.labeled("now", &[Cell::plain(now)]);
        }
    }
}
