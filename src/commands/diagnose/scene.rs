//! What `diagnose` looks at, and what it finds there.

use std::time::Duration;

use crate::action::audit::{self, Entry, Phase};
use crate::action::lock;
use crate::backup::record;
use crate::commands::examine::{Extent, examine_with};
use crate::commands::purpose::{Purposes, excuse};
use crate::commands::status::backups;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::host::tools::command::Command;
use crate::host::trouble::Trouble;
use crate::judge::diagnosis::{self, By, Case, Ignores};
use crate::judge::freshness::Freshness;
use crate::judge::health::Health;
use crate::observe::clues::changes::{self, Change};
use crate::observe::clues::reclaim::reclaimable;
use crate::observe::clues::{self, Clues};
use crate::observe::probe::record::{Record, Recorder};
use crate::observe::probe::{self, Answer, Door, Evidence};
use crate::program;
use crate::registry::{Deployment, Failure, Fix, Remedy, Risk, Service, Verdict};
use crate::report::Head;
use crate::report::diagnosis::{Diagnosis, Finding, Ignored, Reclaim, Teller};
use crate::report::failure::FixFacts;

/// How long what was late is waited for in a second look, at most.
const SECOND_LOOK: Duration = Duration::from_millis(10_300);
/// What ending and printing take.
const ENDING: Duration = Duration::from_millis(300);

/// What is asked.
pub struct Question {
    /// Failures to look for.
    pub failures: Vec<&'static Failure>,
    /// The one that was named.
    pub failure: Option<&'static Failure>,
    /// The service that it is about.
    pub service: Option<&'static Service>,
}

/// What was seen, and how each finding would be mended.
pub struct Seen {
    /// As it is told.
    pub document: Diagnosis,
    /// Of each finding, in its order, the first fix that changes something.
    pub remedies: Vec<Option<Candidate>>,
}

/// A fix of a finding.
#[derive(Clone)]
pub struct Candidate {
    /// The service that it is about.
    pub service: Option<&'static Service>,
    /// The fix.
    pub fix: &'static Fix,
    /// As it is told.
    pub facts: FixFacts,
    /// Why a restart is not borne out by a second source, where it is not.
    pub unconfirmed: Option<String>,
}

/// What a look came to, and all that it was made of.
pub struct Looked {
    /// Findings and their fixes.
    pub seen: Seen,
    /// What they were made of.
    pub scene: Scene,
    /// The commands that were run.
    pub records: Vec<Record>,
}

/// All that was seen.
pub struct Scene {
    /// All services of the deployment.
    pub services: Vec<&'static Service>,
    /// What `status` saw.
    pub evidence: Evidence,
    health: Health,
    clues: Clues,
    backups: Option<Answer<Vec<Freshness>>>,
}

impl Scene {
    /// Services that are on this host, or should be.
    pub fn services(&self) -> impl Iterator<Item = &'static Service> {
        let here = |service: &Service| self.health.services.iter().any(|judged| judged.name == service.name);
        self.services.iter().copied().filter(move |service| here(service))
    }

    /// The unit file of a service.
    pub fn fragment(&self, service: &Service) -> Option<&str> {
        clues::unit(service, &self.evidence.managers).map(|unit| unit.fragment.as_str())
    }

    /// What is held against the causes.
    pub fn case(&self, deployment: &'static Deployment) -> Case<'_> {
        let Scene { services, evidence, health, clues, backups } = self;
        Case { deployment, services, evidence, health, clues, backups: backups.as_ref() }
    }
}

/// Looks for what is asked.
///
/// # Errors
/// When the time of the whole command is over.
pub fn look(
    context: &Context<'_>,
    deployment: &'static Deployment,
    question: &Question,
    ignores: &Ignores,
) -> Result<Looked, Error> {
    let time = context.look()?;
    let system = context.system.with_files_until(time.until);
    let context = &context.on(&system);
    let processes = context.processes();
    let recorder = Recorder::new(&processes);
    let limit = time.first();
    // Everything, because a cause may lie anywhere.
    let services = deployment.services.to_vec();
    let wanted = diagnosis::ahead(&question.failures);
    let (evidence, mut health, ahead) =
        examine_with(context.system, &recorder, deployment, &services, Extent::Whole, limit, wanted);
    let purposes = excuse(context, deployment, &mut health, time.rest());
    let mut scene = Scene { services, evidence, health, clues: Clues::default(), backups: None };
    let case = scene.case(deployment);
    let mut wants = diagnosis::wants(&case, &question.failures, question.service);
    wants.patience = context.within(SECOND_LOOK).saturating_sub(ENDING);
    // What did not answer is not asked again.
    let docker = probe::give_up_engine(&scene.evidence.managers, time.until).then_some(("docker", limit));
    recorder.give_up_silent(docker);
    let door = || Door::new(context.system, &recorder, time.rest()).with_trace(context.trace());
    scene.clues = clues::gather(door(), deployment, &scene.evidence.managers, scene.evidence.visits(), &wants, ahead);
    let wanted = diagnosis::others(&scene.case(deployment), &question.failures);
    clues::look_up(door(), deployment, &mut scene.clues, &wanted);
    let wanted = diagnosis::named(&scene.case(deployment), &question.failures);
    clues::look_up(door(), deployment, &mut scene.clues, &wanted);
    scene.backups = wants.backups.then(|| Answer {
        command: Command::new(["cat", &record::path(deployment)]),
        result: backups(context, deployment).map_err(Trouble::from),
    });
    let case = scene.case(deployment);
    let mut found = diagnosis::diagnose(&case, &question.failures, question.service);
    for finding in found.findings.iter_mut().filter(|finding| finding.since.is_none()) {
        let looping = finding.service.filter(|service| case.is_looping(service));
        finding.since = looping.and_then(|s| changes::looping_since(door(), s, &case.evidence.managers));
    }
    let full: Vec<&diagnosis::Finding> = found.findings.iter().filter(|finding| finding.is_about_space()).collect();
    let mut room = match full.is_empty() {
        true => Vec::new(),
        false => reclaimable(door(), deployment, &case.evidence.managers),
    };
    // What lies on another file system than the full one makes no space there.
    let mounts: Vec<&str> = full.iter().flat_map(|finding| finding.mounts()).collect();
    room.retain(|room| diagnosis::is_on(&mounts, &case.mounts(), room.path));
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
                remedies.push(candidate(&case, finding, &told, &purposes));
                findings.push(told);
            }
        }
    }
    let on_purpose = teller.on_purpose();
    let worst = findings.iter().map(|finding| finding.verdict).max();
    let (verdict, exit) = match (worst, found.doubts.is_empty()) {
        (Some(worst), _) => (worst, Exit::Unhealthy),
        (None, false) => (Verdict::Unknown, Exit::Unknown),
        // What is down on purpose is no finding, and not well either.
        (None, true) if !on_purpose.is_empty() => (Verdict::Warn, Exit::Success),
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
        on_purpose,
        maintenance: purposes.maintenance(deployment),
        lock: lock::holder(context.system, deployment).into(),
        attempts: Vec::new(),
        examined: found.examined,
    };
    Ok(Looked { seen: Seen { document, remedies }, scene, records })
}

/// The first fix of a finding that changes something.
fn candidate(case: &Case<'_>, finding: &diagnosis::Finding, told: &Finding, purposes: &Purposes) -> Option<Candidate> {
    let mounts = case.mounts();
    let (fix, facts) = finding.fixes(&mounts).zip(&told.fixes).find(|(fix, _)| fix.risk > Risk::ReadOnly)?;
    let restarts = matches!(fix.remedy, Remedy::Restart | Remedy::RestartOf(_) | Remedy::Reload | Remedy::ReloadOf(_));
    let starts = restarts || matches!(fix.remedy, Remedy::Start | Remedy::Command(_));
    let unconfirmed = if restarts { case.unconfirmed(finding) } else { None };
    // What a fix starts beside its subject may be down on purpose; so may its subject, where the trail cannot be read.
    let kept_down = starts.then(|| case.kept_down(fix, &facts.argv)).flatten();
    let unread = || {
        let error = purposes.trail.as_ref().err().filter(|_| starts && finding.is_stopped())?;
        Some(format!("whether it was stopped on purpose is unknown: {}: {error}", audit::FILE))
    };
    let unconfirmed = unconfirmed.or(kept_down).or_else(unread);
    Some(Candidate { service: finding.service, fix, facts: facts.clone(), unconfirmed })
}

/// What changed before what was found: on the host, and by opsctl's own hand.
fn changed(context: &Context<'_>, case: &Case<'_>, found: &diagnosis::Diagnosis) -> Vec<Change> {
    let mut services: Vec<&'static Service> = found.findings.iter().filter_map(|finding| finding.service).collect();
    services.dedup_by_key(|service| service.name);
    let began = found.findings.iter().filter_map(|finding| finding.since).min().unwrap_or(case.evidence.time);
    let since = crate::units::earlier(began, diagnosis::REACH);
    let mut all = changes::changes(context.system, case.deployment, &services, &case.evidence.managers, since);
    // A trail that cannot be read is missed by nobody here.
    let (entries, _) = audit::read(context.system).unwrap_or_default();
    let own =
        |entry: &Entry| entry.deployment == case.deployment.name && entry.phase == Phase::End && entry.time >= since;
    for entry in entries.iter().filter(|entry| own(entry)) {
        let outcome = entry.outcome.as_deref().unwrap_or("not known");
        let what = program::command(format_args!(
            "{} {} by {}: {outcome}",
            entry.operation,
            entry.targets.join(" "),
            entry.user
        ));
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
