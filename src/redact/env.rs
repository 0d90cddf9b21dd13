//! What is secret in files of settings. Programs read such files in different ways, so that each value is taken in all of
//! them: as it stands, without its quotes, over several lines, with its escapes undone, and the secrets that it holds.

use super::known::is_ordinary;
use super::suspect::{pattern, suspects, url_secret};
use super::{MARK, SHORTEST, is_secret_name, view};
use crate::envfile;

/// No value is longer, bytes.
const LONGEST: usize = 64 << 10;

/// The secrets of a file of `NAME=value` lines.
pub(super) fn secrets(file: &str, found: &mut Vec<String>) {
    as_read(file, found);
    let mut at = 0;
    for line in file.split_inclusive('\n') {
        let begin = at;
        at += line.len();
        let Some((name, value)) = line.split_once('=') else { continue };
        let start = begin + name.len() + 1;
        let name = name.trim().trim_start_matches("export ").trim();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if name.is_empty() || !name.bytes().all(is_name) {
            continue;
        }
        let mut values = vec![value.trim()];
        let rest = &file[start..file.floor_char_boundary(start + LONGEST)];
        values.extend(quoted(rest.trim_start_matches([' ', '\t'])));
        values.extend(continued(rest));
        values.extend(armoured(rest, line.len() - (start - begin)));
        // A comment behind the value.
        values.extend(value.split_once(" #").map(|(value, _)| value.trim()));
        for value in values {
            of_value(is_secret_name(name), value, found);
        }
    }
}

/// The secrets of a file as every program sees them that may read it: its own values, and how they are written.
fn as_read(file: &str, found: &mut Vec<String>) {
    for setting in envfile::every_setting(file) {
        // `export API_KEY` is no name for some of them, but no less secret.
        let name = setting.key.rsplit(|c: char| c.is_whitespace() || c == '\u{feff}').next().unwrap_or_default();
        let is_secret = is_secret_name(name);
        if let Some(raw) = file.get(setting.raw.clone()) {
            of_value(is_secret, raw.trim(), found);
            // Scripts read such files as well.
            of_value(is_secret, &as_a_shell(&raw.trim().replace("\\\n", "")), found);
        }
        if let Some(value) = setting.value.known() {
            of_value(is_secret, value, found);
        }
    }
}

/// Every value of a file that holds nothing but addresses and keys. Of a URL its path and query are secret, because a webhook's token
/// is there; its host is not, nor a path that everybody knows.
pub(super) fn every(file: &str, found: &mut Vec<String>) {
    const USUAL: &[&str] = &["api/v2/alerts", "v2/enqueue"];
    for setting in envfile::every_setting(file) {
        let Some(value) = setting.value.known() else { continue };
        let behind = value.split_once("://").map(|(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
        match behind.map(|path| path.trim_end_matches('/')) {
            Some(path) => {
                of_value(!USUAL.contains(&path), path, found);
                of_value(false, value, found);
            }
            None => value.split([',', ' ']).chain([value]).for_each(|part| of_value(true, part, found)),
        }
    }
}

/// What stands between the quotes that a value begins with, over as many lines as there are.
fn quoted(rest: &str) -> Option<&str> {
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let inner = &rest[1..];
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        if c == quote && !escaped {
            return Some(&inner[..at]);
        }
        escaped = c == '\\' && quote != '\'' && !escaped;
    }
    None
}

/// A value whose lines end with a backslash but for the last.
fn continued(rest: &str) -> Option<&str> {
    let mut length = 0;
    for line in rest.split_inclusive('\n') {
        length += line.len();
        if !line.trim_end_matches(['\r', '\n']).ends_with('\\') {
            break;
        }
    }
    let first = rest.find('\n').map_or(rest.len(), |end| end + 1);
    (length > first).then(|| rest[..length].trim())
}

/// A private key without quotes, up to its end.
fn armoured(rest: &str, first: usize) -> Option<&str> {
    if !rest[..first.min(rest.len())].contains("-----BEGIN ") {
        return None;
    }
    let end = rest.find("-----END ")?;
    let close = rest[end + 9..].find("-----")?;
    Some(&rest[..end + 9 + close + 5])
}

/// The secrets of one value, whose name says whether it is one.
pub(super) fn of_value(is_secret: bool, value: &str, found: &mut Vec<String>) {
    let mut forms = vec![value.to_owned()];
    for inner in ['"', '\'', '`'].into_iter().filter_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote)) {
        forms.push(inner.to_owned());
    }
    for at in 0..forms.len() {
        let joined = forms[at].replace("\\\r\n", "").replace("\\\n", "");
        let plain = view::plain(&joined);
        let dollars = joined.replace("$$", "$");
        for form in [joined, plain, dollars] {
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    for form in &forms {
        if is_secret {
            whole(form, found);
        }
        inner(form, found);
        if is_secret || form.contains("PRIVATE KEY-----") {
            lines(form, found);
        }
    }
}

/// A word as a shell reads it, without variables: quotes may begin and end anywhere.
fn as_a_shell(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    let mut quote = None;
    let mut letters = word.chars().peekable();
    while let Some(c) = letters.next() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (_, Some(open)) if c == open => quote = None,
            ('\\', None) => plain.extend(letters.next()),
            ('\\', Some('"')) => match letters.next_if(|next| matches!(next, '"' | '\\' | '$' | '`')) {
                Some(next) => plain.push(next),
                None => plain.push(c),
            },
            (_, _) => plain.push(c),
        }
    }
    plain
}

fn push(value: &str, found: &mut Vec<String>) {
    let value = value.trim();
    // What the mark itself contains would be found again and again.
    if value.len() >= SHORTEST && !MARK.contains(value) && !is_ordinary(value.as_bytes()) {
        found.push(value.to_owned());
    }
}

/// A value that is a secret by its name: of a URL with a password only that, else all of it and what it is made of.
fn whole(value: &str, found: &mut Vec<String>) {
    let value = value.trim();
    let Some(secret) = secret_part(value) else { return };
    push(secret, found);
    push(&view::plain(secret), found);
    if secret.contains("://") {
        return;
    }
    // A list of keys; a user and a password.
    if !secret.contains('{') && !secret.contains('\n') {
        let telling = |part: &&str| part.bytes().any(|byte| byte.is_ascii_digit()) && part.len() >= 2 * SHORTEST;
        secret.split([',', ';', ' ', '|']).filter(telling).for_each(|part| push(part, found));
        after_user(secret, found);
    }
    if let Some(text) = decoded(secret) {
        push(&text, found);
        after_user(&text, found);
    }
}

/// What follows `user:`.
fn after_user(value: &str, found: &mut Vec<String>) {
    if let Some((user, password)) = value.split_once(':')
        && !user.is_empty()
        && user.len() <= 64
        && !user.contains(char::is_whitespace)
        && !password.starts_with("//")
    {
        push(password, found);
    }
}

/// Text that is written in base64.
fn decoded(value: &str) -> Option<String> {
    let digit = |byte: u8| {
        Some(match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        })
    };
    let letters = value.trim_end_matches('=');
    if letters.len() < 8 {
        return None;
    }
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in letters.bytes() {
        bits = bits << 6 | u32::from(digit(byte)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 255).ok()?);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    text.chars().all(|c| !c.is_control() || c.is_whitespace()).then_some(text)
}

/// What is secret in a value whatever its name: passwords of URLs, private keys, tokens, `password=x`.
fn inner(value: &str, found: &mut Vec<String>) {
    for (at, _) in value.match_indices("://") {
        if let Some(range) = url_secret(value, at + 3) {
            push(&value[range.clone()], found);
            push(&view::plain(&value[range]), found);
        }
    }
    for finding in pattern().map(|pattern| suspects(pattern, value)).unwrap_or_default() {
        let secret = &value[finding.range];
        push(secret, found);
        let plain = view::plain(secret);
        push(&plain, found);
        if secret.contains("PRIVATE KEY") {
            lines(&plain, found);
        }
    }
}

/// Each line of a value, which is printed by itself.
fn lines(value: &str, found: &mut Vec<String>) {
    if value.trim().contains('\n') {
        value.lines().for_each(|line| push(line.trim_end_matches('\\'), found));
    }
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

#[cfg(test)]
mod tests;
