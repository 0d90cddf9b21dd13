//! The trail of what was changed: a line before the act and one after it, in a file that only root can write, else in the
//! journal. Where neither takes the line, nothing is changed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::net::UnixDatagram;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::append_line;
use crate::error::Error;
use crate::exit::Exit;
use crate::system::System;

/// Where the trail is.
pub const FILE: &str = "/var/log/opsctl/audit.jsonl";
const DIRECTORY: &str = "/var/log/opsctl";
/// journald's own socket (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL>).
const JOURNAL: &str = "/run/systemd/journal/socket";
/// How much of the trail's end is read, bytes.
const READ_LIMIT: u64 = 8 << 20;

/// A line of the trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// The same for both lines of an act.
    pub id: String,
    /// Before it, or after.
    pub phase: Phase,
    /// Deployment.
    pub deployment: String,
    /// Host.
    pub host: String,
    /// Who: the person behind sudo where there is one.
    pub user: String,
    /// From where: the address at the other end of SSH.
    pub from: Option<String>,
    /// What, such as `restart`.
    pub operation: String,
    /// Services.
    pub targets: Vec<String>,
    /// The commands of the plan, as they can be pasted.
    pub commands: Vec<String>,
    /// How it ended; `null` before.
    pub outcome: Option<String>,
    /// Exit code; `null` before.
    pub exit_code: Option<u8>,
    /// How long it took; `null` before.
    pub seconds: Option<f64>,
}

/// Before or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Written before anything was changed.
    Begin,
    /// Written when all was over.
    End,
}

/// Who acts: the person behind sudo, else the user.
pub fn who(system: &System) -> String {
    let named = |uid: u32| system.account(|account| account.uid == uid).map(|account| account.name);
    let uid = rustix::process::getuid().as_raw();
    let behind = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
    // Only root can have been reached through sudo; from anybody else the variable means nothing.
    let uid = behind.filter(|_| uid == 0).unwrap_or(uid);
    named(uid).unwrap_or_else(|| uid.to_string())
}

/// The address at the other end of SSH.
pub fn from() -> Option<String> {
    let connection = std::env::var("SSH_CONNECTION").ok()?;
    let address = connection.split(' ').next()?;
    address.parse::<std::net::IpAddr>().ok().map(|address| address.to_string())
}

/// Adds a line, to the file or else to the journal.
///
/// # Errors
/// When neither takes it.
pub fn write(system: &System, entry: &Entry) -> Result<(), Error> {
    let Err(file) = to_file(system, entry) else { return Ok(()) };
    to_journal(system, entry).map_err(|journal| Error {
        exit: Exit::Refused,
        code: "no_audit",
        message: format!("nothing is changed that cannot be recorded: {FILE}: {file}; journal: {journal}"),
        hint: None,
    })
}

fn to_file(system: &System, entry: &Entry) -> io::Result<()> {
    append_line(system, DIRECTORY, FILE, entry)
}

fn to_journal(system: &System, entry: &Entry) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    // JSON has no line breaks, so that the simple form of the protocol does.
    let line = serde_json::to_string(entry)?;
    let message = format!("SYSLOG_IDENTIFIER=opsctl-audit\nPRIORITY=5\nMESSAGE={line}\n");
    socket.send_to(message.as_bytes(), system.path(JOURNAL)).map(drop)
}

/// The trail, oldest first, and how many lines of it could not be understood.
///
/// # Errors
/// As the operating system says; a trail that was never begun is none.
pub fn read(system: &System) -> io::Result<(Vec<Entry>, usize)> {
    let mut file = match File::open(system.path(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(READ_LIMIT)))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    // Where only the end is read, it most likely begins in the middle of a line.
    let whole = if size > READ_LIMIT { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
    let mut torn = 0;
    let lines = whole.lines().filter(|line| !line.trim().is_empty());
    let entries = lines.filter_map(|line| serde_json::from_str(line).inspect_err(|_| torn += 1).ok()).collect();
    Ok((entries, torn))
}
