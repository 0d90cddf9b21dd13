//! Putting a proven copy in the place of live data: owners rest, the file is exchanged in one step, owners start and are looked
//! at, and where they do not come up the old data is put back.

pub mod database;
pub mod journal;
pub mod place;
pub mod spot;

use std::time::{Duration, Instant};

use crate::action::consent::Consent;
use crate::action::lock::Lock;
use crate::action::plan::Operation;
use crate::action::run::Done;
use crate::backup::owners::Owners;
use crate::context::Context;
use crate::exit::Exit;
use crate::host::system::System;
use crate::registry::{BackupSet, Deployment};
use journal::{Journal, Phase, Restore};
use place::RestoreTarget;

/// How a restore ended.
#[derive(Debug)]
pub enum RestoreEnd {
    /// The copy is live, and its owners are well; where the old data is kept.
    Live(Option<String>),
    /// It was not come to the swap: the old data was never touched, and its owners are well again.
    Untouched(String),
    /// It did not work, and the old data is back, with its owners well.
    PutBack(String),
    /// It did not work; how it stands.
    Stuck(String),
}

impl RestoreEnd {
    /// The exit code.
    pub const fn exit(&self) -> Exit {
        match self {
            RestoreEnd::Live(_) => Exit::Success,
            RestoreEnd::Untouched(_) | RestoreEnd::PutBack(_) => Exit::RolledBack,
            RestoreEnd::Stuck(_) => Exit::Failure,
        }
    }

    /// In words.
    pub fn summary(&self) -> String {
        match self {
            RestoreEnd::Live(Some(old)) => format!("live; the old data is kept as {old}"),
            RestoreEnd::Live(None) => "live; there was no earlier data".to_owned(),
            RestoreEnd::Untouched(why) => format!("{why}; the live data was not changed"),
            RestoreEnd::PutBack(why) => format!("{why}; rolled back to the old data"),
            RestoreEnd::Stuck(why) => why.clone(),
        }
    }
}

/// A restore that is to be done, or one that was begun and is to be brought to an end.
pub struct Job<'a> {
    /// Surroundings, without a deadline once services are stopped.
    pub context: &'a Context<'a>,
    /// Where.
    pub deployment: &'static Deployment,
    /// The set.
    pub set: &'static BackupSet,
    /// Its place.
    pub place: &'a RestoreTarget<'a>,
    /// Its owners.
    pub owners: &'a Owners<'a>,
}

/// What came of it, and of the services.
pub struct Restored {
    /// How it ended.
    pub end: RestoreEnd,
    /// What came of each owner when it was started last.
    pub done: Vec<Done>,
    /// All of it.
    pub took: Duration,
}

impl Job<'_> {
    fn system(&self) -> &System {
        self.context.system
    }

    /// Notes how far it is.
    fn note(&self, journal: &mut Journal, restore: &Restore) -> Result<(), String> {
        match journal.restores.iter_mut().find(|other| other.id == restore.id && other.set == restore.set) {
            Some(known) => *known = restore.clone(),
            None => journal.restores.push(restore.clone()),
        }
        journal.write(self.system(), self.deployment).map_err(|error| format!("the step cannot be recorded: {error}"))
    }

    fn forget(&self, journal: &mut Journal, restore: &Restore) {
        journal.restores.retain(|other| other.id != restore.id || other.set != restore.set);
        // One that stays is looked at again by the next call, and found to be over.
        let _ = journal.write(self.system(), self.deployment);
    }

    fn say(&self, lock: &mut Lock, words: &str) {
        lock.step(words);
        self.context.ui.progress(words);
    }

    /// Does it with the copy that lies beside the live data already.
    pub fn go(&self, journal: &mut Journal, mut restore: Restore, lock: &mut Lock, _: &Consent) -> Restored {
        let begun = Instant::now();
        let (end, done) = self.steps(journal, &mut restore, lock);
        Restored { end, done, took: begun.elapsed() }
    }

    fn steps(&self, journal: &mut Journal, restore: &mut Restore, lock: &mut Lock) -> (RestoreEnd, Vec<Done>) {
        restore.phase = Phase::Stopping;
        if let Err(trouble) = self.note(journal, restore) {
            return self.untouched(journal, restore, trouble, lock);
        }
        if let (_, Some(trouble)) = self.owners.all(Operation::Stop, lock) {
            return self.untouched(journal, restore, trouble, lock);
        }
        self.say(lock, "check which processes still have it open");
        let users = match self.place.users(self.context) {
            Ok(users) if users.is_empty() => None,
            Ok(users) => Some(format!("it is still open in {}", users.join(", "))),
            Err(error) => Some(format!("the processes that have it open cannot be determined: {error}")),
        };
        // What a server writes when it ends has taken the place of what was there when it was looked at first.
        let trouble = users.or_else(|| self.look_again(restore).err().map(|error| error.to_string()));
        if let Some(trouble) = trouble {
            return self.untouched(journal, restore, trouble, lock);
        }
        restore.phase = Phase::Swapping;
        if let Err(trouble) = self.note(journal, restore) {
            return self.untouched(journal, restore, trouble, lock);
        }
        self.say(lock, "swap old and new data");
        // That it was done is seen, not taken from an exit code.
        let swapped = self.place.swap(&restore.parts);
        match swapped.and_then(|trouble| Ok((trouble, self.place.is_new(&restore.parts)?))) {
            Ok((None, true)) => {}
            Ok((Some(trouble), true)) => {
                self.context.ui.note(&format!("the old data is kept with its logs beside it: {trouble}"));
            }
            Ok((_, false)) => {
                let reason = "the live data is not the new data, although no step failed".to_owned();
                return self.untouched(journal, restore, reason, lock);
            }
            Err(error) => {
                return self.untouched(
                    journal,
                    restore,
                    format!("old and new data could not be swapped: {error}"),
                    lock,
                );
            }
        }
        restore.phase = Phase::Starting;
        let noted = self.note(journal, restore);
        self.start(journal, restore, noted.err(), lock)
    }

    fn look_again(&self, restore: &mut Restore) -> std::io::Result<()> {
        let now = self.place.parts()?;
        restore.parts.iter_mut().zip(now).for_each(|(part, now)| part.old = now.old);
        Ok(())
    }

    /// What is live is the new: its owners are started with it.
    fn start(
        &self,
        journal: &mut Journal,
        restore: &mut Restore,
        trouble: Option<String>,
        lock: &mut Lock,
    ) -> (RestoreEnd, Vec<Done>) {
        let (done, wrong) = match trouble {
            Some(trouble) => (Vec::new(), Some(trouble)),
            None => self.owners.all(Operation::Start, lock),
        };
        let Some(reason) = wrong else {
            restore.phase = Phase::Done;
            if let Err(trouble) = self.note(journal, restore) {
                self.context.ui.note(&trouble);
            }
            let old = self.place.kept(&restore.parts);
            if old.is_none() {
                self.forget(journal, restore);
            }
            return (RestoreEnd::Live(old), done);
        };
        if self.place.kept(&restore.parts).is_none() {
            self.forget(journal, restore);
            return (RestoreEnd::Stuck(format!("{reason}; the copy is live, because there was no earlier data")), done);
        }
        self.context.ui.note(&format!("{reason}; rolling back to the old data"));
        let (end, back) = self.back(journal, restore, &reason, lock);
        // What went wrong with the new data says more than that the old works.
        (end, if done.is_empty() { back } else { done })
    }

    fn back(
        &self,
        journal: &mut Journal,
        restore: &mut Restore,
        reason: &str,
        lock: &mut Lock,
    ) -> (RestoreEnd, Vec<Done>) {
        restore.phase = Phase::Undoing;
        let _ = self.note(journal, restore);
        let kept = self.place.kept(&restore.parts).unwrap_or_default();
        let stuck = |what: String| RestoreEnd::Stuck(format!("{reason}; then {what}; the old data is in {kept}"));
        if let (done, Some(trouble)) = self.owners.all(Operation::Stop, lock) {
            return (stuck(format!("the rollback failed: {trouble}")), done);
        }
        match self.place.swap_back(&restore.parts).and_then(|()| self.place.is_old(&restore.parts)) {
            Ok(true) => {}
            Ok(false) => {
                return (stuck("the live data is not the old data, although no step failed".to_owned()), Vec::new());
            }
            Err(error) => return (stuck(format!("the rollback failed: {error}")), Vec::new()),
        }
        let (done, wrong) = self.owners.all(Operation::Start, lock);
        self.forget(journal, restore);
        match wrong {
            None => (RestoreEnd::PutBack(reason.to_owned()), done),
            Some(trouble) => (RestoreEnd::Stuck(format!("{reason}; rolled back to the old data, but {trouble}")), done),
        }
    }

    /// What is live is the old, and stays.
    fn untouched(
        &self,
        journal: &mut Journal,
        restore: &Restore,
        reason: String,
        lock: &mut Lock,
    ) -> (RestoreEnd, Vec<Done>) {
        if let Err(error) = self.place.undo(&restore.parts) {
            return (RestoreEnd::Stuck(format!("{reason}; the staged copy could not be removed: {error}")), Vec::new());
        }
        let (done, wrong) = match restore.phase {
            Phase::Laying => (Vec::new(), None),
            Phase::Stopping | Phase::Swapping | Phase::Starting | Phase::Undoing | Phase::Done => {
                self.owners.all(Operation::Start, lock)
            }
        };
        match wrong {
            None => {
                self.forget(journal, restore);
                (RestoreEnd::Untouched(reason), done)
            }
            Some(trouble) => {
                (RestoreEnd::Stuck(format!("{reason}; the live data was not changed, but {trouble}")), done)
            }
        }
    }

    /// Brings one to an end that was killed: by what lies where, not by what was meant.
    pub fn recover(&self, journal: &mut Journal, mut restore: Restore, lock: &mut Lock) -> Restored {
        let begun = Instant::now();
        // What was exchanged but for its name is brought to its end.
        let is_new = self.place.is_new(&restore.parts);
        let is_new = is_new.and_then(|new| if new { self.place.swap(&restore.parts).map(|_| true) } else { Ok(false) });
        let is_new = match is_new {
            Ok(is_new) => is_new,
            Err(error) => {
                let end = RestoreEnd::Stuck(format!("{} cannot be checked: {error}", self.set.source.place()));
                return Restored { end, done: Vec::new(), took: begun.elapsed() };
            }
        };
        let (end, done) = match (is_new, restore.phase) {
            (true, Phase::Undoing) => self.back(journal, &mut restore, "it was being rolled back", lock),
            (true, _) => self.start(journal, &mut restore, None, lock),
            // Put back, but its owners may not have been started.
            (false, _) => self.untouched(journal, &restore, "it did not finish".to_owned(), lock),
        };
        Restored { end, done, took: begun.elapsed() }
    }
}
