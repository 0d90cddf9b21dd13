//! SQLite files: the first bytes, who may write them, and who keeps them locked by the kernel's list of locks.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use crate::host::system::System;
use crate::host::tools::cgroup::{self, Home};
use crate::host::tools::sqlite_file::{self, Header, WriteLock};
use crate::host::tools::{mountinfo, procfs};
use crate::observe::probe::ManagerEvidence;
use crate::registry::{DataKind, Service};

/// How long a write lock of another process has to last until it is one that stays. A write takes milliseconds.
const LASTING: Duration = Duration::from_millis(600);

/// An SQLite file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteFound {
    /// Where it is.
    pub path: &'static str,
    /// What its first bytes say; `None` where they could not be read.
    pub header: Option<Header>,
    /// It is something that SQLite cannot have written.
    pub damaged: bool,
    /// Why the user of the service cannot write it.
    pub closed: Option<String>,
    /// The process, other than the service's own, that has kept its write lock: id, and name with the unit that it belongs to.
    pub locked: Option<(u32, String)>,
}

/// The registered SQLite files of a service that exist.
pub(super) fn files(
    system: &System,
    managers: &ManagerEvidence,
    service: &'static Service,
    pid: Option<u32>,
) -> Vec<SqliteFound> {
    let paths = service.data.iter().filter(|data| data.kind == DataKind::Sqlite).map(|data| data.path);
    let present: Vec<&'static str> =
        paths.filter(|path| system.metadata(path).is_ok_and(|meta| meta.is_file())).collect();
    if present.is_empty() {
        return Vec::new();
    }
    let who = user(system, managers, service, pid);
    let locks = foreign_locks(system, pid, &present);
    present
        .into_iter()
        .map(|path| {
            let bytes = first_bytes(system, path);
            SqliteFound {
                path,
                header: bytes.as_deref().map(sqlite_file::header),
                damaged: bytes.as_deref().is_some_and(sqlite_file::is_damaged),
                closed: who.as_ref().and_then(|who| closed_to(system, who, path, bytes.as_deref())),
                locked: locks.iter().find(|(other, ..)| *other == path).map(|(_, pid, name)| (*pid, name.clone())),
            }
        })
        .collect()
}

fn first_bytes(system: &System, path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    system.open(path).ok()?.take(sqlite_file::HEADER).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Who a service's process is for the file system.
struct User {
    name: String,
    uid: u32,
    groups: Vec<u32>,
    mounts: Vec<mountinfo::Mount>,
}

/// The user that the process runs as, else that its unit names.
fn user(system: &System, managers: &ManagerEvidence, service: &Service, pid: Option<u32>) -> Option<User> {
    let status = pid.and_then(|pid| system.read(format!("/proc/{pid}/status")).ok());
    let table = pid.map_or_else(|| system.mount_table().to_owned(), |pid| format!("/proc/{pid}/mountinfo"));
    let mounts = mountinfo::parse(&system.read(table).ok()?).ok()?;
    let (uid, mut groups) = if let Some(status) = &status {
        let numbers = |name: &str| -> Option<Vec<u32>> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().map(|word| word.parse().ok()).collect()
        };
        // Real, effective, saved and that of the file system.
        let uid = *numbers("Uid:")?.get(3)?;
        let mut groups = numbers("Groups:")?;
        groups.push(*numbers("Gid:")?.get(3)?);
        (uid, groups)
    } else {
        let unit = super::super::unit(service, managers).filter(|unit| !unit.user.is_empty())?;
        let account = system.account(|account| account.name == unit.user)?;
        let table = system.read("/etc/group").ok()?;
        let mut groups: Vec<u32> = procfs::groups_of(&table, &account.name).collect();
        groups.push(account.gid);
        (account.uid, groups)
    };
    groups.sort_unstable();
    let account = system.account(|account| account.uid == uid);
    Some(User { name: account.map_or_else(|| uid.to_string(), |account| account.name), uid, groups, mounts })
}

/// Why a user cannot write a database: its file, its directory, where the log and the journal are made, or their mount.
fn closed_to(system: &System, who: &User, path: &'static str, bytes: Option<&[u8]>) -> Option<String> {
    let mount = who
        .mounts
        .iter()
        .filter(|mount| std::path::Path::new(path).starts_with(&mount.point))
        .max_by_key(|mount| mount.point.len());
    if let Some(mount) = mount.filter(|mount| !mount.is_writable()) {
        return Some(format!("{} is mounted read-only for it", mount.point));
    }
    if who.uid == 0 {
        return None;
    }
    let meta = system.metadata(path).ok()?;
    let (directory, _) = path.rsplit_once('/')?;
    let around = system.metadata(directory).ok()?;
    let may = |meta: &std::fs::Metadata, bits: u32| {
        let shift = match () {
            () if meta.uid() == who.uid => 6,
            () if who.groups.contains(&meta.gid()) => 3,
            () => 0,
        };
        (meta.mode() >> shift) & bits == bits
    };
    let owned = |meta: &std::fs::Metadata| {
        let owner = system.account(|account| account.uid == meta.uid());
        let name = owner.map_or_else(|| format!("uid {}", meta.uid()), |account| account.name);
        format!("{name}, mode {:04o}", meta.mode() & 0o7777)
    };
    // Access lists are not read here, and may let it in. They show in the group's bits, which are their mask.
    let whose = |what: &str, meta: &std::fs::Metadata| {
        Some(format!("permission denied: {what} belongs to {}, and it runs as {}", owned(meta), who.name))
    };
    match bytes.map(sqlite_file::header) {
        _ if !may(&meta, 0o6) && !has_list(&meta) => whose(path, &meta),
        _ if !may(&around, 0o3) && !has_list(&around) => whose(directory, &around),
        _ => None,
    }
}

/// Whether an access list may give more than the bits do: then the group's bits are its mask and more than none.
fn has_list(meta: &std::fs::Metadata) -> bool {
    meta.mode() & 0o020 != 0
}

/// Which of these databases another process keeps locked: the same one in two looks.
fn foreign_locks(system: &System, pid: Option<u32>, paths: &[&'static str]) -> Vec<(&'static str, u32, String)> {
    let first = held(system, pid, paths);
    if first.is_empty() {
        return Vec::new();
    }
    std::thread::sleep(LASTING);
    let again = held(system, pid, paths);
    first.into_iter().filter(|lock| again.contains(lock)).collect()
}

fn held(system: &System, own: Option<u32>, paths: &[&'static str]) -> Vec<(&'static str, u32, String)> {
    let locks = system.read("/proc/locks").map(|text| sqlite_file::write_locks(&text)).unwrap_or_default();
    if locks.is_empty() {
        return Vec::new();
    }
    let group = |pid: u32| system.read(format!("/proc/{pid}/cgroup")).ok();
    let mine = own.and_then(group);
    let mut found = Vec::new();
    for path in paths {
        let file = |path: String| system.metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
        let (database, index) = (file((*path).to_owned()), file(format!("{path}-shm")));
        for lock in &locks {
            let wanted = if lock.log { index } else { database };
            let Some(pid) = holder(lock, wanted) else { continue };
            let is_own = own == Some(pid) || (mine.is_some() && group(pid) == mine);
            let has_it = system.open_files(pid).is_ok_and(|open| wanted.is_some_and(|file| open.contains(&file)));
            if !is_own && has_it {
                let name = system.process_name(pid).unwrap_or_default();
                let whose = match group(pid).map(|text| cgroup::home(&text)) {
                    Some(Home::Unit(unit)) => format!(" of {unit}"),
                    Some(Home::Container(id)) => format!(" of container {}", &id[..id.floor_char_boundary(12)]),
                    Some(Home::Session(_)) => " of a login session".to_owned(),
                    Some(Home::None) | None => String::new(),
                };
                found.push((*path, pid, format!("{name}{whose}")));
            }
        }
    }
    found
}

fn holder(lock: &WriteLock, file: Option<(u64, u64)>) -> Option<u32> {
    let (_, inode) = file?;
    u32::try_from(lock.pid).ok().filter(|pid| *pid != 0 && lock.inode == inode)
}
