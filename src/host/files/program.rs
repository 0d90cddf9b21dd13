//! Programs: which file a name means, and whether anybody but root could put another in its place.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::accounts;
use super::deadline::within;
use crate::host::system::System;

impl System {
    /// The first of the tool path's directories that has this program.
    ///
    /// # Errors
    /// `TimedOut` when a file system does not answer.
    #[expect(clippy::disallowed_methods, reason = "what is found here is judged as a whole before it is run")]
    pub fn find_program(&self, program: &str) -> io::Result<Option<PathBuf>> {
        let paths: Vec<PathBuf> = self.tool_path.iter().map(|dir| dir.join(program)).collect();
        let first = paths.first().cloned().unwrap_or_default();
        within(self.file_wait(), &first, move || {
            let executable = |path: &PathBuf| fs::metadata(path).is_ok_and(|m| m.is_file() && m.mode() & 0o111 != 0);
            Ok(paths.into_iter().find(executable))
        })
    }

    /// The file of this program, as others start it.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn own_program(&self) -> io::Result<PathBuf> {
        self.program.clone().map_or_else(std::env::current_exe, Ok)
    }

    /// The part of a program's path that a user other than root, and than `owner`, could change: the path as written and the
    /// one that it resolves to, each with all its parents, and every link between them.
    ///
    /// # Errors
    /// As the operating system says.
    #[expect(clippy::disallowed_methods, reason = "links are what is judged here")]
    pub fn changeable_part(&self, path: &Path, owner: Option<u32>) -> io::Result<Option<PathBuf>> {
        let (root, path) = (self.root.clone(), path.to_owned());
        within(self.file_wait(), &path.clone(), move || {
            let mut found = Vec::new();
            let mut link = path.clone();
            // As many as the kernel follows.
            for _ in 0..40 {
                found.push(link.clone());
                let Ok(target) = fs::read_link(&link) else { break };
                link = link.parent().unwrap_or(Path::new("/")).join(target);
            }
            found.push(fs::canonicalize(&path)?);
            for part in found.iter().flat_map(|path| path.ancestors()).filter(|part| !part.as_os_str().is_empty()) {
                let Ok(meta) = fs::metadata(part) else { continue };
                let owned = meta.uid() == 0 || Some(meta.uid()) == owner;
                let by_group = || accounts::group_has_members(&root, meta.gid());
                let open_to_group = meta.mode() & 0o020 != 0 && meta.gid() != 0 && by_group();
                if !owned || meta.mode() & 0o002 != 0 || open_to_group {
                    return Ok(Some(part.to_owned()));
                }
            }
            Ok(None)
        })
    }
}
