//! What is known when causes are judged.

use super::outcome::{Conclusion, Why};
use crate::host::tools::command::Command;
use crate::host::trouble::Trouble;
use crate::judge::freshness::Freshness;
use crate::judge::health::{Health, ServiceHealth};
use crate::observe::clues::Clues;
use crate::observe::probe::{Answer, Evidence};
use crate::program;
use crate::registry::{Deployment, Service, State};

/// All that is known.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// What is diagnosed.
    pub deployment: &'static Deployment,
    /// The services that `evidence` is about, in its order.
    pub services: &'a [&'static Service],
    /// What `status` saw.
    pub evidence: &'a Evidence,
    /// What `status` makes of it.
    pub health: &'a Health,
    /// What else was asked.
    pub clues: &'a Clues,
    /// How recent backups are, of those sets of which this host has made any; not asked where no clue is about them.
    pub backups: Option<&'a Answer<Vec<Freshness>>>,
}

/// A service as a subject.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub service: &'static Service,
    pub health: &'a ServiceHealth,
    /// Its place in the evidence.
    pub index: usize,
}

impl<'a> Case<'a> {
    /// The service as it is on this host, if it is.
    pub(super) fn subject(&self, service: &'static Service) -> Option<Subject<'a>> {
        let health = self.health.services.iter().find(|judged| judged.name == service.name)?;
        let index = self.services.iter().position(|other| other.name == service.name)?;
        Some(Subject { service, health, index })
    }

    /// The mount points of all file systems that answered.
    pub fn mounts(&self) -> Vec<&'a str> {
        let disks = self.health.host.iter().filter_map(|host| host.disks.as_ref()).flatten();
        disks.map(|disk| disk.mounted_on.as_str()).collect()
    }

    /// Whether a service is started again and again.
    pub fn is_looping(&self, service: &'static Service) -> bool {
        let state = self.subject(service).map(|subject| subject.health.state);
        matches!(state, Some(State::CrashLoop | State::Restarting))
    }
}

/// What was asked, or why there is no answer.
pub(super) fn asked<T>(answer: Option<&Answer<T>>) -> Result<(&Command, &T), Conclusion> {
    match answer {
        None => Err(Conclusion::unknown("it was not checked")),
        Some(Answer { command, result: Ok(value) }) => Ok((command, value)),
        Some(Answer { command, result: Err(trouble) }) => Err(Conclusion::unknown(told(command, trouble))),
    }
}

/// Which tool could not be asked, and why.
pub(super) fn told(command: &Command, trouble: &Trouble) -> Why {
    let words: Vec<&str> = command.words().iter().map(String::as_str).collect();
    let tool = match words.as_slice() {
        ["ls", _, path, ..] | ["cat", path] => (*path).to_owned(),
        ["systemctl", ..] => "systemd".to_owned(),
        [name, verb, subject, ..] if *name == program::name() => format!("{verb} of {subject}"),
        ["sh", "-c", text] => text.split_whitespace().next().unwrap_or("sh").to_owned(),
        ["sudo", "-u", _, rest @ ..] => rest.iter().find(|word| !word.contains('=')).unwrap_or(&"sudo").to_string(),
        [first, ..] => (*first).to_owned(),
        [] => "a source".to_owned(),
    };
    let says = match trouble {
        // These name the tool themselves.
        Trouble::Missing(_) | Trouble::Untrusted(_) => trouble.to_string(),
        _ => format!("{tool}: {trouble}"),
    };
    Why { says, needs_root: trouble.needs_root() }
}
