//! `opsctl verify`: does the compiled registry still match this host?

use std::thread;

use clap_complete::engine::ArgValueCandidates;

use super::discover;
use super::examine::{Extent, examine};
use crate::action::reboot::{self, Before};
use crate::action::schedule;
use crate::args::complete_services;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::threads::{join, task};
use crate::judge::drift::{self, Comparison};
use crate::judge::health::{Health, ServiceHealth};
use crate::observe::{logs, probe};
use crate::program;
use crate::registry::{Deployment, Service, Verdict};
use crate::report::Head;
use crate::report::discover::Unstated;
use crate::report::status::Absent;
use crate::report::verify::Drift;
use crate::select::services;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Services to compare [default: all]
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(complete_services))]
    services: Vec<String>,
    /// Compare with what ran before the last reboot
    ///
    /// As `run reboot` recorded it, instead of with the registry.
    #[arg(long)]
    after_reboot: bool,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let services = services(context.system, deployment, &args.services)?;
    let is_whole = args.services.is_empty() && !args.after_reboot;
    let Compared { mut comparisons, health, unstated } = compare(context, deployment, &services, is_whole)?;
    if args.after_reboot {
        comparisons = after_reboot(context, deployment, &health.services, &services)?;
    }
    let verdict = comparisons.iter().map(|comparison| comparison.verdict).max().unwrap_or(Verdict::Unknown);
    let head = Head::of(context.system, "opsctl/verify/v1", deployment, verdict, Exit::of(verdict, false));
    let absent = health.absent.into_iter();
    let absent = absent.map(|(service, reason)| Absent { name: service.name.to_owned(), reason }).collect();
    context.ui.report(&Drift { head, comparisons, absent, unstated })?;
    Ok(Exit::of(verdict, false))
}

/// What was compared.
pub(super) struct Compared {
    /// The registry with the host, the worst first.
    pub comparisons: Vec<Comparison>,
    health: Health,
    unstated: Option<Unstated>,
}

/// Compares what the registry states of these services with this host.
pub(super) fn compare(
    context: &Context<'_>,
    deployment: &'static Deployment,
    services: &[&'static Service],
    is_whole: bool,
) -> Result<Compared, Error> {
    let time = context.look()?;
    let system = context.system.with_files_until(time.until);
    let processes = context.processes();
    // Neither needs the other, and what hangs costs its time once.
    let ((evidence, health), survey, unstated, timers) = thread::scope(|scope| {
        let timers =
            is_whole.then(|| task(scope, || schedule::verify::compare(&system, &processes, deployment, time.rest())));
        let unstated = is_whole.then(|| task(scope, || discover::beside(context, deployment, time.rest())));
        let survey = task(scope, || probe::survey(&system, &processes, deployment, services, time.rest()));
        let seen = examine(&system, &processes, deployment, services, Extent::Ports, time.rest());
        (seen, join(survey), unstated.and_then(join), timers.map(join).unwrap_or_default())
    });
    let mut comparisons = drift::compare(services, &evidence, &health, &survey);
    let here = |service: &&&'static Service| health.absent.iter().all(|(absent, _)| absent.name != service.name);
    let here: Vec<&'static Service> = services.iter().filter(here).copied().collect();
    let found = logs::destinations(&system, context.trace(), &here, Some(&evidence.managers), time.rest());
    comparisons.extend(drift::logs(found.stated));
    comparisons.extend(timers);
    comparisons.sort_by_key(|comparison| std::cmp::Reverse(comparison.verdict));
    Ok(Compared { comparisons, health, unstated })
}

/// Compares services with what was recorded of them before the reboot.
fn after_reboot(
    context: &Context<'_>,
    deployment: &Deployment,
    now: &[ServiceHealth],
    services: &[&'static Service],
) -> Result<Vec<Comparison>, Error> {
    let missing = |why: String| {
        Error::unknown(Code::NoRecord, format!("the services before the reboot are unknown: {why}"))
            .hint(program::command("run reboot"))
    };
    let before = reboot::kept(context.system, deployment).map_err(|error| missing(error.to_string()))?;
    if before.boot == reboot::boot(context.system) {
        return Err(missing("no reboot since the record was made".to_owned()));
    }
    let Before { services: recorded, .. } = before;
    let wanted = |name: &str| services.iter().any(|service| service.name == name);
    Ok(recorded
        .into_iter()
        .filter(|service| wanted(&service.name))
        .map(|before| {
            let found = now.iter().find(|service| service.name == before.name);
            let words = |state: &str, health: Option<Verdict>| match health {
                Some(Verdict::Pass | Verdict::Warn) => format!("{state}, answers"),
                Some(Verdict::Fail) => format!("{state}, does not answer"),
                Some(Verdict::Unknown) | None => state.to_owned(),
            };
            let expected = words(&before.state, before.health);
            let seen = found.map(|service| words(service.state.label(), service.health));
            let well =
                seen.as_ref() == Some(&expected) || found.is_some_and(|service| service.verdict == Verdict::Pass);
            Comparison {
                service: Some(before.name),
                what: "after the reboot".to_owned(),
                expected,
                verdict: match found {
                    _ if well => Verdict::Pass,
                    Some(service) if service.verdict == Verdict::Unknown => Verdict::Unknown,
                    Some(_) | None => Verdict::Fail,
                },
                reason: found.filter(|_| !well).map(|service| service.summary.clone()),
                command: found
                    .and_then(|service| service.checks.first())
                    .map(|c| c.command.clone())
                    .unwrap_or_default(),
                found: seen,
            }
        })
        .collect())
}
