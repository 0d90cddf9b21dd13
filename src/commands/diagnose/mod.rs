//! `opsctl diagnose`: which failure it is, what proves it and what to do about it.

mod bundle;
mod fix;
mod scene;

use std::time::Duration;

use clap_complete::engine::ArgValueCandidates;
use jiff::tz::TimeZone;

use self::bundle::Target;
use self::fix::mend;
use self::scene::{Looked, Question, Scene, look};
use super::change::Change;
use super::purpose::excuse;
use super::status::{noticed, told_backups};
use crate::action::lock;
use crate::args::{complete_codes, complete_failures, complete_services, duration};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::judge::diagnosis::Ignores;
use crate::judge::health;
use crate::observe::probe::PATIENCE;
use crate::procedure::journal;
use crate::program;
use crate::registry::{Deployment, Failure, Verdict};
use crate::report::Head;
use crate::report::failure::{FailureRow, Failures};
use crate::report::status::{Beside, Status};
use crate::select::{detect, listed, meant, services};

/// Arguments of `diagnose`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Failure or service to check [default: every failure]
    ///
    /// A failure has other names: 502, oom, tls. Of a service, every failure is checked.
    #[arg(value_name = "FAILURE", add = ArgValueCandidates::new(complete_failures))]
    failure: Option<String>,
    /// Service to check for that failure
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(complete_services))]
    service: Option<String>,
    /// List known failures and check nothing
    #[arg(long, conflicts_with_all = ["failure", "service", "ignore"])]
    list: bool,
    /// Leave out findings of this code
    ///
    /// Of one subject, or of all. They are counted.
    #[arg(long, value_name = "CODE[:SUBJECT]", add = ArgValueCandidates::new(complete_codes))]
    ignore: Vec<String>,
    /// Write all evidence to a new tar file
    ///
    /// Or, with -, to stdout. It holds findings, states, the newest log lines without secrets, and configuration by name and hash.
    #[arg(long, value_name = "FILE|-", conflicts_with = "list")]
    bundle: Option<String>,
    /// What is to be done about it.
    #[command(flatten)]
    mend: Mend,
}

impl Args {
    /// Whether a file is written for others.
    pub fn is_bundled(&self) -> bool {
        self.bundle.is_some()
    }
}

/// Flags of mending.
#[derive(Debug, clap::Args)]
pub struct Mend {
    /// Apply fixes that are safe
    ///
    /// Disruptive fixes need consent or --yes; destructive ones are never applied. Each is checked before and after.
    #[arg(long, conflicts_with = "list")]
    fix: bool,
    /// With --fix: print the plan and change nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// With --fix: answer yes to every prompt
    #[arg(short, long, requires = "fix")]
    yes: bool,
    /// With --fix: wait for the lock [default: 10m]
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "10m",
          value_parser = duration, requires = "fix")]
    lock_wait: Option<Duration>,
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    if args.list {
        context.ui.report(&list(context, deployment))?;
        return Ok(Exit::Success);
    }
    let question = understand(args, context, deployment)?;
    let asked = args.ignore.iter().map(|text| ignore(deployment, text)).collect::<Result<Vec<_>, _>>()?;
    let today = context.system.now().to_zoned(TimeZone::UTC).date();
    let ignores = Ignores::new(deployment, asked, today);
    let look = || look(context, deployment, &question, &ignores);
    let target = args.bundle.as_deref().map(Target::of);
    let mut diagnosis = None;
    if let Some(target) = &target {
        // Before anything is mended: afterwards it may be gone.
        let Looked { seen, scene, records } = look()?;
        let status = status(context, deployment, &scene);
        let evidence = bundle::Evidence { document: &seen.document, status: &status, scene: &scene, records: &records };
        context.ui.note(&bundle::write(context, deployment, target, &evidence)?);
        diagnosis = Some(seen.document);
    }
    let diagnosis = match diagnosis {
        Some(diagnosis) if !args.mend.fix => diagnosis,
        None if !args.mend.fix => look()?.seen.document,
        Some(_) | None => {
            let Mend { dry_run, yes, lock_wait, .. } = args.mend;
            let look = || Ok(look()?.seen);
            mend(context, deployment, &Change { dry_run, yes, lock_wait }, &look)?
        }
    };
    // Standard output has one thing on it.
    if !matches!(target, Some(Target::Stream)) {
        context.ui.report(&diagnosis)?;
    }
    Ok(diagnosis.head.exit_code)
}

/// What `status` would say of the same evidence.
fn status(context: &Context<'_>, deployment: &'static Deployment, scene: &Scene) -> Status {
    let mut health = health::judge(deployment, &scene.services, &scene.evidence);
    let purposes = excuse(context, deployment, &mut health, PATIENCE);
    let holder = lock::holder(context.system, deployment);
    let backups = told_backups(context, deployment);
    let runs = journal::unfinished(context.system, deployment);
    let checked = super::checked::checked(context, deployment);
    let beside = Beside { holder, runs, backups, noticed: noticed(context, &scene.case(deployment)), checked };
    let status = Status::new(deployment, health, false, beside, |verdict| {
        Head::of(context.system, "opsctl/status/v1", deployment, verdict, Exit::of(verdict, false))
    });
    Status { maintenance: purposes.maintenance(deployment), ..status }
}

/// The failures of a deployment.
pub(super) fn list(context: &Context<'_>, deployment: &'static Deployment) -> Failures {
    let head = Head::of(context.system, "opsctl/failures/v1", deployment, Verdict::Pass, Exit::Success);
    let failures = deployment.all_failures().map(|failure| FailureRow::new(deployment, failure)).collect();
    Failures { head, failures }
}

fn understand(args: &Args, context: &Context<'_>, deployment: &'static Deployment) -> Result<Question, Error> {
    let mut question = Question { failures: deployment.all_failures().collect(), failure: None, service: None };
    let mut service = args.service.as_deref();
    if let Some(word) = &args.failure {
        match (deployment.failure(word), service) {
            (Some(failure), _) => {
                question.failures = vec![failure];
                question.failure = Some(failure);
            }
            (None, None) if is_service(deployment, word)? => service = Some(word),
            (None, _) => return Err(unknown_failure(context, deployment, word)),
        }
    }
    if let Some(name) = service {
        question.service = match services(context.system, deployment, &[name.to_owned()])?[..] {
            [one] => Some(one),
            ref several => {
                let names: Vec<&str> = several.iter().map(|service| service.name).collect();
                return Err(Error::usage(Code::AmbiguousName, format!("{name} means {}", names.join(", ")))
                    .hint(program::command(format_args!("diagnose {}", names[0]))));
            }
        };
    }
    Ok(question)
}

/// Whether this word, or one of those between its commas, is what a service is called.
fn is_service(deployment: &'static Deployment, word: &str) -> Result<bool, Error> {
    for part in listed(&[word.to_owned()]) {
        if !meant(deployment, part)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unknown_failure(context: &Context<'_>, deployment: &'static Deployment, word: &str) -> Error {
    let names = deployment
        .all_failures()
        .flat_map(|failure| std::iter::once(failure.slug).chain(failure.aliases.iter().copied()))
        .chain(deployment.services.iter().map(|service| service.name));
    let what = format!("failure or service of {}", deployment.name);
    let error = Error::no_such(Code::UnknownFailure, &what, word, names);
    match detect(context.system).into_iter().find(|other| other.failure(word).is_some()) {
        Some(other) => error.hint(format!("{} has it: -d {}", other.name, other.name)),
        None => error,
    }
}

/// The full code that somebody does not want to hear of, and the subject.
fn ignore(deployment: &'static Deployment, text: &str) -> Result<(String, Option<String>), Error> {
    let (code, subject) = match text.split_once(':') {
        Some((code, subject)) => (code, Some(subject.to_owned())),
        None => (text, None),
    };
    let Some((_, cause)) = deployment.cause(code) else {
        let codes: Vec<String> =
            deployment.all_failures().flat_map(Failure::causes).map(|c| deployment.code(c)).collect();
        let what = format!("finding of {}", deployment.name);
        return Err(Error::no_such(Code::UnknownCode, &what, code, codes.iter().map(String::as_str)));
    };
    Ok((deployment.code(cause), subject))
}
