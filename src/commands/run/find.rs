//! The procedure that a word of the command line means.

use crate::error::{Code, Error};
use crate::registry::{Deployment, Procedure};
use crate::report::procedure::verb_command;

/// The procedure of steps; for what a verb does, the error that names the command.
pub(super) fn find(deployment: &'static Deployment, word: &str) -> Result<&'static Procedure, Error> {
    if let Some(procedure) = deployment.procedure(word) {
        return Ok(procedure);
    }
    if let Some(verb) = deployment.verb(word) {
        let message = format!("{} has no steps to run: a verb does it; nothing was changed", verb.slug);
        return Err(Error::usage(Code::Usage, message).hint(verb_command(deployment, verb)));
    }
    let known = deployment.all_procedures().map(|procedure| procedure.slug);
    Err(Error::no_such(Code::UnknownProcedure, &format!("procedure of {}", deployment.name), word, known))
}
