//! System calls on files that may never come back (a mount whose server is gone, a directory of a hung FUSE program), made in
//! a thread that is waited for no longer than the deadline. One that hangs is left behind: it ends with this process.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::host::shortage::{Shortage, patiently};
use crate::host::system::System;
use crate::host::threads;
use crate::program;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that have nothing to do.
static IDLE: Mutex<Vec<Sender<Job>>> = Mutex::new(Vec::new());
/// Mount points below which something did not answer, and how long that was waited for; asked no more, unless by who has much
/// more time.
static STUCK: Mutex<Vec<(PathBuf, Duration)>> = Mutex::new(Vec::new());

/// Does `job`, which concerns `path`, within `limit`.
///
/// # Errors
/// What the job says; `TimedOut` when it did not come back, or something below the same mount did not before.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    path: &Path,
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    wait(limit, path, job, submit)
}

/// The same in a thread of its own, for what changes the thread that it runs in.
///
/// # Errors
/// As [`within`]; also when the system starts no more threads.
pub(super) fn apart<T: Send + 'static>(
    limit: Duration,
    path: &Path,
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    wait(limit, path, job, threads::start)
}

fn wait<T: Send + 'static>(
    limit: Duration,
    path: &Path,
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
    start: impl FnOnce(Job) -> io::Result<()>,
) -> io::Result<T> {
    if let Some(waited) = waited_for(path, limit) {
        return Err(late(waited));
    }
    let (answer, answered) = mpsc::sync_channel(1);
    start(Box::new(move || {
        // Nobody waits any more where the deadline has passed.
        let _ = answer.send(job());
    }))?;
    match answered.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            remember(path, limit);
            Err(late(limit))
        }
        Err(RecvTimeoutError::Disconnected) => Err(failed()),
    }
}

/// What is asked of a file system.
pub(super) type Question<T> = Box<dyn FnOnce() -> io::Result<T> + Send>;

/// Asks all of these, each of which concerns a path, within `limit`. One after the other in one thread, which costs least; when
/// one of them does not come back at once, another thread goes on with those behind it.
pub(super) fn all<T: Send + 'static>(limit: Duration, questions: Vec<(PathBuf, Question<T>)>) -> Vec<io::Result<T>> {
    /// Local file systems answer within that, unless the disk is overloaded.
    const AT_ONCE: Duration = Duration::from_millis(20);
    let until = Instant::now() + limit;
    let paths: Vec<PathBuf> = questions.iter().map(|(path, _)| path.clone()).collect();
    let mut found: Vec<Option<io::Result<T>>> = paths.iter().map(|_| None).collect();
    let waiting = Arc::new(Mutex::new(questions.into_iter().enumerate()));
    let (answer, answers) = mpsc::channel();
    let help = || {
        let (waiting, answer) = (Arc::clone(&waiting), answer.clone());
        submit(Box::new(move || {
            while let Some((index, (path, ask))) = { lock(&waiting).next() } {
                let result = waited_for(&path, limit).map_or_else(ask, |waited| Err(late(waited)));
                if answer.send((index, result)).is_err() {
                    return;
                }
            }
        }))
    };
    let mut refused = help().err();
    let mut pending = paths.len();
    while pending > 0 && (refused.is_none() || lock(&waiting).len() < pending) {
        let left = until.saturating_duration_since(Instant::now());
        match answers.recv_timeout(left.min(AT_ONCE)) {
            Ok((index, result)) => {
                found[index] = Some(result);
                pending -= 1;
            }
            Err(_) if left.is_zero() => break,
            Err(_) if lock(&waiting).len() > 0 && refused.is_none() => refused = help().err(),
            Err(_) => {}
        }
    }
    // Who is still asked after the deadline hangs; who was never asked, for want of a thread, does not.
    let unasked: Vec<usize> = std::mem::take(&mut *lock(&waiting)).map(|(index, _)| index).collect();
    let ended = found.into_iter().enumerate().map(|(index, result)| match (result, &refused) {
        (Some(result), _) => result,
        (None, Some(error)) if unasked.contains(&index) => Err(again(error)),
        (None, _) => {
            if !unasked.contains(&index) {
                remember(&paths[index], limit);
            }
            Err(late(limit))
        }
    });
    ended.collect()
}

/// The same error for another question.
fn again(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

fn failed() -> io::Error {
    io::Error::other(format!("{} failed while it read the file", program::name()))
}

fn late(limit: Duration) -> io::Error {
    io::Error::new(ErrorKind::TimedOut, format!("no answer from its file system in {:.1} s", limit.as_secs_f32()))
}

/// Makes sure that there is one thread, so that files can be read one after the other where no other can be had.
///
/// # Errors
/// When the system starts none.
pub fn ready() -> io::Result<()> {
    submit(Box::new(|| {}))
}

/// Hands a job to a thread that has nothing to do, or to a new one; where none can be had, to the next that is done. Not done
/// here, where a file system that hangs would hang everything.
///
/// # Errors
/// When there is none in a moment.
fn submit(job: Job) -> io::Result<()> {
    let mut job = Some(job);
    patiently(Shortage::of_start, || {
        while let Some(worker) = lock(&IDLE).pop() {
            let Some(taken) = job.take() else { return Ok(()) };
            match worker.send(taken) {
                Ok(()) => return Ok(()),
                Err(back) => job = Some(back.0),
            }
        }
        let worker = start_worker()?;
        job.take().map_or(Ok(()), |job| worker.send(job).map_err(|_| io::Error::other("a thread ended at once")))
    })
}

fn start_worker() -> io::Result<Sender<Job>> {
    let (worker, jobs) = mpsc::channel::<Job>();
    let own = worker.clone();
    threads::start(move || {
        while let Ok(job) = jobs.recv() {
            job();
            lock(&IDLE).push(own.clone());
        }
    })?;
    Ok(worker)
}

fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long something below the same mount was waited for in vain, where `limit` is not much more.
fn waited_for(path: &Path, limit: Duration) -> Option<Duration> {
    let stuck = lock(&STUCK);
    let of_path = stuck.iter().filter(|(mount, _)| path.starts_with(mount)).map(|(_, waited)| *waited);
    of_path.max().filter(|waited| limit < *waited * 2)
}

/// Notes the mount below which something hangs; the root is never given up.
#[expect(clippy::disallowed_methods, reason = "a table of the kernel's, which asks no file system")]
fn remember(path: &Path, waited: Duration) {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4)).map(Path::new);
    let found = points.filter(|point| path.starts_with(point)).max_by_key(|point| point.as_os_str().len());
    // In /proc it is one process that does not answer, not the kernel.
    let stuck = match found {
        Some(mount) if mount == Path::new("/proc") => path.parent(),
        found => found,
    };
    if let Some(stuck) = stuck.filter(|stuck| *stuck != Path::new("/") && *stuck != Path::new("/proc")) {
        lock(&STUCK).push((stuck.to_owned(), waited));
    }
}

impl System {
    /// The same machine, waiting no longer than this for one answer of a file system.
    #[must_use]
    pub fn with_file_limit(&self, limit: Duration) -> Self {
        System { file_limit: limit.min(self.file_limit), ..self.clone() }
    }

    /// The same machine, on which all answers of file systems together are waited for until then. What is asked later is
    /// waited for a moment only: a local file system answers within that. What stands for the whole
    /// host is read once ([`System::read_once`]).
    #[must_use]
    pub fn with_files_until(&self, until: Instant) -> Self {
        System { files_until: Some(until), once: Some(Arc::default()), ..self.clone() }
    }

    /// How long an answer of a file system is waited for that is asked now.
    pub(in crate::host) fn file_wait(&self) -> Duration {
        self.files_left().map_or(self.file_limit, |left| left.min(self.file_limit))
    }

    /// What is left for all of them; `None` where that is not limited.
    pub(super) fn files_left(&self) -> Option<Duration> {
        const LEAST: Duration = Duration::from_millis(100);
        self.files_until.map(|until| until.saturating_duration_since(Instant::now()).max(LEAST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_come_back_is_left_behind() {
        let begun = Instant::now();
        let path = Path::new("/nowhere");
        let late = within(Duration::from_millis(50), path, || {
            std::thread::sleep(Duration::from_secs(20));
            Ok(())
        });
        assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
        let late = apart(Duration::from_millis(50), path, || {
            std::thread::sleep(Duration::from_secs(20));
            Ok(())
        });
        assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(within(Duration::from_secs(10), path, || Ok(7)).unwrap(), 7);
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_panic_in_a_job_is_an_error_of_that_job() {
        let path = Path::new("/nowhere");
        let broken: io::Result<()> = within(Duration::from_secs(10), path, || panic!("broken"));
        assert!(broken.is_err());
        assert_eq!(within(Duration::from_secs(10), path, || Ok(7)).unwrap(), 7);
    }

    #[test]
    fn k13_one_that_hangs_costs_the_others_nothing() {
        let begun = Instant::now();
        for hanging in 0..4 {
            let questions = (0..40).map(|number| {
                let ask: Question<usize> = Box::new(move || {
                    if number % 40 < hanging {
                        std::thread::sleep(Duration::from_secs(20));
                    }
                    Ok(number)
                });
                (PathBuf::from(format!("/nowhere/{hanging}/{number}")), ask)
            });
            let found = all(Duration::from_millis(400), questions.collect());
            let late: Vec<usize> = (0..40).filter(|number| found[*number].is_err()).collect();
            assert_eq!(late, (0..hanging).collect::<Vec<_>>());
            assert!(found.iter().enumerate().all(|(number, it)| it.as_ref().map_or(true, |it| *it == number)));
        }
        assert!(begun.elapsed() < Duration::from_secs(15));
    }

    #[test]
    fn k13_what_did_not_answer_is_asked_again_only_by_who_has_more_time() {
        let (path, short) = (Path::new("/proc/a-process/fd"), Duration::from_millis(40));
        let hang = || {
            std::thread::sleep(Duration::from_secs(20));
            Ok(())
        };
        assert!(within(short, path, hang).is_err());
        let asked = |limit: Duration| within(limit, path, || Ok(())).is_ok();
        assert!(!asked(short) && !asked(short * 3 / 2), "asked again");
        assert!(asked(short * 2), "never asked again");
        // Of one process nothing follows for another.
        assert!(within(short, Path::new("/proc/another/fd"), || Ok(())).is_ok());
    }
}
