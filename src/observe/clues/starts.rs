//! Whether a service that runs could be started once more: its program, the script that it runs, and its working directory. What may
//! not be seen is no answer.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

use super::{Wants, host::unit};
use crate::host::files::reach::Use;
use crate::host::system::System;
use crate::host::tools::command::Command;
use crate::host::tools::program_file::{self, Head};
use crate::host::tools::systemctl::UnitState;
use crate::host::tools::unit_file;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, ManagerEvidence};
use crate::registry::Service;

/// What would keep it from starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The path that is at fault.
    pub path: String,
    /// What is wrong with it, as the rest of a sentence that begins with the path.
    pub what: String,
    /// The command that shows it.
    pub command: Command,
}

/// Looks at all services that are wanted, with their names.
pub fn look_at_all<'w>(
    system: &System,
    managers: &ManagerEvidence,
    wants: &'w Wants,
) -> impl Iterator<Item = (&'static str, Answer<Vec<Obstacle>>)> + use<'w> {
    let one = |(name, service): (&&'static str, &&'static Service)| {
        let unit = unit(service, managers).filter(|unit| unit.active == "active" && unit.main_pid.is_some());
        let command = Command::new(["systemctl", "cat", unit.map_or(*name, |unit| unit.id.as_str())]);
        (*name, Answer { command, result: unit.map_or_else(|| Ok(Vec::new()), |unit| look(system, unit)) })
    };
    wants.starts.iter().map(one).collect::<Vec<_>>().into_iter()
}

fn look(system: &System, unit: &UnitState) -> Result<Vec<Obstacle>, Trouble> {
    let files = unit.output.iter().flat_map(|output| &output.files);
    let texts = files.filter_map(|path| Some(unit_file::settings(path, &system.read_once(path).ok()?)));
    let settings: Vec<_> = texts.flatten().collect();
    let has = |key: &str| unit_file::last(&settings, key).is_some();
    // In another root paths are other ones.
    if has("RootDirectory") || has("RootImage") {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let directory = unit.working_directory.as_str();
    if directory.starts_with('/') {
        found.extend(wrong(system, directory, true)?);
    }
    let exec = unit_file::list(&settings, "ExecStart");
    let command = exec.first().and_then(|setting| program_file::command(&setting.value));
    let Some((program, script)) = command.filter(|_| found.is_empty()) else { return Ok(found) };
    match wrong(system, program, false)? {
        Some(obstacle) => found.push(obstacle),
        None => found.extend(unusable(system, program)),
    }
    let barred = || {
        let account = system.account(|account| account.name == unit.user)?;
        let bar = system.barred(program, account.uid, account.gid, Use::Execute).ok()??;
        Some(obstacle(&bar, format!("keeps {} from running {program}", unit.user)))
    };
    if found.is_empty() && !unit.user.is_empty() {
        found.extend(barred());
    }
    let script = script.and_then(|script| match script.starts_with('/') {
        true => Some(script.to_owned()),
        false => directory.starts_with('/').then(|| format!("{}/{script}", directory.trim_end_matches('/'))),
    });
    if let Some(script) = script {
        found.extend(wrong(system, &script, false)?);
    }
    Ok(found)
}

fn obstacle(path: &str, what: impl Into<String>) -> Obstacle {
    Obstacle { path: path.to_owned(), what: what.into(), command: Command::new(["ls", "-ld", path]) }
}

/// What is wrong with the kind of something at a path.
fn wrong(system: &System, path: &str, is_directory: bool) -> Result<Option<Obstacle>, Trouble> {
    Ok(match system.metadata(path) {
        Ok(meta) if is_directory && !meta.is_dir() => Some(obstacle(path, "is not a directory")),
        Ok(meta) if !is_directory && meta.is_dir() => Some(obstacle(path, "is a directory")),
        Ok(meta) if !is_directory && meta.len() == 0 && meta.is_file() => Some(obstacle(path, "is empty")),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Some(obstacle(path, "does not exist"))
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(Trouble::denied("to read its unit's program"));
        }
        Ok(_) | Err(_) => None,
    })
}

/// Why the kernel would not run a file.
fn unusable(system: &System, program: &str) -> Option<Obstacle> {
    let meta = system.metadata(program).ok()?;
    if meta.is_file() && meta.mode() & 0o111 == 0 {
        return Some(obstacle(program, format!("is not executable (mode {:04o})", meta.mode() & 0o7777)));
    }
    match program_file::head(&system.read_bytes(program, program_file::ENOUGH).ok()?) {
        Head::Elf(machine) => {
            let foreign = program_file::foreign(machine, std::env::consts::ARCH)?;
            // An emulator may run it.
            let formats = system.names("/proc/sys/fs/binfmt_misc").unwrap_or_default();
            let emulated = formats.iter().any(|name| name.to_string_lossy().starts_with("qemu"));
            let what = format!("is a program for {foreign}, and this host is {}", std::env::consts::ARCH);
            (!emulated).then(|| Obstacle { command: Command::new(["file", "-L", program]), ..obstacle(program, what) })
        }
        Head::Script(interpreter) => {
            let missing =
                wrong(system, &interpreter, false).ok().flatten().filter(|found| found.what == "does not exist");
            missing.map(|_| obstacle(program, format!("needs {interpreter}, which does not exist")))
        }
        Head::Empty => Some(obstacle(program, "is empty")),
        Head::Other => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::host::tools::unit_output::UnitOutput;

    /// A made-up root with a unit, its program and its script.
    fn root(name: &str, exec: &str) -> (System, UnitState) {
        let root = std::env::temp_dir().join(format!("opsctl-starts-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for made in ["bin", "srv/mill", "etc"] {
            fs::create_dir_all(root.join(made)).unwrap();
        }
        fs::write(root.join("bin/node"), "#!/bin/sh\n").unwrap();
        fs::write(root.join("bin/sh"), "x").unwrap();
        fs::set_permissions(root.join("bin/node"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(root.join("srv/mill/x.js"), "x").unwrap();
        fs::write(root.join("etc/mill.service"), format!("[Service]\nExecStart={exec}\n")).unwrap();
        let unit = UnitState {
            id: "mill.service".to_owned(),
            working_directory: "/srv/mill".to_owned(),
            output: Some(UnitOutput { files: vec!["/etc/mill.service".to_owned()], ..UnitOutput::default() }),
            ..UnitState::default()
        };
        (System { root, ..System::real() }, unit)
    }

    fn told(system: &System, unit: &UnitState) -> Vec<String> {
        look(system, unit).unwrap().iter().map(|found| format!("{} {}", found.path, found.what)).collect()
    }

    #[test]
    fn what_is_gone_or_of_another_kind_keeps_a_unit_from_starting() {
        let (system, unit) = root("kinds", "/bin/node x.js");
        let at = |path: &str| system.root.join(path);
        assert_eq!(told(&system, &unit), Vec::<String>::new());
        fs::remove_file(at("srv/mill/x.js")).unwrap();
        assert_eq!(told(&system, &unit), ["/srv/mill/x.js does not exist"]);
        fs::create_dir(at("srv/mill/x.js")).unwrap();
        assert_eq!(told(&system, &unit), ["/srv/mill/x.js is a directory"]);
        fs::remove_dir(at("srv/mill/x.js")).unwrap();
        fs::write(at("srv/mill/x.js"), "").unwrap();
        assert_eq!(told(&system, &unit), ["/srv/mill/x.js is empty"]);
        fs::write(at("srv/mill/x.js"), "x").unwrap();
        fs::set_permissions(at("bin/node"), fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(told(&system, &unit), ["/bin/node is not executable (mode 0644)"]);
        fs::set_permissions(at("bin/node"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::remove_file(at("bin/sh")).unwrap();
        assert_eq!(told(&system, &unit), ["/bin/node needs /bin/sh, which does not exist"]);
        fs::remove_dir_all(at("srv/mill")).unwrap();
        assert_eq!(told(&system, &unit), ["/srv/mill does not exist"]);
        fs::write(at("srv/mill"), "x").unwrap();
        assert_eq!(told(&system, &unit), ["/srv/mill is not a directory"]);
        let _ = fs::remove_dir_all(&system.root);
    }

    #[test]
    fn a_program_for_another_machine_is_named() {
        let (system, unit) = root("machine", "/bin/node");
        let elf = |machine: u8| {
            let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
            bytes.resize(18, 0);
            bytes.extend([machine, 0]);
            bytes.resize(64, 0);
            fs::write(system.root.join("bin/node"), bytes).unwrap();
        };
        // No machine runs both without an emulator.
        for (machine, runs_on) in [(62, "x86_64"), (183, "aarch64")] {
            elf(machine);
            assert_eq!(told(&system, &unit).is_empty(), std::env::consts::ARCH == runs_on, "{machine}");
        }
        let _ = fs::remove_dir_all(&system.root);
    }
}
