//! PURE. A key of a file set to another value, in a form that its reader reads as exactly that value, every other key unchanged. Whoever
//! reads the result again proves it: what cannot be written so is refused.

use super::{NOWHERE, Value, read};
use crate::registry::KeyFormat;

/// What a key has, as its reader gets it; `None` where it is not set.
///
/// # Errors
/// When the file is refused, or only its reader knows the value. The words hold no value.
pub fn get(format: KeyFormat, content: &[u8], key: &str) -> Result<Option<String>, String> {
    match format {
        KeyFormat::Env(reader) => {
            let reading = read(reader, content, NOWHERE);
            match (reading.refusal(), reading.get(key)) {
                (Some(why), _) => Err(why),
                (None, Some(Value::Unknown(why))) => Err(format!("{key}: {why}")),
                (None, Some(Value::Known(value))) => Ok(Some(value.clone())),
                (None, None) => Ok(None),
            }
        }
        KeyFormat::Words => {
            let text = text(content)?;
            Ok(lines(text, key).last().map(|(line, _)| unquoted(after(line)).to_owned()))
        }
    }
}

/// The file with a key set to a value; wherever it is set, so that the old value is nowhere left.
///
/// # Errors
/// When the file is refused, or its reader could not read this value.
pub fn set(format: KeyFormat, content: &[u8], key: &str, value: &str) -> Result<Vec<u8>, String> {
    let quotes: &[&str] = match format {
        KeyFormat::Env(_) => &["", "'", "\""],
        KeyFormat::Words => &["", "\""],
    };
    let old = raw(format, content, key)?;
    for quote in quotes {
        let made = written(format, content, key, Some(&format!("{quote}{value}{quote}")))?;
        let is_read =
            get(format, &made, key)?.as_deref() == Some(value) && is_same_but(format, content, &made, Some(key));
        // What could not be undone is not begun.
        if is_read && is_same_but(format, content, &put_back(format, &made, key, old.as_deref())?, None) {
            return Ok(made);
        }
    }
    Err(format!("{key} cannot be set to this value: the file's reader would read another one"))
}

/// How a key is written in the file, for [`put_back`]; `None` where it is not set.
///
/// # Errors
/// When the file is refused.
pub fn raw(format: KeyFormat, content: &[u8], key: &str) -> Result<Option<String>, String> {
    let text = text(content)?;
    Ok(match format {
        KeyFormat::Env(reader) => {
            let reading = read(reader, content, NOWHERE);
            if let Some(why) = reading.refusal() {
                return Err(why);
            }
            let last = reading.settings.iter().rev().find(|setting| setting.key == key);
            last.and_then(|setting| text.get(setting.raw.clone())).map(str::to_owned)
        }
        KeyFormat::Words => lines(text, key).last().map(|(line, _)| after(line).to_owned()),
    })
}

/// The file with a key written as it was before; without it where it was not set.
///
/// # Errors
/// When the file is refused.
pub fn put_back(format: KeyFormat, content: &[u8], key: &str, raw: Option<&str>) -> Result<Vec<u8>, String> {
    written(format, content, key, raw)
}

/// The password of a URL; `None` where the value is no URL, or has none.
pub fn password(value: &str) -> Option<String> {
    let (user, _) = authority(value)?.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    let mut bytes = Vec::new();
    let mut rest = password.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
        let escaped = digits.filter(|_| *first == b'%');
        bytes.push(escaped.unwrap_or(*first));
        rest = behind.get(if escaped.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8(bytes).ok()
}

/// What stands between `://` and the path of a URL.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.get(..rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

/// The password of a URL replaced; `None` where it has none.
pub fn with_password(url: &str, password: &str) -> Option<String> {
    let (user, host) = authority(url)?.rsplit_once('@')?;
    let (scheme, rest) = url.split_once("://")?;
    let path = rest.get(user.len() + 1 + host.len()..)?;
    let (user, _) = user.split_once(':')?;
    // What has a meaning of its own in a URL is written in hexadecimal digits.
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let password: String = password.bytes().map(escape).collect();
    Some(format!("{scheme}://{user}:{password}@{host}{path}"))
}

/// The file with what stands behind a key replaced everywhere, added where the key is not set, or without its lines.
fn written(format: KeyFormat, content: &[u8], key: &str, raw: Option<&str>) -> Result<Vec<u8>, String> {
    let text = text(content)?;
    let places: Vec<std::ops::Range<usize>> = match format {
        KeyFormat::Env(reader) => {
            let reading = read(reader, content, NOWHERE);
            if let Some(why) = reading.refusal() {
                return Err(why);
            }
            reading.settings.iter().filter(|setting| setting.key == key).map(|setting| setting.raw.clone()).collect()
        }
        KeyFormat::Words => {
            lines(text, key).map(|(line, at)| at + line.len() - after(line).len()..at + line.len()).collect()
        }
    };
    let mut made = text.to_owned();
    for place in places.iter().rev() {
        let whole = || {
            let begin = text[..place.start].rfind('\n').map_or(0, |at| at + 1);
            let end = text[place.end..].find('\n').map_or(text.len(), |at| place.end + at + 1);
            begin..end
        };
        made.replace_range(raw.map_or_else(whole, |_| place.clone()), raw.unwrap_or_default());
    }
    if let (Some(raw), true) = (raw, places.is_empty()) {
        if !made.is_empty() && !made.ends_with('\n') {
            made.push('\n');
        }
        let between = if matches!(format, KeyFormat::Words) { " " } else { "=" };
        made.extend([key, between, raw, "\n"]);
    }
    Ok(made.into_bytes())
}

/// Whether two files say the same of every key but this one.
fn is_same_but(format: KeyFormat, before: &[u8], after: &[u8], key: Option<&str>) -> bool {
    let KeyFormat::Env(reader) = format else { return true };
    let (before, after) = (read(reader, before, NOWHERE), read(reader, after, NOWHERE));
    let (mut before, mut after) = (before.last(), after.last());
    if let Some(key) = key {
        before.remove(key);
        after.remove(key);
    }
    before == after
}

fn text(content: &[u8]) -> Result<&str, String> {
    str::from_utf8(content).map_err(|_| "the file is not UTF-8".to_owned())
}

/// Lines whose first word is the key, with where they begin.
fn lines<'t>(text: &'t str, key: &str) -> impl Iterator<Item = (&'t str, usize)> {
    let mut at = 0;
    let all = text.split_inclusive('\n').map(move |line| {
        let begin = at;
        at += line.len();
        (line.trim_end_matches(['\n', '\r']), begin)
    });
    all.filter(move |(line, _)| line.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(key)))
}

/// What stands behind the first word of a line.
fn after(line: &str) -> &str {
    let rest = line.trim_start();
    rest.find(char::is_whitespace).and_then(|at| rest.get(at..)).map_or("", str::trim_start)
}

fn unquoted(value: &str) -> &str {
    let value = value.trim_end();
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}
