//! `docker compose config`: what a compose file defines.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Argv, Malformed};

/// The file as compose understands it, variables left as they are written.
pub fn config(file: &str) -> Argv {
    Argv::new("docker", ["compose", "--file", file, "config", "--no-interpolate", "--format=json"])
}

/// What a compose file defines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// Project name.
    pub name: String,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
}

/// A service of a compose file. Its environment holds secrets and is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Service {
    /// `container_name:`.
    pub container_name: Option<String>,
}

/// Parses the output of [`config`].
///
/// # Errors
/// When it is not a compose project. The excerpt is left out: it may hold secrets.
pub fn parse(text: &str) -> Result<Project, Malformed> {
    serde_json::from_str(text).map_err(|_| Malformed::new("a project from `docker compose config`", ""))
}

/// What compose notes on a container of how it made it, and what the container was made with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// Project name.
    pub project: String,
    /// Service name in the files.
    pub service: String,
    /// Its files, as they were given.
    pub files: Vec<String>,
    /// The directory from which paths in them count.
    pub directory: String,
    /// Files of variables, where others than the project's `.env` were given.
    pub env_files: Vec<String>,
}

impl Labels {
    /// Out of the engine's answer about a container, of which nothing else is kept; `None` where compose did not make it.
    ///
    /// # Errors
    /// When it is no such answer. The excerpt is left out: it may hold secrets.
    pub fn parse(text: &str) -> Result<Option<Self>, Malformed> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(rename = "Config")]
            config: Config,
        }
        #[derive(Deserialize)]
        struct Config {
            #[serde(rename = "Labels")]
            labels: Option<BTreeMap<String, String>>,
        }
        let row: Row = serde_json::from_str(text).map_err(|_| Malformed::new("a container's details", ""))?;
        let mut labels = row.config.labels.unwrap_or_default();
        let mut label =
            |key: &str| labels.remove(&format!("com.docker.compose.{key}")).filter(|value| !value.is_empty());
        let list = |value: Option<String>| -> Vec<String> {
            value.map(|value| value.split(',').map(str::to_owned).collect()).unwrap_or_default()
        };
        let (Some(project), Some(service)) = (label("project"), label("service")) else { return Ok(None) };
        let (files, env_files) = (list(label("project.config_files")), list(label("project.environment_file")));
        let directory = label("project.working_dir").unwrap_or_default();
        Ok((!files.is_empty()).then_some(Labels { project, service, files, directory, env_files }))
    }
}

/// The project as compose understands it with all its variables, read as it was read for that container. What it prints holds
/// secrets.
pub fn resolved(labels: &Labels) -> Argv {
    let argv = Argv::new("docker", ["compose", "--project-name", &labels.project]);
    let directory = ["--project-directory", labels.directory.as_str()];
    let argv = if labels.directory.is_empty() { argv } else { argv.with(directory) };
    let files = labels.files.iter().flat_map(|file| ["--file", file.as_str()]);
    let env_files = labels.env_files.iter().flat_map(|file| ["--env-file", file.as_str()]);
    argv.with(files).with(env_files).with(["config", "--format=json"])
}

/// Ports of a service that a container does not publish, and names of the variables that it was made with otherwise. `project` is what [`resolved`] prints, and
/// `container` the engine's answer about it; values stay here.
///
/// # Errors
/// When either is something else. Excerpts are left out: they may hold secrets.
pub fn differing(project: &str, service: &str, container: &str) -> Result<Vec<String>, Malformed> {
    #[derive(Deserialize)]
    struct Files {
        services: BTreeMap<String, Wanted>,
    }
    #[derive(Deserialize)]
    struct Wanted {
        #[serde(default)]
        environment: Option<BTreeMap<String, Option<String>>>,
        #[serde(default)]
        ports: Option<Vec<Publish>>,
        /// Bytes, as a text.
        #[serde(default)]
        mem_limit: Option<String>,
        #[serde(default)]
        command: Option<Vec<String>>,
        #[serde(default)]
        user: Option<String>,
    }
    #[derive(Deserialize)]
    struct Publish {
        #[serde(default)]
        target: u16,
        #[serde(default)]
        published: Option<serde_json::Value>,
        #[serde(default)]
        protocol: Option<String>,
    }
    #[derive(Deserialize)]
    struct Row {
        #[serde(rename = "Config")]
        config: Made,
        #[serde(rename = "HostConfig", default)]
        host: Host,
    }
    #[derive(Deserialize, Default)]
    struct Host {
        #[serde(rename = "PortBindings", default)]
        bindings: Option<BTreeMap<String, Option<Vec<Binding>>>>,
        #[serde(rename = "Memory", default)]
        memory: u64,
    }
    #[derive(Deserialize)]
    struct Binding {
        #[serde(rename = "HostPort", default)]
        port: String,
    }
    #[derive(Deserialize)]
    struct Made {
        #[serde(rename = "Env")]
        env: Option<Vec<String>>,
        #[serde(rename = "Cmd", default)]
        command: Option<Vec<String>>,
        #[serde(rename = "User", default)]
        user: String,
    }
    let malformed = |_| Malformed::new("a project and a container", "");
    let mut files: Files = serde_json::from_str(project).map_err(malformed)?;
    let made: Row = serde_json::from_str(container).map_err(malformed)?;
    let env = made.config.env.unwrap_or_default();
    let own: BTreeMap<&str, &str> = env.iter().filter_map(|entry| entry.split_once('=')).collect();
    let Some(wanted) = files.services.remove(service) else { return Ok(Vec::new()) };
    let bound = made.host.bindings.unwrap_or_default();
    let moved = |publish: &Publish| {
        // One without a port of the host, or with a range of them, is given one by the engine.
        let port = publish.published.as_ref().map(|port| port.to_string().trim_matches('"').to_owned());
        let port = port.filter(|port| port.parse::<u16>().is_ok())?;
        let inside = format!("{}/{}", publish.target, publish.protocol.as_deref().unwrap_or("tcp"));
        let own: Vec<&str> = bound.get(&inside).into_iter().flatten().flatten().map(|b| b.port.as_str()).collect();
        (!own.contains(&port.as_str())).then(|| match own.first() {
            Some(own) => format!("port {port} instead of {own}"),
            None => format!("port {port}"),
        })
    };
    let ports: Vec<String> = wanted.ports.iter().flatten().filter_map(moved).collect();
    // What a file does not say is the image's, or the engine's.
    let memory = wanted.mem_limit.as_ref().and_then(|limit| limit.parse::<u64>().ok());
    let others = [
        ("mem_limit", memory.is_some_and(|memory| memory != made.host.memory)),
        ("command", wanted.command.as_ref().is_some_and(|command| made.config.command.as_ref() != Some(command))),
        ("user", wanted.user.as_ref().is_some_and(|user| *user != made.config.user)),
    ];
    let others = others.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key.to_owned());
    let wanted = wanted.environment.unwrap_or_default();
    // One without a value comes from whoever called compose.
    let wanted = wanted.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let differs = |(key, value): &(String, String)| {
        own.get(key.as_str()).is_none_or(|own| *own != value && *own != value.replace("$$", "$"))
    };
    Ok(ports.into_iter().chain(others).chain(wanted.filter(differs).map(|(key, _)| key)).collect())
}

/// Whether a compose file takes values that these variables do not have, so that the environment of its caller decides.
pub fn depends_on_caller(file: &str, variables: &[&str]) -> bool {
    let plain = file.replace("$$", "");
    plain.split('$').skip(1).any(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        !name.is_empty() && !variables.contains(&name.as_str())
    })
}

/// Ids of images by tag, out of the engine's list of images.
///
/// # Errors
/// When it is no such list.
pub fn tags(text: &str) -> Result<BTreeMap<String, String>, Malformed> {
    #[derive(Deserialize)]
    struct Row {
        #[serde(rename = "Id")]
        id: String,
        #[serde(rename = "RepoTags")]
        tags: Option<Vec<String>>,
    }
    let rows: Vec<Row> = serde_json::from_str(text).map_err(|_| Malformed::new("images of the engine", text))?;
    let of = |row: Row| row.tags.unwrap_or_default().into_iter().map(move |tag| (tag, row.id.clone()));
    Ok(rows.into_iter().flat_map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DETAILS: &str = r#"{"Id":"x","Config":{"Env":["KEY=hunter2"],"Labels":{"com.docker.compose.project":"p","com.docker.compose.service":"s","com.docker.compose.project.config_files":"/a.yml,/b.yml","com.docker.compose.project.working_dir":"/d"}}}"#;

    #[test]
    fn what_compose_notes_of_a_container_says_how_to_ask_again() {
        let labels = Labels::parse(DETAILS).unwrap().unwrap();
        let asked =
            "docker compose --project-name p --project-directory /d --file /a.yml --file /b.yml config --format=json";
        assert_eq!(resolved(&labels).to_string(), asked);
        assert_eq!(Labels::parse(r#"{"Config":{"Labels":null}}"#), Ok(None));
        for end in 0..DETAILS.len() {
            assert!(!Labels::parse(&DETAILS[..end]).unwrap_err().to_string().contains("hunter2"));
        }
    }

    #[test]
    fn variables_that_differ_are_named_and_values_are_not() {
        let project = r#"{"services":{"s":{"environment":{"KEY":"other","SAME":"a$$b","FREE":null,"NEW":"1"}}}}"#;
        let container = r#"{"Config":{"Env":["KEY=hunter2","SAME=a$b","PATH=/bin"]}}"#;
        assert_eq!(differing(project, "s", container), Ok(vec!["KEY".to_owned(), "NEW".to_owned()]));
        assert_eq!(differing(r#"{"services":{"s":{}}}"#, "s", container), Ok(Vec::new()));
        let published = |port: &str| {
            format!(
                r#"{{"services":{{"s":{{"ports":[{{"mode":"ingress","target":80,"published":{port},"protocol":"tcp"}}]}}}}}}"#
            )
        };
        let bound = r#"{"Config":{},"HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}}}"#;
        let moved = |port: &str, made: &str| differing(&published(port), "s", made).unwrap();
        assert_eq!((moved("\"8080\"", bound), moved("8080", bound)), (vec![], vec![]));
        assert_eq!(moved("\"8081\"", bound), ["port 8081 instead of 8080"]);
        assert_eq!(moved("\"8081\"", r#"{"Config":{}}"#), ["port 8081"]);
        // The engine chooses.
        assert_eq!((moved("null", bound), moved("\"8000-8010\"", bound)), (vec![], vec![]));
        let set = |keys: &str| format!(r#"{{"services":{{"s":{{{keys}}}}}}}"#);
        let made = r#"{"Config":{"Cmd":["serve"],"User":"1000"},"HostConfig":{"Memory":2147483648}}"#;
        let same = r#""mem_limit":"2147483648","command":["serve"],"user":"1000""#;
        assert_eq!(differing(&set(same), "s", made), Ok(Vec::new()));
        let other = r#""mem_limit":"3221225472","command":["serve","-v"],"user":"0""#;
        assert_eq!(differing(&set(other), "s", made).unwrap(), ["mem_limit", "command", "user"]);
        for end in 0..container.len() {
            assert!(!differing(project, "s", &container[..end]).unwrap_err().to_string().contains("hunter2"));
        }
    }

    #[test]
    fn what_the_caller_decides_is_known_as_such() {
        for (text, depends) in [
            ("image: a:${TAG}", true),
            ("a: $X", true),
            ("a: $$X", false),
            ("a: ${SET:-1}", false),
            ("cost: 5$", false),
        ] {
            assert_eq!(depends_on_caller(text, &["SET"]), depends, "{text}");
        }
    }

    #[test]
    fn tags_name_images() {
        let text = r#"[{"Id":"sha256:1","RepoTags":["a:1","a:latest"]},{"Id":"sha256:2","RepoTags":null}]"#;
        assert_eq!(tags(text).map(|tags| tags.get("a:latest").cloned()), Ok(Some("sha256:1".to_owned())));
        assert!(tags("{}").is_err());
    }

    #[test]
    fn services_and_container_names_are_kept_and_nothing_else() {
        let text = r#"{"name":"infra","services":{"web":{"container_name":"ai-fsm-web","environment":{"K":"hunter2"}},"w":{}}}"#;
        let project = parse(text).unwrap();
        assert_eq!(project.services["web"].container_name.as_deref(), Some("ai-fsm-web"));
        assert_eq!(project.services["w"].container_name, None);
        assert!(!format!("{project:?}").contains("hunter2"));
        assert!(!format!("{:?}", parse(&text[..text.len() - 1])).contains("hunter2"));
    }
}
