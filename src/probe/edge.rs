//! What the edge of this host answers to visitors of one of its names: asked at its own address, whatever name servers say.
//! What is asked is no secret and what comes back is only read, so that a certificate that is not valid for the name, which
//! `status` tells of, is no reason not to look.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::{Answer, Trouble};
use crate::tools::Argv;
use crate::tools::nginx::page::{Endpoint, HEADER};

/// How much of a body is read.
const BODY_LIMIT: u64 = 8 << 10;

/// What the edge answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Status code.
    pub status: u16,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// Whether it says that it is our page.
    pub is_page: bool,
    /// Body, cut at 8 KiB: a page is shorter.
    pub body: String,
}

/// Asks for a path of a host. `loopback` stands for this host's addresses where the edge listens at all of them.
pub fn edge(endpoint: &Endpoint, loopback: std::net::IpAddr, path: &str, limit: Duration) -> Answer<Edge> {
    let Endpoint { host, port, tls, address, .. } = endpoint;
    let scheme = if *tls { "https" } else { "http" };
    let usual = matches!((tls, port), (true, 443) | (false, 80));
    let authority = if usual { host.clone() } else { format!("{host}:{port}") };
    let url = format!("{scheme}://{authority}{path}");
    let address = address.unwrap_or(loopback);
    let resolve = format!("{host}:{port}:{address}");
    let command = Argv::new("curl", ["-sSik", "-m", "3", "--resolve", &resolve, &url]).to_string();
    Answer { command, result: ask(&url, SocketAddr::new(address, *port), limit) }
}

fn ask(url: &str, address: SocketAddr, limit: Duration) -> Result<Edge, Trouble> {
    super::tls::install_crypto();
    let config = Agent::config_builder()
        .timeout_global(Some(limit))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .proxy(None)
        .user_agent(concat!("opsctl/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().disable_verification(true).build())
        .build();
    let agent = Agent::with_parts(config, DefaultConnector::default(), Here(address));
    let response = agent.get(url).call().map_err(|error| {
        let reason = || Trouble::Failed(super::http::reason(&error, limit));
        super::http::shortage(&error).map_or_else(reason, Trouble::Shortage)
    })?;
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (retry_after, is_page) = (header("retry-after"), header(HEADER).is_some());
    let status = response.status().as_u16();
    let mut body = Vec::new();
    // A body that breaks off is none the less an answer; that it is not the page shows in what came of it.
    let _ = response.into_body().into_reader().take(BODY_LIMIT).read_to_end(&mut body);
    Ok(Edge { status, retry_after, is_page, body: super::text(&body) })
}

/// Every name is here.
#[derive(Debug)]
struct Here(SocketAddr);

impl Resolver for Here {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}
