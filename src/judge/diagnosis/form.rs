//! Whether a value has the form that the registry states for it, in words that hold no secret: numbers that are one, lengths, and of
//! URLs the scheme, the host and the port alone.

use crate::registry::{Form, UrlForm};
use crate::units;

/// What is wrong with a value, as the rest of a sentence that begins with its key; `None` where nothing is. `other` gives the value
/// of another key.
pub(crate) fn flaw<'v>(form: &Form, value: &str, other: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
    let value = value.trim();
    match form {
        Form::Milliseconds(least, most) => out_of(value, *least, *most, span),
        Form::Seconds(least, most) => out_of(value, *least, *most, seconds),
        Form::Count(least, most) => out_of(value, *least, *most, |number| number.to_string()),
        Form::MillisecondsBelow(key, without) => {
            let Some(own) = number(value) else { return Some(no_number(value)) };
            let (bound, is_set) = match other(key).and_then(number) {
                Some(bound) => (bound, true),
                None => (*without, false),
            };
            let whose = if is_set { *key } else { "the default of" };
            let rest = if is_set { String::new() } else { format!(" {key}") };
            (own >= bound).then(|| format!("is {}, not below {whose}{rest} ({})", span(own), span(bound)))
        }
        Form::Port(port) => match value.parse::<u16>() {
            Ok(own) if own == *port => None,
            Ok(own) => Some(format!("is {own}, not {port}")),
            Err(_) => Some(no_number(value)),
        },
        Form::Boolean => {
            let words = ["true", "false", "1", "0", "yes", "no", "on", "off"];
            (!words.iter().any(|word| value.eq_ignore_ascii_case(word))).then(|| "is neither true nor false".to_owned())
        }
        Form::Word(words) => (!words.iter().any(|word| value.eq_ignore_ascii_case(word)))
            .then(|| format!("is not one of {}", words.join(", "))),
        Form::Length(least) => {
            let length = value.chars().count();
            (length < *least).then(|| format!("has {length} characters, not {least}"))
        }
        Form::Host(hosts) => match host(value) {
            Some(name) if hosts.iter().any(|host| name.eq_ignore_ascii_case(host)) => None,
            Some(name) => Some(format!("names host {name}, not {}", hosts.join(" or "))),
            None => Some("is not a host name".to_owned()),
        },
        Form::Url(wanted) => url_flaw(wanted, value),
    }
}

/// A plain decimal number.
fn number(value: &str) -> Option<u64> {
    let digits = value.strip_suffix(".0").unwrap_or(value);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// What is no number may be a secret that was put into the wrong line.
fn no_number(value: &str) -> String {
    match value.strip_prefix('-').map(number) {
        Some(Some(_)) => "is negative".to_owned(),
        _ => "is not a number".to_owned(),
    }
}

fn out_of(value: &str, least: u64, most: u64, words: impl Fn(u64) -> String) -> Option<String> {
    match number(value) {
        None => Some(no_number(value)),
        Some(own) if own < least => Some(format!("is {}, less than {}", words(own), words(least))),
        Some(own) if own > most => Some(format!("is {}, more than {}", words(own), words(most))),
        Some(_) => None,
    }
}

/// Milliseconds, and in a unit that people read: `3600000 ms (1h0m)`.
fn span(milliseconds: u64) -> String {
    let whole = i64::try_from(milliseconds).ok().filter(|ms| *ms >= 10_000);
    match whole {
        Some(ms) => format!("{ms} ms ({})", units::duration(jiff::SignedDuration::from_millis(ms))),
        None => format!("{milliseconds} ms"),
    }
}

/// The same of seconds: `3600 s (1h0m)`.
fn seconds(number: u64) -> String {
    match i64::try_from(number).ok().filter(|seconds| *seconds >= 60) {
        Some(whole) => format!("{number} s ({})", units::duration(jiff::SignedDuration::from_secs(whole))),
        None => format!("{number} s"),
    }
}

/// A name or an address, where it can be nothing else.
fn host(text: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_address = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_address = is_address.is_some_and(|inner| inner.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'));
    (text.len() <= 253 && !text.is_empty() && (text.bytes().all(is_plain) || is_address)).then_some(text)
}

/// What a URL names, without the user and the password in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named<'a> {
    pub(super) scheme: &'a str,
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
}

/// What a URL names. `None` for what is none, or where it is not certain which part is the password: one that holds a slash or an
/// at sign that it should not hold.
pub(super) fn named(url: &str) -> Option<Named<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // A password with a slash ends the authority early.
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let is_certain = !path.split(['?', '#']).next().unwrap_or_default().contains('@')
        && (authority.contains('@') || !path.contains('@'))
        && authority.matches('@').count() <= 1;
    let (name, port) = match place.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port.parse().ok()?)),
        _ => (place, None),
    };
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    (is_certain && is_scheme).then_some(())?;
    Some(Named { scheme, host: host(name)?, port })
}

fn url_flaw(wanted: &UrlForm, value: &str) -> Option<String> {
    let Some((scheme, rest)) = value.split_once("://") else { return Some("is not a URL".to_owned()) };
    if !wanted.schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return Some(format!("is not a URL of {}", wanted.schemes.join(" or ")));
    }
    if rest.is_empty() || rest.starts_with('/') {
        return Some("names no host".to_owned());
    }
    // Several hosts, a socket, a password that is not encoded: its reader may understand it.
    let named = named(value)?;
    let is_listed = wanted.hosts.iter().any(|host| named.host.eq_ignore_ascii_case(host));
    if !wanted.hosts.is_empty() && !is_listed {
        return Some(format!("names host {}, not {}", named.host, wanted.hosts.join(" or ")));
    }
    if !named.host.to_ascii_lowercase().ends_with(wanted.domain) {
        return Some(format!("names host {}, which does not end in {}", named.host, wanted.domain));
    }
    // Of another host nobody here knows the ports.
    let is_known = is_listed || matches!(named.host, "localhost" | "127.0.0.1" | "[::1]");
    match (named.port, wanted.port) {
        (Some(own), Some(port)) if own != port && is_known => {
            Some(format!("names port {own} of {}, not {port}", named.host))
        }
        (_, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: Form =
        Form::Url(UrlForm::with_scheme(&["postgres", "postgresql"]).at(&["postgres", "db.internal"]).port(5432));
    const CLOUD: Form = Form::Url(UrlForm::with_scheme(&["https"]).within(".convex.cloud"));
    const WALLET: Form = Form::Url(UrlForm::with_scheme(&["http", "https"]).port(3001));

    fn alone(form: &Form, value: &str) -> Option<String> {
        flaw(form, value, |_| None)
    }

    #[test]
    fn what_has_its_form_is_no_flaw() {
        let cases: &[(Form, &[&str])] = &[
            (Form::Milliseconds(100, 300_000), &["5000", "100", "300000", " 5000 "]),
            (Form::Seconds(60, 86_400), &["3600"]),
            (Form::Count(1, 16), &["1", "16", "01"]),
            (Form::MillisecondsBelow("LEASE", 300_000), &["60000", "0"]),
            (Form::Port(4000), &["4000"]),
            (Form::Boolean, &["true", "False", "1", "0", "yes", "OFF"]),
            (Form::Word(&["debug", "info"]), &["info", "INFO"]),
            (Form::Length(4), &["abcd", "äöüß"]),
            (Form::Host(&["redis", "cache"]), &["redis", "CACHE"]),
            (
                DATABASE,
                &[
                    "postgres://u:p@postgres:5432/x",
                    "postgresql://postgres/x",
                    "postgresql://u:p%40ss@db.internal/x?a=b",
                    // What is not certain is not judged.
                    "postgres://u:p/ss@elsewhere:5432/x",
                    "postgres://u:p@ss@elsewhere/x",
                    "postgres://a:1,b:2/x",
                ],
            ),
            (CLOUD, &["https://happy-otter-123.convex.cloud", "https://x.convex.cloud:443/"]),
            (
                WALLET,
                &["http://127.0.0.1:3001", "http://localhost", "https://wallet.example:8443/x", "http://[::1]:3001"],
            ),
        ];
        for (form, values) in cases {
            for value in *values {
                assert_eq!(alone(form, value), None, "{form:?} {value}");
            }
        }
    }

    #[test]
    fn what_has_not_is_worded_without_a_secret() {
        let cases: &[(Form, &str, &str)] = &[
            (Form::Milliseconds(100, 300_000), "3600000", "is 3600000 ms (1h0m), more than 300000 ms (5m0s)"),
            (Form::Milliseconds(100, 300_000), "0", "is 0 ms, less than 100 ms"),
            (Form::Milliseconds(100, 300_000), "-5", "is negative"),
            (Form::Milliseconds(100, 300_000), "5s", "is not a number"),
            (Form::Milliseconds(100, 300_000), "hunter2", "is not a number"),
            (Form::Seconds(60, 86_400), "1", "is 1 s, less than 60 s (1m0s)"),
            (Form::Seconds(60, 86_400), "99999", "is 99999 s (1d3h), more than 86400 s (1d0h)"),
            (Form::Count(1, 16), "0", "is 0, less than 1"),
            (Form::Count(1, 16), "99999999999999999999999", "is not a number"),
            (
                Form::MillisecondsBelow("LEASE", 300_000),
                "300000",
                "is 300000 ms (5m0s), not below the default of LEASE (300000 ms (5m0s))",
            ),
            (Form::Port(4000), "4010", "is 4010, not 4000"),
            (Form::Port(4000), "hunter2", "is not a number"),
            (Form::Boolean, "hunter2", "is neither true nor false"),
            (Form::Word(&["debug", "info"]), "hunter2", "is not one of debug, info"),
            (Form::Length(32), "hunter2", "has 7 characters, not 32"),
            (Form::Host(&["redis"]), "rediss", "names host rediss, not redis"),
            (Form::Host(&["redis"]), "user:hunter2@x", "is not a host name"),
            (DATABASE, "postgres://u:hunter2@postgress:5432/x", "names host postgress, not postgres or db.internal"),
            (DATABASE, "postgres://u:hunter2@postgres:5433/x", "names port 5433 of postgres, not 5432"),
            (DATABASE, "mysql://u:hunter2@postgres/x", "is not a URL of postgres or postgresql"),
            (DATABASE, "hunter2", "is not a URL"),
            (DATABASE, "postgres:///x", "names no host"),
            (
                CLOUD,
                "https://happy-otter-123.convex.clod",
                "names host happy-otter-123.convex.clod, which does not end in .convex.cloud",
            ),
            (WALLET, "http://127.0.0.1:3010", "names port 3010 of 127.0.0.1, not 3001"),
        ];
        for (form, value, words) in cases {
            let found = alone(form, value);
            assert_eq!(found.as_deref(), Some(*words), "{form:?} {value}");
            assert!(!found.unwrap_or_default().contains("hunter2"));
        }
        let bound = flaw(&Form::MillisecondsBelow("LEASE", 300_000), "60000", |_| Some("30000"));
        assert_eq!(bound.as_deref(), Some("is 60000 ms (1m0s), not below LEASE (30000 ms (30s))"));
    }

    #[test]
    fn of_a_url_never_more_than_its_place_is_named() {
        for hostile in [
            "x://a:b/c@d",
            "x://a:b@c@d/e",
            "x://a:b@c/d@e",
            "x://:@",
            "x://",
            "://x",
            "x://a b",
            "x://a:b:c",
            "x:///@a",
        ] {
            assert_eq!(named(hostile), None, "{hostile}");
        }
        let found = named("redis://:secret@cache:6379/0?a=@");
        assert_eq!(found, Some(Named { scheme: "redis", host: "cache", port: Some(6379) }));
    }
}
