//! What `discover` does not find on the booted deployments, or finds and their runbooks do not state. By hand: each has a reason.

/// Deployment, kind, what, and why.
pub type Miss = (&'static str, &'static str, &'static str, &'static str);

const BUILT_IN: &str =
    "the address of the API is built into the pages that it serves: no file, socket or route of this host shows it";
pub const MISSES: &[Miss] = &[
    ("plugspace", "needs", "plugspace-studio -> plugspace-api", BUILT_IN),
    ("plugspace", "needs", "plugspace-admin -> plugspace-api", BUILT_IN),
    (
        "plugspace",
        "false needs",
        "plugspace-voice -> mongodb",
        "the repository's env file, which all applications share, names its port; the runbook knows that voice does not use it",
    ),
];
