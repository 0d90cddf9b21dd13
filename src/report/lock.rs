//! `lock`: who changes a deployment.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use crate::action::lock::{Holder, Note};
use crate::ui::Report;
use crate::ui::{Cell, Text};
use crate::units::stamp;

/// The lock of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LockFacts {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// The lock.
    #[serde(flatten)]
    pub lock: LockState,
}

/// Whether a deployment is being changed, and by whom.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LockState {
    /// `free`, `held`, `unfinished` when its last holder did not come to an end, or `unknown` when it cannot be read.
    pub state: &'static str,
    /// Who holds it, or held it; `null` when nobody, or when that is not known.
    pub holder: Option<Note>,
}

impl From<Holder> for LockState {
    fn from(holder: Holder) -> Self {
        let (state, holder) = match holder {
            Holder::None => ("free", None),
            Holder::Held(note) => ("held", Some(note)),
            Holder::Unfinished(note) => ("unfinished", Some(note)),
            Holder::Unknown(_) => ("unknown", None),
        };
        LockState { state, holder }
    }
}

impl LockState {
    /// In a line.
    pub fn words(&self) -> String {
        let Some(note) = &self.holder else { return self.state.to_owned() };
        let since = stamp(note.since);
        let step = note.step.as_ref().map(|step| format!(", at: {step}")).unwrap_or_default();
        format!("{}: {} ({}) since {since}{step}", self.state, note.what, note.who)
    }
}

impl Report for LockFacts {
    fn text(&self, page: &mut Text) {
        let words = self.lock.words();
        page.line(&[Cell::plain(words)]);
    }

    fn names(&self) -> Vec<String> {
        vec![self.lock.state.to_owned()]
    }
}
