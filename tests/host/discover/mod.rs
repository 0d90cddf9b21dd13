//! What `discover` finds by itself: held against the runbooks of five deployments (`recall`), on a host with one service of its own
//! (`own`), on one that is hostile (`hostile`), as Rust that compiles (`program`), and on hosts as other people have them (`layouts`).

/// A unit of this test host, which no server has.
const HARNESS: &str = "test-host-cgroups";

mod hostile;
mod layouts;
mod misses;
mod own;
mod program;
mod recall;
