//! Applications of pm2, of each user that has a daemon: by the environment that pm2 gives their processes, and by the list that it
//! starts again at boot. No daemon is asked, so none is started.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;

use serde::Deserialize;

use super::units::local_ports;
use crate::host::system::System;
use crate::host::tools::pm2;
use crate::host::trouble::Trouble;

/// Where a daemon keeps the list of what it starts at boot, below its `PM2_HOME`.
const SAVED: &str = "dump.pm2";

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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The env file in its directory.
    pub env: Option<String>,
    /// Its daemon.
    pub daemon: u32,
}

#[derive(Deserialize)]
struct Saved {
    name: String,
    #[serde(default)]
    exec_mode: String,
    #[serde(default)]
    pm_cwd: Option<String>,
    #[serde(default)]
    max_memory_restart: Option<u64>,
}

/// Looks for daemons and their applications.
pub(super) fn list(system: &System) -> Apps {
    let mut found = Apps::default();
    for (pid, words) in system.command_lines() {
        // `PM2 v6.0.8: God Daemon (/home/shop/.pm2)`
        let line = words.join(" ");
        let Some(home) = line.strip_prefix(pm2::DAEMON_NAME).and_then(|rest| rest.split_once("God Daemon (")) else {
            continue;
        };
        let Some(home) = home.1.trim_end().strip_suffix(')').filter(|home| home.starts_with('/')) else { continue };
        // Everybody may call a program so: the home must be that of who runs it.
        let Some(uid) = system.metadata(format!("/proc/{pid}")).ok().map(|meta| meta.uid()) else { continue };
        let own = match system.metadata(home) {
            Ok(meta) => meta.uid() == uid && meta.is_dir(),
            Err(error) => {
                if error.kind() == std::io::ErrorKind::PermissionDenied {
                    found.trouble = Some(Trouble::NeedsRoot("to see the applications of another user's pm2"));
                }
                false
            }
        };
        let Some(user) = system.account(|account| account.uid == uid).map(|account| account.name) else { continue };
        if own {
            found.daemons.push(pid);
            found.all.extend(of_daemon(system, pid, &user, home, &mut found.trouble));
        }
    }
    found
}

fn of_daemon(system: &System, daemon: u32, user: &str, home: &str, trouble: &mut Option<Trouble>) -> Vec<App> {
    let mut found: BTreeMap<String, App> = BTreeMap::new();
    let app = |name: &str| App {
        name: name.to_owned(),
        user: user.to_owned(),
        home: home.to_owned(),
        cluster: None,
        memory_restart_bytes: None,
        directory: None,
        pids: Vec::new(),
        ports: BTreeSet::new(),
        named_ports: BTreeSet::new(),
        env: None,
        daemon,
    };
    match system.read(format!("{home}/{SAVED}")) {
        Ok(text) => {
            for saved in serde_json::from_str::<Vec<Saved>>(&text).unwrap_or_default() {
                let one = found.entry(saved.name.clone()).or_insert_with(|| app(&saved.name));
                if saved.exec_mode == "cluster_mode" {
                    one.cluster = Some(one.cluster.unwrap_or_default().saturating_add(1));
                }
                one.directory = saved.pm_cwd;
                one.memory_restart_bytes = saved.max_memory_restart;
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => *trouble = Some(Trouble::from_io(&error)),
    }
    let children: Vec<u32> =
        system.processes().into_iter().filter(|pid| system.parent_of(*pid) == Some(daemon)).collect();
    let environments = system.read_of(&children, "environ");
    if environments.len() < children.len() && !system.is_root() {
        *trouble = Some(Trouble::NeedsRoot("to see the applications of another user's pm2"));
    }
    let mut running: BTreeMap<String, u16> = BTreeMap::new();
    for (pid, text) in environments {
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
            one.named_ports.extend(local_ports(&format!("{key}={value}")));
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
    for one in found.values_mut() {
        let Some(directory) = &one.directory else { continue };
        for directory in up_to_the_repository(system, directory) {
            let path = format!("{directory}/.env");
            // What a file holds is not kept, only the ports that it names.
            if let Ok(text) = system.read(&path) {
                one.named_ports.extend(local_ports(&text));
                one.env = Some(path);
                break;
            }
        }
    }
    found.into_values().collect()
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
}
