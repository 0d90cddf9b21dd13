//! What a reader makes of a line: decoded, without secrets, understood, placed in time, and wanted or not.

use std::borrow::Cow;
use std::fmt::Write;

use jiff::Timestamp;

use super::line::{self, LogLevel, Understood};
use super::source::Kind;
use super::{Raw, World};
use crate::report::logs::Line;

/// Understands and filters the lines that one thread reads, and knows where each source is in time.
pub struct Gaze<'w> {
    world: &'w World,
    /// Of each source the last time that was stated, and the last place in time.
    last: Vec<(Option<i64>, i64)>,
}

impl<'w> Gaze<'w> {
    pub fn new(world: &'w World) -> Self {
        Gaze { world, last: vec![(None, i64::MIN); world.sources.len()] }
    }

    /// Hands the line over with its place in time if it is wanted; its place in time.
    pub fn look<T>(&mut self, raw: &Raw<'_>, then: impl FnOnce(i64, &Line<'_>) -> T) -> (i64, Option<T>) {
        let world = self.world;
        let source = &world.sources[raw.source];
        let bytes = raw.text.unwrap_or_default();
        let text = decoded(bytes);
        let clean = world.redactor().clean(&text);
        let Understood { time: stated, level, message, fields } = line::understand(&clean, raw.priority, &world.clock);
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
            truncated: raw.length > bytes.len() as u64,
        };
        (position, Some(then(position, &line)))
    }
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
