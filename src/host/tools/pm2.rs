//! `pm2`: the applications of one user's daemon. pm2 starts a daemon whenever it finds none, so the caller looks for the
//! daemon first. `PM2_HOME` is all that it needs to know; from `$HOME/.node_modules` Node would load whatever optional module
//! lies there, so it is given no home. Applications keep the one that they were started with.

use jiff::Timestamp;
use serde::Deserialize;

use super::{Account, Argv, Malformed};

/// All applications of the daemon of `account`. `PM2_SILENT` keeps banners out of the answer.
pub fn jlist(account: Account, home: &str) -> Argv {
    Argv {
        account: Some(account),
        env: vec![("PM2_HOME", home.to_owned()), ("PM2_SILENT", "true".to_owned())],
        ..Argv::new("pm2", ["jlist"])
    }
}

/// `restart`, `reload`, `start` or `stop` of one application, with the environment that it was started with.
pub fn act(verb: &str, app: &str, account: Account, home: &str) -> Argv {
    Argv {
        account: Some(account),
        env: vec![("PM2_HOME", home.to_owned()), ("PM2_SILENT", "true".to_owned())],
        ..Argv::new("pm2", [verb, app]).finishes()
    }
}

/// Where a daemon writes its process id, below its `PM2_HOME`.
pub const PID_FILE: &str = "pm2.pid";

/// How the name of a daemon's process begins (`PM2 v7.0.4: God Daemon`).
pub const DAEMON_NAME: &str = "PM2";

/// One process of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub name: String,
    pub pid: Option<u32>,
    /// `online stopping stopped launching errored one-launch-status`.
    pub status: String,
    pub restarts: u32,
    /// Restarts that came too soon after a start.
    pub unstable: u32,
    pub started: Option<Timestamp>,
    pub memory_bytes: Option<u64>,
    pub exit_code: Option<i64>,
    pub cluster: bool,
    /// Where its standard output goes.
    pub out_log: Option<String>,
    /// Where its standard error goes.
    pub error_log: Option<String>,
    /// Where both go once more.
    pub both_log: Option<String>,
}

/// Parses the output of [`jlist`], which may have noise around the JSON array, `[` included.
///
/// # Errors
/// When no array of applications is found.
pub fn parse_jlist(text: &str) -> Result<Vec<Process>, Malformed> {
    // Environments hold secrets, so only these fields are read; the rest is never kept.
    #[derive(Deserialize)]
    struct Row {
        name: String,
        pid: Option<i64>,
        pm2_env: Env,
        monit: Option<Monit>,
    }
    #[derive(Deserialize)]
    struct Env {
        status: String,
        #[serde(default)]
        restart_time: u32,
        #[serde(default)]
        unstable_restarts: u32,
        pm_uptime: Option<i64>,
        exit_code: Option<i64>,
        exec_mode: Option<String>,
        pm_out_log_path: Option<String>,
        pm_err_log_path: Option<String>,
        pm_log_path: Option<String>,
    }
    #[derive(Deserialize)]
    struct Monit {
        memory: Option<u64>,
    }
    let rows = text
        .match_indices('[')
        .filter(|(at, _)| *at == 0 || text.as_bytes()[at - 1] == b'\n')
        .find_map(|(at, _)| {
            serde_json::Deserializer::from_str(&text[at..]).into_iter::<Vec<Row>>().next().and_then(Result::ok)
        })
        .ok_or_else(|| {
            // What follows the first `[{` may hold environments, so it is not quoted in an error.
            let harmless = text.split("[{").next().unwrap_or_default();
            Malformed::new("a JSON array of applications from `pm2 jlist`", harmless)
        })?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let running = row.pid.filter(|pid| *pid > 0);
            Process {
                name: row.name,
                pid: running.and_then(|pid| u32::try_from(pid).ok()),
                status: row.pm2_env.status,
                restarts: row.pm2_env.restart_time,
                unstable: row.pm2_env.unstable_restarts,
                started: row.pm2_env.pm_uptime.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
                memory_bytes: running.and(row.monit).and_then(|monit| monit.memory),
                exit_code: row.pm2_env.exit_code,
                cluster: row.pm2_env.exec_mode.as_deref() == Some("cluster_mode"),
                out_log: row.pm2_env.pm_out_log_path,
                error_log: row.pm2_env.pm_err_log_path,
                both_log: row.pm2_env.pm_log_path,
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"[{"pid":77,"name":"plugspace-api","pm2_env":{"DATABASE_URL":"mongodb://u:hunter2@h/d","status":"online","restart_time":2,"unstable_restarts":0,"pm_uptime":1764000000000,"exec_mode":"cluster_mode","pm_out_log_path":"/var/log/pm2/api-out.log"},"pm_id":0,"monit":{"memory":52428800,"cpu":0.1}}]"#;

    #[test]
    fn noise_around_the_array_is_passed_over() {
        for text in [
            ONE.to_owned(),
            format!("[PM2] Spawning daemon\n   ____[ ]__\n{ONE}\n"),
            format!("{ONE}\n[PM2] out of date\n"),
        ] {
            let apps = parse_jlist(&text).unwrap();
            assert_eq!(apps.len(), 1);
            assert_eq!(
                apps[0],
                Process {
                    name: "plugspace-api".into(),
                    pid: Some(77),
                    status: "online".into(),
                    restarts: 2,
                    unstable: 0,
                    started: Timestamp::from_second(1_764_000_000).ok(),
                    memory_bytes: Some(52_428_800),
                    exit_code: None,
                    cluster: true,
                    out_log: Some("/var/log/pm2/api-out.log".into()),
                    error_log: None,
                    both_log: None,
                }
            );
        }
    }

    #[test]
    fn environments_are_not_kept() {
        assert!(!format!("{:?}", parse_jlist(ONE)).contains("hunter2"));
        assert!(!format!("{:?}", parse_jlist(&ONE[..ONE.len() - 1])).contains("hunter2"));
    }

    #[test]
    fn an_array_cut_at_any_byte_is_an_error() {
        for end in 0..ONE.len() {
            assert!(parse_jlist(&ONE[..end]).is_err(), "cut at {end}");
        }
        assert_eq!(parse_jlist("[]"), Ok(vec![]));
    }

    #[test]
    fn the_daemon_is_asked_as_its_owner() {
        let account = Account { name: "plugspace".into(), uid: 1001, gid: 1001, home: "/home/plugspace".into() };
        assert_eq!(
            jlist(account, "/home/plugspace/.pm2").to_string(),
            "sudo -u plugspace HOME=/nonexistent PM2_HOME=/home/plugspace/.pm2 PM2_SILENT=true pm2 jlist"
        );
    }
}
