//! `backup prune`: shows which copies the policy has no use for any more, and lets them go with consent.

use clap_complete::engine::ArgValueCandidates;

use super::look::{Extent, view};
use super::{locked, needs_root, records, sets};
use crate::action::audit;
use crate::action::lock::Lock;
use crate::args::{complete_sets, duration};
use crate::backup::prune::{self, Plan};
use crate::backup::retention::{Decision, Refusal};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::registry::{BackupSet, Deployment, Verdict};
use crate::report::Head;
use crate::report::backup::{Prune as Document, PruneSet};
use crate::ui::Format;

/// Arguments of `backup prune`.
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// Sets to prune [default: all that have a schedule]
    ///
    /// A name, a pattern such as 'w*', or several with commas between them.
    #[arg(value_name = "SET", add = ArgValueCandidates::new(complete_sets))]
    sets: Vec<String>,
    /// Delete, instead of showing the plan
    #[arg(short, long)]
    yes: bool,
    /// Show the plan, as without --yes
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Delete up to this many copies of one set
    ///
    /// Needed where that is more than a quarter of its copies, or where the newest are far apart.
    #[arg(long, value_name = "NUMBER", requires = "sets")]
    count: Option<usize>,
    /// Wait for the lock this long [default: 10m]
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "10m",
          value_parser = duration)]
    lock_wait: Option<std::time::Duration>,
}

pub(super) fn run(args: &Prune, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let sets = sets(context, &args.sets)?;
    if args.count.is_some() && sets.len() != 1 {
        return Err(Error::usage(Code::Usage, "--count needs exactly one set")
            .hint(program::command("get backups"))
            .into());
    }
    needs_root(context, "backup prune")?;
    let wait = context.within(args.lock_wait.unwrap_or_default());
    locked(context, deployment, "backup prune", wait, |lock| work(args, context, deployment, &sets, lock))
}

fn work(
    args: &Prune,
    context: &Context<'_>,
    deployment: &'static Deployment,
    sets: &[&'static BackupSet],
    lock: &mut Lock,
) -> anyhow::Result<Exit> {
    if let Some((set, what)) = prune::failed(sets, &records(context, deployment)?) {
        return Err(Error::refused(
            Code::FailedRun,
            format!("pruning refused after a failed run, nothing was deleted: {}: {what}", set.name),
        )
        .hint(format!("make a verified backup first: {} backup {}", program::name(), set.name))
        .into());
    }
    let view = view(context, deployment, sets, Extent::of(&args.sets))?;
    let plans = prune::plan(&view.stock, &view.records, view.gap, context.system.now(), args.count);
    let refused = plans.iter().any(|plan| plan.decision.is_err());
    let going: usize =
        plans.iter().filter_map(|plan| plan.decision.as_ref().ok()).map(Decision::going).fold(0, usize::saturating_add);
    let rows: Vec<PruneSet> = plans.iter().map(PruneSet::new).collect();
    let mut document = Document {
        head: Head::of(context.system, "opsctl/backup-prune/v1", deployment, Verdict::Pass, Exit::Success),
        dry_run: !args.yes,
        sets: rows,
        gone: None,
        left: 0,
        trouble: None,
    };
    let mut exit = if refused { Exit::Refused } else { Exit::Success };
    if args.yes && going > 0 {
        let paths = |plan: &Plan| {
            let (manifests, copies) = plan.paths();
            manifests.into_iter().chain(copies)
        };
        let all: Vec<String> = plans.iter().flat_map(paths).collect();
        let mut commands = vec![view.store.delete_argv(&all).to_string()];
        commands.extend(all);
        let targets = sets.iter().map(|set| set.name.to_owned()).collect();
        let act = audit::begin(context, deployment, "backup prune", targets, commands)?;
        if let Err(error) = prune::record(context.system, deployment, &plans) {
            let message = format!("the deletion cannot be recorded: {error}; nothing was deleted");
            act.end(context, message.clone(), Exit::Failure);
            return Err(Error::failed(Code::RecordUnwritable, message).into());
        }
        lock.step("delete");
        let done = prune::run(&view.store, &plans, &view.listed);
        exit = match (&done.trouble, refused, done.gone) {
            (None, false, _) => Exit::Success,
            (Some(_), _, 0) => Exit::Failure,
            (None, true, _) | (Some(_), ..) => Exit::Partial,
        };
        let told = done.trouble.clone().unwrap_or_else(|| format!("{} objects deleted", done.gone));
        act.end(context, told, exit);
        (document.gone, document.left, document.trouble) = (Some(done.gone), done.left, done.trouble);
    }
    if exit == Exit::Success && context.ui.quiet && context.ui.format != Format::Json {
        return Ok(exit);
    }
    document.head.exit_code = exit;
    document.head.verdict = if exit == Exit::Success { Verdict::Pass } else { Verdict::Fail };
    context.ui.report(&document)?;
    match plans.iter().find_map(|plan| plan.decision.as_ref().err()) {
        Some(Refusal::TooMany(count, _) | Refusal::Apart(count, ..)) => {
            context
                .ui
                .note(&format!("if that is intended: {} backup prune SET --yes --count {count}", program::name()));
        }
        Some(Refusal::Gap(_)) => context.ui.note(&format!("make a new backup: {}", program::command("backup"))),
        _ => {}
    }
    Ok(exit)
}
