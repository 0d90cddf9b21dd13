//! A port of which nobody knows the protocol: whether what listens there takes a connection, and answers, closes it, or reads what
//! it is sent.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::{Answer, Door, Reply, engine, network};
use crate::host::net::{self, Timed};
use crate::host::shortage::Shortage;
use crate::host::system::System;
use crate::host::tools::Argv;
use crate::host::tools::sockets;
use crate::host::trouble::Trouble;
use crate::program;

/// How long is waited for what it says, before the tables of the kernel tell whether it reads at all.
const WAIT: Duration = Duration::from_secs(1);
/// How long a beginning may be that is no line yet.
const LINE: usize = 4 << 10;
/// How much of an answer is read beyond its status, and for how long: who is cut off in the middle of one may log that.
const REST: (u64, Duration) = (16 << 10, Duration::from_millis(100));

/// How it ends what is said of who leaves a connection or a request lying.
pub(super) const HANGS: &str = ": the program behind it hangs";

/// What a port did with a connection and a request that may mean nothing to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// It sent something.
    Answered,
    /// It took the connection and closed it.
    Closed,
    /// It took the connection, and what was sent does not wait to be read.
    Read,
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Connection::Answered => "answers",
            Connection::Closed => "takes connections",
            Connection::Read => "takes connections and reads, answers nothing by itself",
        })
    }
}

/// Asks what listens at this address.
///
/// That a program reads is seen at its end of the connection. Where that end is not in the tables of this host, it counts as read:
/// a container's port that the kernel forwards, or an address that a firewall rewrites. Of a port that a proxy forwards, such as
/// docker-proxy, only the proxy is seen: it takes connections also where the program behind it does not.
pub(super) fn ask(door: Door<'_>, address: SocketAddr) -> Answer<Reply> {
    let address = door.system.nearest(address);
    let command = Argv::new("curl", ["-sS", "-i", "-m", "3"]).with([format!("http://{address}/")]).into();
    Answer { command, result: talk(door.system, address, door.limit(), WAIT) }
}

fn talk(system: &System, address: SocketAddr, limit: Duration, wait: Duration) -> Result<Reply, Trouble> {
    let until = Instant::now() + limit;
    let trouble = |error: &io::Error| network::silence(Shortage::of(error), net::describe(error, limit));
    let mut stream = match net::tcp(address, until) {
        Ok(stream) => stream,
        Err(error) => return trouble(&error),
    };
    match converse(system, &mut stream, until, wait) {
        Ok(reply) => Ok(reply),
        Err(error) if is_closed(&error) => Ok(Reply::Connection(Connection::Closed)),
        Err(error) => trouble(&error),
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
}

fn converse(system: &System, stream: &mut Timed<TcpStream>, until: Instant, wait: Duration) -> io::Result<Reply> {
    let agent = program::USER_AGENT;
    let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut received = Vec::new();
    let mut buffer = [0; LINE];
    loop {
        stream.until(until.min(Instant::now() + wait));
        match stream.read(&mut buffer) {
            Ok(0) if received.is_empty() => return Ok(Reply::Connection(Connection::Closed)),
            Ok(0) => return Ok(Reply::Connection(Connection::Answered)),
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() != ErrorKind::TimedOut => return Err(error),
            Err(_) if !received.is_empty() => return Ok(Reply::Connection(Connection::Answered)),
            // Who is busy may come to it until the whole time is over.
            Err(_) => match neglect(system, stream, request.len() as u64)? {
                None => return Ok(Reply::Connection(Connection::Read)),
                Some(what) if Instant::now() >= until => return Ok(Reply::Silent(format!("{what}{HANGS}"))),
                Some(_) => {}
            },
        }
        if let Some(reply) = understood(&received) {
            if matches!(reply, Reply::Http { .. }) {
                let (most, longest) = REST;
                stream.until(until.min(Instant::now() + longest));
                let _ = io::copy(&mut stream.take(most), &mut io::sink());
            }
            return Ok(reply);
        }
    }
}

/// What is plain from the first bytes; `None` where a status line of HTTP has begun and not ended.
fn understood(received: &[u8]) -> Option<Reply> {
    const HTTP: &[u8] = b"HTTP/1.";
    if received.is_empty() {
        return None;
    }
    let is_http = received.iter().zip(HTTP).all(|(found, wanted)| found == wanted);
    let line = received.iter().position(|byte| *byte == b'\n').map(|end| super::text(&received[..end]));
    let status = line.as_ref().and_then(|line| engine::status_of(line.trim_end()));
    match status.filter(|status| (100..600).contains(status)) {
        Some(status) => Some(Reply::Http { status, body: String::new() }),
        None if is_http && line.is_none() && received.len() < LINE => None,
        None => Some(Reply::Connection(Connection::Answered)),
    }
}

/// What the program at the other end leaves lying: the connection, or all that was sent. `None` where it does not, or where that
/// cannot be seen.
fn neglect(system: &System, stream: &Timed<TcpStream>, sent: u64) -> io::Result<Option<&'static str>> {
    let (own, other) = stream.ends()?;
    // A server that listens for both stands in the table of IPv6.
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|table| system.read(table).ok());
    let end = tables.into_iter().find_map(|text| sockets::server_end(&text, own, other));
    Ok(end.and_then(|end| match end.is_accepted {
        false => Some("takes no connections"),
        true if end.unread >= sent => Some("reads nothing that is sent to it"),
        true => None,
    }))
}

#[cfg(test)]
mod tests;
