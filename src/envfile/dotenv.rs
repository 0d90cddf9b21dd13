//! `.env`, as the `dotenv` package reads it in a Node process (version 16): `export`, `KEY: value`, three kinds of quotes over
//! several lines, a `#` ends what is not quoted, and only double quotes have `\n`. Variables are not filled in.

use std::sync::LazyLock;

use regex::Regex;

use super::{Lines, Reading, Setting, Value};

/// dotenv's own expression, with JavaScript's idea of a blank and of the end of a line written out.
static LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    const BLANK: &str =
        r"[\t\n\x0B\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}]";
    let expression = r#"(?m)^_*(?:export_+)?([0-9A-Za-z~.-]+)(?:_*=_*?|:_+?)(_*'(?:\\'|[^'])*'|_*"(?:\\"|[^"])*"|_*`(?:\\`|[^`])*`|[^#\r\n]+)?_*(?:#[^\n\r\x{2028}\x{2029}]*)?$"#;
    Regex::new(&expression.replace('_', BLANK).replace('~', "_")).ok()
});

fn is_blank(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// What dotenv sets.
pub(super) fn read(text: &str) -> Reading {
    let mut reading = Reading::default();
    let Some(pattern) = LINE.as_ref() else { return reading };
    // As dotenv does, before anything else. Lines stay where they are, but for what ends in a carriage return alone.
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let ends = Lines::new(lines.as_bytes());
    for found in pattern.captures_iter(&lines) {
        let Some(key) = found.get(1) else { continue };
        let written = found.get(2).map_or("", |value| value.as_str()).trim_matches(is_blank);
        let quote = written.chars().next();
        let unquoted = ['\'', '"', '`'].into_iter().find_map(|q| written.strip_prefix(q)?.strip_suffix(q));
        let mut value = unquoted.unwrap_or(written).to_owned();
        if quote == Some('"') {
            value = value.replace("\\n", "\n").replace("\\r", "\r");
        }
        // Behind the `=`, where there is nothing.
        let empty =
            || lines.get(key.end()..).and_then(|rest| rest.find(['=', ':'])).map_or(key.end(), |at| key.end() + at + 1);
        let raw = found.get(2).map_or_else(|| empty()..empty(), |value| value.range());
        let line = ends.of(key.start());
        reading.settings.push(Setting { key: key.as_str().to_owned(), value: Value::Known(value), line, raw });
    }
    // Places are those of the file itself.
    let removed: Vec<usize> = text.match_indices("\r\n").map(|(at, _)| at).collect();
    if !removed.is_empty() {
        let place = |at: usize| {
            let (mut low, mut high) = (0, removed.len());
            while low < high {
                let middle = usize::midpoint(low, high);
                if removed[middle] - middle < at { low = middle + 1 } else { high = middle }
            }
            at + low
        };
        for setting in &mut reading.settings {
            setting.raw = place(setting.raw.start)..place(setting.raw.end);
        }
    }
    reading
}
