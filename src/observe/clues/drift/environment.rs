//! The environment of a process against the env files of its unit. Values are compared here, and never leave.

use std::collections::BTreeMap;

use super::whose::is_of_others;
use super::{Older, is_later, written};
use crate::envfile::Reading;
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::tools::systemctl::UnitState;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, settings};
use crate::registry::{Deployment, Service};

/// How many keys are named.
const NAMED: usize = 5;

/// Which keys of its env files the main process of a unit was started with otherwise, where a file was written since.
pub fn look(system: &System, deployment: &Deployment, service: &Service, unit: &UnitState) -> Answer<Option<Older>> {
    let parse = |path: &str| settings::of_service(system, service, path);
    of_unit(system, unit, parse, |key| !is_of_others(deployment, service, key))
}

/// The same of any unit; `parse` reads an env file, and only keys count that `counts`.
pub fn of_unit(
    system: &System,
    unit: &UnitState,
    parse: impl Fn(&str) -> std::io::Result<Reading>,
    counts: impl Fn(&str) -> bool,
) -> Answer<Option<Older>> {
    let files: Vec<&str> =
        unit.environment_files.iter().map(String::as_str).filter(|path| path.starts_with('/')).collect();
    let command = Command::new(["ls", "-l"].into_iter().chain(files.iter().copied()));
    let compare = || -> Result<Option<Older>, Trouble> {
        let (Some(pid), Some(since)) = (unit.main_pid, unit.active_since) else { return Ok(None) };
        let mut newest = None;
        for path in &files {
            if let Some(time) = written(system, path)? {
                newest = newest.max(Some((time, *path)));
            }
        }
        let Some((time, path)) = newest.filter(|(time, _)| is_later(*time, since)) else { return Ok(None) };
        let environ = match system.read(format!("/proc/{pid}/environ")) {
            Ok(environ) => environ,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(Trouble::denied("to read the environment of its process"));
            }
            Err(error) => return Err(error.into()),
        };
        let mut reading = Reading::default();
        for path in &files {
            if let Ok(file) = parse(path) {
                reading = reading.with(file);
            }
        }
        let mut keys = differing(&environ, &reading);
        keys.retain(|key| counts(key));
        Ok((!keys.is_empty()).then(|| Older { file: path.to_owned(), written: time, since, differs: told(&keys) }))
    };
    Answer { command, result: compare() }
}

/// Keys that an environment has otherwise than a reading, or not at all.
fn differing(environ: &str, reading: &Reading) -> Vec<String> {
    let own: BTreeMap<&str, &str> = environ.split('\0').filter_map(|entry| entry.split_once('=')).collect();
    let differs = |key: &&str| {
        let value = reading.get(key).and_then(|value| value.known());
        value.is_some_and(|value| own.get(key).is_none_or(|own| *own != value))
    };
    reading.keys().into_iter().filter(differs).map(str::to_owned).collect()
}

/// Names of keys, the first few.
pub(super) fn told(keys: &[String]) -> String {
    match keys.split_at_checked(NAMED) {
        Some((named, rest)) if !rest.is_empty() => format!("{} and {} more", named.join(", "), rest.len()),
        Some(_) | None => keys.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_are_named_and_values_are_not() {
        let reading = Reading::of([("PORT", "4000"), ("SAME", "x"), ("NEW", "hunter2")]);
        let keys = differing("PORT=3000\0SAME=x\0GONE=1\0", &reading);
        assert_eq!(keys, ["PORT", "NEW"]);
        assert!(differing("PORT=4000\0SAME=x\0NEW=hunter2\0", &reading).is_empty());
        let many: Vec<String> = (0..7).map(|n| format!("K{n}")).collect();
        assert_eq!(told(&many), "K0, K1, K2, K3, K4 and 2 more");
        assert_eq!(told(&many[..5]), "K0, K1, K2, K3, K4");
    }
}
