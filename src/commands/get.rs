//! `opsctl get`: what the registry holds, as lists.

use clap::ValueEnum;

use crate::context::Context;
use crate::exit::Exit;
use crate::registry::Verdict;
use crate::registry::loaded::deployments;
use crate::report::Head;
use crate::report::backups::{BackupSets, SetFacts};
use crate::report::list::{DeploymentRow, Deployments, ServiceRow, Services};
use crate::select::detect;

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to list.
    #[arg(value_enum)]
    what: Listing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Listing {
    /// Services of the deployment.
    Services,
    /// What is kept of its data, where, how often and for how long.
    Backups,
    /// Failures that the deployment knows.
    Failures,
    /// Deployments compiled into this binary.
    Deployments,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    match args.what {
        Listing::Services => {
            let deployment = context.deployment()?;
            let head = Head::of(context.system, "opsctl/services/v1", deployment, Verdict::Pass, Exit::Success);
            let services = deployment.services.iter().map(|service| ServiceRow::new(service)).collect();
            context.ui.report(&Services { head, services })?;
        }
        Listing::Backups => {
            let deployment = context.deployment()?;
            let head = Head::of(context.system, "opsctl/backup-sets/v1", deployment, Verdict::Pass, Exit::Success);
            let sets = deployment.backups.iter().map(SetFacts::new).collect();
            context.ui.report(&BackupSets { head, sets })?;
        }
        Listing::Failures => context.ui.report(&super::diagnose::list(context, context.deployment()?))?,
        Listing::Deployments => {
            let found = detect(context.system);
            let rows = deployments().map(|deployment| DeploymentRow {
                name: deployment.name,
                summary: deployment.summary,
                services: deployment.services.len(),
                ssh: deployment.host.ssh,
                here: found.iter().any(|here| here.name == deployment.name),
            });
            let deployments = rows.collect();
            let mut head = Head::of(
                context.system,
                "opsctl/deployments/v1",
                &crate::registry::LOCALHOST,
                Verdict::Pass,
                Exit::Success,
            );
            head.deployment = None;
            context.ui.report(&Deployments { head, deployments })?;
        }
    }
    Ok(Exit::Success)
}
