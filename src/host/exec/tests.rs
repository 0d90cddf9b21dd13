//! Commands that are read while they run, that hang, and that would not stop printing.

use super::*;
use std::fs;

fn stream(script: &str, streams: Streams, silence: u64) -> Stream {
    let system = System { tool_path: vec!["/usr/bin".into(), "/bin".into()], ..System::real() };
    let argv = Argv::new("sh", ["-c", script]);
    Processes::new(&system, None).stream(&argv, streams, Duration::from_millis(silence)).unwrap()
}

#[test]
fn a_stream_is_read_while_it_runs_and_tells_how_it_ended() {
    let mut running = stream("echo out; echo err >&2; exit 3", Streams::Apart, 10_000);
    let mut text = String::new();
    running.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), running.finish()), ("out\n", (ProcessEnd::Code(3), "err\n".to_owned())));
    let mut running = stream("echo err >&2; echo out", Streams::Together, 10_000);
    let mut text = String::new();
    running.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), running.finish()), ("err\nout\n", (ProcessEnd::Code(0), String::new())));
}

#[test]
fn a3_a_stream_that_falls_silent_is_ended_with_its_children() {
    let mut running = stream("echo before; sleep 603 & echo $!; wait", Streams::Apart, 100);
    let mut text = String::new();
    assert_eq!(running.read_to_string(&mut text).unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(matches!(running.finish().0, ProcessEnd::TimedOut(_)));
    let child = text.lines().nth(1).unwrap_or_default().to_owned();
    let begun = Instant::now();
    while fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(begun.elapsed() < Duration::from_secs(5), "{child} lives on");
    }
}

fn sh(script: &str, limit: u64) -> Output {
    let argv = Argv::new("sh", ["-c", script]);
    let system = System { tool_path: vec!["/usr/bin".into(), "/bin".into()], ..System::real() };
    Processes::new(&system, None).run(&argv, Duration::from_millis(limit)).unwrap()
}

#[test]
fn output_and_exit_code_come_back() {
    let output = sh("echo out; echo err >&2; exit 3", 10_000);
    assert_eq!(
        (output.exit, &output.stdout[..], &output.stderr[..]),
        (ProcessEnd::Code(3), &b"out\n"[..], &b"err\n"[..])
    );
}

#[test]
fn a3_a_hung_command_is_ended_at_its_deadline() {
    let begun = Instant::now();
    let output = sh("echo before; sleep 600", 100);
    assert!(matches!(output.exit, ProcessEnd::TimedOut(_)));
    assert_eq!(output.stdout, b"before\n");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a4_one_that_ignores_term_is_killed_with_its_children() {
    let output = sh("trap '' TERM; sleep 601 & echo $!; wait; sleep 602", 100);
    assert!(matches!(output.exit, ProcessEnd::TimedOut(_)));
    let child = String::from_utf8(output.stdout).unwrap();
    let gone = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    };
    let begun = Instant::now();
    while !gone() {
        assert!(begun.elapsed() < Duration::from_secs(5), "the child lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a5_a_signal_from_elsewhere_is_told() {
    assert_eq!(sh("kill -9 $$", 10_000).exit, ProcessEnd::Signal(9));
}

#[test]
fn a9_endless_output_is_capped() {
    let output = sh("yes", 60_000);
    assert_eq!(output.exit, ProcessEnd::TooMuchOutput);
    assert_eq!(output.stdout.len(), OUTPUT_LIMIT);
}

#[test]
fn a11_a_grandchild_that_holds_stdout_is_not_waited_for() {
    let begun = Instant::now();
    let output = sh("sleep 20 & echo done", 15_000);
    assert_eq!((output.exit, &output.stdout[..]), (ProcessEnd::Code(0), &b"done\n"[..]));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a12_stdin_is_empty() {
    assert_eq!(sh("read line; echo \"got $line\"", 10_000).stdout, b"got \n");
}

#[test]
fn l5_the_environment_is_fixed() {
    let output = sh("env | grep -vE '^(PWD|SHLVL|_|OLDPWD)='; true", 10_000);
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LC_ALL", "PATH"]);
}

#[test]
fn a1_a_missing_program_is_named() {
    let system = System::real();
    let error = Processes::new(&system, None).run(&Argv::new("no-such-tool", ["x"]), Duration::from_secs(1));
    assert_eq!(error.unwrap_err(), StartError::Missing("no-such-tool"));
}

#[test]
fn one_that_must_finish_is_waited_for_until_its_deadline_only() {
    let begun = Instant::now();
    let stuck = stream("sleep 604", Streams::Apart, 10_000);
    await_end(stuck.started.pid, begun + Duration::from_millis(100));
    assert!(begun.elapsed() >= Duration::from_millis(100) && begun.elapsed() < Duration::from_secs(20));
    let quick = stream("exit 0", Streams::Apart, 10_000);
    await_end(quick.started.pid, begun + Duration::from_mins(1));
    assert!(begun.elapsed() < Duration::from_secs(40));
}
