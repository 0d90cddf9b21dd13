//! How new versions come to a deployment, as `explain` tells it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::host::tools::Argv;
use crate::registry::{Release, Schema, Switch, Task};

/// How new versions come.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReleaseWay {
    /// Where the working copy is that they are made of, the first that exists; empty where they come as images alone.
    pub source: Vec<&'static str>,
    /// The branch that is live; `null` where there is no working copy.
    pub branch: Option<&'static str>,
    /// Images that services run.
    pub images: Vec<ImageWay>,
    /// Build commands, run as the owner of the source before any running service is changed.
    pub build: Vec<String>,
    /// How the database schema is migrated; `null` where it is not.
    pub schema: Option<String>,
    /// Services that run the version, in the order in which they are switched.
    pub services: Vec<&'static str>,
    /// How they are switched.
    pub switch: String,
    /// Space that must be free, bytes.
    pub free_bytes: u64,
    /// The same as `not_rolled_back`.
    #[schemars(extend("deprecated" = true))]
    pub stays: &'static str,
    /// What a rollback does not undo.
    pub not_rolled_back: &'static str,
    /// Further notes.
    pub note: Option<&'static str>,
}

/// An image that a service runs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImageWay {
    /// The service.
    pub service: &'static str,
    /// The name that it runs.
    pub tag: &'static str,
    /// Name that keeps the previous image.
    pub previous: &'static str,
}

impl ReleaseWay {
    /// As the registry has it.
    pub fn new(release: &'static Release) -> Self {
        let images = release.images.iter().map(|image| ImageWay {
            service: image.service.name,
            tag: image.tag,
            previous: image.previous,
        });
        ReleaseWay {
            source: release.source.to_vec(),
            branch: (!release.source.is_empty()).then_some(release.branch),
            images: images.collect(),
            build: release.build.iter().map(command).collect(),
            schema: release.schema.as_ref().map(|schema| schema_of(schema, release.backups)),
            services: release.services.iter().map(|service| service.name).collect(),
            switch: match &release.switch {
                Switch::Restart => "each is restarted".to_owned(),
                Switch::Reload => "each is reloaded, instance by instance".to_owned(),
                Switch::Compose { project, file, .. } => {
                    format!("compose recreates changed containers: project {project}, file {file}")
                }
            },
            free_bytes: release.free_bytes,
            stays: release.stays,
            not_rolled_back: release.stays,
            note: release.note,
        }
    }

    /// As lines.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(branch) = self.branch {
            lines.push(format!("from {}, branch {branch}", self.source.join(" or ")));
        }
        let images = self.images.iter();
        lines.extend(
            images.map(|image| format!("{} runs {}, previous image {}", image.service, image.tag, image.previous)),
        );
        lines.extend(self.build.iter().map(|command| format!("build: {command}")));
        lines.extend(self.schema.iter().map(|schema| format!("schema: {schema}")));
        lines.push(format!("switch {}: {}", self.services.join(", "), self.switch));
        lines.push(format!("not rolled back: {}", self.not_rolled_back));
        lines.extend(self.note.map(str::to_owned));
        lines
    }
}

/// A task as it would be typed in the working copy.
fn command(task: &Task) -> String {
    Argv::new(task.program, task.args.iter().map(|arg| arg.replace("{source}", "."))).to_string()
}

fn schema_of(schema: &Schema, backups: &[&str]) -> String {
    let asked = format!("requires a backup of the last 24 h in {}", backups.join(" or "));
    match schema {
        Schema::Migrations { directory, except, container } => {
            format!("new files of {directory}, but none named {except}, once each in {container}; {asked}")
        }
        Schema::Push(task) => format!("{}; {asked}", command(task)),
    }
}
