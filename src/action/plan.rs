//! PURE. What to run to change services, and what speaks against it: from the registry and from what the host said.

use std::time::Duration;

use super::Risk;
use crate::host::tools::systemctl::{Abilities, UnitState};
use crate::host::tools::{Account, Argv, caddy, docker, nginx, pm2, systemctl};
use crate::judge::health::{ServiceHealth, State};
use crate::observe::probe::{ManagerEvidence, units_of};
use crate::program;
use crate::registry::{App, Deployment, Instances, Manager, Presence, Service};

/// What is wanted of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Stop and start.
    Restart,
    /// Read the configuration again.
    Reload,
    /// Start what does not run.
    Start,
    /// Stop what runs.
    Stop,
}

impl Operation {
    /// The verb.
    pub const fn verb(self) -> &'static str {
        match self {
            Operation::Restart => "restart",
            Operation::Reload => "reload",
            Operation::Start => "start",
            Operation::Stop => "stop",
        }
    }
}

/// One command of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, in a few words.
    pub title: String,
    /// The command.
    pub argv: Argv,
    /// How long it may take.
    pub deadline: Duration,
    /// What may come of it.
    pub risk: Risk,
    /// Whether the rest is done although this failed.
    pub optional: bool,
    /// Whether it is tried once more when it failed.
    pub again: bool,
}

/// What is done to one service, in order.
#[derive(Debug, Clone)]
pub struct Part {
    /// The service.
    pub service: &'static Service,
    /// Commands.
    pub steps: Vec<Step>,
}

/// All that would be run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What for.
    pub operation: Operation,
    /// What was asked for, where that is not the operation itself: `maintenance on`.
    pub asked: Option<&'static str>,
    /// Services in the order in which they are changed.
    pub parts: Vec<Part>,
    /// What is lost by it, by service.
    pub loses: Vec<(String, String)>,
    /// Other services on this host that need one of these.
    pub affects: Vec<&'static str>,
}

impl Plan {
    /// The gravest risk of its steps.
    pub fn risk(&self) -> Risk {
        self.parts.iter().flat_map(|part| &part.steps).map(|step| step.risk).max().unwrap_or(Risk::ReadOnly)
    }

    /// Its commands, as they can be pasted.
    pub fn commands(&self) -> Vec<String> {
        self.parts.iter().flat_map(|part| &part.steps).map(|step| step.argv.to_string()).collect()
    }

    /// `restart wallet store`.
    pub fn name(&self) -> String {
        if let Some(asked) = self.asked {
            return asked.to_owned();
        }
        let names: Vec<&str> = self.parts.iter().map(|part| part.service.name).collect();
        format!("{} {}", self.operation.verb(), names.join(" "))
    }
}

/// Why a service is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The service.
    pub service: &'static str,
    /// The reason.
    pub reason: String,
    /// What to do instead.
    pub hint: Option<String>,
    /// Whether it is not known, rather than known to be wrong.
    pub unknown: bool,
}

/// Plans to change these services, whose health was judged from this evidence.
///
/// # Errors
/// Everything that speaks against it, of all services at once.
pub fn make(
    operation: Operation,
    deployment: &'static Deployment,
    services: &[&'static Service],
    health: &[ServiceHealth],
    evidence: &ManagerEvidence,
    account: impl Fn(&str) -> Option<Account>,
) -> Result<Plan, Vec<Refusal>> {
    let mut ordered: Vec<&'static Service> =
        deployment.services.iter().copied().filter(|service| services.iter().any(|s| s.name == service.name)).collect();
    if operation == Operation::Stop {
        // What needs another is stopped before it.
        ordered.reverse();
    }
    let mut parts = Vec::new();
    let mut refusals = Vec::new();
    for service in ordered {
        let judged = health.iter().find(|judged| judged.name == service.name);
        match steps(operation, service, judged, evidence, &account) {
            Ok(steps) => parts.push(Part { service, steps }),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let interrupts = operation != Operation::Start && operation != Operation::Reload;
    let loses = |part: &Part| part.service.restart_loses.map(|loss| (part.service.name.to_owned(), loss.to_owned()));
    let loses = if interrupts { parts.iter().filter_map(loses).collect() } else { Vec::new() };
    let mut affects: Vec<&'static str> = Vec::new();
    if interrupts {
        let dependants = parts.iter().flat_map(|part| deployment.dependants(part.service));
        // One that need not be here suffers only where it was found.
        let here = |service: &&Service| {
            service.presence == Presence::Required || health.iter().any(|judged| judged.name == service.name)
        };
        affects.extend(dependants.filter(here).map(|service| service.name));
        affects.retain(|name| parts.iter().all(|part| part.service.name != *name));
        affects.sort_unstable();
        affects.dedup();
    }
    Ok(Plan { operation, asked: None, parts, loses, affects })
}

fn steps(
    operation: Operation,
    service: &'static Service,
    judged: Option<&ServiceHealth>,
    evidence: &ManagerEvidence,
    account: &impl Fn(&str) -> Option<Account>,
) -> Result<Vec<Step>, Refusal> {
    let refuse = |reason: String, hint: Option<String>| Refusal { service: service.name, reason, hint, unknown: false };
    let Some(manager) = service.managers.first() else {
        let hint = program::command(format_args!("explain {}", service.name));
        return Err(refuse("no manager on this host starts or stops it".to_owned(), Some(hint)));
    };
    let state = match judged {
        Some(judged) => judged.state,
        // One that need not be here and does not run counts as absent; its unit may be started all the same.
        None if unit_of(operation, manager, evidence).is_some() => State::Stopped,
        None => {
            let hint = program::command(format_args!("verify {}", service.name));
            return Err(refuse("it is not on this host".to_owned(), Some(hint)));
        }
    };
    // What runs is not started again, only looked at: pm2 would restart it.
    let idle = operation == Operation::Start && matches!(state, State::Running | State::Completed | State::Waiting);
    let seen = judged.and_then(|judged| judged.checks.first()).map(|check| check.summary.as_str()).unwrap_or_default();
    match state {
        State::Unknown => {
            let reason = format!("its state could not be determined: {seen}");
            let hint = program::command(format_args!("diagnose {}", service.name));
            return Err(Refusal { unknown: true, ..refuse(reason, Some(hint)) });
        }
        State::NotFound => {
            let hint = program::command("verify");
            return Err(refuse(format!("there is no such {}: {seen}", thing(manager)), Some(hint)));
        }
        State::Masked if operation != Operation::Stop => {
            let is_runtime = unit_of(operation, manager, evidence).is_some_and(|unit| unit.runtime_mask);
            let runtime = if is_runtime { "--runtime " } else { "" };
            let hint = format!("systemctl unmask {runtime}{}", manager.unit());
            return Err(refuse(format!("{} is masked", manager.unit()), Some(hint)));
        }
        _ => {}
    }
    match manager {
        Manager::Systemd(_) => {
            let found = unit_of(operation, manager, evidence);
            let (Some(unit), Some(able)) = (found, found.and_then(|unit| unit.able.as_ref())) else {
                return Err(Refusal { unknown: true, ..refuse("systemd did not report it".to_owned(), None) });
            };
            let steps = systemd(operation, service, unit, able).map_err(|(reason, hint)| refuse(reason, hint))?;
            Ok(if idle { Vec::new() } else { steps })
        }
        Manager::Compose(_) | Manager::Docker(_) => {
            let Some(name) = judged.and_then(|judged| judged.unit.as_ref()) else {
                return Err(refuse("its container does not exist".to_owned(), None));
            };
            let steps = container(operation, service, name, state).map_err(|(reason, hint)| refuse(reason, hint))?;
            Ok(if idle { Vec::new() } else { steps })
        }
        Manager::Pm2(app) => {
            let Some(account) = account(app.user) else {
                return Err(refuse(format!("there is no user {} on this host", app.user), None));
            };
            if !matches!(evidence.apps.get(app.home).map(|answer| &answer.result), Some(Ok(Some(_)))) {
                let hint = format!("sudo -u {} pm2 resurrect", app.user);
                return Err(refuse("no running pm2 daemon has it".to_owned(), Some(hint)));
            }
            Ok(if idle { Vec::new() } else { vec![application(operation, service, app, account, state)] })
        }
    }
}

/// The unit of a service that this is done to, as systemd told of it.
fn unit_of<'e>(operation: Operation, manager: &Manager, evidence: &'e ManagerEvidence) -> Option<&'e UnitState> {
    let Manager::Systemd(wanted) = manager else { return None };
    let units = evidence.units.as_ref()?.result.as_ref().ok()?;
    // An instance that is down by itself is no reason to touch those that serve.
    let starts = matches!(operation, Operation::Start | Operation::Restart);
    let down = units_of(wanted, units).into_iter().next().filter(|unit| starts && unit.active != "active");
    let mut names = std::iter::once(wanted.name).chain(wanted.aliases.iter().copied());
    down.or_else(|| names.find_map(|name| units.iter().find(|unit| unit.is(name) && unit.exists())))
}

fn thing(manager: &Manager) -> &'static str {
    match manager {
        Manager::Systemd(_) => "unit",
        Manager::Compose(_) | Manager::Docker(_) => "container",
        Manager::Pm2(_) => "application",
    }
}

/// A reason and a hint.
type Objection = (String, Option<String>);

fn systemd(
    operation: Operation,
    service: &Service,
    unit: &UnitState,
    able: &Abilities,
) -> Result<Vec<Step>, Objection> {
    let verb = operation.verb();
    if matches!(operation, Operation::Restart | Operation::Start) && !able.start {
        return Err((format!("{} refuses manual starts (RefuseManualStart=)", unit.id), None));
    }
    if matches!(operation, Operation::Restart | Operation::Stop) && !able.stop {
        return Err((format!("{} refuses manual stops (RefuseManualStop=)", unit.id), None));
    }
    if operation == Operation::Reload {
        if !able.reload {
            let hint = program::command(format_args!("restart {}", service.name));
            return Err((format!("{} cannot be reloaded, only restarted", unit.id), Some(hint)));
        }
        if unit.active != "active" {
            return Err((format!("{} does not run, so it cannot be reloaded", unit.id), None));
        }
    }
    let risk = match operation {
        Operation::Restart | Operation::Stop => Risk::Disruptive,
        Operation::Reload | Operation::Start => Risk::Safe,
    };
    let quick = Duration::from_secs(30);
    let step =
        |title: String, argv: Argv, deadline, risk| Step { title, argv, deadline, risk, optional: false, again: false };
    let mut steps = Vec::new();
    if operation != Operation::Stop
        && let Some(argv) = validation(&unit.id)
    {
        steps.push(step("check its configuration".to_owned(), argv, quick, Risk::ReadOnly));
    }
    if unit.reload_needed && operation != Operation::Stop {
        let title = "reload its changed unit file (systemctl daemon-reload)".to_owned();
        steps.push(step(title, systemctl::daemon_reload(), quick, Risk::Safe));
    }
    if matches!(operation, Operation::Restart | Operation::Start) {
        // A deliberate restart must not be the one too many that systemd refuses after it has stopped the service.
        // It knows nothing of units that were not used lately, and then there is nothing to forget.
        let forget = step("reset its start counter".to_owned(), systemctl::reset_failed(&unit.id), quick, Risk::Safe);
        steps.push(Step { optional: true, ..forget });
    }
    // systemd's own limits end what hangs; the client is waited for a little longer than that.
    let deadline = quick + able.start_limit.unwrap_or(FOREVER) + able.stop_limit.unwrap_or(FOREVER);
    steps.push(step(format!("{verb} {}", unit.id), systemctl::act(verb, &unit.id), deadline, risk));
    Ok(steps)
}

/// How long a unit without any limit of its own is waited for.
const FOREVER: Duration = Duration::from_mins(5);

/// A proxy whose configuration is wrong would be gone after a restart, and keep the old one after a reload.
fn validation(unit: &str) -> Option<Argv> {
    match unit {
        "caddy.service" => Some(caddy::validate("/etc/caddy/Caddyfile")),
        "nginx.service" => Some(nginx::validate()),
        _ => None,
    }
}

fn container(operation: Operation, service: &Service, name: &str, state: State) -> Result<Vec<Step>, Objection> {
    let risk = match operation {
        Operation::Restart | Operation::Stop => Risk::Disruptive,
        Operation::Start => Risk::Safe,
        Operation::Reload => {
            let hint = program::command(format_args!("restart {}", service.name));
            return Err(("a container cannot be reloaded, only restarted".to_owned(), Some(hint)));
        }
    };
    if state == State::Paused {
        return Err(("it is paused".to_owned(), Some(format!("docker unpause {name}"))));
    }
    let verb = operation.verb();
    // docker itself kills what does not stop within ten seconds.
    let deadline = Duration::from_mins(1);
    Ok(vec![Step {
        title: format!("{verb} container {name}"),
        argv: docker::act(verb, name),
        deadline,
        risk,
        optional: false,
        again: false,
    }])
}

fn application(operation: Operation, service: &Service, app: &App, account: Account, state: State) -> Step {
    let risk = match operation {
        Operation::Restart | Operation::Stop => Risk::Disruptive,
        // One process cannot be reloaded in turns, and what runs in part is restarted whole.
        Operation::Reload if app.instances == Instances::Fork => Risk::Disruptive,
        Operation::Start if state == State::Partial => Risk::Disruptive,
        Operation::Reload | Operation::Start => Risk::Safe,
    };
    // One that ends again and again has nothing to reload in turns, and pm2 fails to.
    let verb = match (operation, state) {
        (Operation::Reload, State::CrashLoop | State::Restarting | State::Failed) => Operation::Restart.verb(),
        _ => operation.verb(),
    };
    Step {
        title: format!("{verb} {} in pm2", service.name),
        argv: pm2::act(verb, app.name, account, app.home),
        // pm2 waits for each instance in turn.
        deadline: Duration::from_mins(2),
        risk,
        optional: false, // It turns away, now and then, what it is about to start again by itself.
        again: verb == Operation::Restart.verb(),
    }
}
