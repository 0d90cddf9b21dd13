//! PURE. Which copies may go. It is easier to keep one too many than to have one too few: what is not surely ours, surely old
//! and surely outlived by better ones stays.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::name::Id;
use super::sequence::Gap;
use crate::registry::Retention;

/// The newest verified copies that are never deleted.
pub const FLOOR: usize = 3;
/// How far the copy of the last run may be from now before the clock is doubted.
pub const JUMP: SignedDuration = SignedDuration::from_hours(48);
/// How far ahead of the clock the name of a copy may be.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// How old what is left of a run without a manifest must be: no run takes so long.
const LEFTOVER: SignedDuration = SignedDuration::from_hours(24);
/// More than one copy in so many is not deleted at once without being told the number.
const SHARE: usize = 4;

/// What is known of one run of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The run.
    pub id: Id,
    /// What it is worth.
    pub worth: Worth,
}

/// What a copy is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// Proven, and nothing known against it.
    Verified,
    /// It has a manifest, but something is wrong with it.
    Bad,
    /// Without a manifest: a run that did not finish, or has not yet.
    Unfinished,
}

/// How the last run of a set ended, as this host recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastRun {
    /// The copy was proven.
    Well(Id),
    /// It was not, or it did not come to its end; what is known of it.
    Failed(String),
    /// This host knows of none.
    None,
}

/// Why nothing is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The last run failed (H1).
    FailedRun(String),
    /// There is no verified copy at all.
    NothingVerified,
    /// The last run's copy is not among those on the remote (G9, G10).
    Incomplete(Id),
    /// The copy of the last run is too far from now: the clock is wrong, or it was made too long ago (H2).
    Clock(Id),
    /// So many would go by the clock of the newest copies, between which it jumped or nothing was proven for long, and nobody
    /// named that number (H2).
    Apart(usize, Id, Id),
    /// The policy keeps nothing (H4).
    Policy,
    /// So many of so many would go at once, and nobody named that number (H4).
    TooMany(usize, usize),
    /// The numbers of the newest runs do not follow each other.
    Gap(Gap),
}

impl Refusal {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Refusal::FailedRun(what) => format!("the last run failed: {what}"),
            Refusal::NothingVerified => "there is no verified copy".to_owned(),
            Refusal::Incomplete(id) => format!("{id}, which the last run verified, is missing or no longer good"),
            Refusal::Clock(id) => {
                format!("the last copy, {id}, is more than 48 h away from the host's clock")
            }
            Refusal::Apart(some, newer, older) => format!(
                "{some} would be deleted, but {newer} and {older} before it are more than 48 h apart: check the clock"
            ),
            Refusal::Policy => "the policy keeps nothing".to_owned(),
            Refusal::TooMany(some, all) => format!("{some} of {all} copies would be deleted at once"),
            Refusal::Gap(gap) => gap.words(),
        }
    }
}

/// What goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Copies that the policy has no use for, oldest first.
    pub outlived: Vec<Id>,
    /// What is left of runs that never finished, oldest first.
    pub leftovers: Vec<Id>,
    /// Copies that stay, newest first, and why.
    pub kept: Vec<(Id, &'static str)>,
}

impl Decision {
    /// All that goes.
    pub fn going(&self) -> usize {
        self.outlived.len().saturating_add(self.leftovers.len())
    }
}

/// Decides, at this time. `count` is the number of copies that somebody has agreed to.
///
/// # Errors
/// Why nothing may go.
pub fn decide(
    policy: Retention,
    known: &[Known],
    last: &LastRun,
    now: Timestamp,
    count: Option<usize>,
) -> Result<Decision, Refusal> {
    let last = match last {
        LastRun::Well(id) => *id,
        LastRun::Failed(what) => return Err(Refusal::FailedRun(what.clone())),
        LastRun::None => return Err(Refusal::FailedRun("this host has recorded no run".to_owned())),
    };
    let is_future = |id: &Id| id.time.duration_since(now) > SKEW;
    let mut verified: Vec<Id> = known.iter().filter(|k| k.worth == Worth::Verified).map(|k| k.id).collect();
    verified.sort_unstable_by(|a, b| b.cmp(a));
    if verified.is_empty() {
        return Err(Refusal::NothingVerified);
    }
    if !verified.contains(&last) {
        return Err(Refusal::Incomplete(last));
    }
    let present: Vec<Id> = verified.iter().copied().filter(|id| !is_future(id)).collect();
    // By the run that this host saw itself: whatever else claims to be newer or older, the clock has moved on from there.
    if now.duration_since(last.time).abs() > JUMP || present.is_empty() {
        return Err(Refusal::Clock(last));
    }
    let mut kept: BTreeMap<Id, &'static str> = BTreeMap::new();
    let mut keep = |id: Id, why: &'static str| {
        kept.entry(id).or_insert(why);
    };
    // By number, and by time: whichever of the two is right.
    verified.iter().filter(|id| is_future(id)).for_each(|id| keep(*id, "its time is in the future"));
    verified.iter().take(FLOOR).for_each(|id| keep(*id, "one of the three newest verified"));
    let mut by_time = present.clone();
    by_time.sort_unstable_by_key(|id| std::cmp::Reverse(id.time));
    present
        .iter()
        .take(FLOOR)
        .chain(by_time.iter().take(FLOOR))
        .for_each(|id| keep(*id, "one of the three newest verified"));
    match policy {
        Retention::Days(0) | Retention::Tiers { daily: 0, weekly: 0, monthly: 0 } => return Err(Refusal::Policy),
        Retention::Days(days) => {
            let oldest = SignedDuration::from_hours(i64::from(days).saturating_mul(24));
            by_time
                .iter()
                .filter(|id| now.duration_since(id.time) <= oldest)
                .for_each(|id| keep(*id, "younger than the policy"));
        }
        Retention::Tiers { daily, weekly, monthly } => {
            newest_of_each(&by_time, daily, |day| day).for_each(|id| keep(id, "the newest of its day"));
            newest_of_each(&by_time, weekly, |day| {
                let days = i64::from(day.weekday().to_monday_zero_offset());
                day.checked_sub(jiff::Span::new().days(days)).unwrap_or(day)
            })
            .for_each(|id| keep(id, "the newest of its week"));
            newest_of_each(&by_time, monthly, Date::first_of_month).for_each(|id| keep(id, "the newest of its month"));
        }
    }
    let mut decision = Decision::default();
    for Known { id, worth } in known {
        let old = now.duration_since(id.time);
        match worth {
            Worth::Verified if !kept.contains_key(id) => decision.outlived.push(*id),
            Worth::Unfinished if !is_future(id) && old > LEFTOVER => decision.leftovers.push(*id),
            // What is wrong with a bad one is for somebody to look into, who then deletes it by hand.
            Worth::Verified | Worth::Bad | Worth::Unfinished => {}
        }
    }
    decision.outlived.sort_unstable();
    decision.leftovers.sort_unstable();
    decision.kept = kept.into_iter().rev().collect();
    let copies = known.iter().filter(|k| k.worth != Worth::Unfinished).count();
    let going = decision.outlived.len();
    if going.saturating_mul(SHARE) > copies && count != Some(going) {
        return Err(Refusal::TooMany(going, copies));
    }
    // A copy that is made by a wrong clock agrees with it; the ones before it do not.
    let mut newest = present.iter().zip(present.iter().skip(1)).take(FLOOR.saturating_sub(1));
    let apart = newest.find(|(newer, older)| newer.time.duration_since(older.time).abs() > JUMP);
    if let Some((newer, older)) = apart.filter(|_| going > 0 && count != Some(going)) {
        return Err(Refusal::Apart(going, *newer, *older));
    }
    Ok(decision)
}

/// The newest copy of each of the newest `count` spans of time that have one.
fn newest_of_each(newest_first: &[Id], count: u16, span: impl Fn(Date) -> Date) -> impl Iterator<Item = Id> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for id in newest_first {
        let day = id.time.to_zoned(TimeZone::UTC).date();
        if seen.len() == usize::from(count) && !seen.contains(&span(day)) {
            break;
        }
        if seen.insert(span(day)) {
            found.push(*id);
        }
    }
    found.into_iter()
}

#[cfg(test)]
#[path = "retention/tests.rs"]
mod tests;
