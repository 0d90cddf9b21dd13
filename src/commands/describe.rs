//! `opsctl describe`: one service in full: its state, what the registry knows of it, and what it wrote last.

use clap_complete::engine::ArgValueCandidates;

use super::status;
use crate::args::complete_services;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::registry::Verdict;
use crate::report::Head;
use crate::report::describe::Description;
use crate::report::explain::ServiceFacts;
use crate::select::services;

/// Arguments of `describe`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Service to describe
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(complete_services))]
    service: String,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let chosen = services(context.system, deployment, std::slice::from_ref(&args.service))?;
    let [service] = chosen[..] else {
        let names: Vec<&str> = chosen.iter().map(|service| service.name).collect();
        let message = format!("{} means several services: {}", args.service, names.join(", "));
        return Err(Error::usage(Code::AmbiguousName, message)
            .hint(program::command(format_args!("describe {}", names[0])))
            .into());
    };
    let (status, log) = status::with_tail(context, deployment, service)?;
    let exit = status.head.exit_code;
    let head = Head::of(context.system, "opsctl/describe/v1", deployment, status.head.verdict, exit);
    let explained = Head::of(context.system, "opsctl/explain-service/v1", deployment, Verdict::Pass, Exit::Success);
    let facts = Some(ServiceFacts::new(explained, deployment, service));
    context.ui.report(&Description { head, status, facts, log })?;
    Ok(exit)
}
