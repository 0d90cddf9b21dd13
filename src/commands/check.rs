//! `opsctl check`: one line for cron and monitoring, and a notification when a person has to know.

mod subjects;

use std::time::Instant;

use clap_complete::engine::ArgValueCandidates;
use jiff::tz::TimeZone;

use self::subjects::{Circumstances, complete, observations};
use super::get;
use super::status::{self, FailOn};
use crate::action::lock;
use crate::alert::state::{Checked, State};
use crate::alert::store::{self, Record, Turn};
use crate::alert::{Class, Event, Moment};
use crate::args::complete_services;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::registry::{Deployment, Verdict};
use crate::report::Head;
use crate::report::check::{Check, Notifications, SubjectFacts};
use crate::report::checks::{CheckedFacts, Checks};
use crate::report::status::Status;
use crate::select::services;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Services to check [default: all, and the host]
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(complete_services))]
    services: Vec<String>,
    /// Exit 3 from this verdict on [default: fail]
    #[arg(long, value_enum, default_value = "fail", value_name = "VERDICT", hide_default_value = true)]
    fail_on: FailOn,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let deployment = context.deployment()?;
    let chosen = services(context.system, deployment, &args.services)?;
    let is_whole = args.services.is_empty();
    let status = status::of(context, deployment, &chosen, is_whole)?;
    let mut notifications = Notifications::default();
    let subjects = match record(context, deployment, &status, is_whole, &mut notifications) {
        Ok(subjects) => subjects,
        Err(why) => {
            notifications.not_recorded = Some(why);
            Vec::new()
        }
    };
    let verdict = status.head.verdict;
    let exit = Exit::of(verdict, args.fail_on == FailOn::Warn);
    let check = Check {
        head: Head::of(context.system, "opsctl/check/v1", deployment, verdict, exit),
        seconds: begun.elapsed().as_secs_f64(),
        problems: status.problems,
        services: status.services,
        host_resources: status.host_resources,
        backups: status.backups,
        forecasts: Vec::new(),
        subjects,
        notifications,
        verbose: context.is_verbose(),
    };
    if let Some(why) = check.notifications.not_recorded.as_ref().filter(|_| context.system.is_root()) {
        context.ui.note(&format!("this check is not recorded and notifies nobody: {why}"));
    }
    context.ui.report(&check)?;
    Ok(exit)
}

/// Takes a check into what is known of those before, and sends what a person has to know.
fn record(
    context: &Context<'_>,
    deployment: &'static Deployment,
    status: &Status,
    is_whole: bool,
    notifications: &mut Notifications,
) -> Result<Vec<SubjectFacts>, String> {
    let system = context.system;
    if !system.is_root() {
        return Err(format!("only root records checks: {}", program::again_as_root("check")));
    }
    let turn = Turn::take(system, deployment).map_err(|error| error.to_string())?;
    let _turn = turn.ok_or("another check is under way")?;
    let mut known = store::read(system, deployment).map_err(|error| error.to_string())?;
    let now = Moment::now(system);
    let circumstances = Circumstances {
        today: system.now().to_zoned(TimeZone::UTC).date(),
        backing_up: lock::is_backing_up(system, deployment),
        silenced: &|_, _| None,
    };
    let held = (status.lock.state == "held").then(|| status.lock.words());
    let classes = if is_whole { complete(status) } else { Vec::new() };
    let events = known.state.take(Checked {
        deployment: deployment.name,
        now: &now,
        observations: observations(deployment, status, circumstances),
        complete: &classes,
        held: held.as_deref(),
    });
    known.note_check(&now);
    store::write(system, deployment, &mut known).map_err(|error| error.to_string())?;
    let subjects = facts(&known.state);
    let held: Vec<&SubjectFacts> = subjects.iter().filter(|subject| subject.held.is_some()).collect();
    notifications.held = held.len();
    notifications.held_because = held.iter().filter_map(|subject| subject.held.clone()).collect();
    notifications.held_because.dedup();
    Ok(subjects)
}

/// Lists what is recorded of each subject, open incidents first.
pub(super) fn list(names: &[String], context: &Context<'_>) -> anyhow::Result<()> {
    let deployment = context.deployment()?;
    let record = store::read(context.system, deployment).map_err(|error| {
        Error::unknown(Code::RecordUnreadable, format!("the record of checks cannot be read: {error}"))
            .hint_if((!context.system.is_root()).then(|| program::again_as_root("get checks")))
    })?;
    let mut subjects = facts(&record.state);
    subjects.sort_by_key(|subject| (!subject.incident_open, std::cmp::Reverse(subject.verdict)));
    let what = format!("subject of {}", deployment.name);
    let checks = get::filtered(subjects, names, Code::UnknownService, &what, |subject| &subject.subject)?;
    let head = Head::of(context.system, "opsctl/checks/v1", deployment, Verdict::Pass, Exit::Success);
    let checked = CheckedFacts::of(&record, &Moment::now(context.system));
    context.ui.report(&Checks { head, checked, checks })?;
    Ok(())
}

/// How often checks come; `None` where none was recorded, or the record is root's alone.
pub(super) fn checked(context: &Context<'_>, deployment: &Deployment) -> Option<CheckedFacts> {
    let record = store::read(context.system, deployment).ok()?;
    CheckedFacts::of(&record, &Moment::now(context.system))
}

/// What is known of each subject.
pub(super) fn facts(state: &State) -> Vec<SubjectFacts> {
    let subject = |(name, known): (&String, &crate::alert::state::Subject)| SubjectFacts {
        subject: name.clone(),
        class: known.class,
        verdict: if known.is_unknown() { Verdict::Unknown } else { known.grade.into() },
        since: known.since.time,
        flapping: known.flapping.is_some(),
        incident_open: known.is_open(),
        notified_at: known.notified_at().map(|at| at.time),
        held: known.held.clone(),
    };
    state.subjects.iter().map(subject).collect()
}
