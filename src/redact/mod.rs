//! Secrets never leave: what looks like one, and what is known to be one, is taken out of every text that is shown.
//!
//! The order on every way from outside to a reader: decode, look through ([`view`]: colours, control characters,
//! characters that are struck over or invisible, escapes), redact, cut, understand, escape. What is found in any view of a
//! text is masked in the text. One regular expression finds where a secret may be; how far it reaches is decided by hand,
//! because that depends on quotes and on how often they are escaped. Values that are known, and parts of them, are found by
//! [`known`]; keys that are written line by line, by [`block`]. Rather too much is taken out than too little.

mod block;
mod env;
mod escapes;
mod known;
mod masked;
mod names;
mod piece;
mod suspect;
mod value;
mod view;

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;
use std::sync::OnceLock;

use serde::de::IgnoredAny;

pub use names::is_secret_name;
pub use view::is_hostile;

use block::Block;
use escapes::quick;
use known::{Known, Open};
use masked::Masked;
use suspect::{pattern, suspects};
use value::{is_long_number, is_number, nested_end};
use view::{Sort, View, as_it_is, coloured, sort, views, visible};

/// What stands in the place of a secret.
const MARK: &str = "**redacted**";

/// Shorter values are too common: `true`, `5432`, `admin`.
const SHORTEST: usize = 6;

/// A line of this length may be a piece of a longer one: docker cuts at 16 KiB, journald at 48 KiB.
const PIECE: usize = 16 << 10;

/// Takes secrets out of texts.
pub struct Redactor {
    known: Values,
}

/// The values that are known to be secret.
enum Values {
    None,
    Some(Box<Known>),
    /// They are too many or too long, so that nothing can be let through.
    Unknowable,
}

/// What of the lines of one source must be known for the next: a secret may go on there.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    block: Block,
    open: Vec<Open>,
    /// The line was a piece that ended in the middle of a secret.
    piece: bool,
}

/// Where the secrets of this host are read from, once they are needed.
static SOURCE: OnceLock<Box<dyn Fn() -> Redactor + Send + Sync>> = OnceLock::new();

/// Says where the secrets of this host are read from, for [`house`]. The first word counts.
pub fn keep_secret(source: impl Fn() -> Redactor + Send + Sync + 'static) {
    // A second deployment is not chosen in one run.
    let _ = SOURCE.set(Box::new(source));
}

/// Knows the secrets of this host as far as they can be read, for whatever is quoted from outside: what a tool complains of,
/// what a server answers.
pub fn house() -> &'static Redactor {
    static HOUSE: OnceLock<Redactor> = OnceLock::new();
    static STRANGER: OnceLock<Redactor> = OnceLock::new();
    match SOURCE.get() {
        Some(source) => HOUSE.get_or_init(source),
        None => STRANGER.get_or_init(|| Redactor::new([])),
    }
}

impl Redactor {
    /// `secrets`: values known to be secret, of which those shorter than six bytes are ignored. They are also found in
    /// base64, in hexadecimal, URL-encoded and escaped. Of a URL with a password only the password is a secret.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut values = Vec::new();
        for secret in secrets {
            env::of_value(true, secret, &mut values);
        }
        Redactor::of(values)
    }

    /// Knows what is secret in files of settings, by the names of the settings and by the values.
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn of_settings<'a>(files: impl IntoIterator<Item = &'a str>) -> Self {
        Redactor::of_settings_and(files, None)
    }

    /// The same, and every value of another file, whatever its name.
    pub fn of_settings_and<'a>(files: impl IntoIterator<Item = &'a str>, secret: Option<&str>) -> Self {
        let mut values = Vec::new();
        for file in files {
            env::secrets(file, &mut values);
        }
        if let Some(file) = secret {
            env::every(file, &mut values);
        }
        Redactor::of(values)
    }

    fn of(mut values: Vec<String>) -> Self {
        values.sort_unstable();
        values.dedup();
        let known = match values.is_empty() {
            true => Values::None,
            false => Known::new(&values).map_or(Values::Unknowable, |known| Values::Some(Box::new(known))),
        };
        Redactor { known }
    }

    /// The text without secrets; borrowed when there are none. What was valid JSON still is.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.find(text, true, &mut Vec::new()) {
            None => MARK.into(),
            Some(found) => self.masked(text, found, true),
        }
    }

    /// The text without values that are known to be secret and could be nothing else: for what opsctl says itself, which is
    /// made of what was cleaned before.
    pub fn clean_known<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.find(text, false, &mut Vec::new()) {
            None => MARK.into(),
            Some(found) => self.masked(text, found, false),
        }
    }

    /// A piece of a longer text without secrets: where it begins, a key may have begun before.
    pub fn quote(&self, text: &str) -> String {
        if !text.contains('\n') {
            return self.clean(text).into_owned();
        }
        let mut memory = Memory::default();
        let mut all = self.find(text, true, &mut Vec::new());
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let own = self.find_in_line(&mut memory, line.trim_end_matches(['\r', '\n']), |_| 0);
            if let (Some(all), Some(own)) = (&mut all, own) {
                let moved = own.into_iter().map(|finding| finding.behind(at));
                all.extend(moved);
            }
            at += line.len();
        }
        all.map_or_else(|| MARK.to_owned(), |found| self.masked(text, found, true).into_owned())
    }

    /// A document of opsctl's own without values that are known to be secret. What was JSON still is.
    pub fn clean_document(&self, text: String) -> String {
        if matches!(self.known, Values::None) {
            return text;
        }
        let cleaned: Vec<_> = text.split_inclusive('\n').map(|line| self.clean_known(line)).collect();
        if cleaned.iter().all(|line| matches!(line, Cow::Borrowed(_))) {
            return text;
        }
        let cleaned = cleaned.concat();
        match text.starts_with('{') && !is_json(&cleaned) {
            true => self.clean_json(&text, 0, false),
            false => cleaned,
        }
    }

    /// A line without secrets, also without what belongs to one that began on an earlier line of its source. `head` says
    /// where the line itself begins, behind its time and the name of whoever wrote it.
    pub fn clean_line<'t>(&self, memory: &mut Memory, text: &'t str, head: impl Fn(&str) -> usize) -> Cow<'t, str> {
        match self.find_in_line(memory, text, head) {
            None => MARK.into(),
            Some(found) => self.masked(text, found, true),
        }
    }

    /// What is secret in a line, by itself and because of those before it. None when that cannot be known.
    fn find_in_line(&self, memory: &mut Memory, text: &str, head: impl Fn(&str) -> usize) -> Option<Vec<Masked>> {
        let before = std::mem::take(&mut memory.open);
        let open = &mut memory.open;
        // What goes on there is found in any reading.
        let readings = match before.is_empty() || sort(text) == Sort::Plain {
            true => self.readings(text),
            false => views(text),
        };
        let mut found = self.find_in(text, &readings, true, open)?;
        if let Values::Some(known) = &self.known {
            let mut look = |text: &str| {
                known.beginnings(text, open);
                if before.is_empty() { Vec::new() } else { known.rest(text, &before, open) }
            };
            if readings.is_empty() {
                found.extend(look(text).into_iter().map(Masked::plain));
            }
            for view in &readings {
                found.extend(look(&view.text).into_iter().map(|range| Masked::plain(view.origin(range))));
            }
        }
        let begins = !found.is_empty() && text.contains("KEY");
        if begins || !memory.block.is_outside() || memory.piece {
            let shown = visible(text);
            let head = head(&shown.text).min(shown.text.len());
            let mut ranges = memory.block.line(&shown.text, head);
            if std::mem::take(&mut memory.piece) {
                let rest = &shown.text[head..];
                ranges.push(head..head + rest.find([' ', '\t', '"', '\'', '&', ',']).unwrap_or(rest.len()));
            }
            found.extend(ranges.into_iter().map(|range| Masked::plain(shown.origin(range))));
        }
        memory.piece = text.len() >= PIECE && found.iter().any(|finding| finding.range.end >= text.trim_end().len());
        Some(found)
    }

    /// What is secret in a text, in any way in which it may be read. None when that cannot be known. Without `patterns` only
    /// values that can be nothing else.
    fn find(&self, text: &str, patterns: bool, open: &mut Vec<Open>) -> Option<Vec<Masked>> {
        let readings = self.readings(text);
        self.find_in(text, &readings, patterns, open)
    }

    /// The ways in which a text may be read; none where only as it is, or where the others hold nothing.
    fn readings<'t>(&self, text: &'t str) -> Vec<View<'t>> {
        let holds = |text: &str, patterns: bool| {
            let looks = patterns && pattern().is_some_and(|suspect| !suspects(suspect, text).is_empty());
            looks || matches!(&self.known, Values::Some(known) if known.is_in(text, false))
        };
        match sort(text) {
            Sort::Plain => Vec::new(),
            Sort::Quoted if matches!(self.known, Values::None) => Vec::new(),
            kind @ (Sort::Quoted | Sort::Escaped) => match quick(text) {
                (plain, false) if !holds(&plain, kind == Sort::Escaped) => Vec::new(),
                _ => views(text),
            },
            Sort::Coloured if matches!(self.known, Values::None) => vec![coloured(text)],
            // A value may have what looks like a colour.
            Sort::Coloured => vec![coloured(text), as_it_is(text)],
            Sort::Other => views(text),
        }
    }

    /// The same in these readings of a text; none where there is but one.
    fn find_in(&self, text: &str, readings: &[View<'_>], patterns: bool, open: &mut Vec<Open>) -> Option<Vec<Masked>> {
        let suspect = if patterns { Some(pattern()?) } else { None };
        let known = match &self.known {
            Values::None => None,
            Values::Some(known) => Some(known),
            Values::Unknowable => return None,
        };
        let mut look = |text: &str, clear: bool| {
            let suspect = suspect.filter(|_| clear);
            let mut found = suspect.map(|suspect| suspects(suspect, text)).unwrap_or_default();
            if let Some(known) = known {
                let ranges = if patterns { known.find(text, open) } else { known.find_telling(text) };
                found.extend(ranges.into_iter().map(Masked::plain));
            }
            found
        };
        if readings.is_empty() {
            return Some(look(text, true));
        }
        let mut all = Vec::new();
        for (index, view) in readings.iter().enumerate() {
            for finding in look(&view.text, view.patterns) {
                let quoted = finding.quoted.filter(|_| index == 0);
                all.push(Masked { range: view.origin(finding.range), quoted });
            }
        }
        Some(all)
    }

    /// The text with its secrets masked.
    fn masked<'t>(&self, text: &'t str, found: Vec<Masked>, patterns: bool) -> Cow<'t, str> {
        let cleaned = put_marks(text, found);
        if let Cow::Owned(cleaned) = &cleaned
            && let Some(start) = json_start(text)
            && !cleaned.get(start..).is_some_and(is_json)
        {
            return self.clean_json(text, start, patterns).into();
        }
        cleaned
    }

    /// The text without secrets, which may no longer be JSON: a known value may be a number, or end in the middle of an
    /// escape.
    fn clean_text<'t>(&self, text: &'t str, patterns: bool) -> Cow<'t, str> {
        match self.find(text, patterns, &mut Vec::new()) {
            None => MARK.into(),
            Some(found) => put_marks(text, found),
        }
    }

    /// Cleans every string and number of a JSON text by itself.
    fn clean_json(&self, text: &str, start: usize, patterns: bool) -> String {
        let mut cleaned = self.clean_text(&text[..start], patterns).into_owned();
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
                let shown =
                    if secret_key && !inside.is_empty() { MARK.into() } else { self.clean_text(&inside, patterns) };
                if shown == inside {
                    cleaned.push_str(word);
                } else {
                    cleaned.push_str(&serde_json::Value::from(&*shown).to_string());
                }
                secret_key = patterns && is_key && is_secret_key(&inside);
            } else if length == 1 || (!secret_key && self.clean_text(word, patterns) == word) {
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
        if matches!(&self.known, Values::Some(known) if known.is_in(&cleaned[prefix..], !patterns)) {
            cleaned.truncate(prefix);
            let _ = write!(cleaned, "\"{MARK}\"");
        }
        cleaned
    }
}

/// Whether a JSON key names a secret.
fn is_secret_key(key: &str) -> bool {
    let probe = format!("\"{}\":\"x\"", key.replace(['"', '\\'], ""));
    pattern().is_some_and(|suspect| !suspects(suspect, &probe).is_empty())
}

/// Puts marks in the place of what was found; what overlaps gets one. A secret may end within a character, as half of a value
/// that was cut by its bytes does: the whole character is masked.
fn put_marks(text: &str, mut found: Vec<Masked>) -> Cow<'_, str> {
    for Masked { range, .. } in &mut found {
        *range = text.floor_char_boundary(range.start)..text.ceil_char_boundary(range.end);
    }
    found.retain(|finding| finding.range.start < finding.range.end && &text[finding.range.clone()] != MARK);
    if found.is_empty() {
        return text.into();
    }
    found.sort_by_key(|finding| (finding.range.start, std::cmp::Reverse(finding.range.end)));
    let mut cleaned = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while let Some(Masked { range: Range { start, mut end }, quoted }) = found.get(at).cloned() {
        at += 1;
        while let Some(next) = found.get(at).filter(|next| next.range.start < end) {
            end = end.max(next.range.end);
            at += 1;
        }
        cleaned.push_str(&text[copied..start]);
        let quote = quoted.map(|backslashes| "\\".repeat(backslashes) + "\"").unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = write!(cleaned, "{quote}{MARK}{quote}");
        copied = end;
    }
    cleaned.push_str(&text[copied..]);
    cleaned.into()
}

fn is_punctuation(c: char) -> bool {
    matches!(c, '[' | ']' | '{' | '}' | ',' | ':')
}

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

#[cfg(test)]
mod tests;
