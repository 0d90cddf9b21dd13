//! `check --test-notify`: which channels are in use, and what each answered to a test.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use crate::alert::deliver::Tried;
use crate::registry::{NOTIFY_ENV, Verdict};
use crate::ui::{Cell, Column, Report, Text, Tone};

/// The channels of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Channels {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// In the order in which the registry states them.
    pub channels: Vec<Tried>,
}

impl Report for Channels {
    fn text(&self, page: &mut Text) {
        let columns = vec![Column::key("CHANNEL"), Column::key("TEST"), Column::prose("ANSWER")];
        let rows = self.channels.iter().map(|channel| {
            let (verdict, word) = match (channel.in_use, channel.accepted) {
                (true, true) => (Verdict::Pass, "accepted"),
                (true, false) => (Verdict::Fail, "failed"),
                (false, _) => (Verdict::Unknown, "not in use"),
            };
            let key = channel.key.as_deref().map(|key| format!("set {key} in {NOTIFY_ENV}"));
            let tone = if channel.in_use { Tone::Of(verdict) } else { Tone::Dim };
            let answer = channel.answer.clone().or(key).unwrap_or_default();
            vec![Cell::plain(channel.channel.clone()), Cell(tone, word.to_owned()), Cell::plain(answer)]
        });
        let rows = rows.collect();
        page.table(&columns, rows);
    }

    fn names(&self) -> Vec<String> {
        self.channels.iter().filter(|channel| channel.in_use).map(|channel| channel.channel.clone()).collect()
    }
}
