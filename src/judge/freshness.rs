//! PURE. Whether the newest verified copy of a set is recent enough.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::registry::{BackupSet, Verdict};
use crate::units::duration;

/// How far ahead of the clock a copy may be.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// The part of what may be lost by which a copy may be older: the next one has to be made and proven first.
const GRACE: i32 = 12;

/// How recent a set's newest verified copy is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Freshness {
    /// The set.
    pub set: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// Age of the newest verified copy, seconds; `null` where there is none.
    pub age_seconds: Option<i64>,
    /// How old it may be, seconds.
    pub rpo_seconds: u32,
    /// In words.
    pub summary: String,
}

impl Freshness {
    /// How old its newest verified copy may be until it is a failure, seconds.
    pub fn oldest_seconds(&self) -> i64 {
        oldest(self.rpo_seconds).as_secs()
    }
}

fn oldest(rpo_seconds: u32) -> SignedDuration {
    let rpo = SignedDuration::from_secs(i64::from(rpo_seconds));
    rpo.saturating_add(rpo.checked_div(GRACE).unwrap_or_default())
}

/// What is said of a set of which nothing is known.
pub fn unknown(set: &BackupSet, why: &str) -> Freshness {
    Freshness {
        set: set.name.to_owned(),
        verdict: Verdict::Unknown,
        age_seconds: None,
        rpo_seconds: set.rpo_seconds,
        summary: format!("the records of its copies: {why}"),
    }
}

/// What is said of a set whose copies this host cannot tell from forged ones any more, without the key at this path.
pub fn unsigned(set: &BackupSet, key: &str) -> Freshness {
    Freshness {
        set: set.name.to_owned(),
        verdict: Verdict::Fail,
        age_seconds: None,
        rpo_seconds: set.rpo_seconds,
        summary: format!("no copy is signed with the key of this host, {key}; the next backup will be"),
    }
}

/// Judges a set by its newest verified copy, and by why its last run failed where it did.
pub fn judge(set: &BackupSet, newest: Option<Timestamp>, failed: Option<&str>, now: Timestamp) -> Freshness {
    let rpo = SignedDuration::from_secs(i64::from(set.rpo_seconds));
    let oldest = oldest(set.rpo_seconds);
    let age = newest.map(|newest| now.duration_since(newest));
    let (verdict, summary) = match age {
        None => (Verdict::Fail, "there is no verified copy".to_owned()),
        Some(age) if age < -SKEW => {
            (Verdict::Unknown, "the newest verified copy is in the future: check the clock".to_owned())
        }
        Some(age) if age > oldest => (
            Verdict::Fail,
            format!("the newest verified copy is {} old, the limit is {}", duration(age), duration(rpo)),
        ),
        Some(age) => match failed {
            Some(what) => (
                Verdict::Warn,
                format!("the last run failed: {what}; the newest verified copy is {} old", duration(age)),
            ),
            None => (Verdict::Pass, format!("the newest verified copy is {} old", duration(age))),
        },
    };
    Freshness {
        set: set.name.to_owned(),
        verdict,
        age_seconds: age.map(|age| age.as_secs()),
        rpo_seconds: set.rpo_seconds,
        summary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::DEPLOYMENTS;

    #[test]
    fn g9_a_copy_is_recent_enough_or_it_is_said() {
        let wallet = DEPLOYMENTS[0].backup("wallet").unwrap();
        let now: Timestamp = "2026-11-22T05:30:00Z".parse().unwrap();
        let judged = |minutes: i64, failed: Option<&str>| {
            let fresh = judge(wallet, Some(now - SignedDuration::from_mins(minutes)), failed, now);
            (fresh.verdict, fresh.summary)
        };
        assert_eq!(judge(wallet, None, None, now).verdict, Verdict::Fail);
        assert_eq!(judged(60, None), (Verdict::Pass, "the newest verified copy is 1h0m old".to_owned()));
        // The run of the next day is under way.
        assert_eq!(judged(24 * 60 + 30, None).0, Verdict::Pass);
        let old = "the newest verified copy is 1d3h old, the limit is 1d0h";
        assert_eq!(judged(27 * 60, None), (Verdict::Fail, old.to_owned()));
        assert_eq!(judged(-10, None).0, Verdict::Unknown);
        let failed = Some("it is missing");
        assert_eq!(judged(60, failed).0, Verdict::Warn);
        assert_eq!(judged(27 * 60, failed).0, Verdict::Fail);
    }
}
