//! How full file systems are. Asked of the kernel, not of `df`: that is one process for all of them, which ends when it comes
//! to the first that hangs.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{StatVfs, fstatvfs};

use super::deadline;
use super::walk::{Last, walk};
use crate::host::system::System;

/// What the file system that is mounted there says.
///
/// # Errors
/// As the operating system says.
fn of_mount(root: &Path, mount: &Path) -> io::Result<StatVfs> {
    let (_, _, fd, _) = walk(root, mount, Last::Itself)?.found()?;
    Ok(fstatvfs(&fd)?)
}

impl System {
    /// How full the file systems at these mount points are: all asked at once, each for itself, with all the time that is left.
    pub fn space<'p>(&self, mounts: impl IntoIterator<Item = &'p str>) -> Vec<io::Result<StatVfs>> {
        let ask = self.statvfs.unwrap_or(of_mount);
        let question = |mount: &'p str| -> (PathBuf, deadline::Question<StatVfs>) {
            let (root, path) = (self.root.clone(), PathBuf::from(mount));
            (path.clone(), Box::new(move || ask(&root, &path)))
        };
        let limit = self.files_left().unwrap_or(self.file_limit);
        deadline::all(limit, mounts.into_iter().map(question).collect())
    }
}
