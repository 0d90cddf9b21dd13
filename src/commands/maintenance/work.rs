//! What `maintenance` takes, by its kind: a page of nginx, or services stopped and started; planned, done, told.

use std::time::Duration;

use crate::action::maintenance::page::{self, Direction};
use crate::action::maintenance::{self, Asked, Note, run as paging};
use crate::action::plan::{self, Operation};
use crate::action::{Risk, consent, lock, run};
use crate::commands::operate::{self, Extent};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::judge::health;
use crate::observe::probe;
use crate::program;
use crate::registry::{Deployment, Maintenance, Service, Verdict};
use crate::report::Head;
use crate::report::action::Action;
use crate::report::maintenance::MaintenanceFacts;

/// How long services must stay stopped or well before that is called success.
const SETTLE_SERVICES: Duration = Duration::from_secs(10);
/// How long a page must be seen, or the site without it.
const SETTLE_PAGE: Duration = Duration::from_secs(1);

/// What is to be done, by the kind of maintenance.
pub(super) enum Work {
    /// A page of nginx; also what is wrong with the services behind it, by service.
    Page(page::Plan, Vec<(String, String)>),
    /// Services stopped or started.
    Services(plan::Plan),
}

impl Work {
    pub(super) fn risk(&self) -> Risk {
        match self {
            Work::Page(plan, _) => plan.risk(),
            Work::Services(plan) => plan.risk(),
        }
    }

    pub(super) fn commands(&self) -> Vec<String> {
        match self {
            Work::Page(plan, _) => plan.commands(),
            Work::Services(plan) => plan.commands(),
        }
    }

    /// What an operator must know before consenting.
    pub(super) fn blast(&self, effect: &str, direction: Direction) -> Vec<String> {
        let mut lines = match direction {
            Direction::On => vec![effect.to_owned()],
            Direction::Off => Vec::new(),
        };
        lines.extend(match self {
            Work::Page(_, unwell) => {
                unwell.iter().map(|(service, what)| format!("unhealthy behind the page: {service}: {what}")).collect()
            }
            Work::Services(plan) => operate::blast(plan),
        });
        lines
    }
}

/// Looks at the host, and plans.
pub(super) fn make(
    direction: Direction,
    note: Option<&Note>,
    context: &Context<'_>,
    deployment: &'static Deployment,
) -> Result<Work, Error> {
    match &deployment.maintenance {
        Maintenance::None(instead) => Err(super::none(deployment, instead)),
        Maintenance::Page(page) => {
            let site = page::site(context, deployment, page)?;
            let reload = operate::make(Operation::Reload, Extent::Named, context, deployment, &[page.proxy])?;
            let unwell = match direction {
                Direction::On => Vec::new(),
                Direction::Off => unwell(context, deployment)?,
            };
            let message = note.and_then(|note| note.message.as_deref()).unwrap_or(page.message);
            Ok(Work::Page(
                page::plan(context.system, direction, page, &site, message, &reload, !unwell.is_empty()),
                unwell,
            ))
        }
        Maintenance::Stop(stop) => {
            let operation = match direction {
                Direction::On => Operation::Stop,
                Direction::Off => Operation::Start,
            };
            let plan = operate::make(operation, Extent::Named, context, deployment, stop.services)?;
            Ok(Work::Services(plan::Plan { asked: Some(direction.name()), ..plan }))
        }
    }
}

/// What is wrong with the services that visitors will reach again, by service.
fn unwell(context: &Context<'_>, deployment: &'static Deployment) -> Result<Vec<(String, String)>, Error> {
    let behind: Vec<&'static Service> =
        deployment.services.iter().copied().filter(|service| !service.routes.is_empty()).collect();
    let evidence = probe::gather(context.system, &context.processes(), deployment, &behind, false, context.patience()?);
    let judged = health::judge(deployment, &behind, &evidence).services;
    let wrong = judged.into_iter().filter(|judged| matches!(judged.verdict, Verdict::Fail | Verdict::Unknown));
    Ok(wrong.map(|judged| (judged.name, judged.summary)).collect())
}

/// What came of it.
pub(super) enum Done {
    Page(paging::MaintenanceEnd, Vec<Asked>),
    Services(run::Result),
}

impl Done {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Done::Page(end, _) => end.exit(),
            Done::Services(result) => result.exit(),
        }
    }

    /// What went wrong with all of it; of services, each says its own.
    pub(super) fn trouble(&self) -> Option<String> {
        match self {
            Done::Page(end, _) => end.trouble(),
            Done::Services(_) => None,
        }
    }
}

/// Does it. `notes`: what is kept of who turned it on from now on, and what was kept until now.
pub(super) fn act(
    work: &Work,
    context: &Context<'_>,
    deployment: &'static Deployment,
    consent: &consent::Consent,
    lock: &mut lock::Lock,
    settle: Option<Duration>,
    notes: (Option<&Note>, Option<&Note>),
) -> Result<Done, Error> {
    let plan = match work {
        Work::Page(plan, _) => {
            let settle = settle.unwrap_or(SETTLE_PAGE);
            let (end, answers) = paging::run(context, deployment, plan, consent, lock, settle, notes)?;
            return Ok(Done::Page(end, answers));
        }
        Work::Services(plan) => plan,
    };
    let (note, before) = notes;
    let keep = |note: Option<&Note>| maintenance::keep(context.system, deployment, note);
    if note.is_some() {
        keep(note).map_err(|error| {
            Error::refused(
                Code::RecordUnwritable,
                format!("maintenance mode cannot be recorded: {error}; nothing was changed"),
            )
            .hint(program::command("diagnose disk-full"))
        })?;
    }
    let result = run::run(context, deployment, plan, consent, lock, settle.unwrap_or(SETTLE_SERVICES));
    let undone = match (&result, note) {
        (Err(_), _) => keep(before),
        (Ok(result), None) if result.exit() == Exit::Success => keep(None),
        (Ok(_), _) => Ok(()),
    };
    if let Err(error) = undone {
        context.ui.note(&format!("the record of maintenance mode is out of date: {error}"));
    }
    result.map(Done::Services)
}

/// Adds the plan, and what came of it.
pub(super) fn add(
    facts: &mut MaintenanceFacts,
    work: &Work,
    done: Option<Done>,
    context: &Context<'_>,
    deployment: &'static Deployment,
) {
    match (work, done) {
        (Work::Page(plan, unwell), done) => {
            facts.add_page(plan, unwell);
            if let Some(Done::Page(_, answers)) = done {
                facts.add_answers(&answers);
            }
        }
        (Work::Services(plan), done) => {
            let done = match done {
                Some(Done::Services(result)) => Some(operate::with_last_words(context, deployment, result)),
                Some(Done::Page(..)) | None => None,
            };
            let head = Head::of(context.system, "opsctl/action/v1", deployment, Verdict::Pass, Exit::Success);
            facts.add_services(Action::new(head, plan, done, None));
        }
    }
}
