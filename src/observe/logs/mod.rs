//! One stream of lines over the journal, containers, pm2 applications and files, in the order in which things happened.
//!
//! Every source has a reader in a thread of its own, which understands, filters and finishes its lines and puts them on a lane
//! of the [`merge::Board`]. The merge puts the lanes in order. Where only the last lines are wanted and the tool underneath
//! cannot know which those are (because of a filter, or because a service has several sources), they are looked for first
//! and read second, so that none need be held.

mod container;
pub mod destinations;
mod file;
mod filter;
mod journal;
mod kept;
pub mod level;
pub mod line;
mod mark;
pub mod merge;
mod open;
pub mod others;
mod packed;
pub mod parse;
mod readers;
mod recent;
mod rotated;
mod secrets;
pub mod source;
pub mod stamp;

pub use journal::boot;
pub use readers::start;
pub(crate) use secrets::keep_secret;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use regex::Regex;

use crate::host::exec::Processes;
use crate::host::system::System;
use crate::host::threads;
use crate::host::tools::Argv;
use crate::host::tools::docker::Listed;
use crate::host::trouble::Trouble;
use crate::observe::probe::ManagerEvidence;
use crate::redact::{self, Memory};
use crate::registry::{Deployment, Service};
use destinations::Destinations;
use level::LogLevel;
use line::{Line, Said};
use merge::Board;
use source::Source;
use stamp::Clock;

/// How long a source may say nothing at all before it is given up.
const SILENCE: Duration = Duration::from_secs(10);

/// How many of a service's newest lines are looked through for its last words.
const NEWEST: u64 = 30;

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// At or after, microseconds since the epoch.
    pub since: Option<i64>,
    /// At or before, microseconds since the epoch.
    pub until: Option<i64>,
    /// Only so many of the newest of each service.
    pub tail: Option<u64>,
    /// Of the run before the present one.
    pub previous: bool,
    /// And all that are written from now on.
    pub follow: bool,
    /// At least as grave.
    pub level: Option<LogLevel>,
    /// Matching.
    pub grep: Option<Regex>,
    /// For a few words beside something else: nothing is waited for, and nothing is said of what is missing.
    pub brief: bool,
}

/// What readers share.
pub struct World {
    system: Arc<System>,
    trace: Option<fn(&Argv)>,
    /// What is read.
    pub sources: Vec<Source>,
    /// How long a tool may take to begin.
    patience: Duration,
    /// How long a tool may be silent.
    silence: Duration,
    clock: Clock,
    /// What must be known of each source that was read, by whoever follows it.
    memory: Vec<Mutex<Memory>>,
    wanted: Wanted,
    /// The newest that was read of each source: of a journal's entries microseconds, of a container's rows nanoseconds.
    seen: Vec<AtomicI64>,
    /// When reading began, microseconds since the epoch.
    begun: i64,
    /// The entries of the journal since then that were read before they are followed.
    entries: Mutex<journal::Seen>,
    containers: OnceLock<Result<Vec<Listed>, Trouble>>,
    /// Of which sources how many of the newest lines were read, and when the oldest of these was written.
    short: Mutex<Vec<(usize, usize, i64)>>,
    /// Whether the journal does not reach back as far as is wanted.
    begins_late: AtomicBool,
    /// Of these sources, what is written where it cannot be read.
    lost: Vec<(String, Trouble)>,
    /// Where the readers' lines meet.
    pub board: Arc<Board>,
    notes: Sender<String>,
}

/// A line as its source has it.
struct Raw<'a> {
    /// Index of the source.
    source: usize,
    /// As the source's keeper says; what the line itself says is not looked at yet.
    time: Option<i64>,
    /// `None` where an entry has no message.
    text: Option<&'a [u8]>,
    /// How long the text truly is, bytes.
    length: u64,
    /// Syslog priority.
    priority: Option<u8>,
    /// Read only for the time that it states: it is before what is wanted.
    before: bool,
    /// Where it is put in time when neither its keeper nor the line nor one before it states any.
    fallback: i64,
    at: At<'a>,
}

/// Where a line is in its source.
#[derive(Debug, Clone, Copy)]
enum At<'a> {
    /// A journal entry's cursor.
    Entry(&'a str),
    /// A moment in a container's log.
    Moment(Timestamp),
    /// File by its inode, and offset.
    Offset(u64, u64),
}

/// Where to begin reading.
#[derive(Debug, Clone)]
enum LogPlace {
    Entry(String),
    Moment(Timestamp),
    Offset(u64, u64),
}

impl At<'_> {
    fn place(self) -> LogPlace {
        match self {
            At::Entry(cursor) => LogPlace::Entry(cursor.to_owned()),
            At::Moment(time) => LogPlace::Moment(time),
            At::Offset(inode, offset) => LogPlace::Offset(inode, offset),
        }
    }
}

/// What to read of a source.
#[derive(Debug, Clone, Default)]
struct Range {
    since: Option<i64>,
    until: Option<i64>,
    last: Option<u64>,
    from: Option<LogPlace>,
    /// One run: an invocation of a unit, or a container.
    run: Option<String>,
}

/// Finishes a line: writes it as it is to be printed, with the index of its source.
pub type Finish = Arc<dyn Fn(usize, &Line<'_>, &mut Vec<u8>) + Send + Sync>;

/// What the readers have to say beside lines.
pub type Notes = Receiver<String>;

impl World {
    /// For these sources of a deployment. Values that its services' env files hold are kept out of every line.
    pub fn new(
        system: &System,
        trace: Option<fn(&Argv)>,
        deployment: &'static Deployment,
        found: Destinations,
        wanted: Wanted,
        patience: Duration,
    ) -> (Arc<Self>, Notes) {
        let (notes, told) = channel();
        let Destinations { mut sources, lost, .. } = found;
        source::label(&mut sources);
        let world = World {
            trace,
            patience,
            silence: if wanted.brief { patience } else { SILENCE.max(patience) },
            clock: Clock { zone: system.zone(), now: system.now() },
            memory: sources.iter().map(|_| Mutex::default()).collect(),
            wanted,
            seen: sources.iter().map(|_| AtomicI64::new(i64::MIN)).collect(),
            begun: system.now().as_microsecond(),
            entries: Mutex::default(),
            containers: OnceLock::new(),
            short: Mutex::default(),
            begins_late: AtomicBool::new(false),
            lost: lost.into_iter().map(|(_, name, trouble)| (name, trouble)).collect(),
            board: Arc::default(),
            notes,
            system: Arc::new(system.clone()),
            sources,
        };
        keep_secret(system, deployment);
        // Ready, or nearly, when the first line comes.
        // Where it is refused, the first line waits for it.
        let _ = threads::start(|| {
            redact::house();
        });
        (Arc::new(world), told)
    }

    fn memory(&self, source: usize) -> MutexGuard<'_, Memory> {
        self.memory[source].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn processes(&self) -> Processes<'_> {
        Processes::new(&self.system, self.trace)
    }

    /// Microseconds since the epoch.
    fn now(&self) -> i64 {
        self.system.now().as_microsecond()
    }

    /// Whether the service of this source, or the host, has other sources that are read.
    fn has_others(&self, source: usize) -> bool {
        let name = |source: &Source| source.service.map(|service| service.name);
        self.sources.iter().filter(|other| name(other) == name(&self.sources[source])).count() > 1
    }

    /// Whether the journal begins after what is asked for, so that no line does not mean that none was written.
    pub fn begins_late(&self) -> bool {
        self.begins_late.load(Ordering::Relaxed)
    }

    /// Says that what is shown is not all.
    fn incomplete(&self, words: &str) {
        // Where nobody listens any more, nobody misses it.
        let _ = self.notes.send(words.to_owned());
    }
}

/// What a service wrote last that explains most, oldest first, as far as it can be read within `limit`: it is shown beside
/// something that says more.
pub fn last_words(
    system: &System,
    trace: Option<fn(&Argv)>,
    deployment: &'static Deployment,
    service: &'static Service,
    since: Option<Timestamp>,
    count: usize,
    limit: Duration,
) -> Vec<Said> {
    let wanted =
        Wanted { since: since.map(Timestamp::as_microsecond), tail: Some(NEWEST), brief: true, ..Wanted::default() };
    explaining(said(system, trace, deployment, service, wanted, limit), count)
}

/// Of the newest lines of a service the last that explain most: errors, where there are any, else those lines themselves.
pub fn explaining(mut lines: Vec<Said>, count: usize) -> Vec<Said> {
    let is_error = |line: &Said| line.level >= Some(LogLevel::Error);
    if lines.iter().any(is_error) {
        lines.retain(is_error);
    }
    last(lines, count)
}

/// The newest lines of a service, oldest first, as far as they can be read within `limit`.
pub fn newest(
    system: &System,
    trace: Option<fn(&Argv)>,
    deployment: &'static Deployment,
    service: &'static Service,
    limit: Duration,
) -> Vec<Said> {
    let wanted = Wanted { tail: Some(NEWEST), brief: true, ..Wanted::default() };
    said(system, trace, deployment, service, wanted, limit)
}

/// The last of these lines.
pub fn last(mut lines: Vec<Said>, count: usize) -> Vec<Said> {
    lines.split_off(lines.len().saturating_sub(count))
}

fn said(
    system: &System,
    trace: Option<fn(&Argv)>,
    deployment: &'static Deployment,
    service: &'static Service,
    wanted: Wanted,
    limit: Duration,
) -> Vec<Said> {
    let found = destinations(system, trace, &[service], None, limit);
    let heard = hear(system, trace, deployment, &[service], wanted, limit, &found);
    heard.lines.into_iter().map(|(_, said)| said).collect()
}

/// Where these services write, as registry and managers say. `known` is what the managers have said of them already.
pub fn destinations(
    system: &System,
    trace: Option<fn(&Argv)>,
    services: &[&'static Service],
    known: Option<&ManagerEvidence>,
    limit: Duration,
) -> Destinations {
    let sources = source::narrow(source::of_services(services), &[]);
    destinations::find(system, &Processes::new(system, trace), sources, known, limit)
}

/// What services wrote, to be looked through.
#[derive(Debug, Default)]
pub struct Heard {
    /// Lines with the names of their services, oldest first.
    pub lines: Vec<(&'static str, Said)>,
    /// Services of which not all could be read, and why.
    pub troubles: Vec<(&'static str, Trouble)>,
    /// Services of which only the newest lines were read: since when, and in words.
    pub reach: Vec<(&'static str, Timestamp, String)>,
}

/// Reads lines of these services where `found` says that they are, without secrets and in short. What is not read within
/// `limit` is a trouble.
pub fn hear(
    system: &System,
    trace: Option<fn(&Argv)>,
    deployment: &'static Deployment,
    services: &[&'static Service],
    wanted: Wanted,
    limit: Duration,
    found: &Destinations,
) -> Heard {
    let is_meant = |name: &str| services.iter().any(|service| service.name == name);
    let own = |source: &&Source| source.service.is_some_and(|service| is_meant(service.name));
    let sources = found.sources.iter().filter(own).cloned().collect();
    let here = Destinations { sources, ..Destinations::default() };
    let (world, _notes) = World::new(system, trace, deployment, here, wanted, limit);
    let (said, heard) = channel();
    let said = Mutex::new(said);
    let finish: Finish = Arc::new(move |_, line, _| {
        if let (Ok(said), Some(service)) = (said.lock(), line.service) {
            // Nobody listens only when the time is over.
            let _ = said.send((service, Said::of(line)));
        }
    });
    start(&world, &finish);
    drop(finish);
    let watch = Quiet::of(&world);
    // Nothing is printed, so nothing can fail to be.
    let ending = merge::merge(&world.board, &mut std::io::sink(), &watch, Some(Instant::now() + limit));
    for name in ending.map(|ending| ending.unfinished).unwrap_or_default() {
        watch.remember(&name, &Trouble::TimedOut(limit));
    }
    let mut troubles = watch.troubles.into_inner();
    let lost = found.lost.iter().filter_map(|(service, _, trouble)| Some(((*service)?, trouble.clone())));
    troubles.extend(lost.filter(|(service, _)| is_meant(service)));
    let mut lines: Vec<(&'static str, Said)> = heard.try_iter().collect();
    lines.sort_by_key(|(_, line)| line.time);
    // Where nobody says where a service writes, what was not found is not known.
    let doubts = found.doubts.iter().filter(|(name, _)| is_meant(name)).cloned();
    troubles.extend(doubts);
    let short = std::mem::take(&mut *world.short.lock().unwrap_or_else(PoisonError::into_inner));
    let reach = short.into_iter().filter_map(|(source, count, oldest)| {
        let service = world.sources[source].service?;
        let oldest = Timestamp::from_microsecond(oldest).unwrap_or(Timestamp::MAX);
        let words = match count {
            0 => format!("none of its lines could be read in {:.1} s", limit.as_secs_f32()),
            _ => format!("its newest {count} lines reach back only to {}", oldest.strftime("%H:%M:%S UTC")),
        };
        Some((service.name, oldest, words))
    });
    Heard { troubles, reach: reach.collect(), lines }
}

/// Says nothing, and remembers whose lines could not be read.
struct Quiet<'w> {
    world: &'w World,
    troubles: RefCell<Vec<(&'static str, Trouble)>>,
    first: RefCell<Option<Trouble>>,
}

impl<'w> Quiet<'w> {
    fn of(world: &'w World) -> Self {
        Quiet { world, troubles: RefCell::default(), first: RefCell::default() }
    }

    /// What went wrong first, whoever it is about.
    fn first_trouble(&self) -> Option<Trouble> {
        self.first.borrow().clone()
    }

    fn remember(&self, name: &str, trouble: &Trouble) {
        self.first.borrow_mut().get_or_insert_with(|| trouble.clone());
        let is_journal = |source: &Source| matches!(source.kind, source::Kind::Journal { .. });
        let meant = |source: &&Source| source.name == name || (name == "the journal" && is_journal(source));
        let owners = self.world.sources.iter().filter(meant).filter_map(|source| source.service);
        self.troubles.borrow_mut().extend(owners.map(|service| (service.name, trouble.clone())));
    }
}

impl merge::Watch for Quiet<'_> {
    fn abandoned(&self) -> bool {
        false
    }

    fn now(&self) -> i64 {
        Timestamp::now().as_microsecond()
    }

    fn late(&self, name: &str) {
        self.remember(name, &Trouble::TimedOut(self.world.patience));
    }

    fn trouble(&self, name: &str, trouble: &Trouble) -> bool {
        self.remember(name, trouble);
        true
    }
}
