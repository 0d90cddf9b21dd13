//! `df`: space and inodes. Asked as a process of its own because a dead network mount blocks whoever looks at it.

use super::{Argv, Malformed};

/// The file systems that hold these paths. Paths that do not exist are complained of and make the exit code 1; the others
/// are printed all the same.
pub fn df<'a>(paths: impl IntoIterator<Item = &'a str>) -> Argv {
    Argv::new("df", ["--block-size=1", "--output=fstype,size,used,avail,itotal,iused,target", "--"]).with(paths)
}

/// A mounted file system, bytes and counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    pub kind: String,
    pub size: u64,
    pub used: u64,
    /// What an ordinary user may still write.
    pub available: u64,
    /// Total and used inodes; `None` where the file system has no such number.
    pub inodes: Option<(u64, u64)>,
    pub mounted_on: String,
}

/// Parses the output of [`df`], one entry a file system.
///
/// # Errors
/// When the header is missing, nothing follows it, or a line is not a file system.
pub fn parse(text: &str) -> Result<Vec<FileSystem>, Malformed> {
    const EXPECTED: &str = "a table from `df`";
    let mut lines = text.lines();
    if !lines.next().is_some_and(|header| header.trim_end().ends_with("Mounted on")) {
        return Err(Malformed::new(EXPECTED, text));
    }
    let mut found: Vec<FileSystem> = Vec::new();
    for line in lines {
        let one = row(line).ok_or_else(|| Malformed::new(EXPECTED, line))?;
        if found.iter().all(|other| other.mounted_on != one.mounted_on) {
            found.push(one);
        }
    }
    if found.is_empty() { Err(Malformed::new(EXPECTED, text)) } else { Ok(found) }
}

fn row(line: &str) -> Option<FileSystem> {
    // Six words, then the mount point, which may contain spaces.
    let mut rest = line.trim_start();
    let mut word = || {
        let (word, tail) = rest.split_once(char::is_whitespace)?;
        rest = tail.trim_start();
        Some(word)
    };
    let kind = word()?.to_owned();
    let (size, used, available) = (word()?.parse().ok()?, word()?.parse().ok()?, word()?.parse().ok()?);
    let (total, taken) = (word()?.parse().ok(), word()?.parse().ok());
    let inodes = total.zip(taken).filter(|(total, _)| *total > 0);
    (!rest.is_empty()).then(|| FileSystem { kind, size, used, available, inodes, mounted_on: rest.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "Type        1B-blocks       Used      Avail Inodes IUsed Mounted on\n\
        ext4      270000000000 1000000000 2000000000 100000  5000 /\n\
        btrfs          1000000     100000     900000      -     - /mnt/a disk\n\
        ext4      270000000000 1000000000 2000000000 100000  5000 /\n";

    #[test]
    fn each_file_system_is_told_once() {
        let found = parse(TWO).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].inodes, Some((100_000, 5000)));
        assert_eq!((found[1].mounted_on.as_str(), found[1].inodes), ("/mnt/a disk", None));
    }

    #[test]
    fn nothing_and_nonsense_are_errors() {
        for text in ["", "df: /x: No such file", "Type Mounted on\n", "Type Mounted on\next4 12\n"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
