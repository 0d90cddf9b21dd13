//! Why a part of the machine gave no answer that can be used: a program, a file, opsctl's own want.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::exec::{Output, ProcessEnd, StartError};
use super::shortage::Shortage;
use super::tools::{Malformed, ending};

/// Why a source said nothing that could be used. None of these is ever read as good, or as bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The tool is not installed.
    Missing(&'static str),
    /// The tool could be swapped by somebody other than root.
    Untrusted(PathBuf),
    /// It did not end in time.
    TimedOut(Duration),
    /// This user may not see it.
    NeedsRoot(&'static str),
    /// What would have answered does not run here.
    Unavailable(String),
    /// The tool failed.
    Failed(String),
    /// The tool's answer cannot be understood.
    Malformed(Malformed),
    /// opsctl itself had not what it takes to ask.
    Shortage(Shortage),
}

impl Trouble {
    /// Whether root would be answered.
    pub fn needs_root(&self) -> bool {
        matches!(self, Trouble::NeedsRoot(_))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Missing(tool) => write!(f, "{tool} is not installed"),
            Trouble::Untrusted(path) => write!(f, "not run: users other than root can change {}", path.display()),
            Trouble::TimedOut(after) => write!(f, "no answer in {:.1} s", after.as_secs_f32()),
            Trouble::NeedsRoot(what) => write!(f, "needs root {what}"),
            Trouble::Unavailable(what) | Trouble::Failed(what) => f.write_str(what),
            Trouble::Malformed(malformed) => malformed.fmt(f),
            Trouble::Shortage(shortage) => shortage.fmt(f),
        }
    }
}

impl Trouble {
    /// Of a file that was to be read.
    pub fn from_io(error: &io::Error) -> Self {
        match (Shortage::of(error), error.kind()) {
            (Some(shortage), _) => Trouble::Shortage(shortage),
            (None, io::ErrorKind::PermissionDenied) => Trouble::denied("to read it"),
            (None, _) => Trouble::Failed(words(error)),
        }
    }

    /// That it may not be seen. Root would be let, unless it is root who asks: then its file system refuses (FUSE and NFS do).
    pub fn denied(what: &'static str) -> Self {
        match rustix::process::geteuid().is_root() {
            true => Trouble::Failed("permission denied, also for root: its file system refuses".to_owned()),
            false => Trouble::NeedsRoot(what),
        }
    }
}

/// What the operating system says of a file; of one on a mount whose other side is gone, that.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotConnected => "the program or server behind its mount is gone".to_owned(),
        io::ErrorKind::StaleNetworkFileHandle => "its mount is stale: the server no longer has it".to_owned(),
        _ => error.to_string(),
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::from_io(&error)
    }
}

impl From<Malformed> for Trouble {
    fn from(malformed: Malformed) -> Self {
        Trouble::Malformed(malformed)
    }
}

impl From<StartError> for Trouble {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Missing(tool) => Trouble::Missing(tool),
            StartError::Untrusted(path) => Trouble::Untrusted(path),
            StartError::Refused(reason) => Trouble::Failed(reason),
            StartError::Short(shortage) => Trouble::Shortage(shortage),
        }
    }
}

/// A command that did not do what it was asked to.
pub fn failure(output: &Output) -> Trouble {
    let how = match output.exit {
        ProcessEnd::Code(code) => format!("exit {code}"),
        ProcessEnd::Signal(signal) => format!("killed by signal {signal}"),
        ProcessEnd::TimedOut(after) => return Trouble::TimedOut(after),
        ProcessEnd::TooMuchOutput => "killed: its output did not end".to_owned(),
    };
    let said = ending(&String::from_utf8_lossy(&output.stderr));
    Trouble::Failed(if said.is_empty() { how } else { format!("{how}: {said}") })
}

/// Why a file was not read.
pub fn of_file(path: &str, error: &io::Error) -> Trouble {
    let failed = || Trouble::Failed(format!("{path}: {}", words(error)));
    Shortage::of(error).map_or_else(failed, Trouble::Shortage)
}
