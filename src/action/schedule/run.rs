//! Installs or removes a job: a step after the other, until systemd or cron is seen to know it.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::plan::{self, Act, Direction};
use super::{Installed, Job, look};
use crate::action::audit;
use crate::action::consent::Consent;
use crate::action::lock::Lock;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::host::exec::{ProcessEnd, Runner};
use crate::host::files::own;
use crate::host::system::System;
use crate::host::tools::Argv;
use crate::host::tools::timer_file::Timed;
use crate::host::trouble::{Trouble, failure};
use crate::observe::probe::PATIENCE;
use crate::registry::Deployment;

/// How long a command may take.
pub const LIMIT: Duration = Duration::from_secs(30);
/// How long it is waited for that systemd knows the next run.
const SETTLE: Duration = Duration::from_secs(5);
/// How often it is asked.
const AGAIN: Duration = Duration::from_millis(100);

/// How it ended.
#[derive(Debug)]
pub enum ScheduleEnd {
    /// It has the planned state, as was seen.
    Done(Box<Installed>),
    /// A step failed, or its outcome was not seen; how it stands.
    Failed(String),
    /// A command was not done in time and may still be under way.
    Pending(String),
}

impl ScheduleEnd {
    /// The exit code.
    pub const fn exit(&self) -> Exit {
        match self {
            ScheduleEnd::Done(_) => Exit::Success,
            ScheduleEnd::Failed(_) => Exit::Failure,
            ScheduleEnd::Pending(_) => Exit::TimedOut,
        }
    }

    /// What went wrong.
    pub fn trouble(&self) -> Option<&str> {
        match self {
            ScheduleEnd::Done(_) => None,
            ScheduleEnd::Failed(what) | ScheduleEnd::Pending(what) => Some(what),
        }
    }
}

/// Runs a plan that was consented to, under the lock, with a line in the audit trail before it and one after it. Each step leaves
/// a state that the next run completes, so nothing is undone.
///
/// # Errors
/// When it cannot be recorded: then nothing was changed.
pub fn run(
    context: &Context<'_>,
    deployment: &'static Deployment,
    (job, direction, timed): (Job, Direction, &Timed),
    acts: &[Act],
    _: &Consent,
    lock: &mut Lock,
) -> Result<ScheduleEnd, Error> {
    let operation = format!("{} {}", job.verb(), direction.flag());
    let commands = acts.iter().map(Act::command).collect();
    let act = audit::begin(context, deployment, &operation, vec![timed.name.clone()], commands)?;
    let end = steps(context, acts, lock).map_or_else(|end| end, |()| prove(context, direction, timed));
    act.end(context, end.trouble().unwrap_or("done").to_owned(), end.exit());
    Ok(end)
}

fn steps(context: &Context<'_>, acts: &[Act], lock: &mut Lock) -> Result<(), ScheduleEnd> {
    for (index, act) in acts.iter().enumerate() {
        lock.step(&act.title());
        context.ui.progress(&act.title());
        let done = match act {
            Act::Write { path, text } => write(context.system, path, text).map_err(|error| error.to_string()),
            Act::Remove(path) => remove(context.system, path).map_err(|error| error.to_string()),
            Act::Run { argv, .. } => match command(context, argv) {
                Err(Trouble::TimedOut(after)) => {
                    let seconds = after.as_secs_f32();
                    return Err(ScheduleEnd::Pending(format!(
                        "{argv} did not finish in {seconds:.1} s and may still run"
                    )));
                }
                done => done.map_err(|trouble| trouble.to_string()),
            },
        };
        match (done, act) {
            (Ok(()), _) | (Err(_), Act::Run { optional: true, .. }) => {}
            (Err(why), _) => {
                let left = acts.len() - index;
                return Err(ScheduleEnd::Failed(format!(
                    "{}: {why}; {left} of {} steps are not done",
                    act.title(),
                    acts.len()
                )));
            }
        }
    }
    Ok(())
}

fn command(context: &Context<'_>, argv: &Argv) -> Result<(), Trouble> {
    match context.processes().run(argv, context.within(LIMIT)) {
        Ok(output) if output.exit == ProcessEnd::Code(0) => Ok(()),
        Ok(output) => Err(failure(&output)),
        Err(error) => Err(error.into()),
    }
}

/// The file beside it that is moved over it: neither systemd nor cron reads a name that begins with a dot.
fn beside(path: &str) -> String {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    format!("{directory}/.{name}.opsctl-new")
}

fn write(system: &System, path: &str, text: &str) -> io::Result<()> {
    own::write_new(system, &beside(path), text.as_bytes(), 0o644)?;
    own::rename(system, &beside(path), path)
}

fn remove(system: &System, path: &str) -> io::Result<()> {
    own::remove(system, &beside(path)).and(own::remove(system, path))
}

/// Asks until what starts it is seen to know it, or not to know it any more.
fn prove(context: &Context<'_>, direction: Direction, timed: &Timed) -> ScheduleEnd {
    let until = Instant::now() + context.within(SETTLE);
    loop {
        let found = look(context.system, &context.processes(), timed, context.within(PATIENCE));
        let lacking = match found {
            Ok(found) => match plan::proven(direction, timed, &found) {
                Ok(()) => return ScheduleEnd::Done(Box::new(found)),
                Err(lacking) => lacking,
            },
            Err(trouble) => format!("the outcome is unknown: {trouble}"),
        };
        if Instant::now() >= until {
            return ScheduleEnd::Failed(format!("all steps are done, but {lacking}"));
        }
        thread::sleep(AGAIN);
    }
}
