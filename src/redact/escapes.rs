//! Escapes undone: those of URLs, of JSON and programming languages, of shells and of HTML.

use super::piece::Piece;

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

fn hex(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// With escapes undone, one kind inside another too: of URLs, of JSON and programming languages, of HTML.
pub(super) fn unescaped(raw: &[Piece]) -> Vec<Piece> {
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
pub(super) fn without_escapes(raw: &[Piece], only: Option<char>) -> Vec<Piece> {
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
