//! SQLite: a copy of all pages in one read transaction, while the database is in use, and proof that a copy is a database.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::manifest::Owner;
use crate::files::private;
use crate::system::System;

/// How long it is waited for a database that another holds for itself alone.
const BUSY: Duration = Duration::from_secs(10);
/// How often it is tried again.
const AGAIN: Duration = Duration::from_millis(25);
/// What every database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// The newest form of the file that this SQLite reads (write-ahead log).
const NEWEST_FORM: u8 = 2;

/// Looks at a database without opening it: whether it can be one, its size, and whose it is.
///
/// # Errors
/// Why it is none.
pub fn look(system: &System, path: &str) -> Result<(u64, Owner), String> {
    if system.symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
        return Err("it is a symbolic link".to_owned());
    }
    let mut file = system.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "the database is missing".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is no file".to_owned(),
        _ => format!("it cannot be read: {error}"),
    })?;
    let meta = file.metadata().map_err(|error| error.to_string())?;
    check_head(&mut file, meta.len())?;
    Ok((meta.len(), Owner { uid: meta.uid(), gid: meta.gid(), mode: meta.mode() & 0o7777 }))
}

fn check_head(file: &mut File, size: u64) -> Result<(), String> {
    if size == 0 {
        return Err("it is empty, 0 bytes".to_owned());
    }
    let mut head = [0; 20];
    match file.read_exact(&mut head) {
        Ok(()) if head[..16] == MAGIC[..] => {}
        _ => return Err("it is no SQLite database".to_owned()),
    }
    // https://www.sqlite.org/fileformat2.html: the versions that one must know to write and to read it.
    match head[18].max(head[19]) {
        form if form > NEWEST_FORM => Err(format!("it is of form {form}, which this opsctl does not know")),
        _ => Ok(()),
    }
}

/// Copies a database to a new file.
///
/// # Errors
/// Why there is no copy; what was begun of it is worth nothing.
pub fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let told = |error: rusqlite::Error| words(&error);
    let read = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let source = Connection::open_with_flags(from, read).map_err(told)?;
    private::create_new(to).map_err(|error| format!("{}: {error}", to.display()))?;
    let write = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, write).map_err(told)?;
    // It is proven by reading it back, and worth nothing before.
    target.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;").map_err(told)?;
    let backup = Backup::new(&source, &mut target).map_err(told)?;
    let until = Instant::now() + BUSY;
    loop {
        // All pages in one transaction: in steps, a busy writer makes it begin again and again and never end.
        match backup.step(-1).map_err(told)? {
            StepResult::Done => return Ok(()),
            _ if Instant::now() < until => thread::sleep(AGAIN),
            _ => return Err(format!("it is locked by another for more than {} s", BUSY.as_secs())),
        }
    }
}

/// Opens a copy as a service would and reads all of it: rows by table.
///
/// # Errors
/// What is wrong with it.
pub fn prove(path: &Path) -> Result<BTreeMap<String, u64>, String> {
    let told = |error: rusqlite::Error| words(&error);
    let mut file = private::open(path).map_err(|error| error.to_string())?;
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    check_head(&mut file, size)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).map_err(told)?;
    // What a schema says is run only as far as it is harmless.
    database.execute_batch("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;").map_err(told)?;
    let mut statement = database.prepare("PRAGMA integrity_check(3)").map_err(told)?;
    let found: Result<Vec<String>, _> = statement.query_map([], |row| row.get(0)).map_err(told)?.collect();
    let found = found.map_err(told)?;
    if found != ["ok"] {
        return Err(format!("it is corrupt: {}", found.join("; ")));
    }
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                  AND sql NOT LIKE 'CREATE VIRTUAL%'";
    let mut statement = database.prepare(tables).map_err(told)?;
    let names: Result<Vec<String>, _> = statement.query_map([], |row| row.get(0)).map_err(told)?.collect();
    let mut rows = BTreeMap::new();
    for name in names.map_err(told)? {
        let query = format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\""));
        let count: i64 = database.query_row(&query, [], |row| row.get(0)).map_err(told)?;
        rows.insert(name, u64::try_from(count).unwrap_or(0));
    }
    match rows.is_empty() {
        true => Err("it has no table".to_owned()),
        false => Ok(rows),
    }
}

/// Puts what a database still has in its log or journal into the file itself, and takes both away: afterwards the file alone is
/// the whole database.
///
/// # Errors
/// Why that cannot be done.
pub fn settle(path: &Path) -> Result<(), String> {
    let told = |error: rusqlite::Error| words(&error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let database = Connection::open_with_flags(path, flags).map_err(told)?;
    database.busy_timeout(Duration::from_secs(2)).map_err(told)?;
    // Reading a page rolls a hot journal back.
    let _: i64 = database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(told)?;
    let busy: i64 = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(told)?;
    if busy != 0 {
        return Err("another still uses it".to_owned());
    }
    database.close().map_err(|(_, error)| words(&error))
}

/// The version of SQLite that is compiled in.
pub fn version() -> String {
    rusqlite::version().to_owned()
}

fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, Some(message)) => match code.code {
            rusqlite::ErrorCode::DatabaseCorrupt => format!("it is corrupt: {message}"),
            rusqlite::ErrorCode::NotADatabase => "it is no SQLite database".to_owned(),
            _ => message.clone(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "sqlite/tests.rs"]
mod tests;
