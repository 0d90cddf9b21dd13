//! `opsctl verify`: does the compiled registry still match this host?

use clap_complete::engine::ArgValueCandidates;

use crate::cli::complete_services;
use crate::context::{Context, services};
use crate::drift;
use crate::exit::Exit;
use crate::health;
use crate::probe;
use crate::registry::Verdict;
use crate::report::status::Absent;
use crate::report::verify::Drift;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Services to compare; all of them when none is named.
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(complete_services))]
    services: Vec<String>,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let services = services(deployment, &args.services)?;
    let limit = context.patience()?;
    let processes = context.processes();
    let mut evidence = probe::gather(context.system, &processes, deployment, &services, false, limit);
    evidence.holders = probe::holders(context.system, &services, &evidence.managers, |_| true);
    let health = health::judge(deployment, &services, &evidence);
    let survey = probe::survey(context.system, &processes, deployment, &services, context.patience()?);
    let comparisons = drift::compare(&services, &evidence, &health, &survey);
    let verdict = comparisons.iter().map(|comparison| comparison.verdict).max().unwrap_or(Verdict::Unknown);
    let head = context.head("opsctl/verify/v1", deployment, verdict, Exit::of(verdict, false));
    let absent = health.absent.into_iter();
    let absent = absent.map(|(service, reason)| Absent { name: service.name.to_owned(), reason }).collect();
    context.ui.report(&Drift { head, comparisons, absent })?;
    Ok(Exit::of(verdict, false))
}
