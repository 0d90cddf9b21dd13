//! `docker run --env-file`, as docker's client reads it: a line is a name, `=`, and everything behind it as it is.

use super::{Elsewhere, FROM_ELSEWHERE, Reading, Refused, Setting, Value};

/// What docker sets.
pub(super) fn read(content: &[u8], elsewhere: &dyn Fn(&str) -> Elsewhere) -> Reading {
    let mut reading = Reading::default();
    let mut at = 0;
    for (index, line) in content.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let begin = at;
        at += line.len();
        let number = index + 1;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let end = begin + line.len();
        let Ok(line) = str::from_utf8(line) else {
            reading.refused = Some(Refused { line: number, why: "docker refuses the file: it is not UTF-8" });
            break;
        };
        let line = if index == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line }.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').map_or((line, None), |(key, value)| (key, Some(value)));
        let why = match key {
            "" => Some("docker refuses the file: a line begins with ="),
            _ if key.contains([' ', '\t']) => Some("docker refuses the file: a name contains a space"),
            _ => None,
        };
        if let Some(why) = why {
            reading.refused = Some(Refused { line: number, why });
            break;
        }
        let known = match value {
            Some(value) => Value::Known(value.to_owned()),
            None => match elsewhere(key) {
                Elsewhere::Set(value) => Value::Known(value),
                Elsewhere::Unset => continue,
                Elsewhere::Unknown => Value::Unknown(FROM_ELSEWHERE),
            },
        };
        let raw = end - value.map_or(0, str::len)..end;
        reading.settings.push(Setting { key: key.to_owned(), value: known, line: number, raw });
    }
    reading
}
