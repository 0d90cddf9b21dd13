//! Every procedure of every deployment, with each of its steps failing in turn: nothing after it is done, the exit code is the
//! contract's, the run can be resumed and undone. Steps are done by a stand-in that remembers them; the journal, the lock and the audit
//! trail are real.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::invocation::Scene;
use super::journal::{self, Journal, StepState};
use super::run::{RunResult, run};
use super::secrets::Secrets;
use super::step::{Changed, Did, Doer, are_stopped, is_idempotent};
use super::stop::Stop;
use super::truth::Truth;
use super::undo::{self, undo};
use super::values::Values;
use crate::action::Risk;
use crate::action::lock::{self, Lock};
use crate::context::{Context, Settings};
use crate::exit::Exit;
use crate::host::system::System;
use crate::registry::*;
use crate::ui::{Color, Format, Ui};

/// What fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// This step, after which nothing is as it should be.
    Step(usize),
    /// The same, and what it was for came about all the same.
    Late(usize),
}

struct Fake {
    procedure: &'static Procedure,
    fault: RefCell<Fault>,
    /// Steps that are done, by name.
    done: RefCell<Vec<&'static str>>,
    /// What was called, in order.
    calls: RefCell<Vec<String>>,
}

impl Fake {
    fn place(&self, step: &Step) -> usize {
        self.procedure.steps.iter().position(|own| own.name == step.name).unwrap()
    }

    fn attempt(&self, step: &'static Step) -> Result<Did, Stop> {
        self.calls.borrow_mut().push(step.name.to_owned());
        let place = self.place(step);
        let fault = *self.fault.borrow();
        if fault != Fault::Step(place) {
            self.done.borrow_mut().push(step.name);
        }
        if fault == Fault::Step(place) || fault == Fault::Late(place) {
            return Err(Stop::failed("injected"));
        }
        let services = match &step.kind {
            StepKind::Services(_, services) => services.iter().map(|service| service.name.to_owned()).collect(),
            _ => Vec::new(),
        };
        Ok(Did { services, is_answer: matches!(step.kind, StepKind::Ask { .. }), ..Did::default() })
    }

    fn is_done(&self, step: &Step) -> bool {
        self.done.borrow().contains(&step.name)
    }

    fn truth(&self, step: &Step) -> Truth {
        match self.is_done(step) {
            true => Truth::Holds(step.name.to_owned()),
            false => Truth::Fails(step.name.to_owned()),
        }
    }

    fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.borrow_mut())
    }
}

impl Doer for Fake {
    fn assess(&self, assertion: &Assertion) -> Truth {
        // A proof holds where its step is done; every condition and what must hold in the end does.
        let is_proof = |step: &&Step| step.proof.as_ref().is_some_and(|proof| std::ptr::eq(proof, assertion));
        self.procedure.steps.iter().find(is_proof).map_or(Truth::Holds(String::new()), |step| self.truth(step))
    }

    fn proven(&self, step: &'static Step, _: Timestamp) -> Option<Truth> {
        (!matches!(step.kind, StepKind::Reboot)).then(|| self.truth(step))
    }

    fn confirm(&self, _: &str, _: Risk, _: &[String]) -> Result<(), Stop> {
        Ok(())
    }

    fn read(&self, step: &'static Step, _: &str) -> Result<Did, Stop> {
        match self.attempt(step) {
            Err(_) if matches!(step.kind, StepKind::Check(..)) => Err(Stop::before(Exit::Refused, "injected")),
            other => other.map_err(|stop| Stop { is_untouched: true, ..stop }),
        }
    }

    fn perform(&self, step: &'static Step, _: &mut Lock) -> Result<Did, Stop> {
        self.attempt(step)
    }

    fn command(&self, invocation: &Invocation) -> Result<(), Stop> {
        let undoes = |step: &&Step| match (&step.undo, &step.kind) {
            (Undo::Command(own), _) | (Undo::Again, StepKind::Command(own)) => std::ptr::eq(own, invocation),
            _ => false,
        };
        let step = self.procedure.steps.iter().find(undoes).unwrap();
        self.calls.borrow_mut().push(format!("undo {}", step.name));
        self.done.borrow_mut().retain(|name| *name != step.name);
        Ok(())
    }

    fn recover(&self, _: &mut Lock) -> Result<String, Stop> {
        Ok(String::new())
    }

    fn undo_keys(&self, edits: &'static [KeyEdit]) -> Result<String, Stop> {
        let sets = |step: &&Step| matches!(&step.kind, StepKind::Keys(own) if std::ptr::eq(*own, edits));
        let step = self.procedure.steps.iter().find(sets).unwrap();
        self.calls.borrow_mut().push(format!("undo {}", step.name));
        self.done.borrow_mut().retain(|name| *name != step.name);
        Ok(String::new())
    }

    fn services(&self, change: ServiceChange, services: &[&'static Service], _: &mut Lock) -> Result<Changed, Stop> {
        let names: Vec<&str> = services.iter().map(|service| service.name).collect();
        self.calls.borrow_mut().push(format!("{change:?} {}", names.join(" ")));
        Ok(Changed { summary: String::new(), services: Vec::new() })
    }
}

/// A machine of its own for one procedure.
struct Ground {
    system: System,
    deployment: &'static Deployment,
    procedure: &'static Procedure,
    values: Values,
}

impl Ground {
    fn new(deployment: &'static Deployment, procedure: &'static Procedure) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("opsctl-procedure-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root: PathBuf = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&root);
        for directory in ["run", "var/lib", "var/log", "etc", "proc"] {
            std::fs::create_dir_all(root.join(directory)).unwrap();
        }
        let sample = |kind: ParameterKind| match kind {
            ParameterKind::Address => "203.0.113.7",
            ParameterKind::Duration => "60",
            ParameterKind::Size | ParameterKind::Number { .. } => "4242",
            ParameterKind::Word => "word",
            ParameterKind::Path => "/srv",
            ParameterKind::Wallet => "0x00000000000000000000000000000000000000aa",
            ParameterKind::Service => deployment.services[0].name,
        };
        let given = procedure.parameters.iter().map(|one| (one.name.to_owned(), sample(one.kind).to_owned()));
        let values = Values::kept(procedure, &given.collect::<BTreeMap<_, _>>());
        Ground { system: System { root, ..System::real() }, deployment, procedure, values }
    }

    fn context(&self) -> Context<'_> {
        let ui = Ui { format: Format::Text, headers: true, color: Color::Never, quiet: true };
        Context::new(&self.system, Settings { ui, deployment: None, verbose: false, timeout: None })
    }

    fn with<T>(&self, work: impl FnOnce(&Scene<'_>, &mut Lock) -> T) -> T {
        let context = self.context();
        let (deployment, values, secrets) = (self.deployment, &self.values, &Secrets::default());
        let scene = Scene { context: &context, deployment, values, secrets, yes: true };
        let taken = lock::take(&self.system, self.deployment, "run", "test", Duration::ZERO);
        let (mut lock, _) = taken.unwrap();
        let done = work(&scene, &mut lock);
        lock.finish();
        done
    }

    fn begin(&self) -> Journal {
        Journal::new(&self.system, self.procedure, self.values.all(), "test".to_owned())
    }

    fn run(&self, fake: &Fake, journal: &mut Journal) -> RunResult {
        self.with(|scene, lock| run(scene, self.procedure, 0, journal, fake, lock))
    }

    /// What is kept of the run, as the next process reads it.
    fn kept(&self) -> Option<Journal> {
        journal::kept(&self.system, self.deployment, self.procedure.slug).unwrap()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.system.root);
    }
}

fn fake(procedure: &'static Procedure, fault: Fault) -> Fake {
    Fake { procedure, fault: RefCell::new(fault), done: RefCell::default(), calls: RefCell::default() }
}

/// Every procedure that changes something or asks a person, once.
fn all() -> Vec<(&'static Deployment, &'static Procedure)> {
    let mut found: Vec<(&'static Deployment, &'static Procedure)> = Vec::new();
    for deployment in DEPLOYMENTS.iter().copied().chain([&LOCALHOST]) {
        for procedure in deployment.all_procedures() {
            if !found.iter().any(|(_, known)| std::ptr::eq(*known, procedure)) {
                found.push((deployment, procedure));
            }
        }
    }
    found
}

fn names(procedure: &Procedure) -> Vec<&'static str> {
    procedure.steps.iter().map(|step| step.name).collect()
}

/// Whether something was changed before that step.
fn has_change(procedure: &Procedure, place: usize) -> bool {
    procedure.steps[..place].iter().any(Step::is_change)
}

#[test]
fn nothing_is_done_after_a_step_that_fails() {
    let mut tried = 0;
    for (deployment, procedure) in all() {
        for place in 0..procedure.steps.len() {
            let (ground, fake) = (Ground::new(deployment, procedure), fake(procedure, Fault::Step(place)));
            let mut journal = ground.begin();
            let result = ground.run(&fake, &mut journal);
            let at = format!("{}/{} at {}", deployment.name, procedure.slug, procedure.steps[place].name);
            assert_eq!(fake.take_calls(), names(procedure)[..=place], "{at}");
            let exit = match (has_change(procedure, place), &procedure.steps[place].kind) {
                (true, _) => Exit::Partial,
                (false, StepKind::Check(..)) => Exit::Refused,
                (false, _) => Exit::Failure,
            };
            assert_eq!(result.exit, exit, "{at}");
            assert_eq!(result.stopped.as_deref(), Some("injected"), "{at}");
            let states: Vec<_> = result.steps.iter().map(|step| step.state).collect();
            assert_eq!(states[place], Some(StepState::Failed), "{at}");
            assert!(
                states[..place].iter().all(|state| matches!(state, Some(StepState::Done | StepState::Answered))),
                "{at}"
            );
            assert!(states[place + 1..].iter().all(Option::is_none), "{at}");
            tried += 1;
        }
    }
    assert!(tried >= 20, "{tried}");
}

#[test]
fn a_run_that_stopped_is_resumed_where_it_stopped() {
    for (deployment, procedure) in all() {
        for place in 0..procedure.steps.len() {
            for fault in [Fault::Step(place), Fault::Late(place)] {
                let (ground, fake) = (Ground::new(deployment, procedure), fake(procedure, fault));
                ground.run(&fake, &mut ground.begin());
                fake.take_calls();
                let at = format!("{}/{} at {fault:?}", deployment.name, procedure.slug);
                let Some(mut journal) = ground.kept() else {
                    assert!(!has_change(procedure, place), "{at}: nothing is kept");
                    continue;
                };
                assert_eq!(journal.ended, None, "{at}");
                fake.fault.replace(Fault::None);
                let result = ground.run(&fake, &mut journal);
                assert_eq!((result.exit, result.stopped), (Exit::Success, None), "{at}");
                // What was done is checked, and not done again; what only looks or asks is done anew.
                let again = |(index, step): (usize, &'static Step)| {
                    // That something answers does not prove that it was restarted.
                    let is_again = fault == Fault::Step(place) || !is_idempotent(step);
                    let is_open = index > place || (index == place && is_again);
                    let is_reboot = matches!(step.kind, StepKind::Reboot);
                    (!step.is_change() || is_open || is_reboot).then_some(step.name)
                };
                let wanted: Vec<&str> = procedure.steps.iter().enumerate().filter_map(again).collect();
                assert_eq!(fake.take_calls(), wanted, "{at}");
                assert!(ground.kept().unwrap().ended.is_some(), "{at}");
            }
        }
    }
}

/// What had to hold before, such as that a session is there, does not hold once the session was ended.
#[test]
fn a_check_that_no_longer_holds_does_not_keep_a_run_that_is_done_from_its_end() {
    let mut tried = 0;
    for (deployment, procedure) in all() {
        let changes: Vec<usize> =
            (0..procedure.steps.len()).filter(|place| procedure.steps[*place].is_change()).collect();
        let Some(last) = changes.last().copied().filter(|last| is_idempotent(&procedure.steps[*last])) else {
            continue;
        };
        let is_check = |place: &usize| matches!(procedure.steps[*place].kind, StepKind::Check(..));
        for check in (0..last).filter(is_check) {
            let at = format!("{}/{} at {}", deployment.name, procedure.slug, procedure.steps[check].name);
            // Killed right after the last change: it did its work, and nobody noted that.
            let (ground, fake) = (Ground::new(deployment, procedure), fake(procedure, Fault::Late(last)));
            ground.run(&fake, &mut ground.begin());
            fake.fault.replace(Fault::Step(check));
            let mut journal = ground.kept().unwrap();
            let result = ground.run(&fake, &mut journal);
            assert_eq!(result.steps[check].state, Some(StepState::Skipped), "{at}");
            assert_eq!((result.exit, result.stopped), (Exit::Success, None), "{at}");
            tried += 1;
            if changes.len() < 2 {
                continue;
            }
            // Where a change is still open, it must hold.
            let (ground, fake) = (Ground::new(deployment, procedure), self::fake(procedure, Fault::Step(last)));
            ground.run(&fake, &mut ground.begin());
            fake.fault.replace(Fault::Step(check));
            let mut journal = ground.kept().unwrap();
            assert!(ground.run(&fake, &mut journal).stopped.is_some(), "{at}");
        }
    }
    assert!(tried >= 5, "{tried}");
}

#[test]
fn a_run_that_stopped_is_undone_backwards() {
    for (deployment, procedure) in all() {
        for place in 0..procedure.steps.len() {
            for fault in [Fault::Step(place), Fault::Late(place)] {
                let (ground, fake) = (Ground::new(deployment, procedure), fake(procedure, fault));
                ground.run(&fake, &mut ground.begin());
                fake.take_calls();
                let Some(mut journal) = ground.kept() else { continue };
                let at = format!("{}/{} at {fault:?}", deployment.name, procedure.slug);
                let left = undo::left(procedure, &journal);
                let result = ground.with(|scene, lock| undo(scene, procedure, &mut journal, &fake, lock));
                // A restore that did not replace anything leaves nothing.
                let is_left = |step: &Step| {
                    !matches!(step.kind, StepKind::Restore(..)) || fake_was_done(procedure.steps, step, place, fault)
                };
                let is_never = |step: &&&'static Step| matches!(step.undo, Undo::Never(_)) && is_left(step);
                let exit = if left.iter().any(|step| is_never(&step)) { Exit::Partial } else { Exit::Success };
                assert_eq!(result.exit, exit, "{at}: {result:?}");
                // The last one first, and only what was done; what is done again, after all else.
                let again: Vec<bool> = left.iter().map(|step| matches!(step.undo, Undo::Again)).collect();
                assert!(again.is_sorted(), "{at}");
                let by_command: Vec<String> = left
                    .iter()
                    .filter(|step| match (&step.undo, &step.kind) {
                        // What a step that sets keys left is decided by the files themselves.
                        (_, StepKind::Keys(_)) | (Undo::Again, StepKind::Command(_)) => true,
                        (Undo::Command(_), _) => fake_was_done(procedure.steps, step, place, fault),
                        _ => false,
                    })
                    .map(|step| format!("undo {}", step.name))
                    .collect();
                let calls = fake.take_calls();
                for step in left.iter().filter(|step| matches!(step.undo, Undo::Again)) {
                    let StepKind::Services(change, services) = &step.kind else { continue };
                    let names: Vec<&str> = services.iter().map(|service| service.name).collect();
                    assert!(calls.contains(&format!("{change:?} {}", names.join(" "))), "{at}: {calls:?}");
                }
                let calls: Vec<String> = calls.into_iter().filter(|call| call.starts_with("undo ")).collect();
                assert_eq!(calls, by_command, "{at}");
                assert!(ground.kept().unwrap().ended.is_some(), "{at}");
            }
        }
    }
}

fn fake_was_done(steps: &[Step], step: &Step, place: usize, fault: Fault) -> bool {
    let index = steps.iter().position(|own| own.name == step.name).unwrap();
    index < place || (index == place && fault == Fault::Late(place))
}

#[test]
fn services_that_a_step_stopped_stay_so_while_their_data_is_restored() {
    static P1: Level = Level::new("P1");
    static SHOP: Service = Service::new("shop", &P1);
    static OTHER: Service = Service::new("other", &P1);
    static STEPS: &[Step] = &[
        Step::restore("early", "data"),
        Step::stop("stop", &[&SHOP]),
        Step::restore("middle", "data"),
        Step::start("start", &[&SHOP]),
        Step::restore("late", "data"),
    ];
    static ALL: Procedure = Procedure::new("restore-shop", STEPS);
    let stopped = |step: usize, services: &[&Service]| are_stopped(&ALL, &STEPS[step], services);
    assert_eq!([0, 2, 4].map(|step| stopped(step, &[&SHOP])), [false, true, false]);
    assert!(!stopped(2, &[&SHOP, &OTHER]) && !stopped(2, &[]));
}
