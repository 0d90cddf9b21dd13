//! Remembers how each command ended and how long it took, for those who want to show it as evidence.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::host::exec::{Output, ProcessEnd, Runner, StartError};
use crate::host::tools::Argv;

/// A command that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// As it would be pasted.
    pub command: String,
    /// How it ended, where it did so by itself.
    pub exit_code: Option<i32>,
    /// How long it took.
    pub duration: Duration,
}

/// Runs commands through another runner, and remembers them.
pub struct Recorder<'a> {
    inner: &'a dyn Runner,
    records: Mutex<Vec<Record>>,
    /// Programs that did not answer in time, and after how long.
    silent: Mutex<Vec<(&'static str, Duration)>>,
    gives_up: AtomicBool,
}

impl<'a> Recorder<'a> {
    /// Through this one.
    pub fn new(inner: &'a dyn Runner) -> Self {
        Recorder { inner, records: Mutex::default(), silent: Mutex::default(), gives_up: AtomicBool::new(false) }
    }

    /// From now on a program that did not answer in time, and `also` this one, is not run again: it would only take the time of
    /// the others.
    pub fn give_up_silent(&self, also: Option<(&'static str, Duration)>) {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner).extend(also);
        self.gives_up.store(true, Ordering::Relaxed);
    }

    fn silence_of(&self, program: &str) -> Option<Duration> {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.iter().find(|(other, _)| *other == program).map(|(_, after)| *after)
    }

    /// What was run.
    pub fn records(self) -> Vec<Record> {
        self.records.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runner for Recorder<'_> {
    fn run(&self, argv: &Argv, deadline: Duration) -> Result<Output, StartError> {
        if self.gives_up.load(Ordering::Relaxed)
            && let Some(after) = self.silence_of(argv.program)
        {
            return Ok(Output { exit: ProcessEnd::TimedOut(after), stdout: Vec::new(), stderr: Vec::new() });
        }
        let begun = Instant::now();
        let output = self.inner.run(argv, deadline);
        if let Ok(Output { exit: ProcessEnd::TimedOut(after), .. }) = &output {
            self.silent.lock().unwrap_or_else(PoisonError::into_inner).push((argv.program, *after));
        }
        let exit_code = match &output {
            Ok(Output { exit: ProcessEnd::Code(code), .. }) => Some(*code),
            Ok(_) | Err(_) => None,
        };
        let record = Record { command: argv.to_string(), exit_code, duration: begun.elapsed() };
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        output
    }

    fn until(&self) -> Option<Instant> {
        self.inner.until()
    }
}
