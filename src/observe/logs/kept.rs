//! Whether a journal is kept at all: as journald is set up (journald.conf(5)), and by its files.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::host::system::System;

const MAIN: [&str; 4] = [
    "/etc/systemd/journald.conf",
    "/run/systemd/journald.conf",
    "/usr/local/lib/systemd/journald.conf",
    "/usr/lib/systemd/journald.conf",
];

/// What `Storage=` is set to, in lower case, and where; `None` where it is left to its default, or cannot be read.
pub(super) fn storage(system: &System) -> Option<(String, String)> {
    let main = MAIN.iter().find(|path| system.exists(path)).map(PathBuf::from);
    let mut drops: Vec<PathBuf> = Vec::new();
    for dir in MAIN.map(|main| PathBuf::from(format!("{main}.d"))) {
        for name in system.names(&dir).unwrap_or_default() {
            let is_setting = Path::new(&name).extension().is_some_and(|extension| extension == "conf");
            // Of one name only the first directory's counts.
            if is_setting && drops.iter().all(|known| known.file_name() != Some(&name)) {
                drops.push(dir.join(name));
            }
        }
    }
    drops.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
    let mut found = None;
    for path in main.into_iter().chain(drops) {
        let text = system.read(&path).unwrap_or_default();
        if let Some(value) = last(&text) {
            found = Some((value, path.display().to_string()));
        }
    }
    found
}

/// Whether there is any file of the journal; `None` where that cannot be seen. journalctl itself says nothing of it in most
/// of its output modes.
pub(super) fn has_files(system: &System) -> Option<bool> {
    let names = |dir: &PathBuf| match system.names(dir) {
        Ok(names) => Some(names),
        Err(error) if error.kind() == ErrorKind::NotFound => Some(Vec::new()),
        Err(_) => None,
    };
    let mut all_seen = true;
    for place in ["/var/log/journal", "/run/log/journal"].map(PathBuf::from) {
        let Some(dirs) = names(&place) else {
            all_seen = false;
            continue;
        };
        for dir in dirs.into_iter().map(|name| place.join(name)) {
            // What is no directory holds none.
            let found = match system.metadata(&dir) {
                Ok(meta) if meta.is_dir() => names(&dir),
                Ok(_) => Some(Vec::new()),
                Err(_) => None,
            };
            let is_journal = |name: &OsString| name.to_str().is_some_and(|name| name.contains(".journal"));
            match found {
                Some(found) if found.iter().any(is_journal) => return Some(true),
                Some(_) => {}
                None => all_seen = false,
            }
        }
    }
    all_seen.then_some(false)
}

fn last(text: &str) -> Option<String> {
    let values = text.lines().filter_map(|line| line.trim().strip_prefix("Storage")?.trim_start().strip_prefix('='));
    values.map(|value| value.trim().to_ascii_lowercase()).next_back()
}

#[cfg(test)]
mod tests {
    use super::last;

    #[test]
    fn b18_the_last_setting_counts_and_comments_do_not() {
        assert_eq!(last("[Journal]\n#Storage=none\nStorage=auto\n Storage = None \n"), Some("none".to_owned()));
        assert_eq!(last("[Journal]\n#Storage=none\nStorageX=none\n"), None);
    }
}
