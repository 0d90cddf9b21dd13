//! The one door to other programs: a fixed environment, nothing on stdin that was not given, a session of its own (so no
//! terminal), a deadline and a cap on every call. Only this file starts processes.

mod format;
mod session;
mod watched;

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::host::shortage::{Shortage, patiently};
use crate::host::system::System;
use crate::host::tools::{Argv, Content, Home, Interrupted, NOWHERE};
pub use session::close_inherited;
use watched::Watched;

/// How much of each stream is kept.
const OUTPUT_LIMIT: usize = 8 << 20;
/// How long a process may take to obey TERM before it is killed.
const GRACE: Duration = Duration::from_millis(200);
/// How long a stream is still read after the process has ended, when something it started keeps the stream open.
const DRAIN: Duration = Duration::from_millis(200);
/// How much of what a streamed command complains of is kept.
const COMPLAINT_LIMIT: usize = 16 << 10;
/// Size of the pipe from a streamed command; the most that Linux allows an ordinary user.
const PIPE: usize = 1 << 20;
/// How a shell's `PATH` reads in the fixed environment.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Something that runs commands: the operating system, or a test's stand-in.
pub trait Runner: Sync {
    /// Runs a command to its end, or to `deadline` from now.
    ///
    /// # Errors
    /// When it could not be started. An ending of any other kind is an [`Output`].
    fn run(&self, argv: &Argv, deadline: Duration) -> Result<Output, StartError>;

    /// When the time of the whole command is over; `None` where none was set.
    fn until(&self) -> Option<Instant> {
        None
    }
}

/// What came of a command.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub exit: ProcessEnd,
    /// What it printed, at most 8 MiB.
    pub stdout: Vec<u8>,
    /// What it complained of, at most 8 MiB.
    pub stderr: Vec<u8>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessEnd {
    /// By itself, with this code.
    Code(i32),
    /// By this signal, not of our sending.
    Signal(i32),
    /// Killed by us after this long.
    TimedOut(Duration),
    /// Killed by us because it would not stop printing.
    TooMuchOutput,
}

/// Why a command was not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartError {
    /// No such program in the tool path.
    Missing(&'static str),
    /// A user other than root could put another program in its place; the path that they could change.
    Untrusted(PathBuf),
    /// The operating system refused.
    Refused(String),
    /// There was too little of something to start it.
    Short(Shortage),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Missing(tool) => write!(f, "{tool} is not installed"),
            StartError::Untrusted(path) => {
                write!(f, "not run as root: users other than root can change {}", path.display())
            }
            StartError::Refused(reason) => f.write_str(reason),
            StartError::Short(shortage) => shortage.fmt(f),
        }
    }
}

/// Runs commands on this machine.
pub struct Processes<'a> {
    system: &'a System,
    home: String,
    trace: Option<fn(&Argv)>,
    until: Option<Instant>,
}

impl<'a> Processes<'a> {
    /// `trace` is called with each command before it runs.
    pub fn new(system: &'a System, trace: Option<fn(&Argv)>) -> Self {
        let uid = rustix::process::geteuid().as_raw();
        let home = system.account(|account| account.uid == uid).map_or_else(|| "/".to_owned(), |account| account.home);
        Processes { system, home, trace, until: None }
    }

    /// The same, knowing when the time of the whole command is over.
    #[must_use]
    pub fn with_deadline(self, until: Option<Instant>) -> Self {
        Processes { until, ..self }
    }

    /// Finds a program, and as root makes sure that nobody else could have put it there.
    fn resolve(&self, program: &'static str, owner: Option<u32>) -> Result<PathBuf, StartError> {
        let refused = |error: io::Error| StartError::Refused(format!("{program}: {error}"));
        let path = self.system.find_program(program).map_err(refused)?.ok_or(StartError::Missing(program))?;
        if self.system.is_root()
            && let Some(part) = self.system.changeable_part(&path, owner).map_err(refused)?
        {
            return Err(StartError::Untrusted(part));
        }
        format::check(&path).map_err(refused)?;
        Ok(path)
    }

    /// The program and arguments to execute.
    fn command(&self, argv: &Argv) -> Result<(PathBuf, Vec<String>), StartError> {
        let uid = rustix::process::geteuid().as_raw();
        match argv.account.as_ref().filter(|account| account.uid != uid) {
            None => Ok((self.resolve(argv.program, None)?, argv.args.clone())),
            Some(account) => {
                let inner = self.resolve(argv.program, Some(account.uid))?;
                let wrapped = argv.through_setpriv(&inner.to_string_lossy());
                let (program, args) = wrapped.ok_or(StartError::Missing(argv.program))?;
                Ok((self.resolve(program, None)?, args))
            }
        }
    }

    /// The home directory to give a command.
    fn home(&self, argv: &Argv) -> String {
        match (argv.home, &argv.account) {
            (Home::Kept, Some(account)) => account.home.clone(),
            (Home::Kept | Home::Trusted, None) => self.home.clone(),
            (Home::Trusted, Some(_)) | (Home::None, _) => NOWHERE.to_owned(),
        }
    }
}

impl Processes<'_> {
    /// Starts a command.
    fn start(&self, argv: &Argv, streams: Streams) -> Result<Started, StartError> {
        let (program, args) = self.command(argv)?;
        if let Some(trace) = self.trace {
            trace(argv);
        }
        let mut env = vec![
            ("PATH".to_owned(), PATH.to_owned()),
            ("LC_ALL".to_owned(), "C.UTF-8".to_owned()),
            ("HOME".to_owned(), self.home(argv)),
        ];
        env.extend(argv.secrets.iter().map(|(key, value)| ((*key).to_owned(), value.expose().to_owned())));
        env.extend(argv.env.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        let input = argv.input.as_ref().map(|input| input.content.clone());
        // Nothing runs yet that could run twice.
        let start = || start(&program, &args, &env, input.as_ref(), argv.interrupted, streams);
        patiently(Shortage::of_start, start).map_err(|error| refused(argv, &error))
    }

    /// Starts a command that is read while it runs. It is killed when it is silent for longer than `silence`, or when the
    /// stream is dropped before its end.
    ///
    /// # Errors
    /// When it could not be started.
    pub fn stream(&self, argv: &Argv, streams: Streams, silence: Duration) -> Result<Stream, StartError> {
        let started = self.start(argv, streams)?;
        // A fuller pipe is a busier one: both sides are woken less often. Where it is refused, the usual size does.
        let _ = rustix::pipe::fcntl_setpipe_size(&started.stdout, PIPE);
        Ok(Stream { started, silence, ended: None })
    }

    /// As [`Runner::run`]; each line on its stderr is handed over when it is whole, and kept when it is not taken.
    ///
    /// # Errors
    /// When it could not be started.
    pub fn run_telling(&self, argv: &Argv, deadline: Duration, take: Take<'_>) -> Result<Output, StartError> {
        let begun = Instant::now();
        let started = self.start(argv, Streams::Apart)?;
        if let Some(group) = running().iter_mut().flatten().find(|group| group.pid == started.pid) {
            group.until = Some(begun + deadline);
        }
        let collected = started.collect(begun, deadline, take);
        collected.map_err(|error| refused(argv, &error))
    }
}

fn refused(argv: &Argv, error: &io::Error) -> StartError {
    let refused = || StartError::Refused(format!("{}: {error}", argv.program));
    Shortage::of_start(error).map_or_else(refused, StartError::Short)
}

impl Runner for Processes<'_> {
    fn run(&self, argv: &Argv, deadline: Duration) -> Result<Output, StartError> {
        self.run_telling(argv, deadline, &mut |_| false)
    }

    fn until(&self) -> Option<Instant> {
        self.until
    }
}

/// Takes a line of what a command says of itself while it runs, or leaves it among its complaints.
pub type Take<'a> = &'a mut dyn FnMut(&str) -> bool;

/// What becomes of a command's two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// Each by itself.
    Apart,
    /// Complaints among the output, in the order in which they were written.
    Together,
}

/// A command that is read while it runs.
pub struct Stream {
    started: Started,
    silence: Duration,
    ended: Option<ProcessEnd>,
}

impl Stream {
    /// How it ended and what it complained of. Waits for its end, but not long.
    pub fn finish(mut self) -> (ProcessEnd, String) {
        let exit = self.ended.take().unwrap_or_else(|| self.started.reap());
        let mut complaints = vec![0; COMPLAINT_LIMIT];
        let mut fds = [PollFd::new(&self.started.stderr, PollFlags::IN)];
        let ready = poll(&mut fds, Some(&Timespec::default())).is_ok_and(|count| count > 0);
        let count = if ready { self.started.stderr.read(&mut complaints).unwrap_or_default() } else { 0 };
        (exit, String::from_utf8_lossy(&complaints[..count]).into_owned())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wait = Timespec::try_from(self.silence).ok();
        let mut fds = [PollFd::new(&self.started.stdout, PollFlags::IN)];
        match poll(&mut fds, wait.as_ref()) {
            Ok(0) => {
                self.ended = Some(ProcessEnd::TimedOut(self.silence));
                Err(ErrorKind::TimedOut.into())
            }
            Ok(_) => self.started.stdout.read(buffer),
            Err(error) => Err(error.into()),
        }
    }
}

/// A process group that is running now.
struct Group {
    pid: Pid,
    interrupted: Interrupted,
    /// When it is ended at the latest; `None` of one that is read while it runs.
    until: Option<Instant>,
}

/// Those that are running now, so that a signal to us can end them; none once the door is closed.
static RUNNING: Mutex<Option<Vec<Group>>> = Mutex::new(Some(Vec::new()));

fn running() -> std::sync::MutexGuard<'static, Option<Vec<Group>>> {
    RUNNING.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The same for who is about to end this process, whatever happens: `None` where a start that hangs keeps the door.
fn running_soon() -> Option<std::sync::MutexGuard<'static, Option<Vec<Group>>>> {
    const LIMIT: Duration = Duration::from_millis(500);
    let until = Instant::now() + LIMIT;
    loop {
        match RUNNING.try_lock() {
            Ok(running) => return Some(running),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Whether something runs that must not be left half done.
pub fn must_finish() -> bool {
    running_soon()
        .is_some_and(|running| running.iter().flatten().any(|group| group.interrupted == Interrupted::Finishes))
}

/// Kills every process that was started and has not ended, and lets none be started any more: this process is about to end.
/// Those that must not be left half done are waited for, each until its own deadline and the grace after it.
pub fn kill_all() {
    let groups = running_soon().and_then(|mut running| running.take()).unwrap_or_default();
    let (finishing, killed): (Vec<Group>, Vec<Group>) =
        groups.into_iter().partition(|group| group.interrupted == Interrupted::Finishes);
    for group in killed {
        kill_group(group.pid, Signal::KILL);
    }
    for group in finishing {
        // Whoever waits for its end terminates it at its deadline, and kills it when that does not help.
        let until = group.until.unwrap_or_else(Instant::now) + 2 * GRACE + DRAIN;
        await_end(group.pid, until);
    }
}

/// Waits until a process has ended, but no longer than that.
fn await_end(pid: Pid, until: Instant) {
    let ended = loop {
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(ended) => break ended,
            Err(rustix::io::Errno::SRCH) => return,
            // For want of a descriptor it cannot be looked at, but may go on.
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
            Err(_) => return,
        }
    };
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).unwrap_or_default();
        match poll(&mut [PollFd::new(&ended, PollFlags::IN)], Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) if !left.is_zero() => {}
            _ => return,
        }
    }
}

fn kill_group(group: Pid, signal: Signal) {
    // The group may be gone already, which is what is wanted.
    let _ = kill_process_group(group, signal);
}

/// A command that was started, in a session and a process group of its own.
struct Started {
    handle: duct::Handle,
    pid: Pid,
    stdout: PipeReader,
    stderr: PipeReader,
}

/// A file in memory that holds these bytes, at its beginning.
fn in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("input", rustix::fs::MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

#[expect(clippy::disallowed_methods, reason = "this is the one door")]
fn start(
    program: &Path,
    args: &[String],
    env: &[(String, String)],
    input: Option<&Content>,
    interrupted: Interrupted,
    streams: Streams,
) -> io::Result<Started> {
    let (stdout, out_writer) = io::pipe()?;
    let (stderr, err_writer) = io::pipe()?;
    let command = duct::cmd(program, args).full_env(env.iter().cloned()).dir("/");
    let command = match input {
        // Not as duct does it, by a thread, whose refusal would be a panic.
        Some(Content::Bytes(bytes)) => command.stdin_file(in_memory(bytes)?),
        Some(Content::File(path)) => command.stdin_file(System::real().open(path)?),
        None => command.stdin_null(),
    };
    let command = match streams {
        Streams::Apart => command.stderr_file(err_writer),
        Streams::Together => command.stderr_to_stdout(),
    };
    // Held while it is started, so that none is started that nobody ends.
    let mut running = running();
    let Some(groups) = running.as_mut() else {
        drop(running);
        // Whoever goes on now would only report that it was told to end.
        loop {
            std::thread::park();
        }
    };
    let handle = command.stdout_file(out_writer).unchecked().before_spawn(session::give).start()?;
    let id = handle.pids().first().copied().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    let Some(pid) = id else { return Err(io::Error::other("started without a process id")) };
    groups.push(Group { pid, interrupted, until: None });
    Ok(Started { handle, pid, stdout, stderr })
}

impl Started {
    /// Reads both streams to their end, or to `limit` after `begun`.
    fn collect(mut self, begun: Instant, limit: Duration, take: Take<'_>) -> io::Result<Output> {
        let mut watched = Watched { pidfd: pidfd_open(self.pid, PidfdFlags::empty())?, started: &mut self };
        let (forced, stdout, stderr) = watched.follow(begun, limit, take);
        let exit = forced.unwrap_or_else(|| self.reap());
        Ok(Output { exit, stdout, stderr })
    }

    /// How it ended, once it has; that it would not is told as a time-out.
    fn reap(&mut self) -> ProcessEnd {
        use std::os::unix::process::ExitStatusExt;
        match self.handle.wait_deadline(Instant::now() + DRAIN) {
            Ok(Some(output)) => {
                let status = output.status;
                status.code().map_or_else(|| ProcessEnd::Signal(status.signal().unwrap_or_default()), ProcessEnd::Code)
            }
            Ok(None) | Err(_) => ProcessEnd::TimedOut(DRAIN),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // One that has ended and was reaped is left alone: its number may be another's by now.
        if !matches!(self.handle.try_wait(), Ok(Some(_))) {
            kill_group(self.pid, Signal::KILL);
            // It is gone at once, or stuck in the kernel, for which there is no waiting.
            let _ = self.handle.wait_deadline(Instant::now() + DRAIN);
        }
        if let Some(groups) = running().as_mut() {
            groups.retain(|group| group.pid != self.pid);
        }
    }
}

#[cfg(test)]
mod every_command;
#[cfg(test)]
mod tests;
