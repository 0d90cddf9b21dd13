//! The Docker engine over its own socket, as its client asks it: a `docker` process costs more than every other source of
//! `status` together. Where there is no socket at the usual place (rootless engines, podman, other contexts), the client
//! is asked, which knows where to look.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Answer, Door};
use crate::host::net::{self, Timed};
use crate::host::shortage::Shortage;
use crate::host::tools::command::Command;
use crate::host::tools::docker::{ContainerState, Listed};
use crate::host::tools::docker_engine;
use crate::host::tools::excerpt;
use crate::host::tools::history::Restart;
use crate::host::trouble::Trouble;

/// The most that is read of one answer.
const LIMIT: u64 = 8 << 20;
/// The most that is read of an answer's head.
const HEAD_LIMIT: usize = 64 << 10;

/// The socket, where there is one.
pub(super) fn socket(door: Door<'_>) -> Option<PathBuf> {
    door.system.exists(docker_engine::SOCKET).then(|| door.system.path(docker_engine::SOCKET))
}

/// All containers.
pub(super) fn list(door: Door<'_>, socket: &Path) -> Answer<Vec<Listed>> {
    let limit = door.limit();
    let result =
        get(socket, docker_engine::API_LIST, Instant::now() + limit, limit).and_then(|(status, body)| match status {
            200 => Ok(docker_engine::parse_api_list(&body)?),
            _ => Err(refusal(status, &body)),
        });
    Answer { command: Command::new(["docker", "ps", "--all"]), result }
}

/// Details of those of these containers that exist.
pub(super) fn inspect<'a>(
    door: Door<'_>,
    socket: &Path,
    containers: impl Iterator<Item = &'a str>,
) -> Answer<Vec<ContainerState>> {
    let names: Vec<&str> = containers.collect();
    // Of all of them together.
    let limit = door.limit();
    let until = Instant::now() + limit;
    let one = |name: &&str| match get(socket, &docker_engine::api_container(name), until, limit) {
        Ok((200, body)) => docker_engine::parse_api_container(&body).map(Some).map_err(Trouble::from),
        Ok((404, _)) => Ok(None),
        Ok((status, body)) => Err(refusal(status, &body)),
        Err(trouble) => Err(trouble),
    };
    let found: Result<Vec<Option<ContainerState>>, Trouble> = names.iter().map(one).collect();
    let command = Command::new(["docker", "inspect"].into_iter().chain(names));
    Answer { command, result: found.map(|found| found.into_iter().flatten().collect()) }
}

/// Whatever else the engine answers to a path; `None` where it has no socket at the usual place.
pub fn engine_get(door: Door<'_>, path: &str) -> Result<Option<String>, Trouble> {
    let Some(socket) = socket(door) else { return Ok(None) };
    let limit = door.limit();
    match get(&socket, path, Instant::now() + limit, limit)? {
        (200, body) => Ok(Some(body)),
        (status, body) => Err(refusal(status, &body)),
    }
}

/// When containers ended, by their ids, as far back as the engine remembers.
pub(super) fn events(
    door: Door<'_>,
    socket: &Path,
    until: Timestamp,
) -> Result<BTreeMap<String, Vec<Restart>>, Trouble> {
    let limit = door.limit();
    let (status, body) = get(socket, &docker_engine::api_events(until), Instant::now() + limit, limit)?;
    match status {
        200 => Ok(docker_engine::parse_events(&body)?),
        _ => Err(refusal(status, &body)),
    }
}

fn refusal(status: u16, body: &str) -> Trouble {
    Trouble::Failed(format!("the docker engine answers {status}: {}", excerpt(body)))
}

/// Until when the engine is not asked.
static GIVEN_UP: Mutex<Option<Instant>> = Mutex::new(None);

/// It did not answer: until then nobody waits for it again, however often something of it is wanted.
pub(super) fn give_up(until: Instant) {
    *GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
}

/// Sends one request. HTTP/1.0, so that the engine ends its answer by closing.
fn request(socket: &Path, path: &str, until: Instant) -> io::Result<Timed<UnixStream>> {
    if GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until) {
        return Err(ErrorKind::TimedOut.into());
    }
    let mut stream = net::unix(socket, until)?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n").as_bytes())?;
    Ok(stream)
}

fn trouble(error: &io::Error, limit: Duration) -> Trouble {
    if let Some(shortage) = Shortage::of(error) {
        return Trouble::Shortage(shortage);
    }
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Trouble::TimedOut(limit),
        ErrorKind::PermissionDenied => {
            Trouble::NeedsRoot("or membership of the group docker, to ask the docker engine")
        }
        ErrorKind::ConnectionRefused => Trouble::Unavailable("the docker engine is not running".to_owned()),
        ErrorKind::InvalidData => no_http(),
        ErrorKind::UnexpectedEof => Trouble::Failed("the docker engine's answer broke off".to_owned()),
        _ => Trouble::Failed(format!("{}: {error}", docker_engine::SOCKET)),
    }
}

/// A container that was removed meanwhile.
pub(super) fn gone() -> Trouble {
    Trouble::Unavailable("the container was removed".to_owned())
}

pub(super) fn status_of(head: &str) -> Option<u16> {
    head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
}

fn no_http() -> Trouble {
    Trouble::Failed(format!("{} does not speak HTTP", docker_engine::SOCKET))
}

/// How long the body is that follows this head, where that is said.
fn length_of(head: &str) -> Option<usize> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, length) = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    length.trim().parse().ok()
}

/// All that is read of a head, for the fuzz target.
#[cfg(any(test, feature = "fuzzing"))]
pub fn parse_head(head: &str) -> (Option<u16>, Option<usize>) {
    (status_of(head), length_of(head))
}

/// One request and the whole answer, until the deadline.
fn get(socket: &Path, path: &str, until: Instant, limit: Duration) -> Result<(u16, String), Trouble> {
    let talk = || -> io::Result<(String, Vec<u8>)> {
        let mut answer = BufReader::new(request(socket, path, until)?);
        let head = read_head(&mut answer)?;
        let length = length_of(&head);
        let mut body = Vec::new();
        // No more than was announced: whoever leaves the connection open is none the less done.
        let most = length.map_or(LIMIT, |length| LIMIT.min(length as u64));
        answer.take(most).read_to_end(&mut body)?;
        match length.is_some_and(|length| body.len() < length && (body.len() as u64) < LIMIT) {
            true => Err(ErrorKind::UnexpectedEof.into()),
            false => Ok((head, body)),
        }
    };
    let (head, body) = talk().map_err(|error| trouble(&error, limit))?;
    Ok((status_of(&head).ok_or_else(no_http)?, super::text(&body)))
}

/// Reads to the end of the head.
fn read_head(answer: &mut BufReader<Timed<UnixStream>>) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let left = (HEAD_LIMIT - head.len()) as u64;
        if answer.take(left).read_until(b'\n', &mut head)? == 0 {
            return Err(ErrorKind::InvalidData.into());
        }
    }
    Ok(super::text(&head))
}

/// One request whose answer is read as it comes. The door's limit is for the answer's beginning; `silence` for each kilobyte
/// of what follows, and none is for ever.
pub(super) fn open(
    door: Door<'_>,
    socket: &Path,
    path: &str,
    silence: Option<Duration>,
) -> Result<BufReader<Timed<UnixStream>>, Trouble> {
    let limit = door.limit();
    let fail = |error: io::Error| trouble(&error, limit);
    let mut answer = BufReader::new(request(socket, path, Instant::now() + limit).map_err(fail)?);
    let head = read_head(&mut answer).map_err(fail)?;
    match status_of(&head) {
        Some(200) => {
            answer.get_mut().paced(silence);
            Ok(answer)
        }
        // Between two containers of a name there is none, or one that is on its way out.
        Some(404 | 409) => Err(gone()),
        Some(status) => {
            let mut body = Vec::new();
            // What it says beside the number is a courtesy.
            let _ = answer.take(1024).read_to_end(&mut body);
            Err(refusal(status, &super::text(&body)))
        }
        None => Err(no_http()),
    }
}
