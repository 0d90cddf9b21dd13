use std::io::BufRead;
use std::net::TcpListener;
use std::thread;

use super::super::is_late;
use super::*;
use crate::host::tools::command::Command;

/// How long a stand-in would go on, and how long is waited for one that answers.
const HANG: Duration = Duration::from_secs(20);
/// How long is waited for one that does not.
const SOON: Duration = Duration::from_millis(300);
/// After how long the tables are read.
const WAIT: Duration = Duration::from_millis(30);

fn listener(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Takes one connection and does `with` it.
fn server(with: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let (listener, address) = listener("127.0.0.1:0");
    thread::spawn(move || with(listener.accept().unwrap().0));
    address
}

/// Reads the request to its end.
fn request(stream: &TcpStream) -> Vec<String> {
    let lines = io::BufReader::new(stream).lines().map(Result::unwrap);
    lines.take_while(|line| !line.is_empty()).collect()
}

/// Answers the request, and closes.
fn answering(answer: &'static [u8]) -> SocketAddr {
    server(move |mut stream| {
        let _ = request(&stream);
        stream.write_all(answer).unwrap();
    })
}

/// What comes of a server that says something, or goes.
fn asked(address: SocketAddr) -> Reply {
    talk(&System::real(), address, HANG, HANG).unwrap()
}

/// What comes of one that does not, within this time.
fn looked_at(address: SocketAddr, limit: Duration) -> Reply {
    talk(&System::real(), address, limit, WAIT).unwrap()
}

/// A connection, and its end at the server, which took it.
fn pair() -> (Timed<TcpStream>, TcpStream) {
    let (listening, address) = listener("127.0.0.1:0");
    let stream = net::tcp(address, Instant::now() + HANG).unwrap();
    (stream, listening.accept().unwrap().0)
}

fn silent(why: &str) -> Reply {
    Reply::Silent(why.to_owned())
}

#[test]
fn nobody_listens() {
    let (closed, address) = listener("127.0.0.1:0");
    drop(closed);
    assert_eq!(asked(address), silent("connection refused"));
}

#[test]
fn an_answer_of_http_is_known_by_its_status() {
    for (answer, status) in [
        (&b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"[..], 404),
        (b"HTTP/1.0 500 Internal Server Error\r\n\r\nsorry", 500),
        (b"HTTP/1.1 503\r\n\r\n", 503),
    ] {
        assert_eq!(asked(answering(answer)), Reply::Http { status, body: String::new() });
    }
}

#[test]
fn one_plain_request_is_sent() {
    let (told, heard) = std::sync::mpsc::channel();
    let address = server(move |stream| told.send(request(&stream)).unwrap());
    assert_eq!(asked(address), Reply::Connection(Connection::Closed));
    let agent = format!("User-Agent: {}", program::USER_AGENT);
    assert_eq!(heard.recv().unwrap(), ["GET / HTTP/1.1", "Host: localhost", &agent, "Connection: close"]);
}

#[test]
fn a_status_line_in_pieces_is_one() {
    let address = server(|mut stream| {
        let _ = request(&stream);
        stream.set_nodelay(true).unwrap();
        for piece in [&b"HT"[..], b"TP/1.1 20", b"4 No Content\r", b"\n\r\n"] {
            stream.write_all(piece).unwrap();
        }
    });
    assert_eq!(asked(address), Reply::Http { status: 204, body: String::new() });
}

#[test]
fn other_bytes_are_an_answer_too() {
    let answered = Reply::Connection(Connection::Answered);
    for answer in
        [&b"-ERR unknown command\r\n"[..], b"\x15\x03\x01\0\x02\x02\x46", b"H", b"HTTP/1.1 99999 x\r\n", b"HTTP/1."]
    {
        assert_eq!(asked(answering(answer)), answered, "{answer:?}");
    }
    // Who speaks first, and reads only then.
    let address = server(|mut stream| {
        stream.write_all(b"220 mail.test ESMTP\r\n").unwrap();
        let _ = io::copy(&mut stream, &mut io::sink());
    });
    assert_eq!(asked(address), answered);
}

#[test]
fn a_connection_that_is_closed_at_once_was_taken() {
    assert_eq!(asked(server(drop)), Reply::Connection(Connection::Closed));
}

#[test]
fn who_streams_for_ever_is_read_no_further_than_needed() {
    let begun = Instant::now();
    for first in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"noise", b"HTTP/1.0"] {
        let address = server(move |mut stream| {
            let _ = stream.write_all(first);
            while begun.elapsed() < HANG && stream.write_all(&[b'x'; 8 << 10]).is_ok() {}
        });
        let wanted = match first.starts_with(b"HTTP/1.1") {
            true => Reply::Http { status: 200, body: String::new() },
            false => Reply::Connection(Connection::Answered),
        };
        assert_eq!(asked(address), wanted);
    }
    // A status line of which a byte comes now and then.
    let (mut stream, mut server) = pair();
    server.write_all(b"HTTP/1.1 2").unwrap();
    let dripping = thread::spawn(move || {
        while begun.elapsed() < HANG && server.write_all(b"0").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    let reply = converse(&System::real(), &mut stream, Instant::now() + SOON, HANG).unwrap();
    assert_eq!(reply, Reply::Connection(Connection::Answered));
    drop(stream);
    dripping.join().unwrap();
    assert!(begun.elapsed() < HANG);
}

#[test]
fn who_reads_and_says_nothing_is_not_waited_for_long() {
    let begun = Instant::now();
    let address = server(|mut stream| drop(io::copy(&mut stream, &mut io::sink())));
    assert_eq!(looked_at(address, HANG), Reply::Connection(Connection::Read));
    assert!(begun.elapsed() < HANG);
}

#[test]
fn who_accepts_nothing_hangs() {
    // Held open, as a process does that was halted. The second one listens for both IPv6 and IPv4.
    for bound in ["127.0.0.1:0", "[::]:0"] {
        let Ok(listening) = TcpListener::bind(bound) else { continue };
        let port = listening.local_addr().unwrap().port();
        let wanted = silent("takes no connections: the program behind it hangs");
        let reply = looked_at(System::real().local(port), SOON);
        assert_eq!(reply, wanted, "{bound}");
        // What it is short of may be found, and whether it comes to it when it is waited for longer.
        assert!(is_late(&Answer { command: Command::default(), result: Ok(reply) }));
        drop(listening);
    }
}

#[test]
fn who_accepts_and_reads_nothing_hangs() {
    let (mut stream, server) = pair();
    let reply = converse(&System::real(), &mut stream, Instant::now() + SOON, WAIT).unwrap();
    assert_eq!(reply, silent("reads nothing that is sent to it: the program behind it hangs"));
    drop(server);
}

#[test]
fn who_reads_a_part_of_it_does_not_hang() {
    let (mut stream, mut server) = pair();
    stream.write_all(b"GET / HTTP").unwrap();
    while server.peek(&mut [0; 64]).unwrap() < 10 {}
    let left = || neglect(&System::real(), &stream, 10).unwrap();
    assert_eq!(left(), Some("reads nothing that is sent to it"));
    server.read_exact(&mut [0; 4]).unwrap();
    assert_eq!(left(), None);
}

#[test]
fn who_comes_to_it_later_is_waited_for() {
    let (listening, address) = listener("127.0.0.1:0");
    thread::spawn(move || {
        // Several times as long as it takes until the tables are read.
        thread::sleep(10 * WAIT);
        let mut stream = listening.accept().unwrap().0;
        stream.write_all(b"at last").unwrap();
        let _ = io::copy(&mut stream, &mut io::sink());
    });
    assert_eq!(looked_at(address, HANG), Reply::Connection(Connection::Answered));
}

#[test]
fn where_the_other_end_is_not_seen_it_counts_as_read() {
    let (listening, address) = listener("127.0.0.1:0");
    let root = std::env::temp_dir().join(format!("opsctl-any-{}", std::process::id()));
    std::fs::create_dir_all(root.join("proc/net")).unwrap();
    let system = System { root: root.clone(), ..System::real() };
    let read = Ok(Reply::Connection(Connection::Read));
    assert_eq!(talk(&system, address, SOON, WAIT), read);
    std::fs::write(root.join("proc/net/tcp"), "header\nrubbish\n").unwrap();
    assert_eq!(talk(&system, address, SOON, WAIT), read);
    std::fs::remove_dir_all(root).unwrap();
    drop(listening);
}
