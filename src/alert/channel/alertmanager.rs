//! Alertmanager's API v2. It keeps an alert as long as it is sent, so that every check sends all that are active; one that is sent no
//! more ends by itself. <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Message, Notice, Post, below};
use crate::alert::{Class, Event, EventKind, Sender};
use crate::redact::Redactor;
use crate::units;

const PATH: &str = "/api/v2/alerts";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
    starts_at: Timestamp,
    ends_at: Timestamp,
}

/// What is sent at each check: every incident that is open ends by itself after `lasts`, and those that recovered end now.
pub fn alerts(
    url: &str,
    sender: &Sender,
    (active, recovered): (&[Event], &[Event]),
    lasts: SignedDuration,
    redactor: &Redactor,
) -> Post {
    let clean = |events: &[Event]| -> (Sender, Vec<Event>) {
        let notice = |event: &Event| Notice { event: event.clone(), missed: false };
        let mut cleaned = Vec::new();
        let mut known = sender.clone();
        for event in events {
            let message = Message::new(sender, &[notice(event)], 0, false, redactor);
            cleaned.extend(message.notices.into_iter().map(|notice| notice.event));
            known = message.sender;
        }
        (known, cleaned)
    };
    let ((first, active), (second, recovered)) = (clean(active), clean(recovered));
    let sender = if active.is_empty() { second } else { first };
    post(url, &sender, &active, &recovered, lasts)
}

pub(super) fn post(url: &str, sender: &Sender, active: &[Event], recovered: &[Event], lasts: SignedDuration) -> Post {
    let until = units::later(sender.time, lasts);
    let alerts = active.iter().map(|event| alert(sender, event, until));
    let ended = recovered.iter().map(|event| alert(sender, event, sender.time));
    super::json(below(url, PATH), &alerts.chain(ended).collect::<Vec<_>>())
}

fn alert(sender: &Sender, event: &Event, ends_at: Timestamp) -> Alert {
    let labels = [
        ("alertname", name(event).to_owned()),
        ("deployment", sender.deployment.clone()),
        ("instance", sender.host.clone()),
        (label(event.class), event.subject.clone()),
        ("severity", event.severity.clone()),
    ];
    let annotations = [
        ("summary", event.summary.clone()),
        ("next", event.next.clone()),
        ("response", event.respond.clone()),
        ("affects", event.affects.join(", ")),
    ];
    let filled =
        |pairs: &[(&'static str, String)]| pairs.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
    // One that ends before it begins is refused.
    Alert { labels: filled(&labels), annotations: filled(&annotations), starts_at: event.since.min(ends_at), ends_at }
}

fn name(event: &Event) -> &'static str {
    if event.kind == EventKind::Test {
        return "TestNotification";
    }
    alert_name(event.class)
}

/// The label that names such a thing.
pub fn label(class: Class) -> &'static str {
    if class == Class::Service { "service" } else { "subject" }
}

/// The name of alerts about such a thing.
pub fn alert_name(class: Class) -> &'static str {
    match class {
        Class::Service => "ServiceDown",
        Class::Disk => "DiskFull",
        Class::Certificate => "CertificateExpiry",
        Class::Backup => "BackupOverdue",
        Class::Host => "HostProblem",
        Class::Finding => "ProblemFound",
        Class::Drift => "RegistryDrift",
        Class::Channel => "ChannelFailing",
    }
}
