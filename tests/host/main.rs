//! Ring 3: the real binary on a real Debian, with the deployments laid out as their repositories do and faults injected.
//!
//! `tests/host/host` boots and throws away the machines. Whole documents are compared: what differs from run to run (times,
//! process ids, amounts) is replaced by a word first. `SNAPSHOTS=overwrite` rewrites the documents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs)]

mod actions;
mod ai_fsm;
mod anywhere;
mod attacks;
mod backup;
mod check;
mod diagnose;
mod difference;
mod discover;
mod env_files;
mod faults;
mod fondation;
mod logs;
mod machine;
mod mask;
mod mounts;
mod plugspace;
mod prim;
mod procedures;
mod releases;
mod restarts;
mod truth;
mod v_edfinance;
