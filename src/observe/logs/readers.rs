//! Which reader reads what, from where, onto which lane: a thread each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::filter::Filter;
use super::merge::{Board, Pen};
use super::source::Kind;
use super::{Finish, LogPlace, Range, Raw, World, container, file, journal, recent};
use crate::host::shortage::Shortage;
use crate::host::threads::{self, join, task};
use crate::host::trouble::Trouble;

/// How many lines that no filter wants are passed over before it is said how far reading has come.
const STRIDE: u32 = 2000;

/// Reads a range of sources of one kind; where a file was read to.
fn read(
    world: &World,
    sources: &[usize],
    range: &Range,
    each: &mut dyn FnMut(&Raw<'_>) -> bool,
) -> Result<Option<file::Reached>, Trouble> {
    let Some(first) = sources.first() else { return Ok(None) };
    match &world.sources[*first].kind {
        Kind::Journal { .. } => journal::read(world, sources, range, each).map(|()| None),
        Kind::Container => container::read(world, *first, range, each).map(|()| None),
        Kind::File { .. } => {
            let mut reached = file::read(world, *first, range, each)?;
            if let Some(reached) = &mut reached
                && !world.wanted.follow
            {
                file::unfinished(world, *first, reached, each);
            }
            Ok(reached)
        }
    }
}

/// Puts a range of sources of one kind on a lane.
fn pour(world: &World, sources: &[usize], range: &Range, pen: &mut Pen, finish: &Finish) -> Option<file::Reached> {
    let mut filter = Filter::new(world);
    let mut passed = 0;
    let (mut count, mut oldest) = (0, None);
    let result = read(world, sources, range, &mut |raw| {
        count += u64::from(!raw.before);
        let (place, wanted) = filter.pass(raw, |place, line| pen.line(place, |out| finish(raw.source, line, out)));
        if !raw.before {
            oldest.get_or_insert(place);
        }
        wanted.unwrap_or_else(|| {
            passed += 1;
            passed % STRIDE != 0 || pen.reached(place)
        })
    });
    // Not as many as somebody asked for, but as many as there is time for.
    if let (Some(last), None, Some(oldest), [source]) = (range.last, world.wanted.tail, oldest, sources)
        && count >= last
    {
        recent::note(world, *source, usize::try_from(count).unwrap_or(usize::MAX), oldest);
    }
    filter.leave(sources);
    result.unwrap_or_else(|trouble| {
        tell(world, sources, trouble);
        None
    })
}

fn tell(world: &World, sources: &[usize], trouble: Trouble) {
    let names: Vec<&str> = sources.iter().map(|source| world.sources[*source].name.as_str()).collect();
    let journal = sources.iter().all(|source| matches!(world.sources[*source].kind, Kind::Journal { .. }));
    // One tool that says no to many is told of once.
    let name = match &trouble {
        Trouble::NeedsRoot(_) | Trouble::Missing(_) | Trouble::Untrusted(_) if journal => "the journal".to_owned(),
        _ if names.len() > 1 => "the journal".to_owned(),
        _ => names.concat(),
    };
    world.board.trouble(&name, trouble);
}

/// Starts a reader. One that no thread can be had for is a source that cannot be read; its lane has ended.
fn beside(board: &Board, name: &str, read: impl FnOnce() + Send + 'static) {
    if let Err(error) = threads::start(read) {
        let trouble = Shortage::of_start(&error).map_or_else(|| Trouble::Failed(error.to_string()), Trouble::Shortage);
        board.trouble(name, trouble);
    }
}

/// Starts to read. Lines come to the world's board.
pub fn start(world: &Arc<World>, finish: &Finish) {
    for (name, trouble) in &world.lost {
        world.board.trouble(name, trouble.clone());
    }
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut together = Vec::new();
    for (index, source) in world.sources.iter().enumerate() {
        // All units at once, where no number of lines is asked for of each.
        if matches!(source.kind, Kind::Journal { .. }) && world.wanted.tail.is_none() && !world.wanted.previous {
            together.push(index);
        } else {
            groups.entry(source.service.map_or(source.label.as_str(), |service| service.name)).or_default().push(index);
        }
    }
    let journals: Vec<usize> =
        (0..world.sources.len()).filter(|index| matches!(world.sources[*index].kind, Kind::Journal { .. })).collect();
    let board = Arc::clone(&world.board);
    // Dropped by every reader of the journal when it has read what was written before.
    let (reading, read) = channel::<()>();
    if !together.is_empty() {
        let (world, finish, reading) = (Arc::clone(world), Arc::clone(finish), reading.clone());
        let mut pen = world.board.lane("the journal", false);
        beside(&board, "the journal", move || {
            if world.wanted.brief {
                if let Err((sources, trouble)) = recent::pour(&world, &together, &mut pen, &finish) {
                    tell(&world, &sources, trouble);
                }
            } else {
                let range = Range { since: world.wanted.since, until: world.wanted.until, ..Range::default() };
                pour(&world, &together, &range, &mut pen, &finish);
            }
            drop(reading);
        });
    }
    for sources in groups.into_values() {
        let name = sources.first().map(|source| world.sources[*source].name.clone()).unwrap_or_default();
        let pens = sources.iter().map(|source| world.board.lane(&world.sources[*source].name, false)).collect();
        let (world, finish, reading) = (Arc::clone(world), Arc::clone(finish), reading.clone());
        beside(&board, &name, move || group(&world, &sources, pens, &finish, &reading));
    }
    drop(reading);
    if !journals.is_empty() {
        let mut pen = world.board.lane("the journal", true);
        if !world.wanted.follow {
            // It has no lines, only a word to say at the end.
            pen.reached(i64::MAX);
        }
        let (world, finish) = (Arc::clone(world), Arc::clone(finish));
        beside(&board, "the journal", move || {
            after_journals(&world, &journals, &read, pen, &finish);
        });
    }
}

/// Once all that was written before has been read: says what journald left out, and follows.
fn after_journals(world: &World, sources: &[usize], read: &Receiver<()>, mut pen: Pen, finish: &Finish) {
    let first = world.wanted.since.unwrap_or(world.begun.saturating_sub(3_600_000_000));
    // Ends when the last reader has dropped its end. Asked only then, so that it takes no time from the first line.
    let _ = read.recv();
    if !world.wanted.brief && !world.board.is_troubled() {
        journal::tell_suppressed(world, sources, first);
        if let Some(since) = world.wanted.since {
            journal::tell_beginning(world, sources, since);
        }
    }
    if !world.wanted.follow {
        return;
    }
    let mut filter = Filter::after(world, sources);
    let result = journal::follow(world, sources, &mut |raw| {
        filter
            .pass(raw, |place, line| pen.line(place, |out| finish(raw.source, line, out)) && pen.flush())
            .1
            .unwrap_or(true)
    });
    if let Err(trouble) = result {
        tell(world, sources, trouble);
    }
}

/// Reads the sources of one service, which share the number of lines that is asked for.
fn group(world: &Arc<World>, sources: &[usize], pens: Vec<Pen>, finish: &Finish, reading: &Sender<()>) {
    let wanted = &world.wanted;
    let whole = Range { since: wanted.since, until: wanted.until, ..Range::default() };
    let ranges: Vec<Option<Range>> = sources.iter().map(|source| run(world, *source, whole.clone())).collect();
    let filtered = wanted.level.is_some() || wanted.grep.is_some();
    // What is only followed is followed from here: before it is looked which lines are the newest, so that none is missed.
    let is_file = |source: usize| matches!(world.sources[source].kind, Kind::File { .. });
    let here = |source: &usize| file::at_end(world, *source).filter(|_| wanted.follow && is_file(*source));
    let ends: Vec<Option<file::Reached>> = sources.iter().map(here).collect();
    let ranges = match wanted.tail {
        None if wanted.brief => {
            ranges.into_iter().map(|range| range.map(|range| Range { last: Some(recent::MOST), ..range })).collect()
        }
        None => ranges,
        Some(tail) if sources.len() == 1 && !filtered => {
            ranges.into_iter().map(|range| range.map(|range| Range { last: Some(tail), ..range })).collect()
        }
        Some(tail) => newest(world, sources, ranges, tail),
    };
    for (((source, range), mut pen), end) in sources.iter().copied().zip(ranges).zip(pens).zip(ends) {
        let (world, finish) = (Arc::clone(world), Arc::clone(finish));
        // A journal is followed elsewhere, all units at once, when this has been read.
        let reading = reading.clone();
        let (board, name) = (Arc::clone(&world.board), world.sources[source].name.clone());
        beside(&board, &name, move || {
            let reached = range.and_then(|range| pour(&world, &[source], &range, &mut pen, &finish)).or(end);
            drop(reading);
            if !world.wanted.follow || matches!(world.sources[source].kind, Kind::Journal { .. }) || !pen.live() {
                return;
            }
            let mut filter = Filter::after(&world, &[source]);
            let mut each = |raw: &Raw<'_>| {
                let (_, wanted) =
                    filter.pass(raw, |place, line| pen.line(place, |out| finish(source, line, out)) && pen.flush());
                wanted.unwrap_or(true)
            };
            let result = match world.sources[source].kind {
                Kind::File { .. } => file::follow(&world, source, reached, &mut each),
                Kind::Container => container::follow(&world, source, &mut each),
                Kind::Journal { .. } => Ok(()),
            };
            if let Err(trouble) = result {
                world.board.trouble(&world.sources[source].name, trouble);
            }
        });
    }
}

/// The range for the run that is wanted; none where there is no such run.
fn run(world: &World, source: usize, range: Range) -> Option<Range> {
    if !world.wanted.previous {
        return Some(range);
    }
    let name = &world.sources[source].name;
    let found = match &world.sources[source].kind {
        Kind::Journal { .. } => {
            journal::previous_run(world, source).map(|run| run.map(|run| Range { run: Some(run), ..range }))
        }
        Kind::Container => container::previous_run(world, source).map(|run| {
            run.map(|(id, until)| Range { run: Some(id), until: range.until.into_iter().chain(until).min(), ..range })
        }),
        Kind::File { .. } => {
            world.incomplete(&format!("{name}: a log file has no runs; skipped"));
            return None;
        }
    };
    match found {
        Ok(Some(range)) => Some(range),
        Ok(None) => {
            let none = "no earlier run is known".to_owned();
            world.board.trouble(name, Trouble::Unavailable(none));
            None
        }
        Err(trouble) => {
            tell(world, &[source], trouble);
            None
        }
    }
}

/// Of one source: what to read of it, and time and place of the newest lines in that.
type Found = (Range, VecDeque<(i64, LogPlace)>);

/// Where the newest `tail` lines that are wanted of all these sources together begin in each.
fn newest(world: &Arc<World>, sources: &[usize], ranges: Vec<Option<Range>>, tail: u64) -> Vec<Option<Range>> {
    let find = |source: usize, range: Option<Range>| {
        let range = range?;
        match latest(world, source, &range, tail) {
            Ok(found) => Some((range, found)),
            Err(trouble) => {
                tell(world, &[source], trouble);
                None
            }
        }
    };
    let found: Vec<Option<Found>> = thread::scope(|scope| {
        let sources = sources.iter().copied().zip(ranges);
        let tasks: Vec<_> = sources.map(|(source, range)| task(scope, move || find(source, range))).collect();
        tasks.into_iter().map(join).collect()
    });
    let mut times: Vec<(i64, usize)> = Vec::new();
    for (index, found) in found.iter().enumerate() {
        times.extend(found.iter().flat_map(|(_, lines)| lines).map(|(time, _)| (*time, index)));
    }
    times.sort_unstable();
    let first = times.len().saturating_sub(usize::try_from(tail).unwrap_or(usize::MAX));
    let mut kept = vec![0; found.len()];
    for (_, index) in &times[first..] {
        kept[*index] += 1;
    }
    let begin = |(found, kept): (Option<Found>, usize)| {
        let (range, mut lines) = found?;
        // A source without any of them is not read again, only followed.
        let (_, place) = lines.split_off(lines.len() - kept).pop_front()?;
        Some(Range { from: Some(place), ..range })
    };
    found.into_iter().zip(kept).map(begin).collect()
}

/// Time and place of the newest `tail` lines that are wanted of a source, found by looking ever further back.
fn latest(world: &World, source: usize, range: &Range, tail: u64) -> Result<VecDeque<(i64, LogPlace)>, Trouble> {
    let limit = usize::try_from(tail).unwrap_or(usize::MAX);
    let mut window = tail.saturating_mul(8).max(1000);
    loop {
        let mut filter = Filter::new(world);
        let mut found = VecDeque::new();
        let mut count = 0;
        let here = Range { last: (window < u64::MAX).then_some(window), ..range.clone() };
        read(world, &[source], &here, &mut |raw| {
            count += u64::from(!raw.before);
            filter.pass(raw, |time, _| {
                if found.len() == limit {
                    found.pop_front();
                }
                found.push_back((time, raw.at.place()));
            });
            !world.board.closed()
        })?;
        if found.len() >= limit || count < window {
            return Ok(found);
        }
        window = window.saturating_mul(16);
    }
}
