//! This program's own document, which a webhook gets and a command reads.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Message, Notice, PLAIN, Post};
use crate::registry::Verdict;

/// Name and version of the document.
pub const SCHEMA: &str = "opsctl/notification/v1";
/// Longer texts are cut, bytes.
const LONGEST: usize = 16 << 10;

/// What a webhook is sent, and a command reads.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Notification {
    /// `opsctl/notification/v1`.
    pub schema: &'static str,
    /// Version of this program.
    pub opsctl: &'static str,
    /// The same when the same message is sent again; also the header `Idempotency-Key`.
    pub id: String,
    /// The deployment.
    pub deployment: String,
    /// The host.
    pub host: String,
    /// When it was made.
    pub time: Timestamp,
    /// `check`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The worst verdict among the events.
    pub status: Verdict,
    /// One line: `FAIL prim on vps1: wallet`.
    pub title: String,
    /// The events as text for a person.
    pub text: String,
    /// Title and text, for receivers that read `type`, `status`, `message` and `timestamp`.
    pub message: String,
    /// As `time`.
    pub timestamp: Timestamp,
    /// Whether an earlier attempt to send this was interrupted, so that it may have arrived before.
    pub repeated: bool,
    /// The events, worst first, at most 20.
    pub events: Vec<Notice>,
    /// How many more there are.
    pub more: usize,
    /// How many older ones were dropped, because the channel had not accepted them.
    pub dropped: u64,
}

/// The document of a message.
pub fn document(message: &Message) -> Notification {
    let (title, text) = (message.title(), message.text(LONGEST, &PLAIN));
    let worst = message.notices.iter().map(|notice| notice.event.verdict).max();
    Notification {
        schema: SCHEMA,
        opsctl: env!("CARGO_PKG_VERSION"),
        id: message.id.clone(),
        deployment: message.sender.deployment.clone(),
        host: message.sender.host.clone(),
        time: message.sender.time,
        kind: "check",
        status: worst.unwrap_or(Verdict::Pass),
        message: format!("{title}\n{text}"),
        title,
        text,
        timestamp: message.sender.time,
        repeated: message.repeated,
        events: message.notices.clone(),
        more: message.more,
        dropped: message.dropped,
    }
}

pub(super) fn post(url: String, message: &Message) -> Post {
    let mut post = super::json(url, &document(message));
    post.headers.push(("idempotency-key", message.id.clone()));
    post
}
