//! The Docker engine over its own socket (<https://docs.docker.com/reference/api/engine/>), and what it remembers of containers' ends.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::docker::{ContainerState, Identity, Listed};
use super::history::{Restart, RunEnd};
use super::surroundings::{self, Published};
use super::{Argv, Malformed, json_lines};

/// Where the engine listens.
pub const SOCKET: &str = "/run/docker.sock";

/// Names of the engine's process.
pub const ENGINES: [&str; 3] = ["dockerd", "balenad", "balena-engine-d"];

/// The engine's own list of all containers (<https://docs.docker.com/reference/api/engine/>).
pub const API_LIST: &str = "/containers/json?all=1";

/// The engine's own answer about one container.
pub fn api_container(name: &str) -> String {
    format!("/containers/{name}/json")
}

/// When containers ended, as far back as the engine remembers: its newest 256 events of any kind. Ends by itself, because it
/// asks for nothing that is yet to come.
pub fn events(until: Timestamp) -> Argv {
    let until = format!("--until={}.{:09}", until.as_second(), until.subsec_nanosecond());
    Argv::new("docker", ["events", "--since=0", &until, "--filter=event=die", "--format={{json .}}"])
}

/// The same of the engine itself.
pub fn api_events(until: Timestamp) -> String {
    // {"event":["die"]}
    let filters = "%7B%22event%22%3A%5B%22die%22%5D%7D";
    format!("/events?since=0&until={}.{:09}&filters={filters}", until.as_second(), until.subsec_nanosecond())
}

/// How often which container ended, by its id, out of [`events`] or [`api_events`]; oldest first.
///
/// # Errors
/// When a line is not an event.
pub fn parse_events(text: &str) -> Result<BTreeMap<String, Vec<Restart>>, Malformed> {
    #[derive(Deserialize)]
    struct Row {
        #[serde(rename = "Action")]
        action: String,
        #[serde(rename = "Actor")]
        actor: Actor,
        #[serde(rename = "timeNano")]
        nanos: i64,
    }
    #[derive(Deserialize)]
    struct Actor {
        #[serde(rename = "ID")]
        id: String,
        #[serde(rename = "Attributes", default)]
        attributes: BTreeMap<String, String>,
    }
    let rows: Vec<Row> = json_lines(text, "events from the docker engine")?;
    let mut found: BTreeMap<String, Vec<Restart>> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| row.action == "die") {
        let Ok(time) = Timestamp::from_nanosecond(i128::from(row.nanos)) else { continue };
        let code = row.actor.attributes.get("exitCode").and_then(|code| code.parse().ok());
        found.entry(row.actor.id).or_default().push(Restart { time, end: code.map(RunEnd::Exit) });
    }
    for ends in found.values_mut() {
        ends.sort_by_key(|end| end.time);
    }
    Ok(found)
}

/// A row of the engine's list of containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub id: String,
    /// Its first name.
    pub name: String,
    /// The image, as it was named.
    pub image: String,
    /// `created running paused restarting removing exited dead`.
    pub state: String,
    /// In words: `Up 2 hours (unhealthy)`.
    pub status: String,
    pub labels: BTreeMap<String, String>,
    pub ports: Vec<Published>,
}

/// Parses the answer to [`API_LIST`].
///
/// # Errors
/// When it is not a list of containers. The excerpt is left out: it may hold secrets.
pub fn parse_api_rows(text: &str) -> Result<Vec<Row>, Malformed> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        id: String,
        names: Vec<String>,
        #[serde(default)]
        image: String,
        state: String,
        status: String,
        labels: Option<BTreeMap<String, String>>,
        #[serde(default)]
        ports: serde_json::Value,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Binding {
        #[serde(rename = "IP")]
        address: Option<String>,
        private_port: u16,
        public_port: Option<u16>,
        r#type: String,
    }
    let published = |port: Binding| {
        let inside = format!("{}/{}", port.private_port, port.r#type);
        Some(Published { inside, address: port.address.unwrap_or_default(), port: port.public_port? })
    };
    let rows: Vec<Answer> =
        serde_json::from_str(text).map_err(|_| Malformed::new("containers from the docker engine", ""))?;
    let row = |row: Answer| Row {
        name: row.names.first().map_or("", String::as_str).trim_start_matches('/').to_owned(),
        id: row.id,
        image: row.image,
        state: row.state,
        status: row.status,
        labels: row.labels.unwrap_or_default(),
        // Engines differ in their form: of another, nothing is known.
        ports: serde_json::from_value::<Vec<Binding>>(row.ports)
            .unwrap_or_default()
            .into_iter()
            .filter_map(published)
            .collect(),
    };
    Ok(rows.into_iter().map(row).collect())
}

/// The same as rows of [`docker::ps`](super::docker::ps).
///
/// # Errors
/// As [`parse_api_rows`].
pub fn parse_api_list(text: &str) -> Result<Vec<Listed>, Malformed> {
    let listed = |row: Row| Listed {
        identity: Identity::new(&row.name, Some(row.labels)),
        id: row.id,
        state: row.state,
        status: row.status,
        ports: row.ports,
    };
    Ok(parse_api_rows(text)?.into_iter().map(listed).collect())
}

/// Parses the answer to [`api_container`]. Its environment holds secrets and is not kept.
///
/// # Errors
/// When it is not a container. The excerpt is left out: it may hold secrets.
pub fn parse_api_container(text: &str) -> Result<ContainerState, Malformed> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Container {
        id: String,
        name: String,
        image: String,
        restart_count: u32,
        created: Option<Timestamp>,
        host_config: Option<HostConfig>,
        config: Config,
        state: State,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct HostConfig {
        restart_policy: Option<RestartPolicy>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct RestartPolicy {
        name: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Config {
        image: String,
        labels: Option<BTreeMap<String, String>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct State {
        status: String,
        exit_code: i64,
        #[serde(rename = "OOMKilled")]
        oom_killed: bool,
        error: String,
        pid: u32,
        started_at: Option<Timestamp>,
        finished_at: Option<Timestamp>,
        health: Option<Health>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Health {
        status: String,
    }
    let container: Container =
        serde_json::from_str(text).map_err(|_| Malformed::new("a container from the docker engine", ""))?;
    let state = container.state;
    Ok(ContainerState {
        identity: Identity::new(&container.name, container.config.labels),
        id: container.id,
        image: container.config.image,
        image_id: container.image,
        restarts: container.restart_count,
        status: state.status,
        exit_code: state.exit_code,
        oom_killed: state.oom_killed,
        error: state.error,
        pid: state.pid,
        started: state.started_at,
        finished: state.finished_at,
        health: state.health.map(|health| health.status),
        created: container.created,
        policy: container.host_config.and_then(|host| host.restart_policy?.name).unwrap_or_default(),
        memory_bytes: None,
        surroundings: Some(surroundings::of(text)),
        bounds: None,
        history: None,
    })
}
