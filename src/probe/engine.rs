//! The Docker engine over its own socket, as its client asks it: a `docker` process costs more than every other source of
//! `status` together. Where there is no socket at the usual place (rootless engines, podman, other contexts), the client
//! is asked, which knows where to look.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Instant;

use super::{Answer, Door, Trouble};
use crate::tools::docker::{self, ContainerState, Listed};
use crate::tools::excerpt;

/// The most that is read of one answer.
const LIMIT: u64 = 8 << 20;

/// The socket, where there is one.
pub(super) fn socket(door: Door<'_>) -> Option<PathBuf> {
    Some(door.system.path(docker::SOCKET)).filter(|socket| socket.exists())
}

/// All containers.
pub(super) fn list(door: Door<'_>, socket: &PathBuf) -> Answer<Vec<Listed>> {
    let result = get(door, socket, docker::API_LIST).and_then(|(status, body)| match status {
        200 => Ok(docker::parse_api_list(&body)?),
        _ => Err(refusal(status, &body)),
    });
    Answer { command: "docker ps --all".to_owned(), result }
}

/// Details of those of these containers that exist.
pub(super) fn inspect<'a>(
    door: Door<'_>,
    socket: &PathBuf,
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

/// One request. HTTP/1.0, so that the engine ends its answer by closing.
fn get(door: Door<'_>, socket: &PathBuf, path: &str) -> Result<(u16, String), Trouble> {
    let until = Instant::now() + door.limit;
    let talk = || -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_write_timeout(Some(door.limit))?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n").as_bytes())?;
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
    let received = talk().map_err(|error| match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Trouble::TimedOut(door.limit),
        ErrorKind::PermissionDenied => {
            Trouble::NeedsRoot("or membership of the group docker, to ask the docker engine")
        }
        ErrorKind::ConnectionRefused => Trouble::Unavailable("the docker engine is not running".to_owned()),
        _ => Trouble::Failed(format!("{}: {error}", docker::SOCKET)),
    })?;
    let text = super::text(&received);
    let head_and_body = text.split_once("\r\n\r\n");
    let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    match (status, head_and_body) {
        (Some(status), Some((_, body))) => Ok((status, body.to_owned())),
        _ => Err(Trouble::Failed(format!("{} does not speak HTTP", docker::SOCKET))),
    }
}
