//! `opsctl lock`: who changes this deployment; keep others from changing it, and let them again.

use std::time::Duration;

use clap::Subcommand;

use super::change;
use crate::action::audit::{self, Act};
use crate::action::lock::{self, Holder, Note};
use crate::action::run;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::tools::quote;
use crate::program;
use crate::registry::{Deployment, Verdict};
use crate::report::Head;
use crate::report::lock::LockFacts;

/// Arguments of `lock`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do [default: status]
    #[command(subcommand)]
    what: Option<LockCommand>,
}

#[derive(Debug, Subcommand)]
enum LockCommand {
    /// Show who holds the lock
    Status,
    /// Hold the lock until it is released
    Acquire {
        /// Reason, shown to others who want the lock
        #[arg(short, long, value_name = "TEXT")]
        message: String,
    },
    /// Release the lock
    Release,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let changes = match &args.what {
        Some(LockCommand::Acquire { .. }) => Some("lock acquire"),
        Some(LockCommand::Release) => Some("lock release"),
        Some(LockCommand::Status) | None => None,
    };
    if let Some(words) = changes.filter(|_| !context.system.is_root()) {
        return Err(change::no_root(words).into());
    }
    let holder = match args.what.as_ref().unwrap_or(&LockCommand::Status) {
        LockCommand::Status => match lock::holder(context.system, deployment) {
            Holder::Unknown(why) => {
                return Err(Error::unknown(
                    Code::LockUnreadable,
                    format!("the holder of the lock cannot be determined: {why}"),
                )
                .hint_if((!context.system.is_root()).then(|| program::again_as_root("lock status")))
                .into());
            }
            known @ (Holder::None | Holder::Held(_) | Holder::Unfinished(_)) => known,
        },
        LockCommand::Acquire { message } => Holder::Held(acquire(context, deployment, message)?),
        LockCommand::Release => {
            release(context, deployment)?;
            Holder::None
        }
    };
    let head = Head::of(context.system, "opsctl/lock/v1", deployment, Verdict::Pass, Exit::Success);
    context.ui.report(&LockFacts { head, lock: holder.into() })?;
    Ok(Exit::Success)
}

/// Holds the lock for a person, with both lines in the trail.
fn acquire(context: &Context<'_>, deployment: &'static Deployment, message: &str) -> Result<Note, Error> {
    let who = audit::who(context.system);
    let (lock, unfinished) = lock::take(context.system, deployment, message, &who, Duration::ZERO)?;
    if let Some(note) = &unfinished {
        context.ui.note(&run::unfinished(note));
    }
    let command = program::command(format_args!("lock acquire -m {}", quote(message)));
    let act = match audit::begin(context, deployment, "lock acquire", Vec::new(), vec![command]) {
        Ok(act) => act,
        Err(error) => {
            lock.abandon();
            return Err(error);
        }
    };
    let result = lock
        .leave_by_hand()
        .map_err(|error| Error::failed(Code::LockUnwritable, format!("the lock cannot be written: {error}")));
    end(act, context, result.as_ref().map(|_| "done".to_owned()));
    result
}

/// Lets others change the deployment again; what it ended is part of the trail.
fn release(context: &Context<'_>, deployment: &'static Deployment) -> Result<(), Error> {
    let mut act = None;
    let result = lock::release(context.system, deployment, |_| {
        let command = vec![program::command("lock release")];
        act = Some(audit::begin(context, deployment, "lock release", Vec::new(), command)?);
        Ok(())
    });
    if let Some(act) = act {
        let ended = |note: &Option<Note>| match note {
            Some(note) if note.by_hand => format!("done: ended {} ({})", note.what, note.who),
            Some(note) => format!("done: forgot that {} ({}) did not finish", note.what, note.who),
            None => "done".to_owned(),
        };
        end(act, context, result.as_ref().map(ended));
    }
    result.map(drop)
}

fn end(act: Act, context: &Context<'_>, result: Result<String, &Error>) {
    let exit = result.as_ref().map_or_else(|error| error.exit, |_| Exit::Success);
    act.end(context, result.unwrap_or_else(|error| error.message.clone()), exit);
}
