//! Env files of this host, each as the program understands it that reads it.

use std::io;
use std::path::Path;

use super::{Trouble, of_file};
use crate::envfile::{self, Reading, Value};
use crate::host::system::System;
use crate::registry::{EnvReader, Manager, Secret, Service};

/// No env file is longer, bytes.
const LONGEST: u64 = 4 << 20;

/// The env file of a service at this path.
pub(crate) fn of_service(system: &System, service: &Service, path: &str) -> io::Result<Reading> {
    let compose = service.managers.iter().find_map(|manager| match manager {
        Manager::Compose(compose) => Some(compose.files),
        Manager::Systemd(_) | Manager::Docker(_) | Manager::Pm2(_) => None,
    });
    let project = compose.and_then(|files| system.first_existing(files).ok().flatten());
    file(system, path, service.env_reader(), project.unwrap_or(path))
}

/// The env file at this path, as systemd reads those of units.
pub(crate) fn of_systemd(system: &System, path: &str) -> io::Result<Reading> {
    file(system, path, EnvReader::Systemd, path)
}

/// A file that this program reads, which is that of a compose project for the project of `beside`.
fn file(system: &System, path: &str, reader: EnvReader, beside: &str) -> io::Result<Reading> {
    let content = system.read_bytes(path, LONGEST)?;
    Ok(match reader {
        EnvReader::Compose => {
            // Compose reads this one first, and fills in variables from it.
            let project = Path::new(beside).parent().and_then(|dir| system.read_bytes(dir.join(".env"), LONGEST).ok());
            envfile::read_in_project(&content, &project.unwrap_or_default())
        }
        EnvReader::Systemd | EnvReader::Docker | EnvReader::Dotenv => envfile::read(reader, &content, envfile::NOWHERE),
    })
}

/// The value of a named secret.
pub(crate) fn secret(system: &System, secret: &Secret) -> Result<String, Trouble> {
    let Secret { file: path, key, reader } = *secret;
    let reading = file(system, path, reader, path).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => Trouble::denied("to read its password"),
        _ => of_file(path, &error),
    })?;
    match reading.get(key) {
        Some(Value::Known(value)) => Ok(value.clone()),
        Some(Value::Unknown(why)) => Err(Trouble::Unavailable(format!("{key} in {path}: {why}"))),
        None => Err(Trouble::Failed(not_set(&reading, key, path))),
    }
}

/// That a key is not set in a file, and why, where the file seems to set it.
pub(crate) fn not_set(reading: &Reading, key: &str, path: &str) -> String {
    match (reading.refusal(), reading.why_not(key)) {
        (Some(refusal), _) => format!("{key} is not set in {path}: {refusal}"),
        (None, Some(why)) => format!("{key} is not set in {path}: {why}"),
        (None, None) => format!("{key} is not set in {path}"),
    }
}
