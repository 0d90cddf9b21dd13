//! Sizes and spans of time, for people.

use jiff::{SignedDuration, Timestamp};

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
