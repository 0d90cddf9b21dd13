//! Services and a [`Runner`] in, [`Evidence`] out: what every source said, errors included, all asked at once and each
//! tool once. Nothing here judges.

mod any;
mod containers;
pub mod databases;
mod edge;
mod elsewhere;
mod engine;
mod host;
pub mod http;
mod managers;
mod names;
mod network;
mod ports;
pub mod record;
mod restarts;
pub(crate) mod settings;
pub mod survey;
mod tls;
pub mod unit_paths;
mod units;
mod visits;

use std::io::Read;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub use any::Connection;
pub use containers::{engine_is_podman, listed as containers_listed, policies as restart_policies};
pub(crate) use databases::{named_in, say_and_show as say_to_redis};
pub use edge::{Edge, edge};
use elsewhere::reply_at;
pub use elsewhere::{is_silent, look_for_listeners};
pub use engine::engine_get;
#[cfg(test)]
pub use host::Silence;
pub use host::{Edge as TlsEdge, HostEvidence, OomRecord};
pub use managers::{ManagerEvidence, PmDaemon, UnmanagedContainer};
pub(crate) use ports::members;
pub use ports::{Holder, ListenAddress, own_processes, tcp_listeners};
pub(crate) use settings::secret;
pub use survey::{Survey, env_file, survey};
pub use tls::{PairFacts, Served, Trust, pair};
pub use unit_paths::UnitPaths;
pub use units::units_of;
pub use visits::{Visit, ask as visits, visit_once};
#[cfg(any(test, feature = "fuzzing"))]
pub use {engine::parse_head as engine_head, tls::parse_one as certificate};

use crate::host::exec::{Output, ProcessEnd, Processes, Runner};
use crate::host::net;
use crate::host::protocol::mongo::Hello;
use crate::host::protocol::postgres::Greeting;
use crate::host::shortage::Shortage;
use crate::host::system::System;
use crate::host::threads::{self, join, task};
use crate::host::tools::command::Command;
use crate::host::tools::docker::Listed;
use crate::host::tools::{Argv, Malformed, docker_logs};
use crate::host::trouble::{Trouble, failure, of_file};
use crate::redact;
use crate::registry::{Deployment, Manager, Probe, Service, Url};

/// How long any one source may take, unless the whole command has less time, or a look has more.
pub const PATIENCE: Duration = Duration::from_millis(2400);

/// Everything that was asked, and what came back.
#[derive(Debug)]
pub struct Evidence {
    /// When it was gathered.
    pub time: Timestamp,
    /// What the managers said.
    pub managers: ManagerEvidence,
    /// What each service said of itself, in the order of the services and of their probes.
    pub replies: Vec<Vec<Answer<Reply>>>,
    /// Who holds each service's main port: [`Holder::Unasked`] until [`holders`] has looked, which is only worth its time
    /// where something is wrong.
    pub holders: Vec<Holder>,
    /// The host; not asked when only some services were.
    pub host: Option<HostEvidence>,
}

impl Evidence {
    /// Public names as visitors find them; none where the host was not asked.
    pub fn visits(&self) -> &[Visit] {
        self.host.as_ref().map_or(&[], |host| &host.visits)
    }
}

/// What one source said, and by which command anybody can ask it again.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The command that was run. For a probe from within, the one that asks the same.
    pub command: Command,
    /// What came back.
    pub result: Result<T, Trouble>,
}

/// What a service said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It could not be reached, or did not finish what it began to say.
    Silent(String),
    /// An HTTP answer; the body is cut at 64 KiB.
    Http {
        /// Status code.
        status: u16,
        /// Body.
        body: String,
    },
    /// The first line of a banner, or Redis' answer to `PING`.
    Line(String),
    /// PostgreSQL's first message.
    Postgres(Greeting),
    /// MongoDB's answer to `hello`.
    Mongo(Hello),
    /// What a port of which nobody knows the protocol did with a connection, where it did not answer in HTTP.
    Connection(Connection),
    /// The Docker engine answered. Containers that no service accounts for.
    Engine(Vec<UnmanagedContainer>),
    /// When the wanted line was written last.
    LogLine(Option<Timestamp>),
}

/// Asks everything about these services, and about the host when `with_host`.
pub fn gather(
    system: &System,
    runner: &dyn Runner,
    deployment: &Deployment,
    services: &[&'static Service],
    with_host: bool,
    limit: Duration,
) -> Evidence {
    let door = Door::new(system, runner, limit);
    if with_host {
        // Known, or nearly, when the first answer comes; where the thread is refused, that waits for it.
        let _ = threads::start(|| {
            redact::house();
        });
    }
    let (managers, replies, host) = thread::scope(|scope| {
        let managers = task(scope, || managers::ask(door, services, with_host));
        let host = with_host.then(|| task(scope, || host::ask(door, deployment, services)));
        let replies: Vec<Vec<_>> = services
            .iter()
            .map(|service| service.probes.iter().map(|probe| task(scope, move || reply(door, probe))).collect())
            .collect();
        let replies: Vec<Vec<Option<Answer<Reply>>>> =
            replies.into_iter().map(|service| service.into_iter().map(join).collect()).collect();
        (join(managers), replies, host.map(join))
    });
    // Some probes are answered by what the managers' tools said.
    let replies = services
        .iter()
        .zip(replies)
        .map(|(service, replies)| {
            let probes = service.probes.iter().zip(replies);
            probes.map(|(probe, reply)| reply.unwrap_or_else(|| managers.reply(probe, service))).collect()
        })
        .collect();
    let holders = services.iter().map(|_| Holder::Unasked).collect();
    Evidence { time: system.now(), managers, replies, holders, host }
}

/// Asks a service itself and nobody else; `None` where it has nothing to be asked, or its manager's tools answer for it.
pub fn knock(
    system: &System,
    runner: &dyn Runner,
    service: &'static Service,
    limit: Duration,
) -> Option<Vec<Answer<Reply>>> {
    let door = Door::new(system, runner, limit);
    let speaks = |probe: &Probe| !matches!(probe, Probe::DockerEngine | Probe::LogLine { .. });
    let alone = !service.probes.is_empty() && service.probes.iter().all(speaks);
    alone.then(|| service.probes.iter().filter_map(|probe| reply(door, probe)).collect())
}

/// Whether the docker engine was asked and did not answer in time. If so it is not asked again until then.
pub fn give_up_engine(managers: &ManagerEvidence, until: Instant) -> bool {
    let late = |result: Option<&Trouble>| matches!(result, Some(Trouble::TimedOut(_)));
    let listed = managers.listed.as_ref().and_then(|answer| answer.result.as_ref().err());
    let is_silent = late(listed) || late(managers.containers.as_ref().and_then(|answer| answer.result.as_ref().err()));
    if is_silent {
        engine::give_up(until);
    }
    is_silent
}

/// What the daemons of these services' pm2 applications say, by their `PM2_HOME`.
pub fn applications(
    system: &System,
    runner: &dyn Runner,
    services: &[&'static Service],
    limit: Duration,
) -> std::collections::BTreeMap<&'static str, Answer<Option<PmDaemon>>> {
    managers::applications(Door::new(system, runner, limit), services)
}

/// All containers of the engine.
///
/// # Errors
/// Why they are not known.
pub fn containers(system: &System, processes: &Processes<'_>, limit: Duration) -> Result<Vec<Listed>, Trouble> {
    containers::all(Door::new(system, processes, limit))
}

/// The same, for what looks closer.
pub fn list_containers(door: Door<'_>) -> Answer<Vec<Listed>> {
    Answer { command: Command::new(["docker", "ps", "--all"]), result: containers::all(door) }
}

/// Says commands to a Redis server, at the port and with the password of its probe; what it answers.
///
/// # Errors
/// Why it does not.
pub fn redis(
    system: &System,
    processes: &Processes<'_>,
    server: &Service,
    commands: &[&[&str]],
    limit: Duration,
) -> Result<String, Trouble> {
    databases::say_to_redis(Door::new(system, processes, limit), server, commands)
}

/// When the run of a container before the present one ended, and when the present one began; `None` when it is the first.
///
/// # Errors
/// Why that is not known.
pub fn container_runs(
    system: &System,
    processes: &Processes<'_>,
    id: &str,
    limit: Duration,
) -> Result<Option<(Timestamp, Timestamp)>, Trouble> {
    containers::runs(Door::new(system, processes, limit), id)
}

/// Why nothing is read of a container that was removed meanwhile, or is about to be.
pub fn container_gone() -> Trouble {
    engine::gone()
}

/// A container's log, read as it comes. `limit` is for its beginning, `silence` for any pause in it unless it is followed.
///
/// # Errors
/// Why it cannot be read.
pub fn container_log(
    system: &System,
    processes: &Processes<'_>,
    id: &str,
    query: docker_logs::Query,
    limit: Duration,
    silence: Duration,
) -> Result<docker_logs::Rows<Box<dyn Read + Send>>, Trouble> {
    containers::log(Door::new(system, processes, limit), processes, id, query, silence)
}

/// The way to the outside that every source is given.
#[derive(Clone, Copy)]
pub struct Door<'a> {
    /// The machine.
    pub system: &'a System,
    runner: &'a dyn Runner,
    /// What is told of each command that reads logs.
    pub trace: Option<fn(&Argv)>,
    /// How long any one source may take.
    pub limit: Duration,
    /// When all that goes through it has to be done.
    until: Instant,
}

impl<'a> Door<'a> {
    /// On this machine, through this runner, for what has to be done within `limit` from now.
    pub fn new(system: &'a System, runner: &'a dyn Runner, limit: Duration) -> Self {
        Door { system, runner, trace: None, limit, until: Instant::now() + limit }
    }

    /// The same, which tells of each command that reads logs.
    #[must_use]
    pub fn with_trace(self, trace: Option<fn(&Argv)>) -> Self {
        Door { trace, ..self }
    }

    /// The same for what begins now, and perhaps late: where opsctl can do only some things at once, the rest is asked in turn.
    pub fn now(self) -> (Self, Turn) {
        const PROMPT: Duration = Duration::from_millis(200);
        // What can answer answers within that.
        const LEAST: Duration = Duration::from_millis(300);
        let begun = Instant::now();
        // Those that are asked one after the other end together, and with the command.
        let in_turn = self.until.saturating_duration_since(begun);
        let of_all = self.runner.until().map_or(in_turn, |until| until.saturating_duration_since(begun));
        let left = in_turn.min(of_all).clamp(LEAST.min(self.limit), self.limit);
        (Door { limit: left, ..self }, Turn { begun, left, late: in_turn + PROMPT < self.limit })
    }
}

/// What is asked with the time that others have left.
pub struct Turn {
    begun: Instant,
    left: Duration,
    late: bool,
}

impl Turn {
    /// Whether it was for want of that time that nothing came, which says nothing of who was asked.
    fn was_too_short(&self) -> bool {
        const ROUNDED: Duration = Duration::from_millis(5);
        self.late && self.begun.elapsed() + ROUNDED >= self.left
    }

    /// An answer, unless it came of that.
    pub fn judge(&self, answer: Answer<Reply>) -> Answer<Reply> {
        match answer.result {
            Ok(Reply::Silent(_)) if self.was_too_short() => {
                Answer { result: Err(Trouble::Shortage(Shortage::Turns)), ..answer }
            }
            _ => answer,
        }
    }
}

impl Door<'_> {
    /// A port of a service of this host.
    pub fn at(self, port: u16) -> ListenAddress {
        ListenAddress::Tcp(self.system.local(port))
    }

    /// How long a source that is asked now may take.
    pub fn limit(self) -> Duration {
        self.now().0.limit
    }

    /// The same for what has no more time than that.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Door { limit: limit.min(self.limit), ..self }
    }

    /// The same with so long from now, for what was late once.
    #[must_use]
    pub fn longer(self, limit: Duration) -> Self {
        Door { limit, until: Instant::now() + limit, ..self }
    }

    /// When what is asked now must have answered.
    pub fn until(self) -> Instant {
        Instant::now() + self.limit()
    }

    /// Runs a command whose success is exit code 0, and parses what it printed.
    pub fn ask<T>(self, argv: &Argv, parse: impl FnOnce(&str) -> Result<T, Malformed>) -> Answer<T> {
        self.ask_with(argv, |output| match output.exit {
            ProcessEnd::Code(0) => Ok(parse(&text(&output.stdout))?),
            _ => Err(failure(output)),
        })
    }

    /// Runs a command and hands over however it ended, but for a deadline that passed.
    pub fn ask_with<T>(self, argv: &Argv, judge: impl FnOnce(&Output) -> Result<T, Trouble>) -> Answer<T> {
        let result = match self.runner.run(argv, self.limit()) {
            Err(error) => Err(error.into()),
            Ok(Output { exit: ProcessEnd::TimedOut(after), .. }) => Err(Trouble::TimedOut(after)),
            Ok(output) => judge(&output),
        };
        Answer { command: argv.into(), result }
    }

    /// Reads a file and parses it.
    fn read<T>(self, path: &str, parse: impl FnOnce(&str) -> Result<T, Malformed>) -> Answer<T> {
        let result = match self.system.read(path) {
            Ok(text) => parse(&text).map_err(Trouble::from),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(Trouble::denied("to read it")),
            Err(error) => Err(of_file(path, &error)),
        };
        Answer { command: Command::new(["cat", path]), result }
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asks a service again what its probe asks.
pub fn ask_again(door: Door<'_>, probe: &Probe) -> Option<Answer<Reply>> {
    reply(door, probe)
}

/// Whether nothing came back in time, so that something may come later.
pub fn is_late(answer: &Answer<Reply>) -> bool {
    matches!(&answer.result, Ok(Reply::Silent(why)) if why.starts_with(net::NO_ANSWER) || why.ends_with(any::HANGS))
}

/// Asks a service itself. `None` for what the managers' tools answer.
fn reply(door: Door<'_>, probe: &Probe) -> Option<Answer<Reply>> {
    let (door, turn) = door.now();
    let answer = match probe {
        Probe::Http(probe) => http::get(door, probe),
        Probe::Banner { .. }
        | Probe::Redis { .. }
        | Probe::Postgres { .. }
        | Probe::Mongo { .. }
        | Probe::Any { .. } => reply_at(door, probe, &door.at(probe.port()?))?,
        Probe::DockerEngine | Probe::LogLine { .. } => return None,
    };
    Some(turn.judge(answer))
}

/// Whether a manager's container is this one. By exact name, by compose labels or by Swarm service.
pub(crate) fn is_container_of(manager: &Manager, identity: &crate::host::tools::docker::Identity) -> bool {
    match manager {
        Manager::Compose(compose) => match compose.container {
            Some(name) => identity.name == name,
            None => identity.project == compose.project && identity.service == compose.service,
        },
        Manager::Docker(container) => {
            container.names.iter().any(|name| identity.name == *name || identity.swarm == *name)
        }
        Manager::Systemd(_) | Manager::Pm2(_) => false,
    }
}

/// Local URL of an HTTP probe, at that address where one is given, or the one in an env file.
fn url(system: &System, url: &Url, at: Option<SocketAddr>) -> Result<String, Trouble> {
    match url {
        Url::Local { port, path } => {
            let address = at.map_or_else(|| system.local(*port), |at| system.nearest(at));
            Ok(format!("http://{address}{path}"))
        }
        Url::FromEnv(key) => {
            let value = secret(system, key)?;
            let authority = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
            match authority.map(|rest| rest.split('/').next().unwrap_or_default()) {
                Some(host) if !host.is_empty() && !host.contains('@') => Ok(value),
                _ => Err(Trouble::Failed(format!("{} in {} is not a plain http(s) URL", key.key, key.file))),
            }
        }
    }
}
