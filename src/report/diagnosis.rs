//! `diagnose`: what is wrong, what proves it and what to do; then what could not be determined, and for one question what it
//! is not.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

pub use super::attempt::{Attempt, Outcome};
use super::failure::{FixFacts, Names};
use super::status::label;
use super::{Head, Report};
use crate::diagnosis::{self, Case, Fact};
use crate::health::{age, bytes};
use crate::probe::changes::Change;
use crate::probe::record::Record;
use crate::probe::room::Room;
use crate::registry::{Deployment, Ignore, Risk, Verdict};
use crate::tools::words;
use crate::ui::{Cell, Text, Tone};

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
    /// What it is not; only for one failure or one service.
    pub ruled_out: Vec<NotThis>,
    /// Findings that were left out, because somebody asked for it or the registry does so until a day.
    pub ignored: Vec<Ignored>,
    /// What the registry left out until a day that is over: it is told again.
    pub expired_ignores: Vec<Ignored>,
    /// Where room can be made, the safest first; only where a file system is full or fills up.
    pub reclaim: Vec<Reclaim>,
    /// What was done about it; only with `--fix`.
    pub attempts: Vec<Attempt>,
    /// How many causes were held against how many subjects in all.
    pub examined: usize,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// Stable code of the cause; `opsctl explain CODE` tells more.
    pub code: String,
    /// The failure that it belongs to.
    pub failure: &'static str,
    /// `fail`, or `warn` for what has time.
    pub verdict: Verdict,
    /// The deployment's severity level.
    pub severity: &'static str,
    /// How soon that level wants an answer.
    pub respond: &'static str,
    /// When that level applies, or why the service has it.
    pub reason: &'static str,
    /// The service, or what of the host it is.
    pub subject: String,
    /// What is wrong, in one line.
    pub summary: String,
    /// What proves it.
    pub evidence: Vec<Evidence>,
    /// Why it is wrong, and what follows from it.
    pub cause: String,
    /// What to do, the best first.
    pub fixes: Vec<FixFacts>,
    /// Since when; `null` where that is not known.
    pub since: Option<Timestamp>,
    /// What changed in the day before, newest first. That it came before does not make it the reason.
    pub changes: Vec<ChangeFacts>,
    /// Services that suffer with it.
    pub affects: Vec<String>,
    /// What follows from it and would not be wrong without it.
    pub explains: Vec<Consequence>,
    /// Where the runbook speaks of it.
    pub runbook: &'static str,
}

/// What is not told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ignored {
    /// Code of the cause.
    pub code: String,
    /// The service, or what of the host it is; `null`: any.
    pub subject: Option<String>,
    /// The last day on which it is left out, UTC; `null` where somebody asked for it now.
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

/// Where room can be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reclaim {
    /// What takes it.
    pub what: String,
    /// How much at most; `null` where that could not be learnt.
    pub bytes: Option<u64>,
    /// What makes the room. Nothing of it is done without a person.
    pub argv: Vec<String>,
    /// What may come of that.
    pub risk: Risk,
    /// What is lost with it; why it is not known how much it is.
    pub note: String,
}

impl From<Room> for Reclaim {
    fn from(room: Room) -> Self {
        Reclaim {
            what: room.what,
            argv: words(&room.argv.to_string()),
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

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// The command that shows it. Where opsctl asked by itself (a request, a file), the one that asks the same.
    pub argv: Vec<String>,
    /// How it ended; `null` where no command was run, or it did not end by itself.
    pub exit_code: Option<i32>,
    /// How long it took, milliseconds; `null` where no command was run.
    pub duration_ms: Option<u64>,
    /// What it shows.
    pub excerpt: String,
    /// Whether there is more of that.
    pub truncated: bool,
}

/// What could not be determined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Undetermined {
    /// Why.
    pub because: String,
    /// Failures that this leaves open.
    pub failures: Vec<&'static str>,
    /// Codes of the causes that may be or not.
    pub codes: Vec<String>,
    /// With whom: services, or `host`.
    pub subjects: Vec<String>,
}

/// What it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotThis {
    /// Code of the cause.
    pub code: String,
    /// What it would be.
    pub summary: String,
    /// With whom it was looked for: services, or `host`.
    pub subjects: Vec<String>,
    /// What rules it out, where it was looked for with one subject.
    pub evidence: Vec<Evidence>,
}

/// Puts what was found into words.
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
        let by = |command: &str| self.records.iter().rfind(|record| !command.is_empty() && record.command == command);
        let record = by(&fact.ran).or_else(|| by(&fact.command));
        let end = (0..=LONGEST.min(fact.says.len())).rfind(|end| fact.says.is_char_boundary(*end)).unwrap_or_default();
        Evidence {
            argv: words(&fact.command),
            exit_code: record.and_then(|record| record.exit_code),
            duration_ms: record.map(|record| u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX)),
            excerpt: fact.says[..end].to_owned(),
            truncated: end < fact.says.len(),
        }
    }

    /// A finding.
    pub fn finding(&self, found: &diagnosis::Finding) -> Finding {
        let names = self.names(found.service);
        let consequence = |folded: &diagnosis::Finding| Consequence {
            code: self.case.deployment.code(folded.cause),
            subject: folded.subject.clone(),
            summary: self.names(folded.service).fill(folded.cause.summary),
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
            summary: names.fill(found.cause.summary),
            evidence: distinct(&found.facts).into_iter().map(|fact| self.evidence(fact)).collect(),
            cause: names.fill(found.cause.explanation),
            fixes: found.cause.fixes.iter().map(|fix| FixFacts::new(fix, &names)).collect(),
            since: found.since,
            changes: diagnosis::before(found, self.changes, self.case.evidence.time).into_iter().map(change).collect(),
            affects: affects.unwrap_or_default(),
            explains: found.folded.iter().map(consequence).collect(),
            runbook: found.failure.section,
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
                && found.subject.starts_with("disk") =>
            {
                "a full disk stops every service that writes"
            }
            None if !stated => "it concerns the whole host",
            Some(_) | None => found.severity.criterion,
        }
    }

    /// What could not be determined.
    pub fn doubt(&self, doubt: &diagnosis::Doubt) -> Undetermined {
        let prefix = self.case.deployment.name.to_uppercase();
        Undetermined {
            because: doubt.because.clone(),
            failures: doubt.failures.clone(),
            codes: doubt.codes.iter().map(|code| format!("{prefix}-{code}")).collect(),
            subjects: doubt.subjects.clone(),
        }
    }

    /// What it is not.
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

impl Report for Diagnosis {
    fn text(&self, page: &mut Text) {
        for attempt in &self.attempts {
            page.line(&[Cell(Tone::Dim, format!("{:>7} ", "fix")), Cell::plain(attempt.words())]);
        }
        self.headline(page);
        for (index, finding) in self.findings.iter().enumerate() {
            // What is wrong with several in the same way is told once.
            if self.findings[..index].iter().all(|other| other.code != finding.code) {
                page.gap();
                self.finding(finding, page);
            }
        }
        if !self.undetermined.is_empty() {
            page.gap();
        }
        for doubt in &self.undetermined {
            let what = format!("{} ({})", doubt.failures.join(", "), some(&doubt.subjects));
            page.line(&[
                Cell(Tone::Of(Verdict::Unknown), "UNKNOWN ".to_owned()),
                Cell::plain(format!("could not be determined: {what} because {}", doubt.because)),
            ]);
        }
        if !self.ruled_out.is_empty() {
            page.gap();
        }
        // What the same thing rules out is told together.
        let mut told: Vec<(String, Vec<&str>)> = Vec::new();
        for not in &self.ruled_out {
            let because = not.evidence.first().map_or_else(|| format!("looked for at {}", some(&not.subjects)), seen);
            match told.iter_mut().find(|(other, _)| *other == because) {
                Some((_, codes)) => codes.push(&not.code),
                None => told.push((because, vec![&not.code])),
            }
        }
        for (because, codes) in told {
            page.line(&[
                Cell(Tone::Dim, "not this ".to_owned()),
                Cell::plain(format!("{}: {because}", codes.join(", "))),
            ]);
        }
        self.room(page);
        self.left_out(page);
    }

    fn names(&self) -> Vec<String> {
        self.findings.iter().map(|finding| format!("{}:{}", finding.code, finding.subject)).collect()
    }
}

impl Diagnosis {
    fn room(&self, page: &mut Text) {
        if self.reclaim.is_empty() {
            return;
        }
        page.gap();
        page.line(&[Cell(
            Tone::Strong,
            "Room can be made here, the safest first; never remove volumes, databases or backups:".to_owned(),
        )]);
        let rows = self.reclaim.iter().map(|room| {
            let command: Vec<_> = room.argv.iter().map(|word| crate::tools::quote(word).into_owned()).collect();
            vec![
                Cell::or_dash(room.bytes.map(bytes)),
                Cell::plain(room.risk.label()),
                Cell::plain(&*room.what),
                Cell::plain(command.join(" ")),
                Cell::plain(&*room.note),
            ]
        });
        page.table(&["UP TO", "RISK", "WHAT", "COMMAND", "NOTE"], rows.collect());
    }

    fn left_out(&self, page: &mut Text) {
        let (asked, registered): (Vec<_>, Vec<_>) = self.ignored.iter().partition(|ignored| ignored.until.is_none());
        let mut lines = Vec::new();
        if !asked.is_empty() {
            let names: Vec<String> = asked.iter().map(|ignored| ignored.name()).collect();
            lines.push(format!("ignored, as asked for: {}", names.join(", ")));
        }
        let told = |words: &str, ignored: &Ignored| {
            let until = ignored.until.map(|day| day.to_string()).unwrap_or_default();
            format!("{words} {until}: {} ({})", ignored.name(), ignored.why.unwrap_or_default())
        };
        lines.extend(registered.into_iter().map(|ignored| told("ignored until", ignored)));
        lines.extend(self.expired_ignores.iter().map(|ignored| told("not ignored any more since", ignored)));
        for line in lines {
            page.line(&[Cell(Tone::Dim, line)]);
        }
    }

    fn headline(&self, page: &mut Text) {
        let verdict = self.head.verdict;
        let place = format!("{} on {}: ", self.head.deployment.as_deref().unwrap_or("?"), self.head.host);
        let about = match (self.failure, self.service) {
            (None, None) => String::new(),
            (Some(failure), None) => format!(" of {failure}"),
            (None, Some(service)) => format!(" with {service}"),
            (Some(failure), Some(service)) => format!(" of {failure} with {service}"),
        };
        let open = match self.undetermined.len() {
            0 => String::new(),
            1 => ", one thing could not be determined".to_owned(),
            count => format!(", {count} things could not be determined"),
        };
        let found = match self.findings.len() {
            0 => format!("nothing found{about} ({} possible causes examined)", self.examined),
            1 => format!("one finding{about}"),
            count => format!("{count} findings{about}"),
        };
        let first = Cell(Tone::Of(verdict), format!("{:<8}", label(verdict).to_uppercase()));
        page.line(&[first, Cell(Tone::Strong, format!("{place}{found}{open}"))]);
    }

    fn finding(&self, finding: &Finding, page: &mut Text) {
        let aside = |page: &mut Text, key: &str, text: String| {
            page.line(&[Cell(Tone::Dim, format!("{key:>7} ")), Cell::plain(text)]);
        };
        let first = Cell(Tone::Of(finding.verdict), format!("{:<8}", label(finding.verdict).to_uppercase()));
        page.line(&[
            first,
            Cell(Tone::Strong, format!("{}: {}", finding.subject, finding.summary)),
            Cell(Tone::Dim, format!("  {}", finding.code)),
        ]);
        if finding.verdict == Verdict::Fail {
            aside(page, "act", format!("{} ({}: {})", finding.respond, finding.severity, finding.reason));
        }
        aside(page, "why", finding.cause.clone());
        for evidence in &finding.evidence {
            aside(page, "seen", seen(evidence));
        }
        if let Some(since) = finding.since {
            aside(
                page,
                "since",
                format!("{} ({} ago)", since.strftime("%Y-%m-%d %H:%M:%S UTC"), age(since, self.head.time)),
            );
        }
        for change in &finding.changes {
            aside(page, "before", format!("{} ago: {}", age(change.time, self.head.time), change.what));
        }
        let mut codes: Vec<&str> = Vec::new();
        for folded in &finding.explains {
            if codes.contains(&folded.code.as_str()) {
                continue;
            }
            codes.push(&folded.code);
            let same = finding.explains.iter().filter(|other| other.code == folded.code && *other != folded);
            let others: Vec<&str> = same.map(|other| other.subject.as_str()).collect();
            let likewise = if others.is_empty() { String::new() } else { format!("; likewise {}", others.join(", ")) };
            aside(page, "so", format!("{}{likewise}", folded.summary));
        }
        let alike = self.findings.iter().filter(|other| other.code == finding.code && *other != finding);
        let alike: Vec<&str> = alike.map(|other| other.subject.as_str()).collect();
        if !alike.is_empty() {
            aside(page, "also", alike.join(", "));
        }
        if !finding.affects.is_empty() {
            aside(page, "hits", finding.affects.join(", "));
        }
        for (index, fix) in finding.fixes.iter().enumerate() {
            let words = format!("{}: {} ({})", fix.title, fix.how(), fix.risk.label());
            aside(page, if index == 0 { "fix" } else { "else" }, words);
        }
    }
}

/// The facts but those that another of the same command says already.
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

fn seen(evidence: &Evidence) -> String {
    let more = if evidence.truncated { "…" } else { "" };
    let command: Vec<_> = match evidence.argv.as_slice() {
        [sh, flag, line] if sh == "sh" && flag == "-c" => vec![line.clone()],
        argv => argv.iter().map(|word| crate::tools::quote(word).into_owned()).collect(),
    };
    match command.is_empty() {
        true => format!("{}{more}", evidence.excerpt),
        false => format!("{}{more} ({})", evidence.excerpt, command.join(" ")),
    }
}

/// The first of many names.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 4;
    match names.len() {
        count if count > SHOWN + 1 => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
        _ => names.join(", "),
    }
}
