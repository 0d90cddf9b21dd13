//! Applications of pm2, of each user that has a daemon: by the environment that pm2 gives their processes, and by the list that it
//! starts again at boot. No daemon is asked, so none is started.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use serde::Deserialize;

use crate::host::system::System;
use crate::host::tools::pm2;
use crate::host::trouble::Trouble;

/// Where a daemon keeps the list of what it starts at boot, below its `PM2_HOME`.
const SAVED: &str = "dump.pm2";

/// What the daemons of this host show.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Apps {
    /// Applications.
    pub apps: Vec<App>,
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
    /// `PORT` of its environment.
    pub port: Option<u16>,
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
        let Some(home) = line.strip_prefix(pm2::DAEMON_NAME).and_then(|rest| rest.split_once("God Daemon (")) else { continue };
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
            found.apps.extend(of_daemon(system, pid, &user, home, &mut found.trouble));
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
        port: None,
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
        let variable = |key: &str| text.split('\0').find_map(|it| it.strip_prefix(key)?.strip_prefix('='));
        let Some(name) = variable("name").filter(|_| variable("pm_id").is_some()) else { continue };
        let one = found.entry(name.to_owned()).or_insert_with(|| app(name));
        one.pids.push(pid);
        one.port = variable("PORT").and_then(|port| port.parse().ok());
        if let Some(directory) = variable("pm_cwd") {
            one.directory = Some(directory.to_owned());
        }
        one.memory_restart_bytes = variable("max_memory_restart").and_then(|it| it.parse().ok()).or(one.memory_restart_bytes);
        if variable("exec_mode") == Some("cluster_mode") {
            *running.entry(name.to_owned()).or_default() += 1;
        }
    }
    for (name, count) in running {
        if let Some(one) = found.get_mut(&name) {
            one.cluster = Some(count);
        }
    }
    found.into_values().collect()
}
