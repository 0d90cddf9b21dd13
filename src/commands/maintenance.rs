//! `opsctl maintenance`: takes a deployment out of service on purpose, as its runbook says it, and puts it back.

mod work;

use std::time::Duration;

use clap::Subcommand;

use super::change::{self, Change, Planned};
use crate::action::maintenance::page::Direction;
use crate::action::maintenance::{self, MaintenanceState, Note, Standing};
use crate::action::{consent, lock};
use crate::args::duration;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::registry::{Deployment, Maintenance, Verdict};
use crate::report::Head;
use crate::report::maintenance::{MaintenanceFacts, StandingFacts};
use crate::ui::escape;
use work::{Done, Work, act, add, make};

/// The longest message, characters: nginx takes no word of more than 4,096 bytes, and a reader no longer one.
const LONGEST: usize = 200;

/// Arguments of `maintenance`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do [default: status]
    #[command(subcommand)]
    what: Option<MaintenanceCommand>,
}

#[derive(Debug, Subcommand)]
enum MaintenanceCommand {
    /// Show whether it is on, since when, by whom
    Status,
    /// Turn maintenance mode on
    On {
        /// Message for visitors and the audit trail
        ///
        /// Plain text, at most 200 characters. Visitors read it where the maintenance mode is a page.
        #[arg(short, long, value_name = "TEXT", value_parser = message)]
        message: Option<String>,
        /// How it is changed.
        #[command(flatten)]
        how: How,
    },
    /// Turn maintenance mode off
    Off {
        /// How it is changed.
        #[command(flatten)]
        how: How,
    },
}

#[derive(Debug, clap::Args)]
struct How {
    /// Verify this long before success [default: 10s; page: 1s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    settle: Option<Duration>,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

/// Refuses what could not be shown to visitors as it is.
fn message(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("it is empty".to_owned()),
        count if count > LONGEST => Err(format!("it is {count} characters long, more than {LONGEST}")),
        _ if text.chars().any(escape::is_hostile) => Err("it contains control characters".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    match args.what.as_ref().unwrap_or(&MaintenanceCommand::Status) {
        MaintenanceCommand::Status => status(context, deployment),
        MaintenanceCommand::On { message, how } => change(Direction::On, message.as_ref(), how, context, deployment),
        MaintenanceCommand::Off { how } => change(Direction::Off, None, how, context, deployment),
    }
}

fn look(context: &Context<'_>, deployment: &'static Deployment) -> Result<Standing, Error> {
    Ok(maintenance::look(context.system, &context.processes(), deployment, None, context.patience()?))
}

fn status(context: &Context<'_>, deployment: &'static Deployment) -> anyhow::Result<Exit> {
    let standing = look(context, deployment)?;
    let (verdict, exit) = match standing.state {
        MaintenanceState::None | MaintenanceState::Off | MaintenanceState::On => (Verdict::Pass, Exit::Success),
        MaintenanceState::Unfinished => (Verdict::Warn, Exit::Success),
        MaintenanceState::Unknown => (Verdict::Unknown, Exit::Unknown),
    };
    let head = Head::of(context.system, "opsctl/maintenance/v1", deployment, verdict, exit);
    let told = StandingFacts::new(&deployment.maintenance, &standing);
    context.ui.report(&MaintenanceFacts::new(head, "status", told, &standing.answers))?;
    Ok(exit)
}

/// The deployment has no maintenance mode.
fn none(deployment: &Deployment, instead: &str) -> Error {
    let message = format!("the runbook of {} has no maintenance mode; nothing was changed", deployment.name);
    Error::refused(Code::NoMaintenance, message).hint(program::called(instead))
}

fn change(
    direction: Direction,
    message: Option<&String>,
    how: &How,
    context: &Context<'_>,
    deployment: &'static Deployment,
) -> anyhow::Result<Exit> {
    let name = direction.name();
    let effect = match &deployment.maintenance {
        Maintenance::None(instead) => {
            return Err(none(deployment, instead).into());
        }
        Maintenance::Page(page) => page.effect,
        Maintenance::Stop(stop) => stop.effect,
    };
    // nginx's configuration, and who turned it on, are root's to read.
    if !context.system.is_root() {
        return Err(change::no_root(name).into());
    }
    let planned = Planned::now();
    let standing = look(context, deployment)?;
    if standing.state == MaintenanceState::Unknown {
        let message = format!("maintenance state unknown: {}; nothing was changed", standing.summary);
        let hint = Some(program::command("maintenance status"));
        return Err(Error::unknown(Code::Unknown, message).hint_if(hint).into());
    }
    let already = |standing: &Standing| match (direction, standing.state) {
        (Direction::On, MaintenanceState::On) => {
            message.is_none_or(|text| standing.note.as_ref().and_then(|note| note.message.as_ref()) == Some(text))
        }
        // What was stopped otherwise is left to who stopped it.
        (Direction::Off, MaintenanceState::Off) => true,
        _ => false,
    };
    let facts = |standing: &Standing, exit: Exit| {
        let head = Head::of(context.system, "opsctl/maintenance/v1", deployment, exit.verdict(), exit);
        let told = StandingFacts::new(&deployment.maintenance, standing);
        MaintenanceFacts::new(head, direction.word(), told, &standing.answers)
    };
    if already(&standing) {
        let unfinished =
            if how.change.dry_run { None } else { end_unfinished(name, how, context, deployment, &standing)? };
        let facts = facts(&standing, Exit::Success);
        context.ui.report(&MaintenanceFacts { dry_run: how.change.dry_run, unfinished, ..facts })?;
        return Ok(Exit::Success);
    }
    let note = new_note(direction, message, context, deployment, &standing);
    let again = || make(direction, note.as_ref(), context, deployment);
    let work = again()?;
    if how.change.dry_run {
        let mut facts = MaintenanceFacts { dry_run: true, ..facts(&standing, Exit::Success) };
        add(&mut facts, &work, None, context, deployment);
        context.ui.report(&facts)?;
        return Ok(Exit::Success);
    }
    let consent =
        consent::obtain(context.deadline(), name, work.risk(), how.change.yes, &work.blast(effect, direction))?;
    let ((before, work, done), unfinished) = change::held(context, deployment, name, &how.change, |lock| {
        let standing = if planned.is_old() { look(context, deployment)? } else { standing };
        if already(&standing) {
            return Ok((standing, work, None));
        }
        let work = planned.settled(name, &how.change, work, again, Work::commands)?;
        let notes = (note.as_ref(), standing.note.as_ref());
        let done = act(&work, context, deployment, &consent, lock, how.settle, notes)?;
        Ok((standing, work, Some(done)))
    })?;
    let exit = done.as_ref().map_or(Exit::Success, Done::exit);
    let now = if done.is_some() { look(context, deployment).unwrap_or(before) } else { before };
    let trouble = done.as_ref().and_then(Done::trouble);
    let mut facts = MaintenanceFacts { trouble, unfinished, ..facts(&now, exit) };
    if done.is_some() {
        add(&mut facts, &work, done, context, deployment);
    }
    Ok(change::tell(context, name, exit, &facts))
}

/// Where it is as wanted already: ends what an earlier run left unfinished, which is named, and forgets what is over.
fn end_unfinished(
    name: &str,
    how: &How,
    context: &Context<'_>,
    deployment: &'static Deployment,
    standing: &Standing,
) -> Result<Option<lock::Note>, Error> {
    if !standing.forgotten && !matches!(lock::holder(context.system, deployment), lock::Holder::Unfinished(_)) {
        return Ok(None);
    }
    let (tidied, unfinished) = change::held(context, deployment, name, &how.change, |_| {
        Ok(maintenance::tidy(context.system, deployment, standing))
    })?;
    if let Err(error) = tidied {
        context.ui.note(&format!("files of an earlier run could not be removed: {error}"));
    }
    Ok(unfinished)
}

/// Who turns it on, and what is said of it. Whoever only finishes it, or says something else, says the rest as it was.
fn new_note(
    direction: Direction,
    message: Option<&String>,
    context: &Context<'_>,
    deployment: &Deployment,
    standing: &Standing,
) -> Option<Note> {
    if direction == Direction::Off {
        return None;
    }
    let usual = match &deployment.maintenance {
        Maintenance::Page(page) => Some(page.message.to_owned()),
        Maintenance::Stop(_) | Maintenance::None(_) => None,
    };
    let before = standing.note.clone();
    let said = before.as_ref().and_then(|note| note.message.clone());
    let message = message.cloned().or(said).or(usual);
    Some(match before.filter(|_| standing.state == MaintenanceState::On) {
        Some(before) => Note { message, ..before },
        None => Note::new(context.system, message),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_that_visitors_can_read() {
        assert_eq!(message("  Back at 6. "), Ok("Back at 6.".to_owned()));
        assert_eq!(message(&"é".repeat(200)), Ok("é".repeat(200)));
        for wrong in ["", "  ", "a\nb", "a\u{1b}[31mb", "a\u{202e}b", &"x".repeat(201)] {
            assert!(message(wrong).is_err(), "{wrong:?}");
        }
    }
}
