//! Containers that serve: those that run, those that the engine would start again, and members of a compose project that failed.

use std::collections::BTreeMap;
use std::path::Path;

use super::traefik::{self, Labelled};
use crate::host::tools::docker_engine;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Door, containers_listed, engine_is_podman, restart_policies};

/// A container that was found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
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
    /// Env files that the compose file names for it, or else the one beside that file.
    pub env: Vec<String>,
    /// Public names that Traefik sends to it.
    pub routes: Vec<Labelled>,
    /// It runs.
    pub running: bool,
}

/// Of how many containers that do not run the restart policy is asked.
const MOST_STOPPED: usize = 64;

/// The engine's list; empty where there is no engine.
pub(super) fn list(door: Door<'_>) -> Result<Vec<Container>, Trouble> {
    if !door.system.exists(docker_engine::SOCKET) || engine_is_podman(door.system) {
        return Ok(Vec::new());
    }
    let body = match containers_listed(door) {
        Ok(Some(body)) => body,
        // Without an engine no container runs; that it should is judged of its service.
        Ok(None) | Err(Trouble::Unavailable(_)) => return Ok(Vec::new()),
        Err(trouble) => return Err(trouble),
    };
    let rows = docker_engine::parse_api_rows(&body)?;
    let undecided = rows.iter().filter(|row| !is_meant(row, ""));
    let undecided: Vec<&str> = undecided.take(MOST_STOPPED).map(|row| row.id.as_str()).collect();
    let policies = if undecided.is_empty() { BTreeMap::new() } else { restart_policies(door, &undecided)? };
    let is_meant = |row: &&docker_engine::Row| is_meant(row, policies.get(&row.id).map_or("", String::as_str));
    let mut found: Vec<Container> = rows.iter().filter(is_meant).filter_map(container).collect();
    for one in &mut found {
        let Some((file, (directory, _))) = one.file.as_deref().and_then(|file| Some((file, file.rsplit_once('/')?)))
        else {
            continue;
        };
        let service = one.compose.as_ref().map_or("", |(_, service)| service);
        let text = door.system.read_once(file).unwrap_or_else(|_| "".into());
        one.env = env_files(&text, service).iter().filter_map(|path| absolute(directory, path)).collect();
        if one.env.is_empty() {
            one.env.push(format!("{directory}/.env"));
        }
        one.env.retain(|path| door.system.exists(path));
    }
    Ok(found)
}

/// A path of a compose file, which is relative to its directory. None where only compose knows what it is.
fn absolute(directory: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{directory}/{path}") };
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let is_plain = |c: char| !c.is_control() && !"$*?\"'{}[]".contains(c);
    whole.chars().all(is_plain).then(|| format!("/{}", parts.join("/")))
}

/// The env files of a service in a compose file that is written in lines, as people write them: a path, a list, or a list of
/// mappings with `path`. What is written otherwise is not found.
fn env_files(text: &str, service: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines = text.lines().filter(|line| !line.trim_start().is_empty() && !line.trim_start().starts_with('#'));
    let below = |lines: &[&str], key: &str| -> (String, Vec<String>) {
        let depth = lines.first().map_or(0, |line| indent(line));
        let of = |line: &&str| {
            indent(line) == depth && line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with(':'))
        };
        let Some(at) = lines.iter().position(of) else { return (String::new(), Vec::new()) };
        let value = lines[at].trim_start()[key.len() + 1..].trim().to_owned();
        // A list may stand at the depth of its key.
        let inside =
            |line: &&&str| indent(line) > depth || (indent(line) == depth && line.trim_start().starts_with('-'));
        (value, lines[at + 1..].iter().take_while(inside).map(|line| (*line).to_owned()).collect())
    };
    let mut block: Vec<String> = lines.map(str::to_owned).collect();
    let mut value = String::new();
    for key in ["services", service, "env_file"] {
        let lines: Vec<&str> = block.iter().map(String::as_str).collect();
        (value, block) = below(&lines, key);
    }
    let plain = |text: &str| text.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']).to_owned();
    let listed = value.trim_start_matches('[').trim_end_matches(']').split(',').map(plain);
    let below = block.iter().filter_map(|line| {
        let item = line.trim_start().trim_start_matches("- ").trim_start();
        match item.split_once(':') {
            Some(("path", path)) => Some(plain(path)),
            Some(_) => None,
            None => Some(plain(item)),
        }
    });
    listed.chain(below).filter(|path| !path.is_empty()).collect()
}

/// The routes of its labels, each with the port of this host that leads to that port of the container, if there is one.
fn traefik_routes(row: &docker_engine::Row) -> Vec<Labelled> {
    let outside = |inside: u16| {
        let inside = format!("{inside}/tcp");
        row.ports.iter().find(|port| port.inside == inside).map(|port| port.port)
    };
    let routes = traefik::routes(&row.labels).into_iter();
    routes.map(|(host, path, port)| (host, path, port.map(|port| outside(port).unwrap_or(port)))).collect()
}

fn is_running(row: &docker_engine::Row) -> bool {
    matches!(row.state.as_str(), "running" | "restarting" | "paused")
}

/// Whether somebody meant a container of this restart policy to run. What has ended well and is not started again was a job; one
/// that ended otherwise and belongs to no project was somebody's try.
fn is_meant(row: &docker_engine::Row, policy: &str) -> bool {
    let has_failed = !row.status.starts_with("Exited (0)");
    match policy {
        _ if is_running(row) => true,
        "always" | "unless-stopped" => true,
        "on-failure" => has_failed,
        _ => has_failed && row.labels.contains_key("com.docker.compose.project"),
    }
}

fn container(row: &docker_engine::Row) -> Option<Container> {
    let label = |key: &str| row.labels.get(key).map(String::as_str).filter(|value| !value.is_empty());
    // A task of Swarm is replaced by another of another name.
    let name = label("com.docker.swarm.service.name").unwrap_or(&row.name).to_owned();
    let compose = label("com.docker.compose.project").zip(label("com.docker.compose.service"));
    if label("com.docker.compose.oneoff") == Some("True") {
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
        env: Vec::new(),
        routes: traefik_routes(row),
        running: is_running(row),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_somebody_stopped_is_a_service_where_it_was_meant_to_run_on() {
        let row = |state: &str, status: &str, project: Option<&str>| docker_engine::Row {
            id: "1".to_owned(),
            name: "web".to_owned(),
            image: "web".to_owned(),
            state: state.to_owned(),
            status: status.to_owned(),
            labels: project.map(|it| ("com.docker.compose.project".to_owned(), it.to_owned())).into_iter().collect(),
            ports: Vec::new(),
        };
        let well = || row("exited", "Exited (0) 2 minutes ago", Some("shop"));
        let failed = |project: Option<&str>| row("exited", "Exited (137) 2 minutes ago", project);
        for (row, policy, wanted) in [
            (row("running", "Up 2 hours", None), "", true),
            (well(), "no", false),
            (well(), "on-failure", false),
            (well(), "unless-stopped", true),
            (well(), "always", true),
            (failed(Some("shop")), "no", true),
            (failed(None), "no", false),
            (failed(None), "on-failure", true),
            (failed(None), "always", true),
        ] {
            assert_eq!(is_meant(&row, policy), wanted, "{} {policy}", row.status);
        }
    }

    #[test]
    fn env_files_of_a_compose_service_are_found_however_people_write_them() {
        let text = "x-log: &log\n  env_file: no\nservices:\n  # the shop\n  web:\n    image: web\n    env_file: ../.env # its own\n\
                    \n  api:\n    env_file:\n      - apps/api.env\n      - \"./more.env\"\n    environment:\n      env_file: no\n  \
                    db:\n    env_file: ['/root/.env', b.env]\n  job:\n    env_file:\n    - path: job.env\n      required: false\n    \
                    image: x\n  none:\n    image: y\nvolumes:\n  web:\n    env_file: no\n";
        let of = |service: &str| {
            env_files(text, service).iter().filter_map(|path| absolute("/srv/shop", path)).collect::<Vec<_>>()
        };
        assert_eq!(of("web"), ["/srv/.env"]);
        assert_eq!(of("api"), ["/srv/shop/apps/api.env", "/srv/shop/more.env"]);
        assert_eq!(of("db"), ["/root/.env", "/srv/shop/b.env"]);
        assert_eq!(of("job"), ["/srv/shop/job.env"]);
        assert_eq!(of("none"), Vec::<String>::new());
        assert_eq!(of("absent"), Vec::<String>::new());
        assert_eq!(absolute("/srv", "${HOME}/.env"), None);
    }
}
