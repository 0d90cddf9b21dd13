//! `opsctl restore`: a proven copy takes the place of live data, and the old data is kept until it is forgotten.

mod aside;
mod choose;
mod forget;
mod prove;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use jiff::Timestamp;

use super::backup::{needs_root, sets};
use super::change::{Change, SETTLE};
use crate::action::consent::Consent;
use crate::action::lock::Lock;
use crate::args::{Moment, candidate, complete_sets, duration, meant, moment};
use crate::backup::name::Id;
use crate::backup::record;
use crate::backup::restore::journal::Phase;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::system::System;
use crate::procedure::plan::NEWEST;
use crate::program;
use crate::registry::{BackupSet, Deployment};

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Set to restore
    #[arg(value_name = "SET", required_unless_present_any = ["forget_old", "recover"],
          add = ArgValueCandidates::new(complete_sets))]
    set: Option<String>,
    /// Copy to restore: time or id [default: newest]
    ///
    /// Of a time: the newest copy that is not younger. Ids are those of `backup list -o name`.
    #[arg(long, value_name = "TIME|ID", value_parser = at, allow_hyphen_values = true,
          add = ArgValueCandidates::new(complete_at))]
    at: Option<At>,
    /// Accept a copy that this host did not sign
    ///
    /// Of the copy that --at names; who made it is unknown.
    #[arg(long, requires = "at", conflicts_with_all = ["forget_old", "recover"])]
    accept_unsigned: bool,
    /// Write the copy to this new path only
    ///
    /// Nothing else is touched. Files are written as a directory.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["forget_old", "recover"])]
    to: Option<PathBuf>,
    /// Delete old data that restores kept
    #[arg(long, conflicts_with_all = ["at", "to"])]
    forget_old: bool,
    /// Finish or undo an interrupted restore only
    ///
    /// Every restore does so first.
    #[arg(long, conflicts_with_all = ["at", "to", "forget_old", "set"])]
    recover: bool,
    /// Verify this long before success [default: 10s]
    #[arg(long, value_name = "DURATION", default_value = SETTLE, hide_default_value = true, value_parser = duration)]
    settle: Duration,
    /// What becomes of the services of the set.
    #[arg(skip)]
    then: Then,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

/// What becomes of the services of a set once its data is live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Then {
    /// They are started.
    #[default]
    Start,
    /// They were stopped before, and stay so.
    Rest,
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

/// The copies that this host recorded of the deployment that is meant, newest first, and words for times; no copies for who may
/// not read the record.
fn complete_at() -> Vec<CompletionCandidate> {
    let system = System::real();
    let mut found = vec![candidate("yesterday", "the newest copy that is not younger than its midnight")];
    if let Some(deployment) = meant(&system)
        && let Ok(records) = record::read(&system, deployment)
    {
        for set in deployment.backups {
            found.extend(records.proven(set.name).map(|id| candidate(&id.to_string(), set.name)));
        }
    }
    found
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let named: Vec<String> = args.set.iter().cloned().collect();
    let chosen = match named.is_empty() {
        true => None,
        false => Some(one(&sets(context, &named)?)?),
    };
    if args.accept_unsigned && !matches!(args.at, Some(At::Id(_))) {
        let message = "--accept-unsigned needs the id of one copy with --at";
        return Err(Error::usage(Code::Usage, message).hint(program::command("backup list")).into());
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

/// Restores a set as a step of a procedure, which asked and holds the lock of the deployment; `newest` is the newest copy. Without `settle`
/// its services, which were stopped before, stay so. In a line what came of it.
pub(super) fn for_procedure(
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: &'static BackupSet,
    copy: &str,
    settle: Option<Duration>,
    lock: &mut Lock,
    consent: &Consent,
) -> Result<(String, Exit), Error> {
    let at = (copy != NEWEST)
        .then(|| at(copy))
        .transpose()
        .map_err(|why| Error::usage(Code::BadId, format!("{copy}: {why}")).hint(program::command("backup list")))?;
    let then = if settle.is_some() { Then::Start } else { Then::Rest };
    let args = Args { at, then, ..of_procedure(settle.unwrap_or_default()) };
    work::within(&args, context, deployment, set, lock, consent)
}

/// Finishes or undoes a restore that was interrupted, for a procedure that holds the lock of the deployment; what came of it, in a line.
pub(super) fn recover(
    context: &Context<'_>,
    deployment: &'static Deployment,
    settle: Duration,
    lock: &mut Lock,
) -> Result<String, Error> {
    work::recover_within(&of_procedure(settle), context, deployment, lock)
}

/// What a procedure asks for: it has consent, and the lock.
fn of_procedure(settle: Duration) -> Args {
    let change = Change { dry_run: false, yes: true, lock_wait: None };
    let (forget_old, recover, then) = (false, false, Then::Start);
    Args { set: None, at: None, accept_unsigned: false, to: None, forget_old, recover, settle, then, change }
}

/// Whether a set was restored since then, and its data is live.
pub(super) fn is_restored(
    context: &Context<'_>,
    deployment: &Deployment,
    set: &str,
    since: Timestamp,
) -> Result<bool, Error> {
    let journal = work::journal(context, deployment)?;
    Ok(journal.restores.iter().any(|it| it.set == set && it.begun >= since && it.phase == Phase::Done))
}

/// The only set: live data of several is not replaced in one call.
fn one(sets: &[&'static BackupSet]) -> Result<&'static BackupSet, Error> {
    if let [set] = sets {
        return Ok(set);
    }
    let names: Vec<&str> = sets.iter().map(|set| set.name).collect();
    let message = format!("restore takes one set, not {}; nothing was changed", names.join(", "));
    let hint = names.first().map(|name| program::command(format_args!("restore {name}")));
    Err(Error::usage(Code::AmbiguousName, message).hint_if(hint))
}
