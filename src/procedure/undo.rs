//! Goes back: the steps that a run did, the last one first, each by what its record says.

use super::invocation::{Scene, shown};
use super::journal::{self, Journal, StepState};
use super::plan::planned;
use super::run::{RunResult, StepResult};
use super::step::Doer;
use super::stop::Stop;
use super::truth::Truth;
use crate::action::audit;
use crate::action::lock::Lock;
use crate::exit::Exit;
use crate::registry::{Procedure, Service, ServiceChange, Step, StepKind, Undo};

/// Whether a step left something that is to be undone.
fn is_left(step: &Step, journal: &Journal) -> bool {
    match journal.of(step.name).map(|record| record.state) {
        Some(StepState::Done | StepState::Begun | StepState::Failed | StepState::Answered) => {
            !matches!(step.undo, Undo::Nothing)
        }
        // It may run with what is no longer there.
        Some(StepState::AlreadyDone) => matches!(step.undo, Undo::Again),
        _ => false,
    }
}

/// The steps that would be undone, in the order in which that is done.
pub fn left(procedure: &'static Procedure, journal: &Journal) -> Vec<&'static Step> {
    let all = procedure.steps.iter().filter(|step| is_left(step, journal));
    let (again, mut back): (Vec<&Step>, Vec<&Step>) = all.partition(|step| matches!(step.undo, Undo::Again));
    back.reverse();
    back.into_iter().chain(again).collect()
}

/// Undoes what a run did. What cannot be undone is named, and the rest is undone all the same; a step that fails ends it.
pub fn undo(
    scene: &Scene<'_>,
    procedure: &'static Procedure,
    journal: &mut Journal,
    doer: &dyn Doer,
    lock: &mut Lock,
) -> RunResult {
    let system = scene.context.system;
    let steps = left(procedure, journal);
    let count = steps.len();
    let mut results = Vec::new();
    let mut remains = Vec::new();
    let mut stopped = None;
    for (index, step) in steps.into_iter().enumerate() {
        let planned = planned(step, scene.values);
        let way = planned.undo.clone().unwrap_or_default();
        let mut result = StepResult { planned, state: None, summary: way.clone(), shown: Vec::new(), seconds: 0.0 };
        if let Undo::Never(why) = &step.undo {
            result.state = journal.of(step.name).map(|record| record.state);
            remains.push(format!("{}: {why}", step.name));
            results.push(result);
            continue;
        }
        if stopped.is_some() {
            results.push(result);
            continue;
        }
        scene.context.ui.progress(&format!("[{}/{count}] undo {}: {way}", index + 1, step.name));
        lock.step(&format!("undo {}: {way}", step.name));
        match one(scene, procedure, step, &way, journal, doer, lock) {
            Ok(seen) => {
                result.state = Some(StepState::Undone);
                result.summary = seen;
            }
            Err(stop) => {
                result.state = Some(StepState::Failed);
                result.summary.clone_from(&stop.why);
                stopped = Some(stop.why);
            }
        }
        results.push(result);
    }
    let exit = match (&stopped, remains.is_empty()) {
        (None, true) => Exit::Success,
        (None, false) => Exit::Partial,
        (Some(_), _) if journal.steps.iter().any(|record| record.state == StepState::Undone) => Exit::Partial,
        (Some(_), _) => Exit::Failure,
    };
    if stopped.is_none() {
        journal.ended = Some(system.now());
    }
    if let Err(error) = journal::keep(system, scene.deployment, journal) {
        scene.context.ui.note(&error.message);
    }
    let stopped = stopped.or_else(|| {
        (!remains.is_empty()).then(|| format!("what can be undone was undone; not undone: {}", remains.join("; ")))
    });
    RunResult { steps: results, done: Vec::new(), exit, stopped }
}

fn one(
    scene: &Scene<'_>,
    procedure: &Procedure,
    step: &'static Step,
    way: &str,
    journal: &mut Journal,
    doer: &dyn Doer,
    lock: &mut Lock,
) -> Result<String, Stop> {
    let system = scene.context.system;
    let holds = step.proof.as_ref().map(|proof| doer.assess(proof));
    let is_gone = matches!(holds, Some(Truth::Fails(_)));
    let operation = format!("run {} --undo", procedure.slug);
    let seen = match &step.undo {
        Undo::Command(_) if is_gone => holds.map_or_else(String::new, |truth| truth.seen().to_owned()),
        Undo::Command(invocation) => {
            let act = audit::begin(
                scene.context,
                scene.deployment,
                &operation,
                vec![step.name.to_owned()],
                vec![way.to_owned()],
            )?;
            let undone =
                doer.command(invocation).and_then(|()| match step.proof.as_ref().map(|proof| doer.assess(proof)) {
                    Some(Truth::Holds(seen)) => Err(Stop::failed(format!("it was not undone: {seen}"))),
                    Some(Truth::Unknown(why)) => Err(Stop {
                        exit: Exit::Unknown,
                        ..Stop::failed(format!("cannot determine whether it was undone: {why}"))
                    }),
                    Some(Truth::Fails(seen)) => Ok(seen),
                    None => Ok("undone".to_owned()),
                });
            let (outcome, exit) = match &undone {
                Ok(seen) => (seen.clone(), Exit::Success),
                Err(stop) => (stop.why.clone(), stop.exit),
            };
            act.end(scene.context, outcome, exit);
            undone?
        }
        Undo::Again => match &step.kind {
            StepKind::Services(change, services) => doer.services(*change, services, lock)?.summary,
            StepKind::Command(invocation) => {
                let targets = vec![step.name.to_owned()];
                let commands = vec![shown(invocation, scene.values).to_string()];
                let act = audit::begin(scene.context, scene.deployment, &operation, targets, commands)?;
                let done = doer.command(invocation);
                let (outcome, exit) = match &done {
                    Ok(()) => ("done again".to_owned(), Exit::Success),
                    Err(stop) => (stop.why.clone(), stop.exit),
                };
                act.end(scene.context, outcome.clone(), exit);
                done.map(|()| outcome)?
            }
            _ => String::new(),
        },
        Undo::Automatic if let StepKind::Keys(edits) = &step.kind => {
            let keys = planned(step, scene.values).keys.iter().map(|key| format!("# undo {key}")).collect();
            let act = audit::begin(scene.context, scene.deployment, &operation, vec![step.name.to_owned()], keys)?;
            let undone = doer.undo_keys(edits);
            let (outcome, exit) = match &undone {
                Ok(seen) => (seen.clone(), Exit::Success),
                Err(stop) => (stop.why.clone(), stop.exit),
            };
            act.end(scene.context, outcome, exit);
            undone?
        }
        Undo::Automatic => services(step, journal, doer, lock)?,
        Undo::Nothing | Undo::Never(_) => String::new(),
    };
    journal.note(system, step.name, StepState::Undone, &seen);
    journal::keep(system, scene.deployment, journal)?;
    Ok(seen)
}

/// Starts what a run stopped, and stops what it started.
fn services(step: &'static Step, journal: &Journal, doer: &dyn Doer, lock: &mut Lock) -> Result<String, Stop> {
    let StepKind::Services(change, services) = &step.kind else { return Ok(String::new()) };
    let record = journal.of(step.name);
    // A run that was killed in between did not come to note which they were: all of them, then.
    let is_known = record.is_some_and(|record| record.state == StepState::Done);
    let noted = |service: &&Service| record.is_some_and(|it| it.services.iter().any(|name| name == service.name));
    let chosen: Vec<&'static Service> =
        services.iter().copied().filter(|service| !is_known || noted(service)).collect();
    if chosen.is_empty() {
        return Ok("it had changed nothing".to_owned());
    }
    let back = match change {
        ServiceChange::Stop => ServiceChange::Start,
        ServiceChange::Start => ServiceChange::Stop,
        ServiceChange::Restart | ServiceChange::Reload => return Ok("nothing to undo".to_owned()),
    };
    doer.services(back, &chosen, lock).map(|changed| changed.summary)
}
