//! What a host stands on: configurations that the next reload reads, mounts of the next boot, names, paths and limits that every
//! program relies on.

/// What of it gives way.
///
/// ```
/// # use opsctl::registry::*;
/// let read_only = Clue::Footing(Footing::ReadOnly);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Footing {
    /// A program rejects the configuration that it reads at its next reload, restart or call. It is only asked where that
    /// configuration changed since the program read it.
    Rejected(Checker),
    /// `/etc/fstab` needs a device at boot that does not exist.
    FstabDevice,
    /// `/etc/fstab` names a mount that is not there.
    FstabUnmounted,
    /// What must be written to lies on a file system that is mounted read-only.
    ReadOnly,
    /// Deleted files that processes still hold take a great part of a full file system.
    DeletedFiles,
    /// `/etc/resolv.conf` leads to no name server.
    Resolver,
    /// `/etc/nsswitch.conf` leaves out where names of hosts are found.
    NameSwitch,
    /// `localhost` has no address at which services listen.
    Localhost,
    /// A path that every program relies on is of another kind, or closed to users.
    BasePath,
    /// Logins of all users but root are refused.
    LoginsRefused,
    /// A lock that was left behind keeps accounts from being changed.
    AccountsLocked,
    /// The kernel is near the bound of something that it has so many of.
    KernelLimit,
    /// sshd ignores root's keys, because others could change them.
    RootKeys,
    /// The firewall (ufw, by its rule files) lets nobody reach the port on which sshd listens.
    SshClosed,
}

/// A program that says of its configuration whether it would take it.
///
/// ```
/// # use opsctl::registry::*;
/// let rejected = Clue::Footing(Footing::Rejected(Checker::Nginx));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Checker {
    /// `sshd -t`.
    Sshd,
    /// `visudo -c`.
    Sudo,
    /// `nginx -t`.
    Nginx,
    /// `caddy adapt`.
    Caddy,
}
