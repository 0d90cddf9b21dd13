//! Secrets never leave: what looks like one, and what is known to be one, is taken out of every text that is shown.
//! One regular expression finds where a secret may be; how far it reaches is decided by hand, because that depends on
//! quotes and on how often they are escaped. Rather too much is taken out than too little.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use regex::Regex;
use serde::de::IgnoredAny;

/// How far a place that looks like the beginning of a secret is followed before it is none. Without an end a hostile line
/// would take a time that grows with the square of its length.
const REACH: usize = 2048;

/// What stands in the place of a secret.
const MARK: &str = "**redacted**";

/// Shorter values are too common: `true`, `5432`, `admin`.
const SHORTEST: usize = 6;

/// Where a secret may begin: names of keys, schemes, and secrets that are known by how they begin.
const SUSPECT: &str = concat!(
    r"(?-u:(?i:pass(?:word|wd|phrase)|pwd|secret|token|cookie|credential|authorization|api[_-]?key",
    r"|(?:access|private|internal|master|encryption|signing|deploy)[_-]?key|\b(?:bearer|basic)\b)",
    r"|:(?:\\*/){2}",
    r"|-----BEGIN [A-Z0-9 ]*PRIVATE KEY",
    r"|eyJ[\w-]{8}",
    r"|(?:sk|rk)_(?:live|test)_\w+|whsec_\w+|gh[pousr]_\w{16,}|github_pat_\w+|glpat-[\w-]+",
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bxox[a-z]-[\w-]+|\bsk-[\w-]{20,}|\bAIza[\w-]{35})",
);

/// How the matches of [`SUSPECT`] begin that are secrets themselves.
const WHOLE: &[&str] = &["sk_", "rk_", "whsec_", "gh", "github_pat_", "glpat-", "AKIA", "ASIA", "xox", "sk-", "AIza"];

/// Takes secrets out of texts.
pub struct Redactor {
    /// None when the pattern above should not compile, and then nothing is let through.
    suspect: Option<Regex>,
    known: Known,
}

/// The values that are known to be secret.
enum Known {
    None,
    Some(Regex),
    /// They make no pattern (too many, too long), so that nothing can be let through.
    Unknowable,
}

impl Redactor {
    /// `secrets`: values known to be secret, of which those shorter than six bytes are ignored. They are also found in
    /// base64, URL-encoded and escaped as JSON does. Of a URL with a password only the password is a secret.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut values: Vec<&str> = secrets
            .into_iter()
            .filter_map(|secret| secret_part(secret.trim()))
            // What the mark itself contains would be found again and again.
            .filter(|secret| secret.len() >= SHORTEST && !MARK.contains(secret))
            .collect();
        // Of two that begin alike the longer one goes first, or its rest would be left.
        values.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        values.dedup();
        let known = if values.is_empty() {
            Known::None
        } else {
            let mut pattern = String::from("(?-u)");
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    pattern.push('|');
                }
                push_plain(&mut pattern, value);
                push_base64(&mut pattern, value.as_bytes());
            }
            let built = regex::RegexBuilder::new(&pattern).size_limit(64 << 20).build();
            built.map_or(Known::Unknowable, Known::Some)
        };
        Redactor { suspect: Regex::new(SUSPECT).ok(), known }
    }

    /// The text without secrets; borrowed when there are none. What was valid JSON still is.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let cleaned = self.clean_text(text);
        if let Cow::Owned(cleaned) = &cleaned
            && let Some(start) = json_start(text)
            && !cleaned.get(start..).is_some_and(is_json)
        {
            return self.clean_json(text, start).into();
        }
        cleaned
    }

    /// The text without secrets, which may no longer be JSON: a known value may be a number, or end in the middle of an
    /// escape.
    fn clean_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let (Some(suspect), false) = (&self.suspect, matches!(self.known, Known::Unknowable)) else {
            return MARK.to_owned().into();
        };
        let text = match &self.known {
            Known::Some(known) => known.replace_all(text, regex::NoExpand(MARK)),
            _ => text.into(),
        };
        match clean_suspects(suspect, &text) {
            Some(cleaned) => cleaned.into(),
            None => text,
        }
    }

    /// Cleans every string and number of a JSON text by itself.
    fn clean_json(&self, text: &str, start: usize) -> String {
        let mut cleaned = self.clean_text(&text[..start]).into_owned();
        let prefix = cleaned.len();
        let mut rest = &text[start..];
        let mut secret_key = false;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '"' => string_length(rest),
                '[' | '{' if secret_key => nested_end(rest, 0),
                c if c.is_whitespace() || is_punctuation(c) => 1,
                _ => rest.find(|c: char| c.is_whitespace() || is_punctuation(c)).unwrap_or(rest.len()),
            };
            let (word, after) = rest.split_at(length);
            rest = after;
            if first == '"' {
                let inside: String = serde_json::from_str(word).unwrap_or_else(|_| MARK.to_owned());
                let is_key = rest.trim_start().starts_with(':');
                let shown = if secret_key && !inside.is_empty() { MARK.into() } else { self.clean_text(&inside) };
                if shown == inside {
                    cleaned.push_str(word);
                } else {
                    cleaned.push_str(&serde_json::Value::from(&*shown).to_string());
                }
                secret_key = is_key && self.is_secret_key(&inside);
            } else if length == 1 || (!secret_key && self.clean_text(word) == word) {
                cleaned.push_str(word);
                secret_key &= matches!(first, ':' | ' ' | '\t' | '\r' | '\n');
            } else {
                let kept = length <= 2 || matches!(word, "null" | "true" | "false");
                if kept || (is_number(word) && !is_long_number(word)) {
                    cleaned.push_str(word);
                } else {
                    let _ = write!(cleaned, "\"{MARK}\"");
                }
                secret_key = false;
            }
        }
        // A value that reaches from one string into another cannot be taken out.
        if matches!(&self.known, Known::Some(known) if known.is_match(&cleaned)) {
            cleaned.truncate(prefix);
            let _ = write!(cleaned, "\"{MARK}\"");
        }
        cleaned
    }

    /// Whether a JSON key names a secret.
    fn is_secret_key(&self, key: &str) -> bool {
        let probe = format!("\"{}\":\"x\"", key.replace(['"', '\\'], ""));
        self.suspect.as_ref().is_some_and(|suspect| clean_suspects(suspect, &probe).is_some())
    }
}

fn is_punctuation(c: char) -> bool {
    matches!(c, '[' | ']' | '{' | '}' | ',' | ':')
}

/// Whether the value of a variable of this name is a secret.
pub fn is_secret_name(name: &str) -> bool {
    const PARTS: &[&str] = &[
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "SECRET",
        "TOKEN",
        "API_KEY",
        "APIKEY",
        "PRIVATE_KEY",
        "INTERNAL_KEY",
        "CREDENTIAL",
        "DSN",
    ];
    // Addresses that usually hold a user and a password.
    const STORES: &[&str] = &[
        "DATABASE",
        "DB",
        "POSTGRES",
        "POSTGRESQL",
        "PG",
        "MYSQL",
        "MARIADB",
        "MONGO",
        "MONGODB",
        "REDIS",
        "VALKEY",
        "AMQP",
        "RABBITMQ",
        "BROKER",
        "CACHE",
        "QUEUE",
        "SMTP",
        "MAILER",
        "CLICKHOUSE",
        "ELASTICSEARCH",
    ];
    let name = name.to_ascii_uppercase();
    // The name of a file is no secret.
    if name.ends_with("_FILE") || name.ends_with("_PATH") {
        return false;
    }
    let address = ["_URL", "_URI"].iter().find_map(|end| name.strip_suffix(end));
    let store = address.is_some_and(|address| address.split('_').any(|word| STORES.contains(&word)));
    let key = (name.ends_with("_KEY") || name == "KEY") && !name.contains("PUBLIC") && !name.contains("PUBLISHABLE");
    let pass = ["_PASS", "_PWD", "_SALT"].iter().any(|end| name.ends_with(end)) || name == "PASS";
    store || key || pass || PARTS.iter().any(|part| name.contains(part))
}

/// What is secret of a secret value: of a URL its password. The address of a store that has none is no secret, but
/// that of a web page may be one as a whole.
fn secret_part(value: &str) -> Option<&str> {
    let scheme_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let Some((scheme, rest)) = value.split_once("://").filter(|(scheme, _)| scheme.bytes().all(scheme_byte)) else {
        return Some(value);
    };
    match url_secret(value, scheme.len() + 3) {
        Some(range) => Some(&value[range]),
        None => (scheme.starts_with("http") || rest.contains('@')).then_some(value),
    }
}

/// Adds a pattern for a value as it is, URL-encoded, or escaped as JSON does, each character in any of these.
fn push_plain(pattern: &mut String, value: &str) {
    for c in value.chars() {
        if c.is_ascii_alphanumeric() {
            pattern.push(c);
            continue;
        }
        let mut buffer = [0; 4];
        // Writing to a string cannot fail.
        let _ = match c {
            '"' | '/' | '\'' => write!(pattern, r"(?:\\*\x{{{:x}}}", u32::from(c)),
            '\\' => write!(pattern, r"(?:\\+"),
            ' ' => write!(pattern, r"(?: |\+"),
            '\n' => write!(pattern, r"(?:\n|\\+n"),
            '\r' => write!(pattern, r"(?:\r|\\+r"),
            '\t' => write!(pattern, r"(?:\t|\\+t"),
            _ => write!(pattern, r"(?:(?u:\x{{{:x}}})", u32::from(c)),
        };
        pattern.push('|');
        for byte in c.encode_utf8(&mut buffer).bytes() {
            pattern.push('%');
            push_hex(pattern, u32::from(byte), 2);
        }
        let mut units = [0; 2];
        pattern.push('|');
        for unit in c.encode_utf16(&mut units) {
            pattern.push_str(r"\\+u");
            push_hex(pattern, u32::from(*unit), 4);
        }
        pattern.push(')');
    }
}

/// Adds so many hexadecimal digits, in either case: compiled sooner than with the flag that ignores case.
fn push_hex(pattern: &mut String, number: u32, count: u32) {
    for place in (0..count).rev() {
        // Writing to a string cannot fail.
        let _ = match (number >> (4 * place)) & 15 {
            digit @ 0..10 => write!(pattern, "{digit}"),
            letter => write!(pattern, "[{letter:x}{letter:X}]"),
        };
    }
}

/// Adds patterns for a value in base64, also in the middle of a longer text, where it may begin at any of three places.
/// What follows in base64 goes with it, because its first character may still tell of the value.
fn push_base64(pattern: &mut String, value: &[u8]) {
    for before in 0..3_usize {
        let shifted: Vec<u8> = std::iter::repeat_n(0, before).chain(value.iter().copied()).collect();
        // Six bits each; those that also hold bits of the neighbours are left out.
        let first = (before * 8).div_ceil(6);
        let last = shifted.len() * 8 / 6;
        pattern.push('|');
        for at in first..last {
            let bit = at * 6;
            let pair = u16::from_be_bytes([shifted[bit / 8], shifted.get(bit / 8 + 1).copied().unwrap_or(0)]);
            match (pair >> (10 - bit % 8)) & 63 {
                62 => pattern.push_str("(?:[+-]|%2[Bb])"),
                63 => pattern.push_str(r"(?:\\*/|_|%2[Ff])"),
                index => pattern.push(char::from(LETTERS[usize::from(index)])),
            }
        }
        pattern.push_str("[A-Za-z0-9+/_-]*=*");
    }
}

/// The letters of base64 without its last two, which differ.
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Where in a text JSON begins that reaches to its end.
fn json_start(text: &str) -> Option<usize> {
    let whole = Some(text.len() - text.trim_start().len()).filter(|start| text[*start..].starts_with(['[', '"']));
    [whole, text.find('{')].into_iter().flatten().find(|start| is_json(&text[*start..]))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// How long the JSON string is that a text begins with.
fn string_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// What is to be put in the place of a range.
struct Finding {
    range: Range<usize>,
    /// With how many backslashes the mark must be quoted, where a number or a list stood.
    quoted: Option<usize>,
}

impl Finding {
    fn plain(range: Range<usize>) -> Self {
        Finding { range, quoted: None }
    }
}

/// The text without what looks like a secret; none when nothing does.
fn clean_suspects(suspect: &Regex, text: &str) -> Option<String> {
    let mut cleaned = String::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(hit) = suspect.find_at(text, from) {
        from = hit.end();
        let Some(Finding { range, quoted }) = finding(text, hit.start()..hit.end(), copied) else {
            continue;
        };
        from = from.max(range.end);
        if &text[range.clone()] == MARK {
            continue;
        }
        cleaned.push_str(&text[copied..range.start]);
        let quote = quoted.map(|backslashes| "\\".repeat(backslashes) + "\"").unwrap_or_default();
        let _ = write!(cleaned, "{quote}{MARK}{quote}");
        copied = range.end;
    }
    if copied == 0 {
        return None;
    }
    cleaned.push_str(&text[copied..]);
    Some(cleaned)
}

/// The secret that belongs to a match of [`SUSPECT`]; what is before `floor` has been dealt with.
fn finding(text: &str, hit: Range<usize>, floor: usize) -> Option<Finding> {
    let word = &text[hit.clone()];
    if word.starts_with(':') {
        return url_secret(text, hit.end).map(Finding::plain);
    }
    if word.starts_with('-') {
        return Some(Finding::plain(hit.start..pem_end(text, hit.end)));
    }
    if word.starts_with("eyJ") {
        return jwt_end(text, hit.end).map(|end| Finding::plain(hit.start..end));
    }
    if WHOLE.iter().any(|start| word.starts_with(start)) {
        return Some(Finding::plain(hit));
    }
    match word.len() {
        5 | 6 if word.eq_ignore_ascii_case("basic") || word.eq_ignore_ascii_case("bearer") => {
            scheme_secret(text, hit.end).map(Finding::plain)
        }
        _ => key_secret(text, hit, floor),
    }
}

/// The password of `scheme://user:password@host`, whose `user` begins at `start`.
fn url_secret(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = &text[start..];
    let bytes = rest.as_bytes();
    let mut end = 0;
    // Never in the middle of a character.
    while let Some(byte) = bytes.get(end).filter(|_| end < REACH || !rest.is_char_boundary(end)) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'<' | b'>' | b'`' => break,
            b'\\' => match bytes.get(end + 1) {
                Some(b'"') | None => break,
                Some(next) if next.is_ascii() => end += 2,
                Some(_) => end += 1,
            },
            _ => end += 1,
        }
    }
    let whole = &rest[..end];
    let authority = whole.split(['/', '?', '#']).next()?;
    let colon = authority.find(':')?;
    // A password may hold a slash that should have been encoded, but a port is a number and an address has brackets.
    let port = authority[colon + 1..].bytes().all(|byte| byte.is_ascii_digit()) && authority.len() > colon + 1;
    let at = match authority.rfind('@') {
        Some(at) => at,
        None if port || authority.starts_with('[') => return None,
        None => whole.rfind('@')?,
    };
    (at > colon + 1).then_some(start + colon + 1..start + at)
}

/// Where a JSON web token ends, whose parts are joined by dots: a head and at least one more.
fn jwt_end(text: &str, from: usize) -> Option<usize> {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let bytes = text.as_bytes();
    let dot = from + bytes[from..].iter().take(REACH).take_while(|byte| part(byte)).count();
    if bytes.get(dot) != Some(&b'.') {
        return None;
    }
    let rest = bytes[dot..].iter().take_while(|byte| part(byte) || **byte == b'.').count();
    let end = dot + text[dot..dot + rest].trim_end_matches('.').len();
    (end > dot).then_some(end)
}

/// Where the block of a private key ends: after its last line, or where the string or the text does.
fn pem_end(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    if let Some(end) = rest.find("-----END ") {
        let tail = &rest[end + 9..];
        if let Some(dashes) = tail.find("-----") {
            return from + end + 9 + dashes + 5;
        }
    }
    from + rest.find('"').map_or(rest.len(), |quote| rest[..quote].trim_end_matches('\\').len())
}

/// What follows `Bearer` or `Basic`, unless it is an English word or the parameters of a challenge.
fn scheme_secret(text: &str, end: usize) -> Option<Range<usize>> {
    let rest = &text[end..];
    let value = rest.trim_start_matches([' ', '\t']);
    let start = end + rest.len() - value.len();
    let length = value
        .bytes()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b'-')
        })
        .count();
    let after = value[length..].bytes().next();
    let challenge = value[..length].ends_with('=') && matches!(after, Some(b'"' | b'\\'));
    let value = value[..length].trim_end_matches('.');
    let telling = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'_' | b'=' | b'+');
    let mixed =
        value.bytes().skip(1).any(|byte| byte.is_ascii_uppercase()) && value.bytes().any(|b| b.is_ascii_lowercase());
    let secret = value.len() >= 20 || mixed || value.bytes().any(telling);
    (start > end && !challenge && secret && value.len() >= 4).then_some(start..start + value.len())
}

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
fn key_secret(text: &str, hit: Range<usize>, floor: usize) -> Option<Finding> {
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
            return value_secret(text, spaced, KeyKind::Word, false).map(Finding::plain);
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
            Json::Secret(end) => return Some(Finding { range: at..at + end, quoted: Some(backslashes) }),
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
    Some(Finding::plain(range))
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

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'))
}

/// A short number is a length or a count.
fn is_long_number(text: &str) -> bool {
    is_number(text) && text.bytes().filter(u8::is_ascii_digit).count() >= 5
}

/// Where the list or object ends that a text begins with.
fn nested_end(text: &str, backslashes: usize) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static STRANGER: LazyLock<Redactor> = LazyLock::new(|| Redactor::new([]));
    static INITIATE: LazyLock<Redactor> =
        LazyLock::new(|| Redactor::new(["123456", "canary\\", "ncanary\"", "canary\""]));

    fn clean(text: &str) -> String {
        STRANGER.clean(text).into_owned()
    }

    #[test]
    fn secrets_are_taken_out() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
        for (text, expected) in [
            // Key and value in running text.
            ("password=hunter2 user=bob", "password=# user=bob"),
            ("DB_PASSWORD=hunter2", "DB_PASSWORD=#"),
            ("Password: hunter2, next", "Password: #, next"),
            ("passphrase := 'a b c' ok", "passphrase := '#' ok"),
            ("pwd=\"a \\\" b\" ok", "pwd=\"#\" ok"),
            ("password='unclosed and cut", "password='#"),
            ("password=\"unclosed and cut", "password=\"#"),
            ("Server=x;Password=abc;Database=y", "Server=x;Password=#;Database=y"),
            ("GET /?api_key=abc&x=1", "GET /?api_key=#&x=1"),
            ("user[password]=abc&x=1", "user[password]=#&x=1"),
            ("(secret=abc)", "(secret=#)"),
            ("{ password: 'abc', apiKey: `x y` }", "{ password: '#', apiKey: `#` }"),
            ("{'password': b'abc', 'a': 1}", "{'password': b'#', 'a': 1}"),
            ("User { password: Some(Secret(\"abc\")) }", "User { password: Some(Secret(\"#\")) }"),
            ("credentials: { user: 'a', pass: 'b' } end", "credentials: # end"),
            (":password=>\"abc\"", ":password=>\"#\""),
            ("ALTER USER x PASSWORD 'abc';", "ALTER USER x PASSWORD '#';"),
            ("mysql --password abc -h x", "mysql --password # -h x"),
            ("encryption_key=abc signing-key: abc deploykey=abc", "encryption_key=# signing-key: # deploykey=#"),
            ("access_token=abc", "access_token=#"),
            ("token: abcd1234", "token: #"),
            ("token=Bearer abc x", "token=# x"),
            ("password=p\u{e4}ss ok", "password=# ok"),
            // Headers.
            ("Authorization: Digest a=\"b\"", "Authorization: #\"b\""),
            ("Authorization: Bearer abc", "Authorization: #"),
            ("curl -H 'Authorization: Basic abc' x", "curl -H 'Authorization: #' x"),
            ("Set-Cookie: a=1; Path=/; HttpOnly", "Set-Cookie: #"),
            (r#"{"raw":"Cookie: a=1; b=2\r\nHost: x"}"#, r#"{"raw":"Cookie: #\r\nHost: x"}"#),
            ("sent Bearer abc123 to x", "sent Bearer # to x"),
            ("Basic dXNlcjpwYXNz.", "Basic #."),
            // JSON.
            (r#"{"password":"a\"b","x":1}"#, r##"{"password":"#","x":1}"##),
            (r#"{"password" : 1234567}"#, r##"{"password" : "#"}"##),
            (r#"{"set-cookie":["a=1","b]"],"x":[]}"#, r##"{"set-cookie":"#","x":[]}"##),
            (r#"{"credentials":{"a":{"b":"}"}},"x":1}"#, r##"{"credentials":"#","x":1}"##),
            (r#"{"token":"abc"}"#, r##"{"token":"#"}"##),
            (r#"{"body":"{\"password\":\"a\\\"b\",\"x\":1}"}"#, r##"{"body":"{\"password\":\"#\",\"x\":1}"}"##),
            (r#"{"body":"{\"secret\":123456}"}"#, r##"{"body":"{\"secret\":\"#\"}"}"##),
            (r#"{"body":"{\"secret\":[\"a\"]}"}"#, r##"{"body":"{\"secret\":\"#\"}"}"##),
            (r#"{"msg":"password=abc","x":1}"#, r#"{"msg":"password=#","x":1}"#),
            (r#"{"msg":"password='abc","x":"it's"}"#, r#"{"msg":"password='#'s"}"#),
            (r#"{"password":"cut he"#, r##"{"password":"#"##),
            (r#"{"cookies":["cut"#, r##"{"cookies":"#""##),
            // URLs.
            ("postgres://u:p@h/d", "postgres://u:#@h/d"),
            ("redis://:p@h:6379", "redis://:#@h:6379"),
            ("postgres://u:p/s@h/d x@y", "postgres://u:#@h/d x@y"),
            ("amqp://u:p@h1,amqp://u:q@h2", "amqp://u:#@h1,amqp://u:#@h2"),
            ("mongodb://u:p@h1:27017,h2:27017/d", "mongodb://u:#@h1:27017,h2:27017/d"),
            (r#"{"u":"postgres:\/\/u:p@h\/d"}"#, r#"{"u":"postgres:\/\/u:#@h\/d"}"#),
            // Known by how they begin.
            (&format!("got {jwt} here"), "got # here"),
            ("sk_live_abc123 sk_test_abc", "# #"),
            ("ghp_0123456789abcdefghij", "#"),
            ("https://x:ghs_0123456789abcdefghij@github.com", "https://x:#@github.com"),
            ("AKIAIOSFODNN7EXAMPLE", "#"),
            ("xoxb-1-abc", "#"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMII=\n-----END RSA PRIVATE KEY----- ok", "# ok"),
            (r#"{"k":"-----BEGIN PRIVATE KEY-----\nMII","x":1}"#, r##"{"k":"#","x":1}"##),
        ] {
            let expected = expected.replace('#', MARK);
            assert_eq!(clean(text), expected, "{text}");
            assert_eq!(clean(&expected), expected, "a second time: {text}");
        }
    }

    #[test]
    fn what_is_no_secret_stays_and_is_borrowed() {
        for text in [
            "",
            "plain text – ✓",
            "password=",
            "password= ",
            "Enter password:",
            "password=null secret: true",
            "password authentication failed for user \"u\"",
            r#"{"password":null,"secret":true,"token":1234,"cookies":[],"credentials":{},"api_key":""}"#,
            r#"{"msg":"enter password:","x":1}"#,
            r#"{"msg":"enter password:\nthen","x":1}"#,
            r#"{"max_tokens":4096000,"tokenId":"abc","token_type":"x"}"#,
            "max_tokens=4096 tokenId=abc",
            "invalid token: expired",
            "Unexpected token: '<'",
            "Unexpected token '<' in JSON",
            "msg=\"no password=\" user=x",
            "basic authentication, Bearer authentication required",
            "WWW-Authenticate: Bearer error=\"invalid_token\"",
            "WWW-Authenticate: Basic realm=\"Restricted\"",
            "COMMAND PWD=/home/bob ; OLDPWD=/",
            "opsctl::secret::vault ready",
            "/reset-password?x=1",
            "http://host:8080/path?email=a@b.c",
            "http://[::1]:80/a@b",
            "https://git@host/x and a@b",
            "redis://:@h",
            "eyJ is how they begin, eyJhbGciOiJIUzI1NiJ9",
            "task-0123456789012345678901234 skill sk-short",
            "public_key=abc monkey: x",
            "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----",
        ] {
            let redactor = Redactor::new(["", "short", "redact"]);
            assert!(matches!(redactor.clean(text), Cow::Borrowed(same) if same == text), "{text} → {}", clean(text));
        }
    }

    #[test]
    fn known_values_are_found_in_every_form() {
        let canary = "C&n/a \"r\\y+\u{e9}";
        let redactor =
            Redactor::new([canary, "postgres://u:hunter22@h/d", "redis://localhost:6379", "abcdef", "abcdefgh"]);
        for (text, expected) in [
            (canary.to_owned(), "#"),
            (format!("<{canary}>"), "<#>"),
            (serde_json::to_string(&[canary]).unwrap(), "[\"#\"]"),
            (serde_json::to_string(&serde_json::to_string(&[canary]).unwrap()).unwrap(), "\"[\\\"#\\\"]\""),
            ("C%26n%2Fa%20%22r%5Cy%2B%C3%A9".to_owned(), "#"),
            ("C%26n/a+%22r%5cy%2b%c3%a9".to_owned(), "#"),
            (r#"["C\u0026n\/a \"r\\y+\u00E9"]"#.to_owned(), r##"["#"]"##),
            ("it is hunter22 and redis://localhost:6379".to_owned(), "it is # and redis://localhost:6379"),
            ("HUNTER22".to_owned(), "HUNTER22"),
            ("abcdefghi abcdefx".to_owned(), "#i #x"),
            // base64 of "hunter22", "u:hunter22", "us:hunter22 x", and URL-safe.
            ("aHVudGVyMjI=".to_owned(), "#"),
            ("dTpodW50ZXIyMg==".to_owned(), "dTp#"),
            ("dXM6aHVudGVyMjIgeA==".to_owned(), "dXM6#"),
            ("xx eDpodW50ZXIyMjp5 yy".to_owned(), "xx eDp# yy"),
            ("Ozpy OmFodW50ZXIyMg==".to_owned(), "Ozpy OmF#"),
        ] {
            assert_eq!(redactor.clean(&text), expected.replace('#', MARK), "{text}");
        }
    }

    #[test]
    fn json_stays_json_whatever_is_known() {
        for (secret, text, expected) in [
            ("1234567", r#"{"id":1234567,"x":"1234567"}"#, r##"{"id":"#","x":"#"}"##),
            ("234567", r#"web | {"id":1234567.5}"#, r##"web | {"id":"#"}"##),
            ("nfoobar", r#"{"a":"x\nfoobar"}"#, "\"#\""),
            ("foobar\\", r#"{"a":"foobar\"x"}"#, "\"#\""),
            ("x\",\"b\":", r#"{"a":"x","b":1}"#, "\"#\""),
            ("1234567", r#"{"id":1234567,"secret":{"a":"b"},"token":12}"#, r##"{"id":"#","secret":"#","token":12}"##),
        ] {
            let redactor = Redactor::new([secret]);
            assert_eq!(redactor.clean(text), expected.replace('#', MARK), "{secret} in {text}");
        }
    }

    #[test]
    fn names_of_secrets() {
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "POSTGRES_PASSWORD",
            "jwt_secret",
            "GITHUB_TOKEN",
            "OPENAI_API_KEY",
            "PRIVATE_KEY",
            "INTERNAL_KEY",
            "AWS_CREDENTIALS",
            "SENTRY_DSN",
            "ENCRYPTION_KEY",
            "DATABASE_URL",
            "REDIS_URL",
            "MONGODB_URI",
            "SMTP_PASS",
            "TEST_DATABASE_URL",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PORT",
            "PWD",
            "OLDPWD",
            "STRIPE_PUBLIC_KEY",
            "STRIPE_PUBLISHABLE_KEY",
            "NEXT_PUBLIC_API_URL",
            "NODE_ENV",
            "PASSWORD_FILE",
            "SSH_KEY_PATH",
            "MONKEY",
            "HOME",
            "",
            "é",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_text_cut_at_any_byte_never_tells() {
        let text =
            r#"{"a":"é","password":"hunter2\"hunter2","body":"{\"secret\":[\"hunter2\"]}","u":"x://u:hunter2@h"}"#;
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let cleaned = clean(&text[..end]);
            // Of a URL that has been cut nobody knows whether a password or a host stands there.
            let told = cleaned.split("x://").next().unwrap_or_default().to_owned();
            assert!(!told.contains("hunter"), "{cleaned}");
        }
    }

    /// JSON values with keys and texts that look like secrets.
    fn json() -> impl Strategy<Value = serde_json::Value> {
        let text = prop_oneof![
            "\\PC{0,12}",
            "(password|token|secret)[=: \"'\\\\\\[{(]{0,4}[a-z0-9\"'\\\\,;&}\n ]{0,12}",
            "(http|x)://[a-z:@/\\\\\"]{0,12}",
            "(Cookie|Authorization): [a-z \"'\\\\\n]{0,12}",
            "(Bearer|Basic) [a-zA-Z0-9\"]{0,12}",
            "-----BEGIN PRIVATE KEY-----[a-z\"\\\\\n]{0,9}",
            "[0-9a-f\"\\\\n]{0,9}canary[\"\\\\]",
        ];
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            Just(serde_json::Value::from(12_345_678)),
            text.clone().prop_map(Into::into),
            // JSON in a string of JSON.
            text.clone().prop_map(|text| serde_json::json!({ "password": text }).to_string().into()),
        ];
        let key = prop_oneof![text, "[a-z]{1,3}", "(api_key|password|tokens?|cookies|credentials)"];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                proptest::collection::btree_map(key.clone(), inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_stays_json(value in json(), prefix in "(web  \\| )?", known in any::<bool>()) {
            let redactor = if known { &INITIATE } else { &STRANGER };
            if value.is_object() {
                let text = format!("{prefix}{value}");
                let cleaned = redactor.clean(&text);
                prop_assert!(is_json(&cleaned[prefix.len()..]), "{text} → {cleaned}");
            }
        }

        #[test]
        fn a_known_value_never_passes(secret in "\\PC{6,20}", before in "\\PC{0,8}", after in "\\PC{0,8}") {
            let redactor = Redactor::new([&*secret]);
            // What is trimmed from a value, or belongs to a URL, is no part of the secret.
            prop_assume!(secret.trim() == secret && !secret.contains("://") && !MARK.contains(&secret));
            for text in [format!("{before} {secret} {after}"), serde_json::json!({ &before: &secret }).to_string()] {
                let cleaned = redactor.clean(&text);
                prop_assert!(matches!(cleaned, Cow::Owned(_)), "{text} → {cleaned}");
                prop_assert!(!format!("{before}{after}").contains(&secret) && !cleaned.contains(&secret), "{cleaned}");
            }
        }

        #[test]
        fn nothing_panics(text in "\\PC*|.*|((\"|'|\\\\|password|token|cookie|=|: |://|@|\\[|\\{|é|Bearer |x){0,20})") {
            let cleaned = clean(&text);
            let _ = clean(&cleaned);
        }
    }
}
