//! What a step runs: a command, or a request to a service of this host.

use super::super::service::Service;

/// A command: one program and its arguments, which may hold parameters; never a line for a shell.
///
/// ```
/// # use opsctl::registry::*;
/// let rules = Invocation::new(&["ufw", "status"])
///     .seconds(10)
///     .expects("(?m)^Status: active")
///     .means("ufw is active", "ufw is not active");
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use]
#[non_exhaustive]
pub struct Invocation {
    /// Program and arguments. The program has no path; where it lies is decided when it runs.
    pub words: &'static [&'static str],
    /// User it runs as; `None` for root.
    pub user: Option<&'static str>,
    /// It runs in the container of this service.
    pub inside: Option<&'static Service>,
    /// What it reads on its standard input; may hold parameters.
    pub input: Option<&'static str>,
    /// How long it may take.
    pub seconds: u32,
    /// A regular expression that its output must match, beyond exit code 0; may hold parameters, which stand for themselves.
    pub expects: Option<&'static str>,
    /// An exit code that means no, where it is asked for an [`Assertion`](super::Assertion); every other code but 0 is unknown.
    pub no: Option<i32>,
    /// What it means where it is asked for an [`Assertion`](super::Assertion): that it holds, and that it does not.
    pub means: Option<(&'static str, &'static str)>,
}

impl Invocation {
    /// This program with these arguments, as root, for at most 30 seconds.
    pub const fn new(words: &'static [&'static str]) -> Self {
        Invocation { words, user: None, inside: None, input: None, seconds: 30, expects: None, no: None, means: None }
    }

    /// Runs it as this user.
    pub const fn user(mut self, name: &'static str) -> Self {
        self.user = Some(name);
        self
    }

    /// Runs it in the container of this service, whatever that is called on the host.
    pub const fn inside(mut self, service: &'static Service) -> Self {
        self.inside = Some(service);
        self
    }

    /// What it reads on its standard input.
    pub const fn input(mut self, text: &'static str) -> Self {
        self.input = Some(text);
        self
    }

    /// How long it may take.
    pub const fn seconds(mut self, seconds: u32) -> Self {
        self.seconds = seconds;
        self
    }

    /// A regular expression that its output must match, beyond exit code 0.
    pub const fn expects(mut self, pattern: &'static str) -> Self {
        self.expects = Some(pattern);
        self
    }

    /// The exit code that means no, where it is asked for an [`Assertion`](super::Assertion); of a step that shows lines, that there are none.
    pub const fn no(mut self, code: i32) -> Self {
        self.no = Some(code);
        self
    }

    /// What it means that it holds, and that it does not, where it is asked for an [`Assertion`](super::Assertion): `ufw is active`, `ufw is not active`.
    /// Required there; both may hold parameters.
    pub const fn means(mut self, holds: &'static str, fails: &'static str) -> Self {
        self.means = Some((holds, fails));
        self
    }
}

/// A request over HTTP to a service of this host, with a JSON document.
///
/// ```
/// # use opsctl::registry::*;
/// let silence = Request::post(9093, "/api/v2/silences", r#"{"comment":"{reason}"}"#);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Request {
    /// `POST` or `DELETE`.
    pub method: &'static str,
    /// Port on the loopback.
    pub port: u16,
    /// Path, which may hold parameters.
    pub path: &'static str,
    /// The document; parameters in it are escaped as JSON strings. `{NAME.end}` is the time when a parameter that is a span of time,
    /// counted from when it is sent, is over.
    pub body: &'static str,
}

impl Request {
    /// `POST` of a document.
    pub const fn post(port: u16, path: &'static str, body: &'static str) -> Self {
        Request { method: "POST", port, path, body }
    }

    /// `DELETE` of a path.
    pub const fn delete(port: u16, path: &'static str) -> Self {
        Request { method: "DELETE", port, path, body: "" }
    }
}
