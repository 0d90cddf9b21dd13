//! `opsctl run`: procedures of the runbook. So far: the reboot of the whole host, which records what ran.

use std::time::Duration;

use clap::ValueEnum;

use crate::action::audit::{self, Entry, Phase};
use crate::action::reboot::{self, Before};
use crate::action::{Risk, consent, lock};
use crate::commands::operate::Change;
use crate::context::Context;
use crate::error::Error;
use crate::exec::{Exit as Ended, Runner};
use crate::exit::Exit;
use crate::probe::{self, Trouble, failure};
use crate::registry::Deployment;
use crate::tools::systemctl;
use crate::{action, health};

/// How long systemd may take to accept that it is to reboot.
const ACCEPT: Duration = Duration::from_secs(30);

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The procedure.
    #[arg(value_enum)]
    procedure: Procedure,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

/// What can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Procedure {
    /// Record what runs, then reboot the host; `verify --after-reboot` tells what did not come back.
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
        let head = context.head("opsctl/action/v1", deployment, crate::registry::Verdict::Pass, Exit::Success);
        context.ui.report(&crate::report::action::Action::reboot(head, &argv, ACCEPT, blast))?;
        return Ok(Exit::Success);
    }
    if !context.system.is_root() {
        return Err(refused(
            "needs_root",
            "reboot needs root; nothing was changed".to_owned(),
            "sudo opsctl run reboot",
        ));
    }
    let _consent = consent::obtain("reboot", Risk::Disruptive, args.change.yes, &blast)?;
    let who = audit::who(context.system);
    let wait = args.change.lock_wait.unwrap_or_default();
    let (lock, unfinished) = lock::take(context.system, deployment, "run reboot", &who, wait)?;
    if let Some(note) = &unfinished {
        context.ui.note(&action::run::unfinished(note));
    }
    if let Err(error) = reboot(context, deployment, &before, who) {
        lock.abandon();
        return Err(error);
    }
    lock.finish();
    context.ui.progress("the host reboots; when it is back: opsctl verify --after-reboot");
    Ok(Exit::Success)
}

fn reboot(context: &Context<'_>, deployment: &Deployment, before: &Before, who: String) -> anyhow::Result<()> {
    let argv = systemctl::reboot();
    let mut entry = Entry {
        time: context.system.now(),
        id: format!("{}-{}", context.system.now().as_microsecond(), std::process::id()),
        phase: Phase::Begin,
        deployment: deployment.name.to_owned(),
        host: context.system.host_name(),
        user: who,
        from: audit::from(),
        operation: "reboot".to_owned(),
        targets: Vec::new(),
        commands: vec![argv.to_string()],
        outcome: None,
        exit_code: None,
        seconds: None,
    };
    audit::write(context.system, &entry)?;
    reboot::keep(context.system, deployment, before).map_err(|error| {
        let message = format!("what runs now cannot be recorded: {error}; nothing was changed");
        refused("no_record", message, "make room in /var, or reboot by hand: systemctl reboot")
    })?;
    let result = match context.processes().run(&argv, ACCEPT) {
        // systemd may end us before it has said that it will.
        Ok(output) if matches!(output.exit, Ended::Code(0) | Ended::Signal(_)) => Ok(()),
        Ok(output) => Err(failure(&output)),
        Err(error) => Err(Trouble::from(error)),
    };
    entry.phase = Phase::End;
    entry.outcome = Some(result.as_ref().map_or_else(ToString::to_string, |()| "begun".to_owned()));
    entry.exit_code = Some(result.as_ref().map_or(Exit::Failure, |()| Exit::Success).code());
    entry.seconds = Some(0.0);
    audit::write(context.system, &entry)?;
    result.map_err(|trouble| {
        Error {
            exit: Exit::Failure,
            code: "failed",
            message: format!("the host does not reboot: {trouble}"),
            hint: Some("systemctl list-jobs shows what systemd is doing".to_owned()),
        }
        .into()
    })
}

fn refused(code: &'static str, message: String, hint: &str) -> anyhow::Error {
    Error { exit: Exit::Refused, code, message, hint: Some(hint.to_owned()) }.into()
}
