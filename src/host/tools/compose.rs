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

#[cfg(test)]
mod tests {
    use super::*;

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
