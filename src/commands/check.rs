//! `opsctl check`: the timer that runs it.

use super::change::Change;
use super::schedule::{self, Installing};
use crate::action::schedule::Job;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whether it is to run by itself.
    #[command(flatten)]
    installing: Installing,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    args.installing.alone(&args.change)?;
    match args.installing.direction() {
        Some(direction) => schedule::run(Job::Check, direction, &[], &args.installing, &args.change, context),
        None => Err(Error::usage(Code::Usage, "--install or --uninstall is missing")
            .hint(program::command("check --install --dry-run"))
            .into()),
    }
}
