//! Changing a server: a plan is made, shown and consented to; then, under a lock and in the audit trail, it is run and its
//! outcome looked at. Nothing here is taken for done because a command said so.

pub mod audit;
pub mod consent;
pub mod lock;
pub mod maintenance;
pub mod mend;
pub mod plan;
pub mod purpose;
pub mod reboot;
pub mod release;
pub mod run;
pub mod schedule;
pub mod verify;

pub use crate::registry::Risk;
