//! What a service is asked to know whether it is healthy.

use super::data::EnvReader;
use crate::registry::verdict::Verdict;

/// A question that only the service itself can answer.
///
/// ```
/// # use opsctl::registry::*;
/// let probes = [Probe::postgres(5432).user("shop"), Probe::banner(25, "220"), Probe::any(8000)];
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Probe {
    /// An HTTP request without redirects; the first [`Rule`] that fits the answer decides.
    Http(Http),
    /// The service speaks first: the first line must begin with `prefix` (SMTP: `220`). Made by [`Probe::banner`].
    #[non_exhaustive]
    Banner {
        /// Port on the loopback interface.
        port: u16,
        /// What the line must begin with.
        prefix: &'static str,
    },
    /// `PING` must be answered with `PONG`. Made by [`Probe::redis`].
    #[non_exhaustive]
    Redis {
        /// Port on the loopback interface.
        port: u16,
        /// Where the password is, when one is required.
        password: Option<Secret>,
    },
    /// What `pg_isready` does: a start-up packet that must not be refused. Made by [`Probe::postgres`].
    #[non_exhaustive]
    Postgres {
        /// Port on the loopback interface.
        port: u16,
        /// Role named in the packet; it need not be able to log in.
        user: &'static str,
    },
    /// `hello` must be answered with `ok: 1` and a writable primary. Made by [`Probe::mongo`].
    #[non_exhaustive]
    Mongo {
        /// Port on the loopback interface.
        port: u16,
    },
    /// Whatever protocol its port speaks: it takes a connection, and answers, closes it, or reads what it is sent. Made by
    /// [`Probe::any`].
    #[non_exhaustive]
    Any {
        /// Port on the loopback interface.
        port: u16,
    },
    /// The Docker engine must answer its client.
    DockerEngine,
    /// For a program without a port: its container must have written a line with this text lately. Made by
    /// [`Probe::log_line`].
    #[non_exhaustive]
    LogLine {
        /// Text that the line contains.
        contains: &'static str,
        /// How old the newest such line may be, seconds.
        within_seconds: u32,
    },
}

impl Probe {
    /// The port of this host that it asks; `None` where it asks no port, or one that stands in an env file.
    pub(crate) const fn port(&self) -> Option<u16> {
        match self {
            Probe::Http(Http { url: Url::Local { port, .. }, .. })
            | Probe::Banner { port, .. }
            | Probe::Redis { port, .. }
            | Probe::Postgres { port, .. }
            | Probe::Mongo { port }
            | Probe::Any { port } => Some(*port),
            Probe::Http(Http { url: Url::FromEnv(_), .. }) | Probe::DockerEngine | Probe::LogLine { .. } => None,
        }
    }

    /// The secret that it is asked with.
    pub(crate) const fn secret(&self) -> Option<&Secret> {
        match self {
            Probe::Http(Http { url: Url::FromEnv(secret), .. }) => Some(secret),
            Probe::Redis { password, .. } => password.as_ref(),
            Probe::Http(_)
            | Probe::Banner { .. }
            | Probe::Postgres { .. }
            | Probe::Mongo { .. }
            | Probe::Any { .. }
            | Probe::DockerEngine
            | Probe::LogLine { .. } => None,
        }
    }

    /// A connection to `port`, one of the service's own, is greeted with a line that begins with `prefix`, not empty: `220` of
    /// an SMTP server.
    pub const fn banner(port: u16, prefix: &'static str) -> Self {
        Probe::Banner { port, prefix }
    }

    /// A Redis server at `port`, one of the service's own, answers `PING` with `PONG`. Where it demands a password and none is
    /// stated, that demand is a warning: it shows that the server runs, and not that it takes a write.
    pub const fn redis(port: u16) -> Self {
        Probe::Redis { port, password: None }
    }

    /// Where the password of the Redis server is.
    ///
    /// # Panics
    /// On anything but Redis; in a `static` that is a compile error.
    pub const fn password(mut self, secret: Secret) -> Self {
        match &mut self {
            Probe::Redis { password, .. } => *password = Some(secret),
            _ => panic!("Probe::password is for Redis only"),
        }
        self
    }

    /// A PostgreSQL server at `port`, one of the service's own, accepts a start-up packet, as `pg_isready` asks; for the user
    /// `postgres` without [`user`](Self::user).
    pub const fn postgres(port: u16) -> Self {
        Probe::Postgres { port, user: "postgres" }
    }

    /// Role named in the start-up packet of PostgreSQL; it need not be able to log in.
    ///
    /// # Panics
    /// On anything but PostgreSQL; in a `static` that is a compile error.
    pub const fn user(mut self, role: &'static str) -> Self {
        match &mut self {
            Probe::Postgres { user, .. } => *user = role,
            _ => panic!("Probe::user is for PostgreSQL only"),
        }
        self
    }

    /// A MongoDB server at `port`, one of the service's own, answers `hello`, which needs no login, and is a writable primary.
    pub const fn mongo(port: u16) -> Self {
        Probe::Mongo { port }
    }

    /// Whatever listens at `port`, one of the service's own, takes a connection, and answers, closes it, or at least reads what it
    /// is sent: one `GET /` of HTTP. For a port of whose protocol nothing is known. An answer of HTTP below 500 passes; 500 and
    /// above is a warning.
    ///
    /// Prefer [`Http`] where the path and its answer are known: the page at `/` can be healthy while the application is not. Prefer
    /// [`redis`](Self::redis), [`postgres`](Self::postgres) and [`mongo`](Self::mongo) for those servers, and
    /// [`banner`](Self::banner) for a server that greets first: one that greets late reads nothing before, and fails here. Not for
    /// sshd, MySQL and MariaDB, which count such a request as a failed login.
    ///
    /// ```
    /// # use opsctl::registry::Probe;
    /// static PROBES: &[Probe] = &[Probe::any(8123)];
    /// ```
    pub const fn any(port: u16) -> Self {
        Probe::Any { port }
    }

    /// For a program without a port: its container has written a line that contains this text, not empty.
    /// [`within_seconds`](Self::within_seconds) must follow.
    pub const fn log_line(contains: &'static str) -> Self {
        Probe::LogLine { contains, within_seconds: 0 }
    }

    /// How old the newest such line may be, seconds, above 0. Required.
    ///
    /// # Panics
    /// On anything but a log line; in a `static` that is a compile error.
    pub const fn within_seconds(mut self, seconds: u32) -> Self {
        match &mut self {
            Probe::LogLine { within_seconds, .. } => *within_seconds = seconds,
            _ => panic!("Probe::within_seconds is for a log line only"),
        }
        self
    }
}

/// An HTTP probe.
///
/// ```
/// # use opsctl::registry::*;
/// static HEALTH: Http = Http::get(8000, "/health", &[Rule::ok(200)]).show(&["version"]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Http {
    /// What is asked.
    pub url: Url,
    /// `Host:` header, where it must differ from the address.
    pub host: Option<&'static str>,
    /// First match wins; an answer that no rule fits is a failure.
    pub rules: &'static [Rule],
    /// JSON paths whose values are shown when the verdict is not a pass.
    pub show: &'static [&'static str],
}

impl Http {
    /// `GET http://127.0.0.1:PORT/PATH`, without redirects. The path begins with `/`. The first rule that fits the answer
    /// decides; an answer that none fits is a failure. As a probe it needs at least one rule, and the port is one of the
    /// service's own; as evidence of a [`Clue::Get`](crate::registry::Clue::Get) it has none.
    pub const fn get(port: u16, path: &'static str, rules: &'static [Rule]) -> Self {
        Http { url: Url::Local { port, path }, host: None, rules, show: &[] }
    }

    /// The same of the URL that stands in an env file. Not as evidence of a [`Clue::Get`](crate::registry::Clue::Get).
    pub const fn get_from(url: Secret, rules: &'static [Rule]) -> Self {
        Http { url: Url::FromEnv(url), host: None, rules, show: &[] }
    }

    /// `Host:` header, where it must differ from the address.
    pub const fn host(mut self, name: &'static str) -> Self {
        self.host = Some(name);
        self
    }

    /// Paths of the JSON body, keys joined by dots, whose values are shown when the verdict is not a pass.
    pub const fn show(mut self, paths: &'static [&'static str]) -> Self {
        self.show = paths;
        self
    }
}

/// Where an HTTP probe goes. Made by [`Http::get`] and [`Http::get_from`].
///
/// ```
/// # use opsctl::registry::*;
/// static HEALTH: Http = Http::get(8000, "/health", &[Rule::ok(200)]);
/// assert!(matches!(HEALTH.url, Url::Local { port: 8000, .. }));
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Url {
    /// `http://127.0.0.1:port/path`.
    #[non_exhaustive]
    Local {
        /// Port.
        port: u16,
        /// Path, beginning with `/`.
        path: &'static str,
    },
    /// The URL that stands in an env file.
    FromEnv(Secret),
}

/// A value in a `KEY=value` file, named, never copied into the registry.
///
/// ```
/// # use opsctl::registry::*;
/// let password = Secret::in_file("/etc/shop.env").key("REDIS_PASSWORD");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Secret {
    /// Absolute path of the file.
    pub file: &'static str,
    /// Key in it. When the value is a URL with a password, the password is meant.
    pub key: &'static str,
    /// Who else reads the file, and so decides what is in it.
    pub reader: EnvReader,
}

impl Secret {
    /// A value in the `KEY=value` file at this absolute path, which is read as systemd reads it, and nearly as a shell does.
    /// [`key`](Self::key) must follow.
    pub const fn in_file(path: &'static str) -> Self {
        Secret { file: path, key: "", reader: EnvReader::Systemd }
    }

    /// Who else reads the file, when that is not systemd.
    pub const fn read_by(mut self, reader: EnvReader) -> Self {
        self.reader = reader;
        self
    }

    /// Its key. Where a password is wanted and the value is a URL with one, that password is meant. Required.
    pub const fn key(mut self, name: &'static str) -> Self {
        self.key = name;
        self
    }
}

/// One way in which an HTTP answer may be understood.
///
/// ```
/// # use opsctl::registry::*;
/// let rules = [Rule::ok(200), Rule::fail(503).meaning("its database does not answer")];
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Rule {
    /// Status code, or `None` for any.
    pub status: Option<u16>,
    /// Conditions on the JSON body; all must hold.
    pub when: &'static [Condition],
    /// The outcome.
    pub verdict: Verdict,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

impl Rule {
    /// How a web server of which no more is known is judged by what it answers at `/`.
    pub(crate) const OF_WEB_SERVER: &'static [Rule] = &[
        Rule::warn(502).meaning("its upstream does not answer"),
        Rule::warn(503).meaning("reports that it is unavailable"),
        Rule::warn(504).meaning("its upstream is too slow"),
        Rule::any_status(Verdict::Pass),
    ];

    /// This status code passes; it means `answers` where [`meaning`](Self::meaning) does not say more.
    pub const fn ok(status: u16) -> Self {
        Rule { status: Some(status), when: &[], verdict: Verdict::Pass, meaning: "answers" }
    }

    /// This status code is a warning. [`meaning`](Self::meaning) must follow.
    pub const fn warn(status: u16) -> Self {
        Rule { status: Some(status), when: &[], verdict: Verdict::Warn, meaning: "" }
    }

    /// This status code is a failure. [`meaning`](Self::meaning) must follow.
    pub const fn fail(status: u16) -> Self {
        Rule { status: Some(status), when: &[], verdict: Verdict::Fail, meaning: "" }
    }

    /// Any status code has this verdict; it means `answers` where [`meaning`](Self::meaning) does not say more.
    pub const fn any_status(verdict: Verdict) -> Self {
        Rule { status: None, when: &[], verdict, meaning: "answers" }
    }

    /// Only when all of these hold of the JSON body.
    pub const fn when(mut self, conditions: &'static [Condition]) -> Self {
        self.when = conditions;
        self
    }

    /// What such an answer means, in a few words: `cannot reach its database`.
    pub const fn meaning(mut self, text: &'static str) -> Self {
        self.meaning = text;
        self
    }
}

/// A condition on a JSON body. Made by [`Condition::at`].
///
/// ```
/// # use opsctl::registry::*;
/// static DEGRADED: Rule = Rule::warn(200).when(&[Condition::at("status").is("degraded")]).meaning("it serves without its cache");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Condition {
    /// The value at the path is this string, or prints as it (`true`, `0`).
    #[non_exhaustive]
    Is(&'static str, &'static str),
    /// The path exists.
    #[non_exhaustive]
    Exists(&'static str),
    /// The number at the path is at most this.
    #[non_exhaustive]
    AtMost(&'static str, u32),
}

impl Condition {
    /// A condition on the value at this path of a JSON body, keys joined by dots: `services.database`.
    pub const fn at(path: &'static str) -> JsonPath {
        JsonPath { path }
    }
}

/// A place in a JSON body, for [`Condition::at`].
///
/// ```
/// # use opsctl::registry::*;
/// let backlog = Condition::at("queue.length").at_most(100);
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct JsonPath {
    path: &'static str,
}

impl JsonPath {
    /// The value is this string, or prints as it (`true`, `0`).
    pub const fn is(self, value: &'static str) -> Condition {
        Condition::Is(self.path, value)
    }

    /// There is a value.
    pub const fn exists(self) -> Condition {
        Condition::Exists(self.path)
    }

    /// The value is a number, and at most this.
    pub const fn at_most(self, bound: u32) -> Condition {
        Condition::AtMost(self.path, bound)
    }
}
