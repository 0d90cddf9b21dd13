//! `opsctl discover`: what runs on this host, and the registry for it as Rust.

use std::time::{Duration, Instant};

use crate::context::Context;
use crate::discover::{self, Found, FoundService};
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::observe::probe::{Door, PATIENCE};
use crate::program;
use crate::registry::{Deployment, LOCALHOST, Verdict};
use crate::report::Head;
use crate::report::discover::{Discovery, Unstated};
use crate::ui::Ui;

/// Arguments of `discover`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the registry as Rust source, like -o rust
    #[arg(long, conflicts_with_all = ["output", "json"])]
    rust: bool,
    /// Compare with the registry of this deployment
    ///
    /// Lists only what was found and is in no registry, and what the registry states and was not found. Either ends with 3.
    #[arg(long, conflicts_with = "rust")]
    diff: bool,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let mut found = find(context);
    if args.rust {
        let host = context.system.host_name();
        Ui::raw(discover::program(&found, &discover::plain_name(&host), &host).as_bytes())?;
        // The text names what could not be looked at.
        return Ok(if found.unknown.is_empty() { Exit::Success } else { Exit::Unknown });
    }
    let deployment = context.meant()?;
    let is_own = deployment.name != LOCALHOST.name;
    if args.diff && !is_own {
        let error = Error::usage(Code::UnknownDeployment, "no deployment of a registry was detected on this host");
        return Err(error.hint(program::again("-d NAME")).into());
    }
    let missing: Vec<String> = match is_own {
        true => discover::missing(deployment, &found).iter().map(|service| service.name.to_owned()).collect(),
        false => Vec::new(),
    };
    // What every host may have is judged by what `localhost` states of it.
    let usual = discover::stated(&found);
    let is_stated = |one: &FoundService| match is_own {
        true => discover::service_of(deployment, one).is_some(),
        false => usual.contains(&one.name),
    };
    if args.diff {
        discover::keep_unstated(deployment, &mut found);
    }
    let differs = args.diff && (!found.services.is_empty() || !missing.is_empty());
    let verdict = match (differs, found.unknown.is_empty()) {
        (true, _) => Verdict::Fail,
        (false, true) => Verdict::Pass,
        (false, false) => Verdict::Unknown,
    };
    let exit = Exit::of(verdict, false);
    let mut head = Head::of(context.system, "opsctl/discover/v1", deployment, verdict, exit);
    if !is_own {
        head.deployment = None;
    }
    context.ui.report(&Discovery::new(head, found, missing, is_stated, args.diff))?;
    Ok(exit)
}

/// Finds the services of this host, with the routes to them and what speaks at their ports.
pub(super) fn find(context: &Context<'_>) -> Found {
    let limit = context.within(PATIENCE);
    let system = context.system.with_files_until(Instant::now() + limit);
    let processes = context.processes();
    let door = Door::new(&system, &processes, limit);
    let mut found = discover::find(door);
    discover::add_answers(door, &mut found);
    discover::add_routes(door, &mut found);
    found
}

/// What was found beside a deployment that a registry states, as far as its files, sockets and engines show it; no port is asked.
pub(super) fn beside(context: &Context<'_>, deployment: &'static Deployment, limit: Duration) -> Option<Unstated> {
    if deployment.name == LOCALHOST.name {
        return None;
    }
    let found = discover::find_within(context.system, &context.processes(), limit.min(discover::WITHIN));
    Some(Unstated::new(deployment, found))
}
