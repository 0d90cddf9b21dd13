//! One command that mends something of the host: under the lock and in the audit trail, like every other change.

use std::io;
use std::time::Duration;

use serde::Serialize;

use super::audit;
use super::consent::Consent;
use super::lock::Lock;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::host::exec::{ProcessEnd, Runner};
use crate::host::files::own;
use crate::host::system::System;
use crate::host::tools::Argv;
use crate::host::trouble::{Trouble, failure};
use crate::registry::Deployment;

/// Where what was seen before a change is kept.
pub const EVIDENCE: &str = "/var/log/opsctl/evidence.jsonl";
/// How long a command may take.
const LIMIT: Duration = Duration::from_mins(1);

/// Runs a command; why it failed, where it did. That it succeeded says nothing: what it was for must be looked at.
///
/// # Errors
/// When it cannot be recorded: then nothing was changed.
pub fn command(
    context: &Context<'_>,
    deployment: &'static Deployment,
    argv: &Argv,
    subject: &str,
    _: &Consent,
    lock: &mut Lock,
) -> Result<Option<String>, Error> {
    let (targets, commands) = (vec![subject.to_owned()], vec![argv.to_string()]);
    let act = audit::begin(context, deployment, "diagnose --fix", targets, commands)?;
    lock.step(&argv.to_string());
    let limit = LIMIT.min(context.time_left().unwrap_or(LIMIT));
    let trouble = match context.processes().run(argv, limit) {
        Ok(output) if output.exit == ProcessEnd::Code(0) => None,
        Ok(output) => Some(failure(&output).to_string()),
        Err(error) => Some(Trouble::from(error).to_string()),
    };
    let exit = if trouble.is_none() { Exit::Success } else { Exit::Failure };
    let outcome = trouble.clone().unwrap_or_else(|| "done".to_owned());
    act.end(context, outcome, exit);
    Ok(trouble)
}

/// Keeps what was seen, one line of JSON, before a change that may make it go away.
///
/// # Errors
/// As the operating system says.
pub fn keep_evidence(system: &System, seen: &impl Serialize) -> io::Result<()> {
    own::append_line(system, "/var/log/opsctl", EVIDENCE, seen)
}
