//! Frees space on a full file system: what nobody would miss first, one after the other, and no more than is needed.

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use super::invocation::{Scene, trouble};
use super::stop::{Stop, confirm};
use crate::action::audit;
use crate::action::lock::Lock;
use crate::exit::Exit;
use crate::host::exec::Runner;
use crate::observe::clues::reclaim::{Reclaimable, reclaimable};
use crate::observe::probe::{self, Door, PATIENCE};
use crate::units::bytes;

/// How long one command may take: a large build cache takes minutes.
const LIMIT: Duration = Duration::from_mins(10);
/// How long it may take to find out what there is.
const SURVEY: Duration = Duration::from_secs(30);
/// The parameter that names the file system by a path on it.
const ON: &str = "on";

/// What lies on the file system that is meant, the safest first.
pub fn candidates(scene: &Scene<'_>) -> Result<Vec<Reclaimable>, String> {
    let system = scene.context.system;
    let path = scene.values.get(ON);
    let device = system.metadata(path).map_err(|error| format!("{path}: {error}"))?.dev();
    let processes = scene.context.processes();
    let services = scene.deployment.services;
    let limit = scene.context.within(PATIENCE);
    let evidence = probe::gather(system, &processes, scene.deployment, services, false, limit);
    let door = Door::new(system, &processes, scene.context.within(SURVEY));
    let mut found = reclaimable(door, scene.deployment, &evidence.managers);
    found.retain(|one| system.metadata(one.path).is_ok_and(|at| at.dev() == device));
    Ok(found)
}

/// One of these in a line: what, how much, at what risk and by which command.
pub fn described(one: &Reclaimable) -> String {
    format!("{} ({}), {}: {}", one.what, size(one), one.risk.label(), one.argv)
}

fn size(one: &Reclaimable) -> String {
    match &one.bytes {
        Ok(bytes) => format!("up to {}", crate::units::bytes(*bytes)),
        Err(why) => format!("size unknown: {why}"),
    }
}

/// Frees until as many bytes are free as the parameter says; what was freed, or why that is not enough.
pub fn reclaim(scene: &Scene<'_>, parameter: &str, lock: &mut Lock) -> Result<String, Stop> {
    let unknown = |why: String| Stop::before(Exit::Unknown, why);
    let path = scene.values.get(ON);
    let wanted: u64 = scene.values.get(parameter).parse().unwrap_or(u64::MAX);
    let free = || scene.context.system.available_space(path).map_err(|error| unknown(format!("{path}: {error}")));
    let mut done: Vec<String> = Vec::new();
    let mut now = free()?;
    for one in candidates(scene).map_err(unknown)? {
        if now >= wanted {
            break;
        }
        let size = size(&one);
        let loses = [format!("loses: {}", one.loses), format!("frees: {size}")];
        let stopped = |stop: Stop| Stop { is_untouched: done.is_empty(), ..stop };
        confirm(scene, &format!("remove {}", one.what), one.risk, &loses).map_err(stopped)?;
        lock.step(&one.argv.to_string());
        scene.context.ui.progress(&format!("  {}: {} ({size})", one.what, one.argv));
        let (targets, commands) = (vec![one.what.clone()], vec![one.argv.to_string()]);
        let act = audit::begin(scene.context, scene.deployment, "reclaim", targets, commands)?;
        let begun = Instant::now();
        let ran = scene.context.processes().run(&one.argv, scene.context.within(LIMIT));
        let failed = match &ran {
            Ok(output) => trouble(output).map(|trouble| trouble.to_string()),
            Err(error) => Some(error.to_string()),
        };
        let before = now;
        now = free()?;
        let outcome = match &failed {
            Some(why) => format!("{}: failed: {why}", one.what),
            None => format!("{}: {} free before, {} after", one.what, bytes(before), bytes(now)),
        };
        act.end(scene.context, outcome.clone(), if failed.is_some() { Exit::Failure } else { Exit::Success });
        scene.context.ui.progress(&format!("  {outcome} ({:.1} s)", begun.elapsed().as_secs_f64()));
        // One that fails does not keep the others from what they can.
        done.push(outcome);
    }
    let summary = if done.is_empty() { "nothing can be reclaimed".to_owned() } else { done.join("; ") };
    match now >= wanted {
        true => Ok(summary),
        false => Err(Stop {
            exit: Exit::Failure,
            why: format!("{} free on {path}, {} wanted: {summary}", bytes(now), bytes(wanted)),
            is_untouched: done.is_empty(),
        }),
    }
}
