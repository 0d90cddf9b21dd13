//! PURE. How copies are named: by the time of their run to the second, its number, and chance, so that none is ever written
//! over another. What does not have exactly this form was not made here.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The greatest number that a run can have: one a second for thirty years. What has a greater one was not made here.
pub const LAST: u64 = 999_999_999;
/// The years in which a run can have been, by the clock of a host: from that of a host without one.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2999;
/// The form of the time, always UTC.
const TIME: &str = "%Y%m%dT%H%M%SZ";
/// The end of a manifest's name.
const MANIFEST: &str = "json";

/// A run, and with the name of a set a copy: `20261122T053000Z-42-9f3a61c0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    /// How many runs were known of when it began: one more than the greatest before. Clocks jump, this does not.
    pub sequence: u64,
    /// When it began, by the clock of the host; whole seconds.
    pub time: Timestamp,
    /// Chance.
    pub chance: u32,
}

impl Id {
    /// A run that begins now.
    pub fn new(time: Timestamp, sequence: u64, chance: u32) -> Self {
        let time = Timestamp::from_second(time.as_second()).unwrap_or(time);
        Id { sequence, time, chance }
    }

    /// Reads one, if it is exactly as one is written.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (time, sequence, chance) = (parts.next()?, parts.next()?, parts.next()?);
        let time =
            jiff::civil::DateTime::strptime(TIME, time).ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let id = Id { time, sequence: sequence.parse().ok()?, chance: u32::from_str_radix(chance, 16).ok()? };
        // Signs, leading zeros, capitals: another wrote it.
        (id.is_possible() && id.to_string() == text).then_some(id)
    }

    /// Whether a run can have this number and time.
    pub fn is_possible(&self) -> bool {
        self.sequence <= LAST && YEARS.contains(&self.time.to_zoned(jiff::tz::TimeZone::UTC).year())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:08x}", self.time.strftime(TIME), self.sequence, self.chance)
    }
}

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Id::parse(&text).ok_or_else(|| serde::de::Error::custom("not the id of a backup"))
    }
}

impl JsonSchema for Id {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

/// What an object of ours is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A copy.
    Copy,
    /// The manifest of one.
    Manifest,
}

/// Path of a copy below the remote's prefix.
pub fn copy(set: &str, extension: &str, id: Id) -> String {
    format!("{set}/{id}.{extension}")
}

/// Path of its manifest.
pub fn manifest(set: &str, id: Id) -> String {
    format!("{set}/{id}.{MANIFEST}")
}

/// What the object at this path is, of a set with this name and this extension; `None` where it is not one of ours.
pub fn parse(path: &str, set: &str, extension: &str) -> Option<(Id, Kind)> {
    let name = path.strip_prefix(set)?.strip_prefix('/')?;
    let (id, end) = name.split_once('.')?;
    let kind = match end {
        MANIFEST => Kind::Manifest,
        end if end == extension => Kind::Copy,
        _ => return None,
    };
    Some((Id::parse(id)?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Option<Id> {
        Id::parse(text)
    }

    #[test]
    fn a_name_is_read_as_it_was_written() {
        let time: Timestamp = "2026-11-22T05:30:00.7Z".parse().unwrap();
        let made = Id::new(time, 42, 0x9f3a_61c0);
        assert_eq!(made.to_string(), "20261122T053000Z-42-9f3a61c0");
        assert_eq!(id(&made.to_string()), Some(made));
        assert_eq!(copy("wallet", "db", made), "wallet/20261122T053000Z-42-9f3a61c0.db");
        assert_eq!(parse(&copy("wallet", "db", made), "wallet", "db"), Some((made, Kind::Copy)));
        assert_eq!(parse(&manifest("wallet", made), "wallet", "db"), Some((made, Kind::Manifest)));
        assert_eq!(parse("app/20261122T053000Z-42-9f3a61c0.tar.zst", "app", "tar.zst"), Some((made, Kind::Copy)));
        assert_eq!(parse(&copy("wallet", "db", made), "wall", "db"), None);
        for text in ["29991231T235959Z-999999999-ffffffff", "19700101T000000Z-0-00000000"] {
            assert_eq!(id(text).map(|id| id.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn h6_what_is_not_exactly_of_our_form_is_not_ours() {
        for wrong in [
            "",
            "x",
            "20261122T053000Z-42-9F3A61C0",
            "20261122T053000Z-042-9f3a61c0",
            "20261122T053000Z-+42-9f3a61c0",
            "20261122T053000Z-42-9f3a61c",
            "20261122T053000Z-42-9f3a61c0-",
            "20261322T053000Z-42-9f3a61c0",
            "2026-11-22",
            "20261122T053000-42-9f3a61c0",
            " 20261122T053000Z-42-9f3a61c0",
            "20261122T053000Z-18446744073709551615-ffffffff",
            "20261122T053000Z-18446744073709551616-ffffffff",
            "20261122T053000Z-9223372036854775807-ffffffff",
            "20261122T053000Z-1000000000-ffffffff",
            "20261122T053000Z--1-ffffffff",
            "20261122T053000Z-1e3-ffffffff",
            "99991231T235959Z-42-9f3a61c0",
            "30000101T000000Z-42-9f3a61c0",
            "19691231T235959Z-42-9f3a61c0",
            "00000101T000000Z-42-9f3a61c0",
            "-99991231T235959Z-42-9f3a61c0",
            "100000101T000000Z-42-9f3a61c0",
        ] {
            assert_eq!(id(wrong), None, "{wrong:?}");
        }
        for wrong in
            ["wallet/2026-02-26.db", "wallet/x.db", "wallet/20261122T053000Z-42-9f3a61c0.db.bak", "wallet/a/b.db"]
        {
            assert_eq!(parse(wrong, "wallet", "db"), None, "{wrong:?}");
        }
    }

    #[test]
    fn h2_runs_are_ordered_by_their_number_not_by_the_clock() {
        let late = id("20261122T053000Z-7-00000000").unwrap();
        let jumped = id("20200101T000000Z-8-00000000").unwrap();
        assert!(jumped > late);
    }
}
