//! JSON on stdout. Characters that could drive a terminal are written as `\u` escapes, so that a document can be looked at
//! as well as parsed.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::escape::is_hostile;
use crate::redact;

/// `quotes_host`: whether secrets are looked for.
pub(super) fn pretty(out: &mut impl Write, value: &impl Serialize, quotes_host: bool) -> io::Result<()> {
    write(out, value, PrettyFormatter::new(), quotes_host)
}

pub(super) fn compact(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    write(out, value, CompactFormatter, true)
}

/// Adds one line of JSON to what is in memory.
pub(super) fn append(out: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Harmless(CompactFormatter)))?;
    out.push(b'\n');
    Ok(())
}

fn write<F: Formatter>(out: &mut impl Write, value: &impl Serialize, layout: F, quotes_host: bool) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(16 << 10);
    value.serialize(&mut Serializer::with_formatter(&mut buffer, Harmless(layout)))?;
    buffer.push(b'\n');
    // What serializes to JSON is text.
    let text = String::from_utf8(buffer).map_err(io::Error::other)?;
    let text = if quotes_host { redact::house().clean_document(text) } else { text };
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A layout whose strings contain no hostile character.
struct Harmless<F>(F);

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_hostile) {
            let (before, hostile) = rest.split_at(at);
            out.write_all(before.as_bytes())?;
            let Some(c) = hostile.chars().next() else { break };
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &hostile[c.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }

    /// A piece of somebody else's JSON: what is hostile in it stands inside strings, but for white space between tokens.
    fn write_raw_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().any(|byte| byte < b' ') {
            let flat: String = fragment.chars().map(|c| if c < ' ' { ' ' } else { c }).collect();
            return self.write_string_fragment(out, &flat);
        }
        self.write_string_fragment(out, fragment)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }
    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }
    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_characters_survive_only_as_escapes() {
        let text = "a\x1b]0;x\x07\u{202e}\u{9b}\u{feff}\u{e0041}é\"\\\n";
        let mut out = Vec::new();
        compact(&mut out, &text).unwrap();
        let written = String::from_utf8(out).unwrap();
        assert!(!written.trim_end().chars().any(is_hostile), "{written:?}");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }
}
