//! What is looked at before a service is restarted for what is only seen of it: who holds its port. A probe that fails may fail
//! for reasons that a restart does not end, and a restart ends the sessions of what serves.

use super::Finding;
use super::case::Case;
use crate::judge::health::listens;
use crate::observe::probe::Holder;
use crate::registry::{Depth, State};

impl Case<'_> {
    /// Why a restart would rest on one source alone; `None` where a second one bears it out, or a cause is proven.
    pub fn unconfirmed(&self, finding: &Finding) -> Option<String> {
        let service = finding.service.filter(|_| finding.cause.depth == Depth::Effect)?;
        let (subject, port) = (self.subject(service)?, service.ports.first()?);
        let holder = &self.evidence.holders[subject.index];
        let runs = match subject.health.state {
            State::Running | State::Starting | State::Partial | State::Completed | State::Unmanaged => true,
            State::Failed => false,
            // Whoever holds the port, it ends by itself, or has ended.
            State::Stopped
            | State::Stopping
            | State::Restarting
            | State::CrashLoop
            | State::Skipped
            | State::Masked
            | State::Paused
            | State::Waiting
            | State::NotFound
            | State::Unknown => return None,
        };
        match holder {
            Holder::Elsewhere { .. } => Some(format!("it {}", listens(holder, *port))),
            Holder::Own if !runs => {
                Some(format!("its manager reports that it failed, and its processes listen on :{port}"))
            }
            Holder::Other { pid, name } if runs => Some(format!("port {port} is held by {name} (pid {pid})")),
            Holder::Unasked | Holder::Unseen | Holder::Hidden if runs => {
                Some(format!("the process on port {port} could not be determined"))
            }
            // What has no processes holds no port.
            Holder::Own | Holder::Nobody | Holder::Other { .. } | Holder::Unasked | Holder::Unseen | Holder::Hidden => {
                None
            }
        }
    }
}
