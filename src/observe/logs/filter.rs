//! What a reader makes of a line, in this order: decoded, without secrets, cut, understood, placed in time, and wanted or
//! not. It is escaped where it is printed.

use std::borrow::Cow;
use std::fmt::Write;

use jiff::Timestamp;

use super::level::LogLevel;
use super::line::Line;
use super::parse::{self, Understood};
use super::source::Kind;
use super::stamp::Clock;
use super::{Raw, World};
use crate::host::tools::lines::{LINE_LIMIT, MARGIN};
use crate::redact::{self, Memory, Redactor};

/// Understands and filters the lines that one thread reads, and knows where each source is in time.
pub struct Filter<'w> {
    world: &'w World,
    /// Of each source the last time that was stated, and the last place in time.
    last: Vec<(Option<i64>, i64)>,
    /// Of each source what a secret that goes on needs.
    memory: Vec<Memory>,
}

impl<'w> Filter<'w> {
    pub fn new(world: &'w World) -> Self {
        let count = world.sources.len();
        Filter { world, last: vec![(None, i64::MIN); count], memory: vec![Memory::default(); count] }
    }

    /// For what follows what another has read of these sources.
    pub fn after(world: &'w World, sources: &[usize]) -> Self {
        let mut filter = Filter::new(world);
        for source in sources {
            filter.memory[*source] = world.memory(*source).clone();
        }
        filter
    }

    /// Leaves what must be known of these sources to whoever reads on.
    pub fn leave(self, sources: &[usize]) {
        for (source, memory) in self.memory.into_iter().enumerate().filter(|(source, _)| sources.contains(source)) {
            *self.world.memory(source) = memory;
        }
    }

    /// Hands the line over with its place in time if it is wanted; its place in time.
    pub fn pass<T>(&mut self, raw: &Raw<'_>, then: impl FnOnce(i64, &Line<'_>) -> T) -> (i64, Option<T>) {
        let world = self.world;
        let source = &world.sources[raw.source];
        let text = decoded(raw.text.unwrap_or_default());
        let (clean, cut) = readable(redact::house(), &mut self.memory[raw.source], &text, raw, &world.clock);
        let Understood { time: stated, level, message, fields } = parse::understand(&clean, raw.priority, &world.clock);
        let (known, place) = &mut self.last[raw.source];
        let time = raw.time.or(stated).or(*known);
        *known = time;
        *place = (*place).max(time.unwrap_or(raw.fallback));
        let position = *place;
        let level = level.or(match &source.kind {
            Kind::File { complaints: true, .. } => Some(LogLevel::Error),
            _ => None,
        });
        let moment = time.unwrap_or(raw.fallback);
        let wanted = &world.wanted;
        let is_wanted = !raw.before
            && wanted.since.is_none_or(|since| moment >= since)
            && wanted.until.is_none_or(|until| moment <= until)
            && wanted.level.is_none_or(|least| level.is_some_and(|level| level >= least))
            && wanted.grep.as_ref().is_none_or(|grep| grep.is_match(&clean));
        if !is_wanted {
            return (position, None);
        }
        let line = Line {
            time: time.and_then(|time| Timestamp::from_microsecond(time).ok()),
            service: source.service.map(|service| service.name),
            source: &source.name,
            level,
            message: raw.text.is_some().then_some(&*message),
            fields,
            truncated: cut,
        };
        (position, Some(then(position, &line)))
    }
}

/// What of a decoded line may be understood and shown: first its secrets go, then what is too long. Whether that was.
fn readable<'t>(
    redactor: &Redactor,
    memory: &mut Memory,
    text: &'t str,
    raw: &Raw<'_>,
    clock: &Clock,
) -> (Cow<'t, str>, bool) {
    let clean = redactor.clean_line(memory, text, |text| parse::head(text, clock));
    cut(clean, raw.length > raw.text.unwrap_or_default().len() as u64)
}

/// As much of a line as is shown, and whether there is more. Of one that was not read to its end the last part is left out:
/// half a secret may stand there.
fn cut(text: Cow<'_, str>, unread: bool) -> (Cow<'_, str>, bool) {
    let longest = match unread {
        true => LINE_LIMIT.min(text.len().saturating_sub(MARGIN)),
        false => LINE_LIMIT,
    };
    if text.len() <= longest {
        return (text, unread);
    }
    let end = text.floor_char_boundary(longest);
    let cut = match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    };
    (cut, true)
}

/// The bytes as text: those that are no UTF-8 as `\xNN`.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text.into()
}

#[cfg(test)]
mod tests;
