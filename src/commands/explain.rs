//! `opsctl explain`: all that the registry knows of one thing.

use clap_complete::engine::ArgValueCandidates;

use crate::cli::{complete_names, deployments};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::registry::{Deployment, Service, Verdict};
use crate::report::explain::{DeploymentFacts, ServiceFacts};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A service of the deployment, or a deployment.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete_names))]
    name: String,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let head = |schema, deployment| context.head(schema, deployment, Verdict::Pass, Exit::Success);
    // A deployment's own service of that name goes first; the name of a deployment is no service's.
    let chosen = context.deployment();
    let own = chosen.as_ref().ok().and_then(|deployment| Some((*deployment, deployment.service(&args.name)?)));
    if let Some((deployment, service)) = own {
        let head = head("opsctl/explain-service/v1", deployment);
        context.ui.report(&ServiceFacts::new(head, deployment, service))?;
    } else if let Some(deployment) = deployments().find(|deployment| deployment.name == args.name) {
        let head = head("opsctl/explain-deployment/v1", deployment);
        context.ui.report(&DeploymentFacts::new(head, deployment))?;
    } else {
        let (deployment, service) = elsewhere(&args.name)?;
        let head = head("opsctl/explain-service/v1", deployment);
        context.ui.report(&ServiceFacts::new(head, deployment, service))?;
    }
    Ok(Exit::Success)
}

/// A service that only one deployment has needs no `-d`: the registry is the same on every machine.
fn elsewhere(name: &str) -> Result<(&'static Deployment, &'static Service), Error> {
    let found: Vec<_> = deployments().filter_map(|deployment| Some((deployment, deployment.service(name)?))).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let mut names: Vec<&str> = deployments().flat_map(|d| d.services).map(|service| service.name).collect();
            names.extend(deployments().map(|deployment| deployment.name));
            names.sort_unstable();
            names.dedup();
            Err(Error::no_such("unknown_name", "service or deployment", name, names.into_iter()))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(deployment, _)| deployment.name).collect();
            let message = format!("several deployments have a service {name}: {}", names.join(", "));
            Err(Error::usage("ambiguous_name", message).hint(format!("choose one: -d {}", names[0])))
        }
    }
}
