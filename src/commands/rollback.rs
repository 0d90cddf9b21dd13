//! `opsctl rollback`: the version before, or one that is recorded, verified like a new one.

use std::time::Duration;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::action::release::checks::OldBackup;
use crate::action::release::job::Bad;
use crate::action::release::record;
use crate::action::release::survey::{self, Source};
use crate::action::release::{Version, Wanted};
use crate::args::{candidate, complete_services, duration, meant};
use crate::commands::change::{Change, SETTLE};
use crate::commands::redeploy::{Ask, carry_out, chosen, release_of};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::system::System;
use crate::program;
use crate::registry::Verdict;
use crate::report::Head;
use crate::report::release::Releases;
use crate::ui::escape;
use crate::units::stamp;

/// Arguments of `rollback`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Services to switch back [default: all that run it]
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(complete_services))]
    services: Vec<String>,
    /// Version to return to [default: the one before]
    ///
    /// The beginning of a commit or of an image's id.
    #[arg(long, value_name = "VERSION", value_parser = version, add = ArgValueCandidates::new(complete_versions))]
    to: Option<String>,
    /// List versions that worked and change nothing
    #[arg(long, conflicts_with_all = ["to", "services", "dry_run", "yes"])]
    list: bool,
    /// Verify this long before success [default: 10s]
    #[arg(long, value_name = "DURATION", default_value = SETTLE, hide_default_value = true, value_parser = duration)]
    settle: Duration,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

/// A name that git takes for no flag.
fn version(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./~^".contains(c);
    match text.chars().all(plain) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        true => Ok(text.to_owned()),
        false => Err(format!("expected a version as {} shows it, or a commit", program::command("rollback --list"))),
    }
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let release = release_of(deployment)?;
    if !args.list {
        let ask = Ask {
            deployment,
            release,
            chosen: chosen(context, deployment, release, &args.services)?,
            wanted: Wanted::Earlier(args.to.clone()),
            bad: Bad::Left,
            old_backup: OldBackup::Accepted,
            settle: args.settle,
            change: &args.change,
        };
        return carry_out(context, &ask);
    }
    let wanted = Wanted::Earlier(None);
    let seen = survey::survey(context, deployment, release, release.services, &wanted, context.patience()?);
    let records = seen.records.as_ref().map_err(|error| {
        Error::unknown(
            Code::RecordUnreadable,
            format!("the record of releases of {} cannot be read: {error}", deployment.name),
        )
        .hint_if((!context.system.is_root()).then(|| program::again_as_root("rollback --list")))
    })?;
    let has_git = matches!(&seen.source, Some(Ok(Source { git: Some(_), .. })));
    let available = |version: &Version| {
        let commit = version.revision.as_ref().filter(|_| has_git).map(|revision| seen.commits.contains(revision));
        let images = match (&seen.images, version.images.is_empty()) {
            (_, true) => Some(true),
            (Some(Ok(images)), false) => Some(version.images.values().all(|id| images.ids.contains(id))),
            (_, false) => None,
        };
        Some(commit.unwrap_or(version.revision.is_none()) && images?)
    };
    let head = Head::of(context.system, "opsctl/releases/v1", deployment, Verdict::Pass, Exit::Success);
    let current = seen.version(release);
    context.ui.report(&Releases::new(head, &records.releases, records.damaged, &current, available))?;
    Ok(Exit::Success)
}

/// Versions that are recorded of the deployment that is meant, newest first; none for who may not read the record.
fn complete_versions() -> Vec<CompletionCandidate> {
    let system = System::real();
    let records = meant(&system).and_then(|deployment| record::read(&system, deployment).ok()).unwrap_or_default();
    let mut found: Vec<CompletionCandidate> = Vec::new();
    for (release, id) in records.releases.iter().zip(record::ids(&records.releases)).rev() {
        let help = format!("{} {}", stamp(release.time), release.version.subject.as_deref().unwrap_or(""));
        if !id.is_empty() && found.iter().all(|other| other.get_value() != id.as_str()) {
            found.push(candidate(&id, escape::line(help.trim()).as_ref()));
        }
    }
    found
}
