//! A text as somebody may read it: without what a terminal swallows, with its escapes undone, with its lines joined. Every
//! byte of a view knows which bytes of the text it stands for, so that what is found in the view is masked in the text.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

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

/// A character, and the bytes of the text that it stands for.
#[derive(Debug, Clone, Copy)]
struct Piece {
    c: char,
    from: u32,
    to: u32,
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
            0x1b if next(1) == b'[' => coloured = true,
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

/// A text whose colours are left out.
pub(super) fn coloured(text: &str) -> View<'_> {
    let mut plain = String::with_capacity(text.len());
    let mut parts = vec![(0, 0)];
    let mut at = 0;
    while let Some(escape) = text[at..].find("\u{1b}[").map(|found| at + found) {
        plain.push_str(&text[at..escape]);
        let parameters = text[escape + 2..].bytes().take_while(|byte| matches!(byte, b' '..=b'?')).count();
        let end = escape + 2 + parameters;
        at = end + usize::from(matches!(text.as_bytes().get(end), Some(b'@'..=b'~')));
        parts.push((plain.len(), at));
    }
    plain.push_str(&text[at..]);
    View { text: plain.into(), places: Places::Parts(parts), patterns: true }
}

/// A text with its escapes undone once, and whether it has to be looked at more closely.
pub(super) fn quick(text: &str) -> (String, bool) {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = |at: usize| Some(hex(bytes.get(at))? << 4 | hex(bytes.get(at + 1))?);
        let (length, byte) = match bytes[at] {
            b'%' => pair(at + 1).map_or((1, b'%'), |byte| (3, byte)),
            b'\\' => match bytes.get(at + 1) {
                Some(b'u' | b'e' | b'b' | b'0'..=b'7') | None => return (String::new(), true),
                Some(b'x') => pair(at + 2).map_or((2, b'x'), |byte| (4, byte)),
                Some(b'n') => (2, b'\n'),
                Some(b'r') => (2, b'\r'),
                Some(b't') => (2, b'\t'),
                Some(other) => (2, *other),
            },
            b'&' if bytes[at..].iter().take(10).any(|byte| *byte == b';') => return (String::new(), true),
            byte => (1, byte),
        };
        plain.push(byte);
        at += length;
    }
    match String::from_utf8(plain) {
        Ok(plain) => {
            let left = plain.bytes().any(|byte| matches!(byte, b'\\' | b'%' | 0..=8 | 11..=31 | 0x7f));
            (plain, left)
        }
        Err(_) => (String::new(), true),
    }
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

fn hex(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// With escapes undone, one kind inside another too: of URLs, of JSON and programming languages, of HTML.
fn unescaped(raw: &[Piece]) -> Vec<Piece> {
    const DEPTH: usize = 3;
    let mut plain = raw.to_vec();
    for _ in 0..DEPTH {
        let before = plain.len();
        plain = without_escapes(&plain, None);
        if plain.len() == before {
            break;
        }
    }
    plain
}

/// What an escape stands for.
enum Meaning {
    Char(char),
    Byte(u8),
}

/// With one escape undone wherever there is one. `only`: those that begin so, and of several backslashes each pair is one.
fn without_escapes(raw: &[Piece], only: Option<char>) -> Vec<Piece> {
    let mut plain: Vec<Piece> = Vec::with_capacity(raw.len());
    // Bytes that may be a character together.
    let mut bytes: Vec<(u8, u32, u32)> = Vec::new();
    let mut at = 0;
    while at < raw.len() {
        let pair = raw[at].c == '\\' && raw.get(at + 1).is_some_and(|next| next.c == '\\');
        let found = match only {
            Some('\\') if pair => Some((2, Meaning::Char('\\'))),
            Some(only) if only != raw[at].c => None,
            _ => escape(raw, at),
        };
        let (length, meaning) = found.unwrap_or((1, Meaning::Char(raw[at].c)));
        let (from, to) = (raw[at].from, raw[at + length - 1].to);
        at += length;
        match meaning {
            Meaning::Byte(byte) => bytes.push((byte, from, to)),
            Meaning::Char(c) => {
                decode(&mut bytes, &mut plain);
                plain.push(Piece { c, from, to });
            }
        }
    }
    decode(&mut bytes, &mut plain);
    plain
}

/// Bytes become characters; those that are none stand for themselves, as in Latin-1.
fn decode(bytes: &mut Vec<(u8, u32, u32)>, plain: &mut Vec<Piece>) {
    let all: Vec<u8> = bytes.iter().map(|(byte, ..)| *byte).collect();
    let mut at = 0;
    for chunk in all.utf8_chunks() {
        for c in chunk.valid().chars() {
            plain.push(Piece { c, from: bytes[at].1, to: bytes[at + c.len_utf8() - 1].2 });
            at += c.len_utf8();
        }
        for byte in chunk.invalid() {
            plain.push(Piece { c: char::from(*byte), from: bytes[at].1, to: bytes[at].2 });
            at += 1;
        }
    }
    bytes.clear();
}

/// The escape that begins here, and how many characters it is long.
fn escape(raw: &[Piece], at: usize) -> Option<(usize, Meaning)> {
    let digit = |at: usize, radix: u32| raw.get(at)?.c.to_digit(radix);
    let number = |at: usize, count: usize, radix: u32| {
        (at..at + count).try_fold(0, |number, at| Some(number * radix + digit(at, radix)?))
    };
    let byte = |at: usize| number(at, 2, 16).and_then(|byte| u8::try_from(byte).ok());
    match raw[at].c {
        '%' => Some((3, Meaning::Byte(byte(at + 1)?))),
        '&' => entity(raw, at),
        // A quotation mark between those of a shell.
        '\'' => {
            let rest = raw.get(at + 1..at + 4)?;
            rest.iter().map(|piece| piece.c).eq(['\\', '\'', '\'']).then_some((4, Meaning::Char('\'')))
        }
        '\\' => {
            let backslashes = raw[at..].iter().take_while(|piece| piece.c == '\\').count();
            let after = at + backslashes;
            let simple = |c| Some((backslashes + 1, Meaning::Char(c)));
            match raw.get(after)?.c {
                'n' => simple('\n'),
                'r' => simple('\r'),
                't' => simple('\t'),
                'b' => simple('\u{8}'),
                'e' => simple('\u{1b}'),
                'x' if byte(after + 1).is_some() => Some((backslashes + 3, Meaning::Byte(byte(after + 1)?))),
                'u' if raw.get(after + 1).is_some_and(|piece| piece.c == '{') => {
                    let digits =
                        raw[after + 2..].iter().take(6).take_while(|piece| piece.c.is_ascii_hexdigit()).count();
                    let c = char::from_u32(number(after + 2, digits, 16)?)?;
                    raw.get(after + 2 + digits).filter(|piece| piece.c == '}')?;
                    Some((backslashes + 3 + digits, Meaning::Char(c)))
                }
                'u' => {
                    let Some(unit) = number(after + 1, 4, 16) else { return simple('u') };
                    let second = after + 5 + raw[after + 5..].iter().take_while(|piece| piece.c == '\\').count();
                    let low = number(second + 1, 4, 16).filter(|_| raw[second].c == 'u' && second > after + 5);
                    match (char::from_u32(unit), low) {
                        (Some(c), _) => Some((backslashes + 5, Meaning::Char(c))),
                        (None, Some(low @ 0xdc00..0xe000)) if unit < 0xdc00 => {
                            let c = char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?;
                            Some((second + 5 - at, Meaning::Char(c)))
                        }
                        _ => None,
                    }
                }
                '0'..='7' if number(after, 3, 8).is_some() => {
                    let byte = number(after, 3, 8).and_then(|byte| u8::try_from(byte).ok())?;
                    Some((backslashes + 3, Meaning::Byte(byte)))
                }
                c => simple(c),
            }
        }
        _ => None,
    }
}

/// An entity of HTML.
fn entity(raw: &[Piece], at: usize) -> Option<(usize, Meaning)> {
    const LONGEST: usize = 10;
    let name: String = raw[at + 1..].iter().take(LONGEST).map(|piece| piece.c).take_while(|c| *c != ';').collect();
    raw.get(at + 1 + name.chars().count()).filter(|piece| piece.c == ';')?;
    let c = match name.as_str() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let hexadecimal = number.strip_prefix(['x', 'X']);
            let code = hexadecimal.map_or_else(|| number.parse(), |digits| u32::from_str_radix(digits, 16));
            char::from_u32(code.ok()?)?
        }
    };
    Some((name.chars().count() + 2, Meaning::Char(c)))
}

/// A value with its escapes undone, as it is compared with a text of which they are undone as well.
pub(super) fn plain(text: &str) -> String {
    unescaped(&pieces(text)).iter().map(|piece| piece.c).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        views(text).iter().map(|view| view.text.to_string()).collect()
    }

    #[test]
    fn a_text_is_read_as_it_is_shown() {
        for (text, wanted) in [
            ("plain", &["plain"][..]),
            ("a\u{1b}[31mb\u{1b}[0m", &["a\u{1b}[31mb\u{1b}[0m", "ab"]),
            ("a\u{1b}]8;;http://x\u{1b}\\b\u{1b}]0;t\u{7}c", &["a\u{1b}]8;;http://x\u{1b}\\b\u{1b}]0;t\u{7}c", "abc"]),
            ("a\u{9b}1;2Hb\u{200b}c\u{feff}d\re", &["a\u{9b}1;2Hb\u{200b}c\u{feff}d\re", "abcde"]),
            ("x\u{8}y", &["x\u{8}y", "xy", "y"]),
            ("a\n  b", &["a\n  b", "ab"]),
            ("a%41%c3%a9", &["a%41%c3%a9", "aA\u{e9}"]),
            (r"\u0041\/\\\u00e9\ud83d\ude00", &[r"\u0041\/\\\u00e9\ud83d\ude00", "A/\u{e9}\u{1f600}"]),
            (r"\x41\101&#65;&#x41;&amp;\u{41}", &[r"\x41\101&#65;&#x41;&amp;\u{41}", "AAAA&A"]),
            (r"h\x9b31mi", &[r"h\x9b31mi", "h\u{9b}31mi", "hi"]),
            ("50% off & more;", &["50% off & more;"]),
        ] {
            let found = read(text);
            let found: Vec<&str> = found.iter().map(String::as_str).filter(|view| !view.is_empty()).collect();
            for view in wanted {
                assert!(found.contains(view), "{text:?}: {found:?} lacks {view:?}");
            }
            assert_eq!(found[0], text);
        }
        assert_eq!(read("plain").len(), 1);
    }

    #[test]
    fn what_is_found_in_a_view_is_found_in_the_text() {
        let text = "x \u{1b}[1mhun\u{1b}[0mter y";
        let view = visible(text);
        let at = view.text.find("hunter").unwrap();
        assert_eq!(&text[view.origin(at..at + 6)], "hun\u{1b}[0mter");
        let text = r"a\u0041%42c";
        let views = views(text);
        let at = views[1].text.find("AB").unwrap();
        assert_eq!(&text[views[1].origin(at..at + 2)], r"\u0041%42");
    }
}
