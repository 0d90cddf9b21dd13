//! Values that are known to be secret, in every form in which they may be written, and parts of them: a text that is cut or
//! wrapped holds half of a value.
//!
//! Most texts hold none. A filter of four bytes each, asked at every third byte, passes over them: whatever is found is at
//! least six bytes long, so one of its first three bytes begins four that the filter knows.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::{MARK, SHORTEST, view};

/// Bytes of all forms together beyond which values cannot be kept apart.
const MOST: usize = 8 << 20;
/// How many places of the same six bytes are compared in each form.
const ALIKE: usize = 32;
/// Bits of the filter, as a power of two.
const BITS: u32 = 18;

/// Words that are also values, and say nothing where they stand alone.
const ORDINARY: &[&str] = &[
    "admin",
    "administrator",
    "changeme",
    "credentials",
    "database",
    "debug",
    "default",
    "development",
    "disabled",
    "docker",
    "enabled",
    "error",
    "example",
    "false",
    "localhost",
    "master",
    "mongodb",
    "mysql",
    "nobody",
    "normal",
    "password",
    "postgres",
    "postgresql",
    "private",
    "production",
    "public",
    "redacted",
    "redis",
    "secret",
    "server",
    "service",
    "staging",
    "system",
    "testing",
    "token",
    "unknown",
    "username",
    "warning",
];

/// A way in which a value is written.
#[derive(Debug)]
struct Form {
    bytes: Box<[u8]>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As it is. Only the whole of it is a secret: its parts are ordinary text.
    Whole,
    /// As it is. A part of it is as secret, if it can be nothing else.
    Word,
    /// In base64, but for the characters that also hold bits of the neighbours.
    Base64,
    Hexadecimal,
}

/// A place in a text where a value, or a part of one, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    start: usize,
    end: usize,
    form: usize,
    /// Where in the form it begins.
    offset: usize,
}

/// Where a value goes on that broke off at the end of a line: which form, and how much of it was there.
pub(super) type Open = (usize, usize);

/// The values.
#[derive(Debug)]
pub(super) struct Known {
    forms: Vec<Form>,
    filter: Box<[u64]>,
    /// The same for six bytes, asked where the first knows four of them.
    second: Box<[u64]>,
    /// Where the forms have these six bytes.
    grams: HashMap<u64, Vec<(u32, u32)>>,
    /// Which bytes a word begins with.
    firsts: [bool; 256],
}

impl Known {
    /// `values` as they are, with the forms in which they may be written. None when they are too many to be known.
    pub(super) fn new(values: &[String]) -> Option<Self> {
        let mut forms: Vec<Form> = Vec::new();
        let mut seen: HashSet<Vec<u8>> = HashSet::new();
        let mut size = 0;
        for value in values {
            let mut add = |bytes: Vec<u8>, kind| {
                if bytes.len() >= SHORTEST && seen.insert(bytes.clone()) {
                    size += bytes.len();
                    forms.push(Form { bytes: bytes.into(), kind });
                }
            };
            let structured = value.starts_with(['{', '[']) || value.contains('\n') || value.contains("://");
            let prose = value.len() > 128 && value.contains(' ');
            let kind = if structured || prose { Kind::Whole } else { Kind::Word };
            add(value.clone().into_bytes(), kind);
            let plain = view::plain(value);
            if plain != *value {
                add(plain.into_bytes(), kind);
            }
            if value.contains(' ') {
                add(value.replace(' ', "+").into_bytes(), kind);
            }
            for text in base64(value.as_bytes()) {
                let safe = text.replace('+', "-").replace('/', "_");
                add(text.into_bytes(), Kind::Base64);
                add(safe.into_bytes(), Kind::Base64);
            }
            let digit = |number: u8| char::from(b"0123456789abcdef"[usize::from(number)]);
            let hexadecimal: String = value.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
            add(hexadecimal.to_uppercase().into_bytes(), Kind::Hexadecimal);
            add(hexadecimal.into_bytes(), Kind::Hexadecimal);
            if size > MOST {
                return None;
            }
        }
        let mut known = Known {
            filter: vec![0; 1 << (BITS - 6)].into(),
            second: vec![0; 1 << (BITS - 6)].into(),
            grams: HashMap::with_capacity(size),
            firsts: [false; 256],
            forms,
        };
        for (index, form) in known.forms.iter().enumerate() {
            if form.kind == Kind::Word {
                known.firsts[usize::from(form.bytes[0])] = true;
            }
            for four in form.bytes.windows(4) {
                let bit = hash([four[0], four[1], four[2], four[3]]);
                known.filter[bit / 64] |= 1 << (bit % 64);
            }
            for (at, six) in form.bytes.windows(SHORTEST).enumerate() {
                let bit = hash_of(gram(six));
                known.second[bit / 64] |= 1 << (bit % 64);
                let places = known.grams.entry(gram(six)).or_default();
                let index = u32::try_from(index).ok()?;
                if places.iter().rev().take_while(|(form, _)| *form == index).count() < ALIKE {
                    places.push((index, u32::try_from(at).ok()?));
                }
            }
        }
        Some(known)
    }

    /// The places of values, and of parts that can be nothing else. `open` gets what breaks off at the end of the text.
    pub(super) fn find(&self, text: &str, open: &mut Vec<Open>) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let bytes = text.as_bytes();
        let ends = end_of(text);
        let mut at = 0;
        let filter = &self.filter;
        while let Some(four) = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>) {
            let bit = hash(*four);
            if filter[bit / 64] & (1 << (bit % 64)) != 0
                && let Some((_, Some(range))) = self.longest(bytes, at, ends, open)
            {
                at = range.end.max(at + 3);
                found.push(range);
                continue;
            }
            at += 3;
        }
        found
    }

    /// Whether any value, or a part that can be nothing else, is in the text.
    pub(super) fn is_in(&self, text: &str, strict: bool) -> bool {
        let found = if strict { self.find_telling(text) } else { self.find(text, &mut Vec::new()) };
        !found.is_empty()
    }

    /// The places of whole values that are no words.
    pub(super) fn find_telling(&self, text: &str) -> Vec<Range<usize>> {
        let bytes = text.as_bytes();
        let telling = |form: &&Form| form.kind != Kind::Base64 && is_telling(&form.bytes);
        let mut found = Vec::new();
        for range in self.find(text, &mut Vec::new()) {
            let part = &bytes[range.clone()];
            if self.forms.iter().filter(telling).any(|form| *form.bytes == *part) {
                found.push(range);
                continue;
            }
            // A part of one value may be longer than the whole of another that begins in it.
            for form in self.forms.iter().filter(telling) {
                let length = form.bytes.len();
                let window = &bytes[range.start..(range.end + length).min(bytes.len())];
                let at = |at: usize| range.start + at..range.start + at + length;
                found.extend(
                    window.windows(length).enumerate().filter(|(_, six)| **six == *form.bytes).map(|(i, _)| at(i)),
                );
            }
        }
        found
    }

    /// The longest run of a form around four bytes, and how much of the text goes with it if it is secret.
    fn longest(
        &self,
        bytes: &[u8],
        at: usize,
        ends: usize,
        open: &mut Vec<Open>,
    ) -> Option<(Stretch, Option<Range<usize>>)> {
        let mut best: Option<(Stretch, Option<Range<usize>>)> = None;
        for start in at.saturating_sub(2)..=at {
            let Some(six) = bytes.get(start..start + SHORTEST).map(gram) else { continue };
            let bit = hash_of(six);
            if self.second[bit / 64] & (1 << (bit % 64)) == 0 {
                continue;
            }
            let Some(places) = self.grams.get(&six) else { continue };
            for (form, offset) in places {
                let run = self.run(bytes, start, *form as usize, *offset as usize);
                let range = self.secret(bytes, run, ends);
                if run.end >= ends && self.forms[run.form].kind != Kind::Whole {
                    let going_on = (run.form, run.offset + run.end - run.start);
                    if open.len() < ALIKE && !open.contains(&going_on) {
                        open.push(going_on);
                    }
                }
                let length = |(run, range): &(Stretch, Option<Range<usize>>)| (range.is_some(), run.end - run.start);
                let this = (run, range);
                if best.as_ref().is_none_or(|best| length(best) < length(&this)) {
                    best = Some(this);
                }
            }
        }
        best
    }

    /// How far text and form agree around a place.
    fn run(&self, bytes: &[u8], at: usize, form: usize, offset: usize) -> Stretch {
        let own = &self.forms[form].bytes;
        let agree = |(a, b): &(&u8, &u8)| a == b;
        let before = bytes[..at].iter().rev().zip(own[..offset].iter().rev()).take_while(agree).count();
        let after = bytes[at..].iter().zip(&own[offset..]).take_while(agree).count();
        Stretch { start: at - before, end: at + after, form, offset: offset - before }
    }

    /// What goes with a run if it is secret: all of a value, or a part of one.
    fn secret(&self, bytes: &[u8], run: Stretch, ends: usize) -> Option<Range<usize>> {
        let Form { bytes: own, kind } = &self.forms[run.form];
        let part = &bytes[run.start..run.end];
        let whole = part.len() == own.len();
        let begins = run.offset == 0;
        let stops = run.offset + part.len() == own.len();
        let edge = (begins && run.end >= ends) || (stops && run.start == 0);
        let is_secret = match kind {
            Kind::Whole => whole,
            Kind::Word => (whole || edge || is_telling(part)) && (whole || !is_ordinary(part)),
            Kind::Base64 => whole || edge || is_telling(part),
            Kind::Hexadecimal => part.len() >= 2 * SHORTEST,
        };
        if !is_secret {
            return None;
        }
        let (mut start, mut end) = (run.start, run.end);
        while !whole && start < end && bytes[start] == b' ' {
            start += 1;
        }
        while !whole && start < end && bytes[end - 1] == b' ' {
            end -= 1;
        }
        if *kind == Kind::Base64 {
            // The next character may still tell of the value.
            let letter = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
            end += bytes[end..].iter().take_while(letter).count();
            end += bytes[end..].iter().take_while(|byte| **byte == b'=').count();
        }
        Some(start..end)
    }

    /// What begins at the end of a text, where it is less than what is found anyway; one or two characters say nothing.
    pub(super) fn beginnings(&self, text: &str, open: &mut Vec<Open>) {
        let bytes = &text.as_bytes()[..end_of(text.trim_end())];
        for length in 3..SHORTEST.min(bytes.len() + 1) {
            let tail = &bytes[bytes.len() - length..];
            if self.firsts[usize::from(tail[0])] {
                let begun = |form: &Form| form.kind == Kind::Word && form.bytes.starts_with(tail);
                let forms = self.forms.iter().enumerate().filter(|(_, form)| begun(form));
                open.extend(forms.map(|(form, _)| (form, length)).take(ALIKE));
            }
        }
    }

    /// Where what broke off in the line before goes on: to its end, or to the end of this text too.
    pub(super) fn rest(&self, text: &str, before: &[Open], open: &mut Vec<Open>) -> Vec<Range<usize>> {
        let bytes = text.trim_end().as_bytes();
        let mut found = Vec::new();
        for (form, length) in before {
            let rest = &self.forms[*form].bytes[*length..];
            if rest.len() < SHORTEST {
                continue;
            }
            // Its first character, of up to four bytes, may be half on the line before.
            let mut whole = (0..=4).filter_map(|skip| rest.get(skip..)).filter(|rest| rest.len() >= SHORTEST);
            if let Some((at, length)) = whole.find_map(|rest| Some((memchr::memmem::find(bytes, rest)?, rest.len()))) {
                found.push(at..at + length);
                continue;
            }
            let longest = (SHORTEST..=rest.len().min(bytes.len())).rev().find(|part| bytes.ends_with(&rest[..*part]));
            if let Some(part) = longest {
                found.push(bytes.len() - part..bytes.len());
                open.push((*form, length + part));
            }
        }
        found
    }
}

/// Where a text ends but for quotes, brackets, and an escape or a character that is cut in two.
fn end_of(text: &str) -> usize {
    let plain = text.trim_end_matches(['"', '\'', '}', ']', ')', ' ', '\\', '\u{2026}']);
    let digits = plain.trim_end_matches(|c: char| c.is_ascii_hexdigit());
    let cut = match plain.len() - digits.len() {
        0 | 1 if digits.ends_with('%') => digits.len() - 1,
        0..=3 if digits.ends_with("\\u") || digits.ends_with("\\x") => digits.len() - 2,
        0..=2 if digits.ends_with('\\') => digits.len() - 1,
        0..=6 if digits.ends_with('&') => digits.len() - 1,
        0..=6 if digits.ends_with("&#") => digits.len() - 2,
        0..=6 if digits.ends_with("&#x") => digits.len() - 3,
        _ => plain.len(),
    };
    // Bytes that are no character stand for themselves, as in Latin-1, or are replaced.
    text[..cut].trim_end_matches(|c| matches!(c, '\\' | '\u{80}'..='\u{ff}' | '\u{fffd}')).len()
}

/// Whether a part of a value can be nothing else: letters among digits, or capitals after small letters.
fn is_telling(part: &[u8]) -> bool {
    let letters = part.iter().any(u8::is_ascii_alphabetic);
    let digits = part.iter().any(u8::is_ascii_digit);
    (letters && digits) || part.windows(2).any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase())
}

/// Whether this is a word that everybody uses.
pub(super) fn is_ordinary(value: &[u8]) -> bool {
    ORDINARY.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes())) || MARK.as_bytes() == value
}

#[inline]
fn hash(four: [u8; 4]) -> usize {
    usize::try_from(u32::from_le_bytes(four).wrapping_mul(0x9e37_79b1) >> (32 - BITS)).unwrap_or_default()
}

#[inline]
fn hash_of(six: u64) -> usize {
    usize::try_from(six.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)).unwrap_or_default()
}

#[inline]
fn gram(six: &[u8]) -> u64 {
    let mut eight = [0; 8];
    eight[..SHORTEST].copy_from_slice(six);
    u64::from_le_bytes(eight)
}

/// A value in base64, also in the middle of a longer text, where it may begin at any of three places: of each the
/// characters that hold nothing else.
fn base64(value: &[u8]) -> [String; 3] {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    [0_usize, 1, 2].map(|before| {
        let shifted: Vec<u8> = std::iter::repeat_n(0, before).chain(value.iter().copied()).collect();
        let letter = |at: usize| {
            let bit = at * 6;
            let pair = u16::from_be_bytes([shifted[bit / 8], shifted.get(bit / 8 + 1).copied().unwrap_or(0)]);
            char::from(LETTERS[usize::from((pair >> (10 - bit % 8)) & 63)])
        };
        // Six bits each; those that also hold bits of the neighbours are left out.
        ((before * 8).div_ceil(6)..shifted.len() * 8 / 6).map(letter).collect()
    })
}
