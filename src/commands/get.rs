//! `opsctl get`: what the registry holds, as lists.

use clap::ValueEnum;
use clap_complete::engine::ArgValueCandidates;

use crate::alert::{Moment, store};
use crate::args::complete_names;
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::program;
use crate::registry::loaded::deployments;
use crate::registry::{BackupSet, Deployment, Verdict};
use crate::report::Head;
use crate::report::backups::{BackupSets, SetFacts};
use crate::report::check;
use crate::report::checked::CheckedFacts;
use crate::report::checks::Checks;
use crate::report::list::{DeploymentRow, Deployments, ServiceRow, Services};
use crate::report::procedure::{ProcedureRow, Procedures};
use crate::select::{detect, listed, services};

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to list
    #[arg(value_enum)]
    what: Listing,
    /// Names to list [default: all]
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete_names))]
    names: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Listing {
    /// Services of the deployment
    #[value(aliases = ["service", "svc", "svcs"])]
    Services,
    /// Backup sets: where, how often, for how long
    #[value(aliases = ["backup", "sets", "set"])]
    Backups,
    /// Failures that the registry knows
    #[value(aliases = ["failure", "causes"])]
    Failures,
    /// Procedures of the runbook
    #[value(aliases = ["procedure", "proc", "runbook"])]
    Procedures,
    /// Subjects of `check`: their state, since when, who was notified
    #[value(aliases = ["check", "incidents"])]
    Checks,
    /// Deployments compiled into this binary
    #[value(aliases = ["deployment", "deploy"])]
    Deployments,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    match args.what {
        Listing::Services => {
            let deployment = context.deployment()?;
            let head = Head::of(context.system, "opsctl/services/v1", deployment, Verdict::Pass, Exit::Success);
            let services = services(context.system, deployment, &args.names)?;
            let services = services.into_iter().map(ServiceRow::new).collect();
            context.ui.report(&Services { head, services })?;
        }
        Listing::Backups => {
            let deployment = context.deployment()?;
            let head = Head::of(context.system, "opsctl/backup-sets/v1", deployment, Verdict::Pass, Exit::Success);
            let known: Vec<&BackupSet> = deployment.backups.iter().collect();
            let what = format!("backup set of {}", deployment.name);
            let sets = filtered(known, &args.names, Code::UnknownSet, &what, |set| set.name)?;
            let sets = sets.into_iter().map(SetFacts::new).collect();
            context.ui.report(&BackupSets { head, sets })?;
        }
        Listing::Failures => {
            let deployment = context.deployment()?;
            let mut list = super::diagnose::list(context, deployment);
            // Another word for a failure means it, too.
            let word = |word: &str| deployment.failure(word).map_or(word, |failure| failure.slug).to_owned();
            let names: Vec<String> = listed(&args.names).map(word).collect();
            let what = format!("failure of {}", deployment.name);
            list.failures = filtered(list.failures, &names, Code::UnknownFailure, &what, |row| row.name)?;
            context.ui.report(&list)?;
        }
        Listing::Procedures => {
            let deployment = context.deployment()?;
            let head = Head::of(context.system, "opsctl/procedures/v1", deployment, Verdict::Pass, Exit::Success);
            let by_verb = deployment.verbs.iter().map(|verb| ProcedureRow::of_verb(deployment, verb));
            let known: Vec<ProcedureRow> = by_verb.chain(deployment.all_procedures().map(ProcedureRow::new)).collect();
            // Another word for a procedure means it, too.
            let by_verb = |word: &str| deployment.verb(word).map(|verb| verb.slug);
            let slug = |word: &str| deployment.procedure(word).map(|one| one.slug).or_else(|| by_verb(word));
            let word = |word: &str| slug(word).unwrap_or(word).to_owned();
            let names: Vec<String> = listed(&args.names).map(word).collect();
            let what = format!("procedure of {}", deployment.name);
            let procedures = filtered(known, &names, Code::UnknownProcedure, &what, |row| row.name)?;
            context.ui.report(&Procedures { head, procedures })?;
        }
        Listing::Checks => {
            let deployment = context.deployment()?;
            let record = store::read(context.system, deployment).map_err(|error| {
                Error::unknown(Code::RecordUnreadable, format!("the record of checks cannot be read: {error}"))
                    .hint_if((!context.system.is_root()).then(|| program::again_as_root("get checks")))
            })?;
            let mut subjects = check::facts(&record.state);
            subjects.sort_by_key(|subject| (!subject.incident_open, std::cmp::Reverse(subject.verdict)));
            let what = format!("subject of {}", deployment.name);
            let checks = filtered(subjects, &args.names, Code::UnknownService, &what, |subject| &subject.subject)?;
            let head = Head::of(context.system, "opsctl/checks/v1", deployment, Verdict::Pass, Exit::Success);
            let checked = CheckedFacts::of(&record, &Moment::now(context.system));
            context.ui.report(&Checks { head, checked, checks })?;
        }
        Listing::Deployments => {
            let found = detect(context.system);
            let known: Vec<&Deployment> = deployments().collect();
            let chosen = filtered(known, &args.names, Code::UnknownDeployment, "deployment", |known| known.name)?;
            let rows = chosen.into_iter().map(|deployment| DeploymentRow {
                name: deployment.name,
                summary: deployment.summary,
                services: deployment.services.len(),
                ssh: deployment.host.ssh,
                here: found.iter().any(|here| here.name == deployment.name),
            });
            let deployments = rows.collect();
            let mut head = Head::of(
                context.system,
                "opsctl/deployments/v1",
                &crate::registry::LOCALHOST,
                Verdict::Pass,
                Exit::Success,
            );
            head.deployment = None;
            context.ui.report(&Deployments { head, deployments })?;
        }
    }
    Ok(Exit::Success)
}

/// Those of these names or patterns; all where none is named.
fn filtered<T>(
    known: Vec<T>,
    words: &[String],
    code: Code,
    what: &str,
    name: impl for<'a> Fn(&'a T) -> &'a str,
) -> Result<Vec<T>, Error> {
    let fits = |word: &str, one: &T| match glob::Pattern::new(word) {
        Ok(pattern) => pattern.matches(name(one)),
        Err(_) => word == name(one),
    };
    for word in listed(words) {
        if !known.iter().any(|one| fits(word, one)) {
            return Err(Error::no_such(code, what, word, known.iter().map(&name)));
        }
    }
    let is_meant = |one: &T| words.is_empty() || listed(words).any(|word| fits(word, one));
    Ok(known.into_iter().filter(is_meant).collect())
}
