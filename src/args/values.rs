//! Values on the command line: time spans and moments.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::units::span;

/// A moment on the command line.
#[derive(Debug, Clone)]
pub enum Moment {
    /// So long ago.
    Ago(Duration),
    /// Exactly then.
    Then(Timestamp),
    /// By the host's clock on the wall.
    Local(DateTime),
    /// At that time of the day, so many days ago.
    Day(i64, Time),
    /// At that time of the day: today, or yesterday where today's is still to come.
    Clock(Time),
}

impl Moment {
    /// When that is. `None` beyond the end of time.
    pub fn at(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Moment::Ago(span) => now.checked_sub(SignedDuration::try_from(*span).ok()?).ok(),
            Moment::Then(time) => Some(*time),
            Moment::Local(time) => zone.to_timestamp(*time).ok(),
            Moment::Day(days, time) => day(now, zone, *days, *time),
            Moment::Clock(time) => {
                day(now, zone, 0, *time).filter(|then| *then <= now).or_else(|| day(now, zone, 1, *time))
            }
        }
    }

    /// When that is as the end of what begins at `begin`: a time of the day is the first one after it.
    pub fn ending(&self, begin: Option<Timestamp>, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let end = self.at(now, zone)?;
        match (self, begin) {
            (Moment::Clock(time), Some(begin)) if end < begin => day(now, zone, 0, *time),
            _ => Some(end),
        }
    }
}

/// That time of the day, so many days ago.
fn day(now: Timestamp, zone: &TimeZone, days: i64, time: Time) -> Option<Timestamp> {
    let day = zone.to_datetime(now).date().checked_sub(days.days()).ok()?;
    zone.to_timestamp(day.to_datetime(time)).ok()
}

/// `12:00` or `12:00:30`.
fn clock(text: &str) -> Option<Time> {
    let is_clock = text.contains(':') && text.chars().all(|c| c.is_ascii_digit() || c == ':');
    if is_clock { text.parse().ok() } else { None }
}

/// Parses `10m`, `2h ago`, `12:00`, `today`, `yesterday 12:00`, `now`, a date, a date and time of the host's clock, RFC 3339,
/// and `@` with seconds since 1970, as journalctl does.
pub fn moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    let ago = text.strip_suffix("ago").unwrap_or(text).trim().trim_start_matches('-');
    if text == "now" {
        return Ok(Moment::Ago(Duration::ZERO));
    }
    for (name, days) in [("today", 0), ("yesterday", 1)] {
        match text.strip_prefix(name).map(str::trim_start) {
            Some("") => return Ok(Moment::Day(days, Time::midnight())),
            Some(rest) if text.contains(' ') => {
                if let Some(time) = clock(rest) {
                    return Ok(Moment::Day(days, time));
                }
            }
            Some(_) | None => {}
        }
    }
    if let Some(time) = clock(text) {
        return Ok(Moment::Clock(time));
    }
    if let Some(seconds) = text.strip_prefix('@').and_then(|seconds| seconds.parse().ok()) {
        return Timestamp::from_second(seconds).map(Moment::Then).map_err(|error| error.to_string());
    }
    if let Some(time) = text.strip_suffix(" UTC").and_then(|time| time.parse::<DateTime>().ok()) {
        return TimeZone::UTC.to_timestamp(time).map(Moment::Then).map_err(|error| error.to_string());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Moment::Then(time));
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return Ok(Moment::Local(time));
    }
    span(ago).map(Moment::Ago).map_err(|_| {
        "expected a time such as 10m, 2h, 12:00, yesterday, 2026-02-26, '2026-02-26 02:11' or 2026-02-26T02:11:07Z"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-22T05:14:42Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let at = |text: &str| moment(text).unwrap().at(now, &zone).unwrap().to_string();
        assert_eq!(at("10m"), "2026-11-22T05:04:42Z");
        assert_eq!(at("-2h"), "2026-11-22T03:14:42Z");
        assert_eq!(at("1h30m ago"), "2026-11-22T03:44:42Z");
        assert_eq!(at("now"), "2026-11-22T05:14:42Z");
        assert_eq!(at("today"), "2026-11-21T23:00:00Z");
        assert_eq!(at("yesterday"), "2026-11-20T23:00:00Z");
        assert_eq!(at("2026-02-26"), "2026-02-25T23:00:00Z");
        assert_eq!(at("2026-02-26 02:11"), "2026-02-26T01:11:00Z");
        assert_eq!(at("2026-02-26T02:11:07Z"), "2026-02-26T02:11:07Z");
        assert_eq!(at("06:10"), "2026-11-22T05:10:00Z");
        assert_eq!(at("12:00"), "2026-11-21T11:00:00Z", "today's is still to come");
        assert_eq!(at("yesterday 12:00:30"), "2026-11-21T11:00:30Z");
        assert_eq!(at("today 07:00"), "2026-11-22T06:00:00Z");
        assert_eq!(at("2 hours ago"), "2026-11-22T03:14:42Z");
        assert_eq!(at("@1700000000"), "2023-11-14T22:13:20Z");
        assert_eq!(at("2026-02-26 02:11:07 UTC"), "2026-02-26T02:11:07Z");
        let ending = |begin: &str, end: &str| {
            let begin = moment(begin).unwrap().at(now, &zone);
            moment(end).unwrap().ending(begin, now, &zone).unwrap().to_string()
        };
        assert_eq!(ending("23:00", "07:00"), "2026-11-22T06:00:00Z");
        assert_eq!(ending("23:00", "06:00"), "2026-11-22T05:00:00Z");
        assert_eq!(ending("22:00", "23:00"), "2026-11-21T22:00:00Z");
        for wrong in
            ["", "10", "soon", "2026-13-01", "yesterdays", "1y", "25:00", "12:", ":", "yesterday12:00", "@", "@x"]
        {
            assert!(moment(wrong).is_err(), "{wrong:?}");
        }
    }
}
