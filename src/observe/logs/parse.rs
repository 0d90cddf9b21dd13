//! What a line of a log says: when, how grave, and what, in whatever form its program writes. One pass over a JSON line,
//! borrowing all it can; of a plain line only the beginning is looked at, because a mark stands there.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::level::LogLevel;
use super::mark::mark;
use super::stamp::{self, Clock};

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

/// Where a line begins behind its time and the name of whoever wrote it, in either order.
pub(super) fn head(text: &str, clock: &Clock) -> usize {
    let mut rest = text;
    for _ in 0..2 {
        rest = after_prefix(rest);
        if let Some((_, at)) = stamp::leading(rest, clock) {
            rest = &rest[at..];
        }
    }
    text.len() - rest.len()
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

#[cfg(test)]
mod tests;
