//! One step: done by what its kind says, and then proven.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::assess::assess;
use super::invocation::{Scene, trouble};
use super::keys;
use super::plan::NEWEST;
use super::reclaim;
use super::stop::{Stop, confirm};
use super::truth::Truth;
use crate::action::Risk;
use crate::action::consent::Consent;
use crate::action::lock::Lock;
use crate::exit::Exit;
use crate::host::tools::last_lines;
use crate::host::trouble::Trouble;
use crate::observe::probe::http;
use crate::registry::{Assertion, Invocation, KeyEdit, Procedure, Request, Service, ServiceChange, Step, StepKind};
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

    /// Restores a copy of this set: the newest, or the one of this id. `rest`: its services were stopped before, and stay so.
    ///
    /// # Errors
    /// Why it is not live, and what state it was left in.
    fn restore(
        &self,
        set: &'static str,
        copy: &str,
        rest: bool,
        consent: &Consent,
        lock: &mut Lock,
    ) -> Result<String, Stop>;

    /// Finishes or undoes a restore that was interrupted; what came of it, in a line.
    ///
    /// # Errors
    /// Why it can be neither.
    fn recover(&self, lock: &mut Lock) -> Result<String, Stop>;

    /// Whether this set was restored at that time or later.
    fn is_restored(&self, set: &'static str, since: Timestamp) -> Truth;

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

/// Who does steps: the host, or a test's stand-in.
pub trait Doer {
    /// Whether something holds now.
    fn assess(&self, assertion: &Assertion) -> Truth;

    /// Whether a step that changes something is done already: its proof, or that of its kind. `since`: when the run began.
    fn proven(&self, step: &'static Step, since: Timestamp) -> Option<Truth>;

    /// Asks once more before something is destroyed.
    ///
    /// # Errors
    /// When it is not agreed to.
    fn confirm(&self, what: &str, risk: Risk, loses: &[String]) -> Result<(), Stop>;

    /// Does a step that changes nothing.
    ///
    /// # Errors
    /// Why it did not come to what was wanted.
    fn read(&self, step: &'static Step, title: &str) -> Result<Did, Stop>;

    /// Does a step that changes something, and proves it.
    ///
    /// # Errors
    /// Why it did not come to what was wanted.
    fn perform(&self, step: &'static Step, lock: &mut Lock) -> Result<Did, Stop>;

    /// Runs the command that undoes a step.
    ///
    /// # Errors
    /// Why it failed.
    fn command(&self, invocation: &Invocation) -> Result<(), Stop>;

    /// Finishes or undoes a restore that was interrupted.
    ///
    /// # Errors
    /// Why it can be neither.
    fn recover(&self, lock: &mut Lock) -> Result<String, Stop>;

    /// Writes keys of files as they were before the run.
    ///
    /// # Errors
    /// Why one could not be.
    fn undo_keys(&self, edits: &'static [KeyEdit]) -> Result<String, Stop>;

    /// Changes services, as a step of that kind does.
    ///
    /// # Errors
    /// Why they did not become so.
    fn services(&self, change: ServiceChange, services: &[&'static Service], lock: &mut Lock) -> Result<Changed, Stop>;
}

/// Steps are done on this host.
pub struct Hand<'a> {
    /// The host, and what was given.
    pub scene: Scene<'a>,
    /// The verbs of opsctl.
    pub operations: &'a dyn Operations,
    /// Answers that were given beforehand, by step.
    pub answers: &'a BTreeMap<String, String>,
    /// The procedure.
    pub procedure: &'static Procedure,
    /// That the whole was agreed to.
    pub consent: &'a Consent,
}

impl Doer for Hand<'_> {
    fn assess(&self, assertion: &Assertion) -> Truth {
        assess(&self.scene, assertion)
    }

    fn proven(&self, step: &'static Step, since: Timestamp) -> Option<Truth> {
        match &step.kind {
            StepKind::Services(change, services) => {
                let holds = |service: &&'static Service| match change {
                    ServiceChange::Stop => self.assess(&Assertion::Stopped(service)),
                    ServiceChange::Restart | ServiceChange::Reload | ServiceChange::Start => {
                        self.assess(&Assertion::Healthy(service))
                    }
                };
                let all: Vec<Truth> = services.iter().map(holds).collect();
                all.iter().find(|truth| !truth.holds()).or(all.first()).cloned()
            }
            StepKind::Backup(sets) => Some(self.operations.is_backed_up(sets, since)),
            StepKind::Restore(set, _) => Some(self.operations.is_restored(set, since)),
            StepKind::Keys(edits) => Some(keys::proven(&self.scene, edits)),
            StepKind::Command(_) | StepKind::Request(_) | StepKind::Reclaim(_) => {
                step.proof.as_ref().map(|proof| self.assess(proof))
            }
            StepKind::Check(..) | StepKind::Show(_) | StepKind::Wait(..) | StepKind::Ask { .. } | StepKind::Reboot => {
                None
            }
        }
    }

    fn confirm(&self, what: &str, risk: Risk, loses: &[String]) -> Result<(), Stop> {
        confirm(&self.scene, what, risk, loses)
    }

    fn read(&self, step: &'static Step, title: &str) -> Result<Did, Stop> {
        let (scene, did) = (&self.scene, |summary: String| Did { summary, ..Did::default() });
        match &step.kind {
            StepKind::Check(assertion, otherwise) => match self.assess(assertion) {
                Truth::Holds(seen) => Ok(did(seen)),
                Truth::Fails(seen) => {
                    Err(Stop::before(Exit::Refused, format!("{seen}; {}", scene.values.fill_text(otherwise))))
                }
                Truth::Unknown(why) => Err(Stop::before(Exit::Unknown, format!("cannot determine: {why}"))),
            },
            StepKind::Show(invocation) => show(scene, invocation),
            StepKind::Wait(assertion, seconds) => {
                wait(scene, assertion, Duration::from_secs((*seconds).into())).map(did)
            }
            StepKind::Ask { place, answer } => ask(scene, step, title, place, answer, self.answers),
            StepKind::Command(_)
            | StepKind::Services(..)
            | StepKind::Backup(_)
            | StepKind::Restore(..)
            | StepKind::Keys(_)
            | StepKind::Request(_)
            | StepKind::Reclaim(_)
            | StepKind::Reboot => Err(Stop::before(Exit::Refused, "it changes something")),
        }
    }

    fn perform(&self, step: &'static Step, lock: &mut Lock) -> Result<Did, Stop> {
        let (scene, did) = (&self.scene, |summary: String| Did { summary, ..Did::default() });
        match &step.kind {
            StepKind::Command(invocation) => {
                self.command(invocation)?;
                prove(scene, step).map(did)
            }
            StepKind::Request(request) => {
                send(scene, request)?;
                prove(scene, step).map(did)
            }
            StepKind::Services(change, services) => {
                let changed = self.services(*change, services, lock)?;
                Ok(Did { services: changed.services, ..did(changed.summary) })
            }
            StepKind::Backup(sets) => self.operations.backup(sets, lock).map(did),
            StepKind::Restore(set, parameter) => {
                let copy = parameter.map_or(NEWEST, |parameter| scene.values.get(parameter));
                let owners = scene.deployment.backup(set).map_or(&[][..], |set| set.owners);
                let rest = are_stopped(self.procedure, step, owners);
                self.operations.restore(set, copy, rest, self.consent, lock).map(did)
            }
            StepKind::Keys(edits) => keys::set(scene, self.procedure.slug, edits).map(did),
            StepKind::Reclaim(parameter) => reclaim::reclaim(scene, parameter, lock).map(did),
            StepKind::Reboot => self.operations.reboot().map(did),
            StepKind::Check(..) | StepKind::Show(_) | StepKind::Wait(..) | StepKind::Ask { .. } => {
                Err(Stop::before(Exit::Refused, "it changes nothing"))
            }
        }
    }

    fn command(&self, invocation: &Invocation) -> Result<(), Stop> {
        command(&self.scene, invocation)
    }

    fn recover(&self, lock: &mut Lock) -> Result<String, Stop> {
        self.operations.recover(lock)
    }

    fn undo_keys(&self, edits: &'static [KeyEdit]) -> Result<String, Stop> {
        keys::undo(&self.scene, edits)
    }

    fn services(&self, change: ServiceChange, services: &[&'static Service], lock: &mut Lock) -> Result<Changed, Stop> {
        self.operations.services(change, services, self.consent, lock)
    }
}

/// Whether the steps before that one leave all these services stopped: they are started when the procedure says so.
pub fn are_stopped(procedure: &Procedure, step: &Step, services: &[&Service]) -> bool {
    let before = || procedure.steps.iter().take_while(|one| one.name != step.name);
    let last = |name: &str| {
        let changes = before().filter_map(|one| match &one.kind {
            StepKind::Services(change, services) if services.iter().any(|service| service.name == name) => {
                Some(*change)
            }
            _ => None,
        });
        changes.last()
    };
    !services.is_empty() && services.iter().all(|service| last(service.name) == Some(ServiceChange::Stop))
}

/// Whether a proof that holds beforehand means that nothing is to be done.
pub fn is_idempotent(step: &Step) -> bool {
    match &step.kind {
        StepKind::Services(change, _) => matches!(change, ServiceChange::Stop | ServiceChange::Start),
        StepKind::Command(_) | StepKind::Request(_) | StepKind::Reclaim(_) => step.proof.is_some(),
        StepKind::Keys(_) => true,
        _ => false,
    }
}

/// Runs a command to its end.
fn command(scene: &Scene<'_>, invocation: &Invocation) -> Result<(), Stop> {
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
fn wait(scene: &Scene<'_>, assertion: &Assertion, limit: Duration) -> Result<String, Stop> {
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

/// Runs a command that only reads; what it prints.
pub fn show(scene: &Scene<'_>, invocation: &Invocation) -> Result<Did, Stop> {
    let unknown = |trouble: Trouble| Stop::before(Exit::Unknown, trouble.to_string());
    let output = scene.run(invocation).map_err(unknown)?;
    // A search that finds nothing has found that.
    let is_nothing = matches!(output.exit, crate::host::exec::ProcessEnd::Code(code) if invocation.no == Some(code));
    if let Some(trouble) = trouble(&output).filter(|_| !is_nothing) {
        return Err(unknown(trouble));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let count = text.lines().filter(|line| !line.trim().is_empty()).count();
    let lines = match count {
        0 => "none".to_owned(),
        1 => "1 line".to_owned(),
        count => format!("{count} lines"),
    };
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
    answers: &BTreeMap<String, String>,
) -> Result<Did, Stop> {
    let accepted = |summary: String| Ok(Did { summary, is_answer: true, ..Did::default() });
    if let Some(given) = answers.get(step.name) {
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
