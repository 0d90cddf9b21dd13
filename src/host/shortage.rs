//! What opsctl itself, or the host under it, is short of: descriptors, processes, memory, ports. Whatever could not be asked for
//! such a reason is unknown, and says nothing of the service. Decided from the number of the error, here and nowhere else.

use std::fmt;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::program;

/// How long what others of our own threads hold is waited for.
const WAIT: Duration = Duration::from_millis(300);
/// How often it is tried again meanwhile.
const AGAIN: Duration = Duration::from_millis(10);

/// What there is too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// Descriptors of this process.
    Descriptors,
    /// Descriptors of the whole host.
    HostDescriptors,
    /// Processes and threads.
    Tasks,
    /// Memory.
    Memory,
    /// Local ports for connections.
    Ports,
    /// Buffers of the kernel for connections.
    Buffers,
    /// Time, because there was too little else to ask all at once.
    Turns,
}

impl Shortage {
    /// Of a file or a connection; `None` where the error is about these.
    pub fn of(error: &io::Error) -> Option<Self> {
        match Errno::from_io_error(error)? {
            Errno::MFILE => Some(Shortage::Descriptors),
            Errno::NFILE => Some(Shortage::HostDescriptors),
            Errno::NOMEM => Some(Shortage::Memory),
            Errno::NOBUFS => Some(Shortage::Buffers),
            Errno::ADDRNOTAVAIL => Some(Shortage::Ports),
            _ => None,
        }
    }

    /// Of a process or thread that was to be started, where "try again" is a limit and not a wait.
    pub fn of_start(error: &io::Error) -> Option<Self> {
        match Errno::from_io_error(error)? {
            Errno::AGAIN => Some(Shortage::Tasks),
            _ => Self::of(error),
        }
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = |resource, otherwise: &str| match getrlimit(resource).current {
            Some(limit) => format!("limit {limit}"),
            None => otherwise.to_owned(),
        };
        match self {
            Shortage::Descriptors => {
                write!(
                    f,
                    "{} cannot open more files ({}, see ulimit -n)",
                    program::name(),
                    limit(Resource::Nofile, "no limit")
                )
            }
            Shortage::HostDescriptors => f.write_str("this host cannot open more files (see sysctl fs.file-max)"),
            Shortage::Tasks => {
                let limit = limit(Resource::Nproc, "no limit of its own");
                write!(f, "{} cannot start more processes ({limit}, see ulimit -u and TasksMax)", program::name())
            }
            Shortage::Memory => {
                write!(
                    f,
                    "{} gets no more memory ({}, see ulimit -v)",
                    program::name(),
                    limit(Resource::As, "no limit of its own")
                )
            }
            Shortage::Ports => {
                write!(f, "{} gets no port for a connection (see sysctl net.ipv4.ip_local_port_range)", program::name())
            }
            Shortage::Buffers => f.write_str("this host has no buffer space for a connection"),
            Shortage::Turns => {
                write!(f, "not checked: {} lacks the resources to check everything before the timeout", program::name())
            }
        }
    }
}

/// Tries again for a moment while it fails for a shortage, which may be of our own making.
///
/// # Errors
/// As the last try.
pub fn patiently<T>(
    is_short: fn(&io::Error) -> Option<Shortage>,
    mut act: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let until = Instant::now() + WAIT;
    loop {
        match act() {
            Err(error) if is_short(&error).is_some() && Instant::now() < until => thread::sleep(AGAIN),
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a14_what_opsctl_lacks_is_told_from_what_fails() {
        let of = |errno: Errno| Shortage::of(&errno.into());
        assert_eq!(of(Errno::MFILE), Some(Shortage::Descriptors));
        assert_eq!(of(Errno::ADDRNOTAVAIL), Some(Shortage::Ports));
        for theirs in [Errno::CONNREFUSED, Errno::CONNRESET, Errno::TIMEDOUT, Errno::NOENT, Errno::ACCESS, Errno::NOSPC]
        {
            assert_eq!(of(theirs), None, "{theirs:?}");
        }
        // Of a read with a deadline it means that nothing has come; of a start, that nothing more may run.
        assert_eq!(of(Errno::AGAIN), None);
        assert_eq!(Shortage::of_start(&Errno::AGAIN.into()), Some(Shortage::Tasks));
        assert!(Shortage::Descriptors.to_string().starts_with("opsctl cannot open more files (limit "));
    }

    #[test]
    fn what_is_short_is_tried_again_and_what_fails_is_not() {
        let mut left = [7, 0, 0].into_iter().rev();
        let got = patiently(Shortage::of, || left.next().filter(|got| *got > 0).ok_or(Errno::MFILE.into()));
        assert_eq!(got.unwrap(), 7);
        let mut tries = 0;
        let failed: io::Result<()> = patiently(Shortage::of, || {
            tries += 1;
            Err(Errno::NOENT.into())
        });
        assert_eq!((failed.unwrap_err().kind(), tries), (io::ErrorKind::NotFound, 1));
        let begun = Instant::now();
        let never: io::Result<()> = patiently(Shortage::of, || Err(Errno::MFILE.into()));
        assert!(never.is_err() && begun.elapsed() < Duration::from_secs(5));
    }
}
