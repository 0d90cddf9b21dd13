//! Proof that somebody wants what a plan does. It can only be made here, and nothing that changes a server runs without it.

use std::time::Instant;

use super::Risk;
use crate::error::{Code, Error};
use crate::program;
use crate::ui::Ui;

/// Proof of consent to one plan.
#[derive(Debug)]
pub struct Consent(());

/// Obtains consent to `what`: given beforehand with `yes`, not needed for what is safe, else asked for on the terminal.
///
/// # Errors
/// When it is declined, nobody answers until `until`, the end of the whole command's time, or there is no terminal to ask on.
pub fn obtain(until: Option<Instant>, what: &str, risk: Risk, yes: bool, blast: &[String]) -> Result<Consent, Error> {
    if yes || risk < Risk::Disruptive {
        return Ok(Consent(()));
    }
    if !Ui::can_ask() {
        let why = "needs a confirmation, but there is no terminal to ask; nothing was changed";
        let message = format!("{what} is {} and {why}", risk.label());
        let hint = format!("{} (--dry-run shows the plan)", program::again("--yes"));
        return Err(Error::refused(Code::NoConsent, message).hint(hint));
    }
    match Ui::ask(&format!("{what}?"), blast, until) {
        Some(true) => Ok(Consent(())),
        Some(false) => {
            Err(Error::refused(Code::Declined, "declined; nothing was changed").hint("--dry-run shows the plan"))
        }
        None => Err(Error::timed_out(format!("{what}: no answer before the timeout; nothing was changed"))
            .hint("raise --timeout, or confirm with --yes")),
    }
}
