//! Ring 2: the whole command line on machines that are made up, with recording stand-ins for the tools and for the
//! services. What was run, what was printed and the exit code are compared as one text; `SNAPSHOTS=overwrite` rewrites
//! the texts in `transcripts/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod machine;
mod plugspace;
mod prim;
mod procedures;
mod servers;
mod transcript;

mod actions;
mod backup;
mod check;
mod demo;
mod diagnose;
mod diagnose_bundle;
mod diagnose_containers;
mod diagnose_databases;
mod diagnose_truth;
mod discover;
mod documents;
mod examples;
mod faults;
mod generated;
mod hangs;
mod invalid_registry;
mod limits;
mod logs;
mod monitoring;
mod picture;
mod promises;
mod reader;
mod readme;
mod registry;
mod releases;
mod rooms;
mod security;
mod status;
mod streams;
mod terminal;
mod truth;
mod usage;
mod watch;
mod widths;
mod words;
