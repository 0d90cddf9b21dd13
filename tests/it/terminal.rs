//! opsctl on a terminal, with descriptors that its caller left open: no tool reaches either, whatever the verb.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::actions::act;
use crate::machine::{Machine, is_root, sample};
use crate::{plugspace, prim};

/// A terminal of so many columns: the side of whoever sits at it, and the side of the programs.
pub fn terminal(columns: u16) -> (File, OwnedFd) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let name = ptsname(&keyboard, Vec::new()).unwrap();
    let screen = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let rows = if columns == 0 { 0 } else { 24 };
    tcsetwinsize(&screen, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (keyboard.into(), screen)
}

/// Runs a program on a terminal of its own, with descriptors 7 and 9, types `typed`; what was on the screen.
fn on_a_terminal(program: &Command, typed: &str) -> String {
    on_columns(0, program, typed)
}

/// The same on a terminal of so many columns; 0 is one that does not know.
pub fn on_columns(columns: u16, program: &Command, typed: &str) -> String {
    let (mut keyboard, screen) = terminal(columns);
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", "sh", "-c", "exec 7</etc/passwd 9>&1; exec \"$@\"", "sh"]);
    command.arg(program.get_program()).args(program.get_args()).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let streams = || Stdio::from(screen.try_clone().unwrap());
    let mut child = command.stdin(streams()).stdout(streams()).stderr(streams()).spawn().unwrap();
    // Both have their copies of the screen, and this one would keep it from ending.
    drop(command);
    drop(screen);
    keyboard.write_all(typed.as_bytes()).unwrap();
    let mut shown = Vec::new();
    // A terminal that nobody has open any more answers EIO, with what was shown before.
    let _ = keyboard.read_to_end(&mut shown);
    child.wait().unwrap();
    String::from_utf8_lossy(&shown).into_owned()
}

/// What the tools of the last run could reach, by tool.
fn reached(machine: &Machine) -> Vec<(String, String)> {
    let spied = machine.tools().with_file_name("spy");
    let mut found = Vec::new();
    for entry in fs::read_dir(&spied).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let report = fs::read_to_string(entry.path()).unwrap();
        let fds = report.lines().filter_map(|line| line.split_once(" -> "));
        for (fd, to) in fds.map(|(about, to)| (about.rsplit(' ').next().unwrap(), to)) {
            // The shell that runs the stand-in keeps that open.
            if to.starts_with("/dev/pts/") || (!["0", "1", "2"].contains(&fd) && !to.contains("stand-in")) {
                found.push((name.clone(), format!("{fd} is {to}")));
            }
        }
        if report.contains("terminal") {
            found.push((name, "the terminal".to_owned()));
        }
    }
    found
}

/// Runs opsctl on a terminal; how many tools it ran, none of which reached anything.
fn tools_that_reach_nothing(machine: &Machine, args: &[&str], typed: &str) -> usize {
    let spied = machine.tools().with_file_name("spy");
    let _ = fs::remove_dir_all(&spied);
    fs::create_dir(&spied).unwrap();
    let shown = on_a_terminal(&machine.command(args), typed);
    assert_eq!(reached(machine), [], "{args:?}: {shown}");
    let count = fs::read_dir(&spied).unwrap().count();
    assert!(count > 0, "{args:?} ran nothing: {shown}");
    if !typed.is_empty() {
        assert!(shown.contains("[y/N]"), "{args:?} asked nothing: {shown}");
    }
    count
}

#[test]
fn a12_no_tool_of_any_verb_reaches_the_callers_terminal_or_descriptors() {
    let machine = prim::two();
    prim::files(&machine);
    machine.able(&["caddy.service"]);
    machine.dir("/var/log");
    for verb in ["reset-failed", "restart", "reload"] {
        machine.answer(&act(verb), "");
    }
    machine.answer("caddy-validate", "");
    // What is looked for is seen: a tool that the caller runs itself reaches all of it.
    fs::create_dir(machine.tools().with_file_name("spy")).unwrap();
    on_a_terminal(&Command::new(machine.tools().join("df")), "");
    let all: Vec<String> = reached(&machine).into_iter().map(|(_, what)| what).collect();
    let wanted = ["7 is /etc/passwd", "9 is /dev/pts/", "0 is /dev/pts/", "the terminal"];
    assert!(wanted.iter().all(|wanted| all.iter().any(|what| what.starts_with(wanted))), "{all:?}");

    let asked: &[(&[&str], &str)] = &[
        (&["status", "-v"], ""),
        (&["diagnose"], ""),
        (&["verify"], ""),
        (&["logs", "wallet", "-n", "1"], ""),
        (&["logs", "wallet", "-f", "--timeout", "2s"], ""),
        (&["status", "wallet", "--watch", "--timeout", "2s"], ""),
    ];
    for (args, typed) in asked {
        tools_that_reach_nothing(&machine, args, typed);
    }
    if is_root() {
        tools_that_reach_nothing(&machine, &["restart", "wallet", "--settle", "100ms"], "y\n");
    }
}

#[test]
fn d2_another_users_tool_reaches_neither() {
    let machine = Machine::new();
    let uid = if is_root() { 54_321 } else { rustix::process::geteuid().as_raw() };
    plugspace::user(&machine, uid);
    plugspace::daemon(&machine);
    machine.link("setpriv");
    machine.answer("pm2-jlist", &sample("plugspace/pm2-jlist.json"));
    let count = tools_that_reach_nothing(&machine, &["-d", "plugspace", "status", "plugspace-worker"], "");
    assert!(count > usize::from(is_root()), "setpriv and pm2");
}

#[test]
fn k12_every_text_view_is_legible_and_whole_at_every_width() {
    let machine = prim::two();
    prim::files(&machine);
    machine.dir("/var/log");
    let views: &[&[&str]] = &[
        &["status"],
        &["status", "-o", "wide"],
        &["verify"],
        &["diagnose"],
        &["get", "services", "-o", "wide"],
        &["get", "failures"],
        &["explain", "wallet"],
        &["logs", "--help"],
    ];
    let words = |text: &str| -> Vec<String> {
        // Escapes are a terminal's; what has digits may be a time; headers are not said again in a record.
        let escapes = regex::Regex::new("\x1b\\[[0-9;]*[A-Za-z]").unwrap();
        let text = escapes.replace_all(text, "").into_owned();
        let mut words: Vec<String> = text
            .split([' ', '\n', '\r', ','])
            .map(|word| word.trim_end_matches(':').to_owned())
            .filter(|word| word.contains(char::is_lowercase) && !word.contains(|c: char| c.is_ascii_digit()))
            .collect();
        words.sort();
        words
    };
    for view in views {
        let piped = machine.run(*view);
        let piped = piped.stdout + &piped.stderr;
        for columns in [0, 1, 20, 40, 59] {
            let shown = on_columns(columns, &machine.command(*view), "");
            let context = format!("{view:?} at {columns}:\n{shown}");
            // Only a view of every column keeps them all; a narrow one leaves out what matters least.
            let mut there = words(&shown);
            let is_whole = view.contains(&"wide") || matches!(view[0], "diagnose" | "explain" | "logs");
            for word in words(&piped).into_iter().filter(|_| is_whole) {
                if let Ok(at) = there.binary_search(&word) {
                    there.remove(at);
                } else {
                    panic!("{word} is lost: {context}");
                }
            }
            let single = shown.lines().filter(|line| line.trim().chars().count() == 1).count();
            assert!(single <= 2, "{single} lines of one character: {context}");
        }
    }
}
