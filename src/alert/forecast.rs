//! PURE. When a file system will be full at the rate of the last hours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Moment;
use crate::judge::health::Disk;
use crate::units::bytes;

/// How many samples are kept of a file system.
const KEPT: usize = 48;
/// How far apart samples are, seconds: a check every five minutes is noted each time, also where cron is a little early.
const APART: u64 = 270;
/// Samples that are older than this say nothing of the rate now, seconds.
const OLDEST: u64 = 6 * 3600;
/// Less is not forecast from, seconds.
const LEAST: u64 = 3600;
/// Fewer samples are not forecast from.
const FEWEST: usize = 4;
/// What is full later than this is not reported, seconds.
const AHEAD: u64 = 24 * 3600;
/// How many times as far as it was measured a rate is taken to hold. Before one tooth of a sawtooth ends, it is a straight line.
const REACH: u64 = 8;
/// A fall by more than this part of the size is a deletion, after which the rate is measured again.
const DELETION: u64 = 100;

/// How full a file system was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Moment,
    /// What services can no longer use, bytes: the size without what an ordinary user may still write.
    pub used_bytes: u64,
    /// Its size, bytes.
    pub size_bytes: u64,
}

impl Sample {
    /// Of a file system as a check found it.
    pub fn of(at: Moment, disk: &Disk) -> Self {
        Sample { at, used_bytes: disk.size_bytes.saturating_sub(disk.available_bytes), size_bytes: disk.size_bytes }
    }
}

/// When a file system will be full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forecast {
    /// Where it is mounted.
    pub mounted_on: String,
    /// In how many seconds it will be full.
    pub full_in_seconds: u64,
    /// How fast it fills up, bytes an hour.
    pub bytes_per_hour: u64,
    /// From how many seconds of measurements.
    pub measured_seconds: u64,
}

impl Forecast {
    /// `full in about 6 h at this rate (1.2 GiB/h)`.
    pub fn summary(&self) -> String {
        let minutes = self.full_in_seconds.div_ceil(60);
        let span = match minutes {
            0..100 => format!("{minutes} min"),
            _ => format!("{} h", (minutes + 30) / 60),
        };
        format!("full in about {span} at this rate ({}/h)", bytes(self.bytes_per_hour))
    }
}

/// Adds a sample to those of the same file system, oldest first. A deletion, another size, a reboot and a clock that went back begin a new
/// measurement; a sample that follows the last one too soon changes nothing else.
pub fn note(samples: &mut Vec<Sample>, sample: Sample) {
    if let Some(last) = samples.last() {
        let is_same = last.at.boot == sample.at.boot && last.at.uptime_seconds <= sample.at.uptime_seconds;
        let freed = last.used_bytes.saturating_sub(sample.used_bytes);
        if !is_same || last.size_bytes != sample.size_bytes || freed > sample.size_bytes / DELETION {
            samples.clear();
        } else if sample.at.uptime_seconds - last.at.uptime_seconds < APART {
            return;
        }
    }
    samples.push(sample);
    let newest = samples.last().map_or(0, |sample| sample.at.uptime_seconds);
    samples.retain(|sample| newest.saturating_sub(sample.at.uptime_seconds) <= OLDEST);
    samples.drain(..samples.len().saturating_sub(KEPT));
}

/// When the file system will be full, from its samples as [`note`] keeps them. `None` where that is not within a day, and where they do
/// not rise steadily: a log that is rotated and one large file are no rate.
pub fn forecast(mounted_on: &str, samples: &[Sample]) -> Option<Forecast> {
    let (first, last) = (samples.first()?, samples.last()?);
    let measured_seconds = last.at.uptime_seconds.checked_sub(first.at.uptime_seconds)?;
    if samples.len() < FEWEST || measured_seconds < LEAST || !is_steady(samples) {
        return None;
    }
    let rate = slope(samples)?;
    // What has ended, or nearly, is not taken to continue.
    let lately = slope(samples.get(samples.len() / 2..)?)?;
    if rate == 0 || lately < rate / 2 {
        return None;
    }
    let left = last.size_bytes.saturating_sub(last.used_bytes);
    let full_in_seconds = u64::try_from(u128::from(left) * 3600 / u128::from(rate)).ok()?;
    let is_near = full_in_seconds <= AHEAD.min(measured_seconds.saturating_mul(REACH));
    is_near.then(|| Forecast {
        mounted_on: mounted_on.to_owned(),
        full_in_seconds,
        bytes_per_hour: rate,
        measured_seconds,
    })
}

/// Whether it falls by less than a quarter of what it rises.
fn is_steady(samples: &[Sample]) -> bool {
    let (mut risen, mut fallen) = (0_u128, 0_u128);
    for (before, after) in samples.iter().zip(samples.iter().skip(1)) {
        risen += u128::from(after.used_bytes.saturating_sub(before.used_bytes));
        fallen += u128::from(before.used_bytes.saturating_sub(after.used_bytes));
    }
    fallen * 4 < risen
}

/// How fast it rises, bytes an hour: the median of the slopes between any two samples (Theil and Sen), which a single outlier does not
/// move. `None` where it falls.
fn slope(samples: &[Sample]) -> Option<u64> {
    let mut slopes: Vec<i128> = Vec::new();
    for (index, later) in samples.iter().enumerate() {
        for earlier in samples.iter().take(index) {
            let seconds = later.at.uptime_seconds.saturating_sub(earlier.at.uptime_seconds);
            let risen = i128::from(later.used_bytes) - i128::from(earlier.used_bytes);
            slopes.extend((risen * 3600).checked_div(i128::from(seconds)));
        }
    }
    let middle = slopes.len() / 2;
    if slopes.is_empty() {
        return None;
    }
    let (_, median, _) = slopes.select_nth_unstable(middle);
    u64::try_from(*median).ok()
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;
    const SIZE: u64 = 100 * GIB;

    fn sample(seconds: u64, used_bytes: u64) -> Sample {
        let time = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::try_from(seconds).unwrap());
        let at = Moment { time, boot: "one".to_owned(), uptime_seconds: seconds };
        Sample { at, used_bytes, size_bytes: SIZE }
    }

    /// What is kept of a disk that is checked every five minutes, and what is forecast of it.
    fn kept(used: impl IntoIterator<Item = u64>) -> (Vec<Sample>, Option<Forecast>) {
        let mut samples = Vec::new();
        for (index, used) in (0..).zip(used) {
            note(&mut samples, sample(index * 300, used));
        }
        let forecast = forecast("/", &samples);
        (samples, forecast)
    }

    /// So many checks of a disk that fills up by so much in five minutes.
    fn rising(from: u64, step: u64, checks: u64) -> impl Iterator<Item = u64> + Clone {
        (0..checks).map(move |index| from + index * step)
    }

    #[test]
    fn a_sample_is_full_where_nothing_is_available() {
        let at = sample(0, 0).at;
        let disk = Disk {
            mounted_on: "/".to_owned(),
            size_bytes: SIZE,
            available_bytes: 0,
            used_percent: 100,
            inodes_used_percent: None,
        };
        // Also where the file system keeps a twentieth for root.
        assert_eq!(Sample::of(at.clone(), &disk), sample(0, SIZE));
        assert_eq!(Sample::of(at, &Disk { available_bytes: GIB, ..disk }), sample(0, SIZE - GIB));
    }

    #[test]
    fn it_takes_an_hour_and_is_in_words_for_people() {
        // 12 GiB an hour, 18 left at the end of the hour.
        assert_eq!(kept(rising(70 * GIB, GIB, 12)).1, None);
        let forecast = kept(rising(70 * GIB, GIB, 13)).1.unwrap();
        assert_eq!((forecast.full_in_seconds, forecast.measured_seconds), (5400, 3600));
        assert_eq!(forecast.summary(), "full in about 90 min at this rate (12.0 GiB/h)");
        let later = Forecast { full_in_seconds: 6 * 3600 + 1000, ..forecast };
        assert_eq!(later.summary(), "full in about 6 h at this rate (12.0 GiB/h)");
    }

    #[test]
    fn a_ring_is_bounded_and_a_check_between_replaces_nothing() {
        let mut samples = Vec::new();
        for minute in 0..10_000 {
            note(&mut samples, sample(minute * 60, minute));
        }
        assert_eq!(samples.len(), KEPT);
        let apart = samples.windows(2).map(|two| two[1].at.uptime_seconds - two[0].at.uptime_seconds);
        assert_eq!(apart.min(), Some(300));
        let before = samples.clone();
        note(&mut samples, sample(before.last().unwrap().at.uptime_seconds + 60, 1));
        assert_eq!(samples, before);
    }

    #[test]
    fn it_is_not_taken_to_hold_for_much_longer_than_it_was_measured() {
        // Full in 19 hours.
        let step = GIB / 12;
        assert_eq!(kept(rising(80 * GIB, step, 13)).1, None);
        let forecast = kept(rising(80 * GIB, step, 40)).1.unwrap();
        assert_eq!(forecast.full_in_seconds / 3600, 16);
        // Full in more than a day.
        assert_eq!(kept(rising(60 * GIB, step, 48)).1, None);
    }

    #[test]
    fn a_deletion_another_size_and_a_reboot_begin_again() {
        let full = rising(70 * GIB, GIB, 20);
        assert!(kept(full.clone()).1.is_some());
        assert_eq!(kept(full.clone().chain([60 * GIB])).0.len(), 1);
        // Also where it is between two samples.
        let (mut samples, _) = kept(full.clone());
        note(&mut samples, sample(19 * 300 + 10, 60 * GIB));
        assert_eq!(samples.len(), 1);
        let changed: [fn(&mut Sample); 3] = [
            |sample| sample.size_bytes += 1,
            |sample| sample.at.boot = "two".to_owned(),
            |sample| sample.at.uptime_seconds = 10,
        ];
        for change in changed {
            let (mut samples, _) = kept(full.clone());
            let mut next = sample(20 * 300, 90 * GIB);
            change(&mut next);
            note(&mut samples, next);
            assert_eq!(samples.len(), 1);
        }
    }

    #[test]
    fn what_is_rotated_or_has_ended_is_no_rate() {
        // Half an hour up by 0.9 %, then down again: no deletion of more than 1 %.
        let teeth = (0..48).map(|index| 94 * GIB + (index % 6) * GIB * 18 / 100);
        assert_eq!(kept(teeth).1, None);
        // One file of 10 GiB, at any moment.
        for at in 0..48 {
            let step = (0..48).map(|index| if index < at { 80 * GIB } else { 90 * GIB });
            assert_eq!(kept(step).1, None, "{at}");
        }
        // It filled up for two hours, and for one it has not.
        let ended = rising(70 * GIB, GIB, 24).chain(std::iter::repeat_n(93 * GIB, 13));
        assert_eq!(kept(ended).1, None);
    }

    #[test]
    fn nothing_is_made_of_numbers_that_make_no_sense() {
        assert_eq!(forecast("/", &[]), None);
        let mut wild: Vec<Sample> = (0..10).map(|index| sample(index * 1000, index * (u64::MAX / 10))).collect();
        assert_eq!(forecast("/", &wild).map(|forecast| forecast.full_in_seconds), Some(0));
        wild.reverse();
        assert_eq!(forecast("/", &wild), None);
        assert_eq!(forecast("/", &[sample(0, 1), sample(0, 2), sample(0, 3), sample(7200, 4)]), None);
    }

    proptest! {
        #[test]
        fn a_disk_that_does_not_fill_up_is_never_forecast(
            start in 0..=SIZE,
            falls in proptest::collection::vec(0..GIB / 2, 1..100),
        ) {
            let falling = falls.iter().scan(start, |used, fall| {
                *used = used.saturating_sub(*fall);
                Some(*used)
            });
            prop_assert_eq!(kept(falling).1, None);
            prop_assert_eq!(kept(std::iter::repeat_n(start, 60)).1, None);
        }

        #[test]
        fn a_level_that_swings_is_never_forecast(
            level in SIZE / 2..SIZE - GIB,
            swings in proptest::collection::vec(0..GIB / 2, 48..60),
        ) {
            // Around one level, and never above it twice in a row.
            let swinging = swings.iter().enumerate().map(|(index, swing)| level + if index % 2 == 0 { *swing } else { 0 });
            prop_assert_eq!(kept(swinging).1, None);
        }

        #[test]
        fn a_constant_rate_is_found_within_a_twentieth(
            rate in GIB..40 * GIB,
            noise in proptest::collection::vec(0..1000_u64, 13..60),
            gaps in proptest::collection::vec(290..420_u64, 60),
        ) {
            let mut samples = Vec::new();
            let (mut seconds, mut truth) = (0, 0);
            for (noise, gap) in noise.iter().zip(&gaps) {
                // A thousandth of what an hour brings.
                truth = 20 * GIB + rate * seconds / 3600;
                note(&mut samples, sample(seconds, truth + rate / 1_000_000 * noise));
                seconds += gap;
            }
            prop_assume!(truth < SIZE);
            if let Some(found) = forecast("/", &samples) {
                prop_assert!(found.bytes_per_hour.abs_diff(rate) * 20 <= rate, "{} {rate}", found.bytes_per_hour);
                let left = (SIZE - truth) * 3600 / rate;
                prop_assert!(found.full_in_seconds.abs_diff(left) * 20 <= left.max(600), "{} {left}", found.full_in_seconds);
            } else {
                let measured = seconds - gaps[noise.len() - 1];
                prop_assert!(measured < LEAST || (SIZE - truth) * 3600 / rate * 11 / 10 > measured.min(OLDEST / 2) * REACH);
            }
        }

        #[test]
        fn jumps_of_the_clock_and_reboots_make_no_forecast(
            jumps in proptest::collection::vec((0..4_u8, -100_000_000..100_000_000_i64), 1..60),
        ) {
            // The level is constant, whatever the clocks do.
            let mut samples = Vec::new();
            let mut uptime = 0;
            for (kind, jump) in jumps {
                uptime = match kind {
                    0 => 0,
                    1 => jump.unsigned_abs(),
                    _ => uptime + 300,
                };
                let time = Timestamp::from_second(1_700_000_000 + jump).unwrap();
                let at = Moment { time, boot: (kind == 0).to_string(), uptime_seconds: uptime };
                note(&mut samples, Sample { at, used_bytes: 90 * GIB, size_bytes: SIZE });
                prop_assert!(samples.len() <= KEPT);
                prop_assert_eq!(forecast("/", &samples), None);
            }
            // A wall clock that jumps changes nothing of a rate.
            let mut samples = Vec::new();
            for index in 0..20 {
                let mut next = sample(index * 300, 70 * GIB + index * GIB);
                next.at.time = Timestamp::from_second(i64::try_from(index).unwrap() * -7_000_000).unwrap();
                note(&mut samples, next);
            }
            prop_assert_eq!(forecast("/", &samples), kept(rising(70 * GIB, GIB, 20)).1);
        }
    }
}
