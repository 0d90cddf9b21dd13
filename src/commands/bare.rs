//! `opsctl` alone: the short help, and the state of this host in one line.

use super::local::Names;
use super::{command_for, status};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::report::brief::Brief;
use crate::ui::{Format, Ui};

/// Prints the short help and the state.
///
/// # Errors
/// When a document was asked for, which only a verb has, or nothing can be printed.
pub fn run(context: &Context<'_>) -> anyhow::Result<Exit> {
    match context.ui.format {
        Format::Text | Format::Wide => {}
        Format::Json | Format::Name => {
            return Err(Error::usage(Code::Usage, "a verb is missing").hint(program::command("status")).into());
        }
    }
    let names = context.deployment().ok().map(|deployment| Names::of(deployment, context.system));
    let help = command_for(names.as_ref()).render_help();
    let help = if Ui::is_colored() { help.ansi().to_string() } else { help.to_string() };
    Ui::raw(format!("{help}\n").as_bytes())?;
    match context.deployment().and_then(|deployment| status::all(context, deployment)) {
        Ok(status) => context.ui.report(&Brief::new(status))?,
        // The help was asked for, and is there.
        Err(error) => {
            let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
            Ui::warn(&format!("{}{hint}", error.message));
        }
    }
    Ok(Exit::Success)
}
