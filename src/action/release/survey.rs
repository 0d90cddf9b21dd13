//! Looks at a host before a new version, or an earlier one, is put on it. Changes nothing.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::record::{self, Records};
use super::{Delivery, Version, Wanted};
use crate::context::Context;
use crate::host::exec::{ProcessEnd, Processes, Runner};
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::host::tools::docker::ContainerState;
use crate::host::tools::git::{self, Commit, Settings, Status};
use crate::host::tools::images::{self, Images};
use crate::host::tools::{Account, Argv, Malformed};
use crate::host::trouble::{Trouble, failure};
use crate::judge::health::{self, ServiceHealth};
use crate::observe::probe::{self, Evidence, is_container_of};
use crate::registry::{Deployment, Release, Service};

/// How long an origin may take to answer.
const REMOTE: Duration = Duration::from_secs(15);
/// By how much the times of managers, some of whole seconds, may lie behind.
pub(super) const SKEW: SignedDuration = SignedDuration::from_secs(1);
/// Where the engine keeps images.
const DOCKER: &str = "/var/lib/docker";

/// All that was seen.
#[derive(Debug)]
pub struct Survey {
    /// When.
    pub time: Timestamp,
    /// The working copy; `None` where versions are images alone.
    pub source: Option<Result<Source, String>>,
    /// Images of the engine; `None` where versions are no images.
    pub images: Option<Result<Images, Trouble>>,
    /// Containers of the services that run images, by service; or why they cannot be seen.
    pub containers: Result<BTreeMap<&'static str, ContainerState>, String>,
    /// Free space by path, bytes.
    pub free: Vec<(String, io::Result<u64>)>,
    /// The newest backup.
    pub backup: Option<Timestamp>,
    /// Keys that are missing in env files, by service and file; or why that is not known.
    pub keys: Vec<Keys>,
    /// How the services are.
    pub health: Vec<ServiceHealth>,
    /// What is recorded.
    pub records: Result<Records, String>,
    /// Which of the recorded commits the repository still has.
    pub commits: Vec<String>,
    /// What a name stands for that was asked for.
    pub named: Option<Result<Commit, Trouble>>,
}

/// A working copy.
#[derive(Debug)]
pub struct Source {
    /// Where it lies.
    pub path: &'static str,
    /// Whose it is, where that is somebody else.
    pub owner: Option<Account>,
    /// What git says of it; `None` where git knows nothing of it.
    pub git: Option<Git>,
}

/// What git says of a working copy.
#[derive(Debug)]
pub struct Git {
    /// What of its settings matters to a check; nothing where they cannot be read.
    pub settings: Settings,
    /// Where it is.
    pub status: Result<Status, Trouble>,
    /// The commit that it is at.
    pub commit: Result<Commit, Trouble>,
    /// The commit that the branch of its origin is at; `None` when that was not asked.
    pub remote: Option<Result<String, Trouble>>,
    /// When it was moved to where it is.
    pub moved: Option<Timestamp>,
}

impl Survey {
    /// The commit that the working copy is at; `None` where there is none, or it cannot be told.
    pub fn head(&self) -> Option<&Commit> {
        match &self.source {
            Some(Ok(Source { git: Some(git), .. })) => git.commit.as_ref().ok(),
            _ => None,
        }
    }

    /// The container of a service, as far as it can be seen.
    pub(super) fn container(&self, service: &Service) -> Option<&ContainerState> {
        self.containers.as_ref().ok()?.get(service.name)
    }

    /// The version that runs, as far as it can be told.
    pub fn version(&self, release: &Release) -> Version {
        let commit = self.head();
        let running = |image: &crate::registry::Image| {
            let id = self.container(image.service).map(|container| container.image_id.clone());
            let named = || match &self.images {
                Some(Ok(images)) => images.named.get(image.tag).cloned(),
                _ => None,
            };
            Some((image.tag.to_owned(), id.or_else(named)?))
        };
        Version {
            revision: commit.map(|commit| commit.revision.clone()),
            subject: commit.map(|commit| commit.subject.clone()),
            author: commit.map(|commit| commit.author.clone()),
            images: release.images.iter().filter_map(running).collect(),
        }
    }

    /// Why what runs cannot be taken for a version that works; `None` when it was seen to.
    pub fn doubt(&self, release: &Release) -> Option<String> {
        let newest = self.records.as_ref().ok().and_then(|records| records.releases.last());
        if newest.is_some_and(|record| record.version.is(&self.version(release))) {
            return None;
        }
        for health in &self.health {
            // Of one that cannot be probed only its manager tells.
            if health.health.unwrap_or(health.verdict) > crate::registry::Verdict::Warn {
                return Some(format!("{} is unhealthy: {}", health.name, health.summary));
            }
        }
        let Some(Ok(Source { git: Some(Git { moved: Some(moved), .. }), .. })) = &self.source else { return None };
        if !release.images.is_empty() {
            return None;
        }
        let older = self
            .health
            .iter()
            .find(|health| health.since.is_some_and(|since| crate::units::later(since, SKEW) < *moved));
        older.map(|health| format!("{} started before the last checkout of the working copy", health.name))
    }
}

/// Looks at all of it at once.
pub fn survey(
    context: &Context<'_>,
    deployment: &'static Deployment,
    release: &'static Release,
    services: &[&'static Service],
    wanted: &Wanted,
    limit: Duration,
) -> Survey {
    let (system, processes) = (context.system, context.processes());
    let records = record::read(system, deployment).map_err(|error| error.to_string());
    // One record tells of all images, so all containers are looked at, whichever are switched.
    let looked = if release.images.is_empty() { services } else { release.services };
    let remote = REMOTE.min(context.time_left().unwrap_or(REMOTE));
    let source = source_of(system, release);
    thread::scope(|scope| {
        let (processes, source) = (&processes, &source);
        let git = task(scope, move || match source {
            Some(Ok((path, owner))) => {
                ask_git(system, processes, release, (path, owner.as_ref()), wanted, limit, remote)
            }
            Some(Err(_)) | None => None,
        });
        let images = (!release.images.is_empty())
            .then(|| task(scope, || ask(processes, &images::list(), limit, images::parse_list)));
        let ids: Vec<&str> = records.iter().flat_map(|records| &records.releases).filter_map(revision).collect();
        let commits = task(scope, move || existing(processes, source.as_ref(), ids, limit));
        let named = task(scope, move || named(processes, source.as_ref(), wanted, limit));
        let evidence = probe::gather(system, processes, deployment, looked, false, limit);
        let health = health::judge(deployment, looked, &evidence).services;
        Survey {
            time: evidence.time,
            free: free(system, release, source.as_ref()),
            backup: newest(system, release.backups, evidence.time),
            keys: services.iter().filter_map(|service| keys(system, service)).collect(),
            containers: containers(release, &evidence),
            health,
            images: images.map(join),
            commits: join(commits),
            named: join(named),
            source: match source {
                None => None,
                Some(Err(error)) => Some(Err(error.clone())),
                Some(Ok((path, owner))) => Some(Ok(Source { path, owner: owner.clone(), git: join(git) })),
            },
            records: records.clone(),
        }
    })
}

fn revision(record: &record::Record) -> Option<&str> {
    record.version.revision.as_deref()
}

/// Runs a command whose success is exit code 0, and parses what it printed.
pub(super) fn ask<T>(
    processes: &Processes<'_>,
    argv: &Argv,
    limit: Duration,
    parse: impl FnOnce(&str) -> Result<T, Malformed>,
) -> Result<T, Trouble> {
    let output = processes.run(argv, limit)?;
    match output.exit {
        ProcessEnd::Code(0) => Ok(parse(&String::from_utf8_lossy(&output.stdout))?),
        ProcessEnd::TimedOut(after) => Err(Trouble::TimedOut(after)),
        ProcessEnd::Code(_) | ProcessEnd::Signal(_) | ProcessEnd::TooMuchOutput => Err(failure(&output)),
    }
}

type WorkingCopy = Result<(&'static str, Option<Account>), String>;

/// Where the working copy is, and whose.
fn source_of(system: &System, release: &'static Release) -> Option<WorkingCopy> {
    if release.source.is_empty() {
        return None;
    }
    let look = || -> WorkingCopy {
        let path = system.first_existing(release.source).map_err(|error| error.to_string())?;
        let path = path.ok_or_else(|| format!("none of these exists: {}", release.source.join(", ")))?;
        let uid = system.metadata(path).map_err(|error| error.to_string())?.uid();
        if uid == rustix::process::geteuid().as_raw() {
            return Ok((path, None));
        }
        let owner = system.account(|account| account.uid == uid);
        Ok((path, Some(owner.ok_or_else(|| format!("{path} belongs to user {uid}, who does not exist on this host"))?)))
    };
    Some(look())
}

fn ask_git(
    system: &System,
    processes: &Processes<'_>,
    release: &Release,
    (path, owner): (&str, Option<&Account>),
    wanted: &Wanted,
    limit: Duration,
    remote_limit: Duration,
) -> Option<Git> {
    let own = format!("{path}/.git");
    // One that may not be looked at is there.
    if matches!(system.metadata(&own), Err(error) if error.kind() == io::ErrorKind::NotFound) {
        return None;
    }
    // What names a program there has to be known first, so that it can be left out.
    let settings = ask(processes, &git::settings(path, owner), limit, git::parse_settings);
    thread::scope(|scope| {
        let settings = settings.as_ref();
        let status =
            task(scope, move || ask_status(processes, (path, owner), settings.map_err(Trouble::clone)?, limit));
        let remote = matches!(wanted, Wanted::New(_)).then(|| {
            let branch = release.branch;
            task(scope, move || {
                ask_origin(processes, (path, owner), settings.map_err(Trouble::clone)?, branch, remote_limit)
            })
        });
        let commit = ask(processes, &git::describe(path, owner, "HEAD"), limit, git::parse_commit);
        let moved = system.metadata(format!("{own}/logs/HEAD")).and_then(|meta| meta.modified());
        Some(Git {
            settings: settings.cloned().unwrap_or_default(),
            status: join(status),
            commit,
            remote: remote.map(join),
            moved: moved.ok().and_then(|time| Timestamp::try_from(time).ok()),
        })
    })
}

/// Where a working copy is, and which files differ. What seems to, because it went through a filter, is called unclear.
fn ask_status(
    processes: &Processes<'_>,
    (path, owner): (&str, Option<&Account>),
    settings: &Settings,
    limit: Duration,
) -> Result<Status, Trouble> {
    let mut status = ask(processes, &git::status(path, owner, settings), limit, git::parse_status)?;
    if settings.has_filters() && !status.by_content.is_empty() {
        let argv = git::filters(path, owner, &status.by_content);
        let filtered = ask(processes, &argv, limit, |text| Ok(git::parse_filters(text, settings)))?;
        status.set_aside(&filtered);
    }
    Ok(status)
}

/// The commit that the origin's branch is at. Where it cannot be asked, what was left out may be why.
fn ask_origin(
    processes: &Processes<'_>,
    (path, owner): (&str, Option<&Account>),
    settings: &Settings,
    branch: &str,
    limit: Duration,
) -> Result<String, Trouble> {
    let answer = ask(processes, &git::ls_remote(path, owner, settings, branch), limit, git::parse_revision);
    match (answer, settings.left_out()) {
        (Err(Trouble::Failed(reason)), left_out @ [_, ..]) => {
            let left_out = left_out.join(", ");
            Err(Trouble::Failed(format!("{reason}; the check does not run the program of {left_out}")))
        }
        (answer, _) => answer,
    }
}

/// Which of these commits the repository has; none when it cannot be asked.
fn existing(processes: &Processes<'_>, source: Option<&WorkingCopy>, ids: Vec<&str>, limit: Duration) -> Vec<String> {
    match source {
        Some(Ok((path, owner))) if !ids.is_empty() => {
            let argv = git::which_exist(path, owner.as_ref(), ids);
            ask(processes, &argv, limit, |text| Ok(git::parse_existing(text))).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// The commit that a name stands for.
fn named(
    processes: &Processes<'_>,
    source: Option<&WorkingCopy>,
    wanted: &Wanted,
    limit: Duration,
) -> Option<Result<Commit, Trouble>> {
    let (Wanted::Earlier(Some(name)), Some(Ok((path, owner)))) = (wanted, source) else { return None };
    let found = ask(processes, &git::resolve(path, owner.as_ref(), name), limit, git::parse_revision);
    Some(found.and_then(|found| ask(processes, &git::describe(path, owner.as_ref(), &found), limit, git::parse_commit)))
}

/// The containers of the services that run images, or why they cannot be seen.
pub(super) fn containers(
    release: &Release,
    evidence: &Evidence,
) -> Result<BTreeMap<&'static str, ContainerState>, String> {
    let Some(answer) = &evidence.managers.containers else { return Ok(BTreeMap::new()) };
    let found = answer.result.as_ref().map_err(ToString::to_string)?;
    let of = |service: &Service| {
        let is = |container: &&ContainerState| {
            service.managers.iter().any(|manager| is_container_of(manager, &container.identity))
        };
        // Swarm leaves former tasks behind.
        found.iter().filter(is).max_by_key(|container| container.status == "running").cloned()
    };
    Ok(release.images.iter().filter_map(|image| Some((image.service.name, of(image.service)?))).collect())
}

fn free(system: &System, release: &Release, source: Option<&WorkingCopy>) -> Vec<(String, io::Result<u64>)> {
    let mut paths: Vec<&str> = Vec::new();
    if let Some(Ok((path, _))) = source {
        paths.push(path);
    }
    if !release.images.is_empty() && system.metadata(DOCKER).is_ok() {
        paths.push(DOCKER);
    }
    paths.into_iter().map(|path| (path.to_owned(), system.available_space(path))).collect()
}

/// When the newest file of these directories was written. One from the future tells nothing of when it was made.
fn newest(system: &System, directories: &[&str], now: Timestamp) -> Option<Timestamp> {
    let entries = directories.iter().filter_map(|directory| system.list(directory).ok()).flatten();
    let files = entries.filter(|entry| entry.is_file() && entry.size() > 0);
    let times = files.filter_map(|file| Timestamp::from_microsecond(file.modified()).ok());
    times.filter(|time| *time <= now).max()
}

/// A service, and the keys that its env file lacks; or why that is not known.
type Keys = (&'static str, Result<(&'static str, Vec<&'static str>), String>);

fn keys(system: &System, service: &'static Service) -> Option<Keys> {
    let env = service.env.as_ref()?;
    let look = || {
        let facts = probe::env_file(system, service, env).result.map_err(|trouble| trouble.to_string())?;
        let reading = facts.reading.ok_or_else(|| format!("{} cannot be read: permission denied", facts.path))?;
        match (reading.refusal(), reading.unknown_among(env.required)) {
            (Some(refusal), _) => Err(format!("{}: {refusal}", facts.path)),
            (None, Some((key, why))) => Err(format!("{key} in {}: {why}", facts.path)),
            (None, None) => Ok((facts.path, reading.lacking(env.required))),
        }
    };
    Some((service.name, look()))
}

/// Whether something is to be fetched or taken from elsewhere.
pub(super) const fn brings_images(delivery: &Delivery) -> bool {
    !matches!(delivery, Delivery::Here)
}

#[cfg(test)]
mod tests;
