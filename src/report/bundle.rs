//! What a bundle of evidence holds beside the documents of other verbs: the configuration by name and hash, the commands that
//! were run, and what was left out.

use jiff::Timestamp;
use serde::Serialize;

/// A file that decides how something runs. Its content is nobody's business: names, sizes and hashes are enough to compare.
#[derive(Debug, Serialize)]
pub struct ConfigFile {
    /// Absolute path.
    pub path: String,
    /// The service that it is of; `null` for the host's.
    pub service: Option<&'static str>,
    /// Bytes; `null` where it cannot be read.
    pub bytes: Option<u64>,
    /// Permission bits, octal.
    pub mode: Option<String>,
    /// When it was written.
    pub written: Option<Timestamp>,
    /// SHA-256 of its content.
    pub sha256: Option<String>,
    /// Names of the settings of an env file; empty for others.
    pub keys: Vec<String>,
    /// Why nothing is known of it.
    pub trouble: Option<String>,
}

/// A command that was run.
#[derive(Debug, Serialize)]
pub struct Ran {
    /// As it would be pasted.
    pub command: String,
    /// How it ended; `null` where not by itself.
    pub exit_code: Option<i32>,
    /// Milliseconds.
    pub duration_ms: u64,
}

/// What is in the bundle, and what is not.
#[derive(Debug, Default, Serialize)]
pub struct Manifest {
    /// Names and bytes of the files before this one.
    pub files: Vec<(String, u64)>,
    /// What was cut or left out, and why.
    pub left_out: Vec<String>,
}
