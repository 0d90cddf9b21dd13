//! The limits that this process was started with. What it needs at least was measured, with room to spare; with less it says so
//! and does nothing, because an allocation that fails and a stack that is full cannot be told of any more.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::{Code, Error};
use crate::host::threads;
use crate::program;

/// Descriptors that are wanted: the usual limit, up to which `select(2)` in what we start works as well.
const DESCRIPTORS: u64 = 1024;
/// Descriptors that work done in turn needs.
const FEW: u64 = 40;
/// Descriptors that a thread may hold at a time: a command's pipes, or a path's directories.
const EACH: u64 = 12;

/// Address space of the program itself, its libraries and the largest answers; of data it is a quarter.
const BASE: u64 = 256 << 20;
/// What glibc sets aside for the allocations of a thread, of address space alone.
const ARENA: u64 = 64 << 20;
/// The stack of a thread.
const STACK: u64 = 2 << 20;

/// A limit, what is needed of it, and how a shell calls it.
struct Floor {
    resource: Resource,
    least: u64,
    what: &'static str,
    ulimit: &'static str,
}

const FLOORS: [Floor; 4] = [
    Floor { resource: Resource::As, least: 1 << 30, what: "bytes of address space", ulimit: "ulimit -v" },
    Floor { resource: Resource::Data, least: 128 << 20, what: "bytes of data", ulimit: "ulimit -d" },
    Floor { resource: Resource::Stack, least: 1 << 20, what: "bytes of stack", ulimit: "ulimit -s" },
    Floor { resource: Resource::Nofile, least: FEW, what: "open files", ulimit: "ulimit -n" },
];

/// Takes what may be had, and says what is too little.
///
/// # Errors
/// When something is.
pub fn settle() -> Result<(), Error> {
    let descriptors = raise();
    for Floor { resource, least, what, ulimit } in FLOORS {
        if let Some(limit) = getrlimit(resource).current
            && limit < least
        {
            return Err(short(format!(
                "the limit of {limit} {what} is too low, {} needs {least}; nothing was changed",
                program::name()
            ))
            .hint(format!("see {ulimit}")));
        }
    }
    // Fewer at once where there is little, so that none runs short of it.
    let count = |limit: Option<u64>, base: u64, each: u64| {
        let count = limit.map(|limit| limit.saturating_sub(base) / each);
        count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX)
    };
    let room = count(getrlimit(Resource::As).current, BASE, ARENA + STACK);
    let room = room.min(count(getrlimit(Resource::Data).current, BASE / 4, 2 * STACK));
    // Each that asks may keep one that reads a file busy.
    threads::at_most(count(descriptors, FEW / 2, EACH).min(room / 3), room);
    Ok(())
}

/// What opsctl itself lacks.
pub fn short(message: String) -> Error {
    Error::unknown(Code::OutOfResources, message)
}

/// Raises the limit of descriptors to the usual one, where that is allowed; how many there are.
fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS));
    match limit.current {
        Some(current) if current < wanted => {
            let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit });
            Some(if raised.is_ok() { wanted } else { current })
        }
        current => current,
    }
}
