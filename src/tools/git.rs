//! `git`: what a working copy is at, where its origin is, and how it gets there. Hooks and the file system monitor that a
//! repository may name are left out, nothing is asked for, and looking takes no lock.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Account, Argv, Input, Malformed};

/// `git` in `directory`, as `owner` unless that is oneself.
fn git<S: Into<String>>(directory: &str, owner: Option<&Account>, args: impl IntoIterator<Item = S>) -> Argv {
    let first =
        ["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C", directory];
    Argv {
        account: owner.cloned(),
        env: vec![
            ("GIT_TERMINAL_PROMPT", "0".to_owned()),
            ("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=10".to_owned()),
        ],
        ..Argv::new("git", first).with(args)
    }
}

/// Where the working copy is, and which tracked files differ.
pub fn status(directory: &str, owner: Option<&Account>) -> Argv {
    git(directory, owner, ["status", "--porcelain=v2", "--branch", "--untracked-files=no"])
}

/// What a commit is.
pub fn describe(directory: &str, owner: Option<&Account>, revision: &str) -> Argv {
    git(directory, owner, ["log", "--max-count=1", "--format=%H%x00%an%x00%cI%x00%s", revision, "--"])
}

/// The commit that a branch of the origin is at. Asks the origin, and changes nothing.
pub fn ls_remote(directory: &str, owner: Option<&Account>, branch: &str) -> Argv {
    git(directory, owner, ["ls-remote", "--exit-code", "origin"]).with([format!("refs/heads/{branch}")])
}

/// Fetches a branch of the origin.
pub fn fetch(directory: &str, owner: Option<&Account>, branch: &str) -> Argv {
    git(directory, owner, ["fetch", "--quiet", "--no-tags", "origin", branch])
}

/// Moves the branch and the files forward to a commit; refused where that is not forward.
pub fn forward(directory: &str, owner: Option<&Account>, revision: &str) -> Argv {
    git(directory, owner, ["merge", "--quiet", "--ff-only", revision])
}

/// Moves the branch and the files to a commit; refused where a local change would be lost.
pub fn reset(directory: &str, owner: Option<&Account>, revision: &str) -> Argv {
    git(directory, owner, ["reset", "--quiet", "--keep", revision])
}

/// The commit of a name.
pub fn resolve(directory: &str, owner: Option<&Account>, name: &str) -> Argv {
    git(directory, owner, ["rev-parse", "--verify", "--quiet", "--end-of-options"]).with([format!("{name}^{{commit}}")])
}

/// Which of these commits the repository has.
pub fn which_exist<'a>(directory: &str, owner: Option<&Account>, revisions: impl IntoIterator<Item = &'a str>) -> Argv {
    let lines: Vec<String> = revisions.into_iter().map(|revision| format!("{revision}^{{commit}}\n")).collect();
    let input = Input::bytes("REVISIONS", lines.concat());
    Argv { input: Some(input), ..git(directory, owner, ["cat-file", "--batch-check=%(objectname)"]) }
}

/// The files of a directory in a commit.
pub fn files(directory: &str, owner: Option<&Account>, revision: &str, below: &str) -> Argv {
    git(directory, owner, ["ls-tree", "-z", "--full-tree", revision, "--"]).with([format!("{below}/")])
}

/// The content of a file.
pub fn content(directory: &str, owner: Option<&Account>, blob: &str) -> Argv {
    git(directory, owner, ["cat-file", "blob", blob])
}

/// The answer to [`status`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The commit.
    pub revision: String,
    /// The branch; `None` when none is checked out.
    pub branch: Option<String>,
    /// Tracked files that differ from the commit.
    pub changed: Vec<String>,
}

/// Parses the output of [`status`].
///
/// # Errors
/// When it does not say where the working copy is.
pub fn parse_status(text: &str) -> Result<Status, Malformed> {
    let malformed = || Malformed::new("the state of a working copy from `git status`", text);
    let head = |key: &str| text.lines().find_map(|line| line.strip_prefix("# branch.")?.strip_prefix(key));
    let revision = head("oid ").filter(|oid| is_revision(oid)).ok_or_else(malformed)?.to_owned();
    let branch = Some(head("head ").ok_or_else(malformed)?).filter(|name| *name != "(detached)").map(str::to_owned);
    let changed = text.lines().filter(|line| !line.starts_with("# ")).filter_map(|line| {
        // `1 XY sub mH mI mW hH hI path`, `2 … Xscore path<TAB>old`, `u … path`
        let fields = match line.split(' ').next()? {
            "1" => 9,
            "2" => 10,
            "u" => 11,
            _ => return None,
        };
        let path = line.splitn(fields, ' ').last()?;
        Some(path.split('\t').next().unwrap_or(path).to_owned())
    });
    Ok(Status { revision, branch, changed: changed.collect() })
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub revision: String,
    /// Who wrote it.
    pub author: String,
    /// When it was made.
    pub time: Option<Timestamp>,
    /// The first line of its message.
    pub subject: String,
}

/// Parses the output of [`describe`].
///
/// # Errors
/// When it is not a commit.
pub fn parse_commit(text: &str) -> Result<Commit, Malformed> {
    let mut fields = text.trim_end().splitn(4, '\0');
    let mut field = || fields.next().ok_or_else(|| Malformed::new("a commit from `git log`", text));
    let (revision, author, time, subject) = (field()?, field()?, field()?, field()?);
    if !is_revision(revision) {
        return Err(Malformed::new("a commit from `git log`", text));
    }
    Ok(Commit {
        revision: revision.to_owned(),
        author: author.to_owned(),
        time: time.parse().ok(),
        subject: subject.to_owned(),
    })
}

/// The first hash of the output of [`ls_remote`] or [`resolve`].
///
/// # Errors
/// When there is none.
pub fn parse_revision(text: &str) -> Result<String, Malformed> {
    let word = text.split_whitespace().next().filter(|word| is_revision(word));
    word.map(str::to_owned).ok_or_else(|| Malformed::new("a commit from git", text))
}

/// Parses the output of [`which_exist`]: the commits that are there.
pub fn parse_existing(text: &str) -> Vec<String> {
    text.lines().filter(|line| is_revision(line)).map(str::to_owned).collect()
}

/// Parses the output of [`files`]: names and the hashes of their contents; no directories, no links.
///
/// # Errors
/// When an entry is not one.
pub fn parse_files(text: &str) -> Result<BTreeMap<String, String>, Malformed> {
    let mut files = BTreeMap::new();
    for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
        let parsed = entry.split_once('\t').and_then(|(facts, path)| {
            let mut facts = facts.split(' ');
            let (mode, _kind, blob) = (facts.next()?, facts.next()?, facts.next()?);
            Some((mode, blob, path.rsplit('/').next()?))
        });
        let (mode, blob, name) = parsed.ok_or_else(|| Malformed::new("files from `git ls-tree`", entry))?;
        if mode.starts_with("100") {
            files.insert(name.to_owned(), blob.to_owned());
        }
    }
    Ok(files)
}

/// Whether a word is the full hash of an object.
pub fn is_revision(word: &str) -> bool {
    matches!(word.len(), 40 | 64) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0123456789abcdef0123456789abcdef01234567";
    const B: &str = "89abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_working_copy_is_on_a_branch_or_not_and_clean_or_not() {
        let clean = format!("# branch.oid {A}\n# branch.head main\n# branch.upstream origin/main\n# branch.ab +0 -0\n");
        let wanted = Status { revision: A.to_owned(), branch: Some("main".to_owned()), changed: Vec::new() };
        assert_eq!(parse_status(&clean), Ok(wanted));
        let dirty = format!(
            "# branch.oid {A}\n# branch.head (detached)\n1 .M N... 100644 100644 100644 {A} {A} a file\n\
             2 R. N... 100644 100644 100644 {A} {A} R100 new\told\nu UU N... 100644 100644 100644 100644 {A} {A} {A} both\n"
        );
        let dirty = parse_status(&dirty).unwrap();
        assert_eq!((dirty.branch, dirty.changed), (None, vec!["a file".into(), "new".into(), "both".into()]));
        for wrong in
            ["", "# branch.oid (initial)\n# branch.head main\n", "# branch.head main\n", "fatal: not a repository"]
        {
            assert!(parse_status(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn commits_and_files() {
        let text = format!("{A}\0Ada L\x002026-02-26T02:11:07+01:00\0Fix: a\tthing\n");
        let commit = parse_commit(&text).unwrap();
        assert_eq!((commit.author.as_str(), commit.subject.as_str()), ("Ada L", "Fix: a\tthing"));
        assert_eq!(commit.time.unwrap().to_string(), "2026-02-26T01:11:07Z");
        for cut in 0..text.trim_end().rfind('\0').unwrap() {
            assert!(parse_commit(&text[..cut]).is_err(), "{cut}");
        }
        let tree =
            format!("100644 blob {A}\tdb/m/001.sql\0120000 blob {B}\tdb/m/link.sql\0040000 tree {B}\tdb/m/old\0");
        assert_eq!(parse_files(&tree).unwrap().into_iter().collect::<Vec<_>>(), [("001.sql".to_owned(), A.to_owned())]);
        assert!(parse_files("100644 blob").is_err());
        assert_eq!(parse_existing(&format!("{A}\n{B}^{{commit}} missing\n")), [A]);
        assert_eq!(parse_revision(&format!("{A}\trefs/heads/main\n")), Ok(A.to_owned()));
        assert!(parse_revision("warning: redirecting\n").is_err());
    }

    #[test]
    fn commands_as_they_can_be_pasted() {
        let owner = Account { name: "pi".to_owned(), uid: 1000, gid: 1000, home: "/home/pi".to_owned() };
        assert_eq!(
            forward("/home/pi/x", Some(&owner), A).to_string(),
            format!(
                "sudo -u pi GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -oBatchMode=yes -oConnectTimeout=10' git --no-optional-locks \
                 -c core.fsmonitor=false -c core.hooksPath=/dev/null -C /home/pi/x merge --quiet --ff-only {A}"
            )
        );
    }
}
