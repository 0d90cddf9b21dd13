//! What does not run on purpose, taken into what was judged: for `status` and `diagnose`.

use std::io;
use std::time::Duration;

use crate::action::maintenance::{self, MaintenanceState, Standing};
use crate::action::purpose::{in_maintenance, recorded};
use crate::context::Context;
use crate::judge::health::{Health, purpose};
use crate::registry::{Deployment, Verdict};
use crate::report::maintenance::StandingFacts;

/// What is recorded beside what is seen.
pub struct Purposes {
    /// How it stands with maintenance, where it is not plainly off.
    pub standing: Option<Standing>,
    /// Whether the audit trail could be read. It is read only where something is not well.
    pub trail: io::Result<()>,
}

impl Purposes {
    /// How it stands with maintenance, as it is told.
    pub fn maintenance(&self, deployment: &Deployment) -> Option<StandingFacts> {
        self.standing.as_ref().map(|standing| StandingFacts::new(&deployment.maintenance, standing))
    }
}

/// Excuses what is down on purpose. Asks nobody where all is well and no maintenance was turned on.
pub fn excuse(
    context: &Context<'_>,
    deployment: &'static Deployment,
    health: &mut Health,
    limit: Duration,
) -> Purposes {
    let standing = maintenance::is_likely(context.system, deployment)
        .then(|| {
            let judged = Some(health.services.as_slice());
            maintenance::look(context.system, &context.processes(), deployment, judged, limit)
        })
        .filter(|standing| standing.state != MaintenanceState::Off);
    let wrong = health.services.iter().filter(|judged| judged.verdict != Verdict::Pass);
    let down: Vec<&str> = wrong.filter_map(|judged| Some(deployment.service(&judged.name)?.name)).collect();
    let (records, trail) = recorded(context.system, deployment, &down, standing.as_ref());
    health.in_maintenance = in_maintenance(context.system, deployment);
    purpose::excuse(deployment, health, &records);
    Purposes { standing, trail }
}
