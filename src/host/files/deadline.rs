//! System calls on files that may never come back (a mount whose server is gone, a directory of a hung FUSE program), made in
//! a thread that is waited for no longer than the deadline. One that hangs is left behind: it ends with this process.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::host::shortage::{Shortage, patiently};
use crate::host::threads;
use crate::program;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that have nothing to do.
static IDLE: Mutex<Vec<Sender<Job>>> = Mutex::new(Vec::new());
/// Mount points below which something did not answer in time; asked no more.
static STUCK: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

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
    if is_stuck(path) {
        return Err(late(limit));
    }
    let (answer, answered) = mpsc::sync_channel(1);
    start(Box::new(move || {
        // Nobody waits any more where the deadline has passed.
        let _ = answer.send(job());
    }))?;
    match answered.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            remember(path);
            Err(late(limit))
        }
        Err(RecvTimeoutError::Disconnected) => {
            Err(io::Error::other(format!("{} failed while it read the file", program::name())))
        }
    }
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

fn lock<T>(list: &Mutex<Vec<T>>) -> std::sync::MutexGuard<'_, Vec<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_stuck(path: &Path) -> bool {
    lock(&STUCK).iter().any(|mount| path.starts_with(mount))
}

/// Notes the mount below which something hangs; the root is never given up.
#[expect(clippy::disallowed_methods, reason = "a table of the kernel's, which asks no file system")]
fn remember(path: &Path) {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4)).map(Path::new);
    let found = points.filter(|point| path.starts_with(point)).max_by_key(|point| point.as_os_str().len());
    if let Some(mount) = found.filter(|mount| *mount != Path::new("/")) {
        lock(&STUCK).push(mount.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

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
}
