//! An archive comes back, in scratch or beside the live data. Entries come in the order in which [`super::pack`] writes them,
//! a directory before what is in it, and each is made by its last name in a directory that was made a moment ago and is still
//! open: there is no path to be led astray on. What does not fit into that order is refused.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};
use rustix::fs::{chownat, fchmod, fchown, fsync, futimens, mkdirat, openat, symlinkat, utimensat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use tar::{Archive, Entry, EntryType, Header};
use zstd::stream::read::Decoder;

use super::walk::DIRECTORY;
use super::{DEPTH, NOT_SET_ID, inside};
use crate::host::files::private;

/// The most of what came before that a decoder may have to remember, as a power of two: 8 MiB. Ours needs 2.
const WINDOW: u32 = 23;
/// No name is longer, bytes.
const LONGEST_NAME: u64 = 64 << 10;
/// How a file is made.
const NEW: OFlags =
    OFlags::CREATE.union(OFlags::EXCL).union(OFlags::WRONLY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Where an archive is laid.
#[derive(Debug, Clone, Copy)]
pub enum Lay<'a> {
    /// All of it, below this directory of ours that is empty: proof that it can be. What is there is not made durable.
    Scratch(&'a Path),
    /// One of the set's paths, under a name that nothing has yet, durably. Of the rest it is only proven that it is sound.
    /// Where it fails, nothing stays.
    Beside {
        /// The path, as the set has it.
        root: &'a str,
        /// Where it is laid.
        at: &'a Path,
    },
}

/// Reads all of an archive of these paths and lays it there, with owners, modes, times and links: how many files and links
/// came back, by path of the set. Paths that are not in the archive are not in the answer.
///
/// # Errors
/// When it is not whole, or is not one that [`super::pack`] can have made: names that are absolute, twice there, outside of
/// the set or below a link, hard links, devices, FIFOs, and files that are set-user-id or set-group-id.
pub fn unpack(archive: &Path, paths: &[&str], lay: Lay<'_>) -> Result<BTreeMap<String, u64>, String> {
    let told = |error: io::Error| format!("{}: {error}", archive.display());
    let base = match lay {
        Lay::Scratch(into) => private::directory(into).map_err(|error| format!("{}: {error}", into.display()))?,
        Lay::Beside { root, at } => {
            if !paths.contains(&root) {
                return Err(format!("{root} is not a path of the set"));
            }
            private::parent(at).map_err(|error| format!("{}: {error}", at.display()))?
        }
    };
    let file = BufReader::new(private::open(archive).map_err(told)?);
    let mut decoder = Decoder::with_buffer(file).map_err(told)?.single_frame();
    decoder.window_log_max(WINDOW).map_err(told)?;
    let mut unpacker = Unpacker { base, paths, lay, open: Vec::new(), found: BTreeMap::new(), laid: false };
    let done = unpacker.all(decoder);
    if done.is_err() {
        unpacker.forget();
    }
    done?;
    match (lay, unpacker.laid) {
        (Lay::Beside { root, .. }, false) => Err(format!("{root} is not in the archive")),
        (Lay::Scratch(_) | Lay::Beside { .. }, _) => Ok(unpacker.found),
    }
}

/// A directory that may get more in it.
struct Level {
    /// Its name in the archive.
    path: Vec<u8>,
    /// The directory; `None` where it is not laid.
    made: Option<OwnedFd>,
    stamp: Stamp,
}

/// What something has beside its content.
#[derive(Clone, Copy)]
struct Stamp {
    uid: Uid,
    gid: Gid,
    mode: u32,
    time: Timespec,
}

impl Stamp {
    fn times(self) -> Timestamps {
        Timestamps { last_access: self.time, last_modification: self.time }
    }
}

struct Unpacker<'a> {
    base: OwnedFd,
    paths: &'a [&'a str],
    lay: Lay<'a>,
    open: Vec<Level>,
    found: BTreeMap<String, u64>,
    laid: bool,
}

/// Where something is made; `None` where it is not.
type Spot<'a> = Option<(BorrowedFd<'a>, &'a OsStr)>;

impl Unpacker<'_> {
    fn all(&mut self, decoder: Decoder<'_, BufReader<File>>) -> Result<(), String> {
        let broken = |error: io::Error| format!("it is incomplete: {error}");
        let mut archive = Archive::new(decoder);
        let (mut name, mut target) = (None, None);
        for entry in archive.entries().map_err(broken)?.raw(true) {
            let mut entry = entry.map_err(broken)?;
            match entry.header().entry_type() {
                EntryType::GNULongName if name.is_none() => name = Some(long(&mut entry)?),
                EntryType::GNULongLink if target.is_none() => target = Some(long(&mut entry)?),
                kind => {
                    let name = name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                    let short = entry.header().link_name_bytes().map(std::borrow::Cow::into_owned);
                    let target = target.take().or(short);
                    self.entry(&name, kind, target, &mut entry).map_err(|why| format!("{}: {why}", shown(&name)))?;
                }
            }
        }
        if name.is_some() || target.is_some() {
            return Err("it is incomplete: it ends with a name".to_owned());
        }
        self.leave(0).map_err(|error| format!("it cannot be staged: {error}"))?;
        if self.found.is_empty() {
            return Err("it is empty".to_owned());
        }
        let mut decoder = archive.into_inner();
        // The sum of all comes last: it is looked at when there is no more to be read.
        let mut rest = [0; 4096];
        loop {
            match decoder.read(&mut rest).map_err(broken)? {
                0 => break,
                count if rest[..count].iter().all(|byte| *byte == 0) => {}
                _ => return Err("it has data after its end".to_owned()),
            }
        }
        if !decoder.finish().fill_buf().map_err(broken)?.is_empty() {
            return Err("it has data after its end".to_owned());
        }
        match self.lay {
            Lay::Beside { .. } => fsync(&self.base).map_err(|errno| format!("it cannot be made durable: {errno}")),
            Lay::Scratch(_) => Ok(()),
        }
    }

    fn entry(
        &mut self,
        name: &[u8],
        kind: EntryType,
        target: Option<Vec<u8>>,
        entry: &mut Entry<'_, impl Read>,
    ) -> Result<(), String> {
        let told = |error: io::Error| format!("it cannot be staged: {error}");
        if name.split(|byte| *byte == b'/').any(|part| matches!(part, b"" | b"." | b"..")) || name.contains(&0) {
            return Err("it is not a valid name in an archive of opsctl".to_owned());
        }
        let below = |path: &&&str| {
            name.strip_prefix(inside(path).as_bytes()).is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
        };
        let Some(root) = self.paths.iter().find(below).copied() else {
            return Err("it is outside of the set".to_owned());
        };
        let is_root = name.len() == inside(root).len();
        if is_root && self.found.insert(root.to_owned(), 0).is_some() {
            return Err("it occurs twice".to_owned());
        }
        let parent = name.iter().rposition(|byte| *byte == b'/').map_or(&b""[..], |at| &name[..at]);
        let depth = self.open.iter().rposition(|level| level.path == parent && !is_root);
        self.leave(depth.map_or(0, |at| at.saturating_add(1))).map_err(told)?;
        if depth.is_none() && !is_root {
            return Err("its directory is not in the archive".to_owned());
        }
        if self.open.len() > DEPTH {
            return Err(format!("it is more than {DEPTH} directories deep"));
        }
        let made_parents;
        let last = OsStr::from_bytes(name.rsplit(|byte| *byte == b'/').next().unwrap_or(name));
        let spot: Spot<'_> = match (self.open.last(), self.lay) {
            (Some(level), _) => level.made.as_ref().map(|made| (made.as_fd(), last)),
            (None, Lay::Scratch(_)) => {
                made_parents = parents(&self.base, parent).map_err(told)?;
                Some((made_parents.as_fd(), last))
            }
            (None, Lay::Beside { root: wanted, at }) if wanted == root => {
                Some((self.base.as_fd(), at.file_name().ok_or("it has no name")?))
            }
            (None, Lay::Beside { .. }) => None,
        };
        let stamp = stamp(entry.header())?;
        match kind {
            EntryType::Directory => {
                let made = spot.map(|spot| directory(spot, &mut self.laid)).transpose().map_err(told)?;
                self.open.push(Level { path: name.to_vec(), made, stamp });
            }
            EntryType::Regular if stamp.mode & !NOT_SET_ID != 0 => {
                return Err("it is set-user-id or set-group-id".to_owned());
            }
            EntryType::Regular => {
                file(spot, entry, stamp, self.lay, &mut self.laid).map_err(told)?;
                self.count(root);
            }
            EntryType::Symlink => {
                let target = target.filter(|target| !target.is_empty()).ok_or("it is a link without a target")?;
                if let Some(spot) = spot {
                    link(spot, &target, stamp, &mut self.laid).map_err(|errno| told(errno.into()))?;
                }
                self.count(root);
            }
            EntryType::Link => return Err("it is a hard link".to_owned()),
            EntryType::Char | EntryType::Block => return Err("it is a device".to_owned()),
            EntryType::Fifo => return Err("it is a FIFO".to_owned()),
            other => {
                return Err(format!(
                    "it has type {:?}, which archives of opsctl do not contain",
                    char::from(other.as_byte())
                ));
            }
        }
        Ok(())
    }

    fn count(&mut self, root: &str) {
        if let Some(count) = self.found.get_mut(root) {
            *count = count.saturating_add(1);
        }
    }

    /// Leaves all directories but so many: nothing more comes into them.
    fn leave(&mut self, depth: usize) -> io::Result<()> {
        while self.open.len() > depth {
            let Some(Level { made: Some(made), stamp, .. }) = self.open.pop() else { continue };
            settle(made.as_fd(), stamp)?;
            match self.lay {
                Lay::Beside { .. } => fsync(&made)?,
                Lay::Scratch(_) => {}
            }
        }
        Ok(())
    }

    /// Removes what was laid beside the live data. What is in scratch goes with it.
    fn forget(&mut self) {
        self.open.clear();
        match self.lay {
            Lay::Beside { at, .. } if self.laid => {
                // Whoever comes back to it finds that it is there.
                let is_directory = private::metadata(at).is_ok_and(|meta| meta.is_dir());
                let _ = if is_directory { private::remove_dir_all(at) } else { private::remove_file(at) };
            }
            Lay::Beside { .. } | Lay::Scratch(_) => {}
        }
    }
}

/// The name that an entry of its own holds because a header has no room for it.
fn long(entry: &mut Entry<'_, impl Read>) -> Result<Vec<u8>, String> {
    let size = entry.size();
    if size > LONGEST_NAME {
        return Err("it contains a name that is too long".to_owned());
    }
    let mut name = Vec::new();
    entry.read_to_end(&mut name).map_err(|error| format!("it is incomplete: {error}"))?;
    if name.pop() != Some(0) || (name.len() as u64).checked_add(1) != Some(size) {
        return Err("it contains an unterminated name".to_owned());
    }
    Ok(name)
}

fn shown(name: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(name))
}

fn stamp(header: &Header) -> Result<Stamp, String> {
    let broken = |error: io::Error| format!("its header is broken: {error}");
    let id =
        |id: u64| u32::try_from(id).ok().filter(|id| *id != u32::MAX).ok_or("its owner is out of range".to_owned());
    let seconds = i64::try_from(header.mtime().map_err(broken)?).map_err(|_| "its time is out of range".to_owned())?;
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    Ok(Stamp {
        uid: Uid::from_raw(id(header.uid().map_err(broken)?)?),
        gid: Gid::from_raw(id(header.gid().map_err(broken)?)?),
        mode: header.mode().map_err(broken)? & 0o7777,
        time,
    })
}

/// The directory in scratch that a path of the set lies in.
fn parents(base: &OwnedFd, path: &[u8]) -> io::Result<OwnedFd> {
    let mut directory = base.try_clone()?;
    for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
        match mkdirat(&directory, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        directory = openat(&directory, name, DIRECTORY, Mode::empty())?;
    }
    Ok(directory)
}

fn directory((parent, name): (BorrowedFd<'_>, &OsStr), laid: &mut bool) -> io::Result<OwnedFd> {
    // Others get at it when all is in it.
    mkdirat(parent, name, Mode::RWXU)?;
    *laid = true;
    Ok(openat(parent, name, DIRECTORY, Mode::empty())?)
}

fn file(
    spot: Spot<'_>,
    entry: &mut Entry<'_, impl Read>,
    stamp: Stamp,
    lay: Lay<'_>,
    laid: &mut bool,
) -> io::Result<()> {
    let size = entry.size();
    let copied = match spot {
        None => io::copy(entry, &mut io::sink())?,
        Some((parent, name)) => {
            let mut file = File::from(openat(parent, name, NEW, Mode::RUSR | Mode::WUSR)?);
            *laid = true;
            let copied = io::copy(entry, &mut file)?;
            settle(file.as_fd(), stamp)?;
            match lay {
                Lay::Beside { .. } => file.sync_all()?,
                Lay::Scratch(_) => {}
            }
            copied
        }
    };
    if copied == size { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn settle(made: BorrowedFd<'_>, stamp: Stamp) -> io::Result<()> {
    fchown(made, Some(stamp.uid), Some(stamp.gid))?;
    // After the owner, whose change takes bits away.
    fchmod(made, Mode::from_raw_mode(stamp.mode))?;
    Ok(futimens(made, &stamp.times())?)
}

fn link((parent, name): (BorrowedFd<'_>, &OsStr), target: &[u8], stamp: Stamp, laid: &mut bool) -> Result<(), Errno> {
    symlinkat(target, parent, name)?;
    *laid = true;
    chownat(parent, name, Some(stamp.uid), Some(stamp.gid), AtFlags::SYMLINK_NOFOLLOW)?;
    utimensat(parent, name, &stamp.times(), AtFlags::SYMLINK_NOFOLLOW)
}
