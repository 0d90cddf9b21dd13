//! Whose a key of a shared env file is.

use crate::registry::{Deployment, Service};

/// Whether a key of its env file is that of other services with the same file, as the registry states, and none of its own: a change
/// of it is no matter of this one.
pub fn is_of_others(deployment: &Deployment, service: &Service, key: &str) -> bool {
    let Some(env) = &service.env else { return false };
    let has = |other: &Service| super::super::values::keys(other).any(|name| name == key);
    let shares = |other: &&&Service| {
        let paths = other.env.as_ref().map_or(&[] as &[&str], |env| env.paths);
        other.name != service.name && paths.iter().any(|path| env.paths.contains(path))
    };
    !has(service) && deployment.services.iter().filter(shares).any(|other| has(other))
}
