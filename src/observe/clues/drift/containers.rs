//! Containers against what they would be made of now: the image that their tag names, and the environment that compose makes of
//! its files. (The hash that compose notes on a container is not that of `config --hash` where a service has env files.)

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::environment::told;
use super::whose::is_of_others;
use super::{Older, written_at};
use crate::host::tools::command::Command;
use crate::host::tools::compose::{self, Labels};
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, Door, ManagerEvidence, engine_get};
use crate::registry::{Compose, Deployment, Service};

/// Ids of all images, by tag.
pub fn images(door: Door<'_>) -> Answer<BTreeMap<String, String>> {
    let result = match engine_get(door, "/images/json") {
        Ok(Some(body)) => compose::tags(&body).map_err(Trouble::from),
        // Where the engine is not asked over its socket, nothing is known of tags, and nothing follows.
        Ok(None) => Ok(BTreeMap::new()),
        Err(trouble) => Err(trouble),
    };
    Answer { command: Command::new(["docker", "images", "--no-trunc"]), result }
}

/// Whether compose would give the container another environment, where a file of its project was written since it was made.
pub fn look(
    door: Door<'_>,
    deployment: &Deployment,
    service: &Service,
    wanted: &'static Compose,
    managers: &ManagerEvidence,
) -> Answer<Option<Older>> {
    let command = |file: &str| Command::new(["ls", "-l", file]);
    let found = managers.containers.iter().filter_map(|answer| answer.result.as_ref().ok()).flatten();
    let manager = |identity: &crate::host::tools::docker::Identity| match wanted.container {
        Some(name) => identity.name == name,
        None => identity.project == wanted.project && identity.service == wanted.service,
    };
    let container = found.into_iter().find(|container| manager(&container.identity));
    let Some((container, since)) = container.and_then(|container| Some((container, container.created?))) else {
        return Answer { command: command(""), result: Ok(None) };
    };
    let compare = || -> Result<Option<Older>, Trouble> {
        let system = door.system;
        let mut files: Vec<String> = wanted.files.iter().map(|path| (*path).to_owned()).collect();
        let beside = |path: &String| path.rsplit_once('/').map(|(directory, _)| format!("{directory}/.env"));
        let env: Vec<String> = files.iter().filter_map(beside).collect();
        files.extend(env);
        files.extend(service.env.iter().flat_map(|env| env.paths).map(|path| (*path).to_owned()));
        let mut newest = None;
        for path in files {
            if let Some(time) = written_at(system, &path)? {
                newest = newest.max(Some((time, path)));
            }
        }
        let Some((time, file)) = newest.filter(|(time, _)| *time > since) else { return Ok(None) };
        let Some(body) = engine_get(door, &format!("/containers/{}/json", container.id))? else { return Ok(None) };
        let Some(labels) = Labels::parse(&body)? else { return Ok(None) };
        let Some(main) = labels.files.first().filter(|path| path.starts_with('/')) else { return Ok(None) };
        let text = system.read(main).map_err(|error| crate::host::trouble::of_file(main, &error))?;
        let dotenv = system.read(format!("{}/.env", labels.directory)).unwrap_or_default();
        let variables: Vec<&str> =
            dotenv.lines().filter_map(|line| line.split_once('=')).map(|(key, _)| key.trim()).collect();
        if compose::depends_on_caller(&text, &variables) {
            return Err(Trouble::Unavailable(format!("{main} takes values from the environment of its caller")));
        }
        let author = system.author(main).map_err(|error| crate::host::trouble::of_file(main, &error))?;
        let argv = compose::resolved(&labels).by(author.as_ref());
        let mut keys = door.ask(&argv, |text| compose::differing(text, &labels.service, &body)).result?;
        keys.retain(|key| !is_of_others(deployment, service, key));
        let whole = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time);
        let (written, since) = (whole(time), whole(since));
        Ok((!keys.is_empty()).then(|| Older { file, written, since, differs: told(&keys) }))
    };
    let result = compare();
    let file = match &result {
        Ok(Some(older)) => older.file.clone(),
        Ok(None) | Err(_) => wanted.files.first().copied().unwrap_or_default().to_owned(),
    };
    Answer { command: command(&file), result }
}
