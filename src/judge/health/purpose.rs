//! What does not run because somebody wanted that. Who wanted it is recorded elsewhere and comes here as a value; what counts as
//! proof of it is decided here.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Health, ServiceHealth, State, order};
use crate::program;
use crate::registry::{Deployment, Verdict};
use crate::units::stamp;

/// How long after the end of a change its manager may still note that a service is down.
const AFTERMATH: SignedDuration = SignedDuration::from_secs(5);

/// What keeps a service down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Maintenance is on.
    Maintenance,
    /// `opsctl stop`, the last change of it that is recorded.
    Stopped,
    /// A change of it that is under way and holds the lock.
    Change,
}

/// That somebody keeps a service down, and who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OnPurpose {
    /// What keeps it down.
    pub intent: Intent,
    /// Since when.
    pub since: Timestamp,
    /// Who wanted it.
    pub by: String,
    /// The operation that did it or does it: `stop`, `maintenance on`.
    pub operation: String,
}

/// What is recorded of a service: the last change of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Name of the service.
    pub service: &'static str,
    /// What it means, if the service is down.
    pub purpose: OnPurpose,
    /// When that was over; `None` where it lasts.
    pub ended: Option<Timestamp>,
}

impl OnPurpose {
    /// In a line: `in maintenance since 2026-11-20 03:04:05 UTC (ada)`.
    pub fn words(&self) -> String {
        let (since, by) = (stamp(self.since), &self.by);
        match self.intent {
            Intent::Maintenance => format!("in maintenance since {since} ({by})"),
            Intent::Stopped => {
                format!("stopped on purpose by {} ({by}) {since}", program::command(&self.operation))
            }
            Intent::Change => {
                format!("being changed by {} ({by}) since {since}", program::command(&self.operation))
            }
        }
    }
}

/// Takes from what is down on purpose that it is a failure: it is said, and nobody is called for it.
pub fn excuse(deployment: &Deployment, health: &mut Health, recorded: &[Recorded]) {
    let mut any = false;
    for judged in &mut health.services {
        let Some(purpose) = purpose(judged, recorded) else { continue };
        for check in judged.checks.iter_mut().filter(|check| check.verdict == Verdict::Fail) {
            check.verdict = Verdict::Warn;
        }
        judged.verdict = judged.verdict.min(Verdict::Warn);
        judged.summary = purpose.words();
        judged.health = judged.health.map(|health| health.min(Verdict::Warn));
        // It is down by itself, whatever else is.
        judged.cause = None;
        judged.on_purpose = Some(purpose);
        any = true;
    }
    if any {
        let services = std::mem::take(&mut health.services);
        let known = services.into_iter().filter_map(|judged| Some((deployment.service(&judged.name)?, judged)));
        health.services = order::arrange(deployment, known.collect());
    }
}

/// The record that accounts for the state of a service. What came down after the change was over, or ends again and again, is not
/// accounted for by it.
fn purpose(judged: &ServiceHealth, recorded: &[Recorded]) -> Option<OnPurpose> {
    let found = recorded.iter().find(|record| record.service == judged.name)?;
    let accounts = match judged.state {
        State::Stopped | State::Failed | State::Completed | State::Masked | State::NotFound | State::Skipped => {
            // pm2 notes no end; of others that is missing where it was not up since the boot, whatever was done before that.
            let noted = judged.manager.as_deref() != Some("pm2");
            match (found.ended, judged.since) {
                (Some(ended), Some(since)) if noted => since.duration_since(ended) <= AFTERMATH,
                (Some(_), None) => !noted,
                (_, _) => true,
            }
        }
        // A change that is under way may be between any two states.
        State::Stopping | State::Starting | State::Restarting | State::Unmanaged => found.ended.is_none(),
        State::Running | State::Waiting | State::Partial | State::CrashLoop | State::Paused | State::Unknown => false,
    };
    (accounts && judged.verdict != Verdict::Pass).then(|| found.purpose.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::health::{About, Check};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap_or_default()
    }

    fn judged(state: State, since: Option<i64>) -> ServiceHealth {
        ServiceHealth {
            origin: crate::registry::Origin::Stated,
            name: "wallet".into(),
            manager: Some("systemd".into()),
            unit: None,
            verdict: Verdict::Fail,
            state,
            health: Some(Verdict::Fail),
            since: since.map(at),
            restarts: None,
            pid: None,
            memory_bytes: None,
            port: None,
            endpoint: None,
            severity: "P1".into(),
            respond: "now".into(),
            summary: "stopped".into(),
            note: None,
            cause: Some("redis".into()),
            dependants: Vec::new(),
            port_owner: None,
            on_purpose: None,
            checks: vec![Check {
                source: "systemd".into(),
                verdict: Verdict::Fail,
                summary: "stopped".into(),
                command: crate::host::tools::command::Command::default(),
                about: About::Other,
                needs_root: false,
            }],
        }
    }

    fn record(intent: Intent, ended: Option<i64>) -> Recorded {
        let purpose = OnPurpose { intent, since: at(0), by: "ada".into(), operation: "stop wallet".into() };
        Recorded { service: "wallet", purpose, ended: ended.map(at) }
    }

    /// Whether a stop that ended at second 10 accounts for a service in this state since then.
    #[test]
    fn only_what_went_down_with_the_stop_was_stopped_by_it() {
        use State::{Completed, CrashLoop, Failed, Restarting, Running, Stopped};
        let table = [
            (Stopped, Some(9), true),
            (Stopped, Some(14), true),
            (Stopped, Some(16), false),
            (Stopped, None, false),
            // It ended with 143, which systemd counts as a failure.
            (Failed, Some(9), true),
            (Failed, Some(60), false),
            (Completed, Some(9), true),
            (CrashLoop, Some(9), false),
            (Restarting, Some(9), false),
            (Running, Some(9), false),
        ];
        for (state, since, wanted) in table {
            let mut health = Health {
                services: vec![judged(state, since)],
                absent: Vec::new(),
                units: Vec::new(),
                host: None,
                in_maintenance: Vec::new(),
            };
            excuse(crate::registry::DEPLOYMENTS[0], &mut health, &[record(Intent::Stopped, Some(10))]);
            let found = &health.services[0];
            assert_eq!(found.on_purpose.is_some(), wanted, "{state:?} {since:?}");
            assert_eq!(found.verdict, if wanted { Verdict::Warn } else { Verdict::Fail }, "{state:?} {since:?}");
        }
    }

    #[test]
    fn what_is_being_changed_may_be_between_two_states_and_others_are_judged_as_ever() {
        let told = |state, record: Recorded| {
            let mut health = Health {
                services: vec![judged(state, Some(500))],
                absent: Vec::new(),
                units: Vec::new(),
                host: None,
                in_maintenance: Vec::new(),
            };
            excuse(crate::registry::DEPLOYMENTS[0], &mut health, &[record]);
            health.services.remove(0).summary
        };
        assert_eq!(
            told(State::Starting, record(Intent::Change, None)),
            "being changed by opsctl stop wallet (ada) since 2026-11-18 11:06:40 UTC"
        );
        assert_eq!(
            told(State::Stopped, record(Intent::Maintenance, None)),
            "in maintenance since 2026-11-18 11:06:40 UTC (ada)"
        );
        assert_eq!(told(State::CrashLoop, record(Intent::Change, None)), "stopped");
        assert_eq!(told(State::Stopped, Recorded { service: "redis", ..record(Intent::Change, None) }), "stopped");
    }
}
