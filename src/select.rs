//! Which deployment and which services are meant.

use std::io;
use std::time::{Duration, Instant};

use crate::error::{Code, Error};
use crate::host::system::System;
use crate::host::trouble::Trouble;
use crate::registry::loaded::deployments;
use crate::registry::{Deployment, Service};

/// The services of these names; all when there are none.
///
/// # Errors
/// When the deployment has no service of that name.
pub fn services(deployment: &'static Deployment, names: &[String]) -> Result<Vec<&'static Service>, Error> {
    if names.is_empty() {
        return Ok(deployment.services.to_vec());
    }
    let mut found: Vec<&'static Service> = Vec::new();
    for name in names {
        let service = deployment.service(name).ok_or_else(|| unknown_service(deployment, name))?;
        if found.iter().all(|other| other.name != service.name) {
            found.push(service);
        }
    }
    Ok(found)
}

fn unknown_service(deployment: &'static Deployment, name: &str) -> Error {
    let what = format!("service of {}", deployment.name);
    let error = Error::no_such(Code::UnknownService, &what, name, deployment.services.iter().map(|s| s.name));
    match deployments().find(|other| other.service(name).is_some()) {
        Some(other) => error.hint(format!("{} has it: -d {}", other.name, other.name)),
        None => error,
    }
}

/// How long all file systems together are waited for when signs of deployments are looked for, unless there is more time.
pub const DETECTION: Duration = Duration::from_millis(400);

/// Which deployments this host shows signs of: looked for all at once, because any of them may lie on a mount that hangs.
pub fn signs(system: &System, limit: Duration) -> Vec<(&'static Deployment, io::Result<bool>)> {
    let system = system.with_files_until(Instant::now() + limit);
    let paths = || deployments().flat_map(|deployment| deployment.detect.iter().copied());
    let mut found = system.which_exist(paths()).into_iter();
    deployments()
        .map(|deployment| {
            let own = found.by_ref().take(deployment.detect.len());
            (deployment, is_here(&system, own))
        })
        .collect()
}

/// Whether this host shows a sign of a deployment. For root, a sign that is there and refused (its user put a link in its
/// place) is a sign: nobody hides a deployment from root by what opsctl does not follow. One on a mount that is dead or hangs
/// is none of that.
fn is_here(system: &System, signs: impl Iterator<Item = io::Result<bool>>) -> io::Result<bool> {
    let mut trouble = None;
    let mut is_here = false;
    for sign in signs {
        match sign {
            Ok(found) => is_here |= found,
            Err(error) => trouble = Some(error),
        }
    }
    match trouble {
        _ if is_here => Ok(true),
        None => Ok(false),
        Some(error) if system.is_root() && !is_of_a_mount(&error) => Ok(true),
        Some(error) => Err(error),
    }
}

/// Whether this is about a mount whose other side is gone, refuses or does not answer, not about what is there.
fn is_of_a_mount(error: &io::Error) -> bool {
    use io::ErrorKind::{HostUnreachable, NotConnected, PermissionDenied, StaleNetworkFileHandle, TimedOut};
    matches!(error.kind(), HostUnreachable | NotConnected | PermissionDenied | StaleNetworkFileHandle | TimedOut)
        || error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

/// The deployments that this host shows signs of.
pub fn detect(system: &System) -> Vec<&'static Deployment> {
    detected(&signs(system, DETECTION))
}

/// Those of them that show any.
pub fn detected(signs: &[(&'static Deployment, io::Result<bool>)]) -> Vec<&'static Deployment> {
    signs.iter().filter(|(_, found)| matches!(found, Ok(true))).map(|(deployment, _)| *deployment).collect()
}

/// The deployments whose signs cannot be checked, and why.
pub fn hidden(signs: &[(&'static Deployment, io::Result<bool>)]) -> Vec<(&'static str, String)> {
    let why = |error: &io::Error| Trouble::from_io(error).to_string();
    signs.iter().filter_map(|(deployment, found)| Some((deployment.name, why(found.as_ref().err()?)))).collect()
}
