//! One verb a file: its arguments and what it does with them.

pub mod completion;
pub mod explain;
pub mod get;
pub mod logs;
pub mod man;
pub mod schema;
pub mod status;
pub mod verify;

use crate::cli::Verb;
use crate::context::Context;
use crate::exit::Exit;

/// Does what was asked.
///
/// # Errors
/// What stopped it; printed by the caller.
pub fn run(verb: &Verb, context: &Context<'_>) -> anyhow::Result<Exit> {
    match verb {
        Verb::Status(args) => status::run(args, context),
        Verb::Get(args) => get::run(args, context),
        Verb::Explain(args) => explain::run(args, context),
        Verb::Verify(args) => verify::run(args, context),
        Verb::Schema(args) => schema::run(args),
        Verb::Completion(args) => completion::run(args),
        Verb::Logs(args) => logs::run(args, context),
        Verb::Man(args) => man::run(args),
    }
}
