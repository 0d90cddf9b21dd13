//! Who speaks HTTP, and reports its health: asked of each main port once.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use super::{Found, FoundService, Protocol};
use crate::host::threads::{join, task};
use crate::observe::probe::{Door, Reply, ask_again};
use crate::registry::{Http, Probe};

/// Path at which a service reports its health, where it has one.
pub(super) const HEALTH: &str = "/health";

/// Finds out who speaks HTTP, and whether it reports its health: one request to each main port of which nothing is known yet,
/// all at once.
pub fn add_answers(door: Door<'_>, found: &mut Found) {
    const PATIENCE: Duration = Duration::from_millis(800);
    // Each question is a thread.
    const MOST: usize = 64;
    let port = |one: &FoundService| one.ports().first().copied().filter(|_| one.protocol.is_none());
    // Of several at one port one answers.
    let mut wanted: BTreeMap<u16, Vec<&mut FoundService>> = BTreeMap::new();
    for (port, one) in found.services.iter_mut().filter_map(|one| Some((port(one)?, one))) {
        wanted.entry(port).or_default().push(one);
    }
    thread::scope(|scope| {
        let ask = |port: u16| {
            let probe = Probe::Http(Http::get(port, HEALTH, &[]));
            ask_again(door.within(PATIENCE), &probe).map(|answer| answer.result)
        };
        let asked: Vec<_> =
            wanted.into_iter().take(MOST).map(|(port, all)| (all, task(scope, move || ask(port)))).collect();
        for (all, answer) in asked {
            let Some(Ok(Reply::Http { status, body })) = join(answer) else { continue };
            let health = status == 200 && is_report(&body);
            for one in all {
                one.protocol = Some(Protocol::Http { health });
            }
        }
    });
}

/// Whether a body reports health: a document, or a word. A page that is given for every path does not.
fn is_report(body: &str) -> bool {
    const WORD: usize = 16;
    let body = body.trim();
    (!body.is_empty() && body.len() <= WORD && !body.contains('<'))
        || serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::discover::FoundManager;
    use crate::host::exec::Processes;
    use crate::host::system::System;

    /// A service that gives one answer to each connection, and its listener.
    fn server(answer: &'static str) -> (FoundService, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taking = listener.try_clone().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = taking.accept().unwrap();
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let answer = if request[0].starts_with("GET /health ") { answer } else { "" };
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let unit = FoundManager::Unit("x.service".to_owned());
        (FoundService { listens: vec![address], ..FoundService::new("x", unit) }, listener)
    }

    #[test]
    fn one_request_says_who_speaks_http_and_reports_its_health() {
        let cases = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}", Some(true)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Some(true)),
            // A page for every path.
            ("HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n<!doctype html><html></html>", Some(false)),
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", Some(false)),
            ("220 mail.example ESMTP\r\n", None),
        ];
        let (services, listeners): (Vec<_>, Vec<_>) = cases.iter().map(|(answer, _)| server(answer)).unzip();
        // Two at one port share the answer.
        let shared = services[0].clone();
        let mut found = Found { services, ..Found::default() };
        found.services.push(shared);
        let system = System::real();
        add_answers(Door::new(&system, &Processes::new(&system, None), Duration::from_secs(20)), &mut found);
        assert_eq!(found.services.pop().unwrap().protocol, Some(Protocol::Http { health: true }));
        for ((one, (answer, wanted)), listener) in found.services.iter().zip(cases).zip(listeners) {
            assert_eq!(one.protocol, wanted.map(|health| Protocol::Http { health }), "{answer}");
            // No second connection waits.
            listener.set_nonblocking(true).unwrap();
            assert!(listener.accept().is_err(), "{answer}");
        }
    }
}
