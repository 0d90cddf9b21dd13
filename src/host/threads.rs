//! Starting threads: the one place that does. The system may refuse one (`RLIMIT_NPROC`, a control group's `TasksMax`, no room
//! for a stack): work that is waited for is then done in turn by who waits, and work that must run beside is an error.
//!
//! Threads for joined work are of one kind: a kind of its own for each would take some kilobytes of the binary apiece.

use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

type Job<'scope> = Box<dyn FnOnce() + Send + 'scope>;

/// How many joined threads may run at once; the rest is done in turn.
static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);
/// How many do.
static RUNNING: AtomicUsize = AtomicUsize::new(0);
/// How many threads there may be of both kinds.
static MOST_OF_ALL: AtomicUsize = AtomicUsize::new(usize::MAX);
/// How many there are.
static ALL: AtomicUsize = AtomicUsize::new(0);

/// Lets no more than so many joined threads run at once, and so many of all, so that what each of them takes does not run short.
pub fn at_most(joined: usize, all: usize) {
    MOST.store(joined, Ordering::Relaxed);
    MOST_OF_ALL.store(all, Ordering::Relaxed);
}

/// Work that is done beside, or in turn when it is joined.
pub struct Task<'scope, T> {
    /// `None` where it was refused.
    thread: Option<ScopedJoinHandle<'scope, ()>>,
    /// What is to be done, until somebody does it.
    job: Shared<Job<'scope>>,
    answer: Shared<T>,
}

type Shared<T> = Arc<Mutex<Option<T>>>;

fn take<T>(shared: &Shared<T>) -> Option<T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Begins work. It is done at the latest when it is joined, which it must be.
pub fn task<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Task<'scope, T> {
    let answer: Shared<T> = Shared::default();
    let own = Arc::clone(&answer);
    let job: Job<'scope> = Box::new(move || {
        let given = work();
        *own.lock().unwrap_or_else(PoisonError::into_inner) = Some(given);
    });
    let job = Arc::new(Mutex::new(Some(job)));
    Task { thread: beside(scope, &job), job, answer }
}

/// A thread for a job, where one can be had.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn beside<'scope>(scope: &'scope Scope<'scope, '_>, job: &Shared<Job<'scope>>) -> Option<ScopedJoinHandle<'scope, ()>> {
    let room = (Room::take(&RUNNING, &MOST)?, Room::take(&ALL, &MOST_OF_ALL)?);
    let job = Arc::clone(job);
    let run: Job<'scope> = Box::new(move || {
        let _room = room;
        if let Some(job) = take(&job) {
            job();
        }
    });
    Builder::new().spawn_scoped(scope, run).ok()
}

/// One of the threads that may run at once.
struct Room(&'static AtomicUsize);

impl Room {
    fn take(taken: &'static AtomicUsize, most: &AtomicUsize) -> Option<Self> {
        let most = most.load(Ordering::Relaxed);
        let more = |count: usize| (count < most).then(|| count.saturating_add(1));
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Room(taken))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T> Task<'_, T> {
    /// Whether it need not be waited for. Never, where it is only done when it is joined.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(ScopedJoinHandle::is_finished)
    }
}

/// Waits for the answer, or does now what nobody did. A panic on the way to it is one here too.
pub fn join<T>(task: Task<'_, T>) -> T {
    let ended = if let Some(thread) = task.thread {
        thread.join()
    } else {
        if let Some(job) = take(&task.job) {
            job();
        }
        Ok(())
    };
    match (ended, take(&task.answer)) {
        (Ok(()), Some(answer)) => answer,
        (Err(panic), _) => resume_unwind(panic),
        (Ok(()), None) => resume_unwind(Box::new("an answer is missing")),
    }
}

/// Starts what runs beside, and is waited for by other means or not at all.
///
/// # Errors
/// As the operating system says, or that there is no memory for it; the work is dropped.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn start(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let room = Room::take(&ALL, &MOST_OF_ALL).ok_or(rustix::io::Errno::NOMEM)?;
    let work: Job<'static> = Box::new(move || {
        let _room = room;
        work();
    });
    Builder::new().spawn(work).map(drop)
}

/// Does something with each of these, some at once.
pub fn each<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    const MOST: usize = 4;
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST).min(items.len());
    let waiting = Mutex::new(items.into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    let lock = |waiting: &Mutex<std::iter::Enumerate<std::vec::IntoIter<T>>>| {
        waiting.lock().unwrap_or_else(PoisonError::into_inner).next()
    };
    std::thread::scope(|scope| {
        let worker = || {
            while let Some((index, item)) = lock(&waiting) {
                let result = work(item);
                done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| task(scope, worker)).collect();
        workers.into_iter().for_each(join);
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// The bound is the whole process's.
    static ALONE: Mutex<()> = Mutex::new(());

    #[test]
    fn work_without_a_thread_is_done_in_turn_by_who_waits() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let here = thread::current().id();
        at_most(0, usize::MAX);
        let ids: Vec<_> = thread::scope(|scope| {
            let tasks: Vec<_> = (0..3).map(|_| task(scope, || thread::current().id())).collect();
            assert!(tasks.iter().all(Task::is_finished));
            tasks.into_iter().map(join).collect()
        });
        at_most(usize::MAX, usize::MAX);
        assert_eq!(ids, [here; 3]);
        let beside = thread::scope(|scope| join(task(scope, || thread::current().id())));
        assert_ne!(beside, here);
    }

    #[test]
    fn a_panic_is_one_of_who_joins() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        for most in [0, usize::MAX] {
            at_most(most, usize::MAX);
            let joined = std::panic::catch_unwind(|| {
                thread::scope(|scope| join(task(scope, || -> u8 { panic!("broken") })));
            });
            assert!(joined.is_err());
        }
        at_most(usize::MAX, usize::MAX);
    }
}
