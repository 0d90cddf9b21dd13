//! What `discover` does not find on the booted deployments, or finds and their runbooks do not state. By hand: each has a reason.

/// Deployment, kind, what, and why.
pub type Miss = (&'static str, &'static str, &'static str, &'static str);

pub const MISSES: &[Miss] = &[];
