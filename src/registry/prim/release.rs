//! How prim's new versions go live.

use super::super::release::*;
use super::services::*;
use crate::registry::Service;

/// Wallet first: every paid service asks it. The repository's own deploy.sh restarts six of these.
static SERVICES: &[&Service] =
    &[&WALLET, &STORE, &FAUCET, &SPAWN, &SEARCH, &EMAIL, &TOKEN, &MEM, &DOMAIN, &TRACK, &SITE];

pub static RELEASE: Release = Release::new(SERVICES)
    .source(&["/opt/prim"])
    .branch("main")
    .build(&[
        Task::new("install dependencies")
            .program("pnpm")
            .args(&["--dir", "{source}", "install", "--frozen-lockfile"])
            .deadline_seconds(600),
        Task::new("build the payment middleware")
            .program("pnpm")
            .args(&["--dir", "{source}", "--filter", "@primsh/x402-middleware", "run", "build"])
            .deadline_seconds(300),
    ])
    .stays("databases: each service creates its tables at start, and no rollback removes them")
    .note(
        "CI delivers by rsync since 2026-02-26: without .git the new version is already on the host, and CI must \
         deliver an earlier one again",
    );
