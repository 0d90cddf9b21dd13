//! Probes that speak a service's own protocol over TCP.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use super::{Answer, Door, ListenAddress, Reply};
use crate::host::files::path_of;
use crate::host::net;
use crate::host::protocol::{mongo, postgres, redis};
use crate::host::shortage::Shortage;
use crate::host::tools::command::Command;
use crate::host::trouble::Trouble;
use crate::registry::Secret;

/// No answer that is looked for is longer.
const LIMIT: usize = 64 << 10;

/// Waits for the first line that the service says by itself.
pub(super) fn banner(door: Door<'_>, at: &ListenAddress) -> Answer<Reply> {
    let reply = converse(door, at, b"", |received| {
        let end = received.iter().position(|byte| *byte == b'\n')?;
        Some(Ok(Reply::Line(super::text(&received[..end]).trim_end().to_owned())))
    });
    let [host, port] = host_and_port(door, at);
    Answer { command: Command::shell(format!("nc -w 3 {host} {port} </dev/null")), result: reply }
}

pub(super) fn redis(door: Door<'_>, at: &ListenAddress, password: Option<&Secret>) -> Answer<Reply> {
    let result = match password.map(|secret| super::secret(door.system, secret)).transpose() {
        Err(trouble) => Err(trouble),
        Ok(setting) => {
            let password = setting.as_deref().map(redis::password);
            let known = password.is_some();
            converse(door, at, &redis::ping(password), |received| {
                redis::answer(received, known).map(|line| Ok(Reply::Line(line)))
            })
        }
    };
    let whom = match at {
        ListenAddress::Unix(path) => vec!["-s".to_owned(), path.clone()],
        ListenAddress::Tcp(address) if is_default(door, address) => vec!["-p".to_owned(), address.port().to_string()],
        ListenAddress::Tcp(_) => {
            let [host, port] = host_and_port(door, at);
            vec!["-h".to_owned(), host, "-p".to_owned(), port]
        }
    };
    let words: Vec<&str> = whom.iter().map(String::as_str).chain(["ping"]).collect();
    Answer { command: redis_cli(password, &words), result }
}

/// redis-cli, with the password that is in that file; the value stays there.
pub(super) fn redis_cli(password: Option<&Secret>, words: &[&str]) -> Command {
    let plain = Command::new(["redis-cli"].into_iter().chain(words.iter().copied()));
    match password {
        None => plain,
        Some(login) => Command::shell(format!("REDISCLI_AUTH=<{} in {}> {plain}", login.key, login.file)),
    }
}

pub(super) fn postgres(door: Door<'_>, at: &ListenAddress, user: &str) -> Answer<Reply> {
    let reply = converse(door, at, &postgres::startup(user), |received| {
        postgres::greeting(received).map(|greeting| greeting.map(Reply::Postgres))
    });
    let [host, port] = host_and_port(door, at);
    Answer { command: Command::new(["pg_isready", "-h", &host, "-p", &port, "-U", user]), result: reply }
}

pub(super) fn mongo(door: Door<'_>, at: &ListenAddress) -> Answer<Reply> {
    let reply =
        converse(door, at, &mongo::hello(), |received| mongo::answer(received).map(|hello| hello.map(Reply::Mongo)));
    let command = match at {
        ListenAddress::Tcp(address) if is_default(door, address) => {
            Command::new(["mongosh", "--quiet", "--port", &address.port().to_string(), "--eval", "db.hello()"])
        }
        ListenAddress::Tcp(_) | ListenAddress::Unix(_) => {
            let [host, port] = host_and_port(door, at);
            Command::new(["mongosh", "--quiet", "--host", &host, "--port", &port, "--eval", "db.hello()"])
        }
    };
    Answer { command, result: reply }
}

/// Whether clients of the protocol go there by themselves.
fn is_default(door: Door<'_>, address: &SocketAddr) -> bool {
    door.system.nearest(*address).ip() == door.system.loopback
}

/// As clients are told where to go. A socket of PostgreSQL is named by its directory and the number in its name.
fn host_and_port(door: Door<'_>, at: &ListenAddress) -> [String; 2] {
    match at {
        ListenAddress::Tcp(address) if is_default(door, address) => {
            ["127.0.0.1".to_owned(), address.port().to_string()]
        }
        ListenAddress::Tcp(address) => [address.ip().to_string(), address.port().to_string()],
        ListenAddress::Unix(path) => match path.rsplit_once("/.s.PGSQL.") {
            Some((directory, number)) => [directory.to_owned(), number.to_owned()],
            None => [path.clone(), String::new()],
        },
    }
}

/// A connection to a service of this host.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

fn connect(door: Door<'_>, at: &ListenAddress, until: Instant) -> io::Result<Box<dyn Stream>> {
    Ok(match at {
        ListenAddress::Tcp(address) => Box::new(net::tcp(door.system.nearest(*address), until)?),
        ListenAddress::Unix(path) => {
            // By descriptor: its directory is usually the service's own, whose user could put something else there.
            let socket = door.system.socket(path)?;
            Box::new(net::unix(&path_of(&socket), until)?)
        }
    })
}

/// Connects, sends, and reads until `understood` makes something of what came, all within the limit.
pub(super) fn converse(
    door: Door<'_>,
    at: &ListenAddress,
    question: &[u8],
    understood: impl Fn(&[u8]) -> Option<Result<Reply, String>>,
) -> Result<Reply, Trouble> {
    let limit = door.limit();
    let talk = || -> io::Result<Result<Reply, String>> {
        let mut stream = connect(door, at, Instant::now() + limit)?;
        stream.write_all(question)?;
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = stream.read(&mut buffer)?;
            received.extend_from_slice(&buffer[..count]);
            if let Some(result) = understood(&received) {
                return Ok(result);
            }
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if received.len() > LIMIT {
                return Ok(Err("sends too much".to_owned()));
            }
        }
    };
    match talk() {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(reason)) => Ok(Reply::Silent(reason)),
        Err(error) => silence(Shortage::of(&error), net::describe(&error, limit)),
    }
}

/// What it means that nothing came back: a shortage of opsctl's own says nothing of the service.
pub(super) fn silence(shortage: Option<Shortage>, reason: String) -> Result<Reply, Trouble> {
    shortage.map_or(Ok(Reply::Silent(reason)), |shortage| Err(Trouble::Shortage(shortage)))
}
