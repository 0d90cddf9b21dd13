//! ntfy, by JSON, so that nothing from outside is in a header. <https://docs.ntfy.sh/publish/#publish-as-json>

use serde_json::json;

use super::{Message, PLAIN, Post, Unfit, is_open, urgency};
use crate::alert::{Event, EventKind};
use crate::registry::Verdict;

/// Longer messages become attachments, bytes.
const LONGEST: usize = 3900;

pub(super) fn post(topic: &str, token: Option<&str>, message: &Message) -> Result<Post, Unfit> {
    let (server, topic) = split(topic).ok_or_else(|| Unfit::Malformed("its address names no topic".to_owned()))?;
    let worst = message.worst();
    let mut body = json!({
        "topic": topic,
        "title": message.title(),
        "message": message.text(LONGEST, &PLAIN),
        "priority": worst.map_or(3, priority),
        "tags": [worst.map_or("bell", tag), message.sender.deployment.as_str()],
    });
    if let Some(link) = message.sender.ssh.as_deref().and_then(link) {
        body["actions"] = json!([{ "action": "view", "label": "Log in", "url": link }]);
    }
    let mut post = super::json(server, &body);
    post.headers.extend(token.map(|token| ("authorization", format!("Bearer {token}"))));
    Ok(post)
}

/// The server of a topic's URL, with its query, and the topic.
fn split(url: &str) -> Option<(String, &str)> {
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let (server, topic) = path.trim_end_matches('/').rsplit_once('/')?;
    // Without a topic the last part is the host.
    let is_topic = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if server.ends_with('/') || topic.is_empty() || !topic.chars().all(is_topic) {
        return None;
    }
    Some((query.map_or(format!("{server}/"), |query| format!("{server}/?{query}")), topic))
}

/// From 5, which rings through a night, to 1.
fn priority(event: &Event) -> u8 {
    match (event.kind, is_open(event)) {
        (EventKind::Test, _) => 3,
        (_, false) => 2,
        (_, true) => urgency(event) + 1,
    }
}

/// Drawn as an emoji. <https://docs.ntfy.sh/emojis/>
fn tag(event: &Event) -> &'static str {
    match (event.kind, event.verdict) {
        (EventKind::Test, _) => "test_tube",
        (EventKind::Flapping, _) => "arrows_counterclockwise",
        (_, Verdict::Pass) | (EventKind::Recovered, _) => "white_check_mark",
        (_, Verdict::Fail) => "rotating_light",
        _ => "warning",
    }
}

/// `ssh -p 22 root@192.0.2.7` as a link, which a phone opens with its terminal.
fn link(ssh: &str) -> Option<String> {
    let words: Vec<&str> = ssh.split(' ').collect();
    let (whom, port) = match words[..] {
        ["ssh", whom] => (whom, None),
        ["ssh", "-p", port, whom] => (whom, Some(port.parse::<u16>().ok()?)),
        _ => return None,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_@".contains(c);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    (!whom.is_empty() && !whom.starts_with('-') && whom.chars().all(is_plain)).then(|| format!("ssh://{whom}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_the_last_part_of_its_url() {
        assert_eq!(split("https://ntfy.sh/alerts"), Some(("https://ntfy.sh/".into(), "alerts")));
        assert_eq!(split("https://n.test/sub/alerts/?auth=x"), Some(("https://n.test/sub/?auth=x".into(), "alerts")));
        for wrong in ["https://ntfy.sh", "https://ntfy.sh/", "https://ntfy.sh/a b", "x"] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
        assert_eq!(link("ssh root@192.0.2.7"), Some("ssh://root@192.0.2.7".into()));
        assert_eq!(link("ssh -p 2222 root@a.test"), Some("ssh://root@a.test:2222".into()));
        for none in ["ssh", "ssh -p x root@a", "ssh -oX a", "ssh root@a;id", "mosh a"] {
            assert_eq!(link(none), None, "{none}");
        }
    }
}
