//! PURE. What to run to bring a version, and what speaks against it: from the registry and from what was seen.

use std::time::Duration;

use super::checks::{Checked, OldBackup, backup, deliverable, env, existing, foreign, room, working_copy};
use super::record;
use super::survey::{Source, Survey};
use super::{Delivery, Version, Wanted, short};
use crate::action::Risk;
use crate::action::plan::{Operation, Part, Plan, Step};
use crate::host::tools::{Account, Argv, Input, git, images};
use crate::program;
use crate::registry::{Deployment, Release, Schema, Service, Switch, Task, Verdict};

/// How long a question to git or docker may take that changes something small.
const QUICK: Duration = Duration::from_secs(30);
/// How long something may take that comes over the network, or out of an archive.
const TRANSFER: Duration = Duration::from_mins(15);

/// All that would be done before services are switched.
#[derive(Debug, Clone)]
pub struct Preparation {
    /// What runs.
    pub from: Version,
    /// What is to run, as far as it is known beforehand.
    pub to: Version,
    /// What was looked at.
    pub checks: Vec<Checked>,
    /// What is done, in order.
    pub stages: Vec<Stage>,
}

/// A piece of the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Leaves what serves, and what it is made of, alone.
    Aside(Step),
    /// Moves the working copy to this commit, at which it must be afterwards.
    Move(Step, String),
    /// See which migrations the new commit has, and whether they may be applied.
    Review(Step),
    /// Calls the image of this id by this name.
    Name(Step, String, String),
    /// Takes images out of an archive, which must hold one that the services run.
    Load(Step),
    /// Makes something that the running version does not need, but its next start would take.
    Make(Step),
    /// Apply the migrations that were found.
    Migrate(Step),
}

impl Stage {
    /// The command, or its form where it is known only on the way.
    pub fn step(&self) -> &Step {
        match self {
            Stage::Aside(step)
            | Stage::Move(step, _)
            | Stage::Review(step)
            | Stage::Name(step, ..)
            | Stage::Load(step)
            | Stage::Make(step)
            | Stage::Migrate(step) => step,
        }
    }
}

/// Plans the way to a version, and checks what must hold for it.
pub fn prepare(release: &'static Release, survey: &Survey, wanted: &Wanted, old_backup: OldBackup) -> Preparation {
    let from = running(release, survey);
    let mut checks = Vec::new();
    working_copy(release, survey, wanted, &mut checks);
    foreign(release, survey, &mut checks);
    let (to, stages) = match wanted {
        Wanted::New(delivery) => {
            deliverable(release, survey, delivery, &mut checks);
            backup(release, survey, old_backup, &mut checks);
            let to = Version { revision: remote(survey).or_else(|| from.revision.clone()), ..Version::default() };
            (to, forward(release, survey, delivery, &from))
        }
        Wanted::Earlier(name) => match target(release, survey, &from, name.as_deref()) {
            Ok(to) => {
                existing(survey, &to, &mut checks);
                let stages = towards(release, survey, &to);
                (to, stages)
            }
            Err(check) => {
                checks.push(check);
                (Version::default(), Vec::new())
            }
        },
    };
    room(release, survey, &mut checks);
    env(survey, &mut checks);
    if let Some(doubt) = survey.doubt(release) {
        checks.push(Checked::new(
            "now",
            Verdict::Warn,
            format!("{doubt}; the running version is not recorded as healthy"),
        ));
    }
    Preparation { from, to, checks, stages }
}

/// What runs, with the commit that it was made of: where images run, the working copy may have been moved since.
fn running(release: &Release, survey: &Survey) -> Version {
    let seen = survey.version(release);
    let records = survey.records.as_ref().map(|records| records.releases.as_slice()).unwrap_or_default();
    let made = records.iter().rev().find(|record| !seen.images.is_empty() && record.version.is(&seen));
    made.map_or(seen, |record| record.version.clone())
}

/// The version that a rollback goes to.
fn target(release: &Release, survey: &Survey, from: &Version, name: Option<&str>) -> Result<Version, Checked> {
    let list = program::command("rollback --list");
    let none = |summary: String| Checked::new("target", Verdict::Fail, summary).hint(list.clone());
    let earlier = |summary: &str| match release.images.is_empty() {
        true => {
            let hint = format!("{}, with a commit of the repository", program::command("rollback --to COMMIT"));
            none(summary.to_owned()).hint(hint)
        }
        false => none(summary.to_owned()),
    };
    let records = survey.records.as_ref().map_err(|error| {
        Checked::new("target", Verdict::Unknown, format!("the recorded versions cannot be read: {error}"))
    })?;
    let Some(name) = name else {
        if let Some(record) = records.before(from) {
            return Ok(record.version.clone());
        }
        // Where nothing was recorded yet, the runbook's own tag may name the one before.
        let named = match &survey.images {
            Some(Ok(images)) => &images.named,
            _ => return Err(earlier("no earlier version is recorded")),
        };
        let before =
            release.images.iter().filter_map(|image| Some((image.tag.to_owned(), named.get(image.previous)?.clone())));
        let before = Version { images: before.collect(), ..Version::default() };
        return match before.images.len() == release.images.len() && !before.is(from) {
            true => Ok(before),
            false => Err(earlier("no earlier version is recorded, and no image is tagged as the previous one")),
        };
    };
    let listed: Vec<(&Version, String)> =
        records.releases.iter().map(|record| &record.version).zip(record::ids(&records.releases)).rev().collect();
    let starts = |hash: &String| hash.strip_prefix("sha256:").unwrap_or(hash).starts_with(name);
    let begins = |version: &Version| {
        name.len() >= 4 && (version.revision.as_ref().is_some_and(starts) || version.images.values().any(starts))
    };
    // As it is listed it is meant, whatever else begins so.
    let exact = listed.iter().any(|(_, id)| id == name);
    let mut meant: Vec<&(&Version, String)> = Vec::new();
    for candidate in listed.iter().filter(|(version, id)| if exact { id == name } else { begins(version) }) {
        if meant.iter().all(|(other, _)| !other.is(candidate.0)) {
            meant.push(candidate);
        }
    }
    match (meant.as_slice(), &survey.named) {
        ([(one, _)], _) => Ok((*one).clone()),
        ([_, _, ..], _) => {
            let ids: Vec<&str> = meant.iter().map(|(_, id)| id.as_str()).collect();
            Err(none(format!("{name} is ambiguous: {}", ids.join(", "))))
        }
        ([], Some(Ok(commit))) if release.images.is_empty() => Ok(Version {
            revision: Some(commit.revision.clone()),
            subject: Some(commit.subject.clone()),
            author: Some(commit.author.clone()),
            ..Version::default()
        }),
        ([], _) => Err(none(format!("no version {name} is recorded"))),
    }
}

fn remote(survey: &Survey) -> Option<String> {
    match &survey.source {
        Some(Ok(Source { git: Some(git), .. })) => git.remote.as_ref()?.as_ref().ok().cloned(),
        _ => None,
    }
}

fn step(title: impl Into<String>, argv: Argv, deadline: Duration, risk: Risk) -> Step {
    Step { title: title.into(), argv, deadline, risk, optional: false, again: false }
}

/// The way to a new version.
fn forward(release: &'static Release, survey: &Survey, delivery: &Delivery, from: &Version) -> Vec<Stage> {
    let mut stages = Vec::new();
    for image in release.images {
        if let Some(id) = from.images.get(image.tag)
            && is_to_be_kept(survey, image.tag, image.previous, id)
        {
            stages.push(name(format!("tag the running image as {}", image.previous), id, image.previous));
        }
    }
    let source = match &survey.source {
        Some(Ok(source)) => Some(source),
        Some(Err(_)) | None => None,
    };
    if let Some(Source { path, owner, git: Some(git) }) = source
        && let Some(revision) = remote(survey)
    {
        let owner = owner.as_ref();
        let moves = survey.head().is_none_or(|head| head.revision != revision);
        if moves {
            let argv = git::fetch(path, owner, &git.settings, release.branch);
            stages.push(Stage::Aside(step("fetch the new version", argv, TRANSFER, Risk::Safe)));
        }
        if let Some(Schema::Migrations { directory, .. }) = &release.schema {
            let argv = git::files(path, owner, &revision, directory);
            stages.push(Stage::Review(step("list the migrations that it adds", argv, QUICK, Risk::ReadOnly)));
        }
        if moves {
            let argv = git::forward(path, owner, &git.settings, &revision);
            let title = format!("check out {}", short(&revision));
            stages.push(Stage::Move(step(title, argv, QUICK * 4, Risk::Safe), revision));
        }
    }
    match delivery {
        Delivery::Here => {}
        Delivery::Load(file) => {
            stages.push(Stage::Load(step("load the new images", images::load(file), TRANSFER, Risk::Safe)));
        }
        Delivery::Pull => stages.extend(release.images.iter().map(|image| {
            Stage::Make(step(format!("pull {}", image.tag), images::pull(image.tag), TRANSFER, Risk::Safe))
        })),
        Delivery::PullAs(name) => {
            stages.push(Stage::Make(step(format!("pull {name}"), images::pull(name), TRANSFER, Risk::Safe)));
            stages.extend(release.images.iter().take(1).map(|image| {
                Stage::Make(step(format!("tag it as {}", image.tag), images::tag(name, image.tag), QUICK, Risk::Safe))
            }));
        }
    }
    stages.extend(build(release, source));
    match &release.schema {
        None => {}
        Some(Schema::Push(task)) => {
            stages.extend(source.map(|source| Stage::Make(task_step(task, source, Risk::Disruptive))));
        }
        Some(Schema::Migrations { directory, container, .. }) => {
            let input = Input::bytes(format!("{directory}/NEW.sql"), Vec::new());
            let argv = images::apply(container, "POSTGRES_USER", "POSTGRES_DB", input);
            stages.push(Stage::Migrate(step("apply each migration that it adds", argv, MIGRATION, Risk::Disruptive)));
        }
    }
    stages
}

/// How long one migration may take.
pub const MIGRATION: Duration = Duration::from_mins(10);

/// Whether the image that runs must be kept from being forgotten. The tag stays where it is when it names the newest version
/// that was seen to work and what runs is not known to.
fn is_to_be_kept(survey: &Survey, tag: &str, previous: &str, running: &str) -> bool {
    let Some(Ok(images)) = &survey.images else { return true };
    let Some(kept) = images.named.get(previous) else { return true };
    let releases = survey.records.as_ref().map(|records| records.releases.as_slice()).unwrap_or_default();
    let is_good =
        |id: &str| releases.iter().any(|record| record.version.images.get(tag).is_some_and(|image| image == id));
    kept != running && (is_good(running) || !is_good(kept))
}

/// The way to an earlier version, also back to where one came from.
pub fn towards(release: &'static Release, survey: &Survey, to: &Version) -> Vec<Stage> {
    let mut stages = Vec::new();
    let source = match &survey.source {
        Some(Ok(source)) => Some(source),
        Some(Err(_)) | None => None,
    };
    if let Some(Source { path, owner, git: Some(git) }) = source
        && let Some(revision) = &to.revision
    {
        let argv = git::reset(path, owner.as_ref(), &git.settings, revision);
        let title = format!("check out {} again", short(revision));
        stages.push(Stage::Move(step(title, argv, QUICK * 4, Risk::Safe), revision.clone()));
    }
    stages.extend(to.images.iter().map(|(tag, id)| name(format!("tag {} as {tag}", short(id)), id, tag)));
    if to.images.is_empty() {
        stages.extend(build(release, source));
    }
    stages
}

/// The names back that images of earlier versions had before something else was to be kept under them.
pub fn kept(release: &'static Release, survey: &Survey) -> Vec<Stage> {
    let Some(Ok(images)) = &survey.images else { return Vec::new() };
    let kept = release.images.iter().filter_map(|image| Some((image.previous, images.named.get(image.previous)?)));
    kept.map(|(tag, id)| name(format!("tag {} as {tag}", short(id)), id, tag)).collect()
}

fn name(title: String, id: &str, tag: &str) -> Stage {
    Stage::Name(step(title, images::tag(id, tag), QUICK, Risk::Safe), tag.to_owned(), id.to_owned())
}

fn build(release: &'static Release, source: Option<&Source>) -> Vec<Stage> {
    let Some(source) = source else { return Vec::new() };
    release.build.iter().map(|task| Stage::Make(task_step(task, source, Risk::Safe))).collect()
}

fn task_step(task: &'static Task, source: &Source, risk: Risk) -> Step {
    let args = task.args.iter().map(|arg| arg.replace("{source}", source.path));
    // A build runs the owner's code whatever its home is, and needs it for caches and registries (`.npm`, `.npmrc`).
    let argv = Argv::new(task.program, args).by(source.owner.as_ref()).at_home();
    step(task.title, argv, Duration::from_secs(task.deadline_seconds.into()), risk)
}

/// The plan that lets compose make the containers anew; `None` where each service is switched by its own manager.
pub fn compose(
    deployment: &'static Deployment,
    release: &'static Release,
    survey: &Survey,
    services: &[&'static Service],
) -> Option<Plan> {
    let Switch::Compose { env_file, file, project, services: names } = &release.switch else { return None };
    let Some(Ok(Source { path, owner, .. })) = &survey.source else { return None };
    let below = |name: &str| format!("{path}/{name}");
    let chosen =
        release.services.iter().zip(*names).filter(|(service, _)| services.iter().any(|s| s.name == service.name));
    let names: Vec<&'static str> = chosen.map(|(_, name)| *name).collect();
    let owner: Option<&Account> = owner.as_ref();
    let argv = images::up(owner, &below(file), env_file.map(below).as_deref(), project, &names);
    let mut up = Some(step("recreate the containers", argv, Duration::from_mins(5), Risk::Disruptive));
    let parts = services.iter().map(|service| Part { service, steps: up.take().into_iter().collect() }).collect();
    let loses = services.iter().filter_map(|s| Some((s.name.to_owned(), s.restart_loses?.to_owned()))).collect();
    let mut affects: Vec<&'static str> =
        services.iter().flat_map(|s| deployment.dependants(s)).map(|s| s.name).collect();
    affects.retain(|name| services.iter().all(|service| service.name != *name));
    affects.sort_unstable();
    affects.dedup();
    Some(Plan { operation: Operation::Restart, asked: None, parts, loses, affects })
}

#[cfg(test)]
mod tests;
