//! `docker`: containers, found by name or by label, and all that is asked of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::history::History;
use super::procfs::Bounds;
use super::surroundings::{Published, Surroundings};
use super::{Argv, Malformed, json_lines};

const LIST: &str = concat!(
    r#"{"id":{{json .ID}},"name":{{json .Names}},"project":{{json (.Label "com.docker.compose.project")}},"#,
    r#""service":{{json (.Label "com.docker.compose.service")}},"swarm":{{json (.Label "com.docker.swarm.service.name")}},"#,
    r#""state":{{json .State}},"status":{{json .Status}}}"#
);

/// Only what is judged: a container's environment, which holds secrets, is never asked for. `.ID` instead of `.Id` keeps the
/// client from falling back to the raw answer, in which a missing health check is an error.
const DETAIL: &str = concat!(
    r#"{"id":{{json .ID}},"name":{{json .Name}},"image":{{json .Config.Image}},"image_id":{{json .Image}},"#,
    r#""restarts":{{json .RestartCount}},"status":{{json .State.Status}},"exit_code":{{json .State.ExitCode}},"#,
    r#""oom_killed":{{json .State.OOMKilled}},"error":{{json .State.Error}},"pid":{{json .State.Pid}},"#,
    r#""started":{{json .State.StartedAt}},"finished":{{json .State.FinishedAt}},"#,
    r#""created":{{json .Created}},"policy":{{json .HostConfig.RestartPolicy.Name}},"#,
    r#""health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}null{{end}},"#,
    r#""project":{{json (index .Config.Labels "com.docker.compose.project")}},"#,
    r#""service":{{json (index .Config.Labels "com.docker.compose.service")}},"#,
    r#""swarm":{{json (index .Config.Labels "com.docker.swarm.service.name")}}}"#
);

/// All containers, stopped ones included.
pub fn ps() -> Argv {
    Argv::new("docker", ["ps", "--all", "--no-trunc", "--format", LIST])
}

/// Details of these containers, in one call. Those that do not exist are named on stderr and make the exit code 1; the
/// others are printed all the same.
pub fn inspect<'a>(containers: impl IntoIterator<Item = &'a str>) -> Argv {
    Argv::new("docker", ["inspect", "--type=container", "--format", DETAIL, "--"]).with(containers)
}

/// The newest line of a container's log since so many seconds ago that the filter of the caller can look for.
pub fn logs_since(container: &str, seconds: u32) -> Argv {
    Argv::new("docker", ["logs".to_owned(), format!("--since={seconds}s"), "--timestamps".to_owned()])
        .with(["--", container])
}

/// `restart`, `start` or `stop` of one container.
pub fn act(verb: &str, container: &str) -> Argv {
    Argv::new("docker", [verb, "--", container]).finishes()
}

/// A row of [`ps`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listed {
    pub id: String,
    #[serde(flatten)]
    pub identity: Identity,
    /// `created running paused restarting removing exited dead`.
    pub state: String,
    /// In words: `Up 2 hours (unhealthy)`.
    pub status: String,
    /// What it publishes, where the engine itself was asked; its client is not asked for that.
    #[serde(skip)]
    pub ports: Vec<Published>,
}

impl Listed {
    /// Whether it may have been restarted within the last day, or waits for its first start, or did not come up: what its row
    /// does not tell, and its details do.
    pub fn is_worth_details(&self) -> bool {
        match self.state.as_str() {
            "created" | "exited" | "restarting" => true,
            // `Up 47 hours`, then `Up 2 days`.
            "running" => !["days", "weeks", "months", "years"].iter().any(|unit| self.status.contains(unit)),
            _ => false,
        }
    }

    /// What is wrong with it, if it keeps failing: restarted again and again, or up with a health check that fails. One that
    /// has ended may be a job that is done.
    pub fn ailment(&self) -> Option<&str> {
        match self.state.as_str() {
            state @ ("restarting" | "dead") => Some(state),
            _ => self.status.contains("(unhealthy)").then_some("unhealthy"),
        }
    }
}

/// By what a container is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Identity {
    /// Its name.
    #[serde(deserialize_with = "without_slash")]
    pub name: String,
    /// Compose project; empty outside one.
    #[serde(deserialize_with = "or_empty")]
    pub project: String,
    /// Compose service; empty outside one.
    #[serde(deserialize_with = "or_empty")]
    pub service: String,
    /// Swarm service; empty outside one.
    #[serde(deserialize_with = "or_empty")]
    pub swarm: String,
}

impl Identity {
    pub(super) fn new(name: &str, labels: Option<BTreeMap<String, String>>) -> Self {
        let mut labels = labels.unwrap_or_default();
        let mut label = |key: &str| labels.remove(key).unwrap_or_default();
        Identity {
            name: name.trim_start_matches('/').to_owned(),
            project: label("com.docker.compose.project"),
            service: label("com.docker.compose.service"),
            swarm: label("com.docker.swarm.service.name"),
        }
    }
}

/// A container as the engine sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ContainerState {
    pub id: String,
    #[serde(flatten)]
    pub identity: Identity,
    pub image: String,
    pub image_id: String,
    pub restarts: u32,
    /// `created running paused restarting removing exited dead`.
    pub status: String,
    pub exit_code: i64,
    pub oom_killed: bool,
    pub error: String,
    pub pid: u32,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    /// `starting healthy unhealthy`, `None` without a health check.
    pub health: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// Its restart policy: `always`, `unless-stopped`, `on-failure`; `no` or empty for none.
    #[serde(default)]
    pub policy: String,
    /// Memory of its control group; not docker's answer but read beside it.
    #[serde(skip)]
    pub memory_bytes: Option<u64>,
    /// What surrounds it, and how its bounds are used; where the engine itself was asked.
    #[serde(skip)]
    pub surroundings: Option<Surroundings>,
    #[serde(skip)]
    pub bounds: Option<Bounds>,
    /// When it was started again by itself, or why that is not known. Asked of those that were restarted lately.
    #[serde(skip)]
    pub history: Option<Result<History, String>>,
}

impl ContainerState {
    /// Whether the engine is to start it again when it ends.
    pub fn is_restarted(&self) -> bool {
        !matches!(self.policy.as_str(), "" | "no")
    }
}

fn without_slash<'de, D: serde::Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let name = String::deserialize(input)?;
    Ok(name.trim_start_matches('/').to_owned())
}

fn or_empty<'de, D: serde::Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(input)?.unwrap_or_default())
}

/// Parses the output of [`ps`].
///
/// # Errors
/// When a line is not a row. No lines at all is no containers: the engine answered with success.
pub fn parse_ps(text: &str) -> Result<Vec<Listed>, Malformed> {
    json_lines(text, "container rows from `docker ps`")
}

/// Parses the output of [`inspect`].
///
/// # Errors
/// When a line is not a container.
pub fn parse_inspect(text: &str) -> Result<Vec<ContainerState>, Malformed> {
    json_lines(text, "containers from `docker inspect`")
}

/// Whether every complaint of [`inspect`] is about a container that does not exist.
pub fn only_missing(stderr: &str) -> bool {
    let mut lines = stderr.lines().filter(|line| !line.trim().is_empty()).peekable();
    lines.peek().is_some() && lines.all(|line| line.contains("No such container") || line.contains("No such object"))
}

/// What the client said when it could not reach the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// Nothing listens on the socket.
    Down,
    /// The socket may not be opened by this user.
    Denied,
}

/// Understands the client's complaint about the engine, if that is what it is.
pub fn unreachable(stderr: &str) -> Option<Unreachable> {
    let text = stderr.to_ascii_lowercase();
    if text.contains("permission denied") {
        Some(Unreachable::Denied)
    } else if text.contains("cannot connect to the docker daemon")
        || text.contains("failed to connect to the docker api")
    {
        Some(Unreachable::Down)
    } else {
        None
    }
}

/// The time of the newest line of [`logs_since`] that contains `needle`. Lines begin with an RFC 3339 time.
pub fn newest_line(text: &str, needle: &str) -> Option<Timestamp> {
    text.lines()
        .filter(|line| line.contains(needle))
        .filter_map(|line| line.split_once(' ')?.0.parse::<Timestamp>().ok())
        .max()
}

#[cfg(test)]
mod tests {
    use super::super::docker_engine::{parse_api_container, parse_api_list, parse_events};
    use super::super::history::RunEnd;
    use super::*;

    const RUNNING: &str = r#"{"id":"abc","name":"/stalwart","image":"stalwartlabs/stalwart:latest","image_id":"sha256:1","restarts":0,"status":"running","exit_code":0,"oom_killed":false,"error":"","pid":42,"started":"2026-11-22T02:00:00.123456789Z","finished":"0001-01-01T00:00:00Z","health":null,"project":"email","service":"stalwart","swarm":null}"#;

    #[test]
    fn inspect_lines_become_containers() {
        let containers = parse_inspect(&format!("{RUNNING}\n")).unwrap();
        assert_eq!(containers.len(), 1);
        let c = &containers[0];
        assert_eq!((c.identity.name.as_str(), c.pid, c.health.as_deref()), ("stalwart", 42, None));
        assert_eq!(c.started, "2026-11-22T02:00:00.123456789Z".parse().ok());
        assert_eq!((c.identity.project.as_str(), c.identity.swarm.as_str()), ("email", ""));
    }

    const API: &str = r#"{"Id":"abc","Created":"2026-11-22T01:00:00Z","State":{"Status":"running","Running":true,"OOMKilled":false,"Pid":42,"ExitCode":0,"Error":"","StartedAt":"2026-11-22T02:00:00.123456789Z","FinishedAt":"0001-01-01T00:00:00Z","Health":{"Status":"healthy","Log":[]}},"Image":"sha256:1","Name":"/stalwart","RestartCount":3,"HostConfig":{"RestartPolicy":{"Name":"always","MaximumRetryCount":0}},"Config":{"Image":"stalwartlabs/stalwart:latest","Env":["KEY=hunter2"],"Labels":{"com.docker.compose.project":"email","com.docker.compose.service":"stalwart"}}}"#;

    #[test]
    fn the_engine_and_its_client_tell_the_same() {
        let by_client = parse_inspect(RUNNING).unwrap().remove(0);
        let by_engine = parse_api_container(API).unwrap();
        // What only the engine tells.
        let by_engine = ContainerState { surroundings: None, ..by_engine };
        let created = "2026-11-22T01:00:00Z".parse().ok();
        assert_eq!(
            by_engine,
            ContainerState {
                restarts: 3,
                health: Some("healthy".into()),
                created,
                policy: "always".into(),
                ..by_client
            }
        );
        let rows = r#"[{"Id":"abc","Names":["/w-1"],"State":"exited","Status":"Exited (0)","Labels":{"com.docker.swarm.service.name":"w"}}]"#;
        let listed = parse_api_list(rows).unwrap();
        assert_eq!((listed[0].identity.name.as_str(), listed[0].identity.swarm.as_str()), ("w-1", "w"));
        assert_eq!(parse_api_list("[]"), Ok(vec![]));
        let row =
            |state: &str, status: &str| Listed { state: state.into(), status: status.into(), ..listed[0].clone() };
        assert_eq!(row("exited", "Exited (1) 2 hours ago").ailment(), None);
        assert_eq!(row("running", "Up 2 hours (healthy)").ailment(), None);
        assert_eq!(row("running", "Up 2 hours (unhealthy)").ailment(), Some("unhealthy"));
        assert_eq!(row("restarting", "Restarting (1) 3 seconds ago").ailment(), Some("restarting"));
    }

    #[test]
    fn an_answer_cut_at_any_byte_is_an_error_without_secrets() {
        for end in 0..API.len() {
            let error = parse_api_container(&API[..end]).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "cut at {end}");
        }
    }

    #[test]
    fn a_cut_line_is_an_error_at_every_byte() {
        for end in 1..RUNNING.len() {
            assert!(parse_inspect(&RUNNING[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn warnings_on_stdout_are_errors_not_containers() {
        assert!(parse_ps("WARNING: something\n").is_err());
        assert_eq!(parse_ps(""), Ok(vec![]));
    }

    #[test]
    fn missing_containers_are_told_from_a_missing_engine() {
        assert!(only_missing("Error response from daemon: No such container: a\nError: No such object: b\n"));
        assert!(!only_missing(""));
        assert!(!only_missing("Error: No such object: b\nsomething else\n"));
        let down = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
        assert_eq!(unreachable(down), Some(Unreachable::Down));
        assert_eq!(
            unreachable("permission denied while trying to connect to the Docker daemon socket"),
            Some(Unreachable::Denied)
        );
        assert_eq!(unreachable("Error: No such object: b"), None);
    }

    const EVENT: &str = r#"{"status":"die","id":"7f9a","from":"test:1","Type":"container","Action":"die","Actor":{"ID":"7f9a","Attributes":{"execDuration":"6","exitCode":"3","image":"test:1","name":"loop"}},"scope":"local","time":1795695746,"timeNano":1795695746852703177}"#;

    #[test]
    fn c11_events_tell_when_a_container_ended_and_how() {
        let other = r#"{"Type":"network","Action":"connect","Actor":{"ID":"1037","Attributes":{}},"scope":"local","time":1,"timeNano":1}"#;
        let later = EVENT.replace("1795695746852703177", "1795695753138303507").replace("\"3\"", "\"x\"");
        let found = parse_events(&format!("{later}\n{other}\n{EVENT}\n")).unwrap();
        let ends: Vec<_> = found["7f9a"].iter().map(|end| (end.time.as_second(), end.end.clone())).collect();
        assert_eq!(ends, [(1_795_695_746, Some(RunEnd::Exit(3))), (1_795_695_753, None)]);
        assert_eq!((found.len(), parse_events("")), (1, Ok(BTreeMap::new())));
        for end in 1..EVENT.len() {
            assert!(parse_events(&EVENT[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn the_newest_matching_line_counts() {
        let text = "2026-11-22T02:00:00.5Z {\"msg\":\"automation poll\"}\n2026-11-22T02:00:30Z x automation poll\n\
                    2026-11-22T02:01:00Z other\nno time automation poll\n";
        assert_eq!(newest_line(text, "automation poll"), "2026-11-22T02:00:30Z".parse().ok());
        assert_eq!(newest_line(text, "absent"), None);
    }
}
