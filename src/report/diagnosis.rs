//! `diagnose`: what is wrong, the evidence and the fix; then what could not be determined, and for one question what is
//! ruled out.

mod text;

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
pub use super::attempt::{Attempt, FixOutcome};
use super::failure::{FixFacts, Names};
use super::lock::LockState;
use super::maintenance::StandingFacts;
use crate::host::tools::command::Command;
use crate::judge::diagnosis::{self, Case, Fact};
use crate::judge::health::ServiceHealth;
use crate::judge::health::purpose::OnPurpose;
use crate::observe::clues::changes::Change;
use crate::observe::clues::reclaim::Reclaimable;
use crate::observe::probe::record::Record;
use crate::program;
use crate::registry::{Deployment, Ignore, Risk, Verdict};

/// The longest excerpt that is shown, bytes.
const LONGEST: usize = 500;

/// A diagnosis.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// The failure that was asked about; `null` for all.
    pub failure: Option<&'static str>,
    /// The service that was asked about; `null` for all, and the host.
    pub service: Option<&'static str>,
    /// What is wrong: what explains most first, then by severity.
    pub findings: Vec<Finding>,
    /// What could not be determined, one entry a reason.
    pub undetermined: Vec<Undetermined>,
    /// Causes that are ruled out; only for one failure or one service.
    pub ruled_out: Vec<NotThis>,
    /// Findings that were left out, by `--ignore` or by the registry until a date.
    pub ignored: Vec<Ignored>,
    /// Ignores of the registry that have expired: their findings are reported again.
    pub expired_ignores: Vec<Ignored>,
    /// Reclaimable space, the safest first; only where a file system is full or fills up.
    pub reclaim: Vec<Reclaim>,
    /// Services stopped on purpose: they are no finding, and no fix starts them.
    pub on_purpose: Vec<Kept>,
    /// Maintenance state; `null` when it is off.
    pub maintenance: Option<StandingFacts>,
    /// Lock: whether a change is under way or unfinished.
    pub lock: LockState,
    /// Fixes that were tried; only with `--fix`.
    pub attempts: Vec<Attempt>,
    /// Number of checks: causes times subjects.
    pub examined: usize,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// Stable code of the cause; `opsctl explain CODE` shows more.
    pub code: String,
    /// The failure that it belongs to.
    pub failure: &'static str,
    /// `fail`, or `warn` for what has time.
    pub verdict: Verdict,
    /// The deployment's severity level.
    pub severity: &'static str,
    /// How soon that level requires a response.
    pub respond: &'static str,
    /// When that level applies, or why the service has it.
    pub reason: &'static str,
    /// The service, or what of the host it is.
    pub subject: String,
    /// What is wrong, in one line.
    pub summary: String,
    /// What proves it.
    pub evidence: Vec<Evidence>,
    /// Cause and impact.
    pub cause: String,
    /// Fixes, the preferred one first.
    pub fixes: Vec<FixFacts>,
    /// Why no restart is offered, where it would change nothing; `null` elsewhere.
    pub no_restart: Option<String>,
    /// Since when; `null` where that is not known.
    pub since: Option<Timestamp>,
    /// Changes in the day before, newest first. They are not necessarily the cause.
    pub changes: Vec<ChangeFacts>,
    /// Services it affects.
    pub affects: Vec<String>,
    /// Impact: further findings that this one explains.
    pub explains: Vec<Consequence>,
    /// Section of the runbook.
    pub runbook: Cow<'static, str>,
}

impl Finding {
    /// What somebody reads before consenting to this fix: what is wrong, why, what shows it, and what is run.
    pub fn reasons(&self, fix: &FixFacts) -> Vec<String> {
        let title = format!("{}: {}  {}", self.subject, self.summary, self.code);
        let shown = self.evidence.first().map(|evidence| format!("  evidence: {}", evidence.excerpt));
        let affects = (!self.affects.is_empty()).then(|| format!("  affects: {}", self.affects.join(", ")));
        let fix = format!("  fix: {} ({})", fix.how(), fix.risk.label());
        [Some(title), Some(format!("  cause: {}", self.cause)), shown, affects, Some(fix)]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// A service stopped on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Kept {
    /// The service.
    pub subject: String,
    /// What keeps it down, since when, and who stopped it.
    #[serde(flatten)]
    pub purpose: OnPurpose,
    /// All of it in a line.
    pub summary: String,
    /// Services that fail because of it.
    pub affects: Vec<String>,
}

/// A finding that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ignored {
    /// Code of the cause.
    pub code: String,
    /// The service, or what of the host it is; `null`: any.
    pub subject: Option<String>,
    /// The last day on which it is left out, UTC; `null` for `--ignore`.
    pub until: Option<Date>,
    /// Why the registry leaves it out.
    pub why: Option<&'static str>,
}

impl Ignored {
    /// What the registry leaves out.
    pub fn registered(deployment: &Deployment, ignore: &Ignore, subject: Option<String>) -> Self {
        Ignored {
            code: format!("{}-{}", deployment.name.to_uppercase(), ignore.code),
            subject,
            until: Some(ignore.until),
            why: Some(ignore.why),
        }
    }

    fn name(&self) -> String {
        match &self.subject {
            Some(subject) => format!("{}:{subject}", self.code),
            None => self.code.clone(),
        }
    }
}

/// Reclaimable space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reclaim {
    /// What uses it.
    pub what: String,
    /// Upper bound, bytes; `null` when undetermined.
    pub bytes: Option<u64>,
    /// Command that reclaims it. `--fix` never runs it.
    pub argv: Vec<String>,
    /// Risk of the command.
    pub risk: Risk,
    /// What is lost with it, or why its size is unknown.
    pub note: String,
}

impl From<Reclaimable> for Reclaim {
    fn from(room: Reclaimable) -> Self {
        Reclaim {
            what: room.what,
            argv: room.argv.words(),
            risk: room.risk,
            note: room.bytes.as_ref().err().cloned().unwrap_or_else(|| room.loses.to_owned()),
            bytes: room.bytes.ok(),
        }
    }
}

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangeFacts {
    /// When.
    pub time: Timestamp,
    /// What.
    pub what: String,
}

/// What follows from a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Consequence {
    /// Stable code of what it would be by itself.
    pub code: String,
    /// The service, or what of the host it is.
    pub subject: String,
    /// What is wrong with it, in one line.
    pub summary: String,
}

/// An observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// The command that shows it. For a probe made in process (a request, a file), the equivalent command.
    pub argv: Vec<String>,
    /// How it ended; `null` where no command was run, or it did not end by itself.
    pub exit_code: Option<i32>,
    /// How long it took, milliseconds; `null` where no command was run.
    pub duration_ms: Option<u64>,
    /// Excerpt of its output.
    pub excerpt: String,
    /// Whether the excerpt is cut.
    pub truncated: bool,
}

/// What could not be determined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Undetermined {
    /// Why.
    pub because: String,
    /// Root could determine it.
    #[serde(skip)]
    pub needs_root: bool,
    /// Failures that this leaves open.
    pub failures: Vec<&'static str>,
    /// Codes of the causes that stay open.
    pub codes: Vec<String>,
    /// Services, or `host`.
    pub subjects: Vec<String>,
}

/// A cause that is ruled out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotThis {
    /// Code of the cause.
    pub code: String,
    /// What it would be.
    pub summary: String,
    /// Services it was checked on, or `host`.
    pub subjects: Vec<String>,
    /// What rules it out, where it was checked on one subject.
    pub evidence: Vec<Evidence>,
}

/// Makes documents of findings.
pub struct Teller<'a> {
    /// What it was found in.
    pub case: &'a Case<'a>,
    /// How the commands ended.
    pub records: &'a [Record],
    /// What changed lately.
    pub changes: &'a [Change],
}

impl Teller<'_> {
    fn names(&self, service: Option<&'static crate::registry::Service>) -> Names<'_> {
        let Some(service) = service else { return Names::any() };
        let judged = self.case.health.services.iter().find(|judged| judged.name == service.name);
        Names::of(service, judged.and_then(|judged| judged.unit.as_deref()))
    }

    fn evidence(&self, fact: &Fact) -> Evidence {
        let by = |command: &Command| self.records.iter().rfind(|record| record.command == command.text());
        let record = fact.ran.as_ref().and_then(by).or_else(|| by(&fact.command));
        let end = (0..=LONGEST.min(fact.says.len())).rfind(|end| fact.says.is_char_boundary(*end)).unwrap_or_default();
        Evidence {
            argv: fact.command.words().to_vec(),
            exit_code: record.and_then(|record| record.exit_code),
            duration_ms: record.map(|record| u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX)),
            excerpt: fact.says[..end].to_owned(),
            truncated: end < fact.says.len(),
        }
    }

    /// A finding.
    pub fn finding(&self, found: &diagnosis::Finding) -> Finding {
        let mounts = found.mounts();
        let names = self.names(found.service);
        // Of several the first, as in the evidence.
        let names = mounts.first().map_or(names, |mount| names.on(mount));
        let names = found.thing().map_or(names, |thing| names.blaming(thing));
        let names = if found.service.is_none() { names.of_unit(&found.subject) } else { names };
        let consequence = |folded: &diagnosis::Finding| {
            let names = self.names(folded.service);
            let names = folded.thing().map_or(names, |thing| names.blaming(thing));
            Consequence {
                code: self.case.deployment.code(folded.cause),
                subject: folded.subject.clone(),
                summary: names.fill(folded.cause.summary),
            }
        };
        let judged =
            found.service.and_then(|service| self.case.health.services.iter().find(|j| j.name == service.name));
        let here = |name: &&String| self.case.health.services.iter().any(|judged| judged.name == **name);
        let down = found.cause.verdict == Verdict::Fail;
        let affects = judged.filter(|_| down).map(|judged| judged.dependants.iter().filter(here).cloned().collect());
        Finding {
            code: self.case.deployment.code(found.cause),
            failure: found.failure.slug,
            verdict: found.cause.verdict,
            severity: found.severity.id,
            respond: found.severity.response,
            reason: self.reason(found),
            subject: found.subject.clone(),
            summary: found.summary.clone().unwrap_or_else(|| names.fill(found.cause.summary)),
            evidence: distinct(&found.facts).into_iter().map(|fact| self.evidence(fact)).collect(),
            cause: names.fill(found.cause.explanation),
            fixes: found.fixes(&self.case.mounts()).map(|fix| FixFacts::new(fix, &names)).collect(),
            no_restart: found.futile.clone(),
            since: found.since,
            changes: diagnosis::before(found, self.changes, self.case.evidence.time).into_iter().map(change).collect(),
            affects: affects.unwrap_or_default(),
            explains: found.folded.iter().map(consequence).collect(),
            runbook: program::called(found.failure.section),
        }
    }

    /// Why it has its severity: as its service or resource has it, else as the level is meant.
    fn reason(&self, found: &diagnosis::Finding) -> &'static str {
        let checks = &self.case.deployment.checks;
        let stated = found.cause.severity.is_some() || found.failure.severity.is_some();
        match found.service {
            Some(service) if std::ptr::eq(service.severity, found.severity) => service.severity_reason,
            None if !stated
                && std::ptr::eq(found.severity, checks.disk_severity)
                && diagnosis::concerns_disks(&found.cause.proof) =>
            {
                "a full disk stops every service that writes"
            }
            None if !stated => "it concerns the whole host",
            Some(_) | None => found.severity.criterion,
        }
    }

    /// Services stopped on purpose.
    pub fn on_purpose(&self) -> Vec<Kept> {
        let all = &self.case.health.services;
        let kept = |judged: &ServiceHealth| {
            let purpose = judged.on_purpose.clone()?;
            let suffers = |other: &&ServiceHealth| other.cause.as_deref() == Some(judged.name.as_str());
            let affects = all.iter().filter(suffers).map(|other| other.name.clone()).collect();
            Some(Kept { subject: judged.name.clone(), summary: purpose.words(), purpose, affects })
        };
        all.iter().filter_map(kept).collect()
    }

    /// What could not be determined.
    pub fn doubt(&self, doubt: &diagnosis::Doubt) -> Undetermined {
        let prefix = self.case.deployment.name.to_uppercase();
        Undetermined {
            because: doubt.because.clone(),
            needs_root: doubt.needs_root,
            failures: doubt.failures.clone(),
            codes: doubt.codes.iter().map(|code| format!("{prefix}-{code}")).collect(),
            subjects: doubt.subjects.clone(),
        }
    }

    /// Causes that are ruled out.
    pub fn not_this(&self, ruled_out: &diagnosis::RuledOut) -> NotThis {
        let service = match ruled_out.subjects.as_slice() {
            [one] => self.case.deployment.service(one),
            _ => None,
        };
        NotThis {
            code: self.case.deployment.code(ruled_out.cause),
            summary: self.names(service).fill(ruled_out.cause.summary),
            subjects: ruled_out.subjects.clone(),
            evidence: ruled_out.facts.iter().map(|fact| self.evidence(fact)).collect(),
        }
    }
}

/// The facts without those that another of the same command contains.
fn distinct(facts: &[Fact]) -> Vec<&Fact> {
    let said = |index: usize, fact: &Fact| {
        let same = facts.iter().enumerate().filter(|(other, _)| *other != index);
        let mut same = same.filter(|(_, other)| other.command == fact.command);
        same.any(|(at, other)| other.says.ends_with(&fact.says) && (other.says != fact.says || at < index))
    };
    facts.iter().enumerate().filter(|(index, fact)| !said(*index, fact)).map(|(_, fact)| fact).collect()
}

fn change(change: &Change) -> ChangeFacts {
    ChangeFacts { time: change.time, what: change.what.clone() }
}
