//! Evidence in, findings out. Pure: every cause of the failures that were asked for is held against the same evidence, with
//! each of its subjects; what is proven is put in causal order, what follows from something else is folded under it, and what
//! could not be determined is said. A guess is no finding.

mod case;
mod changes;
mod confirm;
mod containers;
mod data;
mod data_redis;
mod drift;
mod drift_route;
mod drift_unit;
mod evaluate;
mod footing;
mod form;
mod holder;
mod host;
mod ignores;
mod lookups;
mod order;
mod outcome;
mod place;
mod purpose;
mod reasons;
mod remedy;
mod removed;
mod replies;
mod second;
mod service;
mod sqlite;
mod unattended;
mod unmanaged;
mod unmanaged_containers;
mod values;
mod wants;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;

pub use case::Case;
pub use changes::{REACH, before};
pub use drift_route::is_edge;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use form::flaw;
pub use ignores::{By, Ignores};
pub use lookups::{named, others};
use outcome::Why;
pub use outcome::{Conclusion, Fact};

use crate::observe::clues::{Wants, ahead};
use crate::registry::{About, Cause, Clue, Deployment, Depth, Failure, Fix, Level, Remedy, Service, Verdict};

/// A cause with one of its subjects, of the first failure that has it.
#[derive(Debug, Clone, Copy)]
struct Suspicion {
    failure: &'static Failure,
    cause: &'static Cause,
    /// `None`: the host.
    subject: Option<&'static Service>,
}

/// Something that is wrong, and why.
#[derive(Debug)]
pub struct Finding {
    /// The failure that it belongs to.
    pub failure: &'static Failure,
    /// The cause.
    pub cause: &'static Cause,
    /// The service; `None` for the host.
    pub service: Option<&'static Service>,
    /// The service's name, or what of the host it is.
    pub subject: String,
    /// What is wrong, where that is more than its cause's summary.
    pub summary: Option<String>,
    /// How bad it is.
    pub severity: &'static Level,
    /// What proves it.
    pub facts: Vec<Fact>,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// Why a restart of its service would change nothing, where it would not.
    pub futile: Option<String>,
    /// What follows from it.
    pub folded: Vec<Finding>,
}

/// What could not be determined, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Why.
    pub because: String,
    /// Root would be answered.
    pub needs_root: bool,
    /// Slugs of the failures that this leaves open.
    pub failures: Vec<&'static str>,
    /// Codes of the causes.
    pub codes: Vec<&'static str>,
    /// With whom: services, or `host`.
    pub subjects: Vec<String>,
}

/// What it is not.
#[derive(Debug)]
pub struct RuledOut {
    /// The cause.
    pub cause: &'static Cause,
    /// With whom it was looked for: services, or `host`.
    pub subjects: Vec<String>,
    /// What rules it out, where there is one subject.
    pub facts: Vec<Fact>,
}

/// The answer.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// What is wrong: what explains most first, then by severity.
    pub findings: Vec<Finding>,
    /// What could not be determined.
    pub doubts: Vec<Doubt>,
    /// What was ruled out.
    pub ruled_out: Vec<RuledOut>,
    /// How many causes were held against how many subjects in all.
    pub examined: usize,
}

/// What has to be asked before [`diagnose`] can answer.
pub fn wants(case: &Case<'_>, failures: &[&'static Failure], only: Option<&'static Service>) -> Wants {
    let mut wants = Wants::default();
    for suspicion in suspicions(case, failures, only) {
        case.want(&suspicion.cause.proof, suspicion.subject, &mut wants);
    }
    wants
}

/// What of that is asked whatever services are found to be.
pub fn ahead(failures: &[&'static Failure]) -> ahead::Wanted {
    let mut wanted = ahead::Wanted::default();
    for cause in failures.iter().flat_map(|failure| failure.causes()) {
        wants::ahead(&cause.proof, &mut wanted);
    }
    wanted
}

/// Holds every cause of these failures against the evidence; with `only`, with no other service as its subject than what it needs
/// and what fails.
pub fn diagnose(case: &Case<'_>, failures: &[&'static Failure], only: Option<&'static Service>) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    let mut proven = Vec::new();
    for suspicion in suspicions(case, failures, only) {
        diagnosis.examined += 1;
        match case.outcome(&suspicion.cause.proof, suspicion.subject) {
            Conclusion::Proven(facts) => {
                for (facts, summary) in reasons::apart(&suspicion.cause.proof, facts) {
                    let found = Finding { summary, ..finding(case, suspicion, facts) };
                    if !case.follows_from_purpose(&found) {
                        proven.push(found);
                    }
                }
            }
            // What a need does not have is not what was asked.
            Conclusion::RuledOut(_) if is_need(&suspicion, only) => {}
            Conclusion::RuledOut(facts) => rule_out(&mut diagnosis.ruled_out, suspicion, facts),
            Conclusion::Unknown(whys) => doubt(&mut diagnosis.doubts, suspicion, &whys),
        }
    }
    proven = sqlite::joined(values::absorbed(proven));
    remedy::withhold(case, &mut proven);
    diagnosis.findings = order::arrange(case, proven);
    if let Some(only) = only {
        // Of what it needs only what makes that fail may be why it fails.
        let is_own = |found: &Finding| found.service.is_none_or(|service| service.name == only.name);
        diagnosis
            .findings
            .retain(|found| is_own(found) || found.cause.verdict == Verdict::Fail || found.folded.iter().any(is_own));
    }
    diagnosis.findings.iter_mut().for_each(|finding| reasons::quote(case, finding));
    diagnosis
}

/// Whether a suspicion is about what the named service needs.
fn is_need(suspicion: &Suspicion, only: Option<&Service>) -> bool {
    only.zip(suspicion.subject).is_some_and(|(only, subject)| only.name != subject.name)
}

/// The named service, and those that it needs, through others too, and that fail: one of them may be the cause.
fn with_failed_needs(case: &Case<'_>, only: &'static Service) -> Vec<&'static Service> {
    let mut needed: Vec<&'static Service> = vec![only];
    let mut at = 0;
    while let Some(service) = needed.get(at).copied() {
        let new = service.needs.iter().copied().filter(|need| needed.iter().all(|other| other.name != need.name));
        needed.extend(new.collect::<Vec<_>>());
        at += 1;
    }
    let fails = |service: &Service| {
        case.health.services.iter().any(|judged| judged.name == service.name && judged.verdict == Verdict::Fail)
    };
    needed.retain(|service| service.name == only.name || fails(service));
    needed
}

fn suspicions(case: &Case<'_>, failures: &[&'static Failure], only: Option<&'static Service>) -> Vec<Suspicion> {
    let mut found: Vec<Suspicion> = Vec::new();
    // Of several failures that have a cause the first counts; services may be thousands.
    let mut known: BTreeSet<(*const Cause, Option<&str>)> = BTreeSet::new();
    let only = only.map(|only| with_failed_needs(case, only));
    for failure in failures {
        for cause in failure.causes() {
            for subject in subjects(case, failure, cause, only.as_deref()) {
                if known.insert((std::ptr::from_ref(cause), subject.map(|service| service.name))) {
                    found.push(Suspicion { failure, cause, subject });
                }
            }
        }
    }
    found
}

/// With whom a cause is looked for on this host.
fn subjects(
    case: &Case<'_>,
    failure: &Failure,
    cause: &Cause,
    only: Option<&[&'static Service]>,
) -> Vec<Option<&'static Service>> {
    let among = |list: &[&'static Service], service: &Service| list.iter().any(|other| other.name == service.name);
    let here = |service: &&'static Service| {
        case.subject(service).is_some()
            && !case.is_kept_down(service)
            && only.is_none_or(|only| among(only, service))
            && (failure.services.is_empty() || among(failure.services, service))
    };
    match cause.about {
        About::Host => vec![None],
        About::Each => case.services.iter().copied().filter(here).map(Some).collect(),
        About::These(services) => services.iter().copied().filter(here).map(Some).collect(),
    }
}

fn finding(case: &Case<'_>, suspicion: Suspicion, facts: Vec<Fact>) -> Finding {
    let Suspicion { failure, cause, subject } = suspicion;
    let mut names: Vec<&str> = Vec::new();
    for name in facts.iter().flat_map(|fact| &fact.names) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let since = subject.and_then(|service| case.subject(service)).and_then(service::since);
    let since = facts.iter().filter_map(|fact| fact.time).min().or(since);
    Finding {
        failure,
        cause,
        service: subject,
        subject: match (subject, names.as_slice()) {
            (Some(service), _) => service.name.to_owned(),
            (None, []) => "host".to_owned(),
            (None, [first]) => (*first).to_owned(),
            (None, [first, rest @ ..]) => format!("{first} and {} more", rest.len()),
        },
        summary: None,
        severity: severity(case.deployment, failure, cause, subject),
        since,
        facts,
        futile: None,
        folded: Vec::new(),
    }
}

/// The cause's own severity, else its failure's, else its subject's.
pub(crate) fn severity(
    deployment: &Deployment,
    failure: &Failure,
    cause: &Cause,
    subject: Option<&'static Service>,
) -> &'static Level {
    let own = cause.severity.or(failure.severity).or(subject.map(|service| service.severity));
    own.unwrap_or_else(|| host_severity(deployment, &cause.proof))
}

/// Whether this is about how full file systems are.
pub fn concerns_disks(clue: &Clue) -> bool {
    mentions(clue, &|clue| matches!(clue, Clue::Disk(_) | Clue::Inodes(_)))
}

fn host_severity(deployment: &Deployment, clue: &Clue) -> &'static Level {
    let checks = &deployment.checks;
    if concerns_disks(clue) {
        return checks.disk_severity;
    }
    match &checks.certificates {
        Some(certificates) if mentions(clue, &|clue| matches!(clue, Clue::Certificate(_))) => certificates.severity,
        Some(_) | None => checks.severity,
    }
}

fn mentions(clue: &Clue, wanted: &dyn Fn(&Clue) -> bool) -> bool {
    match clue {
        Clue::All(parts) | Clue::Any(parts) => parts.iter().any(|part| mentions(part, wanted)),
        Clue::Not(part) | Clue::Of(_, part) => mentions(part, wanted),
        leaf => wanted(leaf),
    }
}

fn name(subject: Option<&'static Service>) -> String {
    subject.map_or_else(|| "host".to_owned(), |service| service.name.to_owned())
}

fn rule_out(all: &mut Vec<RuledOut>, suspicion: Suspicion, facts: Vec<Fact>) {
    match all.iter_mut().find(|other| std::ptr::eq(other.cause, suspicion.cause)) {
        Some(other) => {
            other.subjects.push(name(suspicion.subject));
            other.facts.clear();
        }
        None => all.push(RuledOut { cause: suspicion.cause, subjects: vec![name(suspicion.subject)], facts }),
    }
}

fn doubt(all: &mut Vec<Doubt>, suspicion: Suspicion, whys: &[Why]) {
    let because = whys.iter().map(|why| why.says.as_str()).collect::<Vec<_>>().join("; ");
    // Told once of all services of which it is true.
    let because = because.replace(&format!("logs of {}:", name(suspicion.subject)), "its logs:");
    let needs_root = whys.iter().any(|why| why.needs_root);
    let subject = name(suspicion.subject);
    let (failure, code) = (suspicion.failure.slug, suspicion.cause.code);
    match all.iter_mut().find(|doubt| doubt.because == because) {
        None => {
            all.push(Doubt {
                because,
                needs_root,
                failures: vec![failure],
                codes: vec![code],
                subjects: vec![subject],
            });
        }
        Some(doubt) => {
            if !doubt.failures.contains(&failure) {
                doubt.failures.push(failure);
            }
            if !doubt.codes.contains(&code) {
                doubt.codes.push(code);
            }
            if !doubt.subjects.contains(&subject) {
                doubt.subjects.push(subject);
            }
        }
    }
}

/// How facts name the file system that they are about, before its mount point.
const DISK: &str = "disk ";

/// Whether a path lies on one of these `mounts`, where `disks` are mounted; also where no mount is known.
pub fn is_on(mounts: &[&str], disks: &[&str], path: &str) -> bool {
    let holding = disks.iter().filter(|disk| Path::new(path).starts_with(disk)).max_by_key(|disk| disk.len());
    mounts.is_empty() || holding.is_none_or(|disk| mounts.contains(disk))
}

impl Finding {
    /// Whether it says that a file system is full or fills up, or that something does not start or write for that.
    pub fn is_about_space(&self) -> bool {
        mentions(&self.cause.proof, &|clue| matches!(clue, Clue::Disk(_)))
    }

    /// The thing that is at fault, where its proof names one.
    pub fn thing(&self) -> Option<&str> {
        self.facts.iter().find_map(|fact| fact.thing.as_deref())
    }

    /// What of the host it is about, each once.
    fn names(&self) -> impl Iterator<Item = &str> {
        let mut seen: Vec<&str> = Vec::new();
        let all = self.facts.iter().flat_map(|fact| &fact.names).map(String::as_str);
        all.filter(move |name| {
            !seen.contains(name) && {
                seen.push(name);
                true
            }
        })
    }

    /// The mount points that it is about.
    pub fn mounts(&self) -> Vec<&str> {
        self.facts.iter().flat_map(|fact| &fact.names).filter_map(|name| name.strip_prefix(DISK)).collect()
    }

    /// Its fixes; of a full file system those alone that free something there. `disks` are the mount points of all.
    pub fn fixes<'a>(&'a self, disks: &'a [&'a str]) -> impl Iterator<Item = &'static Fix> + 'a {
        self.cause.fixes.iter().copied().filter(move |fix| {
            let frees = |path: &&str| is_on(&self.mounts(), disks, path);
            let helps = self.futile.is_none() || !self.restarts(fix);
            let holding = self.facts.iter().find_map(|fact| fact.holding);
            let is_managed = self.service.is_none_or(|service| !service.managers.is_empty());
            let can_be = is_managed || !matches!(fix.remedy, Remedy::Restart | Remedy::Start | Remedy::Reload);
            let fits = fix.against.is_none() || fix.against == holding;
            // Of several units no command names one.
            let is_named = self.service.is_some() || self.names().count() == 1 || !fix.remedy.mentions("{unit}");
            can_be && helps && fits && is_named && (fix.frees.is_empty() || fix.frees.iter().any(frees))
        })
    }

    /// Whether it is one of the host that others follow from.
    fn is_wide(&self) -> bool {
        self.service.is_none() && self.cause.verdict == Verdict::Fail && self.cause.depth == Depth::Root
    }
}

#[cfg(test)]
mod tests;
