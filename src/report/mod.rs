//! What a command has to say: one serializable value a document, with its view as text. Rendering is the next step, in
//! [`crate::ui`]; nothing here prints.

pub mod action;
pub mod attempt;
pub mod backup;
pub mod backups;
pub mod bundle;
pub mod diagnosis;
pub mod error;
pub mod explain;
pub mod explain_release;
pub mod failure;
pub mod history;
pub mod list;
pub mod lock;
pub mod logs;
pub mod maintenance;
pub mod release;
pub mod restore;
pub mod status;
pub mod verify;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use list::endpoint;

use crate::exit::Exit;
use crate::registry::Verdict;
use crate::ui::Text;

/// A document.
pub trait Report: Serialize {
    /// Its view for people.
    fn text(&self, page: &mut Text);

    /// The names it is about, for `-o name`.
    fn names(&self) -> Vec<String>;
}

/// What every document begins with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Head {
    /// Name and version of the document's form.
    pub schema: &'static str,
    /// Version of opsctl.
    pub opsctl: &'static str,
    /// Deployment that was looked at; `null` when none was chosen yet.
    pub deployment: Option<String>,
    /// Name of this host.
    pub host: String,
    /// When the document was made.
    pub time: Timestamp,
    /// What it comes to.
    pub verdict: Verdict,
    /// Exit code of the command.
    #[schemars(with = "u8")]
    pub exit_code: Exit,
    /// What went wrong with the command itself; `null` when nothing did.
    pub error: Option<ErrorBody>,
}

/// An error as part of a document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorBody {
    /// Stable word for scripts.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to try next.
    pub hint: Option<String>,
}

/// The documents and their JSON Schemas, by name.
pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
    vec![
        ("status", schemars::schema_for!(status::Status)),
        ("diagnosis", schemars::schema_for!(diagnosis::Diagnosis)),
        ("failures", schemars::schema_for!(failure::Failures)),
        ("explain-failure", schemars::schema_for!(failure::FailureFacts)),
        ("services", schemars::schema_for!(list::Services)),
        ("deployments", schemars::schema_for!(list::Deployments)),
        ("backup", schemars::schema_for!(backup::Backup)),
        ("backups", schemars::schema_for!(backup::Backups)),
        ("backup-proofs", schemars::schema_for!(backup::Proofs)),
        ("backup-prune", schemars::schema_for!(backup::Prune)),
        ("restore", schemars::schema_for!(restore::Restore)),
        ("backup-sets", schemars::schema_for!(backups::BackupSets)),
        ("explain-service", schemars::schema_for!(explain::ServiceFacts)),
        ("explain-deployment", schemars::schema_for!(explain::DeploymentFacts)),
        ("action", schemars::schema_for!(action::Action)),
        ("release", schemars::schema_for!(release::Release)),
        ("releases", schemars::schema_for!(release::Releases)),
        ("history", schemars::schema_for!(history::History)),
        ("lock", schemars::schema_for!(lock::LockFacts)),
        ("maintenance", schemars::schema_for!(maintenance::MaintenanceFacts)),
        ("logs", schemars::schema_for!(logs::Line<'static>)),
        ("verify", schemars::schema_for!(verify::Drift)),
        ("error", schemars::schema_for!(error::Failure)),
    ]
}
