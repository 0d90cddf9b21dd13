//! `version`: which build this is.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use crate::program;
use crate::ui::{Cell, Report, Text};

/// The build.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Build {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// Commit that it was built from, shortened; `unknown` outside of a repository.
    pub commit: &'static str,
    /// Day of that commit; `unknown` outside of a repository.
    pub date: &'static str,
    /// Target triple.
    pub target: &'static str,
}

impl Build {
    /// This one.
    pub fn new(head: Head) -> Self {
        Build { head, commit: program::COMMIT, date: program::DATE, target: program::TARGET }
    }
}

impl Report for Build {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        page.line(&[Cell::plain(format!("{} {}", program::name(), program::build()))]);
    }

    fn names(&self) -> Vec<String> {
        vec![env!("CARGO_PKG_VERSION").to_owned()]
    }
}
