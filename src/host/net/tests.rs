use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::net::{bind, listen};

use super::*;

/// How long a test's stand-in would hang.
const HANG: Duration = Duration::from_secs(20);

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(200)
}

/// A new path for a socket.
fn place(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("opsctl-net-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir.join("socket")
}

/// A socket that listens, accepts nobody and has no room for one more.
fn full(path: &Path) -> (OwnedFd, Vec<Timed<UnixStream>>) {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    listen(&socket, 1).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = unix(path, soon()) {
        waiting.push(stream);
        assert!(waiting.len() < 100, "the queue never fills");
    }
    (socket, waiting)
}

fn is_late<T>(result: io::Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::TimedOut)
}

#[test]
fn a_full_queue_of_connections_is_waited_for_until_the_deadline_only() {
    let begun = Instant::now();
    let path = place("full");
    let (socket, waiting) = full(&path);
    assert!(is_late(unix(&path, soon())));
    assert!(begun.elapsed() < HANG);
    // And one that empties meanwhile is a good one.
    let accepting = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        let accepted: Vec<_> = (0..=waiting.len()).map(|_| rustix::net::accept(&socket).unwrap()).collect();
        drop((accepted, waiting));
    });
    unix(&path, Instant::now() + HANG).unwrap();
    accepting.join().unwrap();
}

#[test]
fn who_is_not_there_is_told_at_once() {
    assert_eq!(unix(&place("none"), soon()).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(tell(&place("none"), b"x", soon()).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_full_queue_of_datagrams_is_waited_for_until_the_deadline_only() {
    let begun = Instant::now();
    let path = place("datagrams");
    let receiver = UnixDatagram::bind(&path).unwrap();
    let mut sent = 0;
    while tell(&path, b"line", soon()).is_ok() {
        sent += 1;
        assert!(begun.elapsed() < HANG, "{sent}");
    }
    assert!(sent > 0);
    assert!(is_late(tell(&path, b"line", soon())));
    let reading = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        let count = receiver.recv(&mut [0; 16]).unwrap();
        (receiver, count)
    });
    tell(&path, b"line", Instant::now() + HANG).unwrap();
    assert_eq!(reading.join().unwrap().1, 4);
}

#[test]
fn a_deadline_is_for_all_that_is_read_and_written() {
    let pair = || {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        (near, far)
    };
    let begun = Instant::now();
    // A byte now and then, for ever.
    let (near, mut far) = pair();
    let drip = thread::spawn(move || {
        while far.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let mut timed = Timed { stream: near, limit: Limit::Until(soon()) };
    let mut got = Vec::new();
    assert!(is_late(timed.read_to_end(&mut got)));
    assert!(!got.is_empty());
    // Slower than a kilobyte in the longest pause.
    timed.paced(Some(Duration::from_millis(200)));
    assert!(is_late(timed.read_to_end(&mut got)));
    drop(timed);
    drip.join().unwrap();
    // As much as can be had, for ever.
    let (near, mut far) = pair();
    let flood = thread::spawn(move || while far.write_all(&[b'x'; 4096]).is_ok() {});
    let mut timed = Timed { stream: near, limit: Limit::Until(soon()) };
    let mut buffer = [0; 64];
    let late = loop {
        if let Err(error) = timed.read(&mut buffer) {
            break error;
        }
    };
    assert_eq!(late.kind(), ErrorKind::TimedOut);
    drop(timed);
    flood.join().unwrap();
    // Nobody reads.
    let (near, _far) = pair();
    let mut timed = Timed { stream: near, limit: Limit::Until(soon()) };
    assert!(is_late(timed.write_all(&vec![0; 4 << 20])));
    assert!(begun.elapsed() < HANG);
}

#[test]
fn who_is_quick_enough_is_read_to_the_end() {
    let (near, mut far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let steady = thread::spawn(move || {
        for _ in 0..20 {
            far.write_all(&[b'x'; 1024]).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
    });
    let mut timed = Timed { stream: near, limit: Limit::None };
    timed.paced(Some(Duration::from_secs(5)));
    let mut got = Vec::new();
    timed.read_to_end(&mut got).unwrap();
    assert_eq!(got.len(), 20 << 10);
    steady.join().unwrap();
}

#[test]
fn a_name_that_does_not_resolve_in_time_is_not_asked_for_again() {
    let begun = Instant::now();
    let hangs = || {
        thread::sleep(HANG);
        Ok(())
    };
    assert!(is_late(within("hangs.test", soon(), hangs)));
    assert!(is_late(within("hangs.test", Instant::now() + HANG, hangs)));
    // One that came back late is asked for again.
    let slow = || {
        thread::sleep(Duration::from_millis(400));
        Ok(1)
    };
    assert!(is_late(within("slow.test", soon(), slow)));
    while within("slow.test", Instant::now() + HANG, || Ok(2)).is_err() {
        assert!(begun.elapsed() < HANG);
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(within("other.test", Instant::now() + HANG, || Ok(7)).unwrap(), 7);
    assert!(begun.elapsed() < HANG);
    let address = |text: &str| resolve(text, 80, soon()).unwrap();
    assert_eq!(address("127.0.0.1"), ["127.0.0.1:80".parse().unwrap()]);
    assert_eq!(address("[::1]"), ["[::1]:80".parse().unwrap()]);
}
