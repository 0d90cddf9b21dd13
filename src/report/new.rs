//! `new`: the crate that was written.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::discover::Unknown;
use crate::program;
use crate::registry::Verdict;
use crate::ui::{Cell, Report, Text};

/// A crate with the registry of this host.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Crate {
    /// Common head; unknown where a source of services could not be looked at.
    #[serde(flatten)]
    pub head: Head,
    /// Its name, which is that of its directory and of the deployment.
    pub name: String,
    /// How many services its registry has.
    pub services: usize,
    /// Its files.
    pub files: Vec<Written>,
    /// Nothing was written.
    pub dry_run: bool,
    /// What could not be looked at: there may be more services.
    pub unknown: Vec<Unknown>,
}

/// A file of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Written {
    /// Path, from where the command ran.
    pub path: String,
    /// Size, bytes.
    pub bytes: usize,
}

impl Report for Crate {
    fn text(&self, page: &mut Text) {
        let name = &self.name;
        let services = match self.services {
            1 => "1 service".to_owned(),
            count => format!("{count} services"),
        };
        let done = if self.dry_run { "would be written" } else { "written" };
        page.line(&[Cell::plain(format!("{name}: {services} of {}, {done}", self.head.host))]);
        for file in &self.files {
            page.line(&[Cell::plain(format!("  {}  {} bytes", file.path, file.bytes))]);
        }
        for one in &self.unknown {
            page.outcome(Verdict::Unknown, "unknown", &[Cell::plain(format!("{}: {}", one.what, one.why))]);
        }
        let next =
            if self.dry_run { program::command(format!("new {name}")) } else { format!("cd {name} && cargo test") };
        page.labeled("next", &[Cell::command(next)]);
    }

    fn names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.path.clone()).collect()
    }
}
