//! How grave an outage is, in a deployment's own words.

/// A severity level in the deployment's own words.
#[derive(Debug)]
pub struct Level {
    /// `P1`, `critical`, …
    pub id: &'static str,
    /// When it applies.
    pub criterion: &'static str,
    /// How soon somebody must act, as the runbook says it.
    pub response: &'static str,
    /// The same in seconds; `None` for "next business day" and the like.
    pub response_seconds: Option<u32>,
    /// What is done first.
    pub action: &'static str,
    /// Targets for repair, where the deployment states them.
    pub mttr: Option<Mttr>,
}

/// Mean-time-to-repair targets, all in seconds.
#[derive(Debug)]
pub struct Mttr {
    /// From the start to somebody knowing.
    pub detect_seconds: u32,
    /// From knowing to partial service.
    pub mitigate_seconds: u32,
    /// From partial to full service.
    pub recover_seconds: u32,
    /// All of it.
    pub total_seconds: u32,
}
