//! What exists: deployments as data. Nothing here runs, reads or prints.
//!
//! # How to write a deployment
//! A deployment is plain `static` data. Its parts refer to each other by reference (`&'static Service`, `&'static Level`),
//! never by name, so a dangling reference does not compile. Write them in this order, a file each; every guide has an example:
//!
//! 1. [Severity levels](severity): how grave an outage is.
//! 2. [Services](service): what runs, what manages it, how its health is probed, where it logs, what it needs.
//! 3. [The deployment](deployment): the host, its checks and whom to ask. From here on `status`, `logs`, `restart`, `verify`
//!    and `diagnose` work; the rest can follow later.
//! 4. [Failures](failure): what can go wrong, what proves it, how it is fixed. [`usual`] has what any host may have.
//! 5. [Backups](backup), [the release](release), [the maintenance mode](maintenance), [procedures](procedure) and
//!    [notifications](notify).
//!
//! Each type starts from a constructor that takes what identifies it and what cannot be defaulted; methods of the same names
//! as the fields add the rest. Fields are public to be read. What is missing or does not hold together is refused when
//! [`check::deployment`] is evaluated beside the `static`, at compile time and by name; what only a walk over the whole can find
//! is in [`check::problems`], for a test. Types can get more fields and variants without breaking a registry.
//!
//! [`DEPLOYMENTS`] are those of the stock binary; [`LOCALHOST`] is what any other machine gets.

pub mod backup;
pub mod check;
pub mod deployment;
pub mod failure;
pub(crate) mod loaded;
pub mod maintenance;
pub mod notify;
pub mod procedure;
pub mod release;
pub mod service;
pub mod severity;
mod state;
pub mod usual;
mod verdict;

mod ai_fsm;
mod fondation;
mod localhost;
mod plugspace;
mod prim;
mod v_edfinance;

pub use jiff::civil::{Date, date};

pub use backup::*;
pub use deployment::*;
pub use failure::*;
pub use localhost::LOCALHOST;
pub(crate) use localhost::localhost;
pub use maintenance::*;
pub use notify::*;
pub use procedure::*;
pub use release::*;
pub use service::*;
pub use severity::*;
pub use state::State;
pub use verdict::Verdict;

/// The deployments compiled into the stock binary.
///
/// ```
/// # use opsctl::registry::*;
/// let names: Vec<&str> = DEPLOYMENTS.iter().map(|deployment| deployment.name).collect();
/// assert!(names.contains(&"prim"));
/// ```
pub static DEPLOYMENTS: &[&Deployment] =
    &[&prim::DEPLOYMENT, &fondation::DEPLOYMENT, &ai_fsm::DEPLOYMENT, &v_edfinance::DEPLOYMENT, &plugspace::DEPLOYMENT];

#[cfg(test)]
mod tests;
