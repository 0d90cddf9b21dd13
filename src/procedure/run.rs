//! Runs a procedure: one step after the other, each recorded before and after. The first that fails ends the run; nothing after it is
//! done.

use std::time::Instant;

use super::invocation::Scene;
use super::journal::{self, Journal, StepState};
use super::plan::{PlannedStep, planned};
use super::secrets;
use super::step::{Did, Doer, is_idempotent};
use super::stop::Stop;
use super::truth::Truth;
use crate::action::audit;
use crate::action::lock::Lock;
use crate::exit::Exit;
use crate::registry::{Procedure, Step, StepKind};
use crate::ui::{Format, Ui};

/// What came of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepResult {
    /// The step, as it was planned.
    pub planned: PlannedStep,
    /// How it ended; `None` where it was not reached.
    pub state: Option<StepState>,
    /// What was seen.
    pub summary: String,
    /// Lines that it shows.
    pub shown: Vec<String>,
    /// How long it took, seconds.
    pub seconds: f64,
}

/// What came of a run.
#[derive(Debug)]
pub struct RunResult {
    /// By step, in the order of the procedure.
    pub steps: Vec<StepResult>,
    /// What must hold when it is done: what was seen.
    pub done: Vec<(bool, String)>,
    /// The exit code.
    pub exit: Exit,
    /// Why it went no further; `None` where it came to its end.
    pub stopped: Option<String>,
}

/// Runs the steps of a procedure from that one on. What the journal knows is checked, and not trusted.
pub fn run(
    scene: &Scene<'_>,
    procedure: &'static Procedure,
    from: usize,
    journal: &mut Journal,
    doer: &dyn Doer,
    lock: &mut Lock,
) -> RunResult {
    let mut results: Vec<StepResult> = Vec::new();
    let mut stopped: Option<(Stop, &Step)> = None;
    let count = procedure.steps.len();
    for (index, step) in procedure.steps.iter().enumerate() {
        let planned = planned(step, scene.values);
        let mut result = StepResult { planned, state: None, summary: String::new(), shown: Vec::new(), seconds: 0.0 };
        if stopped.is_some() {
            results.push(result);
            continue;
        }
        // What must hold before must hold wherever it begins.
        if index < from && !is_check(step) {
            "left out by --from".clone_into(&mut result.summary);
            result.state = Some(StepState::Skipped);
            results.push(result);
            continue;
        }
        scene.context.ui.progress(&format!("[{}/{count}] {}", index + 1, result.planned.title));
        lock.step(&format!("{}: {}", step.name, result.planned.title));
        let begun = Instant::now();
        match one(scene, procedure, step, &result.planned, journal, doer, lock) {
            Ok((state, did)) => {
                result.state = Some(state);
                result.summary = did.summary;
                result.shown = did.shown;
                if is_asked_later(procedure, index) && scene.context.ui.format == Format::Text && Ui::can_ask() {
                    // Whoever is asked next sees it before the question.
                    for line in std::mem::take(&mut result.shown) {
                        scene.context.ui.progress(&format!("  {line}"));
                    }
                }
            }
            Err(stop) => {
                result.state = Some(StepState::Failed);
                result.summary.clone_from(&stop.why);
                stopped = Some((stop, step));
            }
        }
        result.seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        results.push(result);
    }
    finish(scene, procedure, journal, doer, results, stopped)
}

/// Whether a step behind this one asks a person.
fn is_asked_later(procedure: &Procedure, index: usize) -> bool {
    procedure.steps.iter().skip(index + 1).any(|step| matches!(step.kind, StepKind::Ask { .. }))
}

/// Runs the steps of a procedure that changes nothing: without lock, audit or journal, as whoever asks.
pub fn only_look(scene: &Scene<'_>, procedure: &'static Procedure, from: usize, doer: &dyn Doer) -> RunResult {
    let mut steps = Vec::new();
    let mut stopped = None;
    let mut unknown = 0;
    for (index, step) in procedure.steps.iter().enumerate() {
        let planned = planned(step, scene.values);
        let mut result = StepResult { planned, state: None, summary: String::new(), shown: Vec::new(), seconds: 0.0 };
        if index >= from && stopped.is_none() {
            let begun = Instant::now();
            match look(step, &result.planned.title, doer) {
                Ok(did) => {
                    result.state = Some(StepState::Done);
                    result.summary = did.summary;
                    result.shown = did.shown;
                }
                // One list that cannot be had hides no other.
                Err(stop) if matches!(step.kind, StepKind::Show(_)) => {
                    unknown = i32::saturating_add(unknown, 1);
                    result.state = Some(StepState::Failed);
                    result.summary = stop.why;
                }
                Err(stop) => {
                    result.state = Some(StepState::Failed);
                    result.summary.clone_from(&stop.why);
                    stopped = Some(stop);
                }
            }
            result.seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        }
        steps.push(result);
    }
    let exit = match (&stopped, unknown) {
        (None, 0) => Exit::Success,
        (None, _) => Exit::Unknown,
        // A check that does not hold is what was asked for.
        (Some(stop), _) if stop.exit == Exit::Refused => Exit::Unhealthy,
        (Some(stop), _) => stop.exit,
    };
    let why = stopped.map(|stop| stop.why);
    let why = why.or_else(|| (unknown > 0).then(|| "not everything could be determined".to_owned()));
    RunResult { steps, done: Vec::new(), exit, stopped: why }
}

fn look(step: &'static Step, title: &str, doer: &dyn Doer) -> Result<Did, Stop> {
    match step.only_if.as_ref().map(|condition| doer.assess(condition)) {
        None | Some(Truth::Holds(_)) => doer.read(step, title),
        Some(Truth::Fails(seen)) => Ok(Did { summary: format!("not needed: {seen}"), ..Did::default() }),
        Some(Truth::Unknown(why)) => Err(Stop::before(Exit::Unknown, why)),
    }
}

/// Checks what must hold in the end, and closes the journal.
fn finish(
    scene: &Scene<'_>,
    procedure: &'static Procedure,
    journal: &mut Journal,
    doer: &dyn Doer,
    steps: Vec<StepResult>,
    stopped: Option<(Stop, &Step)>,
) -> RunResult {
    if let Some((stop, step)) = stopped {
        let is_change = step.is_change();
        let exit = exit(&stop, is_change, journal.has_done());
        let is_nothing = !journal.has_done() && (!is_change || stop.is_untouched);
        if matches!(step.kind, StepKind::Ask { .. }) {
            // It is resumed with the answer.
            if let Err(error) = journal::keep(scene.context.system, scene.deployment, journal) {
                scene.context.ui.note(&error.message);
            }
        } else if is_nothing && !journal.steps.iter().any(|record| record.state == StepState::Answered) {
            // Nothing is left that could be resumed or undone. The record of a run before that ended is none of this one's.
            journal.steps.clear();
            let _ = secrets::forget(scene.context.system, scene.deployment, procedure.slug);
            let kept = journal::kept(scene.context.system, scene.deployment, procedure.slug);
            if kept.is_ok_and(|kept| kept.is_some_and(|kept| kept.since == journal.since)) {
                let _ = journal::discard(scene.context.system, scene.deployment, procedure.slug);
            }
        }
        return RunResult { steps, done: Vec::new(), exit, stopped: Some(stop.why) };
    }
    // What was rebooted cannot be asked.
    let reboots = procedure.steps.iter().any(|step| matches!(step.kind, StepKind::Reboot));
    let truths: Vec<Truth> = match reboots {
        true => Vec::new(),
        false => procedure.done.iter().map(|assertion| doer.assess(assertion)).collect(),
    };
    let done: Vec<(bool, String)> = truths.iter().map(|truth| (truth.holds(), truth.seen().to_owned())).collect();
    let wrong = truths.iter().find(|truth| !truth.holds());
    let exit = match wrong {
        None => Exit::Success,
        Some(Truth::Unknown(_)) => Exit::Unknown,
        Some(_) => Exit::Failure,
    };
    let stopped = wrong.map(|truth| format!("all steps were done, but it is not as it should be: {}", truth.seen()));
    if stopped.is_none() {
        journal.ended = Some(scene.context.system.now());
    }
    if let Err(error) = journal::keep(scene.context.system, scene.deployment, journal) {
        scene.context.ui.note(&error.message);
    }
    RunResult { steps, done, exit, stopped }
}

/// The exit code of a run that goes no further.
fn exit(stop: &Stop, is_change: bool, has_done: bool) -> Exit {
    match (has_done, is_change && !stop.is_untouched) {
        (true, _) if stop.exit == Exit::TimedOut => Exit::TimedOut,
        (true, _) => Exit::Partial,
        (false, true) if matches!(stop.exit, Exit::Refused | Exit::Unknown) => Exit::Failure,
        (false, _) => stop.exit,
    }
}

/// One step, recorded before and after.
fn one(
    scene: &Scene<'_>,
    procedure: &'static Procedure,
    step: &'static Step,
    planned: &PlannedStep,
    journal: &mut Journal,
    doer: &dyn Doer,
    lock: &mut Lock,
) -> Result<(StepState, Did), Stop> {
    let system = scene.context.system;
    let known = journal.of(step.name).map(|record| record.state);
    let plain = |summary: String| Did { summary, ..Did::default() };
    if let Some(condition) = &step.only_if {
        match doer.assess(condition) {
            Truth::Holds(_) => {}
            Truth::Fails(seen) => {
                journal.note(system, step.name, StepState::Skipped, &seen);
                return Ok((StepState::Skipped, plain(format!("not needed: {seen}"))));
            }
            Truth::Unknown(why) => {
                return Err(Stop::before(Exit::Unknown, format!("cannot determine whether it is needed: {why}")));
            }
        }
    }
    if !step.is_change() {
        let did = match doer.read(step, &planned.title) {
            Err(stop) if is_check(step) && stop.exit == Exit::Refused && is_over(procedure, step, journal, doer) => {
                return Ok((StepState::Skipped, plain(format!("no longer needed: {}", stop.why))));
            }
            other => other?,
        };
        let state = if did.is_answer { StepState::Answered } else { StepState::Done };
        if did.is_answer {
            record_answer(scene, procedure, step, planned, &did)?;
            journal.note(system, step.name, state, &did.summary);
            journal::keep(system, scene.deployment, journal)?;
        }
        return Ok((state, did));
    }
    let was_done = matches!(known, Some(StepState::Done | StepState::AlreadyDone));
    if was_done || is_idempotent(step) {
        match doer.proven(step, journal.since) {
            Some(Truth::Holds(seen)) => {
                // What a run before began and nobody saw the end of counts as its work, so that it can be undone.
                let state = match known {
                    Some(StepState::Done | StepState::Begun | StepState::Failed) => StepState::Done,
                    _ => StepState::AlreadyDone,
                };
                journal.note(system, step.name, state, &seen);
                journal::keep(system, scene.deployment, journal)?;
                return Ok((state, plain(seen)));
            }
            Some(Truth::Unknown(why)) if known.is_some() => {
                return Err(Stop::before(Exit::Unknown, format!("cannot determine whether it is done: {why}")));
            }
            _ => {}
        }
    }
    let loses: Vec<String> = step.loses.iter().map(|loss| format!("loses: {loss}")).collect();
    if !matches!(step.kind, StepKind::Reclaim(_)) {
        doer.confirm(&planned.title, step.risk, &loses)?;
    }
    journal.note(system, step.name, StepState::Begun, "");
    journal::keep(system, scene.deployment, journal)?;
    let keys = planned.keys.iter().map(|key| format!("# set {key}"));
    let commands = planned.argv.iter().map(ToString::to_string).chain(keys).collect();
    let operation = format!("run {}", procedure.slug);
    let act = audit::begin(scene.context, scene.deployment, &operation, vec![step.name.to_owned()], commands)?;
    if matches!(step.kind, StepKind::Reboot) {
        // Nobody is left afterwards to close it.
        journal.note(system, step.name, StepState::Done, "the reboot was begun");
        journal.ended = Some(system.now());
        journal::keep(system, scene.deployment, journal)?;
    }
    match doer.perform(step, lock) {
        Ok(did) => {
            act.end(scene.context, did.summary.clone(), Exit::Success);
            journal.note(system, step.name, StepState::Done, &did.summary);
            if let Some(record) = journal.steps.iter_mut().find(|record| record.step == step.name) {
                record.services.clone_from(&did.services);
            }
            journal::keep(system, scene.deployment, journal)?;
            Ok((StepState::Done, did))
        }
        Err(stop) => {
            act.end(scene.context, stop.why.clone(), stop.exit);
            journal.ended = None;
            journal.note(system, step.name, StepState::Failed, &stop.why);
            if let Err(error) = journal::keep(system, scene.deployment, journal) {
                scene.context.ui.note(&error.message);
            }
            Err(stop)
        }
    }
}

fn is_check(step: &Step) -> bool {
    matches!(step.kind, StepKind::Check(..))
}

/// Whether every step that changes something is done already, and the check stands before one of them: what had to hold before need not
/// hold any more. A session that was to be ended has ended.
fn is_over(procedure: &'static Procedure, check: &Step, journal: &Journal, doer: &dyn Doer) -> bool {
    let is_done = |step: &'static Step| match journal.of(step.name).map(|record| record.state) {
        None | Some(StepState::Undone) => false,
        Some(StepState::Skipped) => true,
        Some(_) => doer.proven(step, journal.since).is_some_and(|truth| truth.holds()),
    };
    let mut behind = procedure.steps.iter().skip_while(|step| step.name != check.name);
    behind.any(Step::is_change) && procedure.steps.iter().filter(|step| step.is_change()).all(is_done)
}

/// What a person confirmed is part of the trail as well.
fn record_answer(
    scene: &Scene<'_>,
    procedure: &Procedure,
    step: &Step,
    planned: &PlannedStep,
    did: &Did,
) -> Result<(), Stop> {
    let operation = format!("run {}", procedure.slug);
    let targets = vec![step.name.to_owned()];
    let act = audit::begin(
        scene.context,
        scene.deployment,
        &operation,
        targets,
        vec![format!("by hand: {}", planned.title)],
    )?;
    act.end(scene.context, did.summary.clone(), Exit::Success);
    Ok(())
}
