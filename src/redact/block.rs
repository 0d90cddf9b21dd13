//! Private keys that are written line by line. From the line that begins one on, what may be a line of it is masked wherever
//! it stands on its line: behind a time or a name, in a string of JSON, between lines of others.
//!
//! A block ends with its END line, or after so many lines in which nothing of a key was found: whoever cuts a log off in the
//! middle of a key does not silence all that follows. Where reading begins, a block may have begun before: lines of nothing
//! but base64 are taken for a key's until the first other line.

use std::ops::Range;

/// After so many lines of other things a block is over.
const OTHERS: u32 = 64;
/// No key is longer, lines.
const LONGEST: u32 = 2000;

/// Where a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Block {
    /// Nothing was read yet.
    #[default]
    Unknown,
    Outside,
    Inside {
        lines: u32,
        /// Lines of other things since the last of the key.
        others: u32,
    },
}

impl Block {
    /// Whether the next line need not be looked at unless it begins a key.
    pub(super) fn is_outside(self) -> bool {
        self == Block::Outside
    }

    /// What of the next line belongs to a key. `head` is where the line itself begins, behind its time and the name of
    /// whoever wrote it.
    pub(super) fn line(&mut self, text: &str, head: usize) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let begin = begin_of(text);
        let end = end_of(text);
        // What ends is before what begins; what begins and ends is found by itself.
        if let Some(begin) = begin
            && end.as_ref().is_none_or(|end| end.start < begin)
        {
            // The line itself is found by what it begins with.
            *self = Block::Inside { lines: 0, others: 0 };
            return found;
        }
        match *self {
            Block::Outside => {}
            Block::Unknown => {
                let body = text.get(head..).unwrap_or_default().trim();
                let start = text.len() - text.get(head..).unwrap_or_default().trim_start().len();
                match () {
                    () if end.is_some() && begin.is_none() => {
                        found.extend(end.map(|end| body_before(text, head, end)));
                        *self = Block::Outside;
                    }
                    () if is_base64(body) && body.len() >= 6 && (is_mixed(body) || body.ends_with('=')) => {
                        found.push(start..start + body.len());
                    }
                    () => *self = Block::Outside,
                }
            }
            Block::Inside { lines, others } => {
                if let Some(end) = end {
                    found.push(body_before(text, head, end));
                    *self = Block::Outside;
                    return found;
                }
                found = words(text, head);
                let others = if found.is_empty() { others + 1 } else { 0 };
                *self = match lines + 1 {
                    lines if lines < LONGEST && others < OTHERS => Block::Inside { lines, others },
                    _ => Block::Outside,
                };
            }
        }
        found
    }
}

/// All of a line up to the end of what ends a key.
fn body_before(text: &str, head: usize, end: Range<usize>) -> Range<usize> {
    match text.get(head..end.start) {
        // In a string of JSON only that is the key's.
        Some(before) => match before.rfind('"') {
            Some(quote) => head + quote + 1..end.end,
            None => head..end.end,
        },
        None => end,
    }
}

/// Where a private key begins.
fn begin_of(text: &str) -> Option<usize> {
    armour(text, "BEGIN ").map(|range| range.start)
}

/// Where the line is that ends a key of whatever kind.
fn end_of(text: &str) -> Option<Range<usize>> {
    armour(text, "END ")
}

/// `-----BEGIN RSA PRIVATE KEY-----`, `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----`.
fn armour(text: &str, word: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(at) = text[from..].find("----").map(|at| from + at) {
        let dashes = text[at..].bytes().take_while(|byte| *byte == b'-').count();
        from = at + dashes;
        let rest = &text[from..];
        let inner = rest.trim_start_matches(' ');
        let label = inner.strip_prefix(word);
        let length = label.map(|label| label.bytes().take(64).take_while(|b| b.is_ascii_alphanumeric() || *b == b' '));
        if let (Some(label), Some(length)) = (label, length.map(Iterator::count))
            && label[..length].contains("PRIVATE KEY")
        {
            let after = text.len() - label.len() + length;
            let close = text[after..].bytes().take_while(|byte| *byte == b'-').count();
            return Some(at..after + close);
        }
    }
    None
}

/// The words of a line that may be a key's: all of it where it is one word, else those that look like it.
fn words(text: &str, head: usize) -> Vec<Range<usize>> {
    let body = text.get(head..).unwrap_or_default();
    let whole = body.trim();
    let mut found = Vec::new();
    if is_base64(whole) && (whole.len() >= 6 || whole.ends_with('=')) {
        let start = head + body.len() - body.trim_start().len();
        found.push(start..start + whole.len());
        return found;
    }
    let mut at = head.min(text.len());
    // An escaped line break separates words too.
    for word in body.split(|c: char| !is_letter(c)) {
        let cut = usize::from(at > 0 && text.as_bytes()[at - 1] == b'\\' && word.starts_with(['n', 'r', 't']));
        let inner = &word[cut..];
        if (inner.len() >= 6 && is_mixed(inner)) || (inner.len() >= 5 && inner.ends_with('=')) {
            found.push(at + cut..at + word.len());
        }
        at += word.len();
        at += text[at..].chars().next().map_or(0, char::len_utf8);
    }
    found
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

fn is_base64(word: &str) -> bool {
    !word.is_empty() && word.chars().all(is_letter)
}

/// Whether a word has small letters, capitals and digits.
fn is_mixed(word: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| word.as_bytes().iter().any(kind);
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}
