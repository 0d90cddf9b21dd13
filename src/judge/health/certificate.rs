//! Certificates as the edge of this host shows them.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::{About, Check};
use crate::host::tools::command::Command;
use crate::observe::probe::{Answer, HostEvidence, Served, TlsEdge, Trust};
use crate::registry::{Certificates, Service, Verdict};
use crate::units::{age, duration};

/// A certificate as it was served.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Certificate {
    /// Host name that was asked for.
    pub host: String,
    /// When it ends; `null` when none was shown.
    pub not_after: Option<Timestamp>,
    /// Whole days left; negative when it has ended.
    pub days_left: Option<i64>,
    /// Who signed it.
    pub issuer: Option<String>,
    /// What follows from it.
    pub verdict: Verdict,
    /// In a few words.
    pub summary: String,
}

/// Judges what the edge shows, adds a check for each name, and tells each certificate.
pub(super) fn judge(
    bounds: Option<&Certificates>,
    services: &[&'static Service],
    absent: &[&str],
    evidence: &HostEvidence,
    now: Timestamp,
    checks: &mut Vec<Check>,
) -> Vec<Certificate> {
    let Some(bounds) = bounds else { return Vec::new() };
    let routed = |host: &str, service: &&&'static Service| service.routes.iter().any(|route| route.host == host);
    let wanted = |host: &str| {
        let mut owners = services.iter().filter(|service| routed(host, service)).peekable();
        owners.peek().is_none() || owners.any(|owner| !absent.contains(&owner.name))
    };
    let mut judged = Vec::new();
    let mut found = Vec::new();
    for (host, answer) in evidence.certificates.iter().filter(|(host, _)| wanted(host)) {
        let served = match &answer.result {
            Ok(served) => served,
            Err(trouble) => {
                found.push(Check::unknown(format!("certificate {host}"), answer, trouble).about(About::Certificate));
                continue;
            }
        };
        let certificate = certificate(host, served, bounds, now);
        let (verdict, summary) = (certificate.verdict, certificate.summary.clone());
        found.push(Check::new(format!("certificate {host}"), answer, verdict, summary).about(About::Certificate));
        judged.push(certificate);
    }
    for file in &evidence.unserved {
        let Some(ended) = file.not_after.filter(|end| *end < now) else { continue };
        let summary = format!("expired {} ago, and no server here serves it", age(ended, now));
        let openssl = ["openssl", "x509", "-noout", "-subject", "-enddate", "-in", &file.path];
        let answer = Answer { command: Command::new(openssl), result: Ok(()) };
        let check = Check::new(format!("certificate file {}", file.path), &answer, Verdict::Warn, summary);
        checks.push(check.about(About::Other));
    }
    if let (TlsEdge::Unknown(why), true) = (&evidence.edge, evidence.certificates.is_empty()) {
        let command = Command::new(["openssl", "s_client", "-connect", &format!("127.0.0.1:{}", bounds.port)]);
        checks.push(Check {
            source: "certificates".to_owned(),
            verdict: Verdict::Unknown,
            summary: format!("could not be checked: {why}"),
            command,
            about: About::Certificate,
            needs_root: false,
        });
    }
    if let Some(trouble) = &evidence.names_trouble {
        let answer = Answer { command: Command::new(["ls", "/etc/letsencrypt/live"]), result: Ok(()) };
        checks.push(Check::unknown("certificates on disk", &answer, trouble).about(About::Certificate));
    }
    // An edge that shows none for any host is one problem, not as many as there are hosts.
    match (&judged[..], found.first()) {
        ([first, rest @ ..], Some(check))
            if !rest.is_empty() && first.not_after.is_none() && rest.iter().all(|c| c.summary == first.summary) =>
        {
            checks.push(Check { source: "certificate of every host".to_owned(), ..check.clone() });
        }
        _ => checks.append(&mut found),
    }
    judged
}

fn certificate(host: &str, served: &Result<Served, String>, bounds: &Certificates, now: Timestamp) -> Certificate {
    let served = match served {
        Ok(served) => served,
        Err(reason) => {
            return Certificate {
                host: host.to_owned(),
                not_after: None,
                days_left: None,
                issuer: None,
                verdict: Verdict::Fail,
                summary: format!("no TLS: {reason}"),
            };
        }
    };
    let left = served.not_after.duration_since(now);
    // One that is shown to whoever asks for no name, and has none itself.
    let named = host.starts_with(':') || served.names.iter().any(|name| name == host || covers(name, host));
    let time_left =
        if served.is_endless { "it has no expiry date".to_owned() } else { format!("{} left", duration(left)) };
    let (verdict, summary) = if left.is_negative() {
        (Verdict::Fail, format!("expired {} ago", duration(now.duration_since(served.not_after))))
    } else if served.not_before > now {
        (Verdict::Fail, "not valid yet".to_owned())
    } else if !named {
        (Verdict::Fail, format!("is for {}", served.names.first().map_or("no name", String::as_str)))
    } else if let Trust::Refused(why) = &served.trust {
        (Verdict::Fail, format!("{why}; {time_left}"))
    } else if left < bound(served, bounds.fail_days) {
        (Verdict::Fail, format!("expires in {}", duration(left)))
    } else if left < bound(served, bounds.warn_days) {
        (Verdict::Warn, format!("expires in {}", duration(left)))
    } else {
        (Verdict::Pass, time_left)
    };
    // An unknown issuer is reported whatever else is wrong, after what fails the certificate: nothing in it can be relied on.
    let (verdict, summary) = match &served.trust {
        Trust::Known | Trust::Refused(_) => (verdict, summary),
        Trust::Unknown(why) if verdict == Verdict::Fail => (verdict, format!("{summary}; {why}")),
        Trust::Unknown(why) => (verdict.max(Verdict::Warn), format!("{why}; {summary}")),
        Trust::Unchecked(_) if verdict == Verdict::Fail => (verdict, summary),
        Trust::Unchecked(why) => (Verdict::Unknown, format!("{why}; {summary}")),
    };
    Certificate {
        host: host.to_owned(),
        not_after: Some(served.not_after),
        days_left: Some(left.as_hours().div_euclid(24)),
        issuer: Some(served.issuer.clone()),
        verdict,
        summary,
    }
}

/// How much of its life a certificate must have left. Bounds are stated for 90 days; a short-lived certificate is judged by the same
/// fraction of its life.
fn bound(served: &Served, days: u16) -> SignedDuration {
    let stated = SignedDuration::from_hours(i64::from(days).saturating_mul(24));
    let life = served.not_after.duration_since(served.not_before).as_secs();
    stated.min(SignedDuration::from_secs(life.saturating_mul(i64::from(days)) / 90))
}

/// Whether a certificate that is valid ends soon, by the bound of a warning.
pub(crate) fn ends_soon(served: &Served, bounds: &Certificates, now: Timestamp) -> bool {
    served.not_after.duration_since(now) < bound(served, bounds.warn_days)
}

/// Whether a name of a certificate, which may begin with `*.`, is this host's.
pub(crate) fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
        None => name.eq_ignore_ascii_case(host),
    }
}
