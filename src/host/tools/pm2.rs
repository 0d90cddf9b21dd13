//! `pm2`: the applications of one user's daemon. pm2 starts a daemon whenever it finds none, so the caller looks for the
//! daemon first. `PM2_HOME` is all that it needs to know; from `$HOME/.node_modules` Node would load whatever optional module
//! lies there, so it is given no home. Applications keep the one that they were started with.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::history::{History, Restart, RunEnd};
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
    /// The file that it is started from.
    pub script: Option<String>,
    /// `PORT` of its environment.
    pub port: Option<u16>,
    /// When the application was started again by itself, or why that is not known; the same for all of its processes. Read in
    /// pm2's own log, where it was restarted lately.
    pub history: Option<Result<History, String>>,
    /// Where its standard output goes.
    pub out_log: Option<String>,
    /// Where its standard error goes.
    pub error_log: Option<String>,
    /// Where both go once more.
    pub both_log: Option<String>,
}

/// Where a daemon writes its own log, below its `PM2_HOME`.
pub const LOG_FILE: &str = "pm2.log";

/// How often an application ended by itself since it was last stopped on purpose, out of the end of the daemon's log, whose
/// times are those of the daemon's clock on the wall.
pub fn restarts(log: &str, app: &str, zone: &TimeZone) -> Vec<Restart> {
    let mut found = Vec::new();
    let mut is_stopping = false;
    for line in log.lines() {
        let Some((time, says)) = line.split_once(": PM2 log: ") else { continue };
        let of_app = |rest: &str| rest.strip_prefix(app).is_some_and(|rest| rest.starts_with(':'));
        if says.strip_prefix("Stopping app:").is_some_and(|rest| of_app(&rest.replacen(" id:", ":", 1))) {
            // What happened before is no matter any more; what ends now was asked to.
            found.clear();
            is_stopping = true;
            continue;
        }
        let Some((head, rest)) = says.strip_prefix("App [").and_then(|rest| rest.split_once("] ")) else { continue };
        if !of_app(head) {
            continue;
        }
        if rest.starts_with("starting in ") {
            is_stopping = false;
        } else if let Some(rest) = rest.strip_prefix("exited with code [")
            && !is_stopping
        {
            let time = time.parse::<DateTime>().ok().and_then(|time| zone.to_timestamp(time).ok());
            let code = rest.split(']').next().and_then(|code| code.parse().ok());
            let signal = rest.split_once("via signal [").and_then(|(_, rest)| signal(rest.split(']').next()?));
            let end = signal.map(RunEnd::Signal).or(code.map(RunEnd::Exit));
            found.extend(time.map(|time| Restart { time, end }));
        }
    }
    found
}

/// The number of a signal that ends a process. `SIGINT` is what pm2 writes where there was none.
fn signal(name: &str) -> Option<i64> {
    let known = [("SIGHUP", 1), ("SIGQUIT", 3), ("SIGILL", 4), ("SIGABRT", 6), ("SIGBUS", 7), ("SIGFPE", 8)];
    let more = [("SIGKILL", 9), ("SIGSEGV", 11), ("SIGPIPE", 13), ("SIGTERM", 15)];
    known.into_iter().chain(more).find(|(other, _)| *other == name).map(|(_, number)| number)
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
        pm_exec_path: Option<String>,
        #[serde(rename = "PORT", default)]
        port: serde_json::Value,
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
                script: row.pm2_env.pm_exec_path,
                port: row.pm2_env.port.to_string().trim_matches('"').parse().ok(),
                history: None,
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
                    script: None,
                    port: None,
                    history: None,
                    out_log: Some("/var/log/pm2/api-out.log".into()),
                    error_log: None,
                    both_log: None,
                }
            );
        }
    }

    #[test]
    fn d14_its_log_tells_ends_from_restarts_on_purpose() {
        let log = "2026-11-26T12:22:20: PM2 log: App [api:0] exited with code [1] via signal [SIGINT]\n\
                   2026-11-26T12:22:21: PM2 log: Stopping app:api id:0\n\
                   2026-11-26T12:22:21: PM2 log: App [api:0] exited with code [0] via signal [SIGINT]\n\
                   2026-11-26T12:22:21: PM2 log: App [api:0] starting in -fork mode-\n\
                   2026-11-26T12:22:28: PM2 log: App [api:0] exited with code [4] via signal [SIGINT]\n\
                   2026-11-26T12:22:28: PM2 log: App [api-two:1] exited with code [5] via signal [SIGINT]\n\
                   2026-11-26T12:22:29: PM2 log: App [api:0] starting in -fork mode-\n\
                   2026-11-26T12:22:34: PM2 log: App [api:0] exited with code [0] via signal [SIGKILL]\nnoise";
        let found = |app| restarts(log, app, &TimeZone::UTC);
        let end = |time: &str, end| Restart { time: time.parse().unwrap(), end: Some(end) };
        assert_eq!(
            found("api"),
            [end("2026-11-26T12:22:28Z", RunEnd::Exit(4)), end("2026-11-26T12:22:34Z", RunEnd::Signal(9))]
        );
        assert_eq!((found("api-two").len(), found("ap").len()), (1, 0));
        for cut in 0..log.len() {
            assert!(restarts(&log[..cut], "api", &TimeZone::UTC).len() <= 2, "cut at {cut}");
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
