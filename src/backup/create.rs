//! A run: copies are made, sent in one call, read back, compared to the last byte and restored in scratch; only then is each
//! described by a manifest, without which it is nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::begin;
use super::key::Key;
use super::look;
use super::manifest::{FORM, Manifest, Owner, Rows, shrunk};
use super::name::{self, Id};
use super::record::{self, BackupLine, Came, Ended, Records};
use super::source::{self, Made};
use super::staging::{self, Staging};
use super::store::Store;
use super::trouble::CopyTrouble;
use crate::action::lock::Lock;
use crate::action::plan::Operation;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::host::files::private;
use crate::host::threads::{each, join, task};
use crate::registry::{BackupSet, Deployment};

/// How often it is told how a copy is getting on.
const POLL_COPY: Duration = Duration::from_millis(100);

/// What came of a set.
#[derive(Debug)]
pub struct CopyOutcome {
    /// The set.
    pub set: &'static BackupSet,
    /// What came of it.
    pub end: CopyEnd,
}

/// What came of it.
#[derive(Debug)]
pub enum CopyEnd {
    /// There is a proven copy.
    Proven(Box<Manifest>, Option<String>),
    /// There is none.
    Failed(String),
    /// It need not be on this host, and is not.
    Absent(&'static str),
}

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// The run.
    pub id: Id,
    /// By set.
    pub outcomes: Vec<CopyOutcome>,
    /// Where copies lie that could not be sent; `None` where there are none.
    pub kept: Option<PathBuf>,
    /// All of it.
    pub took: Duration,
}

impl Run {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        let any = |wanted: fn(&CopyEnd) -> bool| self.outcomes.iter().any(|outcome| wanted(&outcome.end));
        let is_partial = |end: &CopyEnd| matches!(end, CopyEnd::Proven(manifest, _) if !manifest.left_out.is_empty());
        match (any(|end| matches!(end, CopyEnd::Proven(..))), any(|end| matches!(end, CopyEnd::Failed(_)))) {
            (true, false) if any(is_partial) => Exit::Partial,
            (_, false) => Exit::Success,
            (true, true) => Exit::Partial,
            (false, true) => Exit::Failure,
        }
    }

    /// What went wrong, or that nothing did, in a line.
    pub fn summary(&self) -> String {
        let wrong = self.outcomes.iter().filter_map(|outcome| match &outcome.end {
            CopyEnd::Failed(trouble) => Some(format!("{}: {trouble}", outcome.set.name)),
            CopyEnd::Proven(..) | CopyEnd::Absent(_) => None,
        });
        let wrong: Vec<String> = wrong.collect();
        if wrong.is_empty() { format!("{} verified", self.id) } else { wrong.join("; ") }
    }
}

/// A copy on its way.
struct Copy {
    set: &'static BackupSet,
    path: String,
    begun: Timestamp,
    bytes: u64,
    source_bytes: u64,
    sha256: String,
    owner: Option<Owner>,
    made: Made,
}

/// Has the owners of a set rest or work again.
pub type Rest<'a> = dyn Fn(&'static BackupSet, Operation) -> Result<(), String> + Sync + 'a;

/// Makes a run of these sets.
///
/// # Errors
/// When nothing can be begun; what goes wrong with a set is its outcome.
pub fn run(
    context: &Context<'_>,
    deployment: &'static Deployment,
    sets: &[&'static BackupSet],
    records: &Records,
    store: &Result<Store<'_>, String>,
    lock: &mut Lock,
    rest: &Rest<'_>,
) -> Result<Run, Error> {
    let begun = Instant::now();
    let system = context.system;
    // Asked first: it tells the number of the run, and whether there is anybody to send copies to.
    lock.step("list the remote");
    context.ui.progress("list the remote");
    let listed = store.as_ref().map_err(Clone::clone).and_then(Store::list);
    let (id, key, signed) = begin::number(context, deployment, records, store, listed.as_deref())?;
    let names = sets.iter().map(|set| set.name.to_owned()).collect();
    let line = BackupLine::Begun { id, time: system.now(), sets: names };
    record::keep(system, deployment, &line).map_err(|error| record::unwritable(&error))?;
    let staging = Staging::make(system, deployment, &id.to_string()).map_err(|error| record::unwritable(&error))?;
    let mark = key.as_ref().ok().map(Key::mark);
    let mut work = Work { context, deployment, records, id, key, staging, ends: BTreeMap::new(), rest };
    let kept = work.go(sets, store.as_ref().map_err(Clone::clone), signed, lock);
    let outcomes: Vec<CopyOutcome> = sets
        .iter()
        .map(|set| {
            let end =
                work.ends.remove(set.name).unwrap_or_else(|| CopyEnd::Failed("the run did not reach it".to_owned()));
            CopyOutcome { set, end }
        })
        .collect();
    for outcome in &outcomes {
        let set = outcome.set.name.to_owned();
        let none = |came| Ended { id, time: system.now(), set, came, bytes: 0, rows: BTreeMap::new(), signed_by: None };
        let ended = match &outcome.end {
            CopyEnd::Proven(manifest, doubt) => Ended {
                bytes: manifest.bytes,
                rows: manifest.rows.clone(),
                signed_by: mark.clone(),
                ..none(doubt.clone().map_or(Came::Proven, Came::Doubted))
            },
            CopyEnd::Failed(trouble) => none(Came::Failed(trouble.clone())),
            CopyEnd::Absent(_) => none(Came::Absent),
        };
        record::keep(system, deployment, &BackupLine::Ended(ended)).map_err(|error| record::unwritable(&error))?;
    }
    Ok(Run { id, outcomes, kept, took: begun.elapsed() })
}

struct Work<'a> {
    context: &'a Context<'a>,
    deployment: &'static Deployment,
    records: &'a Records,
    id: Id,
    key: Result<Key, String>,
    staging: Staging,
    ends: BTreeMap<&'static str, CopyEnd>,
    rest: &'a Rest<'a>,
}

impl Work<'_> {
    fn fail(&mut self, set: &'static BackupSet, trouble: impl Into<String>) {
        self.ends.insert(set.name, CopyEnd::Failed(trouble.into()));
    }

    fn say(&self, lock: &mut Lock, words: &str) {
        lock.step(words);
        self.context.ui.progress(words);
    }

    /// Where copies were kept that could not be sent or proven, if any.
    fn go(
        &mut self,
        sets: &[&'static BackupSet],
        store: Result<&Store<'_>, String>,
        listed: Result<(), String>,
        lock: &mut Lock,
    ) -> Option<PathBuf> {
        if let Err(trouble) = self.key.clone() {
            // A copy that nothing would count is not worth its time.
            for set in sets {
                self.fail(set, trouble.clone());
            }
            return None;
        }
        let there = match self.staging.inner("out") {
            Ok(there) => there,
            Err(error) => {
                for set in sets {
                    self.fail(set, format!("it cannot be staged: {error}"));
                }
                return None;
            }
        };
        self.say(lock, "copy");
        let copies = self.copy_all(sets, &there);
        if copies.is_empty() {
            return None;
        }
        let sent = match (store, listed) {
            (Ok(store), Ok(())) => self.send(store, &copies, &there, lock),
            (Err(trouble), _) | (_, Err(trouble)) => Err(format!("the remote cannot be reached: {trouble}")),
        };
        if let Err(trouble) = sent {
            for copy in &copies {
                self.ends.entry(copy.set.name).or_insert_with(|| CopyEnd::Failed(trouble.clone()));
            }
        }
        let failed = copies.iter().any(|copy| matches!(self.ends.get(copy.set.name), Some(CopyEnd::Failed(_))));
        if !failed {
            // Newer copies are proven: what was kept of earlier runs has done its service.
            let _ = self.staging.forget_kept();
            return None;
        }
        for copy in copies.iter().filter(|copy| matches!(self.ends.get(copy.set.name), Some(CopyEnd::Proven(..)))) {
            let _ = private::remove_file(&there.join(&copy.path));
        }
        self.staging.keep(&there, &self.id.to_string()).ok()
    }

    fn copy_all(&mut self, sets: &[&'static BackupSet], there: &Path) -> Vec<Copy> {
        let mut wanted = Vec::new();
        let mut total = 0_u64;
        for set in sets.iter().copied() {
            match source::look(self.context, set) {
                Ok(found) => {
                    total = total.saturating_add(source::room(&set.source, found.bytes));
                    wanted.push((set, found));
                }
                Err(CopyTrouble::Missing) if set.optional.is_some() && self.records.last_proven(set.name).is_none() => {
                    self.ends.insert(set.name, CopyEnd::Absent(set.optional.unwrap_or_default()));
                }
                Err(trouble) => self.fail(set, trouble.to_string()),
            }
        }
        if let Err(trouble) = staging::room(self.context.system, Path::new(&staging::home(self.deployment)), total) {
            for (set, _) in wanted {
                self.fail(set, trouble.clone());
            }
            return Vec::new();
        }
        let made = self.gauged(there, || each(wanted, |(set, found)| (set, self.copy_one(set, &found, there))));
        let mut copies = Vec::new();
        for (set, copy) in made {
            match copy {
                Ok(copy) => copies.push(copy),
                Err(trouble) => self.fail(set, trouble),
            }
        }
        copies
    }

    /// Tells how much lies there and how fast that grows, as long as `work` takes and where somebody looks on.
    fn gauged<R: Send>(&self, there: &Path, work: impl FnOnce() -> R + Send) -> R {
        let ui = self.context.ui;
        if !ui.has_gauge() {
            return work();
        }
        let begun = Instant::now();
        thread::scope(|scope| {
            let worker = task(scope, work);
            while !worker.is_finished() {
                let bytes = staging::size(there);
                let rate = u128::from(bytes).saturating_mul(1000).checked_div(begun.elapsed().as_millis());
                let rate = rate.unwrap_or_default();
                let shown = crate::units::bytes;
                ui.gauge(None, &format!("{}, {}/s", shown(bytes), shown(u64::try_from(rate).unwrap_or(u64::MAX))));
                thread::sleep(POLL_COPY);
            }
            ui.end_gauge();
            join(worker)
        })
    }

    fn copy_one(&self, set: &'static BackupSet, found: &source::Found, there: &Path) -> Result<Copy, String> {
        let path = name::copy(set.name, set.source.extension(), self.id);
        let to = there.join(&path);
        self.staging.inner(&format!("out/{}", set.name)).map_err(|error| format!("it cannot be staged: {error}"))?;
        let begun = self.context.system.now();
        let hashed = self.copied(set, &to).and_then(|made| {
            let (bytes, sha256) = staging::hash(&to).map_err(|error| format!("it cannot be staged: {error}"))?;
            Ok((made, bytes, sha256))
        });
        let (made, bytes, sha256) = hashed.inspect_err(|_| {
            // Half a copy is not worth keeping, nor sending with the others.
            let _ = private::remove_file(&to);
        })?;
        Ok(Copy { set, path, begun, bytes, source_bytes: found.bytes, sha256, owner: found.owner, made })
    }

    /// Copies a set, while its owners rest where they must.
    fn copied(&self, set: &'static BackupSet, to: &Path) -> Result<Made, String> {
        let scratch = self.staging.inner("scratch").map_err(|error| format!("it cannot be staged: {error}"))?;
        if !set.source.rests() {
            return source::copy(self.context, set, to, &scratch);
        }
        (self.rest)(set, Operation::Stop)?;
        let made = source::copy(self.context, set, to, &scratch);
        // Whatever came of it, they are started again.
        match ((self.rest)(set, Operation::Start), made) {
            (Ok(()), made) => made,
            (Err(trouble), Ok(_)) => Err(format!("it was copied, but {trouble}")),
            (Err(trouble), Err(first)) => Err(format!("{first}; and {trouble}")),
        }
    }

    /// Sends copies, reads them back and proves them, then their manifests.
    fn send(&mut self, store: &Store<'_>, copies: &[Copy], there: &Path, lock: &mut Lock) -> Result<(), String> {
        let total = copies.iter().fold(0, |sum: u64, copy| sum.saturating_add(copy.bytes));
        let shown = crate::units::bytes(total);
        self.say(lock, &format!("send {} to {}", shown, store.place()));
        store.upload(there, total).map_err(|trouble| format!("it could not be sent: {trouble}"))?;
        self.say(lock, &format!("read {shown} back"));
        let back = self.staging.inner("back").map_err(|error| error.to_string())?;
        let paths: Vec<String> = copies.iter().map(|copy| copy.path.clone()).collect();
        store.fetch(&paths, &back, total).map_err(|trouble| format!("it could not be read back: {trouble}"))?;
        self.say(lock, "restore it for a test");
        let proofs = each(copies.iter().collect(), |copy: &Copy| {
            let there = back.join(&copy.path);
            let same = source::compare(&there, copy.bytes, &copy.sha256);
            let prove = || source::prove(self.context, copy.set, self.id, &there).map_err(|why| why.to_string());
            (copy, same.and_then(|()| prove()))
        });
        let versions = store.version();
        let mut manifests = Vec::new();
        for (copy, proof) in proofs {
            match proof {
                Ok(rows) => manifests.push(self.manifest(copy, rows, versions.as_deref())),
                Err(trouble) => self.fail(copy.set, trouble),
            }
        }
        self.describe(store, manifests, lock)
    }

    fn manifest(&self, copy: &Copy, rows: Rows, rclone: Option<&str>) -> Manifest {
        let mut tools = BTreeMap::from([("opsctl".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
        tools.extend(copy.made.version.clone().map(|version| (copy.set.source.kind().to_owned(), version)));
        tools.extend(rclone.map(|version| ("rclone".to_owned(), version.to_owned())));
        Manifest {
            form: FORM,
            id: self.id,
            deployment: self.deployment.name.to_owned(),
            set: copy.set.name.to_owned(),
            host: self.context.system.host_name(),
            object: Some(copy.path.clone()),
            kind: copy.set.source.kind().to_owned(),
            source: copy.set.source.place(),
            begun: copy.begun,
            proven: self.context.system.now(),
            bytes: copy.bytes,
            source_bytes: copy.source_bytes,
            sha256: copy.sha256.clone(),
            rows,
            left_out: copy.made.left_out.clone(),
            owner: copy.owner,
            revision: source::revision(self.context.system, self.deployment),
            tools,
        }
    }

    /// Sends manifests and reads them back: from then on the copies count.
    fn describe(&mut self, store: &Store<'_>, manifests: Vec<Manifest>, lock: &mut Lock) -> Result<(), String> {
        if manifests.is_empty() {
            return Ok(());
        }
        self.say(lock, "send the manifests");
        let key = self.key.clone()?;
        let told = |error: std::io::Error| error.to_string();
        let out = self.staging.inner("manifests").map_err(told)?;
        let mut paths = Vec::new();
        for manifest in &manifests {
            let path = name::manifest(&manifest.set, manifest.id);
            self.staging.inner(&format!("manifests/{}", manifest.set)).map_err(told)?;
            private::write(&out.join(&path), manifest.signed(&key)?).map_err(told)?;
            paths.push(path);
        }
        let failed = |trouble| format!("its manifest could not be sent: {trouble}");
        store.upload(&out, 0).map_err(failed)?;
        let back = self.staging.inner("manifests-back").map_err(told)?;
        store.fetch(&paths, &back, 0).map_err(|trouble| format!("its manifest could not be read back: {trouble}"))?;
        for manifest in manifests {
            let set = self.deployment.backup(&manifest.set);
            let Some(set) = set else { continue };
            let same = look::read(&back, self.deployment, set, self.id, Some(&key));
            match same.unsigned.map_or(same.manifest, Err) {
                Ok(same) if same == manifest => {
                    let shrunk = self.records.last_proven(set.name).and_then(|last| shrunk(&last.rows, &manifest.rows));
                    let left_out = manifest.left_out.iter().map(|what| format!("not copied: {what}"));
                    let doubts: Vec<String> = left_out.chain(shrunk).collect();
                    let doubt = (!doubts.is_empty()).then(|| doubts.join("; "));
                    self.ends.insert(set.name, CopyEnd::Proven(Box::new(manifest), doubt));
                }
                Ok(_) => self.fail(set, "its manifest differs when read back"),
                Err(trouble) => self.fail(set, trouble),
            }
        }
        Ok(())
    }
}
