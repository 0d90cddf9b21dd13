//! The documents of commands: one serializable value each, with its view as text. Rendering is the next step, in
//! [`crate::ui`]; nothing here prints.

pub mod action;
pub mod attempt;
pub mod backup;
pub mod backups;
pub mod brief;
pub mod bundle;
pub mod channels;
pub mod check;
pub mod check_nagios;
pub mod check_prom;
pub mod checked;
pub mod checks;
pub mod demo;
pub mod describe;
pub mod diagnosis;
pub mod discover;
pub mod error;
pub mod explain;
pub mod explain_release;
pub mod failure;
pub mod history;
pub mod list;
pub mod lock;
pub mod logs;
pub mod maintenance;
pub mod new;
pub mod problem;
pub mod procedure;
pub mod release;
pub mod restore;
pub mod run;
pub mod schedule;
pub mod status;
pub mod verify;
pub mod version;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::system::System;
use crate::registry::{Deployment, Verdict};

/// What every document begins with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Head {
    /// Name and version of the document's form.
    pub schema: &'static str,
    /// Version of opsctl.
    pub opsctl: &'static str,
    /// Deployment; `null` when none is chosen.
    pub deployment: Option<String>,
    /// Name of this host.
    pub host: String,
    /// When the document was made.
    pub time: Timestamp,
    /// Verdict.
    pub verdict: Verdict,
    /// Exit code of the command.
    #[schemars(with = "u8")]
    pub exit_code: Exit,
    /// Error of the command itself; `null` when there is none.
    pub error: Option<ErrorBody>,
}

impl Head {
    /// Of a document about this deployment.
    pub fn of(
        system: &System,
        schema: &'static str,
        deployment: &Deployment,
        verdict: Verdict,
        exit_code: Exit,
    ) -> Self {
        Head {
            schema,
            opsctl: env!("CARGO_PKG_VERSION"),
            deployment: Some(deployment.name.to_owned()),
            host: system.host_name(),
            time: system.now(),
            verdict,
            exit_code,
            error: None,
        }
    }

    /// Of a document that is only an error, of a command about this deployment as far as that was known.
    pub fn of_error(system: &System, deployment: Option<&Deployment>, error: &Error) -> Self {
        Head {
            schema: "opsctl/error/v1",
            opsctl: env!("CARGO_PKG_VERSION"),
            deployment: deployment.map(|deployment| deployment.name.to_owned()),
            host: system.host_name(),
            time: system.now(),
            verdict: Verdict::Unknown,
            exit_code: error.exit,
            error: Some(ErrorBody { code: error.code, message: error.message.clone(), hint: error.hint.clone() }),
        }
    }
}

/// An error as part of a document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorBody {
    /// Stable word for scripts.
    #[schemars(with = "String")]
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// Next command to try.
    pub hint: Option<String>,
}

/// The documents and their JSON Schemas, by name.
pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
    vec![
        ("status", schemars::schema_for!(status::Status)),
        ("check", schemars::schema_for!(check::Check)),
        ("channels", schemars::schema_for!(channels::Channels)),
        ("checks", schemars::schema_for!(checks::Checks)),
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
        ("run", schemars::schema_for!(run::Run)),
        ("runs", schemars::schema_for!(run::Runs)),
        ("procedures", schemars::schema_for!(procedure::Procedures)),
        ("explain-procedure", schemars::schema_for!(procedure::ProcedureFacts)),
        ("history", schemars::schema_for!(history::History)),
        ("lock", schemars::schema_for!(lock::LockFacts)),
        ("schedule", schemars::schema_for!(schedule::Schedule)),
        ("maintenance", schemars::schema_for!(maintenance::MaintenanceFacts)),
        ("logs", schemars::schema_for!(crate::observe::logs::line::Line<'static>)),
        ("verify", schemars::schema_for!(verify::Drift)),
        ("describe", schemars::schema_for!(describe::Description)),
        ("discover", schemars::schema_for!(discover::Discovery)),
        ("new", schemars::schema_for!(new::Crate)),
        ("version", schemars::schema_for!(version::Build)),
        ("error", schemars::schema_for!(error::Failure)),
    ]
}
