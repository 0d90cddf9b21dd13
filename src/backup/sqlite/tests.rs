use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;

/// A directory that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("opsctl-sqlite-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A database of so many rows.
    fn database(&self, name: &str, mode: &str, rows: u32) -> (PathBuf, Connection) {
        let path = self.file(name);
        let database = Connection::open(&path).unwrap();
        database
            .execute_batch(&format!(
                "PRAGMA journal_mode={mode}; CREATE TABLE t (a INTEGER, b TEXT); CREATE INDEX i ON t (b);"
            ))
            .unwrap();
        let text = "x".repeat(200);
        database.execute_batch("BEGIN").unwrap();
        for row in 0..rows {
            database.execute("INSERT INTO t VALUES (?1, ?2)", (row, format!("{row} {text}"))).unwrap();
        }
        database.execute_batch("COMMIT").unwrap();
        (path, database)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn rows(count: u64) -> BTreeMap<String, u64> {
    [("t".to_owned(), count)].into()
}

#[test]
fn e1_a_copy_has_what_still_stands_in_the_log() {
    let scratch = Scratch::new();
    for mode in ["WAL", "DELETE"] {
        let (path, _open) = scratch.database(mode, mode, 6000);
        let to = scratch.file(&format!("{mode}.copy"));
        copy(&path, &to, None).unwrap();
        assert_eq!(prove(&to, None), Ok(rows(6000)), "{mode}");
        let beside: Vec<String> = fs::read_dir(&scratch.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with(&format!("{mode}.copy")))
            .collect();
        assert_eq!(beside, [format!("{mode}.copy")], "a copy is one file");
        assert_eq!(fs::metadata(&to).unwrap().mode() & 0o777, 0o600);
    }
}

#[test]
fn e1_e2_a_writer_is_never_held_up_and_never_holds_it_up() {
    let scratch = Scratch::new();
    let (path, writer) = scratch.database("busy.db", "WAL", 20_000);
    let stop = AtomicBool::new(false);
    let (slowest, before, counts) = thread::scope(|scope| {
        let stop = &stop;
        let writing = scope.spawn(move || {
            let mut slowest = Duration::ZERO;
            let mut rows = 20_000;
            while !stop.load(Ordering::Relaxed) {
                let begun = Instant::now();
                writer.execute("INSERT INTO t VALUES (?1, 'new')", [rows]).unwrap();
                slowest = slowest.max(begun.elapsed());
                rows += 1;
                thread::sleep(Duration::from_millis(2));
            }
            slowest
        });
        let mut counts = Vec::new();
        let mut before = Vec::new();
        for turn in 0..5 {
            let reader = Connection::open(&path).unwrap();
            before.push(reader.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap());
            let to = scratch.file(&format!("{turn}.copy"));
            copy(&path, &to, None).unwrap();
            counts.push(prove(&to, None).unwrap()["t"]);
        }
        stop.store(true, Ordering::Relaxed);
        (writing.join().unwrap(), before, counts)
    });
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    for (before, count) in before.iter().zip(&counts) {
        assert!(*count >= u64::try_from(*before).unwrap(), "not older than its start: {before} {count}");
    }
}

#[test]
fn e2_a_database_that_another_holds_alone_is_waited_for_and_then_given_up() {
    let scratch = Scratch::new();
    let (path, holder) = scratch.database("held.db", "DELETE", 10);
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let begun = Instant::now();
    let told = copy(&path, &scratch.file("copy"), None).unwrap_err();
    assert_eq!(told, "another process has locked it for more than 10 s");
    assert!(begun.elapsed() < BUSY + Duration::from_secs(2));
}

#[test]
fn e4_e5_e9_what_is_no_database_is_told() {
    let scratch = Scratch::new();
    let (good, open) = scratch.database("good.db", "DELETE", 10);
    drop(open);
    let told = |path: &Path| look(path).map(drop).unwrap_err();
    assert_eq!(told(&scratch.file("missing.db")), "the database is missing");
    assert!(!scratch.file("missing.db").exists());
    fs::write(scratch.file("empty.db"), "").unwrap();
    assert_eq!(told(&scratch.file("empty.db")), "it is empty, 0 bytes");
    fs::write(scratch.file("text.db"), "not a database, but long enough for one").unwrap();
    assert_eq!(told(&scratch.file("text.db")), "it is not an SQLite database");
    std::os::unix::fs::symlink(&good, scratch.file("link.db")).unwrap();
    assert_eq!(told(&scratch.file("link.db")), "it is a symbolic link");
    assert_eq!(told(&scratch.0), "it is not a regular file, but a directory");
    let mut bytes = fs::read(&good).unwrap();
    bytes[18] = 3;
    fs::write(scratch.file("newer.db"), &bytes).unwrap();
    assert_eq!(told(&scratch.file("newer.db")), "it has format 3, which this opsctl does not read");
    // integrity_check says "ok" of a database without anything in it.
    let bare = Connection::open(scratch.file("bare.db")).unwrap();
    bare.execute_batch("PRAGMA user_version=1").unwrap();
    drop(bare);
    assert_eq!(prove(&scratch.file("bare.db"), None), Err("it has no table".to_owned()));
}

#[test]
fn e6_what_is_corrupt_at_the_source_is_corrupt_in_the_copy() {
    let scratch = Scratch::new();
    let (path, open) = scratch.database("bad.db", "DELETE", 3000);
    drop(open);
    let mut bytes = fs::read(&path).unwrap();
    // In the middle of the pages of the index: a copy that was made row by row would hide it.
    let at = bytes.windows(5).rposition(|window| window == b"2999 ").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let to = scratch.file("copy");
    copy(&path, &to, None).unwrap();
    let told = prove(&to, None).unwrap_err();
    assert!(told.starts_with("it is corrupt: "), "{told}");
}

#[test]
fn i2_after_it_was_settled_the_file_alone_is_the_database() {
    let scratch = Scratch::new();
    let (path, open) = scratch.database("live.db", "WAL", 500);
    // As a service that was killed leaves it: a log, and nobody who has it open.
    let killed = scratch.file("killed.db");
    for end in ["", "-wal", "-shm"] {
        fs::copy(format!("{}{end}", path.display()), format!("{}{end}", killed.display())).unwrap();
    }
    drop(open);
    assert!(fs::metadata(format!("{}-wal", killed.display())).unwrap().len() > 0);
    settle(&killed).unwrap();
    for end in ["-wal", "-shm"] {
        assert!(!Path::new(&format!("{}{end}", killed.display())).exists(), "{end}");
    }
    let alone = scratch.file("alone.db");
    fs::rename(&killed, &alone).unwrap();
    assert_eq!(prove(&alone, None), Ok(rows(500)));
}

/// How many damages are tried; more where somebody asks for them.
fn damages() -> u32 {
    std::env::var("OPSCTL_DAMAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(500)
}

#[test]
fn g3_i3_every_flipped_bit_and_every_cut_is_found() {
    use crate::backup::{source, staging};
    let scratch = Scratch::new();
    let (path, open) = scratch.database("whole.db", "DELETE", 5);
    drop(open);
    let good = fs::read(&path).unwrap();
    let (bytes, sha256) = staging::hash(&path).unwrap();
    let look = |path: &Path| source::compare(path, bytes, &sha256).and_then(|()| prove(path, None));
    assert_eq!(look(&path), Ok(rows(5)));
    let mut random = 42_u64;
    for turn in 0..damages() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(random >> 33).unwrap() % good.len();
        let mut bad = good.clone();
        if turn % 3 == 0 {
            bad.truncate(at);
        } else {
            bad[at] ^= 1 << (turn % 8);
        }
        fs::write(&path, &bad).unwrap();
        assert!(look(&path).is_err(), "{turn}: at {at}");
    }
}

fn fifo(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
}

/// Does it, and fails where it has not ended by itself within ten seconds.
fn ends<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || drop(tell.send(work())));
    told.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|_| panic!("{what}: it hangs"))
}

/// Something that is no file, at this path.
type Plant = fn(&Path);

const PLANTS: [(&str, Plant); 6] = [
    ("a FIFO", fifo),
    ("a symbolic link", |path| std::os::unix::fs::symlink("/etc/passwd", path).unwrap()),
    ("a symbolic link", |path| std::os::unix::fs::symlink("nowhere", path).unwrap()),
    ("a directory", |path| fs::create_dir(path).unwrap()),
    ("a socket", |path| drop(std::os::unix::net::UnixListener::bind(path).unwrap())),
    ("a device", |path| {
        let device = rustix::fs::makedev(1, 5);
        let made = rustix::fs::mknodat(
            rustix::fs::CWD,
            path,
            rustix::fs::FileType::CharacterDevice,
            rustix::fs::Mode::RUSR,
            device,
        );
        // Who is not root makes none, and none is made for them.
        if made.is_err() {
            fs::create_dir(path).unwrap();
        }
    }),
];

#[test]
fn e9_whatever_lies_where_a_database_should_be_is_named_at_once() {
    for (index, (kind, plant)) in PLANTS.into_iter().enumerate() {
        let scratch = Scratch::new();
        for side in ["", "-wal", "-shm", "-journal"] {
            let (path, open) = scratch.database(&format!("{index}{side}"), "DELETE", 5);
            drop(open);
            let planted = PathBuf::from(format!("{}{side}", path.display()));
            let _ = fs::remove_file(&planted);
            plant(&planted);
            let to = scratch.file(&format!("{index}{side}.copy"));
            let (one, other, third) = (path.clone(), path.clone(), path.clone());
            let what = format!("{kind} as {side:?}");
            let all = [
                ends(&what, move || look(&one).map(drop)),
                ends(&what, move || copy(&other, &to, None)),
                ends(&what, move || settle(&third)),
            ];
            for told in all {
                let told = told.expect_err(&what);
                let named = told.contains(kind) || told == "it cannot be read: No such device or address (os error 6)";
                assert!(named || (kind == "a device" && told.contains("a directory")), "{what}: {told}");
            }
            assert!(planted.symlink_metadata().is_ok(), "{what}: it is as it was");
        }
    }
}

/// Put there after it was looked at, a FIFO makes SQLite wait: not longer than the deadline, and not whoever waits for it.
#[test]
fn e9_what_is_put_there_too_late_to_be_seen_holds_nobody_up() {
    for side in ["", "-journal", "-wal"] {
        let scratch = Scratch::new();
        let mode = if side == "-wal" { "WAL" } else { "DELETE" };
        let (path, open) = scratch.database("late.db", mode, 5);
        drop(open);
        let planted = PathBuf::from(format!("{}{side}", path.display()));
        let _ = fs::remove_file(&planted);
        fifo(&planted);
        let to = scratch.file("copy");
        let begun = Instant::now();
        let done = ends(side, move || within(Duration::from_millis(300), move |watch| copy_watched(&path, &to, watch)));
        assert!(begun.elapsed() < Duration::from_secs(5), "{side}");
        // Some it finds out by itself; that it waits is told as such.
        if let Err(told) = done {
            assert!(!told.is_empty(), "{side}");
        }
    }
}

#[test]
fn a_journal_that_names_another_file_is_not_rolled_back() {
    let scratch = Scratch::new();
    let (path, open) = scratch.database("live.db", "DELETE", 500);
    // A transaction that was cut off leaves its journal.
    open.execute_batch("PRAGMA cache_size=1; BEGIN; UPDATE t SET b = 'other';").unwrap();
    let killed = scratch.file("killed.db");
    for end in ["", "-journal"] {
        fs::copy(format!("{}{end}", path.display()), format!("{}{end}", killed.display())).unwrap();
    }
    drop(open);
    let victim = scratch.file("victim");
    fs::write(&victim, "root's own").unwrap();
    let mut name = victim.to_str().unwrap().as_bytes().to_vec();
    let sum = name.iter().fold(0_u32, |sum, byte| sum + u32::from(*byte));
    let length = u32::try_from(name.len()).unwrap();
    name.extend(length.to_be_bytes());
    name.extend(sum.to_be_bytes());
    name.extend(NAMES_ANOTHER);
    // The number of the page that holds the lock comes first: no page of it is in a journal.
    let page = u32::try_from(0x4000_0000 / 4096 + 1).unwrap();
    let journal = PathBuf::from(format!("{}-journal", killed.display()));
    let plain = fs::read(&journal).unwrap();
    fs::write(&journal, [plain.clone(), page.to_be_bytes().to_vec(), name].concat()).unwrap();
    assert_eq!(settle(&killed), Err("its -journal names another file".to_owned()));
    assert!(victim.exists(), "it was deleted");
    fs::write(&journal, plain).unwrap();
    settle(&killed).unwrap();
    assert_eq!(prove(&killed, None), Ok(rows(500)));
}
