//! `opsctl run`: procedures of the runbook. So far: the reboot of the whole host, which records what ran.

use std::time::Duration;

use clap::ValueEnum;

use crate::action::audit;
use crate::action::reboot::{self, Before};
use crate::action::{Risk, consent};
use crate::commands::change::{self, Change};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::exec::{ProcessEnd, Runner};
use crate::host::tools::{Argv, systemctl};
use crate::host::trouble::{Trouble, failure};
use crate::judge::health;
use crate::observe::probe::{self};
use crate::program;
use crate::registry::Deployment;
use crate::report::Head;

/// How long systemd may take to accept that it is to reboot.
const ACCEPT: Duration = Duration::from_secs(30);

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Procedure to run
    #[arg(value_enum)]
    procedure: Procedure,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

/// What can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Procedure {
    /// Record what runs, then reboot the host
    ///
    /// `verify --after-reboot` reports what did not start again.
    Reboot,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let Procedure::Reboot = args.procedure;
    let deployment = context.deployment()?;
    let evidence = probe::gather(
        context.system,
        &context.processes(),
        deployment,
        deployment.services,
        false,
        context.patience()?,
    );
    let before = Before::of(context.system, &health::judge(deployment, deployment.services, &evidence).services);
    let argv = systemctl::reboot();
    let names: Vec<&str> = before.services.iter().map(|service| service.name.as_str()).collect();
    let blast = vec![format!("stops everything on this host: {}", names.join(", "))];
    if args.change.dry_run {
        let head =
            Head::of(context.system, "opsctl/action/v1", deployment, crate::registry::Verdict::Pass, Exit::Success);
        context.ui.report(&crate::report::action::Action::reboot(head, &argv, ACCEPT, blast))?;
        return Ok(Exit::Success);
    }
    if !context.system.is_root() {
        return Err(change::no_root("run reboot").into());
    }
    let _consent = consent::obtain(context.deadline(), "reboot", Risk::Disruptive, args.change.yes, &blast)?;
    change::held(context, deployment, "run reboot", &args.change, |_| reboot(context, deployment, &before))?;
    context.ui.progress(&format!("the host reboots; afterwards: {}", program::command("verify --after-reboot")));
    Ok(Exit::Success)
}

fn reboot(context: &Context<'_>, deployment: &Deployment, before: &Before) -> Result<(), Error> {
    let argv = systemctl::reboot();
    let act = audit::begin(context, deployment, "reboot", Vec::new(), vec![argv.to_string()])?;
    let result = begin(context, deployment, before, &argv);
    let exit = result.as_ref().map_or_else(|error| error.exit, |()| Exit::Success);
    act.end(context, result.as_ref().map_or_else(|error| error.message.clone(), |()| "begun".to_owned()), exit);
    result
}

/// Records what runs, and asks for the reboot.
fn begin(context: &Context<'_>, deployment: &Deployment, before: &Before, argv: &Argv) -> Result<(), Error> {
    reboot::keep(context.system, deployment, before).map_err(|error| {
        Error::refused(
            Code::RecordUnwritable,
            format!("the running services cannot be recorded: {error}; nothing was changed"),
        )
        .hint("free space in /var, or reboot by hand: systemctl reboot")
    })?;
    let trouble = match context.processes().run(argv, ACCEPT) {
        // systemd may end us before it has said that it will.
        Ok(output) if matches!(output.exit, ProcessEnd::Code(0) | ProcessEnd::Signal(_)) => return Ok(()),
        Ok(output) => failure(&output),
        Err(error) => Trouble::from(error),
    };
    Err(Error::failed(Code::Failed, format!("systemd did not accept the reboot: {trouble}"))
        .hint("systemctl list-jobs"))
}
