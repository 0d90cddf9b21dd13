//! Many lanes of lines, each in order, become one stream in order. Memory is bounded: a lane that is ahead waits. A lane that
//! falls silent is waited for only so long.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::host::trouble::Trouble;

/// Bytes of finished lines after which a batch is handed over.
const BATCH: usize = 32 << 10;
/// Bytes that a lane may be ahead.
const AHEAD: usize = 64 << 10;
/// Lines are handed over at least this often.
const OFTEN: Duration = Duration::from_millis(50);
/// While following, how long a line is held back for an earlier one from elsewhere.
const HOLD: Duration = Duration::from_millis(50);
/// How long a lane may keep the others waiting.
pub const LAG: Duration = Duration::from_millis(2400);
/// How often it is looked whether anybody still reads.
const POLL_SOURCES: Duration = Duration::from_millis(200);

/// Finished lines of one lane.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Of each line: its time in microseconds, and where it ends in `bytes`.
    lines: Vec<(i64, usize)>,
}

/// How far a lane has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Reads what was written before: the others wait for it.
    Behind,
    /// Follows: its next line comes when it is written.
    Live,
    /// Has no more.
    Ended,
}

#[derive(Debug)]
struct Lane {
    name: String,
    queue: VecDeque<Batch>,
    ahead: usize,
    /// No line before this time will come, microseconds.
    reached: i64,
    phase: Phase,
    heard: Instant,
    late: bool,
    /// What its pen has not handed over yet: taken when there is nothing else to print, for its reader may be waiting.
    pending: Arc<Mutex<Batch>>,
}

#[derive(Debug, Default)]
struct BoardState {
    lanes: Vec<Lane>,
    troubles: Vec<(String, Trouble)>,
    told: Vec<(String, Trouble)>,
    closed: bool,
}

/// Where the lanes meet.
#[derive(Debug, Default)]
pub struct Board {
    state: Mutex<BoardState>,
    changed: Condvar,
}

impl Board {
    fn state(&self) -> MutexGuard<'_, BoardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, BoardState>, limit: Duration) -> MutexGuard<'a, BoardState> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    /// One more lane, with the means to fill it. One that is `live` from the start keeps nobody waiting.
    pub fn lane(self: &Arc<Self>, name: &str, live: bool) -> Pen {
        let mut state = self.state();
        state.lanes.push(Lane {
            name: name.to_owned(),
            queue: VecDeque::new(),
            ahead: 0,
            reached: i64::MIN,
            phase: if live { Phase::Live } else { Phase::Behind },
            heard: Instant::now(),
            late: false,
            pending: Arc::default(),
        });
        let lane = state.lanes.len() - 1;
        Pen { board: Arc::clone(self), lane, batch: Arc::clone(&state.lanes[lane].pending), flushed: None }
    }

    /// Tells of a source that could not be read, or not to its end; the same only once.
    pub fn trouble(&self, name: &str, trouble: Trouble) {
        let mut state = self.state();
        let told = (name.to_owned(), trouble);
        if !state.told.contains(&told) {
            state.told.push(told.clone());
            state.troubles.push(told);
        }
        self.changed.notify_all();
    }

    /// Whether any source could not be read.
    pub fn is_troubled(&self) -> bool {
        !self.state().told.is_empty()
    }

    /// Whether nobody wants more.
    pub fn closed(&self) -> bool {
        self.state().closed
    }
}

/// Fills one lane. Dropped, it ends the lane.
#[derive(Debug)]
pub struct Pen {
    board: Arc<Board>,
    lane: usize,
    batch: Arc<Mutex<Batch>>,
    /// When lines were handed over last; the first is at once.
    flushed: Option<Instant>,
}

fn open(batch: &Mutex<Batch>) -> MutexGuard<'_, Batch> {
    batch.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pen {
    /// Adds what `render` writes as one line of this time. False when nobody wants more.
    pub fn line(&mut self, time: i64, render: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut batch = open(&self.batch);
        render(&mut batch.bytes);
        let end = batch.bytes.len();
        batch.lines.push((time, end));
        let is_due = end >= BATCH
            || (batch.lines.len() % 64 == 1 && self.flushed.is_none_or(|flushed| flushed.elapsed() >= OFTEN));
        drop(batch);
        if is_due { self.flush() } else { true }
    }

    /// Says that no line before this time will come. False when nobody wants more.
    pub fn reached(&mut self, time: i64) -> bool {
        let going_on = self.flush();
        let mut state = self.board.state();
        let lane = &mut state.lanes[self.lane];
        lane.reached = lane.reached.max(time);
        lane.heard = Instant::now();
        self.board.changed.notify_all();
        going_on
    }

    /// Hands over what there is. False when nobody wants more.
    pub fn flush(&mut self) -> bool {
        self.flushed = Some(Instant::now());
        let mut state = self.board.state();
        while state.lanes[self.lane].ahead > AHEAD && !state.closed {
            state = self.board.wait(state, POLL_SOURCES);
        }
        let lane = &mut state.lanes[self.lane];
        lane.heard = Instant::now();
        let batch = std::mem::take(&mut *open(&self.batch));
        if !batch.lines.is_empty() {
            lane.ahead += batch.bytes.len();
            lane.queue.push_back(batch);
            self.board.changed.notify_all();
        }
        !state.closed
    }

    /// Says that all that was written before has been handed over. False when nobody wants more.
    pub fn live(&mut self) -> bool {
        let going_on = self.flush();
        self.board.state().lanes[self.lane].phase = Phase::Live;
        self.board.changed.notify_all();
        going_on
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        self.flush();
        self.board.state().lanes[self.lane].phase = Phase::Ended;
        self.board.changed.notify_all();
    }
}

/// What there is to say while lines are printed.
pub trait Watch {
    /// Whether nobody reads any more.
    fn abandoned(&self) -> bool;
    /// Microseconds since the epoch.
    fn now(&self) -> i64;
    /// A lane keeps the others waiting, and is waited for no longer.
    fn late(&self, name: &str);
    /// A source could not be read, or not to its end. Whether that counts.
    fn trouble(&self, name: &str, trouble: &Trouble) -> bool;
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Whether the time was over before the lines were.
    pub timed_out: bool,
    /// How many sources could not be read, or not to their end.
    pub troubles: usize,
    /// Whether there was any line.
    pub any: bool,
    /// Lanes that had not ended when the time was over.
    pub unfinished: Vec<String>,
}

/// Prints the lanes' lines, in order, until all have ended, nobody reads any more or `deadline` has come.
///
/// # Errors
/// When `out` cannot be written.
pub fn merge(board: &Board, out: &mut impl Write, watch: &dyn Watch, deadline: Option<Instant>) -> io::Result<Ending> {
    let result = Merger { board, watch, heads: Vec::new(), troubles: 0, any: false }.run(out, deadline);
    board.state().closed = true;
    board.changed.notify_all();
    result
}

struct Merger<'a> {
    board: &'a Board,
    watch: &'a dyn Watch,
    /// Of each lane the batch that is being printed, the next line in it, and since when it is there.
    heads: Vec<Option<(Batch, usize, Instant)>>,
    troubles: usize,
    any: bool,
}

/// What to do next.
enum Turn {
    /// Print of this lane all lines up to this time.
    Print(usize, i64),
    /// Nothing for so long, unless something changes.
    Wait(Duration),
    /// There is no more.
    End,
}

impl Merger<'_> {
    fn run(&mut self, out: &mut impl Write, deadline: Option<Instant>) -> io::Result<Ending> {
        let mut looked = Instant::now();
        loop {
            let mut state = self.board.state();
            let turn = self.turn(&mut state);
            for (name, trouble) in std::mem::take(&mut state.troubles) {
                self.troubles += usize::from(self.watch.trouble(&name, &trouble));
            }
            let timed_out = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            match turn {
                _ if timed_out => {
                    // A lane that only follows has read what there was.
                    let unfinished = state.lanes.iter().filter(|lane| lane.phase == Phase::Behind);
                    let unfinished = unfinished.map(|lane| lane.name.clone()).collect();
                    drop(state);
                    out.flush()?;
                    return Ok(Ending { timed_out, troubles: self.troubles, any: self.any, unfinished });
                }
                Turn::End => {
                    drop(state);
                    out.flush()?;
                    let unfinished = Vec::new();
                    return Ok(Ending { timed_out, troubles: self.troubles, any: self.any, unfinished });
                }
                Turn::Print(lane, until) => {
                    drop(state);
                    self.print(lane, until, out)?;
                }
                Turn::Wait(limit) => {
                    drop(state);
                    out.flush()?;
                    let state = self.board.state();
                    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
                    // What changed between the two locks is found at once.
                    if !self.anything_new(&state) {
                        drop(self.board.wait(state, limit.min(OFTEN).min(left.unwrap_or(OFTEN))));
                    }
                }
            }
            if looked.elapsed() >= POLL_SOURCES / 2 {
                looked = Instant::now();
                if self.watch.abandoned() {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
            }
        }
    }

    fn anything_new(&self, state: &BoardState) -> bool {
        let empty = |index: usize| self.heads.get(index).is_none_or(Option::is_none);
        !state.troubles.is_empty()
            || state.lanes.iter().enumerate().any(|(index, lane)| empty(index) && !lane.queue.is_empty())
    }

    fn turn(&mut self, state: &mut BoardState) -> Turn {
        let now = Instant::now();
        self.heads.resize_with(state.lanes.len(), || None);
        for (head, lane) in self.heads.iter_mut().zip(&mut state.lanes) {
            if head.is_some() {
                continue;
            }
            if let Some(batch) = lane.queue.pop_front() {
                lane.ahead -= batch.bytes.len();
                *head = Some((batch, 0, now));
                self.board.changed.notify_all();
            } else if lane.heard.elapsed() >= OFTEN {
                let batch = std::mem::take(&mut *open(&lane.pending));
                *head = (!batch.lines.is_empty()).then_some((batch, 0, now));
            }
        }
        let time_of = |head: &Option<(Batch, usize, Instant)>| head.as_ref().map(|(batch, at, _)| batch.lines[*at].0);
        let first = (0..self.heads.len()).filter_map(|lane| Some((time_of(&self.heads[lane])?, lane))).min();
        // How long the lanes without a line may keep the first line from being printed, and whose line may come next.
        let mut until = i64::MAX;
        let mut wait = Duration::ZERO;
        for (index, lane) in state.lanes.iter_mut().enumerate() {
            match (time_of(&self.heads[index]), lane.phase) {
                (Some(time), _) => {
                    if first.is_some_and(|(_, first)| first != index) {
                        until = until.min(time);
                    }
                }
                (None, Phase::Ended) => {}
                (None, _) if lane.reached == i64::MAX => {}
                (None, Phase::Behind) if lane.late => {}
                (None, Phase::Behind) => {
                    if first.is_none_or(|(time, _)| lane.reached < time) {
                        let left = LAG.saturating_sub(lane.heard.elapsed());
                        if left.is_zero() && first.is_some() {
                            lane.late = true;
                            self.watch.late(&lane.name);
                        } else {
                            wait = wait.max(left.max(Duration::from_millis(1)));
                        }
                    } else {
                        until = until.min(lane.reached);
                    }
                }
                (None, Phase::Live) => {
                    if let Some((time, first)) = first
                        && let Some((_, _, arrived)) = &self.heads[first]
                    {
                        let age = self.watch.now().saturating_sub(time).max(0).unsigned_abs();
                        let left = HOLD.saturating_sub(Duration::from_micros(age));
                        wait = wait.max(left.min(HOLD.saturating_sub(arrived.elapsed())));
                        until = until.min(time);
                    }
                }
            }
        }
        match first {
            None if state.lanes.iter().all(|lane| lane.phase == Phase::Ended) => Turn::End,
            None => Turn::Wait(POLL_SOURCES),
            Some(_) if !wait.is_zero() => Turn::Wait(wait),
            Some((_, lane)) => Turn::Print(lane, until),
        }
    }

    fn print(&mut self, lane: usize, until: i64, out: &mut impl Write) -> io::Result<()> {
        self.any = true;
        let Some((batch, at, arrived)) = self.heads[lane].take() else { return Ok(()) };
        let begin = if at == 0 { 0 } else { batch.lines[at - 1].1 };
        // The first line is the earliest of all; those after it may go with it as long as nobody else's comes before.
        let count = batch.lines[at + 1..].iter().take_while(|(time, _)| *time <= until).count();
        let last = at + count;
        out.write_all(&batch.bytes[begin..batch.lines[last].1])?;
        if last + 1 < batch.lines.len() {
            self.heads[lane] = Some((batch, last + 1, arrived));
        }
        Ok(())
    }
}
#[cfg(test)]
mod tests;
