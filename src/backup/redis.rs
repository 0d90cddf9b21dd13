//! Redis: a snapshot that the server makes itself, and the two forms in which it reads its data when it starts.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, fchmod, fchown, fsync, mkdirat, openat};
use rustix::process::{Gid, Uid};

use super::manifest::{Owner, Rows};
use super::staging::copy_hashed;
use super::trouble::CopyTrouble;
use crate::context::Context;
use crate::host::exec::{ProcessEnd, Runner};
use crate::host::files::private;
use crate::host::system::System;
use crate::host::tools::redis_check_rdb;
use crate::host::trouble::failure;
use crate::observe::probe::{self};
use crate::program;
use crate::registry::Service;

/// How long a snapshot may take.
const SNAPSHOT: Duration = Duration::from_mins(10);
/// How often the server is asked whether it is done.
const AGAIN: Duration = Duration::from_millis(100);
/// How long a snapshot may be looked through.
const CHECK: Duration = Duration::from_mins(5);
/// What every snapshot begins with.
const MAGIC: &[u8] = b"REDIS";
/// The directory of the log, as `appenddirname` is by default.
pub const LOG: &str = "appendonlydir";

/// A server that answers.
pub struct Server<'a> {
    context: &'a Context<'a>,
    service: &'static Service,
}

impl<'a> Server<'a> {
    /// The server of a service.
    pub fn new(context: &'a Context<'a>, service: &'static Service) -> Self {
        Server { context, service }
    }

    fn say(&self, commands: &[&[&str]]) -> Result<String, String> {
        let limit = self.context.patience_to_change().map_err(|error| error.message)?;
        let told = probe::redis(self.context.system, &self.context.processes(), self.service, commands, limit);
        told.map_err(|trouble| format!("{}: {trouble}", self.service.name))
    }

    /// What the server says of itself under this name.
    fn fact(&self, section: &str, name: &str) -> Result<Option<String>, String> {
        let told = self.say(&[&["INFO", section]])?;
        Ok(told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::to_owned))
    }

    /// About how large a snapshot will be, bytes: hardly ever more than what it takes in memory.
    ///
    /// # Errors
    /// Why the server does not say.
    pub fn bytes(&self) -> Result<u64, CopyTrouble> {
        let told = self.fact("memory", "used_memory").map_err(CopyTrouble::Wrong)?;
        Ok(told.and_then(|bytes| bytes.parse().ok()).unwrap_or(0))
    }

    /// The server's version.
    pub fn version(&self) -> Option<String> {
        self.fact("server", "redis_version").ok().flatten()
    }

    /// When the last snapshot was made, by the server's clock, whole seconds.
    fn last_save(&self) -> Result<u64, String> {
        let told = self.say(&[&["LASTSAVE"]])?;
        let number = told.trim().strip_prefix("LASTSAVE: ").and_then(|number| number.parse().ok());
        number.ok_or_else(|| "it does not report its last save".to_owned())
    }

    /// Has the server make a snapshot, waits for it, and copies it to a new file.
    ///
    /// # Errors
    /// Why there is none.
    pub fn copy(&self, snapshot: &Path, to: &Path) -> Result<(), String> {
        let begun = Instant::now();
        let limit = self.context.time_left().map_or(SNAPSHOT, |left| left.min(SNAPSHOT));
        let before = self.last_save()?;
        // It is told by the second: one that is made in the same second as the last could not be told from it.
        thread::sleep(Duration::from_millis(1100));
        // One that is under way, or a log that is being rewritten, is waited for by the server.
        self.say(&[&["BGSAVE", "SCHEDULE"]])?;
        while self.last_save()? <= before {
            let failed = self.fact("persistence", "rdb_last_bgsave_status")?.is_some_and(|status| status != "ok");
            let busy = self.fact("persistence", "rdb_bgsave_in_progress")?.is_some_and(|busy| busy != "0");
            if failed && !busy {
                return Err(format!(
                    "its snapshot failed: check {} and the free space of its disk",
                    program::command("logs")
                ));
            }
            if begun.elapsed() > limit {
                return Err(format!("its snapshot did not finish in {} s", SNAPSHOT.as_secs()));
            }
            thread::sleep(AGAIN);
        }
        let saved = self.last_save()?;
        let told = |error: io::Error| format!("{}: {error}", snapshot.display());
        let mut from = self.context.system.open(snapshot).map_err(told)?;
        let meta = from.metadata().map_err(told)?;
        // Elsewhere configured, it would be an old file that lies there.
        if u64::try_from(meta.mtime()).unwrap_or(0).saturating_add(1) < saved {
            return Err(format!(
                "{} is not the new snapshot: check dir and dbfilename of redis.conf",
                snapshot.display()
            ));
        }
        let mut file = private::create_new(to).map_err(|error| format!("{}: {error}", to.display()))?;
        copy_hashed(&mut from, &mut file).map(drop).map_err(|error| format!("it cannot be staged: {error}"))
    }
}

/// Whose a snapshot is.
///
/// # Errors
/// When it cannot be looked at.
pub fn owner(system: &System, snapshot: &str) -> io::Result<Owner> {
    let meta = system.symlink_metadata(snapshot)?;
    Ok(Owner { uid: meta.uid(), gid: meta.gid(), mode: meta.mode() & 0o7777 })
}

/// Reads all of a copy as a server would.
///
/// # Errors
/// What is wrong with it.
pub fn prove(context: &Context<'_>, copy: &Path) -> Result<Rows, String> {
    let mut head = [0; MAGIC.len()];
    let read = private::open(copy).and_then(|mut file| io::Read::read_exact(&mut file, &mut head));
    if read.is_err() || head != MAGIC {
        return Err("it is not a Redis snapshot".to_owned());
    }
    let limit = context.time_left().map_or(CHECK, |left| left.min(CHECK));
    let output = context.processes().run(&redis_check_rdb::check(&copy.to_string_lossy()), limit);
    let output = output.map_err(|error| format!("it cannot be checked: {error}"))?;
    if output.exit != ProcessEnd::Code(0) {
        return Err(format!("redis-check-rdb: {}", failure(&output)));
    }
    let keys = redis_check_rdb::parse(&String::from_utf8_lossy(&output.stdout)).map_err(|error| error.to_string())?;
    Ok(Rows::from([("keys".to_owned(), keys)]))
}

/// Whether the server reads its log when it starts, and not the snapshot (D7).
pub fn reads_log(system: &System, snapshot: &str, config: &str) -> bool {
    let beside = Path::new(snapshot).with_file_name(LOG);
    if system.metadata(&beside).is_ok_and(|meta| meta.is_dir()) {
        return true;
    }
    let Ok(text) = system.read(config) else { return false };
    let included = text.lines().filter_map(|line| line.trim().strip_prefix("include ")).map(str::trim);
    let all = included.filter_map(|path| system.read(path).ok()).collect::<Vec<_>>();
    std::iter::once(&text).chain(&all).any(|text| says_log(text))
}

/// The last word of a configuration counts.
fn says_log(text: &str) -> bool {
    let last = text.lines().filter_map(|line| line.trim().strip_prefix("appendonly ")).next_back();
    last.is_some_and(|value| value.trim() == "yes")
}

/// Makes a log that consists of a snapshot and nothing after it, under this name in a directory.
///
/// # Errors
/// As the operating system says; what was begun is left.
pub fn lay_log(snapshot: &Path, parent: &OwnedFd, name: &str, owner: Owner) -> io::Result<()> {
    const BASE: &str = "appendonly.aof.1.base.rdb";
    const NEW: OFlags =
        OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    let manifest = format!("file {BASE} seq 1 type b\n");
    // By descriptor: the server's user, whose directory it is, could put a link in the place of a path.
    mkdirat(parent, name, Mode::RWXU)?;
    let directory = openat(parent, name, DIRECTORY, Mode::empty())?;
    let make = |name: &str| openat(&directory, name, NEW, Mode::RUSR | Mode::WUSR).map(File::from);
    let mut base = make(BASE)?;
    copy_hashed(&mut private::open(snapshot)?, &mut base)?;
    let mut list = make("appendonly.aof.manifest")?;
    list.write_all(manifest.as_bytes())?;
    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    for file in [&base, &list] {
        fchown(file, Some(uid), Some(gid))?;
        fchmod(file, Mode::from_raw_mode(0o640))?;
        file.sync_all()?;
    }
    fchown(&directory, Some(uid), Some(gid))?;
    fchmod(&directory, Mode::from_raw_mode(0o750))?;
    Ok(fsync(&directory)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_configuration_counts() {
        assert!(says_log("port 1\nappendonly yes\n"));
        assert!(!says_log("appendonly yes\n  appendonly no \n"));
        assert!(!says_log("# appendonly yes\nappendonlydir x\n"));
    }
}
