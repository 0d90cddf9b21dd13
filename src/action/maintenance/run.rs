//! Runs the plan of a page: a step after the other, until every host answers as wanted; what fails is undone.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::page::{Act, Direction, PageStep, Plan, READY};
use super::{Asked, Note, ask};
use crate::action::Risk;
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
use crate::host::trouble::{Trouble, failure};
use crate::observe::probe::PATIENCE;
use crate::registry::Deployment;

/// How often nginx is asked.
const POLL_SITE: Duration = Duration::from_millis(100);

/// How it ended.
#[derive(Debug)]
pub enum MaintenanceEnd {
    /// As wanted.
    Done,
    /// It was found before anything was changed that it would not work.
    Refused(String),
    /// It did not work, and what was before is back.
    PutBack(String),
    /// It did not work, and this is how it stands.
    Failed(String),
    /// A command was not done in time and may still be under way.
    Pending(String),
}

impl MaintenanceEnd {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            MaintenanceEnd::Done => Exit::Success,
            MaintenanceEnd::Refused(_) => Exit::Refused,
            MaintenanceEnd::PutBack(_) => Exit::RolledBack,
            MaintenanceEnd::Failed(_) => Exit::Failure,
            MaintenanceEnd::Pending(_) => Exit::TimedOut,
        }
    }

    /// What went wrong, and how it stands.
    pub fn trouble(&self) -> Option<String> {
        match self {
            MaintenanceEnd::Done => None,
            MaintenanceEnd::Refused(what) => Some(format!("{what}; nothing was changed")),
            MaintenanceEnd::PutBack(what) => Some(format!("{what}; rolled back")),
            MaintenanceEnd::Failed(what) | MaintenanceEnd::Pending(what) => Some(what.clone()),
        }
    }
}

/// Runs a plan that was consented to, under the lock, with a line in the audit trail before it and one after it. `note` is
/// what is kept when it is done, `before` what was kept.
///
/// # Errors
/// When it cannot be recorded: then nothing was changed.
pub fn run(
    context: &Context<'_>,
    deployment: &'static Deployment,
    plan: &Plan,
    _: &Consent,
    lock: &mut Lock,
    settle: Duration,
    notes: (Option<&Note>, Option<&Note>),
) -> Result<(MaintenanceEnd, Vec<Asked>), Error> {
    let targets = vec![plan.page.proxy.name.to_owned()];
    let act = audit::begin(context, deployment, plan.direction.name(), targets, plan.commands())?;
    let (note, before) = notes;
    let keep = |note: Option<&Note>| super::keep(context.system, deployment, note);
    // Who does it is known from the beginning; that it is over, only in the end.
    let noted = if note.is_some() { keep(note) } else { Ok(()) };
    let mut answers = Vec::new();
    let end = match noted {
        Err(error) => MaintenanceEnd::Refused(format!("the note of who turned it on cannot be written: {error}")),
        Ok(()) => steps(context, plan, lock, settle, &mut answers),
    };
    let noted = match &end {
        MaintenanceEnd::Done | MaintenanceEnd::Failed(_) => keep(note),
        MaintenanceEnd::Refused(_) | MaintenanceEnd::PutBack(_) => keep(before),
        MaintenanceEnd::Pending(_) => Ok(()),
    };
    if let Err(error) = noted {
        context.ui.note(&format!("the note of who turned it on is not up to date: {error}"));
    }
    act.end(context, end.trouble().unwrap_or_else(|| "done".to_owned()), end.exit());
    Ok((end, answers))
}

/// Does one step after the other; when one fails, undoes them.
fn steps(
    context: &Context<'_>,
    plan: &Plan,
    lock: &mut Lock,
    settle: Duration,
    answers: &mut Vec<Asked>,
) -> MaintenanceEnd {
    let service = plan.page.proxy.name;
    for (index, step) in plan.steps.iter().enumerate() {
        lock.step(&format!("{service}: {}", step.title));
        context.ui.progress(&format!("{service}: {}", step.title));
        let trouble = match &step.act {
            Act::Look => {
                *answers = look(context, plan, settle);
                let unlike = unlike(plan, answers);
                if let (None, Some(trouble)) = (&unlike, unanswered(plan.direction, answers)) {
                    return MaintenanceEnd::Failed(format!("the page was removed, but {trouble}"));
                }
                unlike
            }
            Act::Run(argv) => match command(context, argv, within(context, step.deadline)) {
                Err(Trouble::TimedOut(after)) if step.risk > Risk::ReadOnly => {
                    let seconds = after.as_secs_f32();
                    return MaintenanceEnd::Pending(format!(
                        "{argv} did not finish in {seconds:.1} s and may still run"
                    ));
                }
                done => done.err().map(|trouble| format!("{}: {trouble}", step.title)),
            },
            act => change(context.system, act).err().map(|error| format!("{}: {error}", step.title)),
        };
        let Some(trouble) = trouble else { continue };
        lock.step(&format!("{service}: undo it"));
        context.ui.progress(&format!("{service}: undo it, because of: {trouble}"));
        return undo(context, plan, &plan.steps[..=index], &trouble, answers);
    }
    MaintenanceEnd::Done
}

/// As long as that, but no longer than the whole command may take.
fn within(context: &Context<'_>, limit: Duration) -> Duration {
    limit.min(context.time_left().unwrap_or(limit))
}

fn command(context: &Context<'_>, argv: &Argv, limit: Duration) -> Result<(), Trouble> {
    match context.processes().run(argv, limit) {
        Ok(output) if output.exit == ProcessEnd::Code(0) => Ok(()),
        Ok(output) => Err(failure(&output)),
        Err(error) => Err(error.into()),
    }
}

/// Does what a step does to files.
fn change(system: &System, act: &Act) -> io::Result<()> {
    match act {
        // Readable for nginx's status as any user; there is nothing in it that visitors are not told.
        Act::Write(path, content) => own::write_new(system, path, content.as_bytes(), 0o644),
        Act::Move(from, to, _) => own::rename(system, from, to),
        Act::Remove(path) => own::remove(system, path),
        Act::Run(_) | Act::Look => Ok(()),
    }
}

/// Asks every host until each answers as wanted and has done so for `settle`, or the time is over.
fn look(context: &Context<'_>, plan: &Plan, settle: Duration) -> Vec<Asked> {
    let until = Instant::now() + within(context, READY + settle);
    let mut good: Option<Instant> = None;
    loop {
        let begun = Instant::now();
        let answers = ask(context.system, &plan.endpoints, plan.page, PATIENCE);
        good = match unlike(plan, &answers).is_none() && unanswered(plan.direction, &answers).is_none() {
            true => good.or(Some(begun)),
            false => None,
        };
        if good.is_some_and(|since| since.elapsed() >= settle) || Instant::now() >= until {
            return answers;
        }
        thread::sleep(POLL_SITE);
    }
}

/// The first answer that a page in its place, or taken out of it, cannot have given.
fn unlike(plan: &Plan, answers: &[Asked]) -> Option<String> {
    let retry_after = plan.page.retry_after_seconds.to_string();
    let is_wanted = |asked: &&Asked| match (&asked.answer.result, plan.direction, asked.path) {
        (Ok(edge), Direction::On, "/") => {
            edge.is_page
                && edge.status == 503
                && edge.retry_after.as_ref() == Some(&retry_after)
                && edge.body == plan.body
        }
        (Ok(edge), Direction::On, _) => edge.status == 200,
        (Err(_), Direction::On, _) => false,
        (_, Direction::Off, _) => !asked.is_page(),
    };
    answers.iter().find(|asked| !is_wanted(asked)).map(|asked| match (plan.direction, asked.is_page()) {
        (Direction::On, true) => format!("{}, which differs from the written page", asked.told()),
        (Direction::On, false) | (Direction::Off, _) => asked.told(),
    })
}

/// The first host that does not answer as it should without the page.
fn unanswered(direction: Direction, answers: &[Asked]) -> Option<String> {
    let fails = |asked: &&Asked| match &asked.answer.result {
        Ok(edge) => edge.status >= 500 && !edge.is_page,
        Err(_) => true,
    };
    answers.iter().filter(|_| direction == Direction::Off).find(fails).map(Asked::told)
}

/// Puts the files back as they were and, where nginx may have read the new ones, has it read the old ones.
fn undo(
    context: &Context<'_>,
    plan: &Plan,
    done: &[PageStep],
    trouble: &str,
    answers: &mut Vec<Asked>,
) -> MaintenanceEnd {
    let system = context.system;
    let mut moved = false;
    let mut page_before = plan.direction == Direction::Off;
    let mut told = Vec::new();
    for step in done.iter().rev() {
        let undone = match &step.act {
            Act::Write(path, _) => own::remove(system, path),
            // Where it still stands, it was not moved.
            Act::Move(from, _, _) if system.exists(from) => Ok(()),
            Act::Move(from, to, before) => {
                moved = true;
                page_before |= before.is_some();
                move_back(system, from, to, before.as_deref())
            }
            Act::Run(argv) => {
                told.extend((step.risk > Risk::ReadOnly).then_some((argv, step.deadline)));
                Ok(())
            }
            Act::Remove(_) | Act::Look => Ok(()),
        };
        if let Err(error) = undone {
            return MaintenanceEnd::Failed(format!(
                "{trouble}; the rollback failed: {error}; check {}",
                plan.page.file
            ));
        }
    }
    if told.is_empty() && !moved {
        return MaintenanceEnd::Refused(trouble.to_owned());
    }
    // Whatever time the whole command was given: it must not end half-way.
    for (argv, deadline) in told.into_iter().rev() {
        if let Err(error) = command(context, argv, deadline) {
            return MaintenanceEnd::Failed(format!("{trouble}; the files are as before, but {argv}: {error}"));
        }
    }
    let until = Instant::now() + READY;
    loop {
        *answers = ask(system, &plan.endpoints, plan.page, PATIENCE);
        let is_as_before = |asked: &&Asked| asked.is_page() == page_before;
        let Some(other) = answers.iter().filter(|asked| asked.path == "/").find(|asked| !is_as_before(asked)) else {
            return MaintenanceEnd::PutBack(trouble.to_owned());
        };
        if Instant::now() >= until {
            return MaintenanceEnd::Failed(format!("{trouble}; the files are as before, but {}", other.told()));
        }
        thread::sleep(POLL_SITE);
    }
}

fn move_back(system: &System, from: &str, to: &str, before: Option<&str>) -> io::Result<()> {
    match before {
        None => own::rename(system, to, from),
        Some(before) => {
            own::write_new(system, from, before.as_bytes(), 0o644)?;
            own::rename(system, from, to)
        }
    }
}
