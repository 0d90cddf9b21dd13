//! `opsctl run`: a procedure of the runbook, planned, agreed to, done step by step, resumed or undone.

mod find;
mod operations;
mod parameters;
mod record;

use std::collections::BTreeMap;
use std::time::Duration;

use clap_complete::engine::ArgValueCandidates;

use self::find::find;
use self::operations::Verbs;
use self::parameters::Given;
use super::change::{self, Change, SETTLE};
use crate::action::consent::{self, Consent};
use crate::action::{Risk, audit};
use crate::args::{complete_answers, complete_procedures, complete_steps, complete_values, duration};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::tools::quote;
use crate::procedure::assess::assess;
use crate::procedure::invocation::Scene;
use crate::procedure::journal::{self, Journal};
use crate::procedure::plan::{plan, planned, title};
use crate::procedure::reclaim;
use crate::procedure::run as engine;
use crate::procedure::run::RunResult;
use crate::procedure::secrets::Secrets;
use crate::procedure::step::{Hand, show};
use crate::procedure::truth::Truth;
use crate::procedure::undo;
use crate::procedure::values::Values;
use crate::program;
use crate::registry::{Deployment, Procedure, Step, StepKind, Verdict};
use crate::report::Head;
use crate::report::run::Run;
use crate::ui::Ui;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Args {
    /// Procedure to run
    #[arg(value_name = "PROCEDURE", required_unless_present = "status", add = ArgValueCandidates::new(complete_procedures))]
    procedure: Option<String>,
    /// Values of its parameters, in order
    #[arg(value_name = "VALUE", add = ArgValueCandidates::new(complete_values))]
    values: Vec<String>,
    /// Values by name.
    #[command(flatten)]
    given: Given,
    /// Continue a run that did not end
    ///
    /// Steps that were done are checked again, not trusted; manual steps are asked again.
    #[arg(long, conflicts_with_all = ["undo", "discard", "status", "from"])]
    resume: bool,
    /// Undo the steps of a run that did not end
    #[arg(long, conflicts_with_all = ["discard", "status", "from", "values"])]
    undo: bool,
    /// Undo the steps when one fails
    ///
    /// Exit code 9 where everything was undone.
    #[arg(long, conflicts_with_all = ["undo", "discard", "status"])]
    undo_on_failure: bool,
    /// Begin at this step and leave out those before
    #[arg(long, value_name = "STEP", conflicts_with_all = ["discard", "status"], add = ArgValueCandidates::new(complete_steps))]
    from: Option<String>,
    /// Answer a manual step beforehand
    ///
    /// The word that the step asks for, such as `--answer revoke=revoked`. `--yes` answers no manual step.
    #[arg(long, value_name = "STEP=WORD", value_parser = answer, add = ArgValueCandidates::new(complete_answers))]
    answer: Vec<(String, String)>,
    /// Forget a run that did not end
    #[arg(long, conflicts_with = "status")]
    discard: bool,
    /// Show how far runs came
    #[arg(long, conflicts_with = "values")]
    status: bool,
    /// Verify this long before success [default: 10s]
    #[arg(long, value_name = "DURATION", default_value = SETTLE, hide_default_value = true, value_parser = duration)]
    settle: Duration,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

fn answer(text: &str) -> Result<(String, String), String> {
    let (step, word) = text.split_once('=').ok_or("expected STEP=WORD, such as revoke=revoked")?;
    Ok((step.to_owned(), word.to_owned()))
}

const SCHEMA: &str = "opsctl/run/v1";

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let procedure = args.procedure.as_deref().map(|word| find(deployment, word)).transpose()?;
    if args.status {
        return record::status(context, deployment, procedure);
    }
    let Some(procedure) = procedure else { return Ok(Exit::Usage) };
    if args.discard {
        return record::discard(args, context, deployment, procedure);
    }
    let is_change = procedure.steps.iter().any(|step| step.is_change() || matches!(step.kind, StepKind::Ask { .. }));
    if is_change && !args.change.dry_run && !context.system.is_root() {
        return Err(change::no_root(&words(args, procedure)).into());
    }
    let answers: BTreeMap<String, String> = args.answer.iter().cloned().collect();
    if let Some(step) = answers.keys().find(|step| !is_asked(procedure, step)) {
        let asked: Vec<&str> = procedure.steps.iter().filter(|s| is_asked(procedure, s.name)).map(|s| s.name).collect();
        return Err(Error::no_such(Code::Usage, "manual step", step, asked.into_iter()).into());
    }
    // A plan needs no record of runs, and so no root.
    let unended = match is_change && (!args.change.dry_run || args.resume || args.undo) {
        true => journal::kept(context.system, deployment, procedure.slug)?.filter(|journal| journal.ended.is_none()),
        false => None,
    };
    let journal = match (args.resume || args.undo, unended) {
        (false, Some(unended)) if !args.change.dry_run => return Err(unfinished(procedure, &unended).into()),
        (true, None) => {
            let message = format!("no run of {} is unfinished; nothing was changed", procedure.slug);
            let next = program::command(format_args!("run {} --dry-run", procedure.slug));
            return Err(Error::refused(Code::Nothing, message).hint(next).into());
        }
        (false, _) => {
            let values = Values::of(procedure, deployment, &args.given.flags, &args.values)?;
            let who = audit::who(context.system);
            Journal { from: args.from.clone(), ..Journal::new(context.system, procedure, values.all(), who) }
        }
        (true, Some(unended)) => {
            same_values(args, deployment, procedure, &unended)?;
            unended
        }
    };
    let from = journal.from.as_deref().map(|name| start(procedure, name)).transpose()?.unwrap_or_default();
    let values = Values::kept(procedure, &journal.values);
    let found = match args.resume || args.undo {
        true => Secrets::of_run(context.system, deployment, procedure),
        false => Secrets::determine(context.system, procedure, &values),
    };
    // A plan is shown all the same.
    let (secrets, blocker) = match found {
        Err(error) if args.change.dry_run => (Secrets::default(), Some(error.message)),
        found => (found?, None),
    };
    let asked = Asked { args, context, deployment, procedure, values: &values, answers, from, secrets, blocker };
    match args.undo {
        true => asked.undo(journal),
        false => asked.run(journal, is_change),
    }
}

/// Values that are given once more must be those that the run began with.
fn same_values(args: &Args, deployment: &Deployment, procedure: &Procedure, begun: &Journal) -> Result<(), Error> {
    if args.values.is_empty() && args.given.flags.is_empty() {
        return Ok(());
    }
    let values = Values::of(procedure, deployment, &args.given.flags, &args.values)?;
    if *values.all() == begun.values {
        return Ok(());
    }
    let given: Vec<String> = begun.values.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let message = format!("the run of {} was begun with {}; nothing was changed", procedure.slug, given.join(", "));
    Err(Error::usage(Code::Usage, message))
}

fn is_asked(procedure: &Procedure, step: &str) -> bool {
    procedure.step(step).is_some_and(|step| matches!(step.kind, StepKind::Ask { .. }))
}

/// The place of the step to begin at.
fn start(procedure: &Procedure, name: &str) -> Result<usize, Error> {
    let known = || procedure.steps.iter().map(|step| step.name);
    let place = procedure.steps.iter().position(|step| step.name == name);
    place.ok_or_else(|| Error::no_such(Code::Usage, &format!("step of {}", procedure.slug), name, known()))
}

/// The command as it was typed, without flags of how it is done.
fn words(args: &Args, procedure: &Procedure) -> String {
    let mut words = vec!["run".to_owned(), procedure.slug.to_owned()];
    words.extend(args.values.iter().map(|value| quote(value).into_owned()));
    words.extend(args.given.flags.iter().map(|(name, value)| format!("--{name} {}", quote(value))));
    let mode = [(args.resume, "--resume"), (args.undo, "--undo"), (args.discard, "--discard")];
    words.extend(mode.iter().filter(|(is, _)| *is).map(|(_, flag)| (*flag).to_owned()));
    words.join(" ")
}

/// The refusal to begin again what did not end.
fn unfinished(procedure: &Procedure, journal: &Journal) -> Error {
    let slug = procedure.slug;
    let at = journal.steps.last().map(|step| format!(", at step {}", step.step)).unwrap_or_default();
    let since = crate::units::stamp(journal.since);
    let message = format!("a run of {slug} of {since} ({}) did not end{at}; nothing was changed", journal.who);
    let ways = ["--resume", "--undo", "--discard"].map(|flag| program::command(format_args!("run {slug} {flag}")));
    Error::refused(Code::Unfinished, message).hint(ways.join("; or "))
}

/// A run as it was asked for.
struct Asked<'a> {
    args: &'a Args,
    context: &'a Context<'a>,
    deployment: &'static Deployment,
    procedure: &'static Procedure,
    values: &'a Values,
    answers: BTreeMap<String, String>,
    from: usize,
    secrets: Secrets,
    /// Why its secrets cannot be had.
    blocker: Option<String>,
}

impl Asked<'_> {
    fn head(&self, verdict: Verdict, exit: Exit) -> Head {
        Head::of(self.context.system, SCHEMA, self.deployment, verdict, exit)
    }

    fn scene(&self) -> Scene<'_> {
        let (context, deployment, values, yes) = (self.context, self.deployment, self.values, self.args.change.yes);
        Scene { context, deployment, values, secrets: &self.secrets, yes }
    }

    fn hand<'h>(&'h self, operations: &'h Verbs<'h>, consent: &'h Consent) -> Hand<'h> {
        Hand { scene: self.scene(), operations, answers: &self.answers, procedure: self.procedure, consent }
    }

    fn run(&self, mut journal: Journal, is_change: bool) -> anyhow::Result<Exit> {
        let name = words(self.args, self.procedure);
        let scene = self.scene();
        if self.args.change.dry_run {
            return self.dry_run();
        }
        let verbs = Verbs { context: self.context, deployment: self.deployment, settle: self.args.settle };
        let risk = match self.from {
            0 => self.procedure.risk(),
            _ => self.procedure.risk().max(Risk::Disruptive),
        };
        // Nobody is asked to agree to what is refused anyway.
        let blockers = if is_change && !self.args.resume { self.blockers() } else { Vec::new() };
        if !blockers.is_empty() {
            let is_unknown = blockers.iter().all(|(is_unknown, _)| *is_unknown);
            let reasons: Vec<String> = blockers.into_iter().map(|(_, why)| why).collect();
            let explain = program::command(format_args!("explain {}", self.procedure.slug));
            return Err(Error::blocked(&name, &reasons, &[&explain], is_unknown).into());
        }
        if is_change && risk > Risk::Safe && !self.args.change.yes && !self.args.resume && Ui::can_ask() {
            self.preview();
        }
        let consent = consent::obtain(self.context.deadline(), &name, risk, self.args.change.yes, &self.blast())?;
        let hand = self.hand(&verbs, &consent);
        if !is_change {
            let result = engine::only_look(&scene, self.procedure, self.from, &hand);
            return Ok(self.tell(&name, "run", result, &journal));
        }
        let (result, _) = change::held(self.context, self.deployment, &name, &self.args.change, |lock| {
            // Somebody else may have begun or ended it while the lock was waited for.
            let now = journal::kept(self.context.system, self.deployment, self.procedure.slug)?;
            match (self.args.resume, now.filter(|now| now.ended.is_none())) {
                (true, Some(now)) => journal = now,
                (false, None) => {}
                (false, Some(now)) => return Err(unfinished(self.procedure, &now)),
                (true, None) => {
                    let message = format!("the run of {} ended meanwhile; nothing was changed", self.procedure.slug);
                    return Err(Error::refused(Code::Changed, message).hint(program::command("run --status")));
                }
            }
            if !self.args.resume {
                self.secrets.keep(self.context.system, self.deployment, self.procedure.slug)?;
            }
            let result = engine::run(&scene, self.procedure, self.from, &mut journal, &hand, lock);
            if result.stopped.is_some() && self.args.undo_on_failure && !undo::left(self.procedure, &journal).is_empty()
            {
                let why = result.stopped.as_deref().unwrap_or_default().trim_end_matches('.').to_owned();
                let undone = undo::undo(&scene, self.procedure, &mut journal, &hand, lock);
                let exit = if undone.exit == Exit::Success { Exit::RolledBack } else { Exit::Partial };
                let stopped = match undone.stopped {
                    None => format!("{why}; everything was undone"),
                    Some(rest) => format!("{why}; {rest}"),
                };
                return Ok(RunResult { exit, stopped: Some(stopped), ..result });
            }
            Ok(result)
        })?;
        Ok(self.tell(&name, "run", result, &journal))
    }

    /// What the first steps show, for whoever is about to be asked: which session is ended, which files are removed.
    fn preview(&self) {
        let scene = self.scene();
        for step in self.procedure.steps.iter().take_while(|step| !step.is_change()) {
            let (StepKind::Show(invocation), None) = (&step.kind, &step.only_if) else { continue };
            self.context.ui.progress(&title(step, self.values));
            match show(&scene, invocation) {
                Ok(did) => did.shown.iter().for_each(|line| self.context.ui.progress(&format!("  {line}"))),
                Err(stop) => self.context.ui.progress(&format!("  unknown: {}", stop.why)),
            }
        }
    }

    /// What must hold before the first step that changes something or is a person's, and does not: whether that is unknown, and why.
    fn blockers(&self) -> Vec<(bool, String)> {
        if let Some(why) = &self.blocker {
            return vec![(true, format!("cannot determine: {why}"))];
        }
        let scene = self.scene();
        let mut blockers = Vec::new();
        let changes = |step: &&Step| step.is_change() || matches!(step.kind, StepKind::Ask { .. });
        for step in self.procedure.steps.iter().take_while(|step| !changes(step)) {
            if let (StepKind::Check(assertion, otherwise), None) = (&step.kind, &step.only_if) {
                match assess(&scene, assertion) {
                    Truth::Holds(_) => {}
                    Truth::Fails(seen) => {
                        blockers.push((false, format!("{seen}; {}", self.values.fill_text(otherwise))));
                    }
                    Truth::Unknown(why) => blockers.push((true, format!("cannot determine: {why}"))),
                }
            }
        }
        blockers
    }

    /// What would be done, and its blockers.
    fn dry_run(&self) -> anyhow::Result<Exit> {
        let scene = self.scene();
        let blockers = self.blockers();
        let exit = match blockers.iter().all(|(is_unknown, _)| *is_unknown) {
            _ if blockers.is_empty() => Exit::Success,
            true => Exit::Unknown,
            false => Exit::Refused,
        };
        let mut document = Run::planned(self.head(exit.verdict(), exit), self.procedure, self.values);
        for (facts, step) in document.steps.iter_mut().zip(self.procedure.steps).skip(self.from) {
            if matches!(step.kind, StepKind::Reclaim(_)) {
                match reclaim::candidates(&scene) {
                    Ok(found) => facts.lines = found.iter().map(reclaim::described).collect(),
                    Err(why) => facts.summary = why,
                }
            }
            let Some(condition) = &step.only_if else { continue };
            let truth = assess(&scene, condition);
            facts.needed = match truth {
                Truth::Holds(_) => Some(true),
                Truth::Fails(_) => Some(false),
                Truth::Unknown(_) => None,
            };
            truth.seen().clone_into(&mut facts.summary);
        }
        let why: Vec<String> = blockers.into_iter().map(|(_, why)| why).collect();
        document.stopped = (!why.is_empty()).then(|| why.join("; "));
        self.context.ui.report(&document)?;
        Ok(exit)
    }

    fn undo(&self, mut journal: Journal) -> anyhow::Result<Exit> {
        let name = words(self.args, self.procedure);
        let steps = undo::left(self.procedure, &journal);
        if self.args.change.dry_run {
            let steps = steps.into_iter().map(|step| planned(step, self.values)).collect();
            let document = Run::undoing(self.head(Verdict::Pass, Exit::Success), self.procedure, self.values, steps);
            self.context.ui.report(&document)?;
            return Ok(Exit::Success);
        }
        let undone = |step: &'static Step| Some(format!("{}: {}", step.name, planned(step, self.values).undo?));
        let blast: Vec<String> = steps.iter().copied().filter_map(undone).collect();
        let risk = self.procedure.risk().min(Risk::Disruptive);
        let consent = consent::obtain(self.context.deadline(), &name, risk, self.args.change.yes, &blast)?;
        let verbs = Verbs { context: self.context, deployment: self.deployment, settle: self.args.settle };
        let hand = self.hand(&verbs, &consent);
        let scene = self.scene();
        let (result, _) = change::held(self.context, self.deployment, &name, &self.args.change, |lock| {
            Ok(undo::undo(&scene, self.procedure, &mut journal, &hand, lock))
        })?;
        Ok(self.tell(&name, "undo", result, &journal))
    }

    /// What an operator must know before agreeing: each step that changes something or is theirs, and what it loses.
    fn blast(&self) -> Vec<String> {
        let steps = plan(self.procedure, self.values);
        let mut lines: Vec<String> = Vec::new();
        for (index, step) in steps.iter().enumerate().skip(self.from) {
            let loses = step.loses.map(|loses| format!("; loses: {loses}")).unwrap_or_default();
            match step.asked {
                Some((place, _)) => lines.push(format!("{}. by hand: {} ({place})", index + 1, step.title)),
                None if step.risk > Risk::ReadOnly => {
                    lines.push(format!("{}. {} ({}){loses}", index + 1, step.title, step.risk.label()));
                }
                None => {}
            }
        }
        if self.from > 0 {
            let left: Vec<&str> = steps.iter().take(self.from).map(|step| step.name).collect();
            lines.push(format!("left out: {}", left.join(", ")));
        }
        lines
    }

    /// Reports what came of it, and what leads on.
    fn tell(&self, name: &str, operation: &'static str, result: RunResult, journal: &Journal) -> Exit {
        let exit = result.exit;
        let slug = self.procedure.slug;
        let mut next = Vec::new();
        if result.stopped.is_some() && journal.ended.is_none() && journal.steps.iter().any(left_behind) {
            next.push(program::command(format_args!("run {slug} --resume")));
            if !undo::left(self.procedure, journal).is_empty() {
                next.push(program::command(format_args!("run {slug} --undo")));
            }
        }
        let head = self.head(exit.verdict(), exit);
        change::tell(self.context, name, exit, &Run::ended(head, operation, self.procedure, self.values, result, next))
    }
}

/// Whether a step is one after which the run can be resumed.
fn left_behind(record: &journal::StepRecord) -> bool {
    !matches!(record.state, journal::StepState::Skipped)
}
