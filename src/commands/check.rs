//! `opsctl check`: one line for cron and monitoring, and a notification when a person has to know.

mod record;
mod subjects;
mod tell;

use std::time::Instant;

use clap_complete::engine::ArgValueCandidates;

use self::record::Recorded;
use super::change::Change;
use super::schedule::{self, Installing};
use super::status::{self, FailOn};
use crate::action::schedule::Job;
use crate::alert::heartbeat::Heartbeat;
use crate::alert::settings::{Settings, Unusable};
use crate::alert::textfile;
use crate::args::complete_services;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::registry::{Deployment, Service, Verdict};
use crate::report::Head;
use crate::report::check::Check;
use crate::report::problem::{forecast_problem, silent_channel};
use crate::report::{check_nagios, check_prom};
use crate::select::services;
use crate::ui::Ui;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Args {
    /// Services to check [default: all, and the host]
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(complete_services))]
    services: Vec<String>,
    /// Exit 3 from this verdict on [default: fail]
    #[arg(long, value_enum, default_value = "fail", value_name = "VERDICT", hide_default_value = true)]
    fail_on: FailOn,
    /// Only check: record nothing, notify nobody
    ///
    /// For monitoring systems that notify by themselves, beside the timer that records.
    #[arg(long)]
    no_record: bool,
    /// Also write metrics to this file for node_exporter
    ///
    /// Whole or not at all, readable for everybody: `/var/lib/prometheus/node-exporter/opsctl.prom`. The directory must be one that
    /// only root can change.
    #[arg(long, value_name = "FILE")]
    textfile: Option<String>,
    /// Send a test message through each channel
    ///
    /// Checks nothing, and records nothing: shows which channels are in use and what each answered.
    #[arg(long, conflicts_with_all = ["textfile", "nagios", "prom", "services"])]
    test_notify: bool,
    /// Print as a monitoring plugin; exit 0 to 3
    ///
    /// The same as `-o nagios`, the one output with exit codes of its own: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    #[arg(long, conflicts_with_all = ["output", "json"])]
    nagios: bool,
    /// Print metrics in Prometheus' text format
    ///
    /// The same as `-o prom`.
    #[arg(long, conflicts_with_all = ["output", "json", "nagios"])]
    prom: bool,
    /// Whether it is to run by itself.
    #[command(flatten)]
    installing: Installing,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    args.installing.alone(&args.change)?;
    if let Some(direction) = args.installing.direction() {
        let more: Vec<String> = args.textfile.iter().flat_map(|file| ["--textfile".to_owned(), file.clone()]).collect();
        return schedule::run(Job::Check, direction, &more, &args.installing, &args.change, context);
    }
    if args.test_notify {
        return tell::test(context);
    }
    match take(args, context) {
        Ok(exit) => Ok(exit),
        Err(error) => failed(args, context, error),
    }
}

fn take(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let deployment = context.deployment()?;
    let chosen = services(context.system, deployment, &args.services)?;
    let is_recorded = !args.no_record && context.system.is_root();
    let settings = if is_recorded { Settings::read(context.system) } else { Ok(Settings::default()) };
    let heartbeat = settings.as_ref().ok().and_then(Heartbeat::start);
    let check = look(args, context, deployment, &chosen, settings.as_ref(), begun);
    let check = match check {
        Ok(check) => check,
        Err(error) => {
            heartbeat.map(|heartbeat| heartbeat.end(false));
            return Err(error.into());
        }
    };
    let exit = check.head.exit_code;
    let unusable = settings.as_ref().err().map(ToString::to_string);
    // Where nobody can be notified from here, the heartbeat is what remains.
    let is_mute = check.notifications.not_recorded.as_ref().is_some_and(|why| is_recorded && why != record::UNDER_WAY);
    let beat = heartbeat.and_then(|heartbeat| heartbeat.end(exit == Exit::Success && !is_mute));
    for why in unusable.into_iter().chain(beat.map(|why| format!("heartbeat: {why}"))) {
        context.ui.note(&why);
    }
    if let Some(why) = check.notifications.not_recorded.as_ref().filter(|_| is_recorded) {
        context.ui.note(&format!("this check is not recorded and notifies nobody: {why}"));
    }
    if let Some(path) = &args.textfile {
        textfile::write(context.system, path, &Ui::clean(check_prom::text(&check)))?;
    }
    if args.nagios {
        Ui::raw(Ui::clean(check_nagios::text(&check, deployment)).as_bytes())?;
        return Ok(Exit::Plugin(check_nagios::state(&check)));
    }
    if args.prom {
        Ui::raw(Ui::clean(check_prom::text(&check)).as_bytes())?;
    } else {
        context.ui.report(&check)?;
    }
    Ok(exit)
}

/// One look at the machine, taken into what is known of those before.
fn look(
    args: &Args,
    context: &Context<'_>,
    deployment: &'static Deployment,
    chosen: &[&'static Service],
    settings: Result<&Settings, &Unusable>,
    begun: Instant,
) -> Result<Check, Error> {
    let is_whole = args.services.is_empty();
    let status = status::of(context, deployment, chosen, is_whole)?;
    let recorded = match args.no_record {
        true => Recorded::not("--no-record is set"),
        false => record::record(context, deployment, &status, is_whole, settings),
    };
    let Recorded { subjects, notifications, forecasts, mismatches } = recorded;
    let mut problems = status.problems;
    let is_reported = |mount: &str| problems.iter().any(|problem| problem.subject == format!("disk {mount}"));
    let ahead: Vec<_> = forecasts.iter().filter(|forecast| !is_reported(&forecast.mounted_on)).collect();
    let ahead: Vec<_> = ahead.into_iter().map(|forecast| forecast_problem(deployment, forecast)).collect();
    problems.extend(ahead);
    problems.extend(mismatches.iter().map(|(subject, summary)| subjects::mismatch(deployment, subject, summary)));
    let failing = &notifications.failing;
    problems.extend(failing.iter().map(|failing| silent_channel(deployment, failing)));
    let unrecorded = notifications.not_recorded.as_ref().filter(|why| !args.no_record && *why != record::UNDER_WAY);
    if let Some(why) = unrecorded.filter(|_| context.system.is_root()) {
        problems.push(subjects::unrecorded(deployment, why));
    }
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.verdict));
    let verdict = problems.iter().map(|problem| problem.verdict).max().unwrap_or(Verdict::Pass);
    let exit = Exit::of(verdict, args.fail_on == FailOn::Warn);
    Ok(Check {
        head: Head::of(context.system, "opsctl/check/v1", deployment, verdict, exit),
        seconds: begun.elapsed().as_secs_f64(),
        problems,
        services: status.services,
        host_resources: status.host_resources,
        backups: status.backups,
        forecasts,
        subjects,
        notifications,
        verbose: context.is_verbose(),
    })
}

/// What is written where there was no check: stale metrics must not pass for new ones.
fn failed(args: &Args, context: &Context<'_>, error: anyhow::Error) -> anyhow::Result<Exit> {
    let name = context.known_deployment().map(|deployment| deployment.name);
    let metrics = || check_prom::failed(name, context.system.now(), env!("CARGO_PKG_VERSION"));
    if let Some(path) = &args.textfile {
        // The error itself is what is reported.
        let _ = textfile::write(context.system, path, &metrics());
    }
    if args.prom {
        Ui::raw(Ui::clean(metrics()).as_bytes())?;
    }
    Err(error)
}
