//! Which deployment and which services are meant.

use std::io;

use crate::error::{Code, Error};
use crate::host::system::System;
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

/// The deployments that this host shows signs of.
pub fn detect(system: &System) -> Vec<&'static Deployment> {
    deployments().filter(|deployment| matches!(is_here(system, deployment), Ok(true))).collect()
}

/// Whether this host shows a sign of a deployment. For root, a sign that is there and refused (its user put a link in its
/// place) is a sign: nobody hides a deployment from root by what opsctl does not follow.
fn is_here(system: &System, deployment: &Deployment) -> io::Result<bool> {
    match system.first_existing(deployment.detect) {
        Ok(found) => Ok(found.is_some()),
        Err(error) if system.is_root() && error.kind() != io::ErrorKind::TimedOut => Ok(true),
        Err(error) => Err(error),
    }
}

/// The deployments whose signs cannot be checked, and why.
pub fn hidden(system: &System) -> Vec<(&'static str, String)> {
    let why = |error: &io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => "needs root".to_owned(),
        _ => error.to_string(),
    };
    deployments().filter_map(|d| Some((d.name, why(&is_here(system, d).err()?)))).collect()
}
