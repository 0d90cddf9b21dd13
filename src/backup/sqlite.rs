//! SQLite: a copy of all pages in one read transaction, while the database is in use, and proof that a copy is a database.
//!
//! The directory of a live database is its service's: whatever lies there under the names that SQLite opens may be a link, a
//! FIFO or a device that somebody put there. It is looked at first, by its descriptor; what is put there afterwards can only
//! make SQLite wait, which is ended by the deadline of [`watch`].

mod watch;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use self::watch::{Watch, limit, within};
use super::manifest::Owner;
use crate::host::files::private;
use crate::host::system::System;
use crate::program;

/// How long it is waited for a database that another holds for itself alone.
const BUSY: Duration = Duration::from_secs(10);
/// How often it is tried again.
const AGAIN: Duration = Duration::from_millis(25);
/// What every database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// The newest form of the file that this SQLite reads (write-ahead log).
const NEWEST_FORM: u8 = 2;
/// What SQLite keeps beside a database.
const SIDES: [&str; 3] = ["-wal", "-shm", "-journal"];
/// What a journal ends with that names a file of several databases. SQLite opens that file and deletes it once it has rolled back:
/// versions before 3.54 whatever its name
/// (<https://www.sqlite.org/fileformat2.html#the_rollback_journal>).
const NAMES_ANOTHER: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Looks at a database without opening it: whether it can be one, its size with that of its log, and whose it is.
///
/// # Errors
/// Why it is none, or why it is not safe to open.
pub fn look(path: &Path) -> Result<(u64, Owner), String> {
    let system = System::real();
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "the database is missing".to_owned(),
        _ => format!("it cannot be read: {error}"),
    };
    let meta = system.symlink_metadata(path).map_err(told)?;
    if meta.is_symlink() {
        return Err("it is a symbolic link".to_owned());
    }
    if !meta.is_file() {
        return Err(format!("it is not a regular file, but {}", kind(&meta)));
    }
    let mut file = system.open(path).map_err(told)?;
    let meta = file.metadata().map_err(|error| error.to_string())?;
    check_head(&mut file, meta.len())?;
    let log = check_sides(&system, path)?;
    let owner = Owner { uid: meta.uid(), gid: meta.gid(), mode: meta.mode() & 0o7777 };
    Ok((meta.len().saturating_add(log), owner))
}

/// In a word, what is no regular file.
fn kind(meta: &std::fs::Metadata) -> &'static str {
    let kind = meta.file_type();
    match () {
        () if kind.is_symlink() => "a symbolic link",
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

/// Makes sure that what lies beside a database is what SQLite put there: files with one name each. The size of its log.
fn check_sides(system: &System, path: &Path) -> Result<u64, String> {
    let mut log = 0;
    for side in SIDES {
        let meta = match system.symlink_metadata(format!("{}{side}", path.display())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            meta => meta.map_err(|error| format!("its {side}: {error}"))?,
        };
        match () {
            () if !meta.is_file() => return Err(format!("its {side} is not a regular file, but {}", kind(&meta))),
            () if meta.nlink() > 1 => return Err(format!("its {side} has a second hard link elsewhere")),
            () if side == "-wal" => log = meta.len(),
            () => {}
        }
    }
    Ok(log)
}

/// Makes sure that a journal names no other file, which SQLite would delete: a service with one database has none that does.
fn check_journal(path: &Path) -> Result<(), String> {
    let mut journal = match System::real().open(format!("{}-journal", path.display())) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(|error| format!("its -journal: {error}"))?,
    };
    let mut end = [0; NAMES_ANOTHER.len()];
    let read = journal.seek(SeekFrom::End(-8)).and_then(|_| journal.read_exact(&mut end));
    match read.is_ok() && end == NAMES_ANOTHER {
        true => Err("its -journal names another file".to_owned()),
        false => Ok(()),
    }
}

fn check_head(file: &mut File, size: u64) -> Result<(), String> {
    if size == 0 {
        return Err("it is empty, 0 bytes".to_owned());
    }
    let mut head = [0; 20];
    match file.read_exact(&mut head) {
        Ok(()) if head[..16] == MAGIC[..] => {}
        _ => return Err("it is not an SQLite database".to_owned()),
    }
    // https://www.sqlite.org/fileformat2.html: the versions that one must know to write and to read it.
    match head[18].max(head[19]) {
        form if form > NEWEST_FORM => {
            Err(format!("it has format {form}, which this {} does not read", program::name()))
        }
        _ => Ok(()),
    }
}

/// Copies a database to a new file, for no longer than `left` where that is given.
///
/// # Errors
/// Why there is no copy; what was begun of it is worth nothing.
pub fn copy(from: &Path, to: &Path, left: Option<Duration>) -> Result<(), String> {
    let (bytes, _) = look(from)?;
    let (from, to) = (from.to_owned(), to.to_owned());
    within(limit(bytes, left), move |watch| copy_watched(&from, &to, watch))
}

fn copy_watched(from: &Path, to: &Path, watch: &Watch) -> Result<(), String> {
    let told = |error: rusqlite::Error| words(&error);
    let read = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    // What SQLite opens by path, it opens with no more rights than whoever could have led the path elsewhere.
    let guise = System::real().guise(from).map_err(|error| error.to_string())?;
    let source = Connection::open_with_flags(from, read).map_err(told)?;
    watch.over(&source)?;
    // The log is opened with the first page that is read.
    source.execute_batch("BEGIN").map_err(told)?;
    first_page(&source, watch)?;
    drop(guise);
    private::create_new(to).map_err(|error| format!("{}: {error}", to.display()))?;
    let write = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, write).map_err(told)?;
    // It is proven by reading it back, and worth nothing before.
    target.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;").map_err(told)?;
    let backup = Backup::new(&source, &mut target).map_err(told)?;
    let begun = Instant::now();
    loop {
        watch.goes_on()?;
        // All pages in one transaction: in steps, a busy writer makes it begin again and again and never end.
        match backup.step(-1).map_err(told)? {
            StepResult::Done => return Ok(()),
            _ if begun.elapsed() < BUSY => thread::sleep(AGAIN),
            _ => return Err(format!("another process has locked it for more than {} s", BUSY.as_secs())),
        }
    }
}

/// Reads the first page, waiting as long as for a copy where another holds the database for itself alone.
fn first_page(source: &Connection, watch: &Watch) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        watch.goes_on()?;
        match source.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)) {
            Ok(_) => return Ok(()),
            Err(error) if is_busy(&error) && begun.elapsed() < BUSY => thread::sleep(AGAIN),
            Err(error) if is_busy(&error) => {
                return Err(format!("another process has locked it for more than {} s", BUSY.as_secs()));
            }
            Err(error) => return Err(words(&error)),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// Opens a copy as a service would and reads all of it: rows by table. For no longer than `left` where that is given.
///
/// # Errors
/// What is wrong with it.
pub fn prove(path: &Path, left: Option<Duration>) -> Result<BTreeMap<String, u64>, String> {
    let mut file = private::open(path).map_err(|error| error.to_string())?;
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    check_head(&mut file, size)?;
    let path = path.to_owned();
    within(limit(size, left), move |watch| prove_watched(&path, watch))
}

fn prove_watched(path: &Path, watch: &Watch) -> Result<BTreeMap<String, u64>, String> {
    let told = |error: rusqlite::Error| words(&error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let database = Connection::open_with_flags(path, flags).map_err(told)?;
    watch.over(&database)?;
    // What a schema says is run only as far as it is harmless, and what is sorted for it lies where no variable says.
    database
        .execute_batch("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;")
        .map_err(told)?;
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
/// Why that cannot be done, or is not safe to do.
pub fn settle(path: &Path) -> Result<(), String> {
    let (bytes, _) = look(path)?;
    check_journal(path)?;
    let path = path.to_owned();
    within(limit(bytes, None), move |watch| settle_watched(&path, watch))
}

fn settle_watched(path: &Path, watch: &Watch) -> Result<(), String> {
    let told = |error: rusqlite::Error| words(&error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let _guise = System::real().guise(path).map_err(|error| error.to_string())?;
    let database = Connection::open_with_flags(path, flags).map_err(told)?;
    watch.over(&database)?;
    database.busy_timeout(Duration::from_secs(2)).map_err(told)?;
    // Reading a page rolls a hot journal back.
    let _: i64 = database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(told)?;
    let busy: i64 = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(told)?;
    if busy != 0 {
        return Err("another process still uses it".to_owned());
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
            rusqlite::ErrorCode::NotADatabase => "it is not an SQLite database".to_owned(),
            _ => message.clone(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "sqlite/tests.rs"]
mod tests;
