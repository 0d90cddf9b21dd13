//! Slack's incoming webhook, and those that take its `text`: Mattermost, Rocket.Chat.
//! <https://docs.slack.dev/messaging/formatting-message-text>

use serde_json::json;

use super::{Message, Post, Style};

/// Slack cuts at 40,000, and advises 4,000.
const LONGEST: usize = 4000;
const STYLE: Style = Style { escape, command: escape };
/// Mentions of everybody, as Mattermost reads them in plain text.
const EVERYBODY: &[&str] = &["channel", "here", "all", "everyone"];

pub(super) fn post(url: String, message: &Message) -> Post {
    let text = format!("{}\n{}", escape(&message.title()), message.text(LONGEST, &STYLE));
    super::json(url, &json!({ "text": text, "mrkdwn": false, "unfurl_links": false, "unfurl_media": false }))
}

/// `<`, `>` and `&` are all that Slack takes for more than text.
fn escape(text: &str) -> String {
    unmention(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The text without mentions of everybody: their sign is another one that is drawn alike.
fn unmention(text: &str) -> String {
    let mut parts = text.split('@');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let word: String = part.chars().take_while(char::is_ascii_alphanumeric).collect();
        let is_everybody = EVERYBODY.iter().any(|name| word.eq_ignore_ascii_case(name));
        out.push(if is_everybody { '\u{ff20}' } else { '@' });
        out.push_str(part);
    }
    out
}
