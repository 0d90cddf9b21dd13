//! `docs/faults.md`: the legend of the codes that names of tests and of documents of faults begin with, each with its tests.
//! `SNAPSHOTS=overwrite` writes it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::promises::sources;

/// What each letter is about.
const AREAS: &[(char, &str)] = &[
    ('A', "Any wrapped tool"),
    ('B', "systemd and the journal"),
    ('C', "Docker and compose"),
    ('D', "pm2"),
    ('E', "Backups of SQLite"),
    ('F', "Backups of PostgreSQL, MongoDB and files"),
    ('G', "Remotes"),
    ('H', "Retention and clocks"),
    ('I', "Restore"),
    ('J', "New versions"),
    ('K', "Processes, locks, cron"),
    ('L', "Hostile input, privilege, secrets"),
    ('M', "Diagnosis and fixes"),
];

/// The faults.
const FAULTS: &[(&str, &str)] = &[
    ("A1", "not installed, not executable, or made for another machine"),
    ("A3", "never answers"),
    ("A4", "ignores SIGTERM"),
    ("A5", "is killed half-way"),
    ("A6", "ends with 0 and says nothing, or fails after a whole answer"),
    ("A7", "answers nonsense, or half of an answer"),
    ("A9", "answers without end, or with one line of 100 MiB"),
    ("A10", "answers in bytes that are not text, with colours, NUL or a byte order mark"),
    ("A11", "leaves a child that holds its output open"),
    ("A12", "asks something on its terminal"),
    ("A13", "speaks another language, or is of another version"),
    ("A14", "cannot be started for want of processes, descriptors or memory"),
    ("A15", "one source does not answer, and would cost the others"),
    ("B1", "a unit does not exist"),
    ("B2", "a unit is masked, disabled or static"),
    ("B3", "a unit crashes again and again, fast or slowly"),
    ("B4", "a unit starts and ends some seconds later"),
    ("B5", "a unit has used up its start limit"),
    ("B6", "a condition of a unit does not hold"),
    ("B7", "the env file of a unit is missing"),
    ("B8", "the program, user or directory of a unit is missing"),
    ("B9", "a unit does not stop"),
    ("B10", "a unit does not come up"),
    ("B11", "a unit file changed on disk and was not loaded"),
    ("B12", "systemd or its bus does not answer, or does not run"),
    ("B13", "entries of the journal without a message, with two, or with bytes"),
    ("B14", "the journal may not be read"),
    ("B15", "the journal was rotated, dropped messages, or is corrupt"),
    ("B16", "another process has the port, or nobody listens"),
    ("B17", "a service writes where the registry does not say, or nothing is recorded of it"),
    ("B18", "no journal is kept, or it begins after what is asked for"),
    ("B19", "one unit writes more than can be read in time"),
    ("B20", "old logs that are packed otherwise, and files whose names only look like those of old logs"),
    ("B21", "more units than systemd tells of in time"),
    ("B22", "a unit ends again and again, with long runs between"),
    ("B23", "a service listens at another port, address or socket, or another program has its port"),
    ("B24", "a unit only starts others, and one of these is down"),
    ("C1", "compose is missing, or of its first version"),
    ("C2", "the engine is down, hangs, or may not be asked"),
    ("C3", "the list of containers has another form"),
    ("C4", "a container is stopped, paused, restarting, unhealthy or starting"),
    ("C5", "a compose file is missing, invalid, or others can write it"),
    ("C6", "a restart does not apply a changed image"),
    ("C7", "an image cannot be pulled"),
    ("C8", "a command in a container has no terminal"),
    ("C9", "a step would remove volumes"),
    ("C10", "the engine is frozen"),
    ("C11", "a container ends again and again, or never began"),
    ("D1", "the daemon does not run"),
    ("D2", "the daemon is another user's, or its list is empty"),
    ("D3", "noise around its answer"),
    ("D4", "an application failed, is there twice, or runs in part"),
    ("D5", "a container has another name than was stated"),
    ("D6", "the daemon would inherit secrets and descriptors"),
    ("D8", "an image is kept under the tag of the version before"),
    ("D12", "a version came without git"),
    ("D13", "pm2 writes an application's log elsewhere"),
    ("D14", "an application ends again and again, with long runs between"),
    ("E1", "somebody writes all the time"),
    ("E2", "the database is locked"),
    ("E4", "the database is missing"),
    ("E5", "the database is empty, none, or of a newer form"),
    ("E6", "the database is corrupt"),
    ("E7", "the disk fills while a copy is made"),
    ("E8", "a copy cannot be brought to the disk"),
    ("E9", "a link, FIFO or device is where the database should be"),
    ("F1", "a dump ends half-way with an error"),
    ("F2", "a dump is cut and ends with 0"),
    ("F3", "a wrong password, no database, or a server that ends meanwhile"),
    ("F5", "a copy is far smaller than the one before"),
    ("F6", "files change while they are read, or are no files"),
    ("F7", "credentials would lie on the remote unencrypted"),
    ("F8", "an archive would write outside of its target"),
    ("G1", "the remote cannot be reached, or drips"),
    ("G2", "the remote refuses the key or has no such bucket"),
    ("G3", "the remote stores something else, or nothing, and ends with 0"),
    ("G5", "an object of that name exists"),
    ("G6", "an object of the same size and time is skipped"),
    ("G7", "a run is killed while it sends"),
    ("G8", "a remote or a set that is not well-formed"),
    ("G9", "a listing of nothing"),
    ("G10", "a listing that is cut"),
    ("G12", "rclone's configuration is missing, or others can read it"),
    ("H1", "the backup of today failed"),
    ("H2", "the clock is wrong"),
    ("H3", "copies are dated in the future"),
    ("H4", "a policy would keep nothing, or delete many at once"),
    ("H5", "the newest copies are not verified, or went bad"),
    ("H6", "objects of others lie among the copies"),
    ("H7", "deleting fails half-way"),
    ("I1", "the service runs, or somebody has the file open"),
    ("I2", "a log of the old database is left beside it"),
    ("I3", "the copy is cut, altered, or of another database"),
    ("I4", "too little space for the old and the new"),
    ("I5", "killed between two steps"),
    ("I6", "the service does not come up with the restored data"),
    ("I7", "the service does not stop"),
    ("I8", "owner or mode would differ"),
    ("I9", "the database refuses the dump half-way"),
    ("I10", "it is not clear which copy is meant"),
    ("J1", "the working copy is dirty, detached, or its owner is another"),
    ("J2", "a version does not build"),
    ("J3", "a version is not healthy"),
    ("J4", "the version to go back to is gone"),
    ("J5", "going back fails too"),
    ("J6", "a version is healthy once, and then is not"),
    ("J7", "a health check hangs, never ends, or is another program's"),
    ("J8", "a signal, a lost connection or a reboot in the middle"),
    ("K1", "two changes at once"),
    ("K2", "the holder of the lock was killed"),
    ("K3", "the lock's place is another's, a link, or full"),
    ("K4", "nobody reads the output, or it cannot be written"),
    ("K5", "interrupted twice"),
    ("K6", "the environment of cron"),
    ("K7", "cron and a person at once"),
    ("K9", "limits of the process, a full or read-only disk"),
    ("K10", "a record that is torn, stale or of a newer form"),
    ("K12", "a terminal that is narrow, or does not know its size"),
    ("K13", "a mount is dead or hangs"),
    ("K14", "a file system that no list names is full"),
    ("L1", "arguments that are paths, options, shell code or not text"),
    ("L2", "text from outside that drives a terminal"),
    ("L3", "text from outside that imitates what opsctl prints"),
    ("L4", "secrets in env files, arguments, URLs and logs"),
    ("L5", "an environment that changes what tools do"),
    ("L6", "a tool that others can swap"),
    ("L7", "links and FIFOs planted where files are read or written"),
    ("L8", "a user without rights"),
    ("L9", "an env file with code, quotes, or without end"),
    ("L10", "a repository whose settings name programs"),
    ("L12", "a URL with credentials, or that leads elsewhere"),
    ("L13", "an env file that the program which reads it takes otherwise than it looks"),
    ("L14", "a value that an env file takes from elsewhere, or that versions read differently"),
    ("L15", "secrets of env files in quotes, with escapes, over several lines or behind comments"),
    ("M1", "two causes at once"),
    ("M2", "nothing is wrong"),
    ("M3", "the symptom is gone before the fix, or the fix does not help"),
    ("M5", "a fix would have to delete"),
    ("M6", "evidence cannot be read"),
    ("M7", "a condition over nothing"),
    ("M8", "who may not look does not know"),
];

/// Tests of faults that their names do not say.
const OTHERS: &[(&str, &str)] = &[
    ("A13", "l5_the_environment_is_fixed"),
    ("C10", "a15_whatever_hangs_a_full_disk_is_told"),
    ("C5", "releases_of_ai_fsm"),
    ("C6", "compose_makes_what_is_chosen_also_where_there_is_no_container"),
    ("C8", "no_command_line_is_a_shell_s_or_removes_what_cannot_be_made_again"),
    ("C9", "no_command_line_is_a_shell_s_or_removes_what_cannot_be_made_again"),
    ("E7", "fifteen_beside_a_shell_loop"),
    ("G2", "fifteen_beside_a_shell_loop"),
    ("G3", "fifteen_beside_a_shell_loop"),
    ("K5", "signals_at_each_boundary"),
    ("K9", "a14_too_few_processes"),
];

/// Names of tests and of documents of faults below a directory.
fn names(dir: &Path, all: &mut Vec<String>) {
    let test = Regex::new(r"(?m)^\s*fn ((?:[a-z]\d+_(?:to_)?)+\w+)\(").unwrap();
    let mut paths: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap();
        match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() => names(&path, all),
            Some("rs") => {
                let text = fs::read_to_string(&path).unwrap();
                all.extend(test.captures_iter(&text).map(|found| found[1].to_owned()));
            }
            Some("json") if !codes(name).is_empty() => {
                all.push(format!("{}/{name}", dir.file_name().unwrap().to_str().unwrap()));
            }
            _ => {}
        }
    }
}

/// The codes that a name begins with: `h1_to_h3_x` has three.
fn codes(name: &str) -> Vec<String> {
    let code = Regex::new(r"^([a-z])(\d+)$").unwrap();
    let mut found: Vec<(String, u32)> = Vec::new();
    let mut is_range = false;
    for word in name.rsplit('/').next().unwrap().split(['_', '-']) {
        match code.captures(word) {
            Some(parts) => {
                let (letter, number) = (parts[1].to_uppercase(), parts[2].parse::<u32>().unwrap());
                let first = found.last().filter(|_| is_range).map_or(number, |(_, last)| last + 1);
                found.extend((first..=number).map(|number| (letter.clone(), number)));
                is_range = false;
            }
            None if word == "to" && !found.is_empty() => is_range = true,
            None => break,
        }
    }
    found.into_iter().map(|(letter, number)| format!("{letter}{number}")).collect()
}

#[test]
fn each_code_in_a_name_has_its_row_and_each_row_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    names(&root.join("src"), &mut all);
    names(&root.join("tests/it"), &mut all);
    names(&root.join("tests/host"), &mut all);
    assert!(all.len() > 150, "{all:?}");
    let mut by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in &all {
        for code in codes(name) {
            assert!(FAULTS.iter().any(|(known, _)| *known == code), "{name}: {code} has no row in tests/it/faults.rs");
            by.entry(code).or_default().push(name);
        }
    }
    let sources = sources(root.join("src")) + &sources(root.join("tests"));
    for (code, test) in OTHERS {
        assert!(sources.contains(&format!("fn {test}(")), "{code}: there is no test {test}");
        by.entry((*code).to_owned()).or_default().push(test);
    }
    let mut text = String::from(
        "# Faults, and the tests that provoke them\n\n\
         Names of tests, and of the documents below `tests/host/golden`, begin with the codes of the faults that they are about. \
         What has no\ntest of its own name is provoked within others, as a part of what they try. Written by `tests/it/faults.rs`.\n",
    );
    for (letter, area) in AREAS {
        let _ = write!(text, "\n## {letter}: {area}\n\n| | Fault | Tests |\n|---|---|---|\n");
        for (code, fault) in FAULTS.iter().filter(|(code, _)| code.starts_with(*letter)) {
            let tests: Vec<String> = by.get(*code).into_iter().flatten().map(|name| format!("`{name}`")).collect();
            let _ = writeln!(text, "| {code} | {fault} | {} |", tests.join(" "));
        }
    }
    let path = root.join("docs/faults.md");
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/faults.md has other tests; SNAPSHOTS=overwrite writes it");
}
