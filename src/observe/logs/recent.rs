//! The newest entries of several units first, as far back as is wanted or bounds allow: one answer for all where that is
//! enough, else one for each unit, so that one that writes much costs its own oldest lines and no other's.

use std::sync::PoisonError;
use std::thread;
use std::time::Instant;

use super::filter::Filter;
use super::merge::Pen;
use super::{At, Finish, Raw, World, journal};
use crate::host::threads::{join, task};
use crate::host::trouble::Trouble;

/// Entries and bytes of one answer for all units.
const ALL: Bound = Bound { entries: 3000, bytes: 2 << 20 };
/// Entries and bytes of one unit.
const EACH: Bound = Bound { entries: 10_000, bytes: 4 << 20 };
/// Lines of one container or file.
pub(super) const MOST: u64 = 10_000;

#[derive(Clone, Copy)]
struct Bound {
    entries: usize,
    bytes: usize,
}

/// An entry that is kept until those before it are known.
struct Entry {
    source: usize,
    time: i64,
    text: Option<Vec<u8>>,
    length: u64,
    priority: Option<u8>,
    cursor: String,
}

/// Puts the entries of these sources on a lane, oldest first. Where the oldest that are wanted were not reached is noted.
pub(super) fn pour(
    world: &World,
    sources: &[usize],
    pen: &mut Pen,
    finish: &Finish,
) -> Result<(), (Vec<usize>, Trouble)> {
    let until = Instant::now() + world.silence.mul_f32(0.8);
    // A part of the time for all of them together, so that there is some for each.
    let (mut entries, reached) = newest(world, sources, ALL, Instant::now() + world.silence / 4)
        .map_err(|trouble| (sources.to_vec(), trouble))?;
    let mut failed = None;
    if !reached {
        let answers: Vec<_> = match sources {
            [_] => vec![newest(world, sources, EACH, until)],
            _ => thread::scope(|scope| {
                let one = |source: usize| newest(world, &[source], EACH, until);
                let tasks: Vec<_> = sources.iter().map(|source| task(scope, move || one(*source))).collect();
                tasks.into_iter().map(join).collect()
            }),
        };
        entries.clear();
        for (source, answer) in sources.iter().zip(answers) {
            match answer {
                Ok((own, reached)) => {
                    if !reached {
                        let oldest = own.last().map_or(i64::MAX, |entry| entry.time);
                        note(world, *source, own.len(), oldest);
                    }
                    entries.extend(own);
                }
                Err(trouble) => {
                    let (failed, _) = failed.get_or_insert((Vec::new(), trouble));
                    failed.push(*source);
                }
            }
        }
    }
    entries.reverse();
    entries.sort_by_key(|entry| entry.time);
    let mut filter = Filter::new(world);
    for entry in &entries {
        let raw = Raw {
            source: entry.source,
            time: Some(entry.time),
            text: entry.text.as_deref(),
            length: entry.length,
            priority: entry.priority,
            before: false,
            fallback: entry.time,
            at: At::Entry(&entry.cursor),
        };
        let (_, wanted) = filter.pass(&raw, |place, line| pen.line(place, |out| finish(raw.source, line, out)));
        if wanted == Some(false) {
            break;
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Notes that only so many of the newest lines of a source were read, and when the oldest of these was written.
pub(super) fn note(world: &World, source: usize, count: usize, oldest: i64) {
    world.short.lock().unwrap_or_else(PoisonError::into_inner).push((source, count, oldest));
}

/// The newest entries, newest first, and whether these are all that are wanted.
fn newest(world: &World, sources: &[usize], bound: Bound, until: Instant) -> Result<(Vec<Entry>, bool), Trouble> {
    let mut entries: Vec<Entry> = Vec::new();
    let (mut bytes, mut reached) = (0, true);
    let read = journal::newest_first(world, sources, until.saturating_duration_since(Instant::now()), &mut |raw| {
        // One more than is kept says that there are more.
        if entries.len() >= bound.entries || bytes >= bound.bytes || Instant::now() >= until || world.board.closed() {
            reached = false;
            return false;
        }
        bytes += raw.text.map_or(0, <[u8]>::len);
        entries.push(Entry {
            source: raw.source,
            time: raw.time.unwrap_or(raw.fallback),
            text: raw.text.map(<[u8]>::to_vec),
            length: raw.length,
            priority: raw.priority,
            cursor: match raw.at {
                At::Entry(cursor) => cursor.to_owned(),
                At::Moment(_) | At::Offset(..) => String::new(),
            },
        });
        true
    });
    match read {
        Ok(()) => Ok((entries, reached)),
        // What came before it fell silent is worth having.
        Err(Trouble::TimedOut(_)) if !entries.is_empty() => Ok((entries, false)),
        // Of all of them together that says nothing of each.
        Err(Trouble::TimedOut(_)) if sources.len() > 1 || bound.entries == ALL.entries => Ok((entries, false)),
        Err(trouble) => Err(trouble),
    }
}
