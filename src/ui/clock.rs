//! Times in text: local with their offset for whoever sits at a terminal, UTC for pipes, cron and JSON.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// In which zone times are told.
#[derive(Debug, Clone)]
pub struct Clock(TimeZone);

impl Clock {
    /// UTC where it `is_utc`, else the zone of this host.
    pub fn new(is_utc: bool) -> Self {
        Clock(if is_utc { TimeZone::UTC } else { TimeZone::system() })
    }

    /// `2026-02-26 02:11:07 UTC`, or with the offset of its zone: `2026-02-26 03:11:07 +01:00`.
    pub fn stamp(&self, time: Timestamp) -> String {
        let zoned = time.to_zoned(self.0.clone());
        let zone = if zoned.offset().is_zero() { " UTC" } else { " %:z" };
        zoned.strftime(&format!("%Y-%m-%d %H:%M:%S{zone}")).to_string()
    }

    /// `02:11:07`, for a line beneath one that has the zone.
    pub fn time_of_day(&self, time: Timestamp) -> String {
        time.to_zoned(self.0.clone()).strftime("%H:%M:%S").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_says_its_zone() {
        let time: Timestamp = "2026-02-26T02:11:07Z".parse().unwrap();
        assert_eq!(Clock::new(true).stamp(time), "2026-02-26 02:11:07 UTC");
        let east = Clock(TimeZone::fixed(jiff::tz::offset(5).saturating_add(jiff::Span::new().minutes(30))));
        assert_eq!(
            (east.stamp(time), east.time_of_day(time)),
            ("2026-02-26 07:41:07 +05:30".into(), "07:41:07".into())
        );
    }
}
