//! The deployments that this program was compiled with.

use std::sync::OnceLock;

use super::{Deployment, LOCALHOST};

static DEPLOYMENTS: OnceLock<Vec<&'static Deployment>> = OnceLock::new();

/// Makes these deployments, and `localhost`, the ones that names on the command line mean.
pub(crate) fn set_deployments(deployments: &[&'static Deployment]) {
    // Set once, by the first call: a process has one registry.
    let _ = DEPLOYMENTS.set(deployments.to_vec());
}

/// All deployments, `localhost` last.
pub(crate) fn deployments() -> impl Iterator<Item = &'static Deployment> {
    DEPLOYMENTS.get().into_iter().flatten().copied().chain([&LOCALHOST])
}
