//! What a command is given: the chosen deployment, the way to the outside, the time it has, and how to print.

use std::io;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::cli::{Global, deployments};
use crate::error::Error;
use crate::exec::Processes;
use crate::exit::Exit;
use crate::logs;
use crate::probe::PATIENCE;
use crate::registry::{Deployment, LOCALHOST, Service, Verdict};
use crate::report::{ErrorBody, Head};
use crate::system::System;
use crate::tools::Argv;
use crate::ui::{self, Ui};

/// The surroundings of a command.
#[derive(Clone)]
pub struct Context<'a> {
    /// The machine.
    pub system: &'a System,
    /// How to print.
    pub ui: Ui,
    chosen: Option<&'static Deployment>,
    known: OnceLock<&'static Deployment>,
    verbose: bool,
    deadline: Option<Instant>,
}

impl<'a> Context<'a> {
    /// From the global flags.
    pub fn new(system: &'a System, global: &Global) -> Self {
        Context {
            system,
            ui: Ui { format: global.output, headers: !global.no_headers, color: global.color, quiet: global.quiet },
            chosen: global.deployment,
            known: OnceLock::new(),
            verbose: global.verbose,
            deadline: global.timeout.map(|limit| Instant::now() + limit),
        }
    }

    /// The same without a deadline, for what must be put in order although the time is over.
    #[must_use]
    pub fn unhurried(&self) -> Self {
        Context { deadline: None, ..self.clone() }
    }

    /// The deployment that was named, else the only one on this host, else `localhost`.
    ///
    /// # Errors
    /// When several are on this host.
    pub fn deployment(&self) -> Result<&'static Deployment, Error> {
        let found = self.find()?;
        logs::keep_secret(self.system, found);
        // The first answer stays.
        Ok(self.known.get_or_init(|| found))
    }

    /// The deployment that the command has turned out to be about; `None` when it came to its end before that.
    pub fn known_deployment(&self) -> Option<&'static Deployment> {
        self.known.get().copied()
    }

    fn find(&self) -> Result<&'static Deployment, Error> {
        if let Some(chosen) = self.chosen {
            return Ok(chosen);
        }
        match detect(self.system).as_slice() {
            [] => {
                let hidden = hidden(self.system);
                if let [(_, why), ..] = &hidden[..] {
                    let names = hidden.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                    self.ui.note(&format!("cannot check whether this host runs {names} ({why}); showing localhost"));
                }
                Ok(&LOCALHOST)
            }
            [one] => Ok(one),
            several => Err(Error::ambiguous(&several.iter().map(|d| d.name).collect::<Vec<_>>())),
        }
    }

    /// Whether this deployment is the one that is meant when none is named.
    pub fn is_detected(&self, deployment: &Deployment) -> bool {
        match detect(self.system).as_slice() {
            [] => deployment.name == LOCALHOST.name,
            [one] => one.name == deployment.name,
            _ => false,
        }
    }

    /// The way to other programs.
    pub fn processes(&self) -> Processes<'_> {
        Processes::new(self.system, self.trace()).with_deadline(self.deadline)
    }

    /// What is told of each command before it runs.
    pub fn trace(&self) -> Option<fn(&Argv)> {
        self.verbose.then_some(ui::trace)
    }

    /// How much is left of the time of the whole command; `None` where none was set.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// As long as that, but no longer than the whole command may take.
    pub fn within(&self, limit: Duration) -> Duration {
        self.time_left().map_or(limit, |left| left.min(limit))
    }

    /// When the time of the whole command is over.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How long one source may take.
    ///
    /// # Errors
    /// When the time of the whole command is over.
    pub fn patience(&self) -> Result<Duration, Error> {
        self.at_most(PATIENCE)
    }

    /// The same before something is changed: a host that is overloaded is the one on which that is needed.
    ///
    /// # Errors
    /// When the time of the whole command is over.
    pub fn patience_to_change(&self) -> Result<Duration, Error> {
        const LONGER: Duration = Duration::from_secs(8);
        self.at_most(LONGER)
    }

    fn at_most(&self, longest: Duration) -> Result<Duration, Error> {
        // What is left after a source's deadline goes into ending it and into printing.
        const RESERVE: Duration = Duration::from_millis(300);
        let Some(deadline) = self.deadline else { return Ok(longest) };
        let left = deadline.saturating_duration_since(Instant::now());
        match left.checked_sub(RESERVE).unwrap_or(left / 2) {
            Duration::ZERO => Err(Error {
                exit: Exit::TimedOut,
                code: "timed_out",
                message: "no time is left to ask anything".to_owned(),
                hint: Some("allow more with --timeout".to_owned()),
            }),
            left => Ok(left.min(longest)),
        }
    }

    /// The head of a document about this deployment.
    pub fn head(&self, schema: &'static str, deployment: &Deployment, verdict: Verdict, exit: Exit) -> Head {
        Head {
            schema,
            opsctl: env!("CARGO_PKG_VERSION"),
            deployment: Some(deployment.name.to_owned()),
            host: self.system.host_name(),
            time: self.system.now(),
            verdict,
            exit_code: exit,
            error: None,
        }
    }
}

/// The head of a document that is only an error, of a command about this deployment as far as that was known.
pub fn error_head(system: &System, deployment: Option<&Deployment>, error: &Error) -> Head {
    Head {
        schema: "opsctl/error/v1",
        opsctl: env!("CARGO_PKG_VERSION"),
        deployment: deployment.map(|deployment| deployment.name.to_owned()),
        host: system.host_name(),
        time: system.now(),
        verdict: Verdict::Unknown,
        exit_code: error.exit,
        error: Some(ErrorBody { code: error.code, message: error.message.clone(), hint: error.hint.clone() }),
    }
}

/// The services of these names; all when there are none.
///
/// # Errors
/// When the deployment has no service of that name.
pub fn services(deployment: &'static Deployment, names: &[String]) -> Result<Vec<&'static Service>, Error> {
    if names.is_empty() {
        return Ok(deployment.services.to_vec());
    }
    let mut found: Vec<&'static Service> = Vec::new();
    for name in names {
        let service = deployment.service(name).ok_or_else(|| unknown_service(deployment, name))?;
        if found.iter().all(|other| other.name != service.name) {
            found.push(service);
        }
    }
    Ok(found)
}

fn unknown_service(deployment: &'static Deployment, name: &str) -> Error {
    let what = format!("service of {}", deployment.name);
    let error = Error::no_such("unknown_service", &what, name, deployment.services.iter().map(|s| s.name));
    match deployments().find(|other| other.service(name).is_some()) {
        Some(other) => error.hint(format!("{} has it: -d {}", other.name, other.name)),
        None => error,
    }
}

/// The deployments that this host shows signs of.
pub fn detect(system: &System) -> Vec<&'static Deployment> {
    deployments().filter(|deployment| matches!(is_here(system, deployment), Ok(true))).collect()
}

/// Whether this host shows a sign of a deployment. For root, a sign that is there and refused (its user put a link in its
/// place) is a sign: nobody hides a deployment from root by what opsctl does not follow.
fn is_here(system: &System, deployment: &Deployment) -> io::Result<bool> {
    match system.first_existing(deployment.detect) {
        Ok(found) => Ok(found.is_some()),
        Err(error) if system.is_root() && error.kind() != io::ErrorKind::TimedOut => Ok(true),
        Err(error) => Err(error),
    }
}

/// The deployments whose signs cannot be checked, and why.
fn hidden(system: &System) -> Vec<(&'static str, String)> {
    let why = |error: &io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => "needs root".to_owned(),
        _ => error.to_string(),
    };
    deployments().filter_map(|d| Some((d.name, why(&is_here(system, d).err()?)))).collect()
}
