//! Alerting: which changes of state a person has to know about, and how they are sent. `state` (PURE) turns one check after another into
//! events, `store` keeps what is known between checks, `channel/` (PURE) words events for each receiver, `deliver` sends them.

pub mod channel;
pub mod deliver;
pub mod forecast;
pub mod heartbeat;
pub mod observation;
pub mod queue;
pub mod settings;
pub mod silences;
pub mod state;
pub mod status_files;
pub mod store;
pub mod subject;
pub mod textfile;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::Verdict;

/// A moment by the wall clock, and by the clock of the boot, which no correction of the time changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The time.
    pub time: Timestamp,
    /// The id of the boot.
    pub boot: String,
    /// Seconds since that boot.
    pub uptime_seconds: u64,
}

impl Moment {
    /// How many seconds have passed since an earlier moment: by the clock of the boot where both are of the same one. A wall clock that
    /// was set back counts as no time at all.
    pub fn seconds_since(&self, earlier: &Moment) -> u64 {
        if self.boot == earlier.boot {
            return self.uptime_seconds.saturating_sub(earlier.uptime_seconds);
        }
        u64::try_from(self.time.duration_since(earlier.time).as_secs()).unwrap_or(0)
    }
}

/// What kind of thing was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A service.
    Service,
    /// How full a file system is, or will be.
    Disk,
    /// A certificate.
    Certificate,
    /// The age of a backup set's newest verified copy.
    Backup,
    /// Another check of the host.
    Host,
    /// A finding of `status`, such as a job that does not run.
    Finding,
    /// What differs between registry and host.
    Drift,
    /// A channel that takes no messages.
    Channel,
}

/// What an event reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// It failed, or a warning began.
    Failed,
    /// A warning became a failure.
    Worse,
    /// It still fails, and it is time to report that again.
    Reminder,
    /// It is healthy again.
    Recovered,
    /// It changes between healthy and failed; nothing more is sent until it is stable.
    Flapping,
    /// It is stable again after flapping, in the state that `verdict` says.
    Stable,
    /// It could not be checked several times in a row.
    Unknown,
    /// Somebody tries the channel.
    Test,
}

/// A change of state that a person has to know about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The same for every event of one incident: `prim/wallet/1795000000`.
    pub incident: String,
    /// What it reports.
    pub kind: EventKind,
    /// The service, mount point, certificate, …: `wallet`, `disk /`.
    pub subject: String,
    /// What kind of thing that is.
    pub class: Class,
    /// Its state now.
    pub verdict: Verdict,
    /// What is wrong, in one line; of a recovery what was wrong.
    pub summary: String,
    /// The deployment's severity level.
    pub severity: String,
    /// How soon that level requires a response.
    pub respond: String,
    /// How urgent that level is: 0 for the worst of the deployment, 255 for the least.
    pub rank: u8,
    /// Since when it is (or was) failing.
    pub since: Timestamp,
    /// For how long, seconds.
    pub lasted_seconds: u64,
    /// Services that it affects.
    pub affects: Vec<String>,
    /// The first command to run.
    pub next: String,
}

/// Who sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The deployment.
    pub deployment: String,
    /// The host.
    pub host: String,
    /// The time.
    pub time: Timestamp,
    /// How to get to the host, such as `ssh root@192.0.2.7`.
    pub ssh: Option<String>,
}
