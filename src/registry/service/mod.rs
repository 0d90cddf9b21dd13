//! Services: what runs on the host, what manages it, how its health is probed, where it logs, and what it needs.
//!
//! # How to write the services of a deployment
//! A `static` each, in a file `services.rs`, and a table of references to them for
//! [`Deployment::new`](super::Deployment::new), in the order in which an operator thinks of them:
//!
//! - [`Service::new`] takes the name and the severity of an outage; [`Service::summary`] and [`Service::severity_reason`] must
//!   follow.
//! - [`Service::managers`]: a systemd unit, a compose service, a container, a pm2 application. The first one takes a restart.
//! - [`Service::ports`], the main one first. The port of each probe and of each route is one of them.
//! - [`Service::probes`]: what only the service itself can answer; [`Probe::any`] where no more than its port is known. Where
//!   there is neither a manager nor a probe, nothing could be said of the service, and it is refused.
//! - [`Service::needs`]: what it cannot work without. A service stands below what it needs, which rules out circles.
//! - [`Service::presence`], where it is not on every host of the deployment.
//! - Where runbook and reality differ, or an operator must know more: [`Service::note`].
//!
//! Values of env files never stand in the registry: [`EnvFile`] and [`Secret`] name files and keys.
//!
//! ```
//! use opsctl::registry::{Condition, EnvFile, Http, Level, Manager, Probe, Route, Rule, Service, Unit};
//!
//! static DOWN: Level = Level::new("P1").criterion("nobody can order").response("now").action("restart the shop");
//!
//! static DATABASE: Service = Service::new("database", &DOWN)
//!     .summary("orders and inventory")
//!     .severity_reason("the shop answers 500 without it")
//!     .managers(&[Manager::Systemd(Unit::new("postgresql.service"))])
//!     .ports(&[5432])
//!     .probes(&[Probe::postgres(5432).user("shop")]);
//!
//! static SHOP: Service = Service::new("shop", &DOWN)
//!     .summary("the web shop")
//!     .severity_reason("it is all that customers see")
//!     .managers(&[Manager::Systemd(Unit::new("shop.service").user("shop").restart("always"))])
//!     .ports(&[8000])
//!     .routes(&[Route::new("shop.example", 8000)])
//!     .probes(&[Probe::Http(Http::get(
//!         8000,
//!         "/health",
//!         &[
//!             Rule::ok(200).when(&[Condition::at("status").is("healthy")]),
//!             Rule::warn(200).when(&[Condition::at("status").is("degraded")]).meaning("degraded"),
//!             Rule::fail(503).meaning("cannot reach its database"),
//!         ],
//!     ))])
//!     .needs(&[&DATABASE])
//!     .env(EnvFile::new(&["/srv/shop/.env"]).owner("shop:shop").required(&["DATABASE_URL"]))
//!     .restart_loses("orders that are being paid");
//!
//! static SERVICES: &[&Service] = &[&DATABASE, &SHOP];
//! ```

mod data;
mod log;
mod manager;
mod probe;
mod setting;

pub use data::*;
pub use log::*;
pub use manager::*;
pub use probe::*;
pub use setting::*;

use schemars::JsonSchema;
use serde::Serialize;

use super::notify::Thresholds;
use super::severity::Level;

/// Something that runs and can be healthy or not.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// static SHOP: Service = Service::new("shop", &DOWN)
///     .summary("the web shop")
///     .severity_reason("it is all that customers see")
///     .managers(&[Manager::Systemd(Unit::new("shop.service"))])
///     .ports(&[8000])
///     .probes(&[Probe::any(8000)]);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
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
    /// Where it is reached from outside, through the proxy.
    pub routes: &'static [Route],
    /// How its health is probed. Empty only where there is nothing to ask.
    pub probes: &'static [Probe],
    /// Whether it is expected on every host of the deployment.
    pub presence: Presence,
    /// Services it cannot work without.
    pub needs: &'static [&'static Service],
    /// Whether a runbook states it, or it was found on the host.
    pub origin: Origin,
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
    /// How many checks in a row make a change of state that is notified.
    pub thresholds: Thresholds,
}

impl Service {
    /// A service of this name on the command line: lower-case letters, digits and dashes, unique in its deployment. `severity`
    /// is that of an outage, one of the deployment's levels. It is expected on every host. [`summary`](Self::summary) and
    /// [`severity_reason`](Self::severity_reason) must follow, and a manager or a probe.
    pub const fn new(name: &'static str, severity: &'static Level) -> Self {
        Service {
            name,
            summary: "",
            severity,
            severity_reason: "",
            managers: &[],
            ports: &[],
            routes: &[],
            probes: &[],
            presence: Presence::Required,
            needs: &[],
            origin: Origin::Stated,
            env: None,
            data: &[],
            logs: &[],
            memory: None,
            restart_loses: None,
            at_stake: None,
            note: None,
            thresholds: Thresholds::fail_after(2),
        }
    }

    /// What it does, one line: `the web shop`. Required.
    pub const fn summary(mut self, text: &'static str) -> Self {
        self.summary = text;
        self
    }

    /// Why an outage has that severity: what users lose. Required.
    pub const fn severity_reason(mut self, text: &'static str) -> Self {
        self.severity_reason = text;
        self
    }

    /// Who starts and stops it. The first takes a restart; several where one wraps another, such as a unit around a compose
    /// project. Left out where nothing on this host manages it.
    pub const fn managers(mut self, managers: &'static [Manager]) -> Self {
        self.managers = managers;
        self
    }

    /// TCP ports it listens on, the main one first; none is 0.
    pub const fn ports(mut self, ports: &'static [u16]) -> Self {
        self.ports = ports;
        self
    }

    /// Where it is reached from outside, through the [`Proxy`](super::Proxy) of the deployment.
    pub const fn routes(mut self, routes: &'static [Route]) -> Self {
        self.routes = routes;
        self
    }

    /// How its health is probed; all must pass. Left out only where there is nothing to ask.
    pub const fn probes(mut self, probes: &'static [Probe]) -> Self {
        self.probes = probes;
        self
    }

    /// Whether it is expected on every host of the deployment, as it is without this.
    pub const fn presence(mut self, presence: Presence) -> Self {
        self.presence = presence;
        self
    }

    /// Services it cannot work without. Each stands above it in the deployment's table.
    pub const fn needs(mut self, services: &'static [&'static Service]) -> Self {
        self.needs = services;
        self
    }

    /// Where it is known from.
    pub(crate) const fn origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// The file of `KEY=value` lines that it reads at start.
    pub const fn env(mut self, file: EnvFile) -> Self {
        self.env = Some(file);
        self
    }

    /// What it keeps on disk.
    pub const fn data(mut self, data: &'static [Data]) -> Self {
        self.data = data;
        self
    }

    /// Where its log lines are. Left out where its managers keep them: the journal of its unit, its container's output. An
    /// application of pm2 names its files.
    pub const fn logs(mut self, sources: &'static [Log]) -> Self {
        self.logs = sources;
        self
    }

    /// Bounds of its memory.
    pub const fn memory(mut self, memory: Memory) -> Self {
        self.memory = Some(memory);
        self
    }

    /// What is lost by restarting it, shown before the operator consents: `orders that are being paid`.
    pub const fn restart_loses(mut self, text: &'static str) -> Self {
        self.restart_loses = Some(text);
        self
    }

    /// How much of that there is right now, as one of its HTTP probes answers.
    pub const fn at_stake(mut self, number: AtStake) -> Self {
        self.at_stake = Some(number);
        self
    }

    /// Where runbook and reality differ, and what an operator must know.
    pub const fn note(mut self, text: &'static str) -> Self {
        self.note = Some(text);
        self
    }

    /// How many checks in a row make a change of state that is notified, where two and two do not fit.
    pub const fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// Its data that it uses itself. A file with the password of its probe is read by who asks it, and may be out of its reach.
    pub(crate) fn own_data(&self) -> impl Iterator<Item = &'static Data> + use<> {
        let probes = self.probes;
        let is_asked_with = |path: &str| probes.iter().filter_map(Probe::secret).any(|secret| secret.file == path);
        self.data.iter().filter(move |data| !is_asked_with(data.path))
    }

    /// Where its log lines are: as stated, else where its managers keep them.
    pub(crate) fn log_sources(&self) -> Vec<Log> {
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

    /// Who reads its env file: as stated, else the manager that starts its process, which a unit around a compose project is not.
    pub(crate) fn env_reader(&self) -> EnvReader {
        let of = |manager: &Manager| match manager {
            Manager::Compose(_) => EnvReader::Compose,
            Manager::Docker(_) => EnvReader::Docker,
            Manager::Pm2(_) => EnvReader::Dotenv,
            Manager::Systemd(_) => EnvReader::Systemd,
        };
        let mut readers = self.managers.iter().map(of);
        let stated = self.env.as_ref().and_then(|env| env.reader);
        let inner = readers.clone().find(|reader| *reader != EnvReader::Systemd);
        stated.or(inner).or_else(|| readers.next()).unwrap_or(EnvReader::Systemd)
    }
}

/// A number in the JSON answer of an HTTP probe that says what a restart would lose.
///
/// ```
/// # use opsctl::registry::*;
/// let stake = AtStake::at("/var/lib/shop/queue").what("orders that are not sent yet");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct AtStake {
    /// Keys joined by dots.
    pub path: &'static str,
    /// What the number counts, in the plural.
    pub what: &'static str,
}

impl AtStake {
    /// The number at this path of the JSON body, keys joined by dots: `jobs.active`. [`what`](Self::what) must follow.
    pub const fn at(path: &'static str) -> Self {
        AtStake { path, what: "" }
    }

    /// What the number counts, in the plural: `active jobs`. Required.
    pub const fn what(mut self, text: &'static str) -> Self {
        self.what = text;
        self
    }
}

/// Where a service is known from.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// assert_eq!(Service::new("shop", &DOWN).origin, Origin::Stated);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Origin {
    /// A runbook states it.
    Stated,
    /// It was found on the host.
    Found,
}

/// Whether a service is expected on a host.
///
/// ```
/// # use opsctl::registry::*;
/// # static DOWN: Level = Level::new("down");
/// let shop = Service::new("shop", &DOWN).presence(Presence::IfFound("only some hosts have it"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// Its absence is a failure.
    Required,
    /// Judged where it exists, left out where it does not; the text says when that is.
    IfFound(&'static str),
    /// Known to the runbook, not observable from this host; the text says why. Never judged.
    Elsewhere(&'static str),
}

/// A public address and the local port that the proxy must send it to.
///
/// ```
/// # use opsctl::registry::*;
/// let route = Route::new("shop.example.com", 8000).path("/api");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Route {
    /// Host name.
    pub host: &'static str,
    /// Path prefix; `/` for the whole host.
    pub path: &'static str,
    /// Upstream port on the loopback interface.
    pub port: u16,
}

impl Route {
    /// The proxy sends all of the host name `host` to `port` of the loopback interface, one of the service's ports.
    pub const fn new(host: &'static str, port: u16) -> Self {
        Route { host, path: "/", port }
    }

    /// Only what is below this path of the host, beginning with `/`: `/api/`.
    pub const fn path(mut self, prefix: &'static str) -> Self {
        self.path = prefix;
        self
    }

    /// `host` or `host/path`.
    pub(crate) fn endpoint(&self) -> String {
        if self.path == "/" { self.host.to_owned() } else { format!("{}{}", self.host, self.path) }
    }
}
