//! Proof that somebody wants what a plan does. It can only be made here, and nothing that changes a server runs without it.

use super::Risk;
use crate::error::Error;
use crate::exit::Exit;
use crate::ui::Ui;

/// Proof of consent to one plan.
#[derive(Debug)]
pub struct Consent(());

/// Obtains consent to `what`: given beforehand with `yes`, not needed for what is safe, else asked for on the terminal.
///
/// # Errors
/// When it is declined, or there is no terminal to ask on.
pub fn obtain(what: &str, risk: Risk, yes: bool, blast: &[String]) -> Result<Consent, Error> {
    if yes || risk < Risk::Disruptive {
        return Ok(Consent(()));
    }
    let refused =
        |code, message: String, hint: &str| Error { exit: Exit::Refused, code, message, hint: Some(hint.to_owned()) };
    if !Ui::can_ask() {
        let message = format!("{what} is {} and nobody is here to be asked; nothing was changed", risk.label());
        return Err(refused("no_consent", message, "consent with --yes; --dry-run shows what would be done"));
    }
    match Ui::ask(&format!("{what}?"), blast) {
        true => Ok(Consent(())),
        false => {
            Err(refused("declined", "declined; nothing was changed".to_owned(), "--dry-run shows what would be done"))
        }
    }
}
