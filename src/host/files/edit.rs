//! Another text for a file that exists: written beside it and moved over it, by whoever alone can change its directory. It keeps owner,
//! group, mode and access list, and the old file stays beside it under a second name.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Stat, Uid, XattrFlags, fchmod, fchown, fgetxattr, fsetxattr, fsync, linkat, openat,
    renameat, unlinkat,
};
use rustix::io::Errno;

use super::accounts;
use super::deadline::apart;
use super::walk::{Last, PathStep, Writer, walk};
use super::{is_readable, open_same};
use crate::host::system::System;

/// Longer files are not edited, bytes.
const LONGEST: u64 = 4 << 20;
/// What the old file is called afterwards: its name with this behind it.
pub const OLD: &str = ".opsctl-old";
/// What the new file is called before it is moved.
const NEW: &str = ".opsctl-new";
/// Attributes that say who may use a file. A server's own are none of this.
const KEPT: &[&str] = &["system.posix_acl_access", "security.selinux"];

impl System {
    /// Replaces the text of a file by what is made of it; nothing where that is `None`. Whether it was replaced.
    ///
    /// # Errors
    /// As the operating system says; a file that several users could exchange, or that belongs to somebody else than the user
    /// who owns its directory, is refused. Nothing is changed then.
    pub fn edit(
        &self,
        path: impl AsRef<Path>,
        make: impl FnOnce(&[u8]) -> Result<Option<Vec<u8>>, String> + Send + 'static,
    ) -> io::Result<bool> {
        let (root, wanted) = (self.root.clone(), path.as_ref().to_owned());
        apart(self.file_wait(), path.as_ref(), move || {
            let (parent, name, _, stat) = walk(&root, &wanted, Last::Followed)?.found()?;
            is_readable(&parent, &stat)?;
            let _guise = match parent.writer {
                Writer::Nobody => None,
                Writer::Owner { uid, .. } if uid != stat.st_uid => {
                    return Err(io::Error::other(format!(
                        "it belongs to user {}, and its directory to user {uid}: either could exchange it",
                        stat.st_uid
                    )));
                }
                Writer::Owner { uid, gid } => {
                    rustix::process::geteuid().is_root().then(|| accounts::become_user(&root, uid, gid)).transpose()?
                }
                Writer::Several => return Err(io::Error::other("several users can change its directory")),
            };
            let mut old = Vec::new();
            let file = open_same(&parent, &name, &stat)?;
            if stat.st_nlink > 2 || u64::try_from(stat.st_size).is_ok_and(|size| size > LONGEST) {
                return Err(io::Error::other("it has other names, or is longer than 4 MiB"));
            }
            Read::take(&file, LONGEST).read_to_end(&mut old)?;
            match make(&old).map_err(io::Error::other)? {
                Some(new) if new != old => replace(&parent, &name, &stat, &file, &new).map(|()| true),
                // What a call that was killed left holds what is not to be.
                Some(_) | None => remove(&parent, &beside(&name, NEW)).map(|()| false),
            }
        })
    }
}

fn beside(name: &OsStr, end: &str) -> OsString {
    [name, OsStr::new(end)].into_iter().collect()
}

fn remove(parent: &PathStep, name: &OsStr) -> io::Result<()> {
    match unlinkat(&parent.fd, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn replace(parent: &PathStep, name: &OsStr, stat: &Stat, file: &File, text: &[u8]) -> io::Result<()> {
    let directory = parent.fd.as_fd();
    let (new, kept) = (beside(name, NEW), beside(name, OLD));
    remove(parent, &new)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut written = File::from(openat(directory, &new, flags, Mode::RUSR | Mode::WUSR)?);
    let made = (|| {
        fchown(&written, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))?;
        fchmod(&written, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
        for attribute in KEPT {
            let mut value = vec![0; 64 << 10];
            match fgetxattr(file, *attribute, &mut value[..]) {
                Ok(length) => {
                    fsetxattr(&written, *attribute, value.get(..length).unwrap_or_default(), XattrFlags::empty())?;
                }
                Err(Errno::NODATA | Errno::NOTSUP) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        written.write_all(text)?;
        written.sync_all()?;
        remove(parent, &kept)?;
        linkat(directory, name, directory, &kept, AtFlags::empty())?;
        renameat(directory, &new, directory, name)?;
        io::Result::Ok(())
    })();
    if let Err(error) = made {
        let _ = remove(parent, &new);
        return Err(error);
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(fsync(openat(directory, ".", flags, Mode::empty())?)?)
}
