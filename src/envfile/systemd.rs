//! `EnvironmentFile=`, as systemd 252 to 257 read it (`src/basic/env-file.c`): a character at a time, no `export`, quotes that
//! may stand beside each other, `\` at the end of a line for a line that goes on.

use super::{Lines, Reading, Refused, Setting, Value};

/// What is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    PreKey,
    Key,
    PreValue,
    Value,
    ValueEscape,
    Single,
    Double,
    DoubleEscape,
    Comment,
    CommentEscape,
}

pub(super) const SINCE_254: &str = "systemd before 254 reads the line as part of a comment";

/// What systemd sets. Where versions differ, the value is unknown.
pub(super) fn read(content: &[u8]) -> Reading {
    if let Some(at) = content.iter().position(|byte| *byte == 0) {
        return refused(content, at, "systemd refuses the file: it contains a NUL byte");
    }
    let (now, escaped) = parse(content, false);
    if !escaped {
        return now;
    }
    let (before, _) = parse(content, true);
    let (new, old) = (now.last(), before.last());
    let differs = |key: &str| new.get(key) != old.get(key);
    let unknown = |setting: &Setting| match differs(&setting.key) {
        true => Setting { value: Value::Unknown(SINCE_254), ..setting.clone() },
        false => setting.clone(),
    };
    let mut settings: Vec<Setting> = now.settings.iter().map(unknown).collect();
    // What only versions before 254 set.
    settings.extend(before.settings.iter().filter(|setting| !new.contains_key(setting.key.as_str())).map(unknown));
    settings.sort_by_key(|setting| setting.line);
    Reading { settings, ..Reading::default() }
}

fn refused(content: &[u8], at: usize, why: &'static str) -> Reading {
    Reading { refused: Some(Refused { line: Lines::new(content).of(at), why }), ..Reading::default() }
}

/// A key and a value that are being read.
#[derive(Default)]
struct Entry {
    key: Vec<u8>,
    value: Vec<u8>,
    /// Where the blanks begin that end the key, or the value.
    key_blank: Option<usize>,
    value_blank: Option<usize>,
    begin: usize,
    value_begin: usize,
}

/// What one version sets, and whether any comment ends with `\`. Up to 253 such a comment goes on in the next line.
pub(super) fn parse(content: &[u8], comments_go_on: bool) -> (Reading, bool) {
    const BLANK: &[u8] = b" \t\n\r";
    const NEWLINE: &[u8] = b"\n\r";
    let mut reading = Reading::default();
    let lines = Lines::new(content);
    let mut escaped_comment = false;
    let mut state = State::PreKey;
    let mut entry = Entry::default();
    for (at, c) in content.iter().copied().enumerate() {
        let newline = NEWLINE.contains(&c);
        let blank = BLANK.contains(&c);
        state = match state {
            State::PreKey if b"#;".contains(&c) => State::Comment,
            State::PreKey if blank => State::PreKey,
            State::PreKey => {
                entry = Entry { key: vec![c], begin: at, ..Entry::default() };
                State::Key
            }
            State::Key if newline => State::PreKey,
            State::Key if c == b'=' => {
                entry.value_begin = at + 1;
                State::PreValue
            }
            State::Key => {
                entry.key_blank = if blank { entry.key_blank.or(Some(entry.key.len())) } else { None };
                entry.key.push(c);
                State::Key
            }
            State::PreValue | State::Value if newline => {
                entry.chomp(state);
                if let Err(why) = entry.push(&lines, at, &mut reading) {
                    return (refused(content, entry.begin, why), escaped_comment);
                }
                State::PreKey
            }
            State::PreValue if c == b'\'' => State::Single,
            State::PreValue if c == b'"' => State::Double,
            State::PreValue if c == b'\\' => State::ValueEscape,
            State::PreValue if blank => State::PreValue,
            State::PreValue => {
                entry.value.push(c);
                State::Value
            }
            State::Value if c == b'\\' => {
                entry.value_blank = None;
                State::ValueEscape
            }
            State::Value => {
                entry.value_blank = if blank { entry.value_blank.or(Some(entry.value.len())) } else { None };
                entry.value.push(c);
                State::Value
            }
            State::ValueEscape => {
                if !newline {
                    entry.value.push(c);
                }
                State::Value
            }
            State::Single if c == b'\'' => State::PreValue,
            State::Double if c == b'"' => State::PreValue,
            State::Double if c == b'\\' => State::DoubleEscape,
            State::Single | State::Double => {
                entry.value.push(c);
                state
            }
            State::DoubleEscape => {
                match c {
                    b'"' | b'\\' | b'`' | b'$' => entry.value.push(c),
                    b'\n' => {}
                    _ => entry.value.extend([b'\\', c]),
                }
                State::Double
            }
            State::Comment if c == b'\\' => State::CommentEscape,
            State::Comment if newline => State::PreKey,
            State::CommentEscape if newline => {
                escaped_comment = true;
                if comments_go_on { State::Comment } else { State::PreKey }
            }
            State::Comment | State::CommentEscape => State::Comment,
        };
    }
    match state {
        State::PreKey | State::Key | State::Comment | State::CommentEscape => {}
        State::PreValue | State::Value | State::ValueEscape | State::Single | State::Double | State::DoubleEscape => {
            entry.chomp(state);
            if let Err(why) = entry.push(&lines, content.len(), &mut reading) {
                return (refused(content, entry.begin, why), escaped_comment);
            }
        }
    }
    // Of equal keys the last replaces the others before any is looked at, so that what it cannot be unsets them.
    let kept = |setting: &Setting| is_name(&setting.key);
    reading.settings.retain(kept);
    (reading, escaped_comment)
}

/// Whether systemd sets a variable of this name.
fn is_name(key: &str) -> bool {
    !key.starts_with(|c: char| c.is_ascii_digit())
        && !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Entry {
    fn chomp(&mut self, state: State) {
        if let (State::Value, Some(blank)) = (state, self.value_blank) {
            self.value.truncate(blank);
        }
        if let Some(blank) = self.key_blank {
            self.key.truncate(blank);
        }
    }

    /// Adds it to the reading; what is no UTF-8 makes systemd refuse the whole file.
    fn push(&mut self, lines: &Lines, end: usize, reading: &mut Reading) -> Result<(), &'static str> {
        let text = |bytes: &mut Vec<u8>| {
            String::from_utf8(std::mem::take(bytes)).map_err(|_| "systemd refuses the file: it is not UTF-8")
        };
        let (key, value) = (text(&mut self.key)?, text(&mut self.value)?);
        let line = lines.of(self.begin);
        reading.settings.push(Setting { key, value: Value::Known(value), line, raw: self.value_begin..end });
        Ok(())
    }
}
