//! PURE. What one look at the machine says of each subject, as alerting takes it.

use jiff::civil::Date;

use crate::alert::Class;
use crate::alert::forecast::Forecast;
use crate::alert::observation::{Facts, Grade, Observation};
use crate::judge::health::{About, Check, ServiceHealth};
use crate::program;
use crate::registry::{Deployment, Thresholds, Verdict};
use crate::report::problem::{Problem, ProblemKind, forecast_problem, of_check};
use crate::report::status::Status;

/// What is certain after one check.
const AT_ONCE: Thresholds = Thresholds::fail_after(1).recover_after(1);
/// How often an open incident is reported again: response time of its severity, and after how many seconds.
const REMINDERS: [(u32, u64); 3] = [(15 * 60, 3600), (3600, 4 * 3600), (4 * 3600, 12 * 3600)];
/// The same where that is longer, or no span of time.
const DAILY: u64 = 24 * 3600;

/// What is known beside the status.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// The day, for ignores that end.
    pub today: Date,
    /// Whether copies are made now, while services rest.
    pub backing_up: bool,
    /// Why notifications of a subject of this class and severity are silenced elsewhere.
    pub silenced: &'a dyn Fn(&str, Class, &str) -> Option<String>,
}

/// The classes of which a status of everything has all subjects.
pub fn complete(status: &Status) -> Vec<Class> {
    let host = status.host_resources.as_ref();
    let is_open = |kind: &ProblemKind| *kind == ProblemKind::Source;
    let sources_known = !status.problems.iter().any(|problem| is_open(&problem.kind));
    let mut classes = vec![Class::Certificate, Class::Backup, Class::Host];
    classes.extend(host.and_then(|host| host.disks.as_ref()).map(|_| Class::Disk));
    if sources_known {
        classes.push(Class::Service);
        classes.extend(host.and_then(|host| host.failed_units.as_ref()).map(|_| Class::Finding));
    }
    if host.is_none() { Vec::new() } else { classes }
}

/// What a status says of each subject.
pub fn observations(deployment: &'static Deployment, status: &Status, around: Circumstances<'_>) -> Vec<Observation> {
    let mut found: Vec<Observation> = Vec::new();
    found.extend(status.services.iter().map(|service| of_service(deployment, status, service, around)));
    let checks = status.host_resources.iter().flat_map(|host| &host.checks);
    for check in checks {
        found.extend(of_host(deployment, status, check));
    }
    found.extend(status.backups.iter().map(|backup| {
        let name = format!("backup {}", backup.set);
        let grade = grade(backup.verdict, true);
        of_problem(deployment, status, &ProblemKind::Backup, name, Class::Backup, grade)
    }));
    for problem in &status.problems {
        if let ProblemKind::Finding(code) = &problem.kind {
            let grade = grade(problem.verdict, false);
            let subject = match deployment.service(&problem.subject) {
                // The service itself is another subject.
                Some(_) => format!("{} {code}", problem.subject),
                None => problem.subject.clone(),
            };
            found.push(Observation { facts: facts(deployment, problem), ..plain(subject, Class::Finding, grade) });
        }
    }
    for seen in &mut found {
        let ignored = || {
            let ignores = deployment.ignores.iter().filter(|ignore| ignore.until >= around.today);
            let ignore = ignores.into_iter().find(|ignore| ignore.subject == Some(seen.subject.as_str()))?;
            Some(format!("ignored until {}: {}", ignore.until, ignore.why))
        };
        if seen.grade != Some(Grade::Healthy) && seen.excused.is_none() && !seen.explained {
            seen.excused = ignored().or_else(|| (around.silenced)(&seen.subject, seen.class, &seen.facts.severity));
        }
    }
    // Two of one name count as the worse one.
    let severity = |grade: Option<Grade>| match grade {
        Some(Grade::Healthy) => 0,
        None => 1,
        Some(Grade::Warning) => 2,
        Some(Grade::Failure) => 3,
    };
    found.sort_by(|a, b| a.subject.cmp(&b.subject).then(severity(b.grade).cmp(&severity(a.grade))));
    found.dedup_by(|later, first| later.subject == first.subject);
    found
}

fn of_service(
    deployment: &'static Deployment,
    status: &Status,
    judged: &ServiceHealth,
    around: Circumstances<'_>,
) -> Observation {
    let service = deployment.service(&judged.name);
    let grade = grade(judged.verdict, false);
    let rests = around.backing_up
        && deployment.backups.iter().any(|set| set.owners.iter().any(|owner| owner.name == judged.name));
    let excused = match (&judged.cause, &judged.on_purpose) {
        (Some(_), _) => None,
        (None, Some(purpose)) => Some(purpose.words()),
        (None, None) => rests.then(|| "a backup of its data is under way".to_owned()),
    };
    let seen = of_problem(deployment, status, &ProblemKind::Service, judged.name.clone(), Class::Service, grade);
    // What is down on purpose is a warning, and no sign of health.
    let is_down = judged.on_purpose.is_some() && judged.verdict != Verdict::Pass;
    Observation {
        grade: if is_down { Some(Grade::Failure) } else { seen.grade },
        explained: judged.cause.is_some(),
        excused: excused.filter(|_| judged.verdict != Verdict::Pass),
        thresholds: service.map_or(seen.thresholds, |service| service.thresholds),
        facts: Facts {
            severity: judged.severity.clone(),
            respond: judged.respond.clone(),
            rank: rank(deployment, &judged.severity),
            remind_seconds: remind(deployment, &judged.severity),
            ..seen.facts
        },
        ..seen
    }
}

/// A check of the host is a subject; of failed units each is one.
fn of_host(deployment: &'static Deployment, status: &Status, check: &Check) -> Vec<Observation> {
    let class = match check.about {
        About::Disk => Class::Disk,
        About::Certificate => Class::Certificate,
        About::Container | About::NoContainer | About::Restarts | About::Other => Class::Host,
    };
    let units = status.host_resources.iter().filter_map(|host| host.failed_units.as_ref()).flatten();
    if check.source == "failed units" && check.verdict != Verdict::Unknown {
        let problem = status.problems.iter().find(|problem| problem.subject == check.source);
        let facts = problem.map(|problem| facts(deployment, problem)).unwrap_or_default();
        let grade = grade(check.verdict, false);
        let unit = |unit: &String| Observation {
            facts: Facts { summary: "the unit has failed".to_owned(), ..facts.clone() },
            ..plain(format!("unit {unit}"), Class::Finding, grade)
        };
        return units.map(unit).collect();
    }
    let foretells = matches!(class, Class::Disk | Class::Certificate);
    let grade = grade(check.verdict, foretells);
    let seen = of_problem(deployment, status, &ProblemKind::Host, check.source.clone(), class, grade);
    let thresholds = if foretells { AT_ONCE } else { seen.thresholds };
    vec![Observation { thresholds, ..seen }]
}

fn of_problem(
    deployment: &'static Deployment,
    status: &Status,
    kind: &ProblemKind,
    subject: String,
    class: Class,
    grade: Option<Grade>,
) -> Observation {
    let mut problems = status.problems.iter();
    let problem = problems.find(|problem| problem.kind == *kind && problem.subject == subject);
    let facts = problem.map(|problem| facts(deployment, problem)).unwrap_or_default();
    Observation { facts, ..plain(subject, class, grade) }
}

fn plain(subject: String, class: Class, grade: Option<Grade>) -> Observation {
    Observation {
        subject,
        class,
        grade,
        explained: false,
        excused: None,
        thresholds: Thresholds::fail_after(2),
        gone: false,
        facts: Facts::default(),
    }
}

/// What a problem says of its subject.
pub fn facts(deployment: &Deployment, problem: &Problem) -> Facts {
    Facts {
        summary: problem.summary.clone(),
        severity: problem.severity.clone(),
        respond: problem.respond.clone(),
        rank: rank(deployment, &problem.severity),
        remind_seconds: remind(deployment, &problem.severity),
        affects: problem.affects.clone(),
        next: problem.next.clone(),
    }
}

/// How bad a verdict is. A warning is one only of what `foretells` a failure: of the rest it is for whoever reads `status`.
fn grade(verdict: Verdict, foretells: bool) -> Option<Grade> {
    match verdict {
        Verdict::Warn if foretells => Some(Grade::Warning),
        Verdict::Pass | Verdict::Warn => Some(Grade::Healthy),
        Verdict::Fail => Some(Grade::Failure),
        Verdict::Unknown => None,
    }
}

fn rank(deployment: &Deployment, severity: &str) -> u8 {
    let level = deployment.severities.iter().position(|level| level.id == severity);
    level.and_then(|level| u8::try_from(level).ok()).unwrap_or(u8::MAX)
}

fn remind(deployment: &Deployment, severity: &str) -> u64 {
    let level = deployment.severities.iter().find(|level| level.id == severity);
    let response = level.and_then(|level| level.response_seconds);
    let found = response.and_then(|response| REMINDERS.iter().find(|(within, _)| response <= *within));
    found.map_or(DAILY, |(_, after)| *after)
}

/// A file system that will be full is a warning, where it is none by itself.
pub fn forecast_observation(deployment: &Deployment, found: &mut [Observation], forecast: &Forecast) {
    let subject = format!("disk {}", forecast.mounted_on);
    let healthy = |seen: &&mut Observation| seen.subject == subject && seen.grade == Some(Grade::Healthy);
    if let Some(seen) = found.iter_mut().find(healthy) {
        seen.grade = Some(Grade::Warning);
        seen.facts = facts(deployment, &forecast_problem(deployment, forecast));
    }
}

/// What differs between registry and host: the runbook is wrong, or the host is.
pub fn mismatch(deployment: &Deployment, subject: &str, summary: &str) -> Problem {
    let next = program::command("verify");
    let reason = "what the runbook states of it does not hold here";
    of_check(deployment, format!("registry {subject}"), summary.to_owned(), reason, next)
}

/// That this check is in no record.
pub fn unrecorded(deployment: &Deployment, why: &str) -> Problem {
    let next = program::command("get checks");
    let summary = format!("this check is not recorded and notifies nobody: {why}");
    of_check(deployment, "record".to_owned(), summary, "a failure is notified by checks that follow each other", next)
}
