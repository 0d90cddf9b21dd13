//! The record of runs: shown, and forgotten.

use super::{Args, words};
use crate::action::consent;
use crate::action::{Risk, audit};
use crate::commands::change;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::procedure::journal;
use crate::program;
use crate::registry::{Deployment, Procedure, Verdict};
use crate::report::Head;
use crate::report::run::Runs;

pub(super) fn status(
    context: &Context<'_>,
    deployment: &'static Deployment,
    procedure: Option<&'static Procedure>,
) -> anyhow::Result<Exit> {
    let wanted = |one: &&Procedure| procedure.is_none_or(|procedure| procedure.slug == one.slug);
    let mut runs = Vec::new();
    for one in deployment.all_procedures().collect::<Vec<_>>().iter().copied().filter(wanted) {
        runs.extend(journal::kept(context.system, deployment, one.slug)?);
    }
    runs.sort_by_key(|run| std::cmp::Reverse(run.since));
    let is_open = runs.iter().any(|run| run.ended.is_none());
    let (verdict, exit) = if is_open { (Verdict::Fail, Exit::Unhealthy) } else { (Verdict::Pass, Exit::Success) };
    let head = Head::of(context.system, "opsctl/runs/v1", deployment, verdict, exit);
    context.ui.report(&Runs { head, runs })?;
    Ok(exit)
}

pub(super) fn discard(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    procedure: &'static Procedure,
) -> anyhow::Result<Exit> {
    let name = words(args, procedure);
    if !context.system.is_root() {
        return Err(change::no_root(&name).into());
    }
    if matches!(journal::kept(context.system, deployment, procedure.slug), Ok(None)) {
        let message = format!("no run of {} is recorded; nothing was changed", procedure.slug);
        return Err(Error::refused(Code::Nothing, message).hint(program::command("run --status")).into());
    }
    if args.change.dry_run {
        context.ui.note(&format!("the record of the last run of {} would be removed", procedure.slug));
        return Ok(Exit::Success);
    }
    let loses = vec!["the run can then neither be resumed nor undone".to_owned()];
    let _ = consent::obtain(context.deadline(), &name, Risk::Disruptive, args.change.yes, &loses)?;
    change::held(context, deployment, &name, &args.change, |_| {
        let act = audit::begin(context, deployment, &name, Vec::new(), Vec::new())?;
        let removed = journal::discard(context.system, deployment, procedure.slug);
        let (outcome, exit) = match &removed {
            Ok(()) => ("done".to_owned(), Exit::Success),
            Err(error) => (error.to_string(), Exit::Failure),
        };
        act.end(context, outcome, exit);
        removed.map_err(|error| {
            Error::failed(Code::RecordUnwritable, format!("the record cannot be removed: {error}"))
                .hint("ls -ld /var/lib/opsctl /run/opsctl")
        })
    })?;
    Ok(Exit::Success)
}
