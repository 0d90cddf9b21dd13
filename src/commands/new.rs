//! `opsctl new NAME`: a crate with the registry of this host, ready to build.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::discover::find;
use crate::context::Context;
use crate::discover;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::files::{anchored, private};
use crate::program;
use crate::registry::{LOCALHOST, Verdict};
use crate::report::Head;
use crate::report::discover::unknown;
use crate::report::new::{Crate, Written};

/// Arguments of `new`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the deployment, and of the new directory
    #[arg(value_name = "NAME")]
    name: String,
    /// Print what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let name = &args.name;
    let plain = discover::plain_name(name);
    if plain != *name {
        return Err(Error::usage(
            Code::BadArgument,
            format!("{name} is no name: lower-case letters, digits and dashes"),
        )
        .hint(format!("did you mean: {}", program::command(format_args!("new {plain}"))))
        .into());
    }
    let directory = Path::new(name);
    if private::metadata(directory).is_ok() {
        return Err(exists(name).into());
    }
    let found = find(context);
    let files = discover::crate_files(&found, name, &context.system.host_name(), env!("CARGO_PKG_VERSION"));
    if !args.dry_run {
        write(directory, &files)?;
    }
    let verdict = if found.unknown.is_empty() { Verdict::Pass } else { Verdict::Unknown };
    let exit = Exit::of(verdict, false);
    let mut head = Head::of(context.system, "opsctl/new/v1", &LOCALHOST, verdict, exit);
    head.deployment = None;
    let files = files.iter().map(|(path, text)| Written { path: format!("{name}/{path}"), bytes: text.len() });
    context.ui.report(&Crate {
        head,
        name: name.clone(),
        services: found.services.iter().filter(|one| one.manager.is_known()).count(),
        files: files.collect(),
        dry_run: args.dry_run,
        unknown: unknown(found.unknown),
    })?;
    Ok(exit)
}

fn exists(name: &str) -> Error {
    Error::refused(Code::Exists, format!("{name} exists already, nothing was written"))
        .hint("choose another name, or move it away")
}

/// Makes the directory and the files in it; each through the directory that was made, so that nobody leads it elsewhere. What is
/// half written stays: who owns the directory above could put something else under its name before it is removed.
fn write(directory: &Path, files: &[(&str, String)]) -> Result<(), Error> {
    let name = directory.display();
    let top = made(directory).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(&name.to_string()),
        _ => Error::failed(Code::Failed, format!("{name} cannot be made: {error}; no file was written"))
            .hint("run it in a directory that you own and that can be written"),
    })?;
    fill(&top, files).map_err(|error| {
        Error::failed(Code::Failed, format!("{name} is incomplete: {error}"))
            .hint(format!("remove {name}, then run it again"))
    })
}

fn fill(top: &OwnedFd, files: &[(&str, String)]) -> io::Result<()> {
    let source = made(&anchored(top, "src"))?;
    for (path, text) in files {
        let path = match path.strip_prefix("src/") {
            Some(name) => anchored(&source, name),
            None => anchored(top, path),
        };
        private::write(&path, text)?;
    }
    Ok(())
}

/// A directory that was not there, opened.
fn made(path: &Path) -> io::Result<OwnedFd> {
    private::create_dir(path)?;
    let open = private::directory(path)?;
    let is_own = rustix::fs::fstat(&open)?.st_uid == rustix::process::geteuid().as_raw();
    if is_own { Ok(open) } else { Err(io::Error::other("somebody else changes this directory")) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn files() -> Vec<(&'static str, String)> {
        vec![("Cargo.toml", "a".to_owned()), ("src/main.rs", "b".to_owned())]
    }

    #[test]
    fn a_crate_is_written_where_nothing_was_and_nowhere_else() {
        let root = std::env::temp_dir().join(format!("opsctl-new-{}", std::process::id()));
        let elsewhere = root.join("elsewhere");
        fs::create_dir_all(&elsewhere).unwrap();
        fs::create_dir(root.join("directory")).unwrap();
        fs::write(root.join("file"), "mine").unwrap();
        symlink(&elsewhere, root.join("link")).unwrap();
        symlink(root.join("later"), root.join("dangling")).unwrap();
        for name in ["directory", "file", "link", "dangling"] {
            let error = write(&root.join(name), &files()).unwrap_err();
            assert_eq!((error.exit, error.code), (Exit::Refused, Code::Exists), "{name}");
        }
        assert_eq!(
            fs::read_dir(&elsewhere).unwrap().count() + fs::read_dir(root.join("directory")).unwrap().count(),
            0
        );
        assert_eq!(fs::read_to_string(root.join("file")).unwrap(), "mine");
        assert!(!root.join("later").exists());
        write(&root.join("new"), &files()).unwrap();
        assert_eq!(fs::read_to_string(root.join("new/src/main.rs")).unwrap(), "b");
        assert_eq!(fs::metadata(root.join("new")).unwrap().permissions().mode() & 0o777, 0o700);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_cannot_be_written_is_said_with_the_next_step() {
        let error = write(Path::new("/proc/self/opsctl-new"), &files()).unwrap_err();
        assert_eq!(error.exit, Exit::Failure);
        assert!(error.to_string().contains("no file was written") && error.hint.is_some(), "{error}");
        let root = std::env::temp_dir().join(format!("opsctl-new-half-{}", std::process::id()));
        let error = write(&root, &[files(), files()].concat()).unwrap_err();
        assert_eq!(error.exit, Exit::Failure);
        assert!(error.to_string().contains("is incomplete") && error.hint.is_some(), "{error}");
        fs::remove_dir_all(root).unwrap();
    }
}
