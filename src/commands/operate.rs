//! `opsctl restart`, `reload`, `start` and `stop`: planned, consented to, locked, recorded, and proven by looking.

use std::time::Duration;

use clap_complete::engine::ArgValueCandidates;

use crate::action::plan::{self, Operation, Plan, Refusal};
use crate::action::run::{self, ChangeEnd, Done};
use crate::action::{Risk, consent};
use crate::args::{complete_services, duration};
use crate::commands::change::{self, Change, Planned, SETTLE};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::judge::health;
use crate::judge::health::State;
use crate::observe::logs::line::Said;
use crate::observe::probe::{Answer, Evidence, Reply};
use crate::observe::{logs, probe};
use crate::program;
use crate::registry::{Deployment, Manager, Presence, Service, Verdict};
use crate::report::Head;
use crate::report::action::Action;
use crate::select::{or_all, services};

/// How long may be spent on what a service wrote last.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Arguments of `restart`, `reload`, `start` and `stop`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Services to change
    ///
    /// Done in the order of their needs. A unit, container, pm2 application, pattern such as 'prim-*', or several with commas.
    #[arg(value_name = "SERVICE", required_unless_present = "all", add = ArgValueCandidates::new(complete_services))]
    services: Vec<String>,
    /// Change every service that runs here
    #[arg(long, conflicts_with = "services")]
    all: bool,
    /// Verify this long before success [default: 10s]
    #[arg(long, value_name = "DURATION", default_value = SETTLE, hide_default_value = true, value_parser = duration)]
    settle: Duration,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

pub(super) fn run(operation: Operation, args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let chosen = services(context.system, deployment, &args.services).map_err(|error| or_all(error, &args.services))?;
    let planned = Planned::now();
    let is_all = args.all || args.services.iter().any(|word| word == "*");
    let extent = if is_all { Extent::All } else { Extent::Named };
    let plan = make(operation, extent, context, deployment, &chosen).map_err(|error| {
        // What cannot be seen without root could not be changed without it either.
        let unseen = error.exit == Exit::Unknown && !args.change.dry_run && !context.system.is_root();
        match unseen && chosen.iter().any(|service| needs_root(service)) {
            true => change::no_root(&args.words(operation)),
            false => error,
        }
    })?;
    if args.change.dry_run {
        let head = Head::of(context.system, "opsctl/action/v1", deployment, Verdict::Pass, Exit::Success);
        context.ui.report(&Action::new(head, &plan, None, None))?;
        return Ok(Exit::Success);
    }
    if !context.system.is_root() && plan.parts.iter().any(|part| needs_root(part.service)) {
        return Err(change::no_root(&plan.name()).into());
    }
    let consent = consent::obtain(context.deadline(), &plan.name(), plan.risk(), args.change.yes, &blast(&plan))?;
    let again = || make(operation, extent, context, deployment, &chosen);
    let name = plan.name();
    let ((plan, result), unfinished) = change::held(context, deployment, &name, &args.change, |lock| {
        let plan = planned.settled(&name, &args.change, plan, again, Plan::commands)?;
        let result = run::run(context, deployment, &plan, &consent, lock, args.settle)?;
        Ok((plan, result))
    })?;
    let exit = result.exit();
    let done = with_last_words(context, deployment, result);
    let head = Head::of(context.system, "opsctl/action/v1", deployment, exit.verdict(), exit);
    Ok(change::tell(context, &name, exit, &Action::new(head, &plan, Some(done), unfinished)))
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
    let limit = context.patience_to_change()?;
    let processes = context.processes();
    let interrupts = matches!(operation, Operation::Restart | Operation::Stop);
    let mut asked = chosen.to_vec();
    if interrupts {
        // Who would suffer is only told of those that are on this host.
        let dependants = chosen.iter().flat_map(|service| deployment.dependants(service));
        for service in dependants.filter(|service| service.presence != Presence::Required) {
            if asked.iter().all(|other| other.name != service.name) {
                asked.push(service);
            }
        }
    }
    let evidence = probe::gather(context.system, &processes, deployment, &asked, false, limit);
    let judged = health::judge(deployment, &asked, &evidence).services;
    let mut chosen = chosen.to_vec();
    if extent == Extent::All {
        // What nobody manages here, or what need not be here and does not run, is not meant by "all": a proxy that was stopped
        // because another has its ports must not come back with the rest.
        let idle = |state: State| matches!(state, State::Stopped | State::Skipped | State::Masked | State::NotFound);
        let here = |service: &Service| judged.iter().any(|health| health.name == service.name && !idle(health.state));
        chosen.retain(|s| !s.managers.is_empty() && (s.presence == Presence::Required || here(s)));
    }
    let account = |user: &str| context.system.account(|account| account.name == user);
    let mut plan = plan::make(operation, deployment, &chosen, &judged, &evidence.managers, account)
        .map_err(|refusals| refused(operation, &refusals))?;
    if plan.parts.is_empty() {
        return Err(Error::refused(
            Code::Nothing,
            format!("no service on this host to {}; nothing was changed", operation.verb()),
        )
        .hint(program::command("status")));
    }
    if interrupts {
        plan.loses.extend(at_stake(&asked, &evidence, &plan));
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

fn refused(operation: Operation, refusals: &[Refusal]) -> Error {
    let reasons: Vec<String> =
        refusals.iter().map(|refusal| format!("{}: {}", refusal.service, refusal.reason)).collect();
    let hints: Vec<&str> = refusals.iter().filter_map(|refusal| refusal.hint.as_deref()).collect();
    Error::blocked(operation.verb(), &reasons, &hints, refusals.iter().all(|refusal| refusal.unknown))
}

impl Args {
    /// The command as it was typed, without its flags.
    fn words(&self, operation: Operation) -> String {
        let services = if self.all { "--all".to_owned() } else { self.services.join(" ") };
        format!("{} {services}", operation.verb())
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

/// What came of each service, with the last words of those that are not well.
pub(super) fn with_last_words(
    context: &Context<'_>,
    deployment: &'static Deployment,
    result: run::Result,
) -> Vec<(Done, Vec<Said>)> {
    let told = |done: Done| {
        let log = last_words(context, deployment, &done);
        (done, log)
    };
    result.done.into_iter().map(told).collect()
}

pub(super) fn last_words(context: &Context<'_>, deployment: &'static Deployment, done: &Done) -> Vec<Said> {
    match done.end {
        ChangeEnd::Well(_) | ChangeEnd::NotTried => Vec::new(),
        _ if done.service.log_sources().is_empty() => Vec::new(),
        _ => {
            let since = Some(done.begun);
            logs::last_words(context.system, context.trace(), deployment, done.service, since, 5, LAST_WORDS)
        }
    }
}
