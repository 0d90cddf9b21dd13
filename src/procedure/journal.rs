//! How far a run came: kept before and after each step, so that it outlives this process, a lost line and a reboot. A run that did not
//! come to its end can be resumed or undone by whoever comes next.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secrets;
use crate::error::{Code, Error};
use crate::host::files::own;
use crate::host::system::System;
use crate::program;
use crate::registry::{Deployment, Procedure};

/// Where runs are kept: it outlives a reboot.
const DIRECTORY: &str = "/var/lib/opsctl";
/// Where they are kept when the disk is full: in memory, until the next reboot.
const FALLBACK: &str = "/run/opsctl";

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Journal {
    /// Procedure.
    pub procedure: String,
    /// Values of its parameters, in the form in which they are handed on.
    pub values: BTreeMap<String, String>,
    /// Who began it.
    pub who: String,
    /// Since when.
    pub since: Timestamp,
    /// The step that it began at; `null` where that was the first one.
    #[serde(default)]
    pub from: Option<String>,
    /// Steps that were begun, in the order in which they were begun.
    pub steps: Vec<StepRecord>,
    /// When it came to its end; `null` where it can be resumed.
    pub ended: Option<Timestamp>,
}

/// A step that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepRecord {
    /// Its name.
    pub step: String,
    /// How it ended.
    pub state: StepState,
    /// When that was.
    pub at: Timestamp,
    /// What was seen.
    pub summary: String,
    /// Services that it stopped or started, and that were otherwise before.
    pub services: Vec<String>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It was begun, and nothing more is known.
    Begun,
    /// It was done, and its proof holds.
    Done,
    /// Its proof held beforehand, so nothing was done.
    AlreadyDone,
    /// Its condition did not hold, so nothing was done.
    Skipped,
    /// A person confirmed it.
    Answered,
    /// It failed, or its proof did not hold afterwards.
    Failed,
    /// It was undone.
    Undone,
}

impl Journal {
    /// A run that begins now.
    pub fn new(system: &System, procedure: &Procedure, values: &BTreeMap<String, String>, who: String) -> Self {
        Journal {
            procedure: procedure.slug.to_owned(),
            values: values.clone(),
            who,
            since: system.now(),
            from: None,
            steps: Vec::new(),
            ended: None,
        }
    }

    /// What is known of a step.
    pub fn of(&self, step: &str) -> Option<&StepRecord> {
        self.steps.iter().find(|record| record.step == step)
    }

    /// Notes how a step is. It keeps its place among the others.
    pub fn note(&mut self, system: &System, step: &str, state: StepState, summary: &str) {
        let at = system.now();
        let record = StepRecord { step: step.to_owned(), state, at, summary: summary.to_owned(), services: Vec::new() };
        match self.steps.iter_mut().find(|record| record.step == step) {
            Some(known) => *known = StepRecord { services: std::mem::take(&mut known.services), ..record },
            None => self.steps.push(record),
        }
    }

    /// Whether any step is recorded as done.
    pub fn has_done(&self) -> bool {
        self.steps.iter().any(|record| record.state == StepState::Done)
    }
}

fn path(directory: &str, deployment: &Deployment, procedure: &str) -> String {
    format!("{directory}/{}.{procedure}.run.json", deployment.name)
}

/// Keeps a run: written to a new file, made durable, then moved to its name. Where the disk is full, in memory.
///
/// # Errors
/// When neither takes it; nothing may be done then.
pub fn keep(system: &System, deployment: &Deployment, journal: &Journal) -> Result<(), Error> {
    let Err(error) = keep_in(system, DIRECTORY, deployment, journal) else {
        let _ = own::remove(system, &path(FALLBACK, deployment, &journal.procedure));
        if journal.ended.is_some() {
            // Nobody resumes it.
            let _ = secrets::forget(system, deployment, &journal.procedure);
        }
        return Ok(());
    };
    keep_in(system, FALLBACK, deployment, journal).map_err(|fallback| {
        Error::refused(
            Code::RecordUnwritable,
            format!(
                "the run of {} cannot be recorded: {DIRECTORY}: {error}; {FALLBACK}: {fallback}",
                journal.procedure
            ),
        )
        .hint(format!("ls -ld {DIRECTORY} {FALLBACK}"))
    })
}

fn keep_in(system: &System, directory: &str, deployment: &Deployment, journal: &Journal) -> io::Result<()> {
    own::directory(system, directory)?;
    let path = path(directory, deployment, &journal.procedure);
    let new = format!("{path}.new");
    own::write_new(system, &new, &serde_json::to_vec(journal)?, 0o600)?;
    own::rename(system, &new, &path)
}

/// The last run of a procedure; `None` where there is none.
///
/// # Errors
/// When it cannot be read or understood.
pub fn kept(system: &System, deployment: &Deployment, procedure: &str) -> Result<Option<Journal>, Error> {
    let mut newest: Option<Journal> = None;
    for directory in [DIRECTORY, FALLBACK] {
        let path = path(directory, deployment, procedure);
        let unreadable = |why: String, hint: String| {
            let message = format!("the record of the run of {procedure} cannot be read: {path}: {why}");
            Error::unknown(Code::RecordUnreadable, message).hint(hint)
        };
        let text = match system.read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(unreadable("needs root".to_owned(), program::as_root("run --status")));
            }
            Err(error) => return Err(unreadable(error.to_string(), format!("ls -l {path}"))),
        };
        let discard = || program::command(format_args!("run {procedure} --discard"));
        let journal: Journal = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string(), discard()))?;
        let is_newer = |known: &Journal| known.steps.last().map(|it| it.at) < journal.steps.last().map(|it| it.at);
        if newest.as_ref().is_none_or(is_newer) {
            newest = Some(journal);
        }
    }
    Ok(newest)
}

/// Forgets a run.
///
/// # Errors
/// As the operating system says.
pub fn discard(system: &System, deployment: &Deployment, procedure: &str) -> io::Result<()> {
    secrets::forget(system, deployment, procedure)?;
    own::remove(system, &path(FALLBACK, deployment, procedure))?;
    own::remove(system, &path(DIRECTORY, deployment, procedure))
}

/// Runs of a deployment that did not come to their end, the newest first; those whose record cannot be read are left out.
pub fn unfinished(system: &System, deployment: &Deployment) -> Vec<Journal> {
    let mut found: Vec<Journal> = Vec::new();
    for directory in [DIRECTORY, FALLBACK] {
        // Whoever is not root may not read it, and learns nothing of runs.
        for name in system.names(directory).unwrap_or_default() {
            let own = name.to_str().and_then(|name| name.strip_prefix(deployment.name)?.strip_prefix('.'));
            let Some(procedure) = own.and_then(|own| own.strip_suffix(".run.json")) else { continue };
            if found.iter().all(|run| run.procedure != procedure) {
                found.extend(kept(system, deployment, procedure).ok().flatten());
            }
        }
    }
    found.retain(|run| run.ended.is_none());
    found.sort_by_key(|run| std::cmp::Reverse(run.since));
    found
}
