//! What exists: the five deployments and `localhost`, as data. Nothing here runs, reads or prints.

mod backup;
pub mod check;
mod failure;
pub(crate) mod loaded;
mod maintenance;
mod model;
mod release;
mod state;
pub mod usual;

mod ai_fsm;
mod fondation;
mod localhost;
mod plugspace;
mod prim;
mod v_edfinance;

pub use backup::*;
pub use failure::*;
pub use localhost::LOCALHOST;
pub use model::*;
pub use release::*;
pub use state::State;

/// The deployments compiled into the stock binary.
pub static DEPLOYMENTS: &[&Deployment] =
    &[&prim::DEPLOYMENT, &fondation::DEPLOYMENT, &ai_fsm::DEPLOYMENT, &v_edfinance::DEPLOYMENT, &plugspace::DEPLOYMENT];

#[cfg(test)]
mod tests;
