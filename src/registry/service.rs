//! Something that runs: who manages it, what it is asked, where it writes, and what it needs.

use super::severity::Level;
use super::verdict::Verdict;

/// Something that runs and can be healthy or not.
#[derive(Debug)]
pub struct Service {
    /// Name on the command line, unique in its deployment.
    pub name: &'static str,
    /// One line: what it does.
    pub summary: &'static str,
    /// How bad it is when this is down.
    pub severity: &'static Level,
    /// Why it has that severity.
    pub severity_reason: &'static str,
    /// Who starts and stops it; the first is the one that a restart goes to. Several when one wraps another (a unit
    /// around a compose project). Empty when nothing on this host does.
    pub managers: &'static [Manager],
    /// TCP ports it listens on, the main one first.
    pub ports: &'static [u16],
    /// Where the outside reaches it, through the proxy.
    pub routes: &'static [Route],
    /// How its health is asked. Empty only where there is nothing to ask.
    pub probes: &'static [Probe],
    /// Whether it is expected on every host of the deployment.
    pub presence: Presence,
    /// Services it cannot work without.
    pub needs: &'static [&'static Service],
    /// Its configuration in `KEY=value` form.
    pub env: Option<EnvFile>,
    /// What it keeps on disk.
    pub data: &'static [Data],
    /// Where its log lines are; empty: where its managers keep them (the journal of its unit, its container's output).
    pub logs: &'static [Log],
    /// Memory bounds.
    pub memory: Option<Memory>,
    /// What is lost by restarting it; `None` when nothing is.
    pub restart_loses: Option<&'static str>,
    /// How much of that there is right now, as one of its HTTP probes says.
    pub at_stake: Option<AtStake>,
    /// Where runbook and reality differ, and what an operator must know.
    pub note: Option<&'static str>,
}

impl Service {
    /// A service that has a name and a severity and nothing else yet.
    pub const fn new(
        name: &'static str,
        summary: &'static str,
        severity: &'static Level,
        severity_reason: &'static str,
    ) -> Self {
        Service {
            name,
            summary,
            severity,
            severity_reason,
            managers: &[],
            ports: &[],
            routes: &[],
            probes: &[],
            presence: Presence::Required,
            needs: &[],
            env: None,
            data: &[],
            logs: &[],
            memory: None,
            restart_loses: None,
            at_stake: None,
            note: None,
        }
    }

    /// Where it writes: as stated, else where its managers keep what it prints. An application of pm2 states its files.
    pub fn log_sources(&self) -> Vec<Log> {
        if !self.logs.is_empty() {
            return self.logs.to_vec();
        }
        let kept = |manager: &Manager| match manager {
            Manager::Systemd(unit) => Some(Log::Journal(unit.name)),
            Manager::Compose(_) | Manager::Docker(_) => Some(Log::Container),
            Manager::Pm2(_) => None,
        };
        self.managers.iter().filter_map(kept).collect()
    }
}

/// A number in the JSON answer of a health probe that says what a restart would lose.
#[derive(Debug)]
pub struct AtStake {
    /// Keys joined by dots.
    pub path: &'static str,
    /// What the number counts, in the plural.
    pub what: &'static str,
}

/// Whether a service is expected to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Its absence is a failure.
    Required,
    /// Judged where it exists, left out where it does not; the text says when that is.
    IfFound(&'static str),
    /// Known to the runbook, not observable from this host; the text says why. Never judged.
    Elsewhere(&'static str),
}

/// Who starts and stops a service.
#[derive(Debug)]
pub enum Manager {
    /// A systemd unit.
    Systemd(Unit),
    /// A service of a compose project.
    Compose(Compose),
    /// A container, or the task of a Swarm service, known by name.
    Docker(Container),
    /// An application of a pm2 daemon.
    Pm2(App),
}

impl Manager {
    /// The tool's name, as `status` prints it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Manager::Systemd(_) => "systemd",
            Manager::Compose(_) => "compose",
            Manager::Docker(_) => "docker",
            Manager::Pm2(_) => "pm2",
        }
    }

    /// The tool's own name for the thing: unit, container or application.
    pub const fn unit(&self) -> &'static str {
        match self {
            Manager::Systemd(unit) => unit.name,
            Manager::Compose(compose) => match compose.container {
                Some(name) => name,
                None => compose.service,
            },
            Manager::Docker(container) => container.names[0],
            Manager::Pm2(app) => app.name,
        }
    }
}

/// A systemd unit, with the settings that it must have. `None` means: not stated by the runbook, not compared.
#[derive(Debug)]
pub struct Unit {
    /// Full unit name with its suffix.
    pub name: &'static str,
    /// Names the same unit has on other distributions, tried when the first is not found.
    pub aliases: &'static [&'static str],
    /// `User=`.
    pub user: Option<&'static str>,
    /// `WorkingDirectory=`.
    pub working_directory: Option<&'static str>,
    /// `Restart=`, as systemd spells it.
    pub restart: Option<&'static str>,
    /// Whether it must start at boot.
    pub enabled: bool,
}

impl Unit {
    /// A unit that is enabled and about which nothing else is stated.
    pub const fn new(name: &'static str) -> Self {
        Unit { name, aliases: &[], user: None, working_directory: None, restart: None, enabled: true }
    }
}

/// A service of a compose project.
#[derive(Debug)]
pub struct Compose {
    /// Project name (by default the directory's name).
    pub project: &'static str,
    /// Service name in the file.
    pub service: &'static str,
    /// `container_name:`, where the file sets one; else the container is found by its project and service labels.
    pub container: Option<&'static str>,
    /// Absolute paths at which the compose file may lie; the first that exists is taken.
    pub files: &'static [&'static str],
}

/// A container that compose does not manage, or of which it is not known what does.
#[derive(Debug)]
pub struct Container {
    /// Exact container names, or Swarm service names, under which it has been seen. Exactly one must exist.
    pub names: &'static [&'static str],
}

/// An application under pm2.
#[derive(Debug)]
pub struct App {
    /// Name in the ecosystem file.
    pub name: &'static str,
    /// The user that owns the daemon; pm2 is only ever called as this user.
    pub user: &'static str,
    /// `PM2_HOME` of that daemon.
    pub home: &'static str,
    /// How many instances the ecosystem file asks for.
    pub instances: Instances,
    /// `max_memory_restart` of one instance, bytes.
    pub memory_restart_bytes: u64,
}

/// `instances` of a pm2 application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instances {
    /// Fork mode: one process.
    Fork,
    /// Cluster mode, this many.
    Cluster(u16),
    /// Cluster mode, one a processor.
    ClusterMax,
}

/// A public address and the local port that the proxy must send it to.
#[derive(Debug)]
pub struct Route {
    /// Host name.
    pub host: &'static str,
    /// Path prefix; `/` for the whole host.
    pub path: &'static str,
    /// Upstream port on the loopback interface.
    pub port: u16,
}

impl Route {
    /// The whole of `host` goes to `port`.
    pub const fn new(host: &'static str, port: u16) -> Self {
        Route { host, path: "/", port }
    }

    /// `host` or `host/path`.
    pub(crate) fn endpoint(&self) -> String {
        if self.path == "/" { self.host.to_owned() } else { format!("{}{}", self.host, self.path) }
    }
}

/// A question that only the service itself can answer.
#[derive(Debug)]
pub enum Probe {
    /// An HTTP request without redirects; the first [`Rule`] that fits the answer decides.
    Http(Http),
    /// The service speaks first: the first line must begin with `prefix` (SMTP: `220`).
    Banner {
        /// Port on the loopback interface.
        port: u16,
        /// What the line must begin with.
        prefix: &'static str,
    },
    /// `PING` must be answered with `PONG`.
    Redis {
        /// Port on the loopback interface.
        port: u16,
        /// Where the password is, when one is required.
        password: Option<Secret>,
    },
    /// What `pg_isready` does: a start-up packet that must not be turned away.
    Postgres {
        /// Port on the loopback interface.
        port: u16,
        /// Role named in the packet; it need not be able to log in.
        user: &'static str,
    },
    /// `hello` must be answered with `ok: 1` and a writable primary.
    Mongo {
        /// Port on the loopback interface.
        port: u16,
    },
    /// The Docker engine must answer its client.
    DockerEngine,
    /// For a program without a port: its container must have written a line with this text lately.
    LogLine {
        /// Text that the line contains.
        contains: &'static str,
        /// How old the newest such line may be, seconds.
        within_seconds: u32,
    },
}

/// An HTTP probe.
#[derive(Debug)]
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
    /// `GET http://127.0.0.1:PORT/PATH`, judged by `rules`.
    pub const fn get(port: u16, path: &'static str, rules: &'static [Rule]) -> Self {
        Http { url: Url::Local { port, path }, host: None, rules, show: &[] }
    }
}

/// Where an HTTP probe goes.
#[derive(Debug)]
pub enum Url {
    /// `http://127.0.0.1:port/path`.
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
#[derive(Debug)]
pub struct Secret {
    /// Absolute path of the file.
    pub file: &'static str,
    /// Key in it. When the value is a URL with a password, the password is meant.
    pub key: &'static str,
}

/// One way in which an HTTP answer may be understood.
#[derive(Debug)]
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
    /// This status code passes.
    pub const fn ok(status: u16) -> Self {
        Rule { status: Some(status), when: &[], verdict: Verdict::Pass, meaning: "answers" }
    }

    /// This status code passes when the JSON body fits.
    pub const fn json(status: u16, when: &'static [Condition]) -> Self {
        Rule { status: Some(status), when, verdict: Verdict::Pass, meaning: "answers" }
    }
}

/// A condition on a JSON body; paths are keys joined by dots.
#[derive(Debug)]
pub enum Condition {
    /// The value is this string, or prints as it (`true`, `0`).
    Is(&'static str, &'static str),
    /// The path exists.
    Exists(&'static str),
    /// The number is at most this.
    AtMost(&'static str, u32),
}

/// A file of `KEY=value` lines that a service reads at start.
#[derive(Debug)]
pub struct EnvFile {
    /// Absolute paths at which it may lie; the first that exists is taken.
    pub paths: &'static [&'static str],
    /// Owner, `user:group`; `None` when not stated.
    pub owner: Option<&'static str>,
    /// Permission bits; looser ones are drift.
    pub mode: u32,
    /// Keys without which the service does not work. Values are never read out.
    pub required: &'static [&'static str],
}

/// Something kept on disk.
#[derive(Debug)]
pub struct Data {
    /// Absolute path, or the volume's name.
    pub path: &'static str,
    /// What kind of thing it is.
    pub kind: DataKind,
    /// What is in it, and what its loss means.
    pub what: &'static str,
}

/// Kinds of data at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataKind {
    /// An SQLite database file.
    Sqlite,
    /// A directory.
    Directory,
    /// A named Docker volume.
    Volume,
    /// A plain file.
    File,
}

/// A source of log lines.
#[derive(Debug, Clone, Copy)]
pub enum Log {
    /// The journal of a unit.
    Journal(&'static str),
    /// Standard output of the service's own container.
    Container,
    /// Standard output and error of the service's pm2 application, as its ecosystem file states them.
    Pm2 {
        /// `out_file`, absolute.
        out: &'static str,
        /// `error_file`, absolute.
        error: &'static str,
    },
    /// The same lines as another of the service's sources once more: read only when asked for by name.
    Copy(&'static Log),
    /// A file.
    File {
        /// Absolute path.
        path: &'static str,
        /// What is in it and in which form.
        what: &'static str,
    },
}

/// Memory bounds of a service, bytes.
#[derive(Debug)]
pub struct Memory {
    /// Above this it is worth a warning.
    pub alarm_bytes: Option<u64>,
    /// Hard limit set by its manager.
    pub limit_bytes: Option<u64>,
    /// Where the figures come from.
    pub source: &'static str,
}
