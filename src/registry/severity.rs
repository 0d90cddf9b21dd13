//! Severity levels: how grave an outage is, in a deployment's own words.
//!
//! # How to write the severity levels of a deployment
//! One `static` each, worst first in [`Deployment::new`](super::Deployment::new); services, host checks, failures and causes
//! refer to them. Take them from the runbook's table of severities, in its own words.
//!
//! ```
//! use opsctl::registry::Level;
//!
//! static DOWN: Level = Level::new("P1")
//!     .criterion("nobody can order")
//!     .response("now")
//!     .response_seconds(0)
//!     .action("restart the shop, then read its log");
//! ```

/// A severity level in the deployment's own words.
///
/// ```
/// # use opsctl::registry::*;
/// static DOWN: Level = Level::new("P1")
///     .criterion("nobody can order")
///     .response("now")
///     .response_seconds(0)
///     .action("restart the shop, then read its log");
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Level {
    /// `P1`, `critical`, …
    pub id: &'static str,
    /// When it applies.
    pub criterion: &'static str,
    /// How soon somebody must act, as the runbook words it.
    pub response: &'static str,
    /// The same in seconds; `None` for "next business day" and the like.
    pub response_seconds: Option<u32>,
    /// What is done first.
    pub action: &'static str,
    /// Targets for repair; `None` where the deployment states none.
    pub mttr: Option<Mttr>,
}

impl Level {
    /// A level of this id, such as `P1` or `critical`, as the runbook calls it. [`criterion`](Self::criterion),
    /// [`response`](Self::response) and [`action`](Self::action) must follow.
    pub const fn new(id: &'static str) -> Self {
        Level { id, criterion: "", response: "", response_seconds: None, action: "", mttr: None }
    }

    /// When it applies, one line: `nobody can order`. Required.
    pub const fn criterion(mut self, text: &'static str) -> Self {
        self.criterion = text;
        self
    }

    /// How soon somebody must act, as the runbook words it: `within 15 min`. Required.
    pub const fn response(mut self, text: &'static str) -> Self {
        self.response = text;
        self
    }

    /// The same in seconds. Left out where it is no span of time, such as "next business day".
    pub const fn response_seconds(mut self, seconds: u32) -> Self {
        self.response_seconds = Some(seconds);
        self
    }

    /// What is done first, an imperative. Required.
    pub const fn action(mut self, text: &'static str) -> Self {
        self.action = text;
        self
    }

    /// Targets for repair, where the runbook states them.
    pub const fn mttr(mut self, targets: Mttr) -> Self {
        self.mttr = Some(targets);
        self
    }
}

/// Mean-time-to-repair targets, all in seconds and above 0.
///
/// ```
/// # use opsctl::registry::*;
/// let targets = Mttr::total_seconds(1800).detect_seconds(300).mitigate_seconds(900).recover_seconds(600);
/// ```
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Mttr {
    /// From the start of the outage to detection.
    pub detect_seconds: u32,
    /// From detection to partial service.
    pub mitigate_seconds: u32,
    /// From partial to full service.
    pub recover_seconds: u32,
    /// From the start of the outage to full service.
    pub total_seconds: u32,
}

impl Mttr {
    /// So many seconds from the start of the outage to full service. The three parts must follow.
    pub const fn total_seconds(seconds: u32) -> Self {
        Mttr { detect_seconds: 0, mitigate_seconds: 0, recover_seconds: 0, total_seconds: seconds }
    }

    /// From the start of the outage to detection. Required.
    pub const fn detect_seconds(mut self, seconds: u32) -> Self {
        self.detect_seconds = seconds;
        self
    }

    /// From detection to partial service. Required.
    pub const fn mitigate_seconds(mut self, seconds: u32) -> Self {
        self.mitigate_seconds = seconds;
        self
    }

    /// From partial to full service. Required.
    pub const fn recover_seconds(mut self, seconds: u32) -> Self {
        self.recover_seconds = seconds;
        self
    }
}
