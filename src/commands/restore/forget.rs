//! `restore --forget-old`: the old data that restores have kept is deleted.

use super::Args;
use super::work::{journal, parts, place, take};
use crate::action::audit;
use crate::action::{Risk, consent};
use crate::backup::restore::journal::{Phase, Restore};
use crate::context::Context;
use crate::exit::Exit;
use crate::registry::{BackupSet, Deployment, Verdict};
use crate::report::Head;
use crate::report::restore::Restore as Document;

/// Deletes the old data that restores have kept.
pub(super) fn forget(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: Option<&'static BackupSet>,
) -> anyhow::Result<Exit> {
    let is_meant = |restore: &&Restore| restore.phase == Phase::Done && set.is_none_or(|set| set.name == restore.set);
    let known = journal(context, deployment)?;
    let mut kept = Vec::new();
    for restore in known.restores.iter().filter(is_meant) {
        let Some(set) = deployment.backup(&restore.set) else { continue };
        kept.push((restore.clone(), place(context, set, restore.id, &parts(restore))?));
    }
    let lines: Vec<String> = kept
        .iter()
        .map(|(restore, place)| format!("{}: {}", restore.set, place.kept(&restore.parts).unwrap_or_default()))
        .collect();
    let document = |exit: Exit, outcome, summary: String| Document {
        head: Head::of(
            context.system,
            "opsctl/restore/v1",
            deployment,
            if exit == Exit::Success { Verdict::Pass } else { Verdict::Fail },
            exit,
        ),
        dry_run: args.change.dry_run,
        set: set.map_or_else(|| "all".to_owned(), |set| set.name.to_owned()),
        copy: None,
        copied: None,
        path: String::new(),
        steps: lines.iter().map(|line| format!("delete the old data of {line}")).collect(),
        blast: Vec::new(),
        outcome,
        summary,
        targets: Vec::new(),
        old: None,
        seconds: None,
    };
    let count = match kept.len() {
        1 => "the old data of 1 restore".to_owned(),
        count => format!("the old data of {count} restores"),
    };
    if args.change.dry_run || kept.is_empty() {
        context.ui.report(&document(Exit::Success, "planned", format!("{count} kept")))?;
        return Ok(Exit::Success);
    }
    let _ =
        consent::obtain(context.deadline(), &format!("delete {count}"), Risk::Destructive, args.change.yes, &lines)?;
    let (lock, _) = take(args, context, deployment)?;
    let mut journal = journal(context, deployment)?;
    let targets = kept.iter().map(|(restore, _)| restore.set.clone()).collect();
    let act = audit::begin(context, deployment, "restore --forget-old", targets, lines.clone())?;
    let mut troubles = Vec::new();
    for (restore, place) in &kept {
        match place.forget(&restore.parts) {
            Ok(()) => journal.restores.retain(|other| other.id != restore.id || other.set != restore.set),
            Err(error) => troubles.push(format!("{}: {error}", restore.set)),
        }
    }
    if let Err(error) = journal.write(context.system, deployment) {
        troubles.push(format!("the deletion cannot be recorded: {error}"));
    }
    let exit = match troubles.len() {
        0 => Exit::Success,
        some if some < kept.len() => Exit::Partial,
        _ => Exit::Failure,
    };
    let summary = if troubles.is_empty() { format!("{count} deleted") } else { troubles.join("; ") };
    act.end(context, summary.clone(), exit);
    lock.finish();
    context.ui.report(&document(exit, "forgotten", summary))?;
    Ok(exit)
}
