//! What came of a run of opsctl.

use std::ffi::OsString;

use serde_json::Value;

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
