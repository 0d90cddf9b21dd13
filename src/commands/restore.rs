//! `opsctl restore`: a proven copy takes the place of live data, and the old data is kept until it is forgotten.

mod aside;
mod choose;
mod forget;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use clap_complete::engine::ArgValueCandidates;

use super::backup::{needs_root, sets};
use super::change::{Change, SETTLE};
use crate::args::{Moment, complete_sets, duration, moment};
use crate::backup::name::Id;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The set to restore.
    #[arg(value_name = "SET", required_unless_present_any = ["forget_old", "recover"],
          add = ArgValueCandidates::new(complete_sets))]
    set: Option<String>,
    /// The newest copy that is not younger than this, or the one of this id; the newest of all when left out.
    #[arg(long, value_name = "TIME|ID", value_parser = at)]
    at: Option<At>,
    /// Restore the copy named by --at although its manifest does not carry this host's signature; its maker is unknown.
    #[arg(long, requires = "at", conflicts_with_all = ["forget_old", "recover"])]
    accept_unsigned: bool,
    /// Write the proven copy to this path, where nothing is yet, and touch nothing else; files as a directory.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["forget_old", "recover"])]
    to: Option<PathBuf>,
    /// Delete the old data that restores have kept.
    #[arg(long, conflicts_with_all = ["at", "to"])]
    forget_old: bool,
    /// Only finish or undo a restore that was killed, which every restore does first.
    #[arg(long, conflicts_with_all = ["at", "to", "forget_old", "set"])]
    recover: bool,
    /// How long its services must stay well before that is called success.
    #[arg(long, value_name = "DURATION", default_value = SETTLE, value_parser = duration)]
    settle: Duration,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

/// Which copy is meant.
#[derive(Debug, Clone)]
enum At {
    /// Exactly this one.
    Id(Id),
    /// The newest that is not younger.
    Time(Moment),
}

fn at(text: &str) -> Result<At, String> {
    Id::parse(text).map_or_else(|| moment(text).map(At::Time), |id| Ok(At::Id(id)))
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let named: Vec<String> = args.set.iter().cloned().collect();
    let chosen = match named.is_empty() {
        true => None,
        false => sets(deployment, &named)?.first().copied(),
    };
    if args.accept_unsigned && !matches!(args.at, Some(At::Id(_))) {
        let message = "--accept-unsigned is about one copy, which --at names by its id";
        return Err(Error::usage(Code::Usage, message).hint(program::command("backup list shows all")).into());
    }
    needs_root(context, "restore")?;
    match chosen {
        _ if args.forget_old => forget::forget(args, context, deployment, chosen),
        None => work::recover_only(args, context, deployment),
        Some(set) => match &args.to {
            Some(path) => aside::write(args, context, deployment, set, path),
            None => work::replace(args, context, deployment, set),
        },
    }
}
