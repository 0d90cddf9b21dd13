//! `demo`: documents of a host that is made up, each marked as such.

use serde::Serialize;

use super::action::Action;
use crate::observe::logs::line::Line;
use crate::program;
use crate::ui::Report;
use crate::ui::{Cell, Text, Tone};

/// The first line of every screen.
pub const BANNER: &str = "DEMO     a made-up host: nothing below is about this machine, and no command runs";

/// A document as the verb itself prints it, and that it is about no real host.
#[derive(Debug, Serialize)]
pub struct MadeUp<R> {
    /// Always `true`; documents of real hosts do not have it.
    pub demo: bool,
    /// The document.
    #[serde(flatten)]
    pub document: R,
    /// What the fix's command would do, as its `--dry-run` prints it; `null` in other views.
    pub plan: Option<Action>,
    /// What to try next.
    #[serde(skip)]
    pub next: Vec<String>,
}

impl<R: Report> Report for MadeUp<R> {
    fn text(&self, page: &mut Text) {
        let (label, text) = BANNER.split_at(BANNER.find("a made-up").unwrap_or_default());
        page.headed(Cell(Tone::Strong, label.to_owned()), &[Cell(Tone::Strong, text.to_owned())]);
        self.document.text(page);
        if let Some(plan) = &self.plan {
            page.gap();
            let command = program::command(format_args!("{} {} --dry-run", plan.operation, plan.names().join(" ")));
            page.line(&[Cell(Tone::Dim, "    plan ".to_owned()), Cell::plain(command)]);
            plan.text(page);
        }
        if !self.next.is_empty() {
            page.gap();
        }
        for next in &self.next {
            page.line(&[Cell(Tone::Dim, format!("{:>8} ", "next")), Cell::plain(next.clone())]);
        }
    }

    fn names(&self) -> Vec<String> {
        self.document.names()
    }
}

/// A log line of a host that is made up.
#[derive(Debug, Serialize)]
pub struct MadeUpLine<'a> {
    /// Always `true`.
    pub demo: bool,
    /// The line.
    #[serde(flatten)]
    pub line: Line<'a>,
}

impl Report for MadeUpLine<'_> {
    fn text(&self, page: &mut Text) {
        page.line(&[Cell::plain(self.line.words())]);
    }

    fn names(&self) -> Vec<String> {
        vec![self.line.source.to_owned()]
    }
}
