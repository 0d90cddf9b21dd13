//! Problems that `status` reports first: of services, the host, backups, a change, and of what goes wrong later.

use schemars::JsonSchema;
use serde::Serialize;

use super::checked::CheckedFacts;
use super::diagnosis::Finding;
use crate::action::lock::Note;
use crate::action::run;
use crate::alert::forecast::Forecast;
use crate::host::tools::command::Command;
use crate::judge::freshness::Freshness;
use crate::judge::health::{About, Check, Disk, Health, SKIPPED, ServiceHealth};
use crate::observe::logs::line::Said;
use crate::procedure::journal::Journal;
use crate::program;
use crate::registry::{Deployment, HostChecks, Level, Service, Verdict};
use crate::units::stamp;

/// A problem.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Problem {
    /// The service or resource.
    pub subject: String,
    /// `warn`, `unknown` or `fail`.
    pub verdict: Verdict,
    /// What is wrong, in one line.
    pub summary: String,
    /// The deployment's severity level.
    pub severity: String,
    /// How soon that level requires a response.
    pub respond: String,
    /// Why it has that severity.
    pub reason: String,
    /// Services it affects.
    pub affects: Vec<String>,
    /// The same as `next`.
    #[schemars(extend("deprecated" = true))]
    pub look: String,
    /// The next command to run.
    pub next: String,
    /// Last log lines of the service, oldest first; only of the worst problem.
    pub log: Vec<Said>,
    /// What it is about.
    #[serde(skip)]
    pub kind: ProblemKind,
}

/// What a problem is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// A service that is judged by its own checks.
    Service,
    /// A check of the host.
    Host,
    /// A backup set.
    Backup,
    /// A change or a run that did not end.
    Unfinished,
    /// A finding of this code.
    Finding(String),
    /// What could not be read.
    Source,
    /// What is expected of a check alone: drift, a forecast, a channel.
    Check,
}

impl Problem {
    /// Sorts the worst first, and of these the one whose level stands first in the deployment.
    pub(super) fn rank(&self, deployment: &Deployment) -> impl Ord + use<> {
        let level = deployment.severities.iter().position(|level| level.id == self.severity);
        (std::cmp::Reverse(self.verdict), level.unwrap_or(usize::MAX))
    }
}

pub(super) fn problems(deployment: &Deployment, health: &Health) -> Vec<Problem> {
    let mut found: Vec<Problem> = health
        .services
        .iter()
        .filter(|service| service.verdict != Verdict::Pass && service.cause.is_none())
        .filter_map(|judged| Some(service_problem(deployment.service(&judged.name)?, judged, &health.services)))
        .collect();
    let checks = health.host.iter().flat_map(|host| &host.checks);
    let bad = checks.filter(|check| check.verdict != Verdict::Pass);
    found.extend(bad.map(|check| host_problem(deployment, check, next_of(deployment, health, check))));
    found.sort_by_key(|problem| problem.rank(deployment));
    found
}

fn service_problem(service: &Service, judged: &ServiceHealth, all: &[ServiceHealth]) -> Problem {
    let explained = |other: &&ServiceHealth| other.cause.as_deref() == Some(service.name);
    let mut affects: Vec<String> = all.iter().filter(explained).map(|other| other.name.clone()).collect();
    if judged.verdict == Verdict::Fail {
        let on_host = |name: &&String| all.iter().any(|other| other.name == **name);
        affects.extend(judged.dependants.iter().filter(on_host).cloned());
        affects.sort_unstable();
        affects.dedup();
    }
    Problem {
        subject: judged.name.clone(),
        verdict: judged.verdict,
        summary: judged.summary.clone(),
        severity: judged.severity.clone(),
        respond: judged.respond.clone(),
        reason: service.severity_reason.to_owned(),
        affects,
        look: String::new(),
        next: program::command(format_args!("diagnose {}", service.name)),
        log: Vec::new(),
        kind: ProblemKind::Service,
    }
}

/// A problem that has the severity of the host's own checks.
fn of_host(
    deployment: &Deployment,
    kind: ProblemKind,
    verdict: Verdict,
    subject: String,
    summary: String,
    (reason, next): (&str, String),
) -> Problem {
    Problem {
        subject,
        verdict,
        summary,
        severity: deployment.checks.severity.id.to_owned(),
        respond: deployment.checks.severity.response.to_owned(),
        reason: reason.to_owned(),
        affects: Vec::new(),
        look: String::new(),
        next,
        log: Vec::new(),
        kind,
    }
}

pub(super) fn unfinished_problem(deployment: &Deployment, note: &Note) -> Problem {
    let next = format!("{} (again), or {}", program::command(&note.what), program::command("lock release"));
    let (subject, summary) = ("change".to_owned(), run::unfinished(note));
    let reason = "the outcome of the change is unknown";
    of_host(deployment, ProblemKind::Unfinished, Verdict::Warn, subject, summary, (reason, next))
}

/// A run of a procedure that did not come to its end.
pub(super) fn run_problem(deployment: &Deployment, run: &Journal) -> Problem {
    let at = run.steps.last().map(|step| format!(", at step {}", step.step)).unwrap_or_default();
    let (slug, since) = (&run.procedure, stamp(run.since));
    let next = ["--resume", "--undo"].map(|flag| program::command(format_args!("run {slug} {flag}"))).join(", or ");
    let summary = format!("run {slug} of {since} ({}) did not end{at}", run.who);
    let (kind, reason) = (ProblemKind::Unfinished, "some of its steps are done, others are not");
    of_host(deployment, kind, Verdict::Warn, format!("run {slug}"), summary, (reason, next))
}

pub(super) fn backup_problem(deployment: &Deployment, fresh: &Freshness) -> Problem {
    let next = program::command(format_args!("backup list {}", fresh.set));
    let (subject, summary) = (format!("backup {}", fresh.set), fresh.summary.clone());
    let why = ("data lost now cannot be restored", next);
    of_host(deployment, ProblemKind::Backup, fresh.verdict, subject, summary, why)
}

/// A warning that only checks find.
pub fn of_check(deployment: &Deployment, subject: String, summary: String, reason: &str, next: String) -> Problem {
    of_host(deployment, ProblemKind::Check, Verdict::Warn, subject, summary, (reason, next))
}

/// Checks that have stopped, and channels that accept nothing.
pub(super) fn checked_problems(deployment: &Deployment, checked: &CheckedFacts) -> Vec<Problem> {
    let mut found = Vec::new();
    if checked.stopped {
        let reason = "nobody is notified of a failure meanwhile";
        let summary = format!("checks have stopped: the last one was {}", checked.words());
        let next = "systemctl list-timers 'opsctl-*'".to_owned();
        found.push(of_check(deployment, "checks".to_owned(), summary, reason, next));
    }
    found.extend(checked.failing.iter().map(|failing| silent_channel(deployment, failing)));
    found
}

/// A channel that accepts nothing.
pub fn silent_channel(deployment: &Deployment, failing: &str) -> Problem {
    let (name, why) = failing.split_once(": ").unwrap_or((failing, "it accepts no notification"));
    let next = program::command("check --test-notify");
    of_check(deployment, format!("channel {name}"), why.to_owned(), "nobody is notified through it meanwhile", next)
}

/// A file system that will be full; one that its own bounds already report is no forecast.
pub fn forecast_problem(deployment: &Deployment, forecast: &Forecast) -> Problem {
    let mount = &forecast.mounted_on;
    let (level, reason) = host_severity(&deployment.checks, About::Disk);
    Problem {
        subject: format!("disk {mount}"),
        verdict: Verdict::Warn,
        summary: forecast.summary(),
        severity: level.id.to_owned(),
        respond: level.response.to_owned(),
        reason: reason.to_owned(),
        affects: Vec::new(),
        look: String::new(),
        next: match deployment.failure("disk-full") {
            Some(_) => program::command("diagnose disk-full"),
            None => Command::new(["df", "-h", mount]).to_string(),
        },
        log: Vec::new(),
        kind: ProblemKind::Check,
    }
}

/// What goes wrong later, by the causes that `status` checks as well.
#[derive(Debug, Default)]
pub struct Noticed {
    /// What was found.
    pub findings: Vec<Finding>,
    /// Why not all of it is known; `None` where it is, or is root's alone.
    pub open: Option<String>,
    /// Why services of this host may be missing; `None` where all are known, or the rest is root's alone.
    pub unseen: Option<String>,
}

pub(super) fn noticed_problems(deployment: &Deployment, health: &Health, noticed: Noticed) -> Vec<Problem> {
    let mut problems: Vec<Problem> =
        noticed.findings.into_iter().map(|finding| noticed_problem(deployment, finding)).collect();
    let services = health.services.iter().map(|service| service.verdict);
    let mut verdicts = services.chain(health.host.iter().flat_map(|host| &host.checks).map(|check| check.verdict));
    let unknown = |subject: &str, because: String, reason: &str, next: String| {
        let kind = ProblemKind::Source;
        of_host(deployment, kind, Verdict::Unknown, subject.to_owned(), because, (reason, next))
    };
    // Where a source is silent, that is reported of what it was asked for first.
    if let Some(because) = noticed.open.filter(|_| !verdicts.any(|verdict| verdict == Verdict::Unknown)) {
        let reason = "jobs, timers and the next boot could not be checked";
        problems.push(unknown("automation", because, reason, program::command("diagnose automation-stopped")));
    }
    if let Some(because) = noticed.unseen {
        let reason = "not every source of services could be read";
        problems.push(unknown("services", because, reason, program::command("discover")));
    }
    problems
}

fn noticed_problem(deployment: &Deployment, found: Finding) -> Problem {
    Problem {
        look: String::new(),
        next: match deployment.service(&found.subject) {
            Some(service) => program::command(format_args!("diagnose {}", service.name)),
            None => program::command(format_args!("explain {}", found.code)),
        },
        subject: found.subject,
        verdict: found.verdict,
        summary: found.summary,
        severity: found.severity.to_owned(),
        respond: found.respond.to_owned(),
        reason: found.reason.to_owned(),
        affects: found.affects,
        log: Vec::new(),
        kind: ProblemKind::Finding(found.code),
    }
}

pub(super) fn absent_problem(service: &Service, reason: &str) -> Problem {
    Problem {
        subject: service.name.to_owned(),
        verdict: Verdict::Unknown,
        summary: match reason {
            SKIPPED => format!("not started: {reason}"),
            _ => format!("not on this host: {reason}"),
        },
        severity: service.severity.id.to_owned(),
        respond: service.severity.response.to_owned(),
        reason: service.severity_reason.to_owned(),
        affects: Vec::new(),
        look: String::new(),
        next: String::new(),
        log: Vec::new(),
        kind: ProblemKind::Service,
    }
}

/// What leads on from a check of the host: of a full file system the diagnosis, which shows what uses it.
fn next_of(deployment: &Deployment, health: &Health, check: &Check) -> String {
    let mut disks = health.host.iter().filter_map(|host| host.disks.as_ref()).flatten();
    let is_meant = |disk: &&Disk| check.source.strip_prefix("disk ") == Some(&disk.mounted_on);
    let words: &[&str] = match disks.find(is_meant).filter(|_| check.verdict != Verdict::Unknown) {
        None => &[],
        Some(disk) if disk.inodes_used_percent > Some(disk.used_percent) => &["inodes-full", "disk-full"],
        Some(_) => &["disk-full"],
    };
    let known = words.iter().find(|word| deployment.failure(word).is_some());
    known.map_or_else(|| check.command.to_string(), |word| program::command(format_args!("diagnose {word}")))
}

fn host_problem(deployment: &Deployment, check: &Check, next: String) -> Problem {
    let (level, reason) = host_severity(&deployment.checks, check.about);
    Problem {
        subject: check.source.clone(),
        verdict: check.verdict,
        summary: check.summary.clone(),
        severity: level.id.to_owned(),
        respond: level.response.to_owned(),
        reason: reason.to_owned(),
        affects: Vec::new(),
        look: String::new(),
        next,
        log: Vec::new(),
        kind: ProblemKind::Host,
    }
}

fn host_severity(checks: &HostChecks, about: About) -> (&Level, &'static str) {
    match &checks.certificates {
        Some(certificates) if about == About::Certificate => {
            (certificates.severity, "clients refuse a host whose certificate is not valid")
        }
        _ if about == About::Disk => (checks.disk_severity, "a full disk stops every service that writes"),
        _ => (checks.severity, "it concerns the whole host"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::health::HostHealth;
    use crate::registry::{DEPLOYMENTS, HostChecks, LOCALHOST};

    static LEVEL: Level = Level::new("L").criterion("c").response("soon").action("a");
    static PLACE: Deployment = Deployment::new("place", &[&LEVEL], &[], HostChecks::new(&LEVEL)).summary("s");

    #[test]
    fn what_could_not_be_checked_is_a_problem_and_no_silence() {
        let health = Health {
            services: Vec::new(),
            absent: Vec::new(),
            units: Vec::new(),
            host: None,
            in_maintenance: Vec::new(),
        };
        let of = |open: Option<&str>| {
            let noticed = Noticed { findings: Vec::new(), open: open.map(str::to_owned), unseen: None };
            let found = noticed_problems(&PLACE, &health, noticed);
            found.into_iter().map(|problem| (problem.subject, problem.verdict, problem.summary)).collect::<Vec<_>>()
        };
        assert_eq!(of(None), []);
        let because = "crontabs: no answer from its file system in 2.0 s";
        assert_eq!(of(Some(because)), [("automation".to_owned(), Verdict::Unknown, because.to_owned())]);
    }

    #[test]
    fn a_disk_that_fills_up_leads_to_its_diagnosis() {
        let forecast = Forecast {
            mounted_on: "/var".to_owned(),
            full_in_seconds: 21_600,
            bytes_per_hour: 1 << 30,
            measured_seconds: 7200,
        };
        for deployment in DEPLOYMENTS.iter().copied().chain([&LOCALHOST]) {
            let problem = forecast_problem(deployment, &forecast);
            assert_eq!((problem.subject.as_str(), problem.verdict), ("disk /var", Verdict::Warn));
            assert_eq!(problem.next, "opsctl diagnose disk-full", "{}", deployment.name);
            assert_eq!(problem.severity, deployment.checks.disk_severity.id);
        }
        let problem = forecast_problem(DEPLOYMENTS[0], &forecast);
        assert_eq!(problem.summary, "full in about 6 h at this rate (1.0 GiB/h)");
    }

    #[test]
    fn a_full_disk_leads_to_its_diagnosis_in_every_deployment_that_has_it() {
        let disk = |used_percent, inodes| Disk {
            mounted_on: "/tmp".to_owned(),
            size_bytes: 1 << 30,
            available_bytes: 0,
            used_percent,
            inodes_used_percent: Some(inodes),
        };
        let next = |deployment: &'static Deployment, disk: Disk, verdict| {
            let check = Check {
                source: "disk /tmp".to_owned(),
                verdict,
                summary: "full".to_owned(),
                command: Command::new(["df", "-h", "/tmp"]),
                about: About::Disk,
                needs_root: false,
            };
            let host = HostHealth {
                verdict,
                uptime_seconds: None,
                disks: Some(vec![disk]),
                memory: None,
                load: None,
                clock: None,
                failed_units: None,
                oom_kills: None,
                certificates: Vec::new(),
                checks: vec![check],
            };
            let health = Health {
                services: Vec::new(),
                absent: Vec::new(),
                units: Vec::new(),
                host: Some(host),
                in_maintenance: Vec::new(),
            };
            problems(deployment, &health).into_iter().map(|problem| problem.next).collect::<String>()
        };
        for deployment in DEPLOYMENTS.iter().copied().chain([&LOCALHOST]) {
            let told = next(deployment, disk(100, 1), Verdict::Fail);
            assert_eq!(told, "opsctl diagnose disk-full", "{}", deployment.name);
            let mut causes = deployment.failure("disk-full").unwrap().causes();
            assert!(causes.any(|cause| crate::judge::diagnosis::concerns_disks(&cause.proof)), "{}", deployment.name);
        }
        assert_eq!(next(&LOCALHOST, disk(40, 100), Verdict::Fail), "opsctl diagnose inodes-full");
        assert_eq!(next(&LOCALHOST, disk(100, 1), Verdict::Unknown), "df -h /tmp");
    }
}
