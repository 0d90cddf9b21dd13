//! Lines out of containers, whichever container of the service there is: one that was made anew is followed on.

use std::io::{self, ErrorKind};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::{At, LogPlace, Range, Raw, World};
use crate::host::tools::docker::Listed;
use crate::host::tools::docker_logs::{Query, Rows};
use crate::host::tools::excerpt;
use crate::host::trouble::Trouble;
use crate::observe::probe::{self, is_container_of};
use crate::registry::Service;

/// How often it is looked for a container that has gone.
const AGAIN: Duration = Duration::from_millis(200);

/// Reads the rows of a service's container, oldest first, as long as `each` wants more.
pub fn read(
    world: &World,
    source: usize,
    range: &Range,
    each: &mut dyn FnMut(&Raw<'_>) -> bool,
) -> Result<(), Trouble> {
    let found = world.containers.get_or_init(|| containers(world)).clone()?;
    let named = named(world, source);
    let container = match named {
        Some(name) => found.iter().find(|container| container.identity.name == name),
        None => newest(service(world, source), &found),
    };
    let Some(container) = container else {
        return Err(Trouble::Unavailable("it has no container here".to_owned()));
    };
    let query = Query {
        since: match range.from {
            Some(LogPlace::Moment(time)) => Some(time),
            _ => range.since.and_then(|time| Timestamp::from_microsecond(time).ok()),
        },
        until: range.until.and_then(|time| Timestamp::from_microsecond(time).ok()),
        last: range.last,
        follow: false,
    };
    let name = range.run.as_deref().unwrap_or(&container.id);
    let rows = probe::container_log(&world.system, &world.processes(), name, query, world.patience, world.silence)?;
    pass_on(world, source, rows, each).map(drop)
}

/// The moment after the last row that was read of a source; none before the first.
fn after_last(world: &World, source: usize) -> Option<Timestamp> {
    let last = world.seen[source].load(Ordering::Relaxed);
    Timestamp::from_nanosecond(i128::from(last).checked_add(1)?).ok().filter(|_| last != i64::MIN)
}

fn containers(world: &World) -> Result<Vec<Listed>, Trouble> {
    probe::containers(&world.system, &world.processes(), world.patience)
}

fn service(world: &World, source: usize) -> Option<&'static Service> {
    world.sources[source].service
}

/// The container's own name, where it is no service's.
fn named(world: &World, source: usize) -> Option<&str> {
    let source = &world.sources[source];
    source.name.strip_prefix("container:").filter(|_| source.service.is_none())
}

fn is_of(service: Option<&'static Service>, container: &Listed) -> bool {
    service.is_some_and(|service| service.managers.iter().any(|manager| is_container_of(manager, &container.identity)))
}

/// The one that runs, else the one that was made last, which the engine lists first.
fn newest<'f>(service: Option<&'static Service>, found: &'f [Listed]) -> Option<&'f Listed> {
    let mut own = found.iter().filter(|container| is_of(service, container));
    let first = own.clone().next();
    own.find(|container| container.state == "running").or(first)
}

/// Where the run before the present one is: an earlier container of the service, else the same one until it was started last.
/// The container's id, and the moment (microseconds) until which its rows count.
pub fn previous_run(world: &World, source: usize) -> Result<Option<(String, Option<i64>)>, Trouble> {
    let found = world.containers.get_or_init(|| containers(world)).clone()?;
    let service = service(world, source);
    let Some(present) = newest(service, &found) else {
        return Err(Trouble::Unavailable("it has no container here".to_owned()));
    };
    if let Some(earlier) = found.iter().find(|other| is_of(service, other) && other.id != present.id) {
        return Ok(Some((earlier.id.clone(), None)));
    }
    let runs = probe::container_runs(&world.system, &world.processes(), &present.id, world.patience)?;
    // A container writes a little before the engine notes that it has started, and hardly after it has ended.
    let between = |(ended, started): (Timestamp, Timestamp)| ended.as_microsecond().midpoint(started.as_microsecond());
    Ok(runs.map(|runs| (present.id.clone(), Some(between(runs)))))
}

/// Hands rows over; whether more are wanted. How far it came is kept, however it ends.
fn pass_on(
    world: &World,
    source: usize,
    mut rows: Rows<Box<dyn io::Read + Send>>,
    each: &mut dyn FnMut(&Raw<'_>) -> bool,
) -> Result<bool, Trouble> {
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                let Some(time) = row.time else {
                    // What has no time is not the container's but the client's.
                    let said = excerpt(&String::from_utf8_lossy(&row.text));
                    return Err(Trouble::Failed(format!("expected rows of a log, got: {said}")));
                };
                let nanoseconds = i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX);
                world.seen[source].fetch_max(nanoseconds, Ordering::Relaxed);
                let raw = Raw {
                    source,
                    time: Some(time.as_microsecond()),
                    text: Some(&row.text),
                    length: row.length,
                    priority: None,
                    before: false,
                    fallback: time.as_microsecond(),
                    at: At::Moment(time),
                };
                if !each(&raw) {
                    return Ok(false);
                }
            }
            Ok(None) => return Ok(true),
            Err(error) => {
                return Err(match error.kind() {
                    ErrorKind::TimedOut | ErrorKind::WouldBlock => Trouble::TimedOut(world.silence),
                    ErrorKind::UnexpectedEof => Trouble::Failed("its log ended in the middle of a row".to_owned()),
                    ErrorKind::InvalidData => Trouble::Failed("its log is not in the engine's format".to_owned()),
                    _ => Trouble::Failed(format!("its log: {error}")),
                });
            }
        }
    }
}

/// Follows a service's container, and the next one when it is replaced, from where reading began on and behind what was read before.
pub fn follow(world: &World, source: usize, each: &mut dyn FnMut(&Raw<'_>) -> bool) -> Result<(), Trouble> {
    let begun = Timestamp::from_microsecond(world.begun).unwrap_or(Timestamp::MAX);
    let mut known: Option<Vec<Listed>> = world.containers.get().and_then(|found| found.clone().ok());
    let mut troubled = false;
    while !world.board.closed() {
        let found = match known.take() {
            Some(found) => Ok(found),
            None => containers(world),
        };
        let running = |container: &&Listed| container.state == "running";
        let read = found.and_then(|found| match newest(service(world, source), &found).filter(running) {
            None => Ok(true),
            Some(container) => {
                let since = after_last(world, source).map_or(begun, |after| after.max(begun));
                let query = Query { since: Some(since), follow: true, ..Query::default() };
                let limit = world.patience;
                let open = probe::container_log(&world.system, &world.processes(), &container.id, query, limit, limit);
                pass_on(world, source, open?, each)
            }
        });
        match read {
            Ok(false) => return Ok(()),
            Ok(true) => troubled = false,
            Err(trouble @ (Trouble::NeedsRoot(_) | Trouble::Missing(_) | Trouble::Untrusted(_))) => {
                return Err(trouble);
            }
            Err(trouble) if trouble == probe::container_gone() => {}
            // Said once: an engine that is restarted comes back, and its containers with it.
            Err(trouble) if !troubled => {
                troubled = true;
                world.incomplete(&format!("{}: {trouble}; retrying", world.sources[source].name));
            }
            Err(_) => {}
        }
        thread::sleep(AGAIN);
    }
    Ok(())
}
