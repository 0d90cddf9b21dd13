//! The work of a restore: the copy is chosen, fetched and proven before anything is asked or touched.

use std::time::Duration;

use super::prove::{Chosen, proven};
use super::{Args, Then};
use crate::action::audit;
use crate::action::lock::Lock;
use crate::action::plan::Operation;
use crate::action::{Risk, consent, lock};
use crate::backup::key::chance;
use crate::backup::look::Proof;
use crate::backup::name::Id;
use crate::backup::owners::Owners;
use crate::backup::restore::journal::{Journal, Phase, Restore};
use crate::backup::restore::place::RestoreTarget;
use crate::backup::restore::{Job, RestoreEnd, Restored};
use crate::backup::source;
use crate::backup::staging::Staging;
use crate::commands::backup::locked;
use crate::commands::backup::look::{Extent as Sets, view};
use crate::commands::change;
use crate::commands::operate::{self, Extent};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::registry::{BackupSet, Deployment, Verdict};
use crate::report::Head;
use crate::report::backup::proven as counted;
use crate::report::restore::Restore as Document;
use crate::units::{age, stamp};

/// How long a look waits for a backup that is under way.
pub(super) const WAIT: Duration = Duration::from_secs(2);

pub(super) fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}

pub(super) fn journal(context: &Context<'_>, deployment: &Deployment) -> Result<Journal, Error> {
    Journal::read(context.system, deployment).map_err(|error| {
        let message = format!("the record of earlier restores cannot be read: {error}; nothing was changed");
        Error::refused(Code::RecordUnreadable, message).hint(program::command("diagnose disk-full"))
    })
}

/// The place of a set, for the restore of this name.
pub(super) fn place<'a>(
    context: &'a Context<'a>,
    set: &BackupSet,
    id: Id,
    parts: &[String],
) -> Result<RestoreTarget<'a>, Error> {
    RestoreTarget::open(context, set, id, parts).map_err(|trouble| {
        let hint = "create the parent directory, or start the database server";
        Error::refused(Code::NoPlace, format!("{trouble}; nothing was changed")).hint(hint)
    })
}

/// What a restore that was noted exchanges.
pub(super) fn parts(restore: &Restore) -> Vec<String> {
    restore.parts.iter().map(|part| part.what.clone()).collect()
}

/// Finishes or undoes a restore that was killed; what came of it.
fn recover(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
) -> Result<Option<(Restore, Restored)>, Error> {
    let (mut lock, _) = take(args, context, deployment)?;
    let recovered = bring_to_an_end(args, context, deployment, &mut lock);
    lock.finish();
    recovered
}

fn bring_to_an_end(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    lock: &mut Lock,
) -> Result<Option<(Restore, Restored)>, Error> {
    // Looked at again, for another may have done it meanwhile.
    let mut journal = journal(context, deployment)?;
    let Some(restore) = journal.unfinished().cloned() else { return Ok(None) };
    let set = deployment.backup(&restore.set).ok_or_else(|| {
        let message = format!("a restore of {}, which is no longer a set, was interrupted", restore.set);
        Error::refused(Code::UnknownSet, message).hint(program::command("history"))
    })?;
    context.ui.note(&format!("a restore of {} by {} was interrupted", set.name, restore.who));
    let place = place(context, set, restore.id, &parts(&restore))?;
    let act = audit::begin(context, deployment, "restore --recover", vec![set.name.to_owned()], Vec::new())?;
    let calm = context.unhurried();
    let plan = |operation| operate::make(operation, Extent::Named, &calm, deployment, set.owners);
    let owners =
        Owners { context: &calm, deployment, set, settle: args.settle, rest: args.then == Then::Rest, plan: &plan };
    let job = Job { context: &calm, deployment, set, place: &place, owners: &owners };
    let restored = job.recover(&mut journal, restore.clone(), lock);
    act.end(context, restored.end.summary(), restored.end.exit());
    context.ui.note(&format!("the restore of {}: {}", set.name, restored.end.summary()));
    Ok(Some((restore, restored)))
}

/// Only what was killed is brought to an end.
pub(super) fn recover_only(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
) -> anyhow::Result<Exit> {
    if journal(context, deployment)?.unfinished().is_none() {
        context.ui.note("no restore was interrupted");
        return Ok(Exit::Success);
    }
    let Some((restore, restored)) = recover(args, context, deployment)? else { return Ok(Exit::Success) };
    let Some(set) = deployment.backup(&restore.set) else { return Ok(Exit::Failure) };
    let exit = match restored.end {
        // That it was undone is what was asked for.
        RestoreEnd::Live(_) | RestoreEnd::Untouched(_) | RestoreEnd::PutBack(_) => Exit::Success,
        RestoreEnd::Stuck(_) => Exit::Failure,
    };
    let document = ended(context, deployment, set, restore.copy, &restored, exit);
    context.ui.report(&document)?;
    Ok(exit)
}

fn ended(
    context: &Context<'_>,
    deployment: &Deployment,
    set: &BackupSet,
    copy: Id,
    restored: &Restored,
    exit: Exit,
) -> Document {
    let (outcome, old) = match &restored.end {
        RestoreEnd::Live(old) => ("live", old.clone()),
        RestoreEnd::Untouched(_) => ("untouched", None),
        RestoreEnd::PutBack(_) => ("put_back", None),
        RestoreEnd::Stuck(_) => ("stuck", None),
    };
    let verdict = if exit == Exit::Success { Verdict::Pass } else { Verdict::Fail };
    Document {
        head: Head::of(context.system, "opsctl/restore/v1", deployment, verdict, exit),
        dry_run: false,
        set: set.name.to_owned(),
        copy: Some(copy),
        copied: Some(copy.time),
        path: set.source.place(),
        steps: Vec::new(),
        blast: Vec::new(),
        outcome,
        summary: restored.end.summary(),
        targets: Vec::new(),
        old,
        seconds: Some(seconds(restored.took)),
    }
    .with(&restored.done)
}

/// Puts a proven copy in the place of the live data.
pub(super) fn replace(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: &'static BackupSet,
) -> anyhow::Result<Exit> {
    let wait = context.within(args.change.lock_wait.unwrap_or_default());
    if let Some(restore) = journal(context, deployment)?.unfinished().cloned() {
        if args.change.dry_run {
            let told = format!(
                "a restore of {} by {} was interrupted; it is finished or undone first",
                restore.set, restore.who
            );
            context.ui.note(&told);
        } else if let Some(RestoreEnd::Stuck(trouble)) =
            recover(args, context, deployment)?.map(|(_, restored)| restored.end)
        {
            return Err(Error::failed(Code::Unfinished, trouble).into());
        }
    }
    locked(context, deployment, "restore", wait.max(WAIT), |_| replace_proven(args, context, deployment, set))
}

/// A proven copy, and what stands in the way of it: nothing.
struct Prepared<'a> {
    id: Id,
    proof: Proof,
    /// Where the proven copy is, until it is laid beside the live data.
    _staging: Staging,
    place: RestoreTarget<'a>,
    /// What an operator must know.
    blast: Vec<String>,
    /// Commands that stop the services of the set.
    stop: Vec<String>,
}

/// Proves the copy, and finds what would keep it from its place, before anybody is asked.
fn prepare<'a>(
    args: &Args,
    context: &'a Context<'a>,
    deployment: &'static Deployment,
    set: &'static BackupSet,
) -> Result<Prepared<'a>, Error> {
    let what = set.source.place();
    let view = view(context, deployment, &[set], Sets::Named)?;
    let Chosen { proof, unsigned } = proven(args, context, deployment, set, &view)?;
    let now = context.system.now();
    let restore = chance().map(|chance| Id::new(now, proof.id.sequence, chance));
    let id = restore.map_err(|error| Error::failed(Code::Failed, error.to_string()))?;
    let place = place(context, set, id, &source::parts(context.system, set, &proof.manifest))?;
    place.check(context, proof.manifest.source_bytes).map_err(|trouble| unusable(set, format_args!("{trouble}")))?;
    let is_there = place.parts().map_err(|error| unseen(set, &what, &error))?.iter().any(|part| part.old.is_some());
    let blast = blast(context, set, &proof, unsigned.as_deref(), is_there);
    // What stands against stopping the owners is known before anybody is asked.
    let stop = match set.owners {
        [] => Vec::new(),
        _ => operate::make(Operation::Stop, Extent::Named, &context.unhurried(), deployment, set.owners)?.commands(),
    };
    Ok(Prepared { id, proof, _staging: view.staging, place, blast, stop })
}

fn replace_proven(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: &'static BackupSet,
) -> anyhow::Result<Exit> {
    let what = set.source.place();
    let prepared = prepare(args, context, deployment, set)?;
    if args.change.dry_run {
        let mut steps = vec![format!("write it beside {what}, with its owner and mode")];
        steps.extend(prepared.stop);
        steps.push("verify that no process has it open".to_owned());
        steps.push("swap old and new by renaming".to_owned());
        steps.extend(set.owners.iter().map(|owner| format!("start {}, and verify that it stays up", owner.name)));
        let document = Document {
            head: Head::of(context.system, "opsctl/restore/v1", deployment, Verdict::Pass, Exit::Success),
            dry_run: true,
            set: set.name.to_owned(),
            copy: Some(prepared.proof.id),
            copied: Some(prepared.proof.manifest.begun),
            path: what,
            steps,
            blast: prepared.blast,
            outcome: "planned",
            summary: format!("{} is verified", prepared.proof.id),
            targets: Vec::new(),
            old: None,
            seconds: None,
        };
        context.ui.report(&document)?;
        return Ok(Exit::Success);
    }
    let consent = consent::obtain(
        context.deadline(),
        &format!("restore {}", set.name),
        Risk::Destructive,
        args.change.yes,
        &prepared.blast,
    )?;
    let (mut lock, _) = take(args, context, deployment)?;
    let copy = prepared.proof.id;
    let (restored, exit) = match put_live(args, context, deployment, set, prepared, &mut lock, &consent) {
        Ok(exchanged) => exchanged,
        Err(error) => {
            lock.abandon();
            return Err(error.into());
        }
    };
    lock.finish();
    let document = ended(context, deployment, set, copy, &restored, exit);
    let exit = change::tell(context, "restore", exit, &document);
    if let RestoreEnd::Live(Some(_)) = restored.end {
        context
            .ui
            .note(&format!("when everything works, delete the old data: {}", program::command("restore --forget-old")));
    }
    Ok(exit)
}

/// Puts what was prepared in the place of the live data.
fn put_live(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: &'static BackupSet,
    prepared: Prepared<'_>,
    lock: &mut Lock,
    consent: &consent::Consent,
) -> Result<(Restored, Exit), Error> {
    let calm = context.unhurried();
    let plan = |operation| operate::make(operation, Extent::Named, &calm, deployment, set.owners);
    let owners =
        Owners { context: &calm, deployment, set, settle: args.settle, rest: args.then == Then::Rest, plan: &plan };
    let job = Job { context: &calm, deployment, set, place: &prepared.place, owners: &owners };
    exchange(&job, &prepared.proof, prepared.id, prepared.stop, lock, consent)
}

/// Finishes or undoes what was interrupted, under a lock that is held; what came of it, in a line.
pub(super) fn recover_within(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    lock: &mut Lock,
) -> Result<String, Error> {
    match bring_to_an_end(args, context, deployment, lock)?.map(|(_, restored)| restored.end) {
        None => Ok("nothing was replaced".to_owned()),
        Some(RestoreEnd::Stuck(trouble)) => Err(Error::failed(Code::Unfinished, trouble)),
        Some(end) => Ok(end.summary()),
    }
}

/// The same as a step of a procedure, which asked and holds the lock of the deployment. In a line what came of it.
pub(super) fn within(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: &'static BackupSet,
    lock: &mut Lock,
    consent: &consent::Consent,
) -> Result<(String, Exit), Error> {
    let who = audit::who(context.system);
    let (backups, _) = lock::take_backups(context.system, deployment, "restore", &who, context.within(WAIT))?;
    let done = (|| {
        recover_within(args, context, deployment, lock)?;
        let prepared = prepare(args, context, deployment, set)?;
        let copy = prepared.proof.id;
        let (restored, exit) = put_live(args, context, deployment, set, prepared, lock, consent)?;
        Ok((format!("{}/{copy}: {}", set.name, restored.end.summary()), exit))
    })();
    backups.finish();
    done
}

/// The lock of the deployment, whose services are stopped.
pub(super) fn take(
    args: &Args,
    context: &Context<'_>,
    deployment: &Deployment,
) -> Result<(Lock, Option<lock::Note>), Error> {
    let wait = context.within(args.change.lock_wait.unwrap_or_default());
    lock::take(context.system, deployment, "restore", &audit::who(context.system), wait)
}

/// Lays the copy beside the live file, and does the rest; what came of it.
fn exchange(
    job: &Job<'_>,
    proof: &Proof,
    id: Id,
    mut commands: Vec<String>,
    lock: &mut Lock,
    consent: &consent::Consent,
) -> Result<(Restored, Exit), Error> {
    let (context, deployment, set) = (job.context, job.deployment, job.set);
    let what = set.source.place();
    let mut journal = journal(context, deployment)?;
    commands.push(format!("# {what} is replaced by {}/{}", set.name, proof.id));
    let parts = job.place.parts().map_err(|error| unseen(set, &what, &error))?;
    let act = audit::begin(context, deployment, "restore", vec![set.name.to_owned()], commands)?;
    let restore = Restore {
        id,
        copy: proof.id,
        set: set.name.to_owned(),
        begun: context.system.now(),
        who: audit::who(context.system),
        parts,
        phase: Phase::Laying,
    };
    let restored = match lay(job, &mut journal, proof, restore) {
        Ok(restore) => job.go(&mut journal, restore, lock, consent),
        Err(reason) => Restored { end: RestoreEnd::Untouched(reason), done: Vec::new(), took: Duration::ZERO },
    };
    let exit = match (&restored.end, restored.done.is_empty()) {
        // No service was stopped for it.
        (RestoreEnd::Untouched(_), true) => Exit::Failure,
        (end, _) => end.exit(),
    };
    act.end(context, restored.end.summary(), exit);
    Ok((restored, exit))
}

fn unseen(set: &BackupSet, what: &str, error: &std::io::Error) -> Error {
    unusable(set, format_args!("{what}: {error}"))
}

/// What a restore would replace cannot be used; the copy can be written elsewhere.
fn unusable(set: &BackupSet, why: std::fmt::Arguments<'_>) -> Error {
    Error::refused(Code::NoPlace, format!("{why}; nothing was changed"))
        .hint(program::command(format_args!("restore {} --to PATH", set.name)))
}

/// Lays the copy beside the live data; what was laid is known of before it is begun.
fn lay(job: &Job<'_>, journal: &mut Journal, proof: &Proof, mut restore: Restore) -> Result<Restore, String> {
    let (context, deployment, place) = (job.context, job.deployment, job.place);
    journal.restores.push(restore.clone());
    let noted = journal.write(context.system, deployment);
    noted.map_err(|error| format!("the progress cannot be recorded: {error}"))?;
    context.ui.progress("write it beside the live data");
    match place.lay(context, job.set, proof) {
        Ok(marks) => {
            restore.parts.iter_mut().zip(marks).for_each(|(part, mark)| part.new = Some(mark));
            Ok(restore)
        }
        Err(error) => {
            let undone = place.undo(&restore.parts).err();
            let undone = undone.map(|error| format!("; its partial files could not be removed: {error}"));
            journal.restores.retain(|other| other.id != restore.id);
            // What stays noted is found to be over by the next call.
            let _ = journal.write(context.system, deployment);
            Err(format!("it could not be written beside the live data: {error}{}", undone.unwrap_or_default()))
        }
    }
}

/// What an operator must know before consenting.
fn blast(context: &Context<'_>, set: &BackupSet, proof: &Proof, unsigned: Option<&str>, is_there: bool) -> Vec<String> {
    let then = proof.manifest.begun;
    let owners: Vec<&str> = set.owners.iter().map(|owner| owner.name).collect();
    let kept = match is_there {
        true => "data written since is only in the old data, which is kept",
        false => "there is no live data now",
    };
    let mut lines = vec![
        format!(
            "{} returns to its state of {} ago, at {}: {kept}",
            set.source.place(),
            age(then, context.system.now()),
            stamp(then)
        ),
        counted(&proof.manifest.rows, proof.manifest.bytes),
    ];
    if let Some(why) = unsigned {
        lines.push(format!("UNSIGNED: {why}: anyone who can write to {} may have made it", set.remote.place()));
    }
    lines.push(match owners.is_empty() {
        true => "no service is stopped or restarted: restart those that read it".to_owned(),
        false => format!("stopped meanwhile: {}", owners.join(", ")),
    });
    lines
}
