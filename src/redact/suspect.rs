//! Where something looks like a secret, and how far it reaches.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::MARK;
use super::masked::{Masked, REACH};
use super::value::key_secret;

/// Where a secret may begin: names of keys, schemes, and secrets that are known by how they begin.
const SUSPECT: &str = concat!(
    r"(?-u:(?i:pass(?:word|wd|phrase)|[_-]pass\b|pwd|secret|token|cookie|credential|authorization|api[_-]?key",
    r"|x-amz-signature",
    r"|(?:access|private|internal|master|encryption|signing|deploy)[_-]?key|\b(?:bearer|basic)\b)",
    r"|:(?:\\*/){2}",
    r"|----[- ]+BEGIN [A-Z0-9 ]*PRIVATE KEY",
    r"|eyJ[\w-]{8}",
    r"|(?:sk|rk)_(?:live|test)_\w+|whsec_\w+|gh[pousr]_\w{16,}|github_pat_\w+|glpat-[\w-]+",
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bxox[a-z]-[\w-]+|\bxapp-[\w-]+|\bsk-[\w-]{20,}|\bAIza[\w-]{35}",
    r"|AGE-SECRET-KEY-1\w+|\bnpm_\w{30,}|\bpypi-[\w-]{16,}|\bhf_\w{20,}|\bdop_v1_\w{20,}|\bSG\.[\w-]{16,}\.[\w-]{16,}",
    r"|\bya29\.[\w-]+|hooks\.slack\.com(?:\\*/)services(?:\\*/)[\w/\\]+|api(?:\\*/)webhooks(?:\\*/)[\w/\\-]+",
    r"|/bot\d+:[\w-]{30,})",
);

/// The same, compiled once, which takes a millisecond. None when it should not compile, and then nothing is let through.
pub(super) fn pattern() -> Option<&'static Regex> {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(SUSPECT).ok());
    PATTERN.as_ref()
}

/// How the matches of [`SUSPECT`] begin that are secrets themselves.
const WHOLE: &[&str] = &[
    "sk_",
    "rk_",
    "whsec_",
    "gh",
    "github_pat_",
    "glpat-",
    "AKIA",
    "ASIA",
    "xox",
    "xapp-",
    "sk-",
    "AIza",
    "AGE-SECRET-KEY-",
    "npm_",
    "pypi-",
    "hf_",
    "dop_v1_",
    "SG.",
    "ya29.",
    "hooks",
    "api/webhooks",
    "api\\",
    "/bot",
];

/// What looks like a secret in a text.
pub(super) fn suspects(suspect: &Regex, text: &str) -> Vec<Masked> {
    let mut found = Vec::new();
    let mut floor = 0;
    let mut from = 0;
    while let Some(hit) = suspect.find_at(text, from) {
        from = hit.end();
        let Some(finding) = finding(text, hit.start()..hit.end(), floor) else {
            continue;
        };
        from = from.max(finding.range.end);
        if &text[finding.range.clone()] != MARK {
            floor = finding.range.end;
            found.push(finding);
        }
    }
    found
}

/// The secret that belongs to a match of [`SUSPECT`]; what is before `floor` has been dealt with.
fn finding(text: &str, hit: Range<usize>, floor: usize) -> Option<Masked> {
    let word = &text[hit.clone()];
    if word.starts_with(':') {
        return url_secret(text, hit.end).map(Masked::plain);
    }
    if word.starts_with('-') {
        return Some(Masked::plain(hit.start..pem_end(text, hit.end)));
    }
    if word.starts_with("eyJ") {
        return jwt_end(text, hit.end).map(|end| Masked::plain(hit.start..end));
    }
    if WHOLE.iter().any(|start| word.starts_with(start)) {
        return Some(Masked::plain(hit));
    }
    match word.len() {
        5 | 6 if word.eq_ignore_ascii_case("basic") || word.eq_ignore_ascii_case("bearer") => {
            scheme_secret(text, hit.end).map(Masked::plain)
        }
        _ => key_secret(text, hit, floor),
    }
}

/// The password of `scheme://user:password@host`, whose `user` begins at `start`.
pub(super) fn url_secret(text: &str, start: usize) -> Option<Range<usize>> {
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
