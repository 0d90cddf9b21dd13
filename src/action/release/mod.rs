//! New versions and back again: what runs now is looked at, steps are planned that change nothing that serves until the last
//! of them, the switch is proven by looking, and a version that turns out bad is taken back by itself.

pub mod checks;
pub mod job;
mod migrate;
pub mod plan;
pub mod record;
pub mod run;
pub mod survey;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A new version.
    New(Delivery),
    /// An earlier one: the one before, or that of this name.
    Earlier(Option<String>),
}

impl Wanted {
    /// The verb.
    pub const fn verb(&self) -> &'static str {
        match self {
            Wanted::New(_) => "redeploy",
            Wanted::Earlier(_) => "rollback",
        }
    }
}

/// How new images come to the host, where they are not built on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// They are here already, or made here.
    Here,
    /// In an archive of `docker save`.
    Load(String),
    /// From their registry, under their own names.
    Pull,
    /// From a registry under another name.
    PullAs(String),
}

/// What runs, or is to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// Commit of the working copy; `null` where there is none.
    pub revision: Option<String>,
    /// First line of that commit's message.
    pub subject: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Ids of images by the tag that services run.
    pub images: BTreeMap<String, String>,
}

impl Version {
    /// Whether both are the same: where services run images, these decide, else the commit.
    pub fn is(&self, other: &Version) -> bool {
        match self.images.is_empty() && other.images.is_empty() {
            true => self.revision == other.revision,
            false => self.images == other.images,
        }
    }

    /// Whether nothing is known of it.
    pub fn is_unknown(&self) -> bool {
        self.revision.is_none() && self.images.is_empty()
    }

    /// The name by which a person tells it from others: a commit, else an image.
    pub fn id(&self) -> String {
        match (&self.revision, self.images.values().next()) {
            (Some(revision), _) => short(revision).to_owned(),
            (None, Some(image)) => format!("image {}", short(image)),
            (None, None) => "unknown".to_owned(),
        }
    }
}

/// The beginning of a hash that is enough for people.
pub fn short(hash: &str) -> &str {
    let hash = hash.strip_prefix("sha256:").unwrap_or(hash);
    hash.get(..12).unwrap_or(hash)
}
