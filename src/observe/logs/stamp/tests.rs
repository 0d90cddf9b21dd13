//! Times as real programs write them.

use super::*;
use proptest::prelude::*;

/// Two hours east of Greenwich, in the evening of 2026-11-22.
fn clock() -> Clock {
    Clock { zone: TimeZone::fixed(Offset::constant(2)), now: "2026-11-22T20:00:00Z".parse().unwrap() }
}

/// The time in RFC 3339 and the text after it.
fn read(text: &str) -> Option<(String, &str)> {
    leading(text, &clock()).map(|(time, at)| (shown(time), &text[at..]))
}

fn shown(time: i64) -> String {
    Timestamp::from_microsecond(time).unwrap().to_string()
}

const SAMPLES: &[(&str, &str, &str)] = &[
    ("2026-11-22T05:14:42.123456789Z text", "2026-11-22T05:14:42.123456Z", "text"),
    ("2026-11-22T05:14:42.5+01:00 text", "2026-11-22T04:14:42.5Z", "text"),
    ("2026-11-22T05:14:42-0330 text", "2026-11-22T08:44:42Z", "text"),
    ("2026-11-22 05:14:42.123+00 text", "2026-11-22T05:14:42.123Z", "text"),
    ("2026-02-26 02:11:07,123 fail2ban.actions", "2026-02-26T00:11:07.123Z", "fail2ban.actions"),
    ("2026-02-26 02:11:07.123 UTC [12] LOG:  x", "2026-02-26T02:11:07.123Z", "[12] LOG:  x"),
    ("2026-02-26 02:11:07 GMT", "2026-02-26T02:11:07Z", ""),
    ("2026-11-22T05:14:42: text", "2026-11-22T03:14:42Z", "text"),
    ("2026-11-22 05:14:42 +00:00: text", "2026-11-22T05:14:42Z", "text"),
    ("2026-11-22 05:14:42 - INFO - text", "2026-11-22T03:14:42Z", "INFO - text"),
    ("2026-11-22 05:14:42 -12 degrees", "2026-11-22T03:14:42Z", "-12 degrees"),
    ("2026-11-22 05:14:42 UTCX", "2026-11-22T03:14:42Z", "UTCX"),
    ("[2026-11-22 05:14:42] text", "2026-11-22T03:14:42Z", "text"),
    ("[2026-11-22T05:14:42.000Z] text", "2026-11-22T05:14:42Z", "text"),
    ("[2026-11-22 05:14:42,123: ERROR/Main] x", "2026-11-22T03:14:42.123Z", "ERROR/Main] x"),
    ("2026/02/26 02:11:07 [error] 12#12: *1 x", "2026-02-26T00:11:07Z", "[error] 12#12: *1 x"),
    ("2026/02/26 02:11:07.5\tERROR\thttp", "2026-02-26T00:11:07.5Z", "ERROR\thttp"),
    ("Nov 22 05:14:42 host sshd[1]: x", "2026-11-22T03:14:42Z", "host sshd[1]: x"),
    ("Nov  2 05:14:42 host x", "2026-11-02T03:14:42Z", "host x"),
    ("Nov 23 21:59:59 host x", "2026-11-23T19:59:59Z", "host x"),
    ("Nov 23 22:00:01 host x", "2025-11-23T20:00:01Z", "host x"),
    ("Dec 31 05:14:42 2024 x", "2025-12-31T03:14:42Z", "2024 x"),
    ("Feb 29 05:14:42 UTC x", "2024-02-29T03:14:42Z", "UTC x"),
    ("1234:M 22 Nov 2026 05:14:42.123 * Ready", "2026-11-22T03:14:42.123Z", "* Ready"),
    ("Sun Nov 22 05:14:42 UTC 2026", "2026-11-22T05:14:42Z", ""),
    ("Sun Nov 22 05:14:42 CET 2026 done", "2026-11-22T03:14:42Z", "done"),
    ("Sun Nov 22 05:14:42 2026: done", "2026-11-22T03:14:42Z", "done"),
    ("Sun 22 Nov 2026 05:14:42 AM UTC", "2026-11-22T05:14:42Z", ""),
    ("Sun 22 Nov 2026 12:14:42 AM UTC x", "2026-11-22T00:14:42Z", "x"),
    ("Sun 22 Nov 2026 05:14:42 PM UTC: x", "2026-11-22T17:14:42Z", "x"),
    ("Sun, 22 Nov 2026 05:14:42 +0100 x", "2026-11-22T04:14:42Z", "x"),
    ("[Sun Nov 22 05:14:42.123456 2026] [core:error] x", "2026-11-22T03:14:42.123456Z", "[core:error] x"),
    (
        "10.0.0.1 - - [22/Nov/2026:05:14:42 +0100] \"GET /\"",
        "2026-11-22T04:14:42Z",
        "10.0.0.1 - - [22/Nov/2026:05:14:42 +0100] \"GET /\"",
    ),
    ("time=\"2026-11-22T05:14:42.1Z\" level=info", "2026-11-22T05:14:42.1Z", "level=info"),
    ("time=2026-11-22T05:14:42.1+01:00 level=info", "2026-11-22T04:14:42.1Z", "level=info"),
    ("ts=2026-11-22T05:14:42.123Z caller=x", "2026-11-22T05:14:42.123Z", "caller=x"),
    ("ts=1764000000.5 caller=x", "2025-11-24T16:00:00.5Z", "caller=x"),
    ("2026-11-22T23:59:60Z x", "2026-11-22T23:59:59Z", "x"),
];

#[test]
fn every_form_is_read() {
    for (text, time, rest) in SAMPLES {
        assert_eq!(read(text), Some(((*time).to_owned(), *rest)), "{text}");
    }
}

#[test]
fn a_year_that_is_not_said_is_the_latest_possible() {
    let at = |now: &str| Clock { zone: TimeZone::UTC, now: now.parse().unwrap() };
    let year = |text, now| leading(text, &at(now)).map(|(time, _)| shown(time));
    let midnight = "Jan  1 00:00:01 host x";
    assert_eq!(year(midnight, "2026-12-31T23:59:00Z").as_deref(), Some("2027-01-01T00:00:01Z"));
    assert_eq!(year(midnight, "2026-12-30T23:59:00Z").as_deref(), Some("2026-01-01T00:00:01Z"));
    assert_eq!(year("Dec 31 23:59:59 host x", "2027-01-01T00:00:00Z").as_deref(), Some("2026-12-31T23:59:59Z"));
}

#[test]
fn what_is_no_time_is_none() {
    for text in [
        "",
        " ",
        "plain text",
        "2026-13-22T05:14:42Z x",
        "2026-11-31T05:14:42Z x",
        "2026-11-22T24:14:42Z x",
        "2026-11-22T05:60:42Z x",
        "2026-11-22T05:14:61Z x",
        "2026-11/22 05:14:42 x",
        "2026-11-22T05:14:42abc",
        "2026-11-22 text",
        "2026-11-22",
        "Nov 31 05:14:42 host",
        "Nov 22 25:14:42 host",
        "Nov text",
        "Sun 22 Nov 2026 13:14:42 PM UTC",
        "1234:M text",
        "1234",
        "[22/Nox/2026:05:14:42 +0000] x",
        "[32/Nov/2026:05:14:42 +0000] x",
        "time=12ms",
        "time=\"",
        "[",
        "é",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn values_are_read_whole() {
    for (text, time) in [
        ("2026-02-26T02:11:07.123Z", Some("2026-02-26T02:11:07.123Z")),
        ("2026-11-22 05:14:42.123", Some("2026-11-22T03:14:42.123Z")),
        ("2026-11-22T05:14:42.123+00:00", Some("2026-11-22T05:14:42.123Z")),
        ("Sun, 22 Nov 2026 05:14:42 GMT", Some("2026-11-22T05:14:42Z")),
        ("1764000000", Some("2025-11-24T16:00:00Z")),
        ("1764000000.123", Some("2025-11-24T16:00:00.123Z")),
        ("1764000000.1234567", Some("2025-11-24T16:00:00.123456Z")),
        ("1.764e9", Some("2025-11-24T16:00:00Z")),
        ("1764000000123", Some("2025-11-24T16:00:00.123Z")),
        ("1764000000123.5", Some("2025-11-24T16:00:00.1235Z")),
        ("1764000000123456", Some("2025-11-24T16:00:00.123456Z")),
        ("1764000000123456789", Some("2025-11-24T16:00:00.123456Z")),
        ("35", None),
        ("0.25", None),
        ("99999999999999999999", None),
        ("1e300", None),
        ("1764000000.1.2", None),
        ("..", None),
        ("+", None),
        ("2026-02-26T02:11:07Z and more", None),
        ("yesterday", None),
        ("", None),
    ] {
        assert_eq!(of_value(text, &clock()).map(shown).as_deref(), time, "{text}");
    }
}

#[test]
fn a_stamp_cut_at_any_byte_does_no_harm() {
    for (text, ..) in SAMPLES {
        for end in 0..text.len() {
            let _ = (leading(&text[..end], &clock()), of_value(&text[..end], &clock()));
        }
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in "\\PC*|.*", stamp in 0..SAMPLES.len(), cut in 0_usize..60) {
        let sample = SAMPLES[stamp].0;
        let mixed = format!("{}{text}", &sample[..cut.min(sample.len())]);
        for text in [&text, &mixed] {
            let _ = of_value(text, &clock());
            if let Some((_, at)) = leading(text, &clock()) {
                prop_assert!(text.is_char_boundary(at));
            }
        }
    }

    #[test]
    fn what_jiff_prints_is_read(second in -2_000_000_000_i64..4_000_000_000, micros in 0_i64..1_000_000) {
        let time = Timestamp::from_microsecond(second * 1_000_000 + micros).unwrap();
        prop_assert_eq!(of_value(&time.to_string(), &clock()), Some(time.as_microsecond()));
    }
}
