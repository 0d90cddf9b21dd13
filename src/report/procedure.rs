//! `get procedures`, and `explain` of a procedure: what the registry has of them.

use schemars::JsonSchema;
use serde::Serialize;

use super::Head;
use super::run::{StepFacts, planned};
use crate::action::Risk;
use crate::procedure::plan::plan;
use crate::procedure::values::Values;
use crate::program;
use crate::registry::{Deployment, ParameterKind, Procedure, VerbProcedure};
use crate::ui::Report;
use crate::ui::{Cell, Column, Text, Tone};

/// The procedures of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Procedures {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// Those that a verb does first, then the others in the runbook's order; those that every deployment has last.
    pub procedures: Vec<ProcedureRow>,
}

/// A procedure, in short.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProcedureRow {
    /// Name.
    pub name: &'static str,
    /// Other words that mean it.
    pub aliases: &'static [&'static str],
    /// What it does.
    pub summary: &'static str,
    /// The highest risk of its steps.
    pub risk: Risk,
    /// How many steps it has.
    pub steps: usize,
    /// How many of them a person does.
    pub by_hand: usize,
    /// Its parameters, as they are typed.
    pub parameters: Vec<String>,
    /// Heading of the runbook.
    pub section: &'static str,
    /// The command of this program that does it; `null` where `run` does, step by step.
    pub command: Option<String>,
}

/// The command that does it.
pub fn verb_command(deployment: &Deployment, verb: &VerbProcedure) -> String {
    program::command(format_args!("-d {} {}", deployment.name, verb.command.join(" ")))
}

impl ProcedureRow {
    /// The row of a procedure.
    pub fn new(procedure: &'static Procedure) -> Self {
        let typed = |parameter: &crate::registry::Parameter| match parameter.default {
            None => parameter.name.to_uppercase(),
            Some(default) => format!("--{} {default}", parameter.name),
        };
        ProcedureRow {
            name: procedure.slug,
            aliases: procedure.aliases,
            summary: procedure.summary,
            risk: procedure.risk(),
            steps: procedure.steps.len(),
            by_hand: plan(procedure, &Values::default()).iter().filter(|step| step.asked.is_some()).count(),
            parameters: procedure.parameters.iter().map(typed).collect(),
            section: procedure.section,
            command: None,
        }
    }

    /// The row of what a verb does.
    pub fn of_verb(deployment: &Deployment, verb: &'static VerbProcedure) -> Self {
        ProcedureRow {
            name: verb.slug,
            aliases: verb.aliases,
            summary: verb.summary,
            risk: verb.risk,
            steps: 0,
            by_hand: 0,
            parameters: Vec::new(),
            section: verb.section,
            command: Some(verb_command(deployment, verb)),
        }
    }
}

impl Report for Procedures {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        let rows = self.procedures.iter().map(|row| {
            let is_steps = row.command.is_none();
            let summary = match &row.command {
                Some(command) => format!("{}: {command}", row.summary),
                None => row.summary.to_owned(),
            };
            vec![
                Cell::plain(row.name),
                Cell::plain(row.risk.label()),
                Cell::or_dash(is_steps.then(|| row.steps.to_string())),
                Cell::or_dash(is_steps.then(|| row.by_hand.to_string())),
                Cell::or_dash((!row.parameters.is_empty()).then(|| row.parameters.join(" "))),
                Cell::plain(summary),
            ]
        });
        let columns = [
            Column::key("NAME"),
            Column::key("RISK"),
            Column::key("STEPS").rank(3),
            Column::key("BY HAND").rank(2),
            Column::key("PARAMETERS").rank(1),
            Column::prose("SUMMARY"),
        ];
        page.table(&columns, rows.collect());
    }

    fn names(&self) -> Vec<String> {
        self.procedures.iter().map(|row| row.name.to_owned()).collect()
    }
}

/// A procedure, in full.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProcedureFacts {
    /// Common head.
    #[serde(flatten)]
    pub head: Head,
    /// The procedure.
    pub procedure: ProcedureRow,
    /// The case that calls for it.
    pub when: &'static str,
    /// When it is the wrong thing to do.
    pub not_when: Option<&'static str>,
    /// Severity level of the case; `null` where it is not an incident.
    pub severity: Option<&'static str>,
    /// What it must be given.
    pub parameters: Vec<ParameterFacts>,
    /// Steps, in order.
    pub steps: Vec<StepFacts>,
    /// Further notes.
    pub note: Option<&'static str>,
}

/// A parameter.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ParameterFacts {
    /// Name of its flag, without dashes.
    pub name: &'static str,
    /// Its form.
    pub form: String,
    /// What it is.
    pub help: &'static str,
    /// The value where none is given; `null` where it must be given.
    pub default: Option<&'static str>,
}

impl ProcedureFacts {
    /// All about a procedure.
    pub fn new(head: Head, deployment: &Deployment, procedure: &'static Procedure) -> Self {
        let form = |kind: ParameterKind| match kind {
            ParameterKind::Address => "IPv4 or IPv6 address".to_owned(),
            ParameterKind::Duration => "span of time, such as 2h".to_owned(),
            ParameterKind::Size => "size, such as 5G".to_owned(),
            ParameterKind::Number { least, most } => format!("number from {least} to {most}"),
            ParameterKind::Word => "word of letters, digits and -_.:".to_owned(),
            ParameterKind::Path => "absolute path".to_owned(),
            ParameterKind::Wallet => "0x and 40 hexadecimal digits".to_owned(),
            ParameterKind::Service => format!("service of {}", deployment.name),
        };
        let parameters = procedure.parameters.iter().map(|parameter| ParameterFacts {
            name: parameter.name,
            form: form(parameter.kind),
            help: parameter.help,
            default: parameter.default,
        });
        ProcedureFacts {
            head,
            when: procedure.when,
            not_when: procedure.not_when,
            severity: procedure.severity.map(|level| level.id),
            parameters: parameters.collect(),
            steps: plan(procedure, &Values::default()).into_iter().map(StepFacts::planned).collect(),
            note: procedure.note,
            procedure: ProcedureRow::new(procedure),
        }
    }

    /// All about what a verb does.
    pub fn of_verb(head: Head, deployment: &Deployment, verb: &'static VerbProcedure) -> Self {
        ProcedureFacts {
            head,
            when: verb.when,
            not_when: None,
            severity: None,
            parameters: Vec::new(),
            steps: Vec::new(),
            note: verb.note,
            procedure: ProcedureRow::of_verb(deployment, verb),
        }
    }
}

impl Report for ProcedureFacts {
    fn quotes_host(&self) -> bool {
        false
    }

    fn text(&self, page: &mut Text) {
        let row = &self.procedure;
        page.line(&[Cell(Tone::Strong, row.name.to_owned()), Cell::plain(format!(": {}", row.summary))]);
        let mut fact = |label: &str, text: String| page.labeled(label, &[Cell::plain(text)]);
        fact("when", self.when.to_owned());
        if let Some(not_when) = self.not_when {
            fact("not when", not_when.to_owned());
        }
        if let Some(severity) = self.severity {
            fact("severity", severity.to_owned());
        }
        fact("risk", row.risk.label().to_owned());
        if !row.aliases.is_empty() {
            fact("also", row.aliases.join(", "));
        }
        for parameter in &self.parameters {
            let default = parameter.default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
            fact("value", format!("{}: {}, {}{default}", parameter.name, parameter.help, parameter.form));
        }
        fact("section", row.section.to_owned());
        if let Some(note) = self.note {
            fact("note", program::called(note).into_owned());
        }
        page.gap();
        for (index, step) in self.steps.iter().enumerate() {
            planned(step, index, page);
        }
        if !self.steps.is_empty() {
            page.gap();
        }
        let run = || program::command(format_args!("run {} --dry-run", row.name));
        page.labeled("next", &[Cell::command(row.command.clone().unwrap_or_else(run))]);
    }

    fn names(&self) -> Vec<String> {
        vec![self.procedure.name.to_owned()]
    }
}
