//! `opsctl completion --install`: the script in the directory where the shell looks for it.

use super::Shell;
use crate::error::{Code, Error};
use crate::host::files::own;
use crate::host::system::System;
use crate::program;

/// Where a script belongs, and what its shell needs to load it.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    directory: String,
    file: String,
    /// Directories of it that may have to be made, outermost first.
    made: Vec<String>,
    /// How it is loaded.
    pub loading: String,
}

impl Target {
    /// The path of the script.
    pub fn path(&self) -> String {
        format!("{}/{}", self.directory, self.file)
    }
}

/// The shell that the caller uses.
pub fn detected(shell: Option<&str>) -> Result<Shell, Error> {
    let name = shell.and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    <Shell as clap::ValueEnum>::from_str(name, false).map_err(|_| {
        let message = match name {
            "" => "the shell is not known: SHELL is not set; nothing was written".to_owned(),
            name => format!("no completion for the shell {name}; nothing was written"),
        };
        Error::usage(Code::Usage, message).hint(program::command("completion bash --install"))
    })
}

/// Root's script goes to the first directory of the system that exists, anybody else's to their own.
pub fn target(system: &System, shell: Shell, variable: impl Fn(&str) -> Option<String>) -> Result<Target, Error> {
    let name = program::name();
    let file = match shell {
        Shell::Bash => name.to_owned(),
        Shell::Zsh => format!("_{name}"),
        Shell::Fish => format!("{name}.fish"),
    };
    let again = format!("start a new {}", shell.name());
    if system.is_root() {
        let places: &[&str] = match shell {
            Shell::Bash => &["/usr/share/bash-completion/completions", "/etc/bash_completion.d"],
            Shell::Zsh => &[
                "/usr/local/share/zsh/site-functions",
                "/usr/share/zsh/site-functions",
                "/usr/share/zsh/vendor-completions",
            ],
            Shell::Fish => &["/usr/share/fish/vendor_completions.d", "/etc/fish/completions"],
        };
        let found = places.iter().find(|place| system.metadata(place).is_ok_and(|meta| meta.is_dir()));
        return match found {
            Some(place) => Ok(Target { directory: (*place).to_owned(), file, made: Vec::new(), loading: again }),
            None => {
                Err(Error::refused(Code::NoPlace, format!("none of {} exists; nothing was written", places.join(", ")))
                    .hint(program::command(format_args!("completion {} > FILE", shell.name()))))
            }
        };
    }
    let absolute = |name: &str| variable(name).filter(|path| path.starts_with('/'));
    let home = absolute("HOME").ok_or_else(|| {
        Error::refused(Code::NoPlace, "HOME is not set; nothing was written")
            .hint(program::command(format_args!("completion {} > FILE", shell.name())))
    })?;
    let home = home.trim_end_matches('/');
    let data = absolute("XDG_DATA_HOME").unwrap_or_else(|| format!("{home}/.local/share"));
    let config = absolute("XDG_CONFIG_HOME").unwrap_or_else(|| format!("{home}/.config"));
    let (base, below) = match shell {
        Shell::Bash => (data, ["bash-completion", "completions"]),
        Shell::Zsh => (data, ["zsh", "site-functions"]),
        Shell::Fish => (config, ["fish", "completions"]),
    };
    let directory = format!("{base}/{}/{}", below[0], below[1]);
    let mut made = vec![base.clone(), format!("{base}/{}", below[0]), directory.clone()];
    if base == format!("{home}/.local/share") {
        made.insert(0, format!("{home}/.local"));
    }
    let loading = match shell {
        Shell::Zsh => format!("add to ~/.zshrc before compinit: fpath=({directory} $fpath)"),
        Shell::Bash | Shell::Fish => again,
    };
    Ok(Target { directory, file, made, loading })
}

/// Writes the script, in place of an older one.
pub fn write(system: &System, target: &Target, script: &[u8]) -> Result<(), Error> {
    let path = target.path();
    let new = format!("{}/.{}.new", target.directory, target.file);
    let written = target
        .made
        .iter()
        .try_for_each(|directory| own::directory(system, directory).map(drop))
        .and_then(|()| own::write_new(system, &new, script, 0o644))
        .and_then(|()| own::rename(system, &new, &path));
    written.map_err(|error| {
        Error::failed(Code::Failed, format!("{path} cannot be written: {error}"))
            .hint(program::command("completion --install --dry-run"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_is_found_or_refused() {
        assert_eq!(detected(Some("/usr/bin/fish")).unwrap(), Shell::Fish);
        assert_eq!(detected(Some("bash")).unwrap(), Shell::Bash);
        for wrong in [None, Some(""), Some("/bin/tcsh"), Some("/bin/bash/")] {
            assert!(detected(wrong).is_err(), "{wrong:?}");
        }
    }
}
