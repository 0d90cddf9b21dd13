//! PagerDuty's Events API v2: a request an event. <https://developer.pagerduty.com/docs/send-alert-event>

use serde_json::{Value, json};

use super::{Message, Notice, Outgoing, PLAIN, Part, Post, cut, paragraph, urgency, word};
use crate::alert::EventKind;
use crate::program;
use crate::registry::Verdict;

const URL: &str = "https://events.pagerduty.com/v2/enqueue";
/// Longer summaries are refused, characters.
const SUMMARY: usize = 1024;
/// The same of the key by which events are of one incident.
const KEY: usize = 255;

/// What is in the message; the rest is sent with the next one.
pub(super) fn parts(routing: &str, url: Option<String>, message: &Message) -> Vec<Part> {
    let url = url.unwrap_or_else(|| URL.to_owned());
    let part = |at: usize, action, delivers: bool| Part {
        notices: if delivers { vec![at] } else { Vec::new() },
        outgoing: Outgoing::Http(event(routing, &url, message, &message.notices[at], action)),
    };
    let parts = message.notices.iter().enumerate().flat_map(|(at, notice)| match notice.event.kind {
        // What PagerDuty was never sent it cannot resolve; a test leaves no incident open.
        EventKind::Test => vec![part(at, "trigger", false), part(at, "resolve", true)],
        EventKind::Recovered if notice.missed => vec![part(at, "trigger", false), part(at, "resolve", true)],
        EventKind::Recovered => vec![part(at, "resolve", true)],
        EventKind::Stable if notice.event.verdict == Verdict::Pass => vec![part(at, "resolve", true)],
        _ => vec![part(at, "trigger", true)],
    });
    parts.collect()
}

fn event(routing: &str, url: &str, message: &Message, notice: &Notice, action: &str) -> Post {
    let (sender, event) = (&message.sender, &notice.event);
    let summary =
        format!("{} {} on {}: {}: {}", word(event), sender.deployment, sender.host, event.subject, event.summary);
    let severity = match (event.kind, urgency(event)) {
        (EventKind::Test, _) => "info",
        (_, 4) => "critical",
        (_, 3) => "error",
        (_, 2) => "warning",
        _ => "info",
    };
    let mut body = json!({
        "routing_key": routing,
        "event_action": action,
        "dedup_key": cut(&event.incident, KEY),
    });
    if action == "trigger" {
        body["client"] = program::name().into();
        body["payload"] = json!({
            "summary": cut(&summary, SUMMARY),
            "source": sender.host,
            "severity": severity,
            "timestamp": event.since,
            "component": event.subject,
            "group": sender.deployment,
            "class": event.class,
            "custom_details": {
                "text": paragraph(notice, &PLAIN),
                "severity": event.severity,
                "response": event.respond,
                "affects": event.affects,
                "next": event.next,
                "log_in": sender.ssh,
                "repeated": message.repeated,
            },
        });
    }
    super::json(url, &Value::Object(body.as_object().cloned().unwrap_or_default()))
}
