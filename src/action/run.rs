//! Runs a plan: a step after the other, each service until it is up, all of them until they have stayed so.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::audit;
use super::consent::Consent;
use super::lock::{Lock, Note};
use super::plan::{Operation, Part, Plan};
use super::verify::{self, SettleOutcome};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::host::exec::{ProcessEnd, Runner};
use crate::host::trouble::{Trouble, failure};
use crate::judge::health::ServiceHealth;
use crate::registry::{Deployment, Service, Verdict};
use crate::units::stamp;

/// How long a service may take to answer after its manager says that it was started.
const READY: Duration = Duration::from_mins(1);

/// How long before a step is tried once more.
const PAUSE: Duration = Duration::from_secs(1);

/// What came of a service of the plan.
#[derive(Debug)]
pub struct Done {
    /// The service.
    pub service: &'static Service,
    /// What came of it.
    pub end: ChangeEnd,
    /// When it was begun.
    pub begun: Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// What came of it.
#[derive(Debug)]
pub enum ChangeEnd {
    /// As wanted, and it stayed so.
    Well(ServiceHealth),
    /// A step failed; what it said, and how the service is since, as far as that could be seen.
    StepFailed(String, Option<Box<ServiceHealth>>),
    /// It did not become what was wanted, for good.
    Failed(ServiceHealth),
    /// Not yet what was wanted when the time was over.
    Pending(String),
    /// It could not be seen.
    Unknown(String),
    /// Something before it failed, so it was left alone.
    NotTried,
}

/// Everything that came of a plan.
#[derive(Debug)]
pub struct Result {
    /// By service, in the order of the plan.
    pub done: Vec<Done>,
}

impl Result {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        let well = self.done.iter().filter(|done| matches!(done.end, ChangeEnd::Well(_))).count();
        let any = |wanted: fn(&ChangeEnd) -> bool| self.done.iter().any(|done| wanted(&done.end));
        match () {
            () if well == self.done.len() => Exit::Success,
            () if well > 0 => Exit::Partial,
            () if any(|end| matches!(end, ChangeEnd::StepFailed(..) | ChangeEnd::Failed(_))) => Exit::Failure,
            () if any(|end| matches!(end, ChangeEnd::Pending(_))) => Exit::TimedOut,
            () => Exit::Unknown,
        }
    }
}

/// Runs a plan that was consented to, under the lock, with a line in the audit trail before it and one after it.
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
) -> std::result::Result<Result, Error> {
    let targets = plan.parts.iter().map(|part| part.service.name.to_owned()).collect();
    let operation = plan.asked.unwrap_or(plan.operation.verb());
    let act = audit::begin(context, deployment, operation, targets, plan.commands())?;
    let result = perform(context, deployment, plan, lock, settle);
    act.end(context, outcome(&result), result.exit());
    Ok(result)
}

/// Runs a plan whose beginning is recorded.
pub(crate) fn perform(
    context: &Context<'_>,
    deployment: &'static Deployment,
    plan: &Plan,
    lock: &mut Lock,
    settle: Duration,
) -> Result {
    let mut done = Vec::new();
    for part in &plan.parts {
        if done.last().is_some_and(|last: &Done| !matches!(last.end, ChangeEnd::Well(_))) {
            let begun = context.system.now();
            done.push(Done { service: part.service, end: ChangeEnd::NotTried, begun, took: Duration::ZERO });
            continue;
        }
        let (begun, started) = (context.system.now(), Instant::now());
        // Where others follow, it is enough for now that it answers: all are watched together in the end.
        let wait = if plan.parts.len() == 1 { settle } else { Duration::ZERO };
        let end = change(context, deployment, part, plan.operation, lock, wait);
        done.push(Done { service: part.service, end, begun, took: started.elapsed() });
    }
    if plan.parts.len() > 1 {
        settle_all(context, deployment, plan.operation, &mut done, settle);
    }
    Result { done }
}

/// `done`, or what went wrong, in a line.
fn outcome(result: &Result) -> String {
    let wrong: Vec<String> = result
        .done
        .iter()
        .filter(|done| !matches!(done.end, ChangeEnd::Well(_)))
        .map(|done| format!("{}: {}", done.service.name, done.end.summary()))
        .collect();
    if wrong.is_empty() { "done".to_owned() } else { wrong.join("; ") }
}

impl ChangeEnd {
    /// What it came to, in a few words.
    pub fn summary(&self) -> String {
        match self {
            ChangeEnd::Well(health) => {
                let what = health.checks.iter().map(|check| check.summary.as_str());
                what.collect::<Vec<_>>().join(", ")
            }
            ChangeEnd::StepFailed(what, None) => what.clone(),
            ChangeEnd::StepFailed(what, Some(health)) => match health.checks.first() {
                Some(check) if check.verdict != Verdict::Pass => format!("{what}; now: {}", check.summary),
                _ => format!("{what}; it is {} now", health.state.label()),
            },
            ChangeEnd::Failed(health) => health.summary.clone(),
            ChangeEnd::Pending(what) => format!("not done yet: {what}"),
            ChangeEnd::Unknown(what) => format!("could not be determined: {what}"),
            ChangeEnd::NotTried => "skipped: an earlier step failed".to_owned(),
        }
    }
}

fn change(
    context: &Context<'_>,
    deployment: &'static Deployment,
    part: &Part,
    operation: Operation,
    lock: &mut Lock,
    settle: Duration,
) -> ChangeEnd {
    let processes = context.processes();
    for step in &part.steps {
        lock.step(&format!("{}: {}", part.service.name, step.title));
        context.ui.progress(&format!("{}: {}", part.service.name, step.title));
        let limit = step.deadline.min(context.time_left().unwrap_or(step.deadline));
        let mut ran = processes.run(&step.argv, limit);
        if step.again && matches!(&ran, Ok(output) if matches!(output.exit, ProcessEnd::Code(code) if code != 0)) {
            thread::sleep(PAUSE);
            ran = processes.run(&step.argv, limit);
        }
        let trouble = match ran {
            Ok(output) if output.exit == ProcessEnd::Code(0) => continue,
            Ok(_) if step.optional => continue,
            Ok(output) => match output.exit {
                ProcessEnd::TimedOut(after) => {
                    // Killing the client does not take back what it asked for.
                    let seconds = after.as_secs_f32();
                    return ChangeEnd::Pending(format!(
                        "{} did not finish in {seconds:.1} s and may still run",
                        step.argv
                    ));
                }
                _ => failure(&output),
            },
            Err(error) => Trouble::from(error),
        };
        let health = look(context, deployment, part.service, operation).map(Box::new);
        return ChangeEnd::StepFailed(format!("{}: {trouble}", step.title), health);
    }
    lock.step(&format!("{}: watch it", part.service.name));
    // What restarts has been begun, if by the step of another.
    let idle = part.steps.is_empty() && operation != Operation::Restart;
    let ready = if idle { youth(context, deployment, part.service, operation) } else { READY };
    let limit = within(context, ready + settle);
    let mut found = verify::watch(context, deployment, &[part.service], operation, settle, limit);
    found.pop().map_or(ChangeEnd::NotTried, |(_, outcome)| end(outcome))
}

/// How long one that runs already may still take to answer: somebody else may have started it just now.
fn youth(
    context: &Context<'_>,
    deployment: &'static Deployment,
    service: &'static Service,
    operation: Operation,
) -> Duration {
    let since = look(context, deployment, service, operation).and_then(|health| health.since);
    let age = since.map(|since| context.system.now().duration_since(since));
    // Times of a manager are whole seconds, and may so lie ahead of ours.
    age.map_or(Duration::ZERO, |age| READY.saturating_sub(Duration::try_from(age).unwrap_or_default()))
}

/// How a service is now, as far as that can be seen.
fn look(
    context: &Context<'_>,
    deployment: &'static Deployment,
    service: &'static Service,
    operation: Operation,
) -> Option<ServiceHealth> {
    let found = verify::watch(context, deployment, &[service], operation, Duration::ZERO, Duration::ZERO);
    found.into_iter().next().and_then(|(_, outcome)| match outcome {
        SettleOutcome::Done(health) | SettleOutcome::Failed(health) | SettleOutcome::Pending(health) => Some(health),
        SettleOutcome::Unknown(_) => None,
    })
}

/// As long as that, but no longer than the whole command may take.
fn within(context: &Context<'_>, limit: Duration) -> Duration {
    limit.min(context.time_left().unwrap_or(limit))
}

fn end(outcome: SettleOutcome) -> ChangeEnd {
    match outcome {
        SettleOutcome::Done(health) => ChangeEnd::Well(health),
        SettleOutcome::Failed(health) => ChangeEnd::Failed(health),
        SettleOutcome::Pending(health) => ChangeEnd::Pending(match health.summary.is_empty() {
            true => "it has not run for the whole settle time yet".to_owned(),
            false => health.summary,
        }),
        SettleOutcome::Unknown(what) => ChangeEnd::Unknown(what),
    }
}

/// Watches those that are well for as long as they must stay so.
fn settle_all(
    context: &Context<'_>,
    deployment: &'static Deployment,
    operation: Operation,
    done: &mut [Done],
    settle: Duration,
) {
    let well: Vec<&'static Service> =
        done.iter().filter(|done| matches!(done.end, ChangeEnd::Well(_))).map(|done| done.service).collect();
    if well.is_empty() {
        return;
    }
    let found = verify::watch(context, deployment, &well, operation, settle, within(context, READY + settle));
    for (service, outcome) in found {
        if let Some(done) = done.iter_mut().find(|done| done.service.name == service.name) {
            done.end = end(outcome);
        }
    }
}

/// What a run before left unfinished, in words.
pub fn unfinished(note: &Note) -> String {
    let step = note.step.as_ref().map(|step| format!(", at: {step}")).unwrap_or_default();
    format!("{} of {} ({}) did not finish{step}", note.what, stamp(note.since), note.who)
}
