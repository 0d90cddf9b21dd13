//! Sockets whose other side hangs, drips or never ends: whatever is asked ends long before that, says all else that it knows,
//! with the exit code of the contract, and leaves no lock behind. How long a run took is only held against how long the
//! stand-in would hang, because the machine may be busy.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with};
use rustix::process::{Pid, Signal, kill_process};

use crate::actions::{act, changes};
use crate::machine::{Machine, Run, needs_root};
use crate::{prim, servers};

/// How long a stand-in hangs. Less than a run may take before its test gives up.
const HANG: Duration = Duration::from_secs(40);
/// How often one that drips says something.
const DRIP: Duration = Duration::from_millis(100);

/// A prim host on which wallet, store and stalwart answer, and a docker engine runs. Needs root.
fn host() -> Machine {
    needs_root();
    let machine = prim::two();
    machine.able(&[]);
    machine.dir("/var/log");
    machine.serve(25, servers::greets("220 mail.prim.sh"));
    machine.serve(8080, servers::always(200, "<html>"));
    machine.process(500, "dockerd", &[]);
    for verb in ["reset-failed", "restart"] {
        machine.answer(&act(verb), "");
    }
    let fields: [(&str, &[u8]); 3] = [("PRIORITY", b"6"), ("_PID", b"90"), ("MESSAGE", b"payment settled")];
    machine.journal("2026-11-22T05:20:00Z", "prim-wallet.service", &fields);
    machine
}

/// Runs opsctl, which must be done before the stand-in is.
fn run(machine: &Machine, args: &[&str]) -> Run {
    // The first of a process builds the stand-in.
    drop(machine.command(args));
    let begun = Instant::now();
    let run = machine.run(args);
    let took = begun.elapsed();
    assert!(took < HANG, "{args:?} took {took:?}\n{}", run.everything());
    run
}

/// The line with `--timeout 5s`, and as it is.
fn both<'a>(args: &[&'a str]) -> [Vec<&'a str>; 2] {
    [[args, &["--timeout", "5s"]].concat(), args.to_vec()]
}

/// Services by name, with their verdicts.
fn verdicts(run: &Run) -> Vec<(String, String)> {
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let document = run.json();
    document["services"].as_array().unwrap().iter().map(|s| (word(&s["name"]), word(&s["verdict"]))).collect()
}

/// Nobody holds the lock, by the kernel's word too.
fn assert_free(machine: &Machine) {
    let status = machine.run(["lock", "status", "-o", "name"]);
    assert_eq!(status.stdout, "free\n");
    if let Ok(file) = File::open(machine.path("/run/opsctl/prim.lock")) {
        file.try_lock().unwrap();
    }
}

/// Every verb that asks the engine, against one that is of no use.
fn assert_the_rest_is_there(machine: &Machine) {
    for line in both(&["status", "wallet", "store", "stalwart", "-o", "json"]) {
        let run = run(machine, &line);
        let expected = [("stalwart", "unknown"), ("wallet", "pass"), ("store", "pass")];
        assert_eq!(verdicts(&run), expected.map(|(name, verdict)| (name.into(), verdict.into())), "{}", run.stdout);
        assert_eq!(run.code, 4);
    }
    for line in both(&["logs", "wallet", "stalwart"]) {
        let run = run(machine, &line);
        assert!(run.stdout.contains("payment settled"), "{}", run.everything());
        assert!(run.stderr.contains("container:stalwart: "), "{}", run.everything());
        assert_eq!(run.code, 4, "{}", run.everything());
    }
    for line in both(&["diagnose", "-o", "json"]) {
        let run = run(machine, &line);
        assert_eq!(run.code, 3, "{}", run.everything());
        // What else is wrong is found.
        let document = run.json();
        let found = document["findings"].as_array().unwrap();
        assert!(found.iter().any(|finding| finding["subject"] == "faucet"), "{}", run.stdout);
    }
    for line in both(&["restart", "stalwart", "--dry-run"]).into_iter().chain(both(&["restart", "stalwart", "-y"])) {
        let run = run(machine, &line);
        assert_eq!((run.code, changes(&run)), (4, Vec::new()), "{}", run.everything());
        assert_free(machine);
    }
}

/// An engine whose queue of connections is full.
struct Full {
    _listener: OwnedFd,
    _waiting: Vec<OwnedFd>,
}

impl Full {
    fn new(machine: &Machine) -> Self {
        let address = SocketAddrUnix::new(machine.path("/run/docker.sock")).unwrap();
        let socket = |flags| socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC | flags, None);
        let listener = socket(SocketFlags::empty()).unwrap();
        bind(&listener, &address).unwrap();
        listen(&listener, 1).unwrap();
        let mut waiting = Vec::new();
        loop {
            let client = socket(SocketFlags::NONBLOCK).unwrap();
            match connect(&client, &address) {
                Ok(()) => waiting.push(client),
                Err(error) => {
                    assert_eq!(error, rustix::io::Errno::AGAIN);
                    return Full { _listener: listener, _waiting: waiting };
                }
            }
        }
    }
}

/// An engine that does this with every request.
fn engine(machine: &Machine, answer: impl Fn(&mut UnixStream) + Clone + Send + 'static) {
    let socket = UnixListener::bind(machine.path("/run/docker.sock")).unwrap();
    thread::spawn(move || {
        for mut client in socket.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || {
                let mut request = String::new();
                let mut reader = BufReader::new(client.try_clone().unwrap());
                while reader.read_line(&mut request).is_ok_and(|count| count > 2) {}
                answer(&mut client);
            });
        }
    });
}

/// Says this again and again, with a pause, for as long as somebody listens and a stand-in hangs.
fn drip(stream: &mut impl Write, words: &[u8], pause: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < HANG && stream.write_all(words).is_ok() {
        thread::sleep(pause);
    }
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";

#[test]
#[ignore = "needs root"]
fn c2_an_engine_with_a_full_queue_is_not_waited_for() {
    let machine = host();
    let _full = Full::new(&machine);
    assert_the_rest_is_there(&machine);
}

#[test]
#[ignore = "needs root"]
fn c2_an_engine_that_drips_is_not_waited_for() {
    let machine = host();
    engine(&machine, |stream| {
        let _ = stream.write_all(HEAD);
        drip(stream, b" ", DRIP);
    });
    assert_the_rest_is_there(&machine);
}

#[test]
#[ignore = "needs root"]
fn c2_an_engine_whose_head_drips_is_not_waited_for() {
    let machine = host();
    engine(&machine, |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        drip(stream, b"X", DRIP);
    });
    assert_the_rest_is_there(&machine);
}

#[test]
#[ignore = "needs root"]
fn c2_an_engine_that_sends_headers_for_ever_is_not_waited_for() {
    let machine = host();
    engine(&machine, |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        drip(stream, b"X-Never: enough\r\n", Duration::ZERO);
    });
    assert_the_rest_is_there(&machine);
}

#[test]
#[ignore = "needs root"]
fn c2_an_engine_that_announces_more_than_it_sends_is_not_believed() {
    let machine = host();
    // An empty list would be an answer, if it were all.
    engine(&machine, |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n[]\n");
    });
    assert_the_rest_is_there(&machine);
    let logs = run(&machine, &["logs", "stalwart"]);
    assert!(logs.stderr.contains("container:stalwart: the docker engine's answer broke off"), "{}", logs.stderr);
}

#[test]
#[ignore = "needs root"]
fn c2_an_engine_that_announces_less_than_it_sends_is_not_read_for_ever() {
    let machine = host();
    engine(&machine, |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
        drip(stream, &[b'['; 4096], Duration::ZERO);
    });
    assert_the_rest_is_there(&machine);
}

#[test]
#[ignore = "needs root"]
fn c2_an_engine_that_leaves_its_connections_open_has_answered_all_the_same() {
    let machine = host();
    engine(&machine, |stream| {
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}");
        // As long as the client is there.
        let _ = stream.set_read_timeout(Some(HANG));
        let _ = stream.read(&mut [0]);
    });
    let run = run(&machine, &["status", "stalwart", "-o", "json"]);
    assert_eq!(verdicts(&run), [("stalwart".to_owned(), "fail".to_owned())], "{}", run.stdout);
}

/// What a service may do that never comes to an end of its answer.
const ENDLESS: [fn(&mut TcpStream); 4] = [
    |stream| drip(stream, b"H", DRIP),
    |stream| {
        servers::say(stream, b"HTTP/1.1 200 OK\r\n");
        drip(stream, b"X-Never: enough\r\n", DRIP);
    },
    |stream| {
        servers::say(stream, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        drip(stream, b"1\r\n \r\n", DRIP);
    },
    |stream| {
        servers::say(stream, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        drip(stream, b"1;", DRIP);
    },
];

#[test]
#[ignore = "needs root"]
fn j7_a_service_that_never_ends_its_answer_is_not_waited_for() {
    let machine = host();
    machine.answer("docker-ps", "");
    for answer in ENDLESS {
        machine.stop(3002);
        // Each connection in a thread of its own, for the last one may still be dripping.
        machine.serve(3002, move |stream| {
            let mut stream = stream.try_clone().unwrap();
            thread::spawn(move || answer(&mut stream));
        });
        for line in both(&["status", "wallet", "store", "-o", "json"]) {
            let run = run(&machine, &line);
            let expected = [("store", "fail"), ("wallet", "pass")];
            assert_eq!(verdicts(&run), expected.map(|(name, verdict)| (name.into(), verdict.into())), "{}", run.stdout);
            assert_eq!(run.code, 3);
        }
        for line in both(&["diagnose", "-o", "json"]) {
            assert_eq!(run(&machine, &line).code, 3);
        }
        assert_eq!(run(&machine, &["restart", "store", "--dry-run", "--timeout", "5s"]).code, 0);
        // It was begun, and did not come up in time.
        let begun = run(&machine, &["restart", "store", "-y", "--timeout", "5s"]);
        assert!(begun.code == 7 && !changes(&begun).is_empty(), "{}", begun.everything());
        assert_free(&machine);
    }
}

#[test]
#[ignore = "needs root"]
fn k10_a_journald_that_reads_nothing_is_not_waited_for() {
    let machine = host();
    // No file can be written there.
    machine.remove("/var/log");
    machine.dir("/run/systemd/journal");
    let path = machine.path("/run/systemd/journal/socket");
    let journald = UnixDatagram::bind(&path).unwrap();
    let filler = UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    while filler.send_to(b"MESSAGE=full\n", &path).is_ok() {}
    for line in both(&["restart", "wallet", "-y"]).into_iter().chain(both(&["lock", "acquire", "-m", "mine"])) {
        let run = run(&machine, &line);
        assert_eq!((run.code, changes(&run)), (5, Vec::new()), "{}", run.everything());
        assert!(run.stderr.contains("cannot record") && run.stderr.contains("journald accepted nothing"));
        assert_free(&machine);
    }
    for line in [&["status", "wallet"], &["restart", "wallet", "--dry-run"][..]] {
        assert_eq!(run(&machine, line).code, 0);
    }
    // One that reads again takes it.
    let mut message = [0; 4096];
    journald.set_nonblocking(true).unwrap();
    while journald.recv(&mut message).is_ok() {}
    assert_eq!(run(&machine, &["lock", "acquire", "-m", "mine"]).code, 0);
    let count = journald.recv(&mut message).unwrap();
    let told = String::from_utf8_lossy(&message[..count]).into_owned();
    assert!(told.contains("SYSLOG_IDENTIFIER=opsctl-audit") && told.contains(r#""phase":"begin""#), "{told}");
}

/// Starts opsctl, ends it with this signal when it has come to hang, and says how it ended.
fn signalled(machine: &Machine, args: &[&str], stdout: Stdio, signal: Signal) -> Option<i32> {
    let mut child = machine.command(args).stdout(stdout).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_secs(1));
    let begun = Instant::now();
    kill_process(Pid::from_child(&child), signal).unwrap();
    let code = child.wait().unwrap().code();
    assert!(begun.elapsed() < HANG, "{args:?}");
    code
}

#[test]
#[ignore = "needs root"]
fn l2_a_signal_ends_it_wherever_it_hangs() {
    let machine = host();
    let _full = Full::new(&machine);
    // A follower asks an engine that does not answer again and again.
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let line = ["logs", "-f", "wallet", "stalwart"];
        assert_eq!(signalled(&machine, &line, Stdio::null(), signal), Some(code));
        // Nobody reads what it prints, and nobody hangs up either.
        let (reader, writer) = std::io::pipe().unwrap();
        rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
        let line = ["get", "failures", "-o", "json"];
        assert_eq!(signalled(&machine, &line, writer.into(), signal), Some(code));
        drop(reader);
    }
}

#[test]
#[ignore = "needs root"]
fn nothing_is_waited_for_longer_than_the_whole_command_has() {
    let machine = host();
    // The lock of somebody who lives and does not end.
    machine.dir("/run/opsctl");
    machine.file("/run/opsctl/prim.lock", "");
    std::fs::set_permissions(machine.path("/run/opsctl"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let held = File::open(machine.path("/run/opsctl/prim.lock")).unwrap();
    held.try_lock().unwrap();
    let waiting = run(&machine, &["restart", "wallet", "-y", "--lock-wait=10m", "--timeout", "5s"]);
    assert_eq!((waiting.code, changes(&waiting)), (6, Vec::new()), "{}", waiting.everything());
    // A watch that looks seldom.
    assert_eq!(run(&machine, &["status", "wallet", "--watch=10m", "--timeout", "3s"]).code, 0);
}
