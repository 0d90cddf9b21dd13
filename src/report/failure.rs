//! A failure of the registry in words: the documents of `get failures`, `explain FAILURE` and `explain CODE`, and how its fixes read
//! beside a finding.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use crate::judge::diagnosis;
use crate::program;
use crate::registry::{About, Cause, Deployment, Failure, Fix, Remedy, Risk, Service};
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};

/// The failures of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Failures {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// In the registry's order.
    pub failures: Vec<FailureRow>,
}

/// A failure, in short.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailureRow {
    /// Name.
    pub name: &'static str,
    /// Other names of it.
    pub aliases: Vec<&'static str>,
    /// What it is.
    pub summary: &'static str,
    /// Severity level; `null`: that of the service or resource that it is found at.
    pub severity: Option<&'static str>,
    /// Codes of its causes.
    pub codes: Vec<String>,
    /// Section of the runbook.
    pub runbook: Cow<'static, str>,
}

impl FailureRow {
    /// The row of a failure.
    pub fn new(deployment: &Deployment, failure: &'static Failure) -> Self {
        FailureRow {
            name: failure.slug,
            aliases: failure.aliases.to_vec(),
            summary: failure.summary,
            severity: failure.severity.map(|level| level.id),
            codes: failure.causes().map(|cause| deployment.code(cause)).collect(),
            runbook: program::called(failure.section),
        }
    }
}

impl Report for Failures {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        let mut columns = vec![
            Column::key("NAME"),
            Column::key("SEVERITY"),
            Column::key("CAUSES").rank(1),
            Column::prose("ALIASES").rank(2),
        ];
        if page.wide {
            columns.push(Column::prose("RUNBOOK"));
        }
        columns.push(Column::prose("SUMMARY"));
        let rows = self.failures.iter().map(|row| {
            let mut cells = vec![
                Cell::plain(row.name),
                Cell::or_dash(row.severity),
                Cell::plain(row.codes.len().to_string()),
                Cell::or_dash((!row.aliases.is_empty()).then(|| row.aliases.join(","))),
            ];
            if page.wide {
                cells.push(Cell::plain(row.runbook.clone()));
            }
            cells.push(Cell::plain(row.summary));
            cells
        });
        page.table(&columns, rows.collect());
    }

    fn names(&self) -> Vec<String> {
        self.failures.iter().map(|row| row.name.to_owned()).collect()
    }
}

/// A failure, in full; or one of its causes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailureFacts {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// The failure.
    pub failure: FailureRow,
    /// What users and operators notice.
    pub symptoms: Vec<&'static str>,
    /// Services it concerns; all when empty.
    pub services: Vec<&'static str>,
    /// Possible causes; only one where a code was given.
    pub causes: Vec<CauseFacts>,
    /// Other failures that the cause of a code belongs to; empty where a failure was named.
    pub also_of: Vec<&'static str>,
    /// Further notes.
    pub note: Option<Cow<'static, str>>,
}

/// A cause.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CauseFacts {
    /// Stable code.
    pub code: String,
    /// What is wrong.
    pub summary: String,
    /// Why, and what follows from it.
    pub explanation: String,
    /// Services it is checked on, or the host.
    pub about: String,
    /// Severity level; `null`: that of its service or resource.
    pub severity: Option<&'static str>,
    /// Fixes, the preferred one first.
    pub fixes: Vec<FixFacts>,
}

/// A fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FixFacts {
    /// Short title.
    pub title: String,
    /// The command; empty for what only a person can do.
    pub argv: Vec<String>,
    /// Risk of the command.
    pub risk: Risk,
    /// What only a person can do; `null` for a command.
    pub manual: Option<String>,
}

/// Stands for the mount point of no file system in particular.
const MOUNT: &str = "MOUNT";
/// Stands for what is at fault, where nothing in particular is.
const THING: &str = "something";

/// What stands for a subject in the texts of a cause.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    service: &'a str,
    unit: &'a str,
    port: Option<u16>,
    env: &'a str,
    mount: &'a str,
    thing: &'a str,
}

impl<'a> Names<'a> {
    /// Of a service, under the name that its manager has for it on this host, where that is known.
    pub fn of(service: &'static Service, unit: Option<&'a str>) -> Self {
        let registered = service.managers.first().map_or(service.name, |manager| manager.unit());
        Names {
            service: service.name,
            unit: unit.unwrap_or(registered),
            port: service.ports.first().copied(),
            env: service.env.as_ref().and_then(|env| env.paths.first()).unwrap_or(&"its env file"),
            mount: MOUNT,
            thing: THING,
        }
    }

    /// Of no service in particular.
    pub const fn any() -> Self {
        Names { service: "SERVICE", unit: "UNIT", port: None, env: "its env file", mount: MOUNT, thing: THING }
    }

    /// The same, of what is found of the file system that is mounted there.
    #[must_use]
    pub const fn on(self, mount: &'a str) -> Self {
        Names { mount, ..self }
    }

    /// The same, of what is found of this thing.
    #[must_use]
    pub const fn blaming(self, thing: &'a str) -> Self {
        Names { thing, ..self }
    }

    /// The same, of what is found of this unit or container, if that is the name of one.
    #[must_use]
    pub fn of_unit(self, name: &'a str) -> Self {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ":_.@-\\".contains(c);
        let is_name = !name.starts_with('-') && name.chars().all(is_plain);
        if is_name && !name.is_empty() { Names { unit: name, ..self } } else { self }
    }

    /// The text with these names in it.
    pub fn fill(&self, text: &str) -> String {
        let port = self.port.map_or_else(|| "PORT".to_owned(), |port| port.to_string());
        program::called(text)
            .replace("{service}", self.service)
            .replace("{unit}", self.unit)
            .replace("{port}", &port)
            .replace("{env}", self.env)
            .replace("{mount}", self.mount)
            // Last, because it is quoted from the host.
            .replace("{thing}", self.thing)
    }
}

impl FixFacts {
    /// A fix, for a subject of these names.
    pub fn new(fix: &Fix, names: &Names<'_>) -> Self {
        let opsctl = |verb: &str, name: &str| vec![program::name().to_owned(), verb.to_owned(), names.fill(name)];
        let (argv, manual) = match &fix.remedy {
            Remedy::Restart => (opsctl("restart", "{service}"), None),
            Remedy::Start => (opsctl("start", "{service}"), None),
            Remedy::Reload => (opsctl("reload", "{service}"), None),
            Remedy::RestartOf(service) => (opsctl("restart", service.name), None),
            Remedy::ReloadOf(service) => (opsctl("reload", service.name), None),
            Remedy::Command(words) => (words.iter().map(|word| names.fill(word)).collect(), None),
            Remedy::Manual(words) => (Vec::new(), Some(names.fill(words))),
        };
        FixFacts { title: names.fill(fix.title), argv, risk: fix.risk, manual }
    }

    /// What it does, the command and the risk.
    pub(super) fn cells(&self) -> [Cell; 3] {
        let how = if self.manual.is_some() { Cell::plain(self.how()) } else { Cell::command(self.how()) };
        [Cell::plain(format!("{}: ", self.title)), how, Cell::plain(format!(" ({})", self.risk.label()))]
    }

    /// The command to paste, or what a person does.
    pub fn how(&self) -> String {
        match &self.manual {
            Some(words) => words.clone(),
            None => {
                self.argv.iter().map(|word| crate::host::tools::quote(word).into_owned()).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

impl FailureFacts {
    /// All about a failure.
    pub fn new(head: Head, deployment: &Deployment, failure: &'static Failure) -> Self {
        FailureFacts {
            head,
            failure: FailureRow::new(deployment, failure),
            symptoms: failure.symptoms.to_vec(),
            services: failure.services.iter().map(|service| service.name).collect(),
            causes: failure.causes().map(|cause| cause_facts(deployment, &[failure], cause)).collect(),
            also_of: Vec::new(),
            note: failure.note.map(program::called),
        }
    }

    /// All about the cause of a code, and about the failure that it belongs to, the widest where it is no service's own.
    pub fn of_cause(head: Head, deployment: &Deployment, failure: &'static Failure, cause: &'static Cause) -> Self {
        let failures = deployment.failures_of(cause);
        // A cause that names its services is the same in all of them.
        let shown = match cause.about {
            About::These(_) => failure,
            About::Host | About::Each => failures.first().copied().unwrap_or(failure),
        };
        let mut facts = FailureFacts::new(head, deployment, shown);
        facts.causes = vec![cause_facts(deployment, &failures, cause)];
        facts.also_of = failures.iter().map(|failure| failure.slug).filter(|slug| *slug != shown.slug).collect();
        facts
    }
}

/// A cause, as it is of these failures together.
fn cause_facts(deployment: &Deployment, failures: &[&'static Failure], cause: &'static Cause) -> CauseFacts {
    let services: &[&'static Service] = match (&cause.about, failures) {
        (About::These(services), _) => services,
        (_, [one]) => one.services,
        (_, _) => &[],
    };
    let (about, only) = match cause.about {
        About::Host => ("the host".to_owned(), None),
        About::Each | About::These(_) if services.is_empty() => (together(failures), None),
        About::Each | About::These(_) => (listed(services), one(services)),
    };
    let names = only.map_or(Names::any(), |service| Names::of(service, None));
    let severity = match (&cause.about, failures.first()) {
        (About::Host, Some(failure)) => Some(diagnosis::severity(deployment, failure, cause, None)),
        (_, Some(failure)) => cause.severity.or(failure.severity),
        (_, None) => cause.severity,
    };
    CauseFacts {
        code: deployment.code(cause),
        summary: names.fill(cause.summary),
        explanation: names.fill(cause.explanation),
        about,
        severity: severity.map(|level| level.id),
        fixes: cause.fixes.iter().map(|fix| FixFacts::new(fix, &names)).collect(),
    }
}

/// The services of all these failures.
fn together(failures: &[&'static Failure]) -> String {
    if failures.iter().any(|failure| failure.services.is_empty()) {
        return "every service".to_owned();
    }
    let mut services: Vec<&'static Service> = Vec::new();
    for service in failures.iter().flat_map(|failure| failure.services.iter().copied()) {
        if services.iter().all(|known| known.name != service.name) {
            services.push(service);
        }
    }
    listed(&services)
}

fn listed(services: &[&'static Service]) -> String {
    services.iter().map(|service| service.name).collect::<Vec<_>>().join(", ")
}

fn one(services: &[&'static Service]) -> Option<&'static Service> {
    match services {
        [one] => Some(*one),
        _ => None,
    }
}

impl Report for FailureFacts {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        let fact = |page: &mut Text, key: &str, value: String| {
            page.headed(Cell(Tone::Dim, format!("{key:<14}")), &[Cell::plain(value)]);
        };
        let row = &self.failure;
        let title = format!("{} ({})", row.name, self.head.deployment.as_deref().unwrap_or_default());
        page.line(&[Cell(Tone::Strong, title), Cell::plain(format!(": {}", row.summary))]);
        fact(page, "severity", row.severity.unwrap_or("that of the service or resource").to_owned());
        for (index, symptom) in self.symptoms.iter().enumerate() {
            fact(page, if index == 0 { "symptoms" } else { "" }, (*symptom).to_owned());
        }
        if !row.aliases.is_empty() {
            fact(page, "also called", row.aliases.join(", "));
        }
        if !self.services.is_empty() {
            fact(page, "services", self.services.join(", "));
        }
        fact(page, "runbook", row.runbook.to_string());
        if !self.also_of.is_empty() {
            fact(page, "same code in", self.also_of.join(", "));
        }
        if let Some(note) = &self.note {
            fact(page, "note", note.to_string());
        }
        let next = program::command(format_args!("diagnose {}", row.name));
        page.headed(Cell(Tone::Dim, format!("{:<14}", "next")), &[Cell::command(next)]);
        for cause in &self.causes {
            page.gap();
            page.line(&[Cell(Tone::Strong, cause.code.clone()), Cell::plain(format!(": {}", cause.summary))]);
            fact(page, "cause", cause.explanation.clone());
            let severity = cause.severity.map_or_else(String::new, |id| format!(" ({id})"));
            fact(page, "checked on", format!("{}{severity}", cause.about));
            for (index, fix) in cause.fixes.iter().enumerate() {
                let key = if index == 0 { "fix" } else { "or" };
                page.headed(Cell(Tone::Dim, format!("{key:<14}")), &fix.cells());
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.causes.iter().map(|cause| cause.code.clone()).collect()
    }
}
