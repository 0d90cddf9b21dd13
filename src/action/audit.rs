//! The trail of what was changed: a line before the act and one after it, in a file that only root can write, else in the
//! journal. Where neither takes the line, nothing is changed.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::exec::{ProcessEnd, Runner};
use crate::host::files::own;
use crate::host::net;
use crate::host::system::System;
use crate::host::tools::journalctl;
use crate::host::trouble::{Trouble, failure};
use crate::registry::Deployment;

/// Where the trail is.
pub const FILE: &str = "/var/log/opsctl/audit.jsonl";
const DIRECTORY: &str = "/var/log/opsctl";
/// journald's own socket (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL>).
const JOURNAL: &str = "/run/systemd/journal/socket";
/// How long it may take to take a line, unless the whole command has less time: it takes them in microseconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// The name of its lines there.
const IDENTIFIER: &str = "opsctl-audit";
/// How many of those are read. They are few: only what the file did not take.
const JOURNAL_LINES: u32 = 2000;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Written before anything was changed.
    Begin,
    /// Written when all was over.
    End,
}

/// An act whose beginning is recorded.
#[derive(Debug)]
#[must_use = "the end of the operation must also be recorded"]
pub struct Act {
    entry: Entry,
    at: Instant,
}

/// Records that this process begins to change a deployment.
///
/// # Errors
/// When that cannot be recorded: then it must not begin.
pub fn begin(
    context: &Context<'_>,
    deployment: &Deployment,
    operation: &str,
    targets: Vec<String>,
    commands: Vec<String>,
) -> Result<Act, Error> {
    let system = context.system;
    let now = system.now();
    let entry = Entry {
        time: now,
        id: format!("{}-{}", now.as_microsecond(), std::process::id()),
        phase: Phase::Begin,
        deployment: deployment.name.to_owned(),
        host: system.host_name(),
        user: who(system),
        from: from(),
        operation: operation.to_owned(),
        targets,
        commands,
        outcome: None,
        exit_code: None,
        seconds: None,
    };
    write(system, &entry, context.within(PATIENCE))?;
    Ok(Act { entry, at: Instant::now() })
}

impl Act {
    /// Records how it ended. It is done by then; that it cannot be recorded is said, and changes nothing.
    pub fn end(self, context: &Context<'_>, outcome: String, exit: Exit) {
        let entry = Entry {
            time: context.system.now(),
            phase: Phase::End,
            outcome: Some(outcome),
            exit_code: Some(exit.code()),
            seconds: Some((self.at.elapsed().as_secs_f64() * 1000.0).round() / 1000.0),
            ..self.entry
        };
        if let Err(error) = write(context.system, &entry, PATIENCE) {
            context.ui.note(&error.message);
        }
    }
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
fn write(system: &System, entry: &Entry, limit: Duration) -> Result<(), Error> {
    let Err(file) = to_file(system, entry) else { return Ok(()) };
    to_journal(system, entry, limit).map_err(|journal| {
        Error::refused(
            Code::AuditUnwritable,
            format!("cannot record the operation, nothing was changed: {FILE}: {file}; journal: {journal}"),
        )
        .hint(format!("ls -ld {DIRECTORY} {FILE}"))
    })
}

fn to_file(system: &System, entry: &Entry) -> io::Result<()> {
    own::append_line(system, DIRECTORY, FILE, entry)
}

fn to_journal(system: &System, entry: &Entry, limit: Duration) -> io::Result<()> {
    // JSON has no line breaks, so that the simple form of the protocol does.
    let line = serde_json::to_string(entry)?;
    let message = format!("SYSLOG_IDENTIFIER={IDENTIFIER}\nPRIORITY=5\nMESSAGE={line}\n");
    match net::tell(&system.path(JOURNAL), message.as_bytes(), Instant::now() + limit) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            Err(io::Error::new(error.kind(), format!("journald accepted nothing in {:.1} s", limit.as_secs_f32())))
        }
        other => other,
    }
}

/// The trail, oldest first, and how many lines of it could not be understood.
///
/// # Errors
/// As the operating system says; a trail that was never begun is none.
pub fn read(system: &System) -> io::Result<(Vec<Entry>, usize)> {
    read_newest(system, READ_LIMIT)
}

/// The same of the last so many bytes.
///
/// # Errors
/// As [`read`].
pub fn read_newest(system: &System, limit: u64) -> io::Result<(Vec<Entry>, usize)> {
    let (text, size) = match system.tail(FILE, limit) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&text);
    // Where only the end is read, it most likely begins in the middle of a line.
    let whole = if size > limit { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
    let mut torn = 0;
    let lines = whole.lines().filter(|line| !line.trim().is_empty());
    let entries = lines.filter_map(|line| serde_json::from_str(line).inspect_err(|_| torn += 1).ok()).collect();
    Ok((entries, torn))
}

/// What the journal has of the trail, oldest first.
///
/// # Errors
/// Why that is not known. A host without systemd has no journal, and so nothing in it.
pub fn read_journal(system: &System, runner: &dyn Runner, limit: Duration) -> Result<Vec<Entry>, Trouble> {
    if !system.booted_with_systemd() {
        return Ok(Vec::new());
    }
    let output = runner.run(&journalctl::said_by_root(IDENTIFIER, JOURNAL_LINES), limit)?;
    if output.exit != ProcessEnd::Code(0) {
        return Err(failure(&output));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // Root may have written other things under this name; a damaged line is told of by the file alone.
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// The whole trail: what the file has and, where it stopped taking lines, what the journal has instead; oldest first.
pub fn merge(mut file: Vec<Entry>, journal: Vec<Entry>) -> Vec<Entry> {
    let known: HashSet<(String, Phase)> = file.iter().map(|entry| (entry.id.clone(), entry.phase)).collect();
    file.extend(journal.into_iter().filter(|entry| !known.contains(&(entry.id.clone(), entry.phase))));
    file.sort_by_key(|entry| entry.time);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, second: i64, phase: Phase) -> Entry {
        let text = format!(
            r#"{{"time":"{}","id":"{id}","phase":"begin","deployment":"prim","host":"vps1","user":"root","from":null,"operation":"restart","targets":[],"commands":[],"outcome":null,"exit_code":null,"seconds":null}}"#,
            Timestamp::from_second(second).unwrap()
        );
        Entry { phase, ..serde_json::from_str(&text).unwrap() }
    }

    #[test]
    fn what_only_the_journal_has_is_put_where_it_belongs() {
        use Phase::{Begin, End};
        let file = vec![entry("a", 1, Begin), entry("a", 2, End), entry("c", 5, Begin)];
        let journal = vec![
            entry("a", 2, End),
            entry("b", 3, Begin),
            entry("b", 4, End),
            entry("c", 5, Begin),
            entry("c", 6, End),
        ];
        let merged = merge(file, journal);
        let told: Vec<(&str, Phase)> = merged.iter().map(|entry| (entry.id.as_str(), entry.phase)).collect();
        assert_eq!(told, [("a", Begin), ("a", End), ("b", Begin), ("b", End), ("c", Begin), ("c", End)]);
    }
}
