//! `journalctl`: entries of units in journald's export format, runs of a unit, and what the kernel says of processes killed
//! for want of memory.
//!
//! The export format (<https://systemd.io/JOURNAL_EXPORT_FORMATS>) is a third of the work of JSON for journalctl, and
//! carries every field as it is: bytes, repeated fields, and values that JSON output replaces by `null` for their length.

mod entries;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use entries::{Entries, Entry};
use entries::{Event, EventId};

use super::history::{History, Restart, RunEnd};
use super::{Argv, Malformed};

/// Kinds of messages of systemd itself (`sd-messages.h`): an automatic restart, the end of a process, a unit that ended well,
/// and one that failed.
const RESTARTS: &str = "5eb03494b6584870a536b337290809b3";
const PROCESS_ENDED: &str = "98e322203f7a4ed290d09fe03c09fe15";
const UNIT_ENDED: &str = "7ad2d189f7e94e70a38c781354912448";
const UNIT_FAILED: &str = "d9b373ed55a64feb8242e02dbe79a49c";

/// Which entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Units, under all their names; entries of any of them.
    pub units: Vec<String>,
    /// One run of the unit instead of all: its invocation id.
    pub invocation: Option<String>,
    /// Microseconds since the epoch; entries at or after.
    pub since: Option<i64>,
    /// Microseconds since the epoch; entries at or before.
    pub until: Option<i64>,
    /// Only so many of the newest.
    pub last: Option<u64>,
    /// From this entry on, by its cursor.
    pub from: Option<String>,
    /// What comes after this entry, by its cursor.
    pub after: Option<String>,
    /// From the journals of all namespaces, because a unit has one of its own.
    pub namespaced: bool,
    /// The newest first.
    pub reverse: bool,
}

/// The entries of a query, oldest first, for [`Entries`].
pub fn entries(query: &Query) -> Argv {
    // Who wrote an entry matters only where there are several to choose from.
    let fields = match query.units.len() {
        0 | 1 => "MESSAGE,PRIORITY",
        _ => "MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT,OBJECT_SYSTEMD_UNIT,COREDUMP_UNIT",
    };
    let mut args = vec!["--output=export".to_owned(), format!("--output-fields={fields}"), "--no-pager".to_owned()];
    args.extend(query.namespaced.then(|| "--namespace=*".to_owned()));
    args.extend(query.reverse.then(|| "--reverse".to_owned()));
    args.extend(query.last.map(|count| format!("--lines={count}")));
    args.extend(query.since.map(|time| format!("--since=@{}", seconds(time))));
    args.extend(query.until.map(|time| format!("--until=@{}", seconds(time))));
    args.extend(query.from.as_ref().map(|cursor| format!("--cursor={cursor}")));
    args.extend(query.after.as_ref().map(|cursor| format!("--after-cursor={cursor}")));
    match &query.invocation {
        Some(id) => args.extend([
            format!("_SYSTEMD_INVOCATION_ID={id}"),
            "+".to_owned(),
            format!("INVOCATION_ID={id}"),
            "_PID=1".to_owned(),
        ]),
        None => args.extend(query.units.iter().map(|unit| format!("--unit={unit}"))),
    }
    Argv::new("journalctl", args)
}

/// All entries, of which the first is read and no more.
pub fn first(query: &Query) -> Argv {
    let argv = Argv::new("journalctl", ["--output=export", "--output-fields=PRIORITY", "--no-pager"]);
    if query.namespaced { argv.with(["--namespace=*"]) } else { argv }
}

fn seconds(micros: i64) -> String {
    format!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000))
}

/// Entries of a boot (0 is the running one, -1 the one before), of which the first is read and no more.
pub fn boot_first(boot: i32) -> Argv {
    Argv::new("journalctl", ["--output=export", "--output-fields=PRIORITY", "--no-pager", &format!("--boot={boot}")])
}

/// The last entry of a boot.
pub fn boot_last(boot: i32) -> Argv {
    boot_first(boot).with(["--lines=1"])
}

/// What systemd itself said of this unit, newest first: every run leaves some of it, for [`runs`].
pub fn own_words(unit: &str) -> Argv {
    Argv::new(
        "journalctl",
        [
            "--output=export",
            "--output-fields=INVOCATION_ID",
            "--no-pager",
            "--reverse",
            "--lines=1000",
            &format!("--unit={unit}"),
            "_PID=1",
        ],
    )
}

/// Invocation ids of a unit's runs, newest first, out of what [`own_words`] prints.
///
/// # Errors
/// When it is not in the export format.
pub fn runs(output: &[u8]) -> Result<Vec<String>, Malformed> {
    let mut entries = Entries::new(output);
    let mut found: Vec<String> = Vec::new();
    let wrong = |_| Malformed::new("entries in the export format from `journalctl`", &String::from_utf8_lossy(output));
    while let Some(entry) = entries.next().map_err(wrong)? {
        if let Some(id) = &entry.invocation
            && !found.contains(id)
        {
            found.push(id.clone());
        }
    }
    Ok(found)
}

/// The newest line since then in which a daemon says that it was told by a signal to read its files again.
pub fn hangups(unit: &str, since: jiff::Timestamp) -> Argv {
    let (unit, since) = (format!("--unit={unit}"), format!("--since=@{}", since.as_second()));
    Argv::new("journalctl", ["--output=cat", "--no-pager", "--quiet", "--lines=1", "--grep=SIGHUP", &unit, &since])
}

/// When systemd started this unit again by itself, newest first, for [`series`].
pub fn restarts(unit: &str) -> Argv {
    Argv::new(
        "journalctl",
        [
            "--output=export",
            "--output-fields=MESSAGE",
            "--no-pager",
            "--reverse",
            "--lines=1000",
            &format!("--unit={unit}"),
            "_PID=1",
            &format!("MESSAGE_ID={RESTARTS}"),
        ],
    )
}

/// Since when a unit is started again and again, out of what [`restarts`] prints: the first of those starts that follow each
/// other within `gap` microseconds up to now. `None` where that is further back than what was read.
///
/// # Errors
/// When it is not in the export format.
pub fn series(output: &[u8], now: i64, gap: i64) -> Result<Option<i64>, Malformed> {
    let mut entries = Entries::new(output);
    let wrong = |_| Malformed::new("entries in the export format from `journalctl`", &String::from_utf8_lossy(output));
    let (mut first, mut last) = (None, now);
    while let Some(entry) = entries.next().map_err(wrong)? {
        let message = entry.message.as_deref().unwrap_or_default();
        let Some(at) = memchr::memmem::find(message, b"restart counter is at ") else { continue };
        if last.saturating_sub(entry.time) > gap {
            return Ok(first);
        }
        (first, last) = (Some(entry.time), entry.time);
        if message[at..].starts_with(b"restart counter is at 1.") {
            return Ok(first);
        }
    }
    Ok(None)
}

/// What systemd recorded of the ends and automatic restarts of these units in the last day, newest first, for [`histories`].
pub fn histories_of<'a>(units: impl IntoIterator<Item = &'a str>) -> Argv {
    let argv = Argv::new(
        "journalctl",
        [
            "--output=export",
            "--output-fields=UNIT,MESSAGE_ID,N_RESTARTS,EXIT_CODE,EXIT_STATUS,UNIT_RESULT",
            "--no-pager",
            "--quiet",
            "--since=-24h",
            "--reverse",
            "--lines=5000",
            "_PID=1",
        ],
    );
    let kinds = [RESTARTS, PROCESS_ENDED, UNIT_ENDED, UNIT_FAILED].map(|id| format!("MESSAGE_ID={id}"));
    argv.with(kinds).with(units.into_iter().map(|unit| format!("UNIT={unit}")))
}

/// The automatic restarts of every unit in the last half an hour, newest first, for [`histories`].
pub fn restarted_lately() -> Argv {
    Argv::new(
        "journalctl",
        [
            "--output=export",
            "--output-fields=UNIT,MESSAGE_ID,N_RESTARTS",
            "--no-pager",
            "--quiet",
            "--since=-30min",
            "--reverse",
            "--lines=2000",
            "_PID=1",
            &format!("MESSAGE_ID={RESTARTS}"),
        ],
    )
}

/// The automatic restarts of each unit since it was last started on purpose, out of what [`histories_of`] prints.
///
/// # Errors
/// When it is not in the export format.
pub fn histories(output: &[u8]) -> Result<BTreeMap<String, History>, Malformed> {
    let wrong = |_| Malformed::new("entries in the export format from `journalctl`", &String::from_utf8_lossy(output));
    let mut entries = Entries::new(output);
    let mut events = Vec::new();
    while let Some(entry) = entries.next().map_err(wrong)? {
        if let (Some(unit), Some(event)) = (entry.units.first(), &entry.event)
            && let Ok(time) = Timestamp::from_microsecond(entry.time)
        {
            events.push((unit.clone(), time, event.clone()));
        }
    }
    let mut found: BTreeMap<String, (History, Option<RunEnd>, u32)> = BTreeMap::new();
    for (unit, time, event) in events.into_iter().rev() {
        let (history, end, count) = found.entry(unit).or_default();
        match event {
            Event { id: EventId::Restart, restarts, .. } => {
                let number = restarts.unwrap_or(count.saturating_add(1));
                // systemd counts from 1 again after it was started on purpose.
                if number <= *count {
                    history.restarts.clear();
                }
                *count = number;
                history.restarts.push(Restart { time, end: end.take() });
            }
            Event { id: EventId::ProcessEnd, exit, .. } => *end = exit.or(end.take()),
            Event { id: EventId::UnitEnd, .. } => *end = end.take().or(Some(RunEnd::Exit(0))),
            Event { id: EventId::UnitFailure, result, .. } => match result.as_str() {
                "" | "exit-code" | "signal" | "core-dump" => {}
                _ => *end = Some(RunEnd::Result(result)),
            },
        }
    }
    Ok(found.into_iter().map(|(unit, (history, ..))| (unit, history)).collect())
}

/// The newest entry that is older than a day: there is one where the journal reaches back so far.
pub fn day_old() -> Argv {
    Argv::new(
        "journalctl",
        ["--output=export", "--output-fields=PRIORITY", "--no-pager", "--quiet", "--until=-24h", "--lines=1"],
    )
}

/// How much room the journal takes.
pub fn disk_usage() -> Argv {
    Argv::new("journalctl", ["--disk-usage"])
}

/// Bytes, out of `Archived and active journals take up 1.2G in the file system.`
///
/// # Errors
/// When it says nothing of that kind.
pub fn parse_disk_usage(text: &str) -> Result<u64, Malformed> {
    let wrong = || Malformed::new("`take up SIZE in the file system` from `journalctl`", text);
    let rest = text.split_once("take up ").ok_or_else(wrong)?.1;
    let word = rest.split_whitespace().next().ok_or_else(wrong)?;
    let (number, unit) = word.split_at(word.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?);
    let factor = match unit {
        "B" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Ok(super::whole(number * f64::from(2_u32).powi(factor)))
}

/// The messages that root wrote under this name, the newest so many, one a line. Anybody may write under any name.
pub fn said_by_root(identifier: &str, lines: u32) -> Argv {
    Argv::new(
        "journalctl",
        [
            format!("--identifier={identifier}"),
            "--output=cat".to_owned(),
            "--all".to_owned(),
            "--no-pager".to_owned(),
            "--quiet".to_owned(),
            format!("--lines={lines}"),
            "_UID=0".to_owned(),
        ],
    )
}

/// Messages that journald left out because a service wrote too many, since this time (microseconds since the epoch).
pub fn suppressed(since: i64) -> Argv {
    Argv::new(
        "journalctl",
        [
            "--output=export".to_owned(),
            "--output-fields=MESSAGE".to_owned(),
            "--no-pager".to_owned(),
            format!("--since=@{}", seconds(since)),
            "_SYSTEMD_UNIT=systemd-journald.service".to_owned(),
            "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e".to_owned(),
        ],
    )
}

/// How many messages of which unit one such line is about: `Suppressed 123 messages from shop.service`.
pub fn parse_suppressed(message: &str) -> Option<(u64, &str)> {
    let (count, unit) = message.strip_prefix("Suppressed ")?.split_once(" messages from ")?;
    // Units are named by their control group's path in some versions.
    Some((count.parse().ok()?, unit.rsplit('/').next().unwrap_or(unit)))
}

/// Kernel messages of the last day about processes that were killed.
pub fn oom_kills() -> Argv {
    Argv::new(
        "journalctl",
        ["--dmesg", "--since=-24h", "--grep=Killed process", "--lines=20", "--output=json", "--no-pager", "--quiet"],
    )
}

/// The same of the boots before as well.
pub fn oom_kills_of_all_boots() -> Argv {
    Argv::new(
        "journalctl",
        [
            "--since=-24h",
            "--grep=Killed process",
            "--lines=20",
            "--output=json",
            "--no-pager",
            "--quiet",
            "_TRANSPORT=kernel",
        ],
    )
}

/// A process that the kernel killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OomKill {
    pub time: Timestamp,
    /// Name of the process.
    pub process: String,
}

/// Parses the output of [`oom_kills`]. No lines is no kills: `--quiet` leaves nothing else on stdout.
///
/// # Errors
/// When a line is not a journal entry.
pub fn parse_oom_kills(text: &str) -> Result<Vec<OomKill>, Malformed> {
    let entries: Vec<serde_json::Value> = super::json_lines(text, "journal entries from `journalctl`")?;
    Ok(entries.iter().filter_map(kill).collect())
}

fn kill(entry: &serde_json::Value) -> Option<OomKill> {
    let micros: i64 = entry["__REALTIME_TIMESTAMP"].as_str()?.parse().ok()?;
    // "Out of memory: Killed process 1234 (node) total-vm:…"
    let (_, rest) = entry["MESSAGE"].as_str()?.split_once("Killed process ")?;
    let process = rest.split_once('(')?.1.split_once(')')?.0.to_owned();
    Some(OomKill { time: Timestamp::from_microsecond(micros).ok()?, process })
}

/// Whether the complaint is about permission, which an empty journal never is.
pub fn denied(stderr: &str) -> bool {
    let text = stderr.to_ascii_lowercase();
    text.contains("permission") || text.contains("not seeing messages from other users")
}

#[cfg(test)]
mod tests;
