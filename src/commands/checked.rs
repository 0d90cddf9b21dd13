//! What earlier checks have recorded, for verbs that show it.

use crate::alert::{Moment, store};
use crate::context::Context;
use crate::registry::Deployment;
use crate::report::checked::CheckedFacts;

/// How often checks come; `None` where none was recorded, or the record is root's alone.
pub fn checked(context: &Context<'_>, deployment: &Deployment) -> Option<CheckedFacts> {
    let record = store::read(context.system, deployment).ok()?;
    CheckedFacts::of(&record, &Moment::now(context.system))
}
