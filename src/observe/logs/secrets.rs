//! The secrets of a deployment, kept out of whatever is quoted from outside.

use crate::host::system::System;
use crate::redact::{self, Redactor};
use crate::registry::{Deployment, NOTIFY_ENV, Probe, Service};

/// Keeps the secrets of these services out, whoever prints them.
fn redactor(system: &System, services: &[&'static Service]) -> Redactor {
    /// Ten times what env files have; whoever writes more has no secrets in there that others know.
    const MOST: usize = 128 << 10;
    let envs = services.iter().filter_map(|service| service.env.as_ref());
    let mut paths: Vec<&str> = envs.flat_map(|env| env.paths).copied().collect();
    paths
        .extend(services.iter().flat_map(|service| service.probes).filter_map(Probe::secret).map(|secret| secret.file));
    paths.sort_unstable();
    paths.dedup();
    let files: Vec<String> = paths.iter().filter_map(|path| system.read(path).ok()).collect();
    let notify = system.read(NOTIFY_ENV).ok();
    let begin = |file: &'_ String| file.floor_char_boundary(MOST);
    Redactor::of_settings_and(
        files.iter().map(|file| &file[..begin(file)]),
        notify.as_ref().map(|file| &file[..begin(file)]),
    )
}

/// Has the secrets of a deployment kept out of whatever is quoted from outside.
pub(crate) fn keep_secret(system: &System, deployment: &'static Deployment) {
    let system = system.clone();
    redact::keep_secret(move || redactor(&system, deployment.services));
}
