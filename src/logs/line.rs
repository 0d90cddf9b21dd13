//! What a line of a log says: when, how grave, and what, in whatever form its program writes. One pass over a JSON line,
//! borrowing all it can; of a plain line only the beginning is looked at, because a mark stands there.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::stamp::{self, Clock};

/// How grave a line is, from mild to grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For developers.
    Debug,
    /// As it should be.
    Info,
    /// Odd, but it went on.
    Warn,
    /// Something failed.
    Error,
    /// The program cannot go on.
    Fatal,
}

impl LogLevel {
    /// As it is written in documents and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Trace => "trace",
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
            LogLevel::Fatal => "fatal",
        }
    }

    /// The level of a priority of syslog: 0 is an emergency, 7 is for debugging.
    pub fn from_priority(priority: u8) -> Self {
        match priority {
            0..=2 => LogLevel::Fatal,
            3 => LogLevel::Error,
            4 => LogLevel::Warn,
            5 | 6 => LogLevel::Info,
            _ => LogLevel::Debug,
        }
    }

    /// The level that a word names, in any case.
    fn of_word(word: &str) -> Option<Self> {
        let mut lower = [0; 12];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        Some(match &*lower {
            b"trace" | b"silly" | b"finest" => LogLevel::Trace,
            b"debug" | b"verbose" | b"fine" => LogLevel::Debug,
            b"info" | b"information" | b"notice" | b"log" => LogLevel::Info,
            b"warn" | b"warning" => LogLevel::Warn,
            b"error" | b"err" | b"severe" => LogLevel::Error,
            b"fatal" | b"critical" | b"crit" | b"panic" | b"alert" | b"emerg" | b"emergency" => LogLevel::Fatal,
            _ => return None,
        })
    }

    /// The level that an upper-case word in running text marks: fewer words than after `level=`, because FINE and SILLY
    /// are also said.
    fn of_mark(word: &str) -> Option<Self> {
        let first = word.bytes().next()?;
        if !matches!(first, b'A' | b'C'..=b'F' | b'I' | b'L' | b'N' | b'P' | b'S'..=b'T' | b'V' | b'W')
            || !word.bytes().all(|byte| byte.is_ascii_uppercase())
            || matches!(word, "FINE" | "FINEST" | "SILLY" | "INFORMATION")
        {
            return None;
        }
        LogLevel::of_word(word)
    }

    /// The level that pino and bunyan write as 10, 20 … 60, with room between for levels of one's own.
    fn of_number(number: &str) -> Option<Self> {
        Some(match number.parse::<u8>().ok()? {
            10..20 => LogLevel::Trace,
            20..30 => LogLevel::Debug,
            30..40 => LogLevel::Info,
            40..50 => LogLevel::Warn,
            50..60 => LogLevel::Error,
            60..70 => LogLevel::Fatal,
            _ => return None,
        })
    }
}

/// What a line says.
#[derive(Debug)]
pub struct Understood<'a> {
    /// Microseconds since the epoch, as the line states it.
    pub time: Option<i64>,
    /// How grave it is.
    pub level: Option<LogLevel>,
    /// The message of a structured line, else the whole line.
    pub message: Cow<'a, str>,
    /// All other keys of a JSON line in their order; none for a line that is not a JSON object.
    pub fields: Option<Fields<'a>>,
}

/// Key and raw JSON value, in the order of the line; of a repeated key the last.
#[derive(Debug)]
pub struct Fields<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

/// The priority that systemd gives to every line of standard output, which therefore says nothing.
const PRIORITY_OF_STDOUT: u8 = 6;

/// What a line says; `priority` is that of its record in the journal.
pub fn understand<'a>(text: &'a str, priority: Option<u8>, clock: &Clock) -> Understood<'a> {
    let unprefixed = after_prefix(text);
    let (time, body) = match stamp::leading(unprefixed, clock) {
        Some((time, at)) => (Some(time), &unprefixed[at..]),
        None => (None, unprefixed),
    };
    let mut understood = match Fields::parse(body) {
        Some(fields) => structured(fields, text, clock),
        None => Understood { time: None, level: mark(unprefixed, body), message: text.into(), fields: None },
    };
    understood.time = understood.time.or(time);
    understood.level = match priority {
        None => understood.level,
        Some(PRIORITY_OF_STDOUT) => understood.level.or(Some(LogLevel::Info)),
        // Nothing is milder than no mark, so the priority alone is left then.
        Some(priority) => understood.level.max(Some(LogLevel::from_priority(priority))),
    };
    understood
}

/// The text after the name that docker compose and pm2 put before each line: `worker-1  | `, `0|api  | `.
fn after_prefix(text: &str) -> &str {
    let name = |byte: &u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'|');
    let bytes = text.as_bytes();
    let end = bytes.iter().take(80).take_while(|byte| name(byte)).count();
    let spaces = bytes[end..].iter().take(80).take_while(|byte| **byte == b' ').count();
    let bar = end + spaces;
    match bytes.get(bar..bar + 2) {
        Some(b"| ") if end > 0 && spaces > 0 => &text[bar + 2..],
        _ => text,
    }
}

impl<'a> Fields<'a> {
    /// The fields of a text that is one JSON object and nothing else.
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        if !text.starts_with('{') || !text.ends_with('}') {
            return None;
        }
        let mut fields: Fields<'a> = serde_json::from_str(text).ok()?;
        fields.keep_last();
        Some(fields)
    }

    /// Of a repeated key only the last.
    fn keep_last(&mut self) {
        let fields = &mut self.0;
        // A usual line is compared faster than hashed.
        let repeated = if fields.len() <= 24 {
            (1..fields.len()).any(|at| fields[..at].iter().any(|(key, _)| *key == fields[at].0))
        } else {
            let mut seen = HashSet::with_capacity(fields.len());
            !fields.iter().all(|(key, _)| seen.insert(&**key))
        };
        if repeated {
            let mut seen = HashSet::with_capacity(fields.len());
            fields.reverse();
            fields.retain(|(key, _)| seen.insert(key.clone()));
            fields.reverse();
        }
    }

    /// The place of a key and its value as written.
    fn find(&self, key: &str) -> Option<(usize, &'a str)> {
        self.0.iter().enumerate().find(|(_, (name, _))| name == key).map(|(at, (_, value))| (at, value.get()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(12);
                while let Some(Key(key)) = map.next_key()? {
                    fields.push((key, map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A key, borrowed unless it has escapes: serde's own `Cow` always owns.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

const LEVEL_KEYS: &[&str] = &["level", "severity", "lvl", "log.level", "loglevel"];
const MESSAGE_KEYS: &[&str] = &["msg", "message", "MESSAGE", "event"];
const TIME_KEYS: &[&str] = &["ts", "time", "timestamp", "@timestamp", "t"];

/// What a JSON line says. The keys that gave level and message are left out of the fields.
fn structured<'a>(mut fields: Fields<'a>, text: &'a str, clock: &Clock) -> Understood<'a> {
    let time = TIME_KEYS.iter().find_map(|key| time_of(fields.find(key)?.1, clock));
    let stated = LEVEL_KEYS.iter().find_map(|key| {
        let (at, raw) = fields.find(key)?;
        Some((at, level_of(raw)?))
    });
    let stated = stated.or_else(|| mongo_level(&fields));
    let level = stated.map(|(_, level)| level).or_else(|| {
        let status = fields.find("status")?.1.trim_matches('"').parse::<u16>().ok()?;
        (500..600).contains(&status).then_some(LogLevel::Error)
    });
    let told = MESSAGE_KEYS.iter().find_map(|key| {
        let (at, raw) = fields.find(key)?;
        Some((at, string(raw)?))
    });
    let used = [stated.map(|(at, _)| at), told.as_ref().map(|(at, _)| *at)];
    let mut at = 0;
    fields.0.retain(|_| {
        at += 1;
        !used.contains(&Some(at - 1))
    });
    let message = told.map_or(text.into(), |(_, message)| message);
    Understood { time, level, message, fields: Some(fields) }
}

/// The text of a JSON string; none for other values.
fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(inner.into());
    }
    // Half of a surrogate pair is no text; it is shown as it was written.
    Some(serde_json::from_str::<String>(raw).map_or(inner.into(), Cow::Owned))
}

fn level_of(raw: &str) -> Option<LogLevel> {
    let word = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw);
    LogLevel::of_word(word.trim()).or_else(|| LogLevel::of_number(word))
}

fn time_of(raw: &str, clock: &Clock) -> Option<i64> {
    match raw.as_bytes().first()? {
        b'"' => stamp::of_value(&string(raw)?, clock),
        b'{' => {
            let inner: Fields = serde_json::from_str(raw).ok()?;
            let date = inner.find("$date")?.1;
            stamp::of_value(&string(date).unwrap_or(date.into()), clock)
        }
        _ => stamp::of_value(raw, clock),
    }
}

/// MongoDB says `s` for severity, beside a component and a message.
fn mongo_level(fields: &Fields) -> Option<(usize, LogLevel)> {
    let (at, severity) = fields.find("s")?;
    fields.find("c").and(fields.find("msg"))?;
    let level = match severity.as_bytes() {
        br#""F""# => LogLevel::Fatal,
        br#""E""# => LogLevel::Error,
        br#""W""# => LogLevel::Warn,
        br#""I""# => LogLevel::Info,
        [b'"', b'D', b'1'..=b'5', b'"'] | br#""D""# => LogLevel::Debug,
        _ => return None,
    };
    Some((at, level))
}

/// How far into a plain line a mark is looked for.
const MARK_REACH: usize = 160;

/// The level that a plain line is marked with; `body` is what follows the stamp of `text`.
fn mark(text: &str, body: &str) -> Option<LogLevel> {
    redis_mark(text, body).or_else(|| {
        let near = &body.as_bytes()[..body.len().min(MARK_REACH)];
        if near.contains(&b'\x1b') { scan(&without_colour(body)) } else { scan(body) }
    })
}

/// Redis marks with one character after the time: `1:M 22 Nov 2026 05:14:42.123 # text`.
fn redis_mark(text: &str, body: &str) -> Option<LogLevel> {
    let level = match body.as_bytes() {
        [b'#', b' ', ..] => LogLevel::Warn,
        [b'*', b' ', ..] => LogLevel::Info,
        [b'-' | b'.', b' ', ..] => LogLevel::Debug,
        _ => return None,
    };
    let role = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let redis = role.len() < text.len() && matches!(role.as_bytes(), [b':', b'A'..=b'Z', b' ', ..]);
    (redis && body.len() < text.len()).then_some(level)
}

/// The text without the sequences that colour it: `ESC [ digits ; m`.
fn without_colour(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        plain.push_str(rest.strip_prefix('m').unwrap_or(rest));
    }
    plain
}

/// The first mark near the beginning of a text.
fn scan(body: &str) -> Option<LogLevel> {
    let bytes = body.as_bytes();
    let near = bytes.len().min(MARK_REACH);
    let mut last_word = "";
    let mut at = 0;
    while at < near {
        match bytes[at] {
            b'"' => {
                if let Some(level) = access_mark(&body[at..]) {
                    return Some(level);
                }
                at += 1;
            }
            byte if is_word(byte) => {
                let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
                match word_mark(body, at, end, last_word) {
                    Said::Level(level) => return Some(level),
                    Said::NoLevel => return None,
                    Said::Nothing => {}
                }
                last_word = &body[at..end];
                at = end;
            }
            0xe2 if body[at..].starts_with('❌') => return Some(LogLevel::Error),
            _ => at += 1,
        }
    }
    None
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// What a word says of the level of its line.
enum Said {
    Level(LogLevel),
    /// The line goes with another one, and its text is not the program's own.
    NoLevel,
    Nothing,
}

fn word_mark(body: &str, start: usize, end: usize, last_word: &str) -> Said {
    let bytes = body.as_bytes();
    let word = &body[start..end];
    let before = bytes[..start].last().copied();
    let after = bytes.get(end).copied();
    let rest = &body[end..];
    let denied = ["no", "not", "without", "0"].iter().any(|no| last_word.eq_ignore_ascii_case(no));
    // A path, or what has no value to speak of.
    if denied || matches!(before, Some(b'/' | b'$' | b'@')) || (before == Some(b'-') && after != Some(b' ')) {
        return Said::Nothing;
    }
    let upper = word.as_bytes()[0].is_ascii_uppercase();
    if upper
        && after == Some(b':')
        && matches!(word, "STATEMENT" | "DETAIL" | "HINT" | "CONTEXT" | "QUERY" | "LOCATION")
    {
        return Said::NoLevel;
    }
    // `level=warn`, `lvl="eror"`.
    if after == Some(b'=') {
        if matches!(word, "level" | "lvl" | "severity") {
            let value = rest[1..].trim_start_matches(['"', '\'']);
            let length = value.bytes().take_while(u8::is_ascii_alphanumeric).count();
            if let Some(level) = LogLevel::of_word(&value[..length]).or_else(|| LogLevel::of_number(&value[..length])) {
                return Said::Level(level);
            }
        }
        return Said::Nothing;
    }
    if upper && let Some(level) = LogLevel::of_mark(word) {
        return Said::Level(level);
    }
    let enclosed = matches!((before, after), (Some(b'['), Some(b']' | b':')) | (Some(b'<'), Some(b'>')));
    let opens = match before {
        None => true,
        Some(b' ') => body[..start].trim_end_matches(' ').ends_with([':', ']']) || body[..start].trim().is_empty(),
        _ => false,
    };
    let introduces = after == Some(b':') && !is_nothing(&rest[1..]);
    // Go's way to end is told below.
    if (enclosed || (opens && introduces && word != "panic"))
        && let Some(level) = LogLevel::of_word(word)
    {
        return Said::Level(level);
    }
    match spoken_mark(body, word, start, rest, introduces) {
        Some(level) => Said::Level(level),
        None => Said::Nothing,
    }
}

/// Whether what follows `error:` says that there is none.
fn is_nothing(value: &str) -> bool {
    let word = value.trim_start_matches(' ').split([' ', ',', ';', ')']).next().unwrap_or_default();
    // `error::Kind` is a path, and `error:0` a count.
    value.starts_with(':') || matches!(word, "0" | "none" | "None" | "null" | "nil" | "undefined" | "false" | "no")
}

/// The words with which languages begin the report of a failure.
fn spoken_mark(body: &str, word: &str, start: usize, rest: &str, introduces: bool) -> Option<LogLevel> {
    match word {
        "panic" if introduces => return Some(LogLevel::Error),
        "panicked" if body[..start].contains("thread '") => return Some(LogLevel::Error),
        "Traceback" if rest.starts_with(" (most recent call last)") => return Some(LogLevel::Error),
        "Exception" if rest.starts_with(" in thread") => return Some(LogLevel::Error),
        "DeprecationWarning" => return Some(LogLevel::Warn),
        _ => {}
    }
    if !word.as_bytes()[0].is_ascii_uppercase() {
        return None;
    }
    if word.starts_with("Unhandled") || word == "Uncaught" {
        return Some(LogLevel::Error);
    }
    if introduces && word.ends_with("Warning") {
        return Some(LogLevel::Warn);
    }
    // Node writes the code of an error between its name and the colon.
    let named = word.ends_with("Error") || word.ends_with("Exception");
    (named && (introduces || rest.starts_with(" [ERR_"))).then_some(LogLevel::Error)
}

/// The level of a line of an access log, seen from the quotation mark before its request:
/// `"GET / HTTP/1.1" 502 157`.
fn access_mark(quoted: &str) -> Option<LogLevel> {
    // Web servers take no longer requests.
    let near = (0..=quoted.len().min(8192)).rev().find(|end| quoted.is_char_boundary(*end))?;
    let (request, rest) = quoted[..near].get(1..)?.split_once("\" ")?;
    let [hundreds @ b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', after @ ..] = rest.as_bytes() else {
        return None;
    };
    // Servers log what they could not read as it came, or as a dash.
    let is_request = request.contains(" HTTP/") || request == "-" || request.starts_with("\\x");
    let ends = !after.first().is_some_and(u8::is_ascii_alphanumeric);
    let level = if *hundreds == b'5' { LogLevel::Error } else { LogLevel::Info };
    (is_request && ends).then_some(level)
}

#[cfg(test)]
mod tests {
    use super::LogLevel::*;
    use super::*;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn clock() -> Clock {
        Clock { zone: TimeZone::UTC, now: "2026-11-22T20:00:00Z".parse().unwrap() }
    }

    type Said<'a> = (Option<String>, Option<LogLevel>, String, Option<Vec<(String, String)>>);

    fn said(text: &str, priority: Option<u8>) -> Said<'_> {
        let Understood { time, level, message, fields } = understand(text, priority, &clock());
        (
            time.map(|time| Timestamp::from_microsecond(time).unwrap().to_string()),
            level,
            message.into_owned(),
            fields.map(|fields| fields.0.iter().map(|(key, raw)| (key.to_string(), raw.get().to_owned())).collect()),
        )
    }

    /// What is expected of a JSON line.
    fn object(
        time: &'static str,
        level: impl Into<Option<LogLevel>>,
        message: &'static str,
        fields: &[(&str, &str)],
    ) -> Said<'static> {
        let fields = fields.iter().map(|(key, raw)| ((*key).to_owned(), (*raw).to_owned())).collect();
        (Some(time.to_owned()).filter(|time| !time.is_empty()), level.into(), message.to_owned(), Some(fields))
    }

    fn level(text: &str) -> Option<LogLevel> {
        let (_, level, message, fields) = said(text, None);
        assert_eq!((message.as_str(), fields), (text, None));
        level
    }

    const PRIM: &str = r#"{"level":"error","ts":"2026-02-26T02:11:07.123Z","service":"web","msg":"db down","traceId":"x","err":{"name":"Error","message":"boom","stack":"Error: boom\n  at x"}}"#;
    const PINO: &str =
        r#"{"level":40,"time":1764000000123,"pid":7,"hostname":"h","msg":"slow \"query\"","responseTime":812}"#;
    const MONGOD: &str = r#"{"t":{"$date":"2026-11-22T05:14:42.123+00:00"},"s":"W",  "c":"CONTROL",  "id":22120,   "ctx":"initandlisten","msg":"Access control is not enabled","tags":["startupWarnings"]}"#;
    const CADDY: &str = r#"{"level":"error","ts":1764000000.123,"logger":"http.log.access.log0","msg":"handled request","request":{"method":"GET","uri":"/x"},"duration":0.01,"status":502}"#;

    #[test]
    fn json_lines_are_taken_apart() {
        let err = r#"{"name":"Error","message":"boom","stack":"Error: boom\n  at x"}"#;
        let prim =
            [("ts", r#""2026-02-26T02:11:07.123Z""#), ("service", r#""web""#), ("traceId", r#""x""#), ("err", err)];
        assert_eq!(said(PRIM, None), object("2026-02-26T02:11:07.123Z", Error, "db down", &prim));
        assert_eq!(
            said(PINO, None),
            object(
                "2025-11-24T16:00:00.123Z",
                Warn,
                "slow \"query\"",
                &[("time", "1764000000123"), ("pid", "7"), ("hostname", r#""h""#), ("responseTime", "812")]
            )
        );
        assert_eq!(
            said(MONGOD, None),
            object(
                "2026-11-22T05:14:42.123Z",
                Warn,
                "Access control is not enabled",
                &[
                    ("t", r#"{"$date":"2026-11-22T05:14:42.123+00:00"}"#),
                    ("c", r#""CONTROL""#),
                    ("id", "22120"),
                    ("ctx", r#""initandlisten""#),
                    ("tags", r#"["startupWarnings"]"#)
                ]
            )
        );
        assert_eq!(
            said(CADDY, None),
            object(
                "2025-11-24T16:00:00.123Z",
                Error,
                "handled request",
                &[
                    ("ts", "1764000000.123"),
                    ("logger", r#""http.log.access.log0""#),
                    ("request", r#"{"method":"GET","uri":"/x"}"#),
                    ("duration", "0.01"),
                    ("status", "502")
                ]
            )
        );
    }

    #[test]
    fn json_is_found_behind_a_prefix() {
        let short = r#"{"level":"info","msg":"up"}"#;
        for (prefix, time) in [
            ("", ""),
            ("  ", ""),
            ("worker-1  | ", ""),
            ("0|plugspace-api  | ", ""),
            ("2026-11-22T05:14:42: ", "2026-11-22T05:14:42Z"),
            ("2026-11-22T05:14:42.123456789Z ", "2026-11-22T05:14:42.123456Z"),
            ("worker-1  | 2026-11-22T05:14:42Z ", "2026-11-22T05:14:42Z"),
        ] {
            assert_eq!(said(&format!("{prefix}{short} "), None), object(time, Info, "up", &[]), "{prefix}");
        }
        // The line's own word counts more than that of who carried it.
        let both = format!("2020-01-01T00:00:00Z {CADDY}");
        assert_eq!(said(&both, None).0.as_deref(), Some("2025-11-24T16:00:00.123Z"));
    }

    #[test]
    fn keys_of_many_loggers() {
        for (text, level) in [
            (r#"{"severity":"CRITICAL"}"#, Some(Fatal)),
            (r#"{"lvl":"eror"}"#, None),
            (r#"{"level":"high","severity":"Notice"}"#, Some(Info)),
            (r#"{"log.level":"Information"}"#, Some(Info)),
            (r#"{"loglevel":"emerg"}"#, Some(Fatal)),
            (r#"{"level":"10"}"#, Some(Trace)),
            (r#"{"level":60}"#, Some(Fatal)),
            (r#"{"level":3}"#, None),
            (r#"{"level":null,"err":{"message":"x"},"error":{}}"#, None),
            (r#"{"status":500}"#, Some(Error)),
            (r#"{"status":"502"}"#, Some(Error)),
            (r#"{"status":404}"#, None),
            (r#"{"level":"warn","status":500}"#, Some(Warn)),
            (r#"{"s":"D2","c":"NETWORK","msg":"x"}"#, Some(Debug)),
            (r#"{"s":"F","c":"-","msg":"x"}"#, Some(Fatal)),
            (r#"{"s":"E","msg":"x"}"#, None),
        ] {
            assert_eq!(said(text, None).1, level, "{text}");
        }
        let told = r#"{"event":"e","MESSAGE":"M","message":7}"#;
        assert_eq!(said(told, None), object("", None, "M", &[("event", r#""e""#), ("message", "7")]));
        let untold = r#"{"time":35,"@timestamp":"2026-11-22T05:14:42Z"}"#;
        let fields = [("time", "35"), ("@timestamp", r#""2026-11-22T05:14:42Z""#)];
        let expected =
            (Some("2026-11-22T05:14:42Z".to_owned()), None, untold.to_owned(), object("", None, "", &fields).3);
        assert_eq!(said(untold, None), expected);
        assert_eq!(said(r#"{"msg":"\ud800","a\u0062":1}"#, None), object("", None, "\\ud800", &[("ab", "1")]));
        assert_eq!(said("{}", None), object("", None, "{}", &[]));
    }

    #[test]
    fn of_a_repeated_key_the_last_counts() {
        let text = r#"{"level":"info","a":1,"b":2,"a":{"c":3},"level":"error","msg":"x","msg":"y"}"#;
        assert_eq!(said(text, None), object("", Error, "y", &[("b", "2"), ("a", r#"{"c":3}"#)]));
        let many: Vec<_> = (0..5000).map(|n| format!("\"k{}\":{n}", n % 2500)).collect();
        let fields = said(&format!("{{{}}}", many.join(",")), None).3.unwrap();
        let expected: Vec<_> = (2500..5000).map(|n| (format!("k{}", n - 2500), n.to_string())).collect();
        assert_eq!(fields, expected);
    }

    #[test]
    fn what_is_not_an_object_is_a_message() {
        for text in ["[1]", "\"x\"", "{", "}", "{}{}", "{\"a\":1} tail", "{a:1}", "{{.Name}}", "", " ", "null"] {
            assert_eq!(said(text, None), (None, None, text.to_owned(), None), "{text}");
        }
        for text in [PRIM, PINO, MONGOD, CADDY] {
            for end in 0..text.len() {
                let (_, _, message, fields) = said(&text[..end], None);
                assert_eq!((message.as_str(), fields), (&text[..end], None), "cut at {end}");
            }
        }
    }

    #[test]
    fn plain_lines_tell_their_level() {
        for (text, expected) in [
            // nginx.
            ("2026/02/26 02:11:07 [error] 12#12: *1 connect() failed (111: Connection refused)", Some(Error)),
            ("2026/02/26 02:11:07 [warn] 12#12: *1 a client request body is buffered", Some(Warn)),
            ("2026/02/26 02:11:07 [emerg] 1#1: bind() to 0.0.0.0:80 failed", Some(Fatal)),
            (
                r#"10.0.0.1 - - [26/Feb/2026:02:11:07 +0000] "GET /ERROR HTTP/1.1" 200 157 "-" "curl/8" rt=0.001 uct="0.000" uht="0.001" urt="0.001""#,
                Some(Info),
            ),
            (
                r#"10.0.0.1 - - [26/Feb/2026:02:11:07 +0000] "GET / HTTP/1.1" 502 157 "-" "curl/8" rt=0.001 uct="-" uht="-" urt="-""#,
                Some(Error),
            ),
            (r#"10.0.0.1 - - [26/Feb/2026:02:11:07 +0000] "\x16\x03\x01" 400 157 "-" "-""#, Some(Info)),
            (r#"10.0.0.1 - - [26/Feb/2026:02:11:07 +0000] "-" 408 0 "-" "-""#, Some(Info)),
            // PostgreSQL.
            ("2026-02-26 02:11:07.123 UTC [12] LOG:  checkpoint starting: time", Some(Info)),
            ("2026-02-26 02:11:07.123 UTC [12] u@d ERROR:  relation \"x\" does not exist at character 15", Some(Error)),
            ("2026-02-26 02:11:07.123 UTC [12] u@d STATEMENT:  select 'ERROR'", None),
            ("2026-02-26 02:11:07.123 UTC [12] DETAIL:  Key (FATAL)=(1) already exists.", None),
            ("2026-02-26 02:11:07.123 UTC [12] u@d FATAL:  password authentication failed for user \"u\"", Some(Fatal)),
            // Redis.
            ("1:M 26 Feb 2026 02:11:07.123 # WARNING Memory overcommit must be enabled!", Some(Warn)),
            ("1:M 26 Feb 2026 02:11:07.123 * Ready to accept connections tcp", Some(Info)),
            ("1:M 26 Feb 2026 02:11:07.123 - Accepted 127.0.0.1:1", Some(Debug)),
            ("1:S 26 Feb 2026 02:11:07.123 . 0 clients connected", Some(Debug)),
            // fail2ban and ufw.
            ("2026-02-26 02:11:07,123 fail2ban.actions        [123]: NOTICE  [sshd] Ban 1.2.3.4", Some(Info)),
            ("2026-02-26 02:11:07,123 fail2ban.filter         [123]: WARNING x", Some(Warn)),
            ("Nov 22 05:14:42 host kernel: [12345.678901] [UFW BLOCK] IN=eth0 OUT= MAC=00:16 SRC=1.2.3.4", None),
            ("2026-02-26T02:11:07.123456+00:00 host kernel: [UFW BLOCK] IN=eth0 OUT= SRC=1.2.3.4 PROTO=TCP", None),
            ("Nov 22 05:14:42 host sshd[12]: error: kex_exchange_identification: read", Some(Error)),
            // logfmt: Prometheus and dockerd.
            (r#"ts=2026-11-22T05:14:42.123Z caller=main.go:1 level=warn component=x msg="error=0""#, Some(Warn)),
            (r#"time="2026-11-22T05:14:42.123456789Z" level=error msg="Handler returned" error="x""#, Some(Error)),
            (r#"time=2026-11-22T05:14:42.123Z level=INFO source=x msg="ERROR""#, Some(Info)),
            ("severity='fatal' x", Some(Fatal)),
            // Compose, pm2, colours.
            ("worker-1  | WARN  queue is full", Some(Warn)),
            ("worker-1  | 2026-11-22T05:14:42Z error: x", Some(Error)),
            ("2026-11-22T05:14:42: TypeError: Cannot read properties of undefined", Some(Error)),
            ("\x1b[31merror\x1b[39m: boom", Some(Error)),
            ("[\x1b[33mWARN\x1b[0m] boom", Some(Warn)),
            ("\x1b[32m[Nest] 12  - \x1b[39m11/22/2026, 5:14:42 AM \x1b[32m    LOG\x1b[39m [X] up", Some(Info)),
            // Python, Node, Java, Rust, Go.
            ("Traceback (most recent call last):", Some(Error)),
            ("ValueError: invalid literal", Some(Error)),
            ("psycopg2.OperationalError: could not connect", Some(Error)),
            ("ERROR:root:boom", Some(Error)),
            ("[2026-11-22 05:14:42,123: ERROR/MainProcess] Task x raised", Some(Error)),
            ("2026-11-22 05:14:42.123 | CRITICAL | mod:f:1 - x", Some(Fatal)),
            ("Error: boom", Some(Error)),
            ("Error [ERR_MODULE_NOT_FOUND]: Cannot find module", Some(Error)),
            ("Uncaught exception", Some(Error)),
            ("(node:12) UnhandledPromiseRejectionWarning: Error: x", Some(Error)),
            ("Unhandled rejection at", Some(Error)),
            ("(node:12) [DEP0040] DeprecationWarning: The `punycode` module is deprecated", Some(Warn)),
            ("(node:12) Warning: Setting NODE_TLS_REJECT_UNAUTHORIZED", Some(Warn)),
            ("❌ Cannot start", Some(Error)),
            ("Exception in thread \"main\" java.lang.IllegalStateException: x", Some(Error)),
            ("panic: runtime error: index out of range", Some(Error)),
            ("goroutine 1: panic: x", Some(Error)),
            ("2026-02-26 02:11:07.123 UTC [1] PANIC:  could not write", Some(Fatal)),
            ("recovered panic: x", Some(Error)),
            ("thread 'main' panicked at src/main.rs:1:1:", Some(Error)),
            ("thread 'main' (77) panicked at src/main.rs:1:1:", Some(Error)),
            ("npm ERR! code ELIFECYCLE", Some(Error)),
            ("warning: unused", Some(Warn)),
            ("fatal: not a git repository", Some(Fatal)),
            ("<error> x", Some(Error)),
            ("TRACE x", Some(Trace)),
            ("VERBOSE x", Some(Debug)),
            ("SEVERE x", Some(Error)),
            ("INFO: retrying after ERROR", Some(Info)),
        ] {
            assert_eq!(level(text), expected, "{text}");
        }
    }

    #[test]
    fn false_alarms_are_none() {
        for text in [
            "finished with 0 errors",
            "0 ERROR found",
            "error=0 warnings=0",
            "ERROR=0",
            "no error",
            "No Error: all fine",
            "errors: 0",
            "error: 0",
            "error: none",
            "GET /error",
            "GET /ERROR/x",
            "/error: page",
            "TERROR",
            "ERRORS and WARNINGS",
            "ERROR_CODE",
            "X-ERROR-CODE",
            "MyErrorBoundary mounted",
            "the error was handled",
            "use error::Kind",
            "error::Kind",
            "level=",
            "level=high",
            "sublevel=error",
            "FINE",
            "a panicked user",
            "Errors: 0",
            "",
        ] {
            assert_eq!(level(text), None, "{text}");
        }
        let late = format!("{} ERROR", "x ".repeat(100));
        assert_eq!(level(&late), None);
    }

    #[test]
    fn priority_and_mark_together() {
        for (text, priority, expected) in [
            ("plain", None, None),
            ("plain", Some(6), Some(Info)),
            ("plain", Some(3), Some(Error)),
            ("plain", Some(7), Some(Debug)),
            ("ERROR x", Some(6), Some(Error)),
            ("DEBUG x", Some(6), Some(Debug)),
            ("DEBUG x", Some(4), Some(Warn)),
            ("FATAL x", Some(4), Some(Fatal)),
            ("INFO x", Some(7), Some(Info)),
            (PINO, Some(6), Some(Warn)),
            (PINO, Some(2), Some(Fatal)),
        ] {
            assert_eq!(said(text, priority).1, expected, "{text} {priority:?}");
        }
        let levels: Vec<_> = (0..=8).map(LogLevel::from_priority).collect();
        assert_eq!(levels, [Fatal, Fatal, Fatal, Error, Warn, Info, Info, Debug, Debug]);
        let names: Vec<_> = [Trace, Debug, Info, Warn, Error, Fatal].map(LogLevel::name).into();
        assert_eq!(names, ["trace", "debug", "info", "warn", "error", "fatal"]);
        assert!(names.iter().all(|name| <LogLevel as clap::ValueEnum>::from_str(name, false).is_ok()));
    }

    proptest! {
        #[test]
        fn a_line_that_is_no_object_is_its_own_message(text in "\\PC*|.*|[\\[{<\"a-zA-Z:= \x1b❌é]{0,200}") {
            let understood = understand(&text, Some(6), &clock());
            if understood.fields.is_none() {
                prop_assert_eq!(&understood.message, &text);
            }
        }

        #[test]
        fn every_field_is_kept(fields in proptest::collection::btree_map("[x-z]{1,3}", -9_i64..9, 0..9)) {
            let text = serde_json::to_string(&fields).unwrap();
            let expected: Vec<_> = fields.into_iter().map(|(key, value)| (key, value.to_string())).collect();
            prop_assert_eq!(said(&text, None).3, Some(expected));
        }
    }
}
