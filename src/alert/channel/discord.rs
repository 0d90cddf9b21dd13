//! Discord's webhook. <https://discord.com/developers/docs/resources/webhook#execute-webhook>

use serde_json::json;

use super::{Message, Post, Style};
use crate::host::http;

/// Discord refuses more than 2,000.
const LONGEST: usize = 2000;
/// What it gives a meaning.
const MARKUP: &str = r"\*_~`|<>[]#";
/// No pictures of links.
const SUPPRESS_EMBEDS: u32 = 1 << 2;
const STYLE: Style = Style { escape, command };

/// Whether a webhook is Discord's and takes its own form; it takes Slack's below `/slack`.
pub(super) fn is_its(url: &str) -> bool {
    let Some((uri, host)) = http::address(url) else { return false };
    let host = host.to_ascii_lowercase();
    let is_below = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
    (is_below("discord.com") || is_below("discordapp.com")) && !uri.path().trim_end_matches('/').ends_with("/slack")
}

pub(super) fn post(url: String, message: &Message) -> Post {
    let title = escape(&message.title());
    let text = message.text(LONGEST - title.len() - 1, &STYLE);
    // Markup in every field can make even one event too long.
    let content = if title.len() + 1 + text.len() > LONGEST { title } else { format!("{title}\n{text}") };
    super::json(url, &json!({ "content": content, "allowed_mentions": { "parse": [] }, "flags": SUPPRESS_EMBEDS }))
}

fn escape(text: &str) -> String {
    text.chars().flat_map(|c| MARKUP.contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// As code, in which nothing but its end has a meaning.
fn command(text: &str) -> String {
    format!("`{}`", text.replace('`', "'"))
}
