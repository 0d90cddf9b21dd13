//! `opsctl backup`: makes copies that are proven, lists them, looks at them again, and lets old ones go.

pub(super) mod look;
mod prune;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use clap::Subcommand;
use clap_complete::engine::ArgValueCandidates;

use super::change::{self, Change};
use super::operate::{self, Extent};
use super::schedule::{self, Installing};
use super::usage;
use crate::action::audit;
use crate::action::lock::Lock;
use crate::action::plan::Operation;
use crate::action::schedule::Job;
use crate::action::{Risk, consent, lock, run as action};
use crate::args::complete_sets;
use crate::backup::create::{self, Run};
use crate::backup::owners::Owners;
use crate::backup::record::{self, Records};
use crate::backup::source;
use crate::backup::staging;
use crate::backup::store::Store;
use crate::backup::trouble::CopyTrouble;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::registry::{BackupSet, Deployment, Schedule, Verdict};
use crate::report::Head;
use crate::report::backup::{Backup, BackupOutcome, SetOutcome};
use crate::select;
use crate::ui::Format;

/// How long services that rested must stay well before that is called success.
const REST: Duration = Duration::from_secs(2);

/// How long a procedure waits for a backup that somebody else makes.
const FOR_OTHERS: Duration = Duration::from_mins(10);

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to do [default: create]
    #[command(subcommand)]
    what: Option<BackupCommand>,
    /// What to copy.
    #[command(flatten)]
    create: Create,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Back up to the remote, then verify the copies
    Create(Create),
    /// List copies on the remote
    List(look::List),
    /// Verify copies: read them again, restore in scratch
    Verify(look::Verify),
    /// Rehearse a restore and record how long it took
    Drill(look::Drill),
    /// Show copies past their retention; delete with --yes
    Prune(prune::Prune),
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Sets to back up [default: all that have a schedule]
    ///
    /// A name, a pattern such as 'w*', or several with commas between them.
    #[arg(value_name = "SET", add = ArgValueCandidates::new(complete_sets))]
    sets: Vec<String>,
    /// Whether it is to run by itself.
    #[command(flatten)]
    installing: Installing,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    match &args.what {
        None => make(&args.create, context).map_err(|error| match error.downcast::<Error>() {
            Ok(error) => or_verb(error, &args.create.sets).into(),
            Err(other) => other,
        }),
        Some(BackupCommand::Create(create)) => make(create, context),
        Some(BackupCommand::List(args)) => look::list(args, context),
        Some(BackupCommand::Verify(args)) => look::verify(args, context),
        Some(BackupCommand::Drill(args)) => look::drill(args, context),
        Some(BackupCommand::Prune(args)) => prune::run(args, context),
    }
}

/// With the verb below `backup` that somebody means by a word that is no set.
fn or_verb(error: Error, words: &[String]) -> Error {
    let is_open = matches!(error.code, Code::UnknownSet | Code::NoBackups)
        && !error.hint.as_ref().is_some_and(|hint| hint.starts_with("did you mean"));
    let typed = words.first().filter(|_| is_open);
    match typed.and_then(|typed| Some((typed, usage::verb(typed, &["backup".to_owned()])?))) {
        Some((typed, meant)) => error.hint(format!("did you mean: {}", program::instead(typed, &meant))),
        None => error,
    }
}

/// The sets that these words mean, else all that are copied by schedule.
pub(super) fn sets(context: &Context<'_>, names: &[String]) -> Result<Vec<&'static BackupSet>, Error> {
    let deployment = context.deployment()?;
    if deployment.backups.is_empty() {
        return Err(Error::refused(Code::NoBackups, format!("the registry has no backup set of {}", deployment.name))
            .hint(program::command("get deployments")));
    }
    let mut found = select::sets(context.system, deployment, names)?;
    if names.is_empty() {
        let scheduled = |set: &&BackupSet| matches!(set.schedule, Schedule::Daily { .. });
        found.extend(deployment.backups.iter().filter(scheduled));
    }
    if found.is_empty() {
        let message = format!("no backup set of {} has a schedule: name the sets", deployment.name);
        return Err(Error::usage(Code::Usage, message).hint(program::command("get backups")));
    }
    Ok(found)
}

/// Refuses sets by name where all that have a schedule are meant.
fn all_sets(names: &[String]) -> Result<(), Error> {
    match names {
        [] => Ok(()),
        _ => Err(Error::usage(Code::Usage, "--install and --uninstall are for all scheduled sets: name none")),
    }
}

/// Refuses whoever is not root.
pub(super) fn needs_root(context: &Context<'_>, words: &str) -> Result<(), Error> {
    if context.system.is_root() {
        return Ok(());
    }
    Err(change::no_root(words))
}

/// What this host recorded of its backups.
pub(super) fn records(context: &Context<'_>, deployment: &Deployment) -> Result<Records, Error> {
    record::read(context.system, deployment).map_err(|error| {
        Error::unknown(
            Code::RecordUnreadable,
            format!("the record of the backups of {} cannot be read: {error}", deployment.name),
        )
    })
}

/// The remote of a deployment's sets, which is one.
pub(super) fn open<'a>(context: &'a Context<'a>, set: &BackupSet) -> Result<Store<'a>, String> {
    Store::open(context, set.remote)
}

/// The remote is what is wrong, so that nothing is known.
#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
pub(super) fn unreachable(trouble: String) -> Error {
    Error::unknown(Code::NoRemote, format!("the remote cannot be listed: {trouble}"))
        .hint("rclone config, as root, shows or creates the remote")
}

fn make(args: &Create, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let sets = sets(context, &args.sets)?;
    if let Some(direction) = args.installing.direction() {
        all_sets(&args.sets)?;
        return schedule::run(Job::Backup, direction, &[], &args.installing, &args.change, context);
    }
    needs_root(context, "backup")?;
    let store = open(context, sets[0]);
    if args.change.dry_run {
        return plan(context, deployment, &sets, &store);
    }
    let wait = context.within(args.change.lock_wait.unwrap_or_default());
    let resting: Vec<&BackupSet> = sets.iter().copied().filter(|set| set.source.rests()).collect();
    if !resting.is_empty() {
        let names: Vec<&str> = resting.iter().map(|set| set.name).collect();
        let blast: Vec<String> = resting.iter().map(|set| stopped(set)).collect();
        let _ = consent::obtain(
            context.deadline(),
            &format!("backup {}", names.join(" ")),
            Risk::Disruptive,
            args.change.yes,
            &blast,
        )?;
    }
    locked(context, deployment, "backup", wait, |lock| {
        let who = audit::who(context.system);
        let rests = (!resting.is_empty()).then(|| lock::take(context.system, deployment, "backup", &who, wait));
        let rests = rests.transpose()?.map(|(lock, _)| lock);
        let mut rests = rests;
        let made = work(context, deployment, &sets, &store, lock, rests.as_mut());
        if let Some(lock) = rests {
            lock.finish();
        }
        Ok(report(context, deployment, sets[0], &made?))
    })
}

/// Backs up these sets for a procedure, which holds the deployment's lock already; what came of it, in a line.
pub(super) fn for_procedure(
    context: &Context<'_>,
    deployment: &'static Deployment,
    names: &[&str],
    resting: &mut Lock,
) -> Result<(String, Exit), Error> {
    let known = |name: &&str| deployment.backup(name);
    let sets: Vec<&'static BackupSet> = names.iter().filter_map(known).collect();
    let Some(first) = sets.first() else {
        let message = format!("the registry has no such backup set of {}", deployment.name);
        return Err(Error::refused(Code::NoBackups, message).hint(program::command("get backups")));
    };
    let store = open(context, first);
    let who = audit::who(context.system);
    let (mut lock, _) = lock::take_backups(context.system, deployment, "backup", &who, context.within(FOR_OTHERS))?;
    let made = work(context, deployment, &sets, &store, &mut lock, Some(resting));
    lock.finish();
    made.map(|run| (run.summary(), run.exit()))
}

/// What an operator must know of a set whose owners rest.
fn stopped(set: &BackupSet) -> String {
    let owners: Vec<&str> = set.owners.iter().map(|owner| owner.name).collect();
    let why = match set.schedule {
        Schedule::ByHand(why) => format!(": {why}"),
        Schedule::Daily { .. } => String::new(),
    };
    format!("stopped while {} is backed up: {}{why}", set.name, owners.join(", "))
}

/// Does something under the lock of backups. Whatever it comes to, it came to its end.
pub(super) fn locked(
    context: &Context<'_>,
    deployment: &Deployment,
    what: &str,
    wait: Duration,
    work: impl FnOnce(&mut Lock) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    let who = audit::who(context.system);
    let (mut lock, unfinished) = lock::take_backups(context.system, deployment, what, &who, wait)?;
    if let Some(note) = &unfinished {
        context.ui.note(&action::unfinished(note));
    }
    let done = work(&mut lock);
    lock.finish();
    done
}

/// Makes the run.
fn work(
    context: &Context<'_>,
    deployment: &'static Deployment,
    sets: &[&'static BackupSet],
    store: &Result<Store<'_>, String>,
    lock: &mut Lock,
    resting: Option<&mut Lock>,
) -> Result<Run, Error> {
    let records = records(context, deployment)?;
    let targets = sets.iter().map(|set| set.name.to_owned()).collect();
    let commands = store.as_ref().map(|store| planned(context, deployment, sets, store)).unwrap_or_default();
    let act = audit::begin(context, deployment, "backup", targets, commands)?;
    let calm = context.unhurried();
    let deployment_lock = resting.map(Mutex::new);
    let rest = |set: &'static BackupSet, operation: Operation| {
        let Some(lock) = &deployment_lock else { return Err("its services cannot be stopped".to_owned()) };
        let plan = |operation| operate::make(operation, Extent::Named, &calm, deployment, set.owners);
        let owners = Owners { context: &calm, deployment, set, settle: REST, rest: false, plan: &plan };
        let mut lock = lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        owners.all(operation, &mut lock).1.map_or(Ok(()), Err)
    };
    let made = create::run(context, deployment, sets, &records, store, lock, &rest);
    let (summary, exit) = match &made {
        Ok(run) => (run.summary(), run.exit()),
        Err(error) => (error.message.clone(), error.exit),
    };
    act.end(context, summary, exit);
    made
}

fn report(context: &Context<'_>, deployment: &Deployment, set: &BackupSet, run: &Run) -> Exit {
    let exit = run.exit();
    // From cron nothing is said of what went well.
    if exit == Exit::Success && context.ui.quiet && context.ui.format != Format::Json {
        return exit;
    }
    let verdict = if exit == Exit::Success { Verdict::Pass } else { Verdict::Fail };
    let head = Head::of(context.system, "opsctl/backup/v1", deployment, verdict, exit);
    change::tell(context, "backup", exit, &Backup::ended(head, set.remote.place(), run))
}

/// The commands of a run, as they can be pasted.
fn planned(
    context: &Context<'_>,
    deployment: &Deployment,
    sets: &[&'static BackupSet],
    store: &Store<'_>,
) -> Vec<String> {
    let there = context.system.path(&staging::home(deployment)).join("work-ID");
    let paths: Vec<String> = sets.iter().map(|set| format!("{}/ID.{}", set.name, set.source.extension())).collect();
    vec![store.upload_argv(&there.join("out")).to_string(), store.fetch_argv(&paths, &there.join("back")).to_string()]
}

/// Looks at everything that would be copied, and says what would be done.
fn plan(
    context: &Context<'_>,
    deployment: &'static Deployment,
    sets: &[&'static BackupSet],
    store: &Result<Store<'_>, String>,
) -> anyhow::Result<Exit> {
    let mut failed = 0;
    let mut total = 0;
    let rows: Vec<SetOutcome> = sets
        .iter()
        .map(|set| {
            let (outcome, bytes, summary) = match source::look(context, set) {
                Ok(found) => {
                    let stopped = if set.source.rests() { format!("; {}", stopped(set)) } else { String::new() };
                    let summary = format!("{} {}{stopped}", set.source.kind(), set.source.place());
                    (BackupOutcome::Planned, Some(found.bytes), summary)
                }
                Err(CopyTrouble::Missing) if set.optional.is_some() => {
                    (BackupOutcome::Absent, None, format!("not on this host: {}", set.optional.unwrap_or_default()))
                }
                Err(trouble) => {
                    failed = i32::saturating_add(failed, 1);
                    (BackupOutcome::Failed, None, format!("would fail: {trouble}"))
                }
            };
            total = u64::saturating_add(total, source::room(&set.source, bytes.unwrap_or(0)));
            SetOutcome {
                set: set.name.to_owned(),
                outcome,
                summary,
                bytes,
                sha256: None,
                rows: BTreeMap::new(),
                warning: None,
            }
        })
        .collect();
    staging::room(context.system, Path::new(&staging::home(deployment)), total)
        .map_err(|trouble| Error::refused(Code::NoRoom, trouble).hint(program::command("diagnose disk-full")))?;
    let store = store.as_ref().map_err(|trouble| unreachable(trouble.clone()))?;
    store.list().map_err(unreachable)?;
    let (verdict, exit) = if failed == 0 { (Verdict::Pass, Exit::Success) } else { (Verdict::Fail, Exit::Unhealthy) };
    let document = Backup {
        head: Head::of(context.system, "opsctl/backup/v1", deployment, verdict, exit),
        dry_run: true,
        id: None,
        remote: store.place().to_owned(),
        sets: rows,
        commands: planned(context, deployment, sets, store),
        kept: None,
        seconds: None,
    };
    context.ui.report(&document)?;
    Ok(exit)
}
