//! The file that node_exporter's textfile collector reads.

use std::io;
use std::path::{Component, Path};

use crate::error::{Code, Error};
use crate::host::files::publish::Directory;
use crate::host::system::System;
use crate::host::tools::quote;
use crate::program;

/// Gives the file this text, whole or not at all, readable for everybody.
///
/// # Errors
/// When the path is not absolute, is a directory or a link, or somebody else than root can change its directory; as the operating
/// system says. What was there before is unchanged.
pub fn write(system: &System, path: &str, text: &str) -> Result<(), Error> {
    const USUAL: &str = "check -o prom --textfile /var/lib/prometheus/node-exporter/opsctl.prom";
    let is_plain = Path::new(path).components().all(|part| !matches!(part, Component::ParentDir | Component::CurDir));
    if !path.starts_with('/') || path.ends_with('/') || !is_plain {
        let error = Error::usage(Code::BadArgument, format!("--textfile: {path} is not the absolute path of a file"));
        return Err(error.hint(program::command(USUAL)));
    }
    let Err(error) = system.publish(path, text.as_bytes(), 0o644, Directory::Ours) else { return Ok(()) };
    let directory = Path::new(path).parent().and_then(Path::to_str).unwrap_or("/");
    let is_refused = error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none();
    let (why, hint) = match error.kind() {
        io::ErrorKind::NotFound => {
            (format!("{directory} does not exist"), format!("install -d -m 755 {}", quote(directory)))
        }
        io::ErrorKind::IsADirectory => ("it is a directory".to_owned(), program::command(USUAL)),
        io::ErrorKind::PermissionDenied if is_refused => {
            let quoted = quote(directory);
            (error.to_string(), format!("chown root: {quoted} && chmod 755 {quoted}"))
        }
        io::ErrorKind::PermissionDenied => {
            (error.to_string(), program::as_root(format_args!("check -o prom --textfile {}", quote(path))))
        }
        io::ErrorKind::WouldBlock => {
            (error.to_string(), program::command(format_args!("check -o prom --textfile {}", quote(path))))
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (error.to_string(), program::command("diagnose disk-full"))
        }
        _ => (error.to_string(), format!("ls -ld {} {}", quote(directory), quote(path))),
    };
    let message = format!("{path} was not written: {why}");
    Err(match is_refused {
        true => Error::refused(Code::Refused, message).hint(hint),
        false => Error::failed(Code::Failed, message).hint(hint),
    })
}

#[cfg(test)]
mod tests;
