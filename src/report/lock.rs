//! `lock`: who changes a deployment.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Head, Report};
use crate::action::lock::Note;
use crate::ui::{Cell, Text};

/// The lock of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LockFacts {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// `free`, `held`, or `unfinished` when its last holder did not come to an end.
    pub state: &'static str,
    /// Who holds it, or held it; `null` when nobody.
    pub holder: Option<Note>,
}

impl LockFacts {
    /// Of the note in the lock, and whether somebody holds it.
    pub fn new(head: Head, note: Option<(Note, bool)>) -> Self {
        let state = match &note {
            None => "free",
            Some((_, true)) => "held",
            Some((_, false)) => "unfinished",
        };
        LockFacts { head, state, holder: note.map(|(note, _)| note) }
    }
}

impl Report for LockFacts {
    fn text(&self, page: &mut Text) {
        let words = match &self.holder {
            None => "free".to_owned(),
            Some(note) => {
                let since = note.since.strftime("%Y-%m-%d %H:%M:%S UTC");
                let step = note.step.as_ref().map(|step| format!(", at: {step}")).unwrap_or_default();
                format!("{}: {} ({}) since {since}{step}", self.state, note.what, note.who)
            }
        };
        page.line(&[Cell::plain(words)]);
    }

    fn names(&self) -> Vec<String> {
        vec![self.state.to_owned()]
    }
}
