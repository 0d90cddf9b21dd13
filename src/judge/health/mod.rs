//! Evidence in, verdicts out. Pure: the same evidence gives the same verdicts, and nothing that could not be read counts
//! as good.

mod answer;
mod app;
mod certificate;
mod container;
mod host;
mod order;
mod pace;
mod port;
pub mod purpose;
mod unit;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

pub use crate::registry::State;
#[cfg(test)]
pub use certificate::Certificate;
pub(crate) use certificate::{covers, ends_soon};
pub(crate) use container::ailment;
pub use host::{Disk, HostHealth};
#[cfg(test)]
pub use host::{Load, MemoryUse};
pub(crate) use port::listens;
pub(crate) use unit::{NO_DETAILS, ended_by_manager, ending, restarting};

use crate::host::tools::command::Command;
use crate::host::trouble::Trouble;
use crate::observe::probe::{Answer, Evidence, Holder, Reply};
use crate::registry::{Deployment, Manager, Origin, Presence, Probe, Service, Verdict};
use crate::units::bytes;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Check {
    /// Its source: `systemd`, `http :3001/`, `disk /`, …
    pub source: String,
    /// What follows from it.
    pub verdict: Verdict,
    /// Its answer, in short.
    pub summary: String,
    /// The command that asks the same, to be pasted into a shell.
    pub command: Command,
    /// What it is about, for whoever decides by that.
    #[serde(skip)]
    pub about: About,
    /// It is unknown, and root would know.
    #[serde(skip)]
    pub needs_root: bool,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A container, as docker has it, or could not be asked.
    Container,
    /// A container that docker does not have.
    NoContainer,
    /// How full a file system is.
    Disk,
    /// A certificate that the edge shows.
    Certificate,
    /// A service that runs, and that was restarted by itself before.
    Restarts,
    /// Anything else.
    Other,
}

/// A process that holds a service's port and is not part of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PortOwner {
    /// Process id.
    pub pid: u32,
    /// Short name of the process.
    pub name: String,
}

/// A service, judged.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ServiceHealth {
    /// Its name in the registry.
    pub name: String,
    /// `stated` by a runbook, or `found` on this host.
    pub origin: Origin,
    /// `systemd`, `compose`, `docker` or `pm2`; `null` when nothing on this host manages it.
    pub manager: Option<String>,
    /// The manager's name for it: unit, container, application.
    pub unit: Option<String>,
    /// The worst of its checks.
    pub verdict: Verdict,
    /// What its manager reports.
    pub state: State,
    /// The health that the service itself reports; `null` when it has no probe.
    pub health: Option<Verdict>,
    /// Since when it is in this state.
    pub since: Option<Timestamp>,
    /// Automatic restarts since it was last started on purpose.
    pub restarts: Option<u32>,
    /// Main process; `null` when there is none, or more than one.
    pub pid: Option<u32>,
    /// Memory in use, bytes.
    pub memory_bytes: Option<u64>,
    /// Main TCP port.
    pub port: Option<u16>,
    /// Public address.
    pub endpoint: Option<String>,
    /// The deployment's severity level if this service is down.
    pub severity: String,
    /// How soon that level wants an answer.
    pub respond: String,
    /// All problems in one line; empty when it is healthy.
    pub summary: String,
    /// Notes of the runbook about it.
    pub note: Option<String>,
    /// The service it needs whose failure explains this one.
    pub cause: Option<String>,
    /// Services that need it.
    pub dependants: Vec<String>,
    /// Who holds its port instead of it.
    pub port_owner: Option<PortOwner>,
    /// That somebody keeps it down on purpose, and who; `null` where that is not so, or not recorded.
    pub on_purpose: Option<purpose::OnPurpose>,
    /// All that was looked at.
    pub checks: Vec<Check>,
}

/// A deployment, judged.
#[derive(Debug)]
pub struct Health {
    /// Services that are on this host, worst first, each followed by those whose failure it explains.
    pub services: Vec<ServiceHealth>,
    /// Services that are not, and why that is no failure.
    pub absent: Vec<(&'static Service, String)>,
    /// Units that were judged as those of a service.
    pub units: Vec<String>,
    /// The host.
    pub host: Option<HostHealth>,
    /// When visitors were answered by a maintenance page, from and to: errors of that time are none.
    pub in_maintenance: Vec<(Timestamp, Option<Timestamp>)>,
}

/// What a manager said of one service.
struct ManagerView {
    state: State,
    check: Check,
    unit: Option<String>,
    since: Option<Timestamp>,
    restarts: Option<u32>,
    pid: Option<u32>,
    memory_bytes: Option<u64>,
    /// Units that this is about: a failure of theirs is told here.
    units: Vec<String>,
    /// Known to the manager, but switched off or not meant for this host.
    unused: bool,
    /// Whether the manager said anything.
    answered: Answered,
}

/// Whether a manager said anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    Yes,
    /// There is no such manager here, so nothing it would manage runs.
    NotHere,
    /// Its tool is missing, so most likely it is not here either.
    NoTool,
    /// It should have, and did not.
    No,
}

impl ManagerView {
    fn new(state: State, check: Check) -> Self {
        ManagerView {
            state,
            check,
            unit: None,
            since: None,
            restarts: None,
            pid: None,
            memory_bytes: None,
            units: Vec::new(),
            unused: false,
            answered: Answered::Yes,
        }
    }

    /// The manager could not be asked.
    fn unasked<T>(source: &str, about: About, answer: &Answer<T>, trouble: &Trouble) -> Self {
        let answered = match trouble {
            Trouble::Unavailable(_) => Answered::NotHere,
            Trouble::Missing(_) => Answered::NoTool,
            _ => Answered::No,
        };
        ManagerView {
            answered,
            ..ManagerView::new(State::Unknown, Check::unknown(source, answer, trouble).about(about))
        }
    }
}

impl Check {
    fn new<T>(source: impl Into<String>, answer: &Answer<T>, verdict: Verdict, summary: impl Into<String>) -> Self {
        Check {
            source: source.into(),
            verdict,
            summary: summary.into(),
            command: answer.command.clone(),
            about: About::Other,
            needs_root: false,
        }
    }

    fn about(self, about: About) -> Self {
        Check { about, ..self }
    }

    fn unknown<T>(source: impl Into<String>, answer: &Answer<T>, trouble: &Trouble) -> Self {
        Check { needs_root: trouble.needs_root(), ..Check::new(source, answer, Verdict::Unknown, trouble.to_string()) }
    }
}

/// What each answer to the probes of a service means, by the probe's own rules.
pub(crate) fn judge_replies(service: &'static Service, index: usize, evidence: &Evidence) -> Vec<Check> {
    let moved = match &evidence.holders[index] {
        Holder::Elsewhere { answers, .. } => answers.as_ref(),
        _ => None,
    };
    let at = |probe: &Probe| moved.filter(|_| probe.port() == service.ports.first().copied());
    let asked = service.probes.iter().zip(&evidence.replies[index]);
    let judged = |(probe, reply)| answer::judge(probe, at(probe), reply, is_forwarded(service), evidence.time);
    asked.map(judged).collect()
}

/// Whether an engine passes on what comes to its ports.
fn is_forwarded(service: &Service) -> bool {
    matches!(service.managers.first(), Some(Manager::Compose(_) | Manager::Docker(_)))
}

/// Judges these services by that evidence. `services` is what the evidence was gathered for.
pub fn judge(deployment: &Deployment, services: &[&'static Service], evidence: &Evidence) -> Health {
    judge_as(deployment, services, evidence, false)
}

/// The same of services that were just changed: those are here, also where they need not be and do not run any more.
pub fn judge_changed(deployment: &Deployment, services: &[&'static Service], evidence: &Evidence) -> Health {
    judge_as(deployment, services, evidence, true)
}

fn judge_as(deployment: &Deployment, services: &[&'static Service], evidence: &Evidence, is_here: bool) -> Health {
    let mut judged = Vec::new();
    let mut absent = Vec::new();
    let mut units = Vec::new();
    for (index, service) in services.iter().enumerate() {
        match assess(deployment, service, index, evidence, is_here) {
            Ok((health, own)) => {
                judged.push((*service, health));
                units.extend(own);
            }
            Err(why) => absent.push((*service, why)),
        }
    }
    order::explain(&mut judged);
    let doubtful = judged
        .iter()
        .filter(|(service, health)| matches!(service.presence, Presence::IfFound(_)) && health.state == State::Unknown);
    let absent_or_doubtful: Vec<&str> =
        doubtful.map(|(service, _)| service.name).chain(absent.iter().map(|(service, _)| service.name)).collect();
    let judge_host = |host| host::judge(deployment, services, &absent_or_doubtful, &units, host, evidence);
    let host = evidence.host.as_ref().map(judge_host);
    Health { services: order::arrange(deployment, judged), absent, units, host, in_maintenance: Vec::new() }
}

/// Whether a service that answered this is well, as far as it says itself.
pub fn answers_well(service: &Service, replies: &[Answer<Reply>], now: Timestamp) -> bool {
    let mut asked = service.probes.iter().zip(replies);
    asked.all(|(probe, reply)| {
        let verdict = answer::judge(probe, None, reply, is_forwarded(service), now).verdict;
        matches!(verdict, Verdict::Pass | Verdict::Warn)
    })
}

/// Why a service need not be here whose unit is, and was not started for it.
pub const SKIPPED: &str = "a condition of its unit is not met";

/// A service's health and the units that this is about, or why it need not be here.
fn assess(
    deployment: &Deployment,
    service: &'static Service,
    index: usize,
    evidence: &Evidence,
    is_here: bool,
) -> Result<(ServiceHealth, Vec<String>), String> {
    if let Presence::Elsewhere(why) = service.presence {
        return Err(why.to_owned());
    }
    let views: Vec<ManagerView> = service.managers.iter().map(|manager| view(service, manager, evidence)).collect();
    let waits = views.first().is_some_and(|view| view.state == State::Waiting);
    let replies = service.probes.iter().zip(judge_replies(service, index, evidence));
    // An engine that is started on demand is not asked, because that would start it.
    let asked = replies.filter(|(probe, _)| !(waits && matches!(probe, Probe::DockerEngine)));
    let mut probes: Vec<Check> = asked.map(|(_, check)| check).collect();
    let answered = views.first().map_or(Answered::Yes, |view| view.answered);
    let mut checks: Vec<Check> = views.iter().map(|view| view.check.clone()).collect();
    if let (Presence::IfFound(why), false) = (service.presence, is_here) {
        let nobody_answers = !probes.iter().any(|check| check.verdict == Verdict::Pass);
        let not_itself = nobody_answers || port::another_answers(service, &evidence.holders[index]);
        let unused = views.first().is_none_or(|view| view.state == State::NotFound || view.unused);
        match answered {
            Answered::Yes if views.first().is_some_and(|view| view.state == State::NotFound) => {
                return Err(why.to_owned());
            }
            Answered::Yes if unused && not_itself && service.managers.is_empty() => return Err(why.to_owned()),
            Answered::Yes if not_itself && views.first().is_some_and(|view| view.state == State::Skipped) => {
                return Err(SKIPPED.to_owned());
            }
            Answered::Yes if unused && not_itself => return Err("installed, and not in use".to_owned()),
            Answered::NotHere | Answered::NoTool if nobody_answers => return Err(why.to_owned()),
            // What answers on its port is taken for it.
            Answered::NotHere => checks.clear(),
            // It may be here or not, so that it does not answer proves nothing.
            Answered::No if nobody_answers => probes.clear(),
            Answered::Yes | Answered::No | Answered::NoTool => {}
        }
    }
    port::doubt_default(service, state_of(&views), &evidence.replies[index], &evidence.holders[index], &mut probes);
    checks.append(&mut probes.clone());
    // A unit around a compose project counts little itself: the container beneath it has the memory.
    let memory_bytes = views.iter().filter_map(|view| view.memory_bytes).max();
    let units = views.iter().flat_map(|view| view.units.iter().cloned()).collect();
    let state = state_of(&views);
    let first = views.into_iter().next();
    let port_owner = port::owner(service, state, &evidence.holders[index], &mut checks);
    memory(service, memory_bytes, &mut checks);
    let verdict = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Unknown);
    let mut summaries: Vec<&str> = Vec::new();
    for check in checks.iter().filter(|check| check.verdict != Verdict::Pass) {
        if !summaries.contains(&check.summary.as_str()) {
            summaries.push(&check.summary);
        }
    }
    let health = ServiceHealth {
        origin: service.origin,
        name: service.name.to_owned(),
        manager: service.managers.first().map(|manager| manager.kind().to_owned()),
        unit: first
            .as_ref()
            .and_then(|view| view.unit.clone())
            .or(service.managers.first().map(|m| m.unit().to_owned())),
        verdict,
        state,
        health: probes.iter().map(|check| check.verdict).max(),
        since: first.as_ref().and_then(|view| view.since),
        restarts: first.as_ref().and_then(|view| view.restarts),
        pid: first.as_ref().and_then(|view| view.pid),
        memory_bytes,
        port: service.ports.first().copied(),
        endpoint: service.routes.first().map(crate::registry::Route::endpoint),
        severity: service.severity.id.to_owned(),
        respond: service.severity.response.to_owned(),
        summary: summaries.join("; "),
        note: service.note.map(str::to_owned),
        cause: None,
        dependants: deployment.dependants(service).map(|dependant| dependant.name.to_owned()).collect(),
        port_owner,
        on_purpose: None,
        checks,
    };
    Ok((health, units))
}

fn state_of(views: &[ManagerView]) -> State {
    views.first().map_or(State::Unmanaged, |view| view.state)
}

fn view(service: &Service, manager: &Manager, evidence: &Evidence) -> ManagerView {
    let managers = &evidence.managers;
    match manager {
        Manager::Systemd(wanted) => match &managers.units {
            Some(answer) => {
                let boot = evidence.host.as_ref().and_then(|host| host.booted(evidence.time));
                unit::judge(wanted, service, answer, boot, evidence.time)
            }
            None => unasked("systemd", About::Other),
        },
        Manager::Compose(_) | Manager::Docker(_) => match &managers.containers {
            Some(answer) => container::judge(service, manager, answer, evidence.time),
            None => unasked("docker", About::Container),
        },
        Manager::Pm2(wanted) => match managers.apps.get(wanted.home) {
            Some(answer) => app::judge(wanted, answer, evidence.time),
            None => unasked("pm2", About::Other),
        },
    }
}

fn unasked(source: &str, about: About) -> ManagerView {
    let check = Check {
        source: source.to_owned(),
        verdict: Verdict::Unknown,
        summary: "was not checked".to_owned(),
        command: Command::default(),
        about,
        needs_root: false,
    };
    ManagerView::new(State::Unknown, check)
}

fn memory(service: &Service, used: Option<u64>, checks: &mut Vec<Check>) {
    let alarm = service.memory.as_ref().and_then(|memory| memory.alarm_bytes);
    if let (Some(used), Some(alarm)) = (used, alarm)
        && used > alarm
    {
        checks.push(Check {
            source: "memory".to_owned(),
            about: About::Other,
            verdict: Verdict::Warn,
            summary: format!("uses {} of memory, alarm is at {}", bytes(used), bytes(alarm)),
            command: Command::default(),
            needs_root: false,
        });
    }
}

#[cfg(test)]
mod tests;
