//! Conditions on what surrounds a container: networks, ports, mounts, bounds.

/// What keeps a running container from being reached or from working, as the engine and the kernel report. Of a service without
/// a container, and where the engine was asked through its client only, nothing is claimed.
///
/// ```
/// # use opsctl::registry::*;
/// let gone = Clue::Surroundings(Surroundings::MountGone);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Surroundings {
    /// It is not on the network that it was made for.
    OffNetwork,
    /// It publishes other ports or addresses than the registry's.
    PublishedElsewhere,
    /// A port of the registry leads into it to a port that nothing in it listens on, and something listens on another.
    ListensElsewhere,
    /// A host name in its environment belongs to a container that shares no network with it or does not run.
    NameUnresolved,
    /// Its health check cannot be run: no such program, or no end in time.
    CheckBroken,
    /// Its compose file has it started again, and the engine would not.
    PolicyLost,
    /// The source of a bind mount is gone, or was replaced since the container began.
    MountGone,
    /// The engine could not start it for a mount, a network, a port or an image.
    NotStartable,
    /// Its own memory is at 95 % of its limit.
    MemoryTight,
    /// Processes in it were killed at its memory limit while it ran on.
    MemoryKills,
    /// It is held back by its CPU limit in half of all periods.
    Throttled,
}
