//! The services whose data a set is: they rest while it is replaced, and some of them while it is copied.

use std::time::Duration;

use crate::action::lock::Lock;
use crate::action::plan::{Operation, Plan};
use crate::action::run::{self, ChangeEnd, Done};
use crate::context::Context;
use crate::error::Error;
use crate::registry::{BackupSet, Deployment};

/// The owners of a set.
pub struct Owners<'a> {
    /// Surroundings, without a deadline: what was stopped is to be started again.
    pub context: &'a Context<'a>,
    /// Where.
    pub deployment: &'static Deployment,
    /// The set.
    pub set: &'static BackupSet,
    /// How long they must stay well before that is called so.
    pub settle: Duration,
    /// Whoever calls stopped them before, and starts them.
    pub rest: bool,
    /// Plans to start or stop them, from how they are now.
    pub plan: &'a (dyn Fn(Operation) -> Result<Plan, Error> + Sync),
}

impl Owners<'_> {
    /// Starts or stops them; what came of each, and what went wrong.
    pub fn all(&self, operation: Operation, lock: &mut Lock) -> (Vec<Done>, Option<String>) {
        if self.set.owners.is_empty() || (self.rest && operation == Operation::Start) {
            return (Vec::new(), None);
        }
        let plan = match (self.plan)(operation) {
            Ok(plan) => plan,
            Err(error) => return (Vec::new(), Some(error.message)),
        };
        let settle = if operation == Operation::Stop { Duration::ZERO } else { self.settle };
        let result = run::perform(self.context, self.deployment, &plan, lock, settle);
        let wrong = result.done.iter().find(|done| !matches!(done.end, ChangeEnd::Well(_)));
        let wrong = wrong.map(|wrong| format!("{}: {}", wrong.service.name, wrong.end.summary()));
        (result.done, wrong)
    }
}
