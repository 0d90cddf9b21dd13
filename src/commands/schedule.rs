//! `--install` and `--uninstall`: has a verb run by itself, by a timer of systemd or a table of cron, or ends that.

use std::time::Duration;

use super::change::{self, Change, Planned};
use crate::action::lock::{self, Holder, Note};
use crate::action::plan::Step;
use crate::action::schedule::plan::{self, Act, Direction, Objection};
use crate::action::schedule::run::{self, ScheduleEnd};
use crate::action::schedule::{self, Installed, Job};
use crate::action::{Risk, consent};
use crate::args::duration;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::tools::Argv;
use crate::host::tools::timer_file::{self, Timed};
use crate::program;
use crate::registry::Deployment;
use crate::report::Head;
use crate::report::schedule::{FileFacts, Schedule};

/// Flags of a verb that can run by itself.
#[derive(Debug, clap::Args)]
pub struct Installing {
    /// Install a timer that runs this by itself
    ///
    /// A service and a timer of systemd with a sandbox, or a line of cron where systemd does not run. The files are shown first.
    #[arg(long, conflicts_with = "uninstall", hide_short_help = true)]
    install: bool,
    /// Remove that timer
    #[arg(long, hide_short_help = true)]
    uninstall: bool,
    /// Run it this often [default: check 1m; backups by schedule]
    ///
    /// With --install. Without it a check runs every minute, a backup when the registry schedules it, and a drill once a month.
    #[arg(long, value_name = "DURATION", requires = "install", conflicts_with = "uninstall", value_parser = duration,
          hide_short_help = true)]
    every: Option<Duration>,
}

impl Installing {
    /// What is asked for; `None` where the verb itself is.
    pub fn direction(&self) -> Option<Direction> {
        match (self.install, self.uninstall) {
            (true, _) => Some(Direction::Install),
            (_, true) => Some(Direction::Uninstall),
            (false, false) => None,
        }
    }

    /// Refuses flags of a change where nothing is installed or removed, of a verb that has no other use for them.
    ///
    /// # Errors
    /// When there is one.
    pub fn alone(&self, change: &Change) -> Result<(), Error> {
        let flags = [("--dry-run", change.dry_run), ("--yes", change.yes), ("--lock-wait", change.lock_wait.is_some())];
        match flags.iter().find(|(_, is_given)| *is_given && self.direction().is_none()) {
            Some((flag, _)) => Err(Error::usage(Code::Usage, format!("{flag} needs --install or --uninstall"))),
            None => Ok(()),
        }
    }
}

/// Installs or removes a job, which is run with these further arguments.
///
/// # Errors
/// When it is refused, nobody confirmed it, or it could not be determined how it is installed.
pub(super) fn run(
    job: Job,
    direction: Direction,
    more: &[String],
    installing: &Installing,
    change: &Change,
    context: &Context<'_>,
) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let name = format!("{} {}", job.verb(), direction.flag());
    if !context.system.is_root() {
        return Err(change::no_root(&name).into());
    }
    let timed = timed(job, direction, more, installing, context, deployment)?;
    let planned = Planned::now();
    let again = || make(direction, &timed, context);
    let (found, acts) = again()?;
    let facts = |found: &Installed, acts: &[Act], exit: Exit| {
        let head = Head::of(context.system, "opsctl/schedule/v1", deployment, exit.verdict(), exit);
        document(head, job, direction, &timed, found, acts, context)
    };
    if change.dry_run {
        let facts = Schedule { dry_run: true, ..facts(&found, &acts, Exit::Success) };
        context.ui.report(&facts)?;
        return Ok(Exit::Success);
    }
    if acts.is_empty() {
        let unfinished = end_unfinished(&name, change, context, deployment)?;
        let trouble = plan::proven(direction, &timed, &found).err();
        let exit = if trouble.is_none() { Exit::Success } else { Exit::Failure };
        context.ui.report(&Schedule { trouble, unfinished, ..facts(&found, &acts, exit) })?;
        return Ok(exit);
    }
    let blast: Vec<String> = acts.iter().map(Act::title).collect();
    let risk = acts.iter().map(Act::risk).max().unwrap_or(Risk::ReadOnly);
    let consent = consent::obtain(context.deadline(), &name, risk, change.yes, &blast)?;
    let commands = |(_, acts): &(Installed, Vec<Act>)| acts.iter().map(Act::command).collect();
    let ((found, acts, end), unfinished) = change::held(context, deployment, &name, change, |lock| {
        let (found, acts) = planned.settled(&name, change, (found, acts), again, commands)?;
        let end = run::run(context, deployment, (job, direction, &timed), &acts, &consent, lock)?;
        Ok((found, acts, end))
    })?;
    let exit = end.exit();
    let trouble = end.trouble().map(str::to_owned);
    let found = if let ScheduleEnd::Done(now) = end { *now } else { found };
    let facts = Schedule { changed: true, trouble, unfinished, ..facts(&found, &acts, exit) };
    Ok(change::tell(context, &name, exit, &facts))
}

/// Where nothing is to be done: ends the same that an earlier run did not finish, which is named.
fn end_unfinished(
    name: &str,
    change: &Change,
    context: &Context<'_>,
    deployment: &'static Deployment,
) -> Result<Option<Note>, Error> {
    match lock::holder(context.system, deployment) {
        Holder::Unfinished(note) if note.what == name => {
            change::held(context, deployment, name, change, |_| Ok(())).map(|((), unfinished)| unfinished)
        }
        Holder::Unfinished(_) | Holder::None | Holder::Held(_) | Holder::Unknown(_) => Ok(None),
    }
}

/// As this call writes it.
fn timed(
    job: Job,
    direction: Direction,
    more: &[String],
    installing: &Installing,
    context: &Context<'_>,
    deployment: &Deployment,
) -> Result<Timed, Error> {
    if let Some(every) = installing.every.filter(|every| *every < job.shortest() || every.subsec_nanos() > 0) {
        let least = timer_file::short(job.shortest());
        let message = format!("--every {every:?} is not a number of seconds of at least {least}");
        return Err(Error::usage(Code::Usage, message));
    }
    if let Some(word) = more.iter().find(|word| !timer_file::is_plain(word)) {
        let message = format!("a unit file cannot hold the argument {word:?} as it is");
        return Err(Error::usage(Code::BadArgument, message));
    }
    let program = match direction {
        Direction::Install => own_program(context)?,
        // What is removed needs none.
        Direction::Uninstall => String::new(),
    };
    Ok(job.timed(deployment, &program, more, installing.every))
}

/// The path of this program: root runs it again and again, so nobody else may be able to exchange it.
fn own_program(context: &Context<'_>) -> Result<String, Error> {
    let refused = |why: String| {
        Error::refused(Code::Refused, format!("{why}; nothing was changed"))
            .hint(format!("install -m 0755 {} /usr/local/bin/", program::name()))
    };
    let path = context.system.own_program().map_err(|error| refused(format!("the program's own path: {error}")))?;
    let path = path.to_string_lossy().into_owned();
    let path = plan::startable(&path).map_err(|objection| refused(objection.reason))?;
    context.system.metadata(path).map_err(|error| refused(format!("{path}: {error}")))?;
    match context.system.changeable_part(&context.system.path(path), None) {
        Ok(None) => Ok(path.to_owned()),
        Ok(Some(part)) => Err(refused(format!(
            "root must not run {path} by itself: users other than root can change {}",
            part.display()
        ))),
        Err(error) => Err(refused(format!("{path}: {error}"))),
    }
}

fn make(direction: Direction, timed: &Timed, context: &Context<'_>) -> Result<(Installed, Vec<Act>), Error> {
    let limit = context.patience_to_change()?;
    let found = schedule::look(context.system, &context.processes(), timed, limit).map_err(|trouble| {
        let message = format!("whether {} is installed is unknown: {trouble}; nothing was changed", timed.name);
        Error::unknown(Code::Unknown, message).hint(format!("systemctl status {}", timed.timer()))
    })?;
    let refused =
        |Objection { reason, hint }| Error::refused(Code::Refused, format!("{reason}; nothing was changed")).hint(hint);
    let acts = plan::make(direction, timed, &found).map_err(refused)?;
    Ok((found, acts))
}

fn document(
    head: Head,
    job: Job,
    direction: Direction,
    timed: &Timed,
    found: &Installed,
    acts: &[Act],
    context: &Context<'_>,
) -> Schedule {
    let is_install = direction == Direction::Install;
    let manager = if found.by_systemd { "systemd" } else { "cron" };
    let steps: Vec<Step> = acts
        .iter()
        .map(|act| Step {
            title: act.title(),
            argv: act.argv().unwrap_or_else(|| Argv::new("", Vec::<String>::new())),
            deadline: run::LIMIT,
            risk: act.risk(),
            optional: matches!(act, Act::Run { optional: true, .. }),
            again: false,
        })
        .collect();
    let files = acts.iter().filter_map(|act| match act {
        Act::Write { path, text } => Some(FileFacts { path: path.clone(), content: Some(text.clone()) }),
        Act::Remove(path) => Some(FileFacts { path: path.clone(), content: None }),
        Act::Run { .. } => None,
    });
    Schedule {
        files: files.collect(),
        next: found.next(context.system).filter(|_| is_install),
        ..Schedule::new(head, job, direction, manager, timed, &steps)
    }
}
