//! `git`: what a working copy is at, where its origin is, and how it gets there. Hooks and the file system monitor that a
//! repository may name are left out, nothing is asked for, and looking takes no lock.
//!
//! Whoever owns a repository decides what its settings say, and many settings name a program. What only looks runs none of
//! them: it reads no settings but the repository's own, and of these the ones that name a program are overridden, by fixed
//! names here, by names of their own in [`settings`]. What changes a working copy runs with its owner's settings.

mod settings;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Account, Argv, Home, Input, Malformed};
pub use settings::{Settings, parse_settings};

/// `git` in `directory`, as `owner` unless that is oneself, with these variables.
fn git<const N: usize>(directory: &str, owner: Option<&Account>, env: [(&'static str, &str); N]) -> Argv {
    let first = ["--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];
    let env = std::iter::once(("GIT_TERMINAL_PROMPT", "0")).chain(env);
    Argv {
        account: owner.cloned(),
        env: env.map(|(name, value)| (name, value.to_owned())).collect(),
        ..Argv::new("git", first).with(["-C", directory])
    }
}

/// One that only looks at what is there: no settings but the repository's own, no transport (a partial clone would fetch what
/// it lacks), no home.
fn look(directory: &str, owner: Option<&Account>) -> Argv {
    let env = [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_ALLOW_PROTOCOL", "none"),
        ("GIT_NO_LAZY_FETCH", "1"),
    ];
    Argv { home: Home::None, ..git(directory, owner, env) }
}

/// One that changes the working copy. The owner's home is kept: filters, keys and credentials are set up there.
fn change(directory: &str, owner: Option<&Account>, settings: &Settings) -> Argv {
    git(directory, owner, [("GIT_SSH_COMMAND", &settings.ssh())]).at_home()
}

/// All settings that git would go by, those of the system and of the owner included. Runs nothing.
pub fn settings(directory: &str, owner: Option<&Account>) -> Argv {
    git(directory, owner, []).at_home().with(["config", "--null", "--list"])
}

/// Where the working copy is, and which tracked files differ. Submodules are compared by their commits: to look into one, git
/// would start another git there, with that one's settings.
pub fn status(directory: &str, owner: Option<&Account>, settings: &Settings) -> Argv {
    look(directory, owner).with(settings.no_filters()).with([
        "status",
        "--porcelain=v2",
        "--branch",
        "--untracked-files=no",
        "--ignore-submodules=dirty",
    ])
}

/// Which filter drivers these files go through. Runs none.
pub fn filters(directory: &str, owner: Option<&Account>, paths: &[String]) -> Argv {
    let paths = format!("{}\0", paths.join("\0"));
    let argv = look(directory, owner).with(["check-attr", "-z", "--stdin", "filter"]);
    Argv { input: Some(Input::bytes("PATHS", paths)), ..argv }
}

/// What a commit is.
pub fn describe(directory: &str, owner: Option<&Account>, revision: &str) -> Argv {
    look(directory, owner)
        .with(["log", "--max-count=1", "--no-patch", "--no-show-signature", "--format=%H%x00%an%x00%cI%x00%s"])
        .with([revision, "--"])
}

/// The commit that a branch of the origin is at. Asks the origin, and changes nothing. How the origin is reached (addresses,
/// proxies, certificates) is as the owner has it, and so is the home (`.netrc`, `.git-credentials`); what names a program is
/// left out, but for the well-known ways to a key or a password.
pub fn ls_remote(directory: &str, owner: Option<&Account>, settings: &Settings, branch: &str) -> Argv {
    let ssh = settings.ssh();
    let env = [
        ("GIT_SSH_COMMAND", ssh.as_str()),
        ("GIT_ASKPASS", ""),
        ("GIT_PROXY_COMMAND", ""),
        ("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh"),
        ("GIT_NO_LAZY_FETCH", "1"),
    ];
    git(directory, owner, env)
        .at_home()
        .with(settings.own_helpers())
        .with(["ls-remote", "--exit-code", "--upload-pack=git-upload-pack", "origin"])
        .with([format!("refs/heads/{branch}")])
}

/// Fetches a branch of the origin.
pub fn fetch(directory: &str, owner: Option<&Account>, settings: &Settings, branch: &str) -> Argv {
    change(directory, owner, settings).with(["fetch", "--quiet", "--no-tags", "origin", branch])
}

/// Moves the branch and the files forward to a commit; refused where that is not forward. Half done the files would be of a
/// version that the branch is not at, and count as changed by hand.
pub fn forward(directory: &str, owner: Option<&Account>, settings: &Settings, revision: &str) -> Argv {
    change(directory, owner, settings).with(["merge", "--quiet", "--ff-only", revision]).finishes()
}

/// Moves the branch and the files to a commit; refused where a local change would be lost. As whole as [`forward`].
pub fn reset(directory: &str, owner: Option<&Account>, settings: &Settings, revision: &str) -> Argv {
    change(directory, owner, settings).with(["reset", "--quiet", "--keep", revision]).finishes()
}

/// The commit of a name.
pub fn resolve(directory: &str, owner: Option<&Account>, name: &str) -> Argv {
    look(directory, owner)
        .with(["rev-parse", "--verify", "--quiet", "--end-of-options"])
        .with([format!("{name}^{{commit}}")])
}

/// Which of these commits the repository has.
pub fn which_exist<'a>(directory: &str, owner: Option<&Account>, revisions: impl IntoIterator<Item = &'a str>) -> Argv {
    let lines: Vec<String> = revisions.into_iter().map(|revision| format!("{revision}^{{commit}}\n")).collect();
    let input = Input::bytes("REVISIONS", lines.concat());
    Argv { input: Some(input), ..look(directory, owner).with(["cat-file", "--batch-check=%(objectname)"]) }
}

/// The files of a directory in a commit.
pub fn files(directory: &str, owner: Option<&Account>, revision: &str, below: &str) -> Argv {
    look(directory, owner).with(["ls-tree", "-z", "--full-tree", revision, "--"]).with([format!("{below}/")])
}

/// The content of a file.
pub fn content(directory: &str, owner: Option<&Account>, blob: &str) -> Argv {
    look(directory, owner).with(["cat-file", "blob", blob])
}

/// The answer to [`status`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The commit.
    pub revision: String,
    /// The branch; `None` when none is checked out.
    pub branch: Option<String>,
    /// Tracked files that differ from the commit.
    pub changed: Vec<String>,
    /// Those of them whose content alone seems to differ: no mode, nothing staged.
    pub by_content: Vec<String>,
    /// Tracked files that go through a filter of the repository. It was not run, so whether they differ is not known.
    pub unclear: Vec<String>,
}

impl Status {
    /// Calls files unclear whose content alone seems to differ, where that may be because their filter was not run: `filtered`
    /// are the files that go through one.
    pub fn set_aside(&mut self, filtered: &[String]) {
        let is_unclear = |path: &String| self.by_content.contains(path) && filtered.contains(path);
        (self.unclear, self.changed) = std::mem::take(&mut self.changed).into_iter().partition(is_unclear);
    }
}

/// Parses the output of [`filters`]: the files that go through a filter which a check switches off.
pub fn parse_filters(text: &str, settings: &Settings) -> Vec<String> {
    let fields: Vec<&str> = text.split('\0').collect();
    let filtered = |row: &[&str]| match row {
        [path, _, driver] if settings.is_filter(driver) => Some((*path).to_owned()),
        _ => None,
    };
    fields.chunks_exact(3).filter_map(filtered).collect()
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
    let mut status = Status { revision, branch, ..Status::default() };
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        // `1 XY sub mH mI mW hH hI path`, `2 … Xscore path<TAB>old`, `u … path`
        let fields = match line.split(' ').next() {
            Some("1") => 9,
            Some("2") => 10,
            Some("u") => 11,
            _ => continue,
        };
        let words: Vec<&str> = line.splitn(fields, ' ').collect();
        let Some(path) = words.last() else { continue };
        let path = path.split('\t').next().unwrap_or(path).to_owned();
        if let ["1", ".M", "N...", head, index, work, ..] = words.as_slice()
            && head == index
            && index == work
        {
            status.by_content.push(path.clone());
        }
        status.changed.push(path);
    }
    Ok(status)
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
        let wanted = Status { revision: A.to_owned(), branch: Some("main".to_owned()), ..Status::default() };
        assert_eq!(parse_status(&clean), Ok(wanted));
        let dirty = format!(
            "# branch.oid {A}\n# branch.head (detached)\n1 .M N... 100644 100644 100644 {A} {A} a file\n\
             2 R. N... 100644 100644 100644 {A} {A} R100 new\told\nu UU N... 100644 100644 100644 100644 {A} {A} {A} both\n"
        );
        let dirty = parse_status(&dirty).unwrap();
        assert_eq!((dirty.branch, dirty.changed), (None, vec!["a file".into(), "new".into(), "both".into()]));
        assert_eq!(dirty.by_content, ["a file"]);
        for wrong in
            ["", "# branch.oid (initial)\n# branch.head main\n", "# branch.head main\n", "fatal: not a repository"]
        {
            assert!(parse_status(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn files_of_a_filter_are_unclear_where_only_their_content_seems_to_differ() {
        let settings = parse_settings("filter.lfs.clean\ngit-lfs clean\0").unwrap();
        let row = |state: &str, work: &str, path: &str| format!("1 {state} N... 100644 100644 {work} {A} {A} {path}\n");
        let rows = [
            row(".M", "100644", "a big.bin"),
            row(".M", "100644", "plain"),
            row(".M", "100644", "other.bin"),
            row("M.", "100644", "staged.bin"),
            row(".M", "100755", "mode.bin"),
        ];
        let mut status = parse_status(&format!("# branch.oid {A}\n# branch.head main\n{}", rows.concat())).unwrap();
        let driver = |path: &str, driver: &str| format!("{path}\0filter\0{driver}\0");
        let answer = [
            driver("a big.bin", "lfs"),
            driver("plain", "unspecified"),
            driver("other.bin", "not-there"),
            driver("staged.bin", "lfs"),
            driver("mode.bin", "lfs"),
        ];
        status.set_aside(&parse_filters(&answer.concat(), &settings));
        assert_eq!(status.unclear, ["a big.bin"]);
        assert_eq!(status.changed, ["plain", "other.bin", "staged.bin", "mode.bin"]);
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
            forward("/home/pi/x", Some(&owner), &Settings::default(), A).to_string(),
            format!(
                "sudo -u pi GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -oBatchMode=yes -oConnectTimeout=10' git --no-pager \
                 --no-optional-locks -c core.fsmonitor=false -c core.hooksPath=/dev/null -C /home/pi/x merge --quiet --ff-only \
                 {A}"
            )
        );
        let settings = parse_settings("filter.lfs.clean\ngit-lfs clean\0").unwrap();
        assert_eq!(
            status("/home/pi/x", None, &settings).to_string(),
            "HOME=/nonexistent GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ATTR_NOSYSTEM=1 \
             GIT_ALLOW_PROTOCOL=none GIT_NO_LAZY_FETCH=1 git --no-pager --no-optional-locks -c core.fsmonitor=false \
             -c core.hooksPath=/dev/null -C /home/pi/x -c filter.lfs.clean= -c filter.lfs.smudge= -c filter.lfs.process= \
             -c filter.lfs.required=false status --porcelain=v2 --branch --untracked-files=no --ignore-submodules=dirty"
        );
    }

    #[test]
    fn what_moves_a_branch_with_its_files_is_never_left_half_done() {
        let settings = Settings::default();
        for argv in [forward("/srv/x", None, &settings, "abc"), reset("/srv/x", None, &settings, "abc")] {
            assert_eq!(argv.interrupted, crate::host::tools::Interrupted::Finishes, "{argv}");
        }
    }
}
