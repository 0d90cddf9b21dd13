//! Whether a user may use a path, as the kernel answers that user: owners, modes, groups, access lists and mounts counted.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};
use rustix::io::Errno;

use super::accounts;
use super::deadline::apart;
use crate::host::system::System;

/// What a user wants of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To read it.
    Read,
    /// To read and to write it.
    ReadWrite,
    /// To run it, or of a directory to enter it.
    Execute,
}

impl System {
    /// The part of a path that keeps this user from it: the path itself, or a directory above it. `None` where nothing does, or
    /// nothing is there. Nothing is opened, and links lead the user no further than by himself.
    ///
    /// # Errors
    /// Only root can ask for another user: else [`io::ErrorKind::PermissionDenied`]. As the operating system says otherwise.
    pub fn barred(&self, path: &str, uid: u32, gid: u32, wanted: Use) -> io::Result<Option<String>> {
        let own = rustix::process::geteuid();
        if !own.is_root() && own.as_raw() != uid {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let (root, asked) = (self.root.clone(), self.path(path));
        let bars = apart(self.file_wait(), Path::new(path), move || {
            let _guise = own.is_root().then(|| accounts::become_user(&root, uid, gid)).transpose()?;
            Ok(first_bar(&root, &asked, wanted)?)
        })?;
        // As the host has it, without the root of a test.
        let inner = |bar: PathBuf| bar.strip_prefix(&self.root).ok().map(|rest| format!("/{}", rest.display()));
        Ok(bars.and_then(inner))
    }
}

fn first_bar(root: &Path, asked: &Path, wanted: Use) -> Result<Option<PathBuf>, Errno> {
    let rights = match wanted {
        Use::Read => Access::READ_OK,
        Use::ReadWrite => Access::READ_OK | Access::WRITE_OK,
        Use::Execute => Access::EXEC_OK,
    };
    let above = asked.ancestors().skip(1).take_while(|path| path.starts_with(root));
    let mut steps: Vec<(&Path, Access)> = above.map(|path| (path, Access::EXEC_OK)).collect();
    steps.reverse();
    steps.push((asked, rights));
    for (step, rights) in steps {
        match rustix::fs::accessat(CWD, step, rights, AtFlags::EACCESS) {
            // A mount that is read-only is no matter of users.
            Ok(()) | Err(Errno::ROFS) => {}
            Err(Errno::ACCESS | Errno::PERM) => return Ok(Some(step.to_owned())),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
