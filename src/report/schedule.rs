//! `--install` and `--uninstall`: what makes a verb run by itself, and what came of changing that.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::action::{STEPS, StepFacts};
use crate::action::lock::Note;
use crate::action::plan::Step;
use crate::action::schedule::Job;
use crate::action::schedule::plan::Direction;
use crate::host::tools::timer_file::Timed;
use crate::program;
use crate::registry::Verdict;
use crate::ui::Report;
use crate::ui::{Cell, Text, Tone};
use crate::units::stamp;

/// A verb that runs by itself, and what was changed of that.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Schedule {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// `install` or `uninstall`.
    pub operation: &'static str,
    /// The verb that runs by itself.
    pub job: Job,
    /// Name of its units without their ending, and of its table of cron.
    pub name: String,
    /// What runs it: `systemd` or `cron`.
    pub manager: &'static str,
    /// When it runs; `null` where it is removed.
    pub when: Option<String>,
    /// The command that is run; empty where it is removed.
    pub argv: Vec<String>,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// Whether anything was changed.
    pub changed: bool,
    /// Files that are written or removed.
    pub files: Vec<FileFacts>,
    /// Steps, in order; empty where nothing is to be done.
    pub steps: Vec<StepFacts>,
    /// When it runs next; `null` when unknown, where cron runs it, and where it is removed.
    pub next: Option<Timestamp>,
    /// What went wrong; `null` when nothing did.
    pub trouble: Option<String>,
    /// The change that an earlier run did not finish; `null` when there is none.
    pub unfinished: Option<Note>,
}

/// A file that is written or removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FileFacts {
    /// Its path.
    pub path: String,
    /// What is written; `null` where it is removed.
    pub content: Option<String>,
}

impl Schedule {
    /// Without what was changed.
    pub fn new(
        head: Head,
        job: Job,
        direction: Direction,
        manager: &'static str,
        timed: &Timed,
        steps: &[Step],
    ) -> Self {
        let is_install = direction == Direction::Install;
        let argv = || std::iter::once(&timed.program).chain(&timed.words).cloned().collect();
        let facts = |step: &Step| {
            let facts = StepFacts::new(&timed.name, step);
            // What is done to a file has no command.
            if step.argv.program.is_empty() { StepFacts { argv: Vec::new(), ..facts } } else { facts }
        };
        Schedule {
            head,
            operation: if is_install { "install" } else { "uninstall" },
            job,
            name: timed.name.clone(),
            manager,
            when: is_install.then(|| timed.when.label()),
            argv: if is_install { argv() } else { Vec::new() },
            dry_run: false,
            changed: false,
            files: Vec::new(),
            steps: steps.iter().map(facts).collect(),
            next: None,
            trouble: None,
            unfinished: None,
        }
    }

    fn title(&self) -> String {
        format!("{} --{}", self.job.verb(), self.operation)
    }

    /// `opsctl-check-prim runs every 1m by systemd, next at 02:11 UTC`.
    fn state(&self) -> String {
        let Some(when) = &self.when else { return format!("{} is not installed", self.name) };
        let next = self.next.map(|next| format!(", next at {}", stamp(next))).unwrap_or_default();
        format!("{} runs {when} by {}{next}", self.name, self.manager)
    }
}

impl Report for Schedule {
    fn text(&self, page: &mut Text) {
        match (&self.trouble, self.steps.is_empty()) {
            (None, true) => page.outcome(Verdict::Pass, "already", &[Cell::plain(self.state())]),
            (None, _) if self.dry_run => self.plan(page),
            (None, _) => page.outcome(Verdict::Pass, "done", &[Cell::plain(self.state())]),
            (Some(trouble), _) => {
                let word = if self.head.verdict == Verdict::Unknown { "PENDING" } else { "FAILED" };
                page.outcome(self.head.verdict, word, &[Cell::plain(format!("{}: {trouble}", self.title()))]);
                page.labeled("next", &[Cell::command(program::command(self.title()))]);
            }
        }
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}

impl Schedule {
    fn plan(&self, page: &mut Text) {
        let count = match self.steps.len() {
            1 => "1 step".to_owned(),
            count => format!("{count} steps"),
        };
        page.line(&[Cell(Tone::Strong, format!("{}: {count}; nothing was changed", self.title()))]);
        if let Some(when) = &self.when {
            page.line(&[Cell::plain(format!("  {when} by {}: ", self.manager)), Cell::command(self.argv.join(" "))]);
        }
        page.gap();
        let rows = self.steps.iter().map(|step| {
            let mut row = step.row();
            if let (Some(command), true) = (row.last_mut(), step.argv.is_empty()) {
                *command = Cell::plain("(see below)");
            }
            row.remove(0);
            row
        });
        page.table(&STEPS[1..], rows.collect());
        for (path, content) in self.files.iter().filter_map(|file| Some((&file.path, file.content.as_ref()?))) {
            page.gap();
            page.line(&[Cell(Tone::Dim, format!("{path}:"))]);
            for line in content.lines() {
                page.line(&[Cell::plain("  "), Cell::command(line)]);
            }
        }
    }
}
