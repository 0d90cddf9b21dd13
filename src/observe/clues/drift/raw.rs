//! A request to this host in its plainest form: whole answers of any form and length up to a bound, which the probes' own
//! requests cut at 64 KiB.

use std::io::{Read, Write};
use std::time::Instant;

use crate::host::net;
use crate::host::shortage::Shortage;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Door, text};

/// The most that is read.
const LIMIT: u64 = 4 << 20;

/// Status and body of what a port of this host answers to a GET; `None` where nobody listens there.
pub(super) fn get(door: Door<'_>, port: u16, host: &str, path: &str) -> Result<Option<(u16, String)>, Trouble> {
    let until = Instant::now() + door.limit();
    let failed = |error: &std::io::Error| match Shortage::of(error) {
        Some(shortage) => Trouble::Shortage(shortage),
        None => Trouble::Failed(format!(":{port}: {error}")),
    };
    let mut stream = match net::tcp(door.system.local(port), until) {
        Ok(stream) => stream,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: opsctl/{}\r\nAccept: */*\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    );
    let mut answer = Vec::new();
    stream.write_all(request.as_bytes()).map_err(|error| failed(&error))?;
    stream.take(LIMIT).read_to_end(&mut answer).map_err(|error| failed(&error))?;
    parse(&answer).map(Some).ok_or_else(|| Trouble::Failed(format!(":{port}: its answer is not HTTP")))
}

fn parse(answer: &[u8]) -> Option<(u16, String)> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = text(&answer[..end]);
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, text(&answer[end + 4..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_apart() {
        assert_eq!(parse(b"HTTP/1.0 502 Bad Gateway\r\nA: b\r\n\r\n{}\r\n\r\n"), Some((502, "{}\r\n\r\n".to_owned())));
        for nonsense in [&b""[..], b"HTTP/1.0 502", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 x y\r\n\r\n"] {
            assert_eq!(parse(nonsense), None);
        }
    }
}
