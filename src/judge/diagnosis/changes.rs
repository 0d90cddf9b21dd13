//! Which changes came shortly before a finding. That something came before says nothing of its being the reason; it is shown
//! beside the finding, never as its cause.

use jiff::{SignedDuration, Timestamp};

use super::Finding;
use crate::observe::clues::changes::Change;
use crate::units;

/// How long before a change may have been, hours.
pub const REACH: SignedDuration = SignedDuration::from_hours(24);
/// How many are told.
const TOLD: usize = 5;
/// Times of files and units are whole seconds, and a start takes a moment.
const SLACK: SignedDuration = SignedDuration::from_secs(2);

/// The newest changes of the host and of this finding's service before it began; where that is not known, before now.
pub fn before<'c>(finding: &Finding, changes: &'c [Change], now: Timestamp) -> Vec<&'c Change> {
    let began = finding.since.unwrap_or(now);
    let concerns = |change: &&Change| {
        let own = change.service.is_none() || change.service == finding.service.map(|service| service.name);
        own && change.time <= units::later(began, SLACK) && change.time >= units::earlier(began, REACH)
    };
    let mut found: Vec<&Change> = changes.iter().filter(concerns).collect();
    found.sort_by_key(|change| std::cmp::Reverse(change.time));
    found.dedup_by_key(|change| &change.what);
    found.truncate(TOLD);
    found
}
