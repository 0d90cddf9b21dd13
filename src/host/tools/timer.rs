//! `systemctl`: whether a timer runs, and when it does so next.

use std::time::Duration;

use jiff::Timestamp;

use super::{Argv, Malformed};

/// A timer and its service, as systemd knows them; also of units that do not exist.
pub fn show<'a>(units: impl IntoIterator<Item = &'a str>) -> Argv {
    const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,Result,NextElapseUSecRealtime,\
        NextElapseUSecMonotonic";
    let show = Argv::new("systemctl", ["show", "--no-pager", "--property", PROPERTIES, "--"]).with(units);
    // This property is a date in the zone of whoever asks, whatever form is asked for.
    Argv { env: vec![("TZ", "UTC".to_owned())], ..show }
}

/// Has a timer run, from now on and after each boot.
pub fn enable(timer: &str) -> Argv {
    Argv::new("systemctl", ["--no-ask-password", "enable", "--now", "--", timer]).finishes()
}

/// Stops a timer, for good.
pub fn disable(timer: &str) -> Argv {
    Argv::new("systemctl", ["--no-ask-password", "disable", "--now", "--", timer]).finishes()
}

/// A timer or a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimerState {
    pub id: String,
    pub load: String,
    pub active: String,
    pub sub: String,
    /// `enabled`, `disabled`, `masked` and so on; empty where there is no file.
    pub file_state: String,
    /// How it ended last.
    pub result: String,
    /// Whether its file has changed since systemd read it.
    pub reload_needed: bool,
    /// When it elapses next.
    pub next: Option<Next>,
}

/// When a timer elapses next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At this time.
    At(Timestamp),
    /// So long after the boot.
    AfterBoot(Duration),
}

impl TimerState {
    /// Whether it runs now and after a boot, and its next run is known or under way.
    pub fn is_armed(&self) -> bool {
        let is_on = self.active == "active" && self.file_state == "enabled" && !self.reload_needed;
        is_on && (self.next.is_some() || self.sub == "running")
    }

    /// `active and enabled`, in systemd's words.
    pub fn label(&self) -> String {
        let file = if self.file_state.is_empty() { "without a unit file" } else { &self.file_state };
        format!("{} and {file}", self.active)
    }
}

/// Parses the output of [`show`].
///
/// # Errors
/// When there is no unit, or one without its states.
pub fn parse(text: &str) -> Result<Vec<TimerState>, Malformed> {
    let one = |block: &str| {
        let get = |key: &str| block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        let text = |key: &str| get(key).map(str::to_owned);
        let at = get("NextElapseUSecRealtime").and_then(date);
        let after = || get("NextElapseUSecMonotonic").and_then(span).filter(|span| !span.is_zero());
        Some(TimerState {
            id: text("Id")?,
            load: text("LoadState")?,
            active: text("ActiveState")?,
            sub: text("SubState")?,
            file_state: text("UnitFileState").unwrap_or_default(),
            result: text("Result").unwrap_or_default(),
            reload_needed: get("NeedDaemonReload") == Some("yes"),
            next: at.map(Next::At).or_else(|| after().map(Next::AfterBoot)),
        })
    };
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty());
    let found: Option<Vec<TimerState>> = blocks.map(one).collect();
    found.filter(|found| !found.is_empty()).ok_or_else(|| Malformed::new("timers and their services", text))
}

/// A date as systemd writes it: `Sun 2026-11-29 00:35:07 UTC`.
fn date(text: &str) -> Option<Timestamp> {
    let mut words = text.split_whitespace().skip(1);
    let (day, time, zone) = (words.next()?, words.next()?, words.next()?);
    format!("{day}T{time}Z").parse().ok().filter(|_| zone == "UTC")
}

/// A span as systemd writes it: `1month 2w 3d 4h 5min 6.789s`. `infinity` is none.
fn span(text: &str) -> Option<Duration> {
    // Its months and years are these numbers of seconds (`format_timespan` of systemd).
    const UNITS: [(&str, f64); 9] = [
        ("y", 31_557_600.0),
        ("month", 2_629_800.0),
        ("w", 604_800.0),
        ("d", 86_400.0),
        ("h", 3600.0),
        ("min", 60.0),
        ("ms", 0.001),
        ("us", 0.000_001),
        ("s", 1.0),
    ];
    let part = |word: &str| {
        let end = word.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, name) = word.split_at(end);
        let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == name)?;
        Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
    };
    let parts: Option<Vec<Duration>> = text.split_whitespace().map(part).collect();
    parts.filter(|parts| !parts.is_empty())?.into_iter().try_fold(Duration::ZERO, Duration::checked_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITS: &str = "Id=opsctl-check-prim.timer\nLoadState=loaded\nActiveState=active\nSubState=waiting\nUnitFileState=enabled\n\
        NeedDaemonReload=no\nResult=success\nNextElapseUSecRealtime=\nNextElapseUSecMonotonic=1h 2min 3.5s\n";

    #[test]
    fn a_timer_is_armed_when_systemd_knows_its_next_run() {
        let service = "Id=opsctl-check-prim.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\n\
            UnitFileState=static\nNeedDaemonReload=no\nResult=success\n";
        let found = parse(&format!("{WAITS}\n{service}")).unwrap();
        assert_eq!(found[0].next, Some(Next::AfterBoot(Duration::from_millis(3_723_500))));
        assert_eq!((found[0].is_armed(), found[1].is_armed(), found[1].next), (true, false, None));
        let of = |from: &str, to: &str| parse(&WAITS.replace(from, to)).unwrap().remove(0);
        assert!(of("waiting", "running").is_armed());
        assert!(of("1h 2min 3.5s", "infinity").next.is_none() && !of("1h 2min 3.5s", "infinity").is_armed());
        let nightly = of("Realtime=", "Realtime=Sun 2026-11-29 00:35:07 UTC").next;
        assert_eq!(nightly, Some(Next::At("2026-11-29T00:35:07Z".parse().unwrap())));
        assert_eq!(
            of("Realtime=\nNextElapseUSecMonotonic=1h 2min 3.5s", "Realtime=Sun 2026-11-29 00:35:07 CET").next,
            None
        );
        for (from, to) in [("=active", "=inactive"), ("=enabled", "=disabled"), ("Reload=no", "Reload=yes")] {
            assert!(!of(from, to).is_armed(), "{to}");
        }
        for end in 0..WAITS.len() - 20 {
            assert!(parse(&WAITS[..end]).map_or(true, |found| !found[0].is_armed()), "cut at {end}");
        }
    }

    #[test]
    fn spans_are_read_as_systemd_writes_them() {
        let seconds = |text: &str| span(text).map(|span| span.as_secs());
        assert_eq!(seconds("1month 2w 3d 4h 5min 6.789s"), Some(2_629_800 + 1_209_600 + 259_200 + 14_400 + 306));
        assert_eq!(seconds("1y 500ms"), Some(31_557_600));
        for text in ["infinity", "", "5", "min", "1.2.3s", "[not set]"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
