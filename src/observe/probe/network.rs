//! Probes that speak a service's own protocol over TCP.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use super::{Answer, Door, Reply};
use crate::host::net;
use crate::host::protocol::{mongo, postgres, redis};
use crate::host::shortage::Shortage;
use crate::host::tools::command::Command;
use crate::host::trouble::Trouble;
use crate::registry::Secret;

/// No answer that is looked for is longer.
const LIMIT: usize = 64 << 10;

/// Waits for the first line that the service says by itself.
pub(super) fn banner(door: Door<'_>, port: u16) -> Answer<Reply> {
    let reply = converse(door, port, b"", |received| {
        let end = received.iter().position(|byte| *byte == b'\n')?;
        Some(Ok(Reply::Line(super::text(&received[..end]).trim_end().to_owned())))
    });
    Answer { command: Command::shell(format!("nc -w 3 127.0.0.1 {port} </dev/null")), result: reply }
}

pub(super) fn redis(door: Door<'_>, port: u16, password: Option<&Secret>) -> Answer<Reply> {
    let result = match password.map(|secret| super::secret(door.system, secret)).transpose() {
        Err(trouble) => Err(trouble),
        Ok(setting) => {
            let password = setting.as_deref().map(redis::password);
            let known = password.is_some();
            converse(door, port, &redis::ping(password), |received| {
                redis::answer(received, known).map(|line| Ok(Reply::Line(line)))
            })
        }
    };
    Answer { command: redis_cli(password, &format!("-p {port} ping")), result }
}

/// redis-cli, with the password that is in that file; the value stays there.
pub(super) fn redis_cli(password: Option<&Secret>, words: &str) -> Command {
    let login = password.map(|secret| format!("REDISCLI_AUTH=<{} in {}> ", secret.key, secret.file));
    match login {
        None => Command::new(["redis-cli"].into_iter().chain(words.split(' '))),
        Some(login) => Command::shell(format!("{login}redis-cli {words}")),
    }
}

pub(super) fn postgres(door: Door<'_>, port: u16, user: &str) -> Answer<Reply> {
    let reply = converse(door, port, &postgres::startup(user), |received| {
        postgres::greeting(received).map(|greeting| greeting.map(Reply::Postgres))
    });
    let words = ["pg_isready", "-h", "127.0.0.1", "-p", &port.to_string(), "-U", user];
    Answer { command: Command::new(words), result: reply }
}

pub(super) fn mongo(door: Door<'_>, port: u16) -> Answer<Reply> {
    let reply =
        converse(door, port, &mongo::hello(), |received| mongo::answer(received).map(|hello| hello.map(Reply::Mongo)));
    let words = ["mongosh", "--quiet", "--port", &port.to_string(), "--eval", "db.hello()"];
    Answer { command: Command::new(words), result: reply }
}

/// Connects, sends, and reads until `understood` makes something of what came, all within the limit.
pub(super) fn converse(
    door: Door<'_>,
    port: u16,
    question: &[u8],
    understood: impl Fn(&[u8]) -> Option<Result<Reply, String>>,
) -> Result<Reply, Trouble> {
    let limit = door.limit();
    let talk = || -> io::Result<Result<Reply, String>> {
        let mut stream = net::tcp(door.system.local(port), Instant::now() + limit)?;
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
                return Ok(Err("says far too much".to_owned()));
            }
        }
    };
    match talk() {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(reason)) => Ok(Reply::Silent(reason)),
        Err(error) => silence(Shortage::of(&error), describe(&error, limit)),
    }
}

/// What it means that nothing came back: a shortage of opsctl's own says nothing of the service.
pub(super) fn silence(shortage: Option<Shortage>, reason: String) -> Result<Reply, Trouble> {
    shortage.map_or(Ok(Reply::Silent(reason)), |shortage| Err(Trouble::Shortage(shortage)))
}

/// An input/output error in an operator's words.
pub(super) fn describe(error: &io::Error, limit: Duration) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => no_answer(limit),
        ErrorKind::UnexpectedEof => "closed the connection without an answer".to_owned(),
        ErrorKind::ConnectionReset => "reset the connection".to_owned(),
        _ => error.to_string(),
    }
}

/// The deadline passed.
pub(super) fn no_answer(limit: Duration) -> String {
    format!("no answer in {:.1} s", limit.as_secs_f32())
}
