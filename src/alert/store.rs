//! What is known between two checks: one document, in two slots that are written in turn, so that a kill or a full disk leaves the one
//! before. A slot is written in place and never made shorter: the next one fits on a disk that has become full meanwhile.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Moment;
use super::forecast::Sample;
use super::queue::Queues;
use super::state::State;
use crate::host::files::own;
use crate::host::system::System;
use crate::program;
use crate::registry::Deployment;

/// Where it is kept: it outlives a reboot.
const DIRECTORY: &str = "/var/lib/opsctl";
/// Where it is kept while the disk is full: in memory, until the next reboot.
const FALLBACK: &str = "/run/opsctl";
/// What a slot begins with.
const MARK: &str = "opsctl-check";
/// The form of the document.
const VERSION: u32 = 1;
/// A slot has a multiple of this many bytes, and so many to spare for its next document.
const BLOCK: usize = 64 << 10;
const SPARE: usize = 16 << 10;
/// The longest document that is read, and written.
const LONGEST: u64 = 16 << 20;
/// How many of the last checks are remembered by their time.
const RECENT: usize = 4;
/// Checks that come at least so often are regular, seconds.
const SELDOM: u64 = 6 * 3600;

/// What is known between two checks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Number of the document; higher is newer.
    #[serde(skip)]
    pub sequence: u64,
    /// When the last check was.
    #[serde(default)]
    pub last: Option<Moment>,
    /// When the last checks were that a person did not make by hand, oldest first.
    pub checked: Vec<Moment>,
    /// What each subject was.
    pub state: State,
    /// What waits for each channel.
    #[serde(default)]
    pub queues: Queues,
    /// How full file systems were, by mount point.
    #[serde(default)]
    pub disks: BTreeMap<String, Vec<Sample>>,
    /// What differed between registry and host when that was compared last.
    #[serde(default)]
    pub drift: Option<Drift>,
}

/// What differed between registry and host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// When they were compared.
    pub at: Moment,
    /// Subject and summary of each.
    pub mismatches: Vec<(String, String)>,
}

impl Record {
    /// Notes when a check was. One by hand says nothing of how often they come.
    pub fn note_check(&mut self, now: &Moment, by_hand: bool) {
        self.last = Some(now.clone());
        if by_hand {
            return;
        }
        self.checked.push(now.clone());
        let surplus = self.checked.len().saturating_sub(RECENT);
        self.checked.drain(..surplus);
    }

    /// How many seconds are between two checks; `None` where they are not regular.
    pub fn interval_seconds(&self) -> Option<u64> {
        let gaps: Vec<u64> =
            self.checked.windows(2).filter_map(|pair| Some(pair.get(1)?.seconds_since(pair.first()?))).collect();
        let (least, most) = (*gaps.iter().min()?, *gaps.iter().max()?);
        (gaps.len() + 1 == RECENT && least > 0 && most <= least * 2 + 60 && most <= SELDOM).then_some(most)
    }

    /// How many seconds ago the last check was, where they came regularly and have stopped.
    pub fn stopped_seconds(&self, now: &Moment) -> Option<u64> {
        let last = self.checked.last()?;
        let since = now.seconds_since(last);
        (since > self.interval_seconds()? * 3 + 60).then_some(since)
    }
}

impl Moment {
    /// Now.
    pub fn now(system: &System) -> Moment {
        let read = |path: &str| system.read(path).unwrap_or_default();
        let uptime = read("/proc/uptime");
        let seconds = uptime.split(['.', ' ']).next().and_then(|word| word.parse().ok());
        let boot = read("/proc/sys/kernel/random/boot_id").trim().to_owned();
        Moment { time: system.now(), boot, uptime_seconds: seconds.unwrap_or_default() }
    }
}

/// That no other check records at the same time.
#[derive(Debug)]
pub struct Turn {
    _file: File,
}

impl Turn {
    /// Takes the turn; `None` while another check has it.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn take(system: &System, deployment: &Deployment) -> io::Result<Option<Turn>> {
        let path = format!("{FALLBACK}/{}.check.lock", deployment.name);
        let opened = own::directory(system, FALLBACK).and_then(|_| own::open(system, &path, own::Access::Update));
        let file = opened.map_err(|error| at(FALLBACK, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Turn { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// The slots of a deployment, those that outlive a reboot first.
fn slots(deployment: &Deployment) -> [[String; 2]; 2] {
    let kept = [0, 1].map(|slot| format!("{DIRECTORY}/check/{}/state.{slot}", deployment.name));
    let fallback = [0, 1].map(|slot| format!("{FALLBACK}/{}.check.{slot}", deployment.name));
    [kept, fallback]
}

/// What is known from checks before; nothing where there was none.
///
/// # Errors
/// As the operating system says; when all of it is of a newer version of this program. What is damaged counts as nothing.
pub fn read(system: &System, deployment: &Deployment) -> io::Result<Record> {
    let mut newest = None::<Record>;
    let mut trouble = None;
    for path in slots(deployment).as_flattened() {
        match system.read_bytes(path, LONGEST).and_then(|bytes| parse(&bytes)) {
            Ok(record) if newest.as_ref().is_none_or(|known| known.sequence < record.sequence) => newest = Some(record),
            Ok(_) => {}
            Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::InvalidData].contains(&error.kind()) => {}
            Err(error) => {
                trouble.get_or_insert_with(|| at(path, &error));
            }
        }
    }
    match (newest, trouble) {
        // One slot is always as it was before a write that did not end.
        (Some(record), _) => Ok(record),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(Record::default()),
    }
}

/// An error with the path that it is about, once.
fn at(path: &str, error: &io::Error) -> io::Error {
    let text = error.to_string();
    let text = if text.contains(path) { text } else { format!("{path}: {text}") };
    io::Error::new(error.kind(), text)
}

/// Keeps what is known: in the older slot, where the disk takes it, else in memory.
///
/// # Errors
/// When neither takes it.
pub fn write(system: &System, deployment: &Deployment, record: &mut Record) -> io::Result<()> {
    record.sequence += 1;
    let bytes = format(record)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
        return Err(io::Error::other("it would be too long to be read again"));
    }
    let slot = usize::from(record.sequence % 2 == 1);
    let [[kept, fallback]] = [slots(deployment).map(|pair| pair.into_iter().nth(slot).unwrap_or_default())];
    let directories = [DIRECTORY, &format!("{DIRECTORY}/check"), &format!("{DIRECTORY}/check/{}", deployment.name)];
    let made = directories.iter().try_for_each(|path| own::directory(system, path).map(drop));
    let written = made.and_then(|()| own::write_over(system, &kept, bytes.clone()));
    written.or_else(|error| {
        own::directory(system, FALLBACK)?;
        own::write_over(system, &fallback, bytes)
            .map_err(|other| io::Error::new(other.kind(), format!("{kept}: {error}; {fallback}: {other}")))
    })
}

fn format(record: &Record) -> io::Result<Vec<u8>> {
    let text = serde_json::to_string(record)?;
    let head = format!("{MARK} {VERSION} {} {}", record.sequence, text.len());
    let mut bytes = format!("{head} {}\n{text}\n", sum(&head, text.as_bytes()));
    let whole = (bytes.len() + SPARE).next_multiple_of(BLOCK);
    bytes.extend(std::iter::repeat_n(' ', whole - bytes.len()));
    Ok(bytes.into_bytes())
}

fn sum(head: &str, text: &[u8]) -> String {
    let whole = Sha256::new().chain_update(head).chain_update(text).finalize();
    whole.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn parse(bytes: &[u8]) -> io::Result<Record> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| damaged())?;
    let (head, wanted) = head.rsplit_once(' ').ok_or_else(damaged)?;
    let [mark, version, sequence, length] = head.split(' ').collect::<Vec<_>>()[..] else {
        return Err(damaged());
    };
    if mark != MARK {
        return Err(damaged());
    }
    if version.parse::<u32>().map_err(|_| damaged())? > VERSION {
        return Err(io::Error::other(format!("it was written by a newer version of {}", program::name())));
    }
    let length: usize = length.parse().map_err(|_| damaged())?;
    let text = end.checked_add(1).and_then(|from| bytes.get(from..from.checked_add(length)?)).ok_or_else(damaged)?;
    if sum(head, text) != wanted {
        return Err(damaged());
    }
    let mut record: Record = serde_json::from_slice(text).map_err(|_| damaged())?;
    record.sequence = sequence.parse().map_err(|_| damaged())?;
    Ok(record)
}

#[cfg(test)]
#[path = "store/tests.rs"]
mod tests;
