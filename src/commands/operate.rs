//! `opsctl restart`, `reload`, `start` and `stop`: planned, consented to, locked, recorded, and proven by looking.

use std::thread;
use std::time::{Duration, Instant};

use clap_complete::engine::ArgValueCandidates;

use crate::action::plan::{self, Operation, Plan, Refusal};
use crate::action::run::{self, Done, End};
use crate::action::{Risk, audit, consent, lock};
use crate::cli::{complete_services, duration};
use crate::context::{Context, services};
use crate::error::Error;
use crate::exec::Runner;
use crate::exit::Exit;
use crate::health::State;
use crate::probe::{Answer, Evidence, Reply};
use crate::registry::{Deployment, Manager, Presence, Service, Verdict};
use crate::report::action::Action;
use crate::report::logs::Said;
use crate::tools::systemctl::{self, Abilities};
use crate::ui::Ui;
use crate::{health, logs, probe};

/// How long a service must stay well before that is called success.
pub(super) const SETTLE: &str = "10s";
/// How old a plan may be that is run as it is.
pub(super) const FRESH: Duration = Duration::from_millis(500);
/// How long may be spent on what a service wrote last.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Arguments of `restart`, `reload`, `start` and `stop`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Services to change, in the order in which they need each other.
    #[arg(value_name = "SERVICE", required_unless_present = "all", add = ArgValueCandidates::new(complete_services))]
    services: Vec<String>,
    /// Every service that is managed on this host.
    #[arg(long, conflicts_with = "services")]
    all: bool,
    /// How long each must stay well before that is called success.
    #[arg(long, value_name = "DURATION", default_value = SETTLE, value_parser = duration)]
    settle: Duration,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

/// Flags of every verb that changes something.
#[derive(Debug, clap::Args)]
pub struct Change {
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Consent beforehand to what would be asked.
    #[arg(short, long)]
    pub yes: bool,
    /// Wait for a change that is under way to end.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "10m",
          value_parser = duration)]
    pub lock_wait: Option<Duration>,
}

pub(super) fn run(operation: Operation, args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let chosen = services(deployment, &args.services)?;
    let planned = Instant::now();
    let extent = if args.all { Extent::All } else { Extent::Named };
    let mut plan = make(operation, extent, context, deployment, &chosen)?;
    if args.change.dry_run {
        let head = context.head("opsctl/action/v1", deployment, Verdict::Pass, Exit::Success);
        context.ui.report(&Action::new(head, &plan, None, None))?;
        return Ok(Exit::Success);
    }
    if !context.system.is_root() && plan.parts.iter().any(|part| needs_root(part.service)) {
        return Err(Error {
            exit: Exit::Refused,
            code: "needs_root",
            message: format!("{} needs root; nothing was changed", plan.name()),
            hint: Some(format!("sudo opsctl {}", plan.name())),
        }
        .into());
    }
    let consent = consent::obtain(&plan.name(), plan.risk(), args.change.yes, &blast(&plan))?;
    let wait = args.change.lock_wait.unwrap_or_default();
    let (mut lock, unfinished) =
        lock::take(context.system, deployment, &plan.name(), &audit::who(context.system), wait)?;
    if let Some(note) = &unfinished {
        context.ui.note(&run::unfinished(note));
    }
    if planned.elapsed() > FRESH {
        // The host may have changed while it was waited for an answer, or for the lock.
        let now = make(operation, extent, context, deployment, &chosen)?;
        if !args.change.yes && now.commands() != plan.commands() {
            lock.finish();
            return Err(Error {
                exit: Exit::Refused,
                code: "changed",
                message: format!("what {} takes has changed meanwhile; nothing was changed", plan.name()),
                hint: Some("look again: --dry-run".to_owned()),
            }
            .into());
        }
        plan = now;
    }
    let result = run::run(context, deployment, &plan, &consent, &mut lock, args.settle);
    lock.finish();
    let result = result?;
    let exit = result.exit();
    let verdict = match exit {
        Exit::Success => Verdict::Pass,
        Exit::Unknown | Exit::TimedOut => Verdict::Unknown,
        _ => Verdict::Fail,
    };
    let done = result
        .done
        .into_iter()
        .map(|done| (last_words(context, deployment, &done), done))
        .map(|(log, done)| (done, log));
    let done: Vec<(Done, Vec<Said>)> = done.collect();
    let head = context.head("opsctl/action/v1", deployment, verdict, exit);
    if let Err(error) = context.ui.report(&Action::new(head, &plan, Some(done), unfinished)) {
        // It is done, whether or not anybody reads what came of it.
        if error.kind() != std::io::ErrorKind::BrokenPipe {
            Ui::warn(&format!("{} ended with {}, which could not be printed: {error}", plan.name(), exit.code()));
            return Ok(if exit == Exit::Success { Exit::Failure } else { exit });
        }
    }
    Ok(exit)
}

/// Which services are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Those that were named.
    Named,
    /// Every one that is managed on this host.
    All,
}

/// Looks at the host, and plans.
pub(super) fn make(
    operation: Operation,
    extent: Extent,
    context: &Context<'_>,
    deployment: &'static Deployment,
    chosen: &[&'static Service],
) -> Result<Plan, Error> {
    let limit = context.patience()?;
    let processes = context.processes();
    let units: Vec<&str> = chosen.iter().flat_map(|service| unit_names(service)).collect();
    // Both at once: what systemd says of the units, and what may be done to them.
    let (evidence, abilities) = thread::scope(|scope| {
        let abilities = scope.spawn(|| abilities(&processes, units, limit));
        let evidence = probe::gather(context.system, &processes, deployment, chosen, false, limit);
        (evidence, abilities.join().unwrap_or_default())
    });
    let judged = health::judge(deployment, chosen, &evidence).services;
    let asked = chosen;
    let mut chosen = chosen.to_vec();
    if extent == Extent::All {
        // What nobody manages here, or what need not be here and does not run, is not meant by "all": a proxy that was stopped
        // because another has its ports must not come back with the rest.
        let idle = |state: State| matches!(state, State::Stopped | State::Skipped | State::Masked | State::NotFound);
        let here = |service: &Service| judged.iter().any(|health| health.name == service.name && !idle(health.state));
        chosen.retain(|s| !s.managers.is_empty() && (s.presence == Presence::Required || here(s)));
    }
    let account = |user: &str| context.system.account(|account| account.name == user);
    let mut plan = plan::make(operation, deployment, &chosen, &judged, &evidence.managers, &abilities, account)
        .map_err(|refusals| refused(operation, &refusals))?;
    if plan.parts.is_empty() {
        return Err(Error {
            exit: Exit::Refused,
            code: "nothing",
            message: format!("there is nothing on this host to {}", operation.verb()),
            hint: Some("opsctl status shows what there is".to_owned()),
        });
    }
    if matches!(operation, Operation::Restart | Operation::Stop) {
        plan.loses.extend(at_stake(asked, &evidence, &plan));
    }
    Ok(plan)
}

/// What the services say themselves of what they would lose right now.
fn at_stake(asked: &[&'static Service], evidence: &Evidence, plan: &Plan) -> Vec<(String, String)> {
    let count = |service: &Service, replies: &[Answer<Reply>]| {
        let stake =
            service.at_stake.as_ref().filter(|_| plan.parts.iter().any(|part| part.service.name == service.name))?;
        let value = replies.iter().find_map(|reply| match &reply.result {
            Ok(Reply::Http { body, .. }) => {
                let pointer = format!("/{}", stake.path.replace('.', "/"));
                serde_json::from_str::<serde_json::Value>(body).ok()?.pointer(&pointer).cloned()
            }
            _ => None,
        });
        let number = value.map_or_else(|| "an unknown number of".to_owned(), |value| value.to_string());
        Some((service.name.to_owned(), format!("right now {number} {}", stake.what)))
    };
    asked.iter().zip(&evidence.replies).filter_map(|(service, replies)| count(service, replies)).collect()
}

/// What systemd does not say of a unit is found missing in the plan.
fn abilities(runner: &dyn Runner, units: Vec<&str>, limit: Duration) -> Vec<Abilities> {
    if units.is_empty() {
        return Vec::new();
    }
    let output = runner.run(&systemctl::abilities(units), limit).ok();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    systemctl::parse_abilities(&text).unwrap_or_default()
}

fn unit_names(service: &'static Service) -> Vec<&'static str> {
    match service.managers.first() {
        Some(Manager::Systemd(unit)) => std::iter::once(unit.name).chain(unit.aliases.iter().copied()).collect(),
        _ => Vec::new(),
    }
}

fn refused(operation: Operation, refusals: &[Refusal]) -> Error {
    let reasons: Vec<String> =
        refusals.iter().map(|refusal| format!("{}: {}", refusal.service, refusal.reason)).collect();
    let hints: Vec<&str> = refusals.iter().filter_map(|refusal| refusal.hint.as_deref()).collect();
    Error {
        exit: if refusals.iter().all(|refusal| refusal.unknown) { Exit::Unknown } else { Exit::Refused },
        code: "refused",
        message: format!("no {}, nothing was changed: {}", operation.verb(), reasons.join("; ")),
        hint: (!hints.is_empty()).then(|| hints.join("; ")),
    }
}

fn needs_root(service: &Service) -> bool {
    !matches!(service.managers.first(), Some(Manager::Compose(_) | Manager::Docker(_)))
}

/// What an operator must know before consenting.
pub(super) fn blast(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan.loses.iter().map(|(service, loss)| format!("{service} loses: {loss}")).collect();
    if !plan.affects.is_empty() {
        lines.push(format!("needed by: {}", plan.affects.join(", ")));
    }
    if plan.risk() == Risk::Destructive {
        lines.push("this cannot be undone".to_owned());
    }
    lines
}

pub(super) fn last_words(context: &Context<'_>, deployment: &'static Deployment, done: &Done) -> Vec<Said> {
    match done.end {
        End::Well(_) | End::NotTried => Vec::new(),
        _ if done.service.logs.is_empty() => Vec::new(),
        _ => {
            let since = Some(done.begun);
            logs::last_words(context.system, context.trace(), deployment, done.service, since, 5, LAST_WORDS)
        }
    }
}
