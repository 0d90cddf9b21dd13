//! What explains what, and what is told first.

use super::{ServiceHealth, State};
use crate::registry::{Deployment, Level, Service, Verdict};

/// Sets the cause of each failure that the failure of a needed service explains.
pub(super) fn explain(judged: &mut [(&'static Service, ServiceHealth)]) {
    let failed: Vec<(&'static Service, State)> = judged
        .iter()
        .filter(|(_, health)| health.verdict == Verdict::Fail)
        .map(|(service, health)| (*service, health.state))
        .collect();
    for (service, health) in judged {
        if health.verdict == Verdict::Fail && health.state.may_be_inherited() {
            health.cause = root(service, &failed).map(|cause| cause.name.to_owned());
        }
    }
}

/// The deepest failed service on the way down from `service`.
fn root(service: &Service, failed: &[(&'static Service, State)]) -> Option<&'static Service> {
    let failed_need = |need: &&'static Service| failed.iter().find(|(other, _)| other.name == need.name).copied();
    let (need, state) = service.needs.iter().find_map(failed_need)?;
    // What was stopped on purpose is its own cause, whatever it needs.
    let deeper = if state.may_be_inherited() { root(need, failed) } else { None };
    Some(deeper.unwrap_or(need))
}

/// Worst first: by verdict, then severity; a service whose failure another explains directly after that one.
pub(super) fn arrange(deployment: &Deployment, judged: Vec<(&'static Service, ServiceHealth)>) -> Vec<ServiceHealth> {
    let rank = |level: &Level| deployment.severities.iter().position(|known| known.id == level.id);
    let (folded, mut roots): (Vec<_>, Vec<_>) = judged.into_iter().partition(|(_, health)| health.cause.is_some());
    // Stable: what is well stays in the operator's order.
    roots.sort_by_key(|(service, health)| {
        let severity = (health.verdict != Verdict::Pass).then(|| rank(service.severity));
        (std::cmp::Reverse(health.verdict), severity)
    });
    let mut arranged = Vec::new();
    let mut folded: Vec<ServiceHealth> = folded.into_iter().map(|(_, health)| health).collect();
    for (_, health) in roots {
        let (own, rest) = folded.into_iter().partition(|other| other.cause.as_deref() == Some(health.name.as_str()));
        folded = rest;
        arranged.push(health);
        arranged.extend::<Vec<ServiceHealth>>(own);
    }
    arranged.extend(folded);
    arranged
}
