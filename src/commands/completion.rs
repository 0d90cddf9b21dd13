//! `opsctl completion`: the script by which a shell asks opsctl itself what may come next.

mod install;

use std::ffi::OsString;

use clap::ValueEnum;
use clap_complete::env::Shells;

use super::COMPLETE_VAR;
use crate::context::Context;
use crate::exit::Exit;
use crate::program;
use crate::ui::{Ui, escape};

/// Arguments of `completion`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Shell [default with --install: the one in use]
    #[arg(value_enum, required_unless_present = "install")]
    shell: Option<Shell>,
    /// Write the script where the shell finds it
    ///
    /// As root into the system's directory, else into the user's (XDG) directories.
    #[arg(long)]
    install: bool,
    /// With --install: print the path and change nothing
    #[arg(long, requires = "install")]
    dry_run: bool,
}

/// Shells with completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// For bash, with the package bash-completion
    Bash,
    /// For zsh, as _NAME in a directory of fpath
    Zsh,
    /// For fish
    Fish,
}

impl Shell {
    const fn name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
        }
    }
}

/// Where the scripts of bash and zsh say which word is to be completed.
const INDEX: &str = "_CLAP_COMPLETE_INDEX";

/// Whether a shell asks for candidates, in the words of the script that [`script`] makes: `opsctl -- WORDS`, which is no command
/// line of ours, under the variable that names the shell. The variable alone, which anybody may have set for whatever reason,
/// does not make anything else of a command.
pub(crate) fn is_asked(args: &[OsString], variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let Some(shell) = variable(COMPLETE_VAR).and_then(|name| Shell::from_str(name.to_str()?, false).ok()) else {
        return false;
    };
    let [_, dashes, words @ ..] = args else { return false };
    let index = variable(INDEX).and_then(|index| index.to_str()?.parse::<usize>().ok());
    let is_within = match shell {
        // It completes the last word.
        Shell::Fish => true,
        Shell::Bash | Shell::Zsh => index.is_some_and(|index| index <= words.len()),
    };
    dashes == "--" && !words.is_empty() && is_within
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let shell = match args.shell {
        Some(shell) => shell,
        None => install::detected(variable("SHELL").as_deref())?,
    };
    if !args.install {
        Ui::raw(&script(shell)?)?;
        return Ok(Exit::Success);
    }
    let target = install::target(context.system, shell, variable)?;
    if !args.dry_run {
        install::write(context.system, &target, &script(shell)?)?;
        context.ui.note(&format!("wrote the completion of {}; {}", shell.name(), target.loading));
    }
    Ui::raw(format!("{}\n", escape::line(&target.path())).as_bytes())?;
    Ok(Exit::Success)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The registration script.
///
/// # Errors
/// When the shell is unknown to the completion library, which a test rules out.
pub fn script(shell: Shell) -> anyhow::Result<Vec<u8>> {
    let shells = Shells::builtins();
    let completer = shells.completer(shell.name()).ok_or_else(|| anyhow::anyhow!("no completer for this shell"))?;
    let mut script = Vec::new();
    let name = program::name();
    completer.write_registration(COMPLETE_VAR, name, name, name, &mut script)?;
    if shell == Shell::Zsh {
        // Loaded from fpath, the file is the body of the function: without this the first TAB only defines it.
        let begin = "if [ \"$funcstack[1]\" = \"_";
        script.extend_from_slice(
            format!("{begin}{name}\" ]; then\n    _clap_dynamic_completer_{} \"$@\"\nfi\n", name.replace('-', "_"))
                .as_bytes(),
        );
    }
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_scripts_say_asks_for_candidates() {
        let asked = |shell: Option<&str>, index: Option<&str>, line: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            is_asked(&args, |name| match name {
                COMPLETE_VAR => shell.map(OsString::from),
                INDEX => index.map(OsString::from),
                _ => None,
            })
        };
        for shell in ["bash", "zsh"] {
            assert!(asked(Some(shell), Some("1"), "opsctl -- opsctl res"));
            assert!(asked(Some(shell), Some("2"), "opsctl -- opsctl restart"), "a word that is not there yet");
            for index in [None, Some(""), Some("x"), Some("-1"), Some("9"), Some("18446744073709551616")] {
                assert!(!asked(Some(shell), index, "opsctl -- opsctl res"), "{index:?}");
            }
        }
        assert!(asked(Some("fish"), None, "opsctl -- opsctl res"));
        for shell in
            [None, Some(""), Some("0"), Some("1"), Some("tcsh"), Some("elvish"), Some("/bin/bash"), Some("BASH")]
        {
            assert!(!asked(shell, Some("1"), "opsctl -- opsctl res"), "{shell:?}");
        }
        let commands =
            ["opsctl", "opsctl --", "opsctl restart site -y", "opsctl restart -- site -y", "opsctl -y -- opsctl"];
        for line in commands {
            for shell in ["bash", "zsh", "fish"] {
                assert!(!asked(Some(shell), Some("0"), line), "{shell} {line}");
            }
        }
    }
}
