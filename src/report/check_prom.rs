//! PURE. `check -o prom`: the text format of Prometheus, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>), for node_exporter's textfile collector.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::check::Check;
use crate::judge::health::{HostHealth, ServiceHealth};
use crate::registry::Verdict;
use crate::ui::escape;

/// Families in the order in which they are printed: name, type, help.
const FAMILIES: &[(&str, &str, &str)] = &[
    ("opsctl_up", "gauge", "Whether the last check was made, 0 where it could not be."),
    ("opsctl_check_timestamp_seconds", "gauge", "When the last check was made, seconds since 1970."),
    ("opsctl_check_duration_seconds", "gauge", "How long the last check took."),
    ("opsctl_build_info", "gauge", "Version of opsctl, always 1."),
    ("opsctl_problems", "gauge", "Problems that no other explains, by verdict."),
    ("opsctl_service_healthy", "gauge", "Whether a service is healthy, absent where that is unknown."),
    ("opsctl_service_verdict", "gauge", "Verdict of a service, 1 for the one that it has."),
    ("opsctl_service_restarts_total", "counter", "Automatic restarts since the service was last started on purpose."),
    ("opsctl_service_memory_bytes", "gauge", "Memory in use by a service."),
    ("opsctl_disk_size_bytes", "gauge", "Size of a file system."),
    ("opsctl_disk_available_bytes", "gauge", "What an ordinary user may still write to a file system."),
    ("opsctl_disk_full_forecast_seconds", "gauge", "In how long a file system will be full, absent where it will not."),
    ("opsctl_certificate_expiry_timestamp_seconds", "gauge", "When a certificate expires, seconds since 1970."),
    (
        "opsctl_backup_fresh",
        "gauge",
        "Whether the newest verified copy is recent enough, absent where that is unknown.",
    ),
    ("opsctl_backup_age_seconds", "gauge", "Age of the newest verified copy, absent where there is none."),
    ("opsctl_incident_open", "gauge", "Whether an incident of a subject is open."),
    ("opsctl_notifications_pending", "gauge", "Notifications that no channel has accepted yet."),
    ("opsctl_notifications_held", "gauge", "Subjects whose notifications are held back."),
    ("opsctl_notification_channels_failing", "gauge", "Channels that did not accept the last notification."),
];

/// The verdicts, in the order of their gravity.
const VERDICTS: [(Verdict, &str); 4] =
    [(Verdict::Pass, "pass"), (Verdict::Warn, "warn"), (Verdict::Unknown, "unknown"), (Verdict::Fail, "fail")];

/// A check as metrics.
pub fn text(check: &Check) -> String {
    let name = check.head.deployment.as_deref().unwrap_or_default();
    let mut metrics = Metrics::new(name, check.head.time, check.head.opsctl, true);
    metrics.add("opsctl_check_duration_seconds", &[], number(check.seconds));
    for (verdict, word) in VERDICTS.into_iter().filter(|(verdict, _)| *verdict != Verdict::Pass) {
        let count = check.problems.iter().filter(|problem| problem.verdict == verdict).count();
        metrics.add("opsctl_problems", &[("verdict", word)], Some(count.to_string()));
    }
    for service in &check.services {
        metrics.add_service(service);
    }
    if let Some(host) = &check.host_resources {
        metrics.add_host(host);
    }
    for forecast in &check.forecasts {
        let mount = [("mountpoint", forecast.mounted_on.as_str())];
        metrics.add("opsctl_disk_full_forecast_seconds", &mount, Some(forecast.full_in_seconds.to_string()));
    }
    for backup in &check.backups {
        let set = [("set", backup.set.as_str())];
        metrics.add("opsctl_backup_fresh", &set, healthy(backup.verdict));
        metrics.add("opsctl_backup_age_seconds", &set, backup.age_seconds.map(|age| age.max(0).to_string()));
    }
    for subject in &check.subjects {
        let open = Some(u8::from(subject.incident_open).to_string());
        metrics.add("opsctl_incident_open", &[("subject", &subject.subject)], open);
    }
    let sent = &check.notifications;
    let counts = [
        ("opsctl_notifications_pending", sent.pending),
        ("opsctl_notifications_held", sent.held),
        ("opsctl_notification_channels_failing", sent.failing.len()),
    ];
    for (family, count) in counts {
        metrics.add(family, &[], Some(count.to_string()));
    }
    metrics.text()
}

/// What is printed where there was no check: nothing in it is older than `time`.
pub fn failed(deployment: Option<&str>, time: Timestamp, version: &str) -> String {
    Metrics::new(deployment.unwrap_or_default(), time, version, false).text()
}

/// Samples of each family, by their labels.
struct Metrics<'a> {
    deployment: &'a str,
    samples: BTreeMap<&'static str, BTreeMap<String, String>>,
}

impl<'a> Metrics<'a> {
    fn new(deployment: &'a str, time: Timestamp, version: &str, is_up: bool) -> Self {
        let mut metrics = Metrics { deployment, samples: BTreeMap::new() };
        metrics.add("opsctl_up", &[], Some(u8::from(is_up).to_string()));
        let millis = time.as_millisecond();
        let stamp = format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000));
        metrics.add("opsctl_check_timestamp_seconds", &[], Some(stamp));
        metrics.add("opsctl_build_info", &[("version", version)], Some("1".to_owned()));
        metrics
    }

    /// Adds a sample where there is a value. Of two with the same labels the first counts: a scrape takes no series twice.
    fn add(&mut self, family: &'static str, labels: &[(&str, &str)], value: Option<String>) {
        let Some(value) = value else { return };
        let mut text = format!("deployment=\"{}\"", escaped(self.deployment));
        for (label, value) in labels {
            let _ = write!(text, ",{label}=\"{}\"", escaped(value));
        }
        self.samples.entry(family).or_default().entry(text).or_insert(value);
    }

    fn add_service(&mut self, service: &ServiceHealth) {
        let name = [("service", service.name.as_str())];
        let graded = [name[0], ("severity", service.severity.as_str())];
        self.add("opsctl_service_healthy", &graded, healthy(service.verdict));
        for (verdict, word) in VERDICTS {
            let is_it = u8::from(service.verdict == verdict).to_string();
            self.add("opsctl_service_verdict", &[name[0], ("verdict", word)], Some(is_it));
        }
        self.add("opsctl_service_restarts_total", &name, service.restarts.map(|count| count.to_string()));
        self.add("opsctl_service_memory_bytes", &name, service.memory_bytes.map(|bytes| bytes.to_string()));
    }

    fn add_host(&mut self, host: &HostHealth) {
        for disk in host.disks.iter().flatten() {
            let mount = [("mountpoint", disk.mounted_on.as_str())];
            self.add("opsctl_disk_size_bytes", &mount, Some(disk.size_bytes.to_string()));
            self.add("opsctl_disk_available_bytes", &mount, Some(disk.available_bytes.to_string()));
        }
        for certificate in &host.certificates {
            let end = certificate.not_after.map(|end| end.as_second().to_string());
            self.add("opsctl_certificate_expiry_timestamp_seconds", &[("host", &certificate.host)], end);
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (family, kind, help) in FAMILIES {
            let Some(samples) = self.samples.get(family) else { continue };
            let _ = writeln!(text, "# HELP {family} {help}\n# TYPE {family} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(text, "{family}{{{labels}}} {value}");
            }
        }
        text
    }
}

/// 1 or 0, and nothing where it is not known.
fn healthy(verdict: Verdict) -> Option<String> {
    match verdict {
        Verdict::Pass | Verdict::Warn => Some("1".to_owned()),
        Verdict::Fail => Some("0".to_owned()),
        Verdict::Unknown => None,
    }
}

fn number(value: f64) -> Option<String> {
    value.is_finite().then(|| format!("{value:.3}"))
}

/// The value of a label: what would drive a terminal is spelled out before the format's own characters are escaped.
fn escaped(value: &str) -> String {
    escape::line(value).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests;
