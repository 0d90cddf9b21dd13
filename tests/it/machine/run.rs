//! Runs of opsctl, and what came of each.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::Value;

use super::Machine;

/// How long a run may take before it counts as hung. Far more than any takes, and less than a stand-in hangs.
const LIMIT: Duration = Duration::from_secs(45);

impl Machine {
    /// Runs opsctl on this machine at another time; its exit code.
    pub fn command_at<S: AsRef<OsStr>>(&self, time: &str, args: impl IntoIterator<Item = S>) -> i32 {
        let mut command = self.command(args);
        command.env("OPSCTL_TEST_TIME", time).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().code().unwrap()
    }

    /// Runs opsctl on this machine.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        self.run_with(args, &[])
    }

    /// The same with further variables in the caller's environment.
    pub fn run_with<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, vars: &[(&str, &str)]) -> Run {
        self.run_as(args, |command| {
            command.envs(vars.iter().copied());
        })
    }

    /// The same in that directory.
    pub fn run_in<S: AsRef<OsStr>>(&self, directory: &Path, args: impl IntoIterator<Item = S>) -> Run {
        self.run_as(args, |command| {
            command.current_dir(directory);
        })
    }

    fn run_as<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        change: impl FnOnce(&mut std::process::Command),
    ) -> Run {
        let args: Vec<OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let log = self.dir.join("log");
        fs::remove_dir_all(&log).unwrap();
        fs::create_dir(&log).unwrap();
        let mut command = self.command(&args);
        change(&mut command);
        let output = Command::from_std(command).timeout(LIMIT).output().unwrap();
        let code = output.status.code().unwrap_or_else(|| panic!("{args:?} ended by {:?}", output.status));
        let text = |bytes: Vec<u8>| self.same_everywhere(&String::from_utf8(bytes).unwrap());
        Run { args, code, stdout: text(output.stdout), stderr: text(output.stderr), ran: self.ran(&log) }
    }

    /// The text with what differs from machine to machine and from run to run replaced.
    fn same_everywhere(&self, text: &str) -> String {
        let text = text
            .replace(&self.address.to_string(), "127.0.0.1")
            .replace(&self.tools().display().to_string(), "[TOOLS]")
            .replace(&format!("{}/", self.path("").display().to_string().trim_end_matches('/')), "/")
            .replace(&format!("\"{}\"", env!("CARGO_PKG_VERSION")), "\"[VERSION]\"");
        let waited = regex::Regex::new(r"(no answer|did not finish) in [0-9]+\.[0-9] s").unwrap();
        waited.replace_all(&text, "$1 in [N] s").into_owned()
    }

    /// Tools of the last run that hang still, although opsctl has ended.
    pub fn left_behind(&self) -> Vec<String> {
        let records = fs::read_dir(self.dir.join("log")).unwrap().map(|entry| entry.unwrap().path());
        let tools = records.filter_map(|path| Some(path.file_name()?.to_str()?.strip_suffix(".argv")?.to_owned()));
        let hangs = |tool: &String| {
            let (_, pid) = tool.rsplit_once('.').unwrap();
            fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| words.starts_with(b"sleep"))
        };
        let tools: Vec<String> = tools.collect();
        // What was killed is gone a moment later.
        let until = Instant::now() + Duration::from_secs(2);
        loop {
            let left: Vec<String> = tools.iter().filter(|tool| hangs(tool)).cloned().collect();
            if left.is_empty() || Instant::now() > until {
                return left;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// What the stand-ins recorded, sorted.
    fn ran(&self, log: &Path) -> Vec<Ran> {
        let words = |path: &Path| -> Vec<String> {
            let text = String::from_utf8(fs::read(path).unwrap()).unwrap();
            text.split_terminator('\0').map(|word| self.same_everywhere(word)).collect()
        };
        let is_shared = |path: &PathBuf| path.extension() == Some(OsStr::new("shared"));
        let shared: Vec<PathBuf> =
            fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path()).filter(is_shared).collect();
        assert_eq!(shared, Vec::<PathBuf>::new(), "tools in the session of opsctl");
        let mut all: Vec<Ran> = fs::read_dir(log)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension() == Some(OsStr::new("argv")))
            .map(|path| {
                let file = path.file_name().unwrap().to_str().unwrap();
                let mut argv = vec![file.split('.').next().unwrap().to_owned()];
                argv.extend(words(&path));
                Ran { argv, environment: words(&path.with_extension("environ")) }
            })
            .collect();
        all.sort();
        all
    }
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Run {
    pub args: Vec<OsString>,
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    /// The tools that were run, sorted.
    pub ran: Vec<Ran>,
}

/// A tool that was run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ran {
    pub argv: Vec<String>,
    /// `NAME=value` as it was started, in that order.
    pub environment: Vec<String>,
}

impl Ran {
    /// The tool's name.
    pub fn tool(&self) -> &str {
        &self.argv[0]
    }
}

impl Run {
    /// The one document on stdout, whose head is as promised.
    pub fn json(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{:?}: not one JSON document ({error}): {}", self.args, self.stdout));
        let head = ["schema", "opsctl", "deployment", "host", "time", "verdict", "exit_code", "error"];
        for key in head {
            assert!(document.get(key).is_some(), "{:?}: {key} is missing from {document}", self.args);
        }
        assert_eq!(document["exit_code"], self.code, "{:?}: exit code", self.args);
        assert_eq!(document["error"].is_null(), document["schema"] != "opsctl/error/v1", "{:?}: error", self.args);
        document
    }

    /// The documents on stdout, one a line.
    pub fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    /// A character of what was printed that could drive the terminal or hide what is read.
    pub fn hostile(&self) -> Option<char> {
        let hostile = |c: &char| {
            (c.is_control() && *c != '\n')
                || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        };
        self.everything().chars().find(hostile)
    }

    /// Everything that anybody could read of this run.
    pub fn everything(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}
