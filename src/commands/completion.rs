//! `opsctl completion`: the script by which a shell asks opsctl itself what may come next.

use clap::ValueEnum;
use clap_complete::env::Shells;

use crate::cli::COMPLETE_VAR;
use crate::exit::Exit;
use crate::ui::Ui;

/// Arguments of `completion`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Shells with completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// To be sourced, or put into `/usr/share/bash-completion/completions/opsctl`.
    Bash,
    /// To be put into a directory of `fpath` as `_opsctl`.
    Zsh,
    /// To be put into `/usr/share/fish/vendor_completions.d/opsctl.fish`.
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

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    Ui::raw(&script(args.shell)?)?;
    Ok(Exit::Success)
}

/// The registration script.
///
/// # Errors
/// When the shell is unknown to the completion library, which a test rules out.
pub fn script(shell: Shell) -> anyhow::Result<Vec<u8>> {
    let shells = Shells::builtins();
    let completer = shells.completer(shell.name()).ok_or_else(|| anyhow::anyhow!("no completer for this shell"))?;
    let mut script = Vec::new();
    completer.write_registration(COMPLETE_VAR, "opsctl", "opsctl", "opsctl", &mut script)?;
    if shell == Shell::Zsh {
        // Loaded from fpath, the file is the body of the function: without this the first TAB only defines it.
        script.extend_from_slice(
            b"if [ \"$funcstack[1]\" = \"_opsctl\" ]; then\n    _clap_dynamic_completer_opsctl \"$@\"\nfi\n",
        );
    }
    Ok(script)
}
