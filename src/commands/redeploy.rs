//! `opsctl redeploy`: a new version, prepared beside the one that runs, switched to, proven by looking, and taken back where it
//! does not work. `rollback` shares the way.

use std::path::Path;
use std::thread;
use std::time::Duration;

use clap_complete::engine::ArgValueCandidates;

use crate::action::consent;
use crate::action::plan::{Operation, Plan};
use crate::action::release::checks::OldBackup;
use crate::action::release::job::{Bad, Job};
use crate::action::release::plan::{self, Preparation};
use crate::action::release::run;
use crate::action::release::survey::{self, Survey};
use crate::action::release::{Delivery, Wanted};
use crate::args::{complete_services, duration};
use crate::commands::change::{self, Change, Planned, SETTLE};
use crate::commands::operate::{self, Extent};
use crate::context::Context;
use crate::error::{Code, Error};
use crate::exit::Exit;
use crate::host::system::System;
use crate::judge::health;
use crate::program;
use crate::registry::{Deployment, Presence, Release, Service, Switch, Verdict};
use crate::report::Head;
use crate::report::release::Release as Document;
use crate::select::services;

/// How often it is asked again how services are, and after which time: a host that has just built something may be slow to say.
const AGAIN: u32 = 2;
const PAUSE: Duration = Duration::from_secs(1);

/// Arguments of `redeploy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Services to switch [default: all that run it]
    #[arg(value_name = "SERVICE", add = ArgValueCandidates::new(complete_services))]
    services: Vec<String>,
    /// Load images from an archive of docker save
    #[arg(long, value_name = "FILE", value_parser = archive, conflicts_with = "pull")]
    load: Option<String>,
    /// Pull images from their registry
    ///
    /// With IMAGE: pull that one, and tag it as the service names it.
    #[arg(long, value_name = "IMAGE", num_args = 0..=1, require_equals = true, default_missing_value = "",
          value_parser = image)]
    pull: Option<String>,
    /// Keep a version that fails; no rollback
    #[arg(long)]
    no_rollback: bool,
    /// Migrate the schema without a backup of 24 hours
    #[arg(long)]
    old_backup: bool,
    /// Verify this long before success [default: 10s]
    #[arg(long, value_name = "DURATION", default_value = SETTLE, hide_default_value = true, value_parser = duration)]
    settle: Duration,
    /// What every change takes.
    #[command(flatten)]
    change: Change,
}

/// An archive: an absolute path, because commands run elsewhere.
fn archive(text: &str) -> Result<String, String> {
    let path = std::path::absolute(Path::new(text)).map_err(|error| error.to_string())?;
    match System::real().metadata(&path).is_ok_and(|meta| meta.is_file()) {
        true => Ok(path.to_string_lossy().into_owned()),
        false => Err("no such file".to_owned()),
    }
}

/// An image name that no tool takes for a flag.
fn image(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    match text.is_empty() || (text.chars().all(plain) && text.starts_with(|c: char| c.is_ascii_alphanumeric())) {
        true => Ok(text.to_owned()),
        false => Err("expected the name of an image, such as registry.example.org/shop:1.2".to_owned()),
    }
}

pub(super) fn run(args: &Args, context: &Context<'_>) -> anyhow::Result<Exit> {
    let deployment = context.deployment()?;
    let release = release_of(deployment)?;
    let delivery = match (&args.load, args.pull.as_deref()) {
        (None, None) => Delivery::Here,
        (Some(file), _) => Delivery::Load(file.clone()),
        (None, Some("")) => Delivery::Pull,
        (None, Some(name)) => Delivery::PullAs(name.to_owned()),
    };
    if release.images.is_empty() && delivery != Delivery::Here {
        let problem = format!("{} has no images to load or pull", deployment.name);
        return Err(Error::usage(Code::Usage, problem).into());
    }
    if release.images.len() != 1 && matches!(delivery, Delivery::PullAs(_)) {
        let tags: Vec<&str> = release.images.iter().map(|image| image.tag).collect();
        let problem =
            format!("{} runs several images ({}): --pull takes no name here", deployment.name, tags.join(", "));
        return Err(Error::usage(Code::Usage, problem).into());
    }
    let ask = Ask {
        deployment,
        release,
        chosen: chosen(context, deployment, release, &args.services)?,
        wanted: Wanted::New(delivery),
        bad: if args.no_rollback { Bad::Left } else { Bad::TakenBack },
        old_backup: if args.old_backup { OldBackup::Accepted } else { OldBackup::Refused },
        settle: args.settle,
        change: &args.change,
    };
    carry_out(context, &ask)
}

/// How versions come to a deployment.
pub(super) fn release_of(deployment: &Deployment) -> Result<&'static Release, Error> {
    deployment.release.ok_or_else(|| {
        Error::refused(
            Code::NoRelease,
            format!("the registry has no release procedure of {}; nothing was changed", deployment.name),
        )
        .hint(program::command("get deployments"))
    })
}

/// The services of these names that run what is deployed; all of them when there are no names.
pub(super) fn chosen(
    context: &Context<'_>,
    deployment: &'static Deployment,
    release: &'static Release,
    names: &[String],
) -> Result<Vec<&'static Service>, Error> {
    if names.is_empty() {
        return Ok(release.services.to_vec());
    }
    let named = services(context.system, deployment, names)?;
    let runs = |service: &&&'static Service| release.services.iter().any(|other| other.name == service.name);
    // A pattern means those of its services that are deployed.
    let is_pattern = names.iter().any(|name| name.contains(['*', '?'])) && named.iter().any(|service| runs(&service));
    if let Some(other) = named.iter().find(|service| !is_pattern && !runs(service)) {
        let those: Vec<&str> = release.services.iter().map(|service| service.name).collect();
        let problem = format!("{} is not part of the release", other.name);
        return Err(Error::usage(Code::Usage, problem).hint(format!("services of the release: {}", those.join(", "))));
    }
    let is_named = |service: &&&'static Service| named.iter().any(|other| other.name == service.name);
    Ok(release.services.iter().filter(is_named).copied().collect())
}

/// A new version, or an earlier one, as it was asked for.
pub(super) struct Ask<'a> {
    pub(super) deployment: &'static Deployment,
    pub(super) release: &'static Release,
    pub(super) chosen: Vec<&'static Service>,
    pub(super) wanted: Wanted,
    pub(super) bad: Bad,
    pub(super) old_backup: OldBackup,
    pub(super) settle: Duration,
    pub(super) change: &'a Change,
}

/// What was seen, what follows from it, and how the services would be switched.
struct Outlook {
    survey: Survey,
    services: Vec<&'static Service>,
    preparation: Preparation,
    switch: Plan,
}

/// Plans, asks, locks, runs and reports.
pub(super) fn carry_out(context: &Context<'_>, ask: &Ask<'_>) -> anyhow::Result<Exit> {
    let verb = ask.wanted.verb();
    let planned = Planned::now();
    // What cannot be seen without root is no reason to say less than that it takes root.
    let outlook = look(context, ask).map_err(|error| {
        let is_hidden = error.exit == Exit::Unknown && !ask.change.dry_run && !context.system.is_root();
        if is_hidden { change::no_root(verb) } else { error }
    })?;
    let head = |verdict, exit| Head::of(context.system, "opsctl/release/v1", ask.deployment, verdict, exit);
    let document = |verdict, exit, outlook: &Outlook| {
        Document::planned(head(verdict, exit), verb, ask.release, &outlook.preparation, &outlook.switch)
    };
    if ask.change.dry_run {
        context.ui.report(&document(Verdict::Pass, Exit::Success, &outlook))?;
        return Ok(Exit::Success);
    }
    if !context.system.is_root() {
        return Err(change::no_root(verb).into());
    }
    let risk = document(Verdict::Pass, Exit::Success, &outlook).risk;
    let consent = consent::obtain(context.deadline(), verb, risk, ask.change.yes, &blast(ask.release, &outlook))?;
    let ((outlook, released), unfinished) = change::held(context, ask.deployment, verb, ask.change, |lock| {
        let outlook = planned.settled(verb, ask.change, outlook, || look(context, ask), commands)?;
        let switch =
            |context: &Context<'_>, services: &[&'static Service]| switch(context, ask, &outlook.survey, services);
        let job = Job {
            deployment: ask.deployment,
            release: ask.release,
            services: &outlook.services,
            wanted: &ask.wanted,
            survey: &outlook.survey,
            preparation: &outlook.preparation,
            settle: ask.settle,
            bad: ask.bad,
            old_backup: ask.old_backup,
            switch: &switch,
            words: &|done: &_| operate::last_words(context, ask.deployment, done),
        };
        let released = run::run(context, &job, &outlook.switch, &consent, lock)?;
        Ok((outlook, released))
    })?;
    let exit = released.ending.exit();
    let document = document(exit.verdict(), exit, &outlook).ended(released, unfinished);
    Ok(change::tell(context, verb, exit, &document))
}

/// All that would be run, as it can be pasted.
fn commands(outlook: &Outlook) -> Vec<String> {
    let stages = outlook.preparation.stages.iter().map(|stage| stage.step().argv.to_string());
    stages.chain(outlook.switch.commands()).collect()
}

/// Looks at the host, and plans.
///
/// # Errors
/// What stands against it.
fn look(context: &Context<'_>, ask: &Ask<'_>) -> Result<Outlook, Error> {
    let limit = context.patience_to_change()?;
    let survey = survey::survey(context, ask.deployment, ask.release, &ask.chosen, &ask.wanted, limit);
    // What need not be here and is not, is not deployed.
    let here = |service: &&&'static Service| {
        let judged = survey.health.iter().find(|health| health.name == service.name);
        service.presence == Presence::Required
            || judged.is_some_and(|health| !matches!(health.state, health::State::NotFound))
    };
    let services: Vec<&'static Service> = ask.chosen.iter().filter(here).copied().collect();
    let preparation = plan::prepare(ask.release, &survey, &ask.wanted, ask.old_backup);
    let against = |verdict| preparation.checks.iter().filter(move |check| check.verdict == verdict);
    let wrong: Vec<_> = against(Verdict::Fail).chain(against(Verdict::Unknown)).collect();
    if !wrong.is_empty() {
        let reasons: Vec<String> = wrong.iter().map(|check| format!("{}: {}", check.what, check.summary)).collect();
        let mut hints: Vec<&str> = Vec::new();
        for hint in wrong.iter().filter_map(|check| check.hint.as_deref()) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        // What could not be read may be root's alone.
        let as_root = program::again_as_root(ask.wanted.verb());
        if !context.system.is_root() && wrong.iter().any(|check| check.verdict == Verdict::Unknown) {
            hints = vec![&as_root];
        }
        let is_unknown = wrong.iter().all(|check| check.verdict == Verdict::Unknown);
        return Err(Error::blocked(ask.wanted.verb(), &reasons, &hints, is_unknown));
    }
    let switch = switch(context, ask, &survey, &services)?;
    Ok(Outlook { survey, services, preparation, switch })
}

/// Plans how services go over to what lies ready.
fn switch(context: &Context<'_>, ask: &Ask<'_>, survey: &Survey, services: &[&'static Service]) -> Result<Plan, Error> {
    if let Some(plan) = plan::compose(ask.deployment, ask.release, survey, services) {
        return Ok(plan);
    }
    let operation = match ask.release.switch {
        Switch::Restart | Switch::Compose { .. } => Operation::Restart,
        Switch::Reload => Operation::Reload,
    };
    let make = || operate::make(operation, Extent::Named, context, ask.deployment, services);
    let mut plan = make();
    for _ in 0..AGAIN {
        if plan.as_ref().is_err_and(|error| error.exit == Exit::Unknown) {
            thread::sleep(PAUSE);
            plan = make();
        }
    }
    plan
}

/// What an operator must know before consenting.
fn blast(release: &Release, outlook: &Outlook) -> Vec<String> {
    let Preparation { from, to, checks, .. } = &outlook.preparation;
    let mut lines = vec![match to.is_unknown() || to.is(from) {
        true => format!("from {} to the prepared version", from.id()),
        false => format!("from {} to {}", from.id(), to.id()),
    }];
    lines.extend(operate::blast(&outlook.switch));
    let warnings = checks.iter().filter(|check| check.verdict == Verdict::Warn);
    lines.extend(warnings.map(|check| format!("{}: {}", check.what, check.summary)));
    lines.push(format!("kept after a rollback: {}", release.stays));
    lines
}
