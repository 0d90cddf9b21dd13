//! `opsctl status`: what is wrong first, then every service, then the host.

mod watching;

use std::io;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use clap_complete::engine::ArgValueCandidates;
use jiff::tz::TimeZone;

use super::checked::checked;
use super::discover;
use super::examine::{Extent, examine_with};
use super::purpose::excuse;
use crate::action::lock;
use crate::args::{complete_services, duration};
use crate::backup::key::{KEY, Key};
use crate::backup::record;
use crate::backup::retention::LastRun;
use crate::context::{Context, Look};
use crate::error::Error;
use crate::exit::Exit;
use crate::host::exec::Runner;
use crate::host::threads::{join, task};
use crate::judge::diagnosis::{self, Case, Ignores};
use crate::judge::freshness::{self, Freshness};
use crate::judge::health::Health;
use crate::observe::clues::ahead::Ahead;
use crate::observe::logs::line::Said;
use crate::observe::probe::{self, Door, Visit};
use crate::observe::{clues, logs};
use crate::procedure::journal;
use crate::registry::{BackupSet, Deployment, Failure, Service, usual};
use crate::report::Head;
use crate::report::checked::CheckedFacts;
use crate::report::describe::Description;
use crate::report::diagnosis::Teller;
use crate::report::problem::Noticed;
use crate::report::status::{Beside, Status};
use crate::select::services;
use crate::ui::Format;

/// How long may be spent on what the worst failed service wrote last.
const LAST_WORDS: Duration = Duration::from_millis(800);

/// How many of them are shown beside what is wrong with it.
const EXPLAINING: usize = 3;

/// How many of its last lines are shown of one service.
const TAIL: usize = 10;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Services to show [default: all, and the host]
    ///
    /// A unit, container, pm2 application, pattern such as 'prim-*', or several with commas between them.
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(complete_services))]
    services: Vec<String>,
    /// Repeat at this interval until q [default: 2s]
    ///
    /// On a terminal the screen is redrawn and marks what changed; elsewhere each status is one line of JSON.
    #[arg(short, long, value_name = "INTERVAL", num_args = 0..=1, default_missing_value = "2s", value_parser = watch,
          add = ArgValueCandidates::new(complete_services))]
    watch: Option<Watch>,
    /// Exit 3 from this verdict on [default: fail]
    #[arg(long, value_enum, default_value = "fail", value_name = "VERDICT", hide_default_value = true)]
    fail_on: FailOn,
}

/// The word behind `--watch`.
#[derive(Debug, Clone)]
enum Watch {
    /// How often.
    Interval(Duration),
    /// A service: the flag has no value.
    Service(String),
}

/// Understands `-w 5s` as an interval and `-w wallet` as a service.
fn watch(word: &str) -> Result<Watch, String> {
    match duration(word) {
        Ok(interval) => Ok(Watch::Interval(interval)),
        Err(error) if word.starts_with(|c: char| c.is_ascii_digit()) => Err(error),
        Err(_) => Ok(Watch::Service(word.to_owned())),
    }
}

/// What counts as unhealthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Warnings and failures
    Warn,
    /// Failures only
    Fail,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    const USUAL: Duration = Duration::from_secs(2);
    let deployment = context.deployment()?;
    let (interval, named) = match &args.watch {
        None => (None, None),
        Some(Watch::Interval(interval)) => (Some(*interval), None),
        Some(Watch::Service(name)) => (Some(USUAL), Some(name)),
    };
    let names: Vec<String> = named.into_iter().chain(&args.services).cloned().collect();
    let services = services(context.system, deployment, &names)?;
    let check = || take(args.fail_on, context, deployment, &services, names.is_empty());
    if let Some(interval) = interval {
        return watching::run(context, interval, || Ok(check()?.status));
    }
    let Taken { status, lines } = check()?;
    let exit = status.head.exit_code;
    // Of one service people also want its checks and what it wrote, as systemctl prints them.
    match (&services[..], context.ui.format) {
        ([service], Format::Text | Format::Wide) if !names.is_empty() => {
            let log = tail(context, deployment, service, lines)?;
            let head = Head::of(context.system, "opsctl/status/v1", deployment, status.head.verdict, exit);
            context.ui.report(&Description { head, status, facts: None, log })?;
        }
        _ => context.ui.report(&status)?,
    }
    Ok(exit)
}

/// The state of everything.
pub(super) fn all(context: &Context<'_>, deployment: &'static Deployment) -> Result<Status, Error> {
    Ok(take(FailOn::Fail, context, deployment, deployment.services, true)?.status)
}

/// The state of these services, and of the host where that is wanted; whatever it comes to is the caller's.
pub(super) fn of(
    context: &Context<'_>,
    deployment: &'static Deployment,
    services: &[&'static Service],
    with_host: bool,
) -> Result<Status, Error> {
    Ok(look(FailOn::Fail, context, deployment, services, with_host, context.look()?, None))
}

/// The state of one service, and what it wrote last.
pub(super) fn with_tail(
    context: &Context<'_>,
    deployment: &'static Deployment,
    service: &'static Service,
) -> Result<(Status, Vec<Said>), Error> {
    let Taken { status, lines } = take(FailOn::Fail, context, deployment, &[service], false)?;
    let log = tail(context, deployment, service, lines)?;
    Ok((status, log))
}

/// What a service wrote last: of the lines that were read already, else read now.
fn tail(
    context: &Context<'_>,
    deployment: &'static Deployment,
    service: &'static Service,
    read: Option<Vec<Said>>,
) -> Result<Vec<Said>, Error> {
    if service.log_sources().is_empty() {
        return Ok(Vec::new());
    }
    if let Some(lines) = read {
        return Ok(logs::last(lines, TAIL));
    }
    let time = context.look()?;
    let system = context.system.with_files_until(time.until);
    let lines = logs::newest(&system, context.trace(), deployment, service, LAST_WORDS.min(time.rest()));
    Ok(logs::last(lines, TAIL))
}

/// How recent backups are, by what this host recorded of them: the remote is not asked, for it may be far away. Nothing of a
/// set that was never backed up here by opsctl: there may be another way of doing so.
///
/// # Errors
/// As the operating system says.
pub(super) fn backups(context: &Context<'_>, deployment: &Deployment) -> io::Result<Vec<Freshness>> {
    // Before the records are read: a run that ends in between has ended in them.
    let under_way = lock::is_backing_up(context.system, deployment);
    let mut records = record::read(context.system, deployment)?;
    if records.are_lost() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no line of it can be parsed"));
    }
    if under_way {
        records.leave_out_pending();
    }
    let now = context.system.now();
    let known = |set: &&BackupSet| records.last_run(set.name) != LastRun::None;
    // A copy counts where this host can still tell it from a forged one.
    let mark = Key::find(context.system).map_err(io::Error::other)?.map(|key| key.mark());
    let judge = |set: &BackupSet| {
        let newest = mark.as_ref().and_then(|mark| records.last_signed(set.name, mark)).map(|ended| ended.id.time);
        let last = records.last_run(set.name);
        let failed = match &last {
            LastRun::Failed(what) => Some(what.as_str()),
            LastRun::Well(_) | LastRun::None => None,
        };
        match (newest, records.last_proven(set.name)) {
            (None, Some(_)) => freshness::unsigned(set, KEY),
            (newest, _) => freshness::judge(set, newest, failed, now),
        }
    };
    Ok(deployment.backups.iter().filter(known).map(judge).collect())
}

/// The same as `status` tells it: what may not be read is root's alone and left out, any other trouble is each set's.
pub(super) fn told_backups(context: &Context<'_>, deployment: &Deployment) -> Vec<Freshness> {
    match backups(context, deployment) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Vec::new(),
        Err(error) => deployment.backups.iter().map(|set| freshness::unknown(set, &error.to_string())).collect(),
    }
}

/// The health of all services and of the host, and what goes wrong later; both rounds of it share the time of one.
fn everything(
    context: &Context<'_>,
    deployment: &'static Deployment,
    services: &[&'static Service],
    left: impl Fn() -> Duration,
) -> (Health, Noticed) {
    let processes = context.processes();
    let failures = usual::NOTICED;
    let (evidence, health, ahead) = examine_with(
        context.system,
        &processes,
        deployment,
        services,
        Extent::Whole,
        left(),
        diagnosis::ahead(failures),
    );
    let nothing = clues::Clues::default();
    let case = Case { deployment, services, evidence: &evidence, health: &health, clues: &nothing, backups: None };
    let noticed = follow_up(context, &processes, &case, failures, evidence.visits(), ahead, left());
    (health, noticed)
}

/// What of these failures is known: by what was asked, and by what they want to know beside it.
fn follow_up(
    context: &Context<'_>,
    runner: &dyn Runner,
    case: &Case<'_>,
    failures: &[&'static Failure],
    visits: &[Visit],
    ahead: Ahead,
    limit: Duration,
) -> Noticed {
    let wants = diagnosis::wants(case, failures, None);
    let door = Door::new(context.system, runner, limit);
    let clues = clues::gather(door, case.deployment, &case.evidence.managers, visits, &wants, ahead);
    noticed(context, &Case { clues: &clues, ..*case })
}

/// The health of some services, and what visitors get instead of them: their routes are asked of the edge, which is looked at for
/// that alone.
fn named(
    context: &Context<'_>,
    deployment: &'static Deployment,
    services: &[&'static Service],
    left: impl Fn() -> Duration,
) -> (Health, Noticed) {
    let processes = context.processes();
    let is_named = |name: &str| services.iter().any(|service| service.name == name);
    let edges = deployment.services.iter().copied().filter(|service| diagnosis::is_edge(service));
    let is_public = deployment.proxy.is_some() && services.iter().any(|service| !service.routes.is_empty());
    let beside: Vec<&'static Service> = edges.filter(|edge| is_public && !is_named(edge.name)).collect();
    let asked: Vec<&'static Service> = services.iter().copied().chain(beside).collect();
    let failures = if is_public { &[&usual::PUBLIC_ROUTES][..] } else { &[] };
    let (limit, wanted) = (left(), diagnosis::ahead(failures));
    let ((evidence, mut health, ahead), visits) = thread::scope(|scope| {
        let door = Door::new(context.system, &processes, limit);
        let visits = task(scope, move || probe::visits(door, deployment, services));
        let examined = examine_with(context.system, &processes, deployment, &asked, Extent::Services, limit, wanted);
        (examined, join(visits))
    });
    let mut found = Noticed::default();
    if is_public {
        let nothing = clues::Clues::default();
        let case =
            Case { deployment, services: &asked, evidence: &evidence, health: &health, clues: &nothing, backups: None };
        found = follow_up(context, &processes, &case, failures, &visits, ahead, left());
        found.findings.retain(|finding| is_named(&finding.subject));
        found.open = None;
    }
    health.services.retain(|judged| is_named(&judged.name));
    health.absent.retain(|(service, _)| is_named(service.name));
    (health, found)
}

/// What goes wrong later, as far as that is known without further questions and the registry does not leave it out.
pub(super) fn noticed(context: &Context<'_>, case: &Case<'_>) -> Noticed {
    let found = diagnosis::diagnose(case, usual::NOTICED, None);
    let teller = Teller { case, records: &[], changes: &[] };
    let today = context.system.now().to_zoned(TimeZone::UTC).date();
    let ignores = Ignores::new(case.deployment, Vec::new(), today);
    let findings = found.findings.iter().map(|finding| teller.finding(finding));
    let findings = findings.filter(|finding| ignores.cover(&finding.code, &finding.subject).is_none()).collect();
    // What is root's alone is left out, as with backups. Whether visitors reach a service was asked; what its proxy's files say
    // beside that is the business of `diagnose`.
    let automation = usual::NOT_BY_ITSELF.slug;
    let open = found.doubts.into_iter().find(|doubt| !doubt.needs_root && doubt.failures.contains(&automation));
    let open = open.map(|doubt| doubt.because);
    Noticed { findings, open, unseen: None }
}

/// A status, and the newest lines of the service that failed worst, where one did.
struct Taken {
    status: Status,
    lines: Option<Vec<Said>>,
}

fn take(
    fail_on: FailOn,
    context: &Context<'_>,
    deployment: &'static Deployment,
    services: &[&'static Service],
    with_host: bool,
) -> Result<Taken, Error> {
    let time = context.look()?;
    let checked = with_host.then(|| checked(context, deployment)).flatten();
    let mut status = look(fail_on, context, deployment, services, with_host, time, checked);
    let failed = status.failed(deployment).filter(|service| !service.log_sources().is_empty());
    let lines = failed.map(|service| {
        let system = context.system.with_files_until(time.until);
        let limit = LAST_WORDS.min(time.rest());
        logs::newest(&system, context.trace(), deployment, service, limit)
    });
    if let Some(lines) = &lines {
        status.add_last_words(&logs::explaining(lines.clone(), EXPLAINING));
    }
    Ok(Taken { status, lines })
}

/// One look at the machine, without what services wrote.
fn look(
    fail_on: FailOn,
    context: &Context<'_>,
    deployment: &'static Deployment,
    services: &[&'static Service],
    with_host: bool,
    time: Look,
    checked: Option<CheckedFacts>,
) -> Status {
    let system = context.system.with_files_until(time.until);
    let context = &context.on(&system);
    let ((mut health, mut noticed), unstated) = thread::scope(|scope| {
        let unstated = with_host.then(|| task(scope, || discover::beside(context, deployment, time.rest())));
        let seen = if with_host {
            everything(context, deployment, services, || time.rest())
        } else {
            named(context, deployment, services, || time.rest())
        };
        (seen, unstated.and_then(join))
    });
    noticed.unseen = context.unseen().filter(|_| with_host).map(str::to_owned);
    let holder = lock::holder(context.system, deployment);
    let purposes = excuse(context, deployment, &mut health, time.rest());
    let backups = if with_host { told_backups(context, deployment) } else { Vec::new() };
    let runs = journal::unfinished(context.system, deployment);
    let beside = Beside { holder, runs, backups, noticed, checked };
    let mut status = Status::new(deployment, health, !with_host, beside, |verdict| {
        Head::of(context.system, "opsctl/status/v1", deployment, verdict, Exit::of(verdict, fail_on == FailOn::Warn))
    });
    status.unstated = unstated;
    status.maintenance = purposes.maintenance(deployment);
    if !context.is_detected(deployment) {
        status.name_deployment(deployment.name);
    }
    status
}
