//! Trees of real files: what comes back, what is told, and what is refused.

mod broken;
mod changing;
mod hostile;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;
use crate::backup::trouble::CopyTrouble;
use crate::host::system::System;

/// A directory that goes with the test; a machine's root is in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("opsctl-archive-{}-{count}", std::process::id()));
        fs::create_dir_all(path.join("root")).unwrap();
        Scratch(path)
    }

    fn system(&self) -> System {
        System { root: self.0.join("root"), ..System::real() }
    }

    /// A path of the machine.
    fn live(&self, path: &str) -> PathBuf {
        self.0.join("root").join(path.trim_start_matches('/'))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file of the machine, with its directories.
    fn file(&self, path: &str, content: &[u8]) -> PathBuf {
        let path = self.live(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A new empty directory.
    fn empty(&self, name: &str) -> PathBuf {
        let path = self.at(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        path
    }

    fn pack(&self, paths: &[&str], without: &[&str]) -> (PathBuf, Vec<String>) {
        let to = self.at("packed");
        let _ = fs::remove_file(&to);
        let told = pack(&self.system(), paths, without, &to).unwrap();
        (to, told)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// All that must come back of a tree: mode, owner, time and content by path.
fn tree(root: &Path) -> BTreeMap<OsString, (u32, u32, u32, i64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(path) = waiting.pop() {
        let meta = path.symlink_metadata().unwrap();
        let content = if meta.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            Vec::new()
        } else if meta.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_vec()
        } else {
            fs::read(&path).unwrap()
        };
        let name = path.strip_prefix(root).unwrap().as_os_str().to_owned();
        found.insert(name, (meta.mode(), meta.uid(), meta.gid(), meta.mtime(), content));
    }
    found
}

/// Gives something another owner, where the test may.
fn give(path: &Path, uid: u32, gid: u32) {
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::lchown(path, Some(uid), Some(gid)).unwrap();
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn old(path: &Path, seconds: u64) {
    File::open(path).unwrap().set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
}

/// A tree with all that a tree may have.
fn furnish(scratch: &Scratch) {
    mode(&scratch.file("/etc/app/plain.conf", b"listen 80;\n"), 0o640);
    mode(&scratch.file("/etc/app/run", b"#!/bin/sh\n"), 0o755);
    scratch.file("/etc/app/empty", b"");
    scratch.file("/etc/app/a\nb\tc'd", b"newline");
    let bytes = OsStr::from_bytes(b"caf\xe9\xff");
    fs::write(scratch.live("/etc/app").join(bytes), b"not UTF-8").unwrap();
    let long = "n".repeat(200);
    scratch.file(&format!("/etc/app/deep/{long}/{long}/{long}"), b"long");
    for length in 85..115 {
        scratch.file(&format!("/etc/app/{}", "e".repeat(length)), &vec![b'e'; length]);
        symlink("t".repeat(length), scratch.live(&format!("/etc/app/l{length}"))).unwrap();
    }
    fs::create_dir(scratch.live("/etc/app/void")).unwrap();
    mode(&scratch.live("/etc/app/void"), 0o2770);
    symlink("../..//./plain.conf", scratch.live("/etc/app/dangling")).unwrap();
    symlink("/etc/shadow", scratch.live("/etc/app/absolute")).unwrap();
    let big = File::create(scratch.live("/etc/app/sparse")).unwrap();
    big.set_len(3 << 20).unwrap();
    scratch.file(
        "/etc/app/big",
        &(0..700_001_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
    );
    give(&scratch.live("/etc/app/plain.conf"), 1234, 5678);
    give(&scratch.live("/etc/app/void"), 4_000_000, 3_000_000);
    give(&scratch.live("/etc/app/dangling"), 33, 34);
    old(&scratch.live("/etc/app/plain.conf"), 86_400);
    old(&scratch.live("/etc/app/deep"), 1_000_000_000);
    old(&scratch.live("/etc/app"), 1_234_567_890);
}

#[test]
fn a_tree_comes_back_as_it_was() {
    let scratch = Scratch::new();
    furnish(&scratch);
    mode(&scratch.file("/srv/one/.env", b"A=b"), 0o600);
    let paths = ["/etc/app", "/srv/one/.env", "/opt/nowhere/.env"];
    let (packed, told) = scratch.pack(&paths, &[]);
    assert_eq!(told, Vec::<String>::new());
    assert_eq!(packed.metadata().unwrap().mode() & 0o7777, 0o600);
    let into = scratch.empty("into");
    let found = unpack(&packed, &paths, Lay::Scratch(&into)).unwrap();
    let live = tree(&scratch.live("/etc/app"));
    let files = live.values().filter(|(mode, ..)| mode & 0o170_000 != 0o040_000).count() as u64;
    assert_eq!(found, [("/etc/app".to_owned(), files), ("/srv/one/.env".to_owned(), 1)].into());
    assert!(files > 65, "{files}");
    assert_eq!(tree(&into.join("etc/app")), live);
    assert_eq!(tree(&into.join("srv/one/.env")), tree(&scratch.live("/srv/one/.env")));
    // Directories that the set does not name are ours.
    assert_eq!(into.join("srv/one").metadata().unwrap().mode() & 0o7777, 0o700);
    // One path of it, elsewhere, and nothing beside it.
    let beside = scratch.live("/etc/.app.opsctl-new");
    let lay = Lay::Beside { root: "/etc/app", at: &beside };
    assert_eq!(unpack(&packed, &paths, lay).unwrap(), found);
    assert_eq!(tree(&beside), live);
    assert_eq!(fs::read_dir(scratch.live("/etc")).unwrap().count(), 2);
    let single = scratch.at("single");
    unpack(&packed, &paths, Lay::Beside { root: "/srv/one/.env", at: &single }).unwrap();
    assert_eq!(tree(&single), tree(&scratch.live("/srv/one/.env")));
    // What is there is not touched, not even where it fails.
    let again = unpack(&packed, &paths, lay).unwrap_err();
    assert!(again.contains("/etc/app: it cannot be staged: File exists"), "{again}");
    assert_eq!(tree(&beside), live);
    let absent = unpack(&packed, &paths, Lay::Beside { root: paths[2], at: &scratch.at("x") }).unwrap_err();
    assert_eq!(absent, "/opt/nowhere/.env is not in the archive");
    // The archive of another set.
    let other = unpack(&packed, &paths[1..], Lay::Scratch(&scratch.empty("other"))).unwrap_err();
    assert_eq!(other, "/etc/app: it is outside of the set");
}

#[test]
fn sizes_are_those_of_what_is_there() {
    let scratch = Scratch::new();
    scratch.file("/srv/app/a", &[0; 1000]);
    scratch.file("/srv/app/in/b", &[0; 200]);
    scratch.file("/srv/app/in/node_modules/c", &[0; 7000]);
    scratch.file("/srv/app/dist", &[0; 30]);
    symlink("/etc/passwd", scratch.live("/srv/app/link")).unwrap();
    scratch.file("/srv/.env", &[0; 4]);
    let size = |paths: &[&str], without: &[&str]| size(&scratch.system(), paths, without);
    let without = ["node_modules", "dist"];
    assert_eq!(size(&["/srv/app", "/srv/.env", "/no"], &without).unwrap(), 1234);
    assert_eq!(size(&["/srv/app"], &[]).unwrap(), 8230);
    assert!(matches!(size(&["/no", "/not/there"], &[]), Err(CopyTrouble::Missing)));
    let told = |paths: &[&str]| size(paths, &[]).unwrap_err().to_string();
    assert_eq!(
        told(&["/srv/app/link", "/srv/.env"]),
        "/srv/app/link is a symbolic link: the copy would not contain its target"
    );
    assert_eq!(told(&["/srv/app", "/srv/app/in"]), "/srv/app/in is already a part of /srv/app");
    assert_eq!(told(&["/srv/app", "/srv/app"]), "/srv/app is already a part of /srv/app");
    // What a left-out directory is called a file may be called.
    let (packed, told) = scratch.pack(&["/srv/app"], &without);
    assert_eq!(told, Vec::<String>::new());
    let into = scratch.empty("into");
    assert_eq!(unpack(&packed, &["/srv/app"], Lay::Scratch(&into)).unwrap(), [("/srv/app".to_owned(), 4)].into());
    assert!(into.join("srv/app/dist").is_file() && !into.join("srv/app/in/node_modules").exists());
}

#[test]
fn f6_what_is_no_file_is_told_and_never_opened() {
    let scratch = Scratch::new();
    scratch.file("/srv/creds/token", b"t");
    let creds = scratch.live("/srv/creds");
    mknodat(CWD, creds.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _socket = UnixListener::bind(creds.join("socket")).unwrap();
    fs::write(creds.join("setuid"), b"s").unwrap();
    mode(&creds.join("setuid"), 0o4755);
    // Nobody opens a FIFO that nobody writes to: this would hang.
    let (packed, mut told) = scratch.pack(&["/srv/creds"], &[]);
    told.sort();
    assert_eq!(
        told,
        [
            "/srv/creds/pipe: a FIFO",
            "/srv/creds/setuid: it is copied without its set-user-id and set-group-id bits",
            "/srv/creds/socket: a socket",
        ]
    );
    let into = scratch.empty("into");
    let found = unpack(&packed, &["/srv/creds"], Lay::Scratch(&into)).unwrap();
    assert_eq!(found, [("/srv/creds".to_owned(), 2)].into());
    assert_eq!(into.join("srv/creds/setuid").metadata().unwrap().mode() & 0o7777, 0o755);
    let told = pack(&scratch.system(), &["/srv/creds/pipe"], &[], &scratch.at("x")).unwrap_err();
    assert_eq!(told, "/srv/creds/pipe is a FIFO");
    assert!(!scratch.at("x").exists());
}

#[test]
fn l7_an_archive_is_a_new_file_and_no_link_is_followed_to_make_it() {
    let scratch = Scratch::new();
    scratch.file("/srv/a", b"a");
    let victim = scratch.file("/victim", b"whole");
    symlink(&victim, scratch.at("link")).unwrap();
    fs::hard_link(&victim, scratch.at("hard")).unwrap();
    for name in ["link", "hard"] {
        assert!(pack(&scratch.system(), &["/srv/a"], &[], &scratch.at(name)).unwrap_err().contains("File exists"));
        assert!(scratch.at(name).symlink_metadata().is_ok(), "{name} is not ours to remove");
    }
    assert_eq!(fs::read(&victim).unwrap(), b"whole");
    if rustix::process::geteuid().is_root() {
        // A device that is always full.
        let full = scratch.at("full");
        symlink("/dev/full", &full).unwrap();
        assert!(pack(&scratch.system(), &["/srv/a"], &[], &full).is_err());
    }
}

#[test]
fn what_lies_too_deep_is_told() {
    let scratch = Scratch::new();
    scratch.file(&format!("/srv{}/leaf", "/d".repeat(DEPTH + 5)), b"x");
    scratch.file("/srv/a", b"a");
    let (packed, told) = scratch.pack(&["/srv"], &[]);
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("/d: its content is more than 200 directories deep"), "{}", told[0]);
    let found = unpack(&packed, &["/srv"], Lay::Scratch(&scratch.empty("into"))).unwrap();
    assert_eq!(found["/srv"], 1);
}

#[test]
fn a_restored_tree_gets_what_was_left_out() {
    let scratch = Scratch::new();
    scratch.file("/srv/app/src/a.js", b"a");
    scratch.file("/srv/app/node_modules/x/index.js", b"x");
    scratch.file("/srv/app/node_modules/.bin/tool", b"tool");
    symlink("../x/index.js", scratch.live("/srv/app/node_modules/.bin/x")).unwrap();
    scratch.file("/srv/app/src/dist/out.js", b"out");
    scratch.file("/srv/app/newer/dist/out.js", b"newer");
    let modules = scratch.live("/srv/app/node_modules");
    mknodat(CWD, modules.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    mode(&modules, 0o2750);
    give(&modules, 1234, 5678);
    old(&modules, 86_400);
    let without = ["node_modules", "dist"];
    let (packed, _) = scratch.pack(&["/srv/app"], &without);
    let new = scratch.live("/srv/.app-new");
    unpack(&packed, &["/srv/app"], Lay::Beside { root: "/srv/app", at: &new }).unwrap();
    fs::remove_dir(new.join("newer")).unwrap();
    let before = tree(&scratch.live("/srv/app/src"));
    let times = tree(&new)[OsStr::new("src")].3;
    adopt(&scratch.live("/srv/app"), &new, &without).unwrap();
    fs::remove_file(modules.join("pipe")).unwrap();
    old(&modules, 86_400);
    assert_eq!(tree(&new.join("node_modules")), tree(&modules));
    assert_eq!(tree(&new.join("src")), before);
    assert_eq!(tree(&new)[OsStr::new("src")].3, times);
    let number = |path: PathBuf| path.metadata().unwrap().ino();
    assert_eq!(number(new.join("node_modules/x/index.js")), number(modules.join("x/index.js")));
    assert!(!new.join("newer").exists(), "there is nothing to put it into");
    // Whole when the old tree goes, and once is enough.
    adopt(&scratch.live("/srv/app"), &new, &without).unwrap();
    fs::remove_dir_all(scratch.live("/srv/app")).unwrap();
    assert_eq!(fs::read(new.join("node_modules/.bin/x")).unwrap(), b"x");
    adopt(&scratch.live("/srv/app"), &new, &without).unwrap();
}

#[test]
fn adopting_follows_no_link() {
    let scratch = Scratch::new();
    scratch.file("/srv/app/in/node_modules/x", b"x");
    let outside = scratch.at("outside");
    fs::create_dir_all(outside.join("sub")).unwrap();
    let new = scratch.empty("new");
    symlink(&outside, new.join("in")).unwrap();
    adopt(&scratch.live("/srv/app"), &new, &["node_modules"]).unwrap();
    assert!(!outside.join("node_modules").exists());
    // The live tree may lie, too.
    symlink(&outside, scratch.live("/srv/app/node_modules")).unwrap();
    fs::remove_file(new.join("in")).unwrap();
    adopt(&scratch.live("/srv/app"), &new, &["node_modules"]).unwrap();
    assert_eq!(fs::read_dir(&new).unwrap().count(), 0);
}
