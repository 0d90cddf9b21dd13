//! `opsctl logs` where lines are really written: by journald, docker, pm2 and programs that write files.
//!
//! A test a deployment reads every source that it has. The others boot a bare host and make units, containers and files of
//! the names that prim and plugspace have, because there nothing else writes: so whole outputs can be compared.

mod destinations;
mod follow;
mod hostile;
mod ranges;
mod sources;
mod troubles;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::machine::{Machine, Ran};

/// How long anything that must come may take: machines are shared.
const PATIENCE: Duration = Duration::from_secs(15);

/// The lines of an output in JSON, each with exactly the keys that a line has.
fn lines(stdout: &str) -> Vec<Value> {
    let keys: BTreeSet<&str> =
        ["time", "service", "source", "level", "message", "fields", "truncated"].into_iter().collect();
    let line = |text: &str| {
        let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let found: BTreeSet<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, keys, "{text}");
        value
    };
    stdout.lines().map(line).collect()
}

/// Runs `opsctl logs … -o json`, which must succeed and say nothing beside its lines.
fn read(machine: &Machine, args: &str) -> Vec<Value> {
    let ran = opsctl(machine, &format!("{args} -o json"));
    assert_eq!((ran.code, beside_its_beginning(&ran).as_str()), (0, ""), "{args}");
    lines(&ran.stdout)
}

/// What is said beside the lines, but for where the journal of a host that has just started begins.
fn beside_its_beginning(ran: &Ran) -> String {
    ran.stderr.lines().filter(|line| !line.starts_with("opsctl: the journal begins at ")).collect()
}

/// Runs `opsctl logs` with these words; one that does not end is ended with 124.
fn opsctl(machine: &Machine, args: &str) -> Ran {
    machine.run(&["sh", "-c", &format!("exec timeout 60 opsctl logs {args}")])
}

fn text<'v>(line: &'v Value, key: &str) -> &'v str {
    line[key].as_str().unwrap_or("-")
}

fn messages(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| text(line, "message")).collect()
}

/// Every service and source that wrote something, as `service source`; `-` for the host.
fn seen(lines: &[Value]) -> Vec<String> {
    let seen: BTreeSet<String> =
        lines.iter().map(|line| format!("{} {}", text(line, "service"), text(line, "source"))).collect();
    seen.into_iter().collect()
}

/// Times that are known must never go back.
fn sorted(lines: &[Value]) {
    let times: Vec<&str> = lines.iter().filter_map(|line| line["time"].as_str()).collect();
    for pair in times.windows(2) {
        assert!(pair[0] <= pair[1], "{} is printed before {}", pair[0], pair[1]);
    }
}

/// All lines of a whole host, for which every source must be understood.
fn all(machine: &Machine, sources: &[&str]) -> Vec<Value> {
    let lines = read(machine, "--all -n all");
    assert_eq!(seen(&lines), sources);
    sorted(&lines);
    lines
}

/// Level, message and fields of the first line of that source that says this. Times within the fields are masked.
fn understood(lines: &[Value], source: &str, message: &str) -> Value {
    let found = lines.iter().find(|line| text(line, "source") == source && text(line, "message").contains(message));
    let Some(line) = found else { panic!("{source} does not say {message}") };
    let mut fields = line["fields"].clone();
    for time in ["ts", "t", "time"] {
        if let Some(value) = fields.get_mut(time) {
            *value = "[time]".into();
        }
    }
    assert_ne!(line["time"], Value::Null, "{line}");
    json!([line["level"], line["message"], fields])
}

// --- the deployments' own sources ---------------------------------------------------------------------------------------

/// Makes a unit that runs a Python program or shell lines.
fn unit(machine: &Machine, name: &str, exec: &str, more: &str) {
    machine.sh(&format!(
        "cat > /run/systemd/system/{name}.service <<'END'\n[Unit]\nDescription={name}\nStartLimitIntervalSec=0\n\
         [Service]\n{more}\nExecStart={exec}\nEND\nsystemctl daemon-reload"
    ));
}

/// Puts a Python program on the host.
fn program(machine: &Machine, name: &str, code: &str) {
    machine.sh(&format!("cat > /root/{name} <<'END'\n{code}\nEND"));
}

/// Starts docker, with an image of busybox.
fn docker(machine: &Machine) {
    machine.sh("systemctl start docker; /usr/local/lib/test-host/import-image busybox test:1");
}

/// `opsctl logs … -o json` that is left running.
struct Followed<'m> {
    machine: &'m Machine,
    child: Child,
    pid: PathBuf,
    heard: Receiver<(Instant, Value)>,
    told: Receiver<String>,
}

impl<'m> Followed<'m> {
    fn begin(machine: &'m Machine, args: &str) -> Self {
        let pid = PathBuf::from(format!("/run/followed-{:x}", args.bytes().map(u64::from).sum::<u64>()));
        let script = format!("rm -f {0}; echo $$ > {0}; exec opsctl logs {args} -o json", pid.display());
        let mut child = machine.start(&["sh", "-c", &script]);
        let (say, heard) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines() {
                let line = line.unwrap();
                let now = Instant::now();
                let value = lines(&line).remove(0);
                if say.send((now, value)).is_err() {
                    return;
                }
            }
        });
        let (say, told) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || stderr.lines().map(Result::unwrap).try_for_each(|line| say.send(line)));
        Followed { machine, child, pid, heard, told }
    }

    fn next(&self) -> (Instant, Value) {
        self.heard.recv_timeout(PATIENCE).expect("a line in time")
    }

    /// All lines up to the first that is wanted.
    fn until(&self, mut is_wanted: impl FnMut(&Value) -> bool) -> Vec<Value> {
        let mut found = Vec::new();
        loop {
            let (_, line) = self.next();
            let done = is_wanted(&line);
            found.push(line);
            if done {
                return found;
            }
        }
    }

    /// The next line on its standard error.
    fn told(&self) -> String {
        self.told.recv_timeout(PATIENCE).expect("a word in time")
    }

    /// Sends it a signal; what it exits with. It must have nothing (more) to say.
    fn end(mut self, signal: &str) -> i32 {
        self.machine.sh(&format!("kill -{signal} $(cat {})", self.pid.display()));
        let code = self.child.wait().unwrap().code().unwrap();
        assert_eq!(self.told.iter().collect::<Vec<_>>(), Vec::<String>::new());
        code
    }
}
