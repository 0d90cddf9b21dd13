//! Lines out of the journal. Followed by asking for what comes after the last entry as soon as journald has written more:
//! `journalctl --follow` itself is told of new entries up to a quarter of a second late (measured on systemd 257: 380 ms),
//! because journald gathers its announcements.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::source::Kind;
use super::{At, LogPlace, Range, Raw, World};
use crate::host::exec::{Output, ProcessEnd, Processes, Runner, Streams};
use crate::host::tools::journalctl::{self, Entries, Query};
use crate::host::tools::unit_output::matches;
use crate::host::tools::{Malformed, excerpt, journalctl::Entry};
use crate::host::trouble::{Trouble, failure};

/// How often it is looked whether journald has written.
const POLL_JOURNAL: Duration = Duration::from_millis(15);
/// The least time between two questions to journalctl.
const PACE: Duration = Duration::from_millis(40);
/// How often it is looked for new files of the journal.
const RENEW: Duration = Duration::from_secs(1);

/// Entries by a hash of their cursor, which is fifteen times as long: what a flood of them takes in memory is bounded by what
/// one answer holds. Two with the same hash would hide a line; of a million, one in forty million such answers has two.
#[derive(Debug, Default)]
pub(super) struct Seen {
    hasher: RandomState,
    hashes: HashSet<u64>,
}

impl Seen {
    /// Whether it is new.
    fn insert(&mut self, cursor: &str) -> bool {
        self.hashes.insert(self.hasher.hash_one(cursor))
    }

    fn contains(&self, cursor: &str) -> bool {
        self.hashes.contains(&self.hasher.hash_one(cursor))
    }
}

/// What is said where there is no journal at all.
pub(super) const NONE_KEPT: &str = "no journal is kept on this host: the output of services is not recorded";

const DENIED: Trouble = Trouble::NeedsRoot("or membership of the group systemd-journal, to read the journal");

/// Reads entries of these sources, oldest first, as long as `each` wants more.
pub fn read(
    world: &World,
    sources: &[usize],
    range: &Range,
    each: &mut dyn FnMut(&Raw<'_>) -> bool,
) -> Result<(), Trouble> {
    let query = Query {
        units: sources.iter().flat_map(|index| units(world, *index)).cloned().collect(),
        invocation: range.run.clone(),
        // journalctl takes one of these, and what is before the cursor is before the time.
        since: range.since.filter(|_| range.from.is_none()),
        until: range.until,
        last: range.last,
        from: match &range.from {
            Some(LogPlace::Entry(cursor)) => Some(cursor.clone()),
            _ => None,
        },
        after: None,
        namespaced: namespaced(world, sources),
        reverse: false,
    };
    ask(world, sources, &query, world.silence, &mut |raw| {
        if let At::Entry(cursor) = raw.at
            && world.wanted.follow
            && raw.time >= Some(world.begun)
        {
            world.entries.lock().unwrap_or_else(PoisonError::into_inner).insert(cursor);
        }
        each(raw)
    })
}

/// Reads what is wanted of these sources, the newest first, as long as `each` wants more and journalctl is not silent for longer.
pub(super) fn newest_first(
    world: &World,
    sources: &[usize],
    silence: Duration,
    each: &mut dyn FnMut(&Raw<'_>) -> bool,
) -> Result<(), Trouble> {
    const LEAST: Duration = Duration::from_millis(300);
    let query = Query {
        units: sources.iter().flat_map(|index| units(world, *index)).cloned().collect(),
        since: world.wanted.since,
        until: world.wanted.until,
        namespaced: namespaced(world, sources),
        reverse: true,
        ..Query::default()
    };
    ask(world, sources, &query, silence.max(LEAST), each)
}

fn namespaced(world: &World, sources: &[usize]) -> bool {
    sources.iter().any(|source| matches!(world.sources[*source].kind, Kind::Journal { namespaced: true, .. }))
}

fn units(world: &World, source: usize) -> &[String] {
    match &world.sources[source].kind {
        Kind::Journal { units, .. } => units,
        Kind::Container | Kind::File { .. } => &[],
    }
}

fn ask(
    world: &World,
    sources: &[usize],
    query: &Query,
    silence: Duration,
    each: &mut dyn FnMut(&Raw<'_>) -> bool,
) -> Result<(), Trouble> {
    let stream = world.processes().stream(&journalctl::entries(query), Streams::Apart, silence)?;
    let mut entries = Entries::new(stream);
    let mut cut = false;
    loop {
        match entries.next() {
            Ok(Some(entry)) => {
                let Some(source) = owner(world, sources, entry) else { continue };
                world.seen[source].fetch_max(entry.time, Ordering::Relaxed);
                let raw = Raw {
                    source,
                    time: Some(entry.time),
                    text: entry.message.as_deref(),
                    length: entry.length,
                    priority: entry.priority,
                    before: false,
                    fallback: entry.time,
                    at: At::Entry(&entry.cursor),
                };
                if !each(&raw) {
                    return Ok(());
                }
            }
            Ok(None) => break,
            Err(error) => match error.kind() {
                ErrorKind::UnexpectedEof => {
                    cut = true;
                    break;
                }
                ErrorKind::InvalidData => {
                    let expected = "entries in the export format from `journalctl`";
                    return Err(Malformed::new(expected, &error.to_string()).into());
                }
                ErrorKind::TimedOut => return Err(Trouble::TimedOut(silence)),
                _ => return Err(Trouble::Failed(format!("journalctl: {error}"))),
            },
        }
    }
    let (exit, complaints) = entries.into_reader().finish();
    if journalctl::denied(&complaints) {
        return Err(DENIED);
    }
    match exit {
        ProcessEnd::Code(0) if cut => Err(Trouble::Failed("its output ended in the middle of an entry".to_owned())),
        ProcessEnd::Code(0) => {
            for complaint in complaints.lines().filter(|line| !line.trim().is_empty()) {
                world.incomplete(&format!("journalctl: {}", excerpt(complaint)));
            }
            Ok(())
        }
        _ => Err(failure(&Output { exit, stdout: Vec::new(), stderr: complaints.into_bytes() })),
    }
}

/// Whose entry it is: of the unit that wrote it, else of the unit that it is about.
fn owner(world: &World, sources: &[usize], entry: &Entry) -> Option<usize> {
    if let [only] = sources {
        return Some(*only);
    }
    let has = |source: usize, unit: &str| units(world, source).iter().any(|known| matches(known, unit));
    let of = |unit: &String| sources.iter().copied().find(|source| has(*source, unit));
    entry.units.iter().find_map(of)
}

/// The run before the newest, by its invocation id.
pub fn previous_run(world: &World, source: usize) -> Result<Option<String>, Trouble> {
    // Of several instances each has runs of its own.
    for unit in units(world, source).iter().filter(|unit| !unit.contains('*')) {
        let output = world.processes().run(&journalctl::own_words(unit), world.patience)?;
        if journalctl::denied(&String::from_utf8_lossy(&output.stderr)) {
            return Err(DENIED);
        }
        let mut runs = match output.exit {
            ProcessEnd::Code(0) => journalctl::runs(&output.stdout)?,
            _ => return Err(failure(&output)),
        };
        if runs.len() > 1 {
            return Ok(Some(runs.swap_remove(1)));
        }
    }
    Ok(None)
}

/// First and last moment of a boot, microseconds: 0 is the running one, which has no last; -1 the one before.
///
/// # Errors
/// Why the journal does not tell.
pub fn boot(processes: &Processes<'_>, boot: i32, silence: Duration) -> Result<(i64, Option<i64>), Trouble> {
    let edge = |argv| -> Result<Option<i64>, Trouble> {
        let mut entries = Entries::new(processes.stream(&argv, Streams::Apart, silence)?);
        match entries.next() {
            Ok(Some(entry)) => Ok(Some(entry.time)),
            Ok(None) => {
                let (exit, complaints) = entries.into_reader().finish();
                match exit {
                    ProcessEnd::Code(0) => Ok(None),
                    _ if journalctl::denied(&complaints) => Err(DENIED),
                    _ => Err(failure(&Output { exit, stdout: Vec::new(), stderr: complaints.into_bytes() })),
                }
            }
            Err(error) => Err(Trouble::Failed(format!("journalctl: {error}"))),
        }
    };
    let first = edge(journalctl::boot_first(boot))?;
    let first = first.ok_or_else(|| Trouble::Unavailable(format!("the journal has no entries of boot {boot}")))?;
    let last = if boot == 0 { None } else { edge(journalctl::boot_last(boot))? };
    Ok((first, last))
}

/// Says how far back the journal reaches, where that is not as far as is asked for.
pub fn tell_beginning(world: &World, sources: &[usize], since: i64) {
    let query = Query { namespaced: namespaced(world, sources), ..Query::default() };
    let Ok(stream) = world.processes().stream(&journalctl::first(&query), Streams::Apart, world.silence) else {
        return;
    };
    let Ok(Some(first)) = Entries::new(stream).next().map(|entry| entry.map(|entry| entry.time)) else { return };
    if first <= since {
        return;
    }
    world.begins_late.store(true, Ordering::Relaxed);
    if let Ok(time) = Timestamp::from_microsecond(first) {
        let time = time.strftime("%Y-%m-%d %H:%M:%S UTC");
        world.incomplete(&format!("the journal begins at {time}: older entries are not kept"));
    }
}

/// Says how many messages of these sources journald left out since `since`.
pub fn tell_suppressed(world: &World, sources: &[usize], since: i64) {
    let Ok(stream) = world.processes().stream(&journalctl::suppressed(since), Streams::Apart, world.silence) else {
        return;
    };
    let mut entries = Entries::new(stream);
    let mut counts = vec![0_u64; world.sources.len()];
    while let Ok(Some(entry)) = entries.next() {
        let message = String::from_utf8_lossy(entry.message.as_deref().unwrap_or_default());
        let Some((count, unit)) = journalctl::parse_suppressed(&message) else { continue };
        let source =
            sources.iter().copied().find(|source| units(world, *source).iter().any(|name| matches(name, unit)));
        if let Some(source) = source {
            counts[source] = counts[source].saturating_add(count);
        }
    }
    for (source, count) in world.sources.iter().zip(counts).filter(|(_, count)| *count > 0) {
        let name = &source.name;
        world.incomplete(&format!("{name}: {count} lines are missing; journald drops lines above its rate limit"));
    }
}

/// Follows these sources from where reading began on, without what was read before.
///
/// journalctl looks for the next entry of one unit after the other. What journald writes meanwhile for a unit that was looked
/// at already is passed over when a later entry of another unit is found, and a cursor behind that one would never see it.
/// So each question begins where the answer before the last one ended, what was shown is left out, and it is asked until an
/// answer brings nothing new.
pub fn follow(world: &World, sources: &[usize], each: &mut dyn FnMut(&Raw<'_>) -> bool) -> Result<(), Trouble> {
    let read = std::mem::take(&mut *world.entries.lock().unwrap_or_else(PoisonError::into_inner));
    // Where only the last lines were read, those before them are not wanted, whenever they were written.
    let newest_only = world.wanted.tail.is_some();
    let before: Vec<i64> = world.seen.iter().map(|time| time.load(Ordering::Relaxed)).collect();
    let units: Vec<String> = sources.iter().flat_map(|index| units(world, *index)).cloned().collect();
    let namespaced = namespaced(world, sources);
    let mut query = Query { units, since: Some(world.begun), namespaced, ..Query::default() };
    let mut watch = Watch::default();
    // Of the last answer: all entries, and the cursor of the last.
    let mut shown = Seen::default();
    let mut end: Option<String> = None;
    let mut troubled = false;
    loop {
        let asked = Instant::now();
        let mut answered = Seen { hasher: shown.hasher.clone(), hashes: HashSet::new() };
        let mut last = None;
        let mut news = false;
        let mut wanted = true;
        let mut one = |raw: &Raw<'_>| {
            let At::Entry(cursor) = raw.at else { return true };
            last = Some(cursor.to_owned());
            let is_new = answered.insert(cursor) && !shown.contains(cursor);
            let was_read = read.contains(cursor) || (newest_only && raw.time <= Some(before[raw.source]));
            if is_new && !(query.after.is_none() && was_read) {
                news = true;
                wanted = each(raw);
            }
            wanted
        };
        let answer = ask(world, sources, &query, world.silence, &mut one);
        if !wanted || world.board.closed() {
            return Ok(());
        }
        match answer {
            Ok(()) => {
                troubled = false;
                if end.is_some() {
                    query.after.clone_from(&end);
                    query.since = None;
                }
                end = last.or(end);
                shown = answered;
            }
            Err(trouble @ (Trouble::NeedsRoot(_) | Trouble::Missing(_) | Trouble::Untrusted(_))) => {
                return Err(trouble);
            }
            Err(trouble) => {
                shown.hashes.extend(answered.hashes);
                // Said once; it is asked again until it answers or the operator has had enough.
                if troubled {
                    thread::sleep(RENEW);
                } else {
                    world.incomplete(&format!("journal: {trouble}; retrying"));
                }
                troubled = true;
            }
        }
        thread::sleep(PACE.saturating_sub(asked.elapsed()));
        while !news && !troubled && !watch.changed(world) {
            if world.board.closed() {
                return Ok(());
            }
            thread::sleep(POLL_JOURNAL);
        }
    }
}

/// Whether journald has written: every journal file says in its header, at a fixed place, the number of its last entry
/// (<https://systemd.io/JOURNAL_FILE_FORMAT>, `tail_entry_seqnum`).
#[derive(Debug, Default)]
struct Watch {
    files: Vec<(PathBuf, u64)>,
    listed: Option<Instant>,
}

impl Watch {
    fn changed(&mut self, world: &World) -> bool {
        const TAIL_ENTRY_SEQNUM: u64 = 160;
        let number = |path: &PathBuf| -> io::Result<u64> {
            let mut bytes = [0; 8];
            world.system.open(path)?.read_exact_at(&mut bytes, TAIL_ENTRY_SEQNUM)?;
            Ok(u64::from_le_bytes(bytes))
        };
        let mut changed = false;
        if self.listed.is_none_or(|listed| listed.elapsed() >= RENEW) {
            self.listed = Some(Instant::now());
            let found = files(world);
            if found.is_empty() {
                // A journal that cannot be watched is asked at intervals.
                return true;
            }
            self.files.retain(|(path, _)| found.contains(path));
            for path in found {
                if self.files.iter().all(|(known, _)| *known != path) {
                    changed = true;
                    self.files.push((path, 0));
                }
            }
        }
        for (path, last) in &mut self.files {
            if let Ok(number) = number(path)
                && number != *last
            {
                *last = number;
                changed = true;
            }
        }
        changed
    }
}

/// The journal files that are written to: those without an `@` in the name are not yet archived.
fn files(world: &World) -> Vec<PathBuf> {
    let below = |place: PathBuf| {
        let names = world.system.names(&place).unwrap_or_default();
        names.into_iter().map(move |name| place.join(name))
    };
    let active = |name: &str| name.ends_with(".journal") && !name.contains('@');
    let files = ["/var/log/journal", "/run/log/journal"].map(PathBuf::from).into_iter().flat_map(below).flat_map(below);
    files.filter(|file| file.file_name().and_then(|name| name.to_str()).is_some_and(active)).collect()
}
