//! The time that a line of a log file begins with, in the forms that the programs of a server write. Digits are read by
//! hand, because this runs for every line of a file; the calendar and the zones are jiff's.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// What a line does not say about its time.
pub struct Clock {
    /// Zone of the host, for stamps that name none.
    pub zone: TimeZone,
    /// Gives the year to stamps that have none.
    pub now: Timestamp,
}

/// How far into a line a stamp of the common log format is looked for: before it stand an address and a user.
const COMMON_LOG_REACH: usize = 200;

/// The time at the beginning of a line, in microseconds since the epoch, and where the text after it begins. The common
/// log format has its time in the middle, so there the line stays whole: 0.
pub fn leading(text: &str, clock: &Clock) -> Option<(i64, usize)> {
    let bytes = text.as_bytes();
    let start = skip(bytes, 0, b' ');
    let found = match bytes.get(start)? {
        b'[' => match bytes.get(start + 1)? {
            b'A'..=b'Z' => in_words(bytes, start + 1, clock),
            _ => in_digits(bytes, start + 1, clock),
        },
        b'A'..=b'Z' => in_words(bytes, start, clock),
        // After the time of Redis a dash is no separator but its mark.
        b'0'..=b'9' => match redis(bytes, start, clock) {
            Some((time, end)) => return Some((time, skip(bytes, end, b' '))),
            None => in_digits(bytes, start, clock),
        },
        b't' => logfmt(text, start, clock),
        _ => None,
    };
    match found {
        Some((time, end)) => Some((time, after_separators(bytes, end))),
        None => common_log(bytes).map(|time| (time, 0)),
    }
}

/// The time that a whole string states, such as a field of a JSON line: RFC 3339 and its kin, or seconds, milliseconds,
/// microseconds or nanoseconds since the epoch, told apart by their size.
pub fn of_value(text: &str, clock: &Clock) -> Option<i64> {
    let text = text.trim();
    if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+')) {
        return since_epoch(text);
    }
    let bytes = text.as_bytes();
    let (time, end) = match bytes.first()? {
        b'A'..=b'Z' => in_words(bytes, 0, clock)?,
        _ => in_digits(bytes, 0, clock)?,
    };
    (end == bytes.len()).then_some(time)
}

/// Below 1973 a number in seconds is rather a duration or a count.
const EARLIEST_SECOND: i64 = 100_000_000;

fn since_epoch(text: &str) -> Option<i64> {
    if text.contains(['e', 'E']) {
        let plain = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number < 1e19)?;
        return since_epoch(&format!("{plain:.6}"));
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.as_bytes();
    let number: i64 = whole.parse().ok()?;
    if number < EARLIEST_SECOND || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(match number {
        ..100_000_000_000 => number * 1_000_000 + parts(fraction, 6),
        100_000_000_000..100_000_000_000_000 => number * 1_000 + parts(fraction, 3),
        100_000_000_000_000..100_000_000_000_000_000 => number,
        _ => number / 1_000,
    })
}

/// The first `width` digits of a fraction as a whole number: `5` of width 3 is 500.
fn parts(fraction: &[u8], width: usize) -> i64 {
    let digits = fraction.iter().map(|digit| i64::from(digit - b'0')).chain(std::iter::repeat(0));
    digits.take(width).fold(0, |number, digit| number * 10 + digit)
}

/// Where in the world a stamp was made.
enum Where {
    /// At this offset from UTC, in seconds.
    Offset(i32),
    /// It does not say.
    Host,
}

/// A stamp of which every part has been read, but not whether there is such a day or hour.
struct Stamp {
    year: i64,
    month: i64,
    day: i64,
    time: Time,
    place: Where,
}

#[derive(Clone, Copy)]
struct Time {
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
}

impl Stamp {
    fn microseconds(&self, clock: &Clock) -> Option<i64> {
        let Time { hour, minute, second, nanosecond } = self.time;
        // A leap second is shown as the second before it, as jiff does.
        let second = if second == 60 { 59 } else { second };
        let civil = DateTime::new(
            i16::try_from(self.year).ok()?,
            i8::try_from(self.month).ok()?,
            i8::try_from(self.day).ok()?,
            i8::try_from(hour).ok()?,
            i8::try_from(minute).ok()?,
            i8::try_from(second).ok()?,
            i32::try_from(nanosecond).ok()?,
        )
        .ok()?;
        let time = match self.place {
            Where::Offset(seconds) => Offset::from_seconds(seconds).ok()?.to_timestamp(civil).ok()?,
            Where::Host => clock.zone.to_timestamp(civil).ok()?,
        };
        Some(time.as_microsecond())
    }

    /// The same in the year that brings it closest to now without being more than a day ahead, for clocks differ.
    fn of_latest_year(mut self, clock: &Clock) -> Option<i64> {
        let latest = clock.now.checked_add(24.hours()).ok()?;
        let year = i64::from(clock.zone.to_datetime(latest).year());
        // Eight years back there was a 29th of February, whatever the century.
        (0..=8).find_map(|back| {
            self.year = year - back;
            self.microseconds(clock).filter(|time| *time <= latest.as_microsecond())
        })
    }
}

/// `2026-11-22T05:14:42.123Z` and its kin, nginx's `2026/11/22 05:14:42` among them.
fn in_digits(bytes: &[u8], start: usize, clock: &Clock) -> Option<(i64, usize)> {
    let year = digits(bytes, start, 4)?;
    let between = *bytes.get(start + 4).filter(|byte| matches!(byte, b'-' | b'/'))?;
    let month = digits(bytes, start + 5, 2)?;
    bytes.get(start + 7).filter(|byte| **byte == between)?;
    let day = digits(bytes, start + 8, 2)?;
    bytes.get(start + 10).filter(|byte| matches!(byte, b'T' | b't' | b' '))?;
    let (time, end) = time_of_day(bytes, start + 11)?;
    let (place, end) = place(bytes, end);
    if bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    Some((Stamp { year, month, day, time, place }.microseconds(clock)?, end))
}

/// `1234:M 22 Nov 2026 05:14:42.123`: process, role, time.
fn redis(bytes: &[u8], start: usize, clock: &Clock) -> Option<(i64, usize)> {
    let end = bytes[start..].iter().position(|byte| !byte.is_ascii_digit())? + start;
    match bytes.get(end..end + 3)? {
        [b':', b'A'..=b'Z', b' '] => in_words(bytes, end + 3, clock),
        _ => None,
    }
}

/// Stamps with the name of the month, in whatever order their words stand: `Nov 22 05:14:42` of syslog, what `date`
/// prints in several languages, Redis, mail.
fn in_words(bytes: &[u8], start: usize, clock: &Clock) -> Option<(i64, usize)> {
    let (mut year, mut month, mut day, mut time) = (None, None, None, None);
    let mut place_found = Where::Host;
    let mut weekday = false;
    let mut at = start;
    let mut end = start;
    while at < bytes.len() {
        let length = bytes[at..].iter().take(32).take_while(|byte| !matches!(byte, b' ' | b']' | b',')).count();
        let length = length - usize::from(length > 0 && bytes[at + length - 1] == b':');
        let word = &bytes[at..at + length];
        match word {
            [b'A'..=b'Z', _, _] if end == start && !weekday && is_weekday(word) => weekday = true,
            [b'A'..=b'Z', _, _] if month.is_none() && month_number(word).is_some() => month = month_number(word),
            [b'0'..=b'9'] | [b'0'..=b'9', b'0'..=b'9'] if day.is_none() => day = digits(word, 0, word.len()),
            // What follows the time of a syslog line is the name of a host.
            [b'0'..=b'9', _, _, _] if year.is_none() && (weekday || time.is_none()) => match digits(word, 0, 4) {
                Some(number) => year = Some(number),
                None => break,
            },
            [_, _, b':', ..] if time.is_none() => {
                let (found, after) = time_of_day(bytes, at)?;
                time = Some(found);
                end = after;
                // Whatever stands directly after the time is no part of it.
                if after < at + length {
                    break;
                }
            }
            b"AM" | b"PM" if weekday => {
                let found: &mut Time = time.as_mut()?;
                if !(1..=12).contains(&found.hour) {
                    return None;
                }
                found.hour = found.hour % 12 + if word == b"PM" { 12 } else { 0 };
            }
            b"UTC" | b"GMT" if weekday && time.is_some() => place_found = Where::Offset(0),
            [b'+' | b'-', ..] if weekday && time.is_some() => match offset(bytes, at) {
                Some((seconds, after)) if after == at + length => place_found = Where::Offset(seconds),
                _ => break,
            },
            // Another zone's short name means the host's own, when the year still follows.
            _ if weekday
                && time.is_some()
                && year.is_none()
                && (2..=5).contains(&length)
                && word.iter().all(u8::is_ascii_uppercase)
                && digits(bytes, at + length + 1, 4).is_some() => {}
            _ => break,
        }
        at += length;
        end = end.max(at);
        if bytes.get(at) == Some(&b']') {
            break;
        }
        if weekday && month.is_none() && day.is_none() && bytes.get(at) == Some(&b',') {
            at += 1;
        }
        if bytes.get(at) != Some(&b' ') {
            break;
        }
        at = skip(bytes, at, b' ');
    }
    let known_year = year.is_some();
    let stamp = Stamp { year: year.unwrap_or_default(), month: month?, day: day?, time: time?, place: place_found };
    let microseconds = if known_year { stamp.microseconds(clock) } else { stamp.of_latest_year(clock) };
    Some((microseconds?, end))
}

/// `time="2026-11-22T05:14:42Z" level=…`
fn logfmt(text: &str, start: usize, clock: &Clock) -> Option<(i64, usize)> {
    let rest = &text[start..];
    let value = ["time=", "ts=", "timestamp=", "t="].iter().find_map(|key| rest.strip_prefix(key))?;
    let (value, quotes) = match value.strip_prefix('"') {
        Some(quoted) => (quoted.split('"').next()?, 2),
        None => (value.split(' ').next()?, 0),
    };
    let end = text.len().min(start + rest.find('=')? + 1 + value.len() + quotes);
    Some((of_value(value, clock)?, end))
}

/// `[22/Nov/2026:05:14:42 +0000]` near the beginning of a line.
fn common_log(bytes: &[u8]) -> Option<i64> {
    let near = &bytes[..bytes.len().min(COMMON_LOG_REACH)];
    near.iter().enumerate().filter(|(_, byte)| **byte == b'[').find_map(|(at, _)| {
        let stamp = bytes.get(at + 1..at + 28)?;
        let [_, _, b'/', _, _, _, b'/', _, _, _, _, b':', .., b' ', _, _, _, _, _, b']'] = stamp else {
            return None;
        };
        let (time, end) = time_of_day(stamp, 12)?;
        let (seconds, _) = offset(stamp, end + 1).filter(|_| end == 20)?;
        let stamp = Stamp {
            year: digits(stamp, 7, 4)?,
            month: month_number(&stamp[3..6])?,
            day: digits(stamp, 0, 2)?,
            time,
            place: Where::Offset(seconds),
        };
        // The offset is in the line, so no clock is needed.
        stamp.microseconds(&Clock { zone: TimeZone::UTC, now: Timestamp::UNIX_EPOCH })
    })
}

/// `05:14:42` with an optional fraction, and where it ends.
fn time_of_day(bytes: &[u8], at: usize) -> Option<(Time, usize)> {
    let (hour, minute, second) = (digits(bytes, at, 2)?, digits(bytes, at + 3, 2)?, digits(bytes, at + 6, 2)?);
    if bytes[at + 2] != b':' || bytes[at + 5] != b':' {
        return None;
    }
    let mut end = at + 8;
    let mut nanosecond = 0;
    if let Some([b'.' | b',', b'0'..=b'9']) = bytes.get(end..end + 2) {
        let fraction = &bytes[end + 1..];
        let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        nanosecond = parts(&fraction[..length], 9);
        end += 1 + length;
    }
    Some((Time { hour, minute, second, nanosecond }, end))
}

/// `Z`, `+01:00`, `+0100`, `+01`, ` +01:00`, ` UTC` or ` GMT` after a time, and where it ends.
fn place(bytes: &[u8], at: usize) -> (Where, usize) {
    let spaced = usize::from(bytes.get(at) == Some(&b' '));
    match bytes.get(at + spaced..).unwrap_or_default() {
        [b'Z' | b'z', ..] if spaced == 0 => (Where::Offset(0), at + 1),
        [b'U', b'T', b'C', rest @ ..] | [b'G', b'M', b'T', rest @ ..]
            if !rest.first().is_some_and(u8::is_ascii_alphanumeric) =>
        {
            (Where::Offset(0), at + spaced + 3)
        }
        [b'+' | b'-', ..] => match offset(bytes, at + spaced) {
            // After a space two digits are rather a number of their own.
            Some((seconds, end)) if spaced == 0 || end - at > 4 => (Where::Offset(seconds), end),
            _ => (Where::Host, at),
        },
        _ => (Where::Host, at),
    }
}

/// `+01:00`, `+0100` or `+01` in seconds, and where it ends.
fn offset(bytes: &[u8], at: usize) -> Option<(i32, usize)> {
    let sign = match bytes.get(at)? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = digits(bytes, at + 1, 2)?;
    let (minutes, end) = match bytes.get(at + 3) {
        Some(b':') => match digits(bytes, at + 4, 2) {
            Some(minutes) => (minutes, at + 6),
            None => (0, at + 3),
        },
        Some(b'0'..=b'9') => (digits(bytes, at + 3, 2)?, at + 5),
        _ => (0, at + 3),
    };
    let outside = hours > 15 || minutes > 59 || bytes.get(end).is_some_and(u8::is_ascii_digit);
    let seconds = i32::try_from(sign * (hours * 3600 + minutes * 60)).ok()?;
    (!outside).then_some((seconds, end))
}

/// Exactly `count` digits as a number.
fn digits(bytes: &[u8], at: usize, count: usize) -> Option<i64> {
    bytes.get(at..at + count)?.iter().try_fold(0, |number, byte| match byte {
        b'0'..=b'9' => Some(number * 10 + i64::from(byte - b'0')),
        _ => None,
    })
}

fn is_weekday(word: &[u8]) -> bool {
    matches!(word, b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun")
}

fn month_number(word: &[u8]) -> Option<i64> {
    Some(match word {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

fn skip(bytes: &[u8], at: usize, what: u8) -> usize {
    at + bytes[at..].iter().take_while(|byte| **byte == what).count()
}

/// Past what separates a stamp from the text: brackets, colons, bars, and a dash when it stands alone.
fn after_separators(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b']' | b':' | b'|' => at += 1,
            b'-' if matches!(bytes.get(at + 1), Some(b' ' | b'-')) => at += 1,
            _ => break,
        }
    }
    at
}
#[cfg(test)]
mod tests;
