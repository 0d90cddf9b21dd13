//! The value of a key in whose name something is suspect: where it begins and ends, in JSON, in quotes and without.

use std::ops::Range;

use super::masked::{Masked, REACH};

/// Kinds of keys, which differ in how far an unquoted value reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    /// One word.
    Word,
    /// Also said of other things, so the value must look like one.
    Token,
    /// The rest of a header: `Cookie: a=1; b=2`, `Authorization: Digest a="b", c="d"`.
    Header,
}

/// The name of a key does not go on for longer around the word that makes it suspect.
const LONGEST_KEY: usize = 128;

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The value of a key in whose name a match was.
pub(super) fn key_secret(text: &str, hit: Range<usize>, floor: usize) -> Option<Masked> {
    let bytes = text.as_bytes();
    let word = &text[hit.clone()];
    let key_start = hit.start
        - bytes[floor..hit.start].iter().rev().take(LONGEST_KEY).take_while(|byte| is_key_byte(**byte)).count();
    let key_end = hit.end + bytes[hit.end..].iter().take(LONGEST_KEY).take_while(|byte| is_key_byte(**byte)).count();
    let key = text[key_start..key_end].trim_end_matches(['.', '-']);
    let kind = match word.len() {
        5 if word.eq_ignore_ascii_case("token") => KeyKind::Token,
        6 if word.eq_ignore_ascii_case("cookie") => KeyKind::Header,
        13 if word.eq_ignore_ascii_case("authorization") => KeyKind::Header,
        _ => KeyKind::Word,
    };
    if kind == KeyKind::Token && hit.end != key_end {
        return None;
    }
    // `"key":`, `\"key\":`, `'key':`, `user[key]=`, `key :`.
    let mut at = key_end + usize::from(bytes.get(key_end) == Some(&b']'));
    let backslashes = count(bytes, at, b'\\');
    let quote = bytes.get(at + backslashes).filter(|byte| matches!(byte, b'"' | b'\'')).copied();
    // `PASSWORD 'x'` is how SQL says it, `--password x` how a shell does.
    let spaced = at + count(bytes, at, b' ');
    if quote.is_none() && backslashes == 0 && spaced > at {
        let option = key.starts_with("--")
            && !key.ends_with("file")
            && !matches!(bytes.get(spaced), Some(b'-' | b'=' | b':') | None);
        let sql = kind == KeyKind::Word && bytes.get(spaced) == Some(&b'\'');
        if option || sql {
            return value_secret(text, spaced, KeyKind::Word, false).map(Masked::plain);
        }
    }
    if quote.is_some() {
        at += backslashes + 1;
    } else if backslashes > 0 {
        return None;
    }
    at += count(bytes, at, b' ');
    let colon = match bytes.get(at..).unwrap_or_default() {
        // The path of a module.
        [b':', b':', ..] => return None,
        [b':', b'=', ..] | [b'=', b'>' | b'=', ..] => {
            at += 2;
            false
        }
        [b':', ..] => {
            at += 1;
            true
        }
        [b'=', ..] => {
            at += 1;
            false
        }
        _ => return None,
    };
    at += count(bytes, at, b' ');
    // The working directory, which sudo and shells tell.
    if key.trim_start_matches("OLD").eq_ignore_ascii_case("pwd") && bytes.get(at) == Some(&b'/') {
        return None;
    }
    if quote.is_some() {
        match json_value(&text[at..], backslashes) {
            Json::Secret(end) => return Some(Masked { range: at..at + end, quoted: Some(backslashes) }),
            Json::Harmless => return None,
            Json::Other => {}
        }
    }
    let strict = kind == KeyKind::Token && colon && quote.is_none();
    let range = value_secret(text, at, kind, quote.is_some())?;
    let value = &text[range.clone()];
    if strict && (value.len() < 8 || !value.bytes().any(|byte| byte.is_ascii_digit())) {
        return None;
    }
    Some(Masked::plain(range))
}

fn count(bytes: &[u8], at: usize, what: u8) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take_while(|byte| **byte == what).count()
}

/// What stands behind a quoted key.
enum Json {
    /// A number or a list that ends here.
    Secret(usize),
    /// It says nothing.
    Harmless,
    /// A string, or no JSON at all.
    Other,
}

fn json_value(rest: &str, backslashes: usize) -> Json {
    let end = match rest.bytes().next() {
        Some(b'[' | b'{') => nested_end(rest, backslashes),
        Some(b'-' | b'0'..=b'9' | b'a'..=b'z') => {
            rest.find([',', '}', ']', ' ', '\\', '\r', '\n', '\t']).unwrap_or(rest.len())
        }
        _ => return Json::Other,
    };
    let value = &rest[..end];
    match value.as_bytes() {
        [] | [_] | [_, _] | b"null" | b"true" | b"false" => Json::Harmless,
        [b'[' | b'{', ..] => Json::Secret(end),
        _ if !is_number(value) => Json::Other,
        _ if is_long_number(value) => Json::Secret(end),
        _ => Json::Harmless,
    }
}

pub(super) fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'))
}

/// A short number is a length or a count.
pub(super) fn is_long_number(text: &str) -> bool {
    is_number(text) && text.bytes().filter(u8::is_ascii_digit).count() >= 5
}

/// Where the list or object ends that a text begins with.
pub(super) fn nested_end(text: &str, backslashes: usize) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b'\\' if count(bytes, at, b'\\') >= backslashes.max(1) => {
                let escape = count(bytes, at, b'\\');
                if escape == backslashes && bytes.get(at + escape) == Some(&b'"') {
                    let start = at + escape + 1;
                    at = quoted_end(text, start, b'"', backslashes) + backslashes;
                } else {
                    at += escape - 1;
                }
            }
            // The string that holds it all ends.
            b'"' if backslashes > 0 => return at,
            b'"' => at = quoted_end(text, at + 1, b'"', 0),
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Where the content of a string ends whose quotes are escaped by so many backslashes. One that is escaped more often
/// belongs to the content; one that is not escaped at all ends the string around it too.
fn quoted_end(text: &str, start: usize, quote: u8, backslashes: usize) -> usize {
    let bytes = text.as_bytes();
    let mut escape = 0;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        if *byte == b'\\' {
            escape += 1;
            continue;
        }
        if *byte == quote {
            if escape % (2 * (backslashes + 1)) == backslashes {
                return at - backslashes;
            }
            if escape % 2 == 0 {
                return at;
            }
        }
        escape = 0;
    }
    text.len()
}

/// The value that begins at a place, without its quotes; none when it is empty or says that there is none.
fn value_secret(text: &str, at: usize, kind: KeyKind, quoted_key: bool) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    // `b'x'` of Python, `Some(Secret("x"))` of Rust.
    let mut inner = at;
    let mut letters = letters_at(bytes, inner);
    while matches!(bytes.get(inner + letters), Some(b'(' | b'[' | b'{')) {
        inner += letters + 1;
        letters = letters_at(bytes, inner);
    }
    let escape = count(bytes, inner + letters, b'\\');
    let opening = inner + letters + escape;
    if letters <= 1
        && let Some(quote @ (b'"' | b'\'' | b'`')) = bytes.get(opening)
    {
        if !quoted_key && opening == at && *quote == b'"' && ends_here(text, at) {
            return None;
        }
        let start = opening + 1;
        // Of a list all strings are secret.
        let end = match bytes[at] {
            b'[' | b'{' if kind != KeyKind::Token => at + nested_end(&text[at..], escape),
            _ => quoted_end(text, start, *quote, escape),
        };
        return (end > start).then_some(start..end);
    }
    if matches!(bytes.get(at), Some(b'{' | b'[')) && kind != KeyKind::Token {
        let end = at + nested_end(&text[at..], 0);
        return (end > at + 2).then_some(at..end);
    }
    let mut end = unquoted_end(text, at, kind);
    if ["bearer", "basic", "digest"].iter().any(|scheme| text[at..end].eq_ignore_ascii_case(scheme)) {
        end = unquoted_end(text, end + count(bytes, end, b' '), kind);
    }
    let value = &text[at..end];
    let nothing = matches!(value, "" | "null" | "true" | "false" | "None" | "nil" | "undefined");
    (!nothing).then_some(at..end)
}

fn letters_at(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take(32).take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

/// Whether a quotation mark ends a string instead of opening one: `msg="no password=" user=x`.
fn ends_here(text: &str, at: usize) -> bool {
    // So far into a text it rather opens one: what is JSON is cleaned string by string then.
    if at > REACH {
        return false;
    }
    let mut open = false;
    let mut escaped = false;
    for byte in text[..at].bytes() {
        open ^= byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
    }
    let after = &text[at + 1..];
    open && (after.is_empty() || after.starts_with([',', '}', ']', ')', ' ', '\t', '\r', '\n']))
}

/// Where a value without quotes ends.
fn unquoted_end(text: &str, start: usize, kind: KeyKind) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    let mut opened = false;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        match byte {
            b'(' | b'[' | b'{' | b'<' => opened = true,
            b'\r' | b'\n' | b'"' | b'\'' | b'`' => break,
            b' ' | b'\t' | b'&' if kind != KeyKind::Header => break,
            b'\\' => match next {
                // An empty value at the end of a line of an escaped text.
                Some(b'n' | b'r' | b't') if at == start || kind == KeyKind::Header => break,
                Some(b'"') | None => break,
                Some(next) if next.is_ascii() => at += 1,
                Some(_) => {}
            },
            b',' | b';' if kind != KeyKind::Header && separates(&text[at + 1..]) => break,
            b')' | b']' | b'}' | b'>'
                if next.is_none_or(|next| {
                    matches!(
                        next,
                        b' ' | b'\r' | b'\n' | b'"' | b'\'' | b'\\' | b',' | b';' | b'.' | b')' | b']' | b'}'
                    )
                }) && !opened =>
            {
                break;
            }
            _ => {}
        }
        at += 1;
    }
    at.min(text.len())
}

/// Whether after a comma or semicolon something else begins: the end, a space, or another key.
fn separates(rest: &str) -> bool {
    let key = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    rest.is_empty() || rest.starts_with([' ', '\r', '\n', '"', '\'', '\\']) || key.starts_with(['=', ':'])
}
