//! A pattern for values that are known to be secret, in every form in which they may be written.

use std::fmt::Write;

use super::suspect::url_secret;

/// What is secret of a secret value: of a URL its password. The address of a store that has none is no secret, but
/// that of a web page may be one as a whole.
pub(super) fn secret_part(value: &str) -> Option<&str> {
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
pub(super) fn push_plain(pattern: &mut String, value: &str) {
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
pub(super) fn push_base64(pattern: &mut String, value: &[u8]) {
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
