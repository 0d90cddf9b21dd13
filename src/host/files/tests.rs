//! What a user of the host can plant in the way of a file, against a directory tree with several owners. As root, because only
//! root is worth deceiving; what needs no second owner is tried by anybody.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::own::Access;
use super::*;

const APP: u32 = 4242;

/// A root of its own, with a directory of the user [`APP`] and a secret of root's.
struct Tree(System, PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("opsctl-files-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        for made in ["etc", "srv/app", "var/log/app", "root"] {
            fs::create_dir_all(dir.join(made)).unwrap();
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(dir.join("etc/passwd"), format!("root:x:0:0::/root:/bin/sh\napp:x:{APP}:{APP}::/srv/app:/bin/sh\n"))
            .unwrap();
        fs::write(dir.join("etc/group"), format!("root:x:0:\napp:x:{APP}:\nops:x:50:app\n")).unwrap();
        fs::write(dir.join("root/secret"), "hunter2").unwrap();
        fs::set_permissions(dir.join("root/secret"), fs::Permissions::from_mode(0o600)).unwrap();
        let tree = Tree(System { root: dir.clone(), ..System::real() }, dir);
        tree.give("srv/app");
        tree.give("var/log/app");
        tree
    }

    fn path(&self, path: &str) -> PathBuf {
        self.1.join(path)
    }

    /// Makes the user the owner; nothing where nobody but root could.
    fn give(&self, path: &str) {
        let _ = std::os::unix::fs::lchown(self.path(path), Some(APP), Some(APP));
    }

    fn refused(&self, path: &str) -> String {
        let begun = Instant::now();
        let error = self.0.read(path).unwrap_err();
        assert!(begun.elapsed().as_secs() < 5, "{path} was waited for");
        error.to_string()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.1);
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn links_of_root_lead_on() {
    let tree = Tree::new("links");
    fs::create_dir_all(tree.path("data/log")).unwrap();
    fs::write(tree.path("data/log/x.log"), "lines").unwrap();
    symlink("/data/log", tree.path("var/log/absolute")).unwrap();
    symlink("../../data/log/x.log", tree.path("var/log/relative")).unwrap();
    symlink("absolute/x.log", tree.path("var/log/twice")).unwrap();
    symlink("../../../../../../data/log/x.log", tree.path("var/log/above")).unwrap();
    for path in
        ["/var/log/absolute/x.log", "/var/log/relative", "/var/log/twice", "/var/log/above", "/srv/../data/log/x.log"]
    {
        assert_eq!(tree.0.read(path).unwrap(), "lines", "{path}");
    }
    assert!(tree.0.symlink_metadata("/var/log/relative").unwrap().is_symlink());
    assert!(tree.0.metadata("/var/log/relative").unwrap().is_file());
    assert!(tree.0.metadata("/").unwrap().is_dir() && tree.0.metadata("/srv/..").unwrap().is_dir());
    symlink("loop", tree.path("var/log/loop")).unwrap();
    assert!(tree.0.read("/var/log/loop").is_err());
    symlink("nowhere", tree.path("var/log/dangling")).unwrap();
    assert_eq!(tree.0.read("/var/log/dangling").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(tree.0.read("/no/such/directory").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(tree.0.first_existing(&["/no/such", "/data/log/x.log"]).unwrap(), Some("/data/log/x.log"));
}

#[test]
fn only_regular_files_are_opened() {
    let tree = Tree::new("kinds");
    let fifo = rustix::fs::CWD;
    rustix::fs::mknodat(fifo, tree.path("etc/fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _listener = UnixListener::bind(tree.path("etc/socket")).unwrap();
    symlink("/etc/fifo", tree.path("etc/to-fifo")).unwrap();
    assert_eq!(tree.refused("/etc/fifo"), "is a FIFO, not a regular file");
    assert_eq!(tree.refused("/etc/to-fifo"), "is a FIFO, not a regular file");
    assert_eq!(tree.refused("/etc/socket"), "is a socket, not a regular file");
    assert_eq!(tree.0.read("/etc").unwrap_err().kind(), ErrorKind::IsADirectory);
    assert_eq!(System::real().read("/dev/zero").unwrap_err().to_string(), "is a device, not a regular file");
    fs::File::create(tree.path("etc/sparse")).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(tree.0.read("/etc/sparse").unwrap().len() as u64, READ_LIMIT);
}

#[test]
#[ignore = "needs root"]
fn l7_what_another_user_puts_in_the_way_leads_nowhere() {
    assert!(is_root(), "needs root");
    let tree = Tree::new("planted");
    symlink("/root/secret", tree.path("var/log/app/app.log")).unwrap();
    symlink("/root", tree.path("srv/app/data")).unwrap();
    symlink("/proc/self/environ", tree.path("srv/app/.env")).unwrap();
    fs::hard_link(tree.path("root/secret"), tree.path("srv/app/hard")).unwrap();
    fs::write(tree.path("srv/app/own"), "its own process").unwrap();
    for path in ["var/log/app/app.log", "srv/app/data", "srv/app/.env", "srv/app/own"] {
        tree.give(path);
    }
    for path in ["/var/log/app/app.log", "/srv/app/data/secret", "/srv/app/.env"] {
        assert!(tree.refused(path).contains("is a symbolic link in a directory that users other than root"), "{path}");
    }
    for path in ["/var/log/app/app.log", "/srv/app/data/secret", "/srv/app/data"] {
        assert!(tree.0.metadata(path).is_err() && tree.0.list(path).is_err() && tree.0.directory(path).is_err());
    }
    assert_eq!(tree.refused("/srv/app/hard"), "user 4242, who owns its directory, cannot read it");
    assert_eq!(tree.0.read("/srv/app/own").unwrap(), "its own process");
    // A path that another link leads through to the same place is no better.
    symlink("/srv/app", tree.path("srv/by-root")).unwrap();
    assert!(tree.refused("/srv/by-root/data/secret").contains("is a symbolic link"));
    assert_eq!(tree.0.read("/srv/by-root/own").unwrap(), "its own process");
}

#[test]
#[ignore = "needs root"]
fn l7_directories_of_several() {
    assert!(is_root(), "needs root");
    let tree = Tree::new("several");
    for (dir, mode, gid) in [("open", 0o777, 0), ("sticky", 0o1777, 0), ("group", 0o775, 50), ("mine", 0o775, 60)] {
        fs::create_dir(tree.path(dir)).unwrap();
        fs::set_permissions(tree.path(dir), fs::Permissions::from_mode(mode)).unwrap();
        chown(tree.path(dir), Some(0), Some(gid)).unwrap();
        fs::write(tree.path(dir).join("plain"), "text").unwrap();
        symlink("/root/secret", tree.path(dir).join("link")).unwrap();
        fs::hard_link(tree.path("root/secret"), tree.path(dir).join("hard")).unwrap();
        assert_eq!(tree.0.read(format!("/{dir}/plain")).unwrap(), "text", "{dir}");
        // The group 60 has no members, so nobody but root can have put anything into that one.
        let trusted = dir == "mine";
        assert_eq!(tree.0.read(format!("/{dir}/link")).is_ok(), trusted, "{dir}");
        assert_eq!(tree.0.read(format!("/{dir}/hard")).is_ok(), trusted, "{dir}");
    }
}

#[test]
#[ignore = "needs root"]
fn l7_files_are_read_with_the_rights_of_their_directory_s_owner() {
    assert!(is_root(), "needs root");
    let tree = Tree::new("rights");
    let ids = tree.0.read_with(Path::new("/srv/app/own"), |_| Ok(())).unwrap_err();
    assert_eq!(ids.kind(), ErrorKind::NotFound);
    fs::write(tree.path("srv/app/own"), "x").unwrap();
    tree.give("srv/app/own");
    let seen = tree.0.read_with(Path::new("/srv/app/own"), |_| {
        let status = fs::read_to_string("/proc/thread-self/status")?;
        let line = |key: &str| status.lines().find_map(|line| Some(line.strip_prefix(key)?.trim().replace('\t', " ")));
        Ok(["Uid:", "Gid:", "Groups:", "CapEff:"].map(|key| line(key).unwrap_or_default()))
    });
    // Real and saved ids stay root's, so that the user cannot send this process a signal.
    let wanted = [format!("0 {APP} 0 {APP}"), format!("0 {APP} 0 {APP}"), format!("50 {APP}"), "0".repeat(16)];
    assert_eq!(seen.unwrap(), wanted);
    assert!(is_root(), "the other threads stay root's");
}

#[test]
#[ignore = "needs root"]
fn l7_a_race_of_renames_gives_nothing_away() {
    assert!(is_root(), "needs root");
    let tree = Tree::new("race");
    let rounds = std::env::var("OPSCTL_RACES").ok().and_then(|count| count.parse().ok()).unwrap_or(1000);
    symlink("/root/secret", tree.path("srv/app/link")).unwrap();
    symlink("/root", tree.path("srv/app/dirlink")).unwrap();
    fs::create_dir(tree.path("srv/app/dir")).unwrap();
    fs::write(tree.path("srv/app/dir/secret"), "harmless").unwrap();
    fs::write(tree.path("srv/app/file"), "harmless").unwrap();
    fs::hard_link(tree.path("root/secret"), tree.path("srv/app/hard")).unwrap();
    for path in ["link", "dirlink", "dir", "dir/secret", "file"] {
        tree.give(&format!("srv/app/{path}"));
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let app = tree.path("srv/app");
            let exchange = |one: &str, two: &str| {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                let cwd = rustix::fs::CWD;
                let _ = rustix::fs::renameat_with(cwd, app.join(one), cwd, app.join(two), flags);
            };
            while !over.load(Ordering::Relaxed) {
                exchange("file", "link");
                exchange("file", "hard");
                exchange("dir", "dirlink");
            }
        });
        let mut read = 0;
        for _ in 0..rounds {
            for path in ["/srv/app/file", "/srv/app/dir/secret"] {
                if let Ok(text) = tree.0.read(path) {
                    assert_eq!(text, "harmless", "{path}");
                    read += 1;
                }
            }
        }
        over.store(true, Ordering::Relaxed);
        assert!(read > 0, "nothing was read at all");
    });
}

#[test]
fn l7_our_own_files_are_ours() {
    let tree = Tree::new("own");
    fs::create_dir_all(tree.path("var/lib")).unwrap();
    let system = &tree.0;
    own::append_line(system, "/var/lib/opsctl", "/var/lib/opsctl/a.jsonl", &1).unwrap();
    fs::write(tree.path("var/lib/opsctl/a.jsonl"), "1\n{\"torn").unwrap();
    own::append_line(system, "/var/lib/opsctl", "/var/lib/opsctl/a.jsonl", &2).unwrap();
    assert_eq!(system.read("/var/lib/opsctl/a.jsonl").unwrap(), "1\n{\"torn\n2\n");
    own::write_new(system, "/var/lib/opsctl/new", b"x", 0o640).unwrap();
    own::rename(system, "/var/lib/opsctl/new", "/var/lib/opsctl/now").unwrap();
    assert_eq!(system.metadata("/var/lib/opsctl/now").unwrap().permissions().mode() & 0o777, 0o640);
    own::remove(system, "/var/lib/opsctl/now").unwrap();
    own::remove(system, "/var/lib/opsctl/now").unwrap();
    own::remove(system, "/var/lib/none/now").unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, tree.path("var/lib/opsctl/f"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .unwrap();
    symlink("/root/secret", tree.path("var/lib/opsctl/l")).unwrap();
    fs::hard_link(tree.path("root/secret"), tree.path("var/lib/opsctl/h")).unwrap();
    for name in ["f", "l", "h"] {
        let path = format!("/var/lib/opsctl/{name}");
        assert!(own::open(system, &path, Access::Update).is_err(), "{name}");
        assert!(own::append_line(system, "/var/lib/opsctl", &path, &1).is_err(), "{name}");
    }
    assert_eq!(system.read("/root/secret").unwrap(), "hunter2");
    // A directory that was there before us, and others can write to, or that is a link.
    fs::create_dir(tree.path("var/lib/open")).unwrap();
    fs::set_permissions(tree.path("var/lib/open"), fs::Permissions::from_mode(0o777)).unwrap();
    symlink("opsctl", tree.path("var/lib/link")).unwrap();
    for name in ["open", "link"] {
        assert!(own::directory(system, &format!("/var/lib/{name}")).is_err(), "{name}");
        assert!(own::append_line(system, &format!("/var/lib/{name}"), &format!("/var/lib/{name}/x"), &1).is_err());
    }
    if is_root() {
        for change in [own::write_new(system, "/srv/app/x", b"x", 0o600), own::remove(system, "/srv/app/x")] {
            assert!(change.unwrap_err().to_string().contains("users other than root can change its directory"));
        }
    }
}

#[test]
#[ignore = "needs root"]
fn l10_whoever_wrote_a_configuration_is_who_it_is_read_as() {
    assert!(is_root(), "needs root");
    let tree = Tree::new("author");
    for (path, owner) in [("etc/root's", 0), ("etc/theirs", APP), ("srv/app/root's", 0), ("srv/app/theirs", APP)] {
        fs::write(tree.path(path), "x").unwrap();
        chown(tree.path(path), Some(owner), Some(owner)).unwrap();
    }
    let author = |path: &str| tree.0.author(path).map(|author| author.map(|account| account.name));
    assert_eq!(author("/etc/root's").unwrap(), None);
    for path in ["/etc/theirs", "/srv/app/root's", "/srv/app/theirs"] {
        assert_eq!(author(path).unwrap().as_deref(), Some("app"), "{path}");
    }
    fs::set_permissions(tree.path("etc/root's"), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(author("/etc/root's").is_err());
    chown(tree.path("etc/theirs"), Some(4343), None).unwrap();
    assert!(author("/etc/theirs").unwrap_err().to_string().contains("does not exist on this host"));
}

#[test]
fn the_kernel_s_files_belong_to_nobody_else() {
    let system = System::real();
    assert!(!system.host_name().is_empty());
    let pids = system.processes();
    assert!(pids.contains(&std::process::id()) && pids.contains(&1));
    assert!(system.process_started(1).is_some());
    assert!(system.sockets_of(std::process::id()).is_some());
    assert!(system.read("/proc/self/status").unwrap().contains("Uid:"));
    assert!(system.read("/proc/net/tcp").is_ok());
}

/// The kernel answers for the user, so that modes, owners, groups and directories above all count.
#[test]
fn what_keeps_a_user_from_a_path_is_named() {
    use super::reach::Use;

    let tree = Tree::new("reach");
    fs::write(tree.path("srv/app/.env"), "A=1").unwrap();
    if !tree.0.is_root() {
        let denied = tree.0.barred("/srv/app/.env", APP, APP, Use::Read).unwrap_err();
        return assert_eq!(denied.kind(), ErrorKind::PermissionDenied);
    }
    let bars = |path: &str, wanted| tree.0.barred(path, APP, APP, wanted).unwrap();
    let mode = |path: &str, mode| fs::set_permissions(tree.path(path), fs::Permissions::from_mode(mode)).unwrap();
    let env = "/srv/app/.env";
    mode(env.trim_start_matches('/'), 0o600);
    assert_eq!(bars(env, Use::Read).as_deref(), Some(env));
    tree.give("srv/app/.env");
    assert_eq!((bars(env, Use::Read), bars(env, Use::ReadWrite)), (None, None));
    assert_eq!(bars(env, Use::Execute).as_deref(), Some(env));
    // Of root, and the user is in its group.
    chown(tree.path("srv/app/.env"), Some(0), Some(50)).unwrap();
    mode("srv/app/.env", 0o640);
    assert_eq!(bars(env, Use::Read), None);
    assert_eq!(bars(env, Use::ReadWrite).as_deref(), Some(env));
    mode("srv", 0o700);
    assert_eq!(bars(env, Use::Read).as_deref(), Some("/srv"));
    assert_eq!(bars("/root/none", Use::Read), None);
    // Root again, in this thread and in all others.
    assert!(tree.0.read("/root/secret").is_ok());
}

#[expect(clippy::unnecessary_wraps, reason = "as it is called")]
fn added(old: &[u8]) -> Result<Option<Vec<u8>>, String> {
    Ok(Some([old, b"new\n"].concat()))
}

#[test]
fn an_edited_file_keeps_its_mode_and_the_old_one() {
    let tree = Tree::new("edit");
    fs::write(tree.path("root/env"), "old\n").unwrap();
    fs::set_permissions(tree.path("root/env"), fs::Permissions::from_mode(0o640)).unwrap();
    // What a call that was killed left.
    fs::write(tree.path("root/env.opsctl-new"), "half").unwrap();
    let read = |name: &str| fs::read_to_string(tree.path(name)).unwrap();
    for (text, kept) in [("old\nnew\n", "old\n"), ("old\nnew\nnew\n", "old\nnew\n")] {
        assert!(tree.0.edit("/root/env", added).unwrap());
        assert_eq!((read("root/env").as_str(), read("root/env.opsctl-old").as_str()), (text, kept));
        assert_eq!(fs::metadata(tree.path("root/env")).unwrap().permissions().mode() & 0o7777, 0o640);
        assert!(!tree.path("root/env.opsctl-new").exists());
    }
    fs::write(tree.path("root/env.opsctl-new"), "half").unwrap();
    assert!(!tree.0.edit("/root/env", |_| Ok(None)).unwrap());
    assert!(!tree.path("root/env.opsctl-new").exists());
    assert!(!tree.0.edit("/root/env", |old| Ok(Some(old.to_vec()))).unwrap());
    assert_eq!(tree.0.edit("/root/env", |_| Err("no".to_owned())).unwrap_err().to_string(), "no");
    assert_eq!(read("root/env.opsctl-old"), "old\nnew\n");
    fs::set_permissions(tree.path("srv/app"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(tree.path("srv/app/env"), "x").unwrap();
    if fs::metadata(tree.path("srv/app")).unwrap().uid() != APP {
        assert!(tree.0.edit("/srv/app/env", added).unwrap_err().to_string().contains("several users"));
    }
}

#[test]
#[ignore = "needs root"]
fn a_file_of_a_user_is_edited_as_that_user() {
    assert!(is_root(), "needs root");
    let tree = Tree::new("edit-user");
    fs::write(tree.path("srv/app/env"), "old\n").unwrap();
    fs::write(tree.path("srv/app/roots"), "old\n").unwrap();
    tree.give("srv/app/env");
    assert!(tree.0.edit("/srv/app/env", added).unwrap());
    let owner = |name: &str| fs::metadata(tree.path(name)).unwrap().uid();
    assert_eq!((owner("srv/app/env"), owner("srv/app/env.opsctl-old")), (APP, APP));
    // A file of root's in the user's directory could be exchanged at any time.
    assert!(tree.0.edit("/srv/app/roots", added).unwrap_err().to_string().contains("either could exchange it"));
    // A name that the user gave a file of root's, and a link to it.
    fs::hard_link(tree.path("root/secret"), tree.path("srv/app/hard")).unwrap();
    symlink("/root/secret", tree.path("srv/app/link")).unwrap();
    for planted in ["/srv/app/hard", "/srv/app/link"] {
        assert!(tree.0.edit(planted, added).is_err(), "{planted}");
    }
    assert_eq!(fs::read_to_string(tree.path("root/secret")).unwrap(), "hunter2");
    // Names in the way are removed as the user, never followed.
    symlink("/root/secret", tree.path("srv/app/env.opsctl-new")).unwrap();
    fs::remove_file(tree.path("srv/app/env.opsctl-old")).unwrap();
    symlink("/root/secret", tree.path("srv/app/env.opsctl-old")).unwrap();
    assert!(tree.0.edit("/srv/app/env", added).unwrap());
    assert_eq!(fs::read_to_string(tree.path("root/secret")).unwrap(), "hunter2");
    assert_eq!(fs::read_to_string(tree.path("srv/app/env")).unwrap(), "old\nnew\nnew\n");
}
