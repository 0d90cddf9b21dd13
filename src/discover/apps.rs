//! Applications of pm2, of each user that has a daemon: by the environment that pm2 gives their processes, and by the list that it
//! starts again at boot. No daemon is asked, so none is started.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::time::Instant;

use serde::Deserialize;

use super::names::{is_plain_path, is_word};
use super::paths;
use super::units::local_ports;
use crate::host::system::System;
use crate::host::tools::cgroup::{self, Home};
use crate::host::tools::{pm2, procfs};
use crate::host::trouble::Trouble;

/// Where a daemon keeps the list of what it starts at boot, below its `PM2_HOME`.
const SAVED: &str = "dump.pm2";
/// How many applications are looked at. A host has some dozens; a user can make up any number.
const MOST: usize = 200;
/// How many ports that its environment names are kept of one.
const MOST_PORTS: usize = 64;

/// What the daemons of this host show.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Apps {
    /// Applications.
    pub all: Vec<App>,
    /// Daemons, by process id.
    pub daemons: Vec<u32>,
    /// Why there may be more.
    pub trouble: Option<Trouble>,
}

/// An application.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct App {
    /// Its name.
    pub name: String,
    /// Owner of the daemon.
    pub user: String,
    /// `PM2_HOME`.
    pub home: String,
    /// How many processes in cluster mode.
    pub cluster: Option<u16>,
    /// `max_memory_restart`, bytes.
    pub memory_restart_bytes: Option<u64>,
    /// Its directory.
    pub directory: Option<String>,
    /// Its processes.
    pub pids: Vec<u32>,
    /// Ports at which its environment says to listen: `PORT`, `API_PORT`.
    pub ports: BTreeSet<u16>,
    /// Ports of this host that its environment names.
    pub named_ports: BTreeSet<u16>,
    /// Paths at which somebody listens, and which its environment or env file names.
    pub named_paths: BTreeSet<String>,
    /// The env file in its directory.
    pub env: Option<String>,
    /// Its daemon.
    pub daemon: u32,
}

impl App {
    /// Whether every word of it can be handed to a tool; its user chose all of them but the own name.
    pub(super) fn is_plain(&self) -> bool {
        // To pm2 these mean every application, and the one of that number.
        let is_special = self.name == "all" || self.name.chars().all(|c| c.is_ascii_digit());
        is_word(&self.name) && !is_special && is_word(&self.user) && is_plain_path(&self.home)
    }
}

/// What pm2 saves of an application, as far as it counts. Only the name must be there: a user can write anything.
#[derive(Deserialize)]
struct Saved {
    name: String,
    #[serde(default)]
    exec_mode: serde_json::Value,
    #[serde(default)]
    pm_cwd: serde_json::Value,
    #[serde(default)]
    max_memory_restart: serde_json::Value,
}

/// A daemon that is what it is called.
struct Daemon<'a> {
    pid: u32,
    uid: u32,
    user: &'a str,
    home: &'a str,
}

/// Looks for daemons and their applications, as long as there is time.
pub(super) fn list(
    system: &System,
    names: &BTreeMap<u32, String>,
    paths: &BTreeMap<u64, String>,
    until: Instant,
) -> Apps {
    let listening = &paths.values().map(String::as_str).collect();
    let mut found = Apps::default();
    let named = names.iter().filter(|(_, name)| name.starts_with(pm2::DAEMON_NAME));
    let named: Vec<u32> = named.map(|(pid, _)| *pid).collect();
    if named.is_empty() {
        return found;
    }
    let pids: Vec<u32> = names.keys().copied().collect();
    let stats = system.read_of(&pids, "stat").into_iter();
    let parents: BTreeMap<u32, u32> = stats.filter_map(|(pid, stat)| Some((pid, procfs::parent(&stat)?))).collect();
    let mut homes = BTreeSet::new();
    // One by one: what a process calls itself may be as long as it likes.
    for pid in named {
        if Instant::now() > until || found.all.len() > MOST {
            found.trouble = Some(Trouble::Failed("there are too many daemons to read all".to_owned()));
            break;
        }
        let Some(home) = one_text(system, pid, "cmdline").and_then(|line| home(&line)) else { continue };
        let status = one_text(system, pid, "status").unwrap_or_default();
        let group = one_text(system, pid, "cgroup").unwrap_or_default();
        if matches!(cgroup::home(&group), Home::Container(_)) {
            continue;
        }
        // Everybody may call a program so: the home must be that of who runs it.
        let Some(uid) = owner(&status) else { continue };
        let own = match system.metadata(&home) {
            Ok(meta) => meta.uid() == uid && meta.is_dir(),
            Err(error) => {
                if error.kind() == std::io::ErrorKind::PermissionDenied {
                    found.trouble = Some(Trouble::NeedsRoot("to see the applications of another user's pm2"));
                }
                false
            }
        };
        let Some(user) = system.account(|account| account.uid == uid).map(|account| account.name) else { continue };
        if own && homes.insert(home.clone()) {
            found.daemons.push(pid);
            let children = parents.iter().filter(|(_, parent)| **parent == pid).map(|(child, _)| *child).collect();
            let daemon = Daemon { pid, uid, user: &user, home: &home };
            found.all.extend(of_daemon(system, &daemon, children, listening, until, &mut found.trouble));
        }
    }
    found
}

/// A file of one process.
fn one_text(system: &System, pid: u32, name: &str) -> Option<String> {
    system.read_of(&[pid], name).pop().map(|(_, text)| text)
}

/// `PM2_HOME` in the name that a daemon gives itself: `PM2 v6.0.8: God Daemon (/home/shop/.pm2)`.
fn home(line: &str) -> Option<String> {
    let line = line.replace('\0', " ");
    let (_, home) = line.strip_prefix(pm2::DAEMON_NAME)?.split_once("God Daemon (")?;
    let home = home.trim_end().strip_suffix(')')?;
    is_plain_path(home).then(|| home.to_owned())
}

/// Who runs a process, out of `/proc/PID/status`: the owner of `/proc/PID` is root as soon as a process asks not to be dumped.
/// `None` of one that changes its user, or that is in a PID namespace of its own, where paths and users mean something else.
fn owner(status: &str) -> Option<u32> {
    let words = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::split_whitespace);
    if words("NSpid:").is_some_and(|pids| pids.count() > 1) {
        return None;
    }
    let uids: Vec<u32> = words("Uid:")?.map_while(|word| word.parse().ok()).collect();
    uids.first().copied().filter(|uid| uids.len() == 4 && uids.iter().all(|other| other == uid))
}

fn of_daemon(
    system: &System,
    daemon: &Daemon<'_>,
    children: Vec<u32>,
    listening: &BTreeSet<&str>,
    until: Instant,
    trouble: &mut Option<Trouble>,
) -> Vec<App> {
    let mut found: BTreeMap<String, App> = BTreeMap::new();
    let home = daemon.home;
    let app = |name: &str| App {
        name: name.to_owned(),
        user: daemon.user.to_owned(),
        home: home.to_owned(),
        daemon: daemon.pid,
        ..App::default()
    };
    match system.read(format!("{home}/{SAVED}")) {
        Ok(text) => match saved(&text) {
            Some(all) => {
                for saved in all {
                    let one = found.entry(saved.name.clone()).or_insert_with(|| app(&saved.name));
                    if saved.exec_mode.as_str() == Some("cluster_mode") {
                        one.cluster = Some(one.cluster.unwrap_or_default().saturating_add(1));
                    }
                    one.directory = saved.pm_cwd.as_str().map(str::to_owned);
                    one.memory_restart_bytes = saved.max_memory_restart.as_u64();
                }
            }
            None => *trouble = Some(Trouble::Failed(format!("{SAVED} of {} cannot be read", daemon.user))),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => *trouble = Some(Trouble::from_io(&error)),
    }
    let mut running: BTreeMap<String, u16> = BTreeMap::new();
    for pid in children {
        if Instant::now() > until {
            *trouble = Some(Trouble::Failed("there are too many processes to read all".to_owned()));
            break;
        }
        // One by one: an environment may be as large as its process likes.
        let Some(text) = one_text(system, pid, "environ") else {
            if !system.is_root() {
                *trouble = Some(Trouble::NeedsRoot("to see the applications of another user's pm2"));
            }
            continue;
        };
        let Some(environment) = environment(&text) else { continue };
        let variable = |key: &str| environment.get(key).map(String::as_str);
        let Some(name) = variable("name").filter(|_| variable("pm_id").is_some()) else { continue };
        let one = found.entry(name.to_owned()).or_insert_with(|| app(name));
        one.pids.push(pid);
        one.directory = variable("pm_cwd").map(str::to_owned).or(one.directory.take());
        one.memory_restart_bytes =
            variable("max_memory_restart").and_then(|it| it.parse().ok()).or(one.memory_restart_bytes);
        for (key, value) in &environment {
            one.ports.extend(value.parse::<u16>().ok().filter(|_| key == "PORT" || key.ends_with("_PORT")));
            let left = MOST_PORTS.saturating_sub(one.named_ports.len());
            let text = format!("{key}={value}");
            one.named_ports.extend(local_ports(&text).into_iter().take(left));
            let left = MOST_PORTS.saturating_sub(one.named_paths.len());
            one.named_paths.extend(paths::named(&text, listening).into_iter().take(left));
        }
        if variable("exec_mode") == Some("cluster_mode") {
            *running.entry(name.to_owned()).or_default() += 1;
        }
    }
    for (name, count) in running {
        if let Some(one) = found.get_mut(&name) {
            one.cluster = Some(count);
        }
    }
    if found.len() > MOST {
        *trouble = Some(Trouble::Failed(format!("{} has too many applications to read all", daemon.user)));
    }
    let mut found: Vec<App> = found.into_values().take(MOST).collect();
    for one in &mut found {
        let Some(directory) = &one.directory else { continue };
        // The user chose the path: root reads for them only what is theirs.
        let is_theirs =
            |path: &str| system.metadata(path).is_ok_and(|meta| daemon.uid == 0 || meta.uid() == daemon.uid);
        let paths = up_to_the_repository(system, directory).into_iter().map(|directory| format!("{directory}/.env"));
        for path in paths.filter(|path| is_plain_path(path)) {
            if Instant::now() > until {
                break;
            }
            // What a file holds is not kept, only the ports and sockets that it names.
            if is_theirs(&path)
                && let Ok(text) = system.read(&path)
            {
                one.named_ports.extend(local_ports(&text).into_iter().take(MOST_PORTS));
                one.named_paths.extend(paths::named(&text, listening).into_iter().take(MOST_PORTS));
                one.env = Some(path);
                break;
            }
        }
    }
    found
}

/// The list of what is started at boot; what has no name is left out.
fn saved(text: &str) -> Option<Vec<Saved>> {
    let all: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
    Some(all.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
}

/// A directory, and where it is a part of a repository, those above it down from the repository's own.
fn up_to_the_repository<'p>(system: &System, directory: &'p str) -> Vec<&'p str> {
    let above: Vec<&str> = std::iter::successors(Some(directory), |path| Some(path.rsplit_once('/')?.0)).collect();
    let is_repository = |path: &&str| !path.is_empty() && system.exists(format!("{path}/.git"));
    let last = above.iter().position(is_repository).unwrap_or(0);
    above.into_iter().take(last + 1).collect()
}

/// What pm2 gave a process: in cluster mode as one JSON document. Values may be secrets and are not kept.
fn environment(text: &str) -> Option<BTreeMap<String, String>> {
    let words = || text.split('\0').filter_map(|word| word.split_once('='));
    let Some((_, json)) = words().find(|(key, _)| *key == "pm2_env") else {
        return Some(words().map(|(key, value)| (key.to_owned(), value.to_owned())).collect());
    };
    let all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).ok()?;
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let mut found: BTreeMap<String, String> =
        all.into_iter().filter_map(|(key, value)| Some((key, text(value)?))).collect();
    // Which one it is, a process learns beside it.
    if let Some((_, id)) = words().find(|(key, _)| *key == "NODE_APP_INSTANCE" || *key == "NODE_UNIQUE_ID") {
        found.entry("pm_id".to_owned()).or_insert_with(|| id.to_owned());
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_modes_of_pm2_say_which_application_a_process_is_of() {
        let of = |text: &str| environment(text).unwrap_or_default();
        let fork = of("name=api\0pm_id=3\0PORT=4000\0PATH=/bin\0odd\0");
        assert_eq!((fork["name"].as_str(), fork["PORT"].as_str()), ("api", "4000"));
        let cluster =
            of("PATH=/bin\0pm2_env={\"name\":\"web\",\"PORT\":3000,\"env\":{},\"pm_id\":1}\0NODE_UNIQUE_ID=7\0");
        assert_eq!(
            (cluster["name"].as_str(), cluster["PORT"].as_str(), cluster["pm_id"].as_str()),
            ("web", "3000", "1")
        );
        assert_eq!(environment("pm2_env={cut"), None);
    }

    #[test]
    fn a_daemon_is_whose_its_user_ids_are() {
        let status = |uids: &str, more: &str| owner(&format!("Name:\tPM2\nUid:\t{uids}\n{more}"));
        assert_eq!(status("1000\t1000\t1000\t1000", ""), Some(1000));
        assert_eq!(status("1000\t1000\t1000\t1000", "NSpid:\t77\n"), Some(1000));
        // Of a container, whose root is not this host's.
        assert_eq!(status("0\t0\t0\t0", "NSpid:\t77\t1\n"), None);
        assert_eq!(status("1000\t0\t0\t0", ""), None);
        assert_eq!(status("0\t0\t0", ""), None);
        assert_eq!((owner(""), owner("Uid:\tx\n")), (None, None));
    }

    #[test]
    fn a_home_is_a_plain_path() {
        assert_eq!(home("PM2 v6.0.8: God Daemon (/home/shop/.pm2)\0\0"), Some("/home/shop/.pm2".to_owned()));
        for odd in ["relative", "/home/../etc", "/home/x\n/etc", "/home/\u{2028}", "/a  b", ""] {
            assert_eq!(home(&format!("PM2 v6.0.8: God Daemon ({odd})")), None, "{odd:?}");
        }
    }

    #[test]
    fn a_list_with_odd_entries_is_read_as_far_as_it_goes() {
        let text = r#"[{"name":"a","max_memory_restart":"300M","pm_cwd":7},{"name":3},null,{"name":"b","max_memory_restart":9}]"#;
        let names: Vec<String> = saved(text).unwrap().into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(saved(&"[".repeat(100_000)).is_none() && saved("{}").is_none());
    }

    #[test]
    fn what_a_user_makes_up_leads_root_nowhere() {
        use std::fs;
        use std::os::unix::fs::{chown, symlink};

        const USER: u32 = 54_321;
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let root = std::env::temp_dir().join(format!("opsctl-discover-apps-{}", std::process::id()));
        let daemon = |pid: u32, uid: u32, home: &str, group: &str| {
            let proc = root.join(format!("proc/{pid}"));
            fs::create_dir_all(&proc).unwrap();
            fs::write(proc.join("comm"), "PM2 v6.0.8: God\n").unwrap();
            fs::write(proc.join("cmdline"), format!("PM2 v6.0.8: God Daemon ({home})\0")).unwrap();
            fs::write(proc.join("status"), format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nNSpid:\t{pid}\n")).unwrap();
            fs::write(proc.join("cgroup"), format!("0::{group}\n")).unwrap();
            fs::write(proc.join("stat"), format!("{pid} (PM2) S 1 1 1\n")).unwrap();
        };
        let homes =
            ["home/shop/.pm2", "home/shop/link", "home/shop/pipe", "etc", "root/.pm2", "srv/secret", "home/shop/app"];
        for home in homes {
            fs::create_dir_all(root.join(home)).unwrap();
        }
        fs::write(
            root.join("etc/passwd"),
            format!("root:x:0:0::/root:/bin/sh\nshop:x:{USER}:{USER}::/home/shop:/bin/sh\n"),
        )
        .unwrap();
        fs::write(root.join("etc/dump.pm2"), r#"[{"name":"of-etc"}]"#).unwrap();
        fs::write(root.join("root/.pm2/dump.pm2"), r#"[{"name":"of-root"}]"#).unwrap();
        fs::write(root.join("srv/secret/.env"), "URL=localhost:99\n").unwrap();
        fs::write(root.join("home/shop/app/.env"), "URL=localhost:98\n").unwrap();
        let saved = r#"[{"name":"spy","pm_cwd":"/srv/secret"},{"name":"own","pm_cwd":"/home/shop/app"}]"#;
        fs::write(root.join("home/shop/.pm2/dump.pm2"), saved).unwrap();
        symlink("/root/.pm2/dump.pm2", root.join("home/shop/link/dump.pm2")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(root.join("home/shop/pipe/dump.pm2")).status();
        assert!(made.unwrap().success());
        for path in ["", "/.pm2", "/.pm2/dump.pm2", "/link", "/pipe", "/pipe/dump.pm2", "/app", "/app/.env"] {
            chown(root.join(format!("home/shop{path}")), Some(USER), Some(USER)).unwrap();
        }
        let session = "/user.slice/user-1000.slice/session-3.scope";
        daemon(10, USER, "/etc", session);
        daemon(11, USER, "/root/.pm2", session);
        daemon(12, USER, "/home/shop/link", session);
        daemon(13, USER, "/home/shop/pipe", session);
        daemon(14, USER, "/home/shop/.pm2", session);
        daemon(15, USER, "/home/shop/.pm2", session);
        daemon(16, 0, "/root/.pm2", &format!("/system.slice/docker-{}.scope", "a".repeat(64)));
        let system = System { root: root.clone(), ..System::real() };
        let found = list(
            &system,
            &system.process_names(),
            &BTreeMap::new(),
            Instant::now() + std::time::Duration::from_secs(20),
        );
        fs::remove_dir_all(&root).unwrap();
        let apps: Vec<_> =
            found.all.iter().map(|one| (one.name.as_str(), one.env.as_deref(), one.named_ports.len())).collect();
        assert_eq!(apps, [("own", Some("/home/shop/app/.env"), 1), ("spy", None, 0)]);
        assert_eq!(found.daemons, [12, 13, 14]);
        assert!(found.trouble.is_some());
    }
}
