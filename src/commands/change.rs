//! What every verb that changes something goes through: its flags, a plan that still holds when the lock is held, the lock
//! itself, and an end that is told even where it cannot be printed.

use std::time::{Duration, Instant};

use crate::action::lock::{self, Lock, Note};
use crate::action::{audit, run};
use crate::args::duration;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::registry::Deployment;
use crate::ui::Report;
use crate::ui::Ui;

/// How long a service must stay well before that is called success.
pub(super) const SETTLE: &str = "10s";
/// How old a plan may be that is run as it is.
const FRESH: Duration = Duration::from_millis(500);

/// Flags of every verb that changes something.
#[derive(Debug, clap::Args)]
pub struct Change {
    /// Print the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Answer yes to every prompt
    #[arg(short, long)]
    pub yes: bool,
    /// Wait for the lock this long [default: 10m]
    ///
    /// Without this flag a lock that is held is exit code 6 at once.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "10m",
          value_parser = duration)]
    pub lock_wait: Option<Duration>,
}

/// When the host was looked at for a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned(Instant);

impl Planned {
    pub(super) fn now() -> Self {
        Planned(Instant::now())
    }

    /// Whether the host may have changed since: it was waited for an answer, or for the lock.
    pub(super) fn is_old(self) -> bool {
        self.0.elapsed() > FRESH
    }

    /// The plan that is to be run under the lock: made again where it is old, and refused where it is another one then than the
    /// one that was consented to.
    pub(super) fn settled<P>(
        self,
        name: &str,
        change: &Change,
        plan: P,
        again: impl FnOnce() -> Result<P, Error>,
        commands: impl Fn(&P) -> Vec<String>,
    ) -> Result<P, Error> {
        if !self.is_old() {
            return Ok(plan);
        }
        let now = again()?;
        if !change.yes && commands(&now) != commands(&plan) {
            return Err(Error::refused(
                Code::Changed,
                format!("the plan of {name} is no longer the one that was consented to; nothing was changed"),
            )
            .hint(program::again("--dry-run")));
        }
        Ok(now)
    }
}

/// Does something under the lock; also what the holder before left unfinished, which is told.
///
/// # Errors
/// When the lock cannot be had, and those of `act`: then nothing was begun, and the lock is left as it was found.
pub(super) fn held<T>(
    context: &Context<'_>,
    deployment: &'static Deployment,
    name: &str,
    change: &Change,
    act: impl FnOnce(&mut Lock) -> Result<T, Error>,
) -> Result<(T, Option<Note>), Error> {
    let who = audit::who(context.system);
    let wait = context.within(change.lock_wait.unwrap_or_default());
    let (mut lock, unfinished) = lock::take(context.system, deployment, name, &who, wait)?;
    if let Some(note) = &unfinished {
        context.ui.note(&run::unfinished(note));
    }
    match act(&mut lock) {
        Ok(done) => {
            lock.finish();
            Ok((done, unfinished))
        }
        Err(error) => {
            lock.abandon();
            Err(error)
        }
    }
}

/// Tells what came of a change. It is done, whether or not anybody reads that.
pub(super) fn tell(context: &Context<'_>, name: &str, exit: Exit, document: &impl Report) -> Exit {
    match context.ui.report(document) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Ui::warn(&format!("{name} ended with {}, which could not be printed: {error}", exit.code()));
            if exit == Exit::Success { Exit::Failure } else { exit }
        }
        Ok(()) | Err(_) => exit,
    }
}

/// The refusal of what only root can do.
pub(super) fn no_root(words: &str) -> Error {
    Error::refused(Code::NeedsRoot, format!("{words} needs root; nothing was changed"))
        .hint(program::again_as_root(words))
}
