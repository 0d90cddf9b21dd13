//! A step of a procedure: what is done, by whom, what proves it and how it is undone.

use super::super::failure::Risk;
use super::super::service::Service;
use super::assertion::Assertion;
use super::invocation::{Invocation, Request};
use super::secret::KeyEdit;

/// One step.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// # static SHOP: Service = Service::new("shop", &DOWN);
/// static STOP: Step = Step::stop("stop", &[&SHOP]);
/// assert_eq!(STOP.risk, Risk::Disruptive);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Step {
    /// Name on the command line, for `--from` and `--answer`.
    pub name: &'static str,
    /// What it does, an imperative; may hold parameters.
    pub title: &'static str,
    /// How.
    pub kind: StepKind,
    /// What may come of it.
    pub risk: Risk,
    /// It is skipped where this does not hold.
    pub only_if: Option<Assertion>,
    /// What holds once it is done.
    pub proof: Option<Assertion>,
    /// How it is undone.
    pub undo: Undo,
    /// What is lost by it.
    pub loses: Option<&'static str>,
    /// Whether it keeps a copy of what a later step destroys.
    pub keeps_a_copy: bool,
}

impl Step {
    const fn of(name: &'static str, title: &'static str, kind: StepKind, risk: Risk) -> Self {
        let undo = Undo::Nothing;
        Step { name, title, kind, risk, only_if: None, proof: None, undo, loses: None, keeps_a_copy: false }
    }

    /// Checks that something holds, and ends the run where it does not: `otherwise` says what that means and what to do. The title says
    /// what is checked.
    pub const fn check(name: &'static str, title: &'static str, assertion: Assertion, otherwise: &'static str) -> Self {
        Step::of(name, title, StepKind::Check(assertion, otherwise), Risk::ReadOnly)
    }

    /// Runs a command that only reads, and shows what it prints.
    pub const fn show(name: &'static str, title: &'static str, invocation: Invocation) -> Self {
        Step::of(name, title, StepKind::Show(invocation), Risk::ReadOnly)
    }

    /// Runs a command that changes something. [`proof`](Self::proof) and [`undo`](Self::undo) must follow.
    pub const fn command(name: &'static str, title: &'static str, invocation: Invocation, risk: Risk) -> Self {
        Step::of(name, title, StepKind::Command(invocation), risk)
    }

    /// Restarts services, each after what it needs, until they answer.
    pub const fn restart(name: &'static str, services: &'static [&'static Service]) -> Self {
        Step::of(name, "restart", StepKind::Services(ServiceChange::Restart, services), Risk::Disruptive)
    }

    /// Has services read their configuration again.
    pub const fn reload(name: &'static str, services: &'static [&'static Service]) -> Self {
        Step::of(name, "reload", StepKind::Services(ServiceChange::Reload, services), Risk::Safe)
    }

    /// Stops services, dependents first. Undone by starting those that ran before.
    pub const fn stop(name: &'static str, services: &'static [&'static Service]) -> Self {
        let step = Step::of(name, "stop", StepKind::Services(ServiceChange::Stop, services), Risk::Disruptive);
        Step { undo: Undo::Automatic, ..step }
    }

    /// Starts services, each after what it needs, until they answer. Undone by stopping those that did not run before.
    pub const fn start(name: &'static str, services: &'static [&'static Service]) -> Self {
        let step = Step::of(name, "start", StepKind::Services(ServiceChange::Start, services), Risk::Safe);
        Step { undo: Undo::Automatic, ..step }
    }

    /// Has a person do something: `what`, an imperative, and `place`, where it is done. `answer` is the word to type back.
    pub const fn ask(name: &'static str, what: &'static str, place: &'static str, answer: &'static str) -> Self {
        let step = Step::of(name, what, StepKind::Ask { place, answer }, Risk::ReadOnly);
        Step { undo: Undo::Never("a person did it"), ..step }
    }

    /// Waits until something holds, at most so many seconds. The title says what is waited for.
    pub const fn wait(name: &'static str, title: &'static str, assertion: Assertion, seconds: u32) -> Self {
        Step::of(name, title, StepKind::Wait(assertion, seconds), Risk::ReadOnly)
    }

    /// Backs up these sets of the deployment, read back and verified.
    pub const fn backup(name: &'static str, sets: &'static [&'static str]) -> Self {
        let step = Step::of(name, "back up", StepKind::Backup(sets), Risk::Safe);
        Step { keeps_a_copy: true, ..step }
    }

    /// Restores the newest verified copy of a backup set, proven before anything is touched; its services are stopped meanwhile, and the
    /// old data is kept.
    pub const fn restore(name: &'static str, set: &'static str) -> Self {
        let step = Step::of(name, "restore", StepKind::Restore(set, None), Risk::Destructive);
        let undo = Undo::Never("the old data is kept beside the restored data");
        Step {
            undo,
            keeps_a_copy: true,
            loses: Some("what was written since the backup, which only the old data has"),
            ..step
        }
    }

    /// The same with the copy that this parameter names: an id, or `newest`.
    pub const fn restore_at(name: &'static str, set: &'static str, parameter: &'static str) -> Self {
        Step { kind: StepKind::Restore(set, Some(parameter)), ..Step::restore(name, set) }
    }

    /// Sets keys of files, each file in one piece. Undone by the values that they had. Proven by reading the files again.
    pub const fn set_keys(name: &'static str, title: &'static str, edits: &'static [KeyEdit]) -> Self {
        let step = Step::of(name, title, StepKind::Keys(edits), Risk::Safe);
        Step { undo: Undo::Automatic, ..step }
    }

    /// Sends a JSON document over HTTP to a service of this host. [`proof`](Self::proof) and [`undo`](Self::undo) must follow.
    pub const fn request(name: &'static str, title: &'static str, request: Request, risk: Risk) -> Self {
        Step::of(name, title, StepKind::Request(request), risk)
    }

    /// Frees space on the full file systems, the safest first, until as many bytes are free as the parameter says: caches, build cache,
    /// unused images, the oldest log lines; never volumes, databases or backups.
    pub const fn reclaim(name: &'static str, parameter: &'static str) -> Self {
        let title = "free reclaimable space, the safest first, until {free} are free";
        let step = Step::of(name, title, StepKind::Reclaim(parameter), Risk::Destructive);
        Step { loses: Some("caches, and at last the oldest log lines"), ..step }
    }

    /// Reboots the host, after it is recorded what runs.
    pub const fn reboot(name: &'static str) -> Self {
        Step::of(name, "record what runs, then reboot", StepKind::Reboot, Risk::Disruptive)
    }

    /// With another title than its kind has.
    pub const fn title(mut self, text: &'static str) -> Self {
        self.title = text;
        self
    }

    /// It is skipped where this does not hold; where that is unknown, the run ends.
    pub const fn only_if(mut self, assertion: Assertion) -> Self {
        self.only_if = Some(assertion);
        self
    }

    /// What holds once it is done. Where it holds beforehand, the step is not done again.
    pub const fn proof(mut self, assertion: Assertion) -> Self {
        self.proof = Some(assertion);
        self
    }

    /// How it is undone.
    pub const fn undo(mut self, undo: Undo) -> Self {
        self.undo = undo;
        self
    }

    /// What is lost by it; shown before consent.
    pub const fn loses(mut self, text: &'static str) -> Self {
        self.loses = Some(text);
        self
    }

    /// It keeps a copy of what a later step destroys.
    pub const fn keeps_a_copy(mut self) -> Self {
        self.keeps_a_copy = true;
        self
    }

    /// Whether it changes the host.
    pub const fn is_change(&self) -> bool {
        !matches!(self.kind, StepKind::Check(..) | StepKind::Show(_) | StepKind::Wait(..) | StepKind::Ask { .. })
    }
}

/// How a step is done.
///
/// ```
/// # use opsctl::registry::*;
/// let step = Step::show("who", "list who is connected", Invocation::new(&["who"]));
/// assert!(matches!(step.kind, StepKind::Show(_)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum StepKind {
    /// It must hold; the text says what it means where it does not.
    Check(Assertion, &'static str),
    /// A command that only reads, whose output is shown.
    Show(Invocation),
    /// A command that changes something.
    Command(Invocation),
    /// Services are changed, as the verb of that name does it.
    Services(ServiceChange, &'static [&'static Service]),
    /// A person does it.
    Ask {
        /// Where it is done.
        place: &'static str,
        /// The word to type back.
        answer: &'static str,
    },
    /// It must hold within so many seconds.
    Wait(Assertion, u32),
    /// Backup sets, by name.
    Backup(&'static [&'static str]),
    /// A backup set, by name, and the parameter that names the copy.
    Restore(&'static str, Option<&'static str>),
    /// Keys of files.
    Keys(&'static [KeyEdit]),
    /// A request to a service of this host.
    Request(Request),
    /// Space is freed; the name of the parameter with the bytes that must be free.
    Reclaim(&'static str),
    /// The host is rebooted.
    Reboot,
}

/// What is done with services.
///
/// ```
/// # use opsctl::registry::*;
/// assert_ne!(ServiceChange::Stop, ServiceChange::Start);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceChange {
    /// Stop and start.
    Restart,
    /// Read the configuration again.
    Reload,
    /// Start what does not run.
    Start,
    /// Stop what runs.
    Stop,
}

/// How a step is undone.
///
/// ```
/// # use opsctl::registry::*;
/// let undo = Undo::Command(Invocation::new(&["ufw", "delete", "deny", "from", "{ip}"]));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Undo {
    /// It changed nothing.
    Nothing,
    /// What its kind implies: services that were stopped are started, and the reverse.
    Automatic,
    /// By a command; afterwards its proof must no longer hold.
    Command(Invocation),
    /// It is done again, once all else was undone: what was started with something new is started with what it had before.
    Again,
    /// It cannot be; the text says why, or what is done by hand.
    Never(&'static str),
}
