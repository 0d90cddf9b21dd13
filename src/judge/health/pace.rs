//! Whether something ends again and again, judged by when it was restarted and not by how it is at this moment: between two
//! ends it runs, and in most samples that is all there is to see.

use jiff::{SignedDuration, Timestamp};

use crate::host::tools::history::{History, Restart, RunEnd};
use crate::units::{self, duration};

/// How many automatic restarts make a loop.
pub(super) const LOOP_RESTARTS: u32 = 3;
/// How long a run must last to count as one that stays up, whatever the pace before.
const SETTLED: SignedDuration = SignedDuration::from_secs(60);
/// How many times longer than the runs before it must last, so that it is not merely the next of them.
const LONGER: i32 = 3;
/// Up to this time between two restarts it is a loop, and beyond it something that keeps restarting.
const LOOP_GAP: SignedDuration = SignedDuration::from_mins(10);
/// What is looked at for a loop.
const LOOP_WINDOW: SignedDuration = SignedDuration::from_mins(30);
/// A single restart is told so long.
const LATELY: SignedDuration = SignedDuration::from_mins(10);
/// What is older says nothing of now.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What a manager says of the runs of a service.
pub(super) struct Runs<'a> {
    /// Automatic restarts that its manager counts since it was last started on purpose.
    pub(super) count: u32,
    /// When the present run began; `None` between two runs.
    pub(super) began: Option<Timestamp>,
    /// Since when it has existed, at the earliest.
    pub(super) first: Option<Timestamp>,
    /// When the restarts were; `None` where nobody asked.
    pub(super) history: Option<&'a Result<History, String>>,
    /// Whether the end of the last run is not counted yet.
    pub(super) has_ended: bool,
}

/// What follows from the restarts of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pace {
    /// None that matters now.
    Steady,
    /// Too few to be a loop, and the last of them not long ago.
    Lately,
    /// Again and again, with long runs between.
    Slow(String),
    /// Again and again.
    Loop(String),
    /// It was restarted too often not to know when.
    Open(String),
}

/// `3 restarts in 50s`.
fn counted(times: &[Timestamp], now: Timestamp) -> String {
    let span = times.first().map(|first| format!(" in {}", duration(now.duration_since(*first))));
    format!("{}{}", restarts(times.len()), span.unwrap_or_default())
}

fn restarts(count: usize) -> String {
    format!("{count} restart{}", if count == 1 { "" } else { "s" })
}

/// The longest time between two of these that follow each other.
fn longest_gap(times: &[Timestamp]) -> SignedDuration {
    let gaps = times.iter().zip(times.iter().skip(1)).map(|(one, next)| next.duration_since(*one));
    gaps.max().unwrap_or(SignedDuration::ZERO)
}

/// Whether a run of that length may be merely the next one of a series with such gaps.
fn is_next(life: SignedDuration, gap: SignedDuration) -> bool {
    life < SETTLED.max(gap.saturating_mul(LONGER))
}

/// The pace of a service that runs, or waits to be started again.
pub(super) fn judge(runs: &Runs<'_>, now: Timestamp) -> Pace {
    let enough = LOOP_RESTARTS as usize;
    let life = runs.began.map_or(SignedDuration::ZERO, |began| now.duration_since(began)).max(SignedDuration::ZERO);
    let known = match runs.history {
        Some(Ok(history)) => Some(history),
        Some(Err(_)) | None => None,
    };
    let mut times: Vec<Timestamp> = known.map(|history| lately(&history.restarts, now)).unwrap_or_default();
    if runs.has_ended {
        times.push(now);
    }
    if times.len() >= enough {
        let from = units::earlier(now, LOOP_WINDOW);
        let recent = &times[times.partition_point(|time| *time < from)..];
        let gap = longest_gap(recent);
        if recent.len() >= enough && gap <= LOOP_GAP && is_next(life, gap) {
            return Pace::Loop(counted(recent, now));
        }
        if is_next(life, longest_gap(&times)) {
            return Pace::Slow(counted(&times, now));
        }
    } else if runs.count.saturating_add(runs.has_ended.into()) >= LOOP_RESTARTS
        && !known.is_some_and(|history| history.is_whole)
    {
        return uncertain(runs, life, now);
    }
    let was_restarted = runs.count > 0 || !times.is_empty();
    if was_restarted && life < LATELY { Pace::Lately } else { Pace::Steady }
}

/// What follows from the number of restarts where their times are not known.
fn uncertain(runs: &Runs<'_>, life: SignedDuration, now: Timestamp) -> Pace {
    let count = restarts(runs.count as usize);
    if life < SETTLED {
        return Pace::Loop(count);
    }
    if life >= DAY {
        return Pace::Steady;
    }
    // All of them came between its first start and its last: their mean gap is no longer than that.
    let lives = runs.first.zip(runs.began).filter(|(first, began)| first <= began);
    if let Some((first, began)) = lives {
        let gap = began.duration_since(first) / i32::try_from(runs.count).unwrap_or(i32::MAX).max(1);
        let count = format!("{count} in {}", duration(now.duration_since(first)));
        if gap <= LOOP_GAP && is_next(life, gap) {
            return Pace::Loop(count);
        }
        if gap <= DAY / LOOP_RESTARTS.cast_signed() && is_next(life, gap) {
            return Pace::Slow(count);
        }
    }
    let last = duration(life);
    match life < LATELY {
        true => {
            let why = match runs.history {
                Some(Err(why)) => format!(": {why}"),
                Some(Ok(_)) => ": not recorded".to_owned(),
                None => String::new(),
            };
            Pace::Open(format!("{count}, the last {last} ago; times of the others unknown{why}"))
        }
        false => Pace::Slow(format!("{count}, the last {last} ago")),
    }
}

/// The times that lie within the last day, in order.
fn lately(restarts: &[Restart], now: Timestamp) -> Vec<Timestamp> {
    let since = units::earlier(now, DAY);
    let mut times: Vec<Timestamp> =
        restarts.iter().map(|restart| restart.time).filter(|time| *time >= since && *time <= now).collect();
    times.sort();
    times
}

/// How the run before the present one ended, where that is recorded.
pub(super) fn last(history: Option<&Result<History, String>>) -> Option<&RunEnd> {
    history?.as_ref().ok()?.last()
}

/// Whether every run that is recorded ended as one does that has done its work.
pub(super) fn is_clean(history: Option<&Result<History, String>>) -> bool {
    history.is_some_and(|history| history.as_ref().is_ok_and(History::is_clean))
}
