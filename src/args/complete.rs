//! Candidates that a shell offers for a word of the command line, from the deployment that the line means.

use std::time::Duration;

use clap_complete::engine::CompletionCandidate;

use super::deployment;
use crate::discover;
use crate::host::exec::Processes;
use crate::host::system::System;
use crate::registry::loaded::deployments;
use crate::registry::{Cause, Deployment, Failure, LOCALHOST, Parameter, ParameterKind, Procedure, Step, StepKind};
use crate::select::detect;

/// A candidate and what it is.
pub fn candidate(name: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(name).help(Some(help.to_owned().into()))
}

/// All deployments.
pub fn complete_deployments() -> Vec<CompletionCandidate> {
    deployments().map(|deployment| candidate(deployment.name, deployment.summary)).collect()
}

/// The deployment that the line names with `-d`, else the one on this host; `None` when there are several.
pub fn meant(system: &System) -> Option<&'static Deployment> {
    let words: Vec<String> = std::env::args().skip_while(|word| word != "--").collect();
    meant_by(&words, system)
}

/// The deployment that these words of a command line name with `-d`, else the one on this host; `None` when there are several.
pub fn meant_by(words: &[String], system: &System) -> Option<&'static Deployment> {
    named_by(words).or_else(|| match detect(system).as_slice() {
        [] => Some(&LOCALHOST),
        [one] => Some(*one),
        _ => None,
    })
}

/// The deployment that is meant, else all.
fn possible() -> impl Iterator<Item = &'static Deployment> {
    let chosen = meant(&System::real());
    deployments().filter(move |d| chosen.is_none_or(|chosen| std::ptr::eq(*d, chosen)))
}

/// Services of the deployment that is meant, else of all; of `localhost` those that are found here as well.
pub fn complete_services() -> Vec<CompletionCandidate> {
    // Whoever presses the key waits for it.
    const WITHIN: Duration = Duration::from_millis(300);
    let with_found = |deployment: &'static Deployment| {
        let is_meant = || meant(&System::real()).is_some_and(|meant| meant.name == LOCALHOST.name);
        if deployment.name != LOCALHOST.name || !is_meant() {
            return deployment;
        }
        let system = System::real();
        discover::deployment(&discover::find_within(&system, &Processes::new(&system, None), WITHIN))
    };
    possible()
        .map(with_found)
        .flat_map(|d| d.services)
        .map(|service| candidate(service.name, service.summary))
        .collect()
}

/// Failures of the deployment that is meant, under all their names, and its services.
pub fn complete_failures() -> Vec<CompletionCandidate> {
    let mut names: Vec<CompletionCandidate> = possible()
        .flat_map(Deployment::all_failures)
        .flat_map(|failure| {
            let words = std::iter::once(failure.slug).chain(failure.aliases.iter().copied());
            words.map(|word| candidate(word, failure.summary))
        })
        .collect();
    names.extend(complete_services());
    names
}

/// Procedures of the deployment that is meant, else of all.
pub fn complete_procedures() -> Vec<CompletionCandidate> {
    // Those of every deployment come once.
    let mut known: Vec<&'static str> = Vec::new();
    let mut found: Vec<_> = possible().flat_map(Deployment::all_procedures).collect();
    found.retain(|procedure| {
        !known.contains(&procedure.slug) && {
            known.push(procedure.slug);
            true
        }
    });
    found.into_iter().map(|procedure| candidate(procedure.slug, procedure.summary)).collect()
}

/// The procedure that the line names behind `run`.
fn named_procedure() -> Option<&'static Procedure> {
    let mut words = std::env::args().skip_while(|word| word != "--").skip_while(|word| word != "run").skip(1);
    let all: Vec<&'static Procedure> = possible().flat_map(Deployment::all_procedures).collect();
    words.find_map(|word| all.iter().copied().find(|procedure| procedure.is(&word)))
}

/// Steps of the procedure that the line names.
pub fn complete_steps() -> Vec<CompletionCandidate> {
    let steps = named_procedure().map_or(&[][..], |procedure| procedure.steps);
    steps.iter().map(|step| candidate(step.name, step.title)).collect()
}

/// What the procedure that the line names asks a person for: step and word.
pub fn complete_answers() -> Vec<CompletionCandidate> {
    let steps = named_procedure().map_or(&[][..], |procedure| procedure.steps);
    let asked = |step: &Step| match step.kind {
        StepKind::Ask { answer, .. } => Some(candidate(&format!("{}={answer}", step.name), step.title)),
        _ => None,
    };
    steps.iter().filter_map(asked).collect()
}

/// Values of the procedure that the line names: what its parameters are without one, and services.
pub fn complete_values() -> Vec<CompletionCandidate> {
    let parameters = named_procedure().map_or(&[][..], |procedure| procedure.parameters);
    let default = |one: &Parameter| Some(candidate(one.default?, &format!("{}: {}", one.name, one.help)));
    let mut found: Vec<_> = parameters.iter().filter_map(default).collect();
    if parameters.iter().any(|parameter| parameter.kind == ParameterKind::Service) {
        found.extend(complete_services());
    }
    found
}

/// Backup sets of the deployment that is meant, else of all.
pub fn complete_sets() -> Vec<CompletionCandidate> {
    let chosen = meant(&System::real());
    let sets = deployments().filter(|d| chosen.is_none_or(|chosen| std::ptr::eq(*d, chosen)));
    sets.flat_map(|d| d.backups).map(|set| candidate(set.name, set.what)).collect()
}

/// Kinds of log sources.
pub fn complete_sources() -> Vec<CompletionCandidate> {
    let kinds = [
        ("journal", "journald's entries of units"),
        ("container", "output of containers"),
        ("pm2", "output of pm2 applications"),
        ("file", "log files"),
    ];
    kinds.into_iter().map(|(kind, help)| candidate(kind, help)).collect()
}

/// Codes of findings of the deployment that is meant, else of all.
pub fn complete_codes() -> Vec<CompletionCandidate> {
    let of = |deployment: &'static Deployment| {
        // Causes that several failures share are one code.
        let mut known: Vec<&'static str> = Vec::new();
        let mut causes: Vec<_> = deployment.all_failures().flat_map(Failure::causes).collect();
        causes.retain(|cause| {
            !known.contains(&cause.code) && {
                known.push(cause.code);
                true
            }
        });
        let one = move |cause: &Cause| candidate(&deployment.code(cause), &summary(cause));
        causes.into_iter().map(one).collect::<Vec<_>>()
    };
    possible().flat_map(of).collect()
}

/// What a cause is, of no service in particular.
fn summary(cause: &Cause) -> String {
    cause.summary.replace(['{', '}'], "")
}

/// Failures, services, procedures and codes of findings, and deployments after them.
pub fn complete_names() -> Vec<CompletionCandidate> {
    let mut names = complete_failures();
    names.extend(complete_procedures());
    names.extend(possible().flat_map(|d| d.verbs).map(|verb| candidate(verb.slug, verb.summary)));
    names.extend(complete_codes());
    names.extend(complete_deployments());
    names
}

fn named_by(words: &[String]) -> Option<&'static Deployment> {
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let name = match word {
            "-d" | "--deployment" => words.next()?,
            word => match word.strip_prefix("--deployment=").or_else(|| word.strip_prefix("-d")) {
                Some(name) => name,
                None => continue,
            },
        };
        return deployment(name).ok();
    }
    deployment(&std::env::var("OPSCTL_DEPLOYMENT").ok()?).ok()
}
