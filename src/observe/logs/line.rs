//! One line of the stream, as it is printed, and in short beside something else.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::level::LogLevel;
use super::parse::Fields;
use crate::host::tools::sentence;

/// A log line: one JSON document a line.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Line<'a> {
    /// When it was written, to the microsecond; `null` where neither the line nor one before it tells.
    #[serde(serialize_with = "to_microseconds")]
    pub time: Option<Timestamp>,
    /// Whose it is; `null` for what belongs to the host.
    pub service: Option<&'static str>,
    /// Where it was found, as `get services -o wide` prints it.
    pub source: &'a str,
    /// How severe it is; `null` if unknown.
    pub level: Option<LogLevel>,
    /// What it says; `null` for a journal entry without a message.
    pub message: Option<&'a str>,
    /// What a structured line says beside its message and level; `null` for any other line.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub fields: Option<Fields<'a>>,
    /// Whether it is longer than the 64 KiB that are shown.
    pub truncated: bool,
}

#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn to_microseconds<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&format_args!("{time:.6}")),
        None => serializer.serialize_none(),
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// What a service wrote, beside a document about something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Said {
    /// When; `null` if unknown.
    pub time: Option<Timestamp>,
    /// Where it was found.
    pub source: String,
    /// How severe it is; `null` if unknown.
    pub level: Option<LogLevel>,
    /// Its message, at most 400 bytes of it, on one line.
    pub text: String,
}

impl Said {
    /// The same as a line of its own.
    pub fn of(line: &Line<'_>) -> Self {
        let words = line.words();
        let text = sentence(&words.split_whitespace().collect::<Vec<_>>().join(" "));
        Said { time: line.time, source: line.source.to_owned(), level: line.level, text }
    }
}

/// Keys that say again what stands elsewhere on the line.
const REPEATED: &[&str] = &["ts", "time", "timestamp", "@timestamp", "t"];

impl Line<'_> {
    /// What people read: the line itself, or of a structured one its level, its message, and the rest as `key=value`. A stack
    /// trace follows on lines of its own.
    pub fn words(&self) -> std::borrow::Cow<'_, str> {
        let Some(fields) = &self.fields else {
            let text = self.message.unwrap_or("(an entry without a message)");
            return match self.truncated {
                true => format!("{text}… (cut)").into(),
                false => text.into(),
            };
        };
        let mut words = String::new();
        if let Some(level) = self.level {
            words.push_str(level.name());
        }
        for part in self.message.into_iter().filter(|message| !message.is_empty()) {
            words.push_str(if words.is_empty() { "" } else { " " });
            words.push_str(part);
        }
        let mut stack = None;
        for (key, value) in &fields.0 {
            let raw = value.get();
            let own_name = || self.service.is_some_and(|service| raw.contains(service));
            if raw == "null" || REPEATED.contains(&&**key) || (key == "service" && own_name()) {
                continue;
            }
            if raw.contains("\"stack\"")
                && let Ok(serde_json::Value::Object(error)) = serde_json::from_str(raw)
                && let Some(text) = error.get("stack").and_then(serde_json::Value::as_str)
            {
                stack = Some(text.to_owned());
                continue;
            }
            words.push_str(if words.is_empty() { "" } else { " " });
            words.push_str(key);
            words.push('=');
            if let Some(request) = request(raw) {
                words.push_str(&request);
                continue;
            }
            let plain = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
            words.push_str(match plain {
                Some(text) if !text.is_empty() && !text.contains([' ', '\\', '"', '=']) => text,
                _ => raw,
            });
        }
        if let Some(stack) = stack {
            for line in stack.lines() {
                words.push_str("\n    ");
                words.push_str(line);
            }
        }
        words.into()
    }
}

/// What a proxy's access log says of a request at length, in the words that people use: `GET shop.example/cart`.
fn request(raw: &str) -> Option<String> {
    if !raw.starts_with('{') || !raw.contains("\"uri\"") {
        return None;
    }
    let value: serde_json::Value = serde_json::from_str(raw).ok()?;
    let part = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
    Some(format!("{} {}{}", part("method")?, part("host").unwrap_or_default(), part("uri")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::logs::parse::understand;
    use crate::observe::logs::stamp::Clock;

    fn words(text: &str) -> String {
        let clock = Clock { zone: jiff::tz::TimeZone::UTC, now: Timestamp::UNIX_EPOCH };
        let said = understand(text, None, &clock);
        let line = Line {
            time: None,
            service: Some("wallet"),
            source: "journal:prim-wallet.service",
            level: said.level,
            message: Some(&said.message),
            fields: said.fields,
            truncated: false,
        };
        line.words().into_owned()
    }

    #[test]
    fn structured_lines_read_as_sentences() {
        let json = r#"{"level":"error","ts":"2026-02-26T02:11:07.123Z","service":"wallet.sh","msg":"no answer","request_id":null,
            "n":3,"why":"timed out","err":{"name":"Error","message":"boom","stack":"Error: boom\n    at x"}}"#;
        assert_eq!(words(json), "error no answer n=3 why=\"timed out\"\n    Error: boom\n        at x");
        let access = r#"{"level":"info","ts":1764000000.1,"msg":"handled request","request":{"remote_ip":"1.2.3.4","method":"GET","host":"wallet.prim.sh","uri":"/v1/x","headers":{}},"status":502}"#;
        assert_eq!(words(access), "info handled request request=GET wallet.prim.sh/v1/x status=502");
        assert_eq!(words("plain {text}"), "plain {text}");
    }
}
