//! The document of a command that could not do what it was asked to.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use crate::ui::Report;
use crate::ui::Text;

/// An error and nothing else.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Failure {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
}

impl Report for Failure {
    fn text(&self, _: &mut Text) {}

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}
