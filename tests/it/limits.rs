//! What opsctl itself is short of: swept over limits of every kind, each run comes to an end that the contract knows, tells of no
//! failure that is not there, and leaves no lock held. `OPSCTL_SWEEP=long` takes every value; `OPSCTL_SWEEP=show` prints them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{chown, lchown};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::actions::act;
use crate::machine::{Machine, is_root, needs_root};
use crate::prim;

/// A user that owns no process, so that a limit on processes counts those of the run alone.
const NOBODY_ELSE: u32 = 64_123;
/// What a run may end with. 128 and more are a signal, and 101 a panic.
const ENDS: [i32; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/// No run takes longer, whatever it lacks: what is asked has 2.4 s, twice where it is looked at twice, and a change 8 s.
const LONGEST: Duration = Duration::from_secs(25);

const VERBS: [&[&str]; 8] = [
    &["status", "-o", "json"],
    &["diagnose", "-o", "json"],
    &["logs", "wallet", "store", "-n", "3", "-o", "json"],
    &["verify", "-o", "json"],
    &["restart", "wallet", "--dry-run", "-o", "json"],
    &["restart", "wallet", "-y", "--settle", "50ms", "-o", "json"],
    &["history", "-o", "json"],
    &["explain", "wallet", "-o", "json"],
];

/// A limit and how it falls; the first values are those of the short sweep.
struct Fall {
    limit: &'static str,
    short: &'static [u64],
    long: &'static [u64],
}

const FALLS: [Fall; 8] = [
    Fall {
        limit: "nofile",
        short: &[41, 10],
        long: &[1024, 256, 128, 64, 56, 52, 50, 48, 46, 44, 43, 42, 40, 39, 32, 24, 16, 12, 9, 8, 7, 6, 5, 4],
    },
    Fall { limit: "fsize", short: &[0, 100], long: &[1, 10, 200, 300, 400, 500, 1000, 4096] },
    Fall {
        limit: "as",
        short: &[1 << 30, 256 << 20],
        long: &[4 << 30, 2 << 30, 1536 << 20, 1100 << 20, 1023 << 20, 512 << 20, 128 << 20, 64 << 20, 32 << 20],
    },
    Fall {
        limit: "stack",
        short: &[1 << 20, 512 << 10],
        long: &[8 << 20, 4 << 20, 2 << 20, 1 << 19, 256 << 10, 160 << 10],
    },
    Fall {
        limit: "data",
        short: &[128 << 20, 32 << 20],
        long: &[1 << 30, 256 << 20, 200 << 20, 127 << 20, 64 << 20, 16 << 20],
    },
    Fall { limit: "memlock", short: &[0], long: &[4096] },
    Fall { limit: "core", short: &[0], long: &[4096] },
    Fall { limit: "cpu", short: &[2], long: &[5, 3] },
];

/// Few processes, of which a user other than root may have no more.
const TASKS: Fall = Fall {
    limit: "nproc",
    short: &[40, 12, 6, 3, 2],
    long: &[1, 4, 5, 7, 8, 9, 10, 11, 14, 16, 18, 20, 24, 28, 32, 36, 48, 64],
};

fn machine() -> Machine {
    let machine = prim::healthy();
    prim::processes(&machine);
    prim::files(&machine);
    machine.able(&["caddy.service"]);
    machine.dir("/var/log");
    for verb in ["reset-failed", "daemon-reload", "restart"] {
        machine.answer(&act(verb), "");
    }
    machine.answer("systemd-analyze-verify", "");
    machine
}

/// The program under a limit, and as that user.
fn run(machine: &Machine, limit: Option<(&str, u64)>, user: Option<u32>, args: &[&str]) -> (Output, Duration) {
    let opsctl = machine.command(args);
    let mut command = std::process::Command::new("timeout");
    command.args(["-k", "1", "40", "prlimit"]);
    if let Some((limit, value)) = limit {
        command.arg(format!("--{limit}={value}:{value}"));
    }
    if let Some(user) = user {
        command.args(["setpriv", &format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"]);
    }
    command.arg(opsctl.get_program()).args(args).env_clear();
    command.envs(opsctl.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    command.env("PATH", "/usr/bin:/bin");
    if let Some(user) = user {
        await_end(user);
    }
    let begun = Instant::now();
    (command.output().unwrap(), begun.elapsed())
}

/// Waits until a user has no process left: what a run before has killed counts until it is gone.
fn await_end(user: u32) {
    use std::os::unix::fs::MetadataExt;
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let own = |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.uid() == user);
        let left: Vec<_> = processes.map(|process| process.path()).filter(|path| own(path)).collect();
        if left.is_empty() {
            return;
        }
        let told = left.iter().map(|path| fs::read_to_string(path.join("cmdline")).unwrap_or_default());
        assert!(Instant::now() < until, "left behind: {:?}", told.collect::<Vec<_>>());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The failures that a run tells of: services, comparisons, findings, certificates, by name.
fn failures(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(document, "", &mut found);
    found
}

fn collect(value: &Value, place: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let name = ["name", "source", "code", "subject", "service", "what", "host"];
            let name = name.iter().filter_map(|key| fields.get(*key)?.as_str()).collect::<Vec<_>>().join(" ");
            let place = if name.is_empty() { place.to_owned() } else { format!("{place}/{name}") };
            if !place.is_empty() && fields.get("verdict").and_then(Value::as_str) == Some("fail") {
                found.insert(place.clone());
            }
            fields.values().for_each(|value| collect(value, &place, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, place, found)),
        _ => {}
    }
}

fn documents(output: &Output, is_lines: bool) -> Result<Vec<Value>, String> {
    let text = String::from_utf8(output.stdout.clone()).map_err(|error| error.to_string())?;
    let parse = |text: &str| serde_json::from_str(text).map_err(|error| format!("{error}: {text}"));
    match is_lines {
        true => text.lines().map(parse).collect(),
        false if text.is_empty() => Ok(Vec::new()),
        false => Ok(vec![parse(&text)?]),
    }
}

/// What is wrong with a run under a limit.
fn judge(output: &Output, took: Duration, is_lines: bool, known: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let stderr = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(code) if ENDS.contains(&code) => {}
        code => wrong.push(format!("ends with {code:?}, signal {:?}: {stderr}", output.status.signal())),
    }
    if took > LONGEST {
        wrong.push(format!("takes {took:?}"));
    }
    for sign in ["panicked", "opsctl has a bug", "memory allocation", "overflowed its stack"] {
        if stderr.contains(sign) || String::from_utf8_lossy(&output.stdout).contains(sign) {
            wrong.push(format!("tells of {sign}: {stderr}{}", String::from_utf8_lossy(&output.stdout)));
        }
    }
    match documents(output, is_lines) {
        Err(error) => wrong.push(format!("is no document: {error}")),
        Ok(documents) if documents.is_empty() && output.status.success() && !is_lines => {
            wrong.push("says nothing, and that all is well".to_owned());
        }
        Ok(documents) => {
            let told = documents.iter().flat_map(failures).filter(|failure| !known.contains(failure));
            wrong.extend(told.map(|failure| format!("fails {failure}")));
        }
    }
    wrong
}

/// Runs everything under falling limits of one kind.
#[expect(clippy::print_stderr, reason = "a table for whoever asks for it")]
fn sweep(machine: &Machine, fall: &Fall, user: Option<u32>) {
    let mode = std::env::var("OPSCTL_SWEEP").unwrap_or_default();
    let long: &[u64] = if mode.is_empty() { &[] } else { fall.long };
    let mut wrong = Vec::new();
    for verb in VERBS {
        let is_lines = verb[0] == "logs";
        let (whole, _) = run(machine, None, user, verb);
        let known: BTreeSet<String> = documents(&whole, is_lines).unwrap().iter().flat_map(failures).collect();
        for value in fall.short.iter().chain(long) {
            let (output, took) = run(machine, Some((fall.limit, *value)), user, verb);
            if mode == "show" {
                let words = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).replace('\n', " ");
                eprintln!(
                    "{}={value} {}: {:?} {took:.1?} (else {:?}) {} {}",
                    fall.limit,
                    verb.join(" "),
                    output.status.code().ok_or(output.status.signal()),
                    whole.status.code(),
                    words(&output.stderr),
                    if output.status.code() == whole.status.code() { String::new() } else { words(&output.stdout) },
                );
            }
            let found = judge(&output, took, is_lines, &known);
            wrong.extend(found.into_iter().map(|what| format!("{}={value} {}: {what}", fall.limit, verb.join(" "))));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A lock that somebody held would make this one end with 6.
    let (after, _) = run(machine, None, user, &["restart", "wallet", "-y", "--settle", "50ms"]);
    assert_eq!(after.status.code(), Some(if user.is_some() { 5 } else { 0 }), "{after:?}");
}

fn give(path: &Path, user: u32) {
    lchown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        chown(path, Some(user), Some(user)).unwrap();
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), user);
        }
    }
}

macro_rules! sweeps {
    ($($name:ident: $index:expr,)*) => {$(
        #[test]
        fn $name() {
            // Nobody else may restart anything.
            if is_root() {
                sweep(&machine(), &FALLS[$index], None);
            }
        }
    )*};
}

sweeps! {
    a14_too_few_open_files: 0,
    a_limit_on_the_size_of_files: 1,
    a_limit_on_the_address_space: 2,
    a_limit_on_the_stack: 3,
    a_limit_on_data: 4,
    a_limit_on_locked_memory: 5,
    a_limit_on_core_files: 6,
    a_limit_on_processor_time: 7,
}

#[test]
fn a14_too_few_processes() {
    // Only root may become another user, and only another user has such a limit.
    if is_root() {
        let machine = machine();
        give(&machine.home(), NOBODY_ELSE);
        sweep(&machine, &TASKS, Some(NOBODY_ELSE));
    }
}

/// A run whose change is under way, by the time that it is told something.
fn under_way(machine: &Machine) -> std::process::Child {
    let mut command = machine.command(["restart", "wallet", "-y", "--settle", "50ms", "-q"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let lock = machine.path("/run/opsctl/prim.lock");
    // The note of the run before is there until this one has the lock.
    let signs = [format!("\"pid\":{},", child.id()), "wallet: restart prim-wallet.service".to_owned()];
    let restarts = || fs::read_to_string(&lock).is_ok_and(|note| signs.iter().all(|sign| note.contains(sign)));
    while !restarts() {
        assert!(Instant::now() < until, "no restart is begun");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
#[ignore = "needs root"]
fn j8_every_signal_that_ends_a_change_ends_it_by_the_contract() {
    use rustix::process::{Pid, Signal, kill_process};
    needs_root();
    let machine = machine();
    machine.hang(&act("restart"));
    let signals = [
        (Signal::HUP, 129),
        (Signal::INT, 130),
        (Signal::TERM, 143),
        (Signal::QUIT, 143),
        (Signal::USR1, 143),
        (Signal::USR2, 143),
        (Signal::ALARM, 143),
        (Signal::VTALARM, 143),
        (Signal::PROF, 143),
        (Signal::IO, 143),
        (Signal::XCPU, 7),
    ];
    for (signal, code) in signals {
        let child = under_way(&machine);
        // Neither a pipe that nobody reads nor a file that is too large ends anything.
        kill_process(Pid::from_child(&child), Signal::PIPE).unwrap();
        kill_process(Pid::from_child(&child), Signal::XFSZ).unwrap();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{signal:?}: {output:?}");
        assert_eq!(machine.left_behind(), Vec::<String>::new(), "{signal:?}");
        let status = machine.run(["lock", "status", "-o", "json"]);
        assert!(status.stdout.contains("wallet: restart prim-wallet.service"), "{signal:?}: {}", status.stdout);
    }
}

/// No port for a connection is left: a network of its own has one, which is taken.
#[test]
#[ignore = "needs root"]
fn without_ports_for_connections_nothing_fails() {
    needs_root();
    if std::env::var_os("OPSCTL_TEST_INSIDE").is_none() {
        let here = "limits::without_ports_for_connections_nothing_fails";
        let mut command = std::process::Command::new("unshare");
        command.args(["-n", "--"]).arg(std::env::current_exe().unwrap()).args([
            here,
            "--exact",
            "--include-ignored",
            "--nocapture",
        ]);
        let output = command.env("OPSCTL_TEST_INSIDE", "1").output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
        assert!(stdout.contains("1 passed"), "{stdout}");
        return;
    }
    let up = std::process::Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap();
    assert!(up.success());
    let machine = machine();
    let verbs = [VERBS[0], VERBS[1], VERBS[4]];
    let known = verbs.map(|verb| {
        let (whole, _) = run(&machine, None, None, verb);
        documents(&whole, false).unwrap().iter().flat_map(failures).collect()
    });
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40000").unwrap();
    let taken = std::net::TcpListener::bind("0.0.0.0:40000").unwrap();
    for (verb, known) in verbs.into_iter().zip(known) {
        let (output, took) = run(&machine, None, None, verb);
        assert_eq!(judge(&output, took, false, &known), Vec::<String>::new(), "{verb:?}");
        let stdout = String::from_utf8_lossy(&output.stdout);
        if verb[0] == "status" {
            assert!(stdout.contains("opsctl gets no port for a connection"), "{stdout}");
            assert_eq!(output.status.code(), Some(4), "{stdout}");
        }
    }
    drop(taken);
}
