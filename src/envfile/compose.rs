//! `env_file:` and `.env`, as compose v2 reads them (compose-go, `dotenv`): `export`, `KEY: value`, comments behind a value,
//! quotes over several lines, escapes in double quotes, and `${NAME}` filled in everywhere but in single quotes.

use std::collections::HashMap;

use super::interpolate::{Mapped, substitute};
use super::{Elsewhere, FROM_ELSEWHERE, Lines, Reading, Refused, Setting, Value};

/// What compose sets.
pub(super) fn read(text: &str, elsewhere: &dyn Fn(&str) -> Elsewhere) -> Reading {
    read_lines(text, elsewhere, false)
}

/// What it would set were every line that it refuses left out, for what must be kept secret.
pub(super) fn read_all(text: &str, elsewhere: &dyn Fn(&str) -> Elsewhere) -> Reading {
    read_lines(text, elsewhere, true)
}

fn read_lines(text: &str, elsewhere: &dyn Fn(&str) -> Elsewhere, go_on: bool) -> Reading {
    let lines = Lines::new(text.as_bytes());
    let mut reader = Reader { text, lines, at: 0, begun: 0, own: HashMap::new(), elsewhere, left: MOST };
    reader.at = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    let mut reading = Reading::default();
    loop {
        match reader.statement() {
            Ok(None) => break,
            Ok(Some(Statement::Nothing)) => {}
            Ok(Some(Statement::Sets(setting))) => {
                reader.own.insert(setting.key.clone(), setting.value.clone());
                reading.settings.push(setting);
            }
            Err(_) if go_on => {
                // Behind the line of the statement, which may have taken others for its own.
                let begun = reader.begun;
                reader.at = text[begun..].find('\n').map_or(text.len(), |end| begun + end + 1);
            }
            Err(why) => {
                reading.refused = Some(Refused { line: reader.lines.of(reader.at), why });
                break;
            }
        }
    }
    reading
}

/// A blank within a line, as compose has it.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

/// What a statement does.
enum Statement {
    Sets(Setting),
    Nothing,
}

struct Reader<'a> {
    text: &'a str,
    lines: Lines,
    at: usize,
    /// Where the statement begins that is read.
    begun: usize,
    /// What the file has set so far.
    own: HashMap<String, Value>,
    elsewhere: &'a dyn Fn(&str) -> Elsewhere,
    /// How much more may be filled in, bytes.
    left: usize,
}

/// How much is filled in of a file in all, bytes.
const MOST: usize = 4 << 20;

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next statement; `None` at the end.
    fn statement(&mut self) -> Result<Option<Statement>, &'static str> {
        loop {
            let rest = self.rest();
            let Some(skipped) = rest.find(|c: char| !c.is_whitespace()) else { return Ok(None) };
            let comment = rest[skipped..].starts_with('#');
            let end = if comment { rest[skipped..].find('\n') } else { Some(0) };
            let Some(end) = end else { return Ok(None) };
            self.at += skipped + end;
            if !comment {
                break;
            }
        }
        let begin = self.at;
        self.begun = begin;
        if let Some(after) = self.rest().strip_prefix("export")
            && after.starts_with(['\t', '\n', '\u{c}', '\r', ' '])
        {
            self.at = self.text.len() - after.trim_start_matches(is_blank).len();
        }
        let (key, alone) = self.key()?;
        if key.contains(' ') {
            return Err("compose refuses the file: a key contains a space");
        }
        let line = self.lines.of(begin);
        if alone {
            // Nothing but a name: it is taken from where compose runs.
            let value = match (self.elsewhere)(&key) {
                Elsewhere::Set(value) => Value::Known(value),
                Elsewhere::Unset => return Ok(Some(Statement::Nothing)),
                Elsewhere::Unknown if key.is_empty() => return Ok(Some(Statement::Nothing)),
                Elsewhere::Unknown => Value::Unknown(FROM_ELSEWHERE),
            };
            return Ok(Some(Statement::Sets(Setting { key, value, line, raw: begin..begin })));
        }
        let start = self.at;
        let (value, end) = self.value()?;
        Ok(Some(Statement::Sets(Setting { key, value, line, raw: start..end })))
    }

    /// The name of a statement, and whether it stands alone on its line.
    fn key(&mut self) -> Result<(String, bool), &'static str> {
        let rest = self.rest();
        let mut found = ("", 0, false);
        for (at, c) in rest.char_indices() {
            match c {
                _ if is_blank(c) => {}
                '=' | ':' | '\n' => {
                    found = (&rest[..at], at + 1, c == '\n');
                    break;
                }
                '_' | '.' | '-' | '[' | ']' => {}
                // Letters and numbers, as Go has them.
                _ if c.is_alphanumeric() => {}
                _ => return Err("compose refuses the file: a key contains an invalid character"),
            }
        }
        if rest.is_empty() {
            return Err("compose refuses the file: export has no variable");
        }
        let (key, offset, alone) = found;
        let key = key.trim_end().to_owned();
        let left = rest[offset..].trim_start_matches(is_blank);
        self.at = self.text.len() - left.len();
        Ok((key, alone))
    }

    /// The value, and where it ends.
    fn value(&mut self) -> Result<(Value, usize), &'static str> {
        let rest = self.rest();
        let Some(quote) = rest.bytes().next().filter(|byte| matches!(byte, b'"' | b'\'')) else {
            let line = rest.split('\n').next().unwrap_or(rest);
            let value = line.split(" #").next().unwrap_or(line).trim_end();
            let filled = self.fill(value)?;
            let end = self.at + line.len();
            self.at = (end + 1).min(self.text.len());
            return Ok((filled, end));
        };
        let mut inner = Vec::new();
        let mut escaped = false;
        for (at, c) in rest.bytes().enumerate().skip(1) {
            match c {
                _ if c == quote && !escaped => {
                    // Only whole characters are taken out of a text, so this is one.
                    let inner = String::from_utf8_lossy(&inner).into_owned();
                    let value = match quote {
                        b'"' => self.fill(&unescaped(&inner))?,
                        _ => Value::Known(inner),
                    };
                    self.at += at + 1;
                    return Ok((value, self.at));
                }
                b'\\' if !escaped => escaped = true,
                _ => {
                    if escaped && c != quote {
                        inner.push(b'\\');
                    }
                    escaped = false;
                    inner.push(c);
                }
            }
        }
        Err("compose refuses the file: a quoted value is not closed")
    }

    /// A value with its variables filled in.
    fn fill(&mut self, value: &str) -> Result<Value, &'static str> {
        let map = |name: &str| match ((self.elsewhere)(name), self.own.get(name)) {
            (Elsewhere::Set(value), _) => Mapped::Set(value),
            // The environment of compose comes first, but it seldom sets what the file sets as well.
            (Elsewhere::Unset | Elsewhere::Unknown, Some(Value::Known(value))) => Mapped::Set(value.clone()),
            (Elsewhere::Unset | Elsewhere::Unknown, Some(Value::Unknown(_))) | (Elsewhere::Unknown, None) => {
                Mapped::Unknown
            }
            (Elsewhere::Unset, None) => Mapped::Unset,
        };
        let filled = substitute(value, &map, 0)?;
        // What is filled in may be filled in again, so that a short file can come to any length.
        self.left =
            self.left.saturating_sub(filled.as_ref().map_or(0, |filled| filled.len().saturating_sub(value.len())));
        Ok(match filled {
            Some(_) if self.left == 0 => Value::Unknown("it is too long"),
            Some(filled) => Value::Known(filled),
            None => Value::Unknown(FROM_ELSEWHERE),
        })
    }
}

/// Escapes of double quotes undone, as compose undoes them before it fills in variables.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let c = after.chars().next();
        let single = match c {
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('v') => Some('\u{b}'),
            Some('"') => Some('"'),
            Some('\\') => Some('\\'),
            _ => None,
        };
        let mut taken = 1;
        match (c, single) {
            (_, Some(single)) => plain.push(single),
            // Variables are filled in afterwards.
            (Some('$'), None) => plain.push_str("$$"),
            (Some('0'), None) => {
                let digits = after[1..].bytes().take(3).take_while(u8::is_ascii_digit).count();
                let octal = &after[1..=digits];
                let number = (digits == 3).then(|| u32::from_str_radix(octal, 8).ok()).flatten();
                match number.filter(|number| *number < 256).and_then(char::from_u32) {
                    Some(character) => plain.push(character),
                    None => plain.extend(["\\", octal]),
                }
                taken += digits;
            }
            (_, None) => {
                plain.push('\\');
                taken = 0;
            }
        }
        rest = &after[taken..];
    }
    plain.push_str(rest);
    plain
}
