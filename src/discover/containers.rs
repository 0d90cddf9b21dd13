//! Containers that serve: those that run, and those that their policy starts again.

use std::path::Path;

use crate::host::tools::docker_engine;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Door, containers_listed};

/// A container that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Compose project and service.
    pub compose: Option<(String, String)>,
    /// The compose file, where the label names one.
    pub file: Option<String>,
    /// Services of the project that it starts after.
    pub depends_on: Vec<String>,
    /// Ports of this host that lead to it.
    pub ports: Vec<(String, u16)>,
    /// The env file beside the compose file.
    pub env: Option<String>,
    /// It runs.
    pub running: bool,
}

/// The engine's list; empty where there is no engine.
pub(super) fn list(door: Door<'_>) -> Result<Vec<Container>, Trouble> {
    if !door.system.exists(docker_engine::SOCKET) {
        return Ok(Vec::new());
    }
    let Some(body) = containers_listed(door)? else { return Ok(Vec::new()) };
    let rows = docker_engine::parse_api_rows(&body)?;
    let mut found: Vec<Container> = rows.iter().filter_map(container).collect();
    for one in &mut found {
        let directory = one.file.as_deref().and_then(|file| file.rsplit_once('/')).map(|(directory, _)| directory);
        one.env = directory.map(|directory| format!("{directory}/.env")).filter(|path| door.system.exists(path));
    }
    Ok(found)
}

fn container(row: &docker_engine::Row) -> Option<Container> {
    let label = |key: &str| row.labels.get(key).map(String::as_str).filter(|value| !value.is_empty());
    // A task of Swarm is replaced by another of another name.
    let name = label("com.docker.swarm.service.name").unwrap_or(&row.name).to_owned();
    let compose = label("com.docker.compose.project").zip(label("com.docker.compose.service"));
    if label("com.docker.compose.oneoff") == Some("True") {
        return None;
    }
    let running = matches!(row.state.as_str(), "running" | "restarting" | "paused");
    // What has ended well was a job; one that ended otherwise and belongs to no project was somebody's try.
    if !running && (compose.is_none() || row.status.starts_with("Exited (0)")) {
        return None;
    }
    let file = label("com.docker.compose.project.config_files")
        .filter(|file| Path::new(file).is_absolute() && !file.contains(','));
    // `db:service_healthy:false,cache:service_started:true`
    let depends_on = label("com.docker.compose.depends_on").unwrap_or_default();
    let depends_on = depends_on.split(',').filter_map(|one| one.split(':').next()).filter(|one| !one.is_empty());
    Some(Container {
        compose: compose.map(|(project, service)| (project.to_owned(), service.to_owned())),
        file: file.map(str::to_owned),
        depends_on: depends_on.map(str::to_owned).collect(),
        ports: row.ports.iter().map(|port| (port.address.clone(), port.port)).collect(),
        id: row.id.clone(),
        image: row.image.clone(),
        name,
        env: None,
        running,
    })
}
