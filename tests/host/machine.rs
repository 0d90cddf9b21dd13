//! A booted host: commands are run on it, and it is thrown away when dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use crate::procedures::table;

pub struct Machine {
    name: String,
    deployment: String,
}

/// What a command on a host came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/host")
}

/// The binary under test: `OPSCTL_BIN`, else the release build.
fn binary() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/opsctl");
    std::env::var_os("OPSCTL_BIN").map_or_else(built, PathBuf::from)
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Machine {
    /// Boots a host of that deployment and puts opsctl on it.
    pub fn boot(deployment: &str) -> Self {
        Self::boot_as(deployment, &format!("it-{deployment}"))
    }

    /// The same under a name of its own, where another test has a host of that deployment too.
    pub fn boot_as(deployment: &str, name: &str) -> Self {
        let machine = Machine { name: name.to_owned(), deployment: deployment.to_owned() };
        machine.host(&["down", &machine.name], true);
        machine.host(&["up", deployment, &machine.name], true);
        let binary = binary();
        machine.host(&["put", &machine.name, binary.to_str().unwrap(), "/usr/local/bin/opsctl"], true);
        // The load is that of the whole machine, on which other things run.
        machine.sh("echo '0.10 0.20 0.30 1/100 4242' > /run/loadavg; mount --bind /run/loadavg /proc/loadavg");
        machine
    }

    /// Builds an example and puts it there as a program.
    pub fn put_example(&self, name: &str, to: &str) {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--example", name])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", ran(built).stderr);
        // Beside `deps`, where this test is.
        let own = std::env::current_exe().unwrap();
        self.put(&own.ancestors().nth(2).unwrap().join("examples").join(name), to);
    }

    /// Copies a file or a directory onto it, modes kept.
    pub fn put(&self, from: &Path, to: &str) {
        self.host(&["put", &self.name, from.to_str().unwrap(), to], true);
    }

    fn host(&self, args: &[&str], must_succeed: bool) -> Ran {
        let output = Command::new(script()).args(args).stdin(Stdio::null()).output().unwrap();
        let ran = ran(output);
        assert!(!must_succeed || ran.code == 0, "host {args:?}: {ran:#?}");
        ran
    }

    /// Runs a command as root, in the environment that `host run` gives it.
    pub fn run(&self, command: &[&str]) -> Ran {
        let mut args = vec!["run", self.name.as_str()];
        args.extend(command);
        let begun = Instant::now();
        let ran = self.host(&args, false);
        table::seen(&self.deployment, command, &ran, begun.elapsed().as_secs());
        ran
    }

    /// Runs a command as another user.
    pub fn run_as(&self, user: &str, command: &[&str]) -> Ran {
        let mut args = vec!["run", "--user", user, self.name.as_str()];
        args.extend(command);
        self.host(&args, false)
    }

    /// Starts a command as root and leaves it running; its output is the caller's to read.
    pub fn start(&self, command: &[&str]) -> Child {
        let mut host = Command::new(script());
        host.arg("run").arg(&self.name).args(command);
        host.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Where its files are, seen from outside.
    pub fn root(&self) -> PathBuf {
        PathBuf::from(self.host(&["root", &self.name], true).stdout.trim_end())
    }

    /// Runs shell lines that must succeed.
    pub fn sh(&self, lines: &str) -> String {
        let ran = self.run(&["sh", "-ec", lines]);
        assert_eq!(ran.code, 0, "{lines}\n{ran:#?}");
        ran.stdout
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.host(&["logs", &self.name], false).stdout);
        }
        self.host(&["down", &self.name], false);
    }
}
