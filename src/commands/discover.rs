//! `opsctl discover`: what runs on this host, and the registry for it as Rust.

use std::time::Duration;

use crate::context::Context;
use crate::discover::{self, Found};
use crate::exit::Exit;
use crate::observe::probe::Door;
use crate::registry::{LOCALHOST, Verdict};
use crate::report::Head;
use crate::report::discover::Discovery;
use crate::ui::Ui;

/// How long looking may take.
const WITHIN: Duration = Duration::from_millis(2400);

/// Arguments of `discover`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the registry as Rust source, like -o rust
    #[arg(long, conflicts_with_all = ["output", "json"])]
    rust: bool,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let found = find(context);
    if args.rust {
        let host = context.system.host_name();
        Ui::raw(discover::program(&found, &discover::plain_name(&host), &host).as_bytes())?;
        return Ok(Exit::Success);
    }
    let verdict = if found.unknown.is_empty() { Verdict::Pass } else { Verdict::Unknown };
    let exit = Exit::of(verdict, false);
    let mut head = Head::of(context.system, "opsctl/discover/v1", &LOCALHOST, verdict, exit);
    let stated = discover::stated(&found);
    head.deployment = None;
    context.ui.report(&Discovery::new(head, found, |one| stated.contains(&one.name)))?;
    Ok(exit)
}

/// Looks at this host.
pub(super) fn find(context: &Context<'_>) -> Found {
    let limit = context.within(WITHIN);
    let system = context.system.with_files_until(std::time::Instant::now() + limit);
    let processes = context.processes();
    let door = Door::new(&system, &processes, limit);
    let mut found = discover::find(door);
    discover::add_routes(door, &mut found);
    found
}
