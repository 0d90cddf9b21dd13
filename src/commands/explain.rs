//! `opsctl explain`: all that the registry knows of one thing.

use clap_complete::engine::ArgValueCandidates;

use crate::args::complete_names;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::registry::loaded::deployments;
use crate::registry::{Cause, Deployment, Failure, Procedure, Service, VerbProcedure, Verdict};
use crate::report::Head;
use crate::report::explain::{DeploymentFacts, ServiceFacts};
use crate::report::failure::FailureFacts;
use crate::report::procedure::ProcedureFacts;
use crate::select::meant;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Service, failure, procedure, finding code or deployment
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete_names))]
    name: String,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let head = |schema, deployment| Head::of(context.system, schema, deployment, Verdict::Pass, Exit::Success);
    // A deployment's own service of that name goes first; the name of a deployment is no service's.
    let chosen = context.deployment();
    let own = chosen.as_ref().ok().and_then(|deployment| Some((*deployment, one(deployment, &args.name)?)));
    if let Some((deployment, service)) = own {
        let head = head("opsctl/explain-service/v1", deployment);
        context.ui.report(&ServiceFacts::new(head, deployment, service))?;
    } else if let Some(deployment) = deployments().find(|deployment| deployment.name == args.name) {
        let head = head("opsctl/explain-deployment/v1", deployment);
        context.ui.report(&DeploymentFacts::new(head, deployment))?;
    } else if let Some((deployment, procedure)) = procedure(&args.name, chosen.as_ref().ok().copied()) {
        let head = head("opsctl/explain-procedure/v1", deployment);
        context.ui.report(&match procedure {
            Found::Steps(procedure) => ProcedureFacts::new(head, deployment, procedure),
            Found::Verb(verb) => ProcedureFacts::of_verb(head, deployment, verb),
        })?;
    } else if let Some((deployment, failure, cause)) = failure(&args.name, chosen.ok()) {
        let head = head("opsctl/explain-failure/v1", deployment);
        context.ui.report(&match cause {
            Some(cause) => FailureFacts::of_cause(head, deployment, failure, cause),
            None => FailureFacts::new(head, deployment, failure),
        })?;
    } else {
        let (deployment, service) = elsewhere(&args.name)?;
        let head = head("opsctl/explain-service/v1", deployment);
        context.ui.report(&ServiceFacts::new(head, deployment, service))?;
    }
    Ok(Exit::Success)
}

/// The one service that a deployment calls so.
fn one(deployment: &'static Deployment, word: &str) -> Option<&'static Service> {
    match meant(deployment, word).ok()?[..] {
        [one] => Some(one),
        _ => None,
    }
}

/// A procedure that a word means.
#[derive(Clone, Copy)]
enum Found {
    Steps(&'static Procedure),
    Verb(&'static VerbProcedure),
}

impl Found {
    fn of(deployment: &Deployment, word: &str) -> Option<Self> {
        let verb = || deployment.verb(word).map(Found::Verb);
        deployment.procedure(word).map(Found::Steps).or_else(verb)
    }

    fn slug(self) -> &'static str {
        match self {
            Found::Steps(procedure) => procedure.slug,
            Found::Verb(verb) => verb.slug,
        }
    }
}

/// A procedure: of the deployment that is meant, else of the first that has it. The name of a failure or service means that.
fn procedure(word: &str, chosen: Option<&'static Deployment>) -> Option<(&'static Deployment, Found)> {
    let own = |deployment: &'static Deployment| Found::of(deployment, word).map(|found| (deployment, found));
    let is_other = |deployment: &'static Deployment| {
        deployment.failure(word).is_some() || deployment.cause(word).is_some() || one(deployment, word).is_some()
    };
    match chosen.and_then(own) {
        Some((deployment, found)) if found.slug() == word || !is_other(deployment) => Some((deployment, found)),
        _ if deployments().chain(chosen).any(is_other) => None,
        _ => deployments().find_map(own),
    }
}

/// A failure or the cause of a code: of the deployment that is meant, else of the first that knows it. A code says itself
/// whose it is.
fn failure(
    word: &str,
    chosen: Option<&'static Deployment>,
) -> Option<(&'static Deployment, &'static Failure, Option<&'static Cause>)> {
    let own = |deployment: &'static Deployment| {
        let by_name = deployment.failure(word).map(|failure| (deployment, failure, None));
        by_name.or_else(|| deployment.cause(word).map(|(failure, cause)| (deployment, failure, Some(cause))))
    };
    // A service elsewhere goes before a failure elsewhere.
    let is_service = || deployments().any(|deployment| one(deployment, word).is_some());
    chosen.and_then(own).or_else(|| if is_service() { None } else { deployments().find_map(own) })
}

/// A service that only one deployment has needs no `-d`: the registry is the same on every machine.
fn elsewhere(name: &str) -> Result<(&'static Deployment, &'static Service), Error> {
    let found: Vec<_> = deployments().filter_map(|deployment| Some((deployment, one(deployment, name)?))).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let mut names: Vec<&str> = deployments().flat_map(|d| d.services).map(|service| service.name).collect();
            names.extend(deployments().map(|deployment| deployment.name));
            names.extend(deployments().flat_map(Deployment::all_failures).map(|failure| failure.slug));
            names.extend(deployments().flat_map(Deployment::all_procedures).map(|procedure| procedure.slug));
            names.extend(deployments().flat_map(|d| d.verbs).map(|verb| verb.slug));
            let codes =
                deployments().flat_map(|d| d.all_failures().flat_map(Failure::causes).map(|cause| d.code(cause)));
            let codes: Vec<String> = codes.collect();
            names.extend(codes.iter().map(String::as_str));
            names.sort_unstable();
            names.dedup();
            Err(Error::no_such(
                Code::UnknownName,
                "service, failure, procedure, code or deployment",
                name,
                names.into_iter(),
            ))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(deployment, _)| deployment.name).collect();
            let message = format!("several deployments have a service {name}: {}", names.join(", "));
            Err(Error::usage(Code::AmbiguousName, message).hint(format!("choose one: -d {}", names[0])))
        }
    }
}
