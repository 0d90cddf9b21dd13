//! What the runbook of fondation has an operator do, and verbs of opsctl do.

use crate::registry::*;

pub(super) static VERBS: &[VerbProcedure] = &[VerbProcedure::new("rollback", &["rollback"], Risk::Disruptive)
    .summary("return to the image before")
    .section("Rollback Deployment")
    .when("jobs fail since a new image runs")
    .note(
        "the runbook needs a tag previous that nothing of it makes: opsctl redeploy makes it before each switch; opsctl \
         rollback --list shows which images worked. Convex functions are rolled back separately: npx convex deploy of the \
         earlier commit",
    )];
