//! What only looks at a repository runs nothing that its settings, or its owner's, name: tried with git itself.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use super::*;

const LIMIT: Duration = Duration::from_secs(30);
/// What the made-up origin over HTTP says that its branch is at.
const FAR: &str = "89abcdef0123456789abcdef0123456789abcdef";

/// A directory with a repository, its origin and its owner, who is somebody else where that can be.
struct Ground {
    dir: PathBuf,
    system: System,
    owner: Account,
    http: u16,
}

/// Makes `base`, a working copy with a submodule, a file below each attribute and a signed commit that is no real one; its
/// `origin.git`; and `evil`, which leaves a mark.
const MAKE: &str = r#"
set -eu
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
mkdir home
printf '#!/bin/sh\n: >"%s/mark"\nexit 1\n' "$PWD" >evil
chmod 755 evil
git init -q -b main one
(cd one; echo sub >s.txt; echo '*.txt filter=evil' >.gitattributes; git add .; git commit -q -m one)
git init -q -b main base
cd base
echo text >a.txt
echo data >b.bin
printf '*.txt filter=evil diff=evil merge=evil\n*.bin filter=E.v-1\n' >.gitattributes
git -c protocol.file.allow=always submodule --quiet add ../one sub
git add .
git commit -q -m two
tree=$(git write-tree) head=$(git rev-parse HEAD)
signed() {
    printf 'tree %s\nparent %s\nauthor a <a@b> 1700000000 +0000\ncommitter a <a@b> 1700000000 +0000\ngpgsig -----BEGIN %s SIGNATURE-----\n \n iQ==\n -----END %s SIGNATURE-----\n\nsigned\n' \
        "$tree" "$head" "$1" "$1" | git hash-object -t commit -w --stdin
}
git branch openpgp "$(signed PGP)"
git branch sshsig "$(signed SSH)"
git clone -q --bare . ../origin.git
git remote add origin ../origin.git
git fetch -q
"#;

impl Ground {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("opsctl-git-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let me = rustix::process::geteuid();
        let uid = if me.is_root() { 65_534 } else { me.as_raw() };
        let gid = if me.is_root() { 65_534 } else { rustix::process::getegid().as_raw() };
        std::os::unix::fs::chown(&dir, Some(uid), Some(gid)).unwrap();
        let home = dir.join("home").display().to_string();
        let owner = Account { name: "owner".into(), uid, gid, home };
        let tools = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from).into();
        let ground = Ground { dir, system: System { tool_path: tools, ..System::real() }, owner, http: listen() };
        assert_eq!(ground.sh(MAKE), (ProcessEnd::Code(0), String::new()));
        ground
    }

    /// Runs a script as the owner, in the directory; how it ended and what it complained of.
    fn sh(&self, script: &str) -> (ProcessEnd, String) {
        let script = format!("cd '{}' || exit 9\n{script}", self.dir.display());
        let argv = Argv::new("sh", ["-c", &script]).by(Some(&self.owner)).at_home();
        let output = self.processes().run(&argv, LIMIT).unwrap();
        (output.exit, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn processes(&self) -> Processes<'_> {
        Processes::new(&self.system, None)
    }

    /// Puts a fresh copy of `base` in place, all of whose files git has to read again, and sets it up.
    fn lay(&self, setup: &str) -> String {
        let dir = self.dir.display();
        let script = format!("set -e; rm -rf repo home; mkdir home; cp -a base repo; E='{dir}/evil'; cd repo; {setup}");
        assert_eq!(self.sh(&script).0, ProcessEnd::Code(0), "{setup}: {}", self.sh(&script).1);
        self.marked();
        format!("{dir}/repo")
    }

    /// Whether something left its mark since this was last asked.
    fn marked(&self) -> bool {
        fs::remove_file(self.dir.join("mark")).is_ok()
    }

    /// Everything that only looks; what left its mark.
    fn look(&self, path: &str) -> Vec<&'static str> {
        let (processes, owner) = (self.processes(), Some(&self.owner));
        let mut caught = Vec::new();
        let mut done = |name| {
            if self.marked() {
                caught.push(name);
            }
        };
        // A partial clone lacks objects: one that is nowhere is asked for as well.
        let read = fs::read_to_string(Path::new(path).join("missing")).unwrap_or_else(|_| FAR.to_owned());
        for revision in ["HEAD", "openpgp", "sshsig", read.trim()] {
            let _ = processes.run(&git::describe(path, owner, revision), LIMIT).unwrap();
            done("describe");
            let _ = processes.run(&git::resolve(path, owner, revision), LIMIT).unwrap();
            done("resolve");
            let _ = processes.run(&git::which_exist(path, owner, [revision]), LIMIT).unwrap();
            done("which_exist");
            let _ = processes.run(&git::files(path, owner, revision, "sub"), LIMIT).unwrap();
            done("files");
            let _ = processes.run(&git::content(path, owner, revision), LIMIT).unwrap();
            let _ = processes.run(&git::content(path, owner, &format!("{revision}:a.txt")), LIMIT).unwrap();
            done("content");
        }
        let paths = ["a.txt".to_owned(), "b.bin".to_owned(), "sub".to_owned()];
        let _ = processes.run(&git::filters(path, owner, &paths), LIMIT).unwrap();
        done("filters");
        let settings = ask(&processes, &git::settings(path, owner), LIMIT, git::parse_settings);
        done("settings");
        if let Ok(settings) = &settings {
            let _ = ask_status(&processes, (path, owner), settings, LIMIT);
            done("status");
            let _ = ask_origin(&processes, (path, owner), settings, "main", LIMIT);
            done("ls_remote");
        }
        caught
    }

    fn settings(&self, path: &str) -> Settings {
        ask(&self.processes(), &git::settings(path, Some(&self.owner)), LIMIT, git::parse_settings).unwrap()
    }

    fn status(&self, path: &str) -> Status {
        ask_status(&self.processes(), (path, Some(&self.owner)), &self.settings(path), LIMIT).unwrap()
    }

    fn origin(&self, path: &str) -> Result<String, Trouble> {
        ask_origin(&self.processes(), (path, Some(&self.owner)), &self.settings(path), "main", LIMIT)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// An origin over HTTP whose password is `sesame`.
fn listen() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(answer(stream))));
    port
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let head: Vec<String> =
        BufReader::new(stream.try_clone()?).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let packet = |text: &str| format!("{:04x}{text}", text.len() + 4);
    // me:sesame
    let body = match head.iter().any(|line| line.ends_with("Basic bWU6c2VzYW1l")) {
        true => [
            packet("# service=git-upload-pack\n"),
            "0000".to_owned(),
            packet(&format!("{FAR} refs/heads/main\0agent=x\n")),
            "0000".to_owned(),
        ]
        .concat(),
        false => String::new(),
    };
    let status = if body.is_empty() { "401 No\r\nWWW-Authenticate: Basic realm=\"x\"" } else { "200 OK" };
    let kind = "application/x-git-upload-pack-advertisement";
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Settings that name a program, each with a plain command that runs it.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("the file system monitor", "git config core.fsmonitor $E", "git status"),
    ("that of a submodule", "git -C sub config core.fsmonitor $E", "git status"),
    ("that of an included file", "git config -f x core.fsmonitor $E; git config include.path ../x", "git status"),
    (
        "that of a work tree",
        "git config extensions.worktreeConfig true; git config --worktree core.fsmonitor $E",
        "git status",
    ),
    (
        "that of a directory elsewhere",
        "mv .git ../repo.git2; rm -rf ../gone; mv ../repo.git2 .hidden; echo 'gitdir: .hidden' >.git; git config core.worktree ..; git config core.fsmonitor $E",
        "git status",
    ),
    ("that of the owner", "git config --global core.fsmonitor $E", "git status"),
    ("a filter", "git config filter.evil.clean $E", "git status"),
    ("a filter that must work", "git config filter.evil.clean $E; git config filter.evil.required true", "git status"),
    ("a filter that runs on", "git config filter.evil.process $E", "git status"),
    ("a filter with dots in its name", "git config filter.E.v-1.clean $E", "git status"),
    ("a filter on the way out", "git config filter.evil.smudge $E", "git checkout-index -f a.txt"),
    ("a filter of a submodule", "git -C sub config filter.evil.clean $E", "git status"),
    (
        "a filter of an included file",
        "git config -f x filter.evil.clean $E; git config include.path ../x",
        "git status",
    ),
    (
        "a filter included for a branch",
        "git config -f x filter.evil.clean $E; git config includeIf.onbranch:main.path ../x",
        "git status",
    ),
    ("a filter of the owner", "git config --global filter.evil.clean $E", "git status"),
    (
        "a filter of a work tree",
        "git config extensions.worktreeConfig true; git config --worktree filter.evil.clean $E",
        "git status",
    ),
    (
        "a filter by other attributes",
        "echo '* filter=other' >.git/info/attributes; git config filter.other.clean $E",
        "git status",
    ),
    (
        "a filter by attributes elsewhere",
        "echo '* filter=other' >at; rm .gitattributes; git config core.attributesFile at; git config filter.other.clean $E",
        "git status",
    ),
    (
        "a filter whose name ends a setting",
        "echo '* filter=a=b' >.gitattributes; git config filter.a=b.clean $E",
        "git status",
    ),
    (
        "a filter whose name is no text",
        "printf '* filter=a\\377\\n' >.gitattributes; git config \"filter.$(printf 'a\\377').clean\" $E",
        "git status",
    ),
    ("hooks", "cp $E .git/hooks/post-index-change", "git status"),
    ("hooks elsewhere", "mkdir h; cp $E h/post-index-change; git config core.hooksPath h", "git status"),
    ("a text conversion", "git config diff.evil.textconv $E; echo more >>a.txt", "git diff"),
    ("a comparison", "git config diff.evil.command $E; echo more >>a.txt", "git diff"),
    ("a comparison for all", "git config diff.external $E; echo more >>a.txt", "git diff"),
    ("a pager", "git config core.pager $E", "TERM=xterm script -qec 'git log' /dev/null"),
    ("a pager of one verb", "git config pager.log $E", "TERM=xterm script -qec 'git log' /dev/null"),
    ("an editor", "git config core.editor $E", "git -c user.name=a -c user.email=a@b commit --allow-empty"),
    ("a signature", "git config log.showSignature true; git config gpg.program $E", "git log openpgp"),
    (
        "a signature of OpenPGP",
        "git config log.showSignature true; git config gpg.openpgp.program $E",
        "git log openpgp",
    ),
    (
        "a signature of ssh",
        "git config log.showSignature true; git config gpg.ssh.program $E; git config gpg.ssh.allowedSignersFile x",
        "git log sshsig",
    ),
    ("ssh", "git config core.sshCommand $E; git remote set-url origin ssh://h/x", "git ls-remote origin"),
    (
        "ssh of another kind",
        "git config core.sshCommand $E; git config ssh.variant simple; git remote set-url origin h:x",
        "git ls-remote origin",
    ),
    ("a proxy", "git config core.gitProxy $E; git remote set-url origin git://127.0.0.1/x", "git ls-remote origin"),
    ("who is asked", "git config core.askPass $E; git remote set-url origin $H", "git ls-remote origin"),
    ("a helper", "git config credential.helper $E; git remote set-url origin $H", "git ls-remote origin"),
    (
        "a helper by a shell",
        "git config credential.helper \"!$E\"; git remote set-url origin $H",
        "git ls-remote origin",
    ),
    (
        "a helper behind one of git's",
        "git config credential.helper \"store;$E\"; git remote set-url origin $H",
        "git ls-remote origin",
    ),
    (
        "a helper for an address",
        "git config credential.http://127.0.0.1.helper $E; git config credential.$H.helper $E; git remote set-url origin $H",
        "git ls-remote origin",
    ),
    (
        "a helper of the owner",
        "git config --global credential.helper $E; git remote set-url origin $H",
        "git ls-remote origin",
    ),
    ("what the origin runs", "git config remote.origin.uploadpack $E", "git ls-remote origin"),
    (
        "a transport",
        "git remote set-url origin \"ext::$E\"; git config protocol.ext.allow always",
        "git ls-remote origin",
    ),
    (
        "a transport for all",
        "git remote set-url origin \"ext::$E\"; git config protocol.allow always",
        "git ls-remote origin",
    ),
    (
        "a transport by its name",
        "git remote set-url origin $E; git config remote.origin.vcs ext; git config protocol.ext.allow always",
        "git ls-remote origin",
    ),
    (
        "a transport instead",
        "git config \"url.ext::$E .insteadOf\" ../; git config protocol.ext.allow always",
        "git ls-remote origin",
    ),
    (
        "a transport of the owner",
        "git config --global \"url.ext::$E .insteadOf\" ../; git config --global protocol.ext.allow always",
        "git ls-remote origin",
    ),
    (
        "what a partial clone lacks",
        "git config core.repositoryFormatVersion 1; git config extensions.partialClone origin; git config remote.origin.promisor true; git config remote.origin.uploadpack $E; o=$(git rev-parse HEAD:a.txt); echo $o >missing; rm -f .git/objects/$(echo $o | cut -c1-2)/$(echo $o | cut -c3-)",
        "git cat-file blob $(cat missing)",
    ),
    (
        "what a partial clone lacks, by a transport",
        "git config core.repositoryFormatVersion 1; git config extensions.partialClone origin; git config remote.origin.promisor true; git remote set-url origin \"ext::$E\"; git config protocol.ext.allow always; o=$(git rev-parse HEAD^{tree}); echo $o >missing; rm -f .git/objects/$(echo $o | cut -c1-2)/$(echo $o | cut -c3-)",
        "git ls-tree HEAD",
    ),
];

#[test]
fn l10_looking_at_a_repository_runs_nothing_that_its_settings_name() {
    let ground = Ground::new("evil");
    let http = format!("H=http://127.0.0.1:{}/x.git", ground.http);
    for (what, setup, plain) in SETTINGS {
        let path = ground.lay(&format!("{http}; {setup}"));
        assert_eq!(ground.look(&path), Vec::<&str>::new(), "{what}: {setup}");
        // And it is one that runs.
        let said = ground.sh(&format!("cd repo; {plain} </dev/null"));
        assert!(ground.marked(), "{what}: {plain} did not run it: {said:?}");
    }
}

#[test]
fn j1_a_working_copy_is_judged_without_its_filters() {
    let ground = Ground::new("state");
    let (all, none) = (["a.txt", "b.bin"].map(str::to_owned), Vec::<String>::new());
    let seen = |setup: &str| {
        let status = ground.status(&ground.lay(setup));
        assert_eq!(status.branch.as_deref(), Some("main"), "{setup}");
        (status.changed, status.unclear)
    };
    assert_eq!(seen(":"), (none.clone(), none.clone()));
    // A driver that would have made of each file what is committed.
    let drivers = "git config filter.evil.clean cat; git config filter.E.v-1.clean cat";
    let differ = "echo stored >a.txt; echo stored >b.bin";
    assert_eq!(seen(differ), (all.to_vec(), none.clone()));
    assert_eq!(seen(&format!("{drivers}; {differ}")), (none.clone(), all.to_vec()));
    assert_eq!(seen(&format!("{drivers}; {differ}; chmod +x a.txt")), (vec!["a.txt".into()], vec!["b.bin".into()]));
    assert_eq!(seen(&format!("{drivers}; {differ}; git add a.txt")), (vec!["a.txt".into()], vec!["b.bin".into()]));
    // A submodule at another commit is seen, what was done to its files is its own affair.
    assert_eq!(seen("echo more >>sub/s.txt"), (none.clone(), none.clone()));
    let moved = "cd sub; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m three";
    assert_eq!(seen(moved), (vec!["sub".into()], none));
}

#[test]
fn j1_origins_are_asked_with_what_they_need_and_no_more() {
    let ground = Ground::new("origin");
    let url = format!("http://me@127.0.0.1:{}/x.git", ground.http);
    let lay = |setup: &str| ground.lay(&format!("git remote set-url origin {url}; {setup}"));
    let kept = format!("echo http://me:sesame@127.0.0.1:{} >$HOME/.git-credentials", ground.http);
    assert!(ground.origin(&ground.lay(":")).is_ok_and(|revision| git::is_revision(&revision)));
    for setup in [
        &format!("{kept}; git config --global credential.helper store"),
        &format!("{kept}; git config credential.helper 'store --file=../home/.git-credentials'"),
        &format!("{kept}; git config credential.helper \"!$E\"; git config --add credential.helper store"),
        "printf 'machine 127.0.0.1 login me password sesame' >$HOME/.netrc",
        "git config http.extraHeader 'Authorization: Basic bWU6c2VzYW1l'",
        "git config --global url.http://me:sesame@127.0.0.1.insteadOf http://me@127.0.0.1",
    ] {
        assert_eq!(ground.origin(&lay(setup)).unwrap(), FAR, "{setup}");
    }
    let refused = ground.origin(&lay("git config credential.helper \"!$E\"")).unwrap_err().to_string();
    assert!(refused.ends_with("; the check does not run the program of credential.helper"), "{refused}");
    assert!(!ground.origin(&lay(":")).unwrap_err().to_string().contains("a check does not run"));
    assert!(!ground.marked());
}
