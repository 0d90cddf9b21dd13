//! What is wrong with units that no service of the registry is.

/// What is wrong with a unit that no service of the registry is, or with a process of any.
///
/// ```
/// # use opsctl::registry::*;
/// let changed = Clue::Unmanaged(Unmanaged::FileChanged);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmanaged {
    /// Its unit file or a drop-in changed on disk, and systemd still has what was there before.
    FileChanged,
    /// systemd cannot load its unit file: it runs on, if at all, until it ends.
    FileRejected,
    /// Its process was started with other values than its env files have now.
    Environment,
    /// systemd has waited for a step of its start for longer than starts take.
    StartHangs,
    /// A process has opened nearly as many files as it may.
    OpenFiles,
}
