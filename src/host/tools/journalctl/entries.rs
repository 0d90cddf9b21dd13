//! Entries in journald's export format, read as they come.

use std::io::{self, ErrorKind, Read};

use super::super::excerpt;
use super::super::history::RunEnd;
use super::super::lines::{self, Lines};
use super::{PROCESS_ENDED, RESTARTS, UNIT_ENDED, UNIT_FAILED};

/// A journal entry. What is not asked for is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// When journald received it, microseconds since the epoch.
    pub time: i64,
    /// Its place in the journal.
    pub cursor: String,
    /// Syslog priority, 0 to 7.
    pub priority: Option<u8>,
    /// Units that it is of or about, the one that wrote it first.
    pub units: Vec<String>,
    /// The run that it is about, as systemd itself says.
    pub invocation: Option<String>,
    /// What it says, cut at [`lines::KEPT`]; repeated messages are joined by line breaks.
    pub message: Option<Vec<u8>>,
    /// How long the message truly is, bytes.
    pub length: u64,
    /// What systemd says of a unit's life, where it was asked for that.
    pub event: Option<Event>,
}

/// What systemd says of a unit's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub(super) id: EventId,
    pub(super) restarts: Option<u32>,
    pub(super) exit: Option<RunEnd>,
    pub(super) result: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventId {
    Restart,
    ProcessEnd,
    UnitEnd,
    UnitFailure,
}

/// Reads entries in the export format.
#[derive(Debug)]
pub struct Entries<R> {
    lines: Lines<R>,
    entry: Entry,
    /// The buffer of an earlier message, kept for the next.
    spare: Vec<u8>,
    /// Fields of systemd's own messages, in whatever order they come.
    own: OwnFields,
}

#[derive(Debug, Default)]
struct OwnFields {
    id: Option<EventId>,
    restarts: Option<u32>,
    exit_kind: String,
    exit_status: Option<i64>,
    result: String,
}

impl OwnFields {
    fn set(&mut self, name: &[u8], value: &[u8]) {
        let text = || std::str::from_utf8(value).unwrap_or_default();
        match name {
            b"MESSAGE_ID" => {
                self.id = match text() {
                    RESTARTS => Some(EventId::Restart),
                    PROCESS_ENDED => Some(EventId::ProcessEnd),
                    UNIT_ENDED => Some(EventId::UnitEnd),
                    UNIT_FAILED => Some(EventId::UnitFailure),
                    _ => None,
                }
            }
            b"N_RESTARTS" => self.restarts = text().parse().ok(),
            b"EXIT_CODE" => text().clone_into(&mut self.exit_kind),
            b"EXIT_STATUS" => self.exit_status = text().parse().ok(),
            b"UNIT_RESULT" => text().clone_into(&mut self.result),
            _ => {}
        }
    }

    /// What they say, and none of it for the next entry.
    fn take(&mut self) -> Option<Event> {
        let OwnFields { id, restarts, exit_kind, exit_status, result } = std::mem::take(self);
        let exit = exit_status.and_then(|status| match exit_kind.as_str() {
            "exited" => Some(RunEnd::Exit(status)),
            "killed" => Some(RunEnd::Signal(status)),
            "dumped" => Some(RunEnd::Dump(status)),
            _ => None,
        });
        Some(Event { id: id?, restarts, exit, result })
    }
}

impl<R: Read> Entries<R> {
    /// Of this reader.
    pub fn new(reader: R) -> Self {
        Entries { lines: Lines::new(reader), entry: Entry::default(), spare: Vec::new(), own: OwnFields::default() }
    }

    /// The next entry.
    ///
    /// # Errors
    /// As the reader's; [`ErrorKind::InvalidData`], with what was found instead, for what is not in the export format;
    /// [`ErrorKind::UnexpectedEof`] for an entry that is cut off.
    pub fn next(&mut self) -> io::Result<Option<&Entry>> {
        self.clear();
        let mut began = false;
        loop {
            let Some(line) = self.lines.next()? else {
                let begun = began || self.lines.rest().is_some();
                return if begun { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(None) };
            };
            if line.bytes.is_empty() {
                if began {
                    self.entry.event = self.own.take();
                    return Ok(Some(&self.entry));
                }
                continue;
            }
            began = true;
            if let Some(at) = memchr::memchr(b'=', line.bytes) {
                let (name, value) = (&line.bytes[..at], &line.bytes[at + 1..]);
                self.entry.set(name, value, line.length - at as u64 - 1, &mut self.spare);
                self.own.set(name, value);
                continue;
            }
            let name = line.bytes.to_vec();
            let wrong = || io::Error::new(ErrorKind::InvalidData, excerpt(&String::from_utf8_lossy(&name)));
            let cut = || io::Error::from(ErrorKind::UnexpectedEof);
            // Names of fields are upper-case words; anything else is no field at all.
            if !name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_') {
                return Err(wrong());
            }
            let size = self.lines.take(8)?.ok_or_else(cut)?;
            let size = u64::from_le_bytes(size.bytes.try_into().map_err(|_| wrong())?);
            // journald takes no entry that is longer.
            if size > 1 << 30 {
                return Err(wrong());
            }
            let value = self.lines.take(size)?.ok_or_else(cut)?;
            self.entry.set(&name, value.bytes, size, &mut self.spare);
            if self.lines.next()?.ok_or_else(cut)?.length > 0 {
                return Err(wrong());
            }
        }
    }

    /// The reader.
    pub fn into_reader(self) -> R {
        self.lines.into_reader()
    }

    fn clear(&mut self) {
        if let Some(message) = self.entry.message.take() {
            self.spare = message;
        }
        self.entry.priority = None;
        self.entry.units.clear();
        self.entry.invocation = None;
        self.entry.length = 0;
        self.entry.event = None;
        self.own = OwnFields::default();
    }
}

impl Entry {
    fn set(&mut self, name: &[u8], value: &[u8], length: u64, spare: &mut Vec<u8>) {
        let text = || std::str::from_utf8(value).unwrap_or_default();
        match name {
            b"MESSAGE" => {
                if let Some(message) = &mut self.message {
                    message.push(b'\n');
                    message.extend_from_slice(value);
                    message.truncate(lines::KEPT);
                    self.length = self.length.saturating_add(1);
                } else {
                    let mut message = std::mem::take(spare);
                    message.clear();
                    message.extend_from_slice(value);
                    self.message = Some(message);
                }
                self.length = self.length.saturating_add(length);
            }
            b"PRIORITY" => self.priority = text().parse().ok().filter(|priority| *priority < 8),
            b"__REALTIME_TIMESTAMP" => self.time = text().parse().unwrap_or_default(),
            b"__CURSOR" => {
                self.cursor.clear();
                self.cursor.push_str(text());
            }
            b"_SYSTEMD_UNIT" => self.units.insert(0, text().to_owned()),
            b"UNIT" | b"OBJECT_SYSTEMD_UNIT" | b"COREDUMP_UNIT" => self.units.push(text().to_owned()),
            b"INVOCATION_ID" => self.invocation = Some(text().to_owned()),
            _ => {}
        }
    }
}
