//! Where the output goes, when it can go nowhere, and when nobody wants any more of it.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use crate::machine::Machine;
use crate::prim;

/// Commands of every way to print.
const COMMANDS: [&[&str]; 9] = [
    &["status", "wallet"],
    &["status", "wallet", "-o", "json"],
    &["status", "wallet", "-o", "name"],
    &["get", "services"],
    &["explain", "prim"],
    &["schema", "status"],
    &["completion", "bash"],
    &["man"],
    &["--help"],
];

/// Exit code and stderr of a command whose stdout is this.
pub fn into(machine: &Machine, args: &[&str], stdout: Stdio) -> (Option<i32>, String) {
    let child = machine.command(args).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

pub fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

pub fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn k4_a_reader_that_has_seen_enough_is_no_error() {
    let machine = prim::two();
    for args in COMMANDS {
        assert_eq!(into(&machine, args, closed_pipe()), (Some(0), String::new()), "{args:?}");
    }
    // Not before the first line is read, either.
    let mut child = machine.command(["get", "services"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 4];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((&first, output.status.code(), output.stderr.len()), (b"NAME", Some(0), 0));
}

#[test]
fn k4_an_error_stays_one_when_nobody_reads() {
    let machine = prim::two();
    assert_eq!(into(&machine, &["-o", "json", "stattus"], closed_pipe()), (Some(2), String::new()));
    let mut command = machine.command(["stattus"]);
    let status = command.stdout(Stdio::null()).stderr(closed_pipe()).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

#[test]
fn k4_a_full_device_is_a_failure_that_is_told() {
    let machine = prim::two();
    for args in COMMANDS.into_iter().filter(|args| !args.contains(&"json")) {
        assert_eq!(
            into(&machine, args, full()),
            (Some(1), "opsctl: No space left on device (os error 28)\n".to_owned()),
            "{args:?}"
        );
    }
    // The document cannot say so, but somebody may read the other stream.
    assert_eq!(
        into(&machine, &["status", "wallet", "-o", "json"], full()),
        (Some(1), "opsctl: No space left on device (os error 28)\n".to_owned())
    );
}

#[test]
fn k4_closed_streams_do_no_harm() {
    let machine = prim::two();
    let shell = |redirection: &str| {
        let opsctl = machine.command(["status", "wallet"]);
        let mut shell = std::process::Command::new("/bin/sh");
        let line = format!("exec \"$0\" \"$@\" {redirection}");
        shell.arg("-c").arg(line).arg(opsctl.get_program()).args(opsctl.get_args()).env_clear();
        for (key, value) in opsctl.get_envs() {
            shell.env(key, value.unwrap());
        }
        shell.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
    };
    let usual = shell("");
    assert_eq!((usual.status.code(), usual.stderr.len()), (Some(0), 0));
    let deaf = shell("<&- 2>&-");
    assert_eq!((deaf.status.code(), deaf.stdout), (Some(0), usual.stdout));
    assert_eq!(shell(">&-").status.code(), Some(0));
}

#[test]
fn verbose_is_on_stderr_and_quiet_says_nothing() {
    let machine = prim::two();
    let run = machine.run(["status", "wallet", "-o", "name", "-v"]);
    let plain = machine.run(["status", "wallet", "-o", "name"]);
    assert_eq!(run.stdout, plain.stdout);
    let [ran] = run.ran.as_slice() else { panic!("one tool is asked: {:?}", run.ran) };
    assert_eq!(run.stderr, format!("+ {}\n", ran.argv.join(" ")));
    assert_eq!(machine.run(["status", "wallet", "-q"]).stderr, "");
}
