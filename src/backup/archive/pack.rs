//! An archive is made. What cannot go into it is told by name, and whatever happens to a file while it is read, the archive
//! stays whole.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, openat, readlinkat};
use tar::{Builder, EntryType, Header};
use zstd::stream::write::Encoder;

use super::NOT_SET_ID;
use super::walk::{Met, Visitor, roots, special, unread, walk};
use crate::backup::trouble::CopyTrouble;
use crate::host::files::private;
use crate::host::system::System;

/// How hard zstd tries: what it makes smaller above this costs many times as long.
const LEVEL: i32 = 3;
/// So many are told by name; beyond, how many there are.
const TOLD: usize = 100;
/// What a header has room for.
const LINK_NAME: usize = 100;
/// How a file is opened: one that is a FIFO by now does not keep anybody waiting.
const READ: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Bytes of the regular files at and below those of these paths that exist, without directories of these names.
///
/// # Errors
/// When none of the paths exists, or one is neither a file nor a directory.
pub fn size(system: &System, paths: &[&str], without: &[&str]) -> Result<u64, CopyTrouble> {
    let mut sum = Sum(0);
    for root in roots(system, paths)? {
        walk(&root, without, &mut sum).map_err(|error| CopyTrouble::Wrong(error.to_string()))?;
    }
    Ok(sum.0)
}

struct Sum(u64);

impl Visitor for Sum {
    fn met(&mut self, met: &Met<'_>) -> io::Result<()> {
        if met.kind() == FileType::RegularFile {
            self.0 = self.0.saturating_add(bytes(&met.stat));
        }
        Ok(())
    }

    // Whoever makes the archive tells it.
    fn passed(&mut self, _: &Path, _: &str) {}
}

/// Archives those of these paths that exist into a new file that only its owner can read, without directories of these
/// names. Returns what is not in it as it should be, by name: the copy is a partial one where there is something.
///
/// # Errors
/// When none of the paths exists, one is neither a file nor a directory, or the archive cannot be written. Then there is none.
pub fn pack(system: &System, paths: &[&str], without: &[&str], to: &Path) -> Result<Vec<String>, String> {
    let roots = roots(system, paths).map_err(|trouble| trouble.to_string())?;
    let file = private::create_new(to).map_err(|error| format!("{}: {error}", to.display()))?;
    let write = || -> io::Result<Left> {
        let mut encoder = Encoder::new(file, LEVEL)?;
        encoder.include_checksum(true)?;
        let mut packer = Packer { builder: Builder::new(encoder), left: Left::default() };
        for root in &roots {
            walk(root, without, &mut packer)?;
        }
        packer.builder.into_inner()?.finish()?;
        Ok(packer.left)
    };
    write().map(Left::told).map_err(|error| {
        // Half an archive is none.
        let _ = private::remove_file(to);
        format!("the archive cannot be written: {error}")
    })
}

/// What is not in the archive as it should be.
#[derive(Default)]
struct Left {
    first: Vec<String>,
    more: u64,
}

impl Left {
    fn add(&mut self, path: &Path, why: &str) {
        if self.first.len() < TOLD {
            self.first.push(format!("{}: {why}", path.display()));
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    fn told(self) -> Vec<String> {
        let more = (self.more > 0).then(|| format!("and {} more", self.more));
        self.first.into_iter().chain(more).collect()
    }
}

struct Packer {
    builder: Builder<Encoder<'static, File>>,
    left: Left,
}

impl Visitor for Packer {
    fn met(&mut self, met: &Met<'_>) -> io::Result<()> {
        match met.kind() {
            FileType::RegularFile => self.file(met),
            FileType::Directory => {
                let mut header = header(&met.stat, EntryType::Directory, met.stat.st_mode & 0o7777, 0);
                self.builder.append_data(&mut header, stored(met.path), io::empty())
            }
            FileType::Symlink => self.link(met),
            kind @ (FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown) => {
                self.left.add(met.path, special(kind));
                Ok(())
            }
        }
    }

    fn passed(&mut self, path: &Path, why: &str) {
        self.left.add(path, why);
    }
}

impl Packer {
    fn file(&mut self, met: &Met<'_>) -> io::Result<()> {
        let opened = openat(met.parent, met.name, READ, Mode::empty());
        let (file, stat) = match opened.and_then(|fd| fstat(&fd).map(|stat| (File::from(fd), stat))) {
            Ok(opened) => opened,
            Err(errno) => {
                self.left.add(met.path, &unread(errno));
                return Ok(());
            }
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            self.left.add(met.path, "it changed while it was read");
            return Ok(());
        }
        let mode = stat.st_mode & 0o7777;
        if mode & !NOT_SET_ID != 0 {
            // Nobody should find such a program because an archive had it.
            self.left.add(met.path, "it is copied without its set-user-id and set-group-id bits");
        }
        let mut header = header(&stat, EntryType::Regular, mode & NOT_SET_ID, bytes(&stat));
        let mut exactly = Exactly::new(file, &stat);
        self.builder.append_data(&mut header, stored(met.path), &mut exactly)?;
        if let Some(trouble) = exactly.trouble(&stat) {
            self.left.add(met.path, &trouble);
        }
        Ok(())
    }

    fn link(&mut self, met: &Met<'_>) -> io::Result<()> {
        let target = match readlinkat(met.parent, met.name, Vec::new()) {
            Ok(target) => target.into_bytes(),
            Err(errno) => {
                self.left.add(met.path, &unread(errno));
                return Ok(());
            }
        };
        let mut header = header(&met.stat, EntryType::Symlink, 0o777, 0);
        // To the byte: what the crate would write of it is the same path, but not the same text.
        if target.len() > LINK_NAME {
            let mut long = Header::new_gnu();
            long.set_entry_type(EntryType::GNULongLink);
            long.set_size((target.len() as u64).saturating_add(1));
            long.set_cksum();
            self.builder.append(&long, target.chain(&b"\0"[..]))?;
        } else {
            header.set_link_name_literal(&target)?;
        }
        self.builder.append_data(&mut header, stored(met.path), io::empty())
    }
}

/// Its name in the archive.
fn stored(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

fn bytes(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

fn header(stat: &Stat, kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(u64::from(stat.st_uid));
    header.set_gid(u64::from(stat.st_gid));
    // Of what is older than time itself the beginning of it is kept.
    header.set_mtime(u64::try_from(stat.st_mtime).unwrap_or(0));
    header.set_size(size);
    header
}

/// As many bytes of a file as its header says, whatever became of it: zeros where there is nothing.
pub(super) struct Exactly {
    file: File,
    left: u64,
    trouble: Option<String>,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = &mut buffer[..most];
        let mut count = 0;
        if self.trouble.is_none() && most > 0 {
            match self.file.read(buffer) {
                Ok(0) => self.trouble = Some("it changed while it was read".to_owned()),
                Ok(read) => count = read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => self.trouble = Some(format!("it cannot be read: {error}")),
            }
        }
        if self.trouble.is_some() {
            buffer.fill(0);
            count = most;
        }
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

impl Exactly {
    pub fn new(file: File, stat: &Stat) -> Self {
        Exactly { file, left: bytes(stat), trouble: None }
    }

    /// Why what was read is not the file as it was at one moment.
    pub fn trouble(mut self, before: &Stat) -> Option<String> {
        let marks = |stat: &Stat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
        self.trouble.take().or_else(|| {
            // One that says of itself that it is empty may yet have more to say.
            let grew = self.file.read(&mut [0]).is_ok_and(|count| count > 0);
            let same = fstat(&self.file).is_ok_and(|after| marks(&after) == marks(before));
            (grew || !same).then(|| "it changed while it was read".to_owned())
        })
    }
}
