//! HTTP: one request, no redirects, no proxy, everything within the deadline, names by the system's resolver, certificates by the
//! system's authorities.

use std::io::{ErrorKind, Read};
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use ureq::config::Config;
use ureq::http::{self, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use crate::host::net;
use crate::host::shortage::Shortage;
use crate::host::tools::excerpt;
use crate::host::trouble::Trouble;
use crate::program;

/// Enough for the head of any answer; the library's own buffers are sized for downloads.
const BUFFER: usize = 16 << 10;

/// How many addresses of a name are tried, as many as the library has room for.
const ADDRESSES: usize = 16;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `GET`, `POST`, `DELETE`.
    pub method: &'a str,
    /// Where; `http` or `https`. No error quotes it, because addresses can hold secrets.
    pub url: &'a str,
    /// Headers beyond those that every request has.
    pub headers: &'a [(&'a str, &'a str)],
    /// What is sent; nothing with `GET` and `DELETE`.
    pub body: &'a str,
    /// How much of the body of an answer is read, bytes.
    pub most: u64,
}

/// What came back. The status decides; of a body that breaks off it has what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// `Retry-After`, as it was sent.
    pub retry_after: Option<String>,
    /// The beginning of the body.
    pub body: String,
    /// Why the body is not whole.
    pub broken: Option<Silence>,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// The other side, or the way to it; in words.
    Theirs(String),
    /// What opsctl itself lacked, which is no matter of the other side.
    Ours(Trouble),
}

impl From<Silence> for Trouble {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Theirs(reason) => Trouble::Failed(reason),
            Silence::Ours(trouble) => trouble,
        }
    }
}

impl Silence {
    fn of(error: &ureq::Error, host: &str, limit: Duration) -> Self {
        let is_plain = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        match (shortage(error), error) {
            (Some(shortage), _) => Silence::Ours(Trouble::Shortage(shortage)),
            // A name is no secret, whatever else an address holds.
            (None, ureq::Error::HostNotFound) if is_plain(host) => {
                Silence::Theirs(format!("its name {host} cannot be resolved"))
            }
            (None, error) => Silence::Theirs(reason(error, limit)),
        }
    }
}

/// Sends a request, and reads its answer; all of it ends at `until`.
///
/// # Errors
/// When no status came back.
pub fn exchange(request: &Request<'_>, until: Instant) -> Result<Answer, Silence> {
    let limit = until.saturating_duration_since(Instant::now());
    let (uri, host) =
        address(request.url).ok_or_else(|| Silence::Theirs("its address is not an http or https URL".into()))?;
    let agent = agent(&uri, until, limit)?;
    let mut asked = http::Request::builder().method(request.method).uri(uri);
    for (name, value) in request.headers {
        asked = asked.header(*name, *value);
    }
    let sent = match request.method {
        "GET" | "DELETE" => asked.body(()).map_err(ureq::Error::from).and_then(|asked| agent.run(asked)),
        _ => asked.body(request.body).map_err(ureq::Error::from).and_then(|asked| agent.run(asked)),
    };
    let response = sent.map_err(|error| Silence::of(&error, &host, limit))?;
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    let (body, broken) = read(response.into_body(), request.most);
    let broken = broken.map(|error| Silence::of(&error.into(), &host, limit));
    Ok(Answer { status, retry_after, body, broken })
}

fn read(body: Body, most: u64) -> (String, Option<std::io::Error>) {
    let mut bytes = Vec::new();
    let broken = body.into_reader().take(most).read_to_end(&mut bytes).err();
    (String::from_utf8_lossy(&bytes).into_owned(), broken)
}

/// A URL that can be asked, and its host.
pub fn address(url: &str) -> Option<(Uri, String)> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?.to_owned();
    matches!(uri.scheme_str(), Some("http" | "https")).then_some((uri, host))
}

/// What makes requests that end at one moment.
fn agent(uri: &Uri, until: Instant, limit: Duration) -> Result<Agent, Silence> {
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
    if uri.scheme_str() == Some("https") {
        config = config.tls_config(TlsConfig::builder().root_certs(roots()?).build());
    }
    Ok(Agent::with_parts(config.build(), DefaultConnector::default(), Timely(until)))
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

/// Makes ring the process's cryptography, once.
fn install_crypto() {
    static ONCE: Once = Once::new();
    // An error means that it is installed already.
    ONCE.call_once(|| drop(ring::default_provider().install_default()));
}

/// The system's certificate authorities: the files of the distribution, not those that a caller's environment names.
fn roots() -> Result<RootCerts, Silence> {
    static ROOTS: OnceLock<Vec<Certificate<'static>>> = OnceLock::new();
    install_crypto();
    let roots = ROOTS.get_or_init(|| {
        let bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
        let load = |bundle: &&str| rustls_native_certs::load_certs_from_paths(Some((*bundle).as_ref()), None).certs;
        let certificates = bundles.iter().map(load).find(|found| !found.is_empty()).unwrap_or_default();
        certificates.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
    });
    match roots.is_empty() {
        true => {
            let why = "no certificate authorities are installed (package ca-certificates)";
            Err(Silence::Ours(Trouble::Unavailable(why.into())))
        }
        false => Ok(RootCerts::new_with_certs(roots)),
    }
}

/// What opsctl itself lacked for it.
pub fn shortage(error: &ureq::Error) -> Option<Shortage> {
    match error {
        // A thread that was to resolve a name could not be started (EAGAIN); a deadline of a socket has its own error.
        ureq::Error::Io(error) => Shortage::of_start(error),
        _ => None,
    }
}

/// Why there is no answer, in words that quote no address.
pub fn reason(error: &ureq::Error, limit: Duration) -> String {
    match error {
        ureq::Error::Io(error) => net::describe(error, limit),
        ureq::Error::Timeout(_) => net::no_answer(limit),
        ureq::Error::HostNotFound => "its name cannot be resolved".to_owned(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::RequireHttpsOnly(_) => {
            "its address or a header of the request is malformed".to_owned()
        }
        other => excerpt(&other.to_string()),
    }
}
