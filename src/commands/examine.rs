//! The state of services as `status`, `diagnose` and `verify` see it: what every source reports, and what it comes to.

use std::thread;
use std::time::Duration;

use crate::host::exec::Runner;
use crate::host::system::System;
use crate::host::threads::{join, task};
use crate::judge::health::{self, Health, ServiceHealth};
use crate::observe::clues::ahead::{self, Ahead};
use crate::observe::probe::{self, Door, Evidence};
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
    // What answers where several look for it answers for one of them.
    let here = |service: &Service| health.services.iter().any(|judged| judged.name == service.name);
    let is_wanted = |service: &Service| {
        let unhealthy = |judged: &ServiceHealth| judged.name == service.name && judged.verdict != Verdict::Pass;
        let same_port = |other: &&Service| {
            other.name != service.name && other.ports.first() == service.ports.first() && here(other)
        };
        let contested = !service.ports.is_empty() && services.iter().copied().any(|other| same_port(&other));
        extent == Extent::Ports || service.probes.is_empty() || contested || health.services.iter().any(unhealthy)
    };
    probe::look_for_listeners(system, runner, services, &mut evidence, limit, is_wanted);
    let health = health::judge(deployment, services, &evidence);
    (evidence, health)
}

/// The same, and beside it what is wanted ahead.
pub fn examine_with(
    system: &System,
    runner: &dyn Runner,
    deployment: &'static Deployment,
    services: &[&'static Service],
    extent: Extent,
    limit: Duration,
    wanted: ahead::Wanted,
) -> (Evidence, Health, Ahead) {
    thread::scope(|scope| {
        let ahead = task(scope, || ahead::ask(Door::new(system, runner, limit), deployment, wanted));
        let (evidence, health) = examine(system, runner, deployment, services, extent, limit);
        (evidence, health, join(ahead))
    })
}
