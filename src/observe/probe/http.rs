//! HTTP: one request, no redirects, no proxy, everything within the deadline.

use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::{Answer, Door, Reply};
use crate::host::net;
use crate::host::shortage::Shortage;
use crate::host::tools::command::Command;
use crate::host::tools::{Argv, excerpt};
use crate::host::trouble::Trouble;
use crate::program;
use crate::registry::{Http, Url};

/// How much of a body is read; health documents are far smaller.
const BODY_LIMIT: u64 = 64 << 10;

/// Enough for the head of any answer; the library's own buffers are sized for downloads.
const BUFFER: usize = 16 << 10;

/// How many addresses of a name are tried, as many as the library has room for.
const ADDRESSES: usize = 16;

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
    let limit = until.saturating_duration_since(Instant::now());
    let agent = agent(url, until, limit)?;
    let request = agent.post(url).content_type("application/json");
    let answer = match method {
        "POST" => request.send(body),
        "DELETE" => agent.delete(url).call(),
        _ => agent.get(url).call(),
    };
    let answer = answer.and_then(|response| {
        let status = response.status().as_u16();
        let mut body = Vec::new();
        response.into_body().into_reader().take(BODY_LIMIT).read_to_end(&mut body)?;
        Ok((status, super::text(&body)))
    });
    answer.map_err(|error| match shortage(&error) {
        Some(shortage) => Trouble::Shortage(shortage),
        None => Trouble::Failed(reason_at(url, &error, limit)),
    })
}

/// What makes requests that end at one moment.
fn agent(url: &str, until: Instant, limit: Duration) -> Result<Agent, Trouble> {
    let mut config = Agent::config_builder()
        .timeout_global(Some(limit))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .input_buffer_size(BUFFER)
        .output_buffer_size(BUFFER)
        .proxy(None)
        .user_agent(program::USER_AGENT);
    if url.starts_with("https:") {
        config = config.tls_config(TlsConfig::builder().root_certs(roots()?).build());
    }
    Ok(Agent::with_parts(config.build(), DefaultConnector::default(), Timely(until)))
}

fn request(door: Door<'_>, url: &str, host: Option<&str>) -> Result<Reply, Trouble> {
    let until = door.until();
    let limit = until.saturating_duration_since(Instant::now());
    let mut request = agent(url, until, limit)?.get(url);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    let answer = request.call().and_then(|response| {
        let status = response.status().as_u16();
        let mut body = Vec::new();
        response.into_body().into_reader().take(BODY_LIMIT).read_to_end(&mut body)?;
        Ok(Reply::Http { status, body: super::text(&body) })
    });
    answer.or_else(|error| super::network::silence(shortage(&error), reason_at(url, &error, limit)))
}

/// Resolves names by the system's resolver, which by itself knows no deadline.
#[derive(Debug)]
struct Timely(Instant);

impl Resolver for Timely {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let found = match net::resolve(uri.host().unwrap_or_default(), port, self.0) {
            Err(error) if error.kind() == ErrorKind::TimedOut || Shortage::of_start(&error).is_some() => {
                return Err(error.into());
            }
            // What the resolver says is for programmers.
            other => other.unwrap_or_default(),
        };
        let mut addresses = self.empty();
        found.into_iter().take(ADDRESSES).for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(addresses) }
    }
}

/// The system's certificate authorities: the files of the distribution, not those that a caller's environment names.
fn roots() -> Result<RootCerts, Trouble> {
    static ROOTS: OnceLock<Vec<Certificate<'static>>> = OnceLock::new();
    super::tls::install_crypto();
    let roots = ROOTS.get_or_init(|| {
        let bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
        let load = |bundle: &&str| rustls_native_certs::load_certs_from_paths(Some((*bundle).as_ref()), None).certs;
        let certificates = bundles.iter().map(load).find(|found| !found.is_empty()).unwrap_or_default();
        certificates.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
    });
    if roots.is_empty() {
        return Err(Trouble::Unavailable("no certificate authorities are installed (package ca-certificates)".into()));
    }
    Ok(RootCerts::new_with_certs(roots))
}

/// What opsctl itself lacked for it.
pub(super) fn shortage(error: &ureq::Error) -> Option<Shortage> {
    match error {
        // To be tried again is what a thread was told that was to look a name up; a deadline of a socket has its own error.
        ureq::Error::Io(error) => Shortage::of_start(error),
        _ => None,
    }
}

/// The same, with the name of the host where that is at fault: a name is no secret, whatever else a URL holds.
fn reason_at(url: &str, error: &ureq::Error, limit: Duration) -> String {
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    match (error, host.filter(|host| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)))) {
        (ureq::Error::HostNotFound, Some(host)) => format!("its name {host} cannot be resolved"),
        (_, _) => reason(error, limit),
    }
}

pub(super) fn reason(error: &ureq::Error, limit: Duration) -> String {
    match error {
        ureq::Error::Io(error) => super::network::describe(error, limit),
        ureq::Error::Timeout(_) => super::network::no_answer(limit),
        ureq::Error::HostNotFound => "its name cannot be resolved".to_owned(),
        other => excerpt(&other.to_string()),
    }
}
