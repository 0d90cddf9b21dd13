//! The work of a restore: the copy is chosen, fetched and proven before anything is asked or touched.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Args, At, failed};
use crate::action::audit::{self, Entry};
use crate::action::lock::Lock;
use crate::action::plan::Operation;
use crate::action::{Risk, consent, lock, no_links, run as action};
use crate::backup::create::chance;
use crate::backup::look::{Proof, Stock, prove};
use crate::backup::manifest::Owner;
use crate::backup::name::Id;
use crate::backup::record::{self, How, Line, Looked};
use crate::backup::restore::journal::{Journal, Phase, Restore};
use crate::backup::restore::place::Place;
use crate::backup::restore::{End, Job, Restored};
use crate::backup::staging;
use crate::commands::backup::look::{Extent as Sets, View, view};
use crate::commands::backup::unreachable;
use crate::commands::operate::{self, Extent};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::health::{age, bytes};
use crate::registry::{BackupSet, Deployment, Source, Verdict};
use crate::report::restore::Restore as Document;
use crate::ui::Ui;

/// How long a look waits for a backup that is under way.
const WAIT: Duration = Duration::from_secs(2);

/// The live file of a set.
fn live_path(set: &BackupSet) -> Result<&'static str, Error> {
    match set.source {
        Source::Sqlite { path } => Ok(path),
        Source::Postgres { .. } | Source::Redis { .. } | Source::Mongo { .. } | Source::Files { .. } => {
            Err(failed("unknown_kind", Exit::Refused, format!("{} cannot be restored by this opsctl", set.name)))
        }
    }
}

/// Chooses a copy of a set.
fn choose<'s>(
    args: &Args,
    context: &Context<'_>,
    stock: &'s Stock,
) -> Result<&'s crate::backup::catalogue::Backup, Error> {
    let name = stock.set.name;
    let found = match &args.at {
        None => stock.newest(),
        Some(At::Id(id)) => stock.backups.iter().find(|backup| backup.id == *id),
        Some(At::Time(moment)) => {
            let time = moment.at(context.system.now(), &context.system.zone());
            stock.backups.iter().find(|backup| backup.is_verified() && time.is_some_and(|time| backup.id.time <= time))
        }
    };
    let shown: Vec<String> = stock.backups.iter().take(5).map(|backup| backup.id.to_string()).collect();
    let listed = match shown.is_empty() {
        true => "there is none".to_owned(),
        false => format!("there are: {}", shown.join(", ")),
    };
    let backup = found.ok_or_else(|| {
        Error::usage("unknown_backup", format!("no verified copy of {name} fits; nothing was changed")).hint(listed)
    })?;
    match &backup.trouble {
        None => Ok(backup),
        Some(trouble) => {
            Err(failed("bad_copy", Exit::Refused, format!("{name}/{}: {trouble}; nothing was changed", backup.id)))
        }
    }
}

/// Fetches the chosen copy and restores it in scratch.
fn proven(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: &'static BackupSet,
    view: &View<'_>,
) -> Result<Proof, Error> {
    let stock = view.stock.first().ok_or_else(|| unreachable("nothing was listed".to_owned()))?;
    let backup = choose(args, context, stock)?;
    let manifest = backup.manifest.clone().map_err(unreachable)?;
    context.ui.progress(&format!("read {} and restore it in scratch", backup.id));
    let mut proofs = prove(&view.store, vec![(set, manifest)], &view.staging).map_err(unreachable)?;
    let proof = proofs.pop().ok_or_else(|| unreachable("nothing came back".to_owned()))?;
    let looked = Looked {
        id: proof.id,
        time: context.system.now(),
        set: set.name.to_owned(),
        how: How::Restore,
        trouble: proof.found.as_ref().err().cloned(),
        took_ms: u64::try_from(proof.took.as_millis()).unwrap_or(u64::MAX),
    };
    if let Err(error) = record::keep(context.system, deployment, &Line::Looked(looked)) {
        context.ui.note(&format!("that it was looked at cannot be recorded: {error}"));
    }
    match &proof.found {
        Ok(_) => Ok(proof),
        Err(trouble) => {
            let message = format!("{}/{}: {trouble}; nothing was changed", set.name, proof.id);
            Err(failed("bad_copy", Exit::Failure, message).hint("choose an older one with --at: opsctl backup list"))
        }
    }
}

/// Writes a proven copy to a path where nothing is.
pub(super) fn write(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: &'static BackupSet,
    path: &Path,
) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let Some(absolute) = path.to_str().filter(|path| path.starts_with('/')) else {
        return Err(Error::usage("usage", "--to takes an absolute path").into());
    };
    let target = context.system.path(absolute);
    if target.symlink_metadata().is_ok() {
        return Err(failed("exists", Exit::Refused, format!("{absolute} exists; nothing was changed")).into());
    }
    let who = audit::who(context.system);
    let (lock, _) = lock::take_backups(context.system, deployment, "restore --to", &who, WAIT)?;
    let view = view(context, deployment, &[set], Sets::Named)?;
    let proof = proven(args, context, deployment, set, &view)?;
    let document = |outcome, summary: String| Document {
        head: context.head("opsctl/restore/v1", deployment, Verdict::Pass, Exit::Success),
        dry_run: args.change.dry_run,
        set: set.name.to_owned(),
        copy: Some(proof.id),
        copied: Some(proof.manifest.begun),
        path: absolute.to_owned(),
        steps: vec![format!("write the proven copy to {absolute}")],
        blast: Vec::new(),
        outcome,
        summary,
        targets: Vec::new(),
        old: None,
        seconds: Some(seconds(begun.elapsed())),
    };
    let size = bytes(proof.manifest.bytes);
    if args.change.dry_run {
        context.ui.report(&document(
            "planned",
            format!("{} as of {}, {size}, to {absolute}", proof.id, proof.manifest.begun),
        ))?;
        return Ok(Exit::Success);
    }
    let told = |error: std::io::Error| failed("failed", Exit::Failure, format!("{absolute}: {error}"));
    if let Some(directory) = target.parent() {
        staging::room(directory, proof.manifest.bytes).map_err(|trouble| failed("no_room", Exit::Refused, trouble))?;
    }
    let mut options = OpenOptions::new();
    let mut file =
        options.write(true).create_new(true).mode(0o600).custom_flags(no_links()).open(&target).map_err(told)?;
    let copied = staging::copy_hashed(&mut File::open(&proof.copy).map_err(told)?, &mut file);
    let synced = copied.and_then(|(_, hash)| match hash == proof.manifest.sha256 {
        true => file.sync_all(),
        false => Err(std::io::Error::other("the copy has changed since it was proven")),
    });
    if let Err(error) = synced {
        // Half of it is nothing.
        let _ = fs::remove_file(&target);
        return Err(told(error).into());
    }
    lock.finish();
    context.ui.report(&document("written", format!("{size} as of {} written to {absolute}", proof.manifest.begun)))?;
    Ok(Exit::Success)
}

fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}

fn journal(context: &Context<'_>, deployment: &Deployment) -> Result<Journal, Error> {
    Journal::read(context.system, deployment).map_err(|error| {
        let message = format!("what earlier restores have come to cannot be read: {error}; nothing was changed");
        failed("no_journal", Exit::Refused, message)
    })
}

fn place(context: &Context<'_>, set: &BackupSet, id: Id) -> Result<Place, Error> {
    let path = live_path(set)?;
    Place::open(context.system, path, id).map_err(|error| {
        failed(
            "no_place",
            Exit::Refused,
            format!("the directory of {path} cannot be used: {error}; nothing was changed"),
        )
    })
}

/// Finishes or undoes a restore that was killed; what came of it.
fn recover(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    lock: &mut Lock,
) -> Result<Option<(Restore, Restored)>, Error> {
    let mut journal = journal(context, deployment)?;
    let Some(restore) = journal.unfinished().cloned() else { return Ok(None) };
    let set = deployment.backup(&restore.set).ok_or_else(|| {
        failed(
            "no_journal",
            Exit::Refused,
            format!("a restore of {}, which is no set any more, did not end", restore.set),
        )
    })?;
    context.ui.note(&format!("a restore of {} by {} did not come to its end", set.name, restore.who));
    let place = place(context, set, restore.id)?;
    let entry =
        Entry::begin(context.system, deployment.name, "restore (recover)", vec![set.name.to_owned()], Vec::new());
    audit::write(context.system, &entry)?;
    let calm = context.unhurried();
    let switch = |operation| operate::make(operation, Extent::Named, &calm, deployment, set.owners);
    let job = Job { context: &calm, deployment, set, place: &place, settle: args.settle, switch: &switch };
    let restored = job.recover(&mut journal, restore.clone(), lock);
    action::conclude(context, entry, restored.end.summary(), restored.end.exit(), restored.took);
    Ok(Some((restore, restored)))
}

/// Only what was killed is brought to an end.
pub(super) fn recover_only(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
) -> anyhow::Result<Exit> {
    if journal(context, deployment)?.unfinished().is_none() {
        context.ui.note("no restore was left unfinished");
        return Ok(Exit::Success);
    }
    let wait = args.change.lock_wait.unwrap_or_default();
    let (mut lock, _) = lock::take(context.system, deployment, "restore", &audit::who(context.system), wait)?;
    let recovered = recover(args, context, deployment, &mut lock);
    lock.finish();
    let Some((restore, restored)) = recovered? else { return Ok(Exit::Success) };
    let Some(set) = deployment.backup(&restore.set) else { return Ok(Exit::Failure) };
    let exit = match restored.end {
        // That it was undone is what was asked for.
        End::Live(_) | End::Untouched(_) | End::PutBack(_) => Exit::Success,
        End::Stuck(_) => Exit::Failure,
    };
    let document = ended(context, deployment, set, restore.copy, live_path(set)?, &restored, exit);
    context.ui.report(&document)?;
    Ok(exit)
}

fn ended(
    context: &Context<'_>,
    deployment: &Deployment,
    set: &BackupSet,
    copy: Id,
    path: &str,
    restored: &Restored,
    exit: Exit,
) -> Document {
    let (outcome, old) = match &restored.end {
        End::Live(old) => ("live", old.as_ref().map(|path| path.display().to_string())),
        End::Untouched(_) => ("untouched", None),
        End::PutBack(_) => ("put_back", None),
        End::Stuck(_) => ("stuck", None),
    };
    let verdict = if exit == Exit::Success { Verdict::Pass } else { Verdict::Fail };
    Document {
        head: context.head("opsctl/restore/v1", deployment, verdict, exit),
        dry_run: false,
        set: set.name.to_owned(),
        copy: Some(copy),
        copied: Some(copy.time),
        path: path.to_owned(),
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
    let path = live_path(set)?;
    let who = audit::who(context.system);
    let wait = args.change.lock_wait.unwrap_or_default();
    if args.change.dry_run {
        if let Some(restore) = journal(context, deployment)?.unfinished() {
            context.ui.note(&format!(
                "a restore of {} by {} did not come to its end; it is ended first",
                restore.set, restore.who
            ));
        }
    }
    let (backups, _) = lock::take_backups(context.system, deployment, "restore", &who, wait.max(WAIT))?;
    let view = view(context, deployment, &[set], Sets::Named)?;
    let proof = proven(args, context, deployment, set, &view)?;
    let now = context.system.now();
    let restore = chance().map(|chance| Id::new(now, proof.id.sequence, chance));
    let id = restore.map_err(|error| failed("failed", Exit::Failure, error.to_string()))?;
    let place = place(context, set, id)?;
    let told =
        |error: std::io::Error| failed("no_place", Exit::Refused, format!("{path}: {error}; nothing was changed"));
    let live = place.live().map_err(told)?;
    if let Some(live) = live.filter(|live| live.names != 1) {
        let message = format!(
            "{path} has {} names, so that another would go on with the old data; nothing was changed",
            live.names
        );
        return Err(failed("hard_link", Exit::Refused, message).into());
    }
    let directory = place.path().parent().unwrap_or(Path::new("/")).to_owned();
    staging::room(&directory, proof.manifest.bytes).map_err(|trouble| failed("no_room", Exit::Refused, trouble))?;
    let owner = live.map(|live| live.owner).or(proof.manifest.owner);
    let owner = owner.unwrap_or(Owner { uid: 0, gid: 0, mode: 0o600 });
    let blast = blast(context, set, path, &proof, live.map(|live| live.bytes));
    let calm = context.unhurried();
    let switch = |operation| operate::make(operation, Extent::Named, &calm, deployment, set.owners);
    // What stands against stopping the owners is known before anybody is asked.
    let stop = switch(Operation::Stop)?;
    if args.change.dry_run {
        let mut steps = vec![format!("lay {} beside {path}, with its owner and mode", bytes(proof.manifest.bytes))];
        steps.extend(stop.commands());
        steps.push("see that nobody has it open; put its log into it".to_owned());
        steps.push("give the old file another name, and the new one its name, in one step".to_owned());
        steps.extend(set.owners.iter().map(|owner| format!("start {}, and see that it stays up", owner.name)));
        let document = Document {
            head: context.head("opsctl/restore/v1", deployment, Verdict::Pass, Exit::Success),
            dry_run: true,
            set: set.name.to_owned(),
            copy: Some(proof.id),
            copied: Some(proof.manifest.begun),
            path: path.to_owned(),
            steps,
            blast,
            outcome: "planned",
            summary: format!("{} is proven", proof.id),
            targets: Vec::new(),
            old: None,
            seconds: None,
        };
        context.ui.report(&document)?;
        return Ok(Exit::Success);
    }
    let consent = consent::obtain(&format!("restore {}", set.name), Risk::Destructive, args.change.yes, &blast)?;
    let (mut lock, _) = lock::take(context.system, deployment, "restore", &who, wait)?;
    match recover(args, context, deployment, &mut lock) {
        Ok(Some((before, restored))) => {
            context.ui.note(&format!("the restore of {} before: {}", before.set, restored.end.summary()));
            if let End::Stuck(_) = restored.end {
                lock.abandon();
                return Err(failed("unfinished", Exit::Failure, restored.end.summary()).into());
            }
        }
        Ok(None) => {}
        Err(error) => {
            lock.abandon();
            return Err(error.into());
        }
    }
    let mut journal = journal(context, deployment)?;
    let mut commands = stop.commands();
    commands.push(format!("# {path} is replaced by {}/{}", set.name, proof.id));
    let entry = Entry::begin(context.system, deployment.name, "restore", vec![set.name.to_owned()], commands);
    audit::write(context.system, &entry)?;
    let live = place.live().map_err(told)?;
    let old = live.map(|live| live.mark);
    let restore =
        Restore { id, copy: proof.id, set: set.name.to_owned(), begun: now, who, new: None, old, phase: Phase::Laying };
    let job = Job { context: &calm, deployment, set, place: &place, settle: args.settle, switch: &switch };
    let restored = match lay(context, deployment, &mut journal, &place, &proof, owner, restore) {
        Ok(restore) => job.go(&mut journal, restore, &mut lock, &consent),
        Err(reason) => Restored { end: End::Untouched(reason), done: Vec::new(), took: Duration::ZERO },
    };
    let exit = match (&restored.end, restored.done.is_empty()) {
        // No service was stopped for it.
        (End::Untouched(_), true) => Exit::Failure,
        (end, _) => end.exit(),
    };
    action::conclude(context, entry, restored.end.summary(), exit, restored.took);
    lock.finish();
    backups.finish();
    let document = ended(context, deployment, set, proof.id, path, &restored, exit);
    if let Err(error) = context.ui.report(&document)
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        Ui::warn(&format!("restore ended with {}, which could not be printed: {error}", exit.code()));
    }
    if let End::Live(Some(_)) = restored.end {
        context.ui.note("once all is well: opsctl restore --forget-old");
    }
    Ok(exit)
}

/// Lays the copy beside the live file; what was laid is known of before it is begun.
fn lay(
    context: &Context<'_>,
    deployment: &Deployment,
    journal: &mut Journal,
    place: &Place,
    proof: &Proof,
    owner: Owner,
    mut restore: Restore,
) -> Result<Restore, String> {
    journal.restores.push(restore.clone());
    let noted = journal.write(context.system, deployment);
    noted.map_err(|error| format!("what is done cannot be noted: {error}"))?;
    match place.lay(&proof.copy, owner, &proof.manifest.sha256) {
        Ok(mark) => {
            restore.new = Some(mark);
            Ok(restore)
        }
        Err(error) => {
            let undone =
                place.undo().err().map(|error| format!("; what was begun of it could not be removed: {error}"));
            journal.restores.retain(|other| other.id != restore.id);
            // What stays noted is found to be over by the next call.
            let _ = journal.write(context.system, deployment);
            Err(format!("it could not be laid beside the live file: {error}{}", undone.unwrap_or_default()))
        }
    }
}

/// What an operator must know before consenting.
fn blast(context: &Context<'_>, set: &BackupSet, path: &str, proof: &Proof, now_bytes: Option<u64>) -> Vec<String> {
    let then = proof.manifest.begun;
    let owners: Vec<&str> = set.owners.iter().map(|owner| owner.name).collect();
    let mut lines = vec![format!(
        "{path} becomes what it was {} ago, at {then:.0}: what was written since is only in the old file, which is kept",
        age(then, context.system.now())
    )];
    lines.push(match now_bytes {
        Some(now) => {
            format!("{} now, {} then, {} rows", bytes(now), bytes(proof.manifest.bytes), proof.manifest.total_rows())
        }
        None => {
            format!("nothing is there now; {} then, {} rows", bytes(proof.manifest.bytes), proof.manifest.total_rows())
        }
    });
    if !owners.is_empty() {
        lines.push(format!("stopped meanwhile: {}", owners.join(", ")));
    }
    lines
}

/// Deletes the old data that restores have kept.
pub(super) fn forget(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    set: Option<&'static BackupSet>,
) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let is_meant = |restore: &&Restore| restore.phase == Phase::Done && set.is_none_or(|set| set.name == restore.set);
    let known = journal(context, deployment)?;
    let mut kept = Vec::new();
    for restore in known.restores.iter().filter(is_meant) {
        let Some(set) = deployment.backup(&restore.set) else { continue };
        kept.push((restore.clone(), place(context, set, restore.id)?));
    }
    let lines: Vec<String> =
        kept.iter().map(|(restore, place)| format!("{}: {}", restore.set, place.old_path().display())).collect();
    let document = |exit: Exit, outcome, summary: String| Document {
        head: context.head(
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
        1 => "1 old file".to_owned(),
        count => format!("{count} old files"),
    };
    if args.change.dry_run || kept.is_empty() {
        context.ui.report(&document(Exit::Success, "planned", format!("{count} kept")))?;
        return Ok(Exit::Success);
    }
    let _ = consent::obtain(&format!("delete {count}"), Risk::Destructive, args.change.yes, &lines)?;
    let wait = args.change.lock_wait.unwrap_or_default();
    let (lock, _) = lock::take(context.system, deployment, "restore --forget-old", &audit::who(context.system), wait)?;
    let mut journal = journal(context, deployment)?;
    let targets = kept.iter().map(|(restore, _)| restore.set.clone()).collect();
    let entry = Entry::begin(context.system, deployment.name, "restore --forget-old", targets, lines.clone());
    audit::write(context.system, &entry)?;
    let mut troubles = Vec::new();
    for (restore, place) in &kept {
        match place.forget(restore.old) {
            Ok(()) => journal.restores.retain(|other| other.id != restore.id || other.set != restore.set),
            Err(error) => troubles.push(format!("{}: {error}", restore.set)),
        }
    }
    if let Err(error) = journal.write(context.system, deployment) {
        troubles.push(format!("that they are gone cannot be noted: {error}"));
    }
    let exit = match troubles.len() {
        0 => Exit::Success,
        some if some < kept.len() => Exit::Partial,
        _ => Exit::Failure,
    };
    let summary = if troubles.is_empty() { format!("{count} deleted") } else { troubles.join("; ") };
    action::conclude(context, entry, summary.clone(), exit, begun.elapsed());
    lock.finish();
    context.ui.report(&document(exit, "forgotten", summary))?;
    Ok(exit)
}
