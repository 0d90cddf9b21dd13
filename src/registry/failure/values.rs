//! Conditions on the values that a service runs with, and that its next start takes.

/// What is wrong with the [`settings`](crate::registry::EnvFile::settings) and
/// [`required`](crate::registry::EnvFile::required) keys of a service's env file. Looked at also where the service is healthy.
///
/// ```
/// # use opsctl::registry::*;
/// let ruinous = Clue::Values(Values::InUse);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Values {
    /// Its process has a value that breaks a rule; of one that does not run, its files have. What it names is the key and what is
    /// wrong, `{thing}`.
    InUse,
    /// Its process has a sound value, and its files, which were written since, break a rule or leave a required key without a value.
    AtNextStart,
    /// It runs as a unit, and its next start fails: its program, the script that this runs or its working directory is gone, of
    /// another kind, closed to its user, or for another machine.
    Unstartable,
    /// The application reads its env file itself, and its user may not.
    Unreadable,
}
