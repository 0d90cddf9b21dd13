//! An HTTP server on loopback that records what it is sent, and answers as a test wants it to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::{HANG, SECRET};

/// Reads one request to its end.
fn request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).unwrap_or(0);
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            body.len() >= length.unwrap_or(0)
        });
        if whole || count == 0 {
            return text;
        }
    }
}

pub type Seen = Arc<Mutex<Vec<String>>>;

/// A receiver that does this with every request, and what it was sent.
pub fn receiver(answer: impl Fn(&mut TcpStream, &str) + Send + 'static) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/{SECRET}", listener.local_addr().unwrap());
    let seen = Seen::default();
    let own = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let text = request(&mut stream);
            own.lock().unwrap().push(text.clone());
            answer(&mut stream, &text);
        }
    });
    (url, seen)
}

/// One that answers so.
pub fn answers(answer: &'static str) -> (String, Seen) {
    receiver(move |stream, _| drop(stream.write_all(answer.as_bytes())))
}

pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Says this, then this again and again with a pause.
pub fn drips(first: &'static str, again: &'static str) -> String {
    let drip = move |stream: &mut TcpStream, _: &str| {
        let _ = stream.write_all(first.as_bytes());
        let begun = Instant::now();
        while begun.elapsed() < HANG && stream.write_all(again.as_bytes()).is_ok() {
            thread::sleep(Duration::from_millis(30));
        }
    };
    receiver(drip).0
}
