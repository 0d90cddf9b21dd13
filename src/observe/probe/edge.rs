//! What the edge of this host answers to visitors of one of its names: asked at its own address, whatever name servers say.
//! What is asked is no secret and what comes back is only read, so that a certificate that is not valid for the name, which
//! `status` tells of, is no reason not to look.

use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector, NextTimeout, TcpConnector};

mod secured;

use self::secured::Secured;
use super::Answer;
use super::tls::{self, Chain};
use crate::host::http;
use crate::host::tools::command::Command;
use crate::host::tools::nginx::page::{Endpoint, HEADER};
use crate::host::trouble::Trouble;
use crate::program;

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
pub fn edge(endpoint: &Endpoint, loopback: IpAddr, path: &str, limit: Duration) -> Answer<Edge> {
    visit(endpoint, loopback, path, limit).0
}

/// The same, and the certificates that it showed.
pub(super) fn visit(
    endpoint: &Endpoint,
    loopback: IpAddr,
    path: &str,
    limit: Duration,
) -> (Answer<Edge>, Option<Chain>) {
    let Endpoint { host, port, tls, address, .. } = endpoint;
    let scheme = if *tls { "https" } else { "http" };
    let usual = matches!((tls, port), (true, 443) | (false, 80));
    let authority = if usual { host.clone() } else { format!("{host}:{port}") };
    let url = format!("{scheme}://{authority}{path}");
    let address = address.unwrap_or(loopback);
    let resolve = format!("{host}:{port}:{address}");
    let command = Command::new(["curl", "-sSik", "-m", "3", "--resolve", &resolve, &url]);
    let (result, chain) = match tls::Client::new() {
        Ok(client) => (ask(&url, SocketAddr::new(address, *port), limit, &client), client.shown()),
        Err(error) => (Err(Trouble::Failed(error.to_string())), None),
    };
    (Answer { command, result }, chain)
}

fn ask(url: &str, address: SocketAddr, limit: Duration, client: &tls::Client) -> Result<Edge, Trouble> {
    let config = Agent::config_builder()
        .timeout_global(Some(limit))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .proxy(None)
        .user_agent(program::USER_AGENT)
        .build();
    let connector = TcpConnector::default().chain(Secured(client.config.clone()));
    let agent = Agent::with_parts(config, connector, Here(address));
    let response = agent.get(url).call().map_err(|error| {
        let reason = || Trouble::Failed(http::reason(&error, limit));
        http::shortage(&error).map_or_else(reason, Trouble::Shortage)
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    /// How long each of them would go on.
    const HANG: Duration = Duration::from_secs(20);

    /// Begins with `first`, then says `again` with a pause, over and over.
    fn endless(first: &'static [u8], again: &'static [u8], pause: u64) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(first);
            let begun = Instant::now();
            while begun.elapsed() < HANG && stream.write_all(again).is_ok() {
                std::thread::sleep(Duration::from_millis(pause));
            }
        });
        address
    }

    #[test]
    fn an_edge_that_never_ends_its_answer_is_not_waited_for() {
        let begun = Instant::now();
        let client = tls::Client::new().unwrap();
        let ask = |url: &str, address| ask(url, address, Duration::from_millis(500), &client);
        let late = |url: &str, address| ask(url, address).unwrap_err();
        // A record of TLS whose end does not come.
        let record = endless(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", b"\0", 20);
        assert_eq!(late("https://site.test/", record).to_string(), "no answer in 0.5 s");
        let head = endless(b"HTTP/1.1 200 OK\r\n", b"X", 20);
        assert_eq!(late("http://site.test/", head).to_string(), "no answer in 0.5 s");
        let lines = endless(b"HTTP/1.1 200 OK\r\n", b"X-Never: enough\r\n", 0);
        assert_ne!(late("http://site.test/", lines).to_string(), "");
        // Of a body that goes on for ever, what came until then is read.
        for body in [&b"Transfer-Encoding: chunked\r\n\r\n"[..], b"Content-Length: 100000\r\n\r\n"] {
            let first = [b"HTTP/1.1 200 OK\r\n", body].concat().leak();
            let edge = ask("http://site.test/", endless(first, b"1\r\n \r\n", 20)).unwrap();
            assert_eq!(edge.status, 200);
            assert!(!edge.body.is_empty());
        }
        assert!(begun.elapsed() < HANG);
    }
}
