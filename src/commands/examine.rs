//! The state of services as `status`, `diagnose` and `verify` see it: what every source reports, and what it comes to.

use std::time::Duration;

use crate::host::exec::Runner;
use crate::host::system::System;
use crate::judge::health::{self, Health, ServiceHealth};
use crate::observe::probe::{self, Evidence};
use crate::registry::{Deployment, Service, Verdict};

/// What is examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Services, and who holds the ports of unhealthy ones.
    Services,
    /// The same, and the host.
    Whole,
    /// Services, and who holds every port.
    Ports,
}

/// Asks all sources once, at the same time, each for at most `limit`, and judges what they report.
pub fn examine(
    system: &System,
    runner: &dyn Runner,
    deployment: &'static Deployment,
    services: &[&'static Service],
    extent: Extent,
    limit: Duration,
) -> (Evidence, Health) {
    let mut evidence = probe::gather(system, runner, deployment, services, extent == Extent::Whole, limit);
    let health = health::judge(deployment, services, &evidence);
    // A port in the wrong hands is a cause, so it is looked for where there is something to explain, or nobody else to ask.
    let is_wanted = |service: &Service| {
        let unhealthy = |judged: &ServiceHealth| judged.name == service.name && judged.verdict != Verdict::Pass;
        extent == Extent::Ports || service.probes.is_empty() || health.services.iter().any(unhealthy)
    };
    evidence.holders = probe::holders(system, services, &evidence.managers, is_wanted);
    let health = health::judge(deployment, services, &evidence);
    (evidence, health)
}
