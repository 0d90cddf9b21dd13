//! Whether a deployment is out of service on purpose. What is seen on the host decides; a note of ours only adds since
//! when, by whom and why.

pub mod page;
pub mod run;

use std::io::{self, ErrorKind};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::audit;
use crate::host::files::own;
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::host::tools::nginx::page::{Endpoint, endpoints_of_page};
use crate::judge::health::{self, ServiceHealth};
use crate::observe::probe::{self, Answer, Edge};
use crate::program;
use crate::registry::{Deployment, Maintenance, Page, Service, Stop};

/// Where state is kept that must outlive a boot.
const DIRECTORY: &str = "/var/lib/opsctl";

/// Who turned it on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub since: Timestamp,
    /// Who.
    pub who: String,
    /// The address at the other end of SSH.
    pub from: Option<String>,
    /// What for, or what visitors are told.
    pub message: Option<String>,
}

impl Note {
    /// Of the caller, now.
    pub fn new(system: &System, message: Option<String>) -> Self {
        Note { since: system.now(), who: audit::who(system), from: audit::from(), message }
    }
}

fn name(deployment: &Deployment) -> String {
    format!("{}.maintenance.json", deployment.name)
}

/// Keeps the note, or none.
///
/// # Errors
/// As the operating system says.
pub fn keep(system: &System, deployment: &Deployment, note: Option<&Note>) -> io::Result<()> {
    own::directory(system, DIRECTORY)?;
    let path = format!("{DIRECTORY}/{}", name(deployment));
    let new = format!("{path}.new");
    match note {
        Some(note) => {
            own::write_new(system, &new, &serde_json::to_vec(note)?, 0o600)?;
            own::rename(system, &new, &path)
        }
        // With what an attempt that was cut off has left.
        None => own::remove(system, &new).and(own::remove(system, &path)),
    }
}

/// What was noted; an error when that is not known.
fn kept(system: &System, deployment: &Deployment) -> Result<Option<Note>, String> {
    let path = format!("{DIRECTORY}/{}", name(deployment));
    match system.read(&path) {
        Ok(text) => serde_json::from_str(&text).map(Some).map_err(|_| format!("{path} is damaged")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err("only root can read the note".to_owned()),
        Err(error) => Err(format!("{path}: {error}")),
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaintenanceState {
    /// The runbook has no maintenance mode.
    None,
    /// In service.
    Off,
    /// Out of service on purpose.
    On,
    /// Between the two: begun and not finished.
    Unfinished,
    /// It is unknown.
    Unknown,
}

impl MaintenanceState {
    /// The word for it.
    pub const fn label(self) -> &'static str {
        match self {
            MaintenanceState::None => "none",
            MaintenanceState::Off => "off",
            MaintenanceState::On => "on",
            MaintenanceState::Unfinished => "unfinished",
            MaintenanceState::Unknown => "unknown",
        }
    }
}

/// What was seen.
#[derive(Debug, Clone)]
pub struct Standing {
    /// In a word.
    pub state: MaintenanceState,
    /// What it is taken from.
    pub summary: String,
    /// Who turned it on.
    pub note: Option<Note>,
    /// What the edge answered.
    pub answers: Vec<Asked>,
    /// Whether there is a note although it is off: somebody put it back into service without us.
    pub forgotten: bool,
}

/// A question to the edge, and its answer.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who was asked for.
    pub endpoint: Endpoint,
    /// What of it.
    pub path: &'static str,
    /// What came back.
    pub answer: Answer<Edge>,
}

impl Asked {
    /// In a few words.
    pub fn summary(&self) -> String {
        match &self.answer.result {
            Ok(edge) if edge.is_page => {
                let retry = edge.retry_after.as_ref().map(|after| format!(", Retry-After {after}"));
                format!("{} with the page{}", edge.status, retry.unwrap_or_default())
            }
            Ok(edge) => edge.status.to_string(),
            Err(trouble) => trouble.to_string(),
        }
    }

    fn is_page(&self) -> bool {
        matches!(&self.answer.result, Ok(edge) if edge.is_page)
    }

    /// `plugspace.io answers 200`.
    fn told(&self) -> String {
        let what = format!("{}{}", self.endpoint.host, self.path.trim_end_matches('/'));
        match &self.answer.result {
            Ok(_) => format!("{what} answers {}", self.summary()),
            Err(trouble) => format!("{what}: {trouble}"),
        }
    }
}

/// Looks at the host. `health`: that of its services, as far as it was judged already.
pub fn look(
    system: &System,
    runner: &dyn crate::host::exec::Runner,
    deployment: &'static Deployment,
    health: Option<&[ServiceHealth]>,
    limit: Duration,
) -> Standing {
    let none = |state, summary| Standing { state, summary, note: None, answers: Vec::new(), forgotten: false };
    let note = kept(system, deployment);
    let noted = matches!(note, Ok(Some(_)));
    match &deployment.maintenance {
        Maintenance::None(instead) => {
            none(MaintenanceState::None, format!("the runbook has no maintenance mode; {}", program::called(instead)))
        }
        Maintenance::Page(page) => match placed(system, page) {
            Err(trouble) => none(MaintenanceState::Unknown, trouble),
            Ok(placed) => {
                let endpoints = placed.clone().unwrap_or_else(|| by_routes(deployment, page));
                let answers = ask(system, &endpoints, page, limit);
                let (state, summary) = judge_page(page, placed.is_some(), &answers);
                let forgotten = noted && state == MaintenanceState::Off;
                Standing { state, summary, note: note.ok().flatten().filter(|_| !forgotten), answers, forgotten }
            }
        },
        Maintenance::Stop(stop) => {
            let gathered;
            let knows =
                |service: &&Service, all: &[ServiceHealth]| all.iter().any(|judged| judged.name == service.name);
            let health = match health {
                Some(health) if stop.services.iter().all(|service| knows(service, health)) => health,
                _ => {
                    let evidence = probe::gather(system, runner, deployment, stop.services, false, limit);
                    gathered = health::judge(deployment, stop.services, &evidence).services;
                    &gathered
                }
            };
            let (state, summary) = judge_stop(stop, health, &note);
            let forgotten = noted && state == MaintenanceState::Off;
            let note = note.ok().flatten().filter(|_| !forgotten);
            Standing { state, summary, note, answers: Vec::new(), forgotten }
        }
    }
}

/// Removes what a run that was cut off has left beside its place, and the note where it is off.
///
/// # Errors
/// As the operating system says.
pub fn tidy(system: &System, deployment: &Deployment, standing: &Standing) -> io::Result<()> {
    if let Maintenance::Page(page) = &deployment.maintenance {
        page::tidy(system, page)?;
    }
    if standing.state == MaintenanceState::Off { keep(system, deployment, None) } else { Ok(()) }
}

/// Whether somebody may have turned it on: cheap, and wrong only towards looking closer.
pub fn is_likely(system: &System, deployment: &Deployment) -> bool {
    match &deployment.maintenance {
        Maintenance::None(_) => false,
        Maintenance::Page(page) => system.metadata(page.file).is_ok(),
        Maintenance::Stop(_) => system.metadata(format!("{DIRECTORY}/{}", name(deployment))).is_ok(),
    }
}

/// The hosts of the page that is in place; `None` when none is.
fn placed(system: &System, page: &Page) -> Result<Option<Vec<Endpoint>>, String> {
    match system.read(page.file) {
        Ok(text) => endpoints_of_page(&text)
            .map(Some)
            .ok_or_else(|| format!("{} does not belong to {}", page.file, program::name())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", page.file)),
    }
}

/// The hosts that the registry knows.
fn by_routes(deployment: &Deployment, page: &Page) -> Vec<Endpoint> {
    let hosts: std::collections::BTreeSet<&str> = hosts(deployment);
    let endpoint =
        |host: &str| Endpoint { host: host.to_owned(), port: page.port, tls: true, address: None, health: false };
    hosts.into_iter().map(endpoint).collect()
}

/// The hosts of all routes.
fn hosts(deployment: &Deployment) -> std::collections::BTreeSet<&'static str> {
    deployment.services.iter().flat_map(|service| service.routes).map(|route| route.host).collect()
}

/// Asks for all hosts at once, and for the health path where it must be answered.
fn ask(system: &System, endpoints: &[Endpoint], page: &'static Page, limit: Duration) -> Vec<Asked> {
    let questions = endpoints.iter().flat_map(|endpoint| {
        std::iter::once((endpoint, "/")).chain(endpoint.health.then_some((endpoint, page.health)))
    });
    thread::scope(|scope| {
        let threads: Vec<_> = questions
            .map(|(endpoint, path)| {
                (endpoint, path, task(scope, move || probe::edge(endpoint, system.loopback, path, limit)))
            })
            .collect();
        threads
            .into_iter()
            .map(|(endpoint, path, thread)| Asked { endpoint: endpoint.clone(), path, answer: join(thread) })
            .collect()
    })
}

fn judge_page(page: &Page, placed: bool, answers: &[Asked]) -> (MaintenanceState, String) {
    let sites: Vec<&Asked> = answers.iter().filter(|asked| asked.path == "/").collect();
    let shown = sites.iter().filter(|asked| asked.is_page()).count();
    let silent = sites.iter().filter(|asked| asked.answer.result.is_err()).count();
    let told = |wanted: fn(&Asked) -> bool| {
        sites.iter().find(|asked| wanted(asked)).map(|asked| asked.told()).unwrap_or_default()
    };
    match (placed, shown) {
        (true, shown) if shown == sites.len() && shown > 0 => (MaintenanceState::On, every(shown, "503 with the page")),
        (true, shown) if shown + silent == sites.len() => (
            MaintenanceState::Unknown,
            format!("{} is installed, but {}", page.file, told(|asked| asked.answer.result.is_err())),
        ),
        (true, _) => {
            let other = told(|asked| asked.answer.result.is_ok() && !asked.is_page());
            (MaintenanceState::Unfinished, format!("{} is installed, but {other}", page.file))
        }
        (false, 0) if silent == sites.len() => (
            MaintenanceState::Unknown,
            format!("no page is installed, but {}", told(|asked| asked.answer.result.is_err())),
        ),
        (false, 0) => (MaintenanceState::Off, every(sites.len() - silent, "without the page")),
        (false, _) => (MaintenanceState::Unfinished, format!("the page was removed, but {}", told(Asked::is_page))),
    }
}

/// `5 hosts answer 503`.
fn every(count: usize, what: &str) -> String {
    if count == 1 { format!("1 host answers {what}") } else { format!("{count} hosts answer {what}") }
}

fn judge_stop(
    stop: &Stop,
    health: &[ServiceHealth],
    note: &Result<Option<Note>, String>,
) -> (MaintenanceState, String) {
    let seen = |service: &&'static Service| health.iter().find(|judged| judged.name == service.name);
    let list = |services: &[&'static Service]| services.iter().map(|s| s.name).collect::<Vec<_>>().join(", ");
    let mut down = Vec::new();
    let mut up = Vec::new();
    for service in stop.services {
        match seen(service) {
            None => return (MaintenanceState::Unknown, format!("{} was not found on this host", service.name)),
            Some(judged) if judged.state == health::State::Unknown => {
                return (MaintenanceState::Unknown, format!("{}: {}", service.name, judged.summary));
            }
            Some(judged) if is_down(judged.state) => down.push(*service),
            Some(_) => up.push(*service),
        }
    }
    let are = |services: &[&'static Service], what: &str| {
        format!("{} {} {what}", list(services), if services.len() == 1 { "is" } else { "are" })
    };
    match (down.is_empty(), up.is_empty(), note) {
        (true, _, _) => (MaintenanceState::Off, are(&up, "up")),
        (false, _, Err(trouble)) => {
            (MaintenanceState::Unknown, format!("{}, perhaps not for maintenance: {trouble}", are(&down, "stopped")))
        }
        (false, _, Ok(None)) => {
            (MaintenanceState::Off, format!("{}, but maintenance is not on", are(&down, "stopped")))
        }
        (false, true, Ok(Some(_))) => (MaintenanceState::On, are(&down, "stopped")),
        (false, false, Ok(Some(_))) => {
            (MaintenanceState::Unfinished, format!("{}, but {}", are(&down, "stopped"), are(&up, "up")))
        }
    }
}

/// Whether that is what a stop leads to.
fn is_down(state: health::State) -> bool {
    match state {
        health::State::Stopped
        | health::State::Completed
        | health::State::NotFound
        | health::State::Masked
        | health::State::Skipped
        | health::State::Failed => true,
        health::State::Running
        | health::State::Waiting
        | health::State::Partial
        | health::State::Starting
        | health::State::Stopping
        | health::State::Restarting
        | health::State::CrashLoop
        | health::State::Paused
        | health::State::Unmanaged
        | health::State::Unknown => false,
    }
}
