//! One verb a file: its arguments and what it does with them.

pub mod backup;
mod bundle;
mod change;
pub mod completion;
pub mod diagnose;
pub mod explain;
pub mod get;
pub mod history;
pub mod lock;
pub mod logs;
pub mod maintenance;
pub mod man;
pub mod mend;
pub mod operate;
pub mod redeploy;
pub mod restore;
pub mod rollback;
pub mod run;
pub mod schema;
pub mod status;
pub mod verify;

use crate::action::plan::Operation;
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
        Verb::Diagnose(args) => diagnose::run(args, context),
        Verb::Get(args) => get::run(args, context),
        Verb::Explain(args) => explain::run(args, context),
        Verb::Verify(args) => verify::run(args, context),
        Verb::Schema(args) => schema::run(args),
        Verb::Completion(args) => completion::run(args),
        Verb::Logs(args) => logs::run(args, context),
        Verb::Restart(args) => operate::run(Operation::Restart, args, context),
        Verb::Reload(args) => operate::run(Operation::Reload, args, context),
        Verb::Start(args) => operate::run(Operation::Start, args, context),
        Verb::Stop(args) => operate::run(Operation::Stop, args, context),
        Verb::Redeploy(args) => redeploy::run(args, context),
        Verb::Rollback(args) => rollback::run(args, context),
        Verb::Maintenance(args) => maintenance::run(args, context),
        Verb::Backup(args) => backup::run(args, context),
        Verb::Restore(args) => restore::run(args, context),
        Verb::Run(args) => run::run(args, context),
        Verb::History(args) => history::run(args, context),
        Verb::Lock(args) => lock::run(args, context),
        Verb::Man(args) => man::run(args),
    }
}
