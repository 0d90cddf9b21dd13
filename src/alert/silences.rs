//! PURE. Silences of an Alertmanager, as its API v2 lists them: what one covers is notified through no channel.

use std::collections::BTreeMap;

use jiff::Timestamp;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::redact::is_hostile;

/// The path at which it lists them.
pub const PATH: &str = "/api/v2/silences";
/// How much of the list is read, bytes.
pub const MOST: u64 = 1 << 20;
/// The largest expression of a matcher, bytes when compiled: everybody who reaches an Alertmanager can add silences.
const LARGEST: usize = 64 << 10;
/// How much of the name of who silenced is kept, characters.
const NAME: usize = 40;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Matcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
    #[serde(skip)]
    regex: Option<Regex>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
struct Status {
    state: String,
}

/// A silence.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Silence {
    matchers: Vec<Matcher>,
    status: Status,
    ends_at: Timestamp,
    #[serde(default)]
    created_by: String,
}

/// Those that hold now. What cannot be understood silences nothing.
pub fn parse(text: &str) -> Vec<Silence> {
    let mut all: Vec<Silence> = serde_json::from_str(text).unwrap_or_default();
    all.retain(|silence| silence.status.state == "active" && !silence.matchers.is_empty());
    for matcher in all.iter_mut().flat_map(|silence| &mut silence.matchers).filter(|matcher| matcher.is_regex) {
        // It has to fit the whole, as in Alertmanager.
        let whole = format!("^(?:{})$", matcher.value);
        matcher.regex = RegexBuilder::new(&whole).size_limit(LARGEST).build().ok();
    }
    // What is no expression, or too large, covers nothing, also where it must not fit.
    all.retain(|silence| silence.matchers.iter().all(|matcher| matcher.regex.is_some() == matcher.is_regex));
    all
}

impl Silence {
    /// Whether it covers an alert with these labels under one of these names. A label that an alert lacks is empty.
    pub fn covers(&self, names: &[String], labels: &BTreeMap<&str, &str>) -> bool {
        names.iter().any(|name| {
            self.matchers.iter().all(|matcher| {
                let label = match matcher.name.as_str() {
                    "alertname" => name.as_str(),
                    other => labels.get(other).copied().unwrap_or_default(),
                };
                let fits = match &matcher.regex {
                    Some(regex) => regex.is_match(label),
                    None => matcher.value == label,
                };
                fits == matcher.is_equal
            })
        })
    }

    /// In words: `silenced in Alertmanager by ada until 2026-11-20T05:00:00Z`. They are kept for each subject.
    pub fn words(&self) -> String {
        let by: String = self.created_by.chars().filter(|c| !is_hostile(*c) && !c.is_control()).take(NAME).collect();
        let by = if by.is_empty() { by } else { format!(" by {by}") };
        format!("silenced in Alertmanager{by} until {:.0}", self.ends_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silences(matchers: &str, state: &str) -> Vec<Silence> {
        parse(&format!(
            r#"[{{"id":"a","matchers":[{matchers}],"startsAt":"2026-11-20T03:00:00.000Z","endsAt":"2026-11-20T05:00:00.000Z",
                 "comment":"c","createdBy":"ada","status":{{"state":"{state}"}}}}]"#
        ))
    }

    #[test]
    fn a_silence_covers_what_all_of_its_matchers_fit() {
        let covers = |matchers: &str| {
            let names = ["ServiceDown".to_owned(), "RedisDown".to_owned()];
            let labels = BTreeMap::from([("service", "redis"), ("severity", "P1")]);
            silences(matchers, "active").iter().any(|silence| silence.covers(&names, &labels))
        };
        let matcher = |name: &str, value: &str, regex: bool, equal: bool| {
            format!(r#"{{"name":"{name}","value":"{value}","isRegex":{regex},"isEqual":{equal}}}"#)
        };
        let down = matcher("alertname", "ServiceDown", false, true);
        assert!(covers(&down));
        assert!(covers(&matcher("alertname", "RedisDown", false, true)));
        assert!(!covers(&matcher("alertname", "DiskFull", false, true)));
        assert!(covers(&format!("{down},{}", matcher("service", "red.*", true, true))));
        assert!(!covers(&format!("{down},{}", matcher("service", "red", true, true))));
        assert!(!covers(&format!("{down},{}", matcher("service", "redis", false, false))));
        assert!(covers(&format!("{down},{}", matcher("team", "", false, true))));
        // Versions before 0.22 know no negation.
        assert!(covers(r#"{"name":"service","value":"redis","isRegex":false}"#));
        assert!(!covers(&matcher("service", "(", true, true)));
        assert!(silences(&down, "expired").is_empty() && silences("", "active").is_empty());
        assert!(parse("<html>").is_empty());
    }

    #[test]
    fn who_silences_can_neither_fill_the_record_nor_take_the_time() {
        let text = |by: &str, value: &str, equal: bool| {
            format!(
                r#"[{{"matchers":[{{"name":"service","value":"{value}","isRegex":true,"isEqual":{equal}}}],
                     "endsAt":"2026-11-20T05:00:00.000Z","createdBy":"{by}","status":{{"state":"active"}}}}]"#
            )
        };
        let silence = parse(&text(&format!("a\\u001b[31m\\nb\\u202e{}", "B".repeat(100_000)), ".*", true)).remove(0);
        let words = silence.words();
        assert_eq!(words, format!("silenced in Alertmanager by a[31mb{} until 2026-11-20T05:00:00Z", "B".repeat(34)));
        // It is refused before it has cost anything, and covers nothing by not fitting.
        assert!(parse(&text("ada", "(?:(?:a{100}){100}){100}", false)).is_empty());
    }
}
