//! What can be reclaimed on a full disk, and how much: the journal, docker's build cache, images that nothing uses, old
//! releases, caches that are filled again by themselves. Looked at only after a disk was found full; nothing is removed here,
//! and volumes, databases, backups and logs of services are never among it.

use std::thread;

use crate::host::exec::ProcessEnd;
use crate::host::threads::{join, task};
use crate::host::tools::{Argv, images, journalctl};
use crate::host::trouble::{Trouble, failure};
use crate::observe::probe::{Answer, Door, ManagerEvidence, text};
use crate::registry::{Deployment, Risk};

/// What takes space, and what frees it.
#[derive(Debug)]
pub struct Reclaimable {
    /// What.
    pub what: String,
    /// Where it lies.
    pub path: &'static str,
    /// Bytes at most, or why that is not known.
    pub bytes: Result<u64, String>,
    /// What frees it.
    pub argv: Argv,
    /// What may come of that.
    pub risk: Risk,
    /// What is lost.
    pub loses: &'static str,
}

/// Where docker has its images and its build cache, unless it is told otherwise.
const DOCKER: &str = "/var/lib/docker";
/// Where the journal lies that outlasts a reboot.
const JOURNAL: &str = "/var/log/journal";

/// What the journal is shrunk to, as the runbooks do it.
const JOURNAL_KEPT: (&str, u64) = ("--vacuum-size=500M", 500 << 20);

/// Caches that are filled again by themselves: what they are, where, and what empties them.
const CACHES: &[(&str, &str, &[&str])] = &[
    ("packages that apt has already installed", "/var/cache/apt/archives", &["apt-get", "clean"]),
    ("npm's cache of root", "/root/.npm/_cacache", &["npm", "cache", "clean", "--force"]),
    ("Bun's cache of root", "/root/.bun/install/cache", &["bun", "pm", "cache", "rm"]),
];

/// All that can be found, the safest first.
pub fn reclaimable(door: Door<'_>, deployment: &'static Deployment, managers: &ManagerEvidence) -> Vec<Reclaimable> {
    let (journal, cache, sizes) = thread::scope(|scope| {
        let journal = task(scope, || door.ask(&journalctl::disk_usage(), journalctl::parse_disk_usage));
        let cache = task(scope, || door.ask(&images::usage(), images::parse_build_cache));
        let sizes = task(scope, || door.ask(&images::sizes(), images::parse_sizes));
        (join(journal), join(cache), join(sizes))
    });
    let mut found = caches(door);
    // Without docker there is nothing of docker.
    if !matches!(cache.result, Err(Trouble::Missing(_))) {
        found.push(Reclaimable {
            what: "docker's build cache".to_owned(),
            path: DOCKER,
            bytes: known(&cache),
            argv: Argv::new("docker", ["builder", "prune", "--force"]),
            risk: Risk::Safe,
            loses: "the next build takes longer",
        });
    }
    if !matches!(sizes.result, Err(Trouble::Missing(_))) {
        found.extend(unused(deployment, managers, &sizes));
    }
    let (keep, kept) = JOURNAL_KEPT;
    found.push(Reclaimable {
        what: "the journal beyond 500 MB".to_owned(),
        path: JOURNAL,
        bytes: known(&journal).map(|bytes| bytes.saturating_sub(kept)),
        argv: Argv::new("journalctl", [keep]),
        risk: Risk::Destructive,
        loses: "the oldest log lines",
    });
    found.retain(|found| found.bytes != Ok(0));
    // The safer before the graver; among equals in the order above.
    found.sort_by_key(|found| found.risk);
    found
}

fn known<T: Copy>(answer: &Answer<T>) -> Result<T, String> {
    answer.result.as_ref().copied().map_err(|trouble| format!("{}: {trouble}", answer.command))
}

fn caches(door: Door<'_>) -> Vec<Reclaimable> {
    let here = CACHES.iter().filter(|(_, path, _)| door.system.metadata(path).is_ok());
    let here: Vec<_> = here.collect();
    if here.is_empty() {
        return Vec::new();
    }
    let du = Argv::new("du", ["--summarize", "--one-file-system", "--block-size=1", "--"]);
    let du = du.with(here.iter().map(|(_, path, _)| *path));
    let sizes = door.ask_with(&du, |output| match output.exit {
        ProcessEnd::Code(0) => Ok(text(&output.stdout)),
        _ => Err(failure(output)),
    });
    let size = |path: &str| -> Result<u64, String> {
        let told = sizes.result.as_ref().map_err(|trouble| format!("{}: {trouble}", sizes.command))?;
        let line = told.lines().find_map(|line| line.split_once('\t').filter(|(_, of)| *of == path));
        let bytes = line.and_then(|(bytes, _)| bytes.parse().ok());
        bytes.ok_or_else(|| format!("{}: no size for {path}", sizes.command))
    };
    let one = |(what, path, words): &(&str, &'static str, &'static [&'static str])| {
        let (program, args) = words.split_first()?;
        Some(Reclaimable {
            what: (*what).to_owned(),
            path,
            bytes: size(path),
            argv: Argv::new(program, args.iter().copied()),
            risk: Risk::Safe,
            loses: "apt downloads them again when needed",
        })
    };
    here.into_iter().filter_map(one).collect()
}

/// Images that have no name and that no container uses; then those of old releases, which are neither the one that runs nor the
/// one to go back to.
fn unused(
    deployment: &Deployment,
    managers: &ManagerEvidence,
    sizes: &Answer<Vec<(String, String, u64)>>,
) -> Vec<Reclaimable> {
    let nameless = |bytes: Result<u64, String>| Reclaimable {
        what: "unnamed images".to_owned(),
        path: DOCKER,
        bytes,
        argv: Argv::new("docker", ["image", "prune", "--force"]),
        risk: Risk::Safe,
        loses: "no running or named image",
    };
    let rows = match &sizes.result {
        Ok(rows) => rows,
        Err(trouble) => return vec![nameless(Err(format!("{}: {trouble}", sizes.command)))],
    };
    // Whether something still runs from an image must be known before it counts as unused.
    let used = match managers.containers.as_ref().map(|answer| &answer.result) {
        Some(Ok(containers)) => containers.iter().map(|container| container.image_id.as_str()).collect::<Vec<_>>(),
        Some(Err(trouble)) => return vec![nameless(Err(format!("the images in use are unknown: {trouble}")))],
        None => return vec![nameless(Err("the images in use were not checked".to_owned()))],
    };
    let kept: Vec<&str> = deployment
        .release
        .iter()
        .flat_map(|release| release.images)
        .flat_map(|image| [image.tag, image.previous])
        .collect();
    let keeps: Vec<&str> =
        rows.iter().filter(|(_, name, _)| kept.contains(&name.as_str())).map(|(id, ..)| &**id).collect();
    let free = |id: &str| !used.contains(&id) && !keeps.contains(&id);
    let dangling = rows
        .iter()
        .filter(|(id, name, _)| name == "<none>:<none>" && free(id))
        .fold(0, |sum: u64, (.., bytes)| sum.saturating_add(*bytes));
    let mut found = vec![nameless(Ok(dangling))];
    let repository = |name: &str| name.rsplit_once(':').map(|(repository, _)| repository.to_owned());
    let own: Vec<String> = kept.iter().filter_map(|name| repository(name)).collect();
    let old =
        |(id, name, _): &&(String, String, u64)| free(id) && repository(name).is_some_and(|name| own.contains(&name));
    found.extend(rows.iter().filter(old).map(|(_, name, bytes)| Reclaimable {
        what: format!("the old release {name}"),
        path: DOCKER,
        bytes: Ok(*bytes),
        argv: Argv::new("docker", ["image", "rm", name]),
        risk: Risk::Destructive,
        loses: "a rollback to it",
    }));
    found
}
