//! `backup list`, `backup verify`, `backup drill`: what lies on the remote, and whether it can still be restored.

use std::collections::BTreeMap;

use clap_complete::engine::ArgValueCandidates;

use super::{all_sets, locked, needs_root, open, records, sets, unreachable};
use crate::action::lock::Lock;
use crate::action::schedule::Job;
use crate::args::complete_sets;
use crate::backup::catalogue::{Backup, Listed, Stock};
use crate::backup::key::Key;
use crate::backup::key::chance;
use crate::backup::look::{self, Proof};
use crate::backup::manifest::{Manifest, shrunk};
use crate::backup::name::Id;
use crate::backup::record::{self, BackupLine, How, Looked, Records};
use crate::backup::sequence::{self, Gap};
use crate::backup::staging::Staging;
use crate::backup::store::Store;
use crate::backup::trouble::Unproven;
use crate::commands::change::Change;
use crate::commands::schedule::{self, Installing};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::judge::freshness::{self, Freshness};
use crate::program;
use crate::registry::{BackupSet, Deployment, Verdict};
use crate::report::Head;
use crate::report::backup::{BackupRow, Backups, ProofFacts, Proofs, proven};
use crate::select::listed;
use crate::ui::Format;
use crate::units::age;

/// Arguments of `backup list`.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Sets to list [default: all that have a schedule]
    ///
    /// A name, a pattern such as 'w*', or several with commas between them.
    #[arg(value_name = "SET", add = ArgValueCandidates::new(complete_sets))]
    sets: Vec<String>,
}

/// Arguments of `backup verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// Sets or copies to verify [default: scheduled sets]
    ///
    /// Of a set the newest copy; copies as `backup list -o name` prints them. Patterns such as 'w*' and commas work as well.
    #[arg(value_name = "SET|SET/ID", add = ArgValueCandidates::new(complete_sets))]
    what: Vec<String>,
    /// Verify every copy, not only the newest
    #[arg(long)]
    all: bool,
}

/// Arguments of `backup drill`.
#[derive(Debug, clap::Args)]
pub(super) struct Drill {
    /// Sets to restore in scratch [default: scheduled sets]
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

/// Which sets are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Extent {
    /// Those that were named.
    Named,
    /// All that there are.
    All,
}

impl Extent {
    /// All where none is named.
    pub(in crate::commands) fn of(names: &[String]) -> Self {
        if names.is_empty() { Extent::All } else { Extent::Named }
    }
}

/// What lies on the remote of these sets, for whoever holds the lock of backups.
pub(in crate::commands) struct View<'a> {
    pub store: Store<'a>,
    pub staging: Staging,
    pub records: Records,
    pub stock: Vec<Stock>,
    pub listed: Vec<Listed>,
    /// Where the numbers of the newest runs do not follow each other.
    pub gap: Option<Gap>,
}

/// What this host signs manifests with; `None` where it has no key.
fn key(context: &Context<'_>) -> Result<Option<Key>, Error> {
    Key::find(context.system).map_err(|trouble| {
        Error::unknown(Code::NoKey, format!("the signing key of this host cannot be read: {trouble}"))
    })
}

pub(in crate::commands) fn view<'a>(
    context: &'a Context<'a>,
    deployment: &'static Deployment,
    sets: &[&'static BackupSet],
    extent: Extent,
) -> Result<View<'a>, Error> {
    let store = open(context, sets[0]).map_err(unreachable)?;
    let listed = store.list().map_err(unreachable)?;
    let records = records(context, deployment)?;
    let staging = chance().and_then(|chance| Staging::make(context.system, deployment, &format!("{chance:08x}")));
    let staging = staging.map_err(|error| unreachable(format!("it cannot be staged: {error}")))?;
    let key = key(context)?;
    let stock = look::stock(&store, deployment, sets, &listed, &records, key.as_ref(), &staging);
    let mut stock = stock.map_err(unreachable)?;
    let signed: Vec<u64> = stock.iter().flat_map(Stock::signed).collect();
    let gap = sequence::gap(&records.sequences(), &signed);
    if extent == Extent::All {
        // What need not be on a host needs no copy either.
        stock.retain(|stock| stock.set.optional.is_none() || !stock.shelf.pieces.is_empty());
    }
    Ok(View { store, staging, records, stock, listed, gap })
}

pub(super) fn list(args: &List, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let sets = sets(context, &args.sets)?;
    if !context.system.is_root() {
        // It reads alone: what it could not do is determine.
        return Err(Error::unknown(Code::NeedsRoot, "the remote and its credentials are readable by root only")
            .hint(program::again_as_root("backup list"))
            .into());
    }
    locked(context, deployment, "backup list", LIST_WAIT, |_| listing(args, context, deployment, &sets))
}

fn listing(
    args: &List,
    context: &Context<'_>,
    deployment: &'static Deployment,
    sets: &[&'static BackupSet],
) -> anyhow::Result<Exit> {
    let view = view(context, deployment, sets, Extent::of(&args.sets))?;
    let now = context.system.now();
    let row = |stock: &Stock, backup: &Backup| {
        let manifest = backup.manifest.as_ref().ok();
        let later = view.records.last_restore(stock.set.name, backup.id).map(|looked| looked.time);
        BackupRow {
            id: backup.id,
            set: stock.set.name.to_owned(),
            time: backup.id.time,
            age_seconds: now.duration_since(backup.id.time).as_secs(),
            bytes: manifest.map(|manifest| manifest.bytes),
            verified: backup.is_verified(),
            signed: backup.is_ours(),
            trouble: backup.trouble.clone().or_else(|| backup.unsigned.clone()),
            // What an unsigned manifest says was proven by nobody knows whom.
            last_proven_restore: later.or(manifest.filter(|_| backup.is_ours()).map(|manifest| manifest.proven)),
            rows: manifest.map(Manifest::total_rows),
        }
    };
    let rows = view.stock.iter().flat_map(|stock| stock.backups.iter().map(move |backup| row(stock, backup)));
    let others = |stock: &Stock| {
        let unfinished = stock.shelf.pieces.values().filter(|pieces| pieces.manifest.is_none()).count();
        stock.shelf.foreign.len().saturating_add(unfinished)
    };
    let foreign = |stock: &Stock| stock.foreign(|id| view.records.is_known(stock.set.name, id));
    let fresh = |stock: &Stock| freshness::judge(stock.set, stock.newest().map(|backup| backup.id.time), None, now);
    let fresh: Vec<Freshness> = view.stock.iter().map(fresh).collect();
    let verdict = fresh.iter().map(|set| set.verdict).max().unwrap_or(Verdict::Unknown);
    let exit = Exit::of(verdict, false);
    let document = Backups {
        head: Head::of(context.system, "opsctl/backups/v1", deployment, verdict, exit),
        remote: view.store.place().to_owned(),
        backups: rows.collect(),
        sets: fresh,
        others: view.stock.iter().map(others).fold(0, usize::saturating_add),
        foreign: view.stock.iter().flat_map(foreign).collect(),
    };
    context.ui.report(&document)?;
    if let Some(gap) = view.gap {
        let told = format!(
            "{}: no pruning, and restores only by id, until a backup run completes: {}",
            gap.words(),
            program::command("backup")
        );
        context.ui.note(&told);
    }
    Ok(exit)
}

/// How long a look waits for a run that is under way.
const LIST_WAIT: std::time::Duration = std::time::Duration::from_secs(2);

pub(super) fn verify(args: &Verify, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let mut names: Vec<String> = Vec::new();
    let mut ids: Vec<(&str, Id)> = Vec::new();
    for word in listed(&args.what) {
        let (name, id) = word.split_once('/').map_or((word, None), |(name, id)| (name, Some(id)));
        let name = [name.to_owned()];
        if let Some(id) = id {
            let id =
                Id::parse(id).ok_or_else(|| Error::usage(Code::BadId, format!("{word} is not the id of a copy")))?;
            ids.extend(sets(context, &name)?.iter().map(|set| (set.name, id)));
        }
        names.extend(name);
    }
    // Words without a name are not the same as no words.
    let sets = sets(context, if names.is_empty() { &args.what } else { &names })?;
    needs_root(context, "backup verify")?;
    let choose = |stock: &Stock| -> Vec<Id> {
        let named: Vec<Id> = ids.iter().filter(|(name, _)| *name == stock.set.name).map(|(_, id)| *id).collect();
        match () {
            () if args.all => stock.ours().map(|backup| backup.id).collect(),
            () if named.is_empty() => stock.ours().next().map(|backup| backup.id).into_iter().collect(),
            () => named,
        }
    };
    prove(context, deployment, &sets, How::Verify, Extent::of(&names), &choose)
}

pub(super) fn drill(args: &Drill, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let sets = sets(context, &args.sets)?;
    args.installing.alone(&args.change)?;
    if let Some(direction) = args.installing.direction() {
        all_sets(&args.sets)?;
        return schedule::run(Job::Drill, direction, &[], &args.installing, &args.change, context);
    }
    needs_root(context, "backup drill")?;
    let newest = |stock: &Stock| stock.newest().map(|backup| backup.id).into_iter().collect();
    prove(context, deployment, &sets, How::Drill, Extent::of(&args.sets), &newest)
}

/// Fetches what is chosen of each set, proves it, records what came of it, and tells.
fn prove(
    context: &Context<'_>,
    deployment: &'static Deployment,
    sets: &[&'static BackupSet],
    how: How,
    extent: Extent,
    choose: &dyn Fn(&Stock) -> Vec<Id>,
) -> anyhow::Result<Exit> {
    let words = format!("backup {}", how.word());
    locked(context, deployment, &words, LIST_WAIT, |lock| work(context, deployment, sets, how, extent, choose, lock))
}

fn work(
    context: &Context<'_>,
    deployment: &'static Deployment,
    sets: &[&'static BackupSet],
    how: How,
    extent: Extent,
    choose: &dyn Fn(&Stock) -> Vec<Id>,
    lock: &mut Lock,
) -> anyhow::Result<Exit> {
    let operation = how.word();
    lock.step("list the remote");
    let view = view(context, deployment, sets, extent)?;
    let mut facts = Vec::new();
    let mut wanted = Vec::new();
    let mut unsigned = Vec::new();
    for stock in &view.stock {
        let chosen = choose(stock);
        if chosen.is_empty() {
            facts.push(fail(stock.set, None, "no verified copy"));
        }
        for id in chosen {
            let Some(backup) = stock.find(id) else {
                let message = format!("no copy {}/{id} on the remote", stock.set.name);
                return Err(Error::usage(Code::UnknownBackup, message).hint(program::command("backup list")).into());
            };
            match (&backup.manifest, backup.is_out_of_shape(stock.shelf.pieces.get(&id))) {
                (Ok(manifest), None) => wanted.push((stock.set, manifest.clone())),
                (Err(trouble), _) => facts.push(fail(stock.set, Some(id), trouble)),
                // What is too large, or not there, is not fetched to see that.
                (Ok(_), Some(trouble)) => facts.push(fail(stock.set, Some(id), trouble)),
            }
            unsigned.extend(backup.unsigned.iter().map(|why| (stock.set.name, id, why.clone())));
        }
    }
    if !wanted.is_empty() {
        context.ui.progress("read copies and restore them in scratch");
        lock.step("read copies and restore them in scratch");
        for proof in look::prove(context, &view.store, wanted, &view.staging).map_err(unreachable)? {
            let of = |(name, id, _): &&(&str, Id, String)| *name == proof.set.name && *id == proof.id;
            let why = unsigned.iter().find(of).map(|(.., why)| why.as_str());
            facts.push(tell(context, deployment, &view.records, how, &proof, why)?);
        }
    }
    let verdict = facts.iter().map(|fact| fact.verdict).max().unwrap_or(Verdict::Unknown);
    let exit = Exit::of(verdict, false);
    if exit == Exit::Success && context.ui.quiet && context.ui.format != Format::Json {
        return Ok(exit);
    }
    let head = Head::of(context.system, "opsctl/backup-proofs/v1", deployment, verdict, exit);
    context.ui.report(&Proofs { head, operation, proofs: facts })?;
    Ok(exit)
}

fn fail(set: &BackupSet, id: Option<Id>, trouble: &str) -> ProofFacts {
    fact(set, id, Verdict::Fail, trouble.to_owned(), BTreeMap::new(), None)
}

fn fact(
    set: &BackupSet,
    id: Option<Id>,
    verdict: Verdict,
    summary: String,
    rows: BTreeMap<String, u64>,
    seconds: Option<f64>,
) -> ProofFacts {
    ProofFacts { id, set: set.name.to_owned(), verdict, summary, rows, seconds }
}

/// Records what is known of a copy now, and puts it into words. `unsigned`: why nobody knows who made it, whatever came of it.
fn tell(
    context: &Context<'_>,
    deployment: &Deployment,
    records: &Records,
    how: How,
    proof: &Proof,
    unsigned: Option<&str>,
) -> Result<ProofFacts, Error> {
    let name = proof.set.name;
    let now = context.system.now();
    let seconds = (proof.took.as_secs_f64() * 1000.0).round() / 1000.0;
    if let Err(why @ Unproven::Untried(_)) = &proof.found {
        return Ok(fact(proof.set, Some(proof.id), Verdict::Unknown, why.to_string(), BTreeMap::new(), Some(seconds)));
    }
    let looked = Looked {
        id: proof.id,
        time: now,
        set: name.to_owned(),
        how,
        trouble: proof.found.as_ref().err().map(ToString::to_string),
        took_ms: u64::try_from(proof.took.as_millis()).unwrap_or(u64::MAX),
    };
    record::keep(context.system, deployment, &BackupLine::Looked(looked)).map_err(|error| {
        Error::failed(
            Code::RecordUnwritable,
            format!("{name}/{} was verified, but the result cannot be recorded: {error}", proof.id),
        )
    })?;
    Ok(match &proof.found {
        Err(trouble) => {
            fact(proof.set, Some(proof.id), Verdict::Fail, trouble.to_string(), BTreeMap::new(), Some(seconds))
        }
        Ok(rows) => {
            let odd = (how == How::Drill).then(|| records.last_proven(name).and_then(|last| shrunk(&last.rows, rows)));
            let mut summary = proven(rows, proof.manifest.bytes);
            if how == How::Drill {
                summary = format!("{summary}, as of {} ago", age(proof.manifest.begun, now));
            }
            let (verdict, summary) = match (unsigned, odd.flatten()) {
                (Some(why), _) => (Verdict::Warn, format!("{summary}, but {why}")),
                (None, Some(odd)) => (Verdict::Warn, format!("{summary}; {odd}")),
                (None, None) => (Verdict::Pass, summary),
            };
            fact(proof.set, Some(proof.id), verdict, summary, rows.clone(), Some(seconds))
        }
    })
}
