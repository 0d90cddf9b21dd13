//! One step: done by what its kind says, and then proven.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::assess::{Truth, assess};
use super::invocation::{Scene, trouble};
use super::reclaim;
use crate::action::Risk;
use crate::action::consent::{self, Consent};
use crate::action::lock::Lock;
use crate::error::Error;
use crate::exit::Exit;
use crate::host::tools::last_lines;
use crate::host::trouble::Trouble;
use crate::observe::probe::http;
use crate::registry::{Assertion, Invocation, Request, Service, ServiceChange, Step, StepKind};
use crate::ui::Ui;

/// How long a proof may take to hold after its command has ended.
const SETTLE: Duration = Duration::from_secs(10);
/// How often it is checked meanwhile, and what is waited for.
const POLL: Duration = Duration::from_millis(200);
/// How many lines of a command are shown.
const SHOWN: usize = 40;

/// What the verbs of opsctl do for a procedure.
pub trait Operations {
    /// Changes services as the verb of that name does, and proves it.
    ///
    /// # Errors
    /// Why it did not come to what was wanted.
    fn services(
        &self,
        change: ServiceChange,
        services: &[&'static Service],
        consent: &Consent,
        lock: &mut Lock,
    ) -> Result<Changed, Stop>;

    /// Backs up these sets, and verifies the copies.
    ///
    /// # Errors
    /// Why there is no verified copy of each.
    fn backup(&self, sets: &[&'static str], lock: &mut Lock) -> Result<String, Stop>;

    /// Whether each of these sets has a verified copy of that time or later.
    fn is_backed_up(&self, sets: &[&'static str], since: Timestamp) -> Truth;

    /// Records what runs, and has systemd reboot the host.
    ///
    /// # Errors
    /// Why it will not.
    fn reboot(&self) -> Result<String, Stop>;
}

/// What came of a change of services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// In a line.
    pub summary: String,
    /// Those that were otherwise before.
    pub services: Vec<String>,
}

/// Why a run goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The exit code that it would have by itself.
    pub exit: Exit,
    /// Why.
    pub why: String,
    /// Whether nothing was changed by the step.
    pub is_untouched: bool,
}

impl Stop {
    /// It was tried, and failed.
    pub fn failed(why: impl Into<String>) -> Self {
        Stop { exit: Exit::Failure, why: why.into(), is_untouched: false }
    }

    /// It was not begun.
    pub fn before(exit: Exit, why: impl Into<String>) -> Self {
        Stop { exit, why: why.into(), is_untouched: true }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        let is_untouched = matches!(error.exit, Exit::Refused | Exit::Locked | Exit::Usage);
        let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        Stop { exit: error.exit, why: error.message + &hint, is_untouched }
    }
}

/// What came of a step that went well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Did {
    /// In a line.
    pub summary: String,
    /// Services that were otherwise before.
    pub services: Vec<String>,
    /// Lines to be shown.
    pub shown: Vec<String>,
    /// Whether a person did it.
    pub is_answer: bool,
}

/// What a step is done with.
pub struct Hand<'a> {
    /// The verbs of opsctl.
    pub operations: &'a dyn Operations,
    /// Answers that were given beforehand, by step.
    pub answers: &'a BTreeMap<String, String>,
    /// That the whole was agreed to.
    pub consent: &'a Consent,
}

/// Whether a step that changes something is done already: its proof, or that of its kind.
pub fn proven(scene: &Scene<'_>, step: &'static Step, hand: &Hand<'_>, since: Timestamp) -> Option<Truth> {
    match &step.kind {
        StepKind::Services(change, services) => {
            let wanted: Vec<Truth> = services
                .iter()
                .map(|service| match change {
                    ServiceChange::Stop => assess(scene, &Assertion::Stopped(service)),
                    ServiceChange::Restart | ServiceChange::Reload | ServiceChange::Start => {
                        assess(scene, &Assertion::Healthy(service))
                    }
                })
                .collect();
            let all = wanted.iter().find(|truth| !truth.holds()).or(wanted.first());
            all.cloned()
        }
        StepKind::Backup(sets) => Some(hand.operations.is_backed_up(sets, since)),
        StepKind::Command(_) | StepKind::Request(_) | StepKind::Reclaim(_) => {
            step.proof.as_ref().map(|proof| assess(scene, proof))
        }
        StepKind::Check(..) | StepKind::Show(_) | StepKind::Wait(..) | StepKind::Ask { .. } | StepKind::Reboot => None,
    }
}

/// Whether a proof that holds beforehand means that nothing is to be done.
pub fn is_idempotent(step: &Step) -> bool {
    match &step.kind {
        StepKind::Services(change, _) => matches!(change, ServiceChange::Stop | ServiceChange::Start),
        StepKind::Command(_) | StepKind::Request(_) | StepKind::Reclaim(_) => step.proof.is_some(),
        _ => false,
    }
}

/// Does a step that changes nothing.
pub fn read(scene: &Scene<'_>, step: &'static Step, title: &str, hand: &Hand<'_>) -> Result<Did, Stop> {
    let did = |summary: String| Did { summary, ..Did::default() };
    match &step.kind {
        StepKind::Check(assertion, otherwise) => match assess(scene, assertion) {
            Truth::Holds(seen) => Ok(did(seen)),
            Truth::Fails(seen) => {
                Err(Stop::before(Exit::Refused, format!("{seen}; {}", scene.values.fill_text(otherwise))))
            }
            Truth::Unknown(why) => Err(Stop::before(Exit::Unknown, format!("cannot determine: {why}"))),
        },
        StepKind::Show(invocation) => show(scene, invocation),
        StepKind::Wait(assertion, seconds) => wait(scene, assertion, Duration::from_secs((*seconds).into())).map(did),
        StepKind::Ask { place, answer } => ask(scene, step, title, place, answer, hand),
        StepKind::Command(_)
        | StepKind::Services(..)
        | StepKind::Backup(_)
        | StepKind::Request(_)
        | StepKind::Reclaim(_)
        | StepKind::Reboot => Err(Stop::before(Exit::Refused, "it changes something")),
    }
}

/// Does it, and proves it.
pub fn perform(
    scene: &Scene<'_>,
    step: &'static Step,
    title: &str,
    hand: &Hand<'_>,
    lock: &mut Lock,
) -> Result<Did, Stop> {
    let did = |summary: String| Did { summary, ..Did::default() };
    match &step.kind {
        StepKind::Check(..) | StepKind::Show(_) | StepKind::Wait(..) | StepKind::Ask { .. } => {
            read(scene, step, title, hand)
        }
        StepKind::Command(invocation) => {
            command(scene, invocation)?;
            prove(scene, step).map(did)
        }
        StepKind::Services(change, services) => {
            let changed = hand.operations.services(*change, services, hand.consent, lock)?;
            Ok(Did { services: changed.services, ..did(changed.summary) })
        }
        StepKind::Backup(sets) => hand.operations.backup(sets, lock).map(did),
        StepKind::Request(request) => {
            send(scene, request)?;
            prove(scene, step).map(did)
        }
        StepKind::Reclaim(parameter) => reclaim::reclaim(scene, parameter, lock).map(did),
        StepKind::Reboot => hand.operations.reboot().map(did),
    }
}

/// Runs a command to its end.
pub fn command(scene: &Scene<'_>, invocation: &Invocation) -> Result<(), Stop> {
    let argv = scene.argv(invocation).map_err(|why| Stop::before(Exit::Refused, why))?;
    let output = match scene.run(invocation) {
        Ok(output) => output,
        Err(error @ (Trouble::Missing(_) | Trouble::Untrusted(_))) => {
            return Err(Stop::before(Exit::Refused, error.to_string()));
        }
        Err(error) => return Err(Stop::before(Exit::Failure, error.to_string())),
    };
    match trouble(&output) {
        Some(Trouble::TimedOut(after)) => Err(Stop {
            exit: Exit::TimedOut,
            why: format!("{argv} did not finish in {:.1} s and was ended", after.as_secs_f32()),
            is_untouched: false,
        }),
        Some(trouble) => Err(Stop::failed(format!("{argv}: {trouble}"))),
        None => match invocation.expects {
            Some(pattern) => {
                let text = String::from_utf8_lossy(&output.stdout);
                let matches = regex::Regex::new(&scene.values.fill_pattern(pattern)).is_ok_and(|it| it.is_match(&text));
                let printed = || last_lines(&text, 3).collect::<Vec<_>>().join("; ");
                match matches {
                    true => Ok(()),
                    false => Err(Stop::failed(format!("{argv} succeeded, but did not print {pattern}: {}", printed()))),
                }
            }
            None => Ok(()),
        },
    }
}

/// The proof of a step holds soon after its command.
fn prove(scene: &Scene<'_>, step: &Step) -> Result<String, Stop> {
    let Some(proof) = &step.proof else { return Ok("done".to_owned()) };
    wait(scene, proof, SETTLE).map_err(|stop| Stop { is_untouched: false, ..stop })
}

/// Until it holds, or the time is over.
pub fn wait(scene: &Scene<'_>, assertion: &Assertion, limit: Duration) -> Result<String, Stop> {
    let until = Instant::now() + scene.context.within(limit);
    loop {
        match assess(scene, assertion) {
            Truth::Holds(seen) => return Ok(seen),
            other if Instant::now() >= until => {
                let exit = if matches!(other, Truth::Unknown(_)) { Exit::Unknown } else { Exit::TimedOut };
                let exit = if limit == SETTLE && exit == Exit::TimedOut { Exit::Failure } else { exit };
                return Err(Stop::before(exit, format!("not so after {} s: {}", limit.as_secs(), other.seen())));
            }
            _ => thread::sleep(POLL),
        }
    }
}

fn show(scene: &Scene<'_>, invocation: &Invocation) -> Result<Did, Stop> {
    let unknown = |trouble: Trouble| Stop::before(Exit::Unknown, trouble.to_string());
    let output = scene.run(invocation).map_err(unknown)?;
    // A search that finds nothing has found that.
    let is_nothing = matches!(output.exit, crate::host::exec::ProcessEnd::Code(code) if invocation.no == Some(code));
    if let Some(trouble) = trouble(&output).filter(|_| !is_nothing) {
        return Err(unknown(trouble));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let count = text.lines().filter(|line| !line.trim().is_empty()).count();
    let lines = if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
    let summary = if count > SHOWN { format!("{lines}, the last {SHOWN}") } else { lines };
    Ok(Did { summary, shown: last_lines(&text, SHOWN).collect(), ..Did::default() })
}

/// Has a person do something, and type back that it is done.
fn ask(
    scene: &Scene<'_>,
    step: &'static Step,
    title: &str,
    place: &str,
    answer: &str,
    hand: &Hand<'_>,
) -> Result<Did, Stop> {
    let accepted = |summary: String| Ok(Did { summary, is_answer: true, ..Did::default() });
    if let Some(given) = hand.answers.get(step.name) {
        return match given == answer {
            true => accepted(format!("answered beforehand: {answer}")),
            false => Err(Stop::before(Exit::Refused, format!("the answer to {} is {answer}, not {given}", step.name))),
        };
    }
    let how = crate::program::resumed(&format!("--answer {}={answer}", step.name));
    if !Ui::can_ask() {
        let why = format!("a person must do this: {title} ({place}); afterwards: {how}");
        return Err(Stop::before(Exit::Refused, why));
    }
    let before = [format!("to do: {title}"), format!("where: {}", scene.values.fill_text(place))];
    match Ui::answer(&format!("type {answer} when it is done"), &before, scene.context.deadline()) {
        Some(typed) if typed == answer => accepted(format!("confirmed: {answer}")),
        Some(_) => Err(Stop::before(Exit::Refused, format!("not confirmed; afterwards: {how}"))),
        None => Err(Stop::before(Exit::TimedOut, format!("no answer before the timeout; afterwards: {how}"))),
    }
}

fn send(scene: &Scene<'_>, request: &Request) -> Result<(), Stop> {
    let url = format!("http://{}{}", scene.context.system.local(request.port), scene.values.fill(request.path));
    let body = scene.values.fill_json(request.body, scene.context.system.now());
    let until = Instant::now() + scene.context.within(Duration::from_secs(10));
    match http::send(request.method, &url, &body, until) {
        Ok((status, _)) if (200..300).contains(&status) => Ok(()),
        Ok((status, body)) => {
            let said = crate::host::tools::excerpt(&body);
            Err(Stop::failed(format!("{} {url}: HTTP {status}: {said}", request.method)))
        }
        Err(trouble) => Err(Stop::failed(format!("{} {url}: {trouble}", request.method))),
    }
}

/// Asks once more before something is destroyed.
pub fn confirm(scene: &Scene<'_>, what: &str, risk: Risk, loses: &[String]) -> Result<(), Stop> {
    if risk < Risk::Destructive {
        return Ok(());
    }
    consent::obtain(scene.context.deadline(), what, risk, scene.yes, loses).map(drop).map_err(|error| {
        let stop = Stop::from(error);
        Stop { is_untouched: true, ..stop }
    })
}
