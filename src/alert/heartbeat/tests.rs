use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

/// Answers each request with this status after a pause; the paths that were asked for.
fn monitor(status: u16, pause: Duration) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/t0kenOfTheCheck", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).unwrap();
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            thread::sleep(pause);
            own.lock().unwrap().push(text.split(' ').nth(1).unwrap_or_default().to_owned());
            let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (url, seen)
}

fn check(url: &str, succeeded: bool) -> Option<String> {
    Heartbeat::start(&Settings::of([(HEARTBEAT, url)])).unwrap().end(succeeded)
}

#[test]
fn a_start_comes_before_its_end() {
    let (url, seen) = monitor(200, Duration::from_millis(200));
    assert_eq!(check(&url, true), None);
    assert_eq!(check(&format!("{url}?rid=1"), false), None);
    let expected =
        ["/t0kenOfTheCheck/start", "/t0kenOfTheCheck", "/t0kenOfTheCheck/start?rid=1", "/t0kenOfTheCheck/fail?rid=1"];
    assert_eq!(*seen.lock().unwrap(), expected);
    assert!(Heartbeat::start(&Settings::default()).is_none());
}

#[test]
fn a_monitor_that_is_not_there_is_words_and_no_error() {
    let (url, _) = monitor(404, Duration::ZERO);
    assert_eq!(check(&url, true).unwrap(), "HEARTBEAT_URL: start: HTTP 404; end: HTTP 404");
    let words = check("hunter2", true).unwrap();
    assert!(words.contains("not an http or https URL") && !words.contains("hunter2"), "{words}");
    let begun = Instant::now();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let words = check(&format!("http://{}/t0kenOfTheCheck", listener.local_addr().unwrap()), true).unwrap();
    assert!(begun.elapsed() < 3 * LIMIT, "{:?}", begun.elapsed());
    assert!(words.contains("no answer in 3.0 s") && !words.contains("t0ken"), "{words}");
}
