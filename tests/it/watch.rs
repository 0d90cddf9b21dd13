//! `status --watch` on a terminal: a screen of its own, left clean whatever ends it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::machine::Machine;
use crate::prim;
use crate::terminal::terminal;

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Somebody who watches.
struct Watcher {
    keyboard: File,
    screen: OwnedFd,
    child: Child,
    bytes: Receiver<Vec<u8>>,
    shown: String,
}

/// Starts opsctl on a terminal of its own.
fn watch(machine: &Machine, args: &[&str], screen: &OwnedFd) -> Child {
    let opsctl = machine.command(args);
    // `exec`, so that what is waited for is opsctl itself.
    let mut command = Command::new("setsid");
    command.args(["--ctty", opsctl.get_program().to_str().unwrap()]).args(opsctl.get_args()).env_clear();
    command.envs(opsctl.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
    let streams = || Stdio::from(screen.try_clone().unwrap());
    command.stdin(streams()).stdout(streams()).stderr(streams()).spawn().unwrap()
}

impl Watcher {
    fn new(machine: &Machine, args: &[&str]) -> Self {
        let (keyboard, screen) = terminal(80);
        let child = watch(machine, args, &screen);
        let (give, bytes) = channel();
        let mut reader = keyboard.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if give.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Watcher { keyboard, screen, child, bytes, shown: String::new() }
    }

    /// Waits until this is shown, after what was waited for before.
    fn until(&mut self, text: &str) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(at) = self.shown.find(text) {
                let rest = self.shown.split_off(at + text.len());
                return std::mem::replace(&mut self.shown, rest);
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.bytes.recv_timeout(left) else {
                panic!("{text:?} was never shown: {:?}", self.shown);
            };
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.screen).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        panic!("it goes on: {:?}", self.shown);
    }
}

#[test]
fn the_terminal_is_as_before_whatever_ends_it() {
    let machine = prim::two();
    for (end, code) in [("q", 0), ("\x03", 130), ("TERM", 143)] {
        let mut watcher = Watcher::new(&machine, &["status", "wallet", "--watch=300ms"]);
        watcher.until(ENTER);
        watcher.until("prim on vps1");
        assert!(!watcher.echoes(), "{end}");
        match end {
            "TERM" => kill_process(Pid::from_child(&watcher.child), Signal::TERM).unwrap(),
            keys => watcher.keyboard.write_all(keys.as_bytes()).unwrap(),
        }
        watcher.until(LEAVE);
        let status = watcher.ended();
        assert_eq!((status.code(), status.signal()), (Some(code), None), "{end}");
        assert!(watcher.echoes(), "{end}");
    }
}

#[test]
fn a_lost_terminal_ends_it() {
    let machine = prim::two();
    let mut watcher = Watcher::new(&machine, &["status", "wallet", "-w", "300ms"]);
    watcher.until("prim on vps1");
    let (keyboard, _) = terminal(80);
    // The last of whoever holds the other side; the reader has a copy, so the hang-up is sent as the kernel would.
    watcher.keyboard = keyboard;
    kill_process(Pid::from_child(&watcher.child), Signal::HUP).unwrap();
    watcher.until(LEAVE);
    assert_eq!(watcher.ended().code(), Some(129));
    assert!(watcher.echoes());
}

/// The window is closed: there is no terminal any more that could be put back, and nothing goes on.
#[test]
fn a_closed_terminal_ends_it() {
    let machine = prim::two();
    let (mut keyboard, screen) = terminal(80);
    let mut child = watch(&machine, &["status", "wallet", "-w", "300ms"], &screen);
    drop(screen);
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains("prim on vps1") {
        let mut buffer = [0; 4096];
        let count = keyboard.read(&mut buffer).unwrap();
        shown.extend_from_slice(&buffer[..count]);
    }
    drop(keyboard);
    let end = Instant::now() + Duration::from_secs(10);
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > end => {
                let _ = child.kill();
                panic!("it goes on without a terminal");
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    // The hang-up, or its own look at the terminal, whichever is first.
    assert!(matches!(status.code(), Some(129 | 0)), "{status:?}");
}

#[test]
fn the_verdict_is_first_and_what_changed_is_marked() {
    let machine = prim::two();
    let mut watcher = Watcher::new(&machine, &["status", "wallet", "store", "-w300ms", "--color", "never"]);
    watcher.until(ENTER);
    let frame = watcher.until("\x1b[J");
    let lines: Vec<&str> = frame.split("\x1b[K\r\n").collect();
    assert!(lines[0].contains("every 300ms, q quits") && lines[1].starts_with("PASS"), "{frame:?}");
    assert!(!frame.contains('*'), "{frame:?}");
    machine.stop(3002);
    watcher.until("changed");
    let frame = watcher.until("\x1b[J");
    assert!(frame.contains("store: fail, was pass") && frame.contains("* store"), "{frame:?}");
    // Seen again at the next check, without the mark of what is new.
    watcher.until("changed");
    assert!(!watcher.until("\x1b[J").contains("* store"));
    watcher.keyboard.write_all(b"q").unwrap();
    assert_eq!(watcher.ended().code(), Some(0));
}

#[test]
fn another_size_is_drawn_at_once_and_nothing_scrolls() {
    let machine = prim::two();
    let mut watcher = Watcher::new(&machine, &["status", "--watch=1m"]);
    watcher.until("\x1b[J");
    let size = Winsize { ws_row: 8, ws_col: 70, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&watcher.screen, size).unwrap();
    let frame = watcher.until("\x1b[J");
    let lines: Vec<&str> = frame.split("\x1b[K\r\n").collect();
    assert_eq!(lines.len(), 8, "{frame:?}");
    assert!(lines[7].starts_with("… ") && lines[7].contains(" more lines"), "{frame:?}");
    watcher.keyboard.write_all(b"q").unwrap();
    assert_eq!(watcher.ended().code(), Some(0));
}

#[test]
fn the_word_behind_the_flag_is_an_interval_or_a_service() {
    let machine = prim::two();
    let names = |args: &[&str]| {
        let run = machine.run([&["status"], args, &["--timeout", "1s"]].concat());
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        let first = run.json_lines().remove(0);
        first["services"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for args in [
        &["-w", "5s", "wallet"][..],
        &["-w5s", "wallet"],
        &["--watch=5s", "wallet"],
        &["-w", "wallet"],
        &["wallet", "-w"],
    ] {
        assert_eq!(names(args), ["wallet"], "{args:?}");
    }
    assert_eq!(names(&["-w", "wallet", "store"]), ["wallet", "store"]);
    assert_eq!(machine.run(["status", "-w", "5x"]).code, 2);
}

#[test]
fn a_check_asks_each_tool_once() {
    let machine = prim::two();
    let run = machine.run(["status", "--watch=10s", "--timeout", "3s"]);
    let checks = run.stdout.lines().count();
    let mut calls: Vec<&Vec<String>> = run.ran.iter().map(|ran| &ran.argv).collect();
    let all = calls.len();
    calls.dedup();
    assert_eq!((checks, calls.len()), (1, all), "{:?}", run.ran);
}
