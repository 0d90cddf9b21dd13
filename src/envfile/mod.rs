//! Env files, each as the program understands it that reads it: systemd, compose, `docker --env-file`, Node's `dotenv`. They
//! agree on `KEY=value` and on little else, so there is a reader for each. PURE: what stands in a file is data.

mod compose;
mod docker;
mod dotenv;
pub mod edit;
mod interpolate;
mod systemd;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use crate::registry::EnvReader;

/// What a file comes to.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// Settings in the order of the file; of equal keys the last counts.
    pub settings: Vec<Setting>,
    /// What looks like a setting and is none.
    ignored: Vec<Ignored>,
    /// Why all of the file is refused.
    pub refused: Option<Refused>,
}

/// A setting.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// Its value, as the process gets it.
    pub value: Value,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// Where its value stands in the file, quotes included.
    pub raw: Range<usize>,
}

/// A value, which is never shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// As the process gets it.
    Known(String),
    /// Why only the reader itself knows it.
    Unknown(&'static str),
}

/// Why a file is refused. The words hold nothing of the file but names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// From 1.
    pub line: usize,
    /// Why.
    pub why: &'static str,
}

/// A line that looks like a setting of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ignored {
    name: String,
    why: String,
}

/// What a name stands for outside of the file: in the environment of compose, or in its project's `.env`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// For this.
    Set(String),
    /// For nothing.
    Unset,
    /// It cannot be known.
    Unknown,
}

/// Whoever asks has nothing but the file.
pub const NOWHERE: &dyn Fn(&str) -> Elsewhere = &|_| Elsewhere::Unknown;

const FROM_ELSEWHERE: &str = "its value comes from the environment of compose";

/// Names only: whoever prints a reading prints no value.
impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.settings.iter().map(|setting| setting.key.as_str()).collect();
        f.debug_struct("Reading").field("keys", &keys).field("refused", &self.refused).finish_non_exhaustive()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Known(_) => f.write_str("Known(…)"),
            Value::Unknown(why) => f.debug_tuple("Unknown").field(why).finish(),
        }
    }
}

impl Value {
    /// The value, where it is known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Value::Known(value) => Some(value),
            Value::Unknown(_) => None,
        }
    }
}

impl Reading {
    /// The value of a key; `None` where it is not set.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let refused = self.refused.is_some();
        self.settings.iter().rev().find(|setting| setting.key == key && !refused).map(|setting| &setting.value)
    }

    /// The value of every key that is set.
    fn last(&self) -> BTreeMap<&str, &Value> {
        let all = self.settings.iter().map(|setting| (setting.key.as_str(), &setting.value));
        all.filter(|_| self.refused.is_none()).collect()
    }

    /// The value of a key that is set to something; `None` where it is not set or empty.
    pub fn filled(&self, key: &str) -> Option<&Value> {
        self.get(key).filter(|value| value.known() != Some(""))
    }

    /// Names of what is set, each once.
    pub fn keys(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let all = self.settings.iter().map(|setting| setting.key.as_str());
        all.filter(|key| self.refused.is_none() && seen.insert(*key)).collect()
    }

    /// Why a key is not set, although the file seems to set it.
    pub fn why_not(&self, key: &str) -> Option<&str> {
        self.ignored.iter().rev().find(|ignored| ignored.name == key).map(|ignored| ignored.why.as_str())
    }

    /// Those of these keys that are not set, or to nothing.
    pub fn lacking<'k>(&self, keys: &[&'k str]) -> Vec<&'k str> {
        keys.iter().filter(|key| self.filled(key).is_none()).copied().collect()
    }

    /// The first of these keys that is set to something only its reader knows, and why.
    pub fn unknown_among<'k>(&self, keys: &[&'k str]) -> Option<(&'k str, &'static str)> {
        keys.iter().find_map(|key| match self.get(key) {
            Some(Value::Unknown(why)) => Some((*key, *why)),
            Some(Value::Known(_)) | None => None,
        })
    }

    /// Why these keys are not set, although the file seems to set them; empty where nothing is to be said.
    pub fn why_lacking(&self, keys: &[&str]) -> String {
        if let Some(refusal) = self.refusal() {
            return refusal;
        }
        let mut reasons: Vec<&str> = keys.iter().filter_map(|key| self.why_not(key)).collect();
        reasons.dedup();
        reasons.join("; ")
    }

    /// Why all of the file counts for nothing.
    pub fn refusal(&self) -> Option<String> {
        self.refused.as_ref().map(|Refused { line, why }| format!("{why} (line {line})"))
    }

    /// This reading with another over it, as of a second file that is read after the first.
    pub fn with(mut self, later: Reading) -> Reading {
        self.settings.extend(later.settings);
        self.ignored.extend(later.ignored);
        self.refused = self.refused.or(later.refused);
        self
    }

    /// Settings that are known, as of a process's environment.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Reading {
        let setting = |(key, value): (&str, &str)| Setting {
            key: key.to_owned(),
            value: Value::Known(value.to_owned()),
            line: 1,
            raw: 0..0,
        };
        Reading { settings: pairs.into_iter().map(setting).collect(), ..Reading::default() }
    }
}

/// What this reader makes of a file. `elsewhere` is asked by compose alone, which fills in `${NAME}`.
pub fn read(reader: EnvReader, content: &[u8], elsewhere: &dyn Fn(&str) -> Elsewhere) -> Reading {
    let mut reading = match reader {
        EnvReader::Systemd => systemd::read(content),
        EnvReader::Compose => compose::read(&String::from_utf8_lossy(content), elsewhere),
        EnvReader::Docker => docker::read(content, elsewhere),
        EnvReader::Dotenv => dotenv::read(&String::from_utf8_lossy(content)),
    };
    let text = String::from_utf8_lossy(content);
    // Places are those in what the reader looked at.
    let lines = match reader {
        EnvReader::Systemd | EnvReader::Docker => Lines::new(content),
        EnvReader::Compose | EnvReader::Dotenv => Lines::new(text.as_bytes()),
    };
    reading.ignored = ignored(reader, &text, &lines, &reading.settings);
    reading
}

/// What an env file of compose sets, where compose itself has read the project's `.env` before, which may be the same file.
pub fn read_in_project(content: &[u8], project: &[u8]) -> Reading {
    let before = read(EnvReader::Compose, project, NOWHERE);
    let known = before.last();
    read(EnvReader::Compose, content, &|name| match known.get(name) {
        Some(Value::Known(value)) => Elsewhere::Set(value.clone()),
        Some(Value::Unknown(_)) | None => Elsewhere::Unknown,
    })
}

/// Every key and value that any reader sees in a file, and where it stands, for what must be kept secret whoever reads it.
pub fn every_setting(text: &str) -> impl Iterator<Item = Setting> {
    // Without what comes from elsewhere as well: a default is no less secret where something else is put in its place.
    let unset = |_: &str| Elsewhere::Unset;
    let others = [EnvReader::Systemd, EnvReader::Docker, EnvReader::Dotenv];
    let composed = [compose::read_all(text, NOWHERE), compose::read_all(text, &unset)];
    let others = others.into_iter().map(|reader| read(reader, text.as_bytes(), NOWHERE));
    composed.into_iter().chain(others.collect::<Vec<_>>()).flat_map(|reading| reading.settings)
}

/// The name by which a reader is called.
pub const fn name_of(reader: EnvReader) -> &'static str {
    match reader {
        EnvReader::Systemd => "systemd",
        EnvReader::Compose => "compose",
        EnvReader::Docker => "docker",
        EnvReader::Dotenv => "dotenv",
    }
}

/// Where the lines of a file end.
struct Lines(Vec<usize>);

impl Lines {
    fn new(content: &[u8]) -> Self {
        Lines(content.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of a place, from 1.
    fn of(&self, at: usize) -> usize {
        1 + self.0.partition_point(|end| *end < at)
    }
}

/// Lines that look like a setting and are none.
fn ignored(reader: EnvReader, text: &str, lines: &Lines, settings: &[Setting]) -> Vec<Ignored> {
    let mut found = Vec::new();
    let who = name_of(reader);
    let spans: Vec<(&Setting, usize)> = settings.iter().map(|setting| (setting, lines.of(setting.raw.end))).collect();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let begins = spans.partition_point(|(setting, _)| setting.line <= number);
        let last = begins.checked_sub(1).and_then(|at| spans.get(at));
        if last.is_some_and(|(setting, _)| setting.line == number) {
            continue;
        }
        let plain = line.trim_start_matches(['\u{feff}', ' ', '\t']);
        let bare = plain.trim_start_matches(['#', ';', ' ']);
        let exported = bare.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
        let Some((name, _)) = exported.unwrap_or(bare).split_once(['=', ':']) else { continue };
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) {
            continue;
        }
        let why = match last {
            Some((setting, end)) if *end >= number => {
                format!("line {number} is part of the value of {}, which begins in line {}", setting.key, setting.line)
            }
            _ if bare.len() < plain.len() => format!("line {number} is a comment"),
            _ if exported.is_some() => format!("{who} ignores `export {name}=…` in line {number}"),
            _ => format!("{who} does not read line {number} as a setting"),
        };
        found.push(Ignored { name: name.to_owned(), why });
    }
    found
}

#[cfg(test)]
pub(crate) mod tests;
