//! What is kept down on purpose: no finding, and nothing that a fix may start.

use super::Finding;
use super::case::Case;
use crate::judge::health::ServiceHealth;
use crate::registry::{Clue, Depth, Fix, Remedy, Service, State, Verdict};

impl Case<'_> {
    /// Whether somebody keeps it down on purpose.
    pub(super) fn is_kept_down(&self, service: &Service) -> bool {
        self.kept(service.name).is_some()
    }

    fn kept(&self, name: &str) -> Option<&ServiceHealth> {
        self.health.services.iter().find(|judged| judged.name == name && judged.on_purpose.is_some())
    }

    /// Whether a finding says no more than that something is kept down on purpose: it only states how another service fares
    /// without it, or it looks at that very service.
    pub(super) fn follows_from_purpose(&self, finding: &Finding) -> bool {
        let looks_at =
            |clue: &Clue| matches!(clue, Clue::Of(other, part) if self.is_kept_down(other) && is_state(part));
        if any_of(&finding.cause.proof, &looks_at) {
            return true;
        }
        let cause = finding.service.and_then(|service| self.subject(service)).and_then(|s| s.health.cause.clone());
        finding.cause.depth == Depth::Effect && cause.is_some_and(|cause| self.kept(&cause).is_some())
    }

    /// Why a fix may not be made: what it starts, or starts again, is kept down on purpose. `argv` is its command.
    pub fn kept_down(&self, fix: &Fix, argv: &[String]) -> Option<String> {
        let started = match &fix.remedy {
            Remedy::RestartOf(service) | Remedy::ReloadOf(service) => self.kept(service.name),
            Remedy::Command(_) => self.health.services.iter().find(|judged| {
                let unit = judged.unit.as_deref().filter(|unit| !unit.is_empty());
                judged.on_purpose.is_some() && unit.is_some_and(|unit| argv.iter().any(|word| word == unit))
            }),
            Remedy::Restart | Remedy::Start | Remedy::Reload | Remedy::Manual(_) => None,
        }?;
        Some(format!("{} is {}", started.name, started.on_purpose.as_ref()?.words()))
    }
}

impl Finding {
    /// Whether it says of its service that it does not run, and no more.
    pub fn is_stopped(&self) -> bool {
        super::mentions(
            &self.cause.proof,
            &|clue| matches!(clue, Clue::State(states) if states.contains(&State::Stopped)),
        ) && self.cause.verdict == Verdict::Fail
    }
}

/// Whether it is about whether a service is up.
fn is_state(clue: &Clue) -> bool {
    super::mentions(clue, &|clue| matches!(clue, Clue::State(_) | Clue::Unhealthy | Clue::Reply(_)))
}

/// Whether a part of this one is wanted, those that speak of another service included as a whole.
fn any_of(clue: &Clue, wanted: &dyn Fn(&Clue) -> bool) -> bool {
    wanted(clue)
        || match clue {
            Clue::All(parts) => parts.iter().any(|part| any_of(part, wanted)),
            Clue::Any(parts) => parts.iter().all(|part| any_of(part, wanted)),
            Clue::Of(_, part) => any_of(part, wanted),
            _ => false,
        }
}
