//! What a plain line says of how grave it is: the first mark in it, as people and programs set them.

use super::level::LogLevel;

/// How far into a plain line a mark is looked for.
const MARK_REACH: usize = 160;

/// The level that a plain line is marked with; `body` is what follows the stamp of `text`.
pub(super) fn mark(text: &str, body: &str) -> Option<LogLevel> {
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
