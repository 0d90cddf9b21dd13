//! `opsctl diagnose`: which failure it is, what proves it and what to do about it.

use std::time::Duration;

use clap_complete::engine::ArgValueCandidates;
use jiff::tz::TimeZone;

use crate::action::audit::{self, Entry, Phase};
use crate::action::lock;
use crate::args::{complete_failures, complete_services, duration};
use crate::backup::record;
use crate::clues::changes::{self, Change};
use crate::clues::reclaim::reclaimable;
use crate::clues::{self, Clues};
use crate::commands::bundle::{self, Target};
use crate::commands::change;
use crate::commands::mend::{Candidate, Seen, mend};
use crate::commands::status::{backups, told_backups};
use crate::context::Context;
use crate::diagnosis::{self, By, Case, Ignores};
use crate::error::Error;
use crate::exit::Exit;
use crate::health::{self, Health};
use crate::probe::record::{Record, Recorder};
use crate::probe::{self, Answer, Door, Evidence, Trouble};
use crate::registry::{Deployment, Failure, Risk, Service, Verdict};
use crate::report::Head;
use crate::report::diagnosis::{Diagnosis, Finding, Ignored, Reclaim, Teller};
use crate::report::failure::{FailureRow, Failures};
use crate::report::status::Status;
use crate::select::services;
use crate::tools::Argv;

/// Arguments of `diagnose`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A failure by its name or another word for it (502, oom, tls); all of them when left out. A service instead: all that
    /// may be wrong with it.
    #[arg(value_name = "FAILURE", add = ArgValueCandidates::new(complete_failures))]
    failure: Option<String>,
    /// The service that it is about.
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(complete_services))]
    service: Option<String>,
    /// List the failures that the deployment knows, and look at nothing.
    #[arg(long, conflicts_with_all = ["failure", "service", "ignore"])]
    list: bool,
    /// Leave out findings of this code, of one subject or of all; they are counted.
    #[arg(long, value_name = "CODE[:SUBJECT]")]
    ignore: Vec<String>,
    /// Write all evidence as a tar to a new file, or with - to standard output, and nowhere else: findings, states, the newest
    /// log lines without secrets, configuration by name and hash.
    #[arg(long, value_name = "FILE|-", conflicts_with = "list")]
    bundle: Option<String>,
    /// What is to be done about it.
    #[command(flatten)]
    mend: Mend,
}

/// Flags of mending.
#[derive(Debug, clap::Args)]
pub struct Mend {
    /// Mend what was found: what is safe at once, what is disruptive with --yes, what destroys something never. Each is
    /// looked at again before and after.
    #[arg(long, conflicts_with = "list")]
    fix: bool,
    /// With --fix: show what would be done, and do nothing.
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// With --fix: consent beforehand to what would be asked.
    #[arg(short, long, requires = "fix")]
    yes: bool,
    /// With --fix: wait for a change that is under way to end.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "10m",
          value_parser = duration, requires = "fix")]
    lock_wait: Option<Duration>,
}

/// What is asked.
struct Question {
    failures: Vec<&'static Failure>,
    failure: Option<&'static Failure>,
    service: Option<&'static Service>,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    if args.list {
        context.ui.report(&list(context, deployment))?;
        return Ok(Exit::Success);
    }
    let question = understand(args, deployment)?;
    let asked = args.ignore.iter().map(|text| ignore(deployment, text)).collect::<Result<Vec<_>, _>>()?;
    let today = context.system.now().to_zoned(TimeZone::UTC).date();
    let ignores = Ignores::new(deployment, asked, today);
    let look = || look(context, deployment, &question, &ignores);
    let target = args.bundle.as_deref().map(Target::of);
    let mut diagnosis = None;
    if let Some(target) = &target {
        // Before anything is mended: afterwards it may be gone.
        let Looked { seen, scene, records } = look()?;
        let status = status(context, deployment, &scene);
        let evidence = bundle::Evidence { document: &seen.document, status: &status, scene: &scene, records: &records };
        context.ui.note(&bundle::write(context, deployment, target, &evidence)?);
        diagnosis = Some(seen.document);
    }
    let diagnosis = match diagnosis {
        Some(diagnosis) if !args.mend.fix => diagnosis,
        None if !args.mend.fix => look()?.seen.document,
        Some(_) | None => {
            let Mend { dry_run, yes, lock_wait, .. } = args.mend;
            let look = || Ok(look()?.seen);
            mend(context, deployment, &change::Change { dry_run, yes, lock_wait }, &look)?
        }
    };
    // Standard output has one thing on it.
    if !matches!(target, Some(Target::Stream)) {
        context.ui.report(&diagnosis)?;
    }
    Ok(diagnosis.head.exit_code)
}

/// What `status` would say of the same evidence.
fn status(context: &Context<'_>, deployment: &'static Deployment, scene: &Scene) -> Status {
    let health = health::judge(deployment, &scene.services, &scene.evidence);
    let holder = lock::holder(context.system, deployment);
    let backups = told_backups(context, deployment);
    Status::new(deployment, health, false, holder, backups, |verdict| {
        Head::of(context.system, "opsctl/status/v1", deployment, verdict, Exit::of(verdict, false))
    })
}

/// The failures of a deployment.
pub(super) fn list(context: &Context<'_>, deployment: &'static Deployment) -> Failures {
    let head = Head::of(context.system, "opsctl/failures/v1", deployment, Verdict::Pass, Exit::Success);
    let failures = deployment.failures.iter().map(|failure| FailureRow::new(deployment, failure)).collect();
    Failures { head, failures }
}

fn understand(args: &Args, deployment: &'static Deployment) -> Result<Question, Error> {
    let mut question = Question { failures: deployment.failures.to_vec(), failure: None, service: None };
    let mut service = args.service.as_deref();
    if let Some(word) = &args.failure {
        match (deployment.failure(word), deployment.service(word), service) {
            (Some(failure), _, _) => {
                question.failures = vec![failure];
                question.failure = Some(failure);
            }
            (None, Some(_), None) => service = Some(word),
            (None, _, _) => return Err(unknown_failure(deployment, word)),
        }
    }
    if let Some(name) = service {
        question.service = services(deployment, &[name.to_owned()])?.first().copied();
    }
    Ok(question)
}

fn unknown_failure(deployment: &'static Deployment, word: &str) -> Error {
    let names = deployment
        .failures
        .iter()
        .flat_map(|failure| std::iter::once(failure.slug).chain(failure.aliases.iter().copied()));
    let what = format!("failure of {}", deployment.name);
    let error = Error::no_such("unknown_failure", &what, word, names);
    match crate::registry::loaded::deployments().find(|other| other.failure(word).is_some()) {
        Some(other) => error.hint(format!("{} has it: -d {}", other.name, other.name)),
        None => error,
    }
}

/// The full code that somebody does not want to hear of, and the subject.
fn ignore(deployment: &'static Deployment, text: &str) -> Result<(String, Option<String>), Error> {
    let (code, subject) = match text.split_once(':') {
        Some((code, subject)) => (code, Some(subject.to_owned())),
        None => (text, None),
    };
    let Some((_, cause)) = deployment.cause(code) else {
        let codes: Vec<String> =
            deployment.failures.iter().flat_map(|f| f.causes()).map(|c| deployment.code(c)).collect();
        let what = format!("finding of {}", deployment.name);
        let error = Error::no_such("unknown_code", &what, code, codes.iter().map(String::as_str));
        return Err(error.hint("opsctl get failures -o json lists the codes"));
    };
    Ok((deployment.code(cause), subject))
}

/// What a look came to, and all that it was made of.
struct Looked {
    seen: Seen,
    scene: Scene,
    records: Vec<Record>,
}

/// All that was seen.
pub(super) struct Scene {
    services: Vec<&'static Service>,
    evidence: Evidence,
    health: Health,
    clues: Clues,
}

impl Scene {
    /// Services that are on this host, or should be.
    pub(super) fn services(&self) -> impl Iterator<Item = &'static Service> {
        let here = |service: &Service| self.health.services.iter().any(|judged| judged.name == service.name);
        self.services.iter().copied().filter(move |service| here(service))
    }

    /// The unit file of a service.
    pub(super) fn fragment(&self, service: &Service) -> Option<&str> {
        clues::unit(service, &self.evidence.managers).map(|unit| unit.fragment.as_str())
    }

    fn case(&self, deployment: &'static Deployment) -> Case<'_> {
        let Scene { services, evidence, health, clues } = self;
        Case { deployment, services, evidence, health, clues }
    }
}

fn look(
    context: &Context<'_>,
    deployment: &'static Deployment,
    question: &Question,
    ignores: &Ignores,
) -> Result<Looked, Error> {
    let processes = context.processes();
    let recorder = Recorder::new(&processes);
    let limit = context.patience()?;
    let mut scene = glance(context, deployment, &recorder, limit);
    let case = scene.case(deployment);
    let wants = diagnosis::wants(&case, &question.failures, question.service);
    let limit = context.patience()?;
    // Each question has its time from when it is asked.
    let door = || Door::new(context.system, &recorder, limit).with_trace(context.trace());
    scene.clues = clues::gather(door(), deployment, &scene.evidence.managers, &wants);
    scene.clues.backups = wants.backups.then(|| Answer {
        command: Argv::new("cat", [record::path(deployment)]).to_string(),
        result: backups(context, deployment).map_err(Trouble::from),
    });
    let case = scene.case(deployment);
    let mut found = diagnosis::diagnose(&case, &question.failures, question.service);
    for finding in found.findings.iter_mut().filter(|finding| finding.since.is_none()) {
        let looping = finding.service.filter(|service| case.is_looping(service));
        finding.since = looping.and_then(|s| changes::looping_since(door(), s, &case.evidence.managers));
    }
    let is_full = found.findings.iter().any(diagnosis::Finding::is_about_space);
    let room = if is_full { reclaimable(door(), deployment, &case.evidence.managers) } else { Vec::new() };
    let changes = if found.findings.is_empty() { Vec::new() } else { changed(context, &case, &found) };
    let records = recorder.records();
    let teller = Teller { case: &case, records: &records, changes: &changes };
    let (mut ignored, mut findings, mut remedies) = (Vec::new(), Vec::new(), Vec::new());
    for finding in &found.findings {
        let told = teller.finding(finding);
        let subject = told.subject.clone();
        match ignores.cover(&told.code, &told.subject) {
            Some(By::Request) => {
                ignored.push(Ignored { code: told.code, subject: Some(subject), until: None, why: None });
            }
            Some(By::Registry(ignore)) => ignored.push(Ignored::registered(deployment, ignore, Some(subject))),
            None => {
                remedies.push(candidate(finding, &told));
                findings.push(told);
            }
        }
    }
    let worst = findings.iter().map(|finding| finding.verdict).max();
    let (verdict, exit) = match (worst, found.doubts.is_empty()) {
        (Some(worst), _) => (worst, Exit::Unhealthy),
        (None, false) => (Verdict::Unknown, Exit::Unknown),
        (None, true) => (Verdict::Pass, Exit::Success),
    };
    let narrow = question.failure.is_some() || question.service.is_some();
    let document = Diagnosis {
        head: Head::of(context.system, "opsctl/diagnosis/v1", deployment, verdict, exit),
        failure: question.failure.map(|failure| failure.slug),
        service: question.service.map(|service| service.name),
        findings,
        undetermined: found.doubts.iter().map(|doubt| teller.doubt(doubt)).collect(),
        ruled_out: found.ruled_out.iter().filter(|_| narrow).map(|not| teller.not_this(not)).collect(),
        ignored,
        expired_ignores: ignores
            .expired()
            .map(|ignore| Ignored::registered(deployment, ignore, ignore.subject.map(str::to_owned)))
            .collect(),
        reclaim: room.into_iter().map(Reclaim::from).collect(),
        attempts: Vec::new(),
        examined: found.examined,
    };
    Ok(Looked { seen: Seen { document, remedies }, scene, records })
}

/// The first fix of a finding that changes something.
fn candidate(finding: &diagnosis::Finding, told: &Finding) -> Option<Candidate> {
    let (fix, facts) = finding.cause.fixes.iter().zip(&told.fixes).find(|(fix, _)| fix.risk > Risk::ReadOnly)?;
    Some(Candidate { service: finding.service, fix, facts: facts.clone() })
}

/// What changed before what was found: on the host, and by opsctl's own hand.
fn changed(context: &Context<'_>, case: &Case<'_>, found: &diagnosis::Diagnosis) -> Vec<Change> {
    let mut services: Vec<&'static Service> = found.findings.iter().filter_map(|finding| finding.service).collect();
    services.dedup_by_key(|service| service.name);
    let began = found.findings.iter().filter_map(|finding| finding.since).min().unwrap_or(case.evidence.time);
    let since = crate::health::earlier(began, diagnosis::REACH);
    let mut all = changes::changes(context.system, case.deployment, &services, &case.evidence.managers, since);
    // A trail that cannot be read is missed by nobody here.
    let (entries, _) = audit::read(context.system).unwrap_or_default();
    let own =
        |entry: &Entry| entry.deployment == case.deployment.name && entry.phase == Phase::End && entry.time >= since;
    for entry in entries.iter().filter(|entry| own(entry)) {
        let outcome = entry.outcome.as_deref().unwrap_or("not known");
        let what = format!("opsctl {} {} by {}: {outcome}", entry.operation, entry.targets.join(" "), entry.user);
        let targets: Vec<&Service> = entry.targets.iter().filter_map(|name| case.deployment.service(name)).collect();
        match targets.as_slice() {
            [] => all.push(Change { time: entry.time, what, service: None }),
            several => all.extend(several.iter().map(|service| Change {
                time: entry.time,
                what: what.clone(),
                service: Some(service.name),
            })),
        }
    }
    all
}

/// What `status` sees: everything, because a cause may lie anywhere.
fn glance(context: &Context<'_>, deployment: &'static Deployment, runner: &Recorder<'_>, limit: Duration) -> Scene {
    let services = deployment.services.to_vec();
    let mut evidence = probe::gather(context.system, runner, deployment, &services, true, limit);
    let health = health::judge(deployment, &services, &evidence);
    let unwell = |service: &Service| {
        let unwell = |judged: &health::ServiceHealth| judged.name == service.name && judged.verdict != Verdict::Pass;
        service.probes.is_empty() || health.services.iter().any(unwell)
    };
    evidence.holders = probe::holders(context.system, &services, &evidence.managers, unwell);
    let health = health::judge(deployment, &services, &evidence);
    Scene { services, evidence, health, clues: Clues::default() }
}
