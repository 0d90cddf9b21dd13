//! Whose a key of a shared env file is.

use crate::registry::{Deployment, EnvFile, Service};

/// Whether a key of its env file is that of other services with the same file, as the registry states, and none of its own: a change
/// of it is no matter of this one.
pub fn is_of_others(deployment: &Deployment, service: &Service, key: &str) -> bool {
    let Some(env) = &service.env else { return false };
    let has = |other: &Service| other.env.iter().flat_map(EnvFile::keys).any(|name| name == key);
    let shares = |other: &&&Service| {
        let paths = other.env.as_ref().map_or(&[] as &[&str], |env| env.paths);
        other.name != service.name && paths.iter().any(|path| env.paths.contains(path))
    };
    !has(service) && deployment.services.iter().filter(shares).any(|other| has(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::DEPLOYMENTS;

    #[test]
    fn a_key_of_a_shared_file_is_that_of_the_service_that_has_a_rule_for_it() {
        let deployment = DEPLOYMENTS.iter().find(|one| one.name == "ai-fsm").copied();
        let of = |name: &str, key: &str| {
            let service = deployment?.services.iter().find(|service| service.name == name)?;
            Some(is_of_others(deployment?, service, key))
        };
        assert_eq!((of("web", "WORKER_POLL_MS"), of("worker", "WORKER_POLL_MS")), (Some(true), Some(false)));
        assert_eq!((of("web", "AUTH_SECRET"), of("worker", "AUTH_SECRET")), (Some(false), Some(true)));
        assert_eq!((of("web", "DATABASE_URL"), of("worker", "DATABASE_URL")), (Some(false), Some(false)));
        // Nobody knows whose it is: it may be that of each.
        assert_eq!((of("web", "LOG_LEVEL"), of("worker", "LOG_LEVEL")), (Some(false), Some(false)));
    }
}
