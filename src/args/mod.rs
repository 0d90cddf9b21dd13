//! What words of the command line mean, for every verb alike.

mod complete;
mod values;

pub use complete::{
    candidate, complete_answers, complete_codes, complete_deployments, complete_failures, complete_names,
    complete_procedures, complete_services, complete_sets, complete_sources, complete_steps, complete_values, meant,
    meant_by,
};
pub use values::{Moment, moment};

pub use crate::units::span as duration;

use crate::error::{Code, Error};
use crate::registry::Deployment;
use crate::registry::loaded::deployments;

/// The deployment of this name.
///
/// # Errors
/// What is like it, where there is none.
pub fn deployment(name: &str) -> Result<&'static Deployment, String> {
    deployments().find(|deployment| deployment.name == name).ok_or_else(|| {
        let error = Error::no_such(Code::UnknownDeployment, "deployment", name, deployments().map(|d| d.name));
        format!("{}; {}", error.message, error.hint.unwrap_or_default())
    })
}
