//! What ran before a reboot, so that afterwards it can be told what did not come back.

use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::host::files::own;
use crate::host::system::System;
use crate::judge::health::{ServiceHealth, State};
use crate::registry::{Deployment, Verdict};

/// Where state is kept that must outlive a boot.
const DIRECTORY: &str = "/var/lib/opsctl";
/// The kernel's name for this boot.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// What ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// When it was written.
    pub time: Timestamp,
    /// The boot in which.
    pub boot: String,
    /// Each service that was on the host.
    pub services: Vec<ServiceBefore>,
}

/// A service before the reboot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceBefore {
    /// Its name.
    pub name: String,
    /// What its manager said.
    pub state: String,
    /// What it said of itself.
    pub health: Option<Verdict>,
}

impl Before {
    /// Of services as they are.
    pub fn of(system: &System, services: &[ServiceHealth]) -> Self {
        let services = services.iter().map(|service| ServiceBefore {
            name: service.name.clone(),
            state: label(service.state),
            health: service.health,
        });
        Before { time: system.now(), boot: boot(system), services: services.collect() }
    }
}

/// A state as it is recorded.
pub fn label(state: State) -> String {
    state.label().to_owned()
}

/// The kernel's name for this boot; empty when it cannot be read.
pub fn boot(system: &System) -> String {
    system.read(BOOT).unwrap_or_default().trim().to_owned()
}

fn path(deployment: &Deployment) -> String {
    format!("{DIRECTORY}/{}", name(deployment))
}

fn name(deployment: &Deployment) -> String {
    format!("{}.before-reboot.json", deployment.name)
}

/// Keeps it: written aside, made durable, then put in place.
///
/// # Errors
/// As the operating system says, also when somebody else owns the directory.
pub fn keep(system: &System, deployment: &Deployment, before: &Before) -> io::Result<()> {
    own::directory(system, DIRECTORY)?;
    let path = path(deployment);
    let new = format!("{path}.new");
    own::write_new(system, &new, &serde_json::to_vec(before)?, 0o600)?;
    own::rename(system, &new, &path)
}

/// What was kept.
///
/// # Errors
/// As the operating system says, or when it cannot be understood.
pub fn kept(system: &System, deployment: &Deployment) -> io::Result<Before> {
    let text = system.read(path(deployment))?;
    serde_json::from_str(&text).map_err(|error| io::Error::other(format!("it is damaged: {error}")))
}
