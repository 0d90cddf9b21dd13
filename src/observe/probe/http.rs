//! HTTP: one request of a probe, and JSON documents for services of this host.

use std::net::SocketAddr;
use std::time::Instant;

use super::{Answer, Door, Reply};
use crate::host::http::{Request, Silence, exchange};
use crate::host::tools::Argv;
use crate::host::tools::command::Command;
use crate::host::trouble::Trouble;
use crate::registry::{Http, Url};

/// How much of a body is read; health documents are far smaller.
const BODY_LIMIT: u64 = 64 << 10;

pub fn get(door: Door<'_>, probe: &Http) -> Answer<Reply> {
    get_at(door, probe, None)
}

/// The same at another address than that of the probe.
pub(super) fn get_at(door: Door<'_>, probe: &Http, at: Option<SocketAddr>) -> Answer<Reply> {
    let url = match super::url(door.system, &probe.url, at) {
        Ok(url) => url,
        Err(trouble) => return Answer { command: Command::default(), result: Err(trouble) },
    };
    let mut argv = Argv::new("curl", ["-sS", "-i", "-m", "3"]);
    if let Some(host) = probe.host {
        argv = argv.with(["-H".to_owned(), format!("Host: {host}")]);
    }
    let command = match &probe.url {
        Url::Local { .. } => argv.with([url.as_str()]).into(),
        // What stands in an env file stays there.
        Url::FromEnv(secret) => Command::shell(format!("{argv} \"$(sed -n 's/^{}=//p' {})\"", secret.key, secret.file)),
    };
    Answer { command, result: request(door, &url, probe.host) }
}

/// Sends a JSON document to a service of this host, or asks it with `GET` or `DELETE`; the status and the body of the answer.
///
/// # Errors
/// Why there is no answer.
pub fn send(method: &str, url: &str, body: &str, until: Instant) -> Result<(u16, String), Trouble> {
    let (headers, body): (&[_], _) = match method {
        "POST" => (&[("content-type", "application/json")], body),
        _ => (&[], ""),
    };
    whole(&Request { method, url, headers, body, most: BODY_LIMIT }, until).map_err(Trouble::from)
}

/// The status and the body of an answer, as much of it as is read.
fn whole(request: &Request<'_>, until: Instant) -> Result<(u16, String), Silence> {
    let answer = exchange(request, until)?;
    answer.broken.map_or(Ok((answer.status, answer.body)), Err)
}

fn request(door: Door<'_>, url: &str, host: Option<&str>) -> Result<Reply, Trouble> {
    let headers: Vec<(&str, &str)> = host.map(|host| ("host", host)).into_iter().collect();
    match whole(&Request { method: "GET", url, headers: &headers, body: "", most: BODY_LIMIT }, door.until()) {
        Ok((status, body)) => Ok(Reply::Http { status, body }),
        Err(Silence::Theirs(reason)) => Ok(Reply::Silent(reason)),
        Err(Silence::Ours(trouble)) => Err(trouble),
    }
}
