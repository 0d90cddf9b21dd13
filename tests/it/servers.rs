//! Services that are made up: each answers one connection after the other on its own thread.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A listening service, until it is dropped.
pub struct Server {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers every connection to `address`.
    pub fn start(address: SocketAddr, answer: impl Fn(&mut TcpStream) + Send + 'static) -> Self {
        let listener = bind(address).unwrap_or_else(|error| {
            panic!("{address}: {error} (does a program of this machine listen on that port of every address?)")
        });
        let over = Arc::new(AtomicBool::new(false));
        let seen = over.clone();
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                // A client that says nothing shall not keep the others waiting for ever.
                let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                answer(&mut stream);
            }
        });
        Server { address, over, thread: Some(thread) }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Listens. A child that another test starts holds every listener of this process until it has become its program, so that
/// an address that was given up a moment ago may still be taken.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let begun = Instant::now();
    loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && begun.elapsed() < Duration::from_secs(10) => {
                thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}

/// An HTTP service: status, type and body by path.
pub fn http(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> impl Fn(&mut TcpStream) + Send + 'static {
    move |stream| {
        let request = read_until(stream, |received| received.windows(4).any(|end| end == b"\r\n\r\n"));
        let request = String::from_utf8_lossy(&request);
        let path = request.split(' ').nth(1).unwrap_or_default();
        let (status, body) = answer(path);
        let head = format!("HTTP/1.1 {status} Stand-in\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        say(stream, format!("{head}{body}").as_bytes());
    }
}

/// The same answer to every request.
pub fn always(status: u16, body: &str) -> impl Fn(&mut TcpStream) + Send + 'static + use<> {
    let body = body.to_owned();
    http(move |_| (status, body.clone()))
}

/// A service that speaks first.
pub fn greets(line: &str) -> impl Fn(&mut TcpStream) + Send + 'static + use<> {
    let line = format!("{line}\r\n");
    move |stream| say(stream, line.as_bytes())
}

/// A service that answers whatever it is asked with these bytes.
pub fn replies(answer: Vec<u8>) -> impl Fn(&mut TcpStream) + Send + 'static {
    move |stream| {
        read_until(stream, |received| !received.is_empty());
        say(stream, &answer);
    }
}

/// A Redis that wants this password. It has its memory for the most part to itself, and nothing waits in its queues.
pub fn redis(password: &str) -> impl Fn(&mut TcpStream) + Send + 'static + use<> {
    const INFO: &str = "# Memory\r\nused_memory:1048576\r\nmaxmemory:1073741824\r\n# Persistence\r\nloading:0\r\n\
                        rdb_last_bgsave_status:ok\r\naof_last_write_status:ok\r\n# Stats\r\nevicted_keys:0\r\n";
    let login = format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{password}\r\n", password.len());
    move |stream| {
        let ends = [&b"PING\r\n"[..], b"INFO\r\n", b"export:prioritized\r\n"];
        let received = read_until(stream, |received| ends.iter().any(|end| received.ends_with(end)));
        if !received.starts_with(login.as_bytes()) {
            return say(stream, b"-NOAUTH Authentication required.\r\n");
        }
        match ends.iter().position(|end| received.ends_with(end)) {
            Some(0) => say(stream, b"+OK\r\n+PONG\r\n"),
            Some(1) => say(stream, format!("+OK\r\n${}\r\n{INFO}\r\n", INFO.len()).as_bytes()),
            _ => say(stream, format!("+OK\r\n{}", ":0\r\n".repeat(12)).as_bytes()),
        }
    }
}

/// MongoDB's answer to `hello` from a writable primary.
pub fn mongo_primary() -> Vec<u8> {
    let mut body = b"\x08isWritablePrimary\0\x01\x01ok\0".to_vec();
    body.extend_from_slice(&1.0_f64.to_le_bytes());
    body.push(0);
    let size = |count: usize| u32::try_from(count).unwrap().to_le_bytes();
    let mut message = size(16 + 4 + 1 + 4 + body.len()).to_vec();
    for field in [7, 1, 2013, 0] {
        message.extend_from_slice(&u32::to_le_bytes(field));
    }
    message.push(0);
    message.extend_from_slice(&size(4 + body.len()));
    message.extend_from_slice(&body);
    message
}

/// An edge that shows a certificate for these names, valid from 1 October 2026 for 90 days.
pub fn tls(names: &[&str]) -> impl Fn(&mut TcpStream) + Send + 'static + use<> {
    let config = Arc::new(tls_config(names));
    move |stream| {
        let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
        // The client hangs up as soon as it has seen the certificate.
        let _ = connection.complete_io(stream);
    }
}

/// An edge that speaks HTTP over TLS: status, further header lines and body by host and path.
pub fn https(
    names: &[&str],
    answer: impl Fn(&str, &str) -> (u16, String, String) + Send + 'static,
) -> impl Fn(&mut TcpStream) + Send + 'static {
    let config = Arc::new(tls_config(names));
    move |stream| {
        let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut stream = rustls::Stream::new(&mut connection, stream);
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                // It came for the certificate only.
                Ok(0) | Err(_) => return,
                Ok(count) => request.extend_from_slice(&buffer[..count]),
            }
        }
        let request = String::from_utf8_lossy(&request).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default();
        let host = request.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("host: ").map(str::to_owned));
        let (status, head, body) = answer(host.as_deref().unwrap_or_default(), path);
        let length = body.len();
        let told =
            format!("HTTP/1.1 {status} Stand-in\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        let _ = stream.write_all(told.as_bytes());
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
}

/// Who signs all certificates of [`tls`].
fn authority() -> &'static rcgen::CertifiedIssuer<'static, rcgen::KeyPair> {
    static AUTHORITY: OnceLock<rcgen::CertifiedIssuer<'static, rcgen::KeyPair>> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "stand-in authority");
        rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap()
    })
}

/// Its certificate, as hosts keep those that they trust.
pub fn authorities() -> String {
    use std::fmt::Write as _;
    let mut digits = String::new();
    for chunk in authority().der().chunks(3) {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits = chunk.iter().chain([&0, &0]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for place in 0..4 {
            let digit = ALPHABET[bits >> (18 - 6 * place) & 63] as char;
            write!(digits, "{}", if place > chunk.len() { '=' } else { digit }).unwrap();
        }
        if digits.lines().last().is_some_and(|line| line.len() == 64) {
            digits.push('\n');
        }
    }
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", digits.trim_end())
}

fn tls_config(names: &[&str]) -> rustls::ServerConfig {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 10, 1);
    params.not_after = rcgen::date_time_ymd(2026, 12, 30);
    params.distinguished_name.push(rcgen::DnType::CommonName, "stand-in edge");
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap()
}

pub fn read_until(stream: &mut TcpStream, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    while !enough(&received) {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => received.extend_from_slice(&buffer[..count]),
        }
    }
    received
}

/// That the client has gone is the client's affair.
pub fn say(stream: &mut TcpStream, words: &[u8]) {
    let _ = stream.write_all(words);
}
