//! PURE. What a procedure would do with what it was given: its steps with their commands, risks, questions and ways back.

use super::invocation::shown;
use super::values::Values;
use crate::action::plan::Operation;
use crate::host::tools::{Argv, systemctl};
use crate::program;
use crate::registry::{KeyEdit, Procedure, Risk, ServiceChange, Step, StepKind, Undo};

/// A step as it would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// The step.
    pub name: &'static str,
    /// What it does.
    pub title: String,
    /// Kind: `check`, `show`, `command`, `service`, `ask`, `wait`, `backup`, `restore`, `keys`, `request`, `reclaim` or `reboot`.
    pub kind: &'static str,
    /// The command; `None` where it has none of its own.
    pub argv: Option<Argv>,
    /// Keys that it sets, each with its files.
    pub keys: Vec<String>,
    /// Risk.
    pub risk: Risk,
    /// Whether it is done only under a condition.
    pub is_conditional: bool,
    /// Where a person does it, and what to type back.
    pub asked: Option<(&'static str, &'static str)>,
    /// How it is undone; `None` where it changes nothing.
    pub undo: Option<String>,
    /// What is lost by it.
    pub loses: Option<&'static str>,
}

/// All its steps in order.
pub fn plan(procedure: &Procedure, values: &Values) -> Vec<PlannedStep> {
    procedure.steps.iter().map(|step| planned(step, values)).collect()
}

/// One step.
pub fn planned(step: &'static Step, values: &Values) -> PlannedStep {
    let (kind, argv) = match &step.kind {
        StepKind::Check(..) => ("check", None),
        StepKind::Show(invocation) => ("show", Some(shown(invocation, values))),
        StepKind::Command(invocation) => ("command", Some(shown(invocation, values))),
        StepKind::Services(change, services) => {
            let names = services.iter().map(|service| service.name);
            ("service", Some(Argv::new(program::name(), std::iter::once(operation(*change).verb()).chain(names))))
        }
        StepKind::Ask { .. } => ("ask", None),
        StepKind::Wait(..) => ("wait", None),
        StepKind::Backup(sets) => {
            ("backup", Some(Argv::new(program::name(), ["backup", "create"].into_iter().chain(sets.iter().copied()))))
        }
        StepKind::Restore(set, parameter) => {
            let copy = parameter.map(|name| values.get(name)).filter(|copy| *copy != NEWEST && !copy.is_empty());
            let at = copy.map(|copy| ["--at", copy]);
            ("restore", Some(Argv::new(program::name(), ["restore", *set].into_iter().chain(at.into_iter().flatten()))))
        }
        StepKind::Keys(_) => ("keys", None),
        StepKind::Request(request) => {
            let url = format!("http://127.0.0.1:{}{}", request.port, values.fill(request.path));
            ("request", Some(Argv::new("curl", ["-sS", "-X", request.method, url.as_str()])))
        }
        StepKind::Reclaim(_) => ("reclaim", None),
        StepKind::Reboot => ("reboot", Some(systemctl::reboot())),
    };
    PlannedStep {
        name: step.name,
        title: title(step, values),
        kind,
        argv,
        keys: keys(step),
        risk: step.risk,
        is_conditional: step.only_if.is_some(),
        asked: match step.kind {
            StepKind::Ask { place, answer } => Some((place, answer)),
            _ => None,
        },
        undo: undo(step, values),
        loses: step.loses,
    }
}

/// The value of a parameter for the newest verified copy.
pub const NEWEST: &str = "newest";

/// The keys that a step sets, never their values.
fn keys(step: &Step) -> Vec<String> {
    let StepKind::Keys(edits) = &step.kind else { return Vec::new() };
    let what =
        |edit: &KeyEdit| if edit.is_password { format!("password in {}", edit.key) } else { edit.key.to_owned() };
    edits.iter().map(|edit| format!("{}: {}", edit.files.join(" or "), what(edit))).collect()
}

/// What a step does, in words.
pub fn title(step: &Step, values: &Values) -> String {
    let own = values.fill_text(step.title);
    let of_kind = match &step.kind {
        StepKind::Services(_, services) => services.iter().map(|service| service.name).collect::<Vec<_>>().join(", "),
        StepKind::Backup(sets) => sets.join(", "),
        StepKind::Restore(set, _) => (*set).to_owned(),
        _ => return own,
    };
    // Where its title is that of its kind, it says of what.
    match own.contains(' ') && !own.starts_with("back up") {
        true => own,
        false => format!("{own} {of_kind}"),
    }
}

fn undo(step: &Step, values: &Values) -> Option<String> {
    match &step.undo {
        Undo::Nothing => None,
        Undo::Automatic => Some(
            match &step.kind {
                StepKind::Services(ServiceChange::Stop, _) => "start those that ran before",
                StepKind::Services(ServiceChange::Start, _) => "stop those that did not run before",
                StepKind::Keys(_) => "set the keys to what they were before",
                _ => "restore what was there before",
            }
            .to_owned(),
        ),
        Undo::Command(invocation) => Some(shown(invocation, values).to_string()),
        Undo::Again => Some("do it again, once all else was undone".to_owned()),
        Undo::Never(why) => Some(format!("cannot be undone: {why}")),
    }
}

/// The operation of a verb that does this.
pub fn operation(change: ServiceChange) -> Operation {
    match change {
        ServiceChange::Restart => Operation::Restart,
        ServiceChange::Reload => Operation::Reload,
        ServiceChange::Start => Operation::Start,
        ServiceChange::Stop => Operation::Stop,
    }
}
