//! What exists: the five deployments and `localhost`, as data. Nothing here runs, reads or prints.

mod backup;
pub mod check;
mod deployment;
mod failure;
pub(crate) mod loaded;
mod maintenance;
mod release;
mod service;
mod severity;
mod state;
pub mod usual;
mod verdict;

mod ai_fsm;
mod fondation;
mod localhost;
mod plugspace;
mod prim;
mod v_edfinance;

pub use backup::*;
pub use deployment::*;
pub use failure::*;
pub use localhost::LOCALHOST;
pub use maintenance::{Maintenance, Page, Stop};
pub use release::*;
pub use service::*;
pub use severity::*;
pub use state::State;
pub use verdict::Verdict;

/// The deployments compiled into the stock binary.
pub static DEPLOYMENTS: &[&Deployment] =
    &[&prim::DEPLOYMENT, &fondation::DEPLOYMENT, &ai_fsm::DEPLOYMENT, &v_edfinance::DEPLOYMENT, &plugspace::DEPLOYMENT];

#[cfg(test)]
mod tests;
