//! `$NAME`, `${NAME}`, `${NAME:-default}` and their like, as compose v2 fills them in (compose-go, `template`).

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What a name stands for.
pub(super) enum Mapped {
    Set(String),
    Unset,
    Unknown,
}

/// Defaults of defaults beyond which a value is not followed.
const DEEPEST: usize = 32;

/// The longest string that the kernel gives to a process, bytes (`MAX_ARG_STRLEN`).
pub(super) const LONGEST: usize = 128 << 10;

const WRONG: &str = "compose refuses the file: a `${` does not begin a variable";
const REQUIRED: &str = "compose refuses the file: a variable that it requires is not set";

/// The same expression as compose's. The last brace of a line may be taken for that of the first variable.
static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    const EXPRESSION: &str = concat!(
        r"\$(?i:(?P<escaped>\$)|(?P<named>[_a-z][_a-z0-9]*)",
        r"|\{(?:(?P<braced>[_a-z][_a-z0-9]*(?::?[-+?](?:.*))?)\}|(?P<invalid>)))",
    );
    Regex::new(EXPRESSION).ok()
});

/// A text with its variables filled in; `None` where one of them is unknown.
pub(super) fn substitute(
    text: &str,
    map: &dyn Fn(&str) -> Mapped,
    depth: usize,
) -> Result<Option<String>, &'static str> {
    if !text.contains('$') {
        return Ok(Some(text.to_owned()));
    }
    let (Some(pattern), false) = (PATTERN.as_ref(), depth > DEEPEST) else { return Ok(None) };
    let mut filled = Some(String::with_capacity(text.len()));
    let mut done = 0;
    for found in pattern.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        let value = one(pattern, &found, whole.as_str(), map, depth)?;
        filled = filled.zip(value).and_then(|(mut filled, value)| {
            filled.push_str(&text[done..whole.start()]);
            filled.push_str(&value);
            // No process is started with it.
            (filled.len() <= LONGEST).then_some(filled)
        });
        done = whole.end();
    }
    Ok(filled.map(|filled| filled + &text[done..]))
}

/// One variable, and what stands behind it up to the last brace of its line.
fn one(
    pattern: &Regex,
    found: &Captures<'_>,
    whole: &str,
    map: &dyn Fn(&str) -> Mapped,
    depth: usize,
) -> Result<Option<String>, &'static str> {
    if found.name("escaped").is_some() {
        return Ok(Some("$".to_owned()));
    }
    let simple = |name: &str| match map(name) {
        Mapped::Set(value) => Some(value),
        // Compose warns and goes on.
        Mapped::Unset => Some(String::new()),
        Mapped::Unknown => None,
    };
    if let Some(name) = found.name("named") {
        return Ok(simple(name.as_str()));
    }
    // Which of them comes first decides, although it may belong to a variable behind this one.
    let (own, rest) = match closing(whole) {
        Some(end) => (&whole[..=end], &whole[end + 1..]),
        None => (whole, ""),
    };
    let Some(inner) = pattern.captures(own).and_then(|own| own.name("braced").map(|inner| inner.as_str().to_owned()))
    else {
        return Err(WRONG);
    };
    let signs = [":?", "?", ":-", "-", ":+", "+"];
    let first = signs.into_iter().filter_map(|sign| Some((whole.find(sign)?, sign))).min_by_key(|(at, _)| *at);
    let Some((name, sign, word)) = first.and_then(|(_, sign)| {
        let (name, word) = inner.split_once(sign)?;
        Some((name, sign, word))
    }) else {
        return Ok(simple(&inner));
    };
    // Compose 2.26 fills in the other text even where it is not used, so that what is wrong in it counts.
    let word = substitute(word, map, depth + 1)?;
    let empty_counts = sign.starts_with(':');
    let value = match map(name) {
        Mapped::Unknown => None,
        Mapped::Set(value) if !(empty_counts && value.is_empty()) => {
            if sign.ends_with('+') {
                word
            } else {
                Some(value)
            }
        }
        Mapped::Set(_) | Mapped::Unset => match sign {
            ":-" | "-" => word,
            ":+" | "+" => Some(String::new()),
            _ => return Err(REQUIRED),
        },
    };
    let rest = substitute(rest, map, depth + 1)?;
    Ok(value.zip(rest).map(|(value, rest)| value + &rest))
}

/// Where the first brace closes that opens. What follows an opening brace is never looked at.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut open, mut at) = (0_i64, 0);
    while let Some(byte) = bytes.get(at) {
        if *byte == b'}' {
            open -= 1;
            if open == 0 {
                return Some(at);
            }
        }
        if *byte == b'{' {
            open += 1;
            at += 1;
        }
        at += 1;
    }
    None
}
