//! The Docker engine over its own socket, as its client asks it: a `docker` process costs more than every other source of
//! `status` together. Where there is no socket at the usual place (rootless engines, podman, other contexts), the client
//! is asked, which knows where to look.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Answer, Door, Trouble};
use crate::tools::docker::{self, ContainerState, Listed};
use crate::tools::excerpt;

/// The most that is read of one answer.
const LIMIT: u64 = 8 << 20;

/// The socket, where there is one.
pub(super) fn socket(door: Door<'_>) -> Option<PathBuf> {
    door.system.exists(docker::SOCKET).then(|| door.system.path(docker::SOCKET))
}

/// All containers.
pub(super) fn list(door: Door<'_>, socket: &Path) -> Answer<Vec<Listed>> {
    let result = get(door, socket, docker::API_LIST).and_then(|(status, body)| match status {
        200 => Ok(docker::parse_api_list(&body)?),
        _ => Err(refusal(status, &body)),
    });
    Answer { command: "docker ps --all".to_owned(), result }
}

/// Details of those of these containers that exist.
pub(super) fn inspect<'a>(
    door: Door<'_>,
    socket: &Path,
    containers: impl Iterator<Item = &'a str>,
) -> Answer<Vec<ContainerState>> {
    let names: Vec<&str> = containers.collect();
    let one = |name: &&str| match get(door, socket, &docker::api_container(name)) {
        Ok((200, body)) => docker::parse_api_container(&body).map(Some).map_err(Trouble::from),
        Ok((404, _)) => Ok(None),
        Ok((status, body)) => Err(refusal(status, &body)),
        Err(trouble) => Err(trouble),
    };
    let found: Result<Vec<Option<ContainerState>>, Trouble> = names.iter().map(one).collect();
    let command = format!("docker inspect {}", names.join(" "));
    Answer { command, result: found.map(|found| found.into_iter().flatten().collect()) }
}

fn refusal(status: u16, body: &str) -> Trouble {
    Trouble::Failed(format!("the docker engine answers {status}: {}", excerpt(body)))
}

/// Sends one request. HTTP/1.0, so that the engine ends its answer by closing.
fn request(socket: &Path, path: &str, limit: Duration) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_write_timeout(Some(limit))?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n").as_bytes())?;
    Ok(stream)
}

fn trouble(error: &io::Error, limit: Duration) -> Trouble {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Trouble::TimedOut(limit),
        ErrorKind::PermissionDenied => {
            Trouble::NeedsRoot("or membership of the group docker, to ask the docker engine")
        }
        ErrorKind::ConnectionRefused => Trouble::Unavailable("the docker engine is not running".to_owned()),
        _ => Trouble::Failed(format!("{}: {error}", docker::SOCKET)),
    }
}

/// A container that was removed meanwhile.
pub(super) fn gone() -> Trouble {
    Trouble::Unavailable("the container was removed".to_owned())
}

pub fn status_of(head: &str) -> Option<u16> {
    head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
}

fn no_http() -> Trouble {
    Trouble::Failed(format!("{} does not speak HTTP", docker::SOCKET))
}

/// One request and the whole answer.
fn get(door: Door<'_>, socket: &Path, path: &str) -> Result<(u16, String), Trouble> {
    let until = Instant::now() + door.limit;
    let talk = || -> io::Result<Vec<u8>> {
        let mut stream = request(socket, path, door.limit)?;
        let mut received = Vec::new();
        let mut buffer = [0; 16 << 10];
        while (received.len() as u64) < LIMIT {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            stream.set_read_timeout(Some(left))?;
            match stream.read(&mut buffer)? {
                0 => break,
                count => received.extend_from_slice(&buffer[..count]),
            }
        }
        Ok(received)
    };
    let received = talk().map_err(|error| trouble(&error, door.limit))?;
    let text = super::text(&received);
    match (status_of(&text), text.split_once("\r\n\r\n")) {
        (Some(status), Some((_, body))) => Ok((status, body.to_owned())),
        _ => Err(no_http()),
    }
}

/// One request whose answer is read as it comes. `limit` is for the answer's beginning; `silence` for all that follows, and
/// none is for ever.
pub(super) fn open(
    socket: &Path,
    path: &str,
    limit: Duration,
    silence: Option<Duration>,
) -> Result<BufReader<UnixStream>, Trouble> {
    let fail = |error: io::Error| trouble(&error, limit);
    let mut answer = BufReader::new(request(socket, path, limit).map_err(fail)?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match (&mut answer).take(LIMIT).read_line(&mut head).map_err(fail)? {
            0 => return Err(no_http()),
            _ if head.len() as u64 > LIMIT => return Err(no_http()),
            _ => {}
        }
    }
    match status_of(&head) {
        Some(200) => {
            answer.get_ref().set_read_timeout(silence).map_err(fail)?;
            Ok(answer)
        }
        // Between two containers of a name there is none, or one that is on its way out.
        Some(404 | 409) => Err(gone()),
        Some(status) => {
            let mut body = String::new();
            // What it says beside the number is a courtesy.
            let _ = answer.take(1024).read_to_string(&mut body);
            Err(refusal(status, &body))
        }
        None => Err(no_http()),
    }
}
