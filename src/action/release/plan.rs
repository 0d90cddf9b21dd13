//! PURE. What to run to bring a version, and what speaks against it: from the registry and from what was seen.

use std::time::Duration;

use jiff::SignedDuration;

use super::survey::{Source, Survey, brings_images};
use super::{Delivery, Version, Wanted, short};
use crate::action::Risk;
use crate::action::plan::{Operation, Part, Plan, Step};
use crate::registry::{Deployment, Release, Schema, Service, Switch, Task, Verdict};
use crate::tools::{Account, Argv, Input, git, images};

/// How old the newest backup may be when the schema changes.
const BACKUP_AGE: SignedDuration = SignedDuration::from_hours(24);
/// How long a question to git or docker may take that changes something small.
const QUICK: Duration = Duration::from_secs(30);
/// How long something may take that comes over the network, or out of an archive.
const TRANSFER: Duration = Duration::from_secs(900);

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

/// A thing that was looked at before anything is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What.
    pub what: &'static str,
    /// What follows: a failure and what is not known stand against it.
    pub verdict: Verdict,
    /// What was seen.
    pub summary: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Checked {
    fn new(what: &'static str, verdict: Verdict, summary: impl Into<String>) -> Self {
        Checked { what, verdict, summary: summary.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Checked { hint: Some(hint.into()), ..self }
    }
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
            | Stage::Make(step)
            | Stage::Migrate(step) => step,
        }
    }
}

/// Plans the way to a version, and checks what must hold for it.
pub fn prepare(release: &'static Release, survey: &Survey, wanted: &Wanted, old_backup: OldBackup) -> Preparation {
    let from = survey.version(release);
    let mut checks = Vec::new();
    working_copy(release, survey, wanted, &mut checks);
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
    for (service, keys) in &survey.keys {
        match keys {
            Ok((_, missing)) if missing.is_empty() => {}
            Ok((file, missing)) => checks.push(
                Checked::new("env", Verdict::Fail, format!("{service} needs {} in {file}", missing.join(", ")))
                    .hint("opsctl verify shows every key that is missing"),
            ),
            Err(error) => checks.push(Checked::new("env", Verdict::Unknown, format!("{service}: {error}"))),
        }
    }
    if let Some(doubt) = survey.doubt(release) {
        checks.push(Checked::new("now", Verdict::Warn, format!("{doubt}; what runs now is not recorded as good")));
    }
    Preparation { from, to, checks, stages }
}

/// Whether a schema may be changed although the newest backup is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldBackup {
    /// No.
    Refused,
    /// The operator says so.
    Accepted,
}

fn working_copy(release: &Release, survey: &Survey, wanted: &Wanted, checks: &mut Vec<Checked>) {
    let source = match &survey.source {
        None => return,
        Some(Err(error)) => return checks.push(Checked::new("source", Verdict::Fail, error.clone())),
        Some(Ok(source)) => source,
    };
    let path = source.path;
    let Some(git) = &source.git else {
        let summary =
            format!("{path} has no .git, so the version is what was delivered there; its revision is not known");
        let check = match wanted {
            Wanted::Earlier(_) if release.images.is_empty() => Checked::new("source", Verdict::Fail, summary)
                .hint("deliver the earlier version again, then: opsctl redeploy"),
            Wanted::New(_) | Wanted::Earlier(_) => Checked::new("source", Verdict::Warn, summary),
        };
        return checks.push(check);
    };
    match (&git.status, &git.commit) {
        (Err(trouble), _) | (_, Err(trouble)) => {
            checks.push(Checked::new("source", Verdict::Unknown, format!("git in {path}: {trouble}")));
        }
        (Ok(status), Ok(commit)) => {
            let at = format!("{path} is at {} ({})", short(&commit.revision), commit.subject);
            let check = match status.branch.as_deref() {
                Some(branch) if branch == release.branch => Checked::new("source", Verdict::Pass, at),
                Some(branch) => Checked::new(
                    "source",
                    Verdict::Fail,
                    format!("{path} is on branch {branch}, not {}", release.branch),
                ),
                None => {
                    Checked::new("source", Verdict::Fail, format!("{path} is on no branch, not on {}", release.branch))
                }
            };
            checks.push(match check.verdict {
                Verdict::Pass => check,
                _ => check.hint(format!("git -C {path} checkout {}", release.branch)),
            });
            if !status.changed.is_empty() {
                let shown: Vec<&str> = status.changed.iter().take(5).map(String::as_str).collect();
                let more = status.changed.len().saturating_sub(shown.len());
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                checks.push(
                    Checked::new("tree", Verdict::Fail, format!("changed by hand: {}{more}", shown.join(", ")))
                        .hint(format!("git -C {path} diff shows what; git -C {path} stash puts it aside")),
                );
            }
        }
    }
    match &git.remote {
        None => {}
        Some(Ok(revision)) => checks.push(Checked::new(
            "origin",
            Verdict::Pass,
            match git.commit.as_ref().is_ok_and(|commit| commit.revision == *revision) {
                true => format!("origin's {} is at the same commit", release.branch),
                false => format!("origin's {} is at {}", release.branch, short(revision)),
            },
        )),
        Some(Err(trouble)) => {
            checks.push(Checked::new("origin", Verdict::Unknown, format!("origin cannot be asked: {trouble}")));
        }
    }
}

/// Whether the new images can be had, and are for opsctl to run.
fn deliverable(release: &Release, survey: &Survey, delivery: &Delivery, checks: &mut Vec<Checked>) {
    if release.images.is_empty() {
        return;
    }
    let images = match &survey.images {
        Some(Ok(images)) => images,
        Some(Err(trouble)) => {
            return checks.push(Checked::new("images", Verdict::Unknown, format!("docker: {trouble}")));
        }
        None => return,
    };
    let comes = brings_images(delivery) || !release.build.is_empty();
    for image in release.images {
        let container = survey.containers.get(image.service.name);
        let foreign = container.and_then(|container| match &release.switch {
            _ if !container.identity.swarm.is_empty() => {
                Some("Docker Swarm runs it, most likely for Dokploy".to_owned())
            }
            Switch::Compose { project, .. } if container.identity.project != *project => {
                Some(format!("it is not of the compose project {project}"))
            }
            Switch::Compose { .. } | Switch::Restart | Switch::Reload => None,
        });
        if let Some(foreign) = foreign {
            let summary = format!("container of {}: {foreign}", image.service.name);
            checks.push(Checked::new("images", Verdict::Fail, summary).hint("redeploy it where it was deployed"));
        }
        match (images.named.get(image.tag), container) {
            (None, _) if !comes => checks.push(
                Checked::new("images", Verdict::Fail, format!("there is no image {}", image.tag))
                    .hint("bring it with --load FILE or --pull"),
            ),
            (Some(id), Some(container)) if !comes && *id == container.image_id => {
                checks.push(Checked::new("images", Verdict::Warn, format!("{} is what runs already", image.tag)));
            }
            (Some(id), _) if !comes => {
                checks.push(Checked::new("images", Verdict::Pass, format!("{} is {}", image.tag, short(id))));
            }
            _ => {}
        }
    }
}

fn backup(release: &Release, survey: &Survey, old: OldBackup, checks: &mut Vec<Checked>) {
    let Some(schema) = &release.schema else { return };
    let where_ = release.backups.join(" or ");
    let (fresh, summary) = match survey.backup {
        None => (false, format!("there is none in {where_}")),
        Some(time) => {
            let age = survey.time.duration_since(time);
            (age < BACKUP_AGE, format!("the newest in {where_} is {} h old", age.as_hours()))
        }
    };
    let check = match (fresh, schema, old) {
        (true, _, _) => Checked::new("backup", Verdict::Pass, summary),
        (false, _, OldBackup::Accepted) => Checked::new("backup", Verdict::Warn, summary),
        (false, Schema::Migrations { .. }, OldBackup::Refused) => Checked::new(
            "backup",
            Verdict::Warn,
            format!("{summary}: a version that brings migrations will be refused"),
        ),
        (false, Schema::Push(_), OldBackup::Refused) => {
            Checked::new("backup", Verdict::Fail, format!("{summary}, and the schema may change"))
                .hint("make a backup first, or go without one: --old-backup")
        }
    };
    checks.push(check);
}

/// What stands against applying these migrations now.
pub fn objection(release: &Release, survey: &Survey, new: &[String], old: OldBackup) -> Option<String> {
    let fresh = survey.backup.is_some_and(|time| survey.time.duration_since(time) < BACKUP_AGE);
    (!new.is_empty() && !fresh && old == OldBackup::Refused).then(|| {
        format!(
            "the new version brings migrations ({}) and there is no backup of the last 24 h in {}: make one first, or go without \
             one: --old-backup",
            new.join(", "),
            release.backups.join(" or ")
        )
    })
}

fn room(release: &Release, survey: &Survey, checks: &mut Vec<Checked>) {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    for (path, free) in &survey.free {
        checks.push(match free {
            Err(error) => Checked::new("disk", Verdict::Unknown, format!("{path}: {error}")),
            Ok(free) if *free < release.free_bytes => Checked::new(
                "disk",
                Verdict::Fail,
                format!("{:.1} GiB free at {path}, less than {:.1}", gib(*free), gib(release.free_bytes)),
            )
            .hint("make room first: docker image prune removes images without a name, journalctl --vacuum-size=500M old logs"),
            Ok(free) => Checked::new("disk", Verdict::Pass, format!("{:.1} GiB free at {path}", gib(*free))),
        });
    }
}

/// The version that a rollback goes to.
fn target(release: &Release, survey: &Survey, from: &Version, name: Option<&str>) -> Result<Version, Checked> {
    let none = |summary: String| Checked::new("target", Verdict::Fail, summary);
    let records = survey.records.as_ref().map_err(|error| {
        Checked::new("target", Verdict::Unknown, format!("what is recorded cannot be read: {error}"))
    })?;
    let Some(name) = name else {
        if let Some(record) = records.before(from) {
            return Ok(record.version.clone());
        }
        // Where nothing was recorded yet, the runbook's own tag may name the one before.
        let named = match &survey.images {
            Some(Ok(images)) => &images.named,
            _ => return Err(none("no earlier version is recorded".to_owned())),
        };
        let before =
            release.images.iter().filter_map(|image| Some((image.tag.to_owned(), named.get(image.previous)?.clone())));
        let before = Version { images: before.collect(), ..Version::default() };
        return match before.images.len() == release.images.len() && !before.is(from) {
            true => Ok(before),
            false => Err(none("no earlier version is recorded, and no image is tagged as the one before".to_owned())),
        };
    };
    let is_meant = |version: &&Version| {
        let starts = |hash: &String| hash.strip_prefix("sha256:").unwrap_or(hash).starts_with(name);
        name.len() >= 4 && (version.revision.as_ref().is_some_and(starts) || version.images.values().any(starts))
    };
    let mut meant: Vec<&Version> = Vec::new();
    for version in records.releases.iter().rev().map(|record| &record.version).filter(is_meant) {
        if meant.iter().all(|other| !other.is(version)) {
            meant.push(version);
        }
    }
    match (meant.as_slice(), &survey.named) {
        ([one], _) => Ok((*one).clone()),
        ([_, _, ..], _) => {
            let ids: Vec<String> = meant.iter().map(|version| version.id()).collect();
            Err(none(format!("{name} could be each of {}", ids.join(", "))))
        }
        ([], Some(Ok(commit))) if release.images.is_empty() => Ok(Version {
            revision: Some(commit.revision.clone()),
            subject: Some(commit.subject.clone()),
            author: Some(commit.author.clone()),
            ..Version::default()
        }),
        ([], _) => {
            Err(none(format!("no version {name} is recorded")).hint("opsctl rollback --list shows those that are"))
        }
    }
}

/// Whether what a rollback goes to is still there.
fn existing(survey: &Survey, to: &Version, checks: &mut Vec<Checked>) {
    let known = |version: &Version| {
        survey.records.as_ref().is_ok_and(|records| records.releases.iter().any(|record| record.version.is(version)))
    };
    if let Some(Ok(Source { git: Some(_), .. })) = &survey.source
        && let Some(revision) = &to.revision
    {
        let named = matches!(&survey.named, Some(Ok(commit)) if commit.revision == *revision);
        if !named && !survey.commits.contains(revision) {
            let summary = format!("commit {} is gone from the repository", short(revision));
            checks.push(Checked::new("target", Verdict::Fail, summary));
        }
    }
    match &survey.images {
        Some(Err(trouble)) => checks.push(Checked::new("images", Verdict::Unknown, format!("docker: {trouble}"))),
        Some(Ok(images)) => {
            for (tag, id) in to.images.iter().filter(|(_, id)| !images.ids.contains(*id)) {
                let summary = format!("image {} of {tag} is gone, most likely pruned", short(id));
                checks.push(
                    Checked::new("target", Verdict::Fail, summary).hint("opsctl rollback --list shows what is left"),
                );
            }
        }
        None => {}
    }
    let summary =
        format!("{}{}", to.id(), to.subject.as_ref().map(|subject| format!(" ({subject})")).unwrap_or_default());
    checks.push(match known(to) {
        true => Checked::new("target", Verdict::Pass, summary),
        false => Checked::new("target", Verdict::Warn, format!("{summary}, which opsctl never saw work")),
    });
}

fn remote(survey: &Survey) -> Option<String> {
    match &survey.source {
        Some(Ok(Source { git: Some(git), .. })) => git.remote.as_ref()?.as_ref().ok().cloned(),
        _ => None,
    }
}

fn step(title: impl Into<String>, argv: Argv, deadline: Duration, risk: Risk) -> Step {
    Step { title: title.into(), argv, deadline, risk, optional: false }
}

/// The way to a new version.
fn forward(release: &'static Release, survey: &Survey, delivery: &Delivery, from: &Version) -> Vec<Stage> {
    let mut stages = Vec::new();
    for image in release.images {
        if let Some(id) = from.images.get(image.tag)
            && is_to_be_kept(survey, image.tag, image.previous, id)
        {
            let argv = images::tag(id, image.previous);
            stages.push(Stage::Aside(step(format!("keep what runs as {}", image.previous), argv, QUICK, Risk::Safe)));
        }
    }
    let source = match &survey.source {
        Some(Ok(source)) => Some(source),
        Some(Err(_)) | None => None,
    };
    if let Some(Source { path, owner, git: Some(_) }) = source
        && let Some(revision) = remote(survey)
    {
        let owner = owner.as_ref();
        let moves = from.revision.as_ref() != Some(&revision);
        if moves {
            let argv = git::fetch(path, owner, release.branch);
            stages.push(Stage::Aside(step("fetch the new version", argv, TRANSFER, Risk::Safe)));
        }
        if let Some(Schema::Migrations { directory, .. }) = &release.schema {
            let argv = git::files(path, owner, &revision, directory);
            stages.push(Stage::Review(step("see which migrations it adds", argv, QUICK, Risk::ReadOnly)));
        }
        if moves {
            let argv = git::forward(path, owner, &revision);
            let title = format!("move the files to {}", short(&revision));
            stages.push(Stage::Move(step(title, argv, QUICK * 4, Risk::Safe), revision));
        }
    }
    match delivery {
        Delivery::Here => {}
        Delivery::Load(file) => {
            stages.push(Stage::Make(step("load the new images", images::load(file), TRANSFER, Risk::Safe)));
        }
        Delivery::Pull => stages.extend(release.images.iter().map(|image| {
            Stage::Make(step(format!("pull {}", image.tag), images::pull(image.tag), TRANSFER, Risk::Safe))
        })),
        Delivery::PullAs(name) => {
            stages.push(Stage::Make(step(format!("pull {name}"), images::pull(name), TRANSFER, Risk::Safe)));
            stages.extend(release.images.iter().take(1).map(|image| {
                Stage::Make(step(format!("call it {}", image.tag), images::tag(name, image.tag), QUICK, Risk::Safe))
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
            let input = Input { name: format!("{directory}/NEW.sql"), bytes: Vec::new() };
            let argv = images::apply(container, "POSTGRES_USER", "POSTGRES_DB", input);
            stages.push(Stage::Migrate(step("apply each migration that it adds", argv, MIGRATION, Risk::Disruptive)));
        }
    }
    stages
}

/// How long one migration may take.
pub const MIGRATION: Duration = Duration::from_secs(600);

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
    if let Some(Source { path, owner, git: Some(_) }) = source
        && let Some(revision) = &to.revision
    {
        let argv = git::reset(path, owner.as_ref(), revision);
        let title = format!("move the files back to {}", short(revision));
        stages.push(Stage::Move(step(title, argv, QUICK * 4, Risk::Safe), revision.clone()));
    }
    for (tag, id) in &to.images {
        stages.push(Stage::Make(step(format!("call {} {tag}", short(id)), images::tag(id, tag), QUICK, Risk::Safe)));
    }
    if to.images.is_empty() {
        stages.extend(build(release, source));
    }
    stages
}

fn build(release: &'static Release, source: Option<&Source>) -> Vec<Stage> {
    let Some(source) = source else { return Vec::new() };
    release.build.iter().map(|task| Stage::Make(task_step(task, source, Risk::Safe))).collect()
}

fn task_step(task: &'static Task, source: &Source, risk: Risk) -> Step {
    let args = task.args.iter().map(|arg| arg.replace("{source}", source.path));
    let argv = Argv::new(task.program, args).by(source.owner.as_ref());
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
    let mut up = Some(step("make the containers anew", argv, Duration::from_secs(300), Risk::Disruptive));
    let parts = services.iter().map(|service| Part { service, steps: up.take().into_iter().collect() }).collect();
    let loses = services.iter().filter_map(|s| Some((s.name.to_owned(), s.restart_loses?.to_owned()))).collect();
    let mut affects: Vec<&'static str> =
        services.iter().flat_map(|s| deployment.dependants(s)).map(|s| s.name).collect();
    affects.retain(|name| services.iter().all(|service| service.name != *name));
    affects.sort_unstable();
    affects.dedup();
    Some(Plan { operation: Operation::Restart, parts, loses, affects })
}
