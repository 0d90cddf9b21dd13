//! Which deployment, services and backup sets are meant.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use crate::error::{Code, Error};
use crate::host::system::System;
use crate::host::trouble::Trouble;
use crate::program;
use crate::registry::loaded::deployments;
use crate::registry::{BackupSet, DEPLOYMENTS, Deployment, LOCALHOST, Manager, Service};

/// The services that these words mean; all when there are none. Several stand in one word with commas between them.
///
/// # Errors
/// When a word means no service of the deployment, or several and is no pattern.
pub fn services(
    system: &System,
    deployment: &'static Deployment,
    words: &[String],
) -> Result<Vec<&'static Service>, Error> {
    if words.is_empty() {
        return Ok(deployment.services.to_vec());
    }
    let mut found: Vec<&'static Service> = Vec::new();
    for word in listed(words) {
        let named = meant(deployment, word)?;
        if named.is_empty() {
            return Err(unknown_service(system, deployment, word));
        }
        for service in named {
            if found.iter().all(|other| other.name != service.name) {
                found.push(service);
            }
        }
    }
    Ok(found)
}

/// The words between the commas.
pub fn listed(words: &[String]) -> impl Iterator<Item = &str> {
    words.iter().flat_map(|word| {
        let parts = word.split(',').map(str::trim);
        parts.filter(move |part| !part.is_empty() || !word.contains(','))
    })
}

/// The services that one word means: the service of that exact name, else those that a manager or a pattern calls so.
///
/// # Errors
/// When it is a malformed pattern, or a name of several.
pub fn meant(deployment: &'static Deployment, word: &str) -> Result<Vec<&'static Service>, Error> {
    if let Some(service) = deployment.service(word) {
        return Ok(vec![service]);
    }
    let all = deployment.services.iter().copied();
    if let Some(pattern) = pattern(word)? {
        let fits = |service: &&Service| {
            pattern.matches(service.name)
                || service.managers.iter().any(|m| is_called(m, &|name| pattern.matches(name)))
        };
        return Ok(all.filter(fits).collect());
    }
    let found: Vec<_> =
        all.filter(|service| service.managers.iter().any(|m| is_called(m, &|name| name == word))).collect();
    // A unit's whole name means the unit: what a user calls an application contests it not.
    let is_unit = |service: &&&'static Service| {
        service.managers.iter().any(|manager| matches!(manager, Manager::Systemd(unit) if unit.is_called(word)))
    };
    let units: Vec<&'static Service> = found.iter().filter(is_unit).copied().collect();
    match (&found[..], &units[..]) {
        ([] | [_], _) => Ok(found),
        (_, [_]) => Ok(units),
        _ => {
            let names: Vec<&str> = found.iter().map(|service| service.name).collect();
            let message = format!("{word} means several services of {}: {}", deployment.name, names.join(", "));
            Err(Error::usage(Code::AmbiguousName, message).hint(format!("name one of them: {}", names[0])))
        }
    }
}

/// The backup sets that these words mean, which are names, patterns, or several with commas between them; none when there are no
/// words.
///
/// # Errors
/// When a word means no set of the deployment.
pub fn sets(
    system: &System,
    deployment: &'static Deployment,
    words: &[String],
) -> Result<Vec<&'static BackupSet>, Error> {
    let mut found: Vec<&'static BackupSet> = Vec::new();
    for word in listed(words) {
        let named = meant_sets(deployment, word)?;
        if named.is_empty() {
            return Err(unknown_set(system, deployment, word));
        }
        found.extend(named);
    }
    if found.is_empty() && !words.is_empty() {
        let error = Error::usage(Code::UnknownSet, "no backup set was named");
        return Err(error.hint(program::command("get backups")));
    }
    let mut names = HashSet::new();
    found.retain(|set| names.insert(set.name));
    Ok(found)
}

fn meant_sets(deployment: &'static Deployment, word: &str) -> Result<Vec<&'static BackupSet>, Error> {
    Ok(match pattern(word)? {
        Some(pattern) => deployment.backups.iter().filter(|set| pattern.matches(set.name)).collect(),
        None => deployment.backup(word).into_iter().collect(),
    })
}

/// A deployment's sets are all listed where a pattern fits none; another deployment is named only where it is on this host.
fn unknown_set(system: &System, deployment: &'static Deployment, word: &str) -> Error {
    let known = deployment.backups.iter().map(|set| set.name);
    if is_pattern(word) {
        return Error::usage(Code::UnknownSet, format!("no backup set of {} matches {word}", deployment.name))
            .hint(format!("known: {}", known.collect::<Vec<_>>().join(", ")));
    }
    let error = Error::no_such(Code::UnknownSet, &format!("backup set of {}", deployment.name), word, known);
    let has = |other: &&&'static Deployment| other.backup(word).is_some();
    match detect(system).iter().find(has) {
        Some(other) => error.hint(format!("{} has it: -d {}", other.name, other.name)),
        None if word == "all" => error.hint("every scheduled set is meant when none is named; '*' is every set"),
        None => error,
    }
}

fn is_pattern(word: &str) -> bool {
    word.contains(['*', '?'])
}

/// What a word stands for that is no name; `None` for a name.
fn pattern(word: &str) -> Result<Option<glob::Pattern>, Error> {
    let made = is_pattern(word).then(|| glob::Pattern::new(word)).transpose();
    made.map_err(|error| Error::usage(Code::BadArgument, format!("{word} is not a pattern: {error}")))
}

/// Whether a manager calls a service so: unit with or without its suffix, container, compose service, pm2 application.
fn is_called(manager: &Manager, is: &dyn Fn(&str) -> bool) -> bool {
    match manager {
        Manager::Systemd(unit) => std::iter::once(&unit.name)
            .chain(unit.aliases)
            .any(|name| is(name) || name.rsplit_once('.').is_some_and(|(stem, _)| is(stem))),
        Manager::Compose(compose) => {
            is(compose.service)
                || compose.container.is_some_and(is)
                || ["-", "_"].iter().any(|dash| is(&format!("{}{dash}{}{dash}1", compose.project, compose.service)))
        }
        Manager::Docker(container) => container.names.iter().any(|name| is(name)),
        Manager::Pm2(app) => is(app.name),
    }
}

/// With the flag that somebody means by the word `all`.
pub fn or_all(error: Error, words: &[String]) -> Error {
    let is_all = error.code == Code::UnknownService && words.iter().any(|word| word == "all");
    if is_all { error.hint(format!("did you mean: {}", program::instead("all", "--all"))) } else { error }
}

/// Another deployment is named only where it is on this host.
fn unknown_service(system: &System, deployment: &'static Deployment, word: &str) -> Error {
    if is_pattern(word) {
        let names: Vec<&str> = deployment.services.iter().map(|service| service.name).collect();
        return Error::usage(Code::UnknownService, format!("no service of {} matches {word}", deployment.name))
            .hint(format!("known: {}", names.join(", ")));
    }
    let what = format!("service of {}", deployment.name);
    let error = Error::no_such(Code::UnknownService, &what, word, deployment.services.iter().map(|s| s.name));
    let has = |other: &&&'static Deployment| meant(other, word).is_ok_and(|found| !found.is_empty());
    match detect(system).iter().find(has) {
        Some(other) => error.hint(format!("{} has it: -d {}", other.name, other.name)),
        None if word == "all" => error.hint("every service is meant when none is named"),
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

/// Names of the deployments of somebody's own program. The stock one serves any host, and has none of its own.
pub fn own() -> Vec<&'static str> {
    let is_stock = |name: &str| DEPLOYMENTS.iter().chain([&&LOCALHOST]).any(|stock| stock.name == name);
    deployments().map(|deployment| deployment.name).filter(|name| !is_stock(name)).collect()
}

/// Those of them that show any.
pub fn detected(signs: &[(&'static Deployment, io::Result<bool>)]) -> Vec<&'static Deployment> {
    signs.iter().filter(|(_, found)| matches!(found, Ok(true))).map(|(deployment, _)| *deployment).collect()
}

/// The deployments whose signs cannot be checked, and why: those alone of which this host has a unit file, too, because on
/// most hosts a path that only root can read is there anyway.
pub fn hidden(system: &System, signs: &[(&'static Deployment, io::Result<bool>)]) -> Vec<(&'static str, String)> {
    let why = |error: &io::Error| Trouble::from_io(error).to_string();
    let unseen = signs.iter().filter_map(|(deployment, found)| Some((*deployment, found.as_ref().err()?)));
    unseen
        .filter(|(deployment, error)| is_of_a_mount_that_hangs(error) || has_own_unit(system, deployment))
        .map(|(deployment, error)| (deployment.name, why(error)))
        .collect()
}

/// Whether nothing but the mount is why a sign could not be looked for.
fn is_of_a_mount_that_hangs(error: &io::Error) -> bool {
    is_of_a_mount(error) && error.kind() != io::ErrorKind::PermissionDenied
}

/// Whether the administrator's units have one of a deployment that no well-known service has.
fn has_own_unit(system: &System, deployment: &Deployment) -> bool {
    let units = |deployment: &Deployment| -> Vec<&'static str> {
        let managers = deployment.services.iter().flat_map(|service| service.managers);
        managers.filter(|manager| matches!(manager, Manager::Systemd(_))).map(Manager::unit).collect()
    };
    let usual = units(&LOCALHOST);
    let own = units(deployment).into_iter().filter(|unit| !usual.contains(unit));
    let paths: Vec<String> = own.map(|unit| format!("/etc/systemd/system/{unit}")).collect();
    system.which_exist(paths.iter().map(String::as_str)).iter().any(|found| matches!(found, Ok(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> &'static Deployment {
        let mut all = crate::registry::DEPLOYMENTS.iter().copied().chain([&crate::registry::LOCALHOST]);
        all.find(|known| known.name == name).unwrap()
    }

    fn names(deployment: &str, word: &str) -> Result<Vec<&'static str>, String> {
        let deployment = known(deployment);
        let words = [word.to_owned()];
        services(&System::real(), deployment, &words)
            .map(|found| found.iter().map(|service| service.name).collect())
            .map_err(|error| format!("{}; {}", error.message, error.hint.unwrap_or_default()))
    }

    #[test]
    fn services_are_known_by_the_names_of_their_managers() {
        for word in ["wallet", "prim-wallet", "prim-wallet.service", "wallet,", ",wallet,wallet"] {
            assert_eq!(names("prim", word), Ok(vec!["wallet"]), "{word}");
        }
        assert_eq!(names("prim", "wallet,store"), Ok(vec!["wallet", "store"]));
        assert!(names("prim", "prim-*").unwrap().len() > 2);
        assert_eq!(names("prim", "*").unwrap().len(), known("prim").services.len());
        assert_eq!(names("localhost", "redis-server").unwrap(), ["redis"]);
        for word in ["", ",", "wallet.timer", "prim-", "WALLET", "nothing-*"] {
            assert!(names("prim", word).is_err() || names("prim", word) == Ok(vec![]), "{word}");
        }
    }

    #[test]
    fn a_part_of_a_name_is_suggested() {
        assert!(names("plugspace", "api").unwrap_err().ends_with("did you mean: plugspace-api"));
        assert!(names("prim", "all").unwrap_err().ends_with("every service is meant when none is named"));
    }

    #[test]
    fn sets_are_named_as_services_are() {
        let found = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            sets(&System::real(), known("prim"), &words)
                .map(|found| found.iter().map(|set| set.name).collect::<Vec<_>>())
                .map_err(|error| format!("{}; {}", error.message, error.hint.unwrap_or_default()))
        };
        assert_eq!(found(&["wallet,store"]), Ok(vec!["wallet", "store"]));
        assert_eq!(found(&["store, wallet,", "wallet", "s?ore"]), Ok(vec!["store", "wallet"]));
        assert_eq!(found(&["w*"]), Ok(vec!["wallet"]));
        assert_eq!(found(&["*"]).unwrap().len(), known("prim").backups.len());
        assert_eq!(found(&[]), Ok(vec![]));
        assert!(found(&["wallet,walet"]).unwrap_err().ends_with("is called walet; did you mean: wallet"));
        assert!(found(&["z*"]).unwrap_err().starts_with("no backup set of prim matches z*; known: wallet, "));
        assert!(found(&["w**x*"]).unwrap_err().contains("is not a pattern"));
        assert!(found(&["all"]).unwrap_err().ends_with("'*' is every set"));
        for nothing in [&[","] as &[&str], &[""], &["wallet,", ""]] {
            assert!(found(nothing).is_err(), "{nothing:?}");
        }
    }
}
