//! Sizes, times and spans of time, for people. Times are local with their offset for whoever sits at a terminal, UTC for pipes,
//! cron and JSON.

use std::sync::OnceLock;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// No time span is longer: what is added to a time then stays one that can be counted with.
const LONGEST_SPAN: Duration = Duration::from_hours(876_000);

/// The zone of every time that is printed; UTC where none is set.
static ZONE: OnceLock<TimeZone> = OnceLock::new();

/// From now on times are those of the caller's zone. The first call counts; tests do without.
pub fn set_local() {
    let _ = ZONE.set(TimeZone::system());
}

fn zone() -> TimeZone {
    ZONE.get().cloned().unwrap_or(TimeZone::UTC)
}

/// Parses `10s`, `2m`, `1h 30m`, `2d`; days have 24 hours.
pub fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time span with its unit, such as 10s, 2m or 1h30m".to_owned();
    let parsed: Span = text.parse().map_err(|_| wrong())?;
    let span: SignedDuration = parsed.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    let span = Duration::try_from(span).ok().filter(|span| !span.is_zero()).ok_or_else(wrong)?;
    match span <= LONGEST_SPAN {
        true => Ok(span),
        false => Err("expected a time span of at most a hundred years".to_owned()),
    }
}

/// `2026-02-26 02:11:07 UTC`, or with the offset of its zone: `2026-02-26 03:11:07 +01:00`.
pub fn stamp(time: Timestamp) -> String {
    stamp_in(zone(), time)
}

fn stamp_in(zone: TimeZone, time: Timestamp) -> String {
    let zoned = time.to_zoned(zone);
    let zone = if zoned.offset().is_zero() { " UTC" } else { " %:z" };
    zoned.strftime(&format!("%Y-%m-%d %H:%M:%S{zone}")).to_string()
}

/// `02:11:07`, for a line beneath one that has the zone.
pub fn time_of_day(time: Timestamp) -> String {
    time.to_zoned(zone()).strftime("%H:%M:%S").to_string()
}

/// To the millisecond, before a log line: `2026-02-26T02:11:07.123Z`, or `2026-02-26T03:11:07.123+01:00`.
pub fn log_stamp(time: Timestamp) -> String {
    log_stamp_in(zone(), time)
}

fn log_stamp_in(zone: TimeZone, time: Timestamp) -> String {
    let zoned = time.to_zoned(zone);
    if zoned.offset().is_zero() { format!("{time:.3}") } else { zoned.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string() }
}

/// Bytes for people: `1.5 GiB`.
pub fn bytes(count: u64) -> String {
    bytesize::ByteSize(count).display().iec().to_string()
}

/// How long ago, for people: `3d 4h`, `12m 5s`.
pub fn age(from: Timestamp, now: Timestamp) -> String {
    duration(now.duration_since(from))
}

/// A span of time for people, its two largest units.
pub fn duration(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{}s", seconds % 60),
        (0, _, _) => format!("{hours}h{minutes}m"),
        _ => format!("{days}d{hours}h"),
    }
}

/// So much after a time that came from outside; the end of time where that is beyond it.
pub fn later(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// So much before a time that came from outside; the beginning of time where that is beyond it.
pub fn earlier(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_sub(span).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_need_a_unit() {
        assert_eq!(span("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(span("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(span("2d"), Ok(Duration::from_hours(48)));
        assert_eq!(span("36500d"), Ok(LONGEST_SPAN));
        for wrong in ["10", "", "-5s", "0s", "soon", "1y", "36501d", "9223372036854775807s", "99999999999999999999s"] {
            assert!(span(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_time_has_its_zone() {
        let time: Timestamp = "2026-02-26T02:11:07.1239Z".parse().unwrap();
        assert_eq!((stamp(time), time_of_day(time)), ("2026-02-26 02:11:07 UTC".into(), "02:11:07".into()));
        assert_eq!(log_stamp(time), "2026-02-26T02:11:07.123Z");
        let east = || TimeZone::fixed(jiff::tz::offset(5).saturating_add(jiff::Span::new().minutes(30)));
        assert_eq!(stamp_in(east(), time), "2026-02-26 07:41:07 +05:30");
        assert_eq!(log_stamp_in(east(), time), "2026-02-26T07:41:07.123+05:30");
    }
}
