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
use crate::ui::Ui;

/// Arguments of `new`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the deployment, and of the directory that is made
    #[arg(value_name = "NAME")]
    name: String,
    /// Print what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let name = &args.name;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.ends_with('-') || !name.chars().all(fits) {
        let plain = discover::plain_name(name);
        return Err(Error::usage(
            Code::BadArgument,
            format!("{name} is no name: lower-case letters, digits and dashes"),
        )
        .hint(format!("did you mean: {}", program::instead(name, &plain)))
        .into());
    }
    let directory = Path::new(name);
    if private::metadata(directory).is_ok() {
        return Err(Error::refused(Code::Exists, format!("{name} exists already, nothing was written"))
            .hint("choose another name, or move it away")
            .into());
    }
    let found = find(context);
    let files = discover::crate_files(&found, name, &context.system.host_name(), env!("CARGO_PKG_VERSION"));
    if args.dry_run {
        let list: Vec<String> =
            files.iter().map(|(path, text)| format!("{name}/{path}  {} bytes\n", text.len())).collect();
        Ui::raw(list.concat().as_bytes())?;
        return Ok(Exit::Success);
    }
    write(directory, &files)
        .map_err(|error| Error::failed(Code::Failed, format!("{name} cannot be written: {error}")))?;
    let services = found.services.len();
    Ui::raw(format!("{name}: {services} services in {name}/src/main.rs; next: cd {name} && cargo build\n").as_bytes())?;
    Ok(Exit::Success)
}

/// Makes the directory and the files in it; each through the directory that was made, so that nobody leads it elsewhere.
fn write(directory: &Path, files: &[(&str, String)]) -> io::Result<()> {
    let top = made(directory)?;
    let source = made(&anchored(&top, "src"))?;
    for (path, text) in files {
        let path = match path.strip_prefix("src/") {
            Some(name) => anchored(&source, name),
            None => anchored(&top, path),
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
