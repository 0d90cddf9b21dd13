//! Sockets with a deadline: none of these calls blocks longer than it says, whatever the other side does. `connect` to a
//! socket of a process that accepts nothing, a send to one that reads nothing and the resolver of names all would. Only this
//! file opens sockets.
#![expect(clippy::disallowed_methods, reason = "this is the one door to sockets")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use crate::host::threads;
use crate::program;

/// How often a full queue is tried again, where the kernel tells nobody when there is room in it.
const AGAIN: Duration = Duration::from_millis(10);
/// How much must come in one pause of the longest length, bytes: a byte now and then is no answer.
const PACE: usize = 1 << 10;

/// A stream all of whose reads and writes together end at one moment. The descriptor is non-blocking.
#[derive(Debug)]
pub struct Timed<S> {
    stream: S,
    limit: Limit,
}

/// How long is waited for the other side.
#[derive(Debug, Clone, Copy)]
enum Limit {
    /// Until this moment, for everything.
    Until(Instant),
    /// At most so long for each [`PACE`] bytes, not counting the time in which nobody reads.
    Pace { longest: Duration, waited: Duration, came: usize },
    /// For ever.
    None,
}

/// Connects to a stream socket of this host.
///
/// # Errors
/// As the operating system says; `TimedOut` when the deadline has passed, also where the queue of those who wait to be
/// accepted is full.
pub fn unix(path: &Path, until: Instant) -> io::Result<Timed<UnixStream>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    let address = SocketAddrUnix::new(path)?;
    loop {
        match connect(&socket, &address) {
            Ok(()) => return Ok(Timed { stream: UnixStream::from(socket), limit: Limit::Until(until) }),
            Err(Errno::AGAIN) => thread::sleep(left(until)?.min(AGAIN)),
            Err(Errno::INTR) => drop(left(until)?),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Connects to a service.
///
/// # Errors
/// As the operating system says; `TimedOut` when the deadline has passed.
pub fn tcp(address: SocketAddr, until: Instant) -> io::Result<Timed<TcpStream>> {
    let stream = TcpStream::connect_timeout(&address, left(until)?)?;
    stream.set_nonblocking(true)?;
    Ok(Timed { stream, limit: Limit::Until(until) })
}

/// Sends one datagram to a socket of this host.
///
/// # Errors
/// As the operating system says; `TimedOut` when its queue was full until the deadline.
pub fn tell(path: &Path, message: &[u8], until: Instant) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    loop {
        match socket.send_to(message, path) {
            Ok(count) if count == message.len() => return Ok(()),
            Ok(_) => return Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(left(until)?.min(AGAIN)),
            Err(error) if error.kind() == ErrorKind::Interrupted => drop(left(until)?),
            Err(error) => return Err(error),
        }
    }
}

/// Names that the resolver is being asked for, in vain so far.
static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The addresses of a host name. The resolver knows no deadline, so it is asked in a thread that is left behind when it does
/// not come back; it is not asked again for that name meanwhile.
///
/// # Errors
/// As the resolver says; `TimedOut` when the deadline has passed.
pub fn resolve(host: &str, port: u16, until: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = host.to_owned();
    within(&host.clone(), until, move || Ok((host.as_str(), port).to_socket_addrs()?.collect()))
}

fn within<T: Send + 'static>(
    name: &str,
    until: Instant,
    ask: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    if asked().iter().any(|other| other == name) {
        return Err(ErrorKind::TimedOut.into());
    }
    let limit = left(until)?;
    let (answer, answered) = sync_channel(1);
    let own = name.to_owned();
    threads::start(move || {
        let result = ask();
        let mut asked = asked();
        asked.retain(|other| *other != own);
        // Nobody waits any more where the deadline has passed.
        let _ = answer.send(result);
    })?;
    match answered.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            let mut asked = asked();
            // It may have come back in this very moment.
            answered.try_recv().unwrap_or_else(|_| {
                asked.push(name.to_owned());
                Err(ErrorKind::TimedOut.into())
            })
        }
        Err(RecvTimeoutError::Disconnected) => {
            Err(io::Error::other(format!("{} failed while it resolved a name", program::name())))
        }
    }
}

fn asked() -> MutexGuard<'static, Vec<String>> {
    ASKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is left until then.
fn left(until: Instant) -> io::Result<Duration> {
    match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

impl Timed<TcpStream> {
    /// The address of this end and that of the other.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn ends(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.stream.local_addr()?, self.stream.peer_addr()?))
    }
}

impl<S: AsFd> Timed<S> {
    /// From now on all ends at this moment.
    pub fn until(&mut self, until: Instant) {
        self.limit = Limit::Until(until);
    }

    /// From now on at most `longest` is waited for each kilobyte, or as long as it takes.
    pub fn paced(&mut self, longest: Option<Duration>) {
        self.limit = longest.map_or(Limit::None, |longest| Limit::Pace { longest, waited: Duration::ZERO, came: 0 });
    }

    /// How long may be waited now; `None` for ever.
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.limit {
            Limit::Until(until) => left(until).map(Some),
            Limit::Pace { longest, waited, .. } => match longest.saturating_sub(waited) {
                Duration::ZERO => Err(ErrorKind::TimedOut.into()),
                left => Ok(Some(left)),
            },
            Limit::None => Ok(None),
        }
    }

    /// Does `step` as soon as it can be done.
    fn when(&mut self, ready: PollFlags, mut step: impl FnMut(&mut S) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            // Also where there is always something: who never ends shall not be read for ever.
            let left = self.left()?;
            match step(&mut self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(count) => {
                    self.note(count);
                    return Ok(count);
                }
                Err(error) => return Err(error),
            }
            let begun = Instant::now();
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut [PollFd::new(&self.stream, ready)], timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            if let Limit::Pace { waited, .. } = &mut self.limit {
                *waited += begun.elapsed();
            }
        }
    }

    fn note(&mut self, count: usize) {
        if let Limit::Pace { waited, came, .. } = &mut self.limit {
            *came += count;
            if *came >= PACE {
                (*waited, *came) = (Duration::ZERO, 0);
            }
        }
    }
}

impl<S: AsFd + Read> Read for Timed<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.when(PollFlags::IN, |stream| stream.read(buffer))
    }
}

impl<S: AsFd + Write> Write for Timed<S> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.when(PollFlags::OUT, |stream| stream.write(buffer))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// An input/output error in an operator's words.
pub fn describe(error: &io::Error, limit: Duration) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => no_answer(limit),
        ErrorKind::UnexpectedEof => "closed the connection without an answer".to_owned(),
        ErrorKind::ConnectionReset => "reset the connection".to_owned(),
        _ => error.to_string(),
    }
}

/// How it begins that the deadline passed.
pub const NO_ANSWER: &str = "no answer in ";

/// The deadline passed.
pub fn no_answer(limit: Duration) -> String {
    format!("{NO_ANSWER}{:.1} s", limit.as_secs_f32())
}

#[cfg(test)]
mod tests;
