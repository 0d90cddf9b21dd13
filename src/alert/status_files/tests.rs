//! What prim's own health check wrote, in its format.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::PathBuf;

use super::*;
use crate::host::system::System;
use crate::registry::{DEPLOYMENTS, Origin, State};

const PRIM: u32 = 4242;

fn service(name: &str, verdict: Verdict) -> ServiceHealth {
    ServiceHealth {
        name: name.to_owned(),
        origin: Origin::Stated,
        manager: None,
        unit: None,
        verdict,
        state: State::Running,
        health: None,
        since: None,
        restarts: None,
        pid: None,
        memory_bytes: None,
        port: None,
        endpoint: None,
        severity: String::new(),
        respond: String::new(),
        summary: String::new(),
        note: None,
        cause: None,
        dependants: Vec::new(),
        port_owner: None,
        on_purpose: None,
        checks: Vec::new(),
    }
}

fn states(services: &[ServiceHealth]) -> Vec<(String, Option<bool>)> {
    contents(services, DEPLOYMENTS[0]).into_iter().map(|host| (host.file_name(), host.up)).collect()
}

#[test]
fn a_host_is_up_down_or_unknown_as_its_service_is() {
    let one = |verdict| states(&[service("wallet", verdict)]);
    let file = |up| [("wallet-prim-sh.status".to_owned(), up)];
    assert_eq!(one(Verdict::Pass), file(Some(true)));
    assert_eq!(one(Verdict::Warn), file(Some(true)));
    assert_eq!(one(Verdict::Fail), file(Some(false)));
    assert_eq!(one(Verdict::Unknown), file(None));
    // What has no public name has no file, and neither has what is not on this host.
    assert_eq!(states(&[service("qdrant", Verdict::Fail)]), []);
}

#[test]
fn nobody_comes_past_an_edge_that_is_down() {
    let through =
        |edge| states(&[service("wallet", Verdict::Pass), service("store", Verdict::Fail), service("caddy", edge)]);
    let files = |store, wallet| {
        [("store-prim-sh.status".to_owned(), store), ("wallet-prim-sh.status".to_owned(), wallet)].to_vec()
    };
    assert_eq!(through(Verdict::Pass), files(Some(false), Some(true)));
    assert_eq!(through(Verdict::Unknown), files(Some(false), None));
    assert_eq!(through(Verdict::Fail), files(Some(false), Some(false)));
}

/// A host with prim's directories, owned by its user where the test may do that.
struct Host(System, PathBuf);

impl Host {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("opsctl-status-files-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        for made in ["etc", "var/lib/prim", "var/log"] {
            fs::create_dir_all(dir.join(made)).unwrap();
        }
        let passwd = format!("root:x:0:0::/root:/bin/sh\nprim:x:{PRIM}:{PRIM}::/home/prim:/bin/sh\n");
        fs::write(dir.join("etc/passwd"), passwd).unwrap();
        fs::write(dir.join("etc/group"), format!("prim:x:{PRIM}:\n")).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        if is_root() {
            chown(dir.join("var/lib/prim"), Some(PRIM), Some(PRIM)).unwrap();
        }
        Host(System { root: dir.clone(), ..System::real() }, dir)
    }

    fn write(&self, wallet: Option<bool>) -> Vec<String> {
        let files = DEPLOYMENTS[0].status_files.unwrap();
        let hosts =
            [PublicHost { name: "store.prim.sh", up: Some(true) }, PublicHost { name: "wallet.prim.sh", up: wallet }];
        write(&self.0, &files, &hosts, "2026-11-22T05:30:00.25Z".parse().unwrap())
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.1.join(path)).unwrap_or_default()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.1);
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

const WALLET: &str = "var/lib/prim/health/wallet-prim-sh.status";
const LOG: &str = "var/log/prim-health.log";

#[test]
fn files_follow_the_state_and_the_log_its_changes() {
    let host = Host::new("states");
    assert_eq!(host.write(Some(true)), Vec::<String>::new());
    assert_eq!((host.read(WALLET).as_str(), host.read(LOG).as_str()), ("up\n", ""));
    for _ in 0..2 {
        assert!(host.write(Some(false)).is_empty());
    }
    // Unknown is neither.
    assert!(host.write(None).is_empty());
    assert_eq!(host.read(WALLET), "down\n");
    assert!(host.write(Some(true)).is_empty());
    assert_eq!(host.read(WALLET), "up\n");
    let lines = "2026-11-22T05:30:00Z wallet.prim.sh down\n2026-11-22T05:30:00Z wallet.prim.sh up\n";
    assert_eq!(host.read(LOG), lines);
    let file = fs::metadata(host.1.join(WALLET)).unwrap();
    assert_eq!(file.mode() & 0o7777, 0o644);
    if is_root() {
        assert_eq!(file.uid(), PRIM);
        assert_eq!(fs::metadata(host.1.join("var/lib/prim/health")).unwrap().uid(), PRIM);
        assert_eq!(fs::metadata(host.1.join(LOG)).unwrap().uid(), 0);
    }
    assert_eq!(fs::read_dir(host.1.join("var/lib/prim/health")).unwrap().count(), 2);
}

#[test]
fn a_file_of_an_earlier_check_of_root_s_is_taken_over() {
    let host = Host::new("earlier");
    fs::create_dir(host.1.join("var/lib/prim/health")).unwrap();
    if is_root() {
        chown(host.1.join("var/lib/prim/health"), Some(PRIM), Some(PRIM)).unwrap();
    }
    fs::write(host.1.join(WALLET), "up\n").unwrap();
    fs::write(host.1.join(LOG), "2026-11-22T05:25:01Z store.prim.sh down\n").unwrap();
    assert_eq!(host.write(Some(false)), Vec::<String>::new());
    assert_eq!(host.read(WALLET), "down\n");
    assert_eq!(host.read(LOG).lines().count(), 2);
}

#[test]
fn what_the_user_planted_leads_nowhere() {
    let host = Host::new("planted");
    let health = host.1.join("var/lib/prim/health");
    fs::write(host.1.join("etc/secret"), "root's\n").unwrap();
    // A file that leads to one of root's.
    fs::create_dir(&health).unwrap();
    symlink("../../../../etc/secret", host.1.join(WALLET)).unwrap();
    if is_root() {
        chown(&health, Some(PRIM), Some(PRIM)).unwrap();
    }
    let problems = host.write(Some(false));
    assert!(problems.len() == 1 && problems[0].contains("is a symbolic link"), "{problems:?}");
    // A temp file that does.
    fs::remove_file(host.1.join(WALLET)).unwrap();
    symlink("../../../../etc/secret", health.join("wallet-prim-sh.status.opsctl-new")).unwrap();
    let problems = host.write(Some(false));
    assert_eq!(problems.len(), 1, "{problems:?}");
    // The directory itself.
    fs::remove_dir_all(&health).unwrap();
    symlink("../../../etc", &health).unwrap();
    if is_root() {
        std::os::unix::fs::lchown(&health, Some(PRIM), Some(PRIM)).unwrap();
        let problems = host.write(Some(false));
        assert!(problems.len() == 1 && problems[0].contains("it is not followed"), "{problems:?}");
    }
    // The log is another file under a second name.
    fs::remove_file(&health).unwrap();
    fs::hard_link(host.1.join("etc/secret"), host.1.join(LOG)).unwrap();
    let problems = host.write(Some(false));
    assert!(problems.len() == 1 && problems[0].contains("has other names"), "{problems:?}");
    assert_eq!(host.read("etc/secret"), "root's\n");
}

/// As on Ubuntu, where the group syslog can change `/var/log`.
#[test]
fn the_log_is_added_to_where_a_group_can_change_its_directory() {
    let host = Host::new("group");
    let log = host.1.join("var/log");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o775)).unwrap();
    if is_root() {
        chown(&log, Some(0), Some(PRIM)).unwrap();
    }
    assert_eq!(host.write(Some(false)), Vec::<String>::new());
    assert_eq!(host.read(LOG), "2026-11-22T05:30:00Z wallet.prim.sh down\n");
    // What its members put there is not followed.
    fs::write(host.1.join("etc/secret"), "root's\n").unwrap();
    fs::remove_file(host.1.join(LOG)).unwrap();
    symlink("../../etc/secret", host.1.join(LOG)).unwrap();
    assert_eq!(host.write(Some(true)).len(), 1);
    assert_eq!(host.read("etc/secret"), "root's\n");
}

#[test]
fn without_prim_s_directory_nothing_is_made() {
    let host = Host::new("missing");
    fs::remove_dir(host.1.join("var/lib/prim")).unwrap();
    let problems = host.write(Some(false));
    assert_eq!(problems, ["/var/lib/prim/health: the directory above it does not exist"]);
    assert!(!host.1.join("var/lib/prim").exists());
}

#[test]
fn a_directory_of_several_is_refused() {
    let host = Host::new("several");
    fs::set_permissions(host.1.join("var/lib/prim"), fs::Permissions::from_mode(0o777)).unwrap();
    if is_root() {
        chown(host.1.join("var/lib/prim"), Some(0), Some(0)).unwrap();
    }
    let problems = host.write(Some(false));
    assert_eq!(problems, ["/var/lib/prim/health: several users can change its directory"]);
}
