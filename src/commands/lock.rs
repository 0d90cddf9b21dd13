//! `opsctl lock`: who changes this deployment; keep others from changing it, and let them again.

use clap::Subcommand;

use crate::action::audit;
use crate::action::lock::{self, Holder};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::registry::Verdict;
use crate::report::lock::LockFacts;

/// Arguments of `lock`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do with it; says who holds it when nothing else is asked for.
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say who holds it.
    Status,
    /// Hold it until it is released, so that nobody's change comes between yours.
    Acquire {
        /// Why; shown to whoever is kept waiting.
        #[arg(short, long, value_name = "TEXT")]
        message: String,
    },
    /// Let others change the deployment again.
    Release,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let note = match args.what.as_ref().unwrap_or(&What::Status) {
        What::Status => match lock::holder(context.system, deployment) {
            Holder::None => None,
            Holder::Held(note) => Some((note, true)),
            Holder::Unfinished(note) => Some((note, false)),
            Holder::Unknown(why) => {
                return Err(Error {
                    exit: Exit::Unknown,
                    code: "no_lock",
                    message: format!("who holds the lock cannot be told: {why}"),
                    hint: (!context.system.is_root()).then(|| "sudo opsctl lock status".to_owned()),
                }
                .into());
            }
        },
        What::Acquire { message } => {
            let who = audit::who(context.system);
            let (lock, _) = lock::take(context.system, deployment, message, &who, std::time::Duration::ZERO)?;
            let note = lock.leave_by_hand().map_err(|error| Error {
                exit: Exit::Failure,
                code: "no_lock",
                message: format!("the lock cannot be written: {error}"),
                hint: None,
            })?;
            Some((note, true))
        }
        What::Release => {
            lock::release(context.system, deployment)?;
            None
        }
    };
    let head = context.head("opsctl/lock/v1", deployment, Verdict::Pass, Exit::Success);
    context.ui.report(&LockFacts::new(head, note))?;
    Ok(Exit::Success)
}
