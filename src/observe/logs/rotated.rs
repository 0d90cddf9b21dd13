//! PURE. Which names beside a log file are those of what it was before, as logrotate, pm2-logrotate, cronolog, Caddy,
//! Python and MongoDB name them. A number at the end of a name says nothing by itself: `error-404.log` and `app-out-1.log`
//! are files of their own.

use crate::host::tools::unpack::EXTENSIONS;

/// Whether the file called `other` is an older copy of the one called `name`.
pub(super) fn is_copy(name: &str, other: &str) -> bool {
    let other = EXTENSIONS.iter().find_map(|end| other.strip_suffix(end)).unwrap_or(other);
    if other == name {
        // Packed in its place: `error.log.gz` beside `error.log`.
        return false;
    }
    if let Some(mark) = other.strip_prefix(name) {
        return is_behind(mark);
    }
    let Some((stem, extension)) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()) else { return false };
    let between = other.strip_prefix(stem).and_then(|rest| rest.strip_suffix(extension)?.strip_suffix('.'));
    between.is_some_and(is_between)
}

/// What follows the whole name: `.1`, `.old`, `-20261122`, `.2026-11-22_05`, `-1795325000`.
fn is_behind(mark: &str) -> bool {
    if mark == ".old" {
        return true;
    }
    let number = |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if mark.strip_prefix('.').is_some_and(number) {
        return true;
    }
    mark.strip_prefix(['.', '-', '_']).is_some_and(is_moment)
}

/// What stands between the name and its extension: `.1`, `-20261122`, `__2026-11-22_00-00-00`, `-2026-11-22T03-00-00.000`.
fn is_between(mark: &str) -> bool {
    let number = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if mark.strip_prefix('.').is_some_and(number) {
        return true;
    }
    mark.strip_prefix("__").or_else(|| mark.strip_prefix(['.', '-', '_'])).is_some_and(is_moment)
}

/// A day, perhaps with a time and a number that tells two copies of one moment apart; or seconds since 1970.
fn is_moment(text: &str) -> bool {
    if text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // logrotate's `-%s` since 2001, or `YYYYMMDDHH`.
        return text.starts_with(['1', '2']);
    }
    let Some(rest) = day(text) else { return false };
    let Some(rest) = rest.strip_prefix(['T', '_', '-', '.', ' ']).or_else(|| rest.starts_with(digit).then_some(rest))
    else {
        return rest.is_empty();
    };
    time(rest)
}

fn digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// A number of so many digits at the beginning, in a range; what follows it.
fn number(text: &str, digits: std::ops::RangeInclusive<usize>, range: std::ops::RangeInclusive<u32>) -> Option<&str> {
    let count = text.bytes().take(*digits.end()).take_while(u8::is_ascii_digit).count();
    let (head, rest) = text.split_at(count);
    (digits.contains(&count) && range.contains(&head.parse().ok()?)).then_some(rest)
}

/// `20261122` or `2026-11-22`; what follows it.
fn day(text: &str) -> Option<&str> {
    let rest = number(text, 4..=4, 1970..=2999)?;
    let (rest, separated) = rest.strip_prefix(['-', '.', '_']).map_or((rest, false), |rest| (rest, true));
    let rest = number(rest, 2..=2, 1..=12)?;
    let rest = if separated { rest.strip_prefix(['-', '.', '_'])? } else { rest };
    number(rest, 2..=2, 1..=31)
}

/// Hours, minutes, seconds and smaller parts, with or without what separates them, a zone and a counter.
fn time(text: &str) -> bool {
    let groups: Vec<&str> = text.trim_end_matches('Z').split(['-', ':', '.', '_']).collect();
    let plain = |group: &&str| !group.is_empty() && group.len() <= 6 && group.bytes().all(|byte| byte.is_ascii_digit());
    groups.len() <= 5 && groups.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COPIES: &[(&str, &[&str])] = &[
        (
            "error.log",
            &[
                "error.log.1",
                "error.log.12.gz",
                "error.log.2.xz",
                "error.log.3.zst",
                "error.log.4.bz2",
                "error.log.365",
                "error.log.old",
                "error.log-20261122",
                "error.log-20261122.gz",
                "error.log-2026112205",
                "error.log-20261122-053000",
                "error.log-1795325000.gz",
                "error.log.2026-11-22",
                "error.log.2026-11-22_05-00-00",
                "error.log.2026-11-22T03-00-00",
                "error-20261122.log",
                "error-20261122.log.xz",
                "error.1.log",
                "error-2026-11-22.log",
                "error-2026-11-22T03-00-00.000.log.gz",
                "error.20261122.log",
                "error_2026_11_22.log",
            ],
        ),
        ("app-out.log", &["app-out__2026-11-22_00-00-00.log", "app-out__2026-11-22_00-00-00.log.gz"]),
        ("syslog", &["syslog.1", "syslog.2.gz", "syslog-20261122"]),
        ("error_log", &["error_log.1", "error_log-20261122"]),
        ("mongod.log", &["mongod.log.2026-11-22T03-00-00"]),
    ];

    const OTHERS: &[(&str, &[&str])] = &[
        (
            "error.log",
            &[
                "error.log",
                "error.log.gz",
                "error-404.log",
                "error-5.log",
                "error404.log",
                "error.404.log",
                "error_1.log",
                "error.log.20269922x",
                "error.log-99999999",
                "error.log-1",
                "error.log_2",
                "error.log.pos",
                "error.log.1.offset",
                "error2.log",
                "errors.log",
                "error-20261122-wallet.log",
                "access.log.1",
                "error.log.1.swp",
            ],
        ),
        ("app-out.log", &["app-out-1.log", "app-out-0.log", "app-out-20.log", "app-out1.log"]),
        ("syslog", &["syslog-ng", "syslog-1", "syslog2", "syslogs.1"]),
    ];

    #[test]
    fn b20_real_forms_of_old_copies_are_known_and_a_number_alone_is_none() {
        for (name, copies) in COPIES {
            for copy in *copies {
                assert!(is_copy(name, copy), "{copy} of {name}");
            }
        }
        for (name, others) in OTHERS {
            for other in *others {
                assert!(!is_copy(name, other), "{other} beside {name}");
            }
        }
    }

    #[test]
    fn b20_what_is_a_copy_of_one_file_is_none_of_any_other() {
        let names: Vec<&str> = COPIES.iter().chain(OTHERS).map(|(name, _)| *name).collect();
        for (name, copies) in COPIES {
            for copy in *copies {
                let owners: Vec<&&str> = names.iter().filter(|other| *other != name && is_copy(other, copy)).collect();
                assert!(owners.is_empty(), "{copy}: {owners:?}");
            }
        }
    }
}
