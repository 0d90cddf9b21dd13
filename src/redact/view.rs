//! A text as somebody may read it: without what a terminal swallows, with its escapes undone, with its lines joined. Every
//! byte of a view knows which bytes of the text it stands for, so that what is found in the view is masked in the text.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use super::escapes::{unescaped, without_escapes};
use super::piece::Piece;

/// Whether a character is shown as an escape instead of itself: control characters (C0, DEL, C1), those that turn the
/// direction of text, those without width, line and paragraph separators, and tags.
pub fn is_hostile(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether nobody sees this character: hostile ones, and those that fonts draw as nothing or as part of their neighbour.
fn is_invisible(c: char) -> bool {
    is_hostile(c)
        || matches!(c,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// A text as it may be read.
#[derive(Debug)]
pub(super) struct View<'t> {
    /// What is read.
    pub(super) text: Cow<'t, str>,
    places: Places,
    /// Whether what looks like a secret is looked for too. Where quotes have lost their backslashes or lines their ends,
    /// nobody can tell how far it reaches.
    pub(super) patterns: bool,
}

/// What bytes of a view stand for.
#[derive(Debug)]
enum Places {
    /// For themselves: the view is the text.
    Same,
    /// Of each byte the place in the text.
    Each(Vec<(u32, u32)>),
    /// Parts of the text were left out: where a part begins in the view, and where in the text.
    Parts(Vec<(usize, usize)>),
}

impl View<'_> {
    /// The part of the text that a part of the view stands for.
    pub(super) fn origin(&self, range: Range<usize>) -> Range<usize> {
        if range.is_empty() {
            return 0..0;
        }
        let last = range.end - 1;
        match &self.places {
            Places::Same => range,
            Places::Each(spans) => match (spans.get(range.start), spans.get(last)) {
                (Some((start, _)), Some((_, end))) => *start as usize..*end as usize,
                _ => 0..0,
            },
            Places::Parts(parts) => {
                let place = |at: usize| {
                    let part = parts.partition_point(|(begin, _)| *begin <= at).saturating_sub(1);
                    parts.get(part).map_or(at, |(begin, origin)| origin + at - begin)
                };
                place(range.start)..place(last) + 1
            }
        }
    }
}

/// In how many ways a text may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// As it is.
    Plain,
    /// Its quotes and line breaks are escaped, as JSON does.
    Quoted,
    /// It has escapes of characters.
    Escaped,
    /// It has colours, and nothing else that is hidden.
    Coloured,
    /// It has characters that nobody sees, or lines.
    Other,
}

/// How a text is to be read. Nearly every line is plain.
pub(super) fn sort(text: &str) -> Sort {
    if !is_special(text.as_bytes()) {
        return Sort::Plain;
    }
    let bytes = text.as_bytes();
    let (mut quoted, mut escaped, mut coloured) = (false, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        let next = |offset: usize| bytes.get(at + offset).copied().unwrap_or_default();
        match byte {
            b'\t' | b' '..=b'$' | b'\''..=b'[' | b']'..=b'~' => {}
            b'\\' if matches!(next(1), b'u' | b'x' | b'e' | b'0'..=b'7') => escaped = true,
            b'\\' => quoted = true,
            b'%' => escaped |= next(1).is_ascii_hexdigit() && next(2).is_ascii_hexdigit(),
            b'&' => escaped |= bytes[at..].iter().take(10).any(|byte| *byte == b';'),
            0x1b if colour(&bytes[at..]).is_some() => coloured = true,
            0..=0x1f | 0x7f => return Sort::Other,
            // What nobody sees begins so in UTF-8.
            0xc2 | 0xcd | 0xd8 | 0xe1..=0xe3 | 0xef | 0xf3 => {
                if text[at..].chars().next().is_some_and(is_invisible) {
                    return Sort::Other;
                }
            }
            0x80.. => {}
        }
    }
    match () {
        () if coloured && !quoted && !escaped => Sort::Coloured,
        () if coloured => Sort::Other,
        () if escaped => Sort::Escaped,
        () if quoted => Sort::Quoted,
        () => Sort::Plain,
    }
}

/// How long the colour, or the erasing of a line, is that begins here.
fn colour(bytes: &[u8]) -> Option<usize> {
    let inner = bytes.strip_prefix(b"\x1b[")?;
    let length = inner.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
    matches!(inner.get(length), Some(b'm' | b'K')).then_some(length + 3)
}

/// Whether a text has anything but printable ASCII without `\`, `%` and `&`.
fn is_special(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    // Eight bytes at once: a control character borrows the highest bit of its byte, what is no ASCII has it.
    let special = |word: [u8; 8]| {
        let word = u64::from_le_bytes(word);
        (word.wrapping_sub(ONES * 0x20) | word) & (ONES * 0x80) != 0
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    special(last)
        || words.iter().any(|word| special(*word))
        || memchr::memchr3(b'\\', b'%', b'&', bytes).is_some()
        || memchr::memchr(0x7f, bytes).is_some()
}

/// A text of the sort [`Sort::Coloured`] without its colours.
pub(super) fn coloured(text: &str) -> View<'_> {
    let mut plain = String::with_capacity(text.len());
    let mut parts = vec![(0, 0)];
    let mut at = 0;
    while let Some(escape) = memchr::memchr(0x1b, &text.as_bytes()[at..]).map(|found| at + found) {
        plain.push_str(&text[at..escape]);
        at = escape + colour(&text.as_bytes()[escape..]).unwrap_or(1);
        parts.push((plain.len(), at));
    }
    plain.push_str(&text[at..]);
    View { text: plain.into(), places: Places::Parts(parts), patterns: true }
}

/// No text is read in more ways.
const MOST: usize = 24;

/// All ways to read a text: first as it is. What has escapes is read without them, what has characters that nobody sees
/// without those, what has lines as one, and each of these again until nothing is left to be undone.
pub(super) fn views(text: &str) -> Vec<View<'_>> {
    let mut views = vec![View { text: text.into(), places: Places::Same, patterns: true }];
    let mut readings = VecDeque::from([(pieces(text), true)]);
    while let Some((raw, patterns)) = readings.pop_front() {
        for (reading, clear) in again(&raw) {
            let known = |other: &View<'_>| other.text.chars().eq(reading.iter().map(|piece| piece.c));
            if views.len() < MOST && !views.iter().any(known) {
                views.push(view(&reading, patterns && clear));
                readings.push_back((reading, patterns && clear));
            }
        }
    }
    views
}

/// A text as it is, in which only what is known is looked for.
pub(super) fn as_it_is(text: &str) -> View<'_> {
    View { text: text.into(), places: Places::Same, patterns: false }
}

/// The text as a terminal shows it, for what depends on how lines begin and end.
pub(super) fn visible(text: &str) -> View<'_> {
    match sort(text) {
        Sort::Coloured => coloured(text),
        Sort::Other => view(&stripped(&pieces(text)), true),
        Sort::Plain | Sort::Quoted | Sort::Escaped => View { text: text.into(), places: Places::Same, patterns: true },
    }
}

/// The next ways to read a text, and whether it is as clear as before where a value ends.
fn again(raw: &[Piece]) -> Vec<(Vec<Piece>, bool)> {
    let mut found = Vec::new();
    if raw.iter().any(|piece| !matches!(piece.c, '\n' | '\t') && is_invisible(piece.c)) {
        found.extend(without_hidden(raw).into_iter().map(|plain| (plain, true)));
    }
    if raw.iter().any(|piece| matches!(piece.c, '\\' | '%' | '&')) {
        // More than quotes and line breaks.
        let deep = raw.windows(2).any(|two| match two[0].c {
            '\\' => matches!(two[1].c, 'u' | 'x' | 'e' | '0'..='7'),
            c => matches!(c, '%' | '&'),
        });
        found.push((without_escapes(raw, None), deep));
        // One kind alone, for a value that has what looks like an escape of its own.
        found.extend(['\\', '%', '\''].map(|kind| (without_escapes(raw, Some(kind)), false)));
    }
    if raw.iter().any(|piece| piece.c == '\n') {
        found.push((joined(raw), false));
    }
    found
}

/// How a text with characters that nobody sees may be read: without them and what drives a terminal, without them alone,
/// and as a terminal shows it.
fn without_hidden(raw: &[Piece]) -> Vec<Vec<Piece>> {
    let mut shown = vec![stripped(raw)];
    if raw.iter().any(|piece| piece.c == '\u{1b}') {
        // What follows a lone escape character may be text.
        shown.push(raw.iter().copied().filter(|piece| !is_invisible(piece.c) || piece.c == '\n').collect());
    }
    if raw.iter().any(|piece| piece.c == '\u{8}') {
        shown.push(stripped(&overstruck(raw)));
    }
    shown
}

fn pieces(text: &str) -> Vec<Piece> {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let piece = |(at, c): (usize, char)| Piece { c, from: place(at), to: place(at + c.len_utf8()) };
    text.char_indices().map(piece).collect()
}

fn view(pieces: &[Piece], patterns: bool) -> View<'static> {
    let mut text = String::with_capacity(pieces.len());
    let mut spans = Vec::with_capacity(pieces.len());
    for piece in pieces {
        text.push(piece.c);
        spans.extend(std::iter::repeat_n((piece.from, piece.to), piece.c.len_utf8()));
    }
    View { text: text.into(), places: Places::Each(spans), patterns }
}

/// Without the sequences that drive a terminal (ECMA-48), control characters and what nobody sees. Line breaks and tabs stay.
fn stripped(raw: &[Piece]) -> Vec<Piece> {
    let mut kept = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(piece) = raw.get(at) {
        let next = raw.get(at + 1).map(|piece| piece.c);
        at = match (piece.c, next) {
            ('\u{1b}', Some('[')) => control_end(raw, at + 2),
            ('\u{9b}', _) => control_end(raw, at + 1),
            ('\u{1b}', Some(']' | 'P' | 'X' | '^' | '_')) => string_end(raw, at + 2),
            ('\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}', _) => string_end(raw, at + 1),
            // A character set, a mode: `ESC ( B`, `ESC =`, `ESC c`.
            ('\u{1b}', Some(' '..='/')) => at + 3,
            ('\u{1b}', Some('0'..='~')) => at + 2,
            ('\n' | '\t', _) => {
                kept.push(*piece);
                at + 1
            }
            (c, _) => {
                if !is_invisible(c) {
                    kept.push(*piece);
                }
                at + 1
            }
        };
    }
    kept
}

/// Where the parameters and the last character of a control sequence end.
fn control_end(raw: &[Piece], from: usize) -> usize {
    let parameters = raw[from.min(raw.len())..].iter().take_while(|piece| matches!(piece.c, ' '..='?')).count();
    match raw.get(from + parameters) {
        Some(Piece { c: '@'..='~', .. }) => from + parameters + 1,
        _ => from + parameters,
    }
}

/// Where a string for the terminal ends, such as a title or a link; one without an end is text.
fn string_end(raw: &[Piece], from: usize) -> usize {
    const LONGEST: usize = 4096;
    for at in from..raw.len().min(from + LONGEST) {
        match (raw[at].c, raw.get(at + 1).map(|piece| piece.c)) {
            ('\u{7}' | '\u{9c}', _) => return at + 1,
            ('\u{1b}', Some('\\')) => return at + 2,
            _ => {}
        }
    }
    from
}

/// As a terminal or a printer shows characters that are struck over: a backspace takes the one before it away.
fn overstruck(raw: &[Piece]) -> Vec<Piece> {
    let mut kept: Vec<Piece> = Vec::with_capacity(raw.len());
    for piece in raw {
        match piece.c {
            '\u{8}' => drop(kept.pop()),
            _ => kept.push(*piece),
        }
    }
    kept
}

/// As one line: what a program has wrapped.
fn joined(raw: &[Piece]) -> Vec<Piece> {
    let mut kept: Vec<Piece> = Vec::with_capacity(raw.len());
    let mut begins = false;
    for piece in raw {
        match piece.c {
            '\n' | '\r' => begins = true,
            ' ' | '\t' if begins => {}
            _ => {
                begins = false;
                kept.push(*piece);
            }
        }
    }
    kept
}

/// A value with its escapes undone, as it is compared with a text of which they are undone as well.
pub(super) fn plain(text: &str) -> String {
    unescaped(&pieces(text)).iter().map(|piece| piece.c).collect()
}

#[cfg(test)]
mod tests;
